// The ConfigMap of the API server's own CAs: what is asked when, what is read, what is refused.
// Neighbours: fake.h is the transport; daemon/test_client_thread.c has what comes of it.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/client/lookup.h>

#include "fake.h"

static struct fake fake;
static struct cs_lookup *lookup;
static struct cs_time now;

static struct {
	int found, failed;
	char *cas, *names, *failure; // the last found
	char *why;                   // the last failure
	bool first, forbidden;
} told;

static void on_found(void *user, const struct cs_lookup_found *found)
{
	const struct cs_proxy_names *names = found->proxies;
	(void)user;
	told.found++;
	free(told.cas);
	free(told.names);
	free(told.failure);
	told.cas = cs_asprintf("%s|%s", found->client_ca, found->proxy_ca);
	told.names =
		names ? cs_asprintf("%s|%s|%s|%s|%s", names->allowed, names->user_headers,
				    names->uid_headers, names->group_headers, names->extra_prefixes)
		      : cs_strdup("unreadable");
	told.failure = cs_strdup(found->failure);
}

static void on_failed(void *user, const char *why, bool first, bool forbidden)
{
	(void)user;
	told.failed++;
	free(told.why);
	told.why = cs_strdup(why);
	told.first = first;
	told.forbidden = forbidden;
}

static void setup(void)
{
	fake_init(&fake);
	now = (struct cs_time){ .boot = 100 * CS_SECOND };
	fake.now = now;
	memset(&told, 0, sizeof(told));
	lookup = cs_lookup_create(&(struct cs_lookup_options){
		.transport = &fake.base, .found = on_found, .failed = on_failed });
	cs_lookup_turn(lookup, now);
}

static void teardown(void)
{
	cs_lookup_destroy(lookup);
	fake_finish(&fake);
	free(told.cas);
	free(told.names);
	free(told.failure);
	free(told.why);
}

static void refuse(int status, const char *json)
{
	fake_done(fake_newest(&fake), &(struct cs_response){
					      .status = status,
					      .message = "",
					      .body = { .data = json, .size = strlen(json) },
				      });
}

struct pair {
	const char *key, *value;
};

#define PAIRS_MAX 8

// An event about a ConfigMap of those pairs.
static void event(const char *type, const char *version, const struct pair *pairs, size_t chunk)
{
	CS_AUTO_BUFFER struct cs_buffer raw, object, frame;
	Kube__StringEntry entries[PAIRS_MAX];
	Kube__StringEntry *data[PAIRS_MAX];
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__ConfigMap map = KUBE__CONFIG_MAP__INIT;
	meta.resource_version = (char *)(uintptr_t)version;
	map.metadata = &meta;
	map.data = data;
	for (; pairs && pairs[map.n_data].key; map.n_data++) {
		Kube__StringEntry *entry = data[map.n_data] = &entries[map.n_data];
		kube__string_entry__init(entry);
		entry->key = (char *)(uintptr_t)pairs[map.n_data].key;
		entry->value = (char *)(uintptr_t)pairs[map.n_data].value;
	}
	fake_buffer(&raw);
	fake_buffer(&object);
	fake_buffer(&frame);
	char *bytes = cs_buffer_reserve(&raw, protobuf_c_message_get_packed_size(&map.base));
	raw.size = protobuf_c_message_pack(&map.base, (uint8_t *)bytes);
	fake_envelope(&object, "v1", "ConfigMap", cs_buffer_slice(&raw));
	fake_frame(&frame, type, cs_buffer_slice(&object));
	ck_assert(fake_data(fake_newest(&fake), cs_buffer_slice(&frame), chunk));
}

// The next watch begins after that pause, not before.
static void watch_again(int64_t pause)
{
	ck_assert_uint_eq(fake_count(&fake), 0);
	ck_assert_int_eq(cs_lookup_deadline(lookup), now.boot + pause);
	now.boot += pause - 1;
	cs_lookup_turn(lookup, now);
	ck_assert_uint_eq(fake_count(&fake), 0);
	now.boot++;
	fake.now = now;
	cs_lookup_turn(lookup, now);
	ck_assert_uint_eq(fake_count(&fake), 1);
}

// As kube-apiserver 1.36 writes it.
static const struct pair whole[] = {
	{ "client-ca-file", "one" },
	{ "requestheader-allowed-names", "[\"front-proxy\"]" },
	{ "requestheader-client-ca-file", "two" },
	{ "requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]" },
	{ "requestheader-group-headers", "[\"X-Remote-Group\",\"X-More\"]" },
	{ "requestheader-uid-headers", "[\"X-Remote-Uid\"]" },
	{ "requestheader-username-headers", "[\"X-Remote-User\"]" },
	{ NULL, NULL },
};

START_TEST(test_found)
{
	struct cs_transport_call *call = fake_newest(&fake);
	ck_assert_int_eq(call->method, CS_METHOD_GET);
	ck_assert_str_eq(call->path,
			 "/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3D"
			 "extension-apiserver-authentication&watch=true&timeoutSeconds=300");
	ck_assert_str_eq(call->accept, "application/vnd.kubernetes.protobuf;stream=watch");
	ck_assert_int_eq(call->timeout, 330 * CS_SECOND);
	ck_assert_int_eq(cs_lookup_deadline(lookup), INT64_MAX); // one watch at a time
	cs_lookup_turn(lookup, now);
	ck_assert_uint_eq(fake.started, 1);

	event("ADDED", "1", whole, (size_t)_i); // at once, or byte by byte
	ck_assert_int_eq(told.found, 1);
	ck_assert_str_eq(told.cas, "one|two");
	ck_assert_str_eq(told.names, "front-proxy|X-Remote-User|X-Remote-Uid|X-Remote-Group,X-More|"
				     "X-Remote-Extra-");
	ck_assert_int_eq(told.failed, 0);
}
END_TEST

