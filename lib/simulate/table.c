// The report for people: what fits where, what does not and why, and the nodes before and after.
// Neighbours: report.c.
#include "report_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/cluster/cluster.h>

#define BAR_WIDTH     10
#define AMOUNTS_WIDTH 22
#define PLACES_MAX    8  // nodes named behind a workload
#define NODES_MAX     40 // nodes with a line of their own
#define COLUMN_MAX    48 // of names
#define MEMORY_UNIT   (INT64_C(1) << 20)
#define N_QUANTITIES  3

// Pods that one controller made, or one pod.
struct group {
	char *key; // "Deployment default/web"
	uint32_t n_pods;
	uint32_t n_placed;
	uint32_t capacity;
	uint32_t *rows; // of the placed, in order
};

// Pods that were not placed for the same reasons.
struct problem {
	char *message;
	enum cs_simulation_result result;
	uint32_t n_groups;
	uint32_t capacity;
	struct share {
		uint32_t group;
		uint32_t n_pods;
	} * shares; // the last one is the one met last
};

// What a node has and what is taken of it: milli-CPU, bytes, pods.
struct usage {
	int64_t has[N_QUANTITIES];
	int64_t before[N_QUANTITIES];
};

struct table {
	struct cs_simulation *simulation;
	const struct cs_cluster *cluster;
	struct cs_buffer *out;
	uint32_t n_results[CS_SIMULATION_RESULT_COUNT];
	struct cs_map group_index; // index + 1
	struct cs_map problem_index;
	uint32_t n_groups;
	uint32_t groups_capacity;
	struct group *groups;
	uint32_t n_problems;
	uint32_t problems_capacity;
	struct problem *problems;
	uint32_t n_nodes;
	uint32_t *rows;      // by name
	struct usage *usage; // by row, before the run
};

static struct usage usage_of(const struct cs_node_table *nodes, uint32_t row)
{
	return (struct usage){
		.has = { nodes->allocatable[CS_RESOURCE_CPU][row],
			 nodes->allocatable[CS_RESOURCE_MEMORY][row], nodes->max_pods[row] },
		.before = { nodes->requested[CS_RESOURCE_CPU][row],
			    nodes->requested[CS_RESOURCE_MEMORY][row], nodes->n_pods[row] },
	};
}

static void *create(const struct cs_report_options *options, struct cs_buffer *out)
{
	struct table *table = cs_alloc(sizeof(*table));
	table->simulation = options->simulation;
	table->cluster = cs_simulation_cluster(options->simulation);
	table->out = out;
	const struct cs_node_table *nodes = cs_cluster_nodes(table->cluster);
	table->n_nodes = nodes->n_live;
	table->rows = report_sort_rows(table->cluster);
	table->usage = cs_alloc_array(nodes->n_rows + 1, sizeof(*table->usage));
	for (uint32_t i = 0; i < table->n_nodes; i++)
		table->usage[table->rows[i]] = usage_of(nodes, table->rows[i]);
	cs_map_init(&table->group_index, 0);
	cs_map_init(&table->problem_index, 0);
	return table;
}

static void destroy(void *writer)
{
	struct table *table = writer;
	cs_map_finish(&table->group_index);
	cs_map_finish(&table->problem_index);
	for (uint32_t i = 0; i < table->n_groups; i++) {
		free(table->groups[i].key);
		free(table->groups[i].rows);
	}
	for (uint32_t i = 0; i < table->n_problems; i++) {
		free(table->problems[i].message);
		free(table->problems[i].shares);
	}
	free(table->groups);
	free(table->problems);
	free(table->rows);
	free(table->usage);
	free(table);
}

// ---- collecting ----

// Room for one more element of `list`, which has `n`.
#define GROW(list, n, capacity)                                                         \
	do {                                                                            \
		if ((n) == (capacity)) {                                                \
			(capacity) = (capacity) ? 2 * (capacity) : 4;                   \
			(list) = cs_realloc_array((list), (capacity), sizeof(*(list))); \
		}                                                                       \
	} while (0)

