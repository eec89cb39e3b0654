// The PromQL queries that come with c-sched: one per metric, of all nodes at once.
// Neighbours: load_config_sources.c puts them where `builtin:NAME` stands; test/e2e tries each of
// them on recorded series in a real Prometheus.
//
// What they have in common: ranges of two minutes, so that one scrape a minute is enough, and a
// node whose exporter has stopped is gone two minutes later; `max by` over jobs, since two jobs
// that scrape one exporter must not count its node twice; series are named by `node`, else
// `instance`. Those of node-exporter ask for the time of the last scrape as well: an answer's own
// times are when it was asked for, whatever the age of what it is made of.
#include <csched/framework/load_config.h>

#include <string.h>

// The time of the last scrape that had the series: exactly while it is there, else, as it is gone
// from one failed scrape on, to a step of 15 s.
#define LAST_SEEN(series)                                                                   \
	"max by (node, instance) (timestamp(" series ") or max_over_time(timestamp(" series \
	")[2m:15s]))"

// CPU seconds per second. A rate over the range takes for granted that the series was there from
// its beginning: at the second scrape of a new target it reads a fifth of the truth. So it counts
// where the target was scraped just before the range and has not booted in it, else what passed
// between the last two scrapes.
#define BUSY                     "node_cpu_seconds_total{mode!~\"idle|iowait|steal\"}"
#define IDLE                     "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}"
#define OF_EXPORTER(how, values) how " by (job, node, instance) (" values ")"
#define STEADY                                                                  \
	OF_EXPORTER("count", "resets(" IDLE "[2m]) == 0 and " IDLE " offset 2m" \
			     " and last_over_time(" IDLE "[1m] offset 2m)")
#define CPU                                      \
	OF_EXPORTER("sum", "rate(" BUSY "[2m])") \
	" and " STEADY " or " OF_EXPORTER("sum", "irate(" BUSY "[2m])")

// Metrics of a mesh know pods. Some scrapers say on which node these are (Istio's own add-on does),
// for others kube-state-metrics knows. Of two nodes told for a pod in one moment (a StatefulSet's
// pod that moves) one is taken, as Prometheus refuses both.
#define WHERE_PODS_RUN                              \
	" * on (namespace, pod) group_left (node) " \
	"topk by (namespace, pod) (1, max by (namespace, pod, node) (kube_pod_info{node!=\"\"}))"
#define ON_THEIR_NODES(of_pods) \
	"(" of_pods("node!=\"\"") " or (" of_pods("node=\"\"") ")" WHERE_PODS_RUN ")"

// A proxy that is scraped at two ports, as with merged metrics, counts once.
#define ISTIO_TCP(counter, labels)                                                                \
	"max by (namespace, pod, node) (sum by (job, instance, namespace, pod, node) ("           \
	"last_over_time(istio_tcp_connections_" counter "_total{reporter=\"destination\"," labels \
	"}[2m])))"
#define ISTIO_OPEN(labels)                                                                       \
	"(" ISTIO_TCP("opened", labels) " - (" ISTIO_TCP("closed", labels) " or 0 * " ISTIO_TCP( \
		"opened", labels) "))"
#define ISTIO_REQUESTS(labels)                     \
	"sum by (namespace, pod, node, le) (rate(" \
	"istio_request_duration_milliseconds_bucket{reporter=\"destination\"," labels "}[2m]))"

const struct cs_load_builtin cs_load_builtins[] = {
	{ .name = "cpu",
	  .metric = CS_LOAD_CPU,
	  .query = "1000 * max by (node, instance) (" CPU ")",
	  .time = LAST_SEEN(IDLE),
	  .help = "node-exporter; milli-CPU in use over two minutes, waiting for disks not "
		  "counted" },
	{ .name = "memory",
	  .metric = CS_LOAD_MEMORY,
	  .query = "max by (node, instance) (avg_over_time(node_memory_MemTotal_bytes[2m]) - "
		   "avg_over_time(node_memory_MemAvailable_bytes[2m]))",
	  .time = LAST_SEEN("node_memory_MemAvailable_bytes"),
	  .help = "node-exporter; bytes that could not be had without swapping" },
	{ .name = "conntrack",
	  .metric = CS_LOAD_CONNECTIONS,
	  .query = "max by (node, instance) (avg_over_time(node_nf_conntrack_entries[2m]))",
	  .time = LAST_SEEN("node_nf_conntrack_entries"),
	  .limit = "max by (node, instance) (last_over_time(node_nf_conntrack_entries_limit[2m]))",
	  .help = "node-exporter; entries of the host's connection table and its size. Sees what "
		  "is "
		  "forwarded to pods; counts UDP and closing connections too, and both ends of a "
		  "connection between pods of two nodes. An eBPF datapath passes it by" },
	{ .name = "established",
	  .metric = CS_LOAD_CONNECTIONS,
	  .query = "max by (node, instance) (avg_over_time(node_netstat_Tcp_CurrEstab[2m]))",
	  .time = LAST_SEEN("node_netstat_Tcp_CurrEstab"),
	  .help = "node-exporter; established TCP connections of its own network namespace: those "
		  "of "
		  "the host and of hostNetwork pods, no others" },
	{ .name = "istio-connections",
	  .metric = CS_LOAD_CONNECTIONS,
	  .query = "sum by (node) (" ON_THEIR_NODES(
		  ISTIO_OPEN) ") or 0 * max by (node) (kube_node_info)",
	  .help = "Istio's proxies, scraped with the label node or beside kube-state-metrics; "
		  "open TCP connections to meshed pods. HTTP is counted in requests, not here" },
	{ .name = "istio-response-time",
	  .metric = CS_LOAD_RESPONSE,
	  .query = "histogram_quantile(0.95, sum by (node, le) (" ON_THEIR_NODES(
		  ISTIO_REQUESTS) ")) / 1000 >= 0",
	  .help = "Istio's proxies, scraped with the label node or beside kube-state-metrics; "
		  "seconds that 95 % of the requests to a node's meshed pods took at most. Nodes "
		  "without requests have none" },
	{ 0 },
};

const struct cs_load_builtin *cs_load_builtin_query(const char *name)
{
	for (const struct cs_load_builtin *at = cs_load_builtins; at->name; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}
