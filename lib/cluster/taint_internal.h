// The interned sets behind taint.h. Neighbours: node.c interns taints, demand.c tolerations.
#ifndef LIB_CLUSTER_TAINT_INTERNAL_H
#define LIB_CLUSTER_TAINT_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/base/intern.h>
#include <csched/cluster/taint.h>
#include <csched/kube/api.h>

#include "content.h"

struct cs_taint_set;
struct cs_toleration_set;

// Id 0 of both kinds is the empty set and always there. Other ids are reused after the last user.
struct cs_taints {
	struct cs_intern *strings; // borrowed
	struct cs_map taint_sets;
	struct cs_map toleration_sets;
	struct cs_taint_set **taints; // by id; NULL = free
	uint32_t n_taints;
	struct cs_toleration_set **tolerations;
	uint32_t n_tolerations;
	uint64_t generation; // grows with each new taint set
};

void cs_taints_init(struct cs_taints *taints, struct cs_intern *strings, uint64_t seed);
void cs_taints_finish(struct cs_taints *taints); // no set may be in use

// The id of these taints (in any order) with one more reference.
uint32_t cs_taint_set_ref(struct cs_taints *taints, struct cs_arena *scratch,
			  Kube__Taint *const *from, size_t n);
void cs_taint_set_unref(struct cs_taints *taints, uint32_t id);
uint32_t cs_taint_set_refs(const struct cs_taints *taints, uint32_t id);

uint32_t cs_toleration_set_ref(struct cs_taints *taints, struct cs_arena *scratch,
			       Kube__Toleration *const *from, size_t n);
void cs_toleration_set_unref(struct cs_taints *taints, uint32_t id);
// Whether the set tolerates node.kubernetes.io/unschedulable:NoSchedule.
bool cs_toleration_set_unschedulable(const struct cs_taints *taints, uint32_t id);

#endif
