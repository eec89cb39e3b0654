// Credentials that change while we run: files that rotate, plugins that answer, fail or hang.
// Neighbours: files.c. Plugins are shell scripts; time is given, so that a minute takes no time.
#include "../check_main.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <csched/base/memory.h>
#include <csched/client/credentials.h>

#include "files.h"

static struct cs_endpoint endpoint; // strings here are literals or the tests' own
static struct cs_credentials *credentials;
static struct cs_error err;
static struct cs_time now;
static char told[4096];
static char source[] = "config: users[u].user";

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void on_notice(void *user, const char *words)
{
	(void)user;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s\n", words);
}

static void setup(void)
{
	files_begin();
	endpoint = (struct cs_endpoint){ .server = text("https://h:6443"), .source = source };
	now = (struct cs_time){ .boot = 100 * CS_SECOND, .wall = INT64_C(1800000000) * CS_SECOND };
	told[0] = '\0';
	credentials = NULL;
}

static void teardown(void)
{
	cs_credentials_destroy(credentials);
	files_end();
}

static void create(void)
{
	cs_credentials_destroy(credentials);
	credentials = cs_credentials_create(&endpoint, on_notice, NULL, &err);
	ck_assert_msg(credentials != NULL, "%s", err.text);
	cs_credentials_turn(credentials, now);
}

static void assert_create_fails(const char *words)
{
	ck_assert_ptr_null(cs_credentials_create(&endpoint, on_notice, NULL, &err));
	ck_assert_msg(strstr(err.text, words), "got: %s\nwanted: %s", err.text, words);
}

static void pass(int64_t ns)
{
	now.boot += ns;
	now.wall += ns;
	cs_credentials_turn(credentials, now);
}

static struct cs_credentials_view view(void)
{
	return cs_credentials_view(credentials);
}

static void assert_authorization(const char *expected)
{
	ck_assert_str_eq(view().authorization, expected);
}

static void assert_told(const char *words)
{
	ck_assert_msg(strstr(told, words), "got: %s\nwanted: %s", told, words);
	told[0] = '\0';
}

// ---- what does not change ----

START_TEST(nothing_is_fine)
{
	create();
	ck_assert(view().ready);
	ck_assert_ptr_null(view().authorization);
	ck_assert_ptr_null(view().ca);
	ck_assert_int_eq(cs_credentials_deadline(credentials), INT64_MAX);
	ck_assert_int_eq(cs_credentials_fd(credentials), -1);
	ck_assert(!cs_credentials_rejected(credentials, view().token_version, now));
}
END_TEST

START_TEST(token_and_basic)
{
	endpoint.token = text("abc");
	create();
	assert_authorization("Bearer abc");
	endpoint.token = text("a b");
	assert_create_fails("config: users[u].user: the token contains white space");
	endpoint.token = NULL;
	endpoint.username = text("Aladdin");
	endpoint.password = text("open sesame");
	create();
	assert_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}
END_TEST

// ---- token files ----

START_TEST(token_file_is_read_each_minute)
{
	files_write("token", " first\n");
	endpoint.token_file = text(files_path("token"));
	create();
	assert_authorization("Bearer first");
	uint64_t version = view().token_version;
	files_write("token", "second\n");
	pass(59 * CS_SECOND);
	assert_authorization("Bearer first");
	ck_assert_int_eq(cs_credentials_deadline(credentials), now.boot + 1 * CS_SECOND);
	pass(1 * CS_SECOND);
	assert_authorization("Bearer second");
	ck_assert_uint_gt(view().token_version, version);
	version = view().token_version;
	pass(60 * CS_SECOND);
	ck_assert_uint_eq(view().token_version, version); // nothing new
}
END_TEST

START_TEST(password_file_is_read_again)
{
	files_write("password", "open sesame\n");
	endpoint.username = text("Aladdin");
	endpoint.password_file = text(files_path("password"));
	create();
	assert_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	uint64_t version = view().token_version;
	files_write("password", "close sesame");
	ck_assert(cs_credentials_rejected(credentials, version, now));
	assert_authorization("Basic QWxhZGRpbjpjbG9zZSBzZXNhbWU=");
	files_write("password", "open sesame");
	pass(0);
	pass(60 * CS_SECOND);
	assert_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	endpoint.password_file = text(files_path("no-such-file"));
	assert_create_fails("password: ");
}
END_TEST

