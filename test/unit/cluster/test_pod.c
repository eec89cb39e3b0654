// The life of pods: added, assumed, forgotten, confirmed, moved, ended; what they share.
// Neighbours: lib/cluster/pod.c, demand.c.
#include <errno.h>
#include <string.h>

#include "world.h"

#define CPU(n) "containers: [{resources: {requests: {cpu: " #n "}}}]"

static struct world world;
static uint32_t one, two;

static void setup(void)
{
	world_begin(&world);
	one = add_node(&world, "n1", "status: {allocatable: {cpu: 8, pods: 10}}");
	two = add_node(&world, "n2", "status: {allocatable: {cpu: 8, pods: 10}}");
}

static void teardown(void)
{
	world_end(&world);
}

static int64_t cpu_on(uint32_t row)
{
	world_check(&world);
	return world.nodes->requested[CS_RESOURCE_CPU][row];
}

START_TEST(a_pending_pod_takes_nothing)
{
	const Kube__Pod *from = read_pod(
		&world,
		"{metadata: {name: a, namespace: ns, uid: u, resourceVersion: '5', generation: 3, "
		"creationTimestamp: '1970-01-01T00:00:07Z'}, spec: {schedulerName: c-sched, "
		"priority: -4, schedulingGates: [{name: g1}, {name: g2}], " CPU(
			1) "}, status: "
			   "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', "
			   "reason: R, "
			   "message: M}]}}");
	ck_assert_int_eq(apply_pod(&world, from), 0);
	const struct cs_pod *pod = world.change.pod;
	ck_assert(world.change.added && !world.change.became_bound && !world.change.demand_changed);
	ck_assert_uint_eq(world.change.events, 0);
	ck_assert_str_eq(pod->uid, "u");
	ck_assert_str_eq(pod->namespace, "ns");
	ck_assert_str_eq(pod->name, "a");
	ck_assert_str_eq(cs_intern_string(cs_cluster_strings(world.cluster), pod->scheduler_name),
			 "c-sched");
	ck_assert_int_eq(pod->state, CS_POD_UNBOUND);
	ck_assert_uint_eq(pod->row, CS_ROW_NONE);
	ck_assert_int_eq(pod->priority, -4);
	ck_assert(pod->gated && !pod->terminating);
	ck_assert_str_eq(pod->gates, "g1 g2");
	ck_assert_int_eq(pod->created, 7000000000);
	ck_assert_int_eq(pod->generation, 3);
	ck_assert_str_eq(pod->condition_reason, "R");
	ck_assert_str_eq(pod->condition_message, "M");
	ck_assert_str_eq(pod->resource_version, "5");
	ck_assert_uint_eq(pod->pinned_node, CS_INTERN_NONE);
	ck_assert_ptr_null(pod->demand->unsupported_field);
	ck_assert_ptr_eq(cs_cluster_find_pod(world.cluster, "u"), pod);
	ck_assert_int_eq(cpu_on(one) + cpu_on(two), 0);
}
END_TEST

START_TEST(defaults)
{
	const struct cs_pod *pod = add_pod(&world, "a", "containers: []");
	ck_assert_str_eq(cs_intern_string(cs_cluster_strings(world.cluster), pod->scheduler_name),
			 "default-scheduler");
	ck_assert_int_eq(pod->priority, 0);
	ck_assert_ptr_null(pod->gates);
	ck_assert_ptr_null(pod->condition_reason);
	// A pod without spec is odd, but no crash.
	ck_assert_int_eq(apply_pod(&world, read_pod(&world, "{metadata: {name: a, namespace: b, "
							    "uid: c}}")),
			 0);
}
END_TEST

