// LoadConfiguration: what is read, what is filled in, what is refused and in which words.
// Neighbours: lib/framework/load_config.c, load_config_write.c and config.c.
#include <csched/framework/config.h>
#include <csched/framework/load_config.h>

#include <math.h>

#include "../check_main.h"
#include "fixture.h"

static const struct cs_plugin *const plugins[] = { &toy_sort, &toy_cordon, &toy_free, &toy_bind,
						   NULL };

#define LOAD "apiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\n"
#define API  LOAD "sources: [{name: a, type: MetricsAPI}]\n"
#define MAIN "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
#define PROM(rest) \
	LOAD "sources: [{name: p, type: Prometheus, url: 'http://p:9090', queries: [" rest "]}]\n"

static struct cs_config *read_config(const char *text)
{
	return toy_config(text, plugins);
}

START_TEST(the_metrics_api_by_default)
{
	struct cs_config *config = read_config(API);
	const struct cs_load_config *load = config->load;
	ck_assert_str_eq(config->profiles[0]->scheduler_name, CS_CONFIG_BUILT_IN_PROFILE);
	// the toys go by no load
	ck_assert_uint_eq(config->n_warnings, 2);
	ck_assert_str_eq(config->warnings[1], "LoadConfiguration.sources[0]: no plugin of any "
					      "profile goes by \"memory\"");
	ck_assert_uint_eq(load->n_metrics, 2);
	ck_assert_str_eq(load->metrics[0].name, "cpu");
	ck_assert_int_eq(load->metrics[0].kind, CS_LOAD_USAGE);
	ck_assert_int_eq(load->metrics[0].ramp, 60 * CS_SECOND);
	ck_assert_int_eq(load->metrics[1].ramp, 120 * CS_SECOND);
	ck_assert_uint_eq(load->n_sources, 1);
	const struct cs_load_source *source = &load->sources[0];
	ck_assert_int_eq(source->type, CS_LOAD_METRICS_API);
	ck_assert_int_eq(source->interval, 15 * CS_SECOND);
	ck_assert_int_eq(source->timeout, 10 * CS_SECOND);
	ck_assert_uint_eq(source->body_max, 32 << 20);
	ck_assert(source->pods);
	ck_assert_uint_eq(source->n_metrics, 2);
	ck_assert_uint_eq(source->metrics[1], 1);
	cs_config_destroy(config);
}
END_TEST

