// LeastLoad: the node that is really used least. Neighbours: by_load.h; load_kernel.c has the loop;
// cluster's load.h is the ledger.
//
//     score = sum of w_r * (1 - u_r) * 100 / sum of w_r, rounded
//     u_r   = (load_r + what the pod is expected to add) / (capacity_r * weight of the node / 100)
//
// r are the resources of the arguments; u_r is kept within 0 and 1. load_r is what was measured,
// corrected for the pods that came and left since, and the estimate by requests as far as the
// sample has aged. A resource that a node has none of does not count there, a metric without a
// finite capacity nowhere. A node of weight 50 is taken for half as large. A metric that does not
// add up (a temperature) is full at its max, and what the pod adds to it is nothing.
//
// Example: two nodes of 4000 milli-CPU and 8 GiB; the pod is expected to add 400 milli-CPU and
// 1 GiB. a uses 1600 and 3 GiB, b uses 600 and 5 GiB:
//     a: cpu 1 - 2000/4000 = 0.5, memory 1 - 4/8 = 0.5
//     b: cpu 1 - 1000/4000 = 0.75, memory 1 - 6/8 = 0.25
// By default cpu has w = 3, since it is what others wait for, and memory 1: a 50,
// b (3 * 0.75 + 0.25) / 4 = 0.625 -> 63. With w = 1 for both: a 50, b 50. With b of
// c-sched.io/weight 50 (2000, 4 GiB): b (3 * 0.5 + 0) / 4 = 0.375 -> 38.
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/framework/fields.h>

#include "amounts.h"
#include "by_load.h"
#include "plugins.h"

#define CPU_WEIGHT 3 // by default; memory has 1: by test/bench/load

struct resource {
	const char *name;
	struct cs_field_int weight;
	struct cs_field_int threshold; // percent; 0 = none
};

struct least_load_args {
	struct cs_arena *arena;                  // holds the arguments and this struct
	struct cs_field_list resources;          // of struct resource
	struct cs_by_load_threshold *thresholds; // as resources
};

// Columns of one resource.
struct kept {
	float *load;
	float *inverse;
	float *part;
	double share; // of the rows that have all resources
};

// What does not depend on the pod, by row: kept from decision to decision.
struct memory {
	const struct least_load_args *args;
	struct cs_by_load_follower follower;
	uint32_t capacity;
	float *base;
	struct kept kept[CS_LOAD_METRICS_MAX]; // by resource of the arguments
	bool alike;                            // no row has had other shares than all, or a strain
	// Of the cycle at hand: NULL where the metric is not configured.
	struct cs_load_term terms[CS_LOAD_METRICS_MAX];
	const struct cs_load_column *columns[CS_LOAD_METRICS_MAX];
};

struct parts {
	struct cs_load_sum sum;
	struct cs_load_part items[CS_LOAD_METRICS_MAX];
};

static void *attach(struct cs_cluster *cluster, void *pointer)
{
	struct memory *memory = cs_alloc(sizeof(*memory));
	memory->args = pointer;
	for (uint32_t i = 0; i < memory->args->resources.count; i++)
		cs_by_load_watch(cluster, &memory->args->thresholds[i]);
	return memory;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct memory *memory = attached;
	for (uint32_t i = 0; i < memory->args->resources.count; i++) {
		cs_by_load_unwatch(cluster, &memory->args->thresholds[i]);
		free(memory->kept[i].load);
		free(memory->kept[i].inverse);
		free(memory->kept[i].part);
	}
	free(memory->base);
	free(memory);
}

// ---- what is kept ----

static void grow(struct memory *memory, const struct cs_node_table *nodes)
{
	uint32_t n = nodes->capacity;
	if (memory->capacity >= nodes->n_rows)
		return;
	memory->base = cs_grow_column(memory->base, 0, n, sizeof(*memory->base));
	for (uint32_t i = 0; i < memory->args->resources.count; i++) {
		struct kept *kept = &memory->kept[i];
		kept->load = cs_grow_column(kept->load, 0, n, sizeof(*kept->load));
		kept->inverse = cs_grow_column(kept->inverse, 0, n, sizeof(*kept->inverse));
		kept->part = cs_grow_column(kept->part, 0, n, sizeof(*kept->part));
	}
	memory->capacity = n;
	memory->follower.begun = false;
}

