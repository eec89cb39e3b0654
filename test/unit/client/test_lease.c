// Leader election, step by step and as two candidates on one server with clocks that disagree.
// Neighbours: fake.c carries; the server of leases is below.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/lease.h>
#include <csched/kube/protobuf.h>

#include "fake.h"

#define CANDIDATES 2

// One object, as the API server keeps it.
static struct {
	bool exists;
	unsigned version;
	char holder[32];
	int32_t duration;
	int32_t transitions;
	int64_t acquired; // ns
	int64_t renewed;
	unsigned puts;
} server;

struct candidate {
	struct fake fake;
	struct cs_random dice;
	struct cs_lease *lease;
	char identity[16];
	bool leads;            // as it was told last
	int64_t wall_offset;   // of its clock
	struct cs_buffer told; // "+reason;" "-reason;"
	struct cs_buffer notices;
};

static struct candidate candidates[CANDIDATES];
static int64_t world; // ns since the test began

#define A (&candidates[0])
#define B (&candidates[1])

static void on_leading(void *user, bool leading, const char *reason)
{
	struct candidate *c = user;
	c->leads = leading;
	cs_buffer_printf(&c->told, "%c%s;", leading ? '+' : '-', reason);
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	struct candidate *c = user;
	(void)severity;
	cs_buffer_printf(&c->notices, "%s\n", text);
}

static struct cs_lease_settings settings(const char *identity)
{
	return (struct cs_lease_settings){ .namespace = "kube-system",
					   .name = "c-sched",
					   .identity = identity,
					   .duration = 15 * CS_SECOND,
					   .renew_deadline = 10 * CS_SECOND,
					   .retry_period = 2 * CS_SECOND };
}

static void create(struct candidate *c, const char *identity, int64_t wall_offset)
{
	memset(c, 0, sizeof(*c));
	fake_init(&c->fake);
	fake_buffer(&c->told);
	fake_buffer(&c->notices);
	cs_random_init(&c->dice, (uint64_t)identity[0]);
	snprintf(c->identity, sizeof(c->identity), "%s", identity);
	c->wall_offset = wall_offset;
	struct cs_lease_options options = {
		.settings = settings(c->identity),
		.transport = &c->fake.base,
		.random = &c->dice,
		.leading = on_leading,
		.notice = on_notice,
		.user = c,
	};
	c->lease = cs_lease_create(&options);
}

static void destroy(struct candidate *c)
{
	cs_lease_destroy(c->lease);
	if (!c->fake.base.ops)
		return;
	fake_finish(&c->fake);
	cs_buffer_finish(&c->told);
	cs_buffer_finish(&c->notices);
	memset(c, 0, sizeof(*c));
}

static void setup(void)
{
	memset(&server, 0, sizeof(server));
	memset(candidates, 0, sizeof(candidates));
	world = 0;
	create(A, "a_1", 0);
}

static void teardown(void)
{
	destroy(A);
	destroy(B);
}

// ---- time ----

static void set_clock(struct candidate *c)
{
	// Each machine has its own zero.
	c->fake.now.boot = world + (c == A ? 100 : 7777) * CS_SECOND;
	c->fake.now.wall = world + 1000000 * CS_SECOND + c->wall_offset;
}

static void turn(struct candidate *c)
{
	set_clock(c);
	cs_lease_turn(c->lease, c->fake.now);
}

static void assert_told(struct candidate *c, const char *expected)
{
	ck_assert_str_eq(c->told.data, expected);
	cs_buffer_clear(&c->told);
}

static void assert_notice(struct candidate *c, const char *part)
{
	ck_assert_msg(strstr(c->notices.data, part), "no \"%s\" in: %s", part, c->notices.data);
	cs_buffer_clear(&c->notices);
}

static struct cs_transport_call *running(struct candidate *c)
{
	ck_assert_uint_eq(fake_count(&c->fake), 1);
	set_clock(c);
	return fake_newest(&c->fake);
}

static bool is_valid(struct candidate *c)
{
	set_clock(c);
	return cs_lease_valid(c->lease, c->fake.now);
}

