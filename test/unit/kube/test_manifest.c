// Manifests: documents, Lists, line numbers, and errors that say where.
// Neighbours: lib/kube/manifest.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/kube/api.h>
#include <csched/kube/codec.h>
#include <csched/kube/manifest.h>
#include <errno.h>

static struct cs_manifest manifest;

static void setup(void)
{
	manifest = (struct cs_manifest){ 0 };
}

static void teardown(void)
{
	cs_manifest_finish(&manifest);
}

static void read_good(const char *text, size_t count)
{
	struct cs_error err = { 0 };
	cs_manifest_finish(&manifest);
	int r = cs_manifest_read("app.yaml", cs_slice_of(text), &manifest, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_uint_eq(manifest.count, count);
}

static void check(size_t i, const char *api_version, const char *kind, const char *name, int line)
{
	const struct cs_manifest_object *object = &manifest.objects[i];
	ck_assert_str_eq(object->api_version, api_version);
	ck_assert_str_eq(object->kind, kind);
	ck_assert_str_eq(cs_value_string_at(object->tree, "metadata.name"), name);
	ck_assert_int_eq(object->line, line);
}

START_TEST(documents)
{
	read_good("# first\n"
		  "apiVersion: v1\n"
		  "kind: Service\n"
		  "metadata: {name: web}\n"
		  "---\n"
		  "---\n"
		  "# nothing here\n"
		  "---\n"
		  "\n"
		  "apiVersion: apps/v1\n"
		  "kind: Deployment\n"
		  "metadata:\n"
		  "  name: web\n"
		  "...\n",
		  2);
	check(0, "v1", "Service", "web", 2);
	check(1, "apps/v1", "Deployment", "web", 10);
}
END_TEST

START_TEST(json)
{
	read_good("{\"apiVersion\": \"v1\", \"kind\": \"Node\",\n \"metadata\": {\"name\": \"n\"}}",
		  1);
	check(0, "v1", "Node", "n", 1);
}
END_TEST

START_TEST(nothing)
{
	read_good("", 0);
	read_good("\n---\n# only a comment\n---\n", 0);
}
END_TEST

START_TEST(lists)
{
	read_good("---\n"
		  "kind: List\n"
		  "apiVersion: v1\n"
		  "items:\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: a}}\n"
		  "- kind: List\n"
		  "  apiVersion: v1\n"
		  "  items:\n"
		  "  - {kind: Node, apiVersion: v1, metadata: {name: b}}\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: c}}\n"
		  "---\n"
		  "kind: PodList\n"
		  "apiVersion: v1\n"
		  "metadata: {resourceVersion: '5'}\n"
		  "items:\n"
		  "- metadata: {name: d}\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: e}}\n"
		  "---\n"
		  "{kind: DeploymentList, apiVersion: apps/v1, items: [{metadata: {name: f}}]}\n"
		  "---\n"
		  "{kind: List, apiVersion: v1}\n"
		  "---\n"
		  "{kind: List, apiVersion: v1, items: []}\n",
		  6);
	check(0, "v1", "Pod", "a", 5);
	check(1, "v1", "Node", "b", 6);
	check(2, "v1", "Pod", "c", 10);
	check(3, "v1", "Pod", "d", 16);
	check(4, "v1", "Pod", "e", 17);
	check(5, "apps/v1", "Deployment", "f", 19);
}
END_TEST

// As kubectl prints them: the list says last what it is.
START_TEST(lists_in_json)
{
	read_good(
		"{\n"
		"    \"apiVersion\": \"v1\",\n"
		"    \"items\": [\n"
		"        {\n"
		"            \"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"},\n"
		"            \"spec\": {\"items\": [1]}\n"
		"        },\n"
		"        {\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"b\"}}\n"
		"    ],\n"
		"    \"kind\": \"List\"\n"
		"}\n"
		"{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"items\": [\n"
		"{\"metadata\": {\"name\": \"c\"}},\n"
		"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"d\"}}]}\n"
		"---\n"
		"{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"e\"}}\n"
		"---\n"
		"kind: Pod\n"
		"apiVersion: v1\n"
		"metadata: {name: f}\n",
		6);
	check(0, "v1", "Pod", "a", 4);
	check(1, "v1", "Node", "b", 8);
	check(2, "v1", "Pod", "c", 13);
	check(3, "v1", "Pod", "d", 14);
	check(4, "v1", "Pod", "e", 16);
	check(5, "v1", "Pod", "f", 18);
	ck_assert_int_eq(
		(int)json_object_array_length(cs_value_at(manifest.objects[0].tree, "spec.items")),
		1);
}
END_TEST

START_TEST(lists_with_anchors)
{
	read_good("apiVersion: v1\n"
		  "items:\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: a}}\n"
		  "- &b {kind: Pod, apiVersion: v1, metadata: {name: b}}\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: c}}\n"
		  "- *b\n"
		  "kind: List\n"
		  "---\n"
		  "kind: List\n"
		  "apiVersion: v1\n"
		  "items: &all\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: d}}\n"
		  "others: *all\n",
		  5);
	check(0, "v1", "Pod", "a", 3);
	check(1, "v1", "Pod", "b", 1); // where there are anchors, the list's
	check(2, "v1", "Pod", "c", 1);
	check(3, "v1", "Pod", "b", 1);
	check(4, "v1", "Pod", "d", 9);
}
END_TEST

