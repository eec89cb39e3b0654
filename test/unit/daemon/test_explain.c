// What `c-sched explain` prints of an answer. Neighbours: lib/daemon/explain.c.
#include <csched/daemon/explain.h>

#include <string.h>

#include <csched/base/memory.h>

#include "../check_main.h"

static struct cs_buffer out;

static const char *print(const char *answer, const struct cs_explain_options *options)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct cs_error err;
	ck_assert_msg(cs_value_read_json(cs_slice_of(answer), &tree, &err) == 0, "%s", err.text);
	cs_buffer_finish(&out);
	cs_buffer_init(&out, 1 << 20);
	cs_explain_print(tree, options, &out);
	return out.data;
}

static void teardown(void)
{
	cs_buffer_finish(&out);
}

#define PLAIN (&(struct cs_explain_options){ 0 })

#define DECISION                                                                                         \
	"{\"number\":4,\"atUnixNano\":5000000000,\"attempt\":2,\"tookNano\":1500,"                       \
	"\"decision\":\"scheduled\",\"node\":\"a\",\"nodes\":3,\"feasibleNodes\":2,"                     \
	"\"rejections\":[{\"plugin\":\"Fit\",\"nodes\":1}],\"weights\":{\"Fit\":1,\"Load\":2,"           \
	"\"Other\":1},\"candidates\":["                                                                  \
	"{\"node\":\"a\",\"total\":110,\"scores\":{\"Fit\":50,\"Load\":30},"                             \
	"\"load\":{\"cpu\":{\"load\":500,\"capacity\":2000,\"quality\":1,\"state\":"                     \
	"\"fresh\",\"sampledUnixNano\":2000000000},\"rate\":{\"load\":7.5,\"capacity\":0,\"quality\":1," \
	"\"sampledUnixNano\":0}}},"                                                                      \
	"{\"node\":\"a-very-long-name-of-a-node-b\",\"total\":90,\"scores\":{\"Fit\":70,"                \
	"\"Load\":10},\"load\":{\"cpu\":{\"load\":0,\"capacity\":2000,\"quality\":0,"                    \
	"\"state\":\"missing\",\"sampledUnixNano\":0}}}]}"

START_TEST(a_decision)
{
	const char *text = print("{\"pod\":\"n/p\",\"atUnixNano\":65000000000,\"state\":\"bound\","
				 "\"node\":\"a\",\"decisions\":[" DECISION "]}",
				 &(struct cs_explain_options){ .node = "a" });
	ck_assert_str_eq(text,
			 "Pod n/p: bound on a\n"
			 "\n"
			 "Decision 4, 60 s ago, attempt 2, 1.5 us: scheduled to a\n"
			 "  2 of 3 nodes could take the pod; rejected by Fit 1.\n"
			 "\n"
			 "  PLUGIN                             WEIGHT                       a"
			 "  ..ong-name-of-a-node-b\n"
			 "  Fit                                     1                      50"
			 "                      70\n"
			 "  Load                                    2                      30"
			 "                      10\n"
			 "  total                                                         110"
			 "                      90\n"
			 "  load and age of its sample: cpu                            25% 3s"
			 "                       -\n"
			 "  load and age of its sample: rate                              7.5"
			 "                       -\n"
			 "  cpu of a-very-long-name-of-a-node-b: the sample is missing, and "
			 "counts for 0%.\n"
			 "\n"
			 "  a came before a-very-long-name-of-a-node-b by 20: Fit -20, Load +40.\n"
			 "  a: Fit 50 x 1 + Load 30 x 2 = 110\n");
}
END_TEST

// As a StatefulSet's pod that was deleted and made again.
START_TEST(of_an_earlier_pod_of_that_name)
{
	static const char answer[] =
		"{\"uid\":\"%s\",\"now\":{\"weights\":{\"Fit\":1},\"onNode\":{\"node\":\"a\","
		"\"fits\":true,\"total\":5,\"scores\":{\"Fit\":5},\"formulas\":{\"Fit\":\"10 / 2 "
		"= 5\"}}},\"decisions\":[{\"uid\":\"u1\",\"number\":4,\"decision\":\"scheduled\","
		"\"candidates\":[{\"node\":\"a\",\"scores\":{\"Fit\":7}}]}]}";
	CS_AUTO_FREE char *same = cs_asprintf(answer, "u1");
	CS_AUTO_FREE char *other = cs_asprintf(answer, "u2");
	const char *text = print(same, PLAIN);
	ck_assert_ptr_nonnull(strstr(text, "    Fit 5 (7 at decision 4): 10 / 2 = 5\n"));
	ck_assert_ptr_null(strstr(text, "earlier pod"));
	text = print(other, PLAIN);
	ck_assert_ptr_nonnull(strstr(text, "    Fit 5: 10 / 2 = 5\n"));
	ck_assert_ptr_nonnull(strstr(text,
				     "\nDecision 4, 0 ms ago, about an earlier pod of that name, "
				     "attempt 0, 0.0 us: scheduled\n"));
}
END_TEST

