// Running an exec credential plugin without ever waiting for it.
// Neighbours: credentials.c alone uses it; kubeconfig.h describes the plugin.
#ifndef CSCHED_LIB_CLIENT_EXEC_PLUGIN_H
#define CSCHED_LIB_CLIENT_EXEC_PLUGIN_H

#include <stdint.h>
#include <sys/types.h>

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/base/error.h>
#include <csched/client/kubeconfig.h>

struct cs_exec_run {
	pid_t pid; // 0 = not running
	int fd;    // its standard output
	int64_t started;
	struct cs_buffer out;
};

// What it printed. Strings are NULL when absent; end with cs_exec_result_finish.
struct cs_exec_result {
	char *token;
	char *certificate; // PEM
	char *key;
	int64_t expires; // Unix ns; 0 = never
};

// Starts the plugin. `ca` is the PEM of the cluster's CA or NULL.
int cs_exec_run_start(struct cs_exec_run *run, const struct cs_endpoint *endpoint, const char *ca,
		      struct cs_time now, struct cs_error *err);
// 0 = still running, 1 = *ret is filled, < 0 = it failed; not running any more after both.
int cs_exec_run_poll(struct cs_exec_run *run, const struct cs_endpoint *endpoint,
		     struct cs_time now, struct cs_exec_result *ret, struct cs_error *err);
// Kills it if it runs.
void cs_exec_run_stop(struct cs_exec_run *run);

void cs_exec_result_finish(struct cs_exec_result *result); // clears secrets

#endif
