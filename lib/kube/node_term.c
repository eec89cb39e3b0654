// What upstream says of node selector terms that it cannot read. Neighbours: node_term.h; label.c
// and selector.c decide, this finds the words.
#include <csched/kube/node_term.h>

#include <csched/base/buffer.h>
#include <csched/base/slice.h>
#include <csched/kube/selector.h>
#include <inttypes.h>
#include <string.h>

#include "label.h"

#define WORDS_MAX (1 << 20) // bytes of one fault; more is cut

// Go's regular expressions, which the words quote.
#define NAME_REGEX      "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define DOMAIN_PART     "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN_REGEX DOMAIN_PART "(\\." DOMAIN_PART ")*"
#define NAME_WORDS                                                            \
	"must consist of alphanumeric characters, '-', '_' or '.', and must " \
	"start and end with an alphanumeric character (e.g. 'MyName',  or "   \
	"'my.name',  or '123-abc', regex used for validation is '" NAME_REGEX "')"
#define VALUE_WORDS                                                         \
	"a valid label must be an empty string or consist of alphanumeric " \
	"characters, '-', '_' or '.', and must start and end with an "      \
	"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "      \
	"'12345', regex used for validation is '(" NAME_REGEX ")?')"
#define SUBDOMAIN_WORDS                                                        \
	"a lowercase RFC 1123 subdomain must consist of lower case "           \
	"alphanumeric characters, '-' or '.', and must start and end with an " \
	"alphanumeric character (e.g. 'example.com', regex used for "          \
	"validation is '" SUBDOMAIN_REGEX "')"

bool cs_node_term_is_empty(const Kube__NodeSelectorTerm *term)
{
	return term->n_match_expressions == 0 && term->n_match_fields == 0;
}

static bool is_field_operator(const char *op)
{
	return cs_string_equal(op, "In") || cs_string_equal(op, "NotIn");
}

bool cs_node_term_is_valid(const Kube__NodeSelectorTerm *term)
{
	struct cs_requirement ignored;
	for (size_t i = 0; i < term->n_match_expressions; i++)
		if (cs_requirement_parse(term->match_expressions[i], &ignored, NULL) != 0)
			return false;
	for (size_t i = 0; i < term->n_match_fields; i++)
		if (!is_field_operator(term->match_fields[i]->operator_) ||
		    term->match_fields[i]->n_values != 1)
			return false;
	return true;
}

// ---- words ----

static void add(struct cs_faults *faults, struct cs_buffer *words)
{
	if (faults->count < CS_FAULTS_MAX)
		faults->list[faults->count] = cs_arena_strdup(faults->arena, words->data);
	faults->count++;
	cs_buffer_clear(words);
}

// As strconv.Quote, but that characters beyond ASCII stay as they are.
static void quote(struct cs_buffer *words, const char *text)
{
	static const char named[] = "\a\b\f\n\r\t\v\\\"";
	static const char letters[] = "abfnrtv\\\"";
	cs_buffer_append_char(words, '"');
	for (const char *at = text; *at; at++) {
		const char *escape = strchr(named, *at);
		if (escape)
			cs_buffer_printf(words, "\\%c", letters[escape - named]);
		else if ((unsigned char)*at < ' ' || *at == 0x7f)
			cs_buffer_printf(words, "\\x%02x", (unsigned char)*at);
		else
			cs_buffer_append_char(words, *at);
	}
	cs_buffer_append_char(words, '"');
}

// A list of strings as encoding/json writes it.
static void append_values(struct cs_buffer *words, const Kube__NodeSelectorRequirement *r)
{
	if (r->n_values == 0) {
		cs_buffer_append_string(words, "null");
		return;
	}
	for (size_t i = 0; i < r->n_values; i++) {
		cs_buffer_append_char(words, i ? ',' : '[');
		quote(words, r->values[i]);
	}
	cs_buffer_append_char(words, ']');
}

// ---- requirements on labels ----

struct check {
	const Kube__NodeSelectorRequirement *requirement;
	const char *path; // of the requirement, with a point behind it unless it is empty
	struct cs_faults *faults;
	struct cs_buffer words;
};

static void check_key_part(struct cs_buffer *words, const char *key, const char *slash)
{
	const char *name = slash ? slash + 1 : key;
	size_t prefix = slash ? (size_t)(slash - key) : 0;
	const char *separator = "";
	if (slash && prefix == 0) {
		cs_buffer_append_string(words, "prefix part must be non-empty");
		separator = "; ";
	}
	if (prefix > CS_LABEL_PREFIX_MAX) {
		cs_buffer_printf(words, "prefix part must be no more than %d bytes",
				 CS_LABEL_PREFIX_MAX);
		separator = "; ";
	}
	if (prefix > 0 && !cs_label_is_subdomain(key, prefix)) {
		cs_buffer_printf(words, "%sprefix part %s", separator, SUBDOMAIN_WORDS);
		separator = "; ";
	}
	size_t size = strlen(name);
	if (size == 0 || size > CS_LABEL_NAME_MAX) {
		cs_buffer_printf(words, "%sname part ", separator);
		if (size == 0)
			cs_buffer_append_string(words, "must be non-empty");
		else
			cs_buffer_printf(words, "must be no more than %d bytes", CS_LABEL_NAME_MAX);
		separator = "; ";
	}
	if (!cs_label_is_name(name, size))
		cs_buffer_printf(words, "%sname part %s", separator, NAME_WORDS);
}

