// A field's two names: node_name in the .proto, nodeName in JSON and in errors. Private to kube.
// Neighbours: codec.c and protobuf.c.
#ifndef CSCHED_KUBE_NAME_H
#define CSCHED_KUBE_NAME_H

#include <protobuf-c/protobuf-c.h>

#define CS_NAME_SIZE 64 // bytes of the longest field name with the NUL

// The JSON name of a field, written to `out`, which is returned.
const char *cs_name_json(const ProtobufCFieldDescriptor *field, char out[CS_NAME_SIZE]);

// The field of that JSON name, NULL when the message has none.
const ProtobufCFieldDescriptor *cs_name_find(const ProtobufCMessageDescriptor *descriptor,
					     const char *json_name);

#endif
