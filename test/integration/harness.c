// What the integration tests share: real processes, HTTP requests, waiting for what must come true.
// Neighbours: every test_*.c here; libcurl speaks to both programs.
#include "harness.h"

#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/kube/quantity.h>

#define PROCESSES_MAX 8
#define ARGUMENTS_MAX 40
#define BODY_MAX      (64u << 20)
#define POLL          0.01

static struct {
	char folder[PATH_MAX];
	struct cs_arena *arena;
	struct harness_process processes[PROCESSES_MAX];
	int n_processes;
	struct json_object *trees[16384];
	int n_trees;
} world;

// ---- a test's world ----

void harness_setup(void)
{
	memset(&world, 0, sizeof(world));
	snprintf(world.folder, sizeof(world.folder), "%s/c-sched-test-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(world.folder));
	world.arena = cs_arena_create();
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

// With KEEP_LOGS set the folder stays, for whoever looks for a failure.
void harness_teardown(void)
{
	for (int i = 0; i < world.n_processes; i++) {
		if (world.processes[i].pid)
			harness_stop(&world.processes[i], SIGKILL);
		// A sanitizer's report counts also where the exit status was not looked at.
		const char *log = harness_read_file(world.processes[i].log);
		ck_assert_msg(!strstr(log, "Sanitizer") && !strstr(log, "runtime error:"), "%s",
			      log);
	}
	for (int i = 0; i < world.n_trees; i++)
		json_object_put(world.trees[i]);
	if (!getenv("KEEP_LOGS"))
		nftw(world.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	cs_arena_destroy(world.arena);
	curl_global_cleanup();
}

const char *harness_path(const char *name)
{
	return cs_arena_printf(world.arena, "%s/%s", world.folder, name);
}

void harness_write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

const char *harness_read_file(const char *path)
{
	CS_AUTO_FREE char *text = NULL;
	size_t size;
	if (cs_file_read(path, BODY_MAX, &text, &size, NULL) < 0)
		return "";
	return cs_arena_strndup(world.arena, text, size);
}

double harness_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void harness_sleep(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };
	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

// ---- processes ----

// The programs lie three folders above the test: build/<variant>/test/integration/test_x.
static const char *program_path(const char *program)
{
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	ck_assert_int_gt(size, 0);
	self[size] = '\0';
	char *folder = dirname(dirname(dirname(self)));
	return cs_arena_printf(world.arena, "%s/%s", folder, program);
}

struct plan {
	const char *const *arguments;
	const char *output; // NULL = the log
	void (*prepare)(void *user);
	void *user;
};

__attribute__((noreturn)) static void become(const char *path, const struct plan *plan,
					     const char *log)
{
	const char *argv[ARGUMENTS_MAX + 2] = { path };
	for (int i = 0; i < ARGUMENTS_MAX && plan->arguments[i]; i++)
		argv[i + 1] = plan->arguments[i];
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (plan->output)
		dup2(open(plan->output, O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	if (plan->prepare)
		plan->prepare(plan->user);
	execv(path, (char *const *)argv);
	_exit(127);
}

static struct harness_process *start(const char *program, const struct plan *plan)
{
	ck_assert_int_lt(world.n_processes, PROCESSES_MAX);
	struct harness_process *process = &world.processes[world.n_processes];
	CS_AUTO_FREE char *name = cs_asprintf("%s-%d.log", program, world.n_processes++);
	const char *path = program_path(program);
	process->log = harness_path(name);
	process->pid = fork();
	ck_assert_int_ge(process->pid, 0);
	if (process->pid == 0)
		become(path, plan, process->log);
	return process;
}

struct harness_process *harness_start(const char *program, const char *const *arguments)
{
	return start(program, &(struct plan){ .arguments = arguments });
}

struct harness_process *harness_start_into(const char *program, const char *const *arguments,
					   const char *output)
{
	return start(program, &(struct plan){ .arguments = arguments, .output = output });
}

struct harness_process *harness_start_prepared(const char *program, const char *const *arguments,
					       void (*prepare)(void *user), void *user)
{
	return start(program,
		     &(struct plan){ .arguments = arguments, .prepare = prepare, .user = user });
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int harness_wait_exit(struct harness_process *process)
{
	int status;
	for (double end = harness_now() + HARNESS_PATIENCE; harness_now() < end;
	     harness_sleep(POLL))
		if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
			process->pid = 0;
			return exit_status(status);
		}
	ck_abort_msg("it did not end: %s", harness_read_file(process->log));
}

int harness_stop(struct harness_process *process, int signal)
{
	int status;
	ck_assert_int_gt(process->pid, 0);
	kill(process->pid, signal);
	if (signal != SIGKILL)
		return harness_wait_exit(process);
	waitpid(process->pid, &status, 0);
	process->pid = 0;
	return exit_status(status);
}

bool harness_is_running(struct harness_process *process)
{
	int status;
	if (process->pid && waitpid(process->pid, &status, WNOHANG) == process->pid)
		process->pid = 0;
	return process->pid != 0;
}

bool harness_logged(const struct harness_process *process, const char *words)
{
	return strstr(harness_read_file(process->log), words) != NULL;
}

struct harness_process *harness_check_run(const char *program, const char *const *arguments,
					  int status, const char *words)
{
	struct harness_process *process = harness_start(program, arguments);
	ck_assert_int_eq(harness_wait_exit(process), status);
	ck_assert_msg(harness_logged(process, words), "%s", harness_read_file(process->log));
	return process;
}

void harness_wait_logged(const struct harness_process *process, const char *words)
{
	double end = harness_now() + HARNESS_PATIENCE;
	while (!harness_logged(process, words)) {
		if (harness_now() > end)
			ck_abort_msg("not logged: \"%s\"\n%s", words,
				     harness_read_file(process->log));
		harness_sleep(POLL);
	}
}

// Below the range of ip_local_port_range; processes begin to look at different places.
int harness_port(void)
{
	enum { FIRST = 12000, PORTS = 20000 };
	static int used;
	for (int i = 0; i < PORTS; i++) {
		int port = FIRST + (int)(((unsigned)getpid() * 7 + (unsigned)used++) % PORTS);
		CS_AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct sockaddr_in address = { .sin_family = AF_INET,
					       .sin_port = htons((uint16_t)port),
					       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return port;
	}
	ck_abort_msg("no port is free");
}

// The number a process writes into its port file once it listens.
static int wait_port(struct harness_process *process, const char *file)
{
	double end = harness_now() + HARNESS_PATIENCE;
	int port = 0;
	while (sscanf(harness_read_file(file), "%d", &port) != 1) {
		if (!harness_is_running(process) || harness_now() > end)
			ck_abort_msg("it does not serve: %s", harness_read_file(process->log));
		harness_sleep(POLL);
	}
	return port;
}

static size_t append(const char **to, size_t n, const char *const *from)
{
	for (; *from; from++) {
		ck_assert_uint_lt(n, ARGUMENTS_MAX);
		to[n++] = *from;
	}
	return n;
}

struct harness_process *harness_kubesim(const char *const *arguments)
{
	const char *port_file =
		harness_path(cs_arena_printf(world.arena, "port-%d", world.n_processes));
	const char *kubeconfig =
		harness_path(cs_arena_printf(world.arena, "kubeconfig-%d", world.n_processes));
	const char *all[ARGUMENTS_MAX + 1] = { "--port=0", "--port-file", port_file,
					       "--kubeconfig-out", kubeconfig };
	append(all, 5, arguments);
	struct harness_process *process = harness_start("kubesim", all);
	process->kubeconfig = kubeconfig;
	for (; *arguments; arguments++) {
		if (!strcmp(*arguments, "--tls"))
			process->tls = true;
		else if (cs_string_prefix(*arguments, "--token="))
			process->token = *arguments + strlen("--token=");
	}
	process->port = wait_port(process, port_file);
	return process;
}

struct harness_process *harness_c_sched(const struct harness_process *kubesim,
					const char *const *arguments)
{
	const char *port_file =
		harness_path(cs_arena_printf(world.arena, "port-%d", world.n_processes));
	const char *all[ARGUMENTS_MAX + 1] = {
		"--kubeconfig", kubesim->kubeconfig, "--leader-elect=false",     "--any-port",
		"--port-file",  port_file,           "--bind-address=127.0.0.1", "-v=3"
	};
	append(all, 8, arguments);
	struct harness_process *process = harness_start("c-sched", all);
	process->tls = true;
	process->port = wait_port(process, port_file);
	return process;
}

// ---- requests ----

static size_t take_body(char *data, size_t size, size_t n, void *user)
{
	return cs_buffer_append(user, data, size * n) < 0 ? 0 : size * n;
}

static CURL *make_request(const char *method, const char *url, struct cs_buffer *body)
{
	CURL *curl = curl_easy_init();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)HARNESS_PATIENCE);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	return curl;
}

struct harness_response harness_request(const struct harness_process *process, const char *method,
					const char *path, const char *content_type,
					const char *body)
{
	CS_AUTO_BUFFER struct cs_buffer answer;
	CS_AUTO_FREE char *type = cs_asprintf("Content-Type: %s", content_type ? content_type : "");
	CS_AUTO_FREE char *url = cs_asprintf("http%s://127.0.0.1:%d%s", process->tls ? "s" : "",
					     process->port, path);
	struct curl_slist *headers = curl_slist_append(NULL, type);
	long status = 0;

	cs_buffer_init(&answer, BODY_MAX);
	headers = curl_slist_append(headers, "Accept: application/json, */*");
	if (process->token) {
		CS_AUTO_FREE char *bearer = cs_asprintf("Authorization: Bearer %s", process->token);
		headers = curl_slist_append(headers, bearer);
	}
	CURL *curl = make_request(method, url, &answer);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return (struct harness_response){
		.status = (int)status,
		.body = cs_arena_strndup(world.arena, answer.data, answer.size),
	};
}

static struct json_object *keep_tree(const char *text)
{
	struct json_object *tree = NULL;
	struct cs_error err = { 0 };
	ck_assert_msg(cs_value_read_json(cs_slice_of(text), &tree, &err) == 0, "%s: %s", err.text,
		      text);
	ck_assert_int_lt(world.n_trees, (int)CS_ARRAY_LENGTH(world.trees));
	world.trees[world.n_trees++] = tree;
	return tree;
}

struct json_object *harness_get(const struct harness_process *process, const char *path)
{
	struct harness_response response = harness_request(process, "GET", path, NULL, NULL);
	ck_assert_msg(response.status == 200, "GET %s: %d %s", path, response.status,
		      response.body);
	return keep_tree(response.body);
}

void harness_create(const struct harness_process *process, const char *path, const char *format,
		    ...)
{
	va_list args;
	CS_AUTO_FREE char *body = NULL;
	va_start(args, format);
	ck_assert_int_ge(vasprintf(&body, format, args), 0);
	va_end(args);
	struct harness_response response =
		harness_request(process, "POST", path, "application/json", body);
	ck_assert_msg(response.status == 201, "POST %s: %d %s", path, response.status,
		      response.body);
}

void harness_faults(const struct harness_process *kubesim, const char *script)
{
	struct harness_response response =
		harness_request(kubesim, "POST", "/kubesim/faults", "application/yaml", script);
	ck_assert_msg(response.status == 200, "faults: %d %s", response.status, response.body);
}

int harness_faults_hit(const struct harness_process *kubesim)
{
	struct json_object *rules = cs_value_at(harness_get(kubesim, "/kubesim/state"), "faults");
	ck_assert_int_gt((int)json_object_array_length(rules), 0);
	return json_object_get_int(cs_value_at(json_object_array_get_idx(rules, 0), "hit"));
}

int harness_bindings(const struct harness_process *kubesim)
{
	return json_object_get_int(cs_value_at(harness_get(kubesim, "/kubesim/state"), "bindings"));
}

void harness_wait_faults_hit(const struct harness_process *kubesim)
{
	double end = harness_now() + HARNESS_PATIENCE;
	while (harness_faults_hit(kubesim) == 0) {
		ck_assert_msg(harness_now() < end, "no fault has struck");
		harness_sleep(POLL * 5);
	}
}

// ---- pods and nodes ----

void harness_create_node(const struct harness_process *kubesim, const char *name, const char *cpu)
{
	harness_create(kubesim, "/api/v1/nodes",
		       "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\"},"
		       "\"status\":{\"capacity\":{\"cpu\":\"%s\",\"memory\":\"16Gi\",\"pods\":"
		       "\"110\"},\"allocatable\":{\"cpu\":\"%s\",\"memory\":\"16Gi\",\"pods\":"
		       "\"110\"}}}",
		       name, cpu, cpu);
}

void harness_create_pod(const struct harness_process *kubesim, const char *name, const char *cpu)
{
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\"},"
		       "\"spec\":{\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":\"c\","
		       "\"image\":\"i:1\",\"resources\":{\"requests\":{\"cpu\":\"%s\"}}}]}}",
		       name, cpu);
}

void harness_delete(const struct harness_process *kubesim, const char *path)
{
	struct harness_response response = harness_request(kubesim, "DELETE", path, NULL, NULL);
	ck_assert_msg(response.status == 200 || response.status == 202, "DELETE %s: %d %s", path,
		      response.status, response.body);
}

// NULL where there is no such pod.
static struct json_object *get_pod(const struct harness_process *kubesim, const char *pod)
{
	CS_AUTO_FREE char *path = cs_asprintf("/api/v1/namespaces/default/pods/%s", pod);
	struct harness_response response = harness_request(kubesim, "GET", path, NULL, NULL);
	return response.status == 200 ? keep_tree(response.body) : NULL;
}

const char *harness_node_of(const struct harness_process *kubesim, const char *pod)
{
	struct json_object *tree = get_pod(kubesim, pod);
	const char *node = tree ? cs_value_string_at(tree, "spec.nodeName") : NULL;
	return node && *node ? node : NULL;
}

const char *harness_wait_bound(const struct harness_process *kubesim, const char *pod)
{
	const char *node;
	double end = harness_now() + HARNESS_PATIENCE;
	while (!(node = harness_node_of(kubesim, pod))) {
		if (harness_now() > end)
			ck_abort_msg("pod %s is not bound", pod);
		harness_sleep(POLL * 5);
	}
	return node;
}

struct harness_pods harness_count_pods(const struct harness_process *kubesim)
{
	struct harness_pods pods = { 0, 0 };
	struct json_object *items = cs_value_at(harness_get(kubesim, "/api/v1/pods"), "items");
	for (size_t i = 0; items && i < json_object_array_length(items); i++) {
		struct json_object *pod = json_object_array_get_idx(items, i);
		const char *scheduler = cs_value_string_at(pod, "spec.schedulerName");
		const char *node = cs_value_string_at(pod, "spec.nodeName");
		if (!scheduler || strcmp(scheduler, "c-sched") != 0)
			continue;
		if (node && *node)
			pods.bound++;
		else
			pods.pending++;
	}
	return pods;
}

void harness_wait_all_bound(const struct harness_process *kubesim, int pods)
{
	double end = harness_now() + HARNESS_PATIENCE;
	for (;;) {
		struct harness_pods now = harness_count_pods(kubesim);
		if (now.bound == pods && now.pending == 0)
			return;
		if (harness_now() > end)
			ck_abort_msg("%d pods are bound, %d pending, %d should be", now.bound,
				     now.pending, pods);
		harness_sleep(POLL * 10);
	}
}

const char *harness_condition_of(const struct harness_process *kubesim, const char *pod)
{
	struct json_object *tree = get_pod(kubesim, pod);
	struct json_object *list = tree ? cs_value_at(tree, "status.conditions") : NULL;
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *condition = json_object_array_get_idx(list, i);
		if (cs_string_equal(cs_value_string_at(condition, "type"), "PodScheduled") &&
		    cs_string_equal(cs_value_string_at(condition, "status"), "False"))
			return cs_value_string_at(condition, "message");
	}
	return NULL;
}

// What a node offers and what its pods ask, in milli-CPU.
struct load {
	const char *name;
	int64_t offered;
	int64_t asked;
};

static int64_t milli(const char *quantity)
{
	struct cs_quantity q;
	struct cs_error err = { 0 };
	if (!quantity)
		return 0;
	ck_assert_msg(cs_quantity_parse(cs_slice_of(quantity), &q, &err) == 0, "%s", err.text);
	return cs_quantity_milli(q);
}

static int64_t asked_by(struct json_object *pod)
{
	struct json_object *containers = cs_value_at(pod, "spec.containers");
	int64_t sum = 0;
	for (size_t i = 0; containers && i < json_object_array_length(containers); i++)
		sum += milli(cs_value_string_at(json_object_array_get_idx(containers, i),
						"resources.requests.cpu"));
	return sum;
}

void harness_check_nodes(const struct harness_process *kubesim)
{
	struct json_object *nodes = cs_value_at(harness_get(kubesim, "/api/v1/nodes"), "items");
	struct json_object *pods = cs_value_at(harness_get(kubesim, "/api/v1/pods"), "items");
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		struct load load = {
			.name = cs_value_string_at(node, "metadata.name"),
			.offered = milli(cs_value_string_at(node, "status.allocatable.cpu")),
		};
		for (size_t j = 0; j < json_object_array_length(pods); j++) {
			struct json_object *pod = json_object_array_get_idx(pods, j);
			if (cs_string_equal(cs_value_string_at(pod, "spec.nodeName"), load.name))
				load.asked += asked_by(pod);
		}
		ck_assert_msg(load.asked <= load.offered, "node %s has %ldm CPU, %ldm are asked",
			      load.name, (long)load.offered, (long)load.asked);
	}
}
