// The scheduler: routes pods to profiles, decides them, binds them, and answers what comes back.
// Neighbours: queue.c orders, cycle.c decides, cluster counts; accounts.c has the metrics; the
// daemon drives.
#include <csched/framework/scheduler.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/framework/cycle.h>
#include <csched/framework/profile.h>
#include <csched/framework/queue.h>

#include "accounts.h"
#include "event_times.h"
#include "load.h"

#define MAX_BINDING_DEFAULT 64
#define RECORDS_DEFAULT     4096

// A Binding without an answer. The ticket is the number of the binding times the number of slots,
// plus the slot's place.
struct slot {
	uint64_t ticket;    // 0 = free
	struct cs_pod *pod; // NULL when the answer no longer matters
	uint32_t row;
	struct accounts_binding account;
};

struct cs_scheduler {
	struct cs_cluster *cluster;
	const struct cs_config *config;
	struct cs_scheduler_sink sink;
	struct cs_clock clock;
	struct cs_random *random; // as in the options
	struct cs_queue *queue;
	struct cs_workspace *workspace;
	struct cs_records *records;
	uint32_t *profile_names; // intern ids, as config->profiles
	bool started;

	uint32_t max_binding;
	uint32_t n_binding;
	uint64_t bindings; // begun so far
	struct slot *slots;

	struct accounts *accounts; // NULL: nothing is counted
	struct event_times event_times;
	struct cs_load_watcher load;
};

// Of the PodScheduled condition.
static const char *const condition_reasons[] = {
	[CS_DECISION_UNSCHEDULABLE] = "Unschedulable",
	[CS_DECISION_ERROR] = "SchedulerError",
};

// ---- life ----

int cs_scheduler_create(const struct cs_scheduler_options *options, struct cs_scheduler **ret,
			struct cs_error *err)
{
	const struct cs_config *config = options->config;
	if (!config->n_profiles)
		return cs_error_set(err, -EINVAL, "a scheduler needs at least one profile");
	struct cs_scheduler *scheduler = cs_alloc(sizeof(*scheduler));
	scheduler->cluster = options->cluster;
	scheduler->config = config;
	scheduler->sink = options->sink;
	scheduler->clock = options->clock;
	scheduler->random = options->random;
	scheduler->max_binding = options->max_binding ? options->max_binding : MAX_BINDING_DEFAULT;
	scheduler->slots = cs_alloc_array(scheduler->max_binding, sizeof(*scheduler->slots));
	// Before plugins look for their metrics.
	cs_load_watcher_init(&scheduler->load, scheduler->cluster, config->load, options->metrics);
	scheduler->queue = cs_queue_create(
		&(struct cs_queue_options){ .config = config, .metrics = options->metrics });
	scheduler->workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = options->cluster,
		.config = config,
		.random = options->random,
		.clock = options->metrics ? options->clock : (struct cs_clock){ 0 },
		.no_cache = options->no_cache });
	scheduler->records = cs_records_create(
		options->n_records ? options->n_records : RECORDS_DEFAULT, scheduler->cluster);
	scheduler->profile_names =
		cs_alloc_array(config->n_profiles, sizeof(*scheduler->profile_names));
	for (uint32_t i = 0; i < config->n_profiles; i++)
		scheduler->profile_names[i] =
			cs_intern_ref(cs_cluster_strings(scheduler->cluster),
				      cs_slice_of(config->profiles[i]->scheduler_name));
	scheduler->accounts = accounts_create(options->metrics, config, options->clock);
	scheduler->event_times =
		(struct event_times){ .metrics = options->metrics, .clock = options->clock };
	*ret = scheduler;
	return 0;
}

void cs_scheduler_destroy(struct cs_scheduler *scheduler)
{
	if (!scheduler)
		return;
	cs_queue_destroy(scheduler->queue);
	cs_workspace_destroy(scheduler->workspace);
	cs_records_destroy(scheduler->records);
	for (uint32_t i = 0; i < scheduler->config->n_profiles; i++)
		cs_intern_unref(cs_cluster_strings(scheduler->cluster),
				scheduler->profile_names[i]);
	free(scheduler->profile_names);
	accounts_destroy(scheduler->accounts);
	free(scheduler->slots);
	cs_load_watcher_finish(&scheduler->load);
	free(scheduler);
}

void cs_scheduler_start(struct cs_scheduler *scheduler)
{
	scheduler->started = true;
}

