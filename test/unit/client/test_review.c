// Reviews over a transport whose server is the test: what is asked, what is remembered, what fails.
// Neighbours: fake.h is the transport; daemon/test_access.c words the verdicts.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/client/review.h>

#include "fake.h"

static struct fake fake;
static struct cs_reviews *reviews;
static struct cs_time now;

static struct {
	int count;
	enum cs_review_outcome outcome;
	char user[64];
	char message[256];
	bool broken;
} last;

static void setup(void)
{
	fake_init(&fake);
	now = (struct cs_time){ .boot = 100 * CS_SECOND };
	fake.now = now;
	last.count = 0;
	reviews = cs_reviews_create(&fake.base,
				    &(struct cs_review_ttls){ .token = 10 * CS_SECOND,
							      .allowed = 20 * CS_SECOND,
							      .denied = 5 * CS_SECOND },
				    7);
}

static void teardown(void)
{
	cs_reviews_destroy(reviews);
	fake_finish(&fake);
}

static void pass(int64_t time)
{
	now.boot += time;
	fake.now = now;
}

static void on_done(void *user, const struct cs_review_result *result)
{
	(void)user;
	last.count++;
	last.outcome = result->outcome;
	last.broken = result->broken;
	snprintf(last.user, sizeof(last.user), "%s", result->user);
	snprintf(last.message, sizeof(last.message), "%s", result->message);
}

static void ask_by_token(const char *token, const char *path)
{
	cs_reviews_ask(reviews, now,
		       &(struct cs_review_ask){
			       .token = token, .verb = "get", .path = path, .done = on_done });
}

static void ask_as(const char *user, const char *group, const char *path)
{
	cs_reviews_ask(reviews, now,
		       &(struct cs_review_ask){ .user = user,
						.groups = &group,
						.n_groups = 1,
						.verb = "get",
						.path = path,
						.done = on_done });
}

static void reply(int status, const char *json)
{
	fake_done(fake_newest(&fake), &(struct cs_response){
					      .status = status,
					      .message = "",
					      .body = { .data = json, .size = strlen(json) },
				      });
}

static void expect(int count, enum cs_review_outcome outcome, const char *user, const char *message)
{
	ck_assert_int_eq(last.count, count);
	ck_assert_int_eq(last.outcome, outcome);
	ck_assert_str_eq(last.user, user);
	ck_assert_msg(strstr(last.message, message), "%s", last.message);
}

static const char token_of_ann[] =
	"{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,\"user\":{\"username\":"
	"\"ann\",\"groups\":[\"readers\",\"system:authenticated\"]}}}";
static const char allowed[] = "{\"status\":{\"allowed\":true,\"reason\":\"RBAC: yes\"}}";
static const char denied[] = "{\"status\":{\"allowed\":false,\"reason\":\"no rule\"}}";

START_TEST(test_token_then_access)
{
	ask_by_token("s3cret", "/metrics");
	struct cs_transport_call *call = fake_newest(&fake);
	ck_assert_int_eq(call->method, CS_METHOD_POST);
	ck_assert_str_eq(call->path, "/apis/authentication.k8s.io/v1/tokenreviews");
	ck_assert_str_eq(call->accept, "application/json");
	ck_assert_str_eq(call->body.data,
			 "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\","
			 "\"spec\":{\"token\":\"s3cret\"}}");
	reply(201, token_of_ann);
	ck_assert_int_eq(last.count, 0);
	call = fake_newest(&fake);
	ck_assert_str_eq(call->path, "/apis/authorization.k8s.io/v1/subjectaccessreviews");
	ck_assert_str_eq(call->body.data,
			 "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
			 "\"SubjectAccessReview\",\"spec\":{\"user\":\"ann\",\"groups\":"
			 "[\"readers\",\"system:authenticated\"],\"nonResourceAttributes\":"
			 "{\"path\":\"/metrics\",\"verb\":\"get\"}}}");
	reply(201, allowed);
	expect(1, CS_REVIEW_ALLOWED, "ann", "RBAC: yes");

	// Both are remembered, each as long as it should be.
	ask_by_token("s3cret", "/metrics");
	expect(2, CS_REVIEW_ALLOWED, "ann", "");
	ck_assert_uint_eq(fake.started, 2);
	pass(11 * CS_SECOND);
	ask_by_token("s3cret", "/metrics");
	ck_assert_uint_eq(fake.started, 3); // the token is asked again, the leave is not
	reply(201, token_of_ann);
	expect(3, CS_REVIEW_ALLOWED, "ann", "");
	ck_assert_uint_eq(fake.started, 3);
	// Another path, another token: other questions.
	ask_by_token("s3cret", "/configz");
	reply(201, denied);
	expect(4, CS_REVIEW_DENIED, "ann", "no rule");
	ask_by_token("s3creT", "/metrics");
	reply(201, "{\"status\":{\"error\":\"who?\"}}");
	expect(5, CS_REVIEW_UNKNOWN, "", "who?");
	ck_assert(!last.broken);
}
END_TEST

