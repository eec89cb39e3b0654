// What every answer to a write means, the order and pace of writes, and that each ends once.
// Neighbours: fake.c plays the server.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/requests.h>
#include <csched/kube/protobuf.h>

#include "fake.h"

static struct fake fake;
static struct cs_random dice;
static struct cs_requests *requests;
static struct cs_buffer results; // "1:DONE(201) 2:ELSEWHERE(409,n2) "
static bool leading;

static void on_written(void *user, const struct cs_write_result *result)
{
	static const char *const names[] = { "DONE", "ELSEWHERE", "GONE", "REFUSED", "FAILED" };
	(void)user;
	cs_buffer_printf(&results, "%lu:%s(%d%s%s) ", (unsigned long)result->ticket,
			 names[result->outcome], result->status, result->node ? "," : "",
			 result->node ? result->node : "");
	ck_assert_ptr_nonnull(result->message);
}

static bool may_bind(void *user, struct cs_time now)
{
	(void)user, (void)now;
	return leading;
}

static void create(double qps, unsigned burst)
{
	fake_init(&fake);
	fake.now = (struct cs_time){ .boot = 1000 * CS_SECOND, .wall = 5000 * CS_SECOND };
	cs_random_init(&dice, 7);
	fake_buffer(&results);
	leading = true;
	struct cs_requests_options options = {
		.transport = &fake.base,
		.random = &dice,
		.qps = qps,
		.burst = burst,
		.written = on_written,
		.may_bind = may_bind,
	};
	requests = cs_requests_create(&options);
}

static void setup(void)
{
	create(0, 0);
}

static void teardown(void)
{
	cs_requests_destroy(requests);
	fake_finish(&fake);
	cs_buffer_finish(&results);
}

static void recreate(double qps, unsigned burst)
{
	teardown();
	create(qps, burst);
}

static void turn(void)
{
	cs_requests_turn(requests, fake.now);
}

static void pass(int64_t ns)
{
	fake.now.boot += ns;
	turn();
}

// Waits for the next thing to do; returns for how long.
static int64_t pass_wait(void)
{
	int64_t wait = cs_requests_deadline(requests) - fake.now.boot;
	ck_assert_int_gt(wait, 0);
	ck_assert_int_lt(wait, 100 * CS_SECOND);
	pass(wait - 1);
	ck_assert_uint_eq(fake_count(&fake), 0);
	pass(1);
	return wait;
}

static void assert_results(const char *expected)
{
	ck_assert_str_eq(results.data, expected);
	cs_buffer_clear(&results);
}

static struct cs_transport_call *running(void)
{
	ck_assert_uint_eq(fake_count(&fake), 1);
	return fake_newest(&fake);
}

static void assert_running(enum cs_method method, const char *path)
{
	ck_assert_int_eq(running()->method, method);
	ck_assert_str_eq(running()->path, path);
}

static void send_bind(uint64_t ticket)
{
	cs_requests_send(requests, &(struct cs_write){ .kind = CS_WRITE_BIND,
						       .ticket = ticket,
						       .namespace = "ns",
						       .name = "p1",
						       .uid = "u1",
						       .node = "n1" });
}

static void send_status(uint64_t ticket)
{
	cs_requests_send(requests, &(struct cs_write){ .kind = CS_WRITE_STATUS,
						       .ticket = ticket,
						       .namespace = "ns",
						       .name = "p1",
						       .uid = "u1",
						       .body = "{\"status\":{}}",
						       .body_size = 13 });
}

static void send_event(uint64_t ticket, bool patch)
{
	cs_requests_send(requests, &(struct cs_write){ .kind = CS_WRITE_EVENT,
						       .ticket = ticket,
						       .namespace = "ns",
						       .name = "p1.abc",
						       .body = "EVENT",
						       .body_size = 5,
						       .patch = patch });
}

static void bind_and_turn(void)
{
	send_bind(1);
	turn();
	assert_running(CS_METHOD_POST, "/api/v1/namespaces/ns/pods/p1/binding");
}

