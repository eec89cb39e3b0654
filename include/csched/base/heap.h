// An intrusive binary heap: the smallest element first, removal from the middle.
// Neighbours: list.h for what has no order.
#ifndef CSCHED_BASE_HEAP_H
#define CSCHED_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define CS_HEAP_OUT ((size_t)-1)

struct cs_heap_link {
	size_t index; // position, or CS_HEAP_OUT when in no heap: set so before first use
};

typedef bool (*cs_heap_less_f)(const struct cs_heap_link *a, const struct cs_heap_link *b);

struct cs_heap {
	struct cs_heap_link **items;
	size_t count;
	size_t capacity;
	cs_heap_less_f less;
};

void cs_heap_init(struct cs_heap *heap, cs_heap_less_f less);
void cs_heap_finish(struct cs_heap *heap); // not the elements
void cs_heap_push(struct cs_heap *heap, struct cs_heap_link *link);
struct cs_heap_link *cs_heap_peek(const struct cs_heap *heap); // NULL when empty
struct cs_heap_link *cs_heap_pop(struct cs_heap *heap);        // NULL when empty
void cs_heap_remove(struct cs_heap *heap, struct cs_heap_link *link);

#endif
