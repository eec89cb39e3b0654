// Rounds of a source, with a scripted server. Neighbours: lib/load/sampler.c.
#include <csched/load/sampler.h>

#include <errno.h>
#include <stdio.h>

#include "../check_main.h"
#include "../client/fake.h"
#include <csched/base/memory.h>

#define NODES                                                                                      \
	"{\"kind\":\"NodeMetricsList\",\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"a\"}," \
	"\"timestamp\":\"2026-11-21T08:00:00Z\",\"usage\":{\"cpu\":\"1\"}}]}"
#define VECTOR(value)                                                                          \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":" \
	"{\"node\":\"a\"},\"value\":[1,\"" value "\"]}]}}"
#define NOTHING "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"

static struct cs_source metrics_api = {
	.name = "metrics",
	.kind = CS_SOURCE_METRICS_API,
	.interval = 15 * CS_SECOND,
	.timeout = 10 * CS_SECOND,
	.body_max = 1000,
	.memory = 1,
};
static const struct cs_source_query queries[] = {
	{ .name = "cpu", .metric = 0, .query = "q1", .scale = 1 },
	{ .name = "connections", .metric = 1, .query = "q2", .limit = "l2", .scale = 1 },
};
static struct cs_source prometheus = {
	.name = "prom",
	.kind = CS_SOURCE_PROMETHEUS,
	.interval = 15 * CS_SECOND,
	.timeout = 5 * CS_SECOND,
	.body_max = 1000,
	.n_queries = 2,
	.queries = queries,
};

static struct cs_source source; // a variant of one of these
static struct fake fake;
static struct cs_sampler *sampler;
static struct cs_time now;
static bool is_ready;
static unsigned rounds;
static unsigned n_outcomes;
static struct {
	uint32_t question;
	enum cs_sampler_result result;
	char words[256];
	uint32_t n_samples;
	bool had_part;
} outcomes[16];
static unsigned n_parts;
static struct cs_part *last_part;

static bool ready(void *user)
{
	(void)user;
	return is_ready;
}

static void on_outcome(void *user, const struct cs_sampler_outcome *outcome)
{
	(void)user;
	outcomes[n_outcomes].question = outcome->question;
	outcomes[n_outcomes].result = outcome->result;
	snprintf(outcomes[n_outcomes].words, sizeof(outcomes[0].words), "%s", outcome->words);
	outcomes[n_outcomes].had_part = outcome->part != NULL;
	outcomes[n_outcomes++].n_samples = outcome->part ? outcome->part->n_samples : 0;
}

static void on_part(void *user, struct cs_part *part)
{
	(void)user;
	cs_part_destroy(last_part);
	last_part = part;
	n_parts++;
}

static void on_round(void *user, int64_t duration)
{
	(void)user;
	ck_assert_int_ge(duration, 0);
	rounds++;
}

static void begin(const struct cs_source *asked)
{
	fake_init(&fake);
	sampler = cs_sampler_create(&(struct cs_sampler_options){
		.source = asked,
		.transport = &fake.base,
		.seed = 1,
		.sink = { .ready = ready,
			  .outcome = on_outcome,
			  .part = on_part,
			  .round = on_round },
	});
}

static void setup(void)
{
	now = (struct cs_time){ .boot = 1000 * CS_SECOND, .wall = INT64_C(1795248000) * CS_SECOND };
	is_ready = true;
	rounds = n_outcomes = n_parts = 0;
}

static void teardown(void)
{
	cs_sampler_destroy(sampler);
	sampler = NULL;
	ck_assert_uint_eq(fake.destroyed, 1);
	cs_part_destroy(last_part);
	last_part = NULL;
}

// Ends the question that is asked.
static void done(struct cs_response response)
{
	ck_assert_uint_eq(fake_count(&fake), 1);
	ck_assert_str_eq(fake_newest(&fake)->accept, "application/json");
	fake_done(fake_newest(&fake), &response);
}

static void answer(int status, const char *body)
{
	done((struct cs_response){ .status = status, .body = cs_slice_of(body) });
}

static void pass(int64_t ns)
{
	now.boot += ns;
	now.wall += ns;
	cs_sampler_turn(sampler, now);
}

