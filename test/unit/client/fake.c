// A transport whose server is the test. Neighbours: fake.h.
#include "fake.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include <csched/base/json_writer.h>
#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>

static struct fake *self(struct cs_transport *transport)
{
	return CS_CONTAINER_OF(transport, struct fake, base);
}

static void free_call(struct cs_transport_call *call)
{
	cs_list_remove(&call->link);
	free(call->path);
	free(call->accept);
	free(call->content_type);
	cs_buffer_finish(&call->body);
	cs_buffer_finish(&call->in);
	free(call);
}

static struct cs_transport_call *start(struct cs_transport *transport,
				       const struct cs_request *request)
{
	struct fake *fake = self(transport);
	struct cs_transport_call *call = cs_alloc(sizeof(*call));
	call->fake = fake;
	call->method = request->method;
	call->path = cs_strdup(request->path);
	call->accept = request->accept ? cs_strdup(request->accept) : NULL;
	call->content_type = request->content_type ? cs_strdup(request->content_type) : NULL;
	call->timeout = request->timeout;
	call->body_max = request->body_max;
	call->fresh = request->fresh;
	call->handler = request->handler;
	call->user = request->user;
	cs_buffer_init(&call->body, 1 << 20);
	cs_buffer_append(&call->body, request->body.data, request->body.size);
	cs_buffer_init(&call->in, request->body_max);
	cs_list_init(&call->link);
	cs_list_append(&fake->calls, &call->link);
	fake->started++;
	return call;
}

static void cancel(struct cs_transport *transport, struct cs_transport_call *call)
{
	struct fake *fake = self(transport);
	fake->cancelled++;
	if (fake->showing == call)
		fake->showing = NULL;
	free_call(call);
}

static void turn(struct cs_transport *transport, struct cs_time now)
{
	self(transport)->now = now;
}

static int64_t deadline(const struct cs_transport *transport)
{
	(void)transport;
	return INT64_MAX;
}

static void wait(struct cs_transport *transport, int64_t timeout)
{
	self(transport)->waited = timeout;
}

static void wakeup(struct cs_transport *transport)
{
	self(transport)->woken = true;
}

static void destroy(struct cs_transport *transport)
{
	self(transport)->destroyed++; // its memory is the test's
}

static const struct cs_transport_ops ops = {
	.start = start,
	.cancel = cancel,
	.turn = turn,
	.deadline = deadline,
	.wait = wait,
	.wakeup = wakeup,
	.destroy = destroy,
};

void fake_init(struct fake *fake)
{
	*fake = (struct fake){ .base.ops = &ops };
	cs_list_init(&fake->calls);
}

void fake_finish(struct fake *fake)
{
	ck_assert_uint_eq(fake_count(fake), 0);
}

size_t fake_count(const struct fake *fake)
{
	size_t n = 0;
	for (const struct cs_list *at = fake->calls.next; at != &fake->calls; at = at->next)
		n++;
	return n;
}

struct cs_transport_call *fake_newest(const struct fake *fake)
{
	ck_assert_msg(fake_count(fake) > 0, "no call is running");
	return CS_CONTAINER_OF(fake->calls.prev, struct cs_transport_call, link);
}

struct cs_transport_call *fake_find(const struct fake *fake, const char *part)
{
	for (struct cs_list *at = fake->calls.next; at != &fake->calls; at = at->next) {
		struct cs_transport_call *call =
			CS_CONTAINER_OF(at, struct cs_transport_call, link);
		if (strstr(call->path, part))
			return call;
	}
	return NULL;
}

bool fake_data(struct cs_transport_call *call, struct cs_slice bytes, size_t chunk)
{
	struct fake *fake = call->fake;
	fake->showing = call;
	while (bytes.size > 0) {
		size_t n = chunk && chunk < bytes.size ? chunk : bytes.size;
		ck_assert_int_eq(cs_buffer_append(&call->in, bytes.data, n), 0);
		bytes.data += n;
		bytes.size -= n;
		if (call->handler->data)
			call->handler->data(call->user, fake->now, &call->in);
		if (!fake->showing)
			return false;
	}
	fake->showing = NULL;
	return true;
}

