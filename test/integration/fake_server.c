// An API server that answers what a test tells it to, byte for byte.
// Neighbours: test_hostile.c; kube's codec and protobuf make the objects.
#include "fake_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#define REQUEST_MAX  (64u << 10)
#define REQUESTS_MAX 65536

struct fake_server {
	int fd;
	int port;
	fake_answer_f answer;
	void *user;
	pthread_mutex_t lock; // of what follows
	char *lines[REQUESTS_MAX];
	int n_lines;
	int n_connections;
};

struct connection {
	struct fake_server *server;
	int fd;
};

// ---- serving ----

// The whole request with its body; false when the other side left.
static bool read_request(int fd, char *text, size_t size)
{
	size_t used = 0, want = 0;
	for (;;) {
		ssize_t n = recv(fd, text + used, size - 1 - used, 0);
		if (n <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
		char *end = strstr(text, "\r\n\r\n");
		if (!end)
			continue;
		const char *length = strcasestr(text, "content-length: ");
		want = (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0);
		if (used >= want || used == size - 1)
			return true;
	}
}

static void record(struct fake_server *server, const char *line)
{
	pthread_mutex_lock(&server->lock);
	if (server->n_lines < REQUESTS_MAX)
		server->lines[server->n_lines++] = cs_strdup(line);
	pthread_mutex_unlock(&server->lock);
}

static void *serve(void *user)
{
	struct connection *connection = user;
	CS_AUTO_FREE char *text = cs_alloc(REQUEST_MAX);
	if (read_request(connection->fd, text, REQUEST_MAX)) {
		text[strcspn(text, "\r\n")] = '\0';
		record(connection->server, text);
		struct fake_answer answer =
			connection->server->answer(connection->server->user, text);
		for (size_t sent = 0; sent < answer.bytes.size;) {
			ssize_t n = send(connection->fd, answer.bytes.data + sent,
					 answer.bytes.size - sent, MSG_NOSIGNAL);
			if (n <= 0)
				break;
			sent += (size_t)n;
		}
		if (answer.hang)
			while (recv(connection->fd, text, REQUEST_MAX, 0) > 0)
				;
	}
	shutdown(connection->fd, SHUT_RDWR);
	close(connection->fd);
	free(connection);
	return NULL;
}

static void *listen_for_ever(void *user)
{
	struct fake_server *server = user;
	for (;;) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		pthread_mutex_lock(&server->lock);
		server->n_connections++;
		pthread_mutex_unlock(&server->lock);
		struct connection *connection = cs_alloc(sizeof(*connection));
		*connection = (struct connection){ server, fd };
		pthread_t thread;
		ck_assert_int_eq(pthread_create(&thread, NULL, serve, connection), 0);
		pthread_detach(thread);
	}
	return NULL;
}

struct fake_server *fake_server_start(fake_answer_f answer, void *user)
{
	static struct fake_server server; // one per test, and tests have processes of their own
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	pthread_t thread;

	server = (struct fake_server){ .answer = answer, .user = user };
	pthread_mutex_init(&server.lock, NULL);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server.fd, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(server.fd, 64), 0);
	ck_assert_int_eq(getsockname(server.fd, (struct sockaddr *)&address, &size), 0);
	server.port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&thread, NULL, listen_for_ever, &server), 0);
	pthread_detach(thread);
	return &server;
}

int fake_server_port(const struct fake_server *server)
{
	return server->port;
}

int fake_server_count(struct fake_server *server, const char *words)
{
	int n = 0;
	pthread_mutex_lock(&server->lock);
	for (int i = 0; i < server->n_lines; i++)
		n += strstr(server->lines[i], words) != NULL;
	pthread_mutex_unlock(&server->lock);
	return n;
}

int fake_server_connections(struct fake_server *server)
{
	pthread_mutex_lock(&server->lock);
	int n = server->n_connections;
	pthread_mutex_unlock(&server->lock);
	return n;
}

// ---- what it says ----

void fake_object(const char *kind, const char *json, void (*spoil)(void *message),
		 struct cs_buffer *out)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	const struct cs_kind *row = cs_kind_find("v1", kind);
	if (!row)
		row = cs_kind_find("apps/v1", kind);
	struct json_object *tree = NULL;
	ProtobufCMessage *message = NULL;
	struct cs_error err = { 0 };
	ck_assert_ptr_nonnull(row);
	ck_assert_msg(cs_value_read_json(cs_slice_of(json), &tree, &err) == 0 &&
			      cs_codec_read(row->descriptor, tree, arena, &message, &err) == 0,
		      "%s: %s", err.text, json);
	if (spoil)
		spoil(message);
	ck_assert_msg(cs_protobuf_write(row, message, out, &err) == 0, "%s", err.text);
	json_object_put(tree);
}

void fake_event(const char *type, struct cs_slice object, struct cs_buffer *out)
{
	Kube__WatchEvent event = KUBE__WATCH_EVENT__INIT;
	Kube__RawExtension raw = KUBE__RAW_EXTENSION__INIT;
	event.type = (char *)type;
	event.object = &raw;
	raw.has_raw = true;
	raw.raw = (ProtobufCBinaryData){ object.size, (uint8_t *)object.data };
	size_t size = kube__watch_event__get_packed_size(&event);
	CS_AUTO_FREE uint8_t *bytes = cs_alloc(size + 4);
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(size >> (8 * (3 - i)));
	kube__watch_event__pack(&event, bytes + 4);
	ck_assert_int_eq(cs_buffer_append(out, bytes, size + 4), 0);
}

void fake_bookmark(const char *kind, struct cs_buffer *out)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, 4096);
	fake_object(kind,
		    "{\"metadata\":{\"resourceVersion\":\"900\",\"annotations\":{"
		    "\"k8s.io/initial-events-end\":\"true\"}}}",
		    NULL, &object);
	fake_event("BOOKMARK", (struct cs_slice){ object.data, object.size }, out);
}
