// Container images: which rows have them, and their size as upstream remembers it.
// Neighbours: node.c reads status.images, demand.h names images by id; ImageLocality scores.
#ifndef CSCHED_CLUSTER_IMAGE_H
#define CSCHED_CLUSTER_IMAGE_H

#include <stdint.h>

#include <csched/cluster/bitmap.h>

struct cs_cluster;

// An image that some demand names (normalised: ":latest" where no tag is given).
struct cs_image {
	const char *name;
	int64_t size;    // bytes: as the first node that reported it said; 0 where none has it
	uint32_t n_rows; // live rows that have it
	struct cs_bitmap rows;
	uint64_t version; // grows whenever one of these changes
};

const struct cs_image *cs_cluster_image(const struct cs_cluster *cluster, uint32_t id);

#endif
