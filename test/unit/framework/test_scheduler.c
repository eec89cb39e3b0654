// The scheduler as the daemon drives it: what it asks, and what it makes of the answers.
// Neighbours: lib/framework/scheduler.c.
#include <csched/framework/scheduler.h>

#include <errno.h>
#include <string.h>

#include "../check_main.h"
#include "fixture.h"

static struct toy toy;

static void setup(void)
{
	toy_init(&toy, NULL);
}

static void teardown(void)
{
	toy_finish(&toy);
}

static const struct cs_pod *pod_of(const char *uid)
{
	return cs_cluster_find_pod(toy.cluster, uid);
}

static void wait_for(int64_t ns)
{
	toy.now.boot += ns;
	toy.now.wall += ns;
}

static double metric(int row, const char *const *labels)
{
	return cs_metric_value(cs_metrics_series(toy.metrics, &cs_scheduler_metrics[row], labels));
}

static const struct cs_metric_info *info_of(const char *name)
{
	const struct cs_metric_info *info = cs_scheduler_metrics;
	while (info->name && !cs_string_equal(info->name, name))
		info++;
	ck_assert_msg(info->name != NULL, "no metric %s", name);
	return info;
}

#define METRIC(name, ...) \
	metric((int)(info_of(name) - cs_scheduler_metrics), (const char *const[]){ __VA_ARGS__ })
#define PENDING(queue)   METRIC("scheduler_pending_pods", queue)
#define ATTEMPTS(result) METRIC("scheduler_schedule_attempts_total", result, "c-sched")

#define SCHEDULED(pod, node)                                                             \
	"event default/" pod " normal Scheduled Binding c-sched: Successfully assigned " \
	"default/" pod " to " node "\n"
#define FAILED(pod, message) \
	"event default/" pod " warning FailedScheduling Scheduling c-sched: " message "\n"
#define UNSCHEDULABLE(pod, message) \
	FAILED(pod, message) "condition default/" pod " Unschedulable: " message "\n"

START_TEST(a_pod_is_decided_assumed_bound_and_told)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	ck_assert(PENDING("active") == 1);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	ck_assert_int_eq(pod_of("a")->state, CS_POD_ASSUMED);
	ck_assert(METRIC("scheduler_cache_size", "assumed_pods") == 1);
	ck_assert(PENDING("active") == 0);
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, SCHEDULED("a", "n1"));
	ck_assert_int_eq(pod_of("a")->state, CS_POD_BOUND);
	ck_assert_ptr_null(pod_of("a")->pending);
	ck_assert(ATTEMPTS("scheduled") == 1);
	ck_assert(METRIC("scheduler_pod_scheduling_attempts", NULL) == 1);
	ck_assert(METRIC("scheduler_pod_scheduling_sli_duration_seconds", "1") == 1);
	// The watch then tells the same: nothing new.
	toy_add_pod(&toy, "a", 1000, "nodeName: n1");
	toy_turn(&toy, 0);
	toy_expect(&toy, "");
	const struct cs_record *record =
		cs_records_find(cs_scheduler_records(toy.scheduler), "default/a", 0);
	ck_assert_str_eq(cs_record_node(record, 0), "n1");
	ck_assert_int_eq(record->at, toy.now.wall);
	ck_assert_uint_eq(record->attempt, 1);
}
END_TEST

START_TEST(nothing_is_decided_before_start_and_after_stop)
{
	cs_scheduler_stop(toy.scheduler);
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_add_pod(&toy, "refused", 100, "hostNetwork: true, schedulingGroup: {podGroupName: a}");
	toy_turn(&toy, 0);
	ck_assert_int_eq(cs_scheduler_deadline(toy.scheduler), INT64_MAX);
	toy_expect(&toy, "");
	cs_scheduler_start(toy.scheduler);
	ck_assert_int_le(cs_scheduler_deadline(toy.scheduler), toy.now.boot);
	toy_turn(&toy, 2);
	ck_assert_int_eq(cs_scheduler_deadline(toy.scheduler), INT64_MAX);
	cs_scheduler_stop(toy.scheduler);
	toy_add_pod(&toy, "b", 1000, "");
	toy_turn(&toy, 0);
	// The answer to a binding of before is still heard.
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	ck_assert_int_eq(pod_of("a")->state, CS_POD_BOUND);
}
END_TEST

START_TEST(the_watch_may_tell_first)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	toy_add_pod(&toy, "a", 1000, "nodeName: n1");
	toy_expect(&toy, SCHEDULED("a", "n1"));
	ck_assert_ptr_null(pod_of("a")->pending);
	// The answer that follows is counted once.
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, "");
	ck_assert(ATTEMPTS("scheduled") == 1);
}
END_TEST

