// Pending pods: active, back-off, unschedulable, gated, refused, in flight.
// Neighbours: scheduler.c pops and answers; cluster's events wake. Mirrors upstream's
// backend/queue (scheduling_queue.go, active_queue.go, backoff_queue.go).
#include <csched/framework/queue.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <csched/base/arena.h>
#include <csched/base/clock.h>
#include <csched/base/memory.h>

#include "metrics.h"

#define ORDERING_WINDOW CS_SECOND // of back-offs: pods of one second are ordered as when active
#define FLUSH_PERIOD    (30 * CS_SECOND)
#define N_EVENTS        17 // bits of enum cs_cluster_event

// Gauges and counters are shown by upstream's four queues.
enum shown { SHOWN_ACTIVE, SHOWN_BACKOFF, SHOWN_UNSCHEDULABLE, SHOWN_GATED, SHOWN_COUNT };

static const char *const shown_names[SHOWN_COUNT] = {
	[SHOWN_ACTIVE] = "active",
	[SHOWN_BACKOFF] = "backoff",
	[SHOWN_UNSCHEDULABLE] = "unschedulable",
	[SHOWN_GATED] = "gated",
};

#define TO(state) (1u << CS_QUEUE_##state)
#define UNSHOWN   SHOWN_COUNT

// One row per state: which states may follow it, as which queue metrics show it, and as which the
// counter of incoming pods does (upstream counts a gated pod as one more unschedulable).
static const struct {
	const char *name;
	unsigned next;
	enum shown gauge;
	enum shown counter;
} states[CS_QUEUE_STATE_COUNT] = {
	[CS_QUEUE_OUT] = { "out", TO(ACTIVE) | TO(GATED), UNSHOWN, UNSHOWN },
	[CS_QUEUE_ACTIVE] = { "active", TO(IN_FLIGHT) | TO(OUT), SHOWN_ACTIVE, SHOWN_ACTIVE },
	[CS_QUEUE_BACKOFF] = { "backoff", TO(ACTIVE) | TO(IN_FLIGHT) | TO(OUT), SHOWN_BACKOFF,
			       SHOWN_BACKOFF },
	[CS_QUEUE_ERROR_BACKOFF] = { "error-backoff", TO(ACTIVE) | TO(OUT), SHOWN_BACKOFF,
				     SHOWN_BACKOFF },
	[CS_QUEUE_UNSCHEDULABLE] = { "unschedulable",
				     TO(ACTIVE) | TO(BACKOFF) | TO(GATED) | TO(OUT),
				     SHOWN_UNSCHEDULABLE, SHOWN_UNSCHEDULABLE },
	[CS_QUEUE_GATED] = { "gated", TO(ACTIVE) | TO(BACKOFF) | TO(ERROR_BACKOFF) | TO(OUT),
			     SHOWN_GATED, SHOWN_UNSCHEDULABLE },
	[CS_QUEUE_REFUSED] = { "refused", TO(ACTIVE) | TO(BACKOFF) | TO(GATED) | TO(OUT),
			       SHOWN_UNSCHEDULABLE, SHOWN_UNSCHEDULABLE },
	[CS_QUEUE_IN_FLIGHT] = { "in-flight",
				 TO(ACTIVE) | TO(BACKOFF) | TO(ERROR_BACKOFF) | TO(UNSCHEDULABLE) |
					 TO(GATED) | TO(REFUSED) | TO(OUT),
				 UNSHOWN, UNSHOWN },
};

const char *cs_queue_state_name(enum cs_queue_state state)
{
	return states[state].name;
}

// What brings a pod from one state to the next, by upstream's label (framework/events.go): the bits
// of enum cs_cluster_event first.
enum cause {
	CAUSE_POD_ADD = N_EVENTS, // the pending pod appeared
	CAUSE_POD_UPDATE,         // it changed
	CAUSE_ATTEMPT_FAILED,
	CAUSE_BACKOFF_COMPLETE,
	CAUSE_POP_BACKOFF,
	CAUSE_NONE, // not counted
	CAUSE_COUNT,
};

