// What the integration tests share: real processes, HTTP requests, waiting for what must come true.
// Neighbours: every test_*.c here; each test gets a folder of its own and leaves no process.
#ifndef TEST_INTEGRATION_HARNESS_H
#define TEST_INTEGRATION_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <csched/base/value.h>

// Seconds until something that must come true is given up: no measure of the program, but what a
// starved machine and a sanitizer need.
#define HARNESS_PATIENCE 60.0

// ---- a test's world ----

// Makes the folder; fixtures of every test case. Teardown kills what still runs and removes it.
void harness_setup(void);
void harness_teardown(void);
// A path in the folder; valid until the test ends.
const char *harness_path(const char *name);
void harness_write_file(const char *path, const char *text);
// The whole file, "" where there is none; valid until the test ends.
const char *harness_read_file(const char *path);

double harness_now(void); // seconds, monotonic
void harness_sleep(double seconds);

// ---- processes ----

struct harness_process {
	pid_t pid;              // 0 = ended
	const char *log;        // path of its standard output and error
	int port;               // it serves on 127.0.0.1
	bool tls;               // it serves HTTPS
	const char *token;      // kubesim: asks for this, NULL = for none
	const char *kubeconfig; // kubesim: how to talk to it
};

// Runs a program of the build under test ("c-sched", "kubesim") with arguments up to a NULL.
struct harness_process *harness_start(const char *program, const char *const *arguments);
// As harness_start; `prepare` is called in the new process before the program, and may say on
// standard error why it ends that instead.
struct harness_process *harness_start_prepared(const char *program, const char *const *arguments,
					       void (*prepare)(void *user), void *user);
// As harness_start, with standard output going to that file and only errors to the log.
struct harness_process *harness_start_into(const char *program, const char *const *arguments,
					   const char *output);
// Signals it and waits: the exit status, or 128 + the signal that killed it.
int harness_stop(struct harness_process *process, int signal);
// Waits for an end that comes by itself: the exit status.
int harness_wait_exit(struct harness_process *process);
bool harness_is_running(struct harness_process *process);
bool harness_logged(const struct harness_process *process, const char *words);
// Runs a program to its end, which must have this status, and have said this.
struct harness_process *harness_check_run(const char *program, const char *const *arguments,
					  int status, const char *words);
void harness_wait_logged(const struct harness_process *process, const char *words);
// A port of 127.0.0.1 that stays free until it is used, be it after its first user's end: none that
// the kernel gives to connections or to who asks for any.
int harness_port(void);

// kubesim on a free port with further arguments ("--tls" and "--token=T" are understood), once it
// answers.
struct harness_process *harness_kubesim(const char *const *arguments);
#define HARNESS_KUBESIM(...) \
	harness_kubesim((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
// c-sched against it without leader election, with -v=3, serving on a free port.
struct harness_process *harness_c_sched(const struct harness_process *kubesim,
					const char *const *arguments);
#define HARNESS_C_SCHED(kubesim, ...) \
	harness_c_sched(kubesim, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

// ---- requests ----

struct harness_response {
	int status;       // 0 = no answer
	const char *body; // valid until the test ends
};

// `body` NULL = none. Any certificate is taken.
struct harness_response harness_request(const struct harness_process *process, const char *method,
					const char *path, const char *content_type,
					const char *body);
// GET that must succeed, read as JSON; valid until the test ends.
struct json_object *harness_get(const struct harness_process *process, const char *path);
// POST of a JSON object that must be created. `format` as printf.
__attribute__((format(printf, 3, 4))) void harness_create(const struct harness_process *process,
							  const char *path, const char *format,
							  ...);

// Replaces kubesim's fault rules (lib/sim/README.md); "" = none.
void harness_faults(const struct harness_process *kubesim, const char *script);
// How often its first fault rule has struck.
int harness_faults_hit(const struct harness_process *kubesim);
// Waits until it has.
void harness_wait_faults_hit(const struct harness_process *kubesim);
// How many bindings it has stored.
int harness_bindings(const struct harness_process *kubesim);

// ---- pods and nodes in namespace default ----

void harness_create_node(const struct harness_process *kubesim, const char *name, const char *cpu);
// schedulerName c-sched.
void harness_create_pod(const struct harness_process *kubesim, const char *name, const char *cpu);
void harness_delete(const struct harness_process *kubesim, const char *path);
// spec.nodeName, NULL while unbound or gone.
const char *harness_node_of(const struct harness_process *kubesim, const char *pod);
// Waits until it is bound and returns where.
const char *harness_wait_bound(const struct harness_process *kubesim, const char *pod);
// How many pods of schedulerName c-sched there are in all namespaces, bound and not.
struct harness_pods {
	int bound;
	int pending;
};
struct harness_pods harness_count_pods(const struct harness_process *kubesim);
void harness_wait_all_bound(const struct harness_process *kubesim, int pods);
// The message of the condition PodScheduled=False, NULL if there is none.
const char *harness_condition_of(const struct harness_process *kubesim, const char *pod);
// Fails the test where a node's pods ask more CPU than it has.
void harness_check_nodes(const struct harness_process *kubesim);

#endif
