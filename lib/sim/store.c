// Objects, versions and the log of changes. Neighbours: store.h says how they hang together.
#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

const char *sim_key(const char *namespace_, const char *name, char out[SIM_KEY_MAX])
{
	bool spaced = namespace_ && *namespace_;
	(void)snprintf(out, SIM_KEY_MAX, "%s%s%s", spaced ? namespace_ : "", spaced ? "/" : "",
		       name);
	return out;
}

const char *sim_key_name(const char *key)
{
	const char *slash = strchr(key, '/');
	return slash ? slash + 1 : key;
}

// ---- versions ----

static struct sim_version *new_version(struct sim_collection *collection, const char *key,
				       struct json_object *tree)
{
	struct sim_version *version = cs_alloc(sizeof(*version));
	version->references = 1;
	version->collection = collection;
	version->rv = ++collection->store->rv;
	version->tree = tree;
	version->key = cs_strdup(key);
	char text[24];
	(void)snprintf(text, sizeof(text), "%" PRIu64, version->rv);
	cs_tree_set_string(cs_tree_get(tree, "metadata"), "resourceVersion", text);
	return version;
}

struct sim_version *sim_version_ref(struct sim_version *version)
{
	version->references++;
	return version;
}

void sim_version_unref(struct sim_version *version)
{
	if (!version || --version->references)
		return;
	json_object_put(version->tree);
	free(version->json);
	free(version->protobuf);
	free(version->key);
	free(version);
}

// ---- the log ----

static struct sim_change *log_slot(const struct sim_collection *collection, uint64_t sequence)
{
	return &collection->log[sequence & (collection->log_size - 1)];
}

static void forget_oldest(struct sim_collection *collection)
{
	struct sim_change *oldest = log_slot(collection, collection->log_begin++);
	collection->floor = oldest->rv;
	sim_version_unref(oldest->now);
	sim_version_unref(oldest->before);
}

// The ring doubles until it holds the history, so that quiet collections stay small. Its size is a
// power of two.
static void grow_log(struct sim_collection *collection)
{
	size_t size = collection->log_size ? collection->log_size * 2 : 64;
	struct sim_change *log = cs_alloc_array(size, sizeof(*log));
	for (uint64_t at = collection->log_begin; at < collection->log_end; at++)
		log[at & (size - 1)] = *log_slot(collection, at);
	free(collection->log);
	collection->log = log;
	collection->log_size = size;
}

static void append_change(struct sim_collection *collection, const struct sim_change *change)
{
	size_t kept = collection->log_end - collection->log_begin;
	if (kept == collection->store->history)
		forget_oldest(collection);
	else if (kept == collection->log_size)
		grow_log(collection);
	struct sim_change *slot = log_slot(collection, collection->log_end++);
	*slot = *change;
	sim_version_ref(slot->now);
	if (slot->before)
		sim_version_ref(slot->before);
	if (collection->store->observer)
		collection->store->observer(collection, change, collection->store->observer_user);
}

int sim_store_since(const struct sim_collection *collection, uint64_t rv, uint64_t *ret_sequence)
{
	if (rv < collection->floor)
		return -ESTALE;
	uint64_t low = collection->log_begin;
	uint64_t high = collection->log_end;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (log_slot(collection, middle)->rv <= rv)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_sequence = low;
	return 0;
}

const struct sim_change *sim_store_change(const struct sim_collection *collection,
					  uint64_t sequence)
{
	return log_slot(collection, sequence);
}

// ---- owners ----

static const char *owner_uid(struct json_object *tree)
{
	struct json_object *owners = cs_value_at(tree, "metadata.ownerReferences");
	if (!json_object_is_type(owners, json_type_array) || !json_object_array_length(owners))
		return NULL;
	return cs_tree_string(json_object_array_get_idx(owners, 0), "uid");
}

static void leave_owner(struct sim_store *store, struct sim_object *object)
{
	struct sim_owner *owner = object->owner;
	if (!owner)
		return;
	object->owner = NULL;
	cs_list_remove(&object->owner_link);
	if (!cs_list_empty(&owner->dependents))
		return;
	cs_map_remove(&store->owners, cs_slice_of(owner->uid));
	free(owner->uid);
	free(owner);
}

