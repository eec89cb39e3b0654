// What arguments of several plugins have in common, read by framework's tables of fields.
// Neighbours: the configure callbacks of the plugins; csched/framework/fields.h. Rules and words
// mirror apis/config/validation/validation_pluginargs.go, defaults apis/config/v1/defaults.go.
#ifndef CSCHED_LIB_PLUGINS_ARGS_H
#define CSCHED_LIB_PLUGINS_ARGS_H

#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/base/json_writer.h>
#include <csched/base/value.h>
#include <csched/framework/errors.h>
#include <csched/framework/fields.h>

#include "kernel.h"

#define CS_ARGS_RESOURCES_MAX CS_KERNEL_TERMS_MAX

// A resource and its weight in a score.
struct cs_args_resource {
	const char *name;
	struct cs_field_int weight;
};
extern const struct cs_field cs_args_resource_fields[];

// A point of a broken line.
struct cs_args_point {
	struct cs_field_int utilization; // 0..100
	struct cs_field_int score;       // 0..10
};
extern const struct cs_field cs_args_point_fields[];

// Where a list stands and what goes wrong in it.
struct cs_args_place {
	struct cs_arena *arena;
	const char *path; // below args
	struct cs_errors *errors;
};

// Fills a list of struct cs_args_resource up: an empty one becomes cpu and memory, a missing or 0
// weight 1. Names must be there; weights are the caller's to check.
int cs_args_complete_resources(const struct cs_args_place *place, struct cs_field_list *list);
void cs_args_write_resources(const struct cs_field_list *list, struct cs_json_writer *json);

// A list of struct cs_args_point: at least one, increasing, in range.
int cs_args_check_shape(const struct cs_args_place *place, const struct cs_field_list *list);
void cs_args_write_shape(const struct cs_field_list *list, struct cs_json_writer *json);

// Each string of the list is a name as label keys are ("example.com/gpu").
int cs_args_check_names(const struct cs_args_place *place, const struct cs_field_list *list);
int cs_args_check_name(const char *name, const char *path, struct cs_errors *errors);
void cs_args_write_strings(const struct cs_field_list *list, struct cs_json_writer *json);

#endif
