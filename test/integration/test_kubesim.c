// The program kubesim as its users meet it: flags, files, TLS, token, manifests, signals, requests.
// Neighbours: lib/sim's unit tests show the API in detail; test/e2e/conformance compares it with
// the real one.
#include "../unit/check_main.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#include "harness.h"

#define PODS     "/api/v1/namespaces/default/pods"
#define PROTOBUF "application/vnd.kubernetes.protobuf"

// ---- a client that can do what the harness's cannot ----

struct call {
	const char *url;
	const char *accept;
	const char *token;
	const char *ca; // PEM; NULL = plain
	struct cs_buffer body;
	long status;
};

static size_t take(char *data, size_t size, size_t n, void *user)
{
	return cs_buffer_append(user, data, size * n) ? 0 : size * n;
}

static CURLcode get(struct call *call)
{
	CS_AUTO_FREE char *accept =
		cs_asprintf("Accept: %s", call->accept ? call->accept : "application/json");
	CS_AUTO_FREE char *bearer =
		cs_asprintf("Authorization: Bearer %s", call->token ? call->token : "");
	struct curl_slist *headers = curl_slist_append(NULL, accept);
	if (call->token)
		headers = curl_slist_append(headers, bearer);
	CURL *curl = curl_easy_init();
	cs_buffer_init(&call->body, 64u << 20);
	curl_easy_setopt(curl, CURLOPT_URL, call->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)HARNESS_PATIENCE);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &call->body);
	if (call->ca) {
		struct curl_blob blob = { .data = (void *)(uintptr_t)call->ca,
					  .len = strlen(call->ca),
					  .flags = CURL_BLOB_COPY };
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return code;
}

static char *url_of(const struct harness_process *kubesim, const char *path)
{
	return cs_asprintf("http://127.0.0.1:%d%s", kubesim->port, path);
}

static size_t count_items(const struct harness_process *kubesim, const char *path)
{
	return json_object_array_length(cs_value_at(harness_get(kubesim, path), "items"));
}

// ---- the command line ----

START_TEST(test_help_and_version)
{
	struct harness_process *help =
		harness_start("kubesim", (const char *const[]){ "--help", NULL });
	ck_assert_int_eq(harness_wait_exit(help), 0);
	static const char *const flags[] = { "--address=IP",
					     "--port=PORT",
					     "--port-file=FILE",
					     "--kubeconfig-out=FILE",
					     "--nodes=N",
					     "--zones=N",
					     "--seed=N",
					     "--manifest=FILE",
					     "--faults=FILE",
					     "--tls",
					     "--token=TOKEN",
					     "--history=N",
					     "--kubelet-delay=MS",
					     "--bookmark-interval=S",
					     "--load",
					     "--load-annotations",
					     "--load-interval=MS",
					     "--load-delay=MS",
					     "--load-ramp=MS",
					     "--load-noise=PERCENT",
					     "--version" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(flags); i++)
		ck_assert_msg(harness_logged(help, flags[i]), "%s", flags[i]);
	struct harness_process *version =
		harness_start("kubesim", (const char *const[]){ "--version", NULL });
	ck_assert_int_eq(harness_wait_exit(version), 0);
	ck_assert(harness_logged(version, "kubesim " CSCHED_VERSION "\n"));
}
END_TEST

static const struct {
	const char *arguments[4];
	int status;
	const char *words;
} refused[] = {
	{ { "--nonsense" }, 2, "kubesim: unknown flag: --nonsense\n" },
	{ { "nonsense" }, 2, "kubesim: takes no argument \"nonsense\"\n" },
	{ { "--port" }, 2, "kubesim: --port needs a value: PORT\n" },
	{ { "--tls=yes" }, 2, "kubesim: --tls: \"yes\" is neither true nor false\n" },
	{ { "--port", "70000" }, 2, "kubesim: --port: 70000 is not between 0 and 65535\n" },
	{ { "--nodes=x" }, 2, "kubesim: --nodes: \"x\" is not a whole number\n" },
	{ { "--load", "--load-interval=500", "--load-delay=501" },
	  2,
	  "kubesim: --load-delay is longer than --load-interval\n" },
	{ { "--load-annotations" }, 2, "kubesim: --load-annotations goes with --load\n" },
	{ { "--load=false", "--load-noise=0" }, 2, "kubesim: --load-noise goes with --load\n" },
	{ { "--load-noise=0", "--help" }, 0, "Usage:\n" },
	{ { "--manifest=-", "--faults=-" },
	  2,
	  "kubesim: --faults: standard input (-) can be read only once\n" },
	{ { "--load-noise=101" }, 2, "kubesim: --load-noise: 101 is not between 0 and 100\n" },
	{ { "--address", "localhost" },
	  1,
	  "kubesim: listen address localhost: not a numeric IP address\n" },
	{ { "--manifest", "/nonexistent.yaml" }, 1, "/nonexistent.yaml" },
	{ { "--faults", "/nonexistent.yaml" }, 1, "/nonexistent.yaml" },
	{ { "--port-file", "/nonexistent/port" }, 1, "/nonexistent/port" },
};

