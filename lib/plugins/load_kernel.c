// Arithmetic on load columns, a block of rows at a time. Neighbours: load_kernel.h says what each
// computes. In single precision: twice as many rows per instruction, and a score has 101 values.
// Written for the vectoriser: no branches, arithmetic first, selection after (& and not &&).
#include "load_kernel.h"

#include <string.h>

#include <csched/base/clones.h>

#define BLOCK 256 // rows whose sums live on the stack

// ---- what is free ----

struct sums {
	float score[BLOCK];
	float weight[BLOCK];
};

// One block of a term; columns begin at its first row. `weight` may be NULL.
CS_CLONES
static void add_term(const struct cs_load_term *term, uint32_t first, uint32_t n,
		     const float *restrict scale, struct sums *restrict sums)
{
	const double *restrict load = term->load + first;
	const double *restrict capacity = term->capacity + first;
	float add = (float)(term->add - term->min);
	float min = (float)term->min;
	float base = term->flip ? 0.0F : 1.0F;
	float sign = term->flip ? 1.0F : -1.0F;
	float share = (float)term->share;
	for (uint32_t i = 0; i < n; i++) {
		float room = (float)capacity[i] * scale[i] - min;
		float has = room > 0 ? share : 0.0F;
		float safe = room > 0 ? room : 1.0F;
		float full = ((float)load[i] + add) / safe;
		full = full > 0 ? full : 0.0F;
		full = full < 1 ? full : 1.0F;
		sums->score[i] += (base + sign * full) * has;
		sums->weight[i] += has;
	}
}

CS_CLONES
static void scale_by_weight(const int32_t *restrict weight, uint32_t n, float *restrict scale)
{
	for (uint32_t i = 0; i < n; i++)
		scale[i] = (float)weight[i] * 0.01F;
}

CS_CLONES
static void divide(const struct sums *restrict sums, uint32_t n, int64_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		float weight = sums->weight[i] > 0 ? sums->weight[i] : 1.0F;
		out[i] = (int32_t)(100.0F * sums->score[i] / weight + 0.5F);
	}
}

void cs_load_kernel_free(const struct cs_load_term *terms, uint32_t n_terms, struct cs_rows rows,
			 int64_t *restrict out)
{
	float whole[BLOCK], scaled[BLOCK];
	for (uint32_t i = 0; i < BLOCK; i++)
		whole[i] = 1;
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t n = rows.end - first < BLOCK ? rows.end - first : BLOCK;
		struct sums sums;
		memset(&sums, 0, sizeof(sums));
		for (uint32_t i = 0; i < n_terms; i++) {
			if (terms[i].weight)
				scale_by_weight(terms[i].weight + first, n, scaled);
			add_term(&terms[i], first, n, terms[i].weight ? scaled : whole, &sums);
		}
		divide(&sums, n, out + first);
	}
}

// ---- filters ----

CS_CLONES
void cs_load_kernel_weightless(const int32_t *restrict weight, struct cs_rows rows,
			       uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = weight[row] == 0 ? CS_VERDICT_UNRESOLVABLE : CS_VERDICT_FITS;
}

CS_CLONES
void cs_load_kernel_above(const struct cs_load_term *term, double fraction, struct cs_rows rows,
			  uint8_t *restrict verdict)
{
	const double *restrict load = term->load;
	const double *restrict capacity = term->capacity;
	const double *restrict quality = term->quality;
	double min = term->min;
	double base = term->flip ? 1.0 : 0.0;
	double sign = term->flip ? -1.0 : 1.0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double room = capacity[row] - min;
		uint8_t beyond = base * room + sign * (load[row] - min) >= fraction * room;
		uint8_t counts = (uint8_t)((room > 0) & (quality[row] > 0));
		uint8_t fits = verdict[row] == CS_VERDICT_FITS;
		verdict[row] |= (uint8_t)(beyond & counts & fits);
	}
}

