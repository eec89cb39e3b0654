// The running scheduler: makes the parts, runs the core's turns, takes the parts down.
// Neighbours: core.c, client_thread.c, endpoints.c, process.c are the parts.
#include <csched/daemon/daemon.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/framework/profile.h>

#include "daemon/client_thread.h"
#include "daemon/core.h"
#include "daemon/endpoints.h"
#include "daemon/extender.h"
#include "daemon/load_thread.h"
#include "daemon/message.h"
#include "daemon/process.h"
#include "daemon/verbs.h"

#define HOST_MAX 256

struct daemon {
	const struct cs_daemon_options *options;
	char host[HOST_MAX];
	char *identity; // "<host>_<uuid>", as client-go's
	struct cs_lease_settings lease;
	struct cs_daemon_status status;
	struct cs_metrics *metrics;
	struct cs_core *core;
	struct cs_endpoints *endpoints;
	struct cs_extender *extender;
	struct cs_config *extender_config;         // made for it; NULL: its profile is the file's
	const struct cs_profile *extender_profile; // NULL = no extender
	struct cs_client_thread *_Atomic client;   // endpoints ask for it before it is there
	struct cs_load_thread **sources;           // by source; NULL for node annotations
	struct cs_process_signals *signals;
};

static const struct cs_metric_info build_info = {
	.name = "csched_build_info",
	.help = "Always 1; the version is in the label.",
	.kind = CS_METRIC_GAUGE,
	.labels = { "version" },
};

// ---- what the core asks of the client ----

static void core_writes(void *user, const struct cs_write *write)
{
	cs_client_thread_write(((struct daemon *)user)->client, write);
}

static void core_credits(void *user, size_t bytes)
{
	cs_client_thread_credit(((struct daemon *)user)->client, bytes);
}

static void core_credits_load(void *user, uint32_t source)
{
	cs_load_thread_credit(((struct daemon *)user)->sources[source]);
}

static void core_stops(void *user)
{
	cs_client_thread_stop(((struct daemon *)user)->client);
}

static void client_trusts(void *user, const struct cs_lookup_found *found)
{
	cs_endpoints_trust(((struct daemon *)user)->endpoints, found);
}

static void on_signal(void *user)
{
	cs_mailbox_send(cs_core_mailbox(((struct daemon *)user)->core),
			cs_message_plain(CS_CORE_STOP));
}

static bool endpoints_ask(void *user, struct cs_message_review *review)
{
	struct cs_client_thread *client = ((struct daemon *)user)->client;
	if (client)
		cs_client_thread_review(client, review);
	return client != NULL;
}

// ---- the parts ----

