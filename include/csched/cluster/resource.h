// Resources as columns: cpu, memory, ephemeral-storage at fixed places, others when first seen.
// Neighbours: footprint.h and demand.h hold amounts, node_table.h a column per resource.
#ifndef CSCHED_CLUSTER_RESOURCE_H
#define CSCHED_CLUSTER_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/kube/api.h>

// Units: cpu in milli-CPU, everything else in whole units (bytes for memory). `pods` is no column:
// the node table counts pods apart.
enum {
	CS_RESOURCE_CPU,
	CS_RESOURCE_MEMORY,
	CS_RESOURCE_EPHEMERAL_STORAGE,
	CS_RESOURCE_FIXED_COUNT,
};

#define CS_RESOURCE_MAX 256 // columns; a pod that asks for one more is refused in words

struct cs_resource_amount {
	uint32_t column; // >= CS_RESOURCE_FIXED_COUNT
	int64_t amount;  // > 0
};

// What one pod asks, each sum rounded up once (parity facts 11 to 14). Sums saturate at INT64_MAX.
struct cs_requests {
	int64_t fixed[CS_RESOURCE_FIXED_COUNT];
	// With 100m CPU and 200 MiB for each container that names none: what LeastAllocated counts.
	int64_t nonzero_cpu;
	int64_t nonzero_memory;
	// The same for the pod's own score, which ignores pod-level resources (parity fact 15).
	int64_t score_cpu;
	int64_t score_memory;
	uint32_t n_extended;
	const struct cs_resource_amount *extended; // ascending columns
};

#endif
