// The extender's wire format: upstream's own examples, every way to break them, and what is
// answered. Neighbours: lib/kube/extender.c, scan.c; the examples are those of
// k8s.io/kube-scheduler/extender/v1/types_test.go.
#include "../check_main.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/api.h>
#include <csched/kube/codec.h>
#include <csched/kube/extender.h>

#define POD                                                                    \
	"{\"metadata\":{\"name\":\"podname\"},\"spec\":{\"containers\":null}," \
	"\"status\":{}}"
#define NODE                                                                                \
	"{\"metadata\":{\"name\":\"nodename\"},\"spec\":{},\"status\":{\"daemonEndpoints\"" \
	":{\"kubeletEndpoint\":{\"Port\":0}},\"nodeInfo\":{\"machineID\":\"\","             \
	"\"systemUUID\":\"\",\"bootID\":\"\",\"kernelVersion\":\"\",\"osImage\":\"\","      \
	"\"containerRuntimeVersion\":\"\",\"kubeletVersion\":\"\",\"kubeProxyVersion\""     \
	":\"\",\"operatingSystem\":\"\",\"architecture\":\"\"}}}"

static struct cs_arena *arena;
static struct cs_buffer out;
static struct cs_error err;

static void setup(void)
{
	arena = cs_arena_create();
	cs_buffer_init(&out, 1 << 20);
	err = (struct cs_error){ 0 };
}

static void teardown(void)
{
	cs_buffer_finish(&out);
	cs_arena_destroy(arena);
}

static void expect_slice(struct cs_slice slice, const char *text)
{
	ck_assert_uint_eq(slice.size, strlen(text));
	ck_assert(slice.size == 0 || memcmp(slice.data, text, slice.size) == 0);
}

static struct cs_extender_args read_args(const char *text)
{
	struct cs_extender_args args;
	int r = cs_extender_read_args(cs_slice_of(text), arena, &args, &err);
	ck_assert_msg(r == 0, "%s: %s", text, err.text);
	return args;
}

static struct cs_extender_preemption read_preemption(const char *text)
{
	struct cs_extender_preemption preemption;
	int r = cs_extender_read_preemption(cs_slice_of(text), arena, &preemption, &err);
	ck_assert_msg(r == 0, "%s: %s", text, err.text);
	return preemption;
}

