// Arguments of plugins: what is read, and the words for what is not. Neighbours:
// lib/plugins/args.h.
#include "../check_main.h"

#include <errno.h>

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

#define STRATEGY(members) "{\"scoringStrategy\":{" members "}}"
#define SHAPE(points)                                     \
	STRATEGY("\"type\":\"RequestedToCapacityRatio\"," \
		 "\"requestedToCapacityRatio\":{\"shape\":[" points "]}")
#define LEAST "\"type\":\"LeastAllocated\""
#define STRATEGIES \
	"supported values: \"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\""

#define ZONE_HARD "{\"maxSkew\":1,\"topologyKey\":\"zone\",\"whenUnsatisfiable\":\"DoNotSchedule\"}"
#define ZONE_SOFT \
	"{\"maxSkew\":2,\"topologyKey\":\"zone\",\"whenUnsatisfiable\":\"ScheduleAnyway\"}"
#define DEFAULTS(list) "{\"defaultConstraints\":[" list "]}"
#define LIST_OF(list)  "{\"defaultingType\":\"List\",\"defaultConstraints\":[" list "]}"

struct row {
	const char *plugin;
	const char *args;
	const char *words; // of wrong arguments: the errors, a line each
};

static const struct row bad[] = {
	{ "NodeResourcesFit", "[]", "expected an object, got a list" },
	{ "NodeResourcesFit", "{\"ignored\":[]}", "ignored: unknown field" },
	{ "NodeResourcesFit", "{\"ignoredResources\":{}}",
	  "ignoredResources: expected a list, got an object" },
	{ "NodeResourcesFit", "{\"ignoredResourceGroups\":[1]}",
	  "ignoredResourceGroups[0]: expected a string, got an integer" },
	{ "NodeResourcesFit", "{\"ignoredResources\":[\"x.y/z\",\"a b\"]}",
	  "ignoredResources[1]: Invalid value: \"a b\": name part must consist of alphanumeric "
	  "characters, '-', '_' or '.', and must start and end with an alphanumeric character "
	  "(e.g. "
	  "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
	  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')" },
	{ "NodeResourcesFit", "{\"ignoredResourceGroups\":[\"example.com/a\"]}",
	  "ignoredResourceGroups[0]: Invalid value: \"example.com/a\": resource group name can't "
	  "contain '/'" },
	{ "NodeResourcesFit", "{\"scoringStrategy\":1}",
	  "scoringStrategy: expected an object, got an integer" },
	{ "NodeResourcesFit", STRATEGY("\"kind\":\"x\""),
	  "scoringStrategy.kind: unknown field\nscoringStrategy.type: Unsupported value: \"\": " STRATEGIES },
	{ "NodeResourcesFit", STRATEGY("\"type\":\"Best\",\"requestedToCapacityRatio\":{}"),
	  "scoringStrategy.type: Unsupported value: \"Best\": " STRATEGIES "\n"
	  "scoringStrategy.requestedToCapacityRatio: Forbidden: must be nil when type is not "
	  "RequestedToCapacityRatio" },
	{ "NodeResourcesFit", STRATEGY(""),
	  "scoringStrategy.type: Unsupported value: \"\": " STRATEGIES },
	{ "NodeResourcesFit", "{\"ignoredResourceGroups\":[\"\"]}",
	  "ignoredResourceGroups[0]: Invalid value: \"\": name part must be non-empty\n"
	  "ignoredResourceGroups[0]: Invalid value: \"\": name part must consist of alphanumeric "
	  "characters, '-', '_' or '.', and must start and end with an alphanumeric character "
	  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
	  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')" },
	{ "NodeResourcesFit", STRATEGY("\"type\":1"),
	  "scoringStrategy.type: expected a string, got an integer" },
	{ "NodeResourcesFit", STRATEGY(LEAST ",\"requestedToCapacityRatio\":{}"),
	  "scoringStrategy.requestedToCapacityRatio: Forbidden: must be nil when type is not "
	  "RequestedToCapacityRatio" },
	{ "NodeResourcesFit", STRATEGY("\"type\":\"RequestedToCapacityRatio\""),
	  "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type "
	  "is RequestedToCapacityRatio" },
	{ "NodeResourcesFit", SHAPE(""),
	  "scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must "
	  "be specified" },
	{ "NodeResourcesFit",
	  SHAPE("{\"utilization\":10,\"score\":11},{\"utilization\":10},{\"utilization\":101,"
		"\"score\":-1}"),
	  "scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 10: "
	  "values "
	  "must be sorted in increasing order\n"
	  "scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in "
	  "valid "
	  "range [0, 10]\n"
	  "scoringStrategy.requestedToCapacityRatio.shape[2].utilization: Invalid value: 101: not "
	  "in valid range [0, 100]\n"
	  "scoringStrategy.requestedToCapacityRatio.shape[2].score: Invalid value: -1: not in "
	  "valid "
	  "range [0, 10]" },
	{ "NodeResourcesFit", SHAPE("{\"utilization\":-1}"),
	  "scoringStrategy.requestedToCapacityRatio.shape[0].utilization: Invalid value: -1: not "
	  "in "
	  "valid range [0, 100]" },
	{ "NodeResourcesFit", STRATEGY(LEAST ",\"resources\":[{\"weight\":1}]"),
	  "scoringStrategy.resources[0].name: Required value" },
	{ "NodeResourcesFit",
	  STRATEGY(LEAST ",\"resources\":[{\"name\":\"cpu\",\"weight\":-1},{\"name\":\"memory\","
			 "\"weight\":101}]"),
	  "scoringStrategy.resources[0].weight: Invalid value: -1: resource weight of cpu not in "
	  "valid range (0, 100]\n"
	  "scoringStrategy.resources[1].weight: Invalid value: 101: resource weight of memory not "
	  "in valid range (0, 100]" },
	{ "NodeResourcesFit",
	  STRATEGY(LEAST ",\"resources\":[{\"name\":\"cpu\",\"weight\":\"1\"}]"),
	  "scoringStrategy.resources[0].weight: expected an integer, got a string" },
	{ "NodeResourcesBalancedAllocation",
	  "{\"resources\":[{\"name\":\"cpu\"},{\"name\":\"memory\",\"weight\":2},{\"name\":\"cpu\"}"
	  "]}",
	  "resources[1].weight: Invalid value: 2: must be 1\n"
	  "resources[2].name: Duplicate value: \"cpu\"" },
	{ "NodeAffinity", "{\"x\":1}", "x: unknown field" },
	{ "PodTopologySpread", "{\"defaultingType\":\"Some\"}",
	  "defaultingType: Unsupported value: \"Some\": supported values: \"System\", \"List\"" },
	{ "PodTopologySpread", DEFAULTS(ZONE_HARD),
	  "defaultingType: Invalid value: \"System\": when .defaultConstraints are not empty" },
	{ "PodTopologySpread", LIST_OF("{}"),
	  "defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)\n"
	  "defaultConstraints[0].topologyKey: Required value: can not be empty\n"
	  "defaultConstraints[0].whenUnsatisfiable: Required value: can not be empty" },
	{ "PodTopologySpread",
	  LIST_OF("{\"maxSkew\":-1,\"topologyKey\":\"a b\",\"whenUnsatisfiable\":\"Never\","
		  "\"labelSelector\":{}}"),
	  "defaultConstraints[0].maxSkew: Invalid value: -1: not in valid range (0, inf)\n"
	  "defaultConstraints[0].topologyKey: Invalid value: \"a b\": name part must consist of "
	  "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
	  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
	  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')\n"
	  "defaultConstraints[0].whenUnsatisfiable: Unsupported value: \"Never\": supported "
	  "values: \"DoNotSchedule\", \"ScheduleAnyway\"\n"
	  "defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, "
	  "as they deduced for each pod" },
	{ "PodTopologySpread", LIST_OF(ZONE_HARD "," ZONE_SOFT "," ZONE_HARD),
	  "defaultConstraints[2]: Duplicate value: \"{zone, DoNotSchedule}\"" },
	{ "PodTopologySpread",
	  LIST_OF("{\"maxSkew\":2147483648,\"topologyKey\":\"a\",\"minDomains\":\"1\","
		  "\"whenUnsatisfiable\":\"ScheduleAnyway\",\"namespaces\":[]}"),
	  "defaultConstraints[0].minDomains: expected an integer, got a string\n"
	  "defaultConstraints[0].namespaces: unknown field\n"
	  "defaultConstraints[0].maxSkew: Invalid value: 2147483648: not in valid range (0, inf)" },
	{ "InterPodAffinity", "{\"hardPodAffinityWeight\":\"1\"}",
	  "hardPodAffinityWeight: expected an integer, got a string" },
};

START_TEST(test_bad_arguments)
{
	const struct row *row = &bad[_i];
	struct cs_error err = { 0 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	CS_AUTO_VALUE struct json_object *args = NULL;
	ck_assert_int_eq(cs_value_read_json(cs_slice_of(row->args), &args, &err), 0);
	void *made = NULL;
	ck_assert_int_eq(find(row->plugin)->configure(args, &made, &errors), -EINVAL);
	ck_assert_ptr_null(made);
	CS_AUTO_BUFFER struct cs_buffer lines;
	cs_buffer_init(&lines, 1 << 16);
	for (uint32_t i = 0; i < errors.count; i++)
		cs_buffer_printf(&lines, "%s%s", i ? "\n" : "", errors.list[i]);
	ck_assert_str_eq(lines.data, row->words);
}
END_TEST

#define CPU_MEMORY \
	"\"resources\":[{\"name\":\"cpu\",\"weight\":1},{\"name\":\"memory\",\"weight\":1}]"

// The words are what is in force.
static const struct row good[] = {
	{ "NodeResourcesFit", NULL, STRATEGY(LEAST "," CPU_MEMORY) },
	{ "NodeResourcesFit", "{\"scoringStrategy\":null}", STRATEGY(LEAST "," CPU_MEMORY) },
	{ "NodeResourcesFit", STRATEGY("\"type\":\"MostAllocated\",\"resources\":[]"),
	  STRATEGY("\"type\":\"MostAllocated\"," CPU_MEMORY) },
	{ "NodeResourcesFit",
	  "{\"ignoredResources\":[\"example.com/a\"],\"ignoredResourceGroups\":[\"example.org\"],"
	  "\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":\"cpu\","
	  "\"weight\":0},{\"name\":\"nvidia.com/gpu\",\"weight\":100}]}}",
	  "{\"ignoredResources\":[\"example.com/a\"],\"ignoredResourceGroups\":[\"example.org\"],"
	  "\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":\"cpu\","
	  "\"weight\":1},{\"name\":\"nvidia.com/gpu\",\"weight\":100}]}}" },
	{ "NodeResourcesFit", SHAPE("{\"utilization\":0},{\"utilization\":100,\"score\":10}"),
	  STRATEGY("\"type\":\"RequestedToCapacityRatio\"," CPU_MEMORY
		   ",\"requestedToCapacityRatio\":{\"shape\":[{\"utilization\":0,\"score\":0},"
		   "{\"utilization\":100,\"score\":10}]}") },
	{ "PodTopologySpread", NULL, "{\"defaultingType\":\"System\"}" },
	{ "PodTopologySpread", "{\"defaultingType\":\"\",\"defaultConstraints\":[]}",
	  "{\"defaultingType\":\"System\"}" },
	{ "PodTopologySpread", "{\"defaultingType\":\"List\"}", LIST_OF("") },
	{ "PodTopologySpread", LIST_OF(ZONE_HARD "," ZONE_SOFT), LIST_OF(ZONE_HARD "," ZONE_SOFT) },
	{ "PodTopologySpread",
	  LIST_OF("{\"topologyKey\":\"a.b/c\",\"maxSkew\":2147483647,\"matchLabelKeys\":[\"x\"],"
		  "\"whenUnsatisfiable\":\"ScheduleAnyway\",\"minDomains\":-3,"
		  "\"nodeTaintsPolicy\":\"Honor\",\"nodeAffinityPolicy\":\"Ignore\","
		  "\"labelSelector\":null}"),
	  LIST_OF("{\"maxSkew\":2147483647,\"topologyKey\":\"a.b/c\",\"whenUnsatisfiable\":"
		  "\"ScheduleAnyway\",\"minDomains\":-3,\"nodeAffinityPolicy\":\"Ignore\","
		  "\"nodeTaintsPolicy\":\"Honor\",\"matchLabelKeys\":[\"x\"]}") },
	{ "NodeResourcesBalancedAllocation", NULL, "{" CPU_MEMORY "}" },
	{ "NodeResourcesBalancedAllocation", "{\"resources\":[{\"name\":\"cpu\"}]}",
	  "{\"resources\":[{\"name\":\"cpu\",\"weight\":1}]}" },
};

// What write_args says; the caller frees it.
static char *written(const struct cs_plugin *plugin, const void *args)
{
	struct cs_buffer out;
	struct cs_json_writer json;
	cs_buffer_init(&out, 1 << 16);
	cs_json_init(&json, &out);
	cs_json_object_begin(&json);
	plugin->write_args(args, &json);
	cs_json_object_end(&json);
	return cs_buffer_take(&out);
}

// Reads `text` (NULL = nothing given) and returns what is in force.
static char *in_force(const struct cs_plugin *plugin, const char *text)
{
	struct cs_error err = { 0 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	CS_AUTO_VALUE struct json_object *args = NULL;
	void *made = NULL;
	if (text)
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(text), &args, &err), 0);
	int r = plugin->configure(args, &made, &errors);
	ck_assert_msg(r == 0, "%s", errors.count ? errors.list[0] : "no words");
	char *out = written(plugin, made);
	plugin->free_args(made);
	return out;
}

START_TEST(test_good_arguments)
{
	CS_AUTO_FREE char *out = in_force(find(good[_i].plugin), good[_i].args);
	ck_assert_str_eq(out, good[_i].words);
}
END_TEST

START_TEST(test_what_is_in_force_reads_back)
{
	const struct cs_plugin *plugin = find(good[_i].plugin);
	CS_AUTO_FREE char *once = in_force(plugin, good[_i].args);
	CS_AUTO_FREE char *twice = in_force(plugin, once);
	ck_assert_str_eq(once, twice);
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
	tcase_add_loop_test(tcase, test_what_is_in_force_reads_back, 0, (int)CS_ARRAY_LENGTH(good));
	tcase_add_test(tcase, test_every_argument_is_described);
	suite_add_tcase(suite, tcase);
	return suite;
}
