// LeastLoad: the example of its head, thresholds, weights, metrics of other kinds, what is not
// known. Neighbours: lib/plugins/least_load.c, by_load.c.
#include <csched/base/memory.h>

#include "load_world.h"

static struct world world;
static struct run run;

#define GIB 1073741824.0

static void setup(void)
{
	load_world_begin(&run, &world);
	run_configure(&run, "LeastLoad", NULL);
}

static void teardown(void)
{
	run_end(&run);
}

static void used(const char *node, double cpu, double memory)
{
	load_world_sample(&run, node, METRIC_CPU, cpu);
	load_world_sample(&run, node, METRIC_MEMORY, memory);
}

static const char *scores(const struct cs_pod *pod)
{
	run_score(&run, pod);
	return run.prepared == CS_PREPARE_GO ? run_scores(&run) : "skipped";
}

static const char *fitting(const struct cs_pod *pod)
{
	run_filter(&run, pod);
	return run.prepared == CS_PREPARE_GO ? run_fitting(&run) : "skipped";
}

// A pod that is expected to add 400 milli-CPU and 1 GiB.
static const struct cs_pod *example_pod(void)
{
	struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 400m, memory: 1Gi", "");
	ck_assert_double_eq(cs_cluster_expected(world.cluster, pod, METRIC_CPU), 400);
	ck_assert_double_eq(cs_cluster_expected(world.cluster, pod, METRIC_MEMORY), GIB);
	return pod;
}

START_TEST(example)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	used("a", 1600, 3 * GIB);
	used("b", 600, 5 * GIB);
	const struct cs_pod *pod = example_pod();
	ck_assert_str_eq(scores(pod), "a=50 b=63");
	run_configure(&run, "LeastLoad", "{resources: [{name: cpu}, {name: memory}]}");
	ck_assert_str_eq(scores(pod), "a=50 b=50");
	load_world_node(&run, "b", "c-sched.io/weight: '50'", "");
	run_configure(&run, "LeastLoad", NULL);
	ck_assert_str_eq(scores(pod), "a=50 b=38");
}
END_TEST

// A level that nothing is known of yet has no part: it is no estimate, and surely not 0 degrees.
START_TEST(a_level_of_which_nothing_is_known)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	used("a", 1600, 3 * GIB);
	used("b", 600, 5 * GIB);
	run_configure(&run, "LeastLoad",
		      "{resources: [{name: cpu, weight: 3}, {name: memory}, {name: temperature, "
		      "weight: 4}]}");
	ck_assert_str_eq(scores(example_pod()), "a=50 b=63");
	load_world_sample(&run, "a", METRIC_TEMPERATURE, 20);
	load_world_sample(&run, "b", METRIC_TEMPERATURE, 100);
	ck_assert_str_eq(scores(example_pod()), "a=75 b=31");
}
END_TEST

// Nor has it when the only node goes that had a figure: what was kept of the others is made again
// at once.
START_TEST(the_last_figure_of_a_level)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_node(&run, "c", "", "");
	used("a", 1600, 3 * GIB);
	used("b", 600, 5 * GIB);
	run_configure(&run, "LeastLoad",
		      "{resources: [{name: cpu, weight: 3}, {name: memory}, {name: temperature, "
		      "weight: 4}]}");
	load_world_sample(&run, "c", METRIC_TEMPERATURE, 100);
	ck_assert_str_eq(scores(example_pod()), "a=25 b=31 c=45");
	cs_cluster_remove_node(world.cluster, "c");
	ck_assert_str_eq(scores(example_pod()), "a=50 b=63");
}
END_TEST

// Nor is it below its min on a node without a figure, when the first one has come with another node
// and its median is still to be made: a node that an extender's caller tells of is judged at once.
START_TEST(the_first_figure_of_a_level)
{
	load_world_node(&run, "a", "load.c-sched.io/temperature: '60@1970-01-12T13:46:40Z'", "");
	load_world_node(&run, "b", "", "");
	run_configure(&run, "LeastLoad", "{resources: [{name: temperature}]}");
	ck_assert_str_eq(scores(example_pod()), "a=50 b=100");
	cs_cluster_tick_load(world.cluster);
	ck_assert_str_eq(scores(example_pod()), "a=50 b=50");
}
END_TEST

