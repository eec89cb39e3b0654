// Nodes that only a request tells of: in the model while it is judged, and gone after it.
// Core thread only. Neighbours: verbs.c; cluster.h reads a node as the API server has it.
#ifndef DAEMON_GUESTS_H
#define DAEMON_GUESTS_H

#include <csched/cluster/cluster.h>
#include <csched/kube/extender.h>

#define CS_GUESTS_MAX 100 // of one request; further ones stay unknown

struct cs_guests {
	uint32_t n;
	const char *names[CS_GUESTS_MAX]; // in the arena
};

// Takes in the whole nodes of a request whose row is CS_ROW_NONE, and sets their rows: allocatable,
// labels, taints, annotations of load and weight count as on any node. Who cannot be read, or is
// too long, stays unknown; nobody is told of annotations that say nothing. Between entering and
// leaving nothing else may happen to the model.
void cs_guests_enter(struct cs_cluster *cluster, const struct cs_extender_args *args,
		     struct cs_arena *arena, uint32_t *rows, struct cs_guests *ret);
void cs_guests_leave(struct cs_cluster *cluster, const struct cs_guests *guests);

#endif
