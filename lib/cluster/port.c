// Host ports: a bitmap of rows per port in use, and per row how many pods take it.
// Neighbours: port.h, port_internal.h. Every port is counted twice, by its address and for any
// address, so that a question looks at two bitmaps at most.
#include <csched/cluster/port.h>

#include <assert.h>
#include <csched/base/memory.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_internal.h"

#define ALL_ADDRESSES "0.0.0.0"

// A port that pods on some rows take.
struct use {
	struct cs_host_port port; // the key
	struct cs_bitmap rows;
	uint32_t n_rows;
};

// Its place in a row's list.
struct cs_row_port {
	struct use *use;
	uint32_t count; // pods, > 0
};

void cs_ports_init(struct cs_ports *ports, struct cs_nodes *nodes, uint64_t seed)
{
	ports->nodes = nodes;
	cs_map_init(&ports->uses, seed);
}

void cs_ports_finish(struct cs_ports *ports)
{
	cs_map_finish(&ports->uses);
}

// ---- reading ----

static int compare_ports(const void *a, const void *b)
{
	const struct cs_host_port *left = a;
	const struct cs_host_port *right = b;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	if (left->protocol != right->protocol)
		return left->protocol < right->protocol ? -1 : 1;
	return (left->ip > right->ip) - (left->ip < right->ip);
}

static uint32_t intern_or(struct cs_intern *strings, const char *text, const char *otherwise)
{
	return cs_intern_ref(strings, cs_slice_of(text && *text ? text : otherwise));
}

static bool is_sidecar(const Kube__Container *container)
{
	return cs_string_equal(container->restart_policy, "Always");
}

static size_t count_ports(const Kube__PodSpec *spec)
{
	size_t n = 0;
	for (size_t i = 0; i < spec->n_containers; i++)
		n += spec->containers[i]->n_ports;
	for (size_t i = 0; i < spec->n_init_containers; i++)
		n += is_sidecar(spec->init_containers[i]) ? spec->init_containers[i]->n_ports : 0;
	return n;
}

static uint32_t read_container(struct cs_intern *strings, const Kube__Container *container,
			       struct cs_host_port *list)
{
	uint32_t n = 0;
	for (size_t i = 0; i < container->n_ports; i++) {
		const Kube__ContainerPort *from = container->ports[i];
		if (from->host_port <= 0)
			continue;
		list[n++] = (struct cs_host_port){
			.ip = intern_or(strings, from->hostip, ALL_ADDRESSES),
			.protocol = intern_or(strings, from->protocol, "TCP"),
			.port = from->host_port,
		};
	}
	return n;
}

uint32_t cs_ports_read(struct cs_intern *strings, struct cs_arena *scratch,
		       const Kube__PodSpec *spec, const struct cs_host_port **ret)
{
	struct cs_host_port *list = cs_arena_alloc_array(scratch, count_ports(spec), sizeof(*list));
	uint32_t n = 0;
	for (size_t i = 0; i < spec->n_containers; i++)
		n += read_container(strings, spec->containers[i], list + n);
	for (size_t i = 0; i < spec->n_init_containers; i++)
		if (is_sidecar(spec->init_containers[i]))
			n += read_container(strings, spec->init_containers[i], list + n);
	qsort(list, n, sizeof(*list), compare_ports);
	uint32_t distinct = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (distinct > 0 && compare_ports(&list[distinct - 1], &list[i]) == 0)
			cs_ports_unref(strings, &list[i], 1);
		else
			list[distinct++] = list[i];
	}
	*ret = list;
	return distinct;
}

void cs_ports_unref(struct cs_intern *strings, const struct cs_host_port *ports, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		cs_intern_unref(strings, ports[i].ip);
		cs_intern_unref(strings, ports[i].protocol);
	}
}

// ---- counting ----

static struct cs_slice port_key(const struct cs_host_port *port)
{
	_Static_assert(sizeof(*port) == 12, "the bytes are a key: no padding");
	return (struct cs_slice){ (const char *)port, sizeof(*port) };
}

// The place of a port in a row's list; n_ports where it is not.
static uint32_t find_place(const struct cs_node_row *row, const struct cs_host_port *port)
{
	uint32_t i = 0;
	while (i < row->n_ports && compare_ports(&row->ports[i].use->port, port) != 0)
		i++;
	return i;
}

