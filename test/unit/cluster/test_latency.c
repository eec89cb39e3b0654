// Latencies between places: both ways, ages, limits, places that go. Neighbours:
// lib/cluster/latency.c.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <csched/base/clock.h>
#include <csched/base/random.h>
#include <csched/cluster/topology.h>

#include "cluster/cluster_internal.h"
#include "cluster/latency_internal.h"
#include "world.h"

#define T0 (1000000 * CS_SECOND)

static struct world world;
static struct cs_latency *latency;
static struct cs_load_report report;

static const struct cs_load_metric metric = {
	.name = "latency",
	.kind = CS_LOAD_PAIR,
	.min = 0,
	.max = 10,
	.ttl = 60 * CS_SECOND,
	.topology = "zone",
};

static void setup(void)
{
	world_begin(&world);
	latency = cs_latency_create(world.cluster, &metric);
	world.cluster->latency = latency; // the cluster's from now on
	report = (struct cs_load_report){ 0 };
}

static void teardown(void)
{
	world_end(&world);
}

static void node(const char *name, const char *zone)
{
	apply_node(&world,
		   read_node(&world, "{metadata: {name: %s, labels: {zone: %s}}}", name, zone));
}

static uint32_t absorb(const char *from, const char *to, double value, int64_t taken)
{
	const struct cs_load_sample sample = {
		.node = from, .to = to, .value = value, .taken = taken
	};
	return cs_latency_absorb(world.cluster, latency, &sample, T0, &report);
}

struct asked {
	uint32_t from;
	double seconds;
};

static void hear(void *user, uint32_t from, double seconds)
{
	struct asked *asked = user;
	if (from == asked->from)
		asked->seconds = seconds;
}

// Seconds from a place to another, NaN = not known.
static double get(const char *from, const char *to)
{
	const struct cs_topology *topology = cs_latency_topology(latency);
	struct asked asked = { .from = cs_topology_find(topology, from), .seconds = NAN };
	uint32_t domain = cs_topology_find(topology, to);
	if (domain != CS_DOMAIN_NONE)
		cs_latency_each(latency, domain, hear, &asked);
	return asked.seconds;
}

#define expect(from, to, value) ck_assert_double_eq_tol(get(from, to), value, 1e-6)

START_TEST(nothing)
{
	node("n1", "a");
	ck_assert(isnan(get("a", "a")));
	ck_assert(isnan(get("a", "b"))); // a place without a node
	ck_assert_ptr_eq(cs_cluster_latency(world.cluster), latency);
}
END_TEST

START_TEST(one_way_counts_for_the_other)
{
	node("n1", "a");
	node("n2", "b");
	ck_assert_uint_eq(absorb("a", "b", 0.02, T0), CS_EVENT_LOAD);
	expect("a", "b", 0.02);
	expect("b", "a", 0.02);
	absorb("b", "a", 0.03, T0);
	expect("a", "b", 0.02);
	expect("b", "a", 0.03);
	ck_assert_uint_eq(report.n_matched, 2);
}
END_TEST

START_TEST(names_of_nodes_stand_for_their_places)
{
	node("n1", "a");
	node("n2", "b");
	absorb("n1", "n2", 0.5, T0);
	expect("a", "b", 0.5);
	absorb("n1", "a", 0.001, T0);
	expect("a", "a", 0.001);
}
END_TEST

START_TEST(what_is_not_absorbed)
{
	node("n1", "a");
	node("n2", "b");
	absorb("a", "b", 0.02, T0 - CS_SECOND);
	ck_assert_uint_eq(absorb("a", "b", NAN, T0), 0);
	ck_assert_uint_eq(absorb("a", "b", -1, T0), 0);
	ck_assert_uint_eq(absorb("a", "b", 11, T0), 0);
	ck_assert_uint_eq(absorb("a", "b", INFINITY, T0), 0);
	ck_assert_uint_eq(report.n_implausible, 4);
	ck_assert_uint_eq(absorb("a", "b", 1, T0 - CS_SECOND), 0);
	ck_assert_uint_eq(report.n_old, 1);
	ck_assert_uint_eq(absorb("a", "nowhere", 1, T0), 0);
	ck_assert_uint_eq(absorb("elsewhere", "b", 1, T0), 0);
	ck_assert_uint_eq(absorb("a", NULL, 1, T0), 0);
	ck_assert_uint_eq(report.n_unmatched, 3);
	ck_assert_str_eq(report.unmatched[0], "nowhere");
	ck_assert_str_eq(report.unmatched[1], "elsewhere");
	expect("a", "b", 0.02);
}
END_TEST

