// Certificates of clients, and files that change under a running server.
// Neighbours: authority.c signs; test_tls.c has what is served without clients' certificates.
#include "../check_main.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/http/server.h>

#include "authority.h"

static char folder[64];
static char *files[3]; // certificate, key, client CA
static struct authority *clients;

static struct {
	pthread_mutex_t lock;
	int loads;
	int failures;
	char failure[512];
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

// At once, so that nobody sees half of it.
static void write_file(const char *path, const char *text)
{
	CS_AUTO_FREE char *beside = cs_asprintf("%s.new", path);
	FILE *file = fopen(beside, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(beside, path), 0);
}

// Leaves no trace in the file's number, size and time of change.
static void overwrite_file(const char *path, const char *text)
{
	struct stat before;
	CS_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_int_eq(before.st_size, (off_t)strlen(text));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(futimens(fd, (struct timespec[]){ before.st_atim, before.st_mtim }), 0);
}

static void setup(void)
{
	static const char *const names[] = { "tls.crt", "tls.key", "ca.crt" };
	snprintf(folder, sizeof(folder), "/tmp/csched-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (size_t i = 0; i < CS_ARRAY_LENGTH(files); i++)
		files[i] = cs_asprintf("%s/%s", folder, names[i]);
	clients = authority_create("clients");
	write_file(files[2], authority_certificate(clients));
	told.loads = told.failures = 0;
}

static void teardown(void)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(files); i++) {
		remove(files[i]);
		free(files[i]);
	}
	remove(folder);
	authority_destroy(clients);
}

static void on_reload(void *user, const char *failure)
{
	(void)user;
	pthread_mutex_lock(&told.lock);
	if (failure) {
		told.failures++;
		snprintf(told.failure, sizeof(told.failure), "%s", failure);
	} else {
		told.loads++;
	}
	pthread_mutex_unlock(&told.lock);
}

static int count_of(const int *counter)
{
	pthread_mutex_lock(&told.lock);
	int count = *counter;
	pthread_mutex_unlock(&told.lock);
	return count;
}

static void wait_count(const int *counter, int count)
{
	for (int i = 0; i < 6000 && count_of(counter) < count; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000 }, NULL);
	ck_assert_int_eq(count_of(counter), count);
}

// Half a pair may have been seen in between, and said.
static void wait_failures_above(int count)
{
	for (int i = 0; i < 6000 && count_of(&told.failures) <= count; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000 }, NULL);
	ck_assert_int_gt(count_of(&told.failures), count);
}

// Says who asked: "cn|o1,o2|n1,n2", or "nobody".
static void handle(struct cs_http_request *request, struct cs_http_response *response, void *user)
{
	(void)user;
	const struct cs_http_identity *who = request->identity;
	if (!who) {
		cs_buffer_printf(&response->body, "nobody%s",
				 request->refusal ? request->refusal : "");
		return;
	}
	cs_buffer_printf(&response->body, "%s|", who->common_name);
	for (size_t i = 0; i < who->n_organizations; i++)
		cs_buffer_printf(&response->body, "%s%s", i ? "," : "", who->organizations[i]);
	cs_buffer_append_char(&response->body, '|');
	for (size_t i = 0; i < who->n_names; i++)
		cs_buffer_printf(&response->body, "%s%s", i ? "," : "", who->names[i]);
	cs_buffer_printf(&response->body, "|%s%s", who->client ? "client" : "",
			 who->proxy ? "proxy" : "");
	ck_assert(cs_http_identity_is(who, who->common_name));
	ck_assert(!cs_http_identity_is(who, ""));
	ck_assert(!cs_http_identity_is(who, "somebody else"));
	for (size_t i = 0; i < who->n_names; i++)
		ck_assert(cs_http_identity_is(who, who->names[i]));
}

static const struct cs_http_route routes[] = { { .path = "/", .handler = handle } };

static size_t collect(char *data, size_t size, size_t n, void *user)
{
	return cs_buffer_append(user, data, size * n) == 0 ? size * n : 0;
}

static struct curl_blob blob_of(const char *text)
{
	return (struct curl_blob){ .data = (void *)(uintptr_t)text,
				   .len = strlen(text),
				   .flags = CURL_BLOB_COPY };
}

static struct cs_http_server *start(const struct cs_http_options *options)
{
	struct cs_http_server *server;
	struct cs_error err;
	ck_assert_msg(cs_http_server_create(options, routes, 1, &server, &err) == 0, "%s",
		      err.text);
	return server;
}

