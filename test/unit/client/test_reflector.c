// Every way in which a list or watch can end, and what the reflector makes of it.
// Neighbours: fake.c plays the server; test_replica.c does the same at random.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/client/reflector.h>
#include <csched/kube/protobuf.h>

#include "fake.h"

#define ACCEPT_WATCH "application/vnd.kubernetes.protobuf;stream=watch"

static struct fake fake;
static struct cs_random seed;
static struct cs_reflector *reflector;
static struct cs_buffer told;    // "+a:u1:5 ~a:u1:6 -a:u1 SYNCED "
static struct cs_buffer notices; // a line each
static size_t batches;
static size_t largest; // changes in a batch

static void on_batch(void *user, struct cs_batch *batch)
{
	static const char marks[] = "+~-";
	(void)user;
	for (size_t i = 0; i < batch->count; i++) {
		const struct cs_change *change = &batch->changes[i];
		ck_assert_ptr_eq(change->kind, &cs_kind_pod);
		if (change->op == CS_CHANGE_SYNCED) {
			ck_assert_ptr_null(change->object);
			cs_buffer_append_string(&told, "SYNCED ");
			continue;
		}
		const Kube__ObjectMeta *meta = ((const Kube__Pod *)change->object)->metadata;
		ck_assert_ptr_eq(change->object->descriptor, &kube__pod__descriptor);
		cs_buffer_printf(&told, "%c%s:%s", marks[change->op], meta->name, meta->uid);
		if (change->op != CS_CHANGE_DELETED)
			cs_buffer_printf(&told, ":%s", meta->resource_version);
		cs_buffer_append_char(&told, ' ');
	}
	ck_assert_uint_gt(batch->bytes, 0);
	largest = batch->count > largest ? batch->count : largest;
	batches++;
	cs_batch_destroy(batch);
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	(void)user, (void)severity;
	cs_buffer_printf(&notices, "%s\n", text);
}

static void create_with(const struct cs_reflector_options *given)
{
	fake_init(&fake);
	fake.now = (struct cs_time){ .boot = 1000 * CS_SECOND, .wall = 5000 * CS_SECOND };
	cs_random_init(&seed, 42);
	fake_buffer(&told);
	fake_buffer(&notices);
	batches = largest = 0;
	struct cs_reflector_options options = *given;
	options.kind = &cs_kind_pod;
	options.transport = &fake.base;
	options.random = &seed;
	options.batch = on_batch;
	options.notice = on_notice;
	reflector = cs_reflector_create(&options);
}

static void create(const char *selector)
{
	create_with(&(struct cs_reflector_options){ .field_selector = selector });
}

static void setup(void)
{
	create(NULL);
}

static void teardown(void)
{
	cs_reflector_destroy(reflector);
	fake_finish(&fake);
	cs_buffer_finish(&told);
	cs_buffer_finish(&notices);
}

static void turn(void)
{
	cs_reflector_turn(reflector, fake.now);
}

// Lets time pass and turns once.
static void pass(int64_t ns)
{
	fake.now.boot += ns;
	fake.now.wall += ns;
	turn();
}

static void assert_told(const char *expected)
{
	ck_assert_str_eq(told.data, expected);
	cs_buffer_clear(&told);
}

static void assert_notice(const char *part)
{
	ck_assert_msg(strstr(notices.data, part), "no \"%s\" in: %s", part, notices.data);
	cs_buffer_clear(&notices);
}

static void assert_quiet(void)
{
	ck_assert_str_eq(notices.data, "");
}

static bool asks(const char *part)
{
	return strstr(fake_newest(&fake)->path, part) != NULL;
}

static bool is_stream(void)
{
	return asks("sendInitialEvents=true");
}

static bool is_page(void)
{
	return !asks("watch=true");
}

// The running request is a plain watch from that version.
static bool is_watch(const char *version)
{
	char part[64];
	snprintf(part, sizeof(part), "resourceVersion=%s&", version);
	return !is_stream() && asks("watch=true") && asks(part);
}

// The one running request.
static struct cs_transport_call *running(void)
{
	ck_assert_uint_eq(fake_count(&fake), 1);
	return fake_newest(&fake);
}

static struct fake_pod pod(const char *name, const char *uid, const char *version)
{
	return (struct fake_pod){ .name = name, .uid = uid, .version = version };
}

static size_t chunk_size;

static bool send(const char *type, const char *name, const char *uid, const char *version)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct fake_pod p = pod(name, uid, version);
	fake_buffer(&out);
	fake_pod_event(&out, type, &p);
	return fake_data(running(), cs_buffer_slice(&out), chunk_size);
}

static bool send_bookmark(const char *version, bool end)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	fake_bookmark(&out, version, end);
	return fake_data(running(), cs_buffer_slice(&out), chunk_size);
}

static bool send_error(const struct fake_status *status)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	fake_error_event(&out, status);
	return fake_data(running(), cs_buffer_slice(&out), chunk_size);
}

static void answer_list(const char *version, const char *more, const struct fake_pod *pods,
			size_t n)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	fake_pod_list(&out, version, more, pods, n);
	fake_answer(running(), 200, cs_buffer_slice(&out));
}

