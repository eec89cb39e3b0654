// The pods of workloads, as kube-controller-manager would make them.
// Neighbours: lib/simulate/expand.c; upstream's pkg/controller/{deployment,daemon,job,statefulset}.
#include "../check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#include "fixture.h"

#define WORKLOAD(api, kind, name, spec)                                                            \
	"---\n{apiVersion: " api ", kind: " kind ", metadata: {name: " name "}, spec: {" spec "}}" \
	"\n"
#define DEPLOYMENT(name, spec) WORKLOAD("apps/v1", "Deployment", name, spec)
#define TEMPLATE(spec)         "template: {metadata: {labels: {app: a}}, spec: {" spec "}}"

// The names alone, one a line.
static void check_names(const char *yaml, const char *wanted)
{
	CS_AUTO_FREE char *text =
		fixture_run(yaml, (struct fixture_options){ .format = CS_REPORT_JSON }, NULL);
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 1u << 20);
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *name = strchr(line, '/') + 1;
		cs_buffer_append(&out, name, strcspn(name, "\""));
		cs_buffer_append_char(&out, ' ');
	}
	ck_assert_str_eq(out.data, wanted);
}

START_TEST(names_follow_from_the_workload)
{
	check_names(WORKLOAD("apps/v1", "ReplicaSet", "r", "replicas: 3"),
		    "r-bbbbb r-bbbbc r-bbbbd ");
	check_names(WORKLOAD("apps/v1", "ReplicaSet", "r", ""), "r-bbbbb ");
	check_names(WORKLOAD("apps/v1", "ReplicaSet", "r", "replicas: 0"), "");
	check_names(WORKLOAD("v1", "ReplicationController", "r", "replicas: 2"),
		    "r-bbbbb r-bbbbc ");
	check_names(WORKLOAD("apps/v1", "StatefulSet", "s", "replicas: 2"), "s-0 s-1 ");
	check_names(WORKLOAD("apps/v1", "StatefulSet", "s", "replicas: 2, ordinals: {start: 5}"),
		    "s-5 s-6 ");
	check_names(WORKLOAD("batch/v1", "Job", "j", ""), "j-bbbbb ");
	check_names(WORKLOAD("batch/v1", "Job", "j", "parallelism: 3, completions: 2"),
		    "j-bbbbb j-bbbbc ");
	check_names(WORKLOAD("batch/v1", "Job", "j", "parallelism: 2"), "j-bbbbb j-bbbbc ");
	check_names(WORKLOAD("batch/v1", "Job", "j", "completions: 9"), "j-bbbbb ");
	check_names(WORKLOAD("batch/v1", "Job", "j", "suspend: true"), "");
	check_names(WORKLOAD("batch/v1", "Job", "j",
			     "parallelism: 2, completions: 3, completionMode: Indexed"),
		    "j-0-bbbbb j-1-bbbbc ");
	check_names("{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {parallelism: 5, "
		    "completions: 6}, status: {succeeded: 4}}",
		    "j-bbbbb j-bbbbc ");
	check_names("{apiVersion: batch/v1, kind: Job, metadata: {name: j}, status: "
		    "{completionTime: \"2026-11-21T01:02:03Z\"}}",
		    "");
	check_names(DEPLOYMENT("d", "replicas: 2, paused: true"), "");
}
END_TEST

START_TEST(a_deployments_pods_are_a_replica_sets)
{
	CS_AUTO_FREE char *text =
		fixture_run(DEPLOYMENT("web", "replicas: 2"),
			    (struct fixture_options){ .format = CS_REPORT_JSON }, NULL);
	char *first = strstr(text, "default/web-");
	char *second = strstr(first + 1, "default/web-");
	ck_assert_ptr_nonnull(second);
	ck_assert_uint_eq(strcspn(first, "\""), strlen("default/web-1234567890-bbbbb"));
	ck_assert(strncmp(first, second, strlen("default/web-1234567890-")) == 0);
	CS_AUTO_FREE char *again =
		fixture_run(DEPLOYMENT("web", "replicas: 2"),
			    (struct fixture_options){ .format = CS_REPORT_JSON }, NULL);
	ck_assert_str_eq(text, again);
	// Another template, another hash.
	CS_AUTO_FREE char *other =
		fixture_run(DEPLOYMENT("web", "replicas: 2, " TEMPLATE("")),
			    (struct fixture_options){ .format = CS_REPORT_JSON }, NULL);
	ck_assert_str_ne(text, other);
}
END_TEST

