// What a pending pod asks of nodes, as its demand shows it: selectors, pins, preferences, images,
// features; and that the pods of one workload share it.
// Neighbours: lib/cluster/node_asks.c, features.c.
#include <string.h>

#include "world.h"

static struct world world;

static void setup(void)
{
	world_begin(&world);
	add_node(&world, "a", "status: {}");
	add_node(&world, "b",
		 "status: {declaredFeatures: [Other, "
		 "RestartAllContainersOnContainerExits]}");
	add_node(&world, "c",
		 "status: {declaredFeatures: [RestartAllContainersOnContainerExits, "
		 "UserNamespacesHostNetworkSupport]}");
}

static void teardown(void)
{
	world_end(&world);
}

// "a b" of the rows, "-" without a bitmap.
static const char *names_of(const struct cs_bitmap *rows)
{
	char *names = cs_arena_strdup(world.arena, rows ? "" : "-");
	for (uint32_t row = 0; rows && row < world.nodes->n_rows; row++)
		if (cs_bitmap_test(rows, row))
			names = cs_arena_printf(world.arena, "%s%s%s", names, *names ? " " : "",
						cs_cluster_node_name(world.cluster, row));
	return names;
}

static struct cs_demand *demand_of(const char *spec)
{
	struct cs_demand *demand = add_pod(&world, "p", spec)->demand;
	ck_assert_ptr_null(demand->unsupported_field);
	world_check(&world);
	return demand;
}

// ---- required affinity ----

#define REQUIRED(terms)                                                              \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: " \
	"{nodeSelectorTerms: [" terms "]}}}"
#define NAMES(values) "{matchFields: [{key: metadata.name, operator: In, values: [" values "]}]}"

static const struct {
	const char *terms;
	const char *pins; // NULL = none
	const char *rows;
} required[] = {
	{ NAMES("b") ", " NAMES("a"), "a b", "a b" },
	{ NAMES("b") ", " NAMES("b"), "b", "b" },
	{ NAMES("b") ", " NAMES("nobody"), "b nobody", "b" },
	// Upstream narrows to what it then rejects: such a term cannot be read.
	{ NAMES("b, c"), "b c", "" },
	{ "{matchFields: [{key: metadata.name, operator: In, values: [a]}, {key: metadata.name, "
	  "operator: In, values: [b]}]}",
	  "", "" },
	{ "{matchFields: [{key: metadata.name, operator: In, values: [a, b]}, {key: metadata.name, "
	  "operator: In, values: [c, b]}]}, " NAMES("c"),
	  "b c", "c" },
	{ "{matchFields: [{key: metadata.name, operator: In, values: [a]}, {key: metadata.name, "
	  "operator: NotIn, values: [a]}]}",
	  "a", "" },
	{ "{matchFields: [{key: metadata.name, operator: In, values: [a]}], matchExpressions: "
	  "[{key: x, operator: Exists}]}",
	  "a", "" },
	// One term without a name is enough.
	{ NAMES("b") ", {matchExpressions: [{key: x, operator: DoesNotExist}]}", NULL, "a b c" },
	{ NAMES("b") ", {}", NULL, "b" },
	{ "{matchFields: [{key: metadata.name, operator: NotIn, values: [a]}]}", NULL, "b c" },
	{ "{matchFields: [{key: metadata.uid, operator: In, values: [a]}]}", NULL, "" },
	{ "", NULL, "" },
	{ "{}", NULL, "" },
};

// Ids ascend in no order that a test could know.
static bool pins(const struct cs_demand *demand, const char *name)
{
	const struct cs_intern *strings = cs_cluster_strings(world.cluster);
	for (uint32_t i = 0; i < demand->n_pinned_names; i++)
		if (strcmp(cs_intern_string(strings, demand->pinned_names[i]), name) == 0)
			return true;
	return false;
}

