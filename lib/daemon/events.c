// Events about pods, as kube-scheduler writes them (client-go tools/events): names, notes, series.
// Neighbours: core.c emits them; the client thread sends what comes out.
#include "daemon/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/json_writer.h>
#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/kube/protobuf.h>
#include <csched/kube/timestamp.h>

#define BODY_MAX     65536u
#define NAME_MAX_DNS 253 // of a DNS subdomain

// An event that was written and may repeat. Oldest observation first in the list.
struct series {
	struct cs_list link;
	char *key;
	char *namespace;
	char *name; // of the Event
	int32_t count;
	int32_t written_count;
	struct cs_time observed;
	int64_t written; // boot ns
};

struct cs_events {
	struct cs_events_options options;
	struct cs_random random;
	struct cs_map by_key;
	struct cs_list oldest_first;
	int64_t last_stamp; // Unix ns in the last name: names never repeat
};

struct cs_events *cs_events_create(const struct cs_events_options *options)
{
	struct cs_events *events = cs_alloc(sizeof(*events));
	events->options = *options;
	events->options.host = cs_strdup(options->host);
	cs_random_init(&events->random, options->seed);
	cs_map_init(&events->by_key, cs_random_next(&events->random));
	cs_list_init(&events->oldest_first);
	return events;
}

static void drop_series(struct cs_events *events, struct series *series)
{
	cs_map_remove(&events->by_key, cs_slice_of(series->key));
	cs_list_remove(&series->link);
	free(series->key);
	free(series->namespace);
	free(series->name);
	free(series);
}

static struct series *oldest(const struct cs_events *events)
{
	if (cs_list_empty(&events->oldest_first))
		return NULL;
	return CS_CONTAINER_OF(events->oldest_first.next, struct series, link);
}

void cs_events_destroy(struct cs_events *events)
{
	if (!events)
		return;
	for (struct series *series; (series = oldest(events));)
		drop_series(events, series);
	cs_map_finish(&events->by_key);
	free((char *)events->options.host);
	free(events);
}

// ---- series ----

// What makes two events the same, as client-go's eventKey: the note is no part of it.
static char *make_key(const struct cs_pod *pod, const struct cs_scheduler_event *event)
{
	return cs_asprintf("%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s", event->warning, event->reason,
			   event->action, event->controller, pod->namespace, pod->name, pod->uid,
			   pod->resource_version ? pod->resource_version : "");
}

static void write_series(struct cs_events *events, struct series *series, struct cs_time now)
{
	CS_AUTO_BUFFER struct cs_buffer body;
	struct cs_json_writer json;
	char time[CS_TIMESTAMP_SIZE];

	cs_buffer_init(&body, BODY_MAX);
	cs_json_init(&json, &body);
	cs_json_object_begin(&json);
	cs_json_key(&json, "series");
	cs_json_object_begin(&json);
	cs_json_member_int(&json, "count", series->count);
	cs_json_member_string(&json, "lastObservedTime",
			      cs_timestamp_micro(series->observed.wall, time));
	cs_json_object_end(&json);
	cs_json_object_end(&json);

	series->written = now.boot;
	series->written_count = series->count;
	events->options.write(events->options.user, &(struct cs_write){
							    .kind = CS_WRITE_EVENT,
							    .namespace = series->namespace,
							    .name = series->name,
							    .body = body.data,
							    .body_size = body.size,
							    .patch = true,
						    });
}

static void finish_series(struct cs_events *events, struct series *series, struct cs_time now)
{
	if (series->count > series->written_count)
		write_series(events, series, now);
	drop_series(events, series);
}

static void repeat_series(struct cs_events *events, struct series *series, struct cs_time now)
{
	series->count++;
	series->observed = now;
	cs_list_remove(&series->link);
	cs_list_append(&events->oldest_first, &series->link);
	if (series->count == 2 || now.boot - series->written >= CS_EVENTS_REFRESH)
		write_series(events, series, now);
}

// Takes the key over.
static void remember(struct cs_events *events, char *key, const char *namespace, const char *name,
		     struct cs_time now)
{
	if (cs_map_count(&events->by_key) >= CS_EVENTS_SERIES)
		finish_series(events, oldest(events), now);
	struct series *series = cs_alloc(sizeof(*series));
	*series = (struct series){
		.key = key,
		.namespace = cs_strdup(namespace),
		.name = cs_strdup(name),
		.count = 1,
		.written_count = 1,
		.observed = now,
		.written = now.boot,
	};
	cs_list_append(&events->oldest_first, &series->link);
	cs_map_put(&events->by_key, cs_slice_of(key), series);
}

