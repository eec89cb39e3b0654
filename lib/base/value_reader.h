// What the JSON and the YAML reader share. Private to base.
// Neighbours: value_json.c, value_yaml.c, value.c.
#ifndef CSCHED_BASE_VALUE_READER_H
#define CSCHED_BASE_VALUE_READER_H

#include <csched/base/value.h>
#include <stdbool.h>
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

// A listener at work on one document.
struct cs_value_sink {
	const struct cs_value_listener *listener;
	void *user;
	size_t n_taken; // items of this document
	size_t n_told;  // so many that come next were taken before: the text is read again
	bool full;      // one was not taken: the rest is not offered
	bool ended;     // the listener returned an error: words of others do not count
};

// Offers an item that began on that line: 1 = taken, 0 = it belongs into the document, < 0.
int cs_value_offer(struct cs_value_sink *sink, struct json_object *item, int line,
		   struct cs_error *err);

struct cs_value_place {
	size_t at; // byte
	int line;  // of it, from 1
};

// Reads the JSON value that begins there, and moves the place behind it and the white space that
// follows. The root's items are offered to the sink. An error leaves the place as it was.
int cs_value_read_json_next(struct cs_slice text, struct cs_value_place *place,
			    struct cs_value_sink *sink, struct json_object **ret,
			    struct cs_error *err);

void cs_value_set_line(struct json_object *value, int line);

#endif
