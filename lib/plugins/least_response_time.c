// LeastResponseTime: the node that answers fastest, by the peak of late. Neighbours: by_load.h;
// load_kernel.c has the loops; cluster's load.h is the ledger of metric "responseTime".
//
//     cost  = the sample where that is larger, else cost * e + sample * (1 - e),
//             e = e^(-dt / decay)
//     L     = (quality * cost + (1 - quality) * median) * (in flight + 1) / (weight / 100) / start
//     score = 100 * (Lmin / L)^bias, rounded; Lmin is that of the feasible nodes
//
// dt is the time between two samples of the node. A node of which nothing is known has the median
// of those known, not 0: who is idle is not fast. In flight are the pods that came since the node's
// last sample, less those that left: the next sample shows what they do. start is 0.1 .. 1 and
// rises over `slowStart` for a node that joined, so that it is not flooded. Costs below 0.1 ms
// count as that. Within the deadband (as LeastConnections) all score 100.
//
// Example: three nodes of weight 100, samples 20, 40 and 80 ms, no pods in flight: 100, 50, 25.
// After a pod was placed on the first, L is 40, 40, 80 ms: 100, 100, 50. With decay 60 s a sample
// of 10 ms 30 s after one of 20 ms makes the cost 20 * 0.607 + 10 * 0.393 = 16.1 ms; one of 30 ms,
// 30 ms.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>

#include "by_load.h"
#include "plugins.h"

#define COST_MIN  0.0001 // seconds
#define START_MIN 0.1
#define HOUR      (3600 * CS_SECOND)

struct response_args {
	struct cs_by_ratio ratio;
	struct cs_by_load_threshold threshold;
	int64_t decay;      // ns
	int64_t slow_start; // ns; 0 = none
};

// What is remembered of a row.
struct node {
	uint32_t name;
	int64_t taken; // of the last sample; 0 = none yet
	double cost;
	int64_t n_pods; // when that sample was seen
	int64_t joined; // Unix ns; 0 = it was there before us
};

struct memory {
	struct cs_cluster *cluster;
	const struct response_args *args;
	struct cs_by_load_follower follower;
	uint32_t capacity;
	struct node *nodes;
	const int32_t *weight; // of nodes
	float *worth;          // by row: weight / (cost * (in flight + 1) / start)
	int64_t newest;        // of the samples: what is taken for now
	uint32_t n_ranged;     // rows 0 .. n-1 whose worth is within:
	struct cs_load_range range;
	// Of the cycle at hand:
	const struct cs_node_table *table;
	const struct cs_load_column *column;
};

static void *attach(struct cs_cluster *cluster, void *args)
{
	struct memory *memory = cs_alloc(sizeof(*memory));
	memory->cluster = cluster;
	memory->args = args;
	cs_by_load_watch(cluster, &memory->args->threshold);
	return memory;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct memory *memory = attached;
	cs_by_load_unwatch(cluster, &memory->args->threshold);
	for (uint32_t row = 0; row < memory->capacity; row++)
		cs_by_load_take_name(cluster, &memory->nodes[row].name, CS_INTERN_NONE);
	free(memory->nodes);
	free(memory->worth);
	free(memory);
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct response_args *args = self->args;
	return cs_by_load_prepare_filter(cycle, self, &args->threshold, 1);
}

// ---- what is remembered ----

static void grow(struct memory *memory, const struct cs_node_table *nodes)
{
	uint32_t n = nodes->capacity;
	if (memory->capacity >= nodes->n_rows)
		return;
	memory->nodes = cs_realloc_array(memory->nodes, n, sizeof(*memory->nodes));
	memory->worth = cs_grow_column(memory->worth, memory->capacity, n, sizeof(*memory->worth));
	for (uint32_t row = memory->capacity; row < n; row++)
		memory->nodes[row] = (struct node){ .name = CS_INTERN_NONE };
	memory->capacity = n;
}

// With those that are only supposed gone: what is remembered holds when they are back.
static int64_t count_pods(const struct memory *memory, uint32_t row)
{
	return memory->table->n_pods[row] + cs_cluster_supposed_gone(memory->cluster, row);
}

