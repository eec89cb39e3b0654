// LeastConnections: the example of its head, limits, deadband, bias, what is not known.
// Neighbours: lib/plugins/least_connections.c, by_load.c.
#include <csched/base/memory.h>

#include "load_world.h"
#include "pass.h"

static struct world world;
static struct run run;

static void setup(void)
{
	load_world_begin(&run, &world);
	run_configure(&run, "LeastConnections", NULL);
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

static struct cs_pod *pod(const char *name, const char *connections)
{
	return load_world_pod(
		&run, name, "cpu: 100m",
		cs_arena_printf(run.scratch, "c-sched.io/connections: '%s'", connections));
}

static void three(double a, double b, double c)
{
	load_world_sample(&run, "a", METRIC_CONNECTIONS, a);
	load_world_sample(&run, "b", METRIC_CONNECTIONS, b);
	load_world_sample(&run, "c", METRIC_CONNECTIONS, c);
}

static void nodes(void)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "c-sched.io/weight: '200'", "");
	load_world_node(&run, "c", "", "");
}

// A node that takes no new pods says nothing of how many connections are usual.
START_TEST(weight_0_is_not_in_the_mean)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "c", "", "");
	load_world_sample(&run, "a", METRIC_CONNECTIONS, 180);
	load_world_sample(&run, "c", METRIC_CONNECTIONS, 580);
	const struct cs_pod *p = pod("p", "20");
	CS_AUTO_FREE char *without = cs_strdup(scores(p));
	load_world_node(&run, "z", "c-sched.io/weight: '0'", "");
	load_world_sample(&run, "z", METRIC_CONNECTIONS, 1000);
	CS_AUTO_FREE char *with = cs_asprintf("%s z=0", without);
	ck_assert_str_eq(scores(p), with);
	ck_assert_ptr_nonnull(strstr(with, "c=")); // which scores less than the most
	ck_assert_ptr_null(strstr(with, "c=100"));
}
END_TEST

START_TEST(example)
{
	nodes();
	three(180, 380, 580);
	const struct cs_pod *p = pod("p", "20");
	ck_assert_str_eq(scores(p), "a=98 b=98 c=0");
	run_configure(&run, "LeastConnections", "{crowded: 0}");
	ck_assert_str_eq(scores(p), "a=100 b=100 c=33");
	run_configure(&run, "LeastConnections", "{bias: 2}");
	ck_assert_str_eq(scores(p), "a=100 b=100 c=11");
}
END_TEST

// The same where 57 pods have those 1140 connections, and use 200 milli-CPU each.
START_TEST(example_with_cpu)
{
	nodes();
	for (int i = 0; i < 57; i++)
		load_world_bound(&run, cs_arena_printf(run.scratch, "x%d", i),
				 (const char *const[]){ "a", "b", "c" }[i % 3], "");
	load_world_wait(&run, 120 * CS_SECOND);
	three(180, 380, 580);
	load_world_sample(&run, "a", METRIC_CPU, 3000);
	load_world_sample(&run, "b", METRIC_CPU, 4200);
	load_world_sample(&run, "c", METRIC_CPU, 4200);
	const struct cs_pod *p =
		load_world_pod(&run, "p", "cpu: 400m", "c-sched.io/connections: '20'");
	ck_assert_str_eq(scores(p), "a=99 b=99 c=38");
}
END_TEST

// Three pods use 200 milli-CPU and have 266.7 connections each, means of the cluster.
static void three_pods(void)
{
	nodes();
	load_world_bound(&run, "x0", "a", "");
	load_world_bound(&run, "x1", "b", "");
	load_world_bound(&run, "x2", "c", "");
	load_world_wait(&run, 120 * CS_SECOND);
	three(180, 380, 240);
	load_world_sample(&run, "a", METRIC_CPU, 150);
	load_world_sample(&run, "b", METRIC_CPU, 250);
	load_world_sample(&run, "c", METRIC_CPU, 200);
}

// With 400 more L = 580, 390, 640, with 200 more 380, 290, 440; of 175 % of the mean 0.618, 0.415,
// 0.681, and 0.587, 0.448, 0.680; to the eighth 0.0212, 0.0009, 0.0464, and 0.0141, 0.0016, 0.0458.
// Lost: 5 % of the first and 95 % of the second figure.
START_TEST(what_a_pod_brings_most_of_counts)
{
	static const struct {
		const char *requests;
		const char *connections;
		const char *scores;
	} rows[] = {
		{ "cpu: 300m", "400", "a=95 b=98 c=92" }, // both half more than others: 1
		{ "cpu: 600m", "400", "a=97 b=99 c=96" }, // 1/2
		{ "cpu: 450m", "400", "a=97 b=99 c=95" }, // 2/3
		{ "cpu: 4", "400", "a=97 b=99 c=96" },    // 1/13, but 1/2 at least
		{ "cpu: 150m", "400", "a=90 b=96 c=84" }, // 2
		{ "cpu: 1m", "400", "a=90 b=96 c=84" },   // at most
		{ "cpu: 300m", "200", "a=98 b=99 c=96" }, // 1/2
		{ "cpu: 150m", "200", "a=96 b=98 c=92" }, // both three quarters: 1
		{ "cpu: 75m", "200", "a=91 b=95 c=85" },  // 2
	};
	three_pods();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		const char *name = cs_arena_printf(run.scratch, "p%zu", i);
		const char *notes = cs_arena_printf(run.scratch, "c-sched.io/connections: '%s'",
						    rows[i].connections);
		ck_assert_str_eq(scores(load_world_pod(&run, name, rows[i].requests, notes)),
				 rows[i].scores);
	}
}
END_TEST

