// Queries: kept per label set, so that a pod that comes or goes touches only those it matches.
// Neighbours: query_internal.h; pod_match.c asks, label_set.c counts.
#include "query_internal.h"

#include <assert.h>
#include <csched/base/memory.h>

void cs_queries_init(struct cs_queries *queries, const struct cs_nodes *nodes,
		     struct cs_arena *scratch, uint64_t seed)
{
	queries->scratch = scratch;
	queries->strings = nodes->strings;
	queries->nodes = nodes;
	cs_namespaces_init(&queries->namespaces, nodes->strings, seed);
	cs_map_init(&queries->label_sets, seed);
	cs_map_init(&queries->by_content, seed);
	cs_match_index_init(&queries->index, seed);
	cs_list_init(&queries->selecting);
}

void cs_queries_finish(struct cs_queries *queries)
{
	assert(cs_map_count(&queries->label_sets) == 0 && cs_map_count(&queries->by_content) == 0);
	cs_match_index_finish(&queries->index);
	cs_map_finish(&queries->by_content);
	cs_map_finish(&queries->label_sets);
	cs_namespaces_finish(&queries->namespaces);
}

// ---- asking ----

static const uint32_t *first_match(const struct cs_query *query)
{
	return (const void *)query->content.key.data;
}

static const uint32_t *end_of(const struct cs_query *query)
{
	return (const void *)(query->content.key.data + query->content.key.size);
}

bool cs_query_test(const struct cs_query *query, const struct cs_label_set *set)
{
	struct cs_labels labels = cs_label_set_labels(set);
	const uint32_t *end = end_of(query);
	for (const uint32_t *at = first_match(query); at < end; at = cs_pod_match_next(at))
		if (!cs_pod_match_labels(at, labels) ||
		    !cs_pod_match_namespace(at, set->namespace, CS_POD_MATCH_INCOMING))
			return false;
	return true;
}

const struct cs_row_counts *cs_query_counts(const struct cs_query *query)
{
	return &query->counts;
}

// The query's place among those that the set matches, or their number.
static uint32_t place_of(const struct cs_label_set *set, const struct cs_query *query)
{
	uint32_t i = 0;
	while (i < set->n_queries && set->queries[i] != query)
		i++;
	return i;
}

bool cs_query_matches(const struct cs_query *query, const struct cs_label_set *labels)
{
	return place_of(labels, query) < labels->n_queries;
}

// ---- pairs of a query and a label set ----

static void join(struct cs_label_set *set, struct cs_query *query)
{
	// Room for a power of two: grown when that is full.
	if ((set->n_queries & (set->n_queries - 1)) == 0)
		set->queries = cs_realloc_array(set->queries,
						set->n_queries ? 2 * (size_t)set->n_queries : 1,
						sizeof(struct cs_query *));
	set->queries[set->n_queries++] = query;
}

static void part(struct cs_label_set *set, uint32_t place)
{
	set->queries[place] = set->queries[--set->n_queries];
	if (set->n_queries > 0)
		return;
	free(set->queries);
	set->queries = NULL;
}

static void count_set(struct cs_queries *queries, struct cs_query *query,
		      const struct cs_label_set *set, int sign)
{
	uint32_t at = 0;
	struct cs_row_change change;
	while (cs_label_set_next(set, &at, &change)) {
		change.live *= sign;
		change.terminating *= sign;
		cs_row_counts_add(&query->counts, queries->nodes->table.n_rows, change);
	}
}

static void meet(void *user, struct cs_match_member *member)
{
	struct cs_label_set *set = user;
	struct cs_query *query = CS_CONTAINER_OF(member, struct cs_query, member);
	if (cs_query_test(query, set))
		join(set, query);
}

void cs_queries_enter(struct cs_queries *queries, struct cs_label_set *set)
{
	cs_match_index_find(&queries->index, set->namespace->name, cs_label_set_labels(set), meet,
			    set);
}

// ---- walking the label sets that a query may match ----

struct walk {
	struct cs_queries *queries;
	struct cs_query *query;
	uint64_t bits; // a set needs all of them
	void (*visit)(struct walk *walk, struct cs_label_set *set);
};

static void add_bits(void *user, struct cs_node_label label)
{
	struct walk *walk = user;
	walk->bits |= cs_namespace_bits(label);
}

static void require_labels(struct walk *walk)
{
	const uint32_t *end = end_of(walk->query);
	for (const uint32_t *at = first_match(walk->query); at < end; at = cs_pod_match_next(at))
		cs_pod_match_required(at, add_bits, walk);
}

static void walk_namespace(struct walk *walk, const struct cs_namespace *namespace)
{
	for (uint32_t i = 0; i < namespace->n_sets; i++)
		if ((namespace->bits[i] & walk->bits) == walk->bits)
			walk->visit(walk, namespace->sets[i]);
}

