// Random API objects of any message type.
// Neighbours: the suites of protobuf and codec.
#ifndef TEST_UNIT_KUBE_MESSAGE_RANDOM_H
#define TEST_UNIT_KUBE_MESSAGE_RANDOM_H

#include <protobuf-c/protobuf-c.h>

#include <csched/base/arena.h>
#include <csched/base/random.h>

// Every field is there or not by chance, lists have up to four elements, strings any UTF-8 without
// NUL. Such an object survives JSON: quantities and times are good ones, keys of a map differ, and
// a VolumeSource is never empty.
ProtobufCMessage *message_random(const ProtobufCMessageDescriptor *descriptor,
				 struct cs_random *random, struct cs_arena *arena);

#endif