void fake_done(struct cs_transport_call *call, const struct cs_response *response)
{
	struct cs_response full = *response;
	if (!full.message)
		full.message = "";
	if (!full.body.size)
		full.body = cs_buffer_slice(&call->in);
	cs_list_remove(&call->link);
	call->handler->done(call->user, call->fake->now, &full);
	free_call(call);
}

void fake_end(struct cs_transport_call *call)
{
	fake_done(call, &(struct cs_response){ .status = 200, .protobuf = true });
}

void fake_break(struct cs_transport_call *call, int error, int status)
{
	fake_done(call, &(struct cs_response){ .status = status,
					       .error = error,
					       .message = "it broke",
					       .refused = error == -ECONNREFUSED });
}

void fake_answer(struct cs_transport_call *call, int status, struct cs_slice protobuf)
{
	fake_done(call,
		  &(struct cs_response){ .status = status, .protobuf = true, .body = protobuf });
}

static void status_json(struct cs_buffer *out, const struct fake_status *status)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "kind", "Status");
	cs_json_member_string(&json, "apiVersion", "v1");
	cs_json_member_string(&json, "reason", status->reason);
	cs_json_member_string(&json, "message", status->message);
	cs_json_member_int(&json, "code", status->code);
	cs_json_object_end(&json);
}

void fake_refuse(struct cs_transport_call *call, const struct fake_status *status)
{
	CS_AUTO_BUFFER struct cs_buffer body;
	fake_buffer(&body);
	if (status->json)
		status_json(&body, status);
	else
		fake_status(&body, status);
	fake_done(call, &(struct cs_response){ .status = status->code,
					       .protobuf = !status->json,
					       .retry_after = status->retry_after * CS_SECOND,
					       .body = cs_buffer_slice(&body) });
}

// ---- makers ----

void fake_buffer(struct cs_buffer *buffer)
{
	cs_buffer_init(buffer, 64 << 20);
}

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void append_message(struct cs_buffer *out, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	char *at = cs_buffer_reserve(out, size);
	ck_assert_ptr_nonnull(at);
	out->size += protobuf_c_message_pack(message, (uint8_t *)at);
}

void fake_envelope(struct cs_buffer *out, const char *api_version, const char *kind,
		   struct cs_slice raw)
{
	Kube__TypeMeta type = KUBE__TYPE_META__INIT;
	Kube__Unknown unknown = KUBE__UNKNOWN__INIT;
	type.api_version = text(api_version);
	type.kind = text(kind);
	unknown.type_meta = &type;
	unknown.has_raw = true;
	unknown.raw.data = (uint8_t *)text(raw.data);
	unknown.raw.len = raw.size;
	cs_buffer_append(out, "k8s", 4);
	append_message(out, &unknown.base);
}

struct pod_parts {
	Kube__Pod pod;
	Kube__PodSpec spec;
	Kube__ObjectMeta meta;
	Kube__Time deleted;
};

static void make_pod(struct pod_parts *parts, const struct fake_pod *from)
{
	kube__pod__init(&parts->pod);
	kube__pod_spec__init(&parts->spec);
	kube__object_meta__init(&parts->meta);
	kube__time__init(&parts->deleted);
	parts->meta.namespace_ = text(from->namespace ? from->namespace : "default");
	parts->meta.name = text(from->name);
	parts->meta.uid = text(from->uid);
	parts->meta.resource_version = text(from->version);
	parts->deleted.has_seconds = true;
	parts->deleted.seconds = 1;
	if (from->terminating)
		parts->meta.deletion_timestamp = &parts->deleted;
	parts->spec.node_name = text(from->node);
	parts->pod.metadata = &parts->meta;
	parts->pod.spec = &parts->spec;
}

void fake_pod(struct cs_buffer *out, const struct fake_pod *pod)
{
	struct pod_parts parts;
	make_pod(&parts, pod);
	ck_assert_int_eq(cs_protobuf_write(&cs_kind_pod, &parts.pod.base, out, NULL), 0);
}

