// Arithmetic on load columns, a block of rows at a time. Neighbours: load_kernel.h says what each
// computes. In single precision: twice as many rows per instruction, and a score has 101 values.
// Written for the vectoriser: no branches, arithmetic first, selection after (& and not &&).
#include "load_kernel.h"

#include <string.h>

#include <csched/base/clones.h>
#include <csched/cluster/load.h>

#include "kernel.h"

#define BLOCK    1024   // rows whose sums live on the stack
#define LOAD_MIN 1e-20F // less is as good as nothing

// NULL: all nodes have the default. The compiler makes a loop for each case.
static inline int32_t weight_of(const int32_t *restrict weight, uint32_t row)
{
	return weight ? weight[row] : CS_NODE_WEIGHT_DEFAULT;
}

// ---- sums ----

static inline float at_most_1(float full)
{
	return full < 1 ? full : 1.0F;
}

CS_CLONES
static void add_part(const struct cs_load_part *part, struct cs_rows rows, float *restrict sums)
{
	const float *restrict load = part->load + rows.first;
	const float *restrict inverse = part->inverse + rows.first;
	const float *restrict share = part->part + rows.first;
	const float *restrict strain = part->strain + rows.first;
	float add = (float)part->add;
	for (uint32_t i = 0; i < rows.end - rows.first; i++) {
		float full = (load[i] + add * strain[i]) * inverse[i];
		sums[i] += share[i] * at_most_1(full);
	}
}

CS_CLONES
static void round_sums(const float *restrict sums, uint32_t n, uint8_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		float rounded = sums[i] + 0.5F;
		out[i] = (uint8_t)(int32_t)rounded;
	}
}

// Two parts at once, as mostly there are: cpu and memory.
CS_CLONES
static void sum_pair(const struct cs_load_sum *sum, struct cs_rows rows, uint8_t *restrict out)
{
	const struct cs_load_part *parts = sum->parts;
	const float *restrict base = sum->base;
	const float *restrict load_a = parts[0].load;
	const float *restrict load_b = parts[1].load;
	const float *restrict inverse_a = parts[0].inverse;
	const float *restrict inverse_b = parts[1].inverse;
	const float *restrict part_a = parts[0].part;
	const float *restrict part_b = parts[1].part;
	const float *restrict strain_a = parts[0].strain;
	const float *restrict strain_b = parts[1].strain;
	float add_a = (float)parts[0].add;
	float add_b = (float)parts[1].add;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float a = at_most_1((load_a[row] + add_a * strain_a[row]) * inverse_a[row]);
		float b = at_most_1((load_b[row] + add_b * strain_b[row]) * inverse_b[row]);
		float rounded = base[row] + part_a[row] * a + part_b[row] * b + 0.5F;
		out[row] = (uint8_t)(int32_t)rounded;
	}
}

// The same where rows are alike.
CS_CLONES
static void sum_pair_alike(const struct cs_load_sum *sum, struct cs_rows rows,
			   uint8_t *restrict out)
{
	const struct cs_load_part *parts = sum->parts;
	const float *restrict load_a = parts[0].load;
	const float *restrict load_b = parts[1].load;
	const float *restrict inverse_a = parts[0].inverse;
	const float *restrict inverse_b = parts[1].inverse;
	float base = sum->same;
	float part_a = parts[0].same;
	float part_b = parts[1].same;
	float add_a = (float)parts[0].add;
	float add_b = (float)parts[1].add;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float a = at_most_1((load_a[row] + add_a) * inverse_a[row]);
		float b = at_most_1((load_b[row] + add_b) * inverse_b[row]);
		float rounded = base + part_a * a + part_b * b + 0.5F;
		out[row] = (uint8_t)(int32_t)rounded;
	}
}

static void sum_any(const struct cs_load_sum *sum, struct cs_rows rows, uint8_t *restrict out)
{
	float sums[BLOCK];
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t n = rows.end - first < BLOCK ? rows.end - first : BLOCK;
		struct cs_rows block = { first, first + n };
		memcpy(sums, sum->base + first, n * sizeof(*sums));
		for (uint32_t i = 0; i < sum->n_parts; i++)
			add_part(&sum->parts[i], block, sums);
		round_sums(sums, n, out + first);
	}
}

