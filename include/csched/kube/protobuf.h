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
#define CS_PROTOBUF_FRAME_MAX    (16u << 20) // bytes of one watch event
#define CS_PROTOBUF_CONTENT_TYPE "application/vnd.kubernetes.protobuf"

// Reads a bare message. Unknown fields are skipped, bytes and strings are copied into the arena.
// Errors (-EBADMSG) name message and field. Nothing is kept of `bytes`.
int cs_protobuf_read(const ProtobufCMessageDescriptor *descriptor, struct cs_slice bytes,
		     struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err);

// Opens the envelope: magic "k8s\0" and runtime.Unknown. ret->raw and its type_meta point into the
// arena or into `bytes`. -EBADMSG where it is not one.
int cs_protobuf_read_envelope(struct cs_slice bytes, struct cs_arena *arena, Kube__Unknown *ret,
			      struct cs_error *err);

// Appends envelope and message of that kind.
int cs_protobuf_write(const struct cs_kind *kind, const ProtobufCMessage *message,
		      struct cs_buffer *out, struct cs_error *err);

// Takes the next complete watch frame (4-byte big-endian length, meta/v1 WatchEvent) off the front
// of `in`. 1 = *ret_type ("ADDED", ...) and *ret_object (the enveloped object's bytes, pointing
// into in->data from *ret_used on) are set, and the caller consumes *ret_used bytes when it is
// done; 0 = not complete yet; < 0 = error: the stream is unusable.
struct cs_protobuf_frame {
	struct cs_slice type;
	struct cs_slice object; // with envelope
	size_t used;            // bytes of input the frame took
};
int cs_protobuf_next_frame(struct cs_slice in, struct cs_protobuf_frame *ret, struct cs_error *err);

#endif
