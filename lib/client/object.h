// What all API objects have in common, reached without knowing their type.
// Neighbours: mirror.c, reflector.c; kind.h promises that the first field is `metadata`.
#ifndef CSCHED_LIB_CLIENT_OBJECT_H
#define CSCHED_LIB_CLIENT_OBJECT_H

#include <csched/base/arena.h>
#include <csched/kube/api.h>
#include <csched/kube/protobuf.h>

// NULL when the object came without metadata.
static inline const Kube__ObjectMeta *cs_object_meta(const ProtobufCMessage *object)
{
	const ProtobufCFieldDescriptor *field = &object->descriptor->fields[0];
	return *(Kube__ObjectMeta *const *)(const void *)((const char *)object + field->offset);
}

// The metadata of an object of any type; NULL if not even that can be read.
static inline const Kube__ObjectMeta *cs_object_peek(struct cs_slice raw, struct cs_arena *arena)
{
	ProtobufCMessage *object = NULL;
	if (cs_protobuf_read(&kube__object__descriptor, raw, arena, &object, NULL) < 0)
		return NULL;
	return cs_object_meta(object);
}

// An empty object of that type with that metadata.
static inline ProtobufCMessage *cs_object_new(const ProtobufCMessageDescriptor *descriptor,
					      Kube__ObjectMeta *meta, struct cs_arena *arena)
{
	ProtobufCMessage *object = cs_arena_alloc(arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, object);
	*(Kube__ObjectMeta **)(void *)((char *)object + descriptor->fields[0].offset) = meta;
	return object;
}

#endif
