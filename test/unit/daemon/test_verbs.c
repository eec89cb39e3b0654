// The extender's verbs on a real model: verdicts, scores, reservations, pods that no watch has told
// of, Bindings. No thread, no socket.
// Neighbours: daemon/verbs.c, call.c.
#include "../check_main.h"
#include "../read_object.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/cluster/load.h>
#include <csched/plugins/list.h>

#include "daemon/answer.h"
#include "daemon/message.h"
#include "daemon/verbs.h"

#define NODES 4

static struct cs_arena *arena;
static struct cs_cluster *cluster;
static struct cs_config *config;
static struct cs_verbs *verbs;
static struct cs_records *records;
static struct cs_mailbox *mailbox;
static struct cs_verbs_state state;
static struct cs_message_write *written; // a copy of the last write
static struct cs_buffer answer;
static int64_t step; // ns between two looks at the clock

static const struct cs_load_metric cpu = {
	.name = CS_LOAD_CPU,
	.unit = "milli-CPU",
	.kind = CS_LOAD_USAGE,
	.max = INFINITY,
	.ttl = 60 * CS_SECOND,
	.ramp = 30 * CS_SECOND,
};

static struct cs_time now(void *user)
{
	(void)user;
	state.now.boot += step;
	return state.now;
}

static const struct cs_clock test_clock = { .now = now };

static void on_write(void *user, const struct cs_write *write)
{
	(void)user;
	if (written)
		cs_message_free_client(&written->message);
	written = (struct cs_message_write *)cs_message_write(write);
}

static const char *pod_json(const char *name)
{
	return cs_arena_printf(
		arena,
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"uid\":\"uid-%s\"},"
		"\"spec\":{\"schedulerName\":\"default-scheduler\",\"containers\":[{\"name\":\"c\","
		"\"resources\":{\"requests\":{\"cpu\":\"500m\",\"memory\":\"100Mi\"}}}]}}",
		name, name);
}

static void apply_pod(const char *json)
{
	struct cs_pod_change change;
	struct cs_error err;
	const Kube__Pod *pod = (const Kube__Pod *)read_object(&cs_kind_pod, json, arena);
	ck_assert_int_eq(cs_cluster_apply_pod(cluster, pod, &change, &err), 0);
}

static void apply_node(const char *json)
{
	uint32_t events;
	struct cs_error err;
	const Kube__Node *node = (const Kube__Node *)read_object(&cs_kind_node, json, arena);
	ck_assert_int_eq(cs_cluster_apply_node(cluster, node, &events, &err), 0);
}

static void add_pod(const char *name)
{
	apply_pod(pod_json(name));
}

static struct cs_pod *find_pod(const char *name)
{
	return cs_cluster_find_pod(cluster, cs_arena_printf(arena, "uid-%s", name));
}

static void add_bound_since(const char *name, const char *node, int request, int priority,
			    const char *created)
{
	apply_pod(cs_arena_printf(
		arena,
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"uid\":\"uid-%s\","
		"\"creationTimestamp\":\"%s\"},\"spec\":{\"nodeName\":\"%s\","
		"\"priority\":%d,\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":"
		"{\"cpu\":\"%dm\"}}}]}}",
		name, name, created, node, priority, request));
}

// Node n1 is idle, n2 .. carry ever more; nodes have 10 CPUs.
static void add_nodes(void)
{
	struct cs_load_sample samples[NODES];
	struct cs_load_report report;
	for (int i = 0; i < NODES; i++) {
		const char *name = cs_arena_printf(arena, "n%d", i + 1);
		apply_node(cs_arena_printf(
			arena,
			"{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"unschedulable\":%s},"
			"\"status\":{\"allocatable\":{\"cpu\":\"10\",\"memory\":\"64Gi\","
			"\"pods\":\"110\"}}}",
			name, i == 3 ? "true" : "false"));
		samples[i] = (struct cs_load_sample){ .node = name,
						      .value = 2000 * i,
						      .taken = state.now.wall - CS_SECOND };
	}
	cs_cluster_apply_samples(cluster, samples, NODES, &report);
	ck_assert_uint_eq(report.n_matched, NODES);
}

