// KubeSchedulerConfiguration v1: tables for every object, upstream's defaults and rules.
// Neighbours: fields.c reads by table, profile.c merges plugins; mirrors pkg/scheduler/apis/config.
#include <csched/framework/config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/framework/fields.h>
#include <csched/framework/profile.h>

#include "spec.h"

#define API_VERSION     "kubescheduler.config.k8s.io/v1"
#define KIND            "KubeSchedulerConfiguration"
#define OWN_API_VERSION "config.c-sched.io/v1alpha1" // reserved for our own settings
#define PROTOBUF        "application/vnd.kubernetes.protobuf"
#define UPSTREAM_NAME   "default-scheduler"
#define UPSTREAM_LEASE  "kube-scheduler"
#define SECONDS_MAX     INT64_C(1000000000)

// The file as it is written.
struct spec {
	const char *api_version;
	const char *kind;
	struct cs_field_int parallelism;
	struct cs_field_int percentage;
	struct cs_field_int initial_backoff; // seconds
	struct cs_field_int max_backoff;
	struct cs_field_bool profiling;
	struct cs_field_bool contention_profiling;
	struct cs_field_bool delay_cache;
	struct {
		struct cs_field_bool elect;
		struct cs_field_int lease_duration;
		struct cs_field_int renew_deadline;
		struct cs_field_int retry_period;
		const char *resource_lock;
		const char *resource_name;
		const char *resource_namespace;
	} leader_election;
	struct {
		const char *kubeconfig;
		const char *accept_content_types;
		const char *content_type;
		struct cs_field_number qps;
		struct cs_field_int burst;
	} client_connection;
	struct cs_field_list profiles; // of struct profile_spec
	struct json_object *extenders;
};

#define FIELD(json_name, field_type, in, member, ...)                                      \
	{                                                                                  \
		.name = (json_name), .type = (field_type), .offset = offsetof(in, member), \
		__VA_ARGS__                                                                \
	}

#define PERCENTAGE .min = 0, .max = 100, .wrong = "not in valid range [0-100]"

static const struct cs_field entry_fields[] = {
	FIELD("name", CS_FIELD_STRING, struct plugin_entry, name),
	FIELD("weight", CS_FIELD_INT, struct plugin_entry, weight, .min = 0, .max = INT32_MAX,
	      .wrong = "must be a non-negative 32-bit integer"),
	{ 0 },
};

static const struct cs_field set_fields[] = {
	FIELD("enabled", CS_FIELD_OBJECTS, struct plugin_set, enabled, .fields = entry_fields,
	      .size = sizeof(struct plugin_entry)),
	FIELD("disabled", CS_FIELD_OBJECTS, struct plugin_set, disabled, .fields = entry_fields,
	      .size = sizeof(struct plugin_entry)),
	{ 0 },
};

#define POINT(json_name, point)                                                     \
	{                                                                           \
		.name = (json_name), .type = CS_FIELD_OBJECT, .fields = set_fields, \
		.offset = POINT_##point * sizeof(struct plugin_set)                 \
	}

static const struct cs_field plugins_fields[] = {
	POINT("multiPoint", MULTI),
	POINT("preEnqueue", PRE_ENQUEUE),
	POINT("queueSort", QUEUE_SORT),
	POINT("preFilter", PRE_FILTER),
	POINT("filter", FILTER),
	POINT("postFilter", POST_FILTER),
	POINT("preScore", PRE_SCORE),
	POINT("score", SCORE),
	POINT("reserve", RESERVE),
	POINT("permit", PERMIT),
	POINT("preBind", PRE_BIND),
	POINT("bind", BIND),
	POINT("postBind", POST_BIND),
	POINT("placementGenerate", PLACEMENT_GENERATE),
	POINT("placementScore", PLACEMENT_SCORE),
	{ 0 },
};

static const struct cs_field arguments_fields[] = {
	FIELD("name", CS_FIELD_STRING, struct plugin_arguments, name),
	FIELD("args", CS_FIELD_ANY, struct plugin_arguments, args),
	{ 0 },
};

static const struct cs_field profile_fields[] = {
	FIELD("schedulerName", CS_FIELD_STRING, struct profile_spec, scheduler_name),
	FIELD("percentageOfNodesToScore", CS_FIELD_INT, struct profile_spec, percentage,
	      PERCENTAGE),
	FIELD("plugins", CS_FIELD_OBJECT, struct profile_spec, points, .fields = plugins_fields),
	FIELD("pluginConfig", CS_FIELD_OBJECTS, struct profile_spec, plugin_config,
	      .fields = arguments_fields, .size = sizeof(struct plugin_arguments)),
	{ 0 },
};

