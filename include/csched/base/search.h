// Finding a place in a sorted array. Neighbours: none; whoever keeps one by ids or rows.
#ifndef CSCHED_BASE_SEARCH_H
#define CSCHED_BASE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

// The place of the first of n elements that is not below `key`; n where all are. Elements have
// `size` bytes, begin with the uint32_t that they ascend by, and may be NULL where n is 0.
static inline uint32_t cs_search(const void *list, size_t size, uint32_t n, uint32_t key)
{
	uint32_t low = 0, high = n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (*(const uint32_t *)(const void *)((const char *)list + middle * size) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
