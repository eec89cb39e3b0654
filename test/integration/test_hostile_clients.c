// Clients that drip, leave halfway, send too much, nonsense or thousands of connections to what
// c-sched serves. Meanwhile a good client is answered in time on each listener, and memory stays
// flat. Neighbours: unit/http for each limit alone; test_hostile.c for a hostile server.
#include "../unit/check_main.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csched/base/memory.h>

#include "../unit/http/authority.h"
#include "harness.h"

// Seconds in which a good client is answered: on a machine with time to spare a small part of one,
// but behind bad clients, whose time is 30 s, longer than this.
#define DEADLINE    20.0
#define RECEIVE_MAX 40 // seconds that any client here waits for bytes
#define GOOD        "127.0.0.1"
#define BAD         "127.0.0.2" // limits are per address

static struct {
	struct harness_process *scheduler;
	int ports[2]; // secure serving, extender
	struct authority *clients;
	struct cs_http_tls caller; // whom the extender answers
	SSL_CTX *tls;
} world;

enum { SERVING, EXTENDER };

static const char health_request[] =
	"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#define POD "\"Pod\":{\"metadata\":{\"name\":\"p\",\"namespace\":\"default\",\"uid\":\"u\"}}"
static const char call[] = "{" POD ",\"NodeNames\":[\"n1\",\"n2\"]}";

// ---- connections ----

struct wire {
	int fd;
	SSL *ssl;
};

static void wire_close(struct wire *wire)
{
	SSL_free(wire->ssl);
	if (wire->fd >= 0)
		close(wire->fd);
	*wire = (struct wire){ .fd = -1 };
}

