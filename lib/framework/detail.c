// What is worth remembering of the last decision: its best rows with their scores, who rejected how
// many. Neighbours: cycle.c decided; view.h and vectors.h still have its columns; record.c keeps
// it.
#include <string.h>

#include "attempt.h"
#include "kernel.h"

// ---- the best rows ----

// The blocks with the greatest totals of rows that fit: the best rows are in these.
struct blocks {
	uint32_t n;
	uint32_t list[CS_CANDIDATES_MAX];
};

// The least top that a block must exceed, of equal ones the first stay.
static double least_top(const struct view *view, const struct blocks *best)
{
	return best->n < CS_CANDIDATES_MAX ? -1 : view->tops[best->list[CS_CANDIDATES_MAX - 1]];
}

static void offer_block(const struct view *view, uint32_t block, struct blocks *best)
{
	uint32_t at;
	if (view->tops[block] <= least_top(view, best) || view->ties[block] == 0)
		return;
	best->n += best->n < CS_CANDIDATES_MAX;
	for (at = best->n - 1; at > 0 && view->tops[best->list[at - 1]] < view->tops[block]; at--)
		best->list[at] = best->list[at - 1];
	best->list[at] = block;
}

// `most`: none has a greater top.
static struct blocks find_blocks(const struct view *view, double most)
{
	const struct kernel_totals tops = { .sum = view->tops };
	struct blocks best = { 0 };
	uint32_t n = (view->n_rows + TOP_ROWS - 1) / TOP_ROWS;
	double least = kernel_bound(view->tops, n, CS_CANDIDATES_MAX);
	for (uint32_t first = 0; first < n; first += TOP_ROWS) {
		uint32_t rest = n - first;
		uint64_t blocks =
			kernel_reach(&tops, least, first, rest < TOP_ROWS ? rest : TOP_ROWS);
		for (; blocks && least_top(view, &best) < most; blocks &= blocks - 1)
			offer_block(view, first + (uint32_t)__builtin_ctzll(blocks), &best);
	}
	return best;
}

// Takes the row in where it is among the best. The first two places are taken already.
static void offer(const struct view *view, uint32_t row, struct cs_detail *detail)
{
	struct cs_candidate *list = detail->candidates;
	int64_t total = (int64_t)(view->sum[row] + view->offset);
	uint32_t at = detail->n_candidates;
	if (row == list[0].row || row == list[1].row ||
	    (at == CS_CANDIDATES_MAX && list[at - 1].total >= total))
		return;
	detail->n_candidates += at < CS_CANDIDATES_MAX;
	for (at = detail->n_candidates - 1; at > 2 && list[at - 1].total < total; at--)
		list[at] = list[at - 1];
	list[at] = (struct cs_candidate){ .row = row, .total = total };
}

// Whether a row of the block may be among the best, with those that are.
static bool is_promising(const struct view *view, uint32_t block, const struct cs_detail *detail)
{
	return detail->n_candidates < CS_CANDIDATES_MAX ||
	       view->tops[block] + view->offset >
		       (double)detail->candidates[CS_CANDIDATES_MAX - 1].total;
}

static void find_others(const struct view *view, struct cs_detail *detail)
{
	const struct kernel_totals totals = { view->sum, view->by };
	struct blocks best = find_blocks(view, view->sum[detail->candidates[0].row]);
	// Each of the blocks has a row with its top.
	double least = least_top(view, &best);
	for (uint32_t i = 0; i < best.n && is_promising(view, best.list[i], detail); i++) {
		uint32_t first = best.list[i] * TOP_ROWS;
		uint32_t rest = view->n_rows - first;
		uint64_t rows =
			kernel_reach(&totals, least, first, rest < TOP_ROWS ? rest : TOP_ROWS);
		for (; rows && is_promising(view, best.list[i], detail); rows &= rows - 1)
			offer(view, first + (uint32_t)__builtin_ctzll(rows), detail);
	}
}

// ---- their scores ----