void cs_events_turn(struct cs_events *events, struct cs_time now)
{
	for (struct series *series; (series = oldest(events));) {
		if (now.boot - series->observed.boot < CS_EVENTS_FINISH)
			break;
		finish_series(events, series, now);
	}
}

int64_t cs_events_deadline(const struct cs_events *events)
{
	const struct series *series = oldest(events);
	return series ? series->observed.boot + CS_EVENTS_FINISH : INT64_MAX;
}

// ---- one event ----

// "<pod>.<hex of Unix ns>"; where that is too long for a name, a random UUID as upstream.
static char *make_name(struct cs_events *events, const char *pod, struct cs_time now)
{
	int64_t stamp = now.wall > events->last_stamp ? now.wall : events->last_stamp + 1;
	events->last_stamp = stamp;
	char *name = cs_asprintf("%s.%" PRIx64, pod, (uint64_t)stamp);
	if (strlen(name) <= NAME_MAX_DNS)
		return name;
	free(name);
	uint64_t high = cs_random_next(&events->random), low = cs_random_next(&events->random);
	return cs_asprintf("%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(high >> 32),
			   (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
			   (unsigned)(0x8000 | (low >> 48 & 0x3fff)), low & 0xffffffffffff);
}

// At most CS_EVENTS_NOTE_MAX bytes, " ..." at a cut end as upstream; never half a character.
static char *cut_note(const char *note)
{
	static const char mark[] = " ...";
	size_t size = strlen(note);
	if (size <= CS_EVENTS_NOTE_MAX)
		return cs_strdup(note);
	size = CS_EVENTS_NOTE_MAX - (sizeof(mark) - 1);
	while (size > 0 && ((unsigned char)note[size] & 0xc0) == 0x80)
		size--;
	return cs_asprintf("%.*s%s", (int)size, note, mark);
}

static void write_event(struct cs_events *events, const Kube__Event *event)
{
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, BODY_MAX);
	// All strings here are bounded by the API server's own limits: it fits.
	if (cs_protobuf_write(&cs_kind_event, &event->base, &body, NULL) < 0)
		return;
	events->options.write(events->options.user,
			      &(struct cs_write){
				      .kind = CS_WRITE_EVENT,
				      .namespace = event->metadata->namespace_,
				      .name = event->metadata->name,
				      .body = body.data,
				      .body_size = body.size,
			      });
}

static void create_event(struct cs_events *events, struct cs_time now, const struct cs_pod *pod,
			 const struct cs_scheduler_event *from, const char *name)
{
	CS_AUTO_FREE char *note = cut_note(from->note);
	CS_AUTO_FREE char *instance = cs_asprintf("%s-%s", from->controller, events->options.host);
	Kube__ObjectMeta metadata = KUBE__OBJECT_META__INIT;
	Kube__MicroTime time = KUBE__MICRO_TIME__INIT;
	Kube__ObjectReference regarding = KUBE__OBJECT_REFERENCE__INIT;
	Kube__Event event = KUBE__EVENT__INIT;

	metadata.name = (char *)name;
	metadata.namespace_ = (char *)pod->namespace;
	time.has_seconds = time.has_nanos = 1;
	time.seconds = now.wall / CS_SECOND;
	time.nanos = (int32_t)(now.wall % CS_SECOND / 1000 * 1000);
	regarding.kind = (char *)"Pod";
	regarding.api_version = (char *)"v1";
	regarding.namespace_ = (char *)pod->namespace;
	regarding.name = (char *)pod->name;
	regarding.uid = (char *)pod->uid;
	regarding.resource_version = pod->resource_version;
	event.metadata = &metadata;
	event.event_time = &time;
	event.reporting_controller = (char *)from->controller;
	event.reporting_instance = instance;
	event.action = (char *)from->action;
	event.reason = (char *)from->reason;
	event.regarding = &regarding;
	event.note = note;
	event.type = (char *)(from->warning ? "Warning" : "Normal");
	write_event(events, &event);
}

void cs_events_emit(struct cs_events *events, struct cs_time now, const struct cs_pod *pod,
		    const struct cs_scheduler_event *event)
{
	CS_AUTO_FREE char *key = make_key(pod, event);
	cs_events_turn(events, now);
	struct series *series = cs_map_get(&events->by_key, cs_slice_of(key));
	if (series) {
		repeat_series(events, series, now);
		return;
	}
	CS_AUTO_FREE char *name = make_name(events, pod->name, now);
	create_event(events, now, pod, event, name);
	// A pod is bound once: its Scheduled event has no series, and is not worth the memory.
	if (event->warning)
		remember(events, CS_TAKE(key), pod->namespace, name, now);
}
