// The client's thread over a transport that answers what the test says: results arrive, the end
// comes. Neighbours: daemon/client_thread.c; the client between them is the real one.
#include "../check_main.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csched/base/memory.h>

#include "daemon/client_thread.h"
#include "daemon/message.h"

#define PATIENCE (20 * CS_SECOND) // until something that must come true is given up

#define CALLS_MAX 64

// A transport without a network: calls to a path with "/binding" are answered 201 where `answers`
// says so, a watch of ConfigMaps as `config_map` says, of a good answer without an end; all others
// never.
struct fake {
	struct cs_transport transport;
	bool answers;
	const struct cs_response *config_map; // NULL = no answer
	int wake;                             // eventfd
	struct cs_transport_call *calls[CALLS_MAX];
	size_t n_calls;
};

struct cs_transport_call {
	const struct cs_response *answer;
	const struct cs_handler *handler;
	void *user;
};

static struct cs_transport_call *start(struct cs_transport *transport,
				       const struct cs_request *request)
{
	static const struct cs_response created = { .status = 201, .message = "" };
	struct fake *fake = (struct fake *)transport;
	struct cs_transport_call *call = cs_alloc(sizeof(*call));
	ck_assert_uint_lt(fake->n_calls, CALLS_MAX);
	if (strstr(request->path, "/binding"))
		call->answer = fake->answers ? &created : NULL;
	else if (strstr(request->path, "/configmaps?"))
		call->answer = fake->config_map;
	call->handler = request->handler;
	call->user = request->user;
	fake->calls[fake->n_calls++] = call;
	return call;
}

static void forget(struct fake *fake, size_t i)
{
	free(fake->calls[i]);
	fake->calls[i] = fake->calls[--fake->n_calls];
}

static void cancel(struct cs_transport *transport, struct cs_transport_call *call)
{
	struct fake *fake = (struct fake *)transport;
	for (size_t i = 0; i < fake->n_calls; i++)
		if (fake->calls[i] == call) {
			forget(fake, i);
			return;
		}
}

static void show(const struct cs_transport_call *call, struct cs_time now)
{
	CS_AUTO_BUFFER struct cs_buffer in;
	cs_buffer_init(&in, 10000);
	cs_buffer_append(&in, call->answer->body.data, call->answer->body.size);
	call->handler->data(call->user, now, &in);
}

static void turn(struct cs_transport *transport, struct cs_time now)
{
	struct fake *fake = (struct fake *)transport;
	for (size_t i = 0; i < fake->n_calls; i++)
		if (fake->calls[i]->answer) {
			struct cs_transport_call call = *fake->calls[i];
			if (call.handler->data && call.answer->status == 200) {
				fake->calls[i]->answer = NULL;
				show(&call, now);
				continue;
			}
			forget(fake, i--);
			call.handler->done(call.user, now, call.answer);
		}
}

static int64_t deadline(const struct cs_transport *transport)
{
	const struct fake *fake = (const struct fake *)transport;
	for (size_t i = 0; i < fake->n_calls; i++)
		if (fake->calls[i]->answer)
			return 0;
	return INT64_MAX;
}

static void wait_for(struct cs_transport *transport, int64_t timeout)
{
	struct fake *fake = (struct fake *)transport;
	struct pollfd fd = { .fd = fake->wake, .events = POLLIN };
	eventfd_t value;
	if (poll(&fd, 1, timeout < 0 ? -1 : (int)(timeout / CS_MILLISECOND)) > 0)
		eventfd_read(fake->wake, &value);
}

static void wakeup(struct cs_transport *transport)
{
	eventfd_write(((struct fake *)transport)->wake, 1);
}

static void destroy(struct cs_transport *transport)
{
	struct fake *fake = (struct fake *)transport;
	while (fake->n_calls)
		forget(fake, 0);
	close(fake->wake);
	free(fake);
}

static const struct cs_transport_ops fake_ops = { start,    cancel, turn,   deadline,
						  wait_for, wakeup, destroy };

// ---- a thread ----

static struct cs_endpoint endpoint = { .server = (char *)"http://test" };
static struct cs_log logger;
static int log_fd = -1;
static struct cs_metrics *metrics;
static struct cs_daemon_status status;
static struct cs_mailbox *core;
static struct cs_client_thread *thread;

// What is looked up, and what came of it.
static struct {
	const struct cs_response *answer; // NULL = nothing is looked up
	bool must;
	atomic_int trusted;
	char client_ca[16];
} lookup;

