// Label and field selectors of list and watch requests. Neighbours: list and watch ask them;
// kube/selector.h reads and matches labels. The words about fields are apimachinery's.
#ifndef SIM_SELECTOR_H
#define SIM_SELECTOR_H

#include <csched/base/value.h>
#include <csched/kube/selector.h>

#include "resource.h"
#include "status.h"

struct sim_field_requirement {
	const char *path; // "spec.nodeName"
	const char *value;
	bool negated;
};

// All requirements must hold. Zeroed = everything.
struct sim_selector {
	struct cs_arena *arena; // of all that is here
	struct cs_requirement *labels;
	size_t n_labels;
	struct sim_field_requirement *fields;
	size_t n_fields;
};

// Either text may be NULL or "". On failure (-1 and `status` filled) nothing is to be finished.
int sim_selector_parse(const struct sim_resource *resource, const char *labels, const char *fields,
		       struct sim_selector *ret, struct sim_status *status);
void sim_selector_finish(struct sim_selector *selector);
// `tree` in the form of the resource whose selector was parsed.
bool sim_selector_matches(const struct sim_selector *selector, struct json_object *tree);
bool sim_selector_empty(const struct sim_selector *selector);

#endif
