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
	cs_http_room_give_back(call->room);
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

// What was decided, in the arrays of the request; all zero = nothing.
struct decision {
	const struct cs_extender_verdict *verdicts;
	const uint8_t *scores;
	const struct cs_extender_victims *candidates; // NULL = the request's
	uint32_t n_candidates;
	const char *error;
};

static void write_decision(const struct cs_call *call, const struct decision *decision,
			   struct cs_buffer *out, struct cs_splices *splices)
{
	switch (call->verb) {
	case CS_VERB_FILTER:
		// Mostly the names that came go back: room for them at once.
		(void)cs_buffer_reserve(out, call->args.list.size);
		if (decision->error)
			cs_extender_write_filter_error(decision->error, out);
		else
			cs_extender_write_filter(&call->args, decision->verdicts, out, splices);
		break;
	case CS_VERB_PRIORITIZE:
		cs_extender_write_priorities(&call->args, decision->scores, out);
		break;
	case CS_VERB_PREEMPT:
		if (decision->candidates)
			cs_extender_write_preemption(decision->candidates, decision->n_candidates,
						     out);
		else
			cs_extender_write_preemption(call->preemption.nodes,
						     call->preemption.n_nodes, out);
		break;
	case CS_VERB_BIND:
	default:
		cs_extender_write_binding(decision->error ? decision->error : "", out);
	}
}

void cs_call_write(const struct cs_call *call, struct cs_buffer *out, struct cs_splices *splices)
{
	write_decision(call,
		       &(struct decision){ call->verdicts, call->scores, call->candidates,
					   call->n_candidates, call->error },
		       out, splices);
}

void cs_call_write_fallback(const struct cs_call *call, const char *why, struct cs_buffer *out)
{
	bool bind = call->verb == CS_VERB_BIND;
	write_decision(call, &(struct decision){ .error = bind ? why : NULL }, out, NULL);
}
