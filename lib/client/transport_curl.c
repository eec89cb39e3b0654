// The transport over libcurl: one multi, easy handles used again, callbacks outside of curl.
// Neighbours: transport.h is the table; handles.c sets up connections, credentials.c says what each
// request carries.
#include <csched/client/transport.h>

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/list.h>
#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>

#include "handles.h"

#define GENERATION_MIN_AGE (5 * CS_SECOND) // between two "fresh" connections
#define WAIT_MAX_MS        60000
#define DEFAULT_ACCEPT     CS_PROTOBUF_CONTENT_TYPE ", application/json"

struct curl_transport;

struct cs_transport_call {
	struct cs_list link;  // in `held` or `running`
	struct cs_list dirty; // in `dirty` while bytes wait for the data callback
	struct curl_transport *transport;
	CURL *easy; // NULL while held
	struct curl_slist *headers;
	enum cs_method method;
	char *path;
	char *accept;
	char *content_type;
	char *body;
	size_t body_size;
	int64_t timeout;  // ns, 0 = none
	int64_t deadline; // boot ns for a call with a timeout
	bool fresh;
	bool repeated; // once after a 401
	bool noted;    // counted in rest_client_requests_total
	bool foreign;  // a stream that is not in protobuf
	int status;
	uint64_t token_version; // what it carries
	uint64_t tls_version;   // of its handle
	const struct cs_handler *handler;
	void *user;
	struct cs_buffer in;
	char error[CURL_ERROR_SIZE];
};

// What is measured of each whole exchange.
enum exchange { EXCHANGE_TOOK, EXCHANGE_SENT, EXCHANGE_RECEIVED, EXCHANGE_COUNT };

struct curl_transport {
	struct cs_transport base;
	const struct cs_endpoint *endpoint;
	struct cs_credentials *credentials;
	CURLM *multi;
	char *url;  // what paths are appended to
	char *host; // "host:port": the Host header where it differs from the URL, and a label
	struct cs_handles handles;
	struct cs_list held; // until credentials are ready
	struct cs_list running;
	struct cs_list dirty;
	struct cs_time now; // of the last turn
	uint64_t tls_version;
	unsigned generation;
	int64_t generation_since; // boot ns
	struct cs_metrics *metrics;
	struct {
		int status;
		struct cs_metric *series;
	} last_total[CS_METHOD_COUNT];
	struct cs_metric *exchanges[EXCHANGE_COUNT][CS_METHOD_COUNT];
};

static const char *const method_names[CS_METHOD_COUNT] = {
	[CS_METHOD_GET] = "GET",     [CS_METHOD_POST] = "POST",     [CS_METHOD_PUT] = "PUT",
	[CS_METHOD_PATCH] = "PATCH", [CS_METHOD_DELETE] = "DELETE",
};

static const struct cs_metric_info requests_total = {
	.name = "rest_client_requests_total",
	.help = "Number of HTTP requests, partitioned by status code, method, and host.",
	.kind = CS_METRIC_COUNTER,
	.labels = { "code", "method", "host" },
};

// As component-base's metrics/prometheus/restclient has them.
static const double seconds[] = { 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60 };
static const double bytes[] = { 64,    256,    512,     1024,    4096,    16384,
				65536, 262144, 1048576, 4194304, 16777216 };

static const struct cs_metric_info exchanges[EXCHANGE_COUNT] = {
	[EXCHANGE_TOOK] = {
		.name = "rest_client_request_duration_seconds",
		.help = "Request latency in seconds. Broken down by verb, and host.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "verb", "host" },
		.buckets = { .bounds = seconds, .count = CS_ARRAY_LENGTH(seconds) },
	},
	[EXCHANGE_SENT] = {
		.name = "rest_client_request_size_bytes",
		.help = "Bytes of requests' bodies.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "verb", "host" },
		.buckets = { .bounds = bytes, .count = CS_ARRAY_LENGTH(bytes) },
	},
	[EXCHANGE_RECEIVED] = {
		.name = "rest_client_response_size_bytes",
		.help = "Bytes of answers' bodies, but for watches and lists that are streams.",
		.kind = CS_METRIC_HISTOGRAM,
		.labels = { "verb", "host" },
		.buckets = { .bounds = bytes, .count = CS_ARRAY_LENGTH(bytes) },
	},
};

