// DefaultNormalizeScore without a division of integers per row.
// Neighbours: normalise.h.
#include "normalise.h"

#include <inttypes.h>

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

void cs_normalise_explain(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, const struct cs_normalised *of, struct cs_buffer *out)
{
	uint32_t n = cycle->nodes->n_rows;
	int64_t *scores = cs_arena_alloc_array(cycle->scratch, n, sizeof(*scores));
	self->plugin->raw_score(cycle, self, (struct cs_rows){ 0, n }, scores);
	int64_t max = greatest(cs_cycle_feasible(cycle), cycle->n_feasible, scores);
	double part = max ? 100.0 * (double)scores[row] / (double)max : 0;
	cs_buffer_printf(out, "%s %" PRId64, of->what, scores[row]);
	if (max == 0)
		cs_buffer_append_string(out, ", as on every node that fits");
	else
		cs_buffer_printf(out,
				 ", at most %" PRId64 " on a node that fits: %s100 x %" PRId64
				 " / %" PRId64,
				 max, of->reverse ? "100 - " : "", scores[row], max);
	cs_buffer_printf(out, " = %.4g", of->reverse ? 100 - part : part);
}
