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
	created->has_seconds = true;
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

// ---- against a model that recounts all pods ----

#define N_TAKEN 2 // cpu and connections add up
#define ALWAYS  (INT64_MIN / 4)
#define NEVER   (INT64_MAX / 4)

// A pod that is on a node, or was.
struct stay {
	unsigned node;
	int64_t came;
	int64_t left; // NEVER: it is there
	double expected[N_TAKEN];
};

struct believed {
	int64_t taken; // 0 = none
	int64_t window;
};

static struct stay stays[N_PODS];
static struct stay gone[STEPS];
static size_t n_gone;
static struct believed believed[N_NODES][N_TAKEN];

static double part(int64_t of, int64_t whole)
{
	return of <= 0 ? 0 : of >= whole ? 1 : (double)of / (double)whole;
}

// How much of the pod a sample holds: load_flight.c's head.
static double held(const struct stay *stay, const struct believed *sample, int64_t ramp)
{
	int64_t end = stay->left < sample->taken ? stay->left : sample->taken;
	int64_t start = sample->taken - sample->window;
	start = start > stay->came ? start : stay->came;
	if (sample->taken == 0 || end <= stay->came)
		return 0;
	double lived = sample->window > 0 ? part(end - start, sample->window)
					  : stay->left >= sample->taken;
	double grown = part(end - stay->came, ramp);
	return lived < grown ? lived : grown;
}

// One that left is forgotten when no sample of its node holds any of it.
static void forget_gone(unsigned node)
{
	for (size_t i = n_gone; i-- > 0;) {
		double most = 0;
		for (uint32_t m = 0; m < N_TAKEN && gone[i].node == node; m++)
			most = fmax(most, held(&gone[i], &believed[node][m], metrics[m].ramp));
		if (gone[i].node == node && most == 0)
			gone[i] = gone[--n_gone];
	}
}

static void keep_expected(struct stay *stay, const struct cs_pod *pod)
{
	for (uint32_t m = 0; m < N_TAKEN; m++)
		stay->expected[m] = cs_cluster_expected(world.cluster, pod, m);
}

// The API server tells of a pod that is on a node since that time.
static void find_there(unsigned i, unsigned node, int64_t since)
{
	Kube__Pod *pod = (Kube__Pod *)(uintptr_t)any_pod(i, text("n", node));
	pod->metadata->creation_timestamp->seconds = since / CS_SECOND;
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	where[i] = BOUND;
	stays[i] = (struct stay){ .node = node, .came = since, .left = NEVER };
	keep_expected(&stays[i], world.change.pod);
}

static void come(unsigned i)
{
	unsigned node = roll(N_NODES);
	if (roll(4) == 0) {
		find_there(i, node, now - (int64_t)roll(90) * CS_SECOND);
		return;
	}
	apply_pod(&world, any_pod(i, NULL));
	stays[i] = (struct stay){ .node = node, .came = now, .left = NEVER };
	keep_expected(&stays[i], world.change.pod);
	cs_cluster_assume(world.cluster, world.change.pod,
			  cs_cluster_find_node(world.cluster, text("n", node)));
	where[i] = ASSUMED;
}

static void go_on(unsigned i)
{
	struct cs_pod *pod = cs_cluster_find_pod(world.cluster, text("u", i));
	if (where[i] == ASSUMED && roll(4) > 0) {
		apply_pod(&world, any_pod(i, text("n", stays[i].node)));
		where[i] = BOUND;
		return;
	}
	if (where[i] == BOUND) {
		stays[i].left = now;
		if (!pod->flight) { // all samples held it
			stays[i].came = ALWAYS;
			keep_expected(&stays[i], pod);
		}
		gone[n_gone++] = stays[i];
		forget_gone(stays[i].node);
	}
	cs_cluster_remove_pod(world.cluster, pod); // an assumed one has never been there
	where[i] = NOWHERE;
}