static void setup_profile(const char *yaml)
{
	struct cs_error err = { 0 };
	arena = cs_arena_create();
	cs_buffer_init(&answer, 1 << 20);
	written = NULL;
	step = 0;
	cluster = cs_cluster_create(1);
	cs_cluster_set_load_metrics(cluster, &cpu, 1, (const bool[]){ true });
	state = (struct cs_verbs_state){
		.now = { .boot = 1000 * CS_SECOND, .wall = 1795222923 * CS_SECOND },
		.synced = true,
		.leading = true,
	};
	cs_cluster_set_time(cluster, state.now.wall);
	int r = yaml ? cs_config_read("test", cs_slice_of(yaml), cs_plugins, &config, &err)
		     : cs_verbs_built_in(cs_plugins, &config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	mailbox = cs_mailbox_create(NULL, NULL);
	records = cs_records_create(8, cluster);
	verbs = cs_verbs_create(&(struct cs_verbs_options){ .cluster = cluster,
							    .config = config,
							    .profile = config->profiles[0],
							    .clock = &test_clock,
							    .records = records,
							    .bind = true,
							    .write = on_write });
	add_nodes();
}

static void setup(void)
{
	setup_profile(NULL);
}

// n3 (4000 of 10000) and n4 are over the threshold, n4 is cordoned, too.
static void setup_filters(void)
{
	setup_profile("apiVersion: kubescheduler.config.k8s.io/v1\n"
		      "kind: KubeSchedulerConfiguration\n"
		      "profiles:\n"
		      "- schedulerName: picky\n"
		      "  plugins:\n"
		      "    multiPoint:\n"
		      "      disabled: [{name: '*'}]\n"
		      "      enabled: [{name: PrioritySort}, {name: NodeUnschedulable},\n"
		      "        {name: LeastLoad}, {name: DefaultBinder}]\n"
		      "  pluginConfig:\n"
		      "  - name: LeastLoad\n"
		      "    args: {resources: [{name: cpu, threshold: 40}]}\n");
}

static void teardown(void)
{
	cs_verbs_destroy(verbs);
	cs_records_destroy(records);
	cs_config_destroy(config);
	cs_cluster_destroy(cluster);
	struct cs_message *message = cs_mailbox_take(mailbox);
	ck_assert_ptr_null(message);
	cs_mailbox_destroy(mailbox);
	if (written)
		cs_message_free_client(&written->message);
	cs_buffer_finish(&answer);
	cs_arena_destroy(arena);
}

static struct cs_call *create_call(enum cs_verb verb, const char *text)
{
	struct cs_buffer body;
	struct cs_call *call;
	struct cs_error err = { 0 };
	cs_buffer_init(&body, 1 << 20);
	cs_buffer_append_string(&body, text);
	ck_assert_msg(cs_call_create(verb, &body, &call, &err) == 0, "%s", err.text);
	cs_buffer_finish(&body);
	call->back = mailbox;
	call->begun = state.now.boot;
	call->deadline = call->begun + CS_SECOND;
	return call;
}

// The call that came back, its answer in `answer`.
static enum cs_call_result take_answer(void)
{
	struct cs_call *call = (struct cs_call *)cs_mailbox_take(mailbox);
	ck_assert_ptr_nonnull(call);
	cs_buffer_clear(&answer);
	cs_call_write(call, &answer, NULL);
	enum cs_call_result result = call->result;
	cs_call_destroy(call);
	return result;
}

static enum cs_call_result ask(enum cs_verb verb, const char *text)
{
	struct cs_call *call = create_call(verb, text);
	while (!cs_verbs_answer(verbs, &state, call))
		;
	return take_answer();
}

static const char *about(const char *pod, const char *names)
{
	return cs_arena_printf(arena, "{\"Pod\":%s,\"Nodes\":null,\"NodeNames\":%s}", pod_json(pod),
			       names);
}

#define BIND "{\"PodName\":\"a\",\"PodNamespace\":\"default\",\"PodUID\":\"uid-a\",\"Node\":\"n2\"}"
#define ALL  "[\"n4\",\"n1\",\"n3\",\"n2\"]"

// ---- filter ----

START_TEST(nothing_is_refused_without_thresholds)
{
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_FILTER, about("a", ALL)), CS_CALL_DONE);
	ck_assert_str_eq(answer.data, "{\"Nodes\":null,\"NodeNames\":" ALL ",\"FailedNodes\":null,"
				      "\"FailedAndUnresolvableNodes\":null,\"Error\":\"\"}");
}
END_TEST

START_TEST(filters_refuse_with_words)
{
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_FILTER, about("a", "[\"n4\",\"new\",\"n3\",\"n2\"]")),
			 CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "\"NodeNames\":[\"new\",\"n2\"]"));
	ck_assert_ptr_nonnull(strstr(answer.data, "\"FailedNodes\":{\"n3\":\""));
	ck_assert_ptr_nonnull(strstr(answer.data, "\"FailedAndUnresolvableNodes\":{\"n4\":"
						  "\"node(s) were unschedulable\"}"));
}
END_TEST

START_TEST(whole_nodes_come_back_as_they_were)
{
	add_pod("a");
	const char *node = "{\"metadata\" : {\"name\":\"n2\"}, \"x\":[1.50]}";
	CS_AUTO_FREE char *text = cs_asprintf(
		"{\"Pod\":%s,\"Nodes\":{\"items\":[{\"metadata\":{\"name\":\"n4\"}},%s]}}",
		pod_json("a"), node);
	ck_assert_int_eq(ask(CS_VERB_FILTER, text), CS_CALL_DONE);
	CS_AUTO_FREE char *items = cs_asprintf("\"items\":[%s]},\"NodeNames\":null", node);
	ck_assert_ptr_nonnull(strstr(answer.data, items));
}
END_TEST

static void expect_all_pass(const char *text)
{
	ck_assert_int_eq(ask(CS_VERB_FILTER, text), CS_CALL_FALLBACK);
	ck_assert_ptr_nonnull(strstr(answer.data, "\"NodeNames\":" ALL));
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, text), CS_CALL_FALLBACK);
	ck_assert_str_eq(answer.data,
			 "[{\"Host\":\"n4\",\"Score\":0},{\"Host\":\"n1\",\"Score\":0},"
			 "{\"Host\":\"n3\",\"Score\":0},{\"Host\":\"n2\",\"Score\":0}"
			 "]");
}

START_TEST(what_cannot_be_judged_passes)
{
	expect_all_pass("{\"NodeNames\":" ALL "}");
	expect_all_pass("{\"Pod\":{\"metadata\":{\"uid\":\"u\"}},\"NodeNames\":" ALL "}");
	expect_all_pass("{\"Pod\":{\"metadata\":{\"uid\":\"u\",\"name\":\"a\",\"namespace\":\"b\"},"
			"\"spec\":{\"containers\":[{\"resources\":{\"requests\":{\"cpu\":\"much\"}}"
			"}]}},\"NodeNames\":" ALL "}");
	expect_all_pass("{\"Pod\":{\"metadata\":{\"uid\":\"u\",\"name\":\"a\",\"namespace\":\"b\"},"
			"\"spec\":{\"nodeName\":\"n1\"}},\"NodeNames\":" ALL "}");
	ck_assert_uint_eq(cs_cluster_count(cluster).pods, 0);
	state.synced = false;
	expect_all_pass(about("a", ALL));
	ck_assert_uint_eq(cs_cluster_count(cluster).pods, 0);
}
END_TEST

// ---- prioritize ----

START_TEST(idle_nodes_score_best)
{
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, about("a", ALL)), CS_CALL_DONE);
	ck_assert_str_eq(answer.data,
			 "[{\"Host\":\"n4\",\"Score\":0},{\"Host\":\"n1\",\"Score\":10},"
			 "{\"Host\":\"n3\",\"Score\":3},{\"Host\":\"n2\",\"Score\":6}]");
}
END_TEST

START_TEST(an_unknown_node_is_neutral)
{
	add_pod("a");
	ask(CS_VERB_PRIORITIZE, about("a", "[\"new\",\"n1\",\"n4\"]"));
	ck_assert_str_eq(answer.data, "[{\"Host\":\"new\",\"Score\":5},{\"Host\":\"n1\",\"Score\":"
				      "10},{\"Host\":\"n4\",\"Score\":0}]");
}
END_TEST

// The name behind the first score of 10.
static const char *first(void)
{
	char *ten = strstr(answer.data, "\",\"Score\":10}");
	ck_assert_ptr_nonnull(ten);
	*ten = '\0';
	return strrchr(answer.data, '"') + 1;
}

