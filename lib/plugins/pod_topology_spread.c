// PodTopologySpread: pods that match a selector are spread over the domains of a topology key.
// Neighbours: spread_args.c reads the defaults, spread_score.c scores, spread_count.c is for both.
// Mirrors plugins/podtopologyspread/filtering.go.
#include <csched/cluster/phrase.h>
#include <inttypes.h>
#include <string.h>

#include "plugins.h"
#include "spread_classes.h"
#include "spread_count.h"
#include "spread_kernel.h"

struct hard_constraint {
	const struct cs_topology *topology; // NULL: by class
	const uint8_t *verdicts;            // by slot, or by class
};

struct filter_state {
	uint32_t n;
	struct hard_constraint *items;
	const struct cs_spread_classes *classes; // NULL: by slot
	const uint8_t *by_class;                 // the first word of all constraints
};

static bool matches_itself(const struct cs_cycle *cycle, const struct cs_spread_constraint *c)
{
	return c->matches_every_pod || (c->query && cs_query_matches(c->query, cycle->pod->labels));
}

// A nominated pod that is supposed on a row is in the model's counts like the pods that are there.
// Upstream's AddPod counts differently: also where it is terminating, and for labelSelector {}.
// What that makes more is added here.
static void add_supposed(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			 const uint8_t *included, uint32_t *slots)
{
	if (cycle->n_supposed == 0 || (included && !included[cycle->supposed_row]))
		return;
	uint32_t *slot = &slots[(uint32_t)(c->topology->domain[cycle->supposed_row] + 1)];
	for (uint32_t i = 0; i < cycle->n_supposed; i++) {
		const struct cs_pod *pod = cycle->supposed[i];
		if (c->matches_every_pod)
			*slot += strcmp(pod->namespace, cycle->pod->namespace) == 0;
		else if (pod->terminating && c->query)
			*slot += cs_query_matches(c->query, pod->labels);
	}
}

// The slots that some counted row is in.
static const uint8_t *find_present(const struct cs_cycle *cycle, const struct cs_topology *topology,
				   const uint8_t *included)
{
	uint32_t n_slots = topology->n_domains + 1;
	uint8_t *present = cs_arena_alloc(cycle->scratch, n_slots);
	if (included) {
		cs_spread_present(topology->domain, included, cycle->nodes->n_rows, present);
	} else {
		for (uint32_t slot = 1; slot < n_slots; slot++)
			present[slot] = topology->n_rows[slot - 1] > 0;
	}
	return present;
}

// How many pods a domain may have, so that one more does not make the skew too large: by the least
// that one of the n domains has.
static int32_t find_allowed(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			    int64_t least, uint32_t n)
{
	if ((int64_t)n < c->min_domains)
		least = 0;
	int64_t allowed = least + c->max_skew - matches_itself(cycle, c);
	if (allowed < -1)
		return -1;
	return allowed < INT32_MAX ? (int32_t)allowed : INT32_MAX;
}

// What a constraint goes by.
struct counted {
	uint32_t *slots;        // pods
	const uint8_t *present; // slots that some counted row is in
	uint32_t n;             // of them
	int32_t least;          // pods in one of them
};

static struct counted count(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			    const uint8_t *all_keys)
{
	const uint8_t *included = cs_spread_included(cycle, c, all_keys);
	struct counted counted = { .slots = cs_spread_count(cycle, c, included) };
	add_supposed(cycle, c, included, counted.slots);
	counted.present = find_present(cycle, c->topology, included);
	counted.least = cs_spread_least(counted.slots, counted.present, c->topology->n_domains + 1,
					&counted.n);
	return counted;
}

static struct hard_constraint prepare(const struct cs_cycle *cycle,
				      const struct cs_spread_constraint *c, const uint8_t *all_keys)
{
	struct counted counted = count(cycle, c, all_keys);
	uint32_t n_slots = c->topology->n_domains + 1;
	uint8_t *verdicts = cs_arena_alloc_raw(cycle->scratch, n_slots);
	cs_spread_table(counted.slots, find_allowed(cycle, c, counted.least, counted.n), n_slots,
			verdicts);
	verdicts[0] = CS_VERDICT_UNRESOLVABLE;
	return (struct hard_constraint){ .topology = c->topology, .verdicts = verdicts };
}

// ---- by class ----

