// Buckets of questions. Neighbours: match_index.h. A bucket's key has 0 for "any".
#include "match_index.h"

#include <assert.h>
#include <csched/base/memory.h>

struct key {
	uint32_t namespace;
	struct cs_node_label label;
};

struct bucket {
	struct key key;
	uint32_t n;
	struct cs_list places;
};

struct cs_match_place {
	struct cs_list link;
	struct bucket *bucket;
	struct cs_match_member *member;
};

void cs_match_index_init(struct cs_match_index *index, uint64_t seed)
{
	cs_map_init(&index->buckets, seed);
	index->n_members = 0;
}

void cs_match_index_finish(struct cs_match_index *index)
{
	assert(index->n_members == 0);
	cs_map_finish(&index->buckets);
}

static struct cs_slice slice_of(const struct key *key)
{
	return (struct cs_slice){ (const char *)key, sizeof(*key) };
}

static struct bucket *find_bucket(const struct cs_match_index *index, struct key key)
{
	return cs_map_get(&index->buckets, slice_of(&key));
}

static struct bucket *bucket_for(struct cs_match_index *index, struct key key)
{
	struct bucket *bucket = find_bucket(index, key);
	if (bucket)
		return bucket;
	bucket = cs_alloc(sizeof(*bucket));
	bucket->key = key;
	cs_list_init(&bucket->places);
	cs_map_put(&index->buckets, slice_of(&bucket->key), bucket);
	return bucket;
}

// The label whose bucket has the fewest members in that namespace.
struct choice {
	const struct cs_match_index *index;
	uint32_t namespace;
	struct cs_node_label best;
	uint32_t best_n;
};

static void consider(void *user, struct cs_node_label label)
{
	struct choice *choice = user;
	const struct bucket *bucket =
		find_bucket(choice->index, (struct key){ choice->namespace, label });
	uint32_t n = bucket ? bucket->n : 0;
	if (choice->best.key != CS_INTERN_NONE && n >= choice->best_n)
		return;
	choice->best = label;
	choice->best_n = n;
}

static void put(struct cs_match_index *index, struct cs_match_member *member, struct key key)
{
	struct cs_match_place *place = &member->places[member->n_places++];
	place->member = member;
	place->bucket = bucket_for(index, key);
	place->bucket->n++;
	cs_list_append(&place->bucket->places, &place->link);
}

void cs_match_index_add(struct cs_match_index *index, struct cs_match_member *member,
			const uint32_t *matches, const uint32_t *end)
{
	const uint32_t *namespaces = NULL;
	uint32_t n = 0;
	bool any = true;
	for (const uint32_t *at = matches; at < end && any; at = cs_pod_match_next(at))
		namespaces = cs_pod_match_namespaces(at, &n, &any);
	struct choice choice = { .index = index, .namespace = any || n == 0 ? 0 : namespaces[0] };
	for (const uint32_t *at = matches; at < end; at = cs_pod_match_next(at))
		cs_pod_match_required(at, consider, &choice);
	member->n_places = 0;
	member->places = cs_alloc_array(any ? 1 : n, sizeof(*member->places));
	if (any)
		put(index, member, (struct key){ 0, choice.best });
	for (uint32_t i = 0; !any && i < n; i++)
		put(index, member, (struct key){ namespaces[i], choice.best });
	index->n_members++;
}

void cs_match_index_remove(struct cs_match_index *index, struct cs_match_member *member)
{
	for (uint32_t i = 0; i < member->n_places; i++) {
		struct bucket *bucket = member->places[i].bucket;
		cs_list_remove(&member->places[i].link);
		if (--bucket->n > 0)
			continue;
		cs_map_remove(&index->buckets, slice_of(&bucket->key));
		free(bucket);
	}
	free(member->places);
	*member = (struct cs_match_member){ 0 };
	index->n_members--;
}

static void visit_bucket(const struct cs_match_index *index, struct key key, cs_match_visit_f visit,
			 void *user)
{
	const struct bucket *bucket = find_bucket(index, key);
	if (!bucket)
		return;
	CS_LIST_FOR_EACH (link, &bucket->places)
		visit(user, CS_CONTAINER_OF(link, struct cs_match_place, link)->member);
}

void cs_match_index_find(const struct cs_match_index *index, uint32_t namespace,
			 struct cs_labels labels, cs_match_visit_f visit, void *user)
{
	if (index->n_members == 0)
		return;
	const uint32_t namespaces[] = { namespace, 0 };
	for (int i = 0; i < 2; i++) {
		visit_bucket(index, (struct key){ .namespace = namespaces[i] }, visit, user);
		for (uint32_t j = 0; j < labels.n; j++)
			visit_bucket(index, (struct key){ namespaces[i], labels.labels[j] }, visit,
				     user);
	}
}
