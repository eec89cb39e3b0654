// The rows of the nodes that requests name. What was named once is compared in place from then on.
// Neighbours: verbs.c asks; the cluster's own map is asked for what is new here.
// Core thread only.
#ifndef DAEMON_NODE_NAMES_H
#define DAEMON_NODE_NAMES_H

#include <stdint.h>

#include <csched/base/slice.h>
#include <csched/cluster/cluster.h>

struct cs_node_names;

// `cluster` outlives it.
struct cs_node_names *cs_node_names_create(struct cs_cluster *cluster);
void cs_node_names_destroy(struct cs_node_names *names); // NULL is fine

// The rows of `n` names, in any bytes: CS_ROW_NONE for a node that is not known. Names in the
// order of the call before cost least.
void cs_node_names_find(struct cs_node_names *names, const struct cs_slice *given, uint32_t n,
			uint32_t *ret_rows);
// The row of one name.
uint32_t cs_node_names_row(const struct cs_node_names *names, struct cs_slice name);

#endif
