// The told objects of one kind: one allocation each, about 150 bytes for a pod.
// Neighbours: base's map.h; mirror.c asks and tells.
#include "known.h"

#include <string.h>

#include <csched/base/memory.h>

// `text` holds "namespace/name", the UID and the resource version, each NUL-terminated.
struct entry {
	uint32_t seen; // generation of the last list that had it
	uint32_t uid;  // offsets in text
	uint32_t version;
	char text[];
};

// The key of an object, built on the stack where it fits.
struct key {
	struct cs_slice slice;
	char *heap;
	char stack[320]; // a namespace has at most 63 bytes, a name 253
};

static void key_init(struct key *key, const Kube__ObjectMeta *meta)
{
	const char *namespace = meta->namespace_ ? meta->namespace_ : "";
	size_t n = strlen(namespace), m = strlen(meta->name);
	key->heap = n + m + 2 > sizeof(key->stack) ? cs_alloc(n + m + 2) : NULL;
	char *out = key->heap ? key->heap : key->stack;
	memcpy(out, namespace, n);
	out[n] = '/';
	memcpy(out + n + 1, meta->name, m + 1);
	key->slice = (struct cs_slice){ out, n + 1 + m };
}

static struct entry *find(const struct cs_known *known, const Kube__ObjectMeta *meta)
{
	struct key key;
	key_init(&key, meta);
	struct entry *entry = cs_map_get(&known->map, key.slice);
	free(key.heap);
	return entry;
}

static struct entry *new_entry(const Kube__ObjectMeta *meta)
{
	struct key key;
	key_init(&key, meta);
	size_t uid = key.slice.size + 1;
	size_t version = uid + strlen(meta->uid) + 1;
	size_t size = version + strlen(meta->resource_version) + 1;
	struct entry *entry = cs_alloc(sizeof(*entry) + size);
	entry->uid = (uint32_t)uid;
	entry->version = (uint32_t)version;
	memcpy(entry->text, key.slice.data, uid);
	memcpy(entry->text + uid, meta->uid, version - uid);
	memcpy(entry->text + version, meta->resource_version, size - version);
	free(key.heap);
	return entry;
}

void cs_known_init(struct cs_known *known, uint64_t seed)
{
	cs_map_init(&known->map, seed);
	known->generation = 1;
}

void cs_known_finish(struct cs_known *known)
{
	size_t at = 0;
	void *entry;
	while ((entry = cs_map_next(&known->map, &at)))
		free(entry);
	cs_map_finish(&known->map);
}

enum cs_known_relation cs_known_compare(const struct cs_known *known, const Kube__ObjectMeta *meta)
{
	const struct entry *entry = find(known, meta);
	if (!entry)
		return CS_KNOWN_NOT;
	if (strcmp(entry->text + entry->uid, meta->uid) != 0)
		return CS_KNOWN_ANOTHER;
	return strcmp(entry->text + entry->version, meta->resource_version) == 0 ? CS_KNOWN_SAME
										 : CS_KNOWN_OLDER;
}

void cs_known_put(struct cs_known *known, const Kube__ObjectMeta *meta)
{
	struct entry *entry = new_entry(meta);
	entry->seen = known->generation;
	free(cs_map_put(&known->map, cs_slice_of(entry->text), entry));
}

void cs_known_mark(struct cs_known *known, const Kube__ObjectMeta *meta)
{
	struct entry *entry = find(known, meta);
	if (entry)
		entry->seen = known->generation;
}

void cs_known_remove(struct cs_known *known, const Kube__ObjectMeta *meta)
{
	struct key key;
	key_init(&key, meta);
	free(cs_map_remove(&known->map, key.slice));
	free(key.heap);
}

const char *cs_known_uid(const struct cs_known *known, const Kube__ObjectMeta *meta)
{
	const struct entry *entry = find(known, meta);
	return entry ? entry->text + entry->uid : NULL;
}

void cs_known_begin(struct cs_known *known)
{
	known->generation++;
}

static struct cs_known_name name_of(const struct entry *entry)
{
	size_t namespace = strcspn(entry->text, "/");
	return (struct cs_known_name){
		.namespace = { entry->text, namespace },
		.name = cs_slice_of(entry->text + namespace + 1),
		.uid = entry->text + entry->uid,
	};
}

void cs_known_sweep(struct cs_known *known,
		    void (*gone)(void *user, const struct cs_known_name *name), void *user)
{
	size_t at = 0, n = 0;
	struct entry *entry;
	struct entry **unseen = NULL;
	while ((entry = cs_map_next(&known->map, &at))) {
		if (entry->seen == known->generation)
			continue;
		if ((n & (n - 1)) == 0) // room doubles at each power of two
			unseen = cs_realloc_array(unseen, n ? 2 * n : 1, sizeof(struct entry *));
		unseen[n++] = entry;
	}
	for (size_t i = 0; i < n; i++) {
		struct cs_known_name name = name_of(unseen[i]);
		cs_map_remove(&known->map, cs_slice_of(unseen[i]->text));
		gone(user, &name);
		free(unseen[i]);
	}
	free(unseen);
}
