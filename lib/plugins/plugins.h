// The plugins, one per file, and what several of them share. Neighbours: list.c puts them in order.
#ifndef CSCHED_LIB_PLUGINS_PLUGINS_H
#define CSCHED_LIB_PLUGINS_PLUGINS_H

#include <csched/framework/plugin.h>

extern const struct cs_plugin cs_plugin_default_binder;
extern const struct cs_plugin cs_plugin_image_locality;
extern const struct cs_plugin cs_plugin_inter_pod_affinity;
extern const struct cs_plugin cs_plugin_least_connections;
extern const struct cs_plugin cs_plugin_least_load;
extern const struct cs_plugin cs_plugin_least_response_time;
extern const struct cs_plugin cs_plugin_minimum_distance;
extern const struct cs_plugin cs_plugin_minimum_latency;
extern const struct cs_plugin cs_plugin_node_affinity;
extern const struct cs_plugin cs_plugin_node_declared_features;
extern const struct cs_plugin cs_plugin_node_name;
extern const struct cs_plugin cs_plugin_node_ports;
extern const struct cs_plugin cs_plugin_node_resources_balanced_allocation;
extern const struct cs_plugin cs_plugin_node_resources_fit;
extern const struct cs_plugin cs_plugin_node_unschedulable;
extern const struct cs_plugin cs_plugin_pod_topology_spread;
extern const struct cs_plugin cs_plugin_priority_sort;
extern const struct cs_plugin cs_plugin_random;
extern const struct cs_plugin cs_plugin_round_robin;
extern const struct cs_plugin cs_plugin_scheduling_gates;
extern const struct cs_plugin cs_plugin_taint_toleration;

#endif
