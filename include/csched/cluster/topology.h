// Topology keys in use: for each, a column of domains over the rows of the node table.
// Neighbours: demand.h's constraints and terms point here; node.c keeps the columns current.
#ifndef CSCHED_CLUSTER_TOPOLOGY_H
#define CSCHED_CLUSTER_TOPOLOGY_H

#include <stdint.h>

struct cs_cluster;

#define CS_DOMAIN_NONE UINT32_MAX

// Shared by all who name the key; counted. Core thread only.
struct cs_topology {
	uint32_t key; // intern id of the label's name
	// Entries for every row of the node table: the domain's id, dense and reused once its last
	// row has left; CS_DOMAIN_NONE where the node has no such label, or is not live.
	uint32_t *domain;
	uint32_t n_domains; // all ids are below
	uint32_t *n_rows;   // by id: rows in that domain; 0 = the id is free
	uint32_t n_shared;  // domains of more than one row; 0: as hostnames mostly are
	// Grows whenever an entry of `domain` changes. No two topologies of a cluster have the same
	// one, be they alive or not.
	uint64_t version;
};

// The topology of a label key, with one more reference. Given back with _unref.
struct cs_topology *cs_topology_ref(struct cs_cluster *cluster, const char *key);
// The domain of a value, CS_DOMAIN_NONE where no row has it.
uint32_t cs_topology_find(const struct cs_topology *topology, const char *value);
// The intern id of the domain's value, CS_INTERN_NONE for a free one.
uint32_t cs_topology_value(const struct cs_topology *topology, uint32_t domain);
void cs_topology_unref(struct cs_cluster *cluster, struct cs_topology *topology);

#endif
