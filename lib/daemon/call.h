// A call of one of the extender's verbs: what was asked, what is answered, and what is answered
// when there is no time left.
// Neighbours: extender.c receives and answers it, verbs.c decides on the core thread.
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <csched/base/list.h>
#include <csched/base/mailbox.h>
#include <csched/http/server.h>
#include <csched/kube/extender.h>

#include "daemon/guests.h"

enum cs_verb {
	CS_VERB_FILTER,
	CS_VERB_PRIORITIZE,
	CS_VERB_PREEMPT,
	CS_VERB_BIND,
	CS_VERB_COUNT,
};
extern const char *const cs_verb_names[CS_VERB_COUNT]; // as in the URL: "filter"

// How a call ended, for its metric.
enum cs_call_result {
	CS_CALL_DONE,
	CS_CALL_FALLBACK,  // the model is not complete, or the pod cannot be judged: all pass
	CS_CALL_LATE,      // the core did not answer in time: the same
	CS_CALL_ERROR,     // a plugin failed, a Binding was refused
	CS_CALL_MALFORMED, // answered 400
	CS_CALL_RESULT_COUNT,
};
extern const char *const cs_call_results[CS_CALL_RESULT_COUNT];

// Made by an HTTP thread, then with the core, which sends it back. What was asked is constant.
struct cs_call {
	struct cs_message message; // CS_CORE_CALL; back from the core: CS_CALL_ANSWERED
	enum cs_verb verb;
	struct cs_mailbox *back; // where the core sends it
	atomic_bool late; // it has been answered: the core need not decide, and must not bind

	struct cs_buffer body;     // what the requests' slices point into
	struct cs_http_room *room; // of the body; NULL where nobody counts it
	struct cs_arena *arena;
	struct cs_extender_args args; // filter, prioritize
	struct cs_extender_preemption preemption;
	struct cs_extender_binding binding;
	struct cs_slice pod; // JSON of the pod; size 0 = none, as with bind
	const char *uid;     // of the pod

	// The core's while it decides.
	uint32_t *rows; // of args' nodes
	struct cs_guests guests;

	// The core's: arrays as the request's nodes, in the arena. Until `result` is set they say
	// nothing.
	enum cs_call_result result;
	struct cs_extender_verdict *verdicts;   // filter; NULL = all pass
	uint8_t *scores;                        // prioritize; NULL = all equal
	struct cs_extender_victims *candidates; // preempt: a subset of the request's; NULL = all
	uint32_t n_candidates;
	const char *error; // of filter and bind; NULL = none

	// The extender's, under its lock.
	struct cs_list open; // answered by nobody yet
	struct cs_http_pending *pending;
	int64_t begun;    // boot ns
	int64_t deadline; // boot ns
};

// Reads a request and takes its body over, also where it fails: -EINVAL, -EMSGSIZE with words.
int cs_call_create(enum cs_verb verb, struct cs_buffer *body, struct cs_call **ret,
		   struct cs_error *err);
// A call that nobody has answered is answered 503. Finishing leaves the struct itself.
void cs_call_finish(struct cs_call *call);
void cs_call_destroy(struct cs_call *call);

// The core: done with it; it goes back.
void cs_call_return(struct cs_call *call, enum cs_call_result result);

// What the core decided, as the body of the answer. With `splices` (may be NULL) parts of it are
// left in the call's body, which then must outlive them.
void cs_call_write(const struct cs_call *call, struct cs_buffer *out, struct cs_splices *splices);
// What changes nothing: all nodes, equal scores, the victims as they came; for bind an error. Any
// thread, whatever the core does.
void cs_call_write_fallback(const struct cs_call *call, const char *why, struct cs_buffer *out);

#endif
