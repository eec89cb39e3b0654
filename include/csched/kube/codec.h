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
// MicroTime, IntOrString are strings (or numbers); VolumeSource is inlined into Volume. Fields of
// type bytes have no JSON form here: they are neither read nor written.

// Reads a tree. Unknown members are skipped, null counts as absent; as an element of a list or a
// value of a map it is the empty value, as upstream reads it. Quantities are checked and trimmed of
// blanks; Time loses fractions of seconds, MicroTime those of microseconds. Strings are copied into
// the arena, NUL characters in them as protobuf.h says. -EINVAL with the path:
// `spec.containers[1].resources.requests.cpu: not a quantity: "1x"`.
int cs_codec_read(const ProtobufCMessageDescriptor *descriptor, struct json_object *value,
		  struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err);

struct cs_codec_reading {
	const ProtobufCMessageDescriptor *descriptor;
	struct cs_arena *arena;
	// Called for each member that Kubernetes 1.36 does not have either: a typo, or a newer
	// version's field. Nothing is said of what lies inside members that are skipped.
	void (*unknown)(void *user, const char *path);
	void *user;
};

// As cs_codec_read.
int cs_codec_read_telling(const struct cs_codec_reading *how, struct json_object *value,
			  ProtobufCMessage **ret, struct cs_error *err);

// Writes a message, fields in the order of their numbers, entries in the order of their list (of
// which equal keys are not merged); with `kind` not NULL, "kind" and "apiVersion" come first.
// Absent fields, empty lists and times without seconds are left out; present zeros and "" are
// written.
void cs_codec_write(const struct cs_kind *kind, const ProtobufCMessage *message,
		    struct cs_json_writer *json);

#endif
