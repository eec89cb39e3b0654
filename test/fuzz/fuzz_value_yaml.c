// YAML from any bytes: errors name a line, documents write as JSON, which is YAML and reads the
// same. Neighbours: fuzz_value_json.c; fuzz_manifest.c goes on to API objects.
#include <csched/base/buffer.h>
#include <csched/base/value.h>
#include <string.h>

#include "fuzz.h"

static void write_json(struct json_object *value, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_buffer_init(out, 64 << 20);
	cs_json_init(&json, out);
	cs_value_write(value, &json);
	REQUIRE(!out->overflow);
}

static size_t count_values(struct json_object *value)
{
	size_t count = 1;
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			count += count_values(json_object_array_get_idx(value, i));
	} else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member) count +=
			count_values(member) + (key == NULL);
	}
	return count;
}

static void check_document(struct json_object *document, size_t text_size)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	CS_AUTO_BUFFER struct cs_buffer first, second;
	struct cs_error err;
	REQUIRE(document && cs_value_line(document) >= 0);
	REQUIRE(count_values(document) <= text_size + 1 + CS_VALUE_ALIASED_MAX);
	write_json(document, &first);
	REQUIRE(cs_value_read_json(cs_buffer_slice(&first), &documents, &err) == 0);
	write_json(documents, &second);
	REQUIRE(cs_slice_equal(cs_buffer_slice(&first), cs_buffer_slice(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	struct cs_error err = { 0 };
	int r = cs_value_read_yaml((struct cs_slice){ (const char *)data, size }, &documents, &err);
	if (r < 0) {
		REQUIRE(!documents && r == err.code && strncmp(err.text, "line ", 5) == 0);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(documents); i++)
		check_document(json_object_array_get_idx(documents, i), size);
	return 0;
}
