// A server that lies: objects, streams and answers no API server should send. c-sched names what it
// cannot read, schedules the rest, and spends neither CPU nor memory on it.
// Neighbours: fake_server.h says the bytes; harness.h runs c-sched; test_faults.c has kubesim's.
#include "../unit/check_main.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/kube/api.h>

#include "fake_server.h"
#include "harness.h"

#define STREAM_MAX (256u << 20)
#define WATCH_HEAD                          \
	"HTTP/1.1 200 OK\r\nContent-Type: " \
	"application/vnd.kubernetes.protobuf;stream=watch\r\n\r\n"
#define JSON_HEAD(s) "HTTP/1.1 " s "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define META(name)                                                                        \
	"\"metadata\":{\"name\":\"" name "\",\"namespace\":\"default\",\"uid\":\"u-" name \
	"\",\"resourceVersion\":\"7\"}"
#define NODE_META(name) \
	"\"metadata\":{\"name\":\"" name "\",\"uid\":\"u-" name "\",\"resourceVersion\":\"7\"}"
#define ROOM "\"allocatable\":{\"cpu\":\"64\",\"memory\":\"64Gi\",\"pods\":\"110\"}"
#define CONTAINER                                                                               \
	"\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":" \
	"\"1\"}}}]"
#define POD(name)    "{" META(name) ",\"spec\":{\"schedulerName\":\"c-sched\"," CONTAINER "}}"
#define NODE(name)   "{" NODE_META(name) ",\"status\":{" ROOM "}}"
#define BOUND(pod)   (" /api/v1/namespaces/default/pods/" pod "/binding")
#define OK_STATUS    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Success\",\"code\":201}"
#define PATIENCE_CPU 20.0 // seconds of CPU a hostile stream may cost, sanitizers included

static struct {
	struct fake_server *server;
	struct harness_process *scheduler;
	struct cs_buffer nodes; // what a watch of nodes is told
	struct cs_buffer pods;
	struct cs_buffer others[5]; // the other kinds', of which there is nothing
	struct fake_answer fixed;   // to everything, where the test is about that
} world;

#define KINDS (2 + (int)CS_ARRAY_LENGTH(world.others))

static const struct {
	const char *kind;
	const char *line;
} others[CS_ARRAY_LENGTH(world.others)] = {
	{ "Namespace", "GET /api/v1/namespaces?" },
	{ "Service", "GET /api/v1/services?" },
	{ "ReplicationController", "GET /api/v1/replicationcontrollers?" },
	{ "ReplicaSet", "GET /apis/apps/v1/replicasets?" },
	{ "StatefulSet", "GET /apis/apps/v1/statefulsets?" },
};

// ---- the server ----

static struct fake_answer answer(void *user, const char *line)
{
	(void)user;
	bool first = strstr(line, "sendInitialEvents=true") != NULL;
	if (strstr(line, "watch=true") && !first)
		return (struct fake_answer){ CS_SLICE(WATCH_HEAD), .hang = true };
	if (strstr(line, "GET /api/v1/nodes?"))
		return (struct fake_answer){ cs_buffer_slice(&world.nodes), .hang = true };
	if (strstr(line, "GET /api/v1/pods?"))
		return (struct fake_answer){ cs_buffer_slice(&world.pods), .hang = true };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(others); i++)
		if (strstr(line, others[i].line))
			return (struct fake_answer){ cs_buffer_slice(&world.others[i]),
						     .hang = true };
	if (strstr(line, "POST "))
		return (struct fake_answer){ .bytes =
						     CS_SLICE(JSON_HEAD("201 Created") OK_STATUS) };
	return (struct fake_answer){ .bytes = CS_SLICE(JSON_HEAD("200 OK") "{}") };
}

static struct fake_answer answer_fixed(void *user, const char *line)
{
	(void)user;
	(void)line;
	return world.fixed;
}

