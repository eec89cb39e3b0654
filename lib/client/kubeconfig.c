// kubeconfig files and in-cluster configuration, read into one endpoint.
// Neighbours: base's value.h parses the YAML; credentials.c reads the files named here.
#include <csched/client/kubeconfig.h>

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>

#define FILES_MAX       16   // entries of $KUBECONFIG that are looked at
#define STRINGS_MAX     1024 // elements of args, env, as-groups
#define WHERE_SIZE      512
#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define EXEC_EXTENSION  "client.authentication.k8s.io/exec"

struct file {
	const char *name;
	struct json_object *documents;
	struct json_object *root; // borrowed from documents; NULL for an empty file
};

struct config {
	struct file files[FILES_MAX];
	size_t count;
};

// The body of clusters[x].cluster and so on, with words for messages and the file's name.
struct entry {
	struct json_object *body; // NULL: left out, as if empty
	const struct file *file;
	char where[WHERE_SIZE];
};

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

static void free_secret(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free_secret(strings[i]);
	free(strings);
}

static void free_exec(struct cs_exec_plugin *exec)
{
	if (!exec)
		return;
	free(exec->command);
	free_strings(exec->arguments);
	free_strings(exec->environment);
	free(exec->api_version);
	free(exec->install_hint);
	free_secret(exec->cluster_config);
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
			free_secret(*string_at(endpoint, &fields[i]));
}

void cs_endpoint_finish(struct cs_endpoint *endpoint)
{
	free_fields(endpoint, cluster_fields, CS_ARRAY_LENGTH(cluster_fields));
	free_fields(endpoint, user_fields, CS_ARRAY_LENGTH(user_fields));
	free_strings(endpoint->headers);
	free_exec(endpoint->exec);
	free(endpoint->source);
	*endpoint = (struct cs_endpoint){ 0 };
}

// Cut when it gets too long: it is only read by people.
__attribute__((format(printf, 2, 3))) static void set_where(struct entry *entry, const char *format,
							    ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(entry->where, sizeof(entry->where), format, args);
	va_end(args);
}

static void config_finish(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		json_object_put(config->files[i].documents);
}

// ---- values ----

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

// The string at entry.key: NULL when absent or empty. The words never show the value.
static int read_string(const struct entry *entry, const char *key, const char **ret,
		       struct cs_error *err)
{
	struct json_object *value = member(entry->body, key);
	*ret = NULL;
	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return cs_error_set(err, -EINVAL, "%s.%s: must be a string", entry->where, key);
	const char *s = json_object_get_string(value);
	if (strlen(s) != (size_t)json_object_get_string_len(value))
		return cs_error_set(err, -EINVAL, "%s.%s: contains a NUL byte", entry->where, key);
	if (*s)
		*ret = s;
	return 0;
}

static int read_flag(const struct entry *entry, const char *key, bool *ret, struct cs_error *err)
{
	struct json_object *value = member(entry->body, key);
	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return cs_error_set(err, -EINVAL, "%s.%s: must be true or false", entry->where,
				    key);
	*ret = json_object_get_boolean(value);
	return 0;
}

// Relative paths are relative to the folder of the file they stand in.
static char *resolve_path(const struct file *file, const char *path)
{
	const char *slash = strrchr(file->name, '/');
	if (*path == '/' || !slash)
		return cs_strdup(path);
	return cs_asprintf("%.*s/%s", (int)(slash - file->name), file->name, path);
}

// Decodes base64 into NUL-terminated text; NULL if it is not base64 or holds a NUL.
static char *decode_base64(const char *text)
{
	size_t size = strlen(text);
	if (size > CS_KUBECONFIG_FILE_MAX)
		return NULL;
	char *out = cs_alloc(size / 4 * 3 + 4);
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	int n = 0, last = 0;
	EVP_DecodeInit(context);
	bool ok = EVP_DecodeUpdate(context, (unsigned char *)out, &n, (const unsigned char *)text,
				   (int)size) >= 0 &&
		  EVP_DecodeFinal(context, (unsigned char *)out + n, &last) == 1 &&
		  memchr(out, '\0', (size_t)n + (size_t)last) == NULL;
	EVP_ENCODE_CTX_free(context);
	if (!ok) {
		free(out);
		return NULL;
	}
	out[n + last] = '\0';
	return out;
}

static int read_data(const struct entry *entry, const char *key, char **ret, struct cs_error *err)
{
	const char *text;
	int r = read_string(entry, key, &text, err);
	if (r < 0 || !text)
		return r;
	char *pem = decode_base64(text);
	if (!pem)
		return cs_error_set(err, -EINVAL, "%s.%s: not base64", entry->where, key);
	*ret = pem;
	if (!strstr(pem, "-----BEGIN "))
		return cs_error_set(err, -EINVAL, "%s.%s: not PEM", entry->where, key);
	return 0;
}

