// The ledger of load, by figures that can be worked out by hand.
// Neighbours: lib/cluster/load*.c; test_random_load.c for what nobody works out.
#include <csched/base/clock.h>
#include <csched/cluster/load.h>
#include <math.h>
#include <stdio.h>

#include "world.h"

#define SECOND CS_SECOND
#define START  (INT64_C(1700000000) * SECOND)

enum { CPU, MEMORY, CONNECTIONS, RESPONSE, GPU, N_METRICS };

static const struct cs_load_metric metrics[N_METRICS] = {
	[CPU] = { .name = "cpu",
		  .kind = CS_LOAD_USAGE,
		  .max = 1e8,
		  .ttl = 60 * SECOND,
		  .ramp = 60 * SECOND },
	[MEMORY] = { .name = "memory",
		     .kind = CS_LOAD_USAGE,
		     .max = 1e15,
		     .ttl = 60 * SECOND,
		     .ramp = 120 * SECOND },
	[CONNECTIONS] = { .name = "connections",
			  .kind = CS_LOAD_COUNT,
			  .max = 1e9,
			  .ttl = 60 * SECOND,
			  .ramp = 300 * SECOND,
			  .per_pod = 8 },
	[RESPONSE] = { .name = "responseTime",
		       .kind = CS_LOAD_LEVEL,
		       .max = INFINITY,
		       .ttl = 60 * SECOND },
	[GPU] = { .name = "example.com/gpu",
		  .kind = CS_LOAD_USAGE,
		  .max = 1e6,
		  .ttl = 60 * SECOND,
		  .ramp = 60 * SECOND },
};
static const bool annotated[N_METRICS] = { [CPU] = true, [CONNECTIONS] = true };

static struct world world;
static const struct cs_load_table *table;
static struct cs_load_report report;
static char notice[256];

static void keep_notice(void *user, const char *words)
{
	(void)user;
	snprintf(notice, sizeof(notice), "%s", words);
}

static void setup(void)
{
	world_begin(&world);
	cs_cluster_set_load_metrics(world.cluster, metrics, N_METRICS, annotated);
	cs_cluster_set_load_notice(world.cluster, keep_notice, NULL);
	cs_cluster_set_time(world.cluster, START);
	table = cs_cluster_load(world.cluster);
	notice[0] = '\0';
}

static void teardown(void)
{
	world_end(&world);
}

#define NODE4 "status: {allocatable: {cpu: 4, memory: 8Gi, pods: 110}}"
#define POD   "containers: [{name: c, resources: {requests: {cpu: 500m, memory: 1Gi}}}]"

// Seconds after START.
static void at(double seconds)
{
	cs_cluster_set_time(world.cluster, START + (int64_t)(seconds * (double)SECOND));
}

static uint32_t sample(const char *node, uint32_t metric, double value, double taken, double window)
{
	const struct cs_load_sample one = {
		.node = node,
		.metric = metric,
		.value = value,
		.taken = START + (int64_t)(taken * (double)SECOND),
		.window = (int64_t)(window * (double)SECOND),
	};
	return cs_cluster_apply_samples(world.cluster, &one, 1, &report);
}

static void assume(const char *name, uint32_t row)
{
	cs_cluster_assume(world.cluster, add_pod(&world, name, POD), row);
}

static void near(double shown, double expected)
{
	ck_assert_double_eq_tol(shown, expected, 1e-6 * (1 + fabs(expected)));
	world_check(&world);
}

// ---- samples ----

START_TEST(a_fresh_sample_is_the_load)
{
	uint32_t row = add_node(&world, "a", NODE4);
	uint32_t other = add_node(&world, "b", NODE4);
	ck_assert_uint_eq(table->n_columns, N_METRICS);
	ck_assert_uint_eq(table->columns[CPU].n_known, 0);
	ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_MISSING);
	uint64_t version = table->version;
	at(10);
	sample("a", CPU, 1500, 5, 30);
	ck_assert_uint_gt(table->version, version);
	near(table->columns[CPU].load[row], 1500);
	near(table->columns[CPU].capacity[row], 4000);
	near(table->columns[CPU].quality[row], 1);
	ck_assert_uint_eq(table->columns[CPU].n_known, 1);
	near(table->columns[CPU].median, 1500);
	ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_FRESH);
	ck_assert_int_eq(table->columns[CPU].taken[row], START + 5 * SECOND);
	ck_assert_int_eq(table->columns[CPU].window[row], 30 * SECOND);
	near(table->columns[CPU].quality[other], 0);
	ck_assert_uint_eq(report.n_matched, 1);
	ck_assert_uint_eq(cs_load_find(table, "connections"), CONNECTIONS);
	ck_assert_uint_eq(cs_load_find(table, "heat"), CS_LOAD_METRIC_NONE);
}
END_TEST

// ttl 60 s: at 120 s of age quality is e^-1, at 336 s e^-4.6 = 0.01005, at 337 s nothing.
START_TEST(a_sample_ages)
{
	uint32_t row = add_node(&world, "a", NODE4);
	assume("p", row);
	sample("a", CPU, 2000, 0, 0);
	const struct cs_load_column *cpu = &table->columns[CPU];
	near(cpu->load[row], 2500); // 2000 and the 500m of the pod that came
	at(60);
	cs_cluster_tick_load(world.cluster);
	near(cpu->quality[row], 1);
	at(120);
	cs_cluster_tick_load(world.cluster);
	near(cpu->quality[row], exp(-1));
	ck_assert_uint_eq(cpu->state[row], CS_LOAD_AGEING);
	near(cpu->load[row], exp(-1) * 2500 + (1 - exp(-1)) * 500); // towards the requests
	at(336);
	cs_cluster_tick_load(world.cluster);
	near(cpu->quality[row], exp(-4.6));
	at(337);
	cs_cluster_tick_load(world.cluster);
	near(cpu->quality[row], 0);
	near(cpu->load[row], 500);
	ck_assert_uint_eq(cpu->state[row], CS_LOAD_MISSING);
	ck_assert_uint_eq(cpu->n_known, 0);
	sample("a", CPU, 1000, 337, 0);
	near(cpu->load[row], 1000); // it has the pod, which came 337 s before
	ck_assert_uint_eq(cpu->n_known, 1);
}
END_TEST

START_TEST(the_newer_of_two_wins)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(20);
	const struct cs_load_sample both[] = {
		{ .node = "a", .metric = CPU, .value = 1, .taken = START + 10 * SECOND },
		{ .node = "a", .metric = CPU, .value = 2, .taken = START + 10 * SECOND },
		{ .node = "a", .metric = CPU, .value = 3, .taken = START + 9 * SECOND },
		{ .node = "zz", .metric = CPU, .value = 3, .taken = START + 9 * SECOND },
		{ .node = "a", .metric = 77, .value = 3, .taken = START + 9 * SECOND },
	};
	cs_cluster_apply_samples(world.cluster, both, 5, &report);
	near(table->columns[CPU].load[row], 1);
	ck_assert_uint_eq(report.n_matched, 3);
	ck_assert_uint_eq(report.n_old, 2);
	ck_assert_uint_eq(report.n_unmatched, 1);
	ck_assert_str_eq(report.unmatched[0], "zz");
	sample("a", CPU, 4, 11, 0);
	near(table->columns[CPU].load[row], 4);
}
END_TEST

