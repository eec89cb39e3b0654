// Which unbound pods are nominated to which node. Neighbours: pod.c tells what changed.
#ifndef LIB_CLUSTER_NOMINATED_H
#define LIB_CLUSTER_NOMINATED_H

#include <csched/cluster/cluster.h>

struct cs_nominations {
	uint32_t n;
	uint32_t capacity;
	struct cs_nomination *list;
};

void cs_nominations_finish(struct cs_nominations *nominations);
// What the API server says of a pod ("" and NULL: nothing). A nomination made here that it has not
// told of yet stays, as in nominator.go's UpdateNominatedPod. `keep`: the pod may be nominated, it
// is not assumed.
void cs_nominations_told(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name,
			 bool keep);
// The pod is bound or gone.
void cs_nominations_forget(struct cs_cluster *cluster, struct cs_pod *pod);
// -EUCLEAN names the first pod whose nomination is not what its fields say.
int cs_nominations_check(const struct cs_cluster *cluster, struct cs_error *err);

#endif