// How long until the next round begins, in ns.
static int64_t waited(void)
{
	int64_t due = cs_sampler_deadline(sampler);
	unsigned started = fake.started;
	pass(due - now.boot - 1);
	ck_assert_uint_eq(fake.started, started);
	pass(1);
	ck_assert_uint_eq(fake.started, started + 1);
	return due;
}

START_TEST(rounds_of_the_metrics_api)
{
	begin(&metrics_api);
	ck_assert_int_eq(cs_sampler_deadline(sampler), INT64_MIN);
	pass(0);
	ck_assert_str_eq(fake_newest(&fake)->path, "/apis/metrics.k8s.io/v1beta1/nodes?limit=500");
	ck_assert_int_eq(fake_newest(&fake)->method, CS_METHOD_GET);
	ck_assert_int_eq(fake_newest(&fake)->timeout, 10 * CS_SECOND);
	ck_assert_uint_eq(fake_newest(&fake)->body_max, 1000);
	ck_assert_int_eq(cs_sampler_deadline(sampler), INT64_MAX);
	// one round at a time, however long it takes
	pass(60 * CS_SECOND);
	ck_assert_uint_eq(fake.started, 1);
	answer(200, NODES);
	ck_assert_uint_eq(n_outcomes, 1);
	ck_assert_int_eq(outcomes[0].result, CS_SAMPLER_OK);
	ck_assert_str_eq(outcomes[0].words, "");
	ck_assert_uint_eq(outcomes[0].n_samples, 1);
	ck_assert_uint_eq(n_parts, 1);
	ck_assert_uint_eq(rounds, 1);
	ck_assert_str_eq(last_part->samples[0].node, "a");
	// the next one is due already
	pass(0);
	ck_assert_uint_eq(fake.started, 2);
	answer(200, NODES);
	int64_t start = now.boot, interval = waited() - start;
	ck_assert_int_ge(interval, 15 * CS_SECOND);
	ck_assert_int_le(interval, 16500 * CS_MILLISECOND);
}
END_TEST

START_TEST(pods_are_asked_for_behind_nodes)
{
	source = metrics_api;
	source.pods = true;
	begin(&source);
	pass(0);
	answer(500, "");
	ck_assert_str_eq(fake_newest(&fake)->path, "/apis/metrics.k8s.io/v1beta1/pods?limit=500");
	answer(200, "{\"kind\":\"PodMetricsList\",\"items\":[]}");
	ck_assert_uint_eq(n_outcomes, 2);
	ck_assert_int_eq(outcomes[0].result, CS_SAMPLER_REFUSED);
	// a cluster without pods is no fault
	ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_OK);
	ck_assert_uint_eq(n_parts, 0);
	ck_assert_uint_eq(rounds, 1);
}
END_TEST

START_TEST(pages_are_one_part)
{
	begin(&metrics_api);
	pass(0);
	answer(200, "{\"kind\":\"NodeMetricsList\",\"metadata\":{\"continue\":\"x/1=\"},\"items\":["
		    "{\"metadata\":{\"name\":\"b\"},\"timestamp\":\"2026-11-21T08:00:00Z\","
		    "\"usage\":{\"memory\":\"1\"}}]}");
	ck_assert_uint_eq(n_outcomes, 0);
	ck_assert_str_eq(fake_newest(&fake)->path,
			 "/apis/metrics.k8s.io/v1beta1/nodes?limit=500&continue=x%2F1%3D");
	ck_assert_uint_lt(fake_newest(&fake)->body_max, 1000);
	answer(200, NODES);
	ck_assert_uint_eq(n_parts, 1);
	ck_assert_uint_eq(last_part->n_samples, 2);
	ck_assert_str_eq(last_part->samples[0].node, "b");
}
END_TEST

START_TEST(pages_are_small_together)
{
	source = metrics_api;
	source.body_max = 60;
	begin(&source);
	pass(0);
	answer(200,
	       "{\"kind\":\"NodeMetricsList\",\"metadata\":{\"continue\":\"x\"},\"items\":[]}");
	ck_assert_int_eq(outcomes[0].result, CS_SAMPLER_TOO_LARGE);
	ck_assert(!outcomes[0].had_part);
	ck_assert_uint_eq(n_parts, 0);
	ck_assert_uint_eq(rounds, 1);
}
END_TEST

