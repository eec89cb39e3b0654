// create, update, patch and delete as requests. Neighbours: object.c does it, patch.c merges.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "list_options.h"
#include "patch.h"
#include "sim_internal.h"

static struct sim_write write_of(const struct sim_request *request)
{
	return (struct sim_write){
		.sim = request->sim,
		.resource = sim_store_collection(&request->sim->store, request->resource)->resource,
		.namespace_ = request->namespace_,
		.name = request->name,
		.status_only = strcmp(request->subresource, "status") == 0,
	};
}

// The body in the form in which it is stored.
static int read_object(struct sim_request *request, struct json_object **ret)
{
	CS_AUTO_VALUE struct json_object *body = NULL;
	int result = sim_read_body(request, NULL, &body);
	if (!result)
		*ret = sim_unview(request->resource, body);
	return result;
}

int sim_create(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct sim_object *object;
	struct sim_write write = write_of(request);
	int result = read_object(request, &tree);
	if (!result)
		result = sim_object_create(&write, tree, &object, &request->status);
	if (!result)
		sim_answer_version(request, 201, object->now);
	return result;
}

// ---- update ----

static int check_name(struct sim_request *request, struct json_object *tree)
{
	struct json_object *metadata = cs_tree_get(tree, "metadata");
	const char *name = cs_tree_string(metadata, "name");
	const char *namespace_ = cs_tree_string(metadata, "namespace");
	if (!name || !*name)
		return sim_status_bad(
			&request->status,
			"the name of the object (%s based on URL) was undeterminable: "
			"name must be provided",
			request->name);
	if (strcmp(name, request->name) != 0)
		return sim_status_bad(&request->status,
				      "the name of the object (%s) does not match the name on the "
				      "URL (%s)",
				      name, request->name);
	if (namespace_ && *namespace_ && strcmp(namespace_, request->namespace_) != 0)
		return sim_status_bad(
			&request->status,
			"the namespace of the object (%s) does not match the namespace "
			"on the URL (%s)",
			namespace_, request->namespace_);
	return 0;
}

static int need_version(struct sim_request *request, struct json_object *tree)
{
	const char *version = cs_value_string_at(tree, "metadata.resourceVersion");
	if (!request->resource->needs_version || (version && *version))
		return 0;
	request->status = (struct sim_status){ 0 };
	sim_status_cause(&request->status, "FieldValueInvalid", "metadata.resourceVersion",
			 "0x0: must be specified for an update");
	return sim_status_invalid(&request->status, request->resource->group,
				  request->resource->kind, request->name);
}

// Answers with what holds now; what died by the change is shown as it was sent.
static void answer_update(struct sim_request *request, struct sim_version *version,
			  struct json_object *tree)
{
	if (version)
		sim_answer_version(request, 200, version);
	else
		sim_answer_tree(request, 200, tree);
}

int sim_update(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct sim_write write = write_of(request);
	struct sim_version *version;
	int result = read_object(request, &tree);
	if (!result)
		result = check_name(request, tree);
	if (result)
		return result;
	struct sim_object *object = sim_store_find(request->collection, request->key);
	if (!object && request->resource->created_by_update && !write.status_only) {
		struct sim_object *fresh;
		result = sim_object_create(&write, tree, &fresh, &request->status);
		if (!result)
			sim_answer_version(request, 201, fresh->now);
		return result;
	}
	if (!object)
		return sim_status_not_found(&request->status, write.resource, request->name);
	result = need_version(request, tree);
	if (!result)
		result = sim_object_update(&write, object, tree, &version, &request->status);
	if (!result)
		answer_update(request, version, tree);
	return result;
}

// ---- patch ----

enum patch_type { PATCH_MERGE, PATCH_STRATEGIC };

static int read_patch(struct sim_request *request, enum patch_type *ret_type,
		      struct json_object **ret)
{
	const char *type = cs_http_request_header(request->http, "Content-Type");
	size_t length = type ? strcspn(type, "; ") : 0;
	struct cs_slice media = { type, length };
	struct cs_error err;
	if (cs_slice_equal(media, CS_SLICE("application/merge-patch+json"))) {
		*ret_type = PATCH_MERGE;
	} else if (cs_slice_equal(media, CS_SLICE("application/strategic-merge-patch+json"))) {
		*ret_type = PATCH_STRATEGIC;
	} else {
		(void)sim_status_fail(&request->status, 415, "UnsupportedMediaType",
				      "415: Unsupported Media Type");
		request->status.has_details = true;
		return -1;
	}
	if (cs_value_read_json(request->http->body, ret, &err))
		return sim_status_bad(&request->status, "error decoding patch: %s", err.text);
	if (!json_object_is_type(*ret, json_type_object))
		return sim_status_bad(&request->status, "error decoding patch: not an object");
	return 0;
}

static int apply_patch(struct sim_request *request, enum patch_type type,
		       struct json_object *target, struct json_object *patch,
		       struct json_object **ret)
{
	struct cs_error err;
	if (type == PATCH_MERGE) {
		sim_patch_merge(target, patch, ret);
		return 0;
	}
	if (sim_patch_strategic(target, patch, ret, &err))
		return sim_status_bad(&request->status, "%s", err.text);
	return 0;
}

