// Requirements and label selectors: what upstream refuses, and what matches.
// Neighbours: lib/kube/selector.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/kube/selector.h>
#include <errno.h>
#include <stdio.h>

#define VALUES_MAX 4

// A requirement as a test table writes it; values end with NULL.
struct row {
	const char *key;
	const char *op;
	const char *values[VALUES_MAX];
};

static Kube__NodeSelectorRequirement message_of(const struct row *row, char *values[VALUES_MAX])
{
	Kube__NodeSelectorRequirement message = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	message.key = (char *)(uintptr_t)row->key;
	message.operator_ = (char *)(uintptr_t)row->op;
	message.values = values;
	for (; message.n_values < VALUES_MAX && row->values[message.n_values]; message.n_values++)
		values[message.n_values] = (char *)(uintptr_t)row->values[message.n_values];
	return message;
}

static int parse(const struct row *row, char *values[VALUES_MAX], struct cs_requirement *ret,
		 struct cs_error *err)
{
	Kube__NodeSelectorRequirement message = message_of(row, values);
	return cs_requirement_parse(&message, ret, err);
}

#define X63  "x23456789012345678901234567890123456789012345678901234567890123"
#define D49  "d234567890123456789012345678901234567890123456789"
#define P253 D49 "0." D49 "0." D49 "0." D49 "0." D49 // four labels of 50 bytes and one of 49

static const struct row valid[] = {
	{ "a", "Exists", { NULL } },
	{ "A-b_c.9", "Exists", { NULL } },
	{ "example.com/name", "Exists", { NULL } },
	{ "0.1-2.c/9", "DoesNotExist", { NULL } },
	{ X63, "Exists", { NULL } },
	{ P253 "/x", "Exists", { NULL } },
	{ "a", "In", { "" } },
	{ "a", "In", { X63 } },
	{ "a", "In", { "x", "y", "x" } },
	{ "a", "NotIn", { "A.b-c_d" } },
	{ "a", "Gt", { "0" } },
	{ "a", "Lt", { "9223372036854775807" } },
};

static const struct {
	struct row row;
	const char *words;
} invalid[] = {
	{ { NULL, "Exists", { NULL } }, "key" },
	{ { "", "Exists", { NULL } }, "key" },
	{ { "-a", "Exists", { NULL } }, "key" },
	{ { "a-", "Exists", { NULL } }, "key" },
	{ { "a b", "Exists", { NULL } }, "key" },
	{ { "a\n", "Exists", { NULL } }, "key" },
	{ { "\xc3\xa9", "Exists", { NULL } }, "key" },
	{ { X63 "4", "Exists", { NULL } }, "key" },
	{ { "/a", "Exists", { NULL } }, "key" },
	{ { "a/", "Exists", { NULL } }, "key" },
	{ { "a/b/c", "Exists", { NULL } }, "key" },
	{ { "A.com/b", "Exists", { NULL } }, "key" },
	{ { "a..b/c", "Exists", { NULL } }, "key" },
	{ { ".a/c", "Exists", { NULL } }, "key" },
	{ { "a./c", "Exists", { NULL } }, "key" },
	{ { "a.-b/c", "Exists", { NULL } }, "key" },
	{ { "a-.b/c", "Exists", { NULL } }, "key" },
	{ { "a_b/c", "Exists", { NULL } }, "key" },
	{ { P253 "/x", "exists", { NULL } }, "operator" },
	{ { P253 "x/x", "Exists", { NULL } }, "key" },
	{ { "a", NULL, { NULL } }, "operator" },
	{ { "a", "", { NULL } }, "operator" },
	{ { "a", "in", { "x" } }, "operator" },
	{ { "a", "Equals", { "x" } }, "operator" },
	{ { "a", "In", { NULL } }, "values" },
	{ { "a", "NotIn", { NULL } }, "values" },
	{ { "a", "Exists", { "x" } }, "values" },
	{ { "a", "DoesNotExist", { "" } }, "values" },
	{ { "a", "In", { "x", "-y" } }, "values[1]" },
	{ { "a", "In", { X63 "4" } }, "values[0]" },
	{ { "a", "In", { "a/b" } }, "values[0]" },
	{ { "a", "Gt", { NULL } }, "values" },
	{ { "a", "Gt", { "1", "2" } }, "values" },
	{ { "a", "Gt", { "" } }, "values[0]" },
	{ { "a", "Gt", { "x" } }, "values[0]" },
	{ { "a", "Gt", { "1.5" } }, "values[0]" },
	{ { "a", "Lt", { "1_0" } }, "values[0]" },
	{ { "a", "Lt", { "9223372036854775808" } }, "values[0]" },
	{ { "a", "Lt", { "-1" } }, "values[0]" }, // an integer, but no label value
	{ { "a", "Lt", { "+1" } }, "values[0]" },
};