static int read_field(const struct entry *entry, const struct field *field,
		      struct cs_endpoint *endpoint, struct cs_error *err)
{
	char **out = string_at(endpoint, field);
	const char *text;
	if (field->type == FIELD_FLAG)
		return read_flag(entry, field->key, (bool *)((char *)endpoint + field->offset),
				 err);
	if (field->type == FIELD_DATA)
		return read_data(entry, field->key, out, err);
	int r = read_string(entry, field->key, &text, err);
	if (r < 0 || !text)
		return r;
	if (has_control(text))
		return cs_error_set(err, -EINVAL, "%s.%s: contains a control character",
				    entry->where, field->key);
	*out = field->type == FIELD_PATH ? resolve_path(entry->file, text) : cs_strdup(text);
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

// A NULL-terminated list under construction.
struct strings {
	char **items;
	size_t count;
};

static void strings_add(struct strings *strings, char *item)
{
	strings->items = cs_realloc_array(strings->items, strings->count + 2, sizeof(char *));
	strings->items[strings->count++] = item;
	strings->items[strings->count] = NULL;
}

// Checks that entry.key is a list of at most STRINGS_MAX elements; *ret is NULL when absent.
static int read_list(const struct entry *entry, const char *key, struct json_object **ret,
		     struct cs_error *err)
{
	*ret = member(entry->body, key);
	if (!*ret)
		return 0;
	if (!json_object_is_type(*ret, json_type_array))
		return cs_error_set(err, -EINVAL, "%s.%s: must be a list", entry->where, key);
	if (json_object_array_length(*ret) > STRINGS_MAX)
		return cs_error_set(err, -EINVAL, "%s.%s: has more than %d elements", entry->where,
				    key, STRINGS_MAX);
	return 0;
}

// Adds prefix + element for each string of the list at entry.key.
static int read_strings(const struct entry *entry, const char *key, const char *prefix,
			struct strings *out, struct cs_error *err)
{
	struct json_object *list;
	int r = read_list(entry, key, &list, err);
	if (r < 0 || !list)
		return r;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		if (!json_object_is_type(item, json_type_string))
			return cs_error_set(err, -EINVAL, "%s.%s[%zu]: must be a string",
					    entry->where, key, i);
		const char *s = json_object_get_string(item);
		if (*prefix && has_control(s))
			return cs_error_set(err, -EINVAL,
					    "%s.%s[%zu]: contains a control character",
					    entry->where, key, i);
		strings_add(out, cs_asprintf("%s%s", prefix, s));
	}
	return 0;
}

// A list of the file and what its entries call their body.
struct section {
	const char *list;
	const char *body;
};
static const struct section clusters = { "clusters", "cluster" };
static const struct section users = { "users", "user" };
static const struct section contexts = { "contexts", "context" };

// ---- merging: the first file that has it wins ----

static int check_name(const struct file *file, const char *list, size_t i, struct json_object *item,
		      struct cs_error *err)
{
	if (json_object_is_type(member(item, "name"), json_type_string))
		return 0;
	return cs_error_set(err, -EINVAL, "%s: %s[%zu].name: must be a string", file->name, list,
			    i);
}

// 1 = the file has an entry of that name.
static int find_in_file(const struct file *file, const char *list, const char *name,
			struct json_object **ret, struct cs_error *err)
{
	struct json_object *items = member(file->root, list);
	int found = 0;
	if (!items)
		return 0;
	if (!json_object_is_type(items, json_type_array))
		return cs_error_set(err, -EINVAL, "%s: %s: must be a list", file->name, list);
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		int r = check_name(file, list, i, item, err);
		if (r < 0)
			return r;
		if (strcmp(json_object_get_string(member(item, "name")), name) != 0)
			continue;
		if (found++)
			return cs_error_set(err, -EINVAL, "%s: %s: two entries are named \"%s\"",
					    file->name, list, name);
		*ret = item;
	}
	return found;
}

// 1 = found, 0 = no file has it.
static int find_entry(const struct config *config, const struct section *section, const char *name,
		      struct entry *ret, struct cs_error *err)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct file *file = &config->files[i];
		struct json_object *item = NULL;
		int r = find_in_file(file, section->list, name, &item, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		ret->file = file;
		ret->body = member(item, section->body);
		set_where(ret, "%s: %s[%s].%s", file->name, section->list, name, section->body);
		if (ret->body && !json_object_is_type(ret->body, json_type_object))
			return cs_error_set(err, -EINVAL, "%s: must be an object", ret->where);
		return 1;
	}
	return 0;
}