START_TEST(long_names_are_cut_as_the_server_does)
{
	char name[254];
	char text[600];
	char wanted[400];
	memset(name, 'a', 253);
	name[253] = '\0';
	snprintf(text, sizeof(text),
		 "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: %s}}", name);
	snprintf(wanted, sizeof(wanted), "%.58sbbbbb ", name);
	check_names(text, wanted);
	snprintf(text, sizeof(text),
		 "{apiVersion: batch/v1, kind: Job, metadata: {name: %s}, spec: {completionMode: "
		 "Indexed, completions: 1}}",
		 name);
	snprintf(wanted, sizeof(wanted), "%.55s-0-bbbbb ", name);
	check_names(text, wanted);
}
END_TEST

#define OWNED(name, owner_kind, owner, rest)                                     \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name                \
	", ownerReferences: [{apiVersion: x, kind: " owner_kind ", name: " owner \
	", uid: u, controller: true}], labels: {pod-template-hash: abc}}, " rest "}\n"

START_TEST(workloads_with_pods_stay_as_they_are)
{
	check_names(WORKLOAD("apps/v1", "ReplicaSet", "r", "replicas: 3")
			    OWNED("p", "ReplicaSet", "r", "spec: {}"),
		    "p ");
	// In whatever state.
	check_names(WORKLOAD("batch/v1", "Job", "j", "")
			    OWNED("p", "Job", "j", "status: {phase: Succeeded}"),
		    "");
	check_names(WORKLOAD("batch/v1", "Job", "j", "")
			    OWNED("p", "Job", "j", "spec: {nodeName: x}"),
		    "");
	// By another of that name.
	check_names(WORKLOAD("apps/v1", "ReplicaSet", "r", "")
			    OWNED("p", "Job", "r", "spec: {nodeName: x}"),
		    "r-bbbbb ");
	// A Deployment whose ReplicaSet is there leaves it to that; so it does where only the pods
	// of the ReplicaSet are there.
	check_names(DEPLOYMENT("d", "replicas: 4") "---\n{apiVersion: apps/v1, kind: ReplicaSet, "
						   "metadata: {name: d-abc, ownerReferences: "
						   "[{kind: Deployment, name: d}]}, spec: "
						   "{replicas: 2}}\n",
		    "d-abc-bbbbb d-abc-bbbbc ");
	check_names(DEPLOYMENT("d", "replicas: 4") OWNED("p", "ReplicaSet", "d-abc", "spec: {}"),
		    "p ");
	check_names(DEPLOYMENT("d-abc", "replicas: 0") DEPLOYMENT("d", "replicas: 0")
			    OWNED("p", "ReplicaSet", "abc", "spec: {}"),
		    "p ");
	check_names(
		"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: r, deletionTimestamp: "
		"\"2026-11-21T01:02:03Z\"}}",
		"");
}
END_TEST

START_TEST(a_pod_that_is_in_the_way)
{
	fixture_check_error(
		WORKLOAD("apps/v1", "StatefulSet", "s", "replicas: 2") POD("s-1", ""),
		"cluster.yaml: line 2: StatefulSet \"default/s\": its pod \"s-1\" is in the input "
		"(cluster.yaml, line 4) without an ownerReference to it");
}
END_TEST

START_TEST(only_pods_of_our_profiles_are_made)
{
	check_names(DEPLOYMENT("d", TEMPLATE("schedulerName: other")), "");
	check_names(WORKLOAD("apps/v1", "StatefulSet", "s", TEMPLATE("schedulerName: c-sched")),
		    "s-0 ");
	// A template that names its node needs no scheduler: its pod runs there.
	fixture_check(NODE("n1", "z")
			      WORKLOAD("apps/v1", "ReplicaSet", "r",
				       TEMPLATE("schedulerName: other, nodeName: n1, " ASKS("3")))
				      POD("p", ASKS("2")),
		      "default/p unschedulable: 0/1 nodes are available: 1 Insufficient cpu.\n");
}
END_TEST

