// `c-sched check-config --probe`: what it says of good sources and of bad ones, and how it ends.
// Neighbours: harness.h; fake_server.h is a Prometheus here; lib/daemon/probe.c asks.
#include "../unit/check_main.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <csched/base/memory.h>

#include "fake_server.h"
#include "harness.h"

#define LOAD        "apiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\n"
#define METRICS_API LOAD "sources: [{name: api, type: MetricsAPI}]\n"

static struct harness_process *process; // the last one probe ran

static int probe(const struct harness_process *kubesim, const char *config)
{
	const char *file = harness_path("load.yaml");
	harness_write_file(file, config);
	process = harness_start("c-sched",
				(const char *const[]){ "check-config", "--probe", file,
						       "--kubeconfig", kubesim->kubeconfig, NULL });
	return harness_wait_exit(process);
}

static void says(const char *words)
{
	ck_assert_msg(harness_logged(process, words), "\"%s\" is not in\n%s", words,
		      harness_read_file(process->log));
}

START_TEST(metrics_api)
{
	const struct harness_process *kubesim =
		HARNESS_KUBESIM("--nodes=7", "--load", "--load-interval=1000");
	// Until each node has been sampled.
	const char *samples = "/apis/metrics.k8s.io/v1beta1/nodes";
	for (double end = harness_now() + HARNESS_PATIENCE; harness_now() < end;
	     harness_sleep(0.05))
		if (json_object_array_length(cs_value_at(harness_get(kubesim, samples), "items")) ==
		    7)
			break;
	ck_assert_int_eq(probe(kubesim, METRICS_API), 0);
	says("7 nodes at http://127.0.0.1:");
	says("source api (Metrics API)\n  nodes: ok, 14 samples, the newest ");
	says("    cpu: 7 of 7 nodes\n    memory: 7 of 7 nodes\n");
	says("  pods: ok\n");
}
END_TEST

START_TEST(no_metrics_api)
{
	const struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	ck_assert_int_eq(probe(kubesim, METRICS_API), 1);
	says("  nodes: not_found: HTTP 404: the API server has no metrics.k8s.io/v1beta1, is "
	     "metrics-server installed?\n");
}
END_TEST

START_TEST(annotations)
{
	const struct harness_process *kubesim =
		HARNESS_KUBESIM("--nodes=3", "--load", "--load-annotations");
	harness_create_node(kubesim, "bare", "4");
	// Until the kubelet of each has written.
	for (double end = harness_now() + HARNESS_PATIENCE; harness_now() < end;
	     harness_sleep(0.05)) {
		const char *nodes =
			harness_request(kubesim, "GET", "/api/v1/nodes", NULL, NULL).body;
		int written = 0;
		while ((nodes = strstr(nodes, "\"load.c-sched.io/connections\"")))
			written += *nodes++ == '"';
		if (written >= 3)
			break;
	}
	ck_assert_int_eq(probe(kubesim, LOAD "sources: [{name: notes, type: NodeAnnotations, "
					     "metrics: [connections]}]\n"),
			 0);
	says("source notes (node annotations)\n    connections: ");
}
END_TEST

START_TEST(nothing_to_ask)
{
	const struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	ck_assert_int_eq(probe(kubesim, "apiVersion: kubescheduler.config.k8s.io/v1\n"
					"kind: KubeSchedulerConfiguration\n"
					"profiles: [{schedulerName: c-sched}]\n"),
			 0);
	says("has no LoadConfiguration: there is no source to ask\n");
	ck_assert_int_eq(probe(kubesim, LOAD "sources: [{name: a, type: Moon}]\n"), 1);
}
END_TEST

START_TEST(the_command_line)
{
	process = harness_start("c-sched", (const char *const[]){ "--probe", NULL });
	ck_assert_int_eq(harness_wait_exit(process), 2);
	says("--probe goes with check-config");
}
END_TEST

// ---- Prometheus ----

#define ANSWER(type, result)                                                             \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":[" result "]}}"
#define SERIES(node, value) "{\"metric\":{\"node\":\"" node "\"},\"value\":[@,\"" value "\"]}"

#define QUERY(metric, query) "  - {metric: " metric ", query: '" query "'}\n"

