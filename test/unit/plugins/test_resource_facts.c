// What a re-implementation of kube-scheduler easily gets wrong about resources, a test for each.
// Neighbours: test_rules.c and cluster's test_pod_requests.c have the tables.
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/codec.h>
#include <csched/kube/default.h>
#include <csched/kube/kind.h>

#include "../cluster/world.h"
#include "plugins/plugins.h"

#define MI   INT64_C(1048576)
#define FIT  (&cs_plugin_node_resources_fit)
#define EVEN (&cs_plugin_node_resources_balanced_allocation)
#define N1   "nodeName: n1, "

static struct world world;
static struct cs_arena *scratch;

static void setup(void)
{
	world_begin(&world);
	scratch = cs_arena_create();
}

static void teardown(void)
{
	cs_arena_destroy(scratch);
	world_end(&world);
}

// The node n1 of row 0.
static void node(const char *allocatable)
{
	CS_AUTO_FREE char *text = cs_asprintf("status: {allocatable: {%s}}", allocatable);
	ck_assert_uint_eq(add_node(&world, "n1", text), 0);
}

static struct cs_cycle cycle_of(const struct cs_pod *pod)
{
	return (struct cs_cycle){
		.cluster = world.cluster,
		.nodes = world.nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = scratch,
	};
}

