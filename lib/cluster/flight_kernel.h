// What a row's pods in flight add up to. Neighbours: load_flight.c. Built as kernels are.
#ifndef LIB_CLUSTER_FLIGHT_KERNEL_H
#define LIB_CLUSTER_FLIGHT_KERNEL_H

#include <stdint.h>

// A row's sample, as pods that are there see it.
struct cs_flight_sample {
	int64_t grown;  // Unix ns: it holds all of who came by then,
	int64_t longer; // ns, at least 1: and nothing of who came so much later
	double unit;    // what is lacking is counted in such parts
};

// Sum of what the sample lacks of each of n pods, a whole number of parts for each. Faster where n
// is a multiple of 8.
int64_t cs_flight_kernel_sum(const int64_t *restrict came, const float *restrict expected,
			     uint32_t n, const struct cs_flight_sample *sample);

#endif
