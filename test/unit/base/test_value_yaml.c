// Tests of reading YAML: the scalars of YAML 1.1 as kubectl sees them, aliases, documents, errors.
// Neighbours: lib/base/value_yaml.c. What is expected of the tables "scalars" and "texts" was
// printed by sigs.k8s.io/yaml 1.6.0.
#include "../check_main.h"

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/base/value.h>
#include <errno.h>

static char *as_json(struct json_object *value)
{
	struct cs_buffer out;
	struct cs_json_writer json;
	cs_buffer_init(&out, 1 << 24);
	cs_json_init(&json, &out);
	cs_value_write(value, &json);
	return cs_buffer_take(&out);
}

// All documents as one array, or the error; the caller frees.
static char *read_stream(struct cs_slice text)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	struct cs_error err = { 0 };
	int r = cs_value_read_yaml(text, &documents, &err);
	if (r != 0) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_ptr_null(documents);
		return cs_asprintf("error: %s", err.text);
	}
	return as_json(documents);
}

static const struct {
	const char *text;
	const char *json;
} scalars[] = {
	// booleans, and what is none
	{ "y", "true" },
	{ "Y", "true" },
	{ "yes", "true" },
	{ "Yes", "true" },
	{ "YES", "true" },
	{ "on", "true" },
	{ "On", "true" },
	{ "ON", "true" },
	{ "true", "true" },
	{ "True", "true" },
	{ "TRUE", "true" },
	{ "n", "false" },
	{ "N", "false" },
	{ "no", "false" },
	{ "No", "false" },
	{ "NO", "false" },
	{ "off", "false" },
	{ "Off", "false" },
	{ "OFF", "false" },
	{ "false", "false" },
	{ "False", "false" },
	{ "FALSE", "false" },
	{ "yEs", "\"yEs\"" },
	{ "oN", "\"oN\"" },
	{ "tRUE", "\"tRUE\"" },
	{ "nope", "\"nope\"" },
	// null
	{ "", "null" },
	{ "~", "null" },
	{ "null", "null" },
	{ "Null", "null" },
	{ "NULL", "null" },
	{ "nUll", "\"nUll\"" },
	{ "~x", "\"~x\"" },
	// integers
	{ "0", "0" },
	{ "-0", "0" },
	{ "+12", "12" },
	{ "-12", "-12" },
	{ "1_000", "1000" },
	{ "1__0_", "10" },
	{ "_1", "\"_1\"" },
	{ "0x1F", "31" },
	{ "0X1f", "31" },
	{ "-0x1f", "-31" },
	{ "0x_1F", "31" },
	{ "0x", "\"0x\"" },
	{ "0xfg", "\"0xfg\"" },
	{ "0o17", "15" },
	{ "0o8", "\"0o8\"" },
	{ "017", "15" },
	{ "0_7", "7" },
	{ "00", "0" },
	{ "08", "8" },
	{ "0b11", "3" },
	{ "-0b11", "-3" },
	{ "0b2", "\"0b2\"" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "18446744073709551615", "18446744073709551615" },
	{ "0xFFFFFFFFFFFFFFFF", "18446744073709551615" },
	{ "0xFFFFFFFFFFFFFFFFFF", "\"0xFFFFFFFFFFFFFFFFFF\"" },
	{ "12k", "\"12k\"" },
	{ "500m", "\"500m\"" },
	{ "1Gi", "\"1Gi\"" },
	{ "190:20:30", "\"190:20:30\"" },
	{ "1-2", "\"1-2\"" },
	{ "1.2.3", "\"1.2.3\"" },
	// floats
	{ ".5", "0.5" },
	{ "+.5", "0.5" },
	{ "-.5e1", "-5" },
	{ "5.", "5" },
	{ "0.", "0" },
	{ "3.0", "3" },
	{ "1e3", "1000" },
	{ "12e03", "12000" },
	{ "1.0e+2", "100" },
	{ "1e-7", "1e-7" },
	{ "0.1", "0.1" },
	{ "1e18", "1000000000000000000" },
	{ "1e20", "1e+20" }, // Go: 100000000000000000000,
	{ "1e21", "1e+21" },
	{ "1_0.5_5", "10.55" },
	{ ".5_0", "0.5" },
	{ "._5", "\"._5\"" },
	{ "1e", "\"1e\"" },
	{ "1e+", "\"1e+\"" },
	{ "e3", "\"e3\"" },
	{ "1e400", "\"1e400\"" },
	{ ".1e999", "\".1e999\"" },
	{ "+", "\"+\"" },
	{ ".", "\".\"" },
	{ "..", "\"..\"" },
	{ "+.nan", "\"+.nan\"" },
	// times are strings
	{ "2001-01-01", "\"2001-01-01\"" },
	{ "2001-12-14t21:59:43.10-05:00", "\"2001-12-14t21:59:43.10-05:00\"" },
	{ "2001-12-14 21:59:43", "\"2001-12-14 21:59:43\"" },
	// quoted and tagged
	{ "'yes'", "\"yes\"" },
	{ "\"1\"", "\"1\"" },
	{ "''", "\"\"" },
	{ "'~'", "\"~\"" },
	{ "'it''s'", "\"it's\"" },
	{ "\"a\\tb\\u00e9\\x41\"", "\"a\\tb\xC3\xA9"
				   "A\"" },
	{ "\"x\\0y\"", "\"x\\u0000y\"" },
	{ "!!str 5", "\"5\"" },
	{ "!!str yes", "\"yes\"" },
	{ "!!int \"5\"", "5" },
	{ "!!float 5", "5" },
	{ "!!bool yes", "true" },
	{ "!!null ''", "null" },
	{ "!foo 5", "\"5\"" },
	{ "! 5", "\"5\"" },
	{ "!!timestamp 2001-01-01", "\"2001-01-01\"" },
	{ "=", "\"=\"" },
	{ "<<", "\"<<\"" },
};

