// Messages from any thread to one. The only thing threads share but constants and counters.
// Neighbours: the daemon's core loop and client thread each own one.
#ifndef CSCHED_BASE_MAILBOX_H
#define CSCHED_BASE_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

// The first member of every message; the receiver frees the message.
struct cs_message {
	struct cs_message *next;
	int kind; // the owner of the mailbox defines the numbers
};

struct cs_mailbox;

// `wake` is called after a message went into an empty mailbox, on the sender's thread, so that the
// receiver leaves its wait; NULL where the receiver waits in cs_mailbox_wait.
struct cs_mailbox *cs_mailbox_create(void (*wake)(void *user), void *user);
void cs_mailbox_destroy(struct cs_mailbox *mailbox); // must be empty

void cs_mailbox_send(struct cs_mailbox *mailbox, struct cs_message *message); // any thread
// All messages in order of sending as a chain, or NULL. Never blocks.
struct cs_message *cs_mailbox_take(struct cs_mailbox *mailbox);
// Blocks until a message is there or `timeout` ns passed; < 0 = for ever.
void cs_mailbox_wait(struct cs_mailbox *mailbox, int64_t timeout);
size_t cs_mailbox_count(struct cs_mailbox *mailbox); // any thread

#endif
