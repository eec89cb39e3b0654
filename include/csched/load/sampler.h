// One source, asked again and again: interval, timeout, back-off, one round at a time.
// A state machine fed with responses and time. Neighbours: source.h says what is asked, part.h what
// comes of it; client/transport.h performs.
#ifndef CSCHED_LOAD_SAMPLER_H
#define CSCHED_LOAD_SAMPLER_H

#include <csched/base/random.h>
#include <csched/client/transport.h>
#include <csched/load/part.h>
#include <csched/load/source.h>

// After n rounds in a row without an answer the next one begins interval * 2^n after the last one's
// end, but at most CS_SAMPLER_BACKOFF_MAX, or the interval where that is longer. A Retry-After is
// respected up to CS_SAMPLER_RETRY_MAX.
#define CS_SAMPLER_BACKOFF_MAX (60 * CS_SECOND)
#define CS_SAMPLER_RETRY_MAX   (300 * CS_SECOND)

enum cs_sampler_result {
	CS_SAMPLER_OK,
	CS_SAMPLER_EMPTY,        // answered, but with no sample
	CS_SAMPLER_UNREACHABLE,  // no connection, broken connection, TLS
	CS_SAMPLER_TIMEOUT,      // no whole answer in time
	CS_SAMPLER_UNAUTHORIZED, // 401
	CS_SAMPLER_FORBIDDEN,    // 403
	CS_SAMPLER_NOT_FOUND,    // 404
	CS_SAMPLER_REFUSED,      // another status that is not 2xx
	CS_SAMPLER_TOO_LARGE,    // more than body_max
	CS_SAMPLER_BROKEN,       // not JSON, or not in the form it must have
	CS_SAMPLER_RESULT_COUNT,
};
const char *cs_sampler_result_name(enum cs_sampler_result result); // "ok", "empty", ...

// How a question ended in one round. Borrowed during the callback.
struct cs_sampler_outcome {
	uint32_t question; // cs_source_question
	enum cs_sampler_result result;
	const char *words;          // what is wrong; "" when nothing is
	const struct cs_part *part; // NULL = there is none
};

struct cs_sampler_sink {
	void *user;
	// May a round begin? Asked when one is due; after a "no" again in the next turn. NULL =
	// yes.
	bool (*ready)(void *user);
	// Each question ends in one of these in each round...
	void (*outcome)(void *user, const struct cs_sampler_outcome *outcome);
	// ... and, where it has samples, this behind it. Takes the part.
	void (*part)(void *user, struct cs_part *part);
	// Behind the last question. `duration` in ns.
	void (*round)(void *user, int64_t duration);
};

struct cs_sampler_options {
	const struct cs_source *source; // must outlive the sampler
	struct cs_transport *transport; // taken over
	uint64_t seed;
	struct cs_sampler_sink sink; // called from cs_sampler_turn alone
};

struct cs_sampler;

struct cs_sampler *cs_sampler_create(const struct cs_sampler_options *options);
void cs_sampler_destroy(struct cs_sampler *sampler); // a round in flight is forgotten

// Performs what is possible without waiting; the first round is due at once. Questions are asked
// one after the other. One that fails does not stop the next, but when nobody can be reached the
// round is over.
void cs_sampler_turn(struct cs_sampler *sampler, struct cs_time now);
// Waits for the network, a round that is due, cs_sampler_wakeup, or `timeout` ns.
void cs_sampler_wait(struct cs_sampler *sampler, struct cs_time now, int64_t timeout);
void cs_sampler_wakeup(struct cs_sampler *sampler); // any thread
// boot ns of the next turn with work of its own; INT64_MAX = none.
int64_t cs_sampler_deadline(const struct cs_sampler *sampler);

#endif
