// Reading: what kubectl prints and people write, defaults, and what is wrong in words.
// Neighbours: lib/simulate/input.c, priority.c.
#include "../check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#include "fixture.h"

START_TEST(lists_of_any_kind)
{
	fixture_check("kind: NodeList\napiVersion: v1\nitems: [{metadata: {name: n1}, status: "
		      "{capacity: {cpu: 1, pods: 1}}}]\n---\n"
		      "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"metadata\": {}, \"items\": ["
		      "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"items\": "
		      "[{\"metadata\": {\"name\": \"p\"}}]}]}\n",
		      "default/p n1\n");
	fixture_check("", "");
	fixture_check("---\n---\n", "");
	fixture_check(
		"{\"kind\": \"Node\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"n1\"}}\n"
		"{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"p\"}}\n",
		"default/p unschedulable: 0/1 nodes are available: 1 Too many pods.\n");
}
END_TEST

START_TEST(other_kinds_are_counted)
{
	struct fixture fixture;
	fixture_read(&fixture, THREE_NODES
		     "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
		     "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
		     "---\n{apiVersion: serving.knative.dev/v1, kind: Service, spec: 3}\n"
		     "---\n{apiVersion: coordination.k8s.io/v1, kind: Lease}\n");
	ck_assert_msg(fixture.code == 0, "%s", fixture.error.text);
	uint32_t n;
	const struct cs_simulation_kind *kinds = cs_simulation_kinds(fixture.simulation, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_str_eq(kinds[0].kind, "Node");
	ck_assert_uint_eq(kinds[0].count, 3);
	ck_assert(kinds[0].used);
	ck_assert_str_eq(kinds[1].kind, "ConfigMap");
	ck_assert_uint_eq(kinds[1].count, 2);
	ck_assert(!kinds[1].used && !kinds[2].used && !kinds[3].used);
	fixture_finish(&fixture);
}
END_TEST

// kubectl get -o yaml prints much more than a scheduler reads.
START_TEST(what_the_server_adds_is_no_trouble)
{
	fixture_check(
		THREE_NODES
		"---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: x\n  uid: u\n"
		"  managedFields: [{manager: kubectl, fieldsV1: {f:metadata: {}}}]\n"
		"  creationTimestamp: \"2026-11-21T01:02:03Z\"\n  resourceVersion: \"17\"\n"
		"spec:\n  containers: [{name: a, image: b, securityContext: {runAsUser: 1}}]\n"
		"  tolerations: [{key: a, operator: Exists, tolerationSeconds: 300}]\n"
		"status: {phase: Pending, qosClass: BestEffort}\n",
		"x/p n1\n");
}
END_TEST

START_TEST(names_and_uids_are_made)
{
	fixture_check(THREE_NODES
		      "---\n{apiVersion: v1, kind: Pod, metadata: {generateName: p-}}\n"
		      "---\n{apiVersion: v1, kind: Pod, metadata: {generateName: p-}}\n",
		      "default/p-00004 n1\ndefault/p-00005 n1\n");
}
END_TEST

#define CLASS(name, rest)                                                                     \
	"---\n{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: " name \
	"}, " rest "}\n"

START_TEST(priorities_order_the_queue)
{
	fixture_check(
		NODE("n1", "z") CLASS("low", "value: -5") CLASS("high", "value: 7") CLASS(
			"usual", "value: 3, globalDefault: true") POD("a", "priorityClassName: low")
			POD("b", "") POD("c", "priorityClassName: high") POD("d", "priority: 3")
				POD("e", "priority: 4") POD("f", "priorityClassName: "
								 "system-node-critical")
					POD("g", "priorityClassName: "
						 "system-cluster-critical"),
		"default/f n1\ndefault/g n1\ndefault/c n1\ndefault/e n1\ndefault/b n1\ndefault/d "
		"n1\n"
		"default/a n1\n");
	// The lowest of several default classes; a priority that is there is not looked up.
	fixture_check(NODE("n1", "z") CLASS("x", "value: 9, globalDefault: true")
			      CLASS("w", "value: 2, globalDefault: true") POD("a", "priority: 3")
				      POD("b", "") POD("c", "priority: 4, priorityClassName: gone"),
		      "default/c n1\ndefault/a n1\ndefault/b n1\n");
}
END_TEST

static const char *const bad[][2] = {
	{ "a: [",
	  "cluster.yaml: line 2: while parsing a flow node, did not find expected node content" },
	{ "---\na: 1\n", "cluster.yaml: line 2: object: apiVersion is missing" },
	{ "{kind: Pod, metadata: {name: x}}",
	  "cluster.yaml: line 1: Pod \"x\": apiVersion is missing" },
	{ POD("a", "containers: [{resources: {requests: {cpu: 1x}}}]"),
	  "cluster.yaml: line 2: Pod \"a\": spec.containers[0].resources.requests.cpu: not a "
	  "quantity: \"1x\"" },
	{ POD("a", "") "\n\n" POD("b", "containers: 5"),
	  "cluster.yaml: line 6: Pod \"b\": spec.containers: must be a list, not a number" },
	{ "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}, spec: 7}",
	  "cluster.yaml: line 1: Pod \"b/a\": spec: must be an object, not a number" },
	{ "{apiVersion: v1, kind: Pod, spec: {}}",
	  "cluster.yaml: line 1: Pod: metadata.name: missing" },
	{ "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Node, metadata: {name: n1}, "
	  "status: {allocatable: {cpu: []}}}]}",
	  "cluster.yaml: line 1: Node \"n1\": status.allocatable.cpu: must be a quantity, not a "
	  "list" },
	{ POD("a", "") POD("a", ""),
	  "cluster.yaml: line 4: Pod \"default/a\": metadata.name: there is one already, in "
	  "cluster.yaml, line 2" },
	{ "{apiVersion: v1, kind: Pod, metadata: {name: a, uid: u}}\n---\n"
	  "{apiVersion: v1, kind: Pod, metadata: {name: b, uid: u}}\n",
	  "cluster.yaml: line 3: Pod \"default/b\": metadata.uid: there is one already, in "
	  "cluster.yaml, line 1" },
	{ POD("a", "priorityClassName: gone"), "cluster.yaml: line 2: Pod \"default/a\": "
					       "spec.priorityClassName: no PriorityClass \"gone\" "
					       "in the input" },
	{ "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: "
	  "{priorityClassName: gone}}}}",
	  "cluster.yaml: line 1: Deployment \"default/d\": spec.template.spec.priorityClassName: "
	  "no "
	  "PriorityClass \"gone\" in the input" },
	{ "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: "
	  "{containers: [{resources: {limits: {cpu: x}}}]}}}}",
	  "cluster.yaml: line 1: Deployment \"d\": "
	  "spec.template.spec.containers[0].resources.limits."
	  "cpu: not a quantity: \"x\"" },
	{ "{apiVersion: v1, kind: List, items: [\n{apiVersion: v1, kind: Node, metadata: {name: n1}},\n"
	  "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: 7}]}",
	  "cluster.yaml: line 3: Pod \"a\": spec: must be an object, not a number" },
	{ "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: -1, template: "
	  "{spec: {}}}}",
	  "cluster.yaml: line 1: Deployment \"default/d\": spec.replicas: must not be negative" },
	{ "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {replicas: -1, template: "
	  "{spec: {}}}}",
	  "cluster.yaml: line 1: StatefulSet \"default/d\": spec.replicas: must not be negative" },
	{ "{apiVersion: batch/v1, kind: Job, metadata: {name: d}, spec: {parallelism: 2, completions: "
	  "-1, template: {spec: {}}}}",
	  "cluster.yaml: line 1: Job \"default/d\": spec.completions: must not be negative" },
	{ "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: "
	  "{app: a}}, template: {metadata: {labels: {app: b}}, spec: {}}}}",
	  "cluster.yaml: line 1: Deployment \"default/d\": spec.template.metadata.labels: "
	  "spec.selector does not match them" },
	{ "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: d}, spec: {selector: {matchLabels: "
	  "{app: a}}, template: {spec: {}}}}",
	  "cluster.yaml: line 1: ReplicaSet \"default/d\": spec.template.metadata.labels: "
	  "spec.selector does not match them" },
	{ "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {selector: {matchLabels: "
	  "{app: a}}, template: {spec: {}}}}",
	  "cluster.yaml: line 1: StatefulSet \"default/d\": spec.template.metadata.labels: "
	  "spec.selector does not match them" },
	{ "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: "
	  "{matchExpressions: [{key: app, operator: Exists}]}, template: {spec: {}}}}",
	  "cluster.yaml: line 1: DaemonSet \"default/d\": spec.template.metadata.labels: "
	  "spec.selector does not match them" },
	{ "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: "
	  "{matchExpressions: [{key: app, operator: Is}]}, template: {spec: {}}}}",
	  "cluster.yaml: line 1: DaemonSet \"default/d\": spec.selector: matchExpressions[0]: operator: "
	  "\"Is\" is not known" },
	{ "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: many}}",
	  "cluster.yaml: line 1: Deployment \"d\": spec.replicas: must be an integer, not a "
	  "string" },
};

START_TEST(bad_input_in_words)
{
	fixture_check_error(bad[_i][0], bad[_i][1]);
}
END_TEST

static void keep(void *user, const char *words)
{
	cs_buffer_printf(user, "%s\n", words);
}

// Each once, with the object that had it first; what Kubernetes knows is not told of.
START_TEST(unknown_fields_are_told_of)
{
	CS_AUTO_BUFFER struct cs_buffer told;
	struct cs_error err;
	struct cs_config *config = fixture_config(NULL);
	struct cs_simulation *simulation = cs_simulation_create(config, 5);
	static const char text[] = POD(
		"a", "nodeSelecter: {a: b}, hostPID: true, containers: [{imgae: x}, {imgae: x}]")
		POD("b", "nodeSelecter: {}") "---\n{apiVersion: apps/v1, kind: Deployment, "
					     "metadata: {name: d}, spec: {strategy: {}, template: "
					     "{spec: {nodeSelecter: {}}}}}\n";
	cs_buffer_init(&told, 4096);
	cs_simulation_set_notice(simulation, keep, &told);
	ck_assert_int_eq(cs_simulation_read(simulation, "f", CS_SLICE(text), &err), 0);
	ck_assert_str_eq(
		told.data,
		"f: line 2: Pod \"a\": unknown field \"spec.nodeSelecter\": it does "
		"nothing, here and in others of this kind\n"
		"f: line 2: Pod \"a\": unknown field \"spec.containers[0].imgae\": it does "
		"nothing, here and in others of this kind\n"
		"f: line 6: Deployment \"d\": unknown field "
		"\"spec.template.spec.nodeSelecter\": it does nothing, here and in others of "
		"this kind\n");
	cs_simulation_destroy(simulation);
	cs_config_destroy(config);
}
END_TEST

START_TEST(many_unknown_fields)
{
	CS_AUTO_BUFFER struct cs_buffer told;
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_error err;
	struct cs_config *config = fixture_config(NULL);
	struct cs_simulation *simulation = cs_simulation_create(config, 5);
	cs_buffer_init(&told, 1 << 16);
	cs_buffer_init(&text, 1 << 16);
	cs_buffer_append_string(&text, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n");
	for (int c = 'a'; c <= 'z'; c++)
		cs_buffer_printf(&text, "  %c: 1\n", c);
	cs_simulation_set_notice(simulation, keep, &told);
	ck_assert_int_eq(cs_simulation_read(simulation, "f", cs_buffer_slice(&text), &err), 0);
	uint32_t lines = 0;
	for (const char *at = told.data; *at; at++)
		lines += *at == '\n';
	ck_assert_uint_eq(lines, 21);
	ck_assert_ptr_nonnull(strstr(told.data, "\"spec.t\""));
	ck_assert_ptr_null(strstr(told.data, "\"spec.u\""));
	ck_assert_ptr_nonnull(strstr(told.data, "\nmore unknown fields are not told of\n"));
	cs_simulation_destroy(simulation);
	cs_config_destroy(config);
}
END_TEST

START_TEST(names_have_an_end)
{
	char text[700];
	char name[301];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text), "{apiVersion: v1, kind: Node, metadata: {name: %s}}", name);
	fixture_check_error(text, "cluster.yaml: line 1: Node: metadata: name, namespace or uid is "
				  "longer than 253 bytes");
}
END_TEST

