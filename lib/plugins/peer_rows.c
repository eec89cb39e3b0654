// The rows that peers of a pod are on. Neighbours: peer_rows.h.
#include "peer_rows.h"

bool cs_peer_rows_find(struct cs_cycle *cycle, struct cs_peer_rows *ret)
{
	*ret = (struct cs_peer_rows){ 0 };
	if (!cycle->demand->peers)
		return false;
	const struct cs_row_counts *counts = cs_query_counts(cycle->demand->peers);
	if (counts->total_live == 0)
		return false;
	ret->rows = cs_arena_alloc_array(cycle->scratch, counts->n, sizeof(*ret->rows));
	ret->counts = cs_arena_alloc_array(cycle->scratch, counts->n, sizeof(*ret->counts));
	for (uint32_t i = 0; i < counts->n; i++) {
		uint32_t row = counts->rows ? counts->rows[i] : i;
		if (counts->live[i] == 0 || !cycle->nodes->live[row])
			continue;
		ret->rows[ret->n] = row;
		ret->counts[ret->n++] = counts->live[i];
		ret->total += counts->live[i];
	}
	return ret->n > 0;
}
