// The curl transport against a real socket: what goes over the wire and how calls end.
// Neighbours: server.c answers on a thread of its own; HTTP/2 is the end-to-end tests' business.
#include "../check_main.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/transport.h>

#include "files.h"
#include "server.h"

static struct server *server;
static struct cs_endpoint endpoint;
static struct cs_credentials *credentials;
static struct cs_transport *transport;
static struct cs_metrics *metrics;
static struct cs_clock real_clock;
static atomic_uint streams_go; // how many pieces a stream may send

// ---- the server's side ----

static void stream(const struct server_request *request)
{
	server_send(request->connection,
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		    "Content-Type: application/vnd.kubernetes.protobuf;stream=watch\r\n\r\n");
	for (unsigned i = 0; i < 5; i++) {
		for (int k = 0; k < 10000 && atomic_load(&streams_go) <= i; k++)
			poll(NULL, 0, 5);
		server_send(request->connection, "6\r\npiece%u\r\n", i);
	}
	server_send(request->connection, "0\r\n\r\n");
}

static bool on_request(const struct server_request *r)
{
	int status;
	if (sscanf(r->path, "/status/%d", &status) == 1) {
		server_answer(r->connection, status, "Retry-After: 7\r\n", "body");
	} else if (cs_string_prefix(r->path, "/echo")) {
		CS_AUTO_FREE char *all = cs_asprintf("%s|%s", r->head, r->body);
		server_answer(r->connection, 200, "", all);
	} else if (strcmp(r->path, "/protobuf") == 0) {
		server_answer(r->connection, 200,
			      "Content-Type: application/vnd.kubernetes.protobuf\r\n", "x");
	} else if (strcmp(r->path, "/secret") == 0) {
		bool ok = strstr(r->head, "Authorization: Bearer second") != NULL;
		server_answer(r->connection, ok ? 200 : 401, "", ok ? "in" : "out");
	} else if (strcmp(r->path, "/big") == 0) {
		CS_AUTO_FREE char *body = cs_alloc(100001);
		memset(body, 'x', 100000);
		server_answer(r->connection, 200, "", body);
	} else if (strcmp(r->path, "/silent") == 0) {
		return true;
	} else if (strcmp(r->path, "/cut") == 0) {
		server_send(r->connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
		return false;
	} else if (strcmp(r->path, "/stream") == 0) {
		stream(r);
	} else if (strcmp(r->path, "/slow-error") == 0) {
		server_send(r->connection, "HTTP/1.1 500 X\r\nContent-Length: 6\r\n\r\nabc");
		poll(NULL, 0, 50);
		server_send(r->connection, "def");
	} else if (strcmp(r->path, "/connection") == 0) {
		char number[16];
		snprintf(number, sizeof(number), "%u", server_connection_number(r->connection));
		server_answer(r->connection, 200, "", number);
	} else if (strcmp(r->path, "/redirect") == 0) {
		server_answer(r->connection, 302, "Location: /echo\r\n", "");
	} else {
		return false; // closes without a word
	}
	return true;
}

// ---- ours ----

struct result {
	bool over;
	int status;
	int error;
	int64_t retry_after;
	bool protobuf;
	bool refused;
	char body[131072];
	char message[512];
	char streamed[256];
	unsigned pieces; // calls of data
	bool cancel;     // in the next data callback
	bool leave;      // data consumes nothing
	struct cs_transport_call *call;
};

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct result *result = user;
	(void)now;
	ck_assert(!result->over);
	result->over = true;
	result->status = response->status;
	result->error = response->error;
	result->retry_after = response->retry_after;
	result->protobuf = response->protobuf;
	result->refused = response->refused;
	snprintf(result->message, sizeof(result->message), "%s", response->message);
	snprintf(result->body, sizeof(result->body), "%.*s", (int)response->body.size,
		 response->body.data);
}

