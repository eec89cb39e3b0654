// c-sched as the extender of another scheduler: its calls over HTTP against the running process.
// Neighbours: harness.h runs the programs; test/e2e has the real kube-scheduler as the caller.
#include "../unit/check_main.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <csched/base/memory.h>

#include "harness.h"

#define CALLERS 6
#define CALLS   400 // of each caller

static struct harness_process *kubesim;
static struct harness_process *c_sched;
static struct harness_process extender; // c_sched's other port

static void start(void)
{
	kubesim = HARNESS_KUBESIM("--nodes=0");
	harness_create_node(kubesim, "n1", "4");
	harness_create_node(kubesim, "n2", "4");
	int port = harness_port();
	CS_AUTO_FREE char *argument = cs_asprintf("--extender-port=%d", port);
	c_sched = HARNESS_C_SCHED(kubesim, argument, "--extender-bind");
	extender = *c_sched;
	extender.port = port;
	extender.tls = false;
	harness_wait_logged(c_sched, "Starting to schedule");
}

static void create_foreign_pod(const char *name)
{
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"schedulerName\":\"another\","
		       "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{"
		       "\"requests\":{\"cpu\":"
		       "\"100m\"}}}]}}",
		       name);
}

static struct json_object *get_pod(const char *name)
{
	CS_AUTO_FREE char *path = cs_asprintf("/api/v1/namespaces/default/pods/%s", name);
	return harness_get(kubesim, path);
}

static const char *call(const char *verb, const char *body)
{
	struct harness_response response =
		harness_request(&extender, "POST", verb, "application/json", body);
	ck_assert_msg(response.status == 200, "%s: %d %s", verb, response.status, response.body);
	return response.body;
}

