// The life of an object: creation, change, deletion, with the metadata that the server owns.
// Neighbours: default.c and validate.c know the kinds; write.c, binding.c, workload.c call this.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/timestamp.h>

#include "sim_internal.h"

#define OBJECTS_MAX 2000000

const char *sim_timestamp(const struct cs_sim *sim, char out[CS_TIMESTAMP_SIZE])
{
	return cs_timestamp_seconds(sim_now(sim).wall, out);
}

static const char *new_uid(struct cs_sim *sim, char out[40])
{
	uint64_t high = cs_random_next(&sim->store.random);
	uint64_t low = cs_random_next(&sim->store.random);
	(void)snprintf(out, 40, "%08" PRIx32 "-%04x-4%03x-%04x-%012" PRIx64, (uint32_t)(high >> 32),
		       (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		       (unsigned)(0x8000 | (low >> 48 & 0x3fff)), low & 0xffffffffffff);
	return out;
}

// Five characters as apimachinery's rand.String draws them: no vowels, so no words.
static void append_random(struct cs_sim *sim, struct json_object *metadata, const char *prefix)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	char name[300];
	size_t length = (size_t)snprintf(name, sizeof(name) - 8, "%.247s", prefix);
	for (int i = 0; i < 5; i++)
		name[length++] = letters[cs_random_below(&sim->store.random, sizeof(letters) - 1)];
	name[length] = 0;
	cs_tree_set_string(metadata, "name", name);
}

// ---- creation ----

static int check_namespace(const struct sim_write *write, const char *name,
			   struct sim_status *status)
{
	if (!write->resource->namespaced)
		return 0;
	struct sim_collection *namespaces = sim_store_at(&write->sim->store, SIM_NAMESPACES);
	struct sim_object *object = sim_store_find(namespaces, write->namespace_);
	if (!object)
		return sim_status_not_found(status, namespaces->resource, write->namespace_);
	const char *phase = cs_value_string_at(object->now->tree, "status.phase");
	if (!cs_string_equal(phase, "Terminating"))
		return 0;
	(void)sim_status_fail(status, 403, "Forbidden",
			      "%s \"%s\" is forbidden: unable to create new content in namespace "
			      "%s because it is being terminated",
			      write->resource->name, name, write->namespace_);
	status->kind = write->resource->name;
	return -1;
}

static void fill_metadata(const struct sim_write *write, struct json_object *tree)
{
	struct cs_sim *sim = write->sim;
	struct json_object *metadata = cs_tree_get(tree, "metadata");
	char text[64];
	const char *prefix = cs_tree_string(metadata, "generateName");
	const char *name = cs_tree_string(metadata, "name");
	if (prefix && *prefix && (!name || !*name))
		append_random(sim, metadata, prefix);
	if (write->resource->namespaced)
		cs_tree_set_string(metadata, "namespace", write->namespace_);
	else
		cs_tree_remove(metadata, "namespace");
	cs_tree_set_string(metadata, "uid", new_uid(sim, text));
	cs_tree_set_string(metadata, "creationTimestamp", sim_timestamp(sim, text));
	cs_tree_remove(metadata, "deletionTimestamp");
	cs_tree_remove(metadata, "deletionGracePeriodSeconds");
	cs_tree_remove(metadata, "selfLink");
	cs_tree_remove(metadata, "generation");
	if (write->resource->has_generation)
		cs_tree_set_int(metadata, "generation", 1);
}

static int check_new_version(struct json_object *metadata, struct sim_status *status)
{
	const char *version = cs_tree_string(metadata, "resourceVersion");
	if (!version || !*version)
		return 0;
	return sim_status_plain(status, 500,
				"resourceVersion should not be set on objects to be created");
}

static int check_types(const struct sim_resource *resource, struct cs_sim *sim,
		       struct json_object *tree, struct sim_status *status)
{
	struct cs_error err;
	struct sim_collection *collection = sim_store_collection(&sim->store, resource);
	if (sim_encode_check(collection->kind, tree, &err) == 0)
		return 0;
	return sim_status_bad(status, "%s in version \"%s\" cannot be handled as a %s: %s",
			      resource->kind, resource->version, resource->kind, err.text);
}

