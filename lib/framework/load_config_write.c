// The LoadConfiguration in force, with nothing left to defaults. Neighbours: load_config.c reads it
// back as the same.
#include <csched/framework/load_config.h>

#include <math.h>

#include "load_config_internal.h"

static void member_number(struct cs_json_writer *json, const char *key, double value)
{
	cs_json_member_double(json, key, value);
}

static void member_if_given(struct cs_json_writer *json, const char *key, const char *value)
{
	if (value)
		cs_json_member_string(json, key, value);
}

static void write_metric(const struct cs_load_metric *metric, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "name", metric->name);
	cs_json_member_string(json, "kind", load_kind_names[metric->kind]);
	member_if_given(json, "unit", metric->unit);
	if (metric->kind == CS_LOAD_LEVEL)
		cs_json_member_bool(json, "higherIsBetter", metric->higher_is_better);
	member_number(json, "min", metric->min);
	if (isfinite(metric->max))
		member_number(json, "max", metric->max);
	cs_json_member_duration(json, "timeToLive", metric->ttl);
	if (metric->kind == CS_LOAD_USAGE || metric->kind == CS_LOAD_COUNT)
		cs_json_member_duration(json, "rampUp", metric->ramp);
	if (metric->kind == CS_LOAD_COUNT)
		member_number(json, "perPod", metric->per_pod);
	member_if_given(json, "topologyKey", metric->topology);
	cs_json_object_end(json);
}

static void write_query(const struct cs_load_config *config, const struct cs_load_query *query,
			struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "metric", config->metrics[query->metric].name);
	cs_json_member_string(json, "query", query->query);
	member_if_given(json, "limit", query->limit);
	member_if_given(json, "time", query->time);
	member_if_given(json, "nodeLabel", query->label);
	member_if_given(json, "toLabel", query->to_label);
	member_number(json, "scale", query->scale);
	cs_json_member_duration(json, "window", query->window);
	cs_json_object_end(json);
}

static void write_tls(const struct cs_load_source *source, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "tls");
	member_if_given(json, "caFile", source->ca_file);
	member_if_given(json, "certFile", source->certificate_file);
	member_if_given(json, "keyFile", source->key_file);
	member_if_given(json, "serverName", source->server_name);
	cs_json_member_bool(json, "insecureSkipVerify", source->insecure);
	cs_json_object_end(json);
}

static void write_prometheus(const struct cs_load_config *config,
			     const struct cs_load_source *source, struct cs_json_writer *json)
{
	cs_json_member_string(json, "url", source->url);
	write_tls(source, json);
	member_if_given(json, "bearerTokenFile", source->token_file);
	if (source->username) {
		cs_json_member_object_begin(json, "basicAuth");
		cs_json_member_string(json, "username", source->username);
		cs_json_member_string(json, "passwordFile", source->password_file);
		cs_json_object_end(json);
	}
	cs_json_member_array_begin(json, "queries");
	for (uint32_t i = 0; i < source->n_queries; i++)
		write_query(config, &source->queries[i], json);
	cs_json_array_end(json);
}

static void write_names(const struct cs_load_config *config, const struct cs_load_source *source,
			struct cs_json_writer *json)
{
	cs_json_member_array_begin(json, "metrics");
	for (uint32_t i = 0; i < source->n_metrics; i++)
		cs_json_string(json, config->metrics[source->metrics[i]].name);
	cs_json_array_end(json);
}

static void write_source(const struct cs_load_config *config, const struct cs_load_source *source,
			 struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "name", source->name);
	cs_json_member_string(json, "type", load_source_names[source->type]);
	if (source->type != CS_LOAD_NODE_ANNOTATIONS) {
		cs_json_member_duration(json, "interval", source->interval);
		cs_json_member_duration(json, "timeout", source->timeout);
		cs_json_member_int(json, "maxResponseBytes", (int64_t)source->body_max);
	}
	if (source->type == CS_LOAD_METRICS_API)
		cs_json_member_bool(json, "pods", source->pods);
	if (source->type == CS_LOAD_PROMETHEUS)
		write_prometheus(config, source, json);
	else
		write_names(config, source, json);
	cs_json_object_end(json);
}

void cs_load_config_write(const struct cs_load_config *config, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "apiVersion", CS_LOAD_CONFIG_API_VERSION);
	cs_json_member_string(json, "kind", CS_LOAD_CONFIG_KIND);
	cs_json_member_array_begin(json, "metrics");
	for (uint32_t i = 0; i < config->n_metrics; i++)
		write_metric(&config->metrics[i], json);
	cs_json_array_end(json);
	cs_json_member_array_begin(json, "sources");
	for (uint32_t i = 0; i < config->n_sources; i++)
		write_source(config, &config->sources[i], json);
	cs_json_array_end(json);
	cs_json_object_end(json);
}
