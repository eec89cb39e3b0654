// What pods request: sums, init containers, sidecars, pod level, status, rounding, bad values.
// Neighbours: lib/cluster/pod_requests.c.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define MI INT64_C(1048576)

static struct world world;

static void setup(void)
{
	world_begin(&world);
}

static void teardown(void)
{
	world_end(&world);
}

struct expected {
	int64_t cpu, memory;
	int64_t nonzero_cpu, nonzero_memory;
	int64_t score_cpu, score_memory;
};

static const struct {
	const char *name;
	const char *spec;
	struct expected want;
} asked[] = {
	{ "nothing", "containers: [{name: a}]", { 0, 0, 100, 200 * MI, 100, 200 * MI } },
	{ "no container at all", "containers: []", { 0 } },
	{ "two halves of a milli are one",
	  "containers: [{resources: {requests: {cpu: 500u}}}, {resources: {requests: {cpu: "
	  "500u}}}]",
	  { 1, 0, 1, 400 * MI, 1, 400 * MI } },
	{ "the sum is rounded up once, cpu to milli and memory to bytes",
	  "containers: [{resources: {requests: {cpu: 100100u, memory: 100m}}}, "
	  "{resources: {requests: {cpu: 100100u, memory: 100m}}}]",
	  { 201, 1, 201, 1, 201, 1 } },
	{ "an explicit zero is not missing",
	  "containers: [{resources: {requests: {cpu: 0, memory: 0}}}]",
	  { 0 } },
	{ "defaults go in per container",
	  "containers: [{resources: {requests: {cpu: 1}}}, {name: b}]",
	  { 1000, 0, 1100, 400 * MI, 1100, 400 * MI } },
	{ "limits are the API server's business",
	  "containers: [{resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 1}}}], "
	  "initContainers: [{resources: {limits: {cpu: 3}}}], resources: {limits: {cpu: 4}}",
	  { 1000, 0, 1000, 200 * MI, 1000, 200 * MI } },
	{ "the largest init container counts beside the sum",
	  "containers: [{resources: {requests: {cpu: 1, memory: 1Gi}}}], "
	  "initContainers: [{resources: {requests: {cpu: 2, memory: 10Mi}}}, "
	  "{resources: {requests: {cpu: 500m, memory: 3Gi}}}]",
	  { 2000, 3072 * MI, 2000, 3072 * MI, 2000, 3072 * MI } },
	{ "a sidecar counts in the sum and beside init containers after it",
	  "containers: [{resources: {requests: {cpu: 1, memory: 1}}}], "
	  "initContainers: [{resources: {requests: {cpu: 3, memory: 1}}}, "
	  "{restartPolicy: Always, resources: {requests: {cpu: 2, memory: 1}}}, "
	  "{resources: {requests: {cpu: 2, memory: 1}}}]",
	  { 4000, 2, 4000, 2, 4000, 2 } },
	{ "a sidecar after an init container does not run beside it",
	  "containers: [{resources: {requests: {cpu: 1, memory: 1}}}], "
	  "initContainers: [{resources: {requests: {cpu: 4, memory: 1}}}, "
	  "{restartPolicy: Always, resources: {requests: {cpu: 2, memory: 1}}}]",
	  { 4000, 2, 4000, 2, 4000, 2 } },
	{ "an init container that names nothing gets the defaults",
	  "containers: [{resources: {requests: {cpu: 50m, memory: 1Mi}}}], initContainers: [{name: "
	  "i}]",
	  { 50, MI, 100, 200 * MI, 100, 200 * MI } },
	{ "overhead is added to all of them",
	  "containers: [{name: a}], overhead: {cpu: 10m, memory: 1Mi}",
	  { 10, MI, 110, 201 * MI, 110, 201 * MI } },
	{ "pod level replaces the containers' sum, but not for the pod's own score",
	  "containers: [{name: a}], resources: {requests: {cpu: 2, memory: 4Gi}}",
	  { 2000, 4096 * MI, 2000, 4096 * MI, 100, 200 * MI } },
	{ "pod level below the sum replaces it as well, then comes the overhead",
	  "containers: [{resources: {requests: {cpu: 3}}}], resources: {requests: {cpu: 2}}, "
	  "overhead: {cpu: 100m}",
	  { 2100, 0, 2100, 200 * MI, 3100, 200 * MI } },
	{ "what pod level does not name stays the containers'",
	  "containers: [{resources: {requests: {memory: 7Mi}}}], resources: {requests: {cpu: 2}}",
	  { 2000, 7 * MI, 2000, 7 * MI, 100, 7 * MI } },
	{ "a resource that only overhead names is not missing at pod level",
	  "containers: [{name: a}], resources: {requests: {cpu: 1}}, overhead: {memory: 1Mi}",
	  { 1000, MI, 1000, MI, 100, 201 * MI } },
	{ "pod level knows cpu, memory and hugepages only",
	  "containers: [{name: a}], resources: {requests: {ephemeral-storage: 1Gi}}",
	  { 0, 0, 100, 200 * MI, 100, 200 * MI } },
	{ "sums are capped",
	  "containers: [{resources: {requests: {memory: 8Ei}}}, {resources: {requests: {memory: "
	  "8Ei}}}]",
	  { 0, INT64_MAX, 200, INT64_MAX, 200, INT64_MAX } },
};