static uint32_t find_group(struct table *table, const struct cs_simulation_decision *decision)
{
	CS_AUTO_FREE char *key = cs_asprintf("%s %s/%s", decision->workload_kind,
					     decision->pod->namespace, decision->workload_name);
	uintptr_t known = (uintptr_t)cs_map_get(&table->group_index, cs_slice_of(key));
	if (known)
		return (uint32_t)known - 1;
	GROW(table->groups, table->n_groups, table->groups_capacity);
	struct group *group = &table->groups[table->n_groups++];
	*group = (struct group){ .key = CS_TAKE(key) };
	cs_map_put(&table->group_index, cs_slice_of(group->key),
		   (void *)(uintptr_t)table->n_groups);
	return table->n_groups - 1;
}

static struct problem *find_problem(struct table *table,
				    const struct cs_simulation_decision *decision)
{
	uintptr_t known =
		(uintptr_t)cs_map_get(&table->problem_index, cs_slice_of(decision->message));
	if (known)
		return &table->problems[known - 1];
	GROW(table->problems, table->n_problems, table->problems_capacity);
	struct problem *problem = &table->problems[table->n_problems++];
	*problem = (struct problem){ .message = cs_strdup(decision->message),
				     .result = decision->result };
	cs_map_put(&table->problem_index, cs_slice_of(problem->message),
		   (void *)(uintptr_t)table->n_problems);
	return problem;
}

static void note_problem(struct table *table, const struct cs_simulation_decision *decision,
			 uint32_t group)
{
	struct problem *problem = find_problem(table, decision);
	if (problem->n_groups == 0 || problem->shares[problem->n_groups - 1].group != group) {
		GROW(problem->shares, problem->n_groups, problem->capacity);
		problem->shares[problem->n_groups++] = (struct share){ .group = group };
	}
	problem->shares[problem->n_groups - 1].n_pods++;
}

static void decided(void *writer, const struct cs_simulation_decision *decision)
{
	struct table *table = writer;
	uint32_t index = find_group(table, decision);
	struct group *group = &table->groups[index];
	table->n_results[decision->result]++;
	group->n_pods++;
	if (decision->result != CS_SIMULATION_SCHEDULED) {
		note_problem(table, decision, index);
		return;
	}
	GROW(group->rows, group->n_placed, group->capacity);
	group->rows[group->n_placed++] = decision->row;
}

// ---- what was placed ----

struct spot {
	const char *node;
	uint32_t n_pods;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct spot *)a)->node, ((const struct spot *)b)->node);
}

static int compare_spots(const void *a, const void *b)
{
	const struct spot *x = a;
	const struct spot *y = b;
	if (x->n_pods != y->n_pods)
		return x->n_pods > y->n_pods ? -1 : 1;
	return strcmp(x->node, y->node);
}

// "n1 2, n2 1, ... (3 more nodes)", most pods first.
static void write_spots(const struct table *table, const struct group *group)
{
	CS_AUTO_FREE struct spot *spots = cs_alloc_array(group->n_placed, sizeof(*spots));
	for (uint32_t i = 0; i < group->n_placed; i++)
		spots[i] = (struct spot){ cs_cluster_node_name(table->cluster, group->rows[i]), 1 };
	qsort(spots, group->n_placed, sizeof(*spots), compare_names);
	uint32_t n = 0;
	for (uint32_t i = 0; i < group->n_placed; i++)
		if (n && strcmp(spots[n - 1].node, spots[i].node) == 0)
			spots[n - 1].n_pods++;
		else
			spots[n++] = spots[i];
	qsort(spots, n, sizeof(*spots), compare_spots);
	for (uint32_t i = 0; i < n && i < PLACES_MAX; i++) {
		cs_buffer_printf(table->out, "%s%s", i ? ", " : "", spots[i].node);
		if (group->n_placed > 1)
			cs_buffer_printf(table->out, " %u", spots[i].n_pods);
	}
	if (n > PLACES_MAX)
		cs_buffer_printf(table->out, ", and %u more nodes", n - PLACES_MAX);
	cs_buffer_append_char(table->out, '\n');
}

