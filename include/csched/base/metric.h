// Counters, gauges and histograms, declared as a table and printed as Prometheus text 0.0.4.
// Neighbours: each layer shows a table of its metrics; the daemon prints the registry.
#ifndef CSCHED_BASE_METRIC_H
#define CSCHED_BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include <csched/base/buffer.h>

enum cs_metric_kind { CS_METRIC_COUNTER, CS_METRIC_GAUGE, CS_METRIC_HISTOGRAM };

#define CS_METRIC_LABELS_MAX 4

// A row of a metric table. Histogram bounds are start * factor^i, i < count, or those listed.
struct cs_metric_info {
	const char *name;
	const char *help;
	enum cs_metric_kind kind;
	const char *labels[CS_METRIC_LABELS_MAX]; // names, NULL behind the last
	struct {
		double start;
		double factor;
		unsigned count;
		const double *bounds; // `count` of them, ascending, in place of start and factor
	} buckets;
};

struct cs_metrics; // the registry: any thread may update and print (atomics; a lock to add a
		   // series)
struct cs_metric;  // one series: a metric with its label values

struct cs_metrics *cs_metrics_create(void);
void cs_metrics_destroy(struct cs_metrics *metrics);

// The series of `info` with these label values (as many as it has labels), made at first use.
// At most 10,000 series per metric: past that all go to one with every label "overflow".
// `info` is static. The pointer stays valid as long as the registry: keep it for hot paths.
struct cs_metric *cs_metrics_series(struct cs_metrics *metrics, const struct cs_metric_info *info,
				    const char *const *label_values);
// Announces a metric that has no series yet, so that it is printed (counters without labels as 0).
void cs_metrics_declare(struct cs_metrics *metrics, const struct cs_metric_info *info);

void cs_metric_add(struct cs_metric *metric, double value);     // counter or gauge
void cs_metric_set(struct cs_metric *metric, double value);     // gauge
void cs_metric_observe(struct cs_metric *metric, double value); // histogram
double cs_metric_value(const struct cs_metric *metric); // counter, gauge; histogram: its count

// Text format 0.0.4, metrics in order of declaration.
int cs_metrics_print(struct cs_metrics *metrics, struct cs_buffer *out);

#endif