static void refuse(int code, const char *message)
{
	fake_refuse(running(), &(struct fake_status){ code, "R", message, NULL, 0, false });
	turn();
}

static void succeed(int code)
{
	fake_answer(running(), code, CS_SLICE(""));
	turn();
}

static void lose(int error)
{
	fake_break(running(), error, 0);
	turn();
}

// Answers the deciding GET with a pod.
static void answer_look(const struct fake_pod *pod)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	assert_running(CS_METHOD_GET, "/api/v1/namespaces/ns/pods/p1");
	fake_buffer(&out);
	fake_pod(&out, pod);
	fake_answer(running(), 200, cs_buffer_slice(&out));
	turn();
}

static const struct fake_pod unbound = { "ns", "p1", "u1", "5", NULL, false };
static const struct fake_pod bound_here = { "ns", "p1", "u1", "5", "n1", false };
static const struct fake_pod bound_there = { "ns", "p1", "u1", "5", "n2", false };
static const struct fake_pod another = { "ns", "p1", "u2", "5", "n1", false };
static const struct fake_pod dying = { "ns", "p1", "u1", "5", NULL, true };

// ---- what is sent ----

START_TEST(binding_as_sent)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message;
	struct cs_arena *arena = cs_arena_create();
	bind_and_turn();
	struct cs_transport_call *call = running();
	ck_assert_str_eq(call->content_type, CS_PROTOBUF_CONTENT_TYPE);
	ck_assert_int_eq(call->timeout, CS_REQUESTS_TIMEOUT);
	ck_assert_int_eq(
		cs_protobuf_read_envelope(cs_buffer_slice(&call->body), arena, &envelope, NULL), 0);
	ck_assert_str_eq(envelope.type_meta->kind, "Binding");
	ck_assert_str_eq(envelope.type_meta->api_version, "v1");
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	ck_assert_int_eq(cs_protobuf_read(&kube__binding__descriptor, raw, arena, &message, NULL),
			 0);
	const Kube__Binding *binding = (const Kube__Binding *)message;
	ck_assert_str_eq(binding->metadata->namespace_, "ns");
	ck_assert_str_eq(binding->metadata->name, "p1");
	ck_assert_str_eq(binding->metadata->uid, "u1");
	ck_assert_str_eq(binding->target->kind, "Node");
	ck_assert_str_eq(binding->target->name, "n1");
	cs_arena_destroy(arena);
	succeed(201);
	assert_results("1:DONE(201) ");
}
END_TEST

START_TEST(status_as_sent)
{
	send_status(1);
	turn();
	assert_running(CS_METHOD_PATCH, "/api/v1/namespaces/ns/pods/p1/status");
	ck_assert_str_eq(running()->content_type, "application/strategic-merge-patch+json");
	ck_assert_str_eq(running()->body.data, "{\"status\":{}}");
	succeed(200);
	assert_results("1:DONE(200) ");
}
END_TEST

START_TEST(events_as_sent)
{
	send_event(1, false);
	turn();
	assert_running(CS_METHOD_POST, "/apis/events.k8s.io/v1/namespaces/ns/events");
	ck_assert_str_eq(running()->content_type, CS_PROTOBUF_CONTENT_TYPE);
	ck_assert_str_eq(running()->body.data, "EVENT");
	succeed(201);
	send_event(2, true);
	turn();
	assert_running(CS_METHOD_PATCH, "/apis/events.k8s.io/v1/namespaces/ns/events/p1.abc");
	ck_assert_str_eq(running()->content_type, "application/merge-patch+json");
	succeed(200);
	assert_results("1:DONE(201) 2:DONE(200) ");
}
END_TEST