START_TEST(token_file_is_read_on_401)
{
	files_write("token", "first");
	endpoint.token_file = text(files_path("token"));
	create();
	uint64_t version = view().token_version;
	ck_assert(!cs_credentials_rejected(credentials, version, now)); // it is the same
	files_write("token", "second");
	ck_assert(cs_credentials_rejected(credentials, version, now));
	assert_authorization("Bearer second");
	ck_assert(cs_credentials_rejected(credentials, version, now)); // of an older request
}
END_TEST

START_TEST(a_token_file_that_breaks_keeps_the_old_token)
{
	static const struct {
		const char *content; // NULL: removed
		const char *words;
	} rows[] = {
		{ "", "the token is empty" },
		{ "  \n", "the token is empty" },
		{ "a\nb", "the token contains white space or a control character" },
		{ NULL, "No such file" },
	};
	files_write("token", "first");
	endpoint.token_file = text(files_path("token"));
	create();
	if (rows[_i].content)
		files_write("token", rows[_i].content);
	else
		files_remove("token");
	pass(60 * CS_SECOND);
	assert_authorization("Bearer first");
	assert_told(rows[_i].words);
	files_write("token", "third");
	pass(60 * CS_SECOND);
	assert_authorization("Bearer third");
}
END_TEST

START_TEST(token_file_wins_over_token)
{
	endpoint.token_file = text(files_path("token"));
	assert_create_fails("token: ");
	assert_create_fails(files_path("token"));
	endpoint.token = text("beside");
	create(); // the token serves until the file is there
	assert_authorization("Bearer beside");
	assert_told(files_path("token"));
	files_write("token", "file");
	pass(60 * CS_SECOND);
	assert_authorization("Bearer file");
}
END_TEST

// ---- certificates ----

START_TEST(certificates_rotate_together)
{
	CS_AUTO_FREE char *crt1 = NULL, *key1 = NULL, *crt2 = NULL, *key2 = NULL;
	files_make_certificate("test", &crt1, &key1);
	files_make_certificate("test", &crt2, &key2);
	files_write("crt", crt1);
	files_write("key", key1);
	files_write("ca", crt1);
	endpoint.certificate_file = text(files_path("crt"));
	endpoint.key_file = text(files_path("key"));
	endpoint.ca_file = text(files_path("ca"));
	create();
	ck_assert_str_eq(view().certificate, crt1);
	ck_assert_str_eq(view().key, key1);
	uint64_t version = view().tls_version;
	files_write("crt", crt2); // half of a rotation
	pass(300 * CS_SECOND);
	ck_assert_str_eq(view().certificate, crt1);
	ck_assert_uint_eq(view().tls_version, version);
	assert_told("client certificate and key do not match");
	files_write("key", key2);
	pass(300 * CS_SECOND);
	ck_assert_str_eq(view().certificate, crt2);
	ck_assert_str_eq(view().key, key2);
	ck_assert_uint_gt(view().tls_version, version);
	version = view().tls_version;
	files_write("ca", "");
	pass(300 * CS_SECOND);
	ck_assert_str_eq(view().ca, crt1);
	assert_told("no certificate in PEM form in it");
	files_write("ca", crt2);
	pass(300 * CS_SECOND);
	ck_assert_str_eq(view().ca, crt2);
	ck_assert_uint_gt(view().tls_version, version);
}
END_TEST

START_TEST(certificates_are_checked_at_start)
{
	CS_AUTO_FREE char *crt = NULL, *key = NULL, *crt2 = NULL, *key2 = NULL;
	files_make_certificate("test", &crt, &key);
	files_make_certificate("test", &crt2, &key2);
	endpoint.ca_file = text(files_path("ca"));
	assert_create_fails("CA certificate: ");
	assert_create_fails(files_path("ca"));
	files_write("ca", "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n");
	assert_create_fails("no certificate in PEM form in it");
	endpoint.ca_file = NULL;
	endpoint.ca_data = text("nonsense");
	assert_create_fails("config: users[u].user: no certificate in PEM form in it");
	endpoint.ca_data = NULL;
	endpoint.certificate_data = crt;
	endpoint.key_data = key2;
	assert_create_fails("client certificate and key do not match");
	endpoint.key_data = text("x");
	assert_create_fails("client key: not a private key in PEM form");
	endpoint.key_data = key;
	endpoint.certificate_data = text("x");
	assert_create_fails("client certificate: not a certificate in PEM form");
	endpoint.certificate_data = crt;
	create();
	ck_assert_int_eq(cs_credentials_deadline(credentials), INT64_MAX);
}
END_TEST

