// The arguments of PodTopologySpread: the constraints of pods that have none of their own.
// Neighbours: pod_topology_spread.c uses them; cluster's demand.h has the constraints' shape.
#ifndef CSCHED_LIB_PLUGINS_SPREAD_ARGS_H
#define CSCHED_LIB_PLUGINS_SPREAD_ARGS_H

#include <csched/framework/plugin.h>

struct cs_spread_memory;

// What `attach` makes of the arguments: the constraints without a query.
struct cs_spread_defaults {
	bool system; // upstream's own: nodes without a zone are scored, too
	uint32_t n;
	struct cs_spread_constraint *constraints;
	struct cs_spread_memory *memory; // spread_classes.h: from decision to decision
};

// The plugin's callbacks.
extern const struct cs_argument cs_spread_arguments[];
int cs_spread_configure(struct json_object *from, void **ret, struct cs_errors *errors);
void cs_spread_write_args(const void *args, struct cs_json_writer *json);
void cs_spread_free_args(void *args);
void *cs_spread_attach(struct cs_cluster *cluster, void *args);
void cs_spread_detach(struct cs_cluster *cluster, void *attached);

#endif
