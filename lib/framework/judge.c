// Verdicts and totals of given rows. Neighbours: cycle.c runs the plugins (attempt_judge),
// words.c has the reasons.
#include <csched/framework/judge.h>

#include <math.h>
#include <string.h>

#include <csched/base/buffer.h>

#include "attempt.h"
#include "kernel.h"

#define WORDS_MAX 4096 // bytes of one row's reasons
// The least range that is spread over all scores, as a share of the most a total can be.
#define RANGE_MIN 0.2
// The share of a step below the greatest total that is still as good as that.
#define NEAR_TIE 0.25

// ---- verdicts ----

static void append_reason(void *user, const char *reason)
{
	struct cs_buffer *words = user;
	if (words->size)
		cs_buffer_append_string(words, ", ");
	cs_buffer_append_string(words, reason);
}

static void reject(struct attempt *attempt, uint32_t row, struct cs_arena *arena,
		   struct cs_judge_answer *answer)
{
	CS_AUTO_BUFFER struct cs_buffer words;
	cs_buffer_init(&words, WORDS_MAX);
	answer->verdict = (enum cs_verdict)attempt->view->verdict[row];
	attempt_reasons(attempt, row, append_reason, &words);
	answer->words = cs_arena_strdup(arena, words.data);
}

static void reject_row(struct attempt *attempt, uint32_t row, struct cs_arena *arena,
		       struct cs_judge_answer *answer)
{
	if (attempt->view->by[row] == BY_NOT_NOW)
		*answer = (struct cs_judge_answer){
			.verdict = CS_VERDICT_UNRESOLVABLE,
			.words = cs_arena_printf(
				arena, "node(s) didn't satisfy plugin(s) %s",
				attempt_plugin_names(attempt, attempt->narrowed_by)),
		};
	else
		reject(attempt, row, arena, answer);
}

static void judge_rows(struct attempt *attempt, const struct cs_judge_question *question,
		       struct cs_arena *arena, struct cs_judge_answer *answers)
{
	const struct view *view = attempt->view;
	for (uint32_t i = 0; i < question->n; i++) {
		uint32_t row = question->rows[i];
		answers[i] = (struct cs_judge_answer){ 0 };
		if (row == CS_ROW_NONE)
			continue;
		if (view->by[row] != BY_NOBODY)
			reject_row(attempt, row, arena, &answers[i]);
		else if (attempt->scored)
			answers[i].total = view->sum[row] + view->offset;
	}
}

// A PreFilter's word about all nodes.
static void reject_all(const struct attempt *attempt, const struct cs_judge_question *question,
		       struct cs_arena *arena, struct cs_judge_answer *answers)
{
	const char *words = cs_arena_strdup(arena, attempt->words);
	for (uint32_t i = 0; i < question->n; i++)
		if (question->rows[i] != CS_ROW_NONE)
			answers[i] = (struct cs_judge_answer){ attempt->verdict_for_all, words, 0 };
}

static double most(const struct attempt *attempt)
{
	double weights = 0;
	for (uint32_t i = 0; i < attempt->profile->n_score; i++) {
		const struct cs_plugin_instance *instance = attempt->profile->score[i];
		if (!(attempt->input.scores_off & bit(instance)))
			weights += (double)instance->weight;
	}
	return attempt->scored ? 100 * weights : 0;
}

static bool has_filters(const struct attempt *attempt)
{
	if (attempt->cycle.narrowed)
		return true;
	for (uint32_t i = 0; i < attempt->profile->n_filter; i++)
		if (!(attempt->input.filters_off & bit(attempt->profile->filter[i])))
			return true;
	return false;
}

// What the answers say in all.
static void sum_up(const struct cs_judge_question *question, const struct cs_judge_answer *answers,
		   struct cs_judge_result *result)
{
	uint32_t best = question->n;
	double greatest = 0;
	for (uint32_t i = 0; i < question->n; i++) {
		if (question->rows[i] == CS_ROW_NONE)
			continue;
		if (answers[i].verdict != CS_VERDICT_FITS) {
			result->n_rejected++;
		} else if (best == question->n || answers[i].total > greatest) {
			best = i;
			greatest = answers[i].total;
		}
	}
	result->best = best;
}

// What is remembered of it.
static void conclude(const struct attempt *attempt, const struct cs_judge_question *question,
		     struct cs_judge_result *result)
{
	struct cs_outcome *outcome = &result->outcome;
	outcome->decision = question->scores ? CS_DECISION_RANKED : CS_DECISION_FILTERED;
	outcome->n_feasible = attempt->view && !attempt->words ? attempt->view->n_feasible : 0;
	if (!attempt->scored || !attempt->view)
		return;
	outcome->row = question->rows[result->best];
	outcome->score = (int64_t)(attempt->view->sum[outcome->row] + attempt->view->offset);
	if (outcome->n_feasible > 1)
		attempt_runner_up(attempt);
}

void cs_judge(struct cs_workspace *workspace, const struct cs_judge_question *question,
	      struct cs_arena *arena, struct cs_judge_answer *answers, struct cs_judge_result *ret)
{
	struct cs_outcome *outcome = &ret->outcome;
	struct attempt *attempt = workspace->attempt;
	*ret = (struct cs_judge_result){ 0 };
	*attempt = (struct attempt){ .workspace = workspace,
				     .profile = question->profile,
				     .outcome = outcome };
	attempt_judge(attempt, question);
	if (attempt->vectors && outcome->decision != CS_DECISION_ERROR)
		judge_rows(attempt, question, arena, answers);
	else if (question->n)
		memset(answers, 0, question->n * sizeof(*answers));
	if (outcome->decision == CS_DECISION_ERROR)
		ret->error = cs_arena_strdup(arena, outcome->message);
	else if (attempt->words)
		reject_all(attempt, question, arena, answers);
	ret->total_max = most(attempt);
	ret->filtered = attempt->words || has_filters(attempt);
	sum_up(question, answers, ret);
	if (!ret->error)
		conclude(attempt, question, ret);
}

// ---- scores ----

struct range {
	double least;
	double greatest;
};

static struct range range_of(const struct cs_judge_question *question,
			     const struct cs_judge_answer *answers)
{
	struct range range = { INFINITY, -INFINITY };
	for (uint32_t i = 0; i < question->n; i++) {
		if (question->rows[i] == CS_ROW_NONE || answers[i].verdict != CS_VERDICT_FITS)
			continue;
		double total = answers[i].total;
		range.least = total < range.least ? total : range.least;
		range.greatest = total > range.greatest ? total : range.greatest;
	}
	return range;
}

void cs_judge_scale(const struct cs_judge_question *question, const struct cs_judge_answer *answers,
		    const struct cs_judge_result *result, uint8_t top, uint8_t *scores)
{
	struct range range = range_of(question, answers);
	double span = fmax(range.greatest - range.least, RANGE_MIN * result->total_max);
	double sum = 0;
	uint32_t n = 0;
	for (uint32_t i = 0; i < question->n; i++) {
		scores[i] = 0;
		if (question->rows[i] == CS_ROW_NONE || answers[i].verdict != CS_VERDICT_FITS)
			continue;
		double below = span > 0 ? (range.greatest - answers[i].total) / span : 0;
		scores[i] = (uint8_t)(top - ceil(top * below - NEAR_TIE));
		sum += scores[i];
		n++;
	}
	uint8_t mean = n ? (uint8_t)lround(sum / n) : 0;
	for (uint32_t i = 0; i < question->n; i++)
		if (question->rows[i] == CS_ROW_NONE)
			scores[i] = mean;
}
