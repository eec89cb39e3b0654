// The scale sub-resource: replicas of a workload as an object of its own. Neighbours: kubectl
// scale.
#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "patch.h"
#include "sim_internal.h"

static const struct cs_kind scale_kind = { .kind = "Scale",
					   .group = "autoscaling",
					   .version = "v1" };

static struct json_object *scale_of(struct json_object *tree)
{
	static const char *const copied[] = { "name", "namespace", "uid", "resourceVersion",
					      "creationTimestamp" };
	struct json_object *scale = json_object_new_object();
	cs_tree_set_string(scale, "kind", "Scale");
	cs_tree_set_string(scale, "apiVersion", "autoscaling/v1");
	struct json_object *metadata = cs_tree_own(scale, "metadata");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(copied); i++) {
		const char *value = cs_tree_string(cs_tree_get(tree, "metadata"), copied[i]);
		if (value)
			cs_tree_set_string(metadata, copied[i], value);
	}
	cs_tree_set_int(cs_tree_own(scale, "spec"), "replicas",
			cs_tree_int(cs_tree_get(tree, "spec"), "replicas", 0));
	cs_tree_set_int(cs_tree_own(scale, "status"), "replicas",
			cs_tree_int(cs_tree_get(tree, "status"), "replicas", 0));
	return scale;
}

static int find(struct sim_request *request, struct sim_object **ret)
{
	*ret = sim_store_find(request->collection, request->key);
	return *ret ? 0 : sim_status_not_found(&request->status, request->resource, request->name);
}

static void answer(struct sim_request *request, struct json_object *tree)
{
	CS_AUTO_VALUE struct json_object *scale = scale_of(tree);
	sim_answer_tree(request, 200, scale);
}

int sim_get_scale(struct sim_request *request)
{
	struct sim_object *object;
	int result = find(request, &object);
	if (!result)
		answer(request, object->now->tree);
	return result;
}

static int apply(struct sim_request *request, struct sim_object *object, struct json_object *scale)
{
	CS_AUTO_VALUE struct json_object *tree = cs_tree_copy(object->now->tree);
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	const char *version = cs_value_string_at(scale, "metadata.resourceVersion");
	if (version)
		cs_tree_set_string(metadata, "resourceVersion", version);
	cs_tree_set_int(cs_tree_own(tree, "spec"), "replicas",
			cs_tree_int(cs_tree_get(scale, "spec"), "replicas", 0));
	struct sim_write write = { .sim = request->sim,
				   .resource = request->resource,
				   .namespace_ = request->namespace_,
				   .name = request->name };
	struct sim_version *changed;
	int result = sim_object_update(&write, object, tree, &changed, &request->status);
	if (!result)
		answer(request, changed ? changed->tree : tree);
	return result;
}

int sim_update_scale(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *scale = NULL;
	struct sim_object *object;
	int result = sim_read_body(request, &scale_kind, &scale);
	if (!result)
		result = find(request, &object);
	if (!result)
		result = apply(request, object, scale);
	return result;
}

int sim_patch_scale(struct sim_request *request)
{
	CS_AUTO_VALUE struct json_object *patch = NULL;
	CS_AUTO_VALUE struct json_object *merged = NULL;
	struct sim_object *object;
	struct cs_error err;
	int result = find(request, &object);
	if (result)
		return result;
	if (cs_value_read_json(request->http->body, &patch, &err))
		return sim_status_bad(&request->status, "error decoding patch: %s", err.text);
	CS_AUTO_VALUE struct json_object *scale = scale_of(object->now->tree);
	sim_patch_merge(scale, patch, &merged);
	return apply(request, object, merged);
}
