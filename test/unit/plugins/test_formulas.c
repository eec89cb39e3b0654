// What plugins say in numbers, beside scores that the suites of each have worked out. That every
// formula ends with the score is test_kept.c's business.
// Neighbours: the plugins' explain_filter and explain_score; lib/framework/explain.c calls them.
#include <string.h>

#include <csched/base/memory.h>

#include "load_world.h"

static struct world world;
static struct run run;

#define GIB  1073741824.0
#define ZONE "topology.kubernetes.io/zone"

static void setup(void)
{
	load_world_begin(&run, &world);
}

static void teardown(void)
{
	run_end(&run);
}

static const char *score_of(const char *plugin, const char *args, const struct cs_pod *pod,
			    const char *node)
{
	run_configure(&run, plugin, args);
	run_score(&run, pod);
	return run_formula(&run, node);
}

static const char *numbers_of(const char *plugin, const char *args, const struct cs_pod *pod,
			      const char *node)
{
	run_configure(&run, plugin, args);
	run_filter(&run, pod);
	return run_numbers(&run, node);
}

// ---- kube-scheduler's ----

START_TEST(resources)
{
	add_node(&world, "a", "status: {allocatable: {cpu: '4', memory: 8Gi, pods: '2'}}");
	add_pod(&world, "q",
		"nodeName: a, containers: [{name: c, resources: {requests: {cpu: '1', "
		"memory: 4Gi}}}]");
	const struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 1, memory: 1Gi", "");
	ck_assert_str_eq(score_of("NodeResourcesFit", NULL, pod, "a"),
			 "LeastAllocated: cpu 100 x (4000m - 1000m - 1000m) / 4000m = 50; memory "
			 "100 x (8Gi - 4Gi - 1Gi) / 8Gi = 37; (1 x 50 + 1 x 37) / 2 = 43.5");
	ck_assert_int_eq(run.out[0], 43);
	ck_assert_str_eq(score_of("NodeResourcesFit",
				  "{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, "
				  "weight: 3}, {name: memory, weight: 1}]}}",
				  pod, "a"),
			 "MostAllocated: cpu 100 x (1000m + 1000m) / 4000m = 50; memory 100 x (4Gi "
			 "+ 1Gi) / 8Gi = 62; (3 x 50 + 1 x 62) / 4 = 53");
	ck_assert_str_eq(score_of("NodeResourcesFit",
				  "{scoringStrategy: {type: RequestedToCapacityRatio, resources: "
				  "[{name: cpu, weight: 1}], requestedToCapacityRatio: {shape: "
				  "[{utilization: 0, score: 0}, {utilization: 100, score: 5}]}}}",
				  pod, "a"),
			 "RequestedToCapacityRatio: cpu 100 x (1000m + 1000m) / 4000m = 50, by the "
			 "shape 25; (1 x 25) / 1 = 25");
	ck_assert_str_eq(
		score_of("NodeResourcesBalancedAllocation", NULL, pod, "a"),
		"without the pod: cpu 1000m / 4000m = 0.25, memory 4Gi / 8Gi = 0.5, 100 x (1 - "
		"deviation 0.125) = 87; with it: cpu 2000m / 4000m = 0.5, memory 5Gi / 8Gi = 0.625, "
		"100 x (1 - deviation 0.0625) = 93; 50 + (50 + 93 - 87) / 2 = 78");
}
END_TEST

START_TEST(what_does_not_fit)
{
	add_node(&world, "a", "status: {allocatable: {cpu: '4', memory: 8Gi, pods: '1'}}");
	add_pod(&world, "q",
		"nodeName: a, containers: [{name: c, resources: {requests: {cpu: '3', "
		"memory: 4Gi}}}]");
	ck_assert_str_eq(
		numbers_of("NodeResourcesFit", NULL,
			   load_world_pod(&run, "p", "cpu: 1500m, memory: 4608Mi", ""), "a"),
		"1 of 1 pods are there, of cpu it asks 1500m, and 1000m of 4000m are left, "
		"of memory it asks 4.5Gi, and 4Gi of 8Gi are left");
}
END_TEST

START_TEST(what_is_not_tolerated)
{
	add_node(&world, "a",
		 "spec: {taints: [{key: dedicated, value: gpu, effect: NoSchedule}, {key: down, "
		 "effect: NoExecute}, {key: ok, effect: NoSchedule}, {key: soft, effect: "
		 "PreferNoSchedule}]}, status: {}");
	const struct cs_pod *pod =
		add_pod(&world, "p", "tolerations: [{key: ok, operator: Exists}]");
	ck_assert_str_eq(numbers_of("TaintToleration", NULL, pod, "a"),
			 "it does not tolerate dedicated=gpu:NoSchedule, down:NoExecute");
}
END_TEST

