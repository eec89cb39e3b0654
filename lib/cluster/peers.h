// The pods that a pending pod talks to, by annotation c-sched.io/talks-to.
// Neighbours: pod.c reads it, demand.c makes it a part of the demand.
#ifndef LIB_CLUSTER_PEERS_H
#define LIB_CLUSTER_PEERS_H

#include <csched/kube/api.h>

struct cs_cluster;
struct cs_query;

#define CS_PEERS_ANNOTATION "c-sched.io/talks-to"

// All zero: the pod talks to none.
struct cs_peers {
	const struct cs_query *query; // a reference
	const char *error;            // the selector cannot be read: words, in scratch
};

void cs_peers_read(struct cs_cluster *cluster, const Kube__ObjectMeta *metadata,
		   struct cs_peers *ret);
void cs_peers_unref(struct cs_cluster *cluster, const struct cs_query *query); // NULL is fine

#endif
