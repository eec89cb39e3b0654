// Samples: which row they are of, whether they are worth believing, what they change.
// Neighbours: load_internal.h; load_flight.c counts what a new sample does not hold yet.
#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <math.h>
#include <stdio.h>

#include "cluster_internal.h"
#include "latency_internal.h"

#define ADDRESSES_MAX 16  // of one node
#define EXPECT_AHEAD  8   // rows
#define MORE_MAX      1e4 // pods^2
#define WINDOW_MAX    (24 * 3600 * CS_SECOND)

// ---- rows ----

void cs_loads_set_addresses(struct cs_loads *loads, uint32_t row, const Kube__NodeStatus *status)
{
	struct cs_buffer joined;
	cs_buffer_init(&joined, (size_t)ADDRESSES_MAX * (CS_NAME_MAX + 1) + 1);
	for (size_t i = 0; status && i < status->n_addresses && i < ADDRESSES_MAX; i++) {
		const char *address = status->addresses[i]->address;
		size_t length = address ? strlen(address) : 0;
		if (length > 0 && length <= CS_NAME_MAX)
			cs_buffer_append(&joined, address, length + 1);
	}
	cs_buffer_append(&joined, "", 1);
	const char *before = loads->addresses[row];
	size_t size = 1;
	for (const char *at = before; at && *at; at += strlen(at) + 1)
		size += strlen(at) + 1;
	if (before ? joined.size != size || memcmp(before, joined.data, size) != 0
		   : joined.size > 1) {
		free(loads->addresses[row]);
		loads->addresses[row] =
			joined.size > 1 ? memcpy(cs_alloc(joined.size), joined.data, joined.size)
					: NULL;
		loads->addresses_changed = true;
	}
	cs_buffer_finish(&joined);
}

// Of two rows with one address the first has it.
static void index_addresses(struct cs_loads *loads)
{
	cs_map_finish(&loads->by_address);
	cs_map_init(&loads->by_address, loads->nodes->by_name.seed);
	for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++)
		for (const char *at = loads->addresses[row]; at && *at; at += strlen(at) + 1)
			if (!cs_map_get(&loads->by_address, cs_slice_of(at)))
				cs_map_put(&loads->by_address, cs_slice_of(at),
					   (void *)((uintptr_t)row + 1));
	loads->addresses_changed = false;
}

static uint32_t find_exactly(const struct cs_loads *loads, struct cs_slice node)
{
	uintptr_t found = (uintptr_t)cs_map_get(&loads->nodes->by_name, node);
	if (found && loads->nodes->table.live[found - 1])
		return (uint32_t)(found - 1);
	found = (uintptr_t)cs_map_get(&loads->by_address, node);
	return found && loads->nodes->table.live[found - 1] ? (uint32_t)(found - 1) : CS_ROW_NONE;
}

// "host" of "host:9100" and of "[host]:9100"; empty without a port.
static struct cs_slice without_port(struct cs_slice node)
{
	size_t end = node.size;
	while (end > 0 && node.data[end - 1] >= '0' && node.data[end - 1] <= '9')
		end--;
	if (end == node.size || end < 2 || node.data[end - 1] != ':')
		return (struct cs_slice){ 0 };
	struct cs_slice host = { node.data, end - 1 };
	if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
		return (struct cs_slice){ host.data + 1, host.size - 2 };
	return host;
}

static bool is_of_row(const struct cs_loads *loads, uint32_t row, const char *node)
{
	const struct cs_node_table *table = &loads->nodes->table;
	return row < table->n_rows && table->live[row] &&
	       strcmp(cs_intern_string(loads->nodes->strings, table->name[row]), node) == 0;
}

// Names lie all over the memory: those that come next, if sources tell of nodes in order, are
// fetched while this one is absorbed.
static void expect_name(const struct cs_loads *loads, uint32_t row)
{
	const struct cs_node_table *table = &loads->nodes->table;
	if (row < table->n_rows && table->live[row])
		__builtin_prefetch(cs_intern_string(loads->nodes->strings, table->name[row]));
}

static uint32_t find_row(struct cs_loads *loads, const char *node)
{
	if (loads->addresses_changed)
		index_addresses(loads);
	uint32_t row = loads->last_found + 1;
	expect_name(loads, row + EXPECT_AHEAD);
	if (!is_of_row(loads, row, node)) {
		struct cs_slice name = cs_slice_of(node);
		row = find_exactly(loads, name);
		struct cs_slice host = without_port(name);
		if (row == CS_ROW_NONE && host.size > 0)
			row = find_exactly(loads, host);
	}
	loads->last_found = row;
	return row;
}

// ---- values ----

