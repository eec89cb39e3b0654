// The core fed with messages and time, its writes read back: no thread, no socket, no real clock.
// Neighbours: daemon/core.c; the scheduler below it is the real one.
#include "../check_main.h"
#include "../read_object.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/framework/load_config.h>
#include <csched/plugins/list.h>

#include "daemon/core.h"
#include "daemon/message.h"
#include "daemon/verbs.h"

#define WRITES_MAX 4096

static struct cs_time now;
static int64_t tick; // ns by which each look moves the clock
static int log_fd;
static struct cs_log logger;
static struct cs_config *config;
static struct cs_config *extender_config; // NULL = nobody calls
static struct cs_metrics *metrics;
static struct cs_daemon_status status;
static struct cs_core *core;
static struct cs_message_write *writes[WRITES_MAX]; // copies
static size_t n_writes;
static size_t credited;
static int n_stops;
static unsigned load_credited;

static struct cs_time look(void *user)
{
	(void)user;
	now.boot += tick;
	now.wall += tick;
	return now;
}

static void on_write(void *user, const struct cs_write *write)
{
	(void)user;
	ck_assert_uint_lt(n_writes, WRITES_MAX);
	writes[n_writes++] = (struct cs_message_write *)cs_message_write(write);
}

static void on_credit(void *user, size_t bytes)
{
	(void)user;
	credited += bytes;
}

static void on_stop(void *user)
{
	(void)user;
	n_stops++;
}

static void on_load_credit(void *user, uint32_t source)
{
	(void)user;
	ck_assert_uint_eq(source, 0);
	load_credited++;
}

static void create(bool elect, bool emit_events)
{
	struct cs_error err = { 0 };
	struct cs_core_options options = {
		.config = config,
		.log = &logger,
		.clock = { .now = look },
		.metrics = metrics,
		.status = &status,
		.host = "host",
		.seed = 1,
		.n_records = 16,
		.n_watches = 2,
		.elect = elect,
		.emit_events = emit_events,
		.write = on_write,
		.credit = on_credit,
		.load_credit = on_load_credit,
		.stop = on_stop,
	};
	if (extender_config) {
		options.extender.config = extender_config;
		options.extender.profile = extender_config->profiles[0];
	}
	ck_assert_msg(cs_core_create(&options, &core, &err) == 0, "%s", err.text);
}

static void setup(void)
{
	struct cs_error err = { 0 };
	char name[] = "/tmp/test-core-XXXXXX";
	now = (struct cs_time){ .boot = 1000 * CS_SECOND, .wall = 1795222923 * CS_SECOND };
	tick = 0;
	log_fd = mkstemp(name);
	unlink(name);
	logger = (struct cs_log){ .fd = log_fd, .verbosity = 3, .clock = { .now = look } };
	struct cs_slice none = { 0 };
	ck_assert_msg(cs_config_read("", none, cs_plugins, &config, &err) == 0, "%s", err.text);
	metrics = cs_metrics_create();
	memset(&status, 0, sizeof(status));
	core = NULL;
	n_writes = credited = 0;
	n_stops = 0;
	load_credited = 0;
}

static void forget_writes(void)
{
	for (size_t i = 0; i < n_writes; i++)
		cs_message_free_client(&writes[i]->message);
	n_writes = 0;
}

static void teardown(void)
{
	cs_core_destroy(core);
	cs_config_destroy(extender_config);
	forget_writes();
	cs_metrics_destroy(metrics);
	config->load = NULL; // a test's own
	cs_config_destroy(config);
	close(log_fd);
}

// ---- what comes in ----

static struct cs_batch *batch_create(size_t max)
{
	struct cs_arena *arena = cs_arena_create();
	struct cs_batch *batch = cs_alloc(sizeof(*batch));
	batch->arena = arena;
	batch->changes = cs_arena_alloc_array(arena, max, sizeof(*batch->changes));
	batch->bytes = 100;
	return batch;
}

static void add(struct cs_batch *batch, enum cs_change_op op, const struct cs_kind *kind,
		const char *json)
{
	struct cs_change *change = &batch->changes[batch->count++];
	*change = (struct cs_change){ .op = op, .kind = kind };
	if (json)
		change->object = read_object(kind, json, batch->arena);
}

static void give(struct cs_batch *batch)
{
	struct cs_message_batch *message = cs_alloc(sizeof(*message));
	message->message.kind = CS_CORE_BATCH;
	message->batch = batch;
	cs_mailbox_send(cs_core_mailbox(core), &message->message);
}

static void tell(enum cs_change_op op, const struct cs_kind *kind, const char *json)
{
	struct cs_batch *batch = batch_create(1);
	add(batch, op, kind, json);
	give(batch);
}

