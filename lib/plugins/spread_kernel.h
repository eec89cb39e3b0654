// The loops over rows and domains of topology spreading. Neighbours: pod_topology_spread.c and
// spread_score.c prepare what they go by.
// A slot stands for a domain: its id and 1. Slot 0 has the rows without the key (CS_DOMAIN_NONE and
// 1 is 0), those of nodes that are gone among them.
#ifndef CSCHED_LIB_PLUGINS_SPREAD_KERNEL_H
#define CSCHED_LIB_PLUGINS_SPREAD_KERNEL_H

#include <stdint.h>

#include <csched/framework/plugin.h>

// ---- which rows count: a mask of 0 and 1 ----

// Rows without a domain are 0 from now on.
void cs_spread_mask_key(const uint32_t *restrict domain, uint32_t n_rows, uint8_t *restrict mask);
// Rows that are not in the bitmap; where it ends, none is.
void cs_spread_mask_bits(const struct cs_bitmap *bitmap, uint32_t n_rows, uint8_t *restrict mask);

// How many rows of the mask passed.
uint32_t cs_spread_count_passed(const uint8_t *restrict passed, const uint8_t *restrict mask,
				uint32_t n_rows);

// ---- sums over domains ----

uint32_t cs_spread_total(const uint32_t *restrict counts, uint32_t n);

// slots[...] += counts[row] for the rows in `mask` (NULL: all) of a dense column.
struct cs_spread_column {
	const uint32_t *domain;
	const uint32_t *counts;
	const uint8_t *mask;
	uint32_t n_rows;
};
void cs_spread_sum(const struct cs_spread_column *column, uint32_t n_slots,
		   uint32_t *restrict slots);
// present[...] = 1 for the domains of the rows in `mask`; present[0] becomes anything.
void cs_spread_present(const uint32_t *restrict domain, const uint8_t *restrict mask,
		       uint32_t n_rows, uint8_t *restrict present);
// The least count of the slots from 1 on that are present, INT32_MAX where none is, and how many
// are. Counts are below INT32_MAX.
int32_t cs_spread_least(const uint32_t *restrict slots, const uint8_t *restrict present,
			uint32_t n_slots, uint32_t *ret_n);

// ---- classes of rows: spread_classes.h ----

struct cs_spread_classing {
	const uint32_t *domain; // NULL: all rows are in slot 1
	const uint8_t *keep;    // by row: 0 = it has class 0
	uint32_t n_counts;
	uint32_t n_rows;
};
// Of rows without pods: 1 + slot * n_counts.
void cs_spread_classes_empty(const struct cs_spread_classing *classing, uint16_t *restrict of_row);
// Rows that have a class get `counts[row]` more.
void cs_spread_classes_add(const uint32_t *restrict counts, uint32_t n, uint16_t *restrict of_row);
// How many rows each of the classes has. `n_rows` has room for CS_SPREAD_LANES times as many.
#define CS_SPREAD_LANES 4
void cs_spread_classes_count(const uint16_t *restrict of_row, uint32_t n, uint32_t n_classes,
			     uint32_t *restrict n_rows);
// seen[of_row[row]] = 1 where the row passed; seen[0] stays 0.
void cs_spread_see(const uint8_t *restrict passed, const uint16_t *restrict of_row, uint32_t n_rows,
		   uint8_t *restrict seen);
// Takes the rows that did not pass out of `n_in`, how many rows each class has. For few.
void cs_spread_leave_out(const uint8_t *restrict passed, const uint16_t *restrict of_row,
			 uint32_t n_rows, uint32_t *restrict n_in);
// out[row] = table[of_row[row]]
void cs_spread_look_up(const uint16_t *restrict of_row, const uint8_t *restrict table,
		       struct cs_rows rows, uint8_t *restrict out);

// ---- verdicts ----

// table[i] = UNSCHEDULABLE where more than `allowed` pods are.
void cs_spread_table(const uint32_t *restrict slots, int32_t allowed, uint32_t n_slots,
		     uint8_t *restrict table);
// Where verdict[row] is FITS so far, what the table says of its slot.
void cs_spread_verdicts(const uint32_t *restrict domain, const uint8_t *restrict table,
			struct cs_rows rows, uint8_t *restrict verdict);

// ---- scores ----

// out[i] = counts[i] * weight + more.
void cs_spread_values(const uint32_t *restrict counts, uint32_t n, double weight, double more,
		      double *restrict out);
// What one constraint adds to a row's score: by its slot, or where `domain` is NULL by the row.
struct cs_spread_part {
	const uint32_t *domain;
	const double *values; // >= 0
};
// A row without a domain has 0.
void cs_spread_mask_values(const uint32_t *restrict domain, uint32_t n_rows,
			   double *restrict values);
// The sums of all parts in their order, rounded half up. All of them stay below 2^51.
void cs_spread_scores(const struct cs_spread_part *parts, uint32_t n, struct cs_rows rows,
		      int64_t *restrict out);
// The least and the greatest of the rows, and of what was there before.
struct cs_spread_range {
	int64_t min;
	int64_t max;
};
void cs_spread_widen(const int64_t *restrict scores, struct cs_rows rows,
		     struct cs_spread_range *range);
// 100 * (max + min - s) / max, truncated. 0 < max, max + min < 2^31. Scores outside of min .. max,
// which rows have that nobody asks about, become something in 0 .. 100.
void cs_spread_normalise(const struct cs_spread_range *range, const int64_t *restrict scores,
			 uint32_t n, uint8_t *restrict out);

#endif
