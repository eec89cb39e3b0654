// Node selector terms: which can be read, and upstream's words for the others, as its own parser
// (component-helpers v0.36.3) printed them. Neighbours: lib/kube/node_term.c, label.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/kube/node_term.h>
#include <csched/kube/selector.h>
#include <stdio.h>
#include <string.h>

#define REQUIREMENTS_MAX 3
#define VALUES_MAX       5

struct requirement {
	const char *key;
	const char *op;
	const char *values[VALUES_MAX]; // end with NULL
};

struct row {
	struct requirement expressions[REQUIREMENTS_MAX]; // end with a NULL key
	struct requirement fields[REQUIREMENTS_MAX];
	const char *words; // NULL: it can be read
};

#define E    "[0].matchExpressions[0]"
#define X64  "x23456789012345678901234567890123456789012345678901234567890123y"
#define NAME "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define KEY_WORDS                                                                          \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and "    \
	"end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc'," \
	" regex used for validation is '" NAME "')"
#define VALUE_WORDS                                                                     \
	"a valid label must be an empty string or consist of alphanumeric characters, " \
	"'-', '_' or '.', and must start and end with an alphanumeric character (e.g. " \
	"'MyValue',  or 'my_value',  or '12345', regex used for validation is '(" NAME ")?')"
#define NO_NAME "name part must be non-empty; name part " KEY_WORDS

static const struct row rows[] = {
	{ .words = NULL },
	{ .expressions = { { "a", "In", { "b", "" } }, { "example.com/a", "Exists", { NULL } } } },
	{ .expressions = { { "a", "Gt", { "7" } }, { "a", "Lt", { "007" } } } },
	// An integer, but no label value.
	{ .expressions = { { "a", "Gt", { "-7" } } },
	  .words = E ".values[0][a]: Invalid value: \"-7\": " VALUE_WORDS },
	{ .fields = { { "metadata.name", "In", { "n1" } }, { "x", "NotIn", { "not a label!" } } } },
	{ .expressions = { { "a", "Gt", { "abc" } } },
	  .words = E ".values[0]: Invalid value: \"abc\": for 'Gt', 'Lt' operators, the value must "
		     "be an integer" },
	{ .expressions = { { "a", "Gt", { "1", "x" } } },
	  .words = "[" E ".values: Invalid value: [\"1\",\"x\"]: for 'Gt', 'Lt' operators, exactly "
		   "one value is required, " E ".values[1]: Invalid value: \"x\": for 'Gt', 'Lt' "
		   "operators, the value must be an integer]" },
	{ .expressions = { { "a", "In", { NULL } } },
	  .words = E ".values: Invalid value: null: for 'in', 'notin' operators, values set can't "
		     "be empty" },
	{ .expressions = { { "a", "Exists", { "b", "c\"d" } } },
	  .words = "[" E ".values: Invalid value: [\"b\",\"c\\\"d\"]: values set must be empty for "
		   "exists and does not exist, " E
		   ".values[1][a]: Invalid value: \"c\\\"d\": " VALUE_WORDS "]" },
	{ .expressions = { { "a", "Foo", { "b" } } },
	  .words = E ".operator: Unsupported value: \"Foo\": supported values: \"In\", \"NotIn\", "
		     "\"Exists\", \"DoesNotExist\", \"Gt\", \"Lt\"" },
	{ .expressions = { { "", "In", { "b" } } },
	  .words = E ".key: Invalid value: \"\": " NO_NAME },
	{ .expressions = { { "a/b/c", "In", { "b" } } },
	  .words = E ".key: Invalid value: \"a/b/c\": a valid label key " KEY_WORDS
		     " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')" },
	{ .expressions = { { "/b", "In", { "b" } } },
	  .words = E ".key: Invalid value: \"/b\": prefix part must be non-empty" },
	{ .expressions = { { "A_/", "In", { "b" } } },
	  .words = E
	  ".key: Invalid value: \"A_/\": prefix part a lowercase RFC 1123 subdomain must "
	  "consist of lower case alphanumeric characters, '-' or '.', and must start and "
	  "end with an alphanumeric character (e.g. 'example.com', regex used for "
	  "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
	  "'); " NO_NAME },
	{ .expressions = { { X64, "In", { X64, "-", "-", X64 "-" } } },
	  .words = "[" E ".key: Invalid value: \"" X64
		   "\": name part must be no more than 63 bytes, " E ".values[0][" X64
		   "]: Invalid value: \"" X64 "\": must be no more than 63 bytes, " E
		   ".values[1][" X64 "]: Invalid value: \"-\": " VALUE_WORDS ", " E
		   ".values[2][" X64 "]: Invalid value: \"-\": " VALUE_WORDS ", " E
		   ".values[3][" X64 "]: Invalid value: \"" X64 "-\": must be no more than 63 "
		   "bytes; " VALUE_WORDS "]" },
	{ .fields = { { "metadata.name", "In", { "a", "b" } },
		      { "metadata.name", "Exists", { NULL } },
		      { "x", "NotIn", { NULL } } },
	  .words =
		  "[[0].matchFields[0].values: Invalid value: [\"a\",\"b\"]: must have one element,"
		  " [0].matchFields[1].operator: Unsupported value: \"Exists\": supported values: "
		  "\"In\", \"NotIn\", [0].matchFields[2].values: Invalid value: null: must have "
		  "one "
		  "element]" },
	{ .expressions = { { "a", "Lt", { "\t" } }, { "a", "Lt", { "é" } } },
	  .words = "[" E ".values[0]: Invalid value: \"\\t\": for 'Gt', 'Lt' operators, the value "
		   "must be an integer, " E ".values[0][a]: Invalid value: \"\\t\": " VALUE_WORDS
		   ", [0].matchExpressions[1].values[0]: Invalid value: \"é\": for 'Gt', 'Lt' "
		   "operators, the value must be an integer, [0].matchExpressions[1].values[0][a]: "
		   "Invalid value: \"é\": " VALUE_WORDS "]" },
};

