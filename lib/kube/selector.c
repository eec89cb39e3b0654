// Requirements on labels: checked once, matched many times.
// Neighbours: cluster keeps requirements of node selectors and queries.
#include <csched/kube/selector.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <errno.h>
#include <string.h>

#include "label.h"

int cs_operator_parse(const char *text, enum cs_operator *ret)
{
	static const char *const words[] = {
		[CS_OPERATOR_IN] = "In",         [CS_OPERATOR_NOT_IN] = "NotIn",
		[CS_OPERATOR_EXISTS] = "Exists", [CS_OPERATOR_DOES_NOT_EXIST] = "DoesNotExist",
		[CS_OPERATOR_GT] = "Gt",         [CS_OPERATOR_LT] = "Lt",
	};
	for (unsigned i = 0; i < CS_ARRAY_LENGTH(words); i++)
		if (text && strcmp(text, words[i]) == 0) {
			*ret = (enum cs_operator)i;
			return 0;
		}
	return -EINVAL;
}

static int check_values(struct cs_requirement *r, struct cs_error *err)
{
	switch (r->op) {
	case CS_OPERATOR_IN:
	case CS_OPERATOR_NOT_IN:
		if (r->n_values == 0)
			return cs_error_set(err, -EINVAL,
					    "values: must not be empty for In and NotIn");
		break;
	case CS_OPERATOR_EXISTS:
	case CS_OPERATOR_DOES_NOT_EXIST:
		if (r->n_values != 0)
			return cs_error_set(err, -EINVAL,
					    "values: must be empty for Exists and DoesNotExist");
		break;
	case CS_OPERATOR_GT:
	case CS_OPERATOR_LT:
		if (r->n_values != 1)
			return cs_error_set(err, -EINVAL,
					    "values: must be exactly one for Gt and Lt");
		if (!cs_label_parse_integer(r->values[0], &r->number))
			return cs_error_set(
				err, -EINVAL,
				"values[0]: must be an integer for Gt and Lt, is \"%s\"",
				r->values[0]);
		break;
	}
	for (size_t i = 0; i < r->n_values; i++)
		if (!cs_label_is_value(r->values[i]))
			return cs_error_set(err, -EINVAL, "values[%zu]: not a label value: \"%s\"",
					    i, r->values[i]);
	return 0;
}

int cs_requirement_parse(const Kube__NodeSelectorRequirement *from, struct cs_requirement *ret,
			 struct cs_error *err)
{
	*ret = (struct cs_requirement){
		.key = from->key ? from->key : "",
		.n_values = from->n_values,
		.values = from->values,
	};
	if (!cs_label_is_key(ret->key))
		return cs_error_set(err, -EINVAL, "key: not a label key: \"%s\"", ret->key);
	if (cs_operator_parse(from->operator_, &ret->op) < 0)
		return cs_error_set(err, -EINVAL, "operator: \"%s\" is not known",
				    from->operator_ ? from->operator_ : "");
	return check_values(ret, err);
}

int cs_requirement_parse_query(const Kube__LabelSelectorRequirement *from,
			       struct cs_requirement *ret, struct cs_error *err)
{
	Kube__NodeSelectorRequirement same = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	same.key = from->key;
	same.operator_ = from->operator_;
	same.n_values = from->n_values;
	same.values = from->values;
	return cs_requirement_parse(&same, ret, err);
}

int cs_requirement_parse_label(const Kube__LabelSelectorRequirement *from,
			       struct cs_requirement *ret, struct cs_error *err)
{
	int r = cs_requirement_parse_query(from, ret, err);
	if (r == 0 && (ret->op == CS_OPERATOR_GT || ret->op == CS_OPERATOR_LT))
		return cs_error_set(err, -EINVAL,
				    "operator: \"%s\" is not a valid label selector operator",
				    from->operator_);
	return r;
}

int cs_requirement_parse_entry(const Kube__StringEntry *entry, struct cs_requirement *ret,
			       struct cs_error *err)
{
	static char empty[] = "";
	static char *const no_value[] = { empty };
	*ret = (struct cs_requirement){
		.key = entry->key ? entry->key : "",
		.op = CS_OPERATOR_IN,
		.n_values = 1,
		.values = entry->value ? &entry->value : no_value,
	};
	if (!cs_label_is_key(ret->key))
		return cs_error_set(err, -EINVAL, "not a label key: \"%s\"", ret->key);
	if (!cs_label_is_value(ret->values[0]))
		return cs_error_set(err, -EINVAL, "%s: not a label value: \"%s\"", ret->key,
				    ret->values[0]);
	return 0;
}

static bool has_value(const struct cs_requirement *r, const char *value)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i], value) == 0)
			return true;
	return false;
}

bool cs_requirement_matches(const struct cs_requirement *r, const char *value)
{
	int64_t number;
	switch (r->op) {
	case CS_OPERATOR_IN:
		return value && has_value(r, value);
	case CS_OPERATOR_NOT_IN:
		return !value || !has_value(r, value);
	case CS_OPERATOR_EXISTS:
		return value;
	case CS_OPERATOR_DOES_NOT_EXIST:
		return !value;
	case CS_OPERATOR_GT:
		return value && cs_label_parse_integer(value, &number) && number > r->number;
	case CS_OPERATOR_LT:
		return value && cs_label_parse_integer(value, &number) && number < r->number;
	}
	return false;
}

const char *cs_labels_get(Kube__StringEntry *const *entries, size_t n, const char *key)
{
	// From the end: of equal keys the last one counts, as in a map read from the wire.
	for (size_t i = n; i > 0; i--)
		if (cs_string_equal(entries[i - 1]->key, key))
			return entries[i - 1]->value ? entries[i - 1]->value : "";
	return NULL;
}

int cs_label_selector_matches(const Kube__LabelSelector *selector, Kube__StringEntry *const *labels,
			      size_t n_labels, bool *ret, struct cs_error *err)
{
	bool all = selector != NULL;
	struct cs_requirement requirement;
	for (size_t i = 0; selector && i < selector->n_match_labels; i++) {
		int r = cs_requirement_parse_entry(selector->match_labels[i], &requirement, err);
		if (r < 0) {
			cs_error_prefix(err, "matchLabels");
			return r;
		}
		all &= cs_requirement_matches(&requirement,
					      cs_labels_get(labels, n_labels, requirement.key));
	}
	for (size_t i = 0; selector && i < selector->n_match_expressions; i++) {
		int r = cs_requirement_parse_label(selector->match_expressions[i], &requirement,
						   err);
		if (r < 0) {
			cs_error_prefix(err, "matchExpressions[%zu]", i);
			return r;
		}
		all &= cs_requirement_matches(&requirement,
					      cs_labels_get(labels, n_labels, requirement.key));
	}
	*ret = all;
	return 0;
}
