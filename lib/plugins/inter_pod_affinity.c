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

// Both arguments are about scores, which this version does not have: only what changes nothing is
// accepted.
static int configure(struct json_object *from, void **ret, struct cs_error *err)
{
	static const char *const known[] = { "hardPodAffinityWeight",
					     "ignorePreferredTermsOfExistingPods", NULL };
	int r = cs_args_check(from,
			      &(struct cs_args_shape){
				      .path = "", .kind = "InterPodAffinityArgs", .known = known },
			      err);
	struct json_object *weight = cs_value_at(from, known[0]);
	struct json_object *ignore = cs_value_at(from, known[1]);
	if (r == 0 && weight &&
	    (!json_object_is_type(weight, json_type_int) || json_object_get_int64(weight) != 1))
		r = cs_error_set(err, -EINVAL, "%s: this version knows 1 only", known[0]);
	if (r == 0 && ignore &&
	    (!json_object_is_type(ignore, json_type_boolean) || json_object_get_boolean(ignore)))
		r = cs_error_set(err, -EINVAL, "%s: this version knows false only", known[1]);
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
