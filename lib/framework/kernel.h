// Plain loops over rows, built to vectorise (see KERNEL_CFLAGS in the Makefile).
// Neighbours: vectors.c and cycle.c call them; no other file of this layer loops over rows to
// compute.
#ifndef FRAMEWORK_KERNEL_H
#define FRAMEWORK_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/framework/plugin.h>

// `by` says per row which filter rejected it, by its position in the profile's order.
#define BY_NOBODY  0xff // feasible
#define BY_NOT_NOW 0xfe // no live node, or not looked at

// by[row] = BY_NOBODY for live rows, else BY_NOT_NOW; verdict[row] = 0.
void kernel_reset(const uint8_t *restrict live, struct cs_rows rows, uint8_t *restrict by,
		  uint8_t *restrict verdict);
// Gives the rows that `one` rejects to the filter at `position`, unless they have been before.
void kernel_merge(const uint8_t *restrict one, struct cs_rows rows, uint8_t position,
		  uint8_t *restrict by, uint8_t *restrict verdict);
// Lists the feasible rows of 0 .. n-1 in ascending order; returns how many. `list` holds n.
uint32_t kernel_list(const uint8_t *restrict by, uint32_t n, uint32_t *restrict list);

// base[row] += weight * out[row]. False when a feasible row's score is not within 0 .. 100.
bool kernel_add(const int64_t *restrict out, const uint8_t *restrict by, struct cs_rows rows,
		int64_t weight, double *restrict base);
// total[row] = base[row] where feasible, else -infinity.
void kernel_total(const double *restrict base, const uint8_t *restrict by, struct cs_rows rows,
		  double *restrict total);
// The greatest of first .. end-1; -infinity when there is none.
double kernel_max(const double *restrict total, uint32_t first, uint32_t end);
uint32_t kernel_count(const double *restrict total, uint32_t n, double value);

#endif
