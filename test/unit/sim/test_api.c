// What the sim serves, asked over real sockets: formats, history, paging, watches, views, tables.
// Neighbours: what the real API server answers as well is in test/e2e/conformance; test_workload.c
// and test_faults_served.c have the rest.
#include "../check_main.h"
#include "client.h"

#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

static void setup(void)
{
	sim_start((struct cs_sim_options){
		.kubelet_delay = -1, .nodes = 3, .zones = 3, .history = 40 });
}

static void setup_marking(void)
{
	sim_start((struct cs_sim_options){ .kubelet_delay = -1,
					   .bookmark_interval = 200 * CS_MILLISECOND });
}

static void teardown(void)
{
	sim_stop();
}

// ---- formats ----

static void write_json(const struct cs_kind *kind, const ProtobufCMessage *message,
		       struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_buffer_init(out, 1u << 20);
	cs_json_init(&json, out);
	cs_codec_write(kind, message, &json);
}

// Both formats of one object, decoded, say the same.
static void check_agreement(const struct cs_kind *kind, struct cs_slice protobuf,
			    struct json_object *tree)
{
	struct cs_error err = { 0 };
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	Kube__Unknown envelope;
	ProtobufCMessage *from_protobuf;
	ProtobufCMessage *from_json;
	ck_assert_msg(cs_protobuf_read_envelope(protobuf, arena, &envelope, &err) == 0, "%s",
		      err.text);
	ck_assert_str_eq(envelope.type_meta->kind, kind->kind);
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	ck_assert_msg(cs_protobuf_read(kind->descriptor, raw, arena, &from_protobuf, &err) == 0,
		      "%s", err.text);
	ck_assert_msg(cs_codec_read(kind->descriptor, tree, arena, &from_json, &err) == 0, "%s",
		      err.text);
	CS_AUTO_BUFFER struct cs_buffer left;
	CS_AUTO_BUFFER struct cs_buffer right;
	write_json(kind, from_protobuf, &left);
	write_json(kind, from_json, &right);
	ck_assert_str_eq(left.data, right.data);
}

START_TEST(test_protobuf_and_json_agree)
{
	want_status(201,
		    (struct ask){ .method = "POST",
				  .path = PODS,
				  .body = "{\"metadata\":{\"name\":\"rich\",\"labels\":{\"a\":"
					  "\"b\"},\"annotations\":{\"x\":\"y\"}},"
					  "\"spec\":{\"nodeSelector\":{\"k\":\"v\"},"
					  "\"tolerations\":[{\"operator\":\"Exists\"}],"
					  "\"containers\":[{\"name\":\"c\",\"image\":\"i\","
					  "\"command\":[\"kept\"],\"ports\":"
					  "[{\"containerPort\":80}],\"resources\":{\"requests\":{"
					  "\"cpu\":\"100m\",\"memory\":\"1Gi\"}}}],"
					  "\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}" });
	bind_pod("rich", "node-1");
	const struct {
		const char *path;
		const struct cs_kind *kind;
	} cases[] = {
		{ PODS "/rich", &cs_kind_pod },
		{ "/api/v1/nodes/node-2", &cs_kind_node },
		{ "/api/v1/namespaces/default", &cs_kind_namespace },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		struct reply json = ask((struct ask){ .path = cases[i].path });
		struct reply protobuf =
			ask((struct ask){ .path = cases[i].path, .accept = PROTOBUF });
		ck_assert_int_eq(protobuf.status, 200);
		ck_assert_str_eq(protobuf.content_type, PROTOBUF);
		check_agreement(cases[i].kind, cs_buffer_slice(&protobuf.body), json.json);
		reply_finish(&json);
		reply_finish(&protobuf);
	}
	// JSON keeps what no message of ours knows.
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/rich" });
	struct json_object *container =
		json_object_array_get_idx(cs_value_at(pod, "spec.containers"), 0);
	ck_assert_int_eq((int)json_object_array_length(cs_value_at(container, "command")), 1);
	json_object_put(pod);
}
END_TEST