START_TEST(a_prometheus_with_all_it_may_have)
{
	struct cs_config *config = read_config(
		LOAD "metrics:\n"
		     "- {name: connections, perPod: 25, rampUp: 10s, timeToLive: 1m, max: 5000}\n"
		     "- {name: heat, kind: Level, unit: celsius, higherIsBetter: true, min: -10}\n"
		     "- {name: nvidia.com/gpu, kind: Usage}\n"
		     "sources:\n"
		     "- name: p\n"
		     "  type: Prometheus\n"
		     "  url: https://p:9090/x\n"
		     "  interval: 30s\n"
		     "  timeout: 2s\n"
		     "  maxResponseBytes: 2048\n"
		     "  tls: {caFile: ca, certFile: cert, keyFile: key, serverName: name, "
		     "insecureSkipVerify: true}\n"
		     "  basicAuth: {username: u, passwordFile: pw}\n"
		     "  queries:\n"
		     "  - {metric: connections, query: 'builtin:conntrack'}\n"
		     "  - {metric: heat, query: 'max(heat)', nodeLabel: host, scale: 0.1, window: "
		     "5m}\n"
		     "  - {metric: latency, query: lat, toLabel: peer, time: when}\n"
		     "  - {metric: nvidia.com/gpu, query: gpu}\n"
		     "- {name: notes, type: NodeAnnotations, metrics: [cpu]}\n");
	const struct cs_load_config *load = config->load;
	ck_assert_uint_eq(load->n_metrics, 5);
	ck_assert_double_eq(load->metrics[0].per_pod, 25);
	ck_assert_double_eq(load->metrics[0].max, 5000);
	ck_assert_int_eq(load->metrics[0].ttl, 60 * CS_SECOND);
	ck_assert_int_eq(load->metrics[0].ramp, 10 * CS_SECOND);
	ck_assert(load->metrics[1].higher_is_better && isinf(load->metrics[1].max));
	ck_assert_str_eq(load->metrics[1].unit, "celsius");
	ck_assert_str_eq(load->metrics[3].name, "latency");
	ck_assert_str_eq(load->metrics[3].topology, "topology.kubernetes.io/zone");
	const struct cs_load_source *source = &load->sources[0];
	ck_assert_str_eq(source->url, "https://p:9090/x");
	ck_assert_str_eq(source->ca_file, "ca");
	ck_assert_str_eq(source->certificate_file, "cert");
	ck_assert_str_eq(source->key_file, "key");
	ck_assert_str_eq(source->server_name, "name");
	ck_assert_str_eq(source->username, "u");
	ck_assert_str_eq(source->password_file, "pw");
	ck_assert(source->insecure && !source->token_file && !source->pods);
	ck_assert_uint_eq(source->n_queries, 4);
	const struct cs_load_builtin *builtin = cs_load_builtin_query("conntrack");
	ck_assert_str_eq(source->queries[0].query, builtin->query);
	ck_assert_str_eq(source->queries[0].limit, builtin->limit);
	ck_assert_str_eq(source->queries[0].time, builtin->time);
	ck_assert_int_eq(source->queries[0].window, CS_LOAD_BUILTIN_WINDOW);
	ck_assert_double_eq(source->queries[0].scale, 1);
	ck_assert_uint_eq(source->queries[1].metric, 1);
	ck_assert_str_eq(source->queries[1].label, "host");
	ck_assert_double_eq(source->queries[1].scale, 0.1);
	ck_assert_int_eq(source->queries[1].window, 300 * CS_SECOND);
	ck_assert_str_eq(source->queries[2].to_label, "peer");
	ck_assert_str_eq(source->queries[2].time, "when");
	ck_assert_ptr_null(source->queries[3].time);
	ck_assert_uint_eq(load->sources[1].metrics[0], 4);
	cs_config_destroy(config);
}
END_TEST

START_TEST(documents_in_either_order)
{
	static const char *const texts[] = {
		MAIN "profiles: [{schedulerName: x}]\n---\n" API,
		API "---\n" MAIN "profiles: [{schedulerName: x}]\n",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		struct cs_config *config = read_config(texts[i]);
		ck_assert_str_eq(config->profiles[0]->scheduler_name, "x");
		ck_assert_uint_eq(config->load->n_sources, 1);
		cs_config_destroy(config);
	}
	struct cs_config *config = read_config(MAIN);
	ck_assert_ptr_null(config->load);
	cs_config_destroy(config);
}
END_TEST

static char *print_config(const struct cs_config *config)
{
	struct cs_buffer out;
	cs_buffer_init(&out, 1 << 20);
	ck_assert_int_eq(cs_config_print(config, &out), 0);
	return cs_buffer_take(&out);
}

