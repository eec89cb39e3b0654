// A small cluster with a ledger of load, and samples in one line each.
// Neighbours: run.h; the suites of plugins that work by load.
#ifndef TEST_UNIT_PLUGINS_LOAD_WORLD_H
#define TEST_UNIT_PLUGINS_LOAD_WORLD_H

#include <csched/base/clock.h>
#include <csched/cluster/load.h>

#include "run.h"

#define LOAD_WORLD_NOW (1000000 * CS_SECOND) // when it begins

enum {
	METRIC_CPU,
	METRIC_MEMORY,
	METRIC_CONNECTIONS,
	METRIC_RESPONSE,
	METRIC_TEMPERATURE, // a level, 20 .. 100
	METRIC_FREE,        // a level, 0 .. 10, of which more is better
	METRIC_LATENCY,     // between values of label "zone"
	METRIC_COUNT,
};

// All of them have a ttl and a ramp of 60 s; nodes come after it.
void load_world_begin(struct run *run, struct world *world);

// A node with 4000 milli-CPU, 8 GiB, and annotations and labels as YAML ("" = none).
void load_world_node(struct run *run, const char *name, const char *annotations,
		     const char *labels);
// A sample taken now, an instant's. Returns events.
uint32_t load_world_sample(struct run *run, const char *node, int metric, double value);
uint32_t load_world_limited(struct run *run, const char *node, double value, double limit);
uint32_t load_world_pair(struct run *run, const char *from, const char *to, double seconds);
// Lets time pass, and the ledger age.
uint32_t load_world_wait(struct run *run, int64_t ns);

// A pending pod with requests and annotations as YAML.
struct cs_pod *load_world_pod(struct run *run, const char *name, const char *requests,
			      const char *annotations);
// A bound one.
void load_world_bound(struct run *run, const char *name, const char *node, const char *labels);

#endif
