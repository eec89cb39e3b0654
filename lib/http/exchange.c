// One request: its checks, its body, its handler, and the answer now, later or bit by bit.
// Neighbours: server.c owns the connections; libmicrohttpd calls what is not static here.
#include "server_internal.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <csched/base/memory.h>

// How much longer than for the request a client may take to read an answer that is no stream.
#define RESPONSE_TIMEOUT_FACTOR 10
// Answers up to this size are sent whatever the others hold: those of all connections together are
// little, and a health check is to get through.
#define SMALL_ANSWER (64u << 10)

// ---- beginning: the request line has been read ----

void *http_exchange_begin(void *user, const char *uri, struct MHD_Connection *mhd)
{
	struct cs_http_server *server = user;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info->socket_context;
	struct exchange *exchange = cs_alloc(sizeof(*exchange));
	exchange->server = server;
	exchange->connection = connection;
	exchange->mhd = mhd;
	exchange->request.internal = exchange;
	exchange->request.peer = connection->peer;
	cs_http_response_init(&exchange->response);
	cs_buffer_init(&exchange->body, 0);
	// A NUL would end the decoded string early, so that checks and handlers saw another path.
	if (strstr(uri, "%00"))
		exchange->refused = 400;

	pthread_mutex_lock(&server->lock);
	connection->exchange = exchange;
	// The first request is measured from accept on, so that its first line cannot drip either.
	if (connection->served)
		connection->deadline = http_now() + server->options.request_timeout;
	server->exchanges++;
	pthread_mutex_unlock(&server->lock);
	return exchange;
}

// ---- checks before the body ----

struct header_counts {
	unsigned content_length;
	unsigned transfer_encoding;
	unsigned host;
	bool odd_encoding;
};

static enum MHD_Result count_header(void *user, enum MHD_ValueKind kind, const char *key,
				    const char *value)
{
	(void)kind;
	struct header_counts *counts = user;
	if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
		counts->content_length++;
	else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0)
		counts->host++;
	else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		counts->transfer_encoding++;
		counts->odd_encoding |= !value || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

// Two parties that read one such request differently is how requests are smuggled past a proxy.
static bool ambiguous(struct MHD_Connection *mhd)
{
	struct header_counts counts = { 0 };
	(void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_header, &counts);
	return counts.content_length > 1 || counts.transfer_encoding > 1 || counts.host > 1 ||
	       (counts.content_length > 0 && counts.transfer_encoding > 0) || counts.odd_encoding;
}

static bool method_fits(const char *route, const char *method)
{
	return !route || strcmp(route, method) == 0 ||
	       (strcmp(route, MHD_HTTP_METHOD_GET) == 0 &&
		strcmp(method, MHD_HTTP_METHOD_HEAD) == 0);
}

static int find_route(struct exchange *exchange)
{
	const struct cs_http_server *server = exchange->server;
	int status = 404;
	for (size_t i = 0; i < server->n_routes; i++) {
		const struct cs_http_route *route = &server->routes[i];
		bool path = route->prefix ? cs_string_prefix(exchange->request.path, route->path)
					  : strcmp(exchange->request.path, route->path) == 0;
		if (!path)
			continue;
		if (method_fits(route->method, exchange->request.method)) {
			exchange->route = route;
			return 0;
		}
		status = 405;
	}
	return status;
}

// 0 or the status to refuse a body of the announced length with.
static int check_length(struct exchange *exchange)
{
	const struct cs_http_server *server = exchange->server;
	const char *text = cs_http_request_header(&exchange->request, "Content-Length");
	unsigned long long length = text ? strtoull(text, NULL, 10) : 0;
	if (length > exchange->route->body_max)
		return 413;
	exchange->announced = (size_t)length;
	return length > 0 && atomic_load(&server->bodies) + length > server->options.bodies_max
		       ? 503
		       : 0;
}

