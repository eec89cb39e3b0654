// Terms indexed by namespace while some pod carries them; verdicts kept per label set.
// Neighbours: anti_affinity.h; kube's selector does the matching.
#include "anti_affinity.h"

#include <assert.h>
#include <csched/base/memory.h>
#include <csched/kube/selector.h>
#include <string.h>

struct bucket {
	struct cs_slice namespace; // owned
	struct cs_list terms;
};

// A term's place in one bucket.
struct place {
	struct cs_list link;
	struct cs_term *term;
};

struct cs_term {
	struct cs_content content;
	Kube__LabelSelector *selector; // made by protobuf-c's unpack
	char **namespaces;
	struct place *places; // one per namespace; one in `everywhere` where there are none
	uint32_t n_namespaces;
	uint32_t carriers;
};

struct cs_label_set {
	struct cs_content content;
	const char *namespace;       // in the key
	Kube__StringEntry **entries; // one block with what they point to, strings in the key
	size_t n_entries;
	uint64_t generation; // the verdict holds for it
	bool repelled;
};

void cs_anti_affinity_init(struct cs_anti_affinity *all, uint64_t seed)
{
	cs_map_init(&all->terms, seed);
	cs_map_init(&all->label_sets, seed);
	cs_map_init(&all->by_namespace, seed);
	cs_list_init(&all->everywhere);
	all->generation = 1;
}

void cs_anti_affinity_finish(struct cs_anti_affinity *all)
{
	cs_map_finish(&all->terms);
	cs_map_finish(&all->label_sets);
	cs_map_finish(&all->by_namespace);
}

// ---- keys: strings with their NUL, then whatever else ----

struct key {
	char *bytes;
	size_t size;
};

static void key_append(struct key *key, const void *data, size_t size)
{
	if (size > 0)
		memcpy(key->bytes + key->size, data, size);
	key->size += size;
}

static void key_string(struct key *key, const char *s)
{
	key_append(key, s ? s : "", s ? strlen(s) + 1 : 1);
}

static size_t string_size(const char *s)
{
	return s ? strlen(s) + 1 : 1;
}

// ---- terms ----

// The namespaces a term names. A namespaceSelector may select any: *ret_n = 0.
static char *const *term_namespaces(const Kube__PodAffinityTerm *from, char *const *own,
				    size_t *ret_n)
{
	*ret_n = 0;
	if (from->namespace_selector)
		return NULL;
	*ret_n = from->n_namespaces > 0 ? from->n_namespaces : 1;
	return from->n_namespaces > 0 ? from->namespaces : own;
}

static struct cs_term *create_term(Kube__LabelSelector *selector, char *const *namespaces, size_t n)
{
	struct cs_term *term = cs_alloc(sizeof(*term));
	term->selector = selector;
	term->n_namespaces = (uint32_t)n;
	term->namespaces = cs_alloc_array(n + 1, sizeof(*term->namespaces));
	term->places = cs_alloc_array(n + 1, sizeof(*term->places));
	for (size_t i = 0; i < n; i++)
		term->namespaces[i] = cs_strdup(namespaces[i]);
	for (size_t i = 0; i < n + 1; i++) {
		cs_list_init(&term->places[i].link);
		term->places[i].term = term;
	}
	return term;
}

struct cs_term *cs_term_ref(struct cs_anti_affinity *all, struct cs_arena *scratch,
			    const Kube__PodAffinityTerm *from, const char *own_namespace,
			    struct cs_error *err)
{
	bool matches;
	if (!from->label_selector)
		return NULL;
	int rc = cs_label_selector_matches(from->label_selector, NULL, 0, &matches, err);
	if (rc != 0)
		return NULL;
	char *own[] = { cs_arena_strdup(scratch, own_namespace) };
	size_t n;
	char *const *namespaces = term_namespaces(from, own, &n);
	size_t packed = kube__label_selector__get_packed_size(from->label_selector);
	size_t size = packed + 1;
	for (size_t i = 0; i < n; i++)
		size += string_size(namespaces[i]);
	struct key key = { .bytes = cs_arena_alloc_raw(scratch, size) };
	for (size_t i = 0; i < n; i++)
		key_string(&key, namespaces[i]);
	key_append(&key, "", 1);
	kube__label_selector__pack(from->label_selector, (uint8_t *)key.bytes + key.size);
	const uint8_t *bytes = (const uint8_t *)key.bytes + key.size;
	struct cs_slice whole = { key.bytes, key.size + packed };
	struct cs_content *known = cs_content_ref(&all->terms, whole);
	if (known)
		return CS_CONTAINER_OF(known, struct cs_term, content);
	Kube__LabelSelector *selector = kube__label_selector__unpack(NULL, packed, bytes);
	assert(selector); // packed just now
	struct cs_term *term = create_term(selector, namespaces, n);
	cs_content_add(&all->terms, &term->content, whole);
	return term;
}

void cs_term_ref_again(struct cs_term *term)
{
	term->content.refs++;
}

