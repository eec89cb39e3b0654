// The loops of a decision. Written for the vectoriser: no branches, no calls, `&` for `&&`.
// Neighbours: kernel.h. Sums of scores are doubles: weights are int32, scores at most 100, plugins
// at most 64, so that every total is an integer far below 2^53 and exact.
#include "kernel.h"

#include <csched/base/clones.h>
#include <math.h>
#include <string.h>

#define LANES 64 // bytes that are counted side by side

CS_CLONES
void kernel_reset(const uint8_t *restrict live, struct cs_rows rows, uint8_t *restrict by,
		  uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		by[row] = live[row] ? BY_NOBODY : BY_NOT_NOW;
		verdict[row] = 0;
	}
}

CS_CLONES
bool kernel_merge(const uint8_t *restrict one, struct cs_rows rows, uint8_t position,
		  uint8_t *restrict by, uint8_t *restrict verdict)
{
	uint8_t any = 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t takes = (one[row] != 0) & (by[row] > position) & (by[row] != BY_NOT_NOW);
		by[row] = takes ? position : by[row];
		verdict[row] = takes ? one[row] : verdict[row];
		any |= takes;
	}
	return any;
}

#define STRIDE 8 // rows that are looked at together

void kernel_list(const uint8_t *restrict by, uint32_t n, uint32_t *restrict list)
{
	uint32_t count = 0;
	uint32_t row = 0;
	for (; row + STRIDE <= n; row += STRIDE) {
		uint64_t several;
		memcpy(&several, by + row, sizeof(several));
		if (several == UINT64_MAX) { // BY_NOBODY is all ones
			for (uint32_t i = 0; i < STRIDE; i++)
				list[count + i] = row + i;
			count += STRIDE;
			continue;
		}
		for (uint32_t i = 0; i < STRIDE; i++) {
			list[count] = row + i;
			count += by[row + i] == BY_NOBODY;
		}
	}
	for (; row < n; row++) {
		list[count] = row;
		count += by[row] == BY_NOBODY;
	}
}

// Fixed arguments let the compiler make loops of their own.
#define always_inline static inline __attribute__((always_inline))

// sum[row] = from[row] + weight * scores[row]; from may be NULL (zeros) or the sum itself.
always_inline bool add_to(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
			  const double *from, double *sum)
{
	uint8_t most = 0;
	double factor = (double)weight;
	for (uint32_t row = rows.first; row < rows.end; row++)
		most = scores[row] > most ? scores[row] : most;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double product = (double)(int32_t)scores[row] * factor;
		sum[row] = from ? from[row] + product : product;
	}
	return most <= 100;
}

CS_CLONES
bool kernel_set(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
		double *restrict sum)
{
	return add_to(scores, rows, weight, NULL, sum);
}

CS_CLONES
bool kernel_add(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
		double *restrict sum)
{
	return add_to(scores, rows, weight, sum, sum);
}

CS_CLONES
bool kernel_add_from(const uint8_t *restrict scores, struct cs_rows rows, int64_t weight,
		     const double *restrict from, double *restrict sum)
{
	return add_to(scores, rows, weight, from, sum);
}

CS_CLONES
bool kernel_narrow(const int64_t *restrict raw, uint32_t n, uint8_t *restrict scores)
{
	uint64_t wrong = 0;
	for (uint32_t row = 0; row < n; row++) {
		bool right = (uint64_t)raw[row] <= 100;
		scores[row] = (uint8_t)(right ? raw[row] : 0);
		wrong |= !right;
	}
	return !wrong;
}

CS_CLONES
void kernel_add_norms(const uint8_t *restrict norm, uint32_t n, int64_t weight,
		      double *restrict sum)
{
	for (uint32_t row = 0; row < n; row++) {
		int32_t known = norm[row] == NORM_UNKNOWN ? 0 : norm[row];
		sum[row] += (double)known * (double)weight;
	}
}

