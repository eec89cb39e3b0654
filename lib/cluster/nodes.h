// The writing side of the node table: rows, columns, sums, the log.
// Neighbours: node.c puts nodes in, pod.c counts pods; plugins see node_table.h alone.
#ifndef LIB_CLUSTER_NODES_H
#define LIB_CLUSTER_NODES_H

#include <csched/base/intern.h>
#include <csched/base/map.h>
#include <csched/base/search.h>
#include <csched/cluster/node_table.h>

struct cs_row_port;

// One label of a node: intern ids, a reference held on each.
struct cs_node_label {
	uint32_t key;
	uint32_t value;
};

// What is kept of a row beside the columns.
struct cs_node_row {
	struct cs_node_label *labels; // ascending keys
	uint32_t n_labels;
	uint64_t conditions;  // hash of types and statuses, whatever their order
	uint64_t annotations; // hash, whatever their order
	uint32_t features;    // mask of what it declares: features.h
	uint64_t features_hash;
	// The ports that pods on it take, of ghosts too: port.c's. NULL = none.
	struct cs_row_port *ports;
	uint32_t n_ports;
	uint32_t *images; // ids, ascending: image.c's. NULL = none.
	uint32_t n_images;
	uint64_t images_hash;
};

// The value of a label; CS_INTERN_NONE where the row has none.
static inline uint32_t cs_node_row_label(const struct cs_node_row *row, uint32_t key)
{
	uint32_t at = cs_search(row->labels, sizeof(*row->labels), row->n_labels, key);
	return at < row->n_labels && row->labels[at].key == key ? row->labels[at].value
								: CS_INTERN_NONE;
}

struct cs_loads;
struct cs_topologies;

struct cs_nodes {
	struct cs_node_table table;
	struct cs_intern *strings;
	struct cs_topologies *topologies; // borrowed: their columns grow with the table
	struct cs_loads *loads;           // the same
	struct cs_map by_name;            // name to row + 1, ghosts included
	struct cs_node_row *rows;         // as many as the table's capacity
	uint32_t *free_rows;
	uint32_t n_free;
	uint32_t free_capacity;
	// How many footprints, demands and non-zero allocatables use a column; fixed ones have one
	// reference for ever.
	uint32_t column_refs[CS_RESOURCE_MAX];
	// Exact sums behind the requested columns: those saturate, these cannot.
	unsigned __int128 *exact[CS_RESOURCE_MAX];
	unsigned __int128 *exact_nonzero[2];
	uint64_t last_generation;
};

void cs_nodes_init(struct cs_nodes *nodes, struct cs_intern *strings, uint64_t seed);
void cs_nodes_finish(struct cs_nodes *nodes);

// The row of a name, ghosts included, or CS_ROW_NONE.
uint32_t cs_nodes_find(const struct cs_nodes *nodes, const char *name);
// The same; an unknown name gets a ghost row.
uint32_t cs_nodes_row_for(struct cs_nodes *nodes, const char *name);
// Frees the row if it is a ghost and no pod is left on it.
void cs_nodes_release(struct cs_nodes *nodes, uint32_t row);
// The row changed: new generation, an entry in the log.
void cs_nodes_touch(struct cs_nodes *nodes, uint32_t row);

// The column of a resource with one more reference. A new one is made only below `limit` columns
// in use; else CS_RESOURCE_NONE.
uint32_t cs_nodes_ref_column(struct cs_nodes *nodes, const char *name, uint32_t limit);
void cs_nodes_unref_column(struct cs_nodes *nodes, uint32_t column);
uint32_t cs_nodes_find_column(const struct cs_nodes *nodes, const char *name);

// What the columns `inverse` and `balance` must say there.
double cs_nodes_inverse(int64_t allocatable);
uint8_t cs_nodes_balance(const struct cs_node_table *table, uint32_t row);
// After a change of what is allocatable or requested there: what several columns say together.
void cs_nodes_derive(struct cs_node_table *table, uint32_t row);

// Counts a pod on a row, or takes it away again.
void cs_nodes_count_pod(struct cs_nodes *nodes, uint32_t row,
			const struct cs_pod_requests *requests);
void cs_nodes_discount_pod(struct cs_nodes *nodes, uint32_t row,
			   const struct cs_pod_requests *requests);

#endif
