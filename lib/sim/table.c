// meta.k8s.io/v1 Table: the columns that kubectl get prints. Neighbours: read.c and watch.c ask
// when the client accepts tables; mirrors pkg/printers/internalversion.
#include <inttypes.h>
#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

struct row {
	struct cs_sim *sim;
	const struct sim_resource *resource;
	struct json_object *tree;
	struct cs_json_writer *json;
};

static const char *text_at(struct json_object *tree, const char *path)
{
	const char *text = cs_value_string_at(tree, path);
	return text ? text : "";
}

static void cell(struct row *row, const char *text)
{
	cs_json_string(row->json, text);
}

static void cell_or_none(struct row *row, const char *text)
{
	cs_json_string(row->json, text && *text ? text : "<none>");
}

// "42s", "5m", "3h", "2d": the first unit that says enough.
static void cell_age(struct row *row, const char *timestamp)
{
	int64_t then;
	if (!*timestamp || cs_timestamp_parse(cs_slice_of(timestamp), &then, NULL)) {
		cell(row, "<unknown>");
		return;
	}
	int64_t seconds = (sim_now(row->sim).wall - then) / CS_SECOND;
	char text[32];
	if (seconds < 120)
		(void)snprintf(text, sizeof(text), "%" PRId64 "s", seconds < 0 ? 0 : seconds);
	else if (seconds < 2 * 3600)
		(void)snprintf(text, sizeof(text), "%" PRId64 "m", seconds / 60);
	else if (seconds < 48 * 3600)
		(void)snprintf(text, sizeof(text), "%" PRId64 "h", seconds / 3600);
	else
		(void)snprintf(text, sizeof(text), "%" PRId64 "d", seconds / 86400);
	cell(row, text);
}

static void cell_created(struct row *row)
{
	cell_age(row, text_at(row->tree, "metadata.creationTimestamp"));
}

static void cell_int(struct row *row, struct json_object *object, const char *key)
{
	cs_json_int(row->json, cs_tree_int(object, key, 0));
}

// Member `key` of all elements, joined by commas.
static void cell_joined(struct row *row, struct json_object *list, const char *key)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 4096);
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		const char *one = cs_tree_string(json_object_array_get_idx(list, i), key);
		(void)cs_buffer_printf(&text, "%s%s", i ? "," : "", one ? one : "");
	}
	cell_or_none(row, text.data);
}

static void cell_labels(struct row *row, struct json_object *labels)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 4096);
	if (json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach(labels, key, value)
		{
			(void)cs_buffer_printf(&text, "%s%s=%s", text.size ? "," : "", key,
					       json_object_get_string(value));
		}
	}
	cell_or_none(row, text.data);
}

// ---- rows ----

static void print_pod(struct row *row)
{
	struct json_object *spec = cs_tree_get(row->tree, "spec");
	struct json_object *status = cs_tree_get(row->tree, "status");
	struct json_object *states = cs_tree_get(status, "containerStatuses");
	size_t ready = 0;
	for (size_t i = 0; i < cs_tree_length(status, "containerStatuses"); i++)
		ready += cs_tree_bool(json_object_array_get_idx(states, i), "ready");
	char text[48];
	(void)snprintf(text, sizeof(text), "%zu/%zu", ready, cs_tree_length(spec, "containers"));
	cell(row, text);
	const char *reason = cs_tree_string(status, "reason");
	const char *shown = reason && *reason ? reason : text_at(status, "phase");
	if (cs_tree_length(spec, "schedulingGates"))
		shown = "SchedulingGated";
	if (cs_value_at(row->tree, "metadata.deletionTimestamp"))
		shown = "Terminating";
	cell(row, shown);
	cell(row, "0");
	cell_created(row);
	cell_or_none(row, cs_tree_string(status, "podIP"));
	cell_or_none(row, cs_tree_string(spec, "nodeName"));
	cell_or_none(row, cs_tree_string(status, "nominatedNodeName"));
	cell(row, "<none>");
}

static const char *node_state(struct json_object *tree, char *out, size_t size)
{
	struct json_object *conditions = cs_value_at(tree, "status.conditions");
	const char *state = "Unknown";
	for (size_t i = 0; i < cs_tree_length(cs_tree_get(tree, "status"), "conditions"); i++) {
		struct json_object *one = json_object_array_get_idx(conditions, i);
		if (cs_string_equal(cs_tree_string(one, "type"), "Ready"))
			state = cs_string_equal(cs_tree_string(one, "status"), "True") ? "Ready"
										       : "NotReady";
	}
	(void)snprintf(out, size, "%s%s", state,
		       cs_tree_bool(cs_tree_get(tree, "spec"), "unschedulable")
			       ? ",SchedulingDisabled"
			       : "");
	return out;
}

