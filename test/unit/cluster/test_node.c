// Nodes in the table: columns, events, ghosts, the log, selectors kept current.
// Neighbours: lib/cluster/node.c, nodes.c, node_selector.c.
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

START_TEST(columns)
{
	uint32_t row = add_node(&world, "n1",
				"status: {allocatable: {cpu: 3900500u, memory: 1Gi, pods: 110, "
				"ephemeral-storage: 10G, example.com/gpu: 4, hugepages-2Mi: 0, "
				"unknown: 7}}, spec: {unschedulable: true}");
	const struct cs_node_table *nodes = world.nodes;
	ck_assert_uint_eq(world.events, CS_EVENT_NODE_ADD);
	ck_assert_uint_eq(nodes->live[row], 1);
	ck_assert_uint_eq(nodes->n_live, 1);
	ck_assert_uint_eq(nodes->unschedulable[row], 1);
	ck_assert_int_eq(nodes->allocatable[CS_RESOURCE_CPU][row], 3901);
	ck_assert_int_eq(nodes->allocatable[CS_RESOURCE_MEMORY][row], 1 << 30);
	ck_assert_double_eq(nodes->allocatable_double[CS_RESOURCE_MEMORY][row], 1 << 30);
	ck_assert_int_eq(nodes->allocatable[CS_RESOURCE_EPHEMERAL_STORAGE][row], 10000000000);
	ck_assert_int_eq(nodes->max_pods[row], 110);
	uint32_t gpu = cs_cluster_find_resource(world.cluster, "example.com/gpu");
	ck_assert_uint_eq(gpu, CS_RESOURCE_FIXED_COUNT);
	ck_assert_int_eq(nodes->allocatable[gpu][row], 4);
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "hugepages-2Mi"),
			  CS_RESOURCE_NONE);
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "cpu"), CS_RESOURCE_CPU);
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "ephemeral-storage"),
			  CS_RESOURCE_EPHEMERAL_STORAGE);
	ck_assert_str_eq(cs_cluster_node_name(world.cluster, row), "n1");
	// The column goes with its last user, and is empty for the next.
	add_node(&world, "n1", "status: {allocatable: {cpu: 1}}");
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "example.com/gpu"),
			  CS_RESOURCE_NONE);
	ck_assert_int_eq(nodes->max_pods[row], 0);
	add_node(&world, "n2", "status: {allocatable: {example.com/nic: 1}}");
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "example.com/nic"), gpu);
	ck_assert_int_eq(nodes->allocatable[gpu][row], 0);
}
END_TEST

// What a node took arithmetic in doubles away from is given back with it.
START_TEST(amounts_too_large_for_doubles_are_counted)
{
	const uint32_t *n_large = cs_cluster_nodes(world.cluster)->n_large;
	struct cs_error err;
	add_node(&world, "n1", "status: {allocatable: {cpu: 1, memory: 200Ti}}");
	add_node(&world, "n2", "status: {allocatable: {memory: 17Ti}}");
	add_node(&world, "n3", "status: {allocatable: {memory: 16Ti}}");
	ck_assert_uint_eq(n_large[CS_RESOURCE_MEMORY], 2);
	ck_assert_uint_eq(n_large[CS_RESOURCE_CPU], 0);
	ck_assert_msg(cs_cluster_check(world.cluster, &err) == 0, "%s", err.text);
	add_node(&world, "n1", "status: {allocatable: {cpu: 1, memory: 2Ti}}");
	ck_assert_uint_eq(n_large[CS_RESOURCE_MEMORY], 1);
	cs_cluster_remove_node(world.cluster, "n2");
	ck_assert_uint_eq(n_large[CS_RESOURCE_MEMORY], 0);
	ck_assert_msg(cs_cluster_check(world.cluster, &err) == 0, "%s", err.text);
}
END_TEST

START_TEST(missing_allocatable_is_capacity)
{
	uint32_t row = add_node(&world, "n1", "status: {capacity: {cpu: 4, pods: 5}}");
	ck_assert_int_eq(world.nodes->allocatable[CS_RESOURCE_CPU][row], 4000);
	ck_assert_int_eq(world.nodes->max_pods[row], 5);
	add_node(&world, "n1", "status: {capacity: {cpu: 4, pods: 5}, allocatable: {memory: 1}}");
	ck_assert_int_eq(world.nodes->allocatable[CS_RESOURCE_CPU][row], 0);
	ck_assert_int_eq(world.nodes->max_pods[row], 0);
	add_node(&world, "n2", "spec: {}");
}
END_TEST

