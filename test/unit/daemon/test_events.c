// Events as they go over the wire: fields, cut notes, names, series. Neighbours: daemon/events.c.
#include "../check_main.h"

#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/protobuf.h>

#include "daemon/events.h"

#define WRITES_MAX 16

// One thing the module wrote, decoded where it is an Event.
struct written {
	bool patch;
	char *namespace;
	char *name;
	char *body;         // of a patch
	Kube__Event *event; // with a patch the one that it stands for
};

static struct cs_arena *arena;
static struct cs_events *events;
static struct written writes[WRITES_MAX];
static size_t n_writes;
static size_t n_all_writes;

static void keep(void *user, const struct cs_write *write)
{
	(void)user;
	ck_assert_int_eq(write->kind, CS_WRITE_EVENT);
	n_all_writes++;
	if (n_writes == WRITES_MAX)
		return;
	struct written *w = &writes[n_writes++];
	w->patch = write->patch;
	w->namespace = cs_arena_strdup(arena, write->namespace);
	w->name = cs_arena_strdup(arena, write->name);
	if (write->patch)
		w->body = cs_arena_strndup(arena, write->body, write->body_size);
	size_t size = write->patch ? write->whole_size : write->body_size;
	struct cs_slice body = {
		cs_arena_strndup(arena, write->patch ? write->whole : write->body, size), size
	};
	Kube__Unknown envelope;
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_protobuf_read_envelope(body, arena, &envelope, &err), 0);
	ck_assert_str_eq(envelope.type_meta->api_version, "events.k8s.io/v1");
	ck_assert_str_eq(envelope.type_meta->kind, "Event");
	ProtobufCMessage *message;
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	ck_assert_int_eq(cs_protobuf_read(&kube__event__descriptor, raw, arena, &message, &err), 0);
	w->event = (Kube__Event *)message;
}

static void setup(void)
{
	arena = cs_arena_create();
	n_writes = n_all_writes = 0;
	memset(writes, 0, sizeof(writes));
	events = cs_events_create(
		&(struct cs_events_options){ .host = "host-1", .seed = 1, .write = keep });
}

static void teardown(void)
{
	cs_events_destroy(events);
	cs_arena_destroy(arena);
}

static struct cs_pod pod(const char *name, const char *version)
{
	return (struct cs_pod){
		.uid = "u-1", .namespace = "ns", .name = name, .resource_version = (char *)version
	};
}

static struct cs_scheduler_event failed(const char *note)
{
	return (struct cs_scheduler_event){ .warning = true,
					    .reason = "FailedScheduling",
					    .action = "Scheduling",
					    .note = note,
					    .controller = "c-sched" };
}

static const struct cs_scheduler_event scheduled = { .warning = false,
						     .reason = "Scheduled",
						     .action = "Binding",
						     .note = "Successfully assigned ns/p to n",
						     .controller = "c-sched" };

// 2026-11-21T01:02:03.000004005Z, `boot` seconds after start.
static struct cs_time at(int64_t boot)
{
	return (struct cs_time){ .boot = boot * CS_SECOND,
				 .wall = INT64_C(1795222923000004005) + boot * CS_SECOND };
}

START_TEST(fields)
{
	struct cs_pod p = pod("web-1", "77");
	cs_events_emit(events, at(0), &p, &scheduled);
	ck_assert_uint_eq(n_writes, 1);
	ck_assert(!writes[0].patch);
	const Kube__Event *e = writes[0].event;
	ck_assert_str_eq(e->metadata->name, "web-1.18e9e9bcaa0dbda5");
	ck_assert_str_eq(e->metadata->namespace_, "ns");
	ck_assert_str_eq(writes[0].name, e->metadata->name);
	ck_assert_str_eq(writes[0].namespace, "ns");
	ck_assert_int_eq(e->event_time->seconds, 1795222923);
	ck_assert_int_eq(e->event_time->nanos, 4000);
	ck_assert_str_eq(e->type, "Normal");
	ck_assert_str_eq(e->reason, "Scheduled");
	ck_assert_str_eq(e->action, "Binding");
	ck_assert_str_eq(e->note, "Successfully assigned ns/p to n");
	ck_assert_str_eq(e->reporting_controller, "c-sched");
	ck_assert_str_eq(e->reporting_instance, "c-sched-host-1");
	ck_assert_ptr_null(e->series);
	ck_assert_str_eq(e->regarding->kind, "Pod");
	ck_assert_str_eq(e->regarding->api_version, "v1");
	ck_assert_str_eq(e->regarding->namespace_, "ns");
	ck_assert_str_eq(e->regarding->name, "web-1");
	ck_assert_str_eq(e->regarding->uid, "u-1");
	ck_assert_str_eq(e->regarding->resource_version, "77");
	ck_assert_ptr_null(e->related);
}
END_TEST

