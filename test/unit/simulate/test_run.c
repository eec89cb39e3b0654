// Decisions: who is decided, in which order, and what each sees.
// Neighbours: lib/simulate/simulation.c.
#include "../check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "fixture.h"

#define POD_OF(name, rest) \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name "}, " rest "}\n"

START_TEST(each_sees_those_before_it)
{
	fixture_check(THREE_NODES POD("a", ASKS("3")) POD("b", ASKS("3")) POD("c", ASKS("3"))
			      POD("d", ASKS("3")) POD("e", ASKS("1")),
		      "default/a n1\ndefault/b n2\ndefault/c n3\n"
		      "default/d unschedulable: 0/3 nodes are available: 3 Insufficient cpu.\n"
		      "default/e n1\n");
}
END_TEST

START_TEST(who_is_decided)
{
	fixture_check(NODE("n1", "z") POD("other", "schedulerName: other, " ASKS("4"))
			      POD("ours", "schedulerName: c-sched, " ASKS("1"))
				      POD("theirs", "schedulerName: default-scheduler, " ASKS("1"))
					      POD("nameless", ASKS("1")) POD_OF(
						      "over", "status: {phase: Failed}, spec: "
							      "{nodeName: n1, " ASKS("4") "}")
						      POD_OF("done", "status: {phase: Succeeded}"),
		      "default/ours n1\ndefault/theirs n1\ndefault/nameless n1\n");
	// A pod that is being deleted is not placed; on a node it still takes room.
	fixture_check(NODE("n1", "z") "---\n{apiVersion: v1, kind: Pod, metadata: {name: a, "
				      "deletionTimestamp: \"2026-11-21T01:02:03Z\"}}\n"
				      "---\n{apiVersion: v1, kind: Pod, metadata: {name: b, "
				      "deletionTimestamp: \"2026-11-21T01:02:03Z\"}, spec: "
				      "{nodeName: n1, " ASKS("3") "}}\n" POD("c", ASKS("2")),
		      "default/c unschedulable: 0/1 nodes are available: 1 Insufficient cpu.\n");
}
END_TEST

#define CREATED(name, second, spec)                               \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name \
	", creationTimestamp: \"2026-11-21T00:00:" second "Z\"}, spec: {" spec "}}\n"

START_TEST(the_queues_order)
{
	fixture_check(NODE("n1", "z") CREATED("c", "03", "") CREATED("b", "02", "")
			      CREATED("d", "03", "") POD("a", "") CREATED("h", "59", "priority: 1")
				      CREATED("l", "01", "priority: -1"),
		      "default/h n1\ndefault/a n1\ndefault/b n1\ndefault/c n1\ndefault/d n1\n"
		      "default/l n1\n");
}
END_TEST

START_TEST(gates_wait)
{
	fixture_check(NODE("n1", "z") POD("a", "schedulingGates: [{name: x.io/one}, {name: two}]")
			      POD("b", ""),
		      "default/a gated: waiting for scheduling gates: [x.io/one two]\n"
		      "default/b n1\n");
}
END_TEST

START_TEST(no_nodes)
{
	fixture_check(POD("a", ""),
		      "default/a unschedulable: no nodes available to schedule pods\n");
}
END_TEST

