// Label selectors as people write them. Neighbours: csched/kube/selector.h; selector.c says what a
// requirement must be. The syntax is that of apimachinery's labels.Parse.
#include <csched/kube/selector.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>

struct parser {
	const char *at;
	struct cs_arena *arena;
	struct cs_error *err;
	size_t n_values; // so far
	bool numbers;    // > and < may stand
};

static void skip_blanks(struct parser *parser)
{
	while (isspace((unsigned char)*parser->at))
		parser->at++;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-_./", c));
}

#define FOUND_MAX 63 // bytes of a word that is repeated

// Apimachinery's words. What was found is a word, else one character of UTF-8.
static int expected(const struct parser *parser, const char *what)
{
	const char *end = parser->at;
	while (is_word(*end) && end - parser->at < FOUND_MAX)
		end++;
	if (end == parser->at && *end)
		do
			end++;
		while ((*end & 0xc0) == 0x80);
	return cs_error_set(parser->err, -EINVAL, "found '%.*s', expected: %s",
			    (int)(end - parser->at), parser->at, what);
}

// The word that is next, in the arena, "" where there is none.
static char *take_word(struct parser *parser)
{
	skip_blanks(parser);
	const char *start = parser->at;
	while (is_word(*parser->at))
		parser->at++;
	char *word = cs_arena_strndup(parser->arena, start, (size_t)(parser->at - start));
	skip_blanks(parser);
	return word;
}

static bool take(struct parser *parser, const char *symbol)
{
	if (!cs_string_prefix(parser->at, symbol))
		return false;
	parser->at += strlen(symbol);
	skip_blanks(parser);
	return true;
}

static int add_value(struct parser *parser, Kube__LabelSelectorRequirement *to)
{
	if (parser->n_values++ == CS_SELECTOR_VALUES_MAX)
		return cs_error_set(parser->err, -EINVAL, "more than %d values",
				    CS_SELECTOR_VALUES_MAX);
	// Room for a power of two: copied when that is full.
	if ((to->n_values & (to->n_values - 1)) == 0) {
		size_t room = to->n_values ? 2 * to->n_values : 1;
		char **more = cs_arena_alloc_array(parser->arena, room, sizeof(*more));
		if (to->n_values)
			memcpy(more, to->values, to->n_values * sizeof(*more));
		to->values = more;
	}
	to->values[to->n_values++] = take_word(parser);
	return 0;
}

static int take_set(struct parser *parser, Kube__LabelSelectorRequirement *to)
{
	if (!take(parser, "("))
		return expected(parser, "'('");
	if (!is_word(*parser->at) && *parser->at != ',' && *parser->at != ')')
		return expected(parser, "',', ')' or identifier");
	do {
		int r = add_value(parser, to);
		if (r < 0)
			return r;
	} while (take(parser, ","));
	return take(parser, ")") ? 0 : expected(parser, "',' or ')'");
}

// What follows the key.
static int take_operator(struct parser *parser, Kube__LabelSelectorRequirement *to)
{
	static char in[] = "In", not_in[] = "NotIn", gt[] = "Gt", lt[] = "Lt";
	const struct {
		const char *symbol;
		char *op;
	} rows[] = { { "==", in }, { "=", in }, { "!=", not_in }, { ">", gt }, { "<", lt } };
	const size_t n = CS_ARRAY_LENGTH(rows) - (parser->numbers ? 0 : 2);
	for (size_t i = 0; i < n; i++) {
		if (!take(parser, rows[i].symbol))
			continue;
		to->operator_ = rows[i].op;
		return add_value(parser, to);
	}
	const char *start = parser->at;
	const char *word = take_word(parser);
	if (strcmp(word, "in") == 0)
		to->operator_ = in;
	else if (strcmp(word, "notin") == 0)
		to->operator_ = not_in;
	if (to->operator_)
		return take_set(parser, to);
	parser->at = start;
	return expected(parser,
			parser->numbers ? "in, notin, =, ==, !=, gt, lt" : "in, notin, =, ==, !=");
}

static int take_requirement(struct parser *parser, Kube__LabelSelectorRequirement *to)
{
	static char exists[] = "Exists", absent[] = "DoesNotExist";
	kube__label_selector_requirement__init(to);
	to->operator_ = NULL;
	bool negated = take(parser, "!");
	to->key = take_word(parser);
	if (!*to->key)
		return expected(parser, "identifier");
	if (!*parser->at || *parser->at == ',') {
		to->operator_ = negated ? absent : exists;
		return 0;
	}
	return negated ? expected(parser, "',' or 'end of string'") : take_operator(parser, to);
}

static int take_all(struct parser *parser, Kube__LabelSelector *selector)
{
	skip_blanks(parser);
	if (!*parser->at)
		return 0;
	selector->match_expressions = cs_arena_alloc_array(
		parser->arena, CS_SELECTOR_REQUIREMENTS_MAX, sizeof(*selector->match_expressions));
	do {
		if (selector->n_match_expressions == CS_SELECTOR_REQUIREMENTS_MAX)
			return cs_error_set(parser->err, -EINVAL, "more than %d requirements",
					    CS_SELECTOR_REQUIREMENTS_MAX);
		Kube__LabelSelectorRequirement *to = cs_arena_alloc(parser->arena, sizeof(*to));
		int r = take_requirement(parser, to);
		if (r < 0)
			return r;
		selector->match_expressions[selector->n_match_expressions++] = to;
	} while (take(parser, ","));
	return *parser->at ? expected(parser, "',' or 'end of string'") : 0;
}

int cs_requirements_parse(const char *text, struct cs_arena *arena, struct cs_requirement **ret,
			  size_t *ret_n, struct cs_error *err)
{
	struct parser parser = { .arena = arena, .at = text, .err = err, .numbers = true };
	Kube__LabelSelector selector = KUBE__LABEL_SELECTOR__INIT;
	int r = take_all(&parser, &selector);
	*ret_n = selector.n_match_expressions;
	*ret = cs_arena_alloc_array(arena, *ret_n, sizeof(**ret));
	for (size_t i = 0; r == 0 && i < *ret_n; i++)
		r = cs_requirement_parse_query(selector.match_expressions[i], &(*ret)[i], err);
	return r;
}

int cs_label_selector_parse(const char *text, struct cs_arena *arena,
			    const Kube__LabelSelector **ret, struct cs_error *err)
{
	struct parser parser = { .at = text, .arena = arena, .err = err };
	Kube__LabelSelector *selector = cs_arena_alloc(arena, sizeof(*selector));
	kube__label_selector__init(selector);
	int r = take_all(&parser, selector);
	struct cs_requirement requirement;
	for (size_t i = 0; r == 0 && i < selector->n_match_expressions; i++)
		r = cs_requirement_parse_label(selector->match_expressions[i], &requirement, err);
	if (r == 0)
		*ret = selector;
	return r;
}
