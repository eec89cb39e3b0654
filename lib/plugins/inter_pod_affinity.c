// InterPodAffinity: pods that want to be near other pods, or not. Neighbours: cluster's query.h
// counts pods and carriers per row, topology.h says which rows are one domain; mirrors
// plugins/interpodaffinity.
//
// What is asked of a domain is summed once per decision, from the rows that have such pods; rows
// then look their domain up. All terms with one topology key share a sum, as upstream's maps by
// (key, value) make them. Terminating pods count.
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>

#include "affinity_explain.h"
#include "affinity_kernel.h"
#include "args.h"
#include "plugins.h"

// ---- filter ----

// A verdict per domain of one topology key, as the kernel keeps it, or, where each domain has one
// row, per row.
struct marks {
	const struct cs_topology *topology;
	bool by_row;
	uint8_t *verdict;
};
struct mark_list {
	uint32_t n;
	struct marks *items;
};

// In the order of upstream's checks.
enum {
	RULE_AFFINITY,
	RULE_ANTI_AFFINITY,
	RULE_EXISTING,
	RULE_COUNT,
};

// What each says.
static const uint8_t rejections[RULE_COUNT] = {
	[RULE_AFFINITY] = CS_VERDICT_UNRESOLVABLE,
	[RULE_ANTI_AFFINITY] = CS_VERDICT_UNSCHEDULABLE,
	[RULE_EXISTING] = CS_VERDICT_UNSCHEDULABLE,
};

struct filter_state {
	struct mark_list rules[RULE_COUNT];
};

static struct mark_list marks_for(struct cs_cycle *cycle, uint32_t n_max)
{
	return (struct mark_list){
		.items = cs_arena_alloc_array(cycle->scratch, n_max, sizeof(struct marks)),
	};
}

// The marks of that topology key; new ones are all `initial`. Rows in no domain stay that, so that
// marks are by row only where it is FITS.
static struct marks *find_marks(struct cs_cycle *cycle, struct mark_list *list,
				const struct cs_topology *topology, uint8_t initial)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->items[i].topology == topology)
			return &list->items[i];
	struct marks *marks = &list->items[list->n++];
	marks->topology = topology;
	marks->by_row = initial == CS_VERDICT_FITS && topology->n_shared == 0;
	size_t size = marks->by_row ? cycle->nodes->n_rows : CS_KERNEL_DOMAINS_SIZE(topology);
	marks->verdict = cs_arena_alloc_raw(cycle->scratch, size);
	memset(marks->verdict, initial, size);
	return marks;
}

// Domains are good where a pod is that matches all terms. Where there is none in the whole cluster
// and the pod matches its own terms, it is the first of a series: any node with all keys will do.
static void mark_affinity(struct cs_cycle *cycle, struct mark_list *list)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	const struct cs_query *query = asked->all_required;
	bool found = false;
	*list = marks_for(cycle, asked->n_required);
	for (uint32_t i = 0; i < asked->n_required; i++) {
		const struct cs_topology *topology = asked->required[i].topology;
		struct marks *marks = find_marks(cycle, list, topology, rejections[RULE_AFFINITY]);
		if (!query)
			continue;
		found |= cs_kernel_mark_domains(cs_query_counts(query), topology, CS_VERDICT_FITS,
						marks->verdict);
	}
	if (found || !query || !cs_query_matches(query, cycle->pod->labels))
		return;
	for (uint32_t i = 0; i < list->n; i++)
		memset(list->items[i].verdict + 1, CS_VERDICT_FITS,
		       list->items[i].topology->n_domains);
}

// Whether some pod is in a domain, which then is rejected.
static bool mark(struct marks *marks, const struct cs_row_counts *counts, int rule)
{
	return (marks->by_row ? cs_kernel_mark_rows : cs_kernel_mark_domains)(
		counts, marks->topology, rejections[rule], marks->verdict);
}

static void mark_anti_affinity(struct cs_cycle *cycle, struct mark_list *list)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	*list = marks_for(cycle, asked->n_anti);
	for (uint32_t i = 0; i < asked->n_anti; i++) {
		if (!asked->anti[i].query)
			continue;
		const struct cs_topology *topology = asked->anti[i].topology;
		struct marks *marks = find_marks(cycle, list, topology, CS_VERDICT_FITS);
		mark(marks, cs_query_counts(asked->anti[i].query), RULE_ANTI_AFFINITY);
	}
}

// How many of the supposed pods carry the term.
static uint32_t supposed_carriers(const struct cs_cycle *cycle, const struct cs_carried *carried)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < cycle->n_supposed; i++) {
		const struct cs_footprint *footprint = cycle->supposed[i]->footprint;
		for (uint32_t j = 0; j < footprint->n_carried; j++)
			n += footprint->carried[j] == carried;
	}
	return n;
}

