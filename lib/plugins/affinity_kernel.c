// A look-up per row, without branches that depend on the row. Neighbours: affinity_kernel.h.
#include "affinity_kernel.h"

#include <csched/base/clones.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "several rows are read as one word");

bool cs_kernel_mark_domains(const struct cs_row_counts *counts, const struct cs_topology *topology,
			    uint8_t value, uint8_t *restrict mark)
{
	const uint32_t *restrict domain = topology->domain;
	uint32_t nowhere = topology->n_domains + 1;
	uint8_t first = mark[0];
	uint32_t found = 0;
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		uint32_t n_pods = counts->live[i] + counts->terminating[i];
		uint32_t at = n_pods > 0 ? domain[row] + 1 : nowhere;
		mark[at] = value;
		found |= at - 1 < nowhere - 1;
	}
	mark[0] = first;
	return found;
}

bool cs_kernel_sum_domains(const struct cs_row_counts *counts, const struct cs_topology *topology,
			   int64_t weight, int64_t *restrict sum)
{
	const uint32_t *restrict domain = topology->domain;
	uint32_t nowhere = topology->n_domains + 1;
	int64_t first = sum[0];
	uint32_t found = 0;
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		uint32_t n_pods = counts->live[i] + counts->terminating[i];
		uint32_t at = n_pods > 0 ? domain[row] + 1 : nowhere;
		sum[at] += weight * n_pods;
		found |= at - 1 < nowhere - 1;
	}
	sum[0] = first;
	return found;
}

static uint32_t row_at(const struct cs_row_counts *counts, uint32_t i)
{
	return counts->rows ? counts->rows[i] : i;
}

static uint32_t pods_at(const struct cs_row_counts *counts, uint32_t i)
{
	return counts->live[i] + counts->terminating[i];
}

bool cs_kernel_mark_rows(const struct cs_row_counts *counts, const struct cs_topology *topology,
			 uint8_t value, uint8_t *restrict mark)
{
	const uint32_t *restrict domain = topology->domain;
	bool found = false;
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = row_at(counts, i);
		bool counted = (pods_at(counts, i) > 0) & (domain[row] != CS_DOMAIN_NONE);
		mark[row] = counted ? value : mark[row];
		found |= counted;
	}
	return found;
}

bool cs_kernel_any_row(const struct cs_row_counts *counts, const struct cs_topology *topology)
{
	for (uint32_t i = 0; i < counts->n; i++)
		if (pods_at(counts, i) > 0 && topology->domain[row_at(counts, i)] != CS_DOMAIN_NONE)
			return true;
	return false;
}

CS_CLONES
static void add_dense(const struct cs_row_counts *counts, const uint32_t *restrict domain,
		      int64_t weight, struct cs_rows rows, int64_t *restrict out)
{
	const uint32_t *restrict live = counts->live;
	const uint32_t *restrict terminating = counts->terminating;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint32_t n_pods = live[row] + terminating[row];
		n_pods = domain[row] == CS_DOMAIN_NONE ? 0 : n_pods;
		out[row] += weight * (int64_t)n_pods;
	}
}

void cs_kernel_add_rows(const struct cs_row_counts *counts, const struct cs_topology *topology,
			int64_t weight, struct cs_rows rows, int64_t *restrict out)
{
	const uint32_t *domain = topology->domain;
	if (!counts->rows) {
		uint32_t end = rows.end < counts->n ? rows.end : counts->n;
		add_dense(counts, domain, weight, (struct cs_rows){ rows.first, end }, out);
		return;
	}
	for (uint32_t i = 0; i < counts->n && counts->rows[i] < rows.end; i++) {
		uint32_t row = counts->rows[i];
		if (row >= rows.first && domain[row] != CS_DOMAIN_NONE)
			out[row] += weight * (int64_t)pods_at(counts, i);
	}
}

CS_CLONES
void cs_kernel_or_rows(const uint8_t *restrict mark, struct cs_rows rows, uint8_t *restrict marks)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		marks[row] |= mark[row];
}

CS_CLONES
void cs_kernel_stretch(int64_t min, int64_t max, uint32_t n, int64_t *restrict out)
{
	double range = (double)(max - min);
	for (uint32_t row = 0; row < n; row++) {
		int64_t inside = out[row] < min ? min : out[row];
		inside = inside > max ? max : inside;
		double part = (double)(int32_t)(inside - min) / range;
		out[row] = (int32_t)(100.0 * part);
	}
}

void cs_kernel_or_domains(const uint32_t *restrict domain, const uint8_t *restrict mark,
			  struct cs_rows rows, uint8_t *restrict marks)
{
	uint32_t row = rows.first;
	for (; row + 4 <= rows.end; row += 4) {
		uint32_t low = mark[(uint32_t)(domain[row] + 1)] |
			       (uint32_t)mark[(uint32_t)(domain[row + 1] + 1)] << 8;
		uint32_t high = mark[(uint32_t)(domain[row + 2] + 1)] |
				(uint32_t)mark[(uint32_t)(domain[row + 3] + 1)] << 8;
		uint32_t four;
		memcpy(&four, marks + row, sizeof(four));
		four |= low | high << 16;
		memcpy(marks + row, &four, sizeof(four));
	}
	for (; row < rows.end; row++)
		marks[row] |= mark[(uint32_t)(domain[row] + 1)];
}

void cs_kernel_first_verdicts(struct cs_rows rows, uint8_t *restrict marks)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		marks[row] &= (uint8_t) ~(marks[row] >> 1);
}

void cs_kernel_add_domains(const uint32_t *restrict domain, const int64_t *restrict sum,
			   struct cs_rows rows, int64_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] += sum[(uint32_t)(domain[row] + 1)];
}