static void refuse(int code, const char *reason, const char *message)
{
	fake_refuse(running(), &(struct fake_status){ code, reason, message, NULL, 0, false });
}

// Pods a (u1, version 5) and b (u2, version 6) are told; the watch is open at version 10.
static void sync_two(void)
{
	turn();
	send("ADDED", "a", "u1", "5");
	send("ADDED", "b", "u2", "6");
	send_bookmark("10", true);
	assert_told("+a:u1:5 +b:u2:6 SYNCED ");
}

// As sync_two, and the watch has lasted.
static void sync_and_live(void)
{
	sync_two();
	pass(5 * CS_SECOND);
}

// The request is over and nothing runs until the back-off ends.
static int64_t waiting(void)
{
	ck_assert_uint_eq(fake_count(&fake), 0);
	return cs_reflector_deadline(reflector) - fake.now.boot;
}

// Passes the back-off; returns how long it was.
static int64_t pass_backoff(void)
{
	int64_t wait = waiting();
	ck_assert_int_gt(wait, 0);
	pass(wait - 1);
	ck_assert_uint_eq(fake_count(&fake), 0);
	pass(1);
	running();
	return wait;
}

// ---- the way it should go ----

START_TEST(streams_then_watches)
{
	ck_assert_int_eq(cs_reflector_deadline(reflector), INT64_MIN);
	turn();
	ck_assert(is_stream());
	ck_assert(asks("/api/v1/pods?"));
	ck_assert(asks("resourceVersionMatch=NotOlderThan"));
	ck_assert(asks("allowWatchBookmarks=true"));
	ck_assert(!asks("resourceVersion="));
	ck_assert_str_eq(running()->accept, ACCEPT_WATCH);
	send("ADDED", "a", "u1", "5");
	assert_told("+a:u1:5 ");
	ck_assert(!cs_reflector_synced(reflector));
	send_bookmark("7", false); // not the one that ends the list
	ck_assert(!cs_reflector_synced(reflector));
	send_bookmark("10", true);
	ck_assert(cs_reflector_synced(reflector));
	assert_told("SYNCED ");
	send("MODIFIED", "a", "u1", "11");
	send("ADDED", "b", "u2", "12");
	send("DELETED", "a", "u1", "13");
	assert_told("~a:u1:11 +b:u2:12 -a:u1 ");
	ck_assert_uint_eq(fake.started, 1);
	struct cs_reflector_stats stats = cs_reflector_stats(reflector);
	ck_assert_uint_eq(stats.known, 1);
	ck_assert_uint_eq(stats.lists, 1);
	ck_assert_uint_eq(stats.objects, 5);
	assert_quiet();
}
END_TEST

START_TEST(frames_may_come_in_any_pieces)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64 };
	chunk_size = sizes[_i];
	sync_two();
	send("MODIFIED", "a", "u1", "11");
	assert_told("~a:u1:11 ");
	send_error(&(struct fake_status){ 410, "Expired", "too old", NULL, 0, false });
	assert_notice("too old");
	chunk_size = 0;
}
END_TEST

START_TEST(asks_for_a_random_timeout)
{
	unsigned long low = 1000, high = 0;
	sync_two();
	for (int i = 0; i < 200; i++) {
		pass(2 * CS_SECOND);
		fake_end(running());
		unsigned long seconds =
			strtoul(strstr(running()->path, "timeoutSeconds=") + 15, NULL, 10);
		low = seconds < low ? seconds : low;
		high = seconds > high ? seconds : high;
	}
	ck_assert_uint_ge(low, 300);
	ck_assert_uint_le(high, 600);
	ck_assert_uint_gt(high - low, 200);
}
END_TEST

START_TEST(selector_is_escaped)
{
	cs_reflector_destroy(reflector);
	cs_buffer_finish(&told);
	cs_buffer_finish(&notices);
	create("status.phase!=Succeeded,status.phase!=Failed");
	turn();
	ck_assert(asks("fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed&"));
}
END_TEST

START_TEST(batches_are_bounded)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	char name[16];
	fake_buffer(&out);
	turn();
	for (int i = 0; i < 600; i++) {
		struct fake_pod p = pod(name, "u", "1");
		snprintf(name, sizeof(name), "p%d", i);
		fake_pod_event(&out, "ADDED", &p);
	}
	fake_data(running(), cs_buffer_slice(&out), 0);
	ck_assert_uint_eq(cs_reflector_stats(reflector).objects, 600);
	ck_assert_uint_ge(batches, 3);
	ck_assert_uint_le(largest, CS_REFLECTOR_BATCH_MAX);
}
END_TEST

// ---- fallback to list and watch ----

