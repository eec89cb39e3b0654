// The queue of pending pods: states are lists, and one function moves a pod between them.
// Neighbours: scheduler.c feeds it; profile.h orders it. Mirrors pkg/scheduler/backend/queue.
// Core thread only. Times are boot times in ns.
#ifndef CSCHED_FRAMEWORK_QUEUE_H
#define CSCHED_FRAMEWORK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/heap.h>
#include <csched/base/list.h>
#include <csched/base/metric.h>
#include <csched/framework/config.h>
#include <csched/framework/profile.h>

// Where a pending pod is. Each state is a heap or a list of the queue.
enum cs_queue_state {
	CS_QUEUE_OUT,           // in none: about to enter or to leave
	CS_QUEUE_ACTIVE,        // waits for its turn; ordered by the queueSort plugin
	CS_QUEUE_BACKOFF,       // was rejected, may be worth another try; ordered by expiry
	CS_QUEUE_ERROR_BACKOFF, // its last attempt ended in an error; never popped early
	CS_QUEUE_UNSCHEDULABLE, // rejected: waits for an event that may cure it, or the flush
	CS_QUEUE_GATED,         // a pre_enqueue plugin holds it
	CS_QUEUE_REFUSED,       // asks what this version lacks: only its own change moves it
	CS_QUEUE_IN_FLIGHT,     // popped: being decided or bound
	CS_QUEUE_STATE_COUNT,
};

const char *cs_queue_state_name(enum cs_queue_state state); // for people
// Upstream's label of one enum cs_cluster_event ("NodeAdd"); NULL = upstream has no such event.
const char *cs_queue_event_name(uint32_t event);

// A pod's place in the queue, reachable by pod->pending; owned by the queue.
struct cs_pending {
	struct cs_pod *pod;
	const struct cs_profile *profile;
	enum cs_queue_state state;
	struct cs_heap_link heap_link;
	struct cs_list list_link;
	uint64_t sequence;     // ties of the queue's order: first come, first served
	int64_t queued;        // when it entered, or was put back after an attempt
	int64_t backoff_until; // INT64_MIN = it has none
	int64_t first_active;  // when it entered the active queue first; INT64_MIN = never
	int64_t attempt_start; // of the attempt in flight; the scheduler sets it
	uint32_t attempts;
	uint32_t unschedulable_count;
	uint32_t error_count; // consecutive
	uint64_t rejected_by; // by plugin instance index; 0 after an error
	uint32_t cures;       // CS_EVENT_ mask: what wakes it
	// While in flight: the events since it was popped, and whether it asks something else now.
	uint32_t events;
	bool changed;
	bool flushed; // its last move was the flush
	void *owner;  // of the attempt in flight: the scheduler's ticket slot; NULL = none
};

struct cs_queue;

struct cs_queue_options {
	const struct cs_config *config; // borrowed: profiles, back-off
	struct cs_metrics *metrics;     // NULL = none
};

struct cs_queue *cs_queue_create(const struct cs_queue_options *options);
void cs_queue_destroy(struct cs_queue *queue); // sets the pods' `pending` to NULL

// A pod without a place gets one: gated or active.
void cs_queue_add(struct cs_queue *queue, int64_t now, struct cs_pod *pod,
		  const struct cs_profile *profile);
// Takes the pod out whatever its state; its pending is freed. Fine without one.
void cs_queue_remove(struct cs_queue *queue, struct cs_pod *pod);
// The pod itself changed: `events` is what, `changed` that it asks something else than before.
void cs_queue_update(struct cs_queue *queue, int64_t now, struct cs_pending *pending,
		     uint32_t events, bool changed);

// The next pod to decide, now in flight, or NULL. Falls back to the back-off (not after errors)
// when nothing is active, as upstream's SchedulerPopFromBackoffQ.
struct cs_pending *cs_queue_pop(struct cs_queue *queue);

// IN_FLIGHT -> unschedulable, or back-off where an event of the meantime may have cured it.
// `rejected_by`: a mask of plugin instances; 0 after an error, and where no plugin was asked (an
// empty cluster): that is retried with back-off whatever happens.
void cs_queue_fail(struct cs_queue *queue, int64_t now, struct cs_pending *pending,
		   uint64_t rejected_by);
// IN_FLIGHT -> refused.
void cs_queue_refuse(struct cs_queue *queue, int64_t now, struct cs_pending *pending);

// Something happened in the cluster: moves the pods it may cure; pods in flight remember it.
void cs_queue_wake(struct cs_queue *queue, int64_t now, uint32_t events);
// Ends back-offs that are over and flushes what was unschedulable for too long.
void cs_queue_tick(struct cs_queue *queue, int64_t now);
// When cs_queue_tick or cs_queue_pop has work without further input: INT64_MIN = now,
// INT64_MAX = never.
int64_t cs_queue_deadline(const struct cs_queue *queue);

uint32_t cs_queue_count(const struct cs_queue *queue, enum cs_queue_state state);
// For tests: every list holds what its state says. -EUCLEAN names the first contradiction.
int cs_queue_check(const struct cs_queue *queue, struct cs_error *err);

#endif
