// One decision's columns: the vectors' where they suffice, else copies with more in them.
// Neighbours: view.h; vectors.c brings the row-local part up to date.
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "times.h"

void view_finish(struct view *view)
{
	free(view->own_by);
	free(view->own_verdict);
	free(view->own_feasible);
	free(view->own_sum);
	free(view->own_tops);
	free(view->own_ties);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(view->scores); i++)
		free(view->scores[i]);
	*view = (struct view){ 0 };
}

// Nothing of what was in it is needed any more.
#define RENEW(column, n) ((column) = cs_grow_column((column), 0, (n), sizeof(*(column))))

static void grow(struct view *view, uint32_t n)
{
	if (view->capacity >= n)
		return;
	uint32_t capacity = n + n / 4;
	RENEW(view->own_by, capacity);
	RENEW(view->own_verdict, capacity);
	RENEW(view->own_feasible, capacity);
	RENEW(view->own_sum, capacity);
	RENEW(view->own_tops, capacity / TOP_ROWS + 1);
	RENEW(view->own_ties, capacity / TOP_ROWS + 1);
	view->capacity = capacity;
}

static bool is_on(const struct vectors_input *input, uint64_t off,
		  const struct cs_plugin_instance *instance)
{
	return (~input->local & ~off) >> instance->index & 1;
}

// ---- filters ----

static void own_verdicts(struct view *view)
{
	if (view->by == view->own_by)
		return;
	memcpy(view->own_by, view->by, view->n_rows);
	memcpy(view->own_verdict, view->verdict, view->n_rows);
	view->by = view->own_by;
	view->verdict = view->own_verdict;
}

static void ask(struct view *view, const struct vectors_input *input, uint32_t position)
{
	const struct cs_plugin_instance *instance = input->profile->filter[position];
	const struct cs_cycle *cycle = input->cycle;
	const struct cs_rows all = { 0, view->n_rows };
	bool some = false;
	own_verdicts(view);
	if (!cycle->narrowed) {
		ask_filter(cycle, instance, all, input->one);
		some = kernel_merge(input->one, all, (uint8_t)position, view->own_by,
				    view->own_verdict);
	}
	for (uint32_t i = 0; cycle->narrowed && i < cycle->n_only; i++) {
		struct cs_rows row = { cycle->only[i], cycle->only[i] + 1 };
		ask_filter(cycle, instance, row, input->one);
		some |= kernel_merge(input->one, row, (uint8_t)position, view->own_by,
				     view->own_verdict);
	}
	view->rejecting |= (uint64_t)some << position;
}

void view_filter(struct view *view, struct vectors *vectors, const struct vectors_input *input)
{
	view->vectors = vectors;
	view->by = vectors->by;
	view->rejecting = vectors->rejecting;
	view->verdict = vectors->verdict;
	view->feasible = vectors->feasible;
	view->n_feasible = vectors->n_feasible;
	view->n_rows = vectors->n_rows;
	grow(view, view->n_rows);
	for (uint32_t i = 0; i < input->profile->n_filter; i++)
		if (is_on(input, input->filters_off, input->profile->filter[i]))
			ask(view, input, i);
	if (view->by != vectors->by)
		view_count_feasible(view);
}

void view_set(struct view *view, uint32_t row, uint8_t position, enum cs_verdict verdict)
{
	own_verdicts(view);
	view->own_by[row] = position;
	view->own_verdict[row] = (uint8_t)verdict;
}

void view_count_feasible(struct view *view)
{
	view->n_feasible = kernel_count_bytes(view->by, view->n_rows, BY_NOBODY);
	view->own_feasible[0] = CS_ROW_NONE;
	view->feasible = view->own_feasible;
}

void view_restrict(struct view *view, const uint8_t *asked)
{
	own_verdicts(view);
	for (uint32_t row = 0; row < view->n_rows; row++)
		view->own_by[row] = asked[row] ? view->own_by[row] : BY_NOT_NOW;
	view_count_feasible(view);
}

// ---- scores ----

static struct cs_rows block_of(const struct view *view, uint32_t block)
{
	uint32_t first = block * TOP_ROWS;
	uint32_t rest = view->n_rows - first;
	return (struct cs_rows){ first, first + (rest < TOP_ROWS ? rest : TOP_ROWS) };
}

static uint32_t n_blocks(const struct view *view)
{
	return (view->n_rows + TOP_ROWS - 1) / TOP_ROWS;
}

// Of rows that begin with a block.
static void find_tops(struct view *view, struct cs_rows rows)
{
	const struct kernel_totals totals = { view->sum + rows.first, view->by + rows.first };
	uint32_t block = rows.first / TOP_ROWS;
	kernel_tops(&totals, rows.end - rows.first, view->own_tops + block, view->own_ties + block);
	view->tops = view->own_tops;
	view->ties = view->own_ties;
}

static uint8_t *scores_of(struct view *view, uint32_t position)
{
	if (view->scores_capacity[position] < view->n_rows) {
		RENEW(view->scores[position], view->capacity);
		view->scores_capacity[position] = view->capacity;
	}
	return view->scores[position];
}

