// KubeSchedulerConfiguration v1: tables for every object, upstream's defaults and rules.
// Neighbours: fields.c reads by table, profile.c merges plugins; mirrors pkg/scheduler/apis/config.
#include <csched/framework/config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/json_writer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/framework/fields.h>
#include <csched/framework/load_config.h>
#include <csched/framework/profile.h>

#include "metric_uses.h"
#include "spec.h"

#define UPSTREAM_NAME  "default-scheduler"
#define UPSTREAM_LEASE "kube-scheduler"
#define SECONDS_MAX    INT64_C(1000000000)
#define VALUE_MAX      4096 // bytes of a value in an error

// The file as it is written.
struct election_spec {
	struct cs_field_bool elect;
	struct cs_field_int lease_duration;
	struct cs_field_int renew_deadline;
	struct cs_field_int retry_period;
	const char *resource_lock;
	const char *resource_name;
	const char *resource_namespace;
};

struct connection_spec {
	const char *kubeconfig;
	const char *accept_content_types;
	const char *content_type;
	struct cs_field_number qps;
	struct cs_field_int burst;
};

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
	struct election_spec leader_election;
	struct connection_spec client_connection;
	struct cs_field_list profiles; // of struct profile_spec
	struct json_object *extenders;
};

#define PERCENTAGE .min = 0, .max = 100, .wrong = "not in valid range [0-100]"

static const struct cs_field entry_fields[] = {
	CS_FIELD("name", CS_FIELD_STRING, struct plugin_entry, name),
	CS_FIELD("weight", CS_FIELD_INT, struct plugin_entry, weight, .min = 0, .max = INT32_MAX,
		 .wrong = "must be a non-negative 32-bit integer"),
	{ 0 },
};

