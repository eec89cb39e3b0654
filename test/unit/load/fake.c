// A transport whose server is the test. Neighbours: fake.h.
#include "fake.h"

#include <check.h>

#include <csched/base/memory.h>

static struct fake *self(struct cs_transport *transport)
{
	return CS_CONTAINER_OF(transport, struct fake, base);
}

static char *copy(const char *s)
{
	return s ? cs_strdup(s) : NULL;
}

static void free_call(struct cs_call *call)
{
	free(call->path);
	free(call->content_type);
	free(call->form);
	free(call);
}

static struct cs_call *start(struct cs_transport *transport, const struct cs_request *request)
{
	struct fake *fake = self(transport);
	ck_assert_ptr_null(fake->call);
	struct cs_call *call = cs_alloc(sizeof(*call));
	*call = (struct cs_call){
		.method = request->method,
		.path = cs_strdup(request->path),
		.content_type = copy(request->content_type),
		.form = request->body.size ? cs_strndup(request->body.data, request->body.size)
					   : NULL,
		.timeout = request->timeout,
		.body_max = request->body_max,
		.handler = request->handler,
		.user = request->user,
	};
	ck_assert_str_eq(request->accept, "application/json");
	fake->call = call;
	fake->started++;
	return call;
}

static void cancel(struct cs_transport *transport, struct cs_call *call)
{
	struct fake *fake = self(transport);
	ck_assert_ptr_eq(fake->call, call);
	fake->call = NULL;
	fake->cancelled++;
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
	(void)transport;
}

static void destroy(struct cs_transport *transport)
{
	self(transport)->destroyed++;
}

void fake_init(struct fake *fake)
{
	static const struct cs_transport_ops ops = {
		.start = start,
		.cancel = cancel,
		.turn = turn,
		.deadline = deadline,
		.wait = wait,
		.wakeup = wakeup,
		.destroy = destroy,
	};
	*fake = (struct fake){ .base.ops = &ops };
}

void fake_end(struct fake *fake, struct cs_response response)
{
	struct cs_call *call = fake->call;
	ck_assert_ptr_nonnull(call);
	fake->call = NULL;
	if (!response.message)
		response.message = "";
	call->handler->done(call->user, fake->now, &response);
	free_call(call);
}

void fake_answer(struct fake *fake, int status, const char *body)
{
	fake_end(fake, (struct cs_response){ .status = status, .body = cs_slice_of(body) });
}
