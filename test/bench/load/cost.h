// What load costs at 5,000 nodes: scores of the plugins by load, and rounds of samples.
// Neighbours: cost.c; main.c calls it.
#ifndef TEST_BENCH_LOAD_COST_H
#define TEST_BENCH_LOAD_COST_H

// Prints medians in microseconds of CPU time.
void cost_measure(void);

#endif