START_TEST(scalars_as_kubectl)
{
	CS_AUTO_FREE char *text = cs_asprintf("a: %s\n", scalars[_i].text);
	CS_AUTO_FREE char *want = cs_asprintf("[{\"a\":%s}]", scalars[_i].json);
	CS_AUTO_FREE char *got = read_stream(cs_slice_of(text));
	ck_assert_str_eq(got, want);
}
END_TEST

static const struct {
	const char *text;
	const char *json;
} texts[] = {
	{ "", "[]" },
	{ "# nothing\n", "[]" },
	{ "---\n---\n# c\n---\n", "[]" },
	{ "~\n---\nnull\n", "[]" },
	{ "- \n- ~\n- x\n", "[[null,null,\"x\"]]" },
	{ "a: b\n---\nc: d\n", "[{\"a\":\"b\"},{\"c\":\"d\"}]" },
	{ "a: b\n...\n---\nc: d\n...\n", "[{\"a\":\"b\"},{\"c\":\"d\"}]" },
	{ "--- 5\n", "[5]" },
	{ "%YAML 1.1\n---\na: b\n", "[{\"a\":\"b\"}]" },
	{ "\xEF\xBB\xBF"
	  "a: b\nc: d\n",
	  "[{\"a\":\"b\",\"c\":\"d\"}]" },
	{ "\xEF\xBB\xBF{\"a\":1}", "[{\"a\":1}]" },
	{ "a: |\n  line 1\n  line 2\nb: >-\n  folded\n  text\n",
	  "[{\"a\":\"line 1\\nline 2\\n\",\"b\":\"folded text\"}]" },
	{ "a: |\n  5\n", "[{\"a\":\"5\\n\"}]" },
	{ "a: [x, {b: 1}, [y]]", "[{\"a\":[\"x\",{\"b\":1},[true]]}]" },
	{ "a: {x, y: }", "[{\"a\":{\"x\":null,\"true\":null}}]" },
	// keys that are no strings
	{ "on: w", "[{\"true\":\"w\"}]" },
	{ "1: x\n0x10: s\n1.5: z\n1e7: f\n2001-01-01: q\n",
	  "[{\"1\":\"x\",\"16\":\"s\",\"1.5\":\"z\",\"10000000\":\"f\",\"2001-01-01\":\"q\"}]" },
	{ "3.14159265358979: pi", "[{\"3.1415927\":\"pi\"}]" },
	// aliases and merges
	{ "a: &x [1, 2]\nb: *x\n", "[{\"a\":[1,2],\"b\":[1,2]}]" },
	{ "a: &x 5\n*x : y", "[{\"a\":5,\"5\":true}]" },
	{ "a: &x 1\nb: &x 2\nc: *x", "[{\"a\":1,\"b\":2,\"c\":2}]" },
	{ "a: &x ~\nb: *x", "[{\"a\":null,\"b\":null}]" },
	{ "b: &b {x: 1, z: 2}\nm:\n  <<: *b\n  z: 3\n",
	  "[{\"b\":{\"x\":1,\"z\":2},\"m\":{\"x\":1,\"z\":3}}]" },
	{ "{<<: {a: 2}, a: 1}", "[{\"a\":1}]" },
	{ "{a: 1, <<: {a: 2}}", "[{\"a\":2}]" }, // go-yaml v2 has it so
	{ "{<<: [{a: 1}, {a: 2, b: 3}], c: 1}", "[{\"a\":1,\"b\":3,\"c\":1}]" },
	{ "{<<: {a: 1}, <<: {b: 2}}", "[{\"a\":1,\"b\":2}]" },
	{ "\"<<\": {a: b}", "[{\"<<\":{\"a\":\"b\"}}]" },
	{ "a: &x {b: 0.10}\nc: *x", "[{\"a\":{\"b\":0.1},\"c\":{\"b\":0.1}}]" },
	// JSON is YAML, one value behind the other, and broken JSON may still be YAML
	{ "{\"a\":1.0,\"b\":[true,null]}", "[{\"a\":1.0,\"b\":[true,null]}]" },
	{ "\n {\"a\":1}\n{\"b\":2} ", "[{\"a\":1},{\"b\":2}]" },
	{ "{\"a\":\"\\ud83d\\ude00\\/\"}", "[{\"a\":\"\xF0\x9F\x98\x80/\"}]" },
	{ "{\"a\": y, 'b': 0x10, c: }", "[{\"a\":true,\"b\":16,\"c\":null}]" },
	{ "[1, \"a\"]", "[[1,\"a\"]]" },
	{ "{\"a\":1}\n---\n{\"b\":2}\n", "[{\"a\":1},{\"b\":2}]" },
};