// Late, early, twice, in any order, of clocks that are ahead. Each source has its window: a pod
// that all samples held is forgotten, and a longer window would not know of it.
static void tell_sample(void)
{
	unsigned node = roll(N_NODES);
	struct believed *known = &believed[node][roll(N_TAKEN)];
	struct cs_load_report told;
	const struct cs_load_sample sample = {
		.node = text("n", node),
		.metric = (uint32_t)(known - believed[node]),
		.value = roll(10) ? (double)roll(4000) : NAN,
		.taken = roll(8) ? now + ((int64_t)roll(50) - 40) * CS_SECOND : known->taken,
		.window = (int64_t)(node % 4) * 20 * CS_SECOND,
	};
	cs_cluster_apply_samples(world.cluster, &sample, 1, &told);
	int64_t taken = sample.taken < now ? sample.taken : now;
	if (taken > known->taken && !isnan(sample.value))
		*known = (struct believed){ taken, sample.window };
	forget_gone(node);
}

static void begin_model(void)
{
	world_begin(&world);
	cs_cluster_set_load_metrics(world.cluster, metrics, N_TAKEN, NULL);
	cs_cluster_set_time(world.cluster, now);
	for (unsigned i = 0; i < N_NODES; i++)
		add_node(&world, text("n", i), "status: {allocatable: {cpu: 4, pods: 110}}");
	memset(believed, 0, sizeof(believed));
	n_gone = 0;
}

// All that is known is what the API server says.
static void restart(void)
{
	world_end(&world);
	begin_model();
	for (unsigned i = 0; i < N_PODS; i++) {
		if (where[i] == BOUND)
			find_there(i, stays[i].node,
				   stays[i].came > 0 ? stays[i].came : START - 1000 * CS_SECOND);
		else
			where[i] = NOWHERE;
	}
}

static void step_model(void)
{
	unsigned kind = roll(2000);
	unsigned i = roll(N_PODS);
	if (kind == 0) {
		restart();
	} else if (kind < 900) {
		tell_sample();
	} else if (kind < 1300) {
		now += (int64_t)roll(4) * CS_SECOND;
		cs_cluster_set_time(world.cluster, now);
		cs_cluster_tick_load(world.cluster);
	} else if (where[i] == NOWHERE) {
		come(i);
	} else {
		go_on(i);
	}
}

static void compare(unsigned node, uint32_t m)
{
	const struct cs_load_column *column = &cs_cluster_load(world.cluster)->columns[m];
	const struct believed *sample = &believed[node][m];
	uint32_t row = cs_cluster_find_node(world.cluster, text("n", node));
	double sum = 0;
	for (unsigned i = 0; i < N_PODS; i++)
		if (where[i] >= ASSUMED && stays[i].node == node)
			sum += stays[i].expected[m] *
			       (1 - held(&stays[i], sample, metrics[m].ramp));
	for (size_t i = 0; i < n_gone; i++)
		if (gone[i].node == node)
			sum -= gone[i].expected[m] * held(&gone[i], sample, metrics[m].ramp);
	ck_assert_int_eq(column->taken[row], sample->taken);
	// Where a sample says nothing any more, entries may have been given up.
	if (column->quality[row] > 0)
		ck_assert_double_eq_tol(column->in_flight[row], sum, 1e-3 + 1e-6 * fabs(sum));
}

START_TEST(it_agrees_with_a_recount)
{
	cs_random_init(&dice, (uint64_t)_i + 100);
	now = START;
	memset(where, 0, sizeof(where));
	begin_model();
	for (int i = 0; i < STEPS; i++) {
		step_model();
		compare(roll(N_NODES), roll(N_TAKEN));
		if (i % 100 == 0)
			world_check(&world);
		cs_arena_reset(world.arena);
	}
	world_end(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/random_load");
	TCase *tcase = tcase_create("random_load");
	tcase_add_loop_test(tcase, it_agrees_with_itself, 0, 4);
	tcase_add_loop_test(tcase, it_agrees_with_a_recount, 0, 2);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return suite;
}
