// The queue alone: orders, back-off, events, flush, and random lives against its invariants.
// Neighbours: lib/framework/queue.c. Pods are bare structs here: the queue asks plugins alone.
#include <csched/framework/queue.h>

#include <stdio.h>
#include <string.h>

#include "../check_main.h"
#include "fixture.h"
#include <csched/base/random.h>

#define N_PODS 64

static struct cs_config *config;
static struct cs_queue *queue;
static struct cs_pod pods[N_PODS];
static char names[N_PODS][16];
static int64_t now;

static uint64_t bit_of(const struct cs_plugin *plugin)
{
	const struct cs_profile *profile = config->profiles[0];
	for (uint32_t i = 0; i < profile->n_instances; i++)
		if (profile->instances[i].plugin == plugin)
			return UINT64_C(1) << i;
	ck_abort_msg("%s is not in the profile", plugin->name);
	return 0;
}

static void setup(void)
{
	config = toy_config(NULL, toy_plugins);
	queue = cs_queue_create(&(struct cs_queue_options){ .config = config });
	now = 1000 * CS_SECOND;
	for (int i = 0; i < N_PODS; i++) {
		snprintf(names[i], sizeof(names[i]), "p%d", i);
		pods[i] = (struct cs_pod){ .uid = names[i],
					   .namespace = "default",
					   .name = names[i] };
	}
}

static void check_queue(void)
{
	struct cs_error err;
	int r = cs_queue_check(queue, &err);
	ck_assert_msg(r == 0, "%s", err.text);
}

static void teardown(void)
{
	check_queue();
	cs_queue_destroy(queue);
	for (int i = 0; i < N_PODS; i++)
		ck_assert_ptr_null(pods[i].pending);
	cs_config_destroy(config);
}

static void add(int i)
{
	cs_queue_add(queue, now, &pods[i], config->profiles[0]);
}

static struct cs_pending *pop(void)
{
	cs_queue_tick(queue, now);
	return cs_queue_pop(queue);
}

static void expect_pop(int i)
{
	struct cs_pending *pending = pop();
	ck_assert_ptr_nonnull(pending);
	ck_assert_str_eq(pending->pod->name, names[i]);
	ck_assert_int_eq(pending->state, CS_QUEUE_IN_FLIGHT);
}

static void expect_none(void)
{
	ck_assert_ptr_null(pop());
}

static void reject(int i, const struct cs_plugin *plugin)
{
	cs_queue_fail(queue, now, pods[i].pending, bit_of(plugin));
}

static void fail_with_error(int i)
{
	cs_queue_fail(queue, now, pods[i].pending, 0);
}

static void expect_state(int i, enum cs_queue_state state)
{
	ck_assert_int_eq(pods[i].pending->state, state);
	check_queue();
}

START_TEST(priority_then_time_then_arrival)
{
	pods[3].priority = 10;
	pods[2].priority = -5;
	add(0);
	add(1);
	add(2);
	now += CS_SECOND;
	add(3);
	add(4);
	static const int order[] = { 3, 0, 1, 4, 2 };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(order); i++)
		expect_pop(order[i]);
	expect_none();
}
END_TEST

START_TEST(a_changed_priority_counts)
{
	add(0);
	add(1);
	pods[1].priority = 7;
	cs_queue_update(queue, now, pods[1].pending, 0, false);
	expect_pop(1);
	expect_pop(0);
}
END_TEST

START_TEST(a_pod_put_back_queues_behind)
{
	add(0);
	expect_pop(0);
	now += CS_SECOND;
	add(1);
	now += CS_SECOND;
	reject(0, &toy_fit);
	now += 20 * CS_SECOND;
	cs_queue_wake(queue, now, CS_EVENT_NODE_ADD);
	expect_state(0, CS_QUEUE_ACTIVE);
	expect_pop(1);
	expect_pop(0);
}
END_TEST

