// Watch streams: frames, envelopes and the objects in them, from any bytes.
// Neighbours: fuzz_protobuf_pod.c compares one object with protobuf-c.
#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>

#include "fuzz.h"

static void read_object(struct cs_slice bytes, struct cs_arena *arena)
{
	Kube__Unknown unknown;
	struct cs_error err;
	ProtobufCMessage *message;
	if (cs_protobuf_read_envelope(bytes, arena, &unknown, &err) < 0) {
		REQUIRE(err.code < 0 && err.text[0]);
		return;
	}
	const Kube__TypeMeta *type = unknown.type_meta;
	const struct cs_kind *kind = type ? cs_kind_find(type->api_version, type->kind) : NULL;
	struct cs_slice raw = cs_protobuf_bytes(unknown.raw);
	if (kind)
		cs_protobuf_read(kind->descriptor, raw, arena, &message, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_slice in = { (const char *)data, size };
	struct cs_protobuf_frame frame;
	struct cs_error err;
	int r;
	while ((r = cs_protobuf_next_frame(in, &frame, &err)) == 1) {
		REQUIRE(frame.used >= 4 && frame.used <= in.size);
		// An event without a type is one, and skipped by who reads it.
		REQUIRE(frame.type.size == 0 ||
			(frame.type.data >= in.data &&
			 frame.type.data + frame.type.size <= in.data + frame.used));
		REQUIRE(frame.object.size == 0 ||
			(frame.object.data >= in.data &&
			 frame.object.data + frame.object.size <= in.data + frame.used));
		read_object(frame.object, arena);
		in.data += frame.used;
		in.size -= frame.used;
	}
	REQUIRE(r == 0 || (r < 0 && err.code == r && err.text[0]));
	return 0;
}