static void on_data(void *user, struct cs_time now, struct cs_buffer *in)
{
	struct result *result = user;
	(void)now;
	result->pieces++;
	if (result->cancel) {
		cs_transport_cancel(transport, result->call);
		result->over = true;
		return;
	}
	if (result->leave)
		return;
	size_t n = strlen(result->streamed);
	snprintf(result->streamed + n, sizeof(result->streamed) - n, "%s", in->data);
	cs_buffer_consume(in, in->size);
}

static const struct cs_handler unary = { .done = on_done };
static const struct cs_handler streaming = { .data = on_data, .done = on_done };

static void open_client(void)
{
	struct cs_error err;
	credentials = cs_credentials_create(&endpoint, NULL, NULL, &err);
	ck_assert_msg(credentials != NULL, "%s", err.text);
	struct cs_transport_curl_options options = {
		.endpoint = &endpoint,
		.credentials = credentials,
		.metrics = metrics,
		.user_agent = "c-sched/test (linux/amd64)",
	};
	transport = cs_transport_curl_create(&options, &err);
	ck_assert_msg(transport != NULL, "%s", err.text);
}

static void close_client(void)
{
	if (transport)
		transport->ops->destroy(transport);
	cs_credentials_destroy(credentials);
	transport = NULL;
	credentials = NULL;
}

static void start_server(const struct server_options *options)
{
	static char url[64];
	server = server_start(options);
	snprintf(url, sizeof(url), "%s://127.0.0.1:%d", options->certificate ? "https" : "http",
		 server_port(server));
	endpoint.server = url;
}

static void setup(void)
{
	static char source[] = "test";
	files_begin();
	signal(SIGPIPE, SIG_IGN); // as every program with this transport must
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	endpoint = (struct cs_endpoint){ .source = source };
	metrics = cs_metrics_create();
	real_clock = cs_clock_system();
	atomic_store(&streams_go, 0);
	start_server(&(struct server_options){ .handler = on_request });
}

static void teardown(void)
{
	close_client();
	server_stop(server);
	cs_metrics_destroy(metrics);
	files_end();
}

static void turn(void)
{
	transport->ops->turn(transport, cs_clock_now(&real_clock));
}

static void run(const bool *until)
{
	int64_t end = cs_clock_now(&real_clock).boot + 60 * CS_SECOND;
	while (!*until && cs_clock_now(&real_clock).boot < end) {
		turn();
		if (!*until)
			transport->ops->wait(transport, 20 * CS_MILLISECOND);
	}
	ck_assert_msg(*until, "nothing came for 60 s");
}

static void start(struct result *result, struct cs_request request)
{
	memset(result, 0, sizeof(*result));
	request.user = result;
	if (!request.handler)
		request.handler = &unary;
	if (!request.body_max)
		request.body_max = 1 << 20;
	if (!transport)
		open_client();
	turn();
	result->call = cs_transport_start(transport, &request);
}

static void call(struct result *result, struct cs_request request)
{
	start(result, request);
	run(&result->over);
}

static void get(struct result *result, const char *path)
{
	call(result, (struct cs_request){ .path = path });
}

// The value of a series by all but its last label, which is the host.
static double metric_of(const char *series)
{
	CS_AUTO_FREE char *line =
		cs_asprintf("\n%s,host=\"127.0.0.1:%d\"} ", series, server_port(server));
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 1 << 20);
	cs_metrics_print(metrics, &out);
	const char *at = strstr(out.data, line);
	return at ? strtod(at + strlen(line), NULL) : 0;
}

static double metric(const char *code, const char *method)
{
	CS_AUTO_FREE char *series =
		cs_asprintf("rest_client_requests_total{code=\"%s\",method=\"%s\"", code, method);
	return metric_of(series);
}

static struct result result, other;

// ---- what goes over the wire ----

