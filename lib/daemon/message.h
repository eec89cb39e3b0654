// What the core thread and the client thread tell each other, each message one heap block or more
// that the receiver frees. Neighbours: core.c, client_thread.c, endpoints.c.
#ifndef DAEMON_MESSAGE_H
#define DAEMON_MESSAGE_H

#include <csched/base/mailbox.h>
#include <csched/client/change.h>
#include <csched/client/write.h>
#include <csched/cluster/load.h>
#include <csched/http/server.h>
#include <csched/load/part.h>

// To the core.
enum cs_core_message {
	CS_CORE_BATCH,   // struct cs_message_batch
	CS_CORE_WRITTEN, // struct cs_message_written
	CS_CORE_LEADING, // struct cs_message: we hold the lease
	CS_CORE_LOAD,    // struct cs_message_load
	CS_CORE_ASK,     // struct cs_message_ask
	CS_CORE_CALL,    // struct cs_call, see call.h: it goes back to its sender
	CS_CORE_STOP,    // struct cs_message: the process was asked to end
	CS_CORE_ENDED,   // struct cs_message_ended: the client thread does nothing any more
	CS_CORE_MESSAGE_COUNT,
};

// To the client thread.
enum cs_client_message {
	CS_CLIENT_WRITE,  // struct cs_message_write
	CS_CLIENT_REVIEW, // struct cs_message_review
	CS_CLIENT_STOP,   // struct cs_message: write what is queued, give up the lease, end
};

struct cs_message_batch {
	struct cs_message message;
	struct cs_batch *batch;
};

// What a source of load figures answered to a question.
struct cs_message_load {
	struct cs_message message;
	uint32_t source;      // its index in the configuration
	struct cs_part *part; // owned
	// What the part tells, as the ledger takes it; in its arena.
	struct cs_load_sample *samples;
	struct cs_load_pod_sample *pods;
};

struct cs_message_written {
	struct cs_message message;
	struct cs_write_result result; // its strings are owned by the message
};

enum cs_question {
	CS_QUESTION_DECISIONS, // of `pod` the last one, or the last `limit` ones
	CS_QUESTION_EXPLAIN,   // why is `pod` where it is; with `node`: what of that node
	CS_QUESTION_CLUSTER,   // what is in the model; with `node`: on that node
	CS_QUESTION_COUNT,
};

// A question about the model, asked by an HTTP client.
struct cs_message_ask {
	struct cs_message message;
	struct cs_http_pending *pending;
	enum cs_question question;
	char *pod;  // "namespace/name", NULL = not given
	char *node; // NULL = not given
	uint32_t limit;
};

// An HTTP client that asks for `path`: may it?
struct cs_message_review {
	struct cs_message message;
	struct cs_http_pending *pending; // asked again where it may, else answered
	char *token;                     // NULL = it is `user`
	char *user;
	char *uid;   // NULL = none
	char *extra; // as in struct cs_review_ask
	char **groups;
	size_t n_groups;
	char *verb;
	char *path;
};

struct cs_message_ended {
	struct cs_message message;
	char *failure; // why it cannot go on; NULL = it was told to end
};

struct cs_message_write {
	struct cs_message message;
	struct cs_write write; // its strings and body are owned by the message
};

// Copies of what the sender has; freed by cs_message_free.
struct cs_message *cs_message_written(const struct cs_write_result *result);
struct cs_message *cs_message_write(const struct cs_write *write);
struct cs_message *cs_message_plain(int kind);
struct cs_message *cs_message_load(uint32_t source, struct cs_part *part); // takes it

// Frees a message to the core (to the client) with all it owns, a batch included. A question
// that nobody answered is answered 503.
void cs_message_free_core(struct cs_message *message);
void cs_message_free_client(struct cs_message *message);

#endif