START_TEST(names_cannot_escape_their_path)
{
	cs_requests_send(requests, &(struct cs_write){ .kind = CS_WRITE_BIND,
						       .namespace = "a/../b",
						       .name = "x?y#z",
						       .uid = "u",
						       .node = "n" });
	turn();
	assert_running(CS_METHOD_POST, "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%23z/binding");
	succeed(201);
	cs_requests_send(requests, &(struct cs_write){ .kind = CS_WRITE_BIND,
						       .namespace = ".",
						       .name = "..",
						       .uid = "u",
						       .node = "n" });
	turn();
	assert_running(CS_METHOD_POST, "/api/v1/namespaces/%2E/pods/%2E%2E/binding");
	succeed(201);
}
END_TEST

// ---- bindings ----

// How the first answer came to be doubtful.
static void doubt(int how)
{
	switch (how) {
	case 0:
		lose(-ETIMEDOUT);
		break;
	case 1:
		lose(-ECONNRESET);
		break;
	case 2:
		lose(-ECONNREFUSED);
		break;
	case 3:
		refuse(500, "etcdserver: request timed out");
		break;
	case 4:
		refuse(503, "x");
		break;
	case 5:
		refuse(504, "x");
		break;
	default:
		refuse(409, "pod p1 is already assigned to node \"n1\"");
		return; // settled: looked at without waiting
	}
	pass_wait();
}
#define DOUBTS 7

START_TEST(doubtful_and_ours_is_done)
{
	bind_and_turn();
	doubt(_i);
	answer_look(&bound_here);
	static const char *const expected[DOUBTS] = {
		"1:DONE(0) ",   "1:DONE(0) ",   "1:DONE(0) ",   "1:DONE(500) ",
		"1:DONE(503) ", "1:DONE(504) ", "1:DONE(409) ",
	};
	assert_results(expected[_i]);
	ck_assert_uint_eq(cs_requests_stats(requests).resolved, 1);
}
END_TEST

START_TEST(doubtful_and_elsewhere)
{
	bind_and_turn();
	doubt(_i);
	answer_look(&bound_there);
	ck_assert_ptr_nonnull(strstr(results.data, "1:ELSEWHERE("));
	ck_assert_ptr_nonnull(strstr(results.data, ",n2) "));
}
END_TEST

START_TEST(doubtful_and_another_uid_is_gone)
{
	bind_and_turn();
	doubt(_i);
	answer_look(&another);
	ck_assert_ptr_nonnull(strstr(results.data, "1:GONE("));
}
END_TEST

START_TEST(doubtful_and_not_found_is_gone)
{
	bind_and_turn();
	doubt(_i);
	refuse(404, "pods \"p1\" not found");
	ck_assert_ptr_nonnull(strstr(results.data, "1:GONE("));
}
END_TEST

START_TEST(doubtful_and_unbound_is_sent_again)
{
	bind_and_turn();
	doubt(_i);
	answer_look(&unbound);
	assert_results("");
	pass_wait();
	assert_running(CS_METHOD_POST, "/api/v1/namespaces/ns/pods/p1/binding");
	succeed(201);
	assert_results("1:DONE(201) ");
}
END_TEST

START_TEST(doubtful_and_terminating_is_refused)
{
	bind_and_turn();
	doubt(_i);
	answer_look(&dying);
	ck_assert_ptr_nonnull(strstr(results.data, "1:REFUSED("));
}
END_TEST

START_TEST(unbound_for_ever_fails)
{
	bind_and_turn();
	for (int i = 1; i < CS_REQUESTS_TRIES_MAX; i++) {
		lose(-ETIMEDOUT);
		pass_wait();
		answer_look(&unbound);
		pass_wait();
		assert_running(CS_METHOD_POST, "/api/v1/namespaces/ns/pods/p1/binding");
		assert_results("");
	}
	lose(-ETIMEDOUT);
	pass_wait();
	answer_look(&unbound);
	assert_results("1:FAILED(0) ");
}
END_TEST

START_TEST(unexplained_conflicts_are_refused)
{
	bind_and_turn();
	for (int i = 0; i < 2; i++) {
		refuse(409, "strange");
		answer_look(&unbound);
		pass_wait();
	}
	refuse(409, "strange");
	answer_look(&unbound);
	assert_results("1:REFUSED(409) ");
}
END_TEST

