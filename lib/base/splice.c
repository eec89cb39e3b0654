// A list that grows by doubling. Neighbours: splice.h.
#include <csched/base/splice.h>

#include <csched/base/memory.h>

void cs_splices_add(struct cs_splices *splices, size_t at, struct cs_slice bytes)
{
	if (splices->n == splices->capacity) {
		splices->capacity = splices->capacity ? 2 * splices->capacity : 4;
		splices->items = cs_realloc_array(splices->items, splices->capacity,
						  sizeof(*splices->items));
	}
	splices->items[splices->n++] = (struct cs_splice){ at, bytes };
	splices->size += bytes.size;
}

void cs_splices_finish(struct cs_splices *splices)
{
	free(splices->items);
	*splices = (struct cs_splices){ 0 };
}
