// TaintToleration: nodes repel pods that do not tolerate their taints.
// Neighbours: cluster's taint.h answers once per pair of sets; mirrors plugins/tainttoleration.
#include <csched/cluster/taint.h>

#include "normalise.h"
#include "plugins.h"

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	const struct cs_toleration_verdict *verdicts =
		cs_taint_verdicts(cycle->cluster, cycle->demand->toleration_set);
	const uint32_t *taint_set = cycle->nodes->taint_set;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] =
			(uint8_t)(verdicts[taint_set[row]].filtered * CS_VERDICT_UNRESOLVABLE);
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) had untolerated taint(s)");
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_toleration_verdict *verdicts =
		cs_taint_verdicts(cycle->cluster, cycle->demand->toleration_set);
	self->score_state = (void *)(uintptr_t)verdicts;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	const struct cs_toleration_verdict *verdicts = self->score_state;
	const uint32_t *taint_set = cycle->nodes->taint_set;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = verdicts[taint_set[row]].prefer_no_schedule;
}

// Fewer intolerable taints are better.
static void normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	(void)self;
	cs_normalise(feasible, n, true, out);
}

const struct cs_plugin cs_plugin_taint_toleration = {
	.name = "TaintToleration",
	.row_local = true,
	.filter = filter,
	.reasons = reasons,
	.prepare_score = prepare_score,
	.score = score,
	.normalise = normalise,
	.default_weight = 3,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_TOLERATION,
};
