// NodeDeclaredFeatures: pods that need a feature of the kubelet go to nodes that declare it.
// Neighbours: cluster knows which features a pod needs and keeps the rows that have them; mirrors
// plugins/nodedeclaredfeatures.
#include <csched/cluster/phrase.h>

#include "plugins.h"

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	return cycle->demand->features ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	const struct cs_bitmap *declared = cycle->demand->features;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] =
			cs_bitmap_test(declared, row) ? CS_VERDICT_FITS : CS_VERDICT_UNRESOLVABLE;
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) didn't match Pod's required features");
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	(void)self;
	cs_buffer_append_string(out, "the node does not declare ");
	cs_phrase_missing_features(cycle->cluster, cycle->demand->features, row, out);
}

const struct cs_plugin cs_plugin_node_declared_features = {
	.name = "NodeDeclaredFeatures",
	.row_local = true,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_NODE_DECLARED_FEATURE,
};
