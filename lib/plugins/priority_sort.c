// PrioritySort: higher priority first, then who came into the queue earlier.
// Neighbours: framework's queue orders by it; mirrors plugins/queuesort.
#include "plugins.h"

static int by_priority(const struct cs_pod *a, int64_t a_queued, const struct cs_pod *b,
		       int64_t b_queued)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return (a_queued > b_queued) - (a_queued < b_queued);
}

const struct cs_plugin cs_plugin_priority_sort = {
	.name = "PrioritySort",
	.queue_order = by_priority,
};
