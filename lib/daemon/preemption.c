// Verb preempt, node by node. Neighbours: preemption.h; cluster.h knows the victims by UID.
#include "daemon/preemption.h"

#include <string.h>

#define UID_MAX 253
// Each question to the filters costs what preparing them costs: of all nodes together so many
// victims are looked at, which the core has time for between other messages.
#define VICTIMS_MAX 2000

static struct cs_pod *find_victim(const struct cs_cluster *cluster, struct cs_slice uid)
{
	char text[UID_MAX + 1];
	if (uid.size > UID_MAX || (uid.size > 0 && memchr(uid.data, '\0', uid.size)))
		return NULL;
	if (uid.size > 0)
		memcpy(text, uid.data, uid.size);
	text[uid.size] = '\0';
	return cs_cluster_find_pod(cluster, text);
}

static void leave_out(struct cs_extender_victims *node, const bool *spared, struct cs_arena *arena)
{
	struct cs_slice *uids = cs_arena_alloc_array(arena, node->n_uids + 1, sizeof(*uids));
	uint32_t n = 0;
	for (uint32_t i = 0; i < node->n_uids; i++)
		if (!spared[i])
			uids[n++] = node->uids[i];
	// Which pods violate their disruption budgets is not said: those that are left, as far as
	// they can.
	if (node->n_pdb_violations > n)
		node->n_pdb_violations = n;
	node->uids = uids;
	node->n_uids = n;
}

// Whether the node stays a candidate.
static bool judge_node(const struct cs_preemption *preemption, uint32_t row,
		       struct cs_extender_victims *node, struct cs_arena *arena)
{
	struct cs_pod **victims =
		cs_arena_alloc_array(arena, node->n_uids + 1, sizeof(struct cs_pod *));
	bool *spared = cs_arena_alloc_array(arena, node->n_uids + 1, sizeof(*spared));
	for (uint32_t i = 0; i < node->n_uids; i++)
		victims[i] = find_victim(preemption->cluster, node->uids[i]);
	bool helps = cs_judge_eviction(preemption->workspace,
				       &(struct cs_judge_eviction){ .profile = preemption->profile,
								    .pod = preemption->pod,
								    .row = row,
								    .n = node->n_uids,
								    .victims = victims },
				       spared);
	if (helps)
		leave_out(node, spared, arena);
	return helps;
}

enum cs_call_result cs_preemption_judge(const struct cs_preemption *preemption,
					struct cs_call *call)
{
	const struct cs_extender_preemption *asked = &call->preemption;
	const uint32_t n = asked->n_nodes;
	struct cs_judge_answer *answers =
		cs_arena_alloc_array(call->arena, n + 1, sizeof(*answers));
	struct cs_judge_result result;
	uint32_t budget = VICTIMS_MAX;
	cs_judge(preemption->workspace,
		 &(struct cs_judge_question){ .profile = preemption->profile,
					      .pod = preemption->pod,
					      .n = n,
					      .rows = preemption->rows },
		 call->arena, answers, &result);
	if (result.error)
		return CS_CALL_FALLBACK;
	call->candidates = cs_arena_alloc_array(call->arena, n + 1, sizeof(*call->candidates));
	call->n_candidates = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = preemption->rows[i];
		struct cs_extender_victims *node = &call->candidates[call->n_candidates];
		*node = asked->nodes[i];
		uint32_t costs = node->n_uids < VICTIMS_MAX ? node->n_uids + 1 : VICTIMS_MAX + 1;
		if (answers[i].verdict == CS_VERDICT_UNRESOLVABLE)
			continue;
		if (row != CS_ROW_NONE && result.filtered && costs <= budget &&
		    !atomic_load(&call->late)) {
			budget -= costs;
			if (!judge_node(preemption, row, node, call->arena))
				continue;
		}
		call->n_candidates++;
	}
	return CS_CALL_DONE;
}