// kubectl takes whatever has items as a list.
START_TEST(a_list_of_another_name)
{
	read_good("apiVersion: example.com/v1\n"
		  "kind: Bundle\n"
		  "items:\n"
		  "- {kind: Pod, apiVersion: v1, metadata: {name: a}}\n",
		  1);
	check(0, "v1", "Pod", "a", 4);
	read_good(
		"{apiVersion: example.com/v1, kind: Bundle, items: [{x: 1}], metadata: {name: a}}",
		1);
	check(0, "example.com/v1", "Bundle", "a", 1);
	read_good("apiVersion: example.com/v1\n"
		  "kind: Bundle\n"
		  "items:\n"
		  "- &a {kind: Pod, apiVersion: v1, metadata: {name: a}}\n"
		  "- *a\n"
		  "- kind: Bundle\n"
		  "  apiVersion: v1\n"
		  "  items: [{kind: Node, apiVersion: v1, metadata: {name: b}}]\n",
		  3);
	check(0, "v1", "Pod", "a", 1);
	check(1, "v1", "Pod", "a", 1);
	check(2, "v1", "Node", "b", 1);
}
END_TEST

struct told {
	int n;
	int most; // then it is an error
};

static int count(void *user, const struct cs_manifest_object *object, struct cs_error *err)
{
	struct told *told = user;
	if (told->n++ < told->most)
		return 0;
	return cs_error_set(err, -E2BIG, "%s on line %d is too much", object->kind, object->line);
}

// Objects are told while the text is read: what is wrong behind them is found later, and who is
// told may end it, in his own words.
START_TEST(one_by_one)
{
	static const struct {
		const char *text;
		int most;
		int told;
		const char *words;
	} rows[] = {
		{ "items:\n- {kind: Pod, apiVersion: v1}\n- {kind: Pod, apiVersion: v1}\nkind: [\n",
		  9, 2,
		  "app.yaml: line 5: while parsing a flow node, did not find expected node content" },
		{ "{\"items\": [{\"kind\": \"Pod\", \"apiVersion\": \"v1\"},\n{\"kind\": 1]}", 9, 1,
		  "app.yaml: line 2, column 11: expected ',' or '}' in an object" },
		{ "{\"items\": [{\"kind\": \"Pod\", \"apiVersion\": \"v1\"},\n{\"kind\": \"Pod\",}, {}]}",
		  9, 1, "app.yaml: line 1: object: apiVersion is missing" },
		{ "{\"items\": [{\"kind\": \"Pod\", \"apiVersion\": \"v1\"},\n{\"kind\": \"Pod\",}], "
		  "kind: List, apiVersion: v1}",
		  9, 1, "app.yaml: line 2: items[1]: Pod: apiVersion is missing" },
		{ "{\"items\": [{\"kind\": \"Pod\", \"apiVersion\": \"v1\"},\n{kind: Pod, apiVersion: v1}",
		  9, 2, "app.yaml: line 2, column 2: expected a string" },
		{ "items:\n- {kind: Pod, apiVersion: v1}\nkind: List\n", 9, 1,
		  "app.yaml: line 1: List: apiVersion is missing" },
		{ "items:\n- {kind: Pod, apiVersion: v1}\n- {kind: Pod}\nkind: List\napiVersion: v1\n",
		  9, 1, "app.yaml: line 3: items[1]: Pod: apiVersion is missing" },
		{ "items:\n- {kind: Pod, apiVersion: v1}\n- {kind: Node, apiVersion: v1}\n", 1, 2,
		  "Node on line 3 is too much" },
		{ "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}\n{\"kind\": \"Pod\"}\n", 9, 1,
		  "app.yaml: line 2: Pod: apiVersion is missing" },
		{ "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}\n{\"kind\": \"Pod\",}\n", 9, 1,
		  "app.yaml: line 2, column 16: expected a string" },
		{ "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}\nkind: Pod\n", 9, 1,
		  "app.yaml: line 2: expected a JSON object or ---" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		struct told told = { .most = rows[i].most };
		struct cs_error err = { 0 };
		int r = cs_manifest_each("app.yaml", cs_slice_of(rows[i].text), count, &told, &err);
		ck_assert_int_eq(r, rows[i].told > rows[i].most ? -E2BIG : -EINVAL);
		ck_assert_int_eq(told.n, rows[i].told);
		ck_assert_str_eq(err.text, rows[i].words);
	}
}
END_TEST

START_TEST(a_kind_that_only_ends_in_list)
{
	read_good("{apiVersion: example.com/v1, kind: ShoppingList, metadata: {name: a}}", 1);
	check(0, "example.com/v1", "ShoppingList", "a", 1);
}
END_TEST

START_TEST(many_objects)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1 << 20);
	for (int i = 0; i < 1000; i++)
		cs_buffer_printf(&text,
				 "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-%d\n", i);
	read_good(text.data, 1000);
	check(999, "v1", "Pod", "pod-999", 999 * 5 + 2);
}
END_TEST