static void print_node(struct row *row)
{
	char state[64];
	struct json_object *info = cs_value_at(row->tree, "status.nodeInfo");
	cell(row, node_state(row->tree, state, sizeof(state)));
	cell(row, "<none>");
	cell_created(row);
	cell(row, text_at(info, "kubeletVersion"));
	cell_joined(row, cs_value_at(row->tree, "status.addresses"), "address");
	cell(row, text_at(info, "osImage"));
	cell(row, text_at(info, "kernelVersion"));
	cell(row, text_at(info, "containerRuntimeVersion"));
}

static void print_deployment(struct row *row)
{
	struct json_object *spec = cs_tree_get(row->tree, "spec");
	struct json_object *status = cs_tree_get(row->tree, "status");
	struct json_object *containers = cs_value_at(spec, "template.spec.containers");
	char text[64];
	(void)snprintf(text, sizeof(text), "%" PRId64 "/%" PRId64,
		       cs_tree_int(status, "readyReplicas", 0), cs_tree_int(spec, "replicas", 0));
	cell(row, text);
	cell_int(row, status, "updatedReplicas");
	cell_int(row, status, "availableReplicas");
	cell_created(row);
	cell_joined(row, containers, "name");
	cell_joined(row, containers, "image");
	cell_labels(row, cs_value_at(spec, "selector.matchLabels"));
}

static void print_replica_set(struct row *row)
{
	struct json_object *spec = cs_tree_get(row->tree, "spec");
	struct json_object *status = cs_tree_get(row->tree, "status");
	struct json_object *containers = cs_value_at(spec, "template.spec.containers");
	cell_int(row, spec, "replicas");
	cell_int(row, status, "replicas");
	cell_int(row, status, "readyReplicas");
	cell_created(row);
	cell_joined(row, containers, "name");
	cell_joined(row, containers, "image");
	cell_labels(row, cs_value_at(spec, "selector.matchLabels"));
}

static void print_service(struct row *row)
{
	struct json_object *spec = cs_tree_get(row->tree, "spec");
	struct json_object *ports = cs_tree_get(spec, "ports");
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 4096);
	for (size_t i = 0; i < cs_tree_length(spec, "ports"); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);
		(void)cs_buffer_printf(&text, "%s%" PRId64 "/%s", i ? "," : "",
				       cs_tree_int(port, "port", 0), text_at(port, "protocol"));
	}
	cell(row, text_at(spec, "type"));
	cell_or_none(row, cs_tree_string(spec, "clusterIP"));
	cell(row, "<none>");
	cell_or_none(row, text.data);
	cell_created(row);
	cell_labels(row, cs_tree_get(spec, "selector"));
}

static void print_event(struct row *row)
{
	const char *last = text_at(row->tree, "series.lastObservedTime");
	if (!*last)
		last = text_at(row->tree, "deprecatedLastTimestamp");
	if (!*last)
		last = text_at(row->tree, "eventTime");
	char object[320];
	const char *kind = text_at(row->tree, "regarding.kind");
	(void)snprintf(object, sizeof(object), "%s/%s", kind, text_at(row->tree, "regarding.name"));
	for (char *at = object; *at && *at != '/'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	cell_age(row, last);
	cell(row, text_at(row->tree, "type"));
	cell(row, text_at(row->tree, "reason"));
	cell(row, object);
	cell(row, text_at(row->tree, "note"));
}

static void print_namespace(struct row *row)
{
	cell(row, text_at(row->tree, "status.phase"));
	cell_created(row);
}

static void print_lease(struct row *row)
{
	cell(row, text_at(row->tree, "spec.holderIdentity"));
	cell_created(row);
}

static void print_plain(struct row *row)
{
	cell_created(row);
}

// ---- columns ----

// Behind "Name", which all but events have; from `wide` on only -o wide shows them.
static const struct printer {
	void (*print)(struct row *row);
	const char *columns[10];
	size_t wide;
	bool nameless;
} printers[SIM_FIRST_PLAIN] = {
	[SIM_PODS] = { .print = print_pod,
		       .columns = { "Ready", "Status", "Restarts", "Age", "IP", "Node",
				    "Nominated Node", "Readiness Gates" },
		       .wide = 4 },
	[SIM_NODES] = { .print = print_node,
			.columns = { "Status", "Roles", "Age", "Version", "Internal-IP", "OS-Image",
				     "Kernel-Version", "Container-Runtime" },
			.wide = 4 },
	[SIM_DEPLOYMENTS] = { .print = print_deployment,
			      .columns = { "Ready", "Up-to-date", "Available", "Age", "Containers",
					   "Images", "Selector" },
			      .wide = 4 },
	[SIM_REPLICASETS] = { .print = print_replica_set,
			      .columns = { "Desired", "Current", "Ready", "Age", "Containers",
					   "Images", "Selector" },
			      .wide = 4 },
	[SIM_SERVICES] = { .print = print_service,
			   .columns = { "Type", "Cluster-IP", "External-IP", "Port(s)", "Age",
					"Selector" },
			   .wide = 5 },
	[SIM_EVENTS] = { .print = print_event,
			 .columns = { "Last Seen", "Type", "Reason", "Object", "Message" },
			 .wide = 5,
			 .nameless = true },
	[SIM_CORE_EVENTS] = { .print = print_event,
			      .columns = { "Last Seen", "Type", "Reason", "Object", "Message" },
			      .wide = 5,
			      .nameless = true },
	[SIM_NAMESPACES] = { .print = print_namespace, .columns = { "Status", "Age" }, .wide = 2 },
	[SIM_LEASES] = { .print = print_lease, .columns = { "Holder", "Age" }, .wide = 2 },
};
static const struct printer plain_printer = { .print = print_plain,
					      .columns = { "Age" },
					      .wide = 1 };

static const struct printer *printer_of(const struct sim_resource *resource)
{
	size_t index = sim_resource_index(resource);
	bool own = index < SIM_FIRST_PLAIN && printers[index].print;
	return own ? &printers[index] : &plain_printer;
}

static void write_column(struct cs_json_writer *json, const char *name, bool wide)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "name", name);
	cs_json_member_string(json, "type", "string");
	cs_json_member_string(json, "format", strcmp(name, "Name") == 0 ? "name" : "");
	cs_json_member_string(json, "description", name);
	cs_json_member_int(json, "priority", wide);
	cs_json_object_end(json);
}