static const char *const cause_names[CAUSE_COUNT] = {
	"NodeAdd",
	"NodeDelete",
	"NodeUpdateNodeAllocatable",
	"NodeUpdateNodeLabel",
	"NodeUpdateNodeTaint",
	"NodeUpdateNodeCondition",
	"NodeUpdateNodeAnnotation",
	"AssignedPodAdd",
	"AssignedPodDelete",
	"AssignedPodUpdatePodScaleDown",
	"AssignedPodUpdatePodLabel",
	"UnschedulablePodUpdatePodToleration",
	"UnschedulablePodUpdatePodSchedulingGatesEliminated",
	"UnschedulableTimeout",
	"NodeUpdateNodeDeclaredFeature",
	"Namespace", // this and the next are no events upstream
	"Workload",
	[CAUSE_POD_ADD] = "UnschedulablePodAdd",
	[CAUSE_POD_UPDATE] = "UnschedulablePodUpdate",
	[CAUSE_ATTEMPT_FAILED] = "ScheduleAttemptFailure",
	[CAUSE_BACKOFF_COMPLETE] = "BackoffComplete",
	[CAUSE_POP_BACKOFF] = "PopFromBackoffQ",
};

const char *cs_queue_event_name(uint32_t event)
{
	return event && event < CS_EVENT_NAMESPACE ? cause_names[__builtin_ctz(event)] : NULL;
}

_Static_assert(CS_EVENT_WORKLOAD == 1 << (N_EVENTS - 1), "cause_names has a row per event");

struct cs_queue {
	const struct cs_config *config;
	struct cs_metrics *metrics;
	struct cs_arena *scratch;                   // words of pre_enqueue
	struct cs_heap heaps[CS_QUEUE_STATE_COUNT]; // used by the states that have an order
	struct cs_list lists[CS_QUEUE_STATE_COUNT]; // used by the others
	uint32_t counts[CS_QUEUE_STATE_COUNT];
	uint64_t sequence;
	uint32_t interest;      // events that may wake any pod
	uint32_t gate_interest; // the same of plugins with pre_enqueue
	int64_t flush_tick;     // unschedulable pods are looked at then; the first pod starts it
	struct cs_metric *pending_pods[SHOWN_COUNT];
	struct cs_metric *incoming[SHOWN_COUNT][CAUSE_COUNT];
};

static struct cs_pending *of_heap(const struct cs_heap_link *link)
{
	return CS_CONTAINER_OF(link, struct cs_pending, heap_link);
}

static struct cs_pending *of_list(const struct cs_list *link)
{
	return CS_CONTAINER_OF(link, struct cs_pending, list_link);
}

// ---- orders ----

static bool goes_first(const struct cs_pending *a, const struct cs_pending *b)
{
	int order =
		a->profile->queue_order->plugin->queue_order(a->pod, a->queued, b->pod, b->queued);
	return order ? order < 0 : a->sequence < b->sequence;
}

static bool active_less(const struct cs_heap_link *a, const struct cs_heap_link *b)
{
	return goes_first(of_heap(a), of_heap(b));
}

static bool backoff_less(const struct cs_heap_link *a, const struct cs_heap_link *b)
{
	const struct cs_pending *pa = of_heap(a), *pb = of_heap(b);
	if (pa->backoff_until != pb->backoff_until)
		return pa->backoff_until < pb->backoff_until;
	return goes_first(pa, pb);
}

static bool error_backoff_less(const struct cs_heap_link *a, const struct cs_heap_link *b)
{
	const struct cs_pending *pa = of_heap(a), *pb = of_heap(b);
	if (pa->backoff_until != pb->backoff_until)
		return pa->backoff_until < pb->backoff_until;
	return pa->sequence < pb->sequence;
}

static const cs_heap_less_f orders[CS_QUEUE_STATE_COUNT] = {
	[CS_QUEUE_ACTIVE] = active_less,
	[CS_QUEUE_BACKOFF] = backoff_less,
	[CS_QUEUE_ERROR_BACKOFF] = error_backoff_less,
};

// ---- back-off ----

static int64_t window_of(int64_t t)
{
	return t - t % ORDERING_WINDOW;
}

