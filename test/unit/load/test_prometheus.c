// Prometheus' answers. Neighbours: lib/load/prometheus.c.
#include "load/prometheus.h"

#include <errno.h>
#include <math.h>

#include "../check_main.h"
#include <csched/base/clock.h>
#include <csched/base/memory.h>

#define VECTOR(items) \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" items "]}}"
#define ONE(labels, value) "{\"metric\":{" labels "},\"value\":[1435781451.781," value "]}"
#define TAKEN              INT64_C(1435781451781)

static const struct cs_source_query plain = { .name = "cpu", .metric = 2, .scale = 1 };

static struct cs_part *part;
static struct cs_prometheus_known known;
static struct cs_error err;

static int read_answer(const struct cs_source_query *query, const char *text)
{
	cs_part_destroy(part);
	part = cs_part_create(0);
	return cs_prometheus_read(query, cs_slice_of(text), &known, part, &err);
}

static void setup(void)
{
	cs_prometheus_notes_init(&known.limits, 1);
	cs_prometheus_notes_init(&known.times, 2);
}

static void teardown(void)
{
	cs_part_destroy(part);
	part = NULL;
	cs_prometheus_notes_finish(&known.limits);
	cs_prometheus_notes_finish(&known.times);
}

START_TEST(series_become_samples)
{
	struct cs_source_query query = plain;
	query.scale = 1000;
	query.window = 120 * CS_SECOND;
	int r = read_answer(
		&query, VECTOR(ONE("\"node\":\"a\",\"instance\":\"x:9100\"", "\"0.25\"") "," ONE(
				"\"__name__\":\"m\",\"instance\":\"10.0.0.2:9100\"", "\"3\"")));
	ck_assert_msg(r == 0, "%s", err.text);
	ck_assert_uint_eq(part->n_samples, 2);
	ck_assert_str_eq(part->samples[0].node, "a");
	ck_assert_ptr_null(part->samples[0].to);
	ck_assert_uint_eq(part->samples[0].metric, 2);
	ck_assert_double_eq(part->samples[0].value, 250);
	ck_assert_double_eq(part->samples[0].limit, 0);
	ck_assert_int_eq(part->samples[0].taken / CS_MILLISECOND, TAKEN);
	ck_assert_int_eq(part->samples[0].window, 120 * CS_SECOND);
	ck_assert_str_eq(part->samples[1].node, "10.0.0.2:9100");
}
END_TEST

static const struct {
	const char *text;
	double value;
} numbers[] = {
	{ "\"0\"", 0 },           { "\"-1.5\"", -1.5 },
	{ "\"1e+18\"", 1e18 },    { "\"2.5e-05\"", 2.5e-5 },
	{ "\"+Inf\"", INFINITY }, { "\"-Inf\"", -INFINITY },
	{ "\"NaN\"", NAN },
};

// The ledger judges what is plausible.
START_TEST(every_number_is_passed_on)
{
	CS_AUTO_FREE char *text =
		cs_asprintf(VECTOR(ONE("\"node\":\"a\"", "%s")), numbers[_i].text);
	ck_assert_int_eq(read_answer(&plain, text), 0);
	ck_assert_uint_eq(part->n_samples, 1);
	if (isnan(numbers[_i].value))
		ck_assert(isnan(part->samples[0].value));
	else
		ck_assert(part->samples[0].value == numbers[_i].value);
}
END_TEST

static const struct {
	const char *item;
	const char *words;
} unreadable[] = {
	{ ONE("\"node\":\"a\"", "\"\""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "\"0x10\""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "\" 1\""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "\"1 \""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "\"nan(1)\""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "\"1e\""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "\"-\""), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "1"), "value[1] is no number" },
	{ ONE("\"node\":\"a\"", "null"), "value[1] is no number" },
	{ "{\"metric\":{\"node\":\"a\"},\"value\":[\"1\",\"1\"]}", "value[0] is no time" },
	{ "{\"metric\":{\"node\":\"a\"},\"value\":[1e300,\"1\"]}", "value[0] is no time" },
	{ "{\"metric\":{\"node\":\"a\"},\"value\":[1]}", "no value" },
	{ "{\"metric\":{\"node\":\"a\"}}", "no value" },
	{ "{\"metric\":{\"node\":\"a\"},\"histogram\":[1,{}]}",
	  "a native histogram, not a number" },
	{ "{\"value\":[1,\"1\"]}", "no labels" },
	{ "null", "no labels" },
	{ "[]", "no labels" },
};

START_TEST(series_that_cannot_be_read)
{
	CS_AUTO_FREE char *text =
		cs_asprintf(VECTOR("%s," ONE("\"node\":\"b\"", "\"1\"")), unreadable[_i].item);
	ck_assert_int_eq(read_answer(&plain, text), 0);
	ck_assert_uint_eq(part->n_samples, 1);
	ck_assert_str_eq(part->samples[0].node, "b");
	ck_assert_uint_eq(part->n_unreadable, 1);
	ck_assert_str_eq(part->unreadable, unreadable[_i].words);
}
END_TEST

