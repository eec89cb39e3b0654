// The ledger's columns: quality, load, medians, and who is told when load falls.
// Neighbours: load_samples.c brings values, load_flight.c the pods in flight; load.h has the rules.
#include <csched/cluster/load.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <math.h>

#include "cluster_internal.h"
#include "latency_internal.h"

#define QUALITY_MIN     0.01
#define AGEING_INTERVAL (CS_SECOND / 2)
#define WINDOW_ASSUMED  (600 * CS_SECOND) // what sources average over at most, as far as we know
#define MORE_PRIOR      2.0               // pods^2
#define STEP_BACK       (60 * CS_SECOND)  // a clock that goes back so far has been put right

// ---- life ----

void cs_loads_init(struct cs_loads *loads, struct cs_nodes *nodes, uint64_t seed)
{
	*loads = (struct cs_loads){ .nodes = nodes, .blocks = cs_arena_create() };
	cs_map_init(&loads->by_address, seed);
	cs_map_init(&loads->reservations, seed);
	cs_loads_grow(loads, nodes->table.capacity);
}

static void free_string(const char *s)
{
	free((char *)(uintptr_t)s);
}

static void free_column(struct cs_loads *loads, uint32_t i)
{
	const struct cs_load_column *column = &loads->table.columns[i];
	free_string(loads->metrics[i].name);
	free_string(loads->metrics[i].unit);
	free_string(loads->metrics[i].topology);
	free(column->load);
	free(column->sample);
	free(column->in_flight);
	free(column->capacity);
	free(column->quality);
	free(column->taken);
	free(column->window);
	free(column->state);
	free(loads->hidden[i].refused);
	free(loads->hidden[i].rest);
	free(loads->hidden[i].in_flight);
	free(column->strain);
	free(loads->hidden[i].strain);
	free(loads->hidden[i].sums);
	free(loads->hidden[i].taught);
}

void cs_loads_finish(struct cs_loads *loads)
{
	for (uint32_t i = 0; i < loads->table.n_columns; i++)
		free_column(loads, i);
	free(loads->weight);
	free(loads->addresses);
	cs_arena_destroy(loads->blocks);
	free(loads->flights);
	free(loads->left);
	free(loads->scratch);
	free(loads->watches);
	cs_map_finish(&loads->by_address);
	cs_map_finish(&loads->reservations);
	*loads = (struct cs_loads){ 0 };
}

#define RESIZE(array, old, n) ((array) = cs_grow_column((array), (old), (n), sizeof(*(array))))

static void resize_column(struct cs_loads *loads, uint32_t i, uint32_t old, uint32_t n)
{
	struct cs_load_column *column = &loads->table.columns[i];
	RESIZE(column->load, old, n);
	RESIZE(column->sample, old, n);
	RESIZE(column->in_flight, old, n);
	RESIZE(column->capacity, old, n);
	RESIZE(column->quality, old, n);
	RESIZE(column->taken, old, n);
	RESIZE(column->window, old, n);
	RESIZE(column->state, old, n);
	RESIZE(loads->hidden[i].refused, old, n);
	RESIZE(loads->hidden[i].rest, old, n);
	RESIZE(loads->hidden[i].in_flight, old, n);
	RESIZE(column->strain, old, n);
	RESIZE(loads->hidden[i].strain, old, n);
	RESIZE(loads->hidden[i].sums, old, n);
	RESIZE(loads->hidden[i].taught, old, n);
	for (uint32_t row = old; row < n; row++)
		column->strain[row] = loads->hidden[i].strain[row] = 1;
}

void cs_loads_grow(struct cs_loads *loads, uint32_t capacity)
{
	uint32_t old = loads->capacity;
	for (uint32_t i = 0; i < loads->table.n_columns; i++)
		resize_column(loads, i, old, capacity);
	RESIZE(loads->weight, old, capacity);
	RESIZE(loads->addresses, old, capacity);
	RESIZE(loads->flights, old, capacity);
	RESIZE(loads->left, old, capacity);
	RESIZE(loads->scratch, old, capacity);
	for (uint32_t row = old; row < capacity; row++)
		loads->weight[row] = CS_NODE_WEIGHT_DEFAULT;
	loads->capacity = capacity;
	loads->table.weight = loads->weight;
}

