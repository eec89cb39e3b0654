// A source of load figures as it is asked: the API server's Metrics API, or a Prometheus.
// Neighbours: part.h is what comes back; sampler.h asks; the daemon fills these from the
// configuration, as this layer knows none.
#ifndef CSCHED_LOAD_SOURCE_H
#define CSCHED_LOAD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/client/kubeconfig.h>

#define CS_SOURCE_NO_METRIC UINT32_MAX

enum cs_source_kind { CS_SOURCE_METRICS_API, CS_SOURCE_PROMETHEUS };

// One query for one metric, of all nodes at once.
struct cs_source_query {
	const char *name;     // the metric's, for words
	uint32_t metric;      // its number, as samples carry it
	bool pair;            // between two places: `to_label` counts
	const char *query;    // PromQL
	const char *limit;    // PromQL of the capacity per node; NULL = none
	const char *time;     // PromQL of when each value was measured, Unix s; NULL = when asked
	const char *label;    // the label that names the node; NULL = `node`, else `instance`
	const char *to_label; // PAIR: the label that names the other end; NULL = `to`
	double scale;         // value * scale is in the metric's unit
	int64_t window;       // ns that the query averages over
};

// Borrowed; constant.
struct cs_source {
	const char *name;
	enum cs_source_kind kind;
	int64_t interval; // ns between rounds
	int64_t timeout;  // ns for one answer
	uint64_t body_max;
	// METRICS_API: the numbers of the metrics, CS_SOURCE_NO_METRIC where not asked for
	uint32_t cpu;
	uint32_t memory;
	bool pods;
	// PROMETHEUS
	uint32_t n_queries;
	const struct cs_source_query *queries;
};

// A source's questions: each has an outcome of its own in every round. METRICS_API: "nodes" and,
// where asked for, "pods"; PROMETHEUS: its queries, by the metric's name.
uint32_t cs_source_count(const struct cs_source *source);
const char *cs_source_question(const struct cs_source *source, uint32_t i);

#endif
