// Leader election over a coordination.k8s.io/v1 Lease, client-go's protocol (tools/leaderelection).
// A state machine fed with responses and time. Neighbours: client.h wires it before all else.
#ifndef CSCHED_CLIENT_LEASE_H
#define CSCHED_CLIENT_LEASE_H

#include <csched/base/log.h>
#include <csched/base/random.h>
#include <csched/client/transport.h>

// Durations in ns; kube-scheduler's are 15 s, 10 s, 2 s.
struct cs_lease_settings {
	const char *namespace;
	const char *name;
	const char *identity; // "<hostname>_<uuid>"
	int64_t duration;     // whole seconds
	int64_t renew_deadline;
	int64_t retry_period;
};

// As upstream: duration > renew_deadline > 1.2 * retry_period, all positive. -EINVAL in words.
int cs_lease_check(const struct cs_lease_settings *settings, struct cs_error *err);

struct cs_lease_options {
	struct cs_lease_settings settings; // strings are copied
	struct cs_transport *transport;
	struct cs_random *random; // must outlive the lease
	// True: we hold the lease from now on. False: we do not any more, for ever; `reason` in
	// words. The holder must have stopped acting when this returns, or exit.
	void (*leading)(void *user, bool leading, const char *reason);
	void (*notice)(void *user, enum cs_log_severity severity, const char *text);
	void *user;
};

struct cs_lease;

struct cs_lease *cs_lease_create(const struct cs_lease_options *options);
void cs_lease_destroy(struct cs_lease *lease);

void cs_lease_turn(struct cs_lease *lease, struct cs_time now);
int64_t cs_lease_deadline(const struct cs_lease *lease); // boot ns; INT64_MAX = none

// The fence: we lead, and the last successful renewal was sent less than renew_deadline ago.
bool cs_lease_valid(const struct cs_lease *lease, struct cs_time now);
// The watchdog: false if we lead but have not renewed for duration + 20 s.
bool cs_lease_healthy(const struct cs_lease *lease, struct cs_time now);

// Stops taking part; a lease we hold is given up so that another can take it at once. Only when all
// guarded work has ended. Further turns do it; over when cs_lease_released says so (at the latest
// after renew_deadline). `leading` is not called for it.
void cs_lease_release(struct cs_lease *lease, struct cs_time now);
bool cs_lease_released(const struct cs_lease *lease);

#endif
