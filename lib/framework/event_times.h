// How long it takes to take in what watches tell, by upstream's label of the event, in a tenth of
// the cases. Neighbours: scheduler.c takes it in; times.h says which tenth; mirrors
// pkg/scheduler/eventhandlers.go, where each handler observes it.
#ifndef FRAMEWORK_EVENT_TIMES_H
#define FRAMEWORK_EVENT_TIMES_H

#include <csched/base/clock.h>
#include <csched/base/metric.h>
#include <csched/framework/scheduler.h>

// What is no enum cs_cluster_event, since it cures nobody.
enum {
	EVENT_BOUND_UPDATE = 1 << 27,
	EVENT_PENDING_ADD = 1 << 28,
	EVENT_PENDING_UPDATE = 1 << 29,
	EVENT_PENDING_DELETE = 1 << 30,
};

struct event_times {
	struct cs_metrics *metrics; // NULL: nothing is measured
	struct cs_clock clock;
	uint64_t n;
};

// When the handling of one began; 0 = it is not measured.
int64_t event_times_begin(struct event_times *times);
void event_times_end(struct event_times *times, int64_t began, uint32_t events);

// The events of a pod that a watch told of, before anything follows from it. `ours`: some
// profile's.
uint32_t event_times_of(const struct cs_pod_change *change, bool ours);

#endif
