// The listener of the extender, and the clerk: a thread that writes answers when the core has
// decided, and fallbacks when it has not in time.
// Neighbours: HTTP threads read requests; call.c reads and writes JSON.
#include "daemon/extender.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/http/server.h>

#include "daemon/call.h"
#include "daemon/message.h"

#define CONNECTIONS_MAX 1000
#define PEER_MAX        400 // so that no address has them all
#define THREADS         2
#define ANSWER_MAX      (3u * CS_EXTENDER_BODY_MAX)
// Beyond a call's own deadline, for what has been received of it by then.
#define REQUEST_TIMEOUT (10 * CS_SECOND)

enum clerk_message {
	CLERK_ANSWERED = CS_CORE_CALL, // struct cs_call: back from the core
	CLERK_WAKE = CS_CORE_MESSAGE_COUNT,
	CLERK_STOP,
};

struct verb_route {
	struct cs_extender *extender;
	enum cs_verb verb;
	struct cs_metric *seconds;
	struct cs_metric *results[CS_CALL_RESULT_COUNT];
};

struct cs_extender {
	struct cs_extender_options options;
	struct cs_http_server *server;
	struct verb_route verbs[CS_VERB_COUNT];
	struct cs_mailbox *mailbox; // the clerk's
	pthread_t clerk;
	bool has_clerk;
	pthread_mutex_t lock;
	struct cs_list open; // calls without an answer, by deadline
	bool asleep;         // the clerk waits without an end
};

static const struct cs_metric_info requests_info = {
	.name = "csched_extender_requests_total",
	.help = "Calls of the extender's verbs, by how they ended.",
	.kind = CS_METRIC_COUNTER,
	.labels = { "verb", "result" },
};

static const struct cs_metric_info seconds_info = {
	.name = "csched_extender_duration_seconds",
	.help = "Time from a call's last byte until its answer was ready.",
	.kind = CS_METRIC_HISTOGRAM,
	.labels = { "verb" },
	.buckets = { .start = 0.0001, .factor = 2, .count = 15 },
};

static int64_t boot_now(const struct cs_extender *extender)
{
	return cs_clock_now(&extender->options.log->clock).boot;
}

// ---- the clerk ----

static void count(struct cs_extender *extender, const struct cs_call *call,
		  enum cs_call_result result)
{
	struct verb_route *route = &extender->verbs[call->verb];
	cs_metric_add(route->results[result], 1);
	cs_metric_observe(route->seconds,
			  (double)(boot_now(extender) - call->begun) / (double)CS_SECOND);
}

static void complete(struct cs_http_pending *pending, struct cs_http_response *response)
{
	response->content_type = "application/json";
	if (response->body.overflow) {
		cs_buffer_clear(&response->body);
		cs_http_response_text(response, 500, "the answer is too long");
	}
	cs_http_pending_complete(pending, response);
}

// The core is done with it. It was answered already if it was late.
static void finish(struct cs_extender *extender, struct cs_call *call)
{
	pthread_mutex_lock(&extender->lock);
	struct cs_http_pending *pending = CS_TAKE(call->pending);
	cs_list_remove(&call->open);
	pthread_mutex_unlock(&extender->lock);
	struct cs_http_response response;
	cs_http_response_init(&response);
	if (pending) {
		response.body.max = ANSWER_MAX;
		cs_call_write(call, &response.body, &response.splices);
		if (response.splices.n > 0) {
			response.held = call->body;
			cs_buffer_init(&call->body, 0);
		}
		count(extender, call, call->result);
	}
	// Before the answer, which counts what it holds itself.
	cs_call_destroy(call);
	if (pending)
		complete(pending, &response);
	cs_http_response_finish(&response);
}

// The first call whose time is up; it stays the core's.
static struct cs_call *take_late(struct cs_extender *extender, int64_t now,
				 struct cs_http_pending **ret)
{
	struct cs_call *late = NULL;
	pthread_mutex_lock(&extender->lock);
	if (!cs_list_empty(&extender->open)) {
		struct cs_call *first = CS_CONTAINER_OF(extender->open.next, struct cs_call, open);
		if (first->deadline <= now) {
			late = first;
			*ret = CS_TAKE(late->pending);
			cs_list_remove(&late->open);
			atomic_store(&late->late, true);
		}
	}
	pthread_mutex_unlock(&extender->lock);
	return late;
}

// Only this thread frees calls while it runs, so what was asked stays readable here.
static void answer_late(struct cs_extender *extender)
{
	struct cs_call *call;
	struct cs_http_pending *pending;
	while ((call = take_late(extender, boot_now(extender), &pending))) {
		struct cs_http_response response;
		cs_http_response_init(&response);
		response.body.max = ANSWER_MAX;
		cs_call_write_fallback(call, "c-sched has not bound the pod in time",
				       &response.body);
		count(extender, call, CS_CALL_LATE);
		complete(pending, &response);
		cs_http_response_finish(&response);
	}
}