// Where more is better a rise cures, and a fall does not.
START_TEST(more_that_is_better)
{
	load_world_node(&run, "a", "", "");
	run_configure(&run, "LeastLoad", "{resources: [{name: free, threshold: 90}]}");
	load_world_sample(&run, "a", METRIC_FREE, 0.5);
	ck_assert_str_eq(fitting(example_pod()), "");
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_sample(&run, "a", METRIC_FREE, 0.25), 0);
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_sample(&run, "a", METRIC_FREE, 5), CS_EVENT_LOAD);
	ck_assert_str_eq(fitting(example_pod()), "a");
}
END_TEST

// Requests say nothing: a full node is taken where it is idle.
START_TEST(by_use_and_not_by_requests)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	apply_pod(&world,
		  read_pod(&world, "{metadata: {name: q, namespace: default, uid: q}, spec: "
				   "{nodeName: a, containers: [{name: c, resources: "
				   "{requests: {cpu: '3'}}}]}}"));
	load_world_wait(&run, 3600 * CS_SECOND);
	load_world_wait(&run, 3600 * CS_SECOND);
	used("a", 400, GIB);
	used("b", 2000, GIB);
	scores(example_pod());
	ck_assert_int_gt(run.out[0], run.out[1]);
}
END_TEST

// A pod that was placed counts before any sample shows it.
START_TEST(what_is_in_flight_counts)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	used("a", 0, 0);
	used("b", 0, 0);
	const struct cs_pod *pod = example_pod();
	scores(pod);
	ck_assert_int_eq(run.out[0], run.out[1]);
	uint64_t version = run.instance.score_version;
	struct cs_pod *other = load_world_pod(&run, "q", "cpu: '2', memory: 1Gi", "");
	cs_cluster_assume(world.cluster, other, 0);
	scores(pod);
	ck_assert_int_lt(run.out[0], run.out[1]);
	ck_assert_uint_eq(run.instance.score_version, version); // the log names the row
	cs_cluster_forget(world.cluster, other);
	scores(pod);
	ck_assert_int_eq(run.out[0], run.out[1]);
}
END_TEST

START_TEST(versions)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	used("a", 100, GIB);
	const struct cs_pod *pod = example_pod();
	scores(pod);
	uint64_t first = run.instance.score_version;
	used("b", 100, GIB);
	scores(pod);
	ck_assert_uint_ne(run.instance.score_version, first);
	uint64_t second = run.instance.score_version;
	scores(load_world_pod(&run, "larger", "cpu: '2', memory: 1Gi", ""));
	ck_assert_uint_ne(run.instance.score_version, second);
}
END_TEST

START_TEST(nothing_is_known)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	const struct cs_pod *pod = example_pod();
	ck_assert_str_eq(scores(pod), "skipped");
	ck_assert_str_eq(fitting(pod), "skipped");
	run_configure(&run, "LeastLoad", "{resources: [{name: cpu, threshold: 1}]}");
	ck_assert_str_eq(fitting(pod), "skipped");
	used("a", 4000, GIB);
	ck_assert_str_eq(fitting(pod), "b");  // of which nothing is known
	load_world_bound(&run, "x", "a", ""); // 100m
	load_world_wait(&run, CS_SECOND);
	used("a", 4000, GIB);
	load_world_wait(&run, 3600 * CS_SECOND);
	ck_assert_str_eq(scores(pod), "a=88 b=90"); // by requests, since figures are lost
	ck_assert_str_eq(fitting(pod), "skipped");
	run_configure(&run, "LeastLoad", "{resources: [{name: disk}, {name: latency}]}");
	ck_assert_str_eq(scores(pod), "skipped");
}
END_TEST

