// A bad day of the API server: nothing is bound twice, lost or left behind.
// Neighbours: lib/sim/README.md describes the fault rules; harness.h runs the programs.
#include "../unit/check_main.h"

#include <signal.h>
#include <string.h>

#include <csched/base/memory.h>

#include "harness.h"

#define PODS 20

static struct harness_process *kubesim;
static struct harness_process *scheduler;

static void create_pods(int from, int to)
{
	for (int i = from; i < to; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("p%d", i);
		harness_create_pod(kubesim, name, "100m");
	}
}

// ---- writes ----

static const struct {
	const char *name;
	const char *rules;
} write_faults[] = {
	{ "a binding's answer is lost, though it was stored",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: lose, count: "
	  "10}" },
	{ "connections close before bindings are stored",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: close, count: "
	  "10}" },
	{ "conflicts without a reason",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: status, code: "
	  "409, count: 10}" },
	{ "too many requests",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: status, code: "
	  "429, retryAfter: 1, count: 10}" },
	{ "unavailable, with Retry-After",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: status, code: "
	  "503, retryAfter: 1, count: 10}" },
	{ "internal errors",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: status, code: "
	  "500, count: 10}" },
	{ "forbidden for a while",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: status, code: "
	  "403, count: 3}" },
	{ "answers that are none",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: garbage, count: "
	  "5}" },
	{ "slow answers",
	  "- {match: {verb: create, resource: pods, subresource: binding}, action: delay, "
	  "delayMillis: 300, count: 0}" },
	{ "Events are refused",
	  "- {match: {verb: create, resource: events}, action: status, code: 403, count: 0}" },
	{ "Events fail for ever",
	  "- {match: {verb: create, resource: events}, action: status, code: 500, count: 0}" },
	{ "the answers to Events are lost",
	  "- {match: {verb: create, resource: events}, action: lose, count: 5}" },
};

START_TEST(writes)
{
	kubesim = HARNESS_KUBESIM("--nodes=4");
	scheduler = HARNESS_C_SCHED(kubesim);
	harness_wait_logged(scheduler, "Starting to schedule");
	harness_faults(kubesim, write_faults[_i].rules);
	create_pods(0, PODS);
	harness_wait_all_bound(kubesim, PODS);
	harness_check_nodes(kubesim);
	ck_assert_int_eq(harness_bindings(kubesim), PODS);
	harness_wait_faults_hit(kubesim);
	ck_assert(harness_is_running(scheduler));
}
END_TEST

// The condition of a pod that fits nowhere arrives in spite of refused and lost patches.
START_TEST(status_patches)
{
	kubesim = HARNESS_KUBESIM("--nodes=1");
	scheduler = HARNESS_C_SCHED(kubesim);
	harness_faults(
		kubesim,
		"- {match: {verb: patch, resource: pods, subresource: status}, action: "
		"status, code: 409}\n"
		"- {match: {verb: patch, resource: pods, subresource: status}, action: close, "
		"nth: 2}\n");
	harness_create_pod(kubesim, "big", "1000");
	double end = harness_now() + HARNESS_PATIENCE;
	while (!harness_condition_of(kubesim, "big")) {
		ck_assert_msg(harness_now() < end, "no condition");
		harness_sleep(0.1);
	}
}
END_TEST

// One binding in five seconds: a's is sent at once, the others wait in the client.
static void start_slowly(void)
{
	kubesim = HARNESS_KUBESIM("--nodes=0");
	harness_create_node(kubesim, "old", "4");
	scheduler = HARNESS_C_SCHED(kubesim, "--kube-api-qps=0.2", "--kube-api-burst=1");
	harness_wait_logged(scheduler, "Starting to schedule");
	harness_faults(kubesim, "- {match: {verb: create, resource: pods, subresource: binding, "
				"name: b}, action: delay, count: 0}\n");
	harness_create_pod(kubesim, "a", "100m");
	ck_assert_str_eq(harness_wait_bound(kubesim, "a"), "old");
	harness_create_pod(kubesim, "b", "100m");
	harness_create_pod(kubesim, "c", "100m");
	harness_sleep(0.3);
	ck_assert_ptr_null(harness_node_of(kubesim, "b"));
}

