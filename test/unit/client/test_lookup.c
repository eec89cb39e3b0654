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

static void reply(int status, const char *json)
{
	fake_done(fake_newest(&fake), &(struct cs_response){
					      .status = status,
					      .message = "",
					      .body = { .data = json, .size = strlen(json) },
				      });
}

static void reply_data(int version, const char *data)
{
	CS_AUTO_FREE char *json = cs_asprintf(
		"{\"kind\":\"ConfigMap\",\"metadata\":{\"resourceVersion\":\"%d\"},\"data\":%s}",
		version, data);
	reply(200, json);
}

static void ask_again(void)
{
	ck_assert_int_eq(cs_lookup_deadline(lookup), now.boot + CS_LOOKUP_PERIOD);
	now.boot += CS_LOOKUP_PERIOD - 1;
	cs_lookup_turn(lookup, now);
	ck_assert_uint_eq(fake_count(&fake), 0);
	now.boot++;
	fake.now = now;
	cs_lookup_turn(lookup, now);
	ck_assert_uint_eq(fake_count(&fake), 1);
}

// As kube-apiserver 1.36 writes it.
static const char whole[] =
	"{\"client-ca-file\":\"one\",\"requestheader-allowed-names\":\"[\\\"front-proxy\\\"]\","
	"\"requestheader-client-ca-file\":\"two\","
	"\"requestheader-extra-headers-prefix\":\"[\\\"X-Remote-Extra-\\\"]\","
	"\"requestheader-group-headers\":\"[\\\"X-Remote-Group\\\",\\\"X-More\\\"]\","
	"\"requestheader-uid-headers\":\"[\\\"X-Remote-Uid\\\"]\","
	"\"requestheader-username-headers\":\"[\\\"X-Remote-User\\\"]\"}";

START_TEST(test_found)
{
	struct cs_call *call = fake_newest(&fake);
	ck_assert_int_eq(call->method, CS_METHOD_GET);
	ck_assert_str_eq(
		call->path,
		"/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication");
	ck_assert_str_eq(call->accept, "application/json");
	ck_assert_int_eq(call->timeout, CS_LOOKUP_TIMEOUT);
	ck_assert_int_eq(cs_lookup_deadline(lookup), INT64_MAX); // one question at a time
	cs_lookup_turn(lookup, now);
	ck_assert_uint_eq(fake.started, 1);

	reply_data(1, whole);
	ck_assert_int_eq(told.found, 1);
	ck_assert_str_eq(told.cas, "one|two");
	ck_assert_str_eq(told.names, "front-proxy|X-Remote-User|X-Remote-Uid|X-Remote-Group,X-More|"
				     "X-Remote-Extra-");
	ck_assert_int_eq(told.failed, 0);
}
END_TEST

START_TEST(test_changes)
{
	reply_data(1, whole);
	ask_again();
	reply_data(1, whole);
	ck_assert_int_eq(told.found, 1); // it has not changed
	ask_again();
	reply_data(2, "{\"client-ca-file\":\"new\"}");
	ck_assert_int_eq(told.found, 2);
	ck_assert_str_eq(told.cas, "new|");
	ck_assert_str_eq(told.names, "||||");
	ask_again();
	reply(404, "{\"kind\":\"Status\",\"message\":\"not found\"}");
	ck_assert_int_eq(told.found, 2);
	ck_assert_int_eq(told.failed, 0); // who is trusted stays so
}
END_TEST

START_TEST(test_not_there)
{
	reply(404, "{\"kind\":\"Status\",\"message\":\"not found\"}");
	ck_assert_int_eq(told.found + told.failed, 0);
	ask_again();
	reply_data(1, "null");
	ck_assert_int_eq(told.found, 1);
	ck_assert_str_eq(told.cas, "|");
}
END_TEST

START_TEST(test_failures)
{
	reply(403, "{\"apiVersion\":\"v1\",\"kind\":\"Status\",\"message\":\"configmaps is "
		   "forbidden\",\"code\":403}");
	ck_assert_int_eq(told.failed, 1);
	ck_assert(told.first && told.forbidden);
	ck_assert_str_eq(told.why, "configmaps is forbidden");
	ask_again();
	reply(500, "");
	ck_assert_int_eq(told.failed, 1); // said once
	ask_again();
	reply_data(1, whole);
	ck_assert_int_eq(told.found, 1);
	ask_again();
	fake_break(fake_newest(&fake), -ECONNREFUSED, 0);
	ck_assert_int_eq(told.failed, 2);
	ck_assert(!told.first && !told.forbidden);
	ask_again();
	reply_data(1, whole);
	ck_assert_int_eq(told.found, 1);
	ask_again();
	reply(200, "not JSON");
	ck_assert_int_eq(told.failed, 3);
	ask_again();
	reply(200, "[]");
	ask_again();
}
END_TEST

// Each of these, read as a list with commas, would name somebody else, or everybody.
static const char *const no_names[] = {
	"[\\\"a,b\\\"]",         "[\\\"\\\"]", "[\\\" a\\\"]",
	"[\\\"a \\\"]",          "[7]",        "[null]",
	"{\\\"a\\\":\\\"\\\"}",  "a",          "[\\\"a\\\"",
	"[\\\"a\\\\u0000b\\\"]", "\\\"a\\\"",
};

START_TEST(test_no_names)
{
	CS_AUTO_FREE char *data =
		cs_asprintf("{\"client-ca-file\":\"one\",\"requestheader-client-ca-file\":\"two\","
			    "\"requestheader-allowed-names\":\"%s\"}",
			    no_names[_i]);
	reply_data(1, data);
	ck_assert_int_eq(told.found, 1);
	ck_assert_str_eq(told.cas, "one|two");
	ck_assert_str_eq(told.names, "unreadable");
	ck_assert_msg(strstr(told.failure, "requestheader-allowed-names: "), "%s", told.failure);
}
END_TEST

START_TEST(test_empty_lists)
{
	reply_data(1, "{\"requestheader-allowed-names\":\"[]\",\"requestheader-uid-headers\":"
		      "\"null\",\"requestheader-group-headers\":\"\"}");
	ck_assert_str_eq(told.names, "||||");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("client/lookup");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_found);
	tcase_add_test(tcase, test_changes);
	tcase_add_test(tcase, test_not_there);
	tcase_add_test(tcase, test_failures);
	tcase_add_loop_test(tcase, test_no_names, 0, CS_ARRAY_LENGTH(no_names));
	tcase_add_test(tcase, test_empty_lists);
	suite_add_tcase(suite, tcase);
	return suite;
}
