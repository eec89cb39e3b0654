// A tiny HTTP/1.1 server. Neighbours: server.h.
#include "server.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csched/base/memory.h>

#define CONNECTIONS_MAX 64
#define REQUEST_MAX     65536

struct server_connection {
	struct server *server;
	int fd;
	SSL *tls;
	pthread_t thread;
};

struct server {
	server_handler_f handler;
	SSL_CTX *tls;
	int fd;
	int port;
	pthread_t thread;
	atomic_uint accepted;
	struct server_connection connections[CONNECTIONS_MAX];
};

static ssize_t receive(struct server_connection *c, char *at, size_t size)
{
	return c->tls ? SSL_read(c->tls, at, (int)size) : read(c->fd, at, size);
}

static void send_all(struct server_connection *c, const char *at, size_t size)
{
	while (size > 0) {
		ssize_t n = c->tls ? SSL_write(c->tls, at, (int)size)
				   : send(c->fd, at, size, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += n;
		size -= (size_t)n;
	}
}

unsigned server_connection_number(const struct server_connection *connection)
{
	return (unsigned)(connection - connection->server->connections);
}

void server_send(struct server_connection *connection, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n > 0)
		send_all(connection, text, (size_t)n);
	free(text);
}

void server_answer(struct server_connection *connection, int status, const char *headers,
		   const char *body)
{
	server_send(connection, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s", status,
		    strlen(body), headers, body);
}

// Reads one request into `text`; false at the end of the connection.
static bool read_request(struct server_connection *c, char *text, char **body)
{
	size_t used = 0, length = 0;
	char *end = NULL;
	for (;;) {
		ssize_t n = receive(c, text + used, REQUEST_MAX - 1 - used);
		if (n <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
		if (!end && (end = strstr(text, "\r\n\r\n"))) {
			const char *field = strcasestr(text, "\r\nContent-Length:");
			length = field ? strtoul(field + 17, NULL, 10) : 0;
		}
		if (end && used >= (size_t)(end + 4 - text) + length)
			break;
	}
	end[2] = '\0';
	*body = end + 4;
	return true;
}

static void serve(struct server_connection *c)
{
	char *text = cs_alloc(REQUEST_MAX), *body, path[512];
	if (c->tls && SSL_accept(c->tls) != 1) {
		free(text);
		return;
	}
	while (read_request(c, text, &body)) {
		sscanf(text, "%*s %511s", path);
		struct server_request request = { text, path, body, c };
		if (!c->server->handler(&request))
			break;
	}
	free(text);
}

static void *connection_main(void *user)
{
	struct server_connection *c = user;
	serve(c);
	if (c->tls)
		SSL_shutdown(c->tls);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void *server_main(void *user)
{
	struct server *server = user;
	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		unsigned n = atomic_load(&server->accepted);
		if (fd < 0)
			return NULL;
		if (n == CONNECTIONS_MAX) {
			close(fd);
			return NULL;
		}
		struct server_connection *c = &server->connections[n];
		*c = (struct server_connection){ .server = server, .fd = fd };
		if (server->tls) {
			c->tls = SSL_new(server->tls);
			SSL_set_fd(c->tls, fd);
		}
		atomic_fetch_add(&server->accepted, 1);
		pthread_create(&c->thread, NULL, connection_main, c);
	}
}

static X509 *read_certificate(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return x;
}

static void use_tls(struct server *server, const struct server_options *options)
{
	server->tls = SSL_CTX_new(TLS_server_method());
	X509 *x = read_certificate(options->certificate);
	BIO *bio = BIO_new_mem_buf(options->key, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	ck_assert_int_eq(SSL_CTX_use_certificate(server->tls, x), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(server->tls, key), 1);
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(bio);
	if (!options->client_ca)
		return;
	x = read_certificate(options->client_ca);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(server->tls), x);
	X509_free(x);
	SSL_CTX_set_verify(server->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

struct server *server_start(const struct server_options *options)
{
	struct server *server = cs_alloc(sizeof(*server));
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	server->handler = options->handler;
	if (options->certificate)
		use_tls(server, options);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(server->fd, 64), 0);
	getsockname(server->fd, (struct sockaddr *)&address, &size);
	server->port = ntohs(address.sin_port);
	pthread_create(&server->thread, NULL, server_main, server);
	return server;
}

void server_stop(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->accepted; i++) {
		struct server_connection *c = &server->connections[i];
		shutdown(c->fd, SHUT_RDWR);
		pthread_join(c->thread, NULL);
		SSL_free(c->tls);
		close(c->fd);
	}
	close(server->fd);
	SSL_CTX_free(server->tls);
	free(server);
}

int server_port(const struct server *server)
{
	return server->port;
}

unsigned server_connections(const struct server *server)
{
	return atomic_load(&((struct server *)(void *)(size_t)server)->accepted);
}
