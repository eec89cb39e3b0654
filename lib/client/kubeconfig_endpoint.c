// What a cluster and a user of a kubeconfig file say, as an endpoint.
// Neighbours: kubeconfig_internal.h; kubeconfig.c finds the entries.
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#include "kubeconfig_internal.h"

#define EXEC_EXTENSION "client.authentication.k8s.io/exec"

enum field_type { FIELD_STRING, FIELD_PATH, FIELD_DATA, FIELD_FLAG };

struct field {
	const char *key;
	enum field_type type;
	size_t offset; // in struct cs_endpoint
};

#define FIELD(key, type, member)                                \
	{                                                       \
		key, type, offsetof(struct cs_endpoint, member) \
	}

static const struct field cluster_fields[] = {
	FIELD("server", FIELD_STRING, server),
	FIELD("tls-server-name", FIELD_STRING, tls_server_name),
	FIELD("insecure-skip-tls-verify", FIELD_FLAG, insecure),
	FIELD("certificate-authority", FIELD_PATH, ca_file),
	FIELD("certificate-authority-data", FIELD_DATA, ca_data),
	FIELD("proxy-url", FIELD_STRING, proxy_url),
	FIELD("disable-compression", FIELD_FLAG, no_compress),
};

static const struct field user_fields[] = {
	FIELD("client-certificate", FIELD_PATH, certificate_file),
	FIELD("client-certificate-data", FIELD_DATA, certificate_data),
	FIELD("client-key", FIELD_PATH, key_file),
	FIELD("client-key-data", FIELD_DATA, key_data),
	FIELD("token", FIELD_STRING, token),
	FIELD("tokenFile", FIELD_PATH, token_file),
	FIELD("username", FIELD_STRING, username),
	FIELD("password", FIELD_STRING, password),
};

// ---- freeing ----

static void free_exec(struct cs_exec_plugin *exec)
{
	if (!exec)
		return;
	free(exec->command);
	strings_free(exec->arguments);
	strings_free(exec->environment);
	free(exec->api_version);
	free(exec->install_hint);
	cs_secret_free(exec->cluster_config);
	free(exec);
}

static char **string_at(struct cs_endpoint *endpoint, const struct field *field)
{
	return (char **)(void *)((char *)endpoint + field->offset);
}

static void free_fields(struct cs_endpoint *endpoint, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].type != FIELD_FLAG)
			cs_secret_free(*string_at(endpoint, &fields[i]));
}

void cs_endpoint_finish(struct cs_endpoint *endpoint)
{
	free_fields(endpoint, cluster_fields, CS_ARRAY_LENGTH(cluster_fields));
	free_fields(endpoint, user_fields, CS_ARRAY_LENGTH(user_fields));
	strings_free(endpoint->headers);
	free_exec(endpoint->exec);
	free(endpoint->source);
	*endpoint = (struct cs_endpoint){ 0 };
}

// ---- fields ----

static int read_field(const struct entry *entry, const struct field *field,
		      struct cs_endpoint *endpoint, struct cs_error *err)
{
	char **out = string_at(endpoint, field);
	const char *text;
	if (field->type == FIELD_FLAG)
		return entry_flag(entry, field->key, (bool *)((char *)endpoint + field->offset),
				  err);
	if (field->type == FIELD_DATA)
		return entry_data(entry, field->key, out, err);
	int r = entry_string(entry, field->key, &text, err);
	if (r < 0 || !text)
		return r;
	if (entry_has_control(text))
		return cs_error_set(err, -EINVAL, "%s.%s: contains a control character",
				    entry->where, field->key);
	*out = field->type == FIELD_PATH ? entry_resolve_path(entry, text) : cs_strdup(text);
	return 0;
}

static int read_fields(const struct entry *entry, const struct field *fields, size_t n,
		       struct cs_endpoint *endpoint, struct cs_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = read_field(entry, &fields[i], endpoint, err);
		if (r < 0)
			return r;
	}
	return 0;
}

// ---- server ----

// A part of a URL, NULL when absent; the caller frees with curl_free.
static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