#define ELECTION(json_name, field_type, member)                           \
	{                                                                 \
		.name = (json_name), .type = (field_type),                \
		.offset = offsetof(struct spec, leader_election.member) - \
			  offsetof(struct spec, leader_election)          \
	}

static const struct cs_field election_fields[] = {
	ELECTION("leaderElect", CS_FIELD_BOOL, elect),
	ELECTION("leaseDuration", CS_FIELD_DURATION, lease_duration),
	ELECTION("renewDeadline", CS_FIELD_DURATION, renew_deadline),
	ELECTION("retryPeriod", CS_FIELD_DURATION, retry_period),
	ELECTION("resourceLock", CS_FIELD_STRING, resource_lock),
	ELECTION("resourceName", CS_FIELD_STRING, resource_name),
	ELECTION("resourceNamespace", CS_FIELD_STRING, resource_namespace),
	{ 0 },
};

#define CONNECTION(json_name, field_type, member, ...)                      \
	{                                                                   \
		.name = (json_name), .type = (field_type),                  \
		.offset = offsetof(struct spec, client_connection.member) - \
			  offsetof(struct spec, client_connection),         \
		__VA_ARGS__                                                 \
	}

static const struct cs_field connection_fields[] = {
	CONNECTION("kubeconfig", CS_FIELD_STRING, kubeconfig),
	CONNECTION("acceptContentTypes", CS_FIELD_STRING, accept_content_types),
	CONNECTION("contentType", CS_FIELD_STRING, content_type),
	CONNECTION("qps", CS_FIELD_NUMBER, qps),
	CONNECTION("burst", CS_FIELD_INT, burst, .min = 0, .max = INT32_MAX,
		   .wrong = "must be non-negative"),
	{ 0 },
};

static const struct cs_field spec_fields[] = {
	FIELD("apiVersion", CS_FIELD_STRING, struct spec, api_version),
	FIELD("kind", CS_FIELD_STRING, struct spec, kind),
	FIELD("parallelism", CS_FIELD_INT, struct spec, parallelism, .min = 1, .max = INT32_MAX,
	      .wrong = "should be an integer value greater than zero"),
	FIELD("leaderElection", CS_FIELD_OBJECT, struct spec, leader_election,
	      .fields = election_fields),
	FIELD("clientConnection", CS_FIELD_OBJECT, struct spec, client_connection,
	      .fields = connection_fields),
	FIELD("enableProfiling", CS_FIELD_BOOL, struct spec, profiling),
	FIELD("enableContentionProfiling", CS_FIELD_BOOL, struct spec, contention_profiling),
	FIELD("percentageOfNodesToScore", CS_FIELD_INT, struct spec, percentage, PERCENTAGE),
	FIELD("podInitialBackoffSeconds", CS_FIELD_INT, struct spec, initial_backoff, .min = 1,
	      .max = SECONDS_MAX, .wrong = "must be greater than 0 and at most 1000000000"),
	FIELD("podMaxBackoffSeconds", CS_FIELD_INT, struct spec, max_backoff, .min = 0,
	      .max = SECONDS_MAX, .wrong = "must be non-negative and at most 1000000000"),
	FIELD("profiles", CS_FIELD_OBJECTS, struct spec, profiles, .fields = profile_fields,
	      .size = sizeof(struct profile_spec)),
	FIELD("extenders", CS_FIELD_ANY, struct spec, extenders),
	FIELD("delayCacheUntilActive", CS_FIELD_BOOL, struct spec, delay_cache),
	{ 0 },
};

// Reading in progress.
struct reading {
	const struct cs_plugin *const *plugins;
	struct cs_arena *arena;
	struct spec spec;
	struct warnings warnings;
	struct cs_config *config;
	struct cs_error *err;
};

// ---- the document ----

