// Reads what an API server says from standard input and prints it as the codec writes it.
// Neighbours: a Go test reads the same from the API server as protobuf and as JSON and compares
// what this prints for both.
//
// Usage: codec object|list|watch KIND APIVERSION protobuf|json [normal|protobuf]
//
// KIND is that of the object, of the list's items, of the objects of the watch's events; Status is
// one of them. protobuf is the enveloped form, of a watch its frames. Of a watch a line is printed
// for each event. The last word: `protobuf` writes an object in that form. With `normal` what the
// two wire formats write differently is made equal first: zeros, "" and empty messages, which Go's
// protobuf always writes and its JSON leaves out, are dropped unless they stand in a list or are
// the sign of a kind of volume.
#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX (256u << 20)

static void *member_at(ProtobufCMessage *message, unsigned offset)
{
	return (char *)message + offset;
}

// Whether nothing is left of the message.
static bool normalise(ProtobufCMessage *message);

static void normalise_list(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t n = *(size_t *)member_at(message, field->quantifier_offset);
	ProtobufCMessage **list = *(ProtobufCMessage ***)member_at(message, field->offset);
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return;
	for (size_t i = 0; i < n; i++)
		if (field->descriptor != &kube__string_entry__descriptor &&
		    field->descriptor != &kube__quantity_entry__descriptor)
			normalise(list[i]);
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *slot)
{
	if (field->type == PROTOBUF_C_TYPE_INT64)
		return *(const int64_t *)slot == 0;
	return *(const int32_t *)slot == 0;
}

static bool normalise_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	void *slot = member_at(message, field->offset);
	protobuf_c_boolean *has = member_at(message, field->quantifier_offset);
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		normalise_list(message, field);
		return *(size_t *)member_at(message, field->quantifier_offset) == 0;
	}
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		char **string = slot;
		if (*string && **string == '\0')
			*string = NULL;
		return !*string;
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage **child = slot;
		if (*child && normalise(*child))
			*child = NULL;
		return !*child;
	}
	if (*has && is_zero(field, slot))
		*has = 0;
	return !*has;
}

static bool normalise(ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	// These mean something by being there, or are read as a whole.
	if (type == &kube__presence__descriptor || type == &kube__quantity__descriptor ||
	    type == &kube__int_or_string__descriptor)
		return false;
	if (type == &kube__time__descriptor)
		return !((Kube__Time *)message)->has_seconds;
	if (type == &kube__micro_time__descriptor)
		return !((Kube__MicroTime *)message)->has_seconds;
	bool empty = true;
	for (unsigned i = 0; i < type->n_fields; i++)
		empty &= normalise_field(message, &type->fields[i]);
	return empty;
}

static const struct cs_kind status_kind = {
	.kind = "Status",
	.version = "v1",
	.group = "",
	.resource = "",
	.descriptor = &kube__status__descriptor,
};

struct job {
	const struct cs_kind *kind;
	bool from_protobuf;
	bool normal;
	bool to_protobuf;
	struct cs_arena *arena;
	struct cs_buffer out;
};

// The message of an enveloped object, or of a list of them.
static int open_envelope(const struct job *job, struct cs_slice bytes, bool list,
			 ProtobufCMessage **ret, struct cs_error *err)
{
	CS_AUTO_FREE char *kind = cs_asprintf("%s%s", job->kind->kind, list ? "List" : "");
	char api_version[64];
	Kube__Unknown envelope;
	int r = cs_protobuf_read_envelope(bytes, job->arena, &envelope, err);
	if (r < 0)
		return r;
	const Kube__TypeMeta *type = envelope.type_meta;
	cs_kind_api_version(job->kind, api_version, sizeof(api_version));
	if (!type || !cs_string_equal(type->kind, kind) ||
	    !cs_string_equal(type->api_version, api_version))
		return cs_error_set(err, -EINVAL, "the envelope holds another kind");
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	return cs_protobuf_read(list ? &kube__list__descriptor : job->kind->descriptor, raw,
				job->arena, ret, err);
}

