// What each fault looks like to a client. Neighbours: test_fault.c for the script itself.
#include "../check_main.h"
#include "client.h"

#include <stdio.h>

#include <csched/base/memory.h>

static void setup(void)
{
	sim_start((struct cs_sim_options){
		.kubelet_delay = -1, .nodes = 1, .bookmark_interval = 100 * CS_MILLISECOND });
	create_pod("a", NULL);
	create_pod("b", NULL);
}

static void teardown(void)
{
	sim_stop();
}

// Over HTTP, as a test of another process would.
static void set_faults(const char *script)
{
	want_status(200, (struct ask){ .method = "POST",
				       .path = "/kubesim/faults",
				       .body = script,
				       .type = "application/yaml" });
}

static int64_t fault_count(const char *member)
{
	struct json_object *state = want(200, (struct ask){ .path = "/kubesim/state" });
	struct json_object *rule = json_object_array_get_idx(cs_value_at(state, "faults"), 0);
	int64_t value = json_object_get_int64(cs_value_at(rule, member));
	json_object_put(state);
	return value;
}

static int64_t now(void)
{
	struct cs_clock clock = cs_clock_system();
	return cs_clock_now(&clock).boot;
}

START_TEST(test_status)
{
	set_faults(
		"- {match: {verb: get, resource: pods}, action: status, code: 429, retryAfter: 2,"
		" count: 2}\n");
	for (int i = 0; i < 2; i++) {
		struct reply reply = ask((struct ask){ .path = PODS "/a" });
		ck_assert_int_eq(reply.status, 429);
		ck_assert_str_eq(reply.retry_after, "2");
		check_text(reply.json, "reason", "TooManyRequests");
		ck_assert_int_eq(
			json_object_get_int(cs_value_at(reply.json, "details.retryAfterSeconds")),
			2);
		reply_finish(&reply);
	}
	want_status(200, (struct ask){ .path = PODS "/a" });
	ck_assert_int_eq(fault_count("hit"), 2);
	ck_assert_int_eq(fault_count("seen"), 3);
	static const struct {
		int code;
		const char *reason;
	} cases[] = { { 409, "Conflict" },           { 410, "Expired" }, { 500, "InternalError" },
		      { 503, "ServiceUnavailable" }, { 504, "Timeout" }, { 403, "Forbidden" } };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		CS_AUTO_FREE char *script = cs_asprintf(
			"- {match: {verb: list}, action: status, code: %d}", cases[i].code);
		set_faults(script);
		struct json_object *status = want(cases[i].code, (struct ask){ .path = PODS });
		check_text(status, "reason", cases[i].reason);
		json_object_put(status);
	}
}
END_TEST

START_TEST(test_status_of_a_binding)
{
	set_faults("- {match: {verb: create, resource: pods, subresource: binding}, action: status,"
		   " code: 500, reason: InternalError, message: etcd is tired}\n");
	struct json_object *status =
		want(500, (struct ask){ .method = "POST",
					.path = PODS "/a/binding",
					.body = "{\"metadata\":{\"name\":\"a\"},\"target\":"
						"{\"kind\":\"Node\",\"name\":\"node-1\"}}" });
	check_text(status, "message", "etcd is tired");
	json_object_put(status);
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	ck_assert_ptr_null(cs_value_at(pod, "spec.nodeName"));
	json_object_put(pod);
}
END_TEST

static struct reply bind_a(void)
{
	return ask((struct ask){ .method = "POST",
				 .path = PODS "/a/binding",
				 .body = "{\"metadata\":{\"name\":\"a\"},\"target\":{\"kind\":"
					 "\"Node\",\"name\":\"node-1\"}}" });
}

START_TEST(test_close)
{
	set_faults("- {match: {verb: create, subresource: binding}, action: close}\n");
	struct reply reply = bind_a();
	ck_assert_int_eq(reply.code, CURLE_GOT_NOTHING);
	reply_finish(&reply);
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	ck_assert_ptr_null(cs_value_at(pod, "spec.nodeName"));
	json_object_put(pod);
}
END_TEST

