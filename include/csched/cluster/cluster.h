// The cluster model: nodes, pods, what they take and ask. Changes columns at once.
// Neighbours: fed by framework's scheduler from API objects; read by plugins.
// Core thread only.
#ifndef CSCHED_CLUSTER_CLUSTER_H
#define CSCHED_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/intern.h>
#include <csched/cluster/demand.h>
#include <csched/cluster/node_table.h>
#include <csched/cluster/pod.h>
#include <csched/kube/api.h>
#include <csched/kube/kind.h>

struct cs_cluster;

// What a change of the cluster was, as upstream's ClusterEvent (framework/types.go); a mask.
enum cs_cluster_event {
	CS_EVENT_NODE_ADD = 1 << 0,
	CS_EVENT_NODE_DELETE = 1 << 1,
	CS_EVENT_NODE_ALLOCATABLE = 1 << 2,
	CS_EVENT_NODE_LABEL = 1 << 3,
	CS_EVENT_NODE_TAINT = 1 << 4, // also spec.unschedulable true -> false
	CS_EVENT_NODE_CONDITION = 1 << 5,
	CS_EVENT_NODE_ANNOTATION = 1 << 6,
	CS_EVENT_POD_ADD = 1 << 7,        // a bound pod appeared
	CS_EVENT_POD_DELETE = 1 << 8,     // a pod left a node, or an assumption was forgotten
	CS_EVENT_POD_SCALE_DOWN = 1 << 9, // a bound pod's requests fell
	CS_EVENT_POD_LABEL = 1 << 10,
	CS_EVENT_POD_TOLERATION = 1 << 11,       // of the pending pod itself
	CS_EVENT_POD_GATES_ELIMINATED = 1 << 12, // of the pending pod itself
	CS_EVENT_TIMEOUT = 1 << 13,              // the five-minute flush: cures everything
	CS_EVENT_NODE_DECLARED_FEATURE = 1 << 14,
	CS_EVENT_NAMESPACE = 1 << 15, // added, or its labels changed
	CS_EVENT_WORKLOAD = 1 << 16,  // a Service, ReplicationController, ReplicaSet, StatefulSet
	CS_EVENT_LOAD = 1 << 17,      // a watched threshold was crossed downwards: load.h
};

struct cs_cluster *cs_cluster_create(uint64_t seed);
void cs_cluster_destroy(struct cs_cluster *cluster);

const struct cs_node_table *cs_cluster_nodes(const struct cs_cluster *cluster);
struct cs_intern *cs_cluster_strings(struct cs_cluster *cluster);

// A node as the API server has it now. *ret_events is a mask of what changed (0 = nothing that
// matters). On error (-EINVAL: a quantity, a missing name) the model keeps the node as it was;
// an unknown node is then not added.
int cs_cluster_apply_node(struct cs_cluster *cluster, const Kube__Node *node, uint32_t *ret_events,
			  struct cs_error *err);
// Unknown names are fine. Pods on it keep a ghost row until they go.
uint32_t cs_cluster_remove_node(struct cs_cluster *cluster, const char *name);
// CS_ROW_NONE where it is not live.
uint32_t cs_cluster_find_node(const struct cs_cluster *cluster, const char *name);
const char *cs_cluster_node_name(const struct cs_cluster *cluster, uint32_t row);
// The column of a resource ("cpu", "nvidia.com/gpu"), CS_RESOURCE_NONE where nobody has or asks it.
uint32_t cs_cluster_find_resource(const struct cs_cluster *cluster, const char *name);
// Of a column in use.
const char *cs_cluster_resource_name(const struct cs_cluster *cluster, uint32_t column);

// A pod as the API server has it now, by UID. Succeeded and Failed pods leave the model and are
// freed as by cs_cluster_remove_pod: who keeps pods in a queue asks cs_cluster_pod_ended first. A
// pod with a node becomes BOUND: that confirms an assumption, or moves it where the server says. An
// object of the same resourceVersion, or one without a node for a BOUND pod, changes nothing.
// On error (-EINVAL: a value that cannot be read) the model keeps the pod as it was; a pod that is
// new, or bound by this object, counts with what could be read. A new one without a node gets
// unsupported_field = the broken field, so that it stays Pending with words. A pod without UID,
// name or namespace is an error and is not added.
struct cs_pod_change {
	struct cs_pod *pod; // NULL when the pod left the model (or never entered it)
	uint32_t events;    // CS_EVENT_ mask
	bool added;
	bool became_bound;   // it was pending or assumed before
	bool demand_changed; // pending: it asks something else now (gates, tolerations, resize)
};
bool cs_cluster_pod_ended(const Kube__Pod *pod); // its phase is Succeeded or Failed
int cs_cluster_apply_pod(struct cs_cluster *cluster, const Kube__Pod *pod,
			 struct cs_pod_change *ret, struct cs_error *err);
