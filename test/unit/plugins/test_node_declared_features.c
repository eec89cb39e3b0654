// NodeDeclaredFeatures against upstream's rules. Neighbours: lib/plugins/node_declared_features.c.
// What a pod needs is the cluster's suite's business (test_node_asks.c).
#include "run.h"

static struct world world;
static struct run run;

#define RESTARTS "containers: [{restartPolicyRules: [{action: RestartAllContainers}]}]"

static void setup(void)
{
	run_begin(&run, &world);
	add_node(&world, "a", "status: {}");
	add_node(&world, "b", "status: {declaredFeatures: [RestartAllContainersOnContainerExits]}");
	add_node(&world, "c", "status: {declaredFeatures: [UserNamespacesHostNetworkSupport]}");
	run_configure(&run, "NodeDeclaredFeatures", NULL);
}

static void teardown(void)
{
	run_end(&run);
}

START_TEST(nothing_needed)
{
	run_filter(&run, add_pod(&world, "p", "hostUsers: false, containers: [{}]"));
	ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
}
END_TEST

START_TEST(declared)
{
	const struct cs_pod *pod = add_pod(&world, "p", RESTARTS);
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "b");
	ck_assert_uint_eq(run.verdict[0], CS_VERDICT_UNRESOLVABLE);
	ck_assert_str_eq(run_reasons(&run, "a"), "node(s) didn't match Pod's required features");
	add_node(&world, "a", "status: {declaredFeatures: [RestartAllContainersOnContainerExits]}");
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "a b");
	run_filter(&run, add_pod(&world, "q", "hostNetwork: true, hostUsers: false"));
	ck_assert_str_eq(run_fitting(&run), "c");
	run_filter(&run, add_pod(&world, "r", "hostNetwork: true, hostUsers: false, " RESTARTS));
	ck_assert_str_eq(run_fitting(&run), "");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/node_declared_features");
	TCase *tcase = tcase_create("node_declared_features");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_needed);
	tcase_add_test(tcase, declared);
	suite_add_tcase(suite, tcase);
	return suite;
}
