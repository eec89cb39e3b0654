// PodTopologySpread: pods that match a selector are spread over the domains of a topology key.
// Neighbours: spread_args.c reads the defaults, spread_kernel.c has the loops; the cluster counts
// (query.h, topology.h). Mirrors plugins/podtopologyspread; parity facts 27 to 30.
#include <csched/cluster/query.h>
#include <csched/cluster/taint.h>
#include <csched/cluster/topology.h>
#include <math.h>
#include <string.h>

#include "plugins.h"
#include "spread_args.h"
#include "spread_kernel.h"

#define HOSTNAME_KEY "kubernetes.io/hostname"
#define NOT_COUNTED  INT64_MIN // a domain that no counted node is in

// The constraints of one kind, hard or soft, that a decision is about.
struct constraints {
	uint32_t n;
	struct cs_spread_constraint *list;
};

// ---- which constraints ----

static void add_constraints(struct constraints *ret, const struct cs_spread_constraint *from,
			    uint32_t n, bool hard)
{
	for (uint32_t i = 0; i < n; i++)
		if (from[i].hard == hard)
			ret->list[ret->n++] = from[i];
}

// The profile's defaults, where something selects the pod.
static void add_defaults(const struct cs_cycle *cycle, const struct cs_spread_defaults *defaults,
			 bool hard, struct constraints *ret)
{
	add_constraints(ret, defaults->constraints, defaults->n, hard);
	if (ret->n == 0)
		return;
	const struct cs_query *query = cs_cluster_default_query(cycle->cluster, cycle->pod);
	for (uint32_t i = 0; i < ret->n; i++)
		ret->list[i].query = query;
	if (!query)
		ret->n = 0;
}

static struct constraints find_constraints(const struct cs_cycle *cycle,
					   const struct cs_plugin_instance *self, bool hard)
{
	const struct cs_spread_defaults *defaults = self->attached;
	const struct cs_demand *demand = cycle->demand;
	uint32_t room = demand->n_spread ? demand->n_spread : defaults->n;
	struct constraints found = { 0 };
	found.list = cs_arena_alloc_array(cycle->scratch, room, sizeof(*found.list));
	if (demand->n_spread)
		add_constraints(&found, demand->spread, demand->n_spread, hard);
	else
		add_defaults(cycle, defaults, hard, &found);
	return found;
}

static bool matches_itself(const struct cs_cycle *cycle, const struct cs_spread_constraint *c)
{
	return c->matches_every_pod || (c->query && cs_query_matches(c->query, cycle->pod->labels));
}

// ---- which nodes count ----

// What a row must pass so that its pods count for one constraint.
struct inclusion {
	const uint8_t *all_keys;          // NULL: keys are not asked for
	const struct cs_bitmap *selected; // NULL: no selector, or not asked for
	const uint32_t *name;             // NULL: no pin, or not asked for
	uint32_t pinned;
	const uint32_t *taint_set; // NULL: taints are not asked for
	const struct cs_toleration_verdict *verdicts;
	const uint8_t *live;
};

static struct inclusion include(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
				const uint8_t *all_keys)
{
	struct inclusion in = { .all_keys = all_keys, .live = cycle->nodes->live };
	if (c->honors_affinity) {
		in.selected = cycle->demand->node_selector;
		in.pinned = cycle->pod->pinned_node;
		in.name = in.pinned != CS_INTERN_NONE ? cycle->nodes->name : NULL;
	}
	if (c->honors_taints) {
		in.taint_set = cycle->nodes->taint_set;
		in.verdicts = cs_taint_verdicts(cycle->cluster, cycle->demand->toleration_set);
	}
	return in;
}

static inline bool is_included(const struct inclusion *in, uint32_t row)
{
	return in->live[row] && (!in->all_keys || in->all_keys[row]) &&
	       (!in->selected || cs_bitmap_test(in->selected, row)) &&
	       (!in->name || in->name[row] == in->pinned) &&
	       (!in->taint_set || !in->verdicts[in->taint_set[row]].filtered);
}

