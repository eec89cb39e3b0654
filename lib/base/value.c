// Walking and writing value trees.
// Neighbours: value_json.c and value_yaml.c make the trees.
#include <csched/base/value.h>

#include <csched/base/memory.h>
#include <string.h>

#include "value_reader.h"

void cs_value_set_line(struct json_object *value, int line)
{
	if (json_object_is_type(value, json_type_object))
		json_object_set_userdata(value, (void *)(intptr_t)line, NULL);
}

int cs_value_line(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_object))
		return 0;
	return (int)(intptr_t)json_object_get_userdata(value);
}

int cs_value_offer(struct cs_value_sink *sink, struct json_object *item, int line,
		   struct cs_error *err)
{
	if (!sink->listener->item)
		return 0;
	if (sink->n_told > 0) {
		sink->n_told--;
		return 1;
	}
	cs_value_set_line(item, line);
	if (sink->full)
		return 0;
	int r = sink->listener->item(sink->user, item, line, err);
	sink->n_taken += r > 0;
	sink->full = r == 0;
	sink->ended = r < 0;
	return r;
}

static struct cs_slice string_slice(struct json_object *value)
{
	return (struct cs_slice){ json_object_get_string(value),
				  (size_t)json_object_get_string_len(value) };
}

static void write_double(struct json_object *value, struct cs_json_writer *json)
{
	// Numbers that we read carry their text; a number made by a program does not.
	if (json_object_get_userdata(value))
		cs_json_raw(json, cs_slice_of(json_object_get_string(value)));
	else
		cs_json_double(json, json_object_get_double(value));
}

static void write_int(struct json_object *value, struct cs_json_writer *json)
{
	int64_t v = json_object_get_int64(value);
	if (v == INT64_MAX) // capped there when it is more
		cs_json_uint(json, json_object_get_uint64(value));
	else
		cs_json_int(json, v);
}

static void write_array(struct json_object *value, struct cs_json_writer *json)
{
	cs_json_array_begin(json);
	for (size_t i = 0; i < json_object_array_length(value); i++)
		cs_value_write(json_object_array_get_idx(value, i), json);
	cs_json_array_end(json);
}

static void write_object(struct json_object *value, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	json_object_object_foreach(value, key, member)
	{
		cs_json_key(json, key);
		cs_value_write(member, json);
	}
	cs_json_object_end(json);
}

void cs_value_write(struct json_object *value, struct cs_json_writer *json)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		cs_json_null(json);
		break;
	case json_type_boolean:
		cs_json_bool(json, json_object_get_boolean(value));
		break;
	case json_type_double:
		write_double(value, json);
		break;
	case json_type_int:
		write_int(value, json);
		break;
	case json_type_string:
		cs_json_slice(json, string_slice(value));
		break;
	case json_type_array:
		write_array(value, json);
		break;
	case json_type_object:
		write_object(value, json);
		break;
	}
}

struct json_object *cs_value_at(struct json_object *value, const char *path)
{
	char key[256];
	while (value && *path) {
		size_t length = strcspn(path, ".");
		if (length >= sizeof(key) || !json_object_is_type(value, json_type_object))
			return NULL;
		memcpy(key, path, length);
		key[length] = '\0';
		value = json_object_object_get(value, key);
		path += length + (path[length] == '.');
	}
	return value;
}

const char *cs_value_string_at(struct json_object *value, const char *path)
{
	struct json_object *found = cs_value_at(value, path);
	return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}
