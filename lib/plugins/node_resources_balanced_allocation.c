// NodeResourcesBalancedAllocation: a pod should not leave a node with much of one resource and
// nothing of another. Neighbours: kernel.c, resource_terms.c; mirrors
// plugins/noderesources/balanced_allocation.go of 1.36.
#include <errno.h>
#include <math.h>
#include <stddef.h>

#include <csched/base/memory.h>

#include "plugins.h"
#include "resource_terms.h"

struct balance_args {
	struct cs_arena *arena; // holds the arguments and this struct
	struct cs_args_head head;
	struct cs_field_list resources; // of struct cs_args_resource
};

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct balance_args *args = self->args;
	const struct cs_args_resource *resources = args->resources.items;
	bool asks = false;
	for (uint32_t i = 0; i < args->resources.count; i++)
		asks |= cs_resource_terms_ask(cycle, resources[i].name).asked != 0;
	if (!asks)
		return CS_PREPARE_SKIP;
	self->score_state = cs_resource_terms_make(cycle, &args->resources, false);
	return CS_PREPARE_GO;
}

// What a node's fractions come to: int64((1 - std) * 100).
static int64_t balance(const double *fractions, uint32_t n)
{
	double std = 0;
	if (n == 2)
		std = fabs((fractions[0] - fractions[1]) / 2);
	if (n > 2) {
		double total = 0;
		for (uint32_t i = 0; i < n; i++)
			total += fractions[i];
		double mean = total / n;
		double sum = 0;
		for (uint32_t i = 0; i < n; i++)
			sum += (fractions[i] - mean) * (fractions[i] - mean);
		std = sqrt(sum / n);
	}
	return (int64_t)((1 - std) * 100);
}

static int64_t score_row(const struct cs_resource_terms *terms, uint32_t row)
{
	double with[CS_ARGS_RESOURCES_MAX];
	double without[CS_ARGS_RESOURCES_MAX];
	uint32_t n = 0;
	for (uint32_t i = 0; i < terms->n; i++) {
		const struct cs_kernel_term *term = &terms->items[i];
		double capacity = term->allocatable_double[row];
		if (capacity <= 0)
			continue;
		with[n] = fmin((term->used_double[row] + (double)term->asked) / capacity, 1);
		without[n] = fmin(term->used_double[row] / capacity, 1);
		n++;
	}
	return 50 + (50 + balance(with, n) - balance(without, n)) / 2;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct cs_resource_terms *terms = self->score_state;
	if (terms->n == 2) {
		cs_kernel_balanced_pair(terms->items, rows, out);
		return;
	}
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = score_row(terms, row);
}

static void free_args(void *pointer)
{
	struct balance_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

static const struct cs_field fields[] = {
	CS_ARGS_HEAD_FIELDS(struct balance_args, head),
	{ .name = "resources",
	  .type = CS_FIELD_OBJECTS,
	  .offset = offsetof(struct balance_args, resources),
	  .fields = cs_args_resource_fields,
	  .size = sizeof(struct cs_args_resource) },
	{ 0 },
};

static int check_args(struct balance_args *args, struct cs_error *err)
{
	int r = cs_args_check_kind(&args->head, "NodeResourcesBalancedAllocationArgs", err);
	if (r == 0)
		r = cs_args_complete_resources(&(struct cs_args_list){ .list = &args->resources,
								       .arena = args->arena,
								       .path = "resources" },
					       1, err);
	const struct cs_args_resource *items = args->resources.items;
	for (uint32_t i = 0; r == 0 && i < args->resources.count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (cs_string_equal(items[i].name, items[k].name))
				r = cs_error_set(err, -EINVAL,
						 "resources[%u].name: \"%s\" is listed twice", i,
						 items[i].name);
	return r;
}

static int configure(struct json_object *from, void **ret, struct cs_error *err)
{
	struct cs_arena *arena = cs_arena_create();
	struct balance_args *args = cs_arena_alloc(arena, sizeof(*args));
	args->arena = arena;
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
	{ "resources", "list of {name, weight 1}",
	  "resources that should be used evenly; default cpu and memory" },
	{ 0 },
};

const struct cs_plugin cs_plugin_node_resources_balanced_allocation = {
	.name = "NodeResourcesBalancedAllocation",
	.row_local = true,
	.prepare_score = prepare_score,
	.score = score,
	.default_weight = 1,
	.arguments = arguments,
	.configure = configure,
	.free_args = free_args,
};
