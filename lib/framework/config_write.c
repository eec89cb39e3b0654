// The configuration in force, as KubeSchedulerConfiguration v1 with nothing left to defaults.
// Neighbours: config.c reads it back as the same.
#include <csched/framework/config.h>

#include <errno.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/framework/fields.h>
#include <csched/framework/load_config.h>
#include <csched/framework/profile.h>

#include "spec.h"

static void write_election(const struct cs_config *config, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "leaderElection");
	cs_json_member_bool(json, "leaderElect", config->leader_election.leader_elect);
	cs_json_member_duration(json, "leaseDuration", config->leader_election.lease_duration);
	cs_json_member_duration(json, "renewDeadline", config->leader_election.renew_deadline);
	cs_json_member_duration(json, "retryPeriod", config->leader_election.retry_period);
	cs_json_member_string(json, "resourceLock", "leases");
	cs_json_member_string(json, "resourceName", config->leader_election.resource_name);
	cs_json_member_string(json, "resourceNamespace",
			      config->leader_election.resource_namespace);
	cs_json_object_end(json);
}

static void write_connection(const struct cs_config *config, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "clientConnection");
	cs_json_member_string(json, "kubeconfig", config->client_connection.kubeconfig);
	cs_json_member_string(json, "acceptContentTypes", CS_CONFIG_CONTENT_TYPE);
	cs_json_member_string(json, "contentType", CS_CONFIG_CONTENT_TYPE);
	cs_json_member_double(json, "qps", config->client_connection.qps);
	cs_json_member_int(json, "burst", config->client_connection.burst);
	cs_json_object_end(json);
}

static void write_point(const struct cs_profile_point *point, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, point->name);
	cs_json_member_array_begin(json, "enabled");
	for (uint32_t i = 0; i < point->n; i++) {
		cs_json_object_begin(json);
		cs_json_member_string(json, "name", point->entries[i].name);
		if (point->entries[i].weight)
			cs_json_member_int(json, "weight", point->entries[i].weight);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
	cs_json_object_end(json);
}

// Each point by itself, so multiPoint must add nothing.
static void write_plugins(const struct cs_profile *profile, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "plugins");
	cs_json_member_object_begin(json, point_names[POINT_MULTI]);
	cs_json_member_array_begin(json, "disabled");
	cs_json_object_begin(json);
	cs_json_member_string(json, "name", "*");
	cs_json_object_end(json);
	cs_json_array_end(json);
	cs_json_object_end(json);
	for (uint32_t i = 0; i < profile->n_points; i++)
		if (profile->points[i].n)
			write_point(&profile->points[i], json);
	cs_json_object_end(json);
}

static void write_arguments(const struct cs_plugin_instance *instance, struct cs_json_writer *json)
{
	CS_AUTO_FREE char *kind = cs_asprintf("%sArgs", instance->plugin->name);
	cs_json_object_begin(json);
	cs_json_member_string(json, "name", instance->plugin->name);
	cs_json_member_object_begin(json, "args");
	cs_json_member_string(json, "apiVersion", CS_CONFIG_API_VERSION);
	cs_json_member_string(json, "kind", kind);
	instance->plugin->write_args(instance->args, json);
	cs_json_object_end(json);
	cs_json_object_end(json);
}

static void write_profile(const struct cs_profile *profile, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "schedulerName", profile->scheduler_name);
	write_plugins(profile, json);
	cs_json_member_array_begin(json, "pluginConfig");
	for (uint32_t i = 0; i < profile->n_instances; i++)
		if (profile->instances[i].plugin->write_args)
			write_arguments(&profile->instances[i], json);
	cs_json_array_end(json);
	cs_json_object_end(json);
}

void cs_config_write(const struct cs_config *config, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "apiVersion", CS_CONFIG_API_VERSION);
	cs_json_member_string(json, "kind", CS_CONFIG_KIND);
	write_connection(config, json);
	write_election(config, json);
	cs_json_member_bool(json, "enableProfiling", false);
	cs_json_member_bool(json, "enableContentionProfiling", false);
	cs_json_member_bool(json, "delayCacheUntilActive", false);
	cs_json_member_int(json, "parallelism", 1);
	cs_json_member_int(json, "percentageOfNodesToScore", 100);
	cs_json_member_int(json, "podInitialBackoffSeconds",
			   config->pod_initial_backoff / CS_SECOND);
	cs_json_member_int(json, "podMaxBackoffSeconds", config->pod_max_backoff / CS_SECOND);
	cs_json_member_array_begin(json, "extenders");
	cs_json_array_end(json);
	cs_json_member_array_begin(json, "profiles");
	for (uint32_t i = 0; i < config->n_profiles; i++)
		write_profile(config->profiles[i], json);
	cs_json_array_end(json);
	cs_json_object_end(json);
}

// Appends what was written as JSON, as a YAML document.
static int print_document(struct cs_buffer *text, struct cs_buffer *out)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct cs_error err;
	if (text->overflow)
		return -EMSGSIZE;
	int r = cs_value_read_json(cs_buffer_slice(text), &tree, &err);
	return r ? r : cs_value_write_yaml(tree, out);
}

int cs_config_print(const struct cs_config *config, struct cs_buffer *out)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	cs_buffer_init(&text, out->max);
	cs_json_init(&json, &text);
	cs_config_write(config, &json);
	int r = print_document(&text, out);
	if (r || !config->load)
		return r;
	cs_buffer_clear(&text);
	cs_json_init(&json, &text);
	cs_load_config_write(config->load, &json);
	r = cs_buffer_append_string(out, "---\n");
	return r ? r : print_document(&text, out);
}
