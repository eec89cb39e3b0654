// Judging given nodes for a pod that another scheduler places: which can take it, and how good each
// is. The same cycle and plugins as for our own decisions, without choosing.
// Neighbours: cycle.h decides for our own pods; daemon's extender asks.
// Core thread only.
#ifndef CSCHED_FRAMEWORK_JUDGE_H
#define CSCHED_FRAMEWORK_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/framework/cycle.h>

struct cs_judge_question {
	const struct cs_profile *profile; // of the workspace's configuration
	const struct cs_pod *pod;         // unbound: it has a demand
	uint32_t n;
	const uint32_t *rows; // CS_ROW_NONE: a node that is not known; a row may come twice
	bool scores;          // totals are wanted too
};

// Of one row of the question.
struct cs_judge_answer {
	enum cs_verdict verdict; // FITS for what is not known
	const char *words;       // of a rejected one: its reasons, ", " between them; in the arena
	double total;            // weighted; of a row that fits, if scores were asked
};

struct cs_judge_result {
	const char *error; // in the arena; NULL = judged. Else the answers say nothing
	double total_max;  // the most a total can be; 0: no plugin scored, all totals are 0
	uint32_t n_rejected;
	uint32_t best; // index of the greatest total, the first of several; n where none fits
	struct cs_outcome
		outcome; // RANKED or FILTERED: for cs_cycle_detail, which tells of the rest
	bool filtered;   // some filter had a say: else all fit, whatever pods there are
};

// Other nodes count for nothing, as if the cluster had only those asked for. Nominations are left
// to the scheduler that asks.
void cs_judge(struct cs_workspace *workspace, const struct cs_judge_question *question,
	      struct cs_arena *arena, struct cs_judge_answer *answers, struct cs_judge_result *ret);

// Totals as small numbers: 0 .. top, the greatest total is `top`. A step is a share of the range
// from the least to the greatest total of the rows that fit, but at least of a fifth of what totals
// can be. A quarter of a step below the greatest is a near-tie and gets `top` too; the steps
// follow. What is not known gets the mean, what is rejected 0.
void cs_judge_scale(const struct cs_judge_question *question, const struct cs_judge_answer *answers,
		    const struct cs_judge_result *result, uint8_t top, uint8_t *scores);

// Pods that are to leave a row so that another one can come there, as its scheduler has chosen.
struct cs_judge_eviction {
	const struct cs_profile *profile;
	const struct cs_pod *pod; // as above
	uint32_t row;             // live
	uint32_t n;
	// The most important one first, as they are to be spared; NULL: not known. One that is not
	// on the row, or comes again, does not count.
	struct cs_pod *const *victims;
};
// Whether the pod can come once they are gone; true also where nobody knows: some victim is not
// known, or a plugin failed. Sets spared[i] of each victim that may stay: the pod fits all the
// same, by a profile that has all filters of kube-scheduler's that look at the pods of a node (any
// other cannot know what they are to leave for), and nobody else of its priority or more is
// nominated there. Not of all: who asked sees a need that is not seen here. The model is the same
// after it. Mirrors plugins/defaultpreemption/default_preemption.go SelectVictimsOnNode.
bool cs_judge_eviction(struct cs_workspace *workspace, const struct cs_judge_eviction *eviction,
		       bool *spared);

#endif
