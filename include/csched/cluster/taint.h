// Taint sets of nodes and toleration sets of pods, interned, and which tolerates which.
// Neighbours: node_table.h holds a set id per row, demand.h a toleration set id.
#ifndef CSCHED_CLUSTER_TAINT_H
#define CSCHED_CLUSTER_TAINT_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/buffer.h>

struct cs_cluster;

// How a toleration set answers a taint set; evaluated once per distinct pair.
// Mirrors component-helpers scheduling/corev1 helpers.go (TolerationsTolerateTaint). Operators Lt
// and Gt compare as they do with the gate TaintTolerationComparisonOperators: an API server
// without it stores no such toleration.
struct cs_toleration_verdict {
	uint8_t filtered;           // 1: some NoSchedule or NoExecute taint is not tolerated
	int32_t prefer_no_schedule; // PreferNoSchedule taints not tolerated by tolerations with
				    // effect "" or PreferNoSchedule
};

// The verdicts of one toleration set, indexed by taint set: entries of all sets that rows of the
// node table name. Valid until the cluster changes.
const struct cs_toleration_verdict *cs_taint_verdicts(struct cs_cluster *cluster,
						      uint32_t toleration_set);

// The taint sets whose verdict is not all zero, by what is in it: mostly few, so that a column of
// taint sets is better compared with them than looked up row by row. Sets that no row names any
// more may be among them. Valid as the verdicts.
struct cs_taint_objections {
	uint32_t n_filtered;
	const uint32_t *filtered;
	uint32_t n_preferred; // with prefer_no_schedule > 0
	const uint32_t *preferred;
};
struct cs_taint_objections cs_taint_objections(struct cs_cluster *cluster, uint32_t toleration_set);

// Appends the taints for which the one set filters the other, as kubectl writes them:
// "dedicated=gpu:NoSchedule, down:NoExecute".
void cs_taint_list_untolerated(const struct cs_cluster *cluster, uint32_t toleration_set,
			       uint32_t taint_set, struct cs_buffer *out);

#endif