void cs_scheduler_stop(struct cs_scheduler *scheduler)
{
	scheduler->started = false;
}

static void wake(struct cs_scheduler *scheduler, struct cs_time now, uint32_t events)
{
	if (events)
		cs_queue_wake(scheduler->queue, now.boot, events);
}

// What the time does to load: all that comes from outside begins with it.
static void pass_time(struct cs_scheduler *scheduler, struct cs_time now)
{
	cs_cluster_set_time(scheduler->cluster, now.wall);
	wake(scheduler, now, cs_cluster_tick_load(scheduler->cluster));
	CS_AUTO_FREE char *words = NULL;
	enum cs_load_news news = cs_load_watcher_look(&scheduler->load, now.boot, &words);
	if (news != CS_LOAD_NO_NEWS && scheduler->sink.load)
		scheduler->sink.load(scheduler->sink.user, news == CS_LOAD_RETURNED, words);
}

static uint32_t profile_index(const struct cs_scheduler *scheduler, const struct cs_pod *pod)
{
	uint32_t i = 0;
	while (i < scheduler->config->n_profiles &&
	       scheduler->profile_names[i] != pod->scheduler_name)
		i++;
	return i;
}

const struct cs_profile *cs_scheduler_profile(const struct cs_scheduler *scheduler,
					      const struct cs_pod *pod)
{
	uint32_t index = profile_index(scheduler, pod);
	return index < scheduler->config->n_profiles ? scheduler->config->profiles[index] : NULL;
}

const struct cs_queue *cs_scheduler_queue(const struct cs_scheduler *scheduler)
{
	return scheduler->queue;
}

int cs_scheduler_explain(struct cs_scheduler *scheduler, const struct cs_pod *pod,
			 struct cs_outcome *ret, struct cs_judge judge)
{
	const struct cs_profile *profile = cs_scheduler_profile(scheduler, pod);
	if (!profile || pod->state != CS_POD_UNBOUND || pod->gated ||
	    pod->demand->unsupported_field)
		return -EINVAL;
	// Nobody is chosen: what comes next is drawn as if nobody had asked.
	struct cs_random before = scheduler->random ? *scheduler->random : (struct cs_random){ 0 };
	cs_cycle_explain(scheduler->workspace, profile, pod, ret, judge);
	if (scheduler->random)
		*scheduler->random = before;
	return 0;
}

struct cs_records *cs_scheduler_records(const struct cs_scheduler *scheduler)
{
	return scheduler->records;
}

// ---- what is told ----

static void tell(struct cs_scheduler *scheduler, const struct cs_pending *pending,
		 const struct cs_scheduler_event *event)
{
	struct cs_scheduler_event whole = *event;
	whole.controller = pending->profile->scheduler_name;
	scheduler->sink.event(scheduler->sink.user, pending->pod, &whole);
}

static void tell_failed(struct cs_scheduler *scheduler, const struct cs_pending *pending,
			enum cs_scheduler_news news, const char *note)
{
	tell(scheduler, pending,
	     &(struct cs_scheduler_event){ .news = news,
					   .warning = true,
					   .reason = "FailedScheduling",
					   .action = "Scheduling",
					   .note = note });
}

static enum cs_scheduler_news news_of(const struct cs_scheduler *scheduler,
				      enum cs_decision decision)
{
	if (decision == CS_DECISION_ERROR)
		return CS_NEWS_ERROR;
	bool none = cs_cluster_nodes(scheduler->cluster)->n_live == 0;
	return none ? CS_NEWS_NO_NODES : CS_NEWS_NO_FIT;
}

// The event and, where it differs from what the pod has, the status. A nomination is dropped with
// the first failure: only who may hope for it to be cured by preemption keeps one.
static void report_failure(struct cs_scheduler *scheduler, const struct cs_pending *pending,
			   enum cs_decision decision, const char *message)
{
	struct cs_pod *pod = pending->pod;
	struct cs_scheduler_status status = {
		.reason = condition_reasons[decision],
		.message = message,
		.drop_nomination = pod->nomination_told,
	};
	cs_cluster_nominate(scheduler->cluster, pod, NULL);
	tell_failed(scheduler, pending, news_of(scheduler, decision), message);
	if (cs_string_equal(pod->condition_reason, status.reason) &&
	    cs_string_equal(pod->condition_message, message)) {
		status.reason = NULL;
		status.message = NULL;
	}
	if (status.reason || status.drop_nomination)
		scheduler->sink.status(scheduler->sink.user, pod, &status);
}