static struct curl_transport *self(struct cs_transport *transport)
{
	return CS_CONTAINER_OF(transport, struct curl_transport, base);
}

// ---- metrics ----

// `status` 0 is an exchange that broke before an answer came.
static void note_answer(struct cs_transport_call *call, int status)
{
	struct curl_transport *t = call->transport;
	if (!t->metrics || call->noted)
		return;
	call->noted = true;
	if (!t->last_total[call->method].series || t->last_total[call->method].status != status) {
		char code[16] = "<error>";
		if (status)
			snprintf(code, sizeof(code), "%d", status);
		const char *const values[] = { code, method_names[call->method], t->host };
		t->last_total[call->method].series =
			cs_metrics_series(t->metrics, &requests_total, values);
		t->last_total[call->method].status = status;
	}
	cs_metric_add(t->last_total[call->method].series, 1);
}

static void observe(const struct cs_transport_call *call, enum exchange what, double value)
{
	struct curl_transport *t = call->transport;
	struct cs_metric **series = &t->exchanges[what][call->method];
	if (!*series)
		*series = cs_metrics_series(
			t->metrics, &exchanges[what],
			(const char *const[]){ method_names[call->method], t->host });
	cs_metric_observe(*series, value);
}

static void note_exchange(const struct cs_transport_call *call, bool answered)
{
	curl_off_t us = 0;
	if (!call->transport->metrics || call->handler->data)
		return;
	curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &us);
	observe(call, EXCHANGE_TOOK, (double)us / 1e6);
	observe(call, EXCHANGE_SENT, (double)call->body_size);
	if (answered)
		observe(call, EXCHANGE_RECEIVED, (double)call->in.size);
}

// ---- curl's callbacks: they only store ----

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct cs_transport_call *call = user;
	(void)size; // always 1
	if (call->foreign)
		return CURL_WRITEFUNC_ERROR;
	if (cs_buffer_append(&call->in, data, n) < 0)
		return CURL_WRITEFUNC_ERROR;
	if (call->handler->data && call->status / 100 == 2 && cs_list_empty(&call->dirty))
		cs_list_append(&call->transport->dirty, &call->dirty);
	return n;
}

static bool is_protobuf(CURL *easy)
{
	char *type = NULL;
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	return type && cs_string_prefix(type, CS_PROTOBUF_CONTENT_TYPE);
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct cs_transport_call *call = user;
	long status = 0;
	(void)size;
	if (n > 2 || data[0] != '\r')
		return n; // the empty line ends them
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->status = (int)status;
	// Bytes that are not frames would be taken for one of a gigabyte.
	call->foreign = call->handler->data && status / 100 == 2 && !is_protobuf(call->easy);
	if (status >= 200)
		note_answer(call, call->status);
	return n;
}

// ---- a call's life ----

static void drop_headers(struct cs_transport_call *call)
{
	for (struct curl_slist *h = call->headers; h; h = h->next)
		if (cs_string_prefix(h->data, "Authorization:"))
			explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(call->headers);
	call->headers = NULL;
}

static void detach_easy(struct cs_transport_call *call)
{
	struct curl_transport *t = call->transport;
	if (!call->easy)
		return;
	curl_multi_remove_handle(t->multi, call->easy);
	// The handle must not point to what dies with the call.
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, NULL);
	cs_handles_put(&t->handles, (struct cs_handle){ call->easy, call->tls_version });
	call->easy = NULL;
	drop_headers(call);
}

