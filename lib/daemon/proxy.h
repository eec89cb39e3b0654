// Users whom a proxy in front has authenticated, and names in headers.
// Neighbours: http/server.h has verified the proxy's certificate; access.c asks who it is.
#ifndef DAEMON_PROXY_H
#define DAEMON_PROXY_H

#include <csched/daemon/daemon.h>
#include <csched/http/server.h>

#include "daemon/message.h"

// Read by HTTP threads, replaced by the client thread.
struct cs_proxies;

struct cs_proxies *cs_proxies_create(const struct cs_proxy_names *names); // copied
void cs_proxies_destroy(struct cs_proxies *proxies);                      // NULL is fine
void cs_proxies_set(struct cs_proxies *proxies, const struct cs_proxy_names *names);

// True where the client is a proxy that may speak for others and does: the user with UID, groups
// and what else is said is in the review then, as kube-scheduler takes it
// (apiserver/pkg/authentication/request/headerrequest).
bool cs_proxy_speaks(struct cs_proxies *proxies, const struct cs_http_request *request,
		     struct cs_message_review *review);

#endif
