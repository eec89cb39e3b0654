// Arithmetic on load columns, a block of rows at a time. Neighbours: load_kernel.h says what each
// computes. In single precision: twice as many rows per instruction, and a score has 101 values.
// Written for the vectoriser: no branches, arithmetic first, selection after (& and not &&).
#include "load_kernel.h"

#include <string.h>

#include <csched/base/clones.h>

#define BLOCK    1024   // rows whose sums live on the stack
#define LOAD_MIN 1e-20F // less is as good as nothing

// ---- sums ----

static inline float at_most_1(float full)
{
	return full < 1 ? full : 1.0F;
}

CS_CLONES
static void add_part(const struct cs_load_part *part, struct cs_rows rows, float *restrict sums)
{
	const double *restrict load = part->load + rows.first;
	const float *restrict inverse = part->inverse + rows.first;
	const float *restrict share = part->part + rows.first;
	float add = (float)part->add;
	for (uint32_t i = 0; i < rows.end - rows.first; i++) {
		float full = ((float)load[i] + add) * inverse[i];
		sums[i] += share[i] * at_most_1(full);
	}
}

CS_CLONES
static void round_sums(const float *restrict sums, uint32_t n, int64_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		float rounded = sums[i] + 0.5F;
		out[i] = (int32_t)rounded;
	}
}

// Two parts at once, as mostly there are: cpu and memory.
CS_CLONES
static void sum_pair(const struct cs_load_part parts[2], const float *restrict base,
		     struct cs_rows rows, int64_t *restrict out)
{
	const double *restrict load_a = parts[0].load;
	const double *restrict load_b = parts[1].load;
	const float *restrict inverse_a = parts[0].inverse;
	const float *restrict inverse_b = parts[1].inverse;
	const float *restrict part_a = parts[0].part;
	const float *restrict part_b = parts[1].part;
	float add_a = (float)parts[0].add;
	float add_b = (float)parts[1].add;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float a = at_most_1(((float)load_a[row] + add_a) * inverse_a[row]);
		float b = at_most_1(((float)load_b[row] + add_b) * inverse_b[row]);
		float rounded = base[row] + part_a[row] * a + part_b[row] * b + 0.5F;
		out[row] = (int32_t)rounded;
	}
}

void cs_load_kernel_sum(const struct cs_load_part *parts, uint32_t n_parts,
			const float *restrict base, struct cs_rows rows, int64_t *restrict out)
{
	float sums[BLOCK];
	if (n_parts == 2) {
		sum_pair(parts, base, rows, out);
		return;
	}
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t n = rows.end - first < BLOCK ? rows.end - first : BLOCK;
		struct cs_rows block = { first, first + n };
		memcpy(sums, base + first, n * sizeof(*sums));
		for (uint32_t i = 0; i < n_parts; i++)
			add_part(&parts[i], block, sums);
		round_sums(sums, n, out + first);
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

// ---- weight per load ----

CS_CLONES
void cs_load_kernel_worth(const struct cs_load_worth *worth, struct cs_rows rows,
			  float *restrict out)
{
	const double *restrict load = worth->load;
	const int32_t *restrict weight = worth->weight;
	float add = (float)worth->add;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float sum = (float)load[row] + add;
		out[row] = (float)weight[row] / (sum > LOAD_MIN ? sum : LOAD_MIN);
	}
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
	if (n > 0 && values[rows ? rows[0] : 0] <= 0)
		return false; // as mostly where there are none
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
void cs_load_kernel_share(const float *restrict values, float greatest, struct cs_rows rows,
			  int64_t *restrict out)
{
	float scale = 100.0F / greatest;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float rounded = values[row] * scale + 0.5F;
		out[row] = (int32_t)(rounded < 100.0F ? rounded : 100.0F);
	}
}

// Rows that are not feasible may be beyond all bounds: limited before they are integers.
CS_CLONES
static void find_steps(const float *restrict values, float scale, uint32_t n,
		       int32_t *restrict steps)
{
	for (uint32_t i = 0; i < n; i++) {
		float rounded = values[i] * scale + 0.5F;
		steps[i] = (int32_t)(rounded < (float)CS_LOAD_CURVE_STEPS
					     ? rounded
					     : (float)CS_LOAD_CURVE_STEPS);
	}
}

void cs_load_kernel_curve(const float *restrict values, float greatest,
			  const struct cs_load_curve *restrict curve, struct cs_rows rows,
			  int64_t *restrict out)
{
	int32_t steps[BLOCK];
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t n = rows.end - first < BLOCK ? rows.end - first : BLOCK;
		find_steps(values + first, CS_LOAD_CURVE_STEPS / greatest, n, steps);
		for (uint32_t i = 0; i < n; i++)
			out[first + i] = curve->score[steps[i]];
	}
}

CS_CLONES
void cs_load_kernel_rest(const float *restrict worth, const double *restrict capacity,
			 struct cs_rows rows, int64_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float room = worth[row] * (float)capacity[row];
		float rest = 100.0F - 10000.0F / (room > 1 ? room : 1.0F);
		out[row] = (int32_t)(rest > 0 ? rest + 0.5F : 0.0F);
	}
}
