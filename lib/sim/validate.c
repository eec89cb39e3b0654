// What the API server refuses with 422, as far as a scheduler's tests meet it.
// Neighbours: object.c asks before it stores; words are apimachinery's and pkg/apis/*/validation's.
#include <ctype.h>
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

// ---- metadata ----

static bool lower_alnum(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c);
}

// Labels of lower case letters, digits and dashes, joined by dots.
static bool dns_subdomain(const char *name)
{
	size_t length = strlen(name);
	if (length == 0 || length > 253)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool edge = i == 0 || i + 1 == length || name[i - 1] == '.' || name[i + 1] == '.';
		if (lower_alnum(name[i]) || (!edge && (name[i] == '-' || name[i] == '.')))
			continue;
		return false;
	}
	return true;
}

static void check_name(const struct sim_resource *resource, struct json_object *metadata,
		       struct sim_status *status)
{
	const char *name = cs_tree_string(metadata, "name");
	if (!name || !*name) {
		sim_status_cause(status, "FieldValueRequired", "metadata.name",
				 "name or generateName is required");
		return;
	}
	if (resource->lower_dns_name && !dns_subdomain(name))
		sim_status_cause(
			status, "FieldValueInvalid", "metadata.name",
			"\"%s\": a lowercase RFC 1123 subdomain must consist of lower case "
			"alphanumeric characters, '-' or '.', and must start and end with an "
			"alphanumeric character (e.g. 'example.com', regex used for validation is "
			"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
			name);
	else if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		sim_status_cause(status, "FieldValueInvalid", "metadata.name",
				 "\"%s\": may not contain '/'", name);
}

// ---- pods ----

static void check_containers(struct json_object *spec, const char *path, struct sim_status *status)
{
	struct json_object *list = cs_tree_get(spec, "containers");
	char field[128];
	if (!cs_tree_length(spec, "containers")) {
		(void)snprintf(field, sizeof(field), "%s.containers", path);
		sim_status_cause(status, "FieldValueRequired", field, "%s", "");
		return;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *container = json_object_array_get_idx(list, i);
		static const char *const needed[] = { "name", "image" };
		for (size_t k = 0; k < CS_ARRAY_LENGTH(needed); k++) {
			const char *value = cs_tree_string(container, needed[k]);
			if (value && *value)
				continue;
			(void)snprintf(field, sizeof(field), "%s.containers[%zu].%s", path, i,
				       needed[k]);
			sim_status_cause(status, "FieldValueRequired", field, "%s", "");
		}
	}
}

// Without what an update of a pod may change.
static struct json_object *fixed_part(struct json_object *spec)
{
	static const char *const mutable[] = { "activeDeadlineSeconds", "tolerations",
					       "terminationGracePeriodSeconds", "schedulingGates" };
	static const char *const lists[] = { "containers", "initContainers" };
	struct json_object *part = cs_tree_copy(spec);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(mutable); i++)
		cs_tree_remove(part, mutable[i]);
	if (cs_tree_length(spec, "schedulingGates")) {
		cs_tree_remove(part, "nodeSelector");
		cs_tree_remove(part, "affinity");
	}
	for (size_t k = 0; k < CS_ARRAY_LENGTH(lists); k++) {
		if (!cs_tree_length(part, lists[k]))
			continue;
		struct json_object *list = cs_tree_own_array(part, lists[k]);
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *one = cs_tree_copy(json_object_array_get_idx(list, i));
			cs_tree_remove(one, "image");
			json_object_array_put_idx(list, i, one);
		}
	}
	return part;
}

static bool has_gate(struct json_object *spec, const char *name)
{
	struct json_object *gates = cs_tree_get(spec, "schedulingGates");
	for (size_t i = 0; i < cs_tree_length(spec, "schedulingGates"); i++)
		if (cs_string_equal(cs_tree_string(json_object_array_get_idx(gates, i), "name"),
				    name))
			return true;
	return false;
}

