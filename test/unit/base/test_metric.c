// Tests of metrics: the printed text, series and their limit, updates from many threads.
// Neighbours: lib/base/metric.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/metric.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct cs_metric_info attempts = {
	.name = "scheduler_schedule_attempts_total",
	.help = "Number of attempts, by \"result\"\\profile\nand more.",
	.kind = CS_METRIC_COUNTER,
	.labels = { "result", "profile" },
};
static const struct cs_metric_info nodes = { .name = "nodes",
					     .help = "Nodes.",
					     .kind = CS_METRIC_GAUGE };
static const struct cs_metric_info seconds = {
	.name = "wait_seconds",
	.help = "Waiting.",
	.kind = CS_METRIC_HISTOGRAM,
	.labels = { "queue" },
	.buckets = { .start = 0.001, .factor = 2, .count = 3 },
};
static const struct cs_metric_info bare_seconds = {
	.name = "bare_seconds",
	.help = "Waiting.",
	.kind = CS_METRIC_HISTOGRAM,
	.buckets = { .start = 1, .factor = 10, .count = 2 },
};

static struct cs_metrics *metrics;
static struct cs_buffer out;

static void setup(void)
{
	metrics = cs_metrics_create();
	cs_buffer_init(&out, 64 << 20);
}

static void teardown(void)
{
	cs_metrics_destroy(metrics);
	cs_metrics_destroy(NULL);
	cs_buffer_finish(&out);
}

static const char *print(void)
{
	cs_buffer_clear(&out);
	ck_assert_int_eq(cs_metrics_print(metrics, &out), 0);
	return out.data;
}

START_TEST(nothing)
{
	ck_assert_str_eq(print(), "");
}
END_TEST

START_TEST(counters_and_gauges)
{
	const char *labels[] = { "scheduled", "c-sched" };
	struct cs_metric *series = cs_metrics_series(metrics, &attempts, labels);
	cs_metric_add(series, 1);
	cs_metric_add(series, 2);
	ck_assert_ptr_eq(cs_metrics_series(metrics, &attempts, labels), series);
	cs_metric_set(cs_metrics_series(metrics, &nodes, NULL), 24);
	cs_metric_add(cs_metrics_series(metrics, &nodes, NULL), -0.5);
	ck_assert_double_eq(cs_metric_value(series), 3);
	ck_assert_str_eq(
		print(),
		"# HELP scheduler_schedule_attempts_total Number of attempts, by "
		"\"result\"\\\\profile\\nand more.\n"
		"# TYPE scheduler_schedule_attempts_total counter\n"
		"scheduler_schedule_attempts_total{result=\"scheduled\",profile=\"c-sched\"} "
		"3\n"
		"# HELP nodes Nodes.\n"
		"# TYPE nodes gauge\n"
		"nodes 23.5\n");
}
END_TEST

START_TEST(histograms)
{
	const char *labels[] = { "active" };
	struct cs_metric *series = cs_metrics_series(metrics, &seconds, labels);
	cs_metric_observe(series, 0.0009765625);
	cs_metric_observe(series, 0);
	cs_metric_observe(series, 0.001953125);
	cs_metric_observe(series, 0.00390625);
	cs_metric_observe(series, 8);
	cs_metric_observe(series, -1);
	ck_assert_double_eq(cs_metric_value(series), 6); // and exact binary fractions: no rounding
	ck_assert_str_eq(print(), "# HELP wait_seconds Waiting.\n"
				  "# TYPE wait_seconds histogram\n"
				  "wait_seconds_bucket{queue=\"active\",le=\"0.001\"} 3\n"
				  "wait_seconds_bucket{queue=\"active\",le=\"0.002\"} 4\n"
				  "wait_seconds_bucket{queue=\"active\",le=\"0.004\"} 5\n"
				  "wait_seconds_bucket{queue=\"active\",le=\"+Inf\"} 6\n"
				  "wait_seconds_sum{queue=\"active\"} 7.0068359375\n"
				  "wait_seconds_count{queue=\"active\"} 6\n");
}
END_TEST