static void turn(void)
{
	while (cs_core_turn(core))
		;
}

static void sync_all(void)
{
	tell(CS_CHANGE_SYNCED, &cs_kind_node, NULL);
	tell(CS_CHANGE_SYNCED, &cs_kind_pod, NULL);
	turn();
}

static char *node_json(const char *name, const char *cpu)
{
	return cs_asprintf("{\"metadata\":{\"name\":\"%s\",\"uid\":\"n-%s\",\"resourceVersion\":"
			   "\"1\"},\"status\":{\"allocatable\":{\"cpu\":\"%s\",\"memory\":\"8Gi\","
			   "\"pods\":\"110\"}}}",
			   name, name, cpu);
}

static void tell_node(const char *name, const char *cpu)
{
	CS_AUTO_FREE char *json = node_json(name, cpu);
	tell(CS_CHANGE_ADDED, &cs_kind_node, json);
}

static char *pod_json(const char *name, const char *cpu)
{
	return cs_asprintf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"uid\":\"u-%s\","
			   "\"resourceVersion\":\"7\",\"generation\":1},\"spec\":{"
			   "\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":\"c\","
			   "\"resources\":{\"requests\":{\"cpu\":\"%s\"}}}]},"
			   "\"status\":{\"phase\":\"Pending\"}}",
			   name, name, cpu);
}

static void tell_pod(const char *name, const char *cpu)
{
	CS_AUTO_FREE char *json = pod_json(name, cpu);
	tell(CS_CHANGE_ADDED, &cs_kind_pod, json);
}

static void answer(const struct cs_write *write, enum cs_write_outcome outcome, const char *node,
		   const char *message)
{
	cs_mailbox_send(cs_core_mailbox(core), cs_message_written(&(struct cs_write_result){
						       .ticket = write->ticket,
						       .kind = write->kind,
						       .outcome = outcome,
						       .node = node,
						       .message = message,
					       }));
}

// ---- what goes out ----

static const struct cs_write *find_write(enum cs_write_kind kind)
{
	for (size_t i = 0; i < n_writes; i++)
		if (writes[i]->write.kind == kind)
			return &writes[i]->write;
	return NULL;
}

static size_t count_writes(enum cs_write_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < n_writes; i++)
		n += writes[i]->write.kind == kind;
	return n;
}

