// A cluster that really uses what its pods use: seconds pass, pods come, use, and go; figures are
// scraped; somebody places the pods. All from a seed: two runs of one seed are equal, and pods are
// the same whoever places them.
// Neighbours: scenario.h says what; policy.h places; report.c prints results.
#ifndef TEST_BENCH_LOAD_WORLD_H
#define TEST_BENCH_LOAD_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/random.h>

#include "scenario.h"

#define NOWHERE UINT32_MAX

struct node {
	const struct nodes *group;
	double base[FIGURES];             // cores, GiB, connections
	double base_requested[RESOURCES]; // cores, GiB
	double requested[RESOURCES];      // of all that runs here
	bool reports;                     // its figures are to be had
	double use[FIGURES];              // in this second
};

struct pod {
	const struct pods *group;
	uint32_t workload;
	double arrival;            // s
	double request[RESOURCES]; // cores, GiB
	double limit[RESOURCES];   // 0 = none
	double use[FIGURES];       // when ramped up
	double announced;          // connections its annotation says; 0 = none
	double lifetime;           // s from being placed; INFINITY
	uint32_t node;             // NOWHERE: not yet placed, or gone
	double placed;             // s; < 0: not yet
	double gone;               // s; INFINITY while it is there
};

struct placer;
struct world {
	const struct scenario *scenario;
	uint64_t seed;
	double now; // s
	uint32_t n_nodes;
	struct node *nodes;
	uint32_t n_pods;
	struct pod *pods;     // by arrival
	uint32_t seconds;     // entries of `sum` per node, less one
	double *sum[FIGURES]; // [node * (seconds + 1) + s]: of use in seconds before s
	double *sum_squares[RESOURCES];
};

// Who decides. Calls come in the order of time.
struct placer {
	const char *name;
	void *user;
	// A node that the pod goes to now, or NOWHERE: it is asked again ten seconds later.
	uint32_t (*place)(void *user, const struct world *world, const struct pod *pod);
	void (*gone)(void *user, const struct world *world, const struct pod *pod); // may be NULL
	void (*second)(void *user, const struct world *world); // once a second; may be NULL
};

// What was scraped of a node: the mean over `window` seconds up to `taken`; connections are those
// of that moment. `deviation` is of single seconds. False: it has no figures.
struct measured {
	double taken;
	double value[FIGURES];
	double deviation[RESOURCES];
};
bool world_measure(const struct world *world, uint32_t node, double interval, double window,
		   struct measured *ret);
// When the newest figures that are there were taken; < 0 also before the start.
double world_taken(const struct world *world, double interval);
// What one pod used on the mean over the window that ends then, ramps included, without noise.
void world_measure_pod(const struct world *world, const struct pod *pod, double taken,
		       double window, double *ret);

enum outcome {
	MAX_USE,        // the greatest mean over a minute of CPU or memory use of a node / capacity
	DEVIATION,      // over nodes, of the greater of CPU and memory use; mean over time
	HOT,            // node-minutes above 90 % of CPU or memory
	IMBALANCE,      // connections per weight: greatest / mean; mean over time
	RESPONSE,       // 99th percentile, in service times of an idle node
	MAX_FILL,       // connections / full, greatest, at the end
	FILL_DEVIATION, // over nodes, at the end
	UNPLACED,       // pods without a node at the end
	OUTCOMES,
};

#define SERIES_STEP 10 // s
struct series {
	uint32_t n_nodes;
	uint32_t n;
	double *use; // [step * n_nodes + node]: CPU / capacity
};

// `series` may be NULL; its `use` is to be freed.
void world_run(const struct scenario *scenario, uint64_t seed, const struct placer *placer,
	       double outcomes[OUTCOMES], struct series *series);

#endif