int sim_object_create(const struct sim_write *write, struct json_object *tree,
		      struct sim_object **ret, struct sim_status *status)
{
	const struct sim_resource *resource = write->resource;
	struct cs_sim *sim = write->sim;
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	const char *namespace_ = cs_tree_string(metadata, "namespace");
	if (resource->namespaced && namespace_ && *namespace_ &&
	    strcmp(namespace_, write->namespace_) != 0)
		return sim_status_bad(status, "the namespace of the provided object does not match "
					      "the namespace sent on the request");
	int result = check_types(resource, sim, tree, status);
	if (!result)
		result = check_new_version(metadata, status);
	if (result)
		return result;
	fill_metadata(write, tree);
	const char *name = cs_tree_string(metadata, "name");
	result = check_namespace(write, name ? name : "", status);
	if (result)
		return result;
	sim_default_object(sim, resource, tree, true);
	result = sim_validate_object(resource, tree, NULL, status);
	if (result)
		return result;
	struct sim_collection *collection = sim_store_collection(&sim->store, resource);
	char key[SIM_KEY_MAX];
	(void)sim_key(resource->namespaced ? write->namespace_ : "", name, key);
	if (sim_store_find(collection, key))
		return sim_status_exists(status, resource, name);
	if (sim->store.count >= OBJECTS_MAX)
		return sim_status_fail(status, 500, "InternalError",
				       "kubesim keeps at most %d objects", OBJECTS_MAX);
	*ret = sim_store_put(collection, key, json_object_get(tree));
	if (sim->log)
		cs_log_info(sim->log, 3, "Created", CS_LOG_STRING("resource", resource->name),
			    CS_LOG_STRING("object", key));
	return 0;
}

// ---- change ----

static int check_precondition(const struct sim_write *write, struct sim_object *object,
			      struct json_object *metadata, struct sim_status *status)
{
	const struct sim_resource *resource = write->resource;
	struct json_object *old = cs_tree_get(object->now->tree, "metadata");
	const char *uid = cs_tree_string(metadata, "uid");
	const char *old_uid = cs_tree_string(old, "uid");
	if (uid && *uid && strcmp(uid, old_uid) != 0)
		return sim_status_conflict_on(
			status, resource, write->name,
			"StorageError: invalid object, Code: 4, Key: /registry/%s/%s, "
			"ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
			"precondition: %s, UID in object meta: %s",
			resource->name, object->now->key, uid, old_uid);
	const char *version = cs_tree_string(metadata, "resourceVersion");
	if (!version || !*version || strcmp(version, "0") == 0 ||
	    strcmp(version, cs_tree_string(old, "resourceVersion")) == 0)
		return 0;
	return sim_status_conflict_on(status, resource, write->name,
				      "the object has been modified; please apply your changes to "
				      "the latest version and try again");
}

// What clients may not change.
static void keep_metadata(struct json_object *metadata, struct json_object *old)
{
	static const char *const kept[] = { "uid",
					    "creationTimestamp",
					    "deletionTimestamp",
					    "deletionGracePeriodSeconds",
					    "generation",
					    "generateName",
					    "namespace",
					    "resourceVersion" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(kept); i++) {
		struct json_object *value = cs_tree_get(old, kept[i]);
		if (value)
			cs_tree_set(metadata, kept[i], json_object_get(value));
		else
			cs_tree_remove(metadata, kept[i]);
	}
}

static void keep_member(struct json_object *tree, struct json_object *old, const char *key)
{
	struct json_object *value = cs_tree_get(old, key);
	if (value)
		cs_tree_set(tree, key, json_object_get(value));
	else
		cs_tree_remove(tree, key);
}

// The main resource cannot change the status, the status sub-resource nothing but the status and
// labels, annotations and finalizers.
static void keep_other_part(const struct sim_write *write, struct json_object *tree,
			    struct json_object *old)
{
	if (!write->resource->has_status)
		return;
	if (!write->status_only) {
		keep_member(tree, old, "status");
		return;
	}
	json_object_object_foreach(old, key, value)
	{
		(void)value;
		if (strcmp(key, "status") != 0 && strcmp(key, "metadata") != 0)
			keep_member(tree, old, key);
	}
	keep_member(cs_tree_get(tree, "metadata"), cs_tree_get(old, "metadata"), "ownerReferences");
}

