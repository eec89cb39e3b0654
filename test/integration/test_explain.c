// Why a pod is where it is: /explain, /debug/cluster, and `c-sched explain` that prints it.
// Neighbours: harness.h runs the programs.
#include "../unit/check_main.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/client/kubeconfig.h>

#include "harness.h"

static struct harness_process *kubesim, *scheduler;

static void begin(void)
{
	kubesim = HARNESS_KUBESIM("--nodes=0");
	harness_create_node(kubesim, "small", "1");
	harness_create_node(kubesim, "large", "4");
	scheduler = HARNESS_C_SCHED(kubesim);
}

static struct json_object *explain(const char *query)
{
	CS_AUTO_FREE char *path = cs_asprintf("/explain?pod=%s", query);
	return harness_get(scheduler, path);
}

// What `c-sched explain` prints, and that it ends with that status.
static const char *run(int status, const char *const *arguments)
{
	const char *all[16] = { "explain" };
	CS_AUTO_FREE char *server = cs_asprintf("--server=https://127.0.0.1:%d", scheduler->port);
	size_t n = 1;
	all[n++] = server;
	while (*arguments)
		all[n++] = *arguments++;
	struct harness_process *process = harness_start("c-sched", all);
	ck_assert_int_eq(harness_wait_exit(process), status);
	return harness_read_file(process->log);
}
#define RUN(status, ...) run(status, (const char *const[]){ __VA_ARGS__, NULL })

static void expect(const char *text, const char *words)
{
	ck_assert_msg(strstr(text, words), "\"%s\" is not in:\n%s", words, text);
}

START_TEST(a_bound_pod)
{
	begin();
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	struct json_object *answer = explain("default/p");
	ck_assert_str_eq(cs_value_string_at(answer, "state"), "bound");
	ck_assert_str_eq(cs_value_string_at(answer, "node"), "large");
	ck_assert_ptr_null(cs_value_at(answer, "now"));
	struct json_object *decisions = cs_value_at(answer, "decisions");
	ck_assert_uint_eq(json_object_array_length(decisions), 1);
	struct json_object *decision = json_object_array_get_idx(decisions, 0);
	struct json_object *candidates = cs_value_at(decision, "candidates");
	ck_assert_uint_eq(json_object_array_length(candidates), 2);
	struct json_object *winner = json_object_array_get_idx(candidates, 0);
	ck_assert_str_eq(cs_value_string_at(winner, "node"), "large");
	int64_t total = 0;
	json_object_object_foreach(cs_value_at(winner, "scores"), plugin, score)
	{
		struct json_object *weight;
		ck_assert(json_object_object_get_ex(cs_value_at(decision, "weights"), plugin,
						    &weight));
		total += json_object_get_int64(score) * json_object_get_int64(weight);
	}
	ck_assert_int_eq(total, json_object_get_int64(cs_value_at(winner, "total")));

	const char *text = RUN(0, "default/p", "--node=small");
	expect(text, "Pod default/p: bound on large\n");
	expect(text, "2 of 2 nodes could take the pod.");
	expect(text, "  large came before small by ");
	expect(text, "  small: TaintToleration 100 x 3 + ");
	expect(text, "\nNow, as if the pod had not been placed:\n");
	expect(text,
	       "    NodeResourcesFit 94 (94 at decision 1): LeastAllocated: cpu 100 x (1000m - "
	       "0m - 100m) / 1000m = 90; ");
	// Of its own node it is taken off, and put back.
	text = RUN(0, "default/p", "--node=large");
	expect(text, "LeastAllocated: cpu 100 x (4000m - 0m - 100m) / 4000m = 97; ");
	expect(text, "  cpu: 0 of 4000 are requested, the pod asks for 100\n");
	answer = harness_get(scheduler, "/debug/cluster?node=large");
	ck_assert_int_eq(json_object_get_int(cs_value_at(answer, "requested.cpu")), 100);
	expect(RUN(0, "default/p", "-o", "json"), "{\"pod\":\"default/p\",");
	expect(RUN(0, "default/p", "--color=always"), "\x1b[38;5;");
}
END_TEST

// Until the pod was decided once, in vain.
static void wait_condition(const char *pod)
{
	double end = harness_now() + HARNESS_PATIENCE;
	while (!harness_condition_of(kubesim, pod) && harness_now() < end)
		harness_sleep(0.02);
}

