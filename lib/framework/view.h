// What one decision sees of every row: the vectors of its demand, and what depends on more than a
// row: plugins that are not row-local, narrowing, nominated pods.
// Neighbours: vectors.h keeps the rest; cycle.c decides by it, words.c and explain.c tell of it.
#ifndef FRAMEWORK_VIEW_H
#define FRAMEWORK_VIEW_H

#include "kernel.h"
#include "vectors.h"

// Points into the vectors where nothing has to be added, else into columns of its own. All zero is
// an empty one; the columns stay from decision to decision.
struct view {
	const uint8_t *by;  // kernel.h
	uint64_t rejecting; // no other positions are in it, as a mask
	const uint8_t *verdict;
	uint32_t *feasible; // as cs_cycle.feasible
	uint32_t n_feasible;
	uint32_t n_rows;
	const double *sum;   // of feasible rows: the totals, but for `offset`
	const double *tops;  // of blocks of TOP_ROWS rows: the greatest
	const uint8_t *ties; // how many feasible rows of the block have it
	double offset;       // to be added to sums

	// Of the plugins that are not row-local, normalise and have scored, by position in the
	// profile. Others are asked again about the rows of which somebody wants to know.
	uint8_t *scores[CS_PLUGINS_MAX];
	uint32_t scores_capacity[CS_PLUGINS_MAX];

	struct vectors *vectors; // the demand's
	uint32_t capacity;       // of its own columns
	uint8_t *own_by;
	uint8_t *own_verdict;
	uint32_t *own_feasible;
	double *own_sum;
	double *own_tops;
	uint8_t *own_ties;
};

void view_finish(struct view *view);

// Takes over what the vectors' filters said, and asks those that are not row-local.
void view_filter(struct view *view, struct vectors *vectors, const struct vectors_input *input);
// Rejects a row for the filter at `position`, or (BY_NOBODY) lets it pass. view_count_feasible must
// follow.
void view_set(struct view *view, uint32_t row, uint8_t position, enum cs_verdict verdict);
void view_count_feasible(struct view *view);
// Leaves out all rows that are not `asked` (by row, 0 or 1).
void view_restrict(struct view *view, const uint8_t *asked);

// The totals of the feasible rows; brings the vectors' scores up to date. Errors as vectors_score.
int view_score(struct view *view, const struct vectors_input *input, struct cs_error *err);

// The greatest sum but that of row `except` (CS_ROW_NONE: of all).
double view_best(const struct view *view, uint32_t except);
// How many rows have the greatest of all.
uint32_t view_count(const struct view *view, double best);
// The n-th of those that have a sum, from 0.
uint32_t view_nth(const struct view *view, double value, uint32_t n);
// The lowest rank that one of them has.
uint32_t view_lowest(const struct view *view, double value, const uint32_t *rank);

#endif
