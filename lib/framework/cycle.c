// A decision: prepare, filter, prepare to score, score, choose; or say why not.
// Neighbours: vectors.c holds the columns; profile.h the order of plugins; scheduler.c asks.
#include <csched/framework/cycle.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/framework/config.h>
#include <csched/framework/judge.h>

#include "attempt.h"
#include "kernel.h"
#include "times.h"

#define MESSAGE_MAX (64 * 1024)

// What the arguments of a profile's plugins need of this cluster.
static void attach(struct cs_workspace *workspace, struct of_profile *of)
{
	of->local = 0;
	of->attached = cs_alloc_array(of->profile->n_instances, sizeof(*of->attached));
	for (uint32_t i = 0; i < of->profile->n_instances; i++) {
		const struct cs_plugin_instance *instance = &of->profile->instances[i];
		of->local |= instance->plugin->row_local ? bit(instance) : 0;
		if (instance->plugin->attach)
			of->attached[i] =
				instance->plugin->attach(workspace->cluster, instance->args);
	}
}

static void detach(struct cs_workspace *workspace, struct of_profile *of)
{
	for (uint32_t i = 0; i < of->profile->n_instances; i++) {
		struct cs_plugin_instance *instance = &of->profile->instances[i];
		if (instance->plugin->detach)
			instance->plugin->detach(workspace->cluster, of->attached[i]);
		instance->attached = NULL;
	}
	free(of->attached);
}

struct cs_workspace *cs_workspace_create(const struct cs_workspace_options *options)
{
	struct cs_workspace *workspace = cs_alloc(sizeof(*workspace));
	workspace->times = cs_alloc(sizeof(*workspace->times));
	workspace->cluster = options->cluster;
	workspace->nodes = cs_cluster_nodes(options->cluster);
	workspace->random = options->random;
	workspace->clock = options->clock;
	workspace->no_cache = options->no_cache;
	workspace->scratch = cs_arena_create();
	workspace->attempt = cs_alloc(sizeof(*workspace->attempt));
	cs_buffer_init(&workspace->message, MESSAGE_MAX);
	workspace->n_profiles = options->config->n_profiles;
	workspace->profiles = cs_alloc_array(workspace->n_profiles, sizeof(*workspace->profiles));
	for (uint32_t i = 0; i < workspace->n_profiles; i++) {
		workspace->profiles[i].profile = options->config->profiles[i];
		workspace->profiles[i].scheduler_name =
			cs_intern_ref(cs_cluster_strings(workspace->cluster),
				      cs_slice_of(options->config->profiles[i]->scheduler_name));
		attach(workspace, &workspace->profiles[i]);
	}
	return workspace;
}

// The columns are another demand's from now on; NULL = nobody's.
static void give_vectors(struct cs_workspace *workspace, struct vectors *vectors,
			 struct cs_demand *demand)
{
	if (demand)
		cs_cluster_keep_demand(workspace->cluster, demand);
	if (vectors->demand)
		cs_cluster_release_demand(workspace->cluster, vectors->demand);
	vectors->demand = demand;
	vectors->filtered = false;
	vectors->scored = false;
}

void cs_workspace_destroy(struct cs_workspace *workspace)
{
	if (!workspace)
		return;
	for (uint32_t i = 0; i < workspace->n_profiles; i++) {
		struct of_profile *of = &workspace->profiles[i];
		for (uint32_t k = 0; k < KEPT_DEMANDS; k++) {
			give_vectors(workspace, &of->kept[k], NULL);
			vectors_finish(&of->kept[k]);
		}
		give_vectors(workspace, &of->at_first_sight, NULL);
		vectors_finish(&of->at_first_sight);
		detach(workspace, of);
		cs_intern_unref(cs_cluster_strings(workspace->cluster), of->scheduler_name);
	}
	free(workspace->profiles);
	vectors_finish(&workspace->fresh);
	view_finish(&workspace->view);
	name_order_finish(&workspace->names, workspace->cluster);
	free(workspace->one);
	free(workspace->raw);
	free(workspace->list);
	free(workspace->attempt);
	free(workspace->times);
	cs_buffer_finish(&workspace->message);
	cs_arena_destroy(workspace->scratch);
	free(workspace);
}

