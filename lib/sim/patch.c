// JSON merge patch and strategic merge patch. Neighbours: patch.h.
#include "patch.h"

#include <errno.h>
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

// ---- RFC 7386 ----

void sim_patch_merge(struct json_object *target, struct json_object *patch,
		     struct json_object **ret)
{
	if (!json_object_is_type(patch, json_type_object)) {
		*ret = json_object_get(patch);
		return;
	}
	struct json_object *merged = json_object_is_type(target, json_type_object)
					     ? cs_tree_copy(target)
					     : json_object_new_object();
	json_object_object_foreach(patch, key, value)
	{
		if (!value) {
			cs_tree_remove(merged, key);
			continue;
		}
		struct json_object *member;
		sim_patch_merge(cs_tree_get(merged, key), value, &member);
		cs_tree_set(merged, key, member);
	}
	*ret = merged;
}

// ---- merge keys: the patchMergeKey tags of k8s.io/api, by the name of the list ----

static const struct {
	const char *list;
	const char *keys[2]; // the first that the elements have
} merge_keys[] = {
	{ "containers", { "name" } },
	{ "initContainers", { "name" } },
	{ "ephemeralContainers", { "name" } },
	{ "env", { "name" } },
	{ "ports", { "containerPort", "port" } }, // of containers and of services
	{ "volumes", { "name" } },
	{ "volumeMounts", { "mountPath" } },
	{ "volumeDevices", { "devicePath" } },
	{ "imagePullSecrets", { "name" } },
	{ "secrets", { "name" } },
	{ "hostAliases", { "ip" } },
	{ "topologySpreadConstraints", { "topologyKey" } },
	{ "schedulingGates", { "name" } },
	{ "resourceClaims", { "name" } },
	{ "conditions", { "type" } },
	{ "addresses", { "type" } },
	{ "podIPs", { "ip" } },
	{ "hostIPs", { "ip" } },
	{ "ownerReferences", { "uid" } },
};

static const char *merge_key(const char *list, struct json_object *element)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(merge_keys); i++) {
		if (strcmp(merge_keys[i].list, list) != 0)
			continue;
		for (size_t k = 0; k < CS_ARRAY_LENGTH(merge_keys[i].keys); k++)
			if (merge_keys[i].keys[k] && cs_tree_get(element, merge_keys[i].keys[k]))
				return merge_keys[i].keys[k];
	}
	return NULL;
}

static bool merges_primitives(const char *list)
{
	return strcmp(list, "finalizers") == 0;
}

static bool same_key(struct json_object *a, struct json_object *b, const char *key)
{
	struct json_object *left = cs_tree_get(a, key);
	return left && json_object_equal(left, cs_tree_get(b, key));
}

static const char *directive(struct json_object *patch)
{
	return cs_tree_string(patch, "$patch");
}

// ---- lists ----

static void delete_element(struct json_object *list, struct json_object *like, const char *key)
{
	for (size_t i = json_object_array_length(list); i-- > 0;)
		if (same_key(json_object_array_get_idx(list, i), like, key))
			json_object_array_del_idx(list, i, 1);
}

static int merge_element(struct json_object *list, struct json_object *patch, const char *key,
			 struct cs_error *err)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *old = json_object_array_get_idx(list, i);
		if (!same_key(old, patch, key))
			continue;
		struct json_object *merged;
		int result = sim_patch_strategic(old, patch, &merged, err);
		if (!result)
			json_object_array_put_idx(list, i, merged);
		return result;
	}
	struct json_object *fresh;
	int result = sim_patch_strategic(NULL, patch, &fresh, err);
	if (!result)
		json_object_array_add(list, fresh);
	return result;
}

static bool contains(struct json_object *list, struct json_object *value)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (json_object_equal(json_object_array_get_idx(list, i), value))
			return true;
	return false;
}

static struct json_object *as_list(struct json_object *value)
{
	return json_object_is_type(value, json_type_array) ? cs_tree_copy(value)
							   : json_object_new_array();
}

