// LoadConfiguration v1alpha1: metrics and their sources. Neighbours: load_config.h; fields.c reads
// by table, load_queries.c has the queries that come with us, load_config_write.c prints.
#include <csched/framework/load_config.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/duration.h>
#include <csched/base/memory.h>
#include <csched/framework/fields.h>

#include "load_config_internal.h"

#define BUILTIN_PREFIX   "builtin:"
#define NAME_MAX_BYTES   63
#define ZONE_LABEL       "topology.kubernetes.io/zone"
#define INTERVAL_DEFAULT (15 * CS_SECOND)
#define INTERVAL_MAX     (3600 * CS_SECOND)
#define TIMEOUT_DEFAULT  (10 * CS_SECOND)
#define TIMEOUT_MAX      (300 * CS_SECOND)
#define TTL_DEFAULT      (120 * CS_SECOND)
#define TTL_MAX          (24 * 3600 * CS_SECOND)
#define RAMP_DEFAULT     (60 * CS_SECOND)
#define WINDOW_MAX       (3600 * CS_SECOND)
#define BODY_DEFAULT     (32 << 20)
#define BODY_MAX         (1 << 30)
#define SOURCES_MAX      16

// ---- the document as it is written ----

struct metric_spec {
	const char *name;
	const char *kind;
	const char *unit;
	struct cs_field_bool higher_is_better;
	struct cs_field_number min;
	struct cs_field_number max;
	struct cs_field_int ttl;
	struct cs_field_int ramp;
	struct cs_field_number per_pod;
	const char *topology;
};

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

struct tls_spec {
	const char *ca_file;
	const char *certificate_file;
	const char *key_file;
	const char *server_name;
	struct cs_field_bool insecure;
};

struct basic_spec {
	const char *username;
	const char *password_file;
};

struct source_spec {
	const char *name;
	const char *type;
	struct cs_field_int interval;
	struct cs_field_int timeout;
	struct cs_field_int body_max;
	struct cs_field_bool pods;
	struct cs_field_list metrics; // of const char *
	const char *url;
	struct tls_spec tls;
	const char *token_file;
	struct basic_spec basic;
	struct cs_field_list queries; // of struct query_spec
};

struct spec {
	const char *api_version;
	const char *kind;
	struct cs_field_list metrics; // of struct metric_spec
	struct cs_field_list sources; // of struct source_spec
};