// ---- the server ----

static void append_lease(struct cs_buffer *out)
{
	Kube__Lease lease = KUBE__LEASE__INIT;
	Kube__LeaseSpec spec = KUBE__LEASE_SPEC__INIT;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__MicroTime acquired = KUBE__MICRO_TIME__INIT, renewed = KUBE__MICRO_TIME__INIT;
	static char namespace[] = "kube-system", name[] = "c-sched", uid[] = "lease-uid";
	char version[16];
	snprintf(version, sizeof(version), "%u", server.version);
	meta.namespace_ = namespace;
	meta.name = name;
	meta.uid = uid;
	meta.resource_version = version;
	spec.holder_identity = server.holder;
	spec.has_lease_duration_seconds = spec.has_lease_transitions = true;
	spec.lease_duration_seconds = server.duration;
	spec.lease_transitions = server.transitions;
	acquired.has_seconds = renewed.has_seconds = true;
	acquired.has_nanos = renewed.has_nanos = true;
	acquired.seconds = server.acquired / CS_SECOND;
	acquired.nanos = (int32_t)(server.acquired % CS_SECOND);
	renewed.seconds = server.renewed / CS_SECOND;
	renewed.nanos = (int32_t)(server.renewed % CS_SECOND);
	spec.acquire_time = &acquired;
	spec.renew_time = &renewed;
	lease.metadata = &meta;
	lease.spec = &spec;
	ck_assert_int_eq(cs_protobuf_write(&cs_kind_lease, &lease.base, out, NULL), 0);
}

static const Kube__Lease *read_body(const struct cs_transport_call *call, struct cs_arena *arena)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message;
	ck_assert_str_eq(call->content_type, CS_PROTOBUF_CONTENT_TYPE);
	ck_assert_int_eq(
		cs_protobuf_read_envelope(cs_buffer_slice(&call->body), arena, &envelope, NULL), 0);
	ck_assert_str_eq(envelope.type_meta->api_version, "coordination.k8s.io/v1");
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	ck_assert_int_eq(cs_protobuf_read(&kube__lease__descriptor, raw, arena, &message, NULL), 0);
	return (const Kube__Lease *)message;
}

static int64_t unix_ns(const Kube__MicroTime *time)
{
	ck_assert_int_eq(time->nanos % 1000, 0);
	return time->seconds * CS_SECOND + time->nanos;
}

static void store(const Kube__Lease *lease)
{
	ck_assert_str_eq(lease->metadata->namespace_, "kube-system");
	ck_assert_str_eq(lease->metadata->name, "c-sched");
	ck_assert_int_gt(lease->spec->lease_duration_seconds, 0); // the API refuses 0
	snprintf(server.holder, sizeof(server.holder), "%s", lease->spec->holder_identity);
	server.duration = lease->spec->lease_duration_seconds;
	server.transitions = lease->spec->lease_transitions;
	server.acquired = unix_ns(lease->spec->acquire_time);
	server.renewed = unix_ns(lease->spec->renew_time);
	server.version++;
	server.puts++;
	server.exists = true;
}

// Does what the request asks; returns the status. The answer is sent or lost by the caller.
static int perform(struct cs_transport_call *call)
{
	int status = 200;
	struct cs_arena *arena = cs_arena_create();
	if (call->method == CS_METHOD_GET) {
		status = server.exists ? 200 : 404;
	} else if (call->method == CS_METHOD_POST) {
		ck_assert_str_eq(call->path,
				 "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases");
		status = server.exists ? 409 : 201;
		if (status == 201)
			store(read_body(call, arena));
	} else {
		const Kube__Lease *lease = read_body(call, arena);
		char version[16];
		snprintf(version, sizeof(version), "%u", server.version);
		if (!server.exists)
			status = 404;
		else if (strcmp(lease->metadata->resource_version, version) != 0)
			status = 409;
		else
			store(lease);
	}
	cs_arena_destroy(arena);
	return status;
}

static void answer(struct cs_transport_call *call)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	int status = perform(call);
	if (status / 100 != 2) {
		fake_refuse(call, &(struct fake_status){ status, "R", "no", NULL, 0, false });
		return;
	}
	append_lease(&out);
	fake_answer(call, status, cs_buffer_slice(&out));
}

