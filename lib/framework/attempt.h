// One decision in the making, and what decisions share.
// Neighbours: cycle.c makes it, words.c says why nothing fits, explain.c tells of every row.
#ifndef FRAMEWORK_ATTEMPT_H
#define FRAMEWORK_ATTEMPT_H

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/framework/cycle.h>

#include "name_order.h"
#include "vectors.h"
#include "view.h"

#define KEPT_DEMANDS 32 // per profile

struct of_profile {
	const struct cs_profile *profile;
	uint32_t scheduler_name; // intern id
	void **attached;         // as profile->instances
	uint64_t local;          // instances whose plugin is row-local
	struct vectors kept[KEPT_DEMANDS];
	// A demand that was not asked for lately gets these, which stay near in the caches, and its
	// own when it is asked for again: most new demands come once.
	struct vectors at_first_sight;
	struct sight {
		uint32_t id;
		uint64_t generation;
	} sights[KEPT_DEMANDS]; // the last ones, a ring
	uint32_t n_sights;
};

struct cs_workspace {
	struct cs_cluster *cluster;
	const struct cs_node_table *nodes;
	struct cs_random *random;
	struct cs_clock clock;
	struct cs_arena *scratch; // of one decision
	struct cs_buffer message; // of the last decision
	uint64_t decisions;
	uint32_t n_profiles;
	struct of_profile *profiles;
	bool no_cache;        // no vectors are kept; what plugins attach is
	struct vectors fresh; // for what cannot be kept
	const struct cs_profile *fresh_profile;
	struct view view; // of the last decision
	struct name_order names;
	uint32_t capacity; // of one, raw and list
	uint8_t *one;
	int64_t *raw;
	uint32_t *list;
	struct attempt *attempt;       // the last one
	struct cs_plugin_times *times; // of the last decision that was sampled
};

// Pods nominated to a live row that the pod at hand must yield to.
struct supposal {
	uint32_t row;
	uint32_t n;
	struct cs_pod **pods;
};

// A row's rejection that is not its filters' plain answer: `by` and `verdict` in the view do not
// say all of it.
struct overlaid {
	uint32_t row;
	const struct cs_plugin_instance *by;
	enum cs_verdict verdict;
	uint32_t n_reasons;
	const char **reasons;
};

struct attempt {
	struct cs_workspace *workspace;
	const struct cs_profile *profile;
	struct of_profile *of;
	struct cs_cycle cycle;
	struct vectors_input input;
	struct vectors *vectors; // NULL: no filter has run
	struct view *view;
	uint64_t narrowers;   // instances that narrowed the rows
	uint64_t narrowed_by; // these, and who rejected the pod's own nominated node
	// A PreFilter's rejection of all nodes: its words, and by whom (NULL: by several at once).
	const char *words;
	const struct cs_plugin_instance *rejects_all;
	enum cs_verdict verdict_for_all;
	int64_t since; // boot ns: when the part at hand began
	bool explains; // every row's words are wanted, and it counts as no attempt
	uint32_t n_supposals;
	struct supposal *supposals;
	uint32_t n_overlaid;
	struct overlaid *overlaid;
	const struct overlaid *own_rejection; // of the pod's own nominated node; NULL: none
	bool scored;
	struct cs_outcome *outcome;
};

static inline uint64_t bit(const struct cs_plugin_instance *instance)
{
	return UINT64_C(1) << instance->index;
}

// The whole of cs_cycle_decide; what the attempt holds is valid until the next one.
void attempt_decide(struct attempt *attempt, const struct cs_pod *pod);

struct cs_judge_question;
// Filters, and if they are wanted scores, of the rows of a question; no choice, no nominations. It
// counts as no attempt.
void attempt_judge(struct attempt *attempt, const struct cs_judge_question *question);

// The second best of a scored decision, whose outcome has the best row and its score.
void attempt_runner_up(const struct attempt *attempt);
// What the filters say of one row now, whatever was kept: all is prepared afresh. It counts as no
// attempt, and nobody is nominated. `outcome` has an error where a plugin failed.
enum cs_verdict attempt_ask_row(struct attempt *attempt, const struct cs_pod *pod, uint32_t row);
// The first filter but those in `off` that rejects the row as it was prepared; NULL: it passes.
const struct cs_plugin_instance *attempt_ask_filters(const struct attempt *attempt, uint32_t row,
						     uint64_t off, enum cs_verdict *ret);

// nominated.c. After the plugins have prepared:
void attempt_collect_nominations(struct attempt *attempt);
// Whether the pod's nominated node takes it: the decision has ended.
bool attempt_try_nominated(struct attempt *attempt);
// After the filters: rows with nominated pods. False: the decision has ended with an error.
bool attempt_overlay_nominated(struct attempt *attempt);
// The rejection of a row that the view has as BY_OVERLAID.
const struct overlaid *attempt_overlaid(const struct attempt *attempt, uint32_t row);

// words.c: how a decision ends without a node.
void attempt_fail(struct attempt *attempt, enum cs_decision decision, uint64_t rejected_by);
void attempt_fail_running(struct attempt *attempt, const char *point,
			  const struct cs_plugin_instance *instance);
// A PreFilter's rejection: its words without a count, as upstream. `rejected_by`: for the queue.
void attempt_fail_all_nodes(struct attempt *attempt, uint64_t rejected_by);
void attempt_fail_no_fit(struct attempt *attempt);
// "[A B]": the plugins of a mask, sorted; in scratch.
const char *attempt_plugin_names(struct attempt *attempt, uint64_t mask);
// Who rejected a row.
const struct cs_plugin_instance *attempt_rejecter(const struct attempt *attempt, uint32_t row);
// Says what a filter has against a row, in the question as the cycle has it now.
void attempt_filter_reasons(struct attempt *attempt, const struct cs_plugin_instance *instance,
			    uint32_t row, void (*say)(void *user, const char *reason), void *user);
// Says the reasons of a row that was rejected.
void attempt_reasons(struct attempt *attempt, uint32_t row,
		     void (*say)(void *user, const char *reason), void *user);

#endif
