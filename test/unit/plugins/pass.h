// Which rows passed the filters of a cycle that has not run any.
// Neighbours: the suites that ask a plugin to score; plugin.h says what a cycle tells of it.
#ifndef TEST_UNIT_PLUGINS_PASS_H
#define TEST_UNIT_PLUGINS_PASS_H

#include <csched/framework/plugin.h>

// Those n rows did, and no others.
static inline void pass_rows(struct cs_cycle *cycle, const uint32_t *rows, uint32_t n)
{
	uint32_t n_rows = cycle->nodes->n_rows;
	uint8_t *passed = cs_arena_alloc(cycle->scratch, n_rows);
	for (uint32_t i = 0; i < n; i++)
		passed[rows[i]] = CS_PASSED;
	cycle->passed = passed;
	cycle->n_feasible = n;
	cycle->feasible = cs_arena_alloc_array(cycle->scratch, n_rows, sizeof(*cycle->feasible));
	cycle->feasible[0] = CS_ROW_NONE;
}

#endif
