// Latencies between places: each place has a list of links to others, ascending by their ids.
// Neighbours: latency.h, latency_internal.h; topology.c says which nodes are in a place.
// A place is known by its label value, since a domain's id is another's once its last node is gone.
#include <math.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/search.h>

#include "cluster_internal.h"
#include "latency_internal.h"

#define FADED 4.6 // -ln 0.01: after ttl and so many more a sample says nothing

struct link {
	uint32_t other;  // intern id, borrowed from its place, which has a link back
	uint32_t domain; // the other's as it was found last; it may be another's since
	float out;       // seconds to the other, NaN = not known
	float in;        // seconds from it
	int64_t out_taken;
	int64_t in_taken;
};

struct place {
	uint32_t value; // intern id, a reference
	uint32_t n;
	uint32_t capacity;
	struct link *links;
};

struct cs_latency {
	const struct cs_load_metric *metric;
	struct cs_topology *topology;
	struct cs_intern *strings;
	struct cs_map places; // value's text to struct place
	uint32_t n_pairs;     // ordered ones that are known
	int64_t swept;
};

struct cs_latency *cs_latency_create(struct cs_cluster *cluster,
				     const struct cs_load_metric *metric)
{
	struct cs_latency *latency = cs_alloc(sizeof(*latency));
	latency->metric = metric;
	latency->topology = cs_topology_ref(cluster, metric->topology);
	latency->strings = cluster->strings;
	cs_map_init(&latency->places, cluster->pods.seed);
	return latency;
}

static void free_place(struct cs_latency *latency, struct place *place)
{
	cs_intern_unref(latency->strings, place->value);
	free(place->links);
	free(place);
}

void cs_latency_destroy(struct cs_cluster *cluster, struct cs_latency *latency)
{
	if (!latency)
		return;
	size_t at = 0;
	struct place *place;
	while ((place = cs_map_next(&latency->places, &at)))
		free_place(latency, place);
	cs_map_finish(&latency->places);
	cs_topology_unref(cluster, latency->topology);
	free(latency);
}

const struct cs_latency *cs_cluster_latency(const struct cs_cluster *cluster)
{
	return cluster->latency;
}

const struct cs_topology *cs_latency_topology(const struct cs_latency *latency)
{
	return latency->topology;
}

// ---- links ----

static struct place *find_place(const struct cs_latency *latency, uint32_t value)
{
	return cs_map_get(&latency->places, cs_slice_of(cs_intern_string(latency->strings, value)));
}

static struct place *place_of(struct cs_latency *latency, uint32_t value)
{
	struct place *place = find_place(latency, value);
	if (place)
		return place;
	place = cs_alloc(sizeof(*place));
	place->value = cs_intern_ref(latency->strings,
				     cs_slice_of(cs_intern_string(latency->strings, value)));
	cs_map_put(&latency->places, cs_slice_of(cs_intern_string(latency->strings, place->value)),
		   place);
	return place;
}

// Where the link to the other is, or would be.
static uint32_t position(const struct place *place, uint32_t other)
{
	return cs_search(place->links, sizeof(*place->links), place->n, other);
}

static struct link *find_link(const struct place *place, uint32_t other)
{
	uint32_t at = place ? position(place, other) : 0;
	return place && at < place->n && place->links[at].other == other ? &place->links[at] : NULL;
}

static struct link *link_of(struct place *place, uint32_t other)
{
	struct link *known = find_link(place, other);
	if (known)
		return known;
	uint32_t at = position(place, other);
	if (place->n == place->capacity) {
		place->capacity = place->capacity ? 2 * place->capacity : 4;
		place->links =
			cs_realloc_array(place->links, place->capacity, sizeof(*place->links));
	}
	memmove(place->links + at + 1, place->links + at, (place->n - at) * sizeof(*place->links));
	place->links[at] = (struct link){ .other = other, .out = NAN, .in = NAN };
	place->n++;
	return &place->links[at];
}

// ---- samples ----

// The place that a text means; CS_INTERN_NONE for none.
static uint32_t read_place(const struct cs_cluster *cluster, const struct cs_latency *latency,
			   const char *text)
{
	uint32_t domain = text ? cs_topology_find(latency->topology, text) : CS_DOMAIN_NONE;
	if (text && domain == CS_DOMAIN_NONE) {
		uint32_t row = cs_cluster_find_node(cluster, text);
		if (row != CS_ROW_NONE)
			domain = latency->topology->domain[row];
	}
	return domain == CS_DOMAIN_NONE ? CS_INTERN_NONE
					: cs_topology_value(latency->topology, domain);
}

// Of a place to itself both directions are the same link.
static void keep(struct cs_latency *latency, uint32_t from, uint32_t to, float value, int64_t taken)
{
	struct link *link = link_of(place_of(latency, from), to);
	latency->n_pairs += isnan(link->out) != 0;
	link->out = value;
	link->out_taken = taken;
	link = link_of(place_of(latency, to), from);
	link->in = value;
	link->in_taken = taken;
}

