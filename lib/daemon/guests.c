// Nodes of a request in the model, for as long as it takes. Neighbours: guests.h.
#include "daemon/guests.h"

#include <csched/base/value.h>
#include <csched/cluster/load.h>
#include <csched/kube/codec.h>

#define NODE_MAX (64u << 10) // bytes of a node that is read: nobody has validated it

// NULL where it cannot be read, or has another name than the model was asked for.
static const Kube__Node *read_node(struct cs_slice item, struct cs_slice name,
				   struct cs_arena *arena)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *message;
	struct cs_error err;
	if (item.size > NODE_MAX || cs_value_read_json(item, &tree, &err) < 0 ||
	    cs_codec_read(&kube__node__descriptor, tree, arena, &message, &err) < 0)
		return NULL;
	const Kube__Node *node = (const Kube__Node *)message;
	return node->metadata && node->metadata->name &&
			       cs_slice_equal(cs_slice_of(node->metadata->name), name)
		       ? node
		       : NULL;
}

// The node's row, CS_ROW_NONE where it cannot be one. Who is there came with this request before.
static uint32_t enter(struct cs_guests *guests, const Kube__Node *node)
{
	const char *name = node->metadata->name;
	uint32_t events;
	struct cs_error err;
	uint32_t row = cs_cluster_find_node(guests->cluster, name);
	if (row != CS_ROW_NONE || cs_cluster_apply_node(guests->cluster, node, &events, &err) < 0)
		return row;
	guests->names[guests->n++] = name;
	return cs_cluster_find_node(guests->cluster, name);
}

void cs_guests_enter(struct cs_guests *guests, const struct cs_extender_args *args, uint32_t *rows)
{
	guests->n = 0;
	if (!args->whole)
		return;
	guests->names = cs_arena_alloc_array(guests->arena, args->n_nodes, sizeof(char *));
	cs_cluster_mute_load_notice(guests->cluster, true);
	for (uint32_t i = 0; i < args->n_nodes; i++) {
		if (rows[i] != CS_ROW_NONE)
			continue;
		if (guests->n == CS_GUESTS_MAX || cs_clock_now(guests->clock).boot >= guests->until)
			break;
		const Kube__Node *node = read_node(args->items[i], args->names[i], guests->arena);
		rows[i] = node ? enter(guests, node) : CS_ROW_NONE;
	}
	cs_cluster_mute_load_notice(guests->cluster, false);
}

// The last one first: rows are given again in the opposite order, so the lowest ones.
void cs_guests_leave(struct cs_guests *guests)
{
	while (guests->n > 0)
		cs_cluster_remove_node(guests->cluster, guests->names[--guests->n]);
}