// ---- exec plugins ----

static struct cs_exec_plugin plugin;

#define V1 "client.authentication.k8s.io/v1"

static void use_plugin(const char *script)
{
	CS_AUTO_FREE char *full = cs_asprintf("#!/bin/sh\n%s\n", script);
	files_write_script("plugin", full);
	plugin = (struct cs_exec_plugin){ .command = text(files_path("plugin")),
					  .api_version = text(V1) };
	endpoint.exec = &plugin;
}

// Turns without letting the given time pass until the plugin's run is over.
static void settle(void)
{
	for (int i = 0; i < 200000 && cs_credentials_deadline(credentials) != INT64_MAX; i++) {
		struct pollfd fd = { .fd = cs_credentials_fd(credentials), .events = POLLIN };
		poll(&fd, 1, 5);
		cs_credentials_turn(credentials, now);
		if (view().ready || told[0])
			return;
	}
}

#define STATUS(members)                                                                            \
	"printf '%s' '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{" members \
	"}}'"

START_TEST(plugin_gives_a_token)
{
	use_plugin(STATUS("\"token\":\"t1\""));
	credentials = cs_credentials_create(&endpoint, on_notice, NULL, &err);
	ck_assert(!view().ready);
	cs_credentials_turn(credentials, now);
	settle();
	ck_assert_str_eq(told, "");
	ck_assert(view().ready);
	assert_authorization("Bearer t1");
	ck_assert_int_eq(cs_credentials_fd(credentials), -1);
	ck_assert_int_eq(cs_credentials_deadline(credentials), INT64_MAX);
}
END_TEST

START_TEST(plugin_is_told_what_it_asked_for)
{
	static char *arguments[] = { NULL, NULL };
	static char first[] = "--flag", environment_a[] = "PLUGIN_VAR=x", home[] = "HOME=/nowhere";
	static char *environment[] = { environment_a, home, NULL };
	arguments[0] = first;
	CS_AUTO_FREE char *script =
		cs_asprintf("read line && exit 9\n" // standard input is empty
			    "printf '%%s|%%s|%%s|%%s' \"$1\" \"$PLUGIN_VAR\" \"$HOME\" "
			    "\"$KUBERNETES_EXEC_INFO\" >%s\n%s",
			    files_path("seen"), STATUS("\"token\":\"t\""));
	use_plugin(script);
	plugin.arguments = arguments;
	plugin.environment = environment;
	if (_i == 2) {
		plugin.provide_cluster = endpoint.insecure = endpoint.no_compress = true;
		endpoint.proxy_url = text("http://p");
	} else if (_i) {
		CS_AUTO_FREE char *crt = NULL, *key = NULL;
		files_make_certificate("test", &crt, &key);
		files_write("ca", crt);
		endpoint.ca_file = text(files_path("ca"));
		endpoint.tls_server_name = text("name");
		plugin.provide_cluster = true;
		plugin.cluster_config = text("{\"audience\":\"a\"}");
	}
	setenv("KUBERNETES_EXEC_INFO", "of our own parent", 1);
	create();
	settle();
	ck_assert_str_eq(told, "");
	FILE *file = fopen(files_path("seen"), "r");
	char seen[8192] = "";
	ck_assert_uint_gt(fread(seen, 1, sizeof(seen) - 1, file), 0);
	fclose(file);
	if (_i == 2) {
		ck_assert_ptr_nonnull(
			strstr(seen, "\"spec\":{\"cluster\":{\"server\":\"https://h:6443\","
				     "\"insecure-skip-tls-verify\":true,"
				     "\"proxy-url\":\"http://p\",\"disable-compression\":true,"
				     "\"config\":null},\"interactive\":false}}"));
		return;
	}
	if (!_i) {
		ck_assert_str_eq(seen,
				 "--flag|x|/nowhere|{\"kind\":\"ExecCredential\","
				 "\"apiVersion\":\"" V1 "\",\"spec\":{\"interactive\":false}}");
		return;
	}
	ck_assert_ptr_nonnull(strstr(seen, "\"spec\":{\"cluster\":{\"server\":\"https://h:6443\","
					   "\"tls-server-name\":\"name\","
					   "\"certificate-authority-data\":\"LS0tLS1CRUdJTi"));
	ck_assert_ptr_nonnull(strstr(seen, "\"config\":{\"audience\":\"a\"}},"
					   "\"interactive\":false}}"));
}
END_TEST

