// Merging plugins: defaults, multiPoint, explicit points, weights, arguments.
// Neighbours: lib/framework/profile.c; rules in upstream's apis/config and framework/runtime.
#include <csched/framework/profile.h>

#include <errno.h>
#include <string.h>

#include "../check_main.h"
#include "fixture.h"

// Plugins that work where their names say, for the order of lists.
static enum cs_prepare go(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)cycle;
	(void)self;
	return CS_PREPARE_GO;
}

static void accept_all(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		       struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)cycle;
	(void)self;
	memset(verdict + rows.first, CS_VERDICT_FITS, rows.end - rows.first);
}

static void score_none(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		       struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	(void)self;
	memset(out + rows.first, 0, (rows.end - rows.first) * sizeof(*out));
}

static const struct cs_plugin a_filter = { .name = "AFilter", .filter = accept_all };
static const struct cs_plugin both = {
	.name = "Both",
	.filter = accept_all,
	.score = score_none,
	.default_weight = 3,
};
static const struct cs_plugin c_score = {
	.name = "CScore",
	.score = score_none,
	.default_weight = 2,
};
static const struct cs_plugin d_score = { .name = "DScore", .score = score_none };
static const struct cs_plugin pair = {
	.name = "Pair",
	.prepare_filter = go,
	.filter = accept_all,
	.prepare_score = go,
	.score = score_none,
};

static const struct cs_plugin *const plugins[] = {
	&toy_sort, &a_filter, &both, &c_score, &d_score, &pair, &toy_options, &toy_bind, NULL,
};
static const struct cs_plugin with_load = {
	.name = "WithLoad",
	.by_default = CS_PLUGIN_WITH_LOAD,
	.score = score_none,
	.default_weight = 4,
};

static void remember(struct cs_cluster *cluster, struct cs_plugin_instance *self,
		     const struct cs_pod *pod, uint32_t row)
{
	(void)cluster;
	(void)self;
	(void)pod;
	(void)row;
}

static const struct cs_plugin in_turn = {
	.name = "InTurn",
	.by_default = CS_PLUGIN_NAMED,
	.score = score_none,
	.reserve = remember,
};
static const struct cs_plugin *const loads[] = { &toy_sort, &c_score,  &with_load,
						 &in_turn,  &toy_bind, NULL };
static const struct cs_plugin *const two_binders[] = { &toy_sort, &a_filter, &toy_bind, &toy_bind2,
						       NULL };
static const struct cs_plugin *const no_sort[] = { &a_filter, &toy_bind, NULL };
static const struct cs_plugin *const two_sorts[] = { &toy_sort, &toy_sort2, &toy_bind, NULL };
static const struct cs_plugin *const no_binder[] = { &toy_sort, &a_filter, NULL };

static int read_plugins(const struct cs_plugin *const *all, const char *text,
			struct cs_config **ret, struct cs_error *err)
{
	CS_AUTO_FREE char *yaml = cs_asprintf("apiVersion: kubescheduler.config.k8s.io/v1\n"
					      "kind: KubeSchedulerConfiguration\n"
					      "profiles:\n- {schedulerName: s, %s}\n",
					      text);
	*ret = NULL;
	return cs_config_read("c", cs_slice_of(yaml), all, ret, err);
}

// "AFilter Both=3": the names, and weights where asked.
static const char *names(struct cs_arena *arena, struct cs_plugin_instance *const *list, uint32_t n,
			 bool weights)
{
	const char *text = "";
	for (uint32_t i = 0; i < n; i++) {
		text = cs_arena_printf(arena, "%s%s%s", text, i ? " " : "", list[i]->plugin->name);
		if (weights)
			text = cs_arena_printf(arena, "%s=%d", text, (int)list[i]->weight);
	}
	return text;
}

