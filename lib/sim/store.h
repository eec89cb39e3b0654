// What the API server would keep in etcd: objects by key, their versions, a bounded log of changes.
// Neighbours: list, watch and the write verbs use it; encode.c fills a version's cached bytes.
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/base/random.h>
#include <csched/base/value.h>
#include <csched/kube/kind.h>

#include "resource.h"

// One state of one object; never changed. Counted, as the log and open lists share it.
struct sim_version {
	unsigned references;
	uint64_t rv;
	struct sim_collection *collection;
	struct json_object *tree;
	char *key; // "namespace/name" or "name"
	// Made by encode.c when first asked for.
	char *json;
	size_t json_size;
	char *protobuf; // with envelope; the bare message is its tail
	size_t protobuf_size;
	size_t protobuf_at; // where the bare message begins
};

#define SIM_LEVELS 20

struct sim_object {
	struct sim_version *now;
	struct sim_object *next[SIM_LEVELS]; // a skip list in order of keys; `levels` are used
	unsigned levels;
	struct sim_owner *owner; // of its first ownerReference, or NULL
	struct cs_list owner_link;
};

// The objects whose first ownerReference names this UID.
struct sim_owner {
	char *uid;
	struct cs_list dependents;
};

enum sim_change_type { SIM_ADDED, SIM_MODIFIED, SIM_DELETED };

struct sim_change {
	enum sim_change_type type;
	uint64_t rv;
	struct sim_version *now;    // the deleted state for SIM_DELETED
	struct sim_version *before; // NULL for SIM_ADDED
};

struct sim_collection {
	struct sim_store *store;
	const struct sim_resource *resource;
	const struct cs_kind *kind; // NULL: no protobuf
	struct sim_object head;
	size_t count;
	struct sim_change *log; // a ring of `log_size`, a power of two or 0
	size_t log_size;
	uint64_t log_begin; // sequence number of the oldest change kept
	uint64_t log_end;   // of the next change
	uint64_t floor;     // changes up to this version may be forgotten
	struct cs_list watches;
};

typedef void (*sim_observer_f)(struct sim_collection *collection, const struct sim_change *change,
			       void *user);

struct sim_store {
	struct sim_collection *collections; // one per row of sim_resources
	uint64_t rv;
	size_t history; // changes kept per collection
	size_t count;
	struct cs_map owners;
	struct cs_random random;
	sim_observer_f observer; // after each change
	void *observer_user;
};

void sim_store_init(struct sim_store *store, size_t history, uint64_t seed);
void sim_store_finish(struct sim_store *store);

// Events have two names and one collection.
struct sim_collection *sim_store_collection(struct sim_store *store,
					    const struct sim_resource *resource);
struct sim_collection *sim_store_at(struct sim_store *store, enum sim_resource_id id);

struct sim_object *sim_store_find(const struct sim_collection *collection, const char *key);
// The first object whose key is at least `key`, and the one behind an object.
struct sim_object *sim_store_seek(const struct sim_collection *collection, const char *key);
static inline struct sim_object *sim_store_next(const struct sim_object *object)
{
	return object->next[0];
}

// Creates or replaces. Takes the tree, whose metadata must be private to it: the new
// resourceVersion is written there.
struct sim_object *sim_store_put(struct sim_collection *collection, const char *key,
				 struct json_object *tree);
// The object dies; the log keeps its last state under a new resourceVersion.
void sim_store_remove(struct sim_collection *collection, struct sim_object *object);
// The same with a last state of the caller's; takes the tree, returns a new reference.
struct sim_version *sim_store_remove_as(struct sim_collection *collection,
					struct sim_object *object, struct json_object *tree);

// Changes newer than `rv`: the sequence number of the first. -ESTALE when some are forgotten.
int sim_store_since(const struct sim_collection *collection, uint64_t rv, uint64_t *ret_sequence);
const struct sim_change *sim_store_change(const struct sim_collection *collection,
					  uint64_t sequence);

// What a list must hold. All states as of `rv` (which is at most the store's), in order of keys.
struct sim_snapshot_query {
	const char *prefix; // "namespace/" or ""
	const char *after;  // keys greater than this; "" = all
	uint64_t rv;
};
struct sim_snapshot {
	struct sim_version **versions; // each with a reference
	size_t count;
};
// -ESTALE when the history does not reach back to rv.
int sim_store_snapshot(const struct sim_collection *collection,
		       const struct sim_snapshot_query *query, struct sim_snapshot *ret);
void sim_snapshot_finish(struct sim_snapshot *snapshot);

struct sim_version *sim_version_ref(struct sim_version *version);
void sim_version_unref(struct sim_version *version); // NULL is fine

// The dependents of an owner, or NULL.
struct sim_owner *sim_store_owner(struct sim_store *store, const char *uid);

// "namespace/name", or the name alone where `namespace_` is empty.
#define SIM_KEY_MAX 520
const char *sim_key(const char *namespace_, const char *name, char out[SIM_KEY_MAX]);
const char *sim_key_name(const char *key); // behind the slash

#endif
