// The rows of the node table in the order of their nodes' names, for ties that chance may not
// decide. Neighbours: cycle.c asks.
#ifndef FRAMEWORK_NAME_ORDER_H
#define FRAMEWORK_NAME_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/cluster/cluster.h>

// All zero is an empty one. Rows without a name come last.
struct name_order {
	uint32_t *rank; // of each row
	uint32_t *rows; // by rank
	bool ascending; // rows are in the order of their names already
	uint32_t n_rows;
	uint32_t capacity;
	uint32_t *names; // intern ids the order was made of, a reference held on each
	uint64_t log;    // the log's end then
};

void name_order_finish(struct name_order *order, struct cs_cluster *cluster);
// Brings it up to date: cheap where no node came or went.
void name_order_renew(struct name_order *order, struct cs_cluster *cluster);

#endif
