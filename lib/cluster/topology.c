// Topology keys: each value of a key that some row has is a domain with a small id.
// Neighbours: topology_internal.h. A domain is known by its value's interned string.
#include <assert.h>
#include <csched/base/memory.h>

#include "cluster_internal.h"

struct topology {
	struct cs_topology shown;
	uint32_t refs;
	struct cs_map by_value; // the value to its domain + 1
	uint32_t *values;       // by domain: intern ids, a reference held while it has rows
	uint32_t *free_domains;
	uint32_t n_free;
	uint32_t capacity; // of values, shown.n_rows and free_domains
};

static struct topology *topology_of(const struct cs_topology *shown)
{
	return CS_CONTAINER_OF((struct cs_topology *)(uintptr_t)shown, struct topology, shown);
}

void cs_topologies_init(struct cs_topologies *topologies, const struct cs_nodes *nodes,
			uint64_t seed)
{
	topologies->nodes = nodes;
	cs_map_init(&topologies->by_key, seed);
}

void cs_topologies_finish(struct cs_topologies *topologies)
{
	assert(cs_map_count(&topologies->by_key) == 0);
	cs_map_finish(&topologies->by_key);
}

// ---- domains ----

static void grow_domains(struct topology *topology)
{
	uint32_t capacity = topology->capacity ? topology->capacity * 2 : 8;
	topology->values = cs_realloc_array(topology->values, capacity, sizeof(*topology->values));
	topology->shown.n_rows =
		cs_realloc_array(topology->shown.n_rows, capacity, sizeof(*topology->shown.n_rows));
	topology->free_domains =
		cs_realloc_array(topology->free_domains, capacity, sizeof(*topology->free_domains));
	topology->capacity = capacity;
}

// The domain of a value with one more row.
static uint32_t enter_domain(struct topology *topology, struct cs_intern *strings, uint32_t value)
{
	struct cs_slice text = cs_slice_of(cs_intern_string(strings, value));
	uintptr_t known = (uintptr_t)cs_map_get(&topology->by_value, text);
	if (known) {
		topology->shown.n_shared += topology->shown.n_rows[known - 1]++ == 1;
		return (uint32_t)(known - 1);
	}
	uint32_t domain;
	if (topology->n_free > 0) {
		domain = topology->free_domains[--topology->n_free];
	} else {
		if (topology->shown.n_domains == topology->capacity)
			grow_domains(topology);
		domain = topology->shown.n_domains++;
	}
	cs_intern_ref_id(strings, value);
	topology->values[domain] = value;
	topology->shown.n_rows[domain] = 1;
	cs_map_put(&topology->by_value, text, (void *)((uintptr_t)domain + 1));
	return domain;
}

static void leave_domain(struct topology *topology, struct cs_intern *strings, uint32_t domain)
{
	uint32_t left = --topology->shown.n_rows[domain];
	topology->shown.n_shared -= left == 1;
	if (left > 0)
		return;
	uint32_t value = topology->values[domain];
	cs_map_remove(&topology->by_value, cs_slice_of(cs_intern_string(strings, value)));
	cs_intern_unref(strings, value);
	topology->values[domain] = CS_INTERN_NONE;
	topology->free_domains[topology->n_free++] = domain;
}

// ---- rows ----

// The value of a label of a row that is live; CS_INTERN_NONE where it has none.
static uint32_t value_at(const struct cs_nodes *nodes, uint32_t row, uint32_t key)
{
	return nodes->table.live[row] ? cs_node_row_label(&nodes->rows[row], key) : CS_INTERN_NONE;
}

static void update_row(struct topology *topology, const struct cs_nodes *nodes, uint32_t row)
{
	uint32_t before = topology->shown.domain[row];
	uint32_t value = value_at(nodes, row, topology->shown.key);
	if (before == CS_DOMAIN_NONE ? value == CS_INTERN_NONE : topology->values[before] == value)
		return;
	topology->shown.domain[row] = value == CS_INTERN_NONE
					      ? CS_DOMAIN_NONE
					      : enter_domain(topology, nodes->strings, value);
	if (before != CS_DOMAIN_NONE)
		leave_domain(topology, nodes->strings, before);
	topology->shown.version++;
}

static void grow_rows(struct topology *topology, uint32_t old, uint32_t now)
{
	topology->shown.domain =
		cs_grow_column(topology->shown.domain, old, now, sizeof(*topology->shown.domain));
	for (uint32_t row = old; row < now; row++)
		topology->shown.domain[row] = CS_DOMAIN_NONE;
}

void cs_topologies_grow(struct cs_topologies *topologies, uint32_t old, uint32_t now)
{
	size_t at = 0;
	struct topology *topology;
	while ((topology = cs_map_next(&topologies->by_key, &at)))
		grow_rows(topology, old, now);
}

void cs_topologies_update(struct cs_topologies *topologies, uint32_t row)
{
	size_t at = 0;
	struct topology *topology;
	while ((topology = cs_map_next(&topologies->by_key, &at)))
		update_row(topology, topologies->nodes, row);
}

const struct cs_topology *cs_topologies_next(const struct cs_topologies *topologies, size_t *at)
{
	const struct topology *topology = cs_map_next(&topologies->by_key, at);
	return topology ? &topology->shown : NULL;
}

// ---- references ----

struct cs_topology *cs_topology_ref(struct cs_cluster *cluster, const char *key)
{
	struct cs_topologies *topologies = &cluster->topologies;
	struct topology *topology = cs_map_get(&topologies->by_key, cs_slice_of(key));
	if (topology) {
		topology->refs++;
		return &topology->shown;
	}
	const struct cs_nodes *nodes = topologies->nodes;
	topology = cs_alloc(sizeof(*topology));
	topology->refs = 1;
	topology->shown.key = cs_intern_ref(cluster->strings, cs_slice_of(key));
	topology->shown.version = ++topologies->n_made << 32;
	cs_map_init(&topology->by_value, topologies->by_key.seed);
	grow_rows(topology, 0, nodes->table.capacity);
	for (uint32_t row = 0; row < nodes->table.n_rows; row++)
		update_row(topology, nodes, row);
	const char *kept = cs_intern_string(cluster->strings, topology->shown.key);
	cs_map_put(&topologies->by_key, cs_slice_of(kept), topology);
	return &topology->shown;
}

void cs_topology_unref(struct cs_cluster *cluster, struct cs_topology *shown)
{
	struct topology *topology = topology_of(shown);
	if (--topology->refs > 0)
		return;
	cs_map_remove(&cluster->topologies.by_key,
		      cs_slice_of(cs_intern_string(cluster->strings, shown->key)));
	for (uint32_t domain = 0; domain < shown->n_domains; domain++)
		cs_intern_unref(cluster->strings, topology->values[domain]);
	cs_intern_unref(cluster->strings, shown->key);
	cs_map_finish(&topology->by_value);
	free(topology->values);
	free(topology->free_domains);
	free(shown->domain);
	free(shown->n_rows);
	free(topology);
}

uint32_t cs_topology_find(const struct cs_topology *topology, const char *value)
{
	const struct cs_map *by_value = &topology_of(topology)->by_value;
	uintptr_t domain = (uintptr_t)cs_map_get(by_value, cs_slice_of(value));
	return domain ? (uint32_t)(domain - 1) : CS_DOMAIN_NONE;
}

uint32_t cs_topology_value(const struct cs_topology *topology, uint32_t domain)
{
	return topology_of(topology)->values[domain];
}