// The first current-context that is not empty.
static int find_current_context(const struct config *config, const char **ret, struct cs_error *err)
{
	for (size_t i = 0; i < config->count; i++) {
		struct json_object *value = member(config->files[i].root, "current-context");
		if (!value)
			continue;
		if (!json_object_is_type(value, json_type_string))
			return cs_error_set(err, -EINVAL, "%s: current-context: must be a string",
					    config->files[i].name);
		*ret = json_object_get_string(value);
		if (**ret)
			return 0;
	}
	return cs_error_set(err, -EINVAL, "%s: current-context: not set", config->files[0].name);
}

// Follows context.key ("cluster", "user") to its entry.
static int follow(const struct config *config, const struct entry *context,
		  const struct section *section, struct entry *ret, struct cs_error *err)
{
	const char *name;
	int r = read_string(context, section->body, &name, err);
	if (r < 0)
		return r;
	if (!name)
		return cs_error_set(err, -EINVAL, "%s.%s: not set", context->where, section->body);
	r = find_entry(config, section, name, ret, err);
	if (r == 0)
		return cs_error_set(err, -EINVAL, "%s.%s: there is no %s named \"%s\"",
				    context->where, section->body, section->body, name);
	return r < 0 ? r : 0;
}

// ---- server ----

// A part of a URL, NULL when absent; the caller frees with curl_free.
static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool is_tls(const struct cs_endpoint *endpoint)
{
	return cs_string_prefix(endpoint->server, "https://");
}

// Checks the server's URL and brings it to scheme://host[:port][/path] without a '/' at the end.
// Without a scheme it is https where anything about TLS is configured, as upstream.
static int normalise_server(struct cs_endpoint *endpoint, const char *where, struct cs_error *err)
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
	if (!member(entry->body, a) || !member(entry->body, b))
		return 0;
	return cs_error_set(err, -EINVAL, "%s: %s and %s are both set", entry->where, a, b);
}

