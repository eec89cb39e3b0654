// Bytes that stand elsewhere and belong into a text, so that what is long need not be copied.
// Neighbours: buffer.h holds the text; http sends both.
#ifndef CSCHED_BASE_SPLICE_H
#define CSCHED_BASE_SPLICE_H

#include <stddef.h>

#include <csched/base/slice.h>

struct cs_splice {
	size_t at; // how many bytes of the text come before it
	struct cs_slice bytes;
};

// All zero = empty; finish it.
struct cs_splices {
	struct cs_splice *items; // by `at`, those of one place in the order they were added
	size_t n;
	size_t capacity;
	size_t size; // bytes of all
};

void cs_splices_add(struct cs_splices *splices, size_t at, struct cs_slice bytes);
void cs_splices_finish(struct cs_splices *splices);

#endif
