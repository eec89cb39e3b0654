// The listener: its socket, its connections, their deadlines, its end.
// Neighbours: exchange.c does what happens on a connection; keys.c has the certificates.
#include "server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>

// Bytes for a request's head and an answer's chunks; a longer head is answered 431.
#define CONNECTION_MEMORY (64u << 10)
#define LISTEN_BACKLOG    512
// How long the end waits for answers under way.
#define STOP_GRACE (1 * CS_SECOND)
#define TLS12_ON   "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define TLS13_ON   "NORMAL:-VERS-ALL:+VERS-TLS1.3"

int64_t http_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * CS_SECOND + now.tv_nsec;
}

// ---- requests that have not come whole in time ----

// libmicrohttpd answers whole requests only. So the watchdog ends the reading of such a connection,
// and the answer comes just before libmicrohttpd learns of that.
static const char overdue_answer[] = "HTTP/1.1 408 Request Timeout\r\n"
				     "Content-Type: text/plain; charset=utf-8\r\n"
				     "Content-Length: 39\r\n"
				     "Connection: close\r\n\r\n"
				     "the request did not come whole in time\n";

// What GnuTLS reads a connection by, on the thread of libmicrohttpd that it belongs to. That thread
// is reading, so it cannot be in the middle of another answer, and GnuTLS lets a session send while
// it receives.
static ssize_t pull(gnutls_transport_ptr_t user, void *to, size_t size)
{
	struct connection *connection = user;
	if (!atomic_load(&connection->overdue))
		return recv(connection->fd, to, size, 0);
	(void)gnutls_record_send(connection->session, overdue_answer, sizeof(overdue_answer) - 1);
	// A mere end would make GnuTLS wait for the rest of a record that was cut by it.
	errno = ECONNRESET;
	return -1;
}

// Under the lock: while the request is not whole, libmicrohttpd has nothing to send.
static void end_overdue(struct connection *connection)
{
	if (!connection->session)
		(void)send(connection->fd, overdue_answer, sizeof(overdue_answer) - 1,
			   MSG_DONTWAIT | MSG_NOSIGNAL);
	atomic_store(&connection->overdue, true);
	(void)shutdown(connection->fd, SHUT_RD);
}

// ---- connections ----

static void use_keys(struct connection *connection, gnutls_session_t session)
{
	gnutls_transport_ptr_t from, to;
	connection->session = session;
	connection->keyring = http_keys_attach(connection->server->keys, session);
	gnutls_transport_get_ptr2(session, &from, &to);
	gnutls_transport_set_ptr2(session, connection, to);
	gnutls_transport_set_pull_function(session, pull);
}

static void connection_open(struct cs_http_server *server, struct MHD_Connection *mhd,
			    void **context)
{
	struct connection *connection = cs_alloc(sizeof(*connection));
	connection->server = server;
	connection->fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	connection->deadline = http_now() + server->options.request_timeout;
	const struct sockaddr *address =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
	const void *ip = address->sa_family == AF_INET6
				 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				 : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
	(void)inet_ntop(address->sa_family, ip, connection->peer, sizeof(connection->peer));
	const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (server->keys && tls)
		use_keys(connection, tls->tls_session);
	*context = connection;
	pthread_mutex_lock(&server->lock);
	cs_list_append(&server->connections, &connection->link);
	pthread_mutex_unlock(&server->lock);
}

static void connection_notify(void *user, struct MHD_Connection *mhd, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	struct cs_http_server *server = user;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_open(server, mhd, context);
		return;
	}
	struct connection *connection = *context;
	if (!connection)
		return;
	// libmicrohttpd closes the socket after this call: the watchdog never sees a reused one.
	pthread_mutex_lock(&server->lock);
	cs_list_remove(&connection->link);
	pthread_mutex_unlock(&server->lock);
	http_keyring_put(connection->keyring);
	http_identity_destroy(connection->identity);
	free(connection->refusal);
	free(connection);
	*context = NULL;
}

// ---- the watchdog: absolute deadlines, and clients that left while nothing was sent to them ----

// libmicrohttpd's own limit is on inactivity: a byte a second keeps a connection for ever.
static void check_deadline(struct connection *connection, int64_t now)
{
	if (connection->deadline > now)
		return;
	struct exchange *exchange = connection->exchange;
	if (exchange && exchange->pending)
		http_exchange_give_up(exchange);
	else if (exchange && !exchange->whole && !atomic_load(&connection->overdue))
		end_overdue(connection);
	else // also who has not even sent a request line
		(void)shutdown(connection->fd, SHUT_RDWR);
}