static double room_of(const struct cs_load_term *term, uint32_t row)
{
	double weight = term->level ? 1 : (double)term->weight[row] / 100;
	return term->capacity[row] * weight - term->min;
}

// Of 100; all the weights of the resources that count are `weights`.
static double share_of(const struct memory *memory, uint32_t i, double weights)
{
	const struct resource *resources = memory->args->resources.items;
	return 100 * (double)resources[i].weight.value / weights;
}

// Shares are of the resources that the row has.
static void renew(void *user, uint32_t row)
{
	struct memory *memory = user;
	const struct resource *resources = memory->args->resources.items;
	double weights = 0;
	memory->base[row] = 0;
	for (uint32_t i = 0; i < memory->args->resources.count; i++)
		if (memory->columns[i] && room_of(&memory->terms[i], row) > 0)
			weights += (double)resources[i].weight.value;
	for (uint32_t i = 0; i < memory->args->resources.count; i++) {
		const struct cs_load_column *column = memory->columns[i];
		struct kept *kept = &memory->kept[i];
		double room = column ? room_of(&memory->terms[i], row) : 0;
		double share = room > 0 ? share_of(memory, i, weights) : 0;
		bool flip = memory->terms[i].flip;
		kept->load[row] = column ? (float)column->load[row] : 0;
		kept->inverse[row] = room > 0 ? (float)(1 / room) : 0;
		kept->part[row] = (float)(flip ? share : -share);
		memory->base[row] += (float)(flip ? 0 : share);
		memory->alike &= share == kept->share && (!column || column->strain[row] == 1);
	}
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct least_load_args *args = self->args;
	return cs_by_load_prepare_filter(cycle, self, args->thresholds, args->resources.count);
}

// Returns whether something is known of some metric.
static bool find_columns(struct memory *memory, const struct cs_load_table *table)
{
	const struct resource *resources = memory->args->resources.items;
	bool known = false;
	for (uint32_t i = 0; i < memory->args->resources.count; i++) {
		const struct cs_load_column *column = cs_by_load_column(table, resources[i].name);
		// What pods request tells nothing of a level: unknown everywhere, it has no
		// estimate.
		if (column && column->metric->kind == CS_LOAD_LEVEL && column->n_known == 0)
			column = NULL;
		memory->columns[i] = column;
		if (!column)
			continue;
		memory->terms[i] = cs_by_load_term(table, column);
		known |= column->n_known > 0 || column->mean_per_pod > 0;
	}
	return known;
}

static void follow(struct memory *memory, const struct cs_node_table *nodes, uint64_t version)
{
	const struct resource *resources = memory->args->resources.items;
	double weights = 0;
	grow(memory, nodes);
	if (!memory->follower.begun || memory->follower.version != version) {
		for (uint32_t i = 0; i < memory->args->resources.count; i++)
			weights += memory->columns[i] ? (double)resources[i].weight.value : 0;
		for (uint32_t i = 0; i < memory->args->resources.count; i++)
			memory->kept[i].share =
				memory->columns[i] ? share_of(memory, i, weights) : 0;
		memory->alike = true; // all rows are looked at
	}
	cs_by_load_follow(&memory->follower, nodes, version, renew, memory);
}

