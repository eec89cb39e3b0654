// What a watch tells: decoded objects in batches, each batch with its own arena.
// Neighbours: reflector.h makes batches on the client thread; the daemon hands them to the core.
#ifndef CSCHED_CLIENT_CHANGE_H
#define CSCHED_CLIENT_CHANGE_H

#include <stddef.h>

#include <csched/base/arena.h>
#include <csched/kube/kind.h>

enum cs_change_op {
	CS_CHANGE_ADDED,
	CS_CHANGE_MODIFIED,
	CS_CHANGE_DELETED, // after a relist the object may carry no more than its metadata's
			   // namespace, name and uid
	CS_CHANGE_SYNCED,  // object is NULL: all that existed at the first list has been told
};

struct cs_change {
	enum cs_change_op op;
	const struct cs_kind *kind;
	ProtobufCMessage *object; // of kind->descriptor, in the batch's arena
};

// Owned by whoever holds it; ends with cs_batch_destroy on any thread.
struct cs_batch {
	struct cs_arena *arena;
	struct cs_change *changes; // in the order of the watch; in the arena
	size_t count;
	size_t bytes; // what the batch holds, for the backlog's limit
};

void cs_batch_destroy(struct cs_batch *batch);

#endif