START_TEST(what_pods_ask)
{
	const struct cs_pod *pod = add_pod(&world, "a", asked[_i].spec);
	const struct cs_pod_requests *got = &pod->demand->requests;
	const struct expected *want = &asked[_i].want;
	ck_assert_msg(got->fixed[CS_RESOURCE_CPU] == want->cpu &&
			      got->fixed[CS_RESOURCE_MEMORY] == want->memory,
		      "%s: %ld %ld", asked[_i].name, got->fixed[0], got->fixed[1]);
	ck_assert_msg(got->nonzero_cpu == want->nonzero_cpu &&
			      got->nonzero_memory == want->nonzero_memory,
		      "%s: non-zero %ld %ld", asked[_i].name, got->nonzero_cpu,
		      got->nonzero_memory);
	ck_assert_msg(got->score_cpu == want->score_cpu && got->score_memory == want->score_memory,
		      "%s: score %ld %ld", asked[_i].name, got->score_cpu, got->score_memory);
	// Without a status it takes the same, and its own score is no part of that.
	const struct cs_pod_requests *taken = &pod->footprint->requests;
	ck_assert_int_eq(taken->fixed[CS_RESOURCE_CPU], want->cpu);
	ck_assert_int_eq(taken->fixed[CS_RESOURCE_MEMORY], want->memory);
	ck_assert_int_eq(taken->nonzero_cpu, want->nonzero_cpu);
	ck_assert_int_eq(taken->nonzero_memory, want->nonzero_memory);
	ck_assert_int_eq(taken->score_cpu, 0);
}
END_TEST

#define RUNNING \
	"nodeName: n1, containers: [{name: a, resources: {requests: {cpu: 2, memory: 1Gi}}}]"