// A term of a row; the messages live in `ret`.
struct built {
	Kube__NodeSelectorTerm term;
	Kube__NodeSelectorRequirement messages[2][REQUIREMENTS_MAX];
	Kube__NodeSelectorRequirement *lists[2][REQUIREMENTS_MAX];
};

static size_t build_list(const struct requirement *from, Kube__NodeSelectorRequirement *messages,
			 Kube__NodeSelectorRequirement **list)
{
	size_t n = 0;
	for (; n < REQUIREMENTS_MAX && from[n].key; n++) {
		messages[n] = (Kube__NodeSelectorRequirement)KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
		messages[n].key = (char *)(uintptr_t)from[n].key;
		messages[n].operator_ = (char *)(uintptr_t)from[n].op;
		messages[n].values = (char **)(uintptr_t)from[n].values;
		while (messages[n].n_values < VALUES_MAX && from[n].values[messages[n].n_values])
			messages[n].n_values++;
		list[n] = &messages[n];
	}
	return n;
}

static void build(const struct row *row, struct built *ret)
{
	ret->term = (Kube__NodeSelectorTerm)KUBE__NODE_SELECTOR_TERM__INIT;
	ret->term.n_match_expressions =
		build_list(row->expressions, ret->messages[0], ret->lists[0]);
	ret->term.match_expressions = ret->lists[0];
	ret->term.n_match_fields = build_list(row->fields, ret->messages[1], ret->lists[1]);
	ret->term.match_fields = ret->lists[1];
}

START_TEST(upstreams_words)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_faults faults = { .arena = arena };
	struct built built;
	build(&rows[_i], &built);
	cs_node_term_check(&built.term, "[0]", &faults);
	const char *words = cs_faults_join(&faults);
	if (rows[_i].words)
		ck_assert_pstr_eq(words, rows[_i].words);
	else
		ck_assert_ptr_null(words);
	ck_assert(cs_node_term_is_valid(&built.term) == !rows[_i].words);
	ck_assert(cs_node_term_is_empty(&built.term) == (_i == 0));
}
END_TEST

START_TEST(several_terms_in_one_message)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_faults faults = { .arena = arena };
	struct built built;
	build(&(struct row){ .expressions = { { "a", "Gt", { "b" } } } }, &built);
	cs_node_term_check(&built.term, "added.nodeSelectorTerms[4]", &faults);
	cs_node_term_check(&built.term, "added.nodeSelectorTerms[4]", &faults);
#define WORDS                                                                                  \
	"added.nodeSelectorTerms[4].matchExpressions[0].values[0]: Invalid value: \"b\": for " \
	"'Gt', "                                                                               \
	"'Lt' operators, the value must be an integer"
	ck_assert_str_eq(cs_faults_join(&faults), WORDS);
	cs_node_term_check(&built.term, "[5]", &faults);
	ck_assert_uint_eq(faults.count, 3);
	ck_assert_str_eq(cs_faults_join(&faults),
			 "[" WORDS ", [5].matchExpressions[0].values[0]: Invalid value: \"b\": for "
			 "'Gt', 'Lt' operators, the value must be an integer]");
}
END_TEST

START_TEST(a_hostile_term_ends)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_faults faults = { .arena = arena };
	static const char *values[4096];
	for (size_t i = 0; i < CS_ARRAY_LENGTH(values); i++)
		values[i] = "-";
	struct built built;
	build(&(struct row){ .expressions = { { "a", "In", { "b" } } } }, &built);
	built.messages[0][0].values = (char **)(uintptr_t)values;
	built.messages[0][0].n_values = CS_ARRAY_LENGTH(values);
	cs_node_term_check(&built.term, "[0]", &faults);
	ck_assert_uint_eq(faults.count, CS_ARRAY_LENGTH(values));
	ck_assert_uint_lt(strlen(cs_faults_join(&faults)), CS_FAULTS_MAX * 1024);
	ck_assert(!cs_node_term_is_valid(&built.term));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("node_term");
	TCase *tcase = tcase_create("node_term");
	tcase_add_loop_test(tcase, upstreams_words, 0, CS_ARRAY_LENGTH(rows));
	tcase_add_test(tcase, several_terms_in_one_message);
	tcase_add_test(tcase, a_hostile_term_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}