// Answers all that is asked until nothing is.
static void serve(struct candidate *c)
{
	set_clock(c);
	for (int i = 0; i < 10 && fake_count(&c->fake) > 0; i++)
		answer(fake_newest(&c->fake));
	ck_assert_uint_eq(fake_count(&c->fake), 0);
}

// Time passes in steps of 100 ms; those of `who` that the server hears are served.
static void live(struct candidate *who, bool heard, int64_t ns)
{
	for (int64_t end = world + ns; world < end;) {
		world += 100 * CS_MILLISECOND;
		turn(who);
		if (heard)
			serve(who);
	}
}

static void acquire(struct candidate *c)
{
	turn(c);
	serve(c);
	ck_assert(c->leads);
	assert_told(c, "+successfully acquired lease;");
}

// ---- acquiring ----

START_TEST(creates_what_is_not_there)
{
	ck_assert_int_eq(cs_lease_deadline(A->lease), INT64_MIN);
	turn(A);
	assert_notice(A, "attempting to acquire leader lease kube-system/c-sched...");
	ck_assert_int_eq(running(A)->method, CS_METHOD_GET);
	ck_assert_str_eq(running(A)->path,
			 "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/c-sched");
	ck_assert(!A->leads);
	serve(A);
	ck_assert(A->leads);
	ck_assert(is_valid(A));
	assert_told(A, "+successfully acquired lease;");
	ck_assert_str_eq(server.holder, "a_1");
	ck_assert_int_eq(server.duration, 15);
	ck_assert_int_eq(server.transitions, 0);
	ck_assert_int_eq(server.acquired, 1000000 * CS_SECOND);
}
END_TEST

START_TEST(takes_a_released_lease_at_once)
{
	server.exists = true;
	server.duration = 1;
	server.transitions = 4;
	acquire(A);
	ck_assert_int_eq(server.transitions, 5);
	ck_assert_int_eq(server.acquired, 1000000 * CS_SECOND);
}
END_TEST

// The times in the record are from clocks we do not know: only our own observation counts.
START_TEST(waits_a_full_duration_whatever_the_record_says)
{
	static const int64_t skews[] = { 0, -3600, 3600, 1000000, -1000000 };
	server.exists = true;
	snprintf(server.holder, sizeof(server.holder), "dead");
	server.duration = 15;
	server.transitions = 2;
	server.renewed = (1000000 + skews[_i]) * CS_SECOND;
	live(A, true, 14500 * CS_MILLISECOND);
	ck_assert(!A->leads);
	ck_assert_uint_eq(server.puts, 0);
	live(A, true, 5000 * CS_MILLISECOND);
	ck_assert(A->leads);
	ck_assert_int_eq(server.transitions, 3);
	assert_told(A, "+successfully acquired lease;");
}
END_TEST

START_TEST(honours_the_duration_of_the_record)
{
	server.exists = true;
	snprintf(server.holder, sizeof(server.holder), "dead");
	server.duration = 60; // not ours
	live(A, true, 59 * CS_SECOND);
	ck_assert(!A->leads);
	live(A, true, 6 * CS_SECOND);
	ck_assert(A->leads);
}
END_TEST

START_TEST(a_renewal_by_the_holder_starts_the_wait_anew)
{
	server.exists = true;
	snprintf(server.holder, sizeof(server.holder), "other");
	server.duration = 15;
	for (int i = 0; i < 10; i++) {
		live(A, true, 10 * CS_SECOND);
		server.renewed += 10 * CS_SECOND;
		server.version++;
	}
	ck_assert(!A->leads);
	live(A, true, 14 * CS_SECOND);
	ck_assert(!A->leads);
	live(A, true, 6 * CS_SECOND);
	ck_assert(A->leads);
	assert_notice(A, "new leader elected for lease kube-system/c-sched: other");
}
END_TEST

