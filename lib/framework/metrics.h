// Which row of cs_scheduler_metrics is which.
// Neighbours: metrics.c has the table; queue.c and scheduler.c update the series.
#ifndef FRAMEWORK_METRICS_H
#define FRAMEWORK_METRICS_H

#include <csched/base/metric.h>

enum {
	METRIC_SCHEDULE_ATTEMPTS,
	METRIC_ATTEMPT_DURATION,
	METRIC_ALGORITHM_DURATION,
	METRIC_PENDING_PODS,
	METRIC_SLI_DURATION,
	METRIC_POD_ATTEMPTS,
	METRIC_AFTER_FLUSH,
	METRIC_INCOMING_PODS,
	METRIC_CACHE_SIZE,
	METRIC_UNSCHEDULABLE_PODS,
	METRIC_PLUGIN_EVALUATIONS,
	METRIC_POINT_DURATION,
	METRIC_LOAD_NODES,
	METRIC_LOAD_AGE,
	METRIC_LOAD_IN_FLIGHT,
	METRIC_LOAD_RESERVATIONS,
	METRIC_COUNT,
};

extern const struct cs_metric_info cs_scheduler_metrics[];

#endif