static void on_trust(void *user, const struct cs_lookup_found *found)
{
	ck_assert_ptr_eq(user, &lookup);
	snprintf(lookup.client_ca, sizeof(lookup.client_ca), "%s", found->client_ca);
	atomic_fetch_add(&lookup.trusted, 1);
}

static void create_with(bool answers, struct cs_clock clock)
{
	struct cs_error err = { 0 };
	struct fake *fake = cs_alloc(sizeof(*fake));
	*fake = (struct fake){ .transport = { &fake_ops },
			       .answers = answers,
			       .config_map = lookup.answer,
			       .wake = eventfd(0, EFD_CLOEXEC) };
	logger = (struct cs_log){ .fd = log_fd, .clock = clock };
	metrics = cs_metrics_create();
	memset(&status, 0, sizeof(status));
	core = cs_mailbox_create(NULL, NULL);
	struct cs_client_thread_options options = {
		.endpoint = &endpoint,
		.seed = 1,
		.log = &logger,
		.clock = logger.clock,
		.metrics = metrics,
		.status = &status,
		.core = core,
		.transport = &fake->transport,
		.trust = lookup.answer ? on_trust : NULL,
		.user = &lookup,
		.must_look_up = lookup.must,
	};
	ck_assert_msg(cs_client_thread_create(&options, &thread, &err) == 0, "%s", err.text);
}

static void create(bool answers)
{
	create_with(answers, cs_clock_system());
}

static void finish(void)
{
	cs_client_thread_destroy(thread);
	ck_assert_ptr_null(cs_mailbox_take(core));
	cs_mailbox_destroy(core);
	cs_metrics_destroy(metrics);
}

static int64_t now(void)
{
	return cs_clock_now(&logger.clock).boot;
}

// The next message to the core.
static struct cs_message *next_message(void)
{
	cs_mailbox_wait(core, PATIENCE);
	struct cs_message *message = cs_mailbox_take(core);
	ck_assert_ptr_nonnull(message);
	ck_assert_ptr_null(message->next);
	return message;
}

static void bind_one(uint64_t ticket)
{
	cs_client_thread_write(thread, &(struct cs_write){ .kind = CS_WRITE_BIND,
							   .ticket = ticket,
							   .namespace = "ns",
							   .name = "p",
							   .uid = "u",
							   .node = "n" });
}

static void expect_end_for(const char *failure)
{
	struct cs_message *message = next_message();
	ck_assert_int_eq(message->kind, CS_CORE_ENDED);
	ck_assert_pstr_eq(((struct cs_message_ended *)message)->failure, failure);
	cs_message_free_core(message);
}

static void expect_end(void)
{
	expect_end_for(NULL);
}

START_TEST(a_result)
{
	create(true);
	bind_one(7);
	struct cs_message *message = next_message();
	ck_assert_int_eq(message->kind, CS_CORE_WRITTEN);
	const struct cs_write_result *result = &((struct cs_message_written *)message)->result;
	ck_assert_uint_eq(result->ticket, 7);
	ck_assert_int_eq(result->kind, CS_WRITE_BIND);
	ck_assert_int_eq(result->outcome, CS_WRITE_DONE);
	cs_message_free_core(message);
	cs_client_thread_stop(thread);
	expect_end();
	finish();
}
END_TEST

static struct cs_time standing_now(void *user)
{
	(void)user;
	return (struct cs_time){ .boot = 100 * CS_SECOND, .wall = 1000 * CS_SECOND };
}

// At once: no time passes that it could wait for.
START_TEST(it_ends_at_once_with_nothing_to_do)
{
	create_with(true, (struct cs_clock){ .now = standing_now });
	cs_client_thread_stop(thread);
	cs_client_thread_stop(thread); // twice is once
	expect_end();
	finish();
}
END_TEST

// What was asked for before the end is still written.
START_TEST(it_writes_what_is_queued)
{
	create(true);
	bind_one(1);
	bind_one(2);
	cs_client_thread_stop(thread);
	unsigned results = 0;
	for (bool ended = false; !ended;) {
		cs_mailbox_wait(core, PATIENCE);
		struct cs_message *next;
		for (struct cs_message *m = cs_mailbox_take(core); m; m = next) {
			next = m->next;
			results += m->kind == CS_CORE_WRITTEN;
			ended = m->kind == CS_CORE_ENDED;
			cs_message_free_core(m);
		}
	}
	ck_assert_uint_eq(results, 2);
	finish();
}
END_TEST

START_TEST(it_does_not_wait_for_ever)
{
	create(false);
	bind_one(1);
	int64_t start_time = now();
	cs_client_thread_stop(thread);
	expect_end();
	ck_assert_int_ge(now() - start_time, 500 * CS_MILLISECOND); // it did wait
	finish();
}
END_TEST

