// kubeconfig files: what each field becomes, how files merge, and the words of every error.
// Neighbours: files.c. Facts: k8s.io/client-go/tools/clientcmd.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#include "client/kubeconfig_internal.h"
#include "files.h"

static struct cs_error err;
static struct cs_endpoint endpoint;

static void setup(void)
{
	files_begin();
	err.text[0] = '\0';
	endpoint = (struct cs_endpoint){ 0 };
}

static void teardown(void)
{
	cs_endpoint_finish(&endpoint);
	files_end();
}

static int parse(const char *text)
{
	cs_endpoint_finish(&endpoint);
	return cs_kubeconfig_parse("/etc/k/config", cs_slice_of(text), &endpoint, &err);
}

static void parse_ok(const char *text)
{
	int r = parse(text);
	ck_assert_msg(r == 0, "%s", err.text);
}

static void assert_fails(const char *text, const char *words)
{
	int r = parse(text);
	ck_assert_int_lt(r, 0);
	ck_assert_msg(strstr(err.text, words), "got: %s\nwanted: %s", err.text, words);
	ck_assert_ptr_null(endpoint.server); // nothing is left to free
}

#define HEAD                             \
	"apiVersion: v1\nkind: Config\n" \
	"current-context: c\n"           \
	"contexts:\n- name: c\n"         \
	"  context: {cluster: k, user: u}\n"
#define CLUSTER HEAD "clusters:\n- name: k\n  cluster:\n    server: https://h:6443\n"
#define USER    CLUSTER "users:\n- name: u\n  user:\n"
#define NOBODY  "users:\n- name: u\n  user: {}\n"

// base64 of "-----BEGIN X-----\n"
#define PEM_DATA "LS0tLS1CRUdJTiBYLS0tLS0K"

START_TEST(every_field)
{
	parse_ok(HEAD "clusters:\n"
		      "- name: other\n"
		      "  cluster: {server: 'https://wrong'}\n"
		      "- name: k\n"
		      "  cluster:\n"
		      "    server: https://h:6443/prefix/\n"
		      "    tls-server-name: kubernetes.default\n"
		      "    certificate-authority-data: " PEM_DATA "\n"
		      "    proxy-url: socks5://proxy:1080\n"
		      "    disable-compression: true\n"
		      "users:\n"
		      "- name: u\n"
		      "  user:\n"
		      "    client-certificate: certs/me.crt\n"
		      "    client-key: /abs/me.key\n"
		      "    token: abc\n"
		      "    tokenFile: ../token\n"
		      "    as: jane\n"
		      "    as-uid: '7'\n"
		      "    as-groups: [dev, ops]\n"
		      "    as-user-extra: {'a b/c': [x, z]}\n");
	ck_assert_str_eq(endpoint.server, "https://h:6443/prefix");
	ck_assert_str_eq(endpoint.tls_server_name, "kubernetes.default");
	ck_assert_str_eq(endpoint.ca_data, "-----BEGIN X-----\n");
	ck_assert_str_eq(endpoint.proxy_url, "socks5://proxy:1080");
	ck_assert(endpoint.no_compress);
	ck_assert(!endpoint.insecure);
	ck_assert_str_eq(endpoint.certificate_file, "/etc/k/certs/me.crt");
	ck_assert_str_eq(endpoint.key_file, "/abs/me.key");
	ck_assert_str_eq(endpoint.token, "abc");
	ck_assert_str_eq(endpoint.token_file, "/etc/k/../token");
	static const char *const headers[] = {
		"Impersonate-User: jane",         "Impersonate-Uid: 7",
		"Impersonate-Group: dev",         "Impersonate-Group: ops",
		"Impersonate-Extra-a%20b%2Fc: x", "Impersonate-Extra-a%20b%2Fc: z",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(headers); i++)
		ck_assert_str_eq(endpoint.headers[i], headers[i]);
	ck_assert_ptr_null(endpoint.headers[CS_ARRAY_LENGTH(headers)]);
	ck_assert_str_eq(endpoint.source, "/etc/k/config: users[u].user");
}
END_TEST

