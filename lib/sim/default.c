// What the API server fills in where a client said nothing. Neighbours: object.c calls it before
// validation, kube's default.h knows the kinds' own defaults; mirrors k8s.io/kubernetes' default
// admission plugins and the strategies' PrepareForCreate.
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/default.h>
#include <csched/kube/quantity.h>

#include "sim_internal.h"

// ---- pods ----

static const char *const tolerated_taints[] = { "node.kubernetes.io/not-ready",
						"node.kubernetes.io/unreachable" };

static bool tolerates(struct json_object *tolerations, const char *key)
{
	for (size_t i = 0; i < json_object_array_length(tolerations); i++) {
		struct json_object *one = json_object_array_get_idx(tolerations, i);
		const char *own_key = cs_tree_string(one, "key");
		const char *effect = cs_tree_string(one, "effect");
		if ((!own_key || !*own_key || strcmp(own_key, key) == 0) &&
		    (!effect || !*effect || strcmp(effect, "NoExecute") == 0))
			return true;
	}
	return false;
}

// Admission plugin DefaultTolerationSeconds.
static void default_tolerations(struct json_object *spec)
{
	struct json_object *tolerations = cs_tree_own_array(spec, "tolerations");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tolerated_taints); i++) {
		if (tolerates(tolerations, tolerated_taints[i]))
			continue;
		struct json_object *one = json_object_new_object();
		cs_tree_set_string(one, "key", tolerated_taints[i]);
		cs_tree_set_string(one, "operator", "Exists");
		cs_tree_set_string(one, "effect", "NoExecute");
		cs_tree_set_int(one, "tolerationSeconds", 300);
		json_object_array_add(tolerations, one);
	}
}

// Admission plugin Priority.
static void default_priority(struct cs_sim *sim, struct json_object *spec)
{
	const char *name = cs_tree_string(spec, "priorityClassName");
	int64_t value = 0;
	const char *policy = "PreemptLowerPriority";
	if (name && *name) {
		struct sim_object *class =
			sim_store_find(sim_store_at(&sim->store, SIM_PRIORITY_CLASSES), name);
		if (class) {
			value = cs_tree_int(class->now->tree, "value", 0);
			const char *own = cs_tree_string(class->now->tree, "preemptionPolicy");
			policy = own ? own : policy;
		} else if (strcmp(name, "system-node-critical") == 0) {
			value = 2000001000;
		} else if (strcmp(name, "system-cluster-critical") == 0) {
			value = 2000000000;
		}
	}
	cs_tree_set_int(spec, "priority", value);
	cs_tree_default_string(spec, "preemptionPolicy", policy);
}

// cpu and memory of one container as QoS classes see them.
static void count_quantities(struct json_object *container, const char *list, unsigned *ret_given)
{
	struct json_object *values = cs_tree_get(cs_tree_get(container, "resources"), list);
	static const char *const names[] = { "cpu", "memory" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		const char *text = cs_tree_string(values, names[i]);
		struct cs_quantity quantity = { 0 };
		if (text && cs_quantity_parse(cs_slice_of(text), &quantity, NULL) == 0 &&
		    quantity.nano > 0)
			*ret_given |= 1u << i;
	}
}

