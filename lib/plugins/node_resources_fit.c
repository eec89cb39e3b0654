// NodeResourcesFit: a node must have room for what the pod asks; the emptier, the better.
// Neighbours: kernel.c has the loops, resource_terms.c the columns; mirrors
// plugins/noderesources/{fit,least_allocated,most_allocated,requested_to_capacity_ratio}.go.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>

#include <csched/base/memory.h>

#include "amounts.h"
#include "plugins.h"
#include "resource_terms.h"

enum strategy {
	STRATEGY_LEAST,
	STRATEGY_MOST,
	STRATEGY_RATIO,
	STRATEGY_COUNT,
};

static const char *const strategy_names[] = {
	[STRATEGY_LEAST] = "LeastAllocated",
	[STRATEGY_MOST] = "MostAllocated",
	[STRATEGY_RATIO] = "RequestedToCapacityRatio",
	[STRATEGY_COUNT] = NULL,
};

struct fit_args {
	struct cs_arena *arena;                 // holds the arguments and this struct
	struct cs_field_list ignored_resources; // of const char *
	struct cs_field_list ignored_groups; // the part of an extended resource's name before '/'
	enum strategy strategy;
	struct cs_field_list resources; // of struct cs_args_resource
	struct cs_field_list shape;     // of struct cs_args_point; RequestedToCapacityRatio
	double ratio[CS_KERNEL_RATIOS]; // the shape's value per utilization, 0..100
};

// What one pod asks of columns, without what is ignored or 0.
struct fit_state {
	uint32_t n;
	struct {
		uint32_t column;
		int64_t asked;
	} asks[CS_RESOURCE_FIXED_COUNT + CS_RESOURCE_MAX];
};

static bool has_name(const struct cs_field_list *names, const char *name, size_t size)
{
	struct cs_slice wanted = { .data = name, .size = size };
	const char *const *items = names->items;
	for (uint32_t i = 0; i < names->count; i++) {
		if (cs_slice_equal(cs_slice_of(items[i]), wanted))
			return true;
	}
	return false;
}

static bool is_ignored(const struct fit_args *args, const char *name)
{
	if (!cs_resource_is_extended(name))
		return false;
	return has_name(&args->ignored_resources, name, strlen(name)) ||
	       has_name(&args->ignored_groups, name, strcspn(name, "/"));
}

static const char *column_name(const struct cs_cycle *cycle, uint32_t column)
{
	return cs_intern_string(cs_cluster_strings(cycle->cluster),
				cycle->nodes->resource_name[column]);
}

static void add_ask(struct fit_state *state, uint32_t column, int64_t asked)
{
	if (asked == 0)
		return;
	state->asks[state->n].column = column;
	state->asks[state->n].asked = asked;
	state->n++;
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct fit_args *args = self->args;
	const struct cs_pod_requests *requests = &cycle->demand->requests;
	struct fit_state *state = cs_arena_alloc_raw(cycle->scratch, sizeof(*state));
	state->n = 0;
	for (uint32_t column = 0; column < CS_RESOURCE_FIXED_COUNT; column++)
		add_ask(state, column, requests->fixed[column]);
	for (uint32_t i = 0; i < requests->n_extended; i++) {
		const struct cs_resource_amount *extended = &requests->extended[i];
		if (!is_ignored(args, column_name(cycle, extended->column)))
			add_ask(state, extended->column, extended->amount);
	}
	self->state = state;
	return CS_PREPARE_GO;
}