// After n failures: seconds until the pod is active again when it was woken at once; upstream
// truncates the end to the second, and the whole second still backs off.
START_TEST(back_off_doubles_up_to_the_maximum_in_whole_seconds)
{
	static const int seconds[] = { 1, 2, 4, 8, 10, 10, 10 };
	now += 300 * CS_MILLISECOND;
	add(0);
	add(1); // keeps the active queue busy, so that nothing is popped early
	pods[1].priority = -1;
	cs_queue_update(queue, now, pods[1].pending, 0, false);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(seconds); i++) {
		expect_pop(0);
		reject(0, &toy_fit);
		expect_state(0, CS_QUEUE_UNSCHEDULABLE);
		cs_queue_wake(queue, now, CS_EVENT_NODE_ADD);
		expect_state(0, CS_QUEUE_BACKOFF);
		int64_t end = (now + seconds[i] * CS_SECOND) / CS_SECOND * CS_SECOND;
		ck_assert_int_eq(pods[0].pending->backoff_until, end);
		cs_queue_tick(queue, end + CS_SECOND - 1);
		expect_state(0, CS_QUEUE_BACKOFF);
		now = end + CS_SECOND;
		cs_queue_tick(queue, now);
		expect_state(0, CS_QUEUE_ACTIVE);
		now += 300 * CS_MILLISECOND;
	}
}
END_TEST

START_TEST(errors_count_apart_and_in_a_row)
{
	add(0);
	expect_pop(0);
	reject(0, &toy_fit); // one rejection
	now += 20 * CS_SECOND;
	cs_queue_wake(queue, now, CS_EVENT_NODE_ADD);
	expect_pop(0);
	fail_with_error(0); // the first error in a row: 1 s, not 2
	ck_assert_int_eq(pods[0].pending->backoff_until, now + CS_SECOND);
	expect_state(0, CS_QUEUE_ERROR_BACKOFF);
	now += 20 * CS_SECOND;
	expect_pop(0);
	fail_with_error(0);
	ck_assert_int_eq(pods[0].pending->backoff_until, now + 2 * CS_SECOND);
	now += 20 * CS_SECOND;
	expect_pop(0);
	reject(0, &toy_fit); // the second rejection
	ck_assert_int_eq(pods[0].pending->backoff_until, now + 2 * CS_SECOND);
	now += 20 * CS_SECOND;
	cs_queue_wake(queue, now, CS_EVENT_NODE_ADD);
	expect_pop(0);
	fail_with_error(0); // the rejection has broken the row
	ck_assert_int_eq(pods[0].pending->backoff_until, now + CS_SECOND);
	ck_assert_uint_eq(pods[0].pending->attempts, 5);
}
END_TEST

START_TEST(no_maximum_no_back_off)
{
	config->pod_max_backoff = 0;
	add(0);
	expect_pop(0);
	fail_with_error(0);
	expect_state(0, CS_QUEUE_ACTIVE);
	expect_pop(0);
	reject(0, &toy_fit);
	cs_queue_wake(queue, now, CS_EVENT_NODE_ADD);
	expect_state(0, CS_QUEUE_ACTIVE);
}
END_TEST

START_TEST(many_failures_do_not_overflow)
{
	config->pod_max_backoff = INT64_C(1000000000) * CS_SECOND;
	add(0);
	expect_pop(0);
	pods[0].pending->unschedulable_count = 99;
	reject(0, &toy_fit);
	ck_assert_int_eq(pods[0].pending->backoff_until, now + config->pod_max_backoff);
}
END_TEST

START_TEST(an_idle_queue_pops_from_back_off_but_not_errors)
{
	add(0);
	add(1);
	expect_pop(0);
	expect_pop(1);
	reject(0, &toy_fit);
	fail_with_error(1);
	ck_assert_int_eq(cs_queue_deadline(queue), now + 2 * CS_SECOND);
	cs_queue_wake(queue, now, CS_EVENT_POD_DELETE);
	expect_state(0, CS_QUEUE_BACKOFF);
	ck_assert_int_eq(cs_queue_deadline(queue), INT64_MIN);
	add(2);
	expect_pop(2);
	expect_pop(0);
	expect_none();
	ck_assert_int_eq(cs_queue_deadline(queue), now + 2 * CS_SECOND);
	now = cs_queue_deadline(queue);
	expect_pop(1);
}
END_TEST

