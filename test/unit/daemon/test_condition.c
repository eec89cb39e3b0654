// The status patch, byte for byte. Neighbours: daemon/condition.c.
#include "../check_main.h"

#include <stdlib.h>

#include "daemon/condition.h"

static const struct cs_time now = { .boot = 5, .wall = INT64_C(1795222923000004005) };

static char *patch_of(const struct cs_pod *pod, const char *reason, const char *message)
{
	struct cs_buffer out;
	cs_buffer_init(&out, 1 << 16);
	cs_condition_patch(pod, now,
			   &(struct cs_scheduler_status){ .reason = reason, .message = message },
			   &out);
	return out.data;
}

START_TEST(first_time)
{
	struct cs_pod pod = { .generation = 3 };
	char *patch = patch_of(&pod, "Unschedulable", "0/1 nodes are \"available\".");
	ck_assert_str_eq(patch,
			 "{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
			 "\"False\",\"reason\":\"Unschedulable\",\"message\":"
			 "\"0/1 nodes are \\\"available\\\".\",\"observedGeneration\":3,"
			 "\"lastProbeTime\":null,"
			 "\"lastTransitionTime\":\"2026-11-21T01:02:03Z\"}]}}");
	free(patch);
}
END_TEST

// The status stays False: the time of transition stays as it is.
START_TEST(other_words)
{
	struct cs_pod pod = { .generation = 1, .condition_reason = (char *)"SchedulingGated" };
	char *patch = patch_of(&pod, "SchedulerError", "x");
	ck_assert_str_eq(patch,
			 "{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
			 "\"False\",\"reason\":\"SchedulerError\",\"message\":\"x\","
			 "\"observedGeneration\":1}]}}");
	free(patch);
}
END_TEST

START_TEST(a_nomination_is_dropped)
{
	struct cs_pod pod = { .generation = 1, .condition_reason = (char *)"Unschedulable" };
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 1 << 16);
	cs_condition_patch(&pod, now, &(struct cs_scheduler_status){ .drop_nomination = true },
			   &out);
	ck_assert_str_eq(out.data, "{\"status\":{\"nominatedNodeName\":null}}");
	cs_buffer_clear(&out);
	cs_condition_patch(&pod, now,
			   &(struct cs_scheduler_status){ .reason = "Unschedulable",
							  .message = "x",
							  .drop_nomination = true },
			   &out);
	ck_assert_str_eq(out.data,
			 "{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":"
			 "\"False\",\"reason\":\"Unschedulable\",\"message\":\"x\","
			 "\"observedGeneration\":1}],\"nominatedNodeName\":null}}");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("condition");
	TCase *tcase = tcase_create("condition");
	tcase_add_test(tcase, first_time);
	tcase_add_test(tcase, other_words);
	tcase_add_test(tcase, a_nomination_is_dropped);
	suite_add_tcase(suite, tcase);
	return suite;
}