static void print_message(struct job *job, const struct cs_kind *kind, ProtobufCMessage *message,
			  struct cs_json_writer *json)
{
	if (job->normal)
		normalise(message);
	cs_codec_write(kind, message, json);
}

// ---- one object ----

static int read_object(const struct job *job, struct cs_slice input, ProtobufCMessage **ret,
		       struct cs_error *err)
{
	if (job->from_protobuf)
		return open_envelope(job, input, false, ret, err);
	CS_AUTO_VALUE struct json_object *tree = NULL;
	int r = cs_value_read_json(input, &tree, err);
	if (r < 0)
		return r;
	return cs_codec_read(job->kind->descriptor, tree, job->arena, ret, err);
}

static int convert_object(struct job *job, struct cs_slice input, struct cs_error *err)
{
	ProtobufCMessage *message;
	struct cs_json_writer json;
	int r = read_object(job, input, &message, err);
	if (r < 0)
		return r;
	if (job->to_protobuf)
		return cs_protobuf_write(job->kind, message, &job->out, err);
	cs_json_init(&json, &job->out);
	print_message(job, job->kind, message, &json);
	return cs_buffer_append_char(&job->out, '\n');
}

// ---- a list ----

struct list {
	ProtobufCMessage *metadata; // ListMeta
	ProtobufCMessage **items;
	size_t n_items;
};

static int read_list_protobuf(const struct job *job, struct cs_slice input, struct list *list,
			      struct cs_error *err)
{
	ProtobufCMessage *message;
	int r = open_envelope(job, input, true, &message, err);
	if (r < 0)
		return r;
	const Kube__List *raw = (const Kube__List *)message;
	list->metadata = (ProtobufCMessage *)raw->metadata;
	list->n_items = raw->n_items;
	list->items = cs_arena_alloc_array(job->arena, raw->n_items, sizeof(*list->items));
	for (size_t i = 0; i < raw->n_items && r == 0; i++) {
		struct cs_slice item = cs_protobuf_bytes(raw->items[i]);
		r = cs_protobuf_read(job->kind->descriptor, item, job->arena, &list->items[i], err);
	}
	return r;
}

static int read_list_json(const struct job *job, struct cs_slice input, struct list *list,
			  struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	int r = cs_value_read_json(input, &tree, err);
	if (r < 0)
		return r;
	struct json_object *items = cs_value_at(tree, "items");
	if (!json_object_is_type(items, json_type_array))
		return cs_error_set(err, -EINVAL, "items: not a list");
	r = cs_codec_read(&kube__list_meta__descriptor, cs_value_at(tree, "metadata"), job->arena,
			  &list->metadata, err);
	list->n_items = json_object_array_length(items);
	list->items = cs_arena_alloc_array(job->arena, list->n_items, sizeof(*list->items));
	for (size_t i = 0; i < list->n_items && r == 0; i++)
		r = cs_codec_read(job->kind->descriptor, json_object_array_get_idx(items, i),
				  job->arena, &list->items[i], err);
	return r;
}

static int convert_list(struct job *job, struct cs_slice input, struct cs_error *err)
{
	struct list list = { 0 };
	struct cs_json_writer json;
	int r = job->from_protobuf ? read_list_protobuf(job, input, &list, err)
				   : read_list_json(job, input, &list, err);
	if (r < 0)
		return r;
	cs_json_init(&json, &job->out);
	cs_json_object_begin(&json);
	cs_json_key(&json, "metadata");
	print_message(job, NULL, list.metadata, &json);
	cs_json_member_array_begin(&json, "items");
	for (size_t i = 0; i < list.n_items; i++)
		print_message(job, NULL, list.items[i], &json);
	cs_json_array_end(&json);
	cs_json_object_end(&json);
	return cs_buffer_append_char(&job->out, '\n');
}

// ---- events of a watch ----