START_TEST(of_a_node_that_was_not_among_the_best)
{
	const char *text = print("{\"decisions\":[" DECISION "]}",
				 &(struct cs_explain_options){ .node = "z" });
	ck_assert_ptr_nonnull(strstr(text, "  z was not among the best: of other nodes nothing is "
					   "remembered.\n"));
}
END_TEST

START_TEST(in_colour)
{
	const char *text = print("{\"decisions\":[" DECISION "]}",
				 &(struct cs_explain_options){ .color = true });
	ck_assert_ptr_nonnull(strstr(text, "\x1b[38;5;226m"));
	ck_assert_ptr_nonnull(strstr(text, "\x1b[38;5;154m"));
	ck_assert_ptr_null(strstr(print("{\"decisions\":[" DECISION "]}", PLAIN), "\x1b"));
}
END_TEST

START_TEST(what_would_be_decided_now)
{
	const char *text = print(
		"{\"pod\":\"n/p\",\"atUnixNano\":9000000000,\"state\":\"pending\","
		"\"queue\":\"unschedulable\",\"attempts\":3,\"asks\":{\"cpu\":6},\"now\":{"
		"\"decision\":"
		"\"unschedulable\","
		"\"nodes\":6,\"feasibleNodes\":0,\"message\":\"0/6 nodes are available: ...\","
		"\"rejected\":[{\"plugin\":\"Fit\",\"reasons\":[\"Insufficient cpu\","
		"\"Too many pods\"],\"nodes\":5,\"examples\":[\"a\",\"b\",\"c\"]},"
		"{\"plugin\":\"\",\"reasons\":[\"left out\"],\"nodes\":1,\"examples\":[\"d\"]}],"
		"\"candidates\":[],\"onNode\":{\"node\":\"a\",\"fits\":false,\"plugin\":\"Fit\","
		"\"reasons\":[\"Insufficient cpu\",\"Too many "
		"pods\"],\"pods\":7,\"maxPods\":8,\"allocatable\":{\"cpu\":9},\"requested\":{"
		"\"cpu\":5},\"load\":{\"cpu\":{"
		"\"unit\":\"m\",\"load\":500,\"capacity\":2000,\"sample\":400,\"inFlight\":100,"
		"\"quality\":1,\"state\":\"fresh\",\"sampledUnixNano\":2000000000}}}}}",
		PLAIN);
	ck_assert_str_eq(text,
			 "Pod n/p: pending, queue unschedulable, attempts 3\n"
			 "\n"
			 "Decided now: unschedulable; 0 of 6 nodes could take the pod.\n"
			 "  0/6 nodes are available: ...\n"
			 "      5 nodes  Fit: Insufficient cpu, Too many pods (a, b, c, ...)\n"
			 "      1 node   left out (d)\n"
			 "  a cannot take the pod: Fit: Insufficient cpu, Too many pods\n"
			 "  cpu: 5 of 9 are requested, the pod asks for 6\n"
			 "  pods: 7 of 8\n"
			 "  cpu (m): 500 of 2000 = sample 400 (7 s old, fresh) and +100 for pods "
			 "that came and "
			 "left since\n");
}
END_TEST

START_TEST(in_numbers)
{
	const char *text = print(
		"{\"pod\":\"n/p\",\"atUnixNano\":65000000000,\"state\":\"bound\",\"node\":\"a\","
		"\"now\":{\"weights\":{\"Fit\":1,\"Load\":2},\"onNode\":{\"node\":\"a\",\"fits\":true,"
		"\"total\":112,\"scores\":{\"Fit\":50,\"Load\":31},\"formulas\":{\"Fit\":\"100 / 2 = "
		"50\",\"Load\":\"93 / 3 = 31\"}}},\"decisions\":[" DECISION "]}",
		&(struct cs_explain_options){ .node = "a" });
	static const char words[] = "Pod n/p: bound on a\n"
				    "\n"
				    "Now, as if the pod had not been placed:\n"
				    "  a: Fit 50 x 1 + Load 31 x 2 = 112\n"
				    "    Fit 50 (50 at decision 4): 100 / 2 = 50\n"
				    "    Load 31 (30 at decision 4): 93 / 3 = 31\n"
				    "\n"
				    "Decision 4, 60 s ago,";
	ck_assert_msg(strncmp(text, words, strlen(words)) == 0, "%s", text);
	text = print("{\"state\":\"pending\",\"now\":{\"weights\":{\"Fit\":1},\"onNode\":{\"node\":"
		     "\"z\",\"fits\":true,\"total\":5,\"scores\":{\"Fit\":5},\"formulas\":{\"Fit\":"
		     "\"10 / 2 = 5\"}}},\"decisions\":[" DECISION "]}",
		     &(struct cs_explain_options){ .node = "z" });
	ck_assert_ptr_nonnull(strstr(text, "\n  z: Fit 5 x 1 = 5\n    Fit 5: 10 / 2 = 5\n"));
	text = print(
		"{\"now\":{\"onNode\":{\"node\":\"z\",\"fits\":false,\"plugin\":\"Fit\","
		"\"reasons\":[\"Insufficient cpu\"],\"numbers\":\"of cpu it asks 2, and 1 of 4 are "
		"left\"}}}",
		&(struct cs_explain_options){ .node = "z" });
	ck_assert_ptr_nonnull(strstr(text, "  z cannot take the pod: Fit: Insufficient cpu\n"
					   "    of cpu it asks 2, and 1 of 4 are left\n"));
}
END_TEST

