// The table of API kinds this program reads or writes.
// Neighbours: codec.h decodes them, client's reflector and sim's store are driven by rows of it.
#ifndef CSCHED_KUBE_KIND_H
#define CSCHED_KUBE_KIND_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct cs_kind {
	const char *kind;     // "Pod"
	const char *group;    // "" for the core group
	const char *version;  // "v1"
	const char *resource; // "pods", as in the URL
	bool namespaced;
	// The message type; its first field is always `metadata` (Kube__ObjectMeta). NULL for kinds
	// that only sim stores as trees.
	const ProtobufCMessageDescriptor *descriptor;
};

extern const struct cs_kind cs_kind_pod, cs_kind_node, cs_kind_namespace, cs_kind_service,
	cs_kind_binding, cs_kind_event, cs_kind_lease, cs_kind_deployment, cs_kind_replica_set,
	cs_kind_replication_controller, cs_kind_stateful_set, cs_kind_daemon_set, cs_kind_job,
	cs_kind_priority_class;

// All rows; the array ends with NULL.
extern const struct cs_kind *const cs_kinds[];

// api_version is "v1" or "group/version". NULL when unknown.
const struct cs_kind *cs_kind_find(const char *api_version, const char *kind);
const struct cs_kind *cs_kind_find_resource(const char *group, const char *version,
					    const char *resource);
// "v1", "apps/v1": writes at most `size` bytes with the NUL, returns `out`.
const char *cs_kind_api_version(const struct cs_kind *kind, char *out, size_t size);

#endif
