// Images on nodes, and the ids of those that demands name. Neighbours: node.c tells of a row's
// images, node_asks.c refers to them; image.h shows them.
#ifndef LIB_CLUSTER_IMAGE_INTERNAL_H
#define LIB_CLUSTER_IMAGE_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/base/map.h>
#include <csched/cluster/image.h>
#include <csched/kube/api.h>

#include "nodes.h"

struct cs_images {
	struct cs_nodes *nodes; // borrowed: rows have the ids of their images
	struct cs_map by_name;
	struct cs_known_image **all; // by id; NULL = a free id
	uint32_t n_ids;
	uint32_t *free_ids;
	uint32_t n_free_ids;
	uint64_t version;
};

void cs_images_init(struct cs_images *images, struct cs_nodes *nodes, uint64_t seed);
void cs_images_finish(struct cs_images *images); // none may be left

// The row has the images of that status now; NULL: none, the row is not live. True if it has
// others than before.
bool cs_images_set_row(struct cs_images *images, struct cs_arena *scratch, uint32_t row,
		       const Kube__NodeStatus *status);

// The id of the image that a pod calls `name`, with one more reference.
uint32_t cs_images_ref(struct cs_images *images, const char *name);
void cs_images_unref(struct cs_images *images, uint32_t id);

// For the self-check: NULL for a free id.
const struct cs_image *cs_images_get(const struct cs_images *images, uint32_t id);
uint32_t cs_images_refs(const struct cs_images *images, uint32_t id); // by demands

#endif
