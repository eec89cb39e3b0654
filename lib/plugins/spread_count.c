// Constraints, nodes that count, and sums per domain. Neighbours: spread_count.h; the cluster
// counts pods per row (query.h). Mirrors plugins/podtopologyspread/common.go.
#include "spread_count.h"

#include <csched/cluster/phrase.h>
#include <csched/cluster/taint.h>
#include <inttypes.h>
#include <string.h>

#include "spread_kernel.h"

// ---- which constraints ----

static void add_constraints(struct cs_spread_list *ret, const struct cs_spread_constraint *from,
			    uint32_t n, bool hard)
{
	for (uint32_t i = 0; i < n; i++)
		if (from[i].hard == hard)
			ret->items[ret->n++] = from[i];
}

// The profile's, where something selects the pod.
static void add_defaults(const struct cs_cycle *cycle, const struct cs_spread_defaults *defaults,
			 bool hard, struct cs_spread_list *ret)
{
	add_constraints(ret, defaults->constraints, defaults->n, hard);
	if (ret->n == 0)
		return;
	const struct cs_query *query = cs_cluster_default_query(cycle->cluster, cycle->pod);
	for (uint32_t i = 0; i < ret->n; i++)
		ret->items[i].query = query;
	if (!query)
		ret->n = 0;
}

struct cs_spread_list cs_spread_find(const struct cs_cycle *cycle,
				     const struct cs_plugin_instance *self, bool hard)
{
	const struct cs_spread_defaults *defaults = self->attached;
	const struct cs_demand *demand = cycle->demand;
	uint32_t room = demand->n_spread ? demand->n_spread : defaults->n;
	struct cs_spread_list found = { 0 };
	found.items = cs_arena_alloc_array(cycle->scratch, room, sizeof(*found.items));
	if (demand->n_spread)
		add_constraints(&found, demand->spread, demand->n_spread, hard);
	else
		add_defaults(cycle, defaults, hard, &found);
	return found;
}

// ---- which nodes count ----

bool cs_spread_covers(const struct cs_cycle *cycle, const struct cs_topology *topology)
{
	return cs_spread_total(topology->n_rows, topology->n_domains) == cycle->nodes->n_live;
}

static uint8_t *begin_mask(const struct cs_cycle *cycle, const uint8_t *from)
{
	uint32_t n = cycle->nodes->n_rows;
	uint8_t *mask = cs_arena_alloc_raw(cycle->scratch, n);
	memcpy(mask, from ? from : cycle->nodes->live, n);
	return mask;
}

const uint8_t *cs_spread_all_keys(const struct cs_cycle *cycle, const struct cs_spread_list *all)
{
	uint8_t *mask = NULL;
	for (uint32_t i = 0; i < all->n; i++) {
		const struct cs_topology *topology = all->items[i].topology;
		if (cs_spread_covers(cycle, topology))
			continue;
		mask = mask ? mask : begin_mask(cycle, NULL);
		cs_spread_mask_key(topology->domain, cycle->nodes->n_rows, mask);
	}
	return mask;
}

static void mask_pin(const struct cs_cycle *cycle, uint8_t *mask)
{
	uint32_t name = cycle->pod->pinned_node;
	for (uint32_t row = 0; row < cycle->nodes->n_rows; row++)
		mask[row] &= cycle->nodes->name[row] == name;
}

static void mask_taints(const struct cs_cycle *cycle, uint8_t *mask)
{
	const struct cs_toleration_verdict *verdicts =
		cs_taint_verdicts(cycle->cluster, cycle->demand->toleration_set);
	const uint32_t *taint_set = cycle->nodes->taint_set;
	for (uint32_t row = 0; row < cycle->nodes->n_rows; row++)
		mask[row] &= !verdicts[taint_set[row]].filtered;
}

const uint8_t *cs_spread_included(const struct cs_cycle *cycle,
				  const struct cs_spread_constraint *c, const uint8_t *all_keys)
{
	const struct cs_bitmap *selected = c->honors_affinity ? cycle->demand->node_selector : NULL;
	bool pinned = c->honors_affinity && cycle->pod->pinned_node != CS_INTERN_NONE;
	if (!selected && !pinned && !c->honors_taints)
		return all_keys;
	uint8_t *mask = begin_mask(cycle, all_keys);
	if (selected)
		cs_spread_mask_bits(selected, cycle->nodes->n_rows, mask);
	if (pinned)
		mask_pin(cycle, mask);
	if (c->honors_taints)
		mask_taints(cycle, mask);
	return mask;
}

// ---- how many pods ----

uint32_t *cs_spread_count(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			  const uint8_t *included)
{
	const struct cs_topology *topology = c->topology;
	uint32_t n_slots = topology->n_domains + 1;
	uint32_t *slots = cs_arena_alloc_array(cycle->scratch, n_slots, sizeof(*slots));
	const struct cs_row_counts *counts = c->query ? cs_query_counts(c->query) : NULL;
	if (!counts)
		return slots;
	if (!counts->rows) {
		struct cs_spread_column column = { topology->domain, counts->live, included,
						   counts->n };
		cs_spread_sum(&column, n_slots, slots);
		return slots;
	}
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows[i];
		if (!included || included[row])
			slots[(uint32_t)(topology->domain[row] + 1)] += counts->live[i];
	}
	return slots;
}

void cs_spread_explain_pods(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			    uint32_t n, struct cs_buffer *out)
{
	cs_buffer_printf(out, "%" PRIu32 " pod%s", n, n == 1 ? "" : "s");
	cs_buffer_append_string(out, c->query ? " with " : ", as its selector means none");
	if (c->query)
		cs_phrase_query(cycle->cluster, c->query, out);
}