START_TEST(valid_ones)
{
	char *values[VALUES_MAX];
	struct cs_requirement r;
	struct cs_error err = { 0 };
	ck_assert_msg(parse(&valid[_i], values, &r, &err) == 0, "%s", err.text);
	ck_assert_str_eq(r.key, valid[_i].key);
}
END_TEST

START_TEST(invalid_ones)
{
	char *values[VALUES_MAX];
	struct cs_requirement r;
	struct cs_error err = { 0 };
	ck_assert_msg(parse(&invalid[_i].row, values, &r, &err) == -EINVAL, "row %d", _i);
	ck_assert_msg(cs_string_prefix(err.text, invalid[_i].words), "%s", err.text);
}
END_TEST

static const struct {
	struct row row;
	const char *value; // of the object, NULL = it has no such label
	bool matches;
} matching[] = {
	{ { "a", "In", { "x", "y" } }, "x", true },
	{ { "a", "In", { "x", "y" } }, "y", true },
	{ { "a", "In", { "x", "y" } }, "z", false },
	{ { "a", "In", { "x", "y" } }, "", false },
	{ { "a", "In", { "x", "y" } }, NULL, false },
	{ { "a", "In", { "" } }, "", true },
	{ { "a", "In", { "" } }, NULL, false },
	{ { "a", "NotIn", { "x" } }, "x", false },
	{ { "a", "NotIn", { "x" } }, "y", true },
	{ { "a", "NotIn", { "x" } }, NULL, true },
	{ { "a", "Exists", { NULL } }, "", true },
	{ { "a", "Exists", { NULL } }, NULL, false },
	{ { "a", "DoesNotExist", { NULL } }, "", false },
	{ { "a", "DoesNotExist", { NULL } }, NULL, true },
	{ { "a", "Gt", { "5" } }, "6", true },
	{ { "a", "Gt", { "5" } }, "5", false },
	{ { "a", "Gt", { "5" } }, "10", true }, // as a number, not as text
	{ { "a", "Gt", { "5" } }, "x", false },
	{ { "a", "Gt", { "5" } }, "", false },
	{ { "a", "Gt", { "5" } }, "6.5", false },
	{ { "a", "Gt", { "5" } }, NULL, false },
	{ { "a", "Gt", { "5" } }, "9223372036854775807", true },
	{ { "a", "Gt", { "5" } }, "9223372036854775808", false },
	{ { "a", "Lt", { "5" } }, "4", true },
	{ { "a", "Lt", { "5" } }, "5", false },
	{ { "a", "Lt", { "5" } }, "-9223372036854775808", true },
	{ { "a", "Lt", { "5" } }, "-9223372036854775809", false },
	{ { "a", "Lt", { "5" } }, "+4", true },
	{ { "a", "Lt", { "5" } }, "+", false },
	{ { "a", "Lt", { "5" } }, " 4", false },
	{ { "a", "Lt", { "5" } }, NULL, false },
};

START_TEST(matches)
{
	char *values[VALUES_MAX];
	struct cs_requirement r;
	ck_assert_int_eq(parse(&matching[_i].row, values, &r, NULL), 0);
	ck_assert_msg(cs_requirement_matches(&r, matching[_i].value) == matching[_i].matches,
		      "row %d", _i);
}
END_TEST

// Labels and a selector built from short texts, for the tests below.
struct fixture {
	Kube__StringEntry entries[VALUES_MAX];
	Kube__StringEntry *list[VALUES_MAX];
	size_t n;
};

static void add(struct fixture *f, const char *key, const char *value)
{
	Kube__StringEntry *entry = &f->entries[f->n];
	kube__string_entry__init(entry);
	entry->key = (char *)(uintptr_t)key;
	entry->value = (char *)(uintptr_t)value;
	f->list[f->n++] = entry;
}

START_TEST(labels)
{
	struct fixture f = { 0 };
	ck_assert_ptr_null(cs_labels_get(f.list, f.n, "a"));
	add(&f, "a", "1");
	add(&f, "b", NULL);
	add(&f, "a", "2");
	ck_assert_str_eq(cs_labels_get(f.list, f.n, "a"), "2");
	ck_assert_str_eq(cs_labels_get(f.list, f.n, "b"), "");
	ck_assert_ptr_null(cs_labels_get(f.list, f.n, "c"));
}
END_TEST

static Kube__LabelSelector selector_of(struct fixture *f)
{
	Kube__LabelSelector selector = KUBE__LABEL_SELECTOR__INIT;
	selector.match_labels = f->list;
	selector.n_match_labels = f->n;
	return selector;
}