static int wider(int width, size_t size)
{
	int other = size < COLUMN_MAX ? (int)size : COLUMN_MAX;
	return other > width ? other : width;
}

static void write_placed(const struct table *table)
{
	int width = (int)strlen("PLACED");
	bool any = false;
	for (uint32_t i = 0; i < table->n_groups; i++) {
		any |= table->groups[i].n_placed > 0;
		if (table->groups[i].n_placed)
			width = wider(width, strlen(table->groups[i].key));
	}
	if (!any)
		return;
	cs_buffer_printf(table->out, "\n%-*s  %6s  NODES\n", width, "PLACED", "PODS");
	for (uint32_t i = 0; i < table->n_groups; i++) {
		const struct group *group = &table->groups[i];
		if (!group->n_placed)
			continue;
		cs_buffer_printf(table->out, "%-*s  %6u  ", width, group->key, group->n_placed);
		write_spots(table, group);
	}
}

// ---- what was not ----

static void write_problems(const struct table *table)
{
	if (table->n_problems)
		cs_buffer_append_string(table->out, "\nNOT PLACED\n");
	for (uint32_t i = 0; i < table->n_problems; i++) {
		const struct problem *problem = &table->problems[i];
		if (problem->result == CS_SIMULATION_ERROR)
			cs_buffer_append_string(table->out, "  error: ");
		else
			cs_buffer_append_string(table->out, "  ");
		cs_buffer_printf(table->out, "%s\n", problem->message);
		for (uint32_t k = 0; k < problem->n_groups; k++) {
			const struct group *group = &table->groups[problem->shares[k].group];
			if (group->n_pods == 1)
				cs_buffer_printf(table->out, "      %s\n", group->key);
			else
				cs_buffer_printf(table->out, "      %u of the %u pods of %s\n",
						 problem->shares[k].n_pods, group->n_pods,
						 group->key);
		}
	}
}

// ---- nodes ----

static const char *print_amount(int quantity, int64_t value, char out[32])
{
	if (quantity == 2)
		snprintf(out, 32, "%" PRId64, value);
	else if (quantity == 1)
		snprintf(out, 32, "%.1fGi", (double)value / (double)(MEMORY_UNIT << 10));
	else
		snprintf(out, 32, "%.1f", (double)value / 1000);
	return out;
}

static int cells(int64_t part, int64_t whole)
{
	double share = whole > 0 ? (double)part / (double)whole : part > 0;
	return share >= 1 ? BAR_WIDTH : (int)(share * BAR_WIDTH + 0.5);
}

// "##++...... 1.2+2.0/8.0": what was taken, what came, what there is.
static void write_quantity(struct cs_buffer *out, int quantity, const struct usage *usage,
			   int64_t after)
{
	char bar[BAR_WIDTH + 1];
	char before[32];
	char added[32];
	char has[32];
	char amounts[128];
	int taken = cells(usage->before[quantity], usage->has[quantity]);
	int filled = cells(after, usage->has[quantity]);
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < taken ? '#' : i < filled ? '+' : '.';
	bar[BAR_WIDTH] = '\0';
	snprintf(amounts, sizeof(amounts), "%s+%s/%s",
		 print_amount(quantity, usage->before[quantity], before),
		 print_amount(quantity, after - usage->before[quantity], added),
		 print_amount(quantity, usage->has[quantity], has));
	if (quantity == N_QUANTITIES - 1)
		cs_buffer_printf(out, "  %s %s\n", bar, amounts);
	else
		cs_buffer_printf(out, "  %s %-*s", bar, AMOUNTS_WIDTH, amounts);
}