static void setup(void)
{
	harness_setup();
	memset(&world, 0, sizeof(world));
	cs_buffer_init(&world.nodes, STREAM_MAX);
	cs_buffer_init(&world.pods, STREAM_MAX);
	cs_buffer_append_string(&world.nodes, WATCH_HEAD);
	cs_buffer_append_string(&world.pods, WATCH_HEAD);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(others); i++) {
		cs_buffer_init(&world.others[i], STREAM_MAX);
		cs_buffer_append_string(&world.others[i], WATCH_HEAD);
		fake_bookmark(others[i].kind, &world.others[i]);
	}
}

// The streams stay: the server's threads read them until the process, which runs one test, ends.
static void teardown(void)
{
	harness_teardown();
}

static void add_raw(const char *type, const char *kind, struct cs_slice object)
{
	fake_event(type, object, strcmp(kind, "Node") == 0 ? &world.nodes : &world.pods);
}

static void add(const char *kind, const char *json, void (*spoil)(void *))
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, STREAM_MAX);
	fake_object(kind, json, spoil, &object);
	add_raw("ADDED", kind, cs_buffer_slice(&object));
}

static void start_scheduler(fake_answer_f f)
{
	static struct harness_process other;
	world.server = fake_server_start(f, NULL);
	CS_AUTO_FREE char *text =
		cs_asprintf("apiVersion: v1\nkind: Config\ncurrent-context: x\n"
			    "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
			    "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
			    "users: [{name: u, user: {}}]\n",
			    fake_server_port(world.server));
	other.kubeconfig = harness_path("kubeconfig");
	harness_write_file(other.kubeconfig, text);
	world.scheduler = HARNESS_C_SCHED(&other, "--kube-api-qps=0");
}

static void wait_bound(const char *binding)
{
	double end = harness_now() + HARNESS_PATIENCE;
	while (fake_server_count(world.server, binding) == 0) {
		ck_assert_msg(harness_is_running(world.scheduler) && harness_now() < end,
			      "no POST%s: %s", binding, harness_read_file(world.scheduler->log));
		harness_sleep(0.02);
	}
}

// The good pod behind all that came before it is bound.
static void check_others(void)
{
	add("Node", NODE("good-node"), NULL);
	add("Pod", POD("good"), NULL);
	fake_bookmark("Node", &world.nodes);
	fake_bookmark("Pod", &world.pods);
	start_scheduler(answer);
	wait_bound(BOUND("good"));
}

static double cpu_seconds(void)
{
	CS_AUTO_FREE char *path = cs_asprintf("/proc/%d/stat", (int)world.scheduler->pid);
	unsigned long user = 0, kernel = 0;
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &kernel),
			 2);
	fclose(file);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void check_end(void)
{
	ck_assert_double_lt(cpu_seconds(), PATIENCE_CPU);
	ck_assert_int_eq(harness_stop(world.scheduler, SIGTERM), 0);
}

// ---- objects ----

static void quantity(void *message, const char *text)
{
	Kube__Pod *pod = message;
	pod->spec->containers[0]->resources->requests[0]->value->string = (char *)text;
}

#define QUANTITY(name, text)             \
	static void name(void *message)  \
	{                                \
		quantity(message, text); \
	}
QUANTITY(garbage_quantity, "1x")
QUANTITY(empty_quantity, "")
QUANTITY(huge_quantity, "99999999999999999999999999999999999999999E99")
QUANTITY(negative_quantity, "-5")
QUANTITY(utf8_quantity, "\xff\xfe\x80")

static void allocatable(void *message, const char *text)
{
	Kube__Node *node = message;
	for (size_t i = 0; i < node->status->n_allocatable; i++)
		node->status->allocatable[i]->value->string = (char *)text;
}

#define ALLOCATABLE(name, text)             \
	static void name(void *message)     \
	{                                   \
		allocatable(message, text); \
	}
ALLOCATABLE(garbage_allocatable, "lots")
ALLOCATABLE(negative_allocatable, "-64")
ALLOCATABLE(huge_allocatable, "9223372036854775807E6")

static void null_quantity(void *message)
{
	Kube__Pod *pod = message;
	pod->spec->containers[0]->resources->requests[0]->value = NULL;
}

static void null_key(void *message)
{
	Kube__Pod *pod = message;
	pod->spec->containers[0]->resources->requests[0]->key = NULL;
}

static void no_metadata(void *message)
{
	((Kube__Pod *)message)->metadata = NULL;
}

