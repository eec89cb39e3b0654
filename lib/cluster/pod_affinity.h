// What spec.affinity.podAffinity and podAntiAffinity say, compiled when the pod arrives.
// Neighbours: pod.c calls; carried.c and query.c keep the terms. Mirrors framework/types.go
// (PodInfo.Update, newAffinityTerm).
#ifndef LIB_CLUSTER_POD_AFFINITY_H
#define LIB_CLUSTER_POD_AFFINITY_H

#include <csched/base/arena.h>
#include <csched/cluster/demand.h>

struct cs_cluster;

// The terms that the pod carries, with a reference each, in scratch. A list with a malformed term
// is left out as a whole, as upstream does with pods on nodes.
void cs_pod_affinity_read_carried(struct cs_cluster *cluster, const Kube__Pod *pod,
				  struct cs_footprint *ret);
void cs_pod_affinity_unref_carried(struct cs_cluster *cluster, const struct cs_footprint *carrier);

// What a pending pod asks, with references held, arrays and words in scratch.
void cs_pod_affinity_read_asked(struct cs_cluster *cluster, const Kube__Pod *pod,
				struct cs_pod_affinity *ret);
// The content as words: writes cs_pod_affinity_key_size of them, returns how many.
size_t cs_pod_affinity_key_size(const struct cs_pod_affinity *asked);
size_t cs_pod_affinity_key(const struct cs_pod_affinity *asked, uint64_t *words);
void cs_pod_affinity_own(struct cs_pod_affinity *asked);        // copies the arrays to the heap
void cs_pod_affinity_free(const struct cs_pod_affinity *asked); // those copies
void cs_pod_affinity_unref_asked(struct cs_cluster *cluster, const struct cs_pod_affinity *asked);

#endif