static int dial(int port, const char *from)
{
	struct sockaddr_in here = { .sin_family = AF_INET }, there = here;
	struct timeval patience = { .tv_sec = RECEIVE_MAX };
	inet_pton(AF_INET, from, &here.sin_addr);
	inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
	there.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0 &&
	    connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void show_certificate(SSL *ssl, const struct cs_http_tls *tls)
{
	BIO *bio = BIO_new_mem_buf(tls->certificate, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	bio = BIO_new_mem_buf(tls->key, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ck_assert_int_eq(SSL_use_certificate(ssl, certificate), 1);
	ck_assert_int_eq(SSL_use_PrivateKey(ssl, key), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

// False where the server will not have it.
static bool wire_open(struct wire *wire, int port, const char *from,
		      const struct cs_http_tls *certificate)
{
	*wire = (struct wire){ .fd = dial(port, from) };
	if (wire->fd < 0)
		return false;
	wire->ssl = SSL_new(world.tls);
	if (certificate)
		show_certificate(wire->ssl, certificate);
	SSL_set_fd(wire->ssl, wire->fd);
	if (SSL_connect(wire->ssl) == 1)
		return true;
	ERR_clear_error();
	wire_close(wire);
	return false;
}

static bool wire_send(struct wire *wire, const char *data, size_t size)
{
	bool sent = SSL_write(wire->ssl, data, (int)size) == (int)size;
	ERR_clear_error();
	return sent;
}

// Everything until the server closes or says nothing more, or `max` bytes.
static void wire_receive(struct wire *wire, char *to, size_t max)
{
	size_t size = 0;
	int n;
	while (size + 1 < max && (n = SSL_read(wire->ssl, to + size, (int)(max - 1 - size))) > 0)
		size += (size_t)n;
	ERR_clear_error();
	to[size] = '\0';
}

// The status of an answer, 0 = none.
static int status_of(const char *answer)
{
	int status = 0;
	return sscanf(answer, "HTTP/1.1 %d ", &status) == 1 ? status : 0;
}

static char *post(const char *path, const char *body)
{
	return cs_asprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			   path, strlen(body), body);
}

// One request on a connection of its own: the status, 0 without an answer.
static int ask(int port, const char *from, const struct cs_http_tls *certificate,
	       const char *request)
{
	struct wire wire;
	char answer[4096] = "";
	if (!wire_open(&wire, port, from, certificate))
		return 0;
	(void)wire_send(&wire, request, strlen(request));
	wire_receive(&wire, answer, sizeof(answer));
	wire_close(&wire);
	return status_of(answer);
}

// ---- the good client ----

struct good {
	pthread_t thread;
	int which;
	char *request;
	atomic_bool stop;
	int count;
	int failures;
	double worst;
};

static void *run_good(void *user)
{
	struct good *good = user;
	const struct cs_http_tls *certificate = good->which == EXTENDER ? &world.caller : NULL;
	while (!atomic_load(&good->stop)) {
		double begin = harness_now();
		int status = ask(world.ports[good->which], GOOD, certificate, good->request);
		double time = harness_now() - begin;
		good->count++;
		good->failures += status != 200;
		good->worst = time > good->worst ? time : good->worst;
		harness_sleep(0.05);
	}
	return NULL;
}

static struct good good_clients[2];

static void start_good(void)
{
	for (int i = 0; i < 2; i++) {
		struct good *good = &good_clients[i];
		*good = (struct good){ .which = i };
		good->request =
			i == SERVING ? cs_strdup(health_request) : post("/prioritize", call);
		ck_assert_int_eq(pthread_create(&good->thread, NULL, run_good, good), 0);
	}
}

static void check_good(void)
{
	for (int i = 0; i < 2; i++) {
		struct good *good = &good_clients[i];
		atomic_store(&good->stop, true);
		pthread_join(good->thread, NULL);
		free(good->request);
		ck_assert_msg(good->count > 3 && good->failures == 0 && good->worst < DEADLINE,
			      "listener %d: %d requests, %d failed, the slowest took %.2f s", i,
			      good->count, good->failures, good->worst);
	}
	ck_assert(harness_is_running(world.scheduler));
}

static long resident_kib(void)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)world.scheduler->pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

// ---- the world ----

static void issue(const char *common_name, const char *usage, struct cs_http_tls *ret)
{
	authority_issue(world.clients,
			&(struct issued){ .common_name = common_name,
					  .names = "IP:127.0.0.1",
					  .usage = usage,
					  .begins = -60,
					  .ends = 3600 },
			ret);
}

static void start_scheduler(const struct harness_process *kubesim)
{
	const char *ca = harness_path("ca.crt"), *crt = harness_path("tls.crt");
	const char *key = harness_path("tls.key");
	struct cs_http_tls own;
	char flags[6][512];
	issue("c-sched", "serverAuth", &own);
	harness_write_file(ca, authority_certificate(world.clients));
	harness_write_file(crt, own.certificate);
	harness_write_file(key, own.key);
	cs_http_tls_finish(&own);
	world.ports[EXTENDER] = harness_port();
	snprintf(flags[0], sizeof(flags[0]), "--client-ca-file=%s", ca);
	snprintf(flags[1], sizeof(flags[1]), "--extender-port=%d", world.ports[EXTENDER]);
	snprintf(flags[2], sizeof(flags[2]), "--extender-tls-cert-file=%s", crt);
	snprintf(flags[3], sizeof(flags[3]), "--extender-tls-key-file=%s", key);
	snprintf(flags[4], sizeof(flags[4]), "--extender-client-ca-file=%s", ca);
	snprintf(flags[5], sizeof(flags[5]), "--extender-allowed-names=kube-scheduler");
	world.scheduler = HARNESS_C_SCHED(kubesim, flags[0], flags[1], flags[2], flags[3], flags[4],
					  flags[5]);
	world.ports[SERVING] = world.scheduler->port;
}

static void setup(void)
{
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	harness_setup();
	world.tls = SSL_CTX_new(TLS_client_method());
	world.clients = authority_create("clients");
	issue("kube-scheduler", "clientAuth", &world.caller);
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=0");
	harness_create_node(kubesim, "n1", "4");
	harness_create_node(kubesim, "n2", "4");
	start_scheduler(kubesim);
	double end = harness_now() + HARNESS_PATIENCE;
	while (ask(world.ports[EXTENDER], GOOD, NULL,
		   "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") != 200) {
		ck_assert_msg(harness_now() < end, "the extender is not ready");
		harness_sleep(0.05);
	}
}

static void teardown(void)
{
	authority_destroy(world.clients);
	cs_http_tls_finish(&world.caller);
	SSL_CTX_free(world.tls);
	harness_teardown();
}

// ---- who it is ----

START_TEST(test_certificates)
{
	static const struct {
		bool foreign;
		struct issued what;
		int serving, extender;
	} cases[] = {
		{ false,
		  { .common_name = "kube-scheduler", .begins = -60, .ends = 600 },
		  200,
		  200 },
		{ false, { .common_name = "somebody", .begins = -60, .ends = 600 }, 200, 403 },
		{ false, { .common_name = "kube-scheduler", .begins = -60, .ends = -1 }, 401, 401 },
		{ true, { .common_name = "kube-scheduler", .begins = -60, .ends = 600 }, 401, 401 },
		{ false,
		  { .common_name = "kube-scheduler",
		    .usage = "serverAuth",
		    .begins = -60,
		    .ends = 600 },
		  401,
		  401 },
	};
	CS_AUTO_FREE char *prioritize = post("/prioritize", call);
	struct authority *foreign = authority_create("clients");
	start_good();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		struct cs_http_tls tls;
		authority_issue(cases[i].foreign ? foreign : world.clients, &cases[i].what, &tls);
		int serving = ask(world.ports[SERVING], BAD, &tls, health_request);
		int extender = ask(world.ports[EXTENDER], BAD, &tls, prioritize);
		ck_assert_msg(serving == cases[i].serving && extender == cases[i].extender,
			      "case %zu: %d and %d", i, serving, extender);
		cs_http_tls_finish(&tls);
	}
	ck_assert_int_eq(ask(world.ports[SERVING], BAD, NULL, health_request), 200);
	ck_assert_int_eq(ask(world.ports[EXTENDER], BAD, NULL, prioritize), 401);
	authority_destroy(foreign);
	check_good();
}
END_TEST

// ---- slow ones ----

#define DRIPPING   30   // connections of each kind
#define CUT_WITHIN 90.0 // seconds: the server's limits are 30 s and less

struct drip {
	struct wire wire;
	const char *text; // sent at once; then a byte at a time
	int status;       // it is answered with when its time is over, 0 = not at all
	bool cut;
};

static void drip_one(struct drip *drip)
{
	struct pollfd gone = { .fd = drip->wire.fd, .events = POLLRDHUP };
	ssize_t n = 1;
	if (drip->wire.ssl)
		n = wire_send(&drip->wire, "a", 1) ? 1 : -1;
	else
		n = send(drip->wire.fd, "\x16", 1, MSG_NOSIGNAL);
	drip->cut = n < 1 || (poll(&gone, 1, 0) > 0);
}

static void check_drip(struct drip *drip)
{
	char answer[4096] = "";
	if (drip->wire.ssl)
		wire_receive(&drip->wire, answer, sizeof(answer));
	ck_assert_msg(status_of(answer) == drip->status, "to %s came %s", drip->text, answer);
	wire_close(&drip->wire);
}

START_TEST(test_dripping)
{
	static const struct {
		const char *text;
		int status[2]; // by listener
	} kinds[] = {
		{ "GET /healthz HTTP/1.1\r\nX-Long: ", { 408, 408 } },
		{ "POST /prioritize HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
		  { 405, 408 } },
		{ NULL, { 0, 0 } }, // not even a handshake
	};
	static struct drip drips[2 * 3 * DRIPPING];
	size_t n = 0, left;
	start_good();
	for (int which = 0; which < 2; which++)
		for (size_t kind = 0; kind < CS_ARRAY_LENGTH(kinds); kind++)
			for (int i = 0; i < DRIPPING; i++) {
				struct drip *drip = &drips[n++];
				int port = world.ports[which];
				drip->text = kinds[kind].text;
				drip->status = kinds[kind].status[which];
				if (!drip->text)
					drip->wire.fd = dial(port, BAD);
				else if (wire_open(&drip->wire, port, BAD,
						   which == EXTENDER ? &world.caller : NULL))
					wire_send(&drip->wire, drip->text, strlen(drip->text));
				ck_assert_int_ge(drip->wire.fd, 0);
			}
	double begin = harness_now();
	do {
		left = 0;
		for (size_t i = 0; i < n; i++) {
			if (!drips[i].cut)
				drip_one(&drips[i]);
			left += !drips[i].cut;
		}
		harness_sleep(0.2);
	} while (left > 0 && harness_now() - begin < CUT_WITHIN);
	ck_assert_msg(left == 0, "%zu of %zu still drip after %.0f s", left, n, CUT_WITHIN);
	for (size_t i = 0; i < n; i++)
		check_drip(&drips[i]);
	check_good();
}
END_TEST

// ---- thousands ----

#define THOUSANDS 5000

START_TEST(test_thousands_of_connections)
{
	static int fds[THOUSANDS];
	int open = 0;
	start_good();
	for (int i = 0; i < THOUSANDS; i++) {
		fds[i] = dial(world.ports[i % 2], BAD);
		open += fds[i] >= 0;
	}
	ck_assert_msg(open > THOUSANDS / 2, "%d connections", open);
	harness_sleep(3);
	check_good();
	for (int i = 0; i < THOUSANDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
END_TEST

// ---- too much, and nonsense ----

#define HUGE (100u << 20)

static void send_huge(int which, bool chunked)
{
	static const char spaces[65536] = { 0 };
	struct wire wire;
	char answer[4096] = "";
	CS_AUTO_FREE char *head =
		chunked ? cs_strdup("POST /prioritize HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n")
			: cs_asprintf("POST /prioritize HTTP/1.1\r\nHost: x\r\nConnection: "
				      "close\r\nContent-Length: %u\r\n\r\n",
				      HUGE);
	if (!wire_open(&wire, world.ports[which], BAD, which == EXTENDER ? &world.caller : NULL))
		return;
	bool going = wire_send(&wire, head, strlen(head));
	for (size_t sent = 0; going && sent < HUGE; sent += sizeof(spaces)) {
		if (chunked)
			going = wire_send(&wire, "10000\r\n", 7);
		going = going && wire_send(&wire, spaces, sizeof(spaces));
		if (chunked)
			going = going && wire_send(&wire, "\r\n", 2);
	}
	if (going && chunked)
		(void)wire_send(&wire, "0\r\n\r\n", 5);
	wire_receive(&wire, answer, sizeof(answer));
	int status = status_of(answer);
	// Where it was cut in the middle, the answer may be lost with the connection; 408 is for a
	// machine that does not get so much through in time.
	ck_assert_msg(status == 413 || status == 405 || status == 408 || status == 0, "%s", answer);
	wire_close(&wire);
}

static void leave_halfway(int which)
{
	static const char *const halves[] = {
		"",
		"GET /heal",
		"GET /healthz HTTP/1.1\r\nHo",
		"POST /prioritize HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"Pod\":",
		"POST /prioritize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(halves); i++) {
		struct wire wire;
		if (!wire_open(&wire, world.ports[which], BAD,
			       which == EXTENDER ? &world.caller : NULL))
			continue;
		(void)wire_send(&wire, halves[i], strlen(halves[i]));
		if (i % 2)
			shutdown(wire.fd, SHUT_WR);
		wire_close(&wire);
	}
}

static void pipeline(int which)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	struct wire wire;
	char answer[65536] = "";
	int count = 0;
	ck_assert(wire_open(&wire, world.ports[which], BAD, NULL));
	for (int i = 0; i < 200; i++)
		ck_assert(wire_send(&wire, request, strlen(request)));
	ck_assert(wire_send(&wire, health_request, strlen(health_request)));
	wire_receive(&wire, answer, sizeof(answer));
	for (const char *at = answer; (at = strstr(at, "HTTP/1.1 200 ")); at++)
		count++;
	ck_assert_int_eq(count, 201);
	wire_close(&wire);
}

static char *nested(char open, char close)
{
	size_t depth = 100000;
	char *text = cs_alloc(2 * depth + 1);
	memset(text, open, depth);
	memset(text + depth, close, depth);
	return text;
}

static void send_nonsense(void)
{
	CS_AUTO_FREE char *arrays = nested('[', ']');
	CS_AUTO_FREE char *deep = cs_asprintf("{\"Pod\":%s}", arrays);
	CS_AUTO_FREE char *nodes = cs_asprintf("{" POD ",\"Nodes\":{\"items\":%s}}", arrays);
	const char *const bodies[] = {
		"",
		"{",
		"[]",
		"null",
		"{\"Pod\":null,\"NodeNames\":[null]}",
		arrays,
		deep,
		nodes,
		"{" POD ",\"NodeNames\":[\"\xff\xfe\"]}",
		"{\"Pod\":{\"metadata\":{\"name\":\"\xc0\x80\"}}}",
		"{" POD ",\"NodeNames\":[\"n1\"]} trailing",
		"{" POD ",\"Nodes\":{\"items\":[{\"metadata\":{\"name\":1e999}}]}}",
	};
	static const char *const paths[] = { "/filter", "/prioritize", "/preempt", "/bind" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(bodies); i++)
		for (size_t j = 0; j < CS_ARRAY_LENGTH(paths); j++) {
			CS_AUTO_FREE char *request = post(paths[j], bodies[i]);
			int status = ask(world.ports[EXTENDER], BAD, &world.caller, request);
			ck_assert_msg(status == 200 || status == 400 || status == 404,
				      "%s %.60s: %d", paths[j], bodies[i], status);
		}
	static const char *const heads[] = {
		"\r\n\r\n\r\n",
		"\x16\x03\x01",
		"GET",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nHost: x\r\n\r\n",
		"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(heads); i++) {
		struct wire wire;
		char answer[1000] = "";
		if (!wire_open(&wire, world.ports[i % 2], BAD, NULL))
			continue;
		(void)wire_send(&wire, heads[i], strlen(heads[i]));
		(void)SSL_shutdown(wire.ssl);
		shutdown(wire.fd, SHUT_WR);
		wire_receive(&wire, answer, sizeof(answer));
		ck_assert_msg(status_of(answer) / 100 != 2, "%s: %s", heads[i], answer);
		wire_close(&wire);
	}
}

static void round_of_all(void)
{
	for (int which = 0; which < 2; which++) {
		leave_halfway(which);
		pipeline(which);
		send_huge(which, false);
		send_huge(which, true);
	}
	send_nonsense();
}

// Sanitizers keep what was freed, up to 256 MiB of it, and account for more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROOM_KIB (400 << 10)
#else
#define ROOM_KIB (60 << 10)
#endif

START_TEST(test_too_much_and_nonsense)
{
	start_good();
	round_of_all();
	long before = resident_kib();
	for (int i = 0; i < 3; i++)
		round_of_all();
	long after = resident_kib();
	check_good();
	ck_assert_msg(after - before < ROOM_KIB, "%ld KiB, then %ld KiB", before, after);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("hostile clients");
	TCase *tcase = tcase_create("hostile clients");
	tcase_set_timeout(tcase, 180);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_certificates);
	tcase_add_test(tcase, test_dripping);
	tcase_add_test(tcase, test_thousands_of_connections);
	tcase_add_test(tcase, test_too_much_and_nonsense);
	suite_add_tcase(suite, tcase);
	return suite;
}
