// Namespaces by name. Neighbours: namespace.h.
#include "namespace.h"

#include <assert.h>
#include <csched/base/memory.h>
#include <errno.h>
#include <string.h>

#include "cluster_internal.h"

void cs_namespaces_init(struct cs_namespaces *all, struct cs_intern *strings, uint64_t seed)
{
	all->strings = strings;
	cs_map_init(&all->by_name, seed);
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
	assert(namespace->n_sets == 0);
	cs_intern_unref(all->strings, namespace->name);
	free(namespace->sets);
	free(namespace->bits);
	free(namespace);
}

struct cs_namespace *cs_namespace_find(const struct cs_namespaces *all, uint32_t name)
{
	struct cs_content *known = cs_map_get(&all->by_name, name_key(&name));
	return known ? CS_CONTAINER_OF(known, struct cs_namespace, content) : NULL;
}

// Four of 64, as in a Bloom filter: a set of five labels seems to have one that it has not in one
// case of a hundred.
uint64_t cs_namespace_bits(struct cs_node_label label)
{
	uint64_t mixed = ((uint64_t)label.key << 32 | label.value) * UINT64_C(0x9e3779b97f4a7c15);
	mixed ^= mixed >> 32;
	mixed *= UINT64_C(0xd6e8feb86659fd93);
	uint64_t bits = 0;
	for (int i = 0; i < 4; i++)
		bits |= UINT64_C(1) << (mixed >> (58 - 6 * i) & 63);
	return bits;
}

// ---- what the API server lists ----

static void drop_labels(struct cs_namespaces *all, struct cs_namespace *namespace)
{
	cs_node_labels_unref(all->strings, namespace->labels.labels, namespace->labels.n);
	free((void *)(uintptr_t) namespace->labels.labels);
	namespace->labels = (struct cs_labels){ 0 };
}

// Takes over the references of `labels`, not the array. True: that changes something.
static bool set_labels(struct cs_namespaces *all, struct cs_namespace *namespace,
		       struct cs_labels labels)
{
	size_t size = labels.n * sizeof(*labels.labels);
	if (labels.n == namespace->labels.n &&
	    (labels.n == 0 || memcmp(labels.labels, namespace->labels.labels, size) == 0)) {
		cs_node_labels_unref(all->strings, labels.labels, labels.n);
		return false;
	}
	drop_labels(all, namespace);
	struct cs_node_label *copy = cs_alloc(size);
	if (labels.n > 0)
		memcpy(copy, labels.labels, size);
	namespace->labels = (struct cs_labels){ copy, labels.n };
	return true;
}

static void unlist(struct cs_namespaces *all, struct cs_namespace *namespace)
{
	drop_labels(all, namespace);
	namespace->listed = false;
	cs_namespace_unref(all, namespace);
}

void cs_namespaces_finish(struct cs_namespaces *all)
{
	size_t n = cs_map_count(&all->by_name);
	struct cs_namespace **left = cs_alloc_array(n, sizeof(struct cs_namespace *));
	size_t at = 0;
	for (size_t i = 0; i < n; i++)
		left[i] = CS_CONTAINER_OF((struct cs_content *)cs_map_next(&all->by_name, &at),
					  struct cs_namespace, content);
	for (size_t i = 0; i < n; i++) {
		assert(left[i]->listed && left[i]->content.refs == 1);
		unlist(all, left[i]);
	}
	free(left);
	cs_map_finish(&all->by_name);
}

static void changed(struct cs_cluster *cluster, struct cs_namespace *namespace)
{
	cs_queries_namespace_changed(&cluster->queries, namespace);
	cs_carried_terms_ask_again(&cluster->carried);
}

int cs_namespaces_apply(struct cs_cluster *cluster, const ProtobufCMessage *object,
			uint32_t *ret_events, struct cs_error *err)
{
	const Kube__ObjectMeta *metadata = ((const Kube__Namespace *)object)->metadata;
	struct cs_namespaces *all = &cluster->queries.namespaces;
	if (!metadata || !metadata->name || !*metadata->name)
		return cs_error_set(err, -EINVAL, "namespace: metadata.name: missing");
	if (strlen(metadata->name) > CS_NAME_MAX)
		return cs_error_set(err, -EINVAL, "namespace: metadata.name: longer than %d bytes",
				    CS_NAME_MAX);
	struct cs_node_label *labels =
		cs_arena_alloc_array(cluster->scratch, metadata->n_labels, sizeof(*labels));
	uint32_t n = cs_node_labels_intern(cluster->strings, metadata->labels, metadata->n_labels,
					   labels);
	struct cs_namespace *namespace = cs_namespace_ref(all, metadata->name);
	bool added = !namespace->listed;
	bool relabelled = set_labels(all, namespace, (struct cs_labels){ labels, n });
	namespace->listed = true;
	if (relabelled)
		changed(cluster, namespace);
	if (added || relabelled)
		*ret_events = CS_EVENT_NAMESPACE;
	if (!added)
		cs_namespace_unref(all, namespace);
	cs_arena_reset(cluster->scratch);
	return 0;
}

uint32_t cs_namespaces_remove(struct cs_cluster *cluster, const char *namespace_, const char *name)
{
	(void)namespace_;
	struct cs_namespaces *all = &cluster->queries.namespaces;
	uint32_t id = cs_intern_find(cluster->strings, cs_slice_of(name));
	struct cs_namespace *namespace = id ? cs_namespace_find(all, id) : NULL;
	if (!namespace || !namespace->listed)
		return 0;
	drop_labels(all, namespace);
	changed(cluster, namespace);
	unlist(all, namespace);
	return CS_EVENT_NAMESPACE;
}