START_TEST(bound_elsewhere_by_someone_else)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "unschedulable: true");
	toy_add_pod(&toy, "a", 1000, "");
	toy_add_pod(&toy, "b", 1000, "");
	toy_turn(&toy, 2);
	toy_expect(&toy, "bind default/a n1\nbind default/b n1\n");
	toy_bound(&toy, CS_BOUND_ELSEWHERE, "n2");    // b, by the answer
	toy_add_pod(&toy, "a", 1000, "nodeName: n2"); // a, by the watch
	toy_expect(&toy, "withdraw an earlier one\n");
	const struct cs_node_table *nodes = cs_cluster_nodes(toy.cluster);
	uint32_t n2 = cs_cluster_find_node(toy.cluster, "n2");
	ck_assert_int_eq(nodes->requested[CS_RESOURCE_CPU][n2], 2000);
	ck_assert_int_eq(nodes->n_pods[cs_cluster_find_node(toy.cluster, "n1")], 0);
	ck_assert_ptr_null(pod_of("a")->pending);
	ck_assert_ptr_null(pod_of("b")->pending);
	ck_assert(ATTEMPTS("scheduled") == 0);
}
END_TEST

START_TEST(a_failed_binding_is_forgotten_told_and_tried_again)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	toy_bound(&toy, CS_BOUND_FAILED, "the server is down");
	toy_expect(
		&toy,
		FAILED("a",
		       "running Bind plugin \"ToyBind\": the server is down") "condition default/a "
									      "SchedulerError: "
									      "running Bind plugin "
									      "\"ToyBind\": the "
									      "server is down\n");
	ck_assert_int_eq(pod_of("a")->state, CS_POD_UNBOUND);
	ck_assert(ATTEMPTS("error") == 1);
	ck_assert(PENDING("backoff") == 1);
	// Not before its back-off of a second is over: that window ends with the next but one.
	toy_turn(&toy, 0);
	ck_assert_int_eq(cs_scheduler_deadline(toy.scheduler), toy.now.boot + 2 * CS_SECOND);
	wait_for(2 * CS_SECOND - 1);
	toy_turn(&toy, 0);
	wait_for(1);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, SCHEDULED("a", "n1"));
	ck_assert(METRIC("scheduler_pod_scheduling_sli_duration_seconds", "2") == 1);
}
END_TEST

START_TEST(a_failed_binding_frees_room_for_others)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_add_pod(&toy, "b", 1000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n" UNSCHEDULABLE(
				 "b", "0/1 nodes are available: 1 Insufficient cpu."));
	toy_bound(&toy, CS_BOUND_FAILED, "no");
	cs_buffer_clear(&toy.asked);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/b n1\n");
}
END_TEST

START_TEST(a_pod_that_is_gone_leaves_nothing_behind)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_bound(&toy, CS_BOUND_GONE, NULL);
	ck_assert_ptr_null(pod_of("a")->pending);
	toy_turn(&toy, 0);
	toy_expect(&toy, "bind default/a n1\n");
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "a");
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "a");
	ck_assert_ptr_null(pod_of("a"));
}
END_TEST

START_TEST(deleted_while_its_binding_is_under_way)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	uint64_t ticket = toy.last_ticket;
	toy_add_pod(&toy, "b", 1000, "");
	toy_turn(&toy, 1); // unschedulable
	cs_buffer_clear(&toy.asked);
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "a");
	// What a was to take is free at once, and b knows.
	toy_turn(&toy, 1);
	toy_expect(&toy, "withdraw the last\nbind default/b n1\n");
	cs_scheduler_bound(toy.scheduler, toy.now,
			   &(struct cs_bound_result){ .ticket = ticket, .outcome = CS_BOUND_HERE });
	toy_expect(&toy, "");
	ck_assert_int_eq(pod_of("b")->state, CS_POD_ASSUMED);
}
END_TEST

START_TEST(recreated_under_its_name_while_its_binding_is_under_way)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	uint64_t ticket = toy.last_ticket;
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "a");
	struct cs_error err;
	const Kube__Pod *again =
		toy_pod(toy.arena, "{metadata: {name: a, namespace: default, uid: a2}, spec: "
				   "{schedulerName: c-sched, containers: [{name: c}]}}");
	ck_assert_int_eq(cs_scheduler_apply_pod(toy.scheduler, toy.now, again, &err), 0);
	toy_turn(&toy, 1);
	ck_assert_uint_ne(toy.last_ticket, ticket);
	cs_buffer_clear(&toy.asked);
	cs_scheduler_bound(toy.scheduler, toy.now,
			   &(struct cs_bound_result){ .ticket = ticket, .outcome = CS_BOUND_GONE });
	ck_assert_int_eq(pod_of("a2")->state, CS_POD_ASSUMED);
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, SCHEDULED("a", "n1"));
}
END_TEST

START_TEST(deletion_of_an_assumed_pod_frees_its_room)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	uint64_t ticket = toy.last_ticket;
	toy_add_pod(&toy, "b", 1000, "");
	toy_turn(&toy, 1);
	cs_buffer_clear(&toy.asked);
	struct cs_error err;
	const struct toy_pod_parts terminating = {
		.name = "a",
		.cpu = 1000,
		.metadata = "deletionTimestamp: '2026-01-01T00:00:00Z'",
	};
	ck_assert_int_eq(toy_apply_pod(&toy, &terminating, &err), 0);
	ck_assert_int_eq(pod_of("a")->state, CS_POD_UNBOUND);
	ck_assert_ptr_null(pod_of("a")->pending);
	toy_turn(&toy, 1);
	toy_expect(&toy, "withdraw the last\nbind default/b n1\n");
	cs_scheduler_bound(toy.scheduler, toy.now,
			   &(struct cs_bound_result){ .ticket = ticket,
						      .outcome = CS_BOUND_FAILED,
						      .message = "is being deleted" });
	toy_expect(&toy, "");
	toy_turn(&toy, 0);
}
END_TEST

