// The PromQL queries that come with c-sched: one per metric, of all nodes at once.
// Neighbours: load_config.c puts them where `builtin:NAME` stands; test/load tries each of them on
// recorded series in a real Prometheus.
//
// What they have in common: ranges of two minutes, so that one scrape a minute is enough, and a
// node whose exporter has stopped is gone two minutes later; `max by` over jobs, since two jobs
// that scrape one exporter must not count its node twice; series are named by `node`, else
// `instance`.
#include <csched/framework/load_config.h>

#include <string.h>

// Metrics of a mesh know pods; kube-state-metrics knows where these run. Of two nodes told for a
// pod in one moment (a StatefulSet's pod that moves) one is taken, as Prometheus refuses both.
#define WHERE_PODS_RUN                              \
	" * on (namespace, pod) group_left (node) " \
	"topk by (namespace, pod) (1, max by (namespace, pod, node) (kube_pod_info{node!=\"\"}))"

#define ISTIO_TCP(counter)                                                       \
	"sum by (namespace, pod) (last_over_time(istio_tcp_connections_" counter \
	"_total{reporter=\"destination\"}[2m]))"

const struct cs_load_builtin cs_load_builtins[] = {
	{ .name = "cpu",
	  .metric = CS_LOAD_CPU,
	  .query = "1000 * max by (node, instance) (sum by (job, node, instance) "
		   "(rate(node_cpu_seconds_total{mode!~\"idle|iowait|steal\"}[2m])))",
	  .help = "node-exporter; milli-CPU in use over two minutes, waiting for disks not "
		  "counted" },
	{ .name = "memory",
	  .metric = CS_LOAD_MEMORY,
	  .query = "max by (node, instance) (avg_over_time(node_memory_MemTotal_bytes[2m]) - "
		   "avg_over_time(node_memory_MemAvailable_bytes[2m]))",
	  .help = "node-exporter; bytes that could not be had without swapping" },
	{ .name = "conntrack",
	  .metric = CS_LOAD_CONNECTIONS,
	  .query = "max by (node, instance) (avg_over_time(node_nf_conntrack_entries[2m]))",
	  .limit = "max by (node, instance) (last_over_time(node_nf_conntrack_entries_limit[2m]))",
	  .help = "node-exporter; entries of the host's connection table and its size. Sees what "
		  "is "
		  "forwarded to pods; counts UDP and closing connections too, and both ends of a "
		  "connection between pods of two nodes. An eBPF datapath passes it by" },
	{ .name = "established",
	  .metric = CS_LOAD_CONNECTIONS,
	  .query = "max by (node, instance) (avg_over_time(node_netstat_Tcp_CurrEstab[2m]))",
	  .help = "node-exporter; established TCP connections of its own network namespace: those "
		  "of "
		  "the host and of hostNetwork pods, no others" },
	{ .name = "istio-connections",
	  .metric = CS_LOAD_CONNECTIONS,
	  .query = "sum by (node) ((" ISTIO_TCP("opened") " - (" ISTIO_TCP(
		  "closed") " or 0 * " ISTIO_TCP("opened") "))" WHERE_PODS_RUN
							   ") or 0 * max by (node) "
							   "(kube_node_info)",
	  .help = "Istio's sidecars and kube-state-metrics; open TCP connections to meshed pods. "
		  "HTTP "
		  "is counted in requests, not here" },
	{ .name = "istio-response-time",
	  .metric = CS_LOAD_RESPONSE,
	  .query = "histogram_quantile(0.95, sum by (node, le) (sum by (namespace, pod, le) "
		   "(rate(istio_request_duration_milliseconds_bucket{reporter=\"destination\"}[2m])"
		   ")" WHERE_PODS_RUN ")) / 1000 >= 0",
	  .help = "Istio's sidecars and kube-state-metrics; seconds that 95 % of the requests to a "
		  "node's meshed pods took at most. Nodes without requests have none" },
	{ 0 },
};

const struct cs_load_builtin *cs_load_builtin_query(const char *name)
{
	for (const struct cs_load_builtin *at = cs_load_builtins; at->name; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}