static void join_owner(struct sim_store *store, struct sim_object *object, const char *uid)
{
	struct sim_owner *owner = cs_map_get(&store->owners, cs_slice_of(uid));
	if (!owner) {
		owner = cs_alloc(sizeof(*owner));
		owner->uid = cs_strdup(uid);
		cs_list_init(&owner->dependents);
		cs_map_put(&store->owners, cs_slice_of(owner->uid), owner);
	}
	cs_list_append(&owner->dependents, &object->owner_link);
	object->owner = owner;
}

static void update_owner(struct sim_store *store, struct sim_object *object)
{
	const char *uid = owner_uid(object->now->tree);
	if (object->owner && uid && strcmp(object->owner->uid, uid) == 0)
		return;
	leave_owner(store, object);
	if (uid)
		join_owner(store, object, uid);
}

struct sim_owner *sim_store_owner(struct sim_store *store, const char *uid)
{
	return cs_map_get(&store->owners, cs_slice_of(uid));
}

// ---- the index ----

// The last object before `key` on each level.
static void find_path(const struct sim_collection *collection, const char *key,
		      struct sim_object *path[SIM_LEVELS])
{
	struct sim_object *at = (struct sim_object *)(uintptr_t)&collection->head;
	for (unsigned level = SIM_LEVELS; level-- > 0;) {
		while (at->next[level] && strcmp(at->next[level]->now->key, key) < 0)
			at = at->next[level];
		path[level] = at;
	}
}

struct sim_object *sim_store_seek(const struct sim_collection *collection, const char *key)
{
	struct sim_object *path[SIM_LEVELS];
	find_path(collection, key, path);
	return path[0]->next[0];
}

struct sim_object *sim_store_find(const struct sim_collection *collection, const char *key)
{
	struct sim_object *object = sim_store_seek(collection, key);
	return object && strcmp(object->now->key, key) == 0 ? object : NULL;
}

static struct sim_object *insert(struct sim_collection *collection, struct sim_version *version)
{
	struct sim_object *path[SIM_LEVELS];
	find_path(collection, version->key, path);
	struct sim_object *object = cs_alloc(sizeof(*object));
	object->now = version;
	cs_list_init(&object->owner_link);
	// A quarter of the objects of a level are on the next.
	uint64_t bits = cs_random_next(&collection->store->random);
	object->levels = 1;
	while (object->levels < SIM_LEVELS && (bits & 3) == 0) {
		object->levels++;
		bits >>= 2;
	}
	for (unsigned level = 0; level < object->levels; level++) {
		object->next[level] = path[level]->next[level];
		path[level]->next[level] = object;
	}
	collection->count++;
	collection->store->count++;
	return object;
}

static void unlink_object(struct sim_collection *collection, struct sim_object *object)
{
	struct sim_object *path[SIM_LEVELS];
	find_path(collection, object->now->key, path);
	for (unsigned level = 0; level < object->levels; level++)
		path[level]->next[level] = object->next[level];
	collection->count--;
	collection->store->count--;
}

// ---- changes ----

struct sim_object *sim_store_put(struct sim_collection *collection, const char *key,
				 struct json_object *tree)
{
	struct sim_object *object = sim_store_find(collection, key);
	struct sim_version *version = new_version(collection, key, tree);
	struct sim_change change = { .rv = version->rv, .now = version };
	if (object) {
		change.type = SIM_MODIFIED;
		change.before = object->now;
		object->now = version;
	} else {
		change.type = SIM_ADDED;
		object = insert(collection, version);
	}
	update_owner(collection->store, object);
	append_change(collection, &change);
	sim_version_unref(change.before);
	return object;
}

struct sim_version *sim_store_remove_as(struct sim_collection *collection,
					struct sim_object *object, struct json_object *tree)
{
	unlink_object(collection, object);
	leave_owner(collection->store, object);
	struct sim_version *last = new_version(collection, object->now->key, tree);
	struct sim_change change = {
		.type = SIM_DELETED, .rv = last->rv, .now = last, .before = object->now
	};
	free(object);
	append_change(collection, &change);
	sim_version_unref(change.before);
	return last;
}

void sim_store_remove(struct sim_collection *collection, struct sim_object *object)
{
	struct json_object *tree = cs_tree_copy(object->now->tree);
	cs_tree_own(tree, "metadata");
	sim_version_unref(sim_store_remove_as(collection, object, tree));
}

// ---- states of the past ----

