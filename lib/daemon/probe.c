// Asks every source of load figures once. The nodes come from the API server into a cluster model
// of our own, whose ledger then matches names as the scheduler's will. Neighbours: probe.h is the
// contract.
#include <csched/daemon/probe.h>

#include <errno.h>

#include <csched/base/duration.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/client/client.h>
#include <csched/cluster/cluster.h>
#include <csched/cluster/node_table.h>
#include <csched/load/sampler.h>

#include "daemon/feed.h"

struct probe {
	const struct cs_probe_options *options;
	struct cs_buffer *out;
	struct cs_cluster *cluster;
	struct cs_client *client; // NULL = there are no nodes to match with
	struct cs_error no_nodes;
	const struct cs_feed *feed; // the source being asked
	const struct cs_load_source *source;
	const char *advised; // what was last said to do about it
	bool round_over;
	bool good;
};

// ---- nodes and pods ----

static int64_t wall(const struct probe *probe)
{
	return cs_clock_now(&probe->options->clock).wall;
}

static void on_batch(void *user, struct cs_batch *batch)
{
	struct probe *probe = user;
	struct cs_pod_change pod;
	uint32_t events;
	for (size_t i = 0; i < batch->count; i++) {
		const struct cs_change *change = &batch->changes[i];
		if (change->op == CS_CHANGE_SYNCED || change->op == CS_CHANGE_DELETED)
			continue;
		// What cannot be read is not there for the scheduler either.
		if (change->kind == &cs_kind_node)
			cs_cluster_apply_node(probe->cluster, (const Kube__Node *)change->object,
					      &events, NULL);
		else
			cs_cluster_apply_pod(probe->cluster, (const Kube__Pod *)change->object,
					     &pod, NULL);
	}
	cs_client_credit(probe->client, batch->bytes);
	cs_batch_destroy(batch);
}

static void on_written(void *user, const struct cs_write_result *result)
{
	(void)user;
	(void)result;
}

// The last one says why it takes so long.
static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	struct probe *probe = user;
	if (severity != CS_LOG_INFO)
		cs_error_set(&probe->no_nodes, -EIO, "%s", text);
}

static bool wants_pods(const struct cs_load_config *config)
{
	for (uint32_t i = 0; i < config->n_sources; i++)
		if (config->sources[i].pods)
			return true;
	return false;
}

// The client goes on to watch, which does no harm.
static int list_nodes(struct probe *probe, struct cs_error *err)
{
	static const struct cs_client_watch watches[] = {
		{ &cs_kind_node, NULL }, { &cs_kind_pod, CS_CLIENT_POD_SELECTOR }
	};
	const struct cs_probe_options *options = probe->options;
	int64_t end = cs_clock_now(&options->clock).boot + options->timeout;
	if (!options->endpoint)
		return cs_error_set(err, -ENODEV, "%s", options->no_endpoint);
	probe->client = cs_client_create(
		&(struct cs_client_options){
			.endpoint = options->endpoint,
			.watches = watches,
			.n_watches = wants_pods(options->config) ? 2 : 1,
			.seed = cs_random_seed(),
			.sink = { .user = probe,
				  .batch = on_batch,
				  .written = on_written,
				  .notice = on_notice },
		},
		err);
	if (!probe->client)
		return err->code;
	while (!cs_client_synced(probe->client)) {
		struct cs_time now = cs_clock_now(&options->clock);
		if (now.boot >= end)
			return cs_error_set(err, -ETIMEDOUT, "%s: %s", options->endpoint->server,
					    probe->no_nodes.code ? probe->no_nodes.text
								 : "no answer in time");
		cs_client_turn(probe->client, now);
		if (!cs_client_synced(probe->client))
			cs_client_wait(probe->client, end - now.boot);
	}
	return 0;
}

static void prepare_cluster(struct probe *probe)
{
	const struct cs_load_config *config = probe->options->config;
	bool *annotated = cs_alloc_array(config->n_metrics + 1, sizeof(*annotated));
	for (uint32_t i = 0; i < config->n_sources; i++) {
		const struct cs_load_source *source = &config->sources[i];
		for (uint32_t j = 0;
		     source->type == CS_LOAD_NODE_ANNOTATIONS && j < source->n_metrics; j++)
			annotated[source->metrics[j]] = true;
	}
	probe->cluster = cs_cluster_create(cs_random_seed());
	cs_cluster_set_load_metrics(probe->cluster, config->metrics, config->n_metrics, annotated);
	cs_cluster_set_time(probe->cluster, wall(probe));
	free(annotated);
}