static const struct {
	const char *now; // after "labels: {a: b}, annotations: {x: y}", see below
	uint32_t events;
	bool touched;
} changes[] = {
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 1, pods: 10}, conditions: [{type: "
	  "Ready, "
	  "status: 'True'}, {type: Disk, status: 'False'}]}",
	  0, false },
	// the order of conditions and heartbeats do not matter
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 1000m, pods: 10}, conditions: "
	  "[{type: Disk, "
	  "status: 'False', lastHeartbeatTime: '2026-01-01T00:00:00Z'}, {type: Ready, status: "
	  "'True'}]}",
	  0, false },
	{ "metadata: {name: n1, labels: {a: c}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 1, pods: 10}, conditions: [{type: "
	  "Ready, "
	  "status: 'True'}, {type: Disk, status: 'False'}]}",
	  CS_EVENT_NODE_LABEL, true },
	{ "metadata: {name: n1, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 1, pods: 10}, conditions: [{type: "
	  "Ready, "
	  "status: 'True'}, {type: Disk, status: 'False'}]}",
	  CS_EVENT_NODE_LABEL, true },
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '2'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 1, pods: 10}, conditions: [{type: "
	  "Ready, "
	  "status: 'True'}, {type: Disk, status: 'False'}]}",
	  CS_EVENT_NODE_ANNOTATION, false },
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoExecute}]}, status: {allocatable: {cpu: 1, pods: 10}, conditions: [{type: "
	  "Ready, "
	  "status: 'True'}, {type: Disk, status: 'False'}]}",
	  CS_EVENT_NODE_TAINT, true },
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}], unschedulable: true}, status: {allocatable: {cpu: 1, pods: 10}, "
	  "conditions: [{type: Ready, status: 'True'}, {type: Disk, status: 'False'}]}",
	  0, true }, // cordoning cures nothing
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 1, pods: 11}, conditions: [{type: "
	  "Ready, "
	  "status: 'True'}, {type: Disk, status: 'False'}]}",
	  CS_EVENT_NODE_ALLOCATABLE, true },
	{ "metadata: {name: n1, labels: {a: b}, annotations: {x: '1'}}, spec: {taints: [{key: t, "
	  "effect: NoSchedule}]}, status: {allocatable: {cpu: 2, pods: 10}, conditions: [{type: "
	  "Ready, "
	  "status: 'False'}, {type: Disk, status: 'False'}]}",
	  CS_EVENT_NODE_ALLOCATABLE | CS_EVENT_NODE_CONDITION, true },
};

START_TEST(what_changed)
{
	ck_assert_int_eq(apply_node(&world, read_node(&world, "{%s}", changes[0].now)), 0);
	uint64_t log_end = world.nodes->log_end;
	uint64_t generation = world.nodes->generation[0];
	ck_assert_int_eq(apply_node(&world, read_node(&world, "{%s}", changes[_i].now)), 0);
	ck_assert_uint_eq(world.events, changes[_i].events);
	ck_assert(changes[_i].touched == (world.nodes->log_end > log_end));
	ck_assert(changes[_i].touched == (world.nodes->generation[0] > generation));
	if (changes[_i].touched)
		ck_assert_uint_eq(world.nodes->log_rows[log_end % world.nodes->log_size], 0);
	// And back.
	ck_assert_int_eq(apply_node(&world, read_node(&world, "{%s}", changes[0].now)), 0);
	uint32_t back = _i == 6 ? (uint32_t)CS_EVENT_NODE_TAINT : changes[_i].events;
	ck_assert_uint_eq(world.events, back);
}
END_TEST

static const struct {
	const char *node;
	const char *words;
} broken[] = {
	{ "{spec: {}}", "metadata.name: missing" },
	{ "{metadata: {name: ''}}", "metadata.name: missing" },
	{ "{metadata: {name: n1}, status: {allocatable: {cpu: -1}}}",
	  "node n1: status.allocatable.cpu: must not be negative" },
	{ "{metadata: {name: n1}, status: {capacity: {example.com/x: -1}}}",
	  "node n1: status.capacity.example.com/x: must not be negative" },
};

START_TEST(broken_nodes_change_nothing)
{
	ck_assert_int_eq(apply_node(&world, read_node(&world, "%s", broken[_i].node)), -EINVAL);
	ck_assert_msg(strstr(world.err.text, broken[_i].words), "%s", world.err.text);
	ck_assert_uint_eq(world.nodes->n_live, 0);
	uint32_t row =
		add_node(&world, "n1", "status: {allocatable: {cpu: 4, example.com/gpu: 1}}");
	ck_assert_int_eq(apply_node(&world, read_node(&world, "%s", broken[_i].node)), -EINVAL);
	ck_assert_int_eq(world.nodes->allocatable[CS_RESOURCE_CPU][row], 4000);
	world_check(&world);
}
END_TEST

