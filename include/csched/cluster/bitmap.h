// A set of rows. Neighbours: node_selector.h keeps one per registered question.
#ifndef CSCHED_CLUSTER_BITMAP_H
#define CSCHED_CLUSTER_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

struct cs_bitmap {
	uint64_t *words;
	uint32_t n_words;
};

static inline bool cs_bitmap_test(const struct cs_bitmap *bitmap, uint32_t row)
{
	uint32_t word = row / 64;
	return word < bitmap->n_words && (bitmap->words[word] >> (row % 64) & 1);
}

void cs_bitmap_finish(struct cs_bitmap *bitmap);
void cs_bitmap_set(struct cs_bitmap *bitmap, uint32_t row, bool value); // grows
// The same rows with room for n of them.
void cs_bitmap_reserve(struct cs_bitmap *bitmap, uint32_t n);

#endif
