// LeastConnections: weighted least connections. Neighbours: by_load.h; load_kernel.c has the loops;
// cluster's load.h is the ledger of metric "connections".
//
//     L     = (connections + d) / (weight of the node / 100)
//     score = 100 * (1 - s * (0.05 u + 0.95 u^8)), rounded, at least 0;
//             u = L / (crowded * mean of L / 100), or L / limit where that is known and greater
//     and where `crowded` is 0
//     score = 100 * (Lmin / L)^bias, rounded, or where every feasible node has a known limit
//     score = 100 * (1 - u), u = L / limit, rounded:
//             no deadband then, since a difference in u is one of capacity
//
// The mean and the least L are those of the feasible nodes. An average node loses four points, a
// crowded one all: among nodes with room the least connections decide what others leave nearly
// equal, and who is full is avoided. Limits are mostly far away (a connection table has 262144
// entries): by them alone 500 connections and 5000 would be the same.
// What is only estimated there, since figures are missing or old, counts up to three tenths more.
//
//     s = (d / mean connections of a pod) / (CPU this pod is expected to use / mean use of a pod),
//         within 1/2 and 2; means of the cluster; without CPU figures the first part alone
// What a pod brings most of decides: one that uses much CPU is what evens CPU out, and goes by
// that; one that uses little, or opens many connections, goes where those are few.
//
// connections is what was measured, corrected for the pods that came and left since; d is what this
// pod is expected to open: its annotation c-sched.io/connections, else the mean of its siblings,
// else that of the cluster per pod. By the ratio all score 100 where (Lmax - Lmin) / Lmax is below
// the deadband, in percent: noise decides nothing, others do.
//
// Example: d is 20. a has 180 connections, b 380, c 580, with c-sched.io/weight 100, 200, 100:
//     L = 200, 200, 600; 175 % of the mean is 583: u = 0.343, 0.343, 1.029 -> 98, 98, 0
// It is expected to use 400 milli-CPU, pods of the cluster use 200 and have 20 connections on the
// mean: s = (20 / 20) / (400 / 200) = 0.5 -> 99, 99, 38.
// With limits of 1000, 250 and 2000: u = 0.343, 0.8, 1.029 -> 98, 80, 0.
// With crowded 0 Lmin is 200 -> 100, 100, 33; with bias 2: 100, 100, 11.
// With crowded 0 and those limits: u = 0.2, 0.8, 0.3 -> 80, 20, 70.
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include <csched/base/memory.h>

#include "by_load.h"
#include "plugins.h"

// By test/bench/load.
#define DOUBT     0.3F // of what is wholly estimated
#define CROWDED   175  // percent, by default
#define SHARE_MIN 0.5
#define SHARE_MAX 2.0

struct connections_args {
	struct cs_by_ratio ratio;
	int64_t crowded; // 0 = by the ratio
	struct cs_by_load_threshold threshold;
};

struct connections_state {
	struct cs_by_ratio_state ratio;
	struct cs_load_crowd crowd; // delay.load NULL: by the ratio
	const double *limits;       // NULL: by the crowd, or not known of all feasible rows
};

// By row, kept from decision to decision.
struct memory {
	const struct connections_args *args;
	struct cs_by_load_follower follower;
	uint32_t capacity;
	float *load;
	float *factor; // 100 / weight
	float *limit;  // 1 / the limit, 0 = none
	bool limited;  // a row has, or had, one
	// Of the cycle at hand:
	const struct cs_load_column *column;
	const int32_t *weight;
};

static void *attach(struct cs_cluster *cluster, void *pointer)
{
	struct memory *memory = cs_alloc(sizeof(*memory));
	memory->args = pointer;
	cs_by_load_watch(cluster, &memory->args->threshold);
	return memory;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct memory *memory = attached;
	cs_by_load_unwatch(cluster, &memory->args->threshold);
	free(memory->load);
	free(memory->factor);
	free(memory->limit);
	free(memory);
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct connections_args *args = self->args;
	return cs_by_load_prepare_filter(cycle, self, &args->threshold, 1);
}

static void renew(void *user, uint32_t row)
{
	struct memory *memory = user;
	int32_t weight = memory->weight[row];
	memory->load[row] = (float)memory->column->load[row];
	memory->factor[row] = 100.0F / (float)(weight > 1 ? weight : 1);
	double limit = memory->column->capacity[row];
	memory->limit[row] = limit > 0 ? (float)(1 / limit) : 0;
	memory->limited |= limit > 0;
}

static void follow(struct memory *memory, const struct cs_node_table *nodes, uint64_t version)
{
	uint32_t n = nodes->capacity;
	if (memory->capacity < nodes->n_rows) {
		memory->load = cs_grow_column(memory->load, 0, n, sizeof(*memory->load));
		memory->factor = cs_grow_column(memory->factor, 0, n, sizeof(*memory->factor));
		memory->limit = cs_grow_column(memory->limit, 0, n, sizeof(*memory->limit));
		memory->capacity = n;
		memory->follower.begun = false;
	}
	cs_by_load_follow(&memory->follower, nodes, version, renew, memory);
}