START_TEST(within_a_second_back_off_keeps_the_order_of_the_active)
{
	for (int i = 0; i < 3; i++) {
		add(i);
		expect_pop(i);
		reject(i, &toy_fit);
		now += CS_MILLISECOND;
	}
	pods[2].priority = 5;
	cs_queue_wake(queue, now, CS_EVENT_NODE_ADD);
	expect_pop(2);
	expect_pop(0);
	expect_pop(1);
}
END_TEST

START_TEST(events_move_those_they_may_cure)
{
	for (int i = 0; i < 3; i++) {
		add(i);
		expect_pop(i);
	}
	reject(0, &toy_fit);
	reject(1, &toy_cordon);
	cs_queue_fail(queue, now, pods[2].pending, bit_of(&toy_fit) | bit_of(&toy_cordon));
	now += 20 * CS_SECOND;
	cs_queue_wake(queue, now, CS_EVENT_NODE_LABEL | CS_EVENT_NODE_CONDITION);
	ck_assert_uint_eq(cs_queue_count(queue, CS_QUEUE_UNSCHEDULABLE), 3);
	cs_queue_wake(queue, now, CS_EVENT_POD_DELETE);
	expect_state(0, CS_QUEUE_ACTIVE);
	expect_state(1, CS_QUEUE_UNSCHEDULABLE);
	expect_state(2, CS_QUEUE_ACTIVE);
	cs_queue_wake(queue, now, CS_EVENT_NODE_TAINT);
	expect_state(1, CS_QUEUE_ACTIVE);
}
END_TEST

START_TEST(who_registers_new_nodes_gets_taint_changes)
{
	add(0);
	expect_pop(0);
	reject(0, &toy_pin); // registers NODE_ADD alone
	now += 20 * CS_SECOND;
	cs_queue_wake(queue, now, CS_EVENT_NODE_TAINT);
	expect_state(0, CS_QUEUE_ACTIVE);
}
END_TEST

START_TEST(events_in_flight_are_replayed_on_failure)
{
	add(0);
	add(1);
	add(2);
	for (int i = 0; i < 3; i++)
		expect_pop(i);
	cs_queue_wake(queue, now, CS_EVENT_NODE_TAINT);
	reject(0, &toy_fit);  // registers new nodes, so gets taints
	reject(1, &toy_mood); // nothing cures it
	expect_state(0, CS_QUEUE_BACKOFF);
	expect_state(1, CS_QUEUE_UNSCHEDULABLE);
	cs_queue_wake(queue, now, CS_EVENT_NODE_LABEL);
	// Back in flight, what happened before is forgotten.
	expect_pop(0);
	reject(0, &toy_fit);
	expect_state(0, CS_QUEUE_UNSCHEDULABLE);
	// Its own change counts too.
	cs_queue_update(queue, now, pods[2].pending, CS_EVENT_POD_TOLERATION, true);
	expect_state(2, CS_QUEUE_IN_FLIGHT);
	reject(2, &toy_mood);
	expect_state(2, CS_QUEUE_BACKOFF);
}
END_TEST

