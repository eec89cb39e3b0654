// Reading protobuf by descriptor into an arena, the API's envelope around it, and watch frames.
// Neighbours: codec.c does the same for JSON; protobuf-c makes the descriptors and packs.
#include <csched/kube/protobuf.h>

#include <csched/base/memory.h>
#include <errno.h>

#include "name.h"
#include "text.h"

#define FRAME_HEAD_SIZE 4 // bytes of a frame's length
#define VARINT_MAX_SIZE 10
#define SHORT_VARINT    5 // bytes of the longest tag or length

enum wire_type { WIRE_VARINT = 0, WIRE_64_BIT = 1, WIRE_BYTES = 2, WIRE_32_BIT = 5 };

static const struct cs_slice magic = { "k8s", 4 };

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

// A field as it stands on the wire.
struct wire_field {
	uint32_t number; // 0 until known
	unsigned type;
	uint64_t varint;
	struct cs_slice bytes;
};

struct reader {
	struct cs_arena *arena;
	bool borrow; // fields of type bytes point into the input
	unsigned parts;
	struct cs_error *err;
};

static struct cursor cursor_of(struct cs_slice bytes)
{
	const uint8_t *data = (const uint8_t *)bytes.data;
	return (struct cursor){ .at = data, .end = bytes.size ? data + bytes.size : data };
}

static bool take_long_varint(struct cursor *cursor, unsigned max_size, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < max_size && cursor->at < cursor->end; i++) {
		uint8_t byte = *cursor->at++;
		value |= (uint64_t)(byte & 0x7F) << (7 * i);
		if (byte < 0x80) {
			*ret = value;
			return true;
		}
	}
	return false;
}

// Tags, lengths and most values are one byte.
static inline bool take_varint(struct cursor *cursor, unsigned max_size, uint64_t *ret)
{
	if (cursor->at < cursor->end && *cursor->at < 0x80) {
		*ret = *cursor->at++;
		return true;
	}
	return take_long_varint(cursor, max_size, ret);
}

static bool take_bytes(struct cursor *cursor, uint64_t size, struct cs_slice *ret)
{
	if (size > (uint64_t)(cursor->end - cursor->at))
		return false;
	*ret = (struct cs_slice){ .data = (const char *)cursor->at, .size = (size_t)size };
	cursor->at += size;
	return true;
}

static const char *take_value(struct cursor *cursor, struct wire_field *field)
{
	uint64_t size;
	bool ok;
	switch (field->type) {
	case WIRE_VARINT:
		ok = take_varint(cursor, VARINT_MAX_SIZE, &field->varint);
		break;
	case WIRE_64_BIT:
		ok = take_bytes(cursor, 8, &field->bytes);
		break;
	case WIRE_BYTES:
		ok = take_varint(cursor, SHORT_VARINT, &size) &&
		     take_bytes(cursor, size, &field->bytes);
		break;
	case WIRE_32_BIT:
		ok = take_bytes(cursor, 4, &field->bytes);
		break;
	default:
		return "unknown wire type";
	}
	return ok ? NULL : "is cut off or has a wrong length";
}

// Takes the next field off the front. Returns what is wrong, or NULL.
static const char *take_field(struct cursor *cursor, struct wire_field *field)
{
	uint64_t tag;
	field->number = 0;
	if (!take_varint(cursor, SHORT_VARINT, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
		return "bad field tag";
	field->number = (uint32_t)(tag >> 3);
	field->type = tag & 7;
	return take_value(cursor, field);
}

static int fail(struct cs_error *err, const ProtobufCMessageDescriptor *descriptor, uint32_t number,
		const char *problem)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(descriptor, number);
	char name[CS_NAME_SIZE];
	if (number == 0)
		return cs_error_set(err, -EBADMSG, "%s: %s", descriptor->short_name, problem);
	if (!field)
		return cs_error_set(err, -EBADMSG, "%s, field %u: %s", descriptor->short_name,
				    number, problem);
	return cs_error_set(err, -EBADMSG, "%s.%s: %s", descriptor->short_name,
			    cs_name_json(field, name), problem);
}

// Fields nearly always come in ascending order: looks from where the last one was (*hint).
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
						  uint32_t number, unsigned *hint)
{
	const ProtobufCFieldDescriptor *fields = descriptor->fields;
	unsigned i = *hint;
	if (i > 0 && fields[i - 1].id >= number)
		i = 0;
	while (i < descriptor->n_fields && fields[i].id < number)
		i++;
	*hint = i;
	return i < descriptor->n_fields && fields[i].id == number ? &fields[i] : NULL;
}

static void *member_at(ProtobufCMessage *message, unsigned offset)
{
	return (char *)message + offset;
}

