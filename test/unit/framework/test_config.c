// KubeSchedulerConfiguration: defaults, values, every error in its exact words, warnings.
// Neighbours: lib/framework/config.c. Merging of plugins: test_profile.c.
#include <csched/framework/config.h>

#include <errno.h>

#include "../check_main.h"
#include "fixture.h"

#define HEAD  "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
#define NAMED HEAD "profiles: [{schedulerName: c-sched}]\n"

static const struct cs_plugin *const plugins[] = {
	&toy_sort, &toy_sort2, &toy_cordon, &toy_free, &toy_options, &toy_bind, NULL,
};
// Without a second sort.
static const struct cs_plugin *const usual[] = {
	&toy_sort, &toy_cordon, &toy_free, &toy_options, &toy_bind, NULL,
};

static struct cs_config *read_config(const char *text)
{
	return toy_config(text, usual);
}

START_TEST(built_in)
{
	struct cs_config *config = read_config(NULL);
	ck_assert(config->leader_election.leader_elect);
	ck_assert_int_eq(config->leader_election.lease_duration, 15 * CS_SECOND);
	ck_assert_int_eq(config->leader_election.renew_deadline, 10 * CS_SECOND);
	ck_assert_int_eq(config->leader_election.retry_period, 2 * CS_SECOND);
	ck_assert_str_eq(config->leader_election.resource_name, "c-sched");
	ck_assert_str_eq(config->leader_election.resource_namespace, "kube-system");
	ck_assert_str_eq(config->client_connection.kubeconfig, "");
	ck_assert(config->client_connection.qps == 50);
	ck_assert_int_eq(config->client_connection.burst, 100);
	ck_assert_int_eq(config->pod_initial_backoff, CS_SECOND);
	ck_assert_int_eq(config->pod_max_backoff, 10 * CS_SECOND);
	ck_assert_int_eq(config->pod_max_in_unschedulable, 300 * CS_SECOND);
	ck_assert_uint_eq(config->n_profiles, 1);
	ck_assert_str_eq(config->profiles[0]->scheduler_name, "c-sched");
	ck_assert_uint_eq(config->n_warnings, 0);
	cs_config_destroy(config);
	cs_config_destroy(NULL);
}
END_TEST

START_TEST(everything_given)
{
	struct cs_config *config =
		read_config(HEAD "leaderElection:\n"
				 "  leaderElect: false\n"
				 "  leaseDuration: 1m0s\n"
				 "  renewDeadline: 40s\n"
				 "  retryPeriod: 500ms\n"
				 "  resourceLock: leases\n"
				 "  resourceName: mine\n"
				 "  resourceNamespace: here\n"
				 "clientConnection:\n"
				 "  kubeconfig: /etc/kubeconfig\n"
				 "  acceptContentTypes: application/vnd.kubernetes.protobuf\n"
				 "  contentType: application/vnd.kubernetes.protobuf\n"
				 "  qps: 7.5\n"
				 "  burst: 9\n"
				 "enableProfiling: false\n"
				 "enableContentionProfiling: false\n"
				 "delayCacheUntilActive: false\n"
				 "percentageOfNodesToScore: 100\n"
				 "podInitialBackoffSeconds: 2\n"
				 "podMaxBackoffSeconds: 20\n"
				 "extenders: []\n"
				 "profiles:\n"
				 "- schedulerName: one\n"
				 "  percentageOfNodesToScore: 100\n"
				 "  pluginConfig: [{name: ToyOptions, args: {size: 3}}]\n"
				 "- schedulerName: two\n");
	ck_assert(!config->leader_election.leader_elect);
	ck_assert_int_eq(config->leader_election.lease_duration, 60 * CS_SECOND);
	ck_assert_int_eq(config->leader_election.renew_deadline, 40 * CS_SECOND);
	ck_assert_int_eq(config->leader_election.retry_period, 500 * CS_MILLISECOND);
	ck_assert_str_eq(config->leader_election.resource_name, "mine");
	ck_assert_str_eq(config->leader_election.resource_namespace, "here");
	ck_assert_str_eq(config->client_connection.kubeconfig, "/etc/kubeconfig");
	ck_assert(config->client_connection.qps == 7.5);
	ck_assert_int_eq(config->client_connection.burst, 9);
	ck_assert_int_eq(config->pod_initial_backoff, 2 * CS_SECOND);
	ck_assert_int_eq(config->pod_max_backoff, 20 * CS_SECOND);
	ck_assert_uint_eq(config->n_profiles, 2);
	ck_assert_str_eq(config->profiles[0]->scheduler_name, "one");
	ck_assert_str_eq(config->profiles[1]->scheduler_name, "two");
	ck_assert_uint_eq(config->n_warnings, 0);
	cs_config_destroy(config);
}
END_TEST

