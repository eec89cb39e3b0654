// What a user sees: pods go where they should, and those that cannot say why.
// Neighbours: harness.h runs the programs; test_faults.c does the same on a bad day.
#include "../unit/check_main.h"

#include <signal.h>
#include <string.h>

#include <csched/base/memory.h>

#include "harness.h"

static struct harness_process *kubesim;
static struct harness_process *scheduler;

static void start(const char *nodes)
{
	kubesim = HARNESS_KUBESIM(nodes);
	scheduler = HARNESS_C_SCHED(kubesim);
}

static void create_deployment(const char *name, int replicas)
{
	harness_create(
		kubesim, "/apis/apps/v1/namespaces/default/deployments",
		"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":"
		"\"%s\"},\"spec\":{\"replicas\":%d,\"selector\":{\"matchLabels\":{\"app\":"
		"\"%s\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"%s\"}},\"spec\":{"
		"\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":\"c\",\"image\":"
		"\"i:1\",\"resources\":{\"requests\":{\"cpu\":\"100m\"}}}]}}}}",
		name, replicas, name, name);
}

static void create_pod_with(const char *name, const char *spec)
{
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\"},"
		       "\"spec\":{\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":\"c\","
		       "\"image\":\"i:1\"}]%s}}",
		       name, spec);
}

// As it is from the start: the watches of nodes and of pods are told apart, and a pod that comes
// after a change of a node may be known before it.
static void create_node_with(const char *name, const char *spec)
{
	harness_create(
		kubesim, "/api/v1/nodes",
		"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\"},"
		"\"spec\":{%s},\"status\":{\"capacity\":{\"cpu\":\"4\",\"memory\":\"16Gi\","
		"\"pods\":\"110\"},\"allocatable\":{\"cpu\":\"4\",\"memory\":\"16Gi\",\"pods\":"
		"\"110\"}}}",
		name, spec);
}

static void patch(const char *path, const char *body)
{
	struct harness_response response =
		harness_request(kubesim, "PATCH", path, "application/merge-patch+json", body);
	ck_assert_msg(response.status == 200, "PATCH %s: %d %s", path, response.status,
		      response.body);
}

// Waits for the condition's message and returns it.
static const char *wait_condition(const char *pod)
{
	const char *message;
	double end = harness_now() + HARNESS_PATIENCE;
	while (!(message = harness_condition_of(kubesim, pod))) {
		if (harness_now() > end)
			ck_abort_msg("pod %s has no condition PodScheduled=False", pod);
		harness_sleep(0.05);
	}
	return message;
}

// A pod may be decided before the watch of nodes has told of them: until the words are these.
static void expect_condition(const char *pod, const char *words)
{
	double end = harness_now() + HARNESS_PATIENCE;
	const char *message = wait_condition(pod);
	while (!cs_string_equal(message, words) && harness_now() < end) {
		harness_sleep(0.05);
		message = wait_condition(pod);
	}
	ck_assert_str_eq(message, words);
}

// The Event about a pod with that reason, and that note unless NULL; NULL if there is none.
static struct json_object *find_event_saying(const char *pod, const char *reason, const char *note)
{
	struct json_object *items = cs_value_at(
		harness_get(kubesim, "/apis/events.k8s.io/v1/namespaces/default/events"), "items");
	for (size_t i = 0; items && i < json_object_array_length(items); i++) {
		struct json_object *event = json_object_array_get_idx(items, i);
		if (cs_string_equal(cs_value_string_at(event, "regarding.name"), pod) &&
		    cs_string_equal(cs_value_string_at(event, "reason"), reason) &&
		    (!note || cs_string_equal(cs_value_string_at(event, "note"), note)))
			return event;
	}
	return NULL;
}

static struct json_object *find_event(const char *pod, const char *reason)
{
	return find_event_saying(pod, reason, NULL);
}

static struct json_object *wait_event_saying(const char *pod, const char *reason, const char *note)
{
	struct json_object *event;
	double end = harness_now() + HARNESS_PATIENCE;
	while (!(event = find_event_saying(pod, reason, note))) {
		if (harness_now() > end)
			ck_abort_msg("no event %s about pod %s", reason, pod);
		harness_sleep(0.05);
	}
	return event;
}