void cs_term_unref(struct cs_anti_affinity *all, struct cs_term *term)
{
	if (!cs_content_unref(&all->terms, &term->content))
		return;
	assert(term->carriers == 0);
	kube__label_selector__free_unpacked(term->selector, NULL);
	for (uint32_t i = 0; i < term->n_namespaces; i++)
		free(term->namespaces[i]);
	free(term->namespaces);
	free(term->places);
	free(term);
}

uint32_t cs_term_carriers(const struct cs_content *content)
{
	return CS_CONTAINER_OF(content, struct cs_term, content)->carriers;
}

static struct cs_list *bucket_for(struct cs_anti_affinity *all, const char *namespace)
{
	struct bucket *bucket = cs_map_get(&all->by_namespace, cs_slice_of(namespace));
	if (!bucket) {
		bucket = cs_alloc(sizeof(*bucket));
		bucket->namespace = cs_slice_of(cs_strdup(namespace));
		cs_list_init(&bucket->terms);
		cs_map_put(&all->by_namespace, bucket->namespace, bucket);
	}
	return &bucket->terms;
}

static void drop_empty_bucket(struct cs_anti_affinity *all, const char *namespace)
{
	struct bucket *bucket = cs_map_get(&all->by_namespace, cs_slice_of(namespace));
	if (!bucket || !cs_list_empty(&bucket->terms))
		return;
	cs_map_remove(&all->by_namespace, bucket->namespace);
	free((char *)(uintptr_t)bucket->namespace.data);
	free(bucket);
}

void cs_term_count(struct cs_anti_affinity *all, struct cs_term *term)
{
	if (term->carriers++ > 0)
		return;
	all->generation++;
	for (uint32_t i = 0; i < term->n_namespaces; i++)
		cs_list_append(bucket_for(all, term->namespaces[i]), &term->places[i].link);
	if (term->n_namespaces == 0)
		cs_list_append(&all->everywhere, &term->places[0].link);
}

void cs_term_discount(struct cs_anti_affinity *all, struct cs_term *term)
{
	if (--term->carriers > 0)
		return;
	all->generation++;
	for (uint32_t i = 0; i < term->n_namespaces; i++) {
		cs_list_remove(&term->places[i].link);
		drop_empty_bucket(all, term->namespaces[i]);
	}
	if (term->n_namespaces == 0)
		cs_list_remove(&term->places[0].link);
}

// ---- label sets ----

struct cs_label_set *cs_label_set_ref(struct cs_anti_affinity *all, struct cs_arena *scratch,
				      const char *namespace, Kube__StringEntry *const *labels,
				      size_t n)
{
	size_t size = string_size(namespace);
	for (size_t i = 0; i < n; i++)
		size += string_size(labels[i]->key) + string_size(labels[i]->value);
	struct key key = { .bytes = cs_arena_alloc_raw(scratch, size) };
	key_string(&key, namespace);
	for (size_t i = 0; i < n; i++) {
		key_string(&key, labels[i]->key);
		key_string(&key, labels[i]->value);
	}
	struct cs_slice whole = { key.bytes, key.size };
	struct cs_content *known = cs_content_ref(&all->label_sets, whole);
	if (known)
		return CS_CONTAINER_OF(known, struct cs_label_set, content);
	struct cs_label_set *set = cs_alloc(sizeof(*set));
	cs_content_add(&all->label_sets, &set->content, whole);
	set->n_entries = n;
	set->entries = cs_alloc(n * (sizeof(*set->entries) + sizeof(**set->entries)));
	Kube__StringEntry *storage = (void *)(set->entries + n);
	char *at = (char *)(uintptr_t)set->content.key.data;
	set->namespace = at;
	at += strlen(at) + 1;
	for (size_t i = 0; i < n; i++) {
		storage[i] = (Kube__StringEntry)KUBE__STRING_ENTRY__INIT;
		storage[i].key = at;
		at += strlen(at) + 1;
		storage[i].value = at;
		at += strlen(at) + 1;
		set->entries[i] = &storage[i];
	}
	return set;
}

void cs_label_set_unref(struct cs_anti_affinity *all, struct cs_label_set *set)
{
	if (!set || !cs_content_unref(&all->label_sets, &set->content))
		return;
	free(set->entries);
	free(set);
}

static bool some_term_matches(const struct cs_list *terms, const struct cs_label_set *set)
{
	CS_LIST_FOR_EACH (link, terms) {
		const struct place *place = CS_CONTAINER_OF(link, struct place, link);
		bool matches;
		if (cs_label_selector_matches(place->term->selector, set->entries, set->n_entries,
					      &matches, NULL) == 0 &&
		    matches)
			return true;
	}
	return false;
}

bool cs_label_set_repelled(struct cs_anti_affinity *all, struct cs_label_set *set)
{
	if (set->generation == all->generation)
		return set->repelled;
	const struct bucket *bucket = cs_map_get(&all->by_namespace, cs_slice_of(set->namespace));
	set->repelled = some_term_matches(&all->everywhere, set) ||
			(bucket && some_term_matches(&bucket->terms, set));
	set->generation = all->generation;
	return set->repelled;
}