int endpoint_normalise_server(struct cs_endpoint *endpoint, const char *where, struct cs_error *err)
{
	bool tls = endpoint->ca_file || endpoint->ca_data || endpoint->insecure;
	if (!strstr(endpoint->server, "://")) {
		char *full = cs_asprintf("%s://%s", tls ? "https" : "http", endpoint->server);
		free(endpoint->server);
		endpoint->server = full;
	}
	CURLU *url = curl_url();
	bool ok = curl_url_set(url, CURLUPART_URL, endpoint->server, 0) == CURLUE_OK;
	char *scheme = url_part(url, CURLUPART_SCHEME);
	char *host = url_part(url, CURLUPART_HOST);
	char *port = url_part(url, CURLUPART_PORT);
	char *path = url_part(url, CURLUPART_PATH);
	char *user = url_part(url, CURLUPART_USER);
	ok = ok && scheme && host && !user &&
	     (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
	if (ok) {
		size_t length = path ? strlen(path) : 0;
		while (length > 0 && path[length - 1] == '/')
			length--;
		free(endpoint->server);
		endpoint->server = cs_asprintf("%s://%s%s%s%.*s", scheme, host, port ? ":" : "",
					       port ? port : "", (int)length, path ? path : "");
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	curl_url_cleanup(url);
	return ok ? 0
		  : cs_error_set(err, -EINVAL,
				 "%s: must be a URL like https://host:6443 without a user name",
				 where);
}

static int check_proxy(const struct cs_endpoint *endpoint, const struct entry *cluster,
		       struct cs_error *err)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://" };
	if (!endpoint->proxy_url)
		return 0;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(schemes); i++)
		if (cs_string_prefix(endpoint->proxy_url, schemes[i]))
			return 0;
	return cs_error_set(err, -EINVAL, "%s.proxy-url: must begin with http, https or socks5",
			    cluster->where);
}

static int check_not_both(const struct entry *entry, const char *a, const char *b,
			  struct cs_error *err)
{
	if (!entry_member(entry->body, a) || !entry_member(entry->body, b))
		return 0;
	return cs_error_set(err, -EINVAL, "%s: %s and %s are both set", entry->where, a, b);
}

int endpoint_read_cluster(const struct entry *entry, struct cs_endpoint *endpoint,
			  struct cs_error *err)
{
	char where[WHERE_SIZE + 8];
	int r = read_fields(entry, cluster_fields, CS_ARRAY_LENGTH(cluster_fields), endpoint, err);
	if (r < 0)
		return r;
	snprintf(where, sizeof(where), "%s.server", entry->where);
	if (!endpoint->server)
		return cs_error_set(err, -EINVAL, "%s: not set", where);
	r = endpoint_normalise_server(endpoint, where, err);
	if (r < 0)
		return r;
	r = check_not_both(entry, "certificate-authority", "certificate-authority-data", err);
	if (r < 0)
		return r;
	if (endpoint->insecure && (endpoint->ca_file || endpoint->ca_data))
		return cs_error_set(err, -EINVAL,
				    "%s: a certificate authority and insecure-skip-tls-verify are "
				    "both set",
				    entry->where);
	return check_proxy(endpoint, entry, err);
}

// ---- user ----

// Escapes what may not stand in a header's name, as client-go.
static void escape_header(const char *key, struct cs_buffer *out)
{
	for (; *key; key++) {
		unsigned char c = (unsigned char)*key;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("!#$&'*+-.^_`|~", c);
		if (plain)
			cs_buffer_append_char(out, (char)c);
		else
			cs_buffer_printf(out, "%%%02X", c);
	}
}