uint32_t kernel_next_unknown(const uint8_t *restrict norm, const uint8_t *restrict by, uint32_t row,
			     uint32_t n)
{
	_Static_assert((BY_NOBODY & NORM_UNKNOWN) == 0xff, "both are all ones");
	while (row < n) {
		if (row + STRIDE <= n) {
			uint64_t a, b;
			memcpy(&a, norm + row, sizeof(a));
			memcpy(&b, by + row, sizeof(b));
			// A byte that is all ones in both is zero in `none`.
			uint64_t none = ~(a & b);
			if (!((none - UINT64_C(0x0101010101010101)) & ~none &
			      UINT64_C(0x8080808080808080))) {
				row += STRIDE;
				continue;
			}
		}
		if ((norm[row] & by[row]) == 0xff)
			return row;
		row++;
	}
	return n;
}

CS_CLONES
void kernel_fill_norms(const int64_t *restrict raw, int64_t wanted, struct cs_rows rows,
		       uint8_t score, uint8_t *restrict norm)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		norm[row] = raw[row] == wanted ? score : norm[row];
}

CS_CLONES
void kernel_fill(int64_t *restrict values, int64_t value, uint32_t n)
{
	for (uint32_t row = 0; row < n; row++)
		values[row] = value;
}

CS_CLONES
bool kernel_is_uniform(const int64_t *restrict values, struct cs_rows rows)
{
	int64_t differing = 0;
	for (uint32_t row = rows.first; row < rows.end; row++)
		differing |= values[row] ^ values[rows.first];
	return differing == 0;
}

CS_CLONES
struct kernel_range kernel_range(const int64_t *restrict values, const uint8_t *restrict mark,
				 uint8_t wanted, struct cs_rows rows)
{
	int64_t least = INT64_MAX, greatest = INT64_MIN;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t mask = -(int64_t)(mark[row] == wanted);
		int64_t low = (values[row] & mask) | (INT64_MAX & ~mask);
		int64_t high = (values[row] & mask) | (INT64_MIN & ~mask);
		least = low < least ? low : least;
		greatest = high > greatest ? high : greatest;
	}
	return (struct kernel_range){ least, greatest };
}

always_inline double max_of(const struct kernel_totals *totals, uint32_t first, uint32_t n)
{
	const double *restrict sum = totals->sum + first;
	const uint8_t *restrict by = totals->by + first;
	// What is not negative compares as the integer of the same bits, which is cheap to mask.
	_Static_assert(sizeof(double) == sizeof(int64_t), "IEEE 754");
	int64_t most = 0;
	for (uint32_t i = 0; i < n; i++) {
		int64_t bits;
		memcpy(&bits, &sum[i], sizeof(bits));
		bits &= -(int64_t)(by[i] == BY_NOBODY);
		most = bits > most ? bits : most;
	}
	double value;
	memcpy(&value, &most, sizeof(value));
	return value;
}

CS_CLONES
double kernel_max(const struct kernel_totals *totals, struct cs_rows rows)
{
	return max_of(totals, rows.first, rows.end - rows.first);
}

CS_CLONES
double kernel_best(const double *restrict tops, uint32_t n)
{
	double best = 0;
	for (uint32_t i = 0; i < n; i++)
		best = tops[i] > best ? tops[i] : best;
	return best;
}

always_inline uint32_t count_of(const struct kernel_totals *totals, double value, uint32_t first,
				uint32_t n)
{
	const double *restrict sum = totals->sum + first;
	const uint8_t *restrict by = totals->by + first;
	int64_t count = 0;
	for (uint32_t i = 0; i < n; i++)
		count += (by[i] == BY_NOBODY) & (sum[i] == value);
	return (uint32_t)count;
}

CS_CLONES
uint32_t kernel_count(const struct kernel_totals *totals, double value, struct cs_rows rows)
{
	return count_of(totals, value, rows.first, rows.end - rows.first);
}

// Of up to TOP_ROWS rows.
always_inline void find_top(const double *restrict sum, const uint8_t *restrict by, uint32_t n,
			    double *restrict top, uint8_t *restrict ties)
{
	int64_t bits[TOP_ROWS]; // negative where not feasible
	int64_t most = 0;
	for (uint32_t i = 0; i < n; i++) {
		int64_t own;
		memcpy(&own, &sum[i], sizeof(own));
		bits[i] = own | -(int64_t)(by[i] != BY_NOBODY);
		most = bits[i] > most ? bits[i] : most;
	}
	int64_t count = 0;
	for (uint32_t i = 0; i < n; i++)
		count += bits[i] == most;
	memcpy(top, &most, sizeof(*top));
	*ties = (uint8_t)count;
}

