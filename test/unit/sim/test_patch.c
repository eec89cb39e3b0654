// Patches: RFC 7386's own examples, and strategic merges as the API server makes them.
// Neighbours: lib/sim/patch.c; what upstream answers is in test/e2e/conformance.
#include "../check_main.h"

#include <errno.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <sim/patch.h>

static struct json_object *parse(const char *text)
{
	struct json_object *value = NULL;
	struct cs_error err;
	ck_assert_msg(cs_value_read_json(cs_slice_of(text), &value, &err) == 0, "%s: %s", text,
		      err.text);
	return value;
}

static void check_equal(struct json_object *found, const char *wanted, const char *what)
{
	CS_AUTO_VALUE struct json_object *expected = parse(wanted);
	// Members may stand in any order, elements may not.
	ck_assert_msg(json_object_equal(found, expected), "%s gives %s, not %s", what,
		      json_object_to_json_string(found), wanted);
}

static const struct {
	const char *target;
	const char *patch;
	const char *result;
} merges[] = {
	{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
	{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
	{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
	{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
	{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
	{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
	{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
	{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
	{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
	{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
	{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
	{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
};

START_TEST(test_merge)
{
	CS_AUTO_VALUE struct json_object *target = parse(merges[_i].target);
	CS_AUTO_VALUE struct json_object *before = cs_tree_copy_deep(target);
	CS_AUTO_VALUE struct json_object *patch = parse(merges[_i].patch);
	CS_AUTO_VALUE struct json_object *result = NULL;
	sim_patch_merge(target, patch, &result);
	check_equal(result, merges[_i].result, merges[_i].patch);
	ck_assert(json_object_equal(target, before));
}
END_TEST

static const struct {
	const char *what;
	const char *target;
	const char *patch;
	const char *result;
} strategics[] = {
	{ "maps merge", "{\"a\":{\"b\":1}}", "{\"a\":{\"c\":2}}", "{\"a\":{\"b\":1,\"c\":2}}" },
	{ "null removes", "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":null}}",
	  "{\"a\":{\"c\":2}}" },
	{ "a list without a key is replaced", "{\"args\":[\"a\",\"b\"]}", "{\"args\":[\"c\"]}",
	  "{\"args\":[\"c\"]}" },
	{ "tolerations have no key", "{\"tolerations\":[{\"key\":\"a\"}]}",
	  "{\"tolerations\":[{\"key\":\"b\"}]}", "{\"tolerations\":[{\"key\":\"b\"}]}" },
	{ "conditions merge by type",
	  "{\"conditions\":[{\"type\":\"A\",\"status\":\"x\",\"m\":1}]}",
	  "{\"conditions\":[{\"type\":\"A\",\"status\":\"y\"}]}",
	  "{\"conditions\":[{\"type\":\"A\",\"status\":\"y\",\"m\":1}]}" },
	{ "a new element comes first", "{\"conditions\":[{\"type\":\"A\"}]}",
	  "{\"conditions\":[{\"type\":\"B\"}]}",
	  "{\"conditions\":[{\"type\":\"B\"},{\"type\":\"A\"}]}" },
	{ "old elements keep their order",
	  "{\"conditions\":[{\"type\":\"A\"},{\"type\":\"B\"},{\"type\":\"C\"}]}",
	  "{\"conditions\":[{\"type\":\"B\",\"x\":1}]}",
	  "{\"conditions\":[{\"type\":\"A\"},{\"type\":\"B\",\"x\":1},{\"type\":\"C\"}]}" },
	{ "unless the patch orders them", "{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
	  "{\"$setElementOrder/containers\":[{\"name\":\"b\"},{\"name\":\"a\"}],\"containers\":[{"
	  "\"name\":\"a\",\"image\":\"i\"}]}",
	  "{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\",\"image\":\"i\"}]}" },
	{ "an order alone orders", "{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
	  "{\"$setElementOrder/containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]}",
	  "{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]}" },
	{ "ports of a container", "{\"ports\":[{\"containerPort\":80,\"name\":\"x\"}]}",
	  "{\"ports\":[{\"containerPort\":80,\"name\":\"y\"}]}",
	  "{\"ports\":[{\"containerPort\":80,\"name\":\"y\"}]}" },
	{ "ports of a service", "{\"ports\":[{\"port\":80,\"name\":\"x\"}]}",
	  "{\"ports\":[{\"port\":81}]}",
	  "{\"ports\":[{\"port\":81},{\"port\":80,\"name\":\"x\"}]}" },
	{ "an element is deleted", "{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
	  "{\"containers\":[{\"name\":\"a\",\"$patch\":\"delete\"}]}",
	  "{\"containers\":[{\"name\":\"b\"}]}" },
	{ "a list is replaced", "{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
	  "{\"containers\":[{\"$patch\":\"replace\"},{\"name\":\"c\"}]}",
	  "{\"containers\":[{\"name\":\"c\"}]}" },
	{ "a map is replaced", "{\"a\":{\"b\":1,\"c\":2}}",
	  "{\"a\":{\"$patch\":\"replace\",\"d\":3}}", "{\"a\":{\"d\":3}}" },
	{ "a map is emptied", "{\"a\":{\"b\":1}}", "{\"a\":{\"$patch\":\"delete\"}}",
	  "{\"a\":{}}" },
	{ "only these keys stay", "{\"s\":{\"type\":\"R\",\"rolling\":{}}}",
	  "{\"s\":{\"$retainKeys\":[\"type\"],\"type\":\"Q\"}}", "{\"s\":{\"type\":\"Q\"}}" },
	{ "finalizers are a set", "{\"finalizers\":[\"a\",\"b\"]}",
	  "{\"finalizers\":[\"b\",\"c\"]}", "{\"finalizers\":[\"a\",\"b\",\"c\"]}" },
	{ "taken out of a set", "{\"finalizers\":[\"a\",\"b\"]}",
	  "{\"$deleteFromPrimitiveList/finalizers\":[\"a\"]}", "{\"finalizers\":[\"b\"]}" },
	{ "deep inside",
	  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"1\"}]}]}"
	  "}",
	  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"2\"}]}]}"
	  "}",
	  "{\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"X\",\"value\":\"2\"}]}]}"
	  "}" },
	{ "into nothing", "{}", "{\"conditions\":[{\"type\":\"A\"}]}",
	  "{\"conditions\":[{\"type\":\"A\"}]}" },
};

START_TEST(test_strategic)
{
	CS_AUTO_VALUE struct json_object *target = parse(strategics[_i].target);
	CS_AUTO_VALUE struct json_object *before = cs_tree_copy_deep(target);
	CS_AUTO_VALUE struct json_object *patch = parse(strategics[_i].patch);
	CS_AUTO_VALUE struct json_object *result = NULL;
	struct cs_error err;
	ck_assert_int_eq(sim_patch_strategic(target, patch, &result, &err), 0);
	check_equal(result, strategics[_i].result, strategics[_i].what);
	ck_assert(json_object_equal(target, before));
}
END_TEST

START_TEST(test_strategic_refusals)
{
	CS_AUTO_VALUE struct json_object *target = parse("{\"containers\":[{\"name\":\"a\"}]}");
	CS_AUTO_VALUE struct json_object *keyless =
		parse("{\"containers\":[{\"name\":\"a\"},{\"image\":\"i\"}]}");
	CS_AUTO_VALUE struct json_object *list = parse("[1]");
	struct json_object *result = NULL;
	struct cs_error err;
	ck_assert_int_eq(sim_patch_strategic(target, keyless, &result, &err), -EINVAL);
	ck_assert_str_eq(err.text, "map: does not contain declared merge key: name");
	ck_assert_int_eq(sim_patch_strategic(target, list, &result, &err), -EINVAL);
	ck_assert_ptr_null(result);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim patch");
	TCase *tests = tcase_create("patch");
	tcase_add_loop_test(tests, test_merge, 0, CS_ARRAY_LENGTH(merges));
	tcase_add_loop_test(tests, test_strategic, 0, CS_ARRAY_LENGTH(strategics));
	tcase_add_test(tests, test_strategic_refusals);
	suite_add_tcase(suite, tests);
	return suite;
}
