// Nominated pods in a decision: the pod's own nominated node is tried first, and rows with others
// of its priority or more are asked twice. Mirrors pkg/scheduler/schedule_one.go
// evaluateNominatedNode and framework/runtime/framework.go RunFilterPluginsWithNominatedPods.
// Neighbours: cycle.c; the cluster supposes (cluster.h); view.h takes the answers.
#include "attempt.h"

#include <string.h>

#include "kernel.h"

// ---- whose nominations count ----

static bool is_held(const struct cs_profile *profile, const struct cs_pod *pod,
		    struct cs_arena *scratch)
{
	for (uint32_t i = 0; i < profile->n_pre_enqueue; i++)
		if (profile->pre_enqueue[i]->plugin->pre_enqueue(pod, scratch))
			return true;
	return false;
}

// Upstream's nominator knows the pods that its queue has taken as candidates: those of its
// profiles, unless PreEnqueue holds them.
static bool counts(const struct attempt *attempt, const struct cs_pod *pod)
{
	const struct cs_workspace *workspace = attempt->workspace;
	const struct cs_pod *own = attempt->cycle.pod;
	if (pod == own || pod->priority < own->priority)
		return false;
	for (uint32_t i = 0; i < workspace->n_profiles; i++)
		if (workspace->profiles[i].scheduler_name == pod->scheduler_name)
			return !is_held(workspace->profiles[i].profile, pod, workspace->scratch);
	return false;
}

static void collect_pods(struct attempt *attempt, const struct cs_nomination *nomination)
{
	struct cs_cluster *cluster = attempt->workspace->cluster;
	const char *name = cs_intern_string(cs_cluster_strings(cluster), nomination->node);
	struct supposal *supposal = &attempt->supposals[attempt->n_supposals];
	supposal->row = cs_cluster_find_node(cluster, name);
	if (supposal->row == CS_ROW_NONE)
		return;
	supposal->pods = cs_arena_alloc_array(attempt->workspace->scratch, nomination->n,
					      sizeof(struct cs_pod *));
	supposal->n = 0;
	for (uint32_t i = 0; i < nomination->n; i++)
		if (counts(attempt, nomination->pods[i]))
			supposal->pods[supposal->n++] = nomination->pods[i];
	attempt->n_supposals += supposal->n > 0;
}

void attempt_collect_nominations(struct attempt *attempt)
{
	uint32_t n;
	const struct cs_nomination *list = cs_cluster_nominations(attempt->workspace->cluster, &n);
	if (n == 0)
		return;
	struct cs_arena *scratch = attempt->workspace->scratch;
	attempt->supposals = cs_arena_alloc_array(scratch, n, sizeof(*attempt->supposals));
	// One more for the pod's own nominated node.
	attempt->overlaid = cs_arena_alloc_array(scratch, n + 1, sizeof(*attempt->overlaid));
	for (uint32_t i = 0; i < n; i++)
		collect_pods(attempt, &list[i]);
}

// ---- one row's question ----

// Reasons of the rejection that is being written.
struct reason_list {
	struct cs_arena *scratch;
	struct overlaid *to;
	uint32_t capacity;
};

static void collect_reason(void *user, const char *reason)
{
	struct reason_list *list = user;
	struct overlaid *to = list->to;
	if (to->n_reasons == list->capacity) {
		list->capacity = list->capacity ? 2 * list->capacity : 8;
		const char **more =
			cs_arena_alloc_array(list->scratch, list->capacity, sizeof(*more));
		if (to->n_reasons)
			memcpy(more, to->reasons, to->n_reasons * sizeof(*more));
		to->reasons = more;
	}
	to->reasons[to->n_reasons++] = cs_arena_strdup(list->scratch, reason);
}

static struct overlaid *new_rejection(struct attempt *attempt, uint32_t row,
				      const struct cs_plugin_instance *by, enum cs_verdict verdict)
{
	struct overlaid *rejection = &attempt->overlaid[attempt->n_overlaid];
	*rejection = (struct overlaid){ .row = row, .by = by, .verdict = verdict };
	return rejection;
}