static uint32_t resource_of(const struct cs_loads *loads, uint32_t i)
{
	const struct cs_load_metric *metric = &loads->metrics[i];
	return metric->kind == CS_LOAD_USAGE ? cs_nodes_find_column(loads->nodes, metric->name)
					     : CS_RESOURCE_NONE;
}

// Counts and milli-CPU are counted finer than bytes: sums of either fit 64 bits.
static double unit_of(const struct cs_loads *loads, uint32_t i)
{
	bool fine = loads->metrics[i].kind == CS_LOAD_COUNT ||
		    loads->hidden[i].resource == CS_RESOURCE_CPU;
	return fine ? 0x1p17 : 0x1p5;
}

void cs_cluster_set_load_metrics(struct cs_cluster *cluster, const struct cs_load_metric *metrics,
				 uint32_t n, const bool *from_annotations)
{
	struct cs_loads *loads = &cluster->loads;
	for (uint32_t i = 0; i < n && i < CS_LOAD_METRICS_MAX; i++) {
		const struct cs_load_metric *metric = &metrics[i];
		loads->metrics[i] = *metric;
		loads->metrics[i].name = cs_strdup(metric->name);
		loads->metrics[i].unit = metric->unit ? cs_strdup(metric->unit) : NULL;
		loads->metrics[i].topology = metric->topology ? cs_strdup(metric->topology) : NULL;
		loads->table.columns[i].metric = &loads->metrics[i];
		loads->table.n_columns++;
		loads->hidden[i].from_annotations = from_annotations && from_annotations[i];
		loads->hidden[i].resource = resource_of(loads, i);
		loads->hidden[i].unit = unit_of(loads, i);
		resize_column(loads, i, 0, loads->capacity);
		if (metric->kind != CS_LOAD_USAGE && metric->kind != CS_LOAD_COUNT)
			continue;
		loads->slot_column[loads->n_slots++] = i;
		int64_t longest = metric->ramp + metric->ttl + WINDOW_ASSUMED;
		loads->horizon = loads->horizon > longest ? loads->horizon : longest;
	}
	cs_uses_set_slots(&cluster->uses, loads->n_slots);
	uint32_t pair = 0;
	while (pair < n && metrics[pair].kind != CS_LOAD_PAIR)
		pair++;
	if (pair < loads->table.n_columns)
		cluster->latency = cs_latency_create(cluster, &loads->metrics[pair]);
}

void cs_cluster_set_load_notice(struct cs_cluster *cluster,
				void (*notice)(void *user, const char *words), void *user)
{
	cluster->loads.notice = notice;
	cluster->loads.notice_user = user;
}

void cs_cluster_mute_load_notice(struct cs_cluster *cluster, bool muted)
{
	cluster->loads.muted = muted;
}

// All that is dated later than the clock now says.
static void put_back(struct cs_loads *loads, int64_t now)
{
	cs_loads_redate(loads, now);
	loads->now = now;
	cs_load_redate(&loads->aged, now);
	loads->unsettled = UINT32_MAX; // what is in flight changes where no log tells of it
	for (uint32_t i = 0; i < loads->table.n_columns; i++) {
		const struct cs_load_column *column = &loads->table.columns[i];
		uint32_t slot = cs_loads_slot(loads, i);
		for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++) {
			cs_load_redate(&column->taken[row], now);
			cs_load_redate(&loads->hidden[i].refused[row], now);
			cs_load_redate(&loads->hidden[i].taught[row], now);
			cs_load_redate(&loads->hidden[i].sums[row].newest, now);
			if (slot != UINT32_MAX)
				cs_loads_resum(loads, slot, row);
			cs_loads_age(loads, i, row);
		}
	}
}

