// Defaults of API objects, a function per kind, on trees.
// Neighbours: base's tree.h edits; the rules are those of pkg/apis/*/v1/defaults.go.
#include <csched/kube/default.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/quantity.h>
#include <stdint.h>

#define NANO_PER_MILLI 1000000

// The member as an object of our own, made where it is missing; NULL where it is something else.
static struct json_object *own(struct json_object *object, const char *key)
{
	struct json_object *member = cs_tree_get(object, key);
	if (!object || (member && !json_object_is_type(member, json_type_object)))
		return NULL;
	return cs_tree_own(object, key);
}

static void for_each_of(struct json_object *owner, const char *key,
			void (*change)(struct json_object *))
{
	if (cs_tree_length(owner, key) == 0)
		return;
	struct json_object *list = cs_tree_own_array(owner, key);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		if (!json_object_is_type(one, json_type_object))
			continue;
		one = cs_tree_copy(one);
		json_object_array_put_idx(list, i, one);
		change(one);
	}
}

static void for_each_container(struct json_object *spec, void (*change)(struct json_object *))
{
	for_each_of(spec, "initContainers", change);
	for_each_of(spec, "containers", change);
}

// ---- amounts: the API server rounds them up to milli ----

// The amount in milli where it is none as written; the caller puts it. Else NULL.
static struct json_object *round_up(struct json_object *value)
{
	struct cs_quantity q;
	char text[CS_QUANTITY_SIZE];
	if (!json_object_is_type(value, json_type_string) &&
	    !json_object_is_type(value, json_type_double))
		return NULL;
	if (cs_quantity_parse(cs_slice_of(json_object_get_string(value)), &q, NULL) < 0 ||
	    q.nano % NANO_PER_MILLI == 0)
		return NULL;
	q.nano += (q.nano > 0 ? NANO_PER_MILLI : 0) - q.nano % NANO_PER_MILLI;
	return json_object_new_string(cs_quantity_print(q, text));
}

static void round_list(struct json_object *owner, const char *key)
{
	struct json_object *list = cs_tree_get(owner, key);
	struct json_object *rounded = NULL;
	if (!json_object_is_type(list, json_type_object))
		return;
	json_object_object_foreach(list, name, value)
	{
		struct json_object *amount = round_up(value);
		if (amount && !rounded)
			rounded = cs_tree_copy(list);
		if (amount)
			cs_tree_set(rounded, name, amount);
	}
	if (rounded)
		cs_tree_set(owner, key, rounded);
}

// requests and limits of a container, a pod, or the status of one.
static void round_resources(struct json_object *owner)
{
	if (!json_object_is_type(cs_tree_get(owner, "resources"), json_type_object))
		return;
	struct json_object *resources = cs_tree_own(owner, "resources");
	round_list(resources, "requests");
	round_list(resources, "limits");
}

static void round_pod_spec(struct json_object *spec)
{
	for_each_container(spec, round_resources);
	round_resources(spec);
	round_list(spec, "overhead");
}

static void round_status(struct json_object *status)
{
	round_resources(status);
	round_list(status, "allocatedResources");
}

static void round_pod_status(struct json_object *tree)
{
	if (!json_object_is_type(cs_tree_get(tree, "status"), json_type_object))
		return;
	struct json_object *status = cs_tree_own(tree, "status");
	for_each_of(status, "initContainerStatuses", round_status);
	for_each_of(status, "containerStatuses", round_status);
	round_status(status);
}

// ---- pod specs: of pods and of templates ----

static const char *pull_policy(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *tag = strchr(slash ? slash : image, ':');
	bool latest = !strchr(image, '@') && (!tag || strcmp(tag, ":latest") == 0);
	return latest ? "Always" : "IfNotPresent";
}

static void default_port(struct json_object *port)
{
	cs_tree_default_string(port, "protocol", "TCP");
}

static void default_container(struct json_object *container)
{
	for_each_of(container, "ports", default_port);
	const char *image = cs_tree_string(container, "image");
	cs_tree_default_string(container, "imagePullPolicy", pull_policy(image ? image : ""));
	cs_tree_default_string(container, "terminationMessagePath", "/dev/termination-log");
	cs_tree_default_string(container, "terminationMessagePolicy", "File");
}