START_TEST(plugin_gives_a_certificate)
{
	CS_AUTO_FREE char *crt = NULL, *key = NULL;
	files_make_certificate("test", &crt, &key);
	files_write("crt", crt);
	files_write("key", key);
	CS_AUTO_FREE char *script = cs_asprintf(
		"esc() { awk '{printf \"%%s\\\\n\", $0}' $1; }\n"
		"printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		"\",\"status\":{\"clientCertificateData\":\"%%s\",\"clientKeyData\":\"%%s\"}}' "
		"\"$(esc %s)\" \"$(esc %s)\"",
		files_path("crt"), files_path("key"));
	use_plugin(script);
	create();
	settle();
	ck_assert_str_eq(told, "");
	ck_assert_str_eq(view().certificate, crt);
	ck_assert_str_eq(view().key, key);
	ck_assert_ptr_null(view().authorization);
	ck_assert_uint_gt(view().tls_version, 0);
}
END_TEST

START_TEST(plugin_runs_again_before_it_expires)
{
	CS_AUTO_FREE char *script =
		cs_asprintf("n=$(cat %s 2>/dev/null || echo 0); n=$((n+1)); echo $n >%s\n"
			    "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			    "\",\"status\":{\"token\":\"t'$n'\",\"expirationTimestamp\":"
			    "\"2027-01-15T08:10:00Z\"}}'", // 600 s after `now`
			    files_path("n"), files_path("n"));
	use_plugin(script);
	create();
	settle();
	assert_authorization("Bearer t1");
	ck_assert_int_eq(cs_credentials_deadline(credentials), now.boot + 590 * CS_SECOND);
	pass(589 * CS_SECOND);
	ck_assert_int_eq(cs_credentials_fd(credentials), -1);
	pass(1 * CS_SECOND);
	ck_assert(view().ready); // the old one is still good
	for (int i = 0; i < 6000 && strcmp(view().authorization, "Bearer t2") != 0; i++) {
		poll(NULL, 0, 5);
		cs_credentials_turn(credentials, now);
	}
	assert_authorization("Bearer t2");
}
END_TEST

START_TEST(plugin_runs_again_on_401)
{
	CS_AUTO_FREE char *script =
		cs_asprintf("n=$(cat %s 2>/dev/null || echo 0); n=$((n+1)); echo $n >%s\n"
			    "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			    "\",\"status\":{\"token\":\"t'$n'\"}}'",
			    files_path("n"), files_path("n"));
	use_plugin(script);
	create();
	settle();
	uint64_t version = view().token_version;
	ck_assert(!cs_credentials_rejected(credentials, version, now)); // too young to be stale
	pass(10 * CS_SECOND);
	ck_assert(cs_credentials_rejected(credentials, version, now));
	ck_assert(!view().ready);
	ck_assert(cs_credentials_rejected(credentials, version, now)); // the same run serves both
	settle();
	assert_authorization("Bearer t2");
	ck_assert(cs_credentials_rejected(credentials, version, now));
}
END_TEST

START_TEST(plugins_that_fail)
{
	static const struct {
		const char *script;
		const char *words;
	} rows[] = {
		{ "exit 3", "it failed with exit code 3" },
		{ "kill -9 $$", "it was killed by signal 9" },
		{ "echo nonsense", "exec plugin " },
		{ "echo '{}'", "its output is not an ExecCredential" },
		{ "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"v7\"}'",
		  "is configured to use API version " V1 ", plugin returned version v7" },
		{ STATUS(""), "exec plugin didn't return a token or cert/key pair" },
		{ STATUS("\"clientKeyData\":\"x\""),
		  "exec plugin returned only certificate or key, not both" },
		{ STATUS("\"token\":\"a\\nb\""), "the token contains white space" },
		{ STATUS("\"clientKeyData\":\"x\",\"clientCertificateData\":\"y\""),
		  "client certificate: not a certificate in PEM form" },
		{ STATUS("\"token\":\"sEcReT\",\"expirationTimestamp\":\"soon\""),
		  "status.expirationTimestamp" },
		{ "while :; do echo sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT; done",
		  "it printed more than 1048576 bytes" },
	};
	use_plugin(rows[_i].script);
	create();
	settle();
	ck_assert(!view().ready);
	ck_assert_ptr_null(strstr(told, "sEcReT"));
	ck_assert_ptr_nonnull(strstr(told, source));
	assert_told(rows[_i].words);
	// It is tried again, less and less often.
	ck_assert_int_eq(cs_credentials_deadline(credentials), now.boot + 1 * CS_SECOND);
	use_plugin(STATUS("\"token\":\"good\""));
	pass(1 * CS_SECOND);
	settle();
	assert_authorization("Bearer good");
}
END_TEST