static void grow(struct cs_workspace *workspace)
{
	uint32_t n = workspace->nodes->capacity;
	if (workspace->capacity >= workspace->nodes->n_rows)
		return;
	workspace->list = cs_grow_column(workspace->list, 0, n, sizeof(*workspace->list));
	workspace->one = cs_grow_column(workspace->one, 0, n, sizeof(*workspace->one));
	workspace->raw = cs_grow_column(workspace->raw, 0, n, sizeof(*workspace->raw));
	workspace->capacity = n;
}

// ---- filtering ----

// The rows of both ascending lists.
static void intersect(struct cs_cycle *cycle, const uint32_t *others, uint32_t n)
{
	uint32_t *both = cs_arena_alloc_array(cycle->scratch, cycle->n_only + 1, sizeof(*both));
	uint32_t count = 0;
	for (uint32_t i = 0, k = 0; i < cycle->n_only && k < n;) {
		if (cycle->only[i] == others[k])
			both[count++] = others[k];
		bool ahead = cycle->only[i] > others[k];
		i += !ahead;
		k += ahead;
	}
	cycle->only = both;
	cycle->n_only = count;
}

// Takes over what one plugin narrowed to. False: no row is left that all of them allow.
static bool narrow(struct attempt *attempt, const struct cs_plugin_instance *instance,
		   const struct cs_cycle *before)
{
	struct cs_cycle *cycle = &attempt->cycle;
	if (!cycle->narrowed) {
		cycle->narrowed = before->narrowed;
		cycle->only = before->only;
		cycle->n_only = before->n_only;
		return true;
	}
	attempt->narrowers |= bit(instance);
	attempt->narrowed_by |= bit(instance);
	if (!before->narrowed)
		return true;
	bool none = cycle->n_only == 0 && before->n_only == 0;
	intersect(cycle, before->only, before->n_only);
	// Upstream intersects names: a plugin alone may well name nodes that do not exist.
	if (cycle->n_only > 0 || none)
		return true;
	attempt->words = cs_arena_printf(cycle->scratch,
					 "node(s) didn't satisfy plugin(s) %s simultaneously",
					 attempt_plugin_names(attempt, attempt->narrowed_by));
	attempt->verdict_for_all = CS_VERDICT_UNRESOLVABLE;
	attempt_fail_all_nodes(attempt, attempt->narrowed_by);
	return false;
}

static void reject_all(struct attempt *attempt, const struct cs_plugin_instance *instance,
		       enum cs_verdict verdict)
{
	attempt->words = attempt->cycle.message ? attempt->cycle.message : "";
	attempt->rejects_all = instance;
	attempt->verdict_for_all = verdict;
}

// One prepare_filter callback. False: the decision has ended.
static bool prepare_filter(struct attempt *attempt, struct cs_plugin_instance *instance)
{
	struct cs_cycle *cycle = &attempt->cycle;
	const struct cs_cycle before = *cycle;
	cycle->narrowed = false;
	cycle->message = NULL;
	instance->filter_version = 0;
	instance->evaluated[CS_EVALUATED_PRE_FILTER] += !attempt->explains;
	enum cs_prepare answer =
		ask_prepare(instance->plugin->prepare_filter, cycle, instance, TIMED_PRE_FILTER);
	switch (answer) {
	case CS_PREPARE_ERROR:
		attempt_fail_running(attempt, "PreFilter", instance);
		return false;
	case CS_PREPARE_UNRESOLVABLE:
		reject_all(attempt, instance, CS_VERDICT_UNRESOLVABLE);
		attempt_fail_all_nodes(attempt, bit(instance));
		return false;
	case CS_PREPARE_UNSCHEDULABLE:
		reject_all(attempt, instance, CS_VERDICT_UNSCHEDULABLE);
		break;
	case CS_PREPARE_SKIP:
		attempt->input.filters_off |= bit(instance);
		break;
	case CS_PREPARE_GO:
		break;
	}
	cycle->narrowed &= answer == CS_PREPARE_GO;
	return narrow(attempt, instance, &before);
}

