// What a pending pod asks of nodes: selectors, pins, preferences, ports, images, features.
// Neighbours: pod.c reads it, demand.c makes it a part of the demand.
#ifndef LIB_CLUSTER_NODE_ASKS_H
#define LIB_CLUSTER_NODE_ASKS_H

#include <csched/base/arena.h>
#include <csched/cluster/demand.h>
#include <csched/cluster/node_selector.h>

struct cs_cluster;

// Ids and selectors hold references; arrays are in scratch, or the demand's once it has them.
struct cs_node_asks {
	struct cs_node_selector *selector; // NULL = none
	bool pins_names;
	uint32_t n_pinned_names;
	uint32_t *pinned_names; // ascending
	bool prefers_nodes;
	uint32_t preference_error; // intern id, CS_INTERN_NONE = none
	uint32_t n_preferences;
	struct cs_preferred_node *preferences;
	uint32_t n_ports;
	const struct cs_host_port *ports;
	uint32_t n_images;
	uint32_t *images;
	uint32_t n_image_containers;
	uint32_t features; // mask of enum cs_feature
};

void cs_node_asks_read(struct cs_cluster *cluster, const Kube__Pod *pod, struct cs_node_asks *ret);
// Gives the references back.
void cs_node_asks_drop(struct cs_cluster *cluster, const struct cs_node_asks *asks);

// Its content as words of a key: how many, and the words themselves. Returns their end.
size_t cs_node_asks_count_words(const struct cs_node_asks *asks);
uint64_t *cs_node_asks_put_words(const struct cs_node_asks *asks, uint64_t *at);

// Copies the arrays to the heap and shows all in the demand; and frees these copies.
void cs_node_asks_own(const struct cs_cluster *cluster, struct cs_node_asks *asks,
		      struct cs_demand *ret);
void cs_node_asks_free(const struct cs_node_asks *asks, const struct cs_demand *shown);

// The node that required node affinity pins the pod to as the DaemonSet controller writes it: one
// term, one matchFields requirement metadata.name In, one value. NULL = no such pin.
const char *cs_node_asks_pin(const Kube__Pod *pod);

#endif
