// An API server that answers what a test tells it to, byte for byte.
// Neighbours: test_hostile.c; fake_server.c holds the sockets.
#ifndef TEST_INTEGRATION_FAKE_SERVER_H
#define TEST_INTEGRATION_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <csched/base/buffer.h>
#include <csched/base/slice.h>

struct fake_server;

// What a request gets. The connection is closed behind it unless `hang`.
struct fake_answer {
	struct cs_slice bytes; // as they go over the wire, status line and all; must live on
	bool hang;             // the connection stays open and nothing more comes
};

// `line` is the request line, "GET /api/v1/pods?watch=true HTTP/1.1". Called in threads of the
// server's own, several at a time.
typedef struct fake_answer (*fake_answer_f)(void *user, const char *line);

// Serves plain HTTP on a free port of 127.0.0.1 until the test's process ends.
struct fake_server *fake_server_start(fake_answer_f answer, void *user);
int fake_server_port(const struct fake_server *server);
// How many requests came whose line contains `words`.
int fake_server_count(struct fake_server *server, const char *words);
int fake_server_connections(struct fake_server *server);

// An object of this kind from its JSON, in the protobuf envelope, appended to `out`. `spoil` NULL
// or what changes the message first.
void fake_object(const char *kind, const char *json, void (*spoil)(void *message),
		 struct cs_buffer *out);
// A watch event around it.
void fake_event(const char *type, struct cs_slice object, struct cs_buffer *out);
// The bookmark that ends the initial events.
void fake_bookmark(const char *kind, struct cs_buffer *out);

#endif
