// Which metrics of load plugins go by, and which of them there are. Neighbours: metric_uses.h.
#include "metric_uses.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <csched/framework/load_config.h>
#include <csched/framework/profile.h>

// ---- what there is ----

static uint32_t find_metric(const struct cs_load_config *load, const char *name)
{
	for (uint32_t i = 0; i < load->n_metrics; i++)
		if (name ? strcmp(load->metrics[i].name, name) == 0
			 : load->metrics[i].kind == CS_LOAD_PAIR)
			return i;
	return CS_LOAD_METRIC_NONE;
}

// The path of what measures the metric; NULL = nothing does. *ret_query is the query, where it is
// one.
static const char *source_of(const struct metric_uses *uses, uint32_t metric,
			     const struct cs_load_query **ret_query)
{
	const struct cs_load_config *load = uses->config->load;
	*ret_query = NULL;
	for (uint32_t i = 0; i < load->n_sources; i++) {
		const struct cs_load_source *source = &load->sources[i];
		for (uint32_t k = 0; k < source->n_metrics; k++)
			if (source->metrics[k] == metric)
				return cs_arena_printf(uses->arena, "sources[%" PRIu32 "]", i);
		for (uint32_t k = 0; k < source->n_queries; k++) {
			if (source->queries[k].metric != metric)
				continue;
			*ret_query = &source->queries[k];
			return cs_arena_printf(uses->arena,
					       "sources[%" PRIu32 "].queries[%" PRIu32 "].metric",
					       i, k);
		}
	}
	return NULL;
}

// Why it is not known how much of the metric a node can take; NULL = it is.
static const char *why_never_full(const struct cs_load_metric *metric,
				  const struct cs_load_query *query)
{
	switch (metric->kind) {
	case CS_LOAD_USAGE:
		return NULL;
	case CS_LOAD_COUNT:
		return query && query->limit ? NULL : "no query tells its limit";
	case CS_LOAD_LEVEL:
		return isfinite(metric->max) ? NULL : "the metric has no max";
	case CS_LOAD_PAIR:
		break;
	}
	return "it is between two places";
}

// ---- what the file says of a plugin ----

static bool is_in(const struct cs_field_list *list, const char *name)
{
	const struct plugin_entry *entries = list->items;
	for (uint32_t i = 0; i < list->count; i++)
		if (cs_string_equal(entries[i].name, name))
			return true;
	return false;
}

static const struct plugin_arguments *arguments_of(const struct profile_spec *spec,
						   const char *name, uint32_t *ret_at)
{
	const struct plugin_arguments *all = spec->plugin_config.items;
	for (*ret_at = 0; *ret_at < spec->plugin_config.count; (*ret_at)++)
		if (cs_string_equal(all[*ret_at].name, name))
			return &all[*ret_at];
	return NULL;
}

static bool is_named(const struct profile_spec *spec, const char *name)
{
	uint32_t at;
	for (int point = POINT_MULTI; point < POINT_COUNT; point++)
		if (is_in(&spec->points[point].enabled, name))
			return true;
	return arguments_of(spec, name, &at) != NULL;
}

// ---- what plugins use ----

// A plugin of a profile.
struct user {
	const struct metric_uses *uses;
	uint32_t profile;
	const struct cs_plugin_instance *instance;
};

// Where the i-th metric that it goes by is named: the profile, where it is not.
static const char *place_of(const struct user *user, uint32_t i, const struct cs_metric_use *use)
{
	struct cs_arena *arena = user->uses->arena;
	uint32_t at;
	const struct plugin_arguments *given =
		arguments_of(&user->uses->specs[user->profile], user->instance->plugin->name, &at);
	if (!use->list || !given || !json_object_object_get_ex(given->args, use->list, NULL))
		return cs_arena_printf(arena, "profiles[%" PRIu32 "]", user->profile);
	return cs_arena_printf(
		arena, "profiles[%" PRIu32 "].pluginConfig[%" PRIu32 "].args.%s[%" PRIu32 "].name",
		user->profile, at, use->list, i);
}

