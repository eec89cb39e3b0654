// From configured resources to kernel terms. Neighbours: the two node_resources_* plugins.
#ifndef CSCHED_LIB_PLUGINS_RESOURCE_TERMS_H
#define CSCHED_LIB_PLUGINS_RESOURCE_TERMS_H

#include "args.h"
#include "kernel.h"

struct cs_resource_terms {
	uint32_t n;
	bool pair; // cpu and memory, both exact
	struct cs_kernel_term items[CS_ARGS_RESOURCES_MAX];
	const char *names[CS_ARGS_RESOURCES_MAX]; // as items: the resources'
};

// What a pod asks of one resource. `column` is CS_RESOURCE_NONE where nobody has it.
struct cs_resource_ask {
	uint32_t column;
	int64_t asked;
};
// `nonzero`: as NodeResourcesFit scores (spec alone, defaults put in, no pod-level resources); else
// as BalancedAllocation does, by what the pod takes once it is bound, its status included. That is
// no part of the demand.
struct cs_resource_ask cs_resource_terms_ask(struct cs_cycle *cycle, const char *name,
					     bool nonzero);

// Terms for the resources that count for this pod, in scratch: those somebody has, less extended
// ones the pod does not ask. `nonzero` takes the nodes' usage with defaults put in, too.
struct cs_resource_terms *cs_resource_terms_make(struct cs_cycle *cycle,
						 const struct cs_field_list *resources,
						 bool nonzero);

#endif
