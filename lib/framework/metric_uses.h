// Whether plugins and sources of load figures fit each other: metrics that a plugin goes by and no
// source has, and the other way round. Neighbours: config.c asks, behind everything else.
#ifndef FRAMEWORK_METRIC_USES_H
#define FRAMEWORK_METRIC_USES_H

#include <csched/framework/config.h>

#include "spec.h"

struct metric_uses {
	const struct cs_config *config;   // complete; its profiles are as `specs`
	const struct profile_spec *specs; // what the file says of them
	struct warnings *warnings;
	struct cs_errors *errors; // a metric named in arguments that nobody knows
	struct cs_arena *arena;
};
void metric_uses_check(const struct metric_uses *uses);

#endif
