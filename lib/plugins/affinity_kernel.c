// A look-up per row, without branches that depend on the row. Neighbours: affinity_kernel.h.
#include "affinity_kernel.h"

#include <string.h>

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

void cs_kernel_or_domains(const uint32_t *restrict domain, const uint8_t *restrict mark,
			  struct cs_rows rows, uint8_t *restrict marks)
{
	uint32_t row = rows.first;
	for (; row + 8 <= rows.end; row += 8) {
		uint8_t found[8];
		for (uint32_t i = 0; i < 8; i++)
			found[i] = mark[(uint32_t)(domain[row + i] + 1)];
		uint64_t eight, more;
		memcpy(&eight, marks + row, 8);
		memcpy(&more, found, 8);
		eight |= more;
		memcpy(marks + row, &eight, 8);
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
