// The table of resources kubesim serves. Neighbours: discovery.c prints it, store.c keeps a
// collection for each row.
#ifndef SIM_RESOURCE_H
#define SIM_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>

// Rows that code refers to; further rows only store and return trees.
enum sim_resource_id {
	SIM_NAMESPACES,
	SIM_NODES,
	SIM_PODS,
	SIM_SERVICES,
	SIM_DEPLOYMENTS,
	SIM_REPLICASETS,
	SIM_LEASES,
	SIM_EVENTS,      // events.k8s.io/v1: how events are stored
	SIM_CORE_EVENTS, // v1: the same objects under older names
	SIM_PRIORITY_CLASSES,
	SIM_FIRST_PLAIN,
};

struct sim_resource {
	const char *group; // "" for core
	const char *version;
	const char *name; // plural, as in URLs
	const char *singular;
	const char *kind;
	const char *short_names; // separated by spaces, or NULL
	bool namespaced;
	bool has_status;        // a status sub-resource; the main one ignores changes of status
	bool has_scale;         // a scale sub-resource
	bool has_generation;    // metadata.generation counts changes of spec
	bool returns_deleted;   // DELETE answers with the object instead of a Status
	bool needs_version;     // PUT must carry the resourceVersion it changes
	bool created_by_update; // PUT creates what is not there
	bool measured;          // by the load model: only get and list, and only where it is on
	bool lower_dns_name;    // names are checked as DNS-1123 subdomains
	const char *fields[8];  // field selectors beside metadata.name and metadata.namespace
};

extern const struct sim_resource sim_resources[];
extern const size_t sim_resource_count;

// NULL when it is not served.
const struct sim_resource *sim_resource_find(const char *group, const char *version,
					     const char *name);
const struct sim_resource *sim_resource_of_kind(const char *api_version, const char *kind);
// "v1" or "apps/v1" into `out`; returns it.
const char *sim_resource_api_version(const struct sim_resource *resource, char *out, size_t size);
size_t sim_resource_index(const struct sim_resource *resource);

#endif
