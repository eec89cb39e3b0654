// The process: its command line, its exit statuses, its endpoints, its end.
// Neighbours: harness.h runs the programs.
#include "../unit/check_main.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <csched/base/memory.h>

#include "harness.h"

// ---- the command line ----

static const struct {
	const char *arguments[4];
	int status;
	const char *words; // on standard output or error
} command_lines[] = {
	{ { "--help" }, 0, "--pod-max-in-unschedulable-pods-duration=DURATION" },
	{ { "--help" }, 0, "NodeResourcesFit scoringStrategy.type: " },
	{ { "-h" }, 0, "Exit status: 0" },
	{ { "--version" }, 0, "c-sched 0." },
	{ { "--kubecfg", "x" }, 2, "unknown flag: --kubecfg\nSee 'c-sched --help'." },
	{ { "--leader-elect=perhaps" }, 2, "--leader-elect: \"perhaps\"" },
	{ { "--leader-elect", "false" }, 2, "c-sched: takes no argument \"false\"" },
	{ { "--secure-port=70000" }, 2, "--secure-port: 70000 is not between 0 and 65535" },
	{ { "--leader-elect-retry-period=2" }, 2, "\"2\" is not a duration" },
	{ { "--logging-format=xml" }, 2, "--logging-format: \"xml\" is none of text|json" },
	{ { "--config" }, 2, "--config needs a value: FILE" },
	{ { "--tls-cert-file=x" }, 2, "need each other" },
	{ { "check-config" }, 2, "check-config takes one argument: FILE" },
	{ { "check-config", "--help" }, 0, "Usage:" },
	{ { "check-config", "x", "--config=y" }, 2, "--config goes without check-config" },
	{ { "--extender-bind" }, 2, "--extender-bind goes with --extender-port" },
	{ { "check-config", "/nonexistent.yaml" }, 1, "/nonexistent.yaml: No such file" },
	{ { "--config=/nonexistent.yaml" }, 1, "/nonexistent.yaml: No such file" },
	{ { "--kubeconfig=/nonexistent" }, 1, "/nonexistent: No such file" },
	{ { "--secure-port=0" }, 1, "c-sched: " }, // no API server is given in any way
};

START_TEST(command_line)
{
	harness_check_run("c-sched", command_lines[_i].arguments, command_lines[_i].status,
			  command_lines[_i].words);
}
END_TEST

static const struct {
	const char *program;
	const char *argument;
	const char *words;
} printers[] = {
	{ "c-sched", "--help", "c-sched: standard output: No space left on device" },
	{ "c-sched", "--version", "c-sched: standard output: No space left on device" },
	{ "kubesim", "--help", "kubesim: standard output: No space left on device" },
	{ "kubesim", "--version", "kubesim: standard output: No space left on device" },
};

START_TEST(standard_output_that_is_full)
{
	struct harness_process *process = harness_start_into(
		printers[_i].program, (const char *const[]){ printers[_i].argument, NULL },
		"/dev/full");
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert_msg(harness_logged(process, printers[_i].words), "%s",
		      harness_read_file(process->log));
}
END_TEST

// Every flag has its place in the man pages, and groff has nothing to say against them.
START_TEST(man_pages)
{
	CS_AUTO_FREE char *programs = realpath("/proc/self/exe", NULL);
	for (int i = 0; i < 3; i++)
		*strrchr(programs, '/') = '\0';
	CS_AUTO_FREE char *command = cs_asprintf("test/integration/man_pages.sh %s/c-sched %s",
						 programs, harness_path("man"));
	ck_assert_int_eq(system(command), 0);
}
END_TEST

// ---- files it reads ----

static int run_with_file(const char *flag, const char *text, struct harness_process **ret)
{
	const char *path = harness_path("file.yaml");
	CS_AUTO_FREE char *argument = cs_asprintf("%s%s", flag, path);
	harness_write_file(path, text);
	*ret = harness_start("c-sched", (const char *const[]){ argument, NULL });
	return harness_wait_exit(*ret);
}

static const struct {
	const char *text;
	const char *words;
} bad_configs[] = {
	{ "kind: [", "file.yaml" },
	{ "apiVersion: v1\nkind: ConfigMap\n", "file.yaml" },
	{ "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	  "profils: []\n",
	  "profils" },
	{ "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	  "profiles:\n- plugins:\n    score:\n      enabled: [{name: NoSuchPlugin}]\n",
	  "NoSuchPlugin" },
	{ "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	  "leaderElection: {leaseDuration: soon}\n",
	  "leaderElection.leaseDuration" },
};

