// The core: the scheduler fed by messages, in turns of about two milliseconds.
// Neighbours: framework's scheduler decides; events.c and condition.c word what is written.
#include "daemon/core.h"

#include <errno.h>

#include <csched/base/memory.h>
#include <csched/cluster/cluster.h>
#include <csched/framework/scheduler.h>

#include "daemon/answer.h"
#include "daemon/condition.h"
#include "daemon/events.h"
#include "daemon/load_intake.h"
#include "daemon/message.h"
#include "daemon/verbs.h"

#define TURN      CS_MILLISECOND
#define CHANGES   16 // applied between two looks at the clock
#define DECISIONS 8
#define PATCH_MAX (1u << 20) // bytes of a status patch
// Decisions wait while more patches and events than this have not been stored, so that none has to
// be dropped; but no longer than PATIENCE without one being stored, as a server that takes no
// Events must not stop scheduling.
#define REPORTS_MAX 512
#define PATIENCE    (5 * CS_SECOND)

// Messages in order.
struct queue {
	struct cs_message *first;
	struct cs_message **last;
};

struct cs_core {
	struct cs_core_options options;
	const struct cs_log *log;
	struct cs_mailbox *mailbox;
	struct cs_cluster *cluster;
	struct cs_scheduler *scheduler;
	struct cs_events *events;
	struct cs_load_intake *load;
	char *load_lost;        // the words of it, while no load figures are known; else NULL
	struct cs_verbs *verbs; // NULL = nobody calls
	struct cs_random random;
	struct cs_time now; // of the turn

	struct cs_message_batch *batches; // in order; the first is being applied
	struct cs_message_batch **last_batch;
	size_t next_change; // of the first batch

	struct queue asks;  // none of them answered
	struct queue calls; // nor of these

	uint32_t n_synced;
	bool leading;
	bool started;
	uint32_t reports;      // patches and events without a result
	int64_t report_stored; // boot ns of the last one that got a result, or of the first wait

	bool stopping;
	bool ended;
	int exit_status;
};

static void push(struct queue *queue, struct cs_message *message)
{
	message->next = NULL;
	*queue->last = message;
	queue->last = &message->next;
}

// NULL where there is none.
static struct cs_message *pop(struct queue *queue)
{
	struct cs_message *message = queue->first;
	if (message)
		queue->first = message->next;
	if (!queue->first)
		queue->last = &queue->first;
	return message;
}

// ---- what the scheduler asks ----

static void send(struct cs_core *core, const struct cs_write *write)
{
	if (write->kind != CS_WRITE_BIND && ++core->reports == REPORTS_MAX)
		core->report_stored = core->now.boot;
	core->options.write(core->options.user, write);
}

static void sink_bind(void *user, uint64_t ticket, const struct cs_pod *pod, const char *node)
{
	send(user, &(struct cs_write){
			   .kind = CS_WRITE_BIND,
			   .ticket = ticket,
			   .namespace = pod->namespace,
			   .name = pod->name,
			   .uid = pod->uid,
			   .node = node,
		   });
}

static void sink_status(void *user, const struct cs_pod *pod,
			const struct cs_scheduler_status *status)
{
	struct cs_core *core = user;
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, PATCH_MAX);
	cs_condition_patch(pod, core->now, status, &body);
	if (body.overflow) // a message of a megabyte: the Event has its beginning
		return;
	send(core, &(struct cs_write){
			   .kind = CS_WRITE_STATUS,
			   .namespace = pod->namespace,
			   .name = pod->name,
			   .uid = pod->uid,
			   .body = body.data,
			   .body_size = body.size,
		   });
}

