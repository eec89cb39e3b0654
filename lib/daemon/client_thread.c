// The thread that talks to the API server: it owns the client, and carries messages both ways.
// Neighbours: core.c on the other side; client/client.h does the talking.
#include "daemon/client_thread.h"

#include <errno.h>
#include <pthread.h>

#include <csched/base/memory.h>

#include "daemon/message.h"

#define COMPLAINTS_APART (10 * CS_SECOND) // about reviews: strangers can cause them
#define HEARTBEAT        (5 * CS_SECOND) // the longest wait, so that status->client_turn stays fresh

struct cs_client_thread {
	struct cs_client_thread_options options;
	struct cs_client *client;
	struct cs_reviews *reviews;
	struct cs_lookup *lookup; // NULL = nothing is looked up
	int64_t next_complaint;   // boot ns
	struct cs_mailbox *mailbox;
	struct cs_metric *leading; // leader_election_master_status, NULL without leader election
	struct cs_metric *backlog;
	struct cs_metric *lists;
	struct cs_metric *failures;
	struct cs_metric *last_data[CS_CLIENT_THREAD_WATCHES];
	pthread_t thread;
	struct cs_time now; // of the turn
	char *failure;      // what it ends for; NULL = it was told to
	bool lost_lease;
	bool stopping;
	int64_t stop_deadline; // boot ns
};

static const struct cs_metric_info master_status = {
	.name = "leader_election_master_status",
	.help = "Gauge of if the reporting system is master of the relevant lease, 0 indicates "
		"backup, 1 indicates master. 'name' is the string used to identify the lease.",
	.kind = CS_METRIC_GAUGE,
	.labels = { "name" },
};

static const struct cs_metric_info backlog_bytes = {
	.name = "csched_watch_backlog_bytes",
	.help = "Watch data that the scheduler has received and not applied yet.",
	.kind = CS_METRIC_GAUGE,
};
static const struct cs_metric_info lists_total = {
	.name = "csched_watch_lists_total",
	.help = "Lists of what exists: one per watched kind from the start; more where a watch "
		"could not go on.",
	.kind = CS_METRIC_COUNTER,
};
static const struct cs_metric_info failures_total = {
	.name = "csched_watch_failures_total",
	.help = "Lists and watches that failed and were tried again after a pause.",
	.kind = CS_METRIC_COUNTER,
};
static const struct cs_metric_info last_data_time = {
	.name = "csched_watch_last_data_timestamp_seconds",
	.help = "When the last byte of a list or watch came, in seconds since 1970; 0 before the "
		"first. While nothing changes the API server sends a bookmark each minute.",
	.kind = CS_METRIC_GAUGE,
	.labels = { "resource" },
};

// The last ones give way first where the core is behind: pods are the most.
static const struct cs_client_watch watches[] = {
	{ &cs_kind_node, NULL },
	{ &cs_kind_namespace, NULL },
	{ &cs_kind_service, NULL },
	{ &cs_kind_replication_controller, NULL },
	{ &cs_kind_replica_set, NULL },
	{ &cs_kind_stateful_set, NULL },
	{ &cs_kind_pod, CS_CLIENT_POD_SELECTOR },
};
_Static_assert(CS_ARRAY_LENGTH(watches) == CS_CLIENT_THREAD_WATCHES,
	       "the core waits for each of them");

// ---- what the client announces ----

static void on_batch(void *user, struct cs_batch *batch)
{
	struct cs_client_thread *thread = user;
	struct cs_message_batch *message = cs_alloc(sizeof(*message));
	message->message.kind = CS_CORE_BATCH;
	message->batch = batch;
	cs_mailbox_send(thread->options.core, &message->message);
}

static void on_written(void *user, const struct cs_write_result *result)
{
	struct cs_client_thread *thread = user;
	cs_mailbox_send(thread->options.core, cs_message_written(result));
}

static void fail(struct cs_client_thread *thread, char *words)
{
	free(thread->failure);
	thread->failure = words;
}

