// Why a pod is where it is: what is remembered of its decisions, and what would be decided now: as
// long as it waits, and about a node that is asked for, also once it has its own. Neighbours:
// answer.c calls; framework's record.h and cycle.h know.
#include <string.h>

#include <csched/base/memory.h>
#include <csched/framework/queue.h>

#include "daemon/answer.h"
#include "daemon/verbs.h"

#define DECISIONS_MAX  10 // about one pod in one answer
#define CANDIDATES_MAX 10
#define EXAMPLES_MAX   3 // nodes named of each group of rejected ones
#define GROUPS_MAX     100

// Nodes that one plugin rejected for the same reasons.
struct group {
	const char *plugin; // "" = left out by a PreFilter
	uint32_t n_reasons;
	const char **reasons;
	uint32_t n_nodes;
	uint32_t examples[EXAMPLES_MAX]; // rows
};

// A feasible node.
struct candidate {
	uint32_t row;
	int64_t total;
	const uint8_t *scores; // as profile->score, or CS_SCORE_NONE; NULL: nothing was scored
};

// What a decision of now says, collected row by row.
struct collection {
	struct cs_arena *arena;
	const struct cs_profile *profile;
	const struct cs_pod *pod;
	uint32_t n_groups;
	struct group groups[GROUPS_MAX];
	uint32_t n_more; // nodes rejected in further ways
	uint32_t n_candidates;
	struct candidate candidates[CANDIDATES_MAX]; // best first
	uint32_t row;                                // asked for in particular; CS_ROW_NONE = none
	const struct group *rejected;
	struct group beyond; // the rejection of `row` where the groups are full
	struct candidate asked;
	// Of `row`, in words and numbers: what rejects it, or how each score of profile->score
	// comes about; entries may be NULL.
	const char *numbers;
	const char **formulas;
};

// ---- collecting ----

static bool is_group_of(const struct group *group, const struct cs_judgement *judgement)
{
	const char *plugin = judgement->by ? judgement->by->name : "";
	if (strcmp(group->plugin, plugin) != 0 || group->n_reasons != judgement->n_reasons)
		return false;
	for (uint32_t i = 0; i < group->n_reasons; i++)
		if (strcmp(group->reasons[i], judgement->reasons[i]) != 0)
			return false;
	return true;
}

static struct group *fill_group(struct collection *collection, struct group *group,
				const struct cs_judgement *judgement)
{
	*group = (struct group){
		.plugin = judgement->by ? judgement->by->name : "",
		.n_reasons = judgement->n_reasons,
		.reasons = cs_arena_alloc_array(collection->arena, judgement->n_reasons + 1,
						sizeof(*group->reasons)),
	};
	for (uint32_t i = 0; i < judgement->n_reasons; i++)
		group->reasons[i] = cs_arena_strdup(collection->arena, judgement->reasons[i]);
	return group;
}

static void collect_rejected(struct collection *collection, const struct cs_judgement *judgement)
{
	struct group *group = collection->groups;
	struct group *end = collection->groups + collection->n_groups;
	while (group < end && !is_group_of(group, judgement))
		group++;
	if (group == end && collection->n_groups == GROUPS_MAX) {
		collection->n_more++;
		if (judgement->row == collection->row)
			collection->rejected =
				fill_group(collection, &collection->beyond, judgement);
		return;
	}
	if (group == end) {
		collection->n_groups++;
		fill_group(collection, group, judgement);
	}
	if (group->n_nodes < EXAMPLES_MAX)
		group->examples[group->n_nodes] = judgement->row;
	group->n_nodes++;
	if (judgement->row == collection->row)
		collection->rejected = group;
}

static const uint8_t *copy_scores(struct collection *collection,
				  const struct cs_judgement *judgement)
{
	uint32_t n = collection->profile->n_score;
	if (!judgement->scores)
		return NULL;
	uint8_t *scores = cs_arena_alloc(collection->arena, n + 1);
	for (uint32_t i = 0; i < n; i++)
		scores[i] = judgement->skipped[i] ? CS_SCORE_NONE : (uint8_t)judgement->scores[i];
	return scores;
}