START_TEST(a_get_as_sent)
{
	endpoint.headers = (char *[]){ (char *)(uintptr_t) "Impersonate-User: jane", NULL };
	endpoint.token = (char *)(uintptr_t) "tok";
	get(&result, "/echo");
	ck_assert_int_eq(result.status, 200);
	ck_assert_int_eq(result.error, 0);
	ck_assert_str_eq(result.message, "");
	static const char *const parts[] = {
		"GET /echo HTTP/1.1\r\n",
		"\r\nAccept: application/vnd.kubernetes.protobuf, application/json\r\n",
		"\r\nUser-Agent: c-sched/test (linux/amd64)\r\n",
		"\r\nAuthorization: Bearer tok\r\n",
		"\r\nImpersonate-User: jane\r\n",
		"\r\nAccept-Encoding: gzip\r\n",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(parts); i++)
		ck_assert_msg(strstr(result.body, parts[i]), "no %s in %s", parts[i], result.body);
	ck_assert_ptr_null(strstr(result.body, "Content-Type"));
	ck_assert_ptr_null(strstr(result.body, "Upgrade")); // no HTTP/2 over plain http
}
END_TEST

// Neither is walked on this side.
START_TEST(dots_in_a_path_are_sent_as_they_are)
{
	get(&result, "/echo/%2E%2E/%2E/b");
	ck_assert_msg(strstr(result.body, "GET /echo/%2E%2E/%2E/b HTTP/1.1\r\n"), "%s",
		      result.body);
	get(&result, "/echo/../b");
	ck_assert_msg(strstr(result.body, "GET /echo/../b HTTP/1.1\r\n"), "%s", result.body);
}
END_TEST

START_TEST(every_method_as_sent)
{
	static const struct {
		enum cs_method method;
		const char *name;
	} rows[] = {
		{ CS_METHOD_POST, "POST" },   { CS_METHOD_PUT, "PUT" },
		{ CS_METHOD_PATCH, "PATCH" }, { CS_METHOD_DELETE, "DELETE" },
		{ CS_METHOD_GET, "GET" },
	};
	// On the same handle one after the other: nothing is left of the request before.
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
			bool get_method = rows[i].method == CS_METHOD_GET;
			char line[32];
			call(&result,
			     (struct cs_request){
				     .method = rows[i].method,
				     .path = "/echo",
				     .accept = "x/y",
				     .content_type = get_method ? NULL : "a/b",
				     .body = get_method ? CS_SLICE("") : CS_SLICE("the body"),
			     });
			snprintf(line, sizeof(line), "%s /echo HTTP/1.1\r\n", rows[i].name);
			ck_assert_msg(cs_string_prefix(result.body, line), "%s", result.body);
			ck_assert_ptr_nonnull(strstr(result.body, "\r\nAccept: x/y\r\n"));
			ck_assert_int_eq(strstr(result.body, "Content-Type: a/b") != NULL,
					 !get_method);
			ck_assert_int_eq(strstr(result.body, "|the body") != NULL, !get_method);
		}
	ck_assert_uint_eq(server_connections(server), 1); // kept alive
}
END_TEST

START_TEST(no_compression_when_told)
{
	endpoint.no_compress = true;
	get(&result, "/echo");
	ck_assert_ptr_null(strstr(result.body, "gzip"));
}
END_TEST

START_TEST(a_path_before_the_api)
{
	static char url[80];
	snprintf(url, sizeof(url), "%s/status", endpoint.server);
	endpoint.server = url;
	get(&result, "/204");
	ck_assert_int_eq(result.status, 204);
}
END_TEST

START_TEST(through_a_proxy)
{
	static char target[] = "http://api.invalid:8080";
	endpoint.proxy_url = endpoint.server;
	endpoint.server = target;
	setenv("no_proxy", "api.invalid", 1); // the kubeconfig's word counts more
	get(&result, "/x");
	ck_assert_int_eq(result.error, -ECONNRESET); // our server knows no such path
	ck_assert_uint_eq(server_connections(server), 1);
	close_client();
	static char socks[64];
	snprintf(socks, sizeof(socks), "socks5%s", endpoint.proxy_url + strlen("http"));
	endpoint.proxy_url = socks;
	start(&result, (struct cs_request){ .path = "/x", .timeout = 300 * CS_MILLISECOND });
	run(&result.over);
	ck_assert_int_ne(result.error, 0);
	ck_assert_int_ne(result.error, -EHOSTUNREACH); // the name is the proxy's to resolve
	for (int i = 0; i < 6000 && server_connections(server) < 2; i++)
		poll(NULL, 0, 5);
	ck_assert_uint_eq(server_connections(server), 2);
	close_client();
}
END_TEST