START_TEST(test_denials_are_remembered)
{
	ask_as("bob", "g", "/metrics");
	reply(201, denied);
	ask_as("bob", "g", "/metrics");
	expect(2, CS_REVIEW_DENIED, "bob", "no rule");
	ck_assert_uint_eq(fake.started, 1);
	// The group is part of who he is.
	ask_as("bob", "h", "/metrics");
	reply(201, allowed);
	expect(3, CS_REVIEW_ALLOWED, "bob", "");
	pass(6 * CS_SECOND);
	ask_as("bob", "g", "/metrics");
	ck_assert_uint_eq(fake.started, 3);
	reply(201, allowed);
	expect(4, CS_REVIEW_ALLOWED, "bob", "");

	ask_by_token("bad", "/x");
	reply(201, "{\"status\":{\"authenticated\":false}}");
	ask_by_token("bad", "/y");
	expect(6, CS_REVIEW_UNKNOWN, "", "");
	ck_assert_uint_eq(fake.started, 4);
}
END_TEST

// What an authorizer may go by besides user and groups: sent on, and part of who he is.
START_TEST(test_uid_and_extra)
{
	ask_by_token("scoped", "/metrics");
	reply(201, "{\"status\":{\"authenticated\":true,\"user\":{\"username\":\"ann\","
		   "\"uid\":\"7\",\"extra\":{\"scopes\":[\"user:info\"]}}}}");
	ck_assert_str_eq(fake_newest(&fake)->body.data,
			 "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":"
			 "\"SubjectAccessReview\",\"spec\":{\"user\":\"ann\",\"uid\":\"7\","
			 "\"extra\":{\"scopes\":[\"user:info\"]},\"groups\":[],"
			 "\"nonResourceAttributes\":{\"path\":\"/metrics\",\"verb\":\"get\"}}}");
	reply(201, denied);
	expect(1, CS_REVIEW_DENIED, "ann", "no rule");
	// The same once more: both are remembered.
	ask_by_token("scoped", "/metrics");
	expect(2, CS_REVIEW_DENIED, "ann", "");
	ck_assert_uint_eq(fake.started, 2);
	// Another token of hers is another question.
	ask_by_token("whole", "/metrics");
	reply(201, "{\"status\":{\"authenticated\":true,\"user\":{\"username\":\"ann\"}}}");
	ck_assert_uint_eq(fake.started, 4);
	reply(201, allowed);
	expect(3, CS_REVIEW_ALLOWED, "ann", "");
	ask_by_token("scoped", "/metrics");
	expect(4, CS_REVIEW_DENIED, "ann", "");
	// Whom the asker itself knows so well is the same one, and without that another.
	struct cs_review_ask known = { .user = "ann",
				       .uid = "7",
				       .extra = "{\"scopes\":[\"user:info\"]}",
				       .verb = "get",
				       .path = "/metrics",
				       .done = on_done };
	cs_reviews_ask(reviews, now, &known);
	expect(5, CS_REVIEW_DENIED, "ann", "");
	known.uid = known.extra = NULL;
	cs_reviews_ask(reviews, now, &known);
	expect(6, CS_REVIEW_ALLOWED, "ann", "");
	ck_assert_uint_eq(fake.started, 4);
}
END_TEST

// A path as long as strangers like is asked about each time, and not kept.
START_TEST(test_long_paths_are_not_kept)
{
	CS_AUTO_FREE char *path = cs_alloc(20000);
	memset(path, 'x', 19999);
	for (unsigned i = 1; i <= 2; i++) {
		ask_as("bob", "g", path);
		ck_assert_uint_eq(fake.started, i);
		reply(201, denied);
		expect((int)i, CS_REVIEW_DENIED, "bob", "no rule");
	}
}
END_TEST