static void collect_feasible(struct collection *collection, const struct cs_judgement *judgement)
{
	struct candidate *best = collection->candidates;
	uint32_t at = collection->n_candidates;
	if (judgement->row == collection->row)
		collection->asked = (struct candidate){ judgement->row, judgement->total,
							copy_scores(collection, judgement) };
	while (at > 0 && best[at - 1].total < judgement->total)
		at--;
	if (at == CANDIDATES_MAX)
		return;
	collection->n_candidates += collection->n_candidates < CANDIDATES_MAX;
	memmove(best + at + 1, best + at, (collection->n_candidates - at - 1) * sizeof(*best));
	best[at] = (struct candidate){ judgement->row, judgement->total,
				       copy_scores(collection, judgement) };
}

static void collect_numbers(struct collection *collection, const struct cs_judgement *judgement)
{
	uint32_t n = collection->profile->n_score;
	if (judgement->numbers)
		collection->numbers = cs_arena_strdup(collection->arena, judgement->numbers);
	if (!judgement->formulas)
		return;
	collection->formulas =
		cs_arena_alloc_array(collection->arena, n, sizeof(*collection->formulas));
	for (uint32_t i = 0; i < n; i++)
		if (judgement->formulas[i])
			collection->formulas[i] =
				cs_arena_strdup(collection->arena, judgement->formulas[i]);
}

static void collect(void *user, const struct cs_judgement *judgement)
{
	collect_numbers(user, judgement);
	if (judgement->verdict == CS_VERDICT_FITS)
		collect_feasible(user, judgement);
	else
		collect_rejected(user, judgement);
}

// ---- writing ----

static void write_candidate(const struct cs_answer_context *context,
			    const struct cs_profile *profile, const struct candidate *candidate,
			    struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "node", cs_cluster_node_name(context->cluster, candidate->row));
	cs_json_member_int(json, "total", candidate->total);
	if (candidate->scores)
		cs_record_write_scores(profile, candidate->scores, json);
	cs_answer_load(context->cluster, candidate->row, NULL, json);
	cs_json_object_end(json);
}

static void write_reasons(const struct group *group, struct cs_json_writer *json)
{
	cs_json_member_string(json, "plugin", group->plugin);
	cs_json_member_array_begin(json, "reasons");
	for (uint32_t i = 0; i < group->n_reasons; i++)
		cs_json_string(json, group->reasons[i]);
	cs_json_array_end(json);
}

static void write_group(const struct cs_answer_context *context, const struct group *group,
			struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	write_reasons(group, json);
	cs_json_member_int(json, "nodes", group->n_nodes);
	cs_json_member_array_begin(json, "examples");
	for (uint32_t i = 0; i < group->n_nodes && i < EXAMPLES_MAX; i++)
		cs_json_string(json, cs_cluster_node_name(context->cluster, group->examples[i]));
	cs_json_array_end(json);
	cs_json_object_end(json);
}

static void write_outcome(const struct cs_outcome *outcome, struct cs_json_writer *json)
{
	cs_json_member_string(json, "decision", cs_decision_name(outcome->decision));
	cs_json_member_int(json, "nodes", outcome->n_nodes);
	cs_json_member_int(json, "feasibleNodes", outcome->n_feasible);
	cs_json_member_string(json, "message", outcome->message);
}

static void write_formulas(const struct collection *collection, struct cs_json_writer *json)
{
	const struct cs_profile *profile = collection->profile;
	cs_json_member_object_begin(json, "formulas");
	for (uint32_t i = 0; i < profile->n_score; i++)
		if (collection->formulas[i])
			cs_json_member_string(json, profile->score[i]->plugin->name,
					      collection->formulas[i]);
	cs_json_object_end(json);
}