// A change of the version alone (a label, say) is not a renewal.
START_TEST(only_the_record_counts_as_a_renewal)
{
	server.exists = true;
	snprintf(server.holder, sizeof(server.holder), "dead");
	server.duration = 15;
	for (int i = 0; i < 20; i++) {
		live(A, true, CS_SECOND);
		server.version++;
	}
	ck_assert(A->leads);
}
END_TEST

START_TEST(losing_the_race_is_not_leading)
{
	server.exists = true; // free
	server.duration = 1;
	turn(A);
	answer(running(A)); // the GET
	ck_assert_int_eq(running(A)->method, CS_METHOD_PUT);
	server.version++; // another was faster
	snprintf(server.holder, sizeof(server.holder), "other");
	server.duration = 15;
	serve(A);
	ck_assert(!A->leads);
	live(A, true, 5 * CS_SECOND);
	ck_assert(!A->leads);
	ck_assert_str_eq(server.holder, "other");
}
END_TEST

START_TEST(losing_the_race_to_create)
{
	turn(A);
	answer(running(A)); // 404
	ck_assert_int_eq(running(A)->method, CS_METHOD_POST);
	server.exists = true;
	server.duration = 15;
	snprintf(server.holder, sizeof(server.holder), "other");
	serve(A);
	ck_assert(!A->leads);
	assert_told(A, "");
}
END_TEST

START_TEST(acquiring_is_jittered)
{
	int64_t low = INT64_MAX, high = 0;
	server.exists = true;
	snprintf(server.holder, sizeof(server.holder), "other");
	for (int i = 0; i < 200; i++) {
		server.renewed++;
		server.duration = 15;
		turn(A);
		serve(A);
		int64_t wait = cs_lease_deadline(A->lease) - A->fake.now.boot;
		low = wait < low ? wait : low;
		high = wait > high ? wait : high;
		world += wait;
	}
	ck_assert_int_ge(low, 2000 * CS_MILLISECOND);
	ck_assert_int_le(high, 4400 * CS_MILLISECOND);
	ck_assert_int_gt(high - low, 1800 * CS_MILLISECOND);
}
END_TEST

// The answer to our PUT was lost: the lease says that it is ours.
START_TEST(acquires_what_it_already_holds)
{
	server.exists = true;
	server.duration = 1;
	turn(A);
	answer(running(A));
	ck_assert_int_eq(perform(running(A)), 200);
	fake_break(running(A), -ECONNRESET, 0); // then the same on a new connection: 409
	ck_assert(running(A)->fresh);
	serve(A);
	ck_assert(!A->leads);
	live(A, true, 5 * CS_SECOND);
	ck_assert(A->leads);
	ck_assert_int_eq(server.transitions, 1); // counted once
}
END_TEST

START_TEST(problems_are_told_once)
{
	for (int i = 0; i < 5; i++) {
		turn(A);
		fake_refuse(running(A),
			    &(struct fake_status){ 403, "Forbidden", "leases is forbidden", NULL, 0,
						   false });
		world += 5 * CS_SECOND;
	}
	const char *first = strstr(A->notices.data, "leases is forbidden");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "leases is forbidden"));
	ck_assert(!A->leads);
}
END_TEST

START_TEST(answers_that_are_no_lease)
{
	turn(A);
	fake_answer(running(A), 200, CS_SLICE("<html>"));
	ck_assert(!A->leads);
	ck_assert_uint_eq(fake_count(&A->fake), 0);
	ck_assert_ptr_nonnull(strstr(A->notices.data, "lease kube-system/c-sched: "));
	live(A, true, 5 * CS_SECOND);
	ck_assert(A->leads);
}
END_TEST

// ---- renewing ----

START_TEST(renews_every_period_with_one_put)
{
	acquire(A);
	unsigned started = A->fake.started;
	for (int i = 1; i <= 10; i++) {
		world += 2 * CS_SECOND;
		turn(A);
		ck_assert_int_eq(running(A)->method, CS_METHOD_PUT);
		serve(A);
		ck_assert_uint_eq(A->fake.started, started + (unsigned)i);
		ck_assert_int_eq(server.renewed, 1000000 * CS_SECOND + world);
	}
	ck_assert_int_eq(server.acquired, 1000000 * CS_SECOND);
	ck_assert_int_eq(server.transitions, 0);
	assert_told(A, "");
}
END_TEST