START_TEST(what_it_shows)
{
	create(false);
	int64_t end = now() + PATIENCE;
	while (!atomic_load(&status.client_turn) && now() < end)
		usleep(1000);
	ck_assert_int_gt(atomic_load(&status.client_turn), 0);
	ck_assert(!atomic_load(&status.informers_synced));
	ck_assert(!atomic_load(&status.leading));
	ck_assert(atomic_load(&status.lease_healthy));
	cs_client_thread_stop(thread);
	expect_end();
	finish();
}
END_TEST

// ---- looking up whose certificates count ----

// An event: the ConfigMap of version 1 with a client-ca-file "one" is there.
static const struct cs_response found = {
	.status = 200,
	.message = "",
	.body = CS_SLICE("\0\0\0\x3e"
			 "\n\x05"
			 "ADDED"
			 "\x12\x35"
			 "\n\x33"
			 "k8s\0"
			 "\n\x0f"
			 "\n\x02"
			 "v1"
			 "\x12\x09"
			 "ConfigMap"
			 "\x12\x1c"
			 "\n\x03"
			 "2\x01"
			 "1"
			 "\x12\x15"
			 "\n\x0e"
			 "client-ca-file"
			 "\x12\x03"
			 "one"),
};
static const struct cs_response forbidden = {
	.status = 403,
	.message = "",
	.body = CS_SLICE("{\"apiVersion\":\"v1\",\"kind\":\"Status\",\"message\":\"no leave\"}"),
};

static const char *logged(void)
{
	static char text[10000];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void wait_logged(const char *part)
{
	for (int64_t end = now() + PATIENCE; !strstr(logged(), part) && now() < end;)
		usleep(1000);
	ck_assert_msg(strstr(logged(), part), "%s", logged());
}

static void begin_lookup(const struct cs_response *answer, bool must)
{
	lookup.answer = answer;
	lookup.must = must;
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(log_fd, 0);
	create(true);
}

START_TEST(it_looks_up)
{
	begin_lookup(&found, true);
	for (int64_t end = now() + PATIENCE; !atomic_load(&lookup.trusted) && now() < end;)
		usleep(1000);
	ck_assert_int_eq(atomic_load(&lookup.trusted), 1);
	ck_assert_str_eq(lookup.client_ca, "one");
	cs_client_thread_stop(thread);
	expect_end();
	ck_assert_str_eq(logged(), "");
	finish();
}
END_TEST

START_TEST(it_goes_on_without)
{
	begin_lookup(&forbidden, false);
	wait_logged("To require authentication configuration lookup to succeed, set "
		    "--authentication-tolerate-lookup-failure=false");
	ck_assert(strstr(logged(), "Unable to get configmap/extension-apiserver-authentication in "
				   "kube-system.  Usually fixed by 'kubectl create rolebinding -n "
				   "kube-system ROLEBINDING_NAME "
				   "--role=extension-apiserver-authentication-reader "
				   "--serviceaccount=YOUR_NS:YOUR_SA'"));
	ck_assert(strstr(logged(),
			 "Error looking up in-cluster authentication configuration: no leave"));
	ck_assert(strstr(logged(),
			 "Continuing without authentication configuration. This may treat "
			 "all requests as anonymous."));
	bind_one(1); // it is alive
	struct cs_message *message = next_message();
	ck_assert_int_eq(message->kind, CS_CORE_WRITTEN);
	cs_message_free_core(message);
	cs_client_thread_stop(thread);
	expect_end();
	finish();
}
END_TEST

START_TEST(it_ends_where_it_must_know)
{
	begin_lookup(&forbidden, true);
	expect_end_for("unable to load configmap based request-header-client-ca-file: no leave");
	ck_assert(strstr(logged(), "Unable to get configmap/"));
	ck_assert(!strstr(logged(), "Continuing without"));
	finish();
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("client_thread");
	TCase *tcase = tcase_create("client_thread");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_result);
	tcase_add_test(tcase, it_ends_at_once_with_nothing_to_do);
	tcase_add_test(tcase, it_writes_what_is_queued);
	tcase_add_test(tcase, it_does_not_wait_for_ever);
	tcase_add_test(tcase, what_it_shows);
	tcase_add_test(tcase, it_looks_up);
	tcase_add_test(tcase, it_goes_on_without);
	tcase_add_test(tcase, it_ends_where_it_must_know);
	suite_add_tcase(suite, tcase);
	return suite;
}
