// The controllers a demo needs: Deployments make ReplicaSets, ReplicaSets make pods, dependents die
// with their owners, namespaces empty themselves. Neighbours: sim.c's thread steps through the keys
// that sim_workload_observe marks.
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

#define EVENT_TTL (3600 * CS_SECOND)
#define CHUNK     200 // objects made or deleted in one step, so that requests are not held up

// ---- what to look at ----

static bool owned_by(struct json_object *tree, const char *kind, char key[SIM_KEY_MAX])
{
	struct json_object *owners = cs_value_at(tree, "metadata.ownerReferences");
	if (!json_object_is_type(owners, json_type_array) || !json_object_array_length(owners))
		return false;
	struct json_object *owner = json_object_array_get_idx(owners, 0);
	const char *name = cs_tree_string(owner, "name");
	if (!name || !cs_string_equal(cs_tree_string(owner, "kind"), kind))
		return false;
	(void)sim_key(cs_value_string_at(tree, "metadata.namespace"), name, key);
	return true;
}

static void keep_event_for_a_while(struct cs_sim *sim, const struct sim_version *event)
{
	struct sim_timer timer = { .kind = SIM_TIMER_EVENT_END,
				   .due = sim_now(sim).boot + EVENT_TTL,
				   .key = cs_strdup(event->key) };
	const char *uid = cs_value_string_at(event->tree, "metadata.uid");
	(void)snprintf(timer.uid, sizeof(timer.uid), "%s", uid ? uid : "");
	sim_timer_add(sim, timer);
}

void sim_workload_observe(struct cs_sim *sim, struct sim_collection *collection,
			  const struct sim_change *change)
{
	struct json_object *tree = change->now->tree;
	const struct sim_resource *resource = collection->resource;
	char owner[SIM_KEY_MAX];
	if (change->type == SIM_DELETED) {
		const char *uid = cs_value_string_at(tree, "metadata.uid");
		if (uid && sim_store_owner(&sim->store, uid))
			sim_queue_add(sim, &sim->orphans, uid);
	}
	if (resource == &sim_resources[SIM_PODS]) {
		if (owned_by(tree, "ReplicaSet", owner))
			sim_queue_add(sim, &sim->replica_sets, owner);
	} else if (resource == &sim_resources[SIM_REPLICASETS]) {
		sim_queue_add(sim, &sim->replica_sets, change->now->key);
		if (owned_by(tree, "Deployment", owner))
			sim_queue_add(sim, &sim->deployments, owner);
	} else if (resource == &sim_resources[SIM_DEPLOYMENTS]) {
		sim_queue_add(sim, &sim->deployments, change->now->key);
	} else if (resource == &sim_resources[SIM_EVENTS] && change->type == SIM_ADDED) {
		keep_event_for_a_while(sim, change->now);
	} else if (resource == &sim_resources[SIM_NAMESPACES] &&
		   cs_value_at(tree, "metadata.deletionTimestamp")) {
		sim_queue_add(sim, &sim->namespaces, change->now->key);
	}
}

// ---- what all controllers do ----

static void create(struct cs_sim *sim, enum sim_resource_id id, const char *namespace_,
		   struct json_object *tree)
{
	struct sim_write write = {
		.sim = sim, .resource = &sim_resources[id], .namespace_ = namespace_, .name = ""
	};
	struct sim_object *object;
	struct sim_status status;
	if (sim_object_create(&write, tree, &object, &status) && sim->log)
		cs_log_error(sim->log, "A controller's object was refused",
			     CS_LOG_STRING("message", status.message));
}

static void delete_object(struct cs_sim *sim, struct sim_object *object)
{
	struct sim_delete_options options = { .grace = -1 };
	struct sim_status ignored;
	struct sim_deletion deletion;
	if (sim_object_delete(sim, object, &options, &deletion, &ignored) == 0)
		sim_version_unref(deletion.last);
}

// Stores a changed copy, or drops it when nothing has changed.
static void store_if_changed(struct sim_object *object, struct json_object *tree)
{
	if (json_object_equal(tree, object->now->tree)) {
		json_object_put(tree);
		return;
	}
	cs_tree_own(tree, "metadata");
	(void)sim_store_put(object->now->collection, object->now->key, tree);
}