static struct json_object *default_pod_spec(struct json_object *owner)
{
	struct json_object *spec = own(owner, "spec");
	if (!spec)
		return NULL;
	for_each_container(spec, default_container);
	cs_tree_default_string(spec, "restartPolicy", "Always");
	cs_tree_default_int(spec, "terminationGracePeriodSeconds", 30);
	cs_tree_default_string(spec, "dnsPolicy", "ClusterFirst");
	cs_tree_default(spec, "securityContext", json_object_new_object());
	cs_tree_default_string(spec, "schedulerName", "default-scheduler");
	const char *account = cs_tree_string(spec, "serviceAccountName");
	if (account && *account)
		cs_tree_default_string(spec, "serviceAccount", account);
	return spec;
}

// ---- pods ----

// A limit without a request is a request, too.
static void default_requests(struct json_object *container)
{
	if (!json_object_is_type(cs_tree_get(cs_tree_get(container, "resources"), "limits"),
				 json_type_object))
		return;
	struct json_object *resources = cs_tree_own(container, "resources");
	struct json_object *limits = cs_tree_get(resources, "limits");
	struct json_object *requests = own(resources, "requests");
	if (!requests)
		return;
	json_object_object_foreach(limits, key, value)
	{
		cs_tree_default(requests, key, json_object_get(value));
	}
}

static void default_host_port(struct json_object *port)
{
	struct json_object *container_port = cs_tree_get(port, "containerPort");
	if (container_port && cs_tree_int(port, "hostPort", 0) == 0)
		cs_tree_set(port, "hostPort", json_object_get(container_port));
}

static void default_host_ports(struct json_object *container)
{
	for_each_of(container, "ports", default_host_port);
}

static bool container_amount(struct json_object *container, const char *list, const char *name,
			     struct cs_quantity *ret)
{
	struct json_object *value =
		cs_tree_get(cs_tree_get(cs_tree_get(container, "resources"), list), name);
	*ret = (struct cs_quantity){ 0 };
	if (value)
		(void)cs_quantity_parse(cs_slice_of(json_object_get_string(value)), ret, NULL);
	return value;
}

// What all containers of the pod come to: component-helpers' AggregateContainerRequests.
struct aggregate {
	bool named; // by any container
	struct cs_quantity amount;
};

static struct aggregate aggregate(struct json_object *spec, const char *list, const char *name)
{
	struct aggregate sum = { 0 };
	struct cs_quantity sidecars = { 0 };
	struct cs_quantity most = { 0 };
	struct cs_quantity one;
	struct json_object *containers = cs_tree_get(spec, "containers");
	for (size_t i = 0; i < cs_tree_length(spec, "containers"); i++) {
		sum.named |= container_amount(json_object_array_get_idx(containers, i), list, name,
					      &one);
		sum.amount = cs_quantity_add(sum.amount, one);
	}
	struct json_object *inits = cs_tree_get(spec, "initContainers");
	for (size_t i = 0; i < cs_tree_length(spec, "initContainers"); i++) {
		struct json_object *init = json_object_array_get_idx(inits, i);
		sum.named |= container_amount(init, list, name, &one);
		struct cs_quantity with_sidecars = cs_quantity_add(sidecars, one);
		most = cs_quantity_max(most, with_sidecars);
		if (!cs_string_equal(cs_tree_string(init, "restartPolicy"), "Always"))
			continue;
		sidecars = with_sidecars;
		sum.amount = cs_quantity_add(sum.amount, one);
	}
	sum.amount = cs_quantity_max(sum.amount, most);
	return sum;
}

static void default_from_containers(struct json_object *spec, const char *list, const char *name,
				    struct json_object *to)
{
	struct aggregate sum = aggregate(spec, list, name);
	char text[CS_QUANTITY_SIZE];
	if (sum.named && !cs_tree_get(to, name))
		cs_tree_set_string(to, name, cs_quantity_print(sum.amount, text));
}

static bool is_huge_pages(const char *name)
{
	return cs_string_prefix(name, "hugepages-");
}

