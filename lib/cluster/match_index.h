// Questions by where their pods may be: a namespace and one label that they must have.
// Neighbours: query.c and carried.c enter theirs, label_set.c and carried.c look them up.
#ifndef LIB_CLUSTER_MATCH_INDEX_H
#define LIB_CLUSTER_MATCH_INDEX_H

#include <csched/base/list.h>
#include <csched/base/map.h>

#include "pod_match.h"

struct cs_match_index {
	struct cs_map buckets;
	uint32_t n_members;
};

// Embedded in who has the question.
struct cs_match_member {
	uint32_t n_places;
	struct cs_match_place *places; // owned; one per namespace named, or one for all
};

void cs_match_index_init(struct cs_match_index *index, uint64_t seed);
void cs_match_index_finish(struct cs_match_index *index); // no member may be left

// `matches`: questions in a row, up to `end`; whoever is meant matches all of them. The rarest
// label so far is the one it is found by.
void cs_match_index_add(struct cs_match_index *index, struct cs_match_member *member,
			const uint32_t *matches, const uint32_t *end);
void cs_match_index_remove(struct cs_match_index *index, struct cs_match_member *member);

// Calls `visit` once for each member that a pod of that namespace with these labels may match.
typedef void (*cs_match_visit_f)(void *user, struct cs_match_member *member);
void cs_match_index_find(const struct cs_match_index *index, uint32_t namespace,
			 struct cs_labels labels, cs_match_visit_f visit, void *user);

#endif
