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
//     score = base + sum of part * min(1, (load + add) * inverse)
struct cs_load_part {
	const double *load;
	const float *inverse; // 1 / (capacity * weight / 100 - min); 0 where there is none
	const float *part;    // the term's share of 100, negative but for `flip`
	double add;           // what the pod adds, less min
};
// Rounded; the parts and the base see to it that it is 0 .. 100.
void cs_load_kernel_sum(const struct cs_load_part *parts, uint32_t n_parts,
			const float *restrict base, struct cs_rows rows, int64_t *restrict out);

// verdict[row] = UNRESOLVABLE where the node's weight is 0, else FITS.
void cs_load_kernel_weightless(const int32_t *restrict weight, struct cs_rows rows,
			       uint8_t *restrict verdict);
// ORs UNSCHEDULABLE where something is known of the row, and it is at least `fraction` full without
// the pod and without regard to nodes' weights. Never after UNRESOLVABLE.
void cs_load_kernel_above(const struct cs_load_term *term, double fraction, struct cs_rows rows,
			  uint8_t *restrict verdict);

// Weight per load, the greater the better: weight / (load + add).
struct cs_load_worth {
	const double *load;
	const int32_t *weight;
	double add;
};
void cs_load_kernel_worth(const struct cs_load_worth *worth, struct cs_rows rows,
			  float *restrict out);

// The range of values that are not negative. `rows` NULL: of values 0 .. n-1 themselves; n > 0.
struct cs_load_range {
	float least;
	float greatest;
};
struct cs_load_range cs_load_kernel_range(const float *restrict values,
					  const uint32_t *restrict rows, uint32_t n);
// Whether values[rows[i]] > 0 for all n. `rows` as above.
bool cs_load_kernel_all_positive(const double *restrict values, const uint32_t *restrict rows,
				 uint32_t n);

// 100 * value / greatest, rounded, at most 100.
void cs_load_kernel_share(const float *restrict values, float greatest, struct cs_rows rows,
			  int64_t *restrict out);
// The same by a curve: what a ratio of 0 .. 1 scores, in steps of 1 / CS_LOAD_CURVE_STEPS.
#define CS_LOAD_CURVE_STEPS 4096
struct cs_load_curve {
	uint8_t score[CS_LOAD_CURVE_STEPS + 1];
};
void cs_load_kernel_curve(const float *restrict values, float greatest,
			  const struct cs_load_curve *restrict curve, struct cs_rows rows,
			  int64_t *restrict out);
// 100 * (1 - 100 / (worth * capacity)), rounded, at least 0: what is left of a limit.
void cs_load_kernel_rest(const float *restrict worth, const double *restrict capacity,
			 struct cs_rows rows, int64_t *restrict out);

#endif