static void free_call(struct cs_transport_call *call)
{
	cs_list_remove(&call->link);
	cs_list_remove(&call->dirty);
	detach_easy(call);
	cs_buffer_finish(&call->in);
	free(call->path);
	free(call->accept);
	free(call->content_type);
	if (call->body)
		explicit_bzero(call->body, call->body_size); // a TokenReview has a token in it
	free(call->body);
	free(call);
}

static void add_header(struct cs_transport_call *call, const char *name, const char *value)
{
	CS_AUTO_FREE char *line = cs_asprintf("%s: %s", name, value);
	call->headers = curl_slist_append(call->headers, line);
	explicit_bzero(line, strlen(line));
}

static void set_headers(struct cs_transport_call *call, const struct cs_credentials_view *view)
{
	const struct curl_transport *t = call->transport;
	add_header(call, "Accept", call->accept ? call->accept : DEFAULT_ACCEPT);
	if (call->content_type)
		add_header(call, "Content-Type", call->content_type);
	if (view->authorization)
		add_header(call, "Authorization", view->authorization);
	if (t->handles.connect_to)
		add_header(call, "Host", t->host);
	for (char **h = t->endpoint->headers; h && *h; h++)
		call->headers = curl_slist_append(call->headers, *h);
	if (call->body_size)
		call->headers = curl_slist_append(call->headers, "Expect:");
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_method(const struct cs_transport_call *call)
{
	bool plain = call->method == CS_METHOD_GET || call->method == CS_METHOD_POST;
	if (call->method == CS_METHOD_GET || !call->content_type) {
		curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)call->body_size);
		curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
	}
	curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST,
			 plain ? NULL : method_names[call->method]);
}

// curl looks for a connection whose TLS options equal the request's. These two bits mean nothing to
// OpenSSL, so they can carry a generation: after a change no request meets the old connections, on
// which other calls go on undisturbed.
static long generation_options(unsigned generation)
{
	return (generation & 1 ? CURLSSLOPT_NO_REVOKE : 0) |
	       (generation & 2 ? CURLSSLOPT_REVOKE_BEST_EFFORT : 0);
}

static long timeout_ms(const struct cs_transport_call *call, struct cs_time now)
{
	if (!call->timeout)
		return 0;
	int64_t left = call->deadline - now.boot;
	return left > CS_MILLISECOND ? (long)(left / CS_MILLISECOND) : 1;
}

// Puts a held call on the wire.
static void launch(struct cs_transport_call *call, const struct cs_credentials_view *view)
{
	struct curl_transport *t = call->transport;
	CS_AUTO_FREE char *url = cs_asprintf("%s%s", t->url, call->path);
	call->easy = cs_handles_take(&t->handles, view);
	call->token_version = view->token_version;
	call->tls_version = view->tls_version;
	call->status = 0;
	call->error[0] = '\0';
	set_headers(call, view);
	set_method(call);
	curl_easy_setopt(call->easy, CURLOPT_URL, url);
	curl_easy_setopt(call->easy, CURLOPT_PATH_AS_IS, 1L); // escaped dots stay names
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, timeout_ms(call, t->now));
	curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT,
			 call->fresh && !t->handles.tls ? 1L : 0L);
	curl_easy_setopt(call->easy, CURLOPT_SSL_OPTIONS, generation_options(t->generation));
	cs_list_remove(&call->link);
	cs_list_append(&t->running, &call->link);
	if (curl_multi_add_handle(t->multi, call->easy) != CURLM_OK)
		abort(); // out of memory, or a handle used twice
}

static char *copy_string(const char *s)
{
	return s ? cs_strdup(s) : NULL;
}