// kube-scheduler's words and levels.
static void log_event(const struct cs_log *log, const struct cs_pod *pod,
		      const struct cs_scheduler_event *event)
{
	static const struct {
		enum cs_log_severity severity;
		int level;
		const char *words;
	} lines[] = {
		[CS_NEWS_SCHEDULED] = { CS_LOG_INFO, 2, "Successfully bound pod to node" },
		[CS_NEWS_NO_FIT] = { CS_LOG_INFO, 2, "Unable to schedule pod; no fit; waiting" },
		[CS_NEWS_NO_NODES] = { CS_LOG_INFO, 2,
				       "Unable to schedule pod; no nodes are registered to the "
				       "cluster; waiting" },
		[CS_NEWS_ERROR] = { CS_LOG_ERROR, 0, "Error scheduling pod; retrying" },
		[CS_NEWS_DELETING] = { CS_LOG_INFO, 3, "Skip schedule deleting pod" },
		[CS_NEWS_IGNORED] = { CS_LOG_INFO, 2, "An annotation of the pod is ignored" },
	};
	if (log->verbosity < lines[event->news].level)
		return;
	CS_AUTO_FREE char *name = cs_asprintf("%s/%s", pod->namespace, pod->name);
	CS_LOG_AT(log, lines[event->news].severity, lines[event->news].level,
		  lines[event->news].words, CS_LOG_STRING("pod", name),
		  CS_LOG_STRING(event->warning ? "err" : "note", event->note));
}

static void sink_event(void *user, const struct cs_pod *pod, const struct cs_scheduler_event *event)
{
	struct cs_core *core = user;
	log_event(core->log, pod, event);
	if (core->options.emit_events)
		cs_events_emit(core->events, core->now, pod, event);
}

static void sink_withdraw(void *user, uint64_t ticket)
{
	send(user, &(struct cs_write){ .kind = CS_WRITE_BIND, .ticket = ticket, .withdraw = true });
}

// Only the replica that schedules writes Events.
static void tell_load(struct cs_core *core, bool known, const char *words)
{
	const struct cs_config *config = core->options.config;
	if (core->started && core->options.emit_events)
		cs_events_tell(core->events, core->now,
			       &(struct cs_events_notice){
				       .warning = !known,
				       .reason = known ? "LoadKnown" : "LoadUnknown",
				       .note = words,
				       .controller = "c-sched",
				       .namespace = config->leader_election.resource_namespace,
				       .lease = config->leader_election.resource_name,
			       });
}

static void sink_load(void *user, bool known, const char *words)
{
	struct cs_core *core = user;
	CS_LOG_AT(core->log, known ? CS_LOG_INFO : CS_LOG_WARNING, 0,
		  known ? "Load figures are known again" : "Load figures are not known",
		  CS_LOG_STRING("state", words));
	free(core->load_lost);
	core->load_lost = known ? NULL : cs_strdup(words);
	tell_load(core, known, words);
}

static void load_notice(void *user, const char *words)
{
	struct cs_core *core = user;
	cs_log_warning(core->log, "An annotation cannot be read", CS_LOG_STRING("err", words));
}

static void write_for(void *user, const struct cs_write *write)
{
	send(user, write);
}

// ---- life ----

static int create_scheduler(struct cs_core *core, struct cs_error *err)
{
	struct cs_scheduler_options options = {
		.cluster = core->cluster,
		.config = core->options.config,
		.sink = { .user = core,
			  .bind = sink_bind,
			  .status = sink_status,
			  .event = sink_event,
			  .withdraw = sink_withdraw,
			  .load = sink_load },
		.random = &core->random,
		.metrics = core->options.metrics,
		.n_records = core->options.n_records,
		.clock = core->options.clock,
	};
	return cs_scheduler_create(&options, &core->scheduler, err);
}

static void create_verbs(struct cs_core *core)
{
	const struct cs_core_options *options = &core->options;
	if (options->extender.profile)
		core->verbs = cs_verbs_create(&(struct cs_verbs_options){
			.cluster = core->cluster,
			.config = options->extender.config,
			.profile = options->extender.profile,
			.clock = &options->clock,
			.metrics = options->metrics,
			.records = cs_scheduler_records(core->scheduler),
			.bind = options->extender.bind,
			.write = write_for,
			.user = core,
		});
}

