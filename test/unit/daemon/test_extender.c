// The extender's listener: who may ask, what is answered with a core, with one that is slow, and
// with none. The core is played by the test.
// Neighbours: daemon/extender.c; test_verbs.c has the real core's answers, test_keys.c
// certificates.
#include "../check_main.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/memory.h>

#include "daemon/call.h"
#include "daemon/extender.h"
#include "daemon/message.h"

#define TIMEOUT (300 * CS_MILLISECOND)
#define NAMES   "{\"Pod\":null,\"NodeNames\":[\"a\",\"b\"]}"

static struct cs_log logger;
static struct cs_daemon_status status;
static struct cs_metrics *metrics;
static struct cs_mailbox *core;
static struct cs_extender_options options;
static struct cs_extender *extender;
static struct cs_error err;

static void setup(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	logger = (struct cs_log){ .fd = -1, .clock = cs_clock_system() };
	memset(&status, 0, sizeof(status));
	metrics = cs_metrics_create();
	core = cs_mailbox_create(NULL, NULL);
	extender = NULL;
	options = (struct cs_extender_options){
		.serving = { .address = "127.0.0.1",
			     .port = CS_DAEMON_PORT_FREE,
			     .certificate_file = "",
			     .key_file = "",
			     .client_ca_file = "",
			     .allowed_names = "",
			     .timeout = TIMEOUT,
			     .profile = "" },
		.status = &status,
		.metrics = metrics,
		.core = core,
		.log = &logger,
	};
}

