// The parts wired together: what goes first, the fence, the backlog, the end.
// Neighbours: fake.c plays the server; each part has its own tests.
#include "../check_main.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/client.h>
#include <csched/kube/protobuf.h>

#include "fake.h"

static struct fake fake;
static struct cs_client *client;
static struct cs_buffer events; // what the sink heard
static struct cs_buffer notices;
static size_t uncredited; // bytes of batches

static void on_batch(void *user, struct cs_batch *batch)
{
	(void)user;
	for (size_t i = 0; i < batch->count; i++)
		cs_buffer_printf(&events, "%s:%d ", batch->changes[i].kind->resource,
				 (int)batch->changes[i].op);
	uncredited += batch->bytes;
	cs_batch_destroy(batch);
}

static void on_written(void *user, const struct cs_write_result *result)
{
	(void)user;
	cs_buffer_printf(&events, "written:%lu:%d ", (unsigned long)result->ticket,
			 (int)result->outcome);
}

static void on_leading(void *user, bool leading, const char *reason)
{
	(void)user, (void)reason;
	cs_buffer_printf(&events, "leading:%d ", leading);
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	(void)user, (void)severity;
	cs_buffer_printf(&notices, "%s\n", text);
}

static struct cs_client_options base_options(void)
{
	static const struct cs_client_watch watches[] = {
		{ &cs_kind_node, NULL },
		{ &cs_kind_pod, CS_CLIENT_POD_SELECTOR },
	};
	static const struct cs_lease_settings lease = {
		.namespace = "kube-system",
		.name = "c-sched",
		.identity = "me_1",
		.duration = 15 * CS_SECOND,
		.renew_deadline = 10 * CS_SECOND,
		.retry_period = 2 * CS_SECOND,
	};
	return (struct cs_client_options){
		.watches = watches,
		.n_watches = 2,
		.lease = &lease,
		.seed = 5,
		.transport = &fake.base,
		.sink = { .batch = on_batch,
			  .written = on_written,
			  .leading = on_leading,
			  .notice = on_notice },
	};
}

static void create(const struct cs_client_options *options)
{
	struct cs_error err;
	client = cs_client_create(options, &err);
	ck_assert_msg(client != NULL, "%s", err.text);
}

static void setup(void)
{
	fake_init(&fake);
	fake.now = (struct cs_time){ .boot = 50 * CS_SECOND, .wall = 9000 * CS_SECOND };
	fake_buffer(&events);
	fake_buffer(&notices);
	uncredited = 0;
	client = NULL;
}

static void teardown(void)
{
	cs_client_destroy(client);
	fake_finish(&fake);
	cs_buffer_finish(&events);
	cs_buffer_finish(&notices);
}

static void turn(void)
{
	cs_client_turn(client, fake.now);
}

static void pass(int64_t ns)
{
	fake.now.boot += ns;
	fake.now.wall += ns;
	turn();
}

static void assert_events(const char *expected)
{
	ck_assert_str_eq(events.data, expected);
	cs_buffer_clear(&events);
}

static struct cs_transport_call *find(const char *part)
{
	struct cs_transport_call *call = fake_find(&fake, part);
	ck_assert_msg(call != NULL, "no call to %s", part);
	return call;
}

// The lease's requests answered as if nobody held it: 404, then the object that was sent.
static void give_lease(void)
{
	fake_refuse(find("/leases/c-sched"),
		    &(struct fake_status){ 404, "NotFound", "no", NULL, 0, false });
	struct cs_transport_call *call = find("/leases");
	CS_AUTO_BUFFER struct cs_buffer body;
	fake_buffer(&body);
	cs_buffer_append(&body, call->body.data, call->body.size);
	fake_answer(call, 201, cs_buffer_slice(&body));
}

static void renew_lease(void)
{
	struct cs_transport_call *call = find("/leases/c-sched");
	CS_AUTO_BUFFER struct cs_buffer body;
	fake_buffer(&body);
	cs_buffer_append(&body, call->body.data, call->body.size);
	fake_answer(call, 200, cs_buffer_slice(&body));
}