START_TEST(a_pod_that_waits)
{
	begin();
	harness_create_pod(kubesim, "p", "2");
	harness_wait_bound(kubesim, "p");
	harness_create_pod(kubesim, "q", "3");
	wait_condition("q");
	struct json_object *answer = explain("default/q&node=small");
	ck_assert_str_eq(cs_value_string_at(answer, "state"), "pending");
	ck_assert_str_eq(cs_value_string_at(answer, "queue"), "unschedulable");
	ck_assert_str_eq(cs_value_string_at(answer, "now.decision"), "unschedulable");
	ck_assert_str_eq(cs_value_string_at(answer, "now.onNode.plugin"), "NodeResourcesFit");
	struct json_object *groups = cs_value_at(answer, "now.rejected");
	ck_assert_uint_eq(json_object_array_length(groups), 1);
	ck_assert_int_eq(
		json_object_get_int(cs_value_at(json_object_array_get_idx(groups, 0), "nodes")), 2);

	const char *text = RUN(0, "default/q", "--node=large");
	expect(text, "Pod default/q: pending, queue unschedulable, attempts 1\n");
	expect(text, "      2 nodes  NodeResourcesFit: Insufficient cpu (");
	expect(text, "  large cannot take the pod: NodeResourcesFit: Insufficient cpu\n");

	expect(text, "    of cpu it asks 3000m, and 2000m of 4000m are left\n");
	expect(text, "  cpu: 2000 of 4000 are requested, the pod asks for 3000\n");

	// What is asked changes nothing: the pod is still rejected for the same, once.
	harness_delete(kubesim, "/api/v1/namespaces/default/pods/p");
	ck_assert_str_eq(harness_wait_bound(kubesim, "q"), "large");
}
END_TEST

static void create_pod(const char *name, const char *spec)
{
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"app\":\"web\"}},\"spec\":{"
		       "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}],%s}}",
		       name, spec);
}

#define ALONE                                                                                             \
	"\"schedulerName\":\"c-sched\",\"affinity\":{\"podAntiAffinity\":{"                               \
	"\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"kubernetes.io/hostname\"" \
	",\"labelSelector\":{\"matchLabels\":{\"app\":\"web\"}}}]}}"

// The same words in the table and in JSON.
START_TEST(a_pod_that_another_keeps_away)
{
	static const char words[] =
		"the pod must not be near pods with app=web in namespace default: the node's "
		"kubernetes.io/hostname node-1 has 1 pod (default/p)";
	kubesim = HARNESS_KUBESIM("--nodes=1");
	scheduler = HARNESS_C_SCHED(kubesim);
	create_pod("p", ALONE);
	harness_wait_bound(kubesim, "p");
	create_pod("q", ALONE);
	wait_condition("q");
	struct json_object *answer = explain("default/q&node=node-1");
	ck_assert_str_eq(cs_value_string_at(answer, "now.onNode.plugin"), "InterPodAffinity");
	ck_assert_str_eq(cs_value_string_at(answer, "now.onNode.numbers"), words);
	const char *text = RUN(0, "default/q", "--node=node-1");
	expect(text, "  node-1 cannot take the pod: InterPodAffinity: node(s) didn't match pod "
		     "anti-affinity rules\n");
	expect(text, words);
}
END_TEST

// Nothing is decided about them; the node is told of all the same.
START_TEST(pods_that_are_not_decided)
{
	begin();
	create_pod("gated",
		   "\"schedulerName\":\"c-sched\",\"schedulingGates\":[{\"name\":\"x.io/g\"}]");
	create_pod("other", "\"schedulerName\":\"another\"");
	create_pod("placed", "\"schedulerName\":\"c-sched\",\"nodeName\":\"small\"");
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"metadata\":{\"name\":\"doomed\",\"finalizers\":[\"x.io/f\"]},\"spec\":{"
		       "\"schedulerName\":\"c-sched\",\"nodeSelector\":{\"no\":\"where\"},"
		       "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
	harness_delete(kubesim, "/api/v1/namespaces/default/pods/doomed");
	harness_create_pod(kubesim, "last", "100m");
	harness_wait_bound(kubesim, "last"); // so that the others are known
	const char *text = RUN(0, "default/gated", "--node=large");
	expect(text, "It is not scheduled as long as it has gates.\n\nNode large now:\n");
	text = RUN(0, "default/other", "--node=large");
	expect(text, "It asks for the scheduler another: this c-sched does not place it.\n\nNode "
		     "large now:\n");
	expect(RUN(0, "default/placed"), "No decision about it is remembered: ");
	expect(RUN(0, "default/doomed"), "It is being deleted: it is not scheduled any more.\n");
}
END_TEST

