// What is said of metrics that plugins go by and no source has, and of those that no plugin goes
// by. Neighbours: lib/framework/metric_uses.c; the plugins tell by their callback `uses`.
#include <csched/base/memory.h>
#include <csched/framework/config.h>
#include <csched/framework/errors.h>
#include <csched/plugins/list.h>

#include "../check_main.h"

#define PROFILE(enabled, config)                                                          \
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"  \
	"profiles: [{schedulerName: x, plugins: {multiPoint: {enabled: [" enabled "]}}, " \
	"pluginConfig: [" config "]}]\n"
#define LOAD(metrics, queries)                                                                     \
	"---\napiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\nmetrics: [" metrics \
	"]\nsources: [{name: p, type: Prometheus, url: 'http://p', queries: [" queries "]}]\n"
#define QUERY(metric)       "{metric: " metric ", query: q}"
#define LEAST_LOAD(metrics) "{name: LeastLoad, args: {resources: [" metrics "]}}"
#define AT_RESOURCE         "profiles[0].pluginConfig[0].args.resources"

static const struct {
	const char *text;
	const char *words[3]; // in order; an error where it begins with '!'
} cases[] = {
	// defaults that find nothing are no mistake of who wrote the file
	{ PROFILE("", "") LOAD("", QUERY("cpu")), { NULL } },
	{ PROFILE("", "") LOAD("", QUERY("cpu") "," QUERY("connections")), { NULL } },
	{ PROFILE("{name: LeastLoad}", "") LOAD("", QUERY("cpu")),
	  { "profiles[0]: plugin \"LeastLoad\" goes without \"memory\": no source of the "
	    "LoadConfiguration has it" } },
	{ PROFILE("", LEAST_LOAD("{name: memory}")) LOAD("", QUERY("memory") "," QUERY("cpu")),
	  { "LoadConfiguration.sources[0].queries[1].metric: no plugin of any profile goes by "
	    "\"cpu\"" } },
	{ PROFILE("", LEAST_LOAD("{name: cpu}, {name: memory}")) LOAD("", QUERY("cpu")),
	  { AT_RESOURCE "[1].name: plugin \"LeastLoad\" goes without \"memory\": no source of the "
			"LoadConfiguration has it" } },
	{ PROFILE("", LEAST_LOAD("{name: heat}")) LOAD("", QUERY("cpu")),
	  { "!" AT_RESOURCE "[0].name: Not found: \"heat\" is no metric of the "
	    "LoadConfiguration" } },
	// declared, but nobody measures it
	{ PROFILE("", LEAST_LOAD("{name: cpu}, {name: heat}"))
		  LOAD("{name: heat, kind: Level, max: 90}", QUERY("cpu")),
	  { AT_RESOURCE "[1].name: plugin \"LeastLoad\" goes without \"heat\": no source of the "
			"LoadConfiguration has it",
	    "LoadConfiguration.metrics[0] has no effect: no source has \"heat\"" } },
	{ PROFILE("", LEAST_LOAD("{name: heat}")) LOAD("{name: heat, kind: Level}", QUERY("heat")),
	  { AT_RESOURCE "[0].name: \"heat\" has no effect in plugin \"LeastLoad\", which asks how "
			"full nodes are: the metric has no max" } },
	{ PROFILE("", LEAST_LOAD("{name: heat}"))
		  LOAD("{name: heat, kind: Level, max: 90}", QUERY("heat")),
	  { NULL } },
	{ PROFILE("", LEAST_LOAD("{name: connections}")) LOAD("", QUERY("connections")),
	  { AT_RESOURCE "[0].name: \"connections\" has no effect in plugin \"LeastLoad\", which "
			"asks how full nodes are: no query tells its limit" } },
	{ PROFILE("", LEAST_LOAD("{name: latency}")) LOAD("", QUERY("latency")),
	  { AT_RESOURCE "[0].name: \"latency\" has no effect in plugin \"LeastLoad\", which asks "
			"how full nodes are: it is between two places" } },
	{ PROFILE("", "{name: LeastConnections, args: {threshold: 80}}")
		  LOAD("", QUERY("connections")),
	  { "profiles[0]: \"connections\" has no effect in plugin \"LeastConnections\", which asks "
	    "how full nodes are: no query tells its limit" } },
	{ PROFILE("", "{name: LeastConnections, args: {threshold: 80}}")
		  LOAD("", "{metric: connections, query: 'builtin:conntrack'}"),
	  { NULL } },
	{ PROFILE("{name: MinimumLatency}, {name: LeastResponseTime}", "")
		  LOAD("{name: rtt, kind: Pair}", QUERY("rtt")),
	  { "profiles[0]: plugin \"LeastResponseTime\" goes without \"responseTime\": no source of "
	    "the LoadConfiguration has it" } },
	{ PROFILE("{name: MinimumLatency}", "") LOAD("", QUERY("cpu")),
	  { "profiles[0]: plugin \"MinimumLatency\" goes without \"latency\": no source of the "
	    "LoadConfiguration has it" } },
	{ PROFILE("", "") LOAD("", QUERY("cpu") "," QUERY("responseTime")),
	  { "LoadConfiguration.sources[0].queries[1].metric: no plugin of any profile goes by "
	    "\"responseTime\"" } },
	{ PROFILE("{name: LeastLoad}, {name: Random}, {name: MinimumDistance}", ""),
	  { "profiles[0]: plugin \"LeastLoad\" has no say: there is no LoadConfiguration" } },
	{ PROFILE("", ""), { NULL } },
};

START_TEST(what_is_said)
{
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_config *config = NULL;
	const char *const *words = cases[_i].words;
	int r = cs_config_read_all(cs_slice_of(cases[_i].text), cs_plugins, &config, &errors);
	if (words[0] && words[0][0] == '!') {
		ck_assert_int_lt(r, 0);
		ck_assert_uint_eq(errors.count, 1);
		ck_assert_str_eq(errors.list[0], words[0] + 1);
		return;
	}
	ck_assert_msg(r == 0, "%s", r ? errors.list[0] : "");
	uint32_t n = 0;
	while (n < CS_ARRAY_LENGTH(cases[_i].words) && words[n])
		n++;
	for (uint32_t i = 0; i < n && i < config->n_warnings; i++)
		ck_assert_str_eq(config->warnings[i], words[i]);
	ck_assert_msg(config->n_warnings == n, "%u warnings, the last: %s", config->n_warnings,
		      config->n_warnings ? config->warnings[config->n_warnings - 1] : "");
	cs_config_destroy(config);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("metric_uses");
	TCase *tcase = tcase_create("metric_uses");
	tcase_add_loop_test(tcase, what_is_said, 0, (int)CS_ARRAY_LENGTH(cases));
	suite_add_tcase(suite, tcase);
	return suite;
}