START_TEST(values_that_cannot_be)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(5);
	sample("a", CPU, 700, 1, 0);
	const double wrong[] = { NAN, INFINITY, -INFINITY, -1, 1e18 };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		sample("a", CPU, wrong[i], 2 + 0.1 * (double)i, 0);
		ck_assert_uint_eq(report.n_implausible, 1);
		near(table->columns[CPU].load[row], 700);
		near(table->columns[CPU].quality[row], 1);
		ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_IMPLAUSIBLE);
	}
	at(121); // the one before fades as if there were no other
	cs_cluster_tick_load(world.cluster);
	near(table->columns[CPU].quality[row], exp(-1));
	ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_IMPLAUSIBLE);
	sample("a", CPU, 800, 120, 0);
	ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_FRESH);
	near(table->columns[CPU].load[row], 800);
	sample("a", MEMORY, NAN, 120, 0);
	near(table->columns[MEMORY].quality[row], 0);
	ck_assert_uint_eq(table->columns[MEMORY].state[row], CS_LOAD_IMPLAUSIBLE);
}
END_TEST

START_TEST(a_sample_from_the_future_is_of_now)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(10);
	sample("a", CPU, 700, 3600, 0);
	ck_assert_uint_eq(report.n_future, 1);
	ck_assert_int_eq(table->columns[CPU].taken[row], START + 10 * SECOND);
	at(11);
	sample("a", CPU, 800, 11, 0);
	near(table->columns[CPU].load[row], 800);
}
END_TEST

START_TEST(nodes_are_found_by_address)
{
	uint32_t a = add_node(&world, "a",
			      "status: {addresses: [{type: InternalIP, address: 10.0.0.1}, "
			      "{type: Hostname, address: host-a}, "
			      "{type: InternalIP, address: 'fd00::1'}]}");
	uint32_t b = add_node(&world, "b",
			      "status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}");
	const struct {
		const char *name;
		uint32_t row;
	} cases[] = {
		{ "a", a },
		{ "a:9100", a },
		{ "10.0.0.1", a }, // of two the first
		{ "10.0.0.1:9100", a },
		{ "host-a:80", a },
		{ "fd00::1", a },
		{ "[fd00::1]:9100", a },
		{ "b", b },
		{ "10.0.0.2", CS_ROW_NONE },
		{ "10.0.0.1:", CS_ROW_NONE },
		{ ":9100", CS_ROW_NONE },
		{ "9100", CS_ROW_NONE },
		{ "", CS_ROW_NONE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		at((double)i + 1);
		sample(cases[i].name, CPU, (double)i, (double)i + 1, 0);
		ck_assert_uint_eq(report.n_matched, cases[i].row != CS_ROW_NONE);
		if (cases[i].row != CS_ROW_NONE)
			near(table->columns[CPU].load[cases[i].row], (double)i);
	}
	cs_cluster_remove_node(world.cluster, "a");
	at(20);
	sample("host-a", CPU, 1, 20, 0);
	ck_assert_uint_eq(report.n_unmatched, 1);
	sample("10.0.0.1", CPU, 1, 20, 0);
	ck_assert_uint_eq(report.n_matched, 1); // b has it as well
	add_node(&world, "b", "status: {addresses: [{type: InternalIP, address: 10.0.0.9}]}");
	sample("10.0.0.9:1", CPU, 2, 20, 0);
	ck_assert_uint_eq(report.n_matched, 1);
	sample("10.0.0.1", CPU, 1, 20, 0);
	ck_assert_uint_eq(report.n_unmatched, 1);
}
END_TEST

START_TEST(a_row_that_is_used_again_knows_nothing)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(5);
	sample("a", CPU, 700, 1, 0);
	sample("a", CONNECTIONS, 70, 1, 0);
	cs_cluster_remove_node(world.cluster, "a");
	ck_assert_uint_eq(table->columns[CPU].n_known, 0);
	ck_assert_uint_eq(add_node(&world, "b", NODE4), row);
	near(table->columns[CPU].load[row], 0);
	near(table->columns[CPU].quality[row], 0);
	near(table->columns[CONNECTIONS].capacity[row], 0);
	ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_MISSING);
	sample("b", CPU, 600, 0.5, 0); // older than what the other had
	near(table->columns[CPU].load[row], 600);
}
END_TEST

// ---- pods in flight ----

// Ramp 60 s, window 30 s: what is longer counts. The pod comes at 100 s and asks for 500m.
START_TEST(a_pod_fades_out_of_flight)
{
	uint32_t row = add_node(&world, "a", NODE4);
	const struct cs_load_column *cpu = &table->columns[CPU];
	at(100);
	sample("a", CPU, 1000, 100, 30);
	assume("p", row);
	near(cpu->in_flight[row], 500);
	near(cpu->load[row], 1500); // at once
	at(110);
	cs_cluster_tick_load(world.cluster);
	near(cpu->in_flight[row], 500); // constant between samples
	sample("a", CPU, 1000, 99, 30); // old
	near(cpu->in_flight[row], 500);
	at(130);
	sample("a", CPU, 1100, 115, 30); // min(15/30, 15/60) = 1/4 is in it
	near(cpu->in_flight[row], 375);
	near(cpu->load[row], 1475);
	sample("a", CPU, 1200, 130, 30); // min(30/30, 30/60) = 1/2
	near(cpu->load[row], 1450);
	at(160);
	sample("a", CPU, 1500, 160, 30);
	near(cpu->in_flight[row], 0);
	near(cpu->load[row], 1500);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 1); // memory: never sampled
	sample("a", MEMORY, 0, 160, 30);
	sample("a", CONNECTIONS, 0, 160, 30);
	sample("a", GPU, 0, 160, 30);
	near(table->columns[MEMORY].in_flight[row], 0.5 * 1073741824);
	near(table->columns[CONNECTIONS].in_flight[row], 0.8 * 8);
	at(500);
	for (uint32_t i = 0; i < N_METRICS; i++)
		sample("a", i, 3, 500, 30);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
}
END_TEST

// Window 240 s, ramp 60 s.
START_TEST(a_long_window_outlasts_the_ramp)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(0);
	assume("p", row);
	at(180);
	sample("a", CPU, 375, 60, 240);
	near(table->columns[CPU].in_flight[row], 375); // a quarter of the window
	sample("a", CPU, 375, 180, 240);
	near(table->columns[CPU].load[row], 500); // three quarters
	at(43200);
	sample("a", CPU, 0, 43200, 1e9); // a day at most
	near(table->columns[CPU].load[row], 250);
}
END_TEST

START_TEST(forgetting_takes_it_all_back)
{
	uint32_t row = add_node(&world, "a", NODE4);
	struct cs_pod *pod = add_pod(&world, "p", POD);
	sample("a", CPU, 1000, 0, 30);
	at(1);
	cs_cluster_assume(world.cluster, pod, row);
	at(16);
	sample("a", CPU, 1000, 16, 30);
	cs_cluster_forget(world.cluster, pod);
	ck_assert_double_eq(table->columns[CPU].in_flight[row], 0);
	ck_assert_double_eq(table->columns[CPU].load[row], 1000);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
	world_check(&world);
}
END_TEST