// Of the feasible rows, without those of weight 0: they take no new pods, and are feasible only
// where a profile has disabled the filter.
static float mean_delay(const struct cs_cycle *cycle, const struct cs_load_delay *delay)
{
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	const uint32_t *feasible = cs_by_load_feasible(cycle);
	if (table->n_weightless == 0)
		return cs_load_kernel_mean_delay(delay, feasible, cycle->n_feasible);
	uint32_t *rows = cs_arena_alloc_raw(cycle->scratch, cycle->n_feasible * sizeof(*rows));
	uint32_t n = 0;
	for (uint32_t row = 0; row < cycle->nodes->n_rows; row++)
		if (cycle->passed[row] == CS_PASSED && table->weight[row] > 0)
			rows[n++] = row;
	return n > 0 ? cs_load_kernel_mean_delay(delay, rows, n) : 1;
}

// What the pod is expected to bring / the mean of the cluster's pods; 1 where that is not known.
static double heaviness(const struct cs_cycle *cycle, const char *metric)
{
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	const struct cs_load_column *column = cs_by_load_column(table, metric);
	if (!column || column->mean_per_pod <= 0)
		return 1;
	double expected = cs_by_load_expected(cycle, table, column);
	return expected > 0 ? expected / column->mean_per_pod : 1;
}

static float share_of(const struct cs_cycle *cycle)
{
	double share = heaviness(cycle, CS_LOAD_CONNECTIONS) / heaviness(cycle, CS_LOAD_CPU);
	return (float)(share < SHARE_MIN ? SHARE_MIN : share > SHARE_MAX ? SHARE_MAX : share);
}

static void prepare_crowd(const struct connections_args *args, const struct cs_cycle *cycle,
			  const struct memory *memory, double add, struct cs_load_crowd *ret)
{
	const struct cs_load_column *column = memory->column;
	*ret = (struct cs_load_crowd){
		.delay = { .load = memory->load,
			   .factor = cs_by_load_weights(cycle) ? memory->factor : NULL,
			   .add = (float)add },
		.quality = column->n_fresh == cycle->nodes->n_live ? NULL : column->quality,
		.doubt = DOUBT,
		.share = share_of(cycle),
	};
	ret->inverse = 100.0F / ((float)args->crowded * mean_delay(cycle, &ret->delay));
	if (!memory->limited)
		return;
	uint32_t n = cycle->nodes->n_rows;
	float *factor = cs_arena_alloc_raw(cycle->scratch, n * sizeof(*factor));
	cs_load_kernel_narrow(memory->factor, memory->limit, ret->inverse, n, factor);
	ret->delay.factor = factor;
}

static void prepare_ratio(const struct connections_args *args, const struct cs_cycle *cycle,
			  const struct memory *memory, double add, struct cs_by_ratio_state *ret)
{
	uint32_t n = cycle->nodes->n_rows;
	const uint32_t *feasible = cs_by_load_feasible(cycle);
	float *values = cs_arena_alloc_raw(cycle->scratch, n * sizeof(*values));
	const struct cs_load_worth worth = {
		.load = memory->load,
		.weight = cs_by_load_weights(cycle),
		.add = add,
	};
	struct cs_load_range range = cs_load_kernel_worth(&worth, n, values);
	if (feasible)
		range = cs_load_kernel_range(values, feasible, cycle->n_feasible);
	cs_by_ratio_begin(&args->ratio, values, range, ret);
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct connections_args *args = self->args;
	struct memory *memory = self->attached;
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	const struct cs_load_column *column = cs_by_load_column(table, CS_LOAD_CONNECTIONS);
	if (!column || (column->n_known == 0 && column->mean_per_pod <= 0))
		return CS_PREPARE_SKIP;
	memory->column = column;
	memory->weight = table->weight;
	follow(memory, cycle->nodes, table->version);
	struct connections_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	double add = cs_by_load_expected(cycle, table, column);
	if (args->crowded > 0) {
		prepare_crowd(args, cycle, memory, add, &state->crowd);
	} else {
		prepare_ratio(args, cycle, memory, add, &state->ratio);
		if (cs_load_kernel_all_positive(column->capacity, cs_by_load_feasible(cycle),
						cycle->n_feasible))
			state->limits = column->capacity;
	}
	self->score_state = state;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct connections_state *state = self->score_state;
	if (state->limits)
		cs_load_kernel_rest(state->ratio.values, state->limits, rows, out);
	else if (state->crowd.delay.load)
		cs_load_kernel_crowd(&state->crowd, rows, out);
	else
		cs_by_ratio_score(&state->ratio, rows, out);
}

// ---- in numbers ----

