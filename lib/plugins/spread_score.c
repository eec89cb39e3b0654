// The scores of PodTopologySpread: the fewer matching pods a node's domains have, the better.
// Neighbours: spread_count.h; pod_topology_spread.c names the callbacks. Mirrors
// plugins/podtopologyspread/scoring.go. Normalised scores depend on all feasible rows, so they are
// made once per decision, and `score` only hands them out.
#include <csched/cluster/phrase.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "spread_classes.h"
#include "spread_count.h"
#include "spread_kernel.h"

#define FEW_PART     4 // a quarter of the rows: fewer are cheaper taken out than the others seen
#define HOSTNAME_KEY "kubernetes.io/hostname"

// Normalised scores: by row, or by class.
struct score_state {
	const uint8_t *by_row;
	const struct cs_spread_classes *classes;
	const uint8_t *by_class;
	const struct work *work;      // what they were made of
	struct cs_spread_range range; // before normalising, of the feasible rows that are scored
};

// One soft constraint being prepared.
struct soft {
	const struct cs_spread_constraint *c;
	bool hosts; // counts on the node itself, whatever its hostname and the policies
	double weight;
	double more;            // what is added whatever the count
	const uint32_t *counts; // by slot; not of hosts
};

// What all that is prepared here goes by.
struct work {
	const struct cs_cycle *cycle;
	const uint8_t *all_keys; // rows without score 0; NULL: no row
	uint32_t n_scored;       // feasible rows that are not ignored
	uint32_t n;
	struct soft *soft;
	struct cs_spread_asked asked;            // what `classes` answers
	const struct cs_spread_classes *classes; // NULL: none fit, rows are scored one by one
	const uint8_t *seen;                     // by class: whether a feasible row has it
};

// ---- weights ----

static uint32_t count_scored(const struct cs_cycle *cycle, const uint8_t *all_keys)
{
	if (!all_keys)
		return cycle->n_feasible;
	return cs_spread_count_passed(cycle->passed, all_keys, cycle->nodes->n_rows);
}

// How many slots have a live row.
static uint32_t count_slots(const struct cs_cycle *cycle, const struct cs_topology *topology)
{
	uint32_t n = 0, rows = 0;
	for (uint32_t i = 0; i < topology->n_domains; i++) {
		n += topology->n_rows[i] > 0;
		rows += topology->n_rows[i];
	}
	return n + (rows < cycle->nodes->n_live);
}

// How many domains the scored rows are in. Rows without the key are in that of the empty value.
static uint32_t count_domains(const struct work *work, const struct cs_topology *topology)
{
	const struct cs_cycle *cycle = work->cycle;
	uint32_t most = count_slots(cycle, topology), n = 0;
	uint32_t empty = cs_topology_find(topology, "");
	uint8_t *seen = cs_arena_alloc(cycle->scratch, (size_t)topology->n_domains + 1);
	for (uint32_t row = 0; row < cycle->nodes->n_rows && n < most; row++) {
		uint32_t domain = topology->domain[row];
		if (cycle->passed[row] != CS_PASSED || (work->all_keys && !work->all_keys[row]))
			continue;
		uint8_t *mark = &seen[(uint32_t)((domain == CS_DOMAIN_NONE ? empty : domain) + 1)];
		n += !*mark;
		*mark = 1;
	}
	return n;
}

// Adds the pods on rows without the key to the domain of the empty value, where there is one.
static void count_keyless(const struct work *work, const struct soft *soft, const uint8_t *included,
			  uint32_t *slots)
{
	const struct cs_topology *topology = soft->c->topology;
	uint32_t empty = cs_topology_find(topology, "");
	if (work->all_keys || empty == CS_DOMAIN_NONE || !soft->c->query)
		return;
	const struct cs_row_counts *counts = cs_query_counts(soft->c->query);
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		if (topology->domain[row] == CS_DOMAIN_NONE && work->cycle->nodes->live[row] &&
		    (!included || included[row]))
			slots[empty + 1] += counts->live[i];
	}
}

// Go's logarithm differs from glibc's in the last bit for one size in a hundred; up to 200,000 pods
// in 200,000 domains that shows in no score.
static double weight_of(uint32_t size)
{
	return log((double)size + 2);
}

static bool is_hostname(const struct cs_cycle *cycle, const struct cs_topology *topology)
{
	const char *key = cs_intern_string(cs_cluster_strings(cycle->cluster), topology->key);
	return strcmp(key, HOSTNAME_KEY) == 0;
}

