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

#include "args.h"
#include "plugins.h"

struct affinity_args {
	int32_t hard_weight; // 0..100: of a required term that a pod carries, in scores
	bool ignore_preferred;
};

// The pods of each row that is in a domain of that topology key.
struct walk {
	const struct cs_row_counts *counts;
	const struct cs_topology *topology;
	uint32_t at;
	uint32_t domain;
	uint32_t n_pods; // > 0
};

static struct walk walk_domains(const struct cs_row_counts *counts,
				const struct cs_topology *topology)
{
	return (struct walk){ .counts = counts, .topology = topology };
}

static bool next_domain(struct walk *walk)
{
	const struct cs_row_counts *counts = walk->counts;
	for (; walk->at < counts->n; walk->at++) {
		uint32_t row = counts->rows ? counts->rows[walk->at] : walk->at;
		walk->domain = walk->topology->domain[row];
		walk->n_pods = counts->live[walk->at] + counts->terminating[walk->at];
		if (walk->n_pods == 0 || walk->domain == CS_DOMAIN_NONE)
			continue;
		walk->at++;
		return true;
	}
	return false;
}

// ---- filter ----

// A mark per domain of one topology key; the last one, at n, is for rows in no domain.
struct marks {
	const struct cs_topology *topology;
	uint32_t n;
	uint8_t *bad; // 0 or 1
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

struct filter_state {
	struct mark_list rules[RULE_COUNT];
};

static struct mark_list marks_for(struct cs_cycle *cycle, uint32_t n_max)
{
	return (struct mark_list){
		.items = cs_arena_alloc_array(cycle->scratch, n_max, sizeof(struct marks)),
	};
}

// The marks of that topology key; new ones are all `initial`.
static struct marks *find_marks(struct cs_cycle *cycle, struct mark_list *list,
				const struct cs_topology *topology, uint8_t initial)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->items[i].topology == topology)
			return &list->items[i];
	struct marks *marks = &list->items[list->n++];
	*marks = (struct marks){ .topology = topology, .n = topology->n_domains };
	marks->bad = cs_arena_alloc_raw(cycle->scratch, (size_t)marks->n + 1);
	memset(marks->bad, initial, (size_t)marks->n + 1);
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
		struct marks *marks = find_marks(cycle, list, topology, 1);
		if (!query)
			continue;
		struct walk walk = walk_domains(cs_query_counts(query), topology);
		while (next_domain(&walk)) {
			marks->bad[walk.domain] = 0;
			found = true;
		}
	}
	if (found || !query || !cs_query_matches(query, cycle->pod->labels))
		return;
	for (uint32_t i = 0; i < list->n; i++)
		memset(list->items[i].bad, 0, list->items[i].n);
}

static void mark_anti_affinity(struct cs_cycle *cycle, struct mark_list *list)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	*list = marks_for(cycle, asked->n_anti);
	for (uint32_t i = 0; i < asked->n_anti; i++) {
		if (!asked->anti[i].query)
			continue;
		const struct cs_topology *topology = asked->anti[i].topology;
		struct marks *marks = find_marks(cycle, list, topology, 0);
		struct walk walk = walk_domains(cs_query_counts(asked->anti[i].query), topology);
		while (next_domain(&walk))
			marks->bad[walk.domain] = 1;
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

// Whether pods that are really there carry the term in some domain: supposed ones do not make a
// plugin work that PreFilter has skipped (SkipFilterPlugins in RunPreFilterExtensionAddPod).
static bool is_really_carried(const struct cs_cycle *cycle, const struct cs_carried *carried)
{
	uint32_t n_pods = 0;
	struct walk walk = walk_domains(&carried->carriers, carried->topology);
	while (next_domain(&walk))
		n_pods += walk.n_pods;
	if (cycle->n_supposed == 0 || n_pods == 0)
		return n_pods > 0;
	bool in_domain = carried->topology->domain[cycle->supposed_row] != CS_DOMAIN_NONE;
	return n_pods > (in_domain ? supposed_carriers(cycle, carried) : 0);
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
		struct marks *marks = find_marks(cycle, list, topology, 0);
		struct walk walk = walk_domains(&carried[i]->carriers, topology);
		while (next_domain(&walk))
			marks->bad[walk.domain] = 1;
		real = real || is_really_carried(cycle, carried[i]);
	}
	return real;
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	struct filter_state state = { 0 };
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

// ORs the marks times `weight` into verdict[row].
static void apply_marks(const struct marks *marks, struct cs_rows rows, uint8_t weight,
			uint8_t *restrict verdict)
{
	const uint32_t *restrict domain = marks->topology->domain;
	const uint8_t *restrict bad = marks->bad;
	uint32_t n = marks->n;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] |= (uint8_t)(bad[domain[row] < n ? domain[row] : n] * weight);
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	static const uint8_t weights[RULE_COUNT] = {
		[RULE_AFFINITY] = CS_VERDICT_UNRESOLVABLE,
		[RULE_ANTI_AFFINITY] = CS_VERDICT_UNSCHEDULABLE,
		[RULE_EXISTING] = CS_VERDICT_UNSCHEDULABLE,
	};
	(void)cycle;
	const struct filter_state *state = self->state;
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
	for (int rule = 0; rule < RULE_COUNT; rule++)
		for (uint32_t i = 0; i < state->rules[rule].n; i++)
			apply_marks(&state->rules[rule].items[i], rows, weights[rule], verdict);
	for (uint32_t row = rows.first; row < rows.end; row++) // affinity was checked first
		verdict[row] &= (uint8_t) ~(verdict[row] >> 1);
}

