// What the server says about itself: groups, resources, version, health.
// Neighbours: the table in resource.c; kubectl asks this before anything else.
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>

#include "sim_internal.h"

#define SERVED_VERSION "v1.36.3"

static void write_strings(struct cs_json_writer *json, const char *key, const char *words)
{
	cs_json_member_array_begin(json, key);
	while (words && *words) {
		size_t size = strcspn(words, " ");
		cs_json_slice(json, (struct cs_slice){ words, size });
		words += size + (words[size] == ' ');
	}
	cs_json_array_end(json);
}

static void write_resource(struct cs_json_writer *json, const struct sim_resource *resource,
			   const char *subresource, const char *kind, const char *verbs)
{
	char name[128];
	(void)snprintf(name, sizeof(name), "%s%s%s", resource->name, *subresource ? "/" : "",
		       subresource);
	cs_json_object_begin(json);
	cs_json_member_string(json, "name", name);
	cs_json_member_string(json, "singularName", *subresource ? "" : resource->singular);
	cs_json_member_bool(json, "namespaced", resource->namespaced);
	if (strcmp(subresource, "scale") == 0) {
		cs_json_member_string(json, "group", "autoscaling");
		cs_json_member_string(json, "version", "v1");
	}
	cs_json_member_string(json, "kind", kind);
	write_strings(json, "verbs", verbs);
	if (resource->short_names && !*subresource)
		write_strings(json, "shortNames", resource->short_names);
	if (!*subresource &&
	    (resource == &sim_resources[SIM_PODS] || resource == &sim_resources[SIM_SERVICES] ||
	     resource == &sim_resources[SIM_DEPLOYMENTS] ||
	     resource == &sim_resources[SIM_REPLICASETS]))
		write_strings(json, "categories", "all");
	cs_json_object_end(json);
}

static void write_resources(struct cs_json_writer *json, const struct sim_resource *resource)
{
	if (resource->measured) {
		write_resource(json, resource, "", resource->kind, "get list");
		return;
	}
	write_resource(json, resource, "", resource->kind,
		       "create delete deletecollection get list patch update watch");
	if (resource->has_status)
		write_resource(json, resource, "status", resource->kind, "get patch update");
	if (resource->has_scale)
		write_resource(json, resource, "scale", "Scale", "get patch update");
	if (resource == &sim_resources[SIM_PODS]) {
		write_resource(json, resource, "binding", "Binding", "create");
		write_resource(json, resource, "eviction", "Eviction", "create");
	}
}

static bool served(const struct cs_sim *sim, const struct sim_resource *resource)
{
	return !resource->measured || sim->load.on;
}

static void write_resource_list(struct cs_json_writer *json, const char *group, const char *version)
{
	char group_version[128];
	(void)snprintf(group_version, sizeof(group_version), "%s%s%s", group, *group ? "/" : "",
		       version);
	cs_json_object_begin(json);
	cs_json_member_string(json, "kind", "APIResourceList");
	cs_json_member_string(json, "apiVersion", "v1");
	cs_json_member_string(json, "groupVersion", group_version);
	cs_json_member_array_begin(json, "resources");
	for (size_t i = 0; i < sim_resource_count; i++)
		if (strcmp(sim_resources[i].group, group) == 0 &&
		    strcmp(sim_resources[i].version, version) == 0)
			write_resources(json, &sim_resources[i]);
	cs_json_array_end(json);
	cs_json_object_end(json);
}

static void write_group_version(struct cs_json_writer *json, const struct sim_resource *resource)
{
	char text[128];
	cs_json_object_begin(json);
	cs_json_member_string(json, "groupVersion",
			      sim_resource_api_version(resource, text, sizeof(text)));
	cs_json_member_string(json, "version", resource->version);
	cs_json_object_end(json);
}

