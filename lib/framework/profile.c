// Merges what the file says of a profile with the defaults, and makes the plugin instances.
// Neighbours: config.c reads the file; mirrors upstream's apis/config/v1/default_plugins.go and
// framework/runtime/framework.go (expandMultiPointPlugins).
#include <csched/framework/profile.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/framework/config.h>

#include "spec.h"
#include "upstream.h"

const char *const point_names[POINT_COUNT] = {
	[POINT_MULTI] = "multiPoint",
	[POINT_PRE_ENQUEUE] = "preEnqueue",
	[POINT_QUEUE_SORT] = "queueSort",
	[POINT_PRE_FILTER] = "preFilter",
	[POINT_FILTER] = "filter",
	[POINT_POST_FILTER] = "postFilter",
	[POINT_PRE_SCORE] = "preScore",
	[POINT_SCORE] = "score",
	[POINT_RESERVE] = "reserve",
	[POINT_PERMIT] = "permit",
	[POINT_PRE_BIND] = "preBind",
	[POINT_BIND] = "bind",
	[POINT_POST_BIND] = "postBind",
	[POINT_PLACEMENT_GENERATE] = "placementGenerate",
	[POINT_PLACEMENT_SCORE] = "placementScore",
};

// A plugin as chosen for a point: `plugin` is NULL for upstream's that are not implemented.
struct choice {
	const char *name;
	const struct cs_plugin *plugin;
	int64_t weight;
	unsigned points; // where it works
};

struct choices {
	uint32_t count;
	struct choice *items;
};

struct builder {
	const struct profile_spec *spec;
	const struct profile_context *context;
	struct cs_errors *errors;
	struct choices multi;               // merged with the defaults
	struct choices points[POINT_COUNT]; // what runs where, in order
	struct cs_profile *profile;
	bool merged; // the names were right
};

void warnings_add(struct warnings *warnings, const char *format, ...)
{
	va_list ap;
	char *words = NULL;
	va_start(ap, format);
	if (vasprintf(&words, format, ap) < 0)
		abort();
	va_end(ap);
	warnings->list =
		cs_realloc_array(warnings->list, warnings->count + 1, sizeof(*warnings->list));
	warnings->list[warnings->count++] = words;
}

// ---- names ----

static unsigned callbacks_of(const struct cs_plugin *plugin)
{
	return (plugin->pre_enqueue ? POINT_BIT(POINT_PRE_ENQUEUE) : 0) |
	       (plugin->queue_order ? POINT_BIT(POINT_QUEUE_SORT) : 0) |
	       (plugin->prepare_filter ? POINT_BIT(POINT_PRE_FILTER) : 0) |
	       (plugin->filter ? POINT_BIT(POINT_FILTER) : 0) |
	       (plugin->prepare_score ? POINT_BIT(POINT_PRE_SCORE) : 0) |
	       (plugin->score || plugin->raw_score ? POINT_BIT(POINT_SCORE) : 0) |
	       (plugin->reserve ? POINT_BIT(POINT_RESERVE) : 0) |
	       (plugin->binds ? POINT_BIT(POINT_BIND) : 0);
}