START_TEST(looking_never_gives_up)
{
	int64_t longest = 0;
	bind_and_turn();
	lose(-ETIMEDOUT);
	for (int i = 0; i < 200; i++) {
		int64_t wait = pass_wait();
		longest = wait > longest ? wait : longest;
		assert_running(CS_METHOD_GET, "/api/v1/namespaces/ns/pods/p1");
		switch (i % 5) {
		case 0:
			lose(-ECONNREFUSED);
			break;
		case 1:
			refuse(403, "forbidden");
			break;
		case 2:
			fake_answer(running(), 200, CS_SLICE("garbage"));
			break;
		case 3:
			fake_done(running(),
				  &(struct cs_response){ .status = 200, .body = CS_SLICE("{}") });
			break;
		default:
			refuse(503, "x");
		}
		assert_results("");
	}
	ck_assert_int_le(longest, 60 * CS_SECOND);
	pass_wait();
	answer_look(&bound_here);
	assert_results("1:DONE(0) ");
}
END_TEST

START_TEST(answers_to_a_binding_that_settle_it)
{
	static const struct {
		int status;
		const char *result;
	} rows[] = {
		{ 404, "1:GONE(404) " },    { 400, "1:REFUSED(400) " }, { 401, "1:REFUSED(401) " },
		{ 403, "1:REFUSED(403) " }, { 422, "1:REFUSED(422) " }, { 302, "1:REFUSED(302) " },
	};
	bind_and_turn();
	refuse(rows[_i].status, "no");
	assert_results(rows[_i].result);
	ck_assert_uint_eq(fake_count(&fake), 0);
}
END_TEST

// Something between us and the API server may answer with a page of its own.
START_TEST(a_success_that_is_no_status_is_doubtful)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	bind_and_turn();
	fake_done(running(), &(struct cs_response){ .status = 200,
						    .protobuf = _i,
						    .body = CS_SLICE("<html>welcome") });
	turn();
	assert_results("");
	pass_wait();
	answer_look(&unbound);
	pass_wait();
	fake_buffer(&out);
	fake_status(&out, &(struct fake_status){ 201, "", "", NULL, 0, false });
	fake_answer(running(), 201, cs_buffer_slice(&out));
	assert_results("1:DONE(201) ");
}
END_TEST

START_TEST(busy_binding_waits_as_told)
{
	bind_and_turn();
	fake_refuse(running(),
		    &(struct fake_status){ 429, "TooManyRequests", "busy", NULL, 6, false });
	turn();
	ck_assert_int_ge(pass_wait(), 6 * CS_SECOND);
	assert_running(CS_METHOD_POST, "/api/v1/namespaces/ns/pods/p1/binding"); // not a GET
	succeed(201);
	assert_results("1:DONE(201) ");
}
END_TEST

START_TEST(the_fence_holds_bindings_back)
{
	leading = false;
	send_bind(1);
	send_status(2);
	turn();
	assert_results("1:FAILED(0) ");
	assert_running(CS_METHOD_PATCH, "/api/v1/namespaces/ns/pods/p1/status");
	succeed(200);
	assert_results("2:DONE(200) ");
}
END_TEST

START_TEST(the_fence_lets_a_look_pass)
{
	bind_and_turn();
	lose(-ETIMEDOUT);
	leading = false;
	pass_wait();
	answer_look(&unbound);
	assert_results("");
	pass_wait(); // the binding would be sent again
	ck_assert_uint_eq(fake_count(&fake), 0);
	assert_results("1:FAILED(0) ");
}
END_TEST

START_TEST(after_silence_the_connection_is_new)
{
	bind_and_turn();
	ck_assert(!running()->fresh);
	lose(-ETIMEDOUT);
	pass_wait();
	ck_assert(running()->fresh);
	lose(-ECONNREFUSED);
	pass_wait();
	ck_assert(!running()->fresh);
	answer_look(&bound_here);
}
END_TEST

// ---- status patches and events ----

