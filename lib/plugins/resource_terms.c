// From configured resources to kernel terms. Neighbours: resource_terms.h.
// Mirrors plugins/noderesources/resource_allocation.go (calculateNodeAllocatableRequest).
#include "resource_terms.h"

static struct cs_resource_ask ask_extended(const struct cs_pod_requests *requests, uint32_t column,
					   bool nonzero)
{
	struct cs_resource_ask ask = { .column = column };
	for (uint32_t i = 0; i < requests->n_extended; i++) {
		if (requests->extended[i].column == column) {
			ask.asked = nonzero ? requests->extended[i].score
					    : requests->extended[i].amount;
		}
	}
	return ask;
}

struct cs_resource_ask cs_resource_terms_ask(struct cs_cycle *cycle, const char *name, bool nonzero)
{
	const struct cs_pod_requests *requests =
		nonzero ? &cycle->demand->requests : &cycle->pod->footprint->requests;
	uint32_t column = cs_cluster_find_resource(cycle->cluster, name);
	if (column >= CS_RESOURCE_FIXED_COUNT)
		return ask_extended(requests, column, nonzero);
	int64_t asked = requests->fixed[column];
	if (nonzero && column == CS_RESOURCE_CPU)
		asked = requests->score_cpu;
	if (nonzero && column == CS_RESOURCE_MEMORY)
		asked = requests->score_memory;
	return (struct cs_resource_ask){ .column = column, .asked = asked };
}

static struct cs_kernel_term term_of(const struct cs_node_table *nodes, struct cs_resource_ask ask,
				     bool nonzero)
{
	uint32_t column = ask.column;
	bool defaults = nonzero && column <= CS_RESOURCE_MEMORY;
	return (struct cs_kernel_term){
		.allocatable = nodes->allocatable[column],
		.allocatable_double = nodes->allocatable_double[column],
		.used = defaults ? nodes->nonzero_requested[column] : nodes->requested[column],
		.used_double = defaults ? nodes->nonzero_requested_double[column]
					: nodes->requested_double[column],
		.free_double = defaults ? nodes->nonzero_free_double[column] : NULL,
		.inverse = nodes->inverse[column],
		.asked = ask.asked,
		.exact = nodes->n_large[column] == 0,
	};
}

struct cs_resource_terms *cs_resource_terms_make(struct cs_cycle *cycle,
						 const struct cs_field_list *resources,
						 bool nonzero)
{
	struct cs_resource_terms *terms = cs_arena_alloc(cycle->scratch, sizeof(*terms));
	const struct cs_args_resource *items = resources->items;
	uint32_t columns = 0; // which of cpu and memory, 4: another
	terms->pair = true;
	for (uint32_t i = 0; i < resources->count; i++) {
		struct cs_resource_ask ask = cs_resource_terms_ask(cycle, items[i].name, nonzero);
		if (ask.column == CS_RESOURCE_NONE)
			continue;
		struct cs_kernel_term term = term_of(cycle->nodes, ask, nonzero);
		if (ask.column >= CS_RESOURCE_FIXED_COUNT && term.asked == 0)
			continue;
		term.weight = items[i].weight.value;
		terms->names[terms->n] = items[i].name;
		terms->items[terms->n++] = term;
		columns |= ask.column <= CS_RESOURCE_MEMORY ? 1u << ask.column : 4u;
		terms->pair &= term.exact;
	}
	terms->pair &= terms->n == 2 && columns == 3;
	return terms;
}
