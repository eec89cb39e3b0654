// Filters and versions of plugins that work by load. Neighbours: by_load.h; load_kernel.c has the
// loops.
#include "by_load.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "amounts.h"

#define NO_WEIGHT "node(s) had c-sched.io/weight 0"

// ---- weight 0 ----

enum cs_prepare cs_by_load_prepare_weight(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	return cs_cluster_load(cycle->cluster)->n_weightless > 0 ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

void cs_by_load_filter_weight(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			      struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	cs_load_kernel_weightless(cs_cluster_load(cycle->cluster)->weight, rows, verdict);
}

void cs_by_load_weight_reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       uint32_t row, void (*say)(void *user, const char *reason),
			       void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, NO_WEIGHT);
}

// ---- columns ----

const struct cs_load_column *cs_by_load_column(const struct cs_load_table *table,
					       const char *metric)
{
	uint32_t at = cs_load_find(table, metric);
	if (at == CS_LOAD_METRIC_NONE || table->columns[at].metric->kind == CS_LOAD_PAIR)
		return NULL;
	return &table->columns[at];
}

static bool adds_up(const struct cs_load_column *column)
{
	return column->metric->kind == CS_LOAD_USAGE || column->metric->kind == CS_LOAD_COUNT;
}

struct cs_load_term cs_by_load_term(const struct cs_load_table *table,
				    const struct cs_load_column *column)
{
	bool level = !adds_up(column);
	return (struct cs_load_term){
		.load = column->load,
		.capacity = column->capacity,
		.quality = column->quality,
		.weight = table->weight,
		.level = level,
		// Without a max there is no room: capacity is 0, and so must this be.
		.min = level && isfinite(column->metric->max) ? column->metric->min : 0,
		.flip = level && column->metric->higher_is_better,
	};
}

double cs_by_load_expected(const struct cs_cycle *cycle, const struct cs_load_table *table,
			   const struct cs_load_column *column)
{
	if (!adds_up(column))
		return 0;
	return cs_cluster_expected(cycle->cluster, cycle->pod, (uint32_t)(column - table->columns));
}