START_TEST(a_changed_object_is_looked_at_and_renewed)
{
	acquire(A);
	server.version++; // somebody labelled it
	world += 2 * CS_SECOND;
	turn(A);
	serve(A);
	ck_assert_int_eq(server.renewed, 1000000 * CS_SECOND + world);
	ck_assert_int_eq(server.transitions, 0);
	ck_assert(is_valid(A));
}
END_TEST

START_TEST(a_deleted_object_is_made_again)
{
	acquire(A);
	server.exists = false;
	world += 2 * CS_SECOND;
	turn(A);
	serve(A);
	ck_assert(server.exists);
	ck_assert(is_valid(A));
}
END_TEST

START_TEST(the_fence_falls_before_the_lease)
{
	acquire(A);
	live(A, true, 20 * CS_SECOND);
	int64_t last = server.renewed - 1000000 * CS_SECOND;
	ck_assert(is_valid(A));
	while (world < last + 9900 * CS_MILLISECOND)
		live(A, false, 100 * CS_MILLISECOND);
	ck_assert(is_valid(A));
	live(A, false, 100 * CS_MILLISECOND);
	ck_assert(!is_valid(A));
	ck_assert(A->leads); // it may still renew
	assert_told(A, "");
	live(A, false, 2 * CS_SECOND);
	ck_assert(!A->leads);
	assert_told(A, "-failed to renew lease: timed out waiting for the condition;");
	ck_assert_int_lt(world, last + 15 * CS_SECOND); // before another can take it
	ck_assert_uint_eq(fake_count(&A->fake), 0);
	unsigned started = A->fake.started;
	live(A, true, 60 * CS_SECOND); // for ever
	ck_assert_uint_eq(A->fake.started, started);
	ck_assert(!A->leads);
	ck_assert(cs_lease_released(A->lease));
}
END_TEST

// An answer that comes late proves a renewal from when it was asked for.
START_TEST(the_fence_counts_from_the_request)
{
	acquire(A);
	world += 2 * CS_SECOND;
	turn(A);
	int64_t sent = world;
	world += 2900 * CS_MILLISECOND;
	serve(A);
	world = sent + 10 * CS_SECOND - 1;
	ck_assert(is_valid(A));
	world = sent + 10 * CS_SECOND;
	ck_assert(!is_valid(A));
}
END_TEST

START_TEST(a_late_answer_does_not_outlive_the_lease)
{
	acquire(A);
	world += 2 * CS_SECOND;
	turn(A);
	int64_t sent = world;
	perform(running(A));
	world += 8 * CS_SECOND; // within the deadline, so it counts
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	append_lease(&out);
	fake_answer(running(A), 200, cs_buffer_slice(&out));
	ck_assert(is_valid(A));
	while (A->leads)
		live(A, false, 100 * CS_MILLISECOND);
	ck_assert_int_le(world, sent + 15 * CS_SECOND);
}
END_TEST

START_TEST(no_answer_in_3_s_opens_a_new_connection)
{
	acquire(A);
	world += 2 * CS_SECOND;
	turn(A);
	ck_assert_int_eq(running(A)->timeout, 3 * CS_SECOND);
	ck_assert(!running(A)->fresh);
	world += 3 * CS_SECOND;
	fake_break(running(A), -ETIMEDOUT, 0);
	ck_assert(running(A)->fresh);
	ck_assert_int_eq(running(A)->timeout, 5 * CS_SECOND); // half of the renew deadline
	ck_assert_int_eq(running(A)->method, CS_METHOD_PUT);
	serve(A);
	ck_assert(is_valid(A));
	ck_assert_int_eq(server.renewed, 1000002 * CS_SECOND);
	world += 2 * CS_SECOND;
	turn(A);
	ck_assert(!running(A)->fresh);
}
END_TEST