static const struct cs_field metric_fields[] = {
	CS_FIELD("name", CS_FIELD_STRING, struct metric_spec, name),
	CS_FIELD("kind", CS_FIELD_STRING, struct metric_spec, kind),
	CS_FIELD("unit", CS_FIELD_STRING, struct metric_spec, unit),
	CS_FIELD("higherIsBetter", CS_FIELD_BOOL, struct metric_spec, higher_is_better),
	CS_FIELD("min", CS_FIELD_NUMBER, struct metric_spec, min),
	CS_FIELD("max", CS_FIELD_NUMBER, struct metric_spec, max),
	CS_FIELD("timeToLive", CS_FIELD_DURATION, struct metric_spec, ttl),
	CS_FIELD("rampUp", CS_FIELD_DURATION, struct metric_spec, ramp),
	CS_FIELD("perPod", CS_FIELD_NUMBER, struct metric_spec, per_pod),
	CS_FIELD("topologyKey", CS_FIELD_STRING, struct metric_spec, topology),
	{ 0 },
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

static const struct cs_field source_fields[] = {
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

static const struct cs_field spec_fields[] = {
	CS_FIELD("apiVersion", CS_FIELD_STRING, struct spec, api_version),
	CS_FIELD("kind", CS_FIELD_STRING, struct spec, kind),
	CS_FIELD("metrics", CS_FIELD_OBJECTS, struct spec, metrics, .fields = metric_fields,
		 .size = sizeof(struct metric_spec)),
	CS_FIELD("sources", CS_FIELD_OBJECTS, struct spec, sources, .fields = source_fields,
		 .size = sizeof(struct source_spec)),
	{ 0 },
};

const char *const load_kind_names[] = {
	[CS_LOAD_USAGE] = "Usage",
	[CS_LOAD_COUNT] = "Count",
	[CS_LOAD_LEVEL] = "Level",
	[CS_LOAD_PAIR] = "Pair",
	NULL,
};
const char *const load_source_names[] = {
	[CS_LOAD_METRICS_API] = "MetricsAPI",
	[CS_LOAD_PROMETHEUS] = "Prometheus",
	[CS_LOAD_NODE_ANNOTATIONS] = "NodeAnnotations",
	NULL,
};

// What is known without a word in the file.
static const struct cs_load_metric known_metrics[] = {
	{ .name = CS_LOAD_CPU,
	  .unit = "milli-CPU",
	  .kind = CS_LOAD_USAGE,
	  .max = 1e8,
	  .ttl = TTL_DEFAULT,
	  .ramp = 60 * CS_SECOND },
	{ .name = CS_LOAD_MEMORY,
	  .unit = "bytes",
	  .kind = CS_LOAD_USAGE,
	  .max = 1e15,
	  .ttl = TTL_DEFAULT,
	  .ramp = 120 * CS_SECOND },
	{ .name = CS_LOAD_CONNECTIONS,
	  .unit = "connections",
	  .kind = CS_LOAD_COUNT,
	  .max = 1e9,
	  .ttl = TTL_DEFAULT,
	  .ramp = 300 * CS_SECOND,
	  .per_pod = 10 },
	{ .name = CS_LOAD_RESPONSE,
	  .unit = "seconds",
	  .kind = CS_LOAD_LEVEL,
	  .max = 3600,
	  .ttl = TTL_DEFAULT },
	{ .name = CS_LOAD_LATENCY,
	  .unit = "seconds",
	  .kind = CS_LOAD_PAIR,
	  .max = 3600,
	  .ttl = TTL_DEFAULT,
	  .topology = ZONE_LABEL },
};

struct reading {
	struct cs_arena *arena;
	struct spec spec;
	struct cs_load_config *config;
	const char **used; // by metric: the path of what gives it, NULL = nothing yet
	struct cs_errors *errors;
};

// ---- small things ----

static char *copy_string(const char *s)
{
	return s && *s ? cs_strdup(s) : NULL;
}

__attribute__((format(printf, 2, 3))) static const char *path_of(const struct reading *reading,
								 const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	char *text = NULL;
	int size = vasprintf(&text, format, ap);
	va_end(ap);
	const char *path = size < 0 ? "" : cs_arena_strndup(reading->arena, text, (size_t)size);
	if (size >= 0)
		free(text);
	return path;
}

static const char *below(const struct reading *reading, const char *path, const char *name)
{
	return cs_arena_printf(reading->arena, "%s.%s", path, name);
}

// The place of a name in a list that ends with NULL; its length where it is not there.
static uint32_t index_of(const char *const *names, const char *name)
{
	uint32_t i = 0;
	while (names[i] && strcmp(names[i], name) != 0)
		i++;
	return i;
}

// A duration between bounds, or the default.
struct duration_rule {
	const char *name;
	int64_t otherwise;
	int64_t min;
	int64_t max;
};

static int64_t read_duration(const struct reading *reading, const char *path,
			     const struct cs_field_int *field, struct duration_rule rule)
{
	if (!field->given)
		return rule.otherwise;
	if (field->value >= rule.min && field->value <= rule.max)
		return field->value;
	cs_errors_invalid_duration(reading->errors, below(reading, path, rule.name), field->value,
				   rule.min, rule.max);
	return rule.otherwise;
}

// ---- metrics ----

static uint32_t find_metric(const struct cs_load_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->n_metrics; i++)
		if (strcmp(config->metrics[i].name, name) == 0)
			return i;
	return CS_LOAD_METRIC_NONE;
}

static const struct cs_load_metric *find_known(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(known_metrics); i++)
		if (strcmp(known_metrics[i].name, name) == 0)
			return &known_metrics[i];
	return NULL;
}