// When the back-off of the failure at `queued` ends; INT64_MIN = there is none.
static int64_t backoff_end(const struct cs_config *config, const struct cs_pending *pending)
{
	uint32_t count = pending->error_count ? pending->error_count : pending->unschedulable_count;
	if (count == 0 || config->pod_max_backoff == 0)
		return INT64_MIN;
	uint32_t shift = count - 1;
	int64_t duration = config->pod_max_backoff;
	if (shift < 63 && config->pod_initial_backoff <= config->pod_max_backoff >> shift)
		duration = config->pod_initial_backoff << shift;
	return window_of(pending->queued + duration);
}

// A pod whose back-off ends in the running second still waits: whole windows end together.
static bool is_backing_off(const struct cs_pending *pending, int64_t now)
{
	return pending->backoff_until >= window_of(now);
}

// ---- metrics ----

static void gauge_add(struct cs_queue *queue, enum cs_queue_state state, double value)
{
	if (queue->metrics && states[state].gauge != UNSHOWN)
		cs_metric_add(queue->pending_pods[states[state].gauge], value);
}

static void count_incoming(struct cs_queue *queue, enum shown shown, enum cause cause)
{
	if (!queue->metrics || shown == UNSHOWN || cause == CAUSE_NONE)
		return;
	struct cs_metric **series = &queue->incoming[shown][cause];
	if (!*series)
		*series = cs_metrics_series(
			queue->metrics, &cs_scheduler_metrics[METRIC_INCOMING_PODS],
			(const char *const[]){ shown_names[shown], cause_names[cause] });
	cs_metric_add(*series, 1);
}

static uint32_t registered(const struct cs_plugin *plugin)
{
	// As upstream's buildQueueingHintMap: a plugin interested in new nodes gets taint changes.
	return plugin->cures | (plugin->cures & CS_EVENT_NODE_ADD ? CS_EVENT_NODE_TAINT : 0);
}

// The only place where rejected_by changes: the gauge per plugin follows it.
static void set_rejection(struct cs_queue *queue, struct cs_pending *pending, uint64_t rejected_by)
{
	uint64_t differs = pending->rejected_by ^ rejected_by;
	pending->rejected_by = rejected_by;
	pending->cures = 0;
	const struct cs_profile *profile = pending->profile;
	for (uint32_t i = 0; i < profile->n_instances; i++) {
		uint64_t bit = UINT64_C(1) << i;
		const struct cs_plugin *plugin = profile->instances[i].plugin;
		if (rejected_by & bit)
			pending->cures |= registered(plugin);
		if (queue->metrics && (differs & bit))
			cs_metric_add(
				cs_metrics_series(queue->metrics,
						  &cs_scheduler_metrics[METRIC_UNSCHEDULABLE_PODS],
						  (const char *const[]){ plugin->name,
									 profile->scheduler_name }),
				rejected_by & bit ? 1 : -1);
	}
}

// ---- the one place where a pod changes state ----

static void move(struct cs_queue *queue, struct cs_pending *pending, enum cs_queue_state to,
		 enum cause cause)
{
	enum cs_queue_state from = pending->state;
	assert(states[from].next & 1u << to);
	if (orders[from])
		cs_heap_remove(&queue->heaps[from], &pending->heap_link);
	else
		cs_list_remove(&pending->list_link);
	pending->state = to;
	if (orders[to])
		cs_heap_push(&queue->heaps[to], &pending->heap_link);
	else if (to != CS_QUEUE_OUT)
		cs_list_append(&queue->lists[to], &pending->list_link);
	queue->counts[from]--;
	queue->counts[to]++;
	gauge_add(queue, from, -1);
	gauge_add(queue, to, 1);
	count_incoming(queue, states[to].counter, cause);
}

static void activate(struct cs_queue *queue, int64_t now, struct cs_pending *pending,
		     enum cause cause)
{
	move(queue, pending, CS_QUEUE_ACTIVE, cause);
	if (pending->first_active == INT64_MIN)
		pending->first_active = now;
}