START_TEST(assume_and_forget)
{
	struct cs_pod *pod = add_pod(&world, "a", CPU(2));
	cs_cluster_assume(world.cluster, pod, one);
	ck_assert_int_eq(pod->state, CS_POD_ASSUMED);
	ck_assert_uint_eq(pod->row, one);
	ck_assert_int_eq(cpu_on(one), 2000);
	ck_assert_int_eq(world.nodes->n_pods[one], 1);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).assumed, 1);
	ck_assert_uint_eq(world.nodes->log_rows[world.nodes->log_end - 1], one);
	cs_cluster_forget(world.cluster, pod);
	ck_assert_int_eq(pod->state, CS_POD_UNBOUND);
	ck_assert_uint_eq(pod->row, CS_ROW_NONE);
	ck_assert_int_eq(cpu_on(one), 0);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).assumed, 0);
	ck_assert_ptr_nonnull(pod->demand);
}
END_TEST

START_TEST(the_watch_confirms)
{
	struct cs_pod *pod = add_pod(&world, "a", CPU(2));
	cs_cluster_assume(world.cluster, pod, one);
	uint64_t log_end = world.nodes->log_end;
	ck_assert_ptr_eq(add_pod(&world, "a", "nodeName: n1, " CPU(2)), pod);
	ck_assert(world.change.became_bound && !world.change.added);
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_ADD);
	ck_assert_int_eq(pod->state, CS_POD_BOUND);
	ck_assert_ptr_null(pod->demand);
	ck_assert_ptr_nonnull(pod->labels);
	ck_assert_int_eq(cpu_on(one), 2000);
	ck_assert_uint_eq(world.nodes->log_end, log_end); // the row did not change
	ck_assert_uint_eq(cs_cluster_count(world.cluster).assumed, 0);
	// An older picture does not unbind it.
	ck_assert_ptr_eq(add_pod(&world, "a", CPU(2)), pod);
	ck_assert_uint_eq(world.change.events, 0);
	ck_assert_int_eq(pod->state, CS_POD_BOUND);
}
END_TEST

START_TEST(the_watch_says_elsewhere)
{
	struct cs_pod *pod = add_pod(&world, "a", CPU(2));
	cs_cluster_assume(world.cluster, pod, one);
	add_pod(&world, "a", "nodeName: n2, " CPU(2));
	ck_assert(world.change.became_bound);
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_ADD | CS_EVENT_POD_DELETE);
	ck_assert_int_eq(cpu_on(one), 0);
	ck_assert_int_eq(cpu_on(two), 2000);
	add_pod(&world, "a", "nodeName: n9, " CPU(2)); // a node nobody knows
	ck_assert_uint_eq(world.nodes->live[pod->row], 0);
	ck_assert_int_eq(cpu_on(two), 0);
}
END_TEST

START_TEST(the_answer_confirms)
{
	struct cs_pod *pod = add_pod(&world, "a", CPU(2));
	cs_cluster_assume(world.cluster, pod, one);
	cs_cluster_confirm(world.cluster, pod, "n1");
	ck_assert_int_eq(pod->state, CS_POD_BOUND);
	ck_assert_int_eq(cpu_on(one), 2000);
	struct cs_pod *other = add_pod(&world, "b", CPU(1));
	cs_cluster_assume(world.cluster, other, one);
	cs_cluster_confirm(world.cluster, other, "n2");
	ck_assert_int_eq(cpu_on(one), 2000);
	ck_assert_int_eq(cpu_on(two), 1000);
	// The watch then tells nothing new.
	add_pod(&world, "a", "nodeName: n1, " CPU(2));
	ck_assert(!world.change.became_bound);
	ck_assert_uint_eq(world.change.events, 0);
}
END_TEST

START_TEST(updates_while_assumed)
{
	struct cs_pod *pod = add_pod(&world, "a", CPU(2));
	cs_cluster_assume(world.cluster, pod, one);
	add_pod(&world, "a", CPU(3));
	ck_assert_int_eq(pod->state, CS_POD_ASSUMED);
	ck_assert_int_eq(cpu_on(one), 3000);
	ck_assert(world.change.demand_changed);
	cs_cluster_forget(world.cluster, pod);
	ck_assert_int_eq(cpu_on(one), 0);
}
END_TEST

