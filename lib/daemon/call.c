// A call of the extender: read, answered, freed. Neighbours: kube/extender.h has the wire format.
#include "daemon/call.h"

#include <errno.h>
#include <string.h>

#include <csched/base/memory.h>

#include "daemon/message.h"

const char *const cs_verb_names[CS_VERB_COUNT] = { "filter", "prioritize", "preempt", "bind" };

const char *const cs_call_results[CS_CALL_RESULT_COUNT] = { "done", "fallback", "late", "error",
							    "malformed" };

// ---- reading ----

// The model knows pods by C strings: one that was cut short would be another pod's.
static int take_uid(struct cs_call *call, struct cs_slice uid, struct cs_error *err)
{
	if (uid.size > 0 && memchr(uid.data, '\0', uid.size))
		return cs_error_set(err, -EINVAL, "the pod's uid contains a NUL character");
	call->uid = cs_arena_strndup(call->arena, uid.data, uid.size);
	return 0;
}

static int read_args(struct cs_call *call, struct cs_error *err)
{
	int r = cs_extender_read_args(cs_buffer_slice(&call->body), call->arena, &call->args, err);
	call->pod = call->args.pod;
	return r < 0 ? r : take_uid(call, call->args.uid, err);
}

static int read_preemption(struct cs_call *call, struct cs_error *err)
{
	struct cs_extender_preemption *preemption = &call->preemption;
	int r = cs_extender_read_preemption(cs_buffer_slice(&call->body), call->arena, preemption,
					    err);
	call->pod = preemption->pod;
	return r < 0 ? r : take_uid(call, preemption->uid, err);
}

static int read_binding(struct cs_call *call, struct cs_error *err)
{
	int r = cs_extender_read_binding(cs_buffer_slice(&call->body), call->arena, &call->binding,
					 err);
	call->uid = call->binding.pod_uid;
	return r;
}

int cs_call_create(enum cs_verb verb, struct cs_buffer *body, struct cs_call **ret,
		   struct cs_error *err)
{
	static int (*const readers[CS_VERB_COUNT])(struct cs_call *, struct cs_error *) = {
		[CS_VERB_FILTER] = read_args,
		[CS_VERB_PRIORITIZE] = read_args,
		[CS_VERB_PREEMPT] = read_preemption,
		[CS_VERB_BIND] = read_binding,
	};
	struct cs_call *call = cs_alloc(sizeof(*call));
	call->message.kind = CS_CORE_CALL;
	call->verb = verb;
	call->arena = cs_arena_create();
	call->body = *body;
	cs_buffer_init(body, 0);
	cs_list_init(&call->open);
	int r = readers[verb](call, err);
	if (r < 0)
		cs_call_destroy(call);
	else
		*ret = call;
	return r;
}

void cs_call_finish(struct cs_call *call)
{
	if (call->pending) {
		struct cs_http_response response;
		cs_http_response_init(&response);
		cs_http_response_text(&response, 503, "the scheduler is shutting down");
		cs_http_pending_complete(call->pending, &response);
		cs_http_response_finish(&response);
	}
	cs_buffer_finish(&call->body);
	cs_arena_destroy(call->arena);
}

void cs_call_destroy(struct cs_call *call)
{
	cs_call_finish(call);
	free(call);
}

void cs_call_return(struct cs_call *call, enum cs_call_result result)
{
	call->result = result;
	cs_mailbox_send(call->back, &call->message);
}

// ---- answers ----

static void write_filter(const struct cs_call *call, struct cs_buffer *out)
{
	// Mostly what came goes back: room for it at once.
	(void)cs_buffer_reserve(out, call->body.size);
	if (call->error)
		cs_extender_write_filter_error(call->error, out);
	else
		cs_extender_write_filter(&call->args, call->verdicts, out);
}

static void write_priorities(const struct cs_call *call, struct cs_buffer *out)
{
	cs_extender_write_priorities(&call->args, call->scores, out);
}

static void write_preemption(const struct cs_call *call, struct cs_buffer *out)
{
	cs_extender_write_preemption(call->candidates, call->n_candidates, out);
}

static void write_binding(const struct cs_call *call, struct cs_buffer *out)
{
	cs_extender_write_binding(call->error ? call->error : "", out);
}

void cs_call_write(const struct cs_call *call, struct cs_buffer *out)
{
	static void (*const writers[CS_VERB_COUNT])(const struct cs_call *, struct cs_buffer *) = {
		[CS_VERB_FILTER] = write_filter,
		[CS_VERB_PRIORITIZE] = write_priorities,
		[CS_VERB_PREEMPT] = write_preemption,
		[CS_VERB_BIND] = write_binding,
	};
	if (call->result == CS_CALL_FALLBACK)
		cs_call_write_fallback(call, "", out);
	else
		writers[call->verb](call, out);
}

void cs_call_write_fallback(const struct cs_call *call, const char *why, struct cs_buffer *out)
{
	switch (call->verb) {
	case CS_VERB_FILTER:
		cs_extender_write_filter(&call->args, NULL, out);
		break;
	case CS_VERB_PRIORITIZE:
		cs_extender_write_priorities(&call->args, NULL, out);
		break;
	case CS_VERB_PREEMPT:
		cs_extender_write_preemption(call->preemption.nodes, call->preemption.n_nodes, out);
		break;
	case CS_VERB_BIND:
	default:
		cs_extender_write_binding(why, out);
	}
}
