// What filter and score of PodTopologySpread have in common: which constraints a decision is about,
// which nodes count for one, and how many pods each domain has.
// Neighbours: pod_topology_spread.c and spread_score.c; spread_kernel.h explains slots.
#ifndef CSCHED_LIB_PLUGINS_SPREAD_COUNT_H
#define CSCHED_LIB_PLUGINS_SPREAD_COUNT_H

#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>

#include "spread_args.h"

// All in a cycle's scratch.
struct cs_spread_list {
	uint32_t n;
	struct cs_spread_constraint *items;
};

// The hard or the soft constraints of the pod, or the profile's where it has none of its own.
struct cs_spread_list cs_spread_find(const struct cs_cycle *cycle,
				     const struct cs_plugin_instance *self, bool hard);

// Whether every live row has a domain.
bool cs_spread_covers(const struct cs_cycle *cycle, const struct cs_topology *topology);
// The rows that have a domain for each constraint; NULL: all live ones.
const uint8_t *cs_spread_all_keys(const struct cs_cycle *cycle, const struct cs_spread_list *all);
// Those among `all_keys` that pass the constraint's inclusion policies; NULL: all live ones.
const uint8_t *cs_spread_included(const struct cs_cycle *cycle,
				  const struct cs_spread_constraint *c, const uint8_t *all_keys);
// How many pods that are not terminating each slot has; slot 0 means nothing.
uint32_t *cs_spread_count(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			  const uint8_t *included);

// Appends "3 pods with app=web in namespace default".
void cs_spread_explain_pods(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			    uint32_t n, struct cs_buffer *out);

// The plugin's callbacks of spread_score.c.
enum cs_prepare cs_spread_prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self);
void cs_spread_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		     struct cs_rows rows, uint8_t *restrict out);
void cs_spread_explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			     uint32_t row, struct cs_buffer *out);

#endif
