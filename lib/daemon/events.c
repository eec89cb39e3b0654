// Events, as kube-scheduler writes them (client-go tools/events): names, notes, series.
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

// What an Event says. Borrowed.
struct facts {
	bool warning;
	const char *reason;
	const char *action;
	const char *controller;
	const char *namespace; // of the object and of the Event
	const char *object;    // its name: a pod's, or without uid our Lease's
	const char *uid;
	const char *version; // NULL = none
	const char *note;
	const char *name; // of the Event
	int64_t wall;     // Unix ns
};

// An event that was written and may repeat. Oldest observation first in the list.
struct series {
	struct cs_list link;
	char *key;  // holds most of the facts
	char *name; // of the Event
	char *note;
	int64_t first; // Unix ns
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
	free(series->name);
	free(series->note);
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

static void set_time(Kube__MicroTime *time, int64_t wall)
{
	*time = (Kube__MicroTime)KUBE__MICRO_TIME__INIT;
	time->has_seconds = time->has_nanos = 1;
	time->seconds = wall / CS_SECOND;
	time->nanos = (int32_t)(wall % CS_SECOND / 1000 * 1000);
}

// The Event in protobuf; with its series where that is not NULL.
static void pack_event(const struct cs_events *events, const struct facts *facts,
		       const struct series *series, struct cs_buffer *out)
{
	CS_AUTO_FREE char *instance = cs_asprintf("%s-%s", facts->controller, events->options.host);
	Kube__ObjectMeta metadata = KUBE__OBJECT_META__INIT;
	Kube__MicroTime time, observed;
	Kube__ObjectReference regarding = KUBE__OBJECT_REFERENCE__INIT;
	Kube__EventSeries repeated = KUBE__EVENT_SERIES__INIT;
	Kube__Event event = KUBE__EVENT__INIT;

	metadata.name = (char *)facts->name;
	metadata.namespace_ = (char *)facts->namespace;
	set_time(&time, facts->wall);
	regarding.kind = (char *)(facts->uid ? "Pod" : "Lease");
	regarding.api_version = (char *)(facts->uid ? "v1" : "coordination.k8s.io/v1");
	regarding.namespace_ = (char *)facts->namespace;
	regarding.name = (char *)facts->object;
	regarding.uid = (char *)facts->uid;
	regarding.resource_version = (char *)facts->version;
	event.metadata = &metadata;
	event.event_time = &time;
	event.reporting_controller = (char *)facts->controller;
	event.reporting_instance = instance;
	event.action = (char *)facts->action;
	event.reason = (char *)facts->reason;
	event.regarding = &regarding;
	event.note = (char *)facts->note;
	event.type = (char *)(facts->warning ? "Warning" : "Normal");
	if (series) {
		set_time(&observed, series->observed.wall);
		repeated.has_count = 1;
		repeated.count = series->count;
		repeated.last_observed_time = &observed;
		event.series = &repeated;
	}
	cs_buffer_init(out, BODY_MAX);
	// All strings here are bounded by the API server's own limits: it fits.
	if (cs_protobuf_write(&cs_kind_event, &event.base, out, NULL) < 0)
		cs_buffer_clear(out);
}

static void create_event(struct cs_events *events, const struct facts *facts)
{
	CS_AUTO_BUFFER struct cs_buffer body;
	pack_event(events, facts, NULL, &body);
	events->options.write(events->options.user, &(struct cs_write){
							    .kind = CS_WRITE_EVENT,
							    .namespace = facts->namespace,
							    .name = facts->name,
							    .body = body.data,
							    .body_size = body.size,
						    });
}

// ---- series ----

// What makes two events the same, as client-go's eventKey: the note is no part of it. None of the
// parts has a line end.
static char *make_key(const struct facts *facts)
{
	return cs_asprintf("%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s", facts->warning, facts->reason,
			   facts->action, facts->controller, facts->namespace, facts->object,
			   facts->uid, facts->version ? facts->version : "");
}

// Cuts off what stands before the next line end; "" behind the last part.
static const char *next_part(char **key)
{
	char *part = *key;
	*key += strcspn(part, "\n");
	if (**key)
		*(*key)++ = '\0';
	return part;
}

// `key` is a copy of the series' and is cut up.
static struct facts facts_of(const struct series *series, char *key)
{
	struct facts facts = {
		.note = series->note,
		.name = series->name,
		.wall = series->first,
	};
	facts.warning = *next_part(&key) == '1';
	facts.reason = next_part(&key);
	facts.action = next_part(&key);
	facts.controller = next_part(&key);
	facts.namespace = next_part(&key);
	facts.object = next_part(&key);
	facts.uid = next_part(&key);
	const char *version = next_part(&key);
	facts.version = *version ? version : NULL;
	return facts;
}

static void write_patch(const struct series *series, struct cs_buffer *out)
{
	struct cs_json_writer json;
	char time[CS_TIMESTAMP_SIZE];

	cs_buffer_init(out, BODY_MAX);
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_object_begin(&json, "series");
	cs_json_member_int(&json, "count", series->count);
	cs_json_member_string(&json, "lastObservedTime",
			      cs_timestamp_micro(series->observed.wall, time));
	cs_json_object_end(&json);
	cs_json_object_end(&json);
}

static void write_series(struct cs_events *events, struct series *series, struct cs_time now)
{
	CS_AUTO_FREE char *key = cs_strdup(series->key);
	CS_AUTO_BUFFER struct cs_buffer body;
	CS_AUTO_BUFFER struct cs_buffer whole;
	struct facts facts = facts_of(series, key);

	write_patch(series, &body);
	pack_event(events, &facts, series, &whole);
	series->written = now.boot;
	series->written_count = series->count;
	events->options.write(events->options.user, &(struct cs_write){
							    .kind = CS_WRITE_EVENT,
							    .namespace = facts.namespace,
							    .name = facts.name,
							    .body = body.data,
							    .body_size = body.size,
							    .patch = true,
							    .whole = whole.data,
							    .whole_size = whole.size,
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
static void remember(struct cs_events *events, char *key, const struct facts *facts,
		     struct cs_time now)
{
	if (cs_map_count(&events->by_key) >= CS_EVENTS_SERIES)
		finish_series(events, oldest(events), now);
	struct series *series = cs_alloc(sizeof(*series));
	*series = (struct series){
		.key = key,
		.name = cs_strdup(facts->name),
		.note = cs_strdup(facts->note),
		.first = facts->wall,
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

void cs_events_flush(struct cs_events *events, struct cs_time now)
{
	unsigned left = CS_EVENTS_FLUSH;
	for (struct cs_list *link = events->oldest_first.prev;
	     link != &events->oldest_first && left > 0; link = link->prev) {
		struct series *series = CS_CONTAINER_OF(link, struct series, link);
		if (series->count == series->written_count)
			continue;
		write_series(events, series, now);
		left--;
	}
}

int64_t cs_events_deadline(const struct cs_events *events)
{
	const struct series *series = oldest(events);
	return series ? series->observed.boot + CS_EVENTS_FINISH : INT64_MAX;
}

// ---- emitting ----

void cs_events_emit(struct cs_events *events, struct cs_time now, const struct cs_pod *pod,
		    const struct cs_scheduler_event *event)
{
	struct facts facts = {
		.warning = event->warning,
		.reason = event->reason,
		.action = event->action,
		.controller = event->controller,
		.namespace = pod->namespace,
		.object = pod->name,
		.uid = pod->uid,
		.version = pod->resource_version,
		.wall = now.wall,
	};
	CS_AUTO_FREE char *key = make_key(&facts);
	cs_events_turn(events, now);
	struct series *series = cs_map_get(&events->by_key, cs_slice_of(key));
	if (series) {
		repeat_series(events, series, now);
		return;
	}
	CS_AUTO_FREE char *name = make_name(events, pod->name, now);
	CS_AUTO_FREE char *note = cut_note(event->note);
	facts.name = name;
	facts.note = note;
	create_event(events, &facts);
	// A pod is bound once: its Scheduled event has no series, and is not worth the memory.
	if (event->warning)
		remember(events, CS_TAKE(key), &facts, now);
}

void cs_events_tell(struct cs_events *events, struct cs_time now,
		    const struct cs_events_notice *notice)
{
	CS_AUTO_FREE char *name = make_name(events, notice->lease, now);
	CS_AUTO_FREE char *note = cut_note(notice->note);
	create_event(events, &(struct facts){
				     .warning = notice->warning,
				     .reason = notice->reason,
				     .action = "Scheduling",
				     .controller = notice->controller,
				     .namespace = notice->namespace,
				     .object = notice->lease,
				     .note = note,
				     .name = name,
				     .wall = now.wall,
			     });
}
