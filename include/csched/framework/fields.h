// Reading configuration objects strictly: a table of fields says what may stand where.
// Neighbours: config.c reads the file with it, plugins their arguments; value.h has the tree.
#ifndef CSCHED_FRAMEWORK_FIELDS_H
#define CSCHED_FRAMEWORK_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/duration.h>
#include <csched/base/error.h>
#include <csched/base/value.h>
#include <csched/framework/errors.h>

// What a field is read into.
enum cs_field_type {
	CS_FIELD_BOOL,     // struct cs_field_bool
	CS_FIELD_INT,      // struct cs_field_int
	CS_FIELD_NUMBER,   // struct cs_field_number
	CS_FIELD_DURATION, // struct cs_field_int, ns
	CS_FIELD_STRING,   // const char *, NULL = not given
	CS_FIELD_STRINGS,  // struct cs_field_list of const char *
	CS_FIELD_OBJECT,   // the struct of its own table, in place
	CS_FIELD_OBJECTS,  // struct cs_field_list of such structs
	CS_FIELD_ANY,      // struct json_object *, borrowed, of any type; NULL = not given
	CS_FIELD_TYPE_COUNT,
};

struct cs_field_bool {
	bool given;
	bool value;
};
struct cs_field_int {
	bool given;
	int64_t value;
};
struct cs_field_number {
	bool given;
	double value;
};
struct cs_field_list {
	uint32_t count;
	void *items;
};

// A row of a table, which ends with a NULL name.
struct cs_field {
	const char *name;
	enum cs_field_type type;
	size_t offset; // in the struct that the table fills
	// INT: bounds, where max > min, and upstream's words for what is outside (NULL: ours).
	int64_t min;
	int64_t max;
	const char *wrong;
	// OBJECT, OBJECTS: of the members; OBJECTS: size of one.
	const struct cs_field *fields;
	size_t size;
};

// A row for `member` of the struct `in`; what else it has follows: CS_FIELD("weight",
// CS_FIELD_INT, struct args, weight, .min = 1, .max = 100).
#define CS_FIELD(json_name, field_type, in, member, ...)                                   \
	{                                                                                  \
		.name = (json_name), .type = (field_type), .offset = offsetof(in, member), \
		__VA_ARGS__                                                                \
	}

// Fills *ret (zeroed by the caller) from an object; null counts as not given. Strings and lists go
// to the arena. -EINVAL when something is wrong: all of it is in `errors`
// ("profiles[0].plugins.score.weight: expected an integer, got a string"), and what could not be
// read is as if not given.
int cs_fields_read(struct json_object *value, const struct cs_field *fields, struct cs_arena *arena,
		   void *ret, struct cs_errors *errors);

#endif