static bool selected(const Kube__LabelSelector *selector, struct fixture *f)
{
	bool result;
	struct cs_error err = { 0 };
	int r = cs_label_selector_matches(selector, f->list, f->n, &result, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return result;
}

START_TEST(no_selector_and_the_empty_one)
{
	struct fixture pod = { 0 }, none = { 0 };
	add(&pod, "app", "web");
	Kube__LabelSelector empty = selector_of(&none);
	ck_assert(!selected(NULL, &pod));
	ck_assert(!selected(NULL, &none));
	ck_assert(selected(&empty, &pod));
	ck_assert(selected(&empty, &none));
}
END_TEST

START_TEST(all_must_match)
{
	struct fixture pod = { 0 }, want = { 0 };
	add(&pod, "app", "web");
	add(&pod, "tier", "");
	add(&want, "app", "web");
	Kube__LabelSelector selector = selector_of(&want);
	ck_assert(selected(&selector, &pod));
	add(&want, "tier", NULL); // an absent value is ""
	selector = selector_of(&want);
	ck_assert(selected(&selector, &pod));
	add(&want, "zone", "a");
	selector = selector_of(&want);
	ck_assert(!selected(&selector, &pod));
}
END_TEST

START_TEST(expressions)
{
	struct fixture pod = { 0 }, want = { 0 };
	add(&pod, "app", "web");
	add(&want, "app", "web");
	char *values[] = { (char[]){ "prod" } };
	Kube__LabelSelectorRequirement requirement = KUBE__LABEL_SELECTOR_REQUIREMENT__INIT;
	Kube__LabelSelectorRequirement *list[] = { &requirement };
	Kube__LabelSelector selector = selector_of(&want);
	selector.match_expressions = list;
	selector.n_match_expressions = 1;
	requirement.key = (char[]){ "env" };
	requirement.operator_ = (char[]){ "NotIn" };
	requirement.values = values;
	requirement.n_values = 1;
	ck_assert(selected(&selector, &pod));
	add(&pod, "env", "prod");
	ck_assert(!selected(&selector, &pod));
}
END_TEST

START_TEST(malformed_ones_are_errors_even_when_another_part_fails_to_match)
{
	struct fixture pod = { 0 }, want = { 0 };
	char *values[] = { (char[]){ "1" } };
	Kube__LabelSelectorRequirement requirement = KUBE__LABEL_SELECTOR_REQUIREMENT__INIT;
	Kube__LabelSelectorRequirement *list[] = { &requirement };
	bool result;
	struct cs_error err;
	add(&want, "app", "web");
	Kube__LabelSelector selector = selector_of(&want);
	selector.match_expressions = list;
	selector.n_match_expressions = 1;
	requirement.key = (char[]){ "env" };
	requirement.operator_ = (char[]){ "Gt" };
	requirement.values = values;
	requirement.n_values = 1;
	ck_assert_int_eq(cs_label_selector_matches(&selector, pod.list, 0, &result, &err), -EINVAL);
	ck_assert_str_eq(err.text, "matchExpressions[0]: operator: \"Gt\" is not a valid label "
				   "selector operator");
	requirement.operator_ = NULL;
	ck_assert_int_eq(cs_label_selector_matches(&selector, pod.list, 0, &result, &err), -EINVAL);
	add(&want, "no key!", "x");
	selector = selector_of(&want);
	ck_assert_int_eq(cs_label_selector_matches(&selector, pod.list, 0, &result, &err), -EINVAL);
	ck_assert_str_eq(err.text, "matchLabels: not a label key: \"no key!\"");
	want.n = 1;
	add(&want, "ok", "no value!");
	selector = selector_of(&want);
	ck_assert_int_eq(cs_label_selector_matches(&selector, pod.list, 0, &result, &err), -EINVAL);
	ck_assert_str_eq(err.text, "matchLabels: ok: not a label value: \"no value!\"");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("selector");
	TCase *tcase = tcase_create("selector");
	tcase_add_loop_test(tcase, valid_ones, 0, CS_ARRAY_LENGTH(valid));
	tcase_add_loop_test(tcase, invalid_ones, 0, CS_ARRAY_LENGTH(invalid));
	tcase_add_loop_test(tcase, matches, 0, CS_ARRAY_LENGTH(matching));
	tcase_add_test(tcase, labels);
	tcase_add_test(tcase, no_selector_and_the_empty_one);
	tcase_add_test(tcase, all_must_match);
	tcase_add_test(tcase, expressions);
	tcase_add_test(tcase, malformed_ones_are_errors_even_when_another_part_fails_to_match);
	suite_add_tcase(suite, tcase);
	return suite;
}
