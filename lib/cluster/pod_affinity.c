// Reading pod (anti-)affinity: four lists of terms, each required or weighted.
// Neighbours: pod_affinity.h.
#include "pod_affinity.h"

#include <csched/base/memory.h>

#include "cluster_internal.h"

#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

// A term of one of the lists.
struct term {
	const Kube__PodAffinityTerm *from;
	int32_t weight; // < 0: anti-affinity; 0: required
};

struct terms {
	const char *field;
	enum cs_carried_kind kind;
	size_t n;
	struct term *items;
};

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
		(struct terms){ "podAffinity." REQUIRED, CS_CARRIED_AFFINITY, 0, NULL };
	ret[LIST_ANTI_AFFINITY] =
		(struct terms){ "podAntiAffinity." REQUIRED, CS_CARRIED_ANTI_AFFINITY, 0, NULL };
	ret[LIST_PREFERRED_AFFINITY] =
		(struct terms){ "podAffinity." PREFERRED, CS_CARRIED_PREFERENCE, 0, NULL };
	ret[LIST_PREFERRED_ANTI_AFFINITY] =
		(struct terms){ "podAntiAffinity." PREFERRED, CS_CARRIED_PREFERENCE, 0, NULL };
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

// The number of the first term that is malformed, or of terms.
static size_t find_malformed(const struct terms *list, struct cs_error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct cs_pod_match_source source = source_of(list->items[i].from, NULL);
		if (cs_pod_match_check(&source, err) != 0)
			return i;
	}
	return list->n;
}

const char *cs_pod_affinity_malformed(struct cs_arena *scratch, const Kube__Pod *pod,
				      struct cs_error *err)
{
	struct terms lists[LIST_COUNT];
	if (!list_terms(scratch, pod, lists))
		return NULL;
	for (int i = 0; i < LIST_COUNT; i++) {
		size_t at = find_malformed(&lists[i], err);
		if (at == lists[i].n)
			continue;
		const char *field = cs_arena_printf(
			scratch, "spec.affinity.%s[%zu]%s", lists[i].field, at,
			lists[i].kind == CS_CARRIED_PREFERENCE ? ".podAffinityTerm" : "");
		cs_error_prefix(err, "%s", field);
		return field;
	}
	return NULL;
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
		if (find_malformed(&lists[i], NULL) < lists[i].n)
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
