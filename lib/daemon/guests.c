// Nodes of a request in the model, for as long as it takes. Neighbours: guests.h.
#include "daemon/guests.h"

#include <string.h>

#include <csched/base/value.h>
#include <csched/cluster/load.h>
#include <csched/kube/codec.h>

#define NODE_MAX (64u << 10) // bytes of a node that is read: nobody has validated it

static const Kube__Node *read_node(struct cs_slice item, struct cs_arena *arena)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *message;
	struct cs_error err;
	if (item.size > NODE_MAX || cs_value_read_json(item, &tree, &err) < 0 ||
	    cs_codec_read(&kube__node__descriptor, tree, arena, &message, &err) < 0)
		return NULL;
	const Kube__Node *node = (const Kube__Node *)message;
	return node->metadata && node->metadata->name ? node : NULL;
}

// The row of the node that is added; CS_ROW_NONE where it is not. What a watch told of is left
// alone.
static uint32_t add(struct cs_cluster *cluster, const Kube__Node *node)
{
	const char *name = node->metadata->name;
	uint32_t events;
	struct cs_error err;
	if (cs_cluster_find_node(cluster, name) != CS_ROW_NONE ||
	    cs_cluster_apply_node(cluster, node, &events, &err) < 0)
		return CS_ROW_NONE;
	return cs_cluster_find_node(cluster, name);
}

// The row of a node that the request has told of before.
static uint32_t find(const struct cs_cluster *cluster, const struct cs_guests *guests,
		     const char *name)
{
	for (uint32_t i = 0; i < guests->n; i++)
		if (strcmp(guests->names[i], name) == 0)
			return cs_cluster_find_node(cluster, name);
	return CS_ROW_NONE;
}

void cs_guests_enter(struct cs_cluster *cluster, const struct cs_extender_args *args,
		     struct cs_arena *arena, uint32_t *rows, struct cs_guests *ret)
{
	ret->n = 0;
	cs_cluster_mute_load_notice(cluster, true);
	for (uint32_t i = 0; args->whole && i < args->n_nodes && ret->n < CS_GUESTS_MAX; i++) {
		if (rows[i] != CS_ROW_NONE)
			continue;
		const Kube__Node *node = read_node(args->items[i], arena);
		rows[i] = node ? add(cluster, node) : CS_ROW_NONE;
		if (rows[i] != CS_ROW_NONE)
			ret->names[ret->n++] = node->metadata->name;
		else if (node)
			rows[i] = find(cluster, ret, node->metadata->name);
	}
	cs_cluster_mute_load_notice(cluster, false);
}

void cs_guests_leave(struct cs_cluster *cluster, const struct cs_guests *guests)
{
	for (uint32_t i = 0; i < guests->n; i++)
		cs_cluster_remove_node(cluster, guests->names[i]);
}
