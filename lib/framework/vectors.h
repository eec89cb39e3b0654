// What one demand means for every row, as far as row-local plugins say: who rejects it and what it
// scores, kept between decisions and brought up to date from the node table's log of changed rows.
// Neighbours: view.h adds what depends on more; cycle.c says whose they are; kernel.h has the
// loops.
#ifndef FRAMEWORK_VECTORS_H
#define FRAMEWORK_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/framework/profile.h>

// Rows that are looked at before the next ones: what is written of them stays in the nearest cache.
// A multiple of TOP_ROWS.
#define BLOCK_ROWS 1024

// The scores of a row-local plugin that normalises. As long as all live rows have the same score,
// as most often they do, it is held once and has no columns.
struct normal {
	bool spread;   // else all live rows have the score `value`, and it becomes `uniform`
	bool scored;   // `value` is known
	int64_t value; // as score says it
	int64_t uniform;

	// Where spread:
	int64_t *raw;  // as score says them
	uint8_t *norm; // normalised, where known
	int64_t least; // the range of the feasible rows' scores that `norm` goes by
	int64_t greatest;
	bool settled; // some norm may be known, and is in the sum
	bool changed; // some score is another one than when `norm` was made
};

// Columns of one demand under one profile. All zero is an empty one. Memory: 14 bytes per row, and
// 9 per row for each score plugin whose scores are normalised and not all the same.
struct vectors {
	struct cs_demand *demand; // whose they are: kept by cycle.c; NULL = nobody's
	uint64_t used;            // number of the last decision that used it

	uint32_t capacity; // of the columns
	uint32_t n_rows;   // rows that have been looked at
	bool filtered;
	uint64_t filter_log;  // the log's end when the filters were brought up to date
	uint64_t filters_off; // row-local instances that skipped, as a mask; others: start afresh
	uint64_t *filter_versions; // of the instances then, by index; others: start afresh
	uint64_t *score_versions;
	uint8_t *by;        // kernel.h
	uint8_t *verdict;   // enum cs_verdict of that filter
	uint64_t rejecting; // positions in `by`, and maybe ones that were there before, as a mask
	uint64_t set;       // grows whenever a row becomes feasible or stops being it
	uint32_t n_feasible;
	uint32_t *feasible; // as cs_cycle.feasible

	// The words of the last fit error, by words.c, and when: they hold as long as no row
	// changed. Only where no other plugin took part.
	char *words;
	uint64_t words_log;
	uint64_t words_rejected_by;

	bool scored;
	uint64_t score_log;
	uint64_t scores_off;
	uint64_t settled_set; // the `set` whose normalised scores `sum` has; 0 = another one's
	double *sum;          // weighted; its normalised part is right for feasible rows alone
	double offset;        // to be added to each: what all rows have in common
	double *tops;         // without it: the greatest sum of each block of rows, see view.h
	uint8_t *ties;        // how many feasible rows of the block have it
	bool tops_known;      // and ties
	uint32_t n_normals;
	struct normal *normals; // per score plugin that is row-local and normalises
};

// The cycle, the profile and scratch columns of at least nodes->n_rows entries.
struct vectors_input {
	struct cs_cycle *cycle;
	const struct cs_profile *profile;
	uint64_t local;       // the instances that are row-local, as a mask
	uint64_t filters_off; // that skipped
	uint64_t scores_off;
	uint8_t *one;   // one plugin's verdicts or scores
	int64_t *raw;   // one plugin's scores before normalising
	uint32_t *list; // of rows
};

void vectors_finish(struct vectors *vectors);

// Brings `by`, `verdict` and `n_feasible` up to date.
void vectors_filter(struct vectors *vectors, const struct vectors_input *input);
// The same from nothing for the rows that the cycle was narrowed to; others are not looked at.
void vectors_filter_only(struct vectors *vectors, const struct vectors_input *input);

// Brings `sum` up to date for the rows that are feasible by `by`: the vectors' own, or a stricter
// one. Needs the filters done. On error (a score out of 0 .. 100) it is not usable and starts
// afresh next time.
int vectors_score(struct vectors *vectors, const struct vectors_input *input,
		  const uint8_t *restrict by, struct cs_error *err);

// Brings `tops` and `ties` up to date, of sums by the vectors' own `by`.
void vectors_find_tops(struct vectors *vectors);

// The error of a plugin that scored a feasible row above 100; 0 where none did.
int vectors_check_range(const struct cs_plugin_instance *instance, const uint8_t *scores,
			const uint8_t *by, struct cs_rows rows, struct cs_error *err);
// The same of one that has normalised n listed rows.
int vectors_check_normalised(const struct cs_plugin_instance *instance, const int64_t *out,
			     const uint32_t *list, uint32_t n, struct cs_error *err);

#endif
