// Who may read what: over a server, with verdicts that the test gives.
// Neighbours: daemon/access.c; client/test_review.c for the API server's part.
#include "../check_main.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>

#include "daemon/access.h"

static struct {
	pthread_mutex_t lock;
	struct cs_message_review *review;
	bool closed; // takes no question
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool take_review(void *user, struct cs_message_review *review)
{
	(void)user;
	pthread_mutex_lock(&shared.lock);
	bool closed = shared.closed;
	if (!closed)
		shared.review = review;
	pthread_mutex_unlock(&shared.lock);
	return !closed;
}

static struct cs_message_review *wait_review(void)
{
	for (int i = 0; i < 30000; i++) {
		pthread_mutex_lock(&shared.lock);
		struct cs_message_review *review = CS_TAKE(shared.review);
		pthread_mutex_unlock(&shared.lock);
		if (review)
			return review;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	ck_abort_msg("nobody was asked");
}

static const struct cs_proxy_names proxies = {
	.allowed = "front-proxy, other-proxy",
	.user_headers = "x-remote-user,X-Second-User",
	.uid_headers = "X-Remote-Uid",
	.group_headers = "x-remote-group,x-more-groups",
	.extra_prefixes = "x-remote-extra-",
};

static struct cs_access access_ = { .open_paths = "/healthz,/open/*", .review = take_review };
static const struct cs_http_identity *identity; // whose certificate the next client shows
static const char *refusal;                     // why it is not good

static void handle(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	request->identity = identity;
	request->refusal = refusal;
	if (request->retried || cs_access_is_free(&access_, request))
		cs_buffer_append_string(&response->body, "served");
	else
		cs_access_ask(&access_, request, response, user == NULL);
}

static int unknown;
static const struct cs_http_route routes[] = {
	{ .path = "/nowhere", .handler = handle, .user = &unknown },
	{ .path = "/", .prefix = true, .handler = handle },
};

static struct cs_http_server *server;

static void setup(void)
{
	struct cs_error err;
	shared.closed = false;
	identity = NULL;
	refusal = NULL;
	access_.loopback = false;
	access_.proxies = cs_proxies_create(&proxies);
	ck_assert_int_eq(cs_http_server_create(&(struct cs_http_options){ 0 }, routes,
					       CS_ARRAY_LENGTH(routes), &server, &err),
			 0);
}

static void teardown(void)
{
	cs_http_server_destroy(server);
	cs_proxies_destroy(access_.proxies);
}

static int send_request(const char *method, const char *path, const char *headers)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(cs_http_server_port(server)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CS_AUTO_FREE char *text = cs_asprintf(
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, headers);
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	return fd;
}

static void expect_answer(int fd, int status, const char *end)
{
	struct cs_buffer in;
	char part[4096];
	ssize_t n;
	cs_buffer_init(&in, 1u << 20);
	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		cs_buffer_append(&in, part, (size_t)n);
	close(fd);
	CS_AUTO_FREE char *first = cs_asprintf("HTTP/1.1 %d ", status);
	ck_assert_msg(cs_string_prefix(in.data, first), "%s", in.data);
	ck_assert_msg(in.size >= strlen(end) && !strcmp(in.data + in.size - strlen(end), end),
		      "not %s: %s", end, in.data);
	cs_buffer_finish(&in);
}

static void answer(struct cs_message_review *review, enum cs_review_outcome outcome,
		   const char *user, const char *message)
{
	cs_access_answer(review, &(struct cs_review_result){
					 .outcome = outcome, .user = user, .message = message });
	cs_message_free_client(&review->message);
}

// As the API server words it.
#define FORBIDDEN(message)                                                                   \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\"," \
	"\"message\":\"forbidden: " message                                                  \
	"\",\"reason\":\"Forbidden\",\"details\":{},\"code\":403}"

START_TEST(test_anonymous)
{
	int fd = send_request("GET", "/metrics", "");
	struct cs_message_review *review = wait_review();
	ck_assert_ptr_null(review->token);
	ck_assert_str_eq(review->user, "system:anonymous");
	ck_assert_uint_eq(review->n_groups, 1);
	ck_assert_str_eq(review->groups[0], "system:unauthenticated");
	ck_assert_str_eq(review->verb, "get");
	ck_assert_str_eq(review->path, "/metrics");
	answer(review, CS_REVIEW_DENIED, "system:anonymous", "");
	expect_answer(fd, 403,
		      FORBIDDEN("User \\\"system:anonymous\\\" cannot get path \\\"/metrics\\\""));

	fd = send_request("GET", "/metrics", "");
	answer(wait_review(), CS_REVIEW_ALLOWED, "system:anonymous", "");
	expect_answer(fd, 200, "served");
	expect_answer(send_request("GET", "/healthz", ""), 200, "served");
	expect_answer(send_request("GET", "/open/all/below", ""), 200, "served");
	ck_assert_ptr_null(shared.review);
}
END_TEST

START_TEST(test_tokens)
{
	int fd = send_request("HEAD", "/x", "Authorization: bEARER  a.b-c  \r\n");
	struct cs_message_review *review = wait_review();
	ck_assert_ptr_null(review->token); // two blanks: no token
	answer(review, CS_REVIEW_DENIED, "system:anonymous", "");
	close(fd);

	fd = send_request("POST", "/x%3Cy", "Authorization: bEARER a.b-c\r\nContent-Length: 0\r\n");
	review = wait_review();
	ck_assert_str_eq(review->token, "a.b-c");
	ck_assert_ptr_null(review->user);
	ck_assert_str_eq(review->verb, "post");
	answer(review, CS_REVIEW_DENIED, "o\"neil", "no rule");
	expect_answer(fd, 403,
		      FORBIDDEN("User \\\"o\\\\\\\"neil\\\" cannot post path \\\"/x&lt;y\\\": "
				"no rule"));

	fd = send_request("GET", "/metrics", "Authorization: Bearer x\r\n");
	answer(wait_review(), CS_REVIEW_UNKNOWN, "", "some words for the log");
	expect_answer(fd, 401,
		      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
		      "\"status\":\"Failure\",\"message\":\"Unauthorized\","
		      "\"reason\":\"Unauthorized\",\"code\":401}");

	fd = send_request("GET", "/metrics", "Authorization: Basic eDp5\r\n");
	review = wait_review();
	ck_assert_str_eq(review->user, "system:anonymous");
	answer(review, CS_REVIEW_FAILED, "system:anonymous", "no API server");
	expect_answer(fd, 500, "Internal Server Error: \"/metrics\": no API server\n");
}
END_TEST

// Paths that are nothing cost the API server no question of strangers.
START_TEST(test_unknown_paths)
{
	expect_answer(send_request("GET", "/nowhere", ""), 403,
		      FORBIDDEN("User \\\"system:anonymous\\\" cannot get path \\\"/nowhere\\\""));
	ck_assert_ptr_null(shared.review);
	int fd = send_request("GET", "/nowhere", "Authorization: Bearer x\r\n");
	answer(wait_review(), CS_REVIEW_ALLOWED, "x", "");
	expect_answer(fd, 200, "served");
}
END_TEST

START_TEST(test_nobody_to_ask)
{
	shared.closed = true;
	expect_answer(send_request("GET", "/metrics", ""), 503,
		      "the scheduler is starting or shutting down\n\n");
	shared.closed = false;
	// A question whose answer never comes, as the process ends.
	int fd = send_request("GET", "/metrics", "");
	cs_message_free_client(&wait_review()->message);
	expect_answer(fd, 503, "the scheduler is starting or shutting down\n\n");
}
END_TEST

#define UNAUTHORIZED                                                                         \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\"," \
	"\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}"
#define SPOKEN "X-Remote-User: ann\r\n"

// Who is asked about: "user uid group,group extra", or the token.
static void expect_asked(const char *headers, const char *expected)
{
	CS_AUTO_BUFFER struct cs_buffer who;
	cs_buffer_init(&who, 10000);
	int fd = send_request("GET", "/metrics", headers);
	struct cs_message_review *review = wait_review();
	if (review->token)
		cs_buffer_printf(&who, "token %s", review->token);
	else
		cs_buffer_printf(&who, "%s %s ", review->user, review->uid ? review->uid : "-");
	for (size_t i = 0; i < review->n_groups; i++)
		cs_buffer_printf(&who, "%s%s", i ? "," : "", review->groups[i]);
	if (review->extra)
		cs_buffer_printf(&who, " %s", review->extra);
	answer(review, CS_REVIEW_ALLOWED, "x", "");
	expect_answer(fd, 200, "served");
	ck_assert_str_eq(who.data, expected);
}

START_TEST(test_proxies)
{
	static const struct {
		const char *headers;
		const char *asked;
	} cases[] = {
		{ SPOKEN, "ann - system:authenticated" },
		{ "x-REMOTE-user: ann\r\nX-Second-User: bob\r\n", "ann - system:authenticated" },
		{ "X-Remote-User:\r\nX-Second-User: bob\r\n", "bob - system:authenticated" },
		{ SPOKEN "X-Remote-Uid: 7\r\nX-Remote-Group: a\r\nX-Remote-Group:\r\n"
			 "X-More-Groups: b,c\r\nX-Remote-Group: d\r\nX-Remote-Groups: e\r\n",
		  "ann 7 a,b,c,d,system:authenticated" },
		{ SPOKEN "X-Remote-Group: system:unauthenticated\r\n",
		  "ann - system:unauthenticated" },
		{ "X-Remote-User: system:anonymous\r\n", "system:anonymous - " },
		{ SPOKEN "X-Remote-Extra-Scopes: x\r\nX-Remote-Extra-scopes: y\r\n"
			 "X-Remote-Extra-Acme.com%2FProject: 1\r\nX-Remote-Extra-100%zz: 2\r\n",
		  "ann - system:authenticated "
		  "{\"scopes\":[\"x\",\"y\"],\"acme.com/project\":[\"1\"],\"100%zz\":[\"2\"]}" },
		// Who speaks for somebody is not asked for a token.
		{ SPOKEN "Authorization: Bearer t\r\n", "ann - system:authenticated" },
		{ "Authorization: Bearer t\r\n", "token t" },
	};
	const struct cs_http_identity proxy = { .proxy = true,
						.common_name = cs_strdup("front-proxy") };
	identity = &proxy;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++)
		expect_asked(cases[i].headers, cases[i].asked);
	expect_answer(send_request("GET", "/metrics", ""), 401, UNAUTHORIZED);
	free(proxy.common_name);
}
END_TEST

// Headers are believed of proxies alone, and of those with a right name.
START_TEST(test_not_proxies)
{
	struct cs_http_identity client = { .client = true,
					   .common_name = cs_strdup("front-proxy") };
	struct cs_http_identity stranger = { .proxy = true,
					     .common_name = cs_strdup("front-prox") };
	struct cs_http_identity both = { .client = true,
					 .proxy = true,
					 .common_name = cs_strdup("other") };
	expect_asked(SPOKEN, "system:anonymous - system:unauthenticated");
	identity = &client;
	expect_asked(SPOKEN, "front-proxy - system:authenticated");
	identity = &both;
	expect_asked(SPOKEN, "other - system:authenticated");
	identity = &stranger;
	expect_asked(SPOKEN "Authorization: Bearer t\r\n", "token t");
	expect_answer(send_request("GET", "/metrics", SPOKEN), 401, UNAUTHORIZED);
	free(client.common_name);
	free(stranger.common_name);
	free(both.common_name);
}
END_TEST

// What was looked up counts from the next request on.
START_TEST(test_proxies_of_other_names)
{
	const struct cs_http_identity proxy = { .proxy = true,
						.common_name = cs_strdup("front-proxy") };
	identity = &proxy;
	expect_asked(SPOKEN, "ann - system:authenticated");
	cs_proxies_set(access_.proxies,
		       &(struct cs_proxy_names){ "other", "x-remote-user", "", "", "" });
	expect_answer(send_request("GET", "/metrics", SPOKEN), 401, UNAUTHORIZED);
	cs_proxies_set(access_.proxies, &(struct cs_proxy_names){ "", "X-Who", "", "", "" });
	expect_answer(send_request("GET", "/metrics", SPOKEN), 401, UNAUTHORIZED);
	expect_asked(SPOKEN "X-Who: bob\r\n", "bob - system:authenticated");
	// As long as nothing is known.
	cs_proxies_set(access_.proxies, &(struct cs_proxy_names){ "", "", "", "", "" });
	expect_answer(send_request("GET", "/metrics", SPOKEN "X-Who: bob\r\n"), 401, UNAUTHORIZED);
	free(proxy.common_name);
}
END_TEST

// kube-scheduler tries one way after the other: what a stranger's certificate does not say, its
// token may. With neither it is refused, also where nobody else would be asked.
START_TEST(test_certificates_that_are_not_good)
{
	refusal = "the client certificate has expired";
	expect_asked("Authorization: Bearer t\r\n", "token t");
	static const char *const headers[] = { "", SPOKEN, "Authorization: Basic t\r\n",
					       "Authorization: Bearer \r\n" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(headers); i++) {
		expect_answer(send_request("GET", "/metrics", headers[i]), 401,
			      "the client certificate has expired\n");
		expect_answer(send_request("GET", "/healthz", headers[i]), 401,
			      "the client certificate has expired\n");
	}
}
END_TEST

// It may be a proxy's that has expired: the token is of somebody anywhere.
START_TEST(test_certificates_that_are_not_good_on_this_machine)
{
	access_.loopback = true;
	expect_answer(send_request("GET", "/metrics", "Authorization: Bearer t\r\n"), 200,
		      "served");
	refusal = "the client certificate has expired";
	expect_asked("Authorization: Bearer t\r\n", "token t");
	expect_answer(send_request("GET", "/healthz", "Authorization: Bearer t\r\n"), 200,
		      "served");
}
END_TEST

START_TEST(test_free)
{
	static const struct {
		const char *paths;
		const char *path;
		const char *peer;
		bool loopback;
		bool free;
	} cases[] = {
		{ "/healthz,/readyz,/livez", "/healthz", "10.0.0.1", true, true },
		{ "/healthz,/readyz,/livez", "/livez", "fd00::1", true, true },
		{ "/healthz,/readyz,/livez", "/readyz/ping", "10.0.0.1", true, false },
		{ "/healthz,/readyz,/livez", "/health", "10.0.0.1", true, false },
		{ "/healthz,/readyz,/livez", "", "10.0.0.1", true, false },
		{ "", "/healthz", "10.0.0.1", true, false },
		{ "", "/metrics", "127.0.0.1", true, true },
		{ "", "/metrics", "127.0.0.1", false, false },
		{ "", "/metrics", "::1", true, true },
		{ "", "/metrics", "::ffff:127.0.0.1", true, true },
		{ "", "/metrics", "::ffff:10.0.0.1", true, false },
		{ "", "/metrics", "128.0.0.1", true, false },
		{ "/readyz/*,/metrics", "/readyz/ping", "10.0.0.1", false, true },
		{ "/readyz/*,/metrics", "/metrics", "10.0.0.1", false, true },
		{ "/readyz/*,/metrics", "/readyz", "10.0.0.1", false, false },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		struct cs_access access = { .open_paths = cases[i].paths,
					    .loopback = cases[i].loopback };
		struct cs_http_request request = { .path = cases[i].path, .peer = cases[i].peer };
		ck_assert_msg(cs_access_is_free(&access, &request) == cases[i].free, "case %zu", i);
		// Whom a proxy asks for need not be on this machine.
		struct cs_http_identity who = { .client = true };
		request.identity = &who;
		ck_assert(cs_access_is_free(&access, &request) == cases[i].free);
		who.proxy = true;
		access.loopback = false;
		bool open = cs_access_is_free(&access, &request);
		access.loopback = true;
		ck_assert_msg(cs_access_is_free(&access, &request) == open, "proxy, case %zu", i);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("access");
	TCase *tcase = tcase_create("access");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_anonymous);
	tcase_add_test(tcase, test_tokens);
	tcase_add_test(tcase, test_unknown_paths);
	tcase_add_test(tcase, test_nobody_to_ask);
	tcase_add_test(tcase, test_proxies);
	tcase_add_test(tcase, test_not_proxies);
	tcase_add_test(tcase, test_proxies_of_other_names);
	tcase_add_test(tcase, test_certificates_that_are_not_good);
	tcase_add_test(tcase, test_certificates_that_are_not_good_on_this_machine);
	tcase_add_test(tcase, test_free);
	suite_add_tcase(suite, tcase);
	return suite;
}
