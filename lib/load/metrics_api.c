// What the Metrics API answers, as samples. Mirrors the types of k8s.io/metrics v1beta1.
// Neighbours: metrics_api.h.
#include "load/metrics_api.h"

#include <errno.h>
#include <string.h>

#include <csched/base/duration.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/quantity.h>
#include <csched/kube/timestamp.h>

#define NANO_PER_MILLI 1e6
#define NANO_PER_UNIT  1e9

struct usage {
	double cpu; // milli-CPU; < 0 = none
	double memory;
};

static int read_amount(struct json_object *usage, const char *resource, double nano_per,
		       double *total, struct cs_error *err)
{
	struct json_object *value = NULL;
	struct cs_quantity amount;
	if (!json_object_object_get_ex(usage, resource, &value) || !value)
		return 0;
	int r = cs_quantity_parse(cs_slice_of(json_object_get_string(value)), &amount, err);
	if (r < 0)
		return cs_error_prefix(err, "usage.%s", resource);
	*total = (*total < 0 ? 0 : *total) + (double)amount.nano / nano_per;
	return 0;
}

static int add_usage(struct json_object *holder, struct usage *ret, struct cs_error *err)
{
	struct json_object *usage = cs_value_at(holder, "usage");
	if (!json_object_is_type(usage, json_type_object))
		return cs_error_set(err, -EINVAL, "no usage");
	int r = read_amount(usage, "cpu", NANO_PER_MILLI, &ret->cpu, err);
	return r < 0 ? r : read_amount(usage, "memory", NANO_PER_UNIT, &ret->memory, err);
}

static int add_containers(struct json_object *item, struct usage *ret, struct cs_error *err)
{
	struct json_object *containers = cs_value_at(item, "containers");
	if (!json_object_is_type(containers, json_type_array))
		return cs_error_set(err, -EINVAL, "no containers");
	for (size_t i = 0; i < json_object_array_length(containers); i++) {
		int r = add_usage(json_object_array_get_idx(containers, i), ret, err);
		if (r < 0)
			return cs_error_prefix(err, "containers[%zu]", i);
	}
	return 0;
}

static int read_times(struct json_object *item, int64_t *ret_taken, int64_t *ret_window,
		      struct cs_error *err)
{
	const char *taken = cs_value_string_at(item, "timestamp");
	const char *window = cs_value_string_at(item, "window");
	*ret_window = 0;
	if (!taken)
		return cs_error_set(err, -EINVAL, "no timestamp");
	int r = cs_timestamp_parse(cs_slice_of(taken), ret_taken, err);
	if (r < 0)
		return cs_error_prefix(err, "timestamp");
	r = window ? cs_duration_parse(window, ret_window, err) : 0;
	return r < 0 ? cs_error_prefix(err, "window") : 0;
}

// An amount of one node or pod, where the metric is asked for and the answer has it.
static void add(struct cs_part *part, struct cs_part_sample sample, bool pod, const char *namespace)
{
	if (sample.metric == CS_SOURCE_NO_METRIC || sample.value < 0)
		return;
	if (pod)
		cs_part_add_pod(part, &(struct cs_part_pod){ .namespace = namespace,
							     .name = sample.node,
							     .metric = sample.metric,
							     .value = sample.value,
							     .taken = sample.taken,
							     .window = sample.window });
	else
		cs_part_add(part, &sample);
}

static bool asks_for_pods(const struct cs_part *part)
{
	return part->question == 1;
}

static int read_item(const struct cs_source *source, bool pod, struct json_object *item,
		     struct cs_part *part, struct cs_error *err)
{
	const char *name = cs_value_string_at(item, "metadata.name");
	const char *namespace = cs_value_string_at(item, "metadata.namespace");
	struct usage usage = { -1, -1 };
	struct cs_part_sample sample = { .node = name };
	if (!name || (pod && !namespace))
		return cs_error_set(err, -EINVAL, "no metadata.%s", name ? "namespace" : "name");
	int r = read_times(item, &sample.taken, &sample.window, err);
	if (r == 0)
		r = pod ? add_containers(item, &usage, err) : add_usage(item, &usage, err);
	if (r < 0)
		return cs_error_prefix(err, "%s", name);
	sample.metric = source->cpu;
	sample.value = usage.cpu;
	add(part, sample, pod, namespace);
	sample.metric = source->memory;
	sample.value = usage.memory;
	add(part, sample, pod, namespace);
	return 0;
}

struct reading {
	const struct cs_source *source;
	struct cs_part *part;
};

static void take_item(void *user, struct json_object *item)
{
	const struct reading *reading = user;
	struct cs_part *part = reading->part;
	struct cs_error err;
	part->n_items++;
	if (read_item(reading->source, asks_for_pods(part), item, part, &err) < 0)
		cs_part_skip(part, err.text);
}

int cs_metrics_api_read(const struct cs_source *source, struct cs_slice body, struct cs_part *part,
			char **ret_more, struct cs_error *err)
{
	const char *expected = asks_for_pods(part) ? "PodMetricsList" : "NodeMetricsList";
	CS_AUTO_VALUE struct json_object *rest = NULL;
	struct reading reading = { .source = source, .part = part };
	const struct cs_value_list items = { "items", take_item, &reading };
	*ret_more = NULL;
	if (cs_value_read_json_list(body, &items, &rest, err) < 0)
		return cs_error_prefix(err, "the answer is not JSON");
	const char *kind = cs_value_string_at(rest, "kind");
	if (!cs_string_equal(kind, expected))
		return cs_error_set(err, -EINVAL, "the answer is no %s: kind is \"%s\"", expected,
				    kind ? kind : "");
	const char *more = cs_value_string_at(rest, "metadata.continue");
	if (more && *more)
		*ret_more = cs_strdup(more);
	return 0;
}