START_TEST(the_flush_comes_every_30_seconds_after_5_minutes)
{
	int64_t start = now;
	add(0); // starts the ticks
	expect_pop(0);
	now += 10 * CS_SECOND;
	reject(0, &toy_mood);
	// 310 s after the start it has waited for exactly 5 minutes: longer is asked, and the next
	// look is at 330.
	ck_assert_int_eq(cs_queue_deadline(queue), start + 330 * CS_SECOND);
	for (int s = 30; s < 330; s += 30) {
		cs_queue_tick(queue, start + s * CS_SECOND);
		expect_state(0, CS_QUEUE_UNSCHEDULABLE);
		ck_assert_int_eq(cs_queue_deadline(queue), start + 330 * CS_SECOND);
	}
	now = start + 330 * CS_SECOND;
	cs_queue_tick(queue, now);
	expect_state(0, CS_QUEUE_ACTIVE);
	ck_assert(pods[0].pending->flushed);
	expect_pop(0);
	reject(0, &toy_mood);
	ck_assert(!pods[0].pending->flushed);
	// A long sleep does not bring a look for each 30 s of it.
	now += 86400 * CS_SECOND;
	cs_queue_tick(queue, now);
	expect_state(0, CS_QUEUE_ACTIVE);
}
END_TEST

START_TEST(a_flush_at_exactly_5_minutes_is_too_early)
{
	int64_t start = now;
	add(0);
	expect_pop(0);
	reject(0, &toy_mood);
	ck_assert_int_eq(cs_queue_deadline(queue), start + 330 * CS_SECOND);
	cs_queue_tick(queue, start + 300 * CS_SECOND);
	expect_state(0, CS_QUEUE_UNSCHEDULABLE);
}
END_TEST

START_TEST(gates_hold_whatever_happens)
{
	pods[0].gated = true;
	pods[0].gates = names[0];
	add(0);
	expect_state(0, CS_QUEUE_GATED);
	ck_assert_int_eq(pods[0].pending->first_active, INT64_MIN);
	cs_queue_wake(queue, now, ~(uint32_t)CS_EVENT_POD_GATES_ELIMINATED);
	now += 3600 * CS_SECOND;
	expect_none();
	expect_state(0, CS_QUEUE_GATED);
	cs_queue_update(queue, now, pods[0].pending, 0, true); // one gate fewer
	expect_state(0, CS_QUEUE_GATED);
	pods[0].gated = false;
	cs_queue_update(queue, now, pods[0].pending, CS_EVENT_POD_GATES_ELIMINATED, true);
	expect_state(0, CS_QUEUE_ACTIVE);
	ck_assert_int_eq(pods[0].pending->first_active, now);
	expect_pop(0);
}
END_TEST

START_TEST(gates_are_asked_again_whenever_a_pod_returns)
{
	add(0);
	expect_pop(0);
	pods[0].gated = true;
	pods[0].gates = names[0];
	fail_with_error(0);
	expect_state(0, CS_QUEUE_GATED);
	pods[0].gated = false;
	cs_queue_update(queue, now, pods[0].pending, CS_EVENT_POD_GATES_ELIMINATED, true);
	// Its back-off is not over.
	expect_state(0, CS_QUEUE_ERROR_BACKOFF);
}
END_TEST

START_TEST(refused_pods_move_by_their_own_change_alone)
{
	add(0);
	expect_pop(0);
	cs_queue_refuse(queue, now, pods[0].pending);
	expect_state(0, CS_QUEUE_REFUSED);
	cs_queue_wake(queue, now, ~0u);
	now += 86400 * CS_SECOND;
	expect_none();
	ck_assert_int_eq(cs_queue_deadline(queue), INT64_MAX);
	cs_queue_update(queue, now, pods[0].pending, 0, false);
	expect_state(0, CS_QUEUE_REFUSED);
	cs_queue_update(queue, now, pods[0].pending, 0, true);
	expect_state(0, CS_QUEUE_ACTIVE);
}
END_TEST

