// Which of upstream's labels an event has, and the metric.
// Neighbours: event_times.h; queue.c names the events that may cure.
#include "event_times.h"

#include <csched/framework/queue.h>

#include "metrics.h"
#include "times.h"

static const struct {
	uint32_t event;
	const char *label;
} own_labels[] = {
	{ EVENT_BOUND_UPDATE, "AssignedPodUpdate" },
	{ EVENT_PENDING_ADD, "UnschedulablePodAdd" },
	{ EVENT_PENDING_UPDATE, "UnschedulablePodUpdate" },
	{ EVENT_PENDING_DELETE, "UnschedulablePodDelete" },
};

static const char *label_of(uint32_t event)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(own_labels); i++)
		if (own_labels[i].event == event)
			return own_labels[i].label;
	return cs_queue_event_name(event);
}

int64_t event_times_begin(struct event_times *times)
{
	if (!times->metrics || !times->clock.now || !times_sampled(times->n++))
		return 0;
	return cs_clock_now(&times->clock).boot;
}

void event_times_end(struct event_times *times, int64_t began, uint32_t events)
{
	if (!began)
		return;
	double took = (double)(cs_clock_now(&times->clock).boot - began) / (double)CS_SECOND;
	for (; events; events &= events - 1) {
		const char *label = label_of(events & -events);
		if (label)
			cs_metric_observe(
				cs_metrics_series(times->metrics,
						  &cs_scheduler_metrics[METRIC_EVENT_DURATION],
						  &label),
				took);
	}
}

uint32_t event_times_of(const struct cs_pod_change *change, bool ours)
{
	uint32_t more = change->added ? EVENT_PENDING_ADD : EVENT_PENDING_UPDATE;
	if (change->pod->state == CS_POD_BOUND)
		more = change->added || change->became_bound ? 0 : EVENT_BOUND_UPDATE;
	else if (!ours)
		more = 0;
	return change->events | more;
}