START_TEST(calls_in_a_row_do_not_herd)
{
	uint32_t on_n1 = 0;
	for (int i = 0; i < 12; i++) {
		const char *name = cs_arena_printf(arena, "p%d", i);
		add_pod(name);
		ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, about(name, "[\"n1\",\"n2\"]")),
				 CS_CALL_DONE);
		on_n1 += strcmp(first(), "n1") == 0;
		ck_assert_int_eq((int)cs_cluster_count_reservations(cluster), i + 1);
	}
	ck_assert_uint_lt(on_n1, 12);
	ck_assert_uint_gt(on_n1, 5);
}
END_TEST

START_TEST(a_reservation_ends_with_the_next_call_or_in_time)
{
	add_pod("a");
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	ask(CS_VERB_PRIORITIZE, about("a", "[\"n2\",\"n3\"]"));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	ask(CS_VERB_FILTER, about("a", ALL));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	ask(CS_VERB_PREEMPT, about("a", ALL));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	cs_cluster_set_time(cluster, state.now.wall + 31 * CS_SECOND);
	cs_cluster_tick_load(cluster);
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
}
END_TEST

// Wherever kube-scheduler has put it, it counts there and nowhere else.
START_TEST(a_reservation_ends_when_the_pod_is_bound_or_gone)
{
	const double *in_flight = cs_cluster_load(cluster)->columns[0].in_flight;
	uint32_t n1 = cs_cluster_find_node(cluster, "n1");
	uint32_t n2 = cs_cluster_find_node(cluster, "n2");
	add_pod("a");
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	ck_assert_double_eq(in_flight[n1], 500);
	add_bound_since("a", "n2", 500, 0, "2026-11-21T01:02:03Z");
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	ck_assert_double_eq(in_flight[n1], 0);
	ck_assert_double_eq(in_flight[n2], 500);
	// A late call about it reserves nothing.
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, about("a", ALL)), CS_CALL_FALLBACK);
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	add_pod("b");
	ask(CS_VERB_PRIORITIZE, about("b", ALL));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	cs_cluster_remove_pod(cluster, find_pod("b"));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	ck_assert_double_eq(in_flight[n1], 0);
}
END_TEST

// Verb bind moves it at once to the node that was chosen.
START_TEST(a_reservation_moves_with_the_binding)
{
	const double *in_flight = cs_cluster_load(cluster)->columns[0].in_flight;
	add_pod("a");
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	cs_verbs_answer(verbs, &state, create_call(CS_VERB_BIND, BIND));
	ck_assert_double_eq(in_flight[cs_cluster_find_node(cluster, "n1")], 0);
	ck_assert_double_eq(in_flight[cs_cluster_find_node(cluster, "n2")], 500);
}
END_TEST

// ---- pods that no watch has told of ----

START_TEST(an_unknown_pod_is_taken_from_the_request)
{
	ck_assert_int_eq(ask(CS_VERB_FILTER, about("a", ALL)), CS_CALL_DONE);
	ck_assert_ptr_nonnull(find_pod("a"));
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, about("a", ALL)), CS_CALL_DONE);
	ck_assert_str_eq(first(), "n1");
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	state.now.boot += 29 * CS_SECOND;
	cs_verbs_expire(verbs, state.now);
	ck_assert_ptr_nonnull(find_pod("a"));
	state.now.boot += CS_SECOND;
	cs_verbs_expire(verbs, state.now);
	ck_assert_ptr_null(find_pod("a"));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
}
END_TEST

// Nobody has validated what a request says: not its length, nor its nomination, and the watch's
// word of the same version counts more.
START_TEST(what_a_request_says_is_not_believed_whole)
{
	char *long_name = cs_arena_alloc(arena, 70000);
	memset(long_name, 'x', 69999);
	expect_all_pass(cs_arena_printf(arena,
					"{\"Pod\":{\"metadata\":{\"uid\":\"uid-a\",\"name\":\"a\","
					"\"namespace\":\"default\",\"generateName\":\"%s\"}},"
					"\"NodeNames\":" ALL "}",
					long_name));
	ck_assert_uint_eq(cs_cluster_count(cluster).pods, 0);
	ask(CS_VERB_FILTER,
	    "{\"Pod\":{\"metadata\":{\"uid\":\"uid-a\",\"name\":\"a\",\"namespace\":\"default\","
	    "\"resourceVersion\":\"7\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]},"
	    "\"status\":{\"nominatedNodeName\":\"n1\"}},\"NodeNames\":" ALL "}");
	ck_assert_ptr_nonnull(find_pod("a"));
	ck_assert_uint_eq(find_pod("a")->nominated_node, CS_INTERN_NONE);
	ck_assert_ptr_null(find_pod("a")->resource_version);
}
END_TEST

// Cut short, it would be another pod's.
START_TEST(a_uid_with_nul_is_malformed)
{
	static const char *const bodies[] = {
		"{\"Pod\":{\"metadata\":{\"uid\":\"a\\u0000b\",\"name\":\"a\"}}}",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(bodies); i++) {
		struct cs_buffer body;
		struct cs_call *call = NULL;
		struct cs_error err = { 0 };
		cs_buffer_init(&body, 1000);
		cs_buffer_append_string(&body, bodies[i]);
		ck_assert_int_eq(cs_call_create(CS_VERB_FILTER, &body, &call, &err), -EINVAL);
		ck_assert_msg(strstr(err.text, "NUL"), "%s", err.text);
		cs_buffer_finish(&body);
	}
}
END_TEST

static void tell(const char *uid, const char *name)
{
	const ProtobufCMessage *pod = read_object(&cs_kind_pod, pod_json(name), arena);
	((const Kube__Pod *)pod)->metadata->uid = cs_arena_printf(arena, "uid-%s", uid);
	cs_verbs_told(verbs, ((const Kube__Pod *)pod)->metadata);
}

