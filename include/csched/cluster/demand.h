// Footprints: what a bound pod takes. Demands: what a pending pod asks. Interned by content.
// Neighbours: pod.h points to them; plugins compile nothing, they read these.
#ifndef CSCHED_CLUSTER_DEMAND_H
#define CSCHED_CLUSTER_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/cluster/bitmap.h>
#include <csched/cluster/resource.h>

// Shared by all pods that take the same; counted, freed with the last.
struct cs_footprint {
	struct cs_requests requests;
	uint32_t refs;
};

// Shared by all pods that ask the same; counted, freed with the last. A pin to one node is no part
// of it (struct cs_pod has it), so that a DaemonSet's pods share one demand.
struct cs_demand {
	struct cs_requests requests;
	uint32_t toleration_set;      // taint.h; 0 = none
	bool tolerates_unschedulable; // node.kubernetes.io/unschedulable:NoSchedule
	// The rows that match spec.nodeSelector, kept current; NULL = the pod has none.
	const struct cs_bitmap *node_selector;
	// The first field this version does not implement ("spec.affinity.podAffinity"), or NULL:
	// such a pod is never bound. Static string. One table in demand.c lists them all.
	const char *unsupported_field;
	const char *unsupported_feature; // its name for people: "inter-pod affinity"
	uint32_t id; // small, reused after the last pod has gone; with `generation` a cache key
	uint64_t generation;
	uint32_t refs;
};

#endif