START_TEST(pods_have_a_maximum)
{
	struct cs_config *config = fixture_config(NULL);
	struct cs_simulation *simulation = cs_simulation_create(config, 5);
	struct cs_error err = { 0 };
	static const char text[] =
		"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: r}, spec: {replicas: 6}}";
	ck_assert_int_eq(cs_simulation_read(simulation, "f", CS_SLICE(text), &err), 0);
	ck_assert_int_lt(cs_simulation_prepare(simulation, &err), 0);
	ck_assert_str_eq(err.text, "f: line 1: ReplicaSet \"default/r\": more than 5 pods");
	cs_simulation_destroy(simulation);
	cs_config_destroy(config);
}
END_TEST

START_TEST(several_files_are_one_cluster)
{
	struct cs_config *config = fixture_config(NULL);
	struct cs_simulation *simulation = cs_simulation_create(config, 5);
	struct cs_error err = { 0 };
	static const char pod[] = POD("a", "");
	ck_assert_int_eq(cs_simulation_read(simulation, "one", CS_SLICE(pod), &err), 0);
	ck_assert_int_lt(cs_simulation_read(simulation, "two", CS_SLICE(pod), &err), 0);
	ck_assert_str_eq(err.text, "two: line 2: Pod \"default/a\": metadata.name: there is one "
				   "already, in one, line 2");
	cs_simulation_destroy(simulation);
	cs_config_destroy(config);
}
END_TEST