// All filters but those in `off` about one row. NULL: it passes.
static struct overlaid *ask_filters(struct attempt *attempt, uint32_t row, uint64_t off)
{
	enum cs_verdict verdict;
	const struct cs_plugin_instance *by = attempt_ask_filters(attempt, row, off, &verdict);
	if (!by)
		return NULL;
	struct overlaid *rejection = new_rejection(attempt, row, by, verdict);
	struct reason_list list = { attempt->workspace->scratch, rejection, 0 };
	attempt_filter_reasons(attempt, by, row, collect_reason, &list);
	return rejection;
}

// Every plugin that did not skip prepares once more, for what the model says now. What it narrows
// to and (unless it rejects) says is known. Returns who refused, NULL if none.
static const struct cs_plugin_instance *prepare(struct attempt *attempt, uint64_t *off,
						enum cs_prepare *ret_answer)
{
	struct cs_cycle *cycle = &attempt->cycle;
	const struct cs_cycle before = *cycle;
	const struct cs_plugin_instance *refusing = NULL;
	for (uint32_t i = 0; i < attempt->profile->n_prepare_filter && !refusing; i++) {
		struct cs_plugin_instance *instance = attempt->profile->prepare_filter[i];
		if (attempt->input.filters_off & bit(instance))
			continue;
		cycle->message = NULL;
		instance->filter_version = 0;
		*ret_answer = instance->plugin->prepare_filter(cycle, instance);
		if (*ret_answer == CS_PREPARE_SKIP)
			*off |= bit(instance);
		else if (*ret_answer != CS_PREPARE_GO)
			refusing = instance;
	}
	char *message = cycle->message;
	*cycle = before;
	cycle->message = message;
	return refusing;
}

// Back to what the plugins prepared at first.
static void prepare_again(struct attempt *attempt)
{
	uint64_t ignored_off = 0;
	enum cs_prepare ignored;
	prepare(attempt, &ignored_off, &ignored);
}

static struct overlaid *ask_prepared(struct attempt *attempt, uint32_t row,
				     const struct cs_plugin_instance **ret_failed)
{
	uint64_t off = attempt->input.filters_off;
	enum cs_prepare answer;
	const struct cs_plugin_instance *refusing = prepare(attempt, &off, &answer);
	if (!refusing)
		return ask_filters(attempt, row, off);
	if (answer == CS_PREPARE_ERROR) {
		*ret_failed = refusing;
		return NULL;
	}
	struct overlaid *rejection =
		new_rejection(attempt, row, refusing,
			      answer == CS_PREPARE_UNRESOLVABLE ? CS_VERDICT_UNRESOLVABLE
								: CS_VERDICT_UNSCHEDULABLE);
	struct reason_list list = { attempt->workspace->scratch, rejection, 0 };
	if (attempt->cycle.message)
		collect_reason(&list, attempt->cycle.message);
	return rejection;
}

// The row with its nominated pods on it. NULL: it passes, or *ret_failed prepared in vain. What was
// prepared at first is gone then: prepare_again.
static struct overlaid *ask_supposing(struct attempt *attempt, const struct supposal *supposal,
				      const struct cs_plugin_instance **ret_failed)
{
	struct cs_cluster *cluster = attempt->workspace->cluster;
	struct cs_cycle *cycle = &attempt->cycle;
	for (uint32_t i = 0; i < supposal->n; i++)
		cs_cluster_suppose(cluster, supposal->pods[i], supposal->row);
	cycle->n_supposed = supposal->n;
	cycle->supposed = supposal->pods;
	cycle->supposed_row = supposal->row;
	struct overlaid *rejection = ask_prepared(attempt, supposal->row, ret_failed);
	cycle->n_supposed = 0;
	cycle->supposed = NULL;
	for (uint32_t i = supposal->n; i-- > 0;)
		cs_cluster_unsuppose(cluster, supposal->pods[i]);
	return rejection;
}

