// InterPodAffinity, the part without which pods would be placed wrongly: a pod that required
// anti-affinity of pods in the cluster may repel is not placed at all. This version does not look
// where in the topology; pods with terms of their own do not get this far (demand.c).
// Neighbours: cluster's cs_cluster_repels; mirrors plugins/interpodaffinity.
#include <errno.h>
#include <stdlib.h>

#include "args.h"
#include "plugins.h"

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	if (!cs_cluster_repels(cycle->cluster, cycle->pod))
		return CS_PREPARE_SKIP;
	cycle->message = cs_arena_strdup(cycle->scratch,
					 "c-sched does not implement inter-pod anti-affinity (an "
					 "existing pod's required anti-affinity)");
	return CS_PREPARE_UNRESOLVABLE;
}

struct affinity_args {
	struct cs_field_int weight;
	struct cs_field_bool ignore;
};

static const struct cs_field fields[] = {
	{ .name = "hardPodAffinityWeight",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct affinity_args, weight) },
	{ .name = "ignorePreferredTermsOfExistingPods",
	  .type = CS_FIELD_BOOL,
	  .offset = offsetof(struct affinity_args, ignore) },
	{ 0 },
};

// Both arguments are about scores, which this version does not have: only what changes nothing is
// accepted.
static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct affinity_args args = { 0 };
	int r = from ? cs_fields_read(from, fields, arena, &args, errors) : 0;
	if (args.weight.given && args.weight.value != 1)
		r = cs_errors_invalid_int(errors, "hardPodAffinityWeight", args.weight.value,
					  "this version knows 1 only");
	if (args.ignore.value)
		r = cs_errors_forbidden(errors, "ignorePreferredTermsOfExistingPods",
					"this version knows false only");
	if (r == 0)
		*ret = NULL;
	return r;
}

static const struct cs_argument arguments[] = {
	{ "hardPodAffinityWeight", "integer",
	  "only 1 in this version, which does not score by it" },
	{ "ignorePreferredTermsOfExistingPods", "boolean", "only false in this version" },
	{ 0 },
};

const struct cs_plugin cs_plugin_inter_pod_affinity = {
	.name = "InterPodAffinity",
	.prepare_filter = prepare_filter,
	.cures = CS_EVENT_POD_DELETE | CS_EVENT_POD_LABEL,
	.arguments = arguments,
	.configure = configure,
	.free_args = free,
};
