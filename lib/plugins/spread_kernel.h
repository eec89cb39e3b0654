// The loops over rows of topology spreading. Neighbours: pod_topology_spread.c makes the tables.
// Tables by domain have an entry more in front, for rows without the key: CS_DOMAIN_NONE + 1 is 0.
#ifndef CSCHED_LIB_PLUGINS_SPREAD_KERNEL_H
#define CSCHED_LIB_PLUGINS_SPREAD_KERNEL_H

#include <stdint.h>

#include <csched/framework/plugin.h>

// Where verdict[row] is FITS so far, what the table says of its domain.
void cs_spread_verdicts(const uint32_t *restrict domain, const uint8_t *restrict table,
			struct cs_rows rows, uint8_t *restrict verdict);

// What one constraint adds to a row's score: by its domain, or where that is NULL by the row.
struct cs_spread_part {
	const uint32_t *domain;
	const double *values; // >= 0
};

// The sums of all parts in their order, rounded half up. All of them stay below 2^51.
void cs_spread_scores(const struct cs_spread_part *parts, uint32_t n, struct cs_rows rows,
		      int64_t *restrict out);

// 100 * (max + min - s) / max, truncated. 0 < max, max + min < 2^31. Scores outside of min .. max,
// which rows have that nobody asks about, become something in 0 .. 100.
void cs_spread_normalise(int64_t min, int64_t max, struct cs_rows rows, int64_t *restrict out);

#endif