// The API server binds to nodes that do not exist: nothing may be sent for them.
START_TEST(a_node_deleted_while_bindings_to_it_wait)
{
	start_slowly();
	harness_delete(kubesim, "/api/v1/nodes/old");
	harness_wait_logged(scheduler, "the binding was withdrawn before it was sent");
	harness_create_node(kubesim, "new", "4");
	ck_assert_str_eq(harness_wait_bound(kubesim, "b"), "new");
	ck_assert_str_eq(harness_wait_bound(kubesim, "c"), "new");
	ck_assert_int_eq(harness_bindings(kubesim), 3);
}
END_TEST

START_TEST(a_pod_deleted_while_its_binding_waits)
{
	start_slowly();
	harness_delete(kubesim, "/api/v1/namespaces/default/pods/b?gracePeriodSeconds=0");
	ck_assert_str_eq(harness_wait_bound(kubesim, "c"), "old");
	ck_assert_int_eq(harness_faults_hit(kubesim), 0);
	ck_assert_int_eq(harness_bindings(kubesim), 2);
}
END_TEST

// ---- watches ----

// Each for the watch of pods, and once for that of nodes.
#define WATCHES(rest, times)                                                     \
	"- {match: {verb: watch, resource: pods}, " rest ", count: " times "}\n" \
	"- {match: {verb: watch, resource: nodes}, " rest ", count: 1}\n"

static const struct {
	const char *name;
	const char *rules;
} watch_faults[] = {
	{ "watches end properly, again and again", WATCHES("action: cut, after: 3", "3") },
	{ "watches are cut in the middle of an event", WATCHES("action: truncate, after: 3", "3") },
	{ "watches carry garbage", WATCHES("action: garbage, after: 3", "3") },
	{ "watches end at once, without an event", WATCHES("action: cut, after: 0", "2") },
	{ "the storage cannot report progress, told in the stream",
	  WATCHES("action: error, code: 500, after: 0", "1") },
	{ "the version is too old, told in the stream",
	  WATCHES("action: error, code: 410, after: 3", "3") },
	{ "too many requests, told in the stream",
	  WATCHES("action: error, code: 429, after: 3", "2") },
	{ "the server fails, told in the stream",
	  WATCHES("action: error, code: 500, after: 3", "2") },
	{ "the version is too old, told at the opening",
	  WATCHES("action: status, code: 410", "3") },
	{ "watches are unavailable for a while",
	  WATCHES("action: status, code: 503, retryAfter: 1", "3") },
	{ "connections close when watches open", WATCHES("action: close", "3") },
	{ "streamed lists are unknown, lists too, for a while",
	  "- {match: {verb: watch}, action: status, code: 422, count: 7}\n"
	  "- {match: {verb: list, resource: nodes}, action: status, code: 500}" },
	{ "no kind can be streamed or listed for a while",
	  "- {match: {verb: watch}, action: status, code: 503, retryAfter: 1, count: 7}" },
};

// The faults are there from the first request on: also the first list meets them.
START_TEST(watches)
{
	kubesim = HARNESS_KUBESIM("--nodes=4");
	harness_faults(kubesim, watch_faults[_i].rules);
	create_pods(0, PODS / 2);
	scheduler = HARNESS_C_SCHED(kubesim);
	create_pods(PODS / 2, PODS);
	harness_wait_all_bound(kubesim, PODS);
	harness_check_nodes(kubesim);
	ck_assert_int_eq(harness_bindings(kubesim), PODS);
	harness_wait_faults_hit(kubesim);
	harness_faults(kubesim, "[]");
	harness_create_pod(kubesim, "last", "100m");
	harness_wait_all_bound(kubesim, PODS + 1);
}
END_TEST

// Pages of 500: the token for the second one has expired, so all is listed in one go.
START_TEST(a_continue_token_that_expires)
{
	kubesim = HARNESS_KUBESIM("--nodes=600");
	harness_faults(
		kubesim,
		"- {match: {verb: list, resource: nodes}, action: status, code: 410, nth: 2}\n"
		"- {match: {verb: watch, resource: nodes}, action: status, code: 422}\n");
	scheduler = HARNESS_C_SCHED(kubesim);
	harness_wait_logged(scheduler, "\"Starting to schedule\" nodes=600");
	ck_assert_int_eq(harness_faults_hit(kubesim), 1);
	create_pods(0, 5);
	harness_wait_all_bound(kubesim, 5);
}
END_TEST