START_TEST(labels)
{
	struct cs_source_query query = plain;
	static const char text[] = VECTOR(ONE("\"kubernetes_node\":\"a\"", "\"1\"") "," ONE(
		"\"node\":\"b\"", "\"2\"") "," ONE("", "\"3\"") "," ONE("\"node\":\"\"", "\"4\""));
	ck_assert_int_eq(read_answer(&query, text), 0);
	ck_assert_uint_eq(part->n_samples, 1);
	ck_assert_str_eq(part->samples[0].node, "b");
	ck_assert_uint_eq(part->n_unlabelled, 3);
	query.label = "kubernetes_node";
	ck_assert_int_eq(read_answer(&query, text), 0);
	ck_assert_uint_eq(part->n_samples, 1);
	ck_assert_str_eq(part->samples[0].node, "a");
	// with a label of one's own `instance` does not stand in
	ck_assert_int_eq(read_answer(&query, VECTOR(ONE("\"instance\":\"a\"", "\"1\""))), 0);
	ck_assert_uint_eq(part->n_unlabelled, 1);
}
END_TEST

START_TEST(pairs_have_two_ends)
{
	struct cs_source_query query = plain;
	query.pair = true;
	query.label = "from";
	static const char text[] = VECTOR(ONE("\"from\":\"a\",\"to\":\"b\"", "\"1\"") "," ONE(
		"\"from\":\"a\",\"to\":\"c\"",
		"\"2\"") "," ONE("\"from\":\"a\"", "\"3\"") "," ONE("\"from\":\"a\",\"to\":\"b\"",
								    "\"4\""));
	ck_assert_int_eq(read_answer(&query, text), 0);
	ck_assert_uint_eq(part->n_samples, 2);
	ck_assert_str_eq(part->samples[1].node, "a");
	ck_assert_str_eq(part->samples[1].to, "c");
	ck_assert_uint_eq(part->n_unlabelled, 1);
	ck_assert_uint_eq(part->n_duplicate, 1);
}
END_TEST

START_TEST(of_duplicates_the_first_counts)
{
	ck_assert_int_eq(
		read_answer(&plain, VECTOR(ONE("\"node\":\"a\",\"cpu\":\"0\"", "\"1\"") "," ONE(
					    "\"node\":\"a\",\"cpu\":\"1\"", "\"2\""))),
		0);
	ck_assert_uint_eq(part->n_samples, 1);
	ck_assert_double_eq(part->samples[0].value, 1);
	ck_assert_uint_eq(part->n_duplicate, 1);
}
END_TEST

static int read_limits(const struct cs_source_query *query, const char *text)
{
	return cs_prometheus_read_notes(query, query->scale, cs_slice_of(text), &known.limits,
					&err);
}

#define SERIES(node, value) ONE("\"node\":\"" node "\"", "\"" value "\"")
#define AND(node, value)    "," SERIES(node, value)

START_TEST(limits_by_node)
{
	struct cs_source_query query = plain;
	query.scale = 2;
	static const char text[] = VECTOR(SERIES("a", "100") AND("a", "7") AND("b", "NaN") AND(
		"c", "0") AND("d", "-1") AND("e", "+Inf") "," ONE("", "\"5\"") ",3");
	ck_assert_int_eq(read_limits(&query, text), 0);
	ck_assert_int_eq(read_answer(&query, VECTOR(SERIES("a", "1") AND("b", "1") AND("e", "1"))),
			 0);
	ck_assert_double_eq(part->samples[0].limit, 200);
	ck_assert_double_eq(part->samples[1].limit, 0);
	ck_assert_double_eq(part->samples[2].limit, 0);
	// an answer that is none leaves them
	ck_assert_int_eq(read_limits(&query, VECTOR("{")), -EINVAL);
	ck_assert_int_eq(read_limits(&query, "{}"), -EINVAL);
	ck_assert_int_eq(read_answer(&query, VECTOR(SERIES("a", "1"))), 0);
	ck_assert_double_eq(part->samples[0].limit, 200);
	ck_assert_int_eq(read_limits(&query, VECTOR("")), 0);
	ck_assert_int_eq(read_answer(&query, VECTOR(SERIES("a", "1"))), 0);
	ck_assert_double_eq(part->samples[0].limit, 0);
}
END_TEST

static int read_times(const struct cs_source_query *query, const char *text)
{
	return cs_prometheus_read_notes(query, 1, cs_slice_of(text), &known.times, &err);
}

