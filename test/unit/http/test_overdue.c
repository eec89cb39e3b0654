// Requests that do not come whole in time: what their clients are told, plain and over TLS.
// Neighbours: test_server.c for the other limits.
#include "../check_main.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/http/server.h>

// Of a request, in which a starved machine must get a handshake and the first bytes through.
#define TIMEOUT_MS 1500
#define PATIENCE   (30 * CS_SECOND)

static const int versions[] = { 0, TLS1_2_VERSION, TLS1_3_VERSION }; // 0 = plain

static struct cs_http_server *server;
static SSL_CTX *tls;

static void handle(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	(void)user;
	cs_buffer_append(&response->body, request->body.data, request->body.size);
}

static const struct cs_http_route routes[] = {
	{ .method = "POST", .path = "/echo", .body_max = 1000, .handler = handle },
};

static void start_patient(int version, int64_t timeout)
{
	struct cs_http_tls pair = { 0 };
	struct cs_error err;
	signal(SIGPIPE, SIG_IGN);
	if (version) {
		ck_assert_int_eq(cs_http_tls_self_signed("a test", NULL, 0, &pair, &err), 0);
		tls = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_min_proto_version(tls, version);
		SSL_CTX_set_max_proto_version(tls, version);
	}
	struct cs_http_options options = { .tls = version ? &pair : NULL,
					   .request_timeout = timeout };
	ck_assert_msg(cs_http_server_create(&options, routes, 1, &server, &err) == 0, "%s",
		      err.text);
	cs_http_tls_finish(&pair);
}

static void start(int version)
{
	start_patient(version, TIMEOUT_MS * CS_MILLISECOND);
}

static void stop(void)
{
	cs_http_server_destroy(server);
	SSL_CTX_free(tls);
}

// ---- a client ----

struct wire {
	int fd;
	SSL *ssl; // NULL = plain
};

// False where a handshake does not end in time.
static bool wire_open(struct wire *ret)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(cs_http_server_port(server)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct wire wire = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct timeval patience = { .tv_sec = PATIENCE / CS_SECOND };
	setsockopt(wire.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(connect(wire.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (tls) {
		wire.ssl = SSL_new(tls);
		SSL_set_fd(wire.ssl, wire.fd);
	}
	*ret = wire;
	return !wire.ssl || SSL_connect(wire.ssl) == 1;
}

static void wire_send(struct wire *wire, const char *data, size_t size)
{
	if (wire->ssl)
		(void)SSL_write(wire->ssl, data, (int)size);
	else
		(void)!send(wire->fd, data, size, MSG_NOSIGNAL);
	ERR_clear_error();
}

// All until the server ends it.
static void wire_receive(struct wire *wire, char *to, size_t max)
{
	size_t size = 0;
	int n;
	do {
		int room = (int)(max - 1 - size);
		n = wire->ssl ? SSL_read(wire->ssl, to + size, room)
			      : (int)recv(wire->fd, to + size, (size_t)room, 0);
		ck_assert_msg(n > 0 || errno != EAGAIN, "the connection stays open");
		size += n > 0 ? (size_t)n : 0;
	} while (n > 0 && size + 1 < max);
	ERR_clear_error();
	to[size] = '\0';
}

static void wire_close(struct wire *wire)
{
	SSL_free(wire->ssl);
	close(wire->fd);
}

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static int64_t now(void)
{
	struct cs_clock clock = cs_clock_system();
	return cs_clock_now(&clock).boot;
}

// ---- what they are told ----

#define HEAD "POST /echo HTTP/1.1\r\nHost: x\r\n"

static bool is_overdue_answer(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	unsigned length = 0;
	const char *header = strstr(answer, "\r\nContent-Length: ");
	return cs_string_prefix(answer, "HTTP/1.1 408 Request Timeout\r\n") && body && header &&
	       strstr(answer, "\r\nConnection: close\r\n") &&
	       sscanf(header, "\r\nContent-Length: %u\r\n", &length) == 1 &&
	       strlen(body + 4) == length;
}

START_TEST(test_told)
{
	static const struct {
		const char *begin;
		const char *more; // sent every 20 ms; NULL = silence
		bool told;
	} cases[] = {
		{ HEAD "X-Slow: ", "x", true },
		{ HEAD "X-Slow: ", NULL, true },
		{ HEAD "Content-Length: 900\r\n\r\n", "x", true },
		{ HEAD "Content-Length: 900\r\n\r\nabc", NULL, true },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", true },
		{ HEAD "Content-Length: 3\r\n\r\nabc" HEAD "Content-Length: 3\r\n\r\nab", NULL,
		  true },
		{ "POST /ech", "o", false },
		{ "", NULL, false },
	};
	struct wire wires[CS_ARRAY_LENGTH(cases)];
	bool ended[CS_ARRAY_LENGTH(cases)] = { false };
	size_t left = CS_ARRAY_LENGTH(cases);
	start(versions[_i]);
	int64_t begin = now();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		ck_assert(wire_open(&wires[i]));
		wire_send(&wires[i], cases[i].begin, strlen(cases[i].begin));
	}
	for (; left > 0; sleep_ms(20))
		for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
			struct pollfd end = { .fd = wires[i].fd, .events = POLLRDHUP };
			if (ended[i])
				continue;
			ck_assert_int_lt(now() - begin, PATIENCE);
			ended[i] = poll(&end, 1, 0) == 1;
			left -= ended[i];
			if (ended[i])
				ck_assert_int_ge(now() - begin, TIMEOUT_MS * CS_MILLISECOND);
			else if (cases[i].more)
				wire_send(&wires[i], cases[i].more, strlen(cases[i].more));
		}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		char answer[2000];
		wire_receive(&wires[i], answer, sizeof(answer));
		wire_close(&wires[i]);
		bool second = strstr(answer, "HTTP/1.1 200 ") != NULL;
		const char *last = second ? strstr(answer, "abc") + 3 : answer;
		ck_assert_msg(cases[i].told ? is_overdue_answer(last) : *answer == '\0',
			      "case %zu: %s", i, answer);
	}
	stop();
}
END_TEST

