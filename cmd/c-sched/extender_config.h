// c-sched extender-config: what to paste into kube-scheduler's configuration.
// Neighbours: options.h has the flags it goes by.
#ifndef CMD_C_SCHED_EXTENDER_CONFIG_H
#define CMD_C_SCHED_EXTENDER_CONFIG_H

#include "options.h"

// On standard output.
void extender_config_print(const struct options *options);

#endif