// Until the first deadline. With nothing open for as long as a call may take, until somebody wakes
// the clerk; before that nobody has to, since no new call can be late earlier.
static int64_t time_to_wait(struct cs_extender *extender, bool idle)
{
	int64_t wait = extender->options.serving.timeout;
	pthread_mutex_lock(&extender->lock);
	bool empty = cs_list_empty(&extender->open);
	extender->asleep = empty && idle;
	if (!empty) {
		wait = CS_CONTAINER_OF(extender->open.next, struct cs_call, open)->deadline -
		       boot_now(extender);
		wait = wait > 0 ? wait : 0;
	} else if (idle) {
		wait = -1;
	}
	pthread_mutex_unlock(&extender->lock);
	return wait;
}

static void *clerk(void *user)
{
	struct cs_extender *extender = user;
	bool stop = false;
	bool idle = false;
	while (!stop) {
		cs_mailbox_wait(extender->mailbox, time_to_wait(extender, idle));
		struct cs_message *next;
		struct cs_message *first = cs_mailbox_take(extender->mailbox);
		idle = !first;
		for (struct cs_message *message = first; message; message = next) {
			next = message->next;
			stop |= message->kind == CLERK_STOP;
			if (message->kind == CLERK_ANSWERED)
				finish(extender, (struct cs_call *)message);
			else
				free(message);
		}
		answer_late(extender);
	}
	return NULL;
}

// ---- requests ----

static void open_call(struct cs_extender *extender, struct cs_http_request *request,
		      struct cs_call *call)
{
	call->back = extender->mailbox;
	call->begun = boot_now(extender);
	call->deadline = call->begun + extender->options.serving.timeout;
	call->pending = cs_http_request_defer(request);
	pthread_mutex_lock(&extender->lock);
	cs_list_append(&extender->open, &call->open);
	bool wake = extender->asleep;
	extender->asleep = false;
	pthread_mutex_unlock(&extender->lock);
	cs_mailbox_send(extender->options.core, &call->message);
	if (wake)
		cs_mailbox_send(extender->mailbox, cs_message_plain(CLERK_WAKE));
}

static void serve_verb(struct cs_http_request *request, struct cs_http_response *response,
		       void *user)
{
	struct verb_route *route = user;
	struct cs_buffer body;
	struct cs_http_room *room;
	struct cs_call *call;
	struct cs_error err;
	cs_http_request_take_body(request, &body, &room);
	int r = cs_call_create(route->verb, &body, &call, &err);
	cs_buffer_finish(&body);
	if (r == 0) {
		call->room = room;
		open_call(route->extender, request, call);
		return;
	}
	cs_http_room_give_back(room);
	cs_metric_add(route->results[CS_CALL_MALFORMED], 1);
	cs_http_response_text(response, r == -EMSGSIZE ? 413 : 400, "%s", err.text);
}

static void serve_alive(struct cs_http_request *request, struct cs_http_response *response,
			void *user)
{
	(void)request;
	(void)user;
	cs_http_response_text(response, 200, "ok");
}

static void serve_ready(struct cs_http_request *request, struct cs_http_response *response,
			void *user)
{
	const struct cs_extender_options *options = &((struct cs_extender *)user)->options;
	(void)request;
	if (!atomic_load(&options->status->handlers_synced))
		cs_http_response_text(response, 503, "the cluster is not known yet");
	else if (atomic_load(&options->status->stopping))
		cs_http_response_text(response, 503, "shutting down");
	else if (options->elect && !atomic_load(&options->status->leading))
		cs_http_response_text(response, 503, "another replica is the leader");
	else
		cs_http_response_text(response, 200, "ok");
}

// ---- who may ask ----

bool cs_extender_name_allowed(const struct cs_http_identity *identity, const char *allowed)
{
	struct cs_slice word;
	while (cs_list_next(&allowed, &word)) {
		CS_AUTO_FREE char *name = cs_strndup(word.data, word.size);
		if (cs_http_identity_is(identity, name))
			return true;
	}
	return false;
}

// Health is for everybody: a kubelet has no certificate.
static int authorize(const struct cs_http_request *request, void *user)
{
	const struct cs_daemon_extender *serving =
		&((const struct cs_extender *)user)->options.serving;
	if (!*serving->client_ca_file || !strcmp(request->path, "/healthz") ||
	    !strcmp(request->path, "/livez") || !strcmp(request->path, "/readyz"))
		return 0;
	if (!request->identity)
		return 401;
	return !*serving->allowed_names ||
			       cs_extender_name_allowed(request->identity, serving->allowed_names)
		       ? 0
		       : 403;
}

static bool is_loopback(const char *address)
{
	return cs_string_prefix(address, "127.") || !strcmp(address, "::1");
}

static int check_settings(const struct cs_daemon_extender *serving, struct cs_error *err)
{
	bool tls = *serving->certificate_file;
	if (tls != (*serving->key_file != '\0'))
		return cs_error_set(
			err, -EINVAL,
			"--extender-tls-cert-file and --extender-tls-key-file need each other");
	if (*serving->client_ca_file && !tls)
		return cs_error_set(err, -EINVAL,
				    "--extender-client-ca-file needs --extender-tls-cert-file");
	if (*serving->allowed_names && !*serving->client_ca_file)
		return cs_error_set(err, -EINVAL,
				    "--extender-allowed-names needs --extender-client-ca-file");
	if (!*serving->client_ca_file && !serving->allow_unauthenticated &&
	    !is_loopback(serving->address))
		return cs_error_set(
			err, -EINVAL,
			"the extender on %s would answer everybody: give it "
			"--extender-client-ca-file, or say --extender-allow-unauthenticated",
			serving->address);
	return 0;
}