// Where nothing is known of any of the metrics the plugin has no say; of the others the estimates,
// but for levels, take part as long as one is known.
static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	struct memory *memory = self->attached;
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	uint64_t version = table->version;
	if (!find_columns(memory, table))
		return CS_PREPARE_SKIP;
	follow(memory, cycle->nodes, version);
	struct parts *parts = cs_arena_alloc(cycle->scratch, sizeof(*parts));
	struct cs_load_sum *sum = &parts->sum;
	*sum = (struct cs_load_sum){ parts->items, 0, memory->base, memory->alike, 0 };
	for (uint32_t i = 0; i < memory->args->resources.count; i++) {
		const struct cs_load_column *column = memory->columns[i];
		const struct kept *kept = &memory->kept[i];
		bool flip = memory->terms[i].flip;
		if (!column)
			continue;
		double add = cs_by_load_expected(cycle, table, column);
		version = cs_by_load_mix(version, add);
		sum->same += (float)(flip ? 0 : kept->share);
		parts->items[sum->n_parts++] = (struct cs_load_part){
			.load = kept->load,
			.inverse = kept->inverse,
			.part = kept->part,
			.strain = column->strain,
			.add = add - memory->terms[i].min,
			.same = (float)(flip ? kept->share : -kept->share),
		};
	}
	self->score_state = parts;
	self->score_version = version;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct parts *parts = self->score_state;
	cs_load_kernel_sum(&parts->sum, rows, out);
}

// ---- in numbers ----

// How full the row would be with the pod, from 0 to 1; negative: it has none of the resource.
static double explain_full(const struct cs_cycle *cycle, const struct memory *memory, uint32_t i,
			   uint32_t row, struct cs_buffer *out)
{
	const struct resource *resources = memory->args->resources.items;
	const struct cs_load_column *column = memory->columns[i];
	const struct cs_load_term *term = &memory->terms[i];
	const char *name = resources[i].name;
	if (!column)
		return -1;
	double room = room_of(term, row);
	if (room <= 0)
		return -1;
	double add = cs_by_load_expected(cycle, cs_cluster_load(cycle->cluster), column);
	double strain = column->strain[row];
	double full = (column->load[row] + add * strain - term->min) / room;
	full = full < 1 ? full : 1;
	full = full > 0 ? full : 0;
	cs_buffer_printf(out, "%s (", name);
	cs_amount_print(out, name, column->load[row]);
	if (!term->level) {
		cs_buffer_append_string(out, " + ");
		cs_amount_print(out, name, add);
	}
	if (strain != 1)
		cs_buffer_printf(out, " x strain %.3g", strain);
	if (term->min != 0)
		cs_buffer_printf(out, " - %.4g", term->min);
	cs_buffer_append_string(out, ") / ");
	cs_amount_print(out, name, room);
	cs_buffer_printf(out, " = %.4g; ", full);
	return term->flip ? 1 - full : full;
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	const struct memory *memory = self->attached;
	const struct resource *resources = memory->args->resources.items;
	double full[CS_LOAD_METRICS_MAX], sum = 0, weights = 0;
	if (cs_cluster_load(cycle->cluster)->weight[row] != CS_NODE_WEIGHT_DEFAULT)
		cs_buffer_printf(out, "for weight %" PRId32 " %%: ",
				 cs_cluster_load(cycle->cluster)->weight[row]);
	for (uint32_t i = 0; i < memory->args->resources.count; i++)
		full[i] = explain_full(cycle, memory, i, row, out);
	cs_buffer_append_string(out, "100 x (");
	for (uint32_t i = 0; i < memory->args->resources.count; i++) {
		double weight = (double)resources[i].weight.value;
		if (full[i] < 0)
			continue;
		cs_buffer_printf(out, "%s%.3g x (1 - %.4g)", weights > 0 ? " + " : "", weight,
				 full[i]);
		sum += weight * (1 - full[i]);
		weights += weight;
	}
	cs_buffer_printf(out, ") / %.3g = %.4g", weights, weights > 0 ? 100 * sum / weights : 0);
}

// ---- arguments ----

static const struct cs_field resource_fields[] = {
	{ .name = "name", .type = CS_FIELD_STRING, .offset = offsetof(struct resource, name) },
	{ .name = "weight",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct resource, weight),
	  .min = 1,
	  .max = 100,
	  .wrong = "not in valid range [1, 100]" },
	{ .name = "threshold",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct resource, threshold),
	  .min = 0,
	  .max = 100,
	  .wrong = "not in valid range [0, 100]" },
	{ 0 },
};

