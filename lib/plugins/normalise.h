// The normalisation that several plugins share.
// Neighbours: node_affinity.c and taint_toleration.c bring their scores into 0 .. 100 with it.
#ifndef CSCHED_LIB_PLUGINS_NORMALISE_H
#define CSCHED_LIB_PLUGINS_NORMALISE_H

#include <csched/framework/plugin.h>

// Mirrors helper.DefaultNormalizeScore(100, reverse): 100 * score / greatest, truncated, or 100
// minus that. All 0 stays 0, and is 100 in reverse. `rows` has n entries, `out` one per row of the
// node table; scores are >= 0.
void cs_normalise(const uint32_t *rows, uint32_t n, bool reverse, int64_t *out);

// "WHAT 2, at most 4 on a node that fits: 100 x 2 / 4 = 50", for explain_score of such a plugin.
struct cs_normalised {
	const char *what;
	bool reverse;
};
void cs_normalise_explain(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, const struct cs_normalised *of, struct cs_buffer *out);

#endif
