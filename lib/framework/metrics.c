// The table of the scheduler's metrics: kube-scheduler's names, labels and buckets.
// Neighbours: metrics.h names the rows; mirrors pkg/scheduler/metrics/metrics.go.
#include "metrics.h"

const struct cs_metric_info cs_scheduler_metrics[METRIC_COUNT + 1] = {
	[METRIC_SCHEDULE_ATTEMPTS] = {
		.name = "scheduler_schedule_attempts_total",
		.help = "Attempts to schedule pods, by result: 'scheduled', 'unschedulable' (no node "
			"can take the pod) or 'error' (something went wrong; it is tried again).",
		.kind = CS_METRIC_COUNTER,
		.labels = { "result", "profile" },
	},
	[METRIC_ATTEMPT_DURATION] = {
		.name = "scheduler_scheduling_attempt_duration_seconds",
		.help = "How long attempts took, from taking the pod off the queue to the end of its "
			"binding.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "result", "profile" },
		.buckets = { .start = 0.001, .factor = 2, .count = 15 },
	},
	[METRIC_ALGORITHM_DURATION] = {
		.name = "scheduler_scheduling_algorithm_duration_seconds",
		.help = "How long decisions took, without binding.",
		.kind = CS_METRIC_HISTOGRAM,
		.buckets = { .start = 0.001, .factor = 2, .count = 15 },
	},
	[METRIC_PENDING_PODS] = {
		.name = "scheduler_pending_pods",
		.help = "Pending pods by queue: 'active' wait for their turn, 'backoff' for the time "
			"of their next attempt, 'unschedulable' were rejected by all nodes, 'gated' "
			"are held by scheduling gates.",
		.kind = CS_METRIC_GAUGE,
		.labels = { "queue" },
	},
	[METRIC_SLI_DURATION] = {
		.name = "scheduler_pod_scheduling_sli_duration_seconds",
		.help = "How long pods took from entering the active queue to being bound, all "
			"attempts included.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "attempts" },
		.buckets = { .start = 0.01, .factor = 2, .count = 20 },
	},
	[METRIC_POD_ATTEMPTS] = {
		.name = "scheduler_pod_scheduling_attempts",
		.help = "How many attempts the pods took that were bound.",
		.kind = CS_METRIC_HISTOGRAM,
		.buckets = { .start = 1, .factor = 2, .count = 5 },
	},
	[METRIC_AFTER_FLUSH] = {
		.name = "scheduler_pod_scheduled_after_flush_total",
		.help = "Pods that were bound in the attempt after the flush of unschedulable pods: "
			"no event had woken them.",
		.kind = CS_METRIC_COUNTER,
	},
	[METRIC_INCOMING_PODS] = {
		.name = "scheduler_queue_incoming_pods_total",
		.help = "Pods that entered a queue, by queue and by the event that brought them.",
		.kind = CS_METRIC_COUNTER,
		.labels = { "queue", "event" },
	},
	[METRIC_CACHE_SIZE] = {
		.name = "scheduler_cache_size",
		.help = "Nodes, pods and assumed pods that the scheduler knows.",
		.kind = CS_METRIC_GAUGE,
		.labels = { "type" },
	},
	[METRIC_UNSCHEDULABLE_PODS] = {
		.name = "scheduler_unschedulable_pods",
		.help = "Pods that wait, by the plugin that rejected them: a pod counts once for each "
			"such plugin.",
		.kind = CS_METRIC_GAUGE,
		.labels = { "plugin", "profile" },
	},
	[METRIC_PLUGIN_EVALUATIONS] = {
		.name = "scheduler_plugin_evaluation_total",
		.help = "Number of attempts to schedule pods by each plugin and the extension point "
			"(available only in PreFilter, Filter, PreScore, and Score).",
		.kind = CS_METRIC_COUNTER,
		.labels = { "plugin", "extension_point", "profile" },
	},
	[METRIC_POINT_DURATION] = {
		.name = "scheduler_framework_extension_point_duration_seconds",
		.help = "How long all plugins of an extension point took in an attempt: PreFilter, "
			"Filter, PreScore, Score, and Bind, which lasts until the API server "
			"answers. What earlier attempts for such pods left is not asked again.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "extension_point", "status", "profile" },
		.buckets = { .start = 0.0001, .factor = 2, .count = 12 },
	},
	[METRIC_EVENT_DURATION] = {
		.name = "scheduler_event_handling_duration_seconds",
		.help = "How long it took to take in what a watch told of a node or a pod, waking of "
			"pods included, by what changed. One of ten is measured.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "event" },
		.buckets = { .start = 0.0001, .factor = 2, .count = 12 },
	},
	[METRIC_PLUGIN_DURATION] = {
		.name = "scheduler_plugin_execution_duration_seconds",
		.help = "How long a plugin took in an attempt at an extension point, all nodes that it "
			"was asked about together: PreFilter, Filter, PreScore, Score, "
			"ScoreExtensionNormalize, and Bind. One attempt of ten is measured. What "
			"earlier attempts for such pods left is not asked again.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "plugin", "extension_point", "status" },
		.buckets = { .start = 0.00001, .factor = 1.5, .count = 20 },
	},
	[METRIC_LOAD_NODES] = {
		.name = "csched_load_nodes",
		.help = "Nodes by what is known of a metric of load: 'fresh', 'ageing' (older than "
			"its time to live: requests count more and more), 'implausible' (the last "
			"value could not be; the one before ages) or 'missing'.",
		.kind = CS_METRIC_GAUGE,
		.labels = { "source", "metric", "state" },
	},
	[METRIC_LOAD_AGE] = {
		.name = "csched_load_oldest_sample_age_seconds",
		.help = "Age of the oldest sample in use of a metric of load.",
		.kind = CS_METRIC_GAUGE,
		.labels = { "source", "metric" },
	},
	[METRIC_LOAD_IN_FLIGHT] = {
		.name = "csched_load_pods_in_flight",
		.help = "Pods that came or left and that samples do not show wholly yet, and "
			"reservations.",
		.kind = CS_METRIC_GAUGE,
	},
	[METRIC_LOAD_RESERVATIONS] = {
		.name = "csched_load_reservations",
		.help = "Places promised to pods that another scheduler will bind.",
		.kind = CS_METRIC_GAUGE,
	},
};