static bool is_bad(const struct mark_list *list, uint32_t row)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct marks *marks = &list->items[i];
		uint32_t domain = marks->topology->domain[row];
		if (marks->bad[domain < marks->n ? domain : marks->n])
			return true;
	}
	return false;
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
	const struct filter_state *state = self->state;
	int rule = 0;
	while (rule < RULE_EXISTING && !is_bad(&state->rules[rule], row))
		rule++;
	say(user, words[rule]);
}

// ---- score ----

// A sum per domain of one topology key; the last one, at n, is 0, for rows in no domain.
struct sums {
	const struct cs_topology *topology;
	uint32_t n;
	int64_t *sum;
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
		if (state->items[i].topology == topology)
			return &state->items[i];
	struct sums *sums = &state->items[state->n++];
	*sums = (struct sums){ .topology = topology, .n = topology->n_domains };
	sums->sum = cs_arena_alloc_array(cycle->scratch, (size_t)sums->n + 1, sizeof(*sums->sum));
	return sums;
}

static void add_sums(struct cs_cycle *cycle, struct score_state *state,
		     const struct cs_topology *topology, const struct cs_row_counts *counts,
		     int64_t weight)
{
	if (counts->n_used == 0)
		return;
	struct sums *sums = find_sums(cycle, state, topology);
	struct walk walk = walk_domains(counts, topology);
	while (next_domain(&walk)) {
		sums->sum[walk.domain] += weight * walk.n_pods;
		state->produced = true;
	}
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct affinity_args *args = self->args;
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
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

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	memset(out + rows.first, 0, (rows.end - rows.first) * sizeof(*out));
	for (uint32_t i = 0; i < state->n; i++) {
		const uint32_t *restrict domain = state->items[i].topology->domain;
		const int64_t *restrict sum = state->items[i].sum;
		uint32_t n = state->items[i].n;
		for (uint32_t row = rows.first; row < rows.end; row++)
			out[row] += sum[domain[row] < n ? domain[row] : n];
	}
}

static void normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	(void)self;
	int64_t min = INT64_MAX, max = INT64_MIN;
	for (uint32_t i = 0; i < n; i++) {
		int64_t s = out[feasible[i]];
		min = s < min ? s : min;
		max = s > max ? s : max;
	}
	double range = (double)(max - min);
	for (uint32_t i = 0; i < n; i++) {
		int64_t *s = &out[feasible[i]];
		*s = max > min ? (int64_t)(100.0 * ((double)(*s - min) / range)) : 0;
	}
}

// ---- arguments ----

struct affinity_fields {
	struct cs_field_int weight;
	struct cs_field_bool ignore;
};

static const struct cs_field fields[] = {
	{ .name = "hardPodAffinityWeight",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct affinity_fields, weight) },
	{ .name = "ignorePreferredTermsOfExistingPods",
	  .type = CS_FIELD_BOOL,
	  .offset = offsetof(struct affinity_fields, ignore) },
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
	struct affinity_args *args = cs_alloc(sizeof(*args));
	args->hard_weight = (int32_t)weight;
	args->ignore_preferred = read.ignore.value;
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct affinity_args *args = pointer;
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
	.prepare_score = prepare_score,
	.score = score,
	.normalise = normalise,
	.default_weight = 2,
	.cures = CS_EVENT_POD_ADD | CS_EVENT_POD_LABEL | CS_EVENT_POD_DELETE | CS_EVENT_NODE_ADD |
		 CS_EVENT_NODE_LABEL,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
};