START_TEST(queries_one_after_the_other)
{
	begin(&prometheus);
	pass(0);
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query?query=q1");
	answer(200, VECTOR("1"));
	ck_assert_uint_eq(n_parts, 1);
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query?query=l2");
	answer(200, VECTOR("100"));
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query?query=q2");
	ck_assert_uint_eq(n_outcomes, 1);
	answer(200, VECTOR("7"));
	ck_assert_uint_eq(n_outcomes, 2);
	ck_assert_uint_eq(outcomes[1].question, 1);
	ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_OK);
	ck_assert_double_eq(last_part->samples[0].value, 7);
	ck_assert_double_eq(last_part->samples[0].limit, 100);
	ck_assert_uint_eq(rounds, 1);
}
END_TEST

// Limits change rarely: the ones known serve while their query fails, which is said.
START_TEST(known_limits_serve_on)
{
	source = prometheus;
	source.n_queries = 1;
	source.queries = &queries[1];
	begin(&source);
	pass(0);
	answer(200, VECTOR("100"));
	answer(200, VECTOR("7"));
	pass(17 * CS_SECOND);
	answer(422, "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"many\"}");
	answer(200, VECTOR("8"));
	ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_REFUSED);
	ck_assert_str_eq(outcomes[1].words, "limit: HTTP 422: execution: many");
	ck_assert_double_eq(last_part->samples[0].value, 8);
	ck_assert_double_eq(last_part->samples[0].limit, 100);
	pass(17 * CS_SECOND);
	answer(200, "{");
	answer(200, VECTOR("9"));
	ck_assert_int_eq(outcomes[2].result, CS_SAMPLER_BROKEN);
	ck_assert_msg(cs_string_prefix(outcomes[2].words, "limit: the answer is not JSON"), "%s",
		      outcomes[2].words);
	ck_assert_double_eq(last_part->samples[0].limit, 100);
}
END_TEST

#define AT(time)                                                                               \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":" \
	"{\"node\":\"a\"},\"value\":[9999," time "]}]}}"

static const struct cs_source_query dated = {
	.name = "connections", .query = "q", .limit = "l", .time = "t", .scale = 1
};

static void begin_dated(void)
{
	source = prometheus;
	source.n_queries = 1;
	source.queries = &dated;
	begin(&source);
	pass(0);
}

START_TEST(limits_then_times_then_values)
{
	begin_dated();
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query?query=l");
	answer(200, VECTOR("100"));
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query?query=t");
	answer(200, AT("\"50.5\""));
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query?query=q");
	answer(200, AT("\"7\""));
	ck_assert_int_eq(outcomes[0].result, CS_SAMPLER_OK);
	ck_assert_double_eq(last_part->samples[0].limit, 100);
	ck_assert_int_eq(last_part->samples[0].taken, 50500 * CS_MILLISECOND);
	ck_assert_uint_eq(rounds, 1);
}
END_TEST

// While times cannot be had the ones known are kept: figures age, they do not look new.
START_TEST(without_times_figures_age)
{
	begin_dated();
	answer(200, VECTOR("100"));
	answer(400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"x\"}");
	answer(200, AT("\"7\""));
	ck_assert_int_eq(outcomes[0].result, CS_SAMPLER_REFUSED);
	ck_assert_str_eq(outcomes[0].words, "time: HTTP 400: bad_data: x");
	ck_assert_uint_eq(n_parts, 0);
	pass(34 * CS_SECOND);
	answer(200, VECTOR("100"));
	answer(200, AT("\"50\""));
	answer(200, AT("\"7\""));
	ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_OK);
	pass(17 * CS_SECOND);
	answer(500, "");
	answer(503, "");
	answer(200, AT("\"8\""));
	// the first of the two failures is told
	ck_assert_str_eq(outcomes[2].words, "limit: HTTP 500");
	ck_assert_uint_eq(n_parts, 2);
	ck_assert_int_eq(last_part->samples[0].taken, 50 * CS_SECOND);
	pass(17 * CS_SECOND);
	answer(200, VECTOR("100"));
	answer(200, NOTHING);
	answer(200, AT("\"8\""));
	ck_assert_int_eq(outcomes[3].result, CS_SAMPLER_EMPTY);
	ck_assert_str_eq(outcomes[3].words,
			 "the query for times has none of the 1 nodes that the query has");
}
END_TEST

