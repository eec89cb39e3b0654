// Value trees to API structs and structs to JSON, both by walking protobuf-c's descriptors.
// Neighbours: name.c has the names; what JSON writes differently is in the tables below.
#include <csched/kube/codec.h>

#include <csched/base/memory.h>
#include <csched/kube/api.h>
#include <csched/kube/quantity.h>
#include <csched/kube/timestamp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "known.h"
#include "name.h"
#include "text.h"

#define PATH_SIZE 512 // bytes of the longest path an error shows

// Where in the object we are: a chain on the stack, written out only for errors.
struct path {
	const struct path *parent;
	const char *name; // NULL for an element of a list
	size_t index;
};

struct reader {
	struct cs_arena *arena;
	struct cs_error *err;
	const struct cs_codec_reading *how;
};

// ---- paths and errors ----

static void print_path(const struct path *path, struct cs_buffer *out)
{
	if (!path)
		return;
	print_path(path->parent, out);
	if (path->name)
		cs_buffer_printf(out, "%s%s", out->size > 0 ? "." : "", path->name);
	else
		cs_buffer_printf(out, "[%zu]", path->index);
}

static int fail(const struct reader *reader, const struct path *path, const char *problem)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, PATH_SIZE);
	print_path(path, &text);
	return cs_error_set(reader->err, -EINVAL, "%s%s%s", text.data, text.size > 0 ? ": " : "",
			    problem);
}

static int fail_type(const struct reader *reader, const struct path *path, const char *wanted,
		     struct json_object *value)
{
	static const char *const names[] = {
		[json_type_null] = "null",        [json_type_boolean] = "a boolean",
		[json_type_double] = "a number",  [json_type_int] = "a number",
		[json_type_object] = "an object", [json_type_array] = "a list",
		[json_type_string] = "a string",
	};
	char problem[64];
	snprintf(problem, sizeof(problem), "must be %s, not %s", wanted,
		 names[json_object_get_type(value)]);
	return fail(reader, path, problem);
}

// ---- access to structs ----

static void *member_at(const ProtobufCMessage *message, unsigned offset)
{
	return (char *)(uintptr_t)message + offset;
}

static ProtobufCMessage *create(const struct reader *reader,
				const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = cs_arena_alloc_raw(reader->arena, descriptor->sizeof_message);
	descriptor->message_init(message);
	return message;
}

// ---- what JSON writes in a form of its own ----

struct special {
	const ProtobufCMessageDescriptor *descriptor;
	int (*read)(const struct reader *reader, struct json_object *value, const struct path *path,
		    ProtobufCMessage *message);
	void (*write)(const ProtobufCMessage *message, struct cs_json_writer *json);
	bool (*is_absent)(const ProtobufCMessage *message); // NULL = never
};

static struct cs_slice string_slice(struct json_object *value)
{
	return (struct cs_slice){ json_object_get_string(value),
				  (size_t)json_object_get_string_len(value) };
}

static struct cs_slice trim(struct cs_slice s)
{
	static const char blanks[] = " \t\n\v\f\r";
	while (s.size > 0 && memchr(blanks, s.data[0], sizeof(blanks) - 1)) {
		s.data++;
		s.size--;
	}
	while (s.size > 0 && memchr(blanks, s.data[s.size - 1], sizeof(blanks) - 1))
		s.size--;
	return s;
}

static int read_quantity(const struct reader *reader, struct json_object *value,
			 const struct path *path, ProtobufCMessage *message)
{
	CS_AUTO_BUFFER struct cs_buffer number;
	cs_buffer_init(&number, CS_ERROR_TEXT_MAX);
	struct cs_slice text = CS_SLICE("0");
	struct cs_quantity quantity;
	struct cs_error why;
	if (json_object_is_type(value, json_type_string)) {
		text = trim(string_slice(value));
	} else if (json_object_is_type(value, json_type_int) ||
		   json_object_is_type(value, json_type_double)) {
		struct cs_json_writer json;
		cs_json_init(&json, &number);
		cs_value_write(value, &json);
		text = cs_buffer_slice(&number);
	} else if (value) {
		return fail_type(reader, path, "a quantity", value);
	}
	if (cs_quantity_parse(text, &quantity, &why) < 0)
		return fail(reader, path, why.text);
	((Kube__Quantity *)message)->string = cs_text_copy(reader->arena, text);
	return 0;
}