// A group has one version here.
static void write_group(struct cs_json_writer *json, const struct sim_resource *resource,
			bool alone)
{
	cs_json_object_begin(json);
	if (alone) {
		cs_json_member_string(json, "kind", "APIGroup");
		cs_json_member_string(json, "apiVersion", "v1");
	}
	cs_json_member_string(json, "name", resource->group);
	cs_json_member_array_begin(json, "versions");
	write_group_version(json, resource);
	cs_json_array_end(json);
	cs_json_key(json, "preferredVersion");
	write_group_version(json, resource);
	cs_json_object_end(json);
}

static const struct sim_resource *first_of_group(const struct cs_sim *sim, const char *group)
{
	for (size_t i = 0; i < sim_resource_count; i++)
		if (served(sim, &sim_resources[i]) && strcmp(sim_resources[i].group, group) == 0)
			return &sim_resources[i];
	return NULL;
}

static void write_groups(const struct cs_sim *sim, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "kind", "APIGroupList");
	cs_json_member_string(json, "apiVersion", "v1");
	cs_json_member_array_begin(json, "groups");
	for (size_t i = 0; i < sim_resource_count; i++)
		if (*sim_resources[i].group &&
		    first_of_group(sim, sim_resources[i].group) == &sim_resources[i])
			write_group(json, &sim_resources[i], false);
	cs_json_array_end(json);
	cs_json_object_end(json);
}

static void write_core_versions(struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "kind", "APIVersions");
	write_strings(json, "versions", "v1");
	cs_json_member_array_begin(json, "serverAddressByClientCIDRs");
	cs_json_array_end(json);
	cs_json_object_end(json);
}

static void write_version(struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "major", "1");
	cs_json_member_string(json, "minor", "36");
	cs_json_member_string(json, "gitVersion", SERVED_VERSION "+kubesim");
	cs_json_member_string(json, "platform", "linux/amd64");
	cs_json_object_end(json);
}

static void answer_text(struct cs_http_response *response, int status, const char *text)
{
	cs_http_response_text(response, status, "%s", text);
}

static bool health(const char *path)
{
	return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
	       strcmp(path, "/livez") == 0;
}

// "/apis/GROUP" or "/apis/GROUP/VERSION" into its parts; more is no discovery.
static bool split_group(const char *path, char group[64], char version[16])
{
	group[0] = version[0] = 0;
	int used = 0;
	if (sscanf(path, "/apis/%63[^/]/%15[^/]%n", group, version, &used) == 2 && path[used] == 0)
		return true;
	version[0] = 0;
	used = 0;
	return sscanf(path, "/apis/%63[^/]%n", group, &used) == 1 && path[used] == 0;
}

static bool answer_group(const struct cs_sim *sim, const char *path, struct cs_json_writer *json,
			 struct cs_http_response *response)
{
	char group[64];
	char version[16];
	if (!split_group(path, group, version))
		return false;
	const struct sim_resource *resource = first_of_group(sim, group);
	if (!resource || (*version && strcmp(version, resource->version) != 0))
		answer_text(response, 404, "404 page not found");
	else if (*version)
		write_resource_list(json, group, version);
	else
		write_group(json, resource, true);
	return true;
}

bool sim_discovery(struct cs_sim *sim, const char *path, struct cs_http_response *response)
{
	struct cs_json_writer json;
	cs_json_init(&json, &response->body);
	response->content_type = "application/json";
	if (strcmp(path, "/api") == 0)
		write_core_versions(&json);
	else if (strcmp(path, "/apis") == 0)
		write_groups(sim, &json);
	else if (strcmp(path, "/api/v1") == 0)
		write_resource_list(&json, "", "v1");
	else if (strcmp(path, "/version") == 0)
		write_version(&json);
	else if (health(path))
		answer_text(response, 200, "ok");
	else if (answer_group(sim, path, &json, response))
		return true;
	else if (!cs_string_prefix(path, "/api/") && !cs_string_prefix(path, "/apis/"))
		answer_text(response, 404, "404 page not found");
	else
		return false;
	return true;
}