START_TEST(long_queries_are_forms)
{
	static char text[3001];
	memset(text, 'x', 3000);
	text[3000] = '\0';
	static struct cs_source_query query;
	query = (struct cs_source_query){ .name = "cpu", .query = text, .scale = 1 };
	source = prometheus;
	source.n_queries = 1;
	source.queries = &query;
	begin(&source);
	pass(0);
	ck_assert_int_eq(fake_newest(&fake)->method, CS_METHOD_POST);
	ck_assert_str_eq(fake_newest(&fake)->path, "/api/v1/query");
	ck_assert_str_eq(fake_newest(&fake)->content_type, "application/x-www-form-urlencoded");
	ck_assert_uint_eq(fake_newest(&fake)->body.size, 3006);
}
END_TEST

// ---- failures ----

static const struct {
	bool prometheus;
	struct cs_response response;
	const char *body;
	enum cs_sampler_result result;
	const char *words; // how they begin
} failures[] = {
	{ true,
	  { .error = -ECONNREFUSED, .message = "connection refused", .refused = true },
	  NULL,
	  CS_SAMPLER_UNREACHABLE,
	  "connection refused" },
	{ true,
	  { .error = -EPROTO, .message = "SSL certificate problem" },
	  NULL,
	  CS_SAMPLER_UNREACHABLE,
	  "SSL certificate problem" },
	{ true,
	  { .error = -ECONNRESET, .status = 200, .message = "half" },
	  VECTOR("1"),
	  CS_SAMPLER_UNREACHABLE,
	  "half" },
	{ true,
	  { .error = -ETIMEDOUT, .message = "timed out" },
	  NULL,
	  CS_SAMPLER_TIMEOUT,
	  "timed out" },
	{ true,
	  { .error = -EMSGSIZE, .status = 200, .message = "large" },
	  NULL,
	  CS_SAMPLER_TOO_LARGE,
	  "the answer is larger than the limit of 1000 bytes" },
	{ true,
	  { .status = 401 },
	  "Unauthorized\nx",
	  CS_SAMPLER_UNAUTHORIZED,
	  "HTTP 401: Unauthorized" },
	{ true, { .status = 403 }, "", CS_SAMPLER_FORBIDDEN, "HTTP 403" },
	{ true, { .status = 404 }, "<html>", CS_SAMPLER_NOT_FOUND, "HTTP 404: <html>" },
	{ true, { .status = 302 }, NULL, CS_SAMPLER_REFUSED, "HTTP 302" },
	{ true,
	  { .status = 400 },
	  "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}",
	  CS_SAMPLER_REFUSED,
	  "HTTP 400: bad_data: parse error" },
	{ true, { .status = 500 }, "\x1b[31m", CS_SAMPLER_REFUSED, "HTTP 500" },
	{ true, { .status = 200 }, "{", CS_SAMPLER_BROKEN, "the answer is not JSON" },
	{ true, { .status = 200 }, "[]", CS_SAMPLER_BROKEN, "the answer is not Prometheus'" },
	{ true,
	  { .status = 200 },
	  "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"2\"]}}",
	  CS_SAMPLER_BROKEN,
	  "the query gives a scalar" },
	{ true, { .status = 200 }, NOTHING, CS_SAMPLER_EMPTY, "the query finds no series" },
	{ true,
	  { .status = 200 },
	  "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":"
	  "{},\"value\":[1,\"2\"]}]}}",
	  CS_SAMPLER_EMPTY,
	  "none of the 1 series has the label that names a node" },
	{ true,
	  { .status = 200 },
	  "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":"
	  "{\"node\":\"a\"}}]}}",
	  CS_SAMPLER_EMPTY,
	  "nothing can be read: no value" },
	{ false,
	  { .status = 403 },
	  "{\"kind\":\"Status\",\"message\":\"nodes.metrics.k8s.io is forbidden\"}",
	  CS_SAMPLER_FORBIDDEN,
	  "HTTP 403: nodes.metrics.k8s.io is forbidden" },
	{ false,
	  { .status = 404 },
	  "404 page not found\n",
	  CS_SAMPLER_NOT_FOUND,
	  "HTTP 404: the API server has no metrics.k8s.io/v1beta1, is metrics-server installed?" },
	{ false,
	  { .status = 503 },
	  "service unavailable\n",
	  CS_SAMPLER_REFUSED,
	  "HTTP 503: service unavailable" },
	{ false,
	  { .status = 200 },
	  "{\"kind\":\"Status\"}",
	  CS_SAMPLER_BROKEN,
	  "the answer is no NodeMetricsList" },
	{ false,
	  { .status = 200 },
	  "{\"kind\":\"NodeMetricsList\",\"items\":[{\"metadata\":{\"name\":\"a\"}}]}",
	  CS_SAMPLER_EMPTY,
	  "nothing can be read: a: no timestamp" },
};

