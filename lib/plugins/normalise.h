// The normalisation that several plugins share.
// Neighbours: node_affinity.c and taint_toleration.c bring their scores into 0 .. 100 with it.
#ifndef CSCHED_LIB_PLUGINS_NORMALISE_H
#define CSCHED_LIB_PLUGINS_NORMALISE_H

#include <stdbool.h>
#include <stdint.h>

// Mirrors helper.DefaultNormalizeScore(100, reverse): 100 * score / greatest, truncated, or 100
// minus that. All 0 stays 0, and is 100 in reverse. `rows` has n entries, `out` one per row of the
// node table; scores are >= 0.
void cs_normalise(const uint32_t *rows, uint32_t n, bool reverse, int64_t *out);

#endif