START_TEST(a_pod_of_another_scheduler)
{
	start();
	create_foreign_pod("foreign");
	struct json_object *pod = get_pod("foreign");
	const char *uid = cs_value_string_at(pod, "metadata.uid");
	CS_AUTO_FREE char *args =
		cs_asprintf("{\"Pod\":%s,\"Nodes\":null,\"NodeNames\":[\"n2\",\"n1\",\"new\"]}",
			    json_object_to_json_string(pod));
	ck_assert_str_eq(call("/filter", args),
			 "{\"Nodes\":null,\"NodeNames\":[\"n2\",\"n1\",\"new\"],\"FailedNodes\":"
			 "null,\"FailedAndUnresolvableNodes\":null,\"Error\":\"\"}");
	// No load is known: all are as good.
	ck_assert_str_eq(call("/prioritize", args),
			 "[{\"Host\":\"n2\",\"Score\":10},{\"Host\":\"n1\",\"Score\":10},"
			 "{\"Host\":\"new\",\"Score\":10}]");
	struct json_object *why = harness_get(c_sched, "/explain?pod=default/foreign&node=n1");
	ck_assert(json_object_get_boolean(cs_value_at(why, "now.forAnother")));
	ck_assert(json_object_get_boolean(cs_value_at(why, "now.onNode.fits")));
	struct json_object *decision = json_object_array_get_idx(cs_value_at(why, "decisions"), 0);
	ck_assert_str_eq(cs_value_string_at(decision, "decision"), "ranked");
	ck_assert_str_eq(cs_value_string_at(decision, "node"), "n2");
	ck_assert_str_eq(cs_value_string_at(decision, "runnerUp"), "n1");
	CS_AUTO_FREE char *binding =
		cs_asprintf("{\"PodName\":\"foreign\",\"PodNamespace\":\"default\",\"PodUID\":"
			    "\"%s\",\"Node\":\"n2\"}",
			    uid);
	ck_assert_str_eq(call("/bind", binding), "{\"Error\":\"\"}");
	ck_assert_str_eq(harness_node_of(kubesim, "foreign"), "n2");
	CS_AUTO_FREE char *other =
		cs_asprintf("{\"PodName\":\"foreign\",\"PodNamespace\":\"default\",\"PodUID\":"
			    "\"%s\",\"Node\":\"n1\"}",
			    uid);
	ck_assert_str_eq(call("/bind", other), "{\"Error\":\"the pod is on node n2 already\"}");
	why = harness_get(c_sched, "/explain?pod=default/foreign&node=n1");
	ck_assert_ptr_nonnull(cs_value_at(why, "now.onNode.allocatable"));
	const char *metrics = harness_request(c_sched, "GET", "/metrics", NULL, NULL).body;
	ck_assert_ptr_nonnull(strstr(metrics, "csched_extender_requests_total{verb=\"bind\","
					      "result=\"done\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(metrics, "csched_extender_requests_total{verb=\"bind\","
					      "result=\"error\"} 1\n"));
	ck_assert_int_eq(harness_stop(c_sched, SIGTERM), 0);
}
END_TEST

// ---- what the real kube-scheduler sent ----

// Its calls in `make e2e`, recorded there: the bodies are first inputs of the fuzz target too.
static const struct {
	const char *file;
	const char *verb;
	const char *answer;
} recorded[] = {
	{ "recorded-filter-names", "/filter",
	  "{\"Nodes\":null,\"NodeNames\":[\"extenderrejects-1\",\"extenderrejects-0\"],"
	  "\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":{\"extenderrejects-2\":"
	  "\"node(s) had c-sched.io/weight 0\"},\"Error\":\"\"}" },
	{ "recorded-filter-nodes", "/filter", "-1 -3 -0 " },
	{ "recorded-prioritize-names", "/prioritize",
	  "[{\"Host\":\"extendermanagesandisignorable-0\",\"Score\":10},"
	  "{\"Host\":\"extendermanagesandisignorable-1\",\"Score\":10}]" },
	{ "recorded-preempt", "/preempt",
	  "{\"NodeNameToMetaVictims\":{\"extendernarrowsvictims-0\":{\"Pods\":[{\"UID\":"
	  "\"ffb9c0d2-cce4-418e-a760-6e7a818c746c\"}],\"NumPDBViolations\":0}}}" },
};

// The nodes that the recordings name. One of each that is to be refused takes no pods.
static void create_recorded_nodes(void)
{
	static const struct {
		const char *name;
		int n;
		int refused;
	} groups[] = { { "extenderrejects", 3, 2 },
		       { "extenderdecidesties", 4, 2 },
		       { "extendernarrowsvictims", 2, 1 },
		       { "extendermanagesandisignorable", 2, -1 } };
	for (size_t g = 0; g < CS_ARRAY_LENGTH(groups); g++)
		for (int i = 0; i < groups[g].n; i++)
			harness_create(kubesim, "/api/v1/nodes",
				       "{\"metadata\":{\"name\":\"%s-%d\",\"annotations\":{"
				       "\"c-sched.io/weight\":\"%d\"}},\"status\":{"
				       "\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\","
				       "\"pods\":\"110\"}}}",
				       groups[g].name, i, i == groups[g].refused ? 0 : 100);
}

static void wait_for_nodes(int n)
{
	for (double end = harness_now() + HARNESS_PATIENCE;; harness_sleep(0.01)) {
		struct json_object *cluster = harness_get(c_sched, "/debug/cluster");
		if (json_object_get_int(cs_value_at(cluster, "nodes")) == n)
			return;
		ck_assert_double_lt(harness_now(), end);
	}
}

// "-1 -3 " of answered whole nodes, each of which must be the bytes that were sent.
static void list_nodes(const char *request, const char *answer, struct cs_buffer *out)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	struct cs_error err;
	ck_assert_int_eq(cs_value_read_json(cs_slice_of(answer), &value, &err), 0);
	struct json_object *items = cs_value_at(value, "Nodes.items");
	ck_assert_ptr_nonnull(items);
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		const char *name =
			cs_value_string_at(json_object_array_get_idx(items, i), "metadata.name");
		cs_buffer_printf(out, "%s ", strrchr(name, '-'));
	}
	const char *first = strstr(answer, "{\"metadata\":{\"name\":");
	const char *second = strstr(first + 1, ",{\"metadata\":{\"name\":");
	CS_AUTO_FREE char *bytes = cs_strndup(first, (size_t)(second - first));
	ck_assert_ptr_nonnull(strstr(request, bytes));
}

START_TEST(what_kube_scheduler_sent)
{
	start();
	create_recorded_nodes();
	wait_for_nodes(13);
	CS_AUTO_BUFFER struct cs_buffer nodes;
	cs_buffer_init(&nodes, 1 << 20);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(recorded); i++) {
		CS_AUTO_FREE char *path =
			cs_asprintf("test/fuzz/corpus/fuzz_extender/%s", recorded[i].file);
		CS_AUTO_FREE char *body = cs_strdup(harness_read_file(path));
		const char *answer = call(recorded[i].verb, body);
		if (recorded[i].answer[0] != '-') {
			ck_assert_str_eq(answer, recorded[i].answer);
			continue;
		}
		list_nodes(body, answer, &nodes);
		ck_assert_str_eq(nodes.data, recorded[i].answer);
	}
	ck_assert_int_eq(harness_stop(c_sched, SIGTERM), 0);
}
END_TEST

// ---- many callers ----

struct caller {
	pthread_t thread;
	int number;
	int good;
};

static size_t ignore(char *data, size_t size, size_t n, void *user)
{
	(void)data;
	(void)user;
	return size * n;
}