// Sums cannot run over: of a row 4,096 pods count, as 2^33 milli-CPU or 2^45 bytes at most.
START_TEST(what_counts_has_an_end)
{
	enum { N = 4100, COUNTED = 4096 };
	static struct cs_pod *pods[N];
	uint32_t row = add_node(&world, "a", NODE4);
	const struct cs_load_column *cpu = &table->columns[CPU];
	const struct cs_load_column *memory = &table->columns[MEMORY];
	const Kube__Pod *any = read_pod(
		&world, "{metadata: {name: p, namespace: default, uid: u}, spec: {containers: "
			"[{name: c, resources: {requests: {cpu: 1e12, memory: 1e18}}}]}}");
	char name[16];
	any->metadata->name = any->metadata->uid = name;
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		ck_assert_int_eq(apply_pod(&world, any), 0);
		pods[i] = world.change.pod;
		cs_cluster_assume(world.cluster, pods[i], row);
	}
	near(cpu->in_flight[row], COUNTED * 0x1p33);
	near(memory->in_flight[row], COUNTED * 0x1p45);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), N);
	for (int i = 0; i < N; i++)
		cs_cluster_forget(world.cluster, pods[i]);
	ck_assert_double_eq(cpu->in_flight[row], 0);
	ck_assert_double_eq(memory->in_flight[row], 0);
	world_check(&world);
}
END_TEST

static void bind(const char *name, const char *node, const char *rest)
{
	apply_pod(&world, read_pod(&world,
				   "{metadata: {name: %s, namespace: default, uid: uid-%s, "
				   "creationTimestamp: '2023-11-14T20:00:00Z'}, "
				   "spec: {nodeName: %s, " POD "}%s}",
				   name, name, node, rest));
	ck_assert_ptr_nonnull(world.change.pod);
}

// An assumed pod that is bound keeps its time.
START_TEST(binding_changes_nothing)
{
	uint32_t row = add_node(&world, "a", NODE4);
	sample("a", CPU, 1000, 0, 30);
	at(10);
	assume("p", row);
	at(20);
	bind("p", "a", "");
	near(table->columns[CPU].in_flight[row], 500);
	at(25);
	sample("a", CPU, 1000, 25, 30);
	near(table->columns[CPU].in_flight[row], 375);
	struct cs_pod *pod = add_pod(&world, "q", POD); // bound by somebody else, elsewhere
	uint32_t other = add_node(&world, "b", NODE4);
	cs_cluster_assume(world.cluster, pod, row);
	near(table->columns[CPU].in_flight[row], 875);
	cs_cluster_confirm(world.cluster, pod, "b");
	near(table->columns[CPU].in_flight[row], 375);
	near(table->columns[CPU].in_flight[other], 500);
}
END_TEST

// A pod of 500m that the samples hold leaves at 100 s; window 60 s.
START_TEST(what_left_is_taken_off_while_samples_hold_it)
{
	uint32_t row = add_node(&world, "a", NODE4);
	const struct cs_load_column *cpu = &table->columns[CPU];
	bind("p", "a", ""); // long ago
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
	at(100);
	sample("a", CPU, 1200, 100, 60);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-p"));
	near(cpu->in_flight[row], -500);
	near(cpu->load[row], 700);
	at(115);
	sample("a", CPU, 1075, 115, 60); // 45 s of 60
	near(cpu->in_flight[row], -375);
	near(cpu->load[row], 700);
	at(160);
	sample("a", CPU, 700, 160, 60);
	near(cpu->load[row], 700);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
}
END_TEST

// It came at 0, was in a sample of 15 s by a quarter, and left at 20 s.
START_TEST(what_leaves_before_it_has_started)
{
	uint32_t row = add_node(&world, "a", NODE4);
	assume("p", row);
	at(15);
	sample("a", CPU, 125, 15, 15);
	near(table->columns[CPU].in_flight[row], 375);
	bind("p", "a", "");
	at(20);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-p"));
	near(table->columns[CPU].in_flight[row], -125);
	near(table->columns[CPU].load[row], 0);
	at(25);
	sample("a", CPU, 50, 25, 15); // it lived for 10 of its 15 s, and had a third of its ramp
	near(table->columns[CPU].in_flight[row], -500.0 / 3);
	near(table->columns[CPU].load[row], 0); // never less
	at(36);
	sample("a", CPU, 0, 36, 15);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
}
END_TEST

// After a restart: the pod was given its node 40 s before, says its condition.
START_TEST(a_restart_dates_pods_by_their_condition)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(40); // 2023-11-14T22:14:00Z; START is 22:13:20
	bind("p", "a",
	     ", status: {conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: "
	     "'2023-11-14T22:13:20Z'}]}");
	bind("old", "a", "");
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 1);
	sample("a", CPU, 1000, 30, 30);
	near(table->columns[CPU].in_flight[row], 250);
}
END_TEST

// Where nothing is sampled for long, pods do not stay in flight for ever.
START_TEST(flights_of_rows_without_samples_end)
{
	uint32_t row = add_node(&world, "a", NODE4);
	assume("p", row);
	near(table->columns[CPU].in_flight[row], 500);
	for (int i = 0; i < 70; i++) {
		at(880 + i);
		cs_cluster_tick_load(world.cluster);
	}
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 1);
	for (int i = 0; i < 70; i++) {
		at(1000 + i); // ramp 300 s, ttl 60 s, and ten minutes
		cs_cluster_tick_load(world.cluster);
	}
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
	near(table->columns[CPU].load[row], 500);
}
END_TEST

START_TEST(a_reservation_counts_until_it_ends)
{
	uint32_t row = add_node(&world, "a", NODE4);
	uint32_t other = add_node(&world, "b", NODE4);
	const struct cs_load_column *cpu = &table->columns[CPU];
	struct cs_pod *pod = add_pod(&world, "p", POD);
	sample("a", CPU, 1000, 0, 0);
	sample("b", CPU, 1000, 0, 0);
	uint64_t log = world.nodes->log_end;
	cs_cluster_reserve(world.cluster, pod, row, START + 100 * SECOND);
	near(cpu->load[row], 1500);
	ck_assert_uint_gt(world.nodes->log_end, log);
	at(90);
	sample("a", CPU, 1000, 90, 0); // it is not there: nothing of it is in a sample
	near(cpu->load[row], 1500);
	cs_cluster_reserve(world.cluster, pod, other, START + 100 * SECOND);
	near(cpu->load[row], 1000);
	near(cpu->in_flight[other], 500);
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 1);
	at(100);
	cs_cluster_tick_load(world.cluster);
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 0);
	near(cpu->in_flight[other], 0);
	cs_cluster_reserve(world.cluster, pod, row, START + 1000 * SECOND);
	bind("p", "b", "");
	near(cpu->in_flight[row], 0);
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 0);
	cs_cluster_reserve(world.cluster, pod, row, START + 1000 * SECOND); // it is bound
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 0);
	cs_cluster_reserve(world.cluster, add_pod(&world, "q", POD), row, START + 1000 * SECOND);
	cs_cluster_unreserve(world.cluster, "uid-q");
	cs_cluster_unreserve(world.cluster, "uid-q");
	cs_cluster_reserve(world.cluster, add_pod(&world, "q", POD), row, START + 1000 * SECOND);
	cs_cluster_remove_node(world.cluster, "a");
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 0);
	world_check(&world);
}
END_TEST

