// The cluster model put together. Neighbours: node.c, pod.c, check.c and cluster.c are its files.
#ifndef LIB_CLUSTER_CLUSTER_INTERNAL_H
#define LIB_CLUSTER_CLUSTER_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/cluster/cluster.h>

#include "carried.h"
#include "demand_internal.h"
#include "features.h"
#include "image_internal.h"
#include "load_internal.h"
#include "load_use.h"
#include "node_selector_internal.h"
#include "nodes.h"
#include "nominated.h"
#include "owner.h"
#include "port_internal.h"
#include "query_internal.h"
#include "taint_internal.h"
#include "topology_internal.h"

#define CS_NAME_MAX 253 // bytes of a node's or pod's name, of a namespace and of a UID

struct cs_cluster {
	struct cs_intern *strings;
	struct cs_nodes nodes;
	struct cs_taints taints;
	struct cs_node_selectors selectors;
	struct cs_features features;
	struct cs_images images;
	struct cs_ports ports;
	struct cs_topologies topologies;
	struct cs_queries queries;
	struct cs_carried_terms carried;
	struct cs_workloads workloads;
	struct cs_owners owners;
	struct cs_demands demands;
	struct cs_latency *latency; // NULL where no metric is between places
	struct cs_nominations nominations;
	struct cs_loads loads;
	struct cs_uses uses;
	struct cs_map pods;       // UID to struct cs_pod
	struct cs_arena *scratch; // reset when a call that changes the model ends
	uint32_t n_assumed;
	uint32_t n_asked; // demands, and owners, that are kept to be asked again
	uint32_t n_gone;  // pods that are supposed gone, all of them from this row:
	uint32_t gone_from;
};

// A pod counts on its row while it is assumed or bound.
static inline bool cs_pod_is_counted(const struct cs_pod *pod)
{
	return pod->state != CS_POD_UNBOUND;
}

// The part of cs_cluster_check that is about label sets, queries, carried terms and topologies.
int cs_check_queries(const struct cs_cluster *cluster, struct cs_arena *arena,
		     struct cs_error *err);
// And the part about ports, images and features.
int cs_check_asks(const struct cs_cluster *cluster, struct cs_arena *arena, struct cs_error *err);

#endif