#define PORTS(list) "containers: [{name: c, ports: [" list "]}]"

START_TEST(ports_that_are_taken)
{
	add_node(&world, "a", "status: {}");
	add_pod(&world, "q",
		"nodeName: a, " PORTS("{containerPort: 1, hostPort: 80}, {containerPort: 2, "
				      "hostPort: 53, protocol: UDP}"));
	const struct cs_pod *pod = add_pod(
		&world, "p",
		PORTS("{containerPort: 1, hostPort: 80, hostIP: 10.0.0.1}, {containerPort: 2, "
		      "hostPort: 443}, {containerPort: 3, hostPort: 53, protocol: UDP}"));
	const char *words = numbers_of("NodePorts", NULL, pod, "a");
	ck_assert_ptr_nonnull(strstr(words, "taken by a pod there: host port "));
	ck_assert_ptr_nonnull(strstr(words, "host port 80/TCP of 10.0.0.1"));
	ck_assert_ptr_nonnull(strstr(words, "host port 53/UDP of 0.0.0.0"));
	ck_assert_ptr_null(strstr(words, "443"));
}
END_TEST

START_TEST(taints_and_preferences)
{
	add_node(&world, "a", "spec: {taints: [{key: x, effect: PreferNoSchedule}]}, status: {}");
	add_node(&world, "b",
		 "spec: {taints: [{key: x, effect: PreferNoSchedule}, {key: z, effect: "
		 "PreferNoSchedule}]}, status: {}");
	const struct cs_pod *pod = add_pod(
		&world, "p",
		"affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
		"[{weight: 30, preference: {matchExpressions: [{key: metadata, operator: "
		"DoesNotExist}]}}]}}");
	ck_assert_str_eq(
		score_of("TaintToleration", NULL, pod, "a"),
		"untolerated PreferNoSchedule taints 1, at most 2 on a node that fits: 100 "
		"- 100 x 1 / 2 = 50");
	ck_assert_str_eq(score_of("NodeAffinity", NULL, pod, "b"),
			 "30 for !metadata, in all 30, at most 30 on a node that fits: 100 x 30 / "
			 "30 = 100");
}
END_TEST

START_TEST(images)
{
	add_node(&world, "a",
		 "status: {images: [{names: ['i:1'], sizeBytes: 1073741824}, {names: "
		 "['j:latest'], sizeBytes: 2097152}]}");
	add_node(&world, "b", "status: {images: [{names: ['j:latest'], sizeBytes: 2097152}]}");
	add_node(&world, "c", "status: {}");
	add_node(&world, "d", "status: {}");
	const struct cs_pod *pod = add_pod(&world, "p", "containers: [{image: 'i:1'}, {image: j}]");
	const char *words = score_of("ImageLocality", NULL, pod, "a");
	ck_assert_ptr_nonnull(strstr(words, "i:1 1Gi x 1 / 4 nodes"));
	ck_assert_ptr_nonnull(strstr(words, "j:latest 2Mi x 2 / 4 nodes"));
	ck_assert_str_eq(strstr(words, " = "),
			 " = 257Mi; 100 x (257Mi - 23Mi) / (2 x 1000Mi - 23Mi) = 11.84");
	ck_assert_int_eq(run.out[0], 11);
	ck_assert_str_eq(run_formula(&run, "b"),
			 "j:latest 2Mi x 2 / 4 nodes = 1Mi, not above 23Mi = 0");
	ck_assert_str_eq(run_formula(&run, "c"),
			 "none of the pod's images is on it = 0, not above 23Mi = 0");
}
END_TEST

// ---- by what nodes are ----