START_TEST(terminating_pods_are_skipped_in_words)
{
	struct cs_error err;
	toy_add_node(&toy, "n1", 4, 110, "");
	ck_assert_int_eq(
		toy_apply_pod(&toy,
			      &(struct toy_pod_parts){
				      .name = "a",
				      .metadata = "deletionTimestamp: '2026-01-01T00:00:00Z'" },
			      &err),
		0);
	toy_turn(&toy, 1);
	toy_expect(&toy, FAILED("a", "skip schedule deleting pod: default/a"));
	ck_assert_ptr_null(pod_of("a")->pending);
	// It does not come back by what happens to it until it is gone.
	ck_assert_int_eq(
		toy_apply_pod(&toy,
			      &(struct toy_pod_parts){
				      .name = "a",
				      .metadata = "labels: {x: z}, "
						  "deletionTimestamp: '2026-01-01T00:00:00Z'" },
			      &err),
		0);
	toy_turn(&toy, 0);
	toy_expect(&toy, "");
}
END_TEST

START_TEST(an_unschedulable_pod_waits_for_what_may_cure_it)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "a", 2000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, UNSCHEDULABLE("a", "0/1 nodes are available: 1 Insufficient cpu."));
	ck_assert(PENDING("unschedulable") == 1);
	ck_assert(METRIC("scheduler_unschedulable_pods", "ToyFit", "c-sched") == 1);
	toy_turn(&toy, 0);
	// A label of the node cures nothing that ToyFit rejects.
	struct cs_error err;
	const Kube__Node *labelled =
		toy_node(toy.arena, "{metadata: {name: n1, labels: {a: b}}, status: {allocatable: "
				    "{cpu: '1', pods: '110'}}}");
	ck_assert_int_eq(cs_scheduler_apply_node(toy.scheduler, toy.now, labelled, &err), 0);
	toy_turn(&toy, 0);
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n2\n");
	ck_assert(METRIC("scheduler_unschedulable_pods", "ToyFit", "c-sched") == 0);
	ck_assert(METRIC("scheduler_queue_incoming_pods_total", "backoff", "NodeAdd") == 1);
	ck_assert(METRIC("scheduler_queue_incoming_pods_total", "active", "PopFromBackoffQ") == 1);
}
END_TEST

START_TEST(conditions_are_written_when_they_change_events_each_time)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "a", 2000, "");
	toy_turn(&toy, 1);
	cs_buffer_clear(&toy.asked);
	struct cs_error err;
	struct toy_pod_parts known = {
		.name = "a",
		.cpu = 2000,
		.status = "conditions: [{type: PodScheduled, status: 'False', reason: "
			  "Unschedulable, message: '0/1 nodes are available: 1 Insufficient "
			  "cpu.'}]",
	};
	ck_assert_int_eq(toy_apply_pod(&toy, &known, &err), 0);
	toy_turn(&toy, 0); // the condition itself is no reason to try again
	toy_add_node(&toy, "n1", 1, 111, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, FAILED("a", "0/1 nodes are available: 1 Insufficient cpu."));
	toy_add_node(&toy, "n2", 1, 111, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, UNSCHEDULABLE("a", "0/2 nodes are available: 2 Insufficient cpu."));
}
END_TEST

// As upstream: no plugin has rejected the pod, so that no event but the end of its back-off wakes
// it.
START_TEST(an_empty_cluster_is_asked_again_after_back_off)
{
	toy_add_pod(&toy, "a", 100, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, UNSCHEDULABLE("a", "no nodes available to schedule pods"));
	ck_assert(ATTEMPTS("unschedulable") == 1);
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_turn(&toy, 0);
	wait_for(2 * CS_SECOND);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
}
END_TEST

#define GANG       "schedulingGroup: {podGroupName: a}"
#define GANG_WORDS "gang scheduling (spec.schedulingGroup)"
#define NOT_IMPLEMENTED(n, what) \
	"0/" n " nodes are available: c-sched does not implement " what "; the pod stays Pending."

START_TEST(what_is_not_understood_is_not_bound)
{
	const char *message = UNSCHEDULABLE("a", NOT_IMPLEMENTED("1", GANG_WORDS));
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 100, GANG);
	toy_turn(&toy, 1);
	toy_expect(&toy, message);
	ck_assert(PENDING("unschedulable") == 1);
	ck_assert(ATTEMPTS("unschedulable") == 0);
	ck_assert_int_eq(pod_of("a")->state, CS_POD_UNBOUND);
	// No event and no flush wakes it.
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "b", 100, "nodeName: n1");
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "b");
	toy_turn(&toy, 0);
	ck_assert_int_eq(cs_scheduler_deadline(toy.scheduler), INT64_MAX);
	wait_for(3600 * CS_SECOND);
	toy_turn(&toy, 0);
	toy_expect(&toy, "");
	// Its own change does; it is told again, for the nodes of now.
	toy_add_pod(&toy, "a", 200, GANG);
	toy_turn(&toy, 1);
	toy_expect(&toy, UNSCHEDULABLE("a", NOT_IMPLEMENTED("2", GANG_WORDS)));
	const struct cs_record *record =
		cs_records_find(cs_scheduler_records(toy.scheduler), "default/a", 0);
	ck_assert_int_eq(record->decision, CS_DECISION_UNSCHEDULABLE);
	ck_assert_str_eq(record->message, NOT_IMPLEMENTED("2", GANG_WORDS));
	toy_add_pod(&toy, "a", 200, "");
	toy_turn(&toy, 1);
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	ck_assert_int_eq(pod_of("a")->state, CS_POD_BOUND);
}
END_TEST