START_TEST(bad_config)
{
	struct harness_process *process;
	ck_assert_int_eq(run_with_file("--config=", bad_configs[_i].text, &process), 1);
	ck_assert_msg(harness_logged(process, bad_configs[_i].words) &&
			      harness_logged(process, "file.yaml"),
		      "%s", harness_read_file(process->log));
	process =
		harness_start("c-sched", (const char *const[]){ "check-config",
								harness_path("file.yaml"), NULL });
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert(harness_logged(process, bad_configs[_i].words));
}
END_TEST

// All that is wrong, not the first alone, and what is in force is not printed then.
START_TEST(every_config_error)
{
	harness_write_file(harness_path("wrong.yaml"),
			   "apiVersion: kubescheduler.config.k8s.io/v1\n"
			   "kind: KubeSchedulerConfiguration\n"
			   "parallelism: 0\nprofils: []\nprofiles: [{schedulerName: a}, {}]\n");
	struct harness_process *process =
		harness_start("c-sched", (const char *const[]){ "check-config",
								harness_path("wrong.yaml"), NULL });
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert(harness_logged(process, "wrong.yaml: parallelism: Invalid value: 0: "));
	ck_assert(harness_logged(process, "wrong.yaml: profils: unknown field\n"));
	ck_assert(
		harness_logged(process, "wrong.yaml: profiles[1].schedulerName: Required value\n"));
	ck_assert(!harness_logged(process, "apiVersion"));
}
END_TEST

START_TEST(good_config)
{
	harness_write_file(harness_path("good.yaml"), "apiVersion: kubescheduler.config.k8s.io/v1\n"
						      "kind: KubeSchedulerConfiguration\n"
						      "profiles: [{schedulerName: c-sched}]\n");
	struct harness_process *process =
		harness_start("c-sched", (const char *const[]){ "check-config",
								harness_path("good.yaml"), NULL });
	ck_assert_int_eq(harness_wait_exit(process), 0);
	ck_assert(harness_logged(process, "- schedulerName: c-sched\n"));
	ck_assert(harness_logged(process, "leaseDuration: \"15s\"\n"));
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} bad_kubeconfigs[] = {
	{ "clusters: {", "file.yaml" },
	{ "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n", "nowhere" },
	{ "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
	  "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
	  "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', "
	  "certificate-authority: /nonexistent.crt}}]\nusers: [{name: u, user: {}}]\n",
	  "/nonexistent.crt" },
	{ "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
	  "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
	  "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
	  "users: [{name: u, user: {tokenFile: /nonexistent.token}}]\n",
	  "/nonexistent.token" },
};

START_TEST(bad_kubeconfig)
{
	struct harness_process *process;
	ck_assert_int_eq(run_with_file("--kubeconfig=", bad_kubeconfigs[_i].text, &process), 1);
	ck_assert_msg(harness_logged(process, bad_kubeconfigs[_i].words), "%s",
		      harness_read_file(process->log));
}
END_TEST

// With --config the deprecated flags do not count, and say so.
START_TEST(config_and_flags)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	CS_AUTO_FREE char *text = cs_asprintf("apiVersion: kubescheduler.config.k8s.io/v1\n"
					      "kind: KubeSchedulerConfiguration\n"
					      "clientConnection: {kubeconfig: %s}\n"
					      "profiles: [{schedulerName: c-sched}]\n",
					      kubesim->kubeconfig);
	const char *path = harness_path("config.yaml");
	harness_write_file(path, text);
	struct harness_process *process = harness_start(
		"c-sched",
		(const char *const[]){ "--config", path, "--kubeconfig=/nonexistent",
				       "--leader-elect=false", "--secure-port=0", NULL });
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	ck_assert(harness_logged(process, "--kubeconfig is ignored, as --config is given"));
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
}
END_TEST

// A file that says nothing of clientConnection, but of load: the flags count as without a file.
START_TEST(load_config_and_flags)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	const char *path = harness_path("config.yaml");
	harness_write_file(path,
			   "apiVersion: config.c-sched.io/v1alpha1\n"
			   "kind: LoadConfiguration\n"
			   "sources: [{name: notes, type: NodeAnnotations, metrics: [cpu]}]\n");
	CS_AUTO_FREE char *config = cs_asprintf("--config=%s", path);
	struct harness_process *process = HARNESS_C_SCHED(kubesim, config);
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	ck_assert(!harness_logged(process, "is ignored"));
}
END_TEST

