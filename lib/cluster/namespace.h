// Namespaces that pods live in, or that the API server tells of, and the label sets inside them.
// Neighbours: label_set.c enters sets, query.c walks them, object.c passes on Namespace objects.
#ifndef LIB_CLUSTER_NAMESPACE_H
#define LIB_CLUSTER_NAMESPACE_H

#include <csched/base/map.h>

#include "content.h"
#include "pod_match.h"

struct cs_cluster;
struct cs_label_set;

struct cs_namespace {
	struct cs_content content; // key: the name's id
	uint32_t name;             // intern id, a reference held
	bool listed;               // the API server has it: one reference
	struct cs_labels labels;   // of the object; none while it is not listed
	uint64_t services_version; // grows when a Service in it changes
	// The label sets in it, and of each some bits per label that it has, so that most which
	// lack a required label are passed over without being looked at.
	struct cs_label_set **sets;
	uint64_t *bits;
	uint32_t n_sets;
	uint32_t capacity;
};

struct cs_namespaces {
	struct cs_intern *strings; // borrowed
	struct cs_map by_name;
};

void cs_namespaces_init(struct cs_namespaces *all, struct cs_intern *strings, uint64_t seed);
void cs_namespaces_finish(struct cs_namespaces *all); // none may be left but listed ones

struct cs_namespace *cs_namespace_ref(struct cs_namespaces *all, const char *name);
void cs_namespace_unref(struct cs_namespaces *all, struct cs_namespace *namespace);
struct cs_namespace *cs_namespace_find(const struct cs_namespaces *all, uint32_t name);
// As cs_cluster_apply_object and cs_cluster_remove_object, for object.c.
int cs_namespaces_apply(struct cs_cluster *cluster, const ProtobufCMessage *object,
			uint32_t *ret_events, struct cs_error *err);
uint32_t cs_namespaces_remove(struct cs_cluster *cluster, const char *namespace, const char *name);

// The bits of a label.
uint64_t cs_namespace_bits(struct cs_node_label label);

#endif