START_TEST(long_names_are_refused)
{
	char name[300];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(apply_node(&world, read_node(&world, "{metadata: {name: %s}}", name)),
			 -EINVAL);
	ck_assert_msg(strstr(world.err.text, "longer than 253"), "%s", world.err.text);
}
END_TEST

START_TEST(ghosts)
{
	uint32_t row =
		add_node(&world, "n1", "status: {allocatable: {cpu: 4, example.com/gpu: 2}}");
	struct cs_pod *pod = add_pod(&world, "a",
				     "nodeName: n1, containers: [{resources: {requests: {cpu: 1, "
				     "example.com/gpu: 1}}}]");
	ck_assert_uint_eq(pod->row, row);
	ck_assert_uint_eq(cs_cluster_remove_node(world.cluster, "n1"), CS_EVENT_NODE_DELETE);
	ck_assert_uint_eq(world.nodes->live[row], 0);
	ck_assert_uint_eq(world.nodes->n_live, 0);
	ck_assert_uint_eq(cs_cluster_find_node(world.cluster, "n1"), CS_ROW_NONE);
	ck_assert_uint_eq(cs_cluster_remove_node(world.cluster, "n1"), 0);
	world_check(&world);
	// Another node does not get the row.
	ck_assert_uint_ne(add_node(&world, "n2", "status: {allocatable: {cpu: 4}}"), row);
	// Back under its name, it has the pod.
	ck_assert_uint_eq(add_node(&world, "n1", "status: {allocatable: {cpu: 4}}"), row);
	ck_assert_uint_eq(world.events, CS_EVENT_NODE_ADD);
	ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][row], 1000);
	ck_assert_int_eq(world.nodes->n_pods[row], 1);
	// Gone again, and its last pod too: the row is free.
	cs_cluster_remove_node(world.cluster, "n1");
	ck_assert_uint_eq(cs_cluster_remove_pod(world.cluster, pod), CS_EVENT_POD_DELETE);
	world_check(&world);
	ck_assert_uint_eq(add_node(&world, "n3", "status: {allocatable: {cpu: 4}}"), row);
	ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][row], 0);
}
END_TEST

START_TEST(a_pod_before_its_node)
{
	struct cs_pod *pod = add_pod(
		&world, "a", "nodeName: n1, containers: [{resources: {requests: {cpu: 1}}}]");
	ck_assert_uint_eq(world.nodes->n_live, 0);
	ck_assert_uint_eq(world.nodes->live[pod->row], 0);
	ck_assert_uint_eq(add_node(&world, "n1", "status: {allocatable: {cpu: 4}}"), pod->row);
	ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][pod->row], 1000);
	ck_assert_uint_eq(world.events, CS_EVENT_NODE_ADD);
}
END_TEST

static uint32_t label_node(const char *name, const char *labels)
{
	int rc = apply_node(
		&world, read_node(&world, "{metadata: {name: %s, labels: {%s}}}", name, labels));
	ck_assert_int_eq(rc, 0);
	return cs_cluster_find_node(world.cluster, name);
}

START_TEST(selectors_follow_labels)
{
	uint32_t a = label_node("n1", "zone: x, disk: ssd");
	const struct cs_pod *pod = add_pod(&world, "p", "nodeSelector: {disk: ssd, zone: x}");
	const struct cs_bitmap *selector = pod->demand->node_selector;
	const struct cs_pod *same = add_pod(&world, "q", "nodeSelector: {zone: x, disk: ssd}");
	ck_assert_ptr_eq(same->demand, pod->demand);
	ck_assert_ptr_null(add_pod(&world, "r", "containers: []")->demand->node_selector);
	ck_assert(cs_bitmap_test(selector, a));
	uint32_t b = label_node("n2", "zone: x");
	ck_assert(!cs_bitmap_test(selector, b));
	label_node("n2", "zone: x, disk: ssd, c: d");
	ck_assert(cs_bitmap_test(selector, b));
	label_node("n1", "zone: x1, disk: ssd");
	ck_assert(!cs_bitmap_test(selector, a));
	cs_cluster_remove_node(world.cluster, "n2");
	ck_assert(!cs_bitmap_test(selector, b));
	b = label_node("n2", "zone: x, disk: ssd");
	ck_assert(cs_bitmap_test(selector, b));
	// A label without a value is a value.
	uint32_t c = label_node("n3", "gpu: ''");
	pod = add_pod(&world, "s", "nodeSelector: {gpu: ''}");
	ck_assert(cs_bitmap_test(pod->demand->node_selector, c));
	ck_assert(!cs_bitmap_test(pod->demand->node_selector, b));
}
END_TEST

