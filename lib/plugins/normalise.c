// DefaultNormalizeScore without a division of integers per row.
// Neighbours: normalise.h.
#include "normalise.h"

// The largest greatest score for which the quotient of doubles truncates to that of integers.
#define EXACT_MAX ((INT64_C(1) << 53) / 101)

static int64_t greatest(const uint32_t *rows, uint32_t n, const int64_t *out)
{
	int64_t max = 0;
	for (uint32_t i = 0; i < n; i++)
		max = out[rows[i]] > max ? out[rows[i]] : max;
	return max;
}

static int64_t share(int64_t score, int64_t max)
{
	if (max <= EXACT_MAX)
		return (int32_t)(100.0 * (double)score / (double)max);
	return (int64_t)((__int128)100 * score / max);
}

void cs_normalise(const uint32_t *rows, uint32_t n, bool reverse, int64_t *out)
{
	int64_t max = greatest(rows, n, out);
	int64_t base = reverse ? 100 : 0;
	int64_t sign = reverse ? -1 : 1;
	for (uint32_t i = 0; i < n; i++) {
		int64_t *score = &out[rows[i]];
		*score = base + sign * (max ? share(*score, max) : 0);
	}
}