START_TEST(what_cannot_be_read_is_not_bound)
{
	struct cs_error err;
	toy_add_node(&toy, "n1", 4, 110, "");
	const Kube__Pod *broken = toy_pod(
		toy.arena, "{metadata: {name: a, namespace: default, uid: a}, spec: "
			   "{schedulerName: c-sched, containers: [{name: c, resources: {requests: "
			   "{cpu: '1'}}}]}}");
	char lots[] = "lots"; // only protobuf brings such a thing
	broken->spec->containers[0]->resources->requests[0]->value->string = lots;
	ck_assert_int_eq(cs_scheduler_apply_pod(toy.scheduler, toy.now, broken, &err), -EINVAL);
	toy_turn(&toy, 1);
	toy_expect(&toy, UNSCHEDULABLE("a", "0/1 nodes are available: c-sched cannot read "
					    "spec.containers[0].resources.requests.cpu; the pod "
					    "stays Pending."));
	// Repaired (which the API server does not allow, but relists bring), it goes.
	toy_add_pod(&toy, "a", 100, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
}
END_TEST

START_TEST(errors_are_told_and_retried_with_growing_back_off)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "error", 100, "");
	toy_turn(&toy, 1);
	const char *message = "running PreFilter plugin \"ToyMood\": error is error";
	toy_expect(&toy, cs_arena_printf(toy.arena,
					 FAILED("error", "%s") "condition default/error "
							       "SchedulerError: %s\n",
					 message, message));
	ck_assert(ATTEMPTS("error") == 1);
	static const int seconds[] = { 1, 2, 4, 8, 10, 10 };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(seconds); i++) {
		toy_turn(&toy, 0);
		ck_assert_int_eq(cs_scheduler_deadline(toy.scheduler),
				 toy.now.boot + (seconds[i] + 1) * CS_SECOND);
		wait_for((seconds[i] + 1) * CS_SECOND);
		toy_turn(&toy, 1);
	}
}
END_TEST

START_TEST(gated_pods_wait_for_their_gates_in_silence)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 100, "schedulingGates: [{name: x}, {name: z}]");
	toy_turn(&toy, 0);
	toy_expect(&toy, "");
	ck_assert(PENDING("gated") == 1);
	ck_assert(METRIC("scheduler_unschedulable_pods", "ToyGate", "c-sched") == 1);
	toy_add_pod(&toy, "a", 100, "schedulingGates: [{name: z}]");
	toy_turn(&toy, 0);
	wait_for(3600 * CS_SECOND);
	toy_turn(&toy, 0);
	toy_add_pod(&toy, "a", 100, "");
	ck_assert(PENDING("gated") == 0);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	ck_assert(METRIC("scheduler_queue_incoming_pods_total", "active",
			 "UnschedulablePodUpdatePodSchedulingGatesEliminated") == 1);
}
END_TEST

START_TEST(pods_of_other_schedulers_only_count_when_bound)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "other", 1000, "schedulerName: default-scheduler");
	toy_turn(&toy, 0);
	ck_assert_ptr_null(pod_of("other")->pending);
	toy_add_pod(&toy, "other", 1000, "schedulerName: default-scheduler, nodeName: n1");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, UNSCHEDULABLE("a", "0/1 nodes are available: 1 Insufficient cpu."));
	// Finished, it leaves its room.
	struct cs_error err;
	struct toy_pod_parts over = {
		.name = "other", .cpu = 1000, .spec = "nodeName: n1", .status = "phase: Succeeded"
	};
	ck_assert_int_eq(toy_apply_pod(&toy, &over, &err), 0);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	// So does a pending one.
	toy_add_pod(&toy, "b", 1000, "");
	struct toy_pod_parts failed = { .name = "b", .cpu = 1000, .status = "phase: Failed" };
	ck_assert_int_eq(toy_apply_pod(&toy, &failed, &err), 0);
	toy_turn(&toy, 0);
	ck_assert_ptr_null(pod_of("b"));
}
END_TEST

