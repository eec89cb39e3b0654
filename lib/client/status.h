// What the server said when it said no: meta/v1 Status, in protobuf or JSON.
// Neighbours: reflector.c, requests.c, lease.c read refusals with it.
#ifndef CSCHED_LIB_CLIENT_STATUS_H
#define CSCHED_LIB_CLIENT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/client/transport.h>

// Strings are in the arena and never NULL.
struct cs_status {
	int code; // HTTP
	const char *reason;
	const char *message;
	int64_t retry_after;    // ns; 0 = not said
	bool version_too_large; // the server does not know the resource version yet
};

// Of a response that is not a success or broke: the Status in its body, or, where there is none,
// the transport's words or the beginning of what came instead.
struct cs_status cs_status_of(const struct cs_response *response, struct cs_arena *arena);

// Whether the body of an answer is a Status, as the API server's answer to a Binding is; something
// between us and it may answer 200 with a page of its own. No body at all counts as one.
bool cs_status_is_one(const struct cs_response *response, struct cs_arena *arena);

// Of the object of an ERROR event of a watch (with its envelope).
struct cs_status cs_status_of_event(struct cs_slice object, struct cs_arena *arena);

#endif
