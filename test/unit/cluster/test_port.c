// Host ports: what pods ask and take, what conflicts, and how the counts follow the pods.
// Neighbours: lib/cluster/port.c.
#include <csched/cluster/port.h>
#include <string.h>

#include "world.h"

static struct world world;

static void setup(void)
{
	world_begin(&world);
	add_node(&world, "a", "status: {}");
	add_node(&world, "b", "status: {}");
	add_node(&world, "c", "status: {}");
}

static void teardown(void)
{
	world_end(&world);
}

#define PORTS(list) "containers: [{ports: [" list "]}]"

// "8080/TCP@0.0.0.0 ..." of the ports that a new pending pod asks, which then goes.
static const char *asked(const char *spec)
{
	struct cs_pod *pod = add_pod(&world, "asks", spec);
	const struct cs_intern *strings = cs_cluster_strings(world.cluster);
	char *text = cs_arena_strdup(world.arena, "");
	for (uint32_t i = 0; i < pod->demand->n_ports; i++) {
		const struct cs_host_port *port = &pod->demand->ports[i];
		text = cs_arena_printf(world.arena, "%s%s%d/%s@%s", text, i ? " " : "", port->port,
				       cs_intern_string(strings, port->protocol),
				       cs_intern_string(strings, port->ip));
	}
	ck_assert_uint_eq(pod->footprint->n_ports, pod->demand->n_ports);
	if (pod->demand->n_ports > 0)
		ck_assert_mem_eq(pod->footprint->ports, pod->demand->ports,
				 pod->demand->n_ports * sizeof(struct cs_host_port));
	cs_cluster_remove_pod(world.cluster, pod);
	return text;
}

// "a b" of the nodes where one of the ports that a pod asks is taken.
static const char *conflicts(const char *spec)
{
	struct cs_pod *pod = add_pod(&world, "asks", spec);
	char *names = cs_arena_strdup(world.arena, "");
	for (uint32_t row = 0; row < world.nodes->n_rows; row++) {
		bool taken = false;
		for (uint32_t i = 0; i < pod->demand->n_ports; i++) {
			const struct cs_bitmap *rows[2];
			uint32_t n = cs_cluster_port_conflicts(world.cluster,
							       &pod->demand->ports[i], rows);
			for (uint32_t k = 0; k < n; k++)
				taken |= cs_bitmap_test(rows[k], row);
		}
		if (taken)
			names = cs_arena_printf(world.arena, "%s%s%s", names, *names ? " " : "",
						cs_cluster_node_name(world.cluster, row));
	}
	cs_cluster_remove_pod(world.cluster, pod);
	world_check(&world);
	return names;
}

START_TEST(what_counts)
{
	ck_assert_str_eq(asked("containers: [{}]"), "");
	ck_assert_str_eq(asked(PORTS("{containerPort: 80}, {hostPort: 0}")), "");
	ck_assert_str_eq(asked(PORTS("{hostPort: 80}")), "80/TCP@0.0.0.0");
	ck_assert_str_eq(asked(PORTS("{hostPort: 80, hostIP: '', protocol: ''}, {hostPort: 80}")),
			 "80/TCP@0.0.0.0");
	ck_assert_str_eq(asked(PORTS("{hostPort: 80, protocol: UDP, hostIP: 10.0.0.1}")),
			 "80/UDP@10.0.0.1");
	// Every container and sidecar; an init container that ends does not.
	ck_assert_str_eq(asked("containers: [{ports: [{hostPort: 1}]}, {ports: [{hostPort: 2}]}], "
			       "initContainers: [{ports: [{hostPort: 3}]}, {restartPolicy: Always, "
			       "ports: [{hostPort: 4}]}]"),
			 "1/TCP@0.0.0.0 2/TCP@0.0.0.0 4/TCP@0.0.0.0");
	// With hostNetwork it is the API server that fills in hostPort.
	ck_assert_str_eq(asked("hostNetwork: true, " PORTS("{containerPort: 80}")), "");
}
END_TEST

// What a pod on node a takes, and whether the asked port conflicts.
static const struct {
	const char *taken;
	const char *asked;
	bool conflict;
} table[] = {
	{ "{hostPort: 80}", "{hostPort: 80}", true },
	{ "{hostPort: 80}", "{hostPort: 81}", false },
	{ "{hostPort: 80}", "{hostPort: 80, protocol: UDP}", false },
	{ "{hostPort: 80, protocol: UDP}", "{hostPort: 80, protocol: UDP}", true },
	{ "{hostPort: 80, hostIP: 0.0.0.0}", "{hostPort: 80}", true },
	{ "{hostPort: 80}", "{hostPort: 80, hostIP: 10.0.0.1}", true },
	{ "{hostPort: 80, hostIP: 10.0.0.1}", "{hostPort: 80}", true },
	{ "{hostPort: 80, hostIP: 10.0.0.1}", "{hostPort: 80, hostIP: 10.0.0.1}", true },
	{ "{hostPort: 80, hostIP: 10.0.0.1}", "{hostPort: 80, hostIP: 10.0.0.2}", false },
	// "::" is an address as any other
	{ "{hostPort: 80, hostIP: '::'}", "{hostPort: 80, hostIP: '::'}", true },
	{ "{hostPort: 80, hostIP: '::'}", "{hostPort: 80}", true },
	{ "{hostPort: 80}", "{hostPort: 80, hostIP: '::'}", true },
	{ "{hostPort: 80, hostIP: '::'}", "{hostPort: 80, hostIP: 10.0.0.1}", false },
	{ "{hostPort: 80, hostIP: '::'}", "{hostPort: 80, hostIP: '::1'}", false },
	{ "{hostPort: 80, hostIP: 10.0.0.1}, {hostPort: 81}", "{hostPort: 81, hostIP: 10.0.0.1}",
	  true },
	{ "{hostPort: 80}", "{hostPort: 79}, {hostPort: 80}", true },
};