bool cs_loads_is_plausible(const struct cs_load_metric *metric, double value)
{
	return isfinite(value) && value >= metric->min && value <= metric->max;
}

// A sample of a COUNT that holds all pods of the row, and nothing of others: beside the last such
// one it says what the pods that came or left meanwhile have brought. The newest ones count.
static void learn_more(struct cs_loads *loads, uint32_t i, uint32_t row)
{
	struct cs_load_hidden *hidden = &loads->hidden[i];
	struct cs_load_rest *rest = &hidden->rest[row];
	double sample = loads->table.columns[i].sample[row];
	int64_t pods = loads->nodes->table.n_pods[row];
	double more = (double)(pods - rest->pods);
	if (rest->known && more != 0) {
		double forget = hidden->more_pods > MORE_MAX ? 0.5 : 1;
		hidden->more_pods = forget * hidden->more_pods + more * more;
		hidden->more = forget * hidden->more + more * (sample - rest->sample);
	}
	*rest = (struct cs_load_rest){
		.sample = sample,
		.beside = pods == 0 ? sample : rest->beside,
		.pods = pods,
		.known = true,
	};
}

// A later sample than before of a pod's row: what it does not hold is counted again.
static void take(struct cs_loads *loads, uint32_t row, const struct cs_load_sample *sample,
		 int64_t taken)
{
	struct cs_load_column *column = &loads->table.columns[sample->metric];
	column->taken[row] = taken;
	column->window[row] = sample->window <= 0           ? 0
			      : sample->window < WINDOW_MAX ? sample->window
							    : WINDOW_MAX;
	column->sample[row] = sample->value;
	if (column->metric->kind == CS_LOAD_COUNT)
		column->capacity[row] =
			isfinite(sample->limit) && sample->limit > 0 ? sample->limit : 0;
	if (loads->hidden[sample->metric].refused[row] <= taken)
		loads->hidden[sample->metric].refused[row] = 0;
	uint32_t slot = cs_loads_slot(loads, sample->metric);
	if (slot == UINT32_MAX)
		return;
	if (loads->n_in_flight > 0) {
		cs_loads_prefetch(loads, slot, row + EXPECT_AHEAD);
		cs_loads_resum(loads, slot, row);
		cs_loads_land(loads, row);
	}
	if (column->metric->kind == CS_LOAD_COUNT &&
	    loads->hidden[sample->metric].in_flight[row] == 0)
		learn_more(loads, sample->metric, row);
}

uint32_t cs_loads_absorb(struct cs_loads *loads, uint32_t row, const struct cs_load_sample *sample,
			 struct cs_load_report *report)
{
	const struct cs_load_column *column = &loads->table.columns[sample->metric];
	int64_t *refused = &loads->hidden[sample->metric].refused[row];
	int64_t taken = sample->taken;
	report->n_matched++;
	if (taken > loads->now) {
		taken = loads->now;
		report->n_future++;
	}
	bool plausible = cs_loads_is_plausible(column->metric, sample->value);
	report->n_implausible += !plausible;
	if (taken <= 0 || taken <= column->taken[row] || (!plausible && taken <= *refused)) {
		report->n_old++;
		return 0;
	}
	struct cs_load_before before = cs_loads_before(loads, sample->metric, row);
	if (plausible)
		take(loads, row, sample, taken);
	else
		*refused = taken;
	loads->unsettled |= 1u << sample->metric;
	cs_loads_age(loads, sample->metric, row);
	return cs_loads_events(loads, sample->metric, row, before);
}

void cs_loads_note_unmatched(struct cs_load_report *report, const char *name)
{
	if (report->n_unmatched < CS_LOAD_UNMATCHED_MAX)
		snprintf(report->unmatched[report->n_unmatched], sizeof(report->unmatched[0]), "%s",
			 name);
	report->n_unmatched++;
}

uint32_t cs_cluster_apply_samples(struct cs_cluster *cluster, const struct cs_load_sample *samples,
				  uint32_t n, struct cs_load_report *ret)
{
	struct cs_loads *loads = &cluster->loads;
	uint32_t events = 0;
	*ret = (struct cs_load_report){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		if (samples[i].metric >= loads->table.n_columns || !samples[i].node)
			continue;
		if (loads->metrics[samples[i].metric].kind == CS_LOAD_PAIR) {
			events |= cs_latency_absorb(cluster, cluster->latency, &samples[i],
						    loads->now, ret);
			continue;
		}
		uint32_t row = find_row(loads, samples[i].node);
		if (row == CS_ROW_NONE)
			cs_loads_note_unmatched(ret, samples[i].node);
		else
			events |= cs_loads_absorb(loads, row, &samples[i], ret);
	}
	cs_loads_settle(loads);
	return events;
}
