// NodeResourcesBalancedAllocation: a pod should not leave a node with much of one resource and
// nothing of another. Neighbours: kernel.c, resource_terms.c; mirrors
// plugins/noderesources/balanced_allocation.go of 1.36.
#include <errno.h>
#include <math.h>
#include <stddef.h>

#include <csched/base/memory.h>

#include "amounts.h"
#include "plugins.h"
#include "resource_terms.h"

struct balance_args {
	struct cs_arena *arena;         // holds the arguments and this struct
	struct cs_field_list resources; // of struct cs_args_resource
};

// Pods of one demand take the same but for what their status says of a resize: the answers kept for
// a demand are those for these amounts.
static uint64_t version_of(const struct cs_resource_terms *terms)
{
	uint64_t version = terms->n;
	for (uint32_t i = 0; i < terms->n; i++)
		version =
			(version ^ (uint64_t)terms->items[i].asked) * UINT64_C(0x9e3779b97f4a7c15);
	return version;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct balance_args *args = self->args;
	const struct cs_args_resource *resources = args->resources.items;
	bool asks = false;
	for (uint32_t i = 0; i < args->resources.count; i++)
		asks |= cs_resource_terms_ask(cycle, resources[i].name, false).asked != 0;
	if (!asks)
		return CS_PREPARE_SKIP;
	struct cs_resource_terms *terms = cs_resource_terms_make(cycle, &args->resources, false);
	self->score_version = version_of(terms);
	self->score_state = terms;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	const struct cs_resource_terms *terms = self->score_state;
	if (terms->pair)
		cs_kernel_balanced_pair(terms->items, cycle->nodes->balance, rows, out);
	else
		cs_kernel_balanced_all(terms->items, terms->n, rows, out);
}

// How even the resources are used with the pod, or without it: 100 less the standard deviation.
static double explain_balance(const struct cs_resource_terms *terms, uint32_t row, bool with,
			      struct cs_buffer *out)
{
	double parts[CS_ARGS_RESOURCES_MAX], total = 0, squares = 0;
	uint32_t n = 0;
	for (uint32_t i = 0; i < terms->n; i++) {
		const struct cs_kernel_term *term = &terms->items[i];
		double capacity = (double)term->allocatable[row];
		double used = (double)term->used[row] + (with ? (double)term->asked : 0);
		if (term->allocatable[row] <= 0)
			continue;
		parts[n] = used < capacity ? used / capacity : 1;
		cs_buffer_printf(out, "%s%s ", n ? ", " : "", terms->names[i]);
		cs_amount_print(out, terms->names[i], used);
		cs_buffer_append_string(out, " / ");
		cs_amount_print(out, terms->names[i], capacity);
		cs_buffer_printf(out, " = %.4g", parts[n]);
		total += parts[n++];
	}
	for (uint32_t i = 0; i < n; i++)
		squares += (parts[i] - total / n) * (parts[i] - total / n);
	// As the kernels: of two resources half of what is between them.
	double deviation = n > 2 ? sqrt(squares / n) : n == 2 ? fabs(parts[0] - parts[1]) / 2 : 0;
	double balance = floor((1 - deviation) * 100);
	cs_buffer_printf(out, ", 100 x (1 - deviation %.4g) = %.3g", deviation, balance);
	return balance;
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	const struct cs_resource_terms *terms = self->score_state;
	cs_buffer_append_string(out, "without the pod: ");
	double without = explain_balance(terms, row, false, out);
	cs_buffer_append_string(out, "; with it: ");
	double with = explain_balance(terms, row, true, out);
	cs_buffer_printf(out, "; 50 + (50 + %.3g - %.3g) / 2 = %.4g", with, without,
			 50 + (50 + with - without) / 2);
}

static void free_args(void *pointer)
{
	struct balance_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

static const struct cs_field fields[] = {
	CS_FIELD("resources", CS_FIELD_OBJECTS, struct balance_args, resources,
		 .fields = cs_args_resource_fields, .size = sizeof(struct cs_args_resource)),
	{ 0 },
};

static bool is_repeated(const struct cs_args_resource *items, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (cs_string_equal(items[i].name, items[at].name))
			return true;
	return false;
}

static int check_resources(const struct balance_args *args, struct cs_errors *errors)
{
	const struct cs_args_resource *items = args->resources.items;
	int r = 0;
	for (uint32_t i = 0; i < args->resources.count; i++) {
		if (items[i].name && is_repeated(items, i))
			r = cs_errors_duplicate(
				errors, cs_arena_printf(args->arena, "resources[%u].name", i),
				items[i].name);
		if (items[i].weight.value != 1)
			r = cs_errors_invalid_int(
				errors, cs_arena_printf(args->arena, "resources[%u].weight", i),
				items[i].weight.value, "must be 1");
	}
	return r;
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	struct cs_arena *arena = cs_arena_create();
	struct balance_args *args = cs_arena_alloc(arena, sizeof(*args));
	args->arena = arena;
	bool wrong = from && cs_fields_read(from, fields, arena, args, errors) < 0;
	struct cs_args_place place = { arena, "resources", errors };
	wrong |= cs_args_complete_resources(&place, &args->resources) < 0;
	wrong |= check_resources(args, errors) < 0;
	if (wrong) {
		free_args(args);
		return -EINVAL;
	}
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct balance_args *args = pointer;
	cs_json_key(json, "resources");
	cs_args_write_resources(&args->resources, json);
}

static const struct cs_argument arguments[] = {
	{ "resources", "list of {name, weight 1}",
	  "resources that should be used evenly; default cpu and memory" },
	{ 0 },
};

const struct cs_plugin cs_plugin_node_resources_balanced_allocation = {
	.name = "NodeResourcesBalancedAllocation",
	.row_local = true,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.default_weight = 1,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free_args,
};