static CURLcode show_certificate(CURL *curl, void *context, void *user)
{
	const struct cs_http_tls *client = user;
	BIO *pems[] = { BIO_new_mem_buf(client->certificate, -1),
			BIO_new_mem_buf(client->key, -1) };
	X509 *certificate = PEM_read_bio_X509(pems[0], NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(pems[1], NULL, NULL, NULL);
	(void)curl;
	SSL_CTX_set_security_level(context, 0); // what is too weak is for the server to say
	bool good = SSL_CTX_use_certificate(context, certificate) == 1 &&
		    SSL_CTX_use_PrivateKey(context, key) == 1;
	X509_free(certificate);
	EVP_PKEY_free(key);
	BIO_free(pems[0]);
	BIO_free(pems[1]);
	return good ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

// A client with a certificate (NULL = none; borrowed) that keeps its connection.
static CURL *client_of(const struct cs_http_server *server, const char *server_ca,
		       const struct cs_http_tls *client, struct cs_buffer *body)
{
	CURL *curl = curl_easy_init();
	char url[64];
	struct curl_blob ca = blob_of(server_ca);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", cs_http_server_port(server));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	if (client) {
		curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, show_certificate);
		curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, client);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
	return curl;
}

// The status of GET /, 0 without an answer.
static long perform(CURL *curl)
{
	long status = 0;
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

// The same in one call.
static long get(const struct cs_http_server *server, const char *server_ca,
		const struct cs_http_tls *client, struct cs_buffer *body)
{
	CURL *curl = client_of(server, server_ca, client, body);
	cs_buffer_clear(body);
	long status = perform(curl);
	curl_easy_cleanup(curl);
	return status;
}

static struct cs_http_tls self_signed(void)
{
	static const char *const names[] = { "127.0.0.1" };
	struct cs_http_tls tls;
	struct cs_error err;
	ck_assert_int_eq(cs_http_tls_self_signed("server", names, 1, &tls, &err), 0);
	return tls;
}

static const struct issued good = {
	.common_name = "kube-scheduler",
	.organization = "system:masters",
	.names = "DNS:scheduler.example,IP:10.0.0.1,IP:fd00::1,URI:spiffe://x/y,email:a@b.c",
	.usage = "clientAuth",
	.begins = -60,
	.ends = 3600,
};

struct shown {
	bool foreign; // signed by another CA of the same name
	struct issued what;
	long status;
	const char *body;
};

static void show(const struct cs_http_server *server, const struct cs_http_tls *own,
		 const struct shown *shown)
{
	struct authority *foreign = authority_create("clients");
	struct cs_http_tls tls;
	authority_issue(shown->foreign ? foreign : clients, &shown->what, &tls);
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, 10000);
	long status = get(server, own->certificate, &tls, &body);
	ck_assert_msg(status == shown->status && strstr(body.data, shown->body), "%s: %ld %s",
		      shown->what.common_name, status, body.data);
	cs_http_tls_finish(&tls);
	authority_destroy(foreign);
}

START_TEST(test_clients)
{
	const struct shown cases[] = {
		{ false, good, 200,
		  "kube-scheduler|system:masters|"
		  "scheduler.example,10.0.0.1,fd00::1,spiffe://x/y,a@b.c" },
		{ false,
		  { .common_name = "any use", .begins = -60, .ends = 60 },
		  200,
		  "any use||" },
		{ false, { .common_name = "late", .begins = -60, .ends = -5 }, 401, "expired" },
		{ false,
		  { .common_name = "early", .begins = 600, .ends = 900 },
		  401,
		  "not yet valid" },
		{ false,
		  { .common_name = "server", .usage = "serverAuth", .begins = -60, .ends = 60 },
		  401,
		  "purpose" },
		{ true, good, 401, "not accepted" },
		{ false,
		  { .common_name = "jane+ci@example.com",
		    .organization = "Ops, \"EU\"; a\\b",
		    .begins = -60,
		    .ends = 60 },
		  200,
		  "jane+ci@example.com|Ops, \"EU\"; a\\b|" },
		{ false, { .common_name = "#1", .begins = -60, .ends = 60 }, 401, "" },
		// A key that others can find out.
		{ false,
		  { .common_name = "weak", .begins = -60, .ends = 60, .rsa_bits = 768 },
		  401,
		  "not accepted" },
	};
	struct cs_http_tls own = self_signed();
	for (int required = 0; required < 2; required++) {
		struct cs_http_server *server =
			start(&(struct cs_http_options){ .tls = &own,
							 .files.client_ca = files[2],
							 .require_certificate = required });
		for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++)
			show(server, &own, &cases[i]);
		CS_AUTO_BUFFER struct cs_buffer body;
		cs_buffer_init(&body, 10000);
		long status = get(server, own.certificate, NULL, &body);
		ck_assert_int_eq(status, required ? 401 : 200);
		ck_assert_str_eq(body.data,
				 required ? "a client certificate is needed\n" : "nobody");
		cs_http_server_destroy(server);
	}
	cs_http_tls_finish(&own);
}
END_TEST