START_TEST(a_question_that_fails)
{
	struct cs_response response = failures[_i].response;
	response.body = cs_slice_of(failures[_i].body);
	begin(failures[_i].prometheus ? &prometheus : &metrics_api);
	pass(0);
	done(response);
	ck_assert_uint_ge(n_outcomes, 1);
	ck_assert_int_eq(outcomes[0].result, failures[_i].result);
	ck_assert_msg(cs_string_prefix(outcomes[0].words, failures[_i].words), "%s",
		      outcomes[0].words);
	ck_assert_uint_eq(n_parts, 0);
	if (!failures[_i].prometheus)
		return;
	if (failures[_i].result == CS_SAMPLER_UNREACHABLE) {
		// the others are not tried
		ck_assert_uint_eq(fake_count(&fake), 0);
		ck_assert_uint_eq(n_outcomes, 2);
		ck_assert_uint_eq(outcomes[1].question, 1);
		ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_UNREACHABLE);
		ck_assert_uint_eq(rounds, 1);
		return;
	}
	answer(200, VECTOR("100"));
	answer(200, VECTOR("7"));
	ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_OK);
	ck_assert_uint_eq(n_parts, 1);
	ck_assert_uint_eq(rounds, 1);
}
END_TEST

START_TEST(an_unreachable_limit_ends_the_round)
{
	begin(&prometheus);
	pass(0);
	answer(200, VECTOR("1"));
	done((struct cs_response){ .error = -ECONNRESET, .message = "gone" });
	ck_assert_uint_eq(n_outcomes, 2);
	ck_assert_int_eq(outcomes[1].result, CS_SAMPLER_UNREACHABLE);
	ck_assert_str_eq(outcomes[1].words, "gone");
	ck_assert_uint_eq(rounds, 1);
	ck_assert_uint_eq(fake_count(&fake), 0);
}
END_TEST

START_TEST(it_backs_off)
{
	static const int64_t waits[] = { 30, 60, 60, 60 };
	begin(&metrics_api);
	pass(0);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(waits); i++) {
		int64_t start = now.boot;
		done((struct cs_response){ .error = -ECONNREFUSED });
		int64_t wait = waited() - start;
		ck_assert_int_ge(wait, waits[i] * CS_SECOND);
		ck_assert_int_le(wait, waits[i] * CS_SECOND * 11 / 10);
	}
	// an answer, also an empty one, ends it
	int64_t start = now.boot;
	answer(200, "{\"kind\":\"NodeMetricsList\",\"items\":[]}");
	ck_assert_str_eq(outcomes[n_outcomes - 1].words, "the list is empty");
	ck_assert_int_le(waited() - start, 16500 * CS_MILLISECOND);
}
END_TEST

// Who answers too late is not asked again at once, however long it took to find that out.
START_TEST(it_backs_off_from_the_end)
{
	begin(&metrics_api);
	pass(0);
	pass(50 * CS_SECOND);
	int64_t end = now.boot;
	done((struct cs_response){ .error = -ETIMEDOUT });
	ck_assert_int_ge(waited() - end, 30 * CS_SECOND);
}
END_TEST

