// What one answer tells: samples of nodes, of pairs of places, or of pods.
// Neighbours: metrics_api.c and prometheus.c fill it; the daemon carries it to the core.
#ifndef CSCHED_LOAD_PART_H
#define CSCHED_LOAD_PART_H

#include <stdint.h>

#include <csched/base/arena.h>

// As the ledger takes it: NaN and what cannot be are passed on, the ledger judges.
struct cs_part_sample {
	const char *node;
	const char *to; // NULL without a pair
	uint32_t metric;
	double value;
	double limit;   // 0 = unknown
	int64_t taken;  // Unix ns
	int64_t window; // ns
};

struct cs_part_pod {
	const char *namespace;
	const char *name;
	uint32_t metric;
	double value;
	int64_t taken;
	int64_t window;
};

// Owned by whoever holds it; ends with cs_part_destroy on any thread. Everything but the arrays is
// in the arena.
struct cs_part {
	struct cs_arena *arena;
	uint32_t question; // cs_source_question
	uint32_t n_samples;
	uint32_t n_pods;
	uint32_t samples_size; // room
	uint32_t pods_size;
	struct cs_part_sample *samples;
	struct cs_part_pod *pods;
	uint32_t n_items;       // series, nodes or pods in the answer
	uint32_t n_unlabelled;  // series without the label that names the node
	uint32_t n_undated;     // series without a time, where times are asked for: left out
	uint32_t n_duplicate;   // further series of a node that has one: left out
	uint32_t n_unreadable;  // not in the form they must have: left out
	const char *unreadable; // why the first of them was; NULL
	const char *warning;    // the server's first; NULL
	int64_t newest;         // the newest `taken`; 0 = no sample
	int64_t oldest;
};

struct cs_part *cs_part_create(uint32_t question);
void cs_part_destroy(struct cs_part *part); // NULL is fine

// Copies the strings.
void cs_part_add(struct cs_part *part, const struct cs_part_sample *sample);
void cs_part_add_pod(struct cs_part *part, const struct cs_part_pod *pod);
// Counts an item that was left out, with its words.
void cs_part_skip(struct cs_part *part, const char *words);

#endif