// ---- words ----

static void print_age(struct cs_buffer *out, int64_t age)
{
	int64_t seconds = (age < 0 ? -age : age) / CS_SECOND;
	cs_duration_print(out, seconds * CS_SECOND);
	cs_buffer_append_string(out, age < 0 && seconds > 0 ? " ahead of our clock" : " old");
}

// "a, b and 3 more": the names of rows that a column has in that state.
static uint32_t print_rows(const struct probe *probe, const struct cs_load_column *column,
			   enum cs_load_state state)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(probe->cluster);
	const struct cs_intern *strings = cs_cluster_strings(probe->cluster);
	uint32_t n = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		if (!nodes->live[row] || column->state[row] != (uint8_t)state)
			continue;
		if (n++ < CS_PROBE_NAMES_MAX)
			cs_buffer_printf(probe->out, "%s%s", n > 1 ? ", " : "",
					 cs_intern_string(strings, nodes->name[row]));
	}
	if (n > CS_PROBE_NAMES_MAX)
		cs_buffer_printf(probe->out, " and %u more", n - CS_PROBE_NAMES_MAX);
	return n;
}

static uint32_t count_rows(const struct probe *probe, const struct cs_load_column *column,
			   enum cs_load_state state)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(probe->cluster);
	uint32_t n = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++)
		n += nodes->live[row] && column->state[row] == (uint8_t)state;
	return n;
}

static void print_state(const struct probe *probe, const struct cs_load_column *column,
			enum cs_load_state state, const char *words)
{
	if (count_rows(probe, column, state) == 0)
		return;
	cs_buffer_printf(probe->out, "    %s: ", words);
	print_rows(probe, column, state);
	cs_buffer_append_char(probe->out, '\n');
}

// What the ledger now has of a metric. False where no node has a sample.
static bool print_metric(const struct probe *probe, uint32_t metric)
{
	const struct cs_load_column *column = &cs_cluster_load(probe->cluster)->columns[metric];
	uint32_t n_nodes = cs_cluster_nodes(probe->cluster)->n_live;
	// Nothing was known before: where the value is implausible there is none.
	uint32_t n_known = n_nodes - count_rows(probe, column, CS_LOAD_MISSING) -
			   count_rows(probe, column, CS_LOAD_IMPLAUSIBLE);
	cs_buffer_printf(probe->out, "    %s: %u of %u nodes\n", column->metric->name, n_known,
			 n_nodes);
	print_state(probe, column, CS_LOAD_MISSING, "without a sample, or with one too old");
	print_state(probe, column, CS_LOAD_AGEING, "with a sample older than its ttl");
	print_state(probe, column, CS_LOAD_IMPLAUSIBLE,
		    "with an implausible value, which is left out");
	return n_known > 0;
}

static void advise(struct probe *probe, const char *words)
{
	if (words && words != probe->advised)
		cs_buffer_printf(probe->out, "    (%s)\n", words);
	probe->advised = words;
}

static void print_report(struct probe *probe, const struct cs_load_report *report, const char *what)
{
	uint32_t n = 0;
	if (report->n_implausible)
		cs_buffer_printf(probe->out, "    %u implausible values\n", report->n_implausible);
	if (report->n_unmatched == 0)
		return;
	cs_buffer_printf(probe->out, "    %u samples of no %s here: ", report->n_unmatched, what);
	for (; n < CS_LOAD_UNMATCHED_MAX && report->unmatched[n][0]; n++)
		cs_buffer_printf(probe->out, "%s%s", n ? ", " : "", report->unmatched[n]);
	if (report->n_unmatched > n)
		cs_buffer_printf(probe->out, " and %u more", report->n_unmatched - n);
	cs_buffer_append_char(probe->out, '\n');
	if (report->n_matched == 0 && probe->source->type == CS_LOAD_PROMETHEUS)
		advise(probe, "the label `node` or `instance` must be a node's name or address; "
			      "nodeLabel names another one");
}