int cs_core_create(const struct cs_core_options *options, struct cs_core **ret,
		   struct cs_error *err)
{
	struct cs_core *core = cs_alloc(sizeof(*core));
	core->options = *options;
	core->log = options->log;
	core->last_batch = &core->batches;
	core->asks.last = &core->asks.first;
	core->calls.last = &core->calls.first;
	cs_random_init(&core->random, options->seed);
	core->mailbox = cs_mailbox_create(NULL, NULL);
	core->cluster = cs_cluster_create(cs_random_next(&core->random));
	core->events = cs_events_create(&(struct cs_events_options){
		.host = options->host,
		.seed = cs_random_next(&core->random),
		.write = write_for,
		.user = core,
	});
	int r = create_scheduler(core, err);
	if (r < 0) {
		cs_core_destroy(core);
		return r;
	}
	create_verbs(core);
	cs_cluster_set_load_notice(core->cluster, load_notice, core);
	core->load = cs_load_intake_create(&(struct cs_load_intake_options){
		.config = options->config->load,
		.scheduler = core->scheduler,
		.log = core->log,
		.metrics = options->metrics,
		.credit = options->load_credit,
		.user = options->user,
	});
	*ret = core;
	return 0;
}

static void free_messages(struct cs_message *first)
{
	struct cs_message *next;
	for (; first; first = next) {
		next = first->next;
		cs_message_free_core(first);
	}
}

void cs_core_destroy(struct cs_core *core)
{
	if (!core)
		return;
	if (core->batches)
		free_messages(&core->batches->message);
	free_messages(core->asks.first);
	free_messages(core->calls.first);
	free_messages(cs_mailbox_take(core->mailbox));
	cs_verbs_destroy(core->verbs);
	cs_load_intake_destroy(core->load);
	cs_scheduler_destroy(core->scheduler);
	cs_events_destroy(core->events);
	cs_cluster_destroy(core->cluster);
	cs_mailbox_destroy(core->mailbox);
	free(core->load_lost);
	free(core);
}

struct cs_mailbox *cs_core_mailbox(struct cs_core *core)
{
	return core->mailbox;
}

// ---- what watches tell ----

static void maybe_start(struct cs_core *core)
{
	if (core->started || core->stopping || core->n_synced < core->options.n_watches ||
	    (core->options.elect && !core->leading))
		return;
	core->started = true;
	cs_scheduler_start(core->scheduler);
	struct cs_cluster_counts counts = cs_cluster_count(core->cluster);
	cs_log_info(core->log, 0, "Starting to schedule", CS_LOG_NUMBER("nodes", counts.nodes),
		    CS_LOG_NUMBER("pods", counts.pods));
	if (core->load_lost)
		tell_load(core, false, core->load_lost);
}

// What a call told of is known by ourselves now.
static void tell_verbs(struct cs_core *core, const Kube__ObjectMeta *metadata)
{
	if (core->verbs && metadata)
		cs_verbs_told(core->verbs, metadata);
}

static int apply_pod(struct cs_core *core, const struct cs_change *change, struct cs_error *err)
{
	tell_verbs(core, ((const Kube__Pod *)change->object)->metadata);
	return cs_scheduler_apply_pod(core->scheduler, core->now, (const Kube__Pod *)change->object,
				      err);
}

static void remove_pod(struct cs_core *core, const struct cs_kind *kind,
		       const Kube__ObjectMeta *metadata)
{
	(void)kind;
	tell_verbs(core, metadata);
	if (metadata->uid)
		cs_scheduler_remove_pod(core->scheduler, core->now, metadata->uid);
}

static int apply_node(struct cs_core *core, const struct cs_change *change, struct cs_error *err)
{
	return cs_scheduler_apply_node(core->scheduler, core->now,
				       (const Kube__Node *)change->object, err);
}

static void remove_node(struct cs_core *core, const struct cs_kind *kind,
			const Kube__ObjectMeta *metadata)
{
	(void)kind;
	if (metadata->name)
		cs_scheduler_remove_node(core->scheduler, core->now, metadata->name);
}

