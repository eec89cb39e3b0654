// What arguments of several plugins have in common, read by framework's tables of fields.
// Neighbours: the configure callbacks of the plugins; csched/framework/fields.h.
#ifndef CSCHED_LIB_PLUGINS_ARGS_H
#define CSCHED_LIB_PLUGINS_ARGS_H

#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/value.h>
#include <csched/framework/fields.h>

#define CS_ARGS_RESOURCES_MAX 32

// A resource and its weight in a score.
struct cs_args_resource {
	const char *name;
	struct cs_field_int weight; // 1..100 once completed
};
extern const struct cs_field cs_args_resource_fields[];

// The two members that every plugin's arguments may begin with; a table takes them by
// CS_ARGS_HEAD_FIELDS.
struct cs_args_head {
	const char *api_version;
	const char *kind;
};
#define CS_ARGS_HEAD_FIELDS(holder, member)                                                      \
	{ .name = "apiVersion",                                                                  \
	  .type = CS_FIELD_STRING,                                                               \
	  .offset = offsetof(holder, member.api_version) },                                      \
	{                                                                                        \
		.name = "kind", .type = CS_FIELD_STRING, .offset = offsetof(holder, member.kind) \
	}

// kind is `wanted` where it is given.
int cs_args_check_kind(const struct cs_args_head *head, const char *wanted, struct cs_error *err);

// Checks a list of struct cs_args_resource and fills it up: an empty one becomes cpu and memory, a
// missing or 0 weight 1; others must be 1..max_weight. `path` is where it stands, for errors.
struct cs_args_list {
	struct cs_field_list *list;
	struct cs_arena *arena;
	const char *path;
};
int cs_args_complete_resources(const struct cs_args_list *resources, int64_t max_weight,
			       struct cs_error *err);

// Each string of the list is a name as label keys are.
int cs_args_check_names(const struct cs_field_list *list, const char *path, struct cs_error *err);

#endif