// ---- load per weight ----

CS_CLONES
static void divide_by_weight(const struct cs_load_ratio *ratio, struct cs_rows rows,
			     float *restrict out)
{
	const double *restrict load = ratio->load;
	const int32_t *restrict weight = ratio->weight;
	float add = (float)ratio->add;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float w = (float)(weight[row] > 0 ? weight[row] : 1);
		float value = ((float)load[row] + add) * 100.0F / w;
		out[row] = value > 0 ? value : 0.0F;
	}
}

CS_CLONES
static void divide_by_capacity(const double *restrict capacity, struct cs_rows rows,
			       float *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float room = (float)capacity[row];
		out[row] /= room > 0 ? room : 1.0F;
	}
}

void cs_load_kernel_ratio(const struct cs_load_ratio *ratio, struct cs_rows rows,
			  float *restrict out)
{
	divide_by_weight(ratio, rows, out);
	if (ratio->capacity)
		divide_by_capacity(ratio->capacity, rows, out);
}

// ---- ranges ----

// Floats that are not negative are ordered as their bits are, and integers have a minimum that
// compilers turn into vectors.
static uint32_t bits_of(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static float of_bits(uint32_t bits)
{
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

struct bits {
	uint32_t least;
	uint32_t greatest;
};

CS_CLONES
static struct bits range_of_all(const float *restrict values, uint32_t n)
{
	uint32_t least = UINT32_MAX, greatest = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bits = bits_of(values[i]);
		least = bits < least ? bits : least;
		greatest = bits > greatest ? bits : greatest;
	}
	return (struct bits){ least, greatest };
}

CS_CLONES
static struct bits range_of_some(const float *restrict values, const uint32_t *restrict rows,
				 uint32_t n)
{
	uint32_t least = UINT32_MAX, greatest = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bits = bits_of(values[rows[i]]);
		least = bits < least ? bits : least;
		greatest = bits > greatest ? bits : greatest;
	}
	return (struct bits){ least, greatest };
}

struct cs_load_range cs_load_kernel_range(const float *restrict values,
					  const uint32_t *restrict rows, uint32_t n)
{
	struct bits bits = rows ? range_of_some(values, rows, n) : range_of_all(values, n);
	return (struct cs_load_range){ of_bits(bits.least), of_bits(bits.greatest) };
}

CS_CLONES
bool cs_load_kernel_all_positive(const double *restrict values, const uint32_t *restrict rows,
				 uint32_t n)
{
	uint32_t count = 0;
	if (rows)
		for (uint32_t i = 0; i < n; i++)
			count += values[rows[i]] > 0;
	else
		for (uint32_t i = 0; i < n; i++)
			count += values[i] > 0;
	return count == n;
}

// ---- scores ----

CS_CLONES
static void find_steps(const float *restrict values, float least, uint32_t n,
		       int32_t *restrict steps)
{
	for (uint32_t i = 0; i < n; i++) {
		float safe = values[i] > least ? values[i] : 1.0F;
		float part = values[i] > least ? least / safe : 1.0F;
		steps[i] = (int32_t)(part * CS_LOAD_CURVE_STEPS + 0.5F);
	}
}

void cs_load_kernel_curve(const float *restrict values, float least,
			  const struct cs_load_curve *restrict curve, struct cs_rows rows,
			  int64_t *restrict out)
{
	int32_t steps[BLOCK];
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t n = rows.end - first < BLOCK ? rows.end - first : BLOCK;
		find_steps(values + first, least, n, steps);
		for (uint32_t i = 0; i < n; i++)
			out[first + i] = curve->score[steps[i]];
	}
}

CS_CLONES
void cs_load_kernel_rest(const float *restrict values, struct cs_rows rows, int64_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float rest = 1.0F - values[row];
		rest = rest > 0 ? rest : 0.0F;
		out[row] = (int32_t)(rest * 100.0F + 0.5F);
	}
}