// The score of n1 with default arguments; -1 = skipped.
static int64_t score(const struct cs_plugin *plugin, const struct cs_pod *pod)
{
	struct cs_plugin_instance self = { .plugin = plugin, .weight = 1 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_cycle cycle = cycle_of(pod);
	uint8_t out = 0xee;
	ck_assert_int_eq(plugin->configure(NULL, &self.args, &errors), 0);
	bool scores = plugin->prepare_score(&cycle, &self) == CS_PREPARE_GO;
	if (scores)
		plugin->score(&cycle, &self, (struct cs_rows){ 0, 1 }, &out);
	plugin->free_args(self.args);
	return scores ? out : -1;
}

static void append_reason(void *user, const char *reason)
{
	cs_buffer_printf(user, "; %s", reason);
}

// What Fit says of n1: "" where the pod fits, else the code and the reasons: "U; Insufficient cpu".
static const char *fit(const struct cs_pod *pod)
{
	static const char *const codes[] = { "", "U", "UU" };
	struct cs_plugin_instance self = { .plugin = FIT, .weight = 1 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_cycle cycle = cycle_of(pod);
	uint8_t verdict;
	cs_buffer_init(&text, 4096);
	ck_assert_int_eq(FIT->configure(NULL, &self.args, &errors), 0);
	ck_assert_int_eq(FIT->prepare_filter(&cycle, &self), CS_PREPARE_GO);
	FIT->filter(&cycle, &self, (struct cs_rows){ 0, 1 }, &verdict);
	cs_buffer_append_string(&text, codes[verdict]);
	if (verdict)
		FIT->reasons(&cycle, &self, 0, append_reason, &text);
	FIT->free_args(self.args);
	return cs_arena_strdup(scratch, text.data);
}

static int64_t cpu_of(const struct cs_pod *pod)
{
	return pod->footprint->requests.fixed[CS_RESOURCE_CPU];
}

static int64_t memory_of(const struct cs_pod *pod)
{
	return pod->footprint->requests.fixed[CS_RESOURCE_MEMORY];
}

#define ASK(list) "{resources: {requests: {" list "}}}"

START_TEST(sums_are_exact_and_rounded_up_once)
{
	const struct cs_pod *pod =
		add_pod(&world, "p", "containers: [" ASK("cpu: 500u") ", " ASK("cpu: 500u") "]");
	ck_assert_int_eq(cpu_of(pod), 1);
	pod = add_pod(&world, "q",
		      "containers: [" ASK("memory: 1500m") ", " ASK("memory: 1500m") ", " ASK(
			      "memory: 1m") "]");
	ck_assert_int_eq(memory_of(pod), 4);
	add_node(&world, "n1", "status: {capacity: {cpu: 1500u, memory: 1.5}}");
	ck_assert_int_eq(world.nodes->allocatable[CS_RESOURCE_CPU][0], 2);
	ck_assert_int_eq(world.nodes->allocatable[CS_RESOURCE_MEMORY][0], 2);
	ck_assert_int_eq(world.nodes->max_pods[0], 0);
	ck_assert_str_eq(fit(pod), "UU; Too many pods; Insufficient memory");
}
END_TEST

// A pod that went through the API server's defaults first.
static const struct cs_pod *add_defaulted(const char *name, const char *spec)
{
	CS_AUTO_FREE char *text = cs_asprintf("{metadata: {name: %s, namespace: default, uid: %s}, "
					      "spec: {%s}}",
					      name, name, spec);
	CS_AUTO_VALUE struct json_object *documents = NULL;
	struct cs_error err;
	ProtobufCMessage *pod = NULL;
	ck_assert_int_eq(cs_value_read_yaml(cs_slice_of(text), &documents, &err), 0);
	struct json_object *tree = json_object_array_get_idx(documents, 0);
	cs_default_object("", "Pod", tree);
	int r = cs_codec_read(cs_kind_pod.descriptor, tree, world.arena, &pod, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_int_eq(apply_pod(&world, (const Kube__Pod *)pod), 0);
	return world.change.pod;
}

START_TEST(requests_default_from_limits)
{
	const struct cs_pod *pod = add_defaulted(
		"p",
		"containers: [{resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 0}}}], "
		"initContainers: [{resources: {limits: {cpu: 3}}}]");
	ck_assert_int_eq(cpu_of(pod), 3000);
	ck_assert_int_eq(memory_of(pod), 1024 * MI);
	// Pod level: with limits there, from the containers, and what they lack from the limits.
	pod = add_defaulted(
		"q", "resources: {limits: {cpu: 4, memory: 8Gi}}, containers: [" ASK("cpu: 1") "]");
	ck_assert_int_eq(cpu_of(pod), 1000);
	ck_assert_int_eq(memory_of(pod), 8192 * MI);
	// Without them what pod level does not name is the containers'.
	pod = add_defaulted("r", "resources: {requests: {cpu: 4}}, containers: [" ASK(
					 "cpu: 1, memory: 1Gi") "]");
	ck_assert_int_eq(cpu_of(pod), 4000);
	ck_assert_int_eq(memory_of(pod), 1024 * MI);
}
END_TEST

START_TEST(init_containers_sidecars_pod_level_overhead)
{
	static const char spec[] =
		"containers: [" ASK("cpu: 1") ", " ASK("cpu: 1") "], initContainers: [" ASK(
			"cpu: 3") ", {restartPolicy: Always, resources: {requests: {cpu: "
				  "500m}}}, " ASK("cpu: 2800m") "], overhead: {cpu: 10m}";
	// max(1 + 1 + 0.5, 3, 0.5 + 2.8) + 0.01
	ck_assert_int_eq(cpu_of(add_pod(&world, "p", spec)), 3310);
	CS_AUTO_FREE char *with = cs_asprintf("%s, resources: {requests: {cpu: 2}}", spec);
	ck_assert_int_eq(cpu_of(add_pod(&world, "q", with)), 2010);
}
END_TEST

START_TEST(defaults_are_put_in_per_container)
{
	const struct cs_pod_requests *got =
		&add_pod(&world, "p",
			 "containers: [{name: a}, " ASK(
				 "cpu: 0, memory: 0") "], initContainers: "
						      "[{restartPolicy: Always, name: s}], "
						      "overhead: {memory: 1Mi}")
			 ->footprint->requests;
	ck_assert_int_eq(got->nonzero_cpu, 200);
	ck_assert_int_eq(got->nonzero_memory, 401 * MI);
	ck_assert_int_eq(got->fixed[CS_RESOURCE_CPU], 0);
	// With pod level only for what neither level names.
	got = &add_pod(&world, "q", "resources: {requests: {cpu: 1}}, containers: [{name: a}]")
		       ->footprint->requests;
	ck_assert_int_eq(got->nonzero_cpu, 1000);
	ck_assert_int_eq(got->nonzero_memory, 200 * MI);
	got = &add_pod(&world, "r",
		       "resources: {requests: {cpu: 1}}, containers: [" ASK(
			       "memory: 1Mi") ", {name: b}]")
		       ->footprint->requests;
	ck_assert_int_eq(got->nonzero_memory, MI);
}
END_TEST

START_TEST(fits_score_does_not_see_pod_level)
{
	node("cpu: 4, memory: 4Gi, pods: 9");
	const struct cs_pod *pod =
		add_pod(&world, "p",
			"resources: {requests: {cpu: 3, memory: 2Gi}}, containers: [{name: a}]");
	// 100m and 200Mi: (97 + 95) / 2.
	ck_assert_int_eq(score(FIT, pod), 96);
	// .75 and .5: 87 after 100.
	ck_assert_int_eq(score(EVEN, pod), 68);
	ck_assert_str_eq(fit(pod), "");
	add_pod(&world, "u", N1 "resources: {requests: {cpu: 2}}, containers: [{name: a}]");
	ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][0], 2000);
	ck_assert_int_eq(world.nodes->nonzero_requested[CS_RESOURCE_CPU][0], 2000);
	ck_assert_str_eq(fit(pod), "U; Insufficient cpu");
}
END_TEST

START_TEST(which_sum_each_looks_at)
{
	node("cpu: 1, memory: 1000Mi, pods: 9");
	add_pod(&world, "u", N1 "containers: [{name: a}, {name: b}]"); // 200m and 400Mi for scores
	const struct cs_pod *all =
		add_pod(&world, "p", "containers: [" ASK("cpu: 1, memory: 1000Mi") "]");
	ck_assert_str_eq(fit(all), "");
	ck_assert_int_eq(score(EVEN, all), 75);
	ck_assert_int_eq(score(FIT, all), 0); // more than there is
	const struct cs_pod *half =
		add_pod(&world, "q", "containers: [" ASK("cpu: 500m, memory: 333Mi") "]");
	// (1000 - 700) * 100 / 1000 = 30; (1000 - 733) * 100 / 1000 = 26 (cut)
	ck_assert_int_eq(score(FIT, half), 28);
	// A resource the node has none of is left out.
	CS_AUTO_FREE char *only = cs_asprintf("status: {allocatable: {memory: 1000Mi, pods: 9}}");
	ck_assert_uint_eq(add_node(&world, "n1", only), 0);
	ck_assert_int_eq(score(FIT, half), 26);
}
END_TEST

START_TEST(balance_with_and_without_the_pod)
{
	node("cpu: 4, memory: 10000, pods: 9");
	ck_assert_int_eq(
		score(EVEN, add_pod(&world, "p", "containers: [" ASK("cpu: 3, memory: 5000") "]")),
		68); // 50 + (50 + 87 - 100) / 2
	ck_assert_int_eq(
		score(EVEN, add_pod(&world, "q", "containers: [" ASK("cpu: 9, memory: 90000") "]")),
		75); // both cut at 1
	ck_assert_int_eq(score(EVEN, add_pod(&world, "r", "containers: [{name: a}]")), -1);
	ck_assert_int_eq(score(EVEN, add_pod(&world, "s", "containers: [" ASK("x.y/z: 1") "]")),
			 -1);
}
END_TEST

START_TEST(reasons_and_codes_of_fit)
{
	node("cpu: 2, memory: 1Gi, example.com/gpu: 1, pods: 1");
	const struct cs_pod *nothing = add_pod(&world, "p", "containers: [" ASK("x.y/z: 0") "]");
	const struct cs_pod *much = add_pod(
		&world, "q", "containers: [" ASK("cpu: 2, memory: 2Gi, example.com/gpu: 1") "]");
	const struct cs_pod *some = add_pod(&world, "r", "containers: [" ASK("cpu: 2") "]");
	ck_assert_str_eq(fit(much), "UU; Insufficient memory");
	add_pod(&world, "u", N1 "containers: [" ASK("cpu: 3, example.com/gpu: 1") "]");
	ck_assert_str_eq(fit(nothing), "U; Too many pods");
	ck_assert_str_eq(fit(some), "U; Too many pods; Insufficient cpu");
	ck_assert_str_eq(fit(much), "UU; Too many pods; Insufficient cpu; Insufficient memory; "
				    "Insufficient example.com/gpu");
}
END_TEST

START_TEST(resizes_of_bound_pods)
{
	static const struct {
		const char *status;
		int64_t cpu;
	} rows[] = {
		{ "{}", 2000 },
		{ "{containerStatuses: [{name: a, allocatedResources: {cpu: 5}}]}", 2000 },
		{ "{containerStatuses: [{name: a, allocatedResources: {cpu: 5}, resources: {}}]}",
		  5000 },
		{ "{containerStatuses: [{name: a, resources: {requests: {cpu: 4}}}]}", 4000 },
		{ "{conditions: [{type: PodResizePending, reason: Infeasible}], containerStatuses: "
		  "[{name: a, resources: {requests: {cpu: 1}}}]}",
		  1000 },
		{ "{conditions: [{type: PodResizePending, reason: Infeasible}]}", 2000 },
	};
	node("cpu: 9");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		const Kube__Pod *pod = read_pod(
			&world,
			"{metadata: {name: p, namespace: default, uid: u, "
			"resourceVersion: '%zu'}, spec: {nodeName: n1, containers: [{name: "
			"a, resources: {requests: {cpu: 2}}}]}, status: %s}",
			i, rows[i].status);
		ck_assert_int_eq(apply_pod(&world, pod), 0);
		ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][0], rows[i].cpu);
	}
}
END_TEST