// The clock was an hour ahead, and is put right.
START_TEST(a_clock_that_is_put_back)
{
	uint32_t row = add_node(&world, "a", NODE4);
	at(3600);
	sample("a", CPU, 1000, 3600, 30);
	assume("p", row);
	cs_cluster_reserve(world.cluster, add_pod(&world, "q", POD), row, START + 3610 * SECOND);
	at(3590); // a small step is waited out
	ck_assert_int_eq(cs_cluster_time(world.cluster), START + 3600 * SECOND);
	at(0);
	ck_assert_int_eq(cs_cluster_time(world.cluster), START);
	near(table->columns[CPU].load[row], 2000);
	at(30);
	cs_cluster_tick_load(world.cluster);
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 0); // ten seconds
	sample("a", CPU, 1200, 30, 30);
	ck_assert_uint_eq(report.n_old, 0);
	near(table->columns[CPU].load[row], 1450); // half of the ramp since
}
END_TEST

START_TEST(a_node_that_goes_ends_its_own_reservations)
{
	uint32_t rows[] = { add_node(&world, "a", NODE4), add_node(&world, "b", NODE4) };
	struct cs_pod pod = *add_pod(&world, "p", POD);
	char uid[16];
	pod.uid = uid;
	for (int i = 0; i < 50; i++) {
		snprintf(uid, sizeof(uid), "u%d", i);
		cs_cluster_reserve(world.cluster, &pod, rows[i % 2], START + 1000 * SECOND);
	}
	cs_cluster_remove_node(world.cluster, "b");
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 25);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 25);
	cs_cluster_remove_node(world.cluster, "a");
	ck_assert_uint_eq(cs_cluster_count_reservations(world.cluster), 0);
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
	world_check(&world);
}
END_TEST

// ---- what is unknown ----

// 30 connections over 3 pods on the known row: a pod has 10, four of them 40. A row with fewer that
// says nothing is not taken for idler than the median of those that speak.
START_TEST(unknown_counts_are_the_mean_of_pods)
{
	uint32_t a = add_node(&world, "a", NODE4);
	uint32_t b = add_node(&world, "b", NODE4);
	uint32_t c = add_node(&world, "c", NODE4);
	for (int i = 0; i < 7; i++) {
		char name[8];
		snprintf(name, sizeof(name), "p%d", i);
		bind(name, i < 3 ? "a" : "b", "");
	}
	near(table->columns[CONNECTIONS].load[b], 32); // per_pod
	near(table->columns[CONNECTIONS].load[c], 0);
	sample("a", CONNECTIONS, 30, 0, 0);
	near(table->columns[CONNECTIONS].mean_per_pod, 10);
	near(table->columns[CONNECTIONS].load[a], 30);
	near(table->columns[CONNECTIONS].load[b], 40);
	near(table->columns[CONNECTIONS].load[c], 30);
	near(cs_cluster_expected(world.cluster, add_pod(&world, "q", POD), CONNECTIONS), 10);
	at(3600); // nobody speaks any more: what was known last of a pod goes on
	cs_cluster_tick_load(world.cluster);
	near(table->columns[CONNECTIONS].n_known, 0);
	near(table->columns[CONNECTIONS].mean_per_pod, 10);
	near(table->columns[CONNECTIONS].load[a], 30);
	near(table->columns[CONNECTIONS].load[b], 40);
	near(table->columns[CONNECTIONS].load[c], 0);
}
END_TEST

// What a node has without any pods is not its pods': b's 4000 say nothing of what a pod brings, but
// that a node has 2000 beside its pods.
START_TEST(nodes_without_pods_say_nothing_of_pods)
{
	add_node(&world, "a", NODE4);
	uint32_t b = add_node(&world, "b", NODE4);
	uint32_t c = add_node(&world, "c", NODE4);
	const struct cs_load_column *connections = &table->columns[CONNECTIONS];
	bind("p", "a", "");
	bind("q", "a", "");
	bind("r", "c", "");
	sample("b", CONNECTIONS, 4000, 0, 0);
	near(connections->mean_per_pod, 0); // nobody knows
	near(connections->load[c], 4008);   // per_pod; the median is 4000
	sample("a", CONNECTIONS, 30, 0, 0);
	near(connections->mean_per_pod, 15);
	near(connections->load[c], 2015); // (4030 - 2 * 15) / 2 + 15; the median too
	at(120);
	sample("a", CONNECTIONS, 30, 120, 0);
	cs_cluster_tick_load(world.cluster);
	near(connections->load[b], exp(-1) * 4000 + (1 - exp(-1)) * 2000);
	sample("b", CPU, 1000, 120, 0);
	sample("a", CPU, 600, 120, 0);
	near(table->columns[CPU].mean_per_pod, 300);
	// Nor when pods have come there, for counts.
	sample("b", CONNECTIONS, 4000, 120, 0);
	assume("s", b);
	near(connections->in_flight[b], 15);
	at(420);
	sample("a", CONNECTIONS, 30, 420, 0);
	near(connections->mean_per_pod, (30 + 15) / 3.0);
	sample("b", CONNECTIONS, 4012, 420, 0);
	near(connections->in_flight[b], 0);
	near(connections->mean_per_pod, (12 + 2 * (30 + 12) / 3.0) / (1 + 2));
	sample("b", CPU, 1200, 420, 0);
	near(table->columns[CPU].mean_per_pod, (600 + 1200) / 3.0);
	cs_cluster_remove_node(world.cluster, "b"); // another one of its name has its own
	add_node(&world, "b", NODE4);
	sample("b", CONNECTIONS, 5000, 420, 0);
	near(connections->mean_per_pod, (12 + 2 * (30 + 5000) / 3.0) / (1 + 2));
}
END_TEST

// Nodes are told of before their pods, and so are samples in their annotations: what those hold is
// their pods' all the same, and pods that are told of later have not come since.
START_TEST(pods_are_told_of_after_their_samples)
{
	const struct cs_load_column *connections = &table->columns[CONNECTIONS];
	add_node(&world, "a", NODE4);
	add_node(&world, "b", NODE4);
	sample("a", CONNECTIONS, 30, 0, 0);
	sample("b", CONNECTIONS, 50, 0, 0);
	bind("p", "a", "");
	bind("q", "a", "");
	at(1);
	sample("b", CONNECTIONS, 50, 1, 0);
	near(connections->mean_per_pod, 15);
	bind("r", "b", "");
	bind("s", "b", "");
	at(2);
	sample("a", CONNECTIONS, 30, 2, 0);
	sample("b", CONNECTIONS, 50, 2, 0);
	near(connections->mean_per_pod, 20);
	bind("t", "b", "");
	at(3);
	sample("b", CONNECTIONS, 50, 3, 0);
	near(connections->mean_per_pod, 16);
}
END_TEST