START_TEST(required_terms)
{
	const struct cs_demand *demand =
		demand_of(cs_arena_printf(world.arena, REQUIRED("%s"), required[_i].terms));
	ck_assert_str_eq(names_of(demand->node_selector), required[_i].rows);
	ck_assert_uint_eq(world.change.pod->pinned_node, CS_INTERN_NONE);
	ck_assert(demand->pins_names == (required[_i].pins != NULL));
	const char *at = required[_i].pins ? required[_i].pins : "";
	uint32_t n = 0;
	for (; *at; n++) {
		const char *end = strchrnul(at, ' ');
		ck_assert(pins(demand, cs_arena_strndup(world.arena, at, (size_t)(end - at))));
		at = *end ? end + 1 : end;
	}
	ck_assert_uint_eq(demand->n_pinned_names, n);
	for (uint32_t i = 1; i < n; i++)
		ck_assert_uint_lt(demand->pinned_names[i - 1], demand->pinned_names[i]);
}
END_TEST

START_TEST(nothing_required)
{
	const struct cs_demand *demand = demand_of("containers: [{}]");
	ck_assert_str_eq(names_of(demand->node_selector), "-");
	ck_assert(!demand->pins_names);
	ck_assert(!demand->prefers_nodes);
	ck_assert_str_eq(names_of(demand->features), "-");
	ck_assert_uint_eq(demand->n_ports, 0);
	ck_assert_uint_eq(demand->n_images, 1);
}
END_TEST

START_TEST(labels_and_terms)
{
	add_node(&world, "d, labels: {disk: ssd, zone: z}", "status: {}");
	add_node(&world, "e, labels: {disk: ssd}", "status: {}");
	const struct cs_demand *demand = demand_of(
		"nodeSelector: {disk: ssd}, " REQUIRED("{matchExpressions: [{key: zone, operator: "
						       "Exists}]}"));
	ck_assert_str_eq(names_of(demand->node_selector), "d");
	demand = demand_of("nodeSelector: {disk: ssd}");
	ck_assert_str_eq(names_of(demand->node_selector), "d e");
}
END_TEST

// ---- preferred affinity ----

#define PREFERRED(terms) \
	"affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [" terms "]}}"

START_TEST(preferences)
{
	const struct cs_demand *demand = demand_of(
		PREFERRED("{weight: 7, preference: " NAMES("b") "}, {weight: 0, preference: " NAMES(
			"c") "}, {weight: 3, preference: {}}, {weight: 9}, {weight: 100, "
			     "preference: "
			     "{matchExpressions: [{key: x, operator: DoesNotExist}]}}"));
	ck_assert(demand->prefers_nodes);
	ck_assert_ptr_null(demand->preference_error);
	ck_assert_uint_eq(demand->n_preferences, 2);
	ck_assert_int_eq(demand->preferences[0].weight, 7);
	ck_assert_str_eq(names_of(demand->preferences[0].rows), "b");
	ck_assert_int_eq(demand->preferences[1].weight, 100);
	ck_assert_str_eq(names_of(demand->preferences[1].rows), "a b c");
	ck_assert_str_eq(names_of(demand->node_selector), "-");
	demand = demand_of(PREFERRED("{weight: 3, preference: {}}"));
	ck_assert(demand->prefers_nodes);
	ck_assert_uint_eq(demand->n_preferences, 0);
}
END_TEST

#define GT(key, value) "{matchExpressions: [{key: " key ", operator: Gt, values: [" value "]}]}"

START_TEST(a_preference_that_cannot_be_read)
{
	const struct cs_demand *demand = demand_of(PREFERRED("{weight: 7, preference: " NAMES(
		"b") "}, {weight: 1, preference: " GT("cpus", "abc") "}"));
	ck_assert(demand->prefers_nodes);
	ck_assert_uint_eq(demand->n_preferences, 0);
	ck_assert_str_eq(
		demand->preference_error,
		"[1].matchExpressions[0].values[0]: Invalid value: \"abc\": for 'Gt', 'Lt' "
		"operators, the value must be an integer");
	demand = demand_of(
		PREFERRED("{weight: 1, preference: " GT("a", "x") "}, {weight: 0, preference: " GT(
			"b", "x") "}, {weight: 2, preference: " GT("c", "z") "}"));
	ck_assert_str_eq(
		demand->preference_error,
		"[[0].matchExpressions[0].values[0]: Invalid value: \"x\": for 'Gt', 'Lt' "
		"operators, the value must be an integer, [2].matchExpressions[0].values[0]: "
		"Invalid value: \"z\": for 'Gt', 'Lt' operators, the value must be an integer]");
	// Of weight 0 it is not looked at.
	demand = demand_of(PREFERRED("{weight: 0, preference: " GT("b", "x") "}"));
	ck_assert_ptr_null(demand->preference_error);
}
END_TEST