START_TEST(falls_back_to_pages)
{
	struct fake_pod first[] = { pod("a", "u1", "5"), pod("b", "u2", "6") };
	struct fake_pod second[] = { pod("c", "u3", "7") };
	turn();
	refuse(422, "Invalid", "sendInitialEvents is forbidden for watch");
	assert_notice("sendInitialEvents is forbidden");
	ck_assert(is_page() && asks("limit=500"));
	ck_assert(!asks("resourceVersion"));
	ck_assert(!asks("continue="));
	ck_assert_str_eq(running()->accept, "application/vnd.kubernetes.protobuf");
	answer_list("20", "next/page=", first, 2);
	assert_told("+a:u1:5 +b:u2:6 ");
	ck_assert(is_page() && asks("limit=500") && asks("continue=next%2Fpage%3D"));
	answer_list("20", NULL, second, 1);
	assert_told("+c:u3:7 SYNCED ");
	ck_assert(is_watch("20"));
	send("DELETED", "a", "u1", "21");
	assert_told("-a:u1 ");
}
END_TEST

START_TEST(storage_without_progress_means_pages)
{
	turn();
	send("ADDED", "a", "u1", "5");
	send_error(&(struct fake_status){
		500, "InternalError", "required storage feature RequestWatchProgress is disabled",
		NULL, 0, false });
	assert_notice("RequestWatchProgress is disabled");
	pass_backoff();
	ck_assert(is_page());
	struct fake_pod pods[] = { pod("a", "u1", "5") };
	answer_list("9", NULL, pods, 1);
	assert_told("+a:u1:5 SYNCED "); // told once
}
END_TEST

START_TEST(expired_continue_lists_in_one_go)
{
	struct fake_pod pods[] = { pod("a", "u1", "5"), pod("b", "u2", "6") };
	turn();
	refuse(400, "BadRequest", "no");
	answer_list("20", "t", pods, 1);
	refuse(410, "Expired", "The provided continue parameter is too old");
	ck_assert(is_page() && !asks("limit=") && !asks("continue="));
	answer_list("22", NULL, pods, 2);
	assert_told("+a:u1:5 +b:u2:6 SYNCED ");
	ck_assert(is_watch("22"));
	// And the next list has pages again.
	pass(2 * CS_SECOND);
	send_error(&(struct fake_status){ 410, "Expired", "old", NULL, 0, false });
	pass_backoff();
	refuse(400, "BadRequest", "no");
	ck_assert(asks("limit=500"));
}
END_TEST

START_TEST(expired_whole_list_backs_off)
{
	struct fake_pod pods[] = { pod("a", "u1", "5") };
	turn();
	refuse(400, "BadRequest", "no");
	answer_list("20", "t", pods, 1);
	refuse(410, "Expired", "old");
	refuse(410, "Expired", "still old");
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

START_TEST(busy_page_is_asked_again)
{
	struct fake_pod pods[] = { pod("a", "u1", "5") };
	turn();
	refuse(400, "BadRequest", "no");
	answer_list("20", "t", pods, 1);
	fake_refuse(running(),
		    &(struct fake_status){ 429, "TooManyRequests", "busy", NULL, 7, true });
	ck_assert_int_ge(pass_backoff(), 7 * CS_SECOND);
	ck_assert(is_page() && asks("continue=t"));
}
END_TEST

START_TEST(unusable_lists_back_off)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_slice body = CS_SLICE("{\"kind\":\"PodList\"}");
	fake_buffer(&out);
	turn();
	refuse(400, "BadRequest", "no");
	switch (_i) {
	case 0: // JSON
		fake_done(running(), &(struct cs_response){ .status = 200, .body = body });
		assert_notice("did not answer in protobuf");
		break;
	case 1: // no envelope
		fake_answer(running(), 200, body);
		break;
	case 2: // another kind
		fake_pod(&out, &(struct fake_pod){ .name = "a", .uid = "u", .version = "1" });
		fake_answer(running(), 200, cs_buffer_slice(&out));
		assert_notice("not a PodList");
		break;
	case 3: // no version
		fake_pod_list(&out, "", NULL, NULL, 0);
		fake_answer(running(), 200, cs_buffer_slice(&out));
		assert_notice("no usable resourceVersion");
		break;
	case 4: // larger than its cap
		fake_break(running(), -EMSGSIZE, 200);
		break;
	case 5: // cut off
		fake_envelope(&out, "v1", "PodList", CS_SLICE("\x0a\x7fxx"));
		fake_answer(running(), 200, cs_buffer_slice(&out));
		break;
	default:
		ck_abort();
	}
	pass_backoff();
	ck_assert(is_stream());
	assert_told("");
}
END_TEST

// ---- the end of a watch ----

START_TEST(end_reopens_at_once)
{
	sync_and_live();
	send("MODIFIED", "a", "u1", "15");
	fake_end(running());
	ck_assert(is_watch("15"));
	assert_quiet();
}
END_TEST

START_TEST(bookmarks_advance_the_version)
{
	sync_and_live();
	send_bookmark("99", false);
	fake_end(running());
	ck_assert(is_watch("99"));
}
END_TEST

START_TEST(every_event_advances_the_version)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED" };
	sync_and_live();
	send(types[_i], "b", "u2", "31");
	fake_end(running());
	ck_assert(is_watch("31"));
}
END_TEST

