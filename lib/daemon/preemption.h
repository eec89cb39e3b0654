// Verb preempt: which of another scheduler's candidates our filters can live with.
// Core thread only. Neighbours: verbs.c calls; framework/judge.h judges.
#ifndef DAEMON_PREEMPTION_H
#define DAEMON_PREEMPTION_H

#include <csched/framework/judge.h>

#include "daemon/call.h"

struct cs_preemption {
	struct cs_cluster *cluster;
	struct cs_workspace *workspace;
	const struct cs_profile *profile;
	const struct cs_pod *pod; // unbound
	const uint32_t *rows;     // of the request's nodes; CS_ROW_NONE = not known
};

// Sets the call's candidates: a subset of the request's nodes, each with a subset of its victims.
// Left out are nodes that our filters refuse whoever leaves them, and those whose victims do not
// change that; victims are spared as cs_judge_eviction says. What nobody knows, or is too much to
// ask for, stays as it came.
enum cs_call_result cs_preemption_judge(const struct cs_preemption *preemption,
					struct cs_call *call);

#endif
