// Are two messages the same, field by field?
// Neighbours: the suites of protobuf and codec, the fuzz targets.
#ifndef TEST_UNIT_KUBE_MESSAGE_EQUAL_H
#define TEST_UNIT_KUBE_MESSAGE_EQUAL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <string.h>

static bool message_equal(const ProtobufCMessage *ours, const ProtobufCMessage *theirs);

// Where protobuf-c keeps a NUL byte of a string, we write 0xFF.
static bool text_equal(const char *ours, const char *theirs)
{
	if (!ours || !theirs)
		return !ours && !theirs;
	for (; *ours; ours++, theirs++)
		if (*ours != *theirs && !(*ours == (char)0xFF && *theirs == '\0'))
			return false;
	return *theirs == '\0';
}

static bool bytes_equal(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool value_equal(const ProtobufCFieldDescriptor *field, const void *a, const void *b)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return text_equal(*(char *const *)a, *(char *const *)b);
	case PROTOBUF_C_TYPE_MESSAGE:
		return message_equal(*(ProtobufCMessage *const *)a, *(ProtobufCMessage *const *)b);
	case PROTOBUF_C_TYPE_BYTES:
		return bytes_equal(a, b);
	case PROTOBUF_C_TYPE_INT64:
		return *(const int64_t *)a == *(const int64_t *)b;
	default:
		return *(const int32_t *)a == *(const int32_t *)b;
	}
}

static bool field_equal(const ProtobufCFieldDescriptor *field, const char *a, const char *b)
{
	const void *slot_a = a + field->offset, *slot_b = b + field->offset;
	const void *count_a = a + field->quantifier_offset, *count_b = b + field->quantifier_offset;
	bool pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	size_t size =
		field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		if (pointer)
			return value_equal(field, slot_a, slot_b);
		bool has_a = *(const protobuf_c_boolean *)count_a;
		bool has_b = *(const protobuf_c_boolean *)count_b;
		return has_a == has_b && (!has_a || value_equal(field, slot_a, slot_b));
	}
	size_t n = *(const size_t *)count_a;
	if (n != *(const size_t *)count_b)
		return false;
	const char *list_a = *(char *const *)slot_a, *list_b = *(char *const *)slot_b;
	for (size_t i = 0; i < n; i++)
		if (!value_equal(field, list_a + i * size, list_b + i * size))
			return false;
	return true;
}

static bool message_equal(const ProtobufCMessage *ours, const ProtobufCMessage *theirs)
{
	if (!ours || !theirs)
		return !ours && !theirs;
	if (ours->descriptor != theirs->descriptor)
		return false;
	for (unsigned i = 0; i < ours->descriptor->n_fields; i++)
		if (!field_equal(&ours->descriptor->fields[i], (const char *)ours,
				 (const char *)theirs))
			return false;
	return true;
}

#endif
