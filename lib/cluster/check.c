// The model against itself: every column recomputed from the pods, every count from its users.
// Neighbours: tests call it after each random step; nothing else does.
#include <csched/base/memory.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cluster_internal.h"

// Footprints, or demands: who uses them and what they say of it.
struct shared {
	struct cs_map seen; // by address
	uint64_t users;
	uint64_t refs;
};

// What the pods add up to, per row; indexed as the table's columns.
struct sums {
	const struct cs_cluster *cluster;
	struct cs_arena *arena;
	unsigned __int128 *requested[CS_RESOURCE_MAX];
	unsigned __int128 *nonzero[2];
	int64_t *n_pods;
	uint32_t *column_refs; // by column
	uint32_t *taint_refs;  // by taint set
	struct shared footprints;
	struct shared demands;
	uint32_t n_assumed;
};

static int fail(struct cs_error *err, const struct sums *sums, uint32_t row, const char *what)
{
	return cs_error_set(err, -EUCLEAN,
			    "row %" PRIu32 " (%s): %s differs from what it should be", row,
			    cs_cluster_node_name(sums->cluster, row), what);
}

static int fail_pod(struct cs_error *err, const struct cs_pod *pod, const char *words)
{
	return cs_error_set(err, -EUCLEAN, "pod %s/%s: %s", pod->namespace, pod->name, words);
}

// ---- recomputing ----

static void count_columns(struct sums *sums, const struct cs_pod_requests *requests)
{
	for (uint32_t i = 0; i < requests->n_extended; i++)
		sums->column_refs[requests->extended[i].column]++;
}

static void count_requests(struct sums *sums, uint32_t row, const struct cs_pod_requests *requests)
{
	for (uint32_t column = 0; column < CS_RESOURCE_FIXED_COUNT; column++)
		sums->requested[column][row] += (uint64_t)requests->fixed[column];
	for (uint32_t i = 0; i < requests->n_extended; i++)
		sums->requested[requests->extended[i].column][row] +=
			(uint64_t)requests->extended[i].amount;
	sums->nonzero[CS_RESOURCE_CPU][row] += (uint64_t)requests->nonzero_cpu;
	sums->nonzero[CS_RESOURCE_MEMORY][row] += (uint64_t)requests->nonzero_memory;
	sums->n_pods[row]++;
}

// One user more of the shared thing behind *pointer. True when it is seen for the first time.
static bool count_user(struct shared *shared, const void *pointer)
{
	struct cs_slice key = { pointer, sizeof(void *) };
	shared->users++;
	return !cs_map_put(&shared->seen, key, (void *)(uintptr_t)pointer);
}

static void count_kept(struct sums *sums)
{
	size_t at = 0;
	const struct cs_content *content;
	while ((content = cs_map_next(&sums->cluster->demands.demands, &at))) {
		const struct cs_demand **demand = cs_arena_alloc(sums->arena, sizeof(*demand));
		uint32_t kept = cs_demand_kept(content, demand);
		for (uint32_t i = 0; i < kept; i++) {
			if (!count_user(&sums->demands, demand))
				continue;
			sums->demands.refs += cs_demand_refs(*demand);
			count_columns(sums, &(*demand)->requests);
		}
	}
}

static void count_shared(struct sums *sums)
{
	size_t at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&sums->cluster->pods, &at))) {
		if (count_user(&sums->footprints, &pod->footprint)) {
			sums->footprints.refs += cs_footprint_refs(pod->footprint);
			count_columns(sums, &pod->footprint->requests);
		}
		if (pod->demand && count_user(&sums->demands, &pod->demand)) {
			sums->demands.refs += cs_demand_refs(pod->demand);
			count_columns(sums, &pod->demand->requests);
		}
	}
	count_kept(sums);
}

