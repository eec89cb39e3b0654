// Label and field selectors: reading and matching. Neighbours: selector.h.
#include "selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#define REQUIREMENTS_MAX 64
#define VALUES_MAX       1024

// ---- the text of a label selector, word by word ----

enum token { TOKEN_END, TOKEN_WORD, TOKEN_SYMBOL };

struct lexer {
	const char *at;
	enum token token;
	const char *start;
	size_t size;
};

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || strchr("-_./:", c) ? c != 0 : false;
}

static void advance(struct lexer *lexer)
{
	while (isspace((unsigned char)*lexer->at))
		lexer->at++;
	lexer->start = lexer->at;
	if (!*lexer->at) {
		lexer->token = TOKEN_END;
	} else if (word_char(*lexer->at)) {
		lexer->token = TOKEN_WORD;
		while (word_char(*lexer->at))
			lexer->at++;
	} else {
		lexer->token = TOKEN_SYMBOL;
		bool two = cs_string_prefix(lexer->at, "==") || cs_string_prefix(lexer->at, "!=");
		lexer->at += two ? 2 : 1;
	}
	lexer->size = (size_t)(lexer->at - lexer->start);
}

static bool is(const struct lexer *lexer, const char *text)
{
	return lexer->size == strlen(text) && memcmp(lexer->start, text, lexer->size) == 0;
}

static int expected(const struct lexer *lexer, const char *what, struct sim_status *status)
{
	return sim_status_bad(status, "unable to parse requirement: found '%.*s', expected: %s",
			      (int)lexer->size, lexer->start, what);
}

static void add_value(struct sim_label_requirement *requirement, const char *value, size_t size)
{
	requirement->values = cs_realloc_array(requirement->values, requirement->n_values + 1,
					       sizeof(*requirement->values));
	requirement->values[requirement->n_values++] = cs_strndup(value, size);
}

// "(a,b)" with the opening bracket next.
static int parse_set(struct lexer *lexer, struct sim_label_requirement *requirement,
		     struct sim_status *status)
{
	if (!is(lexer, "("))
		return expected(lexer, "'('", status);
	advance(lexer);
	for (;;) {
		bool word = lexer->token == TOKEN_WORD;
		if (!word && !is(lexer, ",") && !is(lexer, ")"))
			return expected(lexer, "',', ')' or identifier", status);
		if (requirement->n_values == VALUES_MAX)
			return sim_status_bad(status, "too many values in the label selector");
		add_value(requirement, lexer->start, word ? lexer->size : 0);
		if (word)
			advance(lexer);
		if (is(lexer, ")")) {
			advance(lexer);
			return 0;
		}
		if (!is(lexer, ","))
			return expected(lexer, "',' or ')'", status);
		advance(lexer);
	}
}

// One value behind = == != > <; it may be missing.
static void parse_value(struct lexer *lexer, struct sim_label_requirement *requirement)
{
	bool word = lexer->token == TOKEN_WORD;
	add_value(requirement, lexer->start, word ? lexer->size : 0);
	if (word)
		advance(lexer);
}

static const struct {
	const char *text;
	enum sim_label_operator op;
	bool set;
} operators[] = {
	{ "in", SIM_LABEL_IN, true },       { "notin", SIM_LABEL_NOT_IN, true },
	{ "=", SIM_LABEL_IN, false },       { "==", SIM_LABEL_IN, false },
	{ "!=", SIM_LABEL_NOT_IN, false },  { ">", SIM_LABEL_GREATER, false },
	{ "gt", SIM_LABEL_GREATER, false }, { "<", SIM_LABEL_LESS, false },
	{ "lt", SIM_LABEL_LESS, false },
};

static int parse_requirement(struct lexer *lexer, struct sim_label_requirement *requirement,
			     struct sim_status *status)
{
	requirement->op = SIM_LABEL_EXISTS;
	if (is(lexer, "!")) {
		requirement->op = SIM_LABEL_ABSENT;
		advance(lexer);
	}
	if (lexer->token != TOKEN_WORD)
		return expected(lexer, "identifier", status);
	requirement->key = cs_strndup(lexer->start, lexer->size);
	advance(lexer);
	if (lexer->token == TOKEN_END || is(lexer, ","))
		return 0;
	for (size_t i = 0; requirement->op == SIM_LABEL_EXISTS && i < CS_ARRAY_LENGTH(operators);
	     i++) {
		if (!is(lexer, operators[i].text))
			continue;
		requirement->op = operators[i].op;
		advance(lexer);
		if (operators[i].set)
			return parse_set(lexer, requirement, status);
		parse_value(lexer, requirement);
		return 0;
	}
	return expected(lexer, "in, notin, =, ==, !=, gt, lt", status);
}

static int parse_labels(const char *text, struct sim_selector *selector, struct sim_status *status)
{
	struct lexer lexer = { .at = text };
	advance(&lexer);
	while (lexer.token != TOKEN_END) {
		if (selector->n_labels == REQUIREMENTS_MAX)
			return sim_status_bad(status,
					      "too many requirements in the label selector");
		selector->labels = cs_realloc_array(selector->labels, selector->n_labels + 1,
						    sizeof(*selector->labels));
		struct sim_label_requirement *requirement = &selector->labels[selector->n_labels++];
		*requirement = (struct sim_label_requirement){ 0 };
		int result = parse_requirement(&lexer, requirement, status);
		if (result)
			return result;
		if (lexer.token == TOKEN_END)
			break;
		if (!is(&lexer, ","))
			return expected(&lexer, "',' or 'end of string'", status);
		advance(&lexer);
		if (lexer.token != TOKEN_WORD && !is(&lexer, "!"))
			return sim_status_bad(status,
					      "found '%.*s', expected: identifier after ','",
					      (int)lexer.size, lexer.start);
	}
	return 0;
}