// `limit` 0: none.
static void explain_crowd(const struct cs_plugin_instance *self, double own, double limit,
			  uint32_t row, struct cs_buffer *out)
{
	const struct connections_args *args = self->args;
	const struct connections_state *state = self->score_state;
	const struct cs_load_crowd *crowd = &state->crowd;
	double quality = crowd->quality ? crowd->quality[row] : 1;
	double doubt = 1 + (double)crowd->doubt * (1 - quality);
	double most = 1 / (double)crowd->inverse;
	bool narrow = limit > 0 && limit < most;
	double full = own / (narrow ? limit : most) * doubt;
	double lost = (double)(crowd->share * cs_load_crowding((float)full));
	if (narrow)
		cs_buffer_printf(out, "u = %.4g / limit %.4g", own, limit);
	else
		cs_buffer_printf(out, "u = %.4g / %.4g, which is %" PRId64 " %% of the mean", own,
				 most, args->crowded);
	if (quality < 1)
		cs_buffer_printf(out, ", x %.3g for quality %.3g", doubt, quality);
	cs_buffer_printf(out, " = %.4g; 100 x (1 - ", full);
	if (crowd->share != 1)
		cs_buffer_printf(out, "%.3g x ", (double)crowd->share);
	cs_buffer_printf(out, "(0.05 u + 0.95 u^8)) = %.4g", lost < 1 ? 100 * (1 - lost) : 0);
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	const struct connections_state *state = self->score_state;
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	const struct cs_load_column *column = cs_by_load_column(table, CS_LOAD_CONNECTIONS);
	double add = cs_by_load_expected(cycle, table, column);
	double weight = table->weight[row] > 1 ? (double)table->weight[row] / 100 : 0.01;
	double own = (column->load[row] + add) / weight;
	cs_buffer_printf(out, "L = (%.4g + %.4g) / weight %.4g = %.4g; ", column->load[row], add,
			 weight, own);
	if (state->limits) {
		double full = own / state->limits[row];
		full = full < 1 ? full : 1;
		cs_buffer_printf(out, "u = %.4g / limit %.4g = %.4g; 100 x (1 - u) = %.4g", own,
				 state->limits[row], full, 100 * (1 - full));
	} else if (state->crowd.delay.load) {
		explain_crowd(self, own, column->capacity[row], row, out);
	} else {
		cs_by_ratio_explain(&state->ratio, row, 100, out);
	}
}

// ---- arguments ----

struct connections_fields {
	struct cs_by_ratio_fields ratio;
	struct cs_field_int crowded;
	struct cs_field_int threshold;
};

static const struct cs_field fields[] = {
	CS_BY_RATIO_FIELDS(struct connections_fields, ratio),
	{ .name = "crowded",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct connections_fields, crowded),
	  .min = 0,
	  .max = 1000,
	  .wrong = "not in valid range [0, 1000]" },
	{ .name = "threshold",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct connections_fields, threshold),
	  .min = 0,
	  .max = 100,
	  .wrong = "not in valid range [0, 100]" },
	{ 0 },
};

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct connections_fields read = { 0 };
	CS_AUTO_FREE struct connections_args *args = cs_alloc(sizeof(*args));
	bool wrong = from && cs_fields_read(from, fields, arena, &read, errors) < 0;
	wrong |= cs_by_ratio_configure(&read.ratio, &args->ratio, errors) < 0;
	if (wrong)
		return -EINVAL;
	args->crowded = read.ratio.bias.given || read.ratio.deadband.given ? 0 : CROWDED;
	if (read.crowded.given)
		args->crowded = read.crowded.value;
	args->threshold = (struct cs_by_load_threshold){ .metric = CS_LOAD_CONNECTIONS,
							 .percent = read.threshold.value };
	*ret = CS_TAKE(args);
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct connections_args *args = pointer;
	cs_by_ratio_write(&args->ratio, json);
	cs_json_member_int(json, "crowded", args->crowded);
	cs_json_member_int(json, "threshold", args->threshold.percent);
}

static bool uses(const void *pointer, uint32_t i, struct cs_metric_use *ret)
{
	const struct connections_args *args = pointer;
	ret->metric = CS_LOAD_CONNECTIONS;
	ret->full = args->threshold.percent > 0;
	return i == 0;
}

static const struct cs_argument arguments[] = {
	{ "crowded", "integer, 0..1000",
	  "a node whose connections per weight are at this percentage of the feasible nodes' mean, "
	  "or at its limit, scores 0; others lose a twentieth of own / that and 19 of its eighth "
	  "power. What is lost is halved for a pod of twice the mean CPU, doubled for one of half of "
	  "it or of twice the mean connections, at most. 0: by the ratio to the least, or by what is "
	  "left of limits. Default 175, where bias or deadband are given 0" },
	CS_BY_RATIO_ARGUMENTS,
	{ "threshold", "integer, 0..100",
	  "a node whose connections are at this percentage of its known limit or above takes no "
	  "pod; default 0: none" },
	{ 0 },
};

const struct cs_plugin cs_plugin_least_connections = {
	.name = "LeastConnections",
	.attach = attach,
	.detach = detach,
	.prepare_filter = prepare_filter,
	.filter = cs_by_load_filter,
	.reasons = cs_by_load_reasons,
	.explain_filter = cs_by_load_explain_filter,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.default_weight = 12, // by test/bench/load
	.by_default = CS_PLUGIN_WITH_LOAD,
	.cures = CS_BY_LOAD_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
	.uses = uses,
};
