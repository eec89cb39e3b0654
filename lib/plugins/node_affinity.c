// NodeAffinity: spec.nodeSelector, and the pin to one node that DaemonSet pods carry.
// Neighbours: cluster keeps the selector's rows current (bitmap.h) and refuses pods with other
// affinity terms; mirrors plugins/nodeaffinity.
#include <errno.h>
#include <stdlib.h>

#include "args.h"
#include "plugins.h"

// A pin by metadata.name is upstream's PreFilterResult: other nodes are not filtered at all.
static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	uint32_t pinned = cycle->pod->pinned_node;
	if (pinned != CS_INTERN_NONE) {
		const char *name = cs_intern_string(cs_cluster_strings(cycle->cluster), pinned);
		uint32_t row = cs_cluster_find_node(cycle->cluster, name);
		uint32_t *only = cs_arena_alloc(cycle->scratch, sizeof(*only));
		*only = row;
		cycle->narrowed = true;
		cycle->only = only;
		cycle->n_only = row != CS_ROW_NONE;
	}
	return cycle->demand->node_selector || cycle->narrowed ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	const struct cs_bitmap *selected = cycle->demand->node_selector;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = !selected || cs_bitmap_test(selected, row) ? CS_VERDICT_FITS
									  : CS_VERDICT_UNRESOLVABLE;
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) didn't match Pod's node affinity/selector");
}

struct affinity_args {
	struct json_object *added;
};

static const struct cs_field fields[] = {
	{ .name = "addedAffinity",
	  .type = CS_FIELD_ANY,
	  .offset = offsetof(struct affinity_args, added) },
	{ 0 },
};

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct affinity_args args = { 0 };
	int r = from ? cs_fields_read(from, fields, arena, &args, errors) : 0;
	if (args.added)
		r = cs_errors_forbidden(errors, "addedAffinity", "not supported by this version");
	if (r == 0)
		*ret = NULL;
	return r;
}

// Nothing is in force that could be given.
static void write_args(const void *args, struct cs_json_writer *json)
{
	(void)args;
	(void)json;
}

static const struct cs_argument arguments[] = {
	{ "addedAffinity", "node affinity", "not supported by this version" },
	{ 0 },
};

const struct cs_plugin cs_plugin_node_affinity = {
	.name = "NodeAffinity",
	.row_local = true,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.default_weight = 2,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_LABEL | CS_EVENT_NODE_TAINT,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
};