// ---- endings ----

START_TEST(every_status)
{
	static const int statuses[] = { 200, 201, 400, 404, 409, 410, 422, 429, 500, 503, 504 };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(statuses); i++) {
		char path[32];
		snprintf(path, sizeof(path), "/status/%d", statuses[i]);
		get(&result, path);
		ck_assert_int_eq(result.status, statuses[i]);
		ck_assert_int_eq(result.error, 0);
		ck_assert_str_eq(result.body, "body");
		ck_assert_int_eq(result.retry_after, 7 * CS_SECOND);
		ck_assert(!result.protobuf);
	}
	get(&result, "/protobuf");
	ck_assert(result.protobuf);
	ck_assert_int_eq(result.retry_after, 0);
	get(&result, "/redirect"); // not followed: credentials go to nobody else
	ck_assert_int_eq(result.status, 302);
}
END_TEST

START_TEST(cap)
{
	call(&result, (struct cs_request){ .path = "/big", .body_max = 100000 });
	ck_assert_int_eq(result.error, 0);
	ck_assert_uint_eq(strlen(result.body), 100000);
	call(&result, (struct cs_request){ .path = "/big", .body_max = 99999 });
	ck_assert_int_eq(result.error, -EMSGSIZE);
	ck_assert_str_eq(result.message, "the response is larger than its limit");
}
END_TEST

START_TEST(timeout)
{
	int64_t began = cs_clock_now(&real_clock).boot;
	call(&result, (struct cs_request){ .path = "/silent", .timeout = 200 * CS_MILLISECOND });
	ck_assert_int_eq(result.error, -ETIMEDOUT);
	ck_assert_int_eq(result.status, 0);
	int64_t took = cs_clock_now(&real_clock).boot - began;
	ck_assert_int_ge(took, 190 * CS_MILLISECOND);
	ck_assert_double_eq(metric("<error>", "GET"), 1);
	ck_assert_double_eq(metric_of("rest_client_request_duration_seconds_count{verb=\"GET\""),
			    1);
	ck_assert_double_eq(metric_of("rest_client_response_size_bytes_count{verb=\"GET\""), 0);
}
END_TEST

START_TEST(sizes_are_counted)
{
	call(&result, (struct cs_request){ .method = CS_METHOD_POST,
					   .path = "/echo",
					   .body = CS_SLICE("the body") });
	ck_assert_int_eq(result.status, 200);
	ck_assert_double_eq(metric_of("rest_client_request_size_bytes_count{verb=\"POST\""), 1);
	ck_assert_double_eq(metric_of("rest_client_request_size_bytes_sum{verb=\"POST\""), 8);
	ck_assert_double_eq(metric_of("rest_client_response_size_bytes_sum{verb=\"POST\""),
			    (double)strlen(result.body));
}
END_TEST

START_TEST(broken_answers)
{
	get(&result, "/cut");
	ck_assert_int_eq(result.error, -ECONNRESET);
	ck_assert_int_eq(result.status, 200);
	get(&result, "/hang-up");
	ck_assert_int_eq(result.error, -ECONNRESET);
	ck_assert_int_eq(result.status, 0);
	ck_assert(!result.refused);
	ck_assert_str_ne(result.message, "");
}
END_TEST

START_TEST(nobody_listens)
{
	static char url[] = "http://127.0.0.1:1";
	endpoint.server = url;
	get(&result, "/x");
	ck_assert_int_eq(result.error, -ECONNREFUSED);
	ck_assert(result.refused);
}
END_TEST

