// Label selectors as people write them. Neighbours: lib/kube/selector_text.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/kube/selector.h>
#include <errno.h>
#include <string.h>

static struct cs_arena *arena;

static void setup(void)
{
	arena = cs_arena_create();
}

static void teardown(void)
{
	cs_arena_destroy(arena);
}

// "app In [db]; !old ..." of what was read, or the words of its error.
static const char *parsed(const char *text)
{
	const Kube__LabelSelector *selector = NULL;
	struct cs_error err = { 0 };
	if (cs_label_selector_parse(text, arena, &selector, &err) < 0) {
		ck_assert_ptr_null(selector);
		return cs_arena_strdup(arena, err.text);
	}
	const char *out = "";
	for (size_t i = 0; i < selector->n_match_expressions; i++) {
		const Kube__LabelSelectorRequirement *r = selector->match_expressions[i];
		out = cs_arena_printf(arena, "%s%s%s %s [", out, i ? "; " : "", r->key,
				      r->operator_);
		for (size_t k = 0; k < r->n_values; k++)
			out = cs_arena_printf(arena, "%s%s%s", out, k ? "," : "", r->values[k]);
		out = cs_arena_printf(arena, "%s]", out);
	}
	return out;
}

static const struct {
	const char *text;
	const char *parsed;
} rows[] = {
	{ "", "" },
	{ "  \t", "" },
	{ "app=db", "app In [db]" },
	{ " app == db ", "app In [db]" },
	{ "app=", "app In []" },
	{ "app!=db", "app NotIn [db]" },
	{ "app=db,tier in (a, b)", "app In [db]; tier In [a,b]" },
	{ "tier notin(a,),x", "tier NotIn [a,]; x Exists []" },
	// As upstream reads it: one value, which is empty. An In without values is refused.
	{ "a in (), b notin ( )", "a In []; b NotIn []" },
	{ "a in (,)", "a In [,]" },
	{ "! old , example.com/x=1.2_3-4", "old DoesNotExist []; example.com/x In [1.2_3-4]" },
	{ "in in (in),notin", "in In [in]; notin Exists []" },
	{ "a,a=b,a!=c", "a Exists []; a In [b]; a NotIn [c]" },
	// What is wrong.
	{ "app db", "found 'db', expected: in, notin, =, ==, !=" },
	{ "app=db tier", "found 'tier', expected: ',' or 'end of string'" },
	{ "app=db,", "found '', expected: identifier" },
	{ ",app", "found ',', expected: identifier" },
	{ "!app=db", "found '=', expected: ',' or 'end of string'" },
	{ "!", "found '', expected: identifier" },
	{ "a in b", "found 'b', expected: '('" },
	{ "a in (b", "found '', expected: ',' or ')'" },
	{ "a in (b;c)", "found ';', expected: ',' or ')'" },
	{ "a>1", "found '>', expected: in, notin, =, ==, !=" },
	{ "a gt 1", "found 'gt', expected: in, notin, =, ==, !=" },
	{ "\"a\"=b", "found '\"', expected: identifier" },
	{ "-a=b", "key: not a label key: \"-a\"" },
	{ "a/b/c", "key: not a label key: \"a/b/c\"" },
	{ "a=/b", "values[0]: not a label value: \"/b\"" },
	{ "a=\xc3\xa4", "found '\xc3\xa4', expected: ',' or 'end of string'" },
	{ "a somebody-has-written-more-than-sixty-three-letters-into-this-annotation-of-a-pod",
	  "found 'somebody-has-written-more-than-sixty-three-letters-into-this-an', expected: in, "
	  "notin, =, ==, !=" },
};

START_TEST(texts)
{
	ck_assert_str_eq(parsed(rows[_i].text), rows[_i].parsed);
}
END_TEST

static const char *repeated(const char *part, int n, const char *tail)
{
	size_t size = strlen(part) * (size_t)n;
	char *text = cs_arena_alloc(arena, size + strlen(tail) + 1);
	for (int i = 0; i < n; i++)
		memcpy(text + (size_t)i * strlen(part), part, strlen(part));
	memcpy(text + size, tail, strlen(tail));
	return text;
}

START_TEST(maxima)
{
	ck_assert_ptr_nonnull(strstr(parsed(repeated("a,", 63, "b")), "b Exists []"));
	ck_assert_str_eq(parsed(repeated("a,", 64, "b")), "more than 64 requirements");
	const char *most = cs_arena_printf(arena, "k in (%s", repeated("v,", 1023, "w)"));
	ck_assert_ptr_nonnull(strstr(parsed(most), "v,w]"));
	const char *more = cs_arena_printf(arena, "k in (%s", repeated("v,", 1024, "w)"));
	ck_assert_str_eq(parsed(more), "more than 1024 values");
	ck_assert_str_eq(parsed(cs_arena_printf(arena, "%s,a=b", most)), "more than 1024 values");
}
END_TEST

START_TEST(numbers_in_queries)
{
	struct cs_requirement *list;
	struct cs_error err;
	size_t n;
	ck_assert_int_eq(cs_requirements_parse("a > 1, a<2,b in (x)", arena, &list, &n, &err), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert(cs_requirement_matches(&list[0], "2") && !cs_requirement_matches(&list[0], "1"));
	ck_assert(cs_requirement_matches(&list[1], "1") && !cs_requirement_matches(&list[1], "2"));
	ck_assert(cs_requirement_matches(&list[2], "x"));
	ck_assert_int_eq(cs_requirements_parse("a in ()", arena, &list, &n, &err), 0);
	ck_assert_uint_eq(list[0].n_values, 1);
	ck_assert(cs_requirement_matches(&list[0], ""));
	ck_assert(!cs_requirement_matches(&list[0], NULL) &&
		  !cs_requirement_matches(&list[0], "x"));
	ck_assert_int_eq(cs_requirements_parse(" ", arena, &list, &n, &err), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(cs_requirements_parse("a>", arena, &list, &n, &err), -EINVAL);
	ck_assert_str_eq(err.text, "values[0]: must be an integer for Gt and Lt, is \"\"");
	ck_assert_int_eq(cs_requirements_parse("a b", arena, &list, &n, &err), -EINVAL);
}
END_TEST

START_TEST(matches_as_any_selector)
{
	const Kube__LabelSelector *selector;
	char app[] = "app", db[] = "db";
	Kube__StringEntry entry = KUBE__STRING_ENTRY__INIT;
	Kube__StringEntry *entries[] = { &entry };
	bool matches;
	entry.key = app;
	entry.value = db;
	ck_assert_int_eq(cs_label_selector_parse("app in (web,db),!old", arena, &selector, NULL),
			 0);
	ck_assert_int_eq(cs_label_selector_matches(selector, entries, 1, &matches, NULL), 0);
	ck_assert(matches);
	ck_assert_int_eq(cs_label_selector_matches(selector, NULL, 0, &matches, NULL), 0);
	ck_assert(!matches);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("kube/selector_text");
	TCase *tcase = tcase_create("selector_text");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, texts, 0, CS_ARRAY_LENGTH(rows));
	tcase_add_test(tcase, maxima);
	tcase_add_test(tcase, numbers_in_queries);
	tcase_add_test(tcase, matches_as_any_selector);
	suite_add_tcase(suite, tcase);
	return suite;
}