START_TEST(zero_and_empty_are_not_given)
{
	struct cs_config *config = read_config(
		NAMED "leaderElection: {leaseDuration: 0s, retryPeriod: '0', resourceName: '', "
		      "resourceLock: '', leaderElect: null}\n"
		      "clientConnection: {qps: 0, burst: 0, kubeconfig: ''}\n"
		      "parallelism: null\n");
	ck_assert(config->leader_election.leader_elect);
	ck_assert_int_eq(config->leader_election.lease_duration, 15 * CS_SECOND);
	ck_assert_int_eq(config->leader_election.retry_period, 2 * CS_SECOND);
	ck_assert_str_eq(config->leader_election.resource_name, "c-sched");
	ck_assert(config->client_connection.qps == 50);
	ck_assert_int_eq(config->client_connection.burst, 100);
	ck_assert_uint_eq(config->n_warnings, 0);
	cs_config_destroy(config);
}
END_TEST

START_TEST(json_is_yaml_and_negative_qps_is_no_limit)
{
	struct cs_config *config =
		read_config("{\"apiVersion\": \"kubescheduler.config.k8s.io/v1\", \"kind\": "
			    "\"KubeSchedulerConfiguration\", \"clientConnection\": {\"qps\": -1}, "
			    "\"profiles\": "
			    "[{\"schedulerName\": \"x\"}]}");
	ck_assert(config->client_connection.qps < 0);
	cs_config_destroy(config);
}
END_TEST

static const struct {
	const char *text;
	const char *warning;
} warned[] = {
	{ HEAD, "profiles[0].schedulerName is not given: c-sched serves \"default-scheduler\", the "
		"name of every pod that names none; kube-scheduler must not run beside it" },
	{ HEAD "profiles: [{}]\n",
	  "profiles[0].schedulerName is not given: c-sched serves \"default-scheduler\", the "
	  "name of every pod that names none; kube-scheduler must not run beside it" },
	{ NAMED "parallelism: 16\n", "parallelism has no effect: c-sched decides on one thread" },
	{ NAMED "percentageOfNodesToScore: 50\n",
	  "percentageOfNodesToScore has no effect: c-sched scores every node" },
	{ HEAD "profiles: [{schedulerName: c-sched, percentageOfNodesToScore: 0}]\n",
	  "profiles[0].percentageOfNodesToScore has no effect: c-sched scores every node" },
	{ NAMED "enableProfiling: true\n",
	  "enableProfiling has no effect: c-sched serves no profiles" },
	{ NAMED "enableContentionProfiling: true\n",
	  "enableContentionProfiling has no effect: c-sched serves no profiles" },
	{ NAMED "delayCacheUntilActive: true\n",
	  "delayCacheUntilActive has no effect: c-sched watches while it waits to lead" },
	{ NAMED "clientConnection: {contentType: application/json}\n",
	  "clientConnection.contentType has no effect: c-sched speaks protobuf" },
	{ NAMED "clientConnection: {acceptContentTypes: application/json}\n",
	  "clientConnection.acceptContentTypes has no effect: c-sched speaks protobuf" },
	{ NAMED "leaderElection: {resourceName: kube-scheduler}\n",
	  "leaderElection.resourceName is \"kube-scheduler\": c-sched and kube-scheduler will take "
	  "turns, never run at once" },
};

START_TEST(warnings)
{
	struct cs_config *config = read_config(warned[_i].text);
	ck_assert_uint_eq(config->n_warnings, 1);
	ck_assert_str_eq(config->warnings[0], warned[_i].warning);
	cs_config_destroy(config);
}
END_TEST