static int read_cluster(const struct entry *entry, struct cs_endpoint *endpoint,
			struct cs_error *err)
{
	char where[WHERE_SIZE + 8];
	int r = read_fields(entry, cluster_fields, CS_ARRAY_LENGTH(cluster_fields), endpoint, err);
	if (r < 0)
		return r;
	snprintf(where, sizeof(where), "%s.server", entry->where);
	if (!endpoint->server)
		return cs_error_set(err, -EINVAL, "%s: not set", where);
	r = normalise_server(endpoint, where, err);
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
	struct json_object *extra = member(user->body, "as-user-extra");
	if (!extra)
		return 0;
	if (!json_object_is_type(extra, json_type_object))
		return cs_error_set(err, -EINVAL, "%s.as-user-extra: must be an object",
				    user->where);
	struct entry inner = { .body = extra, .file = user->file };
	set_where(&inner, "%s.as-user-extra", user->where);
	json_object_object_foreach(extra, key, value)
	{
		(void)value;
		CS_AUTO_BUFFER struct cs_buffer prefix;
		cs_buffer_init(&prefix, CS_KUBECONFIG_FILE_MAX);
		cs_buffer_append_string(&prefix, "Impersonate-Extra-");
		escape_header(key, &prefix);
		cs_buffer_append_string(&prefix, ": ");
		int r = read_strings(&inner, key, prefix.data, headers, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_header(const struct entry *user, const char *key, const char *prefix,
		      struct strings *headers, struct cs_error *err)
{
	const char *text;
	int r = read_string(user, key, &text, err);
	if (r < 0 || !text)
		return r;
	if (has_control(text))
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
		r = read_strings(user, "as-groups", "Impersonate-Group: ", &headers, err);
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
	int r = read_list(exec, "env", &list, err);
	if (r < 0 || !list)
		return r;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct entry item = { .body = json_object_array_get_idx(list, i) };
		const char *name, *value;
		set_where(&item, "%s.env[%zu]", exec->where, i);
		if ((r = read_string(&item, "name", &name, err)) < 0 ||
		    (r = read_string(&item, "value", &value, err)) < 0)
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
	int r = read_string(exec, "interactiveMode", &mode, err);
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
	int r = read_string(entry, "apiVersion", &version, err);
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
	int r = read_string(entry, "command", &command, err);
	if (r < 0)
		return r;
	if (!command)
		return cs_error_set(err, -EINVAL, "%s.command: not set", entry->where);
	exec->command =
		strchr(command, '/') ? resolve_path(entry->file, command) : cs_strdup(command);
	r = read_string(entry, "installHint", &hint, err);
	if (hint)
		exec->install_hint = cs_strdup(hint);
	return r;
}

static int read_exec(const struct entry *user, struct cs_endpoint *endpoint, struct cs_error *err)
{
	struct entry entry = { .body = member(user->body, "exec"), .file = user->file };
	if (!entry.body)
		return 0;
	set_where(&entry, "%s.exec", user->where);
	if (!json_object_is_type(entry.body, json_type_object))
		return cs_error_set(err, -EINVAL, "%s: must be an object", entry.where);
	struct cs_exec_plugin *exec = cs_alloc(sizeof(*exec));
	struct strings arguments = { 0 }, environment = { 0 };
	endpoint->exec = exec;
	int r = read_exec_command(&entry, exec, err);
	if (r == 0)
		r = read_exec_version(&entry, exec, err);
	if (r == 0)
		r = read_flag(&entry, "provideClusterInfo", &exec->provide_cluster, err);
	if (r == 0)
		r = read_strings(&entry, "args", "", &arguments, err);
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
	if (member(user->body, "auth-provider"))
		return cs_error_set(err, -EINVAL,
				    "%s.auth-provider: not supported; use an exec plugin",
				    user->where);
	return 0;
}

static int read_user(const struct entry *entry, struct cs_endpoint *endpoint, struct cs_error *err)
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

// Over plain http nothing that proves who we are is sent, as upstream.
static void drop_credentials(struct cs_endpoint *endpoint)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(user_fields); i++) {
		char **s = string_at(endpoint, &user_fields[i]);
		free_secret(*s);
		*s = NULL;
	}
	free_exec(endpoint->exec);
	endpoint->exec = NULL;
}

// What an exec plugin may be told about its cluster: the text of its extension.
static int read_cluster_config(const struct entry *cluster, struct cs_endpoint *endpoint,
			       struct cs_error *err)
{
	struct json_object *list;
	int r = read_list(cluster, "extensions", &list, err);
	if (r < 0 || !list || !endpoint->exec)
		return r;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct json_object *name = member(item, "name");
		if (!name || strcmp(json_object_get_string(name), EXEC_EXTENSION) != 0)
			continue;
		struct cs_json_writer json;
		struct cs_buffer text;
		cs_buffer_init(&text, CS_KUBECONFIG_FILE_MAX);
		cs_json_init(&json, &text);
		cs_value_write(member(item, "extension"), &json);
		free(endpoint->exec->cluster_config);
		endpoint->exec->cluster_config = cs_buffer_take(&text);
	}
	return 0;
}

static int resolve(const struct config *config, struct cs_endpoint *ret, struct cs_error *err)
{
	struct entry context, cluster, user;
	const char *name = NULL;
	int r = find_current_context(config, &name, err);
	if (r < 0)
		return r;
	r = find_entry(config, &contexts, name, &context, err);
	if (r == 0)
		return cs_error_set(err, -EINVAL,
				    "%s: current-context: there is no context named \"%s\"",
				    config->files[0].name, name);
	if (r < 0 || (r = follow(config, &context, &clusters, &cluster, err)) < 0 ||
	    (r = follow(config, &context, &users, &user, err)) < 0 ||
	    (r = read_cluster(&cluster, ret, err)) < 0 || (r = read_user(&user, ret, err)) < 0 ||
	    (r = read_cluster_config(&cluster, ret, err)) < 0)
		return r;
	ret->source = cs_strdup(user.where);
	return 0;
}

// ---- files ----

static int config_add(struct config *config, const char *name, struct cs_slice text,
		      struct cs_error *err)
{
	struct file *file = &config->files[config->count];
	*file = (struct file){ .name = name };
	int r = cs_value_read_yaml(text, &file->documents, err);
	if (r < 0)
		return cs_error_prefix(err, "%s", name);
	config->count++;
	size_t n = json_object_array_length(file->documents);
	if (n > 1)
		return cs_error_set(err, -EINVAL, "%s: has %zu documents, expected one", name, n);
	if (n == 0)
		return 0;
	file->root = json_object_array_get_idx(file->documents, 0);
	if (!json_object_is_type(file->root, json_type_object))
		return cs_error_set(err, -EINVAL, "%s: must be an object", name);
	const char *kind = cs_value_string_at(file->root, "kind");
	if (kind && strcmp(kind, "Config") != 0)
		return cs_error_set(err, -EINVAL, "%s: kind: must be Config", name);
	return 0;
}