START_TEST(name_that_does_not_resolve)
{
	static char url[] = "http://nowhere.invalid:1";
	endpoint.server = url;
	get(&result, "/x");
	ck_assert_int_eq(result.error, -EHOSTUNREACH);
	ck_assert(!result.refused);
}
END_TEST

START_TEST(cancel)
{
	start(&result, (struct cs_request){ .path = "/silent" });
	for (int i = 0; i < 5; i++) {
		turn();
		transport->ops->wait(transport, 5 * CS_MILLISECOND);
	}
	cs_transport_cancel(transport, result.call);
	get(&other, "/status/200");
	ck_assert_int_eq(other.status, 200);
	ck_assert(!result.over); // it says nothing more
	start(&result, (struct cs_request){ .path = "/silent" });
	cs_transport_cancel(transport, result.call); // before its first turn
	get(&other, "/status/200");
	start(&result, (struct cs_request){ .path = "/silent" }); // left to destroy
}
END_TEST

// ---- streams ----

START_TEST(a_stream_comes_as_it_is_sent)
{
	start(&result, (struct cs_request){ .path = "/stream", .handler = &streaming });
	for (unsigned i = 1; i <= 5; i++) {
		atomic_store(&streams_go, i);
		for (int k = 0; k < 10000 && result.pieces < i; k++) {
			turn();
			transport->ops->wait(transport, 5 * CS_MILLISECOND);
		}
		ck_assert_uint_eq(result.pieces, i);
	}
	run(&result.over);
	ck_assert_str_eq(result.streamed, "piece0piece1piece2piece3piece4");
	ck_assert_int_eq(result.error, 0);
	ck_assert_int_eq(result.status, 200);
	ck_assert_str_eq(result.body, "");
	ck_assert(result.protobuf);
	ck_assert_double_eq(metric("200", "GET"), 1);
	ck_assert_double_eq(metric_of("rest_client_response_size_bytes_count{verb=\"GET\""), 0);
}
END_TEST

START_TEST(what_a_stream_leaves_comes_with_its_end)
{
	atomic_store(&streams_go, 5);
	start(&result, (struct cs_request){ .path = "/stream", .handler = &streaming });
	result.leave = true;
	run(&result.over);
	ck_assert_str_eq(result.body, "piece0piece1piece2piece3piece4");
	ck_assert_uint_ge(result.pieces, 1);
}
END_TEST

START_TEST(a_stream_beyond_its_buffer)
{
	atomic_store(&streams_go, 5);
	start(&result,
	      (struct cs_request){ .path = "/stream", .handler = &streaming, .body_max = 8 });
	result.leave = true;
	run(&result.over);
	ck_assert_int_eq(result.error, -EMSGSIZE);
}
END_TEST

START_TEST(a_stream_may_cancel_itself)
{
	atomic_store(&streams_go, _i ? 5 : 1);
	start(&result, (struct cs_request){ .path = "/stream", .handler = &streaming });
	result.cancel = true;
	run(&result.over);
	ck_assert_uint_eq(result.pieces, 1);
	atomic_store(&streams_go, 5);
	get(&other, "/status/200");
	ck_assert_int_eq(other.status, 200);
}
END_TEST

// Bytes that are not frames would be taken for one of a gigabyte.
START_TEST(a_stream_of_something_else)
{
	call(&result, (struct cs_request){ .path = "/echo", .handler = &streaming });
	ck_assert_int_eq(result.status, 200);
	ck_assert_int_eq(result.error, -EPROTO);
	ck_assert_ptr_nonnull(strstr(result.message, "is this a Kubernetes API server?"));
	ck_assert_uint_eq(result.pieces, 0);
}
END_TEST

START_TEST(a_refused_stream_is_no_stream)
{
	call(&result, (struct cs_request){ .path = "/slow-error", .handler = &streaming });
	ck_assert_int_eq(result.status, 500);
	ck_assert_str_eq(result.body, "abcdef");
	ck_assert_uint_eq(result.pieces, 0);
}
END_TEST