START_TEST(sums_do_not_grow)
{
	for (int i = 0; i < 3; i++) {
		const Kube__Pod *pod = read_pod(
			&world,
			"{metadata: {name: p, namespace: default, uid: u, resourceVersion: '%d'}, "
			"spec: {containers: [{name: a}], resources: {requests: {memory: 1.5Gi}}, "
			"overhead: {memory: 1Mi}}}",
			i);
		ck_assert_int_eq(apply_pod(&world, pod), 0);
		ck_assert_int_eq(memory_of(world.change.pod), 1537 * MI);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/resource facts");
	TCase *tcase = tcase_create("facts");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sums_are_exact_and_rounded_up_once);
	tcase_add_test(tcase, requests_default_from_limits);
	tcase_add_test(tcase, init_containers_sidecars_pod_level_overhead);
	tcase_add_test(tcase, defaults_are_put_in_per_container);
	tcase_add_test(tcase, fits_score_does_not_see_pod_level);
	tcase_add_test(tcase, which_sum_each_looks_at);
	tcase_add_test(tcase, balance_with_and_without_the_pod);
	tcase_add_test(tcase, reasons_and_codes_of_fit);
	tcase_add_test(tcase, resizes_of_bound_pods);
	tcase_add_test(tcase, sums_do_not_grow);
	suite_add_tcase(suite, tcase);
	return suite;
}