START_TEST(whole_texts)
{
	CS_AUTO_FREE char *got = read_stream(cs_slice_of(texts[_i].text));
	ck_assert_str_eq(got, texts[_i].json);
}
END_TEST

static const struct {
	struct cs_slice text;
	const char *words; // what the message contains
} invalid[] = {
	{ CS_SLICE("a: 1\nb: 2\na: 3\n"), "line 3: duplicate key \"a\"" },
	{ CS_SLICE("a: {b: 1, b: 2}"), "line 1: duplicate key \"b\"" },
	{ CS_SLICE("1: a\n'1': b"), "line 2: duplicate key \"1\"" },
	{ CS_SLICE("<<: {a: 1}\na: 1\na: 2\n"), "line 3: duplicate key \"a\"" },
	{ CS_SLICE("{\"a\":1,\n\"a\":2}"), "line 2: duplicate key \"a\"" },
	{ CS_SLICE("ok: 1\n---\na: .inf"), "line 3: infinity and NaN are not possible" },
	{ CS_SLICE("a: -.Inf"), "infinity" },
	{ CS_SLICE("a: .NaN"), "infinity" },
	{ CS_SLICE("a: 18446744073709551616"), "line 1: integer out of range" },
	{ CS_SLICE("a: -9223372036854775809"), "line 1: integer out of range" },
	{ CS_SLICE("a:\n- !!int x"), "line 2: the value is not what its tag says" },
	{ CS_SLICE("a: !!bool 5"), "not what its tag says" },
	{ CS_SLICE("a: !!int 1.5"), "not what its tag says" },
	{ CS_SLICE("a: !!binary aGVsbG8="), "!!binary is not supported" },
	{ CS_SLICE("~: x"), "line 1: a key is null" },
	{ CS_SLICE("? [a]\n: b"), "line 1: a key is a mapping or a sequence" },
	{ CS_SLICE("\"a\\0b\": c"), "a key contains a NUL character" },
	{ CS_SLICE("a: *x"), "line 1: alias of an anchor that is unknown or not complete" },
	{ CS_SLICE("a: &x 1\n---\nb: *x"), "line 3: alias of an anchor" },
	{ CS_SLICE("&a [*a]"), "line 1: alias of an anchor that is unknown or not complete" },
	{ CS_SLICE("x: &a 1\ny: &a {b: *a}"), "line 2: alias of an anchor" },
	{ CS_SLICE("<<: 5"), "line 1: << takes a mapping or a list of mappings" },
	{ CS_SLICE("<<: ~"), "<< takes" },
	{ CS_SLICE("<<: [{a: 1}, 5]"), "<< takes" },
	{ CS_SLICE("a: - b"), "line 1: block sequence entries are not allowed" },
	{ CS_SLICE("a: [1, 2"), "line 2: while parsing a flow sequence" },
	{ CS_SLICE("a: b\n c: d\n"), "line 2: mapping values are not allowed" },
	{ CS_SLICE("a:\n\tb: c\n"), "line 2: " },
	{ CS_SLICE("a: \"\\ud800\""), "line 1: " },
	{ CS_SLICE("a: \xFF"), "line 1: byte 3: " },
	{ CS_SLICE("a: b\x01"), "line 1: " },
	{ CS_SLICE("a: b\0c"), "line 1: " },
	{ CS_SLICE("%YAML 2.0\n---\na: b"), "line 1: " },
	{ CS_SLICE("{}\nrest"), "line 2: " },
};

