// DefaultBinder: the pod is bound by a Binding posted to the API server.
// Neighbours: framework's scheduler asks for it, the client writes it; mirrors
// plugins/defaultbinder.
#include "plugins.h"

const struct cs_plugin cs_plugin_default_binder = {
	.name = "DefaultBinder",
	.binds = true,
};
