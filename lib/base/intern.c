// Strings by number: a table of counted entries and a map from bytes to its rows.
// Neighbours: map.c. Numbers of strings that left are given out again.
#include <csched/base/intern.h>

#include <assert.h>
#include <csched/base/map.h>
#include <csched/base/memory.h>

struct entry {
	char *string; // NUL-terminated; NULL = free row
	size_t size;
	size_t references;
	uint32_t next_free;
};

struct cs_intern {
	struct cs_map ids;     // bytes (owned by the entry) to the id as a pointer
	struct entry *entries; // row 0 is CS_INTERN_NONE and never used
	uint32_t used;         // rows ever given out, with row 0
	uint32_t capacity;
	uint32_t free; // head of the chain of free rows, 0 = none
};

struct cs_intern *cs_intern_create(uint64_t seed)
{
	struct cs_intern *intern = cs_alloc(sizeof(*intern));
	cs_map_init(&intern->ids, seed);
	intern->used = 1;
	return intern;
}

void cs_intern_destroy(struct cs_intern *intern)
{
	if (!intern)
		return;
	for (uint32_t id = 1; id < intern->used; id++)
		free(intern->entries[id].string);
	free(intern->entries);
	cs_map_finish(&intern->ids);
	free(intern);
}

static uint32_t take_row(struct cs_intern *intern)
{
	uint32_t id = intern->free;
	if (id != 0) {
		intern->free = intern->entries[id].next_free;
		return id;
	}
	if (intern->used >= intern->capacity) {
		assert(intern->capacity <= UINT32_MAX / 2);
		intern->capacity = intern->capacity ? intern->capacity * 2 : 64;
		intern->entries = cs_realloc_array(intern->entries, intern->capacity,
						   sizeof(*intern->entries));
	}
	return intern->used++;
}

uint32_t cs_intern_ref(struct cs_intern *intern, struct cs_slice s)
{
	uint32_t id = cs_intern_find(intern, s);
	if (id != CS_INTERN_NONE) {
		intern->entries[id].references++;
		return id;
	}
	id = take_row(intern);
	char *string = cs_strndup(s.data, s.size);
	intern->entries[id] = (struct entry){ .string = string, .size = s.size, .references = 1 };
	cs_map_put(&intern->ids, (struct cs_slice){ string, s.size }, (void *)(uintptr_t)id);
	return id;
}

uint32_t cs_intern_find(const struct cs_intern *intern, struct cs_slice s)
{
	return (uint32_t)(uintptr_t)cs_map_get(&intern->ids, s);
}

static struct entry *live_entry(const struct cs_intern *intern, uint32_t id)
{
	assert(id < intern->used && intern->entries[id].string);
	return &intern->entries[id];
}

void cs_intern_ref_id(struct cs_intern *intern, uint32_t id)
{
	if (id != CS_INTERN_NONE)
		live_entry(intern, id)->references++;
}

void cs_intern_unref(struct cs_intern *intern, uint32_t id)
{
	if (id == CS_INTERN_NONE)
		return;
	struct entry *entry = live_entry(intern, id);
	if (--entry->references > 0)
		return;
	cs_map_remove(&intern->ids, (struct cs_slice){ entry->string, entry->size });
	free(entry->string);
	*entry = (struct entry){ .next_free = intern->free };
	intern->free = id;
}

const char *cs_intern_string(const struct cs_intern *intern, uint32_t id)
{
	return id == CS_INTERN_NONE ? "" : live_entry(intern, id)->string;
}

uint32_t cs_intern_count(const struct cs_intern *intern)
{
	return (uint32_t)cs_map_count(&intern->ids);
}
