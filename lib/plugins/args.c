// Reading the arguments of plugins strictly. Neighbours: args.h.
#include "args.h"

#include <errno.h>
#include <stdbool.h>

#include <csched/base/memory.h>
#include <csched/kube/selector.h>

static bool is_known(const char *name, const struct cs_args_shape *shape)
{
	for (const char *const *known = shape->known; *known; known++) {
		if (cs_string_equal(*known, name))
			return true;
	}
	return shape->path[0] == '\0' &&
	       (cs_string_equal(name, "apiVersion") || cs_string_equal(name, "kind"));
}

int cs_args_check(struct json_object *value, const struct cs_args_shape *shape,
		  struct cs_error *err)
{
	const char *dot = shape->path[0] ? "." : "";
	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_object))
		return cs_error_set(err, -EINVAL, "%s: not an object",
				    shape->path[0] ? shape->path : "args");
	json_object_object_foreach(value, name, member)
	{
		(void)member;
		if (!is_known(name, shape))
			return cs_error_set(err, -EINVAL, "%s%s%s: unknown field", shape->path, dot,
					    name);
	}
	const char *kind = shape->path[0] ? NULL : cs_value_string_at(value, "kind");
	if (kind && !cs_string_equal(kind, shape->kind))
		return cs_error_set(err, -EINVAL, "kind: \"%s\" is not \"%s\"", kind, shape->kind);
	return 0;
}

static int read_resource(struct json_object *item, const char *path, int64_t max_weight,
			 struct cs_args_resource *ret, struct cs_error *err)
{
	static const char *const known[] = { "name", "weight", NULL };
	int r = cs_args_check(item, &(struct cs_args_shape){ .path = path, .known = known }, err);
	if (r < 0)
		return r;
	const char *name = item ? cs_value_string_at(item, "name") : NULL;
	if (!name || !name[0])
		return cs_error_set(err, -EINVAL, "%s.name: a resource needs a name", path);
	struct json_object *weight = cs_value_at(item, "weight");
	if (weight && !json_object_is_type(weight, json_type_int))
		return cs_error_set(err, -EINVAL, "%s.weight: not an integer", path);
	int64_t w = weight ? json_object_get_int64(weight) : 1;
	w = w == 0 ? 1 : w;
	if (w < 1 || w > max_weight)
		return cs_error_set(err, -EINVAL,
				    "%s.weight: resource weight of %s not in valid range [1, %lld]",
				    path, name, (long long)max_weight);
	*ret = (struct cs_args_resource){ .name = cs_strdup(name), .weight = w };
	return 0;
}

static void default_resources(struct cs_args_resources *ret)
{
	ret->n = 2;
	ret->items = cs_alloc_array(2, sizeof(ret->items[0]));
	ret->items[0] = (struct cs_args_resource){ .name = cs_strdup("cpu"), .weight = 1 };
	ret->items[1] = (struct cs_args_resource){ .name = cs_strdup("memory"), .weight = 1 };
}

static int check_list(struct json_object *value, const char *path, size_t max, struct cs_error *err)
{
	if (!json_object_is_type(value, json_type_array))
		return cs_error_set(err, -EINVAL, "%s: not a list", path);
	if (json_object_array_length(value) > max)
		return cs_error_set(err, -EINVAL, "%s: more than %zu items", path, max);
	return 0;
}

int cs_args_read_resources(struct json_object *value, const char *path, int64_t max_weight,
			   struct cs_args_resources *ret, struct cs_error *err)
{
	*ret = (struct cs_args_resources){ 0 };
	int r = value ? check_list(value, path, CS_ARGS_RESOURCES_MAX, err) : 0;
	if (r < 0)
		return r;
	size_t n = value ? json_object_array_length(value) : 0;
	if (n == 0) {
		default_resources(ret);
		return 0;
	}
	ret->items = cs_alloc_array(n, sizeof(ret->items[0]));
	for (size_t i = 0; i < n; i++) {
		CS_AUTO_FREE char *at = cs_asprintf("%s[%zu]", path, i);
		r = read_resource(json_object_array_get_idx(value, i), at, max_weight,
				  &ret->items[i], err);
		if (r < 0) {
			cs_args_finish_resources(ret);
			return r;
		}
		ret->n++;
	}
	return 0;
}

void cs_args_finish_resources(struct cs_args_resources *resources)
{
	for (uint32_t i = 0; i < resources->n; i++)
		free(resources->items[i].name);
	free(resources->items);
	*resources = (struct cs_args_resources){ 0 };
}

static int read_name(struct json_object *item, char **ret, struct cs_error *err)
{
	if (!json_object_is_type(item, json_type_string))
		return cs_error_set(err, -EINVAL, "not a string");
	char *name = (char *)(uintptr_t)json_object_get_string(item);
	Kube__NodeSelectorRequirement exists = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	exists.key = name;
	exists.operator_ = (char *)(uintptr_t) "Exists";
	struct cs_requirement parsed;
	if (cs_requirement_parse(&exists, &parsed, NULL) != 0)
		return cs_error_set(err, -EINVAL, "not a name as labels have: \"%s\"", name);
	*ret = cs_strdup(name);
	return 0;
}

int cs_args_read_names(struct json_object *value, const char *path, struct cs_args_names *ret,
		       struct cs_error *err)
{
	*ret = (struct cs_args_names){ 0 };
	if (!value)
		return 0;
	int r = check_list(value, path, CS_ARGS_NAMES_MAX, err);
	if (r < 0)
		return r;
	size_t n = json_object_array_length(value);
	ret->items = cs_alloc_array(n + 1, sizeof(ret->items[0]));
	for (size_t i = 0; i < n; i++) {
		r = read_name(json_object_array_get_idx(value, i), &ret->items[i], err);
		if (r < 0) {
			cs_args_finish_names(ret);
			return cs_error_prefix(err, "%s[%zu]", path, i);
		}
		ret->n++;
	}
	return 0;
}

void cs_args_finish_names(struct cs_args_names *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct cs_args_names){ 0 };
}
