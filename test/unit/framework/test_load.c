// Load in the scheduler: rounds of samples wake pods, losses are told, figures are shown.
// Neighbours: lib/framework/load.c and scheduler.c.
#include <csched/framework/load_config.h>
#include <csched/framework/scheduler.h>

#include <stdio.h>

#include "../check_main.h"
#include "fixture.h"

static struct toy toy;
static struct cs_scheduler *scheduler;
static char told[256];

static void sink_load(void *user, bool known, const char *words)
{
	(void)user;
	snprintf(told, sizeof(told), "%s: %s", known ? "known" : "gone", words);
}

static void sink_bind(void *user, uint64_t ticket, const struct cs_pod *pod, const char *node)
{
	(void)user;
	(void)ticket;
	(void)pod;
	(void)node;
}

static struct cs_load_metric metrics[] = {
	{ .name = CS_LOAD_CPU,
	  .kind = CS_LOAD_USAGE,
	  .max = 1e8,
	  .ttl = 60 * CS_SECOND,
	  .ramp = 60 * CS_SECOND },
	{ .name = CS_LOAD_LATENCY, .kind = CS_LOAD_PAIR, .max = 60, .topology = "zone" },
};
static uint32_t annotated[] = { 0 };
static struct cs_load_source source = {
	.name = (char *)"notes",
	.type = CS_LOAD_NODE_ANNOTATIONS,
	.n_metrics = 1,
	.metrics = annotated,
};
static struct cs_load_config load = {
	.n_metrics = 2,
	.metrics = metrics,
	.n_sources = 1,
	.sources = &source,
};

static void setup(void)
{
	toy_init(&toy, NULL);
	cs_scheduler_destroy(toy.scheduler);
	toy.config->load = &load;
	struct cs_scheduler_options options = {
		.cluster = toy.cluster,
		.config = toy.config,
		.metrics = toy.metrics,
		.sink = { .bind = sink_bind, .load = sink_load },
	};
	struct cs_error err;
	ck_assert_int_eq(cs_scheduler_create(&options, &scheduler, &err), 0);
	toy.scheduler = scheduler;
	told[0] = '\0';
}

static void teardown(void)
{
	toy.config->load = NULL;
	toy_finish(&toy);
}

static void pass(int64_t ns)
{
	toy.now.boot += ns;
	toy.now.wall += ns;
	cs_scheduler_turn(scheduler, toy.now, 1);
}

static struct cs_load_report absorb(double value)
{
	const struct cs_load_sample sample = {
		.node = "n1", .metric = 0, .value = value, .taken = toy.now.wall
	};
	const struct cs_load_pod_sample pods[] = {
		{ .namespace = "default", .name = "nobody", .metric = 0, .taken = toy.now.wall },
	};
	const struct cs_load_round round = {
		.n_samples = 1, .samples = &sample, .n_pods = 1, .pods = pods
	};
	struct cs_load_report report;
	cs_scheduler_apply_load(scheduler, toy.now, &round, &report);
	return report;
}

static double shown(const char *name, const char *const *labels)
{
	const struct cs_metric_info *info = cs_scheduler_metrics;
	while (!cs_string_equal(info->name, name))
		info++;
	return cs_metric_value(cs_metrics_series(toy.metrics, info, labels));
}

#define SHOWN(name, ...) shown(name, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_round_is_absorbed_and_shown)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	struct cs_load_report report = absorb(1000);
	ck_assert_uint_eq(report.n_matched, 1);
	ck_assert_uint_eq(report.n_unmatched, 1);
	ck_assert_str_eq(report.unmatched[0], "default/nobody");
	const struct cs_load_table *table = cs_cluster_load(toy.cluster);
	ck_assert_uint_eq(table->columns[0].n_known, 1);
	ck_assert(SHOWN("csched_load_nodes", "notes", "cpu", "fresh") == 1);
	ck_assert(SHOWN("csched_load_nodes", "notes", "cpu", "missing") == 1);
	pass(10 * CS_SECOND);
	ck_assert(SHOWN("csched_load_oldest_sample_age_seconds", "notes", "cpu") == 10);
	pass(60 * CS_SECOND);
	ck_assert(SHOWN("csched_load_nodes", "notes", "cpu", "ageing") == 1);
	ck_assert(SHOWN("csched_load_pods_in_flight", NULL) == 0);
	cs_scheduler_start(scheduler);
	toy_add_pod(&toy, "p", 100, "");
	pass(CS_SECOND);
	ck_assert(SHOWN("csched_load_pods_in_flight", NULL) == 0);
	pass(CS_SECOND);
	ck_assert(SHOWN("csched_load_pods_in_flight", NULL) == 1);
}
END_TEST

// The scheduler asks to be called each second, for what ageing does.
START_TEST(time_passes)
{
	cs_scheduler_start(scheduler);
	pass(0);
	ck_assert_int_eq(cs_scheduler_deadline(scheduler), toy.now.boot + CS_SECOND);
	ck_assert_int_eq(cs_cluster_time(toy.cluster), toy.now.wall);
}
END_TEST

START_TEST(a_loss_is_told_once_and_the_return)
{
	pass(600 * CS_SECOND); // without nodes nothing is missed
	ck_assert_str_eq(told, "");
	toy_add_node(&toy, "n1", 4, 110, "");
	pass(2 * CS_SECOND);
	pass(58 * CS_SECOND);
	ck_assert_str_eq(told, "");
	pass(2 * CS_SECOND); // a minute after the start
	ck_assert_str_eq(told, "gone: no load figures are known of any of 1 nodes: pods are placed "
			       "by their requests alone until there are");
	told[0] = '\0';
	pass(100 * CS_SECOND);
	ck_assert_str_eq(told, "");
	absorb(100);
	ck_assert_str_eq(told, "known: load figures are there again, for 1 of 1 nodes");
	told[0] = '\0';
	for (int i = 0; i < 340; i++)
		pass(CS_SECOND);
	ck_assert_int_eq(strncmp(told, "gone: ", 6), 0);
}
END_TEST

START_TEST(figures_at_the_start_are_no_news)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	absorb(100);
	pass(100 * CS_SECOND);
	ck_assert_str_eq(told, "");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("framework/load");
	TCase *tcase = tcase_create("load");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_round_is_absorbed_and_shown);
	tcase_add_test(tcase, time_passes);
	tcase_add_test(tcase, a_loss_is_told_once_and_the_return);
	tcase_add_test(tcase, figures_at_the_start_are_no_news);
	suite_add_tcase(suite, tcase);
	return suite;
}