static void send_bookmark(const char *part)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	CS_AUTO_BUFFER struct cs_buffer frame;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__StringEntry end = KUBE__STRING_ENTRY__INIT;
	Kube__StringEntry *annotations[] = { &end };
	Kube__Node node = KUBE__NODE__INIT;
	Kube__Pod pod = KUBE__POD__INIT;
	static char key[] = "k8s.io/initial-events-end", value[] = "true", version[] = "10";
	bool pods = strstr(part, "pods") != NULL;
	end.key = key;
	end.value = value;
	meta.resource_version = version;
	meta.n_annotations = 1;
	meta.annotations = annotations;
	node.metadata = pod.metadata = &meta;
	fake_buffer(&object);
	fake_buffer(&frame);
	cs_protobuf_write(pods ? &cs_kind_pod : &cs_kind_node, pods ? &pod.base : &node.base,
			  &object, NULL);
	fake_frame(&frame, "BOOKMARK", cs_buffer_slice(&object));
	fake_data(find(part), cs_buffer_slice(&frame), 0);
}

static void send_pod(const char *name)
{
	CS_AUTO_BUFFER struct cs_buffer frame;
	fake_buffer(&frame);
	fake_pod_event(&frame, "ADDED",
		       &(struct fake_pod){ .name = name, .uid = "u", .version = "1" });
	fake_data(find("/api/v1/pods?"), cs_buffer_slice(&frame), 0);
}

static void write_binding(uint64_t ticket)
{
	cs_client_write(client, &(struct cs_write){ .kind = CS_WRITE_BIND,
						    .ticket = ticket,
						    .namespace = "ns",
						    .name = "p",
						    .uid = "u",
						    .node = "n" });
}

static void write_event(uint64_t ticket)
{
	cs_client_write(client, &(struct cs_write){ .kind = CS_WRITE_EVENT,
						    .ticket = ticket,
						    .namespace = "ns",
						    .name = "e" });
}

START_TEST(the_lease_goes_first)
{
	struct cs_client_options options = base_options();
	create(&options);
	write_event(1);
	turn();
	ck_assert_uint_eq(fake_count(&fake), 4);
	static const char *const order[] = { "/leases/c-sched", "/events", "/api/v1/nodes?",
					     "/api/v1/pods?fieldSelector=status.phase" };
	size_t i = 0;
	CS_LIST_FOR_EACH (link, &fake.calls) {
		const struct cs_transport_call *call =
			CS_CONTAINER_OF(link, struct cs_transport_call, link);
		ck_assert_msg(strstr(call->path, order[i]), "%zu is %s", i, call->path);
		i++;
	}
}
END_TEST

START_TEST(everything_is_announced)
{
	struct cs_client_options options = base_options();
	create(&options);
	turn();
	ck_assert(!cs_client_synced(client));
	give_lease();
	send_bookmark("/api/v1/nodes");
	ck_assert(!cs_client_synced(client));
	send_pod("a");
	send_bookmark("/api/v1/pods");
	ck_assert(cs_client_synced(client));
	write_binding(7);
	turn();
	fake_answer(find("/binding"), 201, CS_SLICE(""));
	assert_events("leading:1 nodes:3 pods:0 pods:3 written:7:0 ");
	ck_assert(cs_lease_valid(cs_client_lease(client), fake.now));
	ck_assert_uint_eq(cs_client_watch_stats(client, 1).known, 1);
	ck_assert_uint_eq(cs_client_stats(client).backlog, uncredited);
	cs_client_credit(client, uncredited);
	ck_assert_uint_eq(cs_client_stats(client).backlog, 0);
}
END_TEST

START_TEST(no_binding_without_the_lease)
{
	struct cs_client_options options = base_options();
	create(&options);
	turn();
	write_binding(1);
	turn();
	assert_events("written:1:4 ");
	give_lease();
	write_binding(2);
	turn();
	fake_answer(find("/binding"), 201, CS_SLICE(""));
	assert_events("leading:1 written:2:0 ");
	pass(10 * CS_SECOND); // not renewed: the answer is missing
	write_binding(3);
	turn();
	assert_events("written:3:4 ");
	pass(2 * CS_SECOND);
	assert_events("leading:0 ");
}
END_TEST

