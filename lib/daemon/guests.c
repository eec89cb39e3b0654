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

bool cs_guests_read(struct cs_guests *guests, const struct cs_extender_args *args,
		    const uint32_t *rows, const struct cs_guests_time *time, struct cs_arena *arena)
{
	if (!args->whole)
		return true;
	if (!guests->nodes) {
		guests->nodes = cs_arena_alloc_array(arena, args->n_nodes, sizeof(Kube__Node *));
		guests->names = cs_arena_alloc_array(arena, args->n_nodes, sizeof(char *));
	}
	// At least one, however fast time passes.
	for (bool gone_on = false; guests->next < args->n_nodes; guests->next++) {
		uint32_t i = guests->next;
		if (rows[i] != CS_ROW_NONE)
			continue;
		int64_t now = cs_clock_now(time->clock).boot;
		if (guests->n_read == CS_GUESTS_MAX || now >= time->end)
			break;
		if (gone_on && now >= time->pause)
			return false;
		gone_on = true;
		guests->nodes[i] = read_node(args->items[i], args->names[i], arena);
		guests->n_read++;
	}
	return true;
}

// The node's row, CS_ROW_NONE where it cannot be one. Who is there came with this request before.
static uint32_t enter(struct cs_guests *guests, struct cs_cluster *cluster, const Kube__Node *node)
{
	const char *name = node->metadata->name;
	uint32_t events;
	struct cs_error err;
	uint32_t row = cs_cluster_find_node(cluster, name);
	if (row != CS_ROW_NONE || cs_cluster_apply_node(cluster, node, &events, &err) < 0)
		return row;
	guests->names[guests->n++] = name;
	return cs_cluster_find_node(cluster, name);
}

void cs_guests_enter(struct cs_guests *guests, struct cs_cluster *cluster, uint32_t *rows)
{
	if (guests->n_read == 0)
		return;
	cs_cluster_mute_load_notice(cluster, true);
	for (uint32_t i = 0; i < guests->next; i++)
		if (rows[i] == CS_ROW_NONE && guests->nodes[i])
			rows[i] = enter(guests, cluster, guests->nodes[i]);
	cs_cluster_mute_load_notice(cluster, false);
}

// The last one first: rows are given again in the opposite order, so the lowest ones.
void cs_guests_leave(struct cs_guests *guests, struct cs_cluster *cluster)
{
	while (guests->n > 0)
		cs_cluster_remove_node(cluster, guests->names[--guests->n]);
}
