// Health checks: what they look at and what they answer. Neighbours: daemon/health.c.
#include "../check_main.h"

#include "daemon/health.h"

static struct cs_daemon_status status;
static struct cs_health health;
static struct cs_buffer out;
static struct cs_time now = { .boot = 100 * CS_SECOND };

static void setup(void)
{
	atomic_store(&status.informers_synced, true);
	atomic_store(&status.handlers_synced, true);
	atomic_store(&status.leading, false);
	atomic_store(&status.lease_healthy, true);
	atomic_store(&status.client_turn, now.boot);
	atomic_store(&status.stopping, false);
	health = (struct cs_health){ .status = &status };
	cs_buffer_init(&out, 4096);
}

static void teardown(void)
{
	cs_buffer_finish(&out);
}

static int ask(const char *path, bool verbose, const char *exclude)
{
	cs_buffer_clear(&out);
	return cs_health_answer(&health, now, &(struct cs_health_query){ path, verbose, exclude },
				&out);
}

START_TEST(all_good)
{
	ck_assert_int_eq(ask("/healthz", false, NULL), 200);
	ck_assert_str_eq(out.data, "ok");
	ck_assert_int_eq(ask("/livez", true, NULL), 200);
	ck_assert_str_eq(out.data, "[+]ping ok\nlivez check passed\n");
	ck_assert_int_eq(ask("/readyz", true, NULL), 200);
	ck_assert_str_eq(out.data, "[+]ping ok\n[+]informer-sync ok\n[+]shutdown ok\n"
				   "[+]sched-handler-sync ok\nreadyz check passed\n");
	health.lease_duration = 15 * CS_SECOND;
	ck_assert_int_eq(ask("/readyz", true, NULL), 200);
	ck_assert_str_eq(out.data,
			 "[+]ping ok\n[+]leaderElection ok\n[+]informer-sync ok\n"
			 "[+]shutdown ok\n[+]sched-handler-sync ok\nreadyz check passed\n");
}
END_TEST

// A failure is verbose, and withholds its reason from everybody but who asks for the check itself.
START_TEST(not_synced)
{
	atomic_store(&status.informers_synced, false);
	atomic_store(&status.handlers_synced, false);
	ck_assert_int_eq(ask("/readyz", false, NULL), 500);
	ck_assert_str_eq(out.data, "[+]ping ok\n[-]informer-sync failed: reason withheld\n"
				   "[+]shutdown ok\n[-]sched-handler-sync failed: reason withheld\n"
				   "readyz check failed\n");
	ck_assert_int_eq(ask("/livez", false, NULL), 200);
	ck_assert_int_eq(ask("/readyz/sched-handler-sync", false, NULL), 500);
	ck_assert_str_eq(out.data, "internal server error: handlers are not fully synchronized\n");
	ck_assert_int_eq(ask("/readyz/informer-sync", false, NULL), 500);
	ck_assert_int_eq(ask("/readyz", false, "informer-sync"), 500);
	ck_assert_int_eq(ask("/readyz", true, "ping,informer-sync,sched-handler-sync"), 200);
	ck_assert_str_eq(out.data, "[+]ping excluded: ok\n[+]informer-sync excluded: ok\n"
				   "[+]shutdown ok\n[+]sched-handler-sync excluded: ok\n"
				   "readyz check passed\n");
}
END_TEST

START_TEST(shutdown)
{
	atomic_store(&status.stopping, true);
	ck_assert_int_eq(ask("/readyz", false, NULL), 500);
	ck_assert_int_eq(ask("/readyz/shutdown", false, NULL), 500);
	ck_assert_str_eq(out.data, "internal server error: process is shutting down\n");
	ck_assert_int_eq(ask("/healthz", false, NULL), 200);
}
END_TEST

// The watchdog looks at holders only, and does not trust a client thread that hangs.
START_TEST(watchdog)
{
	health.lease_duration = 15 * CS_SECOND;
	atomic_store(&status.lease_healthy, false);
	ck_assert_int_eq(ask("/livez", false, NULL), 200);
	atomic_store(&status.leading, true);
	ck_assert_int_eq(ask("/livez", false, NULL), 500);
	ck_assert_int_eq(ask("/healthz", false, NULL), 500);
	ck_assert_int_eq(ask("/healthz/leaderElection", false, NULL), 500);
	atomic_store(&status.lease_healthy, true);
	ck_assert_int_eq(ask("/livez", false, NULL), 200);
	atomic_store(&status.client_turn, now.boot - 35 * CS_SECOND);
	ck_assert_int_eq(ask("/livez", false, NULL), 200);
	atomic_store(&status.client_turn, now.boot - 36 * CS_SECOND);
	ck_assert_int_eq(ask("/livez", false, NULL), 500);
	health.lease_duration = 0; // no leader election: no such check
	ck_assert_int_eq(ask("/livez", false, NULL), 200);
	ck_assert_int_eq(ask("/livez/leaderElection", false, NULL), 404);
}
END_TEST

// What /metrics/slis says then.
static const char *slis(void)
{
	cs_buffer_clear(&out);
	ck_assert_int_eq(cs_metrics_print(health.slis, &out), 0);
	return out.data;
}

// Each check that an answer looked at is counted; who asks for one check is not.
START_TEST(outcomes_are_counted)
{
	health.slis = cs_metrics_create();
	cs_health_declare(health.slis);
	ask("/livez", false, NULL);
	ask("/livez", true, NULL);
	ask("/livez/ping", true, NULL);
	atomic_store(&status.informers_synced, false);
	ask("/readyz", false, "ping,shutdown");
	const char *text = slis();
	ck_assert_ptr_nonnull(strstr(text,
				     "\n# TYPE kubernetes_healthcheck gauge\n"
				     "kubernetes_healthcheck{name=\"ping\",type=\"livez\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(
		text, "\nkubernetes_healthcheck{name=\"informer-sync\",type=\"readyz\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n# TYPE kubernetes_healthchecks_total counter\n"
					   "kubernetes_healthchecks_total{name=\"ping\",status="
					   "\"success\",type=\"livez\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "{name=\"informer-sync\",status=\"error\",type="
					   "\"readyz\"} 1\n"));
	ck_assert_ptr_null(strstr(text, "\"shutdown\""));
	ck_assert_ptr_null(strstr(text, "healthz"));
	atomic_store(&status.informers_synced, true);
	ask("/readyz", false, NULL);
	text = slis();
	ck_assert_ptr_nonnull(strstr(
		text, "\nkubernetes_healthcheck{name=\"informer-sync\",type=\"readyz\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "{name=\"informer-sync\",status=\"error\",type="
					   "\"readyz\"} 1\n"));
	cs_metrics_destroy(health.slis);
}
END_TEST

START_TEST(other_paths)
{
	ck_assert_int_eq(ask("/readyz/ping", false, NULL), 200);
	ck_assert_str_eq(out.data, "ok");
	ck_assert_int_eq(ask("/readyz/", false, NULL), 404);
	ck_assert_int_eq(ask("/readyz/pin", false, NULL), 404);
	ck_assert_int_eq(ask("/livez/shutdown", false, NULL), 404);
	ck_assert_int_eq(ask("/readyzz", false, NULL), 404);
	ck_assert_str_eq(out.data, "404 page not found\n");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("health");
	TCase *tcase = tcase_create("health");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_good);
	tcase_add_test(tcase, not_synced);
	tcase_add_test(tcase, shutdown);
	tcase_add_test(tcase, watchdog);
	tcase_add_test(tcase, outcomes_are_counted);
	tcase_add_test(tcase, other_paths);
	suite_add_tcase(suite, tcase);
	return suite;
}