static const struct {
	const char *name;
	const char *pod; // spec, then status
	int64_t cpu, memory;
} taken[] = {
	{ "spec alone", "spec: {" RUNNING "}", 2000, 1024 * MI },
	{ "a status without resources says nothing, even with allocatedResources",
	  "spec: {" RUNNING
	  "}, status: {containerStatuses: [{name: a, allocatedResources: {cpu: 9}}]}",
	  2000, 1024 * MI },
	{ "the largest of spec, actuated and allocated counts per resource",
	  "spec: {" RUNNING "}, status: {containerStatuses: [{name: a, "
	  "allocatedResources: {cpu: 3}, resources: {requests: {cpu: 1, memory: 2Gi}}}]}",
	  3000, 2048 * MI },
	{ "a status of another container does not",
	  "spec: {" RUNNING "}, status: {containerStatuses: [{name: b, "
	  "resources: {requests: {cpu: 9}}}]}",
	  2000, 1024 * MI },
	{ "an infeasible resize leaves the spec out",
	  "spec: {" RUNNING
	  "}, status: {conditions: [{type: PodResizePending, reason: Infeasible}], "
	  "containerStatuses: [{name: a, allocatedResources: {cpu: 1}, "
	  "resources: {requests: {cpu: 1, memory: 512Mi}}}]}",
	  1000, 512 * MI },
	{ "a deferred one does not",
	  "spec: {" RUNNING "}, status: {conditions: [{type: PodResizePending, reason: Deferred}], "
	  "containerStatuses: [{name: a, resources: {requests: {cpu: 1}}}]}",
	  2000, 1024 * MI },
	{ "sidecars follow their status, plain init containers do not",
	  "spec: {nodeName: n1, containers: [{name: a, resources: {requests: {cpu: 1}}}], "
	  "initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}, "
	  "{name: i, resources: {requests: {cpu: 1}}}]}, status: {initContainerStatuses: ["
	  "{name: s, resources: {requests: {cpu: 3}}}, {name: i, resources: {requests: {cpu: "
	  "9}}}]}",
	  4000, 0 },
	{ "pod level follows the pod's status",
	  "spec: {nodeName: n1, containers: [{name: a}], resources: {requests: {cpu: 1, memory: "
	  "1Gi}}}, "
	  "status: {resources: {requests: {cpu: 3}}, allocatedResources: {memory: 2Gi}}",
	  3000, 2048 * MI },
	{ "pod level, infeasible: what the status does not name is 0",
	  "spec: {nodeName: n1, containers: [{name: a}], resources: {requests: {cpu: 1, memory: "
	  "1Gi}}}, "
	  "status: {conditions: [{type: PodResizePending, reason: Infeasible}], "
	  "resources: {requests: {cpu: 3}}}",
	  3000, 0 },
};

START_TEST(what_bound_pods_take)
{
	const Kube__Pod *pod = read_pod(
		&world, "{metadata: {name: a, namespace: default, uid: u}, %s}", taken[_i].pod);
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	const struct cs_pod_requests *got = &world.change.pod->footprint->requests;
	ck_assert_msg(got->fixed[CS_RESOURCE_CPU] == taken[_i].cpu &&
			      got->fixed[CS_RESOURCE_MEMORY] == taken[_i].memory,
		      "%s: %ld %ld", taken[_i].name, got->fixed[0], got->fixed[1]);
}
END_TEST

START_TEST(what_a_pending_pod_asks_ignores_its_status)
{
	const Kube__Pod *pod = read_pod(
		&world, "{metadata: {name: a, namespace: default, uid: u}, "
			"spec: {containers: [{name: a, resources: {requests: {cpu: 1}}}]}, "
			"status: {containerStatuses: [{name: a, resources: {requests: {cpu: "
			"5}}}]}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert_int_eq(world.change.pod->demand->requests.fixed[CS_RESOURCE_CPU], 1000);
	ck_assert_int_eq(world.change.pod->footprint->requests.fixed[CS_RESOURCE_CPU], 5000);
}
END_TEST

START_TEST(other_resources_have_columns)
{
	const struct cs_pod *pod = add_pod(
		&world, "a",
		"containers: [{resources: {requests: {example.com/gpu: 2, hugepages-2Mi: 4Mi, "
		"ephemeral-storage: 1500m, pods: 5, foo: 1, requests.example.com/x: 1, "
		"example.com/none: 0, attachable-volumes-x: 1, x.kubernetes.io/y: 3}}}], "
		"resources: {requests: {hugepages-2Mi: 6Mi}}");
	const struct cs_pod_requests *got = &pod->demand->requests;
	ck_assert_int_eq(got->fixed[CS_RESOURCE_EPHEMERAL_STORAGE], 2);
	ck_assert_uint_eq(got->n_extended, 4);
	uint32_t last = 0;
	for (uint32_t i = 0; i < got->n_extended; i++) {
		const struct cs_resource_amount *amount = &got->extended[i];
		ck_assert_uint_gt(amount->column, last);
		last = amount->column;
		const char *name = cs_intern_string(cs_cluster_strings(world.cluster),
						    world.nodes->resource_name[amount->column]);
		bool huge = strcmp(name, "hugepages-2Mi") == 0;
		ck_assert_int_eq(amount->amount, huge                                     ? 6 * MI
						 : strcmp(name, "example.com/gpu") == 0   ? 2
						 : strcmp(name, "x.kubernetes.io/y") == 0 ? 3
											  : 1);
		ck_assert_int_eq(amount->score, huge ? 4 * MI : amount->amount);
	}
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "foo"), CS_RESOURCE_NONE);
	ck_assert_uint_ne(cs_cluster_find_resource(world.cluster, "example.com/gpu"),
			  CS_RESOURCE_NONE);
	// The columns go with the pod.
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "uid-a"));
	ck_assert_uint_eq(cs_cluster_find_resource(world.cluster, "example.com/gpu"),
			  CS_RESOURCE_NONE);
}
END_TEST