// Whose certificate is not good is nobody, and handlers know why.
START_TEST(test_any_certificate)
{
	const struct shown cases[] = {
		{ false, good, 200, "kube-scheduler|" },
		{ true, good, 200, "nobodythe client certificate is not accepted: " },
		{ false,
		  { .common_name = "late", .begins = -60, .ends = -5 },
		  200,
		  "nobodythe client certificate is not accepted: " },
	};
	struct cs_http_tls own = self_signed();
	struct cs_http_server *server = start(&(struct cs_http_options){
		.tls = &own, .files.client_ca = files[2], .any_certificate = true });
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++)
		show(server, &own, &cases[i]);
	cs_http_server_destroy(server);
	cs_http_tls_finish(&own);
}
END_TEST

// Each CA vouches for its own: who is signed by one is not what the other's are.
START_TEST(test_proxies)
{
	struct authority *proxies = authority_create("proxies");
	struct cs_http_tls own = self_signed(), client, proxy;
	CS_AUTO_FREE char *file = cs_asprintf("%s/proxies.crt", folder);
	const struct issued what = {
		.common_name = "someone", .usage = "clientAuth", .begins = -60, .ends = 60
	};
	authority_issue(clients, &what, &client);
	authority_issue(proxies, &what, &proxy);
	write_file(file, authority_certificate(proxies));
	const struct {
		const char *client_ca, *proxy_ca;
		long client_status, proxy_status;
		const char *client_body, *proxy_body;
	} cases[] = {
		{ files[2], file, 200, 200, "someone|||client", "someone|||proxy" },
		{ NULL, file, 401, 200, "not accepted", "someone|||proxy" },
		{ file, files[2], 200, 200, "someone|||proxy", "someone|||client" },
		{ files[2], files[2], 200, 401, "someone|||clientproxy", "not accepted" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		struct cs_http_server *server =
			start(&(struct cs_http_options){ .tls = &own,
							 .files.client_ca = cases[i].client_ca,
							 .files.proxy_ca = cases[i].proxy_ca });
		CS_AUTO_BUFFER struct cs_buffer body;
		cs_buffer_init(&body, 10000);
		ck_assert_int_eq(get(server, own.certificate, &client, &body),
				 cases[i].client_status);
		ck_assert_msg(strstr(body.data, cases[i].client_body), "%zu: %s", i, body.data);
		ck_assert_int_eq(get(server, own.certificate, &proxy, &body),
				 cases[i].proxy_status);
		ck_assert_msg(strstr(body.data, cases[i].proxy_body), "%zu: %s", i, body.data);
		cs_http_server_destroy(server);
	}
	remove(file);
	authority_destroy(proxies);
	cs_http_tls_finish(&own);
	cs_http_tls_finish(&client);
	cs_http_tls_finish(&proxy);
}
END_TEST

START_TEST(test_a_certificate_ends_on_an_open_connection)
{
	struct cs_http_tls own = self_signed(), client;
	struct issued what = good;
	what.ends = 6;
	authority_issue(clients, &what, &client);
	struct cs_http_server *server =
		start(&(struct cs_http_options){ .tls = &own, .files.client_ca = files[2] });
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, 10000);
	CURL *curl = client_of(server, own.certificate, &client, &body);
	ck_assert_int_eq(perform(curl), 200);
	nanosleep(&(struct timespec){ .tv_sec = 8 }, NULL);
	cs_buffer_clear(&body);
	ck_assert_int_eq(perform(curl), 401);
	ck_assert_msg(strstr(body.data, "expired"), "%s", body.data);
	long connections;
	curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connections);
	ck_assert_int_eq(connections, 0);
	curl_easy_cleanup(curl);
	cs_http_server_destroy(server);
	cs_http_tls_finish(&own);
	cs_http_tls_finish(&client);
}
END_TEST