START_TEST(test_protobuf_lists)
{
	create_pod("a", NULL);
	create_pod("b", NULL);
	struct reply reply = ask((struct ask){ .path = PODS "?limit=1", .accept = PROTOBUF });
	struct cs_error err = { 0 };
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	Kube__Unknown envelope;
	ProtobufCMessage *message;
	ck_assert_int_eq(
		cs_protobuf_read_envelope(cs_buffer_slice(&reply.body), arena, &envelope, &err), 0);
	ck_assert_str_eq(envelope.type_meta->kind, "PodList");
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	ck_assert_int_eq(cs_protobuf_read(&kube__list__descriptor, raw, arena, &message, &err), 0);
	const Kube__List *list = (const Kube__List *)message;
	ck_assert_uint_eq(list->n_items, 1);
	ck_assert_int_eq(list->metadata->remaining_item_count, 1);
	ck_assert_ptr_nonnull(list->metadata->continue_);
	struct cs_slice item = cs_protobuf_bytes(list->items[0]);
	ck_assert_int_eq(cs_protobuf_read(&kube__pod__descriptor, item, arena, &message, &err), 0);
	ck_assert_str_eq(((const Kube__Pod *)message)->metadata->name, "a");
	reply_finish(&reply);
}
END_TEST

START_TEST(test_protobuf_bodies)
{
	Kube__ObjectMeta metadata = KUBE__OBJECT_META__INIT;
	char name[] = "event.1";
	metadata.name = name;
	char note[] = "hello";
	Kube__Event event = KUBE__EVENT__INIT;
	event.metadata = &metadata;
	event.note = note;
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, 1u << 20);
	ck_assert_int_eq(cs_protobuf_write(&cs_kind_event, &event.base, &body, NULL), 0);
	struct json_object *made =
		want(201, (struct ask){ .method = "POST",
					.path = "/apis/events.k8s.io/v1/namespaces/default/events",
					.body = body.data,
					.body_size = body.size,
					.type = PROTOBUF });
	check_text(made, "note", "hello");
	json_object_put(made);
	// Half of it.
	struct json_object *bad =
		want(400, (struct ask){ .method = "POST",
					.path = "/apis/events.k8s.io/v1/namespaces/default/events",
					.body = body.data,
					.body_size = body.size - 3,
					.type = PROTOBUF });
	check_text(bad, "reason", "BadRequest");
	json_object_put(bad);
	// What has no message here is refused, not mangled.
	struct json_object *unknown =
		want(415, (struct ask){ .method = "POST",
					.path = "/api/v1/namespaces/default/configmaps",
					.body = "k8s\0\x0a\x0f\x0a\x02v1\x12\x09"
						"ConfigMap\x12\x00",
					.body_size = 23,
					.type = PROTOBUF });
	check_text(unknown, "reason", "UnsupportedMediaType");
	json_object_put(unknown);
	want_status(406, (struct ask){ .path = "/api/v1/namespaces/default/configmaps",
				       .accept = PROTOBUF });
	struct reply either = ask((struct ask){ .path = "/api/v1/namespaces/default/configmaps",
						.accept = PROTOBUF ", application/json" });
	ck_assert_int_eq(either.status, 200);
	ck_assert_str_eq(either.content_type, "application/json");
	reply_finish(&either);
}
END_TEST

START_TEST(test_protobuf_errors)
{
	struct reply reply = ask((struct ask){ .path = PODS "/nope", .accept = PROTOBUF });
	ck_assert_int_eq(reply.status, 404);
	struct cs_error err = { 0 };
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	Kube__Unknown envelope;
	ProtobufCMessage *message;
	ck_assert_int_eq(
		cs_protobuf_read_envelope(cs_buffer_slice(&reply.body), arena, &envelope, &err), 0);
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	ck_assert_int_eq(cs_protobuf_read(&kube__status__descriptor, raw, arena, &message, &err),
			 0);
	const Kube__Status *status = (const Kube__Status *)message;
	ck_assert_int_eq(status->code, 404);
	ck_assert_str_eq(status->reason, "NotFound");
	ck_assert_str_eq(status->message, "pods \"nope\" not found");
	ck_assert_str_eq(status->details->kind, "pods");
	reply_finish(&reply);
}
END_TEST