START_TEST(test_refusals)
{
	struct harness_process *kubesim = harness_check_run("kubesim", refused[_i].arguments,
							    refused[_i].status, refused[_i].words);
	ck_assert(!harness_logged(kubesim, "is serving"));
}
END_TEST

START_TEST(test_bad_files_are_named)
{
	const char *manifest = harness_path("bad.yaml");
	harness_write_file(manifest, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fine}\n"
				     "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
				     "spec: {containers: []}\n");
	struct harness_process *kubesim =
		harness_start("kubesim", (const char *const[]){ "--manifest", manifest, NULL });
	ck_assert_int_eq(harness_wait_exit(kubesim), 1);
	ck_assert_msg(harness_logged(kubesim, "bad.yaml:5: Pod: Pod \"p\" is invalid: "
					      "spec.containers: Required value\n"),
		      "%s", harness_read_file(kubesim->log));
	const char *faults = harness_path("faults.yaml");
	harness_write_file(faults, "- {action: explode}\n");
	kubesim = harness_start("kubesim", (const char *const[]){ "--faults", faults, NULL });
	ck_assert_int_eq(harness_wait_exit(kubesim), 1);
	ck_assert_msg(
		harness_logged(kubesim, "faults.yaml: rule 1: action: not a value it may have\n"),
		"%s", harness_read_file(kubesim->log));
}
END_TEST

START_TEST(test_a_port_in_use)
{
	struct harness_process *first = HARNESS_KUBESIM();
	CS_AUTO_FREE char *port = cs_asprintf("%d", first->port);
	struct harness_process *second =
		harness_start("kubesim", (const char *const[]){ "--port", port, NULL });
	ck_assert_int_eq(harness_wait_exit(second), 1);
	ck_assert(harness_logged(second, "Address already in use"));
}
END_TEST

// ---- start and end ----

START_TEST(test_start_and_end)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=24", "--zones=3");
	CS_AUTO_FREE char *words =
		cs_asprintf("kubesim is serving on http://127.0.0.1:%d\n", kubesim->port);
	harness_wait_logged(kubesim, words);
	ck_assert_uint_eq(count_items(kubesim, "/api/v1/nodes"), 24);
	// It ends with a watch open: the client sees a proper end of the stream.
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid_t child = fork();
	if (child == 0) {
		CS_AUTO_FREE char *url = url_of(kubesim, PODS "?watch=1&timeoutSeconds=300");
		struct call call = { .url = url };
		CURLcode code = get(&call);
		char result = code == CURLE_OK ? 'k' : 'b';
		_exit(write(pipe_fds[1], &result, 1) != 1);
	}
	for (double end = harness_now() + HARNESS_PATIENCE; harness_now() < end;
	     harness_sleep(0.01))
		if (cs_value_at(harness_get(kubesim, "/kubesim/state"), "watches.pods"))
			break;
	// It does not wait for the end of the watch, which is further away than the harness's
	// patience.
	ck_assert_int_eq(harness_stop(kubesim, SIGTERM), 0);
	char result = 0;
	ck_assert_int_eq(read(pipe_fds[0], &result, 1), 1);
	ck_assert_int_eq(result, 'k');
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	struct harness_process *interrupted = HARNESS_KUBESIM();
	ck_assert_int_eq(harness_stop(interrupted, SIGINT), 0);
}
END_TEST

// ---- the kubeconfig ----

static char *decoded_ca(const char *kubeconfig)
{
	struct cs_error err;
	CS_AUTO_VALUE struct json_object *documents = NULL;
	ck_assert_int_eq(cs_value_read_yaml(cs_slice_of(kubeconfig), &documents, &err), 0);
	struct json_object *config = json_object_array_get_idx(documents, 0);
	struct json_object *cluster = json_object_array_get_idx(cs_value_at(config, "clusters"), 0);
	const char *data = cs_value_string_at(cluster, "cluster.certificate-authority-data");
	ck_assert_ptr_nonnull(data);
	char *pem = cs_alloc(strlen(data) + 1);
	ck_assert_int_gt(EVP_DecodeBlock((unsigned char *)pem, (const unsigned char *)data,
					 (int)strlen(data)),
			 0);
	return pem;
}

