// NodeAffinity: spec.nodeSelector and node affinity, required and preferred, and addedAffinity for
// every pod of a profile. Neighbours: cluster keeps the rows of each selector and term current
// (demand.h, node_selector.h); mirrors plugins/nodeaffinity.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/cluster/node_selector.h>
#include <csched/cluster/phrase.h>
#include <csched/kube/codec.h>
#include <csched/kube/node_term.h>

#include "args.h"
#include "kernel.h"
#include "normalise.h"
#include "plugins.h"

#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

// addedAffinity, as the model answers it.
struct added {
	struct cs_node_selector *required; // NULL = none
	bool prefers;                      // has a list, be it empty of meaning
	uint32_t n_preferences;
	struct cs_preferred_node *preferences;
};

// ---- filter ----

static int compare_rows(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

// Upstream's PreFilterResult: other nodes are not filtered at all.
static void narrow(struct cs_cycle *cycle, const uint32_t *names, uint32_t n)
{
	uint32_t *only = cs_arena_alloc_array(cycle->scratch, n, sizeof(*only));
	const struct cs_intern *strings = cs_cluster_strings(cycle->cluster);
	cycle->n_only = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row =
			cs_cluster_find_node(cycle->cluster, cs_intern_string(strings, names[i]));
		if (row != CS_ROW_NONE)
			only[cycle->n_only++] = row;
	}
	qsort(only, cycle->n_only, sizeof(*only), compare_rows);
	cycle->only = only;
	cycle->narrowed = true;
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_demand *demand = cycle->demand;
	const struct added *added = self->attached;
	if (cycle->pod->pinned_node != CS_INTERN_NONE) {
		narrow(cycle, &cycle->pod->pinned_node, 1);
		return CS_PREPARE_GO;
	}
	if (demand->pins_names && demand->n_pinned_names == 0) {
		cycle->message = cs_arena_strdup(cycle->scratch, "pod affinity terms conflict");
		return CS_PREPARE_UNRESOLVABLE;
	}
	if (demand->pins_names)
		narrow(cycle, demand->pinned_names, demand->n_pinned_names);
	bool required = demand->node_selector || (added && added->required);
	return required ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

// A pin is no part of the demand, but a pinned pod is filtered on its own: on the node it names, or
// on the one it is nominated to.
static void reject_unnamed(const struct cs_cycle *cycle, struct cs_rows rows,
			   uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		if (cycle->nodes->name[row] != cycle->pod->pinned_node)
			verdict[row] = CS_VERDICT_UNRESOLVABLE;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	const struct added *added = self->attached;
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
	if (cycle->pod->pinned_node != CS_INTERN_NONE)
		reject_unnamed(cycle, rows, verdict);
	if (cycle->demand->node_selector)
		cs_kernel_flag_others(cycle->demand->node_selector, CS_VERDICT_UNRESOLVABLE, rows,
				      verdict);
	if (added && added->required)
		cs_kernel_flag_others(cs_node_selector_rows(added->required),
				      CS_VERDICT_UNRESOLVABLE, rows, verdict);
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	const struct added *added = self->attached;
	if (added && added->required &&
	    !cs_bitmap_test(cs_node_selector_rows(added->required), row))
		say(user, "node(s) didn't match scheduler-enforced node affinity");
	else
		say(user, "node(s) didn't match Pod's node affinity/selector");
}

// What prepare_filter narrowed to.
static void explain_names(const struct cs_cycle *cycle, struct cs_buffer *out)
{
	const struct cs_demand *demand = cycle->demand;
	const uint32_t *pin = &cycle->pod->pinned_node;
	bool pinned = *pin != CS_INTERN_NONE;
	cs_buffer_append_string(out, "the pod must go to ");
	cs_phrase_names(cycle->cluster, pinned ? pin : demand->pinned_names,
			pinned ? 1 : demand->n_pinned_names, out);
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	const struct added *added = self->attached;
	const struct cs_bitmap *own = cycle->demand->node_selector;
	const struct cs_bitmap *more =
		added && added->required ? cs_node_selector_rows(added->required) : NULL;
	if (more && !cs_bitmap_test(more, row)) {
		cs_buffer_append_string(out, "the profile's addedAffinity requires ");
		cs_node_selector_print_unmet(cycle->cluster, more, row, out);
	} else if (own && !cs_bitmap_test(own, row)) {
		cs_buffer_append_string(out, "the pod requires ");
		cs_node_selector_print_unmet(cycle->cluster, own, row, out);
	} else {
		explain_names(cycle, out);
	}
}

// ---- score ----

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_demand *demand = cycle->demand;
	const struct added *added = self->attached;
	if (demand->preference_error) {
		cycle->message = cs_arena_strdup(cycle->scratch, demand->preference_error);
		return CS_PREPARE_ERROR;
	}
	return demand->prefers_nodes || (added && added->prefers) ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void raw_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      struct cs_rows rows, int64_t *restrict out)
{
	const struct cs_demand *demand = cycle->demand;
	const struct added *added = self->attached;
	memset(out + rows.first, 0, (rows.end - rows.first) * sizeof(*out));
	for (uint32_t i = 0; i < demand->n_preferences; i++)
		cs_kernel_add_to_set(demand->preferences[i].rows, demand->preferences[i].weight,
				     rows, out);
	for (uint32_t i = 0; added && i < added->n_preferences; i++)
		cs_kernel_add_to_set(cs_node_selector_rows(added->preferences[i].selector),
				     added->preferences[i].weight, rows, out);
}

