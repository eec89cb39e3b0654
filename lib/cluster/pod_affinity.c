// Reading pod (anti-)affinity: four lists of terms, each required or weighted.
// Neighbours: pod_affinity.h.
#include "pod_affinity.h"

#include <csched/base/memory.h>
#include <csched/kube/node_term.h>
#include <string.h>

#include "cluster_internal.h"

// A term of one of the lists.
struct term {
	const Kube__PodAffinityTerm *from;
	int32_t weight; // < 0: anti-affinity; 0: required
};

struct terms {
	const char *name; // upstream's, in words
	enum cs_carried_kind kind;
	size_t n;
	struct term *items;
};

// In the order in which upstream reads them.
enum {
	LIST_AFFINITY,
	LIST_ANTI_AFFINITY,
	LIST_PREFERRED_AFFINITY,
	LIST_PREFERRED_ANTI_AFFINITY,
	LIST_COUNT,
};

static void list_required(struct terms *list, struct cs_arena *scratch,
			  Kube__PodAffinityTerm *const *from, size_t n)
{
	list->n = n;
	list->items = cs_arena_alloc_array(scratch, n, sizeof(*list->items));
	for (size_t i = 0; i < n; i++)
		list->items[i].from = from[i];
}

static void list_preferred(struct terms *list, struct cs_arena *scratch,
			   Kube__WeightedPodAffinityTerm *const *from, size_t n)
{
	static const Kube__PodAffinityTerm nothing = KUBE__POD_AFFINITY_TERM__INIT;
	list->n = n;
	list->items = cs_arena_alloc_array(scratch, n, sizeof(*list->items));
	for (size_t i = 0; i < n; i++) {
		list->items[i].from =
			from[i]->pod_affinity_term ? from[i]->pod_affinity_term : &nothing;
		list->items[i].weight = from[i]->weight;
	}
}

// Fills LIST_COUNT lists. False: all are empty.
static bool list_terms(struct cs_arena *scratch, const Kube__Pod *pod, struct terms *ret)
{
	const Kube__Affinity *affinity = pod->spec ? pod->spec->affinity : NULL;
	const Kube__PodAffinity *to = affinity ? affinity->pod_affinity : NULL;
	const Kube__PodAntiAffinity *anti = affinity ? affinity->pod_anti_affinity : NULL;
	ret[LIST_AFFINITY] =
		(struct terms){ "requiredAffinityTerms", CS_CARRIED_AFFINITY, 0, NULL };
	ret[LIST_ANTI_AFFINITY] =
		(struct terms){ "requiredAntiAffinityTerms", CS_CARRIED_ANTI_AFFINITY, 0, NULL };
	ret[LIST_PREFERRED_AFFINITY] =
		(struct terms){ "preferredAffinityTerms", CS_CARRIED_PREFERENCE, 0, NULL };
	ret[LIST_PREFERRED_ANTI_AFFINITY] =
		(struct terms){ "preferredAntiAffinityTerms", CS_CARRIED_PREFERENCE, 0, NULL };
	if (to) {
		list_required(&ret[LIST_AFFINITY], scratch,
			      to->required_during_scheduling_ignored_during_execution,
			      to->n_required_during_scheduling_ignored_during_execution);
		list_preferred(&ret[LIST_PREFERRED_AFFINITY], scratch,
			       to->preferred_during_scheduling_ignored_during_execution,
			       to->n_preferred_during_scheduling_ignored_during_execution);
	}
	if (anti) {
		list_required(&ret[LIST_ANTI_AFFINITY], scratch,
			      anti->required_during_scheduling_ignored_during_execution,
			      anti->n_required_during_scheduling_ignored_during_execution);
		list_preferred(&ret[LIST_PREFERRED_ANTI_AFFINITY], scratch,
			       anti->preferred_during_scheduling_ignored_during_execution,
			       anti->n_preferred_during_scheduling_ignored_during_execution);
		struct terms *preferred = &ret[LIST_PREFERRED_ANTI_AFFINITY];
		for (size_t i = 0; i < preferred->n; i++) // as Go: the lowest int32 stays
			preferred->items[i].weight =
				(int32_t) - (uint32_t)preferred->items[i].weight;
	}
	return to || anti;
}

// Which pods a term means. `own`: where it stands for the pod's namespace.
static struct cs_pod_match_source source_of(const Kube__PodAffinityTerm *term, char *const *own)
{
	struct cs_pod_match_source source = {
		.n_namespaces = term->n_namespaces,
		.namespaces = term->namespaces,
		.namespace_selector = term->namespace_selector,
		.selector = term->label_selector,
	};
	if (source.n_namespaces == 0 && !source.namespace_selector) {
		source.n_namespaces = 1;
		source.namespaces = own;
	}
	return source;
}

