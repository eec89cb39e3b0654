// What we believe the nodes are: a struct of arrays, a row per node.
// Neighbours: cluster.h changes it; plugins read its columns; bitmap.h marks rows.
#ifndef CSCHED_CLUSTER_NODE_TABLE_H
#define CSCHED_CLUSTER_NODE_TABLE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include <csched/cluster/resource.h>

#define CS_ROW_NONE UINT32_MAX

// The largest allocatable (16 TiB) for which part * 100.0 * inverse truncates to the int64 result
// of part * 100 / allocatable. The inverse is above that of the allocatable, so that no quotient
// that is a whole number comes out below it; and what is not one lies 1 / allocatable = 2^-44 or
// more below the next, while inverse and product together are wrong by less than
// 100 * 1.5 * 2^-52 + 2^-47 < 2^-44.
#define CS_ALLOCATABLE_EXACT (INT64_C(1) << 44)

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
	int64_t *free[CS_RESOURCE_MAX]; // allocatable - requested: below 0 where too much is
	// The number above 1 / allocatable, rounded; 0 where nothing is allocatable. A product with
	// it is at least the quotient.
	double *inverse[CS_RESOURCE_MAX];
	uint32_t n_large[CS_RESOURCE_MAX]; // rows whose allocatable is above CS_ALLOCATABLE_EXACT
	int64_t *nonzero_requested[2];     // cpu, memory
	double *nonzero_requested_double[2];
	double *nonzero_free_double[2]; // allocatable_double - nonzero_requested_double
	// How evenly cpu and memory are requested, 0..100: what BalancedAllocation says of the node
	// without the pod.
	uint8_t *balance;
	int64_t *max_pods; // allocatable pods
	int64_t *n_pods;   // pods that take resources: bound and assumed, terminating included
	uint8_t *full;     // 0 or 1: n_pods >= max_pods

	// The log of changed rows: a ring of the last changes, newest at (log_end - 1), each at
	// its number modulo log_size. A reader that last saw log_end = L brings itself up to date
	// from L on; where log_end - L > log_size it starts afresh.
	uint32_t *log_rows;
	uint64_t log_end;
	uint32_t log_size;
};

// int64((1 - std) * 100) of two shares of what is allocatable, where 1 is the most: std is half of
// what lies between them. Mirrors plugins/noderesources/balanced_allocation.go.
static inline int32_t cs_balance_of(double a, double b)
{
	return (int32_t)((1.0 - fabs((a - b) / 2.0)) * 100.0);
}

#endif