static void count_rows(struct sums *sums)
{
	const struct cs_node_table *table = &sums->cluster->nodes.table;
	for (uint32_t column = 0; column < CS_RESOURCE_FIXED_COUNT; column++)
		sums->column_refs[column]++;
	for (uint32_t row = 0; row < table->n_rows; row++) {
		sums->taint_refs[table->taint_set[row]]++;
		for (uint32_t column = CS_RESOURCE_FIXED_COUNT; column < table->n_columns; column++)
			sums->column_refs[column] += table->allocatable[column][row] > 0;
	}
}

static int count_pods(struct sums *sums, struct cs_error *err)
{
	const struct cs_node_table *table = &sums->cluster->nodes.table;
	size_t at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&sums->cluster->pods, &at))) {
		bool counted = cs_pod_is_counted(pod);
		if (counted != (pod->row != CS_ROW_NONE))
			return fail_pod(err, pod, "row and state contradict each other");
		if ((pod->state == CS_POD_BOUND) != !pod->demand)
			return fail_pod(err, pod, "demand and state contradict each other");
		sums->n_assumed += pod->state == CS_POD_ASSUMED;
		if (!counted)
			continue;
		if (pod->row >= table->n_rows || table->name[pod->row] == CS_INTERN_NONE)
			return fail_pod(err, pod, "stands on a row that is free");
		count_requests(sums, pod->row, &pod->footprint->requests);
	}
	return 0;
}

// ---- comparing ----

static bool same_sum(int64_t shown, double shown_double, unsigned __int128 sum)
{
	int64_t saturated = sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
	return shown == saturated && shown_double == (double)saturated;
}

static int compare_row(const struct sums *sums, uint32_t row, struct cs_error *err)
{
	const struct cs_node_table *table = &sums->cluster->nodes.table;
	for (uint32_t column = 0; column < table->n_columns; column++) {
		const char *name =
			cs_intern_string(sums->cluster->strings, table->resource_name[column]);
		if (!same_sum(table->requested[column][row], table->requested_double[column][row],
			      sums->requested[column][row]))
			return fail(err, sums, row,
				    cs_arena_printf(sums->arena, "requested %s", name));
		int64_t allocatable = table->allocatable[column][row];
		if (table->allocatable_double[column][row] != (double)allocatable ||
		    table->inverse[column][row] != cs_nodes_inverse(allocatable) ||
		    table->free[column][row] != allocatable - table->requested[column][row])
			return fail(err, sums, row,
				    cs_arena_printf(sums->arena, "allocatable %s", name));
	}
	for (uint32_t i = 0; i < 2; i++)
		if (!same_sum(table->nonzero_requested[i][row],
			      table->nonzero_requested_double[i][row], sums->nonzero[i][row]) ||
		    table->nonzero_free_double[i][row] !=
			    table->allocatable_double[i][row] -
				    table->nonzero_requested_double[i][row])
			return fail(err, sums, row, i ? "non-zero memory" : "non-zero cpu");
	if (table->n_pods[row] != sums->n_pods[row])
		return fail(err, sums, row, "the number of pods");
	bool named = table->name[row] != CS_INTERN_NONE;
	if (named != (table->live[row] || table->n_pods[row] > 0))
		return fail(err, sums, row, "its name");
	if (named && (table->balance[row] != cs_nodes_balance(table, row) ||
		      table->full[row] != (table->n_pods[row] >= table->max_pods[row])))
		return fail(err, sums, row, "what is free");
	if (named &&
	    cs_nodes_find(&sums->cluster->nodes, cs_cluster_node_name(sums->cluster, row)) != row)
		return fail(err, sums, row, "the row of its name");
	return 0;
}

static int compare_selectors(const struct sums *sums, struct cs_error *err)
{
	const struct cs_cluster *cluster = sums->cluster;
	size_t at = 0;
	struct cs_content *content;
	while ((content = cs_map_next(&cluster->selectors.by_content, &at))) {
		for (uint32_t row = 0; row < cluster->nodes.table.n_rows; row++) {
			bool matches = cs_node_selector_expects(&cluster->selectors, content, row);
			if (cs_bitmap_test(cs_node_selector_shows(content), row) != matches)
				return fail(err, sums, row, "a node selector's answer");
		}
	}
	return 0;
}

