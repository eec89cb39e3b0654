// The scores of PodTopologySpread: the fewer matching pods a node's domains have, the better.
// Neighbours: spread_count.h; pod_topology_spread.c names the callbacks. Mirrors
// plugins/podtopologyspread/scoring.go; parity facts 29 and 30. Normalised scores depend on all
// feasible rows, so they are made once per decision, and `score` only hands them out.
#include <math.h>
#include <string.h>

#include "kernel.h"
#include "spread_count.h"
#include "spread_kernel.h"

#define HOSTNAME_KEY "kubernetes.io/hostname"
#define SLOTS_MAX    256 // with more domains, rows are scored one by one

// A row whose score is not that of its slot.
struct exception {
	uint32_t row;
	int64_t score;
};

// Normalised scores: by row, or by slot but for some rows.
struct score_state {
	const int64_t *by_row;
	const uint32_t *domain;
	const int64_t *by_slot;
	uint32_t n_exceptions;
	const struct exception *exceptions; // ascending rows
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
};

// ---- weights ----

static uint32_t count_scored(const struct cs_cycle *cycle, const uint8_t *all_keys)
{
	if (!all_keys)
		return cycle->n_feasible;
	uint32_t n = 0;
	for (uint32_t i = 0; i < cycle->n_feasible; i++)
		n += all_keys[cycle->feasible[i]];
	return n;
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
	for (uint32_t i = 0; i < cycle->n_feasible && n < most; i++) {
		uint32_t row = cycle->feasible[i];
		uint32_t domain = topology->domain[row];
		if (work->all_keys && !work->all_keys[row])
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

// Upstream leaves out the domains without a scored row, which nobody asks about.
static void prepare_soft(const struct work *work, const struct cs_spread_constraint *c,
			 struct soft *ret)
{
	ret->c = c;
	ret->more = (double)(c->max_skew - 1);
	ret->hosts = is_hostname(work->cycle, c->topology);
	if (ret->hosts) {
		ret->weight = weight_of(work->n_scored);
		return;
	}
	const uint8_t *included = cs_spread_included(work->cycle, c, work->all_keys);
	uint32_t *slots = cs_spread_count(work->cycle, c, included);
	count_keyless(work, ret, included, slots);
	ret->counts = slots;
	ret->weight = weight_of(count_domains(work, c->topology));
}

// ---- normalising ----

static void widen(struct cs_spread_range *range, int64_t score)
{
	range->min = score < range->min ? score : range->min;
	range->max = score > range->max ? score : range->max;
}

static void normalise(const struct cs_spread_range *range, int64_t *scores, uint32_t n)
{
	if (range->max > 0 && range->max < INT32_MAX - range->min) {
		cs_spread_normalise(range->min, range->max, n, scores);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		scores[i] = range->max > 0
				    ? 100 * (range->max + range->min - scores[i]) / range->max
				    : 100;
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
	struct cs_rows all = { cycle->feasible[0], cycle->feasible[cycle->n_feasible - 1] + 1 };
	if (!work->all_keys && all.end - all.first == cycle->n_feasible) {
		cs_spread_widen(scores, all, &range);
		return range;
	}
	for (uint32_t i = 0; i < cycle->n_feasible; i++)
		if (!work->all_keys || work->all_keys[cycle->feasible[i]])
			widen(&range, scores[cycle->feasible[i]]);
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
	struct cs_spread_range range = range_of(work, scores);
	normalise(&range, scores, n);
	for (uint32_t row = 0; work->all_keys && row < n; row++)
		scores[row] = work->all_keys[row] ? scores[row] : 0;
	state->by_row = scores;
}

// ---- slot by slot ----
// Where one topology beside hosts is asked about, all rows have all keys, and few have pods: most
// rows of one domain then have one score.

struct shape {
	bool fits;
	const struct soft *domains; // NULL = none
	const struct soft *hosts;   // NULL = none
};

static struct shape find_shape(const struct work *work)
{
	struct shape shape = { .fits = !work->all_keys };
	for (uint32_t i = 0; i < work->n; i++) {
		const struct soft *soft = &work->soft[i];
		const struct soft **place = soft->hosts ? &shape.hosts : &shape.domains;
		shape.fits &= !*place;
		*place = soft;
	}
	if (shape.domains)
		shape.fits &= shape.domains->c->topology->n_domains < SLOTS_MAX;
	if (!shape.hosts || !shape.fits)
		return shape;
	const struct cs_query *query = shape.hosts->c->query;
	const struct cs_row_counts *counts = query ? cs_query_counts(query) : NULL;
	shape.fits = (!counts || counts->rows || counts->n == 0) &&
		     cs_spread_covers(work->cycle, shape.hosts->c->topology);
	return shape;
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

static uint32_t slot_of(const struct shape *shape, uint32_t row)
{
	return shape->domains ? (uint32_t)(shape->domains->c->topology->domain[row] + 1) : 1;
}

static bool is_feasible(const struct cs_cycle *cycle, uint32_t row)
{
	// Its place is behind that of as many rows as are missing, at most.
	uint32_t missing = cycle->nodes->n_rows - cycle->n_feasible;
	uint32_t low = row > missing ? row - missing : 0;
	uint32_t high = row < cycle->n_feasible ? row + 1 : cycle->n_feasible;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (cycle->feasible[middle] == row)
			return true;
		if (cycle->feasible[middle] < row)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

// The rows that have pods themselves.
static struct exception *list_exceptions(const struct work *work, const struct shape *shape,
					 uint32_t *ret_n)
{
	*ret_n = 0;
	if (!shape->hosts || !shape->hosts->c->query)
		return NULL;
	const struct cs_row_counts *counts = cs_query_counts(shape->hosts->c->query);
	struct exception *list =
		cs_arena_alloc_array(work->cycle->scratch, counts->n, sizeof(*list));
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows[i];
		if (counts->live[i] > 0 && row < work->cycle->nodes->n_rows)
			list[(*ret_n)++] =
				(struct exception){ row, raw_score(work, slot_of(shape, row),
								   counts->live[i]) };
	}
	return list;
}

// The range of the feasible rows that are no exceptions: one of each slot is enough.
static void widen_by_slots(const struct work *work, const struct shape *shape,
			   const struct score_state *state, uint32_t n_slots,
			   struct cs_spread_range *range)
{
	const struct cs_cycle *cycle = work->cycle;
	uint32_t most = shape->domains ? count_slots(cycle, shape->domains->c->topology) : 1;
	uint8_t *seen = cs_arena_alloc(cycle->scratch, n_slots);
	uint32_t at = 0, n = 0;
	for (uint32_t i = 0; i < cycle->n_feasible && n < most; i++) {
		uint32_t row = cycle->feasible[i];
		while (at < state->n_exceptions && state->exceptions[at].row < row)
			at++;
		uint32_t slot = slot_of(shape, row);
		if (seen[slot] || (at < state->n_exceptions && state->exceptions[at].row == row))
			continue;
		seen[slot] = 1;
		n++;
		widen(range, state->by_slot[slot]);
	}
}

static void score_slots(const struct work *work, const struct shape *shape,
			struct score_state *state)
{
	const struct cs_cycle *cycle = work->cycle;
	uint32_t n_slots = shape->domains ? shape->domains->c->topology->n_domains + 1 : 2;
	int64_t *by_slot = cs_arena_alloc_raw(cycle->scratch, n_slots * sizeof(*by_slot));
	for (uint32_t slot = 0; slot < n_slots; slot++)
		by_slot[slot] = raw_score(work, slot, 0);
	struct exception *exceptions = list_exceptions(work, shape, &state->n_exceptions);
	state->domain = shape->domains ? shape->domains->c->topology->domain : NULL;
	state->by_slot = by_slot;
	state->exceptions = exceptions;
	struct cs_spread_range range = { INT64_MAX, 0 };
	widen_by_slots(work, shape, state, n_slots, &range);
	for (uint32_t i = 0; i < state->n_exceptions; i++)
		if (is_feasible(cycle, exceptions[i].row))
			widen(&range, exceptions[i].score);
	normalise(&range, by_slot, n_slots);
	for (uint32_t i = 0; i < state->n_exceptions; i++)
		normalise(&range, &exceptions[i].score, 1);
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
	for (uint32_t i = 0; i < list.n; i++)
		prepare_soft(&work, &list.items[i], &work.soft[i]);
	struct score_state *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	struct shape shape = find_shape(&work);
	if (shape.fits)
		score_slots(&work, &shape, state);
	else
		score_rows(&work, state);
	self->score_state = state;
	return CS_PREPARE_GO;
}

void cs_spread_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		     struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct score_state *state = self->score_state;
	if (state->by_row) {
		memcpy(out + rows.first, state->by_row + rows.first,
		       (rows.end - rows.first) * sizeof(*out));
		return;
	}
	if (state->domain)
		cs_kernel_look_up(state->domain, state->by_slot, rows, out);
	else
		for (uint32_t row = rows.first; row < rows.end; row++)
			out[row] = state->by_slot[1];
	for (uint32_t i = 0; i < state->n_exceptions; i++)
		if (state->exceptions[i].row >= rows.first && state->exceptions[i].row < rows.end)
			out[state->exceptions[i].row] = state->exceptions[i].score;
}