// Asks the profile's pre_enqueue plugins; the one that refuses holds the pod. True = it may pass.
static bool passes_gates(struct cs_queue *queue, struct cs_pending *pending)
{
	const struct cs_profile *profile = pending->profile;
	cs_arena_reset(queue->scratch);
	for (uint32_t i = 0; i < profile->n_pre_enqueue; i++) {
		const struct cs_plugin_instance *instance = profile->pre_enqueue[i];
		if (instance->plugin->pre_enqueue(pending->pod, queue->scratch)) {
			set_rejection(queue, pending, UINT64_C(1) << instance->index);
			return false;
		}
	}
	return true;
}

// To the active queue or, while it backs off, to the back-off; to the gated pods where a plugin
// holds it. From wherever it is.
static void requeue(struct cs_queue *queue, int64_t now, struct cs_pending *pending,
		    enum cause cause)
{
	if (!passes_gates(queue, pending)) {
		if (pending->state != CS_QUEUE_GATED)
			move(queue, pending, CS_QUEUE_GATED, cause);
		return;
	}
	if (!is_backing_off(pending, now))
		activate(queue, now, pending, cause);
	else
		move(queue, pending,
		     pending->error_count ? CS_QUEUE_ERROR_BACKOFF : CS_QUEUE_BACKOFF, cause);
}

// ---- life ----

struct cs_queue *cs_queue_create(const struct cs_queue_options *options)
{
	struct cs_queue *queue = cs_alloc(sizeof(*queue));
	queue->config = options->config;
	queue->metrics = options->metrics;
	queue->scratch = cs_arena_create();
	queue->flush_tick = INT64_MAX;
	for (int state = 0; state < CS_QUEUE_STATE_COUNT; state++) {
		if (orders[state])
			cs_heap_init(&queue->heaps[state], orders[state]);
		cs_list_init(&queue->lists[state]);
	}
	for (uint32_t p = 0; p < queue->config->n_profiles; p++) {
		const struct cs_profile *profile = queue->config->profiles[p];
		for (uint32_t i = 0; i < profile->n_instances; i++)
			queue->interest |= registered(profile->instances[i].plugin);
		for (uint32_t i = 0; i < profile->n_pre_enqueue; i++)
			queue->gate_interest |= registered(profile->pre_enqueue[i]->plugin);
	}
	for (int shown = 0; queue->metrics && shown < SHOWN_COUNT; shown++)
		queue->pending_pods[shown] = cs_metrics_series(
			queue->metrics, &cs_scheduler_metrics[METRIC_PENDING_PODS],
			(const char *const[]){ shown_names[shown] });
	return queue;
}

static void discard(struct cs_queue *queue, struct cs_pending *pending)
{
	queue->counts[CS_QUEUE_OUT]--;
	pending->pod->pending = NULL;
	free(pending);
}

void cs_queue_destroy(struct cs_queue *queue)
{
	if (!queue)
		return;
	for (int state = 0; state < CS_QUEUE_STATE_COUNT; state++) {
		if (orders[state]) {
			struct cs_heap_link *link;
			while ((link = cs_heap_pop(&queue->heaps[state])))
				discard(queue, of_heap(link));
			cs_heap_finish(&queue->heaps[state]);
		}
		CS_LIST_FOR_EACH (link, &queue->lists[state])
			discard(queue, of_list(link));
	}
	cs_arena_destroy(queue->scratch);
	free(queue);
}

void cs_queue_add(struct cs_queue *queue, int64_t now, struct cs_pod *pod,
		  const struct cs_profile *profile)
{
	struct cs_pending *pending = cs_alloc(sizeof(*pending));
	pending->pod = pod;
	pending->profile = profile;
	pending->heap_link.index = CS_HEAP_OUT;
	cs_list_init(&pending->list_link);
	pending->sequence = queue->sequence++;
	pending->queued = now;
	pending->backoff_until = INT64_MIN;
	pending->first_active = INT64_MIN;
	pod->pending = pending;
	if (queue->flush_tick == INT64_MAX)
		queue->flush_tick = now + FLUSH_PERIOD;
	queue->counts[CS_QUEUE_OUT]++;
	requeue(queue, now, pending, CAUSE_POD_ADD);
}