static const uint8_t *find_seen(const struct work *work)
{
	const struct cs_cycle *cycle = work->cycle;
	const struct cs_spread_classes *classes = work->classes;
	uint32_t n_rows = cycle->nodes->n_rows;
	uint8_t *seen = cs_arena_alloc(cycle->scratch, classes->n);
	if (n_rows - cycle->n_feasible > n_rows / FEW_PART) {
		cs_spread_see(cycle->passed, classes->of_row, n_rows, seen);
		return seen;
	}
	uint32_t size = classes->n * sizeof(*classes->n_rows);
	uint32_t *left = memcpy(cs_arena_alloc_raw(cycle->scratch, size), classes->n_rows, size);
	cs_spread_leave_out(cycle->passed, classes->of_row, n_rows, left);
	for (uint32_t class = 1; class < classes->n; class += 1)
		seen[class] = left[class] > 0;
	return seen;
}

// As count_domains.
static uint32_t count_seen(const struct work *work)
{
	const struct cs_spread_classes *classes = work->classes;
	uint32_t empty = cs_topology_find(work->asked.domains, ""), n = 0;
	uint8_t *mark = cs_arena_alloc(work->cycle->scratch, classes->n_slots);
	for (uint32_t class = 1; class < classes->n; class += 1) {
		uint32_t slot = (class - 1) / classes->n_counts;
		mark[slot == 0 ? empty + 1 : slot] |= work->seen[class];
	}
	for (uint32_t slot = 0; slot < classes->n_slots; slot++)
		n += mark[slot];
	return n;
}

// How many pods each slot has.
static uint32_t *count_pods(const struct work *work, const struct cs_spread_constraint *c,
			    const uint8_t *included)
{
	if (!work->classes || included != work->all_keys || c->query != work->asked.query)
		return cs_spread_count(work->cycle, c, included);
	uint32_t *slots =
		cs_arena_alloc_raw(work->cycle->scratch, work->classes->n_slots * sizeof(*slots));
	cs_spread_class_sums(work->classes, slots);
	return slots;
}

// Upstream leaves out the domains without a scored row, which nobody asks about.
static void prepare_soft(const struct work *work, struct soft *soft)
{
	const struct cs_spread_constraint *c = soft->c;
	soft->more = (double)(c->max_skew - 1);
	if (soft->hosts) {
		soft->weight = weight_of(work->n_scored);
		return;
	}
	const uint8_t *included = cs_spread_included(work->cycle, c, work->all_keys);
	uint32_t *slots = count_pods(work, c, included);
	count_keyless(work, soft, included, slots);
	soft->counts = slots;
	soft->weight =
		weight_of(work->classes ? count_seen(work) : count_domains(work, c->topology));
}

// ---- normalising ----

static void widen(struct cs_spread_range *range, int64_t score)
{
	range->min = score < range->min ? score : range->min;
	range->max = score > range->max ? score : range->max;
}

static uint8_t *normalise(struct cs_arena *scratch, const struct cs_spread_range *range,
			  const int64_t *scores, uint32_t n)
{
	uint8_t *ret = cs_arena_alloc_raw(scratch, n);
	if (range->max > 0 && range->max < INT32_MAX - range->min) {
		cs_spread_normalise(range, scores, n, ret);
		return ret;
	}
	for (uint32_t i = 0; i < n; i++)
		ret[i] = (uint8_t)(range->max > 0 ? 100 * (range->max + range->min - scores[i]) /
							    range->max
						  : 100);
	return ret;
}

// ---- row by row ----

// A node without the key gets nothing for it.
static struct cs_spread_part part_of_hosts(const struct work *work, const struct soft *soft)
{
	uint32_t n = work->cycle->nodes->n_rows;
	const uint32_t *domain = soft->c->topology->domain;
	double *values = cs_arena_alloc_raw(work->cycle->scratch, n * sizeof(*values));
	const struct cs_row_counts *counts =
		soft->c->query ? cs_query_counts(soft->c->query) : NULL;
	uint32_t n_dense = counts && !counts->rows ? counts->n : 0;
	n_dense = n_dense < n ? n_dense : n;
	if (n_dense > 0)
		cs_spread_values(counts->live, n_dense, soft->weight, soft->more, values);
	for (uint32_t row = n_dense; row < n; row++)
		values[row] = soft->more;
	for (uint32_t i = 0; counts && counts->rows && i < counts->n; i++)
		cs_spread_values(&counts->live[i], 1, soft->weight, soft->more,
				 &values[counts->rows[i]]);
	if (!cs_spread_covers(work->cycle, soft->c->topology))
		cs_spread_mask_values(domain, n, values);
	return (struct cs_spread_part){ .values = values };
}