// `error` is what follows "c.yaml: ".
static const struct {
	const char *text;
	const char *error;
} wrong[] = {
	{ "", "no KubeSchedulerConfiguration in it" },
	{ "---\n---\n", "no KubeSchedulerConfiguration in it" },
	{ "- 1\n", "expected an object, a KubeSchedulerConfiguration" },
	{ "kind: KubeSchedulerConfiguration\n",
	  "line 1: apiVersion: expected \"kubescheduler.config.k8s.io/v1\", got \"\"" },
	{ "apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n",
	  "line 1: apiVersion: expected \"kubescheduler.config.k8s.io/v1\", got "
	  "\"kubescheduler.config.k8s.io/v1beta3\"" },
	{ "apiVersion: kubescheduler.config.k8s.io/v1\nkind: Policy\n",
	  "line 1: kind: expected \"KubeSchedulerConfiguration\", got \"Policy\"" },
	{ NAMED "---\napiVersion: config.c-sched.io/v1alpha1\nkind: Settings\n",
	  "line 5: kind: expected \"LoadConfiguration\", got \"Settings\"" },
	{ NAMED "---\n" NAMED, "line 5: a second KubeSchedulerConfiguration" },
	{ NAMED "foo: 1\n", "foo: unknown field" },
	{ NAMED "leaderElection: {leaderelect: true}\n",
	  "leaderElection.leaderelect: unknown field" },
	{ NAMED "algorithmSource: {}\n", "algorithmSource: unknown field" },
	{ NAMED "parallelism: 0\n",
	  "parallelism: Invalid value: 0: should be an integer value greater than zero" },
	{ NAMED "parallelism: many\n", "parallelism: expected an integer, got a string" },
	{ NAMED "percentageOfNodesToScore: 101\n",
	  "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]" },
	{ HEAD "profiles: [{percentageOfNodesToScore: -1}]\n",
	  "profiles[0].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]" },
	{ NAMED "clientConnection: {burst: -1}\n",
	  "clientConnection.burst: Invalid value: -1: must "
	  "be non-negative" },
	{ NAMED "clientConnection: {qps: fast}\n",
	  "clientConnection.qps: expected a number, got a string" },
	{ NAMED "podInitialBackoffSeconds: 0\n",
	  "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0" },
	{ NAMED "podInitialBackoffSeconds: -9223372036854775808\n",
	  "podInitialBackoffSeconds: Invalid value: -9223372036854775808: must be greater than 0" },
	{ NAMED "podMaxBackoffSeconds: 1000000001\n",
	  "podMaxBackoffSeconds: Invalid value: 1000000001: must be at most 1000000000" },
	{ NAMED "podInitialBackoffSeconds: 11\n",
	  "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to "
	  "PodInitialBackoffSeconds" },
	{ NAMED "podMaxBackoffSeconds: -1\n",
	  "podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to "
	  "PodInitialBackoffSeconds" },
	{ NAMED "leaderElection: {leaseDuration: 15}\n",
	  "leaderElection.leaseDuration: expected a string, got an integer" },
	{ NAMED "leaderElection: {leaseDuration: 15 s}\n",
	  "leaderElection.leaseDuration: \"15 s\" is not a duration such as 15s, 1m30s or 500ms" },
	{ NAMED "leaderElection: {leaseDuration: -1s}\n",
	  "leaderElection.leaseDuration: Invalid value: \"-1s\": must be greater than zero" },
	{ NAMED "leaderElection: {renewDeadline: -1s}\n",
	  "leaderElection.renewDeadline: Invalid value: \"-1s\": must be greater than zero" },
	{ NAMED "leaderElection: {retryPeriod: -1s}\n",
	  "leaderElection.retryPeriod: Invalid value: \"-1s\": must be greater than zero" },
	{ NAMED "leaderElection: {leaseDuration: 10s}\n",
	  "leaderElection.leaseDuration: Invalid value: \"10s\": must be greater than "
	  "`RenewDeadline`" },
	{ NAMED "leaderElection: {retryPeriod: 9s}\n",
	  "leaderElection.renewDeadline: Invalid value: \"10s\": must be greater than 1.2 times "
	  "retryPeriod" },
	{ NAMED "leaderElection: {resourceLock: configmaps}\n",
	  "leaderElection.resourceLock: Invalid value: \"configmaps\": resourceLock value must be "
	  "\"leases\"" },
	{ NAMED "extenders: [{urlPrefix: 'http://x'}]\n",
	  "extenders: Forbidden: scheduler extenders are not implemented in this version" },
	{ NAMED "extenders: {}\n",
	  "extenders: Forbidden: scheduler extenders are not implemented in this version" },
	{ HEAD "profiles: [{schedulerName: a}, {schedulerName: a}]\n",
	  "profiles[1].schedulerName: Duplicate value: \"a\" is the name of profiles[0] already" },
	{ HEAD "profiles: [{schedulerName: a}, {}]\n",
	  "profiles[1].schedulerName: Required value" },
	{ HEAD "profiles: [{schedulerName: ''}]\n", "profiles[0].schedulerName: Required value" },
	{ HEAD "profiles: [{schedulerName: 1}]\n",
	  "profiles[0].schedulerName: expected a string, got an integer" },
	{ HEAD "profiles: [{schedulerName: a, plugins: {normalize: {}}}]\n",
	  "profiles[0].plugins.normalize: unknown field" },
	{ HEAD "profiles: [{schedulerName: a, plugins: {score: {enabled: [{name: Foo}]}}}]\n",
	  "profiles[0].plugins.score.enabled[0].name: unknown plugin \"Foo\"" },
};

