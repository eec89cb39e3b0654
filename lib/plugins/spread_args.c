// Reading the arguments of PodTopologySpread, and the topologies they name.
// Neighbours: spread_args.h; mirrors ValidatePodTopologySpreadArgs and systemDefaultConstraints.
#include "spread_args.h"

#include <errno.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/cluster/topology.h>

#include "args.h"
#include "spread_classes.h"

#define HARD "DoNotSchedule"
#define SOFT "ScheduleAnyway"

struct constraint {
	const char *topology_key;
	const char *when_unsatisfiable;
	const char *node_affinity_policy;
	const char *node_taints_policy;
	struct json_object *label_selector;
	struct cs_field_int max_skew;
	struct cs_field_int min_domains;
	struct cs_field_list match_label_keys; // upstream accepts and ignores them here
};

struct spread_args {
	struct cs_arena *arena; // holds the arguments and this struct
	const char *defaulting_type;
	struct cs_field_list constraints; // of struct constraint
};

static const struct constraint system_constraints[] = {
	{ .topology_key = "kubernetes.io/hostname",
	  .when_unsatisfiable = SOFT,
	  .max_skew = { true, 3 } },
	{ .topology_key = "topology.kubernetes.io/zone",
	  .when_unsatisfiable = SOFT,
	  .max_skew = { true, 5 } },
};

static const struct cs_field constraint_fields[] = {
	CS_FIELD("maxSkew", CS_FIELD_INT, struct constraint, max_skew),
	CS_FIELD("topologyKey", CS_FIELD_STRING, struct constraint, topology_key),
	CS_FIELD("whenUnsatisfiable", CS_FIELD_STRING, struct constraint, when_unsatisfiable),
	CS_FIELD("labelSelector", CS_FIELD_ANY, struct constraint, label_selector),
	CS_FIELD("minDomains", CS_FIELD_INT, struct constraint, min_domains, .min = INT32_MIN,
		 .max = INT32_MAX),
	CS_FIELD("nodeAffinityPolicy", CS_FIELD_STRING, struct constraint, node_affinity_policy),
	CS_FIELD("nodeTaintsPolicy", CS_FIELD_STRING, struct constraint, node_taints_policy),
	CS_FIELD("matchLabelKeys", CS_FIELD_STRINGS, struct constraint, match_label_keys),
	{ 0 },
};

static const struct cs_field fields[] = {
	CS_FIELD("defaultConstraints", CS_FIELD_OBJECTS, struct spread_args, constraints,
		 .fields = constraint_fields, .size = sizeof(struct constraint)),
	CS_FIELD("defaultingType", CS_FIELD_STRING, struct spread_args, defaulting_type),
	{ 0 },
};

// ---- checks ----

static bool is_system(const struct spread_args *args)
{
	return cs_string_equal(args->defaulting_type, "System");
}

static int check_type(const struct spread_args *args, struct cs_errors *errors)
{
	static const char *const types[] = { "System", "List", NULL };
	if (!is_system(args) && !cs_string_equal(args->defaulting_type, "List"))
		return cs_errors_unsupported(errors, "defaultingType", args->defaulting_type,
					     types);
	if (is_system(args) && args->constraints.count > 0)
		return cs_errors_invalid_string(errors, "defaultingType", args->defaulting_type,
						"when .defaultConstraints are not empty");
	return 0;
}

static int check_action(const char *action, const char *path, struct cs_errors *errors)
{
	static const char *const actions[] = { HARD, SOFT, NULL };
	if (!action || !*action)
		return cs_errors_required(errors, path, "can not be empty");
	if (!cs_string_equal(action, HARD) && !cs_string_equal(action, SOFT))
		return cs_errors_unsupported(errors, path, action, actions);
	return 0;
}

static int check_repeated(const struct spread_args *args, uint32_t i, const char *path,
			  struct cs_errors *errors)
{
	const struct constraint *all = args->constraints.items;
	for (uint32_t k = 0; k < i; k++)
		if (cs_string_equal(all[k].topology_key, all[i].topology_key) &&
		    cs_string_equal(all[k].when_unsatisfiable, all[i].when_unsatisfiable))
			return cs_errors_duplicate(
				errors, path,
				cs_arena_printf(args->arena, "{%s, %s}",
						all[i].topology_key ? all[i].topology_key : "",
						all[i].when_unsatisfiable
							? all[i].when_unsatisfiable
							: ""));
	return 0;
}