START_TEST(other_forms)
{
	parse_ok(CLUSTER "    insecure-skip-tls-verify: true\n"
			 "users:\n- name: u\n  user: {username: me, password: 'p:w'}\n");
	ck_assert(endpoint.insecure);
	ck_assert_str_eq(endpoint.username, "me");
	ck_assert_str_eq(endpoint.password, "p:w");
	// JSON, and a body that is left out
	parse_ok(
		"{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":"
		"\"k\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":"
		"\"https://h\"}}],\"users\":[{\"name\":\"u\"}]}");
	ck_assert_str_eq(endpoint.server, "https://h");
	// base64 in several lines
	parse_ok(USER "    client-certificate-data: |\n      LS0tLS1CRUdJ\n      TiBYLS0tLS0K\n"
		      "    client-key-data: " PEM_DATA "\n");
	ck_assert_str_eq(endpoint.certificate_data, "-----BEGIN X-----\n");
	// empty strings are as good as nothing
	parse_ok(USER "    token: ''\n    client-key: ''\n");
	ck_assert_ptr_null(endpoint.token);
}
END_TEST

START_TEST(servers)
{
	static const struct {
		const char *cluster; // YAML
		const char *server;
	} rows[] = {
		{ "{server: 'https://h'}", "https://h" },
		{ "{server: 'https://h/'}", "https://h" },
		{ "{server: 'https://[::1]:6443'}", "https://[::1]:6443" },
		{ "{server: 'http://127.0.0.1:8080'}", "http://127.0.0.1:8080" },
		{ "{server: 'h:8080'}", "http://h:8080" },
		{ "{server: 'h:6443', insecure-skip-tls-verify: true}", "https://h:6443" },
		{ "{server: 'h:6443', certificate-authority: x}", "https://h:6443" },
		{ "{server: 'https://h/a/b?x=1#y'}", "https://h/a/b" },
	};
	CS_AUTO_FREE char *text =
		cs_asprintf(HEAD "clusters:\n- name: k\n  cluster: %s\n" NOBODY, rows[_i].cluster);
	parse_ok(text);
	ck_assert_str_eq(endpoint.server, rows[_i].server);
}
END_TEST

START_TEST(no_credentials_over_plain_http)
{
	parse_ok(HEAD "clusters:\n- name: k\n  cluster: {server: 'http://h'}\n"
		      "users:\n- name: u\n  user: {token: t, tokenFile: f, as: x}\n");
	ck_assert_ptr_null(endpoint.token);
	ck_assert_ptr_null(endpoint.token_file);
	ck_assert_str_eq(endpoint.headers[0], "Impersonate-User: x");
}
END_TEST

START_TEST(exec_plugins)
{
	parse_ok(CLUSTER "    extensions:\n"
			 "    - name: client.authentication.k8s.io/exec\n"
			 "      extension: {audience: abc}\n" NOBODY);
	ck_assert_ptr_null(endpoint.exec);
	parse_ok(CLUSTER "    extensions:\n"
			 "    - name: client.authentication.k8s.io/exec\n"
			 "      extension: {audience: abc}\n"
			 "users:\n- name: u\n  user:\n    exec:\n"
			 "      apiVersion: client.authentication.k8s.io/v1\n"
			 "      command: bin/login\n"
			 "      args: [--region, eu]\n"
			 "      env: [{name: A, value: '1'}, {name: B}]\n"
			 "      installHint: get it\n"
			 "      provideClusterInfo: true\n"
			 "      interactiveMode: IfAvailable\n");
	const struct cs_exec_plugin *exec = endpoint.exec;
	ck_assert_str_eq(exec->command, "/etc/k/bin/login");
	ck_assert_str_eq(exec->arguments[0], "--region");
	ck_assert_str_eq(exec->arguments[1], "eu");
	ck_assert_ptr_null(exec->arguments[2]);
	ck_assert_str_eq(exec->environment[0], "A=1");
	ck_assert_str_eq(exec->environment[1], "B=");
	ck_assert_str_eq(exec->install_hint, "get it");
	ck_assert(exec->provide_cluster);
	ck_assert_str_eq(exec->cluster_config, "{\"audience\":\"abc\"}");
	// v1beta1 needs no interactiveMode; a bare command is looked up in PATH
	parse_ok(USER "    exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x}\n");
	ck_assert_str_eq(endpoint.exec->command, "x");
	ck_assert_ptr_null(endpoint.exec->arguments);
}
END_TEST

#define EXEC USER "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n"