uint64_t cs_by_load_mix(uint64_t version, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	version = (version ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
	return version ^ version >> 29;
}

const int32_t *cs_by_load_weights(const struct cs_cycle *cycle)
{
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	return table->n_weighted > 0 ? table->weight : NULL;
}

const uint32_t *cs_by_load_feasible(const struct cs_cycle *cycle)
{
	return cycle->n_feasible == cycle->nodes->n_rows ? NULL : cs_cycle_feasible(cycle);
}

// ---- rows that changed ----

void cs_by_load_follow(struct cs_by_load_follower *follower, const struct cs_node_table *nodes,
		       uint64_t version, void (*renew)(void *user, uint32_t row), void *user)
{
	bool all = !follower->begun || follower->version != version ||
		   nodes->log_end - follower->log > nodes->log_size;
	for (uint32_t row = 0; all && row < nodes->n_rows; row++)
		if (nodes->live[row])
			renew(user, row);
	for (uint64_t at = follower->log; !all && at < nodes->log_end; at++) {
		uint32_t row = nodes->log_rows[at % nodes->log_size];
		if (nodes->live[row])
			renew(user, row);
	}
	*follower = (struct cs_by_load_follower){ true, version, nodes->log_end };
}

bool cs_by_load_take_name(struct cs_cluster *cluster, uint32_t *kept, uint32_t name)
{
	if (*kept == name)
		return false;
	if (name != CS_INTERN_NONE)
		cs_intern_ref_id(cs_cluster_strings(cluster), name);
	cs_intern_unref(cs_cluster_strings(cluster), *kept);
	*kept = name;
	return true;
}

// ---- thresholds ----

// How full a row is at the threshold; 0 = there is none that applies.
static double fraction_of(const struct cs_load_column *column,
			  const struct cs_by_load_threshold *threshold)
{
	const struct cs_load_metric *metric = column->metric;
	if (threshold->value <= 0)
		return (double)threshold->percent / 100;
	if (!isfinite(metric->max) || metric->max <= metric->min)
		return 0;
	return (threshold->value - metric->min) / (metric->max - metric->min);
}

// The same as the ledger watches it: load / capacity, negative where higher is better.
static double watched(const struct cs_load_column *column, double fraction)
{
	const struct cs_load_metric *metric = column->metric;
	if (adds_up(column) || !isfinite(metric->max))
		return fraction;
	double full = metric->higher_is_better ? 1 - fraction : fraction;
	double load = metric->min + full * (metric->max - metric->min);
	double share = load / (metric->max > 0 ? metric->max : 1);
	return metric->higher_is_better ? -share : share;
}

void cs_by_load_watch(struct cs_cluster *cluster, const struct cs_by_load_threshold *threshold)
{
	const struct cs_load_table *table = cs_cluster_load(cluster);
	const struct cs_load_column *column = cs_by_load_column(table, threshold->metric);
	double fraction = column ? fraction_of(column, threshold) : 0;
	if (fraction > 0)
		cs_cluster_watch_load(cluster, (uint32_t)(column - table->columns),
				      watched(column, fraction));
}

void cs_by_load_unwatch(struct cs_cluster *cluster, const struct cs_by_load_threshold *threshold)
{
	const struct cs_load_table *table = cs_cluster_load(cluster);
	const struct cs_load_column *column = cs_by_load_column(table, threshold->metric);
	double fraction = column ? fraction_of(column, threshold) : 0;
	if (fraction > 0)
		cs_cluster_unwatch_load(cluster, (uint32_t)(column - table->columns),
					watched(column, fraction));
}

struct limits {
	const struct cs_load_table *table;
	uint32_t n;
	struct limit {
		const char *metric;
		double fraction;
		struct cs_load_term term;
	} items[CS_BY_LOAD_THRESHOLDS_MAX];
};

enum cs_prepare cs_by_load_prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self,
					  const struct cs_by_load_threshold *thresholds, uint32_t n)
{
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	struct limits *limits = NULL;
	for (uint32_t i = 0; i < n; i++) {
		const struct cs_load_column *column =
			cs_by_load_column(table, thresholds[i].metric);
		double fraction = column ? fraction_of(column, &thresholds[i]) : 0;
		if (fraction <= 0 || column->n_known == 0)
			continue;
		if (!limits)
			limits = cs_arena_alloc(cycle->scratch, sizeof(*limits));
		limits->items[limits->n++] = (struct limit){
			.metric = thresholds[i].metric,
			.fraction = fraction,
			.term = cs_by_load_term(table, column),
		};
	}
	if (!limits && table->n_weightless == 0)
		return CS_PREPARE_SKIP;
	if (!limits)
		limits = cs_arena_alloc(cycle->scratch, sizeof(*limits));
	limits->table = table;
	self->state = limits;
	self->filter_version = limits->n > 0 ? cs_by_load_mix(table->version, limits->n) : 0;
	return CS_PREPARE_GO;
}

void cs_by_load_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		       struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)cycle;
	const struct limits *limits = self->state;
	cs_load_kernel_weightless(limits->table->weight, rows, verdict);
	for (uint32_t i = 0; i < limits->n; i++)
		cs_load_kernel_above(&limits->items[i].term, limits->items[i].fraction, rows,
				     verdict);
}

void cs_by_load_reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	const struct limits *limits = self->state;
	if (limits->table->weight[row] == 0) {
		say(user, NO_WEIGHT);
		return;
	}
	for (uint32_t i = 0; i < limits->n; i++) {
		const struct limit *limit = &limits->items[i];
		uint8_t verdict = CS_VERDICT_FITS;
		struct cs_load_term term = limit->term;
		term.load += row;
		term.capacity += row;
		term.quality += row;
		cs_load_kernel_above(&term, limit->fraction, (struct cs_rows){ 0, 1 }, &verdict);
		if (verdict != CS_VERDICT_FITS)
			say(user, cs_arena_printf(cycle->scratch,
						  "node(s) had %s load above the threshold",
						  limit->metric));
	}
}