static void write_quantity(const ProtobufCMessage *message, struct cs_json_writer *json)
{
	const char *text = ((const Kube__Quantity *)message)->string;
	cs_json_string(json, text ? text : "0");
}

static int read_timestamp(const struct reader *reader, struct json_object *value,
			  const struct path *path, struct cs_timestamp *ret)
{
	struct cs_error why;
	if (!json_object_is_type(value, json_type_string))
		return fail_type(reader, path, "a time", value);
	if (cs_timestamp_read(string_slice(value), ret, &why) < 0)
		return fail(reader, path, why.text);
	return 0;
}

static int read_time(const struct reader *reader, struct json_object *value,
		     const struct path *path, ProtobufCMessage *message)
{
	Kube__Time *time = (Kube__Time *)message;
	struct cs_timestamp t;
	int r = read_timestamp(reader, value, path, &t);
	if (r < 0)
		return r;
	time->has_seconds = 1;
	time->seconds = t.seconds;
	time->has_nanos = 1;
	time->nanos = 0;
	return 0;
}

static void write_time(const ProtobufCMessage *message, struct cs_json_writer *json)
{
	const Kube__Time *time = (const Kube__Time *)message;
	char text[CS_TIMESTAMP_SIZE];
	// Upstream ignores a Time's nanoseconds.
	struct cs_timestamp t = { .seconds = time->seconds };
	cs_json_string(json, cs_timestamp_print_seconds(t, text));
}

// The API's "no time" is a message without fields.
static bool is_no_time(const ProtobufCMessage *message)
{
	return !((const Kube__Time *)message)->has_seconds;
}

static int read_micro_time(const struct reader *reader, struct json_object *value,
			   const struct path *path, ProtobufCMessage *message)
{
	Kube__MicroTime *time = (Kube__MicroTime *)message;
	struct cs_timestamp t;
	int r = read_timestamp(reader, value, path, &t);
	if (r < 0)
		return r;
	time->has_seconds = 1;
	time->seconds = t.seconds;
	time->has_nanos = 1;
	time->nanos = t.nanos / 1000 * 1000;
	return 0;
}

static void write_micro_time(const ProtobufCMessage *message, struct cs_json_writer *json)
{
	const Kube__MicroTime *time = (const Kube__MicroTime *)message;
	char text[CS_TIMESTAMP_SIZE];
	struct cs_timestamp t = { .seconds = time->seconds, .nanos = time->nanos };
	cs_json_string(json, cs_timestamp_print_micro(t, text));
}

static bool is_no_micro_time(const ProtobufCMessage *message)
{
	return !((const Kube__MicroTime *)message)->has_seconds;
}

static int read_int32(const struct reader *reader, struct json_object *value,
		      const struct path *path, int32_t *ret);

static int read_int_or_string(const struct reader *reader, struct json_object *value,
			      const struct path *path, ProtobufCMessage *message)
{
	Kube__IntOrString *either = (Kube__IntOrString *)message;
	bool is_string = json_object_is_type(value, json_type_string);
	if (!is_string && !json_object_is_type(value, json_type_int))
		return fail_type(reader, path, "an integer or a string", value);
	either->has_type = 1;
	either->type = is_string;
	if (is_string) {
		either->str_val = cs_text_copy(reader->arena, string_slice(value));
		return 0;
	}
	either->has_int_val = 1;
	return read_int32(reader, value, path, &either->int_val);
}

static void write_int_or_string(const ProtobufCMessage *message, struct cs_json_writer *json)
{
	const Kube__IntOrString *either = (const Kube__IntOrString *)message;
	if (either->type == 1)
		cs_json_string(json, either->str_val ? either->str_val : "");
	else
		cs_json_int(json, either->int_val);
}

static const struct special specials[] = {
	{ &kube__quantity__descriptor, read_quantity, write_quantity, NULL },
	{ &kube__time__descriptor, read_time, write_time, is_no_time },
	{ &kube__micro_time__descriptor, read_micro_time, write_micro_time, is_no_micro_time },
	{ &kube__int_or_string__descriptor, read_int_or_string, write_int_or_string, NULL },
};

