// NodeResourcesFit: a node must have room for what the pod asks; the emptier, the better.
// Neighbours: kernel.c has the loops, resource_terms.c the columns; mirrors
// plugins/noderesources/fit.go and least_allocated.go.
#include <errno.h>
#include <stddef.h>

#include <csched/base/memory.h>

#include "plugins.h"
#include "resource_terms.h"

struct fit_args {
	struct cs_arena *arena; // holds the arguments and this struct
	struct cs_args_head head;
	struct cs_field_list ignored_resources; // of const char *
	struct cs_field_list ignored_groups; // the part of an extended resource's name before '/'
	struct {
		const char *type;
		struct cs_field_list resources; // of struct cs_args_resource
		struct json_object *ratio;
	} strategy;
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
	const struct cs_requests *requests = &cycle->demand->requests;
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
		.requested = cycle->nodes->requested[column],
		.asked = state->asks[i].asked,
	};
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	const struct fit_state *state = self->state;
	cs_kernel_mark_pods(cycle->nodes->n_pods, cycle->nodes->max_pods, rows, verdict);
	for (uint32_t i = 0; i < state->n; i++) {
		struct cs_kernel_fit fit = fit_of(cycle, state, i);
		cs_kernel_insufficient(&fit, rows, verdict);
	}
	cs_kernel_fit_verdicts(rows, verdict);
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	const struct fit_state *state = self->state;
	if (cycle->nodes->n_pods[row] + 1 > cycle->nodes->max_pods[row])
		say(user, "Too many pods");
	for (uint32_t i = 0; i < state->n; i++) {
		struct cs_kernel_fit fit = fit_of(cycle, state, i);
		if (fit.asked > fit.allocatable[row] - fit.requested[row])
			say(user, cs_arena_printf(cycle->scratch, "Insufficient %s",
						  column_name(cycle, state->asks[i].column)));
	}
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct fit_args *args = self->args;
	self->score_state = cs_resource_terms_make(cycle, &args->strategy.resources, true);
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct cs_resource_terms *terms = self->score_state;
	cs_kernel_least_allocated(terms->items, terms->n, rows, out);
}

static void free_args(void *pointer)
{
	struct fit_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

static const struct cs_field strategy_fields[] = {
	{ .name = "type",
	  .type = CS_FIELD_STRING,
	  .offset = offsetof(struct fit_args, strategy.type) },
	{ .name = "resources",
	  .type = CS_FIELD_OBJECTS,
	  .offset = offsetof(struct fit_args, strategy.resources),
	  .fields = cs_args_resource_fields,
	  .size = sizeof(struct cs_args_resource) },
	{ .name = "requestedToCapacityRatio",
	  .type = CS_FIELD_ANY,
	  .offset = offsetof(struct fit_args, strategy.ratio) },
	{ 0 },
};

static const struct cs_field fields[] = {
	CS_ARGS_HEAD_FIELDS(struct fit_args, head),
	{ .name = "ignoredResources",
	  .type = CS_FIELD_STRINGS,
	  .offset = offsetof(struct fit_args, ignored_resources) },
	{ .name = "ignoredResourceGroups",
	  .type = CS_FIELD_STRINGS,
	  .offset = offsetof(struct fit_args, ignored_groups) },
	{ .name = "scoringStrategy", .type = CS_FIELD_OBJECT, .fields = strategy_fields },
	{ 0 },
};

static int check_strategy(struct fit_args *args, struct cs_error *err)
{
	const char *type = args->strategy.type;
	if (!type || !type[0])
		return cs_error_set(err, -EINVAL, "scoringStrategy.type: required");
	if (!cs_string_equal(type, "LeastAllocated"))
		return cs_error_set(err, -EINVAL,
				    "scoringStrategy.type: \"%s\" is not supported by this "
				    "version, which knows \"LeastAllocated\"",
				    type);
	if (args->strategy.ratio)
		return cs_error_set(err, -EINVAL,
				    "scoringStrategy.requestedToCapacityRatio: only with type "
				    "\"RequestedToCapacityRatio\"");
	return cs_args_complete_resources(
		&(struct cs_args_list){ .list = &args->strategy.resources,
					.arena = args->arena,
					.path = "scoringStrategy.resources" },
		100, err);
}

static int check_args(struct fit_args *args, struct cs_error *err)
{
	int r = cs_args_check_kind(&args->head, "NodeResourcesFitArgs", err);
	if (r == 0)
		r = cs_args_check_names(&args->ignored_resources, "ignoredResources", err);
	if (r == 0)
		r = cs_args_check_names(&args->ignored_groups, "ignoredResourceGroups", err);
	const char *const *groups = args->ignored_groups.items;
	for (uint32_t i = 0; r == 0 && i < args->ignored_groups.count; i++)
		if (strchr(groups[i], '/'))
			r = cs_error_set(err, -EINVAL,
					 "ignoredResourceGroups[%u]: a group has no '/'", i);
	return r < 0 ? r : check_strategy(args, err);
}

static int configure(struct json_object *from, void **ret, struct cs_error *err)
{
	struct cs_arena *arena = cs_arena_create();
	struct fit_args *args = cs_arena_alloc(arena, sizeof(*args));
	args->arena = arena;
	if (!cs_value_at(from, "scoringStrategy"))
		args->strategy.type = "LeastAllocated";
	int r = from ? cs_fields_read(from, fields, arena, args, err) : 0;
	if (r == 0)
		r = check_args(args, err);
	if (r < 0) {
		free_args(args);
		return r;
	}
	*ret = args;
	return 0;
}

static const struct cs_argument arguments[] = {
	{ "ignoredResources", "list of names", "extended resources that are not looked at" },
	{ "ignoredResourceGroups", "list of names",
	  "the same by group: example.com stands for example.com/*" },
	{ "scoringStrategy.type", "LeastAllocated", "how the score is made" },
	{ "scoringStrategy.resources", "list of {name, weight 1..100}",
	  "resources that the score counts; default cpu and memory, each 1" },
	{ 0 },
};

const struct cs_plugin cs_plugin_node_resources_fit = {
	.name = "NodeResourcesFit",
	.row_local = true,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.prepare_score = prepare_score,
	.score = score,
	.default_weight = 1,
	.cures = CS_EVENT_POD_DELETE | CS_EVENT_POD_SCALE_DOWN | CS_EVENT_NODE_ADD |
		 CS_EVENT_NODE_ALLOCATABLE | CS_EVENT_NODE_TAINT,
	.arguments = arguments,
	.configure = configure,
	.free_args = free_args,
};
