// What the Metrics API answers. Neighbours: lib/load/metrics_api.c.
#include "load/metrics_api.h"

#include <errno.h>

#include "../check_main.h"
#include <csched/base/clock.h>
#include <csched/base/memory.h>

#define CPU    3
#define MEMORY 5

static const struct cs_source both = {
	.kind = CS_SOURCE_METRICS_API, .name = "metrics", .cpu = CPU, .memory = MEMORY, .pods = true
};

#define NODES(items)                                                               \
	"{\"kind\":\"NodeMetricsList\",\"apiVersion\":\"metrics.k8s.io/v1beta1\"," \
	"\"metadata\":{},\"items\":[" items "]}"
#define PODS(items) \
	"{\"kind\":\"PodMetricsList\",\"metadata\":{\"continue\":\"\"},\"items\":[" items "]}"
#define NODE(name, rest) "{\"metadata\":{\"name\":\"" name "\"}," rest "}"
#define WHEN             "\"timestamp\":\"2026-11-21T08:00:00Z\",\"window\":\"20.062s\","
#define WALL             (INT64_C(1795248000) * CS_SECOND)

static struct cs_part *part;
static struct cs_error err;
static char *more;

static int read_answer(const struct cs_source *source, bool pods, const char *text)
{
	free(more);
	cs_part_destroy(part);
	part = cs_part_create(pods);
	return cs_metrics_api_read(source, cs_slice_of(text), part, &more, &err);
}

static void teardown(void)
{
	cs_part_destroy(part);
	part = NULL;
	free(more);
	more = NULL;
}

// As metrics-server 0.9 answers: nanocores and kibibytes.
START_TEST(nodes_as_metrics_server_has_them)
{
	int r = read_answer(
		&both, false,
		NODES(NODE("a",
			   WHEN "\"usage\":{\"cpu\":\"137268452n\",\"memory\":"
				"\"1205940Ki\"}") "," NODE("b", WHEN "\"usage\":{\"cpu\":\"2\","
								     "\"memory\":\"1Gi\"}")));
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_ptr_null(more);
	ck_assert_uint_eq(part->n_items, 2);
	ck_assert_uint_eq(part->n_samples, 4);
	ck_assert_str_eq(part->samples[0].node, "a");
	ck_assert_uint_eq(part->samples[0].metric, CPU);
	ck_assert_double_eq(part->samples[0].value, 137.268452);
	ck_assert_int_eq(part->samples[0].taken, WALL);
	ck_assert_int_eq(part->samples[0].window, INT64_C(20062) * CS_MILLISECOND);
	ck_assert_uint_eq(part->samples[1].metric, MEMORY);
	ck_assert_double_eq(part->samples[1].value, 1205940.0 * 1024);
	ck_assert_str_eq(part->samples[3].node, "b");
	ck_assert_double_eq(part->samples[2].value, 2000);
	ck_assert_double_eq(part->samples[3].value, 1073741824.0);
	ck_assert_int_eq(part->newest, WALL);
	ck_assert_int_eq(part->oldest, WALL);
}
END_TEST

START_TEST(a_pod_uses_what_its_containers_use)
{
	int r = read_answer(&both, true,
			    PODS("{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\"}," WHEN
				 "\"containers\":[{\"name\":\"x\",\"usage\":{\"cpu\":\"100m\","
				 "\"memory\":\"1Mi\"}},{\"name\":\"y\",\"usage\":{\"cpu\":\"0\","
				 "\"memory\":\"2Mi\"}}]}"));
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_uint_eq(part->n_samples, 0);
	ck_assert_uint_eq(part->n_pods, 2);
	ck_assert_str_eq(part->pods[0].namespace, "ns");
	ck_assert_str_eq(part->pods[0].name, "p");
	ck_assert_double_eq(part->pods[0].value, 100);
	ck_assert_double_eq(part->pods[1].value, 3.0 * 1024 * 1024);
}
END_TEST

