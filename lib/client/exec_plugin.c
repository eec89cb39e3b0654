// Exec credential plugins: spawn, read the answer as it comes, kill what hangs.
// Neighbours: credentials.c decides when. Protocol: client.authentication.k8s.io/v1, v1beta1.
#include "exec_plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csched/base/json_writer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/client/credentials.h>
#include <csched/kube/timestamp.h>

#define OUTPUT_MAX (1u << 20)
#define INFO_MAX   (8u << 20)

extern char **environ;

void cs_exec_result_finish(struct cs_exec_result *result)
{
	cs_secret_free(result->token);
	free(result->certificate);
	cs_secret_free(result->key);
	*result = (struct cs_exec_result){ 0 };
}

// ---- what the plugin is told ----

static void write_base64(struct cs_json_writer *json, const char *text)
{
	size_t size = strlen(text);
	CS_AUTO_FREE char *encoded = cs_alloc(size / 3 * 4 + 8);
	EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)size);
	cs_json_string(json, encoded);
}

static void write_cluster(struct cs_json_writer *json, const struct cs_endpoint *endpoint,
			  const char *ca)
{
	cs_json_member_object_begin(json, "cluster");
	cs_json_member_string(json, "server", endpoint->server);
	if (endpoint->tls_server_name)
		cs_json_member_string(json, "tls-server-name", endpoint->tls_server_name);
	if (endpoint->insecure)
		cs_json_member_bool(json, "insecure-skip-tls-verify", true);
	if (ca) {
		cs_json_key(json, "certificate-authority-data");
		write_base64(json, ca);
	}
	if (endpoint->proxy_url)
		cs_json_member_string(json, "proxy-url", endpoint->proxy_url);
	if (endpoint->no_compress)
		cs_json_member_bool(json, "disable-compression", true);
	cs_json_key(json, "config");
	if (endpoint->exec->cluster_config)
		cs_json_raw(json, cs_slice_of(endpoint->exec->cluster_config));
	else
		cs_json_null(json);
	cs_json_object_end(json);
}

// KUBERNETES_EXEC_INFO={...}
static char *make_info(const struct cs_endpoint *endpoint, const char *ca)
{
	struct cs_buffer out;
	struct cs_json_writer json;
	cs_buffer_init(&out, INFO_MAX);
	cs_buffer_append_string(&out, "KUBERNETES_EXEC_INFO=");
	cs_json_init(&json, &out);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "kind", "ExecCredential");
	cs_json_member_string(&json, "apiVersion", endpoint->exec->api_version);
	cs_json_member_object_begin(&json, "spec");
	if (endpoint->exec->provide_cluster)
		write_cluster(&json, endpoint, ca);
	cs_json_member_bool(&json, "interactive", false);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
	return cs_buffer_take(&out);
}

static size_t count_strings(char *const *strings)
{
	size_t n = 0;
	while (strings && strings[n])
		n++;
	return n;
}

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");
	return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
}

// Our environment, in which the plugin's entries and `info` replace entries of the same name. The
// array is the caller's, the strings are borrowed.
static char **make_environment(const struct cs_exec_plugin *plugin, char *info)
{
	size_t ours = count_strings(environ), extra = count_strings(plugin->environment), n = 0;
	char **out = cs_alloc_array(ours + extra + 2, sizeof(*out));
	for (size_t i = 0; i < ours; i++) {
		bool replaced = same_name(environ[i], info);
		for (size_t k = 0; k < extra; k++)
			replaced = replaced || same_name(environ[i], plugin->environment[k]);
		if (!replaced)
			out[n++] = environ[i];
	}
	for (size_t k = 0; k < extra; k++)
		out[n++] = plugin->environment[k];
	out[n++] = info;
	return out;
}

static char **make_arguments(const struct cs_exec_plugin *plugin)
{
	size_t n = count_strings(plugin->arguments);
	char **out = cs_alloc_array(n + 2, sizeof(*out));
	out[0] = plugin->command;
	for (size_t i = 0; i < n; i++)
		out[i + 1] = plugin->arguments[i];
	return out;
}

// ---- the process ----

