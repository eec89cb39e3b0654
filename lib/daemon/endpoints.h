// What the process serves over HTTPS: health, metrics, configuration, decisions.
// Neighbours: http/server.h listens; health.c answers; the core answers for decisions.
#ifndef DAEMON_ENDPOINTS_H
#define DAEMON_ENDPOINTS_H

#include <csched/base/log.h>
#include <csched/base/mailbox.h>
#include <csched/base/metric.h>
#include <csched/daemon/daemon.h>

#include "daemon/access.h"
#include "daemon/health.h"

struct cs_endpoints_options {
	struct cs_daemon_serving serving; // borrowed, as all pointers here
	const struct cs_config *config;
	struct cs_health health;
	struct cs_metrics *metrics;
	struct cs_mailbox *core;
	struct cs_access access; // but for its proxies, which are the endpoints' own
	const struct cs_log *log;
};

struct cs_endpoints;

// Listens and serves at once; with CS_DAEMON_PORT_NONE there is nothing and *ret is NULL.
int cs_endpoints_create(const struct cs_endpoints_options *options, struct cs_endpoints **ret,
			struct cs_error *err);
// What was looked up: it counts where the flags say nothing. Any thread.
void cs_endpoints_trust(struct cs_endpoints *endpoints, const struct cs_lookup_found *found);
void cs_endpoints_destroy(struct cs_endpoints *endpoints);

#endif