static struct cs_transport_call *transport_start(struct cs_transport *transport,
						 const struct cs_request *request)
{
	struct curl_transport *t = self(transport);
	struct cs_credentials_view view = cs_credentials_view(t->credentials);
	struct cs_transport_call *call = cs_alloc(sizeof(*call));
	*call = (struct cs_transport_call){
		.transport = t,
		.method = request->method,
		.path = cs_strdup(request->path),
		.accept = copy_string(request->accept),
		.content_type = copy_string(request->content_type),
		.body = request->body.size ? cs_strndup(request->body.data, request->body.size)
					   : NULL,
		.body_size = request->body.size,
		.timeout = request->timeout,
		.deadline = request->timeout ? t->now.boot + request->timeout : INT64_MAX,
		.fresh = request->fresh,
		.handler = request->handler,
		.user = request->user,
	};
	cs_buffer_init(&call->in, request->body_max);
	cs_list_init(&call->dirty);
	cs_list_init(&call->link);
	cs_list_append(&t->held, &call->link);
	if (call->fresh && t->now.boot - t->generation_since >= GENERATION_MIN_AGE) {
		t->generation++;
		t->generation_since = t->now.boot;
	}
	if (view.ready)
		launch(call, &view);
	return call;
}

static void transport_cancel(struct cs_transport *transport, struct cs_transport_call *call)
{
	(void)transport;
	free_call(call);
}

// ---- endings ----

// What a transfer's failure is in our dialect; others are -EIO.
static const struct {
	CURLcode code;
	int error;
} failures[] = {
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT },
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED },
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH },
	{ CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH },
	{ CURLE_WRITE_ERROR, -EMSGSIZE },
	{ CURLE_PEER_FAILED_VERIFICATION, -EPROTO },
	{ CURLE_SSL_CONNECT_ERROR, -EPROTO },
	{ CURLE_GOT_NOTHING, -ECONNRESET },
	{ CURLE_PARTIAL_FILE, -ECONNRESET },
	{ CURLE_RECV_ERROR, -ECONNRESET },
	{ CURLE_SEND_ERROR, -ECONNRESET },
	{ CURLE_HTTP2, -ECONNRESET },
	{ CURLE_HTTP2_STREAM, -ECONNRESET },
};

static int failure_of(const struct cs_transport_call *call, CURLcode code)
{
	if (code == CURLE_OK)
		return 0;
	if (call->foreign)
		return -EPROTO;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(failures); i++)
		if (failures[i].code == code)
			return failures[i].error;
	return -EIO;
}

static const char *words_of(const struct cs_transport_call *call, CURLcode code)
{
	if (code == CURLE_OK)
		return "";
	if (call->foreign)
		return "the answer is not in Kubernetes' protobuf: is this a Kubernetes API "
		       "server?";
	if (code == CURLE_WRITE_ERROR)
		return "the response is larger than its limit";
	return call->error[0] ? call->error : curl_easy_strerror(code);
}

static void fill_response(struct cs_transport_call *call, CURLcode code, struct cs_response *ret)
{
	curl_off_t retry_after = 0;
	long os_error = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_error);
	*ret = (struct cs_response){
		.status = call->status,
		.error = failure_of(call, code),
		.message = words_of(call, code),
		.retry_after = (retry_after < 3600 ? retry_after : 3600) * CS_SECOND,
		.protobuf = is_protobuf(call->easy),
		.refused = code == CURLE_COULDNT_CONNECT && os_error == ECONNREFUSED,
	};
}

// Says the last word of a call and frees it. Its data callback has seen everything: each turn shows
// all that came before it looks for endings.
static void end_call(struct cs_transport_call *call, struct cs_response *response)
{
	response->body = cs_buffer_slice(&call->in);
	cs_list_remove(&call->link);
	call->handler->done(call->user, call->transport->now, response);
	free_call(call);
}

// A 401 may mean that the token has been rotated: the call is held for one more try.
static bool repeat_call(struct cs_transport_call *call, const struct cs_response *response)
{
	struct curl_transport *t = call->transport;
	if (response->status != 401 || response->error || call->repeated ||
	    !cs_credentials_rejected(t->credentials, call->token_version, t->now))
		return false;
	call->repeated = true;
	call->noted = false;
	detach_easy(call);
	cs_buffer_clear(&call->in);
	cs_list_remove(&call->link);
	cs_list_append(&t->held, &call->link);
	return true;
}

