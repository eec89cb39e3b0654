// The loops over rows of topology spreading. Neighbours: spread_kernel.h says what each computes.
// Plain, so that compilers vectorise them: no branches, no 64-bit conversions.
#include "spread_kernel.h"

#include <csched/base/clones.h>
#include <string.h>

#define BLOCK 256 // rows whose sums live on the stack

CS_CLONES
void cs_spread_verdicts(const uint32_t *restrict domain, const uint8_t *restrict table,
			struct cs_rows rows, uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t word = table[(uint32_t)(domain[row] + 1)];
		verdict[row] = verdict[row] ? verdict[row] : word;
	}
}

CS_CLONES
static void add_by_domain(const uint32_t *restrict domain, const double *restrict values,
			  uint32_t n, double *restrict sums)
{
	for (uint32_t i = 0; i < n; i++)
		sums[i] += values[(uint32_t)(domain[i] + 1)];
}

CS_CLONES
static void add_by_row(const double *restrict values, uint32_t n, double *restrict sums)
{
	for (uint32_t i = 0; i < n; i++)
		sums[i] += values[i];
}

// Whole numbers of a double below 2^52 stand in its lowest bits once 2^52 was added.
CS_CLONES
static void round_half_up(const double *restrict sums, uint32_t n, int64_t *restrict out)
{
	const double shift = 0x1p52;
	const int64_t shift_bits = INT64_C(0x4330000000000000);
	for (uint32_t i = 0; i < n; i++) {
		double whole = __builtin_trunc(sums[i]);
		double rounded = whole + (sums[i] - whole >= 0.5 ? 1.0 : 0.0) + shift;
		int64_t bits;
		memcpy(&bits, &rounded, sizeof(bits));
		out[i] = bits - shift_bits;
	}
}

void cs_spread_scores(const struct cs_spread_part *parts, uint32_t n, struct cs_rows rows,
		      int64_t *restrict out)
{
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t size = rows.end - first > BLOCK ? BLOCK : rows.end - first;
		double sums[BLOCK] = { 0 };
		for (uint32_t i = 0; i < n; i++) {
			if (parts[i].domain)
				add_by_domain(parts[i].domain + first, parts[i].values, size, sums);
			else
				add_by_row(parts[i].values + first, size, sums);
		}
		round_half_up(sums, size, out + first);
	}
}

CS_CLONES
void cs_spread_normalise(int64_t min, int64_t max, struct cs_rows rows, int64_t *restrict out)
{
	int32_t top = (int32_t)(max + min);
	double divisor = (double)max;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		// 100 * less is below 2^53, so that the quotient truncates as integers divide.
		double less = (double)(int32_t)((uint32_t)top - (uint32_t)out[row]);
		less = less > 0 ? less : 0;
		less = less < divisor ? less : divisor;
		out[row] = (int32_t)(less * 100.0 / divisor);
	}
}
