// A cluster model for tests, fed with objects written as YAML.
// Neighbours: every suite of this folder.
#ifndef TEST_UNIT_CLUSTER_WORLD_H
#define TEST_UNIT_CLUSTER_WORLD_H

#include "../check_main.h"

#include <csched/base/arena.h>
#include <csched/cluster/cluster.h>

struct world {
	struct cs_cluster *cluster;
	const struct cs_node_table *nodes;
	struct cs_arena *arena; // of the objects read
	struct cs_pod_change change;
	uint32_t events; // of the last node
	struct cs_error err;
};

void world_begin(struct world *world);
// The model must agree with itself, also when everything has been taken out again.
void world_end(struct world *world);
void world_check(struct world *world);

// Objects from a printf format of YAML.
__attribute__((format(printf, 2, 3))) const Kube__Pod *read_pod(struct world *world,
								const char *format, ...);
__attribute__((format(printf, 2, 3))) const Kube__Node *read_node(struct world *world,
								  const char *format, ...);

// They must succeed. A node is given by name and the inside of its status and spec: a pod by name
// (its UID is "uid-NAME", its namespace "default") and the inside of its spec.
uint32_t add_node(struct world *world, const char *name, const char *inside); // its row
struct cs_pod *add_pod(struct world *world, const char *name, const char *inside);
// Succeeds or fails: world->change, world->events and world->err say how.
int apply_pod(struct world *world, const Kube__Pod *pod);
int apply_node(struct world *world, const Kube__Node *node);
// Other kinds.
__attribute__((format(printf, 3, 4))) int apply_object(struct world *world,
						       const struct cs_kind *kind,
						       const char *format, ...);

#endif