static void check_key(struct check *check)
{
	const char *key = check->requirement->key ? check->requirement->key : "";
	if (cs_label_is_key(key))
		return;
	cs_buffer_printf(&check->words, "%skey: Invalid value: ", check->path);
	quote(&check->words, key);
	cs_buffer_append_string(&check->words, ": ");
	const char *slash = strchr(key, '/');
	if (slash && strchr(slash + 1, '/'))
		cs_buffer_append_string(&check->words, "a valid label key " NAME_WORDS
						       " with an optional DNS subdomain prefix and "
						       "'/' (e.g. 'example.com/MyName')");
	else
		check_key_part(&check->words, key, slash);
	add(check->faults, &check->words);
}

static void add_values(struct check *check, const char *detail)
{
	cs_buffer_printf(&check->words, "%svalues: Invalid value: ", check->path);
	append_values(&check->words, check->requirement);
	cs_buffer_printf(&check->words, ": %s", detail);
	add(check->faults, &check->words);
}

static void check_integers(struct check *check)
{
	int64_t ignored;
	for (size_t i = 0; i < check->requirement->n_values; i++) {
		const char *value = check->requirement->values[i];
		if (cs_label_parse_integer(value, &ignored))
			continue;
		cs_buffer_printf(&check->words, "%svalues[%zu]: Invalid value: ", check->path, i);
		quote(&check->words, value);
		cs_buffer_append_string(&check->words,
					": for 'Gt', 'Lt' operators, the value must be an integer");
		add(check->faults, &check->words);
	}
}

static void check_number_of_values(struct check *check, enum cs_operator op)
{
	size_t n = check->requirement->n_values;
	switch (op) {
	case CS_OPERATOR_IN:
	case CS_OPERATOR_NOT_IN:
		if (n == 0)
			add_values(check, "for 'in', 'notin' operators, values set can't be empty");
		break;
	case CS_OPERATOR_EXISTS:
	case CS_OPERATOR_DOES_NOT_EXIST:
		if (n != 0)
			add_values(check, "values set must be empty for exists and does not exist");
		break;
	case CS_OPERATOR_GT:
	case CS_OPERATOR_LT:
		if (n != 1)
			add_values(check,
				   "for 'Gt', 'Lt' operators, exactly one value is required");
		check_integers(check);
	}
}

static void check_value(struct check *check, size_t i)
{
	const Kube__NodeSelectorRequirement *r = check->requirement;
	if (cs_label_is_value(r->values[i]))
		return;
	size_t size = strlen(r->values[i]);
	cs_buffer_printf(&check->words, "%svalues[%zu][%s]: Invalid value: ", check->path, i,
			 r->key ? r->key : "");
	quote(&check->words, r->values[i]);
	cs_buffer_append_string(&check->words, ": ");
	if (size > CS_LABEL_NAME_MAX)
		cs_buffer_printf(&check->words, "must be no more than %d bytes", CS_LABEL_NAME_MAX);
	if (!cs_label_is_name(r->values[i], size))
		cs_buffer_printf(&check->words, "%s%s", size > CS_LABEL_NAME_MAX ? "; " : "",
				 VALUE_WORDS);
	add(check->faults, &check->words);
}

static void add_operator(struct check *check, const char *supported)
{
	const char *op = check->requirement->operator_;
	cs_buffer_printf(&check->words, "%soperator: Unsupported value: ", check->path);
	quote(&check->words, op ? op : "");
	cs_buffer_printf(&check->words, ": supported values: %s", supported);
	add(check->faults, &check->words);
}

static void check_requirement(struct check *check, enum cs_operator op)
{
	check_key(check);
	check_number_of_values(check, op);
	for (size_t i = 0; i < check->requirement->n_values; i++)
		check_value(check, i);
}

static void check_expression(struct check *check)
{
	enum cs_operator op;
	if (cs_operator_parse(check->requirement->operator_, &op) != 0) {
		add_operator(check, "\"In\", \"NotIn\", \"Exists\", \"DoesNotExist\", \"Gt\", "
				    "\"Lt\"");
		return;
	}
	check_requirement(check, op);
}