START_TEST(test_masters)
{
	ask_as("root", "system:masters", "/metrics");
	expect(1, CS_REVIEW_ALLOWED, "root", "");
	ck_assert_uint_eq(fake.started, 0);
}
END_TEST

START_TEST(test_no_verdict_is_no_leave)
{
	static const struct {
		int status;
		const char *body;
	} cases[] = {
		{ 403, "{\"status\":{\"allowed\":true,\"authenticated\":true}}" },
		{ 404, "" },
		{ 500, "" },
		{ 201, "" },
		{ 201, "[]" },
		{ 201, "{\"status\":" },
		{ 0, "" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		ask_as("bob", "g", "/metrics");
		reply(cases[i].status, cases[i].body);
		expect((int)(2 * i + 1), CS_REVIEW_FAILED, "bob", "SubjectAccessReview: ");
		ck_assert(last.broken);
		ask_by_token("t", "/metrics");
		reply(cases[i].status, cases[i].body);
		expect((int)(2 * i + 2), CS_REVIEW_UNKNOWN, "", "TokenReview: ");
	}
	// Answers of other shapes are no leave either.
	static const char *const shapes[] = { "{}", "{\"status\":{\"allowed\":\"true\"}}",
					      "{\"status\":[true]}", "{\"status\":null}" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(shapes); i++) {
		ask_as("eve", "g", "/metrics");
		reply(201, shapes[i]);
		ck_assert_int_eq(last.outcome, CS_REVIEW_DENIED);
		pass(6 * CS_SECOND);
	}
	ask_as("bob", "g", "/metrics");
	fake_break(fake_newest(&fake), -ETIMEDOUT, 0);
	ck_assert_int_eq(last.outcome, CS_REVIEW_FAILED);
}
END_TEST

// Strangers can neither busy the API server nor fill the memory.
START_TEST(test_limits)
{
	char token[32];
	int total = CS_REVIEW_IN_FLIGHT_MAX + CS_REVIEW_WAITING_MAX;
	for (int i = 0; i < total; i++) {
		snprintf(token, sizeof(token), "token %d", i);
		ask_by_token(token, "/metrics");
	}
	ck_assert_uint_eq(fake_count(&fake), CS_REVIEW_IN_FLIGHT_MAX);
	ck_assert_int_eq(last.count, 0);
	ask_by_token("one more", "/metrics");
	expect(1, CS_REVIEW_UNKNOWN, "", "too many requests");
	for (int i = 0; i < total; i++)
		reply(201, "{}");
	ck_assert_int_eq(last.count, total + 1);
	ck_assert_uint_eq(fake_count(&fake), 0);

	CS_AUTO_FREE char *huge = cs_alloc(CS_REVIEW_TOKEN_MAX + 2);
	memset(huge, 'x', CS_REVIEW_TOKEN_MAX + 1);
	ask_by_token(huge, "/metrics");
	expect(total + 2, CS_REVIEW_UNKNOWN, "", "");
	ask_by_token("", "/metrics");
	expect(total + 3, CS_REVIEW_UNKNOWN, "", "");
	ck_assert_uint_eq(fake_count(&fake), 0);
	// More answers than are remembered.
	for (int i = 0; i < 3 * CS_REVIEW_CACHED_MAX; i++) {
		snprintf(token, sizeof(token), "/%d", i);
		ask_as("bob", "g", token);
		reply(201, denied);
	}
	unsigned started = fake.started;
	ask_as("bob", "g", token);
	ck_assert_uint_eq(fake.started, started);
}
END_TEST

START_TEST(test_end)
{
	for (int i = 0; i < CS_REVIEW_IN_FLIGHT_MAX + 3; i++)
		ask_as("bob", "g", "/metrics");
	cs_reviews_destroy(reviews);
	reviews = NULL;
	expect(CS_REVIEW_IN_FLIGHT_MAX + 3, CS_REVIEW_FAILED, "bob", "shutting down");
	ck_assert_uint_eq(fake_count(&fake), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("review");
	TCase *tcase = tcase_create("review");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_token_then_access);
	tcase_add_test(tcase, test_denials_are_remembered);
	tcase_add_test(tcase, test_uid_and_extra);
	tcase_add_test(tcase, test_long_paths_are_not_kept);
	tcase_add_test(tcase, test_masters);
	tcase_add_test(tcase, test_no_verdict_is_no_leave);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
