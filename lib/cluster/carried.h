// Terms that pods carry, and which of them an incoming pod meets.
// Neighbours: csched/cluster/query.h; pod_affinity.c reads them, pod.c counts carriers.
#ifndef LIB_CLUSTER_CARRIED_H
#define LIB_CLUSTER_CARRIED_H

#include <csched/cluster/query.h>

#include "content.h"
#include "match_index.h"
#include "row_counts.h"

struct cs_carried_terms {
	struct cs_map by_content;
	struct cs_match_index index; // of those that some pod carries
	uint64_t generation;         // grows when a term is carried first or no more
	// The answer given last, and what it was for.
	const struct cs_label_set *asked;
	uint64_t asked_generation;
	struct cs_carried **found;
	uint32_t n_found;
	uint32_t capacity;
};

void cs_carried_terms_init(struct cs_carried_terms *all, uint64_t seed);
void cs_carried_terms_finish(struct cs_carried_terms *all); // none may be left
// What incoming pods meet may be other terms now: a namespace or a label set has changed.
void cs_carried_terms_ask_again(struct cs_carried_terms *all);

struct cs_carried_source {
	enum cs_carried_kind kind;
	int32_t weight;
	const char *topology_key;
	struct cs_pod_match_source pods; // checked; with a selector
};
// The term with one more reference.
struct cs_carried *cs_carried_ref(struct cs_cluster *cluster, const struct cs_carried_source *from);
void cs_carried_unref(struct cs_cluster *cluster, struct cs_carried *carried);
// Counts carriers in or out.
void cs_carried_count(struct cs_cluster *cluster, struct cs_carried *carried,
		      struct cs_row_change change);
// Whether an incoming pod with that label set meets the term, from the words alone.
bool cs_carried_test(const struct cs_carried *carried, const struct cs_label_set *set);
struct cs_carried *cs_carried_of(struct cs_content *content);
// Its question to incoming pods: pod_match.h.
const uint32_t *cs_carried_match(const struct cs_carried *carried);

#endif