// What came of a lie goes with it: the pod, what it is taken for, its reservation.
START_TEST(a_watch_corrects_what_a_request_said)
{
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	tell("a", "other");
	ck_assert_ptr_null(find_pod("a"));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	// The truth leaves it as it is.
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	tell("a", "a");
	ck_assert_ptr_nonnull(find_pod("a"));
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	// From then on requests say nothing of it.
	ask(CS_VERB_PRIORITIZE,
	    cs_arena_printf(arena, "{\"Pod\":{\"metadata\":{\"uid\":\"uid-a\",\"name\":\"x\","
				   "\"namespace\":\"y\"}},\"NodeNames\":" ALL "}"));
	ck_assert_str_eq(find_pod("a")->name, "a");
	state.now.boot += 60 * CS_SECOND;
	cs_verbs_expire(verbs, state.now);
	ck_assert_ptr_nonnull(find_pod("a"));
}
END_TEST

// Of another workload than it said: what that uses is not learned for it.
START_TEST(a_watch_corrects_the_workload)
{
	ask(CS_VERB_FILTER,
	    "{\"Pod\":{\"metadata\":{\"uid\":\"uid-a\",\"name\":\"a\",\"namespace\":\"default\","
	    "\"annotations\":{\"c-sched.io/connections\":\"900000\"}},\"spec\":{\"containers\":[]}}"
	    ",\"NodeNames\":" ALL "}");
	ck_assert_ptr_nonnull(find_pod("a"));
	tell("a", "a");
	ck_assert_ptr_null(find_pod("a"));
}
END_TEST

// A request asks for 1,000 CPUs on nodes of 10.
START_TEST(a_reservation_is_one_full_node_at_most)
{
	const char *huge = "{\"Pod\":{\"metadata\":{\"uid\":\"uid-a\",\"name\":\"a\","
			   "\"namespace\":\"default\"},\"spec\":{\"containers\":[{\"resources\":{"
			   "\"requests\":{\"cpu\":\"1000\"}}}]}},\"NodeNames\":[\"n1\"]}";
	uint32_t row = cs_cluster_find_node(cluster, "n1");
	ask(CS_VERB_PRIORITIZE, huge);
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	ck_assert_double_eq(cs_cluster_load(cluster)->columns[0].in_flight[row], 10000);
	ask(CS_VERB_FILTER, huge);
	ck_assert_double_eq(cs_cluster_load(cluster)->columns[0].in_flight[row], 0);
}
END_TEST

START_TEST(a_pod_that_a_watch_tells_of_stays)
{
	ask(CS_VERB_FILTER, about("a", ALL));
	ask(CS_VERB_FILTER, about("b", ALL));
	tell("a", "a");
	tell("other", "other");
	add_pod("a");
	state.now.boot += 31 * CS_SECOND;
	cs_verbs_expire(verbs, state.now);
	ck_assert_ptr_nonnull(find_pod("a"));
	ck_assert_ptr_null(find_pod("b"));
}
END_TEST

// ---- nodes that no watch has told of ----

#define GUEST(name, more, cpu)                                                        \
	"{\"metadata\":{\"name\":\"" name "\"" more "},\"status\":{\"allocatable\":{" \
	"\"cpu\":\"" cpu "\",\"memory\":\"64Gi\",\"pods\":\"110\"}}}"
#define NOTE(value) ",\"annotations\":{\"load.c-sched.io/cpu\":\"" value "@2026-11-21T01:02:00Z\"}"

static const char *whole(const char *pod, const char *items)
{
	return cs_arena_printf(arena, "{\"Pod\":%s,\"Nodes\":{\"items\":[%s]}}", pod_json(pod),
			       items);
}

// Allocatable, annotations and weight of a node in the request decide of it, and nothing stays.
START_TEST(whole_nodes_are_judged_by_what_the_request_says)
{
	struct cs_error err = { 0 };
	uint32_t nodes = cs_cluster_count(cluster).nodes;
	add_pod("a");
	const char *text = whole(
		"a",
		GUEST("g1", NOTE("1000"), "10") "," GUEST("g2", NOTE("5000"), "10") "," GUEST(
			"n2", NOTE("9000"),
			"10") "," GUEST("g3", NOTE("1000"),
					"2") "," GUEST("g4",
						       ",\"annotations\":{\"c-sched.io/weight\":\"0\"}",
						       "10") ",{\"metadata\":{\"name\":\"g5\"},\"spec\":7}");
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, text), CS_CALL_DONE);
	// g1 is as idle as can be, g2 half full, n2 at 2 of 10 as its own samples say, g3 half
	// full.
	ck_assert_str_eq(answer.data,
			 "[{\"Host\":\"g1\",\"Score\":10},{\"Host\":\"g2\",\"Score\":3},"
			 "{\"Host\":\"n2\",\"Score\":8},{\"Host\":\"g3\",\"Score\":0},"
			 "{\"Host\":\"g4\",\"Score\":0},{\"Host\":\"g5\",\"Score\":5}]");
	ck_assert_int_eq(ask(CS_VERB_FILTER, text), CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "\"FailedAndUnresolvableNodes\":{\"g4\":"));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, nodes);
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 0);
	ck_assert_msg(cs_cluster_check(cluster, &err) == 0, "%s", err.text);
}
END_TEST

// The first of the same name counts, for all of them.
START_TEST(an_unknown_node_that_comes_twice_is_one)
{
	add_pod("a");
	const char *node = GUEST("g1", ",\"annotations\":{\"c-sched.io/weight\":\"0\"}", "10");
	ck_assert_int_eq(
		ask(CS_VERB_FILTER,
		    whole("a", cs_arena_printf(arena, "%s,%s," GUEST("g1", "", "10"), node, node))),
		CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "\"items\":[]"));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES);
}
END_TEST

static void count_notice(void *user, const char *words)
{
	(void)words;
	++*(int *)user;
}

// Whoever may ask could fill the log with them, at each call.
START_TEST(nobody_is_told_of_annotations_in_a_request)
{
	int told = 0;
	const char *node = GUEST("g1",
				 ",\"annotations\":{\"c-sched.io/weight\":\"much\","
				 "\"load.c-sched.io/cpu\":\"high\"}",
				 "10");
	cs_cluster_set_load_notice(cluster, count_notice, &told);
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, whole("a", node)), CS_CALL_DONE);
	ck_assert_int_eq(ask(CS_VERB_FILTER, whole("a", node)), CS_CALL_DONE);
	ck_assert_int_eq(told, 0);
	apply_node(node);
	ck_assert_int_eq(told, 2);
}
END_TEST