static void write_node(struct cs_buffer *out, const char *name, int width,
		       const struct usage *usage, const struct usage *now)
{
	cs_buffer_printf(out, "%-*s", width, name);
	for (int i = 0; i < N_QUANTITIES; i++)
		write_quantity(out, i, usage, now->before[i]);
}

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void add_usage(struct usage *sum, const struct usage *more)
{
	for (int i = 0; i < N_QUANTITIES; i++) {
		sum->has[i] = add(sum->has[i], more->has[i]);
		sum->before[i] = add(sum->before[i], more->before[i]);
	}
}

static void write_nodes(const struct table *table)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(table->cluster);
	struct usage before = { 0 };
	struct usage after = { 0 };
	int width = (int)strlen("all 1000000");
	uint32_t shown = 0;
	bool crowded = table->n_nodes > NODES_MAX;
	if (table->n_nodes == 0)
		return;
	for (uint32_t i = 0; i < table->n_nodes; i++)
		width = wider(width, strlen(cs_cluster_node_name(table->cluster, table->rows[i])));
	const int column = BAR_WIDTH + 1 + AMOUNTS_WIDTH;
	cs_buffer_printf(table->out, "\n%-*s  %-*s  %-*s  %s\n", width, "NODES", column, "CPU",
			 column, "MEMORY", "PODS");
	for (uint32_t i = 0; i < table->n_nodes; i++) {
		uint32_t row = table->rows[i];
		struct usage now = usage_of(nodes, row);
		bool changed = now.before[2] != table->usage[row].before[2];
		add_usage(&before, &table->usage[row]);
		add_usage(&after, &now);
		if (shown == NODES_MAX || (crowded && !changed))
			continue;
		write_node(table->out, cs_cluster_node_name(table->cluster, row), width,
			   &table->usage[row], &now);
		shown++;
	}
	if (shown < table->n_nodes)
		cs_buffer_printf(table->out, "and %u more nodes\n", table->n_nodes - shown);
	char all[32];
	snprintf(all, sizeof(all), "all %u", table->n_nodes);
	write_node(table->out, all, width, &before, &after);
}

// ---- the whole ----

static void write_kinds(const struct table *table, bool used, const char *title)
{
	uint32_t n;
	const struct cs_simulation_kind *kinds = cs_simulation_kinds(table->simulation, &n);
	const char *before = title;
	for (uint32_t i = 0; i < n; i++) {
		if (kinds[i].used != used)
			continue;
		cs_buffer_printf(table->out, "%s%u %s", before, kinds[i].count, kinds[i].kind);
		if (!used) // it may be the version that is not known
			cs_buffer_printf(table->out, " (%s)", kinds[i].api_version);
		before = ", ";
	}
	if (before != title)
		cs_buffer_append_char(table->out, '\n');
}

static void write_summary(const struct table *table)
{
	uint32_t n = 0;
	for (int i = 0; i < CS_SIMULATION_RESULT_COUNT; i++)
		n += table->n_results[i];
	write_kinds(table, true, "Read: ");
	write_kinds(table, false, "Not looked at: ");
	uint32_t elsewhere = cs_simulation_elsewhere(table->simulation);
	if (elsewhere > 0)
		cs_buffer_printf(table->out, "On nodes that are not in the input: %u pod%s\n",
				 elsewhere, elsewhere == 1 ? "" : "s");
	cs_buffer_printf(table->out, "%u pod%s to place: ", n, n == 1 ? "" : "s");
	const char *before = "";
	for (int i = 0; i < CS_SIMULATION_RESULT_COUNT; i++) {
		if (table->n_results[i] == 0)
			continue;
		cs_buffer_printf(table->out, "%s%u %s", before, table->n_results[i],
				 report_result_names[i]);
		before = ", ";
	}
	cs_buffer_append_string(table->out, n ? ".\n" : "nothing to do.\n");
}

static void end(void *writer)
{
	const struct table *table = writer;
	write_summary(table);
	write_placed(table);
	write_problems(table);
	write_nodes(table);
}

const struct report_writer report_table_writer = {
	.create = create,
	.destroy = destroy,
	.decided = decided,
	.end = end,
};