static void normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	(void)self;
	cs_normalise(feasible, n, false, out);
}

#define PREFERENCES_MAX 8 // told of

struct preferences {
	const struct cs_cycle *cycle;
	uint32_t row;
	struct cs_buffer *out;
	uint32_t n;
};

// "30 for disktype=ssd, ", "0 of 10 for zone=a, "
static void explain_preference(struct preferences *told, const struct cs_bitmap *rows,
			       int32_t weight)
{
	if (told->n++ >= PREFERENCES_MAX)
		return;
	cs_buffer_printf(told->out, "%s%" PRId32 " for ",
			 cs_bitmap_test(rows, told->row) ? "" : "0 of ", weight);
	cs_node_selector_print(told->cycle->cluster, rows, told->out);
	cs_buffer_append_string(told->out, ", ");
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	const struct cs_demand *demand = cycle->demand;
	const struct added *added = self->attached;
	struct preferences told = { .cycle = cycle, .row = row, .out = out };
	for (uint32_t i = 0; i < demand->n_preferences; i++)
		explain_preference(&told, demand->preferences[i].rows,
				   demand->preferences[i].weight);
	for (uint32_t i = 0; added && i < added->n_preferences; i++)
		explain_preference(&told, cs_node_selector_rows(added->preferences[i].selector),
				   added->preferences[i].weight);
	if (told.n > PREFERENCES_MAX)
		cs_buffer_printf(out, "and %" PRIu32 " preferences more, ",
				 told.n - PREFERENCES_MAX);
	static const struct cs_normalised of = { "in all", false };
	cs_normalise_explain(cycle, self, row, &of, out);
}

// ---- arguments ----

struct affinity_args {
	struct cs_arena *arena; // of all of it
	const Kube__NodeAffinity *added;
};

// What may stand in addedAffinity; it is read by the codec.
struct strict_requirement {
	const char *key;
	const char *op;
	struct cs_field_list values;
};
struct strict_term {
	struct cs_field_list expressions;
	struct cs_field_list fields;
};
struct strict_preference {
	struct cs_field_int weight;
	struct strict_term term;
};
struct strict_args {
	struct cs_field_list terms;
	struct cs_field_list preferences;
};

static const struct cs_field requirement_fields[] = {
	CS_FIELD("key", CS_FIELD_STRING, struct strict_requirement, key),
	CS_FIELD("operator", CS_FIELD_STRING, struct strict_requirement, op),
	CS_FIELD("values", CS_FIELD_STRINGS, struct strict_requirement, values),
	{ 0 },
};
static const struct cs_field term_fields[] = {
	CS_FIELD("matchExpressions", CS_FIELD_OBJECTS, struct strict_term, expressions,
		 .fields = requirement_fields, .size = sizeof(struct strict_requirement)),
	CS_FIELD("matchFields", CS_FIELD_OBJECTS, struct strict_term, fields,
		 .fields = requirement_fields, .size = sizeof(struct strict_requirement)),
	{ 0 },
};
static const struct cs_field preference_fields[] = {
	CS_FIELD("weight", CS_FIELD_INT, struct strict_preference, weight),
	CS_FIELD("preference", CS_FIELD_OBJECT, struct strict_preference, term,
		 .fields = term_fields),
	{ 0 },
};
static const struct cs_field required_fields[] = {
	CS_FIELD("nodeSelectorTerms", CS_FIELD_OBJECTS, struct strict_args, terms,
		 .fields = term_fields, .size = sizeof(struct strict_term)),
	{ 0 },
};
static const struct cs_field added_fields[] = {
	{ .name = REQUIRED, .type = CS_FIELD_OBJECT, .fields = required_fields },
	CS_FIELD(PREFERRED, CS_FIELD_OBJECTS, struct strict_args, preferences,
		 .fields = preference_fields, .size = sizeof(struct strict_preference)),
	{ 0 },
};
static const struct cs_field args_fields[] = {
	{ .name = "addedAffinity", .type = CS_FIELD_OBJECT, .fields = added_fields },
	{ 0 },
};

