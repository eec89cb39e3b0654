// Random lives of nodes, pods, samples and reservations: the ledger must agree with itself, and
// with a recount by the rule as load.h has it. Neighbours: lib/cluster/load*.c; test_load.c has the
// worked examples.
#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/cluster/load.h>
#include <csched/kube/timestamp.h>
#include <math.h>
#include <stdio.h>

#include "world.h"

#define N_NODES 6
#define N_PODS  40
#define STEPS   20000
#define START   (INT64_C(1700000000) * CS_SECOND)

static const struct cs_load_metric metrics[] = {
	{ .name = "cpu",
	  .kind = CS_LOAD_USAGE,
	  .max = 1e8,
	  .ttl = 20 * CS_SECOND,
	  .ramp = 30 * CS_SECOND },
	{ .name = "connections",
	  .kind = CS_LOAD_COUNT,
	  .max = 1e9,
	  .ttl = 30 * CS_SECOND,
	  .ramp = 60 * CS_SECOND,
	  .per_pod = 8 },
	{ .name = "heat", .kind = CS_LOAD_LEVEL, .max = 100, .ttl = 20 * CS_SECOND },
};
static const bool annotated[] = { false, true, true };

enum where { NOWHERE, PENDING, ASSUMED, BOUND };

static struct world world;
static struct cs_random dice;
static int64_t now;
static enum where where[N_PODS];

static unsigned roll(unsigned n)
{
	return (unsigned)cs_random_below(&dice, n);
}

static char *text(const char *prefix, unsigned i)
{
	return cs_arena_printf(world.arena, "%s%u", prefix, i);
}

static const Kube__Node *any_node(unsigned i)
{
	Kube__Node *node = cs_arena_alloc(world.arena, sizeof(*node));
	kube__node__init(node);
	node->metadata = cs_arena_alloc(world.arena, sizeof(*node->metadata));
	kube__object_meta__init(node->metadata);
	node->metadata->name = text("n", i);
	Kube__StringEntry *note = cs_arena_alloc(world.arena, sizeof(*note));
	kube__string_entry__init(note);
	static const char *const keys[] = { "c-sched.io/weight", "load.c-sched.io/heat",
					    "load.c-sched.io/connections", "other" };
	note->key = (char *)(uintptr_t)keys[roll(4)];
	char at[CS_TIMESTAMP_SIZE];
	note->value = cs_arena_printf(world.arena, "%u@%s", roll(120),
				      cs_timestamp_micro(now - (int64_t)roll(60) * CS_SECOND, at));
	if (note->key == keys[0])
		note->value = text("", roll(3));
	node->metadata->n_annotations = 1;
	node->metadata->annotations = cs_arena_alloc_array(world.arena, 1, sizeof(note));
	node->metadata->annotations[0] = note;
	return node;
}

static const Kube__Pod *any_pod(unsigned i, const char *node)
{
	Kube__Pod *pod = cs_arena_alloc(world.arena, sizeof(*pod));
	kube__pod__init(pod);
	pod->metadata = cs_arena_alloc(world.arena, sizeof(*pod->metadata));
	kube__object_meta__init(pod->metadata);
	pod->metadata->name = text("p", i);
	pod->metadata->namespace_ = (char *)"ns";
	pod->metadata->uid = text("u", i);
	Kube__Time *created = cs_arena_alloc(world.arena, sizeof(*created));
	kube__time__init(created);
	created->seconds = now / CS_SECOND - (int64_t)roll(200);
	pod->metadata->creation_timestamp = created;
	Kube__OwnerReference *owner = cs_arena_alloc(world.arena, sizeof(*owner));
	kube__owner_reference__init(owner);
	owner->kind = (char *)"StatefulSet";
	owner->name = text("w", i % 5);
	owner->controller = true;
	pod->metadata->n_owner_references = i % 5 > 0;
	pod->metadata->owner_references = cs_arena_alloc_array(world.arena, 1, sizeof(owner));
	pod->metadata->owner_references[0] = owner;
	pod->spec = cs_arena_alloc(world.arena, sizeof(*pod->spec));
	kube__pod_spec__init(pod->spec);
	pod->spec->node_name = (char *)(uintptr_t)node;
	return pod;
}

// A value that may be anything.
static double any_value(void)
{
	static const double odd[] = { NAN, INFINITY, -1, 1e18, 0 };
	return roll(8) ? (double)roll(5000) / 3 : odd[roll(5)];
}