// A limit counts where it is nearer than a crowd, and may come and go.
START_TEST(limits)
{
	nodes();
	load_world_limited(&run, "a", 180, 1000);
	load_world_limited(&run, "b", 380, 250);
	load_world_sample(&run, "c", METRIC_CONNECTIONS, 580);
	const struct cs_pod *p = pod("p", "20");
	ck_assert_str_eq(scores(p), "a=98 b=80 c=0");
	run_configure(&run, "LeastConnections", "{crowded: 0}");
	ck_assert_str_eq(scores(p), "a=100 b=100 c=33"); // c has no known limit
	load_world_wait(&run, CS_SECOND);
	load_world_limited(&run, "c", 580, 2000);
	ck_assert_str_eq(scores(p), "a=80 b=20 c=70");
	run_configure(&run, "LeastConnections", NULL);
	ck_assert_str_eq(scores(p), "a=98 b=80 c=0");
	load_world_wait(&run, CS_SECOND);
	load_world_limited(&run, "b", 380, 200);
	ck_assert_str_eq(scores(p), "a=98 b=0 c=0"); // full
	load_world_wait(&run, CS_SECOND);
	load_world_limited(&run, "b", 380, 262144);
	ck_assert_str_eq(scores(p), "a=98 b=98 c=0");
}
END_TEST

START_TEST(a_burst_spreads_though_no_sample_comes)
{
	static const char *const names[] = { "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7" };
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "c-sched.io/weight: '300'", "");
	load_world_sample(&run, "a", METRIC_CONNECTIONS, 0);
	load_world_sample(&run, "b", METRIC_CONNECTIONS, 0);
	uint32_t placed[2] = { 0 };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		struct cs_pod *p = pod(names[i], "100");
		scores(p);
		uint32_t row = run.out[0] > run.out[1] ? 0 : 1;
		cs_cluster_assume(world.cluster, p, row);
		placed[row]++;
	}
	ck_assert_uint_eq(placed[0], 2);
	ck_assert_uint_eq(placed[1], 6);
}
END_TEST

// What others do with it: a crowded node is left alone, among those with room the fewest lead by
// little.
START_TEST(the_crowded_are_avoided)
{
	nodes();
	three(90, 380, 290); // L with 10 more: 100, 195, 300: the mean is 198.3
	const struct cs_pod *p = pod("p", "10");
	ck_assert_str_eq(scores(p), "a=99 b=96 c=66");
	run_configure(&run, "LeastConnections", "{crowded: 150}");
	ck_assert_str_eq(scores(p), "a=98 b=93 c=0"); // 297.5
	run_configure(&run, "LeastConnections", "{crowded: 150, bias: 2}");
	ck_assert_str_eq(scores(p), "a=98 b=93 c=0");
	run_configure(&run, "LeastConnections", "{deadband: 0}");
	ck_assert_str_eq(scores(p), "a=100 b=51 c=33");
}
END_TEST

START_TEST(deadband)
{
	nodes();
	three(980, 2010, 1000); // L with 10 more: 990, 1010, 1010
	const struct cs_pod *p = pod("p", "10");
	run_configure(&run, "LeastConnections", "{deadband: 5}");
	ck_assert_str_eq(scores(p), "a=100 b=100 c=100");
	run_configure(&run, "LeastConnections", "{deadband: 0}");
	ck_assert_str_eq(scores(p), "a=100 b=98 c=98");
	run_configure(&run, "LeastConnections", "{deadband: 1}");
	ck_assert_str_eq(scores(p), "a=100 b=98 c=98");
	run_configure(&run, "LeastConnections", "{deadband: 2}");
	ck_assert_str_eq(scores(p), "a=100 b=100 c=100");
}
END_TEST

// The mean of the feasible nodes counts, and the least of them, not those of all.
START_TEST(feasible_nodes_alone)
{
	nodes();
	three(90, 980, 990);
	const struct cs_pod *p = pod("p", "10");
	static const uint32_t two[] = { 1, 2 };
	ck_assert_str_eq(scores(p), "a=99 b=97 c=0"); // of 930
	run_configure(&run, "LeastConnections", "{crowded: 0}");
	scores(p);
	pass_rows(&run.cycle, two, 2);
	ck_assert_int_eq(run.instance.plugin->prepare_score(&run.cycle, &run.instance),
			 CS_PREPARE_GO);
	run.instance.plugin->score(&run.cycle, &run.instance, (struct cs_rows){ 0, 3 }, run.out);
	ck_assert_int_eq(run.out[1], 100);
	ck_assert_int_eq(run.out[2], 50); // 495 / 1000, by steps
	run_configure(&run, "LeastConnections", NULL);
	scores(p);
	pass_rows(&run.cycle, two, 2);
	ck_assert_int_eq(run.instance.plugin->prepare_score(&run.cycle, &run.instance),
			 CS_PREPARE_GO);
	run.instance.plugin->score(&run.cycle, &run.instance, (struct cs_rows){ 0, 3 }, run.out);
	ck_assert_int_eq(run.out[1], 98); // of 1308
	ck_assert_int_eq(run.out[2], 85);
}
END_TEST