START_TEST(listed_bounds)
{
	static const double bounds[] = { 0.005, 0.25, 4 };
	static const struct cs_metric_info info = {
		.name = "t",
		.help = "Listed.",
		.kind = CS_METRIC_HISTOGRAM,
		.buckets = { .bounds = bounds, .count = CS_ARRAY_LENGTH(bounds) },
	};
	struct cs_metric *series = cs_metrics_series(metrics, &info, NULL);
	cs_metric_observe(series, 0.25);
	cs_metric_observe(series, 0.5);
	cs_metric_observe(series, 5);
	ck_assert_str_eq(print(), "# HELP t Listed.\n"
				  "# TYPE t histogram\n"
				  "t_bucket{le=\"0.005\"} 0\n"
				  "t_bucket{le=\"0.25\"} 1\n"
				  "t_bucket{le=\"4\"} 2\n"
				  "t_bucket{le=\"+Inf\"} 3\n"
				  "t_sum 5.75\n"
				  "t_count 3\n");
}
END_TEST

START_TEST(odd_observations)
{
	cs_metrics_declare(metrics, &bare_seconds);
	struct cs_metric *series = cs_metrics_series(metrics, &bare_seconds, NULL);
	cs_metric_observe(series, 1); // a bound belongs to its bucket
	cs_metric_observe(series, 10);
	cs_metric_observe(series, INFINITY);
	ck_assert_str_eq(print(), "# HELP bare_seconds Waiting.\n"
				  "# TYPE bare_seconds histogram\n"
				  "bare_seconds_bucket{le=\"1\"} 1\n"
				  "bare_seconds_bucket{le=\"10\"} 2\n"
				  "bare_seconds_bucket{le=\"+Inf\"} 3\n"
				  "bare_seconds_sum +Inf\n"
				  "bare_seconds_count 3\n");
	cs_metric_observe(series, NAN);
	ck_assert_double_eq(cs_metric_value(series), 4);
	ck_assert_ptr_nonnull(strstr(print(), "bare_seconds_sum NaN\n"));
}
END_TEST

START_TEST(declared_but_never_used)
{
	cs_metrics_declare(metrics, &attempts);
	cs_metrics_declare(metrics, &nodes);
	cs_metrics_declare(metrics, &nodes);
	cs_metrics_declare(metrics, &bare_seconds);
	const char *text = print();
	ck_assert_ptr_nonnull(
		strstr(text, "# TYPE scheduler_schedule_attempts_total counter\n# HELP nodes"));
	ck_assert_ptr_nonnull(strstr(text, "\nnodes 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nbare_seconds_count 0\n"));
	ck_assert_ptr_eq(strstr(strstr(text, "nodes 0") + 1, "nodes 0"), NULL);
}
END_TEST