// What had key K at version `rv` is what the first later change of K found there.
static void collect_past(const struct sim_collection *collection, uint64_t from,
			 struct cs_map *first_changes)
{
	for (uint64_t at = from; at < collection->log_end; at++) {
		struct sim_change *change = log_slot(collection, at);
		struct cs_slice key = cs_slice_of(change->now->key);
		if (!cs_map_get(first_changes, key))
			(void)cs_map_put(first_changes, key, change);
	}
}

static bool wanted(const struct sim_snapshot_query *query, const char *key)
{
	return cs_string_prefix(key, query->prefix) &&
	       (!*query->after || strcmp(key, query->after) > 0);
}

static int compare_keys(const void *a, const void *b)
{
	const struct sim_version *const *left = a;
	const struct sim_version *const *right = b;
	return strcmp((*left)->key, (*right)->key);
}

static void snapshot_add(struct sim_snapshot *snapshot, size_t *capacity,
			 struct sim_version *version)
{
	if (snapshot->count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		snapshot->versions = cs_realloc_array(snapshot->versions, *capacity,
						      sizeof(*snapshot->versions));
	}
	snapshot->versions[snapshot->count++] = sim_version_ref(version);
}

int sim_store_snapshot(const struct sim_collection *collection,
		       const struct sim_snapshot_query *query, struct sim_snapshot *ret)
{
	*ret = (struct sim_snapshot){ 0 };
	uint64_t from;
	if (sim_store_since(collection, query->rv, &from))
		return -ESTALE;
	struct cs_map past;
	cs_map_init(&past, 0);
	collect_past(collection, from, &past);
	size_t capacity = 0;
	const char *begin = *query->after && strcmp(query->after, query->prefix) > 0
				    ? query->after
				    : query->prefix;
	for (struct sim_object *object = sim_store_seek(collection, begin);
	     object && cs_string_prefix(object->now->key, query->prefix);
	     object = sim_store_next(object))
		if (wanted(query, object->now->key) &&
		    !cs_map_get(&past, cs_slice_of(object->now->key)))
			snapshot_add(ret, &capacity, object->now);
	size_t at = 0;
	struct sim_change *change;
	while ((change = cs_map_next(&past, &at)))
		if (change->before && wanted(query, change->before->key))
			snapshot_add(ret, &capacity, change->before);
	if (cs_map_count(&past) && ret->count)
		qsort(ret->versions, ret->count, sizeof(*ret->versions), compare_keys);
	cs_map_finish(&past);
	return 0;
}

void sim_snapshot_finish(struct sim_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++)
		sim_version_unref(snapshot->versions[i]);
	free(snapshot->versions);
	*snapshot = (struct sim_snapshot){ 0 };
}

// ---- the whole ----

void sim_store_init(struct sim_store *store, size_t history, uint64_t seed)
{
	*store = (struct sim_store){ .rv = 1, .history = history ? history : 1 };
	cs_random_init(&store->random, seed);
	cs_map_init(&store->owners, cs_random_next(&store->random));
	store->collections = cs_alloc_array(sim_resource_count, sizeof(*store->collections));
	for (size_t i = 0; i < sim_resource_count; i++) {
		struct sim_collection *collection = &store->collections[i];
		collection->store = store;
		collection->resource = &sim_resources[i];
		collection->kind = cs_kind_find_resource(
			sim_resources[i].group, sim_resources[i].version, sim_resources[i].name);
		cs_list_init(&collection->watches);
	}
}

static void finish_collection(struct sim_collection *collection)
{
	while (collection->log_begin < collection->log_end)
		forget_oldest(collection);
	free(collection->log);
	struct sim_object *next;
	for (struct sim_object *object = collection->head.next[0]; object; object = next) {
		next = object->next[0];
		leave_owner(collection->store, object);
		sim_version_unref(object->now);
		free(object);
	}
}

void sim_store_finish(struct sim_store *store)
{
	for (size_t i = 0; i < sim_resource_count; i++)
		finish_collection(&store->collections[i]);
	free(store->collections);
	cs_map_finish(&store->owners);
}

struct sim_collection *sim_store_at(struct sim_store *store, enum sim_resource_id id)
{
	return &store->collections[id == SIM_CORE_EVENTS ? SIM_EVENTS : id];
}

struct sim_collection *sim_store_collection(struct sim_store *store,
					    const struct sim_resource *resource)
{
	return sim_store_at(store, (enum sim_resource_id)sim_resource_index(resource));
}