START_TEST(answers_to_a_status_patch)
{
	static const struct {
		int status;
		const char *result;
	} rows[] = {
		{ 404, "1:GONE(404) " },
		{ 403, "1:REFUSED(403) " },
		{ 422, "1:REFUSED(422) " },
	};
	send_status(1);
	turn();
	refuse(rows[_i].status, "no");
	assert_results(rows[_i].result);
}
END_TEST

START_TEST(a_status_patch_is_repeated)
{
	static const int statuses[] = { 0, 409, 429, 500, 503 };
	send_status(1);
	turn();
	if (statuses[_i])
		refuse(statuses[_i], "later");
	else
		lose(-ETIMEDOUT);
	pass_wait();
	assert_running(CS_METHOD_PATCH, "/api/v1/namespaces/ns/pods/p1/status");
	succeed(200);
	assert_results("1:DONE(200) ");
	ck_assert_uint_eq(cs_requests_stats(requests).retries, 1);
}
END_TEST

START_TEST(status_conflicts_end)
{
	send_status(1);
	turn();
	refuse(409, "c");
	pass_wait();
	refuse(409, "c");
	pass_wait();
	refuse(409, "c");
	assert_results("1:REFUSED(409) ");
}
END_TEST

START_TEST(tries_end)
{
	int64_t last = 0;
	if (_i)
		send_status(1);
	else
		send_event(1, false);
	turn();
	for (int i = 1; i < CS_REQUESTS_TRIES_MAX; i++) {
		refuse(500, "x");
		last = pass_wait();
	}
	ck_assert_int_ge(last, 10 * CS_SECOND);
	ck_assert_int_le(last, 20 * CS_SECOND);
	refuse(500, "x");
	assert_results("1:FAILED(500) ");
	ck_assert_uint_eq(fake.started, CS_REQUESTS_TRIES_MAX);
}
END_TEST

START_TEST(answers_to_an_event)
{
	static const struct {
		int status;
		const char *result;
	} rows[] = {
		{ 409, "1:DONE(409) " }, // an earlier try had arrived
		{ 404, "1:GONE(404) " },
		{ 403, "1:REFUSED(403) " },
	};
	send_event(1, false);
	turn();
	refuse(rows[_i].status, "no");
	assert_results(rows[_i].result);
}
END_TEST

// The event that the patch meant is gone: it is made again, once.
START_TEST(a_patched_event_that_is_gone_is_created)
{
	cs_requests_send(requests, &(struct cs_write){ .kind = CS_WRITE_EVENT,
						       .ticket = 1,
						       .namespace = "ns",
						       .name = "p1.abc",
						       .body = "PATCH",
						       .body_size = 5,
						       .whole = "EVENT",
						       .whole_size = 5,
						       .patch = true });
	turn();
	assert_running(CS_METHOD_PATCH, "/apis/events.k8s.io/v1/namespaces/ns/events/p1.abc");
	ck_assert_str_eq(running()->body.data, "PATCH");
	refuse(404, "events \"p1.abc\" not found");
	assert_results("");
	assert_running(CS_METHOD_POST, "/apis/events.k8s.io/v1/namespaces/ns/events");
	ck_assert_str_eq(running()->body.data, "EVENT");
	ck_assert_str_eq(running()->content_type, CS_PROTOBUF_CONTENT_TYPE);
	if (_i == 0) {
		succeed(201);
		assert_results("1:DONE(201) ");
	} else {
		refuse(404, "namespaces \"ns\" not found");
		assert_results("1:GONE(404) ");
	}
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 0);
}
END_TEST

// ---- order and pace ----

START_TEST(bindings_go_first_events_last)
{
	recreate(1, 1);
	send_event(1, false);
	send_status(2);
	send_bind(3);
	send_event(4, false);
	send_bind(5);
	turn();
	static const char *const order[] = { "binding", "binding", "status", "events", "events" };
	for (int i = 0; i < 5; i++) {
		ck_assert_ptr_nonnull(strstr(running()->path, order[i]));
		succeed(200);
		ck_assert_uint_eq(fake_count(&fake), 0);
		pass(CS_SECOND);
	}
	assert_results("3:DONE(200) 5:DONE(200) 2:DONE(200) 1:DONE(200) 4:DONE(200) ");
}
END_TEST