START_TEST(invalid_texts)
{
	CS_AUTO_FREE char *got = read_stream(invalid[_i].text);
	if (strncmp(got, "error: line ", 12) != 0 || !strstr(got, invalid[_i].words))
		ck_abort_msg("%s: got %s", invalid[_i].text.data, got);
	struct json_object *none = NULL;
	ck_assert_int_eq(cs_value_read_yaml(invalid[_i].text, &none, NULL), -EINVAL);
}
END_TEST

static char *nested(int depth)
{
	struct cs_buffer text;
	cs_buffer_init(&text, 1 << 24);
	for (int i = 0; i < depth; i++)
		cs_buffer_append_string(&text, i % 2 ? "{x: " : "[");
	cs_buffer_append_string(&text, "leaf");
	for (int i = depth; i > 0; i--)
		cs_buffer_append_char(&text, (i - 1) % 2 ? '}' : ']');
	return cs_buffer_take(&text);
}

START_TEST(sixty_four_levels)
{
	CS_AUTO_FREE char *most = nested(64);
	CS_AUTO_FREE char *read = read_stream(cs_slice_of(most));
	ck_assert_ptr_null(strstr(read, "error"));
	CS_AUTO_FREE char *bomb = nested(65);
	CS_AUTO_FREE char *words = read_stream(cs_slice_of(bomb));
	ck_assert_str_eq(words, "error: line 1: nested more than 64 deep");
	CS_AUTO_FREE char *huge = nested(100000);
	CS_AUTO_FREE char *still = read_stream(cs_slice_of(huge));
	ck_assert_str_eq(still, "error: line 1: nested more than 64 deep");
}
END_TEST