START_TEST(without_election_all_may_bind)
{
	struct cs_client_options options = base_options();
	options.lease = NULL;
	create(&options);
	ck_assert_ptr_null(cs_client_lease(client));
	write_binding(1);
	turn();
	fake_answer(find("/binding"), 201, CS_SLICE(""));
	assert_events("written:1:0 ");
}
END_TEST

START_TEST(waits_no_longer_than_its_next_timer)
{
	struct cs_client_options options = base_options();
	create(&options);
	cs_client_wait(client, CS_SECOND);
	ck_assert_int_eq(fake.waited, 0); // there is everything to do
	turn();
	give_lease();
	turn();
	cs_client_wait(client, -1);
	ck_assert_int_eq(fake.waited, 2 * CS_SECOND); // the renewal
	cs_client_wait(client, CS_SECOND);
	ck_assert_int_eq(fake.waited, CS_SECOND);
	write_binding(1);
	cs_client_wait(client, CS_SECOND);
	ck_assert_int_eq(fake.waited, 0);
	cs_client_wakeup(client);
	ck_assert(fake.woken);
}
END_TEST

// ---- backlog ----

START_TEST(the_newest_watch_gives_way)
{
	struct cs_client_options options = base_options();
	options.lease = NULL;
	options.backlog_max = 1;
	create(&options);
	turn();
	send_pod("a");
	turn();
	ck_assert_ptr_null(fake_find(&fake, "/api/v1/pods?"));
	ck_assert_ptr_nonnull(fake_find(&fake, "/api/v1/nodes?"));
	fake.woken = false;
	cs_client_credit(client, uncredited);
	ck_assert(fake.woken); // there is something to resume
	turn();
	ck_assert_ptr_nonnull(strstr(find("/api/v1/pods?")->path, "sendInitialEvents"));
	fake.woken = false;
	cs_client_credit(client, 0);
	ck_assert(!fake.woken);
	cs_buffer_clear(&events);
	send_pod("a"); // nothing new: nothing told
	assert_events("");
}
END_TEST

START_TEST(all_watches_may_give_way)
{
	struct cs_client_options options = base_options();
	options.lease = NULL;
	options.backlog_max = 4;
	create(&options);
	turn();
	send_pod("a");
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert_uint_eq(fake_count(&fake), 0);
	cs_client_credit(client, uncredited);
	turn();
	ck_assert_uint_eq(fake_count(&fake), 2);
}
END_TEST

static void *credit_main(void *user)
{
	for (int i = 0; i < 1000; i++)
		cs_client_credit(client, 1);
	return user;
}

START_TEST(credit_comes_from_any_thread)
{
	struct cs_client_options options = base_options();
	options.lease = NULL;
	pthread_t threads[4];
	create(&options);
	turn();
	for (int i = 0; uncredited < 4000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%d", i);
		send_pod(name);
	}
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, credit_main, NULL);
	for (int i = 0; i < 100; i++)
		turn();
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(cs_client_stats(client).backlog, uncredited - 4000);
}
END_TEST

// ---- the end ----

START_TEST(stop_lets_writes_out_then_releases)
{
	struct cs_client_options options = base_options();
	create(&options);
	turn();
	give_lease();
	write_binding(1);
	cs_client_stop(client, fake.now);
	ck_assert_ptr_null(fake_find(&fake, "/api/v1/pods?"));
	turn();
	ck_assert_ptr_null(fake_find(&fake, "/leases"));
	fake_answer(find("/binding"), 201, CS_SLICE(""));
	assert_events("leading:1 written:1:0 ");
	turn();
	struct cs_transport_call *call = find("/leases/c-sched");
	ck_assert_int_eq(call->method, CS_METHOD_GET);
	CS_AUTO_BUFFER struct cs_buffer out;
	Kube__Lease lease = KUBE__LEASE__INIT;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__LeaseSpec spec = KUBE__LEASE_SPEC__INIT;
	static char identity[] = "me_1", version[] = "3";
	spec.holder_identity = identity;
	meta.resource_version = version;
	lease.metadata = &meta;
	lease.spec = &spec;
	fake_buffer(&out);
	cs_protobuf_write(&cs_kind_lease, &lease.base, &out, NULL);
	fake_answer(call, 200, cs_buffer_slice(&out));
	ck_assert(!cs_client_stopped(client));
	renew_lease();
	turn();
	ck_assert(cs_client_stopped(client));
	cs_client_wait(client, -1);
	ck_assert_int_eq(fake.waited, 0);
	assert_events(""); // `leading` is not called for it
}
END_TEST

