// The model's beginning, end and questions. Neighbours: node.c and pod.c change it.
#include <csched/cluster/cluster.h>

#include <string.h>

#include <csched/base/memory.h>

#include "cluster_internal.h"
#include "latency_internal.h"

struct cs_cluster *cs_cluster_create(uint64_t seed)
{
	struct cs_cluster *cluster = cs_alloc(sizeof(*cluster));
	cluster->strings = cs_intern_create(seed);
	cluster->scratch = cs_arena_create();
	cs_map_init(&cluster->pods, seed);
	cs_nodes_init(&cluster->nodes, cluster->strings, seed);
	cs_taints_init(&cluster->taints, cluster->strings, seed);
	cs_node_selectors_init(&cluster->selectors, &cluster->nodes, seed);
	cs_images_init(&cluster->images, &cluster->nodes, seed);
	cs_ports_init(&cluster->ports, &cluster->nodes, seed);
	cs_topologies_init(&cluster->topologies, &cluster->nodes, seed);
	cluster->nodes.topologies = &cluster->topologies;
	cs_queries_init(&cluster->queries, &cluster->nodes, cluster->scratch, seed);
	cs_carried_terms_init(&cluster->carried, seed);
	cs_loads_init(&cluster->loads, &cluster->nodes, seed);
	cluster->nodes.loads = &cluster->loads;
	cs_uses_init(&cluster->uses, seed);
	cs_workloads_init(&cluster->workloads, cluster->strings, seed);
	cs_owners_init(&cluster->owners, &cluster->queries, &cluster->workloads, seed);
	cluster->demands = (struct cs_demands){
		.strings = cluster->strings,
		.nodes = &cluster->nodes,
		.taints = &cluster->taints,
		.cluster = cluster,
	};
	cs_demands_init(&cluster->demands, seed);
	return cluster;
}

static void remove_all_pods(struct cs_cluster *cluster)
{
	size_t n = cs_map_count(&cluster->pods);
	struct cs_pod **pods = cs_alloc_array(n, sizeof(struct cs_pod *));
	size_t at = 0;
	for (size_t i = 0; i < n; i++)
		pods[i] = cs_map_next(&cluster->pods, &at);
	for (size_t i = 0; i < n; i++)
		cs_cluster_remove_pod(cluster, pods[i]);
	free(pods);
}

// Everything is taken out the ordinary way, so that a reference counted wrong shows.
void cs_cluster_destroy(struct cs_cluster *cluster)
{
	if (!cluster)
		return;
	remove_all_pods(cluster);
	for (uint32_t row = 0; row < cluster->nodes.table.n_rows; row++)
		if (cluster->nodes.table.live[row])
			cs_cluster_remove_node(cluster, cs_cluster_node_name(cluster, row));
	cs_demands_finish(&cluster->demands);
	cs_owners_finish(&cluster->owners);
	cs_workloads_finish(&cluster->workloads);
	cs_carried_terms_finish(&cluster->carried);
	cs_queries_finish(&cluster->queries);
	cs_latency_destroy(cluster, cluster->latency);
	cs_topologies_finish(&cluster->topologies);
	cs_ports_finish(&cluster->ports);
	cs_images_finish(&cluster->images);
	cs_features_finish(&cluster->features);
	cs_node_selectors_finish(&cluster->selectors);
	cs_taints_finish(&cluster->taints);
	cs_uses_finish(&cluster->uses);
	cs_loads_finish(&cluster->loads);
	cs_nodes_finish(&cluster->nodes);
	cs_nominations_finish(&cluster->nominations);
	cs_map_finish(&cluster->pods);
	cs_arena_destroy(cluster->scratch);
	cs_intern_destroy(cluster->strings);
	free(cluster);
}

const struct cs_node_table *cs_cluster_nodes(const struct cs_cluster *cluster)
{
	return &cluster->nodes.table;
}

struct cs_intern *cs_cluster_strings(struct cs_cluster *cluster)
{
	return cluster->strings;
}

uint32_t cs_cluster_find_node(const struct cs_cluster *cluster, const char *name)
{
	uint32_t row = cs_nodes_find(&cluster->nodes, name);
	return row != CS_ROW_NONE && cluster->nodes.table.live[row] ? row : CS_ROW_NONE;
}

const char *cs_cluster_node_name(const struct cs_cluster *cluster, uint32_t row)
{
	return cs_intern_string(cluster->strings, cluster->nodes.table.name[row]);
}

uint32_t cs_cluster_find_resource(const struct cs_cluster *cluster, const char *name)
{
	return cs_nodes_find_column(&cluster->nodes, name);
}

struct cs_pod *cs_cluster_find_pod(const struct cs_cluster *cluster, const char *uid)
{
	return cs_map_get(&cluster->pods, cs_slice_of(uid));
}

const char *cs_cluster_resource_name(const struct cs_cluster *cluster, uint32_t column)
{
	return cs_intern_string(cluster->strings, cluster->nodes.table.resource_name[column]);
}

static bool is_named(const struct cs_pod *pod, const char *name)
{
	size_t size = strlen(pod->namespace);
	return strncmp(name, pod->namespace, size) == 0 && name[size] == '/' &&
	       strcmp(name + size + 1, pod->name) == 0;
}

struct cs_pod *cs_cluster_find_pod_named(const struct cs_cluster *cluster, const char *name)
{
	struct cs_pod *pod;
	size_t at = 0;
	while ((pod = cs_map_next(&cluster->pods, &at)))
		if (is_named(pod, name))
			return pod;
	return NULL;
}

void cs_cluster_keep_demand(struct cs_cluster *cluster, struct cs_demand *demand)
{
	(void)cluster;
	cs_demand_keep(demand);
}

void cs_cluster_release_demand(struct cs_cluster *cluster, struct cs_demand *demand)
{
	cs_demand_release(&cluster->demands, demand);
}

struct cs_cluster_counts cs_cluster_count(const struct cs_cluster *cluster)
{
	return (struct cs_cluster_counts){
		.nodes = cluster->nodes.table.n_live,
		.pods = (uint32_t)cs_map_count(&cluster->pods),
		.assumed = cluster->n_assumed,
		.footprints = (uint32_t)cs_map_count(&cluster->demands.footprints),
		.demands = (uint32_t)cs_map_count(&cluster->demands.demands),
	};
}