static void no_name(void *message)
{
	((Kube__Pod *)message)->metadata->name = NULL;
}

static void no_uid(void *message)
{
	((Kube__Pod *)message)->metadata->uid = NULL;
}

static void no_spec(void *message)
{
	((Kube__Pod *)message)->spec = NULL;
}

static void node_without_name(void *message)
{
	((Kube__Node *)message)->metadata->name = NULL;
}

static void node_without_status(void *message)
{
	((Kube__Node *)message)->status = NULL;
}

static void bad_utf8(void *message)
{
	Kube__Pod *pod = message;
	pod->metadata->name = (char *)"\xc3\x28\xff\"\n\x1b[31m";
}

static void name_with_slash(void *message)
{
	((Kube__Pod *)message)->metadata->name = (char *)"../../x?y=z#";
}

static void odd_version(void *message)
{
	((Kube__Pod *)message)->metadata->resource_version = (char *)"seven";
}

static void huge_priority(void *message)
{
	Kube__Pod *pod = message;
	pod->spec->has_priority = true;
	pod->spec->priority = INT32_MIN;
}

#define WITH(name, spec) \
	"{" META(name) ",\"spec\":{\"schedulerName\":\"c-sched\"," CONTAINER "," spec "}}"
#define TAINTED(name, taint) \
	"{" NODE_META(name) ",\"spec\":{\"taints\":[" taint "]},\"status\":{" ROOM "}}"

static const struct {
	const char *kind;
	const char *json;
	void (*spoil)(void *message);
	const char *words; // in the log, NULL = nothing in particular
} objects[] = {
	{ "Pod", POD("bad"), garbage_quantity, "spec.containers[0].resources.requests" },
	{ "Pod", POD("bad"), empty_quantity, "spec.containers[0].resources.requests" },
	{ "Pod", POD("bad"), huge_quantity, NULL },
	{ "Pod", POD("bad"), negative_quantity, NULL },
	{ "Pod", POD("bad"), utf8_quantity, "spec.containers[0].resources.requests" },
	{ "Pod", POD("bad"), null_quantity, NULL },
	{ "Pod", POD("bad"), null_key, NULL },
	{ "Pod", POD("bad"), no_metadata, "an object without a readable name is skipped" },
	{ "Pod", POD("bad"), no_name, "metadata lacks name" },
	{ "Pod", POD("bad"), no_uid, "metadata lacks name, uid" },
	{ "Pod", POD("bad"), no_spec, NULL },
	{ "Pod", POD("bad"), bad_utf8, NULL },
	{ "Pod", POD("bad"), name_with_slash, NULL },
	{ "Pod", POD("bad"), odd_version, NULL },
	{ "Pod", POD("bad"), huge_priority, NULL },
	{ "Pod", WITH("bad", "\"restartPolicy\":\"Sometimes\""), NULL, NULL },
	{ "Pod", WITH("bad", "\"tolerations\":[{\"key\":\"k\",\"operator\":\"Like\"}]"), NULL,
	  NULL },
	{ "Pod",
	  WITH("bad", "\"tolerations\":[{\"key\":\"k\",\"operator\":\"Gt\",\"value\":\"x\"}]"),
	  NULL, NULL },
	{ "Pod", WITH("bad", "\"tolerations\":[{\"effect\":\"Maybe\",\"operator\":\"Exists\"}]"),
	  NULL, NULL },
	{ "Pod", WITH("bad", "\"nodeSelector\":{\"\":\"\",\"//\":\"\"}"), NULL, NULL },
	{ "Pod", WITH("bad", "\"nodeName\":\"nowhere\""), NULL, NULL },
	{ "Pod", WITH("bad", "\"preemptionPolicy\":\"IfYouLike\""), NULL, NULL },
	{ "Node", NODE("bad"), garbage_allocatable, "bad" },
	{ "Node", NODE("bad"), negative_allocatable, NULL },
	{ "Node", NODE("bad"), huge_allocatable, NULL },
	{ "Node", NODE("bad"), node_without_name, "metadata lacks name" },
	{ "Node", NODE("bad"), node_without_status, NULL },
	{ "Node", TAINTED("bad", "{\"key\":\"k\",\"effect\":\"Maybe\"}"), NULL, NULL },
	{ "Node", TAINTED("bad", "{\"effect\":\"NoSchedule\"},{},{\"key\":\"k\"}"), NULL, NULL },
};