// Limits of huge pages that only containers name, unless the pod requests them itself.
static void default_huge_page_limits(struct json_object *spec, struct json_object *resources)
{
	static const char *const lists[] = { "initContainers", "containers" };
	struct json_object *limits = own(resources, "limits");
	for (size_t k = 0; limits && k < CS_ARRAY_LENGTH(lists); k++)
		for (size_t i = 0; i < cs_tree_length(spec, lists[k]); i++) {
			struct json_object *container =
				json_object_array_get_idx(cs_tree_get(spec, lists[k]), i);
			struct json_object *own_limits =
				cs_tree_get(cs_tree_get(container, "resources"), "limits");
			if (!json_object_is_type(own_limits, json_type_object))
				continue;
			json_object_object_foreach(own_limits, name, value)
			{
				(void)value;
				if (is_huge_pages(name) &&
				    !cs_tree_get(cs_tree_get(resources, "requests"), name))
					default_from_containers(spec, "limits", name, limits);
			}
		}
}

static size_t count_members(struct json_object *object)
{
	return json_object_is_type(object, json_type_object)
		       ? (size_t)json_object_object_length(object)
		       : 0;
}

// Requests of the pod as a whole: what its containers come to, else its limit.
static void default_pod_requests(struct json_object *spec, struct json_object *resources)
{
	static const char *const from_containers[] = { "cpu", "memory" };
	struct json_object *limits = cs_tree_get(resources, "limits");
	if (count_members(limits) == 0)
		return;
	struct json_object *requests = own(resources, "requests");
	if (!requests)
		return;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(from_containers); i++)
		default_from_containers(spec, "requests", from_containers[i], requests);
	json_object_object_foreach(limits, name, value)
	{
		if (!strcmp(name, "cpu") || !strcmp(name, "memory") || is_huge_pages(name))
			cs_tree_default(requests, name, json_object_get(value));
	}
}

static void default_pod_level(struct json_object *spec)
{
	struct json_object *given = cs_tree_get(spec, "resources");
	if (count_members(cs_tree_get(given, "limits")) +
		    count_members(cs_tree_get(given, "requests")) ==
	    0)
		return;
	struct json_object *resources = cs_tree_own(spec, "resources");
	default_huge_page_limits(spec, resources);
	default_pod_requests(spec, resources);
	struct json_object *limits = cs_tree_get(resources, "limits");
	if (json_object_is_type(limits, json_type_object) && count_members(limits) == 0)
		cs_tree_remove(resources, "limits");
}

static void default_pod(struct json_object *tree)
{
	struct json_object *spec = default_pod_spec(tree);
	if (!spec)
		return;
	for_each_container(spec, default_requests);
	default_pod_level(spec);
	cs_tree_default(spec, "enableServiceLinks", json_object_new_boolean(true));
	if (cs_tree_bool(spec, "hostNetwork"))
		for_each_container(spec, default_host_ports);
	// After what is added up from them.
	round_pod_spec(spec);
	round_pod_status(tree);
}

// ---- other kinds ----

static void default_node(struct json_object *tree)
{
	(void)own(tree, "spec");
	struct json_object *status = own(tree, "status");
	struct json_object *capacity = cs_tree_get(status, "capacity");
	if (capacity)
		cs_tree_default(status, "allocatable", json_object_get(capacity));
	round_list(status, "capacity");
	round_list(status, "allocatable");
}

static void default_namespace(struct json_object *tree)
{
	const char *name = cs_value_string_at(tree, "metadata.name");
	struct json_object *metadata = own(tree, "metadata");
	struct json_object *labels = metadata ? own(metadata, "labels") : NULL;
	if (labels && name)
		cs_tree_set_string(labels, "kubernetes.io/metadata.name", name);
}

static void default_service_port(struct json_object *port)
{
	default_port(port);
	cs_tree_default(port, "targetPort", json_object_get(cs_tree_get(port, "port")));
}

static void default_service(struct json_object *tree)
{
	struct json_object *spec = own(tree, "spec");
	if (!spec)
		return;
	for_each_of(spec, "ports", default_service_port);
	cs_tree_default_string(spec, "type", "ClusterIP");
	cs_tree_default_string(spec, "sessionAffinity", "None");
	cs_tree_default_string(spec, "internalTrafficPolicy", "Cluster");
}

// The spec of a workload, with its template's defaults; NULL where it cannot be one.
static struct json_object *default_workload(struct json_object *tree)
{
	struct json_object *spec = own(tree, "spec");
	struct json_object *template = spec ? own(spec, "template") : NULL;
	if (!template)
		return NULL;
	(void)own(template, "metadata");
	struct json_object *pod = default_pod_spec(template);
	if (pod)
		round_pod_spec(pod);
	return spec;
}

