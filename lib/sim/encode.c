// Bytes out of trees. Neighbours: view.c gives the tree its form, kube's codec the message.
#include "encode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#define LIST_MAX (2048u << 20) // bytes

bool sim_has_protobuf(struct sim_store *store, const struct sim_resource *resource)
{
	const struct cs_kind *kind = store->collections[sim_resource_index(resource)].kind;
	return kind && kind->descriptor;
}

// ---- one object ----

static void write_json(struct json_object *tree, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_value_write(tree, &json);
}

static int read_message(const struct cs_kind *kind, struct json_object *tree,
			struct cs_arena *arena, ProtobufCMessage **ret, struct cs_error *err)
{
	if (!kind || !kind->descriptor)
		return cs_error_set(err, -ENOTSUP, "no protobuf form");
	return cs_codec_read(kind->descriptor, tree, arena, ret, err);
}

int sim_encode_check(const struct cs_kind *kind, struct json_object *tree, struct cs_error *err)
{
	if (!kind || !kind->descriptor)
		return 0;
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	ProtobufCMessage *message;
	return cs_codec_read(kind->descriptor, tree, arena, &message, err);
}

static void make_protobuf(struct sim_version *version)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, SIM_OBJECT_MAX);
	const struct cs_kind *kind = version->collection->kind;
	ProtobufCMessage *message;
	if (read_message(kind, version->tree, arena, &message, NULL) ||
	    cs_protobuf_write(kind, message, &out, NULL))
		return;
	version->protobuf_size = out.size;
	version->protobuf_at = out.size - protobuf_c_message_get_packed_size(message);
	version->protobuf = cs_buffer_take(&out);
}

static void make_json(struct sim_version *version)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, SIM_OBJECT_MAX);
	write_json(version->tree, &out);
	version->json_size = out.size;
	version->json = cs_buffer_take(&out);
}

struct cs_slice sim_encode_version(enum sim_format format, struct sim_version *version)
{
	if (format == SIM_FORMAT_PROTOBUF) {
		if (!version->protobuf)
			make_protobuf(version);
		return (struct cs_slice){ version->protobuf, version->protobuf_size };
	}
	if (!version->json)
		make_json(version);
	return (struct cs_slice){ version->json, version->json_size };
}

void sim_encode_tree(const struct sim_resource *resource, enum sim_format format,
		     struct json_object *tree, struct cs_buffer *out)
{
	if (format != SIM_FORMAT_PROTOBUF) {
		CS_AUTO_VALUE struct json_object *view = sim_view(resource, tree);
		write_json(view, out);
		return;
	}
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	const struct cs_kind *kind =
		cs_kind_find_resource(resource->group, resource->version, resource->name);
	ProtobufCMessage *message;
	if (read_message(kind, tree, arena, &message, NULL) == 0)
		(void)cs_protobuf_write(kind, message, out, NULL);
}

// ---- lists ----

static void list_json(const struct sim_resource *resource, const struct sim_snapshot *snapshot,
		      const struct sim_list_info *info, struct cs_buffer *out)
{
	char text[128];
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	(void)snprintf(text, sizeof(text), "%sList", resource->kind);
	cs_json_member_string(&json, "kind", text);
	cs_json_member_string(&json, "apiVersion",
			      sim_resource_api_version(resource, text, sizeof(text)));
	cs_json_member_object_begin(&json, "metadata");
	(void)snprintf(text, sizeof(text), "%" PRIu64, info->rv);
	cs_json_member_string(&json, "resourceVersion", text);
	if (info->next)
		cs_json_member_string(&json, "continue", info->next);
	if (info->remaining >= 0)
		cs_json_member_int(&json, "remainingItemCount", info->remaining);
	cs_json_object_end(&json);
	cs_json_member_array_begin(&json, "items");
	for (size_t i = 0; i < snapshot->count; i++) {
		struct sim_version *version = snapshot->versions[i];
		if (resource == version->collection->resource) {
			cs_json_raw(&json, sim_encode_version(SIM_FORMAT_JSON, version));
			continue;
		}
		CS_AUTO_VALUE struct json_object *view = sim_view(resource, version->tree);
		cs_value_write(view, &json);
	}
	cs_json_array_end(&json);
	cs_json_object_end(&json);
}

static void list_protobuf(const struct sim_resource *resource, const struct sim_snapshot *snapshot,
			  const struct sim_list_info *info, struct cs_buffer *out)
{
	char rv[24];
	char kind_name[128];
	(void)snprintf(rv, sizeof(rv), "%" PRIu64, info->rv);
	(void)snprintf(kind_name, sizeof(kind_name), "%sList", resource->kind);
	Kube__ListMeta metadata = KUBE__LIST_META__INIT;
	metadata.resource_version = rv;
	metadata.continue_ = (char *)(uintptr_t)info->next;
	metadata.has_remaining_item_count = info->remaining >= 0;
	metadata.remaining_item_count = info->remaining;
	CS_AUTO_FREE ProtobufCBinaryData *items =
		cs_alloc_array(snapshot->count + 1, sizeof(*items));
	for (size_t i = 0; i < snapshot->count; i++) {
		struct sim_version *version = snapshot->versions[i];
		struct cs_slice bytes = sim_encode_version(SIM_FORMAT_PROTOBUF, version);
		items[i].data = (uint8_t *)(uintptr_t)bytes.data + version->protobuf_at;
		items[i].len = bytes.size - version->protobuf_at;
	}
	Kube__List list = KUBE__LIST__INIT;
	list.metadata = &metadata;
	list.n_items = snapshot->count;
	list.items = items;
	struct cs_kind kind = { .kind = kind_name,
				.group = resource->group,
				.version = resource->version };
	(void)cs_protobuf_write(&kind, &list.base, out, NULL);
}

