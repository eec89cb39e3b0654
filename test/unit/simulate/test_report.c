// What is printed: JSON, YAML, the table. Neighbours: lib/simulate/{report,record,table}.c.
#include "../check_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "fixture.h"

static void check_output(const char *yaml, struct fixture_options options, const char *wanted)
{
	CS_AUTO_FREE char *text = fixture_run(yaml, options, NULL);
	ck_assert_str_eq(text, wanted);
}

#define JSON(what)                                                            \
	(struct fixture_options)                                              \
	{                                                                     \
		.format = CS_REPORT_JSON, .explain = CS_REPORT_EXPLAIN_##what \
	}

static const char mixed[] = NODE("n2", "z")
	NODE("n10", "z") "---\n{apiVersion: v1, kind: Node, metadata: {name: n1}, "
			 "spec: {taints: [{key: a, effect: NoExecute}]}, status: "
			 "{capacity: {cpu: 4, pods: 5}}}\n" POD("full", "nodeName: n2, " ASKS("4"));

START_TEST(json_says_why)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1u << 16);
	cs_buffer_append_string(&text, mixed);
	cs_buffer_append_string(&text, POD("a", "containers: [{resources: {requests: {cpu: 2, "
						"memory: 9Gi}}}]"));
	check_output(
		text.data, JSON(ALL),
		"{\"pod\":\"default/a\",\"result\":\"unschedulable\",\"message\":\"0/3 nodes are "
		"available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 2 Insufficient "
		"memory.\",\"feasible\":0,\"nodes\":["
		"{\"name\":\"n1\",\"code\":\"UnschedulableAndUnresolvable\",\"plugin\":"
		"\"TaintToleration\",\"reasons\":[\"node(s) had untolerated taint(s)\"]},"
		"{\"name\":\"n10\",\"code\":\"UnschedulableAndUnresolvable\",\"plugin\":"
		"\"NodeResourcesFit\",\"reasons\":[\"Insufficient memory\"]},"
		"{\"name\":\"n2\",\"code\":\"UnschedulableAndUnresolvable\",\"plugin\":"
		"\"NodeResourcesFit\",\"reasons\":[\"Insufficient cpu\",\"Insufficient "
		"memory\"]}]}\n");
}
END_TEST

START_TEST(one_feasible_node_has_no_scores)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1u << 16);
	cs_buffer_append_string(&text, mixed);
	cs_buffer_append_string(&text, POD("a", ASKS("2")));
	check_output(
		text.data, JSON(ALL),
		"{\"pod\":\"default/a\",\"result\":\"scheduled\",\"node\":\"n10\",\"feasible\":1,"
		"\"nodes\":[{\"name\":\"n1\",\"code\":\"UnschedulableAndUnresolvable\",\"plugin\":"
		"\"TaintToleration\",\"reasons\":[\"node(s) had untolerated taint(s)\"]},"
		"{\"name\":\"n10\"},{\"name\":\"n2\",\"code\":\"Unschedulable\",\"plugin\":"
		"\"NodeResourcesFit\",\"reasons\":[\"Insufficient cpu\"]}]}\n");
	check_output(
		text.data, JSON(WINNER),
		"{\"pod\":\"default/a\",\"result\":\"scheduled\",\"node\":\"n10\",\"feasible\":1,"
		"\"nodes\":[{\"name\":\"n10\"}]}\n");
	check_output(
		text.data, JSON(NONE),
		"{\"pod\":\"default/a\",\"result\":\"scheduled\",\"node\":\"n10\",\"feasible\":1}"
		"\n");
}
END_TEST