// False for a name that neither this program nor upstream knows. Upstream's plugins work where they
// do upstream, whatever callbacks ours have: files name those points.
static bool resolve(const struct builder *builder, const char *name, struct choice *ret)
{
	*ret = (struct choice){ .name = name };
	bool theirs = upstream_find(name, &ret->points);
	for (const struct cs_plugin *const *p = builder->context->plugins; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			ret->plugin = *p;
	if (ret->plugin && !theirs)
		ret->points = callbacks_of(ret->plugin);
	return ret->plugin || theirs;
}

static const struct choice *find(const struct choices *choices, const char *name)
{
	for (uint32_t i = 0; i < choices->count; i++)
		if (strcmp(choices->items[i].name, name) == 0)
			return &choices->items[i];
	return NULL;
}

static const struct plugin_entry *find_entry(const struct cs_field_list *list, const char *name)
{
	const struct plugin_entry *entries = list->items;
	for (uint32_t i = 0; i < list->count; i++)
		if (cs_string_equal(entries[i].name, name))
			return &entries[i];
	return NULL;
}

static void warn_missing(const struct builder *builder, const char *path, const char *name)
{
	warnings_add(builder->context->warnings,
		     "%s.%s: plugin \"%s\" is not implemented in this version: pods that need it "
		     "stay Pending",
		     builder->errors->at, path, name);
}

// kube-scheduler looks no further at names that it need not start.
static void warn_unknown(const struct builder *builder, const char *path, const char *name)
{
	warnings_add(builder->context->warnings, "%s.%s has no effect: unknown plugin \"%s\"",
		     builder->errors->at, path, name);
}

static int add_removed(struct cs_errors *errors, const char *path, const char *name)
{
	return cs_errors_invalid_string(
		errors, path, name,
		"was invalid in version \"v1\" (KubeSchedulerConfiguration is "
		"version \"" CS_CONFIG_API_VERSION "\")");
}

static int check_entry(const struct builder *builder, enum point point, bool enabled, uint32_t at)
{
	const struct plugin_set *set = &builder->spec->points[point];
	const struct plugin_entry *entries = enabled ? set->enabled.items : set->disabled.items;
	const char *name = entries[at].name;
	struct cs_errors *errors = builder->errors;
	const char *path =
		cs_arena_printf(builder->context->arena, "plugins.%s.%s[%" PRIu32 "].name",
				point_names[point], enabled ? "enabled" : "disabled", at);
	struct choice choice;
	if (!name)
		return cs_errors_required(errors, path, "");
	if (!enabled && strcmp(name, "*") == 0)
		return 0;
	bool known = resolve(builder, name, &choice);
	if (!enabled && !known)
		warn_unknown(builder, path, name);
	if (!enabled)
		return 0;
	if (point != POINT_MULTI && upstream_is_removed(name)) {
		path = cs_arena_strndup(builder->context->arena, path,
					strlen(path) - strlen(".name"));
		return add_removed(errors, path, name);
	}
	if (!known)
		return cs_errors_add(errors, path, "unknown plugin \"%s\"", name);
	if (!choice.plugin)
		warn_missing(builder, path, name);
	if (point != POINT_MULTI && !(choice.points >> point & 1))
		return cs_errors_add(errors, path, "plugin \"%s\" does not work at %s", name,
				     point_names[point]);
	if (find_entry(&set->enabled, name) != &entries[at])
		return cs_errors_add(errors, path, "plugin \"%s\" is already enabled for %s", name,
				     point_names[point]);
	return 0;
}

static int check_names(const struct builder *builder)
{
	bool wrong = false;
	for (int point = 0; point < POINT_COUNT; point++) {
		const struct plugin_set *set = &builder->spec->points[point];
		for (uint32_t i = 0; i < set->enabled.count; i++)
			wrong |= check_entry(builder, (enum point)point, true, i) < 0;
		for (uint32_t i = 0; i < set->disabled.count; i++)
			wrong |= check_entry(builder, (enum point)point, false, i) < 0;
	}
	return wrong ? -EINVAL : 0;
}

// ---- merging ----

static struct choices new_choices(const struct builder *builder, uint32_t max)
{
	return (struct choices){
		.items = cs_arena_alloc_array(builder->context->arena, max + 1,
					      sizeof(struct choice)),
	};
}

static void choose(const struct builder *builder, struct choices *choices,
		   const struct plugin_entry *entry)
{
	struct choice *choice = &choices->items[choices->count++];
	resolve(builder, entry->name, choice);
	// As upstream: who names a plugin without a weight asks for 1, not for its default.
	choice->weight = entry->weight.value ? entry->weight.value : 1;
}

static uint32_t count_plugins(const struct cs_plugin *const *plugins)
{
	uint32_t count = 0;
	while (plugins[count])
		count++;
	return count;
}

static bool is_default(const struct builder *builder, const struct cs_plugin *plugin)
{
	return plugin->by_default == CS_PLUGIN_ALWAYS ||
	       (plugin->by_default == CS_PLUGIN_WITH_LOAD && builder->context->with_load);
}

// multiPoint: the defaults without the disabled ones, a default that the file enables again takes
// its place and the file's weight, the others follow.
static void merge_multi(struct builder *builder)
{
	const struct plugin_set *set = &builder->spec->points[POINT_MULTI];
	const struct cs_plugin *const *plugins = builder->context->plugins;
	bool no_defaults = find_entry(&set->disabled, "*") != NULL;
	builder->multi = new_choices(builder, count_plugins(plugins) + set->enabled.count);
	for (; *plugins && !no_defaults; plugins++) {
		const char *name = (*plugins)->name;
		const struct plugin_entry *again = find_entry(&set->enabled, name);
		if (!is_default(builder, *plugins) || find_entry(&set->disabled, name))
			continue;
		choose(builder, &builder->multi,
		       again ? again
			     : &(struct plugin_entry){ name,
						       { .value = (*plugins)->default_weight } });
	}
	const struct plugin_entry *enabled = set->enabled.items;
	for (uint32_t i = 0; i < set->enabled.count; i++)
		if (!find(&builder->multi, enabled[i].name))
			choose(builder, &builder->multi, &enabled[i]);
}

// A point: first the explicit ones that override multiPoint, in their own order, then the rest of
// multiPoint, then the other explicit ones.
static void merge_point(struct builder *builder, enum point point)
{
	const struct plugin_set *set = &builder->spec->points[point];
	const struct plugin_entry *enabled = set->enabled.items;
	bool no_multi = find_entry(&set->disabled, "*") != NULL;
	struct choices *out = &builder->points[point];
	*out = new_choices(builder, builder->multi.count + set->enabled.count);
	for (uint32_t i = 0; i < set->enabled.count; i++)
		if (!no_multi && find(&builder->multi, enabled[i].name) &&
		    !find_entry(&set->disabled, enabled[i].name))
			choose(builder, out, &enabled[i]);
	for (uint32_t i = 0; i < builder->multi.count && !no_multi; i++) {
		const struct choice *choice = &builder->multi.items[i];
		if ((choice->points >> point & 1) && !find_entry(&set->disabled, choice->name) &&
		    !find_entry(&set->enabled, choice->name))
			out->items[out->count++] = *choice;
	}
	for (uint32_t i = 0; i < set->enabled.count; i++)
		if (!find(out, enabled[i].name))
			choose(builder, out, &enabled[i]);
}

// ---- instances ----

static bool is_used(const struct builder *builder, const struct cs_plugin *plugin)
{
	for (int point = POINT_MULTI + 1; point < POINT_COUNT; point++)
		if ((callbacks_of(plugin) >> point & 1) &&
		    find(&builder->points[point], plugin->name))
			return true;
	return false;
}

static int make_instances(struct builder *builder)
{
	struct cs_profile *profile = builder->profile;
	const struct cs_plugin *const *plugins = builder->context->plugins;
	profile->instances =
		cs_alloc_array(count_plugins(plugins) + 1, sizeof(*profile->instances));
	for (; *plugins; plugins++) {
		if (!is_used(builder, *plugins))
			continue;
		const struct choice *scored = find(&builder->points[POINT_SCORE], (*plugins)->name);
		profile->instances[profile->n_instances] = (struct cs_plugin_instance){
			.plugin = *plugins,
			.weight = scored ? scored->weight : 1,
			.index = profile->n_instances,
		};
		profile->n_instances++;
	}
	if (profile->n_instances > CS_PLUGINS_MAX)
		return cs_errors_add(builder->errors, "", "more than %d plugins", CS_PLUGINS_MAX);
	return 0;
}

static struct cs_plugin_instance *instance_of(struct cs_profile *profile, const char *name)
{
	for (uint32_t i = 0; i < profile->n_instances; i++)
		if (strcmp(profile->instances[i].plugin->name, name) == 0)
			return &profile->instances[i];
	return NULL;
}

// The instances that work at a point, in its order.
static struct cs_plugin_instance **list_of(struct builder *builder, enum point point,
					   uint32_t *ret_count)
{
	const struct choices *choices = &builder->points[point];
	struct cs_plugin_instance **list = cs_alloc_array(choices->count + 1, sizeof(*list));
	*ret_count = 0;
	for (uint32_t i = 0; i < choices->count; i++) {
		const struct cs_plugin *plugin = choices->items[i].plugin;
		if (plugin && (callbacks_of(plugin) >> point & 1))
			list[(*ret_count)++] = instance_of(builder->profile, plugin->name);
	}
	return list;
}

// A plugin's second callback reads what another one left.
static void check_pairs(const struct builder *builder)
{
	static const struct {
		enum point first;
		enum point second;
	} pairs[] = { { POINT_PRE_FILTER, POINT_FILTER },
		      { POINT_PRE_SCORE, POINT_SCORE },
		      { POINT_RESERVE, POINT_SCORE } };
	for (size_t p = 0; p < CS_ARRAY_LENGTH(pairs); p++) {
		const struct choices *choices = &builder->points[pairs[p].second];
		const char *path = cs_arena_printf(builder->context->arena, "plugins.%s",
						   point_names[pairs[p].second]);
		for (uint32_t i = 0; i < choices->count; i++) {
			const struct choice *choice = &choices->items[i];
			if (choice->plugin && (choice->points >> pairs[p].first & 1) &&
			    !find(&builder->points[pairs[p].first], choice->name))
				cs_errors_add(builder->errors, path,
					      "plugin \"%s\" needs to be enabled for %s too",
					      choice->name, point_names[pairs[p].first]);
		}
	}
}

// Who filters prepares, also where upstream's plugin of that name has no such point.
static void add_hidden_prepares(struct builder *builder)
{
	struct cs_profile *profile = builder->profile;
	for (uint32_t i = 0; i < profile->n_filter; i++) {
		struct cs_plugin_instance *instance = profile->filter[i];
		struct choice choice;
		resolve(builder, instance->plugin->name, &choice);
		if (!instance->plugin->prepare_filter ||
		    (choice.points & POINT_BIT(POINT_PRE_FILTER)))
			continue;
		profile->prepare_filter =
			cs_realloc_array(profile->prepare_filter, profile->n_prepare_filter + 1,
					 sizeof(*profile->prepare_filter));
		profile->prepare_filter[profile->n_prepare_filter++] = instance;
	}
}

// What stands at each point, for who asks what is in force: also plugins that do nothing there.
static void name_points(struct builder *builder)
{
	struct cs_profile *profile = builder->profile;
	profile->points = cs_alloc_array(POINT_COUNT, sizeof(*profile->points));
	for (int point = POINT_MULTI + 1; point < POINT_COUNT; point++) {
		const struct choices *choices = &builder->points[point];
		struct cs_profile_point *to = &profile->points[profile->n_points];
		to->name = point_names[point];
		to->entries = cs_alloc_array(choices->count + 1, sizeof(*to->entries));
		for (uint32_t i = 0; i < choices->count; i++)
			if (choices->items[i].plugin)
				to->entries[to->n++] = (struct cs_profile_entry){
					.name = choices->items[i].plugin->name,
					.weight =
						point == POINT_SCORE ? choices->items[i].weight : 0,
				};
		profile->n_points++;
	}
}

static void fill_points(struct builder *builder)
{
	struct cs_profile *profile = builder->profile;
	uint32_t n_order, n_bind;
	profile->pre_enqueue = list_of(builder, POINT_PRE_ENQUEUE, &profile->n_pre_enqueue);
	profile->prepare_filter = list_of(builder, POINT_PRE_FILTER, &profile->n_prepare_filter);
	profile->filter = list_of(builder, POINT_FILTER, &profile->n_filter);
	profile->prepare_score = list_of(builder, POINT_PRE_SCORE, &profile->n_prepare_score);
	profile->score = list_of(builder, POINT_SCORE, &profile->n_score);
	profile->reserve = list_of(builder, POINT_RESERVE, &profile->n_reserve);
	CS_AUTO_FREE struct cs_plugin_instance **order =
		list_of(builder, POINT_QUEUE_SORT, &n_order);
	CS_AUTO_FREE struct cs_plugin_instance **bind = list_of(builder, POINT_BIND, &n_bind);
	if (n_order != 1)
		cs_errors_add(builder->errors, "plugins.queueSort",
			      "only one queue sort plugin required for profile with scheduler name "
			      "\"%s\", but got %" PRIu32,
			      profile->scheduler_name, n_order);
	if (n_bind == 0)
		cs_errors_add(builder->errors, "plugins.bind",
			      "at least one bind plugin is needed for profile with scheduler name "
			      "\"%s\"",
			      profile->scheduler_name);
	profile->queue_order = n_order ? order[0] : NULL;
	profile->bind = n_bind ? bind[0] : NULL;
	add_hidden_prepares(builder);
	name_points(builder);
	check_pairs(builder);
}

// ---- arguments ----

// Upstream lets args carry apiVersion and kind: they must be the right ones, and go no further.
static int strip_type(const struct builder *builder, const struct plugin_arguments *arguments,
		      struct json_object **ret)
{
	CS_AUTO_FREE char *kind = cs_asprintf("%sArgs", arguments->name);
	const struct {
		const char *field;
		const char *value;
	} types[] = { { "apiVersion", CS_CONFIG_API_VERSION }, { "kind", kind } };
	if (!json_object_is_type(arguments->args, json_type_object))
		return cs_errors_add(builder->errors, "", "expected an object");
	CS_AUTO_VALUE struct json_object *rest = json_object_new_object();
	int r = 0;
	json_object_object_foreach(arguments->args, key, member)
	{
		size_t i = 0;
		while (i < CS_ARRAY_LENGTH(types) && strcmp(types[i].field, key) != 0)
			i++;
		if (i == CS_ARRAY_LENGTH(types))
			json_object_object_add(rest, key, json_object_get(member));
		else if (!json_object_is_type(member, json_type_string) ||
			 strcmp(json_object_get_string(member), types[i].value) != 0)
			r = cs_errors_add(builder->errors, key, "must be \"%s\"", types[i].value);
	}
	*ret = CS_TAKE(rest);
	return r;
}

// What the file says of a plugin of ours.
static void configure(struct builder *builder, const struct cs_plugin *plugin,
		      struct json_object *args)
{
	void *made = NULL;
	if (plugin->configure(args, &made, builder->errors) < 0)
		return;
	struct cs_plugin_instance *instance = instance_of(builder->profile, plugin->name);
	if (instance) {
		instance->args = made;
		return;
	}
	if (builder->merged)
		warnings_add(builder->context->warnings,
			     "%s has no effect: plugin \"%s\" is not enabled in this profile",
			     builder->errors->at, plugin->name);
	if (made)
		plugin->free_args(made);
}

static void apply_arguments(struct builder *builder, const struct plugin_arguments *arguments,
			    const struct cs_plugin *plugin)
{
	CS_AUTO_VALUE struct json_object *args = NULL;
	int r = arguments->args ? strip_type(builder, arguments, &args) : 0;
	if (!args && r)
		return;
	if (!plugin)
		upstream_check_args(arguments->name, args, builder->context->arena,
				    builder->errors);
	else if (plugin->configure)
		configure(builder, plugin, args);
	else if (args && json_object_object_length(args))
		warnings_add(builder->context->warnings,
			     "%s has no effect: plugin \"%s\" takes no arguments",
			     builder->errors->at, plugin->name);
}

static bool is_configured_before(const struct plugin_arguments *all, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (cs_string_equal(all[i].name, all[at].name))
			return true;
	return false;
}

static void read_arguments(struct builder *builder)
{
	const struct cs_field_list *list = &builder->spec->plugin_config;
	const struct plugin_arguments *all = list->items;
	const char *profile = builder->errors->at;
	for (uint32_t i = 0; i < list->count; i++) {
		struct cs_arena *arena = builder->context->arena;
		struct choice choice;
		builder->errors->at =
			cs_arena_printf(arena, "%s.pluginConfig[%" PRIu32 "]", profile, i);
		if (!all[i].name)
			cs_errors_required(builder->errors, "name", "");
		else if (is_configured_before(all, i))
			cs_errors_duplicate(builder->errors, "", all[i].name);
		else if (upstream_is_removed(all[i].name))
			add_removed(builder->errors, "", all[i].name);
		else if (!resolve(builder, all[i].name, &choice))
			warn_unknown(builder, "name", all[i].name);
		else {
			if (!choice.plugin)
				warn_missing(builder, "name", all[i].name);
			builder->errors->at =
				cs_arena_printf(arena, "%s.args", builder->errors->at);
			apply_arguments(builder, &all[i], choice.plugin);
		}
	}
	builder->errors->at = profile;
}

// The others get their defaults.
static void default_arguments(struct builder *builder)
{
	const struct cs_field_list *list = &builder->spec->plugin_config;
	const struct plugin_arguments *all = list->items;
	for (uint32_t i = 0; i < builder->profile->n_instances; i++) {
		struct cs_plugin_instance *instance = &builder->profile->instances[i];
		bool given = false;
		for (uint32_t k = 0; k < list->count; k++)
			given |= cs_string_equal(all[k].name, instance->plugin->name);
		if (!given && instance->plugin->configure)
			instance->plugin->configure(NULL, &instance->args, builder->errors);
	}
}

// ---- life ----

int profile_create(const struct profile_spec *spec, const struct profile_context *context,
		   struct cs_profile **ret, struct cs_errors *errors)
{
	struct builder builder = { .spec = spec, .context = context, .errors = errors };
	uint32_t before = errors->count;
	errors->at = context->path;
	builder.profile = cs_alloc(sizeof(*builder.profile));
	builder.profile->scheduler_name =
		cs_strdup(spec->scheduler_name ? spec->scheduler_name : "");
	if (check_names(&builder) == 0) {
		builder.merged = true;
		merge_multi(&builder);
		for (int point = POINT_MULTI + 1; point < POINT_COUNT; point++)
			merge_point(&builder, (enum point)point);
		if (make_instances(&builder) == 0)
			fill_points(&builder);
	}
	read_arguments(&builder);
	default_arguments(&builder);
	errors->at = NULL;
	if (!builder.merged || errors->count > before) {
		profile_destroy(builder.profile);
		return -EINVAL;
	}
	*ret = builder.profile;
	return 0;
}

void profile_destroy(struct cs_profile *profile)
{
	if (!profile)
		return;
	for (uint32_t i = 0; i < profile->n_instances; i++) {
		struct cs_plugin_instance *instance = &profile->instances[i];
		if (instance->args)
			instance->plugin->free_args(instance->args);
	}
	free(profile->instances);
	free(profile->pre_enqueue);
	free(profile->prepare_filter);
	free(profile->filter);
	free(profile->prepare_score);
	for (uint32_t i = 0; i < profile->n_points; i++)
		free(profile->points[i].entries);
	free(profile->points);
	free(profile->score);
	free(profile->reserve);
	free(profile->scheduler_name);
	free(profile);
}
