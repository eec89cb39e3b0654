// Which tolerations tolerate which taints. Neighbours: lib/cluster/taint.c.
#include <csched/cluster/taint.h>
#include <stdio.h>

#include "world.h"

static struct world world;

static void setup(void)
{
	world_begin(&world);
}

static void teardown(void)
{
	world_end(&world);
}

static const struct {
	const char *taints;
	const char *tolerations;
	int filtered;
	int prefer;
} pairs[] = {
	{ "", "", 0, 0 },
	{ "", "{operator: Exists}", 0, 0 },
	{ "{key: a, value: v, effect: NoSchedule}", "", 1, 0 },
	{ "{key: a, value: v, effect: NoExecute}", "", 1, 0 },
	{ "{key: a, value: v, effect: PreferNoSchedule}", "", 0, 1 },
	{ "{key: a, value: v, effect: Other}", "", 0, 0 },
	// key, value, effect
	{ "{key: a, value: v, effect: NoSchedule}", "{key: a, value: v, effect: NoSchedule}", 0,
	  0 },
	{ "{key: a, value: v, effect: NoSchedule}", "{key: a, value: w, effect: NoSchedule}", 1,
	  0 },
	{ "{key: a, value: v, effect: NoSchedule}", "{key: b, value: v, effect: NoSchedule}", 1,
	  0 },
	{ "{key: a, value: v, effect: NoSchedule}", "{key: a, value: v, effect: NoExecute}", 1, 0 },
	{ "{key: a, value: v, effect: NoSchedule}", "{key: a, value: v, effect: Other}", 1, 0 },
	{ "{key: a, value: v, effect: NoSchedule}", "{key: a, value: v}", 0, 0 },
	{ "{key: a, effect: NoSchedule}", "{key: a}", 0, 0 },
	{ "{key: a, value: v, effect: NoSchedule}", "{key: a}", 1, 0 },
	// operators
	{ "{key: a, value: v, effect: NoExecute}", "{key: a, operator: Exists}", 0, 0 },
	{ "{key: a, value: v, effect: NoExecute}", "{operator: Exists}", 0, 0 },
	{ "{key: a, value: v, effect: NoExecute}", "{operator: Exists, effect: NoSchedule}", 1, 0 },
	{ "{key: a, value: v, effect: NoExecute}", "{key: a, operator: Equal, value: v}", 0, 0 },
	{ "{key: a, value: v, effect: NoExecute}", "{value: v}", 0, 0 },
	{ "{key: a, value: v, effect: NoExecute}", "{key: a, operator: Odd, value: v}", 1, 0 },
	{ "{key: a, value: v, effect: NoExecute}",
	  "{key: a, operator: Exists, tolerationSeconds: 5}", 0, 0 },
	{ "{key: a, value: '5', effect: NoSchedule}", "{key: a, operator: Lt, value: '6'}", 0, 0 },
	{ "{key: a, value: '5', effect: NoSchedule}", "{key: a, operator: Lt, value: '5'}", 1, 0 },
	{ "{key: a, value: '5', effect: NoSchedule}", "{key: a, operator: Gt, value: '4'}", 0, 0 },
	{ "{key: a, value: '5', effect: NoSchedule}", "{key: a, operator: Gt, value: '5'}", 1, 0 },
	{ "{key: a, value: '-5', effect: NoSchedule}", "{key: a, operator: Lt, value: '0'}", 0, 0 },
	{ "{key: a, value: '05', effect: NoSchedule}", "{key: a, operator: Lt, value: '6'}", 1, 0 },
	{ "{key: a, value: '+5', effect: NoSchedule}", "{key: a, operator: Lt, value: '6'}", 1, 0 },
	{ "{key: a, value: '-0', effect: NoSchedule}", "{key: a, operator: Lt, value: '6'}", 1, 0 },
	{ "{key: a, value: '-', effect: NoSchedule}", "{key: a, operator: Lt, value: '6'}", 1, 0 },
	{ "{key: a, value: '5', effect: NoSchedule}", "{key: a, operator: Lt, value: x}", 1, 0 },
	{ "{key: a, value: '5', effect: NoSchedule}", "{key: a, operator: Lt}", 1, 0 },
	{ "{key: a, value: '9223372036854775807', effect: NoSchedule}",
	  "{key: a, operator: Gt, value: '9223372036854775806'}", 0, 0 },
	{ "{key: a, value: '9223372036854775808', effect: NoSchedule}",
	  "{key: a, operator: Gt, value: '1'}", 1, 0 },
	// several
	{ "{key: a, effect: NoSchedule}, {key: b, effect: NoSchedule}", "{key: a}", 1, 0 },
	{ "{key: a, effect: NoSchedule}, {key: b, effect: NoSchedule}", "{key: a}, {key: b}", 0,
	  0 },
	{ "{key: a, effect: PreferNoSchedule}, {key: b, effect: PreferNoSchedule}, "
	  "{key: c, effect: PreferNoSchedule}",
	  "{key: a}, {key: b, effect: PreferNoSchedule}, "
	  "{key: c, effect: NoSchedule}",
	  0, 1 },
	{ "{key: a, effect: PreferNoSchedule}, {key: b, effect: NoExecute}", "", 1, 1 },
};

static bool is_listed(const uint32_t *list, uint32_t n, uint32_t id)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