static int print_event(struct job *job, struct cs_slice type, ProtobufCMessage *object)
{
	struct cs_json_writer json;
	CS_AUTO_FREE char *name = cs_strndup(type.data, type.size);
	cs_json_init(&json, &job->out);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "type", name);
	cs_json_key(&json, "object");
	print_message(job, job->kind, object, &json);
	cs_json_object_end(&json);
	return cs_buffer_append_char(&job->out, '\n');
}

static int convert_frames(struct job *job, struct cs_slice input, struct cs_error *err)
{
	struct cs_protobuf_frame frame;
	ProtobufCMessage *object;
	int r = 0;
	while (input.size > 0 && r == 0) {
		int n = cs_protobuf_next_frame(input, &frame, err);
		if (n <= 0 || frame.type.size == 0)
			return n < 0 ? n : cs_error_set(err, -EINVAL, "an event that is none");
		r = open_envelope(job, frame.object, false, &object, err);
		if (r == 0)
			r = print_event(job, frame.type, object);
		input.data += frame.used;
		input.size -= frame.used;
	}
	return r;
}

static int convert_line(struct job *job, struct cs_slice line, struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *object;
	int r = cs_value_read_json(line, &tree, err);
	if (r == 0)
		r = cs_codec_read(job->kind->descriptor, cs_value_at(tree, "object"), job->arena,
				  &object, err);
	if (r == 0)
		r = print_event(job, cs_slice_of(cs_value_string_at(tree, "type")), object);
	return r;
}

static int convert_watch(struct job *job, struct cs_slice input, struct cs_error *err)
{
	if (job->from_protobuf)
		return convert_frames(job, input, err);
	int r = 0;
	while (input.size > 0 && r == 0) {
		const char *end = memchr(input.data, '\n', input.size);
		size_t size = end ? (size_t)(end - input.data) : input.size;
		r = convert_line(job, (struct cs_slice){ input.data, size }, err);
		size += end != NULL;
		input.data += size;
		input.size -= size;
	}
	return r;
}

// ---- the program ----

static const struct {
	const char *name;
	int (*convert)(struct job *job, struct cs_slice input, struct cs_error *err);
} forms[] = {
	{ "object", convert_object },
	{ "list", convert_list },
	{ "watch", convert_watch },
};

static int convert(struct job *job, size_t form, struct cs_error *err)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	CS_AUTO_FREE char *input = NULL;
	size_t size;
	int r = cs_file_read("-", INPUT_MAX, &input, &size, err);
	if (r < 0)
		return r;
	job->arena = arena;
	cs_buffer_init(&job->out, INPUT_MAX);
	r = forms[form].convert(job, (struct cs_slice){ input, size }, err);
	if (r == 0)
		fwrite(job->out.data, 1, job->out.size, stdout);
	cs_buffer_finish(&job->out);
	return r;
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	size_t form = 0;
	if (argc >= 5) {
		while (form < CS_ARRAY_LENGTH(forms) && strcmp(argv[1], forms[form].name) != 0)
			form++;
		job.kind = strcmp(argv[2], "Status") == 0 ? &status_kind
							  : cs_kind_find(argv[3], argv[2]);
		job.from_protobuf = strcmp(argv[4], "protobuf") == 0;
		job.normal = argc == 6 && strcmp(argv[5], "normal") == 0;
		job.to_protobuf = argc == 6 && strcmp(argv[5], "protobuf") == 0;
	}
	bool good = job.kind && form < CS_ARRAY_LENGTH(forms) &&
		    (job.from_protobuf || strcmp(argv[4], "json") == 0) &&
		    (argc == 5 || job.normal || (job.to_protobuf && form == 0));
	if (!good) {
		fputs("usage: codec object|list|watch KIND APIVERSION protobuf|json "
		      "[normal|protobuf]\n",
		      stderr);
		return 2;
	}
	struct cs_error err = { 0 };
	if (convert(&job, form, &err) < 0) {
		fprintf(stderr, "codec: %s\n", err.text);
		return EXIT_FAILURE;
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