static const char *many_guests(int n)
{
	CS_AUTO_BUFFER struct cs_buffer items;
	cs_buffer_init(&items, 4 << 20);
	cs_buffer_append_string(&items, GUEST("first", NOTE("9000"), "10"));
	for (int i = 0; i < n; i++)
		cs_buffer_printf(&items, "," GUEST("g%d", NOTE("0"), "10"), i);
	return whole("a", items.data);
}

START_TEST(a_thousand_unknown_nodes_are_judged)
{
	struct cs_error err = { 0 };
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, many_guests(1000)), CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"first\",\"Score\":0}"));
	for (int i = 0; i < 1000; i++)
		ck_assert_ptr_nonnull(strstr(
			answer.data, cs_arena_printf(arena, "{\"Host\":\"g%d\",\"Score\":10}", i)));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES);
	ck_assert_msg(cs_cluster_check(cluster, &err) == 0, "%s", err.text);
	// The lowest row is the first to be given again.
	apply_node(GUEST("n5", "", "1"));
	ck_assert_uint_eq(cs_cluster_find_node(cluster, "n5"), NODES);
}
END_TEST

// Three looks at the clock each, of a millisecond. A quarter of the call's time is for them:
// further ones get the mean, as those that only have a name.
START_TEST(unknown_nodes_are_read_while_there_is_time)
{
	step = CS_MILLISECOND;
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, many_guests(1000)), CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"first\",\"Score\":0}"));
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"g81\",\"Score\":10}"));
	cs_buffer_clear(&answer);
	ck_assert_int_eq(ask(CS_VERB_FILTER, many_guests(1000)), CS_CALL_DONE);
	const struct cs_record *record = cs_records_find(records, "default/a", 0);
	ck_assert_uint_eq(record->n_nodes, 83);
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES);
}
END_TEST

// Ten at a time: between them the model may change.
START_TEST(unknown_nodes_are_read_in_slices)
{
	struct cs_error err = { 0 };
	step = CS_MILLISECOND / 10;
	add_pod("a");
	struct cs_call *call = create_call(CS_VERB_PRIORITIZE, many_guests(40));
	ck_assert(!cs_verbs_answer(verbs, &state, call));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES);
	apply_node(GUEST("first", NOTE("0"), "10")); // it was read
	apply_node(GUEST("g39", NOTE("9000"), "10"));
	unsigned slices = 1;
	while (!cs_verbs_answer(verbs, &state, call))
		slices++;
	ck_assert_uint_ge(slices, 4);
	ck_assert_int_eq(take_answer(), CS_CALL_DONE);
	// The watch's word counts.
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"first\",\"Score\":10}"));
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"g38\",\"Score\":10}"));
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"g39\",\"Score\":0}"));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES + 2);
	ck_assert_msg(cs_cluster_check(cluster, &err) == 0, "%s", err.text);
}
END_TEST

// A node that was known when others were read, and goes, is not read: it has the mean.
START_TEST(a_known_node_goes_while_others_are_read)
{
	step = CS_MILLISECOND / 10;
	add_pod("a");
	apply_node(GUEST("g0", NOTE("9000"), "10"));
	struct cs_call *call = create_call(CS_VERB_PRIORITIZE, many_guests(40));
	ck_assert(!cs_verbs_answer(verbs, &state, call));
	cs_cluster_remove_node(cluster, "g0");
	while (!cs_verbs_answer(verbs, &state, call))
		;
	ck_assert_int_eq(take_answer(), CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"first\",\"Score\":0}"));
	ck_assert_ptr_nonnull(strstr(answer.data, "{\"Host\":\"g1\",\"Score\":10}"));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES);
}
END_TEST

// Of what a request says nothing stays: not even how large a node can be.
START_TEST(a_huge_unknown_node_leaves_nothing_behind)
{
	const uint32_t *n_large = cs_cluster_nodes(cluster)->n_large;
	add_pod("a");
	const char *node =
		"{\"metadata\":{\"name\":\"g\"},\"status\":{\"allocatable\":{\"cpu\":\"1\","
		"\"memory\":\"200Ti\",\"x.io/y\":\"1\"}}}";
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE, whole("a", node)), CS_CALL_DONE);
	ck_assert_uint_eq(n_large[CS_RESOURCE_MEMORY], 0);
	ck_assert_uint_eq(cs_cluster_find_resource(cluster, "x.io/y"), CS_RESOURCE_NONE);
}
END_TEST

// Cut short, it would be the node that a watch told of.
START_TEST(a_node_with_nul_in_its_name_stays_unknown)
{
	add_pod("a");
	ck_assert_int_eq(ask(CS_VERB_PRIORITIZE,
			     whole("a", GUEST("n3\\u0000", "", "10") "," GUEST("n1", "", "10"))),
			 CS_CALL_DONE);
	ck_assert_ptr_nonnull(strstr(answer.data, "\"Score\":10},{\"Host\":\"n1\",\"Score\":10}"));
	ck_assert_uint_eq(cs_cluster_count(cluster).nodes, NODES);
}
END_TEST

// ---- what is remembered ----

START_TEST(what_was_ranked_is_remembered)
{
	add_pod("a");
	ask(CS_VERB_FILTER, about("a", "[\"n1\"]"));
	ck_assert_ptr_null(cs_records_at(records, 0)); // nothing was refused
	ask(CS_VERB_PRIORITIZE, about("a", "[\"n3\",\"new\",\"n1\",\"n2\",\"n3\"]"));
	const struct cs_record *record = cs_records_find(records, "default/a", 0);
	ck_assert_ptr_nonnull(record);
	ck_assert_int_eq(record->decision, CS_DECISION_RANKED);
	ck_assert_uint_eq(record->n_nodes, 3);
	ck_assert_uint_eq(record->n_feasible, 3);
	ck_assert_uint_eq(record->n_candidates, 3);
	ck_assert_str_eq(cs_record_node(record, 0), "n1");
	ck_assert_str_eq(cs_record_node(record, 1), "n2");
	ck_assert_str_eq(cs_record_node(record, 2), "n3");
	ck_assert_int_gt(cs_record_total(record, 0), cs_record_total(record, 1));
	ck_assert_double_gt(record->candidates[1].loads[0].load,
			    record->candidates[0].loads[0].load);
	ck_assert_uint_eq(record->candidates[2].n_loads, 0); // those of the first two are kept
	ask(CS_VERB_PRIORITIZE, about("a", "[\"n2\"]"));
	record = cs_records_find(records, "default/a", 0);
	ck_assert_uint_eq(record->n_candidates, 1);
	ck_assert_str_eq(cs_record_node(record, 0), "n2");
}
END_TEST

