// Trees as YAML and back. Neighbours: lib/base/value_yaml_write.c.
#include <csched/base/value.h>

#include <errno.h>

#include "../check_main.h"
#include <csched/base/memory.h>

static struct json_object *read_json(const char *text)
{
	struct json_object *value = NULL;
	struct cs_error err;
	int r = cs_value_read_json(cs_slice_of(text), &value, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return value;
}

START_TEST(block_style)
{
	CS_AUTO_VALUE struct json_object *value = read_json(
		"{\"a\": {\"b\": [1, 2.50, true, null, \"x\"]}, \"list\": [{\"k\": \"v w\", "
		"\"l\": [[]]}], \"empty\": {}, \"none\": [], \"10\": \"10\"}");
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 4096);
	ck_assert_int_eq(cs_value_write_yaml(value, &out), 0);
	ck_assert_str_eq(out.data, "a:\n"
				   "  b:\n"
				   "  - 1\n"
				   "  - 2.50\n"
				   "  - true\n"
				   "  - null\n"
				   "  - x\n"
				   "list:\n"
				   "- k: \"v w\"\n"
				   "  l:\n"
				   "  - []\n"
				   "empty: {}\n"
				   "none: []\n"
				   "\"10\": \"10\"\n");
}
END_TEST

static const char *const trees[] = {
	"{}",
	"[]",
	"null",
	"\"\"",
	"\"y\"",
	"\"No\"",
	"\"NULL\"",
	"\"~\"",
	"\"1e3\"",
	"\"0x1f\"",
	"\".5\"",
	"\"1_000\"",
	"\"-\"",
	"\"a: b\"",
	"\"# no comment\"",
	"\"a\\nb\\n\"",
	"\" leading and trailing \"",
	"\"tab\\there\"",
	"\"quote\\\" and \\\\\"",
	"\"nul\\u0000inside\"",
	"\"\\u00e4\\u20ac\\ud83d\\ude00\"",
	"\"<<\"",
	"{\"<<\": {\"a\": 1}}",
	"{\"y\": 1, \"\": 2, \"a b\": 3}",
	"-9223372036854775808",
	"18446744073709551615",
	"1e300",
	"0.1",
	"[[1, [2]], {\"a\": [{\"b\": [{}]}]}]",
	"\"2001-12-14\"",
	"\"1:30\"",
	"\"=\"",
	"\"kubescheduler.config.k8s.io/v1\"",
};

START_TEST(reads_back)
{
	CS_AUTO_VALUE struct json_object *value = read_json(trees[_i]);
	CS_AUTO_VALUE struct json_object *documents = NULL;
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_error err;
	cs_buffer_init(&out, 4096);
	ck_assert_int_eq(cs_value_write_yaml(value, &out), 0);
	int r = cs_value_read_yaml(cs_buffer_slice(&out), &documents, &err);
	ck_assert_msg(r == 0, "%s: %s", out.data, err.text);
	struct json_object *back = json_object_array_get_idx(documents, 0);
	ck_assert_msg(json_object_equal(value, back), "%s", out.data);
}
END_TEST

START_TEST(a_full_buffer)
{
	CS_AUTO_VALUE struct json_object *value = read_json("[\"0123456789\"]");
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 10);
	ck_assert_int_eq(cs_value_write_yaml(value, &out), -EMSGSIZE);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("value_yaml_write");
	TCase *tcase = tcase_create("value_yaml_write");
	tcase_add_test(tcase, block_style);
	tcase_add_loop_test(tcase, reads_back, 0, CS_ARRAY_LENGTH(trees));
	tcase_add_test(tcase, a_full_buffer);
	suite_add_tcase(suite, tcase);
	return suite;
}
