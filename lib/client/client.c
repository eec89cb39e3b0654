// One API server: credentials, transport, lease, writes and watches, turned in that order.
// Neighbours: all of this layer; the daemon owns the thread that turns it.
#include <csched/client/client.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/client/credentials.h>
#include <csched/client/transport.h>

#if defined(__x86_64__)
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "unknown"
#endif

#define DRAIN_MAX (1 * CS_SECOND) // for queued writes, before the lease is released

enum stage { STAGE_RUN, STAGE_DRAIN, STAGE_RELEASE, STAGE_STOPPED };

struct cs_client {
	struct cs_client_options options;
	struct cs_credentials *credentials; // NULL with a transport that was given
	struct cs_transport *transport;
	struct cs_random random;
	struct cs_requests *requests;
	struct cs_lease *lease; // NULL = none
	struct cs_reflector **reflectors;
	size_t n_reflectors;
	size_t n_held; // the last ones
	size_t backlog_max;
	size_t handed;          // bytes of batches handed over: this thread's
	atomic_size_t credited; // bytes credited: any thread
	atomic_bool holding;    // n_held > 0, for who credits
	enum stage stage;
	int64_t drain_until; // boot ns
	struct cs_time now;  // of the last turn
};

static size_t backlog(const struct cs_client *client)
{
	return client->handed -
	       atomic_load_explicit(&((struct cs_client *)(uintptr_t)client)->credited,
				    memory_order_relaxed);
}

// ---- what the parts announce ----

static void on_batch(void *user, struct cs_batch *batch)
{
	struct cs_client *client = user;
	client->handed += batch->bytes;
	client->options.sink.batch(client->options.sink.user, batch);
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	struct cs_client *client = user;
	client->options.sink.notice(client->options.sink.user, severity, text);
}

static void on_credentials(void *user, const char *text)
{
	on_notice(user, CS_LOG_ERROR, text);
}

static void on_written(void *user, const struct cs_write_result *result)
{
	struct cs_client *client = user;
	client->options.sink.written(client->options.sink.user, result);
}

static void on_leading(void *user, bool leading, const char *reason)
{
	struct cs_client *client = user;
	client->options.sink.leading(client->options.sink.user, leading, reason);
}

// The fence before each Binding.
static bool may_bind(void *user, struct cs_time now)
{
	const struct cs_client *client = user;
	return !client->lease || cs_lease_valid(client->lease, now);
}

// ---- birth and death ----

static int create_transport(struct cs_client *client, struct cs_error *err)
{
	const struct cs_client_options *options = &client->options;
	char agent[128];
	client->transport = options->transport;
	if (client->transport)
		return 0;
	client->credentials = cs_credentials_create(options->endpoint, on_credentials, client, err);
	if (!client->credentials)
		return -EINVAL;
	snprintf(agent, sizeof(agent), "c-sched/%s (linux/%s)", CSCHED_VERSION, ARCHITECTURE);
	struct cs_transport_curl_options curl = {
		.endpoint = options->endpoint,
		.credentials = client->credentials,
		.metrics = options->metrics,
		.user_agent = agent,
	};
	client->transport = cs_transport_curl_create(&curl, err);
	return client->transport ? 0 : -EINVAL;
}

static const struct cs_metric_info skipped_total = {
	.name = "csched_watch_skipped_total",
	.help = "Objects and events of lists and watches that were skipped as they cannot be read.",
	.kind = CS_METRIC_COUNTER,
	.labels = { "resource" },
};

static struct cs_metric *skipped_series(const struct cs_client *client, const struct cs_kind *kind)
{
	struct cs_metrics *metrics = client->options.metrics;
	return metrics ? cs_metrics_series(metrics, &skipped_total, &kind->resource) : NULL;
}

static void create_reflectors(struct cs_client *client)
{
	const struct cs_client_options *options = &client->options;
	client->n_reflectors = options->n_watches;
	client->reflectors = cs_alloc_array(options->n_watches, sizeof(*client->reflectors));
	for (size_t i = 0; i < options->n_watches; i++) {
		struct cs_reflector_options reflector = {
			.kind = options->watches[i].kind,
			.field_selector = options->watches[i].field_selector,
			.transport = client->transport,
			.random = &client->random,
			.list_max = options->list_max,
			.watch_silence = options->watch_silence,
			.skipped = skipped_series(client, options->watches[i].kind),
			.batch = on_batch,
			.notice = on_notice,
			.user = client,
		};
		client->reflectors[i] = cs_reflector_create(&reflector);
	}
}

static void create_requests(struct cs_client *client)
{
	struct cs_requests_options options = {
		.transport = client->transport,
		.random = &client->random,
		.qps = client->options.qps,
		.burst = client->options.burst,
		.written = on_written,
		.may_bind = may_bind,
		.user = client,
	};
	client->requests = cs_requests_create(&options);
}

static void create_lease(struct cs_client *client)
{
	if (!client->options.lease)
		return;
	struct cs_lease_options options = {
		.settings = *client->options.lease,
		.transport = client->transport,
		.random = &client->random,
		.leading = on_leading,
		.notice = on_notice,
		.user = client,
	};
	client->lease = cs_lease_create(&options);
}

struct cs_client *cs_client_create(const struct cs_client_options *options, struct cs_error *err)
{
	struct cs_client *client = cs_alloc(sizeof(*client));
	client->options = *options;
	client->backlog_max = options->backlog_max ? options->backlog_max : CS_CLIENT_BACKLOG_MAX;
	cs_random_init(&client->random, options->seed);
	if ((options->lease && cs_lease_check(options->lease, err) < 0) ||
	    create_transport(client, err) < 0) {
		cs_client_destroy(client);
		return NULL;
	}
	create_lease(client);
	create_requests(client);
	create_reflectors(client);
	client->options.watches = NULL; // the caller's
	client->options.lease = NULL;
	return client;
}