static const struct {
	const char *spec;
	const char *field;
} broken[] = {
	{ "containers: [{name: a}, {resources: {requests: {cpu: -1}}}]",
	  "spec.containers[1].resources.requests.cpu" },
	{ "initContainers: [{resources: {requests: {cpu: -100n}}}]",
	  "spec.initContainers[0].resources.requests.cpu" },
	{ "resources: {requests: {memory: -1}}", "spec.resources.requests.memory" },
	{ "overhead: {example.com/x: -1}", "spec.overhead.example.com/x" },
};

START_TEST(negative_amounts_are_refused_in_words)
{
	const Kube__Pod *pod =
		read_pod(&world, "{metadata: {name: a, namespace: ns, uid: u}, spec: {%s}}",
			 broken[_i].spec);
	ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
	ck_assert_msg(strstr(world.err.text, broken[_i].field) &&
			      strstr(world.err.text, "must not be negative") &&
			      strstr(world.err.text, "pod ns/a"),
		      "%s", world.err.text);
	// It is there, and stays Pending with words.
	ck_assert_ptr_nonnull(world.change.pod);
	ck_assert_str_eq(world.change.pod->demand->unsupported_field, broken[_i].field);
	ck_assert_ptr_null(world.change.pod->demand->unsupported_feature);
}
END_TEST

START_TEST(garbage_is_refused_in_words)
{
	const Kube__Pod *pod =
		read_pod(&world, "{metadata: {name: a, namespace: ns, uid: u}, spec: "
				 "{containers: [{resources: {requests: {cpu: 1, "
				 "memory: 1}}}]}}");
	pod->spec->containers[0]->resources->requests[0]->value->string = (char *)"1x";
	ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
	ck_assert_msg(strstr(world.err.text, "spec.containers[0].resources.requests."), "%s",
		      world.err.text);
	ck_assert_msg(strstr(world.err.text, "not a quantity"), "%s", world.err.text);
	pod->metadata->uid = (char *)"v";
	pod->spec->containers[0]->resources->requests[0]->value = NULL;
	ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
	pod->metadata->uid = (char *)"w";
	pod->spec->containers[0]->resources->requests[0]->key = NULL;
	ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
	ck_assert_msg(strstr(world.err.text, "a resource without a name"), "%s", world.err.text);
}
END_TEST

START_TEST(a_broken_bound_pod_counts_with_what_can_be_read)
{
	uint32_t row = add_node(&world, "n1", "status: {allocatable: {cpu: 4}}");
	const Kube__Pod *pod =
		read_pod(&world, "{metadata: {name: a, namespace: ns, uid: u}, spec: "
				 "{nodeName: n1, containers: [{resources: {requests: "
				 "{cpu: 1, memory: -1}}}]}}");
	ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
	ck_assert_int_eq(world.change.pod->state, CS_POD_BOUND);
	ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][row], 1000);
	ck_assert_int_eq(world.nodes->n_pods[row], 1);
}
END_TEST