void sim_encode_list(const struct sim_resource *resource, enum sim_format format,
		     const struct sim_snapshot *snapshot, const struct sim_list_info *info,
		     struct cs_buffer *out)
{
	out->max = LIST_MAX;
	if (format == SIM_FORMAT_PROTOBUF)
		list_protobuf(resource, snapshot, info, out);
	else
		list_json(resource, snapshot, info, out);
}

// ---- watch events ----

static void event_protobuf(const char *type, struct cs_slice object, struct cs_buffer *out)
{
	Kube__RawExtension raw = KUBE__RAW_EXTENSION__INIT;
	raw.has_raw = true;
	raw.raw.data = (uint8_t *)(uintptr_t)object.data;
	raw.raw.len = object.size;
	Kube__WatchEvent event = KUBE__WATCH_EVENT__INIT;
	event.type = (char *)(uintptr_t)type;
	event.object = &raw;
	size_t size = protobuf_c_message_get_packed_size(&event.base);
	uint8_t *at = (uint8_t *)cs_buffer_reserve(out, size + 4);
	if (!at)
		return;
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(size >> (24 - 8 * i));
	protobuf_c_message_pack(&event.base, at + 4);
	out->size += size + 4;
	out->data[out->size] = 0;
}

void sim_encode_event(enum sim_format format, const char *type, struct cs_slice object,
		      struct cs_buffer *out)
{
	if (format == SIM_FORMAT_PROTOBUF) {
		event_protobuf(type, object, out);
		return;
	}
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "type", type);
	cs_json_key(&json, "object");
	cs_json_raw(&json, object);
	cs_json_object_end(&json);
	(void)cs_buffer_append_char(out, '\n');
}

// ---- errors ----

static void write_member(struct cs_json_writer *json, const char *key, const char *value)
{
	if (value && *value)
		cs_json_member_string(json, key, value);
}

static void status_details_json(struct cs_json_writer *json, const struct sim_status *status)
{
	cs_json_member_object_begin(json, "details");
	write_member(json, "name", status->name);
	write_member(json, "group", status->group);
	write_member(json, "kind", status->kind);
	write_member(json, "uid", status->uid);
	if (status->n_causes) {
		cs_json_member_array_begin(json, "causes");
		for (size_t i = 0; i < status->n_causes; i++) {
			const struct sim_cause *cause = &status->causes[i];
			cs_json_object_begin(json);
			write_member(json, "reason", cause->reason);
			write_member(json, "message", cause->message);
			write_member(json, "field", cause->field);
			cs_json_object_end(json);
		}
		cs_json_array_end(json);
	}
	if (status->retry_after)
		cs_json_member_int(json, "retryAfterSeconds", status->retry_after);
	cs_json_object_end(json);
}

static bool has_details(const struct sim_status *status)
{
	return status->has_details || status->n_causes || status->retry_after || *status->uid;
}

static const char *success_word(const struct sim_status *status)
{
	return status->code >= 400 ? "Failure" : "Success";
}

static void status_json(const struct sim_status *status, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "kind", "Status");
	cs_json_member_string(&json, "apiVersion", "v1");
	cs_json_member_object_begin(&json, "metadata");
	write_member(&json, "continue", status->next);
	cs_json_object_end(&json);
	cs_json_member_string(&json, "status", success_word(status));
	write_member(&json, "message", status->message);
	write_member(&json, "reason", status->reason);
	if (has_details(status))
		status_details_json(&json, status);
	if (status->code != 200)
		cs_json_member_int(&json, "code", status->code);
	cs_json_object_end(&json);
}

static char *or_null(const char *text)
{
	return text && *text ? (char *)(uintptr_t)text : NULL;
}

static void status_protobuf(const struct sim_status *status, struct cs_buffer *out)
{
	Kube__StatusCause causes[SIM_CAUSES_MAX];
	Kube__StatusCause *cause_list[SIM_CAUSES_MAX];
	for (size_t i = 0; i < status->n_causes; i++) {
		kube__status_cause__init(&causes[i]);
		causes[i].reason = or_null(status->causes[i].reason);
		causes[i].message = or_null(status->causes[i].message);
		causes[i].field = or_null(status->causes[i].field);
		cause_list[i] = &causes[i];
	}
	Kube__StatusDetails details = KUBE__STATUS_DETAILS__INIT;
	details.name = or_null(status->name);
	details.group = or_null(status->group);
	details.kind = or_null(status->kind);
	details.uid = or_null(status->uid);
	details.n_causes = status->n_causes;
	details.causes = cause_list;
	details.has_retry_after_seconds = status->retry_after != 0;
	details.retry_after_seconds = status->retry_after;
	Kube__ListMeta metadata = KUBE__LIST_META__INIT;
	metadata.continue_ = or_null(status->next);
	Kube__Status message = KUBE__STATUS__INIT;
	message.metadata = &metadata;
	message.status = or_null(success_word(status));
	message.message = or_null(status->message);
	message.reason = or_null(status->reason);
	message.details = has_details(status) ? &details : NULL;
	message.has_code = status->code != 200;
	message.code = status->code;
	struct cs_kind kind = { .kind = "Status", .group = "", .version = "v1" };
	(void)cs_protobuf_write(&kind, &message.base, out, NULL);
}

void sim_encode_status(enum sim_format format, const struct sim_status *status,
		       struct cs_buffer *out)
{
	if (format == SIM_FORMAT_PROTOBUF)
		status_protobuf(status, out);
	else
		status_json(status, out);
}
