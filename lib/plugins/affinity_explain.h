// What InterPodAffinity says in words and numbers, worked out afresh from what the pod asks and
// others carry. Neighbours: inter_pod_affinity.c decides, and knows which rule rejects.
#ifndef CSCHED_LIB_PLUGINS_AFFINITY_EXPLAIN_H
#define CSCHED_LIB_PLUGINS_AFFINITY_EXPLAIN_H

#include <csched/framework/plugin.h>

struct cs_affinity_args {
	int32_t hard_weight; // 0..100: of a required term that a pod carries, in scores
	bool ignore_preferred;
};

// Of a row that is rejected by the pod's required affinity, by its anti-affinity, by that of pods
// that are there: append which terms, by which topology, and how many pods.
void cs_affinity_explain_required(const struct cs_cycle *cycle, uint32_t row,
				  struct cs_buffer *out);
void cs_affinity_explain_anti(const struct cs_cycle *cycle, uint32_t row, struct cs_buffer *out);
void cs_affinity_explain_existing(const struct cs_cycle *cycle, uint32_t row,
				  struct cs_buffer *out);

// The plugin's explain_score.
void cs_affinity_explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       uint32_t row, struct cs_buffer *out);

#endif
