// A source's thread over a transport that answers what the test says: parts arrive, one round at a
// time, lines are logged once. Neighbours: daemon/load_thread.c, feed.c; the sampler is the real
// one.
#include "../check_main.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csched/base/memory.h>

#include "daemon/feed.h"
#include "daemon/load_thread.h"
#include "daemon/message.h"

#define LOG_MAX 65536

// A transport without a network: each call gets the next of the answers, the last one for ever.
struct fake {
	struct cs_transport transport;
	int wake; // eventfd
	struct cs_transport_call *call;
	const char *const *answers; // NULL = connection refused
	size_t n_answers;
	atomic_uint n_calls;
	atomic_uint n_answered;
};

struct cs_transport_call {
	const struct cs_handler *handler;
	void *user;
};

static struct cs_transport_call *start(struct cs_transport *transport,
				       const struct cs_request *request)
{
	struct fake *fake = (struct fake *)transport;
	struct cs_transport_call *call = cs_alloc(sizeof(*call));
	call->handler = request->handler;
	call->user = request->user;
	fake->call = call;
	atomic_fetch_add(&fake->n_calls, 1);
	return call;
}

static void cancel(struct cs_transport *transport, struct cs_transport_call *call)
{
	((struct fake *)transport)->call = NULL;
	free(call);
}

static void turn(struct cs_transport *transport, struct cs_time now)
{
	struct fake *fake = (struct fake *)transport;
	struct cs_transport_call *call = CS_TAKE(fake->call);
	if (!call)
		return;
	size_t n = atomic_load(&fake->n_calls) - 1;
	const char *body = fake->answers[n < fake->n_answers ? n : fake->n_answers - 1];
	struct cs_response response = { .status = body ? 200 : 0,
					.error = body ? 0 : -ECONNREFUSED,
					.message = body ? "" : "connection refused",
					.body = cs_slice_of(body) };
	call->handler->done(call->user, now, &response);
	free(call);
	atomic_fetch_add(&fake->n_answered, 1);
}

static int64_t deadline(const struct cs_transport *transport)
{
	return ((const struct fake *)transport)->call ? 0 : INT64_MAX;
}

static void wait_for(struct cs_transport *transport, int64_t timeout)
{
	struct fake *fake = (struct fake *)transport;
	struct pollfd fd = { .fd = fake->wake, .events = POLLIN };
	eventfd_t value;
	int ms = timeout < 10 * CS_MILLISECOND ? (int)(timeout / CS_MILLISECOND) : 10;
	if (poll(&fd, 1, ms) > 0)
		eventfd_read(fake->wake, &value);
}

static void wakeup(struct cs_transport *transport)
{
	eventfd_write(((struct fake *)transport)->wake, 1);
}

static void destroy(struct cs_transport *transport)
{
	struct fake *fake = (struct fake *)transport;
	free(fake->call);
	fake->call = NULL;
}

static const struct cs_transport_ops fake_ops = { start,    cancel, turn,   deadline,
						  wait_for, wakeup, destroy };

// ---- a thread ----

static char cpu[] = CS_LOAD_CPU, link_delay[] = "delay", name[] = "prom", text[] = "q",
	    from[] = "from";
static struct cs_load_metric load_metrics[] = {
	{ .name = cpu, .kind = CS_LOAD_USAGE },
	{ .name = link_delay, .kind = CS_LOAD_PAIR },
};
static struct cs_load_query query = { .metric = 0, .query = text, .scale = 2, .window = 7 };
static uint32_t both[] = { 1, 0 };
static struct cs_load_source source;
static struct cs_load_config config = {
	.n_metrics = 2, .metrics = load_metrics, .n_sources = 1, .sources = &source
};

static struct fake fake;
static struct cs_mailbox *core;
static struct cs_metrics *metrics;
static struct cs_load_thread *thread;
static struct cs_log logger;
static int log_fd;
static atomic_llong passed; // ns since the start, moved by the test
static int64_t skew;        // of samples against our clock, ns

static struct cs_time look(void *user)
{
	int64_t since = atomic_load(&passed);
	(void)user;
	return (struct cs_time){ .boot = 1000 * CS_SECOND + since,
				 .wall = INT64_C(1795248000) * CS_SECOND + since - skew };
}

static void setup(void)
{
	char path[] = "/tmp/test-load-XXXXXX";
	log_fd = mkstemp(path);
	unlink(path);
	logger = (struct cs_log){ .fd = log_fd, .clock = { .now = look } };
	core = cs_mailbox_create(NULL, NULL);
	metrics = cs_metrics_create();
	fake = (struct fake){ .transport.ops = &fake_ops, .wake = eventfd(0, EFD_NONBLOCK) };
	source = (struct cs_load_source){
		.name = name,
		.type = CS_LOAD_PROMETHEUS,
		.interval = 10 * CS_SECOND,
		.timeout = CS_SECOND,
		.body_max = 1 << 20,
		.n_queries = 1,
		.queries = &query,
	};
	thread = NULL;
	atomic_store(&passed, 0);
	skew = 0;
}

