// Nodes that only a request tells of: in the model while it is judged, and gone after it.
// Core thread only. Neighbours: verbs.c; cluster.h reads a node as the API server has it.
#ifndef DAEMON_GUESTS_H
#define DAEMON_GUESTS_H

#include <csched/base/clock.h>
#include <csched/cluster/cluster.h>
#include <csched/kube/extender.h>

// Of one request; further ones stay unknown. What is left of them is room for as many rows, which
// the nodes to come are put into.
#define CS_GUESTS_MAX 5000

struct cs_guests {
	struct cs_cluster *cluster;
	struct cs_arena *arena;
	const struct cs_clock *clock;
	int64_t until; // boot ns: none is read after that; 10 KB take 0.1 to 0.2 ms
	uint32_t n;
	const char **names; // in the arena
};

// Takes in the whole nodes of a request whose row is CS_ROW_NONE, and sets their rows: allocatable,
// labels, taints, annotations of load and weight count as on any node. Who cannot be read, is too
// long, or stands behind what time and CS_GUESTS_MAX allow, stays unknown; nobody is told of
// annotations that say nothing. Between entering and leaving nothing else may happen to the model.
void cs_guests_enter(struct cs_guests *guests, const struct cs_extender_args *args, uint32_t *rows);
void cs_guests_leave(struct cs_guests *guests);

#endif
