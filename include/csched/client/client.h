// Everything that talks to one API server, on one thread: watches, writes, the lease.
// Neighbours: reflector.h, requests.h, lease.h over transport.h; the daemon owns the thread.
#ifndef CSCHED_CLIENT_CLIENT_H
#define CSCHED_CLIENT_CLIENT_H

#include <csched/base/log.h>
#include <csched/base/metric.h>
#include <csched/client/change.h>
#include <csched/client/kubeconfig.h>
#include <csched/client/lease.h>
#include <csched/client/reflector.h>
#include <csched/client/requests.h>
#include <csched/client/write.h>

#define CS_CLIENT_BACKLOG_MAX ((size_t)256 << 20)

// What the client announces, all on the client thread, from cs_client_turn alone (a notice also
// from cs_client_create). No callback may be NULL but `leading` without a lease.
struct cs_client_sink {
	void *user;
	void (*batch)(void *user, struct cs_batch *batch); // takes it
	void (*written)(void *user, const struct cs_write_result *result);
	void (*leading)(void *user, bool leading, const char *reason); // see lease.h
	void (*notice)(void *user, enum cs_log_severity severity, const char *text);
};

struct cs_client_watch {
	const struct cs_kind *kind;
	const char *field_selector; // NULL = none; static
};

#define CS_CLIENT_POD_SELECTOR "status.phase!=Succeeded,status.phase!=Failed"

struct cs_client_options {
	const struct cs_endpoint *endpoint;    // must outlive the client
	const struct cs_client_watch *watches; // copied
	size_t n_watches;
	double qps; // of writes; 0 = no limit
	unsigned burst;
	const struct cs_lease_settings *lease; // copied; NULL = no leader election
	size_t list_max;                       // bytes; 0 = CS_REFLECTOR_LIST_MAX
	size_t backlog_max;                    // bytes; 0 = CS_CLIENT_BACKLOG_MAX
	int64_t watch_silence;                 // ns; 0 = CS_REFLECTOR_WATCH_SILENCE
	uint64_t seed;
	struct cs_metrics *metrics; // may be NULL
	struct cs_client_sink sink;
	struct cs_transport *transport; // NULL = curl; else taken over (tests)
};

struct cs_client;

// Reads credential files; opens no connection yet. NULL with `err` on failure. The program must
// ignore SIGPIPE.
struct cs_client *cs_client_create(const struct cs_client_options *options, struct cs_error *err);
void cs_client_destroy(struct cs_client *client);

// Performs what is possible without waiting: the lease first, then writes, then watches.
void cs_client_turn(struct cs_client *client, struct cs_time now);
// Waits for the network, a timer of the client, cs_client_wakeup, or `timeout` ns (< 0 = no limit).
void cs_client_wait(struct cs_client *client, int64_t timeout);
void cs_client_wakeup(struct cs_client *client); // any thread

// Queues a write; its result comes by sink.written.
void cs_client_write(struct cs_client *client, const struct cs_write *write);

// The receiver is done with a batch of that many bytes (batch->bytes). Any thread. While more than
// backlog_max is outstanding, the newest watch is cancelled; it is relisted below half of it.
void cs_client_credit(struct cs_client *client, size_t bytes);

// True when every watched kind has told its CS_CHANGE_SYNCED.
bool cs_client_synced(const struct cs_client *client);

// For calls beside its own; theirs end before the client's.
struct cs_transport *cs_client_transport(struct cs_client *client);

// NULL without leader election.
struct cs_lease *cs_client_lease(struct cs_client *client);

// The end: watches are cancelled, queued writes still go out, and when none is left the lease is
// released. Go on turning until cs_client_stopped.
void cs_client_stop(struct cs_client *client, struct cs_time now);
bool cs_client_stopped(const struct cs_client *client);

struct cs_client_stats {
	struct cs_requests_stats requests;
	size_t backlog; // bytes of batches not yet credited
};
struct cs_client_stats cs_client_stats(const struct cs_client *client);
struct cs_reflector_stats cs_client_watch_stats(const struct cs_client *client, size_t watch);

#endif