static int config_add_file(struct config *config, const char *name, struct cs_error *err)
{
	char *text = NULL;
	size_t size = 0;
	int r = cs_file_read(name, CS_KUBECONFIG_FILE_MAX, &text, &size, err);
	if (r < 0)
		return r;
	r = config_add(config, name, (struct cs_slice){ text, size }, err);
	explicit_bzero(text, size);
	free(text);
	return r;
}

// Reads each file of a colon-separated list that is there. `names` keeps the names alive.
static int config_add_list(struct config *config, const char *list, struct strings *names,
			   struct cs_error *err)
{
	while (*list) {
		size_t length = strcspn(list, ":");
		char *name = length ? cs_strndup(list, length) : NULL;
		list += length + (list[length] == ':');
		if (!name)
			continue;
		strings_add(names, name);
		if (config->count == FILES_MAX)
			return cs_error_set(err, -E2BIG, "KUBECONFIG: more than %d files",
					    FILES_MAX);
		int r = access(name, F_OK) == 0 ? config_add_file(config, name, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

// ---- sources ----

static int load_in_cluster(const struct cs_kubeconfig_sources *sources, struct cs_endpoint *ret)
{
	const char *folder = sources->service_account ? sources->service_account : SERVICE_ACCOUNT;
	bool bare_ipv6 = strchr(sources->service_host, ':') && *sources->service_host != '[';
	ret->server = cs_asprintf(bare_ipv6 ? "https://[%s]:%s" : "https://%s:%s",
				  sources->service_host, sources->service_port);
	ret->token_file = cs_asprintf("%s/token", folder);
	ret->ca_file = cs_asprintf("%s/ca.crt", folder);
	ret->source = cs_strdup("in-cluster");
	return 0;
}

static int load_files(const struct cs_kubeconfig_sources *sources, struct config *config,
		      struct strings *names, struct cs_error *err)
{
	if (sources->file)
		return config_add_file(config, sources->file, err);
	if (sources->list)
		return config_add_list(config, sources->list, names, err);
	return 0;
}

static int load_without_files(const struct cs_kubeconfig_sources *sources, struct cs_endpoint *ret,
			      struct cs_error *err)
{
	if (sources->server) {
		ret->source = cs_strdup("--master");
		return 0; // the caller sets it
	}
	if (sources->service_host && sources->service_port)
		return load_in_cluster(sources, ret);
	if (sources->list && *sources->list)
		return cs_error_set(err, -ENOENT, "KUBECONFIG=%s: none of these files exists",
				    sources->list);
	return cs_error_set(err, -ENODEV,
			    "no API server is configured: give --kubeconfig, set KUBECONFIG, or "
			    "run inside a cluster");
}

static int override_server(const struct cs_kubeconfig_sources *sources, struct cs_endpoint *ret,
			   struct cs_error *err)
{
	if (!sources->server)
		return 0;
	free(ret->server);
	ret->server = cs_strdup(sources->server);
	return normalise_server(ret, "--master", err);
}

int cs_kubeconfig_load(const struct cs_kubeconfig_sources *sources, struct cs_endpoint *ret,
		       struct cs_error *err)
{
	struct config config = { 0 };
	struct strings names = { 0 };
	*ret = (struct cs_endpoint){ 0 };
	int r = load_files(sources, &config, &names, err);
	if (r == 0)
		r = config.count > 0 ? resolve(&config, ret, err)
				     : load_without_files(sources, ret, err);
	if (r == 0)
		r = override_server(sources, ret, err);
	if (r == 0 && !is_tls(ret))
		drop_credentials(ret);
	config_finish(&config);
	free_strings(names.items);
	if (r < 0)
		cs_endpoint_finish(ret);
	return r;
}

int cs_kubeconfig_parse(const char *file_name, struct cs_slice text, struct cs_endpoint *ret,
			struct cs_error *err)
{
	struct config config = { 0 };
	*ret = (struct cs_endpoint){ 0 };
	int r = config_add(&config, file_name, text, err);
	if (r == 0)
		r = resolve(&config, ret, err);
	if (r == 0 && !is_tls(ret))
		drop_credentials(ret);
	config_finish(&config);
	if (r < 0)
		cs_endpoint_finish(ret);
	return r;
}

struct cs_kubeconfig_sources cs_kubeconfig_environment(const char *file, const char *server)
{
	return (struct cs_kubeconfig_sources){
		.file = file,
		.server = server,
		.list = getenv("KUBECONFIG"),
		.service_host = getenv("KUBERNETES_SERVICE_HOST"),
		.service_port = getenv("KUBERNETES_SERVICE_PORT"),
	};
}