static int apply_other(struct cs_core *core, const struct cs_change *change, struct cs_error *err)
{
	return cs_scheduler_apply_object(core->scheduler, core->now, change->kind, change->object,
					 err);
}

static void remove_other(struct cs_core *core, const struct cs_kind *kind,
			 const Kube__ObjectMeta *metadata)
{
	if (metadata->name)
		cs_scheduler_remove_object(core->scheduler, core->now, kind, metadata->namespace_,
					   metadata->name);
}

// The kinds with a way of their own; the last row takes all others.
static const struct handler {
	const struct cs_kind *kind;
	int (*apply)(struct cs_core *core, const struct cs_change *change, struct cs_error *err);
	void (*remove)(struct cs_core *core, const struct cs_kind *kind,
		       const Kube__ObjectMeta *metadata);
} handlers[] = {
	{ &cs_kind_pod, apply_pod, remove_pod },
	{ &cs_kind_node, apply_node, remove_node },
	{ NULL, apply_other, remove_other },
};

static const Kube__ObjectMeta *metadata_of(const ProtobufCMessage *object)
{
	// The first field of every kind is its metadata (kind.h).
	const Kube__ObjectMeta *metadata = ((const Kube__Object *)object)->metadata;
	static const Kube__ObjectMeta none = KUBE__OBJECT_META__INIT;
	return metadata ? metadata : &none;
}

static void apply_object(struct cs_core *core, const struct cs_change *change)
{
	const Kube__ObjectMeta *metadata = metadata_of(change->object);
	const struct handler *handler = handlers;
	struct cs_error err = { 0 };

	while (handler->kind && handler->kind != change->kind)
		handler++;
	if (change->op == CS_CHANGE_DELETED) {
		handler->remove(core, change->kind, metadata);
	} else if (handler->apply(core, change, &err) < 0) {
		cs_log_error(core->log, "The object cannot be read, going on without the change",
			     CS_LOG_STRING("kind", change->kind->kind),
			     CS_LOG_STRING("namespace", metadata->namespace_),
			     CS_LOG_STRING("name", metadata->name), CS_LOG_STRING("err", err.text));
	}
}

static void apply_change(struct cs_core *core, const struct cs_change *change)
{
	if (change->op == CS_CHANGE_SYNCED) {
		cs_log_info(core->log, 3, "Caches are synced",
			    CS_LOG_STRING("kind", change->kind->kind));
		if (++core->n_synced == core->options.n_watches)
			atomic_store(&core->options.status->handlers_synced, true);
		maybe_start(core);
		return;
	}
	apply_object(core, change);
}

static bool past(struct cs_core *core, int64_t end)
{
	return cs_clock_now(&core->options.clock).boot >= end;
}

static void end_batch(struct cs_core *core)
{
	struct cs_message_batch *batch = core->batches;
	core->batches = (struct cs_message_batch *)batch->message.next;
	if (!core->batches)
		core->last_batch = &core->batches;
	core->next_change = 0;
	core->options.credit(core->options.user, batch->batch->bytes);
	cs_message_free_core(&batch->message);
}

// True when the time was up before the batches were.
static bool apply_batches(struct cs_core *core, int64_t end)
{
	while (core->batches) {
		const struct cs_batch *batch = core->batches->batch;
		for (unsigned i = 0; i < CHANGES && core->next_change < batch->count; i++)
			apply_change(core, &batch->changes[core->next_change++]);
		if (core->next_change == batch->count)
			end_batch(core);
		if (past(core, end))
			return core->batches != NULL;
	}
	return false;
}

// ---- how writes ended ----

