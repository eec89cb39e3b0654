// LeastResponseTime: the example of its head, peaks and their decay, pods in flight, nodes that
// join, what is not known. Neighbours: lib/plugins/least_response_time.c, by_load.c.
#include <csched/base/memory.h>

#include "load_world.h"

static struct world world;
static struct run run;

#define MS 0.001

static void setup(void)
{
	load_world_begin(&run, &world);
	run_configure(&run, "LeastResponseTime", NULL);
}

static void teardown(void)
{
	run_end(&run);
}

static const char *scores(const struct cs_pod *pod)
{
	run_score(&run, pod);
	return run.prepared == CS_PREPARE_GO ? run_scores(&run) : "skipped";
}

static struct cs_pod *pod(const char *name)
{
	return load_world_pod(&run, name, "cpu: 100m", "");
}

static void answers(const char *node, double seconds)
{
	load_world_sample(&run, node, METRIC_RESPONSE, seconds);
}

START_TEST(example)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_node(&run, "c", "", "");
	answers("a", 20 * MS);
	answers("b", 40 * MS);
	answers("c", 80 * MS);
	const struct cs_pod *p = pod("p");
	ck_assert_str_eq(scores(p), "a=100 b=50 c=25");
	struct cs_pod *placed = pod("placed");
	cs_cluster_assume(world.cluster, placed, 0);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=50");
	// The next sample has it in.
	load_world_wait(&run, 30 * CS_SECOND);
	answers("a", 20 * MS);
	ck_assert_str_eq(scores(p), "a=100 b=50 c=25");
	cs_cluster_forget(world.cluster, placed);
	ck_assert_str_eq(scores(p), "a=100 b=50 c=25");
}
END_TEST

// Both ends of the range move, outwards and inwards.
START_TEST(ends_of_the_range)
{
	struct cs_pod *pods[] = { pod("p0"), pod("p1"), pod("p2"), pod("p3") };
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_node(&run, "c", "", "");
	answers("a", 100 * MS);
	answers("b", 100 * MS);
	answers("c", 52 * MS);
	const struct cs_pod *p = pod("p");
	ck_assert_str_eq(scores(p), "a=52 b=52 c=100");
	cs_cluster_assume(world.cluster, pods[0], 2);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=100"); // 104: within the deadband
	cs_cluster_assume(world.cluster, pods[1], 2);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=64"); // 156
	cs_cluster_assume(world.cluster, pods[2], 1);
	ck_assert_str_eq(scores(p), "a=100 b=50 c=64");
	cs_cluster_assume(world.cluster, pods[3], 0);
	ck_assert_str_eq(scores(p), "a=78 b=78 c=100");
	cs_cluster_forget(world.cluster, pods[2]);
	cs_cluster_forget(world.cluster, pods[3]);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=64");
	cs_cluster_forget(world.cluster, pods[1]);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=100");
	cs_cluster_forget(world.cluster, pods[0]);
	ck_assert_str_eq(scores(p), "a=52 b=52 c=100");
	load_world_node(&run, "d", "", ""); // joins: the median in a tenth of the time
	ck_assert_str_eq(scores(p), "a=52 b=52 c=100 d=5");
}
END_TEST

// Who asks what if a pod had not been placed may be the first to see a sample.
START_TEST(who_is_only_supposed_gone)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_bound(&run, "placed", "a", "app: web");
	const struct cs_pod *p = pod("p");
	answers("a", 20 * MS);
	answers("b", 20 * MS);
	struct cs_pod *placed = cs_cluster_find_pod_named(world.cluster, "default/placed");
	uint32_t row = cs_cluster_suppose_gone(world.cluster, placed);
	ck_assert_str_eq(scores(p), "a=100 b=100");
	cs_cluster_put_back(world.cluster, placed, row);
	ck_assert_str_eq(scores(p), "a=100 b=100");
}
END_TEST

START_TEST(peaks)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	const struct cs_pod *p = pod("p");
	answers("a", 20 * MS);
	answers("b", 16.2 * MS);
	ck_assert_str_eq(scores(p), "a=81 b=100");
	load_world_wait(&run, 30 * CS_SECOND);
	answers("a", 10 * MS); // 16.1
	run_configure(&run, "LeastResponseTime", "{deadband: 1}");
	scores(p);
	// Asked for the first time now, it knows no peak.
	ck_assert_str_eq(run_scores(&run), "a=100 b=62");
	load_world_wait(&run, CS_SECOND);
	answers("a", 30 * MS);
	ck_assert_str_eq(scores(p), "a=54 b=100");
	load_world_wait(&run, 30 * CS_SECOND);
	answers("a", 10 * MS); // 30 * 0.607 + 10 * 0.393 = 22.13
	answers("b", 16.1 * MS);
	ck_assert_str_eq(scores(p), "a=73 b=100");
}
END_TEST