START_TEST(errors)
{
	struct cs_config *config = NULL;
	struct cs_error err = { 0 };
	ck_assert_int_lt(
		cs_config_read("c.yaml", cs_slice_of(wrong[_i].text), usual, &config, &err), 0);
	ck_assert_ptr_null(config);
	CS_AUTO_FREE char *expected = cs_asprintf("c.yaml: %s", wrong[_i].error);
	ck_assert_str_eq(err.text, expected);
}
END_TEST

// Everything that is wrong in one reading, each once, in the order of the document's parts.
START_TEST(every_error)
{
	static const char text[] = HEAD
		"parallelism: 0\n"
		"leaderElection: {leaseDuration: 1s, renewDeadline: 2s, retryPeriod: soon, "
		"resourceLock: x}\n"
		"podInitialBackoffSeconds: 20\n"
		"nonsense: {}\n"
		"extenders: [{}]\n"
		"profiles:\n"
		"- schedulerName: a\n"
		"  plugins: {score: {enabled: [{name: Foo}, {name: ToyCordon}, {weight: x}]}, "
		"bind: {disabled: [{}]}}\n"
		"  pluginConfig: [{name: ToyOptions, args: {size: 10, x: 1}}, {name: ToyOptions}]\n"
		"- schedulerName: a\n"
		"  plugins: {bind: {disabled: [{name: '*'}]}}\n"
		"- {}\n";
	static const char *const expected[] = {
		"parallelism: Invalid value: 0: should be an integer value greater than zero",
		"leaderElection.retryPeriod: \"soon\" is not a duration such as 15s, 1m30s or "
		"500ms",
		"nonsense: unknown field",
		"profiles[0].plugins.score.enabled[2].weight: expected an integer, got a string",
		"leaderElection.resourceLock: Invalid value: \"x\": resourceLock value must be "
		"\"leases\"",
		"leaderElection.leaseDuration: Invalid value: \"2s\": must be greater than "
		"`RenewDeadline`",
		"leaderElection.renewDeadline: Invalid value: \"2s\": must be greater than 1.2 "
		"times retryPeriod",
		"podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to "
		"PodInitialBackoffSeconds",
		"extenders: Forbidden: scheduler extenders are not implemented in this version",
		"profiles[1].schedulerName: Duplicate value: \"a\" is the name of profiles[0] "
		"already",
		"profiles[2].schedulerName: Required value",
		"profiles[0].plugins.score.enabled[0].name: unknown plugin \"Foo\"",
		"profiles[0].plugins.score.enabled[1].name: plugin \"ToyCordon\" does not work at "
		"score",
		"profiles[0].plugins.score.enabled[2].name: Required value",
		"profiles[0].plugins.bind.disabled[0].name: Required value",
		"profiles[0].pluginConfig[0].args.size: Invalid value: 10: is no size",
		"profiles[0].pluginConfig[0].args.x: unknown field",
		"profiles[0].pluginConfig[1]: Duplicate value: \"ToyOptions\"",
		"profiles[1].plugins.bind: at least one bind plugin is needed for profile with "
		"scheduler name \"a\"",
	};
	CS_AUTO_ERRORS struct cs_errors all = { 0 };
	struct cs_config *config = NULL;
	ck_assert_int_eq(cs_config_read_all(cs_slice_of(text), usual, &config, &all), -EINVAL);
	ck_assert_ptr_null(config);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(expected); i++)
		ck_assert_str_eq(i < all.count ? all.list[i] : "", expected[i]);
	ck_assert_uint_eq(all.count, CS_ARRAY_LENGTH(expected));
}
END_TEST

// The configuration in force, as YAML; the caller frees it.
static char *print(const struct cs_config *config)
{
	struct cs_buffer out;
	cs_buffer_init(&out, 1 << 20);
	ck_assert_int_eq(cs_config_print(config, &out), 0);
	return cs_buffer_take(&out);
}

