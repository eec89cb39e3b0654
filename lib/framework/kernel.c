// The loops of a decision. Written for the vectoriser: no branches, no calls, `&` for `&&`.
// Neighbours: kernel.h. Sums of scores are doubles: weights are int32, scores at most 100, plugins
// at most 64, so that every total is an integer far below 2^53 and exact.
#include "kernel.h"

#include <csched/base/clones.h>
#include <math.h>

void kernel_reset(const uint8_t *restrict live, struct cs_rows rows, uint8_t *restrict by,
		  uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		by[row] = live[row] ? BY_NOBODY : BY_NOT_NOW;
		verdict[row] = 0;
	}
}

CS_CLONES
void kernel_merge(const uint8_t *restrict one, struct cs_rows rows, uint8_t position,
		  uint8_t *restrict by, uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		bool takes = (by[row] == BY_NOBODY) & (one[row] != 0);
		by[row] = takes ? position : by[row];
		verdict[row] = takes ? one[row] : verdict[row];
	}
}

uint32_t kernel_list(const uint8_t *restrict by, uint32_t n, uint32_t *restrict list)
{
	uint32_t count = 0;
	for (uint32_t row = 0; row < n; row++) {
		list[count] = row;
		count += by[row] == BY_NOBODY;
	}
	return count;
}

CS_CLONES
bool kernel_add(const int64_t *restrict out, const uint8_t *restrict by, struct cs_rows rows,
		int64_t weight, double *restrict base)
{
	unsigned wrong = 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		wrong |= (by[row] == BY_NOBODY) & ((uint64_t)out[row] > 100);
		// Rows that are not feasible may hold anything: their base is never used.
		base[row] += (double)(int32_t)out[row] * (double)weight;
	}
	return !wrong;
}

CS_CLONES
void kernel_total(const double *restrict base, const uint8_t *restrict by, struct cs_rows rows,
		  double *restrict total)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		total[row] = by[row] == BY_NOBODY ? base[row] : -INFINITY;
}

CS_CLONES
double kernel_max(const double *restrict total, uint32_t first, uint32_t end)
{
	// Four running maxima: one would wait for itself.
	double a = -INFINITY, b = -INFINITY, c = -INFINITY, d = -INFINITY;
	uint32_t row = first;
	for (; row + 4 <= end; row += 4) {
		a = total[row] > a ? total[row] : a;
		b = total[row + 1] > b ? total[row + 1] : b;
		c = total[row + 2] > c ? total[row + 2] : c;
		d = total[row + 3] > d ? total[row + 3] : d;
	}
	for (; row < end; row++)
		a = total[row] > a ? total[row] : a;
	a = a > b ? a : b;
	c = c > d ? c : d;
	return a > c ? a : c;
}

CS_CLONES
uint32_t kernel_count(const double *restrict total, uint32_t n, double value)
{
	uint32_t count = 0;
	for (uint32_t row = 0; row < n; row++)
		count += total[row] == value;
	return count;
}