// ---- the record ----

// `decided`: by a cycle, whose detail is to be had.
static void keep_record(struct cs_scheduler *scheduler, struct cs_time now,
			const struct cs_pending *pending, const struct cs_outcome *outcome,
			bool decided)
{
	const struct cs_pod *pod = pending->pod;
	struct cs_detail detail;
	struct cs_record record = {
		.namespace = pod->namespace,
		.name = pod->name,
		.uid = pod->uid,
		.profile = pending->profile,
		.decision = outcome->decision,
		.at = now.wall,
		.took = accounts_instant(&scheduler->clock, now) - pending->attempt_start,
		.attempt = pending->attempts,
		.n_nodes = outcome->n_nodes,
		.n_feasible = outcome->n_feasible,
		.message = outcome->message,
	};
	if (!decided) {
		cs_records_add(scheduler->records, &record);
		return;
	}
	cs_cycle_detail(scheduler->workspace, outcome, &detail);
	cs_records_keep(scheduler->records, pod, &record, &detail);
}

// ---- one attempt ----

static struct slot *take_slot(struct cs_scheduler *scheduler)
{
	struct slot *slot = scheduler->slots;
	while (slot->ticket)
		slot++;
	slot->ticket = ++scheduler->bindings * scheduler->max_binding +
		       (uint64_t)(slot - scheduler->slots);
	scheduler->n_binding++;
	return slot;
}

static void send_binding(struct cs_scheduler *scheduler, struct cs_time now,
			 struct cs_pending *pending, const struct cs_outcome *outcome)
{
	uint32_t row = outcome->row;
	struct slot *slot = take_slot(scheduler);
	slot->pod = pending->pod;
	slot->row = row;
	slot->account = (struct accounts_binding){
		.profile = pending->profile,
		.sent = accounts_instant(&scheduler->clock, now),
		.sampled = outcome->times,
	};
	pending->owner = slot;
	cs_cluster_assume(scheduler->cluster, pending->pod, row);
	cs_cycle_reserve(scheduler->workspace, pending->profile, pending->pod, row);
	scheduler->sink.bind(scheduler->sink.user, slot->ticket, pending->pod,
			     cs_cluster_node_name(scheduler->cluster, row));
}

// What is not understood is not bound: such a pod is not even tried. Its words go to the record,
// the event and the condition like those of any unschedulable pod.
static void refuse(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pending *pending)
{
	const struct cs_demand *demand = pending->pod->demand;
	uint32_t n_nodes = cs_cluster_nodes(scheduler->cluster)->n_live;
	CS_AUTO_FREE char *why = cs_demand_refusal(demand);
	CS_AUTO_FREE char *message = cs_asprintf(
		"0/%u nodes are available: c-sched %s; the pod stays Pending.", n_nodes, why);
	keep_record(scheduler, now, pending,
		    &(struct cs_outcome){ .decision = CS_DECISION_UNSCHEDULABLE,
					  .row = CS_ROW_NONE,
					  .runner_up = CS_ROW_NONE,
					  .n_nodes = n_nodes,
					  .message = message },
		    false);
	cs_queue_refuse(scheduler->queue, now.boot, pending);
	report_failure(scheduler, pending, CS_DECISION_UNSCHEDULABLE, message);
}

static void skip_deleting(struct cs_scheduler *scheduler, struct cs_pending *pending)
{
	struct cs_pod *pod = pending->pod;
	CS_AUTO_FREE char *note =
		cs_asprintf("skip schedule deleting pod: %s/%s", pod->namespace, pod->name);
	tell_failed(scheduler, pending, CS_NEWS_DELETING, note);
	cs_queue_remove(scheduler->queue, pod);
}

// What of the pod is left out of account although it is scheduled: told once.
static void tell_ignored(struct cs_scheduler *scheduler, const struct cs_pending *pending)
{
	const char *const words[] = { pending->pod->demand->peers_error,
				      cs_cluster_ignored(pending->pod) };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(words) && pending->attempts == 1; i++)
		if (words[i])
			tell(scheduler, pending,
			     &(struct cs_scheduler_event){ .news = CS_NEWS_IGNORED,
							   .warning = true,
							   .reason = "AnnotationIgnored",
							   .action = "Scheduling",
							   .note = words[i] });
}