START_TEST(ended_pods_leave)
{
	static const char *const phases[] = { "Succeeded", "Failed" };
	for (int i = 0; i < 2; i++) {
		add_pod(&world, "a", "nodeName: n1, " CPU(2));
		const Kube__Pod *ended =
			read_pod(&world,
				 "{metadata: {name: a, namespace: default, uid: uid-a}, "
				 "spec: {nodeName: n1}, status: {phase: %s}}",
				 phases[i]);
		ck_assert(cs_cluster_pod_ended(ended));
		ck_assert_int_eq(apply_pod(&world, ended), 0);
		ck_assert_ptr_null(world.change.pod);
		ck_assert_uint_eq(world.change.events, CS_EVENT_POD_DELETE);
		ck_assert_int_eq(cpu_on(one), 0);
		ck_assert_uint_eq(cs_cluster_count(world.cluster).pods, 0);
		ck_assert_int_eq(apply_pod(&world, ended), 0);
		ck_assert_ptr_null(world.change.pod);
		ck_assert_uint_eq(world.change.events, 0);
	}
	ck_assert(!cs_cluster_pod_ended(read_pod(&world, "{status: {phase: Running}}")));
	ck_assert(!cs_cluster_pod_ended(read_pod(&world, "{spec: {}}")));
}
END_TEST

START_TEST(terminating_pods_still_take)
{
	const Kube__Pod *pod = read_pod(
		&world,
		"{metadata: {name: a, namespace: default, uid: uid-a, "
		"deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {nodeName: n1, " CPU(2) "}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert(world.change.pod->terminating);
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_ADD);
	ck_assert_int_eq(cpu_on(one), 2000);
}
END_TEST

START_TEST(recreated_under_one_name)
{
	static const char *const uids[] = { "first", "second" };
	for (int i = 0; i < 2; i++) {
		const Kube__Pod *pod = read_pod(&world,
						"{metadata: {name: a, namespace: ns, uid: %s}, "
						"spec: {nodeName: n1, " CPU(2) "}}",
						uids[i]);
		ck_assert_int_eq(apply_pod(&world, pod), 0);
		ck_assert(world.change.added);
	}
	ck_assert_int_eq(cpu_on(one), 4000);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "first"));
	ck_assert_int_eq(cpu_on(one), 2000);
	ck_assert_ptr_nonnull(cs_cluster_find_pod(world.cluster, "second"));
}
END_TEST

START_TEST(the_same_version_is_no_news)
{
	const Kube__Pod *pod = read_pod(&world, "{metadata: {name: a, namespace: ns, uid: u, "
						"resourceVersion: '7'}, spec: {" CPU(1) "}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	const Kube__Pod *again = read_pod(&world, "{metadata: {name: a, namespace: ns, uid: u, "
						  "resourceVersion: '7'}, spec: {" CPU(2) "}}");
	ck_assert_int_eq(apply_pod(&world, again), 0);
	ck_assert_ptr_eq(world.change.pod, cs_cluster_find_pod(world.cluster, "u"));
	ck_assert(!world.change.demand_changed && !world.change.added);
	ck_assert_int_eq(world.change.pod->demand->requests.fixed[CS_RESOURCE_CPU], 1000);
	again->metadata->resource_version = (char *)"8";
	ck_assert_int_eq(apply_pod(&world, again), 0);
	ck_assert(world.change.demand_changed);
}
END_TEST

START_TEST(a_bound_pod_scales_down)
{
	add_pod(&world, "a",
		"nodeName: n1, containers: [{resources: {requests: {cpu: 2, "
		"example.com/x: 2}}}]");
	add_pod(&world, "a",
		"nodeName: n1, containers: [{resources: {requests: {cpu: 3, "
		"example.com/x: 2}}}]");
	ck_assert_uint_eq(world.change.events, 0);
	ck_assert_int_eq(cpu_on(one), 3000);
	add_pod(&world, "a",
		"nodeName: n1, containers: [{resources: {requests: {cpu: 1, "
		"example.com/x: 2}}}]");
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_SCALE_DOWN);
	ck_assert_int_eq(cpu_on(one), 1000);
	add_pod(&world, "a", "nodeName: n1, containers: [{resources: {requests: {cpu: 1}}}]");
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_SCALE_DOWN);
	add_pod(&world, "a", "nodeName: n1, containers: [{resources: {requests: {cpu: 1}}}]");
	ck_assert_uint_eq(world.change.events, 0);
}
END_TEST

