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

struct cs_carried;
struct cs_query;
struct cs_topology;

// A port of the node that a pod takes. Mirrors framework/types.go HostPortInfo.
struct cs_host_port {
	uint32_t ip;       // intern id: "0.0.0.0" where the pod names none
	uint32_t protocol; // intern id: "TCP" where the pod names none
	int32_t port;      // > 0
};

// Shared by all pods that take the same; freed with the last.
struct cs_footprint {
	struct cs_pod_requests requests;
	uint32_t n_ports;
	const struct cs_host_port *ports;
	// The pod (anti-)affinity terms that the pod carries, required and preferred; see query.h.
	uint32_t n_carried;
	struct cs_carried *const *carried;
};

// A preferred node affinity term: the rows that match it.
struct cs_node_preference {
	int32_t weight; // 1..100
	const struct cs_bitmap *rows;
};

// A topology spread constraint of the pod's own.
struct cs_spread_constraint {
	const struct cs_topology *topology;
	// The pods that count; NULL: none does. A missing labelSelector selects no pod. An empty
	// one, {}, counts no pod that is there, but it does match the pod itself.
	const struct cs_query *query;
	bool matches_every_pod; // labelSelector {}
	bool hard;              // DoNotSchedule
	bool honors_affinity;   // nodeAffinityPolicy
	bool honors_taints;     // nodeTaintsPolicy
	int32_t max_skew;
	int32_t min_domains; // 1 where not given
};

// A pod affinity term of the pod's own.
struct cs_affinity_term {
	const struct cs_topology *topology;
	// Of this term alone; NULL matches no pod. NULL in `required`: see all_required.
	const struct cs_query *query;
	int32_t weight; // preferred: > 0 affinity, < 0 anti-affinity; required: 0
};

// What inter-pod (anti-)affinity a pending pod asks. All zero: nothing.
struct cs_pod_affinity {
	uint32_t n_required;
	const struct cs_affinity_term *required;
	// Pods that match every required term: upstream counts no others. NULL: none does.
	const struct cs_query *all_required;
	uint32_t n_anti;
	const struct cs_affinity_term *anti; // required anti-affinity
	uint32_t n_preferred;
	const struct cs_affinity_term *preferred; // both kinds
	const char *error; // a term cannot be read: upstream's words, and no terms; or NULL
};

// Shared by all pods that ask the same; freed with the last. A pin to one node is no part of it
// (struct cs_pod has it), so that a DaemonSet's pods share one demand.
struct cs_demand {
	struct cs_pod_requests requests;
	uint32_t toleration_set;      // taint.h; 0 = none
	bool tolerates_unschedulable; // node.kubernetes.io/unschedulable:NoSchedule
	// The rows that match spec.nodeSelector and required node affinity, kept current; NULL =
	// the pod has neither. A pin to one node (cs_pod.pinned_node) is no part of it.
	const struct cs_bitmap *node_selector;
	// Where every required term pins metadata.name: the names, as intern ids, ascending. None
	// with `pins_names`: "pod affinity terms conflict".
	bool pins_names;
	uint32_t n_pinned_names;
	const uint32_t *pinned_names;
	// Preferred node affinity without the terms that upstream ignores. prefers_nodes: the pod
	// has a list, be it empty of meaning.
	bool prefers_nodes;
	uint32_t n_preferences;
	const struct cs_node_preference *preferences;
	const char *preference_error; // a preferred term cannot be read: PreScore's words; or NULL
	uint32_t n_ports;
	const struct cs_host_port *ports;
	// Ids (image.h) of the images of init containers, containers and image volumes, each as
	// often as named, and how many init containers and containers there are.
	uint32_t n_images;
	const uint32_t *images;
	uint32_t n_image_containers;
	// The rows that declare every feature the pod needs; NULL = it needs none.
	const struct cs_bitmap *features;
	uint32_t n_spread;
	const struct cs_spread_constraint *spread;
	// The selector of a hard, or of a soft one cannot be read: upstream's words; or NULL.
	const char *spread_hard_error;
	const char *spread_soft_error;
	struct cs_pod_affinity affinity;
	// The pods it talks to, by annotation c-sched.io/talks-to (a label selector as kubectl
	// takes it, in the pod's namespace): NULL = it names none. What cannot be read is none, and
	// `peers_error` says why.
	const struct cs_query *peers;
	const char *peers_error;
	// The first field this version does not implement ("spec.affinity.podAffinity") or that
	// cannot be read, or NULL: such a pod is never bound. Valid as long as the demand.
	const char *unsupported_field;
	// Its name for people: "inter-pod affinity"; NULL: the field cannot be read.
	const char *unsupported_feature;
	uint32_t id; // small, reused after the last pod has gone; with `generation` a cache key
	uint64_t generation;
};

// "does not implement inter-pod affinity (spec.affinity.podAffinity)", "cannot read FIELD", of a
// demand with an unsupported_field. free() it.
char *cs_demand_refusal(const struct cs_demand *demand);

// What this version of the scheduler lacks, a row per field.
struct cs_unsupported {
	const char *field;
	const char *feature;
	bool (*asked)(const Kube__Pod *pod); // pod->spec is not NULL
};
extern const struct cs_unsupported cs_unsupported_fields[]; // ends with a NULL field

#endif
