// matchLabelKeys and mismatchLabelKeys as the API server merges them when a pod is created.
// Private to simulate. Neighbours: expand.c makes pods.
#ifndef SIMULATE_MERGE_H
#define SIMULATE_MERGE_H

#include <stdbool.h>

#include <csched/base/arena.h>
#include <csched/kube/api.h>

// Whether the spec names such keys at all.
bool merge_needed(const Kube__PodSpec *spec);

// A copy of `spec` whose selectors have the keys' requirements with the values of these labels;
// what does not change is shared. Mirrors pkg/registry/core/pod/strategy.go.
Kube__PodSpec *merge_label_keys(struct cs_arena *arena, const Kube__PodSpec *spec,
				const Kube__ObjectMeta *metadata);

#endif