// A node has 2000 connections and a pod. Pods that come bring 20 each, as samples say once they
// hold them wholly.
START_TEST(what_pods_bring_is_seen_as_they_come)
{
	uint32_t row = add_node(&world, "a", NODE4);
	const struct cs_load_column *connections = &table->columns[CONNECTIONS];
	bind("old", "a", "");
	sample("a", CONNECTIONS, 2000, 0, 0);
	near(connections->mean_per_pod, 2000);
	assume("p", row);
	assume("q", row);
	near(connections->in_flight[row], 4000);
	at(150);
	sample("a", CONNECTIONS, 2020, 150, 0); // half of what they bring is there
	near(connections->in_flight[row], 2000);
	near(connections->mean_per_pod, (2020 + 2000) / 3.0);
	at(300);
	sample("a", CONNECTIONS, 2040, 300, 0);
	double ratio = 2040 / 3.0;
	near(connections->mean_per_pod, (2 * 40 + 2 * ratio) / (4 + 2));
	struct cs_pod *r = add_pod(&world, "r", POD);
	near(cs_cluster_expected(world.cluster, r, CONNECTIONS), connections->mean_per_pod);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-old"));
	near(connections->in_flight[row], -connections->mean_per_pod);
	at(330);
	sample("a", CONNECTIONS, 2020, 330, 0);
	near(connections->mean_per_pod, (2 * 40 + 20 + 2 * 1010) / (5.0 + 2));
	for (int i = 0; i < 30; i++) { // noise has them bring nothing: then per_pod
		char name[8];
		snprintf(name, sizeof(name), "s%d", i);
		assume(name, row);
		at(700 + 300 * i);
		sample("a", CONNECTIONS, 2000, 700 + 300 * i, 0);
	}
	near(connections->mean_per_pod, 8);
	// Never more than the ratio: they come with more than all that their nodes have.
	at(9500);
	sample("a", CONNECTIONS, 1, 9500, 0);
	for (int i = 0; i < 30; i++) {
		char name[8];
		snprintf(name, sizeof(name), "t%d", i);
		assume(name, row);
		at(9800 + 300 * i);
		sample("a", CONNECTIONS, 1 + 20 * (i + 1), 9800 + 300 * i, 0);
	}
	near(connections->mean_per_pod, 601.0 / 62);
}
END_TEST

START_TEST(unknown_levels_are_the_median)
{
	uint32_t rows[4];
	static const char *const names[] = { "a", "b", "c", "d" };
	for (int i = 0; i < 4; i++)
		rows[i] = add_node(&world, names[i], NODE4);
	sample("a", RESPONSE, 0.25, 0, 0);
	sample("b", RESPONSE, 0.5, 0, 0);
	sample("c", RESPONSE, 4, 0, 0);
	near(table->columns[RESPONSE].load[rows[3]], 0.5);
	near(table->columns[RESPONSE].median, 0.5);
	sample("d", RESPONSE, 1.5, 0, 0);
	near(table->columns[RESPONSE].median, 1);
	near(table->columns[RESPONSE].in_flight[rows[3]], 0);
	at(100); // of these samples none is fresh now
	sample("a", RESPONSE, 8, 100, 0);
	sample("b", RESPONSE, 16, 100, 0);
	cs_cluster_tick_load(world.cluster);
	uint32_t row = add_node(&world, "e", NODE4);
	cs_cluster_tick_load(world.cluster);
	near(table->columns[RESPONSE].load[row], 12);
	double quality = exp(-40.0 / 60);
	near(table->columns[RESPONSE].load[rows[2]], quality * 4 + (1 - quality) * 12);
}
END_TEST

// ---- what pods are expected to use ----

START_TEST(expected_by_request)
{
	const struct {
		const char *spec;
		double cpu;
		double memory;
		double gpu;
	} cases[] = {
		{ POD, 500, 1073741824, 0 },
		{ "containers: [{name: c}]", 100, 209715200, 0 },
		{ "containers: [{name: c, resources: {requests: {cpu: 0, memory: 0}}}]", 100,
		  209715200, 0 },
		{ "containers: [{name: c, resources: {requests: {example.com/gpu: 2}}}, {name: d}]",
		  200, 419430400, 2 },
	};
	add_node(&world, "a", "status: {allocatable: {cpu: 4, example.com/gpu: 8}}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[8];
		snprintf(name, sizeof(name), "p%zu", i);
		const struct cs_pod *pod = add_pod(&world, name, cases[i].spec);
		near(cs_cluster_expected(world.cluster, pod, CPU), cases[i].cpu);
		near(cs_cluster_expected(world.cluster, pod, MEMORY), cases[i].memory);
		near(cs_cluster_expected(world.cluster, pod, GPU), cases[i].gpu);
		near(cs_cluster_expected(world.cluster, pod, CONNECTIONS), 8);
		near(cs_cluster_expected(world.cluster, pod, RESPONSE), 0);
	}
}
END_TEST

static struct cs_pod *workload_pod(const char *name, const char *owner, const char *more)
{
	int rc = apply_pod(
		&world, read_pod(&world,
				 "{metadata: {name: %s, namespace: default, uid: uid-%s, "
				 "ownerReferences: [{%s, controller: true}], %s}, spec: {" POD "}}",
				 name, name, owner, more));
	ck_assert_int_eq(rc, 0);
	return world.change.pod;
}

static void pod_sample(const char *name, uint32_t metric, double value, double taken)
{
	const struct cs_load_pod_sample one = {
		.namespace = "default",
		.name = name,
		.metric = metric,
		.value = value,
		.taken = START + (int64_t)(taken * (double)SECOND),
		.window = 30 * SECOND,
	};
	cs_cluster_apply_pod_samples(world.cluster, &one, 1, &report);
}

#define RS1 "apiVersion: apps/v1, kind: ReplicaSet, name: web-abc"
#define RS2 "apiVersion: apps/v1, kind: ReplicaSet, name: web-xyz"

// The pods of two ReplicaSets of one Deployment share what is learned; a quarter of each round
// counts.
START_TEST(workloads_learn)
{
	uint32_t row = add_node(&world, "a", NODE4);
	struct cs_pod *p = workload_pod("p", RS1, "labels: {pod-template-hash: abc}");
	struct cs_pod *q = workload_pod("q", RS2, "labels: {pod-template-hash: xyz}");
	struct cs_pod *r = workload_pod("r", RS2, "labels: {other: xyz}");
	cs_cluster_assume(world.cluster, p, row);
	at(30);
	pod_sample("p", CPU, 100, 30); // it has not started up
	near(cs_cluster_expected(world.cluster, q, CPU), 500);
	at(60);
	pod_sample("p", CPU, 200, 60);
	ck_assert_uint_eq(report.n_matched, 1);
	near(cs_cluster_expected(world.cluster, q, CPU), 200);
	near(cs_cluster_expected(world.cluster, r, CPU), 500); // not named so: its own
	pod_sample("p", CPU, 900, 60);
	ck_assert_uint_eq(report.n_old, 1);
	at(90);
	pod_sample("p", CPU, 400, 90);
	near(cs_cluster_expected(world.cluster, q, CPU), 250);
	at(91);
	pod_sample("p", CPU, NAN, 91);
	ck_assert_uint_eq(report.n_implausible, 1);
	pod_sample("nobody", CPU, 1, 91);
	ck_assert_uint_eq(report.n_unmatched, 1);
	ck_assert_str_eq(report.unmatched[0], "default/nobody");
	cs_cluster_remove_pod(world.cluster, p);
	cs_cluster_remove_pod(world.cluster, q);
	world_check(&world);
	q = workload_pod("q", RS2, "labels: {pod-template-hash: xyz}"); // it is remembered
	near(cs_cluster_expected(world.cluster, q, CPU), 250);
}
END_TEST