static struct json_object *wait_event(const char *pod, const char *reason)
{
	return wait_event_saying(pod, reason, NULL);
}

START_TEST(a_deployment)
{
	start("--nodes=4");
	create_deployment("web", 6);
	harness_wait_all_bound(kubesim, 6);
	harness_check_nodes(kubesim);
	create_deployment("more", 40);
	harness_wait_all_bound(kubesim, 46);
	harness_check_nodes(kubesim);
	ck_assert_int_eq(harness_stop(scheduler, SIGTERM), 0);
}
END_TEST

START_TEST(over_tls_with_a_token)
{
	kubesim = HARNESS_KUBESIM("--nodes=4", "--tls", "--token=secret-token");
	scheduler = HARNESS_C_SCHED(kubesim, "-v=10");
	create_deployment("web", 20);
	harness_wait_all_bound(kubesim, 20);
	ck_assert_int_eq(harness_stop(scheduler, SIGTERM), 0);
	ck_assert(!harness_logged(scheduler, "secret-token"));
}
END_TEST

START_TEST(an_event_and_a_decision_for_each_pod)
{
	start("--nodes=4");
	harness_create_pod(kubesim, "p", "100m");
	const char *node = harness_wait_bound(kubesim, "p");
	struct json_object *event = wait_event("p", "Scheduled");
	CS_AUTO_FREE char *note = cs_asprintf("Successfully assigned default/p to %s", node);
	ck_assert_str_eq(cs_value_string_at(event, "note"), note);
	ck_assert_str_eq(cs_value_string_at(event, "type"), "Normal");
	ck_assert_str_eq(cs_value_string_at(event, "action"), "Binding");
	ck_assert_str_eq(cs_value_string_at(event, "reportingController"), "c-sched");
	ck_assert_str_eq(cs_value_string_at(event, "regarding.kind"), "Pod");
	ck_assert_str_eq(cs_value_string_at(event, "regarding.namespace"), "default");

	struct json_object *decision = harness_get(scheduler, "/debug/decisions?pod=default/p");
	ck_assert_str_eq(cs_value_string_at(decision, "node"), node);
	ck_assert_str_eq(cs_value_string_at(decision, "decision"), "scheduled");
	ck_assert_int_gt(json_object_get_int64(cs_value_at(decision, "score")), 0);
	ck_assert_ptr_nonnull(cs_value_string_at(decision, "runnerUp"));
}
END_TEST

static int64_t series_count(const char *pod)
{
	struct json_object *event = find_event(pod, "FailedScheduling");
	return event ? json_object_get_int64(cs_value_at(event, "series.count")) : -1;
}

static void wait_series(const char *pod, int64_t count)
{
	double end = harness_now() + HARNESS_PATIENCE;
	while (series_count(pod) != count) {
		ck_assert_msg(harness_now() < end, "the event says %ld times",
			      (long)series_count(pod));
		harness_sleep(0.05);
	}
}

static void delete_events(void)
{
	struct json_object *items = cs_value_at(
		harness_get(kubesim, "/apis/events.k8s.io/v1/namespaces/default/events"), "items");
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		CS_AUTO_FREE char *path = cs_asprintf(
			"/apis/events.k8s.io/v1/namespaces/default/events/%s",
			cs_value_string_at(json_object_array_get_idx(items, i), "metadata.name"));
		harness_delete(kubesim, path);
	}
}

