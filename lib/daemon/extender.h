// The extender's own listener: kube-scheduler asks c-sched about nodes.
// Neighbours: call.h is one call; verbs.h answers on the core thread; http/server.h listens.
#ifndef DAEMON_EXTENDER_H
#define DAEMON_EXTENDER_H

#include <csched/base/log.h>
#include <csched/base/mailbox.h>
#include <csched/base/metric.h>
#include <csched/daemon/daemon.h>
#include <csched/http/tls.h>

#include "daemon/status.h"

struct cs_extender_options {
	struct cs_daemon_extender serving; // borrowed, as all pointers here
	const struct cs_daemon_status *status;
	bool elect; // only the leader is ready
	struct cs_metrics *metrics;
	struct cs_mailbox *core;
	const struct cs_log *log;
};

struct cs_extender;

// Listens and serves at once; with port 0 there is nothing and *ret is NULL. -EINVAL with words for
// settings that would let anybody ask.
int cs_extender_create(const struct cs_extender_options *options, struct cs_extender **ret,
		       struct cs_error *err);
// Before the core, which must not run any more. Calls it holds are then its to free.
void cs_extender_destroy(struct cs_extender *extender);
uint16_t cs_extender_port(const struct cs_extender *extender);

// Whether one of the names, separated by commas, is one of the client's.
bool cs_extender_name_allowed(const struct cs_http_identity *identity, const char *allowed);

#endif