static void finish_call(struct cs_transport_call *call, CURLcode code)
{
	struct cs_response response;
	fill_response(call, code, &response);
	note_answer(call, code == CURLE_OK ? response.status : 0);
	note_exchange(call, code == CURLE_OK);
	if (repeat_call(call, &response))
		return;
	// `message` may point into the call, the type into the handle: both live until free_call.
	end_call(call, &response);
}

// ---- turns ----

static void launch_held(struct curl_transport *t)
{
	struct cs_credentials_view view = cs_credentials_view(t->credentials);
	while (view.ready && !cs_list_empty(&t->held))
		launch(CS_CONTAINER_OF(t->held.next, struct cs_transport_call, link), &view);
}

// Ends calls the same way. A callback may cancel others of them.
static void end_all(struct cs_list *calls, const struct cs_response *response)
{
	while (!cs_list_empty(calls)) {
		struct cs_transport_call *call =
			CS_CONTAINER_OF(calls->next, struct cs_transport_call, link);
		struct cs_response own = *response;
		own.status = call->status;
		end_call(call, &own);
	}
}

// Calls whose time ran out while credentials were not there.
static void expire_held(struct curl_transport *t)
{
	struct cs_list expired;
	cs_list_init(&expired);
	CS_LIST_FOR_EACH (link, &t->held) {
		if (CS_CONTAINER_OF(link, struct cs_transport_call, link)->deadline > t->now.boot)
			continue;
		cs_list_remove(link);
		cs_list_append(&expired, link);
	}
	end_all(&expired,
		&(struct cs_response){ .error = -ETIMEDOUT,
				       .message = "no credentials from the exec plugin" });
}

// New certificates: what streams on connections with the old ones ends, and is opened again.
static void end_streams(struct curl_transport *t)
{
	struct cs_list streams;
	cs_list_init(&streams);
	CS_LIST_FOR_EACH (link, &t->running) {
		struct cs_transport_call *call =
			CS_CONTAINER_OF(link, struct cs_transport_call, link);
		if (!call->handler->data)
			continue;
		cs_list_remove(link);
		cs_list_append(&streams, link);
	}
	end_all(&streams, &(struct cs_response){ .error = -ECONNRESET,
						 .message = "the certificates have changed" });
}

static void turn_credentials(struct curl_transport *t)
{
	cs_credentials_turn(t->credentials, t->now);
	uint64_t version = cs_credentials_view(t->credentials).tls_version;
	if (version != t->tls_version) {
		bool first = cs_list_empty(&t->running);
		cs_handles_drop(&t->handles);
		t->tls_version = version;
		if (!first)
			end_streams(t);
	}
	launch_held(t);
	expire_held(t);
}

static void show_dirty(struct curl_transport *t)
{
	while (!cs_list_empty(&t->dirty)) {
		struct cs_transport_call *call =
			CS_CONTAINER_OF(t->dirty.next, struct cs_transport_call, dirty);
		cs_list_remove(&call->dirty);
		call->handler->data(call->user, t->now, &call->in);
	}
}

static void finish_done(struct curl_transport *t)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(t->multi, &left))) {
		char *call = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish_call((struct cs_transport_call *)(void *)call, message->data.result);
	}
}

static void transport_turn(struct cs_transport *transport, struct cs_time now)
{
	struct curl_transport *t = self(transport);
	int running;
	t->now = now;
	turn_credentials(t);
	curl_multi_perform(t->multi, &running);
	show_dirty(t);
	finish_done(t);
	launch_held(t);
}

static int64_t transport_deadline(const struct cs_transport *transport)
{
	const struct curl_transport *t =
		CS_CONTAINER_OF(transport, const struct curl_transport, base);
	int64_t due = cs_credentials_deadline(t->credentials);
	CS_LIST_FOR_EACH (link, (struct cs_list *)(uintptr_t)&t->held) {
		const struct cs_transport_call *call =
			CS_CONTAINER_OF(link, struct cs_transport_call, link);
		due = call->deadline < due ? call->deadline : due;
	}
	return due;
}