uint32_t cs_latency_absorb(struct cs_cluster *cluster, struct cs_latency *latency,
			   const struct cs_load_sample *sample, int64_t now,
			   struct cs_load_report *ret)
{
	uint32_t from = read_place(cluster, latency, sample->node);
	uint32_t to = read_place(cluster, latency, sample->to);
	if (from == CS_INTERN_NONE || to == CS_INTERN_NONE) {
		const char *unknown = from == CS_INTERN_NONE ? sample->node : sample->to;
		cs_loads_note_unmatched(ret, unknown ? unknown : "");
		return 0;
	}
	ret->n_matched++;
	ret->n_future += sample->taken > now;
	int64_t taken = sample->taken > now ? now : sample->taken;
	const struct link *known = find_link(find_place(latency, from), to);
	bool is_known = known && !isnan(known->out);
	if (!cs_loads_is_plausible(latency->metric, sample->value) || sample->value < 0) {
		ret->n_implausible++;
		return 0;
	}
	if (is_known && taken <= known->out_taken) {
		ret->n_old++;
		return 0;
	}
	if (!is_known && latency->n_pairs >= CS_LATENCY_PAIRS_MAX)
		return 0;
	float value = (float)sample->value;
	bool fell = !is_known || value < known->out;
	keep(latency, from, to, value, taken);
	return fell ? CS_EVENT_LOAD : 0;
}

// ---- ageing ----

// Returns how many latencies are not known any more.
static uint32_t sweep_links(struct place *place, int64_t oldest)
{
	uint32_t kept = 0, lost = 0;
	for (uint32_t i = 0; i < place->n; i++) {
		struct link *link = &place->links[i];
		bool was = !isnan(link->out);
		if (link->out_taken < oldest)
			link->out = NAN;
		if (link->in_taken < oldest)
			link->in = NAN;
		lost += was && isnan(link->out);
		if (!isnan(link->out) || !isnan(link->in))
			place->links[kept++] = *link;
	}
	place->n = kept;
	return lost;
}

// Places without links go when there are no links to them either: links are at both ends.
static void drop_empty(struct cs_latency *latency)
{
	size_t n = 0, at = 0;
	struct place **empty =
		cs_alloc_array(cs_map_count(&latency->places) + 1, sizeof(struct place *));
	struct place *place;
	while ((place = cs_map_next(&latency->places, &at)))
		if (place->n == 0)
			empty[n++] = place;
	for (size_t i = 0; i < n; i++) {
		cs_map_remove(&latency->places,
			      cs_slice_of(cs_intern_string(latency->strings, empty[i]->value)));
		free_place(latency, empty[i]);
	}
	free(empty);
}

void cs_latency_redate(struct cs_latency *latency, int64_t now)
{
	size_t at = 0;
	struct place *place;
	cs_load_redate(&latency->swept, now);
	while ((place = cs_map_next(&latency->places, &at)))
		for (uint32_t i = 0; i < place->n; i++) {
			cs_load_redate(&place->links[i].out_taken, now);
			cs_load_redate(&place->links[i].in_taken, now);
		}
}

uint32_t cs_latency_tick(struct cs_latency *latency, int64_t now)
{
	int64_t ttl = latency->metric->ttl;
	if (now - latency->swept < ttl / 2)
		return 0;
	latency->swept = now;
	int64_t oldest = now - (int64_t)((double)ttl * (1 + FADED));
	size_t at = 0;
	struct place *place;
	uint32_t lost = 0;
	while ((place = cs_map_next(&latency->places, &at)))
		lost += sweep_links(place, oldest);
	latency->n_pairs -= lost;
	drop_empty(latency);
	return lost ? CS_EVENT_LOAD : 0;
}

// ---- asking ----

// Remembers what it finds.
static uint32_t domain_of(const struct cs_latency *latency, struct link *link)
{
	const struct cs_topology *topology = latency->topology;
	if (link->domain >= topology->n_domains ||
	    cs_topology_value(topology, link->domain) != link->other)
		link->domain =
			cs_topology_find(topology, cs_intern_string(latency->strings, link->other));
	return link->domain;
}

void cs_latency_each(const struct cs_latency *latency, uint32_t to,
		     void (*tell)(void *user, uint32_t from, double seconds), void *user)
{
	const struct place *place = find_place(latency, cs_topology_value(latency->topology, to));
	for (uint32_t i = 0; place && i < place->n; i++) {
		struct link *link = &place->links[i];
		uint32_t from = domain_of(latency, link);
		if (from != CS_DOMAIN_NONE)
			tell(user, from, !isnan(link->in) ? (double)link->in : (double)link->out);
	}
}