static int check_constraint(const struct spread_args *args, uint32_t i, struct cs_errors *errors)
{
	const struct constraint *c = (const struct constraint *)args->constraints.items + i;
	const char *path = cs_arena_printf(args->arena, "defaultConstraints[%u]", i);
	const char *skew = cs_arena_printf(args->arena, "%s.maxSkew", path);
	const char *key = cs_arena_printf(args->arena, "%s.topologyKey", path);
	const char *action = cs_arena_printf(args->arena, "%s.whenUnsatisfiable", path);
	const char *selector = cs_arena_printf(args->arena, "%s.labelSelector", path);
	int r = 0;
	if (c->max_skew.value <= 0 || c->max_skew.value > INT32_MAX)
		r = cs_errors_invalid_int(errors, skew, c->max_skew.value,
					  "not in valid range (0, inf)");
	if (!c->topology_key || !*c->topology_key)
		r = cs_errors_required(errors, key, "can not be empty");
	else if (cs_args_check_name(c->topology_key, key, errors))
		r = -EINVAL;
	if (check_action(c->when_unsatisfiable, action, errors))
		r = -EINVAL;
	if (c->label_selector)
		r = cs_errors_forbidden(errors, selector,
					"constraint must not define a selector, as they deduced "
					"for each pod");
	if (check_repeated(args, i, path, errors))
		r = -EINVAL;
	return r;
}

static int check_args(const struct spread_args *args, struct cs_errors *errors)
{
	int r = check_type(args, errors);
	for (uint32_t i = 0; i < args->constraints.count; i++)
		if (check_constraint(args, i, errors))
			r = -EINVAL;
	return r;
}

int cs_spread_configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	struct cs_arena *arena = cs_arena_create();
	struct spread_args *args = cs_arena_alloc(arena, sizeof(*args));
	args->arena = arena;
	int r = from ? cs_fields_read(from, fields, arena, args, errors) : 0;
	if (!args->defaulting_type || !*args->defaulting_type)
		args->defaulting_type = "System";
	if (check_args(args, errors))
		r = -EINVAL;
	if (r)
		cs_arena_destroy(arena);
	else
		*ret = args;
	return r;
}

void cs_spread_free_args(void *pointer)
{
	struct spread_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

// ---- what is in force ----

static void write_given(struct cs_json_writer *json, const char *name, const char *value)
{
	if (value)
		cs_json_member_string(json, name, value);
}

static void write_constraint(const struct constraint *c, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_int(json, "maxSkew", c->max_skew.value);
	cs_json_member_string(json, "topologyKey", c->topology_key);
	cs_json_member_string(json, "whenUnsatisfiable", c->when_unsatisfiable);
	if (c->min_domains.given)
		cs_json_member_int(json, "minDomains", c->min_domains.value);
	write_given(json, "nodeAffinityPolicy", c->node_affinity_policy);
	write_given(json, "nodeTaintsPolicy", c->node_taints_policy);
	if (c->match_label_keys.count > 0) {
		cs_json_key(json, "matchLabelKeys");
		cs_args_write_strings(&c->match_label_keys, json);
	}
	cs_json_object_end(json);
}

void cs_spread_write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct spread_args *args = pointer;
	const struct constraint *list = args->constraints.items;
	cs_json_member_string(json, "defaultingType", args->defaulting_type);
	if (is_system(args))
		return;
	cs_json_member_array_begin(json, "defaultConstraints");
	for (uint32_t i = 0; i < args->constraints.count; i++)
		write_constraint(&list[i], json);
	cs_json_array_end(json);
}

const struct cs_argument cs_spread_arguments[] = {
	{ "defaultConstraints", "list of topology spread constraints",
	  "for pods that have none of their own; without labelSelector" },
	{ "defaultingType", "string",
	  "System: 3 per host and 5 per zone, as far as possible; List: defaultConstraints" },
	{ 0 },
};

// ---- the topologies ----

static struct cs_spread_constraint attach_constraint(struct cs_cluster *cluster,
						     const struct constraint *c)
{
	return (struct cs_spread_constraint){
		.topology = cs_topology_ref(cluster, c->topology_key),
		.hard = cs_string_equal(c->when_unsatisfiable, HARD),
		.honors_affinity = !c->node_affinity_policy ||
				   cs_string_equal(c->node_affinity_policy, "Honor"),
		.honors_taints = cs_string_equal(c->node_taints_policy, "Honor"),
		.max_skew = (int32_t)c->max_skew.value,
		.min_domains = c->min_domains.given ? (int32_t)c->min_domains.value : 1,
	};
}

void *cs_spread_attach(struct cs_cluster *cluster, void *pointer)
{
	const struct spread_args *args = pointer;
	bool system = is_system(args);
	const struct constraint *list = system ? system_constraints : args->constraints.items;
	struct cs_spread_defaults *defaults = cs_alloc(sizeof(*defaults));
	defaults->system = system;
	defaults->memory = cs_spread_memory_create();
	defaults->n = system ? CS_ARRAY_LENGTH(system_constraints) : args->constraints.count;
	defaults->constraints = cs_alloc_array(defaults->n, sizeof(*defaults->constraints));
	for (uint32_t i = 0; i < defaults->n; i++)
		defaults->constraints[i] = attach_constraint(cluster, &list[i]);
	return defaults;
}

void cs_spread_detach(struct cs_cluster *cluster, void *pointer)
{
	struct cs_spread_defaults *defaults = pointer;
	for (uint32_t i = 0; i < defaults->n; i++)
		cs_topology_unref(
			cluster,
			(struct cs_topology *)(uintptr_t)defaults->constraints[i].topology);
	cs_spread_memory_destroy(defaults->memory);
	free(defaults->constraints);
	free(defaults);
}