START_TEST(aliases_cannot_go_deeper)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1 << 20);
	cs_buffer_append_string(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < 70; i++)
		cs_buffer_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	CS_AUTO_FREE char *words = read_stream(cs_buffer_slice(&text));
	// The mapping is one level, a62 has 63.
	ck_assert_str_eq(words, "error: line 64: nested more than 64 deep");
}
END_TEST

START_TEST(billion_laughs)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1 << 20);
	cs_buffer_append_string(&text, "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
	for (int c = 'b'; c <= 'i'; c++)
		cs_buffer_printf(&text, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n",
				 c, c, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1,
				 c - 1);
	CS_AUTO_FREE char *words = read_stream(cs_buffer_slice(&text));
	ck_assert_ptr_nonnull(strstr(words, "aliases stand for too many values"));
}
END_TEST

START_TEST(many_honest_aliases)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	CS_AUTO_VALUE struct json_object *documents = NULL;
	cs_buffer_init(&text, 1 << 24);
	cs_buffer_append_string(&text, "base: &base {a: 1, b: 2, c: 3, d: 4}\nlist:\n");
	for (int i = 0; i < 19000; i++) // 5 values each
		cs_buffer_append_string(&text, "- *base\n");
	ck_assert_int_eq(cs_value_read_yaml(cs_buffer_slice(&text), &documents, NULL), 0);
	struct json_object *list =
		json_object_object_get(json_object_array_get_idx(documents, 0), "list");
	ck_assert_uint_eq(json_object_array_length(list), 19000);
	// Copies, not the same object many times: changing one changes no other.
	json_object_object_del(json_object_array_get_idx(list, 0), "a");
	ck_assert_ptr_nonnull(json_object_object_get(json_object_array_get_idx(list, 1), "a"));
}
END_TEST

START_TEST(documents_know_their_lines)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	static const char text[] = "# head\na: 1\n---\n\n# more\nb: 2\n---\n- no\n--- {c: 3}\n";
	static const int lines[] = { 2, 6, 0, 9 };
	ck_assert_int_eq(cs_value_read_yaml(cs_slice_of(text), &documents, NULL), 0);
	ck_assert_uint_eq(json_object_array_length(documents), 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(cs_value_line(json_object_array_get_idx(documents, i)), lines[i]);
	json_object_put(documents);
	documents = NULL;
	ck_assert_int_eq(
		cs_value_read_yaml(CS_SLICE("\n\n{\n\"a\":1\n}\n{\"b\":2}\n"), &documents, NULL),
		0);
	ck_assert_int_eq(cs_value_line(json_object_array_get_idx(documents, 0)), 3);
	ck_assert_int_eq(cs_value_line(json_object_array_get_idx(documents, 1)), 6);
}
END_TEST

// What a listener is told, as "item:LINE=JSON " and "JSON ".
struct told {
	struct cs_buffer words;
	int takes; // items; the next one is left
};

static int told_item(void *user, struct json_object *item, int line, struct cs_error *err)
{
	struct told *told = user;
	CS_AUTO_FREE char *json = as_json(item);
	(void)err;
	cs_buffer_printf(&told->words, "item:%d=%s ", line, json);
	return told->takes-- > 0;
}

static int told_document(void *user, struct json_object *document, int line, struct cs_error *err)
{
	CS_AUTO_FREE char *json = as_json(document);
	(void)err;
	cs_buffer_printf(&((struct told *)user)->words, "%d:%s ", line, json);
	return 0;
}