// Dated by the year 1 a sample says nothing of a pod that has just come; one that is of the future
// is taken as others are.
START_TEST(pod_samples_of_any_time)
{
	uint32_t row = add_node(&world, "a", NODE4);
	struct cs_pod *p = workload_pod("p", RS1, "labels: {app: w}");
	struct cs_load_pod_sample sample = {
		.namespace = "default", .name = "p", .metric = CPU, .value = 100, .taken = INT64_MIN
	};
	cs_cluster_assume(world.cluster, p, row);
	cs_cluster_apply_pod_samples(world.cluster, &sample, 1, &report);
	ck_assert_uint_eq(report.n_matched, 1);
	ck_assert_uint_eq(report.n_old, 0); // it was not looked at further
	sample.taken = INT64_MAX;
	cs_cluster_apply_pod_samples(world.cluster, &sample, 1, &report);
	ck_assert_uint_eq(report.n_future, 1);
	near(cs_cluster_expected(world.cluster, p, CPU), 100);
	world_check(&world);
}
END_TEST

// The clock of a is right, that of b 25 s late: what b tells is new nevertheless, once.
START_TEST(siblings_learn_by_other_clocks)
{
	uint32_t a = add_node(&world, "a", NODE4);
	uint32_t b = add_node(&world, "b", NODE4);
	struct cs_pod *p = workload_pod("p", RS1, "labels: {app: w}");
	struct cs_pod *q = workload_pod("q", RS1, "labels: {app: w}");
	cs_cluster_assume(world.cluster, p, a);
	cs_cluster_assume(world.cluster, q, b);
	struct cs_load_pod_sample round[] = {
		{ .namespace = "default", .name = "p", .metric = CPU, .value = 200 },
		{ .namespace = "default", .name = "q", .metric = CPU, .value = 400 },
	};
	for (int i = 0; i < 3; i++) {
		double seconds = 200 + 15 * i;
		at(seconds);
		round[0].taken = START + (int64_t)seconds * SECOND;
		round[1].taken = round[0].taken - 25 * SECOND;
		cs_cluster_apply_pod_samples(world.cluster, round, 2, &report);
		ck_assert_uint_eq(report.n_old, 0);
		near(cs_cluster_expected(world.cluster, p, CPU), 300); // of both
	}
	round[1].value = 900;
	cs_cluster_apply_pod_samples(world.cluster, round, 2, &report);
	ck_assert_uint_eq(report.n_old, 2);
	near(cs_cluster_expected(world.cluster, p, CPU), 300);
	// The clock is put back: what they tell from now on is new.
	at(100);
	for (int i = 0; i < 2; i++)
		round[i].taken = START + 101 * SECOND;
	at(102);
	cs_cluster_apply_pod_samples(world.cluster, round, 2, &report);
	ck_assert_uint_eq(report.n_old, 0);
	// Another node in its row has another clock.
	cs_cluster_remove_pod(world.cluster, q);
	cs_cluster_remove_node(world.cluster, "b");
	ck_assert_uint_eq(add_node(&world, "c", NODE4), b);
	q = workload_pod("q", RS1, "labels: {app: w}");
	cs_cluster_assume(world.cluster, q, b);
	at(500);
	round[1].taken = START + 100 * SECOND;
	cs_cluster_apply_pod_samples(world.cluster, round, 2, &report);
	ck_assert_uint_eq(report.n_old, 1); // p's
}
END_TEST

// Ten pods of one workload that use so much at that moment: two on a, eight on b.
static void ten_use(double on_a, double on_b, double seconds)
{
	struct cs_load_pod_sample round[10];
	static const char *const names[] = { "p0", "p1", "p2", "p3", "p4",
					     "p5", "p6", "p7", "p8", "p9" };
	for (int i = 0; i < 10; i++)
		round[i] = (struct cs_load_pod_sample){
			.namespace = "default",
			.name = names[i],
			.metric = CPU,
			.value = i < 2 ? on_a : on_b,
			.taken = START + (int64_t)(seconds * (double)SECOND),
		};
	at(seconds);
	cs_cluster_apply_pod_samples(world.cluster, round, 10, &report);
	ck_assert_uint_eq(report.n_matched, 10);
}

// Two on row a, eight on b.
static void ten_pods(uint32_t a, uint32_t b)
{
	for (int i = 0; i < 10; i++) {
		char name[8];
		snprintf(name, sizeof(name), "p%d", i);
		cs_cluster_assume(world.cluster,
				  workload_pod(name, RS1, "labels: {pod-template-hash: abc}"),
				  i < 2 ? a : b);
	}
}

// What the pods of one row use more than their siblings elsewhere is expected of the next one
// there.
START_TEST(rows_have_strain)
{
	uint32_t a = add_node(&world, "a", NODE4);
	uint32_t b = add_node(&world, "b", NODE4);
	const float *strain = table->columns[CPU].strain;
	ten_pods(a, b);
	ten_use(400, 400, 60);
	near((double)strain[a], 1);
	ten_use(480, 380, 90); // (960 + 400) / 1200: chance
	near((double)strain[a], 1);
	near((double)strain[b], 1);
	ten_use(800, 800, 120); // all of them: nobody's strain
	near((double)strain[a], 1);
	near((double)strain[b], 1);
	struct cs_pod *r = workload_pod("r", RS1, "labels: {pod-template-hash: abc}");
	near(cs_cluster_expected(world.cluster, r, CPU), 500);
	uint64_t version = table->version;
	ten_use(2000, 125, 150); // as 500 each: (4000 + 500) / 1500 = 3 where about 1 was
	ck_assert_uint_gt(table->version, version);
	ck_assert_double_eq_tol((double)strain[a], 2, 0.04);
	near((double)strain[b], 1); // (1000 + 500) / 4500 = 1/3
	double before = table->columns[CPU].in_flight[a];
	double expected = cs_cluster_expected(world.cluster, r, CPU);
	cs_cluster_assume(world.cluster, r, a);
	near(table->columns[CPU].in_flight[a] - before, expected * (double)strain[a]);
	cs_cluster_forget(world.cluster, r);
	near(table->columns[CPU].in_flight[a], before);
	near((double)table->columns[CONNECTIONS].strain[a], 1);
	cs_cluster_remove_node(world.cluster, "a");
	near((double)strain[a], 1);
	ten_use(2000, 125, 180); // its pods are still measured for a while
	ck_assert_uint_eq(add_node(&world, "a", NODE4), a);
	near((double)strain[a], 1);
}
END_TEST

// A row that lost its pods, since it was slow, is tried again some day.
START_TEST(strain_fades_without_pods)
{
	uint32_t a = add_node(&world, "a", NODE4);
	uint32_t b = add_node(&world, "b", NODE4);
	const float *strain = table->columns[CPU].strain;
	ten_pods(a, b);
	ten_use(400, 400, 60);
	ten_use(2000, 125, 90);
	ck_assert_double_eq_tol((double)strain[a], 2, 0.04);
	double before = (double)strain[a];
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-p0"));
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-p1"));
	at(120);
	pod_sample("p2", CPU, 125, 120);
	ck_assert_double_eq_tol((double)strain[a] - 1, 0.98 * (before - 1), 1e-5);
	for (int i = 1; i < 34; i++) {
		at(120 + 30 * i);
		pod_sample("p2", CPU, 125, 120 + 30 * i);
	}
	ck_assert_double_eq_tol((double)strain[a] - 1, 0.5 * (before - 1), 0.01);
	for (int i = 34; i < 60; i++) {
		at(120 + 30 * i);
		pod_sample("p2", CPU, 125, 120 + 30 * i);
	}
	near((double)strain[a], 1); // less than 35 % from it is taken for chance
	world_check(&world);
}
END_TEST