static const struct cs_field set_fields[] = {
	CS_FIELD("enabled", CS_FIELD_OBJECTS, struct plugin_set, enabled, .fields = entry_fields,
		 .size = sizeof(struct plugin_entry)),
	CS_FIELD("disabled", CS_FIELD_OBJECTS, struct plugin_set, disabled, .fields = entry_fields,
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
	CS_FIELD("name", CS_FIELD_STRING, struct plugin_arguments, name),
	CS_FIELD("args", CS_FIELD_ANY, struct plugin_arguments, args),
	{ 0 },
};

static const struct cs_field profile_fields[] = {
	CS_FIELD("schedulerName", CS_FIELD_STRING, struct profile_spec, scheduler_name),
	CS_FIELD("percentageOfNodesToScore", CS_FIELD_INT, struct profile_spec, percentage,
		 PERCENTAGE),
	CS_FIELD("plugins", CS_FIELD_OBJECT, struct profile_spec, points, .fields = plugins_fields),
	CS_FIELD("pluginConfig", CS_FIELD_OBJECTS, struct profile_spec, plugin_config,
		 .fields = arguments_fields, .size = sizeof(struct plugin_arguments)),
	{ 0 },
};

static const struct cs_field election_fields[] = {
	CS_FIELD("leaderElect", CS_FIELD_BOOL, struct election_spec, elect),
	CS_FIELD("leaseDuration", CS_FIELD_DURATION, struct election_spec, lease_duration),
	CS_FIELD("renewDeadline", CS_FIELD_DURATION, struct election_spec, renew_deadline),
	CS_FIELD("retryPeriod", CS_FIELD_DURATION, struct election_spec, retry_period),
	CS_FIELD("resourceLock", CS_FIELD_STRING, struct election_spec, resource_lock),
	CS_FIELD("resourceName", CS_FIELD_STRING, struct election_spec, resource_name),
	CS_FIELD("resourceNamespace", CS_FIELD_STRING, struct election_spec, resource_namespace),
	{ 0 },
};

static const struct cs_field connection_fields[] = {
	CS_FIELD("kubeconfig", CS_FIELD_STRING, struct connection_spec, kubeconfig),
	CS_FIELD("acceptContentTypes", CS_FIELD_STRING, struct connection_spec,
		 accept_content_types),
	CS_FIELD("contentType", CS_FIELD_STRING, struct connection_spec, content_type),
	CS_FIELD("qps", CS_FIELD_NUMBER, struct connection_spec, qps),
	CS_FIELD("burst", CS_FIELD_INT, struct connection_spec, burst, .min = 0, .max = INT32_MAX,
		 .wrong = "must be non-negative"),
	{ 0 },
};

static const struct cs_field spec_fields[] = {
	CS_FIELD("apiVersion", CS_FIELD_STRING, struct spec, api_version),
	CS_FIELD("kind", CS_FIELD_STRING, struct spec, kind),
	CS_FIELD("parallelism", CS_FIELD_INT, struct spec, parallelism, .min = 1, .max = INT32_MAX,
		 .wrong = "should be an integer value greater than zero"),
	CS_FIELD("leaderElection", CS_FIELD_OBJECT, struct spec, leader_election,
		 .fields = election_fields),
	CS_FIELD("clientConnection", CS_FIELD_OBJECT, struct spec, client_connection,
		 .fields = connection_fields),
	CS_FIELD("enableProfiling", CS_FIELD_BOOL, struct spec, profiling),
	CS_FIELD("enableContentionProfiling", CS_FIELD_BOOL, struct spec, contention_profiling),
	CS_FIELD("percentageOfNodesToScore", CS_FIELD_INT, struct spec, percentage, PERCENTAGE),
	CS_FIELD("podInitialBackoffSeconds", CS_FIELD_INT, struct spec, initial_backoff),
	CS_FIELD("podMaxBackoffSeconds", CS_FIELD_INT, struct spec, max_backoff),
	CS_FIELD("profiles", CS_FIELD_OBJECTS, struct spec, profiles, .fields = profile_fields,
		 .size = sizeof(struct profile_spec)),
	CS_FIELD("extenders", CS_FIELD_ANY, struct spec, extenders),
	CS_FIELD("delayCacheUntilActive", CS_FIELD_BOOL, struct spec, delay_cache),
	{ 0 },
};

// Reading in progress.
struct reading {
	const struct cs_plugin *const *plugins;
	struct cs_arena *arena;
	struct spec spec;
	struct warnings warnings;
	struct cs_config *config;
	struct cs_errors *errors;
	bool built_in; // without a file, or without this document in it
};

// ---- the document ----

static void read_main(struct reading *reading, struct json_object *document)
{
	cs_fields_read(document, spec_fields, reading->arena, &reading->spec, reading->errors);
}

static void read_load(struct reading *reading, struct json_object *document)
{
	reading->errors->at = CS_LOAD_CONFIG_KIND;
	cs_load_config_read(document, &reading->config->load, reading->errors);
	reading->errors->at = NULL;
}

// What a file may hold, each at most once.
static const struct {
	const char *api_version;
	const char *kind;
	void (*read)(struct reading *reading, struct json_object *document);
} documents[] = {
	{ CS_CONFIG_API_VERSION, CS_CONFIG_KIND, read_main },
	{ CS_LOAD_CONFIG_API_VERSION, CS_LOAD_CONFIG_KIND, read_load },
};
#define N_DOCUMENTS   CS_ARRAY_LENGTH(documents)
#define MAIN_DOCUMENT 0

// Which of `documents` it is; N_DOCUMENTS: none, as is said.
static size_t identify(const struct reading *reading, struct json_object *document,
		       const char *line)
{
	const char *api_version = cs_value_string_at(document, "apiVersion");
	const char *kind = cs_value_string_at(document, "kind");
	size_t near = 0;
	for (size_t i = 0; i < N_DOCUMENTS; i++) {
		if (!cs_string_equal(api_version, documents[i].api_version))
			continue;
		if (cs_string_equal(kind, documents[i].kind))
			return i;
		near = i;
	}
	if (!cs_string_equal(api_version, documents[near].api_version))
		cs_errors_add(reading->errors, line, "apiVersion: expected \"%s\", got \"%s\"",
			      documents[near].api_version, api_version ? api_version : "");
	else
		cs_errors_add(reading->errors, line, "kind: expected \"%s\", got \"%s\"",
			      documents[near].kind, kind ? kind : "");
	return N_DOCUMENTS;
}

// Reads all documents, in whatever order they stand. False: some are not what they should be.
static bool read_documents(struct reading *reading, struct json_object *list)
{
	struct json_object *found[N_DOCUMENTS] = { NULL };
	size_t count = json_object_array_length(list);
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		struct json_object *document = json_object_array_get_idx(list, i);
		if (!json_object_is_type(document, json_type_object)) {
			cs_errors_add(reading->errors, "", "expected an object, a %s",
				      CS_CONFIG_KIND);
			return false;
		}
		const char *line =
			cs_arena_printf(reading->arena, "line %d", cs_value_line(document));
		size_t which = identify(reading, document, line);
		if (which < N_DOCUMENTS && found[which])
			cs_errors_add(reading->errors, line, "a second %s", documents[which].kind);
		else if (which < N_DOCUMENTS)
			found[which] = document;
		good &= which < N_DOCUMENTS && found[which] == document;
	}
	if (count == 0)
		cs_errors_add(reading->errors, "", "no %s in it", CS_CONFIG_KIND);
	if (!good || count == 0)
		return false;
	for (size_t i = 0; i < N_DOCUMENTS; i++)
		if (found[i])
			documents[i].read(reading, found[i]);
	reading->built_in = !found[MAIN_DOCUMENT];
	return true;
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

static void check_lock(const struct reading *reading)
{
	const char *lock = reading->spec.leader_election.resource_lock;
	if (reading->config->leader_election.leader_elect && lock && *lock &&
	    strcmp(lock, "leases") != 0)
		cs_errors_invalid_string(reading->errors, "leaderElection.resourceLock", lock,
					 "resourceLock value must be \"leases\"");
}

// Calls `broken` for each rule that does not hold.
static void check_election(const struct cs_config *config,
			   void (*broken)(void *user, const char *path, const char *value,
					  const char *words),
			   void *user)
{
	const int64_t lease = config->leader_election.lease_duration;
	const int64_t renew = config->leader_election.renew_deadline;
	const int64_t retry = config->leader_election.retry_period;
	const struct {
		const char *path;
		int64_t value;
		const char *words;
		bool broken;
	} rules[] = {
		{ "leaderElection.leaseDuration", lease, "must be greater than zero", lease <= 0 },
		{ "leaderElection.renewDeadline", renew, "must be greater than zero", renew <= 0 },
		{ "leaderElection.retryPeriod", retry, "must be greater than zero", retry <= 0 },
		// The value upstream shows here is the other one.
		{ "leaderElection.leaseDuration", renew, "must be greater than `RenewDeadline`",
		  lease <= renew },
		{ "leaderElection.renewDeadline", renew,
		  "must be greater than 1.2 times retryPeriod",
		  (double)renew <= 1.2 * (double)retry },
	};
	for (size_t i = 0; config->leader_election.leader_elect && i < CS_ARRAY_LENGTH(rules);
	     i++) {
		CS_AUTO_BUFFER struct cs_buffer value;
		cs_buffer_init(&value, 64);
		cs_duration_print(&value, rules[i].value);
		if (rules[i].broken)
			broken(user, rules[i].path, value.data, rules[i].words);
	}
}

static void add_error(void *user, const char *path, const char *value, const char *words)
{
	cs_errors_invalid_string((struct cs_errors *)user, path, value, words);
}

static void set_first_error(void *user, const char *path, const char *value, const char *words)
{
	struct cs_error *err = user;
	if (!err->code)
		cs_error_set(err, -EINVAL, "%s: Invalid value: \"%s\": %s", path, value, words);
}

int cs_config_check_leader_election(const struct cs_config *config, struct cs_error *err)
{
	*err = (struct cs_error){ 0 };
	check_election(config, set_first_error, err);
	return err->code;
}

static void fill_backoff(struct reading *reading)
{
	int64_t initial = int_or(&reading->spec.initial_backoff, 1);
	int64_t max = int_or(&reading->spec.max_backoff, 10);
	if (initial <= 0)
		cs_errors_invalid_int(reading->errors, "podInitialBackoffSeconds", initial,
				      "must be greater than 0");
	if (max < initial)
		cs_errors_invalid_int(reading->errors, "podMaxBackoffSeconds", max,
				      "must be greater than or equal to PodInitialBackoffSeconds");
	else if (max > SECONDS_MAX)
		cs_errors_invalid_int(reading->errors, "podMaxBackoffSeconds", max,
				      "must be at most 1000000000");
	else if (initial > 0) {
		reading->config->pod_initial_backoff = initial * CS_SECOND;
		reading->config->pod_max_backoff = max * CS_SECOND;
	}
	reading->config->pod_max_in_unschedulable = 300 * CS_SECOND;
}

static void refuse_extenders(const struct reading *reading)
{
	struct json_object *extenders = reading->spec.extenders;
	if (extenders && (!json_object_is_type(extenders, json_type_array) ||
			  json_object_array_length(extenders) > 0))
		cs_errors_forbidden(reading->errors, "extenders",
				    "scheduler extenders are not implemented in this version");
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
		{ spec->parallelism.given && spec->parallelism.value != 1, "parallelism",
		  "c-sched decides on one thread" },
		{ spec->percentage.given && spec->percentage.value != 100,
		  "percentageOfNodesToScore", "c-sched scores every node" },
		{ spec->profiling.given && spec->profiling.value, "enableProfiling",
		  "c-sched serves no profiles" },
		{ spec->contention_profiling.given && spec->contention_profiling.value,
		  "enableContentionProfiling", "c-sched serves no profiles" },
		{ spec->delay_cache.given && spec->delay_cache.value, "delayCacheUntilActive",
		  "c-sched watches while it waits to lead" },
		{ accept && *accept && strcmp(accept, CS_CONFIG_CONTENT_TYPE) != 0,
		  "clientConnection.acceptContentTypes", "c-sched speaks protobuf" },
		{ type && *type && strcmp(type, CS_CONFIG_CONTENT_TYPE) != 0,
		  "clientConnection.contentType", "c-sched speaks protobuf" },
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

static bool has_name_of(const struct profile_spec *specs, uint32_t at, uint32_t *ret)
{
	for (uint32_t i = 0; i < at; i++) {
		if (cs_string_equal(specs[i].scheduler_name, specs[at].scheduler_name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static void name_profiles(struct reading *reading)
{
	struct cs_field_list *list = &reading->spec.profiles;
	struct profile_spec *specs = list->items;
	uint32_t other;
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
		const char *path =
			cs_arena_printf(reading->arena, "profiles[%" PRIu32 "].schedulerName", i);
		if (!specs[i].scheduler_name || !*specs[i].scheduler_name)
			cs_errors_required(reading->errors, path, "");
		else if (has_name_of(specs, i, &other))
			cs_errors_add(reading->errors, path,
				      "Duplicate value: \"%s\" is the name of profiles[%" PRIu32
				      "] already",
				      specs[i].scheduler_name, other);
	}
}

static struct json_object *arguments_of(const struct profile_spec *spec, const char *plugin)
{
	const struct plugin_arguments *all = spec->plugin_config.items;
	for (uint32_t i = 0; i < spec->plugin_config.count; i++)
		if (cs_string_equal(all[i].name, plugin))
			return all[i].args;
	return NULL;
}

static bool same_entries(const struct cs_field_list *a, const struct cs_field_list *b)
{
	const struct plugin_entry *x = a->items, *y = b->items;
	bool same = a->count == b->count;
	for (uint32_t i = 0; same && i < a->count; i++)
		same = cs_string_equal(x[i].name, y[i].name) &&
		       x[i].weight.value == y[i].weight.value;
	return same;
}

static void write_entries(struct cs_json_writer *json, const char *key,
			  const struct cs_field_list *list)
{
	const struct plugin_entry *entries = list->items;
	cs_json_key(json, key);
	if (list->count == 0) {
		cs_json_null(json);
		return;
	}
	cs_json_array_begin(json);
	for (uint32_t i = 0; i < list->count; i++) {
		cs_json_object_begin(json);
		cs_json_member_string(json, "Name", entries[i].name);
		cs_json_member_int(json, "Weight", entries[i].weight.value);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
}

// Upstream prints the set, by the names of Go.
static void add_other_order(const struct reading *reading, const char *path,
			    const struct plugin_set *set)
{
	CS_AUTO_BUFFER struct cs_buffer value;
	struct cs_json_writer json;
	cs_buffer_init(&value, VALUE_MAX);
	cs_json_init(&json, &value);
	cs_json_object_begin(&json);
	write_entries(&json, "Enabled", &set->enabled);
	write_entries(&json, "Disabled", &set->disabled);
	cs_json_object_end(&json);
	cs_errors_add(reading->errors, path, "Invalid value: %s: must be the same for all profiles",
		      value.data);
}

// Upstream wants each profile to say the same of queueSort, not only to mean the same.
static void check_queue_sort(const struct reading *reading)
{
	const struct profile_spec *specs = reading->spec.profiles.items;
	const struct plugin_set *first = &specs[0].points[POINT_QUEUE_SORT];
	if (first->enabled.count > 1)
		cs_errors_invalid_int(reading->errors, "profiles[0].plugins.queueSort.Enabled",
				      first->enabled.count,
				      "only one queue sort plugin can be enabled");
	for (uint32_t i = 1; i < reading->spec.profiles.count; i++) {
		const struct plugin_set *set = &specs[i].points[POINT_QUEUE_SORT];
		if (!same_entries(&set->enabled, &first->enabled) ||
		    !same_entries(&set->disabled, &first->disabled))
			add_other_order(reading,
					cs_arena_printf(reading->arena,
							"profiles[%" PRIu32 "].plugins.queueSort",
							i),
					set);
	}
}

// One queue serves all profiles, so they must agree on its order.
static void check_queue_order(const struct reading *reading)
{
	const struct cs_config *config = reading->config;
	const struct profile_spec *specs = reading->spec.profiles.items;
	const struct cs_plugin *first = config->profiles[0]->queue_order->plugin;
	for (uint32_t i = 1; i < config->n_profiles; i++) {
		const char *path = cs_arena_printf(reading->arena, "profiles[%" PRIu32 "]", i);
		if (config->profiles[i]->queue_order->plugin != first)
			cs_errors_add(reading->errors,
				      cs_arena_printf(reading->arena, "%s.plugins.queueSort", path),
				      "must be the same for all profiles");
		else if (!json_object_equal(arguments_of(&specs[i], first->name),
					    arguments_of(&specs[0], first->name)))
			cs_errors_add(reading->errors,
				      cs_arena_printf(reading->arena, "%s.pluginConfig", path),
				      "the arguments of \"%s\" must be the same for all profiles",
				      first->name);
	}
}

static void make_profiles(struct reading *reading)
{
	struct cs_config *config = reading->config;
	const struct profile_spec *specs = reading->spec.profiles.items;
	bool wrong = false;
	config->profiles = cs_alloc_array(reading->spec.profiles.count, sizeof(*config->profiles));
	for (uint32_t i = 0; i < reading->spec.profiles.count; i++) {
		const struct profile_context context = {
			.plugins = reading->plugins,
			.path = cs_arena_printf(reading->arena, "profiles[%" PRIu32 "]", i),
			.with_load = config->load || reading->built_in,
			.warnings = &reading->warnings,
			.arena = reading->arena,
		};
		if (specs[i].percentage.given && specs[i].percentage.value != 100)
			warnings_add(&reading->warnings,
				     "%s.percentageOfNodesToScore has no effect: c-sched scores "
				     "every node",
				     context.path);
		if (profile_create(&specs[i], &context, &config->profiles[config->n_profiles],
				   reading->errors) < 0)
			wrong = true;
		else
			config->n_profiles++;
	}
	if (!wrong)
		check_queue_order(reading);
}

// ---- all together ----

static void finish_config(struct reading *reading)
{
	fill_connections(reading);
	check_lock(reading);
	check_election(reading->config, add_error, reading->errors);
	fill_backoff(reading);
	refuse_extenders(reading);
	name_profiles(reading);
	check_queue_sort(reading);
	make_profiles(reading);
}

static void add_built_in(struct reading *reading)
{
	struct profile_spec *spec = cs_arena_alloc(reading->arena, sizeof(*spec));
	spec->scheduler_name = CS_CONFIG_BUILT_IN_PROFILE;
	reading->built_in = true;
	reading->config->built_in = true;
	reading->spec.profiles = (struct cs_field_list){ .count = 1, .items = spec };
}

static void read_file(struct reading *reading, struct cs_slice text)
{
	CS_AUTO_VALUE struct json_object *list = NULL;
	struct cs_error err;
	if (cs_value_read_yaml(text, &list, &err) < 0) {
		cs_errors_add(reading->errors, "", "%s", err.text);
		return;
	}
	if (!read_documents(reading, list))
		return;
	if (reading->built_in)
		add_built_in(reading);
	finish_config(reading);
	warn_without_effect(reading);
	if (reading->errors->count == 0)
		metric_uses_check(&(struct metric_uses){
			.config = reading->config,
			.specs = reading->spec.profiles.items,
			.warnings = &reading->warnings,
			.errors = reading->errors,
			.arena = reading->arena,
		});
}

static void built_in(struct reading *reading)
{
	add_built_in(reading);
	finish_config(reading);
}

int cs_config_read_all(struct cs_slice text, const struct cs_plugin *const *plugins,
		       struct cs_config **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct reading reading = {
		.plugins = plugins,
		.arena = arena,
		.config = cs_alloc(sizeof(*reading.config)),
		.errors = errors,
	};
	if (text.data)
		read_file(&reading, text);
	else
		built_in(&reading);
	reading.config->n_warnings = reading.warnings.count;
	reading.config->warnings = reading.warnings.list;
	if (errors->count) {
		cs_config_destroy(reading.config);
		return -EINVAL;
	}
	*ret = reading.config;
	return 0;
}

int cs_config_read(const char *file_name, struct cs_slice text,
		   const struct cs_plugin *const *plugins, struct cs_config **ret,
		   struct cs_error *err)
{
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	if (cs_config_read_all(text, plugins, ret, &errors) == 0)
		return 0;
	return cs_error_set(err, -EINVAL, "%s%s%s", text.data ? file_name : "",
			    text.data ? ": " : "", errors.list[0]);
}

void cs_config_destroy(struct cs_config *config)
{
	if (!config)
		return;
	for (uint32_t i = 0; i < config->n_profiles; i++)
		profile_destroy(config->profiles[i]);
	free(config->profiles);
	cs_load_config_destroy(config->load);
	for (uint32_t i = 0; i < config->n_warnings; i++)
		free(config->warnings[i]);
	free(config->warnings);
	free(config->leader_election.resource_name);
	free(config->leader_election.resource_namespace);
	free(config->client_connection.kubeconfig);
	free(config);
}