// Marks the rows that have a domain for each constraint.
static uint8_t *rows_with_all_keys(const struct cs_cycle *cycle, const struct constraints *all)
{
	uint32_t n = cycle->nodes->n_rows;
	uint8_t *marks = cs_arena_alloc_raw(cycle->scratch, n);
	memset(marks, 1, n);
	for (uint32_t i = 0; i < all->n; i++) {
		const uint32_t *domain = all->list[i].topology->domain;
		for (uint32_t row = 0; row < n; row++)
			marks[row] &= domain[row] != CS_DOMAIN_NONE;
	}
	return marks;
}

// Adds the pods of the query that are not terminating to the domains of the rows that count; those
// of rows without the key to `elsewhere`, unless that is CS_DOMAIN_NONE.
static void add_counts(const struct cs_spread_constraint *c, const struct inclusion *in,
		       uint32_t elsewhere, int64_t *domains)
{
	const struct cs_row_counts *counts = c->query ? cs_query_counts(c->query) : NULL;
	for (uint32_t i = 0; counts && i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		if (counts->live[i] == 0 || !is_included(in, row))
			continue;
		uint32_t domain = c->topology->domain[row];
		domain = domain == CS_DOMAIN_NONE ? elsewhere : domain;
		if (domain != CS_DOMAIN_NONE)
			domains[domain] += counts->live[i];
	}
}

// ---- hard constraints ----

struct hard_constraint {
	const struct cs_topology *topology;
	const uint8_t *verdicts; // by domain, with one more in front: spread_kernel.h
};

struct filter_state {
	uint32_t n;
	struct hard_constraint *list;
};

// The domains that some counted row is in, with no pods yet; the others are NOT_COUNTED.
static int64_t *begin_domains(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			      const struct inclusion *in)
{
	const struct cs_topology *topology = c->topology;
	int64_t *domains =
		cs_arena_alloc_raw(cycle->scratch, (topology->n_domains + 1) * sizeof(*domains));
	for (uint32_t i = 0; i < topology->n_domains; i++)
		domains[i] = NOT_COUNTED;
	for (uint32_t row = 0; row < cycle->nodes->n_rows; row++)
		if (is_included(in, row))
			domains[topology->domain[row]] = 0;
	return domains;
}

// Of a nominated pod that is supposed on a row: the model counts it as the pods that are there, but
// upstream's AddPod counts terminating ones too, and {} matches (parity fact 28).
static void add_supposed(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			 const struct inclusion *in, int64_t *domains)
{
	if (cycle->n_supposed == 0 || !is_included(in, cycle->supposed_row))
		return;
	int64_t *domain = &domains[c->topology->domain[cycle->supposed_row]];
	for (uint32_t i = 0; i < cycle->n_supposed; i++) {
		const struct cs_pod *pod = cycle->supposed[i];
		if (c->matches_every_pod)
			*domain += strcmp(pod->namespace, cycle->pod->namespace) == 0;
		else if (pod->terminating && c->query)
			*domain += cs_query_matches(c->query, pod->labels);
	}
}

static int64_t least(const struct cs_spread_constraint *c, const int64_t *domains)
{
	int64_t min = INT32_MAX; // upstream's, where there is no domain
	int64_t n = 0;
	for (uint32_t i = 0; i < c->topology->n_domains; i++) {
		if (domains[i] == NOT_COUNTED)
			continue;
		n++;
		min = domains[i] < min ? domains[i] : min;
	}
	return n < c->min_domains ? 0 : min;
}