START_TEST(what_is_not_there)
{
	begin();
	ck_assert_int_eq(harness_request(scheduler, "GET", "/explain?pod=a/b", NULL, NULL).status,
			 404);
	ck_assert_int_eq(harness_request(scheduler, "GET", "/explain?pod=b", NULL, NULL).status,
			 400);
	ck_assert_int_eq(harness_request(scheduler, "GET", "/explain", NULL, NULL).status, 400);
	ck_assert_int_eq(
		harness_request(scheduler, "GET", "/explain?pod=a/b&node=x", NULL, NULL).status,
		404);
}
END_TEST

static const struct {
	const char *arguments[3];
	int status;
	const char *words;
} command_lines[] = {
	{ { "a/b" }, 1, "c-sched explain: there is no pod" },
	{ { "a/b", "--node=x" }, 1, "c-sched explain: there is no node x (status 404)" },
	{ { "a/b", "--server=https://127.0.0.1:1" }, 1, "https://127.0.0.1:1: " },
	{ { "b" }, 2, "NAMESPACE/NAME" },
	{ { "a/" }, 2, "NAMESPACE/NAME" },
	{ { "/b" }, 2, "NAMESPACE/NAME" },
	{ { "a/b/c" }, 2, "NAMESPACE/NAME" },
	{ { "a/b", "c" }, 2, "NAMESPACE/NAME" },
	{ { "a/b", "--server=http://127.0.0.1:1" }, 2, "must begin with https://" },
	{ { "a/b", "--token-file=/dev/null" }, 2, "verified server alone" },
	{ { "a/b", "--client-key=/dev/null" }, 2, "need each other" },
	{ { "a/b", "--certificate-authority=/nonexistent" }, 2, "/nonexistent" },
	{ { "--help" }, 0, "Usage:\n  c-sched explain NAMESPACE/NAME [flags]" },
};

START_TEST(command_line)
{
	begin();
	expect(run(command_lines[_i].status, command_lines[_i].arguments), command_lines[_i].words);
}
END_TEST

// Another's CA: the certificate, of c-sched's own making, is not taken.
START_TEST(a_server_that_is_not_trusted)
{
	struct cs_endpoint endpoint = { 0 };
	struct cs_error err;
	kubesim = HARNESS_KUBESIM("--nodes=1", "--tls");
	scheduler = HARNESS_C_SCHED(kubesim);
	const struct cs_kubeconfig_sources sources = { .file = kubesim->kubeconfig };
	ck_assert_int_eq(cs_kubeconfig_load(&sources, &endpoint, &err), 0);
	const char *ca = harness_path("ca.pem");
	harness_write_file(ca, endpoint.ca_data);
	cs_endpoint_finish(&endpoint);
	CS_AUTO_FREE char *argument = cs_asprintf("--certificate-authority=%s", ca);
	expect(RUN(1, "a/b", argument), "certificate");
}
END_TEST

// ---- the plugin of kubectl ----

// Stands for kubectl: tells who holds the lease, and "forwards" to where c-sched listens.
#define KUBECTL                                                                             \
	"#!/bin/sh\n"                                                                       \
	"case \"$*\" in\n"                                                                  \
	"'--namespace kube-system get lease c-sched -o jsonpath={.spec.holderIdentity}')\n" \
	"	printf %s \"$HOLDER\" ;;\n"                                                       \
	"'--namespace kube-system port-forward pod/c-sched-7 :10259')\n"                    \
	"	echo $$ >\"$PID_FILE\"\n"                                                         \
	"	echo \"Forwarding from 127.0.0.1:$PORT -> 10259\"\n"                              \
	"	exec sleep 1000 ;;\n"                                                             \
	"*) echo \"kubectl: $*\" >&2; exit 1 ;;\n"                                          \
	"esac\n"

struct plugin {
	const char *path; // the fake kubectl's folder and c-sched's, and what was before
	const char *port;
	const char *pid_file;
	const char *holder;
	const char *lease;
	const char *pod;
};

static void become_plugin(void *user)
{
	const struct plugin *plugin = user;
	setenv("PATH", plugin->path, 1);
	setenv("PORT", plugin->port, 1);
	setenv("PID_FILE", plugin->pid_file, 1);
	setenv("HOLDER", plugin->holder, 1);
	setenv("CSCHED_LEASE", plugin->lease, 1);
	execl("hack/kubectl-csched", "kubectl-csched", "explain", plugin->pod, "--color=never",
	      (char *)NULL);
	perror("hack/kubectl-csched");
}

