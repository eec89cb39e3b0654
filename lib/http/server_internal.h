// What the files of the http layer share: a server's connections and the exchange under way on
// each. Neighbours: server.c (listener, deadlines, end), exchange.c (one request), response.c,
// keys.h (TLS).
#ifndef CSCHED_HTTP_SERVER_INTERNAL_H
#define CSCHED_HTTP_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include <csched/base/list.h>
#include <csched/http/server.h>

#include "keys.h"

struct exchange;

// A TCP connection, from accept until just before its socket is closed.
struct connection {
	struct cs_list link;
	struct cs_http_server *server;
	int fd;
	int64_t deadline; // monotonic ns; when it passes the socket is shut down
	struct exchange *exchange;
	bool served;  // at least one request has ended
	bool in_vain; // the watchdog's: at its last look the rest of a request could not come
	atomic_bool overdue; // its request has not come whole in time: 408, then the end
	char peer[INET6_ADDRSTRLEN];
	gnutls_session_t session;     // NULL = plain
	struct http_keyring *keyring; // the session's
	bool identified;
	struct cs_http_identity *identity;
	char *refusal; // why its certificate is not good, NULL = it is, or there is none
};

struct cs_http_stream {
	struct exchange *exchange;
	struct cs_http_producer producer;
	struct cs_buffer buffer; // what fill appended; bytes up to `sent` are gone
	size_t sent;
	bool woken;      // lock: since the last call of fill
	bool productive; // the last call of fill gave bytes; there may be more
	enum cs_http_fill last;
};

struct cs_http_pending {
	struct cs_http_server *server; // counted reference
	struct exchange *exchange;     // NULL once the server gave the answer itself
};

// Bytes of a body that was taken, counted in server->bodies.
struct cs_http_room {
	struct cs_http_server *server; // counted reference
	size_t size;
};

// One request and its answer. A server thread owns it; what `lock` guards is marked.
struct exchange {
	struct cs_http_server *server;
	struct connection *connection;
	struct MHD_Connection *mhd;
	struct cs_http_request request;
	struct cs_http_response response;
	const struct cs_http_route *route;
	struct cs_buffer body;
	size_t announced; // bytes of `body` that its head has announced; 0 = none, or made room for
	size_t counted;   // bytes in server->bodies: of `body`, later of the answer
	int refused;      // status to answer without asking a handler; 0 = none
	bool started;
	bool corked; // its socket waits for full segments
	bool whole;  // lock: read to its end, or refused before: it cannot be overdue any more
	bool full;   // its body found no room in server->bodies
	bool deferred;
	struct cs_http_stream *stream;
	struct cs_http_pending *pending; // lock
	bool again;                      // lock: the handler is to be called once more
	bool suspended;                  // lock
	bool gone;                       // lock: the client has closed; end without an answer
};

struct cs_http_server {
	pthread_mutex_t lock; // a leaf: no callback of a user runs under it
	pthread_cond_t ended; // the server stops; from then on, also: an exchange ended
	struct MHD_Daemon *daemon;
	struct cs_http_route *routes;
	size_t n_routes;
	struct cs_http_options options; // with defaults filled in; its pointers are not kept
	struct cs_list connections;     // lock
	struct http_keys *keys;         // NULL = plain
	atomic_size_t bodies;           // bytes of all bodies held: of requests, of answers
	size_t exchanges;               // lock
	size_t references;              // lock: the owner's, of unanswered pendings, of rooms
	bool stopping;                  // lock
	pthread_t watchdog;
	uint16_t port;
};

int64_t http_now(void); // monotonic ns

// Callbacks of libmicrohttpd, exchange.c.
void *http_exchange_begin(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_step(void *server, struct MHD_Connection *mhd, const char *url,
				   const char *method, const char *version, const char *upload,
				   size_t *upload_size, void **exchange);
void http_exchange_end(void *server, struct MHD_Connection *mhd, void **exchange,
		       enum MHD_RequestTerminationCode code);
// Under the lock: takes the exchange out of its sleep with nothing more to wait for.
void http_exchange_give_up(struct exchange *exchange);
void http_server_unref(struct cs_http_server *server);

#endif