static bool dying_for_good(struct json_object *tree)
{
	struct json_object *metadata = cs_tree_get(tree, "metadata");
	return cs_tree_get(metadata, "deletionTimestamp") &&
	       cs_tree_length(metadata, "finalizers") == 0 &&
	       cs_tree_int(metadata, "deletionGracePeriodSeconds", 0) == 0;
}

int sim_object_update(const struct sim_write *write, struct sim_object *object,
		      struct json_object *tree, struct sim_version **ret, struct sim_status *status)
{
	const struct sim_resource *resource = write->resource;
	struct json_object *old = object->now->tree;
	struct json_object *old_metadata = cs_tree_get(old, "metadata");
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	int result = check_precondition(write, object, metadata, status);
	if (result)
		return result;
	keep_metadata(metadata, old_metadata);
	keep_other_part(write, tree, old);
	result = check_types(resource, write->sim, tree, status);
	if (result)
		return result;
	sim_default_object(write->sim, resource, tree, false);
	metadata = cs_tree_get(tree, "metadata"); // defaults may have made their own
	result = sim_validate_object(resource, tree, write->status_only ? NULL : old, status);
	if (result)
		return result;
	if (resource->has_generation &&
	    !json_object_equal(cs_tree_get(tree, "spec"), cs_tree_get(old, "spec")))
		cs_tree_set_int(metadata, "generation",
				cs_tree_int(old_metadata, "generation", 0) + 1);
	if (json_object_equal(tree, old)) {
		*ret = object->now;
		return 0;
	}
	struct sim_collection *collection = object->now->collection;
	if (!dying_for_good(tree)) {
		*ret = sim_store_put(collection, object->now->key, json_object_get(tree))->now;
		return 0;
	}
	// The last finalizer is gone: so is the object.
	sim_version_unref(sim_store_remove_as(collection, object, json_object_get(tree)));
	*ret = NULL;
	return 0;
}

// ---- deletion ----

static int check_delete_precondition(struct sim_object *object,
				     const struct sim_delete_options *options,
				     struct sim_status *status)
{
	const struct sim_resource *resource = object->now->collection->resource;
	struct json_object *metadata = cs_tree_get(object->now->tree, "metadata");
	const char *name = cs_tree_string(metadata, "name");
	const char *uid = cs_tree_string(metadata, "uid");
	const char *version = cs_tree_string(metadata, "resourceVersion");
	if (options->uid && strcmp(options->uid, uid) != 0)
		return sim_status_conflict(status, resource->kind, name,
					   "the UID in the precondition (%s) does not match the "
					   "UID in record (%s). The "
					   "object might have been deleted and then recreated",
					   options->uid, uid);
	if (options->resource_version && strcmp(options->resource_version, version) != 0)
		return sim_status_conflict(
			status, resource->kind, name,
			"the ResourceVersion in the precondition (%s) does not match the "
			"ResourceVersion in record (%s). The object might have been modified",
			options->resource_version, version);
	return 0;
}

// Seconds until a deleted object may go; only pods on nodes take their time.
static int64_t grace_of(const struct sim_object *object, const struct sim_delete_options *options)
{
	struct json_object *tree = object->now->tree;
	if (object->now->collection->resource != &sim_resources[SIM_PODS])
		return 0;
	const char *node = cs_value_string_at(tree, "spec.nodeName");
	const char *phase = cs_value_string_at(tree, "status.phase");
	if (!node || !*node || cs_string_equal(phase, "Succeeded") ||
	    cs_string_equal(phase, "Failed"))
		return 0;
	if (options->grace >= 0)
		return options->grace;
	return cs_tree_int(cs_tree_get(tree, "spec"), "terminationGracePeriodSeconds", 30);
}

// A copy of the object's tree that says it is being deleted.
static struct json_object *marked_tree(struct cs_sim *sim, struct json_object *old, int64_t grace,
				       bool pod)
{
	char text[CS_TIMESTAMP_SIZE];
	struct json_object *tree = cs_tree_copy(old);
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	int64_t generation = cs_tree_int(metadata, "generation", 0);
	if (generation && !cs_tree_get(metadata, "deletionTimestamp"))
		cs_tree_set_int(metadata, "generation", generation + 1);
	cs_tree_set_string(metadata, "deletionTimestamp",
			   cs_timestamp_seconds(sim_now(sim).wall + grace * CS_SECOND, text));
	if (pod || cs_tree_length(metadata, "finalizers"))
		cs_tree_set_int(metadata, "deletionGracePeriodSeconds", grace);
	return tree;
}