// Whole columns, of those plugins that normalise.
static int score_whole(struct view *view, const struct vectors_input *input, uint32_t position,
		       struct cs_error *err)
{
	const struct cs_plugin_instance *instance = input->profile->score[position];
	const uint32_t *feasible = cs_cycle_feasible(input->cycle);
	ask_raw_score(input->cycle, instance, (struct cs_rows){ 0, view->n_rows }, input->raw);
	ask_normalise(input->cycle, instance, feasible, view->n_feasible, input->raw);
	if (kernel_narrow(input->raw, view->n_rows, scores_of(view, position)))
		return 0;
	return vectors_check_normalised(instance, input->raw, feasible, view->n_feasible, err);
}

// Of a block of rows, while that is near.
static int add_block(struct view *view, const struct vectors *vectors,
		     const struct vectors_input *input, struct cs_rows rows, struct cs_error *err)
{
	const double *from = vectors->sum;
	for (uint32_t i = 0; i < input->profile->n_score; i++) {
		const struct cs_plugin_instance *instance = input->profile->score[i];
		const uint8_t *scores = input->one;
		if (!is_on(input, input->scores_off, instance))
			continue;
		if (instance->plugin->normalise)
			scores = view->scores[i];
		else
			ask_score(input->cycle, instance, rows, input->one);
		bool right = from == view->own_sum
				     ? kernel_add(scores, rows, instance->weight, view->own_sum)
				     : kernel_add_from(scores, rows, instance->weight, from,
						       view->own_sum);
		int r = right ? 0 : vectors_check_range(instance, scores, view->by, rows, err);
		if (r)
			return r;
		from = view->own_sum;
	}
	find_tops(view, rows);
	return 0;
}

static int add_all(struct view *view, const struct vectors *vectors,
		   const struct vectors_input *input, struct cs_error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < input->profile->n_score && !r; i++)
		if (is_on(input, input->scores_off, input->profile->score[i]) &&
		    input->profile->score[i]->plugin->normalise)
			r = score_whole(view, input, i, err);
	view->sum = view->own_sum;
	for (uint32_t first = 0; first < view->n_rows && !r; first += BLOCK_ROWS) {
		uint32_t rest = view->n_rows - first;
		uint32_t n = rest < BLOCK_ROWS ? rest : BLOCK_ROWS;
		r = add_block(view, vectors, input, (struct cs_rows){ first, first + n }, err);
	}
	return r;
}

static bool any_is_on(const struct vectors_input *input)
{
	for (uint32_t i = 0; i < input->profile->n_score; i++)
		if (is_on(input, input->scores_off, input->profile->score[i]))
			return true;
	return false;
}

int view_score(struct view *view, const struct vectors_input *input, struct cs_error *err)
{
	struct vectors *vectors = view->vectors;
	int r = vectors_score(vectors, input, view->by, err);
	view->sum = vectors->sum;
	view->tops = vectors->tops;
	view->ties = vectors->ties;
	view->offset = vectors->offset;
	if (!r && any_is_on(input))
		r = add_all(view, vectors, input, err);
	else if (!r && view->by == vectors->by)
		vectors_find_tops(vectors);
	else if (!r)
		find_tops(view, (struct cs_rows){ 0, view->n_rows });
	return r;
}

// ---- the best ----

double view_best(const struct view *view, uint32_t except)
{
	if (except == CS_ROW_NONE)
		return kernel_best(view->tops, n_blocks(view));
	uint32_t block = except / TOP_ROWS;
	const struct cs_rows rows = block_of(view, block);
	const struct kernel_totals totals = { view->sum, view->by };
	const double bests[] = {
		kernel_best(view->tops, block),
		kernel_best(view->tops + block + 1, n_blocks(view) - block - 1),
		kernel_max(&totals, (struct cs_rows){ rows.first, except }),
		kernel_max(&totals, (struct cs_rows){ except + 1, rows.end }),
	};
	return kernel_best(bests, CS_ARRAY_LENGTH(bests));
}

uint32_t view_count(const struct view *view, double best)
{
	uint32_t count = 0;
	for (uint32_t block = 0; block < n_blocks(view); block++)
		count += view->tops[block] == best ? view->ties[block] : 0;
	return count;
}

uint32_t view_nth(const struct view *view, double value, uint32_t n)
{
	const struct kernel_totals totals = { view->sum, view->by };
	uint32_t block = 0;
	for (;; block++) {
		if (view->tops[block] < value)
			continue;
		uint32_t count = view->tops[block] == value
					 ? view->ties[block]
					 : kernel_count(&totals, value, block_of(view, block));
		if (n < count)
			break;
		n -= count;
	}
	uint32_t row = block * TOP_ROWS;
	while (view->by[row] != BY_NOBODY || view->sum[row] != value || n-- > 0)
		row++;
	return row;
}

uint32_t view_lowest(const struct view *view, double value, const uint32_t *rank)
{
	const struct kernel_totals totals = { view->sum, view->by };
	uint32_t lowest = UINT32_MAX;
	for (uint32_t block = 0; block < n_blocks(view); block++) {
		if (view->tops[block] < value)
			continue;
		uint32_t there = kernel_lowest(&totals, value, rank, block_of(view, block));
		lowest = there < lowest ? there : lowest;
	}
	return lowest;
}
