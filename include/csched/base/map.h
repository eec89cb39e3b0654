// An open-addressing hash map from bytes to pointers. Neighbours: intern.h for string ids.
#ifndef CSCHED_BASE_MAP_H
#define CSCHED_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/slice.h>

struct cs_map_entry {
	struct cs_slice key; // owned by whoever put it: it must outlive the entry
	uint64_t hash;
	void *value; // NULL = empty slot
};

// Fields are private; zeroed memory is an empty map with seed 0.
struct cs_map {
	struct cs_map_entry *entries;
	size_t capacity;
	size_t count;
	uint64_t seed; // against chosen keys: the daemon gives each map a random one
};

void cs_map_init(struct cs_map *map, uint64_t seed);
void cs_map_finish(struct cs_map *map); // frees the table, not keys or values

// `value` is not NULL. Returns the value that was there before, or NULL. On replacement the key
// pointer is replaced too.
void *cs_map_put(struct cs_map *map, struct cs_slice key, void *value);
void *cs_map_get(const struct cs_map *map, struct cs_slice key); // NULL = not there
void *cs_map_remove(struct cs_map *map, struct cs_slice key);    // returns what was there
size_t cs_map_count(const struct cs_map *map);

// Iterates in table order: `size_t at = 0; while ((value = cs_map_next(map, &at)))`. Nothing may be
// put meanwhile; removing is allowed only after the iteration.
void *cs_map_next(const struct cs_map *map, size_t *at);

uint64_t cs_hash(const void *data, size_t size, uint64_t seed);

#endif