// Room for one more element of a list, whose capacity is 4 or else n rounded up to a power of two.
static void *append_element(struct cs_arena *arena, void **list, size_t *n, size_t size)
{
	bool full = *n == 0 || (*n >= 4 && (*n & (*n - 1)) == 0);
	if (full) {
		void *bigger = cs_arena_alloc_raw(arena, (*n == 0 ? 4 : 2 * *n) * size);
		if (*n > 0)
			memcpy(bigger, *list, *n * size);
		*list = bigger;
	}
	return (char *)*list + (*n)++ * size;
}

static size_t element_size(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
}

static ProtobufCMessage *create(const ProtobufCMessageDescriptor *descriptor,
				struct cs_arena *arena)
{
	ProtobufCMessage *message = cs_arena_alloc_raw(arena, descriptor->sizeof_message);
	descriptor->message_init(message);
	return message;
}

static ProtobufCBinaryData bytes_value(const struct reader *reader, struct cs_slice bytes)
{
	const char *data = bytes.data;
	if (!reader->borrow)
		data = cs_arena_strndup(reader->arena, data, bytes.size);
	return (ProtobufCBinaryData){ .len = bytes.size, .data = (uint8_t *)(uintptr_t)data };
}

static int read_message(struct reader *reader, ProtobufCMessage *message, struct cs_slice bytes,
			unsigned depth);

static bool is_scalar(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_INT32 || type == PROTOBUF_C_TYPE_INT64 ||
	       type == PROTOBUF_C_TYPE_BOOL;
}

static void store_scalar(const ProtobufCFieldDescriptor *field, void *slot, uint64_t value)
{
	if (field->type == PROTOBUF_C_TYPE_INT32)
		*(int32_t *)slot = (int32_t)(uint32_t)value;
	else if (field->type == PROTOBUF_C_TYPE_INT64)
		*(int64_t *)slot = (int64_t)value;
	else
		*(protobuf_c_boolean *)slot = value != 0;
}

// Stores a field that was found on the wire into its message.
static int store(struct reader *reader, ProtobufCMessage *message,
		 const ProtobufCFieldDescriptor *field, const struct wire_field *wire,
		 unsigned depth)
{
	void *slot = member_at(message, field->offset);
	unsigned expected = is_scalar(field->type) ? WIRE_VARINT : WIRE_BYTES;
	if (wire->type != expected)
		return fail(reader->err, message->descriptor, field->id, "wrong wire type");
	if (++reader->parts > CS_PROTOBUF_PARTS_MAX)
		return fail(reader->err, message->descriptor, field->id, "too many parts");
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		slot = append_element(reader->arena, slot,
				      member_at(message, field->quantifier_offset),
				      element_size(field));
	else if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)member_at(message, field->quantifier_offset) = 1;

	if (field->type == PROTOBUF_C_TYPE_STRING) {
		*(char **)slot = cs_text_copy(reader->arena, wire->bytes);
	} else if (field->type == PROTOBUF_C_TYPE_BYTES) {
		*(ProtobufCBinaryData *)slot = bytes_value(reader, wire->bytes);
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage **child = slot;
		// What comes twice is merged, unless it is a list's element.
		if (field->label == PROTOBUF_C_LABEL_REPEATED || !*child)
			*child = create(field->descriptor, reader->arena);
		return read_message(reader, *child, wire->bytes, depth + 1);
	} else {
		store_scalar(field, slot, wire->varint);
	}
	return 0;
}