void cs_cluster_set_time(struct cs_cluster *cluster, int64_t wall)
{
	struct cs_loads *loads = &cluster->loads;
	if (wall > loads->now) {
		loads->now = wall;
	} else if (loads->now - wall >= STEP_BACK) {
		put_back(loads, wall);
		if (cluster->latency)
			cs_latency_redate(cluster->latency, wall);
	}
}

int64_t cs_cluster_time(const struct cs_cluster *cluster)
{
	return cluster->loads.now;
}

const char *cs_load_state_name(enum cs_load_state state)
{
	static const char *const names[CS_LOAD_STATE_COUNT] = {
		[CS_LOAD_MISSING] = "missing",
		[CS_LOAD_FRESH] = "fresh",
		[CS_LOAD_AGEING] = "ageing",
		[CS_LOAD_IMPLAUSIBLE] = "implausible",
	};
	return names[state];
}

const struct cs_load_table *cs_cluster_load(const struct cs_cluster *cluster)
{
	return &cluster->loads.table;
}

uint32_t cs_load_find(const struct cs_load_table *table, const char *metric)
{
	for (uint32_t i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].metric->name, metric) == 0)
			return i;
	return CS_LOAD_METRIC_NONE;
}

uint32_t cs_cluster_count_in_flight(const struct cs_cluster *cluster)
{
	return cluster->loads.n_in_flight;
}

// ---- one figure ----

static double at_least_0(double v)
{
	return v > 0 ? v : 0;
}

// What the pods on the row request, as scores count them.
static double requested(const struct cs_loads *loads, uint32_t resource, uint32_t row)
{
	const struct cs_node_table *nodes = &loads->nodes->table;
	if (resource == CS_RESOURCE_NONE)
		return 0;
	return resource <= CS_RESOURCE_MEMORY ? nodes->nonzero_requested_double[resource][row]
					      : nodes->requested_double[resource][row];
}

static double fallback(const struct cs_loads *loads, uint32_t i, uint32_t row)
{
	const struct cs_load_metric *metric = &loads->metrics[i];
	if (metric->kind == CS_LOAD_USAGE)
		return requested(loads, loads->hidden[i].resource, row);
	// 0 where no median has been made yet, which need not be a plausible value.
	if (metric->kind == CS_LOAD_LEVEL)
		return loads->hidden[i].level > metric->min ? loads->hidden[i].level : metric->min;
	double mean = loads->table.columns[i].mean_per_pod;
	double of_pods = loads->hidden[i].own + (double)loads->nodes->table.n_pods[row] *
							(mean > 0 ? mean : metric->per_pod);
	// A node that says nothing, among others that do, is not taken for an idle one.
	double least = loads->table.columns[i].quality[row] > 0 ? 0 : loads->hidden[i].level;
	return of_pods > least ? of_pods : least;
}

double cs_loads_expect(const struct cs_loads *loads, uint32_t i, uint32_t row)
{
	const struct cs_load_column *column = &loads->table.columns[i];
	double quality = column->quality[row];
	double known = column->sample[row];
	if (column->metric->kind != CS_LOAD_LEVEL)
		known = at_least_0(known + column->in_flight[row]);
	if (quality == 1)
		return known;
	return quality * known + (1 - quality) * fallback(loads, i, row);
}

void cs_loads_refresh(struct cs_loads *loads, uint32_t i, uint32_t row)
{
	const struct cs_load_column *column = &loads->table.columns[i];
	const struct cs_load_hidden *hidden = &loads->hidden[i];
	column->in_flight[row] = (double)hidden->in_flight[row] / hidden->unit;
	column->load[row] = cs_loads_expect(loads, i, row);
}

// Columns of resources that are no fixed ones come and go.
static uint32_t current_resource(struct cs_loads *loads, uint32_t i)
{
	struct cs_load_hidden *hidden = &loads->hidden[i];
	if (hidden->resource >= CS_RESOURCE_FIXED_COUNT &&
	    loads->metrics[i].kind == CS_LOAD_USAGE) {
		uint32_t now = resource_of(loads, i);
		loads->unsettled |= (uint32_t)(now != hidden->resource) << i;
		hidden->resource = now;
	}
	return hidden->resource;
}

