// One plugin at work on one pod of a small cluster, its arguments attached.
// Neighbours: the suites of single plugins; ../cluster/world.h.
#ifndef TEST_UNIT_PLUGINS_RUN_H
#define TEST_UNIT_PLUGINS_RUN_H

#include <csched/framework/plugin.h>

#include "../cluster/world.h"

#define RUN_ROWS_MAX 32

struct run {
	struct world *world;
	struct cs_arena *scratch;
	struct cs_plugin_instance instance;
	struct cs_cycle cycle;
	enum cs_prepare prepared;
	uint8_t verdict[RUN_ROWS_MAX];
	uint8_t out[RUN_ROWS_MAX];
};

void run_begin(struct run *run, struct world *world); // begins the world, too
void run_end(struct run *run);

// The plugin of that name with these arguments (YAML; NULL = defaults), which must be right.
void run_configure(struct run *run, const char *plugin, const char *args);
// Prepares and filters all rows, whatever the plugin narrows to.
void run_filter(struct run *run, const struct cs_pod *pod);
// Prepares, scores and normalises all rows.
void run_score(struct run *run, const struct cs_pod *pod);

// Of the last filter: "a b" of the nodes that fit, and a row's reasons, joined with "; ".
const char *run_fitting(struct run *run);
const char *run_reasons(struct run *run, const char *node);
// What the plugin says in numbers of that node: of its rejection by the last filter, of its score
// by the last one.
const char *run_numbers(struct run *run, const char *node);
const char *run_formula(struct run *run, const char *node);
// Of the last score: "a=1 b=2", rows ascending, live ones alone.
const char *run_scores(struct run *run);
// Wrong arguments (YAML): the errors, a line each, sorted as they come.
const char *run_errors(struct run *run, const char *plugin, const char *args);

#endif
