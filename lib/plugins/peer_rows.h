// Where the peers of a pod are: what MinimumDistance and MinimumLatency have in common.
// Neighbours: cluster's query.h counts the pods that annotation c-sched.io/talks-to selects.
#ifndef CSCHED_LIB_PLUGINS_PEER_ROWS_H
#define CSCHED_LIB_PLUGINS_PEER_ROWS_H

#include <csched/cluster/query.h>
#include <csched/framework/plugin.h>

// Peers on live nodes; terminating ones do not count.
struct cs_peer_rows {
	uint32_t n;     // rows with some
	uint32_t *rows; // ascending
	uint32_t *counts;
	uint64_t total;
};
// In scratch. False: the pod has none.
bool cs_peer_rows_find(struct cs_cycle *cycle, struct cs_peer_rows *ret);

// What may cure a rejection by the peers' places.
#define CS_PEER_ROWS_CURES \
	(CS_EVENT_POD_ADD | CS_EVENT_POD_DELETE | CS_EVENT_POD_LABEL | CS_EVENT_NODE_LABEL)

#endif
