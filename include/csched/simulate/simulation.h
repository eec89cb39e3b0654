// A cluster from files, and every decision about its pending pods, in one go: no API server, no
// clock, no sockets. The same input gives the same decisions.
// Neighbours: report.h prints what is decided; cmd/c-sched reads the files.
#ifndef CSCHED_SIMULATE_SIMULATION_H
#define CSCHED_SIMULATE_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>

#define CS_SIMULATION_PODS_MAX 2000000 // pods, those of expanded workloads included

struct cs_simulation;

// `config` is borrowed: its profiles decide for the pods that name them. Where it has a
// LoadConfiguration, samples of its metrics come from nodes' annotations load.c-sched.io/METRIC,
// whatever its sources, which are not asked; and the time of the newest of them is now all along.
// More than `pods_max` pods, at most CS_SIMULATION_PODS_MAX, are an error.
struct cs_simulation *cs_simulation_create(const struct cs_config *config, uint32_t pods_max);
void cs_simulation_destroy(struct cs_simulation *simulation); // NULL is fine

// Who hears which annotations are left out of account, as they cannot be read: "node n1: ...",
// "pod default/a: ...", of pods that a workload is given once; and which fields no object of their
// kind has. Before cs_simulation_read.
void cs_simulation_set_notice(struct cs_simulation *simulation,
			      void (*notice)(void *user, const char *words), void *user);

// Takes the objects of one file: YAML or JSON, any number of documents and Lists. Their defaults
// are filled in as the API server does. -EINVAL with file, line of the document, object and field.
// The file name is copied.
int cs_simulation_read(struct cs_simulation *simulation, const char *file_name,
		       struct cs_slice text, struct cs_error *err);

// After the last file: priorities, the pods of workloads that have none, the model, the queue.
// Errors as above: something that refers to nothing, or that is there twice.
int cs_simulation_prepare(struct cs_simulation *simulation, struct cs_error *err);

enum cs_simulation_result {
	CS_SIMULATION_SCHEDULED,
	CS_SIMULATION_UNSCHEDULABLE,
	CS_SIMULATION_GATED,
	CS_SIMULATION_ERROR, // a plugin failed, or the pod asks for what c-sched does not implement
	CS_SIMULATION_RESULT_COUNT,
};

// What became of one pod. All pointers are valid during the call it is told in.
struct cs_simulation_decision {
	const struct cs_pod *pod;
	const struct cs_profile *profile;
	// Its controller's kind ("Deployment" for a pod of its ReplicaSet) and name, and what it is
	// called with its own namespace; a pod without a controller stands for itself: kind "Pod".
	const char *workload_kind;
	const char *workload_name;
	enum cs_simulation_result result;
	uint32_t row;        // the winner; CS_ROW_NONE unless scheduled
	const char *message; // NULL when scheduled
	uint32_t n_feasible;
};

// Who is told. `judged` may be NULL; else it is called for the rows that cs_cycle_explain tells of,
// before `decided`. The model is as it was when the decision was made, until `decided` returns.
struct cs_simulation_listener {
	void (*judged)(void *user, const struct cs_profile *profile,
		       const struct cs_judgement *judgement);
	void (*decided)(void *user, const struct cs_simulation_decision *decision);
	void *user;
};

// Decides about each pending pod in the queue's order, each seeing those before it. Ties go to the
// lowest node name, or by `random` where it is not NULL. Once only.
void cs_simulation_run(struct cs_simulation *simulation, struct cs_random *random,
		       const struct cs_simulation_listener *listener);

// The model: nodes and pods are in it from prepare on.
struct cs_cluster *cs_simulation_cluster(struct cs_simulation *simulation);

// How many pods run on nodes that are not in the input, and so take nothing of what is.
uint32_t cs_simulation_elsewhere(const struct cs_simulation *simulation);

// What was read: of a kind that is used, or not.
struct cs_simulation_kind {
	const char *api_version;
	const char *kind;
	uint32_t count;
	bool used;
};
// In the order of their first appearance.
const struct cs_simulation_kind *cs_simulation_kinds(const struct cs_simulation *simulation,
						     uint32_t *ret_n);

#endif