// The API server forbids it; a server that tells it all the same does no harm.
START_TEST(a_pod_that_changes_its_scheduler)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "waits", 9000, "");
	toy_turn(&toy, 1);
	toy_add_pod(&toy, "waits", 9000, "schedulerName: other");
	ck_assert_ptr_null(pod_of("waits")->pending);
	toy_add_pod(&toy, "waits", 9000, "");
	ck_assert_ptr_nonnull(pod_of("waits")->pending);
	toy_expect(&toy, UNSCHEDULABLE("waits", "0/1 nodes are available: 1 Insufficient cpu."));
	// While its binding is under way that is still ours, and counted as such.
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "waits");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	toy_add_pod(&toy, "a", 1000, "schedulerName: other");
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, SCHEDULED("a", "n1"));
	ck_assert(ATTEMPTS("scheduled") == 1);
}
END_TEST

START_TEST(each_profile_decides_for_its_name)
{
	toy_finish(&toy);
	toy_init(&toy, "apiVersion: kubescheduler.config.k8s.io/v1\n"
		       "kind: KubeSchedulerConfiguration\n"
		       "profiles:\n"
		       "- schedulerName: c-sched\n"
		       "- schedulerName: packer\n"
		       "  plugins:\n"
		       "    score: {disabled: [{name: '*'}]}\n"
		       "    filter: {disabled: [{name: ToyCordon}]}\n");
	toy_add_node(&toy, "n1", 4, 110, "unschedulable: true");
	toy_add_pod(&toy, "a", 100, "");
	toy_add_pod(&toy, "b", 100, "schedulerName: packer");
	toy_turn(&toy, 2);
	toy_expect(
		&toy,
		UNSCHEDULABLE(
			"a",
			"0/1 nodes are available: 1 node(s) were cordoned.") "bind default/b n1\n");
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, "event default/b normal Scheduled Binding packer: Successfully assigned "
			 "default/b to n1\n");
	ck_assert(METRIC("scheduler_schedule_attempts_total", "scheduled", "packer") == 1);
}
END_TEST

START_TEST(no_more_bindings_than_allowed_wait_for_answers)
{
	toy_finish(&toy);
	toy_init_options(&toy, toy_config(NULL, toy_plugins),
			 &(struct cs_scheduler_options){ .max_binding = 2 });
	toy_add_node(&toy, "n1", 4, 110, "");
	for (int i = 0; i < 4; i++)
		toy_add_pod(&toy, cs_arena_printf(toy.arena, "p%d", i), 100, "");
	toy_turn(&toy, 2);
	toy_expect(&toy, "bind default/p0 n1\nbind default/p1 n1\n");
	ck_assert_int_eq(cs_scheduler_deadline(toy.scheduler), INT64_MAX);
	toy_turn(&toy, 0);
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, SCHEDULED("p1", "n1"));
	ck_assert_int_le(cs_scheduler_deadline(toy.scheduler), toy.now.boot);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/p2 n1\n");
	// A pod that is deleted keeps its ticket until the answer is there.
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "p2");
	toy_turn(&toy, 0);
	toy_bound(&toy, CS_BOUND_GONE, NULL);
	toy_turn(&toy, 1);
	toy_expect(&toy, "withdraw the last\nbind default/p3 n1\n");
}
END_TEST

START_TEST(unknown_and_stale_tickets_are_ignored)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 100, "");
	toy_turn(&toy, 1);
	uint64_t ticket = toy.last_ticket;
	static const uint64_t others[] = { 0, 1, 65, 128, UINT64_MAX };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(others); i++)
		cs_scheduler_bound(
			toy.scheduler, toy.now,
			&(struct cs_bound_result){ .ticket = others[i], .outcome = CS_BOUND_GONE });
	ck_assert_int_eq(pod_of("a")->state, CS_POD_ASSUMED);
	toy.last_ticket = ticket;
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	ck_assert_int_eq(pod_of("a")->state, CS_POD_BOUND);
}
END_TEST

START_TEST(a_node_that_vanishes_under_a_binding)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n1\n");
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n1");
	toy_expect(&toy, "withdraw the last\n");
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n1");
	toy_expect(&toy, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_bound(&toy, CS_BOUND_FAILED, "node gone");
	cs_buffer_clear(&toy.asked);
	wait_for(2 * CS_SECOND);
	toy_turn(&toy, 1);
	toy_expect(&toy, "bind default/a n2\n");
	// And where the answer is that it went well.
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n2");
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	toy_expect(&toy, "withdraw the last\n" SCHEDULED("a", "n2"));
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "a");
	toy_turn(&toy, 0);
}
END_TEST

START_TEST(broken_objects_are_errors_of_their_own)
{
	struct cs_error err;
	const Kube__Pod *nameless = toy_pod(toy.arena, "{metadata: {uid: u}, spec: {}}");
	ck_assert_int_lt(cs_scheduler_apply_pod(toy.scheduler, toy.now, nameless, &err), 0);
	const Kube__Pod *over =
		toy_pod(toy.arena, "{metadata: {name: x}, status: {phase: Failed}}");
	ck_assert_int_lt(cs_scheduler_apply_pod(toy.scheduler, toy.now, over, &err), 0);
	const Kube__Node *node = toy_node(toy.arena, "{metadata: {}}");
	ck_assert_int_lt(cs_scheduler_apply_node(toy.scheduler, toy.now, node, &err), 0);
	cs_scheduler_remove_node(toy.scheduler, toy.now, "unknown");
	cs_scheduler_remove_pod(toy.scheduler, toy.now, "unknown");
	toy_turn(&toy, 0);
	toy_expect(&toy, "");
}
END_TEST

