// Nominated pods: who is nominated where, as the API server tells and the scheduler decides.
// Neighbours: lib/cluster/nominated.c, pod.c.
#include "world.h"

#include <string.h>

static struct world world;

static void setup(void)
{
	world_begin(&world);
}

static void teardown(void)
{
	world_end(&world);
}

static struct cs_pod *tell(const char *name, const char *version, const char *node,
			   const char *spec)
{
	const char *status =
		*node ? cs_arena_printf(world.arena, "status: {nominatedNodeName: %s}", node) : "";
	const Kube__Pod *pod = read_pod(&world,
					"metadata: {name: %s, namespace: default, uid: %s, "
					"resourceVersion: \"%s\"}\nspec: {%s}\n%s",
					name, name, version, spec, status);
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	return world.change.pod;
}

// "n1: a b; n2: c"
static const char *nominations(void)
{
	uint32_t n;
	const struct cs_nomination *list = cs_cluster_nominations(world.cluster, &n);
	const char *text = "";
	for (uint32_t i = 0; i < n; i++) {
		text = cs_arena_printf(
			world.arena, "%s%s%s:", text, i ? "; " : "",
			cs_intern_string(cs_cluster_strings(world.cluster), list[i].node));
		for (uint32_t k = 0; k < list[i].n; k++)
			text = cs_arena_printf(world.arena, "%s %s", text, list[i].pods[k]->name);
	}
	world_check(&world);
	return text;
}

START_TEST(as_told)
{
	ck_assert_str_eq(nominations(), "");
	tell("a", "1", "n1", "");
	tell("b", "1", "", "");
	tell("c", "1", "n1", "");
	tell("d", "1", "n2", ""); // no node need exist
	ck_assert_str_eq(nominations(), "n1: a c; n2: d");
	tell("a", "2", "n2", "");
	ck_assert_str_eq(nominations(), "n1: c; n2: d a");
	tell("c", "2", "", "");
	ck_assert_str_eq(nominations(), "n2: d a");
	ck_assert(!cs_cluster_find_pod(world.cluster, "c")->nomination_told);
	ck_assert(cs_cluster_find_pod(world.cluster, "a")->nomination_told);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "d"));
	tell("a", "3", "n2", "nodeName: n2");
	ck_assert_str_eq(nominations(), "");
}
END_TEST

START_TEST(bound_pods_are_not_nominated)
{
	tell("a", "1", "n1", "nodeName: n1");
	ck_assert_str_eq(nominations(), "");
}
END_TEST

START_TEST(names_that_no_node_has)
{
	char name[400];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	tell("a", "1", name, "");
	ck_assert_str_eq(nominations(), "");
	name[253] = 0;
	tell("a", "2", name, "");
	ck_assert_uint_ne(cs_cluster_find_pod(world.cluster, "a")->nominated_node, CS_INTERN_NONE);
}
END_TEST

START_TEST(ours_stays_until_it_is_told_of)
{
	struct cs_pod *pod = tell("a", "1", "", "");
	cs_cluster_nominate(world.cluster, pod, "n1");
	ck_assert_str_eq(nominations(), "n1: a");
	tell("a", "2", "", "");
	ck_assert_str_eq(nominations(), "n1: a");
	tell("a", "3", "n1", "");
	ck_assert_str_eq(nominations(), "n1: a");
	tell("a", "4", "", "");
	ck_assert_str_eq(nominations(), "");
}
END_TEST

// As nominator.go: what the API server still says counts again.
START_TEST(a_dropped_one_returns_with_an_older_picture)
{
	struct cs_pod *pod = tell("a", "1", "n1", "");
	cs_cluster_nominate(world.cluster, pod, NULL);
	ck_assert_str_eq(nominations(), "");
	ck_assert(pod->nomination_told);
	tell("a", "2", "n1", "");
	ck_assert_str_eq(nominations(), "n1: a");
	cs_cluster_nominate(world.cluster, pod, "n3");
	ck_assert_str_eq(nominations(), "n3: a");
}
END_TEST

START_TEST(assumed_pods_are_not_nominated)
{
	uint32_t row = add_node(&world, "n1", "");
	struct cs_pod *pod = tell("a", "1", "n1", "");
	cs_cluster_assume(world.cluster, pod, row);
	ck_assert_str_eq(nominations(), "");
	tell("a", "2", "n1", "");
	ck_assert_str_eq(nominations(), "");
	ck_assert(pod->nomination_told);
	cs_cluster_forget(world.cluster, pod);
	ck_assert_str_eq(nominations(), "");
	tell("a", "3", "n1", "");
	ck_assert_str_eq(nominations(), "n1: a");
}
END_TEST

START_TEST(supposing_leaves_it_as_it_is)
{
	uint32_t row = add_node(&world, "n1", "");
	struct cs_pod *pod = tell("a", "1", "n1", "");
	int64_t before = world.nodes->n_pods[row];
	cs_cluster_suppose(world.cluster, pod, row);
	ck_assert_int_eq(world.nodes->n_pods[row], before + 1);
	cs_cluster_unsuppose(world.cluster, pod);
	ck_assert_int_eq(world.nodes->n_pods[row], before);
	ck_assert_str_eq(nominations(), "n1: a");
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		as_told,
		bound_pods_are_not_nominated,
		names_that_no_node_has,
		ours_stays_until_it_is_told_of,
		a_dropped_one_returns_with_an_older_picture,
		assumed_pods_are_not_nominated,
		supposing_leaves_it_as_it_is,
	};
	Suite *suite = suite_create("nominated");
	TCase *tcase = tcase_create("nominated");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