START_TEST(a_warning)
{
	struct cs_pod p = pod("p", NULL);
	struct cs_scheduler_event event = failed("0/3 nodes are available: 3 Insufficient cpu.");
	cs_events_emit(events, at(0), &p, &event);
	ck_assert_str_eq(writes[0].event->type, "Warning");
	ck_assert_str_eq(writes[0].event->action, "Scheduling");
}
END_TEST

// The note is at most 1024 bytes, cut as kube-scheduler cuts, never inside a character.
START_TEST(long_notes)
{
	char note[2000] = { 0 };
	struct cs_pod p = pod("p", "1");
	struct cs_scheduler_event event = scheduled;
	event.note = note;

	memset(note, 'a', 1024);
	cs_events_emit(events, at(0), &p, &event);
	ck_assert_str_eq(writes[0].event->note, note);

	note[1024] = 'a';
	cs_events_emit(events, at(0), &p, &event);
	ck_assert_uint_eq(strlen(writes[1].event->note), 1024);
	ck_assert_str_eq(writes[1].event->note + 1019, "a ...");

	memcpy(note + 1019, "\xc3\xa9", 2); // two bytes of which the limit would leave one
	cs_events_emit(events, at(0), &p, &event);
	ck_assert_uint_eq(strlen(writes[2].event->note), 1023);
	ck_assert_str_eq(writes[2].event->note + 1018, "a ...");
}
END_TEST

START_TEST(names_never_repeat)
{
	struct cs_pod p = pod("p", "1");
	cs_events_emit(events, at(0), &p, &scheduled);
	cs_events_emit(events, at(0), &p, &scheduled);
	cs_events_emit(events, at(-5), &p, &scheduled); // the clock was set back
	ck_assert_str_ne(writes[0].name, writes[1].name);
	ck_assert_str_ne(writes[1].name, writes[2].name);
}
END_TEST

START_TEST(name_of_a_long_pod_name)
{
	char name[254] = { 0 };
	memset(name, 'x', 253);
	struct cs_pod p = pod(name, "1");
	cs_events_emit(events, at(0), &p, &scheduled);
	ck_assert_uint_eq(strlen(writes[0].name), 36);
	ck_assert_int_eq(writes[0].name[14], '4');
	ck_assert_str_eq(writes[0].event->regarding->name, name);
}
END_TEST

static int64_t count_of(const struct written *w)
{
	struct json_object *tree = NULL;
	struct cs_error err = { 0 };
	ck_assert(w->patch);
	ck_assert_int_eq(cs_value_read_json(cs_slice_of(w->body), &tree, &err), 0);
	int64_t count = json_object_get_int64(cs_value_at(tree, "series.count"));
	json_object_put(tree);
	return count;
}

// The first repetition is a patch, further ones are counted until the series ends.
START_TEST(series)
{
	struct cs_pod p = pod("p", "1");
	struct cs_scheduler_event event = failed("no");
	cs_events_emit(events, at(0), &p, &event);
	event.note = "another note is no other event";
	cs_events_emit(events, at(10), &p, &event);
	cs_events_emit(events, at(20), &p, &event);
	cs_events_emit(events, at(30), &p, &event);
	ck_assert_uint_eq(n_writes, 2);
	ck_assert_str_eq(writes[1].name, writes[0].name);
	ck_assert_str_eq(writes[1].body, "{\"series\":{\"count\":2,\"lastObservedTime\":"
					 "\"2026-11-21T01:02:13.000004Z\"}}");
	ck_assert_int_eq(cs_events_deadline(events), 30 * CS_SECOND + CS_EVENTS_FINISH);

	cs_events_turn(events, at(389));
	ck_assert_uint_eq(n_writes, 2);
	cs_events_turn(events, at(390));
	ck_assert_uint_eq(n_writes, 3);
	ck_assert_int_eq(count_of(&writes[2]), 4);
	ck_assert_int_eq(cs_events_deadline(events), INT64_MAX);

	cs_events_emit(events, at(400), &p, &event);
	ck_assert_uint_eq(n_writes, 4);
	ck_assert(!writes[3].patch);
}
END_TEST

