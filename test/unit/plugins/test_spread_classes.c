// Classes of rows as they are kept through changes of pods, nodes and queries, against what each
// row has now.
// Neighbours: lib/plugins/spread_classes.c; test_spread_random.c has the scores made of them.
#include <stdio.h>
#include <string.h>

#include <csched/base/random.h>

#include "../cluster/world.h"
#include "plugins/spread_classes.h"
#include "plugins/spread_count.h"

#define HOST    "kubernetes.io/hostname"
#define ZONE    "topology.kubernetes.io/zone"
#define N_NODES 60
#define N_PODS  400
#define N_STEPS 300

static struct world world;
static struct cs_arena *scratch;
static struct cs_random dice;
static struct cs_spread_memory *memory;
static struct cs_pod *asking;

static uint32_t roll(uint32_t n)
{
	return (uint32_t)cs_random_below(&dice, n);
}

static void setup(void)
{
	world_begin(&world);
	scratch = cs_arena_create();
	memory = cs_spread_memory_create();
	asking = NULL;
}

static void teardown(void)
{
	cs_spread_memory_destroy(memory);
	cs_arena_destroy(scratch);
	world_end(&world);
}

// ---- the cluster ----

static void put_node(uint32_t number, bool zoned)
{
	char zone[64] = "";
	if (zoned)
		snprintf(zone, sizeof(zone), ZONE ": z%u", roll(4));
	ck_assert_int_eq(
		apply_node(&world,
			   read_node(&world, "{metadata: {name: n%u, labels: {" HOST ": n%u, %s}}}",
				     number, number, zone)),
		0);
}

static void drop_node(uint32_t number)
{
	char name[16];
	snprintf(name, sizeof(name), "n%u", number);
	cs_cluster_remove_node(world.cluster, name);
}

static void put_pod(uint32_t number, uint32_t at)
{
	static const char *const apps[] = { "web", "web", "web", "db" };
	ck_assert_int_eq(
		apply_pod(&world, read_pod(&world,
					   "{metadata: {name: b%u, namespace: default, uid: b%u, "
					   "labels: {app: %s}%s}, spec: {nodeName: n%u}}",
					   number, number, apps[number % 4],
					   roll(10) ? ""
						    : ", deletionTimestamp: "
						      "2026-01-01T00:00:00Z",
					   at)),
		0);
}

static void drop_pod(uint32_t number)
{
	char uid[16];
	snprintf(uid, sizeof(uid), "b%u", number);
	struct cs_pod *pod = cs_cluster_find_pod(world.cluster, uid);
	if (pod)
		(void)cs_cluster_remove_pod(world.cluster, pod);
}

// Its constraints are by host and by zone, of the pods of one app.
static void ask_for(const char *app)
{
	if (asking)
		(void)cs_cluster_remove_pod(world.cluster, asking);
	ck_assert_int_eq(
		apply_pod(&world,
			  read_pod(&world,
				   "{metadata: {name: p, namespace: default, uid: p}, spec: "
				   "{topologySpreadConstraints: ["
				   "{topologyKey: " HOST ", maxSkew: 1, whenUnsatisfiable: "
				   "DoNotSchedule, labelSelector: {matchLabels: {app: %s}}}, "
				   "{topologyKey: " ZONE ", maxSkew: 1, whenUnsatisfiable: "
				   "DoNotSchedule, labelSelector: {matchLabels: {app: %s}}}]}}",
				   app, app)),
		0);
	asking = world.change.pod;
}

// ---- questions ----

static const struct cs_spread_constraint *constraint(uint32_t i)
{
	ck_assert_uint_eq(asking->demand->n_spread, 2);
	return &asking->demand->spread[i];
}

enum { BY_BOTH, BY_ZONE, BY_HOST, WITH_ALL_KEYS, NO_QUERY, N_QUESTIONS };

static const struct cs_spread_classes *ask(uint32_t kind, struct cs_spread_asked *ret)
{
	const struct cs_cycle cycle = { .cluster = world.cluster,
					.nodes = world.nodes,
					.pod = asking,
					.demand = asking->demand,
					.scratch = scratch };
	bool swapped = strcmp(cs_intern_string(cs_cluster_strings(world.cluster),
					       constraint(0)->topology->key),
			      HOST) != 0;
	const struct cs_topology *hosts = constraint(swapped)->topology;
	const struct cs_topology *zones = constraint(!swapped)->topology;
	struct cs_spread_constraint list[] = { *constraint(0), *constraint(1) };
	*ret = (struct cs_spread_asked){
		.query = kind == NO_QUERY ? NULL : constraint(0)->query,
		.domains = kind == BY_HOST ? NULL : zones,
		.hosts = kind == BY_ZONE ? NULL : hosts,
	};
	if (kind == WITH_ALL_KEYS)
		ret->all_keys = cs_spread_all_keys(&cycle, &(struct cs_spread_list){ 2, list });
	return cs_spread_classify(memory, &cycle, ret);
}

// The class of a row by the model as it is now; 0: it is not asked about.
static uint32_t class_of(const struct cs_spread_classes *classes,
			 const struct cs_spread_asked *asked, uint32_t row)
{
	if (asked->all_keys ? !asked->all_keys[row] : !world.nodes->live[row])
		return 0;
	uint32_t slot = asked->domains ? asked->domains->domain[row] + 1 : 1;
	uint32_t n = asked->query ? cs_row_counts_get(cs_query_counts(asked->query), row).live : 0;
	ck_assert_uint_lt(slot, classes->n_slots);
	ck_assert_uint_lt(n, classes->n_counts);
	return 1 + slot * classes->n_counts + n;
}