START_TEST(in_force)
{
	struct cs_config *config =
		read_config(HEAD "podMaxBackoffSeconds: 90\n"
				 "leaderElection: {leaseDuration: 90s, resourceName: 'true'}\n"
				 "clientConnection: {qps: 7.5}\n"
				 "profiles:\n"
				 "- schedulerName: \"10\"\n"
				 "  plugins: {score: {enabled: [{name: ToyFree, weight: 4}]}}\n"
				 "  pluginConfig: [{name: ToyOptions, args: {size: 3}}]\n");
	CS_AUTO_FREE char *yaml = print(config);
	ck_assert_str_eq(yaml, "apiVersion: kubescheduler.config.k8s.io/v1\n"
			       "kind: KubeSchedulerConfiguration\n"
			       "clientConnection:\n"
			       "  kubeconfig: \"\"\n"
			       "  acceptContentTypes: application/vnd.kubernetes.protobuf\n"
			       "  contentType: application/vnd.kubernetes.protobuf\n"
			       "  qps: 7.5\n"
			       "  burst: 100\n"
			       "leaderElection:\n"
			       "  leaderElect: true\n"
			       "  leaseDuration: \"1m30s\"\n"
			       "  renewDeadline: \"10s\"\n"
			       "  retryPeriod: \"2s\"\n"
			       "  resourceLock: leases\n"
			       "  resourceName: \"true\"\n"
			       "  resourceNamespace: kube-system\n"
			       "enableProfiling: false\n"
			       "enableContentionProfiling: false\n"
			       "delayCacheUntilActive: false\n"
			       "parallelism: 1\n"
			       "percentageOfNodesToScore: 100\n"
			       "podInitialBackoffSeconds: 1\n"
			       "podMaxBackoffSeconds: 90\n"
			       "extenders: []\n"
			       "profiles:\n"
			       "- schedulerName: \"10\"\n"
			       "  plugins:\n"
			       "    multiPoint:\n"
			       "      disabled:\n"
			       "      - name: \"*\"\n"
			       "    queueSort:\n"
			       "      enabled:\n"
			       "      - name: ToySort\n"
			       "    filter:\n"
			       "      enabled:\n"
			       "      - name: ToyCordon\n"
			       "      - name: ToyOptions\n"
			       "    score:\n"
			       "      enabled:\n"
			       "      - name: ToyFree\n"
			       "        weight: 4\n"
			       "    bind:\n"
			       "      enabled:\n"
			       "      - name: ToyBind\n"
			       "  pluginConfig:\n"
			       "  - name: ToyOptions\n"
			       "    args:\n"
			       "      apiVersion: kubescheduler.config.k8s.io/v1\n"
			       "      kind: ToyOptionsArgs\n"
			       "      size: 3\n");
	cs_config_destroy(config);
}
END_TEST

static const char *const round_trips[] = {
	NULL,
	HEAD,
	HEAD "profiles: [{schedulerName: a, plugins: {filter: {disabled: [{name: '*'}]}}}, "
	     "{schedulerName: b, pluginConfig: [{name: ToyOptions, args: {size: 9}}]}]\n",
	NAMED "leaderElection: {leaderElect: false, retryPeriod: 1ms}\n"
	      "clientConnection: {qps: -1, burst: 3, kubeconfig: /a b}\n",
};

// What was printed reads without a warning, and prints the same again.
START_TEST(in_force_reads_back)
{
	struct cs_config *config = read_config(round_trips[_i]);
	CS_AUTO_FREE char *once = print(config);
	struct cs_config *again = read_config(once);
	CS_AUTO_FREE char *twice = print(again);
	ck_assert_str_eq(once, twice);
	ck_assert_uint_eq(again->n_warnings, 0);
	cs_config_destroy(config);
	cs_config_destroy(again);
}
END_TEST

// A field whose name begins as that of a missing one.
START_TEST(a_strange_field_hides_no_missing_one)
{
	static const char text[] =
		HEAD "profiles: [{schedulerName: a}, {schedulerName: b, plugins: "
		     "{multiPoint: {disabled: [{'name:x': 1, 'name: y': 2}]}}}]\n";
	static const char place[] = "profiles[1].plugins.multiPoint.disabled[0].name";
	CS_AUTO_ERRORS struct cs_errors all = { 0 };
	struct cs_config *config = NULL;
	ck_assert_int_eq(cs_config_read_all(cs_slice_of(text), usual, &config, &all), -EINVAL);
	ck_assert_ptr_null(config);
	ck_assert_uint_eq(all.count, 2);
	for (uint32_t i = 0; i < all.count; i++)
		ck_assert_msg(cs_string_prefix(all.list[i], place), "%s", all.list[i]);
}
END_TEST