static void take_sample(const struct memory *memory, struct node *node, uint32_t row)
{
	const struct cs_load_column *column = memory->column;
	double sample = column->sample[row];
	double dt = (double)(column->taken[row] - node->taken);
	dt = dt > 0 ? dt : 0; // the clock was put back
	double old = node->taken ? exp(-dt / (double)memory->args->decay) : 0;
	node->cost =
		node->taken && sample < node->cost ? node->cost * old + sample * (1 - old) : sample;
	node->taken = column->taken[row];
	node->n_pods = count_pods(memory, row);
}

static double start_of(const struct memory *memory, const struct node *node)
{
	int64_t whole = memory->args->slow_start;
	if (whole == 0 || node->joined == 0 || memory->newest - node->joined >= whole)
		return 1;
	double part = (double)(memory->newest - node->joined) / (double)whole;
	return part > START_MIN ? part : START_MIN;
}

// The range stays known as long as neither end of it moves inwards.
static void set_worth(struct memory *memory, uint32_t row, float worth)
{
	struct cs_load_range *range = &memory->range;
	float before = memory->worth[row];
	memory->worth[row] = worth;
	if (row >= memory->n_ranged || worth == before)
		return;
	if (before == range->least || before == range->greatest)
		memory->n_ranged = 0;
	range->least = worth < range->least ? worth : range->least;
	range->greatest = worth > range->greatest ? worth : range->greatest;
}

static void renew(void *user, uint32_t row)
{
	struct memory *memory = user;
	const struct cs_node_table *table = memory->table;
	struct node *node = &memory->nodes[row];
	if (cs_by_load_take_name(memory->cluster, &node->name, table->name[row]))
		*node = (struct node){
			.name = table->name[row],
			.n_pods = count_pods(memory, row),
			.joined = memory->follower.begun ? memory->newest : 0,
		};
	if (memory->column->taken[row] && memory->column->taken[row] != node->taken)
		take_sample(memory, node, row);
	if (node->joined > memory->newest)
		node->joined = memory->newest;
	double quality = node->taken ? memory->column->quality[row] : 0;
	double cost = quality * node->cost + (1 - quality) * memory->column->median;
	int64_t in_flight = table->n_pods[row] - node->n_pods;
	cost = cost > COST_MIN ? cost : COST_MIN;
	double load = cost * (double)(in_flight > 0 ? in_flight + 1 : 1) / start_of(memory, node);
	set_worth(memory, row, (float)memory->weight[row] / (float)load);
}

static void remember(struct memory *memory, const struct cs_cycle *cycle, uint64_t version)
{
	const struct cs_node_table *nodes = cycle->nodes;
	grow(memory, nodes);
	memory->table = nodes;
	memory->weight = cs_cluster_load(cycle->cluster)->weight;
	if (!memory->follower.begun || memory->follower.version != version) {
		memory->newest = 0;
		for (uint32_t row = 0; row < nodes->n_rows; row++)
			if (nodes->live[row] && memory->column->taken[row] > memory->newest)
				memory->newest = memory->column->taken[row];
	}
	cs_by_load_follow(&memory->follower, nodes, version, renew, memory);
}

// ---- score ----

// Of the feasible rows.
static struct cs_load_range range_of(struct memory *memory, const struct cs_cycle *cycle)
{
	const uint32_t *feasible = cs_by_load_feasible(cycle);
	if (!feasible && memory->n_ranged == cycle->n_feasible)
		return memory->range;
	struct cs_load_range range =
		cs_load_kernel_range(memory->worth, feasible, cycle->n_feasible);
	if (!feasible) {
		memory->range = range;
		memory->n_ranged = cycle->n_feasible;
	}
	return range;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct response_args *args = self->args;
	struct memory *memory = self->attached;
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	memory->column = cs_by_load_column(table, CS_LOAD_RESPONSE);
	if (!memory->column || memory->column->n_known == 0)
		return CS_PREPARE_SKIP;
	remember(memory, cycle, table->version);
	struct cs_by_ratio_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	cs_by_ratio_begin(&args->ratio, memory->worth, range_of(memory, cycle), state);
	self->score_state = state;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	cs_by_ratio_score(self->score_state, rows, out);
}