START_TEST(test_tables)
{
	create_pod("a", NULL);
	bind_pod("a", "node-1");
	const char *accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
	struct json_object *table = want(200, (struct ask){ .path = PODS, .accept = accept });
	check_text(table, "kind", "Table");
	struct json_object *columns = cs_value_at(table, "columnDefinitions");
	struct json_object *row = json_object_array_get_idx(cs_value_at(table, "rows"), 0);
	ck_assert_int_eq((int)json_object_array_length(columns),
			 (int)json_object_array_length(cs_value_at(row, "cells")));
	check_text(row, "object.metadata.name", "a");
	check_text(row, "object.kind", "PartialObjectMetadata");
	bool seen = false;
	for (size_t i = 0; i < json_object_array_length(columns); i++)
		if (cs_string_equal(
			    cs_value_string_at(json_object_array_get_idx(columns, i), "name"),
			    "Node")) {
			seen = true;
			struct json_object *cell =
				json_object_array_get_idx(cs_value_at(row, "cells"), i);
			ck_assert_str_eq(json_object_get_string(cell), "node-1");
		}
	ck_assert(seen);
	json_object_put(table);
	static const char *const others[] = { "/api/v1/nodes",
					      "/api/v1/namespaces",
					      "/api/v1/namespaces/default/configmaps",
					      "/apis/apps/v1/deployments",
					      "/api/v1/services",
					      "/api/v1/events" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(others); i++) {
		table = want(200, (struct ask){ .path = others[i], .accept = accept });
		check_text(table, "kind", "Table");
		json_object_put(table);
	}
}
END_TEST

// ---- history ----

static void churn(int times)
{
	for (int i = 0; i < times; i++) {
		char body[96];
		snprintf(body, sizeof(body), "{\"metadata\":{\"annotations\":{\"n\":\"%d\"}}}", i);
		want_status(200, (struct ask){ .method = "PATCH",
					       .path = PODS "/a",
					       .body = body,
					       .type = MERGE });
	}
}

START_TEST(test_an_old_page_is_gone)
{
	create_pod("a", NULL);
	create_pod("b", NULL);
	create_pod("c", NULL);
	struct json_object *page = want(200, (struct ask){ .path = PODS "?limit=1" });
	CS_AUTO_FREE char *next = cs_asprintf(PODS "?limit=1&continue=%s",
					      cs_value_string_at(page, "metadata.continue"));
	json_object_put(page);
	churn(50);
	struct json_object *gone = want(410, (struct ask){ .path = next });
	check_text(gone, "reason", "Expired");
	const char *token = cs_value_string_at(gone, "metadata.continue");
	ck_assert_ptr_nonnull(token);
	// The token it comes with goes on, inconsistently.
	CS_AUTO_FREE char *rest = cs_asprintf(PODS "?continue=%s", token);
	json_object_put(gone);
	struct json_object *list = want(200, (struct ask){ .path = rest });
	ck_assert_int_eq((int)json_object_array_length(cs_value_at(list, "items")), 2);
	json_object_put(list);
}
END_TEST

