// The sources of a LoadConfiguration: servers, their queries, and who may say what.
// Neighbours: load_config_metrics.c has the metrics; load_queries.c the queries that come with us.
#include "load_config_internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <csched/base/memory.h>

#define BUILTIN_PREFIX   "builtin:"
#define INTERVAL_DEFAULT (15 * CS_SECOND)
#define INTERVAL_MAX     (3600 * CS_SECOND)
#define TIMEOUT_DEFAULT  (10 * CS_SECOND)
#define TIMEOUT_MAX      (300 * CS_SECOND)
#define WINDOW_MAX       (3600 * CS_SECOND)
#define BODY_DEFAULT     (32 << 20)
#define BODY_MAX         (1 << 30)
#define SOURCES_MAX      16

struct query_spec {
	const char *metric;
	const char *query;
	const char *limit;
	const char *time;
	const char *label;
	const char *to_label;
	struct cs_field_number scale;
	struct cs_field_int window;
};

static const struct cs_field query_fields[] = {
	CS_FIELD("metric", CS_FIELD_STRING, struct query_spec, metric),
	CS_FIELD("query", CS_FIELD_STRING, struct query_spec, query),
	CS_FIELD("limit", CS_FIELD_STRING, struct query_spec, limit),
	CS_FIELD("time", CS_FIELD_STRING, struct query_spec, time),
	CS_FIELD("nodeLabel", CS_FIELD_STRING, struct query_spec, label),
	CS_FIELD("toLabel", CS_FIELD_STRING, struct query_spec, to_label),
	CS_FIELD("scale", CS_FIELD_NUMBER, struct query_spec, scale),
	CS_FIELD("window", CS_FIELD_DURATION, struct query_spec, window),
	{ 0 },
};

static const struct cs_field tls_fields[] = {
	CS_FIELD("caFile", CS_FIELD_STRING, struct tls_spec, ca_file),
	CS_FIELD("certFile", CS_FIELD_STRING, struct tls_spec, certificate_file),
	CS_FIELD("keyFile", CS_FIELD_STRING, struct tls_spec, key_file),
	CS_FIELD("serverName", CS_FIELD_STRING, struct tls_spec, server_name),
	CS_FIELD("insecureSkipVerify", CS_FIELD_BOOL, struct tls_spec, insecure),
	{ 0 },
};

static const struct cs_field basic_fields[] = {
	CS_FIELD("username", CS_FIELD_STRING, struct basic_spec, username),
	CS_FIELD("passwordFile", CS_FIELD_STRING, struct basic_spec, password_file),
	{ 0 },
};

const struct cs_field load_source_fields[] = {
	CS_FIELD("name", CS_FIELD_STRING, struct source_spec, name),
	CS_FIELD("type", CS_FIELD_STRING, struct source_spec, type),
	CS_FIELD("interval", CS_FIELD_DURATION, struct source_spec, interval),
	CS_FIELD("timeout", CS_FIELD_DURATION, struct source_spec, timeout),
	CS_FIELD("maxResponseBytes", CS_FIELD_INT, struct source_spec, body_max, .min = 1024,
		 .max = BODY_MAX),
	CS_FIELD("pods", CS_FIELD_BOOL, struct source_spec, pods),
	CS_FIELD("metrics", CS_FIELD_STRINGS, struct source_spec, metrics),
	CS_FIELD("url", CS_FIELD_STRING, struct source_spec, url),
	CS_FIELD("tls", CS_FIELD_OBJECT, struct source_spec, tls, .fields = tls_fields),
	CS_FIELD("bearerTokenFile", CS_FIELD_STRING, struct source_spec, token_file),
	CS_FIELD("basicAuth", CS_FIELD_OBJECT, struct source_spec, basic, .fields = basic_fields),
	CS_FIELD("queries", CS_FIELD_OBJECTS, struct source_spec, queries, .fields = query_fields,
		 .size = sizeof(struct query_spec)),
	{ 0 },
};

