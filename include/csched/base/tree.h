// Editing json-c trees by sharing: a stored tree is never changed, a new one borrows its branches.
// Neighbours: value.h reads and writes the text; kube's defaults and sim edit.
#ifndef CSCHED_BASE_TREE_H
#define CSCHED_BASE_TREE_H

#include <csched/base/value.h>

// json-c's counts are not atomic: one thread at a time.

// The member, or NULL where `object` is no object or has none.
struct json_object *cs_tree_get(struct json_object *object, const char *key);
// The member's string, or NULL.
const char *cs_tree_string(struct json_object *object, const char *key);
int64_t cs_tree_int(struct json_object *object, const char *key, int64_t fallback);
bool cs_tree_bool(struct json_object *object, const char *key);
// Elements of an array member; 0 where it is none.
size_t cs_tree_length(struct json_object *object, const char *key);

// A new object or array with the same members, each shared. NULL gives NULL.
struct json_object *cs_tree_copy(struct json_object *value);
// A copy that shares nothing.
struct json_object *cs_tree_copy_deep(struct json_object *value);
// Makes the object member `key` private to `object` (a copy, or new and empty), so that it may be
// changed. Borrowed.
struct json_object *cs_tree_own(struct json_object *object, const char *key);
// The same for an array member.
struct json_object *cs_tree_own_array(struct json_object *object, const char *key);

void cs_tree_set(struct json_object *object, const char *key, struct json_object *value); // takes
void cs_tree_set_string(struct json_object *object, const char *key, const char *value);
void cs_tree_set_int(struct json_object *object, const char *key, int64_t value);
void cs_tree_set_bool(struct json_object *object, const char *key, bool value);
void cs_tree_remove(struct json_object *object, const char *key);

// Where `key` is missing or null: gives it that value.
void cs_tree_default_string(struct json_object *object, const char *key, const char *value);
void cs_tree_default_int(struct json_object *object, const char *key, int64_t value);
void cs_tree_default(struct json_object *object, const char *key, struct json_object *value);

// { k1, v1, k2, v2, ..., NULL } as an object of strings.
struct json_object *cs_tree_strings(const char *const *pairs);

#endif