static void count_evaluated(struct cs_plugin_instance *const *list, uint32_t n, uint64_t off,
			    enum cs_evaluated point)
{
	for (uint32_t i = 0; i < n; i++)
		list[i]->evaluated[point] += !(off & bit(list[i]));
}

// False: the decision has ended. After an unschedulable verdict the other plugins still prepare,
// since upstream lets them for preemption; an unresolvable one ends it.
static bool prepare_filters(struct attempt *attempt)
{
	for (uint32_t i = 0; i < attempt->profile->n_prepare_filter; i++)
		if (!prepare_filter(attempt, attempt->profile->prepare_filter[i]))
			return false;
	if (attempt->rejects_all)
		attempt_fail_all_nodes(attempt, bit(attempt->rejects_all) | attempt->narrowed_by);
	return !attempt->rejects_all;
}

static struct vectors *fresh_vectors(struct cs_workspace *workspace,
				     const struct cs_profile *profile)
{
	if (workspace->fresh_profile != profile)
		vectors_finish(&workspace->fresh);
	workspace->fresh_profile = profile;
	workspace->fresh.filtered = false;
	workspace->fresh.scored = false;
	return &workspace->fresh;
}

// Whether the demand was among the last that were given the vectors at first sight. Now it is.
static bool was_seen(struct of_profile *of, const struct cs_demand *demand)
{
	for (uint32_t i = 0; i < KEPT_DEMANDS; i++)
		if (of->sights[i].generation == demand->generation &&
		    of->sights[i].id == demand->id)
			return true;
	of->sights[of->n_sights++ % KEPT_DEMANDS] =
		(struct sight){ demand->id, demand->generation };
	return false;
}

// The vectors kept for a demand, or those that it gets.
static struct vectors *kept_vectors(struct cs_workspace *workspace, struct of_profile *of,
				    struct cs_demand *demand)
{
	struct vectors *oldest = &of->kept[0];
	for (uint32_t i = 0; i < KEPT_DEMANDS; i++) {
		struct vectors *vectors = &of->kept[i];
		if (vectors->demand == demand)
			return vectors;
		if (vectors->used < oldest->used)
			oldest = vectors;
	}
	if (of->at_first_sight.demand == demand)
		return &of->at_first_sight;
	struct vectors *given = was_seen(of, demand) ? oldest : &of->at_first_sight;
	give_vectors(workspace, given, demand);
	return given;
}

static void filter(struct attempt *attempt)
{
	struct cs_workspace *workspace = attempt->workspace;
	struct vectors *vectors;
	if (workspace->no_cache || attempt->cycle.narrowed)
		vectors = fresh_vectors(workspace, attempt->profile);
	else
		vectors = kept_vectors(workspace, attempt->of, attempt->cycle.pod->demand);
	vectors->used = workspace->decisions;
	attempt->vectors = vectors;
	attempt->view = &workspace->view;
	if (attempt->cycle.narrowed)
		vectors_filter_only(vectors, &attempt->input);
	else
		vectors_filter(vectors, &attempt->input);
	view_filter(attempt->view, vectors, &attempt->input);
}

// Who passed in the end.
static void take_passed(struct attempt *attempt)
{
	attempt->cycle.passed = attempt->view->by;
	attempt->cycle.feasible = attempt->view->feasible;
	attempt->cycle.n_feasible = attempt->view->n_feasible;
}

const uint32_t *cs_cycle_feasible(const struct cs_cycle *cycle)
{
	if (cycle->feasible[0] == CS_ROW_NONE)
		kernel_list(cycle->passed, cycle->nodes->n_rows, cycle->feasible);
	return cycle->feasible;
}

