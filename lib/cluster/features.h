// Features that nodes declare and pods need. Neighbours: node.c tells what a row declares,
// node_asks.c what a pod needs; the bitmaps go into demands.
// Mirrors component-helpers nodedeclaredfeatures: of its features these are the ones that
// InferForScheduling ever asks for. The others concern updates of pods that already run.
#ifndef LIB_CLUSTER_FEATURES_H
#define LIB_CLUSTER_FEATURES_H

#include <csched/base/buffer.h>
#include <csched/cluster/bitmap.h>
#include <csched/kube/api.h>

enum cs_feature {
	CS_FEATURE_RESTART_ALL_CONTAINERS = 1 << 0,
	CS_FEATURE_USER_NAMESPACES_HOST_NETWORK = 1 << 1,
	CS_FEATURE_ALL = (1 << 2) - 1,
};

// For each set of features the live rows that declare all of them; [0] stays empty.
struct cs_features {
	struct cs_bitmap rows[CS_FEATURE_ALL + 1];
};

void cs_features_finish(struct cs_features *features);
void cs_features_update(struct cs_features *features, uint32_t row, uint32_t declared);

// Masks of enum cs_feature.
uint32_t cs_features_declared(const Kube__NodeStatus *status); // NULL is fine
uint32_t cs_features_needed(const Kube__PodSpec *spec);

void cs_features_print(uint32_t features, struct cs_buffer *out); // appends "A, B"

#endif
