// Reading test objects through the real codec. Neighbours: world.h.
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../read_object.h"

void world_begin(struct world *world)
{
	*world = (struct world){ 0 };
	world->cluster = cs_cluster_create(7);
	world->nodes = cs_cluster_nodes(world->cluster);
	world->arena = cs_arena_create();
}

void world_check(struct world *world)
{
	struct cs_error err = { 0 };
	ck_assert_msg(cs_cluster_check(world->cluster, &err) == 0, "%s", err.text);
}

void world_end(struct world *world)
{
	world_check(world);
	cs_cluster_destroy(world->cluster);
	cs_arena_destroy(world->arena);
}

__attribute__((format(printf, 3, 0))) static ProtobufCMessage *read_format(
	struct world *world, const struct cs_kind *kind, const char *format, va_list arguments)
{
	char *text = NULL;
	ck_assert(vasprintf(&text, format, arguments) >= 0);
	ProtobufCMessage *message = read_object(kind, text, world->arena);
	free(text);
	return message;
}

const Kube__Pod *read_pod(struct world *world, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	ProtobufCMessage *message = read_format(world, &cs_kind_pod, format, arguments);
	va_end(arguments);
	return (const Kube__Pod *)message;
}

const Kube__Node *read_node(struct world *world, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	ProtobufCMessage *message = read_format(world, &cs_kind_node, format, arguments);
	va_end(arguments);
	return (const Kube__Node *)message;
}

int apply_pod(struct world *world, const Kube__Pod *pod)
{
	world->err = (struct cs_error){ 0 };
	return cs_cluster_apply_pod(world->cluster, pod, &world->change, &world->err);
}

int apply_node(struct world *world, const Kube__Node *node)
{
	world->err = (struct cs_error){ 0 };
	return cs_cluster_apply_node(world->cluster, node, &world->events, &world->err);
}

int apply_object(struct world *world, const struct cs_kind *kind, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	ProtobufCMessage *message = read_format(world, kind, format, arguments);
	va_end(arguments);
	world->err = (struct cs_error){ 0 };
	return cs_cluster_apply_object(world->cluster, kind, message, &world->events, &world->err);
}

uint32_t add_node(struct world *world, const char *name, const char *inside)
{
	int rc = apply_node(world, read_node(world, "{metadata: {name: %s}, %s}", name, inside));
	ck_assert_msg(rc == 0, "%s", world->err.text);
	return cs_cluster_find_node(world->cluster, name);
}

struct cs_pod *add_pod(struct world *world, const char *name, const char *inside)
{
	int rc =
		apply_pod(world, read_pod(world,
					  "{metadata: {name: %s, namespace: default, uid: uid-%s}, "
					  "spec: {%s}}",
					  name, name, inside));
	ck_assert_msg(rc == 0, "%s", world->err.text);
	return world->change.pod;
}