START_TEST(pace)
{
	recreate(50, 100);
	for (uint64_t i = 0; i < 500; i++)
		send_bind(i);
	unsigned answered = 0;
	turn();
	ck_assert_uint_eq(fake.started, 64);
	int64_t began = fake.now.boot;
	while (answered < 500) {
		while (fake_count(&fake) > 0) {
			fake_answer(fake_newest(&fake), 201, CS_SLICE(""));
			answered++;
		}
		if (answered == 500)
			break;
		int64_t due = cs_requests_deadline(requests);
		pass(due > fake.now.boot ? due - fake.now.boot : 0);
		ck_assert_uint_gt(fake_count(&fake), 0); // no turn in vain
	}
	// 100 at once, 400 at 50 per second.
	int64_t took = fake.now.boot - began;
	ck_assert_int_ge(took, 7990 * CS_MILLISECOND);
	ck_assert_int_le(took, 8100 * CS_MILLISECOND);
}
END_TEST

START_TEST(a_burst_of_zero_is_one)
{
	recreate(10, 0);
	send_bind(1);
	send_bind(2);
	turn();
	succeed(201);
	ck_assert_uint_eq(fake_count(&fake), 0);
	ck_assert_int_le(cs_requests_deadline(requests) - fake.now.boot, 100 * CS_MILLISECOND + 1);
	pass(100 * CS_MILLISECOND + 1);
	succeed(201);
	assert_results("1:DONE(201) 2:DONE(201) ");
}
END_TEST

START_TEST(at_most_64_in_flight)
{
	for (uint64_t i = 0; i < 100; i++)
		send_bind(i);
	turn();
	ck_assert_uint_eq(fake_count(&fake), 64);
	ck_assert_uint_eq(cs_requests_stats(requests).in_flight, 64);
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 36);
	ck_assert_int_eq(cs_requests_deadline(requests), INT64_MAX);
	fake_answer(fake_newest(&fake), 201, CS_SLICE(""));
	turn();
	ck_assert_uint_eq(fake_count(&fake), 64);
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 35);
}
END_TEST

START_TEST(the_oldest_events_are_dropped)
{
	recreate(1, 1);
	send_bind(9999);
	for (uint64_t i = 0; i < 1200; i++)
		send_event(i, false);
	turn();
	ck_assert_uint_eq(cs_requests_stats(requests).dropped_events, 200);
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 1000);
	ck_assert_ptr_nonnull(strstr(results.data, "0:FAILED(0) 1:FAILED(0) "));
	ck_assert_ptr_nonnull(strstr(results.data, "199:FAILED(0) "));
	ck_assert_ptr_null(strstr(results.data, "200:"));
}
END_TEST

START_TEST(a_waiting_retry_does_not_block_others)
{
	bind_and_turn();
	fake_refuse(running(), &(struct fake_status){ 429, "R", "m", NULL, 30, false });
	send_bind(2);
	turn();
	succeed(201);
	assert_results("2:DONE(201) ");
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 1);
	pass_wait();
	succeed(201);
	assert_results("1:DONE(201) ");
	ck_assert_int_eq(cs_requests_deadline(requests), INT64_MAX);
}
END_TEST

START_TEST(destroy_forgets_all)
{
	for (uint64_t i = 0; i < 70; i++)
		send_bind(i);
	send_event(1, false);
	turn();
	fake_break(fake_newest(&fake), -ETIMEDOUT, 0); // one waits
	assert_results("");
	// teardown destroys; leaks and double frees are the sanitizers' to find
}
END_TEST

// Random answers to many writes of all kinds: each ends exactly once, and in the end.
static unsigned ended[400];

static void on_random_written(void *user, const struct cs_write_result *result)
{
	(void)user;
	ended[result->ticket]++;
	if (result->ticket == 50)
		send_event(399, false); // writes may be sent from the callback
}