void fake_status(struct cs_buffer *out, const struct fake_status *from)
{
	CS_AUTO_BUFFER struct cs_buffer raw;
	Kube__Status status = KUBE__STATUS__INIT;
	Kube__StatusDetails details = KUBE__STATUS_DETAILS__INIT;
	Kube__StatusCause cause = KUBE__STATUS_CAUSE__INIT;
	Kube__StatusCause *causes[] = { &cause };
	fake_buffer(&raw);
	status.has_code = true;
	status.code = from->code;
	status.reason = text(from->reason);
	status.message = text(from->message);
	status.details = &details;
	if (from->cause) {
		cause.reason = text(from->cause);
		details.n_causes = 1;
		details.causes = causes;
	}
	if (from->retry_after) {
		details.has_retry_after_seconds = true;
		details.retry_after_seconds = from->retry_after;
	}
	append_message(&raw, &status.base);
	fake_envelope(out, "v1", "Status", cs_buffer_slice(&raw));
}

void fake_frame(struct cs_buffer *out, const char *type, struct cs_slice object)
{
	CS_AUTO_BUFFER struct cs_buffer message;
	Kube__WatchEvent event = KUBE__WATCH_EVENT__INIT;
	Kube__RawExtension extension = KUBE__RAW_EXTENSION__INIT;
	fake_buffer(&message);
	extension.has_raw = true;
	extension.raw.data = (uint8_t *)text(object.data);
	extension.raw.len = object.size;
	event.type = text(type);
	event.object = &extension;
	append_message(&message, &event.base);
	uint32_t n = (uint32_t)message.size;
	const unsigned char head[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
					(unsigned char)(n >> 8), (unsigned char)n };
	cs_buffer_append(out, head, sizeof(head));
	cs_buffer_append(out, message.data, message.size);
}

void fake_pod_event(struct cs_buffer *out, const char *type, const struct fake_pod *pod)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	fake_buffer(&object);
	fake_pod(&object, pod);
	fake_frame(out, type, cs_buffer_slice(&object));
}

void fake_bookmark(struct cs_buffer *out, const char *version, bool end_of_initial)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	Kube__Pod pod = KUBE__POD__INIT;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__StringEntry end = KUBE__STRING_ENTRY__INIT;
	Kube__StringEntry *annotations[] = { &end };
	fake_buffer(&object);
	end.key = text("k8s.io/initial-events-end");
	end.value = text("true");
	meta.resource_version = text(version);
	if (end_of_initial) {
		meta.n_annotations = 1;
		meta.annotations = annotations;
	}
	pod.metadata = &meta;
	ck_assert_int_eq(cs_protobuf_write(&cs_kind_pod, &pod.base, &object, NULL), 0);
	fake_frame(out, "BOOKMARK", cs_buffer_slice(&object));
}

void fake_error_event(struct cs_buffer *out, const struct fake_status *status)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	fake_buffer(&object);
	fake_status(&object, status);
	fake_frame(out, "ERROR", cs_buffer_slice(&object));
}

void fake_pod_list(struct cs_buffer *out, const char *version, const char *more,
		   const struct fake_pod *pods, size_t n)
{
	CS_AUTO_BUFFER struct cs_buffer raw;
	struct cs_buffer *packed = cs_alloc_array(n + 1, sizeof(*packed));
	ProtobufCBinaryData *items = cs_alloc_array(n + 1, sizeof(*items));
	Kube__List list = KUBE__LIST__INIT;
	Kube__ListMeta meta = KUBE__LIST_META__INIT;
	fake_buffer(&raw);
	for (size_t i = 0; i < n; i++) {
		struct pod_parts parts;
		make_pod(&parts, &pods[i]);
		fake_buffer(&packed[i]);
		append_message(&packed[i], &parts.pod.base);
		items[i].data = (uint8_t *)packed[i].data;
		items[i].len = packed[i].size;
	}
	meta.resource_version = text(version);
	meta.continue_ = text(more);
	list.metadata = &meta;
	list.n_items = n;
	list.items = items;
	append_message(&raw, &list.base);
	fake_envelope(out, "v1", "PodList", cs_buffer_slice(&raw));
	for (size_t i = 0; i < n; i++)
		cs_buffer_finish(&packed[i]);
	free(packed);
	free(items);
}