START_TEST(labels_of_a_bound_pod_change)
{
	static const struct {
		const char *labels;
		uint32_t events;
	} steps[] = {
		{ "a: b, c: d", CS_EVENT_POD_ADD },
		{ "c: d, a: b", 0 },
		{ "a: b, c: e", CS_EVENT_POD_LABEL },
		{ "a: b", CS_EVENT_POD_LABEL },
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const Kube__Pod *pod =
			read_pod(&world,
				 "{metadata: {name: a, namespace: ns, uid: u, labels: {%s}}, spec: "
				 "{nodeName: n1}}",
				 steps[i].labels);
		ck_assert_int_eq(apply_pod(&world, pod), 0);
		ck_assert_uint_eq(world.change.events, steps[i].events);
	}
}
END_TEST

static const struct {
	const char *before;
	const char *now;
	uint32_t events;
	bool changed;
} updates[] = {
	{ CPU(1), CPU(1), 0, false },
	{ CPU(1), CPU(1) ", priority: 5", 0, false },
	{ CPU(1), CPU(2), 0, true },
	{ CPU(2), CPU(1), CS_EVENT_POD_SCALE_DOWN, true },
	{ CPU(1), CPU(1) ", tolerations: [{key: a}]", CS_EVENT_POD_TOLERATION, true },
	{ "schedulingGates: [{name: a}]", "schedulingGates: []", CS_EVENT_POD_GATES_ELIMINATED,
	  true },
	{ "schedulingGates: [{name: a}, {name: b}]", "schedulingGates: [{name: b}]", 0, true },
	{ "nodeSelector: {a: b}", "nodeSelector: {a: c}", 0, true },
	{ "resourceClaims: [{name: a}]", "resourceClaims: []", 0, true },
};

START_TEST(a_pending_pod_changes)
{
	add_pod(&world, "a", updates[_i].before);
	add_pod(&world, "a", updates[_i].now);
	ck_assert_uint_eq(world.change.events, updates[_i].events);
	ck_assert(world.change.demand_changed == updates[_i].changed);
	ck_assert(!world.change.added);
	world_check(&world);
}
END_TEST

START_TEST(one_workload_shares)
{
	for (int i = 0; i < 50; i++) {
		const Kube__Pod *pod = read_pod(
			&world,
			"{metadata: {name: p%d, namespace: ns, uid: u%d, labels: {app: a}}, spec: {"
			"nodeSelector: {a: b}, tolerations: [{key: k}], " CPU(1) "}}",
			i, i);
		ck_assert_int_eq(apply_pod(&world, pod), 0);
	}
	struct cs_cluster_counts counts = cs_cluster_count(world.cluster);
	ck_assert_uint_eq(counts.pods, 50);
	ck_assert_uint_eq(counts.demands, 1);
	ck_assert_uint_eq(counts.footprints, 1);
	const struct cs_pod *a = cs_cluster_find_pod(world.cluster, "u0");
	const struct cs_pod *b = cs_cluster_find_pod(world.cluster, "u49");
	ck_assert_ptr_eq(a->demand, b->demand);
	ck_assert_ptr_eq(a->labels, b->labels);
}
END_TEST

