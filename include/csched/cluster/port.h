// Which rows have a host port in use. Neighbours: demand.h names the ports pods ask and take.
// Core thread only. Mirrors kube-scheduler framework/types.go HostPortInfo.
#ifndef CSCHED_CLUSTER_PORT_H
#define CSCHED_CLUSTER_PORT_H

#include <csched/cluster/bitmap.h>
#include <csched/cluster/demand.h>

struct cs_cluster;

// The rows where a pod takes a port that the given one conflicts with, as the union of at most two
// bitmaps. Returns how many; valid until the cluster changes. 0.0.0.0 conflicts with every address,
// any other with itself and 0.0.0.0; "::" is an ordinary address, as upstream.
uint32_t cs_cluster_port_conflicts(const struct cs_cluster *cluster,
				   const struct cs_host_port *port, const struct cs_bitmap *ret[2]);

#endif