static int read_impersonation_extra(const struct entry *user, struct strings *headers,
				    struct cs_error *err)
{
	struct json_object *extra = entry_member(user->body, "as-user-extra");
	if (!extra)
		return 0;
	if (!json_object_is_type(extra, json_type_object))
		return cs_error_set(err, -EINVAL, "%s.as-user-extra: must be an object",
				    user->where);
	struct entry inner = { .body = extra, .file = user->file };
	entry_set_where(&inner, "%s.as-user-extra", user->where);
	json_object_object_foreach(extra, key, value)
	{
		(void)value;
		CS_AUTO_BUFFER struct cs_buffer prefix;
		cs_buffer_init(&prefix, CS_KUBECONFIG_FILE_MAX);
		cs_buffer_append_string(&prefix, "Impersonate-Extra-");
		escape_header(key, &prefix);
		cs_buffer_append_string(&prefix, ": ");
		int r = entry_strings(&inner, key, prefix.data, headers, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_header(const struct entry *user, const char *key, const char *prefix,
		      struct strings *headers, struct cs_error *err)
{
	const char *text;
	int r = entry_string(user, key, &text, err);
	if (r < 0 || !text)
		return r;
	if (entry_has_control(text))
		return cs_error_set(err, -EINVAL, "%s.%s: contains a control character",
				    user->where, key);
	strings_add(headers, cs_asprintf("%s%s", prefix, text));
	return 0;
}

static int read_impersonation(const struct entry *user, struct cs_endpoint *endpoint,
			      struct cs_error *err)
{
	struct strings headers = { 0 };
	int r = add_header(user, "as", "Impersonate-User: ", &headers, err);
	bool named = headers.count > 0;
	if (r == 0)
		r = add_header(user, "as-uid", "Impersonate-Uid: ", &headers, err);
	if (r == 0)
		r = entry_strings(user, "as-groups", "Impersonate-Group: ", &headers, err);
	if (r == 0)
		r = read_impersonation_extra(user, &headers, err);
	endpoint->headers = headers.items;
	if (r == 0 && headers.count > 0 && !named)
		return cs_error_set(err, -EINVAL, "%s: as-uid, as-groups and as-user-extra need as",
				    user->where);
	return r;
}

static int read_environment(const struct entry *exec, struct strings *out, struct cs_error *err)
{
	struct json_object *list;
	int r = entry_list(exec, "env", &list, err);
	if (r < 0 || !list)
		return r;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct entry item = { .body = json_object_array_get_idx(list, i) };
		const char *name, *value;
		entry_set_where(&item, "%s.env[%zu]", exec->where, i);
		if ((r = entry_string(&item, "name", &name, err)) < 0 ||
		    (r = entry_string(&item, "value", &value, err)) < 0)
			return r;
		if (!name)
			return cs_error_set(err, -EINVAL, "%s.name: not set", item.where);
		strings_add(out, cs_asprintf("%s=%s", name, value ? value : ""));
	}
	return 0;
}

// We have no terminal to offer: "Always" cannot work. v1 requires the field, v1beta1 does not.
static int check_interactive(const struct entry *exec, const char *api_version,
			     struct cs_error *err)
{
	const char *mode;
	int r = entry_string(exec, "interactiveMode", &mode, err);
	if (r < 0)
		return r;
	if (!mode)
		return strcmp(api_version, "client.authentication.k8s.io/v1beta1") == 0
			       ? 0
			       : cs_error_set(err, -EINVAL, "%s.interactiveMode: not set",
					      exec->where);
	if (strcmp(mode, "Never") == 0 || strcmp(mode, "IfAvailable") == 0)
		return 0;
	if (strcmp(mode, "Always") == 0)
		return cs_error_set(err, -EINVAL,
				    "%s.interactiveMode: the plugin needs a terminal, which a "
				    "scheduler does not have",
				    exec->where);
	return cs_error_set(err, -EINVAL,
			    "%s.interactiveMode: must be Never, IfAvailable or Always",
			    exec->where);
}

static int read_exec_version(const struct entry *entry, struct cs_exec_plugin *exec,
			     struct cs_error *err)
{
	const char *version;
	int r = entry_string(entry, "apiVersion", &version, err);
	if (r < 0)
		return r;
	if (!version || (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
			 strcmp(version, "client.authentication.k8s.io/v1beta1") != 0))
		return cs_error_set(err, -EINVAL,
				    "%s.apiVersion: must be client.authentication.k8s.io/v1 or "
				    "client.authentication.k8s.io/v1beta1",
				    entry->where);
	exec->api_version = cs_strdup(version);
	return check_interactive(entry, version, err);
}

// A command with a '/' that is not absolute is relative to its file, as upstream.
static int read_exec_command(const struct entry *entry, struct cs_exec_plugin *exec,
			     struct cs_error *err)
{
	const char *command, *hint;
	int r = entry_string(entry, "command", &command, err);
	if (r < 0)
		return r;
	if (!command)
		return cs_error_set(err, -EINVAL, "%s.command: not set", entry->where);
	exec->command =
		strchr(command, '/') ? entry_resolve_path(entry, command) : cs_strdup(command);
	r = entry_string(entry, "installHint", &hint, err);
	if (hint)
		exec->install_hint = cs_strdup(hint);
	return r;
}

static int read_exec(const struct entry *user, struct cs_endpoint *endpoint, struct cs_error *err)
{
	struct entry entry = { .body = entry_member(user->body, "exec"), .file = user->file };
	if (!entry.body)
		return 0;
	entry_set_where(&entry, "%s.exec", user->where);
	if (!json_object_is_type(entry.body, json_type_object))
		return cs_error_set(err, -EINVAL, "%s: must be an object", entry.where);
	struct cs_exec_plugin *exec = cs_alloc(sizeof(*exec));
	struct strings arguments = { 0 }, environment = { 0 };
	endpoint->exec = exec;
	int r = read_exec_command(&entry, exec, err);
	if (r == 0)
		r = read_exec_version(&entry, exec, err);
	if (r == 0)
		r = entry_flag(&entry, "provideClusterInfo", &exec->provide_cluster, err);
	if (r == 0)
		r = entry_strings(&entry, "args", "", &arguments, err);
	exec->arguments = arguments.items;
	if (r == 0)
		r = read_environment(&entry, &environment, err);
	exec->environment = environment.items;
	return r;
}

static int check_user(const struct entry *user, const struct cs_endpoint *endpoint,
		      struct cs_error *err)
{
	bool certificate = endpoint->certificate_file || endpoint->certificate_data;
	bool key = endpoint->key_file || endpoint->key_data;
	int r = check_not_both(user, "client-certificate", "client-certificate-data", err);
	if (r == 0)
		r = check_not_both(user, "client-key", "client-key-data", err);
	if (r < 0)
		return r;
	if (certificate != key)
		return cs_error_set(err, -EINVAL,
				    "%s: client-certificate and client-key must be set together",
				    user->where);
	if (endpoint->token && (endpoint->username || endpoint->password))
		return cs_error_set(err, -EINVAL, "%s: token and username/password are both set",
				    user->where);
	if (entry_member(user->body, "auth-provider"))
		return cs_error_set(err, -EINVAL,
				    "%s.auth-provider: not supported; use an exec plugin",
				    user->where);
	return 0;
}

int endpoint_read_user(const struct entry *entry, struct cs_endpoint *endpoint,
		       struct cs_error *err)
{
	int r = read_fields(entry, user_fields, CS_ARRAY_LENGTH(user_fields), endpoint, err);
	if (r == 0)
		r = check_user(entry, endpoint, err);
	if (r == 0)
		r = read_impersonation(entry, endpoint, err);
	if (r == 0)
		r = read_exec(entry, endpoint, err);
	return r;
}

void endpoint_drop_unsafe(struct cs_endpoint *endpoint)
{
	if (cs_string_prefix(endpoint->server, "https://"))
		return;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(user_fields); i++) {
		char **s = string_at(endpoint, &user_fields[i]);
		cs_secret_free(*s);
		*s = NULL;
	}
	free_exec(endpoint->exec);
	endpoint->exec = NULL;
}

int endpoint_read_exec_cluster(const struct entry *cluster, struct cs_endpoint *endpoint,
			       struct cs_error *err)
{
	struct json_object *list;
	int r = entry_list(cluster, "extensions", &list, err);
	if (r < 0 || !list || !endpoint->exec)
		return r;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct json_object *name = entry_member(item, "name");
		if (!name || strcmp(json_object_get_string(name), EXEC_EXTENSION) != 0)
			continue;
		struct cs_json_writer json;
		struct cs_buffer text;
		cs_buffer_init(&text, CS_KUBECONFIG_FILE_MAX);
		cs_json_init(&json, &text);
		cs_value_write(entry_member(item, "extension"), &json);
		free(endpoint->exec->cluster_config);
		endpoint->exec->cluster_config = cs_buffer_take(&text);
	}
	return 0;
}
