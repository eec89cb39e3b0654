// How the columns of domains are kept. Neighbours: csched/cluster/topology.h; node.c tells of
// labels, nodes.c of its growth.
#ifndef LIB_CLUSTER_TOPOLOGY_INTERNAL_H
#define LIB_CLUSTER_TOPOLOGY_INTERNAL_H

#include <csched/base/map.h>
#include <csched/cluster/topology.h>

struct cs_nodes;

struct cs_topologies {
	const struct cs_nodes *nodes; // borrowed
	struct cs_map by_key;         // the key's name to struct cs_topology
	uint64_t n_made;
};

void cs_topologies_init(struct cs_topologies *topologies, const struct cs_nodes *nodes,
			uint64_t seed);
void cs_topologies_finish(struct cs_topologies *topologies); // none may be left

// The node table has room for more rows than before.
void cs_topologies_grow(struct cs_topologies *topologies, uint32_t old, uint32_t now);
// The row's labels changed.
void cs_topologies_update(struct cs_topologies *topologies, uint32_t row);

// Iterates as cs_map_next.
const struct cs_topology *cs_topologies_next(const struct cs_topologies *topologies, size_t *at);

#endif