static void write_asked(const struct cs_answer_context *context,
			const struct collection *collection, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "onNode");
	cs_json_member_string(json, "node",
			      cs_cluster_node_name(context->cluster, collection->row));
	cs_json_member_bool(json, "fits", !collection->rejected);
	if (collection->rejected)
		write_reasons(collection->rejected, json);
	else
		cs_json_member_int(json, "total", collection->asked.total);
	if (collection->asked.scores)
		cs_record_write_scores(collection->profile, collection->asked.scores, json);
	if (collection->formulas)
		write_formulas(collection, json);
	cs_json_member_string(json, "numbers", collection->numbers);
	cs_answer_node(context->cluster, collection->row, collection->pod, json);
	cs_json_object_end(json);
}

static void write_collection(const struct cs_answer_context *context,
			     const struct collection *collection, struct cs_json_writer *json)
{
	cs_json_member_array_begin(json, "rejected");
	for (uint32_t i = 0; i < collection->n_groups; i++)
		write_group(context, &collection->groups[i], json);
	cs_json_array_end(json);
	if (collection->n_more > 0)
		cs_json_member_int(json, "rejectedOtherwise", collection->n_more);
	cs_json_member_array_begin(json, "candidates");
	for (uint32_t i = 0; i < collection->n_candidates; i++)
		write_candidate(context, collection->profile, &collection->candidates[i], json);
	cs_json_array_end(json);
	cs_record_write_weights(collection->profile, json);
	// Of a pod that has its nominated node no other one was asked.
	if (collection->row != CS_ROW_NONE &&
	    (collection->rejected || collection->asked.row == collection->row))
		write_asked(context, collection, json);
}

// ---- the answer ----

// False: nothing is decided about such a pod, and nothing was written.
static bool write_now(const struct cs_answer_context *context, const struct cs_message_ask *ask,
		      const struct cs_pod *pod, struct cs_json_writer *json)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct collection *collection = cs_arena_alloc(arena, sizeof(*collection));
	struct cs_outcome outcome;
	collection->arena = arena;
	collection->pod = pod;
	bool ours = cs_scheduler_profile(context->scheduler, pod) != NULL;
	if (!ours && !context->verbs)
		return false;
	collection->profile = ours ? cs_scheduler_profile(context->scheduler, pod)
				   : cs_verbs_profile(context->verbs);
	collection->row =
		ask->node ? cs_cluster_find_node(context->cluster, ask->node) : CS_ROW_NONE;
	collection->asked.row = CS_ROW_NONE;
	struct cs_judge judge = { collect, collection, &collection->row };
	int r = ours ? cs_scheduler_explain(context->scheduler, pod, &outcome, judge)
		     : cs_verbs_explain(context->verbs, pod, &outcome, judge);
	if (r < 0)
		return false;
	cs_json_member_object_begin(json, "now");
	cs_json_member_string(json, "profile", collection->profile->scheduler_name);
	// Another scheduler places the pod, and asks the profile.
	cs_json_member_bool(json, "forAnother", !ours);
	write_outcome(&outcome, json);
	if (outcome.decision != CS_DECISION_ERROR)
		write_collection(context, collection, json);
	cs_json_object_end(json);
	return true;
}

static const char *state_of(const struct cs_pod *pod)
{
	static const char *const names[CS_POD_STATE_COUNT] = {
		[CS_POD_UNBOUND] = "pending",
		[CS_POD_ASSUMED] = "assumed",
		[CS_POD_BOUND] = "bound",
	};
	return pod->gated ? "gated" : names[pod->state];
}

// What the pod asks of each resource.
static void write_asks(const struct cs_cluster *cluster, const struct cs_pod_requests *requests,
		       struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "asks");
	for (uint32_t i = 0; i < CS_RESOURCE_FIXED_COUNT; i++)
		if (requests->fixed[i] > 0)
			cs_json_member_int(json, cs_cluster_resource_name(cluster, i),
					   requests->fixed[i]);
	for (uint32_t i = 0; i < requests->n_extended; i++)
		cs_json_member_int(json,
				   cs_cluster_resource_name(cluster, requests->extended[i].column),
				   requests->extended[i].amount);
	cs_json_object_end(json);
}

