// Manifests from any YAML: flattened, and decoded where the kind is known.
// Neighbours: fuzz_codec_json.c.
#include <csched/base/memory.h>
#include <csched/kube/codec.h>
#include <csched/kube/manifest.h>

#include <string.h>

#include "fuzz.h"

static void check(const struct cs_manifest_object *object, struct cs_arena *arena)
{
	REQUIRE(object->kind && object->api_version && object->line >= 0);
	REQUIRE(strcmp(cs_value_string_at(object->tree, "kind"), object->kind) == 0);
	const struct cs_kind *kind = cs_kind_find(object->api_version, object->kind);
	ProtobufCMessage *message;
	struct cs_error err;
	if (!kind || cs_codec_read(kind->descriptor, object->tree, arena, &message, &err) < 0)
		return;
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	cs_buffer_init(&text, 64 << 20);
	cs_json_init(&json, &text);
	cs_codec_write(kind, message, &json);
	REQUIRE(!text.overflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_manifest manifest;
	struct cs_error err;
	struct cs_slice text = { (const char *)data, size };
	int r = cs_manifest_read("fuzz.yaml", text, &manifest, &err);
	if (r < 0) {
		REQUIRE(r == err.code && strncmp(err.text, "fuzz.yaml: ", 11) == 0);
		return 0;
	}
	for (size_t i = 0; i < manifest.count; i++)
		check(&manifest.objects[i], arena);
	cs_manifest_finish(&manifest);
	return 0;
}