START_TEST(streams)
{
	static const struct {
		const char *text;
		int takes;
		const char *told;
	} rows[] = {
		{ "a: 1\nitems:\n- {x: 1}\n- 2\n- {items: [3]}\nb: {items: [4]}\n", 9,
		  "item:3={\"x\":1} item:4=2 item:5={\"items\":[3]} "
		  "1:{\"a\":1,\"items\":[],\"b\":{\"items\":[4]}} " },
		{ "items: [1, 2, 3]\n---\nitems: [4]\n---\n- items: [5]\n", 1,
		  "item:1=1 item:1=2 1:{\"items\":[2,3]} item:3=4 3:{\"items\":[4]} "
		  "5:[{\"items\":[5]}] " },
		{ "{\"items\":\n[{\"x\": 1},\n{\"x\": 2}], \"b\": [6]} {\"items\": 7}", 9,
		  "item:2={\"x\":1} item:3={\"x\":2} 1:{\"items\":[],\"b\":[6]} 3:{\"items\":7} " },
		{ "items:\n- 1\n- &a 2\n- *a\n- 3\n", 9, "item:2=1 1:{\"items\":[2,2,3]} " },
		{ "items: {x: [1]}\n", 9, "1:{\"items\":{\"x\":[1]}} " },
		{ "{\"items\": [1, 2, 3,], b: 4} # not JSON\n---\nitems: [5, 6]\n", 9,
		  "item:1=1 item:1=2 item:1=3 1:{\"items\":[],\"b\":4} item:3=5 item:3=6 "
		  "3:{\"items\":[]} " },
		{ "{\"items\": [1,\n2, 3, x, 4]}", 2,
		  "item:1=1 item:2=2 item:2=3 item:2=3 1:{\"items\":[3,\"x\",4]} " },
	};
	static const struct cs_value_listener listener = { told_item, told_document };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		struct told told = { .takes = rows[i].takes };
		struct cs_error err = { 0 };
		cs_buffer_init(&told.words, 4096);
		int r = cs_value_read_stream(cs_slice_of(rows[i].text), &listener, &told, &err);
		ck_assert_msg(r == 0, "%s", err.text);
		ck_assert_str_eq(told.words.data, rows[i].told);
		cs_buffer_finish(&told.words);
	}
}
END_TEST

START_TEST(no_text_at_all)
{
	CS_AUTO_FREE char *got = read_stream((struct cs_slice){ 0 });
	ck_assert_str_eq(got, "[]");
}
END_TEST

// What comes out is read back as the same, whatever went in.
START_TEST(damaged_texts)
{
	static const char text[] = "apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: \"a\\n\"\n"
				   "  labels: {x: y, 'n': 0x1f}\nspec:\n  <<: *m\n  list:\n"
				   "  - |\n    text\n  - !!str 5\n---\na: [.5, ~, 1_0]\n";
	struct cs_random random;
	cs_random_init(&random, 22);
	for (int i = 0; i < 20000; i++) {
		size_t size = sizeof(text) - 1;
		CS_AUTO_FREE char *copy = cs_strndup(text, size);
		CS_AUTO_VALUE struct json_object *value = NULL;
		for (int k = 0; k < 3; k++)
			copy[cs_random_below(&random, size)] = text[cs_random_below(&random, size)];
		if (i % 2)
			size = cs_random_below(&random, size);
		if (cs_value_read_yaml((struct cs_slice){ copy, size }, &value, NULL) != 0)
			continue;
		CS_AUTO_FREE char *once = as_json(value);
		CS_AUTO_VALUE struct json_object *back = NULL;
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(once), &back, NULL), 0);
		CS_AUTO_FREE char *twice = as_json(back);
		ck_assert_str_eq(once, twice);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("value_yaml");
	TCase *tc = tcase_create("value_yaml");
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, scalars_as_kubectl, 0, (int)CS_ARRAY_LENGTH(scalars));
	tcase_add_loop_test(tc, whole_texts, 0, (int)CS_ARRAY_LENGTH(texts));
	tcase_add_loop_test(tc, invalid_texts, 0, (int)CS_ARRAY_LENGTH(invalid));
	tcase_add_test(tc, sixty_four_levels);
	tcase_add_test(tc, aliases_cannot_go_deeper);
	tcase_add_test(tc, billion_laughs);
	tcase_add_test(tc, many_honest_aliases);
	tcase_add_test(tc, documents_know_their_lines);
	tcase_add_test(tc, streams);
	tcase_add_test(tc, no_text_at_all);
	tcase_add_test(tc, damaged_texts);
	suite_add_tcase(suite, tc);
	return suite;
}
