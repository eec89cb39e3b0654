// The objects of one kind as lists and events tell them: new, changed, replaced, gone or not
// readable, told on as changes in batches.
// Neighbours: reflector.c feeds it; known.c remembers what has been told.
#ifndef CSCHED_LIB_CLIENT_MIRROR_H
#define CSCHED_LIB_CLIENT_MIRROR_H

#include <csched/client/reflector.h>

#include "known.h"

struct cs_mirror {
	const struct cs_reflector_options *options; // borrowed: the kind, and whom to tell
	struct cs_arena *scratch;                   // borrowed: for what is looked at and not told
	struct cs_arena *arena;                     // of the batch under way; NULL = none
	struct cs_known known;
	struct cs_change changes[CS_REFLECTOR_BATCH_MAX];
	size_t n_changes;
	bool listing;     // from cs_mirror_begin to cs_mirror_sweep
	bool synced;      // CS_CHANGE_SYNCED has been told
	uint64_t told;    // objects
	uint64_t skipped; // objects and events that cannot be read
};

void cs_mirror_init(struct cs_mirror *mirror, const struct cs_reflector_options *options,
		    struct cs_arena *scratch);
void cs_mirror_finish(struct cs_mirror *mirror);

// All that exists will be told, from the first on.
void cs_mirror_begin(struct cs_mirror *mirror);
// All that exists has been told: what was not among it is gone.
void cs_mirror_sweep(struct cs_mirror *mirror);

// An event's object, if it is of our kind; false: the event is skipped.
bool cs_mirror_open(struct cs_mirror *mirror, struct cs_slice object, struct cs_slice *ret_raw);
// An event of which at most the object can be read: that names it.
void cs_mirror_skip(struct cs_mirror *mirror, struct cs_slice object, const char *why);

// An object that exists, and one that exists no more. Both return its resourceVersion, NULL where
// that cannot be read; it is valid until the next call.
const char *cs_mirror_present(struct cs_mirror *mirror, struct cs_slice raw);
const char *cs_mirror_deleted(struct cs_mirror *mirror, struct cs_slice raw);

// Hands over the changes that are together.
void cs_mirror_flush(struct cs_mirror *mirror);

// Words about this kind for the reflector's user.
__attribute__((format(printf, 3, 4))) void cs_mirror_notice(const struct cs_mirror *mirror,
							    enum cs_log_severity severity,
							    const char *format, ...);

#endif