// ---- DaemonSets ----

#define DAEMON_SET(spec) WORKLOAD("apps/v1", "DaemonSet", "d", TEMPLATE(spec))
#define ODD_NODE(name, rest)                                                                    \
	"---\n{apiVersion: v1, kind: Node, metadata: {name: " name ", labels: {odd: x}}, " rest \
	"status: {capacity: {cpu: 1, memory: 1Gi, pods: 10}}}\n"

START_TEST(one_pod_per_eligible_node)
{
	fixture_check(THREE_NODES DAEMON_SET(""),
		      "default/d-bbbbb n1\ndefault/d-bbbbc n2\ndefault/d-bbbbd n3\n");
	// Taints keep it away, but those of a node in trouble; a cordon does not.
	fixture_check(
		THREE_NODES ODD_NODE("n4", "spec: {taints: [{key: a, effect: NoSchedule}]}, ")
			ODD_NODE("n5", "spec: {taints: [{key: a, effect: PreferNoSchedule}]}, ")
				ODD_NODE("n6", "spec: {unschedulable: true, taints: [{key: "
					       "node.kubernetes.io/unschedulable, effect: "
					       "NoSchedule}]}, ") DAEMON_SET(""),
		"default/d-bbbbb n1\ndefault/d-bbbbc n2\ndefault/d-bbbbd n3\n"
		"default/d-bbbbf n5\ndefault/d-bbbbg n6\n");
}
END_TEST

