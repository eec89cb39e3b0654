// What a decision says of every row: rejections with their reasons, scores plugin by plugin.
// Neighbours: cycle.c decides first, with the same columns; words.c has the reasons.
#include <string.h>

#include <csched/base/memory.h>

#include "attempt.h"
#include "kernel.h"

struct explanation {
	struct attempt *attempt;
	struct cs_judge judge;
	// Of the row that is told of.
	struct cs_judgement judgement;
	const char **reasons;
	uint32_t capacity;
	// As profile->score; `columns` NULL: nothing was scored.
	uint8_t **columns;
	bool skipped[CS_PLUGINS_MAX];
	int64_t scores[CS_PLUGINS_MAX];
	const char *formulas[CS_PLUGINS_MAX];
};

static struct cs_arena *scratch_of(const struct explanation *explanation)
{
	return explanation->attempt->workspace->scratch;
}

static void collect(void *user, const char *reason)
{
	struct explanation *explanation = user;
	struct cs_judgement *judgement = &explanation->judgement;
	if (judgement->n_reasons == explanation->capacity) {
		explanation->capacity = explanation->capacity ? 2 * explanation->capacity : 16;
		const char **more = cs_arena_alloc_array(scratch_of(explanation),
							 explanation->capacity, sizeof(*more));
		if (judgement->n_reasons)
			memcpy(more, explanation->reasons, judgement->n_reasons * sizeof(*more));
		explanation->reasons = more;
	}
	explanation->reasons[judgement->n_reasons++] =
		cs_arena_strdup(scratch_of(explanation), reason);
}

static void tell(struct explanation *explanation)
{
	explanation->judgement.reasons = explanation->reasons;
	explanation->judge.tell(explanation->judge.user, &explanation->judgement);
}

static void begin(struct explanation *explanation, uint32_t row, enum cs_verdict verdict)
{
	explanation->judgement = (struct cs_judgement){ .row = row, .verdict = verdict };
}

// A PreFilter rejected all nodes.
static void tell_rejected_by_all(struct explanation *explanation)
{
	const struct attempt *attempt = explanation->attempt;
	const struct cs_node_table *nodes = attempt->workspace->nodes;
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		if (!nodes->live[row])
			continue;
		begin(explanation, row, attempt->verdict_for_all);
		if (attempt->rejects_all)
			explanation->judgement.by = attempt->rejects_all->plugin;
		if (*attempt->words)
			collect(explanation, attempt->words);
		tell(explanation);
	}
}

// The feasible rows' scores by one that normalises.
static void normalise(const struct attempt *attempt, const struct cs_plugin_instance *instance,
		      uint8_t *scores)
{
	const struct cs_rows all = { 0, attempt->workspace->nodes->n_rows };
	const uint32_t *feasible = cs_cycle_feasible(&attempt->cycle);
	int64_t *raw = attempt->input.raw;
	instance->plugin->raw_score(&attempt->cycle, instance, all, raw);
	instance->plugin->normalise(&attempt->cycle, instance, feasible, attempt->cycle.n_feasible,
				    raw);
	kernel_narrow(raw, all.end, scores);
}

// Each plugin's column as the totals were made of it.
static void score_again(struct explanation *explanation)
{
	struct attempt *attempt = explanation->attempt;
	const struct cs_profile *profile = attempt->profile;
	struct cs_rows all = { 0, attempt->workspace->nodes->n_rows };
	explanation->columns = cs_arena_alloc_array(scratch_of(explanation), profile->n_score,
						    sizeof(*explanation->columns));
	for (uint32_t i = 0; i < profile->n_score; i++) {
		const struct cs_plugin_instance *instance = profile->score[i];
		explanation->skipped[i] = attempt->input.scores_off & bit(instance);
		if (explanation->skipped[i])
			continue;
		uint8_t *scores = cs_arena_alloc(scratch_of(explanation), all.end);
		if (instance->plugin->normalise)
			normalise(attempt, instance, scores);
		else
			instance->plugin->score(&attempt->cycle, instance, all, scores);
		explanation->columns[i] = scores;
	}
}

// ---- numbers ----

#define NUMBERS_MAX (16 * 1024) // bytes of one plugin's words: plugin.h says so

static bool is_asked(const struct explanation *explanation, uint32_t row)
{
	return explanation->judge.row && *explanation->judge.row == row;
}

static const char *numbers_of(const struct explanation *explanation, cs_explain_f explain,
			      const struct cs_plugin_instance *instance)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, NUMBERS_MAX);
	if (!explain)
		return NULL;
	explain(&explanation->attempt->cycle, instance, explanation->judgement.row, &out);
	if (out.overflow)
		return cs_arena_printf(scratch_of(explanation), "%s ... (cut)", out.data);
	return out.size ? cs_arena_strdup(scratch_of(explanation), out.data) : NULL;
}