// The same failure again and again, with patches of the pod refused so that it stays the same
// version: a series. The server loses the event, and gets it again; the last count is written when
// the scheduler ends.
START_TEST(a_series_of_events)
{
	kubesim = HARNESS_KUBESIM("--nodes=0");
	CS_AUTO_FREE char *config =
		cs_asprintf("apiVersion: kubescheduler.config.k8s.io/v1\n"
			    "kind: KubeSchedulerConfiguration\n"
			    "clientConnection: {kubeconfig: %s}\n"
			    "leaderElection: {leaderElect: false}\n"
			    "podInitialBackoffSeconds: 1\npodMaxBackoffSeconds: 1\n"
			    "profiles: [{schedulerName: c-sched}]\n",
			    kubesim->kubeconfig);
	harness_write_file(harness_path("config.yaml"), config);
	scheduler = HARNESS_C_SCHED(kubesim, "--config", harness_path("config.yaml"));
	harness_faults(kubesim, "- {match: {verb: patch, resource: pods, subresource: status}, "
				"action: status, code: 422, count: 0}\n");
	create_pod_with("big", ",\"nodeSelector\":{\"a\":\"b\"}");
	wait_event("big", "FailedScheduling");
	delete_events();
	for (int i = 0; i < 4; i++) {
		CS_AUTO_FREE char *node = cs_asprintf("n%d", i);
		CS_AUTO_FREE char *words = cs_asprintf(
			"0/%d nodes are available: %d node(s) didn't match", i + 1, i + 1);
		harness_create_node(kubesim, node, "1");
		harness_wait_logged(scheduler, words);
	}
	wait_series("big", 2);
	ck_assert_str_eq(cs_value_string_at(find_event("big", "FailedScheduling"), "note"),
			 "no nodes available to schedule pods");
	harness_sleep(0.3);
	ck_assert_int_eq(series_count("big"), 2);
	ck_assert_int_eq(harness_stop(scheduler, SIGTERM), 0);
	ck_assert_int_eq(series_count("big"), 5);
}
END_TEST

START_TEST(without_events)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	scheduler = HARNESS_C_SCHED(kubesim, "--emit-events=false");
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	harness_create_pod(kubesim, "big", "1000");
	wait_condition("big");
	harness_sleep(0.3);
	ck_assert_ptr_null(find_event("p", "Scheduled"));
	ck_assert_ptr_null(find_event("big", "FailedScheduling"));
}
END_TEST

