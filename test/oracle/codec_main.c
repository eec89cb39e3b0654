// Reads one API object from standard input and prints it as the codec writes it.
// Neighbours: a Go test reads the same object from the API server as protobuf and as JSON and
// compares what this prints for both.
//
// Usage: codec KIND APIVERSION protobuf|json [normal]
//
// protobuf is the enveloped form. With `normal` what the two wire formats write differently is made
// equal first: zeros, "" and empty messages, which Go's protobuf always writes and its JSON leaves
// out, are dropped unless they stand in a list or are the sign of a kind of volume.
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

static int read_protobuf(const struct cs_kind *kind, struct cs_slice bytes, struct cs_arena *arena,
			 ProtobufCMessage **ret, struct cs_error *err)
{
	Kube__Unknown envelope;
	int r = cs_protobuf_read_envelope(bytes, arena, &envelope, err);
	if (r < 0)
		return r;
	const Kube__TypeMeta *type = envelope.type_meta;
	if (!type || cs_kind_find(type->api_version, type->kind) != kind)
		return cs_error_set(err, -EINVAL, "the envelope holds another kind");
	struct cs_slice raw = { (const char *)envelope.raw.data, envelope.raw.len };
	return cs_protobuf_read(kind->descriptor, raw, arena, ret, err);
}

static int read_json(const struct cs_kind *kind, struct cs_slice text, struct cs_arena *arena,
		     ProtobufCMessage **ret, struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	int r = cs_value_read_json(text, &tree, err);
	if (r < 0)
		return r;
	return cs_codec_read(kind->descriptor, tree, arena, ret, err);
}

static int convert(const struct cs_kind *kind, bool from_protobuf, bool normal,
		   struct cs_error *err)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	CS_AUTO_FREE char *input = NULL;
	struct cs_slice bytes = { 0 };
	ProtobufCMessage *message;
	int r = cs_file_read("-", INPUT_MAX, &input, &bytes.size, err);
	if (r < 0)
		return r;
	bytes.data = input;
	r = from_protobuf ? read_protobuf(kind, bytes, arena, &message, err)
			  : read_json(kind, bytes, arena, &message, err);
	if (r < 0)
		return r;
	if (normal)
		normalise(message);
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_json_writer json;
	cs_buffer_init(&out, INPUT_MAX);
	cs_json_init(&json, &out);
	cs_codec_write(kind, message, &json);
	puts(out.data);
	return 0;
}

int main(int argc, char **argv)
{
	bool normal = argc == 5 && strcmp(argv[4], "normal") == 0;
	const struct cs_kind *kind = argc >= 4 ? cs_kind_find(argv[2], argv[1]) : NULL;
	bool from_protobuf = argc >= 4 && strcmp(argv[3], "protobuf") == 0;
	if (!kind || (argc != 4 && !normal) || (!from_protobuf && strcmp(argv[3], "json") != 0)) {
		fputs("usage: codec KIND APIVERSION protobuf|json [normal]\n", stderr);
		return 2;
	}
	struct cs_error err = { 0 };
	if (convert(kind, from_protobuf, normal, &err) < 0) {
		fprintf(stderr, "codec: %s\n", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
