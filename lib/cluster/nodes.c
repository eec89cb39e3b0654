// The node table's rows and columns as they grow, are counted in and are given back.
// Neighbours: nodes.h; node.c and pod.c decide what goes in.
#include "nodes.h"

#include <assert.h>
#include <csched/base/memory.h>
#include <string.h>

#include "load_internal.h"
#include "topology_internal.h"

#define FIRST_CAPACITY 64u
#define LOG_SIZE       16384u // entries; a reader further behind reads the table afresh

static const char *const fixed_names[CS_RESOURCE_FIXED_COUNT] = {
	[CS_RESOURCE_CPU] = "cpu",
	[CS_RESOURCE_MEMORY] = "memory",
	[CS_RESOURCE_EPHEMERAL_STORAGE] = "ephemeral-storage",
};

// ---- memory ----

#define RESIZE(array, old, n) ((array) = cs_grow_column((array), (old), (n), sizeof(*(array))))

static void resize_column(struct cs_nodes *nodes, uint32_t column, uint32_t old, uint32_t n)
{
	struct cs_node_table *table = &nodes->table;
	RESIZE(table->allocatable[column], old, n);
	RESIZE(table->requested[column], old, n);
	RESIZE(table->allocatable_double[column], old, n);
	RESIZE(table->requested_double[column], old, n);
	RESIZE(table->inverse[column], old, n);
	RESIZE(table->free[column], old, n);
	RESIZE(nodes->exact[column], old, n);
}

static void set_capacity(struct cs_nodes *nodes, uint32_t n)
{
	struct cs_node_table *table = &nodes->table;
	uint32_t old = table->capacity;
	RESIZE(table->live, old, n);
	RESIZE(table->name, old, n);
	RESIZE(table->unschedulable, old, n);
	RESIZE(table->taint_set, old, n);
	RESIZE(table->generation, old, n);
	RESIZE(table->max_pods, old, n);
	RESIZE(table->n_pods, old, n);
	RESIZE(table->full, old, n);
	RESIZE(table->balance, old, n);
	RESIZE(nodes->rows, old, n);
	for (uint32_t i = 0; i < 2; i++) {
		RESIZE(table->nonzero_requested[i], old, n);
		RESIZE(table->nonzero_requested_double[i], old, n);
		RESIZE(table->nonzero_free_double[i], old, n);
		RESIZE(nodes->exact_nonzero[i], old, n);
	}
	for (uint32_t column = 0; column < table->n_columns; column++)
		resize_column(nodes, column, old, n);
	table->capacity = n;
	if (nodes->topologies)
		cs_topologies_grow(nodes->topologies, old, n);
	if (nodes->loads)
		cs_loads_grow(nodes->loads, n);
}

void cs_nodes_init(struct cs_nodes *nodes, struct cs_intern *strings, uint64_t seed)
{
	*nodes = (struct cs_nodes){ .strings = strings };
	cs_map_init(&nodes->by_name, seed);
	struct cs_node_table *table = &nodes->table;
	table->log_size = LOG_SIZE;
	table->log_rows = cs_alloc_array(LOG_SIZE, sizeof(*table->log_rows));
	set_capacity(nodes, FIRST_CAPACITY);
	for (uint32_t i = 0; i < CS_RESOURCE_FIXED_COUNT; i++)
		cs_nodes_ref_column(nodes, fixed_names[i], CS_RESOURCE_MAX);
}

void cs_nodes_finish(struct cs_nodes *nodes)
{
	struct cs_node_table *table = &nodes->table;
	for (uint32_t column = 0; column < table->n_columns; column++) {
		free(table->allocatable[column]);
		free(table->requested[column]);
		free(table->allocatable_double[column]);
		free(table->requested_double[column]);
		free(table->inverse[column]);
		free(table->free[column]);
		free(nodes->exact[column]);
	}
	for (uint32_t i = 0; i < 2; i++) {
		free(table->nonzero_requested[i]);
		free(table->nonzero_requested_double[i]);
		free(table->nonzero_free_double[i]);
		free(nodes->exact_nonzero[i]);
	}
	for (uint32_t row = 0; row < table->n_rows; row++)
		free(nodes->rows[row].labels);
	free(nodes->rows);
	free(nodes->free_rows);
	free(table->live);
	free(table->name);
	free(table->unschedulable);
	free(table->taint_set);
	free(table->generation);
	free(table->max_pods);
	free(table->n_pods);
	free(table->full);
	free(table->balance);
	free(table->log_rows);
	cs_map_finish(&nodes->by_name);
	*nodes = (struct cs_nodes){ 0 };
}