// What the plugin at a position of the profile made of a row: `normal` is its own, if it has one.
static uint8_t score_of(const struct attempt *attempt, uint32_t position,
			const struct normal *normal, uint32_t row)
{
	const struct cs_plugin_instance *instance = attempt->profile->score[position];
	if (attempt->input.scores_off & bit(instance))
		return CS_SCORE_NONE;
	if (instance->scores_nothing)
		return 0;
	if (!instance->plugin->row_local && instance->plugin->normalise)
		return attempt->view->scores[position][row];
	if (normal)
		return normal->spread ? normal->norm[row] : (uint8_t)normal->uniform;
	instance->plugin->score(&attempt->cycle, instance, (struct cs_rows){ row, row + 1 },
				attempt->input.one);
	return attempt->input.one[row];
}

// Plugin by plugin, so that each is near when it is asked again.
static void find_scores(const struct attempt *attempt, struct cs_detail *ret)
{
	const struct cs_profile *profile = attempt->profile;
	const struct normal *normal = attempt->vectors->normals;
	uint8_t *scores = cs_arena_alloc_raw(attempt->workspace->scratch,
					     ret->n_candidates * profile->n_score + 1);
	for (uint32_t k = 0; k < ret->n_candidates; k++)
		ret->candidates[k].scores = scores + k * profile->n_score;
	for (uint32_t i = 0; i < profile->n_score; i++) {
		const struct cs_plugin *plugin = profile->score[i]->plugin;
		bool normalises = plugin->row_local && plugin->normalise;
		for (uint32_t k = 0; k < ret->n_candidates; k++)
			scores[k * profile->n_score + i] = score_of(
				attempt, i, normalises ? normal : NULL, ret->candidates[k].row);
		normal += normalises;
	}
}

static void find_candidates(const struct attempt *attempt, const struct cs_outcome *outcome,
			    struct cs_detail *ret)
{
	ret->candidates[ret->n_candidates++] = (struct cs_candidate){
		.row = outcome->row,
		.total = outcome->score,
	};
	if (!attempt->scored)
		return;
	if (outcome->runner_up != CS_ROW_NONE) {
		ret->candidates[ret->n_candidates++] = (struct cs_candidate){
			.row = outcome->runner_up,
			.total = outcome->runner_up_score,
		};
		find_others(attempt->view, ret);
	}
	find_scores(attempt, ret);
}

// ---- who rejected ----

static void add_rejection(struct cs_detail *detail, const char *plugin, uint32_t n_nodes)
{
	struct cs_rejection *rejection = detail->rejections;
	if (n_nodes == 0)
		return;
	while (rejection < detail->rejections + detail->n_rejections &&
	       strcmp(rejection->plugin, plugin) != 0)
		rejection++;
	if (rejection == detail->rejections + detail->n_rejections) {
		detail->n_rejections++;
		*rejection = (struct cs_rejection){ .plugin = plugin };
	}
	rejection->n_nodes += n_nodes;
}

static void count_rejections(const struct attempt *attempt, const struct cs_outcome *outcome,
			     struct cs_detail *ret)
{
	const struct view *view = attempt->view;
	uint32_t rest = outcome->n_nodes - outcome->n_feasible;
	for (uint64_t left = view->rejecting; left && rest > 0; left &= left - 1) {
		uint32_t position = (uint32_t)__builtin_ctzll(left);
		uint32_t n = kernel_count_bytes(view->by, view->n_rows, (uint8_t)position);
		add_rejection(ret, attempt->profile->filter[position]->plugin->name, n);
		rest -= n;
	}
	for (uint32_t i = 0; i < attempt->n_overlaid && rest > 0; i++) {
		if (view->by[attempt->overlaid[i].row] != BY_OVERLAID)
			continue;
		add_rejection(ret, attempt->overlaid[i].by->plugin->name, 1);
		rest--;
	}
	add_rejection(ret, "", rest);
}

void cs_cycle_detail(struct cs_workspace *workspace, const struct cs_outcome *outcome,
		     struct cs_detail *ret)
{
	const struct attempt *attempt = workspace->attempt;
	ret->n_candidates = 0;
	ret->n_rejections = 0;
	if (outcome->decision == CS_DECISION_ERROR)
		return;
	if (outcome->row != CS_ROW_NONE)
		find_candidates(attempt, outcome, ret);
	if (attempt->rejects_all)
		add_rejection(ret, attempt->rejects_all->plugin->name, outcome->n_nodes);
	else if (attempt->words)
		add_rejection(ret, "", outcome->n_nodes);
	else if (attempt->vectors)
		count_rejections(attempt, outcome, ret);
}
