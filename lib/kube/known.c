// Fields that Kubernetes 1.36 has and our .proto files leave out, so that a typo can be told from
// them. Neighbours: known.h; codec.c asks. test/oracle/fields holds the table to k8s.io/api.
#include "known.h"

#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/kube/api.h>

static const struct {
	const ProtobufCMessageDescriptor *of;
	const char *names; // with a blank between two
} left_out[] = {
	{ &kube__csivolume_source__descriptor, "fsType nodePublishSecretRef volumeAttributes" },
	{ &kube__container__descriptor,
	  "args command env envFrom imagePullPolicy lifecycle livenessProbe "
	  "readinessProbe resizePolicy securityContext startupProbe stdin "
	  "stdinOnce terminationMessagePath terminationMessagePolicy tty "
	  "volumeDevices volumeMounts workingDir" },
	{ &kube__container_restart_rule__descriptor, "exitCodes" },
	{ &kube__container_state__descriptor, "terminated waiting" },
	{ &kube__container_status__descriptor,
	  "allocatedResourcesStatus containerID image imageID lastState "
	  "restartCount stopSignal user volumeMounts" },
	{ &kube__daemon_set__descriptor, "status" },
	{ &kube__daemon_set_spec__descriptor,
	  "minReadySeconds revisionHistoryLimit updateStrategy" },
	{ &kube__deployment_spec__descriptor,
	  "minReadySeconds progressDeadlineSeconds revisionHistoryLimit strategy" },
	{ &kube__deployment_status__descriptor, "collisionCount conditions terminatingReplicas" },
	{ &kube__iscsivolume_source__descriptor,
	  "chapAuthDiscovery chapAuthSession fsType initiatorName iscsiInterface "
	  "portals secretRef" },
	{ &kube__job_spec__descriptor,
	  "activeDeadlineSeconds backoffLimit backoffLimitPerIndex managedBy "
	  "manualSelector maxFailedIndexes podFailurePolicy podReplacementPolicy "
	  "selector successPolicy ttlSecondsAfterFinished" },
	{ &kube__job_status__descriptor,
	  "active completedIndexes conditions failed failedIndexes ready "
	  "startTime terminating uncountedTerminatedPods" },
	{ &kube__namespace__descriptor, "spec" },
	{ &kube__namespace_status__descriptor, "conditions" },
	{ &kube__node_spec__descriptor, "configSource externalID podCIDR podCIDRs" },
	{ &kube__node_status__descriptor,
	  "config daemonEndpoints features runtimeHandlers volumesAttached "
	  "volumesInUse" },
	{ &kube__node_system_info__descriptor,
	  "bootID kubeProxyVersion machineID swap systemUUID" },
	{ &kube__object__descriptor, "spec status" },
	{ &kube__object_meta__descriptor, "managedFields selfLink" },
	{ &kube__pod_spec__descriptor,
	  "activeDeadlineSeconds automountServiceAccountToken dnsConfig dnsPolicy "
	  "enableServiceLinks ephemeralContainers hostAliases hostIPC hostPID "
	  "hostname hostnameOverride imagePullSecrets readinessGates "
	  "securityContext serviceAccount serviceAccountName setHostnameAsFQDN "
	  "shareProcessNamespace subdomain" },
	{ &kube__pod_status__descriptor,
	  "ephemeralContainerStatuses extendedResourceClaimStatus hostIPs "
	  "nodeAllocatableResourceClaimStatuses resize resourceClaimStatuses" },
	{ &kube__priority_class__descriptor, "description" },
	{ &kube__rbdvolume_source__descriptor, "keyring secretRef user" },
	{ &kube__replica_set_status__descriptor, "conditions terminatingReplicas" },
	{ &kube__replication_controller_status__descriptor, "conditions" },
	{ &kube__service__descriptor, "status" },
	{ &kube__service_spec__descriptor,
	  "allocateLoadBalancerNodePorts clusterIPs externalIPs externalName "
	  "externalTrafficPolicy healthCheckNodePort internalTrafficPolicy "
	  "ipFamilies ipFamilyPolicy loadBalancerClass loadBalancerIP "
	  "loadBalancerSourceRanges publishNotReadyAddresses sessionAffinity "
	  "sessionAffinityConfig trafficDistribution" },
	{ &kube__stateful_set_spec__descriptor,
	  "persistentVolumeClaimRetentionPolicy revisionHistoryLimit "
	  "updateStrategy" },
	{ &kube__stateful_set_status__descriptor, "collisionCount conditions" },
};

static bool has_word(const char *words, const char *word)
{
	size_t size = strlen(word);
	for (const char *at = words; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		if (n == size && memcmp(at, word, n) == 0)
			return true;
		at += n;
	}
	return false;
}

bool cs_known_field(const ProtobufCMessageDescriptor *of, const char *json_name)
{
	if (of->n_fields == 0) // it says that it is there, no more
		return true;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(left_out); i++)
		if (left_out[i].of == of)
			return has_word(left_out[i].names, json_name);
	return false;
}