// Where all live rows count and have all keys, and one query is asked about domains of one row each
// and those of one other key, as with hostnames and zones, a row's class says all.
static const struct cs_spread_classes *classify(const struct cs_cycle *cycle,
						const struct cs_spread_defaults *defaults,
						const struct cs_spread_list *hard)
{
	struct cs_spread_asked asked = { .query = hard->items[0].query };
	for (uint32_t i = 0; i < hard->n; i++) {
		const struct cs_spread_constraint *c = &hard->items[i];
		const struct cs_topology **place =
			c->topology->n_shared == 0 ? &asked.hosts : &asked.domains;
		if (*place || c->query != asked.query || !cs_spread_covers(cycle, c->topology) ||
		    cs_spread_included(cycle, c, NULL))
			return NULL;
		*place = c->topology;
	}
	return cycle->n_supposed == 0 ? cs_spread_classify(defaults->memory, cycle, &asked) : NULL;
}

// The least pods that a row has.
static uint32_t least_on_row(const struct cs_spread_classes *classes)
{
	uint32_t least = classes->n_counts;
	for (uint32_t class = 1; class < classes->n; class += 1) {
		uint32_t count = (class - 1) & (classes->n_counts - 1);
		if (classes->n_rows[class] > 0 && count < least)
			least = count;
	}
	return least;
}

static struct hard_constraint by_row(const struct cs_cycle *cycle,
				     const struct cs_spread_constraint *c,
				     const struct cs_spread_classes *classes)
{
	int32_t allowed = find_allowed(cycle, c, least_on_row(classes), cycle->nodes->n_live);
	uint8_t *verdicts = cs_arena_alloc(cycle->scratch, classes->n);
	for (uint32_t class = 1; class < classes->n; class += 1)
		if ((int32_t)((class - 1) & (classes->n_counts - 1)) > allowed)
			verdicts[class] = CS_VERDICT_UNSCHEDULABLE;
	return (struct hard_constraint){ .verdicts = verdicts };
}

static struct hard_constraint by_slot(const struct cs_cycle *cycle,
				      const struct cs_spread_constraint *c,
				      const struct cs_spread_classes *classes)
{
	uint32_t *slots = cs_arena_alloc_raw(cycle->scratch, classes->n_slots * sizeof(*slots));
	cs_spread_class_sums(classes, slots);
	uint32_t n;
	int32_t least = cs_spread_least(slots, find_present(cycle, c->topology, NULL),
					classes->n_slots, &n);
	int32_t allowed = find_allowed(cycle, c, least, n);
	uint8_t *verdicts = cs_arena_alloc(cycle->scratch, classes->n);
	for (uint32_t slot = 0; slot < classes->n_slots; slot++)
		if ((int32_t)slots[slot] > allowed)
			memset(verdicts + 1 + slot * classes->n_counts, CS_VERDICT_UNSCHEDULABLE,
			       classes->n_counts);
	return (struct hard_constraint){ .verdicts = verdicts };
}

static void prepare_all_classes(const struct cs_cycle *cycle, const struct cs_spread_list *hard,
				struct filter_state *state)
{
	uint32_t n = state->classes->n;
	uint8_t *first = cs_arena_alloc(cycle->scratch, n);
	for (uint32_t i = 0; i < hard->n; i++) {
		bool rows = hard->items[i].topology->n_shared == 0;
		state->items[i] = (rows ? by_row : by_slot)(cycle, &hard->items[i], state->classes);
		for (uint32_t class = 0; class < n; class += 1)
			first[class] |= state->items[i].verdicts[class];
	}
	state->by_class = first;
}

// Of a single constraint, rows without the key are in slot 0 anyway.
static const uint8_t *find_all_keys(const struct cs_cycle *cycle, const struct cs_spread_list *hard)
{
	return hard->n > 1 ? cs_spread_all_keys(cycle, hard) : NULL;
}

