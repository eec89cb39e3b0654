// Objects read by table. Neighbours: lib/framework/fields.c.
#include <csched/framework/fields.h>

#include <errno.h>

#include "../check_main.h"
#include <csched/base/clock.h>
#include <csched/base/memory.h>

struct leaf {
	const char *name;
	struct cs_field_int weight;
};
struct tree {
	struct cs_field_bool on;
	struct cs_field_int count;
	struct cs_field_number ratio;
	struct cs_field_int wait;
	const char *word;
	struct cs_field_list words;
	struct leaf leaf;
	struct cs_field_list leaves;
	struct json_object *any;
};

static const struct cs_field leaf_fields[] = {
	CS_FIELD("name", CS_FIELD_STRING, struct leaf, name),
	CS_FIELD("weight", CS_FIELD_INT, struct leaf, weight, .min = 1, .max = 100),
	{ 0 },
};
static const struct cs_field tree_fields[] = {
	CS_FIELD("on", CS_FIELD_BOOL, struct tree, on),
	CS_FIELD("count", CS_FIELD_INT, struct tree, count, .min = 0, .max = 10,
		 .wrong = "is a bad count"),
	CS_FIELD("ratio", CS_FIELD_NUMBER, struct tree, ratio),
	CS_FIELD("wait", CS_FIELD_DURATION, struct tree, wait),
	CS_FIELD("word", CS_FIELD_STRING, struct tree, word),
	CS_FIELD("words", CS_FIELD_STRINGS, struct tree, words),
	CS_FIELD("leaf", CS_FIELD_OBJECT, struct tree, leaf, .fields = leaf_fields),
	CS_FIELD("leaves", CS_FIELD_OBJECTS, struct tree, leaves, .fields = leaf_fields,
		 .size = sizeof(struct leaf)),
	CS_FIELD("any", CS_FIELD_ANY, struct tree, any),
	{ 0 },
};

static struct cs_arena *arena;
static struct json_object *document;
static struct cs_errors errors;

static void setup(void)
{
	arena = cs_arena_create();
	document = NULL;
}

static void teardown(void)
{
	json_object_put(document);
	cs_arena_destroy(arena);
	cs_errors_finish(&errors);
}

