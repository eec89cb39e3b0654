// The loops over rows of topology spreading. Neighbours: spread_kernel.h says what each computes.
// Plain, so that compilers vectorise them: no branches, no 64-bit conversions.
#include "spread_kernel.h"

#include <csched/base/clones.h>
#include <csched/cluster/topology.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "several rows are read as one word");

#define BLOCK 256 // rows whose sums live on the stack

CS_CLONES
void cs_spread_mask_key(const uint32_t *restrict domain, uint32_t n_rows, uint8_t *restrict mask)
{
	for (uint32_t row = 0; row < n_rows; row++)
		mask[row] &= domain[row] != CS_DOMAIN_NONE;
}

CS_CLONES
uint32_t cs_spread_count_passed(const uint8_t *restrict passed, const uint8_t *restrict mask,
				uint32_t n_rows)
{
	uint32_t n = 0;
	for (uint32_t row = 0; row < n_rows; row++)
		n += (passed[row] == CS_PASSED) & mask[row];
	return n;
}

// Byte i of eight, from the lowest, is 1 where bit i is set.
static uint64_t spread_bits(uint64_t byte)
{
	uint64_t own_bit = byte * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
	return (own_bit + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

void cs_spread_mask_bits(const struct cs_bitmap *bitmap, uint32_t n_rows, uint8_t *restrict mask)
{
	uint32_t row = 0;
	for (; row + 8 <= n_rows; row += 8) {
		uint64_t word = row / 64 < bitmap->n_words ? bitmap->words[row / 64] : 0;
		uint64_t eight;
		memcpy(&eight, mask + row, sizeof(eight));
		eight &= spread_bits(word >> row % 64 & 0xff);
		memcpy(mask + row, &eight, sizeof(eight));
	}
	for (; row < n_rows; row++)
		mask[row] &= cs_bitmap_test(bitmap, row);
}

CS_CLONES
uint32_t cs_spread_total(const uint32_t *restrict counts, uint32_t n)
{
	uint32_t total = 0;
	for (uint32_t i = 0; i < n; i++)
		total += counts[i];
	return total;
}

#define LANES     CS_SPREAD_LANES // sums side by side: one would wait for itself
#define FEW_SLOTS 64              // where rows next to each other are often in one domain

static uint32_t counted(const struct cs_spread_column *column, uint32_t row)
{
	return column->mask ? column->counts[row] * column->mask[row] : column->counts[row];
}

void cs_spread_sum(const struct cs_spread_column *column, uint32_t n_slots,
		   uint32_t *restrict slots)
{
	const uint32_t *domain = column->domain;
	uint32_t row = 0;
	if (n_slots <= FEW_SLOTS) {
		uint32_t lanes[LANES][FEW_SLOTS] = { 0 };
		for (; row + LANES <= column->n_rows; row += LANES)
			for (uint32_t i = 0; i < LANES; i++)
				lanes[i][(uint32_t)(domain[row + i] + 1)] +=
					counted(column, row + i);
		for (uint32_t slot = 0; slot < n_slots; slot++)
			for (uint32_t i = 0; i < LANES; i++)
				slots[slot] += lanes[i][slot];
	}
	for (; row < column->n_rows; row++)
		slots[(uint32_t)(domain[row] + 1)] += counted(column, row);
}

void cs_spread_present(const uint32_t *restrict domain, const uint8_t *restrict mask,
		       uint32_t n_rows, uint8_t *restrict present)
{
	for (uint32_t row = 0; row < n_rows; row++)
		present[mask[row] ? (uint32_t)(domain[row] + 1) : 0] = 1;
}

CS_CLONES
int32_t cs_spread_least(const uint32_t *restrict slots, const uint8_t *restrict present,
			uint32_t n_slots, uint32_t *ret_n)
{
	int32_t least = INT32_MAX;
	uint32_t n = 0;
	for (uint32_t slot = 1; slot < n_slots; slot++) {
		int32_t count = present[slot] ? (int32_t)slots[slot] : INT32_MAX;
		least = count < least ? count : least;
		n += present[slot];
	}
	*ret_n = n;
	return least;
}

CS_CLONES
void cs_spread_classes_empty(const struct cs_spread_classing *classing, uint16_t *restrict of_row)
{
	const uint32_t *restrict domain = classing->domain;
	const uint8_t *restrict keep = classing->keep;
	uint32_t n_counts = classing->n_counts;
	if (!domain) {
		for (uint32_t row = 0; row < classing->n_rows; row++)
			of_row[row] = (uint16_t)(keep[row] ? 1 + n_counts : 0);
		return;
	}
	for (uint32_t row = 0; row < classing->n_rows; row++) {
		uint32_t class = 1 + (domain[row] + 1) * n_counts;
		of_row[row] = (uint16_t)(keep[row] ? class : 0);
	}
}

CS_CLONES
void cs_spread_classes_add(const uint32_t *restrict counts, uint32_t n, uint16_t *restrict of_row)
{
	for (uint32_t row = 0; row < n; row++)
		of_row[row] = (uint16_t)(of_row[row] + (of_row[row] ? counts[row] : 0));
}

void cs_spread_classes_count(const uint16_t *restrict of_row, uint32_t n, uint32_t n_classes,
			     uint32_t *restrict n_rows)
{
	uint32_t row = 0;
	memset(n_rows, 0, (size_t)LANES * n_classes * sizeof(*n_rows));
	for (; row + LANES <= n; row += LANES)
		for (uint32_t i = 0; i < LANES; i++)
			n_rows[i * n_classes + of_row[row + i]]++;
	for (; row < n; row++)
		n_rows[of_row[row]]++;
	for (uint32_t class = 0; class < n_classes; class += 1)
		for (uint32_t i = 1; i < LANES; i++)
			n_rows[class] += n_rows[i * n_classes + class];
}

void cs_spread_see(const uint8_t *restrict passed, const uint16_t *restrict of_row, uint32_t n_rows,
		   uint8_t *restrict seen)
{
	for (uint32_t row = 0; row < n_rows; row++)
		seen[of_row[row] & -(uint32_t)(passed[row] == CS_PASSED)] = 1;
	seen[0] = 0;
}

void cs_spread_leave_out(const uint8_t *restrict passed, const uint16_t *restrict of_row,
			 uint32_t n_rows, uint32_t *restrict n_in)
{
	uint32_t row = 0;
	while (row < n_rows) {
		uint64_t eight = 0;
		if (row + 8 <= n_rows)
			memcpy(&eight, passed + row, sizeof(eight));
		if (eight == UINT64_MAX) { // CS_PASSED is all ones
			row += 8;
			continue;
		}
		uint32_t end = n_rows - row < 8 ? n_rows : row + 8;
		for (; row < end; row++)
			n_in[of_row[row]] -= passed[row] != CS_PASSED;
	}
}

// Four rows per load, not for the vectoriser: taking indices out of its registers costs more than
// the loads.
void cs_spread_look_up(const uint16_t *restrict of_row, const uint8_t *restrict table,
		       struct cs_rows rows, uint8_t *restrict out)
{
	uint32_t row = rows.first;
	for (; row + 4 <= rows.end; row += 4) {
		uint64_t four;
		memcpy(&four, of_row + row, sizeof(four));
		uint32_t low = table[four & 0xffff] | (uint32_t)table[four >> 16 & 0xffff] << 8;
		uint32_t high = table[four >> 32 & 0xffff] | (uint32_t)table[four >> 48] << 8;
		low |= high << 16;
		memcpy(out + row, &low, sizeof(low));
	}
	for (; row < rows.end; row++)
		out[row] = table[of_row[row]];
}

CS_CLONES
void cs_spread_table(const uint32_t *restrict slots, int32_t allowed, uint32_t n_slots,
		     uint8_t *restrict table)
{
	for (uint32_t slot = 0; slot < n_slots; slot++)
		table[slot] =
			(int32_t)slots[slot] > allowed ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS;
}

// Not for the wide registers, as add_by_domain.
void cs_spread_verdicts(const uint32_t *restrict domain, const uint8_t *restrict table,
			struct cs_rows rows, uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t word = table[(uint32_t)(domain[row] + 1)];
		verdict[row] = verdict[row] ? verdict[row] : word;
	}
}

CS_CLONES
void cs_spread_values(const uint32_t *restrict counts, uint32_t n, double weight, double more,
		      double *restrict out)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = (double)(int32_t)counts[i] * weight + more;
}

