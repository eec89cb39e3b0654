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

static void judge_row(struct attempt *attempt, uint32_t row, struct cs_arena *arena,
		      struct cs_judge_answer *answer)
{
	const struct view *view = attempt->view;
	switch (view->by[row]) {
	case BY_NOBODY:
		answer->total = attempt->scored ? view->sum[row] + view->offset : 0;
		break;
	case BY_NOT_NOW:
		answer->verdict = CS_VERDICT_UNRESOLVABLE;
		answer->words =
			cs_arena_printf(arena, "node(s) didn't satisfy plugin(s) %s",
					attempt_plugin_names(attempt, attempt->narrowed_by));
		break;
	default:
		reject(attempt, row, arena, answer);
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

static uint32_t find_best(const struct cs_judge_question *question,
			  const struct cs_judge_answer *answers)
{
	uint32_t best = question->n;
	for (uint32_t i = 0; i < question->n; i++)
		if (question->rows[i] != CS_ROW_NONE && answers[i].verdict == CS_VERDICT_FITS &&
		    (best == question->n || answers[i].total > answers[best].total))
			best = i;
	return best;
}

void cs_judge(struct cs_workspace *workspace, const struct cs_judge_question *question,
	      struct cs_arena *arena, struct cs_judge_answer *answers, struct cs_judge_result *ret)
{
	struct cs_outcome outcome;
	struct attempt attempt = { .workspace = workspace,
				   .profile = question->profile,
				   .outcome = &outcome };
	*ret = (struct cs_judge_result){ 0 };
	if (question->n)
		memset(answers, 0, question->n * sizeof(*answers));
	attempt_judge(&attempt, question);
	if (outcome.decision == CS_DECISION_ERROR)
		ret->error = cs_arena_strdup(arena, outcome.message);
	else if (attempt.words)
		reject_all(&attempt, question, arena, answers);
	for (uint32_t i = 0; i < question->n && attempt.vectors && !ret->error; i++)
		if (question->rows[i] != CS_ROW_NONE)
			judge_row(&attempt, question->rows[i], arena, &answers[i]);
	ret->total_max = most(&attempt);
	ret->best = find_best(question, answers);
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
		range.least = fmin(range.least, answers[i].total);
		range.greatest = fmax(range.greatest, answers[i].total);
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
		scores[i] = (uint8_t)(top - lround(top * below));
		sum += scores[i];
		n++;
	}
	uint8_t mean = n ? (uint8_t)lround(sum / n) : 0;
	for (uint32_t i = 0; i < question->n; i++)
		if (question->rows[i] == CS_ROW_NONE)
			scores[i] = mean;
}