START_TEST(broken_connection_after_events_reopens_at_once)
{
	sync_and_live();
	fake_break(running(), -ECONNRESET, 200);
	ck_assert(is_watch("10"));
	assert_quiet();
}
END_TEST

START_TEST(very_short_watch_backs_off_and_relists_at_last)
{
	sync_and_live();
	fake_end(running());
	for (int i = 0; i < 4; i++) {
		ck_assert(is_watch("10"));
		fake_end(running());
		assert_notice("very short watch");
		pass_backoff();
	}
	fake_end(running());
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

START_TEST(quick_ends_with_events_do_not_spin)
{
	char version[16];
	sync_and_live();
	fake_end(running());
	for (int i = 0; i < 4; i++) {
		snprintf(version, sizeof(version), "%d", 20 + i);
		send_bookmark(version, false);
		fake_end(running());
		ck_assert(is_watch(version));
	}
	for (int i = 0; i < 20; i++) {
		snprintf(version, sizeof(version), "%d", 30 + i);
		send_bookmark(version, false);
		fake_end(running());
		assert_notice("one of several very short watches; next: watch in");
		// However often: nobody tells us anything meanwhile.
		ck_assert_int_le(pass_backoff(), 1600 * CS_MILLISECOND);
		ck_assert(is_watch(version));
	}
	ck_assert_uint_eq(cs_reflector_stats(reflector).failures, 20);
}
END_TEST

START_TEST(expired_relists)
{
	struct fake_status expired = { 410,  "Expired", "too old resource version: 10 (99)",
				       NULL, 0,         _i == 2 };
	sync_and_live();
	if (_i == 0) {
		ck_assert(!send_error(&expired)); // the usual way: inside of a 200
	} else {
		fake_end(running());
		fake_refuse(running(), &expired); // HTTP 410, protobuf and JSON
	}
	assert_notice("too old resource version");
	pass_backoff();
	ck_assert(is_stream());
	ck_assert(!asks("resourceVersion="));
	// a is unchanged, b is gone, c is new.
	send("ADDED", "a", "u1", "5");
	send("ADDED", "c", "u3", "90");
	send_bookmark("100", true);
	assert_told("+c:u3:90 -b:u2 ");
	pass(2 * CS_SECOND);
	fake_end(running());
	ck_assert(is_watch("100"));
}
END_TEST

START_TEST(version_ahead_of_the_server_relists)
{
	struct fake_status ahead = { 504,
				     "Timeout",
				     "Too large resource version: 10, current: 5",
				     "ResourceVersionTooLarge",
				     1,
				     _i == 1 };
	sync_and_live();
	fake_end(running());
	fake_refuse(running(), &ahead);
	ck_assert_int_ge(pass_backoff(), 1 * CS_SECOND);
	ck_assert(is_stream());
}
END_TEST

START_TEST(busy_reopens_at_the_same_version)
{
	struct fake_status busy = { 429, "TooManyRequests", "busy", NULL, 4, false };
	sync_and_live();
	if (_i == 0) {
		send_error(&busy);
	} else {
		busy.code = _i == 1 ? 429 : 503;
		fake_end(running());
		fake_refuse(running(), &busy);
	}
	ck_assert_int_ge(pass_backoff(), 4 * CS_SECOND);
	ck_assert(is_watch("10"));
	assert_told("");
}
END_TEST

START_TEST(server_errors_are_tried_again_then_relist)
{
	struct fake_status error = { 500, "InternalError", "etcd leader changed", NULL, 0, false };
	sync_and_live();
	send_error(&error);
	int64_t total = 0;
	for (int i = 0; i < 4; i++) {
		total += pass_backoff();
		ck_assert(is_watch("10"));
		fake_refuse(running(), &error);
	}
	ck_assert_int_lt(total, 60 * CS_SECOND); // upstream: for a minute
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

START_TEST(an_event_ends_a_row_of_errors)
{
	struct fake_status error = { 500, "InternalError", "x", NULL, 0, false };
	sync_and_live();
	for (int i = 0; i < 12; i++) {
		send_error(&error);
		pass_backoff();
		ck_assert(is_watch("10"));
		send_bookmark("10", false);
	}
}
END_TEST

START_TEST(refused_connection_reopens_at_the_same_version)
{
	sync_and_live();
	int64_t last_data = cs_reflector_stats(reflector).last_data;
	fake_end(running());
	for (int i = 0; i < 20; i++) {
		fake_break(running(), -ECONNREFUSED, 0);
		pass_backoff();
		ck_assert(is_watch("10")); // never a relist: no stampede
	}
	// Asking is no answer: how long nothing came is seen.
	struct cs_reflector_stats stats = cs_reflector_stats(reflector);
	ck_assert_int_eq(stats.last_data, last_data);
	ck_assert_int_lt(stats.last_data, fake.now.boot - CS_SECOND);
	send_bookmark("11", false);
	ck_assert_int_eq(cs_reflector_stats(reflector).last_data, fake.now.boot);
}
END_TEST

START_TEST(other_refusals_relist)
{
	static const int codes[] = { 400, 401, 403, 404 };
	sync_and_live();
	fake_end(running());
	refuse(codes[_i], "No", "go away");
	assert_notice("go away");
	pass_backoff();
	ck_assert(is_stream());
	refuse(codes[_i], "No", "go away");
	ck_assert(is_page());
	refuse(codes[_i], "No", "go away");
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

START_TEST(a_body_that_is_no_status)
{
	sync_and_live();
	fake_end(running());
	fake_done(running(),
		  &(struct cs_response){ .status = 502,
					 .body = CS_SLICE("<html>Bad \x1b[31mGateway") });
	assert_notice("the server answered 502: <html>Bad ;");
	pass_backoff();
	ck_assert(is_watch("10"));
	fake_done(running(), &(struct cs_response){ .status = 502 });
	assert_notice("the server answered 502;");
	pass_backoff();
	// A Status cut off, in protobuf.
	fake_done(running(), &(struct cs_response){
				     .status = 403, .protobuf = true, .body = CS_SLICE("k8s") });
	assert_notice("the server answered 403: k8s;");
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

// ---- back-off ----

START_TEST(backoff_grows_to_its_cap_and_is_reset)
{
	turn();
	for (int i = 0; i < 12; i++) {
		int64_t base = 800 * CS_MILLISECOND;
		for (int k = 0; k < i && base < 30 * CS_SECOND; k++)
			base *= 2;
		if (base > 30 * CS_SECOND)
			base = 30 * CS_SECOND;
		fake_break(running(), -ECONNREFUSED, 0);
		int64_t wait = pass_backoff();
		ck_assert_int_ge(wait, base);
		ck_assert_int_le(wait, 2 * base);
	}
	ck_assert_uint_eq(cs_reflector_stats(reflector).failures, 12);
	send("ADDED", "a", "u1", "5");
	send_bookmark("10", true);
	pass(60 * CS_SECOND);
	send_bookmark("10", false);
	pass(61 * CS_SECOND);
	fake_end(running());
	fake_break(running(), -ECONNREFUSED, 0);
	ck_assert_int_le(pass_backoff(), 1600 * CS_MILLISECOND);
}
END_TEST

// ---- silence ----

START_TEST(silent_watch_is_reopened_on_a_new_connection)
{
	sync_two(); // has sent bookmarks
	for (int i = 0; i < 10; i++) {
		pass(60 * CS_SECOND);
		send_bookmark("12", false);
		ck_assert_uint_eq(fake.started, 1);
		if (i == 3)
			break; // before the server's own timeout
	}
	ck_assert_int_eq(cs_reflector_deadline(reflector) - fake.now.boot, 150 * CS_SECOND);
	pass(150 * CS_SECOND - 1);
	ck_assert_uint_eq(fake.cancelled, 0);
	pass(1);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert(is_watch("12"));
	ck_assert(running()->fresh);
	assert_notice("no data from the server for too long");
	send_bookmark("13", false);
	pass(2 * CS_SECOND);
	fake_end(running());
	ck_assert(!running()->fresh);
}
END_TEST

START_TEST(the_silence_that_is_death_can_be_chosen)
{
	teardown();
	create_with(&(struct cs_reflector_options){ .watch_silence = 2 * CS_SECOND });
	sync_two();
	ck_assert_int_eq(cs_reflector_deadline(reflector) - fake.now.boot, 2 * CS_SECOND);
	pass(2 * CS_SECOND);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert(is_watch("10"));
}
END_TEST

START_TEST(watch_that_outlives_its_timeout_is_dead)
{
	struct fake_pod pods[] = { pod("a", "u1", "5") };
	turn();
	refuse(400, "BadRequest", "a server without bookmarks");
	answer_list("20", NULL, pods, 1);
	long seconds = strtol(strstr(running()->path, "timeoutSeconds=") + 15, NULL, 10);
	pass((seconds + 30) * CS_SECOND - 1);
	ck_assert_uint_eq(fake.cancelled, 0);
	pass(1);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert(is_watch("20") && running()->fresh);
}
END_TEST

START_TEST(stream_without_its_bookmark_warns_then_lists)
{
	turn();
	pass(9 * CS_SECOND);
	send("ADDED", "a", "u1", "5");
	pass(9 * CS_SECOND);
	assert_quiet();
	pass(1 * CS_SECOND);
	assert_notice("hasn't received required bookmark event marking the end of initial events "
		      "stream, received last event 10 s ago");
	pass(10 * CS_SECOND);
	assert_quiet(); // once
	pass(70 * CS_SECOND);
	ck_assert(is_page() && running()->fresh);
}
END_TEST

START_TEST(silent_list_is_asked_again)
{
	turn();
	refuse(400, "BadRequest", "no");
	fake_data(running(), CS_SLICE("k8s"), 0); // bytes of a list are progress
	pass(80 * CS_SECOND);
	fake_data(running(), CS_SLICE("x"), 0);
	pass(80 * CS_SECOND);
	ck_assert_uint_eq(fake.cancelled, 0);
	pass(10 * CS_SECOND);
	ck_assert_uint_eq(fake.cancelled, 1);
	ck_assert(is_page() && running()->fresh);
	for (int i = 0; i < 4; i++)
		pass(90 * CS_SECOND);
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

START_TEST(stream_that_ends_early_backs_off)
{
	turn();
	send("ADDED", "a", "u1", "5");
	pass(2 * CS_SECOND);
	if (_i)
		fake_end(running());
	else
		fake_break(running(), -ECONNRESET, 200);
	pass_backoff();
	ck_assert(is_stream());
	send("ADDED", "a", "u1", "5");
	send_bookmark("10", true);
	assert_told("+a:u1:5 SYNCED ");
}
END_TEST

// ---- identity ----

START_TEST(recreation_while_away_is_split)
{
	sync_and_live();
	send_error(&(struct fake_status){ 410, "Expired", "old", NULL, 0, false });
	pass_backoff();
	send("ADDED", "a", "u9", "50");
	send("ADDED", "b", "u2", "6");
	send_bookmark("60", true);
	assert_told("-a:u1 +a:u9:50 ");
}
END_TEST

START_TEST(recreation_in_a_watch_is_split)
{
	sync_and_live();
	send(_i ? "MODIFIED" : "ADDED", "a", "u9", "50");
	assert_told("-a:u1 +a:u9:50 ");
	send("DELETED", "a", "u1", "51"); // of the earlier life
	assert_told("");
	send("DELETED", "a", "u9", "52");
	assert_told("-a:u9 ");
}
END_TEST

START_TEST(what_is_known_is_not_told_again)
{
	sync_and_live();
	send("ADDED", "a", "u1", "5");
	send("MODIFIED", "b", "u2", "6");
	send("DELETED", "zz", "u7", "11");
	assert_told("");
	send("ADDED", "a", "u1", "12"); // known: another version of it
	send("MODIFIED", "n", "u5", "13");
	assert_told("~a:u1:12 +n:u5:13 ");
}
END_TEST

START_TEST(paged_relist_computes_changes)
{
	struct fake_pod pods[] = { pod("a", "u1", "7"), pod("c", "u3", "8") };
	sync_and_live();
	send_error(&(struct fake_status){ 410, "Expired", "old", NULL, 0, false });
	pass_backoff();
	refuse(422, "Invalid", "no");
	answer_list("30", NULL, pods, 2);
	assert_told("~a:u1:7 +c:u3:8 -b:u2 ");
	ck_assert_uint_eq(cs_reflector_stats(reflector).known, 2);
}
END_TEST

START_TEST(many_deletions_after_a_relist)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	char name[16];
	fake_buffer(&out);
	turn();
	for (int i = 0; i < 1000; i++) {
		struct fake_pod p = pod(name, "u", "1");
		snprintf(name, sizeof(name), "p%d", i);
		fake_pod_event(&out, "ADDED", &p);
	}
	fake_bookmark(&out, "10", true);
	fake_data(running(), cs_buffer_slice(&out), 0);
	send_error(&(struct fake_status){ 410, "Expired", "old", NULL, 0, false });
	pass_backoff();
	cs_buffer_clear(&told);
	largest = 0;
	send("ADDED", "p7", "u", "1");
	send_bookmark("20", true);
	ck_assert_uint_eq(cs_reflector_stats(reflector).known, 1);
	ck_assert_uint_le(largest, CS_REFLECTOR_BATCH_MAX);
	size_t n = 0;
	for (const char *p = told.data; (p = strchr(p, '-')); p++)
		n++;
	ck_assert_uint_eq(n, 999);
	ck_assert_ptr_null(strchr(told.data, '+'));
}
END_TEST

// ---- what cannot be read ----

// A pod whose metadata is fine and whose spec is not.
static void bad_pod(struct cs_buffer *raw, const char *name)
{
	Kube__Object object = KUBE__OBJECT__INIT;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	static char namespace[] = "default", uid[] = "u8", version[] = "40";
	meta.namespace_ = namespace;
	meta.name = (char *)(uintptr_t)name;
	meta.uid = uid;
	meta.resource_version = version;
	object.metadata = &meta;
	fake_buffer(raw);
	size_t size = protobuf_c_message_get_packed_size(&object.base);
	char *at = cs_buffer_reserve(raw, size + 8);
	raw->size += protobuf_c_message_pack(&object.base, (uint8_t *)at);
	cs_buffer_append(raw, "\x12\x03\x0a\x09x", 5); // spec whose first field is cut off
}

static bool send_bad(const char *type, const char *name)
{
	CS_AUTO_BUFFER struct cs_buffer raw;
	CS_AUTO_BUFFER struct cs_buffer object;
	CS_AUTO_BUFFER struct cs_buffer out;
	bad_pod(&raw, name);
	fake_buffer(&object);
	fake_buffer(&out);
	fake_envelope(&object, "v1", "Pod", cs_buffer_slice(&raw));
	fake_frame(&out, type, cs_buffer_slice(&object));
	return fake_data(running(), cs_buffer_slice(&out), 0);
}

START_TEST(an_unreadable_object_is_skipped_by_name)
{
	sync_and_live();
	ck_assert(send_bad("ADDED", "evil"));
	assert_notice("pods: default/evil is skipped: ");
	ck_assert(send("ADDED", "c", "u3", "41"));
	assert_told("+c:u3:41 ");
	ck_assert_uint_eq(cs_reflector_stats(reflector).undecodable, 1);
	fake_end(running());
	ck_assert(is_watch("41"));
}
END_TEST

START_TEST(an_object_that_became_unreadable_is_not_deleted)
{
	sync_and_live();
	send("ADDED", "evil", "u8", "39");
	send_error(&(struct fake_status){ 410, "Expired", "old", NULL, 0, false });
	pass_backoff();
	cs_buffer_clear(&told);
	send_bad("ADDED", "evil");
	send("ADDED", "a", "u1", "5");
	send("ADDED", "b", "u2", "6");
	send_bookmark("60", true);
	assert_told("");
	send_bad("DELETED", "evil"); // its end is still told
	assert_told("-evil:u8 ");
}
END_TEST

START_TEST(events_that_make_no_sense_are_skipped)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&object);
	fake_buffer(&out);
	sync_and_live();
	send("PAINTED", "a", "u1", "12");
	assert_notice("an event about default/a is skipped: its type \"PAINTED\" is unknown");
	fake_envelope(&object, "v1", "Node", CS_SLICE(""));
	fake_frame(&out, "ADDED", cs_buffer_slice(&object));
	fake_data(running(), cs_buffer_slice(&out), 0);
	assert_notice("its object is a \"Node\"");
	cs_buffer_clear(&out);
	fake_frame(&out, "ADDED", CS_SLICE("not an object"));
	fake_data(running(), cs_buffer_slice(&out), 0);
	assert_notice("an event is skipped");
	send("ADDED", "", "u1", "12");
	send("ADDED", "x", NULL, "12");
	send("MODIFIED", "x", "u1", NULL);
	send("DELETED", "x", NULL, "12");
	assert_told("");
	ck_assert_uint_eq(cs_reflector_stats(reflector).undecodable, 7);
	ck_assert_uint_eq(fake.started, 1);
}
END_TEST

// Events without a type, and some that are no event at all: the stream goes on.
START_TEST(an_unreadable_event_is_skipped)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	sync_and_live();
	ck_assert(send("", "c", "u3", "41"));
	assert_notice("pods: an event about default/c is skipped: WatchEvent.type: is missing");
	cs_buffer_append(&out, "\0\0\0\3\x0a\x7f\x01", 7); // fields beyond the frame
	ck_assert(fake_data(running(), cs_buffer_slice(&out), 1));
	assert_notice("pods: an event is skipped: WatchEvent.type: is cut off");
	ck_assert(send("ADDED", "d", "u4", "42"));
	assert_told("+d:u4:42 ");
	ck_assert_uint_eq(cs_reflector_stats(reflector).undecodable, 2);
	ck_assert_uint_eq(fake.started, 1);
	// A good one between them: no number of them ends the stream.
	for (int i = 0; i < 30; i++) {
		ck_assert(fake_data(running(), cs_buffer_slice(&out), 0));
		if (i % 5 == 0)
			send_bookmark("43", false);
	}
	ck_assert_uint_eq(fake.started, 1);
	fake_end(running());
	ck_assert(is_watch("43"));
}
END_TEST

START_TEST(what_is_skipped_is_counted)
{
	static const struct cs_metric_info info = { .name = "skipped", .kind = CS_METRIC_COUNTER };
	struct cs_metrics *metrics = cs_metrics_create();
	struct cs_metric *skipped = cs_metrics_series(metrics, &info, NULL);
	teardown();
	create_with(&(struct cs_reflector_options){ .skipped = skipped });
	sync_and_live();
	send("", "c", "u3", "41");
	send_bad("ADDED", "evil");
	send("PAINTED", "a", "u1", "12");
	ck_assert(cs_metric_value(skipped) == 3);
	cs_metrics_destroy(metrics);
}
END_TEST

START_TEST(an_unreadable_frame_reopens_then_relists)
{
	static const struct cs_slice frames[] = {
		CS_SLICE("\xff\xff\xff\xff...."),   // longer than the cap
		CS_SLICE("{\"type\":\"ADDED\"}\n"), // JSON
		CS_SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			 "\0\0\0\0\0\0\0\0\0\0"), // nothing but events that are none
	};
	sync_and_live();
	for (int i = 0; i < 4; i++) {
		ck_assert(!fake_data(running(), frames[_i], 0));
		pass_backoff();
		ck_assert(is_watch("10"));
	}
	ck_assert(!fake_data(running(), frames[_i], 0));
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

START_TEST(a_frame_beyond_the_buffer_backs_off)
{
	sync_and_live();
	fake_break(running(), -EMSGSIZE, 200);
	pass_backoff();
	ck_assert(is_watch("10"));
}
END_TEST

START_TEST(an_error_event_without_a_status)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	sync_and_live();
	fake_frame(&out, "ERROR", CS_SLICE("?"));
	ck_assert(!fake_data(running(), cs_buffer_slice(&out), 0));
	assert_notice("an ERROR event without a Status");
	pass_backoff();
	ck_assert(is_watch("10"));
}
END_TEST