// A lost lease ends the loop before anything else is sent: the next leader acts by now.
static void on_leading(void *user, bool leading, const char *reason)
{
	struct cs_client_thread *thread = user;
	const struct cs_lease_settings *lease = thread->options.lease;
	atomic_store(&thread->options.status->leading, leading);
	cs_metric_set(thread->leading, leading);
	if (leading) {
		cs_mailbox_send(thread->options.core, cs_message_plain(CS_CORE_LEADING));
	} else {
		CS_AUTO_FREE char *name = cs_asprintf("%s/%s", lease->namespace, lease->name);
		cs_log_error(thread->options.log, "Failed to renew lease",
			     CS_LOG_STRING("lock", name), CS_LOG_STRING("err", reason));
		thread->lost_lease = true;
		fail(thread, cs_strdup("Leaderelection lost"));
	}
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	struct cs_client_thread *thread = user;
	CS_LOG_AT(thread->options.log, severity, 0, text);
}

// ---- leave for clients of our endpoints ----

struct asked {
	struct cs_client_thread *thread;
	struct cs_message_review *review;
};

static void on_reviewed(void *user, const struct cs_review_result *result)
{
	struct asked *asked = user;
	struct cs_client_thread *thread = asked->thread;
	int64_t now = cs_clock_now(&thread->options.clock).boot;
	if (result->broken && now >= thread->next_complaint) {
		thread->next_complaint = now + COMPLAINTS_APART;
		cs_log_error(thread->options.log,
			     "Unable to find out whether a request is allowed, refusing it",
			     CS_LOG_STRING("path", asked->review->path),
			     CS_LOG_STRING("err", result->message));
	}
	cs_access_answer(asked->review, result);
	cs_message_free_client(&asked->review->message);
	free(asked);
}

static void begin_review(struct cs_client_thread *thread, struct cs_message_review *review,
			 struct cs_time now)
{
	struct asked *asked = cs_alloc(sizeof(*asked));
	asked->thread = thread;
	asked->review = review;
	cs_reviews_ask(thread->reviews, now,
		       &(struct cs_review_ask){
			       .token = review->token,
			       .user = review->user,
			       .uid = review->uid,
			       .extra = review->extra,
			       .groups = (const char *const *)review->groups,
			       .n_groups = review->n_groups,
			       .verb = review->verb,
			       .path = review->path,
			       .done = on_reviewed,
			       .done_user = asked,
		       });
}

// ---- the end ----

static void begin_stop(struct cs_client_thread *thread)
{
	thread->stopping = true;
	thread->stop_deadline = thread->now.boot + CS_CLIENT_THREAD_STOP_MAX;
	cs_client_stop(thread->client, thread->now);
}

// ---- whose certificates count ----

static void on_found(void *user, const struct cs_lookup_found *found)
{
	struct cs_client_thread *thread = user;
	thread->options.trust(thread->options.user, found);
}

// As kube-scheduler says it at its start.
static void say_first(const struct cs_log *log, const char *why, bool tolerated, bool forbidden)
{
	if (forbidden)
		cs_log_warning(log,
			       "Unable to get configmap/" CS_LOOKUP_NAME " in " CS_LOOKUP_NAMESPACE
			       ".  Usually fixed by 'kubectl create rolebinding "
			       "-n " CS_LOOKUP_NAMESPACE " ROLEBINDING_NAME --role=" CS_LOOKUP_ROLE
			       " --serviceaccount=YOUR_NS:YOUR_SA'");
	if (!tolerated)
		return;
	CS_AUTO_FREE char *words =
		cs_asprintf("Error looking up in-cluster authentication configuration: %s", why);
	cs_log_warning(log, words);
	cs_log_warning(log, "Continuing without authentication configuration. This may treat all "
			    "requests as anonymous.");
	cs_log_warning(log, "To require authentication configuration lookup to succeed, set "
			    "--authentication-tolerate-lookup-failure=false");
}

