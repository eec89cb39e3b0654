// What the process serves over HTTPS: health, metrics, configuration, decisions.
// Neighbours: http/server.h listens; health.c answers; the core answers for decisions.
#include "daemon/endpoints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/framework/load_config.h>
#include <csched/framework/profile.h>
#include <csched/http/server.h>

#include "daemon/message.h"
#include "daemon/process.h"

// A connection beyond its peer's limit is reset: there is no answer before TLS. So the limit is far
// above what scrapers behind one address open, and leaves room for the kubelet's probes.
#define CONNECTIONS_MAX 500
#define PEER_MAX        400

#define DECISIONS_DEFAULT 100

#define PATHS 11

struct guarded {
	struct cs_endpoints *endpoints;
	cs_http_handler_f handler;
};

struct cs_endpoints {
	struct cs_endpoints_options options;
	struct cs_proxies *proxies;
	struct cs_metrics *slis; // of the health checks
	struct guarded guarded[PATHS];
	struct cs_http_server *server;
};

// ---- answers ----

static void serve_health(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	struct cs_endpoints *endpoints = user;
	response->content_type = "text/plain; charset=utf-8";
	cs_http_response_header(response, "X-Content-Type-Options", "nosniff");
	struct cs_health_query query = {
		.path = request->path,
		.verbose = cs_http_request_query(request, "verbose") != NULL,
		.exclude = cs_http_request_query(request, "exclude"),
	};
	response->status = cs_health_answer(&endpoints->options.health,
					    cs_clock_now(&endpoints->options.log->clock), &query,
					    &response->body);
}

static const struct cs_metric_info mailbox_depth = {
	.name = "csched_mailbox_depth",
	.help = "Messages to the core thread (watch data, results of writes, load figures, requests) "
		"that it has not taken yet.",
	.kind = CS_METRIC_GAUGE,
};

static void print_metrics(struct cs_metrics *metrics, struct cs_http_response *response)
{
	response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	cs_metrics_print(metrics, &response->body);
}

static void serve_metrics(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	struct cs_endpoints *endpoints = user;
	struct cs_metrics *metrics = endpoints->options.metrics;
	(void)request;
	cs_process_measure(metrics);
	cs_metric_set(cs_metrics_series(metrics, &mailbox_depth, NULL),
		      (double)cs_mailbox_count(endpoints->options.core));
	print_metrics(metrics, response);
}

static void serve_slis(struct cs_http_request *request, struct cs_http_response *response,
		       void *user)
{
	(void)request;
	print_metrics(((struct cs_endpoints *)user)->slis, response);
}

static void serve_config(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	const struct cs_config *config = ((struct cs_endpoints *)user)->options.config;
	struct cs_json_writer json;
	(void)request;
	response->content_type = "application/json";
	cs_json_init(&json, &response->body);
	cs_json_object_begin(&json);
	cs_json_key(&json, "componentconfig");
	cs_config_write(config, &json);
	if (config->load) {
		cs_json_key(&json, "loadconfig");
		cs_load_config_write(config->load, &json);
	}
	cs_json_object_end(&json);
}

// The number of ?limit=, 0 where it is none.
static uint32_t limit_of(const struct cs_http_request *request)
{
	const char *text = cs_http_request_query(request, "limit");
	if (!text)
		return DECISIONS_DEFAULT;
	char *end;
	unsigned long limit = strtoul(text, &end, 10);
	return *end || end == text || *text == '-' || limit > UINT32_MAX ? 0 : (uint32_t)limit;
}

// The model belongs to the core: it answers in one of its next turns.
static void ask_core(const struct cs_endpoints *endpoints, struct cs_http_request *request,
		     enum cs_question question, uint32_t limit)
{
	const char *pod = cs_http_request_query(request, "pod");
	const char *node = cs_http_request_query(request, "node");
	struct cs_message_ask *ask = cs_alloc(sizeof(*ask));
	ask->message.kind = CS_CORE_ASK;
	ask->question = question;
	ask->pod = pod ? cs_strdup(pod) : NULL;
	ask->node = node ? cs_strdup(node) : NULL;
	ask->limit = limit;
	ask->pending = cs_http_request_defer(request);
	cs_mailbox_send(endpoints->options.core, &ask->message);
}

