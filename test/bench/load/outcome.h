// What a run is judged by. Neighbours: world.h names the outcomes; world.c calls this each second.
#ifndef TEST_BENCH_LOAD_OUTCOME_H
#define TEST_BENCH_LOAD_OUTCOME_H

#include "world.h"

// A node answers as an M/M/1 queue of its CPU use: response times are exponential with mean
// 1 / speed / (1 - use), use up to BUSY_MAX; requests come as work does. So the histogram of means
// gives the percentile of all requests.
#define BUSY_MAX      0.99
#define MEANS         256 // of the histogram, in steps of MEAN_STEP from 1/16
#define MEAN_STEP     1.04
#define MEAN_SMALLEST 0.0625

struct outcome_state {
	double highest;
	double deviations;
	double hot; // node-seconds
	double imbalances;
	double seconds;
	double requests[MEANS];
};

void outcome_init(struct outcome_state *state, const struct world *world);
void outcome_second(struct outcome_state *state, const struct world *world, uint32_t second);
void outcome_finish(struct outcome_state *state, const struct world *world,
		    double outcomes[OUTCOMES]);

#endif
