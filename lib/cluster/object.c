// What the model knows beside nodes and pods: one row per kind says who keeps it.
// Neighbours: the keepers' private headers; framework's scheduler calls.
#include <csched/cluster/cluster.h>

#include "cluster_internal.h"

// The functions are as cs_cluster_apply_object and cs_cluster_remove_object say.
struct keeper {
	const struct cs_kind *kind; // NULL ends the table
	int (*apply)(struct cs_cluster *cluster, const ProtobufCMessage *object,
		     uint32_t *ret_events, struct cs_error *err);
	uint32_t (*remove)(struct cs_cluster *cluster, const char *namespace, const char *name);
};

static const struct keeper keepers[] = {
	{ &cs_kind_namespace, cs_namespaces_apply, cs_namespaces_remove },
	{ &cs_kind_service, cs_workloads_apply_service, cs_workloads_remove_service },
	{ &cs_kind_replication_controller, cs_workloads_apply_replication_controller,
	  cs_workloads_remove_replication_controller },
	{ &cs_kind_replica_set, cs_workloads_apply_replica_set, cs_workloads_remove_replica_set },
	{ &cs_kind_stateful_set, cs_workloads_apply_stateful_set,
	  cs_workloads_remove_stateful_set },
	{ NULL, NULL, NULL },
};

static const struct keeper *find_keeper(const struct cs_kind *kind)
{
	for (const struct keeper *keeper = keepers; keeper->kind; keeper++)
		if (keeper->kind == kind)
			return keeper;
	return NULL;
}

int cs_cluster_apply_object(struct cs_cluster *cluster, const struct cs_kind *kind,
			    const ProtobufCMessage *object, uint32_t *ret_events,
			    struct cs_error *err)
{
	const struct keeper *keeper = find_keeper(kind);
	*ret_events = 0;
	return keeper ? keeper->apply(cluster, object, ret_events, err) : 0;
}

uint32_t cs_cluster_remove_object(struct cs_cluster *cluster, const struct cs_kind *kind,
				  const char *namespace, const char *name)
{
	const struct keeper *keeper = find_keeper(kind);
	return keeper ? keeper->remove(cluster, namespace, name) : 0;
}