CS_CLONES
void kernel_tops(const struct kernel_totals *totals, uint32_t n_rows, double *restrict tops,
		 uint8_t *restrict ties)
{
	uint32_t row = 0, block = 0;
	for (; row + TOP_ROWS <= n_rows; row += TOP_ROWS, block++)
		find_top(totals->sum + row, totals->by + row, TOP_ROWS, &tops[block], &ties[block]);
	if (row < n_rows)
		find_top(totals->sum + row, totals->by + row, n_rows - row, &tops[block],
			 &ties[block]);
}

#define BOUND_LANES 16 // values that are looked at side by side

CS_CLONES
double kernel_bound(const double *restrict values, uint32_t n, uint32_t rank)
{
	// The greatest of each lane, as integers: see max_of.
	int64_t most[BOUND_LANES] = { 0 };
	int64_t count[BOUND_LANES] = { 0 };
	int64_t bound = 0;
	for (uint32_t i = 0; i < n / BOUND_LANES * BOUND_LANES; i += BOUND_LANES) {
		int64_t bits[BOUND_LANES];
		memcpy(bits, values + i, sizeof(bits));
		for (uint32_t k = 0; k < BOUND_LANES; k++)
			most[k] = bits[k] > most[k] ? bits[k] : most[k];
	}
	// How many values are known to be no less: those of other lanes.
	for (uint32_t i = 0; i < BOUND_LANES; i++)
		for (uint32_t k = 0; k < BOUND_LANES; k++)
			count[k] += most[i] >= most[k];
	for (uint32_t k = 0; k < BOUND_LANES; k++) {
		int64_t own = count[k] >= rank ? most[k] : 0;
		bound = own > bound ? own : bound;
	}
	double value;
	memcpy(&value, &bound, sizeof(value));
	return value;
}

CS_CLONES
uint64_t kernel_reach(const struct kernel_totals *totals, double least, uint32_t first, uint32_t n)
{
	const double *restrict sum = totals->sum + first;
	const uint8_t *restrict by = totals->by ? totals->by + first : NULL;
	uint8_t has[TOP_ROWS] = { 0 };
	uint64_t rows = 0;
	for (uint32_t i = 0; i < n; i++)
		has[i] = (uint8_t)((by ? by[i] == BY_NOBODY : true) & (sum[i] >= least));
	for (uint32_t i = 0; i < TOP_ROWS; i += STRIDE) {
		uint64_t several;
		memcpy(&several, has + i, sizeof(several));
		// The lowest bits of eight bytes come together in the highest one.
		rows |= several * UINT64_C(0x0102040810204080) >> 56 << i;
	}
	return rows;
}

CS_CLONES
uint32_t kernel_lowest(const struct kernel_totals *totals, double value,
		       const uint32_t *restrict rank, struct cs_rows rows)
{
	const double *restrict sum = totals->sum;
	const uint8_t *restrict by = totals->by;
	uint32_t lowest = UINT32_MAX;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		bool has = (by[row] == BY_NOBODY) & (sum[row] == value);
		uint32_t own = has ? rank[row] : UINT32_MAX;
		lowest = own < lowest ? own : lowest;
	}
	return lowest;
}

// Counts in bytes, side by side, as long as those cannot overflow.
CS_CLONES
static uint32_t count_lanes(const uint8_t *restrict bytes, uint32_t n, uint8_t wanted)
{
	uint8_t hits[LANES] = { 0 };
	uint32_t count = 0;
	for (uint32_t row = 0; row < n; row += LANES) {
		const uint8_t *restrict here = bytes + row;
		for (uint32_t k = 0; k < LANES; k++)
			hits[k] = (uint8_t)(hits[k] + (here[k] == wanted));
	}
	for (uint32_t k = 0; k < LANES; k++)
		count += hits[k];
	return count;
}

uint32_t kernel_count_bytes(const uint8_t *restrict bytes, uint32_t n, uint8_t wanted)
{
	uint32_t count = 0;
	uint32_t row = 0;
	while (n - row >= LANES) {
		uint32_t chunk =
			(n - row < LANES * UINT8_MAX ? n - row : LANES * UINT8_MAX) / LANES * LANES;
		count += count_lanes(bytes + row, chunk, wanted);
		row += chunk;
	}
	for (; row < n; row++)
		count += bytes[row] == wanted;
	return count;
}