START_TEST(bad_object)
{
	add(objects[_i].kind, objects[_i].json, objects[_i].spoil);
	check_others();
	if (objects[_i].words)
		harness_wait_logged(world.scheduler, objects[_i].words);
	check_end();
}
END_TEST

// Control characters of a name reach neither the terminal nor a new line of the log.
START_TEST(names_cannot_forge_lines)
{
	add("Pod", POD("bad"), bad_utf8);
	check_others();
	check_end();
	ck_assert(!harness_logged(world.scheduler, "\x1b"));
}
END_TEST

// ---- many of something ----

// `item` with a number in place of '#', n times.
static void add_many(const char *kind, const char *head, const char *item, int n, const char *tail)
{
	CS_AUTO_BUFFER struct cs_buffer json;
	cs_buffer_init(&json, STREAM_MAX);
	cs_buffer_append_string(&json, head);
	for (int i = 0; i < n; i++) {
		cs_buffer_append_string(&json, i ? "," : "");
		size_t before = strcspn(item, "#");
		cs_buffer_append(&json, item, before);
		cs_buffer_printf(&json, "%d", i);
		cs_buffer_append_string(&json, item + before + 1);
	}
	cs_buffer_append_string(&json, tail);
	add(kind, json.data, NULL);
}

START_TEST(ten_thousand_taints)
{
	add_many("Node", "{" NODE_META("bad") ",\"spec\":{\"taints\":[",
		 "{\"key\":\"k#\",\"effect\":\"NoSchedule\"}", 10000, "]},\"status\":{" ROOM "}}");
	check_others();
	check_end();
}
END_TEST

START_TEST(a_hundred_thousand_labels)
{
	add_many("Node",
		 "{\"metadata\":{\"name\":\"b\",\"uid\":\"b\",\"resourceVersion\":\"7\",\"labels\":"
		 "{",
		 "\"label-#\":\"x\"", 100000, "}},\"status\":{" ROOM "}}");
	add_many("Pod",
		 "{\"metadata\":{\"name\":\"b\",\"namespace\":\"default\",\"uid\":\"b\","
		 "\"resourceVersion\":\"7\",\"labels\":{",
		 "\"label-#\":\"x\"", 100000,
		 "}},\"spec\":{\"schedulerName\":\"c-sched\"," CONTAINER "}}");
	check_others();
	check_end();
}
END_TEST

START_TEST(many_tolerations_and_resources)
{
	add_many("Pod",
		 "{" META("t") ",\"spec\":{\"schedulerName\":\"c-sched\"," CONTAINER
			       ",\"tolerations\":[",
		 "{\"key\":\"k#\",\"operator\":\"Exists\"}", 20000, "]}}");
	add_many("Pod",
		 "{" META("r") ",\"spec\":{\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":"
			       "\"c\",\"resources\":{\"requests\":{",
		 "\"example.com/r#\":\"1\"", 5000, "}}}]}}");
	add_many("Pod",
		 "{" META("s") ",\"spec\":{\"schedulerName\":\"c-sched\"," CONTAINER
			       ",\"nodeSelector\":{",
		 "\"k#\":\"v\"", 20000, "}}}");
	add_many("Node", "{" NODE_META("x") ",\"status\":{\"allocatable\":{",
		 "\"example.com/n#\":\"1\"", 5000, "}}}");
	check_others();
	check_end();
}
END_TEST

START_TEST(two_nodes_of_one_name)
{
	static const char other[] = "{\"metadata\":{\"name\":\"twin\",\"uid\":\"other\","
				    "\"resourceVersion\":\"8\"},\"status\":{" ROOM "}}";
	add("Node", NODE("twin"), NULL);
	add("Node", other, NULL);
	add("Node", NODE("twin"), NULL);
	check_others();
	check_end();
}
END_TEST

// ---- bytes ----