void cs_client_destroy(struct cs_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->n_reflectors; i++)
		cs_reflector_destroy(client->reflectors[i]);
	free(client->reflectors);
	cs_requests_destroy(client->requests);
	cs_lease_destroy(client->lease);
	if (client->transport)
		client->transport->ops->destroy(client->transport);
	cs_credentials_destroy(client->credentials);
	free(client);
}

// ---- turns ----

static void hold_one(struct cs_client *client)
{
	if (client->n_held == client->n_reflectors)
		return;
	client->n_held++;
	cs_reflector_hold(client->reflectors[client->n_reflectors - client->n_held]);
	on_notice(client, CS_LOG_WARNING,
		  "the receiver of watched objects is behind: a watch is interrupted until it has "
		  "caught up");
}

// Past the limit the newest watch gives way, and one more for each further quarter of it; below
// half of it all come back.
static void turn_backlog(struct cs_client *client, struct cs_time now)
{
	size_t waiting = backlog(client), max = client->backlog_max;
	if (waiting > max + max / 4 * client->n_held) {
		hold_one(client);
	} else if (client->n_held > 0 && waiting <= max / 2) {
		for (size_t i = 0; i < client->n_reflectors; i++)
			cs_reflector_resume(client->reflectors[i], now);
		client->n_held = 0;
	}
	atomic_store_explicit(&client->holding, client->n_held > 0, memory_order_relaxed);
}

static void turn_watches(struct cs_client *client, struct cs_time now)
{
	turn_backlog(client, now);
	for (size_t i = 0; i < client->n_reflectors; i++)
		cs_reflector_turn(client->reflectors[i], now);
}

static bool has_writes(const struct cs_client *client)
{
	struct cs_requests_stats stats = cs_requests_stats(client->requests);
	return stats.queued + stats.in_flight > 0;
}

static void turn_stop(struct cs_client *client, struct cs_time now)
{
	if (client->stage == STAGE_DRAIN &&
	    (!has_writes(client) || now.boot >= client->drain_until)) {
		client->stage = STAGE_RELEASE;
		if (client->lease)
			cs_lease_release(client->lease, now);
	}
	if (client->stage == STAGE_RELEASE && (!client->lease || cs_lease_released(client->lease)))
		client->stage = STAGE_STOPPED;
}

void cs_client_turn(struct cs_client *client, struct cs_time now)
{
	client->now = now;
	client->transport->ops->turn(client->transport, now);
	if (client->lease)
		cs_lease_turn(client->lease, now);
	if (client->stage <= STAGE_DRAIN)
		cs_requests_turn(client->requests, now);
	if (client->stage == STAGE_RUN)
		turn_watches(client, now);
	else
		turn_stop(client, now);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t deadline(const struct cs_client *client)
{
	int64_t due = client->transport->ops->deadline(client->transport);
	if (client->lease)
		due = earlier(due, cs_lease_deadline(client->lease));
	if (client->stage <= STAGE_DRAIN)
		due = earlier(due, cs_requests_deadline(client->requests));
	if (client->stage == STAGE_DRAIN)
		due = earlier(due, client->drain_until);
	if (client->stage == STAGE_STOPPED)
		return INT64_MIN;
	for (size_t i = 0; client->stage == STAGE_RUN && i < client->n_reflectors; i++)
		due = earlier(due, cs_reflector_deadline(client->reflectors[i]));
	return due;
}

void cs_client_wait(struct cs_client *client, int64_t timeout)
{
	int64_t due = deadline(client);
	if (due != INT64_MAX) {
		int64_t left = due > client->now.boot ? due - client->now.boot : 0;
		timeout = timeout < 0 || left < timeout ? left : timeout;
	}
	client->transport->ops->wait(client->transport, timeout);
}

void cs_client_wakeup(struct cs_client *client)
{
	client->transport->ops->wakeup(client->transport);
}

// ---- what the owner asks ----

void cs_client_write(struct cs_client *client, const struct cs_write *write)
{
	cs_requests_send(client->requests, write);
}

void cs_client_credit(struct cs_client *client, size_t bytes)
{
	atomic_fetch_add_explicit(&client->credited, bytes, memory_order_relaxed);
	if (atomic_load_explicit(&client->holding, memory_order_relaxed))
		cs_client_wakeup(client);
}

bool cs_client_synced(const struct cs_client *client)
{
	for (size_t i = 0; i < client->n_reflectors; i++)
		if (!cs_reflector_synced(client->reflectors[i]))
			return false;
	return true;
}

struct cs_transport *cs_client_transport(struct cs_client *client)
{
	return client->transport;
}

struct cs_lease *cs_client_lease(struct cs_client *client)
{
	return client->lease;
}

void cs_client_stop(struct cs_client *client, struct cs_time now)
{
	if (client->stage != STAGE_RUN)
		return;
	client->stage = STAGE_DRAIN;
	client->drain_until = now.boot + DRAIN_MAX;
	for (size_t i = 0; i < client->n_reflectors; i++)
		cs_reflector_hold(client->reflectors[i]);
}

bool cs_client_stopped(const struct cs_client *client)
{
	return client->stage == STAGE_STOPPED;
}

struct cs_client_stats cs_client_stats(const struct cs_client *client)
{
	return (struct cs_client_stats){
		.requests = cs_requests_stats(client->requests),
		.backlog = backlog(client),
	};
}

struct cs_reflector_stats cs_client_watch_stats(const struct cs_client *client, size_t watch)
{
	return cs_reflector_stats(client->reflectors[watch]);
}
