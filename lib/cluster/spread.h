// What spec.topologySpreadConstraints say, compiled when the pod arrives.
// Neighbours: pod.c calls, demand.c keeps the result; topology.c and query.c answer it. Mirrors
// filterTopologySpreadConstraints (plugins/podtopologyspread/common.go).
#ifndef LIB_CLUSTER_SPREAD_H
#define LIB_CLUSTER_SPREAD_H

#include <csched/base/error.h>
#include <csched/cluster/demand.h>

struct cs_cluster;

// Constraints of one pod at most; the API server knows no limit of its own.
#define CS_SPREAD_MAX 64

// Each holds a reference on its topology and its query. In scratch.
struct cs_spread_parts {
	uint32_t n;
	struct cs_spread_constraint *list;
	const char *hard_error; // of the first hard one whose selector cannot be read; or NULL
	const char *soft_error;
};

// -EINVAL: one cannot be read; *ret_field (in scratch) says which, `err` why, and there are none.
int cs_spread_read(struct cs_cluster *cluster, const Kube__Pod *pod, struct cs_spread_parts *ret,
		   const char **ret_field, struct cs_error *err);
void cs_spread_unref(struct cs_cluster *cluster, const struct cs_spread_constraint *list,
		     uint32_t n);

// What a constraint is known by, as words.
#define CS_SPREAD_WORDS 4
void cs_spread_words(const struct cs_spread_constraint *constraint,
		     uint64_t words[CS_SPREAD_WORDS]);

#endif
