// The binding and eviction sub-resources of pods. Neighbours: mirrors
// pkg/registry/core/pod/storage.
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

#define BINDING_RESOURCE "pods/binding"

static int check_binding(struct sim_request *request, struct json_object *binding)
{
	struct sim_status *status = &request->status;
	struct json_object *metadata = cs_tree_get(binding, "metadata");
	const char *name = cs_tree_string(metadata, "name");
	const char *namespace_ = cs_tree_string(metadata, "namespace");
	const char *kind = cs_value_string_at(binding, "target.kind");
	const char *node = cs_value_string_at(binding, "target.name");
	if (!name || strcmp(name, request->name) != 0)
		return sim_status_bad(status, "name in URL does not match name in Binding object");
	if (namespace_ && *namespace_ && strcmp(namespace_, request->namespace_) != 0)
		return sim_status_bad(status, "the namespace of the provided object does not match "
					      "the namespace sent on the request");
	if (kind && *kind && strcmp(kind, "Node") != 0 && strcmp(kind, "Minion") != 0)
		return sim_status_plain(status, 500,
					"target.kind: Unsupported value: \"%s\": supported values: "
					"\"Node\", \"<empty>\"",
					kind);
	if (!node || !*node)
		return sim_status_plain(status, 500, "target.name: Required value");
	return 0;
}

// Whether the pod may be bound, in the API server's order of checks.
static int check_pod(struct sim_request *request, struct sim_object *pod,
		     struct json_object *binding)
{
	struct sim_status *status = &request->status;
	struct json_object *tree = pod->now->tree;
	struct json_object *metadata = cs_tree_get(tree, "metadata");
	struct json_object *wanted = cs_tree_get(binding, "metadata");
	const char *uid = cs_tree_string(wanted, "uid");
	const char *version = cs_tree_string(wanted, "resourceVersion");
	if (uid && *uid && strcmp(uid, cs_tree_string(metadata, "uid")) != 0)
		return sim_status_conflict(
			status, "pods", request->name,
			"StorageError: invalid object, Code: 4, Key: /registry/pods/%s, "
			"ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
			"precondition: %s, UID in object meta: %s",
			pod->now->key, uid, cs_tree_string(metadata, "uid"));
	if (version && *version &&
	    strcmp(version, cs_tree_string(metadata, "resourceVersion")) != 0)
		return sim_status_conflict(
			status, "pods", request->name,
			"StorageError: invalid object, Code: 4, Key: /registry/pods/%s, "
			"ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
			"ResourceVersion in precondition: %s, ResourceVersion in object meta: %s",
			pod->now->key, version, cs_tree_string(metadata, "resourceVersion"));
	if (cs_tree_get(metadata, "deletionTimestamp"))
		return sim_status_conflict(status, BINDING_RESOURCE, request->name,
					   "pod %s is being deleted, cannot be assigned to a host",
					   request->name);
	const char *node = cs_value_string_at(tree, "spec.nodeName");
	if (node && *node)
		return sim_status_conflict(status, BINDING_RESOURCE, request->name,
					   "pod %s is already assigned to node \"%s\"",
					   request->name, node);
	if (cs_tree_length(cs_tree_get(tree, "spec"), "schedulingGates"))
		return sim_status_conflict(status, BINDING_RESOURCE, request->name,
					   "pod %s has non-empty .spec.schedulingGates",
					   request->name);
	return 0;
}

static void copy_strings(struct json_object *from, struct json_object *metadata, const char *key)
{
	struct json_object *strings = cs_tree_get(from, key);
	if (!json_object_is_type(strings, json_type_object))
		return;
	struct json_object *own = cs_tree_own(metadata, key);
	json_object_object_foreach(strings, name, value)
	{
		cs_tree_set(own, name, json_object_get(value));
	}
}

// Admission plugin PodTopologyLabels: the node's place becomes the pod's, before labels that the
// binding itself carries.
static void copy_topology(struct cs_sim *sim, const char *node_name, struct json_object *metadata)
{
	static const char *const keys[] = { "topology.kubernetes.io/zone",
					    "topology.kubernetes.io/region" };
	struct sim_object *node = sim_store_find(sim_store_at(&sim->store, SIM_NODES), node_name);
	if (!node)
		return;
	struct json_object *labels = cs_value_at(node->now->tree, "metadata.labels");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(keys); i++) {
		const char *value = cs_tree_string(labels, keys[i]);
		if (value)
			cs_tree_set_string(cs_tree_own(metadata, "labels"), keys[i], value);
	}
}

static void bind_pod(struct sim_request *request, struct sim_object *pod,
		     struct json_object *binding)
{
	struct cs_sim *sim = request->sim;
	const char *node = cs_value_string_at(binding, "target.name");
	struct json_object *tree = cs_tree_copy(pod->now->tree);
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	cs_tree_set_string(cs_tree_own(tree, "spec"), "nodeName", node);
	copy_strings(cs_tree_get(binding, "metadata"), metadata, "annotations");
	copy_strings(cs_tree_get(binding, "metadata"), metadata, "labels");
	copy_topology(sim, node, metadata);
	struct json_object *status = cs_tree_own(tree, "status");
	cs_tree_remove(status, "nominatedNodeName");
	sim_set_condition(sim, status,
			  &(struct sim_condition){ .type = "PodScheduled", .status = "True" });
	(void)sim_store_put(request->collection, pod->now->key, tree);
	sim->bindings++;
	if (sim->log)
		cs_log_info(sim->log, 3, "Bound", CS_LOG_STRING("pod", pod->now->key),
			    CS_LOG_STRING("node", node));
}

static void answer_success(struct sim_request *request)
{
	struct sim_status success = { .code = 201 };
	sim_answer_status(request, &success);
}

int sim_bind(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *binding = NULL;
	int result = sim_read_body(request, &cs_kind_binding, &binding);
	if (!result)
		result = check_binding(request, binding);
	if (result)
		return result;
	struct sim_object *pod = sim_store_find(request->collection, request->key);
	if (!pod)
		return sim_status_not_found(&request->status, request->resource, request->name);
	result = check_pod(request, pod, binding);
	if (result)
		return result;
	bind_pod(request, pod, binding);
	answer_success(request);
	return 0;
}

// Without disruption budgets: the pod is deleted.
int sim_evict(struct sim_request *request)
{
	struct cs_kind kind = { .kind = "Eviction", .group = "policy", .version = "v1" };
	CS_AUTO_VALUE struct json_object *body = NULL;
	int result = sim_read_body(request, &kind, &body);
	if (result)
		return result;
	struct sim_object *pod = sim_store_find(request->collection, request->key);
	if (!pod)
		return sim_status_not_found(&request->status, request->resource, request->name);
	struct sim_delete_options options = {
		.grace = cs_tree_int(cs_tree_get(body, "deleteOptions"), "gracePeriodSeconds", -1)
	};
	struct sim_deletion deletion;
	result = sim_object_delete(request->sim, pod, &options, &deletion, &request->status);
	if (result)
		return result;
	sim_version_unref(deletion.last);
	answer_success(request);
	return 0;
}