static bool has_closed(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };
	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static bool is_all_read(int fd)
{
	int unread;
	return ioctl(fd, FIONREAD, &unread) == 0 && unread == 0;
}

// A suspended connection is in nobody's epoll set, and libmicrohttpd overlooks an end that comes
// with a part of a head. What came just now it may not have looked at yet: hence the second look.
static void check_presence(struct connection *connection)
{
	struct exchange *exchange = connection->exchange;
	bool suspended = exchange && exchange->suspended;
	bool closed = (suspended || !exchange || !exchange->whole) && has_closed(connection->fd);
	if (closed && suspended) {
		exchange->gone = true;
		http_exchange_give_up(exchange);
		return;
	}
	bool in_vain = closed && is_all_read(connection->fd);
	if (in_vain && connection->in_vain)
		(void)shutdown(connection->fd, SHUT_RDWR);
	connection->in_vain = in_vain;
}

static int64_t watchdog_period(const struct cs_http_options *options)
{
	int64_t shortest = options->request_timeout < options->idle_timeout
				   ? options->request_timeout
				   : options->idle_timeout;
	int64_t period = shortest / 4;
	period = period < CS_SECOND ? period : CS_SECOND;
	return period > 10 * CS_MILLISECOND ? period : 10 * CS_MILLISECOND;
}

// Waits for server->ended until `deadline`; the lock is held.
static void wait_until(struct cs_http_server *server, int64_t deadline)
{
	struct timespec until = { .tv_sec = deadline / CS_SECOND, .tv_nsec = deadline % CS_SECOND };
	(void)pthread_cond_timedwait(&server->ended, &server->lock, &until);
}

static void *watchdog(void *user)
{
	struct cs_http_server *server = user;
	int64_t period = watchdog_period(&server->options);
	int64_t next = http_now() + period;
	pthread_mutex_lock(&server->lock);
	while (!server->stopping) {
		int64_t now = http_now();
		if (now < next) {
			wait_until(server, next);
			continue;
		}
		next = now + period;
		// Files are read without the lock: requests go on meanwhile.
		pthread_mutex_unlock(&server->lock);
		http_keys_poll(server->keys, now);
		pthread_mutex_lock(&server->lock);
		CS_LIST_FOR_EACH (link, &server->connections) {
			struct connection *connection =
				CS_CONTAINER_OF(link, struct connection, link);
			check_deadline(connection, now);
			check_presence(connection);
		}
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

// ---- creation ----

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
			 socklen_t *ret_size, struct cs_error *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_size = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*ret_size = sizeof(*v6);
		return 0;
	}
	return cs_error_set(err, -EINVAL, "listen address %s: not a numeric IP address", text);
}

static int open_listener(const struct cs_http_options *options, int *ret_fd, uint16_t *ret_port,
			 struct cs_error *err)
{
	struct sockaddr_storage address;
	socklen_t size;
	int result = parse_address(options->address, options->port, &address, &size, err);
	if (result)
		return result;
	CS_AUTO_CLOSE int fd =
		socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, size) || listen(fd, LISTEN_BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return cs_error_errno(err, -errno, "listening on %s port %u", options->address,
				      options->port);
	*ret_port =
		ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						    : ((struct sockaddr_in *)&address)->sin_port);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static struct cs_http_options with_defaults(const struct cs_http_options *given)
{
	struct cs_http_options options = *given;
	if (!options.address)
		options.address = "127.0.0.1";
	if (!options.threads)
		options.threads = 2;
	if (!options.connections)
		options.connections = 1000;
	if (!options.request_timeout)
		options.request_timeout = 30 * CS_SECOND;
	if (!options.idle_timeout)
		options.idle_timeout = 120 * CS_SECOND;
	if (!options.bodies_max)
		options.bodies_max = (size_t)256 << 20;
	return options;
}

// Nobody new while the server stops. (MHD_quiesce_daemon would say it, too, but aborts when one of
// the pool's threads wakes up at that moment.)
static enum MHD_Result accepts(void *user, const struct sockaddr *address, socklen_t size)
{
	struct cs_http_server *server = user;
	(void)address;
	(void)size;
	pthread_mutex_lock(&server->lock);
	bool stopping = server->stopping;
	pthread_mutex_unlock(&server->lock);
	return stopping ? MHD_NO : MHD_YES;
}

