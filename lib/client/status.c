// Reading Status objects out of refusals, whatever form they came in.
// Neighbours: kube's codec and protobuf decode; reflector.c, requests.c, lease.c judge.
#include "status.h"

#include <string.h>

#include <csched/base/value.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#define EXCERPT_MAX 200 // bytes of a body that is no Status

static const Kube__Status *read_json(struct cs_slice body, struct cs_arena *arena)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *message = NULL;
	if (cs_value_read_json(body, &tree, NULL) < 0 ||
	    !cs_string_equal(cs_value_string_at(tree, "kind"), "Status") ||
	    cs_codec_read(&kube__status__descriptor, tree, arena, &message, NULL) < 0)
		return NULL;
	return (const Kube__Status *)message;
}

static const Kube__Status *read_protobuf(struct cs_slice body, struct cs_arena *arena)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message = NULL;
	if (cs_protobuf_read_envelope(body, arena, &envelope, NULL) < 0 || !envelope.type_meta ||
	    !cs_string_equal(envelope.type_meta->kind, "Status"))
		return NULL;
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	if (cs_protobuf_read(&kube__status__descriptor, raw, arena, &message, NULL) < 0)
		return NULL;
	return (const Kube__Status *)message;
}

// Servers before 1.19 say it in words only.
static bool is_too_large(const Kube__Status *status)
{
	const Kube__StatusDetails *details = status->details;
	for (size_t i = 0; details && i < details->n_causes; i++)
		if (cs_string_equal(details->causes[i]->reason, "ResourceVersionTooLarge"))
			return true;
	return status->message && strstr(status->message, "Too large resource version");
}

static struct cs_status from(const Kube__Status *status)
{
	return (struct cs_status){
		.code = status->has_code ? status->code : 0,
		.reason = status->reason ? status->reason : "",
		.message = status->message ? status->message : "",
		.retry_after = status->details && status->details->retry_after_seconds > 0
				       ? status->details->retry_after_seconds * CS_SECOND
				       : 0,
		.version_too_large = is_too_large(status),
	};
}

// The first line of a body, without what a terminal would act on.
static const char *excerpt(struct cs_slice body, struct cs_arena *arena)
{
	size_t n = 0;
	while (n < body.size && n < EXCERPT_MAX && (unsigned char)body.data[n] >= 0x20 &&
	       body.data[n] != 0x7f)
		n++;
	return cs_arena_strndup(arena, body.data, n);
}

static const Kube__Status *read_status(const struct cs_response *response, struct cs_arena *arena)
{
	return response->protobuf ? read_protobuf(response->body, arena)
				  : read_json(response->body, arena);
}

bool cs_status_is_one(const struct cs_response *response, struct cs_arena *arena)
{
	return response->body.size == 0 || read_status(response, arena) != NULL;
}

struct cs_status cs_status_of(const struct cs_response *response, struct cs_arena *arena)
{
	struct cs_status ret = { .code = response->status, .reason = "", .message = "" };
	const Kube__Status *status = NULL;
	if (response->body.size > 0 && !response->error)
		status = read_status(response, arena);
	if (response->error)
		ret.message = cs_arena_strdup(arena, response->message);
	else if (status)
		ret = from(status);
	else if (response->body.size > 0)
		ret.message = cs_arena_printf(arena, "the server answered %d: %s", response->status,
					      excerpt(response->body, arena));
	else
		ret.message = cs_arena_printf(arena, "the server answered %d", response->status);
	// The line of the response decides, not what the body says about it.
	ret.code = response->status;
	if (response->retry_after > ret.retry_after)
		ret.retry_after = response->retry_after;
	return ret;
}

struct cs_status cs_status_of_event(struct cs_slice object, struct cs_arena *arena)
{
	const Kube__Status *status = read_protobuf(object, arena);
	if (!status)
		return (struct cs_status){ .code = 500,
					   .reason = "",
					   .message = "an ERROR event without a Status" };
	return from(status);
}
