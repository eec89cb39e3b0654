// The explicit list of all plugins. Neighbours: one file per plugin in lib/plugins.
#ifndef CSCHED_PLUGINS_LIST_H
#define CSCHED_PLUGINS_LIST_H

#include <csched/framework/plugin.h>

// In the order of upstream's default multiPoint list; ends with NULL.
extern const struct cs_plugin *const cs_plugins[];

#endif
