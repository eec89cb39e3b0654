// Published figures beside ours. Neighbours: reference.h.
#include "reference.h"

#include <math.h>
#include <stdio.h>

#include <csched/base/memory.h>

#include "policy.h"

#define OFF        0.15
#define CELLS_MAX  3
#define CPU_SEEDS  10
#define CONN_SEEDS 20

struct table {
	const char *title;
	const struct rule *rules;
	uint32_t seeds;
	uint32_t n_cells;
	enum outcome outcomes[CELLS_MAX];
	const char *names[CELLS_MAX];
	double published[8][CELLS_MAX]; // by rule; NAN: not published
};

static const struct table cpu_table = {
	.title = "50 nodes, 400 pods in 40 s (published / here = ratio)",
	.rules = policy_cpu,
	.seeds = CPU_SEEDS,
	.n_cells = 3,
	.outcomes = { MAX_USE, DEVIATION, HOT },
	.names = { "highest use", "deviation", "nodes > 90 %" },
	.published = { { 1.08, .223, 9.4 },
		       { 1.08, .223, 9.4 },
		       { 0.80, .085, 0 },
		       { 0.89, .091, 0.4 },
		       { 0.89, .128, 0.5 },
		       { 0.78, .051, 0 },
		       { 0.80, .062, 0 } },
};

static const struct table connections_table = {
	.title = "30 nodes of weight 1, 2, 4; 240 pods in 60 s (published / here = ratio)",
	.rules = policy_connections,
	.seeds = CONN_SEEDS,
	.n_cells = 2,
	.outcomes = { MAX_FILL, FILL_DEVIATION },
	.names = { "highest fill", "deviation" },
	.published = { { 15.6, NAN },
		       { 12.3, NAN },
		       { 6.4, NAN },
		       { 2.4, NAN },
		       { 1.11, NAN },
		       { 1.11, .150 } },
};

static double play(const struct rule *rule, const struct scenario *scenario, uint32_t seeds,
		   double sums[OUTCOMES])
{
	for (int o = 0; o < OUTCOMES; o++)
		sums[o] = 0;
	for (uint32_t seed = 1; seed <= seeds; seed++) {
		double outcomes[OUTCOMES];
		struct placer *placer = policy_create(rule, scenario, seed);
		world_run(scenario, seed, placer, outcomes, NULL);
		policy_destroy(placer);
		for (int o = 0; o < OUTCOMES; o++)
			sums[o] += outcomes[o] / seeds;
	}
	return sums[UNPLACED];
}

// Of nothing at all, less than half a node-minute in ten runs is near enough.
static bool is_off(double published, double here)
{
	return published > 0 ? fabs(here / published - 1) > OFF : here > 0.05;
}

static uint32_t print_row(const struct table *table, uint32_t row, const double here[OUTCOMES])
{
	uint32_t off = 0;
	printf("%-18s", table->rules[row].name);
	for (uint32_t c = 0; c < table->n_cells; c++) {
		double published = table->published[row][c], found = here[table->outcomes[c]];
		if (isnan(published)) {
			printf("  %21s ", "");
			continue;
		}
		bool wrong = is_off(published, found);
		off += wrong;
		printf("  %6.3f / %6.3f", published, found);
		if (published > 0)
			printf(" = %4.2f%s", found / published, wrong ? "!" : " ");
		else
			printf("       %s", wrong ? "!" : " ");
	}
	printf("\n");
	return off;
}

static uint32_t print_table(const struct table *table, const struct scenario *scenario,
			    uint32_t *cells)
{
	uint32_t off = 0;
	printf("\n%s\n%-18s", table->title, "");
	for (uint32_t c = 0; c < table->n_cells; c++)
		printf("  %-22s", table->names[c]);
	printf("\n");
	for (uint32_t row = 0; table->rules[row].name; row++) {
		double here[OUTCOMES];
		play(&table->rules[row], scenario, table->seeds, here);
		off += print_row(table, row, here);
		for (uint32_t c = 0; c < table->n_cells; c++)
			*cells += isnan(table->published[row][c]) ? 0 : 1;
	}
	return off;
}

uint32_t reference_tables(const struct scenario *cpu, const struct scenario *connections)
{
	uint32_t cells = 0;
	uint32_t off = print_table(&cpu_table, cpu, &cells);
	off += print_table(&connections_table, connections, &cells);
	printf("\n%u of %u cells within 15 %%\n", cells - off, cells);
	return off;
}
