// HTTP requests from any bytes, sent to a listener: what reaches a handler is in bounds and is not
// ambiguous, and the next client is answered.
// Neighbours: lib/http/exchange.c; libmicrohttpd reads the head.
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csched/http/server.h>

#include "fuzz.h"

#define BODY_MAX 512
#define GOOD_ONE \
	"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"

struct lengths {
	int content_length;
	int transfer_encoding;
};

static void count_lengths(void *user, const char *name, const char *value)
{
	struct lengths *lengths = user;
	(void)value;
	lengths->content_length += !strcasecmp(name, "Content-Length");
	lengths->transfer_encoding += !strcasecmp(name, "Transfer-Encoding");
}

static void echo(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	struct lengths lengths = { 0 };
	(void)user;
	REQUIRE(request->path[0] == '/');
	REQUIRE(request->body.size <= BODY_MAX);
	REQUIRE(strlen(request->peer) > 0 && !request->identity && !request->retried);
	cs_http_request_each_header(request, count_lengths, &lengths);
	REQUIRE(lengths.content_length + lengths.transfer_encoding <= 1);
	const char *value = cs_http_request_query(request, "q");
	REQUIRE(!value || strlen(value) <= BODY_MAX * 100);
	cs_buffer_append(&response->body, request->body.data, request->body.size);
}

static const struct cs_http_route routes[] = {
	{ .method = "POST", .path = "/echo", .body_max = BODY_MAX, .handler = echo },
	{ .method = "POST", .path = "/filter", .body_max = BODY_MAX, .handler = echo },
	{ .method = "GET", .path = "/", .prefix = true, .handler = echo },
};

// A client address for every few thousand connections: a port of the client that comes round again
// would meet what TCP still remembers of the one before.
static struct in_addr client_address(void)
{
	static uint32_t connections;
	return (struct in_addr){ htonl(INADDR_LOOPBACK + 1 + connections++ / 4096) };
}

static int dial(uint16_t port, int patience_ms)
{
	struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = client_address() };
	struct timeval patience = { .tv_sec = patience_ms / 1000,
				    .tv_usec = patience_ms % 1000 * 1000 };
	there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof(int));
	REQUIRE(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0);
	REQUIRE(connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

// Sends all of it; then the beginning of what comes until the server closes or says nothing more.
static void exchange(int fd, const void *data, size_t size, char *answer, size_t max)
{
	static const struct linger at_once = { .l_onoff = 1 };
	char more[4096];
	size_t used = 0;
	ssize_t n;
	(void)!send(fd, data, size, MSG_NOSIGNAL); // the server may refuse before it has all
	while ((n = recv(fd, more, sizeof(more), 0)) > 0)
		for (ssize_t i = 0; i < n && used + 1 < max; i++)
			answer[used++] = more[i];
	answer[used] = '\0';
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); // it is told by a reset
	close(fd);
}

static uint16_t start(void)
{
	struct cs_http_options options = { .connections = 100 };
	struct cs_http_server *server = NULL; // until the process ends
	struct cs_error err;
	sigset_t alarm;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	REQUIRE(sigprocmask(SIG_BLOCK, &alarm, NULL) == 0); // the fuzzer's would cut calls short
	REQUIRE(cs_http_server_create(&options, routes, sizeof(routes) / sizeof(routes[0]), &server,
				      &err) == 0);
	return cs_http_server_port(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint16_t port;
	char answer[1024];
	if (!port)
		port = start();
	exchange(dial(port, 4), data, size, answer, sizeof(answer));
	REQUIRE(!*answer || !strncmp(answer, "HTTP/1.1 ", 9) || !strncmp(answer, "HTTP/1.0 ", 9));
	exchange(dial(port, 50000), GOOD_ONE, strlen(GOOD_ONE), answer, sizeof(answer));
	REQUIRE(!strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) && strstr(answer, "\r\n\r\nhello"));
	return 0;
}