static struct cs_spread_part part_of_domains(const struct work *work, const struct soft *soft)
{
	const struct cs_topology *topology = soft->c->topology;
	uint32_t n_slots = topology->n_domains + 1;
	double *values = cs_arena_alloc_raw(work->cycle->scratch, n_slots * sizeof(*values));
	cs_spread_values(soft->counts, n_slots, soft->weight, soft->more, values);
	values[0] = 0;
	return (struct cs_spread_part){ .domain = topology->domain, .values = values };
}

// Of the feasible rows that are not ignored; where there is none, max is 0.
static struct cs_spread_range range_of(const struct work *work, const int64_t *scores)
{
	const struct cs_cycle *cycle = work->cycle;
	struct cs_spread_range range = { INT64_MAX, 0 };
	struct cs_rows all = { 0, cycle->nodes->n_rows };
	if (!work->all_keys && all.end == cycle->n_feasible) {
		cs_spread_widen(scores, all, &range);
		return range;
	}
	for (uint32_t row = 0; row < all.end; row++)
		if (cycle->passed[row] == CS_PASSED && (!work->all_keys || work->all_keys[row]))
			widen(&range, scores[row]);
	return range;
}

static void score_rows(const struct work *work, struct score_state *state)
{
	const struct cs_cycle *cycle = work->cycle;
	uint32_t n = cycle->nodes->n_rows;
	int64_t *scores = cs_arena_alloc_raw(cycle->scratch, n * sizeof(*scores));
	struct cs_spread_part *parts =
		cs_arena_alloc_array(cycle->scratch, work->n, sizeof(*parts));
	for (uint32_t i = 0; i < work->n; i++)
		parts[i] = work->soft[i].hosts ? part_of_hosts(work, &work->soft[i])
					       : part_of_domains(work, &work->soft[i]);
	cs_spread_scores(parts, work->n, (struct cs_rows){ 0, n }, scores);
	state->range = range_of(work, scores);
	uint8_t *by_row = normalise(cycle->scratch, &state->range, scores, n);
	for (uint32_t row = 0; work->all_keys && row < n; row++)
		by_row[row] = work->all_keys[row] ? by_row[row] : 0;
	state->by_row = by_row;
}

// ---- class by class ----

// Where at most one topology beside hosts is asked about, all rows of one domain with as many pods
// have one score. Finds the classes of those.
static void classify(struct work *work, struct cs_spread_memory *memory)
{
	const struct soft *hosts = NULL, *domains = NULL;
	for (uint32_t i = 0; i < work->n; i++) {
		const struct soft **place = work->soft[i].hosts ? &hosts : &domains;
		if (*place)
			return;
		*place = &work->soft[i];
	}
	if (hosts && !work->all_keys && !cs_spread_covers(work->cycle, hosts->c->topology))
		return;
	work->asked = (struct cs_spread_asked){
		.query = hosts ? hosts->c->query : domains->c->query,
		.domains = domains ? domains->c->topology : NULL,
		.hosts = hosts ? hosts->c->topology : NULL,
		.all_keys = work->all_keys,
	};
	work->classes = cs_spread_classify(memory, work->cycle, &work->asked);
}

// The score before normalising of a row with so many pods, in the order of the constraints.
static int64_t raw_score(const struct work *work, uint32_t slot, uint32_t on_host)
{
	double sum = 0;
	for (uint32_t i = 0; i < work->n; i++) {
		const struct soft *soft = &work->soft[i];
		if (!soft->hosts && slot == 0)
			continue;
		uint32_t count = soft->hosts ? on_host : soft->counts[slot];
		sum += (double)count * soft->weight + soft->more;
	}
	int64_t whole = (int64_t)sum; // of what is not negative
	return whole + (sum - (double)whole >= 0.5);
}

static void score_classes(const struct work *work, struct score_state *state)
{
	uint32_t n = work->classes->n;
	int64_t *scores = cs_arena_alloc_array(work->cycle->scratch, n, sizeof(*scores));
	struct cs_spread_range range = { INT64_MAX, 0 };
	for (uint32_t class = 1; class < n; class += 1) {
		if (!work->seen[class])
			continue;
		scores[class] = raw_score(work, (class - 1) / work->classes->n_counts,
					  (class - 1) & (work->classes->n_counts - 1));
		widen(&range, scores[class]);
	}
	uint8_t *by_class = normalise(work->cycle->scratch, &range, scores, n);
	by_class[0] = 0; // rows that are ignored
	state->range = range;
	state->classes = work->classes;
	state->by_class = by_class;
}