void cs_loads_refresh_row(struct cs_loads *loads, uint32_t row)
{
	for (uint32_t i = 0; i < loads->table.n_columns; i++) {
		const struct cs_load_column *column = &loads->table.columns[i];
		uint32_t resource = current_resource(loads, i);
		if (column->metric->kind == CS_LOAD_USAGE)
			column->capacity[row] =
				resource == CS_RESOURCE_NONE
					? 0
					: loads->nodes->table.allocatable_double[resource][row];
		else if (column->metric->kind == CS_LOAD_LEVEL)
			column->capacity[row] =
				isfinite(column->metric->max) ? column->metric->max : 0;
		cs_loads_refresh(loads, i, row);
	}
}

static double quality_at(int64_t age, int64_t ttl)
{
	if (age <= ttl)
		return 1;
	double quality = ttl > 0 ? exp(-(double)(age - ttl) / (double)ttl) : 0;
	return quality < QUALITY_MIN ? 0 : quality;
}

static enum cs_load_state state_at(const struct cs_loads *loads, uint32_t i, uint32_t row,
				   double quality)
{
	int64_t refused = loads->hidden[i].refused[row];
	if (refused && quality_at(loads->now - refused, loads->metrics[i].ttl) > 0)
		return CS_LOAD_IMPLAUSIBLE;
	if (quality == 0)
		return CS_LOAD_MISSING;
	return quality == 1 ? CS_LOAD_FRESH : CS_LOAD_AGEING;
}

void cs_loads_set_quality(struct cs_loads *loads, uint32_t i, uint32_t row, double quality)
{
	struct cs_load_column *column = &loads->table.columns[i];
	double before = column->quality[row];
	bool any = column->n_known > 0;
	column->quality[row] = quality;
	if (!loads->nodes->table.live[row])
		return;
	column->n_known += quality > 0;
	column->n_known -= before > 0;
	column->n_fresh += quality == 1;
	column->n_fresh -= before == 1;
	loads->table.version += any != (column->n_known > 0); // plugins skip, or do no more
}

void cs_loads_age(struct cs_loads *loads, uint32_t i, uint32_t row)
{
	struct cs_load_column *column = &loads->table.columns[i];
	double before = column->quality[row];
	double quality = 0;
	if (column->taken[row])
		quality = quality_at(loads->now - column->taken[row], column->metric->ttl);
	cs_loads_set_quality(loads, i, row, quality);
	column->state[row] = (uint8_t)state_at(loads, i, row, quality);
	if (quality != before)
		loads->unsettled |= 1u << i;
	cs_loads_refresh(loads, i, row);
}

static void count_weight(struct cs_loads *loads, int32_t weight, int sign)
{
	loads->table.n_weightless += (uint32_t)(weight == 0 ? sign : 0);
	loads->table.n_weighted += (uint32_t)(weight != CS_NODE_WEIGHT_DEFAULT ? sign : 0);
}

void cs_loads_set_weight(struct cs_loads *loads, uint32_t row, int32_t weight)
{
	count_weight(loads, loads->weight[row], -1);
	count_weight(loads, weight, 1);
	loads->weight[row] = weight;
}

// ---- medians and means ----

static void swap(double *a, double *b)
{
	double kept = *a;
	*a = *b;
	*b = kept;
}

