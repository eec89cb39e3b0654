// curl's easy handles as this client sets them up, and those at rest, so that a request costs no
// setting up. Neighbours: transport_curl.c lends them to calls.
#ifndef CSCHED_LIB_CLIENT_HANDLES_H
#define CSCHED_LIB_CLIENT_HANDLES_H

#include <curl/curl.h>

#include <csched/client/credentials.h>

#define CS_HANDLES_MAX 128 // at rest

struct cs_handle {
	CURL *easy;
	uint64_t tls_version;
};

struct cs_handles {
	const struct cs_endpoint *endpoint; // borrowed
	char *user_agent;
	struct curl_slist *connect_to; // with a tls-server-name; set before the first is taken
	bool tls;
	struct cs_handle idle[CS_HANDLES_MAX];
	size_t n_idle;
};

void cs_handles_init(struct cs_handles *handles, const struct cs_endpoint *endpoint,
		     const char *user_agent);
void cs_handles_finish(struct cs_handles *handles);

// One with the certificates of `view`. What depends on the request is for the caller to set, and to
// take off what dies with it before the handle is put back.
CURL *cs_handles_take(struct cs_handles *handles, const struct cs_credentials_view *view);
void cs_handles_put(struct cs_handles *handles, struct cs_handle handle);
// Ends those at rest: their certificates are of yesterday.
void cs_handles_drop(struct cs_handles *handles);

#endif