START_TEST(a_metric_that_is_not_asked_for_is_left)
{
	struct cs_source cpu_alone = both;
	cpu_alone.memory = CS_SOURCE_NO_METRIC;
	ck_assert_int_eq(
		read_answer(&cpu_alone, false,
			    NODES(NODE("a", WHEN "\"usage\":{\"cpu\":\"1\",\"memory\":\"1\"}"))),
		0);
	ck_assert_uint_eq(part->n_samples, 1);
	// and what the answer has not is none
	ck_assert_int_eq(
		read_answer(&both, false, NODES(NODE("a", WHEN "\"usage\":{\"cpu\":\"1\"}"))), 0);
	ck_assert_uint_eq(part->n_samples, 1);
}
END_TEST

START_TEST(pages)
{
	ck_assert_int_eq(read_answer(&both, false,
				     "{\"kind\":\"NodeMetricsList\",\"items\":[],"
				     "\"metadata\":{\"continue\":\"a b\"}}"),
			 0);
	ck_assert_str_eq(more, "a b");
}
END_TEST

static const struct {
	const char *item;
	const char *words;
} unreadable[] = {
	{ NODE("a", "\"usage\":{\"cpu\":\"1\"}"), "a: no timestamp" },
	{ NODE("a", "\"timestamp\":\"yesterday\",\"usage\":{}"), "a: timestamp: " },
	{ NODE("a", "\"timestamp\":\"2026-11-21T08:00:00Z\",\"window\":\"20\",\"usage\":{}"),
	  "a: window: " },
	{ NODE("a", WHEN "\"usage\":{\"cpu\":\"much\"}"), "a: usage.cpu: " },
	{ NODE("a", WHEN "\"usage\":[]"), "a: no usage" },
	{ "{\"metadata\":{}}", "no metadata.name" },
	{ "null", "no metadata.name" },
	{ "3", "no metadata.name" },
};

// One that cannot be read leaves the others alone.
START_TEST(items_that_cannot_be_read)
{
	CS_AUTO_FREE char *text = cs_asprintf(
		NODES("%s," NODE("b", WHEN "\"usage\":{\"cpu\":\"1\"}")), unreadable[_i].item);
	ck_assert_int_eq(read_answer(&both, false, text), 0);
	ck_assert_uint_eq(part->n_samples, 1);
	ck_assert_uint_eq(part->n_items, 2);
	ck_assert_uint_eq(part->n_unreadable, 1);
	ck_assert_msg(cs_string_prefix(part->unreadable, unreadable[_i].words), "%s",
		      part->unreadable);
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} refused[] = {
	{ "", "the answer is not JSON: " },
	{ "<html>", "the answer is not JSON: " },
	{ "[]", "the answer is no NodeMetricsList: kind is \"\"" },
	{ "{\"kind\":\"Status\"}", "the answer is no NodeMetricsList: kind is \"Status\"" },
	{ PODS(""), "the answer is no NodeMetricsList: kind is \"PodMetricsList\"" },
	{ NODES("{]"), "the answer is not JSON: line 1, column " },
};

START_TEST(answers_that_are_none)
{
	ck_assert_int_eq(read_answer(&both, false, refused[_i].text), -EINVAL);
	ck_assert_msg(cs_string_prefix(err.text, refused[_i].words), "%s", err.text);
	ck_assert_ptr_null(more);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("metrics_api");
	TCase *tcase = tcase_create("metrics_api");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, nodes_as_metrics_server_has_them);
	tcase_add_test(tcase, a_pod_uses_what_its_containers_use);
	tcase_add_test(tcase, a_metric_that_is_not_asked_for_is_left);
	tcase_add_test(tcase, pages);
	tcase_add_loop_test(tcase, items_that_cannot_be_read, 0, CS_ARRAY_LENGTH(unreadable));
	tcase_add_loop_test(tcase, answers_that_are_none, 0, CS_ARRAY_LENGTH(refused));
	suite_add_tcase(suite, tcase);
	return suite;
}
