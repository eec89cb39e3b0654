// JSON from any bytes: what is read keeps the stated limits, and writes as JSON that reads the
// same. Neighbours: fuzz_value_yaml.c reads more; json-c's tokener must take what we take.
#include <csched/base/buffer.h>
#include <csched/base/value.h>
#include <string.h>

#include "fuzz.h"

#define DEPTH_MAX 64

static unsigned depth_of(struct json_object *value)
{
	unsigned deepest = 0;
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			unsigned depth = depth_of(json_object_array_get_idx(value, i));
			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			REQUIRE(fuzz_is_utf8(key, strlen(key)));
			unsigned depth = depth_of(member);
			deepest = depth > deepest ? depth : deepest;
		}
		return deepest + 1;
	}
	if (json_object_is_type(value, json_type_string))
		REQUIRE(fuzz_is_utf8(json_object_get_string(value),
				     (size_t)json_object_get_string_len(value)));
	return 0;
}

static void write_json(struct json_object *value, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_buffer_init(out, 64 << 20);
	cs_json_init(&json, out);
	cs_value_write(value, &json);
	REQUIRE(!out->overflow);
}

static void json_c_agrees(struct cs_slice text, struct json_object *value)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX + 2);
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *theirs =
		json_tokener_parse_ex(tokener, text.data, (int)text.size + 1); // with its NUL
	REQUIRE(json_tokener_get_error(tokener) == json_tokener_success);
	REQUIRE(json_object_equal(theirs, value));
	json_object_put(theirs);
	json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_VALUE struct json_object *value = NULL, *again = NULL;
	struct cs_error err = { 0 };
	int r = cs_value_read_json((struct cs_slice){ (const char *)data, size }, &value, &err);
	if (r < 0) {
		REQUIRE(!value && r == err.code && strncmp(err.text, "line ", 5) == 0);
		return 0;
	}
	REQUIRE(depth_of(value) <= DEPTH_MAX);
	CS_AUTO_BUFFER struct cs_buffer first, second;
	write_json(value, &first);
	REQUIRE(cs_value_read_json(cs_buffer_slice(&first), &again, &err) == 0);
	write_json(again, &second);
	REQUIRE(cs_slice_equal(cs_buffer_slice(&first), cs_buffer_slice(&second)));
	json_c_agrees(cs_buffer_slice(&first), value);
	return 0;
}