// ---- carried ----

static bool is_malformed(const struct terms *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct cs_pod_match_source source = source_of(list->items[i].from, NULL);
		if (cs_pod_match_check(&source, NULL) != 0)
			return true;
	}
	return false;
}

void cs_pod_affinity_read_carried(struct cs_cluster *cluster, const Kube__Pod *pod,
				  struct cs_footprint *ret)
{
	struct terms lists[LIST_COUNT];
	if (!list_terms(cluster->scratch, pod, lists))
		return;
	size_t n = 0;
	for (int i = 0; i < LIST_COUNT; i++)
		n += lists[i].n;
	struct cs_carried **carried =
		cs_arena_alloc_array(cluster->scratch, n, sizeof(struct cs_carried *));
	for (int i = 0; i < LIST_COUNT; i++) {
		if (is_malformed(&lists[i]))
			continue;
		for (size_t j = 0; j < lists[i].n; j++) {
			const struct term *term = &lists[i].items[j];
			if (!term->from->label_selector) // matches nothing
				continue;
			carried[ret->n_carried++] = cs_carried_ref(
				cluster,
				&(struct cs_carried_source){
					.kind = lists[i].kind,
					.weight = term->weight,
					.topology_key = term->from->topology_key,
					.pods = source_of(term->from, &pod->metadata->namespace_),
				});
		}
	}
	ret->carried = carried;
}

void cs_pod_affinity_unref_carried(struct cs_cluster *cluster, const struct cs_footprint *carrier)
{
	for (uint32_t i = 0; i < carrier->n_carried; i++)
		cs_carried_unref(cluster, carrier->carried[i]);
}

// ---- asked ----

// What upstream says of the first term that it cannot read; NULL: it can read them all.
static const char *fault_of(const struct terms *list, struct cs_arena *scratch)
{
	const char *fault = NULL;
	for (size_t i = 0; !fault && i < list->n; i++) {
		fault = cs_label_selector_fault(list->items[i].from->label_selector, scratch);
		if (!fault)
			fault = cs_label_selector_fault(list->items[i].from->namespace_selector,
							scratch);
	}
	return fault;
}

static const char *find_faults(const struct terms *lists, struct cs_arena *scratch)
{
	struct cs_faults faults = { .arena = scratch };
	for (int i = 0; i < LIST_COUNT; i++) {
		const char *fault = is_malformed(&lists[i]) ? fault_of(&lists[i], scratch) : NULL;
		if (fault)
			faults.list[faults.count++] =
				cs_arena_printf(scratch, "%s: %s", lists[i].name, fault);
	}
	return cs_faults_join(&faults);
}

static struct cs_query *ref_query(struct cs_cluster *cluster,
				  const struct cs_pod_match_source *sources, size_t n)
{
	struct cs_query *query;
	cs_query_ref(&cluster->queries, sources, n, &query, NULL);
	return query;
}

// Required affinity has one query for all its terms, else each term has its own.
static const struct cs_affinity_term *read_list(struct cs_cluster *cluster, const Kube__Pod *pod,
						const struct terms *list,
						struct cs_affinity_term *ret)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct term *term = &list->items[i];
		struct cs_pod_match_source source =
			source_of(term->from, &pod->metadata->namespace_);
		ret[i].topology = cs_topology_ref(cluster, term->from->topology_key);
		ret[i].weight = term->weight;
		if (list->kind != CS_CARRIED_AFFINITY)
			ret[i].query = ref_query(cluster, &source, 1);
	}
	return ret;
}

static const struct cs_query *read_all_required(struct cs_cluster *cluster, const Kube__Pod *pod,
						const struct terms *list)
{
	if (list->n == 0)
		return NULL;
	struct cs_pod_match_source *sources =
		cs_arena_alloc_array(cluster->scratch, list->n, sizeof(*sources));
	for (size_t i = 0; i < list->n; i++)
		sources[i] = source_of(list->items[i].from, &pod->metadata->namespace_);
	return ref_query(cluster, sources, list->n);
}

