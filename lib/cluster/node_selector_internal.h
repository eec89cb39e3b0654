// How node selectors are interned and kept current. Neighbours: node_asks.c registers what pods
// ask, node.c tells of changed rows, check.c evaluates afresh.
#ifndef LIB_CLUSTER_NODE_SELECTOR_INTERNAL_H
#define LIB_CLUSTER_NODE_SELECTOR_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/base/map.h>
#include <csched/cluster/node_selector.h>

#include "content.h"
#include "nodes.h"

struct cs_node_selectors {
	struct cs_nodes *nodes; // borrowed
	struct cs_map by_content;
	struct cs_map by_key; // label key's id to the selectors that name it
};

// A question to nodes: all of the labels, and one of the terms of `required`.
struct cs_node_question {
	Kube__StringEntry *const *labels;
	size_t n_labels;
	const Kube__NodeSelector *required; // NULL = none
};

void cs_node_selectors_init(struct cs_node_selectors *selectors, struct cs_nodes *nodes,
			    uint64_t seed);
void cs_node_selectors_finish(struct cs_node_selectors *selectors); // none may be left

// Its selector with one more reference, answered for every row.
struct cs_node_selector *cs_node_selectors_ref(struct cs_node_selectors *selectors,
					       struct cs_arena *scratch,
					       const struct cs_node_question *question);
void cs_node_selectors_unref(struct cs_node_selectors *selectors,
			     struct cs_node_selector *selector); // NULL is fine

// cs_node_preferences_ref, with what is in scratch left alone.
uint32_t cs_node_preferences_read(struct cs_cluster *cluster, const Kube__NodeAffinity *affinity,
				  struct cs_preferred_node *ret);

// The row began or ceased to be live.
void cs_node_selectors_update(struct cs_node_selectors *selectors, uint32_t row);
// The row has other labels than those: selectors that name a changed key are evaluated again.
void cs_node_selectors_relabel(struct cs_node_selectors *selectors, uint32_t row,
			       const struct cs_node_label *before, uint32_t n_before);

// Of the selector that this is the content of, for the self-check: what the row should say, and
// what its bitmap says.
bool cs_node_selector_expects(const struct cs_node_selectors *selectors,
			      const struct cs_content *content, uint32_t row);
const struct cs_bitmap *cs_node_selector_shows(const struct cs_content *content);

// Interns entries as labels with ascending keys into `ret` (room for n). Of entries with one
// key, which no API object has, one is kept. Returns their number.
uint32_t cs_node_labels_intern(struct cs_intern *strings, Kube__StringEntry *const *entries,
			       size_t n, struct cs_node_label *ret);
void cs_node_labels_unref(struct cs_intern *strings, const struct cs_node_label *labels,
			  uint32_t n);

#endif