static struct json_object *controller_reference(struct json_object *owner)
{
	struct json_object *reference = json_object_new_object();
	static const char *const copied[] = { "apiVersion", "kind" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(copied); i++)
		cs_tree_set_string(reference, copied[i], cs_tree_string(owner, copied[i]));
	cs_tree_set_string(reference, "name", cs_value_string_at(owner, "metadata.name"));
	cs_tree_set_string(reference, "uid", cs_value_string_at(owner, "metadata.uid"));
	cs_tree_set_bool(reference, "controller", true);
	cs_tree_set_bool(reference, "blockOwnerDeletion", true);
	struct json_object *list = json_object_new_array();
	json_object_array_add(list, reference);
	return list;
}

static struct sim_owner *owner_of(struct cs_sim *sim, const struct sim_object *object)
{
	return sim_store_owner(&sim->store, cs_value_string_at(object->now->tree, "metadata.uid"));
}

static void copy_member(struct json_object *from, struct json_object *to, const char *key)
{
	struct json_object *value = cs_tree_get(from, key);
	if (value)
		cs_tree_set(to, key, json_object_get(value));
}

// ---- ReplicaSets ----

struct pod_counts {
	int64_t active;
	int64_t ready;
};

static bool pod_ready(struct json_object *tree)
{
	struct json_object *conditions = cs_value_at(tree, "status.conditions");
	if (!json_object_is_type(conditions, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(conditions); i++) {
		struct json_object *one = json_object_array_get_idx(conditions, i);
		if (cs_string_equal(cs_tree_string(one, "type"), "Ready"))
			return cs_string_equal(cs_tree_string(one, "status"), "True");
	}
	return false;
}

static bool pod_active(struct json_object *tree)
{
	const char *phase = cs_value_string_at(tree, "status.phase");
	return !cs_value_at(tree, "metadata.deletionTimestamp") &&
	       !cs_string_equal(phase, "Succeeded") && !cs_string_equal(phase, "Failed");
}

static struct pod_counts count_pods(const struct sim_owner *owner)
{
	struct pod_counts counts = { 0 };
	if (!owner)
		return counts;
	CS_LIST_FOR_EACH (link, &owner->dependents) {
		struct json_object *tree =
			CS_CONTAINER_OF(link, struct sim_object, owner_link)->now->tree;
		if (!pod_active(tree))
			continue;
		counts.active++;
		counts.ready += pod_ready(tree);
	}
	return counts;
}

static void create_pod(struct cs_sim *sim, const struct sim_object *set)
{
	struct json_object *tree = set->now->tree;
	struct json_object *template = cs_value_at(tree, "spec.template");
	CS_AUTO_VALUE struct json_object *pod = json_object_new_object();
	cs_tree_set_string(pod, "kind", "Pod");
	cs_tree_set_string(pod, "apiVersion", "v1");
	struct json_object *metadata = cs_tree_own(pod, "metadata");
	char prefix[260];
	(void)snprintf(prefix, sizeof(prefix), "%s-", sim_key_name(set->now->key));
	cs_tree_set_string(metadata, "generateName", prefix);
	copy_member(cs_tree_get(template, "metadata"), metadata, "labels");
	copy_member(cs_tree_get(template, "metadata"), metadata, "annotations");
	cs_tree_set(metadata, "ownerReferences", controller_reference(tree));
	copy_member(template, pod, "spec");
	create(sim, SIM_PODS, cs_value_string_at(tree, "metadata.namespace"), pod);
}

// Pods that are on no node yet go first.
static void delete_pods(struct cs_sim *sim, const struct sim_owner *owner, int64_t count)
{
	for (int bound = 0; bound < 2; bound++) {
		CS_LIST_FOR_EACH (link, &owner->dependents) {
			struct sim_object *pod =
				CS_CONTAINER_OF(link, struct sim_object, owner_link);
			const char *node = cs_value_string_at(pod->now->tree, "spec.nodeName");
			bool has_node = node && *node;
			if (!pod_active(pod->now->tree) || has_node != (bound == 1))
				continue;
			delete_object(sim, pod);
			if (--count == 0)
				return;
		}
	}
}

static void set_replica_set_status(struct sim_object *set, const struct pod_counts *counts)
{
	struct json_object *tree = cs_tree_copy(set->now->tree);
	struct json_object *status = cs_tree_own(tree, "status");
	cs_tree_set_int(status, "replicas", counts->active);
	cs_tree_set_int(status, "fullyLabeledReplicas", counts->active);
	cs_tree_set_int(status, "readyReplicas", counts->ready);
	cs_tree_set_int(status, "availableReplicas", counts->ready);
	cs_tree_set_int(status, "observedGeneration",
			cs_tree_int(cs_tree_get(tree, "metadata"), "generation", 0));
	store_if_changed(set, tree);
}

static void sync_replica_set(struct cs_sim *sim, const char *key)
{
	struct sim_object *set = sim_store_find(sim_store_at(&sim->store, SIM_REPLICASETS), key);
	if (!set || cs_value_at(set->now->tree, "metadata.deletionTimestamp"))
		return;
	int64_t wanted = cs_tree_int(cs_tree_get(set->now->tree, "spec"), "replicas", 1);
	struct pod_counts counts = count_pods(owner_of(sim, set));
	int64_t missing = wanted - counts.active;
	for (int64_t i = 0; i < missing && i < CHUNK; i++)
		create_pod(sim, set);
	if (missing < 0)
		delete_pods(sim, owner_of(sim, set), -missing < CHUNK ? -missing : CHUNK);
	counts = count_pods(owner_of(sim, set));
	set_replica_set_status(set, &counts);
	if (counts.active != wanted)
		sim_queue_add(sim, &sim->replica_sets, key);
}

// ---- Deployments ----

// Ten characters of the alphabet of generated names, as upstream encodes its hash.
static void template_hash(struct json_object *template, char out[16])
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, SIM_OBJECT_MAX);
	struct cs_json_writer json;
	cs_json_init(&json, &text);
	cs_value_write(template, &json);
	uint64_t hash = cs_hash(text.data, text.size, 0);
	for (int i = 0; i < 10; i++) {
		out[i] = letters[hash % (sizeof(letters) - 1)];
		hash /= sizeof(letters) - 1;
	}
	out[10] = 0;
}

