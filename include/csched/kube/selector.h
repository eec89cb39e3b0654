// Requirements of label selectors and node selector terms. Mirrors apimachinery pkg/labels and
// component-helpers nodeaffinity. Neighbours: cluster evaluates them once per distinct label set.
#ifndef CSCHED_KUBE_SELECTOR_H
#define CSCHED_KUBE_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/base/error.h>
#include <csched/kube/api.h>

enum cs_operator {
	CS_OPERATOR_IN,
	CS_OPERATOR_NOT_IN,
	CS_OPERATOR_EXISTS,
	CS_OPERATOR_DOES_NOT_EXIST,
	CS_OPERATOR_GT,
	CS_OPERATOR_LT,
};

// "In" -> CS_OPERATOR_IN; -EINVAL for an unknown word.
int cs_operator_parse(const char *text, enum cs_operator *ret);

// One requirement: borrowed strings.
struct cs_requirement {
	const char *key;
	enum cs_operator op;
	size_t n_values;
	char *const *values;
	int64_t number; // of Gt and Lt
};

// Checks a requirement as upstream's labels.NewRequirement does (In needs values, Exists none, Gt
// one integer; keys and values must be label keys and values). -EINVAL in words.
int cs_requirement_parse(const Kube__NodeSelectorRequirement *from, struct cs_requirement *ret,
			 struct cs_error *err);
// The same of a LabelSelector's expression, which knows no Gt and Lt,
int cs_requirement_parse_label(const Kube__LabelSelectorRequirement *from,
			       struct cs_requirement *ret, struct cs_error *err);
// with them, as a query may have them,
int cs_requirement_parse_query(const Kube__LabelSelectorRequirement *from,
			       struct cs_requirement *ret, struct cs_error *err);
// and of one of its matchLabels, which is an In of one value.
int cs_requirement_parse_entry(const Kube__StringEntry *entry, struct cs_requirement *ret,
			       struct cs_error *err);
// `value` is the object's label value, NULL when it has no such label.
bool cs_requirement_matches(const struct cs_requirement *requirement, const char *value);

// The value of `key` among entries, NULL when missing. Of equal keys the last one counts.
const char *cs_labels_get(Kube__StringEntry *const *entries, size_t n, const char *key);

// A LabelSelector on labels: NULL selects nothing, the empty one everything; a malformed one is an
// error.
int cs_label_selector_matches(const Kube__LabelSelector *selector, Kube__StringEntry *const *labels,
			      size_t n_labels, bool *ret, struct cs_error *err);

#define CS_SELECTOR_REQUIREMENTS_MAX 64
#define CS_SELECTOR_VALUES_MAX       1024 // of all of them together

// A label selector as kubectl takes it: "app=db,tier in (a,b),!old", also ==, != and notin. What is
// returned is in the arena, its strings too. "" and blanks alone select everything. -EINVAL in
// words, also for > and <, which a LabelSelector does not have.
int cs_label_selector_parse(const char *text, struct cs_arena *arena,
			    const Kube__LabelSelector **ret, struct cs_error *err);
// The same as the API server takes it in a query: "cpus>8" and "cpus<8" too. All must match.
int cs_requirements_parse(const char *text, struct cs_arena *arena, struct cs_requirement **ret,
			  size_t *ret_n, struct cs_error *err);

#endif
