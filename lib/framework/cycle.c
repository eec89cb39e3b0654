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

#include "kernel.h"
#include "vectors.h"

#define KEPT_DEMANDS 32 // per profile
#define MESSAGE_MAX  (64 * 1024)

struct of_profile {
	const struct cs_profile *profile;
	void **attached; // as profile->instances
	struct vectors kept[KEPT_DEMANDS];
};

struct cs_workspace {
	struct cs_cluster *cluster;
	const struct cs_node_table *nodes;
	struct cs_random *random;
	struct cs_arena *scratch; // of one decision
	struct cs_buffer message; // of the last decision
	uint64_t decisions;
	uint32_t n_profiles;
	struct of_profile *profiles;
	bool no_cache;        // nothing is kept
	struct vectors fresh; // for what cannot be kept
	const struct cs_profile *fresh_profile;
	uint32_t capacity; // of one and out
	uint8_t *one;
	int64_t *out;
};

// One decision in the making.
struct attempt {
	struct cs_workspace *workspace;
	const struct cs_profile *profile;
	struct of_profile *of;
	struct cs_cycle cycle;
	struct vectors_input input;
	struct vectors *vectors;
	uint64_t narrowed_by; // instances that narrowed the rows
	struct cs_outcome *outcome;
};

// What the arguments of a profile's plugins need of this cluster.
static void attach(struct cs_workspace *workspace, struct of_profile *of)
{
	of->attached = cs_alloc_array(of->profile->n_instances, sizeof(*of->attached));
	for (uint32_t i = 0; i < of->profile->n_instances; i++) {
		const struct cs_plugin_instance *instance = &of->profile->instances[i];
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
	workspace->cluster = options->cluster;
	workspace->nodes = cs_cluster_nodes(options->cluster);
	workspace->random = options->random;
	workspace->no_cache = options->no_cache;
	workspace->scratch = cs_arena_create();
	cs_buffer_init(&workspace->message, MESSAGE_MAX);
	workspace->n_profiles = options->config->n_profiles;
	workspace->profiles = cs_alloc_array(workspace->n_profiles, sizeof(*workspace->profiles));
	for (uint32_t i = 0; i < workspace->n_profiles; i++) {
		workspace->profiles[i].profile = options->config->profiles[i];
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
		detach(workspace, of);
	}
	free(workspace->profiles);
	vectors_finish(&workspace->fresh);
	free(workspace->one);
	free(workspace->out);
	cs_buffer_finish(&workspace->message);
	cs_arena_destroy(workspace->scratch);
	free(workspace);
}

static void grow(struct cs_workspace *workspace)
{
	uint32_t n = workspace->nodes->capacity;
	if (workspace->capacity >= workspace->nodes->n_rows)
		return;
	free(workspace->one);
	free(workspace->out);
	workspace->one = cs_alloc_array(n, sizeof(*workspace->one));
	workspace->out = cs_alloc_array(n, sizeof(*workspace->out));
	workspace->capacity = n;
}

static uint64_t bit(const struct cs_plugin_instance *instance)
{
	return UINT64_C(1) << instance->index;
}

// ---- how a decision ends without a node ----

static void fail(struct attempt *attempt, enum cs_decision decision, uint64_t rejected_by)
{
	attempt->outcome->decision = decision;
	attempt->outcome->rejected_by = rejected_by;
	attempt->outcome->message = attempt->workspace->message.data;
}

static void fail_running(struct attempt *attempt, const char *point,
			 const struct cs_plugin_instance *instance)
{
	cs_buffer_printf(&attempt->workspace->message, "running %s plugin \"%s\": %s", point,
			 instance->plugin->name,
			 attempt->cycle.message ? attempt->cycle.message : "no words");
	fail(attempt, CS_DECISION_ERROR, 0);
}

static void begin_fit_error(struct attempt *attempt)
{
	cs_buffer_printf(&attempt->workspace->message,
			 "0/%" PRIu32 " nodes are available:", attempt->outcome->n_nodes);
}

// A rejection that concerns all nodes: its words without a count (parity fact 2).
static void fail_all_nodes(struct attempt *attempt, const char *message, uint64_t rejected_by)
{
	begin_fit_error(attempt);
	if (message && *message)
		cs_buffer_printf(&attempt->workspace->message, " %s.", message);
	fail(attempt, CS_DECISION_UNSCHEDULABLE, rejected_by);
}

// ---- the words of a fit error ----

// Reasons and how many nodes gave them, in the order of their first appearance.
struct reasons {
	struct cs_arena *scratch;
	uint32_t count;
	uint32_t capacity;
	struct reason {
		const char *words;
		uint32_t nodes;
	} * list;
};

static void count_reason(struct reasons *reasons, const char *words, uint32_t nodes)
{
	for (uint32_t i = 0; i < reasons->count; i++) {
		if (strcmp(reasons->list[i].words, words) == 0) {
			reasons->list[i].nodes += nodes;
			return;
		}
	}
	if (reasons->count == reasons->capacity) {
		uint32_t capacity = reasons->capacity ? 2 * reasons->capacity : 16;
		struct reason *list =
			cs_arena_alloc_array(reasons->scratch, capacity, sizeof(*list));
		if (reasons->count)
			memcpy(list, reasons->list, reasons->count * sizeof(*list));
		reasons->list = list;
		reasons->capacity = capacity;
	}
	reasons->list[reasons->count++] = (struct reason){
		.words = cs_arena_strdup(reasons->scratch, words),
		.nodes = nodes,
	};
}

static void say(void *user, const char *words)
{
	count_reason(user, words, 1);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// " 10 a, 2 b.": sorted as strings, counts included.
static void append_reasons(struct attempt *attempt, const struct reasons *reasons)
{
	struct cs_buffer *message = &attempt->workspace->message;
	const char **lines =
		cs_arena_alloc_array(reasons->scratch, reasons->count + 1, sizeof(*lines));
	for (uint32_t i = 0; i < reasons->count; i++)
		lines[i] = cs_arena_printf(reasons->scratch, "%" PRIu32 " %s",
					   reasons->list[i].nodes, reasons->list[i].words);
	qsort(lines, reasons->count, sizeof(*lines), compare_strings);
	for (uint32_t i = 0; i < reasons->count; i++)
		cs_buffer_printf(message, "%s%s", i ? ", " : " ", lines[i]);
	if (reasons->count)
		cs_buffer_append_char(message, '.');
}

// "[A B]": the plugins of a mask, sorted.
static const char *plugin_names(struct attempt *attempt, uint64_t mask)
{
	struct cs_arena *scratch = attempt->workspace->scratch;
	const char *names[CS_PLUGINS_MAX];
	size_t count = 0;
	for (uint32_t i = 0; i < attempt->profile->n_instances; i++)
		if (mask >> i & 1)
			names[count++] = attempt->profile->instances[i].plugin->name;
	qsort(names, count, sizeof(*names), compare_strings);
	const char *list = "";
	for (size_t i = 0; i < count; i++)
		list = cs_arena_printf(scratch, "%s%s%s", list, i ? " " : "", names[i]);
	return cs_arena_printf(scratch, "[%s]", list);
}

static void give_reasons(struct attempt *attempt, uint32_t row, struct reasons *reasons)
{
	const struct cs_plugin_instance *instance =
		attempt->profile->filter[attempt->vectors->by[row]];
	if (instance->plugin->reasons)
		instance->plugin->reasons(&attempt->cycle, instance, row, say, reasons);
	else
		count_reason(reasons,
			     cs_arena_printf(reasons->scratch, "node(s) didn't satisfy plugin %s",
					     instance->plugin->name),
			     1);
}

// Asks every rejected row for its reasons; returns who rejected some.
static uint64_t append_fit_error(struct attempt *attempt)
{
	const struct vectors *vectors = attempt->vectors;
	struct reasons reasons = { .scratch = attempt->workspace->scratch };
	uint64_t rejected_by = attempt->narrowed_by;
	uint32_t looked_at = 0;
	for (uint32_t row = 0; row < vectors->n_rows; row++) {
		if (vectors->by[row] >= BY_NOT_NOW)
			continue;
		looked_at++;
		rejected_by |= bit(attempt->profile->filter[vectors->by[row]]);
		give_reasons(attempt, row, &reasons);
	}
	if (looked_at < attempt->outcome->n_nodes)
		count_reason(&reasons,
			     cs_arena_printf(reasons.scratch, "node(s) didn't satisfy plugin(s) %s",
					     plugin_names(attempt, attempt->narrowed_by)),
			     attempt->outcome->n_nodes - looked_at);
	begin_fit_error(attempt);
	append_reasons(attempt, &reasons);
	return rejected_by;
}

// The next replica that does not fit gets the same words, unless some row changed.
static void fail_no_fit(struct attempt *attempt)
{
	struct vectors *vectors = attempt->vectors;
	struct cs_buffer *message = &attempt->workspace->message;
	if (!vectors->demand) {
		fail(attempt, CS_DECISION_UNSCHEDULABLE, append_fit_error(attempt));
		return;
	}
	if (!vectors->words || vectors->words_log != vectors->filter_log) {
		vectors->words_rejected_by = append_fit_error(attempt);
		vectors->words_log = vectors->filter_log;
		free(vectors->words);
		vectors->words = cs_strdup(message->data);
	} else {
		cs_buffer_append_string(message, vectors->words);
	}
	fail(attempt, CS_DECISION_UNSCHEDULABLE, vectors->words_rejected_by);
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
	attempt->narrowed_by |= bit(instance);
	if (!before->narrowed)
		return true;
	bool none = cycle->n_only == 0 && before->n_only == 0;
	intersect(cycle, before->only, before->n_only);
	// Upstream intersects names: a plugin alone may well name nodes that do not exist.
	if (cycle->n_only > 0 || none)
		return true;
	const char *words = cs_arena_printf(cycle->scratch,
					    "node(s) didn't satisfy plugin(s) %s simultaneously",
					    plugin_names(attempt, attempt->narrowed_by));
	fail_all_nodes(attempt, words, attempt->narrowed_by);
	return false;
}

// All prepare_filter callbacks. False: the decision has ended. After an unschedulable verdict the
// others still run, since upstream lets them prepare for preemption; an unresolvable one ends it.
static bool prepare_filters(struct attempt *attempt)
{
	struct cs_cycle *cycle = &attempt->cycle;
	const char *message = NULL;
	uint64_t rejected_by = 0;
	for (uint32_t i = 0; i < attempt->profile->n_prepare_filter; i++) {
		struct cs_plugin_instance *instance = attempt->profile->prepare_filter[i];
		const struct cs_cycle before = *cycle;
		cycle->narrowed = false;
		cycle->message = NULL;
		instance->filter_version = 0;
		enum cs_prepare answer = instance->plugin->prepare_filter(cycle, instance);
		if (answer == CS_PREPARE_ERROR) {
			fail_running(attempt, "PreFilter", instance);
			return false;
		}
		if (answer == CS_PREPARE_UNRESOLVABLE) {
			fail_all_nodes(attempt, cycle->message, bit(instance));
			return false;
		}
		if (answer == CS_PREPARE_UNSCHEDULABLE) {
			message = cycle->message ? cycle->message : "";
			rejected_by = bit(instance);
		}
		if (answer == CS_PREPARE_SKIP)
			attempt->input.filters_off |= bit(instance);
		cycle->narrowed &= answer == CS_PREPARE_GO;
		if (!narrow(attempt, instance, &before))
			return false;
	}
	if (message)
		fail_all_nodes(attempt, message, rejected_by | attempt->narrowed_by);
	return !message;
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

// The vectors kept for a demand, or those of the demand that was not asked for the longest.
static struct vectors *kept_vectors(struct cs_workspace *workspace, struct of_profile *of,
				    struct cs_demand *demand)
{
	struct vectors *found = &of->kept[0];
	for (uint32_t i = 0; i < KEPT_DEMANDS && found->demand != demand; i++) {
		struct vectors *vectors = &of->kept[i];
		if (vectors->demand == demand || vectors->used < found->used)
			found = vectors;
	}
	if (found->demand != demand)
		give_vectors(workspace, found, demand);
	found->used = workspace->decisions;
	return found;
}

static bool all_row_local(struct cs_plugin_instance *const *list, uint32_t n, uint64_t off)
{
	for (uint32_t i = 0; i < n; i++)
		if (!list[i]->plugin->row_local && !(off & bit(list[i])))
			return false;
	return true;
}

static void filter(struct attempt *attempt)
{
	struct cs_workspace *workspace = attempt->workspace;
	const struct cs_profile *profile = attempt->profile;
	bool keep = !workspace->no_cache && !attempt->cycle.narrowed &&
		    all_row_local(profile->filter, profile->n_filter, attempt->input.filters_off);
	attempt->vectors = keep ? kept_vectors(workspace, attempt->of, attempt->cycle.pod->demand)
				: fresh_vectors(workspace, profile);
	if (attempt->cycle.narrowed)
		vectors_filter_only(attempt->vectors, &attempt->input);
	else
		vectors_filter(attempt->vectors, &attempt->input);
}

// ---- scoring ----

static bool prepare_scores(struct attempt *attempt)
{
	struct cs_cycle *cycle = &attempt->cycle;
	cycle->feasible = attempt->vectors->feasible;
	cycle->n_feasible = attempt->vectors->n_feasible;
	for (uint32_t i = 0; i < attempt->profile->n_score; i++) {
		struct cs_plugin_instance *instance = attempt->profile->score[i];
		if (!instance->plugin->prepare_score)
			continue;
		cycle->message = NULL;
		instance->score_version = 0;
		enum cs_prepare answer = instance->plugin->prepare_score(cycle, instance);
		if (answer == CS_PREPARE_SKIP) {
			attempt->input.scores_off |= bit(instance);
		} else if (answer != CS_PREPARE_GO) {
			fail_running(attempt, "PreScore", instance);
			return false;
		}
	}
	return true;
}

static uint32_t lowest_name_of_equals(const struct cs_workspace *workspace,
				      const struct vectors *vectors, double value)
{
	uint32_t best = vectors_nth(vectors, value, 0);
	for (uint32_t row = best + 1; row < vectors->n_rows; row++)
		if (vectors->total[row] == value &&
		    strcmp(cs_cluster_node_name(workspace->cluster, row),
			   cs_cluster_node_name(workspace->cluster, best)) < 0)
			best = row;
	return best;
}

static void choose(struct attempt *attempt)
{
	struct cs_workspace *workspace = attempt->workspace;
	const struct vectors *vectors = attempt->vectors;
	struct cs_outcome *outcome = attempt->outcome;
	double best = vectors_best(vectors, CS_ROW_NONE);
	uint32_t ties = vectors_count(vectors, best);
	if (workspace->random)
		outcome->row = vectors_nth(vectors, best,
					   (uint32_t)cs_random_below(workspace->random, ties));
	else
		outcome->row = lowest_name_of_equals(workspace, vectors, best);
	outcome->score = (int64_t)best;
	double second = ties > 1 ? best : vectors_best(vectors, outcome->row);
	outcome->runner_up = vectors_nth(vectors, second, 0);
	if (outcome->runner_up == outcome->row)
		outcome->runner_up = vectors_nth(vectors, second, 1);
	outcome->runner_up_score = (int64_t)second;
}

static void score(struct attempt *attempt)
{
	const struct cs_profile *profile = attempt->profile;
	if (!prepare_scores(attempt))
		return;
	// What depends on more than the row is scored afresh, and not found again by the next pod.
	bool keep = all_row_local(profile->score, profile->n_score, attempt->input.scores_off);
	attempt->vectors->scored &= keep;
	struct cs_error err;
	if (vectors_score(attempt->vectors, &attempt->input, &err)) {
		cs_buffer_append_string(&attempt->workspace->message, err.text);
		fail(attempt, CS_DECISION_ERROR, 0);
		return;
	}
	choose(attempt);
	attempt->vectors->scored &= keep;
}

// ---- the decision ----

static void begin(struct attempt *attempt, const struct cs_pod *pod)
{
	struct cs_workspace *workspace = attempt->workspace;
	cs_arena_reset(workspace->scratch);
	cs_buffer_clear(&workspace->message);
	grow(workspace);
	workspace->decisions++;
	attempt->of = workspace->profiles;
	while (attempt->of->profile != attempt->profile)
		attempt->of++;
	for (uint32_t i = 0; i < attempt->profile->n_instances; i++)
		attempt->profile->instances[i].attached = attempt->of->attached[i];
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
		.one = workspace->one,
		.out = workspace->out,
	};
	*attempt->outcome = (struct cs_outcome){
		.row = CS_ROW_NONE,
		.runner_up = CS_ROW_NONE,
		.n_nodes = workspace->nodes->n_live,
	};
}

void cs_cycle_decide(struct cs_workspace *workspace, const struct cs_profile *profile,
		     const struct cs_pod *pod, struct cs_outcome *ret)
{
	struct attempt attempt = { .workspace = workspace, .profile = profile, .outcome = ret };
	begin(&attempt, pod);
	if (ret->n_nodes == 0) {
		cs_buffer_append_string(&workspace->message, "no nodes available to schedule pods");
		fail(&attempt, CS_DECISION_UNSCHEDULABLE, 0);
		ret->cures = CS_EVENT_NODE_ADD;
		return;
	}
	if (!prepare_filters(&attempt))
		return;
	filter(&attempt);
	ret->n_feasible = attempt.vectors->n_feasible;
	ret->decision = CS_DECISION_SCHEDULED;
	if (ret->n_feasible == 0)
		fail_no_fit(&attempt);
	else if (ret->n_feasible == 1)
		ret->row = attempt.vectors->feasible[0];
	else
		score(&attempt);
}