START_TEST(test_a_watch_from_too_long_ago)
{
	create_pod("a", NULL);
	churn(50);
	struct watcher watcher;
	watch_start(&watcher, PODS "?watch=1&resourceVersion=2&timeoutSeconds=5", NULL);
	watch_join(&watcher);
	ck_assert_int_eq(watcher.code, CURLE_OK);
	struct json_object *event = watch_event(&watcher, 0);
	check_text(event, "type", "ERROR");
	check_text(event, "object.reason", "Expired");
	ck_assert_int_eq(json_object_get_int(cs_value_at(event, "object.code")), 410);
	ck_assert_msg(cs_string_prefix(cs_value_string_at(event, "object.message"),
				       "too old resource version: 2 ("),
		      "%s", json_object_to_json_string(event));
	json_object_put(event);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_an_exact_list_of_too_long_ago)
{
	create_pod("a", NULL);
	churn(50);
	struct json_object *gone = want(
		410, (struct ask){ .path = PODS "?resourceVersion=2&resourceVersionMatch=Exact" });
	check_text(gone, "reason", "Expired");
	json_object_put(gone);
}
END_TEST

// ---- watches ----

START_TEST(test_bookmarks)
{
	struct watcher watcher;
	watch_start(&watcher, PODS "?watch=1&allowWatchBookmarks=true&timeoutSeconds=30", NULL);
	watch_wait(&watcher, 2);
	create_pod("a", NULL);
	EVENTUALLY(({
		CS_AUTO_FREE char *summary = watch_summary(&watcher);
		const char *added = strstr(summary, "ADDED a");
		added &&strstr(added, "BOOKMARK");
	}));
	size_t count = watch_count(&watcher);
	struct json_object *last = watch_event(&watcher, count - 1);
	struct json_object *list = want(200, (struct ask){ .path = PODS });
	check_text(last, "object.kind", "Pod");
	check_text(last, "object.metadata.resourceVersion",
		   cs_value_string_at(list, "metadata.resourceVersion"));
	json_object_put(last);
	json_object_put(list);
	watch_finish(&watcher);
	// And none for those who did not ask.
	watch_start(&watcher, PODS "?watch=1&timeoutSeconds=1", NULL);
	watch_join(&watcher);
	CS_AUTO_FREE char *summary = watch_summary(&watcher);
	ck_assert_str_eq(summary, "ADDED a");
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_protobuf_watch)
{
	create_pod("a", NULL);
	struct watcher watcher;
	watch_start(&watcher,
		    PODS "?watch=1&timeoutSeconds=3&sendInitialEvents=true&"
			 "resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
		    PROTOBUF);
	bind_pod("a", "node-1");
	watch_join(&watcher);
	static const char *const types[] = { "ADDED", "BOOKMARK", "MODIFIED" };
	struct cs_slice in = cs_buffer_slice(&watcher.text);
	struct cs_error err;
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(types); i++) {
		struct cs_protobuf_frame frame;
		ck_assert_int_eq(cs_protobuf_next_frame(in, &frame, &err), 1);
		ck_assert_msg(cs_slice_equal(frame.type, cs_slice_of(types[i])), "%.*s",
			      (int)frame.type.size, frame.type.data);
		Kube__Unknown envelope;
		ProtobufCMessage *message;
		ck_assert_int_eq(cs_protobuf_read_envelope(frame.object, arena, &envelope, &err),
				 0);
		struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
		ck_assert_int_eq(
			cs_protobuf_read(&kube__pod__descriptor, raw, arena, &message, &err), 0);
		const Kube__Pod *pod = (const Kube__Pod *)message;
		if (i == 1)
			ck_assert_str_eq(pod->metadata->annotations[0]->key,
					 "k8s.io/initial-events-end");
		else
			ck_assert_str_eq(pod->metadata->name, "a");
		if (i == 2)
			ck_assert_str_eq(pod->spec->node_name, "node-1");
		in.data += frame.used;
		in.size -= frame.used;
	}
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_a_watch_that_is_too_slow_ends)
{
	// Stalled by its own delay while the short history runs away.
	struct cs_error err;
	ck_assert_int_eq(cs_sim_set_faults(sim, "f",
					   CS_SLICE("[{match: {verb: watch}, action: delay, "
						    "delayMillis: 700}]"),
					   &err),
			 0);
	create_pod("a", NULL);
	struct watcher watcher;
	watch_start(&watcher, PODS "?watch=1&resourceVersion=999999&timeoutSeconds=20", NULL);
	churn(60);
	watch_join(&watcher);
	ck_assert_int_eq(watcher.code, CURLE_OK);
	ck_assert_uint_eq(watch_count(&watcher), 0);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_many_watches_and_writers)
{
	struct watcher watchers[8];
	for (size_t i = 0; i < CS_ARRAY_LENGTH(watchers); i++)
		watch_start(&watchers[i], PODS "?watch=1&timeoutSeconds=60", NULL);
	for (int i = 0; i < 30; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%02d", i);
		create_pod(name, NULL);
	}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(watchers); i++) {
		watch_wait(&watchers[i], 30);
		for (int k = 0; k < 30; k++) {
			char name[16];
			snprintf(name, sizeof(name), "p%02d", k);
			struct json_object *event = watch_event(&watchers[i], (size_t)k);
			check_text(event, "object.metadata.name", name);
			json_object_put(event);
		}
		watch_finish(&watchers[i]);
	}
}
END_TEST

