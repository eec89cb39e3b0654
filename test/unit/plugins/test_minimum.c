// MinimumDistance and MinimumLatency: the examples of their heads, thresholds, what is not known.
// Neighbours: lib/plugins/minimum_distance.c, minimum_latency.c, peer_rows.c.
#include <csched/base/memory.h>

#include "load_world.h"

static struct world world;
static struct run run;

#define ZONE   "topology.kubernetes.io/zone"
#define REGION "topology.kubernetes.io/region"

static void setup(void)
{
	load_world_begin(&run, &world);
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

static struct cs_pod *talker(const char *name)
{
	return load_world_pod(&run, name, "cpu: 100m", "c-sched.io/talks-to: 'app=db'");
}

// One peer on a, three on b, as in both examples.
static void peers(void)
{
	load_world_bound(&run, "db1", "a", "app: db");
	load_world_bound(&run, "db2", "b", "app: db");
	load_world_bound(&run, "db3", "b", "app: db");
	load_world_bound(&run, "db4", "b", "app: db");
	load_world_bound(&run, "web", "c", "app: web");
}

// ---- MinimumDistance ----

static void places(void)
{
	load_world_node(&run, "a", "", REGION ": r, " ZONE ": z1, zone: a");
	load_world_node(&run, "b", "", REGION ": r, " ZONE ": z2, zone: b");
	load_world_node(&run, "c", "", REGION ": r, " ZONE ": z2, zone: c");
}

START_TEST(distance_example)
{
	places();
	peers();
	run_configure(&run, "MinimumDistance", NULL);
	ck_assert_str_eq(scores(talker("p")), "a=63 b=88 c=73");
}
END_TEST

START_TEST(levels)
{
	places();
	peers();
	load_world_node(&run, "d", "", ""); // nowhere
	run_configure(&run, "MinimumDistance", "{levels: [{topologyKey: " ZONE ", distance: 40}]}");
	// a (0 + 300) / 4 = 75, b 100 / 4 = 25, c (100 + 120) / 4 = 55, d 100
	ck_assert_str_eq(scores(talker("p")), "a=25 b=75 c=45 d=0");
	run_configure(&run, "MinimumDistance",
		      "{levels: [{topologyKey: example.com/row, distance: 0}]}");
	ck_assert_str_eq(scores(talker("p")), "a=25 b=75 c=0 d=0");
}
END_TEST

// Racks are often numbered anew in each zone: that another zone has a rack of the same name makes
// it a little nearer, not near.
START_TEST(names_used_twice)
{
#define RACK "topology.kubernetes.io/rack"
	load_world_node(&run, "a", "", REGION ": r, " ZONE ": z1, " RACK ": '1'");
	load_world_node(&run, "b", "", REGION ": r, " ZONE ": z1, " RACK ": '1'");
	load_world_node(&run, "c", "", REGION ": r, " ZONE ": z1, " RACK ": '2'");
	load_world_node(&run, "d", "", REGION ": r, " ZONE ": z2, " RACK ": '1'");
	load_world_node(&run, "e", "", REGION ": r, " ZONE ": z2, " RACK ": '2'");
	load_world_node(&run, "g", "", REGION ": s, " ZONE ": z3, " RACK ": '3'");
	load_world_bound(&run, "db1", "a", "app: db");
	run_configure(&run, "MinimumDistance", NULL);
	ck_assert_str_eq(scores(talker("p")), "a=100 b=90 c=80 d=60 e=50 g=0");
}
END_TEST

START_TEST(no_peers)
{
	places();
	run_configure(&run, "MinimumDistance", "{threshold: 1}");
	struct cs_pod *pod = talker("p");
	ck_assert_str_eq(scores(pod), "skipped");
	run_filter(&run, pod);
	ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
	peers();
	ck_assert_str_eq(scores(load_world_pod(&run, "q", "cpu: 1m", "")), "skipped");
	ck_assert_str_eq(
		scores(load_world_pod(&run, "r", "cpu: 1m", "c-sched.io/talks-to: 'app db'")),
		"skipped");
	cs_cluster_remove_node(world.cluster, "b");
	// Peers on a node that is gone do not count.
	ck_assert_str_eq(scores(pod), "a=100 c=50");
}
END_TEST

START_TEST(distance_threshold)
{
	places();
	peers();
	run_configure(&run, "MinimumDistance", "{threshold: 28}");
	struct cs_pod *pod = talker("p");
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "b c"); // 12.5 and 27.5; a has 37.5
	ck_assert_str_eq(run_reasons(&run, "a"),
			 "node(s) had a distance to the pod's peers above the threshold");
	load_world_node(&run, "b", "c-sched.io/weight: '0'", REGION ": r, " ZONE ": z2, zone: b");
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "c");
	ck_assert_str_eq(run_reasons(&run, "b"), "node(s) had c-sched.io/weight 0");
}
END_TEST