static void compare(uint32_t kind)
{
	struct cs_spread_asked asked;
	const struct cs_spread_classes *classes = ask(kind, &asked);
	ck_assert_ptr_nonnull(classes);
	ck_assert_uint_eq(classes->n, 1 + classes->n_slots * classes->n_counts);
	uint32_t *n_rows = cs_arena_alloc_array(scratch, classes->n, sizeof(*n_rows));
	uint32_t *slots = cs_arena_alloc_array(scratch, classes->n_slots, sizeof(*slots));
	uint32_t *sums = cs_arena_alloc_array(scratch, classes->n_slots, sizeof(*sums));
	for (uint32_t row = 0; row < world.nodes->n_rows; row++) {
		uint32_t class = class_of(classes, &asked, row);
		// Without hosts, nodes that are gone may be in slot 0.
		bool counts = class > (kind == BY_ZONE ? classes->n_counts : 0);
		if (counts || kind != BY_ZONE)
			ck_assert_uint_eq(classes->of_row[row], class);
		n_rows[class] += counts;
		slots[class ? (class - 1) / classes->n_counts : 0] +=
			class ? (class - 1) % classes->n_counts : 0;
	}
	cs_spread_class_sums(classes, sums);
	for (uint32_t i = kind == BY_ZONE ? classes->n_counts + 1 : 1; i < classes->n; i++)
		ck_assert_uint_eq(classes->n_rows[i], n_rows[i]);
	for (uint32_t slot = kind == BY_ZONE; slot < classes->n_slots; slot++)
		ck_assert_uint_eq(sums[slot], slots[slot]);
	cs_arena_reset(scratch);
}

static void step(uint32_t n_nodes)
{
	switch (roll(12)) {
	case 0:
		put_node(roll(n_nodes + 10), roll(8));
		break;
	case 1:
		drop_node(roll(n_nodes + 10));
		break;
	case 2:
		ask_for(roll(2) ? "web" : "db");
		break;
	case 3:
	case 4:
	case 5:
		drop_pod(roll(N_PODS));
		break;
	default:
		put_pod(roll(N_PODS), roll(n_nodes));
	}
}

// Few and many pods, so that counts are sparse and dense; few and many steps between questions.
START_TEST(through_all_changes)
{
	cs_random_init(&dice, (uint64_t)_i + 1);
	uint32_t n_nodes = _i % 2 ? N_NODES : 8;
	for (uint32_t i = 0; i < n_nodes; i++)
		put_node(i, roll(8));
	for (uint32_t i = 0; i < roll(N_PODS); i++)
		put_pod(i, roll(n_nodes));
	ask_for("web");
	for (uint32_t i = 0; i < N_STEPS; i++) {
		for (uint32_t n = roll(20) ? roll(3) : roll(30); n > 0; n--)
			step(n_nodes);
		compare(roll(N_QUESTIONS));
	}
}
END_TEST

// A kept answer has room for some pods more on a row; then it is made again.
START_TEST(more_and_more_on_one_row)
{
	cs_random_init(&dice, 1);
	put_node(0, true);
	put_node(1, true);
	ask_for("web");
	struct cs_spread_asked asked;
	uint32_t first = ask(BY_BOTH, &asked)->n_counts;
	for (uint32_t i = 0; i < 200; i++) {
		put_pod(4 * i, 0);
		compare(BY_BOTH);
	}
	ck_assert_uint_gt(ask(BY_BOTH, &asked)->n_counts, first);
}
END_TEST

// Every host a domain of its own: by the zones' question, but with a key that all differ in.
// However often that is asked, other answers stay.
START_TEST(too_many_classes)
{
	for (uint32_t i = 0; i < 1500; i++)
		put_node(i, false);
	ask_for("web");
	struct cs_spread_asked asked;
	const struct cs_spread_classes *first = ask(BY_BOTH, &asked);
	ck_assert_ptr_nonnull(first);
	asked.domains = asked.hosts;
	const struct cs_cycle cycle = { .nodes = world.nodes };
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_null(cs_spread_classify(memory, &cycle, &asked));
	ck_assert_ptr_eq(ask(BY_BOTH, &asked), first);
}
END_TEST

// More questions than are kept, one after the other.
START_TEST(more_questions_than_are_kept)
{
	cs_random_init(&dice, 2);
	for (uint32_t i = 0; i < 20; i++)
		put_node(i, true);
	for (uint32_t i = 0; i < 120; i++) {
		char app[16];
		snprintf(app, sizeof(app), "%s", roll(3) ? "web" : "db");
		if (i % 3)
			snprintf(app, sizeof(app), "app%u", i % 50);
		put_pod(roll(N_PODS), roll(20));
		ask_for(app);
		compare(roll(N_QUESTIONS));
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/spread_classes");
	TCase *tcase = tcase_create("spread_classes");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, through_all_changes, 0, 8);
	tcase_add_test(tcase, more_and_more_on_one_row);
	tcase_add_test(tcase, too_many_classes);
	tcase_add_test(tcase, more_questions_than_are_kept);
	suite_add_tcase(suite, tcase);
	return suite;
}