// ---- how long it takes ----

static bool is_timed(const struct attempt *attempt)
{
	return attempt->workspace->clock.now && !attempt->explains;
}

static void sample(struct attempt *attempt)
{
	struct cs_plugin_times *times = attempt->workspace->times;
	*times = (struct cs_plugin_times){ .clock = &attempt->workspace->clock };
	attempt->cycle.times = times;
	attempt->outcome->times = times;
}

static void start_watch(struct attempt *attempt)
{
	if (!is_timed(attempt))
		return;
	attempt->since = cs_clock_now(&attempt->workspace->clock).boot;
	if (times_sampled(attempt->workspace->decisions))
		sample(attempt);
}

// A part of the decision is over. Passes `good` on: false = the decision has ended.
static bool lap(struct attempt *attempt, enum cs_evaluated point, bool good)
{
	enum cs_point_status status = CS_POINT_SUCCESS;
	if (!is_timed(attempt))
		return good;
	if (!good && attempt->outcome->decision == CS_DECISION_ERROR)
		status = CS_POINT_ERROR;
	else if (!good)
		status = attempt->verdict_for_all == CS_VERDICT_UNRESOLVABLE
				 ? CS_POINT_UNRESOLVABLE
				 : CS_POINT_UNSCHEDULABLE;
	int64_t now = cs_clock_now(&attempt->workspace->clock).boot;
	attempt->outcome->points[point] =
		(struct cs_point){ .status = status, .took = now - attempt->since };
	attempt->since = now;
	return good;
}

// ---- scoring ----

// False: the decision has ended.
static bool prepare_score(struct attempt *attempt, struct cs_plugin_instance *instance)
{
	struct cs_cycle *cycle = &attempt->cycle;
	cycle->message = NULL;
	instance->score_version = 0;
	instance->scores_nothing = false;
	instance->evaluated[CS_EVALUATED_PRE_SCORE] += !attempt->explains;
	enum cs_prepare answer =
		ask_prepare(instance->plugin->prepare_score, cycle, instance, TIMED_PRE_SCORE);
	if (answer == CS_PREPARE_SKIP)
		attempt->input.scores_off |= bit(instance);
	else if (answer != CS_PREPARE_GO)
		attempt_fail_running(attempt, "PreScore", instance);
	return answer == CS_PREPARE_SKIP || answer == CS_PREPARE_GO;
}

// Those at PreScore first, whether they score or not, since each may fail; then who scores and has
// no such point upstream.
static bool prepare_scores(struct attempt *attempt)
{
	const struct cs_profile *profile = attempt->profile;
	uint64_t prepared = 0;
	for (uint32_t i = 0; i < profile->n_prepare_score; i++) {
		if (!prepare_score(attempt, profile->prepare_score[i]))
			return false;
		prepared |= bit(profile->prepare_score[i]);
	}
	for (uint32_t i = 0; i < profile->n_score; i++) {
		struct cs_plugin_instance *instance = profile->score[i];
		if (instance->plugin->prepare_score && !(prepared & bit(instance)) &&
		    !prepare_score(attempt, instance))
			return false;
	}
	if (!attempt->explains)
		count_evaluated(profile->score, profile->n_score, attempt->input.scores_off,
				CS_EVALUATED_SCORE);
	return true;
}

// Of the rows with that total one at random, or the one with the lowest name.
static uint32_t pick(struct cs_workspace *workspace, double value, uint32_t n)
{
	const struct view *view = &workspace->view;
	if (workspace->random)
		return view_nth(view, value, (uint32_t)cs_random_below(workspace->random, n));
	if (n > 1)
		name_order_renew(&workspace->names, workspace->cluster);
	if (n == 1 || workspace->names.ascending)
		return view_nth(view, value, 0);
	return workspace->names.rows[view_lowest(view, value, workspace->names.rank)];
}