bool cs_load_config_knows(const char *metric)
{
	return find_known(metric) != NULL;
}

static bool is_metric_name(const char *name)
{
	static const char others[] = "._-/";
	size_t length = strlen(name);
	for (const char *at = name; *at; at++)
		if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
		      (*at >= '0' && *at <= '9') || strchr(others, *at)))
			return false;
	return length > 0 && length <= NAME_MAX_BYTES;
}

// Adds the metric; strings are copied. CS_LOAD_METRIC_NONE: there are too many.
static uint32_t add_metric(struct reading *reading, const struct cs_load_metric *metric)
{
	struct cs_load_config *config = reading->config;
	if (config->n_metrics == CS_LOAD_METRICS_MAX)
		return CS_LOAD_METRIC_NONE;
	struct cs_load_metric *mine = &config->metrics[config->n_metrics];
	*mine = *metric;
	mine->name = cs_strdup(metric->name);
	mine->unit = copy_string(metric->unit);
	mine->topology = copy_string(metric->topology);
	return config->n_metrics++;
}

static void too_many_metrics(const struct reading *reading, const char *path)
{
	cs_errors_add(reading->errors, path, "more than %d metrics are in use",
		      CS_LOAD_METRICS_MAX);
}

// A metric of the file, or one that is known without. CS_LOAD_METRIC_NONE: neither; it is said.
static uint32_t resolve_metric(struct reading *reading, const char *path, const char *name)
{
	if (!name || !*name) {
		cs_errors_required(reading->errors, path, "");
		return CS_LOAD_METRIC_NONE;
	}
	uint32_t found = find_metric(reading->config, name);
	const struct cs_load_metric *known = find_known(name);
	if (found == CS_LOAD_METRIC_NONE && known) {
		found = add_metric(reading, known);
		if (found == CS_LOAD_METRIC_NONE)
			too_many_metrics(reading, path);
	} else if (found == CS_LOAD_METRIC_NONE) {
		cs_errors_add(reading->errors, path,
			      "Not found: \"%s\" is neither in metrics nor one of cpu, memory, "
			      "connections, responseTime, latency",
			      name);
	}
	return found;
}

// Takes the metric for a source.
static uint32_t take_metric(struct reading *reading, const char *path, const char *name)
{
	uint32_t metric = resolve_metric(reading, path, name);
	if (metric == CS_LOAD_METRIC_NONE)
		return metric;
	if (reading->used[metric])
		cs_errors_invalid_string(
			reading->errors, path, name,
			path_of(reading, "%s has it already", reading->used[metric]));
	reading->used[metric] = path;
	return metric;
}

static void read_kind(const struct reading *reading, const struct metric_spec *spec,
		      const char *path, struct cs_load_metric *metric)
{
	if (!spec->kind) {
		if (!find_known(spec->name))
			cs_errors_required(reading->errors, below(reading, path, "kind"), "");
		return;
	}
	uint32_t kind = index_of(load_kind_names, spec->kind);
	if (!load_kind_names[kind])
		cs_errors_unsupported(reading->errors, below(reading, path, "kind"), spec->kind,
				      load_kind_names);
	else if (find_known(spec->name) && metric->kind != (enum cs_load_kind)kind)
		cs_errors_invalid_string(reading->errors, below(reading, path, "kind"), spec->kind,
					 path_of(reading, "the kind of %s is %s", spec->name,
						 load_kind_names[metric->kind]));
	else
		metric->kind = (enum cs_load_kind)kind;
}