static void decide(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pending *pending)
{
	struct cs_outcome outcome;
	tell_ignored(scheduler, pending);
	cs_cycle_decide(scheduler->workspace, pending->profile, pending->pod, &outcome);
	accounts_decided(scheduler->accounts, now, pending, &outcome);
	keep_record(scheduler, now, pending, &outcome, true);
	if (outcome.decision == CS_DECISION_SCHEDULED) {
		send_binding(scheduler, now, pending, &outcome);
		return;
	}
	accounts_failed(scheduler->accounts, now, pending, outcome.decision);
	cs_queue_fail(scheduler->queue, now.boot, pending, outcome.rejected_by);
	report_failure(scheduler, pending, outcome.decision, outcome.message);
}

static void attempt(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pending *pending)
{
	pending->attempt_start = accounts_instant(&scheduler->clock, now);
	if (pending->pod->terminating)
		skip_deleting(scheduler, pending);
	else if (pending->pod->demand->unsupported_field)
		refuse(scheduler, now, pending);
	else
		decide(scheduler, now, pending);
}

uint32_t cs_scheduler_turn(struct cs_scheduler *scheduler, struct cs_time now, uint32_t max)
{
	uint32_t decided = 0;
	pass_time(scheduler, now);
	if (scheduler->started)
		cs_queue_tick(scheduler->queue, now.boot);
	while (scheduler->started && decided < max &&
	       scheduler->n_binding < scheduler->max_binding) {
		struct cs_pending *pending = cs_queue_pop(scheduler->queue);
		if (!pending)
			break;
		attempt(scheduler, now, pending);
		decided++;
	}
	accounts_show(scheduler->accounts, scheduler->cluster, decided > 0);
	return decided;
}

int64_t cs_scheduler_deadline(const struct cs_scheduler *scheduler)
{
	if (!scheduler->started || scheduler->n_binding == scheduler->max_binding)
		return INT64_MAX;
	int64_t queue = cs_queue_deadline(scheduler->queue);
	return queue < scheduler->load.next ? queue : scheduler->load.next;
}

// ---- how bindings end ----

// The pod is on its node, as the answer or the watch told first.
static void succeed(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pod *pod,
		    uint32_t row)
{
	CS_AUTO_FREE char *note =
		cs_asprintf("Successfully assigned %s/%s to %s", pod->namespace, pod->name,
			    cs_cluster_node_name(scheduler->cluster, row));
	accounts_scheduled(scheduler->accounts, now, pod->pending);
	tell(scheduler, pod->pending,
	     &(struct cs_scheduler_event){
		     .reason = "Scheduled", .action = "Binding", .note = note });
	cs_queue_remove(scheduler->queue, pod);
}

static void bound_here(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pod *pod,
		       const struct cs_bound_result *result)
{
	(void)result;
	cs_cluster_confirm(scheduler->cluster, pod,
			   cs_cluster_node_name(scheduler->cluster, pod->row));
	succeed(scheduler, now, pod, pod->row);
	wake(scheduler, now, CS_EVENT_POD_ADD);
}

static void bound_elsewhere(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pod *pod,
			    const struct cs_bound_result *result)
{
	cs_cluster_confirm(scheduler->cluster, pod, result->node);
	cs_queue_remove(scheduler->queue, pod);
	wake(scheduler, now, CS_EVENT_POD_ADD | CS_EVENT_POD_DELETE);
}

static void bound_gone(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pod *pod,
		       const struct cs_bound_result *result)
{
	(void)result;
	cs_cluster_forget(scheduler->cluster, pod);
	cs_queue_remove(scheduler->queue, pod);
	wake(scheduler, now, CS_EVENT_POD_DELETE);
}

static void bound_failed(struct cs_scheduler *scheduler, struct cs_time now, struct cs_pod *pod,
			 const struct cs_bound_result *result)
{
	struct cs_pending *pending = pod->pending;
	CS_AUTO_FREE char *message =
		cs_asprintf("running Bind plugin \"%s\": %s", pending->profile->bind->plugin->name,
			    result->message ? result->message : "");
	cs_cluster_forget(scheduler->cluster, pod);
	wake(scheduler, now, CS_EVENT_POD_DELETE);
	accounts_failed(scheduler->accounts, now, pending, CS_DECISION_ERROR);
	cs_queue_fail(scheduler->queue, now.boot, pending, 0);
	report_failure(scheduler, pending, CS_DECISION_ERROR, message);
}

