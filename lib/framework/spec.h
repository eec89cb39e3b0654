// A profile as the file says it, before it is merged with the defaults.
// Neighbours: config.c reads it, profile.c makes instances of it.
#ifndef FRAMEWORK_SPEC_H
#define FRAMEWORK_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/framework/errors.h>
#include <csched/framework/fields.h>
#include <csched/framework/plugin.h>

struct cs_profile;

// Upstream's extension points, as named under `plugins`.
enum point {
	POINT_MULTI,
	POINT_PRE_ENQUEUE,
	POINT_QUEUE_SORT,
	POINT_PRE_FILTER,
	POINT_FILTER,
	POINT_POST_FILTER,
	POINT_PRE_SCORE,
	POINT_SCORE,
	POINT_RESERVE,
	POINT_PERMIT,
	POINT_PRE_BIND,
	POINT_BIND,
	POINT_POST_BIND,
	POINT_PLACEMENT_GENERATE,
	POINT_PLACEMENT_SCORE,
	POINT_COUNT,
};
#define POINT_BIT(point) (1u << (point))

extern const char *const point_names[POINT_COUNT];

struct plugin_entry {
	const char *name;
	struct cs_field_int weight;
};

struct plugin_set {
	struct cs_field_list enabled; // of struct plugin_entry
	struct cs_field_list disabled;
};

struct plugin_arguments {
	const char *name;
	struct json_object *args;
};

struct profile_spec {
	const char *scheduler_name;
	struct cs_field_int percentage;
	struct plugin_set points[POINT_COUNT];
	struct cs_field_list plugin_config; // of struct plugin_arguments
};

// Words for the log, collected while reading.
struct warnings {
	uint32_t count;
	char **list;
};
__attribute__((format(printf, 2, 3))) void warnings_add(struct warnings *warnings,
							const char *format, ...);

struct profile_context {
	const struct cs_plugin *const *plugins;
	const char *path; // "profiles[0]"
	bool with_load;   // plugins that work by load are among the defaults
	struct warnings *warnings;
	struct cs_arena *arena;
};

// 0, or -EINVAL with everything that is wrong in `errors`.
int profile_create(const struct profile_spec *spec, const struct profile_context *context,
		   struct cs_profile **ret, struct cs_errors *errors);
void profile_destroy(struct cs_profile *profile);

#endif