static void serve_decisions(struct cs_http_request *request, struct cs_http_response *response,
			    void *user)
{
	const char *pod = cs_http_request_query(request, "pod");
	uint32_t limit = limit_of(request);
	if (limit == 0 || (pod && !strchr(pod, '/')))
		cs_http_response_text(response, 400,
				      "usage: /debug/decisions?pod=NAMESPACE/NAME or ?limit=N\n");
	else
		ask_core(user, request, CS_QUESTION_DECISIONS, limit);
}

static void serve_explain(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	const char *pod = cs_http_request_query(request, "pod");
	if (!pod || !strchr(pod, '/'))
		cs_http_response_text(
			response, 400,
			"usage: /explain?pod=NAMESPACE/NAME, and perhaps &node=NODE\n");
	else
		ask_core(user, request, CS_QUESTION_EXPLAIN, 0);
}

static void serve_cluster(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	(void)response;
	ask_core(user, request, CS_QUESTION_CLUSTER, 0);
}

static void serve_index(struct cs_http_request *request, struct cs_http_response *response,
			void *user)
{
	(void)request;
	(void)user;
	cs_http_response_text(response, 200,
			      "/configz\n/debug/cluster\n/debug/decisions\n/explain\n/healthz\n/"
			      "livez\n/metrics\n/metrics/slis\n/readyz\n");
}

static void serve_nothing(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	(void)request;
	(void)user;
	cs_http_response_text(response, 404, "there is nothing at this path");
}

// ---- who may ask ----

// A handler behind the question whether its client may.
static void guard(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	const struct guarded *guarded = user;
	struct cs_endpoints *endpoints = guarded->endpoints;
	if (request->retried || cs_access_is_free(&endpoints->options.access, request))
		guarded->handler(request, response, endpoints);
	else
		cs_access_ask(&endpoints->options.access, request, response,
			      guarded->handler != serve_nothing);
}

static const struct path {
	const char *method;
	const char *path;
	bool prefix;
	cs_http_handler_f handler;
} paths[] = {
	{ "GET", "/healthz", true, serve_health },
	{ "GET", "/livez", true, serve_health },
	{ "GET", "/readyz", true, serve_health },
	{ "GET", "/metrics", false, serve_metrics },
	{ "GET", "/metrics/slis", false, serve_slis },
	{ "GET", "/configz", false, serve_config },
	{ "GET", "/debug/decisions", false, serve_decisions },
	{ "GET", "/debug/cluster", false, serve_cluster },
	{ "GET", "/explain", false, serve_explain },
	{ "GET", "/", false, serve_index },
	{ "GET", "/", true, serve_nothing },
};
_Static_assert(CS_ARRAY_LENGTH(paths) == PATHS, "each path has its guard");

// ---- life ----

static int self_signed(struct cs_http_tls *ret, struct cs_error *err)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1" };
	return cs_http_tls_self_signed("c-sched", names, CS_ARRAY_LENGTH(names), ret, err);
}

static void on_reload(void *user, const char *failure)
{
	const struct cs_endpoints *endpoints = user;
	if (failure)
		cs_log_error(endpoints->options.log,
			     "The changed certificates cannot be used, going on with the old ones",
			     CS_LOG_STRING("err", failure));
	else
		cs_log_info(endpoints->options.log, 0, "Serving with changed certificates");
}

static const char *file_or_null(const char *file)
{
	return *file ? file : NULL;
}

// Written beside and renamed, so that a reader sees the whole number or no file.
static int write_port(const char *path, uint16_t port, struct cs_error *err)
{
	CS_AUTO_FREE char *beside = cs_asprintf("%s.new", path);
	FILE *file = fopen(beside, "we");
	if (!file)
		return cs_error_errno(err, -errno, "%s", beside);
	bool good = fprintf(file, "%u\n", port) > 0;
	good = fclose(file) == 0 && good;
	if (!good || rename(beside, path) < 0)
		return cs_error_errno(err, -errno, "%s", path);
	return 0;
}