static void check_pod_update(struct json_object *spec, struct json_object *old,
			     struct sim_status *status)
{
	struct json_object *gates = cs_tree_get(spec, "schedulingGates");
	for (size_t i = 0; i < cs_tree_length(spec, "schedulingGates"); i++) {
		const char *name = cs_tree_string(json_object_array_get_idx(gates, i), "name");
		if (!has_gate(old, name))
			sim_status_cause(
				status, "FieldValueForbidden", "spec.schedulingGates",
				"only deletion is allowed, but found new scheduling gate '%s'",
				name ? name : "");
	}
	CS_AUTO_VALUE struct json_object *now_fixed = fixed_part(spec);
	CS_AUTO_VALUE struct json_object *old_fixed = fixed_part(old);
	if (!json_object_equal(now_fixed, old_fixed))
		sim_status_cause(
			status, "FieldValueForbidden", "spec",
			"pod updates may not change fields other than "
			"`spec.containers[*].image`,`spec.initContainers[*].image`,"
			"`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
			"existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to "
			"be set to 1 if it was previously negative)");
}

static void check_pod(struct json_object *tree, struct json_object *old, struct sim_status *status)
{
	struct json_object *spec = cs_tree_get(tree, "spec");
	check_containers(spec, "spec", status);
	const char *node = cs_tree_string(spec, "nodeName");
	if (!old && node && *node && cs_tree_length(spec, "schedulingGates") &&
	    !cs_value_at(tree, "metadata.resourceVersion"))
		sim_status_cause(status, "FieldValueForbidden", "spec.nodeName",
				 "cannot be set until all schedulingGates have been cleared");
	if (old)
		check_pod_update(spec, cs_tree_get(old, "spec"), status);
}

// ---- workloads ----

static void check_workload(struct json_object *tree, struct json_object *old,
			   struct sim_status *status)
{
	(void)old;
	struct json_object *spec = cs_tree_get(tree, "spec");
	if (cs_tree_int(spec, "replicas", 0) < 0)
		sim_status_cause(status, "FieldValueInvalid", "spec.replicas",
				 "%lld: must be greater than or equal to 0",
				 (long long)cs_tree_int(spec, "replicas", 0));
	struct json_object *selector = cs_tree_get(spec, "selector");
	struct json_object *wanted = cs_tree_get(selector, "matchLabels");
	if (!selector) {
		sim_status_cause(status, "FieldValueRequired", "spec.selector", "%s", "");
	} else if (json_object_is_type(wanted, json_type_object)) {
		struct json_object *labels = cs_value_at(spec, "template.metadata.labels");
		json_object_object_foreach(wanted, key, value)
		{
			if (cs_string_equal(cs_tree_string(labels, key),
					    json_object_get_string(value)))
				continue;
			sim_status_cause(status, "FieldValueInvalid",
					 "spec.template.metadata.labels",
					 "%s: `selector` does not match template `labels`",
					 labels ? json_object_to_json_string_ext(
							  labels, JSON_C_TO_STRING_PLAIN)
						: "null");
			break;
		}
	}
	check_containers(cs_value_at(spec, "template.spec"), "spec.template.spec", status);
}

static void check_lease(struct json_object *tree, struct json_object *old,
			struct sim_status *status)
{
	(void)old;
	struct json_object *spec = cs_tree_get(tree, "spec");
	int64_t seconds = cs_tree_int(spec, "leaseDurationSeconds", 1);
	if (seconds <= 0)
		sim_status_cause(status, "FieldValueInvalid", "spec.leaseDurationSeconds",
				 "%lld: must be greater than 0", (long long)seconds);
	int64_t transitions = cs_tree_int(spec, "leaseTransitions", 0);
	if (transitions < 0)
		sim_status_cause(status, "FieldValueInvalid", "spec.leaseTransitions",
				 "%lld: must be greater than or equal to 0",
				 (long long)transitions);
}

typedef void (*check_f)(struct json_object *tree, struct json_object *old,
			struct sim_status *status);

static const check_f checks[SIM_FIRST_PLAIN] = {
	[SIM_PODS] = check_pod,
	[SIM_DEPLOYMENTS] = check_workload,
	[SIM_REPLICASETS] = check_workload,
	[SIM_LEASES] = check_lease,
};

int sim_validate_object(const struct sim_resource *resource, struct json_object *tree,
			struct json_object *old, struct sim_status *status)
{
	*status = (struct sim_status){ 0 };
	struct json_object *metadata = cs_tree_get(tree, "metadata");
	if (!old)
		check_name(resource, metadata, status);
	size_t index = sim_resource_index(resource);
	if (index < SIM_FIRST_PLAIN && checks[index])
		checks[index](tree, old, status);
	return sim_status_invalid(status, resource->group, resource->kind,
				  cs_tree_string(metadata, "name"));
}