// ---- the pod's own nominated node ----

static const struct supposal *supposal_of(const struct attempt *attempt, uint32_t row)
{
	for (uint32_t i = 0; i < attempt->n_supposals; i++)
		if (attempt->supposals[i].row == row)
			return &attempt->supposals[i];
	return NULL;
}

bool attempt_try_nominated(struct attempt *attempt)
{
	struct cs_cluster *cluster = attempt->workspace->cluster;
	uint32_t node = attempt->cycle.pod->nominated_node;
	if (node == CS_INTERN_NONE)
		return false;
	uint32_t row =
		cs_cluster_find_node(cluster, cs_intern_string(cs_cluster_strings(cluster), node));
	if (row == CS_ROW_NONE)
		return false;
	const struct supposal *supposal = supposal_of(attempt, row);
	const struct cs_plugin_instance *failed = NULL;
	struct overlaid *rejection = NULL;
	if (supposal) {
		rejection = ask_supposing(attempt, supposal, &failed);
		prepare_again(attempt);
	}
	if (!rejection && !failed)
		rejection = ask_filters(attempt, row, attempt->input.filters_off);
	if (rejection) {
		attempt->n_overlaid++;
		attempt->own_rejection = rejection;
		// Upstream names the rejecter among those that narrowed: the set is the same one.
		attempt->narrowed_by |= bit(rejection->by);
	}
	// What failed is met again when all rows are asked, and then it counts.
	if (rejection || failed)
		return false;
	attempt->outcome->decision = CS_DECISION_SCHEDULED;
	attempt->outcome->row = row;
	attempt->outcome->n_feasible = 1;
	return true;
}

// ---- rows with nominations ----

static void overlay(struct attempt *attempt, const struct overlaid *rejection)
{
	view_set(attempt->view, rejection->row, BY_OVERLAID, rejection->verdict);
}

// The row was tried, so it counts by what it said, though narrowing leaves it out.
static void overlay_own(struct attempt *attempt)
{
	const struct overlaid *rejection = attempt->own_rejection;
	if (rejection && attempt->view->by[rejection->row] == BY_NOT_NOW)
		overlay(attempt, rejection);
	else if (rejection)
		attempt->n_overlaid = 0;
}

// Asks the rows that the other filters let pass, or those that they rejected. False: it has failed.
static bool overlay_rows(struct attempt *attempt, bool rejected)
{
	const struct cs_plugin_instance *failed = NULL;
	bool asked = false;
	for (uint32_t i = 0; i < attempt->n_supposals && !failed; i++) {
		const struct supposal *supposal = &attempt->supposals[i];
		uint8_t by = attempt->view->by[supposal->row];
		if (by == BY_NOT_NOW || by == BY_OVERLAID || (by == BY_NOBODY) == rejected)
			continue;
		const struct overlaid *rejection = ask_supposing(attempt, supposal, &failed);
		asked = true;
		if (!rejection)
			continue;
		attempt->n_overlaid++;
		overlay(attempt, rejection);
	}
	if (failed)
		attempt_fail_running(attempt, "PreFilter", failed);
	if (asked)
		prepare_again(attempt);
	return !failed;
}

bool attempt_overlay_nominated(struct attempt *attempt)
{
	overlay_own(attempt);
	if (attempt->n_supposals == 0)
		return true;
	if (!overlay_rows(attempt, false))
		return false;
	view_count_feasible(attempt->view);
	// A row that was rejected without them is rejected for what they change: that matters only
	// to who wants the words.
	bool all = attempt->explains || attempt->view->n_feasible == 0;
	return !all || overlay_rows(attempt, true);
}

const struct overlaid *attempt_overlaid(const struct attempt *attempt, uint32_t row)
{
	uint32_t i = 0;
	while (attempt->overlaid[i].row != row)
		i++;
	return &attempt->overlaid[i];
}
