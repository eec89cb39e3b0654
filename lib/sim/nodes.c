// Synthetic nodes: a mixed cluster that is the same for the same seed.
// Neighbours: sim.c calls it at start; kubelet.c keeps the nodes alive.
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

static const struct shape {
	const char *name;
	unsigned cpus;
	unsigned gibibytes;
} shapes[] = {
	{ "small", 4, 16 },
	{ "medium", 8, 32 },
	{ "large", 16, 64 },
	{ "memory", 8, 64 },
};

// Every eighth node is kept for special pods, and the last node is cordoned.
#define TAINTED_EVERY 8

static void set_resources(struct json_object *status, const char *key, const struct shape *shape,
			  unsigned reserved_milli, unsigned reserved_mebibytes)
{
	struct json_object *list = cs_tree_own(status, key);
	char text[32];
	(void)snprintf(text, sizeof(text), "%um", shape->cpus * 1000 - reserved_milli);
	cs_tree_set_string(list, "cpu", text);
	(void)snprintf(text, sizeof(text), "%uMi", shape->gibibytes * 1024 - reserved_mebibytes);
	cs_tree_set_string(list, "memory", text);
	cs_tree_set_string(list, "ephemeral-storage", "100Gi");
	cs_tree_set_string(list, "pods", "110");
}

static void set_status(struct cs_sim *sim, struct json_object *tree, const struct shape *shape,
		       unsigned index)
{
	static const char *const pressures[] = { "MemoryPressure", "DiskPressure", "PIDPressure" };
	struct json_object *status = cs_tree_own(tree, "status");
	set_resources(status, "capacity", shape, 0, 0);
	set_resources(status, "allocatable", shape, 100, 512);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(pressures); i++)
		sim_set_condition(sim, status,
				  &(struct sim_condition){ .type = pressures[i],
							   .status = "False",
							   .reason = "KubeletHasEnough" });
	sim_set_condition(sim, status,
			  &(struct sim_condition){ .type = "Ready",
						   .status = "True",
						   .reason = "KubeletReady",
						   .message = "kubesim pretends" });
	char ip[32];
	(void)snprintf(ip, sizeof(ip), "10.0.%u.%u", (index + 1) >> 8 & 0xff, (index + 1) & 0xff);
	struct json_object *address = json_object_new_object();
	cs_tree_set_string(address, "type", "InternalIP");
	cs_tree_set_string(address, "address", ip);
	json_object_array_add(cs_tree_own_array(status, "addresses"), address);
	static const char *const info[] = { "kubeletVersion",
					    "v1.36.3",
					    "operatingSystem",
					    "linux",
					    "architecture",
					    "amd64",
					    "osImage",
					    "kubesim",
					    "kernelVersion",
					    "6.1.0",
					    "containerRuntimeVersion",
					    "kubesim://1",
					    NULL };
	cs_tree_set(status, "nodeInfo", cs_tree_strings(info));
}

static void set_taint(struct json_object *tree)
{
	static const char *const taint[] = { "key",    "dedicated",  "value", "special",
					     "effect", "NoSchedule", NULL };
	json_object_array_add(cs_tree_own_array(cs_tree_own(tree, "spec"), "taints"),
			      cs_tree_strings(taint));
}

// What it uses by itself: 2 to 50 % of its CPU, 5 to 40 % of its memory, up to 4000 connections.
static void set_base_load(struct cs_sim *sim, struct json_object *metadata,
			  const struct shape *shape)
{
	struct json_object *annotations = cs_tree_own(metadata, "annotations");
	const unsigned percent_cpu = 2 + (unsigned)cs_random_below(&sim->store.random, 49);
	const unsigned percent_memory = 5 + (unsigned)cs_random_below(&sim->store.random, 36);
	const unsigned connections = (unsigned)cs_random_below(&sim->store.random, 4001);
	char text[32];
	(void)snprintf(text, sizeof(text), "%um", shape->cpus * 10 * percent_cpu);
	cs_tree_set_string(annotations, "kubesim.c-sched.io/base-cpu", text);
	(void)snprintf(text, sizeof(text), "%uMi", shape->gibibytes * 1024 * percent_memory / 100);
	cs_tree_set_string(annotations, "kubesim.c-sched.io/base-memory", text);
	(void)snprintf(text, sizeof(text), "%u", connections);
	cs_tree_set_string(annotations, "kubesim.c-sched.io/base-connections", text);
}

static struct json_object *node_tree(struct cs_sim *sim, unsigned index, unsigned nodes,
				     unsigned zones)
{
	char name[32];
	char zone[32];
	const struct shape *shape =
		&shapes[cs_random_below(&sim->store.random, CS_ARRAY_LENGTH(shapes))];
	(void)snprintf(name, sizeof(name), "node-%u", index + 1);
	(void)snprintf(zone, sizeof(zone), "zone-%u", index % zones + 1);
	const char *const labels[] = { "kubernetes.io/hostname",
				       name,
				       "kubernetes.io/os",
				       "linux",
				       "kubernetes.io/arch",
				       "amd64",
				       "node.kubernetes.io/instance-type",
				       shape->name,
				       "topology.kubernetes.io/region",
				       "region-1",
				       "topology.kubernetes.io/zone",
				       zone,
				       NULL };
	struct json_object *tree = json_object_new_object();
	cs_tree_set_string(tree, "kind", "Node");
	cs_tree_set_string(tree, "apiVersion", "v1");
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	cs_tree_set_string(metadata, "name", name);
	cs_tree_set(metadata, "labels", cs_tree_strings(labels));
	if (sim->load.on)
		set_base_load(sim, metadata, shape);
	set_status(sim, tree, shape, index);
	if (index + 1 == nodes && nodes > 1)
		cs_tree_set_bool(cs_tree_own(tree, "spec"), "unschedulable", true);
	else if (index % TAINTED_EVERY == TAINTED_EVERY - 1)
		set_taint(tree);
	return tree;
}

void sim_make_nodes(struct cs_sim *sim, unsigned nodes, unsigned zones)
{
	struct sim_write write = {
		.sim = sim, .resource = &sim_resources[SIM_NODES], .namespace_ = "", .name = ""
	};
	for (unsigned i = 0; i < nodes; i++) {
		CS_AUTO_VALUE struct json_object *tree = node_tree(sim, i, nodes, zones);
		struct sim_object *object;
		struct sim_status status;
		if (sim_object_create(&write, tree, &object, &status) && sim->log)
			cs_log_error(sim->log, "A synthetic node was refused",
				     CS_LOG_STRING("message", status.message));
	}
}