// ---- callbacks ----

enum cs_prepare cs_spread_prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_spread_defaults *defaults = self->attached;
	if (cycle->demand->spread_soft_error) {
		cycle->message = cs_arena_printf(cycle->scratch,
						 "calculating preScoreState: obtaining pod's soft "
						 "topology spread constraints: %s",
						 cycle->demand->spread_soft_error);
		return CS_PREPARE_ERROR;
	}
	struct cs_spread_list list = cs_spread_find(cycle, self, false);
	if (list.n == 0)
		return CS_PREPARE_SKIP;
	// With the system's defaults nodes without a zone are scored, too.
	bool all_keys = cycle->demand->n_spread > 0 || !defaults->system;
	struct work work = {
		.cycle = cycle,
		.all_keys = all_keys ? cs_spread_all_keys(cycle, &list) : NULL,
		.n = list.n,
	};
	work.n_scored = count_scored(cycle, work.all_keys);
	work.soft = cs_arena_alloc_array(cycle->scratch, list.n, sizeof(*work.soft));
	for (uint32_t i = 0; i < list.n; i++) {
		work.soft[i].c = &list.items[i];
		work.soft[i].hosts = is_hostname(cycle, list.items[i].topology);
	}
	classify(&work, defaults->memory);
	work.seen = work.classes ? find_seen(&work) : NULL;
	for (uint32_t i = 0; i < list.n; i++)
		prepare_soft(&work, &work.soft[i]);
	struct score_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	struct work *kept = cs_arena_alloc_raw(cycle->scratch, sizeof(*kept));
	*kept = work;
	state->work = kept;
	if (work.classes)
		score_classes(&work, state);
	else
		score_rows(&work, state);
	self->score_state = state;
	return CS_PREPARE_GO;
}

void cs_spread_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		     struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	if (state->by_row)
		memcpy(out + rows.first, state->by_row + rows.first, rows.end - rows.first);
	else
		cs_spread_look_up(state->classes->of_row, state->by_class, rows, out);
}

// ---- in numbers ----

// What one constraint adds to the row's score before normalising.
static double explain_soft(const struct work *work, const struct soft *soft, uint32_t row,
			   struct cs_buffer *out)
{
	const struct cs_topology *topology = soft->c->topology;
	uint32_t slot = topology->domain[row] + 1, count = 0;
	cs_phrase_domain(work->cycle->cluster, topology, row, out);
	if (slot == 0) {
		cs_buffer_append_string(out, ": 0; ");
		return 0;
	}
	if (!soft->hosts)
		count = soft->counts[slot];
	else if (soft->c->query)
		count = cs_row_counts_get(cs_query_counts(soft->c->query), row).live;
	double value = (double)count * soft->weight + soft->more;
	cs_buffer_append_string(out, " has ");
	cs_spread_explain_pods(work->cycle, soft->c, count, out);
	cs_buffer_printf(out,
			 ": %" PRIu32 " x %.4g for %.0f domains + maxSkew %" PRId32 " - 1 = %.4g; ",
			 count, soft->weight, exp(soft->weight) - 2, soft->c->max_skew, value);
	return value;
}

void cs_spread_explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			     uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	const struct work *work = state->work;
	const struct cs_spread_range *range = &state->range;
	double sum = 0;
	if (work->all_keys && !work->all_keys[row]) {
		cs_buffer_append_string(out, "the node lacks a label of the constraints = 0");
		return;
	}
	for (uint32_t i = 0; i < work->n; i++)
		sum += explain_soft(work, &work->soft[i], row, out);
	double own = floor(sum + 0.5);
	if (range->max > 0)
		cs_buffer_printf(
			out,
			"in all %.0f, from %" PRId64 " to %" PRId64 " on nodes that fit: "
			"100 x (%" PRId64 " + %" PRId64 " - %.0f) / %" PRId64 " = %.4g",
			own, range->min, range->max, range->max, range->min, own, range->max,
			100 * ((double)(range->max + range->min) - own) / (double)range->max);
	else
		cs_buffer_append_string(out, "0 on all nodes that fit = 100");
}