START_TEST(what_was_refused_is_remembered)
{
	add_pod("a");
	ask(CS_VERB_FILTER, about("a", ALL));
	const struct cs_record *record = cs_records_find(records, "default/a", 0);
	ck_assert_ptr_nonnull(record);
	ck_assert_int_eq(record->decision, CS_DECISION_FILTERED);
	ck_assert_uint_eq(record->n_nodes, 4);
	ck_assert_uint_eq(record->n_feasible, 2);
	ck_assert_uint_eq(record->n_candidates, 0);
	ck_assert_uint_eq(record->n_rejections, 2);
}
END_TEST

// ---- preempt ----

// So long that all samples hold it.
static void add_bound(const char *name, const char *node, int request, int priority)
{
	add_bound_since(name, node, request, priority, "2026-11-20T00:00:00Z");
}

static void sample(const char *node, double value)
{
	struct cs_load_report report;
	cs_cluster_apply_samples(
		cluster,
		&(struct cs_load_sample){ .node = node, .value = value, .taken = state.now.wall },
		1, &report);
	ck_assert_uint_eq(report.n_matched, 1);
}

// Of UIDs "v1,v2" in that order; what is answered must leave the model as it was.
static void expect_candidates(const char *nodes, const char *answered)
{
	struct cs_error err = { 0 };
	ck_assert_int_eq(ask(CS_VERB_PREEMPT,
			     cs_arena_printf(arena, "{\"Pod\":%s,\"NodeNameToMetaVictims\":{%s}}",
					     pod_json("a"), nodes)),
			 CS_CALL_DONE);
	ck_assert_str_eq(answer.data,
			 cs_arena_printf(arena, "{\"NodeNameToMetaVictims\":{%s}}", answered));
	ck_assert_msg(cs_cluster_check(cluster, &err) == 0, "%s", err.text);
}

#define VICTIM(name) "{\"UID\":\"uid-" name "\"}"
#define ON(node, victims, count) \
	"\"" node "\":{\"Pods\":[" victims "],\"NumPDBViolations\":" #count "}"

// n2 is at 90 % and n3 at 40 % of which 40 % is too much: only on n3 is it enough that a pod of
// 500m leaves. Of the UID that nobody knows nobody knows what it would change.
START_TEST(a_node_whose_victims_do_not_help_is_no_candidate)
{
	add_pod("a");
	add_bound("v2", "n2", 500, 1);
	add_bound("v3", "n3", 500, 1);
	sample("n2", 9000);
	sample("n3", 4000);
	expect_candidates(ON("n1", VICTIM("gone"), 0) "," ON("n2", VICTIM("v2"),
							     1) "," ON("n3", VICTIM("v3"), 1),
			  ON("n1", VICTIM("gone"), 0) "," ON("n3", VICTIM("v3"), 1));
	expect_candidates(ON("n2", VICTIM("v2") "," VICTIM("gone"), 0),
			  ON("n2", VICTIM("v2") "," VICTIM("gone"), 0));
	// A victim of another node changes nothing here.
	expect_candidates(ON("n2", VICTIM("v3"), 0), "");
	expect_candidates(ON("n3", VICTIM("v3") "," VICTIM("v3"), 0),
			  ON("n3", VICTIM("v3") "," VICTIM("v3"), 0));
}
END_TEST

// The load of a pod that just came is in no sample, and goes all the same with the pod.
START_TEST(a_victim_in_flight_takes_its_load_along)
{
	add_pod("a");
	add_bound("v3", "n3", 0, 1);
	sample("n3", 3500);
	add_bound_since("b", "n3", 800, 1, "2026-11-21T01:02:03Z");
	double before = cs_cluster_load(cluster)->columns[0].load[find_pod("b")->row];
	ck_assert_double_ge(before, 4000);
	expect_candidates(ON("n3", VICTIM("b"), 0), ON("n3", VICTIM("b"), 0));
	ck_assert_double_eq(cs_cluster_load(cluster)->columns[0].load[find_pod("b")->row], before);
}
END_TEST

// Three pods on n1 and six on n2 that use so much.
static void nine_use(double on_n1, double on_n2, int64_t taken)
{
	struct cs_load_pod_sample samples[9];
	struct cs_load_report report;
	for (int i = 0; i < 9; i++)
		samples[i] = (struct cs_load_pod_sample){ .namespace = "default",
							  .name = cs_arena_printf(arena, "p%d", i),
							  .value = i < 3 ? on_n1 : on_n2,
							  .taken = taken };
	cs_cluster_apply_pod_samples(cluster, samples, 9, &report);
	ck_assert_uint_eq(report.n_matched, 9);
}

static double expected_on(const char *node)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	struct cs_error err;
	cs_buffer_init(&text, 1024);
	cs_json_init(&json, &text);
	cs_json_object_begin(&json);
	cs_answer_load(cluster, cs_cluster_find_node(cluster, node), find_pod("a"), &json);
	cs_json_object_end(&json);
	ck_assert_int_eq(cs_value_read_json((struct cs_slice){ text.data, text.size }, &tree, &err),
			 0);
	return json_object_get_double(cs_value_at(tree, "load.cpu.expected"));
}

// explain tells of a pod what LeastLoad goes by: on a node whose pods use more, more.
START_TEST(what_a_pod_will_add_is_of_the_node)
{
	add_pod("a");
	for (int i = 0; i < 9; i++)
		add_bound(cs_arena_printf(arena, "p%d", i), i < 3 ? "n1" : "n2", 500, 1);
	nine_use(500, 500, state.now.wall - 1);
	ck_assert_double_eq(expected_on("n1"), 500);
	// as 3000 each: (24000 + 3000) / (9000 + 3000) = 2.25, half way from 1
	nine_use(8000, 500, state.now.wall);
	ck_assert_double_eq_tol(expected_on("n1"), 500 * 1.625, 0.01);
	ck_assert_double_lt(expected_on("n2"), 400);
}
END_TEST

static void setup_whole(void)
{
	setup_profile("apiVersion: kubescheduler.config.k8s.io/v1\n"
		      "kind: KubeSchedulerConfiguration\n"
		      "profiles:\n"
		      "- schedulerName: whole\n");
}

