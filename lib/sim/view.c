// The two forms of events: stored as events.k8s.io/v1, shown under core/v1's older names as well.
// Neighbours: encode.c and the write verbs ask here, so that nothing else knows of it.
#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "encode.h"

static const struct {
	const char *stored;
	const char *core;
} names[] = {
	{ "regarding", "involvedObject" },
	{ "note", "message" },
	{ "reportingController", "reportingComponent" },
	{ "deprecatedSource", "source" },
	{ "deprecatedFirstTimestamp", "firstTimestamp" },
	{ "deprecatedLastTimestamp", "lastTimestamp" },
	{ "deprecatedCount", "count" },
};

static const char *renamed(const char *key, bool to_core)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		if (strcmp(key, to_core ? names[i].stored : names[i].core) == 0)
			return to_core ? names[i].core : names[i].stored;
	return key;
}

static struct json_object *rename_members(struct json_object *tree, bool to_core)
{
	struct json_object *view = json_object_new_object();
	json_object_object_foreach(tree, key, value)
	{
		cs_tree_set(view, renamed(key, to_core), json_object_get(value));
	}
	cs_tree_set_string(view, "apiVersion", to_core ? "v1" : "events.k8s.io/v1");
	return view;
}

struct json_object *sim_view(const struct sim_resource *resource, struct json_object *tree)
{
	if (resource != &sim_resources[SIM_CORE_EVENTS])
		return json_object_get(tree);
	return rename_members(tree, true);
}

struct json_object *sim_unview(const struct sim_resource *resource, struct json_object *tree)
{
	if (resource != &sim_resources[SIM_CORE_EVENTS])
		return json_object_get(tree);
	return rename_members(tree, false);
}