// Over one connection that stays: all verbs in turn, and what is none.
static void *call_again_and_again(void *user)
{
	static const char *const verbs[] = { "filter", "prioritize", "preempt", "filter" };
	static const char *const bodies[] = {
		"{\"Pod\":{\"metadata\":{\"name\":\"p%d\",\"namespace\":\"default\",\"uid\":\"u%"
		"d\"}"
		"},\"NodeNames\":[\"n1\",\"n2\"]}",
		"{\"Pod\":{\"metadata\":{\"name\":\"p%d\",\"namespace\":\"default\",\"uid\":\"u%"
		"d\"}"
		"},\"NodeNames\":[\"n2\",\"n1\"]}",
		"{\"Pod\":{\"metadata\":{\"name\":\"p%d\",\"namespace\":\"default\",\"uid\":\"u%"
		"d\"}"
		"},\"NodeNameToMetaVictims\":{\"n1\":{}}}",
		"{\"Pod\":%d,%d}",
	};
	struct caller *caller = user;
	CURL *curl = curl_easy_init();
	for (int i = 0; i < CALLS; i++) {
		CS_AUTO_FREE char *url =
			cs_asprintf("http://127.0.0.1:%d/%s", extender.port, verbs[i % 4]);
		int pod = caller->number * CALLS + i / 8;
		CS_AUTO_BUFFER struct cs_buffer body;
		cs_buffer_init(&body, 1000);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		cs_buffer_printf(&body, bodies[i % 4], pod, pod);
#pragma GCC diagnostic pop
		long status = 0;
		curl_easy_setopt(curl, CURLOPT_URL, url);
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
		if (curl_easy_perform(curl) == CURLE_OK)
			curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		caller->good += status == (i % 4 == 3 ? 400 : 200);
	}
	curl_easy_cleanup(curl);
	return NULL;
}

START_TEST(many_callers_while_pods_are_scheduled)
{
	struct caller callers[CALLERS];
	start();
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .number = i };
		pthread_create(&callers[i].thread, NULL, call_again_and_again, &callers[i]);
	}
	for (int i = 0; i < 20; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("own-%d", i);
		harness_create_pod(kubesim, name, "10m");
	}
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		ck_assert_int_eq(callers[i].good, CALLS);
	}
	harness_wait_all_bound(kubesim, 20);
	ck_assert_int_eq(harness_stop(c_sched, SIGTERM), 0);
}
END_TEST

// ---- the command line ----

static const struct {
	const char *arguments[6];
	int status;
	const char *words;
} command_lines[] = {
	{ { "extender-config" }, 0, "- urlPrefix: http://127.0.0.1:10261\n" },
	{ { "extender-config", "--extender-bind-address=0.0.0.0", "--extender-port=7",
	    "--extender-tls-cert-file=a", "--extender-client-ca-file=b" },
	  0,
	  "- urlPrefix: https://c-sched.kube-system.svc:7\n" },
	{ { "extender-config", "--extender-bind" }, 0, "  bindVerb: bind\n" },
	{ { "extender-config", "--extender-timeout=3s" }, 0, "  httpTimeout: 6000ms\n" },
	{ { "extender-config", "more" }, 2, "takes no argument" },
	{ { "--extender-timeout=1ms" }, 2, "--extender-timeout: 1ms is not between" },
};

START_TEST(command_line)
{
	harness_check_run("c-sched", command_lines[_i].arguments, command_lines[_i].status,
			  command_lines[_i].words);
}
END_TEST

static const struct {
	const char *argument;
	const char *words;
} refused[] = {
	{ "--extender-bind-address=0.0.0.0", "would answer everybody" },
	{ "--extender-profile=none", "there is no profile \"none\"" },
	{ "--extender-tls-cert-file=x", "need each other" },
};

START_TEST(settings_that_are_refused)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	const char *kubeconfig = cs_asprintf("--kubeconfig=%s", kubesim->kubeconfig);
	struct harness_process *process = harness_start(
		"c-sched",
		(const char *const[]){ kubeconfig, "--secure-port=0", "--leader-elect=false",
				       "--extender-port=10261", refused[_i].argument, NULL });
	free((char *)kubeconfig);
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert_msg(harness_logged(process, refused[_i].words), "%s",
		      harness_read_file(process->log));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("extender");
	TCase *tests = tcase_create("calls");
	tcase_add_checked_fixture(tests, harness_setup, harness_teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_pod_of_another_scheduler);
	tcase_add_test(tests, what_kube_scheduler_sent);
	tcase_add_test(tests, many_callers_while_pods_are_scheduled);
	tcase_add_loop_test(tests, command_line, 0, CS_ARRAY_LENGTH(command_lines));
	tcase_add_loop_test(tests, settings_that_are_refused, 0, CS_ARRAY_LENGTH(refused));
	suite_add_tcase(suite, tests);
	return suite;
}
