// Elements of a long array, one after the other. Neighbours: lib/load/items.c.
#include "load/items.h"

#include <errno.h>

#include "../check_main.h"
#include <csched/base/memory.h>

// The rest and then each element as json-c writes them, or the error.
static char *read_all(const char *text, const char *path)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	CS_AUTO_VALUE struct json_object *rest = NULL;
	struct json_object *item = NULL;
	struct cs_items items;
	struct cs_error err = { 0 };
	cs_buffer_init(&out, 1 << 20);
	int r = cs_items_open(cs_slice_of(text), path, &items, &rest, &err);
	if (r == 0) {
		cs_buffer_append_string(
			&out, json_object_to_json_string_ext(rest, JSON_C_TO_STRING_PLAIN));
		while ((r = cs_items_next(&items, &item, &err)) > 0) {
			cs_buffer_printf(
				&out, " %s",
				json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN));
			json_object_put(item);
		}
	}
	if (r < 0) {
		ck_assert_int_eq(r, -EINVAL);
		cs_buffer_printf(&out, "!%s", err.text);
		ck_assert_int_eq(cs_items_next(&items, &item, &err), 0);
	}
	return cs_buffer_take(&out);
}

static const struct {
	const char *text;
	const char *path;
	const char *expected;
} cases[] = {
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

START_TEST(documents)
{
	CS_AUTO_FREE char *got = read_all(cases[_i].text, cases[_i].path);
	if (!cases[_i].expected)
		ck_assert_msg(strchr(got, '!') != NULL, "%s was read: %s", cases[_i].text, got);
	else if (*cases[_i].expected == '!')
		ck_assert_msg(*got == '!', "%s", got);
	else
		ck_assert_str_eq(got, cases[_i].expected);
}
END_TEST

START_TEST(an_element_is_named)
{
	CS_AUTO_FREE char *got = read_all("{\"items\":[1,2,{\"a\":x}]}", "items");
	ck_assert_msg(strstr(got, "1 2!element 2: line 1") != NULL, "%s", got);
}
END_TEST

// No prefix of a document is taken for one, and none reads beyond its end (the sanitizers see it).
START_TEST(what_breaks_off)
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
	Suite *suite = suite_create("items");
	TCase *tcase = tcase_create("items");
	tcase_add_loop_test(tcase, documents, 0, CS_ARRAY_LENGTH(cases));
	tcase_add_test(tcase, an_element_is_named);
	tcase_add_test(tcase, what_breaks_off);
	suite_add_tcase(suite, tcase);
	return suite;
}
