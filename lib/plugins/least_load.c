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
//     a: cpu 1 - 2000/4000 = 0.5, memory 1 - 4/8 = 0.5   -> 50
//     b: cpu 1 - 1000/4000 = 0.75, memory 1 - 6/8 = 0.25 -> 50
// With cpu of weight 3: a 50, b (3 * 0.75 + 0.25) / 4 = 0.625 -> 63. With b of c-sched.io/weight 50
// (2000, 4 GiB) and weights 1: b (0.5 + 0) / 2 -> 25.
#include <errno.h>
#include <stddef.h>

#include <csched/base/memory.h>
#include <csched/framework/fields.h>

#include "by_load.h"
#include "plugins.h"

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

struct terms {
	uint32_t n;
	struct cs_load_term items[CS_BY_LOAD_THRESHOLDS_MAX];
};

static void *attach(struct cs_cluster *cluster, void *pointer)
{
	const struct least_load_args *args = pointer;
	for (uint32_t i = 0; i < args->resources.count; i++)
		cs_by_load_watch(cluster, &args->thresholds[i]);
	return pointer;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	const struct least_load_args *args = attached;
	for (uint32_t i = 0; i < args->resources.count; i++)
		cs_by_load_unwatch(cluster, &args->thresholds[i]);
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct least_load_args *args = self->args;
	return cs_by_load_prepare_filter(cycle, self, args->thresholds, args->resources.count);
}

// Where nothing is known of any of the metrics the plugin has no say; of the others the estimates
// take part as long as one is known.
static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct least_load_args *args = self->args;
	const struct resource *resources = args->resources.items;
	const struct cs_load_table *table = cs_cluster_load(cycle->cluster);
	uint64_t version = table->version;
	struct terms *terms = NULL;
	bool known = false;
	for (uint32_t i = 0; i < args->resources.count; i++) {
		const struct cs_load_column *column = cs_by_load_column(table, resources[i].name);
		if (!column)
			continue;
		if (!terms)
			terms = cs_arena_alloc(cycle->scratch, sizeof(*terms));
		double add = cs_by_load_expected(cycle, table, column);
		struct cs_load_term *term = &terms->items[terms->n++];
		*term = cs_by_load_term(table, column, add);
		term->share = (double)resources[i].weight.value;
		version = cs_by_load_mix(version, add);
		known |= column->n_known > 0;
	}
	self->score_state = terms;
	self->score_version = version;
	return known ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct terms *terms = self->score_state;
	cs_load_kernel_free(terms->items, terms->n, rows, out);
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
			(struct cs_by_load_threshold){ items[i].name, items[i].threshold.value };
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

static const struct cs_argument arguments[] = {
	{ "resources", "list of {name, weight 1..100, threshold 0..100}",
	  "metrics of the LoadConfiguration that count, each once; default cpu and memory with "
	  "weight 1. A node whose load is at `threshold` percent of its capacity or above takes no "
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
	.prepare_score = prepare_score,
	.score = score,
	.default_weight = 3,
	.by_default = CS_PLUGIN_WITH_LOAD,
	.cures = CS_BY_LOAD_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free_args,
};
