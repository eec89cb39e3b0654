// A tree of values read from JSON or YAML, and its writing back. Neighbours: json-c and libyaml
// inside, json_writer.h for writing; kube's codec turns trees into API objects.
#ifndef CSCHED_BASE_VALUE_H
#define CSCHED_BASE_VALUE_H

#include <json-c/json.h>
#include <stddef.h>

#include <csched/base/error.h>
#include <csched/base/json_writer.h>
#include <csched/base/slice.h>

// A value is json-c's `struct json_object` (NULL = null), used through json-c's own accessors.
// Limits of reading: nesting 64, valid UTF-8 only, duplicate keys and trailing garbage are errors;
// so are integers beyond int64/uint64, and a YAML stream whose aliases stand for more values than
// CS_VALUE_ALIASED_MAX. A double keeps the text it was read from (json_object_get_string).
#define CS_VALUE_ALIASED_MAX 100000

// Reads one JSON document. The caller puts (json_object_put) *ret. Errors say line and column.
int cs_value_read_json(struct cs_slice text, struct json_object **ret, struct cs_error *err);

// Who is told the elements of one list of a document, one after the other, as they are read: a tree
// takes ten times the bytes of its text.
struct cs_value_list {
	const char *path; // "items", "data.result": of keys without dots
	void (*element)(void *user, struct json_object *element); // borrowed during the call
	void *user;
};
// As cs_value_read_json; in *ret that list is empty. What is wrong further down, also behind the
// list, is found after what stands before it was told.
int cs_value_read_json_list(struct cs_slice text, const struct cs_value_list *list,
			    struct json_object **ret, struct cs_error *err);

// Reads a YAML stream as kubectl does (YAML 1.1 scalars: y/yes/on are booleans, 0x1f, 1e3 numbers;
// JSON is YAML too, and JSON values one behind the other) into an array of documents; empty ones
// are left out. Each document that is an object remembers its line: cs_value_line (in json-c's user
// data, so json_object_deep_copy refuses a document; it copies what is inside). -EINVAL with
// "line N: ..." on errors.
int cs_value_read_yaml(struct cs_slice text, struct json_object **ret_documents,
		       struct cs_error *err);
// Who is told what a stream holds while it is read. Values are borrowed during the call, or kept
// with json_object_get. < 0 ends the reading and is what cs_value_read_stream returns.
struct cs_value_listener { // `line` is where it began, from 1
	// An element of the list "items" that a document has at its root, before the rest of the
	// document is known. 1: it will not be in the document; 0: it will, and so will those that
	// follow it, which are not told. Nor are those of a document with anchors before their end.
	int (*item)(void *user, struct json_object *item, int line,
		    struct cs_error *err); // may be NULL
	int (*document)(void *user, struct json_object *document, int line, struct cs_error *err);
};
// As cs_value_read_yaml, without having all documents in memory, nor all of a long list. What is
// wrong further down is found after what stands before it was told.
int cs_value_read_stream(struct cs_slice text, const struct cs_value_listener *listener, void *user,
			 struct cs_error *err);
// The line (from 1) where a document or an item that was told began, 0 if unknown.
int cs_value_line(struct json_object *value);

// Writes the tree.
void cs_value_write(struct json_object *value, struct cs_json_writer *json);
// Writes it as one YAML document in block style; cs_value_read_yaml gives the same tree. -EMSGSIZE
// when `out` is full, -EINVAL for a string that is not UTF-8.
int cs_value_write_yaml(struct json_object *value, struct cs_buffer *out);

// The member at a path "a.b.c" of objects, or NULL.
struct json_object *cs_value_at(struct json_object *value, const char *path);
// The string at a path, or NULL when it is not there or no string. Borrowed.
const char *cs_value_string_at(struct json_object *value, const char *path);

static inline void cs_value_put_pointer(struct json_object **value)
{
	json_object_put(*value);
}
#define CS_AUTO_VALUE __attribute__((cleanup(cs_value_put_pointer)))

#endif
