// The loops over node columns. Neighbours: kernel.h says what each computes.
// Written for the vectoriser: no branches, arithmetic first, selection after (& and not &&).
#include "kernel.h"

#include <csched/base/clones.h>
#include <math.h>

#define BLOCK 256 // rows whose sums live on the stack

CS_CLONES
void cs_kernel_mark_pods(const int64_t *restrict n_pods, const int64_t *restrict max_pods,
			 struct cs_rows rows, uint8_t *restrict marks)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		marks[row] = n_pods[row] >= max_pods[row] ? CS_KERNEL_SHORT : 0;
}

CS_CLONES
void cs_kernel_fit_verdicts(struct cs_rows rows, uint8_t *restrict marks)
{
	_Static_assert(CS_KERNEL_SHORT == (int)CS_VERDICT_UNSCHEDULABLE, "1 is 1");
	_Static_assert(CS_KERNEL_NEVER == (int)CS_VERDICT_UNRESOLVABLE, "3 becomes 2");
	for (uint32_t row = rows.first; row < rows.end; row++)
		marks[row] = (uint8_t)(marks[row] - (marks[row] >> 1));
}

CS_CLONES
void cs_kernel_insufficient(const struct cs_kernel_fit *fit, struct cs_rows rows,
			    uint8_t *restrict marks)
{
	const int64_t *restrict allocatable = fit->allocatable;
	const int64_t *restrict requested = fit->requested;
	int64_t asked = fit->asked;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t is_short = asked > allocatable[row] - requested[row];
		uint8_t never = asked > allocatable[row];
		marks[row] |= (uint8_t)(is_short * CS_KERNEL_SHORT | never * CS_KERNEL_NEVER);
	}
}

struct sums {
	double score[BLOCK];
	double weight[BLOCK];
};

CS_CLONES
static void add_least_double(const struct cs_kernel_term *term, struct cs_rows rows,
			     struct sums *sums)
{
	const double *restrict allocatable = term->allocatable_double + rows.first;
	const double *restrict used = term->used_double + rows.first;
	double asked = (double)term->asked;
	double weight = (double)term->weight;
	for (uint32_t i = 0; i < rows.end - rows.first; i++) {
		double capacity = allocatable[i];
		double has = capacity > 0 ? 1.0 : 0.0;
		double safe = capacity > 0 ? capacity : 1.0;
		double free = capacity - (used[i] + asked);
		free = free > 0 ? free : 0;
		double part = (double)(int32_t)(free * 100.0 / safe);
		sums->score[i] += part * weight * has;
		sums->weight[i] += weight * has;
	}
}

// For nodes of more than 81 TiB of something: integer arithmetic as upstream's.
static void add_least_exact(const struct cs_kernel_term *term, struct cs_rows rows,
			    struct sums *sums)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t capacity = term->allocatable[row];
		__int128 free = (__int128)capacity - term->used[row] - term->asked;
		if (capacity <= 0)
			continue;
		__int128 part = free > 0 ? free * 100 / capacity : 0;
		sums->score[row - rows.first] += (double)(int64_t)part * (double)term->weight;
		sums->weight[row - rows.first] += (double)term->weight;
	}
}

CS_CLONES
static void divide(const struct sums *sums, uint32_t n, int64_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		double weight = sums->weight[i] > 0 ? sums->weight[i] : 1.0;
		out[i] = (int32_t)(sums->score[i] / weight);
	}
}

void cs_kernel_least_allocated(const struct cs_kernel_term *terms, uint32_t n_terms,
			       struct cs_rows rows, int64_t *restrict out)
{
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t end = rows.end - first > BLOCK ? first + BLOCK : rows.end;
		struct cs_rows block = { .first = first, .end = end };
		struct sums sums = { 0 };
		for (uint32_t i = 0; i < n_terms; i++) {
			if (terms[i].exact)
				add_least_double(&terms[i], block, &sums);
			else
				add_least_exact(&terms[i], block, &sums);
		}
		divide(&sums, end - first, out + first);
	}
}

static inline double fraction(double used, double capacity)
{
	double safe = capacity > 0 ? capacity : 1.0;
	double f = used / safe;
	return f > 1.0 ? 1.0 : f;
}

// int64((1 - std) * 100) with std = |a - b| / 2, or 0 where one of the two is not there.
static inline int32_t pair_score(double a, double b, double both)
{
	double std = fabs((a - b) / 2.0) * both;
	return (int32_t)((1.0 - std) * 100.0);
}

CS_CLONES
void cs_kernel_balanced_pair(const struct cs_kernel_term terms[2], struct cs_rows rows,
			     int64_t *restrict out)
{
	const double *restrict capacity_a = terms[0].allocatable_double;
	const double *restrict capacity_b = terms[1].allocatable_double;
	const double *restrict used_a = terms[0].used_double;
	const double *restrict used_b = terms[1].used_double;
	const double *restrict share_a = terms[0].share;
	const double *restrict share_b = terms[1].share;
	double asked_a = (double)terms[0].asked;
	double asked_b = (double)terms[1].asked;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double a = capacity_a[row];
		double b = capacity_b[row];
		double both = (a > 0 ? 1.0 : 0.0) * (b > 0 ? 1.0 : 0.0);
		int32_t with = pair_score(fraction(used_a[row] + asked_a, a),
					  fraction(used_b[row] + asked_b, b), both);
		int32_t without = pair_score(share_a[row], share_b[row], both);
		out[row] = 50 + (50 + with - without) / 2;
	}
}