START_TEST(every_write_ends_once)
{
	static const int statuses[] = { 200, 201, 404, 409, 429, 403, 500, 503, 0 };
	static const struct fake_pod *const pods[] = { &unbound, &bound_here, &bound_there,
						       &another, &dying };
	recreate(_i % 2 ? 200 : 0, 10);
	cs_requests_destroy(requests);
	struct cs_requests_options options = {
		.transport = &fake.base,
		.random = &dice,
		.qps = _i % 2 ? 200 : 0,
		.burst = 10,
		.written = on_random_written,
	};
	requests = cs_requests_create(&options);
	memset(ended, 0, sizeof(ended));
	cs_random_init(&dice, (uint64_t)_i + 100);
	for (uint64_t i = 0; i < 399; i++) {
		if (i % 3 == 0)
			send_bind(i);
		else if (i % 3 == 1)
			send_status(i);
		else
			send_event(i, i % 2);
	}
	for (int step = 0; step < 200000; step++) {
		int64_t due = cs_requests_deadline(requests);
		if (due == INT64_MAX && fake_count(&fake) == 0)
			break;
		pass(due > fake.now.boot && due != INT64_MAX ? (due - fake.now.boot) : 0);
		if (fake_count(&fake) == 0)
			continue;
		struct cs_transport_call *call = fake_newest(&fake);
		int status = statuses[cs_random_below(&dice, CS_ARRAY_LENGTH(statuses))];
		if (status == 0) {
			fake_break(call, -ECONNRESET, 0);
		} else if (call->method == CS_METHOD_GET && status / 100 == 2) {
			CS_AUTO_BUFFER struct cs_buffer out;
			fake_buffer(&out);
			fake_pod(&out, pods[cs_random_below(&dice, 5)]);
			fake_answer(call, 200, cs_buffer_slice(&out));
		} else if (status / 100 == 2) {
			fake_answer(call, status, CS_SLICE(""));
		} else {
			fake_refuse(call,
				    &(struct fake_status){ status, "R", "m", NULL, 0, false });
		}
	}
	for (size_t i = 0; i < 400; i++)
		ck_assert_msg(ended[i] == 1, "write %zu ended %u times", i, ended[i]);
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 0);
	ck_assert_uint_eq(cs_requests_stats(requests).in_flight, 0);
}
END_TEST

// ---- withdrawn bindings ----

static void withdraw(uint64_t ticket)
{
	cs_requests_send(
		requests,
		&(struct cs_write){ .kind = CS_WRITE_BIND, .ticket = ticket, .withdraw = true });
}

// One waits for a token: it ends without one, and the next in line gets the token.
START_TEST(withdrawn_before_it_was_sent)
{
	recreate(1, 1);
	bind_and_turn();
	succeed(201);
	assert_results("1:DONE(201) ");
	send_bind(2);
	send_bind(3);
	turn();
	ck_assert_uint_eq(fake_count(&fake), 0);
	withdraw(2);
	assert_results(""); // results come in turns
	ck_assert_int_eq(cs_requests_deadline(requests), INT64_MIN);
	turn();
	assert_results("2:FAILED(0) ");
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 1);
	pass(CS_SECOND);
	succeed(201);
	assert_results("3:DONE(201) ");
}
END_TEST

// What is on its way may have been stored: its answer counts.
START_TEST(withdrawn_while_it_is_under_way)
{
	bind_and_turn();
	withdraw(1);
	turn();
	assert_results("");
	succeed(201);
	assert_results("1:DONE(201) ");
}
END_TEST

START_TEST(withdrawn_and_not_sent_again)
{
	bind_and_turn();
	withdraw(1);
	turn();
	refuse(429, "slow down");
	assert_results("1:FAILED(429) ");
	ck_assert_int_eq(cs_requests_deadline(requests), INT64_MAX);
}
END_TEST