const char *const load_source_names[] = {
	[CS_LOAD_METRICS_API] = "MetricsAPI",
	[CS_LOAD_PROMETHEUS] = "Prometheus",
	[CS_LOAD_NODE_ANNOTATIONS] = "NodeAnnotations",
	NULL,
};

static void read_query_text(const struct reading *reading, const struct query_spec *spec,
			    const char *path, struct cs_load_query *query)
{
	const char *query_path = load_below(reading, path, "query");
	query->limit = load_copy(spec->limit);
	query->time = load_copy(spec->time);
	if (!spec->query || !*spec->query) {
		cs_errors_required(reading->errors, query_path, "");
		return;
	}
	if (!cs_string_prefix(spec->query, BUILTIN_PREFIX)) {
		query->query = cs_strdup(spec->query);
		return;
	}
	const struct cs_load_builtin *builtin =
		cs_load_builtin_query(spec->query + strlen(BUILTIN_PREFIX));
	if (!builtin) {
		cs_errors_invalid_string(reading->errors, query_path, spec->query,
					 "there is no such built-in query");
		return;
	}
	if (query->metric != CS_LOAD_METRIC_NONE &&
	    strcmp(reading->config->metrics[query->metric].name, builtin->metric) != 0)
		cs_errors_invalid_string(
			reading->errors, query_path, spec->query,
			cs_arena_printf(reading->arena, "measures %s", builtin->metric));
	query->query = cs_strdup(builtin->query);
	if (!query->limit)
		query->limit = load_copy(builtin->limit);
	if (!query->time)
		query->time = load_copy(builtin->time);
	query->window = CS_LOAD_BUILTIN_WINDOW;
}

static void read_query(struct reading *reading, const struct query_spec *spec, const char *path,
		       struct cs_load_query *query)
{
	query->metric =
		load_take_metric(reading, load_below(reading, path, "metric"), spec->metric);
	read_query_text(reading, spec, path, query);
	query->window = load_read_duration(
		reading, path, &spec->window,
		(struct duration_rule){ "window", query->window, 0, WINDOW_MAX });
	query->scale = spec->scale.given ? spec->scale.value : 1;
	query->label = load_copy(spec->label);
	query->to_label = load_copy(spec->to_label);
	if (!isfinite(query->scale) || query->scale == 0)
		cs_errors_add(reading->errors, load_below(reading, path, "scale"),
			      "Invalid value: %g: must not be zero", query->scale);
	if (query->metric == CS_LOAD_METRIC_NONE)
		return;
	enum cs_load_kind kind = reading->config->metrics[query->metric].kind;
	if (query->to_label && kind != CS_LOAD_PAIR)
		cs_errors_forbidden(reading->errors, load_below(reading, path, "toLabel"),
				    "only for metrics of kind Pair");
	if (spec->limit && kind != CS_LOAD_COUNT)
		cs_errors_forbidden(reading->errors, load_below(reading, path, "limit"),
				    "only for metrics of kind Count");
}

// What paths can be put behind. A password in it would be shown wherever the URL is.
static const char *judge_url(const char *url)
{
	const char *host = strstr(url, "://") + strlen("://");
	size_t length = strcspn(host, "/?#");
	if (length == 0 || *host == ':')
		return "there is no host in it";
	if (memchr(host, '@', length))
		return "must be without user name and password: basicAuth has them";
	if (strpbrk(host, "?#"))
		return "must end with the host, its port or a path: no ? or #";
	for (const char *at = url; *at; at++)
		if (*at <= ' ' || *at > '~')
			return "must be of printable ASCII characters";
	return NULL;
}

static void check_url(const struct reading *reading, const char *path, const char *url)
{
	const char *url_path = load_below(reading, path, "url");
	const char *wrong;
	if (!url || !*url)
		cs_errors_required(reading->errors, url_path, "");
	else if (!cs_string_prefix(url, "http://") && !cs_string_prefix(url, "https://"))
		cs_errors_invalid_string(reading->errors, url_path, url,
					 "must begin with http:// or https://");
	else if ((wrong = judge_url(url)))
		cs_errors_add(reading->errors, url_path, "Invalid value: %s", wrong);
}

