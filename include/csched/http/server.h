// An HTTP/1.1 listener with a table of routes: plain or TLS, bounded in every direction.
// Neighbours: libmicrohttpd inside; tls.h makes certificates; daemon and sim bring the routes.
#ifndef CSCHED_HTTP_SERVER_H
#define CSCHED_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/base/splice.h>
#include <csched/http/tls.h>

#define CS_HTTP_BODY_MAX      (64u << 20) // bytes of a response body that is not a stream
#define CS_HTTP_EXTRA_HEADERS 4

struct cs_http_server;

// ---- requests ----

// Valid while the handler runs and no longer; all strings are the server's.
struct cs_http_request {
	const char *method;
	const char *path;     // percent-decoded, without the query; starts with '/'
	struct cs_slice body; // complete; data is NUL-terminated outside size
	const char *peer;     // numeric address of the client
	// By its certificate, verified; NULL = it has shown none, or nobody asks for one. A
	// certificate that is not good is answered 401 without a handler, or, with
	// `any_certificate`, `refusal` says why it is not.
	const struct cs_http_identity *identity;
	const char *refusal;
	bool retried; // the handler is called again: cs_http_pending_retry
	void *internal;
};

struct cs_http_room;

// The percent-decoded value of a query parameter: NULL when it is not there, "" for "?watch".
const char *cs_http_request_query(const struct cs_http_request *request, const char *name);
// Takes the body (cs_buffer_finish it), for who needs it after the handler. request->body stays
// what it was. Its bytes count as held, whatever is answered, until the room is given back.
void cs_http_request_take_body(struct cs_http_request *request, struct cs_buffer *ret,
			       struct cs_http_room **ret_room);
// Any thread, also after the server is gone. NULL is fine.
void cs_http_room_give_back(struct cs_http_room *room);
// A header's value, the name in any case; NULL when it is not there.
const char *cs_http_request_header(const struct cs_http_request *request, const char *name);
// All headers in their order, a name as often as it was sent.
typedef void (*cs_http_header_f)(void *user, const char *name, const char *value);
void cs_http_request_each_header(const struct cs_http_request *request, cs_http_header_f each,
				 void *user);

// ---- responses ----

enum cs_http_fill {
	CS_HTTP_FILL_MORE,  // what was appended goes out; nothing appended = sleep until woken
	CS_HTTP_FILL_END,   // what was appended goes out, then the stream ends properly
	CS_HTTP_FILL_ABORT, // what was appended goes out, then the connection is cut
};

// The producer of a streaming response (chunked). Both run on a server thread, without any lock of
// the server held.
struct cs_http_producer {
	// Appends what is there now to `out` (empty at the call). It is called again when those
	// bytes are sent, or after cs_http_stream_wake; it may be called without need.
	enum cs_http_fill (*fill)(struct cs_buffer *out, void *user);
	// The last call for this stream, however it ended: frees `user`. The stream handle dies
	// when it returns, so it must first make sure that nobody wakes it any more.
	void (*closed)(void *user);
	void *user;
};

struct cs_http_header {
	const char *name; // static
	char *value;      // owned by the response
};

// Handed to the handler zeroed but for status 200 and an empty body of at most CS_HTTP_BODY_MAX.
struct cs_http_response {
	int status;
	const char *content_type; // static, or NULL for none
	struct cs_buffer body;
	struct cs_splices splices; // what stands between the bytes of `body`, out of `held`
	struct cs_buffer held;     // kept until all is sent
	struct cs_http_header headers[CS_HTTP_EXTRA_HEADERS];
	size_t n_headers;
	bool cut;   // send nothing: close the connection
	bool close; // close the connection after the response
};

void cs_http_response_init(struct cs_http_response *response);
void cs_http_response_finish(struct cs_http_response *response);
// `name` is static, the value is copied; beyond CS_HTTP_EXTRA_HEADERS it is dropped.
void cs_http_response_header(struct cs_http_response *response, const char *name,
			     const char *value);
// Plain text in one call: the usual words of an error.
__attribute__((format(printf, 3, 4))) void cs_http_response_text(struct cs_http_response *response,
								 int status, const char *format,
								 ...);

// ---- streams: a response of unknown length, for watches ----

struct cs_http_stream;

// Called in a handler: the response's status, content type and headers start a stream.
// `producer` is copied; its `closed` is called exactly once from then on.
struct cs_http_stream *cs_http_request_stream(struct cs_http_request *request,
					      const struct cs_http_producer *producer);
