// Footprints: what a bound pod takes. Demands: what a pending pod asks. Interned by content.
// Neighbours: pod.h points to them; plugins compile nothing, they read these.
#ifndef CSCHED_CLUSTER_DEMAND_H
#define CSCHED_CLUSTER_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/cluster/bitmap.h>
#include <csched/cluster/resource.h>
#include <csched/kube/api.h>

struct cs_term;

// Shared by all pods that take the same; freed with the last.
struct cs_footprint {
	struct cs_requests requests;
	// Required pod anti-affinity that the pod carries, see cs_cluster_repels.
	uint32_t n_terms;
	struct cs_term *const *terms;
};

// Shared by all pods that ask the same; freed with the last. A pin to one node is no part of it
// (struct cs_pod has it), so that a DaemonSet's pods share one demand.
struct cs_demand {
	struct cs_requests requests;
	uint32_t toleration_set;      // taint.h; 0 = none
	bool tolerates_unschedulable; // node.kubernetes.io/unschedulable:NoSchedule
	// The rows that match spec.nodeSelector, kept current; NULL = the pod has none.
	const struct cs_bitmap *node_selector;
	// The first field this version does not implement ("spec.affinity.podAffinity") or that
	// cannot be read, or NULL: such a pod is never bound. Valid as long as the demand.
	const char *unsupported_field;
	// Its name for people: "inter-pod affinity"; NULL: the field cannot be read.
	const char *unsupported_feature;
	uint32_t id; // small, reused after the last pod has gone; with `generation` a cache key
	uint64_t generation;
};

// What this version of the scheduler lacks, a row per field.
struct cs_unsupported {
	const char *field;
	const char *feature;
	bool (*asked)(const Kube__Pod *pod); // pod->spec is not NULL
};
extern const struct cs_unsupported cs_unsupported_fields[]; // ends with a NULL field

#endif
