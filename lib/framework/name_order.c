// Sorting rows by name when nodes came or went. Neighbours: name_order.h.
#include "name_order.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

static void drop_names(struct name_order *order, struct cs_cluster *cluster)
{
	for (uint32_t row = 0; row < order->n_rows; row++)
		cs_intern_unref(cs_cluster_strings(cluster), order->names[row]);
}

void name_order_finish(struct name_order *order, struct cs_cluster *cluster)
{
	drop_names(order, cluster);
	free(order->rank);
	free(order->rows);
	free(order->names);
	*order = (struct name_order){ 0 };
}

// Only rows that the log names can have another name: a row gets one when its node comes.
static bool holds(const struct name_order *order, const struct cs_node_table *nodes)
{
	if (order->n_rows != nodes->n_rows)
		return false;
	if (nodes->log_end - order->log > nodes->log_size)
		return memcmp(order->names, nodes->name, order->n_rows * sizeof(*order->names)) ==
		       0;
	for (uint64_t at = order->log; at < nodes->log_end; at++) {
		uint32_t row = nodes->log_rows[at % nodes->log_size];
		if (order->names[row] != nodes->name[row])
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b, void *user)
{
	const struct cs_cluster *cluster = user;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const uint32_t *names = cs_cluster_nodes(cluster)->name;
	if (names[x] == CS_INTERN_NONE || names[y] == CS_INTERN_NONE)
		return (names[x] == CS_INTERN_NONE) - (names[y] == CS_INTERN_NONE);
	return strcmp(cs_cluster_node_name(cluster, x), cs_cluster_node_name(cluster, y));
}

static void keep_names(struct name_order *order, struct cs_cluster *cluster)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	order->n_rows = nodes->n_rows;
	for (uint32_t row = 0; row < order->n_rows; row++) {
		order->names[row] = nodes->name[row];
		if (order->names[row] != CS_INTERN_NONE)
			cs_intern_ref_id(cs_cluster_strings(cluster), order->names[row]);
	}
}

static void sort(struct name_order *order, struct cs_cluster *cluster)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	uint32_t n = nodes->n_rows;
	drop_names(order, cluster);
	if (order->capacity < n) {
		order->capacity = nodes->capacity;
		order->rank = cs_realloc_array(order->rank, order->capacity, sizeof(*order->rank));
		order->rows = cs_realloc_array(order->rows, order->capacity, sizeof(*order->rows));
		order->names =
			cs_realloc_array(order->names, order->capacity, sizeof(*order->names));
	}
	for (uint32_t row = 0; row < n; row++)
		order->rows[row] = row;
	qsort_r(order->rows, n, sizeof(*order->rows), compare, cluster);
	order->ascending = true;
	for (uint32_t i = 0; i < n; i++) {
		order->rank[order->rows[i]] = i;
		order->ascending &= order->rows[i] == i;
	}
	keep_names(order, cluster);
}

void name_order_renew(struct name_order *order, struct cs_cluster *cluster)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	if (!holds(order, nodes))
		sort(order, cluster);
	order->log = nodes->log_end;
}
