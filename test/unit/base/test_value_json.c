// Tests of reading JSON: what it takes, what it refuses and with which words, and writing it back.
// Neighbours: lib/base/value_json.c, lib/base/value.c.
#include "../check_main.h"

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/base/value.h>
#include <errno.h>

// Reads and writes back; the caller frees.
static char *round_trip(struct cs_slice text)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_error err = { 0 };
	struct cs_json_writer json;
	if (cs_value_read_json(text, &value, &err) != 0)
		return cs_asprintf("error: %s", err.text);
	cs_buffer_init(&out, 1 << 24);
	cs_json_init(&json, &out);
	cs_value_write(value, &json);
	return cs_buffer_take(&out);
}

static const struct {
	const char *in;
	const char *out; // NULL = as it came
} valid[] = {
	{ "null", NULL },
	{ "true", NULL },
	{ "false", NULL },
	{ " [ ] ", "[]" },
	{ "\t{\r\n}\n", "{}" },
	{ "0", NULL },
	{ "-0", "0" },
	{ "-5", NULL },
	{ "9223372036854775807", NULL },
	{ "9223372036854775808", NULL },
	{ "18446744073709551615", NULL },
	{ "-9223372036854775808", NULL },
	{ "0.1", NULL },
	{ "1.0", NULL },
	{ "-0.0", NULL },
	{ "1E5", NULL },
	{ "1e+05", NULL },
	{ "1e-400", NULL },
	{ "123456789012345678901234567890.5", NULL },
	{ "[1,-2.5e3,\"x\",null,true,{\"a\":[{}]}]", NULL },
	{ "{\"z\":1,\"a\":2,\"m\":{\"z\":1}}", NULL },
	{ "{\"\":1}", NULL },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
	{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
	{ "\"\\u0000x\"", "\"\\u0000x\"" },
	{ "\"\\ud800\"", "\"\xEF\xBF\xBD\"" },
	{ "\"\\ud800\\u0041\"", "\"\xEF\xBF\xBD"
				"A\"" },
	{ "\"\\udc00x\"", "\"\xEF\xBF\xBDx\"" },
	{ "\"\\ud800\\ud83d\\ude00\"", "\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"" },
	{ "\"\x7F\"", NULL },
};

START_TEST(valid_texts)
{
	CS_AUTO_FREE char *got = round_trip(cs_slice_of(valid[_i].in));
	ck_assert_str_eq(got, valid[_i].out ? valid[_i].out : valid[_i].in);
}
END_TEST

static const struct {
	struct cs_slice in;
	const char *words;
} invalid[] = {
	{ CS_SLICE(""), "line 1, column 1: the text ends in the middle of a value" },
	{ CS_SLICE(" \n "), "line 2, column 2: the text ends in the middle of a value" },
	{ CS_SLICE("nul"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("nulL"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("True"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("NaN"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("-Infinity"), "line 1, column 2: not a JSON value" },
	{ CS_SLICE("'x'"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("// c\n1"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("+1"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE(".5"), "line 1, column 1: not a JSON value" },
	{ CS_SLICE("01"), "line 1, column 2: something follows the value" },
	{ CS_SLICE("1 2"), "line 1, column 3: something follows the value" },
	{ CS_SLICE("{}\0"), "line 1, column 3: something follows the value" },
	{ CS_SLICE("1. "), "line 1, column 3: a number needs digits after its point" },
	{ CS_SLICE("1e+ "), "line 1, column 4: a number needs digits in its exponent" },
	{ CS_SLICE("1e999"), "line 1, column 1: number out of range" },
	{ CS_SLICE("-1e999"), "line 1, column 1: number out of range" },
	{ CS_SLICE("18446744073709551616"), "line 1, column 1: integer out of range" },
	{ CS_SLICE("[1,-9223372036854775809]"), "line 1, column 4: integer out of range" },
	{ CS_SLICE("[1,]"), "line 1, column 4: not a JSON value" },
	{ CS_SLICE("[,1]"), "line 1, column 2: not a JSON value" },
	{ CS_SLICE("[1 2]"), "line 1, column 4: expected ',' or ']' in an array" },
	{ CS_SLICE("[1"), "line 1, column 3: the text ends in the middle of a value" },
	{ CS_SLICE("{\"a\":1,}"), "line 1, column 8: expected a string" },
	{ CS_SLICE("{a:1}"), "line 1, column 2: expected a string" },
	{ CS_SLICE("{\"a\" 1}"), "line 1, column 6: expected ':' after a key" },
	{ CS_SLICE("{\"a\":1 \"b\":2}"), "line 1, column 8: expected ',' or '}' in an object" },
	{ CS_SLICE("{\"a\":1,\n \"b\":2,\n \"a\":3}"), "line 3, column 2: duplicate key \"a\"" },
	{ CS_SLICE("{\"a\":1,\"\\u0061\":3}"), "line 1, column 8: duplicate key \"a\"" },
	{ CS_SLICE("[{\"x\":{\"k\":{},\"k\":{}}}]"), "line 1, column 15: duplicate key \"k\"" },
	{ CS_SLICE("{\"a\\u0000b\":1}"), "line 1, column 2: a key contains a NUL character" },
	{ CS_SLICE("\"a\nb\""), "line 1, column 3: control character in a string" },
	{ CS_SLICE("\"a\0b\""), "line 1, column 3: control character in a string" },
	{ CS_SLICE("\"\\x41\""), "line 1, column 3: unknown escape in a string" },
	{ CS_SLICE("\"\\\xC3\xA9\""), "line 1, column 3: unknown escape in a string" },
	{ CS_SLICE("\"\\u12g4\""), "line 1, column 6: \\u needs four hexadecimal digits" },
	{ CS_SLICE("\"\\ud800\\u12\""), "line 1, column 12: \\u needs four hexadecimal digits" },
	{ CS_SLICE("\"\\"), "line 1, column 3: the text ends in the middle of a value" },
	{ CS_SLICE("\"\\u00"), "line 1, column 6: the text ends in the middle of a value" },
	{ CS_SLICE("\"abc"), "line 1, column 5: the text ends in the middle of a value" },
	{ CS_SLICE("\"\xFF\""), "line 1, column 2: not UTF-8" },
	{ CS_SLICE("\"\xC0\x80\""), "line 1, column 2: not UTF-8" },
	{ CS_SLICE("\"\xED\xA0\x80\""), "line 1, column 2: not UTF-8" },
	{ CS_SLICE("\"\xE2\x82"), "line 1, column 2: not UTF-8" },
	{ CS_SLICE("\xEF\xBB\xBF{}"), "line 1, column 1: not a JSON value" },
};

START_TEST(invalid_texts)
{
	struct json_object *value = NULL;
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_value_read_json(invalid[_i].in, &value, &err), -EINVAL);
	ck_assert_ptr_null(value);
	ck_assert_str_eq(err.text, invalid[_i].words);
	ck_assert_int_eq(cs_value_read_json(invalid[_i].in, &value, NULL), -EINVAL);
}
END_TEST

static char *nested(int depth, char open, char close)
{
	struct cs_buffer text;
	cs_buffer_init(&text, 1 << 24);
	for (int i = 0; i < depth; i++)
		cs_buffer_append_string(&text, open == '{' ? "{\"a\":" : "[");
	cs_buffer_append_string(&text, open == '{' ? "1" : "");
	for (int i = 0; i < depth; i++)
		cs_buffer_append_char(&text, close);
	return cs_buffer_take(&text);
}

START_TEST(sixty_four_levels)
{
	for (int objects = 0; objects < 2; objects++) {
		char open = objects ? '{' : '[';
		char close = objects ? '}' : ']';
		CS_AUTO_FREE char *most = nested(64, open, close);
		CS_AUTO_FREE char *back = round_trip(cs_slice_of(most));
		ck_assert_str_eq(back, most);
		CS_AUTO_FREE char *bomb = nested(65, open, close);
		CS_AUTO_FREE char *words = round_trip(cs_slice_of(bomb));
		ck_assert_ptr_nonnull(strstr(words, "nested more than 64 deep"));
		CS_AUTO_FREE char *huge = nested(1000000, open, close);
		CS_AUTO_FREE char *still = round_trip(cs_slice_of(huge));
		ck_assert_ptr_nonnull(strstr(still, "nested more than 64 deep"));
	}
	// Depth is of nesting, not of how many there are.
	CS_AUTO_FREE char *flat = round_trip(CS_SLICE("[[],[],[[]],{},{\"a\":{}}]"));
	ck_assert_str_eq(flat, "[[],[],[[]],{},{\"a\":{}}]");
}
END_TEST

START_TEST(keys_beyond_ascii_and_many)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1 << 24);
	cs_buffer_append_string(&text, "{\"\xC3\xA9\":0");
	for (int i = 0; i < 50000; i++)
		cs_buffer_printf(&text, ",\"key-%d\":%d", i, i);
	cs_buffer_append_char(&text, '}');
	CS_AUTO_FREE char *back = round_trip(cs_buffer_slice(&text));
	ck_assert_str_eq(back, text.data);
	text.data[text.size - 1] = ',';
	cs_buffer_append_string(&text, "\"key-17\":0}");
	CS_AUTO_FREE char *words = round_trip(cs_buffer_slice(&text));
	ck_assert_ptr_nonnull(strstr(words, "duplicate key \"key-17\""));
}
END_TEST

START_TEST(doubles_keep_their_text)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	ck_assert_int_eq(cs_value_read_json(CS_SLICE("[0.10, 1e3]"), &value, NULL), 0);
	struct json_object *tenth = json_object_array_get_idx(value, 0);
	ck_assert_str_eq(json_object_get_string(tenth), "0.10");
	ck_assert_double_eq(json_object_get_double(tenth), 0.1);
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(value, 1)), "1e3");
}
END_TEST

START_TEST(numbers_made_by_programs_are_written)
{
	CS_AUTO_VALUE struct json_object *array = json_object_new_array();
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_json_writer json;
	json_object_array_add(array, json_object_new_double(0.1));
	json_object_array_add(array, json_object_new_int(-3));
	json_object_array_add(array, json_object_new_int64(INT64_MAX));
	json_object_array_add(array, json_object_new_uint64(UINT64_MAX));
	json_object_array_add(array, json_object_new_boolean(1));
	json_object_array_add(array, NULL);
	cs_buffer_init(&out, 1000);
	cs_json_init(&json, &out);
	cs_value_write(array, &json);
	ck_assert_str_eq(out.data, "[0.1,-3,9223372036854775807,18446744073709551615,true,null]");
}
END_TEST

// Whatever is cut off or changed in a valid text is read or refused, never worse (sanitizers see).
START_TEST(damaged_texts)
{
	static const char text[] =
		"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\\u00e9\\n\","
		"\"labels\":{\"x\":\"y\"}},\"n\":[1,-2.5e+3,true,null,\"\xC3\xA9\"]}";
	struct cs_random random;
	cs_random_init(&random, 21);
	for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
		CS_AUTO_FREE char *copy = cs_strndup(text, cut); // its own allocation: ASan's edge
		CS_AUTO_VALUE struct json_object *value = NULL;
		ck_assert_int_eq(cs_value_read_json((struct cs_slice){ copy, cut }, &value, NULL),
				 -EINVAL);
	}
	for (int i = 0; i < 50000; i++) {
		CS_AUTO_FREE char *copy = cs_strndup(text, sizeof(text) - 1);
		CS_AUTO_VALUE struct json_object *value = NULL;
		for (int k = 0; k < 3; k++)
			copy[cs_random_below(&random, sizeof(text) - 1)] =
				(char)cs_random_next(&random);
		struct cs_slice slice = { copy, sizeof(text) - 1 };
		if (cs_value_read_json(slice, &value, NULL) == 0) {
			CS_AUTO_FREE char *once = round_trip(slice);
			CS_AUTO_FREE char *twice = round_trip(cs_slice_of(once));
			ck_assert_str_eq(once, twice);
		}
	}
}
END_TEST

START_TEST(paths)
{
	CS_AUTO_VALUE struct json_object *v = NULL;
	ck_assert_int_eq(
		cs_value_read_json(CS_SLICE("{\"a\":{\"b\":{\"c\":\"x\",\"n\":5,\"l\":[1]},"
					    "\"z\":null},\"s\":\"t\"}"),
				   &v, NULL),
		0);
	ck_assert_str_eq(cs_value_string_at(v, "a.b.c"), "x");
	ck_assert_str_eq(cs_value_string_at(v, "s"), "t");
	ck_assert_ptr_eq(cs_value_at(v, ""), v);
	ck_assert_int_eq(json_object_get_int(cs_value_at(v, "a.b.n")), 5);
	ck_assert_ptr_null(cs_value_string_at(v, "a.b.n"));
	ck_assert_ptr_null(cs_value_at(v, "a.x.c"));
	ck_assert_ptr_null(cs_value_at(v, "a.z.c"));
	ck_assert_ptr_null(cs_value_at(v, "s.t"));
	ck_assert_ptr_null(cs_value_at(v, "a.b.l.0"));
	ck_assert_ptr_null(cs_value_at(NULL, "a"));
	ck_assert_int_eq(cs_value_line(v), 0);
	ck_assert_int_eq(cs_value_line(NULL), 0);
}
END_TEST

// ---- the elements of one list ----

static void print_element(void *user, struct json_object *element)
{
	cs_buffer_printf(user, " %s",
			 json_object_to_json_string_ext(element, JSON_C_TO_STRING_PLAIN));
}

// Each element, then the rest, as json-c writes them, or the error.
static char *read_all(const char *text, const char *path)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	CS_AUTO_VALUE struct json_object *rest = NULL;
	struct cs_error err = { 0 };
	cs_buffer_init(&out, 1 << 20);
	const struct cs_value_list list = { path, print_element, &out };
	int r = cs_value_read_json_list(cs_slice_of(text), &list, &rest, &err);
	if (r < 0) {
		ck_assert_int_eq(r, -EINVAL);
		cs_buffer_printf(&out, "!%s", err.text);
	} else {
		CS_AUTO_FREE char *elements = cs_buffer_take(&out);
		cs_buffer_printf(&out, "%s%s",
				 json_object_to_json_string_ext(rest, JSON_C_TO_STRING_PLAIN),
				 elements);
	}
	return cs_buffer_take(&out);
}

static const struct {
	const char *text;
	const char *path;
	const char *expected;
} lists[] = {
	{ "{\"items\":[]}", "items", "{\"items\":[]}" },
	{ "{\"items\":[ ]}", "items", "{\"items\":[]}" },
	{ "{\"items\":[1]}", "items", "{\"items\":[]} 1" },
	{ " {\"a\" : 1 , \"items\" : [ {\"b\":[1,2]} , \"x,]}\" , null,[[]],{} ] , \"c\" : [3] } ",
	  "items", "{\"a\":1,\"items\":[],\"c\":[3]} {\"b\":[1,2]} \"x,]}\" null [[]] {}" },
	{ "{\"items\":[\"a\\\"]\",\"\\\\\"]}", "items", "{\"items\":[]} \"a\\\"]\" \"\\\\\"" },
	// elsewhere it is no such array
	{ "{\"a\":{\"items\":[1]}}", "items", "{\"a\":{\"items\":[1]}}" },
	{ "{\"a\":\"items\",\"items\":{}}", "items", "{\"a\":\"items\",\"items\":{}}" },
	{ "[{\"items\":[1]}]", "items", "[{\"items\":[1]}]" },
	{ "{\"data\":{\"result\":[1,2]}}", "data.result", "{\"data\":{\"result\":[]}} 1 2" },
	{ "{\"result\":[1],\"data\":{\"a\":{\"result\":[2]},\"result\":[3]}}", "data.result",
	  "{\"result\":[1],\"data\":{\"a\":{\"result\":[2]},\"result\":[]}} 3" },
	{ "{\"data\":[{\"result\":[1]}]}", "data.result", "{\"data\":[{\"result\":[1]}]}" },
	{ "{\"data\":{},\"result\":[1]}", "data.result", "{\"data\":{},\"result\":[1]}" },
	{ "{\"data\":{},\"x\":{\"result\":[1]}}", "data.result",
	  "{\"data\":{},\"x\":{\"result\":[1]}}" },
	{ "null", "items", "null" },
	// broken outside
	{ "", "items", "!line 1, column 1: a value expected" },
	{ "{\"items\":[1]", "items", NULL },
	{ "{\"items\":[1", "items", NULL },
	{ "{\"items\":[", "items", NULL },
	{ "{\"items\":[\"", "items", NULL },
	{ "{\"items\":[1]}}", "items", NULL },
	{ "{\"items\":[1],\"items\":[2]}", "items", NULL },
	{ "[\"items\":[1]]", "items", NULL },
	// broken inside
	{ "{\"items\":[,]}", "items", NULL },
	{ "{\"items\":[1,]}", "items", NULL },
	{ "{\"items\":[1 2]}", "items", NULL },
	{ "{\"items\":[{}{}]}", "items", NULL },
	{ "{\"items\":[{\"a\":}]}", "items", NULL },
	{ "{\"items\":[1}]}", "items", NULL },
	{ "{\"items\":[{]}", "items", NULL },
	{ "{\"items\":[NaN]}", "items", NULL },
};

START_TEST(lists_of_documents)
{
	CS_AUTO_FREE char *got = read_all(lists[_i].text, lists[_i].path);
	if (!lists[_i].expected)
		ck_assert_msg(strchr(got, '!') != NULL, "%s was read: %s", lists[_i].text, got);
	else if (*lists[_i].expected == '!')
		ck_assert_msg(*got == '!', "%s", got);
	else
		ck_assert_str_eq(got, lists[_i].expected);
}
END_TEST

START_TEST(an_element_has_its_place)
{
	CS_AUTO_FREE char *got = read_all("{\"items\":[1,2,\n{\"a\":x}]}", "items");
	ck_assert_msg(cs_string_prefix(got, " 1 2!line 2, column 6"), "%s", got);
}
END_TEST

// No prefix of a document is taken for one, and none reads beyond its end (the sanitizers see it).
START_TEST(what_breaks_off_in_a_list)
{
	static const char whole[] =
		"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"a\":"
		"[1,\"\\\"]\"]},{\"b\":null}]}}";
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		CS_AUTO_FREE char *text = cs_strndup(whole, size);
		CS_AUTO_FREE char *got = read_all(text, "data.result");
		ck_assert_msg(strchr(got, '!') != NULL, "%s: %s", text, got);
	}
	CS_AUTO_FREE char *got = read_all(whole, "data.result");
	ck_assert_ptr_null(strchr(got, '!'));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("value_json");
	TCase *tc = tcase_create("value_json");
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, valid_texts, 0, (int)CS_ARRAY_LENGTH(valid));
	tcase_add_loop_test(tc, invalid_texts, 0, (int)CS_ARRAY_LENGTH(invalid));
	tcase_add_test(tc, sixty_four_levels);
	tcase_add_test(tc, keys_beyond_ascii_and_many);
	tcase_add_test(tc, doubles_keep_their_text);
	tcase_add_test(tc, numbers_made_by_programs_are_written);
	tcase_add_test(tc, damaged_texts);
	tcase_add_test(tc, paths);
	tcase_add_loop_test(tc, lists_of_documents, 0, (int)CS_ARRAY_LENGTH(lists));
	tcase_add_test(tc, an_element_has_its_place);
	tcase_add_test(tc, what_breaks_off_in_a_list);
	suite_add_tcase(suite, tc);
	return suite;
}
