// Peers' published rules as pure functions of what a scheduler sees of one node, and the placer
// that plays them. What is their own of time (how old figures are, what a rule knows of pods that
// it has just placed) is in the table, from their sources.
// Neighbours: policy.c; ours.h plays c-sched's own plugins; world.h asks both.
#ifndef TEST_BENCH_LOAD_POLICY_H
#define TEST_BENCH_LOAD_POLICY_H

#include "world.h"

struct asked {
	double request[RESOURCES];
	double limit[RESOURCES]; // 0 = none
	double connections;      // what a pod is expected to open
};

// A pod that was placed on the node not long ago.
struct recent {
	const struct pod *pod;
	double placed;
};

struct seen {
	double now;
	bool known; // figures are there, and not older than the rule takes
	struct measured measured;
	double interval; // s between figures
	double window;   // s
	double capacity[RESOURCES];
	double weight;
	double requested[RESOURCES];
	double n_pods;
	double n_of_workload;
	uint32_t n_recent; // of the last ten minutes, newest last
	const struct recent *recent;
	double ramp; // s until a pod has all its connections
};

struct rule {
	const char *name;
	double (*score)(const struct seen *node, const struct asked *pod); // greatest wins
	bool (*rejects)(const struct seen *node, const struct asked *pod); // NULL: none
	bool two_choices; // the better of two nodes taken at random
	double interval;  // s; 0 = the scenario's
	double window;    // s; 0 = the scenario's
	double expires;   // s of age of figures; 0 = never
};

extern const struct rule policy_rules[];       // what the eight scenarios compare; ends with NULL
extern const struct rule policy_cpu[];         // of the first reference table
extern const struct rule policy_connections[]; // of the second

struct placer *policy_create(const struct rule *rule, const struct scenario *scenario,
			     uint64_t seed);
void policy_destroy(struct placer *placer);

#endif
