// What many runs say: means, intervals, tables, files for plot.gp.
// Neighbours: main.c collects; world.h names outcomes.
#ifndef TEST_BENCH_LOAD_REPORT_H
#define TEST_BENCH_LOAD_REPORT_H

#include <stdbool.h>

#include "world.h"

#define SEEDS_MAX   100
#define PLAYERS_MAX 16

// All runs of one player in one scenario.
struct runs {
	const char *player;
	uint32_t n;
	double outcomes[SEEDS_MAX][OUTCOMES];
	struct series series; // of the first seed; `use` is owned
};

// The last of `runs` is c-sched. Within a scenario.
struct result {
	const struct scenario *scenario;
	uint32_t n_players;
	struct runs *runs;
};

double report_mean(const struct runs *runs, enum outcome outcome);
double report_interval(const struct runs *runs, enum outcome outcome); // half of the 95 % one
// Whether it is on the mean of the same seeds, by more than the 95 % interval of their differences.
bool report_is_less(const struct runs *runs, const struct runs *than, enum outcome outcome);

// A row per player; the best of a column has a *, c-sched an ! where it is beaten by more than 2 %.
void report_table(const struct result *result);
// c-sched beside the best other in Markdown, a line per scenario; how many cells are reached, and
// in how many it is better or worse beyond chance.
void report_summary(const struct result *results, uint32_t n);
// DIRECTORY/use-SCENARIO.dat (over time) and imbalance.dat. 0 or -errno with `err`.
int report_plots(const char *directory, const struct result *results, uint32_t n,
		 struct cs_error *err);

#endif