// The binding has to be repeated, and meanwhile all pods are listed anew: there the pod is unbound,
// and keeps its room all the same.
START_TEST(a_relist_while_a_binding_is_under_way)
{
	kubesim = HARNESS_KUBESIM("--nodes=0");
	harness_create_node(kubesim, "n", "1");
	harness_faults(
		kubesim,
		"- {match: {verb: watch, resource: pods}, action: error, code: 410, after: 1}\n"
		"- {match: {verb: create, resource: pods, subresource: binding}, action: status, "
		"code: "
		"429, retryAfter: 10}\n");
	scheduler = HARNESS_C_SCHED(kubesim);
	harness_wait_logged(scheduler, "Starting to schedule");
	harness_create_pod(kubesim, "p", "1");
	harness_wait_logged(scheduler, "pods: watch ended");
	harness_create_pod(kubesim, "q", "1");
	double end = harness_now() + HARNESS_PATIENCE;
	while (!harness_condition_of(kubesim, "q")) {
		ck_assert_msg(harness_now() < end, "q has no condition");
		harness_sleep(0.05);
	}
	ck_assert_ptr_null(harness_node_of(kubesim, "p")); // so q was refused for its sake
	ck_assert_str_eq(harness_wait_bound(kubesim, "p"), "n");
	ck_assert_ptr_null(harness_node_of(kubesim, "q"));
	ck_assert_int_eq(harness_bindings(kubesim), 1);
}
END_TEST

// A pod that is deleted and made again under its name while no watch is open is another pod.
START_TEST(another_pod_of_the_same_name)
{
	kubesim = HARNESS_KUBESIM("--nodes=0");
	harness_create_node(kubesim, "n", "2");
	// The watch of pods ends after its second event and stays away for some seconds.
	harness_faults(kubesim,
		       "- {match: {verb: watch, resource: pods}, action: cut, after: 3}\n"
		       "- {match: {verb: watch, resource: pods}, action: status, code: 503, "
		       "retryAfter: 2, nth: 2}\n");
	scheduler = HARNESS_C_SCHED(kubesim);
	harness_create_pod(kubesim, "p", "2");
	harness_wait_bound(kubesim, "p");
	harness_sleep(0.3);
	harness_delete(kubesim, "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0");
	harness_create_pod(kubesim, "p", "1");
	harness_wait_bound(kubesim, "p");
	harness_create_pod(kubesim, "q", "1");
	ck_assert_str_eq(harness_wait_bound(kubesim, "q"), "n");
	harness_check_nodes(kubesim);
}
END_TEST

// ---- what is not known yet ----

static const char *const kinds[] = {
	"pods",        "nodes",        "namespaces", "services", "replicationcontrollers",
	"replicasets", "statefulsets",
};

// A pod could be decided wrongly while what exists of one kind is unknown.
START_TEST(nothing_is_decided_before_every_kind_is_known)
{
	kubesim = HARNESS_KUBESIM("--nodes=2");
	CS_AUTO_FREE char *rules = cs_asprintf(
		"- {match: {verb: watch, resource: %s}, action: status, code: 503, count: 0}\n"
		"- {match: {verb: list, resource: %s}, action: status, code: 503, count: 0}\n",
		kinds[_i], kinds[_i]);
	harness_faults(kubesim, rules);
	harness_create_pod(kubesim, "p", "100m");
	scheduler = HARNESS_C_SCHED(kubesim);
	CS_AUTO_FREE char *word = cs_asprintf("%s: ", kinds[_i]);
	harness_wait_logged(scheduler, word);
	harness_sleep(0.5);
	ck_assert_ptr_null(harness_node_of(kubesim, "p"));
	ck_assert(!harness_logged(scheduler, "Starting to schedule"));
	ck_assert_int_eq(harness_request(scheduler, "GET", "/readyz", NULL, NULL).status, 500);
	harness_faults(kubesim, "[]");
	harness_wait_bound(kubesim, "p");
	ck_assert_int_eq(harness_request(scheduler, "GET", "/readyz", NULL, NULL).status, 200);
}
END_TEST

// ---- the server goes and comes ----

