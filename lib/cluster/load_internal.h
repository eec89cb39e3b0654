// How the ledger of load is kept: columns, samples, pods in flight, reservations.
// Neighbours: csched/cluster/load.h promises; node.c and pod.c tell what changes; load_use.h says
// what pods are expected to use.
#ifndef LIB_CLUSTER_LOAD_INTERNAL_H
#define LIB_CLUSTER_LOAD_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/base/map.h>
#include <csched/cluster/load.h>
#include <csched/cluster/pod.h>
#include <csched/kube/api.h>

#include "nodes.h"

#define CS_NEVER    (INT64_MAX / 2) // when a reservation comes: no sample holds anything of it
#define CS_LONG_AGO (INT64_MIN / 4) // before any sample

union cs_flight_tail {
	struct cs_pod *pod;
	struct cs_reservation *reservation; // that which came CS_NEVER
	int64_t left;                       // Unix ns
};

// What pods add to the samples of their row, or take away: an array for each figure, since samples
// walk all entries, but one slot of them. In no order: the last one takes the place of one that
// goes. From n on nothing is expected, up to the capacity, which is a multiple of 8.
struct cs_flights {
	int64_t *came; // Unix ns. The two below are of the same block
	union cs_flight_tail *tail;
	float *expected; // of a slot from slot * capacity on
	uint32_t n;
	uint32_t capacity;
	int64_t oldest; // none came earlier
};

struct cs_reservation {
	char *uid;
	int64_t until;
	uint32_t row;
	uint32_t at; // in the row's flights
};

struct cs_load_watch {
	uint32_t metric;
	uint32_t refs;
	double fraction;
};

// Of a round's pods on one row whose workloads are known: what they use, and are expected to.
struct cs_strain_sums {
	double used;
	double expected;
	uint32_t n;
	int64_t newest; // of the samples of all pods there, Unix ns
};

// Of a row, when a sample held all pods that were there, and nothing of others.
struct cs_load_rest {
	double sample;
	double beside; // the sample when there was no pod, last; 0: there never was none
	int64_t pods;
	bool known;
};

// What a column has that nobody else sees.
struct cs_load_hidden {
	int64_t *refused;            // when the last implausible value was taken; 0 = none since
	int64_t *in_flight;          // the shown one * unit, exactly
	double unit;                 // what is in flight is counted in such parts
	float *strain;               // the shown one before small ones are taken for chance
	struct cs_strain_sums *sums; // of the round that is coming in
	int64_t *taught;             // the newest pod's sample of earlier rounds, by its row
	double level;                // LEVEL, COUNT: the median of the fresh rows, for unknown ones
	struct cs_load_rest *rest;   // COUNT: the last
	double more_pods;            // of rests: sum of (pods more than at the last rest)^2,
	double more;                 // and of that many * what the samples rose by
	double own;                  // COUNT: the mean of what rows have beside their pods
	uint32_t resource;           // USAGE: the column of the node table, or CS_RESOURCE_NONE
	bool from_annotations;
};

struct cs_loads {
	struct cs_nodes *nodes; // borrowed
	struct cs_load_table table;
	struct cs_load_metric metrics[CS_LOAD_METRICS_MAX];
	struct cs_load_hidden hidden[CS_LOAD_METRICS_MAX];
	// The columns that add up over pods (USAGE, COUNT) are slots too.
	uint32_t untold; // events of reservations that ended: the next tick tells of them
	uint32_t n_slots;
	uint32_t slot_column[CS_LOAD_METRICS_MAX];
	int64_t horizon; // how long a pod may be in flight where nothing is sampled

	int64_t now;
	int64_t aged;        // when ageing was last applied
	uint64_t ticks;      // of ageing
	uint32_t unsettled;  // mask of columns whose median and mean are to be made again
	uint32_t last_found; // the row that was found last: sources tell of nodes in order

	uint32_t capacity; // rows of the arrays
	int32_t *weight;
	char **addresses; // by row: "a\0b\0\0", owned; NULL = none
	struct cs_flights
		*flights;        // on the row, and samples there do not hold all of them; reserved
	struct cs_flights *left; // were there, and samples hold something of them still
	double *scratch;         // a value per row
	uint32_t n_in_flight;
	// Blocks of flights lie together, for a round goes through all of them: those that rows
	// have given back, by the logarithm of their capacity, are there for others.
	struct cs_arena *blocks;
	void *spare[32];

	struct cs_map by_address; // to row + 1
	bool addresses_changed;
	struct cs_map reservations; // by UID
	struct cs_load_watch *watches;
	uint32_t n_watches;

	void (*notice)(void *user, const char *words);
	void *notice_user;
	bool muted; // nobody is told
};

