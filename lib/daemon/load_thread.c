// A thread that asks one source of load figures. It logs when a question's outcome changes, not in
// each round. Neighbours: load_thread.h.
#include "daemon/load_thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/load/sampler.h>

#include "daemon/feed.h"
#include "daemon/message.h"

#define WAIT_MAX  (60 * CS_SECOND)
#define NAME_SIZE 16                // of a thread, for the kernel
#define AGE_MAX   (300 * CS_SECOND) // of the newest sample, before it is worth a warning
#define AHEAD_MAX (10 * CS_SECOND)

struct cs_load_thread {
	struct cs_load_thread_options options;
	struct cs_feed feed;
	struct cs_sampler *sampler;
	pthread_t thread;
	atomic_bool stopping;
	atomic_uint outstanding; // parts that the core has not done with
	int *told;               // by question: the outcome that was logged last; -1 = none
	struct cs_metric *duration;
	struct cs_metric **up;     // by question
	struct cs_metric **newest; // by question
};

const struct cs_metric_info cs_load_thread_metrics[] = {
	{ .name = "csched_load_source_questions_total",
	  .help = "Questions to sources of load figures by how they ended.",
	  .kind = CS_METRIC_COUNTER,
	  .labels = { "source", "question", "result" } },
	{ .name = "csched_load_source_round_duration_seconds",
	  .help = "How long a round of all questions to a source took.",
	  .kind = CS_METRIC_HISTOGRAM,
	  .labels = { "source" },
	  .buckets = { .start = 0.001, .factor = 2, .count = 16 } },
	{ .name = "csched_load_source_up",
	  .help = "1 where the last answer to the question was as it should be, else 0.",
	  .kind = CS_METRIC_GAUGE,
	  .labels = { "source", "question" } },
	{ .name = "csched_load_source_newest_sample_timestamp_seconds",
	  .help = "Unix time of the newest sample in the last answer, by the source's clock.",
	  .kind = CS_METRIC_GAUGE,
	  .labels = { "source", "question" } },
	{ 0 },
};
enum { QUESTIONS_TOTAL, ROUND_DURATION, UP, NEWEST };

// ---- what the sampler announces ----

static bool on_ready(void *user)
{
	struct cs_load_thread *thread = user;
	return atomic_load(&thread->outstanding) == 0;
}

static void note_outcome(struct cs_load_thread *thread, const struct cs_sampler_outcome *outcome)
{
	const char *labels[] = { thread->feed.source.name,
				 cs_source_question(&thread->feed.source, outcome->question),
				 cs_sampler_result_name(outcome->result) };
	cs_metric_add(cs_metrics_series(thread->options.metrics,
					&cs_load_thread_metrics[QUESTIONS_TOTAL], labels),
		      1);
	cs_metric_set(thread->up[outcome->question], outcome->result == CS_SAMPLER_OK);
	if (outcome->part && outcome->part->newest)
		cs_metric_set(thread->newest[outcome->question],
			      (double)outcome->part->newest / (double)CS_SECOND);
}

// A good answer whose samples are old, or from the future: one of the clocks is wrong, or the
// source has stopped measuring.
enum age { AGE_FINE, AGE_OLD, AGE_AHEAD, AGE_COUNT };

static int64_t age_of(const struct cs_load_thread *thread, const struct cs_sampler_outcome *outcome)
{
	return outcome->part && outcome->part->newest
		       ? cs_clock_now(&thread->options.clock).wall - outcome->part->newest
		       : 0;
}

static enum age judge_age(int64_t age)
{
	return age > AGE_MAX ? AGE_OLD : age < -AHEAD_MAX ? AGE_AHEAD : AGE_FINE;
}

static void log_outcome(struct cs_load_thread *thread, const struct cs_sampler_outcome *outcome)
{
	const struct cs_log *log = thread->options.log;
	const char *source = thread->feed.source.name;
	const char *question = cs_source_question(&thread->feed.source, outcome->question);
	static const char *const words[AGE_COUNT] = {
		[AGE_FINE] = "Load figures come in",
		[AGE_OLD] = "Load figures come in, but old ones: is one of the clocks wrong?",
		[AGE_AHEAD] = "Load figures come in with times ahead of our clock",
	};
	int64_t age = age_of(thread, outcome);
	if (outcome->result == CS_SAMPLER_OK)
		CS_LOG_AT(
			log, judge_age(age) == AGE_FINE ? CS_LOG_INFO : CS_LOG_WARNING, 0,
			words[judge_age(age)], CS_LOG_STRING("source", source),
			CS_LOG_STRING("question", question),
			CS_LOG_NUMBER("samples", outcome->part->n_samples + outcome->part->n_pods),
			CS_LOG_NUMBER("ageSeconds", age / CS_SECOND),
			CS_LOG_NUMBER("unreadable", outcome->part->n_unreadable),
			CS_LOG_NUMBER("unlabelled", outcome->part->n_unlabelled),
			CS_LOG_NUMBER("undated", outcome->part->n_undated));
	else
		cs_log_warning(log, "Load figures are not as they should be, trying on",
			       CS_LOG_STRING("source", source), CS_LOG_STRING("question", question),
			       CS_LOG_STRING("result", cs_sampler_result_name(outcome->result)),
			       CS_LOG_STRING("err", outcome->words));
}