START_TEST(what_is_in_force_reads_back)
{
	static const char *const texts[] = {
		API,
		API "metrics: [{name: cpu, unit: ''}]\n",
		MAIN "---\n" API,
		PROM("{metric: cpu, query: 'builtin:cpu'}, {metric: latency, query: l}, {metric: "
		     "responseTime, query: 'builtin:istio-response-time', scale: 2.5}"),
		LOAD "metrics: [{name: x, kind: Level, max: 5}, {name: yy, kind: Count}]\n"
		     "sources: [{name: notes, type: NodeAnnotations, metrics: [x, yy]}, "
		     "{name: p, type: Prometheus, url: 'http://p', bearerTokenFile: t, queries: "
		     "[{metric: memory, query: m}]}]\n",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		struct cs_config *config = read_config(texts[i]);
		char *once = print_config(config);
		cs_config_destroy(config);
		ck_assert_ptr_nonnull(strstr(once, "\n---\napiVersion: config.c-sched.io/v1alpha1\n"
						   "kind: LoadConfiguration\n"));
		config = read_config(once);
		char *twice = print_config(config);
		cs_config_destroy(config);
		ck_assert_str_eq(once, twice);
		free(once);
		free(twice);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} wrong[] = {
	{ LOAD, "LoadConfiguration.sources: Required value" },
	{ API "---\n" API, "line 5: a second LoadConfiguration" },
	{ LOAD "foo: 1\n", "LoadConfiguration.foo: unknown field" },
	{ LOAD "sources: [{name: a}]\n", "LoadConfiguration.sources[0].type: Required value" },
	{ LOAD "sources: [{type: MetricsAPI}]\n",
	  "LoadConfiguration.sources[0].name: Required value" },
	{ LOAD "sources: [{name: a, type: Graphite}]\n",
	  "LoadConfiguration.sources[0].type: Unsupported value: \"Graphite\": supported values: "
	  "\"MetricsAPI\", \"Prometheus\", \"NodeAnnotations\"" },
	{ LOAD "sources: [{name: a, type: MetricsAPI, url: x}]\n",
	  "LoadConfiguration.sources[0].url: Forbidden: not for sources of type MetricsAPI" },
	{ LOAD "sources: [{name: a, type: MetricsAPI, interval: 10ms}]\n",
	  "LoadConfiguration.sources[0].interval: Invalid value: \"10ms\": must be at least 1s and "
	  "at most 1h0m0s" },
	{ LOAD "sources: [{name: a, type: MetricsAPI, metrics: [connections]}]\n",
	  "LoadConfiguration.sources[0].metrics[0]: Invalid value: \"connections\": the Metrics "
	  "API "
	  "has cpu and memory only" },
	{ LOAD "sources: [{name: a, type: MetricsAPI}, {name: b, type: NodeAnnotations}]\n",
	  "LoadConfiguration.sources[1]: Invalid value: \"cpu\": sources[0] has it already" },
	{ LOAD "sources: [{name: a, type: MetricsAPI}, {name: a, type: NodeAnnotations, metrics: "
	       "[connections]}]\n",
	  "LoadConfiguration.sources[1].name: Duplicate value: \"a\"" },
	{ LOAD "sources: [{name: a, type: NodeAnnotations, metrics: [latency]}]\n",
	  "LoadConfiguration.sources[0].metrics[0]: Invalid value: \"latency\": annotations carry "
	  "no metrics of kind Pair or with a / in the name" },
	{ LOAD "sources: [{name: a, type: Prometheus}]\n",
	  "LoadConfiguration.sources[0].url: Required value" },
	{ LOAD
	  "sources: [{name: a, type: Prometheus, url: 'p:9090', queries: [{metric: cpu, query: "
	  "q}]}]\n",
	  "LoadConfiguration.sources[0].url: Invalid value: \"p:9090\": must begin with http:// or "
	  "https://" },
#define AT_URL(url)                                                                           \
	LOAD "sources: [{name: a, type: Prometheus, url: '" url "', queries: [{metric: cpu, " \
	     "query: q}]}]\n"
	{ AT_URL("http://"),
	  "LoadConfiguration.sources[0].url: Invalid value: there is no host in it" },
	{ AT_URL("https://:9090/x"),
	  "LoadConfiguration.sources[0].url: Invalid value: there is no host in it" },
	// the password is not repeated
	{ AT_URL("http://me:secret@p:9090"),
	  "LoadConfiguration.sources[0].url: Invalid value: must be without user name and password: basicAuth has them" },
	{ AT_URL("http://p:9090/x?a=@b"),
	  "LoadConfiguration.sources[0].url: Invalid value: must end with the host, its port or a path: no ? or #" },
	{ AT_URL("http://p:9090#x"),
	  "LoadConfiguration.sources[0].url: Invalid value: must end with the host, its port or a path: no ? or #" },
	{ AT_URL("http://p /x"),
	  "LoadConfiguration.sources[0].url: Invalid value: must be of printable ASCII characters" },
	{ LOAD "sources: [{name: a, type: Prometheus, url: 'http://p'}]\n",
	  "LoadConfiguration.sources[0].queries: Required value" },
	{ PROM("{query: q}"), "LoadConfiguration.sources[0].queries[0].metric: Required value" },
	{ PROM("{metric: cpu}"), "LoadConfiguration.sources[0].queries[0].query: Required value" },
	{ PROM("{metric: heat, query: q}"),
	  "LoadConfiguration.sources[0].queries[0].metric: Not found: \"heat\" is neither in "
	  "metrics "
	  "nor one of cpu, memory, connections, responseTime, latency" },
	{ PROM("{metric: cpu, query: q}, {metric: cpu, query: r}"),
	  "LoadConfiguration.sources[0].queries[1].metric: Invalid value: \"cpu\": "
	  "sources[0].queries[0].metric has it already" },
	{ PROM("{metric: cpu, query: 'builtin:heat'}"),
	  "LoadConfiguration.sources[0].queries[0].query: Invalid value: \"builtin:heat\": there "
	  "is "
	  "no such built-in query" },
	{ PROM("{metric: cpu, query: 'builtin:memory'}"),
	  "LoadConfiguration.sources[0].queries[0].query: Invalid value: \"builtin:memory\": "
	  "measures "
	  "memory" },
	{ PROM("{metric: cpu, query: q, scale: 0}"),
	  "LoadConfiguration.sources[0].queries[0].scale: Invalid value: 0: must not be zero" },
	{ PROM("{metric: cpu, query: q, toLabel: x}"),
	  "LoadConfiguration.sources[0].queries[0].toLabel: Forbidden: only for metrics of kind "
	  "Pair" },
	{ PROM("{metric: cpu, query: q, limit: x}"),
	  "LoadConfiguration.sources[0].queries[0].limit: Forbidden: only for metrics of kind "
	  "Count" },
	{ LOAD
	  "sources: [{name: a, type: Prometheus, url: 'http://p', tls: {certFile: c}, queries: "
	  "[{metric: cpu, query: q}]}]\n",
	  "LoadConfiguration.sources[0].tls.keyFile: Required value: certFile and keyFile go "
	  "together" },
	{ LOAD "sources: [{name: a, type: Prometheus, url: 'http://p', basicAuth: {username: u}, "
	       "queries: [{metric: cpu, query: q}]}]\n",
	  "LoadConfiguration.sources[0].basicAuth.passwordFile: Required value: username and "
	  "passwordFile go together" },
	{ LOAD
	  "sources: [{name: a, type: Prometheus, url: 'http://p', bearerTokenFile: t, basicAuth: "
	  "{username: u, passwordFile: p}, queries: [{metric: cpu, query: q}]}]\n",
	  "LoadConfiguration.sources[0].basicAuth: Forbidden: may not be used beside "
	  "bearerTokenFile" },
	{ API "metrics: [{name: heat}]\n", "LoadConfiguration.metrics[0].kind: Required value" },
	{ API "metrics: [{kind: Level}]\n", "LoadConfiguration.metrics[0].name: Required value" },
	{ API "metrics: [{name: 'a b', kind: Level}]\n",
	  "LoadConfiguration.metrics[0].name: Invalid value: \"a b\": must be 1 to 63 letters, "
	  "digits "
	  "or any of . _ - /" },
	{ API "metrics: [{name: cpu}, {name: cpu}]\n",
	  "LoadConfiguration.metrics[1].name: Duplicate value: \"cpu\"" },
	{ API "metrics: [{name: cpu, kind: Level}]\n",
	  "LoadConfiguration.metrics[0].kind: Invalid value: \"Level\": the kind of cpu is Usage" },
	{ API "metrics: [{name: x, kind: Some}]\n",
	  "LoadConfiguration.metrics[0].kind: Unsupported value: \"Some\": supported values: "
	  "\"Usage\", \"Count\", \"Level\", \"Pair\"" },
	{ API "metrics: [{name: x, kind: Level, min: 2, max: 2}]\n",
	  "LoadConfiguration.metrics[0].max: Invalid value: 2: must be greater than min" },
	{ API "metrics: [{name: x, kind: Count, min: -2}]\n",
	  "LoadConfiguration.metrics[0].min: Invalid value: -2: must not be negative" },
	{ API "metrics: [{name: x, kind: Count, perPod: 0}]\n",
	  "LoadConfiguration.metrics[0].perPod: Invalid value: 0: must be greater than 0 and at "
	  "most "
	  "1e9" },
	{ API "metrics: [{name: x, kind: Level, perPod: 1}]\n",
	  "LoadConfiguration.metrics[0].perPod: Forbidden: only for metrics of kind Count" },
	{ API "metrics: [{name: cpu, higherIsBetter: true}]\n",
	  "LoadConfiguration.metrics[0].higherIsBetter: Forbidden: only for metrics of kind "
	  "Level" },
	{ API "metrics: [{name: x, kind: Pair, rampUp: 1s}]\n",
	  "LoadConfiguration.metrics[0].rampUp: Forbidden: only for metrics of kind Usage or "
	  "Count" },
	{ API "metrics: [{name: cpu, topologyKey: x}]\n",
	  "LoadConfiguration.metrics[0].topologyKey: Forbidden: only for metrics of kind Pair" },
	{ API "metrics: [{name: cpu, timeToLive: 0s}]\n",
	  "LoadConfiguration.metrics[0].timeToLive: Invalid value: \"0s\": must be at least 1s and "
	  "at "
	  "most 24h0m0s" },
	{ API "metrics: [{name: x, kind: Pair}, {name: yy, kind: Pair}]\n",
	  "LoadConfiguration.metrics[1].name: Invalid value: \"yy\": only one metric may be of kind "
	  "Pair, and \"x\" is" },
	{ LOAD "metrics: [{name: x, kind: Pair}]\nsources: [{name: p, type: Prometheus, url: "
	       "'http://p', queries: [{metric: x, query: q}, {metric: latency, query: r}]}]\n",
	  "LoadConfiguration.sources[0].queries[1].metric: Invalid value: \"latency\": only one "
	  "metric may be of kind Pair, and \"x\" is" },
	{ API "metrics: [{name: a, kind: Level}, {name: b, kind: Level}, {name: c, kind: Level}, "
	      "{name: d, kind: Level}, {name: e, kind: Level}, {name: f, kind: Level}, "
	      "{name: g, kind: Level}, {name: h, kind: Level}, {name: i, kind: Level}, "
	      "{name: j, kind: Level}, {name: k, kind: Level}, {name: l, kind: Level}, "
	      "{name: m, kind: Level}, {name: nn, kind: Level}, {name: o, kind: Level}, "
	      "{name: p, kind: Level}]\n",
	  "LoadConfiguration.sources[0]: more than 16 metrics are in use" },
};

START_TEST(what_is_refused)
{
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	struct cs_config *config = NULL;
	int r = cs_config_read_all(cs_slice_of(wrong[_i].text), plugins, &config, &errors);
	ck_assert_int_lt(r, 0);
	ck_assert_str_eq(errors.list[0], wrong[_i].error);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("load_config");
	TCase *tcase = tcase_create("load_config");
	tcase_add_test(tcase, the_metrics_api_by_default);
	tcase_add_test(tcase, a_prometheus_with_all_it_may_have);
	tcase_add_test(tcase, documents_in_either_order);
	tcase_add_test(tcase, what_is_in_force_reads_back);
	tcase_add_loop_test(tcase, what_is_refused, 0, (int)CS_ARRAY_LENGTH(wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
