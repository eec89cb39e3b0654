// NodePorts against upstream's rules. Neighbours: lib/plugins/node_ports.c. Which
// ports conflict is the cluster's suite's business (test_port.c).
#include "run.h"

static struct world world;
static struct run run;

#define PORTS(list) "containers: [{ports: [" list "]}]"

static void setup(void)
{
	run_begin(&run, &world);
	add_node(&world, "a", "status: {}");
	add_node(&world, "b", "status: {}");
	add_node(&world, "c", "status: {}");
	run_configure(&run, "NodePorts", NULL);
}

static void teardown(void)
{
	run_end(&run);
}

START_TEST(without_host_ports)
{
	run_filter(&run, add_pod(&world, "p", PORTS("{containerPort: 80}, {hostPort: 0}")));
	ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
	run_filter(&run, add_pod(&world, "q", "initContainers: [{ports: [{hostPort: 80}]}]"));
	ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
}
END_TEST

START_TEST(one_user_per_node)
{
	const struct cs_pod *pod = add_pod(&world, "p", PORTS("{hostPort: 80}, {hostPort: 443}"));
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "a b c");
	add_pod(&world, "x", "nodeName: a, " PORTS("{hostPort: 80, hostIP: 10.0.0.1}"));
	add_pod(&world, "w", "nodeName: c, " PORTS("{hostPort: 443}"));
	add_pod(&world, "z", "nodeName: b, " PORTS("{hostPort: 443, protocol: UDP}"));
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "b");
	ck_assert_uint_eq(run.verdict[0], CS_VERDICT_UNSCHEDULABLE); // preemption may help
	ck_assert_str_eq(run_reasons(&run, "a"),
			 "node(s) didn't have free ports for the requested pod ports");
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-x"));
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "a b");
}
END_TEST

// With an address of its own the pod looks at two bitmaps.
START_TEST(an_address)
{
	const struct cs_pod *pod = add_pod(&world, "p", PORTS("{hostPort: 80, hostIP: 10.0.0.1}"));
	add_pod(&world, "x", "nodeName: a, " PORTS("{hostPort: 80, hostIP: 10.0.0.1}"));
	add_pod(&world, "w", "nodeName: b, " PORTS("{hostPort: 80}"));
	add_pod(&world, "z", "nodeName: c, " PORTS("{hostPort: 80, hostIP: 10.0.0.2}"));
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "c");
}
END_TEST

// A pod supposed after the preparation is the first to take the port.
START_TEST(a_supposed_pod)
{
	const struct cs_pod *pod = add_pod(&world, "p", PORTS("{hostPort: 80}"));
	struct cs_pod *other = add_pod(&world, "nominated", PORTS("{hostPort: 80}"));
	run_filter(&run, pod);
	cs_cluster_suppose(world.cluster, other, 1);
	run.instance.plugin->filter(&run.cycle, &run.instance, (struct cs_rows){ 1, 2 },
				    run.verdict);
	cs_cluster_unsuppose(world.cluster, other);
	ck_assert_str_eq(run_fitting(&run), "a c");
	run.instance.plugin->filter(&run.cycle, &run.instance, (struct cs_rows){ 1, 2 },
				    run.verdict);
	ck_assert_str_eq(run_fitting(&run), "a b c");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/node_ports");
	TCase *tcase = tcase_create("node_ports");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_host_ports);
	tcase_add_test(tcase, one_user_per_node);
	tcase_add_test(tcase, an_address);
	tcase_add_test(tcase, a_supposed_pod);
	suite_add_tcase(suite, tcase);
	return suite;
}