static int init_identity(struct daemon *daemon, struct cs_error *err)
{
	if (gethostname(daemon->host, sizeof(daemon->host) - 1) < 0)
		return cs_error_errno(err, -errno, "the name of this machine");
	uint64_t high = cs_random_seed(), low = cs_random_seed();
	daemon->identity = cs_asprintf(
		"%s_%08x-%04x-4%03x-%04x-%012" PRIx64, daemon->host, (unsigned)(high >> 32),
		(unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		(unsigned)(0x8000 | (low >> 48 & 0x3fff)), low & 0xffffffffffff);
	return 0;
}

static int init_lease(struct daemon *daemon, struct cs_error *err)
{
	const struct cs_config *config = daemon->options->config;
	daemon->lease = (struct cs_lease_settings){
		.namespace = config->leader_election.resource_namespace,
		.name = config->leader_election.resource_name,
		.identity = daemon->identity,
		.duration = config->leader_election.lease_duration,
		.renew_deadline = config->leader_election.renew_deadline,
		.retry_period = config->leader_election.retry_period,
	};
	if (!config->leader_election.leader_elect)
		return 0;
	return cs_lease_check(&daemon->lease, err);
}

// ---- the extender ----

static int find_profile(struct daemon *daemon, struct cs_error *err)
{
	const struct cs_daemon_extender *extender = &daemon->options->extender;
	const struct cs_config *config = daemon->options->config;
	if (extender->port == CS_DAEMON_PORT_NONE)
		return 0;
	if (!*extender->profile) {
		int r = cs_verbs_built_in(daemon->options->plugins, &daemon->extender_config, err);
		daemon->extender_profile = r == 0 ? daemon->extender_config->profiles[0] : NULL;
		return r;
	}
	for (uint32_t i = 0; i < config->n_profiles; i++)
		if (!strcmp(config->profiles[i]->scheduler_name, extender->profile)) {
			daemon->extender_profile = config->profiles[i];
			return 0;
		}
	return cs_error_set(err, -EINVAL, "--extender-profile: there is no profile \"%s\"",
			    extender->profile);
}

static int create_extender(struct daemon *daemon, struct cs_error *err)
{
	return cs_extender_create(
		&(struct cs_extender_options){
			.serving = daemon->options->extender,
			.status = &daemon->status,
			.elect = daemon->options->config->leader_election.leader_elect,
			.metrics = daemon->metrics,
			.core = cs_core_mailbox(daemon->core),
			.log = daemon->options->log,
		},
		&daemon->extender, err);
}

static int create_core(struct daemon *daemon, struct cs_error *err)
{
	const struct cs_daemon_options *options = daemon->options;
	return cs_core_create(
		&(struct cs_core_options){
			.config = options->config,
			.log = options->log,
			.clock = options->log->clock,
			.metrics = daemon->metrics,
			.status = &daemon->status,
			.host = daemon->host,
			.seed = cs_random_seed(),
			.n_records = options->n_decisions,
			.n_watches = CS_CLIENT_THREAD_WATCHES,
			.elect = options->config->leader_election.leader_elect,
			.extender = { .config = daemon->extender_config ? daemon->extender_config
									: options->config,
				      .profile = daemon->extender_profile,
				      .bind = options->extender.bind },
			.emit_events = options->emit_events,
			.write = core_writes,
			.credit = core_credits,
			.load_credit = core_credits_load,
			.stop = core_stops,
			.user = daemon,
		},
		&daemon->core, err);
}

static int create_endpoints(struct daemon *daemon, struct cs_error *err)
{
	const struct cs_config *config = daemon->options->config;
	bool elect = config->leader_election.leader_elect;
	return cs_endpoints_create(
		&(struct cs_endpoints_options){
			.serving = daemon->options->serving,
			.config = config,
			.health = { .status = &daemon->status,
				    .lease_duration = elect ? daemon->lease.duration : 0 },
			.metrics = daemon->metrics,
			.core = cs_core_mailbox(daemon->core),
			.access = { .open_paths = daemon->options->serving.open_paths,
				    .loopback = daemon->options->serving.loopback,
				    .review = endpoints_ask,
				    .user = daemon },
			.log = daemon->options->log,
		},
		&daemon->endpoints, err);
}

static bool looks_up(const struct cs_daemon_serving *serving)
{
	return serving->port != CS_DAEMON_PORT_NONE && serving->lookup != CS_DAEMON_LOOKUP_NONE &&
	       !(*serving->client_ca_file && *serving->proxies.client_ca_file);
}

static int create_client(struct daemon *daemon, struct cs_error *err)
{
	const struct cs_config *config = daemon->options->config;
	const struct cs_daemon_serving *serving = &daemon->options->serving;
	double qps = config->client_connection.qps;
	struct cs_client_thread *client = NULL;
	int r = cs_client_thread_create(
		&(struct cs_client_thread_options){
			.endpoint = daemon->options->endpoint,
			.lease = config->leader_election.leader_elect ? &daemon->lease : NULL,
			.qps = qps > 0 ? qps : 0,
			.burst = (unsigned)config->client_connection.burst,
			.seed = cs_random_seed(),
			.log = daemon->options->log,
			.clock = daemon->options->log->clock,
			.metrics = daemon->metrics,
			.status = &daemon->status,
			.core = cs_core_mailbox(daemon->core),
			.review_ttls = { .token = serving->token_ttl,
					 .allowed = serving->allowed_ttl,
					 .denied = serving->denied_ttl },
			.trust = looks_up(serving) ? client_trusts : NULL,
			.user = daemon,
			.must_look_up = serving->lookup == CS_DAEMON_LOOKUP_MUST,
		},
		&client, err);
	daemon->client = client;
	return r;
}

static uint32_t count_sources(const struct daemon *daemon)
{
	const struct cs_load_config *load = daemon->options->config->load;
	return load ? load->n_sources : 0;
}

static int create_source(struct daemon *daemon, uint32_t index, struct cs_error *err)
{
	const struct cs_load_config *load = daemon->options->config->load;
	if (load->sources[index].type == CS_LOAD_NODE_ANNOTATIONS)
		return 0;
	return cs_load_thread_create(
		&(struct cs_load_thread_options){
			.config = load,
			.index = index,
			.endpoint = daemon->options->endpoint,
			.seed = cs_random_seed(),
			.log = daemon->options->log,
			.clock = daemon->options->log->clock,
			.metrics = daemon->metrics,
			.core = cs_core_mailbox(daemon->core),
		},
		&daemon->sources[index], err);
}

static int create_sources(struct daemon *daemon, struct cs_error *err)
{
	uint32_t n = count_sources(daemon);
	int r = 0;
	if (n == 0)
		cs_log_info(
			daemon->options->log, 0,
			"No source of load figures is configured: plugins that go by load skip, "
			"pods are placed by their requests");
	daemon->sources = cs_alloc_array(n + 1, sizeof(struct cs_load_thread *));
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = create_source(daemon, i, err);
	return r;
}

// Signals before all other threads. The client last: once its thread runs, only its end ends the
// daemon.
static int start(struct daemon *daemon, struct cs_error *err)
{
	const char *version = daemon->options->version;
	daemon->metrics = cs_metrics_create();
	cs_metric_set(cs_metrics_series(daemon->metrics, &build_info, &version), 1);
	int r = init_identity(daemon, err);
	if (r == 0)
		r = init_lease(daemon, err);
	if (r == 0)
		r = find_profile(daemon, err);
	if (r == 0)
		r = create_core(daemon, err);
	if (r == 0)
		r = cs_process_signals_create(daemon->options->log, on_signal, daemon,
					      &daemon->signals, err);
	if (r == 0)
		r = create_endpoints(daemon, err);
	if (r == 0)
		r = create_sources(daemon, err);
	if (r == 0)
		r = create_extender(daemon, err);
	if (r == 0)
		r = create_client(daemon, err);
	return r;
}

// The core last: the threads of all others send to it.
static void finish(struct daemon *daemon)
{
	cs_extender_destroy(daemon->extender);
	cs_endpoints_destroy(daemon->endpoints);
	cs_process_signals_destroy(daemon->signals);
	cs_client_thread_destroy(daemon->client);
	for (uint32_t i = 0; daemon->sources && i < count_sources(daemon); i++)
		cs_load_thread_destroy(daemon->sources[i]);
	free(daemon->sources);
	cs_core_destroy(daemon->core);
	cs_config_destroy(daemon->extender_config);
	cs_metrics_destroy(daemon->metrics);
	free(daemon->identity);
}

static int run(struct daemon *daemon)
{
	struct cs_mailbox *mailbox = cs_core_mailbox(daemon->core);
	for (;;) {
		int status;
		bool more = cs_core_turn(daemon->core);
		if (cs_core_ended(daemon->core, &status))
			return status;
		int64_t deadline = cs_core_deadline(daemon->core);
		int64_t wait = deadline - cs_clock_now(&daemon->options->log->clock).boot;
		if (!more)
			cs_mailbox_wait(mailbox, deadline == INT64_MAX ? -1 : wait > 0 ? wait : 0);
	}
}

int cs_daemon_run(const struct cs_daemon_options *options, struct cs_error *err)
{
	struct daemon daemon = { .options = options };
	cs_log_info(options->log, 0, "Starting c-sched", CS_LOG_STRING("version", options->version),
		    CS_LOG_STRING("server", options->endpoint->server));
	int r = start(&daemon, err);
	if (r == 0)
		r = run(&daemon);
	finish(&daemon);
	return r;
}