static void bind_written(struct cs_core *core, const struct cs_write_result *result)
{
	static const enum cs_bound outcomes[] = {
		[CS_WRITE_DONE] = CS_BOUND_HERE,     [CS_WRITE_ELSEWHERE] = CS_BOUND_ELSEWHERE,
		[CS_WRITE_GONE] = CS_BOUND_GONE,     [CS_WRITE_REFUSED] = CS_BOUND_FAILED,
		[CS_WRITE_FAILED] = CS_BOUND_FAILED,
	};
	if (outcomes[result->outcome] == CS_BOUND_FAILED)
		cs_log_info(core->log, 1, "Failed to bind pod",
			    CS_LOG_STRING("err", result->message),
			    CS_LOG_NUMBER("status", result->status));
	else if (result->outcome != CS_WRITE_DONE)
		cs_log_info(core->log, 2, "The pod was bound elsewhere or deleted meanwhile",
			    CS_LOG_STRING("node", result->node));
	cs_scheduler_bound(core->scheduler, core->now,
			   &(struct cs_bound_result){
				   .ticket = result->ticket,
				   .outcome = outcomes[result->outcome],
				   .node = result->node,
				   .message = result->message,
			   });
}

static void report_written(struct cs_core *core, const struct cs_write_result *result)
{
	bool bad = result->outcome == CS_WRITE_REFUSED || result->outcome == CS_WRITE_FAILED;
	core->reports--;
	core->report_stored = core->now.boot;
	// A namespace that is being deleted takes no Events: that is no fault.
	if (!bad || (result->kind == CS_WRITE_EVENT && result->status == 403))
		return;
	cs_log_error(
		core->log,
		result->kind == CS_WRITE_EVENT ? "Unable to write event" : "Error updating pod",
		CS_LOG_STRING("err", result->message), CS_LOG_NUMBER("status", result->status));
}

static void on_written(struct cs_core *core, struct cs_message *message)
{
	const struct cs_write_result *result = &((struct cs_message_written *)message)->result;
	if (result->kind == CS_WRITE_BIND && (result->ticket & CS_VERBS_TICKET))
		cs_verbs_written(core->verbs, result);
	else if (result->kind == CS_WRITE_BIND)
		bind_written(core, result);
	else
		report_written(core, result);
}

// ---- other messages ----

static void on_leading(struct cs_core *core, struct cs_message *message)
{
	(void)message;
	core->leading = true;
	maybe_start(core);
}

static void on_ask(struct cs_core *core, struct cs_message *message)
{
	push(&core->asks, message);
}

static void on_call(struct cs_core *core, struct cs_message *message)
{
	push(&core->calls, message);
}

static void on_stop(struct cs_core *core, struct cs_message *message)
{
	(void)message;
	if (core->stopping)
		return;
	core->stopping = true;
	atomic_store(&core->options.status->stopping, true);
	cs_log_info(core->log, 0, "Requested to terminate, exiting");
	cs_scheduler_stop(core->scheduler);
	cs_events_flush(core->events, core->now);
	core->options.stop(core->options.user);
}

static void on_ended(struct cs_core *core, struct cs_message *message)
{
	const char *failure = ((struct cs_message_ended *)message)->failure;
	core->ended = true;
	core->exit_status = failure ? 1 : 0;
	if (failure)
		cs_log_error(core->log, failure);
}

static void on_load(struct cs_core *core, struct cs_message *message)
{
	cs_load_intake_add(core->load, (struct cs_message_load *)message);
}

static void on_batch(struct cs_core *core, struct cs_message *message)
{
	message->next = NULL;
	*core->last_batch = (struct cs_message_batch *)message;
	core->last_batch = (struct cs_message_batch **)&message->next;
}

static void read_messages(struct cs_core *core)
{
	static void (*const on[CS_CORE_MESSAGE_COUNT])(struct cs_core *, struct cs_message *) = {
		[CS_CORE_BATCH] = on_batch,     [CS_CORE_WRITTEN] = on_written,
		[CS_CORE_LEADING] = on_leading, [CS_CORE_ASK] = on_ask,
		[CS_CORE_LOAD] = on_load,       [CS_CORE_CALL] = on_call,
		[CS_CORE_STOP] = on_stop,       [CS_CORE_ENDED] = on_ended,
	};
	// These have been taken over.
	static const bool kept[CS_CORE_MESSAGE_COUNT] = { [CS_CORE_BATCH] = true,
							  [CS_CORE_LOAD] = true,
							  [CS_CORE_ASK] = true,
							  [CS_CORE_CALL] = true };
	struct cs_message *next;
	for (struct cs_message *m = cs_mailbox_take(core->mailbox); m; m = next) {
		next = m->next;
		bool ends_here = !kept[m->kind]; // who keeps one may have freed it by then
		on[m->kind](core, m);
		if (ends_here)
			cs_message_free_core(m);
	}
}

