// Things known by their content: one object per distinct key, counted, gone with the last user.
// Neighbours: taint.c, node_selector.c, query.c and demand.c intern with it.
#ifndef LIB_CLUSTER_CONTENT_H
#define LIB_CLUSTER_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/map.h>
#include <csched/base/slice.h>

// The first member of an interned object.
struct cs_content {
	struct cs_slice key; // owned
	uint32_t refs;
};

// The object of that key with one more reference, or NULL.
struct cs_content *cs_content_ref(const struct cs_map *map, struct cs_slice key);
// Enters a new object with one reference. Copies the key.
void cs_content_add(struct cs_map *map, struct cs_content *content, struct cs_slice key);
// One reference less. True: it was the last, the object left the map and its key is freed; the
// caller frees what else it holds.
bool cs_content_unref(struct cs_map *map, struct cs_content *content);

#endif