static const struct {
	const char *plugins;
	const char *filter;
	const char *score;
} merges[] = {
	// Defaults, with their weights; 0 counts as 1.
	{ "", "AFilter Both Pair ToyOptions", "Both=3 CScore=2 DScore=1 Pair=1" },
	// Naming a default again keeps its place and takes the weight given, or 1.
	{ "multiPoint: {enabled: [{name: CScore, weight: 7}]}", "AFilter Both Pair ToyOptions",
	  "Both=3 CScore=7 DScore=1 Pair=1" },
	{ "multiPoint: {enabled: [{name: Both}]}", "AFilter Both Pair ToyOptions",
	  "Both=1 CScore=2 DScore=1 Pair=1" },
	// Disabled everywhere, and put at the end where it is enabled again.
	{ "multiPoint: {disabled: [{name: Both}]}", "AFilter Pair ToyOptions",
	  "CScore=2 DScore=1 Pair=1" },
	{ "multiPoint: {disabled: [{name: Both}], enabled: [{name: Both, weight: 4}]}",
	  "AFilter Pair ToyOptions Both", "CScore=2 DScore=1 Pair=1 Both=4" },
	// No defaults.
	{ "multiPoint: {disabled: [{name: '*'}], enabled: [{name: ToySort}, {name: ToyBind}, "
	  "{name: DScore, weight: 2}, {name: Both}]}",
	  "Both", "DScore=2 Both=1" },
	// At one point only.
	{ "score: {disabled: [{name: Both}]}", "AFilter Both Pair ToyOptions",
	  "CScore=2 DScore=1 Pair=1" },
	{ "score: {disabled: [{name: '*'}]}", "AFilter Both Pair ToyOptions", "" },
	{ "score: {disabled: [{name: '*'}], enabled: [{name: DScore, weight: 9}]}",
	  "AFilter Both Pair ToyOptions", "DScore=9" },
	// An explicit point beats multiPoint and goes first, in its own order.
	{ "score: {enabled: [{name: DScore, weight: 5}, {name: Both, weight: 6}]}",
	  "AFilter Both Pair ToyOptions", "DScore=5 Both=6 CScore=2 Pair=1" },
	{ "score: {enabled: [{name: DScore}]}, multiPoint: {enabled: [{name: DScore, weight: 8}]}",
	  "AFilter Both Pair ToyOptions", "DScore=1 Both=3 CScore=2 Pair=1" },
	{ "filter: {enabled: [{name: ToyOptions}]}", "ToyOptions AFilter Both Pair",
	  "Both=3 CScore=2 DScore=1 Pair=1" },
	// Explicit ones that are not in multiPoint come last.
	{ "multiPoint: {disabled: [{name: CScore}]}, score: {enabled: [{name: CScore, weight: 2}, "
	  "{name: Pair, weight: 4}]}",
	  "AFilter Both Pair ToyOptions", "Pair=4 Both=3 DScore=1 CScore=2" },
	// Disabled and enabled at the same point: no override, so last.
	{ "score: {disabled: [{name: Both}], enabled: [{name: Both, weight: 2}]}",
	  "AFilter Both Pair ToyOptions", "CScore=2 DScore=1 Pair=1 Both=2" },
	// What works nowhere any more is not there at all.
	{ "filter: {disabled: [{name: '*'}]}, preFilter: {disabled: [{name: '*'}]}", "",
	  "Both=3 CScore=2 DScore=1 Pair=1" },
};

START_TEST(merged)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_config *config;
	struct cs_error err;
	int r = read_plugins(plugins, cs_arena_printf(arena, "plugins: {%s}", merges[_i].plugins),
			     &config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	const struct cs_profile *profile = config->profiles[0];
	ck_assert_str_eq(names(arena, profile->filter, profile->n_filter, false),
			 merges[_i].filter);
	ck_assert_str_eq(names(arena, profile->score, profile->n_score, true), merges[_i].score);
	ck_assert_uint_eq(config->n_warnings, 0);
	for (uint32_t i = 0; i < profile->n_instances; i++)
		ck_assert_uint_eq(profile->instances[i].index, i);
	cs_config_destroy(config);
}
END_TEST

