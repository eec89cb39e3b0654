// Registered questions to nodes: which rows carry all of these labels.
// Neighbours: demand.c registers spec.nodeSelector, node.c corrects the answers.
#ifndef LIB_CLUSTER_NODE_SELECTOR_H
#define LIB_CLUSTER_NODE_SELECTOR_H

#include <csched/cluster/bitmap.h>
#include <csched/kube/api.h>

#include "content.h"
#include "nodes.h"

struct cs_node_selector {
	struct cs_content content;
	struct cs_node_label *labels; // ascending keys; holds references
	uint32_t n_labels;
	struct cs_bitmap rows;
};

struct cs_node_selectors {
	struct cs_nodes *nodes; // borrowed
	struct cs_map by_content;
};

void cs_node_selectors_init(struct cs_node_selectors *selectors, struct cs_nodes *nodes,
			    uint64_t seed);
void cs_node_selectors_finish(struct cs_node_selectors *selectors); // none may be left

// The selector of these labels, answered for every row, with one more reference. Takes over the
// references of `labels`, not the array.
struct cs_node_selector *cs_node_selector_ref(struct cs_node_selectors *selectors,
					      const struct cs_node_label *labels, uint32_t n);
void cs_node_selector_unref(struct cs_node_selectors *selectors, struct cs_node_selector *selector);

bool cs_node_selector_matches(const struct cs_node_selector *selector,
			      const struct cs_node_row *row);
// The row's labels changed.
void cs_node_selectors_update(struct cs_node_selectors *selectors, uint32_t row);

// Interns entries as labels with ascending keys into `ret` (room for n). Of entries with one
// key, which no API object has, one is kept. Returns their number.
uint32_t cs_node_labels_intern(struct cs_intern *strings, Kube__StringEntry *const *entries,
			       size_t n, struct cs_node_label *ret);
void cs_node_labels_unref(struct cs_intern *strings, const struct cs_node_label *labels,
			  uint32_t n);

#endif