static const char two_scores[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	"profiles:\n- schedulerName: default-scheduler\n  plugins:\n    score:\n"
	"      disabled: [{name: \"*\"}]\n"
	"      enabled: [{name: NodeResourcesFit, weight: 3}, {name: NodeAffinity}, "
	"{name: TaintToleration}]\n";

START_TEST(scores_are_before_weights)
{
	static const char text[] = NODE("n2", "z") NODE("n1", "z")
		POD("b", "nodeName: n1, " ASKS("1")) POD("a", ASKS("1"));
	struct fixture_options options = JSON(ALL);
	options.config = two_scores;
	check_output(
		text, options,
		"{\"pod\":\"default/a\",\"result\":\"scheduled\",\"node\":\"n2\",\"feasible\":2,"
		"\"nodes\":[{\"name\":\"n1\",\"scores\":{\"NodeResourcesFit\":72,"
		"\"TaintToleration\":100},\"total\":316},{\"name\":\"n2\",\"scores\":"
		"{\"NodeResourcesFit\":86,\"TaintToleration\":100},\"total\":358}]}\n");
	options.explain = CS_REPORT_EXPLAIN_WINNER;
	check_output(
		text, options,
		"{\"pod\":\"default/a\",\"result\":\"scheduled\",\"node\":\"n2\",\"feasible\":2,"
		"\"nodes\":[{\"name\":\"n2\",\"scores\":{\"NodeResourcesFit\":86,"
		"\"TaintToleration\":100},\"total\":358}]}\n");
}
END_TEST

#define PINNED(names)                                                                            \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "             \
	"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [" names \
	"]}]}]}}}"

START_TEST(nodes_that_were_not_looked_at)
{
	check_output(
		NODE("n1", "z") NODE("n2", "z") POD("a", PINNED("n2")), JSON(ALL),
		"{\"pod\":\"default/a\",\"result\":\"scheduled\",\"node\":\"n2\",\"feasible\":1,"
		"\"nodes\":[{\"name\":\"n1\",\"code\":\"UnschedulableAndUnresolvable\",\"plugin\":"
		"\"\",\"reasons\":[\"node(s) didn't satisfy plugin(s) [NodeAffinity]\"]},"
		"{\"name\":\"n2\"}]}\n");
}
END_TEST

START_TEST(errors_and_gates_judge_no_node)
{
	check_output(
		THREE_NODES POD("a", "schedulingGates: [{name: x}]")
			POD("b", "resourceClaims: [{name: x}]"),
		JSON(ALL),
		"{\"pod\":\"default/a\",\"result\":\"gated\",\"message\":\"waiting for scheduling "
		"gates: [x]\",\"feasible\":0}\n"
		"{\"pod\":\"default/b\",\"result\":\"error\",\"message\":\"c-sched does not "
		"implement dynamic resource allocation (spec.resourceClaims)\",\"feasible\":0}\n");
	check_output(POD("a", ""), JSON(ALL),
		     "{\"pod\":\"default/a\",\"result\":\"unschedulable\",\"message\":\"no nodes "
		     "available to schedule pods\",\"feasible\":0,\"nodes\":[]}\n");
}
END_TEST

// A YAML reader finds in the documents what a JSON reader finds in the lines.
START_TEST(yaml_is_json)
{
	static const char *const texts[] = {
		THREE_NODES POD("a", ASKS("1")) POD("b", ASKS("9"))
			POD("c", "schedulingGates: [{name: \"y\"}]"),
		POD("a", ""),
	};
	for (int explain = CS_REPORT_EXPLAIN_NONE; explain <= CS_REPORT_EXPLAIN_ALL; explain++) {
		struct fixture_options options = { .format = CS_REPORT_JSON,
						   .explain = (enum cs_report_explain)explain };
		CS_AUTO_FREE char *lines = fixture_run(texts[_i], options, NULL);
		options.format = CS_REPORT_YAML;
		CS_AUTO_FREE char *documents = fixture_run(texts[_i], options, NULL);
		CS_AUTO_VALUE struct json_object *a = NULL;
		CS_AUTO_VALUE struct json_object *b = NULL;
		struct cs_error err = { 0 };
		ck_assert_int_eq(cs_value_read_yaml(cs_slice_of(lines), &a, &err), 0);
		ck_assert_msg(cs_value_read_yaml(cs_slice_of(documents), &b, &err) == 0, "%s",
			      err.text);
		ck_assert_str_eq(json_object_to_json_string(a), json_object_to_json_string(b));
	}
}
END_TEST

START_TEST(yaml_as_it_looks)
{
	check_output(NODE("n1", "z") POD("a", "") POD("b", ASKS("5")),
		     (struct fixture_options){ .format = CS_REPORT_YAML,
					       .explain = CS_REPORT_EXPLAIN_ALL },
		     "---\npod: \"default/a\"\nresult: scheduled\nnode: \"n1\"\nfeasible: 1\n"
		     "nodes:\n- {\"name\":\"n1\"}\n"
		     "---\npod: \"default/b\"\nresult: unschedulable\nmessage: \"0/1 nodes are "
		     "available: 1 Insufficient cpu.\"\nfeasible: 0\nnodes:\n- {\"name\":\"n1\","
		     "\"code\":\"UnschedulableAndUnresolvable\",\"plugin\":\"NodeResourcesFit\","
		     "\"reasons\":[\"Insufficient cpu\"]}\n");
}
END_TEST

START_TEST(a_table_for_people)
{
	check_output(
		THREE_NODES POD(
			"there",
			"nodeName: n3, " ASKS(
				"2")) "---\n{apiVersion: apps/v1, kind: StatefulSet, "
				      "metadata: {name: web}, spec: "
				      "{replicas: 5, template: {spec: {" ASKS("2") "}}}}\n" POD(
					      "big", ASKS("9")) POD("large", ASKS("9"))
					      POD("later", "schedulingGates: [{name: x}]")
						      POD("odd", "resourceClaims: [{name: "
								 "x}]") "---\n{apiVersion: "
									"v1, kind: Secret}\n"
									"---\n{apiVersion: "
									"apps/v1, kind: "
									"StatefulSet, "
									"metadata: "
									"{name: late}, spec: "
									"{replicas: 2, "
									"template: {spec: "
									"{" ASKS("1") "}}}}\n",
		(struct fixture_options){ .format = CS_REPORT_TABLE },
		"Read: 3 Node, 5 Pod, 2 StatefulSet\n"
		"Not looked at: 1 Secret (v1)\n"
		"11 pods to place: 5 scheduled, 4 unschedulable, 1 gated, 1 error.\n"
		"\n"
		"PLACED                     PODS  NODES\n"
		"StatefulSet default/web       5  n1 2, n2 2, n3 1\n"
		"\n"
		"NOT PLACED\n"
		"  0/3 nodes are available: 3 Insufficient cpu.\n"
		"      Pod default/big\n"
		"      Pod default/large\n"
		"      2 of the 2 pods of StatefulSet default/late\n"
		"  waiting for scheduling gates: [x]\n"
		"      Pod default/later\n"
		"  error: c-sched does not implement dynamic resource allocation "
		"(spec.resourceClaims)\n"
		"      Pod default/odd\n"
		"\n"
		"NODES        CPU                                MEMORY                       "
		"      PODS\n"
		"n1           ++++++++++ 0.0+4.0/4.0             .......... 0.0Gi+0.0Gi/8.0Gi "
		"      "
		"++........ 0+2/10\n"
		"n2           ++++++++++ 0.0+4.0/4.0             .......... 0.0Gi+0.0Gi/8.0Gi "
		"      "
		"++........ 0+2/10\n"
		"n3           #####+++++ 2.0+2.0/4.0             .......... 0.0Gi+0.0Gi/8.0Gi "
		"      "
		"#+........ 1+1/10\n"
		"all 3        ##++++++++ 2.0+10.0/12.0           .......... "
		"0.0Gi+0.0Gi/24.0Gi      "
		"++........ 1+5/30\n");
}
END_TEST

#define CONTROLLED(kind, name) \
	"ownerReferences: [{kind: " kind ", name: " name ", controller: true}]"

// A pod stands for what is at the top of its controllers, as far as that is known.
START_TEST(workloads_in_the_table)
{
	CS_AUTO_FREE char *table = fixture_run(
		THREE_NODES
		"---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-1, " CONTROLLED(
			"Deployment",
			"web") "}}\n"
			       "---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: "
			       "api-1, " CONTROLLED(
				       "Deployment",
				       "api") "}, spec: {replicas: 2}}\n"
					      "---\n{apiVersion: v1, kind: Pod, metadata: {name: "
					      "a, " CONTROLLED(
						      "ReplicaSet",
						      "web-1") "}}\n"
							       "---\n{apiVersion: v1, kind: Pod, "
							       "metadata: {name: b, " CONTROLLED(
								       "ReplicaSet",
								       "gone") "}}\n"
									       "---\n{apiVersion: "
									       "v1, kind: Pod, "
									       "metadata: {name: "
									       "c, "
									       "ownerReferences: "
									       "[{kind: X, "
									       "name: x}]}}\n",
		(struct fixture_options){ .format = CS_REPORT_TABLE }, NULL);
	static const char *const names[] = { "\nDeployment default/web ",
					     "\nDeployment default/api ",
					     "\nReplicaSet default/gone ", "\nPod default/c " };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		ck_assert_msg(strstr(table, names[i]) != NULL, "%s", table);
}
END_TEST

START_TEST(an_empty_table)
{
	check_output("", (struct fixture_options){ .format = CS_REPORT_TABLE },
		     "0 pods to place: nothing to do.\n");
}
END_TEST

START_TEST(pods_on_nodes_that_are_missing)
{
	CS_AUTO_FREE char *table =
		fixture_run(POD("a", "nodeName: gone") POD("b", "nodeName: gone") POD("c", ""),
			    (struct fixture_options){ .format = CS_REPORT_TABLE }, NULL);
	ck_assert_msg(strstr(table, "\nOn nodes that are not in the input: 2 pods\n"
				    "1 pod to place: 1 unschedulable.\n"),
		      "%s", table);
}
END_TEST

// Of a large cluster the nodes that took something are shown, forty at most, and the sum.
START_TEST(a_large_table_is_cut)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1u << 20);
	for (int i = 0; i < 100; i++)
		cs_buffer_printf(
			&text,
			"---\n{apiVersion: v1, kind: Node, metadata: {name: node-%02d}, status: "
			"{capacity: {cpu: 4, memory: 8Gi, pods: 10}}}\n",
			i);
	cs_buffer_append_string(
		&text, "---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: r}, spec: "
		       "{replicas: 50, template: {spec: {" ASKS("3") "}}}}\n");
	CS_AUTO_FREE char *table =
		fixture_run(text.data, (struct fixture_options){ .format = CS_REPORT_TABLE }, NULL);
	ck_assert_ptr_nonnull(strstr(table, "node-07 1, and 42 more nodes\n"));
	ck_assert_ptr_nonnull(strstr(table, "\nnode-39 "));
	ck_assert_ptr_null(strstr(table, "\nnode-40 "));
	ck_assert_ptr_nonnull(strstr(table, "\nand 60 more nodes\n"));
	ck_assert_ptr_nonnull(strstr(table, "\nall 100 "));
}
END_TEST

