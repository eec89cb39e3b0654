// Label keys of affinity terms and spread constraints become requirements of their selectors.
// Neighbours: expand.c calls it for pods whose template names such keys.
#include "merge.h"

#include <string.h>

#include <csched/base/memory.h>
#include <csched/kube/selector.h>

// ---- whether ----

static bool term_needs(const Kube__PodAffinityTerm *term)
{
	return term && (term->n_match_label_keys || term->n_mismatch_label_keys);
}

static bool terms_need(Kube__PodAffinityTerm *const *required, size_t n_required,
		       Kube__WeightedPodAffinityTerm *const *preferred, size_t n_preferred)
{
	bool needed = false;
	for (size_t i = 0; i < n_required; i++)
		needed |= term_needs(required[i]);
	for (size_t i = 0; i < n_preferred; i++)
		needed |= term_needs(preferred[i]->pod_affinity_term);
	return needed;
}

bool merge_needed(const Kube__PodSpec *spec)
{
	const Kube__Affinity *affinity = spec->affinity;
	const Kube__PodAffinity *with = affinity ? affinity->pod_affinity : NULL;
	const Kube__PodAntiAffinity *without = affinity ? affinity->pod_anti_affinity : NULL;
	for (size_t i = 0; i < spec->n_topology_spread_constraints; i++)
		if (spec->topology_spread_constraints[i]->n_match_label_keys)
			return true;
	return (with && terms_need(with->required_during_scheduling_ignored_during_execution,
				   with->n_required_during_scheduling_ignored_during_execution,
				   with->preferred_during_scheduling_ignored_during_execution,
				   with->n_preferred_during_scheduling_ignored_during_execution)) ||
	       (without &&
		terms_need(without->required_during_scheduling_ignored_during_execution,
			   without->n_required_during_scheduling_ignored_during_execution,
			   without->preferred_during_scheduling_ignored_during_execution,
			   without->n_preferred_during_scheduling_ignored_during_execution));
}

// ---- copies ----

#define COPY(arena, from) memcpy(cs_arena_alloc((arena), sizeof(*(from))), (from), sizeof(*(from)))

static void *copy_list(struct cs_arena *arena, const void *list, size_t n)
{
	void *copy = cs_arena_alloc_array(arena, n, sizeof(void *));
	return n ? memcpy(copy, list, n * sizeof(void *)) : copy;
}

struct keys {
	char *const *names;
	size_t n;
	const char *operator;
};

static Kube__LabelSelectorRequirement *requirement(struct cs_arena *arena, const char *key,
						   const char *operator, const char * value)
{
	Kube__LabelSelectorRequirement *made = cs_arena_alloc(arena, sizeof(*made));
	kube__label_selector_requirement__init(made);
	made->key = cs_arena_strdup(arena, key);
	made->operator_ = cs_arena_strdup(arena, operator);
	made->n_values = 1;
	made->values = cs_arena_alloc_array(arena, 1, sizeof(*made->values));
	made->values[0] = cs_arena_strdup(arena, value);
	return made;
}

// Keys the pod has no label for are left out; no selector stays no selector.
static Kube__LabelSelector *add_keys(struct cs_arena *arena, Kube__LabelSelector *selector,
				     struct keys keys, const Kube__ObjectMeta *metadata)
{
	if (!selector || keys.n == 0)
		return selector;
	Kube__LabelSelector *made = COPY(arena, selector);
	size_t n = selector->n_match_expressions;
	made->match_expressions =
		cs_arena_alloc_array(arena, n + keys.n, sizeof(*made->match_expressions));
	if (n)
		memcpy(made->match_expressions, selector->match_expressions,
		       n * sizeof(*made->match_expressions));
	for (size_t i = 0; i < keys.n; i++) {
		const char *value =
			cs_labels_get(metadata->labels, metadata->n_labels, keys.names[i]);
		if (value)
			made->match_expressions[n++] =
				requirement(arena, keys.names[i], keys.operator, value);
	}
	made->n_match_expressions = n;
	return made;
}