// Bytes as people write them; a node that a PreFilter left out.
START_TEST(of_a_node_that_was_left_out)
{
	const char *text = print(
		"{\"asks\":{\"memory\":134217728},\"now\":{\"onNode\":{\"node\":\"z\",\"fits\":false,"
		"\"plugin\":\"\",\"reasons\":[\"left out\"],\"numbers\":\"the pod must go to a\","
		"\"pods\":1,\"maxPods\":2,\"allocatable\":{\"memory\":68182605824,"
		"\"hugepages-2Mi\":0,\"x.io/gpu\":1048576},\"requested\":{\"memory\":402653184,"
		"\"x.io/gpu\":1023},\"weight\":50,\"load\":{\"memory\":{\"unit\":\"bytes\",\"load\":"
		"2147483648,\"expected\":536870912,\"capacity\":8589934592,\"sample\":2684354560,"
		"\"inFlight\":-536870912,\"quality\":1,\"state\":\"fresh\"}}}}}",
		PLAIN);
	const char *from = strstr(text, "  z cannot");
	ck_assert_msg(from, "%s", text);
	ck_assert_str_eq(from, "  z cannot take the pod: left out\n"
			       "    the pod must go to a\n"
			       "  memory: 384Mi of 63.5Gi are requested, the pod asks for 128Mi\n"
			       "  hugepages-2Mi: 0 of 0 are requested, the pod asks for 0\n"
			       "  x.io/gpu: 1023 of 1048576 are requested, the pod asks for 0\n"
			       "  pods: 1 of 2\n"
			       "  memory (bytes): 2Gi of 8Gi = sample 2.5Gi (fresh) and -512Mi for "
			       "pods that came and left since\n"
			       "    with the pod 2Gi + 512Mi, of 8Gi x weight 50 %: 62.5 %\n");
}
END_TEST

// Why there is nothing to say.
START_TEST(of_pods_that_were_not_decided)
{
	ck_assert_str_eq(
		print("{\"pod\":\"n/p\",\"state\":\"bound\",\"node\":\"a\",\"decisions\":[]}",
		      PLAIN),
		"Pod n/p: bound on a\n"
		"No decision about it is remembered: it was placed by somebody else, before "
		"this c-sched started, or more decisions ago than are kept "
		"(--decisions).\n");
	ck_assert_str_eq(
		print("{\"pod\":\"n/p\",\"state\":\"pending\",\"schedulerName\":\"x\",\"decisions\":[]}",
		      PLAIN),
		"Pod n/p: pending\n"
		"It asks for the scheduler x: this c-sched does not place it.\n");
	ck_assert_str_eq(
		print("{\"pod\":\"n/p\",\"state\":\"gated\",\"schedulerName\":\"x\",\"queue\":"
		      "\"gated\",\"schedulingGates\":\"g\"}",
		      PLAIN),
		"Pod n/p: gated, queue gated, attempts 0, scheduling gates [g]\n"
		"It is not scheduled as long as it has gates.\n");
	ck_assert_str_eq(print("{\"pod\":\"n/p\",\"state\":\"pending\",\"schedulerName\":\"x\","
			       "\"terminating\":true}",
			       PLAIN),
			 "Pod n/p: pending\n"
			 "It is being deleted: it is not scheduled any more.\n");
	ck_assert_str_eq(print("{\"pod\":\"n/p\",\"state\":\"gone\",\"decisions\":[]}", PLAIN),
			 "Pod n/p: gone\n");
}
END_TEST