// ---- rows ----

uint32_t cs_nodes_find(const struct cs_nodes *nodes, const char *name)
{
	uintptr_t row = (uintptr_t)cs_map_get(&nodes->by_name, cs_slice_of(name));
	return row ? (uint32_t)(row - 1) : CS_ROW_NONE;
}

uint32_t cs_nodes_row_for(struct cs_nodes *nodes, const char *name)
{
	uint32_t row = cs_nodes_find(nodes, name);
	if (row != CS_ROW_NONE)
		return row;
	struct cs_node_table *table = &nodes->table;
	if (nodes->n_free > 0) {
		row = nodes->free_rows[--nodes->n_free];
	} else {
		if (table->n_rows == table->capacity)
			set_capacity(nodes, table->capacity * 2);
		row = table->n_rows++;
	}
	table->name[row] = cs_intern_ref(nodes->strings, cs_slice_of(name));
	const char *kept = cs_intern_string(nodes->strings, table->name[row]);
	cs_map_put(&nodes->by_name, cs_slice_of(kept), (void *)((uintptr_t)row + 1));
	return row;
}

void cs_nodes_release(struct cs_nodes *nodes, uint32_t row)
{
	struct cs_node_table *table = &nodes->table;
	if (table->live[row] || table->n_pods[row] > 0)
		return;
	cs_map_remove(&nodes->by_name,
		      cs_slice_of(cs_intern_string(nodes->strings, table->name[row])));
	cs_intern_unref(nodes->strings, table->name[row]);
	table->name[row] = CS_INTERN_NONE;
	if (nodes->n_free == nodes->free_capacity) {
		nodes->free_capacity = nodes->free_capacity ? nodes->free_capacity * 2 : 16;
		nodes->free_rows = cs_realloc_array(nodes->free_rows, nodes->free_capacity,
						    sizeof(*nodes->free_rows));
	}
	nodes->free_rows[nodes->n_free++] = row;
}

void cs_nodes_touch(struct cs_nodes *nodes, uint32_t row)
{
	struct cs_node_table *table = &nodes->table;
	table->generation[row] = ++nodes->last_generation;
	table->log_rows[table->log_end++ % table->log_size] = row;
}

// ---- columns ----

// The column that has this name's id, or CS_RESOURCE_NONE; *ret_unused is the first one without a
// name, n_columns if all have one.
static uint32_t search_columns(const struct cs_nodes *nodes, uint32_t name, uint32_t *ret_unused)
{
	const struct cs_node_table *table = &nodes->table;
	*ret_unused = table->n_columns;
	for (uint32_t column = table->n_columns; column-- > 0;) {
		if (table->resource_name[column] == name)
			return column;
		if (table->resource_name[column] == CS_INTERN_NONE)
			*ret_unused = column;
	}
	return CS_RESOURCE_NONE;
}

uint32_t cs_nodes_find_column(const struct cs_nodes *nodes, const char *name)
{
	uint32_t id = cs_intern_find(nodes->strings, cs_slice_of(name));
	uint32_t unused;
	return id == CS_INTERN_NONE ? CS_RESOURCE_NONE : search_columns(nodes, id, &unused);
}

uint32_t cs_nodes_ref_column(struct cs_nodes *nodes, const char *name, uint32_t limit)
{
	struct cs_node_table *table = &nodes->table;
	uint32_t id = cs_intern_ref(nodes->strings, cs_slice_of(name));
	uint32_t unused;
	uint32_t column = search_columns(nodes, id, &unused);
	if (column != CS_RESOURCE_NONE) {
		cs_intern_unref(nodes->strings, id);
		nodes->column_refs[column]++;
		return column;
	}
	if (unused >= limit) {
		cs_intern_unref(nodes->strings, id);
		return CS_RESOURCE_NONE;
	}
	if (unused == table->n_columns) {
		resize_column(nodes, unused, 0, table->capacity);
		table->n_columns++;
	}
	table->resource_name[unused] = id;
	nodes->column_refs[unused] = 1;
	return unused;
}

