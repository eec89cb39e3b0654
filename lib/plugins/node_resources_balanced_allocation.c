// NodeResourcesBalancedAllocation: a pod should not leave a node with much of one resource and
// nothing of another. Neighbours: kernel.c, resource_terms.c; mirrors
// plugins/noderesources/balanced_allocation.go of 1.36.
#include <errno.h>
#include <math.h>

#include <csched/base/memory.h>

#include "plugins.h"
#include "resource_terms.h"

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_args_resources *resources = self->args;
	bool asks = false;
	for (uint32_t i = 0; i < resources->n; i++)
		asks |= cs_resource_terms_ask(cycle, resources->items[i].name).asked != 0;
	if (!asks)
		return CS_PREPARE_SKIP;
	self->score_state = cs_resource_terms_make(cycle, resources, false);
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
	if (!pointer)
		return;
	cs_args_finish_resources(pointer);
	free(pointer);
}

static int check_names(const struct cs_args_resources *resources, struct cs_error *err)
{
	for (uint32_t i = 0; i < resources->n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (cs_string_equal(resources->items[i].name, resources->items[k].name))
				return cs_error_set(err, -EINVAL,
						    "resources[%u].name: \"%s\" is listed twice", i,
						    resources->items[i].name);
	return 0;
}

static int configure(struct json_object *from, void **ret, struct cs_error *err)
{
	static const char *const known[] = { "resources", NULL };
	int r = cs_args_check(
		from,
		&(struct cs_args_shape){
			.path = "", .kind = "NodeResourcesBalancedAllocationArgs", .known = known },
		err);
	if (r < 0)
		return r;
	struct cs_args_resources *resources = cs_alloc(sizeof(*resources));
	r = cs_args_read_resources(cs_value_at(from, "resources"), "resources", 1, resources, err);
	if (r == 0)
		r = check_names(resources, err);
	if (r < 0) {
		free_args(resources);
		return r;
	}
	*ret = resources;
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
