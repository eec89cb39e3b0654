// A profile: the plugins that decide for one schedulerName, ordered per extension point.
// Neighbours: config.c makes profiles, cycle.c walks them.
#ifndef CSCHED_FRAMEWORK_PROFILE_H
#define CSCHED_FRAMEWORK_PROFILE_H

#include <stdint.h>

#include <csched/framework/plugin.h>

// A plugin at an extension point, as configured.
struct cs_profile_entry {
	const char *name; // the plugin's
	int64_t weight;   // at "score"; else 0
};

struct cs_profile_point {
	const char *name; // as in KubeSchedulerConfiguration: "preFilter"
	uint32_t n;
	struct cs_profile_entry *entries;
};

// Instances are owned by the profile; the lists below point into them, in upstream's order.
struct cs_profile {
	char *scheduler_name;
	uint32_t n_instances;
	struct cs_plugin_instance *instances;
	uint32_t n_pre_enqueue;
	struct cs_plugin_instance **pre_enqueue;
	struct cs_plugin_instance *queue_order;
	uint32_t n_prepare_filter; // PreFilter's order
	struct cs_plugin_instance **prepare_filter;
	uint32_t n_filter; // Filter's order: the first that rejects a row wins it
	struct cs_plugin_instance **filter;
	uint32_t n_prepare_score; // as configured; each runs before its score, in that order
	struct cs_plugin_instance **prepare_score;
	uint32_t n_score;
	struct cs_plugin_instance **score;
	uint32_t n_reserve; // those with a memory of their own
	struct cs_plugin_instance **reserve;
	struct cs_plugin_instance *bind;
	uint32_t n_points; // every point but multiPoint, with what is configured there
	struct cs_profile_point *points;
};

#endif