static bool replaces(struct json_object *patch)
{
	for (size_t i = 0; i < json_object_array_length(patch); i++)
		if (cs_string_equal(directive(json_object_array_get_idx(patch, i)), "replace"))
			return true;
	return false;
}

// The elements of the patch alone, without those that carry only a directive.
static struct json_object *replaced_list(struct json_object *patch)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(patch); i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		if (!directive(element))
			json_object_array_add(list, json_object_get(element));
	}
	return list;
}

static int merge_list(const char *name, struct json_object *target, struct json_object *patch,
		      struct json_object **ret, struct cs_error *err)
{
	if (replaces(patch)) {
		*ret = replaced_list(patch);
		return 0;
	}
	size_t n = json_object_array_length(patch);
	const char *key = n ? merge_key(name, json_object_array_get_idx(patch, 0)) : NULL;
	if (!key && !merges_primitives(name)) {
		*ret = json_object_get(patch);
		return 0;
	}
	CS_AUTO_VALUE struct json_object *list = as_list(target);
	for (size_t i = 0; i < n; i++) {
		struct json_object *element = json_object_array_get_idx(patch, i);
		if (!key) {
			if (!contains(list, element))
				json_object_array_add(list, json_object_get(element));
			continue;
		}
		const char *own_key = merge_key(name, element);
		if (!own_key)
			return cs_error_set(err, -EINVAL,
					    "map: does not contain declared merge key: %s", key);
		if (cs_string_equal(directive(element), "delete")) {
			delete_element(list, element, own_key);
			continue;
		}
		int result = merge_element(list, element, own_key, err);
		if (result)
			return result;
	}
	*ret = CS_TAKE(list);
	return 0;
}

// ---- directives that stand beside a list ----

#define ORDER_PREFIX  "$setElementOrder/"
#define DELETE_PREFIX "$deleteFromPrimitiveList/"

// Where an element stands in a list of elements or of their keys; the list's length when it does
// not.
static size_t position(const char *name, struct json_object *list, struct json_object *element)
{
	size_t n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *key = merge_key(name, one);
		if (key ? same_key(element, one, key) : json_object_equal(element, one))
			return i;
	}
	return n;
}

// Moves the elements that `order` mentions into `ret_mentioned`, in its order, the others into
// `ret_others`.
static void split(const char *name, struct json_object *list, struct json_object *order,
		  struct json_object *ret_mentioned, struct json_object *ret_others)
{
	size_t n = json_object_array_length(order);
	for (size_t rank = 0; rank <= n; rank++) {
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *element = json_object_array_get_idx(list, i);
			if (position(name, order, element) == rank)
				json_object_array_add(rank < n ? ret_mentioned : ret_others,
						      json_object_get(element));
		}
	}
}

// As upstream's mergeSortedSlice: an element that the patch does not mention stays in front of one
// that it does only where both were there before in that order; so what is new comes early.
static void apply_order(const char *name, struct json_object *merged, struct json_object *before,
			struct json_object *order)
{
	struct json_object *list = cs_tree_get(merged, name);
	CS_AUTO_VALUE struct json_object *mentioned = json_object_new_array();
	CS_AUTO_VALUE struct json_object *others = json_object_new_array();
	struct json_object *sorted = json_object_new_array();
	split(name, list, order, mentioned, others);
	size_t n_before = before ? json_object_array_length(before) : 0;
	size_t m = 0;
	size_t o = 0;
	while (json_object_array_length(sorted) < json_object_array_length(list)) {
		struct json_object *left = json_object_array_get_idx(others, o);
		struct json_object *right = json_object_array_get_idx(mentioned, m);
		size_t at_left = left && before ? position(name, before, left) : n_before;
		size_t at_right = right && before ? position(name, before, right) : n_before;
		bool keep = left && (!right || (at_left < at_right && at_right < n_before));
		json_object_array_add(sorted, json_object_get(keep ? left : right));
		*(keep ? &o : &m) += 1;
	}
	cs_tree_set(merged, name, sorted);
}

