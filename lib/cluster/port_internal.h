// Host ports in use, counted per row. Neighbours: pod.c counts pods in and out; port.h answers.
#ifndef LIB_CLUSTER_PORT_INTERNAL_H
#define LIB_CLUSTER_PORT_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/base/map.h>
#include <csched/cluster/port.h>

#include "nodes.h"

struct cs_ports {
	struct cs_nodes *nodes; // borrowed: rows have the list of their ports
	struct cs_map uses;     // by port; a further one with ip CS_INTERN_NONE is "any address"
};

void cs_ports_init(struct cs_ports *ports, struct cs_nodes *nodes, uint64_t seed);
void cs_ports_finish(struct cs_ports *ports); // nothing may be counted

// The host ports of a pod, ascending, each once, ids with references; in scratch. Sidecars count,
// other init containers do not.
uint32_t cs_ports_read(struct cs_intern *strings, struct cs_arena *scratch,
		       const Kube__PodSpec *spec, const struct cs_host_port **ret);
void cs_ports_unref(struct cs_intern *strings, const struct cs_host_port *ports, uint32_t n);

void cs_ports_count(struct cs_ports *ports, uint32_t row, const struct cs_host_port *list,
		    uint32_t n);
void cs_ports_discount(struct cs_ports *ports, uint32_t row, const struct cs_host_port *list,
		       uint32_t n);

// How many counted pods of a row take the port; any address where its ip is CS_INTERN_NONE.
uint32_t cs_ports_used(const struct cs_ports *ports, uint32_t row, const struct cs_host_port *port);
// The sum over all rows and ports: for the self-check.
uint64_t cs_ports_total(const struct cs_ports *ports);
// Whether the bitmaps say what the rows' lists say.
bool cs_ports_consistent(const struct cs_ports *ports);

#endif
