// The JSON codec: value trees to API structs and back, driven by protobuf-c's descriptors.
// Neighbours: protobuf.h for the binary format; base's value.h reads the text.
#ifndef CSCHED_KUBE_CODEC_H
#define CSCHED_KUBE_CODEC_H

#include <protobuf-c/protobuf-c.h>

#include <csched/base/arena.h>
#include <csched/base/error.h>
#include <csched/base/json_writer.h>
#include <csched/base/value.h>
#include <csched/kube/kind.h>

// Names: a field `node_name` is "nodeName" in JSON; a name that has a capital letter (hostIP) is
// taken as it is. Lists of StringEntry and QuantityEntry are JSON objects; Quantity, Time,
// MicroTime, IntOrString are strings (or numbers); VolumeSource is inlined into Volume.

// Reads a tree. Unknown members are skipped, null counts as absent. Strings are copied into the
// arena. -EINVAL with the path: "spec.containers[1].resources.requests.cpu: not a quantity".
int cs_codec_read(const ProtobufCMessageDescriptor *descriptor, struct json_object *value,
		  struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err);

// Writes a message; with `kind` not NULL, "kind" and "apiVersion" come first. Absent fields are
// left out.
void cs_codec_write(const struct cs_kind *kind, const ProtobufCMessage *message,
		    struct cs_json_writer *json);

#endif