START_TEST(plugin_that_is_not_there)
{
	plugin = (struct cs_exec_plugin){ .command = text("no-such-plugin-anywhere"),
					  .api_version = text(V1),
					  .install_hint = text("install it with care") };
	endpoint.exec = &plugin;
	create();
	settle();
	assert_told("exec plugin no-such-plugin-anywhere not found: install it with care");
	for (int i = 0; i < 10; i++)
		pass(60 * CS_SECOND);
	int64_t wait = cs_credentials_deadline(credentials) - now.boot;
	ck_assert_int_eq(wait, 60 * CS_SECOND);
}
END_TEST

// The number in the file, 0 before all of it is there.
static pid_t process_of(const char *pid_file)
{
	FILE *file = fopen(files_path(pid_file), "re");
	char line[32] = "";
	if (!file)
		return 0;
	bool whole = fgets(line, sizeof(line), file) && strchr(line, '\n');
	fclose(file);
	return whole ? (pid_t)strtol(line, NULL, 10) : 0;
}

static bool process_lives(const char *pid_file)
{
	pid_t pid = process_of(pid_file);
	ck_assert_msg(pid > 0, "the plugin did not start");
	return kill(pid, 0) == 0;
}

START_TEST(plugin_that_hangs_is_killed_with_its_children)
{
	CS_AUTO_FREE char *script =
		cs_asprintf("sleep 1000 & echo $! >%s\nwait", files_path("pid"));
	use_plugin(script);
	create();
	for (int i = 0; i < 6000 && process_of("pid") == 0; i++)
		poll(NULL, 0, 5);
	pass(59 * CS_SECOND);
	ck_assert_str_eq(told, "");
	ck_assert(process_lives("pid"));
	if (_i)
		cs_credentials_destroy(credentials), credentials = NULL;
	else
		pass(1 * CS_SECOND);
	for (int i = 0; i < 6000 && process_lives("pid"); i++)
		poll(NULL, 0, 5); // its parent is init now
	ck_assert(!process_lives("pid"));
	if (!_i)
		assert_told("it did not end within 60 s");
}
END_TEST

START_TEST(who_has_a_token_needs_no_plugin)
{
	use_plugin("exit 1");
	endpoint.token = text("t");
	create();
	ck_assert(view().ready);
	pass(10 * CS_SECOND);
	ck_assert_str_eq(told, "");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("credentials");
	TCase *c = tcase_create("all");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, nothing_is_fine);
	tcase_add_test(c, token_and_basic);
	tcase_add_test(c, token_file_is_read_each_minute);
	tcase_add_test(c, token_file_is_read_on_401);
	tcase_add_test(c, password_file_is_read_again);
	tcase_add_loop_test(c, a_token_file_that_breaks_keeps_the_old_token, 0, 4);
	tcase_add_test(c, token_file_wins_over_token);
	tcase_add_test(c, certificates_rotate_together);
	tcase_add_test(c, certificates_are_checked_at_start);
	tcase_add_test(c, plugin_gives_a_token);
	tcase_add_loop_test(c, plugin_is_told_what_it_asked_for, 0, 3);
	tcase_add_test(c, plugin_gives_a_certificate);
	tcase_add_test(c, plugin_runs_again_before_it_expires);
	tcase_add_test(c, plugin_runs_again_on_401);
	tcase_add_loop_test(c, plugins_that_fail, 0, 11);
	tcase_add_test(c, plugin_that_is_not_there);
	tcase_add_loop_test(c, plugin_that_hangs_is_killed_with_its_children, 0, 2);
	tcase_add_test(c, who_has_a_token_needs_no_plugin);
	suite_add_tcase(suite, c);
	return suite;
}