START_TEST(a_long_interval_does_not_shrink)
{
	source = metrics_api;
	source.interval = 100 * CS_SECOND;
	begin(&source);
	pass(0);
	int64_t start = now.boot;
	answer(500, "");
	int64_t wait = waited() - start;
	ck_assert_int_ge(wait, 100 * CS_SECOND);
	ck_assert_int_le(wait, 110 * CS_SECOND);
}
END_TEST

START_TEST(retry_after_is_kept)
{
	begin(&metrics_api);
	pass(0);
	int64_t start = now.boot;
	done((struct cs_response){ .status = 429, .retry_after = 120 * CS_SECOND });
	ck_assert_int_eq(waited() - start, 120 * CS_SECOND);
	start = now.boot;
	done((struct cs_response){ .status = 429, .retry_after = 3600 * CS_SECOND });
	ck_assert_int_eq(waited() - start, CS_SAMPLER_RETRY_MAX);
}
END_TEST

START_TEST(no_round_begins_before_the_receiver_is_ready)
{
	begin(&metrics_api);
	is_ready = false;
	pass(0);
	ck_assert_uint_eq(fake_count(&fake), 0);
	ck_assert_int_eq(cs_sampler_deadline(sampler), INT64_MAX);
	cs_sampler_wait(sampler, now, 5 * CS_SECOND);
	ck_assert_int_eq(fake.waited, 5 * CS_SECOND);
	is_ready = true;
	cs_sampler_wait(sampler, now, 5 * CS_SECOND);
	ck_assert_int_eq(fake.waited, 0);
	pass(0);
	ck_assert_uint_eq(fake_count(&fake), 1);
}
END_TEST

// The fixture destroys it.
START_TEST(it_may_end_in_mid_round)
{
	begin(&prometheus);
	pass(0);
	answer(200, VECTOR("1"));
	ck_assert_uint_eq(fake_count(&fake), 1);
	cs_sampler_destroy(sampler);
	ck_assert_uint_eq(fake.cancelled, 1);
	begin(&prometheus);
}
END_TEST

START_TEST(results_have_names)
{
	begin(&prometheus);
	for (int i = 0; i < CS_SAMPLER_RESULT_COUNT; i++)
		ck_assert_ptr_nonnull(cs_sampler_result_name((enum cs_sampler_result)i));
	ck_assert_uint_eq(cs_source_count(&prometheus), 2);
	ck_assert_str_eq(cs_source_question(&prometheus, 1), "connections");
	ck_assert_uint_eq(cs_source_count(&metrics_api), 1);
	ck_assert_str_eq(cs_source_question(&metrics_api, 0), "nodes");
	ck_assert_str_eq(cs_source_question(&metrics_api, 1), "pods");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sampler");
	TCase *tcase = tcase_create("sampler");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, rounds_of_the_metrics_api);
	tcase_add_test(tcase, pods_are_asked_for_behind_nodes);
	tcase_add_test(tcase, pages_are_one_part);
	tcase_add_test(tcase, pages_are_small_together);
	tcase_add_test(tcase, queries_one_after_the_other);
	tcase_add_test(tcase, known_limits_serve_on);
	tcase_add_test(tcase, limits_then_times_then_values);
	tcase_add_test(tcase, without_times_figures_age);
	tcase_add_test(tcase, long_queries_are_forms);
	tcase_add_loop_test(tcase, a_question_that_fails, 0, CS_ARRAY_LENGTH(failures));
	tcase_add_test(tcase, an_unreachable_limit_ends_the_round);
	tcase_add_test(tcase, it_backs_off);
	tcase_add_test(tcase, it_backs_off_from_the_end);
	tcase_add_test(tcase, a_long_interval_does_not_shrink);
	tcase_add_test(tcase, retry_after_is_kept);
	tcase_add_test(tcase, no_round_begins_before_the_receiver_is_ready);
	tcase_add_test(tcase, it_may_end_in_mid_round);
	tcase_add_test(tcase, results_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