// The order that a patch gives the list `name`: its $setElementOrder, else its own.
static struct json_object *order_for(struct json_object *patch, const char *name)
{
	char directive_name[160];
	(void)snprintf(directive_name, sizeof(directive_name), ORDER_PREFIX "%s", name);
	struct json_object *order = cs_tree_get(patch, directive_name);
	return json_object_is_type(order, json_type_array) ? order : cs_tree_get(patch, name);
}

static void order_list(const char *name, struct json_object *merged, struct json_object *target,
		       struct json_object *patch)
{
	struct json_object *order = order_for(patch, name);
	if (!cs_tree_length(merged, name) || !json_object_is_type(order, json_type_array) ||
	    !json_object_array_length(order))
		return;
	const char *key = merge_key(name, json_object_array_get_idx(order, 0));
	struct json_object *own = cs_tree_get(patch, name);
	if ((!key && !merges_primitives(name)) ||
	    (json_object_is_type(own, json_type_array) && replaces(own)))
		return;
	struct json_object *before = cs_tree_get(target, name);
	apply_order(name, merged, json_object_is_type(before, json_type_array) ? before : NULL,
		    order);
}

static void delete_primitives(const char *name, struct json_object *merged,
			      struct json_object *values)
{
	if (!cs_tree_length(merged, name) || !json_object_is_type(values, json_type_array))
		return;
	struct json_object *list = cs_tree_own_array(merged, name);
	for (size_t i = json_object_array_length(list); i-- > 0;)
		if (contains(values, json_object_array_get_idx(list, i)))
			json_object_array_del_idx(list, i, 1);
}

static void retain_keys(struct json_object *merged, struct json_object *keys)
{
	CS_AUTO_VALUE struct json_object *before = cs_tree_copy(merged);
	json_object_object_foreach(before, key, value)
	{
		(void)value;
		CS_AUTO_VALUE struct json_object *name = json_object_new_string(key);
		if (!contains(keys, name))
			cs_tree_remove(merged, key);
	}
}

static void apply_directives(struct json_object *merged, struct json_object *target,
			     struct json_object *patch)
{
	json_object_object_foreach(patch, key, value)
	{
		if (cs_string_prefix(key, DELETE_PREFIX))
			delete_primitives(key + strlen(DELETE_PREFIX), merged, value);
		else if (cs_string_prefix(key, ORDER_PREFIX))
			order_list(key + strlen(ORDER_PREFIX), merged, target, patch);
		else if (json_object_is_type(value, json_type_array) && *key != '$')
			order_list(key, merged, target, patch);
		else if (strcmp(key, "$retainKeys") == 0 &&
			 json_object_is_type(value, json_type_array))
			retain_keys(merged, value);
	}
}

// ---- objects ----

static int merge_member(struct json_object *merged, const char *key, struct json_object *value,
			struct cs_error *err)
{
	struct json_object *old = cs_tree_get(merged, key);
	struct json_object *fresh = NULL;
	int result = 0;
	if (!value) {
		cs_tree_remove(merged, key);
		return 0;
	}
	if (json_object_is_type(value, json_type_object))
		result = sim_patch_strategic(old, value, &fresh, err);
	else if (json_object_is_type(value, json_type_array))
		result = merge_list(key, old, value, &fresh, err);
	else
		fresh = json_object_get(value);
	if (!result)
		cs_tree_set(merged, key, fresh);
	return result;
}

int sim_patch_strategic(struct json_object *target, struct json_object *patch,
			struct json_object **ret, struct cs_error *err)
{
	if (!json_object_is_type(patch, json_type_object))
		return cs_error_set(err, -EINVAL, "the patch is not an object");
	const char *how = directive(patch);
	bool fresh = cs_string_equal(how, "replace") || cs_string_equal(how, "delete") ||
		     !json_object_is_type(target, json_type_object);
	CS_AUTO_VALUE struct json_object *merged =
		fresh ? json_object_new_object() : cs_tree_copy(target);
	json_object_object_foreach(patch, key, value)
	{
		if (*key == '$' || cs_string_equal(how, "delete"))
			continue;
		int result = merge_member(merged, key, value, err);
		if (result)
			return result;
	}
	apply_directives(merged, fresh ? NULL : target, patch);
	*ret = CS_TAKE(merged);
	return 0;
}