static const struct special *find_special(const ProtobufCMessageDescriptor *descriptor)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(specials); i++)
		if (specials[i].descriptor == descriptor)
			return &specials[i];
	return NULL;
}

// A list of these is an object in JSON: the first field is the key, the second the value.
static bool is_entry(const ProtobufCFieldDescriptor *field)
{
	return field->descriptor == &kube__string_entry__descriptor ||
	       field->descriptor == &kube__quantity_entry__descriptor;
}

// The field whose members JSON writes directly into its owner, or NULL.
static const ProtobufCFieldDescriptor *inlined(const ProtobufCMessageDescriptor *descriptor)
{
	if (descriptor != &kube__volume__descriptor)
		return NULL;
	return protobuf_c_message_descriptor_get_field_by_name(descriptor, "volume_source");
}

// ---- reading ----

static int read_int64(const struct reader *reader, struct json_object *value,
		      const struct path *path, int64_t *ret)
{
	if (!json_object_is_type(value, json_type_int))
		return fail_type(reader, path, "an integer", value);
	*ret = json_object_get_int64(value);
	// json-c keeps what is larger apart and caps it here.
	if (*ret == INT64_MAX && json_object_get_uint64(value) > INT64_MAX)
		return fail(reader, path, "out of range for 64 bits");
	return 0;
}

static int read_int32(const struct reader *reader, struct json_object *value,
		      const struct path *path, int32_t *ret)
{
	int64_t wide;
	int r = read_int64(reader, value, path, &wide);
	if (r < 0)
		return r;
	if (wide < INT32_MIN || wide > INT32_MAX)
		return fail(reader, path, "out of range for 32 bits");
	*ret = (int32_t)wide;
	return 0;
}

static int read_bool(const struct reader *reader, struct json_object *value,
		     const struct path *path, protobuf_c_boolean *ret)
{
	if (!json_object_is_type(value, json_type_boolean))
		return fail_type(reader, path, "a boolean", value);
	*ret = json_object_get_boolean(value);
	return 0;
}

static int read_string(const struct reader *reader, struct json_object *value,
		       const struct path *path, char **ret)
{
	if (value && !json_object_is_type(value, json_type_string))
		return fail_type(reader, path, "a string", value);
	*ret = cs_text_copy(reader->arena, value ? string_slice(value) : (struct cs_slice){ 0 });
	return 0;
}

static int read_members(const struct reader *reader, ProtobufCMessage *message,
			struct json_object *value, const struct path *path);

// Null stands for an empty message: so does an element of a list, as upstream reads it.
static int read_message(const struct reader *reader, const ProtobufCMessageDescriptor *descriptor,
			struct json_object *value, const struct path *path, ProtobufCMessage **ret)
{
	const struct special *special = find_special(descriptor);
	ProtobufCMessage *message = create(reader, descriptor);
	*ret = message;
	if (special)
		return special->read(reader, value, path, message);
	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_object))
		return fail_type(reader, path, "an object", value);
	return read_members(reader, message, value, path);
}

static int read_value(const struct reader *reader, const ProtobufCFieldDescriptor *field,
		      struct json_object *value, const struct path *path, void *slot)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
		return read_int32(reader, value, path, slot);
	case PROTOBUF_C_TYPE_INT64:
		return read_int64(reader, value, path, slot);
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(reader, value, path, slot);
	case PROTOBUF_C_TYPE_STRING:
		return read_string(reader, value, path, slot);
	default:
		return read_message(reader, field->descriptor, value, path, slot);
	}
}

static int read_list(const struct reader *reader, const ProtobufCFieldDescriptor *field,
		     struct json_object *value, const struct path *path, ProtobufCMessage *message)
{
	if (!json_object_is_type(value, json_type_array))
		return fail_type(reader, path, "a list", value);
	size_t n = json_object_array_length(value);
	// Lists are of strings or messages: both are pointers.
	void **list = cs_arena_alloc_array(reader->arena, n, sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		struct path at = { .parent = path, .index = i };
		int r = read_value(reader, field, json_object_array_get_idx(value, i), &at,
				   &list[i]);
		if (r < 0)
			return r;
	}
	*(size_t *)member_at(message, field->quantifier_offset) = n;
	*(void ***)member_at(message, field->offset) = list;
	return 0;
}

