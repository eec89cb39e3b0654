// NodeName: a pod that names its node in spec.nodeName runs there.
// Neighbours: cluster takes such a pod as bound, so that no decision ever meets one and there is
// nothing left to filter; the name is known so that configurations may list it.
#include "plugins.h"

const struct cs_plugin cs_plugin_node_name = {
	.name = "NodeName",
	.row_local = true,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT,
};