// ---- images, features ----

START_TEST(images)
{
	const struct cs_demand *demand =
		demand_of("initContainers: [{image: i}], containers: [{image: c}, {image: "
			  "'i:latest'}, {}], volumes: "
			  "[{name: v, image: {reference: i}}, {name: w, image: {}}, {name: e, "
			  "emptyDir: {}}]");
	ck_assert_uint_eq(demand->n_image_containers, 4);
	ck_assert_uint_eq(demand->n_images, 6);
	uint32_t n_equal = 0;
	for (uint32_t i = 1; i < demand->n_images; i++) {
		ck_assert_uint_le(demand->images[i - 1], demand->images[i]);
		n_equal += demand->images[i - 1] == demand->images[i];
	}
	ck_assert_uint_eq(n_equal, 3); // i three times, "" twice
}
END_TEST

#define ALL "restartPolicyRules: [{action: Restart}, {action: RestartAllContainers}]"

static const struct {
	const char *spec;
	const char *rows;
} features[] = {
	{ "containers: [{restartPolicyRules: [{action: Restart}]}]", "-" },
	{ "containers: [{}, {" ALL "}]", "b c" },
	{ "initContainers: [{" ALL "}]", "b c" },
	{ "hostNetwork: true", "-" },
	{ "hostNetwork: true, hostUsers: true", "-" },
	{ "hostUsers: false", "-" },
	{ "hostNetwork: true, hostUsers: false", "c" },
	{ "hostNetwork: true, hostUsers: false, containers: [{" ALL "}]", "c" },
};

START_TEST(needed_features)
{
	ck_assert_str_eq(names_of(demand_of(features[_i].spec)->features), features[_i].rows);
}
END_TEST

START_TEST(features_follow_the_nodes)
{
	const struct cs_demand *demand = demand_of("containers: [{" ALL "}]");
	uint64_t log = world.nodes->log_end;
	add_node(&world, "a", "status: {declaredFeatures: [RestartAllContainersOnContainerExits]}");
	ck_assert_uint_eq(world.events, CS_EVENT_NODE_DECLARED_FEATURE);
	ck_assert_uint_gt(world.nodes->log_end, log);
	ck_assert_str_eq(names_of(demand->features), "a b c");
	// An event for every change, a changed row for those that matter.
	log = world.nodes->log_end;
	add_node(&world, "a",
		 "status: {declaredFeatures: [A, RestartAllContainersOnContainerExits]}");
	ck_assert_uint_eq(world.events, CS_EVENT_NODE_DECLARED_FEATURE);
	ck_assert_uint_eq(world.nodes->log_end, log);
	add_node(&world, "a",
		 "status: {declaredFeatures: [A, RestartAllContainersOnContainerExits]}");
	ck_assert_uint_eq(world.events, 0);
	cs_cluster_remove_node(world.cluster, "b");
	add_node(&world, "a", "status: {}");
	ck_assert_str_eq(names_of(demand->features), "c");
	add_node(&world, "new",
		 "status: {declaredFeatures: [RestartAllContainersOnContainerExits]}");
	ck_assert_uint_eq(world.events, CS_EVENT_NODE_ADD);
	ck_assert_str_eq(names_of(demand->features), "new c");
	world_check(&world);
}
END_TEST

// ---- sharing ----