START_TEST(an_unschedulable_pod_and_then_a_node)
{
	start("--nodes=0");
	harness_create_node(kubesim, "small", "1");
	harness_create_pod(kubesim, "p", "2");
	expect_condition("p", "0/1 nodes are available: 1 Insufficient cpu.");
	struct json_object *event = wait_event_saying(
		"p", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.");
	ck_assert_str_eq(cs_value_string_at(event, "type"), "Warning");
	harness_create_node(kubesim, "large", "8");
	ck_assert_str_eq(harness_wait_bound(kubesim, "p"), "large");
}
END_TEST

START_TEST(a_full_node_and_then_a_deletion)
{
	start("--nodes=0");
	harness_create_node(kubesim, "n", "2");
	harness_create_pod(kubesim, "first", "2");
	harness_wait_bound(kubesim, "first");
	harness_create_pod(kubesim, "second", "2");
	wait_condition("second");
	harness_delete(kubesim, "/api/v1/namespaces/default/pods/first?gracePeriodSeconds=0");
	ck_assert_str_eq(harness_wait_bound(kubesim, "second"), "n");
}
END_TEST

START_TEST(no_nodes_at_all)
{
	start("--nodes=0");
	harness_create_pod(kubesim, "p", "1");
	ck_assert_str_eq(wait_condition("p"), "no nodes available to schedule pods");
}
END_TEST

START_TEST(taints)
{
	start("--nodes=0");
	create_node_with("tainted", "\"taints\":[{\"key\":\"team\",\"value\":\"a\",\"effect\":"
				    "\"NoSchedule\"}]");
	create_pod_with("stranger", "");
	expect_condition("stranger",
			 "0/1 nodes are available: 1 node(s) had untolerated taint(s).");
	create_pod_with("friend", ",\"tolerations\":[{\"key\":\"team\",\"operator\":\"Exists\"}]");
	ck_assert_str_eq(harness_wait_bound(kubesim, "friend"), "tainted");
	patch("/api/v1/nodes/tainted", "{\"spec\":{\"taints\":null}}");
	ck_assert_str_eq(harness_wait_bound(kubesim, "stranger"), "tainted");
}
END_TEST

START_TEST(a_cordoned_node)
{
	start("--nodes=0");
	create_node_with("n", "\"unschedulable\":true");
	create_pod_with("p", "");
	expect_condition("p", "0/1 nodes are available: 1 node(s) were unschedulable.");
	patch("/api/v1/nodes/n", "{\"spec\":{\"unschedulable\":null}}");
	ck_assert_str_eq(harness_wait_bound(kubesim, "p"), "n");
}
END_TEST

START_TEST(a_node_selector)
{
	start("--nodes=0");
	harness_create_node(kubesim, "plain", "64");
	harness_create_node(kubesim, "fast", "4");
	create_pod_with("p", ",\"nodeSelector\":{\"disk\":\"ssd\"}");
	expect_condition("p", "0/2 nodes are available: 2 node(s) didn't match "
			      "Pod's node affinity/selector.");
	patch("/api/v1/nodes/fast", "{\"metadata\":{\"labels\":{\"disk\":\"ssd\"}}}");
	ck_assert_str_eq(harness_wait_bound(kubesim, "p"), "fast");
}
END_TEST

// A gated pod costs no attempt; released, it is bound.
START_TEST(scheduling_gates)
{
	start("--nodes=1");
	create_pod_with("p", ",\"schedulingGates\":[{\"name\":\"example.com/wait\"}]");
	harness_create_pod(kubesim, "other", "100m");
	harness_wait_bound(kubesim, "other");
	ck_assert_ptr_null(harness_node_of(kubesim, "p"));
	ck_assert_ptr_null(find_event("p", "FailedScheduling"));
	patch("/api/v1/namespaces/default/pods/p", "{\"spec\":{\"schedulingGates\":null}}");
	harness_wait_bound(kubesim, "p");
}
END_TEST

// What is not implemented is not bound; the words name field and feature.
START_TEST(an_unsupported_field)
{
	start("--nodes=2");
	create_pod_with("p", ",\"resourceClaims\":[{\"name\":\"a\"}]");
	const char *message = wait_condition("p");
	ck_assert_ptr_nonnull(strstr(message, "spec.resourceClaims"));
	ck_assert_ptr_nonnull(strstr(message, "dynamic resource allocation"));
	const char *note = cs_value_string_at(wait_event("p", "FailedScheduling"), "note");
	ck_assert_ptr_nonnull(strstr(note, "spec.resourceClaims"));
	ck_assert_ptr_null(harness_node_of(kubesim, "p"));
}
END_TEST

START_TEST(pods_of_other_schedulers)
{
	start("--nodes=2");
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"theirs\"},"
		       "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}");
	harness_create_pod(kubesim, "ours", "100m");
	harness_wait_bound(kubesim, "ours");
	harness_sleep(0.2);
	ck_assert_ptr_null(harness_node_of(kubesim, "theirs"));
	ck_assert_ptr_null(harness_condition_of(kubesim, "theirs"));
}
END_TEST

// What was decided before a restart is not decided again, and nothing is forgotten.
START_TEST(killed_and_started_again)
{
	start("--nodes=6");
	create_deployment("web", 100);
	harness_sleep(0.1);
	harness_stop(scheduler, SIGKILL);
	scheduler = HARNESS_C_SCHED(kubesim, "--kube-api-qps=0");
	harness_wait_all_bound(kubesim, 100);
	harness_check_nodes(kubesim);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("scheduling");
	TCase *tcase = tcase_create("scheduling");
	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_add_test(tcase, a_deployment);
	tcase_add_test(tcase, over_tls_with_a_token);
	tcase_add_test(tcase, an_event_and_a_decision_for_each_pod);
	tcase_add_test(tcase, a_series_of_events);
	tcase_add_test(tcase, without_events);
	tcase_add_test(tcase, an_unschedulable_pod_and_then_a_node);
	tcase_add_test(tcase, a_full_node_and_then_a_deletion);
	tcase_add_test(tcase, no_nodes_at_all);
	tcase_add_test(tcase, taints);
	tcase_add_test(tcase, a_cordoned_node);
	tcase_add_test(tcase, a_node_selector);
	tcase_add_test(tcase, scheduling_gates);
	tcase_add_test(tcase, an_unsupported_field);
	tcase_add_test(tcase, pods_of_other_schedulers);
	tcase_add_test(tcase, killed_and_started_again);
	suite_add_tcase(suite, tcase);
	return suite;
}
