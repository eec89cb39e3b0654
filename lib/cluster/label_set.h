// Namespace and labels of pods: one per distinct content, with the pods that have them per row and
// the queries they match. Neighbours: pod.c counts pods, query.c enters and removes queries.
#ifndef LIB_CLUSTER_LABEL_SET_H
#define LIB_CLUSTER_LABEL_SET_H

#include "namespace.h"
#include "row_counts.h"

struct cs_query;
struct cs_queries;

struct cs_label_set {
	struct cs_content content; // key: { namespace, 0 }, then the labels with ascending keys
	struct cs_namespace *namespace;
	uint32_t index; // among the namespace's sets
	uint32_t n_queries;
	struct cs_query **queries;
	// While all pods stand on one row, as most that are alone with their labels (StatefulSets,
	// indexed Jobs), their number is here and `counts` is NULL.
	struct cs_row_change one;
	struct cs_row_counts *counts;
};

struct cs_labels cs_label_set_labels(const struct cs_label_set *set);

struct cs_label_set *cs_label_set_ref(struct cs_queries *queries, struct cs_arena *scratch,
				      const Kube__ObjectMeta *metadata);
void cs_label_set_unref(struct cs_queries *queries, struct cs_label_set *set); // NULL is fine

// Counts pods in or out on a row, here and in every query.
void cs_label_set_count(struct cs_queries *queries, struct cs_label_set *set,
			struct cs_row_change change);
// As cs_row_counts_next.
bool cs_label_set_next(const struct cs_label_set *set, uint32_t *at, struct cs_row_change *ret);

#endif