void cs_queue_remove(struct cs_queue *queue, struct cs_pod *pod)
{
	if (!pod->pending)
		return;
	set_rejection(queue, pod->pending, 0);
	move(queue, pod->pending, CS_QUEUE_OUT, CAUSE_NONE);
	discard(queue, pod->pending);
}

// ---- attempts ----

struct cs_pending *cs_queue_pop(struct cs_queue *queue)
{
	struct cs_heap_link *link = cs_heap_peek(&queue->heaps[CS_QUEUE_ACTIVE]);
	if (!link) {
		link = cs_heap_peek(&queue->heaps[CS_QUEUE_BACKOFF]);
		if (!link)
			return NULL;
		count_incoming(queue, SHOWN_ACTIVE, CAUSE_POP_BACKOFF);
	}
	struct cs_pending *pending = of_heap(link);
	move(queue, pending, CS_QUEUE_IN_FLIGHT, CAUSE_NONE);
	set_rejection(queue, pending, 0);
	pending->attempts++;
	pending->events = 0;
	pending->changed = false;
	return pending;
}

void cs_queue_fail(struct cs_queue *queue, int64_t now, struct cs_pending *pending,
		   uint64_t rejected_by)
{
	if (!rejected_by) {
		pending->error_count++;
	} else {
		pending->unschedulable_count++;
		pending->error_count = 0;
	}
	pending->queued = now;
	pending->backoff_until = backoff_end(queue->config, pending);
	pending->flushed = false;
	pending->owner = NULL;
	set_rejection(queue, pending, rejected_by);
	if (!rejected_by || pending->changed || (pending->events & pending->cures))
		requeue(queue, now, pending, CAUSE_ATTEMPT_FAILED);
	else
		move(queue, pending, CS_QUEUE_UNSCHEDULABLE, CAUSE_ATTEMPT_FAILED);
}

void cs_queue_refuse(struct cs_queue *queue, int64_t now, struct cs_pending *pending)
{
	pending->queued = now;
	move(queue, pending, CS_QUEUE_REFUSED, CAUSE_ATTEMPT_FAILED);
}

// ---- what happens ----

#define OWN_EVENTS (CS_EVENT_POD_TOLERATION | CS_EVENT_POD_GATES_ELIMINATED)

void cs_queue_update(struct cs_queue *queue, int64_t now, struct cs_pending *pending,
		     uint32_t events, bool changed)
{
	enum cs_queue_state state = pending->state;
	if (state == CS_QUEUE_IN_FLIGHT) {
		pending->events |= events;
		pending->changed |= changed;
	} else if (orders[state]) {
		// Its priority may be another one now.
		cs_heap_remove(&queue->heaps[state], &pending->heap_link);
		cs_heap_push(&queue->heaps[state], &pending->heap_link);
	} else if (changed || (events & pending->cures)) {
		uint32_t own = events & OWN_EVENTS;
		requeue(queue, now, pending,
			own ? (enum cause)__builtin_ctz(own) : CAUSE_POD_UPDATE);
	}
}

static void wake_list(struct cs_queue *queue, int64_t now, enum cs_queue_state state,
		      uint32_t events)
{
	CS_LIST_FOR_EACH (link, &queue->lists[state]) {
		struct cs_pending *pending = of_list(link);
		uint32_t cured = events & pending->cures;
		if (cured)
			requeue(queue, now, pending, (enum cause)__builtin_ctz(cured));
	}
}

void cs_queue_wake(struct cs_queue *queue, int64_t now, uint32_t events)
{
	CS_LIST_FOR_EACH (link, &queue->lists[CS_QUEUE_IN_FLIGHT])
		of_list(link)->events |= events;
	if (events & queue->interest)
		wake_list(queue, now, CS_QUEUE_UNSCHEDULABLE, events);
	if (events & queue->gate_interest)
		wake_list(queue, now, CS_QUEUE_GATED, events);
}

static void end_backoffs(struct cs_queue *queue, int64_t now, enum cs_queue_state state)
{
	struct cs_heap_link *link;
	while ((link = cs_heap_peek(&queue->heaps[state])) && !is_backing_off(of_heap(link), now))
		activate(queue, now, of_heap(link), CAUSE_BACKOFF_COMPLETE);
}

