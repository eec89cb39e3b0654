// Arguments of plugins: what is read, and the words for what is not. Neighbours:
// lib/plugins/args.h.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/plugins/list.h>

static const struct cs_plugin *find(const char *name)
{
	for (const struct cs_plugin *const *plugin = cs_plugins; *plugin; plugin++) {
		if (strcmp((*plugin)->name, name) == 0)
			return *plugin;
	}
	ck_abort_msg("no plugin %s", name);
}

struct bad {
	const char *plugin;
	const char *args;
	const char *words;
};

static const struct bad bad[] = {
	{ "NodeResourcesFit", "[]", "expected an object, got a list" },
	{ "NodeResourcesFit", "{\"ignored\":[]}", "ignored: unknown field" },
	{ "NodeResourcesFit", "{\"kind\":\"X\"}", "kind: \"X\" is not \"NodeResourcesFitArgs\"" },
	{ "NodeResourcesFit", "{\"ignoredResources\":{}}",
	  "ignoredResources: expected a list, got an object" },
	{ "NodeResourcesFit", "{\"ignoredResourceGroups\":[1]}",
	  "ignoredResourceGroups[0]: expected a string, got an integer" },
	{ "NodeResourcesFit", "{\"ignoredResources\":[\"x.y/z\",\"a b\"]}",
	  "ignoredResources[1]: not a name as labels have: \"a b\"" },
	{ "NodeResourcesFit", "{\"scoringStrategy\":1}",
	  "scoringStrategy: expected an object, got an integer" },
	{ "NodeResourcesFit", "{\"scoringStrategy\":{\"kind\":\"x\"}}",
	  "scoringStrategy.kind: unknown field" },
	{ "NodeResourcesFit", "{\"scoringStrategy\":{\"type\":\"MostAllocated\"}}",
	  "scoringStrategy.type: \"MostAllocated\" is not supported by this version, which knows "
	  "\"LeastAllocated\"" },
	{ "NodeResourcesFit", "{\"scoringStrategy\":{}}", "scoringStrategy.type: required" },
	{ "NodeResourcesFit", "{\"scoringStrategy\":{\"type\":1}}",
	  "scoringStrategy.type: expected a string, got an integer" },
	{ "NodeResourcesFit",
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"requestedToCapacityRatio\":{}}}",
	  "scoringStrategy.requestedToCapacityRatio: only with type \"RequestedToCapacityRatio\"" },
	{ "NodeResourcesFit", "{\"ignoredResourceGroups\":[\"example.com/a\"]}",
	  "ignoredResourceGroups[0]: a group has no '/'" },
	{ "NodeResourcesBalancedAllocation",
	  "{\"resources\":[{\"name\":\"cpu\"},{\"name\":\"memory\"},{\"name\":\"cpu\"}]}",
	  "resources[2].name: \"cpu\" is listed twice" },
	{ "NodeAffinity", "{\"addedAffinity\":{}}",
	  "addedAffinity: not supported by this version" },
	{ "NodeAffinity", "{\"x\":1}", "x: unknown field" },
	{ "InterPodAffinity", "{\"hardPodAffinityWeight\":2}",
	  "hardPodAffinityWeight: this version knows 1 only" },
	{ "InterPodAffinity", "{\"hardPodAffinityWeight\":\"1\"}",
	  "hardPodAffinityWeight: expected an integer, got a string" },
	{ "InterPodAffinity", "{\"ignorePreferredTermsOfExistingPods\":true}",
	  "ignorePreferredTermsOfExistingPods: this version knows false only" },
	{ "NodeResourcesFit",
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"weight\":1}]}}",
	  "scoringStrategy.resources[0].name: a resource needs a name" },
	{ "NodeResourcesFit",
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":\"cpu\"},"
	  "{\"name\":\"memory\",\"weight\":101}]}}",
	  "scoringStrategy.resources[1].weight: resource weight of memory not in valid range [1, "
	  "100]" },
	{ "NodeResourcesFit",
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":\"cpu\","
	  "\"weight\":\"1\"}]}}",
	  "scoringStrategy.resources[0].weight: expected an integer, got a string" },
	{ "NodeResourcesBalancedAllocation", "{\"resources\":[{\"name\":\"cpu\",\"weight\":2}]}",
	  "resources[0].weight: resource weight of cpu not in valid range [1, 1]" },
};

START_TEST(test_bad_arguments)
{
	const struct bad *row = &bad[_i];
	struct cs_error err = { 0 };
	CS_AUTO_VALUE struct json_object *args = NULL;
	ck_assert_int_eq(cs_value_read_json(cs_slice_of(row->args), &args, &err), 0);
	void *made = NULL;
	ck_assert_int_lt(find(row->plugin)->configure(args, &made, &err), 0);
	ck_assert_str_eq(err.text, row->words);
	ck_assert_ptr_null(made);
}
END_TEST

static const struct bad good[] = {
	{ "NodeResourcesFit", NULL, NULL },
	{ "NodeResourcesFit",
	  "{\"apiVersion\":\"kubescheduler.config.k8s.io/v1\",\"kind\":\"NodeResourcesFitArgs\","
	  "\"ignoredResources\":[\"example.com/a\"],\"ignoredResourceGroups\":[\"example.org\"],"
	  "\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":\"cpu\","
	  "\"weight\":0},{\"name\":\"nvidia.com/gpu\",\"weight\":100}]}}",
	  NULL },
	{ "NodeResourcesBalancedAllocation", NULL, NULL },
	{ "NodeResourcesBalancedAllocation", "{\"resources\":[{\"name\":\"cpu\"}]}", NULL },
	{ "NodeAffinity", NULL, NULL },
	{ "NodeAffinity", "{\"kind\":\"NodeAffinityArgs\",\"addedAffinity\":null}", NULL },
	{ "InterPodAffinity",
	  "{\"hardPodAffinityWeight\":1,\"ignorePreferredTermsOfExistingPods\":false}", NULL },
};

START_TEST(test_good_arguments)
{
	const struct cs_plugin *plugin = find(good[_i].plugin);
	struct cs_error err = { 0 };
	CS_AUTO_VALUE struct json_object *args = NULL;
	if (good[_i].args)
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(good[_i].args), &args, &err), 0);
	void *made = NULL;
	ck_assert_msg(plugin->configure(args, &made, &err) == 0, "%s", err.text);
	plugin->free_args(made);
}
END_TEST

START_TEST(test_every_argument_is_described)
{
	for (const struct cs_plugin *const *plugin = cs_plugins; *plugin; plugin++) {
		ck_assert_int_eq((*plugin)->configure != NULL, (*plugin)->arguments != NULL);
		ck_assert_int_eq((*plugin)->configure != NULL, (*plugin)->free_args != NULL);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/args");
	TCase *tcase = tcase_create("args");
	tcase_add_loop_test(tcase, test_bad_arguments, 0, (int)CS_ARRAY_LENGTH(bad));
	tcase_add_loop_test(tcase, test_good_arguments, 0, (int)CS_ARRAY_LENGTH(good));
	tcase_add_test(tcase, test_every_argument_is_described);
	suite_add_tcase(suite, tcase);
	return suite;
}