// A server that is silent is the cause of a loss, and has to be named: nothing else tells of it.
START_TEST(silence_is_told_before_the_lease_is_lost)
{
	acquire(A);
	world += 2 * CS_SECOND;
	turn(A);
	cs_buffer_clear(&A->notices);
	world += 3 * CS_SECOND;
	fake_break(running(A), -ETIMEDOUT, 0);
	ck_assert_str_eq(A->notices.data, ""); // perhaps it was the connection alone
	world += 5 * CS_SECOND;
	fake_break(running(A), -ETIMEDOUT, 0);
	assert_notice(A, "lease kube-system/c-sched: ");
	world += 2 * CS_SECOND;
	turn(A);
	assert_notice(A, "the API server has not answered for 2000 ms");
	assert_told(A, "-failed to renew lease: timed out waiting for the condition;");
}
END_TEST

START_TEST(failures_are_tried_again_within_the_deadline)
{
	acquire(A);
	live(A, true, 4 * CS_SECOND);
	int64_t began = world;
	unsigned started = A->fake.started;
	while (world < began + 9 * CS_SECOND) {
		world += 100 * CS_MILLISECOND;
		turn(A);
		if (fake_count(&A->fake) > 0)
			fake_break(running(A), -ECONNREFUSED, 0);
	}
	ck_assert(A->leads);
	// Every 2 s a PUT and, as that failed, a GET.
	ck_assert_uint_eq(A->fake.started - started, 8);
	live(A, true, 200 * CS_MILLISECOND);
	live(A, true, 2 * CS_SECOND);
	ck_assert(is_valid(A));
	assert_told(A, "");
}
END_TEST

START_TEST(another_holder_ends_it_at_once)
{
	acquire(A);
	server.version++;
	snprintf(server.holder, sizeof(server.holder), "usurper");
	server.duration = 15;
	live(A, true, 2 * CS_SECOND);
	ck_assert(!A->leads);
	ck_assert(!is_valid(A));
	assert_told(A, "-another holds the lease;");
	ck_assert_str_eq(server.holder, "usurper");
}
END_TEST

START_TEST(a_jump_of_the_wall_clock_changes_nothing)
{
	static const int64_t jumps[] = { 3600, -3600, 86400 * 365 };
	acquire(A);
	A->wall_offset = jumps[_i] * CS_SECOND;
	live(A, true, 30 * CS_SECOND);
	ck_assert(is_valid(A));
	assert_told(A, "");
}
END_TEST

START_TEST(watchdog)
{
	acquire(A);
	set_clock(A);
	struct cs_time later = A->fake.now;
	ck_assert(cs_lease_healthy(A->lease, later));
	later.boot += 35 * CS_SECOND;
	ck_assert(cs_lease_healthy(A->lease, later));
	later.boot += 1;
	ck_assert(!cs_lease_healthy(A->lease, later)); // nobody turned us
}
END_TEST

// ---- giving it up ----

static void release(struct candidate *c)
{
	set_clock(c);
	cs_lease_release(c->lease, c->fake.now);
}

START_TEST(release_lets_another_in_at_once)
{
	create(B, "b_1", 0);
	acquire(A);
	turn(B);
	serve(B);
	ck_assert(!B->leads);
	release(A);
	ck_assert(!is_valid(A));
	ck_assert(!cs_lease_released(A->lease));
	serve(A);
	ck_assert(cs_lease_released(A->lease));
	assert_told(A, "");
	ck_assert_str_eq(server.holder, "");
	ck_assert_int_eq(server.duration, 1);
	ck_assert_int_eq(server.transitions, 0);
	live(B, true, 4500 * CS_MILLISECOND);
	ck_assert(B->leads);
	ck_assert_int_eq(server.transitions, 1);
	ck_assert_int_eq(cs_lease_deadline(A->lease), INT64_MAX);
}
END_TEST

START_TEST(release_without_leading_is_over_at_once)
{
	server.exists = true;
	snprintf(server.holder, sizeof(server.holder), "other");
	server.duration = 15;
	turn(A);
	serve(A);
	release(A);
	ck_assert(cs_lease_released(A->lease));
	ck_assert_str_eq(server.holder, "other");
}
END_TEST