// ---- the rest ----

START_TEST(test_events_have_two_names)
{
	want_status(201,
		    (struct ask){ .method = "POST",
				  .path = "/api/v1/namespaces/default/events",
				  .body = "{\"metadata\":{\"name\":\"e\"},\"involvedObject\":"
					  "{\"kind\":\"Pod\",\"name\":\"p\"},\"message\":\"m\","
					  "\"reason\":\"R\",\"count\":3}" });
	struct json_object *event = want(
		200, (struct ask){ .path = "/apis/events.k8s.io/v1/namespaces/default/events/e" });
	check_text(event, "apiVersion", "events.k8s.io/v1");
	check_text(event, "note", "m");
	check_text(event, "regarding.name", "p");
	ck_assert_int_eq(json_object_get_int(cs_value_at(event, "deprecatedCount")), 3);
	json_object_put(event);
	struct watcher watcher;
	watch_start(&watcher,
		    "/api/v1/events?watch=1&timeoutSeconds=1&fieldSelector=involvedObject.name%3Dp",
		    NULL);
	watch_join(&watcher);
	event = watch_event(&watcher, 0);
	check_text(event, "object.message", "m");
	check_text(event, "object.apiVersion", "v1");
	json_object_put(event);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_bodies_have_limits)
{
	struct cs_buffer deep;
	cs_buffer_init(&deep, 1u << 20);
	cs_buffer_append_string(&deep, "{\"metadata\":{\"name\":\"x\"},\"spec\":");
	for (int i = 0; i < 1000; i++)
		cs_buffer_append_string(&deep, "{\"a\":");
	struct json_object *refused =
		want(400, (struct ask){ .method = "POST", .path = PODS, .body = deep.data });
	check_text(refused, "reason", "BadRequest");
	json_object_put(refused);
	cs_buffer_finish(&deep);
	static const char *const bad[] = { "{\"a\":1,\"a\":2}",
					   "{\"metadata\":[]}",
					   "{\"metadata\":{\"name\":5}}",
					   "\"x\"",
					   "null",
					   "{\"metadata\":{\"name\":\"\xff\"}}",
					   "{\"metadata\":{\"name\":\"x\"},\"spec\":7}" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(bad); i++) {
		struct reply reply =
			ask((struct ask){ .method = "POST", .path = PODS, .body = bad[i] });
		ck_assert_msg(reply.status == 400 || reply.status == 422, "%s: %ld %s", bad[i],
			      reply.status, reply.body.data);
		reply_finish(&reply);
	}
}
END_TEST

