// An intrusive doubly linked list. Neighbours: heap.h for what has an order.
#ifndef CSCHED_BASE_LIST_H
#define CSCHED_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <csched/base/memory.h>

// A head and a link are the same; a link off every list points to itself.
struct cs_list {
	struct cs_list *next;
	struct cs_list *prev;
};

static inline void cs_list_init(struct cs_list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool cs_list_empty(const struct cs_list *list)
{
	return list->next == list;
}

static inline void cs_list_append(struct cs_list *head, struct cs_list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void cs_list_remove(struct cs_list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	cs_list_init(link);
}

// The loop body may remove `link` (not others).
#define CS_LIST_FOR_EACH(link, head)                                                         \
	for (struct cs_list *link = (head)->next, *next_##link = link->next; link != (head); \
	     link = next_##link, next_##link = link->next)

#endif