void cs_scheduler_bound(struct cs_scheduler *scheduler, struct cs_time now,
			const struct cs_bound_result *result)
{
	static void (*const ends[])(struct cs_scheduler *, struct cs_time, struct cs_pod *,
				    const struct cs_bound_result *) = {
		[CS_BOUND_HERE] = bound_here,
		[CS_BOUND_ELSEWHERE] = bound_elsewhere,
		[CS_BOUND_GONE] = bound_gone,
		[CS_BOUND_FAILED] = bound_failed,
	};
	struct slot *slot = &scheduler->slots[result->ticket % scheduler->max_binding];
	if (!result->ticket || slot->ticket != result->ticket)
		return;
	pass_time(scheduler, now);
	struct cs_pod *pod = slot->pod;
	accounts_bound(scheduler->accounts, now, &slot->account, result->outcome == CS_BOUND_HERE);
	*slot = (struct slot){ 0 };
	scheduler->n_binding--;
	if (pod)
		ends[result->outcome](scheduler, now, pod, result);
}

static void withdraw(struct cs_scheduler *scheduler, const struct slot *slot)
{
	if (scheduler->sink.withdraw)
		scheduler->sink.withdraw(scheduler->sink.user, slot->ticket);
}

// The pod's Binding, if one is under way, is of no use, and its answer no longer matters.
static void disown(struct cs_scheduler *scheduler, struct cs_pod *pod)
{
	struct slot *slot = pod->pending ? pod->pending->owner : NULL;
	if (!slot)
		return;
	slot->pod = NULL;
	// Where the pod is bound as the Binding says, that was sent: nothing can be withdrawn.
	if (pod->state != CS_POD_BOUND || slot->row != pod->row)
		withdraw(scheduler, slot);
}

// ---- what watches tell ----

int cs_scheduler_apply_node(struct cs_scheduler *scheduler, struct cs_time now,
			    const Kube__Node *node, struct cs_error *err)
{
	uint32_t events = 0;
	int64_t began = event_times_begin(&scheduler->event_times);
	pass_time(scheduler, now);
	int r = cs_cluster_apply_node(scheduler->cluster, node, &events, err);
	wake(scheduler, now, events);
	event_times_end(&scheduler->event_times, began, events);
	return r;
}

// The API server binds to nodes that do not exist: what has not been sent must not be sent.
void cs_scheduler_remove_node(struct cs_scheduler *scheduler, struct cs_time now, const char *name)
{
	uint32_t row = cs_cluster_find_node(scheduler->cluster, name);
	int64_t began = event_times_begin(&scheduler->event_times);
	pass_time(scheduler, now);
	for (uint32_t i = 0; row != CS_ROW_NONE && i < scheduler->max_binding; i++)
		if (scheduler->slots[i].pod && scheduler->slots[i].row == row)
			withdraw(scheduler, &scheduler->slots[i]);
	uint32_t events = cs_cluster_remove_node(scheduler->cluster, name);
	wake(scheduler, now, events);
	event_times_end(&scheduler->event_times, began, events);
}

static void follow_bound(struct cs_scheduler *scheduler, struct cs_time now,
			 const struct cs_pod_change *change)
{
	struct cs_pod *pod = change->pod;
	if (pod->pending) {
		const struct slot *slot = pod->pending->owner;
		bool ours = slot && slot->row == pod->row;
		disown(scheduler, pod);
		if (ours)
			succeed(scheduler, now, pod, pod->row);
		else
			cs_queue_remove(scheduler->queue, pod);
	}
	wake(scheduler, now, change->events);
}

static void follow_assumed(struct cs_scheduler *scheduler, struct cs_time now,
			   const struct cs_pod_change *change)
{
	struct cs_pod *pod = change->pod;
	if (!pod->terminating) {
		cs_queue_update(scheduler->queue, now.boot, pod->pending, change->events,
				change->demand_changed);
		return;
	}
	// The API server binds no pod that is being deleted, and would have told of an earlier
	// binding before: what the pod was to take is free.
	disown(scheduler, pod);
	cs_cluster_forget(scheduler->cluster, pod);
	cs_queue_remove(scheduler->queue, pod);
	wake(scheduler, now, CS_EVENT_POD_DELETE);
}

static void follow_unbound(struct cs_scheduler *scheduler, struct cs_time now,
			   const struct cs_pod_change *change)
{
	struct cs_pod *pod = change->pod;
	const struct cs_profile *profile = cs_scheduler_profile(scheduler, pod);
	if (pod->pending && pod->pending->profile != profile)
		cs_queue_remove(scheduler->queue, pod); // another scheduler's, as of now
	if (pod->pending)
		cs_queue_update(scheduler->queue, now.boot, pod->pending, change->events,
				change->demand_changed);
	else if (profile && (change->added || !pod->terminating))
		cs_queue_add(scheduler->queue, now.boot, pod, profile);
}

