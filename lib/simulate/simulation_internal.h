// A simulation's state. Private to simulate. Neighbours: simulation.c, expand.c.
#ifndef SIMULATE_SIMULATION_INTERNAL_H
#define SIMULATE_SIMULATION_INTERNAL_H

#include <csched/cluster/cluster.h>
#include <csched/simulate/simulation.h>

#include "input.h"

// A pod that is to be decided.
struct pending {
	struct cs_pod *pod;
	const struct cs_profile *profile;
	const char *workload_kind; // in the input's arena, as the next
	const char *workload_name;
	uint32_t place; // in the input
};

struct cs_simulation {
	const struct cs_config *config;
	struct cs_cluster *cluster;
	struct input input;
	struct cs_arena *scratch;
	void (*notice)(void *user, const char *words); // NULL = nobody hears it
	void *notice_user;
	const char *noticed; // the name, by its address, of the workload that was told of last
	uint32_t pods_max;
	uint32_t n_pods; // in the model
	uint32_t n_elsewhere;
	uint32_t n_pending;
	uint32_t pending_capacity;
	struct pending *pending;
};

// The controller that a pod counts for in reports; without one the pod itself.
struct workload {
	const char *kind;
	const char *name;
};

// Puts a pod where it belongs: into the model as bound or pending, or nowhere. The strings of
// `workload` live as long as the simulation.
int simulation_admit(struct cs_simulation *simulation, const Kube__Pod *pod,
		     struct workload workload, struct cs_error *err);
// The workload at the top of an object's controllers, as far as the input has them: the object
// itself without one. The strings are the input's.
struct workload simulation_workload(const struct cs_simulation *simulation,
				    const struct cs_kind *kind, const Kube__ObjectMeta *metadata);
// Whether some profile decides for a pod with that schedulerName, or it has its node already.
bool simulation_counts(const struct cs_simulation *simulation, const Kube__PodSpec *spec);

#endif