// The clock was put back: no time is later than it says now.
static inline void cs_load_redate(int64_t *time, int64_t now)
{
	*time = *time < now ? *time : now;
}

// How long a pod has lived on the row when the sample there holds all of it, ns: the longer of
// window and ramp.
static inline int64_t cs_loads_growth(const struct cs_load_column *column, uint32_t row)
{
	int64_t window = column->window[row];
	int64_t ramp = column->metric->ramp > 0 ? column->metric->ramp : 1;
	return window > ramp ? window : ramp;
}

void cs_loads_init(struct cs_loads *loads, struct cs_nodes *nodes, uint64_t seed);
void cs_loads_finish(struct cs_loads *loads);
void cs_loads_grow(struct cs_loads *loads, uint32_t capacity);

// ---- load.c ----

// The row's pods or its allocatable changed: `load` and `capacity` are made again.
void cs_loads_refresh_row(struct cs_loads *loads, uint32_t row);
// The same for one column.
void cs_loads_refresh(struct cs_loads *loads, uint32_t column, uint32_t row);
// Counts the row among those that are known, and fresh, if it is live.
void cs_loads_set_quality(struct cs_loads *loads, uint32_t column, uint32_t row, double quality);
// Quality and state from the sample's age, then cs_loads_refresh.
void cs_loads_age(struct cs_loads *loads, uint32_t column, uint32_t row);
// What `load` must be there.
double cs_loads_expect(const struct cs_loads *loads, uint32_t column, uint32_t row);
// Events of a row whose figures were so before: known or not, and load / capacity.
struct cs_load_before {
	bool known;
	double fraction;
};
struct cs_load_before cs_loads_before(const struct cs_loads *loads, uint32_t column, uint32_t row);
uint32_t cs_loads_events(const struct cs_loads *loads, uint32_t column, uint32_t row,
			 struct cs_load_before before);
// Of a live row.
void cs_loads_set_weight(struct cs_loads *loads, uint32_t row, int32_t weight);
// Medians, means and what follows from them, where something changed since.
void cs_loads_settle(struct cs_loads *loads);

// ---- load_samples.c ----

// A value of a row that is live. Returns events.
uint32_t cs_loads_absorb(struct cs_loads *loads, uint32_t row, const struct cs_load_sample *sample,
			 struct cs_load_report *report);
// What a report says of samples.
bool cs_loads_is_plausible(const struct cs_load_metric *metric, double value);
void cs_loads_note_unmatched(struct cs_load_report *report, const char *name);
// Keeps the node's addresses; NULL: it has gone.
void cs_loads_set_addresses(struct cs_loads *loads, uint32_t row, const Kube__NodeStatus *status);

// ---- load_notes.c ----

// The row's node as the API server has it now: weight, addresses, samples of annotations.
// `changed`: its annotations are new or others than before. Returns events.
uint32_t cs_loads_apply_node(struct cs_loads *loads, uint32_t row, const Kube__Node *node,
			     bool changed);

// ---- load_flight.c ----

// The pod came onto its row at that time. A reservation of it ends.
void cs_loads_come(struct cs_cluster *cluster, struct cs_pod *pod, int64_t when);
// It is not there after all.
void cs_loads_forget(struct cs_cluster *cluster, struct cs_pod *pod);
// It leaves its row now. Before the pod is discounted.
void cs_loads_leave(struct cs_cluster *cluster, struct cs_pod *pod);
// A pod that is counted on the row counts in its sums as one that has left (-1), or again as
// before.
void cs_loads_suppose(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row, int sign);
// The row's node is gone: all that is known of it, but the pods that are still there.
void cs_loads_drop_row(struct cs_loads *loads, uint32_t row);
// A sample of that column changed: makes in_flight again.
void cs_loads_resum(struct cs_loads *loads, uint32_t slot, uint32_t row);
// Takes out pods that are wholly in every sample, or in none any more.
void cs_loads_land(struct cs_loads *loads, uint32_t row);
// A sample of the row will come soon, if there is one: fetches what cs_loads_resum will walk.
void cs_loads_prefetch(const struct cs_loads *loads, uint32_t slot, uint32_t row);
// Ends reservations that have expired, and flights of rows that nothing is sampled of.
void cs_loads_expire(struct cs_loads *loads);
// The clock has gone back to `now`: sums are the caller's.
void cs_loads_redate(struct cs_loads *loads, int64_t now);
// What the row's flights add up to.
int64_t cs_loads_sum(const struct cs_loads *loads, uint32_t slot, uint32_t row);
uint32_t cs_loads_slot(const struct cs_loads *loads, uint32_t column); // UINT32_MAX = none

// ---- load_check.c ----

int cs_loads_check(const struct cs_cluster *cluster, struct cs_error *err);

#endif
