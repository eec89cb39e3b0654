// The explicit list of all plugins: upstream's in the order of its default multiPoint list, then
// ours. Neighbours: plugins.h declares them; a new plugin is a file and a line here and there.
#include <csched/plugins/list.h>

#include "plugins.h"

const struct cs_plugin *const cs_plugins[] = {
	&cs_plugin_scheduling_gates,
	&cs_plugin_priority_sort,
	&cs_plugin_node_unschedulable,
	&cs_plugin_node_name,
	&cs_plugin_taint_toleration,
	&cs_plugin_node_affinity,
	&cs_plugin_node_ports,
	&cs_plugin_node_resources_fit,
	&cs_plugin_pod_topology_spread,
	&cs_plugin_inter_pod_affinity,
	&cs_plugin_node_resources_balanced_allocation,
	&cs_plugin_image_locality,
	&cs_plugin_default_binder,
	&cs_plugin_node_declared_features,
	// By load: not kube-scheduler's.
	&cs_plugin_least_load,
	&cs_plugin_least_connections,
	&cs_plugin_least_response_time,
	&cs_plugin_minimum_latency,
	&cs_plugin_minimum_distance,
	&cs_plugin_round_robin,
	&cs_plugin_random,
	NULL,
};