START_TEST(metrics_name_queues_and_events_as_upstream)
{
	struct cs_metrics *metrics = cs_metrics_create();
	cs_queue_destroy(queue);
	queue = cs_queue_create(&(struct cs_queue_options){ .config = config, .metrics = metrics });
	pods[1].gated = true;
	pods[1].gates = names[1];
	add(0);
	add(1);
	expect_pop(0);
	reject(0, &toy_fit);
	cs_queue_wake(queue, now, CS_EVENT_POD_DELETE);
	expect_pop(0);
	fail_with_error(0);
	now += 10 * CS_SECOND;
	cs_queue_tick(queue, now);
	expect_pop(0);
	reject(0, &toy_fit);
	cs_queue_update(queue, now, pods[0].pending, CS_EVENT_POD_SCALE_DOWN, true);
	now += 20 * CS_SECOND;
	expect_pop(0);
	reject(0, &toy_fit);
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1 << 16);
	cs_metrics_print(metrics, &text);
	static const char *const lines[] = {
		"scheduler_pending_pods{queue=\"active\"} 0\n",
		"scheduler_pending_pods{queue=\"backoff\"} 0\n",
		"scheduler_pending_pods{queue=\"unschedulable\"} 1\n",
		"scheduler_pending_pods{queue=\"gated\"} 1\n",
		"scheduler_queue_incoming_pods_total{queue=\"active\",event="
		"\"UnschedulablePodAdd\"} 1\n",
		"scheduler_queue_incoming_pods_total{queue=\"unschedulable\","
		"event=\"UnschedulablePodAdd\"} 1\n",
		"scheduler_queue_incoming_pods_total{queue=\"unschedulable\","
		"event=\"ScheduleAttemptFailure\"} 3\n",
		"scheduler_queue_incoming_pods_total{queue=\"backoff\",event=\"AssignedPodDelete\"}"
		" 1\n",
		"scheduler_queue_incoming_pods_total{queue=\"active\",event=\"PopFromBackoffQ\"} "
		"1\n",
		"scheduler_queue_incoming_pods_total{queue=\"backoff\","
		"event=\"ScheduleAttemptFailure\"} 1\n",
		"scheduler_queue_incoming_pods_total{queue=\"active\",event=\"BackoffComplete\"} "
		"2\n",
		"scheduler_queue_incoming_pods_total{queue=\"backoff\","
		"event=\"UnschedulablePodUpdate\"} 1\n",
		"scheduler_unschedulable_pods{plugin=\"ToyFit\",profile=\"c-sched\"} 1\n",
		"scheduler_unschedulable_pods{plugin=\"ToyGate\",profile=\"c-sched\"} 1\n",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(lines); i++)
		ck_assert_msg(strstr(text.data, lines[i]) != NULL, "no %s in\n%s", lines[i],
			      text.data);
	cs_queue_remove(queue, &pods[0]);
	cs_queue_remove(queue, &pods[1]);
	cs_buffer_clear(&text);
	cs_metrics_print(metrics, &text);
	ck_assert(strstr(text.data, "plugin=\"ToyFit\",profile=\"c-sched\"} 0\n"));
	ck_assert(strstr(text.data, "queue=\"gated\"} 0\n"));
	cs_queue_destroy(queue);
	cs_metrics_destroy(metrics);
	queue = cs_queue_create(&(struct cs_queue_options){ .config = config });
}
END_TEST

// ---- random lives ----

static struct cs_random dice;

static int roll(int n)
{
	return (int)cs_random_below(&dice, (uint64_t)n);
}

static void random_failure(struct cs_pending *pending)
{
	static const struct cs_plugin *const plugins[] = { &toy_fit, &toy_cordon, &toy_mood };
	const struct cs_plugin *plugin = plugins[roll(3)];
	if (roll(10) == 0)
		cs_queue_refuse(queue, now, pending);
	else
		cs_queue_fail(queue, now, pending, roll(4) ? bit_of(plugin) : 0);
}

