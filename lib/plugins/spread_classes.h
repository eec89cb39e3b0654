// Rows by class: those of one domain that have as many pods of a query. Topology spreading scores
// all rows of a class alike, and a domain's pods are the sum over its classes. Kept from decision
// to decision, so that a further replica costs the row of the one before. Neighbours:
// spread_score.c and spread_count.c ask; spread_kernel.h has the loops and explains slots; query.h
// says which rows changed.
#ifndef CSCHED_LIB_PLUGINS_SPREAD_CLASSES_H
#define CSCHED_LIB_PLUGINS_SPREAD_CLASSES_H

#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>
#include <csched/framework/plugin.h>

struct cs_spread_memory;
struct cs_spread_memory *cs_spread_memory_create(void);
void cs_spread_memory_destroy(struct cs_spread_memory *memory);

struct cs_spread_asked {
	const struct cs_query *query;      // NULL counts no pods
	const struct cs_topology *domains; // NULL: all rows are in slot 1
	const struct cs_topology *hosts;   // NULL = none
	// The rows that have a domain in both; NULL: all live ones, which hosts, if any, covers.
	const uint8_t *all_keys;
};

// Class 0 has the rows that are not asked about, 1 + slot * n_counts + pods the others. Without
// `hosts` nodes that are gone may still be in slot 0.
struct cs_spread_classes {
	uint32_t n_slots;
	uint32_t n_counts; // a power of two
	uint32_t n;
	const uint16_t *of_row;
	const uint32_t *n_rows; // by class; that of 0 means nothing
};

// Valid until the cluster changes, for the last 32 questions; NULL: there would be too many
// classes.
const struct cs_spread_classes *cs_spread_classify(struct cs_spread_memory *memory,
						   const struct cs_cycle *cycle,
						   const struct cs_spread_asked *asked);
// How many pods each slot has.
void cs_spread_class_sums(const struct cs_spread_classes *classes, uint32_t *restrict slots);

#endif
