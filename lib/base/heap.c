// A binary heap of pointers to links; each link knows its place, so any can leave.
// Neighbours: the queue's backoff, timers, the least recently used.
#include <csched/base/heap.h>

#include <assert.h>
#include <csched/base/memory.h>

void cs_heap_init(struct cs_heap *heap, cs_heap_less_f less)
{
	*heap = (struct cs_heap){ .less = less };
}

void cs_heap_finish(struct cs_heap *heap)
{
	free(heap->items);
	*heap = (struct cs_heap){ .less = heap->less };
}

static void place(struct cs_heap *heap, struct cs_heap_link *link, size_t at)
{
	heap->items[at] = link;
	link->index = at;
}

// Both move `link`, whose place `at` counts as a hole, to where the order holds.
static void sift_up(struct cs_heap *heap, struct cs_heap_link *link, size_t at)
{
	while (at > 0) {
		size_t parent = (at - 1) / 2;
		if (!heap->less(link, heap->items[parent]))
			break;
		place(heap, heap->items[parent], at);
		at = parent;
	}
	place(heap, link, at);
}

static void sift_down(struct cs_heap *heap, struct cs_heap_link *link, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->less(heap->items[child + 1], heap->items[child]))
			child++;
		if (!heap->less(heap->items[child], link))
			break;
		place(heap, heap->items[child], at);
		at = child;
	}
	place(heap, link, at);
}

void cs_heap_push(struct cs_heap *heap, struct cs_heap_link *link)
{
	assert(link->index == CS_HEAP_OUT);
	if (heap->count == heap->capacity) {
		heap->capacity = heap->capacity ? heap->capacity * 2 : 16;
		heap->items = cs_realloc_array(heap->items, heap->capacity, sizeof(heap->items[0]));
	}
	sift_up(heap, link, heap->count++);
}

struct cs_heap_link *cs_heap_peek(const struct cs_heap *heap)
{
	return heap->count > 0 ? heap->items[0] : NULL;
}

struct cs_heap_link *cs_heap_pop(struct cs_heap *heap)
{
	struct cs_heap_link *first = cs_heap_peek(heap);
	if (first)
		cs_heap_remove(heap, first);
	return first;
}

void cs_heap_remove(struct cs_heap *heap, struct cs_heap_link *link)
{
	size_t at = link->index;
	assert(at < heap->count && heap->items[at] == link);
	struct cs_heap_link *last = heap->items[--heap->count];
	link->index = CS_HEAP_OUT;
	if (last == link)
		return;
	if (at > 0 && heap->less(last, heap->items[(at - 1) / 2]))
		sift_up(heap, last, at);
	else
		sift_down(heap, last, at);
}
