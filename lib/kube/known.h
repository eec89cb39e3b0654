// Which fields the API has that our subset of it does not. Private to kube.
// Neighbours: codec.c reads objects that have them.
#ifndef CSCHED_KUBE_KNOWN_H
#define CSCHED_KUBE_KNOWN_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

// Whether the message has such a field in Kubernetes 1.36, though not in our .proto files.
bool cs_known_field(const ProtobufCMessageDescriptor *of, const char *json_name);

#endif
