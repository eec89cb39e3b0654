// Node selector terms and label selectors: whether one can be read, and upstream's words for what
// is wrong with it. Neighbours: selector.h checks single requirements; cluster leaves out terms
// that have faults. Mirrors component-helpers scheduling/corev1/nodeaffinity and apimachinery
// labels.NewRequirement.
#ifndef CSCHED_KUBE_NODE_TERM_H
#define CSCHED_KUBE_NODE_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/kube/api.h>

#define CS_FAULTS_MAX 64 // what is wrong beyond is counted only

// "PATH: Invalid value: ...", in the order in which upstream finds them. Zeroed but the arena.
struct cs_faults {
	struct cs_arena *arena; // of the words
	uint32_t count;
	const char *list[CS_FAULTS_MAX];
};

// Without expressions and fields: it matches nothing, whoever names it.
bool cs_node_term_is_empty(const Kube__NodeSelectorTerm *term);
// Whether upstream's parser takes it. An empty one is fine here.
bool cs_node_term_is_valid(const Kube__NodeSelectorTerm *term);
// Adds what is wrong with it; `path` is the term's own, "[0]" or "nodeSelectorTerms[0]".
void cs_node_term_check(const Kube__NodeSelectorTerm *term, const char *path,
			struct cs_faults *faults);

// Whether a preferred term says anything: upstream passes over weight 0 and empty terms.
bool cs_node_preference_counts(const Kube__PreferredSchedulingTerm *term);
// Checks those that do, as "PATH[0]" and so on.
void cs_node_preferences_check(const Kube__NodeAffinity *affinity, const char *path,
			       struct cs_faults *faults);

// What upstream says of a label selector that it cannot read, in the arena; NULL: it can, or there
// is none. Mirrors apimachinery metav1.LabelSelectorAsSelector.
const char *cs_label_selector_fault(const Kube__LabelSelector *selector, struct cs_arena *arena);

// As Go prints an aggregate of errors: one alone, several as "[a, b]", each once. NULL: no faults.
const char *cs_faults_join(const struct cs_faults *faults);

#endif
