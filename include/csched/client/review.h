// Asking the API server who somebody is by a bearer token (TokenReview), and whether somebody may
// do something with a path (SubjectAccessReview). Neighbours: transport.h performs; the daemon asks
// for those who ask it.
#ifndef CSCHED_CLIENT_REVIEW_H
#define CSCHED_CLIENT_REVIEW_H

#include <csched/client/transport.h>

#define CS_REVIEW_TIMEOUT       (10 * CS_SECOND) // of one call
#define CS_REVIEW_IN_FLIGHT_MAX 16          // calls; so that strangers cannot busy the API server
#define CS_REVIEW_WAITING_MAX   256         // asks without an answer; further ones fail at once
#define CS_REVIEW_CACHED_MAX    1024        // of each kind
#define CS_REVIEW_TOKEN_MAX     (64u << 10) // bytes; a longer token is nobody's
#define CS_REVIEW_GROUPS_MAX    256

enum cs_review_outcome {
	CS_REVIEW_ALLOWED,
	CS_REVIEW_DENIED,
	CS_REVIEW_UNKNOWN, // the token is nobody's, or nobody could be asked whose it is
	CS_REVIEW_FAILED,  // nobody could be asked whether it is allowed
};

// Borrowed during the callback.
struct cs_review_result {
	enum cs_review_outcome outcome;
	const char *user;    // "" = unknown
	const char *message; // DENIED: the authorizer's reason; else what went wrong; "" = nothing
	bool broken;         // the API server did not answer as it should: `message` is for the log
};

// Copied by ask. The verdicts are those of kube-scheduler's delegated authentication and
// authorization: members of system:masters may do all without a question.
struct cs_review_ask {
	const char *token; // bearer token; NULL = the next ones say who it is
	const char *user;
	const char *uid;   // NULL = none
	const char *extra; // the JSON of an object of arrays of strings; NULL = nothing
	const char *const *groups;
	size_t n_groups;
	const char *verb; // "get"
	const char *path; // "/metrics"
	// Called once, in ask itself, in a turn of the transport or in destroy.
	void (*done)(void *user, const struct cs_review_result *result);
	void *done_user;
};

// How long answers hold; ns, 0 = not at all.
struct cs_review_ttls {
	int64_t token; // whose a token is, or that it is nobody's
	int64_t allowed;
	int64_t denied;
};

struct cs_reviews;

// One thread: the transport's, which must outlive it. `seed` is for hashing.
struct cs_reviews *cs_reviews_create(struct cs_transport *transport,
				     const struct cs_review_ttls *ttls, uint64_t seed);
// Asks that have no answer yet end as CS_REVIEW_FAILED.
void cs_reviews_destroy(struct cs_reviews *reviews); // NULL is fine
void cs_reviews_ask(struct cs_reviews *reviews, struct cs_time now,
		    const struct cs_review_ask *ask);

#endif
