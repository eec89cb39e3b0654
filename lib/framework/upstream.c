// kube-scheduler's own plugins: where each works, and the arguments of those this version lacks.
// Neighbours: upstream.h; lib/plugins has the arguments of the others.
#include "upstream.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/framework/fields.h>

#include "spec.h"

#define BIT(point) POINT_BIT(POINT_##point)
#define VALUE_MAX  4096 // bytes of a value in an error

static const struct {
	const char *name;
	unsigned points;
} upstream[] = {
	{ "SchedulingGates", BIT(PRE_ENQUEUE) },
	{ "PrioritySort", BIT(QUEUE_SORT) },
	{ "NodeUnschedulable", BIT(FILTER) },
	{ "NodeName", BIT(FILTER) },
	{ "TaintToleration", BIT(FILTER) | BIT(PRE_SCORE) | BIT(SCORE) },
	{ "NodeAffinity", BIT(PRE_FILTER) | BIT(FILTER) | BIT(PRE_SCORE) | BIT(SCORE) },
	{ "NodePorts", BIT(PRE_FILTER) | BIT(FILTER) },
	{ "NodeResourcesFit",
	  BIT(PRE_FILTER) | BIT(FILTER) | BIT(PRE_SCORE) | BIT(SCORE) | BIT(PLACEMENT_SCORE) },
	{ "VolumeRestrictions", BIT(PRE_FILTER) | BIT(FILTER) },
	{ "NodeVolumeLimits", BIT(PRE_FILTER) | BIT(FILTER) },
	{ "VolumeBinding", BIT(PRE_FILTER) | BIT(FILTER) | BIT(RESERVE) | BIT(PRE_BIND) |
				   BIT(PRE_SCORE) | BIT(SCORE) },
	{ "VolumeZone", BIT(PRE_FILTER) | BIT(FILTER) },
	{ "PodTopologySpread", BIT(PRE_FILTER) | BIT(FILTER) | BIT(PRE_SCORE) | BIT(SCORE) },
	{ "InterPodAffinity", BIT(PRE_FILTER) | BIT(FILTER) | BIT(PRE_SCORE) | BIT(SCORE) },
	{ "DynamicResources", BIT(PRE_ENQUEUE) | BIT(PRE_FILTER) | BIT(FILTER) | BIT(POST_FILTER) |
				      BIT(SCORE) | BIT(RESERVE) | BIT(PRE_BIND) },
	{ "DefaultPreemption", BIT(PRE_ENQUEUE) | BIT(POST_FILTER) },
	{ "NodeResourcesBalancedAllocation", BIT(PRE_SCORE) | BIT(SCORE) },
	{ "ImageLocality", BIT(SCORE) },
	{ "DefaultBinder", BIT(BIND) },
	{ "NodeDeclaredFeatures", BIT(PRE_FILTER) | BIT(FILTER) },
	{ "GangScheduling", BIT(PRE_ENQUEUE) | BIT(PERMIT) },
	{ "TopologyPlacementGenerator", BIT(PLACEMENT_GENERATE) },
	{ "PodGroupPodsCount", BIT(PLACEMENT_SCORE) },
};

bool upstream_find(const char *name, unsigned *ret_points)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(upstream); i++) {
		if (strcmp(upstream[i].name, name) == 0) {
			*ret_points = upstream[i].points;
			return true;
		}
	}
	return false;
}

bool upstream_is_removed(const char *name)
{
	static const char *const removed[] = { "AzureDiskLimits", "CinderLimits", "EBSLimits",
					       "GCEPDLimits" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(removed); i++)
		if (strcmp(removed[i], name) == 0)
			return true;
	return false;
}

// ---- arguments ----

struct lacking_args {
	struct cs_field_int percentage; // DefaultPreemption
	struct cs_field_int absolute;
	struct cs_field_int bind_timeout;   // VolumeBinding, seconds
	struct cs_field_list shape;         // of struct point_spec
	struct cs_field_int filter_timeout; // DynamicResources, ns
	struct cs_field_int binding_timeout;
};

static const struct cs_field preemption_fields[] = {
	CS_FIELD("minCandidateNodesPercentage", CS_FIELD_INT, struct lacking_args, percentage,
		 .min = 0, .max = 100, .wrong = "not in valid range [0, 100]"),
	CS_FIELD("minCandidateNodesAbsolute", CS_FIELD_INT, struct lacking_args, absolute, .min = 0,
		 .max = INT32_MAX, .wrong = "not in valid range [0, inf)"),
	{ 0 },
};

