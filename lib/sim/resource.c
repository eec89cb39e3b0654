// The table of resources kubesim serves. Neighbours: resource.h says what the columns mean.
#include "resource.h"

#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>

#define NAMESPACED .namespaced = true, .lower_dns_name = true
#define CLUSTER    .lower_dns_name = true
#define STATUS     .has_status = true
#define GENERATION .has_generation = true
#define RETURNED   .returns_deleted = true

#define CORE(n, s, k)         .group = "", .version = "v1", .name = n, .singular = s, .kind = k
#define GROUP(g, v, n, s, k)  .group = g, .version = v, .name = n, .singular = s, .kind = k
#define APPS(n, s, k)         GROUP("apps", "v1", n, s, k)
#define RBAC(n, s, k)         GROUP("rbac.authorization.k8s.io", "v1", n, s, k)
#define STORAGE(n, s, k)      GROUP("storage.k8s.io", "v1", n, s, k)
#define RESOURCE_API(n, s, k) GROUP("resource.k8s.io", "v1", n, s, k)

const struct sim_resource sim_resources[] = {
	[SIM_NAMESPACES] = { CORE("namespaces", "namespace", "Namespace"), .short_names = "ns",
			     .fields = { "status.phase" }, CLUSTER, STATUS, RETURNED },
	[SIM_NODES] = { CORE("nodes", "node", "Node"), .short_names = "no",
			.fields = { "spec.unschedulable" }, CLUSTER, STATUS },
	[SIM_PODS] = { CORE("pods", "pod", "Pod"), .short_names = "po",
		       .fields = { "spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
				   "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
				   "status.podIP", "status.nominatedNodeName" },
		       NAMESPACED, STATUS, GENERATION, RETURNED },
	[SIM_SERVICES] = { CORE("services", "service", "Service"), .short_names = "svc",
			   .fields = { "spec.clusterIP", "spec.type" }, NAMESPACED, STATUS,
			   RETURNED },
	[SIM_DEPLOYMENTS] = { APPS("deployments", "deployment", "Deployment"),
			      .short_names = "deploy", NAMESPACED, STATUS, GENERATION,
			      .has_scale = true },
	[SIM_REPLICASETS] = { APPS("replicasets", "replicaset", "ReplicaSet"), .short_names = "rs",
			      .fields = { "status.replicas" }, NAMESPACED, STATUS, GENERATION,
			      .has_scale = true },
	[SIM_LEASES] = { GROUP("coordination.k8s.io", "v1", "leases", "lease", "Lease"), NAMESPACED,
			 .needs_version = true, .created_by_update = true },
	[SIM_EVENTS] = { GROUP("events.k8s.io", "v1", "events", "event", "Event"),
			 .short_names = "ev",
			 .fields = { "reason", "type", "reportingController", "regarding.kind",
				     "regarding.namespace", "regarding.name", "regarding.uid" },
			 .namespaced = true },
	[SIM_CORE_EVENTS] = { CORE("events", "event", "Event"), .short_names = "ev",
			      .fields = { "reason", "type", "reportingComponent",
					  "involvedObject.kind", "involvedObject.namespace",
					  "involvedObject.name", "involvedObject.uid",
					  "involvedObject.apiVersion" },
			      .namespaced = true },
	[SIM_PRIORITY_CLASSES] = { GROUP("scheduling.k8s.io", "v1", "priorityclasses",
					 "priorityclass", "PriorityClass"),
				   .short_names = "pc", CLUSTER },
	{ CORE("configmaps", "configmap", "ConfigMap"), .short_names = "cm", NAMESPACED },
	{ CORE("secrets", "secret", "Secret"), .fields = { "type" }, NAMESPACED },
	{ CORE("serviceaccounts", "serviceaccount", "ServiceAccount"), .short_names = "sa",
	  NAMESPACED, RETURNED },
	{ CORE("endpoints", "endpoints", "Endpoints"), .short_names = "ep", NAMESPACED },
	{ CORE("limitranges", "limitrange", "LimitRange"), .short_names = "limits", NAMESPACED },
	{ CORE("resourcequotas", "resourcequota", "ResourceQuota"), .short_names = "quota",
	  NAMESPACED, STATUS, RETURNED },
	{ CORE("persistentvolumes", "persistentvolume", "PersistentVolume"), .short_names = "pv",
	  CLUSTER, STATUS, RETURNED },
	{ CORE("persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim"),
	  .short_names = "pvc", NAMESPACED, STATUS, RETURNED },
	{ CORE("podtemplates", "podtemplate", "PodTemplate"), NAMESPACED, GENERATION, RETURNED },
	{ CORE("replicationcontrollers", "replicationcontroller", "ReplicationController"),
	  .short_names = "rc", NAMESPACED, STATUS, GENERATION },
	{ APPS("statefulsets", "statefulset", "StatefulSet"), .short_names = "sts", NAMESPACED,
	  STATUS, GENERATION },
	{ APPS("daemonsets", "daemonset", "DaemonSet"), .short_names = "ds", NAMESPACED, STATUS,
	  GENERATION },
	{ APPS("controllerrevisions", "controllerrevision", "ControllerRevision"), NAMESPACED },
	{ GROUP("batch", "v1", "jobs", "job", "Job"), NAMESPACED, STATUS, GENERATION },
	{ GROUP("batch", "v1", "cronjobs", "cronjob", "CronJob"), .short_names = "cj", NAMESPACED,
	  STATUS, GENERATION },
	{ GROUP("autoscaling", "v2", "horizontalpodautoscalers", "horizontalpodautoscaler",
		"HorizontalPodAutoscaler"),
	  .short_names = "hpa", NAMESPACED, STATUS },
	{ GROUP("policy", "v1", "poddisruptionbudgets", "poddisruptionbudget",
		"PodDisruptionBudget"),
	  .short_names = "pdb", NAMESPACED, STATUS, GENERATION },
	{ GROUP("networking.k8s.io", "v1", "networkpolicies", "networkpolicy", "NetworkPolicy"),
	  .short_names = "netpol", NAMESPACED, GENERATION },
	{ GROUP("networking.k8s.io", "v1", "ingresses", "ingress", "Ingress"), .short_names = "ing",
	  NAMESPACED, STATUS, GENERATION },
	{ GROUP("discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice"),
	  NAMESPACED },
	{ GROUP("node.k8s.io", "v1", "runtimeclasses", "runtimeclass", "RuntimeClass"), CLUSTER },
	{ RBAC("roles", "role", "Role"), .namespaced = true },
	{ RBAC("rolebindings", "rolebinding", "RoleBinding"), .namespaced = true },
	{ RBAC("clusterroles", "clusterrole", "ClusterRole") },
	{ RBAC("clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding") },
	{ STORAGE("storageclasses", "storageclass", "StorageClass"), .short_names = "sc", CLUSTER,
	  RETURNED },
	{ STORAGE("csinodes", "csinode", "CSINode"), CLUSTER, RETURNED },
	{ STORAGE("csidrivers", "csidriver", "CSIDriver"), CLUSTER, RETURNED },
	{ STORAGE("csistoragecapacities", "csistoragecapacity", "CSIStorageCapacity"), NAMESPACED },
	{ STORAGE("volumeattachments", "volumeattachment", "VolumeAttachment"), CLUSTER, STATUS,
	  RETURNED },
	{ RESOURCE_API("resourceclaims", "resourceclaim", "ResourceClaim"), NAMESPACED, STATUS,
	  RETURNED },
	{ RESOURCE_API("resourceclaimtemplates", "resourceclaimtemplate", "ResourceClaimTemplate"),
	  NAMESPACED, RETURNED },
	{ RESOURCE_API("resourceslices", "resourceslice", "ResourceSlice"), CLUSTER, GENERATION,
	  RETURNED },
	{ RESOURCE_API("deviceclasses", "deviceclass", "DeviceClass"), CLUSTER, GENERATION,
	  RETURNED },
	{ GROUP("metrics.k8s.io", "v1beta1", "nodes", "", "NodeMetrics"), .measured = true },
	{ GROUP("metrics.k8s.io", "v1beta1", "pods", "", "PodMetrics"), .namespaced = true,
	  .measured = true },
};
const size_t sim_resource_count = CS_ARRAY_LENGTH(sim_resources);

const struct sim_resource *sim_resource_find(const char *group, const char *version,
					     const char *name)
{
	for (size_t i = 0; i < sim_resource_count; i++) {
		const struct sim_resource *resource = &sim_resources[i];
		if (strcmp(resource->name, name) == 0 && strcmp(resource->group, group) == 0 &&
		    strcmp(resource->version, version) == 0)
			return resource;
	}
	return NULL;
}

const char *sim_resource_api_version(const struct sim_resource *resource, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s%s", resource->group, *resource->group ? "/" : "",
		       resource->version);
	return out;
}

const struct sim_resource *sim_resource_of_kind(const char *api_version, const char *kind)
{
	char own[64];
	for (size_t i = 0; i < sim_resource_count; i++) {
		const struct sim_resource *resource = &sim_resources[i];
		if (!resource->measured && cs_string_equal(resource->kind, kind) &&
		    cs_string_equal(sim_resource_api_version(resource, own, sizeof(own)),
				    api_version))
			return resource;
	}
	return NULL;
}

size_t sim_resource_index(const struct sim_resource *resource)
{
	return (size_t)(resource - sim_resources);
}
