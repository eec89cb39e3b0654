// Tests of the JSON writer: commas, escapes, broken UTF-8, numbers, depth and overflow.
// Neighbours: lib/base/json_writer.c; what it writes is read back by lib/base/value_json.c.
#include "../check_main.h"

#include <csched/base/json_writer.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/base/value.h>
#include <math.h>

static struct cs_buffer out;
static struct cs_json_writer json;

static void setup(void)
{
	cs_buffer_init(&out, 1 << 20);
	cs_json_init(&json, &out);
}

static void teardown(void)
{
	cs_buffer_finish(&out);
}

START_TEST(nested_with_commas)
{
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "a", "x");
	cs_json_member_int(&json, "b", -5);
	cs_json_member_array_begin(&json, "c");
	cs_json_int(&json, 1);
	cs_json_object_begin(&json);
	cs_json_object_end(&json);
	cs_json_array_begin(&json);
	cs_json_array_end(&json);
	cs_json_null(&json);
	cs_json_array_end(&json);
	cs_json_member_bool(&json, "d", true);
	cs_json_key(&json, "e");
	cs_json_raw(&json, CS_SLICE("{\"raw\":1}"));
	cs_json_member_bool(&json, "f", false);
	cs_json_member_object_begin(&json, "g");
	cs_json_member_double(&json, "h", 0.5);
	cs_json_member_duration(&json, "i", INT64_C(90000000000));
	cs_json_object_end(&json);
	cs_json_object_end(&json);
	ck_assert_str_eq(out.data,
			 "{\"a\":\"x\",\"b\":-5,\"c\":[1,{},[],null],\"d\":true,"
			 "\"e\":{\"raw\":1},\"f\":false,\"g\":{\"h\":0.5,\"i\":\"1m30s\"}}");
	ck_assert_uint_eq(json.depth, 0);
}
END_TEST

START_TEST(a_second_value_starts_afresh)
{
	cs_json_array_begin(&json);
	cs_json_int(&json, 1);
	cs_json_array_end(&json);
	cs_buffer_append_char(&out, '\n');
	cs_json_array_begin(&json);
	cs_json_int(&json, 2);
	cs_json_array_end(&json);
	ck_assert_str_eq(out.data, "[1]\n[2]");
}
END_TEST

static const struct {
	struct cs_slice in;
	const char *out;
} strings[] = {
	{ CS_SLICE(""), "\"\"" },
	{ CS_SLICE("plain"), "\"plain\"" },
	{ CS_SLICE("say \"hi\" \\ / <b>&"), "\"say \\\"hi\\\" \\\\ / <b>&\"" },
	{ CS_SLICE("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"" },
	{ CS_SLICE("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"" },
	{ CS_SLICE("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
	  "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"" },
	{ CS_SLICE("a\xFFz"), "\"a\xEF\xBF\xBDz\"" },
	{ CS_SLICE("\xC0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	{ CS_SLICE("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	{ CS_SLICE("cut \xE2\x82"), "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\"" },
};

START_TEST(string_escapes)
{
	cs_json_slice(&json, strings[_i].in);
	ck_assert_str_eq(out.data, strings[_i].out);
}
END_TEST

START_TEST(no_string_is_null)
{
	cs_json_string(&json, NULL);
	ck_assert_str_eq(out.data, "null");
}
END_TEST

START_TEST(keys_are_escaped_too)
{
	cs_json_object_begin(&json);
	cs_json_member_int(&json, "a\"b\n", 1);
	cs_json_object_end(&json);
	ck_assert_str_eq(out.data, "{\"a\\\"b\\n\":1}");
}
END_TEST

START_TEST(integers)
{
	cs_json_array_begin(&json);
	cs_json_int(&json, 0);
	cs_json_int(&json, INT64_MAX);
	cs_json_int(&json, INT64_MIN);
	cs_json_uint(&json, UINT64_MAX);
	cs_json_uint(&json, 7);
	cs_json_array_end(&json);
	ck_assert_str_eq(out.data, "[0,9223372036854775807,-9223372036854775808,"
				   "18446744073709551615,7]");
}
END_TEST

START_TEST(doubles)
{
	cs_json_array_begin(&json);
	cs_json_double(&json, 0.1);
	cs_json_double(&json, 3);
	cs_json_double(&json, 1e21);
	cs_json_double(&json, NAN);
	cs_json_double(&json, -INFINITY);
	cs_json_array_end(&json);
	ck_assert_str_eq(out.data, "[0.1,3,1e+21,null,null]");
}
END_TEST

START_TEST(sixty_four_levels_and_no_more)
{
	for (int i = 0; i < CS_JSON_DEPTH_MAX; i++) {
		cs_json_array_begin(&json);
		cs_json_int(&json, i);
	}
	ck_assert(!out.overflow);
	for (int i = 0; i < CS_JSON_DEPTH_MAX; i++)
		cs_json_array_end(&json);
	CS_AUTO_VALUE struct json_object *back = NULL;
	ck_assert_int_eq(cs_value_read_json(cs_buffer_slice(&out), &back, NULL), 0);
	for (int i = 0; i < CS_JSON_DEPTH_MAX + 1; i++)
		cs_json_array_begin(&json);
	ck_assert(out.overflow);
}
END_TEST

START_TEST(overflow_is_seen_in_the_buffer)
{
	struct cs_buffer small;
	cs_buffer_init(&small, 10);
	cs_json_init(&json, &small);
	cs_json_array_begin(&json);
	for (int i = 0; i < 100; i++)
		cs_json_string(&json, "xyz");
	cs_json_array_end(&json);
	ck_assert(small.overflow);
	ck_assert_uint_le(small.size, 10);
	cs_buffer_finish(&small);
}
END_TEST

START_TEST(any_bytes_read_back_as_a_string)
{
	struct cs_random random;
	cs_random_init(&random, 11);
	for (int i = 0; i < 20000; i++) {
		char bytes[24];
		size_t size = cs_random_below(&random, sizeof(bytes));
		for (size_t k = 0; k < size; k++)
			bytes[k] = (char)cs_random_next(&random);
		cs_buffer_clear(&out);
		cs_json_slice(&json, (struct cs_slice){ bytes, size });
		struct json_object *back = NULL;
		struct cs_error err = { 0 };
		if (cs_value_read_json(cs_buffer_slice(&out), &back, &err) != 0)
			ck_abort_msg("%s: %s", out.data, err.text);
		ck_assert(json_object_is_type(back, json_type_string));
		json_object_put(back);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("json_writer");
	TCase *tc = tcase_create("json_writer");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nested_with_commas);
	tcase_add_test(tc, a_second_value_starts_afresh);
	tcase_add_loop_test(tc, string_escapes, 0, (int)CS_ARRAY_LENGTH(strings));
	tcase_add_test(tc, no_string_is_null);
	tcase_add_test(tc, keys_are_escaped_too);
	tcase_add_test(tc, integers);
	tcase_add_test(tc, doubles);
	tcase_add_test(tc, sixty_four_levels_and_no_more);
	tcase_add_test(tc, overflow_is_seen_in_the_buffer);
	tcase_add_test(tc, any_bytes_read_back_as_a_string);
	suite_add_tcase(suite, tc);
	return suite;
}