START_TEST(node_selectors)
{
	load_world_node(&run, "n1", "", "disk: hdd, " ZONE ": z1, cpus: '4'");
	load_world_node(&run, "n2", "", "disk: ssd, " ZONE ": z1, gpu: ''");
	const struct cs_pod *pod =
		add_pod(&world, "p", "nodeSelector: {disk: ssd, rack: r1}, containers: []");
	const char *words = numbers_of("NodeAffinity", NULL, pod, "n1");
	ck_assert_ptr_nonnull(strstr(words, "the pod requires "));
	ck_assert_ptr_nonnull(strstr(words, "disk=ssd (here hdd)"));
	ck_assert_ptr_nonnull(strstr(words, "rack=r1 (no such label here)"));
	ck_assert_str_eq(run_numbers(&run, "n2"), "the pod requires rack=r1 (no such label here)");
	// Of each term what is not met; the selector is met on n2.
	pod = add_pod(
		&world, "q",
		"nodeSelector: {disk: ssd}, affinity: {nodeAffinity: "
		"{requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: ["
		"{matchExpressions: [{key: disk, operator: Exists}, {key: " ZONE ", operator: "
		"NotIn, values: [z1]}, {key: cpus, operator: Gt, values: ['8']}]}, "
		"{matchExpressions: [{key: gpu, operator: DoesNotExist}], matchFields: [{key: "
		"metadata.name, operator: NotIn, values: [n2]}]}]}}}");
	ck_assert_str_eq(numbers_of("NodeAffinity", NULL, pod, "n2"),
			 "the pod requires " ZONE "!=z1 (here z1), cpus>8 (no such label here); or "
			 "!gpu (here ), metadata.name!=n2 (here n2)");
	ck_assert_str_eq(run_numbers(&run, "n1"), "the pod requires disk=ssd (here hdd)");
	ck_assert_str_eq(
		numbers_of("NodeAffinity",
			   "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			   "{nodeSelectorTerms: [{matchExpressions: [{key: gpu, operator: "
			   "Exists}]}]}}}",
			   pod, "n1"),
		"the profile's addedAffinity requires gpu (no such label here)");
}
END_TEST

START_TEST(node_names)
{
	load_world_node(&run, "n1", "", "");
	load_world_node(&run, "n2", "", "");
	const struct cs_pod *pod =
		add_pod(&world, "p",
			"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, "
			"values: [n2]}]}]}}}");
	ck_assert_str_eq(numbers_of("NodeAffinity", NULL, pod, "n1"), "the pod must go to n2");
}
END_TEST

// Of a long list the beginning is told.
START_TEST(many_values)
{
	load_world_node(&run, "n1", "", "");
	const struct cs_pod *pod = add_pod(
		&world, "p",
		"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		"{nodeSelectorTerms: [{matchExpressions: [{key: k, operator: In, values: [v0, v1, "
		"v2, v3, v4, v5, v6, v7, v8, v9]}]}]}}}");
	const char *words = numbers_of("NodeAffinity", NULL, pod, "n1");
	ck_assert_ptr_nonnull(strstr(words, "the pod requires k in (v"));
	ck_assert_ptr_nonnull(strstr(words, " and 2 more) (no such label here)"));
}
END_TEST

START_TEST(preferred_terms)
{
	load_world_node(&run, "n1", "", "disk: hdd");
	load_world_node(&run, "n2", "", "disk: ssd, gpu: ''");
	const struct cs_pod *pod = add_pod(
		&world, "p",
		"affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: ["
		"{weight: 30, preference: {matchExpressions: [{key: disk, operator: In, values: "
		"[ssd]}]}}, {weight: 20, preference: {matchExpressions: [{key: gpu, operator: "
		"Exists}, {key: disk, operator: NotIn, values: [hdd]}]}}, {weight: 5, preference: "
		"{matchExpressions: [{key: disk, operator: Exists}]}}]}}");
	ck_assert_str_eq(score_of("NodeAffinity", NULL, pod, "n1"),
			 "0 of 30 for disk=ssd, 0 of 20 for gpu, disk!=hdd, 5 for disk, in all 5, "
			 "at most 55 on a node that fits: 100 x 5 / 55 = 9.091");
}
END_TEST

START_TEST(cordoned_and_featureless)
{
	add_node(&world, "a",
		 "spec: {unschedulable: true}, status: {declaredFeatures: "
		 "[UserNamespacesHostNetworkSupport]}");
	const struct cs_pod *pod = add_pod(
		&world, "p",
		"hostNetwork: true, hostUsers: false, containers: [{name: c, restartPolicyRules: "
		"[{action: RestartAllContainers}]}]");
	ck_assert_str_eq(numbers_of("NodeUnschedulable", NULL, pod, "a"),
			 "the node is cordoned (spec.unschedulable is true), and the pod does not "
			 "tolerate node.kubernetes.io/unschedulable:NoSchedule");
	ck_assert_str_eq(numbers_of("NodeDeclaredFeatures", NULL, pod, "a"),
			 "the node does not declare RestartAllContainersOnContainerExits");
}
END_TEST

// ---- by what pods there are ----

static void zones(void)
{
	load_world_node(&run, "a", "", ZONE ": z1");
	load_world_node(&run, "b", "", ZONE ": z2");
	load_world_node(&run, "c", "", "");
	load_world_bound(&run, "w1", "a", "app: web");
	load_world_bound(&run, "w2", "a", "app: web");
	load_world_bound(&run, "w3", "b", "app: web");
}

#define SPREAD(when)                                                                               \
	"topologySpreadConstraints: [{maxSkew: 1, topologyKey: " ZONE ", whenUnsatisfiable: " when \
	", labelSelector: {matchLabels: {app: web}}}]"

#define WEB_PODS "pods with app=web in namespace default"

START_TEST(spreading)
{
	zones();
	// ln(2 + 2) = 1.386: 2.77 and 1.39 are 3 and 1.
	const struct cs_pod *pod = add_pod(&world, "p", SPREAD("ScheduleAnyway"));
	ck_assert_str_eq(score_of("PodTopologySpread", NULL, pod, "a"),
			 "the node's " ZONE " z1 has 2 " WEB_PODS
			 ": 2 x 1.386 for 2 domains + maxSkew 1 - 1 = 2.773; in all 3, from 1 to 3 "
			 "on nodes that fit: 100 x (3 + 1 - 3) / 3 = 33.33");
	ck_assert_int_eq(run.out[0], 33);
	ck_assert_str_eq(run_formula(&run, "c"), "the node lacks a label of the constraints = 0");
}
END_TEST

// Two in one domain, one in the other. The pod itself has no labels, and does not count.
START_TEST(spreading_that_is_required)
{
	zones();
	load_world_bound(&run, "w4", "a", "app: web");
	const struct cs_pod *pod = add_pod(&world, "q", SPREAD("DoNotSchedule"));
	ck_assert_str_eq(numbers_of("PodTopologySpread", NULL, pod, "a"),
			 "the node's " ZONE " z1 has 3 " WEB_PODS
			 "; of 2 domains the least has 1 (z2); the skew would be 3 + 0 for the pod "
			 "- 1 = 2, and maxSkew is 1");
	ck_assert_str_eq(run_numbers(&run, "c"), "the node has no label " ZONE);
	load_world_node(&run, "d", "", ZONE ": z3");
	load_world_node(&run, "e", "", ZONE ": z4");
	ck_assert_str_eq(numbers_of("PodTopologySpread", NULL, pod, "a"),
			 "the node's " ZONE " z1 has 3 " WEB_PODS
			 "; of 4 domains the least has 0 (2 of them); the skew would be 3 + 0 for "
			 "the pod - 0 = 3, and maxSkew is 1");
}
END_TEST

START_TEST(spreading_over_few_domains)
{
	zones();
	ck_assert_int_eq(
		apply_pod(&world,
			  read_pod(&world,
				   "{metadata: {name: p, uid: p, namespace: default, labels: {app: "
				   "web}}, spec: {topologySpreadConstraints: [{maxSkew: 1, "
				   "minDomains: 3, topologyKey: " ZONE
				   ", whenUnsatisfiable: DoNotSchedule, labelSelector: "
				   "{matchLabels: {app: web}}}]}}")),
		0);
	ck_assert_str_eq(numbers_of("PodTopologySpread", NULL, world.change.pod, "b"),
			 "the node's " ZONE " z2 has 1 pod with app=web in namespace default; of 2 "
			 "domains the least has 1 (z2), but 0 counts, as minDomains is 3; the skew "
			 "would be 1 + 1 for the pod - 0 = 2, and maxSkew is 1");
}
END_TEST

#define REQUIRED         "requiredDuringSchedulingIgnoredDuringExecution: "
#define PREFERRED        "preferredDuringSchedulingIgnoredDuringExecution: "
#define TERM(kind, list) "affinity: {" kind ": {" list "}}"
#define WEB              "topologyKey: " ZONE ", labelSelector: {matchLabels: {app: web}}"

START_TEST(pod_affinity)
{
	zones();
	const struct cs_pod *pod = add_pod(
		&world, "p",
		TERM("podAffinity", PREFERRED "[{weight: 10, podAffinityTerm: {" WEB "}}]"));
	ck_assert_str_eq(score_of("InterPodAffinity", NULL, pod, "b"),
			 "10 x 1 (the node's " ZONE " z2: " WEB_PODS
			 ") = 10; from 0 to 20 on nodes that fit: 100 x (10 - 0) / (20 - 0) = 50");
	ck_assert_str_eq(run_formula(&run, "c"),
			 "10 x 0 (the node has no label " ZONE ": " WEB_PODS
			 ") = 0; from 0 to 20 on nodes that fit: 100 x (0 - 0) / (20 - 0) = 0");
	pod = add_pod(&world, "q", TERM("podAntiAffinity", REQUIRED "[{" WEB "}]"));
	ck_assert_str_eq(numbers_of("InterPodAffinity", NULL, pod, "a"),
			 "the pod must not be near " WEB_PODS ": the node's " ZONE
			 " z1 has 2 pods (default/w1 and 1 more)");
	// Each zone has one node, of another number: these are marked by row.
	ck_assert_str_eq(run_numbers(&run, "b"), "the pod must not be near " WEB_PODS
						 ": the node's " ZONE " z2 has 1 pod (default/w3)");
	pod = add_pod(&world, "r", TERM("podAffinity", REQUIRED "[{" WEB "}]"));
	ck_assert_str_eq(numbers_of("InterPodAffinity", NULL, pod, "c"),
			 "the pod must be near " WEB_PODS ": the node has no label " ZONE);
	load_world_node(&run, "d", "", ZONE ": z3");
	ck_assert_str_eq(numbers_of("InterPodAffinity", NULL, pod, "d"),
			 "the pod must be near " WEB_PODS ": the node's " ZONE " z3 has none");
}
END_TEST

// Which pods a term means, in whatever way it says so.
START_TEST(pods_that_terms_mean)
{
	static const struct {
		const char *term;
		const char *words;
	} rows[] = {
		{ "labelSelector: {}", "any labels in namespace default" },
		{ "labelSelector: {matchLabels: {a: b}}, namespaces: [x]", "a=b in namespace x" },
		{ "labelSelector: {matchLabels: {a: b}}, namespaceSelector: {}",
		  "a=b in namespaces with any labels" },
		{ "labelSelector: {matchLabels: {a: b}}, namespaces: [x], namespaceSelector: "
		  "{matchLabels: {team: t}}",
		  "a=b in namespace x and in namespaces with team=t" },
		{ "labelSelector: {matchExpressions: [{key: tier, operator: NotIn, values: "
		  "[x]}]}",
		  "tier!=x in namespace default" },
		{ "labelSelector: {matchExpressions: [{key: tier, operator: Exists}]}",
		  "tier in namespace default" },
		{ "labelSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}",
		  "!tier in namespace default" },
	};
	zones();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		const struct cs_pod *pod = add_pod(
			&world, cs_arena_printf(run.scratch, "p%zu", i),
			cs_arena_printf(run.scratch,
					TERM("podAffinity", REQUIRED "[{topologyKey: rack, %s}]"),
					rows[i].term));
		ck_assert_str_eq(
			numbers_of("InterPodAffinity", NULL, pod, "a"),
			cs_arena_printf(
				run.scratch,
				"the pod must be near pods with %s: the node has no label rack",
				rows[i].words));
	}
}
END_TEST

// A bound pod with labels and an affinity.
static void bound_with(const char *name, const char *node, const char *affinity)
{
	ck_assert_int_eq(
		apply_pod(
			&world,
			read_pod(&world,
				 "{metadata: {name: %s, uid: %s, namespace: default, labels: {app: "
				 "db}}, spec: {nodeName: %s, %s}}",
				 name, name, node, affinity)),
		0);
}

static const struct cs_pod *web_pod(void)
{
	ck_assert_int_eq(apply_pod(&world, read_pod(&world, "{metadata: {name: p, uid: p, "
							    "namespace: default, labels: {app: "
							    "web}}, spec: {}}")),
			 0);
	return world.change.pod;
}

// The first of a series may be in any domain, of a node with all labels.
START_TEST(first_of_a_series)
{
	zones();
	ck_assert_int_eq(
		apply_pod(&world,
			  read_pod(&world, "{metadata: {name: p, uid: p, namespace: default, "
					   "labels: {app: db}}, spec: {" TERM(
						   "podAffinity", REQUIRED
						   "[{topologyKey: " ZONE
						   ", labelSelector: {matchLabels: {app: db}}}, "
						   "{topologyKey: rack, labelSelector: "
						   "{matchLabels: {app: db}}}]") "}}")),
		0);
	ck_assert_str_eq(numbers_of("InterPodAffinity", NULL, world.change.pod, "a"),
			 "the pod must be near pods with app=db in namespace default and app=db in "
			 "namespace default: the node has no label rack");
}
END_TEST

START_TEST(pods_that_are_there_object)
{
	zones();
	bound_with("db2", "a", TERM("podAntiAffinity", REQUIRED "[{" WEB "}]"));
	bound_with("db1", "a", TERM("podAntiAffinity", REQUIRED "[{" WEB "}]"));
	ck_assert_str_eq(numbers_of("InterPodAffinity", NULL, web_pod(), "a"),
			 "the node's " ZONE " z1 has 2 pods (default/db1 and 1 more) that must not "
			 "be near " WEB_PODS ", as the pod is");
	ck_assert_str_eq(run_fitting(&run), "b c");
}
END_TEST

START_TEST(pods_that_are_there_prefer)
{
	zones();
	bound_with("db1", "a", TERM("podAffinity", REQUIRED "[{" WEB "}]"));
	bound_with("db2", "b",
		   TERM("podAffinity", PREFERRED "[{weight: 7, podAffinityTerm: {" WEB "}}]"));
	bound_with("db3", "b",
		   TERM("podAntiAffinity", PREFERRED "[{weight: 9, podAffinityTerm: {" WEB "}}]"));
	ck_assert_str_eq(score_of("InterPodAffinity", "{hardPodAffinityWeight: 3}", web_pod(), "a"),
			 "3 x 1 (the node's " ZONE " z1: pods that must be near " WEB_PODS
			 ") = 3; from -2 to 3 on nodes that fit: 100 x (3 - -2) / (3 - -2) = 100");
	const char *words = run_formula(&run, "b");
	ck_assert_ptr_nonnull(strstr(words, "7 x 1 (the node's " ZONE
					    " z2: pods that prefer to be near " WEB_PODS ")"));
	ck_assert_ptr_nonnull(strstr(words, "-9 x 1 (the node's " ZONE
					    " z2: pods that prefer not to be near " WEB_PODS ")"));
	ck_assert_ptr_nonnull(strstr(words, " = -2; from -2 to 3 on nodes that fit: "));
	ck_assert_str_eq(run_formula(&run, "c"),
			 "no pod counts that is near the node = 0; from -2 to 3 on nodes that fit: "
			 "100 x (0 - -2) / (3 - -2) = 40");
}
END_TEST

// Where each domain has one row, what is against a row is kept by row.
START_TEST(pod_affinity_by_host)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			apply_node(&world,
				   read_node(&world, "{metadata: {name: h%d, labels: {host: h%d}}}",
					     i, i)),
			0);
	load_world_bound(&run, "w1", "h2", "app: web");
	const struct cs_pod *pod =
		add_pod(&world, "p",
			TERM("podAntiAffinity", REQUIRED "[{topologyKey: host, labelSelector: "
							 "{matchLabels: {app: web}}}]"));
	ck_assert_str_eq(numbers_of("InterPodAffinity", NULL, pod, "h2"),
			 "the pod must not be near " WEB_PODS
			 ": the node's host h2 has 1 pod (default/w1)");
	load_world_bound(&run, "d1", "h2", "app: db");
	pod = add_pod(&world, "q",
		      TERM("podAffinity",
			   PREFERRED "[{weight: 10, podAffinityTerm: {topologyKey: host, "
				     "labelSelector: {matchLabels: {app: web}}}}, "
				     "{weight: 30, podAffinityTerm: {topologyKey: host, "
				     "labelSelector: {matchLabels: {app: db}}}}]"));
	ck_assert_str_eq(score_of("InterPodAffinity", NULL, pod, "h2"),
			 "10 x 1 (the node's host h2: " WEB_PODS ") + 30 x 1 (the node's host h2: "
			 "pods with app=db in namespace default) = 40; from 0 to 40 on nodes that "
			 "fit: 100 x (40 - 0) / (40 - 0) = 100");
}
END_TEST

// ---- by load: the examples of the plugins' heads ----

START_TEST(least_load)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "c-sched.io/weight: '50'", "");
	load_world_sample(&run, "a", METRIC_CPU, 1600);
	load_world_sample(&run, "a", METRIC_MEMORY, 3 * GIB);
	load_world_sample(&run, "b", METRIC_CPU, 600);
	load_world_sample(&run, "b", METRIC_MEMORY, 5 * GIB);
	const struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 400m, memory: 1Gi", "");
	ck_assert_str_eq(
		score_of("LeastLoad", NULL, pod, "a"),
		"cpu (1600m + 400m) / 4000m = 0.5; memory (3Gi + 1Gi) / 8Gi = 0.5; 100 x (3 "
		"x (1 - 0.5) + 1 x (1 - 0.5)) / 4 = 50");
	ck_assert_str_eq(
		run_formula(&run, "b"),
		"for weight 50 %: cpu (600m + 400m) / 2000m = 0.5; memory (5Gi + 1Gi) / 4Gi "
		"= 1; 100 x (3 x (1 - 0.5) + 1 x (1 - 1)) / 4 = 37.5");
	ck_assert_str_eq(
		numbers_of("LeastLoad", "{resources: [{name: cpu, threshold: 30}]}", pod, "a"),
		"cpu is 1600m of 4000m: 40 % full, threshold 30 %");
}
END_TEST

static void connections(const char *node, double n, double limit)
{
	if (limit > 0)
		load_world_limited(&run, node, n, limit);
	else
		load_world_sample(&run, node, METRIC_CONNECTIONS, n);
}

static void three(double limit)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "c-sched.io/weight: '200'", "");
	load_world_node(&run, "c", "", "");
	connections("a", 180, limit);
	connections("b", 380, limit);
	connections("c", 580, 2 * limit);
}

START_TEST(least_connections)
{
	three(0);
	const struct cs_pod *pod =
		load_world_pod(&run, "p", "cpu: 1m", "c-sched.io/connections: '20'");
	ck_assert_str_eq(score_of("LeastConnections", NULL, pod, "c"),
			 "L = (580 + 20) / weight 1 = 600; u = 600 / 583.3, which is 175 % of the "
			 "mean = 1.029; 100 x (1 - (0.05 u + 0.95 u^8)) = 0");
	ck_assert_str_eq(run_formula(&run, "b"),
			 "L = (380 + 20) / weight 2 = 200; u = 200 / 583.3, which is 175 % of the "
			 "mean = 0.3429; 100 x (1 - (0.05 u + 0.95 u^8)) = 98.27");
	ck_assert_str_eq(score_of("LeastConnections", "{crowded: 0}", pod, "c"),
			 "L = (580 + 20) / weight 1 = 600; L = 600, the least on a node that fits "
			 "200: 100 x 200 / 600 = 33.33");
	ck_assert_str_eq(score_of("LeastConnections", "{bias: 2}", pod, "b"),
			 "L = (380 + 20) / weight 2 = 200; L = 200, the least on a node that fits "
			 "200: 100 x (200 / 200)^2 = 100");
}
END_TEST

START_TEST(least_connections_of_limits)
{
	three(250);
	const struct cs_pod *pod =
		load_world_pod(&run, "p", "cpu: 1m", "c-sched.io/connections: '20'");
	ck_assert_str_eq(score_of("LeastConnections", NULL, pod, "b"),
			 "L = (380 + 20) / weight 2 = 200; u = 200 / limit 250 = 0.8; 100 x (1 - "
			 "(0.05 u + 0.95 u^8)) = 80.06");
	ck_assert_str_eq(score_of("LeastConnections", NULL, pod, "c"),
			 "L = (580 + 20) / weight 1 = 600; u = 600 / limit 500 = 1.2; 100 x (1 - "
			 "(0.05 u + 0.95 u^8)) = 0");
	load_world_wait(&run, CS_SECOND);
	three(1000);
	ck_assert_str_eq(
		score_of("LeastConnections", "{crowded: 0}", pod, "c"),
		"L = (580 + 20) / weight 1 = 600; u = 600 / limit 2000 = 0.3; 100 x (1 - u) "
		"= 70");
}
END_TEST

START_TEST(least_response_time)
{
	load_world_node(&run, "a", "", "");
	load_world_node(&run, "b", "", "");
	load_world_sample(&run, "a", METRIC_RESPONSE, 0.02);
	load_world_sample(&run, "b", METRIC_RESPONSE, 0.04);
	const struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 1m", "");
	ck_assert_str_eq(
		score_of("LeastResponseTime", NULL, pod, "b"),
		"peak 0.04 s, x (0 pods in flight + 1) / weight 1 / start 1; L = 0.04, the "
		"least on a node that fits 0.02: 100 x 0.02 / 0.04 = 50");
	ck_assert_str_eq(numbers_of("LeastResponseTime", "{threshold: 30ms}", pod, "b"),
			 "responseTime is 0.04 of 10: 0.4 % full, threshold 0.3 %");
}
END_TEST

START_TEST(near_the_peers)
{
	load_world_node(&run, "a", "", "topology.kubernetes.io/region: r, " ZONE ": z1, zone: a");
	load_world_node(&run, "b", "", "topology.kubernetes.io/region: r, " ZONE ": z2, zone: b");
	load_world_node(&run, "c", "", "topology.kubernetes.io/region: r, " ZONE ": z2, zone: c");
	load_world_bound(&run, "db1", "a", "app: db");
	for (int i = 2; i <= 4; i++)
		load_world_bound(&run, cs_arena_printf(run.scratch, "db%d", i), "b", "app: db");
	load_world_pair(&run, "a", "b", 0.0004);
	load_world_pair(&run, "c", "a", 0.0009);
	load_world_pair(&run, "c", "b", 0.0009);
	const struct cs_pod *pod =
		load_world_pod(&run, "p", "cpu: 1m", "c-sched.io/talks-to: app=db");
	ck_assert_str_eq(score_of("MinimumDistance", NULL, pod, "c"),
			 "4 peers: 3 at distance 20, 1 at distance 50, the mean 27.5; 100 - 27.5 = "
			 "72.5");
	ck_assert_str_eq(numbers_of("MinimumDistance", "{threshold: 30}", pod, "a"),
			 "4 peers: 1 at distance 0, 3 at distance 50, the mean 37.5, threshold 30");
	ck_assert_str_eq(
		score_of("MinimumLatency", NULL, pod, "c"),
		"seconds to its peers, the mean of what is known, and the floor of 0.0001 s: "
		"L = 0.001, the least on a node that fits 0.0002: 100 x 0.0002 / 0.001 = 20");
	ck_assert_str_eq(numbers_of("MinimumLatency", "{threshold: 500us}", pod, "c"),
			 "to its peers 0.001 s with the floor, threshold 0.0006 s");
}
END_TEST

START_TEST(turns_and_draws)
{
	load_world_node(&run, "a", "c-sched.io/weight: '500'", "");
	load_world_node(&run, "b", "", "");
	load_world_node(&run, "c", "c-sched.io/weight: '300'", "");
	const struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 1m", "");
	ck_assert_str_eq(score_of("RoundRobin", NULL, pod, "a"),
			 "credit 0 + weight 500 = 500, the greatest: it is its turn = 99");
	ck_assert_str_eq(run_formula(&run, "c"),
			 "credit 0 + weight 300 = 300; 98 x (300 - 100) / (500 - 100) = 49");
	const char *of_winner = NULL;
	score_of("Random", NULL, pod, "a");
	for (uint32_t row = 0; row < 3; row++)
		if (run.out[row] == 99)
			of_winner = run_formula(&run, cs_cluster_node_name(world.cluster, row));
	ck_assert_ptr_nonnull(of_winner);
	ck_assert_ptr_nonnull(strstr(of_winner, ", the greatest = 99"));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/formulas");
	TCase *tcase = tcase_create("formulas");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, resources);
	tcase_add_test(tcase, what_does_not_fit);
	tcase_add_test(tcase, what_is_not_tolerated);
	tcase_add_test(tcase, ports_that_are_taken);
	tcase_add_test(tcase, taints_and_preferences);
	tcase_add_test(tcase, images);
	tcase_add_test(tcase, node_selectors);
	tcase_add_test(tcase, node_names);
	tcase_add_test(tcase, many_values);
	tcase_add_test(tcase, preferred_terms);
	tcase_add_test(tcase, cordoned_and_featureless);
	tcase_add_test(tcase, spreading);
	tcase_add_test(tcase, spreading_that_is_required);
	tcase_add_test(tcase, spreading_over_few_domains);
	tcase_add_test(tcase, pod_affinity);
	tcase_add_test(tcase, pods_that_terms_mean);
	tcase_add_test(tcase, first_of_a_series);
	tcase_add_test(tcase, pods_that_are_there_object);
	tcase_add_test(tcase, pods_that_are_there_prefer);
	tcase_add_test(tcase, pod_affinity_by_host);
	tcase_add_test(tcase, least_load);
	tcase_add_test(tcase, least_connections);
	tcase_add_test(tcase, least_connections_of_limits);
	tcase_add_test(tcase, least_response_time);
	tcase_add_test(tcase, near_the_peers);
	tcase_add_test(tcase, turns_and_draws);
	suite_add_tcase(suite, tcase);
	return suite;
}