int cs_scheduler_apply_pod(struct cs_scheduler *scheduler, struct cs_time now, const Kube__Pod *pod,
			   struct cs_error *err)
{
	static void (*const follow[CS_POD_STATE_COUNT])(struct cs_scheduler *, struct cs_time,
							const struct cs_pod_change *) = {
		[CS_POD_UNBOUND] = follow_unbound,
		[CS_POD_ASSUMED] = follow_assumed,
		[CS_POD_BOUND] = follow_bound,
	};
	// A pod that ended leaves the model, and before that the queue.
	if (cs_cluster_pod_ended(pod) && pod->metadata && pod->metadata->uid) {
		cs_scheduler_remove_pod(scheduler, now, pod->metadata->uid);
		return 0;
	}
	struct cs_pod_change change = { 0 };
	int64_t began = event_times_begin(&scheduler->event_times);
	pass_time(scheduler, now);
	int r = cs_cluster_apply_pod(scheduler->cluster, pod, &change, err);
	uint32_t events = change.events;
	if (began && change.pod)
		events = event_times_of(&change, cs_scheduler_profile(scheduler, change.pod));
	if (change.pod)
		follow[change.pod->state](scheduler, now, &change);
	event_times_end(&scheduler->event_times, began, events);
	return r;
}

void cs_scheduler_remove_pod(struct cs_scheduler *scheduler, struct cs_time now, const char *uid)
{
	struct cs_pod *pod = cs_cluster_find_pod(scheduler->cluster, uid);
	if (!pod)
		return;
	int64_t began = event_times_begin(&scheduler->event_times);
	uint32_t pending = pod->pending ? EVENT_PENDING_DELETE : 0;
	pass_time(scheduler, now);
	disown(scheduler, pod);
	cs_queue_remove(scheduler->queue, pod);
	uint32_t events = cs_cluster_remove_pod(scheduler->cluster, pod);
	wake(scheduler, now, events);
	event_times_end(&scheduler->event_times, began, events | pending);
}

static void add_reports(struct cs_load_report *sum, const struct cs_load_report *more)
{
	for (uint32_t i = 0; i < more->n_unmatched && i < CS_LOAD_UNMATCHED_MAX; i++)
		if (sum->n_unmatched + i < CS_LOAD_UNMATCHED_MAX)
			memcpy(sum->unmatched[sum->n_unmatched + i], more->unmatched[i],
			       sizeof(more->unmatched[i]));
	sum->n_matched += more->n_matched;
	sum->n_unmatched += more->n_unmatched;
	sum->n_implausible += more->n_implausible;
	sum->n_old += more->n_old;
	sum->n_future += more->n_future;
}

// What pods use is learned first, so that what comes next is expected by it.
void cs_scheduler_apply_load(struct cs_scheduler *scheduler, struct cs_time now,
			     const struct cs_load_round *round, struct cs_load_report *ret)
{
	struct cs_load_report pods;
	uint32_t events = 0;
	pass_time(scheduler, now);
	if (round->more)
		cs_cluster_absorb_pod_samples(scheduler->cluster, round->pods, round->n_pods,
					      &pods);
	else
		events |= cs_cluster_apply_pod_samples(scheduler->cluster, round->pods,
						       round->n_pods, &pods);
	events |=
		cs_cluster_apply_samples(scheduler->cluster, round->samples, round->n_samples, ret);
	add_reports(ret, &pods);
	cs_load_watcher_stir(&scheduler->load);
	pass_time(scheduler, now);
	wake(scheduler, now, events);
}

int cs_scheduler_apply_object(struct cs_scheduler *scheduler, struct cs_time now,
			      const struct cs_kind *kind, const ProtobufCMessage *object,
			      struct cs_error *err)
{
	uint32_t events = 0;
	int r = cs_cluster_apply_object(scheduler->cluster, kind, object, &events, err);
	wake(scheduler, now, events);
	return r;
}

void cs_scheduler_remove_object(struct cs_scheduler *scheduler, struct cs_time now,
				const struct cs_kind *kind, const char *namespace, const char *name)
{
	wake(scheduler, now, cs_cluster_remove_object(scheduler->cluster, kind, namespace, name));
}