void cs_load_kernel_sum(const struct cs_load_sum *sum, struct cs_rows rows, uint8_t *restrict out)
{
	if (sum->n_parts != 2)
		sum_any(sum, rows, out);
	else if (sum->alike)
		sum_pair_alike(sum, rows, out);
	else
		sum_pair(sum, rows, out);
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

// ---- crowds ----

// Sums side by side: one alone would wait for itself at each addition.
#define LANES 32

static inline float delay_of(float load, float add, const float *restrict factor, uint32_t row)
{
	return (load + add) * (factor ? factor[row] : 1.0F);
}

CS_CLONES
static void sum_all(const struct cs_load_delay *delay, uint32_t n, float *restrict sums)
{
	const float *restrict load = delay->load;
	const float *restrict factor = delay->factor;
	float add = delay->add;
	uint32_t whole = n / LANES * LANES;
	if (factor)
		for (uint32_t i = 0; i < whole; i += LANES)
			for (uint32_t lane = 0; lane < LANES; lane++)
				sums[lane] += (load[i + lane] + add) * factor[i + lane];
	else
		for (uint32_t i = 0; i < whole; i += LANES)
			for (uint32_t lane = 0; lane < LANES; lane++)
				sums[lane] += load[i + lane] + add;
	for (uint32_t i = whole; i < n; i++)
		sums[i % LANES] += delay_of(load[i], add, factor, i);
}

float cs_load_kernel_mean_delay(const struct cs_load_delay *delay, const uint32_t *restrict rows,
				uint32_t n)
{
	float sums[LANES] = { 0 };
	float sum = 0;
	if (!rows)
		sum_all(delay, n, sums);
	for (uint32_t i = 0; rows && i < n; i++)
		sums[i % LANES] +=
			delay_of(delay->load[rows[i]], delay->add, delay->factor, rows[i]);
	for (uint32_t lane = 0; lane < LANES; lane++)
		sum += sums[lane];
	return sum / (float)n;
}

CS_CLONES
void cs_load_kernel_crowd(const struct cs_load_crowd *crowd, struct cs_rows rows,
			  uint8_t *restrict out)
{
	const float *restrict load = crowd->delay.load;
	const float *restrict factor = crowd->delay.factor;
	const double *restrict quality = crowd->quality;
	float add = crowd->delay.add;
	float inverse = crowd->inverse;
	float doubt = crowd->doubt;
	float most = 100 * crowd->share;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float full = delay_of(load[row], add, factor, row) * inverse;
		full *= quality ? 1 + doubt * (1 - (float)quality[row]) : 1.0F;
		float lost = most * cs_load_crowding(full);
		float rounded = 100.5F - (lost < 100 ? lost : 100.0F);
		out[row] = (uint8_t)(int32_t)rounded;
	}
}

CS_CLONES
void cs_load_kernel_narrow(const float *restrict factor, const float *restrict limit, float inverse,
			   uint32_t n, float *restrict out)
{
	for (uint32_t row = 0; row < n; row++) {
		float narrow = limit[row] / inverse;
		out[row] = factor[row] * (narrow > 1 ? narrow : 1.0F);
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

// ---- weight per load ----

CS_CLONES
static struct bits worth_of_all(const struct cs_load_worth *worth, uint32_t n, float *restrict out)
{
	const float *restrict load = worth->load;
	const int32_t *restrict weight = worth->weight;
	float add = (float)worth->add;
	uint32_t least = UINT32_MAX, greatest = 0;
	for (uint32_t row = 0; row < n; row++) {
		float sum = load[row] + add;
		out[row] = (float)weight_of(weight, row) / (sum > LOAD_MIN ? sum : LOAD_MIN);
		uint32_t bits = bits_of(out[row]);
		least = bits < least ? bits : least;
		greatest = bits > greatest ? bits : greatest;
	}
	return (struct bits){ least, greatest };
}

struct cs_load_range cs_load_kernel_worth(const struct cs_load_worth *worth, uint32_t n,
					  float *restrict out)
{
	struct bits bits = worth_of_all(worth, n, out);
	return (struct cs_load_range){ of_bits(bits.least), of_bits(bits.greatest) };
}

// ---- turns ----

CS_CLONES
struct cs_load_turns cs_load_kernel_turns(const int32_t *restrict credit,
					  const int32_t *restrict weight, uint32_t n)
{
	int32_t least = INT32_MAX, greatest = INT32_MIN;
	for (uint32_t row = 0; row < n; row++) {
		int32_t value = credit[row] + weight_of(weight, row);
		least = value < least ? value : least;
		greatest = value > greatest ? value : greatest;
	}
	return (struct cs_load_turns){ least, greatest };
}

CS_CLONES
void cs_load_kernel_turn_scores(const int32_t *restrict credit, const int32_t *restrict weight,
				struct cs_load_turns turns, struct cs_rows rows,
				uint8_t *restrict out)
{
	int32_t least = turns.least, greatest = turns.greatest;
	int64_t width = (int64_t)greatest - least;
	float step = width > 0 ? (float)(CS_LOAD_TOP - 1) / (float)width : 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int32_t value = credit[row] + weight_of(weight, row);
		// Rows that are not feasible may be below all that are.
		int32_t above = value > least ? value - least : 0;
		int32_t part = (int32_t)((float)above * step);
		out[row] = (uint8_t)(value >= greatest ? CS_LOAD_TOP : part);
	}
}

CS_CLONES
int64_t cs_load_kernel_weights(const int32_t *restrict weight, uint32_t n)
{
	int64_t sum = 0;
	for (uint32_t row = 0; row < n; row++)
		sum += weight_of(weight, row);
	return sum;
}

CS_CLONES
void cs_load_kernel_gain(int32_t *restrict credit, const int32_t *restrict weight, int32_t bound,
			 uint32_t n)
{
	for (uint32_t row = 0; row < n; row++) {
		int32_t value = credit[row] + weight_of(weight, row);
		value = value < bound ? value : bound;
		credit[row] = value > -bound ? value : -bound;
	}
}

// ---- draws ----

// Two multiplications suffice, since hashes and seed are random already and the low bits of a key
// hardly matter. Both halves of the name's hash are in it: two names give the same number for all
// pods only where all 64 bits are the same.
CS_CLONES
uint32_t cs_load_kernel_draw(const uint32_t *restrict low, const uint32_t *restrict high,
			     uint64_t seed, struct cs_rows rows, uint32_t *restrict keys)
{
	uint32_t mask = (uint32_t)seed, factor = (uint32_t)(seed >> 32) | 1;
	uint32_t greatest = 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint32_t z = (low[row] ^ mask) * UINT32_C(0xcc9e2d51);
		z = ((z ^ z >> 16) + high[row]) * factor;
		keys[row] = z;
		greatest = z > greatest ? z : greatest;
	}
	return greatest;
}