static bool logged(const char *words)
{
	static char text[1 << 16];
	ssize_t size = pread(log_fd, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(size, 0);
	text[size] = '\0';
	return strstr(text, words) != NULL;
}

static bool ended(int *exit_status)
{
	return cs_core_ended(core, exit_status);
}

START_TEST(nothing_before_every_kind_has_synced)
{
	create(false, true);
	tell_node("n1", "4");
	tell_pod("p", "1");
	tell(CS_CHANGE_SYNCED, &cs_kind_node, NULL);
	turn();
	ck_assert_uint_eq(n_writes, 0);
	ck_assert(!atomic_load(&status.handlers_synced));
	ck_assert_int_eq(cs_core_deadline(core), INT64_MAX);

	tell(CS_CHANGE_SYNCED, &cs_kind_pod, NULL);
	turn();
	ck_assert(atomic_load(&status.handlers_synced));
	ck_assert_uint_eq(n_writes, 1);
	const struct cs_write *bind = &writes[0]->write;
	ck_assert_int_eq(bind->kind, CS_WRITE_BIND);
	ck_assert_str_eq(bind->namespace, "ns");
	ck_assert_str_eq(bind->name, "p");
	ck_assert_str_eq(bind->uid, "u-p");
	ck_assert_str_eq(bind->node, "n1");
	ck_assert_uint_eq(credited, 400);
}
END_TEST

START_TEST(nothing_before_we_lead)
{
	create(true, true);
	tell_node("n1", "4");
	tell_pod("p", "1");
	sync_all();
	ck_assert_uint_eq(n_writes, 0);
	cs_mailbox_send(cs_core_mailbox(core), cs_message_plain(CS_CORE_LEADING));
	turn();
	ck_assert_uint_eq(n_writes, 1);
}
END_TEST

START_TEST(leading_before_synced)
{
	create(true, true);
	cs_mailbox_send(cs_core_mailbox(core), cs_message_plain(CS_CORE_LEADING));
	tell_node("n1", "4");
	tell_pod("p", "1");
	turn();
	ck_assert_uint_eq(n_writes, 0);
	sync_all();
	ck_assert_uint_eq(n_writes, 1);
}
END_TEST

START_TEST(a_stored_binding_is_followed_by_its_event)
{
	create(false, true);
	tell_node("n1", "4");
	tell_pod("p", "1");
	sync_all();
	answer(&writes[0]->write, CS_WRITE_DONE, NULL, NULL);
	turn();
	ck_assert_uint_eq(n_writes, 2);
	ck_assert_int_eq(writes[1]->write.kind, CS_WRITE_EVENT);
	ck_assert(logged("Successfully bound pod to node"));
	ck_assert(logged("ns/p"));
}
END_TEST

START_TEST(without_events)
{
	create(false, false);
	tell_node("n1", "4");
	tell_pod("p", "1");
	tell_pod("big", "100");
	sync_all();
	const struct cs_write *bind = find_write(CS_WRITE_BIND);
	ck_assert_ptr_nonnull(bind);
	answer(bind, CS_WRITE_DONE, NULL, NULL);
	turn();
	ck_assert_uint_eq(count_writes(CS_WRITE_EVENT), 0);
	ck_assert_uint_eq(count_writes(CS_WRITE_STATUS), 1);
}
END_TEST

START_TEST(an_unschedulable_pod_is_bound_when_a_node_comes)
{
	create(false, true);
	tell_node("n1", "1");
	tell_pod("p", "2");
	sync_all();
	ck_assert_uint_eq(n_writes, 2);
	const struct cs_write *patch = find_write(CS_WRITE_STATUS);
	ck_assert_ptr_nonnull(patch);
	ck_assert_str_eq(patch->name, "p");
	ck_assert_str_eq(patch->uid, "u-p");
	ck_assert_ptr_nonnull(strstr(patch->body, "\"reason\":\"Unschedulable\""));
	ck_assert_ptr_nonnull(strstr(patch->body, "0/1 nodes are available: 1 Insufficient cpu."));
	ck_assert_ptr_nonnull(find_write(CS_WRITE_EVENT));
	ck_assert(logged("Unable to schedule pod; no fit; waiting"));

	forget_writes();
	tell_node("n2", "8");
	turn();
	now.boot += 20 * CS_SECOND; // the back-off
	turn();
	ck_assert_ptr_nonnull(find_write(CS_WRITE_BIND));
	ck_assert_str_eq(find_write(CS_WRITE_BIND)->node, "n2");
}
END_TEST

// A binding that failed is tried again after a back-off, at the latest when the deadline says.
START_TEST(a_failed_binding_is_tried_again)
{
	create(false, true);
	tell_node("n1", "4");
	tell_pod("p", "1");
	sync_all();
	answer(&writes[0]->write, CS_WRITE_REFUSED, NULL, "the server is in a bad mood");
	turn();
	ck_assert(logged("Failed to bind pod"));
	ck_assert(logged("\"Error scheduling pod; retrying\" pod=\"ns/p\""));
	ck_assert(!logged("no fit"));
	ck_assert(logged("the server is in a bad mood"));
	forget_writes();
	int64_t deadline = cs_core_deadline(core);
	ck_assert_int_lt(deadline, now.boot + 60 * CS_SECOND);
	for (int i = 0; i < 60 && !find_write(CS_WRITE_BIND); i++) {
		now.boot += CS_SECOND;
		turn();
	}
	ck_assert_ptr_nonnull(find_write(CS_WRITE_BIND));
}
END_TEST

START_TEST(bound_elsewhere_and_gone)
{
	create(false, false);
	tell_node("n1", "4");
	tell_pod("p", "1");
	tell_pod("q", "1");
	sync_all();
	ck_assert_uint_eq(count_writes(CS_WRITE_BIND), 2);
	answer(&writes[0]->write, CS_WRITE_ELSEWHERE, "n9", NULL);
	answer(&writes[1]->write, CS_WRITE_GONE, NULL, NULL);
	forget_writes();
	turn();
	now.boot += 600 * CS_SECOND;
	turn();
	ck_assert_uint_eq(n_writes, 0);
}
END_TEST

// One object that cannot be read is named in the log; all others count.
START_TEST(a_broken_object_stops_nobody)
{
	create(false, true);
	struct cs_batch *batch = batch_create(1);
	CS_AUTO_FREE char *json = node_json("broken", "4");
	add(batch, CS_CHANGE_ADDED, &cs_kind_node, json);
	Kube__Node *node = (Kube__Node *)batch->changes[0].object;
	node->status->allocatable[0]->value->string = (char *)"many"; // as protobuf may bring it
	give(batch);
	tell_node("good", "4");
	tell(CS_CHANGE_ADDED, &cs_kind_node, "{}");
	tell(CS_CHANGE_DELETED, &cs_kind_node, "{}");
	tell(CS_CHANGE_DELETED, &cs_kind_pod, "{}");
	tell(CS_CHANGE_ADDED, &cs_kind_namespace, "{\"metadata\":{\"name\":\"x\"}}");
	tell_pod("p", "1");
	sync_all();
	ck_assert(logged("broken"));
	ck_assert(logged("cpu"));
	ck_assert_str_eq(find_write(CS_WRITE_BIND)->node, "good");
}
END_TEST

START_TEST(deletions)
{
	create(false, true);
	tell_node("n1", "4");
	tell_pod("p", "1");
	tell(CS_CHANGE_DELETED, &cs_kind_pod,
	     "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"p\",\"uid\":\"u-p\"}}");
	tell_pod("q", "1");
	tell(CS_CHANGE_DELETED, &cs_kind_node, "{\"metadata\":{\"name\":\"n1\"}}");
	sync_all();
	ck_assert_uint_eq(count_writes(CS_WRITE_BIND), 0);
	ck_assert_uint_eq(count_writes(CS_WRITE_STATUS), 1);
	ck_assert_str_eq(find_write(CS_WRITE_STATUS)->name, "q");
	ck_assert_ptr_nonnull(
		strstr(find_write(CS_WRITE_STATUS)->body, "no nodes available to schedule pods"));
	ck_assert(logged("no nodes are registered to the cluster; waiting\" pod=\"ns/q\""));
}
END_TEST

// What is said of a pod that is being deleted, and of an annotation that means nothing, is not that
// no node fits.
START_TEST(other_warnings_have_words_of_their_own)
{
	static const char pod[] = "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\","
				  "\"uid\":\"u-%s\",%s},\"spec\":{\"schedulerName\":\"c-sched\"}}";
	static const char *const odd[][2] = {
		{ "gone", "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" },
		{ "odd", "\"annotations\":{\"c-sched.io/talks-to\":\"in in in\"}" },
	};
	create(false, true);
	tell_node("n1", "4");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(odd); i++) {
		CS_AUTO_FREE char *json = cs_asprintf(pod, odd[i][0], odd[i][0], odd[i][1]);
		tell(CS_CHANGE_ADDED, &cs_kind_pod, json);
	}
	sync_all();
	ck_assert(logged("\"Skip schedule deleting pod\" pod=\"ns/gone\""));
	ck_assert(logged("\"An annotation of the pod is ignored\" pod=\"ns/odd\""));
	ck_assert(!logged("no fit"));
	ck_assert_str_eq(find_write(CS_WRITE_BIND)->name, "odd");
}
END_TEST

