// How footprints and demands are interned. Neighbours: pod.c makes the contents.
#ifndef LIB_CLUSTER_DEMAND_INTERNAL_H
#define LIB_CLUSTER_DEMAND_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/base/map.h>
#include <csched/cluster/demand.h>

#include "node_asks.h"
#include "peers.h"
#include "spread.h"
#include "taint_internal.h"

// Parts and where they are counted; all borrowed but the maps.
struct cs_demands {
	struct cs_intern *strings;
	struct cs_nodes *nodes;
	struct cs_taints *taints;
	struct cs_cluster *cluster; // where node asks and pod affinity are counted
	struct cs_map footprints;
	struct cs_map demands;
	uint32_t *free_ids;
	uint32_t n_free_ids;
	uint32_t n_ids; // ever given out
	uint64_t generation;
};

// What a demand is made of.
struct cs_demand_parts {
	struct cs_pod_requests requests;
	uint32_t toleration_set;
	struct cs_node_asks asks;
	struct cs_pod_affinity affinity;
	struct cs_spread_parts spread;
	struct cs_peers peers;
	const char *unsupported_field;   // copied
	const char *unsupported_feature; // copied
};

void cs_demands_init(struct cs_demands *demands, uint64_t seed); // the borrowed parts are set
void cs_demands_finish(struct cs_demands *demands);

// Both take over all references that the parts hold; the arrays stay the caller's.
struct cs_footprint *cs_footprint_ref(struct cs_demands *demands, struct cs_arena *scratch,
				      const struct cs_footprint *parts);
struct cs_demand *cs_demand_ref(struct cs_demands *demands, struct cs_arena *scratch,
				const struct cs_demand_parts *parts);
void cs_footprint_unref(struct cs_demands *demands, struct cs_footprint *footprint); // NULL is fine
void cs_demand_unref(struct cs_demands *demands, struct cs_demand *demand);          // NULL is fine

// A reference that cs_demand_kept counts.
void cs_demand_keep(struct cs_demand *demand);
void cs_demand_release(struct cs_demands *demands, struct cs_demand *demand);
// Counts who keeps it to ask again; returns how many do.
uint32_t cs_demand_count_asked(struct cs_demand *demand, int change);
// How often the demand that this is the content of is kept.
uint32_t cs_demand_kept(const struct cs_content *content, const struct cs_demand **ret);

uint32_t cs_footprint_refs(const struct cs_footprint *footprint);
uint32_t cs_demand_refs(const struct cs_demand *demand);

// Whether `now` takes less of something than `before`.
bool cs_pod_requests_fell(const struct cs_pod_requests *before, const struct cs_pod_requests *now);

#endif
