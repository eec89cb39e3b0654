// What a pod requests, summed exactly and rounded once. Mirrors component-helpers/resource
// (PodRequests) and NodeInfo's sums. Limits say nothing here: the API server has put them into the
// requests (kube/default.h).
// Neighbours: pod.c reads pods with it; quantity.h is the arithmetic.
#ifndef LIB_CLUSTER_POD_REQUESTS_H
#define LIB_CLUSTER_POD_REQUESTS_H

#include <csched/base/arena.h>
#include <csched/base/error.h>
#include <csched/cluster/resource.h>
#include <csched/kube/api.h>

#include "nodes.h"

// Where reading stands. `field` and `err` keep the first thing that could not be read; reading goes
// on without it.
struct cs_pod_requests_reader {
	struct cs_nodes *nodes;
	struct cs_arena *scratch;
	const char *field; // NULL = all is well; in scratch
	struct cs_error *err;
};

enum cs_pod_requests_kind {
	CS_POD_REQUESTS_ASKED, // of a pending pod: spec alone
	CS_POD_REQUESTS_TAKEN, // of a bound pod: its status counts too, as resizes are; no scores
};

// Fills *ret, whose `extended` is in scratch. Holds a reference on each of its columns.
void cs_pod_requests_read(struct cs_pod_requests_reader *reader, const Kube__Pod *pod,
			  enum cs_pod_requests_kind kind, struct cs_pod_requests *ret);
void cs_pod_requests_unref(struct cs_nodes *nodes, const struct cs_pod_requests *requests);

// What `entries` (status.allocatable) grant, for node.c: like cs_pod_requests_read with one list.
// fixed and extended are set; returns the number of pods.
int64_t cs_pod_requests_read_list(struct cs_pod_requests_reader *reader, const char *field,
				  Kube__QuantityEntry *const *entries, size_t n,
				  struct cs_pod_requests *ret);

#endif
