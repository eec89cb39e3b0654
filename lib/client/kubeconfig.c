// kubeconfig files and in-cluster configuration, read into one endpoint.
// Neighbours: base's value.h parses the YAML; kubeconfig_endpoint.c says what entries mean;
// credentials.c reads the files named here.
#include <csched/base/file.h>
#include <csched/client/kubeconfig.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>

#include "kubeconfig_internal.h"

#define FILES_MAX       16 // entries of $KUBECONFIG that are looked at
#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct config {
	struct file files[FILES_MAX];
	size_t count;
};

static void config_finish(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		json_object_put(config->files[i].documents);
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
	if (json_object_is_type(entry_member(item, "name"), json_type_string))
		return 0;
	return cs_error_set(err, -EINVAL, "%s: %s[%zu].name: must be a string", file->name, list,
			    i);
}

// 1 = the file has an entry of that name.
static int find_in_file(const struct file *file, const char *list, const char *name,
			struct json_object **ret, struct cs_error *err)
{
	struct json_object *items = entry_member(file->root, list);
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
		if (strcmp(json_object_get_string(entry_member(item, "name")), name) != 0)
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
		ret->body = entry_member(item, section->body);
		entry_set_where(ret, "%s: %s[%s].%s", file->name, section->list, name,
				section->body);
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
		struct json_object *value = entry_member(config->files[i].root, "current-context");
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
	int r = entry_string(context, section->body, &name, err);
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
	    (r = endpoint_read_cluster(&cluster, ret, err)) < 0 ||
	    (r = endpoint_read_user(&user, ret, err)) < 0 ||
	    (r = endpoint_read_exec_cluster(&cluster, ret, err)) < 0)
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
	return endpoint_normalise_server(ret, "--master", err);
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
	if (r == 0)
		endpoint_drop_unsafe(ret);
	config_finish(&config);
	strings_free(names.items);
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
	if (r == 0)
		endpoint_drop_unsafe(ret);
	config_finish(&config);
	if (r < 0)
		cs_endpoint_finish(ret);
	return r;
}

struct cs_kubeconfig_sources cs_kubeconfig_environment(const char *file, const char *server)
{
	return (struct cs_kubeconfig_sources){
		.file = file && *file ? file : NULL,
		.server = server && *server ? server : NULL,
		.list = getenv("KUBECONFIG"),
		.service_host = getenv("KUBERNETES_SERVICE_HOST"),
		.service_port = getenv("KUBERNETES_SERVICE_PORT"),
	};
}