// ---- in numbers ----

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	const struct memory *memory = self->attached;
	const struct node *node = &memory->nodes[row];
	double quality = node->taken ? memory->column->quality[row] : 0;
	int64_t in_flight = memory->table->n_pods[row] - node->n_pods;
	if (quality > 0)
		cs_buffer_printf(out, "peak %.4g s", node->cost);
	if (quality > 0 && quality < 1)
		cs_buffer_printf(out, " x quality %.3g + ", quality);
	if (quality < 1)
		cs_buffer_printf(out, "median %.4g s x %.3g", memory->column->median, 1 - quality);
	cs_buffer_printf(out, ", x (%" PRId64 " pods in flight + 1) / weight %.4g / start %.3g; ",
			 in_flight > 0 ? in_flight : 0, (double)memory->weight[row] / 100,
			 start_of(memory, node));
	cs_by_ratio_explain(self->score_state, row, 100, out);
}

// ---- arguments ----

struct response_fields {
	struct cs_by_ratio_fields ratio;
	struct cs_field_int threshold;
	struct cs_field_int decay;
	struct cs_field_int slow_start;
};

static const struct cs_field fields[] = {
	CS_BY_RATIO_FIELDS(struct response_fields, ratio),
	{ .name = "threshold",
	  .type = CS_FIELD_DURATION,
	  .offset = offsetof(struct response_fields, threshold) },
	{ .name = "decay",
	  .type = CS_FIELD_DURATION,
	  .offset = offsetof(struct response_fields, decay) },
	{ .name = "slowStart",
	  .type = CS_FIELD_DURATION,
	  .offset = offsetof(struct response_fields, slow_start) },
	{ 0 },
};

static int64_t read_duration(const struct cs_field_int *field, int64_t otherwise)
{
	return field->given ? field->value : otherwise;
}

static int check(const struct response_args *args, int64_t threshold, struct cs_errors *errors)
{
	int r = 0;
	if (threshold < 0 || threshold > HOUR)
		r = cs_errors_invalid_duration(errors, "threshold", threshold, 0, HOUR);
	if (args->decay < CS_SECOND || args->decay > HOUR)
		r = cs_errors_invalid_duration(errors, "decay", args->decay, CS_SECOND, HOUR);
	if (args->slow_start < 0 || args->slow_start > HOUR)
		r = cs_errors_invalid_duration(errors, "slowStart", args->slow_start, 0, HOUR);
	return r;
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct response_fields read = { 0 };
	CS_AUTO_FREE struct response_args *args = cs_alloc(sizeof(*args));
	bool wrong = from && cs_fields_read(from, fields, arena, &read, errors) < 0;
	wrong |= cs_by_ratio_configure(&read.ratio, &args->ratio, errors) < 0;
	args->threshold = (struct cs_by_load_threshold){
		.metric = CS_LOAD_RESPONSE,
		.value = (double)read.threshold.value / CS_SECOND,
	};
	args->decay = read_duration(&read.decay, 60 * CS_SECOND);
	args->slow_start = read_duration(&read.slow_start, 120 * CS_SECOND);
	wrong |= check(args, read.threshold.value, errors) < 0;
	if (wrong)
		return -EINVAL;
	*ret = CS_TAKE(args);
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct response_args *args = pointer;
	cs_by_ratio_write(&args->ratio, json);
	cs_json_member_duration(json, "threshold",
				(int64_t)(args->threshold.value * CS_SECOND + 0.5));
	cs_json_member_duration(json, "decay", args->decay);
	cs_json_member_duration(json, "slowStart", args->slow_start);
}

static bool uses(const void *args, uint32_t i, struct cs_metric_use *ret)
{
	(void)args;
	ret->metric = CS_LOAD_RESPONSE;
	return i == 0;
}

static const struct cs_argument arguments[] = {
	CS_BY_RATIO_ARGUMENTS,
	{ "threshold", "duration, 0s..1h",
	  "a node whose response time is this or more takes no pod; default 0s: none" },
	{ "decay", "duration, 1s..1h", "how long a peak is remembered; default 1m" },
	{ "slowStart", "duration, 0s..1h",
	  "how long a node that joins gets fewer pods than its weight says; default 2m" },
	{ 0 },
};

const struct cs_plugin cs_plugin_least_response_time = {
	.name = "LeastResponseTime",
	.attach = attach,
	.detach = detach,
	.prepare_filter = prepare_filter,
	.filter = cs_by_load_filter,
	.reasons = cs_by_load_reasons,
	.explain_filter = cs_by_load_explain_filter,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
	.uses = uses,
};
