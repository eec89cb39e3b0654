// Registered questions to nodes: a bitmap of the rows that match a node selector, evaluated when
// it is registered and corrected when a node changes.
// Neighbours: demand.h shows the bitmaps of pods; plugins register those of their arguments.
// Core thread only. Mirrors component-helpers scheduling/corev1/nodeaffinity.
#ifndef CSCHED_CLUSTER_NODE_SELECTOR_H
#define CSCHED_CLUSTER_NODE_SELECTOR_H

#include <csched/base/buffer.h>
#include <csched/cluster/bitmap.h>
#include <csched/kube/api.h>

struct cs_cluster;
struct cs_node_selector;

// The selector with one more reference, interned by content. A row matches if one of the terms
// does; a term that is empty or cannot be read matches nothing, so does a selector without terms.
struct cs_node_selector *cs_node_selector_ref(struct cs_cluster *cluster,
					      const Kube__NodeSelector *from);
// NULL is fine.
void cs_node_selector_unref(struct cs_cluster *cluster, struct cs_node_selector *selector);

struct cs_preferred_node {
	struct cs_node_selector *selector;
	int32_t weight;
};

// The preferred terms that count, each with a reference, to `ret`, which has room for all of them;
// returns how many. All can be read (kube's node_term.h). A NULL affinity prefers nothing.
uint32_t cs_node_preferences_ref(struct cs_cluster *cluster, const Kube__NodeAffinity *affinity,
				 struct cs_preferred_node *ret);

// The live rows that match. The pointer is valid as long as the reference; the content changes with
// the nodes.
const struct cs_bitmap *cs_node_selector_rows(const struct cs_node_selector *selector);

// For people, of the selector with these rows, which a demand's may be: append all of it, or what
// of it the node in a live row does not meet, with what the node has: "disktype=ssd (here hdd)".
// Of what is long the first eight parts are named.
void cs_node_selector_print(const struct cs_cluster *cluster, const struct cs_bitmap *rows,
			    struct cs_buffer *out);
void cs_node_selector_print_unmet(const struct cs_cluster *cluster, const struct cs_bitmap *rows,
				  uint32_t row, struct cs_buffer *out);

#endif
