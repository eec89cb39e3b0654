// Linear probing over a power of two of slots; removal shifts the run back, so no tombstones.
// Neighbours: intern.c. The hash is SipHash-1-3: names come from users, tables must not degrade.
#include <csched/base/map.h>

#include <csched/base/memory.h>

#define FIRST_CAPACITY ((size_t)8)

// ---- SipHash (Aumasson, Bernstein) with one round per word and three at the end ----

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

uint64_t cs_hash(const void *data, size_t size, uint64_t seed)
{
	// The 128-bit key is the seed twice, the second time stirred.
	uint64_t key0 = seed;
	uint64_t key1 = rotate(seed, 32) * UINT64_C(0x9e3779b97f4a7c15);
	struct sip s = { key0 ^ UINT64_C(0x736f6d6570736575), key1 ^ UINT64_C(0x646f72616e646f6d),
			 key0 ^ UINT64_C(0x6c7967656e657261), key1 ^ UINT64_C(0x7465646279746573) };
	const unsigned char *at = data;
	const unsigned char *end = at + size / 8 * 8;
	uint64_t word;
	for (; at != end; at += 8) {
		memcpy(&word, at, 8);
		sip_word(&s, word);
	}
	word = (uint64_t)size << 56;
	for (size_t i = 0; i < size % 8; i++)
		word |= (uint64_t)at[i] << (8 * i);
	sip_word(&s, word);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

// ---- the table ----

void cs_map_init(struct cs_map *map, uint64_t seed)
{
	*map = (struct cs_map){ .seed = seed };
}

void cs_map_finish(struct cs_map *map)
{
	free(map->entries);
	*map = (struct cs_map){ .seed = map->seed };
}

size_t cs_map_count(const struct cs_map *map)
{
	return map->count;
}

// The slot that holds `key`, or the empty one where it would go. There is always an empty slot.
static size_t find_slot(const struct cs_map *map, struct cs_slice key, uint64_t hash)
{
	size_t mask = map->capacity - 1;
	size_t at = (size_t)hash & mask;
	while (map->entries[at].value) {
		const struct cs_map_entry *entry = &map->entries[at];
		if (entry->hash == hash && cs_slice_equal(entry->key, key))
			break;
		at = (at + 1) & mask;
	}
	return at;
}

static void grow(struct cs_map *map)
{
	size_t old_capacity = map->capacity;
	struct cs_map_entry *old = map->entries;
	map->capacity = old_capacity ? old_capacity * 2 : FIRST_CAPACITY;
	map->entries = cs_alloc_array(map->capacity, sizeof(*map->entries));
	size_t mask = map->capacity - 1;
	for (size_t i = 0; i < old_capacity; i++) {
		if (!old[i].value)
			continue;
		size_t at = (size_t)old[i].hash & mask; // all keys differ: no comparing
		while (map->entries[at].value)
			at = (at + 1) & mask;
		map->entries[at] = old[i];
	}
	free(old);
}

void *cs_map_put(struct cs_map *map, struct cs_slice key, void *value)
{
	if (map->count + 1 > map->capacity / 4 * 3)
		grow(map);
	uint64_t hash = cs_hash(key.data, key.size, map->seed);
	struct cs_map_entry *entry = &map->entries[find_slot(map, key, hash)];
	void *before = entry->value;
	if (!before)
		map->count++;
	*entry = (struct cs_map_entry){ .key = key, .hash = hash, .value = value };
	return before;
}

void *cs_map_get(const struct cs_map *map, struct cs_slice key)
{
	if (map->count == 0)
		return NULL;
	return map->entries[find_slot(map, key, cs_hash(key.data, key.size, map->seed))].value;
}

// Fills the hole by moving back each later entry of the run whose home is not past the hole.
static void close_hole(struct cs_map *map, size_t hole)
{
	size_t mask = map->capacity - 1;
	for (size_t at = (hole + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
		size_t home = (size_t)map->entries[at].hash & mask;
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->entries[hole] = map->entries[at];
		hole = at;
	}
	map->entries[hole] = (struct cs_map_entry){ 0 };
}

void *cs_map_remove(struct cs_map *map, struct cs_slice key)
{
	if (map->count == 0)
		return NULL;
	size_t at = find_slot(map, key, cs_hash(key.data, key.size, map->seed));
	void *value = map->entries[at].value;
	if (value) {
		close_hole(map, at);
		map->count--;
	}
	return value;
}

void *cs_map_next(const struct cs_map *map, size_t *at)
{
	while (*at < map->capacity) {
		void *value = map->entries[(*at)++].value;
		if (value)
			return value;
	}
	return NULL;
}