static uint32_t count_large(const struct cs_node_table *table, uint32_t column)
{
	uint32_t n = 0;
	for (uint32_t row = 0; row < table->n_rows; row++)
		n += table->allocatable[column][row] > CS_ALLOCATABLE_EXACT;
	return n;
}

static int compare_shared(const struct shared *shared, const struct cs_map *all, const char *what,
			  struct cs_error *err)
{
	if (shared->users != shared->refs || cs_map_count(&shared->seen) != cs_map_count(all))
		return cs_error_set(err, -EUCLEAN, "%s are counted wrong", what);
	return 0;
}

static int compare_rest(const struct sums *sums, struct cs_error *err)
{
	const struct cs_cluster *cluster = sums->cluster;
	const struct cs_node_table *table = &cluster->nodes.table;
	uint32_t n_live = 0;
	for (uint32_t row = 0; row < table->n_rows; row++)
		n_live += table->live[row];
	if (n_live != table->n_live)
		return cs_error_set(err, -EUCLEAN, "the number of live rows is wrong");
	if (sums->n_assumed != cluster->n_assumed)
		return cs_error_set(err, -EUCLEAN, "the number of assumed pods is wrong");
	for (uint32_t column = 0; column < table->n_columns; column++)
		if (cluster->nodes.column_refs[column] != sums->column_refs[column] ||
		    table->n_large[column] != count_large(table, column))
			return cs_error_set(
				err, -EUCLEAN, "column %" PRIu32 " (%s) is counted wrong", column,
				cs_intern_string(cluster->strings, table->resource_name[column]));
	for (uint32_t set = 1; set < cluster->taints.n_taints; set++)
		if (cs_taint_set_refs(&cluster->taints, set) != sums->taint_refs[set])
			return cs_error_set(err, -EUCLEAN, "taint set %" PRIu32 " is counted wrong",
					    set);
	int rc = cs_nominations_check(cluster, err);
	if (rc == 0)
		rc = cs_loads_check(cluster, err);
	if (rc == 0)
		rc = cs_uses_check(cluster, err);
	if (rc == 0)
		rc = cs_check_asks(cluster, sums->arena, err);
	return rc == 0 ? cs_check_queries(cluster, sums->arena, err) : rc;
}

static int check(struct sums *sums, struct cs_error *err)
{
	const struct cs_node_table *table = &sums->cluster->nodes.table;
	size_t n = table->n_rows;
	for (uint32_t column = 0; column < table->n_columns; column++)
		sums->requested[column] =
			cs_arena_alloc_array(sums->arena, n, sizeof(unsigned __int128));
	for (uint32_t i = 0; i < 2; i++)
		sums->nonzero[i] = cs_arena_alloc_array(sums->arena, n, sizeof(unsigned __int128));
	sums->n_pods = cs_arena_alloc_array(sums->arena, n, sizeof(*sums->n_pods));
	sums->column_refs = cs_arena_alloc_array(sums->arena, CS_RESOURCE_MAX, sizeof(uint32_t));
	sums->taint_refs =
		cs_arena_alloc_array(sums->arena, sums->cluster->taints.n_taints, sizeof(uint32_t));
	count_rows(sums);
	count_shared(sums);
	int rc = count_pods(sums, err);
	for (uint32_t row = 0; rc == 0 && row < n; row++)
		rc = compare_row(sums, row, err);
	if (rc == 0)
		rc = compare_selectors(sums, err);
	if (rc == 0)
		rc = compare_shared(&sums->footprints, &sums->cluster->demands.footprints,
				    "footprints", err);
	if (rc == 0)
		rc = compare_shared(&sums->demands, &sums->cluster->demands.demands, "demands",
				    err);
	return rc == 0 ? compare_rest(sums, err) : rc;
}

int cs_cluster_check(const struct cs_cluster *cluster, struct cs_error *err)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct sums sums = { .cluster = cluster, .arena = arena };
	int rc = check(&sums, err);
	cs_map_finish(&sums.footprints.seen);
	cs_map_finish(&sums.demands.seen);
	return rc;
}