START_TEST(stop_does_not_wait_for_ever)
{
	struct cs_client_options options = base_options();
	create(&options);
	turn();
	give_lease();
	write_binding(1);
	turn();
	cs_client_stop(client, fake.now);
	pass(999 * CS_MILLISECOND);
	ck_assert_ptr_null(fake_find(&fake, "/leases/"));
	cs_client_wait(client, -1);
	ck_assert_int_eq(fake.waited, CS_MILLISECOND);
	pass(1 * CS_MILLISECOND);
	ck_assert_ptr_nonnull(fake_find(&fake, "/leases/"));
	pass(10 * CS_SECOND);
	ck_assert(cs_client_stopped(client));
	ck_assert_uint_eq(fake_count(&fake), 1); // the binding: destroy forgets it
}
END_TEST

START_TEST(stop_without_a_lease)
{
	struct cs_client_options options = base_options();
	options.lease = NULL;
	create(&options);
	turn();
	cs_client_stop(client, fake.now);
	cs_client_stop(client, fake.now);
	turn();
	ck_assert(cs_client_stopped(client));
	ck_assert_uint_eq(fake_count(&fake), 0);
	pass(1000 * CS_SECOND);
	ck_assert_uint_eq(fake_count(&fake), 0);
}
END_TEST

// ---- birth ----

START_TEST(bad_options)
{
	static char server[] = "https://127.0.0.1:1", file[] = "/nonexistent/ca", source[] = "s";
	struct cs_endpoint endpoint = { .server = server, .ca_file = file, .source = source };
	struct cs_lease_settings lease = { .namespace = "a", .name = "b", .identity = "c" };
	struct cs_client_options options = base_options();
	struct cs_error err;
	options.lease = &lease;
	ck_assert_ptr_null(cs_client_create(&options, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "leaderElection"));
	options = base_options();
	options.transport = NULL;
	options.endpoint = &endpoint;
	ck_assert_ptr_null(cs_client_create(&options, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/ca"));
}
END_TEST

START_TEST(over_curl)
{
	static char server[] = "http://127.0.0.1:1", source[] = "s", token[] = "t",
		    file[] = "/nonexistent/token";
	struct cs_endpoint endpoint = {
		.server = server, .source = source, .token = token, .token_file = file
	};
	struct cs_client_options options = base_options();
	struct cs_clock clock = cs_clock_system();
	options.transport = NULL;
	options.endpoint = &endpoint;
	create(&options);
	static const char ended[] = "nodes: watch with initial events ended: ";
	for (int i = 0; i < 6000 && !(notices.data && strstr(notices.data, ended)); i++) {
		cs_client_turn(client, cs_clock_now(&clock));
		cs_client_wait(client, 5 * CS_MILLISECOND);
	}
	ck_assert(!cs_client_synced(client));
	ck_assert_uint_gt(cs_client_watch_stats(client, 0).failures, 0);   // nobody listens
	ck_assert_ptr_nonnull(strstr(notices.data, "/nonexistent/token")); // from the start
	ck_assert_ptr_nonnull(strstr(notices.data, ended));
	cs_client_wakeup(client);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("client");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_lease_goes_first);
	tcase_add_test(c, everything_is_announced);
	tcase_add_test(c, no_binding_without_the_lease);
	tcase_add_test(c, without_election_all_may_bind);
	tcase_add_test(c, waits_no_longer_than_its_next_timer);
	tcase_add_test(c, the_newest_watch_gives_way);
	tcase_add_test(c, all_watches_may_give_way);
	tcase_add_test(c, credit_comes_from_any_thread);
	tcase_add_test(c, stop_lets_writes_out_then_releases);
	tcase_add_test(c, stop_does_not_wait_for_ever);
	tcase_add_test(c, stop_without_a_lease);
	tcase_add_test(c, bad_options);
	tcase_add_test(c, over_curl);
	suite_add_tcase(suite, c);
	return suite;
}