START_TEST(a_bookmark_without_a_version_is_no_end)
{
	turn();
	ck_assert(!send_bookmark("", true));
	ck_assert(!cs_reflector_synced(reflector));
	pass_backoff();
	ck_assert(is_stream());
}
END_TEST

// ---- the receiver cannot keep up ----

START_TEST(hold_and_resume)
{
	sync_and_live();
	cs_reflector_hold(reflector);
	ck_assert_uint_eq(fake_count(&fake), 0);
	ck_assert_int_eq(cs_reflector_deadline(reflector), INT64_MAX);
	pass(1000 * CS_SECOND);
	ck_assert_uint_eq(fake_count(&fake), 0);
	cs_reflector_resume(reflector, fake.now);
	ck_assert(is_stream());
	send("ADDED", "b", "u2", "7");
	send_bookmark("60", true);
	assert_told("~b:u2:7 -a:u1 ");
	cs_reflector_resume(reflector, fake.now); // not held: nothing
	ck_assert_uint_eq(fake_count(&fake), 1);
}
END_TEST

START_TEST(hold_while_waiting)
{
	turn();
	fake_break(running(), -ECONNREFUSED, 0);
	cs_reflector_hold(reflector);
	pass(100 * CS_SECOND);
	ck_assert_uint_eq(fake_count(&fake), 0);
	cs_reflector_resume(reflector, fake.now);
	ck_assert(is_stream());
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("reflector");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, streams_then_watches);
	tcase_add_loop_test(c, frames_may_come_in_any_pieces, 0, 5);
	tcase_add_test(c, asks_for_a_random_timeout);
	tcase_add_test(c, selector_is_escaped);
	tcase_add_test(c, batches_are_bounded);
	tcase_add_test(c, falls_back_to_pages);
	tcase_add_test(c, storage_without_progress_means_pages);
	tcase_add_test(c, expired_continue_lists_in_one_go);
	tcase_add_test(c, expired_whole_list_backs_off);
	tcase_add_test(c, busy_page_is_asked_again);
	tcase_add_loop_test(c, unusable_lists_back_off, 0, 6);
	tcase_add_test(c, end_reopens_at_once);
	tcase_add_test(c, bookmarks_advance_the_version);
	tcase_add_loop_test(c, every_event_advances_the_version, 0, 3);
	tcase_add_test(c, broken_connection_after_events_reopens_at_once);
	tcase_add_test(c, very_short_watch_backs_off_and_relists_at_last);
	tcase_add_test(c, quick_ends_with_events_do_not_spin);
	tcase_add_loop_test(c, expired_relists, 0, 3);
	tcase_add_loop_test(c, version_ahead_of_the_server_relists, 0, 2);
	tcase_add_loop_test(c, busy_reopens_at_the_same_version, 0, 3);
	tcase_add_test(c, server_errors_are_tried_again_then_relist);
	tcase_add_test(c, an_event_ends_a_row_of_errors);
	tcase_add_test(c, refused_connection_reopens_at_the_same_version);
	tcase_add_loop_test(c, other_refusals_relist, 0, 4);
	tcase_add_test(c, a_body_that_is_no_status);
	tcase_add_test(c, backoff_grows_to_its_cap_and_is_reset);
	tcase_add_test(c, silent_watch_is_reopened_on_a_new_connection);
	tcase_add_test(c, the_silence_that_is_death_can_be_chosen);
	tcase_add_test(c, watch_that_outlives_its_timeout_is_dead);
	tcase_add_test(c, stream_without_its_bookmark_warns_then_lists);
	tcase_add_test(c, silent_list_is_asked_again);
	tcase_add_loop_test(c, stream_that_ends_early_backs_off, 0, 2);
	tcase_add_test(c, recreation_while_away_is_split);
	tcase_add_loop_test(c, recreation_in_a_watch_is_split, 0, 2);
	tcase_add_test(c, what_is_known_is_not_told_again);
	tcase_add_test(c, paged_relist_computes_changes);
	tcase_add_test(c, many_deletions_after_a_relist);
	tcase_add_test(c, an_unreadable_object_is_skipped_by_name);
	tcase_add_test(c, an_object_that_became_unreadable_is_not_deleted);
	tcase_add_test(c, events_that_make_no_sense_are_skipped);
	tcase_add_test(c, an_unreadable_event_is_skipped);
	tcase_add_test(c, what_is_skipped_is_counted);
	tcase_add_loop_test(c, an_unreadable_frame_reopens_then_relists, 0, 3);
	tcase_add_test(c, a_frame_beyond_the_buffer_backs_off);
	tcase_add_test(c, an_error_event_without_a_status);
	tcase_add_test(c, a_bookmark_without_a_version_is_no_end);
	tcase_add_test(c, hold_and_resume);
	tcase_add_test(c, hold_while_waiting);
	suite_add_tcase(suite, c);
	return suite;
}
