// One watched kind, kept in step with the API server: list, watch, relist, back-off.
// A state machine fed with responses and time. Neighbours: transport.h performs, change.h carries.
#ifndef CSCHED_CLIENT_REFLECTOR_H
#define CSCHED_CLIENT_REFLECTOR_H

#include <csched/base/log.h>
#include <csched/base/metric.h>
#include <csched/base/random.h>
#include <csched/client/change.h>
#include <csched/client/transport.h>

#define CS_REFLECTOR_BATCH_MAX     256 // objects in a batch
#define CS_REFLECTOR_LIST_MAX      ((size_t)1 << 30)
#define CS_REFLECTOR_WATCH_SILENCE (150 * CS_SECOND) // bookmarks come each minute

struct cs_reflector_options {
	const struct cs_kind *kind;
	const char *field_selector; // NULL = none; static
	struct cs_transport *transport;
	struct cs_random *random; // must outlive the reflector
	size_t list_max;          // bytes of one list response; 0 = CS_REFLECTOR_LIST_MAX
	// A watch that has sent bookmarks counts as dead when no byte came for so long, in ns; 0 =
	// CS_REFLECTOR_WATCH_SILENCE.
	int64_t watch_silence;
	struct cs_metric *skipped; // counts what could not be read; NULL = nothing does
	// Takes the batch. Called when 256 objects are together or the bytes at hand are used up.
	void (*batch)(void *user, struct cs_batch *batch);
	void (*notice)(void *user, enum cs_log_severity severity, const char *text);
	void *user;
};

struct cs_reflector_stats {
	uint64_t lists;       // complete ones, streamed or paged
	uint64_t watches;     // opened
	uint64_t failures;    // that led to a pause
	uint64_t objects;     // told as changes
	uint64_t undecodable; // objects and events skipped
	size_t known;         // objects that exist
	int64_t last_data;    // boot ns of the last byte; 0 = none yet
};

struct cs_reflector;

struct cs_reflector *cs_reflector_create(const struct cs_reflector_options *options);
void cs_reflector_destroy(struct cs_reflector *reflector);

// Starts what is due: the first call starts the list.
void cs_reflector_turn(struct cs_reflector *reflector, struct cs_time now);
int64_t cs_reflector_deadline(const struct cs_reflector *reflector); // boot ns; INT64_MAX = none

// True after CS_CHANGE_SYNCED was told, for ever.
bool cs_reflector_synced(const struct cs_reflector *reflector);

// Cancels the watch until resume, which relists: the receiver cannot keep up.
void cs_reflector_hold(struct cs_reflector *reflector);
void cs_reflector_resume(struct cs_reflector *reflector, struct cs_time now);

struct cs_reflector_stats cs_reflector_stats(const struct cs_reflector *reflector);

#endif