START_TEST(yaml_errors_name_file_and_line)
{
	static const struct {
		const char *text;
		const char *begins;
	} broken[] = {
		{ NAMED "a: [1\n", "c.yaml: line " },
		{ NAMED "parallelism: 1\nparallelism: 2\n", "c.yaml: line 5" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(broken); i++) {
		struct cs_config *config = NULL;
		struct cs_error err = { 0 };
		ck_assert_int_lt(
			cs_config_read("c.yaml", cs_slice_of(broken[i].text), usual, &config, &err),
			0);
		ck_assert_msg(cs_string_prefix(err.text, broken[i].begins), "%s", err.text);
	}
}
END_TEST

START_TEST(without_election_its_rules_do_not_hold)
{
	struct cs_config *config = read_config(
		NAMED "leaderElection: {leaderElect: false, leaseDuration: 1s, resourceLock: x}\n");
	ck_assert_int_eq(config->leader_election.lease_duration, CS_SECOND);
	struct cs_error err;
	ck_assert_int_eq(cs_config_check_leader_election(config, &err), 0);
	config->leader_election.leader_elect = true; // as a flag may say
	ck_assert_int_eq(cs_config_check_leader_election(config, &err), -EINVAL);
	ck_assert_str_eq(
		err.text,
		"leaderElection.leaseDuration: Invalid value: \"10s\": must be greater than "
		"`RenewDeadline`");
	cs_config_destroy(config);
}
END_TEST

START_TEST(profiles_share_one_queue_order)
{
	static const struct {
		const char *second;
		const char *error;
	} rows[] = {
		{ "plugins: {queueSort: {enabled: [{name: ToySort2}], disabled: [{name: '*'}]}}",
		  "c.yaml: profiles[1].plugins.queueSort: Invalid value: {\"Enabled\":[{\"Name\":"
		  "\"ToySort2\",\"Weight\":0}],\"Disabled\":[{\"Name\":\"*\",\"Weight\":0}]}: "
		  "must be the same for all profiles" },
		{ "percentageOfNodesToScore: 100",
		  "c.yaml: profiles[1].plugins.queueSort: Invalid value: {\"Enabled\":null,"
		  "\"Disabled\":null}: must be the same for all profiles" },
		{ "plugins: {queueSort: {disabled: [{name: ToySort2}]}}", NULL },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		CS_AUTO_FREE char *text =
			cs_asprintf(HEAD "profiles:\n"
					 "- schedulerName: a\n"
					 "  plugins: {queueSort: {disabled: [{name: ToySort2}]}}\n"
					 "- schedulerName: b\n"
					 "  %s\n",
				    rows[i].second);
		struct cs_config *config = NULL;
		struct cs_error err = { 0 };
		int r = cs_config_read("c.yaml", cs_slice_of(text), plugins, &config, &err);
		ck_assert_int_eq(r, rows[i].error ? -EINVAL : 0);
		ck_assert_str_eq(err.text, rows[i].error ? rows[i].error : "");
		cs_config_destroy(config);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	tcase_add_test(tcase, built_in);
	tcase_add_test(tcase, everything_given);
	tcase_add_test(tcase, zero_and_empty_are_not_given);
	tcase_add_test(tcase, json_is_yaml_and_negative_qps_is_no_limit);
	tcase_add_loop_test(tcase, warnings, 0, CS_ARRAY_LENGTH(warned));
	tcase_add_loop_test(tcase, errors, 0, CS_ARRAY_LENGTH(wrong));
	tcase_add_test(tcase, every_error);
	tcase_add_test(tcase, in_force);
	tcase_add_loop_test(tcase, in_force_reads_back, 0, CS_ARRAY_LENGTH(round_trips));
	tcase_add_test(tcase, a_strange_field_hides_no_missing_one);
	tcase_add_test(tcase, yaml_errors_name_file_and_line);
	tcase_add_test(tcase, without_election_its_rules_do_not_hold);
	tcase_add_test(tcase, profiles_share_one_queue_order);
	suite_add_tcase(suite, tcase);
	return suite;
}