// What is created where the server has lost the event: the first one's facts and the series.
START_TEST(a_patch_carries_the_whole)
{
	struct cs_pod p = pod("p", "7");
	struct cs_scheduler_event event = failed("0/1 nodes are available: 1 Insufficient cpu.");
	cs_events_emit(events, at(0), &p, &event);
	event.note = "later words";
	cs_events_emit(events, at(10), &p, &event);
	const Kube__Event *first = writes[0].event, *whole = writes[1].event;
	ck_assert(!first->series);
	ck_assert_int_eq(whole->series->count, 2);
	ck_assert_int_eq(whole->series->last_observed_time->seconds, 1795222933);
	ck_assert_int_eq(whole->series->last_observed_time->nanos, 4000);
	ck_assert_str_eq(whole->metadata->name, first->metadata->name);
	ck_assert_str_eq(whole->metadata->namespace_, "ns");
	ck_assert_int_eq(whole->event_time->seconds, first->event_time->seconds);
	ck_assert_str_eq(whole->note, first->note);
	ck_assert_str_eq(whole->type, "Warning");
	ck_assert_str_eq(whole->reason, "FailedScheduling");
	ck_assert_str_eq(whole->action, "Scheduling");
	ck_assert_str_eq(whole->reporting_controller, "c-sched");
	ck_assert_str_eq(whole->reporting_instance, "c-sched-host-1");
	ck_assert_str_eq(whole->regarding->name, "p");
	ck_assert_str_eq(whole->regarding->uid, "u-1");
	ck_assert_str_eq(whole->regarding->resource_version, "7");
}
END_TEST

START_TEST(counts_are_written_at_the_end)
{
	struct cs_scheduler_event event = failed("no");
	struct cs_pod once = pod("once", NULL), twice = pod("twice", NULL),
		      often = pod("often", "");
	cs_events_emit(events, at(0), &once, &event);
	for (int i = 0; i < 2; i++)
		cs_events_emit(events, at(1), &twice, &event);
	for (int i = 0; i < 5; i++)
		cs_events_emit(events, at(2), &often, &event);
	n_writes = 0;
	cs_events_flush(events, at(3));
	ck_assert_uint_eq(n_writes, 1);
	ck_assert_int_eq(count_of(&writes[0]), 5);
	ck_assert_ptr_null(writes[0].event->regarding->resource_version);
	cs_events_flush(events, at(3));
	ck_assert_uint_eq(n_writes, 1);
}
END_TEST

START_TEST(no_more_counts_at_the_end_than_can_be_sent)
{
	struct cs_scheduler_event event = failed("no");
	for (int i = 0; i < 3 * (CS_EVENTS_FLUSH + 10); i++) {
		char name[32];
		snprintf(name, sizeof(name), "p-%d", i / 3);
		struct cs_pod p = pod(name, "1");
		cs_events_emit(events, at(1), &p, &event);
	}
	n_writes = n_all_writes = 0;
	cs_events_flush(events, at(2));
	ck_assert_uint_eq(n_all_writes, CS_EVENTS_FLUSH);
	ck_assert_str_eq(writes[0].event->regarding->name, "p-265");
}
END_TEST

START_TEST(another_version_is_another_event)
{
	struct cs_pod p = pod("p", "1"), q = pod("p", "2");
	struct cs_scheduler_event event = failed("no");
	cs_events_emit(events, at(0), &p, &event);
	cs_events_emit(events, at(1), &q, &event);
	ck_assert_uint_eq(n_writes, 2);
	ck_assert(!writes[1].patch);
	cs_events_emit(events, at(2), &q, &event);
	ck_assert_uint_eq(n_writes, 3);
	ck_assert(writes[2].patch);
	ck_assert_str_eq(writes[2].name, writes[1].name);
}
END_TEST

