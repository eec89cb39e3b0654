// The queue of writes: rate limit, order, retries, and what a doubtful binding came to.
// Neighbours: write.h is what goes in and comes out; transport.h performs.
#ifndef CSCHED_CLIENT_REQUESTS_H
#define CSCHED_CLIENT_REQUESTS_H

#include <csched/base/random.h>
#include <csched/client/transport.h>
#include <csched/client/write.h>

#define CS_REQUESTS_IN_FLIGHT_MAX 64   // of the server's 100 streams per connection
#define CS_REQUESTS_EVENTS_MAX    1000 // queued events; beyond that the oldest is dropped
#define CS_REQUESTS_TRIES_MAX     10
#define CS_REQUESTS_TIMEOUT       (15 * CS_SECOND)

struct cs_requests_options {
	struct cs_transport *transport;
	struct cs_random *random; // must outlive the queue
	double qps;               // token bucket; 0 = no limit
	unsigned burst;
	// Every write ends in exactly one call of this, also a dropped event (CS_WRITE_FAILED).
	void (*written)(void *user, const struct cs_write_result *result);
	// Asked immediately before each Binding is sent; false ends it as CS_WRITE_FAILED with the
	// pod known to be unbound. NULL = always.
	bool (*may_bind)(void *user, struct cs_time now);
	void *user;
};

struct cs_requests_stats {
	size_t queued;    // not started, or waiting for a retry
	size_t in_flight; // on the wire
	uint64_t retries;
	uint64_t dropped_events;
	uint64_t resolved; // doubtful bindings that a GET decided
};

struct cs_requests;

struct cs_requests *cs_requests_create(const struct cs_requests_options *options);
// Writes that have not ended are forgotten without a result.
void cs_requests_destroy(struct cs_requests *requests);

// Queues a copy; sent in the next turn: bindings first, then status patches, then events.
void cs_requests_send(struct cs_requests *requests, const struct cs_write *write);
void cs_requests_turn(struct cs_requests *requests, struct cs_time now);
int64_t cs_requests_deadline(const struct cs_requests *requests); // boot ns; INT64_MAX = none
struct cs_requests_stats cs_requests_stats(const struct cs_requests *requests);

#endif