void cs_by_load_explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       uint32_t row, struct cs_buffer *out)
{
	const struct limits *limits = self->state;
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	const char *semicolon = "";
	for (uint32_t i = 0; limits && i < limits->n; i++) {
		const struct limit *limit = &limits->items[i];
		const struct cs_load_column *column = cs_by_load_column(table, limit->metric);
		double room = column->capacity[row] - limit->term.min;
		double full = room > 0 ? (column->load[row] - limit->term.min) / room : 0;
		full = limit->term.flip ? 1 - full : full;
		if (column->quality[row] <= 0 || room <= 0 || full < limit->fraction)
			continue;
		cs_buffer_printf(out, "%s%s is ", semicolon, limit->metric);
		cs_amount_print(out, limit->metric, column->load[row]);
		cs_buffer_append_string(out, " of ");
		cs_amount_print(out, limit->metric, column->capacity[row]);
		cs_buffer_printf(out, ": %.4g %% full, threshold %.4g %%", 100 * full,
				 100 * limit->fraction);
		semicolon = "; ";
	}
}

// ---- ratios ----

int cs_by_ratio_configure(const struct cs_by_ratio_fields *fields, struct cs_by_ratio *ret,
			  struct cs_errors *errors)
{
	ret->bias = fields->bias.given ? fields->bias.value : 1;
	ret->deadband = fields->deadband.given ? fields->deadband.value : 5;
	if (!(ret->bias >= CS_BY_RATIO_BIAS_MIN && ret->bias <= CS_BY_RATIO_BIAS_MAX))
		return cs_errors_add(errors, "bias",
				     "Invalid value: %g: not in valid range [0.25, 4]", ret->bias);
	for (int i = 0; i <= CS_LOAD_CURVE_STEPS; i++) {
		double score = 100 * pow((double)i / CS_LOAD_CURVE_STEPS, ret->bias);
		ret->curve.score[i] = (uint8_t)(score + 0.5);
	}
	return 0;
}

void cs_by_ratio_write(const struct cs_by_ratio *ratio, struct cs_json_writer *json)
{
	cs_json_key(json, "bias");
	cs_json_double(json, ratio->bias);
	cs_json_member_int(json, "deadband", ratio->deadband);
}

void cs_by_ratio_begin(const struct cs_by_ratio *ratio, const float *values,
		       struct cs_load_range range, struct cs_by_ratio_state *ret)
{
	float width = range.greatest - range.least;
	*ret = (struct cs_by_ratio_state){
		.ratio = ratio,
		.values = values,
		.greatest = range.greatest,
		// With L = 1 / value: (Lmax - Lmin) / Lmax.
		.equal = width * 100.0F < (float)ratio->deadband * range.greatest || width <= 0,
	};
}

void cs_by_ratio_score(const struct cs_by_ratio_state *state, struct cs_rows rows,
		       uint8_t *restrict out)
{
	if (state->equal)
		for (uint32_t row = rows.first; row < rows.end; row++)
			out[row] = 100;
	else if (state->ratio->bias == 1)
		cs_load_kernel_share(state->values, state->greatest, rows, out);
	else
		cs_load_kernel_curve(state->values, state->greatest, &state->ratio->curve, rows,
				     out);
}

void cs_by_ratio_explain(const struct cs_by_ratio_state *state, uint32_t row, double unit,
			 struct cs_buffer *out)
{
	double value = state->values[row], greatest = state->greatest, bias = state->ratio->bias;
	double own = value > 0 ? unit / value : INFINITY;
	double least = greatest > 0 ? unit / greatest : INFINITY;
	cs_buffer_printf(out, "L = %.4g, the least on a node that fits %.4g: ", own, least);
	if (state->equal)
		cs_buffer_printf(out, "all are within the deadband of %" PRId64 " %% = 100",
				 state->ratio->deadband);
	else if (bias == 1)
		cs_buffer_printf(out, "100 x %.4g / %.4g = %.4g", least, own,
				 100 * value / greatest);
	else
		cs_buffer_printf(out, "100 x (%.4g / %.4g)^%.4g = %.4g", least, own, bias,
				 100 * pow(value / greatest, bias));
}