static void find_runner_up(const struct attempt *attempt, double second)
{
	const struct view *view = attempt->view;
	struct cs_outcome *outcome = attempt->outcome;
	outcome->runner_up = view_nth(view, second, 0);
	if (outcome->runner_up == outcome->row)
		outcome->runner_up = view_nth(view, second, 1);
	outcome->runner_up_score = (int64_t)(second + view->offset);
}

void attempt_runner_up(const struct attempt *attempt)
{
	find_runner_up(attempt, view_best(attempt->view, attempt->outcome->row));
}

static void choose(struct attempt *attempt)
{
	const struct view *view = attempt->view;
	struct cs_outcome *outcome = attempt->outcome;
	double best = view_best(view, CS_ROW_NONE);
	uint32_t ties = view_count(view, best);
	outcome->row = pick(attempt->workspace, best, ties);
	outcome->score = (int64_t)(best + view->offset);
	find_runner_up(attempt, ties > 1 ? best : view_best(view, outcome->row));
}

static bool add_scores(struct attempt *attempt)
{
	struct cs_error err;
	if (view_score(attempt->view, &attempt->input, &err) == 0)
		return true;
	cs_buffer_append_string(&attempt->workspace->message, err.text);
	attempt_fail(attempt, CS_DECISION_ERROR, 0);
	return false;
}

static void score(struct attempt *attempt)
{
	attempt->scored = lap(attempt, CS_EVALUATED_PRE_SCORE, prepare_scores(attempt)) &&
			  lap(attempt, CS_EVALUATED_SCORE, add_scores(attempt));
}

// ---- the decision ----

// What this workspace has of a profile, whose instances then have what is attached here.
static struct of_profile *open_profile(struct cs_workspace *workspace,
				       const struct cs_profile *profile)
{
	struct of_profile *of = workspace->profiles;
	while (of->profile != profile)
		of++;
	for (uint32_t i = 0; i < profile->n_instances; i++)
		profile->instances[i].attached = of->attached[i];
	return of;
}

static void begin(struct attempt *attempt, const struct cs_pod *pod)
{
	struct cs_workspace *workspace = attempt->workspace;
	cs_arena_reset(workspace->scratch);
	cs_buffer_clear(&workspace->message);
	grow(workspace);
	workspace->decisions++;
	attempt->of = open_profile(workspace, attempt->profile);
	for (uint32_t i = 0; i < attempt->profile->n_instances; i++)
		attempt->profile->instances[i].score_state = NULL;
	attempt->cycle = (struct cs_cycle){
		.cluster = workspace->cluster,
		.nodes = workspace->nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = workspace->scratch,
	};
	attempt->input = (struct vectors_input){
		.cycle = &attempt->cycle,
		.profile = attempt->profile,
		.local = attempt->of->local,
		.one = workspace->one,
		.raw = workspace->raw,
		.list = workspace->list,
	};
	*attempt->outcome = (struct cs_outcome){
		.row = CS_ROW_NONE,
		.runner_up = CS_ROW_NONE,
		.n_nodes = workspace->nodes->n_live,
	};
}

void attempt_decide(struct attempt *attempt, const struct cs_pod *pod)
{
	struct cs_outcome *outcome = attempt->outcome;
	begin(attempt, pod);
	start_watch(attempt);
	if (outcome->n_nodes == 0) {
		cs_buffer_append_string(&attempt->workspace->message,
					"no nodes available to schedule pods");
		attempt_fail(attempt, CS_DECISION_UNSCHEDULABLE, 0);
		return;
	}
	if (!lap(attempt, CS_EVALUATED_PRE_FILTER, prepare_filters(attempt)))
		return;
	if (!attempt->explains)
		count_evaluated(attempt->profile->filter, attempt->profile->n_filter,
				attempt->input.filters_off, CS_EVALUATED_FILTER);
	attempt_collect_nominations(attempt);
	if (attempt_try_nominated(attempt)) {
		lap(attempt, CS_EVALUATED_FILTER, true);
		return;
	}
	filter(attempt);
	if (!lap(attempt, CS_EVALUATED_FILTER, attempt_overlay_nominated(attempt)))
		return;
	take_passed(attempt);
	outcome->n_feasible = attempt->view->n_feasible;
	outcome->decision = CS_DECISION_SCHEDULED;
	if (outcome->n_feasible == 0)
		attempt_fail_no_fit(attempt);
	else if (outcome->n_feasible == 1)
		outcome->row = cs_cycle_feasible(&attempt->cycle)[0];
	else
		score(attempt);
	if (attempt->scored)
		choose(attempt);
}