void cs_nodes_unref_column(struct cs_nodes *nodes, uint32_t column)
{
	assert(nodes->column_refs[column] > 0);
	if (--nodes->column_refs[column] > 0)
		return;
	cs_intern_unref(nodes->strings, nodes->table.resource_name[column]);
	nodes->table.resource_name[column] = CS_INTERN_NONE;
}

// ---- sums ----

static int64_t saturate(unsigned __int128 sum)
{
	return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

struct change {
	bool add;
	uint32_t row;
};

static unsigned __int128 apply(unsigned __int128 sum, struct change change, int64_t amount)
{
	unsigned __int128 magnitude = (uint64_t)amount;
	assert(change.add || sum >= magnitude);
	return change.add ? sum + magnitude : sum - magnitude;
}

static double share_of(const struct cs_node_table *table, uint32_t column, uint32_t row)
{
	double allocatable = table->allocatable_double[column][row];
	double requested = table->requested_double[column][row];
	return requested < allocatable ? requested / allocatable : 1.0;
}

uint8_t cs_nodes_balance(const struct cs_node_table *table, uint32_t row)
{
	if (table->allocatable[CS_RESOURCE_CPU][row] <= 0 ||
	    table->allocatable[CS_RESOURCE_MEMORY][row] <= 0)
		return 100;
	return (uint8_t)cs_balance_of(share_of(table, CS_RESOURCE_CPU, row),
				      share_of(table, CS_RESOURCE_MEMORY, row));
}

double cs_nodes_inverse(int64_t allocatable)
{
	return allocatable > 0 ? nextafter(1.0 / (double)allocatable, HUGE_VAL) : 0.0;
}

void cs_nodes_derive(struct cs_node_table *table, uint32_t row)
{
	for (uint32_t i = 0; i < 2; i++)
		table->nonzero_free_double[i][row] =
			table->allocatable_double[i][row] - table->nonzero_requested_double[i][row];
	table->balance[row] = cs_nodes_balance(table, row);
	table->full[row] = table->n_pods[row] >= table->max_pods[row];
}

static void change_column(struct cs_nodes *nodes, uint32_t column, struct change change,
			  int64_t amount)
{
	unsigned __int128 *sum = &nodes->exact[column][change.row];
	*sum = apply(*sum, change, amount);
	nodes->table.requested[column][change.row] = saturate(*sum);
	nodes->table.requested_double[column][change.row] = (double)saturate(*sum);
	nodes->table.free[column][change.row] =
		nodes->table.allocatable[column][change.row] - saturate(*sum);
}

static void change_nonzero(struct cs_nodes *nodes, uint32_t which, struct change change,
			   int64_t amount)
{
	unsigned __int128 *sum = &nodes->exact_nonzero[which][change.row];
	*sum = apply(*sum, change, amount);
	nodes->table.nonzero_requested[which][change.row] = saturate(*sum);
	nodes->table.nonzero_requested_double[which][change.row] = (double)saturate(*sum);
}

static void change_pod(struct cs_nodes *nodes, struct change change,
		       const struct cs_pod_requests *requests)
{
	for (uint32_t column = 0; column < CS_RESOURCE_FIXED_COUNT; column++)
		change_column(nodes, column, change, requests->fixed[column]);
	for (uint32_t i = 0; i < requests->n_extended; i++)
		change_column(nodes, requests->extended[i].column, change,
			      requests->extended[i].amount);
	change_nonzero(nodes, CS_RESOURCE_CPU, change, requests->nonzero_cpu);
	change_nonzero(nodes, CS_RESOURCE_MEMORY, change, requests->nonzero_memory);
	nodes->table.n_pods[change.row] += change.add ? 1 : -1;
	cs_nodes_derive(&nodes->table, change.row);
	cs_nodes_touch(nodes, change.row);
}

void cs_nodes_count_pod(struct cs_nodes *nodes, uint32_t row,
			const struct cs_pod_requests *requests)
{
	change_pod(nodes, (struct change){ .add = true, .row = row }, requests);
}

void cs_nodes_discount_pod(struct cs_nodes *nodes, uint32_t row,
			   const struct cs_pod_requests *requests)
{
	change_pod(nodes, (struct change){ .add = false, .row = row }, requests);
}