START_TEST(test_tls_and_token)
{
	const char *port_file = harness_path("port");
	const char *kubeconfig = harness_path("kubeconfig");
	struct harness_process *kubesim = harness_start(
		"kubesim",
		(const char *const[]){ "--tls", "--token", "sesame", "--port-file", port_file,
				       "--kubeconfig-out", kubeconfig, NULL });
	harness_wait_logged(kubesim, "kubesim is serving on https://127.0.0.1:");
	const char *config = harness_read_file(kubeconfig);
	ck_assert_ptr_nonnull(strstr(config, "token: \"sesame\""));
	CS_AUTO_FREE char *ca = decoded_ca(config);
	CS_AUTO_FREE char *url = cs_asprintf("https://127.0.0.1:%d" PODS,
					     (int)strtol(harness_read_file(port_file), NULL, 10));
	struct call call = { .url = url, .token = "sesame", .ca = ca };
	ck_assert_int_eq(get(&call), CURLE_OK);
	ck_assert_int_eq(call.status, 200);
	cs_buffer_finish(&call.body);
	call.token = "open";
	ck_assert_int_eq(get(&call), CURLE_OK);
	ck_assert_int_eq(call.status, 401);
	ck_assert_ptr_nonnull(strstr(call.body.data, "\"reason\":\"Unauthorized\""));
	cs_buffer_finish(&call.body);
	ck_assert_int_eq(harness_stop(kubesim, SIGTERM), 0);
}
END_TEST

// ---- the API ----

START_TEST(test_manifests_and_seed)
{
	const char *manifest = harness_path("app.yaml");
	harness_write_file(manifest,
			   "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
			   "  replicas: 4\n  selector: {matchLabels: {app: web}}\n  template:\n"
			   "    metadata: {labels: {app: web}}\n"
			   "    spec: {containers: [{name: c, image: i}]}\n"
			   "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
			   "spec: {selector: {app: web}, ports: [{port: 80}]}\n");
	struct harness_process *kubesim = HARNESS_KUBESIM("--manifest", manifest, "--seed=5");
	for (double end = harness_now() + HARNESS_PATIENCE;
	     count_items(kubesim, PODS) < 4 && harness_now() < end;)
		harness_sleep(0.02);
	ck_assert_uint_eq(count_items(kubesim, PODS), 4);
	harness_get(kubesim, "/api/v1/namespaces/default/services/web");
}
END_TEST

START_TEST(test_paging)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--history=50");
	for (int i = 0; i < 7; i++)
		harness_create(kubesim, "/api/v1/namespaces/default/configmaps",
			       "{\"metadata\":{\"name\":\"c%d\"}}", i);
	struct cs_buffer path;
	cs_buffer_init(&path, 4096);
	cs_buffer_append_string(&path, "/api/v1/configmaps?limit=3");
	size_t total = 0;
	for (int page = 0; page < 3; page++) {
		struct json_object *list = harness_get(kubesim, path.data);
		total += json_object_array_length(cs_value_at(list, "items"));
		const char *next = cs_value_string_at(list, "metadata.continue");
		ck_assert_int_eq(page < 2, next != NULL);
		// A change in between is not seen.
		harness_create(kubesim, "/api/v1/namespaces/default/configmaps",
			       "{\"metadata\":{\"name\":\"d%d\"}}", page);
		cs_buffer_clear(&path);
		cs_buffer_printf(&path, "/api/v1/configmaps?limit=3&continue=%s", next ? next : "");
	}
	ck_assert_uint_eq(total, 7);
	// Until the history has moved on.
	struct json_object *list = harness_get(kubesim, "/api/v1/configmaps?limit=1");
	cs_buffer_clear(&path);
	cs_buffer_printf(&path, "/api/v1/configmaps?continue=%s",
			 cs_value_string_at(list, "metadata.continue"));
	for (int i = 0; i < 60; i++)
		harness_create(kubesim, "/api/v1/namespaces/default/configmaps",
			       "{\"metadata\":{\"name\":\"e%d\"}}", i);
	struct harness_response gone = harness_request(kubesim, "GET", path.data, NULL, NULL);
	ck_assert_int_eq(gone.status, 410);
	ck_assert_ptr_nonnull(strstr(gone.body, "\"reason\":\"Expired\""));
	cs_buffer_finish(&path);
	CS_AUTO_FREE char *url =
		url_of(kubesim, "/api/v1/configmaps?watch=1&resourceVersion=2&timeoutSeconds=5");
	struct call watch = { .url = url };
	ck_assert_int_eq(get(&watch), CURLE_OK);
	ck_assert_ptr_nonnull(strstr(watch.body.data, "{\"type\":\"ERROR\""));
	ck_assert_ptr_nonnull(strstr(watch.body.data, "\"code\":410"));
	cs_buffer_finish(&watch.body);
}
END_TEST

