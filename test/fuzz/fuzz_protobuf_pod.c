// A pod from any bytes: what we take protobuf-c takes too, and reads the same.
// Neighbours: the protobuf suite makes the same comparison on packed messages.
#include <csched/base/memory.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#include "../unit/kube/message_equal.h"
#include "fuzz.h"

static void write_and_read_again(const ProtobufCMessage *message, struct cs_arena *arena)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	CS_AUTO_FREE uint8_t *bytes = cs_alloc(size + 1);
	ProtobufCMessage *back;
	REQUIRE(protobuf_c_message_pack(message, bytes) == size);
	struct cs_slice packed = { (const char *)bytes, size };
	REQUIRE(cs_protobuf_read(message->descriptor, packed, arena, &back, NULL) == 0);
	REQUIRE(message_equal(back, message));

	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	cs_buffer_init(&text, 64 << 20);
	cs_json_init(&json, &text);
	cs_codec_write(&cs_kind_pod, message, &json);
	REQUIRE(!text.overflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	const ProtobufCMessageDescriptor *type = &kube__pod__descriptor;
	ProtobufCMessage *ours;
	struct cs_error err;
	int r = cs_protobuf_read(type, (struct cs_slice){ (const char *)data, size }, arena, &ours,
				 &err);
	if (r < 0) {
		REQUIRE(r == err.code && err.text[0]);
		return 0;
	}
	ProtobufCMessage *theirs = protobuf_c_message_unpack(type, NULL, size, data);
	REQUIRE(theirs != NULL);
	REQUIRE(message_equal(ours, theirs));
	protobuf_c_message_free_unpacked(theirs, NULL);
	write_and_read_again(ours, arena);
	return 0;
}
