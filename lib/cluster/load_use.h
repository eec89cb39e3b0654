// Workloads, and what one pod of each is measured to use.
// Neighbours: pod.c has each pod point to its workload's; load.h says what is expected of a pod.
#ifndef LIB_CLUSTER_LOAD_USE_H
#define LIB_CLUSTER_LOAD_USE_H

#include <csched/base/arena.h>
#include <csched/base/list.h>
#include <csched/cluster/load.h>
#include <csched/kube/api.h>

#include "content.h"

// By slot.
struct cs_learned {
	bool known;
	double mean;
	// Of the round that is being absorbed.
	double sum;
	uint32_t n;
};

// Shared by the pods of a workload that have the same c-sched.io/connections.
struct cs_use {
	struct cs_content content; // key: see load_use.c
	uint32_t pods;
	struct cs_list idle;   // in cs_uses.idle while no pod has it
	struct cs_list taught; // in cs_uses.taught while a round that is coming in tells of it
	double connections;    // of the annotation; 0 = none, < 0 = it cannot be read
	struct cs_learned learned[];
};

#define CS_USES_IDLE_MAX 1024 // workloads without pods of which something is known

struct cs_uses {
	struct cs_map by_content;
	struct cs_map pods;  // by namespace and name, where a metric adds up over pods
	struct cs_list idle; // the longest idle first
	struct cs_list taught;
	uint32_t n_idle;
	uint32_t n_slots;
};

void cs_uses_init(struct cs_uses *uses, uint64_t seed);
void cs_uses_finish(struct cs_uses *uses); // no pod may have one
void cs_uses_set_slots(struct cs_uses *uses, uint32_t n_slots);

// NULL where no metric adds up over pods.
struct cs_use *cs_use_ref(struct cs_uses *uses, struct cs_arena *scratch,
			  const Kube__ObjectMeta *metadata);
void cs_use_unref(struct cs_uses *uses, struct cs_use *use); // NULL is fine

// By name, while the pod lives.
void cs_uses_enter(struct cs_uses *uses, struct cs_pod *pod);
void cs_uses_remove(struct cs_uses *uses, const struct cs_pod *pod);

int cs_uses_check(const struct cs_cluster *cluster, struct cs_error *err);

#endif