void attempt_judge(struct attempt *attempt, const struct cs_judge_question *question)
{
	attempt->explains = true;
	begin(attempt, question->pod);
	uint32_t n_rows = attempt->workspace->nodes->n_rows;
	uint8_t *asked = cs_arena_alloc(attempt->workspace->scratch, n_rows + 1);
	attempt->outcome->n_nodes = 0;
	for (uint32_t i = 0; i < question->n; i++) {
		if (question->rows[i] == CS_ROW_NONE)
			continue;
		attempt->outcome->n_nodes += !asked[question->rows[i]];
		asked[question->rows[i]] = 1;
	}
	if (!prepare_filters(attempt) || n_rows == 0)
		return;
	filter(attempt);
	view_restrict(attempt->view, asked);
	take_passed(attempt);
	if (question->scores && attempt->view->n_feasible > 0)
		score(attempt);
}

const struct cs_plugin_instance *attempt_ask_filters(const struct attempt *attempt, uint32_t row,
						     uint64_t off, enum cs_verdict *ret)
{
	const struct cs_profile *profile = attempt->profile;
	uint8_t *verdict = attempt->input.one;
	for (uint32_t i = 0; i < profile->n_filter; i++) {
		const struct cs_plugin_instance *instance = profile->filter[i];
		if (off & bit(instance))
			continue;
		ask_filter(&attempt->cycle, instance, (struct cs_rows){ row, row + 1 }, verdict);
		*ret = (enum cs_verdict)verdict[row];
		if (*ret != CS_VERDICT_FITS)
			return instance;
	}
	*ret = CS_VERDICT_FITS;
	return NULL;
}

static bool is_left_out(const struct cs_cycle *cycle, uint32_t row)
{
	for (uint32_t i = 0; i < cycle->n_only; i++)
		if (cycle->only[i] == row)
			return false;
	return cycle->narrowed;
}

enum cs_verdict attempt_ask_row(struct attempt *attempt, const struct cs_pod *pod, uint32_t row)
{
	enum cs_verdict verdict;
	attempt->explains = true;
	begin(attempt, pod);
	if (!prepare_filters(attempt))
		return attempt->words ? attempt->verdict_for_all : CS_VERDICT_UNSCHEDULABLE;
	if (is_left_out(&attempt->cycle, row))
		return CS_VERDICT_UNRESOLVABLE;
	attempt_ask_filters(attempt, row, attempt->input.filters_off, &verdict);
	return verdict;
}

void cs_cycle_decide(struct cs_workspace *workspace, const struct cs_profile *profile,
		     const struct cs_pod *pod, struct cs_outcome *ret)
{
	*workspace->attempt = (struct attempt){ .workspace = workspace, .profile = profile };
	workspace->attempt->outcome = ret;
	attempt_decide(workspace->attempt, pod);
}

void cs_cycle_reserve(struct cs_workspace *workspace, const struct cs_profile *profile,
		      const struct cs_pod *pod, uint32_t row)
{
	if (profile->n_reserve == 0)
		return;
	open_profile(workspace, profile);
	for (uint32_t i = 0; i < profile->n_reserve; i++)
		profile->reserve[i]->plugin->reserve(workspace->cluster, profile->reserve[i], pod,
						     row);
}