// Nobody measures it. What nobody knows of either is taken for a slip of the pen.
static void judge_missing(const struct user *user, const char *place,
			  const struct cs_metric_use *use)
{
	const struct metric_uses *uses = user->uses;
	const char *name = use->metric ? use->metric : CS_LOAD_LATENCY;
	bool known = cs_load_config_knows(name) ||
		     find_metric(uses->config->load, use->metric) != CS_LOAD_METRIC_NONE;
	if (known)
		warnings_add(uses->warnings,
			     "%s: plugin \"%s\" goes without \"%s\": no source of the "
			     "LoadConfiguration has it",
			     place, user->instance->plugin->name, name);
	else
		cs_errors_add(uses->errors, place,
			      "Not found: \"%s\" is no metric of the LoadConfiguration", name);
}

static void judge_use(const struct user *user, uint32_t i, const struct cs_metric_use *use,
		      bool *used)
{
	const struct metric_uses *uses = user->uses;
	const struct cs_load_config *load = uses->config->load;
	const struct cs_load_query *query = NULL;
	uint32_t metric = find_metric(load, use->metric);
	bool measured = metric != CS_LOAD_METRIC_NONE && source_of(uses, metric, &query);
	const char *place = place_of(user, i, use);
	const char *why =
		measured && use->full ? why_never_full(&load->metrics[metric], query) : NULL;
	if (measured)
		used[metric] = true;
	if (!is_named(&uses->specs[user->profile], user->instance->plugin->name))
		return;
	if (!measured)
		judge_missing(user, place, use);
	else if (why)
		warnings_add(uses->warnings,
			     "%s: \"%s\" has no effect in plugin \"%s\", which asks how full "
			     "nodes are: %s",
			     place, load->metrics[metric].name, user->instance->plugin->name, why);
}

static void check_plugin(const struct user *user, bool *used)
{
	const struct metric_uses *uses = user->uses;
	const struct cs_plugin *plugin = user->instance->plugin;
	struct cs_metric_use use;
	if (!plugin->uses)
		return;
	if (!uses->config->load) {
		if (is_named(&uses->specs[user->profile], plugin->name))
			warnings_add(uses->warnings,
				     "profiles[%" PRIu32 "]: plugin \"%s\" has no say: there is no "
				     "LoadConfiguration",
				     user->profile, plugin->name);
		return;
	}
	for (uint32_t i = 0;
	     use = (struct cs_metric_use){ 0 }, plugin->uses(user->instance->args, i, &use); i++)
		judge_use(user, i, &use, used);
}

// ---- all together ----

static void check_unused(const struct metric_uses *uses, const bool *used)
{
	const struct cs_load_config *load = uses->config->load;
	const struct cs_load_query *query;
	for (uint32_t i = 0; load && i < load->n_metrics; i++) {
		const char *source = source_of(uses, i, &query);
		if (!source)
			warnings_add(uses->warnings,
				     CS_LOAD_CONFIG_KIND ".metrics[%" PRIu32
							 "] has no effect: no source has \"%s\"",
				     i, load->metrics[i].name);
		else if (!used[i])
			warnings_add(uses->warnings,
				     CS_LOAD_CONFIG_KIND ".%s: no plugin of any profile goes by "
							 "\"%s\"",
				     source, load->metrics[i].name);
	}
}

void metric_uses_check(const struct metric_uses *uses)
{
	bool used[CS_LOAD_METRICS_MAX] = { false };
	for (uint32_t i = 0; i < uses->config->n_profiles; i++) {
		const struct cs_profile *profile = uses->config->profiles[i];
		for (uint32_t k = 0; k < profile->n_instances; k++)
			check_plugin(&(struct user){ uses, i, &profile->instances[k] }, used);
	}
	check_unused(uses, used);
}