START_TEST(the_table_grows)
{
	const struct cs_pod *pod = add_pod(&world, "p",
					   "nodeSelector: {odd: 'yes'}, containers: "
					   "[{resources: {requests: {example.com/x: 1}}}]");
	for (int i = 0; i < 500; i++) {
		int rc = apply_node(
			&world, read_node(&world,
					  "{metadata: {name: n%d, labels: {odd: '%s'}}, status: "
					  "{allocatable: {cpu: %d, example.com/x: %d}}}",
					  i, i % 2 ? "yes" : "no", i, i));
		ck_assert_int_eq(rc, 0);
	}
	ck_assert_uint_eq(world.nodes->n_live, 500);
	ck_assert_uint_ge(world.nodes->capacity, 500);
	uint32_t column = cs_cluster_find_resource(world.cluster, "example.com/x");
	for (int i = 0; i < 500; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d", i);
		uint32_t row = cs_cluster_find_node(world.cluster, name);
		ck_assert_int_eq(world.nodes->allocatable[CS_RESOURCE_CPU][row], 1000 * i);
		ck_assert_int_eq(world.nodes->allocatable[column][row], i);
		ck_assert(cs_bitmap_test(pod->demand->node_selector, row) == (i % 2 == 1));
	}
	world_check(&world);
}
END_TEST

START_TEST(sums_saturate_and_come_back)
{
	uint32_t row = add_node(&world, "n1", "status: {allocatable: {memory: 8Ei}}");
	add_pod(&world, "a", "nodeName: n1, containers: [{resources: {requests: {memory: 5Ei}}}]");
	add_pod(&world, "b", "nodeName: n1, containers: [{resources: {requests: {memory: 6Ei}}}]");
	struct cs_pod *c = add_pod(
		&world, "c", "nodeName: n1, containers: [{resources: {requests: {memory: 8Ei}}}]");
	const int64_t *requested = world.nodes->requested[CS_RESOURCE_MEMORY];
	ck_assert_int_eq(requested[row], INT64_MAX);
	ck_assert_int_eq(world.nodes->nonzero_requested[CS_RESOURCE_MEMORY][row], INT64_MAX);
	world_check(&world);
	cs_cluster_remove_pod(world.cluster, c);
	ck_assert_int_eq(requested[row], INT64_MAX);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-a"));
	ck_assert_int_eq(requested[row], INT64_C(6) << 60);
	ck_assert_double_eq(world.nodes->requested_double[CS_RESOURCE_MEMORY][row], 0x1.8p62);
}
END_TEST

START_TEST(the_check_sees_differences)
{
	uint32_t row = add_node(&world, "n1", "status: {allocatable: {cpu: 4}}");
	struct cs_error err;
	int64_t *cell = &world.nodes->requested[CS_RESOURCE_CPU][row];
	*cell = 1;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	ck_assert_str_eq(err.text, "row 0 (n1): requested cpu differs from what it should be");
	*cell = 0;
	world.nodes->n_pods[row] = 1;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->n_pods[row] = 0;
	world.nodes->allocatable_double[0][row] = 1;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->allocatable_double[0][row] = 4000;
	world.nodes->inverse[0][row] = 1;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->inverse[0][row] = nextafter(1.0 / 4000, HUGE_VAL);
	world.nodes->free[0][row]--;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->free[0][row]++;
	world.nodes->nonzero_free_double[1][row]++;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->nonzero_free_double[1][row]--;
	world.nodes->balance[row]--;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->balance[row]++;
	world.nodes->full[row] ^= 1;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	world.nodes->full[row] ^= 1;
	struct cs_pod *pod = add_pod(&world, "p", "nodeSelector: {a: b}");
	struct cs_bitmap *rows = (struct cs_bitmap *)(uintptr_t)pod->demand->node_selector;
	cs_bitmap_set(rows, row, true);
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	cs_bitmap_set(rows, row, false);
	pod->row = row;
	ck_assert_int_eq(cs_cluster_check(world.cluster, &err), -EUCLEAN);
	pod->row = CS_ROW_NONE;
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/node");
	TCase *tcase = tcase_create("node");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, columns);
	tcase_add_test(tcase, amounts_too_large_for_doubles_are_counted);
	tcase_add_test(tcase, missing_allocatable_is_capacity);
	tcase_add_loop_test(tcase, what_changed, 0, (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_loop_test(tcase, broken_nodes_change_nothing, 0,
			    (int)(sizeof(broken) / sizeof(broken[0])));
	tcase_add_test(tcase, long_names_are_refused);
	tcase_add_test(tcase, ghosts);
	tcase_add_test(tcase, a_pod_before_its_node);
	tcase_add_test(tcase, selectors_follow_labels);
	tcase_add_test(tcase, the_table_grows);
	tcase_add_test(tcase, sums_saturate_and_come_back);
	tcase_add_test(tcase, the_check_sees_differences);
	suite_add_tcase(suite, tcase);
	return suite;
}
