// The rows of the kind table and the ways to find one.
// Neighbours: codec.c and protobuf.c are driven by a row's descriptor.
#include <csched/kube/kind.h>

#include <csched/base/slice.h>
#include <csched/kube/api.h>
#include <stdio.h>

const struct cs_kind cs_kind_pod = {
	.kind = "Pod",
	.group = "",
	.version = "v1",
	.resource = "pods",
	.namespaced = true,
	.descriptor = &kube__pod__descriptor,
};

const struct cs_kind cs_kind_node = {
	.kind = "Node",
	.group = "",
	.version = "v1",
	.resource = "nodes",
	.descriptor = &kube__node__descriptor,
};

const struct cs_kind cs_kind_namespace = {
	.kind = "Namespace",
	.group = "",
	.version = "v1",
	.resource = "namespaces",
	.descriptor = &kube__namespace__descriptor,
};

const struct cs_kind cs_kind_service = {
	.kind = "Service",
	.group = "",
	.version = "v1",
	.resource = "services",
	.namespaced = true,
	.descriptor = &kube__service__descriptor,
};

const struct cs_kind cs_kind_binding = {
	.kind = "Binding",
	.group = "",
	.version = "v1",
	.resource = "bindings",
	.namespaced = true,
	.descriptor = &kube__binding__descriptor,
};

const struct cs_kind cs_kind_event = {
	.kind = "Event",
	.group = "events.k8s.io",
	.version = "v1",
	.resource = "events",
	.namespaced = true,
	.descriptor = &kube__event__descriptor,
};

const struct cs_kind cs_kind_lease = {
	.kind = "Lease",
	.group = "coordination.k8s.io",
	.version = "v1",
	.resource = "leases",
	.namespaced = true,
	.descriptor = &kube__lease__descriptor,
};

const struct cs_kind cs_kind_deployment = {
	.kind = "Deployment",
	.group = "apps",
	.version = "v1",
	.resource = "deployments",
	.namespaced = true,
	.descriptor = &kube__deployment__descriptor,
};

const struct cs_kind cs_kind_replica_set = {
	.kind = "ReplicaSet",
	.group = "apps",
	.version = "v1",
	.resource = "replicasets",
	.namespaced = true,
	.descriptor = &kube__replica_set__descriptor,
};

const struct cs_kind cs_kind_replication_controller = {
	.kind = "ReplicationController",
	.group = "",
	.version = "v1",
	.resource = "replicationcontrollers",
	.namespaced = true,
	.descriptor = &kube__replication_controller__descriptor,
};

const struct cs_kind cs_kind_stateful_set = {
	.kind = "StatefulSet",
	.group = "apps",
	.version = "v1",
	.resource = "statefulsets",
	.namespaced = true,
	.descriptor = &kube__stateful_set__descriptor,
};

const struct cs_kind cs_kind_daemon_set = {
	.kind = "DaemonSet",
	.group = "apps",
	.version = "v1",
	.resource = "daemonsets",
	.namespaced = true,
	.descriptor = &kube__daemon_set__descriptor,
};

const struct cs_kind cs_kind_job = {
	.kind = "Job",
	.group = "batch",
	.version = "v1",
	.resource = "jobs",
	.namespaced = true,
	.descriptor = &kube__job__descriptor,
};

const struct cs_kind cs_kind_priority_class = {
	.kind = "PriorityClass",
	.group = "scheduling.k8s.io",
	.version = "v1",
	.resource = "priorityclasses",
	.descriptor = &kube__priority_class__descriptor,
};

const struct cs_kind *const cs_kinds[] = {
	&cs_kind_pod,
	&cs_kind_node,
	&cs_kind_namespace,
	&cs_kind_service,
	&cs_kind_replication_controller,
	&cs_kind_binding,
	&cs_kind_event,
	&cs_kind_lease,
	&cs_kind_deployment,
	&cs_kind_replica_set,
	&cs_kind_stateful_set,
	&cs_kind_daemon_set,
	&cs_kind_job,
	&cs_kind_priority_class,
	NULL,
};

static bool has_api_version(const struct cs_kind *kind, const char *api_version)
{
	size_t group = strlen(kind->group);
	if (group == 0)
		return strcmp(api_version, kind->version) == 0;
	return strncmp(api_version, kind->group, group) == 0 && api_version[group] == '/' &&
	       strcmp(api_version + group + 1, kind->version) == 0;
}

const struct cs_kind *cs_kind_find(const char *api_version, const char *kind)
{
	if (!api_version || !kind)
		return NULL;
	for (const struct cs_kind *const *at = cs_kinds; *at; at++)
		if (strcmp((*at)->kind, kind) == 0 && has_api_version(*at, api_version))
			return *at;
	return NULL;
}

const struct cs_kind *cs_kind_find_resource(const char *group, const char *version,
					    const char *resource)
{
	for (const struct cs_kind *const *at = cs_kinds; *at; at++)
		if (cs_string_equal((*at)->group, group) &&
		    cs_string_equal((*at)->version, version) &&
		    cs_string_equal((*at)->resource, resource))
			return *at;
	return NULL;
}

const char *cs_kind_api_version(const struct cs_kind *kind, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", kind->group, *kind->group ? "/" : "", kind->version);
	return out;
}