// Many rows, some with many peers: against a plain sum over pairs.
START_TEST(as_pairs)
{
	static const char *const zones[] = { "z0", "z1", "z2" };
	static const uint32_t here[12] = { 0, 3, 0, 0, 1, 2, 0, 0, 5, 0, 1, 0 };
	for (int i = 0; i < 12; i++)
		load_world_node(&run, cs_arena_printf(run.scratch, "n%02d", i), "",
				cs_arena_printf(run.scratch, REGION ": r%d, " ZONE ": %s", i / 6,
						zones[i / 4]));
	int total = 0;
	for (int i = 0; i < 12; i++)
		for (uint32_t k = 0; k < here[i]; k++)
			load_world_bound(&run, cs_arena_printf(run.scratch, "db%d", total++),
					 cs_arena_printf(run.scratch, "n%02d", i), "app: db");
	run_configure(&run, "MinimumDistance", NULL);
	scores(talker("p"));
	for (int i = 0; i < 12; i++) {
		double nearness = 0;
		for (int k = 0; k < 12; k++) {
			// Levels that do not nest count each by itself.
			double of = (i / 4 == k / 4 ? 30 : 0) + (i / 6 == k / 6 ? 50 : 0);
			of = i == k ? 100 : of;
			nearness += of * here[k];
		}
		ck_assert_int_eq(run.out[i], (int64_t)(nearness / total + 0.5));
	}
}
END_TEST

START_TEST(distance_arguments)
{
	static const struct {
		const char *args;
		const char *errors;
	} rows[] = {
		{ "{levels: [{distance: 1}]}", "levels[0].topologyKey: Required value" },
		{ "{levels: [{topologyKey: a, distance: 2}, {topologyKey: b, distance: 1}]}",
		  "levels[1].distance: Invalid value: 1: values must be given and must not "
		  "decrease" },
		{ "{levels: [{topologyKey: a, distance: 1}, {topologyKey: a, distance: 2}]}",
		  "levels[1].topologyKey: Duplicate value: \"a\"" },
		{ "{levels: [{topologyKey: a}]}",
		  "levels[0].distance: Invalid value: 0: values must be given and must not "
		  "decrease" },
		{ "{levels: [{topologyKey: a, distance: 101}]}",
		  "levels[0].distance: Invalid value: 101: not in valid range [0, 100]" },
		{ "{threshold: 101}",
		  "threshold: Invalid value: 101: not in valid range [0, 100]" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		ck_assert_msg(
			strstr(run_errors(&run, "MinimumDistance", rows[i].args), rows[i].errors),
			"%s", run_errors(&run, "MinimumDistance", rows[i].args));
}
END_TEST

// ---- MinimumLatency ----

START_TEST(latency_example)
{
	places();
	peers();
	run_configure(&run, "MinimumLatency", NULL);
	load_world_pair(&run, "a", "b", 0.0004);
	load_world_pair(&run, "c", "a", 0.0009);
	load_world_pair(&run, "c", "b", 0.0009);
	ck_assert_str_eq(scores(talker("p")), "a=50 b=100 c=20");
}
END_TEST

START_TEST(pairs_that_are_not_known)
{
	places();
	peers();
	load_world_node(&run, "d", "", "zone: d");
	load_world_node(&run, "e", "", ""); // in no place
	run_configure(&run, "MinimumLatency", NULL);
	struct cs_pod *pod = talker("p");
	ck_assert_str_eq(scores(pod), "skipped");
	load_world_pair(&run, "a", "b", 0.0004);
	load_world_pair(&run, "c", "b", 0.0010);
	// Known to the peers: 3 * 0.4 + 1 * 0.4 (b to a) + 3 * 1.0 over 7: the mean is 0.657 ms.
	// a 0.3, b 0.1, c (3.0 + 0.657) / 4 = 0.914, d and e 0.657; and 0.1 more.
	ck_assert_str_eq(scores(pod), "a=50 b=100 c=20 d=26 e=26");
	load_world_wait(&run, 3600 * CS_SECOND);
	ck_assert_str_eq(scores(pod), "skipped");
}
END_TEST

START_TEST(latency_threshold)
{
	places();
	peers();
	run_configure(&run, "MinimumLatency", "{threshold: 800us}");
	load_world_pair(&run, "a", "b", 0.0004);
	load_world_pair(&run, "c", "a", 0.0009);
	load_world_pair(&run, "c", "b", 0.0009);
	struct cs_pod *pod = talker("p");
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "a b");
	ck_assert_str_eq(run_reasons(&run, "c"),
			 "node(s) had a latency to the pod's peers above the threshold");
	load_world_wait(&run, CS_SECOND);
	ck_assert_uint_eq(load_world_pair(&run, "c", "b", 0.0005), CS_EVENT_LOAD);
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "a b c");
	ck_assert_uint_ne(run.instance.plugin->cures & CS_EVENT_LOAD, 0);
}
END_TEST

START_TEST(latency_arguments)
{
	static const struct {
		const char *args;
		const char *errors;
	} rows[] = {
		{ "{floor: 0s}",
		  "floor: Invalid value: \"0s\": must be at least 1us and at most 1s" },
		{ "{threshold: 2m}",
		  "threshold: Invalid value: \"2m0s\": must be at least 0s and at most 1m0s" },
		{ "{bias: 9}", "bias: Invalid value: 9: not in valid range [0.25, 4]" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		ck_assert_str_eq(run_errors(&run, "MinimumLatency", rows[i].args), rows[i].errors);
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		distance_example,         levels,
		names_used_twice,         no_peers,
		distance_threshold,       as_pairs,
		distance_arguments,       latency_example,
		pairs_that_are_not_known, latency_threshold,
		latency_arguments,
	};
	Suite *suite = suite_create("plugins/minimum");
	TCase *tcase = tcase_create("minimum");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