START_TEST(test_a_token_is_asked_for)
{
	sim_stop();
	sim_start((struct cs_sim_options){ .token = "secret", .tls = false, .kubelet_delay = -1 });
	struct json_object *refused = want(401, (struct ask){ .path = PODS });
	check_text(refused, "reason", "Unauthorized");
	json_object_put(refused);
	want_status(401, (struct ask){ .path = PODS, .token = "other" });
	want_status(401, (struct ask){ .path = "/kubesim/state", .token = "other" });
	want_status(200, (struct ask){ .path = PODS, .token = "secret" });
	CS_AUTO_BUFFER struct cs_buffer config;
	cs_buffer_init(&config, 1u << 20);
	cs_sim_kubeconfig(sim, &config);
	ck_assert_ptr_nonnull(strstr(config.data, "token: \"secret\""));
	ck_assert_ptr_nonnull(strstr(config.data, cs_sim_url(sim)));
	CS_AUTO_VALUE struct json_object *parsed = NULL;
	struct cs_error err;
	ck_assert_int_eq(cs_value_read_yaml(cs_buffer_slice(&config), &parsed, &err), 0);
}
END_TEST

START_TEST(test_synthetic_nodes)
{
	sim_stop();
	sim_start((struct cs_sim_options){ .nodes = 24, .zones = 3, .kubelet_delay = -1 });
	struct json_object *first = want(200, (struct ask){ .path = "/api/v1/nodes" });
	struct json_object *items = cs_value_at(first, "items");
	ck_assert_int_eq((int)json_object_array_length(items), 24);
	int tainted = 0;
	int cordoned = 0;
	int zones[4] = { 0 };
	const char *cpu = NULL;
	bool different = false;
	for (size_t i = 0; i < 24; i++) {
		struct json_object *node = json_object_array_get_idx(items, i);
		tainted += cs_value_at(node, "spec.taints") ? 1 : 0;
		cordoned += cs_value_at(node, "spec.unschedulable") ? 1 : 0;
		struct json_object *labels = cs_value_at(node, "metadata.labels");
		struct json_object *zone = NULL;
		json_object_object_get_ex(labels, "topology.kubernetes.io/zone", &zone);
		zones[json_object_get_string(zone)[5] - '0']++;
		const char *own = cs_value_string_at(node, "status.allocatable.cpu");
		different |= cpu && strcmp(cpu, own) != 0;
		cpu = own;
	}
	ck_assert_int_ge(tainted, 2);
	ck_assert_int_eq(cordoned, 1);
	ck_assert(different);
	for (int i = 1; i <= 3; i++)
		ck_assert_int_eq(zones[i], 8);
	// The same seed gives the same cluster.
	sim_stop();
	sim_start((struct cs_sim_options){ .nodes = 24, .zones = 3, .kubelet_delay = -1 });
	struct json_object *second = want(200, (struct ask){ .path = "/api/v1/nodes" });
	for (size_t i = 0; i < 24; i++) {
		struct json_object *a = json_object_array_get_idx(items, i);
		struct json_object *b = json_object_array_get_idx(cs_value_at(second, "items"), i);
		ck_assert_str_eq(cs_value_string_at(a, "metadata.uid"),
				 cs_value_string_at(b, "metadata.uid"));
		ck_assert(json_object_equal(cs_value_at(a, "status.capacity"),
					    cs_value_at(b, "status.capacity")));
	}
	json_object_put(first);
	json_object_put(second);
}
END_TEST

START_TEST(test_manifests)
{
	struct cs_error err = { 0 };
	ck_assert_msg(
		cs_sim_load(sim, "m.yaml",
			    CS_SLICE("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
				     "---\napiVersion: v1\nkind: Node\nmetadata: {name: nod}\n"),
			    &err) == 0,
		"%s", err.text);
	want_status(200, (struct ask){ .path = "/api/v1/namespaces/default/configmaps/a" });
	want_status(200, (struct ask){ .path = "/api/v1/nodes/nod" });
	ck_assert_int_lt(
		cs_sim_load(sim, "m.yaml",
			    CS_SLICE("apiVersion: v1\nkind: Node\nmetadata: {name: nod}\n"), &err),
		0);
	ck_assert_str_eq(err.text, "m.yaml:1: Node: nodes \"nod\" already exists");
	ck_assert_int_lt(
		cs_sim_load(
			sim, "m.yaml",
			CS_SLICE("apiVersion: example.com/v1\nkind: Odd\nmetadata: {name: nod}\n"),
			&err),
		0);
	ck_assert_int_lt(cs_sim_load(sim, "m.yaml", CS_SLICE("{"), &err), 0);
}
END_TEST

