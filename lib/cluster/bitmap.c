// A growing set of rows. Neighbours: bitmap.h.
// Rows past the end are not in the set.
#include <csched/cluster/bitmap.h>

#include <csched/base/memory.h>
#include <string.h>

void cs_bitmap_finish(struct cs_bitmap *bitmap)
{
	free(bitmap->words);
	*bitmap = (struct cs_bitmap){ 0 };
}

static void grow(struct cs_bitmap *bitmap, uint32_t n_words)
{
	uint32_t n = bitmap->n_words * 2 > n_words ? bitmap->n_words * 2 : n_words;
	bitmap->words = cs_realloc_array(bitmap->words, n, sizeof(*bitmap->words));
	memset(bitmap->words + bitmap->n_words, 0, (n - bitmap->n_words) * sizeof(*bitmap->words));
	bitmap->n_words = n;
}

void cs_bitmap_reserve(struct cs_bitmap *bitmap, uint32_t n)
{
	uint32_t n_words = n / 64 + 1;
	if (n_words > bitmap->n_words)
		grow(bitmap, n_words);
}

void cs_bitmap_set(struct cs_bitmap *bitmap, uint32_t row, bool value)
{
	uint32_t word = row / 64;
	if (word >= bitmap->n_words) {
		if (!value)
			return;
		grow(bitmap, word + 1);
	}
	uint64_t bit = UINT64_C(1) << (row % 64);
	bitmap->words[word] = value ? bitmap->words[word] | bit : bitmap->words[word] & ~bit;
}