// Without a CA nobody is asked, and who shows a certificate all the same is nobody.
START_TEST(test_without_client_ca)
{
	struct cs_http_tls own = self_signed(), client;
	authority_issue(clients, &good, &client);
	struct cs_http_server *server = start(&(struct cs_http_options){ .tls = &own });
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, 10000);
	ck_assert_int_eq(get(server, own.certificate, &client, &body), 200);
	ck_assert_str_eq(body.data, "nobody");
	cs_http_server_destroy(server);
	cs_http_tls_finish(&own);
	cs_http_tls_finish(&client);
}
END_TEST

static void trust(struct cs_http_server *server, enum cs_http_ca ca, const char *pem)
{
	struct cs_error err;
	ck_assert_msg(cs_http_server_trust(server, ca, pem, &err) == 0, "%s", err.text);
}

// Within a second or so a client is who this says.
static void wait_seen(const struct cs_http_server *server, const struct cs_http_tls *own,
		      const struct cs_http_tls *client, const char *seen)
{
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, 10000);
	for (int i = 0; i < 600; i++) {
		(void)get(server, own->certificate, client, &body);
		if (strstr(body.data, seen))
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
	}
	ck_abort_msg("not %s but %s", seen, body.data);
}

// CAs that come in no file, to a server that runs.
START_TEST(test_given)
{
	const struct issued what = {
		.common_name = "someone", .usage = "clientAuth", .begins = -60, .ends = 3600
	};
	struct authority *others = authority_create("others");
	struct cs_http_tls own = self_signed(), client, other;
	struct cs_error err;
	authority_issue(clients, &what, &client);
	authority_issue(others, &what, &other);
	struct cs_http_server *server = start(&(struct cs_http_options){
		.tls = &own, .any_certificate = true, .reloaded = on_reload });
	ck_assert_int_eq(cs_http_server_trust(server, CS_HTTP_CLIENT_CA, "", &err), -EINVAL);
	ck_assert_int_eq(cs_http_server_trust(server, CS_HTTP_CLIENT_CA, "junk", &err), -EINVAL);
	ck_assert_str_eq(err.text, "no certificate in PEM form");
	wait_seen(server, &own, &client, "nobody");
	trust(server, CS_HTTP_CLIENT_CA, authority_certificate(clients));
	wait_seen(server, &own, &client, "someone|||client");
	wait_seen(server, &own, &other, "not accepted");
	trust(server, CS_HTTP_PROXY_CA, authority_certificate(others));
	wait_seen(server, &own, &other, "someone|||proxy");
	wait_seen(server, &own, &client, "someone|||client");
	wait_count(&told.loads, 2);
	// What is no CA, or the same one, changes nothing; another one takes the first one's place.
	ck_assert_int_eq(cs_http_server_trust(server, CS_HTTP_PROXY_CA, "junk", &err), -EINVAL);
	trust(server, CS_HTTP_PROXY_CA, authority_certificate(others));
	trust(server, CS_HTTP_CLIENT_CA, authority_certificate(others));
	wait_seen(server, &own, &other, "someone|||clientproxy");
	wait_seen(server, &own, &client, "not accepted");
	wait_count(&told.loads, 3);
	ck_assert_int_eq(count_of(&told.failures), 0);
	cs_http_server_destroy(server);
	authority_destroy(others);
	cs_http_tls_finish(&own);
	cs_http_tls_finish(&client);
	cs_http_tls_finish(&other);
}
END_TEST

START_TEST(test_a_file_comes_before_what_is_given)
{
	struct authority *others = authority_create("others");
	struct cs_http_tls own = self_signed(), client;
	authority_issue(clients, &good, &client);
	struct cs_http_server *server = start(&(struct cs_http_options){
		.tls = &own, .files.client_ca = files[2], .reloaded = on_reload });
	trust(server, CS_HTTP_CLIENT_CA, authority_certificate(others));
	wait_count(&told.loads, 1);
	wait_seen(server, &own, &client, "kube-scheduler|");
	cs_http_server_destroy(server);
	authority_destroy(others);
	cs_http_tls_finish(&own);
	cs_http_tls_finish(&client);
}
END_TEST

START_TEST(test_no_older_tls)
{
	struct cs_http_tls own = self_signed();
	struct cs_http_server *server =
		start(&(struct cs_http_options){ .tls = &own, .tls13 = true });
	static const long versions[] = { CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_TLSv1_3 };
	for (size_t i = 0; i < 2; i++) {
		CURL *curl = curl_easy_init();
		char url[64];
		snprintf(url, sizeof(url), "https://127.0.0.1:%u/", cs_http_server_port(server));
		CS_AUTO_BUFFER struct cs_buffer body;
		cs_buffer_init(&body, 1000);
		curl_easy_setopt(curl, CURLOPT_URL, url);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSLVERSION, versions[i]);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
		CURLcode result = curl_easy_perform(curl);
		ck_assert_int_eq(result == CURLE_OK, i == 1);
		curl_easy_cleanup(curl);
	}
	cs_http_server_destroy(server);
	cs_http_tls_finish(&own);
}
END_TEST

