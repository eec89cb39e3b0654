// What arguments of several plugins have in common. Neighbours: args.h.
#include "args.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <csched/kube/node_term.h>

#define RANGE_32 .min = INT32_MIN, .max = INT32_MAX

const struct cs_field cs_args_resource_fields[] = {
	CS_FIELD("name", CS_FIELD_STRING, struct cs_args_resource, name),
	CS_FIELD("weight", CS_FIELD_INT, struct cs_args_resource, weight),
	{ 0 },
};

const struct cs_field cs_args_point_fields[] = {
	CS_FIELD("utilization", CS_FIELD_INT, struct cs_args_point, utilization, RANGE_32),
	CS_FIELD("score", CS_FIELD_INT, struct cs_args_point, score, RANGE_32),
	{ 0 },
};

// "scoringStrategy.resources[3].weight", in the arena.
static const char *path_of(const struct cs_args_place *place, uint32_t i, const char *tail)
{
	return cs_arena_printf(place->arena, "%s[%u]%s", place->path, i, tail);
}

static void default_resources(const struct cs_args_place *place, struct cs_field_list *list)
{
	struct cs_args_resource *items = cs_arena_alloc_array(place->arena, 2, sizeof(*items));
	items[0].name = "cpu";
	items[1].name = "memory";
	*list = (struct cs_field_list){ .count = 2, .items = items };
}

int cs_args_complete_resources(const struct cs_args_place *place, struct cs_field_list *list)
{
	int r = 0;
	if (list->count == 0)
		default_resources(place, list);
	if (list->count > CS_ARGS_RESOURCES_MAX)
		return cs_errors_add(place->errors, place->path, "Too many: %u: at most %d items",
				     list->count, CS_ARGS_RESOURCES_MAX);
	struct cs_args_resource *items = list->items;
	for (uint32_t i = 0; i < list->count; i++) {
		if (items[i].weight.value == 0)
			items[i].weight.value = 1;
		if (!items[i].name || !items[i].name[0])
			r = cs_errors_required(place->errors, path_of(place, i, ".name"), "");
	}
	return r;
}

void cs_args_write_resources(const struct cs_field_list *list, struct cs_json_writer *json)
{
	const struct cs_args_resource *items = list->items;
	cs_json_array_begin(json);
	for (uint32_t i = 0; i < list->count; i++) {
		cs_json_object_begin(json);
		cs_json_member_string(json, "name", items[i].name);
		cs_json_member_int(json, "weight", items[i].weight.value);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
}

static int check_point(const struct cs_args_place *place, uint32_t i,
		       const struct cs_args_point *point)
{
	int r = 0;
	if (point->utilization.value < 0 || point->utilization.value > 100)
		r = cs_errors_invalid_int(place->errors, path_of(place, i, ".utilization"),
					  point->utilization.value, "not in valid range [0, 100]");
	if (point->score.value < 0 || point->score.value > 10)
		r = cs_errors_invalid_int(place->errors, path_of(place, i, ".score"),
					  point->score.value, "not in valid range [0, 10]");
	return r;
}

int cs_args_check_shape(const struct cs_args_place *place, const struct cs_field_list *list)
{
	const struct cs_args_point *points = list->items;
	int r = 0;
	if (list->count == 0)
		return cs_errors_required(place->errors, place->path,
					  "at least one point must be specified");
	for (uint32_t i = 1; i < list->count && r == 0; i++)
		if (points[i - 1].utilization.value >= points[i].utilization.value)
			r = cs_errors_invalid_int(place->errors, path_of(place, i, ".utilization"),
						  points[i].utilization.value,
						  "values must be sorted in increasing order");
	for (uint32_t i = 0; i < list->count; i++)
		if (check_point(place, i, &points[i]) < 0)
			r = -EINVAL;
	return r;
}

void cs_args_write_shape(const struct cs_field_list *list, struct cs_json_writer *json)
{
	const struct cs_args_point *points = list->items;
	cs_json_array_begin(json);
	for (uint32_t i = 0; i < list->count; i++) {
		cs_json_object_begin(json);
		cs_json_member_int(json, "utilization", points[i].utilization.value);
		cs_json_member_int(json, "score", points[i].score.value);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
}

// The words are those for a key of a node selector.
int cs_args_check_name(const char *name, const char *path, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_faults faults = { .arena = arena };
	Kube__NodeSelectorRequirement exists = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	Kube__NodeSelectorRequirement *expressions[] = { &exists };
	Kube__NodeSelectorTerm term = KUBE__NODE_SELECTOR_TERM__INIT;
	exists.key = (char *)(uintptr_t)name;
	exists.operator_ = (char *)(uintptr_t) "Exists";
	term.n_match_expressions = 1;
	term.match_expressions = expressions;
	cs_node_term_check(&term, "", &faults);
	if (faults.count == 0)
		return 0;
	// One error per fault, where a selector has one for all: they come joined behind the quoted
	// name, without quotation marks of their own.
	const char *value = strstr(faults.list[0], "Invalid value: ");
	const char *words = strrchr(faults.list[0], '"') + strlen("\": ");
	int head = (int)(words - value);
	while (words) {
		const char *end = strstr(words, "; ");
		int size = (int)(end ? end - words : (ptrdiff_t)strlen(words));
		cs_errors_add(errors, path, "%.*s%.*s", head, value, size, words);
		words = end ? end + strlen("; ") : NULL;
	}
	return -EINVAL;
}

int cs_args_check_names(const struct cs_args_place *place, const struct cs_field_list *list)
{
	const char *const *names = list->items;
	int r = 0;
	for (uint32_t i = 0; i < list->count; i++)
		if (names[i] && cs_args_check_name(names[i], path_of(place, i, ""), place->errors))
			r = -EINVAL;
	return r;
}

void cs_args_write_strings(const struct cs_field_list *list, struct cs_json_writer *json)
{
	const char *const *strings = list->items;
	cs_json_array_begin(json);
	for (uint32_t i = 0; i < list->count; i++)
		cs_json_string(json, strings[i]);
	cs_json_array_end(json);
}
