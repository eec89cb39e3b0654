// Services and what controls pods, as far as they select pods: their selectors alone.
// Neighbours: object.c passes the objects on; owner.c asks for those of a pending pod.
#ifndef LIB_CLUSTER_WORKLOADS_H
#define LIB_CLUSTER_WORKLOADS_H

#include <csched/base/arena.h>
#include <csched/base/error.h>
#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/kube/api.h>

#include "pod_match.h"

struct cs_cluster;

enum cs_workload_kind {
	CS_WORKLOAD_NONE, // no controller, or one of another kind
	CS_WORKLOAD_SERVICE,
	CS_WORKLOAD_REPLICATION_CONTROLLER,
	CS_WORKLOAD_REPLICA_SET,
	CS_WORKLOAD_STATEFUL_SET,
};

struct cs_workload {
	struct cs_slice key; // owned: kind and namespace, then the name
	uint64_t version;    // of its selector; no two are the same
	// Of a Service or ReplicationController: holds references.
	struct cs_labels labels;
	// Of a ReplicaSet or StatefulSet: the LabelSelector as protobuf, owned. Empty: none, or one
	// that cannot be read, which upstream passes over.
	struct cs_slice selector;
	struct cs_list link;      // of a Service with labels: in a bucket
	struct cs_bucket *bucket; // NULL = in none
};

struct cs_workloads {
	struct cs_intern *strings; // borrowed
	struct cs_map by_name;
	struct cs_map buckets; // of Services, by namespace and one of the labels they ask for
	uint64_t last_version;
};

void cs_workloads_init(struct cs_workloads *all, struct cs_intern *strings, uint64_t seed);
void cs_workloads_finish(struct cs_workloads *all); // drops what is left

// NULL where it is not known. `namespace` is an intern id.
const struct cs_workload *cs_workloads_find(const struct cs_workloads *all,
					    enum cs_workload_kind kind, uint32_t namespace,
					    struct cs_slice name);
// Calls `tell` for the Services of a namespace that select pods with these labels. Mirrors
// helper.GetPodServices.
void cs_workloads_services(const struct cs_workloads *all, uint32_t namespace,
			   struct cs_labels labels,
			   void (*tell)(void *user, const struct cs_workload *service), void *user);

// As cs_cluster_apply_object and cs_cluster_remove_object, for object.c.
int cs_workloads_apply_service(struct cs_cluster *cluster, const ProtobufCMessage *object,
			       uint32_t *ret_events, struct cs_error *err);
int cs_workloads_apply_replication_controller(struct cs_cluster *cluster,
					      const ProtobufCMessage *object, uint32_t *ret_events,
					      struct cs_error *err);
int cs_workloads_apply_replica_set(struct cs_cluster *cluster, const ProtobufCMessage *object,
				   uint32_t *ret_events, struct cs_error *err);
int cs_workloads_apply_stateful_set(struct cs_cluster *cluster, const ProtobufCMessage *object,
				    uint32_t *ret_events, struct cs_error *err);
uint32_t cs_workloads_remove_service(struct cs_cluster *cluster, const char *namespace,
				     const char *name);
uint32_t cs_workloads_remove_replication_controller(struct cs_cluster *cluster,
						    const char *namespace, const char *name);
uint32_t cs_workloads_remove_replica_set(struct cs_cluster *cluster, const char *namespace,
					 const char *name);
uint32_t cs_workloads_remove_stateful_set(struct cs_cluster *cluster, const char *namespace,
					  const char *name);

// -EUCLEAN: a Service is not where it should be found.
int cs_workloads_check(const struct cs_workloads *all, struct cs_error *err);

#endif