START_TEST(single_events_are_forgotten_silently)
{
	struct cs_pod p = pod("p", "1");
	struct cs_scheduler_event event = failed("no");
	cs_events_emit(events, at(0), &p, &event);
	cs_events_turn(events, at(360));
	ck_assert_uint_eq(n_writes, 1);
	ck_assert_int_eq(cs_events_deadline(events), INT64_MAX);
}
END_TEST

START_TEST(long_series_are_refreshed)
{
	struct cs_pod p = pod("p", "1");
	struct cs_scheduler_event event = failed("no");
	for (int64_t minute = 0; minute <= 35; minute += 5)
		cs_events_emit(events, at(minute * 60), &p, &event);
	ck_assert_uint_eq(n_writes, 3);
	ck_assert_int_eq(count_of(&writes[1]), 2);
	ck_assert_int_eq(count_of(&writes[2]), 8);
}
END_TEST

// Memory is bounded: the oldest series makes room, and its count is not lost.
START_TEST(too_many_series)
{
	struct cs_scheduler_event event = failed("no");
	struct cs_pod first = pod("first", "1");
	for (int i = 0; i < 3; i++)
		cs_events_emit(events, at(0), &first, &event);
	for (int i = 0; i < CS_EVENTS_SERIES; i++) {
		char name[32];
		snprintf(name, sizeof(name), "p-%d", i);
		struct cs_pod p = pod(name, "1");
		if (i == CS_EVENTS_SERIES - 1)
			n_writes = 0;
		cs_events_emit(events, at(1), &p, &event);
	}
	ck_assert_uint_eq(n_all_writes, 2 + CS_EVENTS_SERIES + 1);
	ck_assert_uint_eq(n_writes, 2);
	ck_assert_int_eq(count_of(&writes[1]), 3);
}
END_TEST

// About no pod: regarding the Lease, and without a series.
START_TEST(of_the_scheduler_as_a_whole)
{
	struct cs_events_notice notice = { .warning = true,
					   .reason = "LoadUnknown",
					   .note = "nothing is known",
					   .controller = "c-sched",
					   .namespace = "kube-system",
					   .lease = "c-sched-lease" };
	cs_events_tell(events, at(0), &notice);
	cs_events_tell(events, at(1), &notice);
	ck_assert_uint_eq(n_writes, 2);
	const Kube__Event *e = writes[0].event;
	ck_assert(!writes[1].patch);
	ck_assert_str_eq(writes[0].namespace, "kube-system");
	ck_assert_str_eq(e->metadata->name, "c-sched-lease.18e9e9bcaa0dbda5");
	ck_assert_str_ne(e->metadata->name, writes[1].event->metadata->name);
	ck_assert_str_eq(e->metadata->namespace_, "kube-system");
	ck_assert_str_eq(e->type, "Warning");
	ck_assert_str_eq(e->reason, "LoadUnknown");
	ck_assert_str_eq(e->action, "Scheduling");
	ck_assert_str_eq(e->note, "nothing is known");
	ck_assert_str_eq(e->reporting_controller, "c-sched");
	ck_assert_str_eq(e->regarding->kind, "Lease");
	ck_assert_str_eq(e->regarding->api_version, "coordination.k8s.io/v1");
	ck_assert_str_eq(e->regarding->namespace_, "kube-system");
	ck_assert_str_eq(e->regarding->name, "c-sched-lease");
	ck_assert_int_eq(cs_events_deadline(events), INT64_MAX);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("events");
	TCase *tcase = tcase_create("events");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, fields);
	tcase_add_test(tcase, of_the_scheduler_as_a_whole);
	tcase_add_test(tcase, a_warning);
	tcase_add_test(tcase, long_notes);
	tcase_add_test(tcase, names_never_repeat);
	tcase_add_test(tcase, name_of_a_long_pod_name);
	tcase_add_test(tcase, series);
	tcase_add_test(tcase, a_patch_carries_the_whole);
	tcase_add_test(tcase, counts_are_written_at_the_end);
	tcase_add_test(tcase, no_more_counts_at_the_end_than_can_be_sent);
	tcase_add_test(tcase, another_version_is_another_event);
	tcase_add_test(tcase, single_events_are_forgotten_silently);
	tcase_add_test(tcase, long_series_are_refreshed);
	tcase_add_test(tcase, too_many_series);
	suite_add_tcase(suite, tcase);
	return suite;
}