// Moves those that had waited for too long at `tick`. The list is in order of `queued`: every pod
// enters it at the time of its failure.
static void flush(struct cs_queue *queue, int64_t now, int64_t tick)
{
	CS_LIST_FOR_EACH (link, &queue->lists[CS_QUEUE_UNSCHEDULABLE]) {
		struct cs_pending *pending = of_list(link);
		if (tick - pending->queued <= queue->config->pod_max_in_unschedulable)
			break;
		pending->flushed = true;
		requeue(queue, now, pending, (enum cause)__builtin_ctz(CS_EVENT_TIMEOUT));
	}
}

void cs_queue_tick(struct cs_queue *queue, int64_t now)
{
	end_backoffs(queue, now, CS_QUEUE_BACKOFF);
	end_backoffs(queue, now, CS_QUEUE_ERROR_BACKOFF);
	if (now < queue->flush_tick)
		return;
	int64_t tick = now - (now - queue->flush_tick) % FLUSH_PERIOD;
	queue->flush_tick = tick + FLUSH_PERIOD;
	flush(queue, now, tick);
}

int64_t cs_queue_deadline(const struct cs_queue *queue)
{
	if (queue->counts[CS_QUEUE_ACTIVE] || queue->counts[CS_QUEUE_BACKOFF])
		return INT64_MIN;
	int64_t deadline = INT64_MAX;
	const struct cs_heap_link *error = cs_heap_peek(&queue->heaps[CS_QUEUE_ERROR_BACKOFF]);
	if (error)
		deadline = of_heap(error)->backoff_until + ORDERING_WINDOW;
	const struct cs_list *oldest = queue->lists[CS_QUEUE_UNSCHEDULABLE].next;
	if (oldest != &queue->lists[CS_QUEUE_UNSCHEDULABLE]) {
		int64_t expires = of_list(oldest)->queued + queue->config->pod_max_in_unschedulable;
		int64_t tick = queue->flush_tick;
		if (expires >= tick)
			tick += ((expires - tick) / FLUSH_PERIOD + 1) * FLUSH_PERIOD;
		deadline = tick < deadline ? tick : deadline;
	}
	return deadline;
}

uint32_t cs_queue_count(const struct cs_queue *queue, enum cs_queue_state state)
{
	return queue->counts[state];
}

// ---- for tests ----

static int check_entry(const struct cs_pending *pending, enum cs_queue_state state,
		       struct cs_error *err)
{
	if (pending->state != state || pending->pod->pending != pending)
		return cs_error_set(err, -EUCLEAN, "%s/%s is among the %s pods as %s",
				    pending->pod->namespace, pending->pod->name, states[state].name,
				    states[pending->state].name);
	return 0;
}

static int check_heap(const struct cs_heap *heap, enum cs_queue_state state, struct cs_error *err)
{
	for (size_t i = 0; i < heap->count; i++) {
		int r = check_entry(of_heap(heap->items[i]), state, err);
		if (r)
			return r;
		if (i && heap->less(heap->items[i], heap->items[(i - 1) / 2]))
			return cs_error_set(err, -EUCLEAN, "the heap of %s pods has lost its order",
					    states[state].name);
	}
	return 0;
}

int cs_queue_check(const struct cs_queue *queue, struct cs_error *err)
{
	for (int state = 0; state < CS_QUEUE_STATE_COUNT; state++) {
		uint32_t found = 0;
		if (orders[state]) {
			int r = check_heap(&queue->heaps[state], (enum cs_queue_state)state, err);
			if (r)
				return r;
			found = (uint32_t)queue->heaps[state].count;
		}
		CS_LIST_FOR_EACH (link, &queue->lists[state]) {
			int r = check_entry(of_list(link), (enum cs_queue_state)state, err);
			if (r)
				return r;
			found++;
		}
		if (found != queue->counts[state])
			return cs_error_set(err, -EUCLEAN, "%u %s pods, %u counted", found,
					    states[state].name, queue->counts[state]);
	}
	return 0;
}
