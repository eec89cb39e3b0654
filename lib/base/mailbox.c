// A chain of messages behind a mutex, with a condition for receivers that wait here.
// Neighbours: mailbox.h says who frees what.
#include <csched/base/mailbox.h>

#include <assert.h>
#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct cs_mailbox {
	pthread_mutex_t lock;
	pthread_cond_t arrived; // on CLOCK_MONOTONIC
	struct cs_message *first;
	struct cs_message **end; // where the next message is hung
	size_t count;
	void (*wake)(void *user);
	void *user;
};

struct cs_mailbox *cs_mailbox_create(void (*wake)(void *user), void *user)
{
	struct cs_mailbox *mailbox = cs_alloc(sizeof(*mailbox));
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&mailbox->arrived, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->end = &mailbox->first;
	mailbox->wake = wake;
	mailbox->user = user;
	return mailbox;
}

void cs_mailbox_destroy(struct cs_mailbox *mailbox)
{
	if (!mailbox)
		return;
	assert(!mailbox->first);
	pthread_cond_destroy(&mailbox->arrived);
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

void cs_mailbox_send(struct cs_mailbox *mailbox, struct cs_message *message)
{
	message->next = NULL;
	pthread_mutex_lock(&mailbox->lock);
	bool was_empty = !mailbox->first;
	*mailbox->end = message;
	mailbox->end = &message->next;
	mailbox->count++;
	pthread_cond_signal(&mailbox->arrived);
	pthread_mutex_unlock(&mailbox->lock);
	if (was_empty && mailbox->wake)
		mailbox->wake(mailbox->user);
}

struct cs_message *cs_mailbox_take(struct cs_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	struct cs_message *chain = mailbox->first;
	mailbox->first = NULL;
	mailbox->end = &mailbox->first;
	mailbox->count = 0;
	pthread_mutex_unlock(&mailbox->lock);
	return chain;
}

static struct timespec deadline_in(int64_t timeout)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(timeout / CS_SECOND);
	t.tv_nsec += (long)(timeout % CS_SECOND);
	if (t.tv_nsec >= CS_SECOND) {
		t.tv_sec++;
		t.tv_nsec -= CS_SECOND;
	}
	return t;
}

void cs_mailbox_wait(struct cs_mailbox *mailbox, int64_t timeout)
{
	struct timespec deadline = { 0 };
	if (timeout >= 0)
		deadline = deadline_in(timeout);
	int r = 0;
	pthread_mutex_lock(&mailbox->lock);
	while (!mailbox->first && r == 0) {
		if (timeout < 0)
			r = pthread_cond_wait(&mailbox->arrived, &mailbox->lock);
		else
			r = pthread_cond_timedwait(&mailbox->arrived, &mailbox->lock, &deadline);
	}
	pthread_mutex_unlock(&mailbox->lock);
}

size_t cs_mailbox_count(struct cs_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	size_t count = mailbox->count;
	pthread_mutex_unlock(&mailbox->lock);
	return count;
}