static int check_document(const struct reading *reading, struct json_object *document, bool again)
{
	const char *api_version = cs_value_string_at(document, "apiVersion");
	const char *kind = cs_value_string_at(document, "kind");
	int line = cs_value_line(document);
	if (!json_object_is_type(document, json_type_object))
		return cs_error_set(reading->err, -EINVAL, "expected an object, a %s", KIND);
	if (cs_string_equal(api_version, OWN_API_VERSION))
		return cs_error_set(reading->err, -EINVAL,
				    "line %d: apiVersion: %s is not known in this version", line,
				    OWN_API_VERSION);
	if (!cs_string_equal(api_version, API_VERSION))
		return cs_error_set(reading->err, -EINVAL,
				    "line %d: apiVersion: expected \"%s\", got \"%s\"", line,
				    API_VERSION, api_version ? api_version : "");
	if (!cs_string_equal(kind, KIND))
		return cs_error_set(reading->err, -EINVAL,
				    "line %d: kind: expected \"%s\", got \"%s\"", line, KIND,
				    kind ? kind : "");
	if (again)
		return cs_error_set(reading->err, -EINVAL, "line %d: a second %s", line, KIND);
	return 0;
}

// The one KubeSchedulerConfiguration of the file.
static int find_document(const struct reading *reading, struct json_object *documents,
			 struct json_object **ret)
{
	size_t count = json_object_array_length(documents);
	for (size_t i = 0; i < count; i++) {
		struct json_object *document = json_object_array_get_idx(documents, i);
		int r = check_document(reading, document, i > 0);
		if (r)
			return r;
		*ret = document;
	}
	if (count == 0)
		return cs_error_set(reading->err, -EINVAL, "no %s in it", KIND);
	return 0;
}

// ---- defaults and rules ----

static int64_t int_or(const struct cs_field_int *field, int64_t otherwise)
{
	return field->given ? field->value : otherwise;
}

// Upstream takes a zero duration, number or string as not given.
static int64_t nonzero_or(const struct cs_field_int *field, int64_t otherwise)
{
	return field->value ? field->value : otherwise;
}

static char *string_or(const char *s, const char *otherwise)
{
	return cs_strdup(s && *s ? s : otherwise);
}

static void fill_connections(struct reading *reading)
{
	const struct spec *spec = &reading->spec;
	struct cs_config *config = reading->config;
	config->leader_election.leader_elect =
		!spec->leader_election.elect.given || spec->leader_election.elect.value;
	config->leader_election.lease_duration =
		nonzero_or(&spec->leader_election.lease_duration, 15 * CS_SECOND);
	config->leader_election.renew_deadline =
		nonzero_or(&spec->leader_election.renew_deadline, 10 * CS_SECOND);
	config->leader_election.retry_period =
		nonzero_or(&spec->leader_election.retry_period, 2 * CS_SECOND);
	config->leader_election.resource_name =
		string_or(spec->leader_election.resource_name, "c-sched");
	config->leader_election.resource_namespace =
		string_or(spec->leader_election.resource_namespace, "kube-system");
	config->client_connection.kubeconfig = string_or(spec->client_connection.kubeconfig, "");
	config->client_connection.qps =
		spec->client_connection.qps.value != 0 ? spec->client_connection.qps.value : 50;
	config->client_connection.burst = (int)nonzero_or(&spec->client_connection.burst, 100);
}

static int check_lock(const struct reading *reading)
{
	const char *lock = reading->spec.leader_election.resource_lock;
	if (!reading->config->leader_election.leader_elect || !lock || !*lock ||
	    strcmp(lock, "leases") == 0)
		return 0;
	return cs_error_set(reading->err, -EINVAL,
			    "leaderElection.resourceLock: resourceLock value must be \"leases\", "
			    "got \"%s\"",
			    lock);
}

int cs_config_check_leader_election(const struct cs_config *config, struct cs_error *err)
{
	const int64_t lease = config->leader_election.lease_duration;
	const int64_t renew = config->leader_election.renew_deadline;
	const int64_t retry = config->leader_election.retry_period;
	const struct {
		const char *field;
		const char *words;
		bool broken;
	} rules[] = {
		{ "leaseDuration", "must be greater than zero", lease <= 0 },
		{ "renewDeadline", "must be greater than zero", renew <= 0 },
		{ "retryPeriod", "must be greater than zero", retry <= 0 },
		{ "leaseDuration", "must be greater than renewDeadline", lease <= renew },
		{ "renewDeadline", "must be greater than 1.2 times retryPeriod",
		  (double)renew <= 1.2 * (double)retry },
	};
	for (size_t i = 0; config->leader_election.leader_elect && i < CS_ARRAY_LENGTH(rules); i++)
		if (rules[i].broken)
			return cs_error_set(err, -EINVAL, "leaderElection.%s: %s", rules[i].field,
					    rules[i].words);
	return 0;
}