static const struct cs_field fields[] = {
	{ .name = "resources",
	  .type = CS_FIELD_OBJECTS,
	  .offset = offsetof(struct least_load_args, resources),
	  .fields = resource_fields,
	  .size = sizeof(struct resource) },
	{ 0 },
};

static void default_resources(struct least_load_args *args)
{
	struct resource *items = cs_arena_alloc_array(args->arena, 2, sizeof(*items));
	items[0].name = CS_LOAD_CPU;
	items[0].weight = (struct cs_field_int){ .given = true, .value = CPU_WEIGHT };
	items[1].name = CS_LOAD_MEMORY;
	args->resources = (struct cs_field_list){ .count = 2, .items = items };
}

static bool is_repeated(const struct resource *items, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (cs_string_equal(items[i].name, items[at].name))
			return true;
	return false;
}

static int complete(struct least_load_args *args, struct cs_errors *errors)
{
	if (args->resources.count == 0)
		default_resources(args);
	struct resource *items = args->resources.items;
	uint32_t n = args->resources.count;
	int r = 0;
	if (n > CS_LOAD_METRICS_MAX)
		return cs_errors_add(errors, "resources", "Too many: %u: at most %d items", n,
				     CS_LOAD_METRICS_MAX);
	args->thresholds = cs_arena_alloc_array(args->arena, n, sizeof(*args->thresholds));
	for (uint32_t i = 0; i < n; i++) {
		const char *path = cs_arena_printf(args->arena, "resources[%u].name", i);
		if (!items[i].name || !*items[i].name)
			r = cs_errors_required(errors, path, "");
		else if (is_repeated(items, i))
			r = cs_errors_duplicate(errors, path, items[i].name);
		if (!items[i].weight.given)
			items[i].weight.value = 1;
		args->thresholds[i] =
			(struct cs_by_load_threshold){ .metric = items[i].name,
						       .percent = items[i].threshold.value };
	}
	return r;
}

static void free_args(void *pointer)
{
	struct least_load_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	struct cs_arena *arena = cs_arena_create();
	struct least_load_args *args = cs_arena_alloc(arena, sizeof(*args));
	args->arena = arena;
	bool wrong = from && cs_fields_read(from, fields, arena, args, errors) < 0;
	wrong |= complete(args, errors) < 0;
	if (wrong) {
		free_args(args);
		return -EINVAL;
	}
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct least_load_args *args = pointer;
	const struct resource *items = args->resources.items;
	cs_json_key(json, "resources");
	cs_json_array_begin(json);
	for (uint32_t i = 0; i < args->resources.count; i++) {
		cs_json_object_begin(json);
		cs_json_member_string(json, "name", items[i].name);
		cs_json_member_int(json, "weight", items[i].weight.value);
		cs_json_member_int(json, "threshold", items[i].threshold.value);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
}

static bool uses(const void *pointer, uint32_t i, struct cs_metric_use *ret)
{
	const struct least_load_args *args = pointer;
	const struct resource *items = args->resources.items;
	if (i >= args->resources.count)
		return false;
	*ret = (struct cs_metric_use){ .metric = items[i].name, .list = "resources", .full = true };
	return true;
}

static const struct cs_argument arguments[] = {
	{ "resources", "list of {name, weight 1..100, threshold 0..100}",
	  "metrics of the LoadConfiguration that count, each once; default cpu with weight 3 "
	  "and memory with 1. A node whose load is at `threshold` percent of its capacity or above "
	  "takes no "
	  "pod; default 0: none" },
	{ 0 },
};

const struct cs_plugin cs_plugin_least_load = {
	.name = "LeastLoad",
	.row_local = true,
	.attach = attach,
	.detach = detach,
	.prepare_filter = prepare_filter,
	.filter = cs_by_load_filter,
	.reasons = cs_by_load_reasons,
	.explain_filter = cs_by_load_explain_filter,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.default_weight = 20, // by test/bench/load
	.by_default = CS_PLUGIN_WITH_LOAD,
	.cures = CS_BY_LOAD_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free_args,
	.uses = uses,
};