static void on_lookup_failed(void *user, const char *why, bool first, bool forbidden)
{
	struct cs_client_thread *thread = user;
	bool must = first && thread->options.must_look_up;
	if (first)
		say_first(thread->options.log, why, !must, forbidden);
	else
		cs_log_warning(thread->options.log,
			       "Error looking up in-cluster authentication configuration, going on "
			       "with what was found before",
			       CS_LOG_STRING("err", why));
	if (!must || thread->stopping)
		return;
	fail(thread,
	     cs_asprintf("unable to load configmap based request-header-client-ca-file: %s", why));
	begin_stop(thread);
}

// ---- the loop ----

static void read_messages(struct cs_client_thread *thread, struct cs_time now)
{
	struct cs_message *next;
	for (struct cs_message *m = cs_mailbox_take(thread->mailbox); m; m = next) {
		next = m->next;
		if (m->kind == CS_CLIENT_REVIEW) {
			begin_review(thread, (struct cs_message_review *)m, now);
			continue;
		}
		if (m->kind == CS_CLIENT_WRITE)
			cs_client_write(thread->client, &((struct cs_message_write *)m)->write);
		else if (!thread->stopping)
			begin_stop(thread);
		cs_message_free_client(m);
	}
}

static void count(struct cs_metric *metric, uint64_t total)
{
	cs_metric_add(metric, (double)total - cs_metric_value(metric));
}

static void show_watches(const struct cs_client_thread *thread, struct cs_time now)
{
	uint64_t lists = 0, failures = 0;
	for (size_t i = 0; i < CS_CLIENT_THREAD_WATCHES; i++) {
		struct cs_reflector_stats stats = cs_client_watch_stats(thread->client, i);
		int64_t age = now.boot - stats.last_data;
		lists += stats.lists;
		failures += stats.failures;
		if (stats.last_data)
			cs_metric_set(thread->last_data[i], (double)(now.wall - age) / CS_SECOND);
	}
	count(thread->lists, lists);
	count(thread->failures, failures);
	cs_metric_set(thread->backlog, (double)cs_client_stats(thread->client).backlog);
}

static void show_status(struct cs_client_thread *thread, struct cs_time now)
{
	struct cs_daemon_status *status = thread->options.status;
	show_watches(thread, now);
	struct cs_lease *lease = cs_client_lease(thread->client);
	atomic_store(&status->informers_synced, cs_client_synced(thread->client));
	atomic_store(&status->lease_healthy, !lease || cs_lease_healthy(lease, now));
	atomic_store(&status->client_turn, now.boot);
}

static bool is_over(struct cs_client_thread *thread, struct cs_time now)
{
	if (thread->lost_lease)
		return true;
	if (!thread->stopping)
		return false;
	if (cs_client_stopped(thread->client))
		return true;
	if (now.boot < thread->stop_deadline)
		return false;
	struct cs_client_stats stats = cs_client_stats(thread->client);
	cs_log_warning(thread->options.log,
		       "The API server did not answer in time, ending without an answer",
		       CS_LOG_NUMBER("writes",
				     (int64_t)(stats.requests.queued + stats.requests.in_flight)));
	return true;
}

static void *run(void *user)
{
	struct cs_client_thread *thread = user;
	for (;;) {
		struct cs_time now = thread->now = cs_clock_now(&thread->options.clock);
		read_messages(thread, now);
		cs_client_turn(thread->client, now);
		if (thread->lookup && !thread->stopping)
			cs_lookup_turn(thread->lookup, now);
		show_status(thread, now);
		if (is_over(thread, now))
			break;
		int64_t wait = HEARTBEAT;
		if (thread->stopping && thread->stop_deadline - now.boot < wait)
			wait = thread->stop_deadline - now.boot;
		else if (thread->lookup && cs_lookup_deadline(thread->lookup) - now.boot < wait)
			wait = cs_lookup_deadline(thread->lookup) - now.boot;
		cs_client_wait(thread->client, wait);
	}
	struct cs_message_ended *ended = cs_alloc(sizeof(*ended));
	ended->message.kind = CS_CORE_ENDED;
	ended->failure = CS_TAKE(thread->failure);
	cs_mailbox_send(thread->options.core, &ended->message);
	return NULL;
}

// ---- life ----

