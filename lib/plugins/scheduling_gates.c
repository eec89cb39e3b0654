// SchedulingGates: a pod with gates does not enter the active queue.
// Neighbours: framework's queue asks; mirrors plugins/schedulinggates.
#include "plugins.h"

static const char *wait_for_gates(const struct cs_pod *pod, struct cs_arena *scratch)
{
	if (!pod->gated)
		return NULL;
	return cs_arena_printf(scratch, "waiting for scheduling gates: [%s]",
			       pod->gates ? pod->gates : "");
}

const struct cs_plugin cs_plugin_scheduling_gates = {
	.name = "SchedulingGates",
	.pre_enqueue = wait_for_gates,
	.cures = CS_EVENT_POD_GATES_ELIMINATED,
};