// ---- connections ----

START_TEST(fresh_opens_a_connection)
{
	get(&result, "/status/200");
	get(&result, "/status/200");
	ck_assert_uint_eq(server_connections(server), 1);
	call(&result, (struct cs_request){ .path = "/status/200", .fresh = true });
	ck_assert_uint_eq(server_connections(server), 2);
	get(&result, "/status/200");
	ck_assert_uint_eq(server_connections(server), 2);
}
END_TEST

// ---- credentials ----

START_TEST(a_rotated_token_is_found_on_401)
{
	static char token[128], scheme[64];
	close_client();
	server_stop(server);
	CS_AUTO_FREE char *crt = NULL, *key = NULL;
	files_make_certificate("localhost", &crt, &key);
	start_server(
		&(struct server_options){ .handler = on_request, .certificate = crt, .key = key });
	snprintf(scheme, sizeof(scheme), "https://localhost:%d", server_port(server));
	endpoint.server = scheme;
	endpoint.ca_data = crt;
	snprintf(token, sizeof(token), "%s", files_path("token"));
	files_write("token", "first");
	endpoint.token_file = token;
	get(&result, "/secret");
	ck_assert_int_eq(result.status, 401);
	ck_assert_str_eq(result.body, "out");
	files_write("token", "second");
	get(&result, "/secret");
	ck_assert_int_eq(result.status, 200);
	ck_assert_str_eq(result.body, "in");
	close_client();
}
END_TEST

START_TEST(calls_wait_for_an_exec_plugin)
{
	static char command[128], version[] = "client.authentication.k8s.io/v1";
	static struct cs_exec_plugin plugin;
	files_write_script("plugin", "#!/bin/sh\nsleep 0.1\nprintf '%s' '{\"kind\":"
				     "\"ExecCredential\",\"apiVersion\":"
				     "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":"
				     "\"second\"}}'\n");
	snprintf(command, sizeof(command), "%s", files_path("plugin"));
	plugin = (struct cs_exec_plugin){ .command = command, .api_version = version };
	endpoint.exec = &plugin;
	start(&result, (struct cs_request){ .path = "/secret" });
	start(&other, (struct cs_request){ .path = "/secret" });
	cs_transport_cancel(transport, other.call); // also while it waits
	run(&result.over);
	ck_assert_int_eq(result.status, 200);
	ck_assert(!other.over);
}
END_TEST

START_TEST(calls_do_not_wait_for_ever)
{
	static char command[] = "/nonexistent/plugin", version[] = "v";
	static struct cs_exec_plugin plugin = { .command = command, .api_version = version };
	endpoint.exec = &plugin;
	start(&result, (struct cs_request){ .path = "/secret", .timeout = 100 * CS_MILLISECOND });
	int64_t due = transport->ops->deadline(transport);
	ck_assert_int_le(due, cs_clock_now(&real_clock).boot + 100 * CS_MILLISECOND);
	run(&result.over);
	ck_assert_int_eq(result.error, -ETIMEDOUT);
	ck_assert_str_eq(result.message, "no credentials from the exec plugin");
}
END_TEST

// ---- TLS ----

static char *server_crt, *server_key;

static void setup_tls(void)
{
	setup();
	server_stop(server);
	files_make_certificate("kubernetes.default", &server_crt, &server_key);
	start_server(&(struct server_options){
		.handler = on_request, .certificate = server_crt, .key = server_key });
}

static void teardown_tls(void)
{
	teardown();
	free(server_crt);
	free(server_key);
}

START_TEST(certificates_are_verified)
{
	CS_AUTO_FREE char *crt = NULL, *key = NULL;
	static char name[] = "kubernetes.default";
	files_make_certificate("kubernetes.default", &crt, &key);
	switch (_i) {
	case 0: // the system's authorities do not know it
		break;
	case 1: // another authority
		endpoint.ca_data = crt;
		endpoint.tls_server_name = name;
		break;
	case 2: // another name
		endpoint.ca_data = server_crt;
		break;
	default:
		ck_abort();
	}
	get(&result, "/status/200");
	ck_assert_int_eq(result.error, -EPROTO);
	ck_assert_int_eq(result.status, 0);
	ck_assert_ptr_nonnull(strstr(result.message, "certificate"));
	close_client();
}
END_TEST