// ---- servers that are none ----

// What the process gives up: new privileges, core files.
START_TEST(hardening)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=0");
	struct harness_process *process = HARNESS_C_SCHED(kubesim);
	CS_AUTO_FREE char *status = cs_asprintf("/proc/%d/status", process->pid);
	CS_AUTO_FREE char *limits = cs_asprintf("/proc/%d/limits", process->pid);
	ck_assert_ptr_nonnull(strstr(harness_read_file(status), "\nNoNewPrivs:\t1\n"));
	const char *core = strstr(harness_read_file(limits), "\nMax core file size ");
	ck_assert_ptr_nonnull(core);
	unsigned soft = 1, hard = 1;
	ck_assert_int_eq(sscanf(core, " Max core file size %u %u", &soft, &hard), 2);
	ck_assert_uint_eq(soft + hard, 0);
}
END_TEST

static struct harness_process *start_against(const char *server)
{
	static struct harness_process other;
	CS_AUTO_FREE char *text =
		cs_asprintf("apiVersion: v1\nkind: Config\ncurrent-context: x\n"
			    "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
			    "clusters: [{name: c, cluster: {server: '%s'}}]\n"
			    "users: [{name: u, user: {}}]\n",
			    server);
	other.kubeconfig = harness_path("kubeconfig");
	harness_write_file(other.kubeconfig, text);
	return HARNESS_C_SCHED(&other);
}

START_TEST(not_a_kubernetes_server)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=0");
	CS_AUTO_FREE char *server = cs_asprintf("http://127.0.0.1:%d/elsewhere", kubesim->port);
	struct harness_process *process = start_against(server);
	harness_wait_logged(process, "404");
	ck_assert_int_eq(harness_request(process, "GET", "/readyz", NULL, NULL).status, 500);
	ck_assert_int_eq(harness_request(process, "GET", "/livez", NULL, NULL).status, 200);
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
}
END_TEST

START_TEST(nobody_listens)
{
	struct harness_process *process = start_against("http://127.0.0.1:1");
	harness_wait_logged(process, "127.0.0.1");
	ck_assert_int_eq(harness_request(process, "GET", "/readyz", NULL, NULL).status, 500);
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
}
END_TEST

// ---- endpoints ----

