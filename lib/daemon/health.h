// Health checks by kube-scheduler's names, and their answers as text.
// Neighbours: endpoints.c serves them; status.h is what they look at.
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/base/metric.h>

#include "daemon/status.h"

struct cs_health {
	const struct cs_daemon_status *status;
	int64_t lease_duration; // ns; 0 = no leader election
	// Where the outcome of each check is counted that a path's answer looks at, as
	// kube-scheduler's /metrics/slis has it; NULL = nowhere. A check's own path counts nothing.
	struct cs_metrics *slis;
};

struct cs_health_query {
	const char *path; // such as "/readyz", "/livez" or "/readyz/informer-sync"
	bool verbose;
	const char *exclude; // a comma-separated list of checks to leave out, or NULL
};

// The answer to a query: 200, 500, or 404 for a path that has no check. The words, which are
// kube-scheduler's (apiserver pkg/server/healthz), go to `out`.
int cs_health_answer(const struct cs_health *health, struct cs_time now,
		     const struct cs_health_query *query, struct cs_buffer *out);

// Announces what is counted.
void cs_health_declare(struct cs_metrics *slis);

#endif
