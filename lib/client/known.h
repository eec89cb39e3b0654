// The objects of one kind that have been told, by namespace and name: enough to see in a relist
// what changed, what has another UID now, and what is gone. Neighbours: mirror.c alone.
#ifndef CSCHED_LIB_CLIENT_KNOWN_H
#define CSCHED_LIB_CLIENT_KNOWN_H

#include <stdint.h>

#include <csched/base/map.h>
#include <csched/kube/api.h>

struct cs_known {
	struct cs_map map;
	uint32_t generation; // of the list under way
};

// One object; borrowed.
struct cs_known_name {
	struct cs_slice namespace; // empty for what has none
	struct cs_slice name;
	const char *uid;
};

// How an object relates to what is known of its name.
enum cs_known_relation {
	CS_KNOWN_NOT,     // nothing of that name
	CS_KNOWN_SAME,    // this version of it
	CS_KNOWN_OLDER,   // another version of it
	CS_KNOWN_ANOTHER, // an object of that name with another UID
};

void cs_known_init(struct cs_known *known, uint64_t seed);
void cs_known_finish(struct cs_known *known);

// meta has name, uid and resource_version in all of these.
enum cs_known_relation cs_known_compare(const struct cs_known *known, const Kube__ObjectMeta *meta);
// Remembers this version, marked as seen.
void cs_known_put(struct cs_known *known, const Kube__ObjectMeta *meta);
// Marks the name as seen, whatever its version.
void cs_known_mark(struct cs_known *known, const Kube__ObjectMeta *meta);
void cs_known_remove(struct cs_known *known, const Kube__ObjectMeta *meta);
// The UID under which that name is known; NULL when it is not.
const char *cs_known_uid(const struct cs_known *known, const Kube__ObjectMeta *meta);

// A list begins: nothing is marked as seen.
void cs_known_begin(struct cs_known *known);

// What the list did not have is forgotten: calls `gone` for each. Borrowed during the call.
void cs_known_sweep(struct cs_known *known,
		    void (*gone)(void *user, const struct cs_known_name *name), void *user);

#endif
