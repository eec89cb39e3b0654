// Two replicas and one Lease: one schedules, the other takes over, nobody binds twice.
// Neighbours: harness.h runs the programs; client/lease.h is the protocol.
#include "../unit/check_main.h"

#include <signal.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/kube/timestamp.h>

#include "harness.h"

#define LEASE "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/c-sched"

static struct harness_process *kubesim;

#define DURATION 6 // seconds of a lease

// Short times, so that the test is over soon: the rules are the same.
static struct harness_process *replica(void)
{
	return HARNESS_C_SCHED(kubesim, "--leader-elect", "--leader-elect-lease-duration=6s",
			       "--leader-elect-renew-deadline=5s",
			       "--leader-elect-retry-period=300ms");
}

// Its lease outlasts the harness's patience: who waits until it has run out fails the test.
static struct harness_process *long_leader(void)
{
	return HARNESS_C_SCHED(kubesim, "--leader-elect", "--leader-elect-lease-duration=300s",
			       "--leader-elect-renew-deadline=5s",
			       "--leader-elect-retry-period=300ms");
}

// When something last happened to the lease, as it says, in seconds.
static double lease_time(const char *field)
{
	CS_AUTO_FREE char *path = cs_asprintf("spec.%s", field);
	const char *text = cs_value_string_at(harness_get(kubesim, LEASE), path);
	struct cs_error err = { 0 };
	int64_t time = 0;
	ck_assert_ptr_nonnull(text);
	ck_assert_msg(cs_timestamp_parse(cs_slice_of(text), &time, &err) == 0, "%s", err.text);
	return (double)time / (double)CS_SECOND;
}

static const char *holder(void)
{
	return cs_value_string_at(harness_get(kubesim, LEASE), "spec.holderIdentity");
}

static bool leads(const struct harness_process *process)
{
	return harness_logged(process, "Starting to schedule");
}

static void create_pods(int from, int to)
{
	for (int i = from; i < to; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("p%d", i);
		harness_create_pod(kubesim, name, "10m");
	}
}

START_TEST(the_leader_is_killed)
{
	kubesim = HARNESS_KUBESIM("--nodes=3");
	struct harness_process *first = replica();
	harness_wait_logged(first, "Starting to schedule");
	struct harness_process *second = replica();
	create_pods(0, 10);
	harness_wait_all_bound(kubesim, 10);
	harness_sleep(0.5);
	ck_assert(!leads(second));
	// The standby is healthy and ready: it can take over.
	ck_assert_int_eq(harness_request(second, "GET", "/readyz", NULL, NULL).status, 200);
	ck_assert_int_eq(harness_request(second, "GET", "/livez", NULL, NULL).status, 200);

	create_pods(10, 30);
	harness_stop(first, SIGKILL);
	double renewed = lease_time("renewTime");
	harness_wait_logged(second, "Starting to schedule");
	// Not before the lease has run out.
	ck_assert_double_ge(lease_time("acquireTime") - renewed, DURATION);
	create_pods(30, 40);
	harness_wait_all_bound(kubesim, 40);
	harness_check_nodes(kubesim);
}
END_TEST

START_TEST(the_leader_ends_properly)
{
	kubesim = HARNESS_KUBESIM("--nodes=3");
	struct harness_process *first = long_leader();
	harness_wait_logged(first, "Starting to schedule");
	struct harness_process *second = replica();
	harness_sleep(1);
	ck_assert_int_eq(harness_stop(first, SIGTERM), 0);
	harness_wait_logged(second, "Starting to schedule");
	struct json_object *lease = harness_get(kubesim, LEASE);
	ck_assert_int_eq(json_object_get_int(cs_value_at(lease, "spec.leaseTransitions")), 1);
	create_pods(0, 5);
	harness_wait_all_bound(kubesim, 5);
}
END_TEST

START_TEST(the_last_one_gives_the_lease_up)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *first = replica();
	harness_wait_logged(first, "Starting to schedule");
	ck_assert_ptr_nonnull(holder());
	ck_assert_str_ne(holder(), "");
	ck_assert_int_eq(harness_stop(first, SIGTERM), 0);
	ck_assert(!holder() || !*holder());
}
END_TEST

// Somebody else takes the lease: who finds that out ends with exit status 1.
START_TEST(the_lease_is_taken_away)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *first = replica();
	harness_wait_logged(first, "Starting to schedule");
	struct harness_response r =
		harness_request(kubesim, "PATCH", LEASE, "application/merge-patch+json",
				"{\"spec\":{\"holderIdentity\":\"thief\",\"leaseDurationSeconds\":"
				"60,\"renewTime\":\"2030-01-01T00:00:00.000000Z\"}}");
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(harness_wait_exit(first), 1);
	ck_assert(harness_logged(first, "Leaderelection lost"));
	ck_assert_str_eq(holder(), "thief");
}
END_TEST

// A leader that cannot renew stops binding before another may begin, and ends.
START_TEST(the_lease_cannot_be_renewed)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *first = long_leader();
	harness_wait_logged(first, "Starting to schedule");
	harness_faults(kubesim,
		       "- {match: {resource: leases}, action: status, code: 500, count: 0}");
	ck_assert_int_eq(harness_wait_exit(first), 1);
	create_pods(0, 1);
	harness_sleep(0.5);
	ck_assert_int_eq(harness_count_pods(kubesim).pending, 1);
}
END_TEST

START_TEST(impossible_times)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	struct harness_process *process = harness_start(
		"c-sched",
		(const char *const[]){ "--kubeconfig", kubesim->kubeconfig, "--secure-port=0",
				       "--leader-elect-lease-duration=5s", NULL });
	ck_assert_int_eq(harness_wait_exit(process), 1);
	ck_assert(harness_logged(process, "leaderElection"));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("election");
	TCase *tcase = tcase_create("election");
	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_add_test(tcase, the_leader_is_killed);
	tcase_add_test(tcase, the_leader_ends_properly);
	tcase_add_test(tcase, the_last_one_gives_the_lease_up);
	tcase_add_test(tcase, the_lease_is_taken_away);
	tcase_add_test(tcase, the_lease_cannot_be_renewed);
	tcase_add_test(tcase, impossible_times);
	suite_add_tcase(suite, tcase);
	return suite;
}