START_TEST(the_name_may_be_given)
{
	static char name[] = "kubernetes.default";
	char host[64];
	endpoint.ca_data = server_crt;
	endpoint.tls_server_name = name;
	get(&result, "/echo");
	ck_assert_msg(result.status == 200, "%s", result.message);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", server_port(server));
	ck_assert_ptr_nonnull(strstr(result.body, host));
	ck_assert_double_eq(metric("200", "GET"), 1);
}
END_TEST

START_TEST(verification_may_be_off)
{
	endpoint.insecure = true;
	get(&result, "/status/200");
	ck_assert_int_eq(result.status, 200);
}
END_TEST

static struct cs_time stand_still(void *moment)
{
	return *(const struct cs_time *)moment;
}

// Of those that come within some seconds: here no time passes.
START_TEST(fresh_opens_a_tls_connection)
{
	struct cs_time moment = cs_clock_now(&real_clock);
	real_clock = (struct cs_clock){ .now = stand_still, .user = &moment };
	endpoint.insecure = true;
	get(&result, "/connection");
	ck_assert_str_eq(result.body, "0");
	call(&result, (struct cs_request){ .path = "/connection", .fresh = true });
	ck_assert_str_eq(result.body, "1");
	for (int i = 0; i < 6; i++) { // all later ones use the new one; no more are opened at once
		call(&result, (struct cs_request){ .path = "/connection", .fresh = i % 2 });
		ck_assert_str_eq(result.body, "1");
	}
	ck_assert_uint_eq(server_connections(server), 2);
}
END_TEST

START_TEST(client_certificates_are_shown_and_rotate)
{
	CS_AUTO_FREE char *crt1 = NULL, *key1 = NULL, *crt2 = NULL, *key2 = NULL;
	static char crt_path[128], key_path[128];
	files_make_certificate("me", &crt1, &key1);
	files_make_certificate("me too", &crt2, &key2);
	server_stop(server);
	start_server(&(struct server_options){ .handler = on_request,
					       .certificate = server_crt,
					       .key = server_key,
					       .client_ca = crt2 });
	endpoint.insecure = true;
	get(&result, "/status/200"); // none
	ck_assert_int_ne(result.error, 0);
	close_client();
	files_write("crt", crt1);
	files_write("key", key1);
	snprintf(crt_path, sizeof(crt_path), "%s", files_path("crt"));
	snprintf(key_path, sizeof(key_path), "%s", files_path("key"));
	endpoint.certificate_file = crt_path;
	endpoint.key_file = key_path;
	get(&result, "/status/200"); // one it does not know
	ck_assert_int_ne(result.error, 0);
	files_write("crt", crt2);
	files_write("key", key2);
	struct cs_time later = cs_clock_now(&real_clock);
	later.boot += 301 * CS_SECOND;
	cs_credentials_turn(credentials, later);
	get(&result, "/status/200");
	ck_assert_msg(result.status == 200, "%s", result.message);
	close_client();
}
END_TEST