START_TEST(conflict)
{
	const char *spec =
		cs_arena_printf(world.arena, "nodeName: a, " PORTS("%s"), table[_i].taken);
	struct cs_pod *pod = add_pod(&world, "takes", spec);
	spec = cs_arena_printf(world.arena, PORTS("%s"), table[_i].asked);
	ck_assert_str_eq(conflicts(spec), table[_i].conflict ? "a" : "");
	cs_cluster_remove_pod(world.cluster, pod);
	ck_assert_str_eq(conflicts(spec), "");
}
END_TEST

#define P80 PORTS("{hostPort: 80}")

START_TEST(counts_follow_the_pods)
{
	ck_assert_str_eq(conflicts(P80), "");
	struct cs_pod *first = add_pod(&world, "p1", "nodeName: a, " P80);
	struct cs_pod *second = add_pod(&world, "p2", "nodeName: a, " P80);
	add_pod(&world, "other", "nodeName: b, " PORTS("{hostPort: 443}"));
	add_pod(&world, "p3", P80);
	struct cs_pod *pending = cs_cluster_find_pod(world.cluster, "uid-p3");
	ck_assert_str_eq(conflicts(P80), "a");
	cs_cluster_assume(world.cluster, pending, cs_cluster_find_node(world.cluster, "c"));
	ck_assert_str_eq(conflicts(P80), "a c");
	cs_cluster_forget(world.cluster, pending);
	ck_assert_str_eq(conflicts(P80), "a");
	// A second pod that should not be there keeps the port when the first goes.
	cs_cluster_remove_pod(world.cluster, first);
	ck_assert_str_eq(conflicts(P80), "a");
	cs_cluster_remove_pod(world.cluster, second);
	ck_assert_str_eq(conflicts(P80), "");
	ck_assert_str_eq(conflicts(PORTS("{hostPort: 443}")), "b");
	// A ghost's ports wait for it.
	cs_cluster_remove_node(world.cluster, "b");
	add_node(&world, "b", "status: {}");
	ck_assert_str_eq(conflicts(PORTS("{hostPort: 443}")), "b");
}
END_TEST

START_TEST(a_supposed_pod_takes_its_ports)
{
	struct cs_pod *pod = add_pod(&world, "p", P80);
	uint32_t row = cs_cluster_find_node(world.cluster, "b");
	const struct cs_bitmap *rows[2];
	cs_cluster_suppose(world.cluster, pod, row);
	ck_assert_uint_eq(cs_cluster_port_conflicts(world.cluster, pod->demand->ports, rows), 1);
	ck_assert(cs_bitmap_test(rows[0], row));
	ck_assert(!cs_bitmap_test(rows[0], row + 1));
	cs_cluster_unsuppose(world.cluster, pod);
	ck_assert_uint_eq(cs_cluster_port_conflicts(world.cluster, pod->demand->ports, rows), 0);
}
END_TEST

// A change of ports, which the API server forbids, is a change of what the pod takes.
START_TEST(other_ports)
{
	add_pod(&world, "p", "nodeName: a, " P80);
	add_pod(&world, "p", "nodeName: a, " PORTS("{hostPort: 81}"));
	ck_assert_str_eq(conflicts(P80), "");
	ck_assert_str_eq(conflicts(PORTS("{hostPort: 81}")), "a");
	add_pod(&world, "q", "nodeName: a, " PORTS("{hostPort: 81}"));
	ck_assert_ptr_eq(cs_cluster_find_pod(world.cluster, "uid-p")->footprint,
			 cs_cluster_find_pod(world.cluster, "uid-q")->footprint);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/port");
	TCase *tcase = tcase_create("port");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_counts);
	tcase_add_loop_test(tcase, conflict, 0, sizeof(table) / sizeof(table[0]));
	tcase_add_test(tcase, counts_follow_the_pods);
	tcase_add_test(tcase, a_supposed_pod_takes_its_ports);
	tcase_add_test(tcase, other_ports);
	suite_add_tcase(suite, tcase);
	return suite;
}
