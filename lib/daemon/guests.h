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

// Zeroed to begin with; all it has is in the call's arena.
struct cs_guests {
	const Kube__Node **nodes; // by their place in the request; NULL = not read
	uint32_t next;            // the first place not looked at
	uint32_t n_read;
	uint32_t n; // in the model
	const char **names;
};

// How long reading may take; boot ns. A node of 10 KB takes 0.1 to 0.2 ms.
struct cs_guests_time {
	const struct cs_clock *clock;
	int64_t pause; // go on another time
	int64_t end;   // none is read after that
};

// Reads the whole nodes of a request whose row is CS_ROW_NONE. False: it wants to go on. Who cannot
// be read, is too long, or stands behind what time and CS_GUESTS_MAX allow, stays unknown.
bool cs_guests_read(struct cs_guests *guests, const struct cs_extender_args *args,
		    const uint32_t *rows, const struct cs_guests_time *time,
		    struct cs_arena *arena);
// Takes in those that were read and whose row still is CS_ROW_NONE, and sets their rows:
// allocatable, labels, taints, annotations of load and weight count as on any node; nobody is told
// of annotations that say nothing. Between entering and leaving nothing else may happen to the
// model.
void cs_guests_enter(struct cs_guests *guests, struct cs_cluster *cluster, uint32_t *rows);
void cs_guests_leave(struct cs_guests *guests, struct cs_cluster *cluster);

#endif