static int read_tree(const char *text, struct tree *ret)
{
	struct cs_error err;
	json_object_put(document);
	document = NULL;
	cs_errors_finish(&errors);
	*ret = (struct tree){ 0 };
	int r = cs_value_read_json(cs_slice_of(text), &document, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return cs_fields_read(document, tree_fields, arena, ret, &errors);
}

START_TEST(every_type)
{
	struct tree tree;
	ck_assert_int_eq(
		read_tree("{\"on\": true, \"count\": 7, \"ratio\": 1.5, \"wait\": \"90s\", "
			  "\"word\": \"w\", \"words\": [\"a\", \"b\"], \"leaf\": {\"name\": "
			  "\"l\"}, \"leaves\": [{\"name\": \"m\", \"weight\": 3}, {}], "
			  "\"any\": {\"x\": 1}}",
			  &tree),
		0);
	ck_assert(tree.on.given && tree.on.value);
	ck_assert_int_eq(tree.count.value, 7);
	ck_assert(tree.ratio.value == 1.5);
	ck_assert_int_eq(tree.wait.value, 90 * CS_SECOND);
	ck_assert_str_eq(tree.word, "w");
	ck_assert_uint_eq(tree.words.count, 2);
	ck_assert_str_eq(((const char **)tree.words.items)[1], "b");
	ck_assert_str_eq(tree.leaf.name, "l");
	ck_assert(!tree.leaf.weight.given);
	const struct leaf *leaves = tree.leaves.items;
	ck_assert_uint_eq(tree.leaves.count, 2);
	ck_assert_int_eq(leaves[0].weight.value, 3);
	ck_assert_ptr_null(leaves[1].name);
	ck_assert_ptr_eq(tree.any, cs_value_at(document, "any"));
}
END_TEST

START_TEST(nothing_and_null_are_not_given)
{
	struct tree tree;
	static const char *const texts[] = { "{}",
					     "{\"on\": null, \"count\": null, \"word\": null, "
					     "\"leaf\": null, \"leaves\": null, \"any\": null}" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		ck_assert_int_eq(read_tree(texts[i], &tree), 0);
		ck_assert(!tree.on.given && !tree.count.given);
		ck_assert_ptr_null(tree.word);
		ck_assert_ptr_null(tree.any);
		ck_assert_uint_eq(tree.leaves.count, 0);
	}
}
END_TEST

START_TEST(numbers_may_be_integers)
{
	struct tree tree;
	ck_assert_int_eq(read_tree("{\"ratio\": 3}", &tree), 0);
	ck_assert(tree.ratio.value == 3);
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} wrong[] = {
	{ "[]", "expected an object, got a list" },
	{ "{\"x\": 1}", "x: unknown field" },
	{ "{\"ON\": true}", "ON: unknown field" },
	{ "{\"on\": \"true\"}", "on: expected a boolean, got a string" },
	{ "{\"count\": \"7\"}", "count: expected an integer, got a string" },
	{ "{\"count\": 1.5}", "count: expected an integer, got a number" },
	{ "{\"count\": 11}", "count: Invalid value: 11: is a bad count" },
	{ "{\"count\": -1}", "count: Invalid value: -1: is a bad count" },
	{ "{\"ratio\": \"1\"}", "ratio: expected a number, got a string" },
	{ "{\"wait\": 15}", "wait: expected a string, got an integer" },
	{ "{\"wait\": \"15\"}", "wait: \"15\" is not a duration such as 15s, 1m30s or 500ms" },
	{ "{\"word\": 1}", "word: expected a string, got an integer" },
	{ "{\"words\": \"a\"}", "words: expected a list, got a string" },
	{ "{\"words\": [\"a\", {}]}", "words[1]: expected a string, got an object" },
	{ "{\"words\": [null]}", "words[0]: expected a string, got null" },
	{ "{\"leaf\": 1}", "leaf: expected an object, got an integer" },
	{ "{\"leaf\": {\"names\": \"x\"}}", "leaf.names: unknown field" },
	{ "{\"leaf\": {\"weight\": 0}}",
	  "leaf.weight: Invalid value: 0: not in valid range [1, 100]" },
	{ "{\"leaves\": {}}", "leaves: expected a list, got an object" },
	{ "{\"leaves\": [{}, {\"weight\": true}]}",
	  "leaves[1].weight: expected an integer, got a boolean" },
	{ "{\"leaves\": [null]}", "leaves[0]: expected an object, got null" },
};

START_TEST(what_is_wrong_is_named)
{
	struct tree tree;
	ck_assert_int_eq(read_tree(wrong[_i].text, &tree), -EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_str_eq(errors.list[0], wrong[_i].error);
}
END_TEST

// What is wrong in one place hides nothing in another, and leaves its field as if not given.
START_TEST(all_that_is_wrong_is_named)
{
	struct tree tree;
	static const char *const expected[] = {
		"on: expected a boolean, got an integer",
		"words[0]: expected a string, got an integer",
		"words[2]: expected a string, got null",
		"leaf.weight: Invalid value: 101: not in valid range [1, 100]",
		"leaf.x: unknown field",
		"leaves[1]: expected an object, got a string",
		"leaves[2].name: expected a string, got a boolean",
		"wait: \"x\" is not a duration such as 15s, 1m30s or 500ms",
		"y: unknown field",
	};
	ck_assert_int_eq(read_tree("{\"on\": 1, \"words\": [1, \"b\", null], \"leaf\": "
				   "{\"weight\": 101, \"x\": 1, \"name\": \"l\"}, \"leaves\": [{}, "
				   "\"s\", {\"name\": true, \"weight\": 3}], \"wait\": \"x\", "
				   "\"y\": null, \"count\": 4}",
				   &tree),
			 -EINVAL);
	ck_assert_uint_eq(errors.count, CS_ARRAY_LENGTH(expected));
	for (size_t i = 0; i < CS_ARRAY_LENGTH(expected); i++)
		ck_assert_str_eq(errors.list[i], expected[i]);
	ck_assert(!tree.on.given && !tree.on.value);
	ck_assert(!tree.leaf.weight.given);
	ck_assert_str_eq(tree.leaf.name, "l");
	ck_assert_int_eq(tree.count.value, 4);
	ck_assert_int_eq(((const struct leaf *)tree.leaves.items)[2].weight.value, 3);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("fields");
	TCase *tcase = tcase_create("fields");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_type);
	tcase_add_test(tcase, nothing_and_null_are_not_given);
	tcase_add_test(tcase, numbers_may_be_integers);
	tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, CS_ARRAY_LENGTH(wrong));
	tcase_add_test(tcase, all_that_is_wrong_is_named);
	suite_add_tcase(suite, tcase);
	return suite;
}