static struct cs_kernel_fit fit_of(const struct cs_cycle *cycle, const struct fit_state *state,
				   uint32_t i)
{
	uint32_t column = state->asks[i].column;
	return (struct cs_kernel_fit){
		.allocatable = cycle->nodes->allocatable[column],
		.free = cycle->nodes->free[column],
		.asked = state->asks[i].asked,
	};
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	const struct fit_state *state = self->state;
	struct cs_kernel_fit first[2];
	for (uint32_t i = 0; i < 2; i++)
		first[i] = i < state->n ? fit_of(cycle, state, i)
					: (struct cs_kernel_fit){ cycle->nodes->allocatable[0],
								  cycle->nodes->free[0],
								  CS_KERNEL_ASKS_NONE };
	cs_kernel_fit_pods(cycle->nodes->full, first, rows, verdict);
	for (uint32_t i = 2; i < state->n; i++) {
		struct cs_kernel_fit fit = fit_of(cycle, state, i);
		cs_kernel_fit(&fit, rows, verdict);
	}
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	const struct fit_state *state = self->state;
	if (cycle->nodes->full[row])
		say(user, "Too many pods");
	for (uint32_t i = 0; i < state->n; i++) {
		struct cs_kernel_fit fit = fit_of(cycle, state, i);
		if (fit.asked > fit.free[row])
			say(user, cs_arena_printf(cycle->scratch, "Insufficient %s",
						  column_name(cycle, state->asks[i].column)));
	}
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct fit_args *args = self->args;
	self->score_state = cs_resource_terms_make(cycle, &args->resources, true);
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct fit_args *args = self->args;
	const struct cs_resource_terms *terms = self->score_state;
	switch (args->strategy) {
	case STRATEGY_MOST:
		cs_kernel_most_allocated(terms->items, terms->n, rows, out);
		break;
	case STRATEGY_RATIO:
		cs_kernel_capacity_ratio(terms->items, terms->n, args->ratio, rows, out);
		break;
	default:
		if (terms->pair)
			cs_kernel_least_pair(terms->items, rows, out);
		else
			cs_kernel_least_allocated(terms->items, terms->n, rows, out);
	}
}

// ---- in numbers ----

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	const struct fit_state *state = self->state;
	const char *comma = "";
	if (cycle->nodes->full[row]) {
		cs_buffer_printf(out, "%" PRId64 " of %" PRId64 " pods are there",
				 cycle->nodes->n_pods[row], cycle->nodes->max_pods[row]);
		comma = ", ";
	}
	for (uint32_t i = 0; i < state->n; i++) {
		struct cs_kernel_fit fit = fit_of(cycle, state, i);
		const char *name = column_name(cycle, state->asks[i].column);
		double capacity = (double)fit.allocatable[row];
		if (fit.asked <= fit.free[row])
			continue;
		cs_buffer_printf(out, "%sof %s it asks ", comma, name);
		cs_amount_print(out, name, (double)fit.asked);
		cs_buffer_append_string(out, ", and ");
		cs_amount_print(out, name, (double)fit.free[row]);
		cs_buffer_append_string(out, " of ");
		cs_amount_print(out, name, capacity);
		cs_buffer_append_string(out, " are left");
		comma = ", ";
	}
}

// What a resource of a node scores, in percent, truncated. A node that has none of it: -1.
static double explain_term(const struct fit_args *args, const struct cs_kernel_term *term,
			   const char *name, uint32_t row, struct cs_buffer *out)
{
	double capacity = (double)term->allocatable[row];
	double used = (double)term->used[row], asked = (double)term->asked;
	bool least = args->strategy == STRATEGY_LEAST;
	if (term->allocatable[row] <= 0)
		return -1;
	double sum = used + asked < capacity ? used + asked : capacity;
	double part = floor(100 * (least ? capacity - sum : sum) / capacity);
	cs_buffer_printf(out, "%s 100 x (", name);
	if (least) {
		cs_amount_print(out, name, capacity);
		cs_buffer_append_string(out, " - ");
	}
	cs_amount_print(out, name, used);
	cs_buffer_append_string(out, least ? " - " : " + ");
	cs_amount_print(out, name, asked);
	cs_buffer_append_string(out, ") / ");
	cs_amount_print(out, name, capacity);
	cs_buffer_printf(out, " = %.3g", part);
	if (args->strategy == STRATEGY_RATIO) {
		part = args->ratio[(int)part];
		cs_buffer_printf(out, ", by the shape %.3g", part);
	}
	cs_buffer_append_string(out, "; ");
	return part;
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	const struct fit_args *args = self->args;
	const struct cs_resource_terms *terms = self->score_state;
	double parts[CS_ARGS_RESOURCES_MAX];
	double sum = 0, weights = 0;
	cs_buffer_printf(out, "%s: ", strategy_names[args->strategy]);
	for (uint32_t i = 0; i < terms->n; i++)
		parts[i] = explain_term(args, &terms->items[i], terms->names[i], row, out);
	for (uint32_t i = 0; i < terms->n; i++) {
		double weight = (double)terms->items[i].weight;
		if (parts[i] < 0 || (parts[i] == 0 && args->strategy == STRATEGY_RATIO))
			continue;
		cs_buffer_printf(out, "%s%.3g x %.3g", weights > 0 ? " + " : "(", weight, parts[i]);
		sum += weight * parts[i];
		weights += weight;
	}
	if (weights > 0)
		cs_buffer_printf(out, ") / %.3g = %.4g", weights, sum / weights);
	else
		cs_buffer_append_string(out, "nothing counts = 0");
}