// A pod's bytes, cut at every place: each event says that it cannot be read or is another pod.
START_TEST(truncated_everywhere)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, STREAM_MAX);
	fake_object("Pod", POD("bad"), NULL, &object);
	for (size_t n = 0; n < object.size; n++)
		add_raw(n % 3 == 0 ? "DELETED" : "ADDED", "Pod",
			(struct cs_slice){ object.data, n });
	check_others();
	check_end();
}
END_TEST

// Every bit flipped, one after the other, in a pod and in a node.
START_TEST(flipped_everywhere)
{
	const char *kind = _i ? "Node" : "Pod";
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, STREAM_MAX);
	fake_object(kind, _i ? NODE("bad") : POD("bad"), NULL, &object);
	for (size_t bit = 0; bit < 8 * object.size; bit++) {
		object.data[bit / 8] = (char)(object.data[bit / 8] ^ 1 << bit % 8);
		add_raw("ADDED", kind, cs_buffer_slice(&object));
		object.data[bit / 8] = (char)(object.data[bit / 8] ^ 1 << bit % 8);
	}
	check_others();
	check_end();
}
END_TEST

// Messages within messages: field 1 of field 1 and so on, and groups that never end.
START_TEST(nesting)
{
	static char bomb[100000];
	static const char magic[] = "k8s\0\n\t\n\2v1\22\3Pod\22";
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, STREAM_MAX);
	memset(bomb, _i ? 0x0b : 0x0a, sizeof(bomb));
	cs_buffer_append(&object, magic, sizeof(magic) - 1);
	cs_buffer_append(&object, "\xa0\x8d\x06", 3); // 100,000
	cs_buffer_append(&object, bomb, sizeof(bomb));
	add_raw("ADDED", "Pod", cs_buffer_slice(&object));
	check_others();
	harness_wait_logged(world.scheduler, "is skipped");
	check_end();
}
END_TEST

static const struct {
	const char *type;
	const char *kind; // of the object, in the stream of pods
	const char *json;
	const char *words;
} events[] = {
	{ "ADDED", "Node", NODE("n"), "its object is a \\\"Node\\\"" },
	{ "ADDED", "Lease", NULL, "its object is a" },
	{ "UPDATED", "Pod", POD("p"), "its type \\\"UPDATED\\\" is unknown" },
	{ "", "Pod", POD("p"), "an event about default/p is skipped: WatchEvent.type: is missing" },
	{ "", "Pod", NULL, "an event is skipped: WatchEvent.type: is missing" },
	{ "DELETED", "Pod", POD("p"), NULL },
	{ "MODIFIED", "Pod", POD("p"), NULL },
	{ "BOOKMARK", "Pod", "{}", NULL },
	{ "BOOKMARK", "Pod", "{\"metadata\":{\"resourceVersion\":\"never\"}}", NULL },
};

START_TEST(odd_event)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, STREAM_MAX);
	if (events[_i].json)
		fake_object(events[_i].kind, events[_i].json, NULL, &object);
	else
		cs_buffer_append(&object, "k8s\0\n\7\n\2v1\22\1X\22\0", 15);
	add_raw(events[_i].type, "Pod", cs_buffer_slice(&object));
	check_others();
	if (events[_i].words) {
		harness_wait_logged(world.scheduler, events[_i].words);
		ck_assert_ptr_nonnull(
			strstr(harness_request(world.scheduler, "GET", "/metrics", NULL, NULL).body,
			       "\ncsched_watch_skipped_total{resource=\"pods\"} 1\n"));
	}
	check_end();
}
END_TEST

// A frame of 4 GiB is refused before it is there.
START_TEST(a_frame_too_large)
{
	cs_buffer_append(&world.pods, "\xff\xff\xff\xff\x0a\x05", 6);
	fake_bookmark("Node", &world.nodes);
	start_scheduler(answer);
	harness_wait_logged(world.scheduler, "pods: watch with initial events ended");
	check_end();
}
END_TEST

// ---- servers that are none ----

#define HEAD(status, more) "HTTP/1.1 " status "\r\n" more "\r\n"
#define HTML               "<html><body>Welcome</body></html>"