START_TEST(a_scheduler_needs_a_profile)
{
	struct cs_error err;
	struct cs_scheduler *none = NULL;
	ck_assert_int_eq(cs_scheduler_create(
				 &(struct cs_scheduler_options){
					 .cluster = toy.cluster,
					 .config = &(struct cs_config){ .n_profiles = 0 } },
				 &none, &err),
			 -EINVAL);
	expect_error(err, "a scheduler needs at least one profile");
	cs_scheduler_destroy(NULL);
}
END_TEST

START_TEST(destroyed_with_pods_in_every_state)
{
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_pod(&toy, "gated", 100, "schedulingGates: [{name: x}]");
	toy_add_pod(&toy, "unschedulable", 100, "");
	toy_add_pod(&toy, "error", 100, "");
	toy_add_pod(&toy, "refused", 100, GANG);
	toy_add_pod(&toy, "assumed", 100, "");
	toy_turn(&toy, 4);
	toy_add_pod(&toy, "active", 100, "");
}
END_TEST

#define EVALUATED(plugin, point) \
	METRIC("scheduler_plugin_evaluation_total", plugin, point, "c-sched")

// Once for each attempt, also where the answers of an earlier pod still hold; a plugin that skips a
// pod is not counted beyond that.
START_TEST(plugins_are_counted_by_attempt)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "a", 100, "");
	toy_add_pod(&toy, "b", 100, "");
	toy_add_pod(&toy, "c", 100, "");
	toy_turn(&toy, 3);
	const struct cs_profile *profile = toy.config->profiles[0];
	double filtered = 0, scored = 0;
	for (uint32_t i = 0; i < profile->n_prepare_filter; i++)
		ck_assert(EVALUATED(profile->prepare_filter[i]->plugin->name, "PreFilter") == 3);
	for (uint32_t i = 0; i < profile->n_filter; i++) {
		double n = EVALUATED(profile->filter[i]->plugin->name, "Filter");
		ck_assert(n == 0 || n == 3);
		filtered += n;
	}
	for (uint32_t i = 0; i < profile->n_score; i++) {
		double n = EVALUATED(profile->score[i]->plugin->name, "Score");
		ck_assert(n == 0 || n == 3);
		scored += n;
	}
	ck_assert(filtered > 0 && scored > 0);
}
END_TEST

// A clock on which a millisecond passes at each look.
static struct cs_time tick(void *user)
{
	struct cs_time *time = user;
	time->boot += CS_MILLISECOND;
	return *time;
}

#define TIMED(point, status) \
	METRIC("scheduler_framework_extension_point_duration_seconds", point, status, "c-sched")

START_TEST(extension_points_are_timed)
{
	struct cs_time time = { .boot = 100 * CS_SECOND };
	toy_finish(&toy);
	toy_init_options(&toy, toy_config(NULL, toy_plugins),
			 &(struct cs_scheduler_options){ .clock = { .now = tick, .user = &time } });
	toy_add_pod(&toy, "early", 100, "");
	toy_turn(&toy, 1);
	ck_assert(TIMED("PreFilter", "Success") == 0); // there is no node
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "one", 100, "");
	toy_turn(&toy, 1);
	ck_assert(TIMED("PreFilter", "Success") == 1 && TIMED("Filter", "Success") == 1);
	ck_assert(TIMED("PreScore", "Success") == 0); // one node is not scored
	toy_bound(&toy, CS_BOUND_HERE, NULL);
	ck_assert(TIMED("Bind", "Success") == 1 && TIMED("Bind", "Error") == 0);
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "two", 100, "");
	toy_turn(&toy, 1);
	toy_bound(&toy, CS_BOUND_FAILED, "no");
	ck_assert(TIMED("PreScore", "Success") == 1 && TIMED("Score", "Success") == 1);
	ck_assert(TIMED("Bind", "Error") == 1);
	toy_add_pod(&toy, "unresolvable", 100, "");
	toy_add_pod(&toy, "unschedulable", 100, "");
	toy_add_pod(&toy, "error", 100, "");
	toy_add_pod(&toy, "large", 5000, "");
	toy_turn(&toy, 4);
	ck_assert(TIMED("PreFilter", "UnschedulableAndUnresolvable") == 1);
	ck_assert(TIMED("PreFilter", "Unschedulable") == 1);
	ck_assert(TIMED("PreFilter", "Error") == 1);
	ck_assert(TIMED("PreFilter", "Success") == 3 && TIMED("Filter", "Success") == 3);
	ck_assert(TIMED("Score", "Success") == 1);
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1 << 20);
	cs_metrics_print(toy.metrics, &text);
	ck_assert_ptr_nonnull(strstr(text.data,
				     "\nscheduler_framework_extension_point_duration_seconds_sum{"
				     "extension_point=\"Filter\",status=\"Success\",profile="
				     "\"c-sched\"} 0.003\n"));
}
END_TEST

static void hush(void *user, const struct cs_judgement *judgement)
{
	(void)user;
	(void)judgement;
}

#define TOOK(plugin, point, status) \
	METRIC("scheduler_plugin_execution_duration_seconds", plugin, point, status)