static struct hard_constraint prepare_hard(const struct cs_cycle *cycle,
					   const struct cs_spread_constraint *c,
					   const uint8_t *all_keys)
{
	struct inclusion in = include(cycle, c, all_keys);
	int64_t *domains = begin_domains(cycle, c, &in);
	add_counts(c, &in, CS_DOMAIN_NONE, domains);
	add_supposed(cycle, c, &in, domains);
	int64_t allowed = least(c, domains) + c->max_skew - matches_itself(cycle, c);
	uint32_t n = c->topology->n_domains;
	uint8_t *verdicts = cs_arena_alloc_raw(cycle->scratch, n + 1);
	verdicts[0] = CS_VERDICT_UNRESOLVABLE;
	for (uint32_t i = 0; i < n; i++) {
		int64_t count = domains[i] == NOT_COUNTED ? 0 : domains[i];
		verdicts[i + 1] = count > allowed ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS;
	}
	return (struct hard_constraint){ .topology = c->topology, .verdicts = verdicts };
}

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	struct constraints hard = find_constraints(cycle, self, true);
	if (hard.n == 0)
		return CS_PREPARE_SKIP;
	const uint8_t *all_keys = rows_with_all_keys(cycle, &hard);
	struct filter_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	state->n = hard.n;
	state->list = cs_arena_alloc_array(cycle->scratch, hard.n, sizeof(*state->list));
	for (uint32_t i = 0; i < hard.n; i++)
		state->list[i] = prepare_hard(cycle, &hard.list[i], all_keys);
	self->state = state;
	return CS_PREPARE_GO;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)cycle;
	const struct filter_state *state = self->state;
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
	for (uint32_t i = 0; i < state->n; i++)
		cs_spread_verdicts(state->list[i].topology->domain, state->list[i].verdicts, rows,
				   verdict);
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	const struct filter_state *state = self->state;
	for (uint32_t i = 0; i < state->n; i++) {
		const struct hard_constraint *c = &state->list[i];
		switch (c->verdicts[(uint32_t)(c->topology->domain[row] + 1)]) {
		case CS_VERDICT_UNRESOLVABLE:
			say(user, "node(s) didn't match pod topology spread constraints (missing "
				  "required label)");
			return;
		case CS_VERDICT_UNSCHEDULABLE:
			say(user, "node(s) didn't match pod topology spread constraints");
			return;
		default:
			break;
		}
	}
}

// ---- soft constraints ----

struct score_state {
	const uint8_t *all_keys; // rows without are ignored; NULL: none is
	uint32_t n_scored;       // feasible rows that are not ignored
	uint32_t n;
	struct cs_spread_part *parts;
};

static bool is_hostname(const struct cs_cycle *cycle, const struct cs_spread_constraint *c)
{
	const char *key = cs_intern_string(cs_cluster_strings(cycle->cluster), c->topology->key);
	return strcmp(key, HOSTNAME_KEY) == 0;
}

static uint32_t count_scored(const struct cs_cycle *cycle, const uint8_t *all_keys)
{
	if (!all_keys)
		return cycle->n_feasible;
	uint32_t n = 0;
	for (uint32_t i = 0; i < cycle->n_feasible; i++)
		n += all_keys[cycle->feasible[i]];
	return n;
}

// How many domains there are at all; no key is one of them.
static uint32_t count_domains(const struct cs_cycle *cycle, const struct cs_topology *topology)
{
	uint32_t n = 0, rows = 0;
	for (uint32_t i = 0; i < topology->n_domains; i++) {
		n += topology->n_rows[i] > 0;
		rows += topology->n_rows[i];
	}
	return n + (rows < cycle->nodes->n_live);
}

// How many domains the scored rows are in. A row without the key is in that of the empty value.
static uint32_t count_scored_domains(const struct cs_cycle *cycle, const struct score_state *state,
				     const struct cs_topology *topology)
{
	uint32_t most = count_domains(cycle, topology), n = 0;
	uint32_t empty = cs_topology_find(topology, "");
	uint8_t *seen = cs_arena_alloc(cycle->scratch, (size_t)topology->n_domains + 1);
	for (uint32_t i = 0; i < cycle->n_feasible && n < most; i++) {
		uint32_t row = cycle->feasible[i];
		uint32_t domain = topology->domain[row];
		if (state->all_keys && !state->all_keys[row])
			continue;
		uint8_t *mark = &seen[(uint32_t)((domain == CS_DOMAIN_NONE ? empty : domain) + 1)];
		n += !*mark;
		*mark = 1;
	}
	return n;
}

// Go's logarithm differs from glibc's in the last bit for one size in a hundred; up to 200,000 pods
// in 200,000 domains that shows in no score.
static double weight_of(uint32_t size)
{
	return log((double)size + 2);
}

static double value_of(const struct cs_spread_constraint *c, int64_t count, double weight)
{
	return (double)count * weight + (double)(c->max_skew - 1);
}

