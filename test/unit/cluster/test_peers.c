// The pods that a pod talks to, by annotation. Neighbours: lib/cluster/peers.c.
#include <csched/cluster/query.h>

#include "world.h"

static struct world world;

static void setup(void)
{
	world_begin(&world);
	add_node(&world, "n1", "");
	add_node(&world, "n2", "");
}

static void teardown(void)
{
	world_end(&world);
}

#define POD                                                            \
	"{metadata: {name: %s, namespace: %s, uid: %s, labels: {%s}, " \
	"annotations: {%s}}, spec: {%s}}"

static struct cs_pod *pod(const char *name, const char *namespace, const char *labels,
			  const char *annotations, const char *spec)
{
	const Kube__Pod *from =
		read_pod(&world, POD, name, namespace, name, labels, annotations, spec);
	ck_assert_msg(apply_pod(&world, from) == 0, "%s", world.err.text);
	return world.change.pod;
}

static const struct cs_demand *talker(const char *name, const char *annotations)
{
	return pod(name, "default", "", annotations, "")->demand;
}

START_TEST(none)
{
	ck_assert_ptr_null(talker("a", "")->peers);
	ck_assert_ptr_null(talker("b", "c-sched.io/talks-to: ''")->peers);
	ck_assert_ptr_null(talker("c", "c-sched.io/talks-to: ' '")->peers);
	ck_assert_ptr_null(talker("c", "c-sched.io/talks-to: ' '")->peers_error);
	ck_assert_ptr_null(talker("d", "c-sched.io/other: 'app=db'")->peers);
}
END_TEST

START_TEST(counted_in_the_pods_namespace)
{
	pod("db1", "default", "app: db", "", "nodeName: n1");
	pod("db2", "default", "app: db", "", "nodeName: n1");
	pod("db3", "other", "app: db", "", "nodeName: n2");
	pod("web", "default", "app: web", "", "nodeName: n2");
	const struct cs_demand *demand = talker("a", "c-sched.io/talks-to: 'app=db'");
	const struct cs_row_counts *counts = cs_query_counts(demand->peers);
	ck_assert_uint_eq(counts->total_live, 2);
	ck_assert_uint_eq(cs_row_counts_get(counts, 0).live, 2);
	pod("db4", "default", "app: db", "", "nodeName: n2");
	ck_assert_uint_eq(cs_row_counts_get(counts, 1).live, 1);
}
END_TEST

START_TEST(pods_that_talk_to_the_same_share_a_demand)
{
	const struct cs_demand *a = talker("a", "c-sched.io/talks-to: 'app=db'");
	ck_assert_ptr_eq(talker("b", "c-sched.io/talks-to: 'app in (db)'"), a);
	ck_assert_ptr_ne(talker("c", "c-sched.io/talks-to: 'app=web'"), a);
	ck_assert_ptr_ne(talker("d", ""), a);
}
END_TEST

START_TEST(a_selector_that_cannot_be_read)
{
	struct cs_pod *wrong = pod("a", "default", "", "c-sched.io/talks-to: 'app db'", "");
	ck_assert_ptr_null(wrong->demand->peers);
	ck_assert_ptr_null(wrong->demand->unsupported_field); // it is scheduled without
	ck_assert_str_eq(wrong->demand->peers_error,
			 "annotation c-sched.io/talks-to: found 'db', expected: in, notin, =, ==, "
			 "!=");
	ck_assert_ptr_ne(talker("b", ""), wrong->demand);
	const struct cs_demand *before = wrong->demand;
	pod("a", "default", "", "c-sched.io/talks-to: 'app=db'", "");
	ck_assert(world.change.demand_changed);
	ck_assert_ptr_ne(world.change.pod->demand, before);
	ck_assert_ptr_nonnull(world.change.pod->demand->peers);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/peers");
	TCase *tcase = tcase_create("peers");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, none);
	tcase_add_test(tcase, counted_in_the_pods_namespace);
	tcase_add_test(tcase, pods_that_talk_to_the_same_share_a_demand);
	tcase_add_test(tcase, a_selector_that_cannot_be_read);
	suite_add_tcase(suite, tcase);
	return suite;
}