START_TEST(a_broken_update_changes_nothing)
{
	struct cs_pod *pod =
		add_pod(&world, "a", "containers: [{resources: {requests: {cpu: 1}}}]");
	const struct cs_demand *demand = pod->demand;
	const Kube__Pod *update = read_pod(
		&world, "{metadata: {name: a, namespace: default, uid: uid-a}, spec: {containers: "
			"[{resources: {requests: {cpu: -1}}}]}}");
	ck_assert_int_eq(apply_pod(&world, update), -EINVAL);
	ck_assert_ptr_eq(world.change.pod, pod);
	ck_assert_uint_eq(world.change.events, 0);
	ck_assert_ptr_eq(pod->demand, demand);
}
END_TEST

START_TEST(a_broken_object_that_binds_still_binds)
{
	uint32_t row = add_node(&world, "n1", "status: {allocatable: {cpu: 4}}");
	struct cs_pod *pod = add_pod(&world, "a", "containers: [{name: a}]");
	for (int i = 0; i < 2; i++) {
		const Kube__Pod *update =
			read_pod(&world,
				 "{metadata: {name: a, namespace: default, uid: uid-a}, spec: "
				 "{nodeName: n1, containers: [{resources: {requests: {cpu: %d, "
				 "memory: -1}}}]}}",
				 i + 1);
		ck_assert_int_eq(apply_pod(&world, update), -EINVAL);
		ck_assert(world.change.became_bound == (i == 0));
		ck_assert_int_eq(pod->state, CS_POD_BOUND);
		ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][row], 1000);
	}
}
END_TEST

// A column for each of many names: pods may take 192, nodes the rest.
START_TEST(columns_are_limited)
{
	for (int i = CS_RESOURCE_FIXED_COUNT; i < CS_RESOURCE_POD_MAX; i++) {
		char spec[128], name[32];
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(spec, sizeof(spec),
			 "containers: [{resources: {requests: {example.com/r%d: 1}}}]", i);
		add_pod(&world, name, spec);
	}
	const Kube__Pod *pod =
		read_pod(&world, "{metadata: {name: a, namespace: ns, uid: u}, spec: "
				 "{containers: [{resources: {requests: "
				 "{example.com/one-more: 1}}}]}}");
	ck_assert_int_eq(apply_pod(&world, pod), -EINVAL);
	ck_assert_msg(strstr(world.err.text, "example.com/one-more: too many kinds of resources"),
		      "%s", world.err.text);
	uint32_t row =
		add_node(&world, "n1", "status: {allocatable: {cpu: 1, example.com/gpu: 8}}");
	uint32_t column = cs_cluster_find_resource(world.cluster, "example.com/gpu");
	ck_assert_uint_eq(column, CS_RESOURCE_POD_MAX);
	ck_assert_int_eq(world.nodes->allocatable[column][row], 8);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/requests");
	TCase *tcase = tcase_create("requests");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_pods_ask, 0, (int)(sizeof(asked) / sizeof(asked[0])));
	tcase_add_loop_test(tcase, what_bound_pods_take, 0,
			    (int)(sizeof(taken) / sizeof(taken[0])));
	tcase_add_test(tcase, what_a_pending_pod_asks_ignores_its_status);
	tcase_add_test(tcase, other_resources_have_columns);
	tcase_add_loop_test(tcase, negative_amounts_are_refused_in_words, 0,
			    (int)(sizeof(broken) / sizeof(broken[0])));
	tcase_add_test(tcase, garbage_is_refused_in_words);
	tcase_add_test(tcase, a_broken_bound_pod_counts_with_what_can_be_read);
	tcase_add_test(tcase, a_broken_update_changes_nothing);
	tcase_add_test(tcase, a_broken_object_that_binds_still_binds);
	tcase_add_test(tcase, columns_are_limited);
	suite_add_tcase(suite, tcase);
	return suite;
}
