// What is told of each answer: gauges always, a line when something changes.
// Neighbours: daemon/load_report.c.
#include "../check_main.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/memory.h>

#include "daemon/load_report.h"

static char cpu[] = CS_LOAD_CPU, prom[] = "prom", notes[] = "notes", text[] = "q";
static struct cs_load_metric load_metrics[] = { { .name = cpu } };
static struct cs_load_query query = { .query = text, .scale = 1 };
static struct cs_load_source sources[] = {
	{ .name = notes, .type = CS_LOAD_NODE_ANNOTATIONS },
	{ .name = prom, .type = CS_LOAD_PROMETHEUS, .n_queries = 1, .queries = &query },
};
static const struct cs_load_config config = {
	.n_metrics = 1, .metrics = load_metrics, .n_sources = 2, .sources = sources
};
static struct cs_metrics *metrics;
static struct cs_load_reports *reports;
static int log_fd;
static struct cs_log logger;

static void setup(void)
{
	char path[] = "/tmp/test-load-XXXXXX";
	log_fd = mkstemp(path);
	unlink(path);
	logger = (struct cs_log){ .fd = log_fd, .clock = cs_clock_system() };
	metrics = cs_metrics_create();
	reports = cs_load_reports_create(&config, &logger, metrics);
}

static void teardown(void)
{
	cs_load_reports_destroy(reports);
	cs_metrics_destroy(metrics);
	close(log_fd);
}

static unsigned count_lines(const char *part)
{
	char log[16384];
	unsigned n = 0;
	ssize_t size = pread(log_fd, log, sizeof(log) - 1, 0);
	log[size < 0 ? 0 : size] = '\0';
	for (const char *at = log; (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

START_TEST(gauges)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_load_reports_note(reports, 1, 0,
			     &(struct cs_load_report){ .n_matched = 5,
						       .n_unmatched = 4,
						       .n_implausible = 3,
						       .n_old = 2,
						       .n_future = 1 });
	cs_buffer_init(&out, 1 << 16);
	cs_metrics_print(metrics, &out);
	static const char *const lines[] = { "matched\"} 5\n", "unmatched\"} 4\n",
					     "implausible\"} 3\n", "old\"} 2\n", "future\"} 1\n" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(lines); i++) {
		CS_AUTO_FREE char *line = cs_asprintf("csched_load_source_samples{source=\"prom\","
						      "question=\"cpu\",kind=\"%s",
						      lines[i]);
		ck_assert_msg(strstr(out.data, line) != NULL, "%s is not in %s", line, out.data);
	}
	ck_assert_ptr_null(strstr(out.data, "notes"));
}
END_TEST

START_TEST(a_line_per_change)
{
	struct cs_load_report good = { .n_matched = 5, .n_unmatched = 1, .unmatched = { "x" } };
	struct cs_load_report none = { .n_unmatched = 2, .unmatched = { "10.0.0.1:9100", "b" } };
	struct cs_load_report odd = { .n_matched = 5, .n_implausible = 2 };
	cs_load_reports_note(reports, 1, 0, &good);
	ck_assert_uint_eq(count_lines("source="), 0);
	cs_load_reports_note(reports, 1, 0, &none);
	cs_load_reports_note(reports, 1, 0, &none);
	ck_assert_uint_eq(count_lines("No load figure is of a node or pod of this cluster"), 1);
	ck_assert_uint_eq(count_lines("unmatchedNames=\"10.0.0.1:9100, b\""), 1);
	cs_load_reports_note(reports, 1, 0, &odd);
	cs_load_reports_note(reports, 1, 0, &odd);
	ck_assert_uint_eq(count_lines("Some load figures are implausible"), 1);
	cs_load_reports_note(reports, 1, 0, &good);
	cs_load_reports_note(reports, 1, 0, &good);
	ck_assert_uint_eq(count_lines("All is well again"), 1);
	ck_assert_uint_eq(count_lines("source="), 3);
}
END_TEST

START_TEST(pieces_of_an_answer)
{
	struct cs_load_report total = { .n_matched = 1,
					.n_unmatched = 2,
					.unmatched = { "a", "b" } };
	struct cs_load_report piece = { .n_matched = 1,
					.n_unmatched = 4,
					.n_implausible = 1,
					.n_old = 1,
					.n_future = 1,
					.unmatched = { "c", "d", "e", "f" } };
	cs_load_report_add(&total, &piece);
	ck_assert_uint_eq(total.n_matched, 2);
	ck_assert_uint_eq(total.n_unmatched, 6);
	ck_assert_uint_eq(total.n_implausible, 1);
	ck_assert_uint_eq(total.n_old, 1);
	ck_assert_uint_eq(total.n_future, 1);
	ck_assert_str_eq(total.unmatched[1], "b");
	ck_assert_str_eq(total.unmatched[2], "c");
	ck_assert_str_eq(total.unmatched[4], "e");
	cs_load_report_add(&total, &piece);
	ck_assert_str_eq(total.unmatched[4], "e");
}
END_TEST

START_TEST(without_a_configuration)
{
	cs_load_reports_destroy(cs_load_reports_create(NULL, &logger, metrics));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("load_report");
	TCase *tcase = tcase_create("load_report");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, gauges);
	tcase_add_test(tcase, a_line_per_change);
	tcase_add_test(tcase, pieces_of_an_answer);
	tcase_add_test(tcase, without_a_configuration);
	suite_add_tcase(suite, tcase);
	return suite;
}