// On the same port, with nothing of what it knew, and it says so (410, as a server whose store was
// restored must): the relist finds that all pods and nodes are gone.
START_TEST(the_server_starts_anew)
{
	CS_AUTO_FREE char *port = cs_asprintf("--port=%d", harness_port());
	kubesim = HARNESS_KUBESIM(port, "--nodes=2");
	scheduler = HARNESS_C_SCHED(kubesim);
	create_pods(0, 5);
	harness_wait_all_bound(kubesim, 5);
	const char *faults = harness_path("faults.yaml");
	harness_write_file(faults, "- {match: {verb: watch, resource: pods}, action: status, code: "
				   "410}\n"
				   "- {match: {verb: watch, resource: nodes}, action: error, code: "
				   "410}\n");
	harness_stop(kubesim, SIGKILL);
	harness_sleep(1);
	kubesim = HARNESS_KUBESIM(port, "--nodes=0", "--faults", faults);
	harness_create_node(kubesim, "new", "1");
	create_pods(0, 5);
	harness_wait_all_bound(kubesim, 5);
	harness_check_nodes(kubesim);
}
END_TEST

// It is away when c-sched starts: that waits for it.
START_TEST(the_server_comes_later)
{
	CS_AUTO_FREE char *port = cs_asprintf("--port=%d", harness_port());
	kubesim = HARNESS_KUBESIM(port, "--nodes=2");
	struct harness_process old = *kubesim;
	harness_stop(kubesim, SIGKILL);
	scheduler = HARNESS_C_SCHED(&old);
	harness_sleep(1);
	ck_assert_int_eq(harness_request(scheduler, "GET", "/readyz", NULL, NULL).status, 500);
	kubesim = HARNESS_KUBESIM(port, "--nodes=2");
	create_pods(0, 5);
	harness_wait_all_bound(kubesim, 5);
	ck_assert_int_eq(harness_request(scheduler, "GET", "/readyz", NULL, NULL).status, 200);
}
END_TEST

// ---- credentials ----

// An old token is refused; the new one in the same file is found without a restart.
START_TEST(a_token_that_expired)
{
	const char *token_file = harness_path("token");
	const char *kubeconfig = harness_path("kubeconfig");
	kubesim = HARNESS_KUBESIM("--nodes=2", "--tls", "--token=new");
	CS_AUTO_FREE char *text =
		cs_asprintf("apiVersion: v1\nkind: Config\ncurrent-context: x\n"
			    "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
			    "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:%d', "
			    "insecure-skip-tls-verify: true}}]\n"
			    "users: [{name: u, user: {tokenFile: %s}}]\n",
			    kubesim->port, token_file);
	harness_write_file(token_file, "old");
	harness_write_file(kubeconfig, text);
	struct harness_process other = *kubesim;
	other.kubeconfig = kubeconfig;
	scheduler = HARNESS_C_SCHED(&other);
	harness_wait_logged(scheduler, "Unauthorized");
	harness_write_file(token_file, "new");
	create_pods(0, 3);
	harness_wait_all_bound(kubesim, 3);
	ck_assert(!harness_logged(scheduler, "Bearer"));
}
END_TEST

// ---- hostile objects ----

// Objects that cannot be read are named; their neighbours are scheduled.
START_TEST(an_object_that_is_too_large)
{
	kubesim = HARNESS_KUBESIM("--nodes=2");
	harness_faults(kubesim, "- {match: {verb: watch, resource: pods}, action: oversize, bytes: "
				"104857600, after: 2}\n");
	scheduler = HARNESS_C_SCHED(kubesim);
	create_pods(0, 5);
	harness_wait_all_bound(kubesim, 5);
	ck_assert(harness_is_running(scheduler));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("faults");
	TCase *tcase = tcase_create("faults");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_add_loop_test(tcase, writes, 0, (int)CS_ARRAY_LENGTH(write_faults));
	tcase_add_test(tcase, status_patches);
	tcase_add_test(tcase, a_node_deleted_while_bindings_to_it_wait);
	tcase_add_test(tcase, a_pod_deleted_while_its_binding_waits);
	tcase_add_loop_test(tcase, watches, 0, (int)CS_ARRAY_LENGTH(watch_faults));
	tcase_add_test(tcase, a_continue_token_that_expires);
	tcase_add_test(tcase, a_relist_while_a_binding_is_under_way);
	tcase_add_test(tcase, another_pod_of_the_same_name);
	tcase_add_loop_test(tcase, nothing_is_decided_before_every_kind_is_known, 0,
			    (int)CS_ARRAY_LENGTH(kinds));
	tcase_add_test(tcase, the_server_starts_anew);
	tcase_add_test(tcase, the_server_comes_later);
	tcase_add_test(tcase, a_token_that_expired);
	tcase_add_test(tcase, an_object_that_is_too_large);
	suite_add_tcase(suite, tcase);
	return suite;
}