static const struct {
	struct cs_slice bytes;
	const char *words;
	bool hang;
} servers[] = {
	{ .bytes =
		  CS_SLICE(HEAD("200 OK", "Content-Type: text/html\r\nConnection: close\r\n") HTML),
	  .words = "ended" },
	{ .bytes = CS_SLICE(
		  HEAD("404 Not Found",
		       "Content-Type: text/plain\r\nConnection: close\r\n") "404 page not found\n"),
	  .words = "404" },
	{ .bytes = CS_SLICE(HEAD("401 Unauthorized", "Connection: close\r\n")), .words = "401" },
	{ .bytes = CS_SLICE(HEAD("403 Forbidden", "Connection: close\r\n")), .words = "403" },
	{ .bytes = CS_SLICE(HEAD("500 Oops", "Connection: close\r\n")), .words = "500" },
	{ .bytes = CS_SLICE(HEAD("429 Slow", "Retry-After: -1\r\nConnection: close\r\n")),
	  .words = "429" },
	{ .bytes = CS_SLICE(
		  HEAD("429 Slow", "Retry-After: 99999999999999999999\r\nConnection: close\r\n")),
	  .words = "429" },
	{ .bytes = CS_SLICE(
		  HEAD("302 Found", "Location: file:///etc/passwd\r\nConnection: close\r\n")),
	  .words = "302" },
	{ .bytes = CS_SLICE(HEAD("204 No Content", "Connection: close\r\n")), .words = NULL },
	{ .bytes = CS_SLICE("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), .words = "ended" },
	{ .bytes = CS_SLICE("\x15\x03\x03\x00\x02\x02\x46"), .words = "ended" }, // a TLS alert
	{ .bytes = CS_SLICE(""), .words = "ended" },
	{ .bytes = CS_SLICE(""), .words = NULL, .hang = true },
	{ .bytes = CS_SLICE("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .words = "ended" },
	{ .bytes = CS_SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
	  .words = "ended" },
	{ .bytes = CS_SLICE(
		  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nabc"),
	  .words = "ended" },
	{ .bytes = CS_SLICE(WATCH_HEAD), .words = "ended" }, // a watch that ends at once
	{ .bytes = CS_SLICE(WATCH_HEAD "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	  .words = "ended" },
	{ .bytes = CS_SLICE(WATCH_HEAD "{\"type\":\"ADDED\",\"object\":{}}\n"), .words = "ended" },
	{ .bytes = CS_SLICE(JSON_HEAD(
		  "200 OK") "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":\"x\"}"),
	  .words = "ended" },
};

// It says so, stays alive, does not hammer, and ends when told to.
START_TEST(no_api_server)
{
	world.fixed = (struct fake_answer){ servers[_i].bytes, servers[_i].hang };
	start_scheduler(answer_fixed);
	if (servers[_i].words)
		harness_wait_logged(world.scheduler, servers[_i].words);
	harness_sleep(3);
	ck_assert_int_lt(fake_server_connections(world.server), 20 * KINDS);
	ck_assert_int_eq(harness_request(world.scheduler, "GET", "/livez", NULL, NULL).status, 200);
	ck_assert_int_eq(harness_request(world.scheduler, "GET", "/readyz", NULL, NULL).status,
			 500);
	check_end();
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = tcase_create("hostile");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, bad_object, 0, (int)CS_ARRAY_LENGTH(objects));
	tcase_add_test(tcase, names_cannot_forge_lines);
	tcase_add_test(tcase, ten_thousand_taints);
	tcase_add_test(tcase, a_hundred_thousand_labels);
	tcase_add_test(tcase, many_tolerations_and_resources);
	tcase_add_test(tcase, two_nodes_of_one_name);
	tcase_add_test(tcase, truncated_everywhere);
	tcase_add_loop_test(tcase, flipped_everywhere, 0, 2);
	tcase_add_loop_test(tcase, nesting, 0, 2);
	tcase_add_loop_test(tcase, odd_event, 0, (int)CS_ARRAY_LENGTH(events));
	tcase_add_test(tcase, a_frame_too_large);
	tcase_add_loop_test(tcase, no_api_server, 0, (int)CS_ARRAY_LENGTH(servers));
	suite_add_tcase(suite, tcase);
	return suite;
}
