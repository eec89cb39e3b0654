// Label sets by content. Neighbours: label_set.h.
#include "label_set.h"

#include <csched/base/memory.h>
#include <string.h>

#include "node_selector_internal.h"
#include "query_internal.h"

struct cs_labels cs_label_set_labels(const struct cs_label_set *set)
{
	const struct cs_node_label *words = (const void *)set->content.key.data;
	return (struct cs_labels){ words + 1,
				   (uint32_t)(set->content.key.size / sizeof(*words)) - 1 };
}

// ---- content ----

static void enter_namespace(struct cs_label_set *set)
{
	struct cs_namespace *namespace = set->namespace;
	if (namespace->n_sets == namespace->capacity) {
		namespace->capacity = namespace->capacity ? namespace->capacity * 2 : 4;
		namespace->sets = cs_realloc_array(namespace->sets, namespace->capacity,
						   sizeof(struct cs_label_set *));
		namespace->bits = cs_realloc_array(namespace->bits, namespace->capacity,
						   sizeof(*namespace->bits));
	}
	struct cs_labels labels = cs_label_set_labels(set);
	uint64_t bits = 0;
	for (uint32_t i = 0; i < labels.n; i++)
		bits |= cs_namespace_bits(labels.labels[i]);
	set->index = namespace->n_sets++;
	namespace->sets[set->index] = set;
	namespace->bits[set->index] = bits;
}

static void leave_namespace(struct cs_label_set *set)
{
	struct cs_namespace *namespace = set->namespace;
	uint32_t last = --namespace->n_sets;
	namespace->sets[set->index] = namespace->sets[last];
	namespace->bits[set->index] = namespace->bits[last];
	namespace->sets[set->index]->index = set->index;
}

struct cs_label_set *cs_label_set_ref(struct cs_queries *queries, struct cs_arena *scratch,
				      const Kube__ObjectMeta *metadata)
{
	struct cs_namespace *namespace =
		cs_namespace_ref(&queries->namespaces, metadata->namespace_);
	struct cs_node_label *words =
		cs_arena_alloc_array(scratch, metadata->n_labels + 1, sizeof(*words));
	words[0].key = namespace->name;
	uint32_t n = cs_node_labels_intern(queries->strings, metadata->labels, metadata->n_labels,
					   words + 1);
	struct cs_slice key = { (const char *)words, (n + 1) * sizeof(*words) };
	struct cs_content *known = cs_content_ref(&queries->label_sets, key);
	if (known) {
		cs_node_labels_unref(queries->strings, words + 1, n);
		cs_namespace_unref(&queries->namespaces, namespace);
		return CS_CONTAINER_OF(known, struct cs_label_set, content);
	}
	struct cs_label_set *set = cs_alloc(sizeof(*set));
	set->namespace = namespace;
	cs_content_add(&queries->label_sets, &set->content, key);
	enter_namespace(set);
	cs_queries_enter(queries, set);
	return set;
}

void cs_label_set_unref(struct cs_queries *queries, struct cs_label_set *set)
{
	if (!set)
		return;
	if (set->content.refs > 1) {
		set->content.refs--;
		return;
	}
	struct cs_labels labels = cs_label_set_labels(set);
	cs_node_labels_unref(queries->strings, labels.labels, labels.n);
	leave_namespace(set);
	cs_content_unref(&queries->label_sets, &set->content);
	cs_namespace_unref(&queries->namespaces, set->namespace);
	free(set->queries);
	free(set);
}

// ---- counts ----

static bool is_none(struct cs_row_change change)
{
	return change.live == 0 && change.terminating == 0;
}

// Returns false where more than one row is needed.
static bool count_one(struct cs_label_set *set, struct cs_row_change change)
{
	if (set->counts || (!is_none(set->one) && set->one.row != change.row))
		return false;
	set->one.row = change.row;
	set->one.live += change.live;
	set->one.terminating += change.terminating;
	return true;
}

static void count_many(struct cs_label_set *set, uint32_t n_rows, struct cs_row_change change)
{
	if (!set->counts) {
		set->counts = cs_alloc(sizeof(*set->counts));
		cs_row_counts_add(set->counts, n_rows, set->one);
		set->one = (struct cs_row_change){ 0 };
	}
	cs_row_counts_add(set->counts, n_rows, change);
	if (set->counts->n_used > 0)
		return;
	cs_row_counts_finish(set->counts);
	free(set->counts);
	set->counts = NULL;
}

void cs_label_set_count(struct cs_queries *queries, struct cs_label_set *set,
			struct cs_row_change change)
{
	uint32_t n_rows = queries->nodes->table.n_rows;
	if (!count_one(set, change))
		count_many(set, n_rows, change);
	for (uint32_t i = 0; i < set->n_queries; i++)
		cs_row_counts_add(&set->queries[i]->counts, n_rows, change);
}

bool cs_label_set_next(const struct cs_label_set *set, uint32_t *at, struct cs_row_change *ret)
{
	if (set->counts)
		return cs_row_counts_next(set->counts, at, ret);
	*ret = set->one;
	return (*at)++ == 0 && !is_none(set->one);
}