START_TEST(test_reload)
{
	struct cs_http_tls first = self_signed(), second = self_signed(), client, newer;
	struct authority *successor = authority_create("clients");
	authority_issue(clients, &good, &client);
	authority_issue(successor, &good, &newer);
	write_file(files[0], first.certificate);
	write_file(files[1], first.key);
	struct cs_http_server *server =
		start(&(struct cs_http_options){ .files = { files[0], files[1], files[2], NULL },
						 .require_certificate = true,
						 .reloaded = on_reload });
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, 10000);
	ck_assert_int_eq(get(server, first.certificate, &client, &body), 200);
	ck_assert_int_eq(get(server, second.certificate, &client, &body), 0);

	// Half of a pair: said once, and the old pair goes on.
	write_file(files[0], second.certificate);
	wait_count(&told.failures, 1);
	ck_assert_msg(strstr(told.failure, "tls.key: not the key of the certificate"), "%s",
		      told.failure);
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 500 * 1000000 }, NULL);
	ck_assert_int_eq(count_of(&told.failures), 1);
	ck_assert_int_eq(get(server, first.certificate, &client, &body), 200);

	write_file(files[1], second.key);
	wait_count(&told.loads, 1);
	ck_assert_int_eq(get(server, second.certificate, &client, &body), 200);
	ck_assert_int_eq(get(server, first.certificate, &client, &body), 0);

	// What hindered may pass without a trace in the files' sizes and times.
	write_file(files[0], first.certificate);
	wait_count(&told.failures, 2);
	overwrite_file(files[1], first.key);
	wait_count(&told.loads, 2);
	write_file(files[0], second.certificate);
	write_file(files[1], second.key);
	wait_count(&told.loads, 3);

	// A CA that goes away is not a CA that trusts nobody, nor one that trusts everybody.
	remove(files[2]);
	wait_failures_above(2);
	ck_assert_int_eq(get(server, second.certificate, &client, &body), 200);
	ck_assert_int_eq(get(server, second.certificate, NULL, &body), 401);

	write_file(files[2], authority_certificate(successor));
	wait_count(&told.loads, 4);
	ck_assert_int_eq(get(server, second.certificate, &newer, &body), 200);
	ck_assert_int_eq(get(server, second.certificate, &client, &body), 401);
	cs_http_server_destroy(server);
	authority_destroy(successor);
	cs_http_tls_finish(&first);
	cs_http_tls_finish(&second);
	cs_http_tls_finish(&client);
	cs_http_tls_finish(&newer);
}
END_TEST

START_TEST(test_files_that_do_not_begin)
{
	struct cs_http_tls own = self_signed();
	struct cs_http_server *server;
	struct cs_error err;
	write_file(files[0], "nothing");
	write_file(files[1], own.key);
	const struct {
		struct cs_http_options options;
		const char *words;
	} cases[] = {
		{ { .files = { files[0], files[1], NULL, NULL } }, "tls.crt: no certificate" },
		{ { .tls = &own, .files.client_ca = files[0] }, "tls.crt: no certificate in PEM" },
		{ { .tls = &own, .files.client_ca = "/nonexistent" }, "/nonexistent" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		ck_assert_int_lt(cs_http_server_create(&cases[i].options, routes, 1, &server, &err),
				 0);
		ck_assert_msg(strstr(err.text, cases[i].words), "%s", err.text);
	}
	cs_http_tls_finish(&own);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("http keys");
	TCase *tests = tcase_create("keys");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_clients);
	tcase_add_test(tests, test_any_certificate);
	tcase_add_test(tests, test_proxies);
	tcase_add_test(tests, test_a_certificate_ends_on_an_open_connection);
	tcase_add_test(tests, test_without_client_ca);
	tcase_add_test(tests, test_given);
	tcase_add_test(tests, test_a_file_comes_before_what_is_given);
	tcase_add_test(tests, test_no_older_tls);
	tcase_add_test(tests, test_reload);
	tcase_add_test(tests, test_files_that_do_not_begin);
	suite_add_tcase(suite, tests);
	return suite;
}