START_TEST(who_is_not_known_has_the_median)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_node(&run, "c", "", "");
	load_world_node(&run, "d", "", "");
	const struct cs_pod *p = pod("p");
	ck_assert_str_eq(scores(p), "skipped");
	answers("a", 10 * MS);
	answers("b", 20 * MS);
	answers("c", 40 * MS);
	ck_assert_str_eq(scores(p), "a=100 b=50 c=25 d=50");
	load_world_wait(&run, 3600 * CS_SECOND);
	ck_assert_str_eq(scores(p), "skipped");
}
END_TEST

START_TEST(weights)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "c-sched.io/weight: '400'", "");
	answers("a", 20 * MS);
	answers("b", 40 * MS);
	ck_assert_str_eq(scores(pod("p")), "a=50 b=100");
}
END_TEST

// 30 s of two minutes after it joined a node counts for a quarter.
START_TEST(slow_start)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	answers("a", 20 * MS);
	answers("b", 20 * MS);
	const struct cs_pod *p = pod("p");
	ck_assert_str_eq(scores(p), "a=100 b=100");
	load_world_node(&run, "c", "", "");
	ck_assert_str_eq(scores(p), "a=100 b=100 c=10");
	load_world_wait(&run, 30 * CS_SECOND);
	answers("a", 20 * MS);
	answers("c", 20 * MS);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=25");
	load_world_wait(&run, 30 * CS_SECOND);
	answers("a", 20 * MS);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=50");
	load_world_wait(&run, 30 * CS_SECOND);
	load_world_wait(&run, 30 * CS_SECOND);
	answers("a", 20 * MS);
	answers("b", 20 * MS);
	answers("c", 20 * MS);
	ck_assert_str_eq(scores(p), "a=100 b=100 c=100");
}
END_TEST

// A row that another node has now does not inherit the peak.
START_TEST(rows_change_hands)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	run_configure(&run, "LeastResponseTime", "{slowStart: 0s}");
	answers("a", 5);
	answers("b", 20 * MS);
	const struct cs_pod *p = pod("p");
	ck_assert_str_eq(scores(p), "a=0 b=100");
	cs_cluster_remove_node(world.cluster, "a");
	load_world_node(&run, "c", "", "");
	ck_assert_uint_eq(cs_cluster_find_node(world.cluster, "c"), 0);
	load_world_wait(&run, CS_SECOND);
	ck_assert_str_eq(scores(p), "c=100 b=100");
	load_world_wait(&run, CS_SECOND);
	answers("c", 10 * MS);
	ck_assert_str_eq(scores(p), "c=100 b=50");
}
END_TEST

START_TEST(thresholds)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	run_configure(&run, "LeastResponseTime", "{threshold: 500ms}");
	answers("a", 0.5);
	answers("b", 0.49);
	run_filter(&run, pod("p"));
	ck_assert_str_eq(run_fitting(&run), "b");
	ck_assert_str_eq(run_reasons(&run, "a"),
			 "node(s) had responseTime load above the threshold");
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_sample(&run, "a", METRIC_RESPONSE, 0.4), CS_EVENT_LOAD);
	ck_assert_uint_ne(run.instance.plugin->cures & CS_EVENT_LOAD, 0);
}
END_TEST

START_TEST(arguments)
{
	static const struct {
		const char *args;
		const char *errors;
	} rows[] = {
		{ "{decay: 500ms}",
		  "decay: Invalid value: \"500ms\": must be at least 1s and at most 1h0m0s" },
		{ "{decay: 2h}",
		  "decay: Invalid value: \"2h0m0s\": must be at least 1s and at most 1h0m0s" },
		{ "{slowStart: -1s}",
		  "slowStart: Invalid value: \"-1s\": must be at least 0s and at most 1h0m0s" },
		{ "{threshold: 2h}",
		  "threshold: Invalid value: \"2h0m0s\": must be at least 0s and at most 1h0m0s" },
		{ "{bias: 0}", "bias: Invalid value: 0: not in valid range [0.25, 4]" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		ck_assert_str_eq(run_errors(&run, "LeastResponseTime", rows[i].args),
				 rows[i].errors);
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		example,           peaks,      who_is_not_known_has_the_median,
		weights,           slow_start, rows_change_hands,
		thresholds,        arguments,  who_is_only_supposed_gone,
		ends_of_the_range,
	};
	Suite *suite = suite_create("plugins/least_response_time");
	TCase *tcase = tcase_create("least_response_time");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