// ---- what a source answers ----

static void print_left_out(const struct probe *probe, const struct cs_part *part)
{
	if (part->warning)
		cs_buffer_printf(probe->out, "    the server warns: %s\n", part->warning);
	if (part->n_unlabelled)
		cs_buffer_printf(probe->out, "    %u series without the label that names a node\n",
				 part->n_unlabelled);
	if (part->n_undated)
		cs_buffer_printf(probe->out,
				 "    %u series of nodes that the query for times has not\n",
				 part->n_undated);
	if (part->n_duplicate)
		cs_buffer_printf(probe->out,
				 "    %u further series of a node that has one, left out: let the "
				 "query say which, as max by (node) does\n",
				 part->n_duplicate);
	if (part->n_unreadable)
		cs_buffer_printf(probe->out, "    %u unreadable, such as: %s\n", part->n_unreadable,
				 part->unreadable);
}

// What may help; NULL = the words say it all.
static const char *advice_for(const struct cs_load_source *source, enum cs_sampler_result result)
{
	bool api = source->type == CS_LOAD_METRICS_API;
	bool tls = !api && cs_string_prefix(source->url, "https:");
	const char *credentials =
		api                  ? "the API server does not accept the kubeconfig's credentials"
		: source->token_file ? "it does not accept the token in bearerTokenFile"
		: source->username   ? "it does not accept basicAuth's username and password"
				     : "it asks for credentials: bearerTokenFile or basicAuth";
	const char *const words[CS_SAMPLER_RESULT_COUNT] = {
		[CS_SAMPLER_EMPTY] = api ? NULL : "does it scrape what the query asks for?",
		[CS_SAMPLER_UNREACHABLE] =
			api   ? NULL
			: tls ? "check url (is it https there?), tls.caFile and tls.serverName"
			      : "check url: host, port, and whether it is https there",
		[CS_SAMPLER_TIMEOUT] = api ? NULL : "check url; a slow query may need more timeout",
		[CS_SAMPLER_UNAUTHORIZED] = credentials,
		[CS_SAMPLER_FORBIDDEN] = api ? "manifests/rbac.yaml has the role that is needed"
					     : "what stands before it does not let us in",
		[CS_SAMPLER_NOT_FOUND] =
			api ? NULL : "check url: /api/v1/query is asked for behind it",
		[CS_SAMPLER_TOO_LARGE] = "maxResponseBytes is the limit",
	};
	return words[result];
}

static void on_outcome(void *user, const struct cs_sampler_outcome *outcome)
{
	struct probe *probe = user;
	const struct cs_part *part = outcome->part;
	bool good = outcome->result == CS_SAMPLER_OK;
	cs_buffer_printf(probe->out, "  %s: %s",
			 cs_source_question(&probe->feed->source, outcome->question),
			 cs_sampler_result_name(outcome->result));
	if (*outcome->words)
		cs_buffer_printf(probe->out, ": %s", outcome->words);
	if (part && part->n_samples + part->n_pods > 0) {
		cs_buffer_printf(probe->out, ", %u samples, the newest ",
				 part->n_samples + part->n_pods);
		print_age(probe->out, wall(probe) - part->newest);
		cs_buffer_append_string(probe->out, ", the oldest ");
		print_age(probe->out, wall(probe) - part->oldest);
	}
	cs_buffer_append_char(probe->out, '\n');
	if (part)
		print_left_out(probe, part);
	advise(probe, advice_for(probe->source, outcome->result));
	probe->good &= good;
}

static bool has_metric(const struct cs_part *part, uint32_t metric)
{
	for (uint32_t i = 0; i < part->n_samples; i++)
		if (part->samples[i].metric == metric)
			return true;
	return false;
}

static void match_samples(struct probe *probe, struct cs_part *part)
{
	const struct cs_load_config *config = probe->options->config;
	struct cs_load_report report = { 0 };
	cs_cluster_apply_samples(probe->cluster, cs_feed_samples(part), part->n_samples, &report);
	for (uint32_t metric = 0; metric < config->n_metrics; metric++)
		if (config->metrics[metric].kind != CS_LOAD_PAIR && has_metric(part, metric))
			probe->good &= print_metric(probe, metric);
	print_report(probe, &report, "node");
}

