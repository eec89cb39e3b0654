// Reading the arguments of plugins strictly. Neighbours: the configure callbacks of the plugins.
#ifndef CSCHED_LIB_PLUGINS_ARGS_H
#define CSCHED_LIB_PLUGINS_ARGS_H

#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/value.h>

#define CS_ARGS_RESOURCES_MAX 32
#define CS_ARGS_NAMES_MAX     64

// A resource and its weight in a score.
struct cs_args_resource {
	char *name;
	int64_t weight;
};

struct cs_args_resources {
	uint32_t n;
	struct cs_args_resource *items;
};

struct cs_args_names {
	uint32_t n;
	char **items;
};

// `value` must be an object (NULL is fine: nothing given) with no members but those in `known`
// (ends with NULL) and, at the top, apiVersion and kind, which must be `kind` where given.
// `path` is "" at the top.
struct cs_args_shape {
	const char *path;
	const char *kind;
	const char *const *known;
};
int cs_args_check(struct json_object *value, const struct cs_args_shape *shape,
		  struct cs_error *err);

// A list of {name, weight}: NULL gives cpu and memory, each with weight 1. A missing or 0 weight
// is 1; others must be 1..max_weight.
int cs_args_read_resources(struct json_object *value, const char *path, int64_t max_weight,
			   struct cs_args_resources *ret, struct cs_error *err);
void cs_args_finish_resources(struct cs_args_resources *resources);

// A list of names that are label keys; NULL gives none.
int cs_args_read_names(struct json_object *value, const char *path, struct cs_args_names *ret,
		       struct cs_error *err);
void cs_args_finish_names(struct cs_args_names *names);

#endif