// A connection keeps the certificate it began with: it is looked at once, but for its end.
static int check_certificate(struct exchange *exchange)
{
	struct connection *connection = exchange->connection;
	if (!connection->session)
		return 0;
	if (!connection->identified) {
		struct cs_error err;
		connection->identified = true;
		if (http_keyring_identify(connection->keyring, connection->session,
					  &connection->identity, &err) < 0)
			connection->refusal = cs_strdup(err.text);
	}
	if (connection->identity && !connection->refusal &&
	    (int64_t)time(NULL) > connection->identity->expires)
		connection->refusal = cs_strdup("the client certificate has expired");
	const struct cs_http_options *options = &exchange->server->options;
	bool missing = options->require_certificate && !connection->identity;
	exchange->request.refusal = connection->refusal;
	exchange->request.identity = connection->refusal ? NULL : connection->identity;
	return (connection->refusal && !options->any_certificate) || missing ? 401 : 0;
}

// 0 or the status to refuse the request with, from its head alone.
static int check_head(struct exchange *exchange)
{
	const struct cs_http_options *options = &exchange->server->options;
	if (exchange->refused || ambiguous(exchange->mhd))
		return 400;
	int status = check_certificate(exchange);
	if (status == 0 && options->authorize)
		status = options->authorize(&exchange->request, options->authorize_user);
	if (status == 0)
		status = find_route(exchange);
	return status == 0 ? check_length(exchange) : status;
}

// ---- answering ----

static const char *refusal_text(const struct exchange *exchange, int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 400, "the request is malformed" },
		{ 401, "authentication is needed" },
		{ 403, "not allowed" },
		{ 404, "there is nothing at this path" },
		{ 405, "this path does not answer that method" },
		{ 413, "the request body is too long" },
		{ 503, "too many requests are being read, try again" },
	};
	const struct connection *connection = exchange->connection;
	if (status == 401 && connection->refusal)
		return connection->refusal;
	if (status == 401 && exchange->server->options.require_certificate && !connection->identity)
		return "a client certificate is needed";
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "refused";
}

static struct MHD_Response *stream_response(struct cs_http_stream *stream);

static void add_allow_header(const struct exchange *exchange, struct MHD_Response *mhd)
{
	char allow[128] = "";
	size_t used = 0;
	for (size_t i = 0; i < exchange->server->n_routes; i++) {
		const struct cs_http_route *route = &exchange->server->routes[i];
		bool path = route->prefix ? cs_string_prefix(exchange->request.path, route->path)
					  : strcmp(exchange->request.path, route->path) == 0;
		if (!path || strstr(allow, route->method) ||
		    used + strlen(route->method) + 3 > sizeof(allow))
			continue;
		used += (size_t)snprintf(allow + used, sizeof(allow) - used, "%s%s",
					 used ? ", " : "", route->method);
	}
	(void)MHD_add_response_header(mhd, MHD_HTTP_HEADER_ALLOW, allow);
}

// Others may have the room of what is gone.
static void give_room(struct exchange *exchange)
{
	atomic_fetch_sub(&exchange->server->bodies, exchange->counted);
	exchange->counted = 0;
}

// Nobody looks at the body any more.
static void drop_body(struct exchange *exchange)
{
	bool overflow = exchange->body.overflow;
	cs_buffer_finish(&exchange->body);
	exchange->body.overflow = overflow;
	give_room(exchange);
}

// False where `size` more bytes are too many.
static bool take_room(struct exchange *exchange, size_t size)
{
	struct cs_http_server *server = exchange->server;
	bool room = atomic_fetch_add(&server->bodies, size) + size <= server->options.bodies_max;
	exchange->counted += size;
	return room;
}

// An answer is held until its client has read it, or its time is over.
static void count_answer(struct exchange *exchange)
{
	struct cs_http_response *response = &exchange->response;
	size_t size = response->body.capacity + response->held.capacity;
	if (exchange->stream || size <= SMALL_ANSWER || take_room(exchange, size))
		return;
	give_room(exchange);
	cs_http_response_finish(response);
	cs_http_response_init(response);
	cs_http_response_text(response, 503, "too many answers wait for their readers, try again");
	response->close = true;
}