static void random_step(struct cs_pod *pod)
{
	struct cs_pending *pending = pod->pending;
	if (!pending) {
		pod->priority = roll(3);
		pod->gated = roll(8) == 0;
		pod->gates = pod->gated ? names[0] : NULL;
		cs_queue_add(queue, now, pod, config->profiles[0]);
	} else if (roll(12) == 0) {
		cs_queue_remove(queue, pod);
	} else if (pending->state == CS_QUEUE_IN_FLIGHT) {
		random_failure(pending);
	} else {
		bool opens = pod->gated && roll(2);
		pod->gated = pod->gated && !opens;
		pod->priority = roll(3);
		cs_queue_update(queue, now, pending,
				opens ? CS_EVENT_POD_GATES_ELIMINATED : 1u << roll(14), roll(2));
	}
}

// What is popped must be the first of its heap, and errors must have waited.
static void pop_and_check(void)
{
	uint32_t active = cs_queue_count(queue, CS_QUEUE_ACTIVE);
	uint32_t backoff = cs_queue_count(queue, CS_QUEUE_BACKOFF);
	struct cs_pending *pending = cs_queue_pop(queue);
	ck_assert_int_eq(pending != NULL, active + backoff > 0);
	for (int i = 0; active && i < N_PODS; i++) {
		const struct cs_pending *other = pods[i].pending;
		if (other && other->state == CS_QUEUE_ACTIVE)
			ck_assert_int_le(other->pod->priority, pending->pod->priority);
	}
	for (int i = 0; i < N_PODS; i++) {
		const struct cs_pending *other = pods[i].pending;
		if (other && other->state == CS_QUEUE_ERROR_BACKOFF)
			ck_assert_int_ge(other->backoff_until + CS_SECOND, now);
	}
}

START_TEST(random_lives_keep_every_promise)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		cs_random_init(&dice, seed);
		for (int step = 0; step < 3000; step++) {
			now += roll(5) == 0 ? (int64_t)roll(3000) * CS_MILLISECOND : 0;
			cs_queue_tick(queue, now);
			if (roll(4) == 0)
				pop_and_check();
			else if (roll(6) == 0)
				cs_queue_wake(queue, now, 1u << roll(13));
			else
				random_step(&pods[roll(N_PODS)]);
			check_queue();
			if (cs_queue_deadline(queue) != INT64_MIN)
				ck_assert_int_gt(cs_queue_deadline(queue), now);
		}
		// Nobody is lost: with gates open and time to pass, every pod is popped again.
		for (int i = 0; i < N_PODS; i++) {
			pods[i].gated = false;
			if (pods[i].pending)
				cs_queue_update(queue, now, pods[i].pending,
						CS_EVENT_POD_GATES_ELIMINATED, true);
		}
		now += 331 * CS_SECOND;
		cs_queue_tick(queue, now);
		while (cs_queue_pop(queue))
			;
		uint32_t in_flight = 0;
		for (int i = 0; i < N_PODS; i++)
			in_flight += pods[i].pending != NULL;
		ck_assert_uint_eq(cs_queue_count(queue, CS_QUEUE_IN_FLIGHT), in_flight);
		for (int i = 0; i < N_PODS; i++)
			cs_queue_remove(queue, &pods[i]);
	}
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		priority_then_time_then_arrival,
		a_changed_priority_counts,
		a_pod_put_back_queues_behind,
		back_off_doubles_up_to_the_maximum_in_whole_seconds,
		errors_count_apart_and_in_a_row,
		no_maximum_no_back_off,
		many_failures_do_not_overflow,
		an_idle_queue_pops_from_back_off_but_not_errors,
		within_a_second_back_off_keeps_the_order_of_the_active,
		events_move_those_they_may_cure,
		who_registers_new_nodes_gets_taint_changes,
		events_in_flight_are_replayed_on_failure,
		the_flush_comes_every_30_seconds_after_5_minutes,
		a_flush_at_exactly_5_minutes_is_too_early,
		gates_hold_whatever_happens,
		gates_are_asked_again_whenever_a_pod_returns,
		refused_pods_move_by_their_own_change_alone,
		metrics_name_queues_and_events_as_upstream,
		random_lives_keep_every_promise,
	};
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("queue");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