static void read_prometheus(struct reading *reading, const struct source_spec *spec,
			    const char *path, struct cs_load_source *source)
{
	const struct query_spec *queries = spec->queries.items;
	check_url(reading, path, spec->url);
	source->url = load_copy(spec->url);
	source->ca_file = load_copy(spec->tls.ca_file);
	source->certificate_file = load_copy(spec->tls.certificate_file);
	source->key_file = load_copy(spec->tls.key_file);
	source->server_name = load_copy(spec->tls.server_name);
	source->insecure = spec->tls.insecure.value;
	source->token_file = load_copy(spec->token_file);
	source->username = load_copy(spec->basic.username);
	source->password_file = load_copy(spec->basic.password_file);
	if (!source->certificate_file != !source->key_file)
		cs_errors_required(reading->errors,
				   load_below(reading, path,
					      source->key_file ? "tls.certFile" : "tls.keyFile"),
				   "certFile and keyFile go together");
	if (!source->username != !source->password_file)
		cs_errors_required(reading->errors,
				   load_below(reading, path,
					      source->username ? "basicAuth.passwordFile"
							       : "basicAuth.username"),
				   "username and passwordFile go together");
	if (source->token_file && source->username)
		cs_errors_forbidden(reading->errors, load_below(reading, path, "basicAuth"),
				    "may not be used beside bearerTokenFile");
	if (spec->queries.count == 0)
		cs_errors_required(reading->errors, load_below(reading, path, "queries"), "");
	source->n_queries = spec->queries.count;
	source->queries = cs_alloc_array(spec->queries.count + 1, sizeof(*source->queries));
	for (uint32_t i = 0; i < spec->queries.count; i++)
		read_query(reading, &queries[i],
			   cs_arena_printf(reading->arena, "%s.queries[%" PRIu32 "]", path, i),
			   &source->queries[i]);
}

// The names, or where there are none, those of `otherwise`.
static void read_names(struct reading *reading, const struct cs_field_list *list, const char *path,
		       struct cs_load_source *source)
{
	static const char *const otherwise[] = { CS_LOAD_CPU, CS_LOAD_MEMORY };
	bool given = list->count > 0;
	const char *const *names = given ? (const char *const *)list->items : otherwise;
	uint32_t count = given ? list->count : CS_ARRAY_LENGTH(otherwise);
	source->metrics = cs_alloc_array(count + 1, sizeof(*source->metrics));
	for (uint32_t i = 0; i < count; i++) {
		const char *at =
			given ? cs_arena_printf(reading->arena, "%s.metrics[%" PRIu32 "]", path, i)
			      : path;
		uint32_t metric = load_take_metric(reading, at, names[i]);
		if (metric == CS_LOAD_METRIC_NONE)
			continue;
		const struct cs_load_metric *info = &reading->config->metrics[metric];
		bool is_api = source->type == CS_LOAD_METRICS_API;
		if (is_api && strcmp(info->name, CS_LOAD_CPU) != 0 &&
		    strcmp(info->name, CS_LOAD_MEMORY) != 0)
			cs_errors_invalid_string(reading->errors, at, info->name,
						 "the Metrics API has cpu and memory only");
		if (!is_api && (info->kind == CS_LOAD_PAIR || strchr(info->name, '/')))
			cs_errors_invalid_string(reading->errors, at, info->name,
						 "annotations carry no metrics of kind Pair or "
						 "with a / in the name");
		source->metrics[source->n_metrics++] = metric;
	}
}