// Large rounds come in parts: a row is not what one of its pods is.
START_TEST(strain_is_of_whole_rounds)
{
	uint32_t rows[] = { add_node(&world, "a", NODE4), add_node(&world, "b", NODE4) };
	for (int i = 0; i < 10; i++) {
		char name[8];
		snprintf(name, sizeof(name), "p%d", i);
		cs_cluster_assume(world.cluster, workload_pod(name, RS1, ""), rows[i % 2]);
	}
	ten_use(400, 400, 60);
	at(90);
	for (int i = 0; i < 10; i += 2) { // 2000 on both in all
		char names[2][8];
		struct cs_load_pod_sample part[2];
		for (int k = 0; k < 2; k++) {
			snprintf(names[k], sizeof(names[k]), "p%d", i + k);
			part[k] = (struct cs_load_pod_sample){ .namespace = "default",
							       .name = names[k],
							       .metric = CPU,
							       .value = k   ? 400
									: i ? 0
									    : 2000,
							       .taken = START + 80 * SECOND };
		}
		if (i < 8)
			cs_cluster_absorb_pod_samples(world.cluster, part, 2, &report);
		else
			cs_cluster_apply_pod_samples(world.cluster, part, 2, &report);
		ck_assert_uint_eq(report.n_matched, 2);
		ck_assert_uint_eq(report.n_old, 0);
	}
	near((double)table->columns[CPU].strain[rows[0]], 1);
	near(cs_cluster_expected(world.cluster, cs_cluster_find_pod(world.cluster, "uid-p0"), CPU),
	     400);
}
END_TEST

// The last pod of its workload goes between two parts, and with it what nobody has learned yet.
START_TEST(a_pod_goes_within_a_round)
{
	struct cs_pod *p = workload_pod("p", RS1, "");
	const struct cs_load_pod_sample part = {
		.namespace = "default", .name = "p", .metric = CPU, .value = 700, .taken = START
	};
	at(60);
	cs_cluster_absorb_pod_samples(world.cluster, &part, 1, &report);
	ck_assert_uint_eq(report.n_matched, 1);
	cs_cluster_remove_pod(world.cluster, p);
	cs_cluster_apply_pod_samples(world.cluster, NULL, 0, &report);
	near(cs_cluster_expected(world.cluster, workload_pod("q", RS1, ""), CPU), 500);
}
END_TEST

START_TEST(a_round_of_replicas_is_one_mean)
{
	uint32_t row = add_node(&world, "a", NODE4);
	struct cs_pod *p = workload_pod("p", RS1, "labels: {pod-template-hash: abc}");
	struct cs_pod *q = workload_pod("q", RS1, "labels: {pod-template-hash: abc}");
	struct cs_pod *r = workload_pod("r", RS1, "labels: {pod-template-hash: abc}");
	cs_cluster_assume(world.cluster, p, row);
	cs_cluster_assume(world.cluster, q, row);
	at(120);
	const struct cs_load_pod_sample round[] = {
		{ .namespace = "default",
		  .name = "p",
		  .metric = CPU,
		  .value = 100,
		  .taken = START + 120 * SECOND },
		{ .namespace = "default",
		  .name = "q",
		  .metric = CPU,
		  .value = 300,
		  .taken = START + 120 * SECOND },
		{ .namespace = "default",
		  .name = "q",
		  .metric = MEMORY,
		  .value = 0,
		  .taken = START + 120 * SECOND },
		{ .namespace = "default", // on no node: it says nothing of any
		  .name = "r",
		  .metric = CPU,
		  .value = 900,
		  .taken = START + 120 * SECOND },
	};
	cs_cluster_apply_pod_samples(world.cluster, round, 4, &report);
	ck_assert_uint_eq(report.n_matched, 4);
	near(cs_cluster_expected(world.cluster, r, CPU), 200);
	near(cs_cluster_expected(world.cluster, r, MEMORY), 1048576); // never nothing
}
END_TEST

START_TEST(connections_by_annotation)
{
	struct cs_pod *p = workload_pod("p", RS1, "annotations: {c-sched.io/connections: '250'}");
	struct cs_pod *q = workload_pod("q", RS1, "annotations: {c-sched.io/connections: 'many'}");
	near(cs_cluster_expected(world.cluster, p, CONNECTIONS), 250);
	near(cs_cluster_expected(world.cluster, q, CONNECTIONS), 8);
	near(cs_cluster_expected(world.cluster, p, CPU), 500);
	ck_assert_ptr_null(cs_cluster_ignored(p));
	ck_assert_str_eq(cs_cluster_ignored(q), "annotation c-sched.io/connections: expected a "
						"number above 0, at most 1e9");
}
END_TEST

// A pod that waits can still be told how many connections it will have, and is tried again then.
START_TEST(a_pods_annotation_changes)
{
	struct cs_pod *p = workload_pod("p", RS1, "annotations: {c-sched.io/connections: '250'}");
	ck_assert(world.change.added && !world.change.demand_changed);
	ck_assert_ptr_eq(workload_pod("p", RS1, "annotations: {c-sched.io/connections: '40'}"), p);
	ck_assert(world.change.demand_changed);
	near(cs_cluster_expected(world.cluster, p, CONNECTIONS), 40);
	workload_pod("p", RS1, "annotations: {other: '40', c-sched.io/connections: '40'}");
	ck_assert(!world.change.demand_changed);
	workload_pod("p", RS1, "annotations: {}");
	ck_assert(world.change.demand_changed);
	near(cs_cluster_expected(world.cluster, p, CONNECTIONS), 8);
	world_check(&world);
}
END_TEST

// ---- annotations of nodes ----

static uint32_t annotate(const char *key, const char *value)
{
	notice[0] = '\0';
	int rc = apply_node(&world,
			    read_node(&world,
				      "{metadata: {name: a, annotations: {%s: '%s'}}, " NODE4 "}",
				      key, value));
	ck_assert_int_eq(rc, 0);
	world_check(&world);
	return cs_cluster_find_node(world.cluster, "a");
}

