// Reads a scenario: one table per kind of object says fields, defaults and bounds.
// Neighbours: scenario.h, scenarios/*.yaml; base's value.h reads YAML.
#include "scenario.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>

#define PODS_MAX         100000
#define NODE_SECONDS_MAX 10000000 // 400 MB

struct field {
	const char *name;
	size_t offset;
	bool range; // two numbers, or one for both
	double unset;
	double max;
};

#define ONE(type, name, member, unset, max)                            \
	{                                                              \
		name, offsetof(struct type, member), false, unset, max \
	}
#define TWO(type, name, member, unset, max)                           \
	{                                                             \
		name, offsetof(struct type, member), true, unset, max \
	}

static const struct field scenario_fields[] = {
	ONE(scenario, "seconds", seconds, 900, 7200),
	ONE(scenario, "measureFrom", measure_from, 0, 7200),
	ONE(scenario, "fullConnections", full, 1000, 1e9),
	ONE(scenario, "requestFilter", filter, 1, 1),
	ONE(scenario, "scrapeInterval", interval, 30, 3600),
	ONE(scenario, "scrapeWindow", window, 60, 3600),
	ONE(scenario, "scrapeDelay", delay, 0, 3600),
	ONE(scenario, "scrapeStops", stops, -1, 7200),
	ONE(scenario, "missing", missing, 0, 1),
	{ 0 },
};

static const struct field node_fields[] = {
	ONE(nodes, "count", count, 1, 1000),
	ONE(nodes, "cpu", capacity[CPU], 16, 1e6),
	ONE(nodes, "memory", capacity[MEMORY], 64, 1e6),
	ONE(nodes, "weight", weight, 100, 1000),
	ONE(nodes, "speed", speed, 1, 100),
	TWO(nodes, "baseCPU", base[CPU], 0, 1),
	TWO(nodes, "baseMemory", base[MEMORY], 0, 1),
	TWO(nodes, "baseConnections", base[CONNECTIONS], 0, 1e9),
	TWO(nodes, "baseRequested", base_requested, -1, 1),
	{ 0 },
};

static const struct field pod_fields[] = {
	ONE(pods, "workloads", workloads, 1, 1000),
	ONE(pods, "replicas", replicas, 1, 10000),
	ONE(pods, "start", start, 0, 7200),
	ONE(pods, "over", over, 0, 7200),
	TWO(pods, "requestCPU", request[CPU], 0, 1e6),
	TWO(pods, "requestMemory", request[MEMORY], 0, 1e6),
	ONE(pods, "limitCPU", limit[CPU], 0, 1e3),
	ONE(pods, "limitMemory", limit[MEMORY], 0, 1e3),
	TWO(pods, "useCPU", use[CPU], 1, 1e6),
	TWO(pods, "useMemory", use[MEMORY], 1, 1e6),
	TWO(pods, "connections", connections, 0, 1e9),
	ONE(pods, "annotated", annotated, 0, 1),
	ONE(pods, "spread", spread, 0, 1),
	ONE(pods, "sigma", sigma, 0, 3),
	ONE(pods, "rampCPU", ramp[CPU], 0, 7200),
	ONE(pods, "rampMemory", ramp[MEMORY], 0, 7200),
	ONE(pods, "rampConnections", ramp[CONNECTIONS], 0, 7200),
	ONE(pods, "noise", noise, 0, 1),
	ONE(pods, "lifetime", lifetime, 0, 1e6),
	{ 0 },
};

static int read_number(struct json_object *value, const struct field *field, double *ret,
		       struct cs_error *err)
{
	if (!json_object_is_type(value, json_type_int) &&
	    !json_object_is_type(value, json_type_double))
		return cs_error_set(err, -EINVAL, "%s: not a number", field->name);
	*ret = json_object_get_double(value);
	if (!(*ret >= 0 && *ret <= field->max))
		return cs_error_set(err, -EINVAL, "%s: not from 0 to %g", field->name, field->max);
	return 0;
}

