// Feeding the latencies. Neighbours: latency.h reads them; the ledger hands over PAIR samples and
// tells the time.
#ifndef LIB_CLUSTER_LATENCY_INTERNAL_H
#define LIB_CLUSTER_LATENCY_INTERNAL_H

#include <csched/cluster/latency.h>
#include <csched/cluster/load.h>

// Of a PAIR metric, borrowed; its `topology` says whose label values are the places.
struct cs_latency *cs_latency_create(struct cs_cluster *cluster,
				     const struct cs_load_metric *metric);
void cs_latency_destroy(struct cs_cluster *cluster, struct cs_latency *latency); // NULL is fine

// One sample: `node` and `to` are places, or names of nodes, which stand for the place they are in.
// `now` in Unix ns. Counts in *ret. Returns CS_EVENT_LOAD where a latency fell or became known.
uint32_t cs_latency_absorb(struct cs_cluster *cluster, struct cs_latency *latency,
			   const struct cs_load_sample *sample, int64_t now,
			   struct cs_load_report *ret);
// Forgets what has aged beyond use. Cheap unless half a ttl has gone by since it last looked.
// CS_EVENT_LOAD where something is not known any more: that rejects nobody.
uint32_t cs_latency_tick(struct cs_latency *latency, int64_t now);
// The clock was put back: nothing is dated later than it says now.
void cs_latency_redate(struct cs_latency *latency, int64_t now);

#endif