static int add_faults(const struct cs_faults *faults, struct cs_errors *errors)
{
	uint32_t count = faults->count < CS_FAULTS_MAX ? faults->count : CS_FAULTS_MAX;
	for (uint32_t i = 0; i < count; i++)
		cs_errors_add_line(errors, faults->list[i]);
	return count > 0 ? -EINVAL : 0;
}

// validation_pluginargs.go ValidateNodeAffinityArgs.
static int check(const struct affinity_args *args, struct cs_errors *errors)
{
	const Kube__NodeAffinity *added = args->added;
	const Kube__NodeSelector *required =
		added->required_during_scheduling_ignored_during_execution;
	struct cs_faults faults = { .arena = args->arena };
	for (size_t i = 0; required && i < required->n_node_selector_terms; i++)
		cs_node_term_check(
			required->node_selector_terms[i],
			cs_arena_printf(args->arena,
					"addedAffinity." REQUIRED ".nodeSelectorTerms[%zu]", i),
			&faults);
	cs_node_preferences_check(added, "addedAffinity." PREFERRED, &faults);
	return add_faults(&faults, errors);
}

static int read_added(struct json_object *value, struct affinity_args *args,
		      struct cs_errors *errors)
{
	ProtobufCMessage *message;
	struct cs_error err = { 0 };
	int r = cs_codec_read(&kube__node_affinity__descriptor, value, args->arena, &message, &err);
	if (r != 0)
		return cs_errors_add(errors, "addedAffinity", "%s", err.text);
	args->added = (const Kube__NodeAffinity *)message;
	return check(args, errors);
}

static void free_args(void *from)
{
	struct affinity_args *args = from;
	if (!args)
		return;
	cs_arena_destroy(args->arena);
	free(args);
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	struct affinity_args *args = cs_alloc(sizeof(*args));
	args->arena = cs_arena_create();
	struct strict_args strict = { 0 };
	struct json_object *added = NULL;
	int r = from ? cs_fields_read(from, args_fields, args->arena, &strict, errors) : 0;
	if (r == 0 && from && json_object_object_get_ex(from, "addedAffinity", &added) && added)
		r = read_added(added, args, errors);
	if (r == 0)
		*ret = args;
	else
		free_args(args);
	return r;
}

static void write_args(const void *from, struct cs_json_writer *json)
{
	const struct affinity_args *args = from;
	if (!args->added)
		return;
	cs_json_key(json, "addedAffinity");
	cs_codec_write(NULL, &args->added->base, json);
}

static void *attach(struct cs_cluster *cluster, void *from)
{
	const struct affinity_args *args = from;
	if (!args->added)
		return NULL;
	const Kube__NodeAffinity *affinity = args->added;
	size_t n = affinity->n_preferred_during_scheduling_ignored_during_execution;
	struct added *added = cs_alloc(sizeof(*added));
	if (affinity->required_during_scheduling_ignored_during_execution)
		added->required = cs_node_selector_ref(
			cluster, affinity->required_during_scheduling_ignored_during_execution);
	added->prefers = n > 0;
	added->preferences = cs_alloc_array(n, sizeof(*added->preferences));
	added->n_preferences = cs_node_preferences_ref(cluster, affinity, added->preferences);
	return added;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct added *added = attached;
	if (!added)
		return;
	cs_node_selector_unref(cluster, added->required);
	for (uint32_t i = 0; i < added->n_preferences; i++)
		cs_node_selector_unref(cluster, added->preferences[i].selector);
	free(added->preferences);
	free(added);
}

static const struct cs_argument arguments[] = {
	{ "addedAffinity", "node affinity", "applied to every pod beside its own" },
	{ 0 },
};

const struct cs_plugin cs_plugin_node_affinity = {
	.name = "NodeAffinity",
	.row_local = true,
	.attach = attach,
	.detach = detach,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = prepare_score,
	.raw_score = raw_score,
	.normalise = normalise,
	.explain_score = explain_score,
	.default_weight = 2,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_LABEL | CS_EVENT_NODE_TAINT,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free_args,
};
