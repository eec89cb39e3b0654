// Load: what each node really carries, by metric: the last samples, corrected by the pods that
// came and left since they were taken. One ledger for all plugins and for the extender.
// Neighbours: cluster.h's assume, forget and apply_pod keep it current; plugins read its columns;
// framework/load_config.h says which metrics there are.
// Core thread only.
#ifndef CSCHED_CLUSTER_LOAD_H
#define CSCHED_CLUSTER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>

struct cs_cluster;
struct cs_pod;

#define CS_LOAD_METRICS_MAX 16
#define CS_LOAD_METRIC_NONE UINT32_MAX
#define CS_LOAD_CPU         "cpu"          // milli-CPU
#define CS_LOAD_MEMORY      "memory"       // bytes
#define CS_LOAD_CONNECTIONS "connections"  // a count
#define CS_LOAD_RESPONSE    "responseTime" // seconds
#define CS_LOAD_LATENCY     "latency"      // seconds, between two places

#define CS_NODE_WEIGHT_DEFAULT 100 // of annotation c-sched.io/weight, 0 .. 1000

enum cs_load_kind {
	CS_LOAD_USAGE, // adds up over pods; of the resource with the metric's name; full at
		       // allocatable
	CS_LOAD_COUNT, // adds up over pods; full at a limit that may be known per node
	CS_LOAD_LEVEL, // does not add up: a response time, a temperature; full at `max` where
		       // finite
	CS_LOAD_PAIR, // between two places: see latency.h; has no column
};

// A metric as configured. Strings are owned by the configuration.
struct cs_load_metric {
	const char *name;
	const char *unit; // for words
	enum cs_load_kind kind;
	bool higher_is_better; // LEVEL
	double min;            // plausible values; beyond them a sample is implausible
	double max;            // INFINITY = no limit
	int64_t ttl;           // ns: older samples fade; see cs_load_column.quality
	int64_t ramp;          // ns: until a new pod shows wholly in samples
	double per_pod;        // COUNT: expected of a pod of which nothing is known, nor of others
	const char *topology;  // PAIR: the label whose values are the places
};

enum cs_load_state {
	CS_LOAD_MISSING = 0, // never seen, or so old that it says nothing (quality below 0.01)
	CS_LOAD_FRESH,
	CS_LOAD_AGEING,      // older than the metric's ttl
	CS_LOAD_IMPLAUSIBLE, // the last value was none (NaN, out of range): the one before fades
	CS_LOAD_STATE_COUNT,
};
const char *cs_load_state_name(enum cs_load_state state); // "fresh"

// What is known of one metric: a column, with an entry per row of the node table. The column of a
// PAIR says nothing. Of USAGE and COUNT:
//     load = quality * max(0, sample + in_flight) + (1 - quality) * fallback
// LEVEL is the same without in_flight. The fallback stands in for a sample that is old or missing:
// - USAGE: the requests of the pods on the row, as kube-scheduler's scores count them, with 100m
//   and 200Mi where nothing is requested.
// - COUNT: pods on the row * mean_per_pod, and what rows have beside their pods on the mean. On a
//   row with quality 0 at least the median of the fresh rows.
// - LEVEL: the median of the fresh rows; the metric's min until there is one.
// So load is never NaN, and never 0 just because nothing is known.
struct cs_load_column {
	const struct cs_load_metric *metric;
	// Live rows with quality > 0. Where it is 0 plugins skip, but for those that go on with
	// estimates once mean_per_pod is known.
	uint32_t n_known;
	uint32_t n_fresh; // live rows with quality 1
	double median;    // of `load` over known live rows; 0 without
	// What a pod brings on the mean. USAGE: sample + in_flight of the known rows with pods,
	// divided by their pods. COUNT: at most that without what these rows had when they had no
	// pods; less if samples rose and fell by less as pods came and left; but at least per_pod,
	// if the rows have that much (lib/README.md). While no row is known it stays as it was. 0:
	// no row ever was.
	double mean_per_pod;
	double *load;
	double *sample;    // the last plausible one
	double *in_flight; // sum over pods that came (+) or left (-) of expected * fade
	double *capacity;  // USAGE: allocatable; COUNT: its limit, 0 = unknown; LEVEL: max or 0
	float *strain;   // USAGE: what pods use here per what is expected of them, 1/4 .. 4; else 1
	double *quality; // 1 up to ttl of age, then e^(-(age - ttl) / ttl), 0 below 0.01
	int64_t *taken;  // Unix ns of the sample's own timestamp, never in the future; 0 = none
	int64_t *window; // ns that it averages over; 0 = an instant
	uint8_t *state;  // enum cs_load_state
};

struct cs_load_table {
	// Grows when any column changes on a row that the node table's log does not name for it:
	// with samples and ticks. Assume, forget and pods that go are in the log. And when n_known
	// becomes 0, or is so no more.
	uint64_t version;
	uint32_t n_columns; // the metrics as configured
	struct cs_load_column columns[CS_LOAD_METRICS_MAX];
	// Per row: annotation c-sched.io/weight, 0 .. 1000; 0 = takes no new pods.
	const int32_t *weight;
	uint32_t n_weightless; // live rows with weight 0
	uint32_t n_weighted;   // live rows with another weight than the default
};

const struct cs_load_table *cs_cluster_load(const struct cs_cluster *cluster);
// The column of a metric, CS_LOAD_METRIC_NONE where it is not configured.
uint32_t cs_load_find(const struct cs_load_table *table, const char *metric);