START_TEST(test_state)
{
	create_pod("a", NULL);
	bind_pod("a", "node-1");
	struct watcher watcher;
	watch_start(&watcher, "/api/v1/nodes?watch=1&timeoutSeconds=20", NULL);
	struct json_object *state = want(200, (struct ask){ .path = "/kubesim/state" });
	ck_assert_int_eq(json_object_get_int(cs_value_at(state, "bindings")), 1);
	ck_assert_int_eq(json_object_get_int(cs_value_at(state, "objects.pods")), 1);
	ck_assert_int_eq(json_object_get_int(cs_value_at(state, "objects.nodes")), 3);
	ck_assert_int_eq(json_object_get_int(cs_value_at(state, "watches.nodes")), 1);
	json_object_put(state);
	watch_finish(&watcher);
	EVENTUALLY(({
		struct json_object *now = want(200, (struct ask){ .path = "/kubesim/state" });
		bool none = !cs_value_at(now, "watches.nodes");
		json_object_put(now);
		none;
	}));
}
END_TEST

// ---- what selects pods ----

// A patch whose defaults reach into the metadata, which the update edits afterwards.
START_TEST(test_replication_controller_is_patched)
{
	static const char path[] = "/api/v1/namespaces/default/replicationcontrollers/rc";
	want_status(201, (struct ask){
				 .method = "POST",
				 .path = "/api/v1/namespaces/default/replicationcontrollers",
				 .body = "{\"metadata\":{\"name\":\"rc\"},\"spec\":{\"replicas\":0,"
					 "\"selector\":{\"a\":\"1\"},\"template\":{\"metadata\":{"
					 "\"labels\":{\"a\":\"1\"}}}}}" });
	struct json_object *tree =
		want(200, (struct ask){ .method = "PATCH",
					.path = path,
					.type = MERGE,
					.body = "{\"spec\":{\"selector\":{\"b\":\"2\"}}}" });
	ck_assert_int_eq(json_object_get_int(cs_value_at(tree, "metadata.generation")), 2);
	ck_assert_str_eq(cs_value_string_at(tree, "spec.selector.b"), "2");
	json_object_put(tree);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim api");
	TCase *plain = tcase_create("plain");
	tcase_set_timeout(plain, 120);
	tcase_add_checked_fixture(plain, setup, teardown);
	tcase_add_test(plain, test_protobuf_and_json_agree);
	tcase_add_test(plain, test_protobuf_lists);
	tcase_add_test(plain, test_protobuf_bodies);
	tcase_add_test(plain, test_protobuf_errors);
	tcase_add_test(plain, test_tables);
	tcase_add_test(plain, test_an_old_page_is_gone);
	tcase_add_test(plain, test_a_watch_from_too_long_ago);
	tcase_add_test(plain, test_an_exact_list_of_too_long_ago);
	tcase_add_test(plain, test_protobuf_watch);
	tcase_add_test(plain, test_a_watch_that_is_too_slow_ends);
	tcase_add_test(plain, test_many_watches_and_writers);
	tcase_add_test(plain, test_events_have_two_names);
	tcase_add_test(plain, test_bodies_have_limits);
	tcase_add_test(plain, test_replication_controller_is_patched);
	tcase_add_test(plain, test_a_token_is_asked_for);
	tcase_add_test(plain, test_synthetic_nodes);
	tcase_add_test(plain, test_manifests);
	tcase_add_test(plain, test_state);
	suite_add_tcase(suite, plain);
	TCase *marking = tcase_create("bookmarks");
	tcase_set_timeout(marking, 60);
	tcase_add_checked_fixture(marking, setup_marking, teardown);
	tcase_add_test(marking, test_bookmarks);
	suite_add_tcase(suite, marking);
	return suite;
}
