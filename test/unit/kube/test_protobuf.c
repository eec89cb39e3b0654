// Our reader against protobuf-c's own on random, cut, mangled and hostile bytes; envelope; frames.
// Neighbours: lib/kube/protobuf.c; message_random.h makes the messages.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>
#include <errno.h>
#include <kube/name.h>

#include "message_equal.h"
#include "message_random.h"

static struct cs_arena *arena;
static struct cs_random generator;

static void setup(void)
{
	arena = cs_arena_create();
	cs_random_init(&generator, 20261121);
}

static void teardown(void)
{
	cs_arena_destroy(arena);
}

static const ProtobufCMessageDescriptor *const types[] = {
	&kube__pod__descriptor,         &kube__node__descriptor,    &kube__namespace__descriptor,
	&kube__service__descriptor,     &kube__binding__descriptor, &kube__event__descriptor,
	&kube__lease__descriptor,       &kube__status__descriptor,  &kube__deployment__descriptor,
	&kube__replica_set__descriptor, &kube__list__descriptor,    &kube__unknown__descriptor,
	&kube__watch_event__descriptor, &kube__object__descriptor,
};

static struct cs_slice pack(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	char *bytes = cs_arena_alloc(arena, size);
	protobuf_c_message_pack(message, (uint8_t *)bytes);
	return (struct cs_slice){ bytes, size };
}

enum verdict { BOTH_REFUSE, BOTH_TAKE, WE_REFUSE };

// Reads with both. What we take protobuf-c must take too, and read the same.
static enum verdict compare(const ProtobufCMessageDescriptor *type, struct cs_slice bytes)
{
	struct cs_error err = { 0 };
	ProtobufCMessage *ours = NULL;
	// A copy of exactly this size, so that the sanitizer sees a byte read too many.
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
	memcpy(copy, bytes.data, bytes.size);
	ProtobufCMessage *theirs = protobuf_c_message_unpack(type, NULL, bytes.size, copy);
	int r = cs_protobuf_read(type, (struct cs_slice){ (char *)copy, bytes.size }, arena, &ours,
				 &err);
	free(copy);
	if (r < 0) {
		ck_assert_int_eq(r, -EBADMSG);
		ck_assert_int_eq(err.code, -EBADMSG);
		ck_assert_ptr_null(ours);
	} else {
		ck_assert_msg(theirs != NULL, "protobuf-c refuses what we take");
		ck_assert(message_equal(ours, theirs));
	}
	enum verdict verdict = r == 0 ? BOTH_TAKE : theirs ? WE_REFUSE : BOTH_REFUSE;
	if (theirs)
		protobuf_c_message_free_unpacked(theirs, NULL);
	return verdict;
}

START_TEST(random_messages_read_as_protobuf_c_reads_them)
{
	for (int i = 0; i < 200; i++) {
		ProtobufCMessage *message = message_random(types[_i], &generator, arena);
		struct cs_slice bytes = pack(message);
		ProtobufCMessage *back;
		struct cs_error err = { 0 };
		int r = cs_protobuf_read(types[_i], bytes, arena, &back, &err);
		ck_assert_msg(r == 0, "%s", err.text);
		ck_assert(message_equal(back, message));
		ck_assert_int_eq(compare(types[_i], bytes), BOTH_TAKE);
		cs_arena_reset(arena);
	}
}
END_TEST

START_TEST(messages_cut_at_every_byte)
{
	struct cs_slice bytes = { 0 };
	while (bytes.size < 500 || bytes.size > 4000)
		bytes = pack(message_random(types[_i], &generator, arena));
	for (size_t size = 0; size < bytes.size; size++)
		ck_assert_int_ne(compare(types[_i], (struct cs_slice){ bytes.data, size }),
				 WE_REFUSE);
}
END_TEST