static char *lower(const char *text)
{
	char *copy = cs_arena_strdup(arena, text);
	for (char *at = copy; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return copy;
}

// ---- requests ----

static void expect_names(const char *text)
{
	struct cs_extender_args args = read_args(text);
	ck_assert(!args.whole && !args.items);
	ck_assert_uint_eq(args.n_nodes, 1);
	expect_slice(args.names[0], "node1");
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ck_assert_int_eq(cs_value_read_json(args.pod, &tree, &err), 0);
	ProtobufCMessage *pod;
	ck_assert_int_eq(cs_codec_read(&kube__pod__descriptor, tree, arena, &pod, &err), 0);
	ck_assert_str_eq(((Kube__Pod *)pod)->metadata->name, "podname");
}

START_TEST(upstreams_args_in_any_case)
{
	const char *text = "{\"Pod\":" POD ",\"Nodes\":{\"metadata\":{},\"items\":[" NODE
			   "]},\"NodeNames\":[\"node1\"]}";
	expect_names(text);
	expect_names(lower(text));
}
END_TEST

START_TEST(names_as_kube_scheduler_sends_them)
{
	struct cs_extender_args args =
		read_args("{\"Pod\":" POD ",\"Nodes\":null,\"NodeNames\":[\"a\",\"b\",\"a\"]}");
	ck_assert_uint_eq(args.n_nodes, 3);
	expect_slice(args.names[2], "a");
	expect_slice(args.pod, POD);
	expect_slice(args.uid, "");
	ck_assert(!args.whole);
}
END_TEST

START_TEST(whole_nodes_as_kube_scheduler_sends_them)
{
	struct cs_extender_args args =
		read_args("{\"Pod\":" POD ",\"Nodes\":{\"metadata\":{},\"items\":[" NODE
			  ", {\"spec\":{},\"metadata\":{\"labels\":{\"name\":\"no\"},\"name\":"
			  "\"second\"}} ]},\"NodeNames\":null}");
	ck_assert(args.whole);
	ck_assert_uint_eq(args.n_nodes, 2);
	expect_slice(args.names[0], "nodename");
	expect_slice(args.items[0], NODE);
	expect_slice(args.names[1], "second");
	expect_slice(args.items[1], "{\"spec\":{},\"metadata\":{\"labels\":{\"name\":\"no\"},"
				    "\"name\":\"second\"}}");
}
END_TEST

START_TEST(absent_and_null_are_the_same)
{
	static const char *const texts[] = { "{}", "null", " {\"pod\":null,\"nodes\":null} ",
					     "{\"NODENAMES\":null,\"more\":[{\"x\":1.5e+3}]}" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		struct cs_extender_args args = read_args(texts[i]);
		ck_assert_uint_eq(args.n_nodes, 0);
		ck_assert_uint_eq(args.pod.size, 0);
		ck_assert(!args.whole);
	}
	ck_assert(read_args("{\"nodes\":{\"items\":null}}").whole);
}
END_TEST

START_TEST(the_pods_uid)
{
	struct cs_extender_args args =
		read_args("{\"Pod\": {\"spec\":{\"uid\":\"no\"},\"metadata\":{\"uid\":\"u-1\"}} }");
	expect_slice(args.uid, "u-1");
	expect_slice(args.pod, "{\"spec\":{\"uid\":\"no\"},\"metadata\":{\"uid\":\"u-1\"}}");
	expect_slice(read_preemption("{\"pod\":{\"metadata\":{\"uid\":\"u-2\"}}}").uid, "u-2");
}
END_TEST

START_TEST(names_with_escapes)
{
	struct cs_extender_args args =
		read_args("{\"NodeNames\":[\"a\\u0062\\/\\n\",\"\\ud83d\\ude00\",\"\\ud83dx\","
			  "\"\\ude00\",\"gr\xC3\xBC\",\"\\\\\\\"\"]}");
	static const char *const names[] = { "ab/\n",        "\xF0\x9F\x98\x80", "\xEF\xBF\xBDx",
					     "\xEF\xBF\xBD", "gr\xC3\xBC",       "\\\"" };
	ck_assert_uint_eq(args.n_nodes, CS_ARRAY_LENGTH(names));
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		expect_slice(args.names[i], names[i]);
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} broken[] = {
	{ "", "byte 0: expected an object" },
	{ "[]", "byte 0: expected an object" },
	{ "{", "byte 1: expected a key" },
	{ "{}x", "byte 2: expected the end" },
	{ "{\"a\":1,}", "byte 7: expected a key" },
	{ "{\"a\" 1}", "byte 5: expected :" },
	{ "{\"a\":}", "byte 5: expected a value" },
	{ "{\"a\":1 \"b\":2}", "byte 7: expected , or }" },
	{ "{\"a\":[1 2]}", "byte 8: expected , or ]" },
	{ "{\"a\":[1,]}", "byte 8: expected a value" },
	{ "{\"a\":[1}", "byte 7: expected , or ]" },
	{ "{\"a\":{1:2}}", "byte 6: expected a key" },
	{ "{\"a\":{\"b\"1}}", "byte 9: expected :" },
	{ "{\"a\":nul}", "byte 5: expected a value" },
	{ "{\"a\":True}", "byte 5: expected a value" },
	{ "{\"a\":01}", "byte 6: expected , or }" },
	{ "{\"a\":1.}", "byte 7: not a number" },
	{ "{\"a\":-}", "byte 6: not a number" },
	{ "{\"a\":1e}", "byte 7: not a number" },
	{ "{\"a\":+1}", "byte 5: expected a value" },
	{ "{\"a\":'b'}", "byte 5: expected a value" },
	{ "{\"a\":\"b}", "byte 8: a string without an end" },
	{ "{\"a\":\"b\tc\"}", "byte 7: a control character" },
	{ "{\"a\":\"\xFF\"}", "byte 6: not UTF-8" },
	{ "{\"a\":\"\xC3\"}", "byte 6: not UTF-8" },
	{ "{\"a\":\"\xED\xA0\x80\"}", "byte 6: not UTF-8" },
	{ "{\"a\":\"\\x\"}", "byte 6: not an escape" },
	{ "{\"a\":\"\\u12g4\"}", "byte 6: not an escape" },
	{ "{\"a\":\"\\u12", "byte 6: not an escape" },
	{ "{\"a\":\"\\", "byte 6: not an escape" },
	{ "{\"Pod\":[]}", "byte 7: expected an object" },
	{ "{\"NodeNames\":{}}", "byte 13: expected a list" },
	{ "{\"NodeNames\":[1]}", "byte 14: expected a string" },
	{ "{\"NodeNames\":[null]}", "byte 14: expected a string" },
	{ "{\"NodeNames\":[\"a\",]}", "byte 18: expected a string" },
	{ "{\"Nodes\":[]}", "byte 9: expected an object" },
	{ "{\"Nodes\":{\"items\":[null]}}", "byte 23: the object before this is nameless" },
	{ "{\"Nodes\":{\"items\":[{}]}}", "byte 21: the object before this is nameless" },
	{ "{\"Nodes\":{\"items\":[{\"metadata\":{\"name\":1}}]}}", "byte 39: expected a string" },
	{ "{\"Nodes\":{\"items\":[{\"metadata\":{\"Name\":\"a\"}}]}}",
	  "byte 44: the object before this is nameless" },
	{ "{\"Pod\":{},\"pod\":{}}", "byte 16: this member was given before" },
};

START_TEST(broken_requests_say_where)
{
	struct cs_extender_args args;
	ck_assert_int_eq(cs_extender_read_args(cs_slice_of(broken[_i].text), arena, &args, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, broken[_i].words);
}
END_TEST

// Every beginning of a good request is a broken one, and reading it stays within it.
START_TEST(cut_requests)
{
	const char *text = "{\"Pod\":" POD ",\"Nodes\":{\"items\":[" NODE
			   "]},\"NodeNames\":[\"n\\u0031\",\"gr\xC3\xBC\"],\"x\":[true,-1.5e3]}";
	for (size_t size = 0; size < strlen(text); size++) {
		struct cs_extender_args args;
		CS_AUTO_FREE char *copy = cs_strndup(text, size);
		ck_assert_int_eq(
			cs_extender_read_args((struct cs_slice){ copy, size }, arena, &args, &err),
			-EINVAL);
	}
}
END_TEST

START_TEST(nesting_has_an_end)
{
	struct cs_extender_args args;
	for (unsigned depth = 63; depth <= 64; depth++) {
		CS_AUTO_BUFFER struct cs_buffer text;
		cs_buffer_init(&text, 1024);
		cs_buffer_append_string(&text, "{\"xyz\":");
		for (unsigned i = 0; i < depth; i++)
			cs_buffer_append_char(&text, '[');
		for (unsigned i = 0; i < depth; i++)
			cs_buffer_append_char(&text, ']');
		cs_buffer_append_char(&text, '}');
		int r = cs_extender_read_args(cs_buffer_slice(&text), arena, &args, &err);
		ck_assert_int_eq(r, depth == 63 ? 0 : -EINVAL);
	}
	ck_assert_str_eq(err.text, "byte 70: nested too deep");
}
END_TEST

// A list of `n` times `item`, between `before` and `after`.
static void repeat(struct cs_buffer *text, const char *before, const char *item, uint32_t n)
{
	cs_buffer_init(text, 2 * CS_EXTENDER_BODY_MAX);
	cs_buffer_append_string(text, before);
	for (uint32_t i = 0; i < n; i++) {
		cs_buffer_append_string(text, i ? "," : "");
		cs_buffer_append_string(text, item);
	}
	cs_buffer_append_string(text, "]}");
}

START_TEST(requests_have_a_largest_size)
{
	struct cs_extender_args args;
	CS_AUTO_BUFFER struct cs_buffer many, most, long_names;
	repeat(&most, "{\"NodeNames\":[", "\"a\"", CS_EXTENDER_NODES_MAX);
	ck_assert_int_eq(cs_extender_read_args(cs_buffer_slice(&most), arena, &args, &err), 0);
	ck_assert_uint_eq(args.n_nodes, CS_EXTENDER_NODES_MAX);
	repeat(&many, "{\"NodeNames\":[", "\"a\"", CS_EXTENDER_NODES_MAX + 1);
	ck_assert_int_eq(cs_extender_read_args(cs_buffer_slice(&many), arena, &args, &err),
			 -EMSGSIZE);
	repeat(&long_names, "{\"NodeNames\":[",
	       "\"a-name-of-some-length-a-name-of-some-length-a-name-of-some-length\"", 70000);
	ck_assert_uint_gt(long_names.size, CS_EXTENDER_NAMES_MAX);
	ck_assert_int_eq(cs_extender_read_args(cs_buffer_slice(&long_names), arena, &args, &err),
			 -EMSGSIZE);
}
END_TEST

// ---- preemption ----

static void expect_victims(const char *text, const char *uid)
{
	struct cs_extender_preemption preemption = read_preemption(text);
	ck_assert_uint_eq(preemption.n_nodes, 1);
	expect_slice(preemption.nodes[0].node, "foo");
	ck_assert_int_eq(preemption.nodes[0].n_pdb_violations, 1);
	ck_assert_uint_eq(preemption.nodes[0].n_uids, 1);
	expect_slice(preemption.nodes[0].uids[0], uid);
}

START_TEST(upstreams_preemption_args)
{
	const char *both =
		"{\"Pod\":" POD ",\"NodeNameToVictims\":{\"foo\":{\"Pods\":[{\"metadata\":{"
		"\"uid\":\"whole\"}}],\"NumPDBViolations\":1}},\"NodeNameToMetaVictims\":{\"foo\":"
		"{\"Pods\":[{\"UID\":\"myuid\"}],\"NumPDBViolations\":1}}}";
	expect_victims(both, "myuid");
	expect_victims(lower(both), "myuid");
	expect_victims("{\"Pod\":" POD ",\"NodeNameToVictims\":{\"foo\":{\"Pods\":[{\"metadata\":{"
		       "\"uid\":\"whole\"}}],\"NumPDBViolations\":1}},"
		       "\"NodeNameToMetaVictims\":null}",
		       "whole");
}
END_TEST

START_TEST(preemption_without_victims)
{
	struct cs_extender_preemption preemption = read_preemption(
		"{\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":null},\"b\":null,\"c\":{}}}");
	ck_assert_uint_eq(preemption.n_nodes, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(preemption.nodes[i].n_uids, 0);
}
END_TEST

static const struct {
	const char *number;
	int64_t value; // 0: none
} numbers[] = {
	{ "9223372036854775807", INT64_MAX },
	{ "-9223372036854775808", INT64_MIN },
	{ "-7", -7 },
	{ "9223372036854775808", 0 },
	{ "-9223372036854775809", 0 },
	{ "99999999999999999999", 0 },
	{ "1.0", 0 },
	{ "1e3", 0 },
	{ "\"1\"", 0 },
	{ "--1", 0 },
};

START_TEST(whole_numbers_of_64_bits)
{
	CS_AUTO_FREE char *text =
		cs_asprintf("{\"NodeNameToMetaVictims\":{\"a\":{\"NumPDBViolations\":%s}}}",
			    numbers[_i].number);
	struct cs_extender_preemption preemption;
	int r = cs_extender_read_preemption(cs_slice_of(text), arena, &preemption, &err);
	ck_assert_int_eq(r, numbers[_i].value ? 0 : -EINVAL);
	if (numbers[_i].value)
		ck_assert(preemption.nodes[0].n_pdb_violations == numbers[_i].value);
}
END_TEST

START_TEST(upstreams_preemption_result)
{
	struct cs_extender_preemption preemption =
		read_preemption("{\"NodeNameToMetaVictims\":{\"foo\":{\"Pods\":[{\"UID\":"
				"\"myuid\"}],\"NumPDBViolations\":1},\"bar\":{}}}");
	cs_extender_write_preemption(preemption.nodes, 1, &out);
	ck_assert_str_eq(out.data, "{\"NodeNameToMetaVictims\":{\"foo\":{\"Pods\":[{\"UID\":"
				   "\"myuid\"}],\"NumPDBViolations\":1}}}");
	cs_buffer_clear(&out);
	cs_extender_write_preemption(preemption.nodes, preemption.n_nodes, &out);
	ck_assert_str_eq(out.data, "{\"NodeNameToMetaVictims\":{\"foo\":{\"Pods\":[{\"UID\":"
				   "\"myuid\"}],\"NumPDBViolations\":1},\"bar\":{\"Pods\":[],"
				   "\"NumPDBViolations\":0}}}");
}
END_TEST

// ---- binding ----

START_TEST(upstreams_binding)
{
	const char *text = "{\"PodName\":\"mypodname\",\"PodNamespace\":\"mypodnamespace\","
			   "\"PodUID\":\"mypoduid\",\"Node\":\"mynode\"}";
	struct cs_extender_binding binding;
	for (int i = 0; i < 2; i++, text = lower(text)) {
		ck_assert_int_eq(cs_extender_read_binding(cs_slice_of(text), arena, &binding, &err),
				 0);
		ck_assert_str_eq(binding.pod_name, "mypodname");
		ck_assert_str_eq(binding.pod_namespace, "mypodnamespace");
		ck_assert_str_eq(binding.pod_uid, "mypoduid");
		ck_assert_str_eq(binding.node, "mynode");
	}
	ck_assert_int_eq(
		cs_extender_read_binding(CS_SLICE("{\"node\":null}"), arena, &binding, &err), 0);
	ck_assert_str_eq(binding.node, "");
	ck_assert_int_eq(cs_extender_read_binding(CS_SLICE("{\"node\":\"a\\u0000b\"}"), arena,
						  &binding, &err),
			 -EINVAL);
}
END_TEST

START_TEST(upstreams_binding_result)
{
	cs_extender_write_binding("myerror", &out);
	ck_assert_str_eq(out.data, "{\"Error\":\"myerror\"}");
}
END_TEST

// ---- filter and prioritize ----

START_TEST(filter_of_names)
{
	struct cs_extender_args args = read_args("{\"NodeNames\":[\"node1\",\"foo\",\"baz\"]}");
	cs_extender_write_filter(&args,
				 (const struct cs_extender_verdict[]){
					 { NULL, false }, { "bar", false }, { "qux", true } },
				 &out, NULL);
	ck_assert_str_eq(out.data,
			 "{\"Nodes\":null,\"NodeNames\":[\"node1\"],\"FailedNodes\":{\"foo\":"
			 "\"bar\"},\"FailedAndUnresolvableNodes\":{\"baz\":\"qux\"},"
			 "\"Error\":\"\"}");
}
END_TEST

START_TEST(filter_of_whole_nodes)
{
	struct cs_extender_args args = read_args("{\"Nodes\":{\"items\":[" NODE "]}}");
	cs_extender_write_filter(&args, (const struct cs_extender_verdict[]){ { NULL, false } },
				 &out, NULL);
	ck_assert_str_eq(out.data, "{\"Nodes\":{\"metadata\":{},\"items\":[" NODE
				   "]},\"NodeNames\":null,\"FailedNodes\":null,"
				   "\"FailedAndUnresolvableNodes\":null,\"Error\":\"\"}");
}
END_TEST

// The text with what belongs into it.
static void join(struct cs_buffer *text, const struct cs_splices *splices, struct cs_buffer *ret)
{
	size_t at = 0;
	for (size_t i = 0; i < splices->n; i++) {
		const struct cs_splice *splice = &splices->items[i];
		cs_buffer_append(ret, text->data + at, splice->at - at);
		cs_buffer_append(ret, splice->bytes.data, splice->bytes.size);
		at = splice->at;
	}
	cs_buffer_append(ret, text->data + at, text->size - at);
}

// Each subset of four nodes, left in the request and copied from it.
START_TEST(filter_of_whole_nodes_in_place)
{
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"},\"spec\":[\"" name "," name "\"]}"
	const char *body = "{\"nodes\":{\"Items\": [ " ITEM("a") " , " ITEM("b") "," ITEM(
		"c") "\t,\n" ITEM("d") " ] }}";
	struct cs_extender_args args = read_args(body);
	for (unsigned passed = 0; passed < 16; passed++) {
		CS_AUTO_BUFFER struct cs_buffer text, joined;
		struct cs_splices splices = { 0 };
		struct cs_extender_verdict verdicts[4];
		unsigned n = 0;
		for (unsigned i = 0; i < 4; i++)
			verdicts[i].message = passed >> i & 1 ? NULL : "no";
		cs_buffer_init(&text, 10000);
		cs_buffer_init(&joined, 10000);
		cs_buffer_clear(&out);
		cs_extender_write_filter(&args, verdicts, &text, &splices);
		join(&text, &splices, &joined);
		cs_extender_write_filter(&args, verdicts, &out, NULL);
		ck_assert_str_eq(joined.data, out.data);
		struct cs_extender_args again = read_args(joined.data);
		for (unsigned i = 0; i < 4; i++) {
			if (verdicts[i].message)
				continue;
			ck_assert(cs_slice_equal(again.names[n], args.names[i]));
			ck_assert(cs_slice_equal(again.items[n], args.items[i]));
			n++;
		}
		ck_assert_uint_eq(again.n_nodes, n);
		size_t size = 0;
		for (size_t i = 0; i < splices.n; i++) {
			ck_assert(splices.items[i].bytes.data >= body);
			size += splices.items[i].bytes.size;
		}
		ck_assert_uint_eq(size, splices.size);
		cs_splices_finish(&splices);
	}
}
END_TEST

// Without verdicts, as after a time that was too short.
START_TEST(answers_without_a_decision)
{
	struct cs_extender_args args = read_args("{\"NodeNames\":[\"a\",\"b\"]}");
	cs_extender_write_filter(&args, NULL, &out, NULL);
	ck_assert_str_eq(out.data, "{\"Nodes\":null,\"NodeNames\":[\"a\",\"b\"],\"FailedNodes\":"
				   "null,\"FailedAndUnresolvableNodes\":null,\"Error\":\"\"}");
	cs_buffer_clear(&out);
	cs_extender_write_priorities(&args, NULL, &out);
	ck_assert_str_eq(out.data, "[{\"Host\":\"a\",\"Score\":0},{\"Host\":\"b\",\"Score\":0}]");
}
END_TEST

START_TEST(filter_that_all_pass)
{
	struct cs_extender_args args = read_args("{\"nodenames\": [ \"a\" , \"\\u0062\"] }");
	cs_extender_write_filter(&args, (const struct cs_extender_verdict[2]){ 0 }, &out, NULL);
	ck_assert_str_eq(out.data, "{\"Nodes\":null,\"NodeNames\":[ \"a\" , \"\\u0062\"],"
				   "\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":null,"
				   "\"Error\":\"\"}");
}
END_TEST

// An empty list is not null: kube-scheduler would look for Nodes then.
START_TEST(filter_without_a_node_left)
{
	struct cs_extender_args args = read_args("{\"NodeNames\":[\"a\\\"\"]}");
	cs_extender_write_filter(&args, (const struct cs_extender_verdict[]){ { "full", false } },
				 &out, NULL);
	ck_assert_str_eq(out.data, "{\"Nodes\":null,\"NodeNames\":[],\"FailedNodes\":{\"a\\\"\":"
				   "\"full\"},\"FailedAndUnresolvableNodes\":null,\"Error\":\"\"}");
}
END_TEST

START_TEST(filter_error)
{
	cs_extender_write_filter_error("myerror", &out);
	ck_assert_str_eq(out.data, "{\"Nodes\":null,\"NodeNames\":null,\"FailedNodes\":null,"
				   "\"FailedAndUnresolvableNodes\":null,\"Error\":\"myerror\"}");
}
END_TEST

START_TEST(priorities)
{
	struct cs_extender_args args = read_args("{\"NodeNames\":[\"myhost\",\"b\"]}");
	cs_extender_write_priorities(&args, (const uint8_t[]){ 1, 10 }, &out);
	ck_assert_str_eq(out.data,
			 "[{\"Host\":\"myhost\",\"Score\":1},{\"Host\":\"b\",\"Score\":10}]");
	cs_buffer_clear(&out);
	args.n_nodes = 0;
	cs_extender_write_priorities(&args, NULL, &out);
	ck_assert_str_eq(out.data, "[]");
	cs_buffer_clear(&out);
	args = read_args("{\"NodeNames\":[\"a\\\"b\",\"c\"]}");
	ck_assert(!args.plain);
	cs_extender_write_priorities(&args, (const uint8_t[]){ 3, 0 }, &out);
	ck_assert_str_eq(out.data, "[{\"Host\":\"a\\\"b\",\"Score\":3},{\"Host\":\"c\","
				   "\"Score\":0}]");
	cs_buffer_clear(&out);
	out.max = 20;
	args = read_args("{\"NodeNames\":[\"myhost\",\"b\"]}");
	cs_extender_write_priorities(&args, (const uint8_t[]){ 3, 0 }, &out);
	ck_assert(out.overflow);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("extender");
	TCase *tests = tcase_create("wire");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, upstreams_args_in_any_case);
	tcase_add_test(tests, names_as_kube_scheduler_sends_them);
	tcase_add_test(tests, whole_nodes_as_kube_scheduler_sends_them);
	tcase_add_test(tests, absent_and_null_are_the_same);
	tcase_add_test(tests, the_pods_uid);
	tcase_add_test(tests, names_with_escapes);
	tcase_add_loop_test(tests, broken_requests_say_where, 0, CS_ARRAY_LENGTH(broken));
	tcase_add_test(tests, cut_requests);
	tcase_add_test(tests, nesting_has_an_end);
	tcase_add_test(tests, requests_have_a_largest_size);
	tcase_add_test(tests, upstreams_preemption_args);
	tcase_add_test(tests, preemption_without_victims);
	tcase_add_loop_test(tests, whole_numbers_of_64_bits, 0, CS_ARRAY_LENGTH(numbers));
	tcase_add_test(tests, upstreams_preemption_result);
	tcase_add_test(tests, upstreams_binding);
	tcase_add_test(tests, upstreams_binding_result);
	tcase_add_test(tests, filter_of_names);
	tcase_add_test(tests, filter_of_whole_nodes);
	tcase_add_test(tests, filter_of_whole_nodes_in_place);
	tcase_add_test(tests, answers_without_a_decision);
	tcase_add_test(tests, filter_that_all_pass);
	tcase_add_test(tests, filter_without_a_node_left);
	tcase_add_test(tests, filter_error);
	tcase_add_test(tests, priorities);
	suite_add_tcase(suite, tests);
	return suite;
}
