// A pod as the core knows it: about 200 bytes; what repeats is shared.
// Neighbours: cluster.h is the only place where a pod's state changes; the queue hangs on
// `pending`.
#ifndef CSCHED_CLUSTER_POD_H
#define CSCHED_CLUSTER_POD_H

#include <stdbool.h>
#include <stdint.h>

struct cs_demand;
struct cs_footprint;
struct cs_label_set;
struct cs_owner;
struct cs_pending; // framework's queue entry
struct cs_use;

enum cs_pod_state {
	CS_POD_UNBOUND, // no node: pending, or not ours to schedule
	CS_POD_ASSUMED, // we decided a node; the API server has not told so yet
	CS_POD_BOUND,   // spec.nodeName is known from the API server
	CS_POD_STATE_COUNT,
};

struct cs_pod {
	const char *uid; // owned by the cluster, NUL-terminated, as are the next two
	const char *namespace;
	const char *name;
	uint32_t scheduler_name; // intern id
	// Intern id of the node that required node affinity pins an unbound pod to by metadata.name
	// (DaemonSet pods); CS_INTERN_NONE = none.
	uint32_t pinned_node;
	uint32_t nominated_node; // intern id, of an unbound pod; CS_INTERN_NONE = none; see
				 // cluster.h
	bool nomination_told;    // status.nominatedNodeName as last read names a node
	enum cs_pod_state state;
	uint32_t row; // ASSUMED and BOUND: the node's row (a ghost row where it is unknown)
	int32_t priority;
	bool terminating;   // has a deletionTimestamp
	bool gated;         // has scheduling gates
	int64_t created;    // creationTimestamp, Unix ns
	int64_t generation; // metadata.generation
	struct cs_footprint *footprint;
	struct cs_demand *demand;   // NULL once bound
	struct cs_pending *pending; // NULL when the queue does not know it
	// spec.schedulingGates as "[a b]" without brackets, NULL if none; owned
	char *gates;
	// The PodScheduled condition as last read: reason and message, so that a status patch is
	// sent only when it changes; owned, may be NULL.
	// Of unbound and assumed pods only.
	char *condition_reason;
	char *condition_message;
	char *resource_version; // for Events' `regarding`; an unchanged object is skipped; owned
	struct cs_label_set *labels; // namespace and labels; of every pod
	struct cs_owner *owner;      // labels and controller, of an unbound or assumed pod: owner.h
	// Where a metric of load adds up over pods: what its workload uses, and where the samples
	// of its row do not hold all of it yet, 1 + the place of what is missing among the row's
	// (else 0). The cluster's.
	struct cs_use *use;
	uint32_t flight;
};

#endif