// Who is no default of kube-scheduler's: named, or (with_load) in the built-in profile.
static const struct {
	const char *text; // NULL: no file
	const char *score;
	const char *reserve;
} named[] = {
	{ NULL, "CScore=2 WithLoad=4", "" },
	{ "", "CScore=2", "" },
	{ "plugins: {multiPoint: {enabled: [{name: WithLoad}]}}", "CScore=2 WithLoad=1", "" },
	{ "plugins: {score: {enabled: [{name: WithLoad, weight: 3}]}}", "CScore=2 WithLoad=3", "" },
	{ "plugins: {multiPoint: {enabled: [{name: InTurn, weight: 5}]}}", "CScore=2 InTurn=5",
	  "InTurn" },
	{ "plugins: {multiPoint: {disabled: [{name: '*'}], enabled: [{name: ToySort}, "
	  "{name: ToyBind}, {name: InTurn}]}}",
	  "InTurn=1", "InTurn" },
};

START_TEST(not_by_default)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_config *config;
	struct cs_error err;
	int r = named[_i].text ? read_plugins(loads, named[_i].text, &config, &err)
			       : cs_config_read("c", (struct cs_slice){ 0 }, loads, &config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	const struct cs_profile *profile = config->profiles[0];
	ck_assert_str_eq(names(arena, profile->score, profile->n_score, true), named[_i].score);
	ck_assert_str_eq(names(arena, profile->reserve, profile->n_reserve, false),
			 named[_i].reserve);
	ck_assert_uint_eq(config->n_warnings, 0);
	cs_config_destroy(config);
}
END_TEST

