// Plain loops over rows, built to vectorise (see KERNEL_CFLAGS in the Makefile).
// Neighbours: vectors.c, view.c and cycle.c call them; no other file of this layer loops over rows
// to compute.
#ifndef FRAMEWORK_KERNEL_H
#define FRAMEWORK_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/framework/plugin.h>

// `by` says per row which filter rejected it, by its position in the profile's order.
#define BY_NOBODY   CS_PASSED // feasible
#define BY_NOT_NOW  0xfe      // no live node, or not looked at
#define BY_OVERLAID 0xfd      // see attempt.h: by whom is said there

// A score in 0 .. 100 as kept, and one that is not known.
#define NORM_UNKNOWN 0xff

// by[row] = BY_NOBODY for live rows, else BY_NOT_NOW; verdict[row] = 0.
void kernel_reset(const uint8_t *restrict live, struct cs_rows rows, uint8_t *restrict by,
		  uint8_t *restrict verdict);
// Gives the rows that `one` rejects to the filter at `position`, unless one before it has them.
// Returns whether there were any.
bool kernel_merge(const uint8_t *restrict one, struct cs_rows rows, uint8_t position,
		  uint8_t *restrict by, uint8_t *restrict verdict);
// Lists the feasible rows of 0 .. n-1 in ascending order. `list` holds n.
void kernel_list(const uint8_t *restrict by, uint32_t n, uint32_t *restrict list);

// sum[row] += weight * scores[row]. False where a row's score is above 100, be it feasible or not.
bool kernel_add(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
		double *restrict sum);
// The same to nothing, or to the sums of another column.
bool kernel_set(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
		double *restrict sum);
bool kernel_add_from(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
		     const double *restrict from, double *restrict sum);
// Scores that are normalised, of rows 0 .. n-1, in bytes; 0 for those out of 0 .. 100. False where
// there is such a row, be it feasible or not.
bool kernel_narrow(const int64_t *restrict raw, uint32_t n, uint8_t *restrict scores);
// sum[row] += weight * norm[row] where that is known.
void kernel_add_norms(const uint8_t *restrict norm, uint32_t n, int64_t weight,
		      double *restrict sum);
// The first feasible row from `row` on whose norm is not known; n where there is none.
uint32_t kernel_next_unknown(const uint8_t *restrict norm, const uint8_t *restrict by, uint32_t row,
			     uint32_t n);
// norm[row] = score where that is the row's raw score.
void kernel_fill_norms(const int64_t *restrict raw, int64_t wanted, struct cs_rows rows,
		       uint8_t score, uint8_t *restrict norm);

void kernel_fill(int64_t *restrict values, int64_t value, uint32_t n);
// Whether all the rows have one value. There is a row.
bool kernel_is_uniform(const int64_t *restrict values, struct cs_rows rows);
// The least and the greatest value of the rows that are `wanted` in `mark`. Least > greatest where
// there is none.
struct kernel_range {
	int64_t least;
	int64_t greatest;
};
struct kernel_range kernel_range(const int64_t *restrict values, const uint8_t *restrict mark,
				 uint8_t wanted, struct cs_rows rows);

struct kernel_totals {
	const double *sum; // none is negative
	const uint8_t *by;
};
// The greatest sum of the feasible ones among the rows; 0 where there is none.
double kernel_max(const struct kernel_totals *totals, struct cs_rows rows);
// That of each TOP_ROWS rows of 0 .. n_rows-1, and how many feasible ones have it.
#define TOP_ROWS 64
void kernel_tops(const struct kernel_totals *totals, uint32_t n_rows, double *restrict tops,
		 uint8_t *restrict ties);
// The greatest of n; 0 where there is none.
double kernel_best(const double *restrict tops, uint32_t n);
// How many feasible ones have that sum.
uint32_t kernel_count(const struct kernel_totals *totals, double value, struct cs_rows rows);
// What `rank` of n values reach at the least, and few others do: 0 where there are not so many.
// None is negative; rank is at most 16.
double kernel_bound(const double *restrict values, uint32_t n, uint32_t rank);
// A bit for each of at most TOP_ROWS rows from `first` on: the feasible ones with that sum or more;
// where `by` is NULL all are feasible.
uint64_t kernel_reach(const struct kernel_totals *totals, double least, uint32_t first, uint32_t n);
// The lowest rank of those; UINT32_MAX where there is none.
uint32_t kernel_lowest(const struct kernel_totals *totals, double value,
		       const uint32_t *restrict rank, struct cs_rows rows);

// How many rows of 0 .. n-1 have that byte.
uint32_t kernel_count_bytes(const uint8_t *restrict bytes, uint32_t n, uint8_t wanted);

#endif
