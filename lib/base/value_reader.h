// What the JSON and the YAML reader share. Private to base.
// Neighbours: value_json.c, value_yaml.c, value.c.
#ifndef CSCHED_BASE_VALUE_READER_H
#define CSCHED_BASE_VALUE_READER_H

#include <csched/base/value.h>
#include <stdint.h>
#include <stdlib.h>

#define CS_VALUE_DEPTH_MAX 64

// json-c tells that memory is out by NULL, which in a tree means null.
static inline struct json_object *cs_value_must(struct json_object *value)
{
	if (!value)
		abort();
	return value;
}

static inline void cs_value_add(struct json_object *object, const char *key,
				struct json_object *value, unsigned options)
{
	if (json_object_object_add_ex(object, key, value, options) != 0)
		abort();
}

static inline void cs_value_append(struct json_object *array, struct json_object *value)
{
	if (json_object_array_add(array, value) != 0)
		abort();
}

// A number with a point or an exponent keeps its text, so that nothing is lost on the way back.
static inline struct json_object *cs_value_double(double v, const char *text)
{
	return cs_value_must(json_object_new_double_s(v, text));
}

// Reads one JSON value from the start of `text` and says how many bytes it took with the white
// space around it.
int cs_value_read_json_prefix(struct cs_slice text, struct json_object **ret, size_t *ret_size,
			      struct cs_error *err);

void cs_value_set_line(struct json_object *document, int line);

#endif
