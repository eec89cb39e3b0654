// Protobuf as the API server speaks it: reading into an arena, writing, watch frames.
// Neighbours: codec.h does the same for JSON over the same descriptors.
#ifndef CSCHED_KUBE_PROTOBUF_H
#define CSCHED_KUBE_PROTOBUF_H

#include <protobuf-c/protobuf-c.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/kube/api.h>
#include <csched/kube/kind.h>

#define CS_PROTOBUF_DEPTH_MAX    32          // nesting of messages
#define CS_PROTOBUF_PARTS_MAX    (1u << 20)  // known fields and list elements of one object
#define CS_PROTOBUF_FRAME_MAX    (16u << 20) // bytes of one watch event
#define CS_PROTOBUF_CONTENT_TYPE "application/vnd.kubernetes.protobuf"

// Reads a bare message. Unknown fields are skipped, bytes and strings are copied into the arena; a
// message that comes twice is merged. Strings are not checked to be UTF-8 (upstream's decoder does
// not either), and a NUL byte in one becomes 0xFF, so that no string is cut short. Groups, which
// the API does not use, are refused. Errors (-EBADMSG) name message and field. Nothing is kept of
// `bytes`.
int cs_protobuf_read(const ProtobufCMessageDescriptor *descriptor, struct cs_slice bytes,
		     struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err);

// A field of type bytes; not copied.
static inline struct cs_slice cs_protobuf_bytes(ProtobufCBinaryData field)
{
	return (struct cs_slice){ (const char *)field.data, field.len };
}

// Opens the envelope: magic "k8s\0" and runtime.Unknown. ret->raw and its type_meta point into the
// arena or into `bytes`. -EBADMSG where it is not one, or where it holds something encoded or
// something else than protobuf.
int cs_protobuf_read_envelope(struct cs_slice bytes, struct cs_arena *arena, Kube__Unknown *ret,
			      struct cs_error *err);

// Appends envelope and message of that kind.
int cs_protobuf_write(const struct cs_kind *kind, const ProtobufCMessage *message,
		      struct cs_buffer *out, struct cs_error *err);

// Looks for the next complete watch frame (4-byte big-endian length, meta/v1 WatchEvent) at the
// front of `in`. 1 = ret->type ("ADDED", ...) and ret->object (the enveloped object's bytes) are
// set, both pointing into `in`, and the caller consumes ret->used bytes when it is done; an event
// that cannot be read has an empty type, `err` says why, and its object is there where that much
// could be read. 0 = not complete yet; < 0 = error: the stream is unusable.
struct cs_protobuf_frame {
	struct cs_slice type;
	struct cs_slice object; // with envelope
	size_t used;            // bytes of input the frame took
};
int cs_protobuf_next_frame(struct cs_slice in, struct cs_protobuf_frame *ret, struct cs_error *err);

#endif
