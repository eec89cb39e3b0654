// The loops over node columns that the resource plugins run: plain, so that compilers vectorise
// them. Neighbours: node_resources_*.c prepare the terms. Built with the kernels' own flags.
#ifndef CSCHED_LIB_PLUGINS_KERNEL_H
#define CSCHED_LIB_PLUGINS_KERNEL_H

#include <stdint.h>

#include <csched/cluster/bitmap.h>
#include <csched/framework/plugin.h>

// ---- verdicts ----

// One resource: UNSCHEDULABLE where more is asked than is free, UNRESOLVABLE where it is more than
// the node has at all.
struct cs_kernel_fit {
	const int64_t *allocatable;
	const int64_t *free;
	int64_t asked; // > 0; CS_KERNEL_ASKS_NONE always fits
};
#define CS_KERNEL_ASKS_NONE INT64_MIN
// Sets the verdicts: the worst word of two resources, and UNSCHEDULABLE where a row is `full` (1).
void cs_kernel_fit_pods(const uint8_t *restrict full, const struct cs_kernel_fit fits[2],
			struct cs_rows rows, uint8_t *restrict verdict);
// Makes verdicts worse where another resource says so.
void cs_kernel_fit(const struct cs_kernel_fit *fit, struct cs_rows rows, uint8_t *restrict verdict);

// verdict[row] = value * flags[row]; flags are 0 and 1.
void cs_kernel_flags(const uint8_t *restrict flags, uint8_t value, struct cs_rows rows,
		     uint8_t *restrict verdict);

// ---- sets of rows ----

// verdict[row] = value for the rows that are not in the set, and stays for the others.
void cs_kernel_flag_others(const struct cs_bitmap *set, uint8_t value, struct cs_rows rows,
			   uint8_t *restrict verdict);
// out[row] += weight for the rows in the set.
void cs_kernel_add_to_set(const struct cs_bitmap *set, int64_t weight, struct cs_rows rows,
			  int64_t *restrict out);

// ---- columns of ids ----

#define CS_KERNEL_IDS 4
struct cs_kernel_ids {
	uint32_t ids[CS_KERNEL_IDS];
	int32_t words[CS_KERNEL_IDS]; // 0 where there are fewer ids
};
// verdict[row] |= the word of column[row], 0 for other ids.
void cs_kernel_match(const uint32_t *restrict column, const struct cs_kernel_ids *ids,
		     struct cs_rows rows, uint8_t *restrict verdict);
// out[row] = the word of column[row], 0 for other ids; or, but for the first, += that.
void cs_kernel_match_scores(const uint32_t *restrict column, const struct cs_kernel_ids *ids,
			    struct cs_rows rows, bool first, int64_t *restrict out);

// ---- resources ----

#define CS_KERNEL_TERMS_MAX 32 // resources in one score

// One resource of a score: columns and what the pod adds to them.
struct cs_kernel_term {
	const int64_t *allocatable;
	const int64_t *used;
	const double *allocatable_double;
	const double *used_double;
	const double *free_double; // allocatable - used; NULL where there is no such column
	const double *inverse;     // node_table.h
	int64_t asked;             // >= 0
	int64_t weight;            // 1 .. 100
	bool exact;                // no allocatable is above CS_ALLOCATABLE_EXACT: doubles do
};

// All scores leave resources out that a node has none of; 0..100, and 0 where none is left.
// LeastAllocated: the weighted mean of free * 100 / allocatable, each truncated. The pair is for
// two exact terms with free_double.
void cs_kernel_least_pair(const struct cs_kernel_term terms[2], struct cs_rows rows,
			  uint8_t *restrict out);
void cs_kernel_least_allocated(const struct cs_kernel_term *terms, uint32_t n_terms,
			       struct cs_rows rows, uint8_t *restrict out);
// MostAllocated: the same of used * 100 / allocatable.
void cs_kernel_most_allocated(const struct cs_kernel_term *terms, uint32_t n_terms,
			      struct cs_rows rows, uint8_t *restrict out);
// RequestedToCapacityRatio: the mean of ratio[used * 100 / allocatable], rounded half up, of the
// resources for which that is not 0.
#define CS_KERNEL_RATIOS 101
void cs_kernel_capacity_ratio(const struct cs_kernel_term *terms, uint32_t n_terms,
			      const double ratio[CS_KERNEL_RATIOS], struct cs_rows rows,
			      uint8_t *restrict out);

// BalancedAllocation: 50 + (50 + with - without) / 2. The pair is for two exact terms, `without` of
// which is in a column; all is for any.
void cs_kernel_balanced_pair(const struct cs_kernel_term terms[2], const uint8_t *restrict without,
			     struct cs_rows rows, uint8_t *restrict out);
void cs_kernel_balanced_all(const struct cs_kernel_term *terms, uint32_t n_terms,
			    struct cs_rows rows, uint8_t *restrict out);

// What the row's domain has: out[row] = table[id + 1], [0] for rows in none (CS_DOMAIN_NONE).
void cs_kernel_look_up(const uint32_t *restrict domain, const uint8_t *restrict table,
		       struct cs_rows rows, uint8_t *restrict out);

// Of values 0 .. n-1; 0 where there are none.
uint32_t cs_kernel_greatest(const uint32_t *restrict values, uint32_t n);

#endif
