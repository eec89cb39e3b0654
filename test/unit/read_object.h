// One object of a known kind from YAML, which JSON is too: what is wrong with it fails the test.
// Neighbours: the fixtures and suites of every layer above kube.
#ifndef TEST_UNIT_READ_OBJECT_H
#define TEST_UNIT_READ_OBJECT_H

#include <check.h>

#include <csched/base/value.h>
#include <csched/kube/codec.h>
#include <csched/kube/kind.h>

// In the arena. Fields are as written: defaults are not filled in.
static inline ProtobufCMessage *read_object(const struct cs_kind *kind, const char *text,
					    struct cs_arena *arena)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	ProtobufCMessage *message = NULL;
	struct cs_error err = { 0 };
	int r = cs_value_read_yaml(cs_slice_of(text), &documents, &err);
	ck_assert_msg(r == 0, "%s in\n%s", err.text, text);
	r = cs_codec_read(kind->descriptor, json_object_array_get_idx(documents, 0), arena,
			  &message, &err);
	ck_assert_msg(r == 0, "%s in\n%s", err.text, text);
	return message;
}

#endif