// ---- life ----

static void log_reload(void *user, const char *failure)
{
	const struct cs_extender *extender = user;
	if (failure)
		cs_log_error(extender->options.log, "The extender's certificates stay as they were",
			     CS_LOG_STRING("err", failure));
	else
		cs_log_info(extender->options.log, 0, "The extender's certificates are in use");
}

static const char *file_or_none(const char *file)
{
	return *file ? file : NULL;
}

static int listen_on(struct cs_extender *extender, struct cs_error *err)
{
	const struct cs_daemon_extender *serving = &extender->options.serving;
	struct cs_http_route routes[CS_VERB_COUNT + 3] = {
		{ "GET", "/healthz", false, 0, serve_alive, extender },
		{ "GET", "/livez", false, 0, serve_alive, extender },
		{ "GET", "/readyz", false, 0, serve_ready, extender },
	};
	static const char *const paths[CS_VERB_COUNT] = { "/filter", "/prioritize", "/preempt",
							  "/bind" };
	for (int verb = 0; verb < CS_VERB_COUNT; verb++)
		routes[3 + verb] = (struct cs_http_route){
			.method = "POST",
			.path = paths[verb],
			.body_max =
				verb == CS_VERB_BIND ? CS_EXTENDER_NAMES_MAX : CS_EXTENDER_BODY_MAX,
			.handler = serve_verb,
			.user = &extender->verbs[verb],
		};
	struct cs_http_options options = {
		.address = serving->address,
		.port = (uint16_t)serving->port,
		.files = { .certificate = file_or_none(serving->certificate_file),
			   .key = file_or_none(serving->key_file),
			   .client_ca = file_or_none(serving->client_ca_file) },
		.reloaded = log_reload,
		.reloaded_user = extender,
		.threads = THREADS,
		.connections = CONNECTIONS_MAX,
		.connections_per_peer = PEER_MAX,
		.request_timeout = REQUEST_TIMEOUT + serving->timeout,
		.authorize = authorize,
		.authorize_user = extender,
	};
	int r = cs_http_server_create(&options, routes, CS_ARRAY_LENGTH(routes), &extender->server,
				      err);
	if (r == 0)
		cs_log_info(extender->options.log, 0,
			    *serving->certificate_file ? "Serving the extender over HTTPS"
						       : "Serving the extender over HTTP",
			    CS_LOG_STRING("address", serving->address),
			    CS_LOG_NUMBER("port", cs_http_server_port(extender->server)));
	return r;
}

static void init_verbs(struct cs_extender *extender)
{
	struct cs_metrics *metrics = extender->options.metrics;
	for (int verb = 0; verb < CS_VERB_COUNT; verb++) {
		struct verb_route *route = &extender->verbs[verb];
		const char *labels[2] = { cs_verb_names[verb] };
		route->extender = extender;
		route->verb = (enum cs_verb)verb;
		route->seconds = cs_metrics_series(metrics, &seconds_info, labels);
		for (int result = 0; result < CS_CALL_RESULT_COUNT; result++) {
			labels[1] = cs_call_results[result];
			route->results[result] = cs_metrics_series(metrics, &requests_info, labels);
		}
	}
}

int cs_extender_create(const struct cs_extender_options *options, struct cs_extender **ret,
		       struct cs_error *err)
{
	*ret = NULL;
	if (options->serving.port == CS_DAEMON_PORT_NONE)
		return 0;
	int r = check_settings(&options->serving, err);
	if (r < 0)
		return r;
	struct cs_extender *extender = cs_alloc(sizeof(*extender));
	extender->options = *options;
	pthread_mutex_init(&extender->lock, NULL);
	cs_list_init(&extender->open);
	extender->mailbox = cs_mailbox_create(NULL, NULL);
	init_verbs(extender);
	r = -pthread_create(&extender->clerk, NULL, clerk, extender);
	extender->has_clerk = r == 0;
	if (r < 0)
		cs_error_errno(err, r, "starting the extender's thread");
	else
		r = listen_on(extender, err);
	if (r < 0)
		cs_extender_destroy(extender);
	else
		*ret = extender;
	return r;
}

void cs_extender_destroy(struct cs_extender *extender)
{
	if (!extender)
		return;
	cs_http_server_destroy(extender->server);
	if (extender->has_clerk) {
		cs_mailbox_send(extender->mailbox, cs_message_plain(CLERK_STOP));
		pthread_join(extender->clerk, NULL);
	}
	cs_mailbox_destroy(extender->mailbox);
	pthread_mutex_destroy(&extender->lock);
	free(extender);
}

uint16_t cs_extender_port(const struct cs_extender *extender)
{
	return cs_http_server_port(extender->server);
}
