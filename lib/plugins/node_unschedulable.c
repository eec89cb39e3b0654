// NodeUnschedulable: a cordoned node takes only pods that tolerate it.
// Neighbours: node_table.h's unschedulable column; mirrors plugins/nodeunschedulable.
#include "kernel.h"
#include "plugins.h"

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	uint8_t rejected =
		cycle->demand->tolerates_unschedulable ? CS_VERDICT_FITS : CS_VERDICT_UNRESOLVABLE;
	cs_kernel_flags(cycle->nodes->unschedulable, rejected, rows, verdict);
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) were unschedulable");
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	(void)self;
	(void)row;
	cs_buffer_append_string(out, "the node is cordoned (spec.unschedulable is true), and the "
				     "pod does not tolerate "
				     "node.kubernetes.io/unschedulable:NoSchedule");
}

const struct cs_plugin cs_plugin_node_unschedulable = {
	.name = "NodeUnschedulable",
	.row_local = true,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_TOLERATION,
};