static void on_outcome(void *user, const struct cs_sampler_outcome *outcome)
{
	struct cs_load_thread *thread = user;
	note_outcome(thread, outcome);
	int told = (int)outcome->result * AGE_COUNT + (int)judge_age(age_of(thread, outcome));
	if (thread->told[outcome->question] == told)
		return;
	thread->told[outcome->question] = told;
	log_outcome(thread, outcome);
}

static void on_part(void *user, struct cs_part *part)
{
	struct cs_load_thread *thread = user;
	atomic_fetch_add(&thread->outstanding, 1);
	cs_mailbox_send(thread->options.core, cs_message_load(thread->options.index, part));
}

static void on_round(void *user, int64_t duration)
{
	struct cs_load_thread *thread = user;
	cs_metric_observe(thread->duration, (double)duration / (double)CS_SECOND);
}

static void on_notice(void *user, const char *text)
{
	struct cs_load_thread *thread = user;
	cs_log_warning(thread->options.log, text,
		       CS_LOG_STRING("source", thread->feed.source.name));
}

// ---- the loop ----

static void *run(void *user)
{
	struct cs_load_thread *thread = user;
	while (!atomic_load(&thread->stopping)) {
		struct cs_time now = cs_clock_now(&thread->options.clock);
		cs_sampler_turn(thread->sampler, now);
		cs_sampler_wait(thread->sampler, now, WAIT_MAX);
	}
	return NULL;
}

// ---- life ----

static void make_metrics(struct cs_load_thread *thread)
{
	struct cs_metrics *metrics = thread->options.metrics;
	uint32_t n = cs_source_count(&thread->feed.source);
	const char *labels[] = { thread->feed.source.name, NULL };
	thread->told = cs_alloc_array(n, sizeof(*thread->told));
	thread->up = cs_alloc_array(n, sizeof(struct cs_metric *));
	thread->newest = cs_alloc_array(n, sizeof(struct cs_metric *));
	thread->duration =
		cs_metrics_series(metrics, &cs_load_thread_metrics[ROUND_DURATION], labels);
	for (uint32_t i = 0; i < n; i++) {
		labels[1] = cs_source_question(&thread->feed.source, i);
		thread->told[i] = -1;
		thread->up[i] = cs_metrics_series(metrics, &cs_load_thread_metrics[UP], labels);
		thread->newest[i] =
			cs_metrics_series(metrics, &cs_load_thread_metrics[NEWEST], labels);
	}
}

static void free_thread(struct cs_load_thread *thread)
{
	cs_sampler_destroy(thread->sampler);
	cs_feed_finish(&thread->feed);
	free(thread->told);
	free(thread->up);
	free(thread->newest);
	free(thread);
}

static int open_feed(struct cs_load_thread *thread, struct cs_error *err)
{
	const struct cs_load_thread_options *options = &thread->options;
	struct cs_transport *transport = options->transport;
	if (transport) {
		cs_feed_describe(&thread->feed, options->config, options->index);
	} else {
		int r = cs_feed_init(&thread->feed,
				     &(struct cs_feed_options){ .config = options->config,
								.index = options->index,
								.api = options->endpoint,
								.metrics = options->metrics,
								.notice = on_notice,
								.user = thread },
				     &transport, err);
		if (r < 0)
			return r;
	}
	thread->sampler = cs_sampler_create(&(struct cs_sampler_options){
		.source = &thread->feed.source,
		.transport = transport,
		.seed = options->seed,
		.sink = { .user = thread,
			  .ready = on_ready,
			  .outcome = on_outcome,
			  .part = on_part,
			  .round = on_round },
	});
	return 0;
}

int cs_load_thread_create(const struct cs_load_thread_options *options, struct cs_load_thread **ret,
			  struct cs_error *err)
{
	struct cs_load_thread *thread = cs_alloc(sizeof(*thread));
	char name[NAME_SIZE];
	thread->options = *options;
	int r = open_feed(thread, err);
	if (r == 0) {
		make_metrics(thread);
		r = -pthread_create(&thread->thread, NULL, run, thread);
		if (r < 0)
			cs_error_errno(err, r, "thread of source %s", thread->feed.source.name);
	}
	if (r < 0) {
		free_thread(thread);
		return r;
	}
	snprintf(name, sizeof(name), "load-%u", options->index);
	pthread_setname_np(thread->thread, name);
	*ret = thread;
	return 0;
}

void cs_load_thread_destroy(struct cs_load_thread *thread)
{
	if (!thread)
		return;
	atomic_store(&thread->stopping, true);
	cs_sampler_wakeup(thread->sampler);
	pthread_join(thread->thread, NULL);
	free_thread(thread);
}

void cs_load_thread_credit(struct cs_load_thread *thread)
{
	if (atomic_fetch_sub(&thread->outstanding, 1) == 1)
		cs_sampler_wakeup(thread->sampler);
}