static void start(void)
{
	ck_assert_msg(cs_extender_create(&options, &extender, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	cs_extender_destroy(extender);
	struct cs_message *next;
	for (struct cs_message *message = cs_mailbox_take(core); message; message = next) {
		next = message->next;
		cs_message_free_core(message);
	}
	cs_mailbox_destroy(core);
	cs_metrics_destroy(metrics);
}

// ---- a client ----

struct request {
	const char *path;
	const char *body; // NULL = GET
	long status;
	char answer[1024];
	size_t size;
	pthread_t thread;
};

static size_t receive(char *data, size_t size, size_t n, void *user)
{
	struct request *request = user;
	ck_assert_uint_lt(request->size + size * n, sizeof(request->answer));
	memcpy(request->answer + request->size, data, size * n);
	request->size += size * n;
	request->answer[request->size] = '\0';
	return size * n;
}

static void *perform(void *user)
{
	struct request *request = user;
	CURL *curl = curl_easy_init();
	CS_AUTO_FREE char *url = cs_asprintf("http://127.0.0.1:%u%s",
					     (unsigned)cs_extender_port(extender), request->path);
	request->size = 0;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
	if (request->body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	ck_assert_int_eq(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &request->status);
	curl_easy_cleanup(curl);
	return NULL;
}

static void begin(struct request *request)
{
	pthread_create(&request->thread, NULL, perform, request);
}

static void end(struct request *request, long expected, const char *answer)
{
	pthread_join(request->thread, NULL);
	ck_assert_int_eq(request->status, expected);
	ck_assert_str_eq(request->answer, answer);
}

static void expect(const char *path, const char *body, long expected, const char *answer)
{
	struct request request = { .path = path, .body = body };
	begin(&request);
	end(&request, expected, answer);
}

// ---- a core ----

static struct cs_call *next_call(void)
{
	struct cs_message *message = NULL;
	while (!(message = cs_mailbox_take(core)))
		cs_mailbox_wait(core, -1);
	ck_assert_int_eq(message->kind, CS_CORE_CALL);
	ck_assert_ptr_null(message->next);
	return (struct cs_call *)message;
}

static void expect_metric(const char *verb, const char *result, int count)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	CS_AUTO_FREE char *line =
		cs_asprintf("\ncsched_extender_requests_total{verb=\"%s\",result=\"%s\"} %d\n",
			    verb, result, count);
	cs_buffer_init(&text, 1 << 20);
	cs_metrics_print(metrics, &text);
	ck_assert_msg(strstr(text.data, line) != NULL, "%s is not in %s", line, text.data);
}

START_TEST(the_cores_answer)
{
	struct request request = { .path = "/prioritize", .body = NAMES };
	options.serving.timeout = 60 * CS_SECOND;
	start();
	for (int i = 1; i <= 3; i++) {
		begin(&request);
		struct cs_call *call = next_call();
		ck_assert_int_eq(call->verb, CS_VERB_PRIORITIZE);
		ck_assert_uint_eq(call->args.n_nodes, 2);
		call->scores = cs_arena_alloc(call->arena, 2);
		call->scores[1] = (uint8_t)i;
		cs_call_return(call, CS_CALL_DONE);
		CS_AUTO_FREE char *answer = cs_asprintf(
			"[{\"Host\":\"a\",\"Score\":0},{\"Host\":\"b\",\"Score\":%d}]", i);
		end(&request, 200, answer);
	}
	expect_metric("prioritize", "done", 3);
}
END_TEST

static const struct {
	const char *path;
	const char *body;
	const char *answer;
} late[] = {
	{ "/filter", NAMES,
	  "{\"Nodes\":null,\"NodeNames\":[\"a\",\"b\"],\"FailedNodes\":null,"
	  "\"FailedAndUnresolvableNodes\":null,\"Error\":\"\"}" },
	{ "/prioritize", NAMES, "[{\"Host\":\"a\",\"Score\":0},{\"Host\":\"b\",\"Score\":0}]" },
	{ "/preempt", "{\"NodeNameToMetaVictims\":{\"n\":{\"Pods\":[{\"UID\":\"u\"}]}}}",
	  "{\"NodeNameToMetaVictims\":{\"n\":{\"Pods\":[{\"UID\":\"u\"}],"
	  "\"NumPDBViolations\":0}}}" },
	{ "/bind", "{\"PodName\":\"p\"}", "{\"Error\":\"c-sched has not bound the pod in time\"}" },
};

// Each is answered in its time, though the core never is; what it says later is nobody's.
START_TEST(a_core_that_is_too_slow)
{
	struct request request = { .path = late[_i].path, .body = late[_i].body };
	start();
	struct cs_clock clock = cs_clock_system();
	for (int i = 0; i < 2; i++) {
		int64_t before = cs_clock_now(&clock).boot;
		begin(&request);
		struct cs_call *call = next_call();
		end(&request, 200, late[_i].answer);
		int64_t took = cs_clock_now(&clock).boot - before;
		ck_assert_int_ge(took, TIMEOUT);
		ck_assert(atomic_load(&call->late));
		ck_assert_ptr_nonnull(call->room); // its body is here still, and counts
		call->verdicts = cs_arena_alloc_array(call->arena, 3, sizeof(*call->verdicts));
		cs_call_return(call, CS_CALL_DONE);
		// Past the time after which the clerk has to be woken.
		usleep((useconds_t)(i ? 0 : 2 * TIMEOUT / CS_MICROSECOND));
	}
	expect_metric(late[_i].path + 1, "late", 2);
}
END_TEST

START_TEST(many_at_once_without_a_core)
{
	struct request requests[20];
	start();
	for (size_t i = 0; i < CS_ARRAY_LENGTH(requests); i++) {
		requests[i] = (struct request){ .path = "/filter", .body = NAMES };
		begin(&requests[i]);
	}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(requests); i++)
		end(&requests[i], 200, late[0].answer);
	expect_metric("filter", "late", CS_ARRAY_LENGTH(requests));
}
END_TEST

START_TEST(what_is_not_understood)
{
	start();
	expect("/filter", "{\"NodeNames\":[1]}", 400, "byte 14: expected a string\n");
	expect("/bind", "", 400, "byte 0: expected an object\n");
	expect("/other", NAMES, 404, "there is nothing at this path\n");
	expect("/filter", NULL, 405, "this path does not answer that method\n");
	expect_metric("filter", "malformed", 1);
	// 4 MiB are enough for names.
	CS_AUTO_FREE char *body = cs_asprintf("{\"NodeNames\":[\"%*s\"]}", 4 << 20, "x");
	expect("/filter", body, 413, "4194322 bytes are more than the 4194304 of such a request\n");
	expect("/bind", body, 413, "the request body is too long\n");
}
END_TEST

START_TEST(an_end_with_calls_under_way)
{
	struct request request = { .path = "/filter", .body = NAMES };
	options.serving.timeout = 60 * CS_SECOND;
	start();
	begin(&request);
	struct cs_call *call = next_call();
	cs_extender_destroy(CS_TAKE(extender));
	pthread_join(request.thread, NULL);
	ck_assert_int_eq(request.status, 503);
	cs_call_destroy(call);
}
END_TEST

// ---- health ----

START_TEST(only_the_leader_is_ready)
{
	options.elect = true;
	start();
	expect("/healthz", NULL, 200, "ok\n");
	expect("/readyz", NULL, 503, "the cluster is not known yet\n");
	atomic_store(&status.handlers_synced, true);
	expect("/readyz", NULL, 503, "another replica is the leader\n");
	atomic_store(&status.leading, true);
	expect("/readyz", NULL, 200, "ok\n");
	atomic_store(&status.stopping, true);
	expect("/readyz", NULL, 503, "shutting down\n");
	expect("/livez", NULL, 200, "ok\n");
}
END_TEST

// ---- who may ask ----

static const struct {
	const char *address;
	const char *certificate;
	const char *ca;
	const char *names;
	bool allow;
	const char *words; // NULL: it starts, or fails for another reason
} settings[] = {
	{ "0.0.0.0", "", "", "", false, "would answer everybody" },
	{ "10.1.2.3", "c", "", "", false, "would answer everybody" },
	{ "127.0.0.1", "", "ca", "", false, "--extender-client-ca-file needs" },
	{ "127.0.0.1", "", "", "x", false, "--extender-allowed-names needs" },
	{ "0.0.0.0", "", "", "", true, NULL },
	{ "::1", "", "", "", false, NULL },
};

START_TEST(settings_that_would_let_anybody_ask)
{
	options.serving.address = settings[_i].address;
	options.serving.certificate_file = settings[_i].certificate;
	options.serving.key_file = settings[_i].certificate;
	options.serving.client_ca_file = settings[_i].ca;
	options.serving.allowed_names = settings[_i].names;
	options.serving.allow_unauthenticated = settings[_i].allow;
	int r = cs_extender_create(&options, &extender, &err);
	if (settings[_i].words) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, settings[_i].words));
	} else {
		ck_assert(r == 0 || !strstr(err.text, "extender"));
	}
}
END_TEST

