// As in a pod: no flag says where the API server is; two variables and a mounted folder do. The
// folder lies where kubelets mount it, in a mount namespace of the program's own.
// Neighbours: harness.h; client's unit tests have the rest of credentials.
#include "../unit/check_main.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csched/base/memory.h>

#include "harness.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

// ---- in the new process ----

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr,
		"%s: %s. This test needs a user and a mount namespace (unshare -rm true).\n", what,
		strerror(errno));
	_exit(126);
}

static void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

// Root, by a user namespace where it is not so already: that wants a process of one thread, which
// the thread sanitizer's is not.
static void enter_namespace(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();
	if (uid == 0 && unshare(CLONE_NEWNS) == 0)
		return;
	must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
	write_map("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	write_map("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	write_map("/proc/self/gid_map", map);
}

// A mount namespace of our own, where /var/run is empty but for the account's folder.
static void mount_account(const char *folder)
{
	char path[sizeof(ACCOUNT)] = ACCOUNT;
	enter_namespace();
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
	must(mount("tmpfs", "/var/run", "tmpfs", 0, NULL) == 0, "tmpfs on /var/run");
	for (char *at = path + strlen("/var/run/"); (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		must(mkdir(path, 0755) == 0, path);
	}
	must(mkdir(path, 0755) == 0, path);
	must(mount(folder, ACCOUNT, NULL, MS_BIND, NULL) == 0, "the account's folder");
}

struct pod {
	const char *account; // folder
	const char *port;
};

static void enter_pod(void *user)
{
	const struct pod *pod = user;
	mount_account(pod->account);
	setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", pod->port, 1);
}

// ---- the tests ----

// The certificate authority of kubesim, which it says in its kubeconfig.
static char *authority_of(const struct harness_process *kubesim)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	struct cs_error err = { 0 };
	const char *text = harness_read_file(kubesim->kubeconfig);
	ck_assert_msg(cs_value_read_yaml(cs_slice_of(text), &documents, &err) == 0, "%s", err.text);
	struct json_object *clusters =
		cs_value_at(json_object_array_get_idx(documents, 0), "clusters");
	const char *data = cs_value_string_at(json_object_array_get_idx(clusters, 0),
					      "cluster.certificate-authority-data");
	ck_assert_ptr_nonnull(data);
	char *pem = cs_alloc(strlen(data) + 1);
	ck_assert_int_gt(EVP_DecodeBlock((unsigned char *)pem, (const unsigned char *)data,
					 (int)strlen(data)),
			 0);
	return pem;
}

static struct harness_process *kubesim;
static struct harness_process *scheduler;

// c-sched in a pod whose account has that token.
static void start_pod(const char *token, const char *authority)
{
	CS_AUTO_FREE char *port = cs_asprintf("%d", kubesim->port);
	struct pod pod = { .account = harness_path("account"), .port = port };
	ck_assert_int_eq(mkdir(pod.account, 0700), 0);
	harness_write_file(harness_path("account/token"), token);
	harness_write_file(harness_path("account/namespace"), "kube-system");
	if (authority)
		harness_write_file(harness_path("account/ca.crt"), authority);
	scheduler = harness_start_prepared(
		"c-sched",
		(const char *const[]){ "--leader-elect=false", "--secure-port=0", "-v=3", NULL },
		enter_pod, &pod);
}

START_TEST(found_without_being_told)
{
	kubesim = HARNESS_KUBESIM("--nodes=2", "--tls", "--token=right");
	CS_AUTO_FREE char *authority = authority_of(kubesim);
	start_pod("right", authority);
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_logged(scheduler, "Starting to schedule");
	harness_wait_bound(kubesim, "p");
	ck_assert_int_eq(harness_stop(scheduler, SIGTERM), 0);
	ck_assert(!harness_logged(scheduler, "right"));
}
END_TEST

// The kubelet replaces the token while the program runs.
START_TEST(the_token_is_replaced)
{
	kubesim = HARNESS_KUBESIM("--nodes=2", "--tls", "--token=new");
	CS_AUTO_FREE char *authority = authority_of(kubesim);
	start_pod("old", authority);
	harness_wait_logged(scheduler, "Unauthorized");
	harness_write_file(harness_path("account/token"), "new");
	harness_create_pod(kubesim, "p", "100m");
	harness_wait_bound(kubesim, "p");
}
END_TEST

// The server's certificate is checked against the account's authority, not trusted.
START_TEST(another_authority)
{
	kubesim = HARNESS_KUBESIM("--nodes=2", "--tls", "--token=right");
	struct harness_process *other = HARNESS_KUBESIM("--nodes=0", "--tls");
	CS_AUTO_FREE char *authority = authority_of(other);
	start_pod("right", authority);
	harness_wait_logged(scheduler, "certificate");
	harness_create_pod(kubesim, "p", "100m");
	harness_sleep(1);
	ck_assert_ptr_null(harness_node_of(kubesim, "p"));
	ck_assert(harness_is_running(scheduler));
}
END_TEST

START_TEST(an_account_without_an_authority)
{
	kubesim = HARNESS_KUBESIM("--nodes=0", "--tls", "--token=right");
	start_pod("right", NULL);
	ck_assert_int_eq(harness_wait_exit(scheduler), 1);
	ck_assert_msg(harness_logged(scheduler, ACCOUNT "/ca.crt"), "%s",
		      harness_read_file(scheduler->log));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("incluster");
	TCase *tcase = tcase_create("incluster");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_add_test(tcase, found_without_being_told);
	tcase_add_test(tcase, the_token_is_replaced);
	tcase_add_test(tcase, another_authority);
	tcase_add_test(tcase, an_account_without_an_authority);
	suite_add_tcase(suite, tcase);
	return suite;
}
