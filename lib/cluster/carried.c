// Carried terms by content, indexed while some pod carries them. Neighbours: carried.h.
// A term's key: kind, weight, the topology key's id, and the question to incoming pods.
#include "carried.h"

#include <assert.h>
#include <csched/base/memory.h>

#include "cluster_internal.h"

#define HEAD_WORDS 3

struct carried {
	struct cs_content content;
	struct cs_match_member member;
	struct cs_topology *topology;
	struct cs_carried shown;
};

static struct carried *carried_of(const struct cs_carried *shown)
{
	return CS_CONTAINER_OF((struct cs_carried *)(uintptr_t)shown, struct carried, shown);
}

struct cs_carried *cs_carried_of(struct cs_content *content)
{
	return &CS_CONTAINER_OF(content, struct carried, content)->shown;
}

void cs_carried_terms_init(struct cs_carried_terms *all, uint64_t seed)
{
	cs_map_init(&all->by_content, seed);
	cs_match_index_init(&all->index, seed);
	all->generation = 1;
}

void cs_carried_terms_finish(struct cs_carried_terms *all)
{
	assert(cs_map_count(&all->by_content) == 0);
	cs_map_finish(&all->by_content);
	cs_match_index_finish(&all->index);
	free(all->found);
}

void cs_carried_terms_ask_again(struct cs_carried_terms *all)
{
	all->asked = NULL;
}

static const uint32_t *words_of(const struct carried *carried)
{
	return (const void *)carried->content.key.data;
}

const uint32_t *cs_carried_match(const struct cs_carried *carried)
{
	return words_of(carried_of(carried)) + HEAD_WORDS;
}

// ---- references ----

struct cs_carried *cs_carried_ref(struct cs_cluster *cluster, const struct cs_carried_source *from)
{
	struct cs_topology *topology = cs_topology_ref(cluster, from->topology_key);
	struct cs_words words = { .scratch = cluster->scratch };
	cs_words_put(&words, from->kind);
	cs_words_put(&words, (uint32_t)from->weight);
	cs_words_put(&words, topology->key);
	cs_pod_match_compile(cluster->strings, &from->pods, &words);
	struct cs_slice key = { (const char *)words.at, words.n * sizeof(*words.at) };
	struct cs_content *known = cs_content_ref(&cluster->carried.by_content, key);
	if (known) {
		cs_pod_match_unref(cluster->strings, words.at + HEAD_WORDS);
		cs_topology_unref(cluster, topology);
		return cs_carried_of(known);
	}
	struct carried *carried = cs_alloc(sizeof(*carried));
	carried->topology = topology;
	carried->shown.kind = from->kind;
	carried->shown.weight = from->weight;
	carried->shown.topology = topology;
	cs_content_add(&cluster->carried.by_content, &carried->content, key);
	return &carried->shown;
}

void cs_carried_unref(struct cs_cluster *cluster, struct cs_carried *shown)
{
	struct carried *carried = carried_of(shown);
	if (carried->content.refs > 1) {
		carried->content.refs--;
		return;
	}
	assert(shown->carriers.n_used == 0);
	cs_pod_match_unref(cluster->strings, cs_carried_match(shown));
	cs_topology_unref(cluster, carried->topology);
	cs_row_counts_finish(&shown->carriers);
	cs_content_unref(&cluster->carried.by_content, &carried->content);
	free(carried);
}

// ---- carriers ----

void cs_carried_count(struct cs_cluster *cluster, struct cs_carried *shown,
		      struct cs_row_change change)
{
	struct cs_carried_terms *all = &cluster->carried;
	struct carried *carried = carried_of(shown);
	const uint32_t *match = cs_carried_match(shown);
	bool was_carried = shown->carriers.n_used > 0;
	cs_row_counts_add(&shown->carriers, cluster->nodes.table.n_rows, change);
	bool is_carried = shown->carriers.n_used > 0;
	if (is_carried == was_carried)
		return;
	if (is_carried)
		cs_match_index_add(&all->index, &carried->member, match, cs_pod_match_next(match));
	else
		cs_match_index_remove(&all->index, &carried->member);
	all->generation++;
}

// ---- asking ----

bool cs_carried_test(const struct cs_carried *carried, const struct cs_label_set *set)
{
	const uint32_t *match = cs_carried_match(carried);
	return cs_pod_match_labels(match, cs_label_set_labels(set)) &&
	       cs_pod_match_namespace(match, set->namespace, CS_POD_MATCH_CARRIED);
}

static void meet(void *user, struct cs_match_member *member)
{
	struct cs_carried_terms *all = user;
	struct cs_carried *carried = &CS_CONTAINER_OF(member, struct carried, member)->shown;
	if (!cs_carried_test(carried, all->asked))
		return;
	if (all->n_found == all->capacity) {
		all->capacity = all->capacity ? all->capacity * 2 : 8;
		all->found =
			cs_realloc_array(all->found, all->capacity, sizeof(struct cs_carried *));
	}
	all->found[all->n_found++] = carried;
}

const struct cs_carried *const *cs_cluster_carried(struct cs_cluster *cluster,
						   const struct cs_pod *pod, uint32_t *ret_n)
{
	struct cs_carried_terms *all = &cluster->carried;
	if (all->asked != pod->labels || all->asked_generation != all->generation) {
		all->asked = pod->labels;
		all->asked_generation = all->generation;
		all->n_found = 0;
		cs_match_index_find(&all->index, pod->labels->namespace->name,
				    cs_label_set_labels(pod->labels), meet, all);
	}
	*ret_n = all->n_found;
	return (const struct cs_carried *const *)all->found;
}