static int fill_backoff(struct reading *reading)
{
	int64_t initial = int_or(&reading->spec.initial_backoff, 1);
	int64_t max = int_or(&reading->spec.max_backoff, 10);
	if (max < initial)
		return cs_error_set(reading->err, -EINVAL,
				    "podMaxBackoffSeconds: %" PRId64
				    " must be greater than or equal to PodInitialBackoffSeconds",
				    max);
	reading->config->pod_initial_backoff = initial * CS_SECOND;
	reading->config->pod_max_backoff = max * CS_SECOND;
	reading->config->pod_max_in_unschedulable = 300 * CS_SECOND;
	return 0;
}

static int refuse_extenders(const struct reading *reading)
{
	struct json_object *extenders = reading->spec.extenders;
	if (!extenders || (json_object_is_type(extenders, json_type_array) &&
			   json_object_array_length(extenders) == 0))
		return 0;
	return cs_error_set(reading->err, -EINVAL,
			    "extenders: scheduler extenders are not implemented in this version");
}

// What is accepted and does nothing here is said once, in the log.
static void warn_without_effect(struct reading *reading)
{
	const struct spec *spec = &reading->spec;
	const char *accept = spec->client_connection.accept_content_types;
	const char *type = spec->client_connection.content_type;
	const struct {
		bool given;
		const char *field;
		const char *why;
	} rows[] = {
		{ spec->parallelism.given, "parallelism", "c-sched decides on one thread" },
		{ spec->percentage.given && spec->percentage.value != 100,
		  "percentageOfNodesToScore", "c-sched scores every node" },
		{ spec->profiling.given && spec->profiling.value, "enableProfiling",
		  "c-sched serves no profiles" },
		{ spec->contention_profiling.given && spec->contention_profiling.value,
		  "enableContentionProfiling", "c-sched serves no profiles" },
		{ spec->delay_cache.given && spec->delay_cache.value, "delayCacheUntilActive",
		  "c-sched watches while it waits to lead" },
		{ accept && *accept && strcmp(accept, PROTOBUF) != 0,
		  "clientConnection.acceptContentTypes", "c-sched speaks protobuf" },
		{ type && *type && strcmp(type, PROTOBUF) != 0, "clientConnection.contentType",
		  "c-sched speaks protobuf" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		if (rows[i].given)
			warnings_add(&reading->warnings, "%s has no effect: %s", rows[i].field,
				     rows[i].why);
	if (cs_string_equal(spec->leader_election.resource_name, UPSTREAM_LEASE) &&
	    reading->config->leader_election.leader_elect)
		warnings_add(&reading->warnings,
			     "leaderElection.resourceName is \"" UPSTREAM_LEASE
			     "\": c-sched and kube-scheduler will take turns, never run at once");
}

// ---- profiles ----

static int name_profiles(struct reading *reading)
{
	struct cs_field_list *list = &reading->spec.profiles;
	struct profile_spec *specs = list->items;
	if (list->count == 0) {
		specs = cs_arena_alloc(reading->arena, sizeof(*specs));
		*list = (struct cs_field_list){ .count = 1, .items = specs };
	}
	if (list->count == 1 && !specs[0].scheduler_name) {
		specs[0].scheduler_name = UPSTREAM_NAME;
		warnings_add(&reading->warnings,
			     "profiles[0].schedulerName is not given: c-sched serves "
			     "\"" UPSTREAM_NAME "\", the name of every pod that names none; "
			     "kube-scheduler must not run beside it");
	}
	for (uint32_t i = 0; i < list->count; i++) {
		if (!specs[i].scheduler_name || !*specs[i].scheduler_name)
			return cs_error_set(reading->err, -EINVAL,
					    "profiles[%" PRIu32 "].schedulerName: required", i);
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(specs[k].scheduler_name, specs[i].scheduler_name) == 0)
				return cs_error_set(reading->err, -EINVAL,
						    "profiles[%" PRIu32
						    "].schedulerName: \"%s\" is "
						    "the name of profiles[%" PRIu32 "] already",
						    i, specs[i].scheduler_name, k);
	}
	return 0;
}

static struct json_object *arguments_of(const struct profile_spec *spec, const char *plugin)
{
	const struct plugin_arguments *all = spec->plugin_config.items;
	for (uint32_t i = 0; i < spec->plugin_config.count; i++)
		if (cs_string_equal(all[i].name, plugin))
			return all[i].args;
	return NULL;
}

// One queue serves all profiles, so they must agree on its order.
static int check_queue_order(const struct reading *reading)
{
	const struct cs_config *config = reading->config;
	const struct profile_spec *specs = reading->spec.profiles.items;
	const struct cs_plugin *first = config->profiles[0]->queue_order->plugin;
	for (uint32_t i = 1; i < config->n_profiles; i++) {
		if (config->profiles[i]->queue_order->plugin != first)
			return cs_error_set(reading->err, -EINVAL,
					    "profiles[%" PRIu32 "].plugins.queueSort: must be the "
					    "same for all profiles",
					    i);
		if (!json_object_equal(arguments_of(&specs[i], first->name),
				       arguments_of(&specs[0], first->name)))
			return cs_error_set(reading->err, -EINVAL,
					    "profiles[%" PRIu32 "].pluginConfig: the arguments of "
					    "\"%s\" must be the same for all profiles",
					    i, first->name);
	}
	return 0;
}

static int make_profiles(struct reading *reading)
{
	struct cs_config *config = reading->config;
	const struct profile_spec *specs = reading->spec.profiles.items;
	config->profiles = cs_alloc_array(reading->spec.profiles.count, sizeof(*config->profiles));
	for (uint32_t i = 0; i < reading->spec.profiles.count; i++) {
		const struct profile_context context = {
			.plugins = reading->plugins,
			.path = cs_arena_printf(reading->arena, "profiles[%" PRIu32 "]", i),
			.warnings = &reading->warnings,
			.arena = reading->arena,
		};
		if (specs[i].percentage.given && specs[i].percentage.value != 100)
			warnings_add(&reading->warnings,
				     "%s.percentageOfNodesToScore has no effect: c-sched scores "
				     "every node",
				     context.path);
		int r = profile_create(&specs[i], &context, &config->profiles[i], reading->err);
		if (r)
			return r;
		config->n_profiles = i + 1;
	}
	return check_queue_order(reading);
}

// ---- all together ----

static int finish_config(struct reading *reading)
{
	fill_connections(reading);
	int r = check_lock(reading);
	if (!r)
		r = cs_config_check_leader_election(reading->config, reading->err);
	if (!r)
		r = fill_backoff(reading);
	if (!r)
		r = refuse_extenders(reading);
	if (!r)
		r = name_profiles(reading);
	if (!r)
		r = make_profiles(reading);
	return r;
}

static int read_file(struct reading *reading, struct cs_slice text)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	struct json_object *document = NULL;
	int r = cs_value_read_yaml(text, &documents, reading->err);
	if (!r)
		r = find_document(reading, documents, &document);
	if (!r)
		r = cs_fields_read(document, spec_fields, reading->arena, &reading->spec,
				   reading->err);
	if (!r)
		r = finish_config(reading);
	if (!r)
		warn_without_effect(reading);
	return r;
}