// ---- the turn ----

static bool must_wait(const struct cs_core *core)
{
	return core->reports >= REPORTS_MAX && core->now.boot - core->report_stored < PATIENCE;
}

// Not before the nodes are known that they are of.
static bool take_load(struct cs_core *core, int64_t end)
{
	if (core->n_synced < core->options.n_watches)
		return false;
	while (cs_load_intake_turn(core->load, core->now))
		if (past(core, end))
			return true;
	return false;
}

static bool decide(struct cs_core *core, int64_t end)
{
	while (core->started && !core->stopping && !must_wait(core)) {
		if (cs_scheduler_turn(core->scheduler, core->now, DECISIONS) == 0)
			return false;
		if (past(core, end))
			return true;
	}
	return false;
}

static void answer(const struct cs_core *core, struct cs_message_ask *ask)
{
	struct cs_http_response response;
	cs_http_response_init(&response);
	cs_answer(&(struct cs_answer_context){ .scheduler = core->scheduler,
					       .cluster = core->cluster,
					       .verbs = core->verbs,
					       .now = core->now,
					       .started = core->started },
		  ask, &response);
	cs_http_pending_complete(ask->pending, &response);
	ask->pending = NULL;
	cs_http_response_finish(&response);
}

// In what the turn has left, but one of them in any case: an explanation of thousands of nodes
// takes longer than a turn, and hundreds of clients may ask at once.
static bool answer_asks(struct cs_core *core, int64_t end)
{
	struct cs_message *message;
	while ((message = pop(&core->asks))) {
		struct cs_message_ask *ask = (struct cs_message_ask *)message;
		if (cs_http_pending_is_wanted(ask->pending))
			answer(core, ask);
		cs_message_free_core(message);
		if (past(core, end))
			return core->asks.first != NULL;
	}
	return false;
}

// One in any case. Who wants to go on later does so after all others.
static bool answer_calls(struct cs_core *core, int64_t end)
{
	struct cs_message *message;
	const struct cs_verbs_state state = {
		.now = core->now,
		.synced = core->n_synced >= core->options.n_watches,
		.leading = !core->stopping && (core->leading || !core->options.elect),
	};
	while ((message = pop(&core->calls))) {
		if (!cs_verbs_answer(core->verbs, &state, (struct cs_call *)message))
			push(&core->calls, message);
		if (past(core, end))
			return core->calls.first != NULL;
	}
	return false;
}

// Calls first, as somebody waits for each; but not in the time of the rest, so that who calls as
// hard as he can leaves half of the core's time to our own pods.
bool cs_core_turn(struct cs_core *core)
{
	core->now = cs_clock_now(&core->options.clock);
	read_messages(core);
	bool more = answer_calls(core, core->now.boot + TURN);
	int64_t begin = cs_clock_now(&core->options.clock).boot;
	int64_t end = begin + TURN;
	more |= apply_batches(core, begin + TURN / 2);
	more |= take_load(core, end);
	more |= decide(core, end);
	more |= answer_asks(core, end);
	cs_events_turn(core->events, core->now);
	if (core->verbs)
		cs_verbs_expire(core->verbs, core->now);
	return more && !core->ended;
}

int64_t cs_core_deadline(const struct cs_core *core)
{
	int64_t deadline = cs_events_deadline(core->events);
	int64_t work = INT64_MAX;
	if (core->started && !core->stopping)
		work = must_wait(core) ? core->report_stored + PATIENCE
				       : cs_scheduler_deadline(core->scheduler);
	return work < deadline ? work : deadline;
}

bool cs_core_ended(const struct cs_core *core, int *ret_status)
{
	*ret_status = core->exit_status;
	return core->ended;
}
