// The command line of c-sched. Neighbours: main.c acts on it; base/flags.h parses.
#ifndef CMD_C_SCHED_OPTIONS_H
#define CMD_C_SCHED_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/flags.h>
#include <csched/daemon/daemon.h>
#include <csched/framework/config.h>

// Exit statuses of the program; README.md and --help name them.
enum {
	EXIT_ENDED = 0,  // asked to end by a signal; --help, --version; check-config found no error
	EXIT_FAILED = 1, // could not start, lost the lease, or check-config found an error
	EXIT_USAGE = 2,  // the command line is wrong
};

struct options {
	bool help;
	bool version;
	const char *config;
	const char *kubeconfig;
	const char *master;
	double qps;
	int64_t burst;
	bool elect;
	int64_t lease_duration;
	int64_t renew_deadline;
	int64_t retry_period;
	const char *lease_name;
	const char *lease_namespace;
	const char *address;
	int64_t port;
	bool any_port;
	const char *certificate_file;
	const char *key_file;
	int tls_version; // position in the flag's choices
	const char *client_ca_file;
	struct cs_daemon_proxies proxies;
	int64_t token_ttl;
	int64_t allowed_ttl;
	int64_t denied_ttl;
	const char *open_paths;
	bool loopback;
	bool skip_lookup;
	bool tolerate_lookup_failure;
	const char *port_file;
	struct {
		const char *address;
		int64_t port;
		const char *certificate_file;
		const char *key_file;
		const char *client_ca_file;
		const char *allowed_names;
		bool allow_unauthenticated;
		bool bind;
		int64_t timeout;
		const char *profile;
	} extender;
	int64_t max_unschedulable;
	int64_t verbosity;
	int log_format; // enum cs_log_format
	bool emit_events;
	int64_t decisions;

	struct cs_flags_result flags;
	bool extender_config; // print what kube-scheduler needs to call us
	const char *check;    // the file of `check-config FILE`, else NULL
	bool probe;           // and ask its sources of load figures
};

// -EINVAL with words; finish also then.
int options_parse(const char **argv, struct options *ret, struct cs_error *err);

void options_finish(struct options *options);

// Prints --help on standard output.
void options_help(void);

// Brings flags into what the file said: with a file only the leader election's and
// --pod-max-in-unschedulable-pods-duration count, as upstream. Each flag that does not count is
// named to `warn`. `config` is changed.
void options_apply(const struct options *options, struct cs_config *config,
		   void (*warn)(void *user, const char *text), void *user);

#endif