static void read_range(const struct reading *reading, const struct metric_spec *spec,
		       const char *path, struct cs_load_metric *metric)
{
	bool adds_up = metric->kind == CS_LOAD_USAGE || metric->kind == CS_LOAD_COUNT;
	if (spec->min.given)
		metric->min = spec->min.value;
	if (spec->max.given)
		metric->max = spec->max.value;
	if (metric->max <= metric->min)
		cs_errors_add(reading->errors, below(reading, path, "max"),
			      "Invalid value: %g: must be greater than min", metric->max);
	if (metric->min < 0 && metric->kind != CS_LOAD_LEVEL)
		cs_errors_add(reading->errors, below(reading, path, "min"),
			      "Invalid value: %g: must not be negative", metric->min);
	if (spec->per_pod.given)
		metric->per_pod = spec->per_pod.value;
	if (spec->per_pod.given && !(metric->per_pod > 0 && metric->per_pod <= 1e9))
		cs_errors_add(reading->errors, below(reading, path, "perPod"),
			      "Invalid value: %g: must be greater than 0 and at most 1e9",
			      metric->per_pod);
	const struct {
		bool given;
		bool allowed;
		const char *name;
		const char *words;
	} rules[] = {
		{ spec->per_pod.given, metric->kind == CS_LOAD_COUNT, "perPod",
		  "only for metrics of kind Count" },
		{ spec->higher_is_better.given, metric->kind == CS_LOAD_LEVEL, "higherIsBetter",
		  "only for metrics of kind Level" },
		{ spec->ramp.given, adds_up, "rampUp", "only for metrics of kind Usage or Count" },
		{ spec->topology, metric->kind == CS_LOAD_PAIR, "topologyKey",
		  "only for metrics of kind Pair" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rules); i++)
		if (rules[i].given && !rules[i].allowed)
			cs_errors_forbidden(reading->errors, below(reading, path, rules[i].name),
					    rules[i].words);
}

// What is not known by itself and not in the file either.
static void default_metric(struct cs_load_metric *metric)
{
	metric->max = INFINITY;
	metric->ttl = TTL_DEFAULT;
	if (metric->kind == CS_LOAD_USAGE || metric->kind == CS_LOAD_COUNT)
		metric->ramp = RAMP_DEFAULT;
	if (metric->kind == CS_LOAD_COUNT)
		metric->per_pod = 1;
	if (metric->kind == CS_LOAD_PAIR)
		metric->topology = ZONE_LABEL;
}

static void read_metric(struct reading *reading, const struct metric_spec *spec, const char *path)
{
	const char *name_path = below(reading, path, "name");
	if (!spec->name || !*spec->name) {
		cs_errors_required(reading->errors, name_path, "");
		return;
	}
	if (!is_metric_name(spec->name)) {
		cs_errors_invalid_string(reading->errors, name_path, spec->name,
					 "must be 1 to 63 letters, digits or any of . _ - /");
		return;
	}
	if (find_metric(reading->config, spec->name) != CS_LOAD_METRIC_NONE) {
		cs_errors_duplicate(reading->errors, name_path, spec->name);
		return;
	}
	const struct cs_load_metric *known = find_known(spec->name);
	struct cs_load_metric metric = known ? *known : (struct cs_load_metric){ 0 };
	read_kind(reading, spec, path, &metric);
	if (!known)
		default_metric(&metric);
	metric.name = spec->name;
	metric.unit = spec->unit && *spec->unit ? spec->unit : metric.unit;
	metric.topology = spec->topology && *spec->topology ? spec->topology : metric.topology;
	if (spec->higher_is_better.given)
		metric.higher_is_better = spec->higher_is_better.value;
	metric.ttl = read_duration(
		reading, path, &spec->ttl,
		(struct duration_rule){ "timeToLive", metric.ttl, CS_SECOND, TTL_MAX });
	metric.ramp = read_duration(reading, path, &spec->ramp,
				    (struct duration_rule){ "rampUp", metric.ramp, 0, TTL_MAX });
	read_range(reading, spec, path, &metric);
	if (add_metric(reading, &metric) == CS_LOAD_METRIC_NONE)
		too_many_metrics(reading, path);
}

static void read_metrics(struct reading *reading)
{
	const struct metric_spec *specs = reading->spec.metrics.items;
	for (uint32_t i = 0; i < reading->spec.metrics.count; i++)
		read_metric(reading, &specs[i], path_of(reading, "metrics[%" PRIu32 "]", i));
}

// ---- sources ----