// A value is as old as what it is made of, not as the answer; who has no time has no sample.
START_TEST(times_by_node)
{
	struct cs_source_query query = plain;
	query.time = "t";
	query.scale = 2;
	ck_assert_int_eq(read_times(&query, VECTOR(SERIES("a", "1435781400.25") AND("b", "NaN"))),
			 0);
	static const char text[] =
		VECTOR(SERIES("a", "1") AND("b", "2") AND("c", "3") AND("c", "4"));
	ck_assert_int_eq(read_answer(&query, text), 0);
	ck_assert_uint_eq(part->n_samples, 1);
	ck_assert_str_eq(part->samples[0].node, "a");
	ck_assert_double_eq(part->samples[0].value, 2);
	ck_assert_int_eq(part->samples[0].taken / CS_MILLISECOND, INT64_C(1435781400250));
	ck_assert_int_eq(part->newest / CS_MILLISECOND, INT64_C(1435781400250));
	ck_assert_uint_eq(part->n_undated, 2);
	ck_assert_uint_eq(part->n_duplicate, 1);
	// a query that does not ask for them does not use them
	query.time = NULL;
	ck_assert_int_eq(read_answer(&query, text), 0);
	ck_assert_uint_eq(part->n_samples, 3);
	ck_assert_int_eq(part->samples[0].taken / CS_MILLISECOND, TAKEN);
}
END_TEST

// Milliseconds, and nonsense: no times.
START_TEST(times_beyond_all_bounds)
{
	struct cs_source_query query = plain;
	query.time = "t";
	static const char times[] = VECTOR(SERIES("a", "1435781400250") AND("b", "1e300"));
	ck_assert_int_eq(read_times(&query, times), 0);
	ck_assert_int_eq(read_answer(&query, VECTOR(SERIES("a", "1") AND("b", "2"))), 0);
	ck_assert_uint_eq(part->n_samples, 0);
	ck_assert_uint_eq(part->n_undated, 2);
}
END_TEST

START_TEST(times_of_pairs)
{
	struct cs_source_query query = plain;
	query.time = "t";
	query.pair = true;
	static const char times[] = VECTOR(ONE("\"node\":\"a\",\"to\":\"b\"", "\"60\"") "," ONE(
		"\"node\":\"a\",\"to\":\"c\"", "\"90\""));
	ck_assert_int_eq(read_times(&query, times), 0);
	ck_assert_int_eq(read_answer(&query, times), 0);
	ck_assert_uint_eq(part->n_samples, 2);
	ck_assert_int_eq(part->samples[0].taken, 60 * CS_SECOND);
	ck_assert_int_eq(part->samples[1].taken, 90 * CS_SECOND);
	ck_assert_int_eq(part->oldest, 60 * CS_SECOND);
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} refused[] = {
	{ "", "the answer is not JSON, is this a Prometheus?: " },
	{ "<html>log in</html>", "the answer is not JSON, is this a Prometheus?: " },
	{ "{}", "the answer is not Prometheus'" },
	{ "[]", "the answer is not Prometheus'" },
	{ "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}",
	  "Prometheus refuses: parse error" },
	{ "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"2\"]}}",
	  "the query gives a scalar, where a vector with one series per node is needed" },
	{ "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
	  "the query gives a matrix, where a vector with one series per node is needed" },
	{ "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1,\"x\"]}}",
	  "the query gives a string, where a vector with one series per node is needed" },
	{ VECTOR("{\"metric\":{}"), "the answer is not JSON" },
	{ VECTOR("1,"), "the answer is not JSON, is this a Prometheus?: line 1, column " },
};

START_TEST(answers_that_are_none)
{
	ck_assert_int_eq(read_answer(&plain, refused[_i].text), -EINVAL);
	ck_assert_msg(cs_string_prefix(err.text, refused[_i].words), "%s", err.text);
}
END_TEST

START_TEST(warnings_are_kept)
{
	ck_assert_int_eq(read_answer(&plain,
				     "{\"status\":\"success\",\"warnings\":[\"slow\",\"x\"],"
				     "\"data\":{\"resultType\":\"vector\",\"result\":[]}}"),
			 0);
	ck_assert_str_eq(part->warning, "slow");
	ck_assert_uint_eq(part->n_samples, 0);
}
END_TEST

START_TEST(a_question_is_escaped)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 1 << 10);
	cs_prometheus_question("sum by (node) (rate(x{m=~\"a|b\"}[1m])) + 1% \xc3\xa9", &out);
	ck_assert_str_eq(out.data, "query=sum%20by%20%28node%29%20%28rate%28x%7Bm%3D~%22a%7Cb%22%7D"
				   "%5B1m%5D%29%29%20%2B%201%25%20%C3%A9");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("prometheus");
	TCase *tcase = tcase_create("prometheus");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, series_become_samples);
	tcase_add_loop_test(tcase, every_number_is_passed_on, 0, CS_ARRAY_LENGTH(numbers));
	tcase_add_loop_test(tcase, series_that_cannot_be_read, 0, CS_ARRAY_LENGTH(unreadable));
	tcase_add_test(tcase, labels);
	tcase_add_test(tcase, pairs_have_two_ends);
	tcase_add_test(tcase, of_duplicates_the_first_counts);
	tcase_add_test(tcase, limits_by_node);
	tcase_add_test(tcase, times_by_node);
	tcase_add_test(tcase, times_beyond_all_bounds);
	tcase_add_test(tcase, times_of_pairs);
	tcase_add_loop_test(tcase, answers_that_are_none, 0, CS_ARRAY_LENGTH(refused));
	tcase_add_test(tcase, warnings_are_kept);
	tcase_add_test(tcase, a_question_is_escaped);
	suite_add_tcase(suite, tcase);
	return suite;
}