static void drop_messages(void)
{
	struct cs_message *next;
	for (struct cs_message *m = cs_mailbox_take(core); m; m = next) {
		next = m->next;
		cs_message_free_core(m);
	}
}

static void teardown(void)
{
	cs_load_thread_destroy(thread);
	drop_messages();
	cs_mailbox_destroy(core);
	cs_metrics_destroy(metrics);
	close(fake.wake);
	close(log_fd);
}

static void begin(const char *const *answers, size_t n)
{
	struct cs_error err;
	fake.answers = answers;
	fake.n_answers = n;
	int r = cs_load_thread_create(
		&(struct cs_load_thread_options){ .config = &config,
						  .seed = 1,
						  .log = &logger,
						  .clock = { .now = look },
						  .metrics = metrics,
						  .core = core,
						  .transport = &fake.transport },
		&thread, &err);
	ck_assert_msg(r == 0, "%s", err.text);
}

static void wait_for_answers(unsigned n)
{
	for (int i = 0; atomic_load(&fake.n_answered) < n; i++) {
		ck_assert_msg(i < 3000, "%u answers", atomic_load(&fake.n_answered));
		usleep(10000);
	}
}

static struct cs_message_load *next_message(void)
{
	cs_mailbox_wait(core, 30 * CS_SECOND);
	struct cs_message *message = cs_mailbox_take(core);
	ck_assert_ptr_nonnull(message);
	ck_assert_ptr_null(message->next);
	ck_assert_int_eq(message->kind, CS_CORE_LOAD);
	return (struct cs_message_load *)message;
}