static const struct {
	const char *victims;
	int violations;
	const char *left;
	int violations_left;
} spared[] = {
	// 10 CPUs, the pod asks for 0.5: all but the last one may stay.
	{ VICTIM("v6") "," VICTIM("v3") "," VICTIM("v1"), 2, VICTIM("v1"), 1 },
	{ VICTIM("v6") "," VICTIM("v1") "," VICTIM("v3"), 0, VICTIM("v3"), 0 },
	{ VICTIM("v1") "," VICTIM("v3") "," VICTIM("v6"), 3, VICTIM("v6"), 1 },
	{ VICTIM("v3"), 1, VICTIM("v3"), 1 },
	// Who is gone may have taken what nobody knows.
	{ VICTIM("v6") "," VICTIM("v1") "," VICTIM("gone"), 1,
	  VICTIM("v6") "," VICTIM("v1") "," VICTIM("gone"), 1 },
};

static const char *on_n1(const char *victims, int violations)
{
	return cs_arena_printf(arena, "\"n1\":{\"Pods\":[%s],\"NumPDBViolations\":%d}", victims,
			       violations);
}

START_TEST(victims_that_need_not_leave_are_spared)
{
	add_pod("a");
	add_bound("v6", "n1", 6000, 5);
	add_bound("v3", "n1", 3000, 4);
	add_bound("v1", "n1", 1000, 3);
	expect_candidates(on_n1(spared[_i].victims, spared[_i].violations),
			  on_n1(spared[_i].left, spared[_i].violations_left));
}
END_TEST

// kube-scheduler wants them gone for what is not seen here.
START_TEST(not_all_victims_are_spared)
{
	add_pod("a");
	add_bound("v1", "n1", 1000, 3);
	add_bound("v2", "n1", 1000, 3);
	expect_candidates(ON("n1", VICTIM("v1") "," VICTIM("v2"), 2),
			  ON("n1", VICTIM("v1") "," VICTIM("v2"), 2));
}
END_TEST

START_TEST(nobody_is_spared_where_another_pod_is_to_come)
{
	add_pod("a");
	add_pod("other");
	add_bound("v6", "n1", 6000, 5);
	add_bound("v3", "n1", 4000, 4);
	cs_cluster_nominate(cluster, find_pod("other"), "n1");
	expect_candidates(ON("n1", VICTIM("v6") "," VICTIM("v3"), 0),
			  ON("n1", VICTIM("v6") "," VICTIM("v3"), 0));
	cs_cluster_nominate(cluster, find_pod("other"), NULL);
	expect_candidates(ON("n1", VICTIM("v6") "," VICTIM("v3"), 0), ON("n1", VICTIM("v3"), 0));
}
END_TEST

// What the victims are to leave for this profile cannot know.
START_TEST(nobody_is_spared_by_a_profile_that_looks_at_load)
{
	add_pod("a");
	add_bound("v6", "n1", 6000, 5);
	add_bound("v3", "n1", 4000, 4);
	expect_candidates(ON("n1", VICTIM("v6") "," VICTIM("v3"), 0),
			  ON("n1", VICTIM("v6") "," VICTIM("v3"), 0));
}
END_TEST

START_TEST(more_victims_than_can_be_looked_at_stay)
{
	CS_AUTO_BUFFER struct cs_buffer victims;
	cs_buffer_init(&victims, 1 << 20);
	add_pod("a");
	add_bound("v6", "n1", 10000, 5);
	for (int i = 0; i < 3000; i++)
		cs_buffer_append_string(&victims, i ? "," VICTIM("v6") : VICTIM("v6"));
	const char *nodes = cs_arena_printf(arena, "\"n1\":{\"Pods\":[%s],\"NumPDBViolations\":0}",
					    victims.data);
	expect_candidates(nodes, nodes);
}
END_TEST

START_TEST(nodes_that_no_victim_helps_are_no_candidates)
{
	add_pod("a");
	const char *text = cs_arena_printf(
		arena,
		"{\"Pod\":%s,\"NodeNameToMetaVictims\":{\"n1\":{\"Pods\":[{\"UID\":\"v1\"}],"
		"\"NumPDBViolations\":1},\"n4\":{\"Pods\":[{\"UID\":\"v2\"}],"
		"\"NumPDBViolations\":0},\"n3\":{\"Pods\":[],\"NumPDBViolations\":0},"
		"\"new\":{\"Pods\":[],\"NumPDBViolations\":0}}}",
		pod_json("a"));
	ck_assert_int_eq(ask(CS_VERB_PREEMPT, text), CS_CALL_DONE);
	ck_assert_str_eq(answer.data,
			 "{\"NodeNameToMetaVictims\":{\"n1\":{\"Pods\":[{\"UID\":\"v1\"}],"
			 "\"NumPDBViolations\":1},"
			 "\"new\":{\"Pods\":[],\"NumPDBViolations\":0}}}");
}
END_TEST

// ---- bind ----

static const struct {
	struct cs_write_result result;
	const char *answer;
} ends[] = {
	{ { .outcome = CS_WRITE_DONE }, "{\"Error\":\"\"}" },
	{ { .outcome = CS_WRITE_ELSEWHERE, .node = "n9" },
	  "{\"Error\":\"the pod is on node n9 already\"}" },
	{ { .outcome = CS_WRITE_GONE }, "{\"Error\":\"the pod does not exist any more\"}" },
	{ { .outcome = CS_WRITE_REFUSED, .message = "no" }, "{\"Error\":\"no\"}" },
	{ { .outcome = CS_WRITE_FAILED, .message = "tired" }, "{\"Error\":\"tired\"}" },
};

