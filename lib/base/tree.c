// Editing json-c trees by sharing. Neighbours: value.c walks them; sim keeps what is made here.
#include <csched/base/tree.h>

struct json_object *cs_tree_get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, key, &value);
	return value;
}

const char *cs_tree_string(struct json_object *object, const char *key)
{
	struct json_object *value = cs_tree_get(object, key);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

int64_t cs_tree_int(struct json_object *object, const char *key, int64_t fallback)
{
	struct json_object *value = cs_tree_get(object, key);
	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : fallback;
}

bool cs_tree_bool(struct json_object *object, const char *key)
{
	struct json_object *value = cs_tree_get(object, key);
	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

size_t cs_tree_length(struct json_object *object, const char *key)
{
	struct json_object *value = cs_tree_get(object, key);
	return json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

static struct json_object *copy_object(struct json_object *value)
{
	struct json_object *copy = json_object_new_object();
	json_object_object_foreach(value, key, member)
	{
		json_object_object_add(copy, key, json_object_get(member));
	}
	return copy;
}

struct json_object *cs_tree_copy(struct json_object *value)
{
	if (json_object_is_type(value, json_type_object))
		return copy_object(value);
	if (!json_object_is_type(value, json_type_array))
		return json_object_get(value);
	size_t n = json_object_array_length(value);
	struct json_object *copy = json_object_new_array_ext((int)n);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(copy, json_object_get(json_object_array_get_idx(value, i)));
	return copy;
}

// json-c's own refuses values that carry user data, as documents read from YAML do. The depth is
// limited when trees are read.
struct json_object *cs_tree_copy_deep(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_object: {
		struct json_object *copy = json_object_new_object();
		json_object_object_foreach(value, key, member)
		{
			json_object_object_add(copy, key, cs_tree_copy_deep(member));
		}
		return copy;
	}
	case json_type_array: {
		struct json_object *copy = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(value); i++)
			json_object_array_add(
				copy, cs_tree_copy_deep(json_object_array_get_idx(value, i)));
		return copy;
	}
	case json_type_string:
		return json_object_new_string_len(json_object_get_string(value),
						  json_object_get_string_len(value));
	default:
		return json_object_get(value); // numbers and booleans are never changed
	}
}

struct json_object *cs_tree_own(struct json_object *object, const char *key)
{
	struct json_object *member = cs_tree_get(object, key);
	struct json_object *mine = json_object_is_type(member, json_type_object)
					   ? copy_object(member)
					   : json_object_new_object();
	json_object_object_add(object, key, mine);
	return mine;
}

struct json_object *cs_tree_own_array(struct json_object *object, const char *key)
{
	struct json_object *member = cs_tree_get(object, key);
	struct json_object *mine = json_object_is_type(member, json_type_array)
					   ? cs_tree_copy(member)
					   : json_object_new_array();
	json_object_object_add(object, key, mine);
	return mine;
}

void cs_tree_set(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

void cs_tree_set_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

void cs_tree_set_int(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

void cs_tree_set_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void cs_tree_remove(struct json_object *object, const char *key)
{
	json_object_object_del(object, key);
}

void cs_tree_default(struct json_object *object, const char *key, struct json_object *value)
{
	if (cs_tree_get(object, key))
		json_object_put(value);
	else
		json_object_object_add(object, key, value);
}

void cs_tree_default_string(struct json_object *object, const char *key, const char *value)
{
	const char *now = cs_tree_string(object, key);
	if (!now || !*now)
		cs_tree_set_string(object, key, value);
}

void cs_tree_default_int(struct json_object *object, const char *key, int64_t value)
{
	cs_tree_default(object, key, json_object_new_int64(value));
}

struct json_object *cs_tree_strings(const char *const *pairs)
{
	struct json_object *object = json_object_new_object();
	for (; pairs[0]; pairs += 2)
		cs_tree_set_string(object, pairs[0], pairs[1]);
	return object;
}