// An answer goes out in segments as large as can be, not its head alone and one for each TLS
// record.
static void cork(struct exchange *exchange, int on)
{
	(void)setsockopt(exchange->connection->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
	exchange->corked = on;
}

// What libmicrohttpd points into until a spliced answer is sent.
struct spliced {
	struct cs_buffer body;
	struct cs_buffer held;
};

static void free_spliced(void *user)
{
	struct spliced *spliced = user;
	cs_buffer_finish(&spliced->body);
	cs_buffer_finish(&spliced->held);
	free(spliced);
}

static struct MHD_Response *spliced_response(struct cs_http_response *response)
{
	const struct cs_splices *splices = &response->splices;
	struct spliced *spliced = cs_alloc(sizeof(*spliced));
	CS_AUTO_FREE struct MHD_IoVec *pieces = cs_alloc_array(2 * splices->n + 1, sizeof(*pieces));
	unsigned n = 0;
	size_t at = 0;
	spliced->body = response->body;
	spliced->held = response->held;
	cs_buffer_init(&response->body, 0);
	cs_buffer_init(&response->held, 0);
	for (size_t i = 0; i < splices->n; i++) {
		const struct cs_splice *splice = &splices->items[i];
		pieces[n++] = (struct MHD_IoVec){ spliced->body.data + at, splice->at - at };
		pieces[n++] = (struct MHD_IoVec){ splice->bytes.data, splice->bytes.size };
		at = splice->at;
	}
	pieces[n++] = (struct MHD_IoVec){ spliced->body.data + at, spliced->body.size - at };
	struct MHD_Response *mhd = MHD_create_response_from_iovec(pieces, n, free_spliced, spliced);
	if (!mhd)
		free_spliced(spliced);
	return mhd;
}

static struct MHD_Response *whole_response(struct cs_http_response *response)
{
	size_t size = response->body.size;
	if (response->splices.n > 0)
		return spliced_response(response);
	return MHD_create_response_from_buffer(size, cs_buffer_take(&response->body),
					       MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_response(struct exchange *exchange)
{
	struct cs_http_response *response = &exchange->response;
	drop_body(exchange);
	if (response->cut)
		return MHD_NO;
	count_answer(exchange);
	if (!exchange->stream)
		cork(exchange, 1);
	struct MHD_Response *mhd =
		exchange->stream ? stream_response(exchange->stream) : whole_response(response);
	if (!mhd)
		return MHD_NO;
	if (response->content_type)
		(void)MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE,
					      response->content_type);
	for (size_t i = 0; i < response->n_headers; i++)
		(void)MHD_add_response_header(mhd, response->headers[i].name,
					      response->headers[i].value);
	if (exchange->refused == 405)
		add_allow_header(exchange, mhd);
	if (response->close)
		(void)MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result result = MHD_queue_response(exchange->mhd, (unsigned)response->status, mhd);
	MHD_destroy_response(mhd);
	return result;
}

static enum MHD_Result refuse(struct exchange *exchange, int status)
{
	exchange->refused = status;
	exchange->response.close = true;
	cs_http_response_text(&exchange->response, status, "%s", refusal_text(exchange, status));
	return send_response(exchange);
}

// The request is complete: from here on the deadline is the answer's.
static void set_answer_deadline(struct exchange *exchange)
{
	struct cs_http_server *server = exchange->server;
	int64_t timeout = server->options.request_timeout;
	pthread_mutex_lock(&server->lock);
	if (!exchange->pending)
		timeout *= RESPONSE_TIMEOUT_FACTOR;
	// A stream has libmicrohttpd's limit on the time without progress alone.
	exchange->connection->deadline = exchange->stream ? INT64_MAX : http_now() + timeout;
	pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result go_on(struct exchange *exchange);

static enum MHD_Result run_handler(struct exchange *exchange)
{
	exchange->request.body = cs_buffer_slice(&exchange->body);
	exchange->route->handler(&exchange->request, &exchange->response, exchange->route->user);
	set_answer_deadline(exchange);
	if (!exchange->deferred)
		return send_response(exchange);

	struct cs_http_server *server = exchange->server;
	pthread_mutex_lock(&server->lock);
	bool answered = !exchange->pending;
	if (!answered && server->stopping) {
		http_exchange_give_up(exchange);
		answered = true;
	}
	if (!answered) {
		exchange->suspended = true;
		MHD_suspend_connection(exchange->mhd);
	}
	pthread_mutex_unlock(&server->lock);
	return answered ? go_on(exchange) : MHD_YES;
}

// What a deferred answer waited for has come.
static enum MHD_Result go_on(struct exchange *exchange)
{
	struct cs_http_server *server = exchange->server;
	pthread_mutex_lock(&server->lock);
	bool gone = exchange->gone;
	bool again = exchange->again;
	exchange->again = false;
	pthread_mutex_unlock(&server->lock);
	if (gone)
		return MHD_NO;
	if (!again)
		return send_response(exchange);
	exchange->deferred = false;
	exchange->request.retried = true;
	cs_http_response_finish(&exchange->response);
	cs_http_response_init(&exchange->response);
	return run_handler(exchange);
}

// Room for all of the body at once, when an eighth of it has come: who only announces gets none.
static void expect_rest(struct exchange *exchange)
{
	struct cs_buffer *body = &exchange->body;
	if (body->size >= exchange->announced || body->size < exchange->announced / 8)
		return;
	(void)cs_buffer_reserve(body, exchange->announced - body->size);
	exchange->announced = 0;
}

static enum MHD_Result take_body(struct exchange *exchange, const char *upload, size_t *upload_size)
{
	// Past a limit the rest is read and dropped, within the request's deadline: only a
	// complete request can be answered here.
	size_t size = *upload_size;
	*upload_size = 0;
	if (exchange->full || exchange->body.overflow)
		return MHD_YES;
	if (!take_room(exchange, size))
		exchange->full = true;
	else if (cs_buffer_append(&exchange->body, upload, size) == 0)
		expect_rest(exchange);
	if (exchange->full || exchange->body.overflow)
		drop_body(exchange);
	return MHD_YES;
}

// From here on the client is owed an answer. False: it has just been told that it was too slow.
static bool end_reading(struct exchange *exchange)
{
	pthread_mutex_lock(&exchange->server->lock);
	exchange->whole = true;
	bool overdue = atomic_load(&exchange->connection->overdue);
	pthread_mutex_unlock(&exchange->server->lock);
	return !overdue;
}

enum MHD_Result http_exchange_step(void *user, struct MHD_Connection *mhd, const char *url,
				   const char *method, const char *version, const char *upload,
				   size_t *upload_size, void **context)
{
	(void)user;
	(void)mhd;
	(void)version;
	struct exchange *exchange = *context;
	if (!exchange->started) {
		exchange->started = true;
		exchange->request.method = method;
		exchange->request.path = url;
		int status = check_head(exchange);
		if (status)
			return end_reading(exchange) ? refuse(exchange, status) : MHD_NO;
		exchange->body.max = exchange->route->body_max;
		return MHD_YES;
	}
	if (*upload_size)
		return take_body(exchange, upload, upload_size);
	if (!end_reading(exchange))
		return MHD_NO;
	if (exchange->full)
		return refuse(exchange, 503);
	if (exchange->body.overflow)
		return refuse(exchange, 413);
	return exchange->deferred ? go_on(exchange) : run_handler(exchange);
}

void http_exchange_end(void *user, struct MHD_Connection *mhd, void **context,
		       enum MHD_RequestTerminationCode code)
{
	(void)mhd;
	(void)code;
	struct cs_http_server *server = user;
	struct exchange *exchange = *context;
	if (!exchange)
		return;
	if (exchange->corked)
		cork(exchange, 0);
	struct cs_http_stream *stream = exchange->stream;
	if (stream) {
		stream->producer.closed(stream->producer.user);
		cs_buffer_finish(&stream->buffer);
	}
	pthread_mutex_lock(&server->lock);
	if (exchange->pending)
		exchange->pending->exchange = NULL;
	exchange->connection->exchange = NULL;
	exchange->connection->served = true;
	exchange->connection->deadline = http_now() + server->options.idle_timeout;
	server->exchanges--;
	if (server->stopping)
		pthread_cond_broadcast(&server->ended);
	pthread_mutex_unlock(&server->lock);
	free(stream);
	cs_http_response_finish(&exchange->response);
	drop_body(exchange);
	free(exchange);
	*context = NULL;
}

// ---- requests ----

const char *cs_http_request_query(const struct cs_http_request *request, const char *name)
{
	const struct exchange *exchange = request->internal;
	const char *value = NULL;
	size_t size = 0;
	if (MHD_lookup_connection_value_n(exchange->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
					  &value, &size) != MHD_YES)
		return NULL;
	return value ? value : "";
}

void cs_http_request_take_body(struct cs_http_request *request, struct cs_buffer *ret,
			       struct cs_http_room **ret_room)
{
	struct exchange *exchange = request->internal;
	struct cs_http_server *server = exchange->server;
	struct cs_http_room *room = cs_alloc(sizeof(*room));
	*room = (struct cs_http_room){ server, exchange->counted };
	exchange->counted = 0;
	pthread_mutex_lock(&server->lock);
	server->references++;
	pthread_mutex_unlock(&server->lock);
	*ret = exchange->body;
	*ret_room = room;
	cs_buffer_init(&exchange->body, 0);
}

void cs_http_room_give_back(struct cs_http_room *room)
{
	if (!room)
		return;
	atomic_fetch_sub(&room->server->bodies, room->size);
	http_server_unref(room->server);
	free(room);
}

const char *cs_http_request_header(const struct cs_http_request *request, const char *name)
{
	const struct exchange *exchange = request->internal;
	return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

struct each_header {
	cs_http_header_f each;
	void *user;
};

static enum MHD_Result tell_header(void *user, enum MHD_ValueKind kind, const char *key,
				   const char *value)
{
	(void)kind;
	const struct each_header *told = user;
	told->each(told->user, key, value ? value : "");
	return MHD_YES;
}

void cs_http_request_each_header(const struct cs_http_request *request, cs_http_header_f each,
				 void *user)
{
	const struct exchange *exchange = request->internal;
	struct each_header told = { .each = each, .user = user };
	(void)MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, tell_header, &told);
}

// ---- streams ----

struct cs_http_stream *cs_http_request_stream(struct cs_http_request *request,
					      const struct cs_http_producer *producer)
{
	struct exchange *exchange = request->internal;
	struct cs_http_stream *stream = cs_alloc(sizeof(*stream));
	stream->exchange = exchange;
	stream->producer = *producer;
	cs_buffer_init(&stream->buffer, CS_HTTP_BODY_MAX);
	stream->woken = true; // the first question needs no wake
	exchange->stream = stream;
	return stream;
}

void cs_http_stream_wake(struct cs_http_stream *stream)
{
	struct exchange *exchange = stream->exchange;
	struct cs_http_server *server = exchange->server;
	pthread_mutex_lock(&server->lock);
	stream->woken = true;
	if (exchange->suspended) {
		exchange->suspended = false;
		MHD_resume_connection(exchange->mhd);
	}
	pthread_mutex_unlock(&server->lock);
}

enum stream_verdict { STREAM_ASK, STREAM_SLEEP, STREAM_END, STREAM_ABORT };

// Nothing is left to send: what now?
static enum stream_verdict stream_next(struct cs_http_stream *stream)
{
	struct exchange *exchange = stream->exchange;
	struct cs_http_server *server = exchange->server;
	enum stream_verdict verdict;
	pthread_mutex_lock(&server->lock);
	if (exchange->gone || stream->last == CS_HTTP_FILL_ABORT || stream->buffer.overflow) {
		verdict = STREAM_ABORT;
	} else if (server->stopping || stream->last == CS_HTTP_FILL_END) {
		verdict = STREAM_END;
	} else if (stream->woken || stream->productive) {
		stream->woken = false;
		verdict = STREAM_ASK;
	} else {
		exchange->suspended = true;
		MHD_suspend_connection(exchange->mhd);
		verdict = STREAM_SLEEP;
	}
	pthread_mutex_unlock(&server->lock);
	return verdict;
}

static ssize_t stream_read(void *user, uint64_t position, char *to, size_t max)
{
	(void)position;
	struct cs_http_stream *stream = user;
	while (stream->sent == stream->buffer.size) {
		cs_buffer_clear(&stream->buffer);
		stream->sent = 0;
		switch (stream_next(stream)) {
		case STREAM_SLEEP:
			return 0;
		case STREAM_END:
			return MHD_CONTENT_READER_END_OF_STREAM;
		case STREAM_ABORT:
			return MHD_CONTENT_READER_END_WITH_ERROR;
		case STREAM_ASK:
			break;
		}
		stream->last = stream->producer.fill(&stream->buffer, stream->producer.user);
		stream->productive = stream->buffer.size > 0;
	}
	size_t left = stream->buffer.size - stream->sent;
	size_t size = left < max ? left : max;
	memcpy(to, stream->buffer.data + stream->sent, size);
	stream->sent += size;
	return (ssize_t)size;
}

static struct MHD_Response *stream_response(struct cs_http_stream *stream)
{
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, stream_read, stream,
						 NULL);
}

// ---- answers from another thread ----

struct cs_http_pending *cs_http_request_defer(struct cs_http_request *request)
{
	struct exchange *exchange = request->internal;
	struct cs_http_server *server = exchange->server;
	struct cs_http_pending *pending = cs_alloc(sizeof(*pending));
	pending->server = server;
	pending->exchange = exchange;
	pthread_mutex_lock(&server->lock);
	exchange->pending = pending;
	server->references++;
	pthread_mutex_unlock(&server->lock);
	exchange->deferred = true;
	return pending;
}

static void wake_answered(struct exchange *exchange)
{
	if (!exchange->suspended)
		return;
	exchange->suspended = false;
	MHD_resume_connection(exchange->mhd);
}

void cs_http_pending_complete(struct cs_http_pending *pending, struct cs_http_response *response)
{
	struct cs_http_server *server = pending->server;
	pthread_mutex_lock(&server->lock);
	struct exchange *exchange = pending->exchange;
	if (exchange) {
		struct cs_http_response old = exchange->response;
		exchange->response = *response;
		*response = old;
		exchange->pending = NULL;
		exchange->connection->deadline =
			http_now() + server->options.request_timeout * RESPONSE_TIMEOUT_FACTOR;
		wake_answered(exchange);
	}
	pthread_mutex_unlock(&server->lock);
	free(pending);
	http_server_unref(server);
}

bool cs_http_pending_is_wanted(const struct cs_http_pending *pending)
{
	struct cs_http_server *server = pending->server;
	pthread_mutex_lock(&server->lock);
	bool wanted = pending->exchange != NULL;
	pthread_mutex_unlock(&server->lock);
	return wanted;
}

void cs_http_pending_retry(struct cs_http_pending *pending)
{
	struct cs_http_server *server = pending->server;
	pthread_mutex_lock(&server->lock);
	struct exchange *exchange = pending->exchange;
	if (exchange) {
		exchange->pending = NULL;
		exchange->again = true;
		wake_answered(exchange);
	}
	pthread_mutex_unlock(&server->lock);
	free(pending);
	http_server_unref(server);
}

void http_exchange_give_up(struct exchange *exchange)
{
	if (exchange->pending) {
		exchange->pending->exchange = NULL;
		exchange->pending = NULL;
		cs_http_response_text(&exchange->response, 503, "no answer in time");
		exchange->response.close = true;
		exchange->connection->deadline =
			http_now() + exchange->server->options.request_timeout;
	}
	wake_answered(exchange);
}