START_TEST(label_values_are_escaped_and_kept_apart)
{
	const char *odd[] = { "a\"b\\c\nd", NULL };
	const char *left[] = { "ab", "c" };
	const char *right[] = { "a", "bc" };
	cs_metric_add(cs_metrics_series(metrics, &attempts, odd), 1);
	cs_metric_add(cs_metrics_series(metrics, &attempts, left), 2);
	cs_metric_add(cs_metrics_series(metrics, &attempts, right), 3);
	const char *text = print();
	ck_assert_ptr_nonnull(strstr(text, "{result=\"a\\\"b\\\\c\\nd\",profile=\"\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "{result=\"ab\",profile=\"c\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "{result=\"a\",profile=\"bc\"} 3\n"));
}
END_TEST

START_TEST(at_most_ten_thousand_series)
{
	struct cs_metric *kept = NULL;
	for (int i = 0; i < 10500; i++) {
		char name[32];
		snprintf(name, sizeof(name), "r%d", i);
		const char *labels[] = { name, "p" };
		struct cs_metric *series = cs_metrics_series(metrics, &attempts, labels);
		cs_metric_add(series, 1);
		if (i == 0)
			kept = series;
		ck_assert_double_eq(cs_metric_value(series), i < 10000 ? 1 : i - 9999);
	}
	const char *first[] = { "r0", "p" };
	ck_assert_ptr_eq(cs_metrics_series(metrics, &attempts, first), kept);
	const char *text = print();
	ck_assert_ptr_nonnull(strstr(text, "{result=\"overflow\",profile=\"overflow\"} 500\n"));
	int lines = 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	ck_assert_int_eq(lines, 2 + 10001);
	ck_assert_ptr_null(strstr(text, "r10000\""));
}
END_TEST

START_TEST(a_small_buffer_is_an_error)
{
	struct cs_buffer small;
	cs_metrics_declare(metrics, &nodes);
	cs_buffer_init(&small, 10);
	ck_assert_int_eq(cs_metrics_print(metrics, &small), -EMSGSIZE);
	cs_buffer_finish(&small);
}
END_TEST

START_TEST(upstreams_buckets)
{
	static const struct cs_metric_info plugin = {
		.name = "scheduler_plugin_execution_duration_seconds",
		.help = "h",
		.kind = CS_METRIC_HISTOGRAM,
		.buckets = { .start = 0.00001, .factor = 1.5, .count = 20 },
	};
	cs_metric_observe(cs_metrics_series(metrics, &plugin, NULL), 0.00003);
	const char *text = print();
	// As prometheus.ExponentialBuckets prints them, rounding errors and all.
	ck_assert_ptr_nonnull(strstr(text, "le=\"1e-05\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "le=\"1.5000000000000002e-05\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "le=\"2.2500000000000005e-05\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "le=\"3.375000000000001e-05\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "le=\"0.02216837820053101\"} 1\n"));
}
END_TEST

static void *update(void *user)
{
	(void)user;
	for (int i = 0; i < 20000; i++) {
		const char *labels[] = { i % 2 ? "odd" : "even", "p" };
		cs_metric_add(cs_metrics_series(metrics, &attempts, labels), 1);
		cs_metric_observe(cs_metrics_series(metrics, &bare_seconds, NULL), i % 20);
	}
	return NULL;
}

START_TEST(many_threads)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, update, NULL), 0);
	for (int i = 0; i < 20; i++) {
		// While it moves: the last bucket is the count.
		unsigned long last = 0;
		unsigned long count = 0;
		const char *text = print();
		const char *bucket = strstr(text, "_bucket{le=\"+Inf\"} ");
		const char *total = strstr(text, "bare_seconds_count ");
		if (bucket && total) {
			last = strtoul(strchr(bucket, ' ') + 1, NULL, 10);
			count = strtoul(strchr(total, ' ') + 1, NULL, 10);
		}
		ck_assert_uint_eq(last, count);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	const char *odd[] = { "odd", "p" };
	ck_assert_double_eq(cs_metric_value(cs_metrics_series(metrics, &attempts, odd)), 40000);
	ck_assert_double_eq(cs_metric_value(cs_metrics_series(metrics, &bare_seconds, NULL)),
			    80000);
	ck_assert_ptr_nonnull(strstr(print(), "bare_seconds_sum 760000\n"));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("metric");
	TCase *tc = tcase_create("metric");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, counters_and_gauges);
	tcase_add_test(tc, histograms);
	tcase_add_test(tc, listed_bounds);
	tcase_add_test(tc, odd_observations);
	tcase_add_test(tc, declared_but_never_used);
	tcase_add_test(tc, label_values_are_escaped_and_kept_apart);
	tcase_add_test(tc, at_most_ten_thousand_series);
	tcase_add_test(tc, a_small_buffer_is_an_error);
	tcase_add_test(tc, upstreams_buckets);
	tcase_add_test(tc, many_threads);
	suite_add_tcase(suite, tc);
	return suite;
}
