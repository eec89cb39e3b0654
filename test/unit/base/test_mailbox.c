// Tests of mailboxes: order, counting, waking, waiting, many senders (under TSan too).
// Neighbours: lib/base/mailbox.c.
#include "../check_main.h"

#include <csched/base/clock.h>
#include <csched/base/mailbox.h>
#include <csched/base/memory.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct note {
	struct cs_message message;
	int sender;
	int number;
};

static void send_note(struct cs_mailbox *mailbox, int sender, int number)
{
	struct note *note = cs_alloc(sizeof(*note));
	note->message.kind = 7;
	note->sender = sender;
	note->number = number;
	cs_mailbox_send(mailbox, &note->message);
}

START_TEST(in_order_of_sending)
{
	struct cs_mailbox *mailbox = cs_mailbox_create(NULL, NULL);
	ck_assert_ptr_null(cs_mailbox_take(mailbox));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 10; i++)
			send_note(mailbox, 0, i);
		ck_assert_uint_eq(cs_mailbox_count(mailbox), 10);
		struct cs_message *message = cs_mailbox_take(mailbox);
		ck_assert_uint_eq(cs_mailbox_count(mailbox), 0);
		ck_assert_ptr_null(cs_mailbox_take(mailbox));
		for (int i = 0; i < 10; i++) {
			struct note *note = (struct note *)message;
			ck_assert_int_eq(note->number, i);
			ck_assert_int_eq(message->kind, 7);
			message = message->next;
			free(note);
		}
		ck_assert_ptr_null(message);
	}
	cs_mailbox_destroy(mailbox);
	cs_mailbox_destroy(NULL);
}
END_TEST

static void count_wakes(void *user)
{
	atomic_fetch_add((atomic_int *)user, 1);
}

static void drop_all(struct cs_mailbox *mailbox)
{
	for (struct cs_message *m = cs_mailbox_take(mailbox), *next; m; m = next) {
		next = m->next;
		free(m);
	}
}

START_TEST(wakes_once_per_filling)
{
	atomic_int wakes = 0;
	struct cs_mailbox *mailbox = cs_mailbox_create(count_wakes, &wakes);
	send_note(mailbox, 0, 0);
	send_note(mailbox, 0, 1);
	send_note(mailbox, 0, 2);
	ck_assert_int_eq(atomic_load(&wakes), 1);
	drop_all(mailbox);
	send_note(mailbox, 0, 3);
	ck_assert_int_eq(atomic_load(&wakes), 2);
	drop_all(mailbox);
	cs_mailbox_destroy(mailbox);
}
END_TEST

static int64_t boot_now(void)
{
	struct cs_clock clock = cs_clock_system();
	return cs_clock_now(&clock).boot;
}

START_TEST(waiting_ends_with_its_time)
{
	struct cs_mailbox *mailbox = cs_mailbox_create(NULL, NULL);
	int64_t before = boot_now();
	cs_mailbox_wait(mailbox, 0);
	cs_mailbox_wait(mailbox, 30 * CS_MILLISECOND);
	int64_t took = boot_now() - before;
	ck_assert_int_ge(took, 29 * CS_MILLISECOND);
	ck_assert_int_lt(took, 5 * CS_SECOND);
	send_note(mailbox, 0, 0);
	before = boot_now();
	cs_mailbox_wait(mailbox, 3600 * CS_SECOND); // full: returns at once
	cs_mailbox_wait(mailbox, -1);
	ck_assert_int_lt(boot_now() - before, 5 * CS_SECOND);
	drop_all(mailbox);
	cs_mailbox_destroy(mailbox);
}
END_TEST

static void *send_late(void *mailbox)
{
	usleep(20000);
	send_note(mailbox, 0, 0);
	return NULL;
}

START_TEST(waiting_ends_with_a_message)
{
	struct cs_mailbox *mailbox = cs_mailbox_create(NULL, NULL);
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		ck_assert_int_eq(pthread_create(&thread, NULL, send_late, mailbox), 0);
		cs_mailbox_wait(mailbox, i == 0 ? -1 : INT64_MAX);
		ck_assert_uint_eq(cs_mailbox_count(mailbox), 1);
		drop_all(mailbox);
		pthread_join(thread, NULL);
	}
	cs_mailbox_destroy(mailbox);
}
END_TEST

enum { SENDERS = 8, EACH = 5000 };

struct sender {
	struct cs_mailbox *mailbox;
	int number;
};

static void *send_many(void *user)
{
	struct sender *sender = user;
	for (int i = 0; i < EACH; i++)
		send_note(sender->mailbox, sender->number, i);
	return NULL;
}

START_TEST(many_senders_one_receiver)
{
	struct cs_mailbox *mailbox = cs_mailbox_create(NULL, NULL);
	pthread_t threads[SENDERS];
	struct sender senders[SENDERS];
	int next[SENDERS] = { 0 };
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ mailbox, i };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	for (int got = 0; got < SENDERS * EACH;) {
		cs_mailbox_wait(mailbox, -1);
		for (struct cs_message *m = cs_mailbox_take(mailbox), *after; m; m = after) {
			struct note *note = (struct note *)m;
			after = m->next;
			ck_assert_int_eq(note->number, next[note->sender]++); // none lost, in order
			got++;
			free(note);
		}
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	cs_mailbox_destroy(mailbox);
}
END_TEST

START_TEST(a_full_mailbox_may_not_go)
{
	struct cs_mailbox *mailbox = cs_mailbox_create(NULL, NULL);
	send_note(mailbox, 0, 0);
	cs_mailbox_destroy(mailbox);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tc = tcase_create("mailbox");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, in_order_of_sending);
	tcase_add_test(tc, wakes_once_per_filling);
	tcase_add_test(tc, waiting_ends_with_its_time);
	tcase_add_test(tc, waiting_ends_with_a_message);
	tcase_add_test(tc, many_senders_one_receiver);
	tcase_add_test_raise_signal(tc, a_full_mailbox_may_not_go, SIGABRT);
	suite_add_tcase(suite, tc);
	return suite;
}
