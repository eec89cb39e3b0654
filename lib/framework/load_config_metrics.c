// The metrics of a LoadConfiguration, and those that are known without a word in the file.
// Neighbours: load_config_sources.c takes them by name.
#include "load_config_internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <csched/base/memory.h>

#define NAME_MAX_BYTES 63
#define ZONE_LABEL     "topology.kubernetes.io/zone"
#define TTL_DEFAULT    (120 * CS_SECOND)
#define TTL_MAX        (24 * 3600 * CS_SECOND)
#define RAMP_DEFAULT   (60 * CS_SECOND)

const struct cs_field load_metric_fields[] = {
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

const char *const load_kind_names[] = {
	[CS_LOAD_USAGE] = "Usage",
	[CS_LOAD_COUNT] = "Count",
	[CS_LOAD_LEVEL] = "Level",
	[CS_LOAD_PAIR] = "Pair",
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
	mine->unit = load_copy(metric->unit);
	mine->topology = load_copy(metric->topology);
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

uint32_t load_take_metric(struct reading *reading, const char *path, const char *name)
{
	uint32_t metric = resolve_metric(reading, path, name);
	if (metric == CS_LOAD_METRIC_NONE)
		return metric;
	if (reading->used[metric])
		cs_errors_invalid_string(reading->errors, path, name,
					 cs_arena_printf(reading->arena, "%s has it already",
							 reading->used[metric]));
	reading->used[metric] = path;
	return metric;
}

static void read_kind(const struct reading *reading, const struct metric_spec *spec,
		      const char *path, struct cs_load_metric *metric)
{
	if (!spec->kind) {
		if (!find_known(spec->name))
			cs_errors_required(reading->errors, load_below(reading, path, "kind"), "");
		return;
	}
	uint32_t kind = load_index_of(load_kind_names, spec->kind);
	if (!load_kind_names[kind])
		cs_errors_unsupported(reading->errors, load_below(reading, path, "kind"),
				      spec->kind, load_kind_names);
	else if (find_known(spec->name) && metric->kind != (enum cs_load_kind)kind)
		cs_errors_invalid_string(
			reading->errors, load_below(reading, path, "kind"), spec->kind,
			cs_arena_printf(reading->arena, "the kind of %s is %s", spec->name,
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
		cs_errors_add(reading->errors, load_below(reading, path, "max"),
			      "Invalid value: %g: must be greater than min", metric->max);
	if (metric->min < 0 && metric->kind != CS_LOAD_LEVEL)
		cs_errors_add(reading->errors, load_below(reading, path, "min"),
			      "Invalid value: %g: must not be negative", metric->min);
	if (spec->per_pod.given)
		metric->per_pod = spec->per_pod.value;
	if (spec->per_pod.given && !(metric->per_pod > 0 && metric->per_pod <= 1e9))
		cs_errors_add(reading->errors, load_below(reading, path, "perPod"),
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
			cs_errors_forbidden(reading->errors,
					    load_below(reading, path, rules[i].name),
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
	const char *name_path = load_below(reading, path, "name");
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
	metric.ttl = load_read_duration(
		reading, path, &spec->ttl,
		(struct duration_rule){ "timeToLive", metric.ttl, CS_SECOND, TTL_MAX });
	metric.ramp =
		load_read_duration(reading, path, &spec->ramp,
				   (struct duration_rule){ "rampUp", metric.ramp, 0, TTL_MAX });
	read_range(reading, spec, path, &metric);
	if (add_metric(reading, &metric) == CS_LOAD_METRIC_NONE)
		too_many_metrics(reading, path);
}

void load_read_metrics(struct reading *reading)
{
	const struct metric_spec *specs = reading->spec.metrics.items;
	for (uint32_t i = 0; i < reading->spec.metrics.count; i++)
		read_metric(reading, &specs[i],
			    cs_arena_printf(reading->arena, "metrics[%" PRIu32 "]", i));
}

// Those of the file come first among the metrics.
void load_check_pairs(const struct reading *reading)
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
					? cs_arena_printf(reading->arena,
							  "metrics[%" PRIu32 "].name", i)
					: reading->used[i],
				config->metrics[i].name,
				cs_arena_printf(
					reading->arena,
					"only one metric may be of kind Pair, and \"%s\" is",
					first));
		else
			first = config->metrics[i].name;
	}
}
