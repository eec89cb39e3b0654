// One decision about one pod: filters, scores, the choice, and the words when nothing fits.
// Neighbours: profile.h says which plugins; scheduler.c asks; kernel.h has the loops.
// Core thread only. Mirrors pkg/scheduler/schedule_one.go (schedulePod) without sampling.
#ifndef CSCHED_FRAMEWORK_CYCLE_H
#define CSCHED_FRAMEWORK_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

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
	bool no_cache;
};

struct cs_workspace *cs_workspace_create(const struct cs_workspace_options *options);
// Before its cluster.
void cs_workspace_destroy(struct cs_workspace *workspace);

struct cs_outcome {
	enum cs_decision decision;
	uint32_t row;       // the winner; CS_ROW_NONE unless scheduled
	uint32_t runner_up; // CS_ROW_NONE without one
	int64_t score;      // totals; 0 with one feasible node: nothing was scored
	int64_t runner_up_score;
	uint32_t n_nodes;
	uint32_t n_feasible;
	const char *message;  // unless scheduled; valid until the next decision
	uint64_t rejected_by; // instances that rejected some node; 0 with an error
	uint32_t cures;       // beyond what these register
};

// Nothing is changed but the workspace.
void cs_cycle_decide(struct cs_workspace *workspace, const struct cs_profile *profile,
		     const struct cs_pod *pod, struct cs_outcome *ret);

#endif