// Puts the element of rank k at its place, smaller ones before it.
static void select_rank(double *values, uint32_t n, uint32_t k)
{
	uint32_t low = 0;
	uint32_t high = n - 1;
	while (low < high) {
		double pivot = values[low + (high - low) / 2];
		uint32_t i = low;
		uint32_t j = high;
		for (;;) {
			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap(&values[i++], &values[j--]);
		}
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
}

// Of n values, whose order is lost; 0 of none.
static double median_of(double *values, uint32_t n)
{
	if (n == 0)
		return 0;
	select_rank(values, n, n / 2);
	double upper = values[n / 2];
	if (n % 2)
		return upper;
	double lower = values[0];
	for (uint32_t i = 1; i < n / 2; i++)
		lower = values[i] > lower ? values[i] : lower;
	return lower + (upper - lower) / 2;
}

// The samples of rows that are fresh, or where none is, of rows that are known.
static double median_level(struct cs_loads *loads, const struct cs_load_column *column)
{
	for (int fresh = 1; fresh >= 0; fresh--) {
		uint32_t n = 0;
		for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++)
			if (loads->nodes->table.live[row] &&
			    (fresh ? column->quality[row] == 1 : column->quality[row] > 0))
				loads->scratch[n++] = column->sample[row];
		if (n > 0)
			return median_of(loads->scratch, n);
	}
	return 0;
}

// What rows with pods have, per pod.
struct per_pod {
	double most;  // all that they have
	double ratio; // without what they had when they had no pods
};

// The slope of samples over numbers of pods as pods came and left; the ratio takes part in it with
// the weight MORE_PRIOR, and is its upper bound. The lower bound is what is expected of a pod of
// which nothing is known (if rows have that much): noise must not make it nothing.
static double seen_per_pod(const struct cs_load_hidden *hidden, const struct per_pod *per_pod,
			   double least)
{
	double prior = MORE_PRIOR * per_pod->ratio;
	double seen = (hidden->more + prior) / (hidden->more_pods + MORE_PRIOR);
	seen = seen < per_pod->ratio ? seen : per_pod->ratio;
	least = least < per_pod->most ? least : per_pod->most;
	return seen > least ? seen : least;
}

// Makes mean_per_pod again, and what rows have beside their pods.
static void settle_mean(struct cs_loads *loads, uint32_t i)
{
	const struct cs_node_table *nodes = &loads->nodes->table;
	struct cs_load_column *column = &loads->table.columns[i];
	struct cs_load_hidden *hidden = &loads->hidden[i];
	struct per_pod sums = { 0 };
	double all = 0;
	double pods = 0;
	double rows = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		if (!nodes->live[row] || column->quality[row] == 0)
			continue;
		double load = at_least_0(column->sample[row] + column->in_flight[row]);
		all += load;
		rows++;
		if (nodes->n_pods[row] == 0)
			continue;
		pods += (double)nodes->n_pods[row];
		sums.most += load;
		sums.ratio += at_least_0(load - hidden->rest[row].beside);
	}
	bool count = column->metric->kind == CS_LOAD_COUNT;
	if (pods > 0) {
		const struct per_pod per_pod = { sums.most / pods, sums.ratio / pods };
		column->mean_per_pod =
			count ? seen_per_pod(hidden, &per_pod, column->metric->per_pod)
			      : per_pod.most;
	}
	if (count && rows > 0)
		hidden->own = at_least_0(all - column->mean_per_pod * pods) / rows;
}

static void settle_column(struct cs_loads *loads, uint32_t i)
{
	struct cs_load_column *column = &loads->table.columns[i];
	const struct cs_node_table *nodes = &loads->nodes->table;
	if (column->metric->kind != CS_LOAD_USAGE)
		loads->hidden[i].level = median_level(loads, column);
	if (column->metric->kind != CS_LOAD_LEVEL)
		settle_mean(loads, i);
	uint32_t n = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		if (!nodes->live[row])
			continue;
		if (column->quality[row] < 1)
			cs_loads_refresh(loads, i, row);
		if (column->quality[row] > 0)
			loads->scratch[n++] = column->load[row];
	}
	column->median = median_of(loads->scratch, n);
}

void cs_loads_settle(struct cs_loads *loads)
{
	if (!loads->unsettled)
		return;
	loads->table.version++;
	for (uint32_t i = 0; i < loads->table.n_columns; i++)
		if (loads->unsettled >> i & 1 && loads->metrics[i].kind != CS_LOAD_PAIR)
			settle_column(loads, i);
	loads->unsettled = 0;
}