static int refuse(void *user, struct cs_slice bytes)
{
	(void)bytes;
	++*(int *)user;
	return -EPIPE;
}

START_TEST(nobody_reads)
{
	struct fixture fixture;
	int asked = 0;
	fixture_read(&fixture, THREE_NODES POD("a", "") POD("b", ""));
	struct cs_report *report =
		cs_report_create(&(struct cs_report_options){ .simulation = fixture.simulation,
							      .format = CS_REPORT_JSON,
							      .write = refuse,
							      .user = &asked });
	struct cs_simulation_listener listener = cs_report_listener(report);
	cs_simulation_run(fixture.simulation, NULL, &listener);
	ck_assert_int_eq(cs_report_end(report), -EPIPE);
	ck_assert_int_eq(cs_report_end(report), -EPIPE);
	ck_assert_int_eq(asked, 1);
	cs_report_destroy(report);
	fixture_finish(&fixture);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("simulate report");
	TCase *tcase = tcase_create("report");
	tcase_add_test(tcase, json_says_why);
	tcase_add_test(tcase, one_feasible_node_has_no_scores);
	tcase_add_test(tcase, scores_are_before_weights);
	tcase_add_test(tcase, nodes_that_were_not_looked_at);
	tcase_add_test(tcase, errors_and_gates_judge_no_node);
	tcase_add_loop_test(tcase, yaml_is_json, 0, 2);
	tcase_add_test(tcase, yaml_as_it_looks);
	tcase_add_test(tcase, a_table_for_people);
	tcase_add_test(tcase, workloads_in_the_table);
	tcase_add_test(tcase, an_empty_table);
	tcase_add_test(tcase, pods_on_nodes_that_are_missing);
	tcase_add_test(tcase, a_large_table_is_cut);
	tcase_add_test(tcase, nobody_reads);
	suite_add_tcase(suite, tcase);
	return suite;
}