CS_CLONES
void cs_spread_mask_values(const uint32_t *restrict domain, uint32_t n_rows,
			   double *restrict values)
{
	for (uint32_t row = 0; row < n_rows; row++)
		values[row] = domain[row] == CS_DOMAIN_NONE ? 0 : values[row];
}

// Not for the wide registers: their gathers are slower than loads one by one.
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
void cs_spread_widen(const int64_t *restrict scores, struct cs_rows rows,
		     struct cs_spread_range *range)
{
	int64_t min = range->min, max = range->max;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		min = scores[row] < min ? scores[row] : min;
		max = scores[row] > max ? scores[row] : max;
	}
	*range = (struct cs_spread_range){ min, max };
}

CS_CLONES
void cs_spread_normalise(const struct cs_spread_range *range, const int64_t *restrict scores,
			 uint32_t n, uint8_t *restrict out)
{
	int32_t top = (int32_t)(range->max + range->min);
	double divisor = (double)range->max;
	double inverse = 1.0 / divisor;
	for (uint32_t i = 0; i < n; i++) {
		double less = (double)(int32_t)((uint32_t)top - (uint32_t)scores[i]);
		less = less > 0 ? less : 0;
		less = less < divisor ? less : divisor;
		// No division: the whole number next to the quotient, one less where that is above
		// it. All products of whole numbers are below 2^53, so that they tell.
		double wanted = less * 100.0;
		double near = wanted * inverse + 0x1p52 - 0x1p52;
		out[i] = (uint8_t)(int32_t)(near - (near * divisor > wanted ? 1.0 : 0.0));
	}
}