START_TEST(thresholds)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_node(&run, "c", "", "");
	run_configure(&run, "LeastLoad",
		      "{resources: [{name: cpu, threshold: 80}, {name: memory, threshold: 50}]}");
	used("a", 3199, GIB);
	used("b", 3200, GIB);
	used("c", 3900, 5 * GIB);
	const struct cs_pod *pod = example_pod();
	ck_assert_str_eq(fitting(pod), "a");
	ck_assert_str_eq(run_reasons(&run, "b"), "node(s) had cpu load above the threshold");
	ck_assert_str_eq(run_reasons(&run, "c"),
			 "node(s) had cpu load above the threshold; node(s) had memory load above "
			 "the threshold");
	ck_assert_int_eq(run.verdict[1], CS_VERDICT_UNSCHEDULABLE);
	// The queue is told when the one falls below, or a known one becomes free.
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_sample(&run, "b", METRIC_CPU, 3300), 0);
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_sample(&run, "b", METRIC_CPU, 3100), CS_EVENT_LOAD);
	ck_assert_uint_ne(run.instance.plugin->cures & CS_EVENT_LOAD, 0);
	ck_assert_str_eq(fitting(pod), "a b");
}
END_TEST

START_TEST(weight_0)
{
	load_world_node(&run, "a", "c-sched.io/weight: '0'", "");
	load_world_node(&run, "b", "", "");
	const struct cs_pod *pod = example_pod();
	ck_assert_str_eq(fitting(pod), "b");
	ck_assert_str_eq(run_reasons(&run, "a"), "node(s) had c-sched.io/weight 0");
	ck_assert_int_eq(run.verdict[0], CS_VERDICT_UNRESOLVABLE);
	load_world_node(&run, "a", "c-sched.io/weight: '1'", "");
	ck_assert_str_eq(fitting(pod), "skipped");
}
END_TEST

START_TEST(levels)
{
	load_world_node(&run, "a", "c-sched.io/weight: '10'", ""); // has nothing to do with levels
	load_world_node(&run, "b", "", "");
	load_world_sample(&run, "a", METRIC_TEMPERATURE, 40); // a quarter of 20 .. 100
	load_world_sample(&run, "b", METRIC_TEMPERATURE, 80);
	load_world_sample(&run, "a", METRIC_FREE, 2); // 80 % full
	load_world_sample(&run, "b", METRIC_FREE, 9);
	const struct cs_pod *pod = example_pod();
	run_configure(&run, "LeastLoad", "{resources: [{name: temperature, threshold: 75}]}");
	ck_assert_str_eq(scores(pod), "a=75 b=25");
	ck_assert_str_eq(fitting(pod), "a");
	ck_assert_str_eq(run_reasons(&run, "b"),
			 "node(s) had temperature load above the threshold");
	run_configure(&run, "LeastLoad", "{resources: [{name: free, threshold: 80}]}");
	ck_assert_str_eq(scores(pod), "a=20 b=90");
	ck_assert_str_eq(fitting(pod), "b");
}
END_TEST

START_TEST(arguments)
{
	static const struct {
		const char *args;
		const char *errors;
	} rows[] = {
		{ "{resources: [{weight: 1}]}", "resources[0].name: Required value" },
		{ "{resources: [{name: cpu}, {name: cpu}]}",
		  "resources[1].name: Duplicate value: \"cpu\"" },
		{ "{resources: [{name: cpu, weight: 0}]}",
		  "resources[0].weight: Invalid value: 0: not in valid range [1, 100]" },
		{ "{resources: [{name: cpu, threshold: 101}]}",
		  "resources[0].threshold: Invalid value: 101: not in valid range [0, 100]" },
		{ "{resource: []}", "resource: unknown field" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		ck_assert_str_eq(run_errors(&run, "LeastLoad", rows[i].args), rows[i].errors);
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		example,
		a_level_of_which_nothing_is_known,
		the_first_figure_of_a_level,
		the_last_figure_of_a_level,
		more_that_is_better,
		by_use_and_not_by_requests,
		what_is_in_flight_counts,
		versions,
		nothing_is_known,
		thresholds,
		weight_0,
		levels,
		arguments,
	};
	Suite *suite = suite_create("plugins/least_load");
	TCase *tcase = tcase_create("least_load");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