// ---- callbacks ----

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	if (cycle->demand->spread_hard_error) {
		cycle->message = cs_arena_printf(cycle->scratch,
						 "get constraints from pod: obtaining pod's hard "
						 "topology spread constraints: %s",
						 cycle->demand->spread_hard_error);
		return CS_PREPARE_ERROR;
	}
	struct cs_spread_list hard = cs_spread_find(cycle, self, true);
	if (hard.n == 0)
		return CS_PREPARE_SKIP;
	struct filter_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	self->state = state;
	state->n = hard.n;
	state->items = cs_arena_alloc_array(cycle->scratch, hard.n, sizeof(*state->items));
	state->classes = classify(cycle, self->attached, &hard);
	if (state->classes) {
		prepare_all_classes(cycle, &hard, state);
		return CS_PREPARE_GO;
	}
	const uint8_t *all_keys = find_all_keys(cycle, &hard);
	for (uint32_t i = 0; i < hard.n; i++)
		state->items[i] = prepare(cycle, &hard.items[i], all_keys);
	return CS_PREPARE_GO;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)cycle;
	const struct filter_state *state = self->state;
	if (state->classes) {
		cs_spread_look_up(state->classes->of_row, state->by_class, rows, verdict);
		return;
	}
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
	for (uint32_t i = 0; i < state->n; i++)
		cs_spread_verdicts(state->items[i].topology->domain, state->items[i].verdicts, rows,
				   verdict);
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	static const char *const words[] = {
		[CS_VERDICT_UNSCHEDULABLE] = "node(s) didn't match pod topology spread constraints",
		[CS_VERDICT_UNRESOLVABLE] = "node(s) didn't match pod topology spread constraints "
					    "(missing required label)",
	};
	(void)cycle;
	const struct filter_state *state = self->state;
	for (uint32_t i = 0; i < state->n; i++) {
		const struct hard_constraint *c = &state->items[i];
		uint32_t at =
			c->topology ? c->topology->domain[row] + 1 : state->classes->of_row[row];
		uint8_t verdict = c->verdicts[at];
		if (verdict != CS_VERDICT_FITS) {
			say(user, words[verdict]);
			return;
		}
	}
}

// ---- in numbers: counted afresh, whatever was kept ----

// Whose label value has the least, where one domain alone has it; else how many have.
static void explain_least(const struct cs_cycle *cycle, const struct cs_topology *topology,
			  const struct counted *counted, struct cs_buffer *out)
{
	uint32_t n = 0, which = 0;
	for (uint32_t slot = 1; slot <= topology->n_domains; slot++)
		if (counted->present[slot] && (int64_t)counted->slots[slot] == counted->least) {
			n++;
			which = slot - 1;
		}
	if (n == 1)
		cs_buffer_printf(out, " (%s)",
				 cs_intern_string(cs_cluster_strings(cycle->cluster),
						  cs_topology_value(topology, which)));
	else
		cs_buffer_printf(out, " (%" PRIu32 " of them)", n);
}

// Returns whether the constraint has something against the row.
static bool explain_constraint(const struct cs_cycle *cycle, const struct cs_spread_constraint *c,
			       const uint8_t *all_keys, uint32_t row, struct cs_buffer *out)
{
	struct counted counted = count(cycle, c, all_keys);
	uint32_t slot = c->topology->domain[row] + 1;
	uint32_t own = counted.slots[slot];
	bool few = (int64_t)counted.n < c->min_domains;
	int64_t least = few ? 0 : counted.least;
	if (slot > 0 && (int64_t)own <= find_allowed(cycle, c, counted.least, counted.n))
		return false;
	cs_phrase_domain(cycle->cluster, c->topology, row, out);
	if (slot == 0)
		return true;
	cs_buffer_append_string(out, " has ");
	cs_spread_explain_pods(cycle, c, own, out);
	cs_buffer_printf(out, "; of %" PRIu32 " domains the least has %" PRId32, counted.n,
			 counted.least);
	explain_least(cycle, c->topology, &counted, out);
	if (few)
		cs_buffer_printf(out, ", but 0 counts, as minDomains is %" PRId32, c->min_domains);
	int64_t self_match = matches_itself(cycle, c);
	cs_buffer_printf(out,
			 "; the skew would be %" PRIu32 " + %" PRId64 " for the pod - %" PRId64
			 " = %" PRId64 ", and maxSkew is %" PRId32,
			 own, self_match, least, own + self_match - least, c->max_skew);
	return true;
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	struct cs_spread_list hard = cs_spread_find(cycle, self, true);
	const uint8_t *all_keys = find_all_keys(cycle, &hard);
	for (uint32_t i = 0; i < hard.n; i++)
		if (explain_constraint(cycle, &hard.items[i], all_keys, row, out))
			return;
}

const struct cs_plugin cs_plugin_pod_topology_spread = {
	.name = "PodTopologySpread",
	.attach = cs_spread_attach,
	.detach = cs_spread_detach,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = cs_spread_prepare_score,
	.score = cs_spread_score,
	.explain_score = cs_spread_explain_score,
	.default_weight = 2,
	.cures = CS_EVENT_POD_ADD | CS_EVENT_POD_LABEL | CS_EVENT_POD_TOLERATION |
		 CS_EVENT_POD_DELETE | CS_EVENT_NODE_ADD | CS_EVENT_NODE_DELETE |
		 CS_EVENT_NODE_LABEL | CS_EVENT_NODE_TAINT,
	.arguments = cs_spread_arguments,
	.configure = cs_spread_configure,
	.write_args = cs_spread_write_args,
	.free_args = cs_spread_free_args,
};
