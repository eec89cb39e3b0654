// Looking up whose certificates the API server itself accepts, as it tells those who serve beside
// it: the ConfigMap kube-system/extension-apiserver-authentication.
// Neighbours: transport.h performs; the daemon trusts what is found.
#ifndef CSCHED_CLIENT_LOOKUP_H
#define CSCHED_CLIENT_LOOKUP_H

#include <csched/client/transport.h>

#define CS_LOOKUP_NAMESPACE "kube-system"
#define CS_LOOKUP_NAME      "extension-apiserver-authentication"
#define CS_LOOKUP_ROLE      "extension-apiserver-authentication-reader"
#define CS_LOOKUP_LASTS     300              // s that a watch of it is open
#define CS_LOOKUP_PAUSE     (1 * CS_SECOND)  // before the next one,
#define CS_LOOKUP_BACKOFF   (10 * CS_SECOND) // or where one was refused

// Proxies that say in headers who asks: by which names they go, and which headers count. Lists are
// separated by commas; names of headers in any case; "" = none.
struct cs_proxy_names {
	const char *allowed;      // of proxies, by the common name; "" = any
	const char *user_headers; // the first one with a value counts, also of the next
	const char *uid_headers;
	const char *group_headers;  // all count
	const char *extra_prefixes; // all headers that begin so
};

// Borrowed during the callback.
struct cs_lookup_found {
	const char *client_ca; // PEM; "" = not told
	const char *proxy_ca;
	const struct cs_proxy_names *proxies; // NULL = they cannot be read, as `failure` says
	const char *failure;
};

struct cs_lookup_options {
	struct cs_transport *transport; // outlives it
	// What is there now: first, and whenever it has changed. Nothing where there is no such
	// ConfigMap, or none any more: who was trusted stays so.
	void (*found)(void *user, const struct cs_lookup_found *found);
	// No watch could be opened: the first time (`first`), or after one could. Once for all
	// failures in a row; a server that is away is told of only at first.
	void (*failed)(void *user, const char *why, bool first, bool forbidden);
	void *user;
};

struct cs_lookup;

// One thread: the transport's.
struct cs_lookup *cs_lookup_create(const struct cs_lookup_options *options);
void cs_lookup_destroy(struct cs_lookup *lookup); // NULL is fine
// Watches it: what is there is told at once, changes as they come.
void cs_lookup_turn(struct cs_lookup *lookup, struct cs_time now);
int64_t cs_lookup_deadline(const struct cs_lookup *lookup); // boot ns of the next watch

#endif