// One decision in ten, however many there are; each plugin then once at each point it was asked at.
START_TEST(plugins_are_timed_in_a_tenth_of_the_decisions)
{
	struct cs_time time = { .boot = 100 * CS_SECOND };
	toy_finish(&toy);
	toy_init_options(&toy, toy_config(NULL, toy_plugins),
			 &(struct cs_scheduler_options){ .clock = { .now = tick, .user = &time } });
	toy.quiet = true;
	toy_add_node(&toy, "n1", 64, 2000, "");
	toy_add_node(&toy, "n2", 64, 2000, "");
	for (int i = 0; i < 100; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("p%d", i);
		toy_add_pod(&toy, name, 1 + i % 3, "");
		toy_turn(&toy, 1);
		toy_bound(&toy, CS_BOUND_HERE, NULL);
	}
	ck_assert(TOOK("ToyFit", "Filter", "Success") == 10);
	ck_assert(TOOK("ToyCordon", "Filter", "Success") == 10);
	ck_assert(TOOK("ToyMood", "PreFilter", "Skip") == 10);
	ck_assert(TOOK("ToyPin", "PreFilter", "Skip") == 10);
	ck_assert(TOOK("ToyFree", "Score", "Success") == 10);
	ck_assert(TOOK("ToyWrong", "PreScore", "Skip") == 10);
	ck_assert(TOOK("ToyFew", "Score", "Success") == 10);
	ck_assert(TOOK("ToyFew", "ScoreExtensionNormalize", "Success") > 0);
	ck_assert(TOOK("ToyWrong", "Score", "Success") == 0);
	ck_assert(TOOK("ToyBind", "Bind", "Success") == 10);
}
END_TEST

// How a plugin ended is told; who only asks why is not timed.
START_TEST(how_plugins_end_is_told)
{
	struct cs_time time = { .boot = 100 * CS_SECOND };
	struct cs_outcome outcome;
	toy_finish(&toy);
	toy_init_options(&toy, toy_config(NULL, toy_plugins),
			 &(struct cs_scheduler_options){ .clock = { .now = tick, .user = &time } });
	toy.quiet = true;
	toy_add_node(&toy, "n1", 64, 2000, "");
	static const struct {
		const char *name;
		const char *status;
	} moods[] = { { "unresolvable", "UnschedulableAndUnresolvable" },
		      { "unschedulable", "Unschedulable" },
		      { "error", "Error" } };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(moods); i++) {
		while (TOOK("ToyMood", "PreFilter", moods[i].status) == 0) {
			toy_add_pod(&toy, moods[i].name, 100, "");
			toy_turn(&toy, 1);
			cs_scheduler_remove_pod(toy.scheduler, toy.now, moods[i].name);
		}
		ck_assert(TOOK("ToyMood", "PreFilter", moods[i].status) == 1);
	}
	ck_assert(TOOK("ToyFit", "Filter", "Success") == 0);
	cs_scheduler_stop(toy.scheduler);
	toy_add_pod(&toy, "asked", 100, "");
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(cs_scheduler_explain(toy.scheduler, pod_of("asked"), &outcome,
						      (struct cs_judge){ .tell = hush }),
				 0);
	ck_assert(TOOK("ToyFit", "Filter", "Success") == 0);
	cs_scheduler_start(toy.scheduler);
	for (int i = 0; TOOK("ToyBind", "Bind", "Error") == 0; i++) {
		ck_assert_int_lt(i, 100);
		toy_turn(&toy, 1);
		toy_bound(&toy, CS_BOUND_FAILED, "no");
		wait_for(20 * CS_SECOND);
	}
}
END_TEST

#define HANDLED(event) METRIC("scheduler_event_handling_duration_seconds", event)

// Of each kind a tenth, by upstream's names; pods of other schedulers are no news until they are
// bound.
START_TEST(events_are_timed)
{
	struct cs_time time = { .boot = 100 * CS_SECOND };
	toy_finish(&toy);
	toy_init_options(&toy, toy_config(NULL, toy_plugins),
			 &(struct cs_scheduler_options){ .clock = { .now = tick, .user = &time } });
	toy.quiet = true;
	for (int i = 0; i < 100; i++)
		toy_add_node(&toy, "n1", 4 + i % 2, 110, "");
	double nodes = HANDLED("NodeAdd") + HANDLED("NodeUpdateNodeAllocatable");
	ck_assert(nodes >= 9 && nodes <= 11);
	for (int i = 0; i < 100; i++) {
		toy_add_pod(&toy, "p", 100, "");
		toy_add_pod(&toy, "other", 100, "schedulerName: other");
		toy_add_pod(&toy, "p", 100, "nodeName: n1");
		cs_scheduler_remove_pod(toy.scheduler, toy.now, "p");
		toy_add_pod(&toy, "p2", 100, "");
		toy_add_pod(&toy, "p2", 100 + i, "");
		cs_scheduler_remove_pod(toy.scheduler, toy.now, "p2");
	}
	// Seven changes take turns: each gets its share, or nearly so.
	ck_assert(HANDLED("UnschedulablePodAdd") > 15 && HANDLED("UnschedulablePodAdd") < 25);
	ck_assert(HANDLED("UnschedulablePodUpdate") > 5 && HANDLED("UnschedulablePodUpdate") < 15);
	ck_assert(HANDLED("UnschedulablePodDelete") > 5 && HANDLED("UnschedulablePodDelete") < 15);
	ck_assert(HANDLED("AssignedPodAdd") > 5 && HANDLED("AssignedPodAdd") < 15);
	ck_assert(HANDLED("AssignedPodDelete") > 5 && HANDLED("AssignedPodDelete") < 15);
	ck_assert(HANDLED("AssignedPodUpdate") == 0);
	for (int i = 0; i < 100; i++)
		toy_add_pod(&toy, "bound", 100 + i % 2, "nodeName: n1");
	ck_assert(HANDLED("AssignedPodUpdate") > 5 && HANDLED("AssignedPodUpdate") < 15);
}
END_TEST