static void walk_sets(struct walk *walk)
{
	const uint32_t *namespaces = NULL;
	const uint32_t *end = end_of(walk->query);
	uint32_t n = 0;
	bool any = true;
	for (const uint32_t *at = first_match(walk->query); at < end && any;
	     at = cs_pod_match_next(at))
		namespaces = cs_pod_match_namespaces(at, &n, &any);
	require_labels(walk);
	const struct cs_namespaces *all = &walk->queries->namespaces;
	for (uint32_t i = 0; !any && i < n; i++) {
		const struct cs_namespace *namespace = cs_namespace_find(all, namespaces[i]);
		if (namespace)
			walk_namespace(walk, namespace);
	}
	size_t at = 0;
	struct cs_content *content;
	while (any && (content = cs_map_next(&all->by_name, &at)))
		walk_namespace(walk, CS_CONTAINER_OF(content, struct cs_namespace, content));
}

static void enter_set(struct walk *walk, struct cs_label_set *set)
{
	if (!cs_query_test(walk->query, set))
		return;
	join(set, walk->query);
	count_set(walk->queries, walk->query, set, 1);
}

static void leave_set(struct walk *walk, struct cs_label_set *set)
{
	uint32_t place = place_of(set, walk->query);
	if (place < set->n_queries)
		part(set, place);
}

// ---- references ----

static bool selects_namespaces(const struct cs_query *query)
{
	for (const uint32_t *at = first_match(query); at < end_of(query);
	     at = cs_pod_match_next(at)) {
		uint32_t n;
		bool any;
		cs_pod_match_namespaces(at, &n, &any);
		if (any)
			return true;
	}
	return false;
}

static void unref_words(struct cs_queries *queries, const uint32_t *at, const uint32_t *end)
{
	while (at < end)
		at = cs_pod_match_unref(queries->strings, at);
}

static struct cs_query *create_query(struct cs_queries *queries, struct cs_slice key)
{
	struct cs_query *query = cs_alloc(sizeof(*query));
	query->counts.version = ++queries->n_made << 32;
	cs_content_add(&queries->by_content, &query->content, key);
	cs_match_index_add(&queries->index, &query->member, first_match(query), end_of(query));
	cs_list_init(&query->selecting);
	if (selects_namespaces(query))
		cs_list_append(&queries->selecting, &query->selecting);
	walk_sets(&(struct walk){ .queries = queries, .query = query, .visit = enter_set });
	return query;
}

int cs_query_ref(struct cs_queries *queries, const struct cs_pod_match_source *from, size_t n,
		 struct cs_query **ret, struct cs_error *err)
{
	*ret = NULL;
	bool none = false;
	for (size_t i = 0; i < n; i++) {
		int rc = cs_pod_match_check(&from[i], err);
		if (rc != 0)
			return rc;
		none |= !from[i].selector;
	}
	if (none)
		return 0;
	struct cs_words words = { .scratch = queries->scratch };
	for (size_t i = 0; i < n; i++)
		cs_pod_match_compile(queries->strings, &from[i], &words);
	struct cs_slice key = { (const char *)words.at, words.n * sizeof(*words.at) };
	struct cs_content *known = cs_content_ref(&queries->by_content, key);
	if (known) {
		unref_words(queries, words.at, words.at + words.n);
		*ret = CS_CONTAINER_OF(known, struct cs_query, content);
	} else {
		*ret = create_query(queries, key);
	}
	return 0;
}

void cs_query_unref(struct cs_queries *queries, struct cs_query *query)
{
	if (!query)
		return;
	if (query->content.refs > 1) {
		query->content.refs--;
		return;
	}
	walk_sets(&(struct walk){ .queries = queries, .query = query, .visit = leave_set });
	cs_match_index_remove(&queries->index, &query->member);
	cs_list_remove(&query->selecting);
	cs_row_counts_finish(&query->counts);
	unref_words(queries, first_match(query), end_of(query));
	cs_content_unref(&queries->by_content, &query->content);
	free(query);
}

// ---- namespaces ----

static void look_again(struct walk *walk, struct cs_label_set *set)
{
	uint32_t place = place_of(set, walk->query);
	bool matched = place < set->n_queries;
	if (cs_query_test(walk->query, set) == matched)
		return;
	if (matched)
		part(set, place);
	else
		join(set, walk->query);
	count_set(walk->queries, walk->query, set, matched ? -1 : 1);
}

void cs_queries_namespace_changed(struct cs_queries *queries, struct cs_namespace *namespace)
{
	CS_LIST_FOR_EACH (link, &queries->selecting) {
		struct walk walk = {
			.queries = queries,
			.query = CS_CONTAINER_OF(link, struct cs_query, selecting),
			.visit = look_again,
		};
		require_labels(&walk);
		walk_namespace(&walk, namespace);
	}
}