START_TEST(the_queue_is_told_when_one_falls)
{
	node("n1", "a");
	node("n2", "b");
	ck_assert_uint_eq(absorb("a", "b", 0.02, T0 - 3), CS_EVENT_LOAD);
	ck_assert_uint_eq(absorb("a", "b", 0.03, T0 - 2), 0);
	ck_assert_uint_eq(absorb("a", "b", 0.01, T0 - 1), CS_EVENT_LOAD);
}
END_TEST

START_TEST(ages)
{
	node("n1", "a");
	node("n2", "b");
	absorb("a", "b", 0.02, T0);
	absorb("b", "a", 0.03, T0 + CS_SECOND); // of the future: counts as now
	ck_assert_uint_eq(report.n_future, 1);
	ck_assert_uint_eq(cs_latency_tick(latency, T0 + 300 * CS_SECOND), 0);
	expect("a", "b", 0.02);
	ck_assert_uint_eq(cs_latency_tick(latency, T0 + 337 * CS_SECOND), CS_EVENT_LOAD);
	ck_assert(isnan(get("a", "b")));
	ck_assert(isnan(get("b", "a")));
}
END_TEST

START_TEST(a_place_that_comes_again)
{
	node("n1", "a");
	node("n2", "b");
	absorb("a", "b", 0.02, T0);
	cs_cluster_remove_node(world.cluster, "n2");
	ck_assert(isnan(get("a", "b")));
	node("n3", "c"); // takes the free domain
	ck_assert(isnan(get("a", "c")));
	node("n4", "b");
	expect("a", "b", 0.02);
}
END_TEST

struct told {
	uint32_t n;
	double sum;
};

static void tell(void *user, uint32_t from, double seconds)
{
	struct told *told = user;
	(void)from;
	told->n++;
	told->sum += seconds;
}

START_TEST(each)
{
	node("n1", "a");
	node("n2", "b");
	node("n3", "c");
	absorb("a", "b", 1, T0);
	absorb("b", "c", 2, T0);
	absorb("c", "b", 3, T0);
	absorb("b", "b", 4, T0);
	absorb("a", "c", 5, T0);
	struct told told = { 0 };
	cs_latency_each(latency, cs_topology_find(cs_latency_topology(latency), "b"), tell, &told);
	ck_assert_uint_eq(told.n, 3);
	ck_assert_double_eq(told.sum, 1 + 3 + 4);
}
END_TEST

// Against a plain table.
START_TEST(as_a_table)
{
	enum { N = 12 };
	double table[N][N];
	char names[N][4];
	struct cs_random random;
	cs_random_init(&random, 7);
	for (int i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "z%d", i);
		node(names[i], names[i]);
		for (int k = 0; k < N; k++)
			table[i][k] = NAN;
	}
	for (int i = 0; i < 400; i++) {
		uint64_t from = cs_random_below(&random, N), to = cs_random_below(&random, N);
		table[from][to] = (double)cs_random_below(&random, 1000) / 100;
		absorb(names[from], names[to], table[from][to], T0 - 1000 + i);
		uint64_t a = cs_random_below(&random, N), b = cs_random_below(&random, N);
		double wanted = isnan(table[a][b]) ? table[b][a] : table[a][b];
		double got = get(names[a], names[b]);
		ck_assert_msg(isnan(wanted) ? isnan(got) : fabs(got - wanted) < 1e-5,
			      "step %d: %g, not %g", i, got, wanted);
	}
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		nothing,
		one_way_counts_for_the_other,
		names_of_nodes_stand_for_their_places,
		what_is_not_absorbed,
		the_queue_is_told_when_one_falls,
		ages,
		a_place_that_comes_again,
		each,
		as_a_table,
	};
	Suite *suite = suite_create("cluster/latency");
	TCase *tcase = tcase_create("latency");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