START_TEST(release_while_acquiring_gives_back_what_may_be_ours)
{
	server.exists = true;
	server.duration = 1;
	turn(A);
	answer(running(A));
	perform(running(A)); // the PUT arrived, its answer has not
	ck_assert_str_eq(server.holder, "a_1");
	release(A);
	serve(A);
	ck_assert(cs_lease_released(A->lease));
	ck_assert_str_eq(server.holder, "");
}
END_TEST

START_TEST(release_never_takes_from_another)
{
	acquire(A);
	server.version++;
	snprintf(server.holder, sizeof(server.holder), "other");
	release(A);
	serve(A);
	ck_assert(cs_lease_released(A->lease));
	ck_assert_str_eq(server.holder, "other");
}
END_TEST

START_TEST(release_is_tried_again_after_a_conflict)
{
	acquire(A);
	release(A);
	answer(running(A)); // GET
	server.version++;   // labelled meanwhile
	answer(running(A)); // 409
	ck_assert(!cs_lease_released(A->lease));
	live(A, true, 300 * CS_MILLISECOND);
	ck_assert(cs_lease_released(A->lease));
	ck_assert_str_eq(server.holder, "");
}
END_TEST

START_TEST(release_gives_up_after_the_deadline)
{
	acquire(A);
	release(A);
	live(A, false, 9900 * CS_MILLISECOND);
	ck_assert(!cs_lease_released(A->lease));
	live(A, false, 200 * CS_MILLISECOND);
	ck_assert(cs_lease_released(A->lease));
	assert_notice(A, "could not be released in time");
	ck_assert_uint_eq(fake_count(&A->fake), 0);
}
END_TEST

START_TEST(release_of_a_deleted_lease)
{
	acquire(A);
	server.exists = false;
	release(A);
	serve(A);
	ck_assert(cs_lease_released(A->lease));
	ck_assert(!server.exists);
}
END_TEST

// ---- two of them, at random ----

// Cuts either candidate off at random, loses answers, jumps wall clocks. Both must never hold a
// valid fence at once, and when all is well again one of them must lead.
START_TEST(never_two)
{
	struct cs_random dice;
	bool heard[CANDIDATES] = { true, true };
	unsigned terms = 0;
	cs_random_init(&dice, (uint64_t)_i + 1);
	create(B, "b_1", 7200 * CS_SECOND);
	for (int step = 0; step < 30000; step++) {
		world += 50 * CS_MILLISECOND;
		for (int i = 0; i < CANDIDATES; i++) {
			struct candidate *c = &candidates[i];
			if (cs_lease_released(c->lease)) { // lost: the process starts anew
				destroy(c);
				create(c, i ? "b_1" : "a_1", 0);
				terms++;
			}
			if (cs_random_below(&dice, 400) == 0)
				heard[i] = !heard[i];
			if (cs_random_below(&dice, 500) == 0)
				c->wall_offset = (int64_t)cs_random_below(&dice, 7200) * CS_SECOND;
			turn(c);
			if (fake_count(&c->fake) == 0 || cs_random_below(&dice, 3) == 0)
				continue;
			struct cs_transport_call *call = running(c);
			if (heard[i])
				answer(call);
			else if (cs_random_below(&dice, 20) == 0) {
				if (cs_random_below(&dice, 2))
					perform(call); // it arrives, and the answer is lost
				fake_break(call, -ETIMEDOUT, 0);
			}
		}
		ck_assert(!(is_valid(A) && is_valid(B)));
	}
	ck_assert_uint_gt(terms, 3);
	for (int i = 0; i < 800; i++) {
		live(A, true, 100 * CS_MILLISECOND);
		world -= 100 * CS_MILLISECOND;
		live(B, true, 100 * CS_MILLISECOND);
		for (int k = 0; k < CANDIDATES; k++)
			if (cs_lease_released(candidates[k].lease)) {
				destroy(&candidates[k]);
				create(&candidates[k], k ? "b_1" : "a_1", 0);
			}
	}
	ck_assert(is_valid(A) != is_valid(B));
}
END_TEST

// ---- settings ----