static int read_entries(const struct reader *reader, const ProtobufCFieldDescriptor *field,
			struct json_object *value, const struct path *path,
			ProtobufCMessage *message)
{
	if (!json_object_is_type(value, json_type_object))
		return fail_type(reader, path, "an object", value);
	const ProtobufCMessageDescriptor *entry = field->descriptor;
	size_t max = (size_t)json_object_object_length(value), n = 0;
	ProtobufCMessage **list = cs_arena_alloc_array(reader->arena, max, sizeof(void *));
	json_object_object_foreach(value, key, content)
	{
		struct path at = { .parent = path, .name = key };
		list[n] = create(reader, entry);
		*(char **)member_at(list[n], entry->fields[0].offset) =
			cs_arena_strdup(reader->arena, key);
		int r = read_value(reader, &entry->fields[1], content, &at,
				   member_at(list[n], entry->fields[1].offset));
		if (r < 0)
			return r;
		n++;
	}
	*(size_t *)member_at(message, field->quantifier_offset) = n;
	*(ProtobufCMessage ***)member_at(message, field->offset) = list;
	return 0;
}

static bool is_scalar(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_INT64 ||
	       field->type == PROTOBUF_C_TYPE_BOOL;
}

static int read_field(const struct reader *reader, ProtobufCMessage *message,
		      const ProtobufCFieldDescriptor *field, struct json_object *value,
		      const struct path *path)
{
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return 0;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return is_entry(field) ? read_entries(reader, field, value, path, message)
				       : read_list(reader, field, value, path, message);
	if (is_scalar(field))
		*(protobuf_c_boolean *)member_at(message, field->quantifier_offset) = 1;
	return read_value(reader, field, value, path, member_at(message, field->offset));
}

// Finds the field of a member; *message becomes the inlined message where the field is that one's.
static const ProtobufCFieldDescriptor *find_field(const struct reader *reader, const char *key,
						  ProtobufCMessage **message)
{
	const ProtobufCMessageDescriptor *descriptor = (*message)->descriptor;
	const ProtobufCFieldDescriptor *inner = inlined(descriptor);
	const ProtobufCFieldDescriptor *field = cs_name_find(descriptor, key);
	if (field || !inner)
		return field == inner ? NULL : field;
	field = cs_name_find(inner->descriptor, key);
	if (!field)
		return NULL;
	ProtobufCMessage **slot = member_at(*message, inner->offset);
	if (!*slot)
		*slot = create(reader, inner->descriptor);
	*message = *slot;
	return field;
}

// What an object of its own may carry, also inside another one.
static bool is_type(const ProtobufCMessageDescriptor *descriptor, const struct path *path)
{
	return (!path->parent || descriptor == &kube__object__descriptor) &&
	       (strcmp(path->name, "kind") == 0 || strcmp(path->name, "apiVersion") == 0);
}

static void skip(const struct reader *reader, const ProtobufCMessageDescriptor *descriptor,
		 const struct path *path)
{
	const struct cs_codec_reading *how = reader->how;
	if (!how->unknown || is_type(descriptor, path) || cs_known_field(descriptor, path->name))
		return;
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, PATH_SIZE);
	print_path(path, &text);
	how->unknown(how->user, text.data);
}

static int read_members(const struct reader *reader, ProtobufCMessage *message,
			struct json_object *value, const struct path *path)
{
	json_object_object_foreach(value, key, member)
	{
		if (!member)
			continue;
		ProtobufCMessage *owner = message;
		const ProtobufCFieldDescriptor *field = find_field(reader, key, &owner);
		struct path at = { .parent = path, .name = key };
		if (!field) {
			skip(reader, message->descriptor, &at);
			continue;
		}
		int r = read_field(reader, owner, field, member, &at);
		if (r < 0)
			return r;
	}
	return 0;
}