void cs_pod_affinity_read_asked(struct cs_cluster *cluster, const Kube__Pod *pod,
				struct cs_pod_affinity *ret)
{
	struct terms lists[LIST_COUNT];
	*ret = (struct cs_pod_affinity){ 0 };
	if (!list_terms(cluster->scratch, pod, lists))
		return;
	ret->error = find_faults(lists, cluster->scratch);
	if (ret->error)
		return;
	size_t n = 0;
	for (int i = 0; i < LIST_COUNT; i++)
		n += lists[i].n;
	struct cs_affinity_term *terms = cs_arena_alloc_array(cluster->scratch, n, sizeof(*terms));
	ret->n_required = (uint32_t)lists[LIST_AFFINITY].n;
	ret->required = read_list(cluster, pod, &lists[LIST_AFFINITY], terms);
	ret->all_required = read_all_required(cluster, pod, &lists[LIST_AFFINITY]);
	terms += ret->n_required;
	ret->n_anti = (uint32_t)lists[LIST_ANTI_AFFINITY].n;
	ret->anti = read_list(cluster, pod, &lists[LIST_ANTI_AFFINITY], terms);
	terms += ret->n_anti;
	ret->preferred = read_list(cluster, pod, &lists[LIST_PREFERRED_AFFINITY], terms);
	terms += lists[LIST_PREFERRED_AFFINITY].n;
	read_list(cluster, pod, &lists[LIST_PREFERRED_ANTI_AFFINITY], terms);
	ret->n_preferred = (uint32_t)(lists[LIST_PREFERRED_AFFINITY].n +
				      lists[LIST_PREFERRED_ANTI_AFFINITY].n);
}

// ---- asked, as part of a demand ----

// The three lists of a demand, for loops over all of them.
struct asked_list {
	uint32_t n;
	const struct cs_affinity_term *terms;
};
#define ASKED_LISTS 3

static void asked_lists(const struct cs_pod_affinity *asked, struct asked_list *ret)
{
	ret[0] = (struct asked_list){ asked->n_required, asked->required };
	ret[1] = (struct asked_list){ asked->n_anti, asked->anti };
	ret[2] = (struct asked_list){ asked->n_preferred, asked->preferred };
}

size_t cs_pod_affinity_key_size(const struct cs_pod_affinity *asked)
{
	return 1 + ASKED_LISTS +
	       3 * ((size_t)asked->n_required + asked->n_anti + asked->n_preferred);
}

size_t cs_pod_affinity_key(const struct cs_pod_affinity *asked, uint64_t *words)
{
	struct asked_list lists[ASKED_LISTS];
	uint64_t *at = words;
	asked_lists(asked, lists);
	*at++ = (uintptr_t)asked->all_required;
	for (int i = 0; i < ASKED_LISTS; i++) {
		*at++ = lists[i].n;
		for (uint32_t j = 0; j < lists[i].n; j++) {
			*at++ = (uintptr_t)lists[i].terms[j].topology;
			*at++ = (uintptr_t)lists[i].terms[j].query;
			*at++ = (uint32_t)lists[i].terms[j].weight;
		}
	}
	return (size_t)(at - words);
}

static const struct cs_affinity_term *own_terms(const struct cs_affinity_term *terms, uint32_t n)
{
	if (n == 0)
		return NULL;
	struct cs_affinity_term *copy = cs_alloc_array(n, sizeof(*copy));
	memcpy(copy, terms, n * sizeof(*copy));
	return copy;
}

void cs_pod_affinity_own(struct cs_pod_affinity *asked)
{
	asked->required = own_terms(asked->required, asked->n_required);
	asked->anti = own_terms(asked->anti, asked->n_anti);
	asked->preferred = own_terms(asked->preferred, asked->n_preferred);
}

void cs_pod_affinity_free(const struct cs_pod_affinity *asked)
{
	free((void *)(uintptr_t)asked->required);
	free((void *)(uintptr_t)asked->anti);
	free((void *)(uintptr_t)asked->preferred);
}

static void unref_query(struct cs_cluster *cluster, const struct cs_query *query)
{
	cs_query_unref(&cluster->queries, (struct cs_query *)(uintptr_t)query);
}

void cs_pod_affinity_unref_asked(struct cs_cluster *cluster, const struct cs_pod_affinity *asked)
{
	struct asked_list lists[ASKED_LISTS];
	asked_lists(asked, lists);
	unref_query(cluster, asked->all_required);
	for (int i = 0; i < ASKED_LISTS; i++)
		for (uint32_t j = 0; j < lists[i].n; j++) {
			cs_topology_unref(
				cluster,
				(struct cs_topology *)(uintptr_t)lists[i].terms[j].topology);
			unref_query(cluster, lists[i].terms[j].query);
		}
}