START_TEST(the_first_binder_binds)
{
	static const struct {
		const char *plugins;
		const char *binder;
	} rows[] = {
		{ "", "ToyBind" },
		{ "plugins: {bind: {enabled: [{name: ToyBind2}]}}", "ToyBind2" },
		{ "plugins: {bind: {disabled: [{name: ToyBind}]}}", "ToyBind2" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		struct cs_config *config;
		struct cs_error err;
		ck_assert_int_eq(read_plugins(two_binders, rows[i].plugins, &config, &err), 0);
		ck_assert_str_eq(config->profiles[0]->bind->plugin->name, rows[i].binder);
		cs_config_destroy(config);
	}
}
END_TEST

#define NOT_IMPLEMENTED(name) \
	"plugin \"" name "\" is not implemented in this version: pods that need it stay Pending"

static const struct {
	const char *text;
	const char *warning;
} warned[] = {
	{ "plugins: {multiPoint: {enabled: [{name: ImageLocality, weight: 2}]}}",
	  "profiles[0].plugins.multiPoint.enabled[0].name: " NOT_IMPLEMENTED("ImageLocality") },
	{ "plugins: {score: {enabled: [{name: PodTopologySpread, weight: 2}]}}",
	  "profiles[0].plugins.score.enabled[0].name: " NOT_IMPLEMENTED("PodTopologySpread") },
	{ "plugins: {postFilter: {enabled: [{name: DefaultPreemption}]}}",
	  "profiles[0].plugins.postFilter.enabled[0].name: " NOT_IMPLEMENTED("DefaultPreemption") },
	{ "pluginConfig: [{name: VolumeBinding, args: {bindTimeoutSeconds: 0}}]",
	  "profiles[0].pluginConfig[0].name: " NOT_IMPLEMENTED("VolumeBinding") },
	{ "pluginConfig: [{name: DefaultPreemption, args: {kind: DefaultPreemptionArgs, "
	  "minCandidateNodesPercentage: 0}}]",
	  "profiles[0].pluginConfig[0].name: " NOT_IMPLEMENTED("DefaultPreemption") },
	{ "pluginConfig: [{name: DynamicResources, args: {filterTimeout: 0s, bindingTimeout: "
	  "10m0s}}]",
	  "profiles[0].pluginConfig[0].name: " NOT_IMPLEMENTED("DynamicResources") },
	{ "pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 3}}]",
	  "profiles[0].pluginConfig[0].name: " NOT_IMPLEMENTED("InterPodAffinity") },
	{ "plugins: {filter: {disabled: [{name: AFilter}, {name: Nope}]}}",
	  "profiles[0].plugins.filter.disabled[1].name has no effect: unknown plugin \"Nope\"" },
	{ "pluginConfig: [{name: Nope}]",
	  "profiles[0].pluginConfig[0].name has no effect: unknown plugin \"Nope\"" },
	{ "pluginConfig: [{name: Both, args: {x: 1}}]",
	  "profiles[0].pluginConfig[0].args has no effect: plugin \"Both\" takes no arguments" },
	{ "plugins: {filter: {disabled: [{name: ToyOptions}]}}, pluginConfig: [{name: ToyOptions, "
	  "args: {size: 2}}]",
	  "profiles[0].pluginConfig[0].args has no effect: plugin \"ToyOptions\" is not enabled in "
	  "this profile" },
};

START_TEST(warnings)
{
	struct cs_config *config;
	struct cs_error err;
	int r = read_plugins(plugins, warned[_i].text, &config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_uint_eq(config->n_warnings, 1);
	ck_assert_str_eq(config->warnings[0], warned[_i].warning);
	cs_config_destroy(config);
}
END_TEST

#define AT(point, list) "plugins: {" point ": {" list "}}"

static const struct {
	const struct cs_plugin *const *plugins;
	const char *text;
	const char *error;
} wrong[] = {
	{ plugins, AT("multiPoint", "enabled: [{name: Nope}]"),
	  "profiles[0].plugins.multiPoint.enabled[0].name: unknown plugin \"Nope\"" },
	{ plugins, AT("filter", "enabled: [{name: '*'}]"),
	  "profiles[0].plugins.filter.enabled[0].name: unknown plugin \"*\"" },
	{ plugins, AT("filter", "enabled: [{weight: 1}]"),
	  "profiles[0].plugins.filter.enabled[0].name: Required value" },
	{ plugins, AT("filter", "disabled: [{}]"),
	  "profiles[0].plugins.filter.disabled[0].name: Required value" },
	{ plugins, AT("score", "enabled: [{name: AFilter}]"),
	  "profiles[0].plugins.score.enabled[0].name: plugin \"AFilter\" does not work at score" },
	{ plugins, AT("filter", "enabled: [{name: ImageLocality}]"),
	  "profiles[0].plugins.filter.enabled[0].name: plugin \"ImageLocality\" does not work at "
	  "filter" },
	{ plugins, AT("score", "enabled: [{name: Both}, {name: Both, weight: 2}]"),
	  "profiles[0].plugins.score.enabled[1].name: plugin \"Both\" is already enabled for "
	  "score" },
	{ plugins, AT("multiPoint", "enabled: [{name: Both}, {name: CScore}, {name: Both}]"),
	  "profiles[0].plugins.multiPoint.enabled[2].name: plugin \"Both\" is already enabled for "
	  "multiPoint" },
	{ plugins, AT("score", "enabled: [{name: Both, weight: -1}]"),
	  "profiles[0].plugins.score.enabled[0].weight: Invalid value: -1: must be a non-negative "
	  "32-bit integer" },
	{ plugins, AT("score", "enabled: [{name: Both, weight: 2147483648}]"),
	  "profiles[0].plugins.score.enabled[0].weight: Invalid value: 2147483648: must be a "
	  "non-negative "
	  "32-bit integer" },
	{ plugins, AT("preFilter", "disabled: [{name: Pair}]"),
	  "profiles[0].plugins.filter: plugin \"Pair\" needs to be enabled for preFilter too" },
	{ plugins, AT("preScore", "disabled: [{name: '*'}]"),
	  "profiles[0].plugins.score: plugin \"Pair\" needs to be enabled for preScore too" },
	{ loads, AT("score", "enabled: [{name: InTurn}]"),
	  "profiles[0].plugins.score: plugin \"InTurn\" needs to be enabled for reserve too" },
	{ no_sort, "",
	  "profiles[0].plugins.queueSort: only one queue sort plugin required for "
	  "profile with scheduler name \"s\", but got 0" },
	{ two_sorts, "",
	  "profiles[0].plugins.queueSort: only one queue sort plugin required for "
	  "profile with scheduler name \"s\", but got 2" },
	{ no_binder, "",
	  "profiles[0].plugins.bind: at least one bind plugin is needed for profile "
	  "with scheduler name \"s\"" },
	{ plugins, AT("bind", "disabled: [{name: '*'}]"),
	  "profiles[0].plugins.bind: at least one bind plugin is needed for profile with scheduler "
	  "name \"s\"" },
	{ plugins, "pluginConfig: [{args: {}}]",
	  "profiles[0].pluginConfig[0].name: Required value" },
	{ plugins, "pluginConfig: [{name: Both}, {name: Both}]",
	  "profiles[0].pluginConfig[1]: Duplicate value: \"Both\"" },
	{ plugins, "pluginConfig: [{name: ToyOptions, args: [1]}]",
	  "profiles[0].pluginConfig[0].args: expected an object" },
	{ plugins, "pluginConfig: [{name: ToyOptions, args: {sizes: 1}}]",
	  "profiles[0].pluginConfig[0].args.sizes: unknown field" },
	{ plugins, "pluginConfig: [{name: ToyOptions, args: {size: 10}}]",
	  "profiles[0].pluginConfig[0].args.size: Invalid value: 10: is no size" },
	{ plugins, "pluginConfig: [{name: ToyOptions, args: {kind: OtherArgs}}]",
	  "profiles[0].pluginConfig[0].args.kind: must be \"ToyOptionsArgs\"" },
	{ plugins, "pluginConfig: [{name: ToyOptions, args: {apiVersion: v1}}]",
	  "profiles[0].pluginConfig[0].args.apiVersion: must be "
	  "\"kubescheduler.config.k8s.io/v1\"" },
	// Plugins that are not implemented: their arguments by kube-scheduler's rules.
	{ plugins, "pluginConfig: [{name: VolumeBinding, args: {bindTimeoutSeconds: -1}}]",
	  "profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid "
	  "BindTimeoutSeconds, should not be a negative value" },
	{ plugins, "pluginConfig: [{name: VolumeBinding, args: {shape: []}}]",
	  "profiles[0].pluginConfig[0].args.shape: Invalid value: []: unexpected field `shape`, "
	  "remove it or turn on the feature gate StorageCapacityScoring" },
	{ plugins,
	  "pluginConfig: [{name: VolumeBinding, args: {shape: [{utilization: 1, score: 2}, {}]}}]",
	  "profiles[0].pluginConfig[0].args.shape: Invalid value: [{\"Utilization\":1,\"Score\":2},"
	  "{\"Utilization\":0,\"Score\":0}]: unexpected field `shape`, remove it or turn on the "
	  "feature gate StorageCapacityScoring" },
	// Plugins of older versions.
	{ plugins, "pluginConfig: [{name: EBSLimits}]",
	  "profiles[0].pluginConfig[0]: Invalid value: \"EBSLimits\": was invalid in version \"v1\" "
	  "(KubeSchedulerConfiguration is version \"kubescheduler.config.k8s.io/v1\")" },
	{ plugins, AT("filter", "enabled: [{name: Both}, {name: GCEPDLimits}]"),
	  "profiles[0].plugins.filter.enabled[1]: Invalid value: \"GCEPDLimits\": was invalid in "
	  "version \"v1\" (KubeSchedulerConfiguration is version "
	  "\"kubescheduler.config.k8s.io/v1\")" },
	{ plugins, AT("multiPoint", "enabled: [{name: CinderLimits}]"),
	  "profiles[0].plugins.multiPoint.enabled[0].name: unknown plugin \"CinderLimits\"" },
	{ plugins,
	  "pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesPercentage: 101}}]",
	  "profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 101: not "
	  "in "
	  "valid range [0, 100]" },
	{ plugins,
	  "pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesAbsolute: -1}}]",
	  "profiles[0].pluginConfig[0].args.minCandidateNodesAbsolute: Invalid value: -1: not in "
	  "valid range [0, inf)" },
	{ plugins,
	  "pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesPercentage: 0, "
	  "minCandidateNodesAbsolute: 0}}]",
	  "profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 0: cannot "
	  "be zero at the same time as minCandidateNodesAbsolute" },
	{ plugins, "pluginConfig: [{name: DynamicResources, args: {filterTimeout: -1s}}]",
	  "profiles[0].pluginConfig[0].args.filterTimeout: Invalid value: \"-1s\": must be zero or "
	  "positive" },
	{ plugins, "pluginConfig: [{name: DynamicResources, args: {bindingTimeout: 999ms}}]",
	  "profiles[0].pluginConfig[0].args.bindingTimeout: Invalid value: \"999ms\": must be at "
	  "least 1 "
	  "second" },
	{ plugins, "pluginConfig: [{name: DynamicResources, args: {timeout: 1s}}]",
	  "profiles[0].pluginConfig[0].args.timeout: unknown field" },
};

START_TEST(errors)
{
	struct cs_config *config;
	struct cs_error err = { 0 };
	ck_assert_int_lt(read_plugins(wrong[_i].plugins, wrong[_i].text, &config, &err), 0);
	ck_assert_ptr_null(config);
	CS_AUTO_FREE char *expected = cs_asprintf("c: %s", wrong[_i].error);
	ck_assert_str_eq(err.text, expected);
}
END_TEST

static int64_t size_of(const struct cs_config *config)
{
	const struct cs_profile *profile = config->profiles[0];
	for (uint32_t i = 0; i < profile->n_instances; i++)
		if (profile->instances[i].plugin == &toy_options)
			return ((struct toy_options *)profile->instances[i].args)->size;
	return -1;
}

START_TEST(arguments_reach_the_plugin)
{
	static const struct {
		const char *text;
		int64_t size;
	} rows[] = {
		{ "", 5 },
		{ "pluginConfig: [{name: ToyOptions}]", 5 },
		{ "pluginConfig: [{name: ToyOptions, args: {}}]", 5 },
		{ "pluginConfig: [{name: ToyOptions, args: {size: 7}}]", 7 },
		{ "pluginConfig: [{name: ToyOptions, args: {apiVersion: "
		  "kubescheduler.config.k8s.io/v1, kind: ToyOptionsArgs, size: 2}}]",
		  2 },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		struct cs_config *config;
		struct cs_error err;
		int r = read_plugins(plugins, rows[i].text, &config, &err);
		ck_assert_msg(r == 0, "%s", err.text);
		ck_assert_int_eq(size_of(config), rows[i].size);
		cs_config_destroy(config);
	}
}
END_TEST

START_TEST(two_profiles_have_instances_of_their_own)
{
	struct cs_config *config = toy_config(
		"apiVersion: kubescheduler.config.k8s.io/v1\n"
		"kind: KubeSchedulerConfiguration\n"
		"profiles:\n"
		"- {schedulerName: a, pluginConfig: [{name: ToyOptions, args: {size: 1}}]}\n"
		"- {schedulerName: b}\n",
		plugins);
	ck_assert_int_eq(size_of(config), 1);
	ck_assert_ptr_ne(config->profiles[0]->instances, config->profiles[1]->instances);
	cs_config_destroy(config);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("profile");
	TCase *tcase = tcase_create("profile");
	tcase_add_loop_test(tcase, merged, 0, CS_ARRAY_LENGTH(merges));
	tcase_add_loop_test(tcase, not_by_default, 0, CS_ARRAY_LENGTH(named));
	tcase_add_test(tcase, the_first_binder_binds);
	tcase_add_loop_test(tcase, warnings, 0, CS_ARRAY_LENGTH(warned));
	tcase_add_loop_test(tcase, errors, 0, CS_ARRAY_LENGTH(wrong));
	tcase_add_test(tcase, arguments_reach_the_plugin);
	tcase_add_test(tcase, two_profiles_have_instances_of_their_own);
	suite_add_tcase(suite, tcase);
	return suite;
}
