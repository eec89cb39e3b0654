// Requirements on labels: checked once, matched many times.
// Neighbours: cluster keeps requirements of node selectors and queries.
#include <csched/kube/selector.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <errno.h>
#include <string.h>

#define NAME_MAX_SIZE   63  // bytes of a label's name and of its value
#define PREFIX_MAX_SIZE 253 // bytes of the domain before the slash

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

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_name(const char *s, size_t size)
{
	if (size == 0 || size > NAME_MAX_SIZE || !is_alphanumeric(s[0]) ||
	    !is_alphanumeric(s[size - 1]))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_alphanumeric(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
			return false;
	return true;
}

// Lower-case DNS labels joined by dots; upstream sets no limit to the size of one label here.
static bool is_subdomain(const char *s, size_t size)
{
	if (size == 0 || size > PREFIX_MAX_SIZE)
		return false;
	for (size_t i = 0; i < size; i++) {
		bool first = i == 0 || s[i - 1] == '.';
		bool last = i + 1 == size || s[i + 1] == '.';
		if (!is_lower_or_digit(s[i]) && (first || last || (s[i] != '-' && s[i] != '.')))
			return false;
	}
	return true;
}

static bool is_label_key(const char *key)
{
	const char *slash = strchr(key, '/');
	if (!slash)
		return is_name(key, strlen(key));
	return is_subdomain(key, (size_t)(slash - key)) && is_name(slash + 1, strlen(slash + 1));
}

static bool is_label_value(const char *value)
{
	return *value == '\0' || is_name(value, strlen(value));
}

// As Go's strconv.ParseInt(text, 10, 64).
static bool parse_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (*text == '\0')
		return false;
	int64_t value = 0;
	for (; *text; text++) {
		int digit = *text - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value))
			return false;
	}
	*ret = value;
	return true;
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
		if (!parse_integer(r->values[0], &r->number))
			return cs_error_set(
				err, -EINVAL,
				"values[0]: must be an integer for Gt and Lt, is \"%s\"",
				r->values[0]);
		break;
	}
	for (size_t i = 0; i < r->n_values; i++)
		if (!is_label_value(r->values[i]))
			return cs_error_set(err, -EINVAL, "values[%zu]: not a label value: \"%s\"",
					    i, r->values[i]);
	return 0;
}

// What both kinds of requirement message have.
struct source {
	const char *key;
	const char *op;
	size_t n_values;
	char **values;
};

static int parse_requirement(struct source from, struct cs_requirement *ret, struct cs_error *err)
{
	*ret = (struct cs_requirement){
		.key = from.key ? from.key : "",
		.n_values = from.n_values,
		.values = from.values,
	};
	if (!is_label_key(ret->key))
		return cs_error_set(err, -EINVAL, "key: not a label key: \"%s\"", ret->key);
	if (cs_operator_parse(from.op, &ret->op) < 0)
		return cs_error_set(err, -EINVAL, "operator: \"%s\" is not known",
				    from.op ? from.op : "");
	return check_values(ret, err);
}

int cs_requirement_parse(const Kube__NodeSelectorRequirement *from, struct cs_requirement *ret,
			 struct cs_error *err)
{
	return parse_requirement(
		(struct source){
			.key = from->key,
			.op = from->operator_,
			.n_values = from->n_values,
			.values = from->values,
		},
		ret, err);
}

int cs_requirement_parse_label(const Kube__LabelSelectorRequirement *from,
			       struct cs_requirement *ret, struct cs_error *err)
{
	int r = parse_requirement(
		(struct source){
			.key = from->key,
			.op = from->operator_,
			.n_values = from->n_values,
			.values = from->values,
		},
		ret, err);
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
	if (!is_label_key(ret->key))
		return cs_error_set(err, -EINVAL, "not a label key: \"%s\"", ret->key);
	if (!is_label_value(ret->values[0]))
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
		return value && parse_integer(value, &number) && number > r->number;
	case CS_OPERATOR_LT:
		return value && parse_integer(value, &number) && number < r->number;
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
