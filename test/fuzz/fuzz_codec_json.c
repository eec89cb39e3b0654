// API objects from any JSON: what is read is written as JSON that reads and writes the same.
// Neighbours: fuzz_manifest.c comes through YAML.
#include <csched/base/memory.h>
#include <csched/kube/api.h>
#include <csched/kube/codec.h>

#include "fuzz.h"

static void write_json(const ProtobufCMessage *message, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_buffer_init(out, 64 << 20);
	cs_json_init(&json, out);
	cs_codec_write(NULL, message, &json);
	REQUIRE(!out->overflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	CS_AUTO_VALUE struct json_object *tree = NULL, *again = NULL;
	struct cs_error err;
	if (cs_value_read_json((struct cs_slice){ (const char *)data, size }, &tree, &err) < 0)
		return 0;
	const struct cs_kind *kind = cs_kind_find(cs_value_string_at(tree, "apiVersion"),
						  cs_value_string_at(tree, "kind"));
	const ProtobufCMessageDescriptor *type = kind ? kind->descriptor : &kube__pod__descriptor;
	ProtobufCMessage *message;
	int r = cs_codec_read(type, tree, arena, &message, &err);
	if (r < 0) {
		REQUIRE(r == err.code && err.text[0]);
		return 0;
	}
	CS_AUTO_BUFFER struct cs_buffer first, second;
	write_json(message, &first);
	REQUIRE(cs_value_read_json(cs_buffer_slice(&first), &again, &err) == 0);
	REQUIRE(cs_codec_read(type, again, arena, &message, &err) == 0);
	write_json(message, &second);
	REQUIRE(cs_slice_equal(cs_buffer_slice(&first), cs_buffer_slice(&second)));
	return 0;
}
