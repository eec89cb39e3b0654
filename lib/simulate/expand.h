// The pods that controllers would make for workloads that have none. Private to simulate.
// Neighbours: simulation.c walks the input and takes the pods.
#ifndef SIMULATE_EXPAND_H
#define SIMULATE_EXPAND_H

#include <csched/base/map.h>

#include "simulation_internal.h"

// Who owns something in the input: "Kind/namespace/name".
struct owners {
	struct cs_arena *arena;
	struct cs_map map;
};

// Reads the owner references of pods and ReplicaSets; a pod of a ReplicaSet that is named as a
// Deployment names its own counts for that Deployment, too.
void owners_init(struct owners *owners, const struct input *input);
void owners_finish(struct owners *owners);

// Admits the pods of one workload, after all nodes and other objects are in the model. Objects that
// are no workloads, are being deleted, or have what they own in the input, make none.
int expand(struct cs_simulation *simulation, const struct owners *owners,
	   const struct input_object *workload, struct cs_error *err);

#endif