static void read_query_text(const struct reading *reading, const struct query_spec *spec,
			    const char *path, struct cs_load_query *query)
{
	const char *query_path = below(reading, path, "query");
	query->limit = copy_string(spec->limit);
	query->time = copy_string(spec->time);
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
		cs_errors_invalid_string(reading->errors, query_path, spec->query,
					 path_of(reading, "measures %s", builtin->metric));
	query->query = cs_strdup(builtin->query);
	if (!query->limit)
		query->limit = copy_string(builtin->limit);
	if (!query->time)
		query->time = copy_string(builtin->time);
	query->window = CS_LOAD_BUILTIN_WINDOW;
}

static void read_query(struct reading *reading, const struct query_spec *spec, const char *path,
		       struct cs_load_query *query)
{
	query->metric = take_metric(reading, below(reading, path, "metric"), spec->metric);
	read_query_text(reading, spec, path, query);
	query->window =
		read_duration(reading, path, &spec->window,
			      (struct duration_rule){ "window", query->window, 0, WINDOW_MAX });
	query->scale = spec->scale.given ? spec->scale.value : 1;
	query->label = copy_string(spec->label);
	query->to_label = copy_string(spec->to_label);
	if (!isfinite(query->scale) || query->scale == 0)
		cs_errors_add(reading->errors, below(reading, path, "scale"),
			      "Invalid value: %g: must not be zero", query->scale);
	if (query->metric == CS_LOAD_METRIC_NONE)
		return;
	enum cs_load_kind kind = reading->config->metrics[query->metric].kind;
	if (query->to_label && kind != CS_LOAD_PAIR)
		cs_errors_forbidden(reading->errors, below(reading, path, "toLabel"),
				    "only for metrics of kind Pair");
	if (spec->limit && kind != CS_LOAD_COUNT)
		cs_errors_forbidden(reading->errors, below(reading, path, "limit"),
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
	const char *url_path = below(reading, path, "url");
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
	source->url = copy_string(spec->url);
	source->ca_file = copy_string(spec->tls.ca_file);
	source->certificate_file = copy_string(spec->tls.certificate_file);
	source->key_file = copy_string(spec->tls.key_file);
	source->server_name = copy_string(spec->tls.server_name);
	source->insecure = spec->tls.insecure.value;
	source->token_file = copy_string(spec->token_file);
	source->username = copy_string(spec->basic.username);
	source->password_file = copy_string(spec->basic.password_file);
	if (!source->certificate_file != !source->key_file)
		cs_errors_required(
			reading->errors,
			below(reading, path, source->key_file ? "tls.certFile" : "tls.keyFile"),
			"certFile and keyFile go together");
	if (!source->username != !source->password_file)
		cs_errors_required(
			reading->errors,
			below(reading, path,
			      source->username ? "basicAuth.passwordFile" : "basicAuth.username"),
			"username and passwordFile go together");
	if (source->token_file && source->username)
		cs_errors_forbidden(reading->errors, below(reading, path, "basicAuth"),
				    "may not be used beside bearerTokenFile");
	if (spec->queries.count == 0)
		cs_errors_required(reading->errors, below(reading, path, "queries"), "");
	source->n_queries = spec->queries.count;
	source->queries = cs_alloc_array(spec->queries.count + 1, sizeof(*source->queries));
	for (uint32_t i = 0; i < spec->queries.count; i++)
		read_query(reading, &queries[i],
			   path_of(reading, "%s.queries[%" PRIu32 "]", path, i),
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
			given ? path_of(reading, "%s.metrics[%" PRIu32 "]", path, i) : path;
		uint32_t metric = take_metric(reading, at, names[i]);
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
			cs_errors_forbidden(reading->errors, below(reading, path, rules[i].name),
					    path_of(reading, "not for sources of type %s",
						    load_source_names[type]));
}

static void read_source(struct reading *reading, const struct source_spec *spec, const char *path,
			struct cs_load_source *source)
{
	const char *type_path = below(reading, path, "type");
	if (!spec->name || !*spec->name)
		cs_errors_required(reading->errors, below(reading, path, "name"), "");
	source->name = cs_strdup(spec->name ? spec->name : "");
	if (!spec->type || !*spec->type) {
		cs_errors_required(reading->errors, type_path, "");
		return;
	}
	uint32_t type = index_of(load_source_names, spec->type);
	if (!load_source_names[type]) {
		cs_errors_unsupported(reading->errors, type_path, spec->type, load_source_names);
		return;
	}
	source->type = (enum cs_load_source_type)type;
	check_fields(reading, spec, path, source->type);
	source->interval = read_duration(
		reading, path, &spec->interval,
		(struct duration_rule){ "interval", INTERVAL_DEFAULT, CS_SECOND, INTERVAL_MAX });
	source->timeout =
		read_duration(reading, path, &spec->timeout,
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

static void read_sources(struct reading *reading)
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
		const char *path = path_of(reading, "sources[%" PRIu32 "]", i);
		read_source(reading, &specs[i], path, &config->sources[i]);
		for (uint32_t k = 0; k < i; k++)
			if (*config->sources[i].name &&
			    strcmp(config->sources[k].name, config->sources[i].name) == 0)
				cs_errors_duplicate(reading->errors, below(reading, path, "name"),
						    config->sources[i].name);
	}
}

// One is kept. Those of the file come first among the metrics.
static void check_pairs(const struct reading *reading)
{
	const struct cs_load_config *config = reading->config;
	const char *first = NULL;
	for (uint32_t i = 0; i < config->n_metrics; i++) {
		if (config->metrics[i].kind != CS_LOAD_PAIR)
			continue;
		if (first)
			cs_errors_invalid_string(
				reading->errors,
				i < reading->spec.metrics.count
					? path_of(reading, "metrics[%" PRIu32 "].name", i)
					: reading->used[i],
				config->metrics[i].name,
				path_of(reading,
					"only one metric may be of kind Pair, and \"%s\" is",
					first));
		else
			first = config->metrics[i].name;
	}
}

// ---- all together ----

int cs_load_config_read(struct json_object *document, struct cs_load_config **ret,
			struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	uint32_t errors_before = errors->count;
	struct cs_load_config *config = cs_alloc(sizeof(*config));
	config->metrics = cs_alloc_array(CS_LOAD_METRICS_MAX, sizeof(*config->metrics));
	struct reading reading = {
		.arena = arena,
		.config = config,
		.used = cs_arena_alloc_array(arena, CS_LOAD_METRICS_MAX, sizeof(char *)),
		.errors = errors,
	};
	cs_fields_read(document, spec_fields, arena, &reading.spec, errors);
	read_metrics(&reading);
	read_sources(&reading);
	check_pairs(&reading);
	if (errors->count > errors_before) {
		cs_load_config_destroy(config);
		return -EINVAL;
	}
	*ret = config;
	return 0;
}

static void free_source(struct cs_load_source *source)
{
	for (uint32_t i = 0; i < source->n_queries; i++) {
		free(source->queries[i].query);
		free(source->queries[i].limit);
		free(source->queries[i].time);
		free(source->queries[i].label);
		free(source->queries[i].to_label);
	}
	char *const strings[] = {
		source->name,       source->url,           source->ca_file,
		source->key_file,   source->server_name,   source->certificate_file,
		source->token_file, source->password_file, source->username,
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(strings); i++)
		free(strings[i]);
	free(source->metrics);
	free(source->queries);
}

void cs_load_config_destroy(struct cs_load_config *config)
{
	if (!config)
		return;
	for (uint32_t i = 0; i < config->n_sources; i++)
		free_source(&config->sources[i]);
	for (uint32_t i = 0; i < config->n_metrics; i++) {
		free((char *)(uintptr_t)config->metrics[i].name);
		free((char *)(uintptr_t)config->metrics[i].unit);
		free((char *)(uintptr_t)config->metrics[i].topology);
	}
	free(config->metrics);
	free(config->sources);
	free(config);
}