// Whether pods that are really there carry a term that some carry in a domain: supposed ones do not
// make a plugin work that PreFilter has skipped (SkipFilterPlugins in RunPreFilterExtensionAddPod).
static bool is_really_carried(const struct cs_cycle *cycle, const struct cs_carried *carried)
{
	if (cycle->n_supposed == 0)
		return true;
	const struct cs_row_counts *counts = &carried->carriers;
	const uint32_t *domain = carried->topology->domain;
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		uint32_t n_pods = counts->live[i] + counts->terminating[i];
		if (row == cycle->supposed_row)
			n_pods -= supposed_carriers(cycle, carried);
		if (n_pods > 0 && domain[row] != CS_DOMAIN_NONE)
			return true;
	}
	return false;
}

// Returns whether the rule says anything without the pods that are only supposed.
static bool mark_existing(struct cs_cycle *cycle, struct mark_list *list)
{
	uint32_t n;
	const struct cs_carried *const *carried =
		cs_cluster_carried(cycle->cluster, cycle->pod, &n);
	bool real = false;
	if (n == 0)
		return false;
	*list = marks_for(cycle, n);
	for (uint32_t i = 0; i < n; i++) {
		if (carried[i]->kind != CS_CARRIED_ANTI_AFFINITY)
			continue;
		const struct cs_topology *topology = carried[i]->topology;
		struct marks *marks = find_marks(cycle, list, topology, CS_VERDICT_FITS);
		bool found = mark(marks, &carried[i]->carriers, RULE_EXISTING);
		real = real || (found && is_really_carried(cycle, carried[i]));
	}
	return real;
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	struct filter_state state = { 0 };
	if (asked->error) {
		cycle->message = cs_arena_printf(cycle->scratch, "parsing pod: %s", asked->error);
		return CS_PREPARE_UNRESOLVABLE;
	}
	bool repelled = mark_existing(cycle, &state.rules[RULE_EXISTING]);
	if (!repelled && asked->n_required == 0 && asked->n_anti == 0)
		return CS_PREPARE_SKIP;
	mark_affinity(cycle, &state.rules[RULE_AFFINITY]);
	mark_anti_affinity(cycle, &state.rules[RULE_ANTI_AFFINITY]);
	struct filter_state *kept = cs_arena_alloc(cycle->scratch, sizeof(*kept));
	*kept = state;
	self->state = kept;
	return CS_PREPARE_GO;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)cycle;
	const struct filter_state *state = self->state;
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
	for (int rule = 0; rule < RULE_COUNT; rule++)
		for (uint32_t i = 0; i < state->rules[rule].n; i++) {
			const struct marks *marks = &state->rules[rule].items[i];
			if (marks->by_row)
				cs_kernel_or_rows(marks->verdict, rows, verdict);
			else
				cs_kernel_or_domains(marks->topology->domain, marks->verdict, rows,
						     verdict);
		}
	cs_kernel_first_verdicts(rows, verdict);
}

static bool is_bad(const struct mark_list *list, uint32_t row)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct marks *marks = &list->items[i];
		if (marks->verdict[marks->by_row ? row : marks->topology->domain[row] + 1])
			return true;
	}
	return false;
}

// The first rule that rejects a row which one rejects.
static int first_rule(const struct filter_state *state, uint32_t row)
{
	int rule = 0;
	while (rule < RULE_EXISTING && !is_bad(&state->rules[rule], row))
		rule++;
	return rule;
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	static const char *const words[RULE_COUNT] = {
		[RULE_AFFINITY] = "node(s) didn't match pod affinity rules",
		[RULE_ANTI_AFFINITY] = "node(s) didn't match pod anti-affinity rules",
		[RULE_EXISTING] = "node(s) didn't satisfy existing pods anti-affinity rules",
	};
	(void)cycle;
	say(user, words[first_rule(self->state, row)]);
}

// ---- score ----

// A sum per domain of one topology key, as the kernel keeps it.
struct sums {
	const struct cs_topology *topology;
	int64_t *sum; // NULL: what follows, for each domain has one row
	const struct cs_row_counts *counts;
	int64_t weight;
};
struct score_state {
	uint32_t n;
	struct sums *items;
	bool produced; // some pair of key and value, be its sum 0
};

static struct sums *find_sums(struct cs_cycle *cycle, struct score_state *state,
			      const struct cs_topology *topology)
{
	for (uint32_t i = 0; i < state->n; i++)
		if (state->items[i].topology == topology && state->items[i].sum)
			return &state->items[i];
	struct sums *sums = &state->items[state->n++];
	sums->topology = topology;
	sums->sum = cs_arena_alloc_array(cycle->scratch, CS_KERNEL_DOMAINS_SIZE(topology),
					 sizeof(*sums->sum));
	return sums;
}