struct point_spec {
	struct cs_field_int utilization;
	struct cs_field_int score;
};

static const struct cs_field point_fields[] = {
	CS_FIELD("utilization", CS_FIELD_INT, struct point_spec, utilization),
	CS_FIELD("score", CS_FIELD_INT, struct point_spec, score),
	{ 0 },
};

static const struct cs_field volume_fields[] = {
	CS_FIELD("bindTimeoutSeconds", CS_FIELD_INT, struct lacking_args, bind_timeout, .min = 0,
		 .max = INT64_MAX,
		 .wrong = "invalid BindTimeoutSeconds, should not be a negative value"),
	CS_FIELD("shape", CS_FIELD_OBJECTS, struct lacking_args, shape, .fields = point_fields,
		 .size = sizeof(struct point_spec)),
	{ 0 },
};

static const struct cs_field resources_fields[] = {
	CS_FIELD("filterTimeout", CS_FIELD_DURATION, struct lacking_args, filter_timeout),
	CS_FIELD("bindingTimeout", CS_FIELD_DURATION, struct lacking_args, binding_timeout),
	{ 0 },
};

static int check_preemption(const struct lacking_args *args, struct cs_errors *errors)
{
	if (!args->percentage.given || !args->absolute.given || args->percentage.value ||
	    args->absolute.value)
		return 0;
	cs_errors_invalid_int(errors, "minCandidateNodesPercentage", 0,
			      "cannot be zero at the same time as minCandidateNodesAbsolute");
	return cs_errors_invalid_int(
		errors, "minCandidateNodesAbsolute", 0,
		"cannot be zero at the same time as minCandidateNodesPercentage");
}

static int check_volumes(const struct lacking_args *args, struct cs_errors *errors)
{
	const struct point_spec *points = args->shape.items;
	CS_AUTO_BUFFER struct cs_buffer value;
	cs_buffer_init(&value, VALUE_MAX);
	if (!points)
		return 0;
	for (uint32_t i = 0; i < args->shape.count; i++)
		cs_buffer_printf(&value, "%s{\"Utilization\":%" PRId64 ",\"Score\":%" PRId64 "}",
				 i ? "," : "", points[i].utilization.value, points[i].score.value);
	return cs_errors_add(errors, "shape",
			     "Invalid value: [%s]: unexpected field `shape`, remove it or turn on "
			     "the feature gate StorageCapacityScoring",
			     value.size ? value.data : "");
}

static int invalid_duration(struct cs_errors *errors, const char *path, int64_t ns,
			    const char *words)
{
	CS_AUTO_BUFFER struct cs_buffer value;
	cs_buffer_init(&value, 64);
	cs_duration_print(&value, ns);
	return cs_errors_invalid_string(errors, path, value.data, words);
}

static int check_resources(const struct lacking_args *args, struct cs_errors *errors)
{
	int r = 0;
	if (args->filter_timeout.value < 0)
		r = invalid_duration(errors, "filterTimeout", args->filter_timeout.value,
				     "must be zero or positive");
	if (args->binding_timeout.given && args->binding_timeout.value < CS_SECOND)
		r = invalid_duration(errors, "bindingTimeout", args->binding_timeout.value,
				     "must be at least 1 second");
	return r;
}

static const struct {
	const char *name;
	const struct cs_field *fields;
	int (*check)(const struct lacking_args *args, struct cs_errors *errors);
} with_args[] = {
	{ "DefaultPreemption", preemption_fields, check_preemption },
	{ "VolumeBinding", volume_fields, check_volumes },
	{ "DynamicResources", resources_fields, check_resources },
};

int upstream_check_args(const char *name, struct json_object *args, struct cs_arena *arena,
			struct cs_errors *errors)
{
	struct lacking_args read = { 0 };
	if (!args)
		return 0;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(with_args); i++) {
		if (strcmp(with_args[i].name, name) != 0)
			continue;
		int r = cs_fields_read(args, with_args[i].fields, arena, &read, errors);
		int wrong = with_args[i].check(&read, errors);
		return wrong ? wrong : r;
	}
	return 0;
}
