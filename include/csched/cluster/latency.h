// Latency between places (values of a node label: hosts, zones), as measured.
// Neighbours: load.h absorbs its samples; MinimumLatency reads it.
// Core thread only.
#ifndef CSCHED_CLUSTER_LATENCY_H
#define CSCHED_CLUSTER_LATENCY_H

#include <stdint.h>

struct cs_cluster;
struct cs_topology;

#define CS_LATENCY_PAIRS_MAX 1000000

// Places are known by their label values: one that comes again has what it had, as long as that is
// not too old.
struct cs_latency;

// NULL where no PAIR metric is configured.
const struct cs_latency *cs_cluster_latency(const struct cs_cluster *cluster);
// Whose domains the places are.
const struct cs_topology *cs_latency_topology(const struct cs_latency *latency);
// Calls `tell` for each domain from which the latency to `to`, which has rows, is known, aged
// samples included while their quality is above 0. What was measured one way counts for the other
// where that is not known.
void cs_latency_each(const struct cs_latency *latency, uint32_t to,
		     void (*tell)(void *user, uint32_t from, double seconds), void *user);

#endif