static void add_sums(struct cs_cycle *cycle, struct score_state *state,
		     const struct cs_topology *topology, const struct cs_row_counts *counts,
		     int64_t weight)
{
	if (counts->n_used == 0)
		return;
	if (topology->n_shared == 0) {
		state->items[state->n++] = (struct sums){ topology, NULL, counts, weight };
		state->produced = state->produced || cs_kernel_any_row(counts, topology);
		return;
	}
	struct sums *sums = find_sums(cycle, state, topology);
	state->produced |= cs_kernel_sum_domains(counts, topology, weight, sums->sum);
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_affinity_args *args = self->args;
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	if (asked->error) { // where the profile does not filter with this plugin
		cycle->message =
			cs_arena_printf(cycle->scratch, "failed to parse pod: %s", asked->error);
		return CS_PREPARE_ERROR;
	}
	if (args->ignore_preferred && asked->n_preferred == 0)
		return CS_PREPARE_SKIP;
	uint32_t n;
	const struct cs_carried *const *carried =
		cs_cluster_carried(cycle->cluster, cycle->pod, &n);
	if (n == 0 && asked->n_preferred == 0)
		return CS_PREPARE_SKIP;
	struct score_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	state->items = cs_arena_alloc_array(cycle->scratch, (size_t)n + asked->n_preferred,
					    sizeof(*state->items));
	for (uint32_t i = 0; i < asked->n_preferred; i++) {
		const struct cs_affinity_term *term = &asked->preferred[i];
		if (term->query)
			add_sums(cycle, state, term->topology, cs_query_counts(term->query),
				 term->weight);
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct cs_carried *term = carried[i];
		if (term->kind == CS_CARRIED_PREFERENCE)
			add_sums(cycle, state, term->topology, &term->carriers, term->weight);
		else if (term->kind == CS_CARRIED_AFFINITY && args->hard_weight > 0)
			add_sums(cycle, state, term->topology, &term->carriers, args->hard_weight);
	}
	self->score_state = state;
	return state->produced ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void raw_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	memset(out + rows.first, 0, (rows.end - rows.first) * sizeof(*out));
	for (uint32_t i = 0; i < state->n; i++) {
		const struct sums *sums = &state->items[i];
		if (sums->sum)
			cs_kernel_add_domains(sums->topology->domain, sums->sum, rows, out);
		else
			cs_kernel_add_rows(sums->counts, sums->topology, sums->weight, rows, out);
	}
}

static void normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)self;
	int64_t min = INT64_MAX, max = INT64_MIN;
	for (uint32_t i = 0; i < n; i++) {
		int64_t s = out[feasible[i]];
		min = s < min ? s : min;
		max = s > max ? s : max;
	}
	// Rows that are not feasible get a score in 0..100, too, so that nobody need look who it
	// is.
	if (max == min) {
		memset(out, 0, cycle->nodes->n_rows * sizeof(*out));
		return;
	}
	if (max - min < INT32_MAX) {
		cs_kernel_stretch(min, max, cycle->nodes->n_rows, out);
		return;
	}
	double range = (double)(max - min);
	for (uint32_t i = 0; i < n; i++) {
		int64_t *s = &out[feasible[i]];
		*s = (int64_t)(100.0 * ((double)(*s - min) / range));
	}
}

// ---- in numbers ----

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	static void (*const rules[RULE_COUNT])(const struct cs_cycle *cycle, uint32_t row,
					       struct cs_buffer *out) = {
		[RULE_AFFINITY] = cs_affinity_explain_required,
		[RULE_ANTI_AFFINITY] = cs_affinity_explain_anti,
		[RULE_EXISTING] = cs_affinity_explain_existing,
	};
	rules[first_rule(self->state, row)](cycle, row, out);
}

// ---- arguments ----

struct affinity_fields {
	struct cs_field_int weight;
	struct cs_field_bool ignore;
};

static const struct cs_field fields[] = {
	CS_FIELD("hardPodAffinityWeight", CS_FIELD_INT, struct affinity_fields, weight),
	CS_FIELD("ignorePreferredTermsOfExistingPods", CS_FIELD_BOOL, struct affinity_fields,
		 ignore),
	{ 0 },
};

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct affinity_fields read = { 0 };
	bool wrong = from && cs_fields_read(from, fields, arena, &read, errors) < 0;
	int64_t weight = read.weight.given ? read.weight.value : 1;
	if (weight < 0 || weight > 100)
		wrong |= cs_errors_invalid_int(errors, "hardPodAffinityWeight", weight,
					       "not in valid range [0, 100]") < 0;
	if (wrong)
		return -EINVAL;
	struct cs_affinity_args *args = cs_alloc(sizeof(*args));
	args->hard_weight = (int32_t)weight;
	args->ignore_preferred = read.ignore.value;
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct cs_affinity_args *args = pointer;
	cs_json_member_int(json, "hardPodAffinityWeight", args->hard_weight);
	cs_json_member_bool(json, "ignorePreferredTermsOfExistingPods", args->ignore_preferred);
}

static const struct cs_argument arguments[] = {
	{ "hardPodAffinityWeight", "integer, 0..100",
	  "weight in scores of the required affinity that other pods have to a pod; default 1" },
	{ "ignorePreferredTermsOfExistingPods", "boolean",
	  "do not score pods that prefer nothing themselves; default false" },
	{ 0 },
};

const struct cs_plugin cs_plugin_inter_pod_affinity = {
	.name = "InterPodAffinity",
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = prepare_score,
	.raw_score = raw_score,
	.normalise = normalise,
	.explain_score = cs_affinity_explain_score,
	.default_weight = 2,
	.cures = CS_EVENT_POD_ADD | CS_EVENT_POD_LABEL | CS_EVENT_POD_DELETE | CS_EVENT_NODE_ADD |
		 CS_EVENT_NODE_LABEL,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
};
