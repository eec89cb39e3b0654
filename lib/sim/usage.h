// The load model: what pods and nodes use over time, and when kubelets tell of it.
// Neighbours: sim.c feeds it objects and time; metrics.c serves what it says.
#ifndef SIM_USAGE_H
#define SIM_USAGE_H

#include <csched/base/clock.h>
#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/base/value.h>

// Not thread-safe: under the sim's lock.

// CPU in cores, memory in bytes, connections open at a time.
struct sim_amounts {
	double cpu;
	double memory;
	double connections;
};

// What a kubelet measured once: CPU is the mean over the window, the others are of its end.
struct sim_sample {
	int64_t boot;   // ns: when it was taken, by both clocks
	int64_t wall;   // Unix ns
	int64_t window; // ns; 0 = there is no sample
	struct sim_amounts used;
};

// A CPU counter as it was at the last measurement, and the last two samples: the newer one may not
// have arrived yet.
struct sim_meter {
	int64_t since; // boot ns
	double cpu_seconds;
	struct sim_sample newest;
	struct sim_sample before;
};

struct sim_usage_node {
	char *name;
	bool exists; // false: pods are bound to a node of this name, which is not there
	bool reports;
	struct sim_amounts base; // what it uses without pods
	struct sim_amounts size; // capacity; of connections the limit of its table
	struct sim_amounts used; // now
	double cpu_seconds;      // since it came
	int64_t came;            // boot ns
	int64_t at;              // boot ns it has come to
	int64_t next_sample;     // boot ns
	int64_t told;            // wall of the sample that was last written as annotations
	struct sim_meter meter;
	struct cs_list pods;
};

struct sim_usage_pod {
	char *key;
	char *uid;
	struct cs_list link;
	struct sim_usage_node *node;
	struct sim_amounts full; // once it has ramped up, without noise
	struct sim_amounts used; // now
	double cpu_seconds;
	int64_t started; // boot ns
	struct sim_meter meter;
};

// All in ns but `noise`, the part (0..1) by which CPU and connections swing to both sides.
struct sim_usage_options {
	int64_t interval; // between two samples of a node; > 0
	int64_t delay;    // until a sample can be read; at most interval
	int64_t ramp;     // from a pod's start until it uses all that it will
	double noise;
	uint64_t seed; // of the noise, and of when in the interval a node is sampled
};

struct sim_usage {
	struct sim_usage_options options;
	struct cs_map nodes; // by name
	struct cs_map pods;  // by key
	int64_t at;          // boot ns all nodes have come to
};

void sim_usage_init(struct sim_usage *usage, const struct sim_usage_options *options);
void sim_usage_finish(struct sim_usage *usage);

// The state of an object as it is stored from `now` on; trees are only read.
void sim_usage_apply_node(struct sim_usage *usage, struct json_object *tree, struct cs_time now);
void sim_usage_remove_node(struct sim_usage *usage, const char *name);
// Only running pods use anything: others are as if they were removed.
void sim_usage_apply_pod(struct sim_usage *usage, const char *key, struct json_object *tree,
			 struct cs_time now);
void sim_usage_remove_pod(struct sim_usage *usage, const char *key);

// Lets time pass, in one step, and takes the samples that are due. Steps should be short beside
// the ramp: what is used at the end of a step counts for all of it.
void sim_usage_advance(struct sim_usage *usage, struct cs_time now);

// NULL where no node of that name exists.
const struct sim_usage_node *sim_usage_find_node(const struct sim_usage *usage, const char *name);
// The newest sample that has arrived by now; NULL without, or where the node does not report.
const struct sim_sample *sim_usage_node_sample(const struct sim_usage *usage, const char *name);
const struct sim_sample *sim_usage_pod_sample(const struct sim_usage *usage, const char *key);
// Marks the node's sample that has arrived as told; false when it was already, or there is none.
bool sim_usage_tell(struct sim_usage *usage, const char *name);

#endif
