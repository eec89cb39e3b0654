// Required anti-affinity that pods in the cluster carry, and the label sets it may repel.
// Neighbours: pod.c reads both; demand.c keeps terms in footprints; cs_cluster_repels asks.
// This version only answers "some term matches"; where in the topology is not looked at.
#ifndef LIB_CLUSTER_ANTI_AFFINITY_H
#define LIB_CLUSTER_ANTI_AFFINITY_H

#include <csched/base/arena.h>
#include <csched/base/error.h>
#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/kube/api.h>

#include "content.h"

// A term as it meets incoming pods: in which namespaces, which labels.
struct cs_term;
// Namespace and labels of pods that are not bound; one per distinct content.
struct cs_label_set;

struct cs_anti_affinity {
	struct cs_map terms;
	struct cs_map label_sets;
	struct cs_map by_namespace; // buckets of terms that pods in the cluster carry
	struct cs_list everywhere;  // carried terms that any namespace may meet
	uint64_t generation;        // grows when a term is carried first or no more
};

void cs_anti_affinity_init(struct cs_anti_affinity *all, uint64_t seed);
void cs_anti_affinity_finish(struct cs_anti_affinity *all); // nothing may be left

// The term with one more reference; NULL where it can match no pod (no labelSelector), and with
// `err` set where its selector is malformed.
struct cs_term *cs_term_ref(struct cs_anti_affinity *all, struct cs_arena *scratch,
			    const Kube__PodAffinityTerm *from, const char *own_namespace,
			    struct cs_error *err);
void cs_term_ref_again(struct cs_term *term);
void cs_term_unref(struct cs_anti_affinity *all, struct cs_term *term);
// A pod that carries the term is counted on a row, or no more.
void cs_term_count(struct cs_anti_affinity *all, struct cs_term *term);
void cs_term_discount(struct cs_anti_affinity *all, struct cs_term *term);
// How many counted pods carry the term that this is the content of.
uint32_t cs_term_carriers(const struct cs_content *content);

struct cs_label_set *cs_label_set_ref(struct cs_anti_affinity *all, struct cs_arena *scratch,
				      const char *namespace, Kube__StringEntry *const *labels,
				      size_t n);
void cs_label_set_unref(struct cs_anti_affinity *all, struct cs_label_set *set); // NULL is fine
bool cs_label_set_repelled(struct cs_anti_affinity *all, struct cs_label_set *set);

#endif
