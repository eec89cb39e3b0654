// The loops over rows of plugins that work by load. Neighbours: by_load.h prepares the terms;
// cluster's load.h has the columns. Built with the kernels' own flags.
#ifndef CSCHED_LIB_PLUGINS_LOAD_KERNEL_H
#define CSCHED_LIB_PLUGINS_LOAD_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/framework/plugin.h>

// How full rows are of one metric, from 0 to 1:
//     (load + add - min) / (capacity * weight / 100 - min)
// or what is missing to 1 where `flip`. Rows without capacity have no such thing.
struct cs_load_term {
	const double *load;
	const double *capacity;
	const double *quality;
	const int32_t *weight; // of nodes, 0 .. 1000
	bool level;            // nodes' weights do not matter: 100 for all
	double min;
	bool flip;
};

// A term of a score as it is worked out, with what is the same for all pods at hand in columns:
//     score = base + sum of part * min(1, (load + add * strain) * inverse)
struct cs_load_part {
	const float *load;
	const float *inverse; // 1 / (capacity * weight / 100 - min); 0 where there is none
	const float *part;    // the term's share of 100, negative but for `flip`
	const float *strain;
	double add; // what the pod adds, less min
	float same; // of all rows' part, where `alike`
};
struct cs_load_sum {
	const struct cs_load_part *parts;
	uint32_t n_parts;
	const float *base;
	// All rows have one base, the same parts, and no strain: the columns of these are not read.
	bool alike;
	float same;
};
// Rounded; the parts and the base see to it that it is 0 .. 100.
void cs_load_kernel_sum(const struct cs_load_sum *sum, struct cs_rows rows, uint8_t *restrict out);

// verdict[row] = UNRESOLVABLE where the node's weight is 0, else FITS.
void cs_load_kernel_weightless(const int32_t *restrict weight, struct cs_rows rows,
			       uint8_t *restrict verdict);
// ORs UNSCHEDULABLE where something is known of the row, and it is at least `fraction` full without
// the pod and without regard to nodes' weights. Never after UNRESOLVABLE.
void cs_load_kernel_above(const struct cs_load_term *term, double fraction, struct cs_rows rows,
			  uint8_t *restrict verdict);

// Weight per load, the greater the better: weight / (load + add).
struct cs_load_worth {
	const float *load;
	const int32_t *weight; // NULL: 100 for all
	double add;
};
struct cs_load_range {
	float least;
	float greatest;
};
// Of rows 0 .. n-1; returns their range. n > 0.
struct cs_load_range cs_load_kernel_worth(const struct cs_load_worth *worth, uint32_t n,
					  float *restrict out);

// The less, the better: (load + add) * factor.
struct cs_load_delay {
	const float *load;
	const float *factor; // 100 / weight; NULL: 1 for all
	float add;
};
// The mean of rows[0] .. rows[n-1], or where `rows` is NULL of rows 0 .. n-1; n > 0.
float cs_load_kernel_mean_delay(const struct cs_load_delay *delay, const uint32_t *restrict rows,
				uint32_t n);
// What share of its score a node loses that is `full`, 1 or more: all. The straight part keeps
// nodes in the order of their connections where nobody is crowded.
static inline float cs_load_crowding(float full)
{
	float square = full * full;
	float fourth = square * square;
	return 0.05F * full + 0.95F * fourth * fourth;
}
// 100 * (1 - share * crowding(u)), rounded, at least 0, with u = delay * inverse * (1 + doubt * (1
// - quality)).
struct cs_load_crowd {
	struct cs_load_delay delay;
	const double *quality; // NULL: 1 for all
	float inverse;         // 1 / the delay that scores 0 where share is 1
	float doubt;
	float share;
};
void cs_load_kernel_crowd(const struct cs_load_crowd *crowd, struct cs_rows rows,
			  uint8_t *restrict out);

// The factors of rows 0 .. n-1 with which delay * inverse is at least delay * limit[row].
void cs_load_kernel_narrow(const float *restrict factor, const float *restrict limit, float inverse,
			   uint32_t n, float *restrict out);

// The range of values that are not negative. `rows` NULL: of values 0 .. n-1 themselves; n > 0.
struct cs_load_range cs_load_kernel_range(const float *restrict values,
					  const uint32_t *restrict rows, uint32_t n);
// Whether values[rows[i]] > 0 for all n. `rows` as above.
bool cs_load_kernel_all_positive(const double *restrict values, const uint32_t *restrict rows,
				 uint32_t n);

#define CS_LOAD_TOP 99 // what RoundRobin and Random give the node that they choose

// Credit and weight of rows 0 .. n-1, added up: the least and the greatest. n > 0. `weight` is NULL
// where all have 100, here and below.
struct cs_load_turns {
	int32_t least;
	int32_t greatest;
};
struct cs_load_turns cs_load_kernel_turns(const int32_t *restrict credit,
					  const int32_t *restrict weight, uint32_t n);
// CS_LOAD_TOP at the greatest, else by where in the range, 0 .. CS_LOAD_TOP - 1. In single
// precision: the same for the same sum, and never less for a greater one.
void cs_load_kernel_turn_scores(const int32_t *restrict credit, const int32_t *restrict weight,
				struct cs_load_turns turns, struct cs_rows rows,
				uint8_t *restrict out);
int64_t cs_load_kernel_weights(const int32_t *restrict weight, uint32_t n); // their sum
// credit += weight, kept within `bound` on either side of 0.
void cs_load_kernel_gain(int32_t *restrict credit, const int32_t *restrict weight, int32_t bound,
			 uint32_t n);

// A random number of 32 bits for each row, of both halves of its hash and the seed, which must be
// random themselves. Returns the greatest.
uint32_t cs_load_kernel_draw(const uint32_t *restrict low, const uint32_t *restrict high,
			     uint64_t seed, struct cs_rows rows, uint32_t *restrict keys);
// floor((CS_LOAD_TOP - 1) * key / 2^32), of the upper 24 bits of the key.
void cs_load_kernel_draw_scores(const uint32_t *restrict keys, struct cs_rows rows,
				uint8_t *restrict out);

// What the row's domain scores: scores[id + 1], 0 .. 100; [0] for rows in none. As
// cs_kernel_look_up, and faster where domains are few.
void cs_load_kernel_look_up(const uint32_t *restrict domain, const uint8_t *restrict scores,
			    uint32_t n_scores, struct cs_rows rows, uint8_t *restrict out);

// sum / total, rounded, of n. Sums of 0 .. 100 * total, total below 2^39.
void cs_load_kernel_mean(uint64_t total, const int64_t *restrict sums, uint32_t n,
			 uint8_t *restrict out);

// 100 * value / greatest, rounded, at most 100.
void cs_load_kernel_share(const float *restrict values, float greatest, struct cs_rows rows,
			  uint8_t *restrict out);
// The same by a curve: what a ratio of 0 .. 1 scores, in steps of 1 / CS_LOAD_CURVE_STEPS.
#define CS_LOAD_CURVE_STEPS 4096
struct cs_load_curve {
	uint8_t score[CS_LOAD_CURVE_STEPS + 1];
};
void cs_load_kernel_curve(const float *restrict values, float greatest,
			  const struct cs_load_curve *restrict curve, struct cs_rows rows,
			  uint8_t *restrict out);
// 100 * (1 - 100 / (worth * capacity)), rounded, at least 0: what is left of a limit.
void cs_load_kernel_rest(const float *restrict worth, const double *restrict capacity,
			 struct cs_rows rows, uint8_t *restrict out);

#endif
