// Events, as kube-scheduler writes them (client-go tools/events): names, notes, series.
// Neighbours: core.c emits them; the client thread sends what comes out.
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include <csched/base/clock.h>
#include <csched/client/write.h>
#include <csched/cluster/pod.h>
#include <csched/framework/scheduler.h>

#define CS_EVENTS_NOTE_MAX 1024               // bytes; the API server refuses longer ones
#define CS_EVENTS_FINISH   (360 * CS_SECOND)  // a series ends after so long without a repetition
#define CS_EVENTS_REFRESH  (1800 * CS_SECOND) // its count is written at least this often
#define CS_EVENTS_SERIES   8192 // events remembered for series; beyond that the oldest is ended
#define CS_EVENTS_FLUSH    256  // counts that are written at the end at most

struct cs_events_options {
	const char *host; // copied; reportingInstance is "<schedulerName>-<host>"
	uint64_t seed;
	// Takes a CS_WRITE_EVENT; its strings are valid during the call.
	void (*write)(void *user, const struct cs_write *write);
	void *user;
};

struct cs_events;

struct cs_events *cs_events_create(const struct cs_events_options *options);
void cs_events_destroy(struct cs_events *events);

// Writes an Event, or counts it where the same one (about the same version of the pod) was written
// less than CS_EVENTS_FINISH ago: the first repetition and the last are written as a patch.
void cs_events_emit(struct cs_events *events, struct cs_time now, const struct cs_pod *pod,
		    const struct cs_scheduler_event *event);
// Something about the scheduler as a whole, told once: an Event about our Lease, which is what the
// cluster knows of us (also where it is not held).
struct cs_events_notice {
	bool warning;
	const char *reason;
	const char *note;
	const char *controller; // the program's name
	const char *namespace;  // of the Lease
	const char *lease;
};
void cs_events_tell(struct cs_events *events, struct cs_time now,
		    const struct cs_events_notice *notice);
// Ends the series that are over.
void cs_events_turn(struct cs_events *events, struct cs_time now);
// Writes the counts that have not been written, the newest first: the process ends.
void cs_events_flush(struct cs_events *events, struct cs_time now);
int64_t cs_events_deadline(const struct cs_events *events); // boot ns; INT64_MAX = none

#endif