static int built_in(struct reading *reading)
{
	struct profile_spec *spec = cs_arena_alloc(reading->arena, sizeof(*spec));
	spec->scheduler_name = CS_CONFIG_BUILT_IN_PROFILE;
	reading->spec.profiles = (struct cs_field_list){ .count = 1, .items = spec };
	return finish_config(reading);
}

int cs_config_read(const char *file_name, struct cs_slice text,
		   const struct cs_plugin *const *plugins, struct cs_config **ret,
		   struct cs_error *err)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct reading reading = {
		.plugins = plugins,
		.arena = arena,
		.config = cs_alloc(sizeof(*reading.config)),
		.err = err,
	};
	int r = text.data ? read_file(&reading, text) : built_in(&reading);
	reading.config->n_warnings = reading.warnings.count;
	reading.config->warnings = reading.warnings.list;
	if (r) {
		cs_config_destroy(reading.config);
		return text.data ? cs_error_prefix(err, "%s", file_name) : r;
	}
	*ret = reading.config;
	return 0;
}

void cs_config_destroy(struct cs_config *config)
{
	if (!config)
		return;
	for (uint32_t i = 0; i < config->n_profiles; i++)
		profile_destroy(config->profiles[i]);
	free(config->profiles);
	for (uint32_t i = 0; i < config->n_warnings; i++)
		free(config->warnings[i]);
	free(config->warnings);
	free(config->leader_election.resource_name);
	free(config->leader_election.resource_namespace);
	free(config->client_connection.kubeconfig);
	free(config);
}