START_TEST(ids_of_demands_are_reused_with_a_new_generation)
{
	uint32_t id = add_pod(&world, "a", CPU(1))->demand->id;
	struct cs_pod *b = add_pod(&world, "b", CPU(2));
	uint64_t generation = b->demand->generation;
	uint32_t second = b->demand->id;
	ck_assert_uint_ne(id, second);
	cs_cluster_remove_pod(world.cluster, b);
	const struct cs_pod *c = add_pod(&world, "c", CPU(3));
	ck_assert_uint_eq(c->demand->id, second);
	ck_assert_uint_gt(c->demand->generation, generation);
}
END_TEST

START_TEST(a_kept_demand_outlives_its_pods)
{
	struct cs_pod *a = add_pod(&world, "a", CPU(1) ", nodeSelector: {x: z}");
	struct cs_demand *demand = a->demand;
	uint64_t generation = demand->generation;
	cs_cluster_keep_demand(world.cluster, demand);
	cs_cluster_keep_demand(world.cluster, demand);
	world_check(&world);
	cs_cluster_remove_pod(world.cluster, a);
	world_check(&world);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, 1);
	// The next pod of its kind finds it.
	struct cs_pod *b = add_pod(&world, "b", CPU(1) ", nodeSelector: {x: z}");
	ck_assert_ptr_eq(b->demand, demand);
	ck_assert_uint_eq(b->demand->generation, generation);
	cs_cluster_release_demand(world.cluster, demand);
	cs_cluster_remove_pod(world.cluster, b);
	world_check(&world);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, 1);
	cs_cluster_release_demand(world.cluster, demand);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, 0);
	world_check(&world);
}
END_TEST

#define PIN(node)                                                                               \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "            \
	"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [" node \
	"]}]}]}}}"

START_TEST(daemon_set_pods_are_pinned)
{
	const struct cs_pod *a = add_pod(&world, "a", CPU(1) ", " PIN("n1"));
	const struct cs_pod *b = add_pod(&world, "b", CPU(1) ", " PIN("n7"));
	const struct cs_intern *strings = cs_cluster_strings(world.cluster);
	ck_assert_str_eq(cs_intern_string(strings, a->pinned_node), "n1");
	ck_assert_str_eq(cs_intern_string(strings, b->pinned_node), "n7");
	ck_assert_ptr_eq(a->demand, b->demand);
	ck_assert_ptr_null(a->demand->unsupported_field);
	add_pod(&world, "b", CPU(1) ", " PIN("n2"));
	ck_assert(world.change.demand_changed);
	ck_assert_str_eq(cs_intern_string(strings, b->pinned_node), "n2");
	add_pod(&world, "a", "nodeName: n1, " CPU(1) ", " PIN("n1"));
	ck_assert_uint_eq(a->pinned_node, CS_INTERN_NONE);
	// The names go with the pods: the nodes' and the fixed resources' are left.
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-a"));
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-b"));
	ck_assert_uint_eq(cs_intern_count(strings), 2 + CS_RESOURCE_FIXED_COUNT);
}
END_TEST

static const struct {
	const char *pod;
	const char *words;
} nobodies[] = {
	{ "{spec: {}}", "metadata.uid: missing" },
	{ "{metadata: {name: a, namespace: b}}", "metadata.uid: missing" },
	{ "{metadata: {uid: a, namespace: b}}", "metadata.name: missing" },
	{ "{metadata: {uid: a, name: b}}", "metadata.namespace: missing" },
};

START_TEST(pods_without_identity_are_refused)
{
	ck_assert_int_eq(apply_pod(&world, read_pod(&world, "%s", nobodies[_i].pod)), -EINVAL);
	ck_assert_msg(strstr(world.err.text, nobodies[_i].words), "%s", world.err.text);
	ck_assert_ptr_null(world.change.pod);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).pods, 0);
}
END_TEST