// ---- field selectors ----

static bool known_field(const struct sim_resource *resource, const char *path)
{
	if (strcmp(path, "metadata.name") == 0 || strcmp(path, "metadata.namespace") == 0)
		return true;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(resource->fields) && resource->fields[i]; i++)
		if (strcmp(resource->fields[i], path) == 0)
			return true;
	return false;
}

static int check_field(const struct sim_resource *resource, const char *path,
		       struct sim_status *status)
{
	if (known_field(resource, path))
		return 0;
	if (resource->fields[0])
		return sim_status_bad(status, "field label not supported: %s", path);
	return sim_status_bad(status,
			      "\"%s\" is not a known field selector: only \"metadata.name\", "
			      "\"metadata.namespace\"",
			      path);
}

static int parse_field(const struct sim_resource *resource, char *term,
		       struct sim_selector *selector, struct sim_status *status)
{
	char *sign = strchr(term, '=');
	if (!sign)
		return sim_status_bad(status, "invalid selector: '%s'; can't understand '%s'", term,
				      term);
	char *value = sign + 1;
	bool negated = sign > term && sign[-1] == '!';
	if (*value == '=')
		value++;
	*(negated ? sign - 1 : sign) = 0;
	if (selector->n_fields == REQUIREMENTS_MAX)
		return sim_status_bad(status, "too many requirements in the field selector");
	int result = check_field(resource, term, status);
	if (result)
		return result;
	selector->fields = cs_realloc_array(selector->fields, selector->n_fields + 1,
					    sizeof(*selector->fields));
	selector->fields[selector->n_fields++] = (struct sim_field_requirement){
		.path = cs_strdup(term), .value = cs_strdup(value), .negated = negated
	};
	return 0;
}

static int parse_fields(const struct sim_resource *resource, const char *text,
			struct sim_selector *selector, struct sim_status *status)
{
	CS_AUTO_FREE char *copy = cs_strdup(text);
	char *rest = copy;
	char *term;
	while ((term = strsep(&rest, ","))) {
		if (!*term)
			continue;
		int result = parse_field(resource, term, selector, status);
		if (result)
			return result;
	}
	return 0;
}

int sim_selector_parse(const struct sim_resource *resource, const char *labels, const char *fields,
		       struct sim_selector *ret, struct sim_status *status)
{
	struct sim_selector selector = { 0 };
	int result = labels ? parse_labels(labels, &selector, status) : 0;
	if (!result && fields)
		result = parse_fields(resource, fields, &selector, status);
	if (result)
		sim_selector_finish(&selector);
	else
		*ret = selector;
	return result;
}

void sim_selector_finish(struct sim_selector *selector)
{
	for (size_t i = 0; i < selector->n_labels; i++) {
		for (size_t k = 0; k < selector->labels[i].n_values; k++)
			free(selector->labels[i].values[k]);
		free(selector->labels[i].values);
		free(selector->labels[i].key);
	}
	for (size_t i = 0; i < selector->n_fields; i++) {
		free(selector->fields[i].path);
		free(selector->fields[i].value);
	}
	free(selector->labels);
	free(selector->fields);
	*selector = (struct sim_selector){ 0 };
}

bool sim_selector_empty(const struct sim_selector *selector)
{
	return selector->n_labels == 0 && selector->n_fields == 0;
}

// ---- matching ----

static bool among(const struct sim_label_requirement *requirement, const char *value)
{
	for (size_t i = 0; i < requirement->n_values; i++)
		if (strcmp(requirement->values[i], value) == 0)
			return true;
	return false;
}

static bool compare_numbers(const struct sim_label_requirement *requirement, const char *value)
{
	char *end;
	errno = 0;
	long long has = strtoll(value, &end, 10);
	if (*end || end == value || errno)
		return false;
	long long bound = strtoll(requirement->values[0], &end, 10);
	if (*end || errno)
		return false;
	return requirement->op == SIM_LABEL_GREATER ? has > bound : has < bound;
}

static bool label_matches(const struct sim_label_requirement *requirement, const char *value)
{
	switch (requirement->op) {
	case SIM_LABEL_IN:
		return value && among(requirement, value);
	case SIM_LABEL_NOT_IN:
		return !value || !among(requirement, value);
	case SIM_LABEL_EXISTS:
		return value;
	case SIM_LABEL_ABSENT:
		return !value;
	case SIM_LABEL_GREATER:
	case SIM_LABEL_LESS:
		return value && compare_numbers(requirement, value);
	}
	return false;
}

// Fields of type boolean are compared as words, and missing is false.
static const char *field_value(struct json_object *tree, const char *path)
{
	struct json_object *value = cs_value_at(tree, path);
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "true" : "false";
	if (value)
		return json_object_get_string(value);
	bool boolean =
		strcmp(path, "spec.unschedulable") == 0 || strcmp(path, "spec.hostNetwork") == 0;
	return boolean ? "false" : "";
}

bool sim_selector_matches(const struct sim_selector *selector, struct json_object *tree)
{
	for (size_t i = 0; i < selector->n_fields; i++) {
		const struct sim_field_requirement *field = &selector->fields[i];
		if ((strcmp(field_value(tree, field->path), field->value) == 0) == field->negated)
			return false;
	}
	if (selector->n_labels == 0)
		return true;
	struct json_object *labels = cs_value_at(tree, "metadata.labels");
	for (size_t i = 0; i < selector->n_labels; i++)
		if (!label_matches(&selector->labels[i],
				   cs_tree_string(labels, selector->labels[i].key)))
			return false;
	return true;
}
