// Filling messages at random by their descriptors.
// Neighbours: message_random.h.
#include "message_random.h"

#include <csched/base/memory.h>
#include <csched/kube/api.h>
#include <stdbool.h>
#include <string.h>

struct generator {
	struct cs_random *random;
	struct cs_arena *arena;
};

static uint64_t below(struct generator *g, uint64_t n)
{
	return cs_random_below(g->random, n);
}

static char *random_text(struct generator *g)
{
	static const char *const pieces[] = {
		"a",  "b",    "Z",      "0",          "-",    ".",    "/",    " ",
		"\"", "\\",   "\n",     "\t",         "\x01", "\x7f", "{",    "}",
		"é",  "名前", "\u2028", "\U0001F600", "kube", "null", "100m", "true",
	};
	char text[64] = "";
	size_t size = 0;
	for (uint64_t n = below(g, 8); n > 0; n--) {
		const char *piece = pieces[below(g, CS_ARRAY_LENGTH(pieces))];
		memcpy(text + size, piece, strlen(piece) + 1);
		size += strlen(piece);
	}
	return cs_arena_strdup(g->arena, text);
}

static int64_t random_integer(struct generator *g)
{
	static const int64_t corners[] = { 0, 1, -1, INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN };
	uint64_t i = below(g, 2 * CS_ARRAY_LENGTH(corners));
	if (i < CS_ARRAY_LENGTH(corners))
		return corners[i];
	return (int64_t)(cs_random_next(g->random) >> below(g, 64));
}

// Never empty: protobuf-c merges an empty value that comes later as if it were not there.
static ProtobufCBinaryData random_bytes(struct generator *g)
{
	ProtobufCBinaryData bytes = { .len = 1 + below(g, 20) };
	bytes.data = cs_arena_alloc(g->arena, bytes.len);
	for (size_t i = 0; i < bytes.len; i++)
		bytes.data[i] = (uint8_t)below(g, 256);
	return bytes;
}

static ProtobufCMessage *fill(struct generator *g, const ProtobufCMessageDescriptor *descriptor);

static void fill_slot(struct generator *g, const ProtobufCFieldDescriptor *field, void *slot)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)slot = random_text(g);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)slot = fill(g, field->descriptor);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		*(ProtobufCBinaryData *)slot = random_bytes(g);
		break;
	case PROTOBUF_C_TYPE_INT32:
		*(int32_t *)slot = (int32_t)(uint32_t)(uint64_t)random_integer(g);
		break;
	case PROTOBUF_C_TYPE_INT64:
		*(int64_t *)slot = random_integer(g);
		break;
	default:
		*(protobuf_c_boolean *)slot = (int)below(g, 2);
		break;
	}
}

static void fill_list(struct generator *g, ProtobufCMessage *message,
		      const ProtobufCFieldDescriptor *field)
{
	size_t size =
		field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
	size_t n = below(g, 10) == 0 ? below(g, 20) : below(g, 4);
	char *list = cs_arena_alloc_array(g->arena, n, size);
	for (size_t i = 0; i < n; i++) {
		fill_slot(g, field, list + i * size);
		if (field->descriptor == &kube__string_entry__descriptor ||
		    field->descriptor == &kube__quantity_entry__descriptor) {
			Kube__StringEntry *entry = ((Kube__StringEntry **)(void *)list)[i];
			entry->key = cs_arena_printf(g->arena, "%s%zu", entry->key, i);
		}
	}
	*(size_t *)((char *)message + field->quantifier_offset) = n;
	*(void **)((char *)message + field->offset) = list;
}

static void fill_field(struct generator *g, ProtobufCMessage *message,
		       const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		fill_list(g, message, field);
		return;
	}
	fill_slot(g, field, (char *)message + field->offset);
	if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)((char *)message + field->quantifier_offset) = 1;
}

// Types whose fields belong together.
static void repair(struct generator *g, ProtobufCMessage *message)
{
	static const char *const quantities[] = { "0", "100m", "1.5Gi", "3e2", "8Ei", "1n" };
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	if (descriptor == &kube__quantity__descriptor) {
		((Kube__Quantity *)message)->string = cs_arena_strdup(
			g->arena, quantities[below(g, CS_ARRAY_LENGTH(quantities))]);
	} else if (descriptor == &kube__time__descriptor) {
		Kube__Time *time = (Kube__Time *)message;
		time->has_seconds = time->has_nanos = 1;
		time->seconds = (int64_t)below(g, 1ull << 36);
		time->nanos = 0;
	} else if (descriptor == &kube__micro_time__descriptor) {
		Kube__MicroTime *time = (Kube__MicroTime *)message;
		time->has_seconds = time->has_nanos = 1;
		time->seconds = (int64_t)below(g, 1ull << 36);
		time->nanos = (int32_t)below(g, 1000000) * 1000;
	} else if (descriptor == &kube__int_or_string__descriptor) {
		Kube__IntOrString *either = (Kube__IntOrString *)message;
		bool is_string = below(g, 2);
		either->has_type = 1;
		either->type = is_string;
		either->has_int_val = !is_string;
		either->str_val = is_string ? random_text(g) : NULL;
	} else if (descriptor == &kube__volume_source__descriptor) {
		Kube__VolumeSource *source = (Kube__VolumeSource *)message;
		if (!source->empty_dir)
			source->empty_dir = (Kube__Presence *)fill(g, &kube__presence__descriptor);
	}
}

static ProtobufCMessage *fill(struct generator *g, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = cs_arena_alloc(g->arena, descriptor->sizeof_message);
	bool is_entry = descriptor == &kube__string_entry__descriptor ||
			descriptor == &kube__quantity_entry__descriptor;
	// Some objects are nearly full, others nearly empty.
	uint64_t density = 1 + below(g, 4);
	descriptor->message_init(message);
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (is_entry || below(g, 4) < density)
			fill_field(g, message, &descriptor->fields[i]);
	repair(g, message);
	return message;
}

ProtobufCMessage *message_random(const ProtobufCMessageDescriptor *descriptor,
				 struct cs_random *random, struct cs_arena *arena)
{
	struct generator g = { .random = random, .arena = arena };
	return fill(&g, descriptor);
}