static void create_series(struct cs_client_thread *thread)
{
	struct cs_metrics *metrics = thread->options.metrics;
	if (thread->options.lease)
		thread->leading =
			cs_metrics_series(metrics, &master_status, &thread->options.lease->name);
	thread->backlog = cs_metrics_series(metrics, &backlog_bytes, NULL);
	thread->lists = cs_metrics_series(metrics, &lists_total, NULL);
	thread->failures = cs_metrics_series(metrics, &failures_total, NULL);
	for (size_t i = 0; i < CS_CLIENT_THREAD_WATCHES; i++)
		thread->last_data[i] =
			cs_metrics_series(metrics, &last_data_time, &watches[i].kind->resource);
}

static void wakeup(void *user)
{
	struct cs_client_thread *thread = user;
	cs_client_wakeup(thread->client);
}

static struct cs_client *create_client(struct cs_client_thread *thread, struct cs_error *err)
{
	const struct cs_client_thread_options *from = &thread->options;
	struct cs_client_options options = {
		.endpoint = from->endpoint,
		.watches = watches,
		.n_watches = CS_CLIENT_THREAD_WATCHES,
		.qps = from->qps,
		.burst = from->burst,
		.lease = from->lease,
		.seed = from->seed,
		.metrics = from->metrics,
		.sink = { .user = thread,
			  .batch = on_batch,
			  .written = on_written,
			  .leading = on_leading,
			  .notice = on_notice },
		.transport = from->transport,
	};
	return cs_client_create(&options, err);
}

int cs_client_thread_create(const struct cs_client_thread_options *options,
			    struct cs_client_thread **ret, struct cs_error *err)
{
	struct cs_client_thread *thread = cs_alloc(sizeof(*thread));
	thread->options = *options;
	create_series(thread);
	thread->client = create_client(thread, err);
	if (!thread->client) {
		free(thread);
		return err->code;
	}
	thread->reviews = cs_reviews_create(cs_client_transport(thread->client),
					    &options->review_ttls, options->seed);
	if (options->trust)
		thread->lookup = cs_lookup_create(&(struct cs_lookup_options){
			.transport = cs_client_transport(thread->client),
			.found = on_found,
			.failed = on_lookup_failed,
			.user = thread,
		});
	thread->mailbox = cs_mailbox_create(wakeup, thread);
	atomic_store(&options->status->lease_healthy, true);
	int r = pthread_create(&thread->thread, NULL, run, thread);
	if (r != 0) {
		cs_mailbox_destroy(thread->mailbox);
		cs_lookup_destroy(thread->lookup);
		cs_reviews_destroy(thread->reviews);
		cs_client_destroy(thread->client);
		free(thread);
		return cs_error_errno(err, -r, "client thread");
	}
	pthread_setname_np(thread->thread, "client");
	*ret = thread;
	return 0;
}

void cs_client_thread_destroy(struct cs_client_thread *thread)
{
	if (!thread)
		return;
	pthread_join(thread->thread, NULL);
	struct cs_message *next;
	for (struct cs_message *m = cs_mailbox_take(thread->mailbox); m; m = next) {
		next = m->next;
		cs_message_free_client(m);
	}
	cs_mailbox_destroy(thread->mailbox);
	cs_lookup_destroy(thread->lookup);
	cs_reviews_destroy(thread->reviews);
	cs_client_destroy(thread->client);
	free(thread);
}

// ---- the core's side ----

void cs_client_thread_write(struct cs_client_thread *thread, const struct cs_write *write)
{
	cs_mailbox_send(thread->mailbox, cs_message_write(write));
}

void cs_client_thread_review(struct cs_client_thread *thread, struct cs_message_review *review)
{
	cs_mailbox_send(thread->mailbox, &review->message);
}

void cs_client_thread_credit(struct cs_client_thread *thread, size_t bytes)
{
	cs_client_credit(thread->client, bytes);
}

void cs_client_thread_stop(struct cs_client_thread *thread)
{
	cs_mailbox_send(thread->mailbox, cs_message_plain(CS_CLIENT_STOP));
}
