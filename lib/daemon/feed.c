// A configured source of load figures made ready to be asked. Neighbours: feed.h.
#include "daemon/feed.h"

#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/transport.h>

// Endpoints own their strings where they come from kubeconfigs; this one borrows them.
static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static uint32_t metric_named(const struct cs_load_config *config,
			     const struct cs_load_source *source, const char *name)
{
	for (uint32_t i = 0; i < source->n_metrics; i++)
		if (strcmp(config->metrics[source->metrics[i]].name, name) == 0)
			return source->metrics[i];
	return CS_SOURCE_NO_METRIC;
}

static struct cs_source_query *make_queries(const struct cs_load_config *config,
					    const struct cs_load_source *from)
{
	struct cs_source_query *queries = cs_alloc_array(from->n_queries + 1, sizeof(*queries));
	for (uint32_t i = 0; i < from->n_queries; i++) {
		const struct cs_load_query *query = &from->queries[i];
		const struct cs_load_metric *metric = &config->metrics[query->metric];
		queries[i] = (struct cs_source_query){
			.name = metric->name,
			.metric = query->metric,
			.pair = metric->kind == CS_LOAD_PAIR,
			.query = query->query,
			.limit = query->limit,
			.time = query->time,
			.label = query->label,
			.to_label = query->to_label,
			.scale = query->scale,
			.window = query->window,
		};
	}
	return queries;
}

void cs_feed_describe(struct cs_feed *feed, const struct cs_load_config *config, uint32_t index)
{
	const struct cs_load_source *from = &config->sources[index];
	*feed = (struct cs_feed){ .queries = make_queries(config, from) };
	feed->source = (struct cs_source){
		.name = from->name,
		.kind = from->type == CS_LOAD_PROMETHEUS ? CS_SOURCE_PROMETHEUS
							 : CS_SOURCE_METRICS_API,
		.interval = from->interval,
		.timeout = from->timeout,
		.body_max = from->body_max,
		.cpu = metric_named(config, from, CS_LOAD_CPU),
		.memory = metric_named(config, from, CS_LOAD_MEMORY),
		.pods = from->pods,
		.n_queries = from->n_queries,
		.queries = feed->queries,
	};
	feed->own = (struct cs_endpoint){
		.server = borrow(from->url),
		.tls_server_name = borrow(from->server_name),
		.insecure = from->insecure,
		.ca_file = borrow(from->ca_file),
		.certificate_file = borrow(from->certificate_file),
		.key_file = borrow(from->key_file),
		.token_file = borrow(from->token_file),
		.username = borrow(from->username),
		.password_file = borrow(from->password_file),
		.source = borrow(from->name),
	};
}

int cs_feed_init(struct cs_feed *feed, const struct cs_feed_options *options,
		 struct cs_transport **ret_transport, struct cs_error *err)
{
	cs_feed_describe(feed, options->config, options->index);
	bool own = feed->source.kind == CS_SOURCE_PROMETHEUS;
	const struct cs_endpoint *endpoint = own ? &feed->own : options->api;
	*ret_transport = NULL;
	feed->credentials = cs_credentials_create(endpoint, options->notice, options->user, err);
	if (feed->credentials)
		*ret_transport = cs_transport_curl_create(
			&(struct cs_transport_curl_options){
				.endpoint = endpoint,
				.credentials = feed->credentials,
				// its names say that they are of the API server's clients
				.metrics = own ? NULL : options->metrics,
				.user_agent = "c-sched/" CSCHED_VERSION,
			},
			err);
	if (*ret_transport)
		return 0;
	cs_feed_finish(feed);
	return cs_error_prefix(err, "source %s", options->config->sources[options->index].name);
}

void cs_feed_finish(struct cs_feed *feed)
{
	cs_credentials_destroy(feed->credentials);
	free(feed->queries);
	*feed = (struct cs_feed){ 0 };
}

struct cs_load_sample *cs_feed_samples(struct cs_part *part)
{
	struct cs_load_sample *samples =
		cs_arena_alloc_array(part->arena, part->n_samples + 1, sizeof(*samples));
	for (uint32_t i = 0; i < part->n_samples; i++) {
		const struct cs_part_sample *from = &part->samples[i];
		samples[i] = (struct cs_load_sample){
			.node = from->node,
			.to = from->to,
			.metric = from->metric,
			.value = from->value,
			.limit = from->limit,
			.taken = from->taken,
			.window = from->window,
		};
	}
	return samples;
}

struct cs_load_pod_sample *cs_feed_pods(struct cs_part *part)
{
	struct cs_load_pod_sample *pods =
		cs_arena_alloc_array(part->arena, part->n_pods + 1, sizeof(*pods));
	for (uint32_t i = 0; i < part->n_pods; i++) {
		const struct cs_part_pod *from = &part->pods[i];
		pods[i] = (struct cs_load_pod_sample){
			.namespace = from->namespace,
			.name = from->name,
			.metric = from->metric,
			.value = from->value,
			.taken = from->taken,
			.window = from->window,
		};
	}
	return pods;
}