// Makes the server ask the producer again. Any thread, cheap; may be called under the producer's
// own lock. Wakes between two calls of fill collapse into one.
void cs_http_stream_wake(struct cs_http_stream *stream);

// ---- answers from another thread ----

struct cs_http_pending;

// Called in a handler: the response is not ready; whoever holds the handle completes it once, from
// any thread. The handler's own response is dropped. After the server's request timeout the client
// is answered 503 without it; completing later, even after the server is gone, is harmless.
struct cs_http_pending *cs_http_request_defer(struct cs_http_request *request);
// Takes the contents of `response` (finish it afterwards all the same) and frees the handle.
void cs_http_pending_complete(struct cs_http_pending *pending, struct cs_http_response *response);
// Whether anybody still waits for it; any thread. Where nobody does, it is completed all the same.
bool cs_http_pending_is_wanted(const struct cs_http_pending *pending);
// Instead of a response: the handler is called once more with the same request, as what it waited
// for is there now. Frees the handle.
void cs_http_pending_retry(struct cs_http_pending *pending);

// ---- the server ----

// Runs on a server thread; different requests run at the same time, so `user` is shared state.
typedef void (*cs_http_handler_f)(struct cs_http_request *request,
				  struct cs_http_response *response, void *user);

struct cs_http_route {
	const char *method; // NULL = any
	const char *path;
	bool prefix;     // `path` is the beginning of the paths meant
	size_t body_max; // bytes; a longer body is answered 413 before it is read
	cs_http_handler_f handler;
	void *user;
};

// Asked before a body is read: 0 = go on, else the status to answer (401, 403). NULL = all may.
typedef int (*cs_http_authorize_f)(const struct cs_http_request *request, void *user);

// Zero means the default named behind.
struct cs_http_options {
	const char *address; // numeric IPv4 or IPv6; NULL = 127.0.0.1
	uint16_t port;       // 0 = one that is free
	// NULL = plain, unless `files` name a certificate; copied.
	const struct cs_http_tls *tls;
	// Looked at every second: what has changed counts for new connections, a file that cannot
	// be used leaves all as it was. A certificate here comes before that of `tls`.
	struct cs_http_tls_files files;
	bool tls13;               // nothing older than TLS 1.3; else than TLS 1.2
	bool require_certificate; // of clients: without one all is answered 401
	bool any_certificate;     // handlers deal with one that is not good
	// Told on a thread of the server, once for each change: the files are in use now
	// (`failure` NULL), or why they are not. May be NULL.
	void (*reloaded)(void *user, const char *failure);
	void *reloaded_user;
	unsigned threads;              // 2
	unsigned connections;          // 1000; further ones wait to be accepted
	unsigned connections_per_peer; // no limit beside `connections`
	// ns from the first byte to the end of the body, and for a deferred answer: 30 s, absolute,
	// so that dripping is no use. A request that is not whole by then is answered 408, or cut
	// where not even its first line is.
	int64_t request_timeout;
	int64_t idle_timeout; // ns between two requests of a connection: 120 s
	// Bytes of bodies held at a time: 256 MiB; beyond, 503. A request's counts until it is
	// answered, one that was taken until its room is given back, an answer's of more than
	// 64 KiB until its client has read it.
	size_t bodies_max;
	cs_http_authorize_f authorize;
	void *authorize_user;
};

// Listens and serves at once. Routes are asked in order, the first that fits wins; a known path
// with another method is 405, an unknown one 404. `routes` is copied, its strings are not.
// -EADDRINUSE and the like with words that name the address.
int cs_http_server_create(const struct cs_http_options *options, const struct cs_http_route *routes,
			  size_t n_routes, struct cs_http_server **ret, struct cs_error *err);
// The port it listens on.
uint16_t cs_http_server_port(const struct cs_http_server *server);
// Whom to believe by certificates where `files` names no such CA: PEM, copied, in the place of what
// was given before; for connections that begin a second later. Any thread. -EINVAL where it holds
// no certificate: then all stays as it was.
int cs_http_server_trust(struct cs_http_server *server, enum cs_http_ca ca, const char *pem,
			 struct cs_error *err);
// Stops listening, ends streams and deferred answers, waits for handlers that run, closes all.
void cs_http_server_destroy(struct cs_http_server *server); // NULL is fine

#endif
