// The listener over raw sockets: routes, limits, streams, deferred answers, its end.
// Neighbours: test_tls.c for certificates.
#include "../check_main.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/http/server.h>

#define PATIENCE (15 * CS_SECOND) // until something that must come true is given up

// ---- a producer and a deferred answer that tests drive ----

static struct {
	pthread_mutex_t lock;
	struct cs_http_stream *stream;
	struct cs_http_pending *pending;
	struct cs_http_room *room;
	char out[256];
	enum cs_http_fill verdict;
	int closed;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static enum cs_http_fill fill(struct cs_buffer *out, void *user)
{
	(void)user;
	pthread_mutex_lock(&shared.lock);
	cs_buffer_append_string(out, shared.out);
	shared.out[0] = 0;
	enum cs_http_fill verdict = shared.verdict;
	pthread_mutex_unlock(&shared.lock);
	return verdict;
}

static void stream_closed(void *user)
{
	(void)user;
	pthread_mutex_lock(&shared.lock);
	shared.stream = NULL;
	shared.closed++;
	pthread_mutex_unlock(&shared.lock);
}

static void produce(const char *text, enum cs_http_fill verdict)
{
	pthread_mutex_lock(&shared.lock);
	snprintf(shared.out + strlen(shared.out), sizeof(shared.out) - strlen(shared.out), "%s",
		 text);
	shared.verdict = verdict;
	if (shared.stream)
		cs_http_stream_wake(shared.stream);
	pthread_mutex_unlock(&shared.lock);
}

static int closed_count(void)
{
	pthread_mutex_lock(&shared.lock);
	int closed = shared.closed;
	pthread_mutex_unlock(&shared.lock);
	return closed;
}

static struct cs_http_pending *take_pending(void)
{
	for (;;) {
		pthread_mutex_lock(&shared.lock);
		struct cs_http_pending *pending = CS_TAKE(shared.pending);
		pthread_mutex_unlock(&shared.lock);
		if (pending)
			return pending;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

// ---- handlers ----

static void handle_hello(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	response->content_type = "text/plain";
	const char *name = cs_http_request_query(request, "name");
	const char *agent = cs_http_request_header(request, "user-AGENT");
	cs_buffer_printf(&response->body, "%s %s %s name=%s agent=%s from=%s", (const char *)user,
			 request->method, request->path, name ? name : "(none)",
			 agent ? agent : "(none)", request->peer);
	cs_http_response_header(response, "X-Test", "yes");
}

static void handle_echo(struct cs_http_request *request, struct cs_http_response *response,
			void *user)
{
	(void)user;
	ck_assert_int_eq(request->body.data[request->body.size], 0);
	cs_buffer_append(&response->body, request->body.data, request->body.size);
}

// [BODY|BODY|] with the request's own bytes, an empty piece between.
static void handle_splice(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	(void)user;
	struct cs_http_room *room;
	cs_http_request_take_body(request, &response->held, &room);
	cs_http_room_give_back(room);
	struct cs_slice bytes = cs_buffer_slice(&response->held);
	cs_buffer_append_string(&response->body, "[||]");
	cs_splices_add(&response->splices, 1, bytes);
	cs_splices_add(&response->splices, 2, (struct cs_slice){ bytes.data, 0 });
	cs_splices_add(&response->splices, 2, bytes);
}

// Answered at once; the body's room stays with the test.
static void handle_keep(struct cs_http_request *request, struct cs_http_response *response,
			void *user)
{
	CS_AUTO_BUFFER struct cs_buffer body;
	(void)user;
	(void)response;
	pthread_mutex_lock(&shared.lock);
	cs_http_request_take_body(request, &body, &shared.room);
	pthread_mutex_unlock(&shared.lock);
}

static void handle_stream(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	(void)user;
	response->content_type = "application/x-stream";
	pthread_mutex_lock(&shared.lock);
	shared.stream = cs_http_request_stream(
		request, &(struct cs_http_producer){ .fill = fill, .closed = stream_closed });
	pthread_mutex_unlock(&shared.lock);
}

static void handle_later(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	(void)user;
	(void)response;
	pthread_mutex_lock(&shared.lock);
	shared.pending = cs_http_request_defer(request);
	pthread_mutex_unlock(&shared.lock);
}

// Asked again, it answers: how often it was asked.
static void handle_again(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	(void)user;
	static atomic_int asked;
	int times = atomic_fetch_add(&asked, 1) + 1;
	cs_http_response_header(response, "X-Times", "once");
	if (times % 3 != 0)
		handle_later(request, response, NULL);
	else
		cs_buffer_printf(&response->body, "asked %d times, body %s", times,
				 request->body.data);
}

static void handle_cut(struct cs_http_request *request, struct cs_http_response *response,
		       void *user)
{
	(void)request;
	(void)user;
	response->cut = true;
}

#define LARGE ((8u << 20) - 1) // more than a socket takes whose client does not read

static void handle_large(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	(void)request;
	(void)user;
	memset(cs_buffer_reserve(&response->body, LARGE), 'x', LARGE);
	response->body.size += LARGE;
}

static int authorize(const struct cs_http_request *request, void *user)
{
	(void)user;
	return cs_string_equal(request->path, "/secret") &&
			       !cs_http_request_header(request, "Authorization")
		       ? 401
		       : 0;
}

static char tag[] = "hello";
static const struct cs_http_route routes[] = {
	{ .method = "GET", .path = "/hello", .handler = handle_hello, .user = tag },
	{ .method = "GET", .path = "/secret", .handler = handle_hello, .user = tag },
	{ .method = "POST", .path = "/echo", .body_max = 1000, .handler = handle_echo },
	{ .method = "PUT", .path = "/echo", .body_max = 1000, .handler = handle_echo },
	{ .method = "POST", .path = "/keep", .body_max = 2000, .handler = handle_keep },
	{ .method = "POST", .path = "/splice", .body_max = 1u << 20, .handler = handle_splice },
	{ .method = "GET", .path = "/stream", .handler = handle_stream },
	{ .method = "GET", .path = "/later", .handler = handle_later },
	{ .method = "POST", .path = "/again", .body_max = 10, .handler = handle_again },
	{ .method = "POST", .path = "/hold", .body_max = 2000, .handler = handle_later },
	{ .method = "GET", .path = "/large", .handler = handle_large },
	{ .method = "GET", .path = "/cut", .handler = handle_cut },
	{ .path = "/any/", .prefix = true, .handler = handle_hello, .user = tag },
};

static struct cs_http_server *server;

static void start(struct cs_http_options options)
{
	struct cs_error err;
	options.authorize = authorize;
	ck_assert_msg(cs_http_server_create(&options, routes, CS_ARRAY_LENGTH(routes), &server,
					    &err) == 0,
		      "%s", err.text);
}

static void setup(void)
{
	shared.out[0] = 0;
	shared.verdict = CS_HTTP_FILL_MORE;
	shared.closed = 0;
	start((struct cs_http_options){ 0 });
}

static void setup_impatient(void)
{
	shared.closed = 0;
	start((struct cs_http_options){ .request_timeout = 300 * CS_MILLISECOND,
					.idle_timeout = 300 * CS_MILLISECOND,
					.threads = 1 });
}

static void setup_crowded(void)
{
	shared.closed = 0;
	start((struct cs_http_options){ .threads = 1, .connections_per_peer = 3 });
}

static void setup_narrow(void)
{
	start((struct cs_http_options){ .bodies_max = 2000 });
}

#define SLOW_READERS     40
#define ROOM_FOR_ANSWERS (40u << 20)

// Sanitizers keep what was freed, up to 256 MiB of it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDENT_KIB_MAX (400 << 10)
#else
#define RESIDENT_KIB_MAX (3 * (int)(ROOM_FOR_ANSWERS >> 10))
#endif

static void setup_slow_readers(void)
{
	start((struct cs_http_options){ .bodies_max = ROOM_FOR_ANSWERS });
}

static void teardown(void)
{
	cs_http_server_destroy(server);
	server = NULL;
}

// ---- a client ----

static int64_t now(void)
{
	struct cs_clock clock = cs_clock_system();
	return cs_clock_now(&clock).boot;
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(cs_http_server_port(server)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

// Reads until `until` was seen, or to the end of the connection. Returns the text; free() it.
static char *receive(int fd, const char *until)
{
	struct cs_buffer in;
	cs_buffer_init(&in, 1u << 20);
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ck_assert_msg(poll(&wait, 1, PATIENCE / CS_MILLISECOND) == 1,
			      "nothing came after: %s", in.data);
		char part[4096];
		ssize_t n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			break;
		cs_buffer_append(&in, part, (size_t)n);
		if (until && strstr(in.data, until))
			break;
	}
	return cs_buffer_take(&in);
}

// One request on a connection of its own.
static char *ask(const char *text)
{
	int fd = dial();
	send_text(fd, text);
	shutdown(fd, SHUT_WR);
	char *reply = receive(fd, NULL);
	close(fd);
	return reply;
}

static void expect_status(const char *request, int status)
{
	CS_AUTO_FREE char *reply = ask(request);
	char start_line[32];
	snprintf(start_line, sizeof(start_line), "HTTP/1.1 %d ", status);
	ck_assert_msg(cs_string_prefix(reply, start_line), "to %s came %s", request, reply);
}

#define HEAD " HTTP/1.1\r\nHost: x\r\n"

START_TEST(test_routes)
{
	CS_AUTO_FREE char *reply = ask("GET /hello?name=J%C3%B6rg+1&x" HEAD
				       "User-Agent: me\r\nConnection: close\r\n\r\n");
	ck_assert_msg(strstr(reply, "\r\nContent-Type: text/plain\r\n"), "%s", reply);
	ck_assert_msg(strstr(reply, "\r\nX-Test: yes\r\n"), "%s", reply);
	ck_assert_msg(strstr(reply, "\r\n\r\nhello GET /hello name=J\xc3\xb6rg 1 agent=me "
				    "from=127.0.0.1"),
		      "%s", reply);
	CS_AUTO_FREE char *prefix = ask("DELETE /any/%41/b?name" HEAD "Connection: close\r\n\r\n");
	ck_assert_msg(strstr(prefix, "hello DELETE /any/A/b name= agent=(none)"), "%s", prefix);
}
END_TEST

START_TEST(test_refusals)
{
	expect_status("GET /nothing" HEAD "\r\n", 404);
	expect_status("GET /any" HEAD "\r\n", 404);
	CS_AUTO_FREE char *reply = ask("DELETE /echo" HEAD "\r\n");
	ck_assert_msg(cs_string_prefix(reply, "HTTP/1.1 405 "), "%s", reply);
	ck_assert_msg(strstr(reply, "\r\nAllow: POST, PUT\r\n"), "%s", reply);
	expect_status("GET /secret" HEAD "\r\n", 401);
	expect_status("GET /secret" HEAD "Authorization: Bearer x\r\nConnection: close\r\n\r\n",
		      200);
	CS_AUTO_FREE char *head = ask("HEAD /hello" HEAD "Connection: close\r\n\r\n");
	ck_assert_msg(cs_string_prefix(head, "HTTP/1.1 200 ") && !strstr(head, "agent="), "%s",
		      head);
	CS_AUTO_FREE char *cut = ask("GET /cut" HEAD "\r\n");
	ck_assert_str_eq(cut, "");
}
END_TEST

START_TEST(test_bodies)
{
	CS_AUTO_FREE char *reply = ask("POST /echo" HEAD "Content-Length: 5\r\n"
				       "Connection: close\r\n\r\nabcde");
	ck_assert_msg(strstr(reply, "\r\n\r\nabcde"), "%s", reply);
	CS_AUTO_FREE char *chunked =
		ask("POST /echo" HEAD "Transfer-Encoding: chunked\r\n"
		    "Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	ck_assert_msg(strstr(chunked, "\r\n\r\nabcde"), "%s", chunked);
	CS_AUTO_FREE char *empty = ask("POST /echo" HEAD "Connection: close\r\n\r\n");
	ck_assert_msg(cs_string_prefix(empty, "HTTP/1.1 200 "), "%s", empty);
}
END_TEST

START_TEST(test_spliced_answers)
{
	CS_AUTO_FREE char *reply = ask("POST /splice" HEAD "Content-Length: 5\r\n"
				       "Connection: close\r\n\r\nabcde");
	ck_assert_msg(strstr(reply, "\r\n\r\n[abcde|abcde|]"), "%s", reply);
	ck_assert_msg(strstr(reply, "Content-Length: 14\r\n"), "%s", reply);
	// More than a socket takes at once.
	const size_t size = 400000;
	CS_AUTO_BUFFER struct cs_buffer request;
	cs_buffer_init(&request, 1u << 20);
	cs_buffer_printf(&request,
			 "POST /splice" HEAD "Content-Length: %zu\r\n"
			 "Connection: close\r\n\r\n",
			 size);
	memset(cs_buffer_reserve(&request, size), 'y', size);
	request.size += size;
	request.data[request.size] = '\0';
	CS_AUTO_FREE char *large = ask(request.data);
	const char *body = strstr(large, "\r\n\r\n[");
	ck_assert_ptr_nonnull(body);
	ck_assert_uint_eq(strlen(body + 4), 2 * size + 4);
	ck_assert_uint_eq(strspn(body + 5, "y"), size);
	ck_assert_int_eq(body[5 + size], '|');
	ck_assert_uint_eq(strspn(body + 6 + size, "y"), size);
}
END_TEST

START_TEST(test_bodies_too_long)
{
	expect_status("POST /echo" HEAD "Content-Length: 1001\r\n\r\n", 413);
	expect_status("POST /echo" HEAD "Content-Length: 99999999999999\r\n\r\n", 413);
	struct cs_buffer request;
	cs_buffer_init(&request, 1u << 20);
	cs_buffer_append_string(&request, "POST /echo" HEAD "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 100; i++)
		cs_buffer_printf(&request, "b\r\n%011d\r\n", i);
	cs_buffer_append_string(&request, "0\r\n\r\n");
	expect_status(request.data, 413);
	cs_buffer_finish(&request);
	// A route without a body.
	expect_status("GET /hello" HEAD "Content-Length: 1\r\n\r\nx", 413);
}
END_TEST

static const char *const smuggling[] = {
	"POST /echo" HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
	"POST /echo" HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
	"POST /echo" HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST /echo" HEAD
	"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"POST /echo" HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"POST /echo" HEAD "Content-Length: -5\r\n\r\nabcde",
	"GET /hello" HEAD "Host: y\r\n\r\n",
	"GET /hello%00/x" HEAD "\r\n",
	"GET /hello HTTP/1.1\r\n\r\n",
	"\r\nnonsense\r\n\r\n",
};

START_TEST(test_ambiguous_requests_are_refused)
{
	CS_AUTO_FREE char *reply = ask(smuggling[_i]);
	ck_assert_msg(reply[0] == 0 || cs_string_prefix(reply, "HTTP/1.1 400 ") ||
			      cs_string_prefix(reply, "HTTP/1.0 400 "),
		      "to %s came %s", smuggling[_i], reply);
	// The connection ended with it: nothing that follows is read as a request.
	ck_assert_ptr_null(strstr(reply, " 200 "));
}
END_TEST

START_TEST(test_keep_alive)
{
	int fd = dial();
	for (int i = 0; i < 3; i++) {
		send_text(fd, "GET /hello" HEAD "\r\n");
		free(receive(fd, "from="));
	}
	send_text(fd, "POST /echo" HEAD "Content-Length: 3\r\n\r\nend");
	CS_AUTO_FREE char *reply = receive(fd, "\r\n\r\nend");
	ck_assert_ptr_nonnull(strstr(reply, "\r\n\r\nend"));
	close(fd);
}
END_TEST

START_TEST(test_long_head_is_refused)
{
	struct cs_buffer request;
	cs_buffer_init(&request, 1u << 20);
	cs_buffer_append_string(&request, "GET /hello" HEAD "X: ");
	for (int i = 0; i < 100000; i++)
		cs_buffer_append_char(&request, 'x');
	int fd = dial();
	(void)!send(fd, request.data, request.size, MSG_NOSIGNAL);
	CS_AUTO_FREE char *reply = receive(fd, NULL);
	ck_assert_msg(reply[0] == 0 || cs_string_prefix(reply, "HTTP/1.1 431 "), "%s", reply);
	close(fd);
	cs_buffer_finish(&request);
}
END_TEST

// ---- deadlines ----

// Sends a byte every 20 ms: how long did the server bear it?
static int64_t drip(const char *text)
{
	int64_t begin = now();
	int fd = dial();
	for (size_t i = 0;; i++) {
		char byte = text[i] ? text[i] : 'x';
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000000 }, NULL);
		char in;
		ssize_t n = recv(fd, &in, 1, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		ck_assert_int_lt(now() - begin, PATIENCE);
	}
	close(fd);
	return now() - begin;
}

START_TEST(test_dripping_is_cut)
{
	static const char *const begins[] = {
		"GET /hello HTTP/1.1\r\nX: ",
		"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n",
	};
	ck_assert_int_ge(drip(begins[_i]), 250 * CS_MILLISECOND);
}
END_TEST

START_TEST(test_idle_connections_are_closed)
{
	int fd = dial();
	send_text(fd, "GET /hello" HEAD "\r\n");
	free(receive(fd, "from="));
	CS_AUTO_FREE char *rest = receive(fd, NULL);
	ck_assert_str_eq(rest, "");
	close(fd);
}
END_TEST

START_TEST(test_limit_per_peer)
{
	int fds[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		send_text(fds[i], "GET /stream" HEAD "\r\n");
		free(receive(fds[i], "\r\n\r\n"));
	}
	int fourth = dial();
	(void)!send(fourth, "GET /hello" HEAD "\r\n", 31, MSG_NOSIGNAL);
	CS_AUTO_FREE char *reply = receive(fourth, NULL);
	ck_assert_str_eq(reply, "");
	close(fourth);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}
END_TEST

// ---- streams ----

static int open_stream(void)
{
	int fd = dial();
	send_text(fd, "GET /stream" HEAD "\r\n");
	CS_AUTO_FREE char *reply = receive(fd, "\r\n\r\n");
	ck_assert_msg(strstr(reply, "\r\nTransfer-Encoding: chunked\r\n"), "%s", reply);
	ck_assert_msg(strstr(reply, "\r\nContent-Type: application/x-stream\r\n"), "%s", reply);
	return fd;
}

static void wait_closed(int count)
{
	int64_t begin = now();
	while (closed_count() < count) {
		ck_assert_int_lt(now() - begin, PATIENCE);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	ck_assert_int_eq(closed_count(), count);
}

START_TEST(test_stream)
{
	int fd = open_stream();
	for (int i = 0; i < 50; i++) {
		char event[32];
		snprintf(event, sizeof(event), "event %d;", i);
		produce(event, CS_HTTP_FILL_MORE);
		CS_AUTO_FREE char *reply = receive(fd, event);
		ck_assert_msg(strstr(reply, event), "%s", reply);
	}
	ck_assert_int_eq(closed_count(), 0);
	produce("last", CS_HTTP_FILL_END);
	CS_AUTO_FREE char *rest = receive(fd, "\r\n0\r\n\r\n");
	ck_assert_msg(strstr(rest, "4\r\nlast\r\n0\r\n\r\n"), "%s", rest);
	wait_closed(1);
	// The connection serves on.
	send_text(fd, "GET /hello" HEAD "\r\n");
	CS_AUTO_FREE char *next = receive(fd, "from=");
	ck_assert_ptr_nonnull(strstr(next, "200 OK"));
	close(fd);
}
END_TEST

START_TEST(test_stream_cut)
{
	int fd = open_stream();
	produce("half", CS_HTTP_FILL_ABORT);
	CS_AUTO_FREE char *rest = receive(fd, NULL);
	ck_assert_msg(strstr(rest, "4\r\nhalf\r\n"), "%s", rest);
	ck_assert_ptr_null(strstr(rest, "\r\n0\r\n"));
	wait_closed(1);
	close(fd);
}
END_TEST

START_TEST(test_stream_left_by_client)
{
	int fd = open_stream();
	produce("x;", CS_HTTP_FILL_MORE);
	free(receive(fd, "x;"));
	close(fd);
	wait_closed(1); // nothing is produced: the watchdog sees it
}
END_TEST

static atomic_bool racing;

static void *waker(void *user)
{
	(void)user;
	while (atomic_load(&racing))
		produce("r;", CS_HTTP_FILL_MORE);
	return NULL;
}

START_TEST(test_stream_wakes_race_with_sleep)
{
	atomic_store(&racing, true);
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, waker, NULL);
	for (int i = 0; i < 20; i++) {
		int fd = open_stream();
		for (int k = 0; k < 20; k++)
			free(receive(fd, "r;"));
		close(fd);
		wait_closed(i + 1);
	}
	atomic_store(&racing, false);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(test_end_with_an_open_stream)
{
	int fd = open_stream();
	cs_http_server_destroy(server);
	server = NULL;
	ck_assert_int_eq(closed_count(), 1);
	CS_AUTO_FREE char *rest = receive(fd, NULL);
	ck_assert_msg(strstr(rest, "0\r\n\r\n"), "%s", rest);
	close(fd);
}
END_TEST

// ---- answers from another thread ----

static void complete(struct cs_http_pending *pending, const char *text)
{
	struct cs_http_response response;
	cs_http_response_init(&response);
	cs_http_response_text(&response, 202, "%s", text);
	cs_http_pending_complete(pending, &response);
	cs_http_response_finish(&response);
}

START_TEST(test_deferred_answer)
{
	int fd = dial();
	for (int i = 0; i < 20; i++) {
		send_text(fd, "GET /later" HEAD "\r\n");
		complete(take_pending(), "here");
		CS_AUTO_FREE char *reply = receive(fd, "here\n");
		ck_assert_msg(cs_string_prefix(reply, "HTTP/1.1 202 "), "%s", reply);
	}
	close(fd);
}
END_TEST

START_TEST(test_deferred_answer_too_late)
{
	int fd = dial();
	send_text(fd, "GET /later" HEAD "\r\n");
	CS_AUTO_FREE char *reply = receive(fd, NULL);
	ck_assert_msg(cs_string_prefix(reply, "HTTP/1.1 503 "), "%s", reply);
	complete(take_pending(), "late");
	close(fd);
}
END_TEST

START_TEST(test_deferred_answer_for_a_client_that_left)
{
	int fd = dial();
	send_text(fd, "GET /later" HEAD "\r\n");
	struct cs_http_pending *pending = take_pending();
	close(fd);
	for (int64_t begin = now(); cs_http_pending_is_wanted(pending);) {
		ck_assert_int_lt(now() - begin, PATIENCE);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	complete(pending, "nobody");
}
END_TEST

START_TEST(test_handler_asked_again)
{
	int fd = dial();
	for (int i = 1; i <= 3; i++) {
		send_text(fd, "POST /again" HEAD "Content-Length: 3\r\n\r\nabc");
		cs_http_pending_retry(take_pending());
		cs_http_pending_retry(take_pending());
		char expected[64];
		snprintf(expected, sizeof(expected), "asked %d times, body abc", 3 * i);
		CS_AUTO_FREE char *reply = receive(fd, expected);
		ck_assert_msg(cs_string_prefix(reply, "HTTP/1.1 200 "), "%s", reply);
		ck_assert_msg(!strstr(strstr(reply, "X-Times") + 1, "X-Times"), "%s", reply);
	}
	// A server that has gone by then is no matter.
	send_text(fd, "POST /again" HEAD "Content-Length: 3\r\n\r\nabc");
	struct cs_http_pending *pending = take_pending();
	cs_http_server_destroy(server);
	server = NULL;
	cs_http_pending_retry(pending);
	close(fd);
}
END_TEST

// A body under way counts with the bytes that have come, whoever sends it.
START_TEST(test_room_for_bodies)
{
	char body[1501];
	memset(body, 'x', 1500);
	body[1500] = '\0';
	for (int round = 0; round < 20; round++) {
		int holder = dial();
		send_text(holder, "POST /hold" HEAD "Content-Length: 1500\r\n\r\n");
		send_text(holder, body);
		struct cs_http_pending *pending = take_pending();
		expect_status("POST /echo" HEAD "Content-Length: 600\r\n\r\n", 503);
		expect_status("POST /echo" HEAD
			      "Connection: close\r\nContent-Length: 5\r\n\r\nhello",
			      200);
		expect_status("GET /hello" HEAD "Connection: close\r\n\r\n", 200);
		char chunked[900];
		snprintf(chunked, sizeof(chunked),
			 "POST /echo" HEAD "Connection: close\r\nTransfer-Encoding: "
			 "chunked\r\n\r\n258\r\n%.600s\r\n0\r\n\r\n",
			 body);
		expect_status(chunked, 503);
		complete(pending, "held");
		CS_AUTO_FREE char *reply = receive(holder, "held");
		ck_assert_msg(cs_string_prefix(reply, "HTTP/1.1 202 "), "%s", reply);
		expect_status(chunked, 200);
		close(holder);
	}
}
END_TEST

static struct cs_http_room *take_room(void)
{
	pthread_mutex_lock(&shared.lock);
	struct cs_http_room *room = CS_TAKE(shared.room);
	pthread_mutex_unlock(&shared.lock);
	return room;
}

// Who took a body may need it after the answer, and after the server.
START_TEST(test_room_of_a_taken_body)
{
	char request[1700];
	snprintf(request, sizeof(request),
		 "POST /keep" HEAD "Connection: close\r\nContent-Length: 1500\r\n\r\n%01500d", 0);
	const char *other = "POST /echo" HEAD "Connection: close\r\nContent-Length: 600\r\n\r\n";
	for (int round = 0; round < 3; round++) {
		expect_status(request, 200);
		expect_status(other, 503);
		cs_http_room_give_back(take_room());
	}
	expect_status(request, 200);
	cs_http_server_destroy(server);
	server = NULL;
	cs_http_room_give_back(take_room());
}
END_TEST

static long resident_kib(void)
{
	long total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld %ld", &total, &resident), 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// A client that asks for much and reads no more than the beginning: the status.
static int ask_and_stop(int *ret_fd)
{
	char head[16] = "";
	int status = 0, small = 4096;
	*ret_fd = dial();
	setsockopt(*ret_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send_text(*ret_fd, "GET /large" HEAD "\r\n");
	ck_assert_int_eq(recv(*ret_fd, head, sizeof(head) - 1, MSG_WAITALL), sizeof(head) - 1);
	ck_assert_int_eq(sscanf(head, "HTTP/1.1 %d ", &status), 1);
	return status;
}

// How many of the slow readers are answered.
static int ask_all_and_stop(int fds[SLOW_READERS])
{
	int served = 0;
	for (int i = 0; i < SLOW_READERS; i++) {
		int status = ask_and_stop(&fds[i]);
		ck_assert_msg(status == 200 || status == 503, "%d", status);
		served += status == 200;
	}
	return served;
}

// Answers count from the first byte to the last, so that who does not read cannot fill the memory;
// who wants little is answered all the same.
START_TEST(test_room_for_answers)
{
	enum { ROOM = ROOM_FOR_ANSWERS / (LARGE + 1) };
	int fds[SLOW_READERS];
	long before = resident_kib();
	for (int round = 0; round < 3; round++) {
		int64_t begin = now();
		int served;
		while ((served = ask_all_and_stop(fds)) < ROOM) {
			// It comes back when the last round's connections are seen to be gone.
			ck_assert_int_gt(round, 0);
			ck_assert_int_lt(now() - begin, PATIENCE);
			for (int i = 0; i < SLOW_READERS; i++)
				close(fds[i]);
		}
		ck_assert_int_eq(served, ROOM);
		expect_status("GET /hello" HEAD "Connection: close\r\n\r\n", 200);
		ck_assert_int_lt(resident_kib() - before, RESIDENT_KIB_MAX);
		for (int i = 0; i < SLOW_READERS; i++)
			close(fds[i]);
	}
}
END_TEST

START_TEST(test_end_with_a_deferred_answer)
{
	int fd = dial();
	send_text(fd, "GET /later" HEAD "\r\n");
	struct cs_http_pending *pending = take_pending();
	cs_http_server_destroy(server);
	server = NULL;
	CS_AUTO_FREE char *reply = receive(fd, NULL);
	ck_assert_msg(cs_string_prefix(reply, "HTTP/1.1 503 "), "%s", reply);
	complete(pending, "after the end");
	close(fd);
}
END_TEST

// The pool's threads are awake when the end comes: clients arrive and leave all the time.
START_TEST(test_end_among_clients)
{
	int fds[20];
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < CS_ARRAY_LENGTH(fds); i++)
			fds[i] = dial();
		for (size_t i = 0; i < CS_ARRAY_LENGTH(fds); i++)
			close(fds[i]);
		cs_http_server_destroy(server);
		start((struct cs_http_options){ 0 });
	}
}
END_TEST

// ---- creation ----

START_TEST(test_addresses)
{
	struct cs_http_server *other = NULL;
	struct cs_error err = { 0 };
	struct cs_http_options taken = { .port = cs_http_server_port(server) };
	ck_assert_int_eq(cs_http_server_create(&taken, routes, 1, &other, &err), -EADDRINUSE);
	ck_assert_msg(strstr(err.text, "listening on 127.0.0.1 port "), "%s", err.text);
	struct cs_http_options name = { .address = "localhost" };
	ck_assert_int_eq(cs_http_server_create(&name, routes, 1, &other, &err), -EINVAL);
	ck_assert_str_eq(err.text, "listen address localhost: not a numeric IP address");
	struct cs_http_options v6 = { .address = "::1" };
	if (cs_http_server_create(&v6, routes, 1, &other, &err) == 0)
		cs_http_server_destroy(other);
	else
		ck_assert_int_eq(err.code, -EADDRNOTAVAIL); // a machine without IPv6
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("http server");
	TCase *plain = tcase_create("plain");
	tcase_set_timeout(plain, 60);
	tcase_add_checked_fixture(plain, setup, teardown);
	tcase_add_test(plain, test_routes);
	tcase_add_test(plain, test_refusals);
	tcase_add_test(plain, test_bodies);
	tcase_add_test(plain, test_spliced_answers);
	tcase_add_test(plain, test_bodies_too_long);
	tcase_add_loop_test(plain, test_ambiguous_requests_are_refused, 0,
			    CS_ARRAY_LENGTH(smuggling));
	tcase_add_test(plain, test_keep_alive);
	tcase_add_test(plain, test_long_head_is_refused);
	tcase_add_test(plain, test_stream);
	tcase_add_test(plain, test_stream_cut);
	tcase_add_test(plain, test_stream_left_by_client);
	tcase_add_test(plain, test_stream_wakes_race_with_sleep);
	tcase_add_test(plain, test_end_with_an_open_stream);
	tcase_add_test(plain, test_deferred_answer);
	tcase_add_test(plain, test_handler_asked_again);
	tcase_add_test(plain, test_end_with_a_deferred_answer);
	tcase_add_test(plain, test_end_among_clients);
	tcase_add_test(plain, test_addresses);
	suite_add_tcase(suite, plain);
	TCase *impatient = tcase_create("impatient");
	tcase_set_timeout(impatient, 60);
	tcase_add_checked_fixture(impatient, setup_impatient, teardown);
	tcase_add_loop_test(impatient, test_dripping_is_cut, 0, 3);
	tcase_add_test(impatient, test_idle_connections_are_closed);
	tcase_add_test(impatient, test_deferred_answer_too_late);
	tcase_add_test(impatient, test_deferred_answer_for_a_client_that_left);
	suite_add_tcase(suite, impatient);
	TCase *crowded = tcase_create("crowded");
	tcase_set_timeout(crowded, 60);
	tcase_add_checked_fixture(crowded, setup_crowded, teardown);
	tcase_add_test(crowded, test_limit_per_peer);
	suite_add_tcase(suite, crowded);
	TCase *narrow = tcase_create("narrow");
	tcase_set_timeout(narrow, 60);
	tcase_add_checked_fixture(narrow, setup_narrow, teardown);
	tcase_add_test(narrow, test_room_for_bodies);
	tcase_add_test(narrow, test_room_of_a_taken_body);
	suite_add_tcase(suite, narrow);
	TCase *slow_readers = tcase_create("slow readers");
	tcase_set_timeout(slow_readers, 60);
	tcase_add_checked_fixture(slow_readers, setup_slow_readers, teardown);
	tcase_add_test(slow_readers, test_room_for_answers);
	suite_add_tcase(suite, slow_readers);
	return suite;
}
