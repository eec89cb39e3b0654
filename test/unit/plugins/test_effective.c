// The configuration in force with the real plugins: printed, read again, printed again.
// Neighbours: lib/framework/config_write.c, every plugin's write_args.
#include <csched/framework/config.h>

#include "../check_main.h"
#include <csched/base/memory.h>
#include <csched/framework/profile.h>
#include <csched/plugins/list.h>

#define HEAD "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

static struct cs_config *read_config(const char *text)
{
	struct cs_config *config = NULL;
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_slice slice = text ? cs_slice_of(text) : (struct cs_slice){ 0 };
	int r = cs_config_read_all(slice, cs_plugins, &config, &errors);
	ck_assert_msg(r == 0, "%s\n%s", errors.count ? errors.list[0] : "", text);
	return config;
}

static char *print(const struct cs_config *config)
{
	struct cs_buffer out;
	cs_buffer_init(&out, 1 << 20);
	ck_assert_int_eq(cs_config_print(config, &out), 0);
	return cs_buffer_take(&out);
}

static const char *const texts[] = {
	NULL,
	HEAD "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {score: {disabled: "
	     "[{name: '*'}]}}}]\n",
	HEAD "profiles:\n"
	     "- schedulerName: a\n"
	     "  pluginConfig:\n"
	     "  - name: NodeResourcesFit\n"
	     "    args:\n"
	     "      ignoredResources: [example.com/a]\n"
	     "      ignoredResourceGroups: [example.org]\n"
	     "      scoringStrategy:\n"
	     "        type: RequestedToCapacityRatio\n"
	     "        resources: [{name: cpu}, {name: nvidia.com/gpu, weight: 5}]\n"
	     "        requestedToCapacityRatio:\n"
	     "          shape: [{utilization: 0, score: 10}, {utilization: 100, score: 0}]\n"
	     "  - name: NodeResourcesBalancedAllocation\n"
	     "    args: {resources: [{name: cpu}, {name: memory}, {name: nvidia.com/gpu}]}\n"
	     "  plugins:\n"
	     "    multiPoint: {enabled: [{name: NodeAffinity, weight: 9}]}\n"
	     "    score: {enabled: [{name: NodeResourcesFit, weight: 3}]}\n"
	     "    filter: {disabled: [{name: NodeName}]}\n",
	HEAD "profiles:\n"
	     "- schedulerName: a\n"
	     "  plugins: {multiPoint: {enabled: [{name: LeastLoad}, {name: LeastConnections}, "
	     "{name: LeastResponseTime}, {name: MinimumDistance}, {name: MinimumLatency}, {name: "
	     "RoundRobin}, {name: Random, weight: 100}]}}\n"
	     "  pluginConfig:\n"
	     "  - {name: LeastLoad, args: {resources: [{name: cpu, threshold: 85}, {name: gpu, "
	     "weight: 3}]}}\n"
	     "  - {name: LeastConnections, args: {bias: 0.5, deadband: 0, threshold: 85}}\n"
	     "  - {name: LeastResponseTime, args: {threshold: 1500ms, decay: 90s, slowStart: 0s}}\n"
	     "  - {name: MinimumDistance, args: {levels: [{topologyKey: example.com/row, distance: "
	     "0}], threshold: 30}}\n"
	     "  - {name: MinimumLatency, args: {floor: 50us, threshold: 5ms}}\n"
	     "  - {name: Random, args: {seed: -5}}\n",
	HEAD "profiles:\n"
	     "- schedulerName: a\n"
	     "---\n"
	     "apiVersion: config.c-sched.io/v1alpha1\n"
	     "kind: LoadConfiguration\n"
	     "sources: [{name: notes, type: NodeAnnotations, metrics: [cpu, memory]}]\n",
};

START_TEST(reads_back)
{
	struct cs_config *config = read_config(texts[_i]);
	CS_AUTO_FREE char *once = print(config);
	struct cs_config *again = read_config(once);
	CS_AUTO_FREE char *twice = print(again);
	ck_assert_str_eq(once, twice);
	ck_assert_uint_eq(again->n_profiles, config->n_profiles);
	for (uint32_t i = 0; i < config->n_profiles; i++)
		ck_assert_uint_eq(again->profiles[i]->n_instances,
				  config->profiles[i]->n_instances);
	cs_config_destroy(config);
	cs_config_destroy(again);
}
END_TEST

START_TEST(every_plugin_with_arguments_tells_them)
{
	for (const struct cs_plugin *const *plugin = cs_plugins; *plugin; plugin++)
		ck_assert_msg(!(*plugin)->configure == !(*plugin)->write_args, "%s",
			      (*plugin)->name);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/effective");
	TCase *tcase = tcase_create("effective");
	tcase_add_loop_test(tcase, reads_back, 0, CS_ARRAY_LENGTH(texts));
	tcase_add_test(tcase, every_plugin_with_arguments_tells_them);
	suite_add_tcase(suite, tcase);
	return suite;
}