// ---- arguments ----

static void free_args(void *pointer)
{
	struct fit_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

// The arguments as they are written.
struct fit_spec {
	struct cs_field_list ignored_resources;
	struct cs_field_list ignored_groups;
	struct {
		const char *type;
		struct cs_field_list resources;
		struct cs_field_list shape;
	} strategy;
};

static const struct cs_field ratio_fields[] = {
	CS_FIELD("shape", CS_FIELD_OBJECTS, struct fit_spec, strategy.shape,
		 .fields = cs_args_point_fields, .size = sizeof(struct cs_args_point)),
	{ 0 },
};

static const struct cs_field strategy_fields[] = {
	CS_FIELD("type", CS_FIELD_STRING, struct fit_spec, strategy.type),
	CS_FIELD("resources", CS_FIELD_OBJECTS, struct fit_spec, strategy.resources,
		 .fields = cs_args_resource_fields, .size = sizeof(struct cs_args_resource)),
	{ .name = "requestedToCapacityRatio", .type = CS_FIELD_OBJECT, .fields = ratio_fields },
	{ 0 },
};

static const struct cs_field fields[] = {
	CS_FIELD("ignoredResources", CS_FIELD_STRINGS, struct fit_spec, ignored_resources),
	CS_FIELD("ignoredResourceGroups", CS_FIELD_STRINGS, struct fit_spec, ignored_groups),
	{ .name = "scoringStrategy", .type = CS_FIELD_OBJECT, .fields = strategy_fields },
	{ 0 },
};

static int check_groups(const struct fit_args *args, struct cs_errors *errors)
{
	const char *const *groups = args->ignored_groups.items;
	int r = 0;
	for (uint32_t i = 0; i < args->ignored_groups.count; i++)
		if (groups[i] && strchr(groups[i], '/'))
			r = cs_errors_invalid_string(
				errors,
				cs_arena_printf(args->arena, "ignoredResourceGroups[%u]", i),
				groups[i], "resource group name can't contain '/'");
	return r;
}

static int check_weights(const struct fit_args *args, struct cs_errors *errors)
{
	const struct cs_args_resource *items = args->resources.items;
	int r = 0;
	for (uint32_t i = 0; i < args->resources.count; i++)
		if (items[i].weight.value < 1 || items[i].weight.value > 100)
			r = cs_errors_invalid_int(
				errors,
				cs_arena_printf(args->arena, "scoringStrategy.resources[%u].weight",
						i),
				items[i].weight.value,
				cs_arena_printf(args->arena,
						"resource weight of %s not in valid range (0, 100]",
						items[i].name ? items[i].name : ""));
	return r;
}

// NULL: what was given is no string, as has been said.
static int find_strategy(const char *type, enum strategy *ret, struct cs_errors *errors)
{
	for (*ret = 0; type && *ret < STRATEGY_COUNT; ++*ret)
		if (strcmp(strategy_names[*ret], type) == 0)
			return 0;
	*ret = STRATEGY_COUNT;
	return type ? cs_errors_unsupported(errors, "scoringStrategy.type", type, strategy_names)
		    : -EINVAL;
}

static int check_shape(const struct fit_args *args, bool given, struct cs_errors *errors)
{
	static const char path[] = "scoringStrategy.requestedToCapacityRatio";
	if (args->strategy != STRATEGY_RATIO)
		return given ? cs_errors_forbidden(
				       errors, path,
				       "must be nil when type is not RequestedToCapacityRatio")
			     : 0;
	if (!given)
		return cs_errors_required(errors, path,
					  "must be specified when type is "
					  "RequestedToCapacityRatio");
	return cs_args_check_shape(
		&(struct cs_args_place){ args->arena,
					 "scoringStrategy.requestedToCapacityRatio.shape", errors },
		&args->shape);
}

static int check_args(struct fit_args *args, const char *type, bool ratio_given,
		      struct cs_errors *errors)
{
	struct cs_args_place place = { args->arena, "ignoredResources", errors };
	bool wrong = cs_args_check_names(&place, &args->ignored_resources) < 0;
	wrong |= check_groups(args, errors) < 0;
	place.path = "ignoredResourceGroups";
	wrong |= cs_args_check_names(&place, &args->ignored_groups) < 0;
	wrong |= find_strategy(type, &args->strategy, errors) < 0;
	wrong |= check_shape(args, ratio_given, errors) < 0;
	place.path = "scoringStrategy.resources";
	wrong |= cs_args_complete_resources(&place, &args->resources) < 0;
	wrong |= check_weights(args, errors) < 0;
	return wrong ? -EINVAL : 0;
}

// Mirrors plugins/helper/shape_score.go: points joined by straight lines, level outside.
static int64_t value_at(const struct cs_field_list *shape, int64_t utilization)
{
	const struct cs_args_point *points = shape->items;
	uint32_t i = 0;
	while (i < shape->count && points[i].utilization.value < utilization)
		i++;
	if (i == shape->count)
		return points[i - 1].score.value * 10;
	if (i == 0)
		return points[0].score.value * 10;
	int64_t low = points[i - 1].score.value * 10;
	int64_t rise = points[i].score.value * 10 - low;
	int64_t width = points[i].utilization.value - points[i - 1].utilization.value;
	return low + rise * (utilization - points[i - 1].utilization.value) / width;
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	struct cs_arena *arena = cs_arena_create();
	struct fit_args *args = cs_arena_alloc(arena, sizeof(*args));
	struct fit_spec spec = { 0 };
	int r = from ? cs_fields_read(from, fields, arena, &spec, errors) : 0;
	struct json_object *strategy = cs_value_at(from, "scoringStrategy");
	const char *type = spec.strategy.type;
	if (!strategy)
		type = strategy_names[STRATEGY_LEAST];
	else if (json_object_is_type(strategy, json_type_object) && !cs_value_at(strategy, "type"))
		type = "";
	*args = (struct fit_args){
		.arena = arena,
		.ignored_resources = spec.ignored_resources,
		.ignored_groups = spec.ignored_groups,
		.resources = spec.strategy.resources,
		.shape = spec.strategy.shape,
	};
	bool ratio_given = cs_value_at(from, "scoringStrategy.requestedToCapacityRatio") != NULL;
	if (check_args(args, type, ratio_given, errors) < 0 || r < 0) {
		free_args(args);
		return -EINVAL;
	}
	for (int i = 0; i < CS_KERNEL_RATIOS && args->strategy == STRATEGY_RATIO; i++)
		args->ratio[i] = (double)value_at(&args->shape, i);
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct fit_args *args = pointer;
	if (args->ignored_resources.count) {
		cs_json_key(json, "ignoredResources");
		cs_args_write_strings(&args->ignored_resources, json);
	}
	if (args->ignored_groups.count) {
		cs_json_key(json, "ignoredResourceGroups");
		cs_args_write_strings(&args->ignored_groups, json);
	}
	cs_json_member_object_begin(json, "scoringStrategy");
	cs_json_member_string(json, "type", strategy_names[args->strategy]);
	cs_json_key(json, "resources");
	cs_args_write_resources(&args->resources, json);
	if (args->strategy == STRATEGY_RATIO) {
		cs_json_member_object_begin(json, "requestedToCapacityRatio");
		cs_json_key(json, "shape");
		cs_args_write_shape(&args->shape, json);
		cs_json_object_end(json);
	}
	cs_json_object_end(json);
}

static const struct cs_argument arguments[] = {
	{ "ignoredResources", "list of names", "extended resources that are not looked at" },
	{ "ignoredResourceGroups", "list of names",
	  "the same by group: example.com stands for example.com/*" },
	{ "scoringStrategy.type", "LeastAllocated, MostAllocated or RequestedToCapacityRatio",
	  "what scores high: empty nodes (the default), full ones, or what the shape says" },
	{ "scoringStrategy.resources", "list of {name, weight 1..100}",
	  "resources that the score counts; default cpu and memory, each 1" },
	{ "scoringStrategy.requestedToCapacityRatio.shape",
	  "list of {utilization 0..100, score 0..10}",
	  "for RequestedToCapacityRatio: the score by how full the resource gets, in between "
	  "along straight lines" },
	{ 0 },
};

const struct cs_plugin cs_plugin_node_resources_fit = {
	.name = "NodeResourcesFit",
	.row_local = true,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.default_weight = 1,
	.cures = CS_EVENT_POD_DELETE | CS_EVENT_POD_SCALE_DOWN | CS_EVENT_NODE_ADD |
		 CS_EVENT_NODE_ALLOCATABLE | CS_EVENT_NODE_TAINT,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free_args,
};