// A large batch is applied in slices, so that a turn stays near a millisecond.
START_TEST(turns_are_short)
{
	struct cs_batch *batch = batch_create(2001);
	create(false, true);
	for (int i = 0; i < 2000; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("n%d", i);
		CS_AUTO_FREE char *json = node_json(name, "4");
		add(batch, CS_CHANGE_ADDED, &cs_kind_node, json);
	}
	add(batch, CS_CHANGE_SYNCED, &cs_kind_node, NULL);
	give(batch);
	tick = 100 * CS_MICROSECOND;
	int turns = 0;
	for (int64_t before = now.boot; cs_core_turn(core); before = now.boot, turns++)
		ck_assert_int_le(now.boot - before, 2 * CS_MILLISECOND);
	ck_assert_int_gt(turns, 10);
	ck_assert_uint_eq(credited, 100);
}
END_TEST

// Reports that are not stored hold decisions up, so that none is lost; but not for ever.
START_TEST(many_reports)
{
	create(false, true);
	tell_node("small", "500m");
	for (int i = 0; i < 600; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("p%d", i);
		tell_pod(name, "1");
	}
	sync_all();
	ck_assert_uint_ge(n_writes, 512);
	ck_assert_uint_lt(n_writes, 540);
	ck_assert_int_le(cs_core_deadline(core), now.boot + 5 * CS_SECOND);

	for (size_t i = 0; i < 100; i++)
		answer(&writes[i]->write, CS_WRITE_DONE, NULL, NULL);
	size_t before = n_writes;
	turn();
	ck_assert_uint_ge(n_writes, before + 90);

	before = n_writes;
	now.boot += 4 * CS_SECOND;
	turn();
	ck_assert_uint_eq(n_writes, before);
	now.boot += 1 * CS_SECOND;
	turn();
	ck_assert_uint_eq(n_writes, 1200);
}
END_TEST

START_TEST(refused_reports)
{
	create(false, true);
	tell_pod("p", "1");
	sync_all();
	answer(find_write(CS_WRITE_STATUS), CS_WRITE_REFUSED, NULL, "no such field");
	answer(find_write(CS_WRITE_EVENT), CS_WRITE_FAILED, NULL, "queue is full");
	turn();
	ck_assert(logged("Error updating pod"));
	ck_assert(logged("no such field"));
	ck_assert(logged("Unable to write event"));
}
END_TEST