// What those say of a row that is none of the rows they narrowed to.
static const char *numbers_of_narrowers(const struct explanation *explanation)
{
	const struct attempt *attempt = explanation->attempt;
	const struct cs_profile *profile = attempt->profile;
	const char *words = NULL;
	for (uint32_t i = 0; i < profile->n_instances && !words; i++)
		if (attempt->narrowers >> i & 1)
			words = numbers_of(explanation,
					   profile->instances[i].plugin->explain_filter,
					   &profile->instances[i]);
	return words;
}

// Who was counted on an overlaid row: its question was another one than the filters' own. NULL:
// nobody was.
static const char *nominated_on(const struct explanation *explanation, uint32_t row)
{
	const struct attempt *attempt = explanation->attempt;
	const char *words = "";
	for (uint32_t i = 0; i < attempt->n_supposals; i++) {
		const struct supposal *supposal = &attempt->supposals[i];
		for (uint32_t k = 0; supposal->row == row && k < supposal->n; k++)
			words = cs_arena_printf(scratch_of(explanation), "%s%s %s/%s", words,
						k ? "," : "", supposal->pods[k]->namespace,
						supposal->pods[k]->name);
	}
	return *words ? cs_arena_printf(scratch_of(explanation),
					"counted as there, since nominated:%s", words)
		      : NULL;
}

static void put_formulas(struct explanation *explanation)
{
	const struct cs_profile *profile = explanation->attempt->profile;
	for (uint32_t i = 0; i < profile->n_score; i++)
		explanation->formulas[i] =
			explanation->skipped[i]
				? NULL
				: numbers_of(explanation, profile->score[i]->plugin->explain_score,
					     profile->score[i]);
	explanation->judgement.formulas = explanation->formulas;
}

// ---- row by row ----

static void tell_feasible(struct explanation *explanation, uint32_t row)
{
	const struct cs_profile *profile = explanation->attempt->profile;
	begin(explanation, row, CS_VERDICT_FITS);
	for (uint32_t i = 0; explanation->columns && i < profile->n_score; i++) {
		int64_t score = explanation->skipped[i] ? 0 : explanation->columns[i][row];
		explanation->scores[i] = score;
		explanation->judgement.total += score * profile->score[i]->weight;
	}
	if (explanation->columns) {
		explanation->judgement.scores = explanation->scores;
		explanation->judgement.skipped = explanation->skipped;
		if (is_asked(explanation, row))
			put_formulas(explanation);
	}
	tell(explanation);
}

static void tell_rejected(struct explanation *explanation, uint32_t row)
{
	struct attempt *attempt = explanation->attempt;
	const struct cs_plugin_instance *by = attempt_rejecter(attempt, row);
	begin(explanation, row, attempt->view->verdict[row]);
	explanation->judgement.by = by->plugin;
	attempt_reasons(attempt, row, collect, explanation);
	if (is_asked(explanation, row))
		explanation->judgement.numbers =
			attempt->view->by[row] == BY_OVERLAID
				? nominated_on(explanation, row)
				: numbers_of(explanation, by->plugin->explain_filter, by);
	tell(explanation);
}

static void tell_outside(struct explanation *explanation, uint32_t row, const char *words)
{
	begin(explanation, row, CS_VERDICT_UNRESOLVABLE);
	collect(explanation, words);
	if (is_asked(explanation, row))
		explanation->judgement.numbers = numbers_of_narrowers(explanation);
	tell(explanation);
}

static void tell_of_rows(struct explanation *explanation)
{
	struct attempt *attempt = explanation->attempt;
	const struct cs_node_table *nodes = attempt->workspace->nodes;
	const char *outside =
		cs_arena_printf(scratch_of(explanation), "node(s) didn't satisfy plugin(s) %s",
				attempt_plugin_names(attempt, attempt->narrowed_by));
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		uint8_t by = attempt->view->by[row];
		if (by == BY_NOBODY)
			tell_feasible(explanation, row);
		else if (by != BY_NOT_NOW)
			tell_rejected(explanation, row);
		else if (nodes->live[row])
			tell_outside(explanation, row, outside);
	}
}

void cs_cycle_explain(struct cs_workspace *workspace, const struct cs_profile *profile,
		      const struct cs_pod *pod, struct cs_outcome *ret, struct cs_judge judge)
{
	struct attempt attempt = {
		.workspace = workspace, .profile = profile, .outcome = ret, .explains = true
	};
	struct explanation explanation = { .attempt = &attempt, .judge = judge };
	attempt_decide(&attempt, pod);
	if (ret->decision == CS_DECISION_ERROR)
		return;
	if (attempt.words) {
		tell_rejected_by_all(&explanation);
	} else if (ret->decision == CS_DECISION_SCHEDULED && !attempt.vectors) {
		tell_feasible(&explanation, ret->row); // the nominated node
	} else if (attempt.vectors) {
		if (ret->n_feasible > 1)
			score_again(&explanation);
		tell_of_rows(&explanation);
	}
}