// Of a pod that has its node: what would be decided had it not been placed, as long as its last
// decision, which has what it asked, is remembered. False: nothing was written.
static bool write_again(const struct cs_answer_context *context, const struct cs_message_ask *ask,
			struct cs_pod *pod, const struct cs_record *newest,
			struct cs_json_writer *json)
{
	struct cs_pod unbound;
	if (!newest || !newest->asked.demand || strcmp(newest->uid, pod->uid) != 0 ||
	    !cs_cluster_nodes(context->cluster)->live[pod->row])
		return false;
	uint32_t row = cs_cluster_suppose_unbound(context->cluster, pod, &newest->asked, &unbound);
	bool written = write_now(context, ask, &unbound, json);
	cs_cluster_put_back(context->cluster, pod, row);
	if (written)
		write_asks(context->cluster, &newest->asked.demand->requests, json);
	return written;
}

static void write_node_now(const struct cs_answer_context *context,
			   const struct cs_message_ask *ask, const struct cs_pod *pod,
			   struct cs_json_writer *json)
{
	uint32_t row = cs_cluster_find_node(context->cluster, ask->node);
	cs_json_member_object_begin(json, "nodeNow");
	cs_json_member_string(json, "node", ask->node);
	cs_answer_node(context->cluster, row, pod->row == row ? NULL : pod, json);
	cs_json_object_end(json);
}

static void write_pod(const struct cs_answer_context *context, const struct cs_message_ask *ask,
		      struct cs_pod *pod, const struct cs_record *newest,
		      struct cs_json_writer *json)
{
	cs_json_member_string(json, "uid", pod->uid);
	cs_json_member_string(json, "state", state_of(pod));
	cs_json_member_string(
		json, "schedulerName",
		cs_intern_string(cs_cluster_strings(context->cluster), pod->scheduler_name));
	if (pod->state != CS_POD_UNBOUND)
		cs_json_member_string(json, "node",
				      cs_cluster_node_name(context->cluster, pod->row));
	if (pod->gates)
		cs_json_member_string(json, "schedulingGates", pod->gates);
	if (pod->terminating)
		cs_json_member_bool(json, "terminating", true);
	if (pod->pending) {
		cs_json_member_string(json, "queue", cs_queue_state_name(pod->pending->state));
		cs_json_member_int(json, "attempts", pod->pending->attempts);
	}
	if (pod->state != CS_POD_UNBOUND) {
		if (ask->node && !write_again(context, ask, pod, newest, json))
			write_node_now(context, ask, pod, json);
		return;
	}
	write_asks(context->cluster, &pod->demand->requests, json);
	// Nothing is decided about one that is another scheduler's, or has gates.
	if (!write_now(context, ask, pod, json) && ask->node)
		write_node_now(context, ask, pod, json);
}

static void write_decisions(const struct cs_records *records, const struct cs_record *newest,
			    const char *pod, struct cs_json_writer *json)
{
	cs_json_member_array_begin(json, "decisions");
	for (int i = 0; newest && i < DECISIONS_MAX; i++) {
		cs_record_write(newest, json);
		newest = newest->number > 1 ? cs_records_find(records, pod, newest->number) : NULL;
	}
	cs_json_array_end(json);
}

bool cs_explanation_write(const struct cs_answer_context *context, const struct cs_message_ask *ask,
			  struct cs_json_writer *json)
{
	const struct cs_records *records = cs_scheduler_records(context->scheduler);
	const struct cs_record *newest = cs_records_find(records, ask->pod, 0);
	struct cs_pod *pod = cs_cluster_find_pod_named(context->cluster, ask->pod);
	if (!pod && !newest)
		return false;
	cs_json_object_begin(json);
	cs_json_member_string(json, "pod", ask->pod);
	cs_json_member_int(json, "atUnixNano", context->now.wall);
	if (pod)
		write_pod(context, ask, pod, newest, json);
	else
		cs_json_member_string(json, "state", "gone");
	write_decisions(records, newest, ask->pod, json);
	cs_json_object_end(json);
	return true;
}