static struct MHD_Daemon *start_daemon(struct cs_http_server *server, int fd)
{
	const struct cs_http_options *options = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
	const struct cs_http_tls *pair = server->keys ? http_keys_first(server->keys) : NULL;
	const char *priorities = options->tls13 ? TLS13_ON : TLS12_ON;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, pair ? pair->certificate : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, pair ? pair->key : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities },
		{ MHD_OPTION_END, 0, NULL },
	};
	if (pair)
		flags |= MHD_USE_TLS;
	else
		tls[0] = (struct MHD_OptionItem){ .option = MHD_OPTION_END };
	struct MHD_OptionItem pool[] = {
		{ MHD_OPTION_THREAD_POOL_SIZE, options->threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	if (options->threads < 2) // a pool of one is refused
		pool[0] = (struct MHD_OptionItem){ .option = MHD_OPTION_END };
	unsigned idle_seconds = (unsigned)(options->idle_timeout / CS_SECOND) + 1;
	return MHD_start_daemon(flags, 0, accepts, server, http_exchange_step, server,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK,
				http_exchange_begin, server, MHD_OPTION_NOTIFY_COMPLETED,
				http_exchange_end, server, MHD_OPTION_NOTIFY_CONNECTION,
				connection_notify, server, MHD_OPTION_CONNECTION_LIMIT,
				options->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
				options->connections_per_peer, MHD_OPTION_CONNECTION_TIMEOUT,
				idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
				MHD_OPTION_ARRAY, pool, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static void init_locks(struct cs_http_server *server)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->ended, &attributes);
	pthread_condattr_destroy(&attributes);
}

int cs_http_server_create(const struct cs_http_options *given, const struct cs_http_route *routes,
			  size_t n_routes, struct cs_http_server **ret, struct cs_error *err)
{
	struct cs_http_options options = with_defaults(given);
	struct http_keys *keys = NULL;
	uint16_t port = 0;
	int fd = -1;
	int result = http_keys_create(&options, &keys, err);
	if (result)
		return result;
	result = open_listener(&options, &fd, &port, err);
	if (result) {
		http_keys_destroy(keys);
		return result;
	}
	struct cs_http_server *server = cs_alloc(sizeof(*server));
	init_locks(server);
	server->keys = keys;
	server->options = options;
	server->port = port;
	server->references = 1;
	cs_list_init(&server->connections);
	server->routes = cs_alloc_array(n_routes ? n_routes : 1, sizeof(*routes));
	if (n_routes)
		memcpy(server->routes, routes, n_routes * sizeof(*routes));
	server->n_routes = n_routes;
	errno = 0;
	server->daemon = start_daemon(server, fd);
	if (!server->daemon) {
		int cause = errno;
		close(fd);
		http_server_unref(server);
		if (cause == EMFILE || cause == ENFILE || cause == EAGAIN || cause == ENOMEM)
			return cs_error_errno(err, -cause, "the HTTP server does not start");
		return cs_error_set(err, -EINVAL, "the HTTP server does not start%s",
				    keys ? ": is the key that of the certificate?" : "");
	}
	server->options.tls = NULL;
	server->options.address = NULL;
	result = -pthread_create(&server->watchdog, NULL, watchdog, server);
	if (result) {
		MHD_stop_daemon(server->daemon);
		http_server_unref(server);
		return cs_error_errno(err, result, "starting a thread of the HTTP server");
	}
	*ret = server;
	return 0;
}

uint16_t cs_http_server_port(const struct cs_http_server *server)
{
	return server->port;
}

int cs_http_server_trust(struct cs_http_server *server, enum cs_http_ca ca, const char *pem,
			 struct cs_error *err)
{
	return http_keys_give(server->keys, ca, pem, err);
}

// ---- the end ----

void http_server_unref(struct cs_http_server *server)
{
	pthread_mutex_lock(&server->lock);
	bool last = --server->references == 0;
	pthread_mutex_unlock(&server->lock);
	if (!last)
		return;
	pthread_cond_destroy(&server->ended);
	pthread_mutex_destroy(&server->lock);
	http_keys_destroy(server->keys);
	free(server->routes);
	free(server);
}

// libmicrohttpd aborts when it is stopped with a suspended connection.
static void wake_all(struct cs_http_server *server)
{
	server->stopping = true;
	CS_LIST_FOR_EACH (link, &server->connections) {
		struct connection *connection = CS_CONTAINER_OF(link, struct connection, link);
		if (connection->exchange)
			http_exchange_give_up(connection->exchange);
	}
	pthread_cond_broadcast(&server->ended);
}

void cs_http_server_destroy(struct cs_http_server *server)
{
	if (!server)
		return;
	pthread_mutex_lock(&server->lock);
	wake_all(server);
	int64_t deadline = http_now() + STOP_GRACE;
	while (server->exchanges && http_now() < deadline)
		wait_until(server, deadline);
	pthread_mutex_unlock(&server->lock);
	pthread_join(server->watchdog, NULL);
	MHD_stop_daemon(server->daemon); // which closes the listener
	http_server_unref(server);
}