START_TEST(endpoints)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=2");
	struct harness_process *process = HARNESS_C_SCHED(kubesim);
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");

	struct harness_response r = harness_request(process, "GET", "/readyz?verbose", NULL, NULL);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(r.body, "[+]ping ok\n[+]informer-sync ok\n[+]shutdown ok\n"
				 "[+]sched-handler-sync ok\nreadyz check passed\n");
	ck_assert_str_eq(harness_request(process, "GET", "/healthz", NULL, NULL).body, "ok");
	ck_assert_str_eq(harness_request(process, "GET", "/readyz/ping", NULL, NULL).body, "ok");
	ck_assert_int_eq(harness_request(process, "GET", "/livez/x", NULL, NULL).status, 404);
	ck_assert_int_eq(harness_request(process, "GET", "/nowhere", NULL, NULL).status, 404);
	ck_assert_int_eq(harness_request(process, "POST", "/metrics", NULL, "x").status, 405);

	r = harness_request(process, "GET", "/metrics", NULL, NULL);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_nonnull(strstr(r.body, "\nscheduler_schedule_attempts_total{"));
	ck_assert_ptr_nonnull(strstr(r.body, "\nrest_client_requests_total{"));
	ck_assert_ptr_nonnull(strstr(r.body, "\nprocess_resident_memory_bytes "));
	ck_assert_ptr_nonnull(strstr(r.body, "\ncsched_watch_lists_total "));
	ck_assert_ptr_null(strstr(r.body, "\ncsched_watch_lists_total 0\n"));
	ck_assert_ptr_nonnull(strstr(r.body, "\ncsched_watch_failures_total 0\n"));
	static const char last_data[] =
		"\ncsched_watch_last_data_timestamp_seconds{resource=\"pods\"} ";
	const char *pods = strstr(r.body, last_data);
	ck_assert_ptr_nonnull(pods);
	double age = (double)time(NULL) - strtod(pods + strlen(last_data), NULL);
	ck_assert_double_ge(age, -2);
	ck_assert_double_le(age, HARNESS_PATIENCE);
	ck_assert_ptr_nonnull(strstr(r.body, "\ncsched_mailbox_depth "));
	ck_assert_ptr_nonnull(strstr(r.body, "\nprocess_open_fds "));
	ck_assert_ptr_null(strstr(r.body, "\nprocess_open_fds 0\n"));
	ck_assert_ptr_nonnull(strstr(r.body, "csched_build_info{version=\"0."));

	ck_assert_ptr_nonnull(strstr(r.body, "\nprocess_start_time_seconds "));

	r = harness_request(process, "GET", "/metrics/slis", NULL, NULL);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_nonnull(strstr(r.body, "\nkubernetes_healthchecks_total{name=\"ping\",status="
					     "\"success\",type=\"healthz\"} "));
	ck_assert_ptr_nonnull(strstr(r.body, "\nprocess_start_time_seconds "));

	struct json_object *config = harness_get(process, "/configz");
	ck_assert_ptr_nonnull(cs_value_at(config, "componentconfig.profiles"));
	ck_assert_str_eq(cs_value_string_at(config, "componentconfig.leaderElection.resourceName"),
			 "c-sched");

	const char *ask = "/debug/decisions";
	struct json_object *list = cs_value_at(harness_get(process, ask), "decisions");
	ck_assert_int_eq((int)json_object_array_length(list), 1);
	ck_assert_int_eq(
		harness_request(process, "GET", "/debug/decisions?pod=a/b", NULL, NULL).status,
		404);
	ck_assert_int_eq(
		harness_request(process, "GET", "/debug/decisions?pod=b", NULL, NULL).status, 400);
	ck_assert_int_eq(
		harness_request(process, "GET", "/debug/decisions?limit=-1", NULL, NULL).status,
		400);
}
END_TEST

// More scrapers at once than anybody has, all from one address: each is answered.
START_TEST(many_scrapers)
{
	enum { SCRAPERS = 120 };
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *process = HARNESS_C_SCHED(kubesim);
	CS_AUTO_FREE char *url = cs_asprintf("https://127.0.0.1:%d/metrics", process->port);
	CURL *clients[SCRAPERS];
	CURLM *all = curl_multi_init();
	FILE *nowhere = fopen("/dev/null", "we");
	ck_assert_ptr_nonnull(nowhere);
	for (int i = 0; i < SCRAPERS; i++) {
		clients[i] = curl_easy_init();
		curl_easy_setopt(clients[i], CURLOPT_URL, url);
		curl_easy_setopt(clients[i], CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(clients[i], CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(clients[i], CURLOPT_WRITEDATA, nowhere);
		curl_easy_setopt(clients[i], CURLOPT_PROXY, "");
		curl_easy_setopt(clients[i], CURLOPT_TIMEOUT, 60L);
		curl_multi_add_handle(all, clients[i]);
	}
	for (int running = 1; running > 0; curl_multi_poll(all, NULL, 0, 100, NULL))
		curl_multi_perform(all, &running);
	for (int i = 0; i < SCRAPERS; i++) {
		long status = 0;
		curl_easy_getinfo(clients[i], CURLINFO_RESPONSE_CODE, &status);
		ck_assert_int_eq(status, 200);
		curl_multi_remove_handle(all, clients[i]);
		curl_easy_cleanup(clients[i]);
	}
	curl_multi_cleanup(all);
	fclose(nowhere);
}
END_TEST

START_TEST(the_port_is_taken)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=0");
	CS_AUTO_FREE char *port = cs_asprintf("--secure-port=%d", kubesim->port);
	struct harness_process *process = harness_start(
		"c-sched", (const char *const[]){ "--kubeconfig", kubesim->kubeconfig, port,
						  "--bind-address=127.0.0.1", NULL });
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert(harness_logged(process, "127.0.0.1"));
}
END_TEST

START_TEST(unreadable_certificate)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=0");
	struct harness_process *process = harness_start(
		"c-sched",
		(const char *const[]){ "--kubeconfig", kubesim->kubeconfig, "--any-port",
				       "--tls-cert-file=/nonexistent.pem",
				       "--tls-private-key-file=/nonexistent.key", NULL });
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert(harness_logged(process, "/nonexistent.pem"));
}
END_TEST

