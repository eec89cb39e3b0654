// The running scheduler: its threads, its endpoints, its end.
// Neighbours: cmd/c-sched fills the options; everything below is wired here.
#ifndef CSCHED_DAEMON_DAEMON_H
#define CSCHED_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/log.h>
#include <csched/client/kubeconfig.h>
#include <csched/client/lookup.h>
#include <csched/framework/config.h>

#define CS_DAEMON_PORT_NONE (-1) // no endpoints
#define CS_DAEMON_PORT_FREE 0    // any free port

// Proxies that authenticate users and say in headers who they are, as the API server does for the
// servers behind it.
struct cs_daemon_proxies {
	const char *client_ca_file;  // who signs proxies' certificates; "" = see `lookup`
	struct cs_proxy_names names; // of no use without that file
};

// Whether what the flags do not say of clients' certificates is looked up in the API server.
enum cs_daemon_lookup {
	CS_DAEMON_LOOKUP_NONE,
	CS_DAEMON_LOOKUP_TRY,  // what fails is tried again
	CS_DAEMON_LOOKUP_MUST, // if it fails at the start, that is the end
};

struct cs_daemon_serving {
	const char *address;
	int port;
	const char *certificate_file; // with key_file; both "" = self-signed, in memory
	const char *key_file;
	bool tls13;                 // nothing older
	const char *client_ca_file; // whose certificates say who a client is; "" = see `lookup`
	struct cs_daemon_proxies proxies;
	enum cs_daemon_lookup lookup;
	// Comma-separated paths that everybody may read, "/readyz/*" meaning all below. Of other
	// paths the API server says who may.
	const char *open_paths;
	bool loopback;         // but clients on this machine may read all
	int64_t token_ttl;     // ns that the API server's verdicts hold: whose a token is,
	int64_t allowed_ttl;   // that somebody may,
	int64_t denied_ttl;    // that somebody may not
	const char *port_file; // "" = none; gets the port's number once we listen
};

// The listener that answers kube-scheduler. Strings are "" where not given.
struct cs_daemon_extender {
	const char *address; // numeric
	int port;            // CS_DAEMON_PORT_NONE = none
	const char *certificate_file;
	const char *key_file;
	const char *client_ca_file;
	const char *allowed_names; // of clients' certificates, comma-separated; "" = any
	bool allow_unauthenticated;
	bool bind;           // verb bind sends Bindings
	int64_t timeout;     // ns until an answer that changes nothing
	const char *profile; // by its schedulerName; "" = the built-in one
};

// Borrowed; must live as long as cs_daemon_run.
struct cs_daemon_options {
	const struct cs_config *config;
	const struct cs_endpoint *endpoint;
	const struct cs_log *log;
	struct cs_daemon_serving serving;
	struct cs_daemon_extender extender;
	const struct cs_plugin *const *plugins; // all there are, for the extender's profile
	bool emit_events;
	uint32_t n_decisions; // size of the ring
	const char *version;
};

// Once, before any thread: until cs_daemon_run waits for SIGTERM and SIGINT these end the process
// at once with status 0. Gives up what the process needs not (new privileges, core files, being
// traced).
int cs_daemon_prepare(struct cs_error *err);

// Runs until SIGTERM or SIGINT, until the lease is lost, or until a lookup that must succeed fails.
// Returns the exit status: 0 = asked to end, 1 = one of the others, as the log says; negative: it
// could not start, as `err` says.
int cs_daemon_run(const struct cs_daemon_options *options, struct cs_error *err);

#endif
