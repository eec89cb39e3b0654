// NodePorts: a host port has one user per node. Neighbours: cluster's port.h keeps a bitmap of rows
// per port in use; mirrors plugins/nodeports.
#include <csched/cluster/port.h>
#include <inttypes.h>

#include "plugins.h"

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	return cycle->demand->n_ports > 0 ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void mark(const struct cs_bitmap *taken, struct cs_rows rows, uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] |=
			cs_bitmap_test(taken, row) ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS;
}

// Asks for the bitmaps each time: a supposed pod may be the first to take a port.
static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	const struct cs_demand *demand = cycle->demand;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = CS_VERDICT_FITS;
	for (uint32_t i = 0; i < demand->n_ports; i++) {
		const struct cs_bitmap *taken[2];
		uint32_t n = cs_cluster_port_conflicts(cycle->cluster, &demand->ports[i], taken);
		for (uint32_t k = 0; k < n; k++)
			mark(taken[k], rows, verdict);
	}
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) didn't have free ports for the requested pod ports");
}

static bool is_taken(const struct cs_cycle *cycle, const struct cs_host_port *port, uint32_t row)
{
	const struct cs_bitmap *taken[2];
	uint32_t n = cs_cluster_port_conflicts(cycle->cluster, port, taken);
	bool is = false;
	for (uint32_t i = 0; i < n; i++)
		is |= cs_bitmap_test(taken[i], row);
	return is;
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	(void)self;
	const struct cs_intern *strings = cs_cluster_strings(cycle->cluster);
	const char *before = "taken by a pod there: ";
	for (uint32_t i = 0; i < cycle->demand->n_ports; i++) {
		const struct cs_host_port *port = &cycle->demand->ports[i];
		if (!is_taken(cycle, port, row))
			continue;
		cs_buffer_printf(out, "%shost port %" PRId32 "/%s of %s", before, port->port,
				 cs_intern_string(strings, port->protocol),
				 cs_intern_string(strings, port->ip));
		before = ", ";
	}
}

const struct cs_plugin cs_plugin_node_ports = {
	.name = "NodePorts",
	.row_local = true,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_DELETE,
};