static int listen_on(struct cs_endpoints *endpoints, const struct cs_http_tls *tls,
		     struct cs_error *err)
{
	const struct cs_daemon_serving *serving = &endpoints->options.serving;
	struct cs_http_route routes[PATHS];
	for (size_t i = 0; i < PATHS; i++) {
		endpoints->guarded[i] =
			(struct guarded){ .endpoints = endpoints, .handler = paths[i].handler };
		routes[i] = (struct cs_http_route){ .method = paths[i].method,
						    .path = paths[i].path,
						    .prefix = paths[i].prefix,
						    .handler = guard,
						    .user = &endpoints->guarded[i] };
	}
	struct cs_http_options options = {
		.address = serving->address,
		.port = (uint16_t)serving->port,
		.tls = tls,
		.files = { .certificate = file_or_null(serving->certificate_file),
			   .key = file_or_null(serving->key_file),
			   .client_ca = file_or_null(serving->client_ca_file),
			   .proxy_ca = file_or_null(serving->proxies.client_ca_file) },
		.tls13 = serving->tls13,
		.any_certificate = true,
		.reloaded = on_reload,
		.reloaded_user = endpoints,
		.connections = CONNECTIONS_MAX,
		.connections_per_peer = PEER_MAX,
	};
	int r = cs_http_server_create(&options, routes, PATHS, &endpoints->server, err);
	if (r < 0)
		return r;
	uint16_t port = cs_http_server_port(endpoints->server);
	cs_log_info(endpoints->options.log, 0, "Serving securely",
		    CS_LOG_STRING("address", serving->address), CS_LOG_NUMBER("port", port));
	return *serving->port_file ? write_port(serving->port_file, port, err) : 0;
}

// Nobody is believed to speak for others before it is known by what names.
static struct cs_proxies *create_proxies(const struct cs_daemon_proxies *proxies)
{
	static const struct cs_proxy_names none = { "", "", "", "", "" };
	return cs_proxies_create(*proxies->client_ca_file ? &proxies->names : &none);
}

int cs_endpoints_create(const struct cs_endpoints_options *options, struct cs_endpoints **ret,
			struct cs_error *err)
{
	struct cs_http_tls tls = { 0 };
	*ret = NULL;
	if (options->serving.port == CS_DAEMON_PORT_NONE)
		return 0;
	int r = *options->serving.certificate_file ? 0 : self_signed(&tls, err);
	if (r < 0)
		return r;
	struct cs_endpoints *endpoints = cs_alloc(sizeof(*endpoints));
	endpoints->options = *options;
	endpoints->slis = cs_metrics_create();
	endpoints->options.health.slis = endpoints->slis;
	endpoints->proxies = create_proxies(&options->serving.proxies);
	endpoints->options.access.proxies = endpoints->proxies;
	cs_health_declare(endpoints->slis);
	int64_t now = cs_clock_now(&options->log->clock).wall;
	cs_process_started(options->metrics, now);
	cs_process_started(endpoints->slis, now);
	r = listen_on(endpoints, tls.key ? &tls : NULL, err);
	cs_http_tls_finish(&tls);
	if (r < 0) {
		cs_endpoints_destroy(endpoints);
		return r;
	}
	*ret = endpoints;
	return 0;
}

static void complain(const struct cs_endpoints *endpoints, const char *why)
{
	cs_log_error(endpoints->options.log,
		     "The authentication configuration cannot be used, going on with what was",
		     CS_LOG_STRING("configMap", CS_LOOKUP_NAMESPACE "/" CS_LOOKUP_NAME),
		     CS_LOG_STRING("err", why));
}

static void trust_ca(struct cs_endpoints *endpoints, enum cs_http_ca ca, const char *key,
		     const char *pem)
{
	struct cs_error err;
	if (!*pem || cs_http_server_trust(endpoints->server, ca, pem, &err) == 0)
		return;
	CS_AUTO_FREE char *why = cs_asprintf("%s: %s", key, err.text);
	complain(endpoints, why);
}

// The names first: with a CA alone any of its certificates would be a proxy's.
void cs_endpoints_trust(struct cs_endpoints *endpoints, const struct cs_lookup_found *found)
{
	const struct cs_daemon_serving *serving = &endpoints->options.serving;
	if (!*serving->client_ca_file)
		trust_ca(endpoints, CS_HTTP_CLIENT_CA, "client-ca-file", found->client_ca);
	if (*serving->proxies.client_ca_file)
		return;
	if (!found->proxies) {
		complain(endpoints, found->failure);
		return;
	}
	cs_proxies_set(endpoints->proxies, found->proxies);
	trust_ca(endpoints, CS_HTTP_PROXY_CA, "requestheader-client-ca-file", found->proxy_ca);
}

void cs_endpoints_destroy(struct cs_endpoints *endpoints)
{
	if (!endpoints)
		return;
	cs_http_server_destroy(endpoints->server);
	cs_proxies_destroy(endpoints->proxies);
	cs_metrics_destroy(endpoints->slis);
	free(endpoints);
}