START_TEST(a_binding_is_written_and_its_end_answered)
{
	add_pod("a");
	ask(CS_VERB_PRIORITIZE, about("a", ALL));
	cs_verbs_answer(verbs, &state, create_call(CS_VERB_BIND, BIND));
	ck_assert_ptr_null(cs_mailbox_take(mailbox));
	ck_assert_str_eq(written->write.name, "a");
	ck_assert_str_eq(written->write.namespace, "default");
	ck_assert_str_eq(written->write.uid, "uid-a");
	ck_assert_str_eq(written->write.node, "n2");
	ck_assert(written->write.ticket & CS_VERBS_TICKET);
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), 1);
	struct cs_write_result result = ends[_i].result;
	result.ticket = written->write.ticket + 1;
	cs_verbs_written(verbs, &result);
	ck_assert_ptr_null(cs_mailbox_take(mailbox));
	result.ticket = written->write.ticket;
	cs_verbs_written(verbs, &result);
	bool done = result.outcome == CS_WRITE_DONE;
	ck_assert_int_eq(take_answer(), done ? CS_CALL_DONE : CS_CALL_ERROR);
	ck_assert_str_eq(answer.data, ends[_i].answer);
	ck_assert_uint_eq(cs_cluster_count_reservations(cluster), done);
}
END_TEST

static void expect_no_binding(const char *text, const char *words)
{
	ck_assert_int_eq(ask(CS_VERB_BIND, text), CS_CALL_ERROR);
	ck_assert_ptr_nonnull(strstr(answer.data, words));
	ck_assert_ptr_null(written);
}

START_TEST(bindings_that_are_not_sent)
{
	expect_no_binding("{\"PodName\":\"a\"}", "are needed");
	state.leading = false;
	expect_no_binding(BIND, "not the leader");
	state.leading = true;
	struct cs_call *late = create_call(CS_VERB_BIND, BIND);
	atomic_store(&late->late, true);
	cs_verbs_answer(verbs, &state, late);
	take_answer();
	ck_assert_ptr_null(written);
	cs_verbs_destroy(verbs);
	verbs = cs_verbs_create(&(struct cs_verbs_options){ .cluster = cluster,
							    .config = config,
							    .profile = config->profiles[0],
							    .clock = &test_clock,
							    .write = on_write });
	expect_no_binding(BIND, "--extender-bind is not set");
}
END_TEST

START_TEST(an_end_with_a_binding_under_way)
{
	cs_verbs_answer(verbs, &state, create_call(CS_VERB_BIND, BIND));
	ck_assert_ptr_nonnull(written);
}
END_TEST

START_TEST(the_built_in_profile_weighs_as_the_schedulers_own)
{
	struct cs_config *built_in = NULL;
	struct cs_error words = { 0 };
	ck_assert_msg(cs_verbs_built_in(cs_plugins, &built_in, &words) == 0, "%s", words.text);
	const struct cs_profile *profile = built_in->profiles[0];
	ck_assert_uint_eq(profile->n_score, 2);
	for (uint32_t i = 0; i < profile->n_score; i++)
		ck_assert_int_eq(profile->score[i]->weight,
				 profile->score[i]->plugin->default_weight);
	cs_config_destroy(built_in);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("verbs");
	TCase *load = tcase_create("load");
	tcase_add_checked_fixture(load, setup, teardown);
	tcase_add_test(load, the_built_in_profile_weighs_as_the_schedulers_own);
	tcase_add_test(load, nothing_is_refused_without_thresholds);
	tcase_add_test(load, what_cannot_be_judged_passes);
	tcase_add_test(load, idle_nodes_score_best);
	tcase_add_test(load, an_unknown_node_is_neutral);
	tcase_add_test(load, calls_in_a_row_do_not_herd);
	tcase_add_test(load, a_reservation_ends_with_the_next_call_or_in_time);
	tcase_add_test(load, a_reservation_ends_when_the_pod_is_bound_or_gone);
	tcase_add_test(load, a_reservation_moves_with_the_binding);
	tcase_add_test(load, an_unknown_pod_is_taken_from_the_request);
	tcase_add_test(load, what_a_request_says_is_not_believed_whole);
	tcase_add_test(load, a_uid_with_nul_is_malformed);
	tcase_add_test(load, a_pod_that_a_watch_tells_of_stays);
	tcase_add_test(load, a_watch_corrects_what_a_request_said);
	tcase_add_test(load, a_watch_corrects_the_workload);
	tcase_add_test(load, a_reservation_is_one_full_node_at_most);
	tcase_add_test(load, whole_nodes_are_judged_by_what_the_request_says);
	tcase_add_test(load, an_unknown_node_that_comes_twice_is_one);
	tcase_add_test(load, nobody_is_told_of_annotations_in_a_request);
	tcase_add_test(load, a_thousand_unknown_nodes_are_judged);
	tcase_add_test(load, unknown_nodes_are_read_while_there_is_time);
	tcase_add_test(load, unknown_nodes_are_read_in_slices);
	tcase_add_test(load, a_known_node_goes_while_others_are_read);
	tcase_add_test(load, a_huge_unknown_node_leaves_nothing_behind);
	tcase_add_test(load, a_node_with_nul_in_its_name_stays_unknown);
	tcase_add_test(load, what_was_ranked_is_remembered);
	tcase_add_loop_test(load, a_binding_is_written_and_its_end_answered, 0,
			    CS_ARRAY_LENGTH(ends));
	tcase_add_test(load, bindings_that_are_not_sent);
	tcase_add_test(load, an_end_with_a_binding_under_way);
	suite_add_tcase(suite, load);
	TCase *filters = tcase_create("filters");
	tcase_add_checked_fixture(filters, setup_filters, teardown);
	tcase_add_test(filters, filters_refuse_with_words);
	tcase_add_test(filters, whole_nodes_come_back_as_they_were);
	tcase_add_test(filters, what_was_refused_is_remembered);
	tcase_add_test(filters, nodes_that_no_victim_helps_are_no_candidates);
	tcase_add_test(filters, a_node_whose_victims_do_not_help_is_no_candidate);
	tcase_add_test(filters, a_victim_in_flight_takes_its_load_along);
	tcase_add_test(filters, what_a_pod_will_add_is_of_the_node);
	tcase_add_test(filters, nobody_is_spared_by_a_profile_that_looks_at_load);
	suite_add_tcase(suite, filters);
	TCase *whole = tcase_create("whole");
	tcase_add_checked_fixture(whole, setup_whole, teardown);
	tcase_add_loop_test(whole, victims_that_need_not_leave_are_spared, 0,
			    CS_ARRAY_LENGTH(spared));
	tcase_add_test(whole, not_all_victims_are_spared);
	tcase_add_test(whole, nobody_is_spared_where_another_pod_is_to_come);
	tcase_add_test(whole, more_victims_than_can_be_looked_at_stay);
	suite_add_tcase(suite, whole);
	return suite;
}