// Dependents lose their owner before it dies.
static void orphan_dependents(struct cs_sim *sim, const char *uid)
{
	struct sim_owner *owner;
	while ((owner = sim_store_owner(&sim->store, uid))) {
		struct sim_object *dependent =
			CS_CONTAINER_OF(owner->dependents.next, struct sim_object, owner_link);
		struct json_object *tree = cs_tree_copy(dependent->now->tree);
		cs_tree_remove(cs_tree_own(tree, "metadata"), "ownerReferences");
		sim_store_put(dependent->now->collection, dependent->now->key, tree);
	}
}

static bool waits(const struct sim_object *object)
{
	return cs_tree_length(cs_tree_get(object->now->tree, "metadata"), "finalizers") > 0 ||
	       object->now->collection->resource == &sim_resources[SIM_NAMESPACES];
}

// The object's own tree, but private at its top and metadata.
static struct json_object *last_tree(const struct sim_object *object)
{
	struct json_object *tree = cs_tree_copy(object->now->tree);
	cs_tree_own(tree, "metadata");
	return tree;
}

int sim_object_delete(struct cs_sim *sim, struct sim_object *object,
		      const struct sim_delete_options *options, struct sim_deletion *ret,
		      struct sim_status *status)
{
	int result = check_delete_precondition(object, options, status);
	if (result)
		return result;
	struct sim_collection *collection = object->now->collection;
	bool pod = collection->resource == &sim_resources[SIM_PODS];
	struct json_object *metadata = cs_tree_get(object->now->tree, "metadata");
	int64_t grace = grace_of(object, options);
	bool marked = cs_tree_get(metadata, "deletionTimestamp");
	bool sooner = grace < cs_tree_int(metadata, "deletionGracePeriodSeconds", 0);
	if (options->orphan)
		orphan_dependents(sim, cs_tree_string(metadata, "uid"));
	ret->gone = grace == 0 && !waits(object);
	// A pod is told to end even where it ends at once; what waits for finalizers is marked.
	if ((pod || !ret->gone) && (!marked || sooner)) {
		struct json_object *tree = marked_tree(sim, object->now->tree, grace, pod);
		if (collection->resource == &sim_resources[SIM_NAMESPACES])
			cs_tree_set_string(cs_tree_own(tree, "status"), "phase", "Terminating");
		object = sim_store_put(collection, object->now->key, tree);
	}
	ret->last = ret->gone ? sim_store_remove_as(collection, object, last_tree(object))
			      : sim_version_ref(object->now);
	return 0;
}

// ---- conditions ----

void sim_set_condition(struct cs_sim *sim, struct json_object *status_tree,
		       const struct sim_condition *condition)
{
	char now[CS_TIMESTAMP_SIZE];
	(void)sim_timestamp(sim, now);
	struct json_object *list = cs_tree_own_array(status_tree, "conditions");
	struct json_object *fresh = json_object_new_object();
	size_t n = json_object_array_length(list);
	size_t at = 0;
	const char *since = now;
	for (; at < n; at++) {
		struct json_object *old = json_object_array_get_idx(list, at);
		if (!cs_string_equal(cs_tree_string(old, "type"), condition->type))
			continue;
		if (cs_string_equal(cs_tree_string(old, "status"), condition->status) &&
		    cs_tree_string(old, "lastTransitionTime"))
			since = cs_tree_string(old, "lastTransitionTime");
		break;
	}
	cs_tree_set_string(fresh, "type", condition->type);
	cs_tree_set_string(fresh, "status", condition->status);
	cs_tree_set_string(fresh, "lastTransitionTime", since);
	if (condition->reason)
		cs_tree_set_string(fresh, "reason", condition->reason);
	if (condition->message)
		cs_tree_set_string(fresh, "message", condition->message);
	json_object_array_put_idx(list, at, fresh);
}
