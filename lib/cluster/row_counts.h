// Counts of pods per row that change one at a time: sparse while few rows have some, then dense.
// Neighbours: csched/cluster/query.h shows them; label sets, queries and carried terms have some.
#ifndef LIB_CLUSTER_ROW_COUNTS_H
#define LIB_CLUSTER_ROW_COUNTS_H

#include <csched/cluster/query.h>

// What is added to one row. The sums never fall below 0.
struct cs_row_change {
	uint32_t row;
	int32_t live;
	int32_t terminating;
};

// Zeroed memory counts nothing. `n_rows`: of the node table, more than change.row.
void cs_row_counts_add(struct cs_row_counts *counts, uint32_t n_rows, struct cs_row_change change);
void cs_row_counts_finish(struct cs_row_counts *counts);

// The rows that have some, ascending: `uint32_t at = 0; while (cs_row_counts_next(counts, &at,
// &change)) ...`.
bool cs_row_counts_next(const struct cs_row_counts *counts, uint32_t *at,
			struct cs_row_change *ret);

#endif
