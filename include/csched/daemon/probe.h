// Asks every source of load figures once, and says what came of it: `check-config --probe`.
// Neighbours: cmd/c-sched prints; load/sampler.h asks, cluster/load.h matches.
#ifndef CSCHED_DAEMON_PROBE_H
#define CSCHED_DAEMON_PROBE_H

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/client/kubeconfig.h>
#include <csched/framework/load_config.h>

#define CS_PROBE_NAMES_MAX 5 // nodes that are named where one thing is true of many

struct cs_probe_options {
	const struct cs_load_config *config;
	const struct cs_endpoint
		*endpoint; // the API server; NULL = unknown, because of `no_endpoint`
	const char *no_endpoint;
	struct cs_clock clock;
	int64_t timeout; // ns for the list of nodes
};

// Appends a report for people. True: every question of every source was answered with samples, at
// least one of them of a node that exists, and the nodes could be listed. Blocks.
bool cs_probe(const struct cs_probe_options *options, struct cs_buffer *out);

#endif
