// Nominated pods by node: a short list, since few pods wait for a node of their own.
// Neighbours: nominated.h, pod.c. Mirrors pkg/scheduler/backend/queue/nominator.go.
#include "nominated.h"

#include <csched/base/memory.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_internal.h"

void cs_nominations_finish(struct cs_nominations *nominations)
{
	for (uint32_t i = 0; i < nominations->n; i++)
		free(nominations->list[i].pods);
	free(nominations->list);
	*nominations = (struct cs_nominations){ 0 };
}

static struct cs_nomination *find(const struct cs_nominations *nominations, uint32_t node)
{
	for (uint32_t i = 0; i < nominations->n; i++)
		if (nominations->list[i].node == node)
			return &nominations->list[i];
	return NULL;
}

static struct cs_nomination *add_node(struct cs_nominations *nominations, uint32_t node)
{
	if (nominations->n == nominations->capacity) {
		nominations->capacity = nominations->capacity ? 2 * nominations->capacity : 8;
		nominations->list = cs_realloc_array(nominations->list, nominations->capacity,
						     sizeof(*nominations->list));
	}
	struct cs_nomination *nomination = &nominations->list[nominations->n++];
	*nomination = (struct cs_nomination){ .node = node };
	return nomination;
}

static void remove_pod(struct cs_nominations *nominations, const struct cs_pod *pod)
{
	struct cs_nomination *nomination = find(nominations, pod->nominated_node);
	uint32_t i = 0;
	while (nomination->pods[i] != pod)
		i++;
	nomination->n--;
	memmove(nomination->pods + i, nomination->pods + i + 1,
		(nomination->n - i) * sizeof(struct cs_pod *));
	if (nomination->n > 0)
		return;
	free(nomination->pods);
	*nomination = nominations->list[--nominations->n];
}

// `node` is a reference that the pod takes over, CS_INTERN_NONE for none.
static void set(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t node)
{
	struct cs_nominations *nominations = &cluster->nominations;
	uint32_t before = pod->nominated_node;
	if (before != CS_INTERN_NONE)
		remove_pod(nominations, pod);
	pod->nominated_node = node;
	cs_intern_unref(cluster->strings, before);
	if (node == CS_INTERN_NONE)
		return;
	struct cs_nomination *nomination = find(nominations, node);
	if (!nomination)
		nomination = add_node(nominations, node);
	nomination->pods =
		cs_realloc_array(nomination->pods, nomination->n + 1, sizeof(struct cs_pod *));
	nomination->pods[nomination->n++] = pod;
}

static uint32_t intern(struct cs_cluster *cluster, const char *node_name)
{
	bool named = node_name && *node_name && strlen(node_name) <= CS_NAME_MAX;
	return named ? cs_intern_ref(cluster->strings, cs_slice_of(node_name)) : CS_INTERN_NONE;
}

void cs_nominations_told(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name,
			 bool keep)
{
	bool told_before = pod->nomination_told;
	uint32_t node = intern(cluster, node_name);
	pod->nomination_told = node != CS_INTERN_NONE;
	bool says_nothing = !told_before && !pod->nomination_told;
	if (keep && !says_nothing && node != pod->nominated_node)
		set(cluster, pod, node);
	else
		cs_intern_unref(cluster->strings, node);
}

void cs_nominations_forget(struct cs_cluster *cluster, struct cs_pod *pod)
{
	set(cluster, pod, CS_INTERN_NONE);
	pod->nomination_told = false;
}

void cs_cluster_nominate(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name)
{
	set(cluster, pod, intern(cluster, node_name));
}

const struct cs_nomination *cs_cluster_nominations(const struct cs_cluster *cluster,
						   uint32_t *ret_n)
{
	*ret_n = cluster->nominations.n;
	return cluster->nominations.list;
}

static int check_pod(const struct cs_pod *pod, uint32_t node, struct cs_error *err)
{
	if (pod->state == CS_POD_UNBOUND && pod->nominated_node == node)
		return 0;
	return cs_error_set(err, -EUCLEAN, "pod %s/%s: listed with a node it is not nominated to",
			    pod->namespace, pod->name);
}

int cs_nominations_check(const struct cs_cluster *cluster, struct cs_error *err)
{
	size_t listed = 0, nominated = 0, at = 0;
	for (uint32_t i = 0; i < cluster->nominations.n; i++) {
		const struct cs_nomination *nomination = &cluster->nominations.list[i];
		listed += nomination->n;
		for (uint32_t k = 0; k < nomination->n; k++) {
			int r = check_pod(nomination->pods[k], nomination->node, err);
			if (r)
				return r;
		}
	}
	for (size_t i = 0; i < cs_map_count(&cluster->pods); i++) {
		const struct cs_pod *pod = cs_map_next(&cluster->pods, &at);
		nominated += pod->nominated_node != CS_INTERN_NONE;
	}
	return listed == nominated
		       ? 0
		       : cs_error_set(err, -EUCLEAN, "%zu pods are nominated, %zu listed",
				      nominated, listed);
}