START_TEST(settings_are_checked)
{
	struct cs_error err;
	struct cs_lease_settings s = settings("me");
	ck_assert_int_eq(cs_lease_check(&s, &err), 0);
	s.duration = s.renew_deadline;
	ck_assert_int_eq(cs_lease_check(&s, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "leaderElection.leaseDuration: must be greater than renewDeadline");
	s = settings("me");
	s.retry_period = 9 * CS_SECOND;
	ck_assert_int_eq(cs_lease_check(&s, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "leaderElection.renewDeadline"));
	s = settings("me");
	s.retry_period = 0;
	ck_assert_int_eq(cs_lease_check(&s, &err), -EINVAL);
	s = settings("");
	ck_assert_int_eq(cs_lease_check(&s, &err), -EINVAL);
	static const struct {
		const char *name;
		const char *words;
	} names[] = {
		{ ".", "leaderElection.resourceName: may not be '.'" },
		{ "..", "leaderElection.resourceName: may not be '..'" },
		{ "a/b", "leaderElection.resourceName: may not contain '/'" },
		{ "a%2fb", "leaderElection.resourceName: may not contain '%'" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		s = settings("me");
		s.name = names[i].name;
		ck_assert_int_eq(cs_lease_check(&s, &err), -EINVAL);
		ck_assert_str_eq(err.text, names[i].words);
	}
	s = settings("me");
	s.namespace = "..";
	ck_assert_int_eq(cs_lease_check(&s, &err), -EINVAL);
	ck_assert_str_eq(err.text, "leaderElection.resourceNamespace: may not be '..'");
	s.namespace = "a..b"; // the API server's matter
	ck_assert_int_eq(cs_lease_check(&s, &err), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("lease");
	TCase *c = tcase_create("all");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, creates_what_is_not_there);
	tcase_add_test(c, takes_a_released_lease_at_once);
	tcase_add_loop_test(c, waits_a_full_duration_whatever_the_record_says, 0, 5);
	tcase_add_test(c, honours_the_duration_of_the_record);
	tcase_add_test(c, a_renewal_by_the_holder_starts_the_wait_anew);
	tcase_add_test(c, only_the_record_counts_as_a_renewal);
	tcase_add_test(c, losing_the_race_is_not_leading);
	tcase_add_test(c, losing_the_race_to_create);
	tcase_add_test(c, acquiring_is_jittered);
	tcase_add_test(c, acquires_what_it_already_holds);
	tcase_add_test(c, problems_are_told_once);
	tcase_add_test(c, answers_that_are_no_lease);
	tcase_add_test(c, renews_every_period_with_one_put);
	tcase_add_test(c, a_changed_object_is_looked_at_and_renewed);
	tcase_add_test(c, a_deleted_object_is_made_again);
	tcase_add_test(c, the_fence_falls_before_the_lease);
	tcase_add_test(c, the_fence_counts_from_the_request);
	tcase_add_test(c, a_late_answer_does_not_outlive_the_lease);
	tcase_add_test(c, no_answer_in_3_s_opens_a_new_connection);
	tcase_add_test(c, silence_is_told_before_the_lease_is_lost);
	tcase_add_test(c, failures_are_tried_again_within_the_deadline);
	tcase_add_test(c, another_holder_ends_it_at_once);
	tcase_add_loop_test(c, a_jump_of_the_wall_clock_changes_nothing, 0, 3);
	tcase_add_test(c, watchdog);
	tcase_add_test(c, release_lets_another_in_at_once);
	tcase_add_test(c, release_without_leading_is_over_at_once);
	tcase_add_test(c, release_while_acquiring_gives_back_what_may_be_ours);
	tcase_add_test(c, release_never_takes_from_another);
	tcase_add_test(c, release_is_tried_again_after_a_conflict);
	tcase_add_test(c, release_gives_up_after_the_deadline);
	tcase_add_test(c, release_of_a_deleted_lease);
	tcase_add_loop_test(c, never_two, 0, 20);
	tcase_add_test(c, settings_are_checked);
	suite_add_tcase(suite, c);
	return suite;
}
