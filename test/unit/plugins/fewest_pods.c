// FewestPods: prefers nodes that run few of the pods they could run.
// Neighbours: the contract in csched/framework/plugin.h; README.md shows this file.
#include <csched/framework/plugin.h>

extern const struct cs_plugin cs_plugin_fewest_pods;

// 100 for an empty node, 0 for a full one.
static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	const int64_t *n_pods = cycle->nodes->n_pods;
	const int64_t *max_pods = cycle->nodes->max_pods;
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t room = max_pods[row] - n_pods[row];
		out[row] = (uint8_t)(room > 0 ? 100 * room / max_pods[row] : 0);
	}
}

const struct cs_plugin cs_plugin_fewest_pods = {
	.name = "FewestPods",
	.score = score,
	.default_weight = 1,
};
