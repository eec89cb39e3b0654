// Credentials that change while we run: token files, certificate files, exec plugins.
// Neighbours: kubeconfig.h says where they come from; transport_curl.c sends them.
#ifndef CSCHED_CLIENT_CREDENTIALS_H
#define CSCHED_CLIENT_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/clock.h>
#include <csched/base/error.h>
#include <csched/client/kubeconfig.h>

#define CS_CREDENTIALS_TOKEN_PERIOD (60 * CS_SECOND)  // between looks at a token file
#define CS_CREDENTIALS_CERT_PERIOD  (300 * CS_SECOND) // between looks at CA, certificate and key
#define CS_CREDENTIALS_EXEC_MAX     (60 * CS_SECOND)  // an exec plugin is killed after this
#define CS_CREDENTIALS_EXEC_LEEWAY  (10 * CS_SECOND)  // an exec credential is renewed this early

struct cs_credentials;

// What requests carry now. Borrowed until the next cs_credentials_turn. NULL = none.
struct cs_credentials_view {
	bool ready;                // false: an exec plugin has not answered yet; hold requests back
	const char *authorization; // "Bearer ...", "Basic ..."
	const char *ca;            // PEM
	const char *certificate;   // PEM
	const char *key;           // PEM
	uint64_t token_version;    // grows when authorization changes
	uint64_t tls_version;      // grows when ca, certificate or key change: use new connections
};

typedef void (*cs_credentials_notice_f)(void *user, const char *text);

// `endpoint` must outlive the credentials. Files are read now: an unreadable one is an error that
// names it. `notice` hears later failures (the old credentials stay in use); it may be NULL.
struct cs_credentials *cs_credentials_create(const struct cs_endpoint *endpoint,
					     cs_credentials_notice_f notice, void *user,
					     struct cs_error *err);
void cs_credentials_destroy(struct cs_credentials *credentials); // ends a running plugin

// Looks at files that are due and at the plugin; never blocks.
void cs_credentials_turn(struct cs_credentials *credentials, struct cs_time now);
struct cs_credentials_view cs_credentials_view(const struct cs_credentials *credentials);
// boot ns when the next turn is due; INT64_MAX = never.
int64_t cs_credentials_deadline(const struct cs_credentials *credentials);
// A descriptor that becomes readable when the plugin says something; -1 = none.
int cs_credentials_fd(const struct cs_credentials *credentials);

// The server answered 401 to a request that carried token version `version`: the token file is read
// again or the plugin run again. True if it makes sense to repeat the request (once) after the view
// is ready: something newer is there or is being fetched.
bool cs_credentials_rejected(struct cs_credentials *credentials, uint64_t version,
			     struct cs_time now);

#endif