static void add_hash(struct json_object *object, const char *labels_key, const char *hash)
{
	cs_tree_set_string(cs_tree_own(object, labels_key), "pod-template-hash", hash);
}

static void create_replica_set(struct cs_sim *sim, const struct sim_object *deployment,
			       const char *name, const char *hash)
{
	struct json_object *tree = deployment->now->tree;
	struct json_object *spec = cs_tree_get(tree, "spec");
	CS_AUTO_VALUE struct json_object *set = json_object_new_object();
	cs_tree_set_string(set, "kind", "ReplicaSet");
	cs_tree_set_string(set, "apiVersion", "apps/v1");
	struct json_object *metadata = cs_tree_own(set, "metadata");
	cs_tree_set_string(metadata, "name", name);
	copy_member(cs_value_at(spec, "template.metadata"), metadata, "labels");
	add_hash(metadata, "labels", hash);
	cs_tree_set_string(cs_tree_own(metadata, "annotations"),
			   "deployment.kubernetes.io/revision", "1");
	cs_tree_set(metadata, "ownerReferences", controller_reference(tree));
	struct json_object *set_spec = cs_tree_own(set, "spec");
	copy_member(spec, set_spec, "replicas");
	copy_member(spec, set_spec, "selector");
	add_hash(cs_tree_own(set_spec, "selector"), "matchLabels", hash);
	copy_member(spec, set_spec, "template");
	add_hash(cs_tree_own(cs_tree_own(set_spec, "template"), "metadata"), "labels", hash);
	create(sim, SIM_REPLICASETS, cs_value_string_at(tree, "metadata.namespace"), set);
}