START_TEST(mangled_bytes)
{
	int taken = 0;
	for (int i = 0; i < 2000; i++) {
		struct cs_slice bytes = pack(message_random(types[_i], &generator, arena));
		char *mangled = cs_arena_strndup(arena, bytes.data, bytes.size);
		for (uint64_t n = cs_random_below(&generator, 4); n > 0 && bytes.size > 0; n--)
			mangled[cs_random_below(&generator, bytes.size)] =
				(char)cs_random_below(&generator, 256);
		taken += compare(types[_i], (struct cs_slice){ mangled, bytes.size }) == BOTH_TAKE;
		cs_arena_reset(arena);
	}
	ck_assert_int_gt(taken, 200);
	ck_assert_int_lt(taken, 2000);
}
END_TEST

START_TEST(fields_may_come_in_any_order_and_twice)
{
	for (int i = 0; i < 300; i++) {
		// Two messages one after the other are one message, merged.
		struct cs_slice a = pack(message_random(types[_i], &generator, arena));
		struct cs_slice b = pack(message_random(types[_i], &generator, arena));
		char *both = cs_arena_alloc(arena, a.size + b.size + 1);
		memcpy(both, a.data, a.size);
		memcpy(both + a.size, b.data, b.size);
		ck_assert_int_eq(compare(types[_i], (struct cs_slice){ both, a.size + b.size }),
				 BOTH_TAKE);
		cs_arena_reset(arena);
	}
}
END_TEST