static int read_message(struct reader *reader, ProtobufCMessage *message, struct cs_slice bytes,
			unsigned depth)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	struct cursor cursor = cursor_of(bytes);
	struct wire_field wire;
	unsigned hint = 0;
	if (depth >= CS_PROTOBUF_DEPTH_MAX)
		return fail(reader->err, descriptor, 0, "nested too deep");
	while (cursor.at < cursor.end) {
		const char *problem = take_field(&cursor, &wire);
		if (problem)
			return fail(reader->err, descriptor, wire.number, problem);
		const ProtobufCFieldDescriptor *field = find_field(descriptor, wire.number, &hint);
		if (!field)
			continue;
		int r = store(reader, message, field, &wire, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

int cs_protobuf_read(const ProtobufCMessageDescriptor *descriptor, struct cs_slice bytes,
		     struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err)
{
	struct reader reader = { .arena = arena, .err = err };
	ProtobufCMessage *message = create(descriptor, arena);
	int r = read_message(&reader, message, bytes, 0);
	if (r == 0)
		*ret = message;
	return r;
}

int cs_protobuf_read_envelope(struct cs_slice bytes, struct cs_arena *arena, Kube__Unknown *ret,
			      struct cs_error *err)
{
	if (bytes.size < magic.size || memcmp(bytes.data, magic.data, magic.size) != 0)
		return cs_error_set(err, -EBADMSG, "not protobuf of the Kubernetes API");
	struct cs_slice rest = { bytes.data + magic.size, bytes.size - magic.size };
	struct reader reader = { .arena = arena, .borrow = true, .err = err };
	kube__unknown__init(ret);
	int r = read_message(&reader, &ret->base, rest, 0);
	if (r < 0)
		return r;
	if (!cs_string_equal(ret->content_encoding, ""))
		return cs_error_set(err, -EBADMSG, "Unknown.contentEncoding: \"%s\" is not known",
				    ret->content_encoding);
	if (!cs_string_equal(ret->content_type, "") &&
	    !cs_string_equal(ret->content_type, CS_PROTOBUF_CONTENT_TYPE))
		return cs_error_set(err, -EBADMSG, "Unknown.contentType: \"%s\" is not protobuf",
				    ret->content_type);
	return 0;
}

static size_t put_varint(uint64_t value, uint8_t *out)
{
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		out[size++] = (uint8_t)(value | 0x80);
	out[size++] = (uint8_t)value;
	return size;
}

int cs_protobuf_write(const struct cs_kind *kind, const ProtobufCMessage *message,
		      struct cs_buffer *out, struct cs_error *err)
{
	char api_version[128];
	Kube__TypeMeta type_meta = KUBE__TYPE_META__INIT;
	type_meta.api_version =
		(char *)(uintptr_t)cs_kind_api_version(kind, api_version, sizeof(api_version));
	type_meta.kind = (char *)(uintptr_t)kind->kind;
	Kube__Unknown envelope = KUBE__UNKNOWN__INIT;
	envelope.type_meta = &type_meta;
	// `raw` is written by hand behind the rest, which saves a copy of the message.
	uint8_t raw_head[1 + VARINT_MAX_SIZE] = { 2 << 3 | WIRE_BYTES };
	size_t size = protobuf_c_message_get_packed_size(message);
	size_t raw_head_size = 1 + put_varint(size, raw_head + 1);
	size_t envelope_size = protobuf_c_message_get_packed_size(&envelope.base);
	size_t total = magic.size + envelope_size + raw_head_size + size;
	char *at = cs_buffer_reserve(out, total);
	if (!at)
		return cs_error_set(err, -EMSGSIZE, "%s: %zu bytes of protobuf are too many",
				    kind->kind, total);
	memcpy(at, magic.data, magic.size);
	at += magic.size;
	at += protobuf_c_message_pack(&envelope.base, (uint8_t *)at);
	memcpy(at, raw_head, raw_head_size);
	protobuf_c_message_pack(message, (uint8_t *)at + raw_head_size);
	out->size += total;
	out->data[out->size] = '\0';
	return 0;
}

// The last field `number` of a message whose content is bytes; empty when it has none.
static int find_bytes(const ProtobufCMessageDescriptor *descriptor, struct cs_slice message,
		      uint32_t number, struct cs_slice *ret, struct cs_error *err)
{
	struct cursor cursor = cursor_of(message);
	struct wire_field wire;
	*ret = (struct cs_slice){ 0 };
	while (cursor.at < cursor.end) {
		const char *problem = take_field(&cursor, &wire);
		if (!problem && wire.number == number && wire.type != WIRE_BYTES)
			problem = "wrong wire type";
		if (problem)
			return fail(err, descriptor, wire.number, problem);
		if (wire.number == number)
			*ret = wire.bytes;
	}
	return 0;
}

static int read_event(struct cs_slice event, struct cs_protobuf_frame *ret, struct cs_error *err)
{
	const ProtobufCMessageDescriptor *descriptor = &kube__watch_event__descriptor;
	struct cs_slice object;
	int r = find_bytes(descriptor, event, 2, &object, err);
	if (r == 0)
		r = find_bytes(&kube__raw_extension__descriptor, object, 1, &ret->object, err);
	if (r == 0)
		r = find_bytes(descriptor, event, 1, &ret->type, err);
	if (r == 0 && ret->type.size == 0)
		r = fail(err, descriptor, 1, "is missing");
	return r;
}

int cs_protobuf_next_frame(struct cs_slice in, struct cs_protobuf_frame *ret, struct cs_error *err)
{
	const uint8_t *head = (const uint8_t *)in.data;
	if (in.size < FRAME_HEAD_SIZE)
		return 0;
	uint32_t size = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
			head[3];
	if (size > CS_PROTOBUF_FRAME_MAX)
		return cs_error_set(err, -EBADMSG, "a watch event of %u bytes: at most %u", size,
				    CS_PROTOBUF_FRAME_MAX);
	if (in.size - FRAME_HEAD_SIZE < size)
		return 0;
	*ret = (struct cs_protobuf_frame){ .used = FRAME_HEAD_SIZE + size };
	if (read_event((struct cs_slice){ in.data + FRAME_HEAD_SIZE, size }, ret, err) < 0)
		ret->type = (struct cs_slice){ 0 };
	return 1;
}