START_TEST(long_names_are_refused)
{
	char text[300];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4; i++) {
		const Kube__Pod *pod = read_pod(
			&world,
			"{metadata: {uid: %s, name: %s, namespace: %s}, spec: {nodeName: %s}}",
			i == 0 ? text : "a", i == 1 ? text : "b", i == 2 ? text : "c",
			i == 3 ? text : "d");
		ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
		ck_assert_msg(strstr(world.err.text, "longer than 253"), "%s", world.err.text);
	}
}
END_TEST

// Every message there, none with anything in it.
START_TEST(empty_messages_do_no_harm)
{
	const Kube__Pod *pod = read_pod(
		&world,
		"{metadata: {uid: a, name: b, namespace: c, labels: {}, ownerReferences: [{}]}, "
		"spec: {volumes: [{}], containers: [{ports: [{}], resources: {}}, {}], "
		"initContainers: [{}], nodeSelector: {}, tolerations: [{}, {}], affinity: "
		"{nodeAffinity: {}, podAffinity: {}, podAntiAffinity: "
		"{requiredDuringSchedulingIgnoredDuringExecution: [{}, {labelSelector: {}, "
		"namespaceSelector: {}}]}}, topologySpreadConstraints: [{}], schedulingGates: "
		"[{}], "
		"resourceClaims: [{}], resources: {}, overhead: {}}, "
		"status: {conditions: [{}], containerStatuses: [{}], initContainerStatuses: "
		"[{}]}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert_str_eq(world.change.pod->gates, "");
	ck_assert(world.change.pod->gated);
	cs_cluster_assume(world.cluster, world.change.pod, one);
	world_check(&world);
	// A selector that cannot be read: words, not a crash.
	pod = read_pod(&world, "{metadata: {uid: d, name: e, namespace: f}, spec: {affinity: "
			       "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			       "[{labelSelector: {matchExpressions: [{}]}}]}}}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert_str_eq(world.change.pod->demand->affinity.error,
			 "requiredAntiAffinityTerms: \"\" is not a valid label selector operator");
	const Kube__Node *node = read_node(
		&world,
		"{metadata: {name: n9, labels: {}, annotations: {}}, spec: {taints: [{}, {}]}, "
		"status: {conditions: [{}], images: [{}], allocatable: {}, capacity: {}}}");
	ck_assert_int_eq(apply_node(&world, node), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/pod");
	TCase *tcase = tcase_create("pod");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_pending_pod_takes_nothing);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, assume_and_forget);
	tcase_add_test(tcase, the_watch_confirms);
	tcase_add_test(tcase, the_watch_says_elsewhere);
	tcase_add_test(tcase, the_answer_confirms);
	tcase_add_test(tcase, updates_while_assumed);
	tcase_add_test(tcase, ended_pods_leave);
	tcase_add_test(tcase, terminating_pods_still_take);
	tcase_add_test(tcase, recreated_under_one_name);
	tcase_add_test(tcase, the_same_version_is_no_news);
	tcase_add_test(tcase, a_bound_pod_scales_down);
	tcase_add_test(tcase, labels_of_a_bound_pod_change);
	tcase_add_loop_test(tcase, a_pending_pod_changes, 0,
			    (int)(sizeof(updates) / sizeof(updates[0])));
	tcase_add_test(tcase, one_workload_shares);
	tcase_add_test(tcase, ids_of_demands_are_reused_with_a_new_generation);
	tcase_add_test(tcase, a_kept_demand_outlives_its_pods);
	tcase_add_test(tcase, daemon_set_pods_are_pinned);
	tcase_add_loop_test(tcase, pods_without_identity_are_refused, 0,
			    (int)(sizeof(nobodies) / sizeof(nobodies[0])));
	tcase_add_test(tcase, long_names_are_refused);
	tcase_add_test(tcase, empty_messages_do_no_harm);
	suite_add_tcase(suite, tcase);
	return suite;
}
