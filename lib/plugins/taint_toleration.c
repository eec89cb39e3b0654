// TaintToleration: nodes repel pods that do not tolerate their taints.
// Neighbours: cluster's taint.h answers once per pair of sets; mirrors plugins/tainttoleration.
#include <csched/cluster/taint.h>
#include <string.h>

#include "kernel.h"
#include "normalise.h"
#include "plugins.h"

// With more sets than this, looking up each row's costs less than comparing all rows with each.
#define FEW_SETS (4 * CS_KERNEL_IDS)

// The next ids of a list; 0, the empty set, where there are fewer.
static struct cs_kernel_ids next_ids(const uint32_t *list, uint32_t n, uint32_t at)
{
	struct cs_kernel_ids ids = { 0 };
	for (uint32_t i = 0; i < CS_KERNEL_IDS && at + i < n; i++)
		ids.ids[i] = list[at + i];
	return ids;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	uint32_t tolerations = cycle->demand->toleration_set;
	const uint32_t *taint_set = cycle->nodes->taint_set;
	const struct cs_taint_objections sets = cs_taint_objections(cycle->cluster, tolerations);
	if (sets.n_filtered > FEW_SETS) {
		const struct cs_toleration_verdict *verdicts =
			cs_taint_verdicts(cycle->cluster, tolerations);
		for (uint32_t row = rows.first; row < rows.end; row++)
			verdict[row] = (uint8_t)(verdicts[taint_set[row]].filtered *
						 CS_VERDICT_UNRESOLVABLE);
		return;
	}
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
	for (uint32_t at = 0; at < sets.n_filtered; at += CS_KERNEL_IDS) {
		struct cs_kernel_ids ids = next_ids(sets.filtered, sets.n_filtered, at);
		for (uint32_t i = 0; i < CS_KERNEL_IDS; i++)
			ids.words[i] = ids.ids[i] ? CS_VERDICT_UNRESOLVABLE : 0;
		cs_kernel_match(taint_set, &ids, rows, verdict);
	}
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) had untolerated taint(s)");
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	(void)self;
	cs_buffer_append_string(out, "it does not tolerate ");
	cs_taint_list_untolerated(cycle->cluster, cycle->demand->toleration_set,
				  cycle->nodes->taint_set[row], out);
}

struct score_state {
	const struct cs_toleration_verdict *verdicts;
	struct cs_taint_objections sets;
};

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	uint32_t tolerations = cycle->demand->toleration_set;
	struct score_state *state = cs_arena_alloc_raw(cycle->scratch, sizeof(*state));
	state->verdicts = cs_taint_verdicts(cycle->cluster, tolerations);
	state->sets = cs_taint_objections(cycle->cluster, tolerations);
	self->score_state = state;
	return CS_PREPARE_GO;
}

static void raw_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      struct cs_rows rows, int64_t *restrict out)
{
	const struct score_state *state = self->score_state;
	const uint32_t *taint_set = cycle->nodes->taint_set;
	if (state->sets.n_preferred > FEW_SETS) {
		for (uint32_t row = rows.first; row < rows.end; row++)
			out[row] = state->verdicts[taint_set[row]].prefer_no_schedule;
		return;
	}
	uint32_t at = 0;
	do {
		struct cs_kernel_ids ids =
			next_ids(state->sets.preferred, state->sets.n_preferred, at);
		for (uint32_t i = 0; i < CS_KERNEL_IDS; i++)
			ids.words[i] = state->verdicts[ids.ids[i]].prefer_no_schedule;
		cs_kernel_match_scores(taint_set, &ids, rows, at == 0, out);
		at += CS_KERNEL_IDS;
	} while (at < state->sets.n_preferred);
}

// Fewer intolerable taints are better.
static void normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	(void)self;
	cs_normalise(feasible, n, true, out);
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	static const struct cs_normalised of = { "untolerated PreferNoSchedule taints", true };
	cs_normalise_explain(cycle, self, row, &of, out);
}

const struct cs_plugin cs_plugin_taint_toleration = {
	.name = "TaintToleration",
	.row_local = true,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = prepare_score,
	.raw_score = raw_score,
	.normalise = normalise,
	.explain_score = explain_score,
	.default_weight = 3,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_TOLERATION,
};