START_TEST(test_changes)
{
	static const struct pair other[] = { { "client-ca-file", "new" }, { NULL, NULL } };
	event("ADDED", "1", whole, 0);
	fake_end(fake_newest(&fake));
	watch_again(CS_LOOKUP_PAUSE);
	event("ADDED", "1", whole, 0);
	ck_assert_int_eq(told.found, 1); // it has not changed
	event("MODIFIED", "2", other, 0);
	ck_assert_int_eq(told.found, 2);
	ck_assert_str_eq(told.cas, "new|");
	ck_assert_str_eq(told.names, "||||");
	event("DELETED", "3", other, 0); // who is trusted stays so
	event("BOOKMARK", "4", NULL, 0);
	ck_assert_int_eq(told.found, 2);
	event("ADDED", "5", NULL, 0);
	ck_assert_int_eq(told.found, 3);
	ck_assert_str_eq(told.cas, "|");
	ck_assert_int_eq(told.failed, 0);
}
END_TEST

// What is no event about a ConfigMap is none for us.
START_TEST(test_other_events)
{
	CS_AUTO_BUFFER struct cs_buffer frame;
	fake_buffer(&frame);
	fake_error_event(&frame, &(struct fake_status){ .code = 410, .message = "too old" });
	fake_pod_event(&frame, "ADDED",
		       &(struct fake_pod){ .name = "p", .uid = "u", .version = "7" });
	ck_assert(fake_data(fake_newest(&fake), cs_buffer_slice(&frame), 0));
	ck_assert_int_eq(told.found + told.failed, 0);
	event("ADDED", "8", whole, 0);
	ck_assert_int_eq(told.found, 1);
	// Bytes that are no frames end the watch.
	ck_assert(!fake_data(fake_newest(&fake), CS_SLICE("\xff\xff\xff\xff junk"), 0));
	watch_again(CS_LOOKUP_BACKOFF);
}
END_TEST

static const char no_leave[] = "{\"apiVersion\":\"v1\",\"kind\":\"Status\",\"message\":"
			       "\"configmaps is forbidden\",\"code\":403}";

START_TEST(test_failures)
{
	refuse(403, no_leave);
	ck_assert_int_eq(told.failed, 1);
	ck_assert(told.first && told.forbidden);
	ck_assert_str_eq(told.why, "configmaps is forbidden");
	watch_again(CS_LOOKUP_BACKOFF);
	refuse(500, "");
	ck_assert_int_eq(told.failed, 1); // said once
	watch_again(CS_LOOKUP_BACKOFF);
	event("ADDED", "1", whole, 0);
	ck_assert_int_eq(told.found, 1);
	fake_break(fake_newest(&fake), -ECONNRESET, 200);
	watch_again(CS_LOOKUP_PAUSE);
	fake_break(fake_newest(&fake), -ECONNREFUSED, 0); // others say that it is away
	watch_again(CS_LOOKUP_BACKOFF);
	fake_end(fake_newest(&fake));
	ck_assert_int_eq(told.failed, 1);
	watch_again(CS_LOOKUP_PAUSE);
	refuse(403, no_leave);
	ck_assert_int_eq(told.failed, 2);
	ck_assert(!told.first && told.forbidden);
	watch_again(CS_LOOKUP_BACKOFF);
}
END_TEST

START_TEST(test_a_server_that_is_away_at_first)
{
	fake_break(fake_newest(&fake), -ECONNREFUSED, 0);
	ck_assert_int_eq(told.failed, 1);
	ck_assert(told.first && !told.forbidden);
	watch_again(CS_LOOKUP_BACKOFF);
}
END_TEST

START_TEST(test_a_server_without_it)
{
	refuse(404, "");
	watch_again(CS_LOOKUP_BACKOFF);
	ck_assert_int_eq(told.found + told.failed, 0);
}
END_TEST

// Each of these, read as a list with commas, would name somebody else, or everybody.
static const char *const no_names[] = {
	"[\"a,b\"]",    "[\"\"]", "[\" a\"]", "[\"a \"]",        "[7]",   "[null]",
	"{\"a\":\"\"}", "a",      "[\"a\"",   "[\"a\\u0000b\"]", "\"a\"",
};

START_TEST(test_no_names)
{
	const struct pair pairs[] = {
		{ "client-ca-file", "one" },
		{ "requestheader-client-ca-file", "two" },
		{ "requestheader-allowed-names", no_names[_i] },
		{ NULL, NULL },
	};
	event("ADDED", "1", pairs, 0);
	ck_assert_int_eq(told.found, 1);
	ck_assert_str_eq(told.cas, "one|two");
	ck_assert_str_eq(told.names, "unreadable");
	ck_assert_msg(strstr(told.failure, "requestheader-allowed-names: "), "%s", told.failure);
}
END_TEST

START_TEST(test_empty_lists)
{
	static const struct pair pairs[] = {
		{ "requestheader-allowed-names", "[]" },
		{ "requestheader-uid-headers", "null" },
		{ "requestheader-group-headers", "" },
		{ NULL, NULL },
	};
	event("ADDED", "1", pairs, 0);
	ck_assert_str_eq(told.names, "||||");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("client/lookup");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_found, 0, 2);
	tcase_add_test(tcase, test_changes);
	tcase_add_test(tcase, test_other_events);
	tcase_add_test(tcase, test_failures);
	tcase_add_test(tcase, test_a_server_that_is_away_at_first);
	tcase_add_test(tcase, test_a_server_without_it);
	tcase_add_loop_test(tcase, test_no_names, 0, CS_ARRAY_LENGTH(no_names));
	tcase_add_test(tcase, test_empty_lists);
	suite_add_tcase(suite, tcase);
	return suite;
}