// Standard input is /dev/null, standard error ours; no signal is blocked or ignored.
static int spawn(const struct cs_exec_plugin *plugin, char **environment, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	// A group of its own, so that what it starts dies with it.
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	char **arguments = make_arguments(plugin);
	int r = posix_spawnp(pid, plugin->command, &actions, &attributes, arguments, environment);
	free(arguments);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int cs_exec_run_start(struct cs_exec_run *run, const struct cs_endpoint *endpoint, const char *ca,
		      struct cs_time now, struct cs_error *err)
{
	const struct cs_exec_plugin *plugin = endpoint->exec;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return cs_error_errno(err, -errno, "exec plugin %s: pipe", plugin->command);
	CS_AUTO_FREE char *info = make_info(endpoint, ca);
	CS_AUTO_FREE char **environment = make_environment(plugin, info);
	pid_t pid = 0;
	int r = spawn(plugin, environment, ends[1], &pid);
	close(ends[1]);
	if (r != 0) {
		close(ends[0]);
		cs_error_errno(err, -r, "%s: exec plugin %s", endpoint->source, plugin->command);
		if (plugin->install_hint && r == ENOENT)
			return cs_error_set(err, -r, "%s: exec plugin %s not found: %s",
					    endpoint->source, plugin->command,
					    plugin->install_hint);
		return -r;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*run = (struct cs_exec_run){ .pid = pid, .fd = ends[0], .started = now.boot };
	cs_buffer_init(&run->out, OUTPUT_MAX);
	return 0;
}

static void forget(struct cs_exec_run *run)
{
	if (run->fd >= 0)
		close(run->fd);
	explicit_bzero(run->out.data, run->out.size);
	cs_buffer_finish(&run->out);
	*run = (struct cs_exec_run){ .fd = -1 };
}

void cs_exec_run_stop(struct cs_exec_run *run)
{
	if (run->pid == 0)
		return;
	kill(-run->pid, SIGKILL);
	waitpid(run->pid, NULL, 0);
	forget(run);
}

// Reads what is there; true at the end of the output, or when it is too long.
static bool read_output(struct cs_exec_run *run)
{
	char bytes[4096];
	if (run->fd < 0)
		return true;
	while (!run->out.overflow) {
		ssize_t n = read(run->fd, bytes, sizeof(bytes));
		if (n > 0)
			cs_buffer_append(&run->out, bytes, (size_t)n);
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && errno == EAGAIN)
			break;
		else {
			close(run->fd);
			run->fd = -1;
			break;
		}
	}
	explicit_bzero(bytes, sizeof(bytes));
	return run->fd < 0 || run->out.overflow;
}

// ---- what it answers ----

static char *copy_member(struct json_object *tree, const char *path)
{
	const char *s = cs_value_string_at(tree, path);
	return s && *s ? cs_strdup(s) : NULL;
}

static int check_version(struct json_object *tree, const struct cs_exec_plugin *plugin,
			 struct cs_error *err)
{
	const char *kind = cs_value_string_at(tree, "kind");
	const char *version = cs_value_string_at(tree, "apiVersion");
	if (!cs_string_equal(kind, "ExecCredential"))
		return cs_error_set(err, -EINVAL, "its output is not an ExecCredential");
	if (!cs_string_equal(version, plugin->api_version))
		return cs_error_set(err, -EINVAL,
				    "exec plugin is configured to use API version %s, plugin "
				    "returned version %s",
				    plugin->api_version, version ? version : "none");
	return 0;
}

static int fill_result(struct json_object *tree, struct cs_exec_result *ret, struct cs_error *err)
{
	const char *expires = cs_value_string_at(tree, "status.expirationTimestamp");
	ret->token = copy_member(tree, "status.token");
	ret->certificate = copy_member(tree, "status.clientCertificateData");
	ret->key = copy_member(tree, "status.clientKeyData");
	if (!ret->token && !ret->certificate && !ret->key)
		return cs_error_set(err, -EINVAL,
				    "exec plugin didn't return a token or cert/key pair");
	if (!ret->certificate != !ret->key)
		return cs_error_set(err, -EINVAL,
				    "exec plugin returned only certificate or key, not both");
	if (expires && cs_timestamp_parse(cs_slice_of(expires), &ret->expires, err) < 0)
		return cs_error_prefix(err, "status.expirationTimestamp");
	return 0;
}

static int parse(struct cs_exec_run *run, const struct cs_exec_plugin *plugin,
		 struct cs_exec_result *ret, struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	*ret = (struct cs_exec_result){ 0 };
	int r = cs_value_read_json(cs_buffer_slice(&run->out), &tree, err);
	if (r == 0)
		r = check_version(tree, plugin, err);
	if (r == 0)
		r = fill_result(tree, ret, err);
	if (r < 0)
		cs_exec_result_finish(ret);
	return r;
}

static int check_exit(int status, struct cs_error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return cs_error_set(err, -EIO, "it failed with exit code %d", WEXITSTATUS(status));
	return cs_error_set(err, -EIO, "it was killed by signal %d", WTERMSIG(status));
}

int cs_exec_run_poll(struct cs_exec_run *run, const struct cs_endpoint *endpoint,
		     struct cs_time now, struct cs_exec_result *ret, struct cs_error *err)
{
	const struct cs_exec_plugin *plugin = endpoint->exec;
	int status = 0, r;
	bool ended = read_output(run);
	if (run->out.overflow) {
		cs_exec_run_stop(run);
		r = cs_error_set(err, -EMSGSIZE, "it printed more than %u bytes", OUTPUT_MAX);
	} else if (ended && waitpid(run->pid, &status, WNOHANG) == run->pid) {
		r = check_exit(status, err);
		if (r == 0)
			r = parse(run, plugin, ret, err);
		forget(run);
	} else if (now.boot - run->started >= CS_CREDENTIALS_EXEC_MAX) {
		cs_exec_run_stop(run);
		r = cs_error_set(err, -ETIMEDOUT, "it did not end within %d s",
				 (int)(CS_CREDENTIALS_EXEC_MAX / CS_SECOND));
	} else {
		return 0;
	}
	if (r < 0)
		return cs_error_prefix(err, "%s: exec plugin %s", endpoint->source,
				       plugin->command);
	return 1;
}
