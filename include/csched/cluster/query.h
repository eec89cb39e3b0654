// Registered questions to pods, answered per row and kept current: which pods match a selector
// (queries), and which carry a term that matches an incoming pod (carried terms).
// Neighbours: demand.h's constraints and terms point here; pod.c counts pods in and out.
// Core thread only.
#ifndef CSCHED_CLUSTER_QUERY_H
#define CSCHED_CLUSTER_QUERY_H

#include <stdbool.h>
#include <stdint.h>

struct cs_cluster;
struct cs_label_set;
struct cs_pod;
struct cs_query;
struct cs_topology;

// How many changes are remembered.
#define CS_ROW_CHANGES 8u

// Pods per row. Sparse until a tenth of the rows have some, then dense. Rows that are not live may
// have counts: they mean nothing.
struct cs_row_counts {
	// Sparse: `n` entries, `rows` ascending. Dense: rows is NULL, entries 0 .. n-1 are the
	// rows themselves, and rows from n on have 0.
	uint32_t n;
	uint32_t capacity;
	uint32_t n_used; // rows that have some
	uint32_t *rows;
	uint32_t *live;        // pods without deletionTimestamp
	uint32_t *terminating; // with one
	uint64_t total_live;
	uint64_t total_terminating;
	// Grows by 1 with each change: the one that made it v + 1 was of the row changed[v %
	// CS_ROW_CHANGES]. No two queries of a cluster have the same one, be they alive or not.
	uint64_t version;
	uint32_t changed[CS_ROW_CHANGES];
};

struct cs_row_count {
	uint32_t live;
	uint32_t terminating;
};
struct cs_row_count cs_row_counts_get(const struct cs_row_counts *counts, uint32_t row);
// Those of all rows in a domain of the topology, terminating ones included.
uint64_t cs_row_counts_in(const struct cs_row_counts *counts, const struct cs_topology *topology,
			  uint32_t domain);

// A query is a conjunction of (namespaces, label selector) pairs: it counts the bound and assumed
// pods that match each pair. Interned by content.
const struct cs_row_counts *cs_query_counts(const struct cs_query *query);
// Whether pods of that namespace with these labels are counted.
bool cs_query_matches(const struct cs_query *query, const struct cs_label_set *labels);

enum cs_carried_kind {
	CS_CARRIED_AFFINITY,      // required
	CS_CARRIED_ANTI_AFFINITY, // required
	CS_CARRIED_PREFERENCE,    // weight > 0 affinity, < 0 anti-affinity
};

// A term as the pods in the cluster carry it. Interned by content: pods of one workload share it.
// Mirrors framework/types.go AffinityTerm and its Matches (namespaces, or the namespaceSelector on
// the labels of the incoming pod's namespace).
struct cs_carried {
	enum cs_carried_kind kind;
	int32_t weight; // of a preference
	const struct cs_topology *topology;
	struct cs_row_counts carriers; // pods that carry it
};

// The terms carried by bound or assumed pods (carriers > 0) that match this unbound pod. Valid
// until the cluster changes.
const struct cs_carried *const *cs_cluster_carried(struct cs_cluster *cluster,
						   const struct cs_pod *pod, uint32_t *ret_n);

// The pods of the services that select this unbound pod and of its controller: what default
// spreading counts (helper.DefaultSelector). NULL where that selector is empty. Valid until the
// cluster changes.
const struct cs_query *cs_cluster_default_query(struct cs_cluster *cluster,
						const struct cs_pod *pod);

#endif
