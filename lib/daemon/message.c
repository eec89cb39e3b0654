// Making and freeing the messages between the threads. Neighbours: message.h says who sends what.
#include "daemon/message.h"

#include <string.h>

#include <csched/base/memory.h>

#include "daemon/call.h"
#include "daemon/feed.h"

struct cs_message *cs_message_plain(int kind)
{
	struct cs_message *message = cs_alloc(sizeof(*message));
	message->kind = kind;
	return message;
}

static char *copy(const char *s)
{
	return s ? cs_strdup(s) : NULL;
}

struct cs_message *cs_message_written(const struct cs_write_result *result)
{
	struct cs_message_written *written = cs_alloc(sizeof(*written));
	written->message.kind = CS_CORE_WRITTEN;
	written->result = *result;
	written->result.node = copy(result->node);
	written->result.message = copy(result->message);
	return &written->message;
}

struct cs_message *cs_message_load(uint32_t source, struct cs_part *part)
{
	struct cs_message_load *load = cs_alloc(sizeof(*load));
	load->message.kind = CS_CORE_LOAD;
	load->source = source;
	load->part = part;
	load->samples = cs_feed_samples(part);
	load->pods = cs_feed_pods(part);
	return &load->message;
}

struct cs_message *cs_message_write(const struct cs_write *write)
{
	struct cs_message_write *message = cs_alloc(sizeof(*message));
	message->message.kind = CS_CLIENT_WRITE;
	message->write = *write;
	message->write.namespace = copy(write->namespace);
	message->write.name = copy(write->name);
	message->write.uid = copy(write->uid);
	message->write.node = copy(write->node);
	message->write.body = write->body ? cs_strndup(write->body, write->body_size) : NULL;
	message->write.whole = write->whole ? cs_strndup(write->whole, write->whole_size) : NULL;
	return &message->message;
}

static void free_batch(struct cs_message *message)
{
	cs_batch_destroy(((struct cs_message_batch *)message)->batch);
}

static void free_load(struct cs_message *message)
{
	cs_part_destroy(((struct cs_message_load *)message)->part);
}

static void free_written(struct cs_message *message)
{
	struct cs_message_written *written = (struct cs_message_written *)message;
	free((char *)written->result.node);
	free((char *)written->result.message);
}

// Answers a client whom nobody answered.
static void refuse(struct cs_http_pending *pending)
{
	if (!pending)
		return;
	struct cs_http_response response;
	cs_http_response_init(&response);
	cs_http_response_text(&response, 503, "the scheduler is starting or shutting down\n");
	cs_http_pending_complete(pending, &response);
	cs_http_response_finish(&response);
}

static void free_ask(struct cs_message *message)
{
	struct cs_message_ask *ask = (struct cs_message_ask *)message;
	refuse(ask->pending);
	free(ask->pod);
	free(ask->node);
}

static void free_call(struct cs_message *message)
{
	cs_call_finish((struct cs_call *)message);
}

static void free_ended(struct cs_message *message)
{
	free(((struct cs_message_ended *)message)->failure);
}

static void free_nothing(struct cs_message *message)
{
	(void)message;
}

void cs_message_free_core(struct cs_message *message)
{
	static void (*const frees[CS_CORE_MESSAGE_COUNT])(struct cs_message *) = {
		[CS_CORE_BATCH] = free_batch,     [CS_CORE_WRITTEN] = free_written,
		[CS_CORE_LEADING] = free_nothing, [CS_CORE_LOAD] = free_load,
		[CS_CORE_ASK] = free_ask,         [CS_CORE_CALL] = free_call,
		[CS_CORE_STOP] = free_nothing,    [CS_CORE_ENDED] = free_ended,
	};
	frees[message->kind](message);
	free(message);
}

static void free_write(struct cs_message *message)
{
	struct cs_write *write = &((struct cs_message_write *)message)->write;
	free((char *)write->namespace);
	free((char *)write->name);
	free((char *)write->uid);
	free((char *)write->node);
	free((void *)write->body);
	free((void *)write->whole);
}

static void free_review(struct cs_message *message)
{
	struct cs_message_review *review = (struct cs_message_review *)message;
	refuse(review->pending);
	for (size_t i = 0; i < review->n_groups; i++)
		free(review->groups[i]);
	free(review->groups);
	cs_secret_free(review->token);
	free(review->user);
	free(review->uid);
	free(review->extra);
	free(review->verb);
	free(review->path);
}

void cs_message_free_client(struct cs_message *message)
{
	if (message->kind == CS_CLIENT_WRITE)
		free_write(message);
	else if (message->kind == CS_CLIENT_REVIEW)
		free_review(message);
	free(message);
}
