// What is simulated: nodes, the pods that come, how they are measured. Read from YAML: README.md
// has the format. Neighbours: world.c plays it, scenarios/ has the files.
#ifndef TEST_BENCH_LOAD_SCENARIO_H
#define TEST_BENCH_LOAD_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>

enum figure { CPU, MEMORY, CONNECTIONS, FIGURES }; // cores, GiB, a count
#define RESOURCES 2                                // CPU and MEMORY, which pods request

// Evenly between two values.
struct range {
	double from;
	double to;
};

struct nodes {
	double count;
	double capacity[RESOURCES];
	double weight;               // of annotation c-sched.io/weight: 100 = usual
	double speed;                // a CPU second of work takes 1/speed here
	struct range base[FIGURES];  // what runs there already; cpu, memory: of capacity
	struct range base_requested; // of capacity; to < 0: as much as it uses
};

struct pods {
	double workloads;
	double replicas;                 // of each, mixed over the time of arrival
	double start;                    // s: the first comes
	double over;                     // s: until the last has come
	struct range request[RESOURCES]; // one draw per workload
	double limit[RESOURCES];         // times request; 0 = none
	struct range use[RESOURCES];     // times request, one draw per workload; where no request:
					 // cores, GiB
	struct range connections;        // one draw per workload
	double annotated;                // 1: c-sched.io/connections says that draw
	double spread;                   // pods of a workload: times 1 - spread .. 1 + spread
	double sigma;                    // and lognormal with this sigma, of mean 1
	double ramp[FIGURES];            // s until a pod uses all it will
	double noise;                    // from second to second, 1 - noise .. 1 + noise
	double lifetime;                 // s, mean of an exponential; 0 = for ever
};

#define GROUPS_MAX 8
struct scenario {
	char name[32];
	char about[128];
	double seconds;
	double measure_from; // s
	double full;         // connections of a node of weight 100 that is full
	double filter;       // 1: requests must fit, as kube-scheduler's NodeResourcesFit
	double interval;     // s between scrapes
	double window;       // s that CPU and memory are averaged over
	double delay;        // s from the end of the window until the figures are there
	double stops;        // s: no figures from then on; < 0: never
	double missing;      // share of nodes that have no figures at all
	uint32_t n_nodes;
	struct nodes nodes[GROUPS_MAX];
	uint32_t n_pods;
	struct pods pods[GROUPS_MAX];
};

int scenario_read(const char *file_name, struct cs_slice text, struct scenario *ret,
		  struct cs_error *err);

#endif