START_TEST(errors)
{
	static const struct {
		const char *text;
		const char *words;
	} rows[] = {
		{ "", "/etc/k/config: current-context: not set" },
		{ "[]", "/etc/k/config: must be an object" },
		{ "a: [", "/etc/k/config: line " },
		{ "a: 1\n---\nb: 2\n", "/etc/k/config: has 2 documents, expected one" },
		{ "kind: Pod\n", "/etc/k/config: kind: must be Config" },
		{ "current-context: 5\n", "/etc/k/config: current-context: must be a string" },
		{ "current-context: x\n",
		  "/etc/k/config: current-context: there is no context named \"x\"" },
		{ "current-context: x\ncontexts: 5\n", "/etc/k/config: contexts: must be a list" },
		{ "current-context: x\ncontexts: [{}]\n",
		  "/etc/k/config: contexts[0].name: must be a string" },
		{ "current-context: x\ncontexts: [7]\n",
		  "/etc/k/config: contexts[0].name: must be a string" },
		{ "current-context: x\ncontexts: [{name: x}, {name: x}]\n",
		  "/etc/k/config: contexts: two entries are named \"x\"" },
		{ "current-context: x\ncontexts: [{name: x, context: 3}]\n",
		  "/etc/k/config: contexts[x].context: must be an object" },
		{ "current-context: x\ncontexts: [{name: x}]\n",
		  "/etc/k/config: contexts[x].context.cluster: not set" },
		{ HEAD, "contexts[c].context.cluster: there is no cluster named \"k\"" },
		{ CLUSTER, "contexts[c].context.user: there is no user named \"u\"" },
		{ HEAD "clusters: [{name: k}]\n" NOBODY, "clusters[k].cluster.server: not set" },
		{ HEAD "clusters: [{name: k, cluster: {server: 5}}]\n" NOBODY,
		  "clusters[k].cluster.server: must be a string" },
		{ HEAD "clusters: [{name: k, cluster: {server: 'ftp://x'}}]\n" NOBODY,
		  "clusters[k].cluster.server: must be a URL" },
		{ HEAD "clusters: [{name: k, cluster: {server: 'https://'}}]\n" NOBODY,
		  "clusters[k].cluster.server: must be a URL" },
		{ HEAD "clusters: [{name: k, cluster: {server: 'https://u:p@h'}}]\n" NOBODY,
		  "without a user name" },
		{ CLUSTER "    insecure-skip-tls-verify: 'yes'\n" NOBODY,
		  "clusters[k].cluster.insecure-skip-tls-verify: must be true or false" },
		{ CLUSTER "    certificate-authority-data: '*'\n" NOBODY,
		  "clusters[k].cluster.certificate-authority-data: not base64" },
		{ CLUSTER "    certificate-authority-data: aGVsbG8\n" NOBODY,
		  "clusters[k].cluster.certificate-authority-data: not base64" },
		{ CLUSTER "    certificate-authority-data: aGVsbG8=\n" NOBODY,
		  "clusters[k].cluster.certificate-authority-data: not PEM" },
		{ CLUSTER "    certificate-authority: a\n    certificate-authority-data: " PEM_DATA
			  "\n" NOBODY,
		  "certificate-authority and certificate-authority-data are both set" },
		{ CLUSTER
		  "    certificate-authority: a\n    insecure-skip-tls-verify: true\n" NOBODY,
		  "a certificate authority and insecure-skip-tls-verify are both set" },
		{ CLUSTER "    proxy-url: gopher://x\n" NOBODY,
		  "clusters[k].cluster.proxy-url: must begin with http, https or socks5" },
		{ USER "    token: 12\n", "users[u].user.token: must be a string" },
		{ USER "    token: \"a\\nb\"\n",
		  "users[u].user.token: contains a control character" },
		{ USER "    token: \"a\\0b\"\n", "users[u].user.token: contains a NUL byte" },
		{ USER "    token: t\n    username: x\n",
		  "token and username/password are both set" },
		{ USER "    client-certificate: a\n",
		  "client-certificate and client-key must be set together" },
		{ USER "    client-key: a\n", "must be set together" },
		{ USER "    client-key: a\n    client-key-data: " PEM_DATA "\n",
		  "client-key and client-key-data are both set" },
		{ USER "    auth-provider: {name: gcp}\n",
		  "users[u].user.auth-provider: not supported; use an exec plugin" },
		{ USER "    as-groups: [x]\n", "as-uid, as-groups and as-user-extra need as" },
		{ USER "    as: x\n    as-groups: 5\n", "users[u].user.as-groups: must be a list" },
		{ USER "    as: x\n    as-groups: [\"a\\r\"]\n",
		  "users[u].user.as-groups[0]: contains a control character" },
		{ USER "    as: \"x\\ny\"\n", "users[u].user.as: contains a control character" },
		{ USER "    as: x\n    as-user-extra: 1\n", "as-user-extra: must be an object" },
		{ USER "    as: x\n    as-user-extra: {k: [1]}\n",
		  "users[u].user.as-user-extra.k[0]: must be a string" },
		{ USER "    exec: 1\n", "users[u].user.exec: must be an object" },
		{ EXEC "      interactiveMode: Never\n", "users[u].user.exec.command: not set" },
		{ EXEC "      command: x\n", "users[u].user.exec.interactiveMode: not set" },
		{ EXEC "      command: x\n      interactiveMode: Sometimes\n",
		  "interactiveMode: must be Never, IfAvailable or Always" },
		{ EXEC "      command: x\n      interactiveMode: Always\n",
		  "interactiveMode: the plugin needs a terminal" },
		{ USER
		  "    exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}\n",
		  "users[u].user.exec.apiVersion: must be client.authentication.k8s.io/v1 or" },
		{ EXEC "      command: x\n      interactiveMode: Never\n      args: [1]\n",
		  "users[u].user.exec.args[0]: must be a string" },
		{ EXEC "      command: x\n      interactiveMode: Never\n      env: [{value: a}]\n",
		  "users[u].user.exec.env[0].name: not set" },
		{ EXEC "      command: x\n      interactiveMode: Never\n      env: {}\n",
		  "users[u].user.exec.env: must be a list" },
		{ EXEC "      command: x\n      interactiveMode: Never\n"
		       "      provideClusterInfo: 1\n",
		  "users[u].user.exec.provideClusterInfo: must be true or false" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		assert_fails(rows[i].text, rows[i].words);
}
END_TEST

START_TEST(secrets_stay_out_of_errors)
{
	static const char *const texts[] = {
		USER "    token: \"sEcReT\\n\"\n",
		USER "    token: sEcReT\n    username: x\n    password: sEcReT\n",
		USER "    client-key-data: sEcReT*\n",
		USER "    token: [sEcReT]\n",
		USER "    token: sEcReT\n    token: sEcReT\n",
		USER "    token: \"sEcReT\n",
		HEAD "clusters: [{name: k, cluster: {server: 'https://u:sEcReT@h'}}]\n" NOBODY,
		CLUSTER "    proxy-url: gopher://u:sEcReT@x\n" NOBODY,
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		ck_assert_int_lt(parse(texts[i]), 0);
		ck_assert_msg(!strstr(err.text, "sEcReT"), "%zu: %s", i, err.text);
	}
}
END_TEST

// ---- files ----

static int load(const struct cs_kubeconfig_sources *sources)
{
	cs_endpoint_finish(&endpoint);
	return cs_kubeconfig_load(sources, &endpoint, &err);
}

START_TEST(files_merge)
{
	files_write("a", "current-context: ''\n"
			 "users:\n- name: u\n  user: {tokenFile: ta}\n"
			 "clusters:\n- name: k\n  cluster: {server: 'https://a'}\n");
	files_write("sub/b", HEAD "clusters:\n- name: k\n"
				  "  cluster: {server: 'https://b', tls-server-name: b}\n"
				  "users:\n- name: u\n  user: {token: b}\n");
	files_write("c", "current-context: other\n");
	CS_AUTO_FREE char *list =
		cs_asprintf("%s::%s:%s:%s", files_path("missing"), files_path("a"),
			    files_path("sub/b"), files_path("c"));
	ck_assert_int_eq(load(&(struct cs_kubeconfig_sources){ .list = list }), 0);
	ck_assert_str_eq(endpoint.server, "https://a"); // the first file that has it,
	ck_assert_ptr_null(endpoint.tls_server_name);   // as a whole
	ck_assert_ptr_null(endpoint.token);
	ck_assert_str_eq(endpoint.token_file, files_path("ta")); // beside the file that has it
}
END_TEST

START_TEST(an_explicit_file_is_alone_and_must_exist)
{
	files_write("a", USER "    token: a\n");
	files_write("b", USER "    token: b\n");
	struct cs_kubeconfig_sources sources = { .file = files_path("b"),
						 .list = files_path("a"),
						 .service_host = "10.0.0.1",
						 .service_port = "443" };
	ck_assert_int_eq(load(&sources), 0);
	ck_assert_str_eq(endpoint.token, "b");
	sources.file = files_path("nope");
	ck_assert_int_eq(load(&sources), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, files_path("nope")));
}
END_TEST

START_TEST(a_broken_file_of_the_list_is_an_error)
{
	files_write("a", USER "    token: a\n");
	files_write("b", "a: [");
	CS_AUTO_FREE char *list = cs_asprintf("%s:%s", files_path("a"), files_path("b"));
	ck_assert_int_lt(load(&(struct cs_kubeconfig_sources){ .list = list }), 0);
	ck_assert_ptr_nonnull(strstr(err.text, files_path("b")));
	CS_AUTO_BUFFER struct cs_buffer long_list;
	cs_buffer_init(&long_list, 1 << 16);
	for (int i = 0; i < 17; i++)
		cs_buffer_printf(&long_list, "%s:", files_path("a"));
	ck_assert_int_eq(load(&(struct cs_kubeconfig_sources){ .list = long_list.data }), -E2BIG);
}
END_TEST

START_TEST(a_file_that_is_too_large)
{
	size_t size = CS_KUBECONFIG_FILE_MAX + 10;
	CS_AUTO_FREE char *text = cs_alloc(size + 1);
	memset(text, '#', size);
	files_write("big", text);
	ck_assert_int_lt(load(&(struct cs_kubeconfig_sources){ .file = files_path("big") }), 0);
	ck_assert_ptr_nonnull(strstr(err.text, files_path("big")));
}
END_TEST

START_TEST(in_cluster)
{
	struct cs_kubeconfig_sources sources = { .service_host = "10.0.0.1",
						 .service_port = "443",
						 .service_account = "/sa" };
	ck_assert_int_eq(load(&sources), 0);
	ck_assert_str_eq(endpoint.server, "https://10.0.0.1:443");
	ck_assert_str_eq(endpoint.token_file, "/sa/token");
	ck_assert_str_eq(endpoint.ca_file, "/sa/ca.crt");
	sources.service_host = "fd00::1";
	sources.service_account = NULL;
	ck_assert_int_eq(load(&sources), 0);
	ck_assert_str_eq(endpoint.server, "https://[fd00::1]:443");
	ck_assert_str_eq(endpoint.token_file,
			 "/var/run/secrets/kubernetes.io/serviceaccount/token");
	// a list of which nothing exists does not stand in the way
	sources.list = files_path("missing");
	ck_assert_int_eq(load(&sources), 0);
	sources.service_port = NULL;
	ck_assert_int_eq(load(&sources), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "none of these files exists"));
	sources.list = NULL;
	ck_assert_int_eq(load(&sources), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.text, "no API server is configured"));
}
END_TEST