struct cs_pod *cs_cluster_find_pod(const struct cs_cluster *cluster, const char *uid);
// Whether a pod is the one that the API server has by its UID: name, namespace, creation and
// workload, which never change.
bool cs_cluster_pod_is(struct cs_cluster *cluster, const struct cs_pod *pod,
		       const Kube__ObjectMeta *metadata);
// "namespace/name". Looks at every pod: for people's questions, not for cycles.
struct cs_pod *cs_cluster_find_pod_named(const struct cs_cluster *cluster, const char *name);
// Frees the pod. Its `pending` must be NULL: the caller takes it off the queue first.
uint32_t cs_cluster_remove_pod(struct cs_cluster *cluster, struct cs_pod *pod);

// UNBOUND -> ASSUMED on a live row: columns count it at once.
void cs_cluster_assume(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row);
// ASSUMED -> UNBOUND. The event is CS_EVENT_POD_DELETE.
void cs_cluster_forget(struct cs_cluster *cluster, struct cs_pod *pod);
// ASSUMED -> BOUND where a binding is known to have succeeded on that node (which may differ).
void cs_cluster_confirm(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name);

// What else the model knows beside nodes and pods: Namespace, Service, ReplicationController,
// ReplicaSet, StatefulSet. `object` is of kind->descriptor; other kinds are ignored. *ret_events as
// above. On error (a missing name) the model keeps what it had. A selector that cannot be read
// selects nothing, as upstream.
int cs_cluster_apply_object(struct cs_cluster *cluster, const struct cs_kind *kind,
			    const ProtobufCMessage *object, uint32_t *ret_events,
			    struct cs_error *err);
// Unknown ones are fine. `namespace` is NULL for a Namespace.
uint32_t cs_cluster_remove_object(struct cs_cluster *cluster, const struct cs_kind *kind,
				  const char *namespace, const char *name);

// Nominations: the unbound pods (not assumed ones) whose status.nominatedNodeName names a node, by
// node, in the order of nomination. The node need not exist. Which schedulers' pods count is the
// caller's to know. Mirrors pkg/scheduler/backend/queue/nominator.go.
struct cs_nomination {
	uint32_t node; // intern id
	uint32_t n;    // > 0
	struct cs_pod **pods;
};
// Valid until the cluster changes, which cs_cluster_suppose does not count as.
const struct cs_nomination *cs_cluster_nominations(const struct cs_cluster *cluster,
						   uint32_t *ret_n);
// For an unbound pod, before the API server tells of it. NULL drops the nomination.
void cs_cluster_nominate(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name);

// What if that unbound pod stood on that row: columns, queries and carried terms count it until it
// is taken away again, which must happen before anything else changes.
void cs_cluster_suppose(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row);
void cs_cluster_unsuppose(struct cs_cluster *cluster, struct cs_pod *pod);
// What if that bound or assumed pod had left its row, which is returned: nothing counts it, and
// what it is expected to use is taken off the row's load, until it is put back there, which must
// happen before anything else changes.
uint32_t cs_cluster_suppose_gone(struct cs_cluster *cluster, struct cs_pod *pod);
void cs_cluster_put_back(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row);
// How many pods of that row are supposed gone just now: for who remembers how many there are.
uint32_t cs_cluster_supposed_gone(const struct cs_cluster *cluster, uint32_t row);

// What an unbound pod asks, kept beyond its binding for who may want to ask it again. All zero:
// nothing. Released as often as kept, before the cluster ends; releasing leaves it all zero.
struct cs_asked {
	struct cs_demand *demand;
	struct cs_owner *owner;
	uint32_t pinned_node; // intern id
};
void cs_cluster_keep_asked(struct cs_cluster *cluster, const struct cs_pod *pod,
			   struct cs_asked *ret);
void cs_cluster_release_asked(struct cs_cluster *cluster, struct cs_asked *asked);
// How many different demands, and owners, are kept so. What their selectors match is counted as
// long as they are.
uint32_t cs_cluster_count_asked(const struct cs_cluster *cluster);
// What if that bound or assumed pod, on a live row, had not been placed: as
// cs_cluster_suppose_gone. *ret is the pod as it would ask, to decide about it, until it is put
// back.
uint32_t cs_cluster_suppose_unbound(struct cs_cluster *cluster, struct cs_pod *pod,
				    const struct cs_asked *asked, struct cs_pod *ret);

// A demand stays, with its id, while it is kept, also when no pod asks it any more: for who has
// computed something for it and expects more pods of its kind. Released as often as kept.
void cs_cluster_keep_demand(struct cs_cluster *cluster, struct cs_demand *demand);
void cs_cluster_release_demand(struct cs_cluster *cluster, struct cs_demand *demand);

struct cs_cluster_counts {
	uint32_t nodes;
	uint32_t pods;
	uint32_t assumed;
	uint32_t footprints;
	uint32_t demands;
};
struct cs_cluster_counts cs_cluster_count(const struct cs_cluster *cluster);

// Recomputes every column from the pods and compares: for tests and debug builds. -EUCLEAN names
// row and column, or the pod, of the first difference.
int cs_cluster_check(const struct cs_cluster *cluster, struct cs_error *err);

#endif