START_TEST(the_end)
{
	int exit_status = -1;
	create(false, true);
	tell_node("n1", "4");
	sync_all();
	cs_mailbox_send(cs_core_mailbox(core), cs_message_plain(CS_CORE_STOP));
	cs_mailbox_send(cs_core_mailbox(core), cs_message_plain(CS_CORE_STOP));
	tell_pod("p", "1");
	turn();
	ck_assert_int_eq(n_stops, 1);
	ck_assert(atomic_load(&status.stopping));
	ck_assert_uint_eq(n_writes, 0);
	ck_assert(!ended(&exit_status));

	struct cs_message_ended *message = cs_alloc(sizeof(*message));
	message->message.kind = CS_CORE_ENDED;
	cs_mailbox_send(cs_core_mailbox(core), &message->message);
	turn();
	ck_assert(ended(&exit_status));
	ck_assert_int_eq(exit_status, 0);
}
END_TEST

START_TEST(the_lease_is_lost)
{
	int exit_status = -1;
	create(true, true);
	struct cs_message_ended *message = cs_alloc(sizeof(*message));
	message->message.kind = CS_CORE_ENDED;
	message->failure = cs_strdup("Leaderelection lost");
	cs_mailbox_send(cs_core_mailbox(core), &message->message);
	ck_assert(!cs_core_turn(core));
	ck_assert(ended(&exit_status));
	ck_assert_int_eq(exit_status, 1);
	ck_assert(logged("Leaderelection lost"));
}
END_TEST

// What nobody read is freed (the sanitizers see to it).
START_TEST(messages_left_over)
{
	create(false, true);
	tell_node("n1", "4");
	cs_core_turn(core);
	tell_node("n2", "4");
	tell_pod("p", "1");
	answer(&(struct cs_write){ .kind = CS_WRITE_EVENT }, CS_WRITE_DONE, "n", "m");
}
END_TEST

// Kinds without a way of their own reach the model; what is wrong with one is named, and the others
// go on.
START_TEST(what_selects_pods)
{
	static const struct cs_kind *const kinds[] = {
		&cs_kind_namespace,   &cs_kind_service,      &cs_kind_replication_controller,
		&cs_kind_replica_set, &cs_kind_stateful_set,
	};
	create(false, false);
	sync_all();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(kinds); i++) {
		tell(CS_CHANGE_ADDED, kinds[i],
		     "{\"metadata\":{\"namespace\":\"ns\",\"uid\":\"u\"}}");
		turn();
		CS_AUTO_FREE char *words =
			cs_asprintf("kind=\"%s\" namespace=\"ns\"", kinds[i]->kind);
		ck_assert_msg(logged(words), "not logged: %s", words);
	}
	tell(CS_CHANGE_ADDED, &cs_kind_namespace,
	     "{\"metadata\":{\"name\":\"ns\",\"uid\":\"u\",\"labels\":{\"a\":\"b\"}}}");
	tell(CS_CHANGE_ADDED, &cs_kind_service,
	     "{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\",\"uid\":\"u\"},\"spec\":{"
	     "\"selector\":{\"a\":\"b\"}}}");
	tell(CS_CHANGE_DELETED, &cs_kind_service,
	     "{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\",\"uid\":\"u\"}}");
	tell(CS_CHANGE_DELETED, &cs_kind_namespace, "{\"metadata\":{\"name\":\"ns\"}}");
	tell(CS_CHANGE_DELETED, &cs_kind_replica_set, "{\"metadata\":{}}");
	tell_node("n1", "4");
	tell_pod("p", "1");
	turn();
	ck_assert_ptr_nonnull(find_write(CS_WRITE_BIND));
}
END_TEST

START_TEST(a_binding_is_withdrawn_with_its_node)
{
	create(false, false);
	sync_all();
	tell_node("n1", "4");
	tell_pod("p", "1");
	turn();
	const struct cs_write *bind = find_write(CS_WRITE_BIND);
	ck_assert_ptr_nonnull(bind);
	ck_assert(!bind->withdraw);
	uint64_t ticket = bind->ticket;
	forget_writes();
	tell(CS_CHANGE_DELETED, &cs_kind_node, "{\"metadata\":{\"name\":\"n1\"}}");
	turn();
	ck_assert_uint_eq(n_writes, 1);
	ck_assert(writes[0]->write.withdraw);
	ck_assert_uint_eq(writes[0]->write.ticket, ticket);
}
END_TEST

// ---- load figures ----