// ---- watching ----

struct cs_load_before cs_loads_before(const struct cs_loads *loads, uint32_t i, uint32_t row)
{
	const struct cs_load_column *column = &loads->table.columns[i];
	double capacity = column->capacity[row];
	double sign = column->metric->higher_is_better ? -1 : 1; // what rises is what cures
	if (loads->n_watches == 0)
		return (struct cs_load_before){ 0 };
	return (struct cs_load_before){
		.known = column->quality[row] > 0,
		.fraction = sign * column->load[row] / (capacity > 0 ? capacity : 1),
	};
}

uint32_t cs_loads_events(const struct cs_loads *loads, uint32_t i, uint32_t row,
			 struct cs_load_before before)
{
	if (loads->n_watches == 0)
		return 0;
	struct cs_load_before now = cs_loads_before(loads, i, row);
	for (uint32_t w = 0; w < loads->n_watches; w++) {
		const struct cs_load_watch *watch = &loads->watches[w];
		if (watch->metric != i)
			continue;
		if (now.known != before.known)
			return CS_EVENT_LOAD;
		bool below = now.fraction < watch->fraction;
		if (below && (before.fraction >= watch->fraction ||
			      floor(100 * now.fraction) < floor(100 * before.fraction)))
			return CS_EVENT_LOAD;
	}
	return 0;
}

static struct cs_load_watch *find_watch(const struct cs_loads *loads, uint32_t metric,
					double fraction)
{
	for (uint32_t w = 0; w < loads->n_watches; w++)
		if (loads->watches[w].metric == metric && loads->watches[w].fraction == fraction)
			return &loads->watches[w];
	return NULL;
}

void cs_cluster_watch_load(struct cs_cluster *cluster, uint32_t metric, double fraction)
{
	struct cs_loads *loads = &cluster->loads;
	struct cs_load_watch *known = find_watch(loads, metric, fraction);
	if (known) {
		known->refs++;
		return;
	}
	loads->watches =
		cs_realloc_array(loads->watches, loads->n_watches + 1, sizeof(*loads->watches));
	loads->watches[loads->n_watches++] =
		(struct cs_load_watch){ .metric = metric, .fraction = fraction, .refs = 1 };
}

void cs_cluster_unwatch_load(struct cs_cluster *cluster, uint32_t metric, double fraction)
{
	struct cs_loads *loads = &cluster->loads;
	struct cs_load_watch *known = find_watch(loads, metric, fraction);
	if (known && --known->refs == 0)
		*known = loads->watches[--loads->n_watches];
}

// ---- time ----

static uint32_t age_column(struct cs_loads *loads, uint32_t i)
{
	const struct cs_load_column *column = &loads->table.columns[i];
	uint32_t events = 0;
	for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++) {
		bool quiet = column->state[row] == CS_LOAD_MISSING ||
			     (column->state[row] == CS_LOAD_FRESH &&
			      loads->now - column->taken[row] <= column->metric->ttl);
		if (quiet || !loads->nodes->table.live[row])
			continue;
		struct cs_load_before before = cs_loads_before(loads, i, row);
		cs_loads_age(loads, i, row);
		events |= cs_loads_events(loads, i, row, before);
	}
	return events;
}

uint32_t cs_cluster_tick_load(struct cs_cluster *cluster)
{
	struct cs_loads *loads = &cluster->loads;
	uint32_t events = 0;
	if (loads->now - loads->aged >= AGEING_INTERVAL) {
		loads->aged = loads->now;
		loads->ticks++;
		for (uint32_t i = 0; i < loads->table.n_columns; i++)
			if (loads->metrics[i].kind != CS_LOAD_PAIR)
				events |= age_column(loads, i);
		cs_loads_expire(loads);
		if (cluster->latency)
			events |= cs_latency_tick(cluster->latency, loads->now);
	}
	cs_loads_settle(loads);
	events |= loads->untold;
	loads->untold = 0;
	return events;
}