static Kube__PodAffinityTerm *merge_term(struct cs_arena *arena, const Kube__PodAffinityTerm *term,
					 const Kube__ObjectMeta *metadata)
{
	Kube__PodAffinityTerm *made = COPY(arena, term);
	struct keys match = { term->match_label_keys, term->n_match_label_keys, "In" };
	struct keys mismatch = { term->mismatch_label_keys, term->n_mismatch_label_keys, "NotIn" };
	made->label_selector = add_keys(arena, made->label_selector, match, metadata);
	made->label_selector = add_keys(arena, made->label_selector, mismatch, metadata);
	return made;
}

static Kube__PodAffinityTerm **merge_required(struct cs_arena *arena,
					      Kube__PodAffinityTerm *const *terms, size_t n,
					      const Kube__ObjectMeta *metadata)
{
	Kube__PodAffinityTerm **made = copy_list(arena, terms, n);
	for (size_t i = 0; i < n; i++)
		made[i] = merge_term(arena, terms[i], metadata);
	return made;
}

static Kube__WeightedPodAffinityTerm **merge_preferred(struct cs_arena *arena,
						       Kube__WeightedPodAffinityTerm *const *terms,
						       size_t n, const Kube__ObjectMeta *metadata)
{
	Kube__WeightedPodAffinityTerm **made = copy_list(arena, terms, n);
	for (size_t i = 0; i < n; i++) {
		made[i] = COPY(arena, terms[i]);
		if (made[i]->pod_affinity_term)
			made[i]->pod_affinity_term =
				merge_term(arena, terms[i]->pod_affinity_term, metadata);
	}
	return made;
}

// Of both kinds of affinity, which are of the same shape but not of one type.
#define MERGE_TERMS(arena, from, metadata)                                                         \
	({                                                                                         \
		__typeof__(from) made_ = COPY(arena, from);                                        \
		made_->required_during_scheduling_ignored_during_execution = merge_required(       \
			arena, (from)->required_during_scheduling_ignored_during_execution,        \
			(from)->n_required_during_scheduling_ignored_during_execution, metadata);  \
		made_->preferred_during_scheduling_ignored_during_execution = merge_preferred(     \
			arena, (from)->preferred_during_scheduling_ignored_during_execution,       \
			(from)->n_preferred_during_scheduling_ignored_during_execution, metadata); \
		made_;                                                                             \
	})

static Kube__Affinity *merge_affinity(struct cs_arena *arena, const Kube__Affinity *affinity,
				      const Kube__ObjectMeta *metadata)
{
	Kube__Affinity *made = COPY(arena, affinity);
	if (made->pod_affinity)
		made->pod_affinity = MERGE_TERMS(arena, made->pod_affinity, metadata);
	if (made->pod_anti_affinity)
		made->pod_anti_affinity = MERGE_TERMS(arena, made->pod_anti_affinity, metadata);
	return made;
}

Kube__PodSpec *merge_label_keys(struct cs_arena *arena, const Kube__PodSpec *spec,
				const Kube__ObjectMeta *metadata)
{
	Kube__PodSpec *made = COPY(arena, spec);
	size_t n = spec->n_topology_spread_constraints;
	made->topology_spread_constraints = copy_list(arena, spec->topology_spread_constraints, n);
	for (size_t i = 0; i < n; i++) {
		Kube__TopologySpreadConstraint *one =
			COPY(arena, spec->topology_spread_constraints[i]);
		struct keys keys = { one->match_label_keys, one->n_match_label_keys, "In" };
		one->label_selector = add_keys(arena, one->label_selector, keys, metadata);
		made->topology_spread_constraints[i] = one;
	}
	if (spec->affinity)
		made->affinity = merge_affinity(arena, spec->affinity, metadata);
	return made;
}