// Each node is its own domain, whoever else has that name; its pods count whatever the policies.
static struct cs_spread_part prepare_hosts(const struct cs_cycle *cycle,
					   const struct score_state *state,
					   const struct cs_spread_constraint *c)
{
	uint32_t n = cycle->nodes->n_rows;
	const uint32_t *domain = c->topology->domain;
	double weight = weight_of(state->n_scored);
	double none = value_of(c, 0, weight);
	double *values = cs_arena_alloc_raw(cycle->scratch, n * sizeof(*values));
	for (uint32_t row = 0; row < n; row++)
		values[row] = domain[row] == CS_DOMAIN_NONE ? 0 : none;
	const struct cs_row_counts *counts = c->query ? cs_query_counts(c->query) : NULL;
	for (uint32_t i = 0; counts && i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		if (counts->live[i] > 0 && domain[row] != CS_DOMAIN_NONE)
			values[row] = value_of(c, counts->live[i], weight);
	}
	return (struct cs_spread_part){ .values = values };
}

// Upstream leaves out the domains without a scored row, which nobody asks about.
static struct cs_spread_part prepare_domains(const struct cs_cycle *cycle,
					     const struct score_state *state,
					     const struct cs_spread_constraint *c)
{
	struct inclusion in = include(cycle, c, state->all_keys);
	uint32_t n = c->topology->n_domains;
	double weight = weight_of(count_scored_domains(cycle, state, c->topology));
	int64_t *domains = cs_arena_alloc_array(cycle->scratch, n, sizeof(*domains));
	double *values = cs_arena_alloc_raw(cycle->scratch, (n + 1) * sizeof(*values));
	add_counts(c, &in, cs_topology_find(c->topology, ""), domains);
	values[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		values[i + 1] = value_of(c, domains[i], weight);
	return (struct cs_spread_part){ .domain = c->topology->domain, .values = values };
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_spread_defaults *defaults = self->attached;
	struct constraints soft = find_constraints(cycle, self, false);
	if (soft.n == 0)
		return CS_PREPARE_SKIP;
	bool all_keys = cycle->demand->n_spread > 0 || !defaults->system;
	struct score_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	state->all_keys = all_keys ? rows_with_all_keys(cycle, &soft) : NULL;
	state->n_scored = count_scored(cycle, state->all_keys);
	state->n = soft.n;
	state->parts = cs_arena_alloc_array(cycle->scratch, soft.n, sizeof(*state->parts));
	for (uint32_t i = 0; i < soft.n; i++)
		state->parts[i] = is_hostname(cycle, &soft.list[i])
					  ? prepare_hosts(cycle, state, &soft.list[i])
					  : prepare_domains(cycle, state, &soft.list[i]);
	self->score_state = state;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	cs_spread_scores(state->parts, state->n, rows, out);
}

static void normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	const uint8_t *all_keys = state->all_keys;
	int64_t min = INT64_MAX, max = 0;
	for (uint32_t i = 0; i < n; i++) {
		int64_t s = out[feasible[i]];
		if (all_keys && !all_keys[feasible[i]])
			continue;
		min = s < min ? s : min;
		max = s > max ? s : max;
	}
	if (max > 0 && max < INT32_MAX - min) {
		struct cs_rows rows = { feasible[0], feasible[n - 1] + 1 };
		cs_spread_normalise(min, max, rows, out);
	} else {
		for (uint32_t i = 0; i < n; i++)
			out[feasible[i]] =
				max > 0 ? 100 * (max + min - out[feasible[i]]) / max : 100;
	}
	for (uint32_t i = 0; all_keys && i < n; i++)
		if (!all_keys[feasible[i]])
			out[feasible[i]] = 0;
}

const struct cs_plugin cs_plugin_pod_topology_spread = {
	.name = "PodTopologySpread",
	.attach = cs_spread_attach,
	.detach = cs_spread_detach,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.prepare_score = prepare_score,
	.score = score,
	.normalise = normalise,
	.default_weight = 2,
	.cures = CS_EVENT_POD_ADD | CS_EVENT_POD_LABEL | CS_EVENT_POD_TOLERATION |
		 CS_EVENT_POD_DELETE | CS_EVENT_NODE_ADD | CS_EVENT_NODE_DELETE |
		 CS_EVENT_NODE_LABEL | CS_EVENT_NODE_TAINT,
	.arguments = cs_spread_arguments,
	.configure = cs_spread_configure,
	.write_args = cs_spread_write_args,
	.free_args = cs_spread_free_args,
};