START_TEST(weights)
{
	uint32_t row = add_node(&world, "a", NODE4);
	ck_assert_int_eq(table->weight[row], 100);
	static const struct {
		const char *text;
		int weight;
	} cases[] = {
		{ "0", 0 },    { "250", 250 }, { "1000", 1000 },       { "1001", 100 },
		{ "-1", 100 }, { "", 100 },    { "99999999999", 100 }, { "1.5", 100 },
		{ " 1", 100 }, { "0010", 10 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		annotate("c-sched.io/weight", cases[i].text);
		ck_assert_int_eq(table->weight[row], cases[i].weight);
		ck_assert_uint_eq(table->n_weightless, cases[i].weight == 0);
		ck_assert_uint_eq(table->n_weighted, cases[i].weight != 100);
	}
	annotate("c-sched.io/weight", "x");
	ck_assert_str_eq(notice, "node a: metadata.annotations[c-sched.io/weight]: expected an "
				 "integer from 0 to 1000: the node counts with 100");
	annotate("c-sched.io/weight", "x");
	ck_assert_str_eq(notice, ""); // told once
	annotate("c-sched.io/weight", "0");
	cs_cluster_remove_node(world.cluster, "a");
	ck_assert_uint_eq(table->n_weightless, 0);
	ck_assert_uint_eq(table->n_weighted, 0);
	ck_assert_int_eq(table->weight[row], 100);
}
END_TEST

START_TEST(annotations_are_samples)
{
	at(10);
	uint32_t row = annotate("load.c-sched.io/cpu", "2500@2023-11-14T22:13:25Z");
	near(table->columns[CPU].load[row], 2500);
	ck_assert_int_eq(table->columns[CPU].taken[row], START + 5 * SECOND);
	cs_cluster_tick_load(world.cluster);
	near(table->columns[CPU].median, 2500);
	annotate("load.c-sched.io/memory", "2500@2023-11-14T22:13:25Z"); // not their source
	near(table->columns[MEMORY].quality[row], 0);
	ck_assert_str_eq(notice, "");
	static const struct {
		const char *value;
		const char *words;
	} wrong[] = {
		{ "2500", "expected \"<value>@<RFC 3339 time>\"" },
		{ "@2023-11-14T22:13:29Z", "expected \"<value>@<RFC 3339 time>\"" },
		{ "x@2023-11-14T22:13:29Z", "not a number before the @" },
		{ " 1@2023-11-14T22:13:29Z", "not a number before the @" },
		{ "1@yesterday", NULL },
		{ "-7@2023-11-14T22:13:29Z", "the value is not plausible" },
		{ "nan@2023-11-14T22:13:30Z", "the value is not plausible" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		annotate("load.c-sched.io/cpu", wrong[i].value);
		ck_assert_str_ne(notice, "");
		if (wrong[i].words)
			ck_assert_msg(strstr(notice, wrong[i].words), "%s", notice);
		near(table->columns[CPU].load[row], 2500);
	}
	ck_assert_uint_eq(table->columns[CPU].state[row], CS_LOAD_IMPLAUSIBLE);
}
END_TEST

// ---- watching ----

START_TEST(thresholds_are_watched)
{
	add_node(&world, "a", NODE4);
	at(10);
	ck_assert_uint_eq(sample("a", CPU, 3900, 1, 0), 0);
	cs_cluster_watch_load(world.cluster, CPU, 0.5);
	cs_cluster_watch_load(world.cluster, CPU, 0.5);
	ck_assert_uint_eq(sample("a", CPU, 3000, 2, 0), 0);
	ck_assert_uint_eq(sample("a", CPU, 1999, 3, 0), CS_EVENT_LOAD);
	ck_assert_uint_eq(sample("a", CPU, 1990, 4, 0), 0);
	ck_assert_uint_eq(sample("a", CPU, 1900, 5, 0), CS_EVENT_LOAD); // another hundredth
	ck_assert_uint_eq(sample("a", CPU, 3000, 6, 0), 0);
	cs_cluster_unwatch_load(world.cluster, CPU, 0.5);
	ck_assert_uint_eq(sample("a", CPU, 1000, 7, 0), CS_EVENT_LOAD);
	ck_assert_uint_eq(sample("a", MEMORY, 1000, 7, 0), 0);
	at(1000); // unknown
	ck_assert_uint_eq(cs_cluster_tick_load(world.cluster), CS_EVENT_LOAD);
	ck_assert_uint_eq(sample("a", CPU, 3999, 1000, 0), CS_EVENT_LOAD); // known
	cs_cluster_unwatch_load(world.cluster, CPU, 0.5);
	ck_assert_uint_eq(sample("a", CPU, 1, 1000.5, 0), 0);
	cs_cluster_watch_load(world.cluster, RESPONSE, 2.5); // seconds: it has no range
	sample("a", RESPONSE, 3, 998, 0);
	ck_assert_uint_eq(sample("a", RESPONSE, 2, 999, 0), CS_EVENT_LOAD);
}
END_TEST

START_TEST(resources_that_come_later)
{
	uint32_t a = add_node(&world, "a", NODE4);
	sample("a", GPU, 1, 0, 0);
	near(table->columns[GPU].capacity[a], 0);
	uint32_t b = add_node(&world, "b", "status: {allocatable: {example.com/gpu: 8}}");
	near(table->columns[GPU].capacity[b], 8);
	cs_cluster_remove_node(world.cluster, "b");
	add_node(&world, "b", "status: {allocatable: {example.com/nic: 3}}");
	near(table->columns[GPU].capacity[b], 0);
}
END_TEST

// Many rows: columns grow with the table.
START_TEST(columns_grow)
{
	for (int i = 0; i < 300; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i);
		uint32_t row = add_node(&world, name, NODE4);
		at(i + 1);
		sample(name, CPU, i, i + 1, 0);
		ck_assert_double_eq(table->columns[CPU].load[row], i);
		ck_assert_int_eq(table->weight[row], 100);
	}
	near(table->columns[CPU].quality[299], 1);
	ck_assert_uint_eq(table->columns[CPU].n_known, 300);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/load");
	TCase *tcase = tcase_create("load");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_fresh_sample_is_the_load);
	tcase_add_test(tcase, a_sample_ages);
	tcase_add_test(tcase, the_newer_of_two_wins);
	tcase_add_test(tcase, values_that_cannot_be);
	tcase_add_test(tcase, a_sample_from_the_future_is_of_now);
	tcase_add_test(tcase, nodes_are_found_by_address);
	tcase_add_test(tcase, a_row_that_is_used_again_knows_nothing);
	tcase_add_test(tcase, a_pod_fades_out_of_flight);
	tcase_add_test(tcase, a_long_window_outlasts_the_ramp);
	tcase_add_test(tcase, forgetting_takes_it_all_back);
	tcase_add_test(tcase, what_counts_has_an_end);
	tcase_add_test(tcase, binding_changes_nothing);
	tcase_add_test(tcase, what_left_is_taken_off_while_samples_hold_it);
	tcase_add_test(tcase, what_leaves_before_it_has_started);
	tcase_add_test(tcase, a_restart_dates_pods_by_their_condition);
	tcase_add_test(tcase, flights_of_rows_without_samples_end);
	tcase_add_test(tcase, a_reservation_counts_until_it_ends);
	tcase_add_test(tcase, a_node_that_goes_ends_its_own_reservations);
	tcase_add_test(tcase, a_clock_that_is_put_back);
	tcase_add_test(tcase, unknown_counts_are_the_mean_of_pods);
	tcase_add_test(tcase, nodes_without_pods_say_nothing_of_pods);
	tcase_add_test(tcase, pods_are_told_of_after_their_samples);
	tcase_add_test(tcase, what_pods_bring_is_seen_as_they_come);
	tcase_add_test(tcase, unknown_levels_are_the_median);
	tcase_add_test(tcase, expected_by_request);
	tcase_add_test(tcase, workloads_learn);
	tcase_add_test(tcase, pod_samples_of_any_time);
	tcase_add_test(tcase, siblings_learn_by_other_clocks);
	tcase_add_test(tcase, rows_have_strain);
	tcase_add_test(tcase, strain_fades_without_pods);
	tcase_add_test(tcase, strain_is_of_whole_rounds);
	tcase_add_test(tcase, a_pod_goes_within_a_round);
	tcase_add_test(tcase, a_round_of_replicas_is_one_mean);
	tcase_add_test(tcase, connections_by_annotation);
	tcase_add_test(tcase, a_pods_annotation_changes);
	tcase_add_test(tcase, weights);
	tcase_add_test(tcase, annotations_are_samples);
	tcase_add_test(tcase, thresholds_are_watched);
	tcase_add_test(tcase, resources_that_come_later);
	tcase_add_test(tcase, columns_grow);
	suite_add_tcase(suite, tcase);
	return suite;
}