START_TEST(nothing_is_known)
{
	nodes();
	const struct cs_pod *p = pod("p", "10");
	ck_assert_str_eq(scores(p), "skipped");
	three(0, 0, 0);
	ck_assert_str_eq(scores(p), "a=92 b=98 c=92");
	load_world_wait(&run, 3600 * CS_SECOND);
	ck_assert_str_eq(scores(p), "skipped"); // no pod, and so nothing per pod, was ever known
}
END_TEST

// Pods are counted, as many connections each as there were last.
START_TEST(figures_that_stop)
{
	nodes();
	for (int i = 0; i < 4; i++) {
		const char *name = cs_arena_printf(run.scratch, "x%d", i);
		load_world_bound(&run, name, i ? "a" : "c", "");
	}
	three(90, 0, 30); // 120 of 4 pods
	load_world_wait(&run, 3600 * CS_SECOND);
	// L with 30 more: 120, 15, 60: 1.05, 0.13, 0.53 of 175 % of the mean, and three tenths
	// more.
	ck_assert_str_eq(scores(pod("p", "30")), "a=0 b=99 c=92");
}
END_TEST

// A node of which nothing is known is not taken for empty.
START_TEST(an_unknown_node_is_not_empty)
{
	nodes();
	for (int i = 0; i < 4; i++) {
		const char *name = cs_arena_printf(run.scratch, "x%d", i);
		load_world_bound(&run, name, i % 2 ? "a" : "c", "");
	}
	load_world_wait(&run, 600 * CS_SECOND);
	load_world_wait(&run, 600 * CS_SECOND);
	load_world_sample(&run, "a", METRIC_CONNECTIONS, 100); // 2 pods: 50 each
	scores(pod("p", "10"));
	// c: 2 pods * 50 = 100, as a, but that is an estimate.
	ck_assert_int_gt(run.out[0], run.out[2]);
	run_configure(&run, "LeastConnections", "{crowded: 0}");
	scores(pod("q", "10"));
	ck_assert_int_eq(run.out[0], run.out[2]);
}
END_TEST

START_TEST(thresholds)
{
	nodes();
	run_configure(&run, "LeastConnections", "{threshold: 85}");
	load_world_limited(&run, "a", 860, 1000);
	load_world_limited(&run, "b", 840, 1000);
	load_world_sample(&run, "c", METRIC_CONNECTIONS, 5000);
	run_filter(&run, pod("p", "10"));
	ck_assert_str_eq(run_fitting(&run), "b c");
	ck_assert_str_eq(run_reasons(&run, "a"),
			 "node(s) had connections load above the threshold");
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_limited(&run, "a", 800, 1000), CS_EVENT_LOAD);
	run_configure(&run, "LeastConnections", NULL);
	load_world_wait(&run, CS_SECOND);
	load_world_limited(&run, "a", 900, 1000);
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_limited(&run, "a", 800, 1000), 0); // nobody watches
}
END_TEST

START_TEST(arguments)
{
	static const struct {
		const char *args;
		const char *errors;
	} rows[] = {
		{ "{bias: 0.2}", "bias: Invalid value: 0.2: not in valid range [0.25, 4]" },
		{ "{bias: 5}", "bias: Invalid value: 5: not in valid range [0.25, 4]" },
		{ "{crowded: 1001}", "crowded: Invalid value: 1001: not in valid range [0, 1000]" },
		{ "{bias: x}", "bias: expected a number, got a string" },
		{ "{deadband: 51}", "deadband: Invalid value: 51: not in valid range [0, 50]" },
		{ "{threshold: -1}", "threshold: Invalid value: -1: not in valid range [0, 100]" },
		{ "{metric: x}", "metric: unknown field" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		ck_assert_str_eq(run_errors(&run, "LeastConnections", rows[i].args),
				 rows[i].errors);
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		example,
		example_with_cpu,
		what_a_pod_brings_most_of_counts,
		limits,
		a_burst_spreads_though_no_sample_comes,
		the_crowded_are_avoided,
		deadband,
		feasible_nodes_alone,
		weight_0_is_not_in_the_mean,
		nothing_is_known,
		figures_that_stop,
		an_unknown_node_is_not_empty,
		thresholds,
		arguments,
	};
	Suite *suite = suite_create("plugins/least_connections");
	TCase *tcase = tcase_create("least_connections");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