START_TEST(test_bind_and_patch)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=2", "--kubelet-delay=10");
	harness_create(kubesim, PODS,
		       "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\","
		       "\"image\":\"i\"}]}}");
	struct harness_response patched = harness_request(
		kubesim, "PATCH", PODS "/p/status", "application/strategic-merge-patch+json",
		"{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
		"\"reason\":\"Unschedulable\"}]}}");
	ck_assert_int_eq(patched.status, 200);
	harness_create(kubesim, PODS "/p/binding",
		       "{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\",\"name\":"
		       "\"node-1\"}}");
	struct harness_response again =
		harness_request(kubesim, "POST", PODS "/p/binding", "application/json",
				"{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\","
				"\"name\":\"node-2\"}}");
	ck_assert_int_eq(again.status, 409);
	ck_assert_msg(strstr(again.body, "pod p is already assigned to node \\\"node-1\\\""), "%s",
		      again.body);
	ck_assert_int_eq(harness_bindings(kubesim), 1);
	for (double end = harness_now() + HARNESS_PATIENCE; harness_now() < end;
	     harness_sleep(0.02))
		if (cs_string_equal(
			    cs_value_string_at(harness_get(kubesim, PODS "/p"), "status.phase"),
			    "Running"))
			return;
	ck_abort_msg("the pod never ran");
}
END_TEST

static char *as_json(const struct cs_kind *kind, const ProtobufCMessage *message)
{
	struct cs_buffer out;
	struct cs_json_writer json;
	cs_buffer_init(&out, 1u << 20);
	cs_json_init(&json, &out);
	cs_codec_write(kind, message, &json);
	return cs_buffer_take(&out);
}

START_TEST(test_formats_agree)
{
	struct harness_process *kubesim = HARNESS_KUBESIM("--nodes=12", "--zones=3");
	for (int i = 1; i <= 12; i++) {
		CS_AUTO_FREE char *path = cs_asprintf("/api/v1/nodes/node-%d", i);
		CS_AUTO_FREE char *url = url_of(kubesim, path);
		CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
		struct cs_error err = { 0 };
		struct call call = { .url = url, .accept = PROTOBUF };
		Kube__Unknown envelope;
		ProtobufCMessage *left;
		ProtobufCMessage *right;
		ck_assert_int_eq(get(&call), CURLE_OK);
		ck_assert_int_eq(cs_protobuf_read_envelope(cs_buffer_slice(&call.body), arena,
							   &envelope, &err),
				 0);
		struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
		ck_assert_int_eq(cs_protobuf_read(&kube__node__descriptor, raw, arena, &left, &err),
				 0);
		ck_assert_msg(cs_codec_read(&kube__node__descriptor, harness_get(kubesim, path),
					    arena, &right, &err) == 0,
			      "%s", err.text);
		CS_AUTO_FREE char *left_text = as_json(&cs_kind_node, left);
		CS_AUTO_FREE char *right_text = as_json(&cs_kind_node, right);
		ck_assert_str_eq(left_text, right_text);
		cs_buffer_finish(&call.body);
	}
}
END_TEST

START_TEST(test_faults_from_a_file)
{
	const char *faults = harness_path("faults.yaml");
	harness_write_file(faults, "- match: {verb: list, resource: nodes}\n"
				   "  action: status\n  code: 503\n  retryAfter: 1\n");
	struct harness_process *kubesim = HARNESS_KUBESIM("--faults", faults);
	struct harness_response first =
		harness_request(kubesim, "GET", "/api/v1/nodes", NULL, NULL);
	ck_assert_int_eq(first.status, 503);
	harness_get(kubesim, "/api/v1/nodes");
	ck_assert_int_eq(harness_faults_hit(kubesim), 1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("kubesim");
	TCase *tests = tcase_create("kubesim");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, harness_setup, harness_teardown);
	tcase_add_test(tests, test_help_and_version);
	tcase_add_loop_test(tests, test_refusals, 0, CS_ARRAY_LENGTH(refused));
	tcase_add_test(tests, test_bad_files_are_named);
	tcase_add_test(tests, test_a_port_in_use);
	tcase_add_test(tests, test_start_and_end);
	tcase_add_test(tests, test_tls_and_token);
	tcase_add_test(tests, test_manifests_and_seed);
	tcase_add_test(tests, test_paging);
	tcase_add_test(tests, test_bind_and_patch);
	tcase_add_test(tests, test_formats_agree);
	tcase_add_test(tests, test_faults_from_a_file);
	suite_add_tcase(suite, tests);
	return suite;
}
