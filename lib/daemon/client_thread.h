// The thread that talks to the API server: it owns the client, and carries messages both ways.
// Neighbours: core.c on the other side; client/client.h does the talking.
#ifndef DAEMON_CLIENT_THREAD_H
#define DAEMON_CLIENT_THREAD_H

#include <csched/base/clock.h>
#include <csched/base/log.h>
#include <csched/base/mailbox.h>
#include <csched/base/metric.h>
#include <csched/client/client.h>
#include <csched/client/lookup.h>

#include "daemon/access.h"
#include "daemon/status.h"

// After the order to stop, writes that have not ended and a lease that could not be given up are
// abandoned after this.
#define CS_CLIENT_THREAD_STOP_MAX (1500 * CS_MILLISECOND)

struct cs_client_thread_options {
	const struct cs_endpoint *endpoint;    // borrowed, as all pointers here
	const struct cs_lease_settings *lease; // NULL = no leader election
	double qps;
	unsigned burst;
	uint64_t seed;
	const struct cs_log *log;
	struct cs_clock clock;
	struct cs_metrics *metrics;
	struct cs_daemon_status *status;
	struct cs_mailbox *core; // gets batches, results, CS_CORE_LEADING, CS_CORE_ENDED last
	struct cs_transport *transport; // NULL = curl; else taken over (tests)
	struct cs_review_ttls review_ttls;
	// Told on the client's thread what was looked up of clients' certificates; NULL = nothing
	// is looked up.
	void (*trust)(void *user, const struct cs_lookup_found *found);
	void *user;
	bool must_look_up; // else the thread ends
};

// Kinds watched: nodes, namespaces, services, replication controllers, replica sets, stateful sets
// and pods.
#define CS_CLIENT_THREAD_WATCHES 7

struct cs_client_thread;

// Reads credentials and starts the thread; nothing is sent to the server before that.
int cs_client_thread_create(const struct cs_client_thread_options *options,
			    struct cs_client_thread **ret, struct cs_error *err);
// Waits for the thread, which must have been told to stop or have ended by itself.
void cs_client_thread_destroy(struct cs_client_thread *thread);

void cs_client_thread_write(struct cs_client_thread *thread, const struct cs_write *write);
// Any thread; takes the message, which ends in cs_access_answer or in a 503.
void cs_client_thread_review(struct cs_client_thread *thread, struct cs_message_review *review);
void cs_client_thread_credit(struct cs_client_thread *thread, size_t bytes);
void cs_client_thread_stop(struct cs_client_thread *thread);

#endif