static void check_field(struct check *check)
{
	if (!is_field_operator(check->requirement->operator_))
		add_operator(check, "\"In\", \"NotIn\"");
	else if (check->requirement->n_values != 1)
		add_values(check, "must have one element");
}

// ---- terms ----

static void check_list(Kube__NodeSelectorRequirement *const *list, size_t n, const char *path,
		       void (*one)(struct check *check), struct cs_faults *faults)
{
	struct check check = { .faults = faults };
	cs_buffer_init(&check.words, WORDS_MAX);
	for (size_t i = 0; i < n && faults->count < CS_FAULTS_MAX; i++) {
		check.requirement = list[i];
		check.path = cs_arena_printf(faults->arena, "%s[%zu].", path, i);
		one(&check);
	}
	cs_buffer_finish(&check.words);
}

void cs_node_term_check(const Kube__NodeSelectorTerm *term, const char *path,
			struct cs_faults *faults)
{
	check_list(term->match_expressions, term->n_match_expressions,
		   cs_arena_printf(faults->arena, "%s.matchExpressions", path), check_expression,
		   faults);
	check_list(term->match_fields, term->n_match_fields,
		   cs_arena_printf(faults->arena, "%s.matchFields", path), check_field, faults);
}

// ---- label selectors ----

static const char *fault_of(const Kube__NodeSelectorRequirement *requirement, enum cs_operator op,
			    struct cs_arena *arena)
{
	struct cs_faults faults = { .arena = arena };
	struct check check = { .requirement = requirement, .path = "", .faults = &faults };
	cs_buffer_init(&check.words, WORDS_MAX);
	check_requirement(&check, op);
	cs_buffer_finish(&check.words);
	return cs_faults_join(&faults);
}

static const char *expression_fault(const Kube__LabelSelectorRequirement *from,
				    struct cs_arena *arena)
{
	enum cs_operator op;
	const char *name = from->operator_ ? from->operator_ : "";
	if (cs_operator_parse(name, &op) != 0 || op == CS_OPERATOR_GT || op == CS_OPERATOR_LT) {
		CS_AUTO_BUFFER struct cs_buffer quoted;
		cs_buffer_init(&quoted, WORDS_MAX);
		quote(&quoted, name);
		return cs_arena_printf(arena, "%s is not a valid label selector operator",
				       quoted.data);
	}
	Kube__NodeSelectorRequirement requirement = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	requirement.key = from->key;
	requirement.n_values = from->n_values;
	requirement.values = from->values;
	return fault_of(&requirement, op, arena);
}

static const char *entry_fault(const Kube__StringEntry *entry, struct cs_arena *arena)
{
	Kube__NodeSelectorRequirement requirement = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	char *values[] = { entry->value ? entry->value : (char[]){ "" } };
	requirement.key = entry->key;
	requirement.n_values = 1;
	requirement.values = values;
	return fault_of(&requirement, CS_OPERATOR_IN, arena);
}

const char *cs_label_selector_fault(const Kube__LabelSelector *selector, struct cs_arena *arena)
{
	const char *fault = NULL;
	for (size_t i = 0; selector && !fault && i < selector->n_match_labels; i++)
		fault = entry_fault(selector->match_labels[i], arena);
	for (size_t i = 0; selector && !fault && i < selector->n_match_expressions; i++)
		fault = expression_fault(selector->match_expressions[i], arena);
	return fault;
}

// ---- preferences ----

bool cs_node_preference_counts(const Kube__PreferredSchedulingTerm *term)
{
	return term->weight != 0 && term->preference && !cs_node_term_is_empty(term->preference);
}

void cs_node_preferences_check(const Kube__NodeAffinity *affinity, const char *path,
			       struct cs_faults *faults)
{
	for (size_t i = 0; i < affinity->n_preferred_during_scheduling_ignored_during_execution;
	     i++) {
		const Kube__PreferredSchedulingTerm *term =
			affinity->preferred_during_scheduling_ignored_during_execution[i];
		if (cs_node_preference_counts(term) && !cs_node_term_is_valid(term->preference))
			cs_node_term_check(term->preference,
					   cs_arena_printf(faults->arena, "%s[%zu]", path, i),
					   faults);
	}
}

const char *cs_faults_join(const struct cs_faults *faults)
{
	uint32_t count = faults->count < CS_FAULTS_MAX ? faults->count : CS_FAULTS_MAX;
	const char *joined = NULL;
	bool several = false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t seen = 0;
		while (strcmp(faults->list[seen], faults->list[i]) != 0)
			seen++;
		if (seen < i)
			continue;
		several = joined;
		joined = joined ? cs_arena_printf(faults->arena, "%s, %s", joined, faults->list[i])
				: faults->list[i];
	}
	return several ? cs_arena_printf(faults->arena, "[%s]", joined) : joined;
}