// What only some types of sources have.
static void check_fields(const struct reading *reading, const struct source_spec *spec,
			 const char *path, enum cs_load_source_type type)
{
	enum { API = 1 << CS_LOAD_METRICS_API, PROM = 1 << CS_LOAD_PROMETHEUS };
	enum { NOTES = 1 << CS_LOAD_NODE_ANNOTATIONS };
	const struct {
		bool given;
		unsigned types;
		const char *name;
	} rules[] = {
		{ spec->interval.given, API | PROM, "interval" },
		{ spec->timeout.given, API | PROM, "timeout" },
		{ spec->body_max.given, API | PROM, "maxResponseBytes" },
		{ spec->pods.given, API, "pods" },
		{ spec->metrics.count > 0, API | NOTES, "metrics" },
		{ spec->url, PROM, "url" },
		{ spec->tls.ca_file || spec->tls.certificate_file || spec->tls.key_file ||
			  spec->tls.server_name || spec->tls.insecure.given,
		  PROM, "tls" },
		{ spec->token_file, PROM, "bearerTokenFile" },
		{ spec->basic.username || spec->basic.password_file, PROM, "basicAuth" },
		{ spec->queries.count > 0, PROM, "queries" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rules); i++)
		if (rules[i].given && !(rules[i].types & 1u << type))
			cs_errors_forbidden(
				reading->errors, load_below(reading, path, rules[i].name),
				cs_arena_printf(reading->arena, "not for sources of type %s",
						load_source_names[type]));
}

static void read_source(struct reading *reading, const struct source_spec *spec, const char *path,
			struct cs_load_source *source)
{
	const char *type_path = load_below(reading, path, "type");
	if (!spec->name || !*spec->name)
		cs_errors_required(reading->errors, load_below(reading, path, "name"), "");
	source->name = cs_strdup(spec->name ? spec->name : "");
	if (!spec->type || !*spec->type) {
		cs_errors_required(reading->errors, type_path, "");
		return;
	}
	uint32_t type = load_index_of(load_source_names, spec->type);
	if (!load_source_names[type]) {
		cs_errors_unsupported(reading->errors, type_path, spec->type, load_source_names);
		return;
	}
	source->type = (enum cs_load_source_type)type;
	check_fields(reading, spec, path, source->type);
	source->interval = load_read_duration(
		reading, path, &spec->interval,
		(struct duration_rule){ "interval", INTERVAL_DEFAULT, CS_SECOND, INTERVAL_MAX });
	source->timeout =
		load_read_duration(reading, path, &spec->timeout,
				   (struct duration_rule){ "timeout", TIMEOUT_DEFAULT,
							   100 * CS_MILLISECOND, TIMEOUT_MAX });
	source->body_max = spec->body_max.given ? (uint64_t)spec->body_max.value : BODY_DEFAULT;
	source->pods =
		source->type == CS_LOAD_METRICS_API && (!spec->pods.given || spec->pods.value);
	if (source->type == CS_LOAD_PROMETHEUS)
		read_prometheus(reading, spec, path, source);
	else
		read_names(reading, &spec->metrics, path, source);
}

void load_read_sources(struct reading *reading)
{
	struct cs_load_config *config = reading->config;
	const struct source_spec *specs = reading->spec.sources.items;
	uint32_t count = reading->spec.sources.count;
	if (count == 0)
		cs_errors_required(reading->errors, "sources", "");
	if (count > SOURCES_MAX) {
		cs_errors_add(reading->errors, "sources", "must have at most %d items",
			      SOURCES_MAX);
		return;
	}
	config->n_sources = count;
	config->sources = cs_alloc_array(count + 1, sizeof(*config->sources));
	for (uint32_t i = 0; i < count; i++) {
		const char *path = cs_arena_printf(reading->arena, "sources[%" PRIu32 "]", i);
		read_source(reading, &specs[i], path, &config->sources[i]);
		for (uint32_t k = 0; k < i; k++)
			if (*config->sources[i].name &&
			    strcmp(config->sources[k].name, config->sources[i].name) == 0)
				cs_errors_duplicate(reading->errors,
						    load_below(reading, path, "name"),
						    config->sources[i].name);
	}
}
