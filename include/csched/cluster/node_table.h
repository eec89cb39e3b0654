// What we believe the nodes are: a struct of arrays, a row per node.
// Neighbours: cluster.h changes it; plugins read its columns; bitmap.h marks rows.
#ifndef CSCHED_CLUSTER_NODE_TABLE_H
#define CSCHED_CLUSTER_NODE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/cluster/resource.h>

#define CS_ROW_NONE UINT32_MAX

// The largest allocatable (81 TiB) for which (free * 100.0 / allocatable) truncates to the int64
// result: 100 * free + allocatable <= 2^53.
#define CS_ALLOCATABLE_EXACT ((INT64_C(1) << 53) / 101)

// Columns have `capacity` entries, rows 0 .. n_rows-1 are in use or free. A node keeps its row as
// long as it is known; a row whose `live` is 0 is free or a ghost (a node that is gone while pods
// still name it): filters must not accept it, and its numbers mean nothing.
// Core thread only; const for plugins.
struct cs_node_table {
	uint32_t n_rows;
	uint32_t n_live; // rows with live = 1: the N of "0/N nodes are available"
	uint32_t capacity;

	uint8_t *live;          // 0 or 1
	uint32_t *name;         // intern id
	uint8_t *unschedulable; // 0 or 1: spec.unschedulable
	uint32_t *taint_set;    // see taint.h; 0 = no taints
	uint64_t *generation;   // grows with each change of the row; table-wide counter

	// Per resource column, NULL-free for column < n_columns. A column whose resource_name is
	// CS_INTERN_NONE is not in use: all zero.
	uint32_t n_columns;
	uint32_t resource_name[CS_RESOURCE_MAX]; // intern id: "cpu", "nvidia.com/gpu"
	int64_t *allocatable[CS_RESOURCE_MAX];
	int64_t *requested[CS_RESOURCE_MAX];
	double *allocatable_double[CS_RESOURCE_MAX]; // copies for scores
	double *requested_double[CS_RESOURCE_MAX];
	double *inverse[CS_RESOURCE_MAX]; // 1 / allocatable; 0 where nothing is allocatable
	// requested / allocatable, at most 1; 0 where nothing is allocatable: what
	// BalancedAllocation says of the node without the pod.
	double *share[CS_RESOURCE_MAX];
	uint32_t n_large[CS_RESOURCE_MAX]; // rows whose allocatable is above CS_ALLOCATABLE_EXACT
	int64_t *nonzero_requested[2];     // cpu, memory
	double *nonzero_requested_double[2];
	int64_t *max_pods; // allocatable pods
	int64_t *n_pods;   // pods that take resources: bound and assumed, terminating included

	// The log of changed rows: a ring of the last changes, newest at (log_end - 1), each at
	// its number modulo log_size. A reader that last saw log_end = L brings itself up to date
	// from L on; where log_end - L > log_size it starts afresh.
	uint32_t *log_rows;
	uint64_t log_end;
	uint32_t log_size;
};

#endif