START_TEST(who_asks_draws_no_number)
{
	struct cs_random random;
	struct cs_outcome outcome;
	cs_random_init(&random, 1);
	toy_finish(&toy);
	toy_init_options(&toy, toy_config(NULL, toy_plugins),
			 &(struct cs_scheduler_options){ .random = &random });
	cs_scheduler_stop(toy.scheduler);
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	const struct cs_random before = random;
	ck_assert_int_eq(cs_scheduler_explain(toy.scheduler, pod_of("a"), &outcome,
					      (struct cs_judge){ .tell = hush }),
			 0);
	ck_assert_uint_eq(outcome.n_feasible, 2);
	ck_assert_mem_eq(&random, &before, sizeof(random));
}
END_TEST

// What selectors match is counted as long as they are kept: of old decisions they are not.
START_TEST(what_old_decisions_asked_is_forgotten)
{
	toy_add_node(&toy, "n1", 1000, 2000, "");
	for (int i = 1; i <= CS_RECORDS_ASKED_MAX + 50; i++) {
		toy_add_pod(&toy, cs_arena_printf(toy.arena, "p%d", i), i, "");
		toy_turn(&toy, 1);
		toy_bound(&toy, CS_BOUND_HERE, NULL);
	}
	const struct cs_records *records = cs_scheduler_records(toy.scheduler);
	ck_assert_ptr_nonnull(cs_records_find(records, "default/p562", 0)->asked.demand);
	ck_assert_ptr_nonnull(cs_records_find(records, "default/p100", 0)->asked.demand);
	ck_assert_ptr_null(cs_records_find(records, "default/p20", 0)->asked.demand);
	ck_assert_str_eq(cs_records_find(records, "default/p20", 0)->uid, "p20");
	ck_assert_uint_eq(cs_cluster_count_asked(toy.cluster), CS_RECORDS_ASKED_MAX);
	uint32_t demands = cs_cluster_count(toy.cluster).demands;
	// Those of one kind are remembered all.
	for (int i = 0; i < 600; i++) {
		toy_add_pod(&toy, cs_arena_printf(toy.arena, "q%d", i), 562, "");
		toy_turn(&toy, 1);
		toy_bound(&toy, CS_BOUND_HERE, NULL);
	}
	ck_assert_uint_eq(cs_cluster_count(toy.cluster).demands, demands);
	ck_assert_ptr_nonnull(cs_records_find(records, "default/p100", 0)->asked.demand);
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		a_pod_is_decided_assumed_bound_and_told,
		plugins_are_counted_by_attempt,
		extension_points_are_timed,
		plugins_are_timed_in_a_tenth_of_the_decisions,
		how_plugins_end_is_told,
		events_are_timed,
		who_asks_draws_no_number,
		what_old_decisions_asked_is_forgotten,
		nothing_is_decided_before_start_and_after_stop,
		the_watch_may_tell_first,
		bound_elsewhere_by_someone_else,
		a_failed_binding_is_forgotten_told_and_tried_again,
		a_failed_binding_frees_room_for_others,
		a_pod_that_is_gone_leaves_nothing_behind,
		deleted_while_its_binding_is_under_way,
		recreated_under_its_name_while_its_binding_is_under_way,
		deletion_of_an_assumed_pod_frees_its_room,
		terminating_pods_are_skipped_in_words,
		an_unschedulable_pod_waits_for_what_may_cure_it,
		conditions_are_written_when_they_change_events_each_time,
		an_empty_cluster_is_asked_again_after_back_off,
		what_is_not_understood_is_not_bound,
		what_cannot_be_read_is_not_bound,
		errors_are_told_and_retried_with_growing_back_off,
		gated_pods_wait_for_their_gates_in_silence,
		pods_of_other_schedulers_only_count_when_bound,
		a_pod_that_changes_its_scheduler,
		each_profile_decides_for_its_name,
		no_more_bindings_than_allowed_wait_for_answers,
		unknown_and_stale_tickets_are_ignored,
		a_node_that_vanishes_under_a_binding,
		broken_objects_are_errors_of_their_own,
		a_scheduler_needs_a_profile,
		destroyed_with_pods_in_every_state,
	};
	Suite *suite = suite_create("scheduler");
	TCase *tcase = tcase_create("scheduler");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