static char load_cpu[] = CS_LOAD_CPU, load_source[] = "metrics";
static struct cs_load_metric load_metrics[] = { { .name = load_cpu,
						  .kind = CS_LOAD_USAGE,
						  .max = 1e9,
						  .ttl = 60 * CS_SECOND,
						  .ramp = 60 * CS_SECOND } };
static uint32_t load_of_source[] = { 0 };
static struct cs_load_source load_sources[] = { { .name = load_source,
						  .type = CS_LOAD_METRICS_API,
						  .pods = true,
						  .n_metrics = 1,
						  .metrics = load_of_source } };
static struct cs_load_config load_config = {
	.n_metrics = 1, .metrics = load_metrics, .n_sources = 1, .sources = load_sources
};

static void tell_load(const char *node, double milli_cpu)
{
	struct cs_part *part = cs_part_create(0);
	cs_part_add(part, &(struct cs_part_sample){
				  .node = node, .value = milli_cpu, .taken = now.wall });
	cs_mailbox_send(cs_core_mailbox(core), cs_message_load(0, part));
}

static double load_samples(const char *question, const char *kind)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	CS_AUTO_FREE char *line = cs_asprintf("csched_load_source_samples{source=\"metrics\","
					      "question=\"%s\",kind=\"%s\"} ",
					      question, kind);
	cs_buffer_init(&out, 1 << 20);
	cs_metrics_print(metrics, &out);
	const char *at = strstr(out.data, line);
	ck_assert_msg(at != NULL, "%s", line);
	return strtod(at + strlen(line), NULL);
}

START_TEST(load_is_taken_in_once_nodes_are_known)
{
	config->load = &load_config;
	create(false, true);
	tell_load("n1", 1000);
	tell_node("n1", "4");
	turn();
	ck_assert_uint_eq(load_credited, 0);
	sync_all();
	ck_assert_uint_eq(load_credited, 1);
	ck_assert_double_eq(load_samples("nodes", "matched"), 1);
	tell_load("other", 1000);
	turn();
	ck_assert_uint_eq(load_credited, 2);
	ck_assert_double_eq(load_samples("nodes", "matched"), 0);
	ck_assert_double_eq(load_samples("nodes", "unmatched"), 1);
	ck_assert(logged("No load figure is of a node or pod of this cluster"));
}
END_TEST

// In slices, whose counts add up; decisions go on in between.
START_TEST(long_lists_of_pods)
{
	enum { N = 10000 };
	config->load = &load_config;
	create(false, true);
	tell_node("n1", "4");
	sync_all();
	struct cs_part *part = cs_part_create(1);
	for (unsigned i = 0; i < N; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("p%u", i);
		cs_part_add_pod(part, &(struct cs_part_pod){ .namespace = "ns",
							     .name = name,
							     .value = 1,
							     .taken = now.wall });
	}
	cs_mailbox_send(cs_core_mailbox(core), cs_message_load(0, part));
	tell_pod("p", "1");
	tick = CS_MILLISECOND; // each turn is over at its first look at the clock
	cs_core_turn(core);
	ck_assert_uint_eq(load_credited, 0);
	turn();
	ck_assert_uint_eq(load_credited, 1);
	ck_assert_double_eq(load_samples("pods", "unmatched"), N);
	ck_assert_ptr_nonnull(find_write(CS_WRITE_BIND));
}
END_TEST

static void pass(int64_t ns)
{
	now.boot += ns;
	now.wall += ns;
	turn();
}

// One Event when all figures are gone, one when they are back; whoever does not schedule is silent.
START_TEST(the_loss_of_all_load)
{
	config->load = &load_config;
	create(true, true);
	tell_node("n1", "4");
	sync_all();
	tell_load("n1", 1000);
	turn();
	for (int i = 0; i < 10; i++) {
		pass(60 * CS_SECOND);
		tell_node("n1", "4");
		turn();
	}
	ck_assert(logged("Load figures are not known"));
	ck_assert_uint_eq(n_writes, 0);
	cs_mailbox_send(cs_core_mailbox(core), cs_message_plain(CS_CORE_LEADING));
	turn();
	ck_assert_uint_eq(n_writes, 1);
	ck_assert_int_eq(writes[0]->write.kind, CS_WRITE_EVENT);
	ck_assert_str_eq(writes[0]->write.namespace, "kube-system");
	ck_assert(cs_string_prefix(writes[0]->write.name, "c-sched."));
	ck_assert_ptr_nonnull(
		memmem(writes[0]->write.body, writes[0]->write.body_size, "LoadUnknown", 11));
	pass(60 * CS_SECOND);
	ck_assert_uint_eq(n_writes, 1);
	tell_load("n1", 1000);
	turn();
	pass(2 * CS_SECOND);
	ck_assert_uint_eq(n_writes, 2);
	ck_assert_ptr_nonnull(
		memmem(writes[1]->write.body, writes[1]->write.body_size, "LoadKnown", 9));
	ck_assert(logged("Load figures are known again"));
}
END_TEST