static void scale_replica_set(struct sim_object *set, int64_t replicas)
{
	struct json_object *tree = cs_tree_copy(set->now->tree);
	struct json_object *spec = cs_tree_own(tree, "spec");
	if (cs_tree_int(spec, "replicas", 1) != replicas) {
		struct json_object *metadata = cs_tree_own(tree, "metadata");
		cs_tree_set_int(spec, "replicas", replicas);
		cs_tree_set_int(metadata, "generation", cs_tree_int(metadata, "generation", 0) + 1);
	}
	store_if_changed(set, tree);
}

struct deployment_counts {
	int64_t replicas;
	int64_t updated;
	int64_t ready;
};

// Brings the replica sets to their sizes and counts their pods; false when the new one is missing.
static bool scale_replica_sets(struct cs_sim *sim, const struct sim_object *deployment,
			       const char *new_key, int64_t wanted,
			       struct deployment_counts *counts)
{
	struct sim_owner *owner = owner_of(sim, deployment);
	bool found = false;
	if (!owner)
		return false;
	CS_LIST_FOR_EACH (link, &owner->dependents) {
		struct sim_object *set = CS_CONTAINER_OF(link, struct sim_object, owner_link);
		if (set->now->collection->resource != &sim_resources[SIM_REPLICASETS])
			continue;
		bool newest = strcmp(set->now->key, new_key) == 0;
		found |= newest;
		scale_replica_set(set, newest ? wanted : 0);
		struct json_object *status = cs_tree_get(set->now->tree, "status");
		int64_t replicas = cs_tree_int(status, "replicas", 0);
		counts->replicas += replicas;
		counts->updated += newest ? replicas : 0;
		counts->ready += cs_tree_int(status, "readyReplicas", 0);
	}
	return found;
}

static void set_deployment_status(struct cs_sim *sim, struct sim_object *deployment, int64_t wanted,
				  const struct deployment_counts *counts)
{
	struct json_object *tree = cs_tree_copy(deployment->now->tree);
	struct json_object *status = cs_tree_own(tree, "status");
	cs_tree_set_int(status, "observedGeneration",
			cs_tree_int(cs_tree_get(tree, "metadata"), "generation", 0));
	cs_tree_set_int(status, "replicas", counts->replicas);
	cs_tree_set_int(status, "updatedReplicas", counts->updated);
	cs_tree_set_int(status, "readyReplicas", counts->ready);
	cs_tree_set_int(status, "availableReplicas", counts->ready);
	cs_tree_set_int(status, "unavailableReplicas",
			wanted > counts->ready ? wanted - counts->ready : 0);
	bool available = counts->ready >= wanted;
	bool complete = available && counts->updated == wanted && counts->replicas == wanted;
	sim_set_condition(sim, status,
			  &(struct sim_condition){
				  .type = "Available",
				  .status = available ? "True" : "False",
				  .reason = available ? "MinimumReplicasAvailable"
						      : "MinimumReplicasUnavailable",
				  .message = available ? "Deployment has minimum availability."
						       : "Deployment does not have minimum "
							 "availability." });
	sim_set_condition(sim, status,
			  &(struct sim_condition){ .type = "Progressing",
						   .status = "True",
						   .reason = complete ? "NewReplicaSetAvailable"
								      : "ReplicaSetUpdated" });
	store_if_changed(deployment, tree);
}

static void sync_deployment(struct cs_sim *sim, const char *key)
{
	struct sim_object *deployment =
		sim_store_find(sim_store_at(&sim->store, SIM_DEPLOYMENTS), key);
	if (!deployment || cs_value_at(deployment->now->tree, "metadata.deletionTimestamp"))
		return;
	struct json_object *spec = cs_tree_get(deployment->now->tree, "spec");
	int64_t wanted = cs_tree_int(spec, "replicas", 1);
	char hash[16];
	char name[300];
	char set_key[SIM_KEY_MAX];
	template_hash(cs_tree_get(spec, "template"), hash);
	(void)snprintf(name, sizeof(name), "%.253s-%s", sim_key_name(key), hash);
	(void)sim_key(cs_value_string_at(deployment->now->tree, "metadata.namespace"), name,
		      set_key);
	struct deployment_counts counts = { 0 };
	if (!scale_replica_sets(sim, deployment, set_key, wanted, &counts))
		create_replica_set(sim, deployment, name, hash);
	set_deployment_status(sim, deployment, wanted, &counts);
}

