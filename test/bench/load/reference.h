// The two published tables, played again: that pins the rules of others, and the world.
// Neighbours: policy.h has the rules, scenarios/reference_*.yaml the worlds.
#ifndef TEST_BENCH_LOAD_REFERENCE_H
#define TEST_BENCH_LOAD_REFERENCE_H

#include "scenario.h"

// Prints both tables: each cell as published, as found here, and the ratio. Returns how many cells
// are off by more than 15 %.
uint32_t reference_tables(const struct scenario *cpu, const struct scenario *connections);

#endif