static unsigned count_lines(const char *part)
{
	static char log[LOG_MAX];
	unsigned n = 0;
	ssize_t size = pread(log_fd, log, sizeof(log) - 1, 0);
	log[size < 0 ? 0 : size] = '\0';
	for (const char *at = log; (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

#define VECTOR(value)                                                                          \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":" \
	"{\"node\":\"a\"},\"value\":[1795248000,\"" value "\"]}]}}"

static const char one[] = VECTOR("1");
static const char more[] = VECTOR("1.5");

static double metric(const char *line)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 1 << 20);
	cs_metrics_print(metrics, &out);
	const char *at = strstr(out.data, line);
	ck_assert_msg(at != NULL, "%s is not in\n%s", line, out.data);
	return strtod(at + strlen(line), NULL);
}

START_TEST(samples_arrive)
{
	static const char *const answers[] = { more };
	begin(answers, 1);
	struct cs_message_load *load = next_message();
	ck_assert_uint_eq(load->source, 0);
	ck_assert_uint_eq(load->part->question, 0);
	ck_assert_uint_eq(load->part->n_samples, 1);
	ck_assert_str_eq(load->samples[0].node, "a");
	ck_assert_double_eq(load->samples[0].value, 3);
	ck_assert_int_eq(load->samples[0].window, 7);
	ck_assert_int_eq(load->samples[0].taken, INT64_C(1795248000) * CS_SECOND);
	cs_message_free_core(&load->message);
	cs_load_thread_credit(thread);
	ck_assert_double_eq(metric("csched_load_source_up{source=\"prom\",question=\"cpu\"} "), 1);
	ck_assert_double_eq(metric("csched_load_source_questions_total{source=\"prom\",question=\""
				   "cpu\",result=\"ok\"} "),
			    1);
	ck_assert_double_eq(
		metric("csched_load_source_newest_sample_timestamp_seconds{source=\"prom\","
		       "question=\"cpu\"} "),
		1795248000);
	ck_assert_uint_eq(count_lines("Load figures come in\""), 1);
}
END_TEST

// However much time goes by: the core has not read the last round.
START_TEST(a_round_waits_for_the_core)
{
	static const char *const answers[] = { one };
	begin(answers, 1);
	struct cs_message_load *load = next_message();
	atomic_store(&passed, 60 * CS_SECOND);
	usleep(50000);
	ck_assert_uint_eq(atomic_load(&fake.n_calls), 1);
	cs_message_free_core(&load->message);
	cs_load_thread_credit(thread);
	load = next_message();
	ck_assert_uint_eq(atomic_load(&fake.n_calls), 2);
	cs_message_free_core(&load->message);
	ck_assert_uint_eq(count_lines("Load figures come in\""), 1);
}
END_TEST

START_TEST(a_line_per_change)
{
	static const char *const answers[] = { NULL, NULL, "[]", one, NULL };
	begin(answers, CS_ARRAY_LENGTH(answers));
	for (unsigned i = 1; i <= 3; i++) {
		wait_for_answers(i);
		atomic_fetch_add(&passed, 100 * CS_SECOND);
	}
	struct cs_message_load *load = next_message();
	cs_message_free_core(&load->message);
	cs_load_thread_credit(thread);
	atomic_fetch_add(&passed, 100 * CS_SECOND);
	wait_for_answers(5);
	atomic_fetch_add(&passed, 100 * CS_SECOND);
	wait_for_answers(6);
	cs_load_thread_destroy(CS_TAKE(thread));
	ck_assert_uint_eq(count_lines("result=\"unreachable\""), 2);
	ck_assert_uint_eq(count_lines("err=\"connection refused\""), 2);
	ck_assert_uint_eq(count_lines("result=\"broken\""), 1);
	ck_assert_uint_eq(count_lines("come in"), 1);
	ck_assert_double_eq(metric("csched_load_source_up{source=\"prom\",question=\"cpu\"} "), 0);
}
END_TEST

static const struct {
	int64_t skew; // s that our clock is behind the source's
	const char *words;
} skews[] = {
	{ 0, "Load figures come in\"" },
	{ 5, "Load figures come in\"" },
	{ 3600, "come in with times ahead of our clock" },
	{ -200, "Load figures come in\"" },
	{ -3600, "come in, but old ones" },
};

START_TEST(clocks_that_differ)
{
	static const char *const answers[] = { one };
	skew = skews[_i].skew * CS_SECOND;
	begin(answers, 1);
	cs_message_free_core(&next_message()->message);
	ck_assert_uint_eq(count_lines("come in"), 1);
	ck_assert_uint_eq(count_lines(skews[_i].words), 1);
}
END_TEST

START_TEST(it_ends_while_it_waits)
{
	static const char *const answers[] = { one };
	begin(answers, 1);
	cs_load_thread_destroy(CS_TAKE(thread));
}
END_TEST

// ---- what a feed makes of the configuration ----

START_TEST(settings)
{
	struct cs_feed feed;
	source.type = CS_LOAD_METRICS_API;
	source.pods = true;
	source.n_metrics = 2;
	source.metrics = both;
	source.n_queries = 0;
	cs_feed_describe(&feed, &config, 0);
	ck_assert_int_eq(feed.source.kind, CS_SOURCE_METRICS_API);
	ck_assert_uint_eq(feed.source.cpu, 0);
	ck_assert_uint_eq(feed.source.memory, CS_SOURCE_NO_METRIC);
	ck_assert(feed.source.pods);
	cs_feed_finish(&feed);

	struct cs_load_query pair = { .metric = 1, .query = text, .label = from, .scale = 1 };
	source.type = CS_LOAD_PROMETHEUS;
	source.n_queries = 1;
	source.queries = &pair;
	cs_feed_describe(&feed, &config, 0);
	ck_assert(feed.source.queries[0].pair);
	ck_assert_str_eq(feed.source.queries[0].label, "from");
	ck_assert_str_eq(feed.source.queries[0].name, "delay");
	cs_feed_finish(&feed);
}
END_TEST

START_TEST(files_that_are_not_there)
{
	static char url[] = "https://127.0.0.1:1", file[] = "/no/such/file";
	struct cs_feed feed;
	struct cs_transport *transport;
	struct cs_error err;
	struct cs_feed_options options = { .config = &config };
	source.url = url;
	source.token_file = file;
	ck_assert_int_lt(cs_feed_init(&feed, &options, &transport, &err), 0);
	ck_assert_ptr_null(transport);
	ck_assert_msg(strstr(err.text, "source prom: token: /no/such/file") != NULL, "%s",
		      err.text);
	source.token_file = NULL;
	ck_assert_int_eq(cs_feed_init(&feed, &options, &transport, &err), 0);
	transport->ops->destroy(transport);
	cs_feed_finish(&feed);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("load_thread");
	TCase *tcase = tcase_create("load_thread");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, samples_arrive);
	tcase_add_test(tcase, a_round_waits_for_the_core);
	tcase_add_test(tcase, a_line_per_change);
	tcase_add_loop_test(tcase, clocks_that_differ, 0, CS_ARRAY_LENGTH(skews));
	tcase_add_test(tcase, it_ends_while_it_waits);
	tcase_add_test(tcase, settings);
	tcase_add_test(tcase, files_that_are_not_there);
	suite_add_tcase(suite, tcase);
	return suite;
}