START_TEST(test_lose)
{
	set_faults("- {match: {verb: create, subresource: binding}, action: lose}\n");
	struct reply reply = bind_a();
	ck_assert_int_eq(reply.code, CURLE_GOT_NOTHING);
	reply_finish(&reply);
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	check_text(pod, "spec.nodeName", "node-1");
	json_object_put(pod);
	// A second try meets what the first has done.
	reply = bind_a();
	ck_assert_int_eq(reply.status, 409);
	reply_finish(&reply);
}
END_TEST

START_TEST(test_delay)
{
	set_faults("- {match: {verb: get}, action: delay, delayMillis: 300}\n"
		   "- {match: {verb: list}, action: status, code: 503, delayMillis: 200}\n");
	int64_t begin = now();
	want_status(200, (struct ask){ .path = PODS "/a" });
	ck_assert_int_ge(now() - begin, 280 * CS_MILLISECOND);
	begin = now();
	want_status(503, (struct ask){ .path = PODS });
	ck_assert_int_ge(now() - begin, 180 * CS_MILLISECOND);
	want_status(200, (struct ask){ .path = PODS "/a" });
	ck_assert_int_eq(fault_count("hit"), 1);
}
END_TEST

START_TEST(test_end_with_a_delayed_answer)
{
	set_faults("- {match: {verb: watch}, action: delay, delayMillis: 60000}\n");
	struct watcher watcher;
	watch_start(&watcher, PODS "?watch=1&timeoutSeconds=60", NULL);
	sim_stop();
	watch_join(&watcher);
	ck_assert_uint_eq(watch_count(&watcher), 0);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_garbage)
{
	set_faults("- {match: {verb: get}, action: garbage}\n");
	struct reply reply = ask((struct ask){ .path = PODS "/a" });
	ck_assert_int_eq(reply.status, 200);
	ck_assert_ptr_null(reply.json);
	ck_assert_uint_gt(reply.body.size, 0);
	reply_finish(&reply);
}
END_TEST

START_TEST(test_oversize)
{
	set_faults("- {match: {verb: list}, action: oversize, bytes: 30000000}\n");
	struct reply reply = ask((struct ask){ .path = PODS });
	ck_assert_int_eq(reply.status, 200);
	ck_assert_uint_eq(reply.body.size, 30000000);
	reply_finish(&reply);
}
END_TEST

// ---- watches ----

static struct watcher watcher;

static void watch(const char *script)
{
	set_faults(script);
	watch_start(&watcher, PODS "?watch=1&allowWatchBookmarks=true&timeoutSeconds=60", NULL);
}