static void write_columns(struct cs_json_writer *json, const struct printer *printer)
{
	cs_json_member_array_begin(json, "columnDefinitions");
	if (!printer->nameless)
		write_column(json, "Name", false);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(printer->columns) && printer->columns[i]; i++)
		write_column(json, printer->columns[i], i >= printer->wide);
	cs_json_array_end(json);
}

// The object that goes with a row: all of it, or its metadata.
static void write_row_object(struct row *row, bool whole)
{
	cs_json_key(row->json, "object");
	if (whole) {
		CS_AUTO_VALUE struct json_object *view = sim_view(row->resource, row->tree);
		cs_value_write(view, row->json);
		return;
	}
	cs_json_object_begin(row->json);
	cs_json_member_string(row->json, "kind", "PartialObjectMetadata");
	cs_json_member_string(row->json, "apiVersion", "meta.k8s.io/v1");
	cs_json_key(row->json, "metadata");
	cs_value_write(cs_tree_get(row->tree, "metadata"), row->json);
	cs_json_object_end(row->json);
}

static void write_row(struct row *row, const struct printer *printer, bool whole)
{
	cs_json_object_begin(row->json);
	cs_json_key(row->json, "cells");
	cs_json_array_begin(row->json);
	if (!printer->nameless)
		cell(row, text_at(row->tree, "metadata.name"));
	printer->print(row);
	cs_json_array_end(row->json);
	write_row_object(row, whole);
	cs_json_object_end(row->json);
}

static void begin_table(struct cs_json_writer *json, const struct sim_list_info *info)
{
	char rv[24];
	cs_json_object_begin(json);
	cs_json_member_string(json, "kind", "Table");
	cs_json_member_string(json, "apiVersion", "meta.k8s.io/v1");
	cs_json_member_object_begin(json, "metadata");
	(void)snprintf(rv, sizeof(rv), "%" PRIu64, info->rv);
	cs_json_member_string(json, "resourceVersion", rv);
	if (info->next)
		cs_json_member_string(json, "continue", info->next);
	if (info->remaining >= 0)
		cs_json_member_int(json, "remainingItemCount", info->remaining);
	cs_json_object_end(json);
}

static void end_table(struct cs_json_writer *json)
{
	cs_json_array_end(json);
	cs_json_object_end(json);
}

void sim_answer_table(struct sim_request *request, const struct sim_snapshot *snapshot,
		      const struct sim_list_info *info)
{
	const struct printer *printer = printer_of(request->resource);
	const char *include = sim_query(request, "includeObject");
	bool whole = cs_string_equal(include, "Object");
	struct cs_json_writer json;
	request->response->body.max = 2048u << 20;
	request->response->content_type = "application/json";
	cs_json_init(&json, &request->response->body);
	begin_table(&json, info);
	write_columns(&json, printer);
	cs_json_member_array_begin(&json, "rows");
	for (size_t i = 0; i < snapshot->count; i++) {
		struct row row = { request->sim, request->resource, snapshot->versions[i]->tree,
				   &json };
		write_row(&row, printer, whole);
	}
	end_table(&json);
}

void sim_table_of_tree(struct cs_sim *sim, const struct sim_resource *resource,
		       struct json_object *tree, bool definitions, struct cs_buffer *out)
{
	const struct printer *printer = printer_of(resource);
	const char *version = text_at(tree, "metadata.resourceVersion");
	struct sim_list_info info = { .rv = strtoull(version, NULL, 10), .remaining = -1 };
	struct cs_json_writer json;
	cs_json_init(&json, out);
	begin_table(&json, &info);
	if (definitions)
		write_columns(&json, printer);
	cs_json_member_array_begin(&json, "rows");
	struct row row = { sim, resource, tree, &json };
	write_row(&row, printer, false);
	end_table(&json);
}