START_TEST(master)
{
	struct cs_kubeconfig_sources sources = { .server = "http://127.0.0.1:8080/" };
	ck_assert_int_eq(load(&sources), 0);
	ck_assert_str_eq(endpoint.server, "http://127.0.0.1:8080");
	files_write("a", USER "    token: a\n");
	sources.file = files_path("a");
	sources.server = "https://elsewhere:1";
	ck_assert_int_eq(load(&sources), 0);
	ck_assert_str_eq(endpoint.server, "https://elsewhere:1");
	ck_assert_str_eq(endpoint.token, "a");
	sources.server = "ftp://x";
	ck_assert_int_eq(load(&sources), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "--master: must be a URL"));
}
END_TEST

START_TEST(environment)
{
	setenv("KUBECONFIG", "/a:/b", 1);
	setenv("KUBERNETES_SERVICE_HOST", "h", 1);
	setenv("KUBERNETES_SERVICE_PORT", "1", 1);
	struct cs_kubeconfig_sources sources = cs_kubeconfig_environment("f", "m");
	ck_assert_str_eq(sources.list, "/a:/b");
	ck_assert_str_eq(sources.service_host, "h");
	ck_assert_str_eq(sources.service_port, "1");
	ck_assert_str_eq(sources.file, "f");
	ck_assert_str_eq(sources.server, "m");
	sources = cs_kubeconfig_environment("", NULL);
	ck_assert(!sources.file && !sources.server);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("kubeconfig");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, every_field);
	tcase_add_test(c, other_forms);
	tcase_add_loop_test(c, servers, 0, 8);
	tcase_add_test(c, no_credentials_over_plain_http);
	tcase_add_test(c, exec_plugins);
	tcase_add_test(c, errors);
	tcase_add_test(c, secrets_stay_out_of_errors);
	tcase_add_test(c, files_merge);
	tcase_add_test(c, an_explicit_file_is_alone_and_must_exist);
	tcase_add_test(c, a_broken_file_of_the_list_is_an_error);
	tcase_add_test(c, a_file_that_is_too_large);
	tcase_add_test(c, in_cluster);
	tcase_add_test(c, master);
	tcase_add_test(c, environment);
	suite_add_tcase(suite, c);
	return suite;
}