// Of a key's upper 24 bits, which single precision has.
CS_CLONES
void cs_load_kernel_draw_scores(const uint32_t *restrict keys, struct cs_rows rows,
				uint8_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float key = (float)(int32_t)(keys[row] >> 8);
		out[row] = (uint8_t)(int32_t)(key * ((CS_LOAD_TOP - 1) / 0x1p24F));
	}
}

// ---- domains ----

// So many scores are in one register; where there is none so wide, the compiler makes do.
#define FEW 16
typedef int32_t few __attribute__((vector_size(FEW * sizeof(int32_t))));
typedef uint8_t few_scores __attribute__((vector_size(FEW)));

CS_CLONES
static void look_up_few(const uint32_t *restrict domain, const int32_t scores[FEW],
			struct cs_rows rows, uint8_t *restrict out)
{
	uint32_t row = rows.first;
#ifndef __clang__ // has no such shuffle
	few from, at;
	memcpy(&from, scores, sizeof(from));
	for (; row + FEW <= rows.end; row += FEW) {
		memcpy(&at, domain + row, sizeof(at));
		few_scores found =
			__builtin_convertvector(__builtin_shuffle(from, at + 1), few_scores);
		memcpy(out + row, &found, sizeof(found));
	}
#endif
	for (; row < rows.end; row++)
		out[row] = (uint8_t)scores[(uint32_t)(domain[row] + 1)];
}

void cs_load_kernel_look_up(const uint32_t *restrict domain, const uint8_t *restrict scores,
			    uint32_t n_scores, struct cs_rows rows, uint8_t *restrict out)
{
	int32_t all[FEW] = { 0 };
	if (n_scores > FEW) {
		cs_kernel_look_up(domain, scores, rows, out);
		return;
	}
	for (uint32_t i = 0; i < n_scores; i++)
		all[i] = scores[i];
	look_up_few(domain, all, rows, out);
}

// A share that is exactly a half rounds up, whatever the product is off by: the next lower share is
// farther away for all totals below 2^39.
CS_CLONES
void cs_load_kernel_mean(uint64_t total, const int64_t *restrict sums, uint32_t n,
			 uint8_t *restrict out)
{
	double scale = 1 / (double)total;
	for (uint32_t i = 0; i < n; i++)
		out[i] = (uint8_t)(int32_t)((double)sums[i] * scale + (0.5 + 0x1p-40));
}

// ---- scores ----

CS_CLONES
void cs_load_kernel_share(const float *restrict values, float greatest, struct cs_rows rows,
			  uint8_t *restrict out)
{
	float scale = 100.0F / greatest;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float rounded = values[row] * scale + 0.5F;
		out[row] = (uint8_t)(int32_t)(rounded < 100.0F ? rounded : 100.0F);
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
			  uint8_t *restrict out)
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
			 struct cs_rows rows, uint8_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		float room = worth[row] * (float)capacity[row];
		float rest = 100.0F - 10000.0F / (room > 1 ? room : 1.0F);
		out[row] = (uint8_t)(int32_t)(rest > 0 ? rest + 0.5F : 0.0F);
	}
}