// ---- what dies with something else ----

static void sync_orphans(struct cs_sim *sim, const char *uid)
{
	for (int i = 0; i < CHUNK; i++) {
		struct sim_owner *owner = sim_store_owner(&sim->store, uid);
		if (!owner)
			return;
		struct sim_object *dependent =
			CS_CONTAINER_OF(owner->dependents.next, struct sim_object, owner_link);
		// What takes its time to die leaves the list of those to be told.
		cs_list_remove(&dependent->owner_link);
		cs_list_append(&owner->dependents, &dependent->owner_link);
		if (cs_value_at(dependent->now->tree, "metadata.deletionTimestamp"))
			return;
		delete_object(sim, dependent);
	}
	sim_queue_add(sim, &sim->orphans, uid);
}

// Deletes a chunk of what is in the namespace; true when nothing is left.
static bool empty_namespace(struct cs_sim *sim, const char *name)
{
	char prefix[SIM_KEY_MAX];
	(void)snprintf(prefix, sizeof(prefix), "%s/", name);
	int budget = CHUNK;
	bool empty = true;
	for (size_t i = 0; i < sim_resource_count && budget; i++) {
		if (!sim_resources[i].namespaced)
			continue;
		struct sim_object *next;
		for (struct sim_object *object = sim_store_seek(&sim->store.collections[i], prefix);
		     object && cs_string_prefix(object->now->key, prefix) && budget;
		     object = next) {
			next = sim_store_next(object);
			empty = false;
			if (cs_value_at(object->now->tree, "metadata.deletionTimestamp"))
				continue;
			delete_object(sim, object);
			budget--;
		}
	}
	return empty;
}

static void sync_namespace(struct cs_sim *sim, const char *name)
{
	struct sim_collection *namespaces = sim_store_at(&sim->store, SIM_NAMESPACES);
	struct sim_object *object = sim_store_find(namespaces, name);
	if (!object || !cs_value_at(object->now->tree, "metadata.deletionTimestamp"))
		return;
	if (empty_namespace(sim, name))
		sim_store_remove(namespaces, object);
	else
		sim_timer_add(sim,
			      (struct sim_timer){ .kind = SIM_TIMER_NAMESPACE,
						  .due = sim_now(sim).boot + 50 * CS_MILLISECOND,
						  .key = cs_strdup(name) });
}

void sim_event_end(struct cs_sim *sim, const struct sim_timer *timer)
{
	struct sim_object *event =
		sim_store_find(sim_store_at(&sim->store, SIM_EVENTS), timer->key);
	if (event &&
	    cs_string_equal(cs_value_string_at(event->now->tree, "metadata.uid"), timer->uid))
		sim_store_remove(event->now->collection, event);
}

void sim_workload_recheck(struct cs_sim *sim, const struct sim_timer *timer)
{
	sim_queue_add(sim, &sim->namespaces, timer->key);
}

// ---- the step ----

static bool step_queue(struct cs_sim *sim, struct sim_queue *queue,
		       void (*sync)(struct cs_sim *sim, const char *key))
{
	CS_AUTO_FREE char *key = sim_queue_take(queue);
	if (!key)
		return false;
	sync(sim, key);
	return true;
}

bool sim_workload_step(struct cs_sim *sim)
{
	int64_t begin = sim_now(sim).boot;
	if (begin < sim->next_sync)
		return false;
	bool worked = step_queue(sim, &sim->deployments, sync_deployment) ||
		      step_queue(sim, &sim->replica_sets, sync_replica_set) ||
		      step_queue(sim, &sim->orphans, sync_orphans) ||
		      step_queue(sim, &sim->namespaces, sync_namespace);
	// Counting the pods of a large set takes long; requests get most of the time.
	int64_t took = sim_now(sim).boot - begin;
	if (took > CS_MILLISECOND)
		sim->next_sync = begin + took * 4;
	return worked;
}