START_TEST(selectors_choose_the_nodes)
{
	fixture_check(THREE_NODES ODD_NODE("n4", "") DAEMON_SET("nodeSelector: {odd: x}"),
		      "default/d-bbbbb n4\n");
	fixture_check(
		THREE_NODES ODD_NODE("n4", "") DAEMON_SET(
			"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			"{nodeSelectorTerms: [{matchExpressions: [{key: odd, operator: "
			"DoesNotExist}]}]}}}"),
		"default/d-bbbbb n1\ndefault/d-bbbbc n2\ndefault/d-bbbbd n3\n");
	fixture_check(
		THREE_NODES DAEMON_SET(
			"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, "
			"values: [n2]}]}]}}}"),
		"default/d-bbbbb n2\n");
	fixture_check(THREE_NODES DAEMON_SET("nodeSelector: {none: x}"), "");
}
END_TEST

// The controller does not look at resources: the pod is made, and waits.
START_TEST(a_full_node_gets_its_pod_all_the_same)
{
	fixture_check(
		NODE("n1", "z1") ODD_NODE("n2", "") DAEMON_SET(ASKS("2")),
		"default/d-bbbbb n1\n"
		"default/d-bbbbc unschedulable: 0/2 nodes are available: 1 Insufficient cpu, 1 "
		"node(s) didn't satisfy plugin(s) [NodeAffinity].\n");
}
END_TEST

START_TEST(a_daemon_set_bound_to_a_node)
{
	fixture_check(THREE_NODES DAEMON_SET("nodeName: n2, " ASKS("3")) POD("p", ASKS("2"))
			      POD("q", "nodeName: n1, " ASKS("3"))
				      POD("r", "nodeName: n3, " ASKS("3")),
		      "default/p unschedulable: 0/3 nodes are available: 3 Insufficient cpu.\n");
}
END_TEST

// ---- what pods of a workload share ----

// 10,000 pods of a Deployment and 5,000 of a DaemonSet ask two different things in all.
START_TEST(a_workload_is_one_demand)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 16u << 20);
	for (int i = 0; i < 5000; i++)
		cs_buffer_printf(
			&text,
			"{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": "
			"\"node-%d\"}, \"status\": {\"capacity\": {\"cpu\": \"8\", "
			"\"memory\": \"32Gi\", \"pods\": \"110\"}}}\n",
			i);
	cs_buffer_append_string(
		&text,
		"{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": "
		"\"web\"}, \"spec\": {\"replicas\": 10000, \"selector\": {\"matchLabels\": "
		"{\"app\": \"web\"}}, \"template\": {\"metadata\": {\"labels\": {\"app\": "
		"\"web\"}}, \"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"b\", "
		"\"resources\": {\"requests\": {\"cpu\": \"1m\"}}}]}}}}\n"
		"{\"apiVersion\": \"apps/v1\", \"kind\": \"DaemonSet\", \"metadata\": {\"name\": "
		"\"agent\"}, \"spec\": {\"template\": {\"metadata\": {\"labels\": {\"app\": "
		"\"agent\"}}, \"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"b\", "
		"\"resources\": {\"requests\": {\"cpu\": \"1m\"}}}]}}}}\n");
	struct fixture fixture;
	fixture_read(&fixture, text.data);
	ck_assert_msg(fixture.code == 0, "%s", fixture.error.text);
	struct cs_cluster_counts counts =
		cs_cluster_count(cs_simulation_cluster(fixture.simulation));
	ck_assert_uint_eq(counts.pods, 15000);
	ck_assert_uint_eq(counts.demands, 2);
	fixture_finish(&fixture);
}
END_TEST

// Three of which one differs by whom its pods talk to.
START_TEST(annotations_of_the_template)
{
	struct fixture fixture;
	fixture_read(&fixture,
		     WORKLOAD("apps/v1", "ReplicaSet", "a",
			      TEMPLATE("")) WORKLOAD("apps/v1", "ReplicaSet", "b", TEMPLATE(""))
			     WORKLOAD("apps/v1", "ReplicaSet", "c",
				      "template: {metadata: {labels: {app: a}, annotations: "
				      "{c-sched.io/talks-to: app=db}}, spec: {}}"));
	ck_assert_msg(fixture.code == 0, "%s", fixture.error.text);
	struct cs_cluster_counts counts =
		cs_cluster_count(cs_simulation_cluster(fixture.simulation));
	ck_assert_uint_eq(counts.pods, 3);
	ck_assert_uint_eq(counts.demands, 2);
	fixture_finish(&fixture);
}
END_TEST

START_TEST(claims_of_a_stateful_set_are_refused)
{
	fixture_check(
		THREE_NODES WORKLOAD("apps/v1", "StatefulSet", "s",
				     "volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]"),
		"default/s-0 error: c-sched does not implement persistent volume claims "
		"(spec.volumes[].persistentVolumeClaim)\n");
}
END_TEST

// They take their workload's place in the queue: its age, then where it stands.
START_TEST(the_place_in_the_queue)
{
	check_names("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: young, "
		    "creationTimestamp: \"2026-11-21T01:02:03Z\"}}\n" POD("first", "") WORKLOAD(
			    "apps/v1", "StatefulSet", "second", "") POD("third", "")
			    WORKLOAD("apps/v1", "StatefulSet", "high", TEMPLATE("priority: 9")),
		    "high-0 first second-0 third young-0 ");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("simulate expand");
	TCase *tcase = tcase_create("expand");
	tcase_set_timeout(tcase, 60); // under sanitizers on a busy machine
	tcase_add_test(tcase, names_follow_from_the_workload);
	tcase_add_test(tcase, a_deployments_pods_are_a_replica_sets);
	tcase_add_test(tcase, long_names_are_cut_as_the_server_does);
	tcase_add_test(tcase, workloads_with_pods_stay_as_they_are);
	tcase_add_test(tcase, a_pod_that_is_in_the_way);
	tcase_add_test(tcase, only_pods_of_our_profiles_are_made);
	tcase_add_test(tcase, one_pod_per_eligible_node);
	tcase_add_test(tcase, selectors_choose_the_nodes);
	tcase_add_test(tcase, a_full_node_gets_its_pod_all_the_same);
	tcase_add_test(tcase, a_daemon_set_bound_to_a_node);
	tcase_add_test(tcase, a_workload_is_one_demand);
	tcase_add_test(tcase, annotations_of_the_template);
	tcase_add_test(tcase, claims_of_a_stateful_set_are_refused);
	tcase_add_test(tcase, the_place_in_the_queue);
	suite_add_tcase(suite, tcase);
	return suite;
}
