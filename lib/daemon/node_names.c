// Names of nodes to rows: a guess from the request before, checked against a copy of the name.
// Neighbours: node_names.h.
#include "daemon/node_names.h"

#include <string.h>

#include <csched/base/intern.h>
#include <csched/base/memory.h>

#define NODE_NAME_MAX 253 // bytes; the API server lets no node have a longer one
#define TEXT_MAX      55  // bytes of a name that is copied: an entry is a cache line

// Of one row: the node that it had when a request last named it.
struct known {
	uint32_t name; // a reference, so that its number is given to no other; 0 = none yet
	uint32_t next; // the row that was named after this one: mostly the guess is right
	uint8_t size;
	char text[TEXT_MAX];
};

struct cs_node_names {
	struct cs_cluster *cluster;
	struct known *rows; // behind the last: what the first of a request is guessed by
	uint32_t n;
};

struct cs_node_names *cs_node_names_create(struct cs_cluster *cluster)
{
	struct cs_node_names *names = cs_alloc(sizeof(*names));
	names->cluster = cluster;
	return names;
}

void cs_node_names_destroy(struct cs_node_names *names)
{
	if (!names)
		return;
	for (uint32_t row = 0; row < names->n; row++)
		cs_intern_unref(cs_cluster_strings(names->cluster), names->rows[row].name);
	free(names->rows);
	free(names);
}

uint32_t cs_node_names_row(const struct cs_node_names *names, struct cs_slice name)
{
	char text[NODE_NAME_MAX + 1];
	if (name.size > NODE_NAME_MAX || memchr(name.data, '\0', name.size))
		return CS_ROW_NONE;
	memcpy(text, name.data, name.size);
	text[name.size] = '\0';
	return cs_cluster_find_node(names->cluster, text);
}

static void grow(struct cs_node_names *names, uint32_t n_rows)
{
	uint32_t n = n_rows + 1;
	if (names->n >= n)
		return;
	names->rows = cs_realloc_array(names->rows, n, sizeof(*names->rows));
	for (uint32_t row = names->n; row < n; row++)
		names->rows[row] = (struct known){ .next = row };
	names->n = n;
}

static void learn(struct cs_node_names *names, uint32_t row, struct cs_slice name)
{
	struct cs_intern *strings = cs_cluster_strings(names->cluster);
	struct known *known = &names->rows[row];
	if (name.size > TEXT_MAX)
		return;
	cs_intern_unref(strings, known->name);
	known->name = cs_cluster_nodes(names->cluster)->name[row];
	cs_intern_ref_id(strings, known->name);
	known->size = (uint8_t)name.size;
	memcpy(known->text, name.data, name.size);
}

void cs_node_names_find(struct cs_node_names *names, const struct cs_slice *given, uint32_t n,
			uint32_t *ret_rows)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(names->cluster);
	grow(names, nodes->n_rows);
	uint32_t before = names->n - 1;
	for (uint32_t i = 0; i < n; i++) {
		struct cs_slice name = given[i];
		uint32_t row = names->rows[before].next;
		const struct known *known = &names->rows[row];
		if (known->size != name.size || memcmp(known->text, name.data, name.size) != 0 ||
		    row >= nodes->n_rows || !nodes->live[row] || nodes->name[row] != known->name) {
			row = cs_node_names_row(names, name);
			if (row != CS_ROW_NONE)
				learn(names, row, name);
		}
		ret_rows[i] = row;
		if (row == CS_ROW_NONE)
			continue;
		names->rows[before].next = row;
		before = row;
	}
}