static void default_replica_set(struct json_object *tree)
{
	struct json_object *spec = default_workload(tree);
	if (spec)
		cs_tree_default_int(spec, "replicas", 1);
}

// Labels of the template, where the object itself has none.
static void default_labels(struct json_object *tree, struct json_object *labels)
{
	struct json_object *metadata = own(tree, "metadata");
	if (metadata && labels && count_members(cs_tree_get(metadata, "labels")) == 0)
		cs_tree_set(metadata, "labels", json_object_get(labels));
}

static void default_replication_controller(struct json_object *tree)
{
	struct json_object *spec = default_workload(tree);
	struct json_object *labels = cs_value_at(spec, "template.metadata.labels");
	if (!spec)
		return;
	cs_tree_default_int(spec, "replicas", 1);
	if (labels && count_members(cs_tree_get(spec, "selector")) == 0)
		cs_tree_set(spec, "selector", json_object_get(labels));
	default_labels(tree, labels);
}

static void default_deployment(struct json_object *tree)
{
	struct json_object *spec = default_workload(tree);
	struct json_object *strategy = spec ? own(spec, "strategy") : NULL;
	if (!strategy)
		return;
	cs_tree_default_int(spec, "replicas", 1);
	cs_tree_default_string(strategy, "type", "RollingUpdate");
	struct json_object *rolling = NULL;
	if (cs_string_equal(cs_tree_string(strategy, "type"), "RollingUpdate"))
		rolling = own(strategy, "rollingUpdate");
	if (rolling) {
		cs_tree_default(rolling, "maxUnavailable", json_object_new_string("25%"));
		cs_tree_default(rolling, "maxSurge", json_object_new_string("25%"));
	}
	cs_tree_default_int(spec, "revisionHistoryLimit", 10);
	cs_tree_default_int(spec, "progressDeadlineSeconds", 600);
}

static void default_stateful_set(struct json_object *tree)
{
	struct json_object *spec = default_workload(tree);
	if (!spec)
		return;
	cs_tree_default_int(spec, "replicas", 1);
	cs_tree_default_string(spec, "podManagementPolicy", "OrderedReady");
	cs_tree_default_int(spec, "revisionHistoryLimit", 10);
}

static void default_daemon_set(struct json_object *tree)
{
	struct json_object *spec = default_workload(tree);
	if (spec)
		cs_tree_default_int(spec, "revisionHistoryLimit", 10);
}

static void default_job(struct json_object *tree)
{
	struct json_object *spec = default_workload(tree);
	if (!spec)
		return;
	if (!cs_tree_get(spec, "completions") && !cs_tree_get(spec, "parallelism"))
		cs_tree_set_int(spec, "completions", 1);
	cs_tree_default_int(spec, "parallelism", 1);
	cs_tree_default_int(spec, "backoffLimit",
			    cs_tree_get(spec, "backoffLimitPerIndex") ? INT32_MAX : 6);
	cs_tree_default_string(spec, "completionMode", "NonIndexed");
	cs_tree_default(spec, "suspend", json_object_new_boolean(false));
	cs_tree_default(spec, "manualSelector", json_object_new_boolean(false));
	default_labels(tree, cs_value_at(spec, "template.metadata.labels"));
}

static const struct {
	const char *group;
	const char *kind;
	void (*fill)(struct json_object *tree);
} kinds[] = {
	{ "", "Pod", default_pod },
	{ "", "Node", default_node },
	{ "", "Namespace", default_namespace },
	{ "", "Service", default_service },
	{ "", "ReplicationController", default_replication_controller },
	{ "apps", "ReplicaSet", default_replica_set },
	{ "apps", "Deployment", default_deployment },
	{ "apps", "StatefulSet", default_stateful_set },
	{ "apps", "DaemonSet", default_daemon_set },
	{ "batch", "Job", default_job },
};

void cs_default_object(const char *group, const char *kind, struct json_object *tree)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(kinds); i++)
		if (!strcmp(kinds[i].group, group) && !strcmp(kinds[i].kind, kind))
			kinds[i].fill(tree);
}