START_TEST(no_port_no_extender)
{
	options.serving.port = CS_DAEMON_PORT_NONE;
	start();
	ck_assert_ptr_null(extender);
}
END_TEST

START_TEST(allowed_names)
{
	char *names[] = { (char *)(uintptr_t) "scheduler.example" };
	struct cs_http_identity identity = { .common_name =
						     (char *)(uintptr_t) "system:kube-scheduler",
					     .names = names,
					     .n_names = 1 };
	ck_assert(cs_extender_name_allowed(&identity, "a,system:kube-scheduler"));
	ck_assert(cs_extender_name_allowed(&identity, "scheduler.example,b"));
	ck_assert(!cs_extender_name_allowed(&identity, "system:kube,scheduler.example.org,"));
	ck_assert(!cs_extender_name_allowed(&identity, ",,"));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("extender");
	TCase *tests = tcase_create("listener");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, the_cores_answer);
	tcase_add_loop_test(tests, a_core_that_is_too_slow, 0, CS_ARRAY_LENGTH(late));
	tcase_add_test(tests, many_at_once_without_a_core);
	tcase_add_test(tests, what_is_not_understood);
	tcase_add_test(tests, an_end_with_calls_under_way);
	tcase_add_test(tests, only_the_leader_is_ready);
	tcase_add_loop_test(tests, settings_that_would_let_anybody_ask, 0,
			    CS_ARRAY_LENGTH(settings));
	tcase_add_test(tests, no_port_no_extender);
	tcase_add_test(tests, allowed_names);
	suite_add_tcase(suite, tests);
	return suite;
}
