// Priorities as the API server's admission gives them. Private to simulate.
// Neighbours: input.h has the PriorityClasses.
#ifndef SIMULATE_PRIORITY_H
#define SIMULATE_PRIORITY_H

#include "input.h"

// Gives `spec` (NULL is fine) the priority of its class, where it has none: the named one, else the
// globalDefault, else 0. `path` is where the spec is, for errors: "spec". -EINVAL: no such class.
// Mirrors plugin/pkg/admission/priority.
int priority_resolve(const struct input *input, Kube__PodSpec *spec, const char *path,
		     struct cs_error *err);

#endif