START_TEST(test_cut)
{
	watch("- {match: {verb: watch}, action: cut, after: 1}\n");
	watch_join(&watcher);
	ck_assert_int_eq(watcher.code, CURLE_OK);
	CS_AUTO_FREE char *summary = watch_summary(&watcher);
	ck_assert_str_eq(summary, "ADDED a");
	watch_finish(&watcher);
	// At once, without any event.
	watch("- {match: {verb: watch}, action: cut}\n");
	watch_join(&watcher);
	ck_assert_uint_eq(watch_count(&watcher), 0);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_cut_in_live_events)
{
	watch("- {match: {verb: watch}, action: cut, after: 3}\n");
	watch_wait(&watcher, 2);
	create_pod("c", NULL);
	watch_join(&watcher);
	CS_AUTO_FREE char *summary = watch_summary(&watcher);
	ck_assert_msg(cs_string_prefix(summary, "ADDED a,ADDED b"), "%s", summary);
	ck_assert_msg(strstr(summary, "ADDED c"), "%s", summary);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_stall)
{
	watch("- {match: {verb: watch}, action: stall, after: 2}\n");
	watch_wait(&watcher, 2);
	create_pod("c", NULL);
	usleep(400000); // four bookmarks' time
	CS_AUTO_FREE char *summary = watch_summary(&watcher);
	ck_assert_str_eq(summary, "ADDED a,ADDED b");
	pthread_mutex_lock(&watcher.lock);
	ck_assert(!watcher.ended);
	pthread_mutex_unlock(&watcher.lock);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_error)
{
	watch("- {match: {verb: watch}, action: error, after: 2}\n");
	watch_join(&watcher);
	struct json_object *event = watch_event(&watcher, 2);
	check_text(event, "type", "ERROR");
	check_text(event, "object.kind", "Status");
	check_text(event, "object.reason", "Expired");
	ck_assert_int_eq(json_object_get_int(cs_value_at(event, "object.code")), 410);
	json_object_put(event);
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_truncate)
{
	watch("- {match: {verb: watch}, action: truncate, after: 1}\n");
	watch_join(&watcher);
	ck_assert_int_ne(watcher.code, CURLE_OK);
	ck_assert_uint_eq(watch_count(&watcher), 1);
	ck_assert_ptr_nonnull(strstr(watcher.text.data, "{\"type\":\"BOOKMARK\""));
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_garbage_in_a_watch)
{
	watch("- {match: {verb: watch}, action: garbage, after: 1}\n");
	watch_join(&watcher);
	ck_assert_ptr_nonnull(memmem(watcher.text.data, watcher.text.size, "garbage", 7));
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_oversize_in_a_watch)
{
	watch("- {match: {verb: watch}, action: oversize, after: 1, bytes: 20000000}\n");
	EVENTUALLY(({
		pthread_mutex_lock(&watcher.lock);
		size_t size = watcher.text.size;
		pthread_mutex_unlock(&watcher.lock);
		size > 20000000;
	}));
	// And it goes on.
	create_pod("c", NULL);
	EVENTUALLY(({
		pthread_mutex_lock(&watcher.lock);
		bool found = memmem(watcher.text.data, watcher.text.size, "\"name\":\"c\"", 10);
		pthread_mutex_unlock(&watcher.lock);
		found;
	}));
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_a_watch_is_refused)
{
	set_faults("- {match: {verb: watch}, action: status, code: 503, retryAfter: 1}\n");
	struct reply reply = ask((struct ask){ .path = PODS "?watch=1" });
	ck_assert_int_eq(reply.status, 503);
	ck_assert_str_eq(reply.retry_after, "1");
	reply_finish(&reply);
	set_faults("- {match: {verb: watch}, action: close}\n");
	reply = ask((struct ask){ .path = PODS "?watch=1" });
	ck_assert_int_eq(reply.code, CURLE_GOT_NOTHING);
	reply_finish(&reply);
	set_faults("- {match: {verb: watch}, action: lose}\n");
	reply = ask((struct ask){ .path = PODS "?watch=1" });
	ck_assert_int_eq(reply.code, CURLE_GOT_NOTHING);
	reply_finish(&reply);
}
END_TEST

START_TEST(test_bad_scripts_are_refused)
{
	struct reply reply = ask((struct ask){
		.method = "POST", .path = "/kubesim/faults", .body = "[{action: explode}]" });
	ck_assert_int_eq(reply.status, 400);
	ck_assert_str_eq(reply.body.data, "faults: rule 1: action: not a value it may have\n");
	reply_finish(&reply);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim faults served");
	TCase *tests = tcase_create("faults");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_status);
	tcase_add_test(tests, test_status_of_a_binding);
	tcase_add_test(tests, test_close);
	tcase_add_test(tests, test_lose);
	tcase_add_test(tests, test_delay);
	tcase_add_test(tests, test_end_with_a_delayed_answer);
	tcase_add_test(tests, test_garbage);
	tcase_add_test(tests, test_oversize);
	tcase_add_test(tests, test_cut);
	tcase_add_test(tests, test_cut_in_live_events);
	tcase_add_test(tests, test_stall);
	tcase_add_test(tests, test_error);
	tcase_add_test(tests, test_truncate);
	tcase_add_test(tests, test_garbage_in_a_watch);
	tcase_add_test(tests, test_oversize_in_a_watch);
	tcase_add_test(tests, test_a_watch_is_refused);
	tcase_add_test(tests, test_bad_scripts_are_refused);
	suite_add_tcase(suite, tests);
	return suite;
}