START_TEST(yaml_types_reach_the_codec)
{
	read_good("apiVersion: v1\n"
		  "kind: Pod\n"
		  "metadata: {name: a, labels: {on: 'yes'}}\n"
		  "spec:\n"
		  "  hostNetwork: yes\n"
		  "  priority: 0x1f\n"
		  "  containers:\n"
		  "  - resources: {requests: {cpu: 2, memory: 1e3, x: 0.1}}\n",
		  1);
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	ProtobufCMessage *message;
	struct cs_error err = { 0 };
	ck_assert_msg(cs_codec_read(&kube__pod__descriptor, manifest.objects[0].tree, arena,
				    &message, &err) == 0,
		      "%s", err.text);
	const Kube__PodSpec *spec = ((Kube__Pod *)message)->spec;
	Kube__QuantityEntry **requests = spec->containers[0]->resources->requests;
	ck_assert(spec->host_network);
	ck_assert_int_eq(spec->priority, 31);
	ck_assert_str_eq(requests[0]->value->string, "2");
	ck_assert_str_eq(requests[1]->value->string, "1000");
	ck_assert_str_eq(requests[2]->value->string, "0.1");
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "kind: Pod\n", "app.yaml: line 1: Pod: apiVersion is missing" },
	{ "---\n\n{kind: Pod, metadata: {name: web}}\n",
	  "app.yaml: line 3: Pod \"web\": apiVersion is missing" },
	{ "apiVersion: v1\n", "app.yaml: line 1: object: kind is missing" },
	{ "apiVersion: v1\nkind:\n", "app.yaml: line 1: object: kind is missing" },
	{ "apiVersion: v1\nkind: 5\n", "app.yaml: line 1: object: kind must be a string" },
	{ "apiVersion: 1.0\nkind: Pod\n", "app.yaml: line 1: Pod: apiVersion must be a string" },
	{ "apiVersion: v1\nkind: Pod\n---\n- 1\n", "app.yaml: line 4: must be an object" },
	{ "just text\n", "app.yaml: line 1: must be an object" },
	{ "{kind: List, apiVersion: v1, items: {}}",
	  "app.yaml: line 1: List: items: must be a list" },
	{ "{kind: Bundle, apiVersion: v1, items: [{kind: Pod, apiVersion: v1}, {x: 1}]}",
	  "app.yaml: line 1: items[1]: object: apiVersion is missing" },
	{ "{kind: Foo, apiVersion: v1, items: [{kind: Pod, apiVersion: v1}, {x: 1}]}",
	  "app.yaml: line 1: items[1]: object: apiVersion is missing" },
	{ "{kind: List, apiVersion: v1, items: [null]}",
	  "app.yaml: line 1: items[0]: must be an object" },
	{ "{kind: PodList, apiVersion: v1, items: [{}, 5]}",
	  "app.yaml: line 1: items[1]: must be an object" },
	{ "{kind: List, apiVersion: v1, items: [{kind: Pod, apiVersion: v1}, {kind: Pod}]}",
	  "app.yaml: line 1: items[1]: Pod: apiVersion is missing" },
	{ "{kind: List, apiVersion: v1, items: [{kind: List, apiVersion: v1, items: [{}, {}]}]}",
	  "app.yaml: line 1: items[0].items[0]: object: apiVersion is missing" },
};

START_TEST(errors_say_where)
{
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_manifest_read("app.yaml", cs_slice_of(bad[_i].text), &manifest, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, bad[_i].words);
	ck_assert_ptr_null(manifest.objects);
}
END_TEST

START_TEST(errors_of_yaml_name_file_and_line)
{
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_manifest_read("app.yaml", CS_SLICE("a: 1\nb: [\n"), &manifest, &err),
			 -EINVAL);
	ck_assert_msg(strncmp(err.text, "app.yaml: line ", 15) == 0, "%s", err.text);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("manifest");
	TCase *tcase = tcase_create("manifest");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, documents);
	tcase_add_test(tcase, json);
	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, lists);
	tcase_add_test(tcase, lists_in_json);
	tcase_add_test(tcase, lists_with_anchors);
	tcase_add_test(tcase, a_list_of_another_name);
	tcase_add_test(tcase, one_by_one);
	tcase_add_test(tcase, a_kind_that_only_ends_in_list);
	tcase_add_test(tcase, many_objects);
	tcase_add_test(tcase, yaml_types_reach_the_codec);
	tcase_add_loop_test(tcase, errors_say_where, 0, CS_ARRAY_LENGTH(bad));
	tcase_add_test(tcase, errors_of_yaml_name_file_and_line);
	suite_add_tcase(suite, tcase);
	return suite;
}
