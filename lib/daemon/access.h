// Who may read what of secure serving: paths for all, clients on this machine, and whom the API
// server lets. Neighbours: endpoints.c asks; client_thread.c has the API server's verdicts.
#ifndef DAEMON_ACCESS_H
#define DAEMON_ACCESS_H

#include <csched/client/review.h>
#include <csched/daemon/daemon.h>
#include <csched/http/server.h>

#include "daemon/message.h"
#include "daemon/proxy.h"

struct cs_access {
	struct cs_proxies *proxies; // borrowed
	const char *open_paths;     // as in struct cs_daemon_serving; borrowed
	// Clients on this machine may read all, but for proxies and who shows a bad certificate.
	bool loopback;
	// Takes the question and has cs_access_answer called on it; false: it takes none (yet).
	bool (*review)(void *user, struct cs_message_review *review);
	void *user;
};

// Whether this request needs no question.
bool cs_access_is_free(const struct cs_access *access, const struct cs_http_request *request);
// Defers the answer of a request and asks; `response` is filled where that cannot be. A path that
// is not `known` is nobody's business: who has not said who he is gets 403 without a question.
void cs_access_ask(const struct cs_access *access, struct cs_http_request *request,
		   struct cs_http_response *response, bool known);
// The verdict: the request's handler is asked again, or its client told why not. The message is not
// freed.
void cs_access_answer(struct cs_message_review *review, const struct cs_review_result *result);

#endif