static void transport_wait(struct cs_transport *transport, int64_t timeout)
{
	struct curl_transport *t = self(transport);
	struct curl_waitfd extra = {
		.fd = cs_credentials_fd(t->credentials),
		.events = CURL_WAIT_POLLIN,
	};
	int64_t ms = timeout < 0 ? WAIT_MAX_MS : timeout / CS_MILLISECOND;
	if (timeout > 0 && timeout % CS_MILLISECOND)
		ms++;
	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	curl_multi_poll(t->multi, &extra, extra.fd >= 0 ? 1 : 0, (int)ms, NULL);
}

static void transport_wakeup(struct cs_transport *transport)
{
	curl_multi_wakeup(self(transport)->multi);
}

static void free_calls(struct cs_list *calls)
{
	while (!cs_list_empty(calls))
		free_call(CS_CONTAINER_OF(calls->next, struct cs_transport_call, link));
}

static void transport_destroy(struct cs_transport *transport)
{
	struct curl_transport *t = self(transport);
	free_calls(&t->held);
	free_calls(&t->running);
	cs_handles_finish(&t->handles);
	curl_multi_cleanup(t->multi);
	free(t->url);
	free(t->host);
	free(t);
	curl_global_cleanup();
}

static const struct cs_transport_ops curl_ops = {
	.start = transport_start,
	.cancel = transport_cancel,
	.turn = transport_turn,
	.deadline = transport_deadline,
	.wait = transport_wait,
	.wakeup = transport_wakeup,
	.destroy = transport_destroy,
};

// ---- birth ----

// With a tls-server-name the URL carries that name, which TLS then sends and verifies, while
// connections go to the real host and the Host header names it.
static int set_url(struct curl_transport *t, struct cs_error *err)
{
	const struct cs_endpoint *endpoint = t->endpoint;
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL, *full = NULL;
	bool ok = curl_url_set(url, CURLUPART_URL, endpoint->server, 0) == CURLUE_OK &&
		  curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		  curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	if (ok) {
		t->host = cs_asprintf("%s:%s", host, port);
		if (endpoint->tls_server_name && t->handles.tls) {
			CS_AUTO_FREE char *to = cs_asprintf("::%s:%s", host, port);
			t->handles.connect_to = curl_slist_append(NULL, to);
			ok = curl_url_set(url, CURLUPART_HOST, endpoint->tls_server_name, 0) ==
			     CURLUE_OK;
		}
	}
	ok = ok && curl_url_get(url, CURLUPART_URL, &full, 0) == CURLUE_OK;
	if (ok) {
		size_t length = strlen(full);
		t->url = cs_strndup(full, full[length - 1] == '/' ? length - 1 : length);
	}
	curl_free(host);
	curl_free(port);
	curl_free(full);
	curl_url_cleanup(url);
	return ok ? 0 : cs_error_set(err, -EINVAL, "%s: not a URL", endpoint->server);
}

struct cs_transport *cs_transport_curl_create(const struct cs_transport_curl_options *options,
					      struct cs_error *err)
{
	struct curl_transport *t = cs_alloc(sizeof(*t));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	*t = (struct curl_transport){
		.base.ops = &curl_ops,
		.endpoint = options->endpoint,
		.credentials = options->credentials,
		.multi = curl_multi_init(),
		.tls_version = cs_credentials_view(options->credentials).tls_version,
		.metrics = options->metrics,
		.generation_since = INT64_MIN / 2,
	};
	cs_handles_init(&t->handles, options->endpoint, options->user_agent);
	cs_list_init(&t->held);
	cs_list_init(&t->running);
	cs_list_init(&t->dirty);
	if (t->metrics) {
		cs_metrics_declare(t->metrics, &requests_total);
		for (int i = 0; i < EXCHANGE_COUNT; i++)
			cs_metrics_declare(t->metrics, &exchanges[i]);
	}
	if (!t->multi || set_url(t, err) < 0) {
		transport_destroy(&t->base);
		return NULL;
	}
	return &t->base;
}
