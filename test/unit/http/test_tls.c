// Certificates: made, read, refused, and served with. Neighbours: test_server.c for the rest.
#include "../check_main.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include <csched/base/memory.h>
#include <csched/http/server.h>

static const char *const names[] = { "localhost", "127.0.0.1", "::1" };

static struct cs_http_tls make(void)
{
	struct cs_http_tls tls;
	struct cs_error err;
	ck_assert_msg(
		cs_http_tls_self_signed("a test", names, CS_ARRAY_LENGTH(names), &tls, &err) == 0,
		"%s", err.text);
	return tls;
}

static void handle(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	(void)request;
	(void)user;
	cs_buffer_append_string(&response->body, "seet");
	cs_buffer_append_string(&response->held, "cr");
	cs_splices_add(&response->splices, 2, cs_buffer_slice(&response->held));
}

static const struct cs_http_route routes[] = { { .path = "/", .handler = handle } };

static size_t collect(char *data, size_t size, size_t n, void *user)
{
	return cs_buffer_append(user, data, size * n) == 0 ? size * n : 0;
}

struct client {
	const char *host;
	const char *ca; // what it trusts
	long version;
};

// What it gets into `body`: "" on failure.
static CURLcode get(const struct cs_http_server *server, const struct client *client,
		    struct cs_buffer *body)
{
	const char *host = client->host;
	const char *ca = client->ca;
	CURL *curl = curl_easy_init();
	char url[64];
	snprintf(url, sizeof(url), "https://%s:%u/", host, cs_http_server_port(server));
	struct curl_blob blob = { .data = (void *)(uintptr_t)ca,
				  .len = strlen(ca),
				  .flags = CURL_BLOB_COPY };
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, client->version);
	curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
	CURLcode result = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	return result;
}

START_TEST(test_serving)
{
	struct cs_http_tls tls = make();
	struct cs_http_tls other = make();
	struct cs_http_server *server;
	struct cs_error err;
	struct cs_http_options options = { .tls = &tls };
	ck_assert_msg(cs_http_server_create(&options, routes, 1, &server, &err) == 0, "%s",
		      err.text);
	const struct {
		struct client client;
		CURLcode result;
	} cases[] = {
		{ { "127.0.0.1", tls.certificate, CURL_SSLVERSION_DEFAULT }, CURLE_OK },
		{ { "localhost", tls.certificate, CURL_SSLVERSION_MAX_TLSv1_2 }, CURLE_OK },
		{ { "127.0.0.1", tls.certificate, CURL_SSLVERSION_TLSv1_3 }, CURLE_OK },
		{ { "127.0.0.1", tls.certificate,
		    CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_1 },
		  CURLE_SSL_CONNECT_ERROR },
		{ { "127.0.0.1", other.certificate, CURL_SSLVERSION_DEFAULT },
		  CURLE_PEER_FAILED_VERIFICATION },
		{ { "127.0.0.2", tls.certificate, CURL_SSLVERSION_DEFAULT },
		  CURLE_PEER_FAILED_VERIFICATION },
	};
	// 127.0.0.2 reaches a listener on every address only.
	cs_http_server_destroy(server);
	options.address = "0.0.0.0";
	ck_assert_int_eq(cs_http_server_create(&options, routes, 1, &server, &err), 0);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		CS_AUTO_BUFFER struct cs_buffer body;
		cs_buffer_init(&body, 1000);
		CURLcode result = get(server, &cases[i].client, &body);
		ck_assert_msg(result == cases[i].result, "case %zu: %s", i,
			      curl_easy_strerror(result));
		ck_assert_str_eq(body.data, result == CURLE_OK ? "secret" : "");
	}
	cs_http_server_destroy(server);
	cs_http_tls_finish(&tls);
	cs_http_tls_finish(&other);
}
END_TEST

START_TEST(test_names_that_inject_are_refused)
{
	struct cs_http_tls tls = { 0 };
	struct cs_error err;
	const char *const bad[] = { "a,DNS:bank.example" };
	ck_assert_int_eq(cs_http_tls_self_signed("x", bad, 1, &tls, &err), -EINVAL);
	ck_assert_ptr_null(tls.key);
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(test_loading)
{
	char folder[] = "/tmp/csched-tls-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(folder));
	CS_AUTO_FREE char *certificate = cs_asprintf("%s/tls.crt", folder);
	CS_AUTO_FREE char *key = cs_asprintf("%s/tls.key", folder);
	CS_AUTO_FREE char *foreign = cs_asprintf("%s/foreign.key", folder);
	CS_AUTO_FREE char *garbage = cs_asprintf("%s/garbage", folder);
	struct cs_http_tls tls = make();
	struct cs_http_tls other = make();
	write_file(certificate, tls.certificate);
	write_file(key, tls.key);
	write_file(foreign, other.key);
	write_file(garbage, "-----BEGIN NONSENSE-----\n");

	struct cs_http_tls loaded = { 0 };
	struct cs_error err;
	ck_assert_msg(cs_http_tls_load(certificate, key, &loaded, &err) == 0, "%s", err.text);
	ck_assert_str_eq(loaded.certificate, tls.certificate);
	ck_assert_str_eq(loaded.key, tls.key);
	cs_http_tls_finish(&loaded);

	const struct {
		const char *certificate;
		const char *key;
		const char *named;
	} bad[] = {
		{ certificate, foreign, "foreign.key: not the key of the certificate in " },
		{ certificate, garbage, "garbage: no " },
		{ garbage, key, "garbage: no " },
		{ "/nonexistent", key, "/nonexistent" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(bad); i++) {
		ck_assert_int_lt(cs_http_tls_load(bad[i].certificate, bad[i].key, &loaded, &err),
				 0);
		ck_assert_msg(strstr(err.text, bad[i].named), "%s", err.text);
		ck_assert_ptr_null(loaded.key);
	}
	remove(certificate);
	remove(key);
	remove(foreign);
	remove(garbage);
	remove(folder);
	cs_http_tls_finish(&tls);
	cs_http_tls_finish(&other);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("http tls");
	TCase *tests = tcase_create("tls");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_serving);
	tcase_add_test(tests, test_names_that_inject_are_refused);
	tcase_add_test(tests, test_loading);
	suite_add_tcase(suite, tests);
	return suite;
}
