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
	const int32_t *weight; // of nodes, 0 .. 1000; NULL: nodes' weights do not matter
	double add;            // what the pod adds
	double min;
	bool flip;
	double share; // of this term in a score, > 0
};

// The weighted mean of what is free, 0 .. 100, rounded; 0 where a row has no capacity of any.
void cs_load_kernel_free(const struct cs_load_term *terms, uint32_t n_terms, struct cs_rows rows,
			 int64_t *restrict out);

// verdict[row] = UNRESOLVABLE where the node's weight is 0, else FITS.
void cs_load_kernel_weightless(const int32_t *restrict weight, struct cs_rows rows,
			       uint8_t *restrict verdict);
// ORs UNSCHEDULABLE where something is known of the row, and it is at least `fraction` full without
// the pod and without regard to nodes' weights. Never after UNRESOLVABLE.
void cs_load_kernel_above(const struct cs_load_term *term, double fraction, struct cs_rows rows,
			  uint8_t *restrict verdict);

// Load per weight, the smaller the better: (load + add) / (weight / 100), and / capacity where
// there is one. Rows of weight 0 count as if they had 1.
struct cs_load_ratio {
	const double *load;
	const double *capacity; // NULL: none
	const int32_t *weight;
	double add;
};
void cs_load_kernel_ratio(const struct cs_load_ratio *ratio, struct cs_rows rows,
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

// What a ratio of 0 .. 1 scores, in steps of 1 / CS_LOAD_CURVE_STEPS.
#define CS_LOAD_CURVE_STEPS 4096
struct cs_load_curve {
	uint8_t score[CS_LOAD_CURVE_STEPS + 1];
};
// curve[least / value]; 100 for a value of 0.
void cs_load_kernel_curve(const float *restrict values, float least,
			  const struct cs_load_curve *restrict curve, struct cs_rows rows,
			  int64_t *restrict out);
// 100 * (1 - value), rounded, 0 from 1 on.
void cs_load_kernel_rest(const float *restrict values, struct cs_rows rows, int64_t *restrict out);

#endif