// Objections are what verdicts say, for every set that there may be.
static void check_objections(uint32_t tolerations, uint32_t n_sets)
{
	const struct cs_toleration_verdict *verdicts =
		cs_taint_verdicts(world.cluster, tolerations);
	struct cs_taint_objections got = cs_taint_objections(world.cluster, tolerations);
	uint32_t n_filtered = 0, n_preferred = 0;
	for (uint32_t id = 0; id < n_sets; id++) {
		bool prefers = verdicts[id].prefer_no_schedule > 0;
		ck_assert_int_eq(is_listed(got.filtered, got.n_filtered, id),
				 verdicts[id].filtered);
		ck_assert_int_eq(is_listed(got.preferred, got.n_preferred, id), prefers);
		n_filtered += verdicts[id].filtered;
		n_preferred += prefers;
	}
	ck_assert_uint_eq(got.n_filtered, n_filtered);
	ck_assert_uint_eq(got.n_preferred, n_preferred);
}

START_TEST(verdicts_of_pairs)
{
	char inside[512];
	snprintf(inside, sizeof(inside), "spec: {taints: [%s]}", pairs[_i].taints);
	uint32_t row = add_node(&world, "n1", inside);
	snprintf(inside, sizeof(inside), "tolerations: [%s]", pairs[_i].tolerations);
	const struct cs_pod *pod = add_pod(&world, "p", inside);
	const struct cs_toleration_verdict *got = &cs_taint_verdicts(
		world.cluster, pod->demand->toleration_set)[world.nodes->taint_set[row]];
	ck_assert_msg(got->filtered == pairs[_i].filtered &&
			      got->prefer_no_schedule == pairs[_i].prefer,
		      "[%s] against [%s]: %d %d", pairs[_i].tolerations, pairs[_i].taints,
		      got->filtered, got->prefer_no_schedule);
}
END_TEST

static const struct {
	const char *tolerations;
	bool tolerates;
} cordons[] = {
	{ "", false },
	{ "{operator: Exists}", true },
	{ "{key: node.kubernetes.io/unschedulable, operator: Exists}", true },
	{ "{key: node.kubernetes.io/unschedulable, effect: NoSchedule}", true },
	{ "{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoExecute}", false },
	{ "{key: node.kubernetes.io/unschedulable, value: x}", false },
	{ "{key: other, operator: Exists}", false },
};

START_TEST(cordoned_nodes)
{
	char inside[512];
	snprintf(inside, sizeof(inside), "tolerations: [%s]", cordons[_i].tolerations);
	const struct cs_pod *pod = add_pod(&world, "p", inside);
	ck_assert(pod->demand->tolerates_unschedulable == cordons[_i].tolerates);
}
END_TEST

START_TEST(sets_are_shared_and_ids_reused)
{
	uint32_t a = add_node(&world, "n1",
			      "spec: {taints: [{key: a, effect: NoSchedule}, "
			      "{key: b, effect: NoExecute, timeAdded: "
			      "'2026-01-01T00:00:00Z'}]}");
	uint32_t b = add_node(&world, "n2",
			      "spec: {taints: [{key: b, effect: NoExecute}, "
			      "{key: a, effect: NoSchedule}]}");
	uint32_t c = add_node(&world, "n3", "spec: {taints: []}");
	const uint32_t *set = world.nodes->taint_set;
	ck_assert_uint_ne(set[a], 0);
	ck_assert_uint_eq(set[a], set[b]);
	ck_assert_uint_eq(set[c], 0);
	const struct cs_pod *pod = add_pod(&world, "p", "tolerations: [{key: b}]");
	uint32_t tolerations = pod->demand->toleration_set;
	ck_assert_uint_eq(cs_taint_verdicts(world.cluster, tolerations)[set[a]].filtered, 1);
	// The set goes; another one takes its id and must not take its verdict.
	uint32_t id = set[a];
	cs_cluster_remove_node(world.cluster, "n1");
	cs_cluster_remove_node(world.cluster, "n2");
	a = add_node(&world, "n4", "spec: {taints: [{key: b, effect: NoExecute}]}");
	ck_assert_uint_eq(set[a], id);
	ck_assert_uint_eq(cs_taint_verdicts(world.cluster, tolerations)[set[a]].filtered, 0);
	ck_assert_uint_eq(cs_taint_verdicts(world.cluster, 0)[set[a]].filtered, 1);
	ck_assert_uint_eq(cs_taint_verdicts(world.cluster, 0)[0].filtered, 0);
	check_objections(tolerations, id + 1);
	check_objections(0, id + 1);
}
END_TEST

START_TEST(many_sets)
{
	uint32_t rows[100];
	char name[32], inside[128];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(inside, sizeof(inside), "spec: {taints: [{key: k%d, effect: NoSchedule}]}",
			 i);
		rows[i] = add_node(&world, name, inside);
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(inside, sizeof(inside), "tolerations: [{key: k%d}]", i);
		add_pod(&world, name, inside);
	}
	for (int p = 0; p < 100; p++) {
		snprintf(name, sizeof(name), "uid-p%d", p);
		const struct cs_pod *pod = cs_cluster_find_pod(world.cluster, name);
		const struct cs_toleration_verdict *verdicts =
			cs_taint_verdicts(world.cluster, pod->demand->toleration_set);
		for (int n = 0; n < 100; n++)
			ck_assert_int_eq(verdicts[world.nodes->taint_set[rows[n]]].filtered,
					 p != n);
		check_objections(pod->demand->toleration_set, 101);
		ck_assert_uint_eq(
			cs_taint_objections(world.cluster, pod->demand->toleration_set).n_filtered,
			99);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/taint");
	TCase *tcase = tcase_create("taint");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, verdicts_of_pairs, 0, (int)(sizeof(pairs) / sizeof(pairs[0])));
	tcase_add_loop_test(tcase, cordoned_nodes, 0, (int)(sizeof(cordons) / sizeof(cordons[0])));
	tcase_add_test(tcase, sets_are_shared_and_ids_reused);
	tcase_add_test(tcase, many_sets);
	suite_add_tcase(suite, tcase);
	return suite;
}
