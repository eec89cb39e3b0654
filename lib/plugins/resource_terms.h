// From configured resources to kernel terms. Neighbours: the two node_resources_* plugins.
#ifndef CSCHED_LIB_PLUGINS_RESOURCE_TERMS_H
#define CSCHED_LIB_PLUGINS_RESOURCE_TERMS_H

#include "args.h"
#include "kernel.h"

struct cs_resource_terms {
	uint32_t n;
	struct cs_kernel_term items[CS_ARGS_RESOURCES_MAX];
};

// What a pod asks of one resource. `column` is CS_RESOURCE_NONE where nobody has it.
struct cs_resource_ask {
	uint32_t column;
	int64_t asked;       // as filters and BalancedAllocation count
	int64_t asked_score; // as LeastAllocated counts: defaults put in, no pod-level resources
};
struct cs_resource_ask cs_resource_terms_ask(struct cs_cycle *cycle, const char *name);

// Terms for the resources that count for this pod, in scratch: those somebody has, less extended
// ones the pod does not ask. `nonzero` takes usage with defaults put in (LeastAllocated), else as
// requested.
struct cs_resource_terms *cs_resource_terms_make(struct cs_cycle *cycle,
						 const struct cs_field_list *resources,
						 bool nonzero);

#endif
