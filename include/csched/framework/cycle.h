// One decision about one pod: filters, scores, the choice, and the words when nothing fits.
// Neighbours: profile.h says which plugins; scheduler.c asks; kernel.h has the loops.
// Core thread only. Mirrors pkg/scheduler/schedule_one.go (schedulePod) without sampling.
#ifndef CSCHED_FRAMEWORK_CYCLE_H
#define CSCHED_FRAMEWORK_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/clock.h>
#include <csched/base/random.h>
#include <csched/framework/profile.h>
#include <csched/framework/record.h>

// What decisions share: scratch columns that grow with the node table, an arena that is reset per
// decision, and the vectors kept for the demands decided last.
struct cs_workspace;

struct cs_workspace_options {
	struct cs_cluster *cluster;     // borrowed
	const struct cs_config *config; // borrowed: its profiles
	struct cs_random *random;       // ties; NULL = the lowest node name
	struct cs_clock clock; // what the parts of a decision take; without `now` nobody asks
	bool no_cache;         // keep no vectors; what plugins remember stays with the workspace
};

struct cs_workspace *cs_workspace_create(const struct cs_workspace_options *options);
// Before its cluster.
void cs_workspace_destroy(struct cs_workspace *workspace);

// How a part of a decision ended.
enum cs_point_status {
	CS_POINT_NOT_REACHED, // or not timed
	CS_POINT_SUCCESS,
	CS_POINT_UNSCHEDULABLE,
	CS_POINT_UNRESOLVABLE,
	CS_POINT_ERROR,
	CS_POINT_STATUS_COUNT,
};
struct cs_point {
	enum cs_point_status status;
	int64_t took; // ns
};

struct cs_outcome {
	enum cs_decision decision;
	uint32_t row;       // the winner; CS_ROW_NONE unless scheduled
	uint32_t runner_up; // CS_ROW_NONE without one
	int64_t score;      // totals; 0 with one feasible node: nothing was scored
	int64_t runner_up_score;
	uint32_t n_nodes;
	uint32_t n_feasible;
	const char *message;  // unless scheduled; valid until the next decision
	uint64_t rejected_by; // instances that rejected some node; 0 with an error, or no node
	struct cs_point points[CS_EVALUATED_COUNT];
	// What each plugin took, in one of ten timed decisions, until the next; else NULL.
	const struct cs_plugin_times *times;
};

// Nothing is changed but the workspace. A nominated node is tried first alone; rows with
// nominations of equal or higher priority are filtered with and without them.
void cs_cycle_decide(struct cs_workspace *workspace, const struct cs_profile *profile,
		     const struct cs_pod *pod, struct cs_outcome *ret);

// ---- why ----

#define CS_CANDIDATES_MAX 5
#define CS_SCORE_NONE     0xff // the plugin skipped

// A row that could take the pod.
struct cs_candidate {
	uint32_t row;
	int64_t total;
	// As profile->score: normalised, 0 .. 100, before the weight, or CS_SCORE_NONE. NULL: the
	// pod fits nowhere else, so nothing was scored.
	const uint8_t *scores;
};
struct cs_rejection {
	const char *plugin; // "" for what a PreFilter left out
	uint32_t n_nodes;
};
// What is worth remembering of a decision: the best rows, the winner and the runner-up first, then
// by total; and how many nodes each filter rejected, in their order.
struct cs_detail {
	uint32_t n_candidates;
	struct cs_candidate candidates[CS_CANDIDATES_MAX];
	uint32_t n_rejections;
	struct cs_rejection rejections[CS_PLUGINS_MAX + 1];
};
// Of the last decision, which `outcome` is of, before anything changes; `scores` are valid until
// the next one.
void cs_cycle_detail(struct cs_workspace *workspace, const struct cs_outcome *outcome,
		     struct cs_detail *ret);

// The pod was assumed on that row: tells the profile's plugins that have a memory of their own.
void cs_cycle_reserve(struct cs_workspace *workspace, const struct cs_profile *profile,
		      const struct cs_pod *pod, uint32_t row);

// What a decision says of one live row.
struct cs_judgement {
	uint32_t row;
	// Of a rejected row. `by` is NULL for a row outside what a PreFilter narrowed to; a
	// PreFilter's rejection concerns every row, with its message as the one reason.
	enum cs_verdict verdict; // FITS: feasible
	const struct cs_plugin *by;
	uint32_t n_reasons;
	const char *const *reasons; // in the plugin's order
	// Of a feasible row, where two or more are: as profile->score, normalised, before the
	// weight. NULL: nothing was scored.
	const int64_t *scores;
	const bool *skipped; // as profile->score: these add nothing
	int64_t total;
	// In words and numbers, of the row that the judge asks about: what the filter goes by; and
	// as profile->score how each score comes about. NULL where a plugin has no words for it.
	const char *numbers;
	const char *const *formulas;
};
struct cs_judge {
	void (*tell)(void *user, const struct cs_judgement *judgement);
	void *user;
	const uint32_t *row; // whose numbers and formulas are wanted; NULL = none's
};

// Decides and tells of each live row, in ascending rows; where a nominated node is taken at once,
// of that row alone; after an error of none. Pointers are valid during the call.
void cs_cycle_explain(struct cs_workspace *workspace, const struct cs_profile *profile,
		      const struct cs_pod *pod, struct cs_outcome *ret, struct cs_judge judge);

#endif