START_TEST(withdrawn_while_it_waits_for_another_try)
{
	bind_and_turn();
	refuse(429, "slow down");
	withdraw(1);
	turn();
	assert_results("1:FAILED(429) ");
	ck_assert_uint_eq(cs_requests_stats(requests).queued, 0);
	ck_assert_int_eq(cs_requests_deadline(requests), INT64_MAX);
}
END_TEST

// Nobody knows whether it was stored: the GET still decides, and no second POST follows.
START_TEST(withdrawn_in_doubt)
{
	bind_and_turn();
	refuse(500, "x");
	withdraw(1);
	turn();
	assert_results("");
	pass_wait();
	answer_look(_i ? &bound_here : &unbound);
	assert_results(_i ? "1:DONE(500) " : "1:FAILED(500) ");
	ck_assert_uint_eq(fake_count(&fake), 0);
	ck_assert_int_eq(cs_requests_deadline(requests), INT64_MAX);
}
END_TEST

START_TEST(withdrawn_that_nobody_knows)
{
	send_status(1); // a ticket means a binding
	withdraw(1);
	withdraw(9);
	turn();
	assert_results("");
	succeed(200);
	assert_results("1:DONE(200) ");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("requests");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, binding_as_sent);
	tcase_add_test(c, status_as_sent);
	tcase_add_test(c, events_as_sent);
	tcase_add_test(c, names_cannot_escape_their_path);
	tcase_add_loop_test(c, doubtful_and_ours_is_done, 0, DOUBTS);
	tcase_add_loop_test(c, doubtful_and_elsewhere, 0, DOUBTS);
	tcase_add_loop_test(c, doubtful_and_another_uid_is_gone, 0, DOUBTS);
	tcase_add_loop_test(c, doubtful_and_not_found_is_gone, 0, DOUBTS);
	tcase_add_loop_test(c, doubtful_and_unbound_is_sent_again, 0, DOUBTS);
	tcase_add_loop_test(c, doubtful_and_terminating_is_refused, 0, DOUBTS);
	tcase_add_test(c, unbound_for_ever_fails);
	tcase_add_test(c, unexplained_conflicts_are_refused);
	tcase_add_test(c, looking_never_gives_up);
	tcase_add_loop_test(c, answers_to_a_binding_that_settle_it, 0, 6);
	tcase_add_loop_test(c, a_success_that_is_no_status_is_doubtful, 0, 2);
	tcase_add_test(c, busy_binding_waits_as_told);
	tcase_add_test(c, the_fence_holds_bindings_back);
	tcase_add_test(c, the_fence_lets_a_look_pass);
	tcase_add_test(c, after_silence_the_connection_is_new);
	tcase_add_loop_test(c, answers_to_a_status_patch, 0, 3);
	tcase_add_loop_test(c, a_status_patch_is_repeated, 0, 5);
	tcase_add_test(c, status_conflicts_end);
	tcase_add_loop_test(c, tries_end, 0, 2);
	tcase_add_loop_test(c, answers_to_an_event, 0, 3);
	tcase_add_loop_test(c, a_patched_event_that_is_gone_is_created, 0, 2);
	tcase_add_test(c, bindings_go_first_events_last);
	tcase_add_test(c, pace);
	tcase_add_test(c, a_burst_of_zero_is_one);
	tcase_add_test(c, at_most_64_in_flight);
	tcase_add_test(c, the_oldest_events_are_dropped);
	tcase_add_test(c, a_waiting_retry_does_not_block_others);
	tcase_add_test(c, destroy_forgets_all);
	tcase_add_test(c, withdrawn_before_it_was_sent);
	tcase_add_test(c, withdrawn_while_it_is_under_way);
	tcase_add_test(c, withdrawn_and_not_sent_again);
	tcase_add_test(c, withdrawn_while_it_waits_for_another_try);
	tcase_add_loop_test(c, withdrawn_in_doubt, 0, 2);
	tcase_add_test(c, withdrawn_that_nobody_knows);
	tcase_add_loop_test(c, every_write_ends_once, 0, 20);
	suite_add_tcase(suite, c);
	return suite;
}