// A limit is a request, allocatable is capacity, ports of the host network are host ports.
START_TEST(defaults_are_the_servers)
{
	fixture_check(NODE("n1", "z") POD("a", "containers: [{resources: {limits: {cpu: 3}}}]")
			      POD("b", "containers: [{resources: {limits: {cpu: 3}}}]"),
		      "default/a n1\n"
		      "default/b unschedulable: 0/1 nodes are available: 1 Insufficient cpu.\n");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("simulate input");
	TCase *tcase = tcase_create("input");
	tcase_add_test(tcase, lists_of_any_kind);
	tcase_add_test(tcase, other_kinds_are_counted);
	tcase_add_test(tcase, what_the_server_adds_is_no_trouble);
	tcase_add_test(tcase, names_and_uids_are_made);
	tcase_add_test(tcase, priorities_order_the_queue);
	tcase_add_loop_test(tcase, bad_input_in_words, 0, CS_ARRAY_LENGTH(bad));
	tcase_add_test(tcase, unknown_fields_are_told_of);
	tcase_add_test(tcase, many_unknown_fields);
	tcase_add_test(tcase, names_have_an_end);
	tcase_add_test(tcase, pods_have_a_maximum);
	tcase_add_test(tcase, several_files_are_one_cluster);
	tcase_add_test(tcase, defaults_are_the_servers);
	suite_add_tcase(suite, tcase);
	return suite;
}