static bool requests_equal_limits(struct json_object *container)
{
	struct json_object *resources = cs_tree_get(container, "resources");
	struct json_object *requests = cs_tree_get(resources, "requests");
	struct json_object *limits = cs_tree_get(resources, "limits");
	static const char *const names[] = { "cpu", "memory" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		if (!cs_string_equal(cs_tree_string(requests, names[i]),
				     cs_tree_string(limits, names[i])))
			return false;
	return true;
}

static const char *qos_class(struct json_object *spec)
{
	static const char *const lists[] = { "initContainers", "containers" };
	bool any = false;
	bool guaranteed = true;
	for (size_t k = 0; k < CS_ARRAY_LENGTH(lists); k++) {
		struct json_object *list = cs_tree_get(spec, lists[k]);
		for (size_t i = 0; i < cs_tree_length(spec, lists[k]); i++) {
			struct json_object *container = json_object_array_get_idx(list, i);
			unsigned requests = 0;
			unsigned limits = 0;
			count_quantities(container, "requests", &requests);
			count_quantities(container, "limits", &limits);
			any |= requests || limits;
			guaranteed &= limits == 3 && requests_equal_limits(container);
		}
	}
	return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

static void default_pod_status(struct cs_sim *sim, struct json_object *tree)
{
	struct json_object *spec = cs_tree_get(tree, "spec");
	struct json_object *status = json_object_new_object();
	cs_tree_set(tree, "status", status);
	cs_tree_set_string(status, "phase", "Pending");
	if (cs_tree_length(spec, "schedulingGates"))
		sim_set_condition(sim, status,
				  &(struct sim_condition){
					  .type = "PodScheduled",
					  .status = "False",
					  .reason = "SchedulingGated",
					  .message = "Scheduling is blocked due to non-empty "
						     "scheduling gates" });
	cs_tree_set_string(status, "qosClass", qos_class(spec));
}

static void complete_pod(struct cs_sim *sim, struct json_object *tree)
{
	struct json_object *spec = cs_tree_own(tree, "spec");
	default_priority(sim, spec);
	default_tolerations(spec);
	default_pod_status(sim, tree);
}

// ---- other kinds ----

static void complete_namespace(struct cs_sim *sim, struct json_object *tree)
{
	(void)sim;
	struct json_object *finalizers = json_object_new_array();
	json_object_array_add(finalizers, json_object_new_string("kubernetes"));
	cs_tree_default(cs_tree_own(tree, "spec"), "finalizers", finalizers);
	cs_tree_default_string(cs_tree_own(tree, "status"), "phase", "Active");
}

static void complete_workload(struct cs_sim *sim, struct json_object *tree)
{
	(void)sim;
	struct json_object *status = json_object_new_object();
	cs_tree_set_int(status, "replicas", 0);
	cs_tree_set(tree, "status", status);
}

static void complete_deployment(struct cs_sim *sim, struct json_object *tree)
{
	(void)sim;
	cs_tree_set(tree, "status", json_object_new_object());
}

static void complete_service(struct cs_sim *sim, struct json_object *tree)
{
	struct json_object *spec = cs_tree_own(tree, "spec");
	if (!cs_tree_string(spec, "clusterIP") &&
	    strcmp(cs_tree_string(spec, "type"), "ExternalName") != 0) {
		uint32_t n = ++sim->next_cluster_ip;
		char ip[32];
		(void)snprintf(ip, sizeof(ip), "10.96.%u.%u", n >> 8 & 0xff, n & 0xff);
		cs_tree_set_string(spec, "clusterIP", ip);
		struct json_object *ips = json_object_new_array();
		json_object_array_add(ips, json_object_new_string(ip));
		cs_tree_set(spec, "clusterIPs", ips);
	}
	struct json_object *status = json_object_new_object();
	cs_tree_set(status, "loadBalancer", json_object_new_object());
	cs_tree_set(tree, "status", status);
}

typedef void (*complete_f)(struct cs_sim *sim, struct json_object *tree);

static const complete_f completions[SIM_FIRST_PLAIN] = {
	[SIM_NAMESPACES] = complete_namespace, [SIM_PODS] = complete_pod,
	[SIM_SERVICES] = complete_service,     [SIM_DEPLOYMENTS] = complete_deployment,
	[SIM_REPLICASETS] = complete_workload,
};

void sim_default_object(struct cs_sim *sim, const struct sim_resource *resource,
			struct json_object *tree, bool creating)
{
	size_t index = sim_resource_index(resource);
	cs_default_object(resource->group, resource->kind, tree);
	if (creating && index < SIM_FIRST_PLAIN && completions[index])
		completions[index](sim, tree);
}