// Once, before any node. Strings are copied. At most CS_LOAD_METRICS_MAX.
// `from_annotations`, by metric: samples come from nodes' annotations load.c-sched.io/METRIC:
// "<value>@<RFC 3339 time>" (cs_cluster_apply_node reads them).
void cs_cluster_set_load_metrics(struct cs_cluster *cluster, const struct cs_load_metric *metrics,
				 uint32_t n, const bool *from_annotations);

// Told what is wrong with a node's annotations ("node a: metadata.annotations[...]: ..."), once
// when they come; NULL = nobody asks. Must not call the cluster.
void cs_cluster_set_load_notice(struct cs_cluster *cluster,
				void (*notice)(void *user, const char *words), void *user);
// While muted nobody is told: for nodes that only a request of an extender's caller tells of, which
// come with each request again.
void cs_cluster_mute_load_notice(struct cs_cluster *cluster, bool muted);

// The model's clock (Unix ns): what assume, forget and removals are dated by. If it goes back by
// less than a minute, the model's time stands still until it has caught up. By a minute or more it
// has been put right: the model follows, and what is dated later counts as of now.
void cs_cluster_set_time(struct cs_cluster *cluster, int64_t wall);
int64_t cs_cluster_time(const struct cs_cluster *cluster);

// One sample. Strings are borrowed during the call.
struct cs_load_sample {
	const char *node; // its name, one of its addresses (InternalIP, Hostname, ...), or
			  // ADDRESS:PORT. PAIR: where it was measured
	const char *to;   // PAIR: the place at the other end; else NULL
	uint32_t metric;  // as configured
	double value;     // in the metric's unit; NaN and what is not plausible count as such
	double limit;     // COUNT: its capacity; 0 = unknown
	int64_t taken;    // Unix ns; a time in the future counts as now
	int64_t window;   // ns
};
// What one pod was measured to use.
struct cs_load_pod_sample {
	const char *namespace;
	const char *name;
	uint32_t metric;
	double value;
	int64_t taken;
	int64_t window;
};
#define CS_LOAD_UNMATCHED_MAX 5 // names kept of nodes that no sample, or no node, was found for
struct cs_load_report {
	uint32_t n_matched;                        // samples of live nodes
	uint32_t n_unmatched;                      // samples of no node
	uint32_t n_implausible;                    // among the matched
	uint32_t n_old;                            // not newer than what was known: ignored
	uint32_t n_future;                         // taken after now: the clocks differ
	char unmatched[CS_LOAD_UNMATCHED_MAX][64]; // cut
};
// Absorbs a round. Of two samples of one node and metric the newer wins, of equally old ones the
// first. Returns CS_EVENT_LOAD where a watched threshold was crossed downwards, else 0.
uint32_t cs_cluster_apply_samples(struct cs_cluster *cluster, const struct cs_load_sample *samples,
				  uint32_t n, struct cs_load_report *ret);
uint32_t cs_cluster_apply_pod_samples(struct cs_cluster *cluster,
				      const struct cs_load_pod_sample *samples, uint32_t n,
				      struct cs_load_report *ret);
// A round may come in parts: each but the last is given here, the last to _apply_pod_samples, which
// then learns from all of them at once what workloads' pods use, and on which nodes they use more.
void cs_cluster_absorb_pod_samples(struct cs_cluster *cluster,
				   const struct cs_load_pod_sample *samples, uint32_t n,
				   struct cs_load_report *ret);
// Applies ageing, at most once each half a second, and makes medians and means again after nodes
// have changed. Cheap where there is nothing to do. Returns events as above.
uint32_t cs_cluster_tick_load(struct cs_cluster *cluster);

// What the pod is expected to add to a USAGE or COUNT metric, in its unit: its annotation
// (c-sched.io/connections for connections), else what its workload's running pods use where that
// is known, else (USAGE) from its requests as lib/README.md says, (COUNT) the mean of the cluster
// per pod, else metric->per_pod. Never 0, but for resources other than CPU and memory.
double cs_cluster_expected(const struct cs_cluster *cluster, const struct cs_pod *pod,
			   uint32_t metric);

// Why the pod's annotation c-sched.io/connections is left out of account; NULL = it is not.
const char *cs_cluster_ignored(const struct cs_pod *pod);

// A place promised to a pod that is not assumed here: another scheduler will bind it. It counts in
// in_flight of the row until it is released, at most as much as fills the node. One per pod UID: a
// further one moves it. It ends when the pod is assumed or bound, as that is counted itself.
void cs_cluster_reserve(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row,
			int64_t until_wall);
void cs_cluster_unreserve(struct cs_cluster *cluster, const char *uid);
uint32_t cs_cluster_count_reservations(const struct cs_cluster *cluster);
// Pods that came or left, and reservations, that samples do not show wholly.
uint32_t cs_cluster_count_in_flight(const struct cs_cluster *cluster);

// Watches load / capacity of every row (load itself where there is no capacity; negative where
// higher is better). CS_EVENT_LOAD is told when that of some row falls below `fraction`, and again
// at each further hundredth below, because what a pod adds may have kept it out still; also when a
// row becomes known or unknown. Registered and given back by plugins' attach and detach.
void cs_cluster_watch_load(struct cs_cluster *cluster, uint32_t metric, double fraction);
void cs_cluster_unwatch_load(struct cs_cluster *cluster, uint32_t metric, double fraction);

#endif