static Kube__Pod *read_pod(struct cs_slice bytes)
{
	ProtobufCMessage *message;
	struct cs_error err = { 0 };
	int r = cs_protobuf_read(&kube__pod__descriptor, bytes, arena, &message, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return (Kube__Pod *)message;
}

static void expect_error(const ProtobufCMessageDescriptor *type, struct cs_slice bytes,
			 const char *words)
{
	ProtobufCMessage *message;
	struct cs_error err;
	ck_assert_int_eq(cs_protobuf_read(type, bytes, arena, &message, &err), -EBADMSG);
	ck_assert_str_eq(err.text, words);
}

START_TEST(unknown_fields_of_all_wire_types_are_skipped)
{
	Kube__Pod *pod = read_pod(CS_SLICE("\xf8\x07\x96\x01" // 127: varint
					   "\xf9\x07"
					   "12345678"       // 127: 64 bits
					   "\x12\x09"       // spec
					   "\xe2\x1f\x02xy" // 508: bytes
					   "\x52\x02n1"     // nodeName
					   "\xfd\x07"
					   "1234"                        // 127: 32 bits
					   "\xf8\xff\xff\xff\x0f\x00")); // 2^29-1: varint
	ck_assert_str_eq(pod->spec->node_name, "n1");
	ck_assert_ptr_null(pod->metadata);
	ck_assert_uint_eq(pod->base.n_unknown_fields, 0);
}
END_TEST

START_TEST(scalars_are_read_as_upstream_writes_them)
{
	// terminationGracePeriodSeconds -1, hostNetwork true, priority -2 (ten bytes)
	Kube__Pod *pod = read_pod(CS_SLICE("\x12\x19"
					   "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
					   "\x58\x01"
					   "\xc8\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
	ck_assert_int_eq(pod->spec->termination_grace_period_seconds, -1);
	ck_assert_int_eq(pod->spec->host_network, 1);
	ck_assert_int_eq(pod->spec->priority, -2);
	ck_assert(!pod->spec->has_host_users);
	ck_assert_ptr_null(pod->spec->node_name);
}
END_TEST

START_TEST(errors_name_message_and_field)
{
	const ProtobufCMessageDescriptor *pod = &kube__pod__descriptor;
	expect_error(pod, CS_SLICE("\x10\x01"), "Pod.spec: wrong wire type");
	expect_error(pod, CS_SLICE("\x12\x02\x50\x01"), "PodSpec.nodeName: wrong wire type");
	expect_error(pod,
		     CS_SLICE("\x12\x07\xca\x01\x04"
			      "1234"),
		     "PodSpec.priority: wrong wire type");
	expect_error(pod,
		     CS_SLICE("\x12\x06\xcd\x01"
			      "1234"),
		     "PodSpec.priority: wrong wire type");
	expect_error(pod, CS_SLICE("\x1a\x03\x2a\x05x"),
		     "PodStatus.hostIP: is cut off or has a wrong length");
	expect_error(pod, CS_SLICE("\x12\x7f"), "Pod.spec: is cut off or has a wrong length");
	expect_error(pod, CS_SLICE("\x12"), "Pod.spec: is cut off or has a wrong length");
	expect_error(pod, CS_SLICE("\xf8\x07"), "Pod, field 127: is cut off or has a wrong length");
	expect_error(pod, CS_SLICE("\x80"), "Pod: bad field tag");
	expect_error(pod, CS_SLICE("\x00\x00"), "Pod: bad field tag");
	expect_error(pod, CS_SLICE("\xff\xff\xff\xff\xff\x01"), "Pod: bad field tag");
	expect_error(pod, CS_SLICE("\xff\xff\xff\xff\x7f\x01"), "Pod: bad field tag");
	expect_error(pod, CS_SLICE("\xfb\x07\xfc\x07"), "Pod, field 127: unknown wire type");
	expect_error(pod, CS_SLICE("\x13\x14"), "Pod.spec: unknown wire type");
	expect_error(pod, CS_SLICE("\x16"), "Pod.spec: unknown wire type");
}
END_TEST

START_TEST(huge_lengths)
{
	static const struct cs_slice all[] = {
		CS_SLICE("\x12\xff\xff\xff\xff\x07"),                     // 2^31 - 1
		CS_SLICE("\x12\xff\xff\xff\xff\x0f"),                     // 2^32 - 1
		CS_SLICE("\x12\xff\xff\xff\xff\x7f"),                     // 2^35 - 1
		CS_SLICE("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), // 2^64 - 1
		CS_SLICE("\xfa\x07\xff\xff\xff\xff\x0f"),                 // an unknown field
		CS_SLICE("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(all); i++)
		ck_assert_int_eq(compare(&kube__pod__descriptor, all[i]), BOTH_REFUSE);
}
END_TEST

START_TEST(strings_with_nul_and_broken_utf8)
{
	Kube__Pod *pod = read_pod(CS_SLICE("\x12\x05\x52\x03"
					   "a\0b"));
	ck_assert_str_eq(pod->spec->node_name, "a\xff"
					       "b");
	pod = read_pod(CS_SLICE("\x12\x05\x52\x03"
				"\0\0\0"));
	ck_assert_str_eq(pod->spec->node_name, "\xff\xff\xff");
	pod = read_pod(CS_SLICE("\x12\x05\x52\x03"
				"\xc3\x28\xff"));
	ck_assert_str_eq(pod->spec->node_name, "\xc3\x28\xff");
	pod = read_pod(CS_SLICE("\x12\x02\x52\x00"));
	ck_assert_str_eq(pod->spec->node_name, "");
}
END_TEST

START_TEST(nothing_is_kept_of_the_input)
{
	char bytes[] = "\x12\x04\x52\x02n1";
	Kube__Pod *pod = read_pod((struct cs_slice){ bytes, sizeof(bytes) - 1 });
	memset(bytes, 'x', sizeof(bytes));
	ck_assert_str_eq(pod->spec->node_name, "n1");
	ck_assert_ptr_nonnull(read_pod((struct cs_slice){ NULL, 0 }));
}
END_TEST

// A type that contains itself, which the API does not have.
struct nested {
	ProtobufCMessage base;
	struct nested *inner;
};

static void init_nested(ProtobufCMessage *message);
static const ProtobufCMessageDescriptor nested_descriptor;
static const ProtobufCFieldDescriptor nested_field = {
	.name = "inner",
	.id = 1,
	.label = PROTOBUF_C_LABEL_OPTIONAL,
	.type = PROTOBUF_C_TYPE_MESSAGE,
	.offset = offsetof(struct nested, inner),
	.descriptor = &nested_descriptor,
};
static const unsigned nested_names[] = { 0 };
static const ProtobufCIntRange nested_ranges[] = { { 1, 0 }, { 0, 1 } };
static const ProtobufCMessageDescriptor nested_descriptor = {
	.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	.name = "Nested",
	.short_name = "Nested",
	.sizeof_message = sizeof(struct nested),
	.n_fields = 1,
	.fields = &nested_field,
	.fields_sorted_by_name = nested_names,
	.n_field_ranges = 1,
	.field_ranges = nested_ranges,
	.message_init = init_nested,
};

static void init_nested(ProtobufCMessage *message)
{
	*(struct nested *)message = (struct nested){ .base.descriptor = &nested_descriptor };
}

START_TEST(nesting_bombs)
{
	enum { SIZE = 2 * CS_PROTOBUF_DEPTH_MAX };
	char bytes[SIZE];
	for (int i = 0; i < SIZE; i += 2) {
		bytes[i] = 0x0a;
		bytes[i + 1] = (char)(SIZE - i - 2);
	}
	ProtobufCMessage *message;
	struct cs_slice deepest = { bytes + 2, SIZE - 2 };
	ck_assert_int_eq(cs_protobuf_read(&nested_descriptor, deepest, arena, &message, NULL), 0);
	expect_error(&nested_descriptor, (struct cs_slice){ bytes, SIZE },
		     "Nested: nested too deep");
}
END_TEST

START_TEST(too_many_parts)
{
	size_t size = 2 * (size_t)CS_PROTOBUF_PARTS_MAX;
	CS_AUTO_FREE char *bytes = cs_alloc(size + 2);
	for (size_t i = 0; i < size + 2; i += 2)
		bytes[i] = 0x12;
	ProtobufCMessage *message;
	ck_assert_int_eq(cs_protobuf_read(&kube__list__descriptor, (struct cs_slice){ bytes, size },
					  arena, &message, NULL),
			 0);
	ck_assert_uint_eq(((Kube__List *)message)->n_items, CS_PROTOBUF_PARTS_MAX);
	expect_error(&kube__list__descriptor, (struct cs_slice){ bytes, size + 2 },
		     "List.items: too many parts");
}
END_TEST

// ---- what the reader and the codec rely on ----

static void check_type(const ProtobufCMessageDescriptor *type, unsigned depth)
{
	ck_assert_uint_lt(depth, CS_PROTOBUF_DEPTH_MAX);
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		bool pointer = field->type == PROTOBUF_C_TYPE_STRING ||
			       field->type == PROTOBUF_C_TYPE_MESSAGE ||
			       field->type == PROTOBUF_C_TYPE_BYTES;
		bool scalar = field->type == PROTOBUF_C_TYPE_INT32 ||
			      field->type == PROTOBUF_C_TYPE_INT64 ||
			      field->type == PROTOBUF_C_TYPE_BOOL;
		char name[CS_NAME_SIZE];
		ck_assert_msg(pointer || scalar, "%s.%s", type->name, field->name);
		ck_assert_msg(field->label == PROTOBUF_C_LABEL_OPTIONAL ||
				      (field->label == PROTOBUF_C_LABEL_REPEATED && pointer),
			      "%s.%s", type->name, field->name);
		ck_assert_uint_eq(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF, 0);
		ck_assert(i == 0 || type->fields[i - 1].id < field->id);
		ck_assert_uint_lt(strlen(field->name), CS_NAME_SIZE);
		ck_assert_ptr_eq(cs_name_find(type, cs_name_json(field, name)), field);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			check_type(field->descriptor, depth + 1);
	}
}

START_TEST(types_have_only_what_is_read)
{
	check_type(types[_i], 0);
}
END_TEST

START_TEST(json_names)
{
	char name[CS_NAME_SIZE];
	const ProtobufCMessageDescriptor *spec = &kube__pod_spec__descriptor;
	const ProtobufCMessageDescriptor *status = &kube__pod_status__descriptor;
	ck_assert_str_eq(cs_name_find(spec, "nodeName")->name, "node_name");
	ck_assert_str_eq(cs_name_find(status, "hostIP")->name, "hostIP");
	ck_assert_str_eq(cs_name_find(status, "podIPs")->name, "podIPs");
	ck_assert_str_eq(cs_name_json(cs_name_find(status, "qosClass"), name), "qosClass");
	static const char *const missing[] = { "node_name", "NodeName", "nodename", "",
					       "hostip",    "host_ip",  "hostIp",   "HostIP",
					       "qosC",      "podiPs" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(missing); i++) {
		ck_assert_ptr_null(cs_name_find(spec, missing[i]));
		ck_assert_ptr_null(cs_name_find(status, missing[i]));
	}
	char long_name[500];
	memset(long_name, 'A', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_ptr_null(cs_name_find(spec, long_name));
}
END_TEST

// ---- envelope ----

START_TEST(written_objects_come_back)
{
	for (const struct cs_kind *const *kind = cs_kinds; *kind; kind++) {
		CS_AUTO_BUFFER struct cs_buffer out;
		cs_buffer_init(&out, 1 << 20);
		cs_buffer_append_string(&out, "before");
		ProtobufCMessage *message = message_random((*kind)->descriptor, &generator, arena);
		ck_assert_int_eq(cs_protobuf_write(*kind, message, &out, NULL), 0);
		struct cs_slice bytes = { out.data + 6, out.size - 6 };
		Kube__Unknown unknown;
		ck_assert_int_eq(cs_protobuf_read_envelope(bytes, arena, &unknown, NULL), 0);
		ck_assert_ptr_eq(
			cs_kind_find(unknown.type_meta->api_version, unknown.type_meta->kind),
			*kind);
		ck_assert(unknown.has_raw);
		ck_assert_ptr_eq(unknown.raw.data + unknown.raw.len, out.data + out.size);
		ProtobufCMessage *back;
		struct cs_slice raw = cs_protobuf_bytes(unknown.raw);
		ck_assert_int_eq(cs_protobuf_read((*kind)->descriptor, raw, arena, &back, NULL), 0);
		ck_assert(message_equal(back, message));
		ck_assert_int_eq(out.data[out.size], '\0');
	}
}
END_TEST

START_TEST(writing_past_the_buffer_fails)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_error err;
	Kube__Pod pod = KUBE__POD__INIT;
	cs_buffer_init(&out, 10);
	ck_assert_int_eq(cs_protobuf_write(&cs_kind_pod, &pod.base, &out, &err), -EMSGSIZE);
	ck_assert_ptr_nonnull(strstr(err.text, "Pod"));
	ck_assert_uint_eq(out.size, 0);
}
END_TEST

START_TEST(bad_envelopes)
{
	static const struct {
		struct cs_slice bytes;
		const char *words;
	} all[] = {
		{ { NULL, 0 }, "not protobuf of the Kubernetes API" },
		{ CS_SLICE("k8s"), "not protobuf of the Kubernetes API" },
		{ CS_SLICE("k8s\1"), "not protobuf of the Kubernetes API" },
		{ CS_SLICE("{\"kind\":\"Status\"}"), "not protobuf of the Kubernetes API" },
		{ CS_SLICE("k8s\0\x12\x7f"), "Unknown.raw: is cut off or has a wrong length" },
		{ CS_SLICE("k8s\0\x10\x01"), "Unknown.raw: wrong wire type" },
		{ CS_SLICE("k8s\0\x0a\x02\x0a\x05"),
		  "TypeMeta.apiVersion: is cut off or has a wrong length" },
		{ CS_SLICE("k8s\0\x1a\x04gzip"), "Unknown.contentEncoding: \"gzip\" is not known" },
		{ CS_SLICE("k8s\0\x22\x10"
			   "application/json"),
		  "Unknown.contentType: \"application/json\" is not protobuf" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(all); i++) {
		Kube__Unknown unknown;
		struct cs_error err;
		ck_assert_int_eq(cs_protobuf_read_envelope(all[i].bytes, arena, &unknown, &err),
				 -EBADMSG);
		ck_assert_str_eq(err.text, all[i].words);
	}
}
END_TEST

START_TEST(sparse_envelopes)
{
	Kube__Unknown unknown;
	ck_assert_int_eq(cs_protobuf_read_envelope(CS_SLICE("k8s\0"), arena, &unknown, NULL), 0);
	ck_assert(!unknown.has_raw);
	ck_assert_ptr_null(unknown.type_meta);
	// As the API server writes it: empty encoding and content type.
	ck_assert_int_eq(cs_protobuf_read_envelope(CS_SLICE("k8s\0\x12\x00\x1a\x00\x22\x00"), arena,
						   &unknown, NULL),
			 0);
	ck_assert(unknown.has_raw);
	ck_assert_uint_eq(unknown.raw.len, 0);
}
END_TEST

// ---- frames ----

static struct cs_slice frame_of(struct cs_slice event)
{
	unsigned char *bytes = cs_arena_alloc(arena, event.size + 4);
	bytes[0] = (unsigned char)(event.size >> 24);
	bytes[1] = (unsigned char)(event.size >> 16);
	bytes[2] = (unsigned char)(event.size >> 8);
	bytes[3] = (unsigned char)event.size;
	memcpy(bytes + 4, event.data, event.size);
	return (struct cs_slice){ (char *)bytes, event.size + 4 };
}

static struct cs_slice added_frame(struct cs_slice object)
{
	Kube__RawExtension raw = KUBE__RAW_EXTENSION__INIT;
	raw.has_raw = 1;
	raw.raw = (ProtobufCBinaryData){ object.size, (uint8_t *)(uintptr_t)object.data };
	Kube__WatchEvent event = KUBE__WATCH_EVENT__INIT;
	event.type = (char[]){ "ADDED" };
	event.object = &raw;
	return frame_of(pack(&event.base));
}

START_TEST(frames_come_one_by_one)
{
	struct cs_slice first = added_frame(CS_SLICE("one")),
			second = added_frame(CS_SLICE("two!"));
	char *bytes = cs_arena_alloc(arena, first.size + second.size);
	memcpy(bytes, first.data, first.size);
	memcpy(bytes + first.size, second.data, second.size);
	struct cs_slice in = { bytes, first.size + second.size };
	struct cs_protobuf_frame frame;
	ck_assert_int_eq(cs_protobuf_next_frame(in, &frame, NULL), 1);
	ck_assert(cs_slice_equal(frame.type, CS_SLICE("ADDED")));
	ck_assert(cs_slice_equal(frame.object, CS_SLICE("one")));
	ck_assert_uint_eq(frame.used, first.size);
	in.data += frame.used;
	in.size -= frame.used;
	for (size_t size = 0; size < in.size; size++)
		ck_assert_int_eq(
			cs_protobuf_next_frame((struct cs_slice){ in.data, size }, &frame, NULL),
			0);
	ck_assert_int_eq(cs_protobuf_next_frame(in, &frame, NULL), 1);
	ck_assert(cs_slice_equal(frame.object, CS_SLICE("two!")));
	ck_assert_uint_eq(frame.used, in.size);
}
END_TEST

START_TEST(odd_frames)
{
	struct cs_protobuf_frame frame;
	// Unknown fields, no object, the last of two types.
	ck_assert_int_eq(cs_protobuf_next_frame(frame_of(CS_SLICE("\x0a\x01X\x18\x05\x0a\x01Y")),
						&frame, NULL),
			 1);
	ck_assert(cs_slice_equal(frame.type, CS_SLICE("Y")));
	ck_assert_uint_eq(frame.object.size, 0);
	// The largest size is waited for.
	ck_assert_int_eq(cs_protobuf_next_frame(CS_SLICE("\x01\x00\x00\x00"), &frame, NULL), 0);
}
END_TEST

START_TEST(bad_frames)
{
	static const struct {
		struct cs_slice event;
		const char *words;
	} all[] = {
		{ CS_SLICE(""), "WatchEvent.type: is missing" },
		{ CS_SLICE("\x12\x00"), "WatchEvent.type: is missing" },
		{ CS_SLICE("\x12\x03\x0a\x01Z"), "WatchEvent.type: is missing" },
		{ CS_SLICE("\x08\x01"), "WatchEvent.type: wrong wire type" },
		{ CS_SLICE("\x08\x01\x12\x03\x0a\x01Z"), "WatchEvent.type: wrong wire type" },
		{ CS_SLICE("\x0a\x05X"), "WatchEvent.type: is cut off or has a wrong length" },
		{ CS_SLICE("\x0a\x01X\x12\x02\x0a\x05"),
		  "RawExtension.raw: is cut off or has a wrong length" },
		{ CS_SLICE("\x0a\x01X\x10\x02"), "WatchEvent.object: wrong wire type" },
	};
	struct cs_protobuf_frame frame;
	struct cs_error err;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(all); i++) {
		ck_assert_int_eq(cs_protobuf_next_frame(frame_of(all[i].event), &frame, &err), 1);
		ck_assert_str_eq(err.text, all[i].words);
		ck_assert_uint_eq(frame.type.size, 0);
		ck_assert_uint_eq(frame.used, all[i].event.size + 4);
		// What is there of it may name it.
		bool object = memchr(all[i].event.data, 'Z', all[i].event.size) != NULL;
		ck_assert_uint_eq(frame.object.size, object);
	}
	ck_assert_int_eq(cs_protobuf_next_frame(CS_SLICE("\x01\x00\x00\x01"), &frame, &err),
			 -EBADMSG);
	// What a server says that does not speak protobuf.
	ck_assert_int_eq(cs_protobuf_next_frame(CS_SLICE("{\"type\":"), &frame, &err), -EBADMSG);
	ck_assert_int_eq(cs_protobuf_next_frame(CS_SLICE("\xff\xff\xff\xff"), &frame, &err),
			 -EBADMSG);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120); // under sanitizers
	suite_add_tcase(suite, tcase);
	return tcase;
}

Suite *test_suite(void)
{
	Suite *suite = suite_create("protobuf");
	const int n = CS_ARRAY_LENGTH(types);
	TCase *tcase = add_case(suite, "against protobuf-c");
	tcase_add_loop_test(tcase, random_messages_read_as_protobuf_c_reads_them, 0, n);
	tcase_add_loop_test(tcase, messages_cut_at_every_byte, 0, 2); // Pod, Node
	tcase_add_loop_test(tcase, mangled_bytes, 0, n);
	tcase_add_loop_test(tcase, fields_may_come_in_any_order_and_twice, 0, n);
	tcase = add_case(suite, "reading");
	tcase_add_test(tcase, unknown_fields_of_all_wire_types_are_skipped);
	tcase_add_test(tcase, scalars_are_read_as_upstream_writes_them);
	tcase_add_test(tcase, errors_name_message_and_field);
	tcase_add_test(tcase, huge_lengths);
	tcase_add_test(tcase, strings_with_nul_and_broken_utf8);
	tcase_add_test(tcase, nothing_is_kept_of_the_input);
	tcase_add_test(tcase, nesting_bombs);
	tcase_add_test(tcase, too_many_parts);
	tcase_add_loop_test(tcase, types_have_only_what_is_read, 0, n);
	tcase_add_test(tcase, json_names);
	tcase = add_case(suite, "envelope");
	tcase_add_test(tcase, written_objects_come_back);
	tcase_add_test(tcase, writing_past_the_buffer_fails);
	tcase_add_test(tcase, bad_envelopes);
	tcase_add_test(tcase, sparse_envelopes);
	tcase = add_case(suite, "frames");
	tcase_add_test(tcase, frames_come_one_by_one);
	tcase_add_test(tcase, odd_frames);
	tcase_add_test(tcase, bad_frames);
	return suite;
}
