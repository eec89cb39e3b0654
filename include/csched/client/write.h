// What the scheduler writes to the API server, and how each write ended.
// Neighbours: requests.c sends them and resolves doubtful endings; the daemon carries both ways.
#ifndef CSCHED_CLIENT_WRITE_H
#define CSCHED_CLIENT_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/kube/kind.h>

enum cs_write_kind {
	CS_WRITE_BIND,   // POST pods/NAME/binding with the UID as precondition
	CS_WRITE_STATUS, // PATCH pods/NAME/status, strategic merge
	CS_WRITE_EVENT,  // POST events.k8s.io/v1 events, or PATCH of its series
	CS_WRITE_KIND_COUNT,
};

// One write. Strings are copied by cs_requests_send.
struct cs_write {
	enum cs_write_kind kind;
	uint64_t ticket; // the sender's number, returned in the result
	const char *namespace;
	const char *name; // of the pod; of the event
	const char *uid;  // of the pod
	const char *node; // CS_WRITE_BIND
	// Bytes ready to send: CS_WRITE_STATUS a strategic merge patch in JSON, CS_WRITE_EVENT an
	// Event in protobuf with its envelope, or with `patch` a merge patch in JSON.
	const void *body;
	size_t body_size;
	bool patch; // CS_WRITE_EVENT: PATCH (merge) an existing event instead of POST
	// With `patch`: the whole Event as above, created where the server has it no more (404).
	const void *whole;
	size_t whole_size;
	// CS_WRITE_BIND: no write of its own. The one with this ticket is not wanted any more:
	// where the server cannot have stored it, it ends as CS_WRITE_FAILED, else as it would have
	// ended.
	bool withdraw;
};

enum cs_write_outcome {
	CS_WRITE_DONE,      // it holds now, whoever's request it was that did it
	CS_WRITE_ELSEWHERE, // bind: the pod is on another node: result->node
	CS_WRITE_GONE,      // the pod does not exist any more, or its name has another UID now
	CS_WRITE_REFUSED,   // the server will not (4xx): no use to repeat as it is
	CS_WRITE_FAILED,    // retries are used up; bind: the pod is known to be unbound
};

struct cs_write_result {
	uint64_t ticket;
	enum cs_write_kind kind;
	enum cs_write_outcome outcome;
	int status;          // HTTP, 0 = no answer
	const char *node;    // CS_WRITE_ELSEWHERE; borrowed during the callback
	const char *message; // the server's or transport's words; borrowed
};

#endif
