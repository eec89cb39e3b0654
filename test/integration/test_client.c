// The client alone in this process, with times no user would choose, against kubesim: what takes
// the program minutes. Neighbours: test_faults.c has the program; the unit tests have no sockets.
#include "../unit/check_main.h"

#include <signal.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/client.h>
#include <csched/kube/api.h>

#include "harness.h"

static struct harness_process *kubesim;
static struct cs_endpoint endpoint;
static struct cs_client *client;
static struct cs_buffer told;    // "+name -name ", in the order told
static struct cs_buffer notices; // a line each

static void on_batch(void *user, struct cs_batch *batch)
{
	(void)user;
	for (size_t i = 0; i < batch->count; i++) {
		const struct cs_change *change = &batch->changes[i];
		if (change->op == CS_CHANGE_SYNCED)
			cs_buffer_append_string(&told, "SYNCED ");
		else if (change->op != CS_CHANGE_MODIFIED)
			cs_buffer_printf(&told, "%c%s ", change->op == CS_CHANGE_ADDED ? '+' : '-',
					 ((const Kube__Pod *)change->object)->metadata->name);
	}
	cs_client_credit(client, batch->bytes);
	cs_batch_destroy(batch);
}

static void on_written(void *user, const struct cs_write_result *result)
{
	(void)user;
	(void)result;
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	(void)user;
	(void)severity;
	cs_buffer_printf(&notices, "%s\n", text);
}

static void create_client(int64_t watch_silence)
{
	static const struct cs_client_watch watch = { &cs_kind_pod, CS_CLIENT_POD_SELECTOR };
	struct cs_error err = { 0 };
	struct cs_kubeconfig_sources sources = { .file = kubesim->kubeconfig };
	ck_assert_msg(cs_kubeconfig_load(&sources, &endpoint, &err) == 0, "%s", err.text);
	client = cs_client_create(
		&(struct cs_client_options){
			.endpoint = &endpoint,
			.watches = &watch,
			.n_watches = 1,
			.watch_silence = watch_silence,
			.seed = 1,
			.sink = { .batch = on_batch, .written = on_written, .notice = on_notice },
		},
		&err);
	ck_assert_msg(client != NULL, "%s", err.text);
}

static void setup(void)
{
	harness_setup();
	cs_buffer_init(&told, 1u << 20);
	cs_buffer_init(&notices, 1u << 20);
	kubesim = HARNESS_KUBESIM("--nodes=0");
}

static void teardown(void)
{
	cs_client_destroy(client);
	cs_endpoint_finish(&endpoint);
	cs_buffer_finish(&told);
	cs_buffer_finish(&notices);
	harness_teardown();
}

static void run(double seconds)
{
	struct cs_clock clock = cs_clock_system();
	double end = harness_now() + seconds;
	do {
		cs_client_turn(client, cs_clock_now(&clock));
		cs_client_wait(client, 20 * CS_MILLISECOND);
	} while (harness_now() < end);
}

static void run_until(const struct cs_buffer *text, const char *words)
{
	double end = harness_now() + HARNESS_PATIENCE;
	while (!text->data || !strstr(text->data, words)) {
		ck_assert_msg(harness_now() < end, "no \"%s\" in: %s; %s", words, told.data,
			      notices.data);
		run(0);
	}
}

// The stream falls silent with its connection open: nothing tells but the lack of bookmarks.
START_TEST(a_watch_that_falls_silent)
{
	harness_create_pod(kubesim, "a", "100m");
	harness_faults(kubesim,
		       "- {match: {verb: watch, resource: pods}, action: stall, after: 2}");
	create_client(2 * CS_SECOND);
	run_until(&told, "+a SYNCED ");
	harness_create_pod(kubesim, "b", "100m"); // the second event, the last before the silence
	run_until(&told, "+b ");
	harness_create_pod(kubesim, "c", "100m");
	harness_delete(kubesim, "/api/v1/namespaces/default/pods/a?gracePeriodSeconds=0");
	run(1);
	ck_assert_str_eq(told.data, "+a SYNCED +b ");
	ck_assert_int_eq(harness_faults_hit(kubesim), 1);
	// A new connection from the last version on: each change once, and no second list.
	run_until(&told, "-a ");
	ck_assert_str_eq(told.data, "+a SYNCED +b +c -a ");
	ck_assert_ptr_nonnull(strstr(notices.data, "no data from the server for too long"));
	ck_assert_uint_eq(cs_client_watch_stats(client, 0).lists, 1);
}
END_TEST

// As that, with the bookmarks that show that a quiet stream lives.
START_TEST(a_watch_that_is_only_quiet)
{
	harness_create_pod(kubesim, "a", "100m");
	harness_stop(kubesim, SIGKILL);
	kubesim = HARNESS_KUBESIM("--nodes=0", "--bookmark-interval=1");
	create_client(3 * CS_SECOND);
	run_until(&told, "SYNCED ");
	run(5);
	ck_assert_str_eq(notices.data ? notices.data : "", "");
	ck_assert_uint_eq(cs_client_watch_stats(client, 0).watches, 1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("client");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_watch_that_falls_silent);
	tcase_add_test(tcase, a_watch_that_is_only_quiet);
	suite_add_tcase(suite, tcase);
	return suite;
}