START_TEST(load_that_is_left_is_freed)
{
	config->load = &load_config;
	create(false, true);
	tell_load("n1", 1);
	turn();
	tell_load("n1", 2);
}
END_TEST

// ---- questions of HTTP clients ----

static void ask(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	struct cs_message_ask *question = cs_alloc(sizeof(*question));
	(void)response;
	(void)user;
	question->message.kind = CS_CORE_ASK;
	question->question = CS_QUESTION_EXPLAIN;
	question->pod = cs_strdup("ns/p");
	question->pending = cs_http_request_defer(request);
	cs_mailbox_send(cs_core_mailbox(core), &question->message);
}

static int send_question(uint16_t port)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
	return fd;
}

static void expect_pod_bound(int fd)
{
	char text[65536];
	size_t size = 0;
	for (ssize_t n; (n = recv(fd, text + size, sizeof(text) - 1 - size, 0)) > 0;)
		size += (size_t)n;
	text[size] = '\0';
	close(fd);
	ck_assert_msg(cs_string_prefix(text, "HTTP/1.1 200 ") &&
			      strstr(text, "\"state\":\"assumed\""),
		      "%s", text);
}

// Each takes longer than a turn: one is answered, after what there was to decide.
START_TEST(many_questions_at_once)
{
	enum { N = 5 };
	static const struct cs_http_route route = { .method = "GET", .path = "/", .handler = ask };
	struct cs_http_server *server;
	struct cs_error err;
	int fds[N];
	create(false, true);
	tell_node("n1", "4");
	sync_all();
	ck_assert_int_eq(
		cs_http_server_create(&(struct cs_http_options){ 0 }, &route, 1, &server, &err), 0);
	for (int i = 0; i < N; i++)
		fds[i] = send_question(cs_http_server_port(server));
	while (cs_mailbox_count(cs_core_mailbox(core)) < N)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	tell_pod("p", "1");
	tick = CS_MILLISECOND;
	int turns = 1;
	while (cs_core_turn(core))
		turns++;
	ck_assert_int_eq(turns, N);
	for (int i = 0; i < N; i++)
		expect_pod_bound(fds[i]);
	cs_http_server_destroy(server);
}
END_TEST

// ---- calls of the extender ----

static void create_with_extender(void)
{
	struct cs_error err = { 0 };
	ck_assert_msg(cs_verbs_built_in(cs_plugins, &extender_config, &err) == 0, "%s", err.text);
	create(false, true);
	for (int i = 0; i < 4; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("n%d", i);
		tell_node(name, "64");
	}
	sync_all();
}

// Asks with those `nodes`, as JSON members; the call comes back to `back`.
static void call_with(const char *nodes, struct cs_mailbox *back)
{
	struct cs_error err;
	struct cs_buffer body;
	struct cs_call *call;
	CS_AUTO_FREE char *pod = pod_json("theirs", "1");
	cs_buffer_init(&body, 1 << 20);
	cs_buffer_printf(&body, "{\"Pod\":%s,%s}", pod, nodes);
	ck_assert_msg(cs_call_create(CS_VERB_PRIORITIZE, &body, &call, &err) == 0, "%s", err.text);
	cs_buffer_finish(&body);
	call->back = back;
	call->begun = now.boot;
	call->deadline = now.boot + 60 * CS_SECOND;
	cs_mailbox_send(cs_core_mailbox(core), &call->message);
}

static unsigned take_calls(struct cs_mailbox *back)
{
	unsigned n = 0;
	struct cs_message *next;
	for (struct cs_message *m = cs_mailbox_take(back); m; m = next, n++) {
		next = m->next;
		ck_assert_int_eq(((struct cs_call *)m)->result, CS_CALL_DONE);
		cs_call_destroy((struct cs_call *)m);
	}
	return n;
}

// However many call: in each turn there is an answer, and there are decisions.
START_TEST(who_calls_hard_leaves_half_of_the_time)
{
	enum { CALLS = 2000, PODS = 60 }; // so many bindings may be under way
	struct cs_mailbox *back = cs_mailbox_create(NULL, NULL);
	create_with_extender();
	for (int i = 0; i < PODS; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("p%d", i);
		tell_pod(name, "100m");
	}
	for (int i = 0; i < CALLS; i++)
		call_with("\"NodeNames\":[\"n0\",\"n1\",\"n2\",\"n3\"]", back);
	tick = 2 * CS_MICROSECOND;
	unsigned answered = 0;
	while (answered < CALLS) {
		int64_t before = now.boot;
		(void)cs_core_turn(core);
		// A millisecond for calls, and one for what else there is to do.
		if (count_writes(CS_WRITE_BIND) < PODS)
			ck_assert_int_ge(now.boot - before, 2 * CS_MILLISECOND);
		unsigned more = take_calls(back);
		ck_assert_uint_gt(more, 0);
		ck_assert_int_le(more, CS_MILLISECOND / tick);
		answered += more;
		if (answered > CALLS / 2)
			ck_assert_uint_eq(count_writes(CS_WRITE_BIND), PODS);
	}
	cs_mailbox_destroy(back);
}
END_TEST