static const char *run_plugin(const struct plugin *plugin, int status)
{
	struct harness_process *process =
		harness_start_prepared("c-sched", (const char *const[]){ "--version", NULL },
				       become_plugin, (void *)plugin);
	ck_assert_int_eq(harness_wait_exit(process), status);
	return harness_read_file(process->log);
}

START_TEST(the_plugin_of_kubectl)
{
	char exe[4096] = "";
	ck_assert_int_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	*strstr(exe, "/test/integration/") = '\0'; // where c-sched is
	begin();
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	const char *kubectl = harness_path("kubectl");
	harness_write_file(kubectl, KUBECTL);
	ck_assert_int_eq(chmod(kubectl, 0700), 0);
	CS_AUTO_FREE char *folder = cs_strndup(kubectl, (size_t)(strrchr(kubectl, '/') - kubectl));
	CS_AUTO_FREE char *path = cs_asprintf("%s:%s:%s", folder, exe, getenv("PATH"));
	CS_AUTO_FREE char *port = cs_asprintf("%d", scheduler->port);
	struct plugin plugin = { .path = path,
				 .port = port,
				 .pid_file = harness_path("pid"),
				 .holder = "c-sched-7_0815",
				 .lease = "c-sched",
				 .pod = "default/p" };
	expect(run_plugin(&plugin, 0), "Pod default/p: bound on large\n");
	// The way to the pod is closed again.
	int pid = 0;
	ck_assert_int_eq(sscanf(harness_read_file(plugin.pid_file), "%d", &pid), 1);
	for (double end = harness_now() + HARNESS_PATIENCE; kill(pid, 0) == 0; harness_sleep(0.01))
		ck_assert_double_lt(harness_now(), end);
	plugin.pod = "default/nobody";
	expect(run_plugin(&plugin, 1), "there is no pod");
	plugin.holder = "";
	expect(run_plugin(&plugin, 1), "nobody holds the lease kube-system/c-sched");
	plugin.lease = "other";
	expect(run_plugin(&plugin, 1), "no lease kube-system/other; CSCHED_NAMESPACE and ");
	plugin.lease = "c-sched";
	plugin.pod = "--help";
	expect(run_plugin(&plugin, 0), "Usage:\n  c-sched explain NAMESPACE/NAME [flags]");
	plugin.pod = "default/p";
	plugin.holder = "another_1";
	expect(run_plugin(&plugin, 1), "no way to pod kube-system/another");
}
END_TEST

START_TEST(the_cluster)
{
	begin();
	struct json_object *answer = harness_get(scheduler, "/debug/cluster");
	// It answers before it has read what there is.
	for (double end = harness_now() + HARNESS_PATIENCE;
	     !json_object_get_boolean(cs_value_at(answer, "scheduling")) && harness_now() < end;
	     answer = harness_get(scheduler, "/debug/cluster"))
		harness_sleep(0.02);
	ck_assert_int_eq(json_object_get_int(cs_value_at(answer, "nodes")), 2);
	ck_assert(json_object_get_boolean(cs_value_at(answer, "scheduling")));
	ck_assert_int_eq(json_object_get_int(cs_value_at(answer, "queue.active")), 0);
	answer = harness_get(scheduler, "/debug/cluster?node=large");
	ck_assert_int_eq(json_object_get_int(cs_value_at(answer, "allocatable.cpu")), 4000);
	ck_assert_int_eq(
		harness_request(scheduler, "GET", "/debug/cluster?node=x", NULL, NULL).status, 404);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("integration/explain");
	TCase *tcase = tcase_create("explain");
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_bound_pod);
	tcase_add_test(tcase, a_pod_that_waits);
	tcase_add_test(tcase, a_pod_that_another_keeps_away);
	tcase_add_test(tcase, pods_that_are_not_decided);
	tcase_add_test(tcase, what_is_not_there);
	tcase_add_loop_test(tcase, command_line, 0, (int)CS_ARRAY_LENGTH(command_lines));
	tcase_add_test(tcase, a_server_that_is_not_trusted);
	tcase_add_test(tcase, the_plugin_of_kubectl);
	tcase_add_test(tcase, the_cluster);
	suite_add_tcase(suite, tcase);
	return suite;
}