// What kube-controller-manager makes of a DaemonSet: pinned by name, with its tolerations.
START_TEST(a_daemon_sets_pods_share_one_demand)
{
	enum { N = 5000 };
	for (unsigned i = 0; i < N; i++)
		apply_pod(&world,
			  read_pod(&world,
				   "{metadata: {name: ds-%05u, namespace: default, uid: ds-%u, "
				   "labels: "
				   "{app: ds, controller-revision-hash: 5d4, "
				   "pod-template-generation: '1'}}, "
				   "spec: {affinity: {nodeAffinity: "
				   "{requiredDuringSchedulingIgnoredDuringExecution: "
				   "{nodeSelectorTerms: "
				   "[{matchFields: [{key: metadata.name, operator: In, values: "
				   "[n%u]}]}]}}}, "
				   "tolerations: [{key: node.kubernetes.io/not-ready, operator: "
				   "Exists, "
				   "effect: NoExecute}, {key: node.kubernetes.io/disk-pressure, "
				   "operator: "
				   "Exists, effect: NoSchedule}], containers: [{name: c, image: "
				   "'agent:1', "
				   "ports: [{hostPort: 9100, containerPort: 9100, protocol: TCP}], "
				   "resources: {requests: {cpu: 10m}}}]}}",
				   i, i, i));
	struct cs_cluster_counts counts = cs_cluster_count(world.cluster);
	ck_assert_uint_eq(counts.pods, N);
	ck_assert_uint_eq(counts.demands, 1);
	ck_assert_uint_eq(counts.footprints, 1);
	struct cs_pod *pod = cs_cluster_find_pod(world.cluster, "ds-4321");
	ck_assert_str_eq(cs_intern_string(cs_cluster_strings(world.cluster), pod->pinned_node),
			 "n4321");
	ck_assert(!pod->demand->pins_names);
	ck_assert_ptr_null(pod->demand->node_selector);
}
END_TEST

// Each of these is a demand of its own, and asked twice it is the same.
START_TEST(contents_differ)
{
	static const char *const specs[] = {
		"containers: [{}]",
		"containers: [{image: a}]",
		"initContainers: [{}], containers: [{image: a}]",
		"containers: [{image: a}, {}]",
		"containers: [{image: a}, {image: a}]",
		"containers: [{}], nodeSelector: {a: b}",
		"containers: [{}], " REQUIRED(NAMES("a") ", " NAMES("b")),
		"containers: [{}], " REQUIRED(
			NAMES("a") ", {matchExpressions: [{key: x, operator: Exists}]}"),
		"containers: [{}], " PREFERRED("{weight: 1, preference: " NAMES("a") "}"),
		"containers: [{}], " PREFERRED("{weight: 2, preference: " NAMES("a") "}"),
		"containers: [{}], " PREFERRED("{weight: 1, preference: " NAMES("b") "}"),
		"containers: [{}], " PREFERRED("{weight: 1, preference: {}}"),
		"containers: [{}], " PREFERRED("{weight: 1, preference: " GT("a", "x") "}"),
		"containers: [{}], " PREFERRED("{weight: 1, preference: " GT("b", "z") "}"),
		"containers: [{ports: [{hostPort: 1}]}]",
		"containers: [{ports: [{hostPort: 1, protocol: UDP}]}]",
		"containers: [{ports: [{hostPort: 1, hostIP: 10.0.0.1}]}]",
		"containers: [{" ALL "}]",
		"containers: [{}], hostNetwork: true, hostUsers: false",
	};
	enum { N = sizeof(specs) / sizeof(specs[0]) };
	struct cs_demand *demands[N];
	for (size_t i = 0; i < N; i++)
		demands[i] =
			add_pod(&world, cs_arena_printf(world.arena, "p%zu", i), specs[i])->demand;
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, N);
	for (size_t i = 0; i < N; i++)
		ck_assert_ptr_eq(
			add_pod(&world, cs_arena_printf(world.arena, "q%zu", i), specs[i])->demand,
			demands[i]);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, N);
	world_check(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/node_asks");
	TCase *tcase = tcase_create("node_asks");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, required_terms, 0, sizeof(required) / sizeof(required[0]));
	tcase_add_test(tcase, nothing_required);
	tcase_add_test(tcase, labels_and_terms);
	tcase_add_test(tcase, preferences);
	tcase_add_test(tcase, a_preference_that_cannot_be_read);
	tcase_add_test(tcase, images);
	tcase_add_loop_test(tcase, needed_features, 0, sizeof(features) / sizeof(features[0]));
	tcase_add_test(tcase, features_follow_the_nodes);
	tcase_add_test(tcase, a_daemon_sets_pods_share_one_demand);
	tcase_add_test(tcase, contents_differ);
	suite_add_tcase(suite, tcase);
	return suite;
}