static const char profiles[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	"profiles:\n"
	"- {schedulerName: spread}\n"
	"- schedulerName: pack\n"
	"  pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: "
	"MostAllocated}}}]\n";

START_TEST(profiles_of_a_configuration)
{
	CS_AUTO_FREE char *text = fixture_run(
		THREE_NODES POD("a", "nodeName: n2, " ASKS("1"))
			POD("b", "schedulerName: spread, " ASKS("1"))
				POD("c", "schedulerName: pack, " ASKS("2")) POD("d", ASKS("1")),
		(struct fixture_options){ .config = profiles, .format = CS_REPORT_JSON }, NULL);
	ck_assert_str_eq(text, "{\"pod\":\"default/b\",\"result\":\"scheduled\",\"node\":\"n1\","
			       "\"feasible\":3}\n"
			       "{\"pod\":\"default/c\",\"result\":\"scheduled\",\"node\":\"n1\","
			       "\"feasible\":3}\n");
}
END_TEST

#define NOMINATED(name, node, spec)                               \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name \
	"}, status: {nominatedNodeName: " node "}, spec: {" spec "}}\n"

START_TEST(nominated_pods)
{
	// A nominated node is tried first, alone; its room is kept from pods of lower priority.
	fixture_check(THREE_NODES NOMINATED("a", "n2", "priority: 1, " ASKS("3"))
			      POD("b", "priority: 2, " ASKS("1")) POD("c", ASKS("3"))
				      POD("d", ASKS("3")),
		      "default/b n1\ndefault/a n2\ndefault/c n3\ndefault/d n1\n");
	// Of pods that are decided before it, only higher priorities may take it.
	fixture_check(NODE("n1", "z") CREATED("a", "01", ASKS("2"))
			      NOMINATED("b", "n1", "priority: -1, " ASKS("3"))
				      POD("c", "priority: 3, " ASKS("1")),
		      "default/c n1\ndefault/a n1\n"
		      "default/b unschedulable: 0/1 nodes are available: 1 Insufficient cpu.\n");
	// A failed attempt drops the nomination: what it kept is free again.
	fixture_check(NODE("n1", "z") NOMINATED("a", "n1", "priority: 5, " ASKS("5"))
			      POD("b", ASKS("3")),
		      "default/a unschedulable: 0/1 nodes are available: 1 Insufficient cpu.\n"
		      "default/b n1\n");
	// Neither gated pods nor those of other schedulers keep anything.
	fixture_check(NODE("n1", "z")
			      NOMINATED("a", "n1", "schedulerName: other, priority: 9, " ASKS("4"))
				      POD("b", ASKS("3")),
		      "default/b n1\n");
	fixture_check(NODE("n1", "z") POD("b", "priority: 3, " ASKS("3")) NOMINATED(
			      "a", "n1", "priority: 3, schedulingGates: [{name: x}], " ASKS("4")),
		      "default/b n1\ndefault/a gated: waiting for scheduling gates: [x]\n");
}
END_TEST

static void run_with_seed(uint64_t seed, char **ret)
{
	*ret = fixture_run(THREE_NODES POD("a", "") POD("b", "") POD("c", "") POD("d", "")
				   POD("e", "") POD("f", "") POD("g", "") POD("h", ""),
			   (struct fixture_options){ .format = CS_REPORT_JSON, .seed = seed },
			   NULL);
}

START_TEST(ties_by_name_or_by_seed)
{
	CS_AUTO_FREE char *lowest = NULL;
	run_with_seed(0, &lowest);
	ck_assert_ptr_null(strstr(lowest, "\"n2\""));
	CS_AUTO_FREE char *one = NULL;
	CS_AUTO_FREE char *again = NULL;
	CS_AUTO_FREE char *other = NULL;
	run_with_seed(7, &one);
	run_with_seed(7, &again);
	run_with_seed(8, &other);
	ck_assert_str_eq(one, again);
	ck_assert_str_ne(one, other);
	ck_assert_str_ne(one, lowest);
}
END_TEST

#define WITH_IMAGE(name, size)                                                               \
	"---\n{apiVersion: v1, kind: Node, metadata: {name: " name "}, status: {capacity: "  \
	"{cpu: 4, memory: 8Gi, pods: 10}, images: [{names: ['big:latest'], sizeBytes: " size \
	"}]}}\n"

// As in kube-scheduler's cache the first node says how large an image is: the API server lists by
// name.
START_TEST(the_first_node_tells_the_size_of_an_image)
{
	const char *pod = "containers: [{name: a, image: big}]";
	char text[1024];
	snprintf(text, sizeof(text),
		 "%s---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {%s}}\n",
		 WITH_IMAGE("n2", "1") WITH_IMAGE("n1", "2000000000") NODE("n0", "z"), pod);
	CS_AUTO_FREE char *out =
		fixture_run(text,
			    (struct fixture_options){ .format = CS_REPORT_JSON,
						      .explain = CS_REPORT_EXPLAIN_ALL },
			    NULL);
	ck_assert_msg(strstr(out, "\"ImageLocality\":100"), "%s", out);
}
END_TEST

START_TEST(whether_all_were_placed)
{
	static const struct {
		const char *text;
		bool placed;
	} cases[] = {
		{ "", true },
		{ THREE_NODES POD("a", ""), true },
		{ POD("a", ""), false },
		{ THREE_NODES POD("a", "schedulingGates: [{name: x}]"), false },
		{ THREE_NODES POD("a",
				  "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]"),
		  false },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		bool placed;
		CS_AUTO_FREE char *text =
			fixture_run(cases[i].text,
				    (struct fixture_options){ .format = CS_REPORT_JSON }, &placed);
		ck_assert_int_eq(placed, cases[i].placed);
		ck_assert_int_eq(*text != '\0', strstr(cases[i].text, "kind: Pod") != NULL);
	}
}
END_TEST

#define LOADED(name, note)                                                                 \
	"---\n{apiVersion: v1, kind: Node, metadata: {name: " name ", annotations: {" note \
	"}}, status: {capacity: {cpu: 4, memory: 8Gi, pods: 10}}}\n"

static const char by_load[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	"profiles:\n- schedulerName: default-scheduler\n"
	"  plugins: {multiPoint: {enabled: [{name: LeastLoad, weight: 50}]}}\n---\n"
	"apiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\n"
	"sources: [{name: api, type: MetricsAPI, metrics: [cpu, memory]}]\n";

// Samples come from annotations, though the file names another source; the newest one's time is
// now, so that an old one has faded; pods that were placed count.
START_TEST(load_of_annotations)
{
	static const struct {
		const char *b;
		const char *wanted; // the node of the last pod
	} rows[] = {
		{ "load.c-sched.io/cpu: '1500@2026-11-21T00:00:00Z'", "b" },
		{ "load.c-sched.io/cpu: '2500@2026-11-21T00:00:00Z'", "a" },
		{ "load.c-sched.io/cpu: '3900@2026-11-20T00:00:00Z'", "b" }, // a day ago
		{ "load.c-sched.io/cpu: 'nonsense'", "b" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		CS_AUTO_FREE char *yaml =
			cs_asprintf(LOADED("a", "load.c-sched.io/cpu: '2000@2026-11-21T00:00:00Z'")
					    LOADED("b", "%s") POD("p", "containers: [{name: c}]"),
				    rows[i].b);
		CS_AUTO_FREE char *out = fixture_run(
			yaml,
			(struct fixture_options){ .config = by_load, .format = CS_REPORT_JSON },
			NULL);
		CS_AUTO_FREE char *wanted = cs_asprintf("\"node\":\"%s\"", rows[i].wanted);
		ck_assert_msg(strstr(out, wanted), "%s: %s", rows[i].b, out);
	}
}
END_TEST

static void keep_notice(void *user, const char *words)
{
	cs_buffer_printf(user, "%s\n", words);
}

// What is told of annotations that are left out of account, a line each.
static void expect_told(const char *config_text, const char *yaml, const char *wanted)
{
	CS_AUTO_BUFFER struct cs_buffer told;
	struct cs_error err = { 0 };
	struct cs_config *config = fixture_config(config_text);
	struct cs_simulation *simulation = cs_simulation_create(config, CS_SIMULATION_PODS_MAX);
	cs_buffer_init(&told, 4096);
	cs_simulation_set_notice(simulation, keep_notice, &told);
	ck_assert_int_eq(cs_simulation_read(simulation, "f", cs_slice_of(yaml), &err), 0);
	ck_assert_msg(cs_simulation_prepare(simulation, &err) == 0, "%s", err.text);
	ck_assert_str_eq(told.data, wanted);
	cs_simulation_destroy(simulation);
	cs_config_destroy(config);
}

static const char counting[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	"profiles: [{schedulerName: default-scheduler}]\n---\n"
	"apiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\n"
	"sources: [{name: notes, type: NodeAnnotations, metrics: [connections]}]\n";

static const char unreadable[] =
	"{apiVersion: v1, kind: Node, metadata: {name: n1, annotations: "
	"{c-sched.io/weight: many}}, status: {capacity: {cpu: 4, memory: 8Gi, pods: 10}}}\n"
	"---\napiVersion: v1\nkind: PodList\nitems:\n"
	"- {metadata: {name: a, annotations: {c-sched.io/connections: many}}, spec: {}}\n"
	"- {metadata: {name: b, annotations: {c-sched.io/talks-to: app db}}, spec: {}}\n"
	"- {metadata: {name: c, annotations: {c-sched.io/talks-to: app=db}}, spec: {}}\n"
	"- {metadata: {name: d, annotations: {c-sched.io/talks-to: a b}}, spec: {nodeName: n1}}\n"
	"- {metadata: {name: e, annotations: {c-sched.io/connections: '-1'}}, spec: {nodeName: n1}}\n"
	"---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {"
	"replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: "
	"{app: web}, annotations: {c-sched.io/talks-to: '='}}, spec: {containers: []}}}}\n";

// Each pod of the input is told of, those that its Deployment is given once, and of pods that have
// their node only what still counts.
START_TEST(annotations_that_cannot_be_read)
{
	expect_told(counting, unreadable,
		    "node n1: metadata.annotations[c-sched.io/weight]: expected an integer from 0 "
		    "to 1000: the node counts with 100\n"
		    "pod default/a: annotation c-sched.io/connections: expected a number above 0, "
		    "at most 1e9\n"
		    "pod default/b: annotation c-sched.io/talks-to: found 'db', expected: in, "
		    "notin, =, ==, !=\n"
		    "pod default/e: annotation c-sched.io/connections: expected a number above 0, "
		    "at most 1e9\n"
		    "pod default/web-m96sl8xnqg-bbbbb: annotation c-sched.io/talks-to: found '=', "
		    "expected: identifier\n");
}
END_TEST

#define OF_DEPLOYMENT "{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}"
#define OF_WEB        "{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: u, controller: true}"

static const char siblings[] =
	"apiVersion: apps/v1\nkind: ReplicaSet\n"
	"metadata: {name: web-1, ownerReferences: [" OF_DEPLOYMENT "]}\n"
	"spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: "
	"{app: web}}, spec: {containers: [{name: c}]}}}\n"
	"---\napiVersion: v1\nkind: PodList\nitems:\n"
	"- metadata: {name: a, ownerReferences: [" OF_WEB "],\n"
	"    annotations: {c-sched.io/talks-to: '='}}\n"
	"- metadata: {name: b, ownerReferences: [" OF_WEB "]}\n"
	"- metadata: {name: c, ownerReferences: [" OF_WEB "],\n"
	"    annotations: {c-sched.io/talks-to: app db}}\n";

// They are of one Deployment, whose ReplicaSet says so.
START_TEST(siblings_are_told_of_each)
{
	expect_told(NULL, siblings,
		    "pod default/a: annotation c-sched.io/talks-to: found '=', expected: "
		    "identifier\n"
		    "pod default/c: annotation c-sched.io/talks-to: found 'db', expected: in, "
		    "notin, =, ==, !=\n");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("simulate run");
	TCase *tcase = tcase_create("run");
	tcase_add_test(tcase, each_sees_those_before_it);
	tcase_add_test(tcase, who_is_decided);
	tcase_add_test(tcase, the_queues_order);
	tcase_add_test(tcase, gates_wait);
	tcase_add_test(tcase, no_nodes);
	tcase_add_test(tcase, profiles_of_a_configuration);
	tcase_add_test(tcase, nominated_pods);
	tcase_add_test(tcase, ties_by_name_or_by_seed);
	tcase_add_test(tcase, the_first_node_tells_the_size_of_an_image);
	tcase_add_test(tcase, whether_all_were_placed);
	tcase_add_test(tcase, load_of_annotations);
	tcase_add_test(tcase, annotations_that_cannot_be_read);
	tcase_add_test(tcase, siblings_are_told_of_each);
	suite_add_tcase(suite, tcase);
	return suite;
}
