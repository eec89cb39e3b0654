// Resources as columns: cpu, memory, ephemeral-storage at fixed places, others when first seen.
// Neighbours: demand.h holds amounts, node_table.h a column per resource.
#ifndef CSCHED_CLUSTER_RESOURCE_H
#define CSCHED_CLUSTER_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

// Units: cpu in milli-CPU, everything else in whole units (bytes for memory). `pods` is no column:
// the node table counts pods apart.
enum {
	CS_RESOURCE_CPU,
	CS_RESOURCE_MEMORY,
	CS_RESOURCE_EPHEMERAL_STORAGE,
	CS_RESOURCE_FIXED_COUNT,
};

#define CS_RESOURCE_MAX     256 // columns
#define CS_RESOURCE_POD_MAX 192 // a pod may not add a column beyond: the rest is for nodes
#define CS_RESOURCE_NONE    UINT32_MAX

// A resource that is no fixed column. Mirrors pkg/scheduler/util IsScalarResourceName.
struct cs_resource_amount {
	uint32_t column; // >= CS_RESOURCE_FIXED_COUNT
	int64_t amount;  // >= 0
	int64_t score;   // the same without pod-level resources; 0 in a footprint
};

// What one pod asks. Quantities are added exactly, and each sum is rounded up once: two containers
// of 500u CPU ask 1m. Sums saturate at INT64_MAX. Mirrors component-helpers resource/helpers.go.
struct cs_pod_requests {
	int64_t fixed[CS_RESOURCE_FIXED_COUNT];
	// With 100m CPU and 200 MiB for each container that names none: what LeastAllocated counts
	// of the pods on a node.
	int64_t nonzero_cpu;
	int64_t nonzero_memory;
	// The same for the pod's own score, which ignores pod-level resources, as
	// kube-scheduler's NodeResourcesFit does. 0 in a footprint.
	int64_t score_cpu;
	int64_t score_memory;
	uint32_t n_extended;
	const struct cs_resource_amount *extended; // ascending columns, none all 0
};

// Whether NodeResourcesFit's ignoredResources apply to it (IsExtendedResourceName).
bool cs_resource_is_extended(const char *name);

#endif
