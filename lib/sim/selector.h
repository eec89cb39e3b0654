// Label and field selectors of list and watch requests. Neighbours: list and watch ask them; the
// words of errors are apimachinery's.
#ifndef SIM_SELECTOR_H
#define SIM_SELECTOR_H

#include <csched/base/value.h>

#include "resource.h"
#include "status.h"

enum sim_label_operator {
	SIM_LABEL_IN,
	SIM_LABEL_NOT_IN,
	SIM_LABEL_EXISTS,
	SIM_LABEL_ABSENT,
	SIM_LABEL_GREATER,
	SIM_LABEL_LESS,
};

struct sim_label_requirement {
	char *key;
	enum sim_label_operator op;
	char **values;
	size_t n_values;
};

struct sim_field_requirement {
	char *path; // "spec.nodeName"
	char *value;
	bool negated;
};

// All requirements must hold. Zeroed = everything.
struct sim_selector {
	struct sim_label_requirement *labels;
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