int cs_codec_read_telling(const struct cs_codec_reading *how, struct json_object *value,
			  ProtobufCMessage **ret, struct cs_error *err)
{
	struct reader reader = { .arena = how->arena, .err = err, .how = how };
	ProtobufCMessage *message;
	if (!value)
		return fail_type(&reader, NULL, "an object", value);
	int r = read_message(&reader, how->descriptor, value, NULL, &message);
	if (r == 0)
		*ret = message;
	return r;
}

int cs_codec_read(const ProtobufCMessageDescriptor *descriptor, struct json_object *value,
		  struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err)
{
	return cs_codec_read_telling(
		&(struct cs_codec_reading){ .descriptor = descriptor, .arena = arena }, value, ret,
		err);
}

// ---- writing ----

static void write_members(const ProtobufCMessage *message, struct cs_json_writer *json);

static void write_message(const ProtobufCMessage *message, struct cs_json_writer *json)
{
	const struct special *special = find_special(message->descriptor);
	if (special) {
		special->write(message, json);
		return;
	}
	cs_json_object_begin(json);
	write_members(message, json);
	cs_json_object_end(json);
}

static void write_value(const ProtobufCFieldDescriptor *field, const void *slot,
			struct cs_json_writer *json)
{
	const char *string;
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
		cs_json_int(json, *(const int32_t *)slot);
		break;
	case PROTOBUF_C_TYPE_INT64:
		cs_json_int(json, *(const int64_t *)slot);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		cs_json_bool(json, *(const protobuf_c_boolean *)slot);
		break;
	case PROTOBUF_C_TYPE_STRING:
		string = *(char *const *)slot;
		cs_json_string(json, string ? string : "");
		break;
	default:
		write_message(*(ProtobufCMessage *const *)slot, json);
		break;
	}
}

static void write_entry(const ProtobufCMessage *entry, struct cs_json_writer *json)
{
	const ProtobufCFieldDescriptor *field = &entry->descriptor->fields[1];
	const char *key = *(char **)member_at(entry, entry->descriptor->fields[0].offset);
	const void *slot = member_at(entry, field->offset);
	cs_json_key(json, key ? key : "");
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && !*(ProtobufCMessage *const *)slot)
		cs_json_string(json, "0"); // the only such value is a quantity
	else
		write_value(field, slot, json);
}

static void write_list(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
		       struct cs_json_writer *json)
{
	size_t n = *(size_t *)member_at(message, field->quantifier_offset);
	void *const *list = *(void ***)member_at(message, field->offset);
	if (is_entry(field)) {
		cs_json_object_begin(json);
		for (size_t i = 0; i < n; i++)
			write_entry(list[i], json);
		cs_json_object_end(json);
		return;
	}
	cs_json_array_begin(json);
	for (size_t i = 0; i < n; i++)
		write_value(field, &list[i], json);
	cs_json_array_end(json);
}

static bool is_absent(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return true;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(size_t *)member_at(message, field->quantifier_offset) == 0;
	if (is_scalar(field))
		return !*(protobuf_c_boolean *)member_at(message, field->quantifier_offset);
	const void *pointer = *(void **)member_at(message, field->offset);
	if (!pointer || field->type == PROTOBUF_C_TYPE_STRING)
		return !pointer;
	const struct special *special = find_special(field->descriptor);
	return special && special->is_absent && special->is_absent(pointer);
}

static void write_members(const ProtobufCMessage *message, struct cs_json_writer *json)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const ProtobufCFieldDescriptor *inner = inlined(descriptor);
	char name[CS_NAME_SIZE];
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		if (is_absent(message, field))
			continue;
		if (field == inner) {
			write_members(*(ProtobufCMessage **)member_at(message, field->offset),
				      json);
			continue;
		}
		cs_json_key(json, cs_name_json(field, name));
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			write_list(message, field, json);
		else
			write_value(field, member_at(message, field->offset), json);
	}
}

void cs_codec_write(const struct cs_kind *kind, const ProtobufCMessage *message,
		    struct cs_json_writer *json)
{
	if (!kind) {
		write_message(message, json);
		return;
	}
	char api_version[128];
	cs_json_object_begin(json);
	cs_json_member_string(json, "kind", kind->kind);
	cs_json_member_string(json, "apiVersion",
			      cs_kind_api_version(kind, api_version, sizeof(api_version)));
	write_members(message, json);
	cs_json_object_end(json);
}
