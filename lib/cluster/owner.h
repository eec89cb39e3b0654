// What default spreading knows a pending pod by, and the query that it counts with.
// Neighbours: pod.c holds owners; workloads.h has the selectors; csched/cluster/query.h promises.
#ifndef LIB_CLUSTER_OWNER_H
#define LIB_CLUSTER_OWNER_H

#include "query_internal.h"
#include "workloads.h"

// Labels and controller, shared by the pods that have both.
struct cs_owner {
	struct cs_content content;   // key: label set, kind of the controller, its name
	struct cs_label_set *labels; // a reference
	uint32_t pods;               // that have it, and who keeps it beyond them
	uint32_t kept;               // by these
	struct cs_list idle;         // in cs_owners.idle while no pod has it
	struct cs_query *query;      // a reference; NULL: nothing selects these pods
	// For which the query holds. UINT64_MAX: it was not asked for yet; no controller: 0.
	uint64_t services_version;
	uint64_t controller_version;
};

// Owners whose last pod is gone are kept for the next replica, with the queries they have.
#define CS_OWNERS_IDLE_MAX 64

struct cs_owners {
	struct cs_queries *queries; // borrowed, as the next
	struct cs_workloads *workloads;
	struct cs_map by_content;
	struct cs_list idle; // the longest idle first
	uint32_t n_idle;
};

void cs_owners_init(struct cs_owners *owners, struct cs_queries *queries,
		    struct cs_workloads *workloads, uint64_t seed);
void cs_owners_finish(struct cs_owners *owners); // no pod may have one

struct cs_owner *cs_owner_ref(struct cs_owners *owners, struct cs_arena *scratch,
			      struct cs_label_set *labels, const Kube__ObjectMeta *metadata);
void cs_owner_unref(struct cs_owners *owners, struct cs_owner *owner); // NULL is fine
// One more reference beside pods', and its end: true where it was the last.
void cs_owner_keep(struct cs_owner *owner);
bool cs_owner_release(struct cs_owners *owners, struct cs_owner *owner);

// What selects pods has changed: owners that no pod has are dropped where their query is wrong now.
void cs_owners_drop_stale(struct cs_cluster *cluster);

// Whether each is had by as many pods as it thinks, and its query still the right one. -EUCLEAN.
int cs_owners_check(const struct cs_cluster *cluster, struct cs_error *err);

#endif