START_TEST(new_certificates_end_streams)
{
	CS_AUTO_FREE char *crt = NULL, *key = NULL;
	static char path[128];
	static char name[] = "kubernetes.default";
	files_make_certificate("kubernetes.default", &crt, &key);
	files_write("ca", server_crt);
	snprintf(path, sizeof(path), "%s", files_path("ca"));
	endpoint.ca_file = path;
	endpoint.tls_server_name = name;
	atomic_store(&streams_go, 1);
	start(&result, (struct cs_request){ .path = "/stream", .handler = &streaming });
	for (int k = 0; k < 10000 && result.pieces < 1; k++) {
		turn();
		transport->ops->wait(transport, 5 * CS_MILLISECOND);
	}
	ck_assert_uint_eq(result.pieces, 1);
	CS_AUTO_FREE char *both = cs_asprintf("%s%s", server_crt, crt);
	files_write("ca", both);
	struct cs_time later = cs_clock_now(&real_clock);
	later.boot += 301 * CS_SECOND;
	cs_credentials_turn(credentials, later);
	run(&result.over);
	ck_assert_int_eq(result.error, -ECONNRESET);
	ck_assert_str_eq(result.message, "the certificates have changed");
	atomic_store(&streams_go, 5);
	get(&other, "/status/200");
	ck_assert_int_eq(other.status, 200);
	ck_assert_uint_eq(server_connections(server), 2);
}
END_TEST

// ---- waiting ----

START_TEST(wakeup_ends_a_wait)
{
	get(&result, "/status/200");
	transport->ops->wakeup(transport);
	int64_t began = cs_clock_now(&real_clock).boot;
	transport->ops->wait(transport, 10 * CS_SECOND);
	ck_assert_int_lt(cs_clock_now(&real_clock).boot - began, 5 * CS_SECOND);
	began = cs_clock_now(&real_clock).boot;
	transport->ops->wait(transport, 30 * CS_MILLISECOND + 1);
	ck_assert_int_ge(cs_clock_now(&real_clock).boot - began, 30 * CS_MILLISECOND);
}
END_TEST

START_TEST(many_at_once)
{
	static struct result many[40];
	for (size_t i = 0; i < CS_ARRAY_LENGTH(many); i++)
		start(&many[i], (struct cs_request){ .path = "/echo" });
	for (size_t i = 0; i < CS_ARRAY_LENGTH(many); i++) {
		run(&many[i].over);
		ck_assert_int_eq(many[i].status, 200);
	}
	ck_assert_double_eq(metric("200", "GET"), 40);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("transport");
	TCase *c = tcase_create("plain");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_get_as_sent);
	tcase_add_test(c, dots_in_a_path_are_sent_as_they_are);
	tcase_add_test(c, every_method_as_sent);
	tcase_add_test(c, no_compression_when_told);
	tcase_add_test(c, a_path_before_the_api);
	tcase_add_test(c, through_a_proxy);
	tcase_add_test(c, every_status);
	tcase_add_test(c, cap);
	tcase_add_test(c, timeout);
	tcase_add_test(c, sizes_are_counted);
	tcase_add_test(c, broken_answers);
	tcase_add_test(c, nobody_listens);
	tcase_add_test(c, name_that_does_not_resolve);
	tcase_add_test(c, cancel);
	tcase_add_test(c, a_stream_comes_as_it_is_sent);
	tcase_add_test(c, what_a_stream_leaves_comes_with_its_end);
	tcase_add_test(c, a_stream_beyond_its_buffer);
	tcase_add_loop_test(c, a_stream_may_cancel_itself, 0, 2);
	tcase_add_test(c, a_stream_of_something_else);
	tcase_add_test(c, a_refused_stream_is_no_stream);
	tcase_add_test(c, fresh_opens_a_connection);
	tcase_add_test(c, a_rotated_token_is_found_on_401);
	tcase_add_test(c, calls_wait_for_an_exec_plugin);
	tcase_add_test(c, calls_do_not_wait_for_ever);
	tcase_add_test(c, wakeup_ends_a_wait);
	tcase_add_test(c, many_at_once);
	suite_add_tcase(suite, c);
	c = tcase_create("tls");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup_tls, teardown_tls);
	tcase_add_loop_test(c, certificates_are_verified, 0, 3);
	tcase_add_test(c, the_name_may_be_given);
	tcase_add_test(c, verification_may_be_off);
	tcase_add_test(c, fresh_opens_a_tls_connection);
	tcase_add_test(c, client_certificates_are_shown_and_rotate);
	tcase_add_test(c, new_certificates_end_streams);
	suite_add_tcase(suite, c);
	return suite;
}