// For another scheduler: who was first, and why; and what the node carries now.
START_TEST(what_was_judged_for_another_scheduler)
{
	const char *text = print(
		"{\"pod\":\"n/p\",\"atUnixNano\":9000000000,\"state\":\"bound\",\"node\":\"b\","
		"\"nodeNow\":{\"node\":\"a\",\"pods\":7,\"maxPods\":8,\"weight\":50,\"allocatable\":{"
		"\"cpu\":2000},\"requested\":{\"cpu\":5},\"load\":{\"cpu\":{\"unit\":\"m\",\"load\":500,"
		"\"capacity\":2000,\"sample\":400,\"inFlight\":100,\"expected\":100,\"quality\":1,"
		"\"state\":\"fresh\",\"sampledUnixNano\":2000000000}}},\"decisions\":[{\"number\":2,"
		"\"atUnixNano\":7000000000,\"profile\":\"x\",\"decision\":\"ranked\",\"node\":\"a\","
		"\"nodes\":2,\"feasibleNodes\":2,\"weights\":{\"L\":1},\"candidates\":[{\"node\":\"a\","
		"\"total\":9,\"scores\":{\"L\":9}},{\"node\":\"b\",\"total\":9,\"scores\":{\"L\":9}}]},"
		"{\"number\":1,\"atUnixNano\":7000000000,\"profile\":\"x\",\"decision\":\"filtered\","
		"\"nodes\":3,\"feasibleNodes\":2,\"rejections\":[{\"plugin\":\"L\",\"nodes\":1}]}]}",
		PLAIN);
	ck_assert_str_eq(
		text,
		"Pod n/p: bound on b\n"
		"\n"
		"Node a now:\n"
		"  cpu: 5 of 2000 are requested\n"
		"  pods: 7 of 8\n"
		"  cpu (m): 500 of 2000 = sample 400 (7 s old, fresh) and +100 for pods that came "
		"and left since\n"
		"    with the pod 500 + 100, of 2000 x weight 50 %: 60.0 %\n"
		"\n"
		"Decision 2, 2 s ago, by profile x for another scheduler: ranked first a\n"
		"  2 of 2 nodes could take the pod.\n"
		"\n"
		"  PLUGIN                             WEIGHT          a          b\n"
		"  L                                       1          9          9\n"
		"  total                                              9          9\n"
		"\n"
		"  a and b have the same total.\n"
		"\n"
		"Decision 1, 2 s ago, by profile x for another scheduler: filtered\n"
		"  2 of 3 nodes could take the pod; rejected by L 1.\n");
}
END_TEST

START_TEST(ties_and_loners)
{
	ck_assert_ptr_nonnull(strstr(print("{\"decisions\":[{\"weights\":{},\"candidates\":["
					   "{\"node\":\"a\",\"total\":1,\"scores\":{}},"
					   "{\"node\":\"b\",\"total\":1,\"scores\":{}}]}]}",
					   PLAIN),
				     "  a and b have the same total: one was taken at random.\n"));
	ck_assert_ptr_nonnull(
		strstr(print("{\"decisions\":[{\"candidates\":[{\"node\":\"a\"}]}]}", PLAIN),
		       "  a alone could take the pod, so nothing was scored.\n"));
}
END_TEST

// Whoever answers: what is missing or of another type is left out.
START_TEST(strange_answers)
{
	static const char *const answers[] = {
		"{}",
		"[]",
		"1",
		"{\"decisions\":{}}",
		"{\"decisions\":[1,null,\"x\",[]]}",
		"{\"decisions\":[{\"candidates\":[null,1]}],\"now\":[]}",
		"{\"now\":{\"candidates\":[{\"scores\":1,\"load\":[]}],\"weights\":3}}",
		"{\"now\":{\"rejected\":[{\"reasons\":[null],\"examples\":[{}]}]}}",
		"{\"now\":{\"onNode\":{\"fits\":true}}}",
		"{\"now\":{\"onNode\":{\"scores\":{\"a\":\"b\"},\"fits\":true},\"weights\":{}}}",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(answers); i++)
		ck_assert_ptr_nonnull(strstr(print(answers[i], PLAIN), "Pod ?: ?\n"));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = tcase_create("explain");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, a_decision);
	tcase_add_test(tcase, of_an_earlier_pod_of_that_name);
	tcase_add_test(tcase, of_a_node_that_was_not_among_the_best);
	tcase_add_test(tcase, in_colour);
	tcase_add_test(tcase, what_would_be_decided_now);
	tcase_add_test(tcase, in_numbers);
	tcase_add_test(tcase, of_a_node_that_was_left_out);
	tcase_add_test(tcase, of_pods_that_were_not_decided);
	tcase_add_test(tcase, what_was_judged_for_another_scheduler);
	tcase_add_test(tcase, ties_and_loners);
	tcase_add_test(tcase, strange_answers);
	suite_add_tcase(suite, tcase);
	return suite;
}
