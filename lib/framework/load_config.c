// LoadConfiguration v1alpha1: metrics and their sources. Neighbours: fields.c reads by table,
// load_config_metrics.c and load_config_sources.c judge, load_config_write.c prints.
#include "load_config_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

static const struct cs_field spec_fields[] = {
	CS_FIELD("apiVersion", CS_FIELD_STRING, struct spec, api_version),
	CS_FIELD("kind", CS_FIELD_STRING, struct spec, kind),
	CS_FIELD("metrics", CS_FIELD_OBJECTS, struct spec, metrics, .fields = load_metric_fields,
		 .size = sizeof(struct metric_spec)),
	CS_FIELD("sources", CS_FIELD_OBJECTS, struct spec, sources, .fields = load_source_fields,
		 .size = sizeof(struct source_spec)),
	{ 0 },
};

// ---- small things ----

char *load_copy(const char *s)
{
	return s && *s ? cs_strdup(s) : NULL;
}

const char *load_below(const struct reading *reading, const char *path, const char *name)
{
	return cs_arena_printf(reading->arena, "%s.%s", path, name);
}

uint32_t load_index_of(const char *const *names, const char *name)
{
	uint32_t i = 0;
	while (names[i] && strcmp(names[i], name) != 0)
		i++;
	return i;
}

int64_t load_read_duration(const struct reading *reading, const char *path,
			   const struct cs_field_int *field, struct duration_rule rule)
{
	if (!field->given)
		return rule.otherwise;
	if (field->value >= rule.min && field->value <= rule.max)
		return field->value;
	cs_errors_invalid_duration(reading->errors, load_below(reading, path, rule.name),
				   field->value, rule.min, rule.max);
	return rule.otherwise;
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
	load_read_metrics(&reading);
	load_read_sources(&reading);
	load_check_pairs(&reading);
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
