// A tiny HTTP/1.1 server on a thread of its own, with or without TLS, for the transport's tests.
// Neighbours: test_transport.c.
#ifndef TEST_UNIT_CLIENT_SERVER_H
#define TEST_UNIT_CLIENT_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct server;

// What the server got; `head` holds the request line and headers.
struct server_request {
	const char *head;
	const char *path;
	const char *body;
	struct server_connection *connection;
};

// Answers on the server's thread with server_send; false closes the connection.
typedef bool (*server_handler_f)(const struct server_request *request);

struct server_options {
	server_handler_f handler;
	const char *certificate; // PEM; NULL = plain
	const char *key;
	const char *client_ca; // PEM; not NULL = asks for a client certificate it signed
};

struct server *server_start(const struct server_options *options); // on a free loopback port
void server_stop(struct server *server);
int server_port(const struct server *server);
unsigned server_connections(const struct server *server); // accepted so far

// Of that request's connection, from 0 in order of acceptance.
unsigned server_connection_number(const struct server_connection *connection);

__attribute__((format(printf, 2, 3))) void server_send(struct server_connection *connection,
						       const char *format, ...);
// A whole answer with Content-Length.
void server_answer(struct server_connection *connection, int status, const char *headers,
		   const char *body);

#endif