// Who ends its side before its request is whole is not waited for until the deadline; whose request
// is whole then is answered.
START_TEST(test_half_closed)
{
	static const struct {
		const char *sent;
		bool answered;
	} cases[] = {
		{ HEAD "X-Slow: ", false },
		{ HEAD, false },
		{ "POST /ech", false },
		{ HEAD "Content-Length: 3\r\n\r\na", false },
		{ HEAD "Content-Length: 3\r\n\r\nabc", true },
		{ HEAD "Content-Length: 3\r\n\r\nabc" HEAD, true },
	};
	struct wire wires[CS_ARRAY_LENGTH(cases)];
	start_patient(versions[_i], 300 * CS_SECOND);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		ck_assert(wire_open(&wires[i]));
		wire_send(&wires[i], cases[i].sent, strlen(cases[i].sent));
		shutdown(wires[i].fd, SHUT_WR);
	}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		char answer[2000];
		wire_receive(&wires[i], answer, sizeof(answer));
		wire_close(&wires[i]);
		ck_assert_msg(cases[i].answered == cs_string_prefix(answer, "HTTP/1.1 200 "),
			      "case %zu: %s", i, answer);
	}
	stop();
}
END_TEST

// Who sends without a pause, so that the end comes in the middle of a record, is told once.
START_TEST(test_flood)
{
	static char chunk[0x4000 + 16];
	char answer[4000];
	snprintf(chunk, sizeof(chunk), "4000\r\n%*s\r\n", 0x4000, "x");
	start(versions[_i]);
	struct wire wire;
	int64_t begin = now();
	ck_assert(wire_open(&wire));
	wire_send(&wire, HEAD "Transfer-Encoding: chunked\r\n\r\n",
		  strlen(HEAD "Transfer-Encoding: chunked\r\n\r\n"));
	struct pollfd end = { .fd = wire.fd, .events = POLLRDHUP };
	while (poll(&end, 1, 0) == 0 && now() - begin < PATIENCE)
		wire_send(&wire, chunk, strlen(chunk));
	ck_assert_int_ge(now() - begin, TIMEOUT_MS * CS_MILLISECOND);
	ck_assert_int_lt(now() - begin, PATIENCE);
	wire_receive(&wire, answer, sizeof(answer));
	wire_close(&wire);
	// It may be lost with the connection.
	ck_assert_msg(*answer == '\0' || is_overdue_answer(answer), "%s", answer);
	stop();
}
END_TEST

// ---- requests that become whole at the last moment ----

#define RACERS 40

struct racer {
	pthread_t thread;
	int number;
	bool whole, told, cut;
};

static void *race(void *user)
{
	struct racer *racer = user;
	static const char almost[] = HEAD "Content-Length: 3\r\nConnection: close\r\n\r\nab";
	char answer[2000] = "";
	struct wire wire;
	if (wire_open(&wire)) {
		wire_send(&wire, almost, strlen(almost));
		sleep_ms(TIMEOUT_MS - 10 + racer->number * 4);
		wire_send(&wire, "c", 1);
		wire_receive(&wire, answer, sizeof(answer));
	}
	wire_close(&wire);
	racer->told = is_overdue_answer(answer);
	racer->whole = cs_string_prefix(answer, "HTTP/1.1 200 ") && strstr(answer, "\r\n\r\nabc");
	racer->cut = *answer == '\0';
	return NULL;
}

// One answer, whole, or the other, or none: never a mixture.
START_TEST(test_last_moment)
{
	struct racer racers[RACERS] = { 0 };
	int whole = 0, told = 0, cut = 0;
	start(versions[_i]);
	for (int i = 0; i < RACERS; i++) {
		racers[i].number = i;
		ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		whole += racers[i].whole;
		told += racers[i].told;
		cut += racers[i].cut;
	}
	// Which of them it is, is the machine's to say; test_told holds who is told.
	ck_assert_msg(whole + told + cut == RACERS, "%d whole, %d told, %d cut", whole, told, cut);
	stop();
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("overdue requests");
	TCase *tests = tcase_create("overdue");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_told, 0, CS_ARRAY_LENGTH(versions));
	tcase_add_loop_test(tests, test_half_closed, 0, CS_ARRAY_LENGTH(versions));
	tcase_add_loop_test(tests, test_flood, 0, CS_ARRAY_LENGTH(versions));
	tcase_add_loop_test(tests, test_last_moment, 0, CS_ARRAY_LENGTH(versions));
	suite_add_tcase(suite, tests);
	return suite;
}
