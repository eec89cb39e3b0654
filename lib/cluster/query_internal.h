// How questions to pods are registered and kept. Neighbours: csched/cluster/query.h; label_set.h
// has the pods' side, carried.h the terms that pods carry.
#ifndef LIB_CLUSTER_QUERY_INTERNAL_H
#define LIB_CLUSTER_QUERY_INTERNAL_H

#include <csched/cluster/query.h>

#include "label_set.h"
#include "match_index.h"

struct cs_query {
	struct cs_content content; // key: questions in a row; a pod counts that matches each
	struct cs_row_counts counts;
	struct cs_match_member member;
	struct cs_list selecting; // in cs_queries.selecting: namespaces' labels matter
};

struct cs_queries {
	struct cs_intern *strings;    // borrowed
	const struct cs_nodes *nodes; // borrowed: how many rows there are
	struct cs_arena *scratch;     // borrowed: who calls resets it
	struct cs_namespaces namespaces;
	struct cs_map label_sets;
	struct cs_map by_content;
	struct cs_match_index index;
	struct cs_list selecting;
	uint64_t n_made;
};

void cs_queries_init(struct cs_queries *queries, const struct cs_nodes *nodes,
		     struct cs_arena *scratch, uint64_t seed);
void cs_queries_finish(struct cs_queries *queries); // nothing may be left

// The query of pods that match each of these, counted for every row, with one more reference. `n`
// is at least 1. Without error and NULL: one of them has no selector, so that no pod matches.
// -EINVAL: a selector is malformed; the words begin with "labelSelector" or "namespaceSelector".
int cs_query_ref(struct cs_queries *queries, const struct cs_pod_match_source *from, size_t n,
		 struct cs_query **ret, struct cs_error *err);
void cs_query_unref(struct cs_queries *queries, struct cs_query *query); // NULL is fine

// Whether a pod with that label set matches, from the words alone.
bool cs_query_test(const struct cs_query *query, const struct cs_label_set *set);

// A new label set meets the queries that it matches; or leaves them, with no pods any more.
void cs_queries_enter(struct cs_queries *queries, struct cs_label_set *set);

// What is listed of the namespace has changed.
void cs_queries_namespace_changed(struct cs_queries *queries, struct cs_namespace *namespace);

#endif