static struct use *use_for(struct cs_ports *ports, const struct cs_host_port *port)
{
	struct use *use = cs_map_get(&ports->uses, port_key(port));
	if (!use) {
		use = cs_alloc(sizeof(*use));
		use->port = *port;
		cs_map_put(&ports->uses, port_key(&use->port), use);
	}
	return use;
}

static void add(struct cs_ports *ports, uint32_t row, const struct cs_host_port *port)
{
	struct cs_node_row *kept = &ports->nodes->rows[row];
	uint32_t place = find_place(kept, port);
	if (place < kept->n_ports) {
		kept->ports[place].count++;
		return;
	}
	struct use *use = use_for(ports, port);
	use->n_rows++;
	cs_bitmap_set(&use->rows, row, true);
	kept->ports = cs_realloc_array(kept->ports, kept->n_ports + 1, sizeof(*kept->ports));
	kept->ports[kept->n_ports++] = (struct cs_row_port){ .use = use, .count = 1 };
}

static void take_away(struct cs_ports *ports, uint32_t row, const struct cs_host_port *port)
{
	struct cs_node_row *kept = &ports->nodes->rows[row];
	uint32_t place = find_place(kept, port);
	assert(place < kept->n_ports);
	if (--kept->ports[place].count > 0)
		return;
	struct use *use = kept->ports[place].use;
	kept->ports[place] = kept->ports[--kept->n_ports];
	if (kept->n_ports == 0) {
		free(kept->ports);
		kept->ports = NULL;
	}
	cs_bitmap_set(&use->rows, row, false);
	if (--use->n_rows > 0)
		return;
	cs_map_remove(&ports->uses, port_key(&use->port));
	cs_bitmap_finish(&use->rows);
	free(use);
}

static struct cs_host_port any_address(const struct cs_host_port *port)
{
	struct cs_host_port any = *port;
	any.ip = CS_INTERN_NONE;
	return any;
}

void cs_ports_count(struct cs_ports *ports, uint32_t row, const struct cs_host_port *list,
		    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct cs_host_port any = any_address(&list[i]);
		add(ports, row, &list[i]);
		add(ports, row, &any);
	}
}

void cs_ports_discount(struct cs_ports *ports, uint32_t row, const struct cs_host_port *list,
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct cs_host_port any = any_address(&list[i]);
		take_away(ports, row, &list[i]);
		take_away(ports, row, &any);
	}
}

// ---- answers ----

static const struct cs_bitmap *rows_of(const struct cs_ports *ports,
				       const struct cs_host_port *port)
{
	const struct use *use = cs_map_get(&ports->uses, port_key(port));
	return use ? &use->rows : NULL;
}

uint32_t cs_cluster_port_conflicts(const struct cs_cluster *cluster,
				   const struct cs_host_port *port, const struct cs_bitmap *ret[2])
{
	uint32_t all = cs_intern_find(cluster->strings, CS_SLICE(ALL_ADDRESSES));
	struct cs_host_port asked[2] = { *port, *port };
	uint32_t n_asked = 1;
	if (port->ip == all)
		asked[0] = any_address(port);
	else if (all != CS_INTERN_NONE)
		asked[n_asked++].ip = all;
	uint32_t n = 0;
	for (uint32_t i = 0; i < n_asked; i++) {
		ret[n] = rows_of(&cluster->ports, &asked[i]);
		n += ret[n] != NULL;
	}
	return n;
}

uint32_t cs_ports_used(const struct cs_ports *ports, uint32_t row, const struct cs_host_port *port)
{
	const struct cs_node_row *kept = &ports->nodes->rows[row];
	uint32_t place = find_place(kept, port);
	return place < kept->n_ports ? kept->ports[place].count : 0;
}

uint64_t cs_ports_total(const struct cs_ports *ports)
{
	uint64_t total = 0;
	for (uint32_t row = 0; row < ports->nodes->table.n_rows; row++)
		for (uint32_t i = 0; i < ports->nodes->rows[row].n_ports; i++)
			total += ports->nodes->rows[row].ports[i].count;
	return total;
}

bool cs_ports_consistent(const struct cs_ports *ports)
{
	size_t at = 0;
	const struct use *use;
	while ((use = cs_map_next(&ports->uses, &at))) {
		uint32_t n_rows = 0;
		for (uint32_t row = 0; row < ports->nodes->table.n_rows; row++) {
			bool used = cs_ports_used(ports, row, &use->port) > 0;
			if (used != cs_bitmap_test(&use->rows, row))
				return false;
			n_rows += used;
		}
		if (n_rows != use->n_rows)
			return false;
	}
	return true;
}
