// The ledger against itself. Neighbours: check.c calls; load_flight.c has the sums.
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "cluster_internal.h"

static int fail(const struct cs_cluster *cluster, uint32_t column, uint32_t row, const char *what,
		struct cs_error *err)
{
	return cs_error_set(err, -EUCLEAN, "row %" PRIu32 " (%s): %s: %s differs", row,
			    cs_cluster_node_name(cluster, row), cluster->loads.metrics[column].name,
			    what);
}

static int check_figure(const struct cs_cluster *cluster, uint32_t i, uint32_t row,
			struct cs_error *err)
{
	const struct cs_loads *loads = &cluster->loads;
	const struct cs_load_column *column = &loads->table.columns[i];
	uint32_t slot = cs_loads_slot(loads, i);
	bool settled = !(loads->unsettled >> i & 1) || column->quality[row] == 1;
	if (slot != UINT32_MAX && loads->hidden[i].in_flight[row] != cs_loads_sum(loads, slot, row))
		return fail(cluster, i, row, "what is in flight", err);
	if (settled && column->load[row] != cs_loads_expect(loads, i, row))
		return fail(cluster, i, row, "load", err);
	bool negative = column->metric->kind != CS_LOAD_LEVEL && column->load[row] < 0;
	if (isnan(column->load[row]) || negative)
		return fail(cluster, i, row, "the sign of load", err);
	if ((column->taken[row] == 0 && column->quality[row] > 0) || column->quality[row] > 1 ||
	    column->taken[row] > loads->now)
		return fail(cluster, i, row, "quality", err);
	return 0;
}

static int check_column(const struct cs_cluster *cluster, uint32_t i, struct cs_error *err)
{
	const struct cs_load_column *column = &cluster->loads.table.columns[i];
	const struct cs_node_table *nodes = &cluster->nodes.table;
	uint32_t n_known = 0, n_fresh = 0;
	int rc = 0;
	for (uint32_t row = 0; rc == 0 && row < nodes->n_rows; row++) {
		if (!nodes->live[row])
			continue;
		n_known += column->quality[row] > 0;
		n_fresh += column->quality[row] == 1;
		rc = check_figure(cluster, i, row, err);
	}
	if (rc == 0 && (n_known != column->n_known || n_fresh != column->n_fresh))
		rc = cs_error_set(err, -EUCLEAN, "metric %s: known rows are counted wrong",
				  column->metric->name);
	return rc;
}

// Every entry is of its pod and row.
static int check_flights(const struct cs_cluster *cluster, struct cs_error *err)
{
	const struct cs_loads *loads = &cluster->loads;
	uint32_t n = 0;
	uint32_t n_reserved = 0;
	for (uint32_t row = 0; row < cluster->nodes.table.n_rows; row++) {
		const struct cs_flights *flights = &loads->flights[row];
		n += flights->n + loads->left[row].n;
		for (uint32_t at = 0; at < flights->n; at++) {
			const struct cs_pod *pod = flights->tail[at].pod;
			const struct cs_reservation *reservation = flights->tail[at].reservation;
			bool reserved = flights->came[at] == CS_NEVER;
			n_reserved += reserved;
			if (reserved ? reservation->row != row || reservation->at != at
				     : pod->row != row || pod->flight != at + 1)
				return cs_error_set(err, -EUCLEAN,
						    "row %" PRIu32 ": a pod in flight is not there",
						    row);
			if (flights->came[at] < flights->oldest)
				return cs_error_set(err, -EUCLEAN,
						    "row %" PRIu32
						    ": a pod in flight came before the oldest",
						    row);
		}
	}
	if (n != loads->n_in_flight || n_reserved != cs_map_count(&loads->reservations))
		return cs_error_set(err, -EUCLEAN, "pods in flight are counted wrong");
	return 0;
}

static int check_weights(const struct cs_cluster *cluster, struct cs_error *err)
{
	const struct cs_node_table *nodes = &cluster->nodes.table;
	const struct cs_load_table *table = &cluster->loads.table;
	uint32_t n_weightless = 0, n_weighted = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		n_weightless += nodes->live[row] && table->weight[row] == 0;
		n_weighted += nodes->live[row] && table->weight[row] != CS_NODE_WEIGHT_DEFAULT;
	}
	return n_weightless == table->n_weightless && n_weighted == table->n_weighted
		       ? 0
		       : cs_error_set(err, -EUCLEAN, "rows' weights are counted wrong");
}

int cs_loads_check(const struct cs_cluster *cluster, struct cs_error *err)
{
	int rc = check_weights(cluster, err);
	for (uint32_t i = 0; rc == 0 && i < cluster->loads.table.n_columns; i++)
		rc = check_column(cluster, i, err);
	return rc == 0 ? check_flights(cluster, err) : rc;
}