static void step_samples(void)
{
	struct cs_load_sample samples[8];
	struct cs_load_pod_sample pods[8];
	struct cs_load_report report;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(samples); i++) {
		int64_t taken = now + ((int64_t)roll(40) - 35) * CS_SECOND;
		samples[i] = (struct cs_load_sample){
			.node = text("n", roll(N_NODES + 1)),
			.metric = roll(3),
			.value = any_value(),
			.limit = any_value(),
			.taken = taken,
			.window = (int64_t)roll(4) * 10 * CS_SECOND,
		};
		pods[i] = (struct cs_load_pod_sample){
			.namespace = "ns",
			.name = text("p", roll(N_PODS)),
			.metric = roll(3),
			.value = any_value(),
			.taken = taken,
		};
	}
	cs_cluster_apply_samples(world.cluster, samples, 8, &report);
	ck_assert_uint_le(report.n_matched + report.n_unmatched, 8);
	cs_cluster_apply_pod_samples(world.cluster, pods, 8, &report);
}

static void step_pod(unsigned i)
{
	struct cs_pod *pod = cs_cluster_find_pod(world.cluster, text("u", i));
	uint32_t row = cs_cluster_find_node(world.cluster, text("n", roll(N_NODES)));
	switch (where[i]) {
	case NOWHERE:
		apply_pod(&world, any_pod(i, roll(2) ? text("n", roll(N_NODES)) : NULL));
		where[i] = world.change.pod->state == CS_POD_BOUND ? BOUND : PENDING;
		break;
	case PENDING:
		if (roll(4) == 0) {
			cs_cluster_reserve(world.cluster, pod, row, now + roll(60) * CS_SECOND);
		} else if (roll(4) == 0) {
			cs_cluster_unreserve(world.cluster, pod->uid);
		} else if (row != CS_ROW_NONE) {
			cs_cluster_assume(world.cluster, pod, row);
			where[i] = ASSUMED;
		}
		break;
	case ASSUMED:
		if (roll(3) == 0) {
			cs_cluster_forget(world.cluster, pod);
			where[i] = PENDING;
		} else {
			apply_pod(&world, any_pod(i, text("n", roll(N_NODES))));
			where[i] = BOUND;
		}
		break;
	case BOUND:
	default:
		cs_cluster_remove_pod(world.cluster, pod);
		where[i] = NOWHERE;
		break;
	}
}

static void step(void)
{
	unsigned kind = roll(20);
	if (kind < 10) {
		step_pod(roll(N_PODS));
	} else if (kind < 14) {
		now += (int64_t)roll(8) * CS_SECOND;
		if (roll(200) == 0)
			now -= (int64_t)roll(300) * CS_SECOND;
		cs_cluster_set_time(world.cluster, now);
		cs_cluster_tick_load(world.cluster);
	} else if (kind < 18) {
		step_samples();
	} else if (kind == 18 && roll(2)) {
		cs_cluster_remove_node(world.cluster, text("n", roll(N_NODES)));
	} else {
		apply_node(&world, any_node(roll(N_NODES)));
	}
}

START_TEST(it_agrees_with_itself)
{
	cs_random_init(&dice, (uint64_t)_i + 1);
	world_begin(&world);
	cs_cluster_set_load_metrics(world.cluster, metrics, 3, annotated);
	cs_cluster_watch_load(world.cluster, 0, 0.5);
	now = START;
	cs_cluster_set_time(world.cluster, now);
	memset(where, 0, sizeof(where));
	uint32_t most = 0;
	for (int i = 0; i < STEPS; i++) {
		step();
		world_check(&world);
		cs_arena_reset(world.arena);
		uint32_t n = cs_cluster_count_in_flight(world.cluster);
		most = n > most ? n : most;
	}
	ck_assert_uint_gt(most, 10); // it was worth while
	// All pods gone, and time: nothing stays in flight.
	for (unsigned i = 0; i < N_PODS; i++) {
		struct cs_pod *pod = cs_cluster_find_pod(world.cluster, text("u", i));
		if (pod)
			cs_cluster_remove_pod(world.cluster, pod);
	}
	for (int i = 0; i < 70; i++) {
		cs_cluster_set_time(world.cluster, now + (3600 + i) * CS_SECOND);
		cs_cluster_tick_load(world.cluster);
	}
	ck_assert_uint_eq(cs_cluster_count_in_flight(world.cluster), 0);
	world_end(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/random_load");
	TCase *tcase = tcase_create("random_load");
	tcase_add_loop_test(tcase, it_agrees_with_itself, 0, 4);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return suite;
}
