// What one demand means for every row: who rejects it and what it scores, kept between decisions
// and brought up to date from the node table's log of changed rows.
// Neighbours: cycle.c asks for it; kernel.h has the loops.
#ifndef FRAMEWORK_VECTORS_H
#define FRAMEWORK_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/framework/profile.h>

#define TOP_ROWS 64 // rows of a block in `tops`

// Columns of one demand under one profile. All zero is an empty one. Memory: 22 bytes per row, and
// 8 per row for each score plugin that normalises.
struct vectors {
	struct cs_demand *demand; // whose they are: kept by cycle.c; NULL = nobody's
	uint64_t used;            // number of the last decision that used it

	uint32_t capacity; // of the columns
	uint32_t n_rows;   // rows that have been looked at
	bool filtered;
	uint64_t filter_log;       // the log's end when the filters were brought up to date
	uint64_t filters_off;      // instances that skipped, as a mask; others: start afresh
	uint8_t *by;               // kernel.h
	uint8_t *verdict;          // enum cs_verdict of that filter
	uint64_t *filter_versions; // of the filters' instances then, by index; others: start afresh
	uint64_t *score_versions;
	uint64_t set; // grows whenever a row becomes feasible or stops being it
	uint32_t *feasible;
	uint32_t n_feasible;
	uint64_t listed_set; // the `set` that `feasible` lists

	// The words of the last fit error, by cycle.c, and when: they hold as long as no row
	// changed.
	char *words;
	uint64_t words_log;
	uint64_t words_rejected_by;

	bool scored;
	uint64_t score_log;
	uint64_t scores_off;
	uint64_t scored_set;
	double *base;  // weighted sum of the plugins that do not normalise
	double *total; // with the normalised ones; -infinity where not feasible
	double *tops;  // the greatest total of each block of rows
	uint32_t n_raw;
	int64_t **raw; // per score plugin that normalises: its scores before
};

// The cycle, the profile and scratch columns of at least nodes->n_rows entries.
struct vectors_input {
	struct cs_cycle *cycle;
	const struct cs_profile *profile;
	uint64_t filters_off;
	uint64_t scores_off;
	uint8_t *one; // one filter's answers
	int64_t *out; // one plugin's scores
};

void vectors_finish(struct vectors *vectors);

// Brings `by`, `verdict` and the list of feasible rows up to date.
void vectors_filter(struct vectors *vectors, const struct vectors_input *input);
// The same from nothing for the rows that the cycle was narrowed to; others are not looked at.
void vectors_filter_only(struct vectors *vectors, const struct vectors_input *input);
// Brings `total` up to date; needs the filters done. On error (a score out of 0 .. 100) it is not
// usable and starts afresh next time.
int vectors_score(struct vectors *vectors, const struct vectors_input *input, struct cs_error *err);

// The greatest total but that of row `except` (CS_ROW_NONE: of all).
double vectors_best(const struct vectors *vectors, uint32_t except);
// How many rows have it.
uint32_t vectors_count(const struct vectors *vectors, double value);
// The n-th of them, from 0.
uint32_t vectors_nth(const struct vectors *vectors, double value, uint32_t n);

#endif