int sim_patch(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *patch = NULL;
	CS_AUTO_VALUE struct json_object *merged = NULL;
	CS_AUTO_VALUE struct json_object *tree = NULL;
	enum patch_type type;
	struct sim_write write = write_of(request);
	int result = read_patch(request, &type, &patch);
	if (result)
		return result;
	struct sim_object *object = sim_store_find(request->collection, request->key);
	if (!object)
		return sim_status_not_found(&request->status, write.resource, request->name);
	CS_AUTO_VALUE struct json_object *view = sim_view(request->resource, object->now->tree);
	result = apply_patch(request, type, view, patch, &merged);
	if (result)
		return result;
	tree = sim_unview(request->resource, merged);
	const char *name = cs_value_string_at(tree, "metadata.name");
	if (!cs_string_equal(name, request->name))
		return sim_status_bad(&request->status,
				      "the name of the object (%s) does not match the name on the "
				      "URL (%s)",
				      name ? name : "", request->name);
	struct sim_version *version;
	result = sim_object_update(&write, object, tree, &version, &request->status);
	if (!result)
		answer_update(request, version, tree);
	return result;
}

// ---- delete ----

static int read_delete_options(struct sim_request *request, struct json_object **ret_body,
			       struct sim_delete_options *ret)
{
	struct cs_error err;
	*ret = (struct sim_delete_options){ .grace = -1 };
	struct json_object *body = NULL;
	if (request->http->body.size && cs_value_read_json(request->http->body, &body, &err))
		return sim_status_bad(
			&request->status,
			"the object provided is unrecognized (must be of type "
			"DeleteOptions): couldn't get version/kind; json parse error: %s",
			err.text);
	*ret_body = body;
	const char *grace = sim_query(request, "gracePeriodSeconds");
	ret->grace = cs_tree_int(body, "gracePeriodSeconds", grace ? strtoll(grace, NULL, 10) : -1);
	struct json_object *preconditions = cs_tree_get(body, "preconditions");
	ret->uid = cs_tree_string(preconditions, "uid");
	ret->resource_version = cs_tree_string(preconditions, "resourceVersion");
	const char *policy = cs_tree_string(body, "propagationPolicy");
	if (!policy)
		policy = sim_query(request, "propagationPolicy");
	ret->orphan = cs_string_equal(policy, "Orphan") || cs_tree_bool(body, "orphanDependents");
	return 0;
}

static void answer_deleted(struct sim_request *request, struct sim_version *last)
{
	struct sim_status status = { .code = 200, .has_details = true };
	(void)snprintf(status.name, sizeof(status.name), "%s", request->name);
	status.kind = request->resource->name;
	status.group = request->resource->group;
	const char *uid = cs_value_string_at(last->tree, "metadata.uid");
	(void)snprintf(status.uid, sizeof(status.uid), "%s", uid ? uid : "");
	sim_answer_status(request, &status);
}

int sim_delete(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *body = NULL;
	struct sim_delete_options options;
	struct sim_deletion deletion;
	int result = read_delete_options(request, &body, &options);
	if (result)
		return result;
	struct sim_object *object = sim_store_find(request->collection, request->key);
	if (!object)
		return sim_status_not_found(&request->status, request->resource, request->name);
	result = sim_object_delete(request->sim, object, &options, &deletion, &request->status);
	if (result)
		return result;
	if (deletion.gone && !request->resource->returns_deleted)
		answer_deleted(request, deletion.last);
	else
		sim_answer_version(request, 200, deletion.last);
	sim_version_unref(deletion.last);
	return 0;
}

static void delete_all(struct sim_request *request, const struct sim_delete_options *options,
		       struct sim_snapshot *snapshot)
{
	struct sim_status ignored;
	for (size_t i = 0; i < snapshot->count; i++) {
		struct sim_object *object =
			sim_store_find(request->collection, snapshot->versions[i]->key);
		struct sim_deletion deletion;
		if (object &&
		    sim_object_delete(request->sim, object, options, &deletion, &ignored) == 0)
			sim_version_unref(deletion.last);
	}
}

int sim_delete_collection(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *body = NULL;
	struct sim_delete_options options;
	struct sim_list_options list;
	int result = read_delete_options(request, &body, &options);
	if (!result)
		result = sim_list_options_read(request, &list);
	if (result)
		return result;
	struct sim_snapshot snapshot;
	result = sim_list_select(request, &list, &snapshot);
	if (!result) {
		struct sim_list_info info = { .rv = request->sim->store.rv, .remaining = -1 };
		delete_all(request, &options, &snapshot);
		request->response->content_type = sim_content_type(request->format);
		sim_encode_list(request->resource, request->format, &snapshot, &info,
				&request->response->body);
		sim_snapshot_finish(&snapshot);
	}
	sim_selector_finish(&list.selector);
	return result;
}