START_TEST(json_logs)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *process = HARNESS_C_SCHED(kubesim, "--logging-format=json");
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_logged(process, "Successfully bound pod to node");
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
	CS_AUTO_FREE char *log = cs_strdup(harness_read_file(process->log));
	char *rest = log;
	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		struct json_object *tree = NULL;
		struct cs_error err = { 0 };
		ck_assert_msg(cs_value_read_json(cs_slice_of(line), &tree, &err) == 0, "%s: %s",
			      err.text, line);
		ck_assert_ptr_nonnull(cs_value_string_at(tree, "msg"));
		json_object_put(tree);
	}
}
END_TEST

// ---- the end ----

START_TEST(ends_on_a_signal)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=3");
	struct harness_process *process = HARNESS_C_SCHED(kubesim);
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	ck_assert_int_eq(harness_stop(process, _i ? SIGINT : SIGTERM), 0);
	ck_assert(harness_logged(process, "Requested to terminate, exiting"));
}
END_TEST

// A server that does not answer any more must not hold the end up.
START_TEST(ends_without_the_server)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=3");
	struct harness_process *process = HARNESS_C_SCHED(kubesim);
	harness_wait_logged(process, "Starting to schedule");
	harness_create_pod(kubesim, "p", "100m");
	kill(kubesim->pid, SIGSTOP);
	harness_sleep(0.2);
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
	kill(kubesim->pid, SIGCONT);
}
END_TEST

START_TEST(lease_times_that_contradict)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=0");
	struct harness_process *process = harness_start(
		"c-sched", (const char *const[]){ "--kubeconfig", kubesim->kubeconfig,
						  "--leader-elect-lease-duration=1s", NULL });
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert(harness_logged(process, "c-sched: leaderElection.leaseDuration: Invalid value: "
					  "\"10s\": must be greater than `RenewDeadline`"));
}
END_TEST

// It waits for a kubeconfig that somebody is to write into a pipe.
START_TEST(ends_while_it_starts)
{
	const char *pipe = harness_path("pipe");
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	struct harness_process *process =
		harness_start("c-sched", (const char *const[]){ "--kubeconfig", pipe, NULL });
	harness_sleep(0.5);
	ck_assert(harness_is_running(process));
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
}
END_TEST

// Somebody else's SIGUSR1 changes nothing.
START_TEST(other_signals)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *process = HARNESS_C_SCHED(kubesim);
	kill(process->pid, SIGUSR1);
	kill(process->pid, SIGPIPE);
	harness_sleep(0.1);
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
	ck_assert_int_eq(harness_stop(process, SIGTERM), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("process");
	TCase *tcase = tcase_create("process");
	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_add_loop_test(tcase, command_line, 0, (int)CS_ARRAY_LENGTH(command_lines));
	tcase_add_loop_test(tcase, standard_output_that_is_full, 0, (int)CS_ARRAY_LENGTH(printers));
	tcase_add_test(tcase, man_pages);
	tcase_add_loop_test(tcase, bad_config, 0, (int)CS_ARRAY_LENGTH(bad_configs));
	tcase_add_test(tcase, every_config_error);
	tcase_add_test(tcase, good_config);
	tcase_add_loop_test(tcase, bad_kubeconfig, 0, (int)CS_ARRAY_LENGTH(bad_kubeconfigs));
	tcase_add_test(tcase, config_and_flags);
	tcase_add_test(tcase, load_config_and_flags);
	tcase_add_test(tcase, hardening);
	tcase_add_test(tcase, not_a_kubernetes_server);
	tcase_add_test(tcase, nobody_listens);
	tcase_add_test(tcase, endpoints);
	tcase_add_test(tcase, many_scrapers);
	tcase_add_test(tcase, the_port_is_taken);
	tcase_add_test(tcase, unreadable_certificate);
	tcase_add_test(tcase, json_logs);
	tcase_add_loop_test(tcase, ends_on_a_signal, 0, 2);
	tcase_add_test(tcase, ends_without_the_server);
	tcase_add_test(tcase, lease_times_that_contradict);
	tcase_add_test(tcase, ends_while_it_starts);
	tcase_add_test(tcase, other_signals);
	suite_add_tcase(suite, tcase);
	return suite;
}