static int read_field(struct json_object *value, const struct field *field, void *to,
		      struct cs_error *err)
{
	double *number = (double *)(void *)((char *)to + field->offset);
	if (!field->range)
		return read_number(value, field, number, err);
	if (!json_object_is_type(value, json_type_array)) {
		int r = read_number(value, field, &number[0], err);
		number[1] = number[0];
		return r;
	}
	if (json_object_array_length(value) != 2)
		return cs_error_set(err, -EINVAL, "%s: not one number, or two", field->name);
	for (size_t i = 0; i < 2; i++) {
		int r = read_number(json_object_array_get_idx(value, i), field, &number[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void set_defaults(const struct field *fields, void *to)
{
	for (const struct field *field = fields; field->name; field++) {
		double *number = (double *)(void *)((char *)to + field->offset);
		number[0] = field->unset;
		if (field->range)
			number[1] = field->unset;
	}
}

static const char *const other_members[] = { "name", "about", "nodes", "pods", NULL };
static const char *const no_others[] = { NULL };

static bool in_list(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

// Members that are no fields of the table, and not in `others`, are errors.
static int read_object(struct json_object *object, const struct field *fields,
		       const char *const *others, void *to, struct cs_error *err)
{
	if (!json_object_is_type(object, json_type_object))
		return cs_error_set(err, -EINVAL, "not an object");
	set_defaults(fields, to);
	json_object_object_foreach(object, name, value)
	{
		const struct field *field = fields;
		while (field->name && strcmp(field->name, name) != 0)
			field++;
		if (!field->name && in_list(others, name))
			continue;
		if (!field->name)
			return cs_error_set(err, -EINVAL, "unknown field \"%s\"", name);
		int r = read_field(value, field, to, err);
		if (r < 0)
			return r;
	}
	return 0;
}

struct list {
	const char *name;
	const struct field *fields;
	char *items;
	size_t item_size;
	uint32_t *count;
};

static int read_list(struct json_object *document, const struct list *list, struct cs_error *err)
{
	struct json_object *items = cs_value_at(document, list->name);
	size_t n =
		json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
	if (n == 0 || n > GROUPS_MAX)
		return cs_error_set(err, -EINVAL, "%s: not a list of 1 to %d", list->name,
				    GROUPS_MAX);
	for (size_t i = 0; i < n; i++) {
		int r = read_object(json_object_array_get_idx(items, i), list->fields, no_others,
				    list->items + i * list->item_size, err);
		if (r < 0)
			return cs_error_prefix(err, "%s[%zu]", list->name, i);
	}
	*list->count = (uint32_t)n;
	return 0;
}

static int read_name(struct json_object *document, const char *name, char *to, size_t size,
		     struct cs_error *err)
{
	const char *text = cs_value_string_at(document, name);
	if (!text || !*text || strlen(text) >= size)
		return cs_error_set(err, -EINVAL, "%s: not a text of 1 to %zu bytes", name,
				    size - 1);
	snprintf(to, size, "%s", text);
	return 0;
}

static bool is_count(double n)
{
	return n >= 1 && n == floor(n);
}

// The name is one of a file, and of a plot.
static int check_name(const char *name, struct cs_error *err)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(" -_.", *c))
			return cs_error_set(
				err, -EINVAL,
				"name: only letters, digits, spaces and - _ . are allowed");
	return 0;
}

static int check_ranges(const struct field *fields, const void *group, struct cs_error *err)
{
	for (const struct field *field = fields; field->name; field++) {
		const double *at = (const void *)((const char *)group + field->offset);
		if (field->range && at[0] > at[1])
			return cs_error_set(err, -EINVAL, "%s: from %g down to %g", field->name,
					    at[0], at[1]);
	}
	return 0;
}

static int check_size(const struct scenario *scenario, struct cs_error *err)
{
	double nodes = 0, pods = 0;
	for (uint32_t i = 0; i < scenario->n_nodes; i++) {
		nodes += scenario->nodes[i].count;
		if (!is_count(scenario->nodes[i].count))
			return cs_error_set(err, -EINVAL,
					    "nodes[%u]: count: not a whole number above 0", i);
		if (check_ranges(node_fields, &scenario->nodes[i], err) < 0)
			return cs_error_prefix(err, "nodes[%u]", i);
	}
	for (uint32_t i = 0; i < scenario->n_pods; i++) {
		const struct pods *group = &scenario->pods[i];
		pods += group->workloads * group->replicas;
		if (!is_count(group->workloads) || !is_count(group->replicas))
			return cs_error_set(
				err, -EINVAL,
				"pods[%u]: workloads, replicas: not whole numbers above 0", i);
		if (check_ranges(pod_fields, group, err) < 0)
			return cs_error_prefix(err, "pods[%u]", i);
	}
	if (pods > PODS_MAX || nodes * scenario->seconds > NODE_SECONDS_MAX)
		return cs_error_set(err, -EINVAL, "more than %d pods, or nodes * seconds above %d",
				    PODS_MAX, NODE_SECONDS_MAX);
	return 0;
}

static int check(const struct scenario *scenario, struct cs_error *err)
{
	if (!is_count(scenario->seconds))
		return cs_error_set(err, -EINVAL, "seconds: not a whole number above 0");
	if (scenario->measure_from >= scenario->seconds)
		return cs_error_set(err, -EINVAL, "measureFrom: not below seconds");
	if (scenario->interval < 1 || scenario->full <= 0)
		return cs_error_set(err, -EINVAL,
				    "scrapeInterval must be 1 at least, fullConnections above 0");
	for (uint32_t i = 0; i < scenario->n_nodes; i++) {
		const struct nodes *nodes = &scenario->nodes[i];
		if (nodes->capacity[CPU] <= 0 || nodes->capacity[MEMORY] <= 0 ||
		    nodes->weight < 1 || nodes->speed <= 0)
			return cs_error_set(err, -EINVAL,
					    "nodes[%u]: cpu, memory and speed must be above 0, "
					    "weight 1 at least",
					    i);
	}
	int r = check_name(scenario->name, err);
	return r < 0 ? r : check_size(scenario, err);
}

static int read_document(struct json_object *document, struct scenario *ret, struct cs_error *err)
{
	struct list lists[] = {
		{ "nodes", node_fields, (char *)ret->nodes, sizeof(*ret->nodes), &ret->n_nodes },
		{ "pods", pod_fields, (char *)ret->pods, sizeof(*ret->pods), &ret->n_pods },
	};
	int r = read_object(document, scenario_fields, other_members, ret, err);
	for (size_t i = 0; r == 0 && i < CS_ARRAY_LENGTH(lists); i++)
		r = read_list(document, &lists[i], err);
	if (r == 0)
		r = read_name(document, "name", ret->name, sizeof(ret->name), err);
	if (r == 0)
		r = read_name(document, "about", ret->about, sizeof(ret->about), err);
	return r < 0 ? r : check(ret, err);
}

int scenario_read(const char *file_name, struct cs_slice text, struct scenario *ret,
		  struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	memset(ret, 0, sizeof(*ret));
	int r = cs_value_read_yaml(text, &documents, err);
	if (r == 0 && json_object_array_length(documents) != 1)
		r = cs_error_set(err, -EINVAL, "not one document");
	if (r == 0)
		r = read_document(json_object_array_get_idx(documents, 0), ret, err);
	return r < 0 ? cs_error_prefix(err, "%s", file_name) : 0;
}