static void match_pods(struct probe *probe, struct cs_part *part)
{
	struct cs_load_report report = { 0 };
	cs_cluster_apply_pod_samples(probe->cluster, cs_feed_pods(part), part->n_pods, &report);
	cs_buffer_printf(probe->out, "    %u samples of running pods\n", report.n_matched);
	print_report(probe, &report, "pod");
}

static void on_part(void *user, struct cs_part *part)
{
	struct probe *probe = user;
	cs_cluster_set_time(probe->cluster, wall(probe));
	if (!probe->no_nodes.code && part->n_samples)
		match_samples(probe, part);
	if (!probe->no_nodes.code && part->n_pods)
		match_pods(probe, part);
	cs_part_destroy(part);
}

static void on_round(void *user, int64_t duration)
{
	(void)duration;
	((struct probe *)user)->round_over = true;
}

static void ask(struct probe *probe, struct cs_sampler *sampler)
{
	probe->round_over = false;
	while (!probe->round_over) {
		struct cs_time now = cs_clock_now(&probe->options->clock);
		cs_sampler_turn(sampler, now);
		if (!probe->round_over)
			cs_sampler_wait(sampler, now, CS_SECOND);
	}
}

static void probe_server(struct probe *probe, uint32_t index)
{
	struct cs_feed feed;
	struct cs_transport *transport;
	struct cs_error err;
	int r = cs_feed_init(&feed,
			     &(struct cs_feed_options){ .config = probe->options->config,
							.index = index,
							.api = probe->options->endpoint },
			     &transport, &err);
	if (r < 0) {
		cs_buffer_printf(probe->out, "  %s\n", err.text);
		probe->good = false;
		return;
	}
	probe->feed = &feed;
	struct cs_sampler *sampler = cs_sampler_create(&(struct cs_sampler_options){
		.source = &feed.source,
		.transport = transport,
		.seed = cs_random_seed(),
		.sink = { .user = probe,
			  .outcome = on_outcome,
			  .part = on_part,
			  .round = on_round },
	});
	ask(probe, sampler);
	cs_sampler_destroy(sampler);
	cs_feed_finish(&feed);
}

static void probe_annotations(struct probe *probe, const struct cs_load_source *source)
{
	if (probe->no_nodes.code)
		return;
	for (uint32_t i = 0; i < source->n_metrics; i++)
		probe->good &= print_metric(probe, source->metrics[i]);
}

static void probe_source(struct probe *probe, uint32_t index)
{
	const struct cs_load_source *source = &probe->options->config->sources[index];
	static const char *const types[CS_LOAD_SOURCE_TYPE_COUNT] = {
		[CS_LOAD_METRICS_API] = "Metrics API",
		[CS_LOAD_PROMETHEUS] = "Prometheus",
		[CS_LOAD_NODE_ANNOTATIONS] = "node annotations",
	};
	cs_buffer_printf(probe->out, "source %s (%s%s%s)\n", source->name, types[source->type],
			 source->url ? " " : "", source->url ? source->url : "");
	probe->source = source;
	probe->advised = NULL;
	if (source->type == CS_LOAD_NODE_ANNOTATIONS)
		probe_annotations(probe, source);
	else if (source->type == CS_LOAD_METRICS_API && !probe->options->endpoint)
		cs_buffer_append_string(probe->out, "  not asked: no API server\n");
	else
		probe_server(probe, index);
}

bool cs_probe(const struct cs_probe_options *options, struct cs_buffer *out)
{
	struct probe probe = { .options = options, .out = out, .good = true };
	struct cs_error err;
	prepare_cluster(&probe);
	int r = list_nodes(&probe, &err);
	probe.no_nodes = (struct cs_error){ 0 };
	if (r < 0) {
		probe.no_nodes = err;
		probe.good = false;
		cs_buffer_printf(out, "nodes cannot be listed, samples are not matched: %s\n",
				 err.text);
	} else {
		cs_buffer_printf(out, "%u nodes at %s\n", cs_cluster_nodes(probe.cluster)->n_live,
				 options->endpoint->server);
	}
	for (uint32_t i = 0; i < options->config->n_sources; i++)
		probe_source(&probe, i);
	cs_client_destroy(probe.client);
	cs_cluster_destroy(probe.cluster);
	return probe.good;
}