// A call that has to read unknown nodes lets others go first, and decisions.
START_TEST(a_long_call_holds_nobody_up)
{
	struct cs_mailbox *long_back = cs_mailbox_create(NULL, NULL);
	struct cs_mailbox *back = cs_mailbox_create(NULL, NULL);
	CS_AUTO_BUFFER struct cs_buffer nodes;
	create_with_extender();
	cs_buffer_init(&nodes, 1 << 20);
	cs_buffer_append_string(&nodes, "\"Nodes\":{\"items\":[");
	for (int i = 0; i < 200; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("g%d", i);
		CS_AUTO_FREE char *json = node_json(name, "4");
		cs_buffer_printf(&nodes, "%s%s", i ? "," : "", json);
	}
	cs_buffer_append_string(&nodes, "]}");
	call_with(nodes.data, long_back);
	call_with("\"NodeNames\":[\"n0\"]", back);
	tell_pod("p", "1");
	tick = 50 * CS_MICROSECOND;
	int turns = 0;
	while (take_calls(long_back) == 0) {
		int64_t before = now.boot;
		bool more = cs_core_turn(core);
		ck_assert(more || cs_mailbox_count(long_back) == 1);
		ck_assert_int_le(now.boot - before, 3 * CS_MILLISECOND);
		if (++turns == 2) {
			ck_assert_uint_eq(take_calls(back), 1);
			ck_assert_uint_eq(count_writes(CS_WRITE_BIND), 1);
		}
	}
	ck_assert_int_gt(turns, 5);
	cs_mailbox_destroy(back);
	cs_mailbox_destroy(long_back);
}
END_TEST

START_TEST(calls_left_over_are_freed)
{
	struct cs_mailbox *back = cs_mailbox_create(NULL, NULL);
	create_with_extender();
	for (int i = 0; i < 100; i++)
		call_with("\"NodeNames\":[\"n0\"]", back);
	tick = CS_MILLISECOND;
	ck_assert(cs_core_turn(core));
	ck_assert_uint_eq(take_calls(back), 1);
	call_with("\"NodeNames\":[\"n0\"]", back);
	cs_core_destroy(CS_TAKE(core));
	cs_mailbox_destroy(back);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("core");
	TCase *tcase = tcase_create("core");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_before_every_kind_has_synced);
	tcase_add_test(tcase, nothing_before_we_lead);
	tcase_add_test(tcase, leading_before_synced);
	tcase_add_test(tcase, a_stored_binding_is_followed_by_its_event);
	tcase_add_test(tcase, without_events);
	tcase_add_test(tcase, an_unschedulable_pod_is_bound_when_a_node_comes);
	tcase_add_test(tcase, a_failed_binding_is_tried_again);
	tcase_add_test(tcase, bound_elsewhere_and_gone);
	tcase_add_test(tcase, a_broken_object_stops_nobody);
	tcase_add_test(tcase, what_selects_pods);
	tcase_add_test(tcase, a_binding_is_withdrawn_with_its_node);
	tcase_add_test(tcase, deletions);
	tcase_add_test(tcase, other_warnings_have_words_of_their_own);
	tcase_add_test(tcase, turns_are_short);
	tcase_add_test(tcase, many_reports);
	tcase_add_test(tcase, refused_reports);
	tcase_add_test(tcase, the_end);
	tcase_add_test(tcase, the_lease_is_lost);
	tcase_add_test(tcase, messages_left_over);
	tcase_add_test(tcase, load_is_taken_in_once_nodes_are_known);
	tcase_add_test(tcase, long_lists_of_pods);
	tcase_add_test(tcase, the_loss_of_all_load);
	tcase_add_test(tcase, load_that_is_left_is_freed);
	tcase_add_test(tcase, many_questions_at_once);
	tcase_add_test(tcase, who_calls_hard_leaves_half_of_the_time);
	tcase_add_test(tcase, a_long_call_holds_nobody_up);
	tcase_add_test(tcase, calls_left_over_are_freed);
	suite_add_tcase(suite, tcase);
	return suite;
}