static const struct {
	const char *query;
	const char *answer; // @ is the time in seconds
} answers[] = {
	{ "query=odd ",
	  ANSWER("vector",
		 SERIES("node-1", "5") "," SERIES("node-2", "NaN") "," SERIES(
			 "node-3", "-1") "," SERIES("node-3",
						    "7") "," SERIES("10.9.9.9:9100",
								    "1") ",{\"metric\":{},"
									 "\"value\":[1,\"1\"]}") },
	{ "query=far ", ANSWER("vector", SERIES("elsewhere", "0.5")) },
	{ "query=one ", ANSWER("scalar", "@,\"1\"") },
	{ "query=wrong ", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
			  "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"unexpected "
			  "end of input\"}" },
};
static char texts[CS_ARRAY_LENGTH(answers)][4096];

static void fill(char out[4096], const char *text, const char *now)
{
	size_t size = 0;
	for (; *text; text++)
		size += (size_t)snprintf(out + size, 4096 - size, "%.*s", *text == '@' ? 10 : 1,
					 *text == '@' ? now : text);
}

// By the query's text.
static struct fake_answer prometheus(void *user, const char *line)
{
	(void)user;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(answers); i++)
		if (strstr(line, answers[i].query))
			return (struct fake_answer){ .bytes = cs_slice_of(texts[i]) };
	return (struct fake_answer){ .bytes = CS_SLICE("HTTP/1.1 401 Unauthorized\r\nConnection: "
						       "close\r\n\r\nwho are you?\n") };
}

START_TEST(queries)
{
	const struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=10");
	CS_AUTO_FREE char *now = cs_asprintf("%lld", (long long)time(NULL));
	for (size_t i = 0; i < CS_ARRAY_LENGTH(answers); i++)
		fill(texts[i], answers[i].answer, now);
	CS_AUTO_FREE char *config = cs_asprintf(
		LOAD "metrics: [{name: a, kind: Level}]\n"
		     "sources:\n- name: prom\n  type: Prometheus\n  url: http://127.0.0.1:%d\n"
		     "  queries:\n" QUERY("connections", "odd") QUERY("responseTime", "far")
			     QUERY("cpu", "one") QUERY("memory", "wrong") QUERY("a", "secret"),
		fake_server_port(fake_server_start(prometheus, NULL)));
	ck_assert_int_eq(probe(kubesim, config), 1);
	says("source prom (Prometheus http://127.0.0.1:");
	says("  connections: ok, 4 samples, the newest ");
	says("    1 series without the label that names a node\n");
	says("    1 further series of a node that has one, left out: let the query say which, as "
	     "max by (node) does\n");
	says("    connections: 1 of 10 nodes\n");
	says("    without a sample, or with one too old: node-");
	says(" more\n");
	says("    2 implausible values\n");
	says("    1 samples of no node here: 10.9.9.9:9100\n");
	says("    responseTime: 0 of 10 nodes\n");
	says("    1 samples of no node here: elsewhere\n    (the label `node` or `instance` must be "
	     "a node's name or address; nodeLabel names another one)\n");
	says("  cpu: broken: the query gives a scalar, where a vector with one series per node is "
	     "needed\n");
	says("  memory: refused: HTTP 400: bad_data: unexpected end of input\n");
	says("  a: unauthorized: HTTP 401: who are you?\n"
	     "    (it asks for credentials: bearerTokenFile or basicAuth)\n");
}
END_TEST

// A Prometheus that nobody answers for, and an API server.
START_TEST(nobody_answers)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	ck_assert_int_eq(probe(kubesim, LOAD "sources: [{name: p, type: Prometheus, url: "
					     "'http://127.0.0.1:1', queries: [{metric: cpu, query: "
					     "'builtin:cpu'}]}]\n"),
			 1);
	says("  cpu: unreachable: Failed to connect to 127.0.0.1 port 1");
	says("    (check url: host, port, and whether it is https there)\n");
	harness_stop(kubesim, SIGTERM);
	ck_assert_int_eq(probe(kubesim, METRICS_API), 1);
	says("nodes cannot be listed, samples are not matched: http://127.0.0.1:");
	says("  nodes: unreachable: Failed to connect");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *tcase = tcase_create("probe");
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, metrics_api);
	tcase_add_test(tcase, no_metrics_api);
	tcase_add_test(tcase, annotations);
	tcase_add_test(tcase, nothing_to_ask);
	tcase_add_test(tcase, the_command_line);
	tcase_add_test(tcase, queries);
	tcase_add_test(tcase, nobody_answers);
	suite_add_tcase(suite, tcase);
	return suite;
}
