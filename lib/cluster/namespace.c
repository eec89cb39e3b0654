// Namespaces by name. Neighbours: namespace.h.
#include "namespace.h"

#include <assert.h>
#include <csched/base/memory.h>
#include <string.h>

#include "node_selector_internal.h"

void cs_namespaces_init(struct cs_namespaces *all, struct cs_intern *strings, uint64_t seed)
{
	all->strings = strings;
	cs_map_init(&all->by_name, seed);
}

void cs_namespaces_finish(struct cs_namespaces *all)
{
	assert(cs_map_count(&all->by_name) == 0);
	cs_map_finish(&all->by_name);
}

static struct cs_slice name_key(const uint32_t *name)
{
	return (struct cs_slice){ (const char *)name, sizeof(*name) };
}

struct cs_namespace *cs_namespace_ref(struct cs_namespaces *all, const char *name)
{
	uint32_t id = cs_intern_ref(all->strings, cs_slice_of(name));
	struct cs_content *known = cs_content_ref(&all->by_name, name_key(&id));
	if (known) {
		cs_intern_unref(all->strings, id);
		return CS_CONTAINER_OF(known, struct cs_namespace, content);
	}
	struct cs_namespace *namespace = cs_alloc(sizeof(*namespace));
	namespace->name = id;
	cs_content_add(&all->by_name, &namespace->content, name_key(&id));
	return namespace;
}

void cs_namespace_unref(struct cs_namespaces *all, struct cs_namespace *namespace)
{
	if (!cs_content_unref(&all->by_name, &namespace->content))
		return;
	assert(namespace->n_entries == 0);
	cs_intern_unref(all->strings, namespace->name);
	free(namespace->entries);
	free(namespace);
}

struct cs_namespace *cs_namespace_find(const struct cs_namespaces *all, uint32_t name)
{
	struct cs_content *known = cs_map_get(&all->by_name, name_key(&name));
	return known ? CS_CONTAINER_OF(known, struct cs_namespace, content) : NULL;
}

static void drop_labels(struct cs_namespace *namespace, struct cs_intern *strings)
{
	cs_node_labels_unref(strings, namespace->labels.labels, namespace->labels.n);
	free((void *)(uintptr_t) namespace->labels.labels);
	namespace->labels = (struct cs_labels){ 0 };
}

bool cs_namespace_list(struct cs_namespace *namespace, struct cs_intern *strings,
		       struct cs_labels labels)
{
	size_t size = labels.n * sizeof(*labels.labels);
	bool same = labels.n == namespace->labels.n &&
		    (labels.n == 0 || memcmp(labels.labels, namespace->labels.labels, size) == 0);
	bool was_listed = namespace->listed;
	namespace->listed = true;
	if (same) {
		cs_node_labels_unref(strings, labels.labels, labels.n);
		return !was_listed;
	}
	drop_labels(namespace, strings);
	struct cs_node_label *copy = cs_alloc(size);
	if (labels.n > 0)
		memcpy(copy, labels.labels, size);
	namespace->labels = (struct cs_labels){ copy, labels.n };
	return true;
}

void cs_namespace_unlist(struct cs_namespace *namespace, struct cs_intern *strings)
{
	drop_labels(namespace, strings);
	namespace->listed = false;
}

uint64_t cs_namespace_bit(struct cs_node_label label)
{
	uint64_t mixed = ((uint64_t)label.key << 32 | label.value) * UINT64_C(0x9e3779b97f4a7c15);
	return UINT64_C(1) << (mixed >> 58);
}
