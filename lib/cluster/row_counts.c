// Counts of pods per row. Neighbours: row_counts.h.
// One block holds the arrays: `rows` (sparse alone), `live`, `terminating`, of `capacity` entries.
#include "row_counts.h"

#include <assert.h>
#include <csched/base/memory.h>
#include <csched/base/search.h>
#include <csched/cluster/topology.h>
#include <string.h>

#define FIRST_CAPACITY 4u
#define DENSE_SHARE    10u // dense from a tenth of the rows on
#define SPARSE_SHARE   40u // sparse again below a fortieth

static void *block_of(const struct cs_row_counts *counts)
{
	return counts->rows ? counts->rows : counts->live;
}

void cs_row_counts_finish(struct cs_row_counts *counts)
{
	free(block_of(counts));
	*counts = (struct cs_row_counts){ 0 };
}

// New arrays of that capacity, zeroed; the old block is the caller's to free.
static void set_arrays(struct cs_row_counts *counts, bool dense, uint32_t capacity)
{
	uint32_t *block = cs_alloc_array(capacity, (dense ? 2 : 3) * sizeof(*block));
	counts->rows = dense ? NULL : block;
	counts->live = dense ? block : block + capacity;
	counts->terminating = counts->live + capacity;
	counts->capacity = capacity;
}

// ---- sparse ----

// The first entry whose row is not below `row`.
static uint32_t search(const struct cs_row_counts *counts, uint32_t row)
{
	return cs_search(counts->rows, sizeof(*counts->rows), counts->n, row);
}

static void grow(struct cs_row_counts *counts)
{
	struct cs_row_counts old = *counts;
	set_arrays(counts, false, old.capacity ? old.capacity * 2 : FIRST_CAPACITY);
	if (old.n > 0) {
		memcpy(counts->rows, old.rows, old.n * sizeof(*old.rows));
		memcpy(counts->live, old.live, old.n * sizeof(*old.live));
		memcpy(counts->terminating, old.terminating, old.n * sizeof(*old.terminating));
	}
	free(block_of(&old));
}

// Moves what stands from entry `from` on by one place, up or down.
static void shift(struct cs_row_counts *counts, uint32_t from, int by)
{
	size_t size = (counts->n - from) * sizeof(*counts->rows);
	memmove(counts->rows + from + by, counts->rows + from, size);
	memmove(counts->live + from + by, counts->live + from, size);
	memmove(counts->terminating + from + by, counts->terminating + from, size);
}

static void add_sparse(struct cs_row_counts *counts, struct cs_row_change change)
{
	uint32_t at = search(counts, change.row);
	if (at == counts->n || counts->rows[at] != change.row) {
		if (counts->n == counts->capacity)
			grow(counts);
		shift(counts, at, 1);
		counts->n++;
		counts->rows[at] = change.row;
		counts->live[at] = counts->terminating[at] = 0;
	}
	counts->live[at] += (uint32_t)change.live;
	counts->terminating[at] += (uint32_t)change.terminating;
	if (counts->live[at] == 0 && counts->terminating[at] == 0) {
		shift(counts, at + 1, -1);
		counts->n--;
	}
	counts->n_used = counts->n;
}

// ---- dense ----

static void make_dense(struct cs_row_counts *counts, uint32_t n_rows)
{
	struct cs_row_counts old = *counts;
	set_arrays(counts, true, n_rows);
	uint32_t at = 0;
	struct cs_row_change entry;
	while (cs_row_counts_next(&old, &at, &entry)) {
		counts->live[entry.row] = (uint32_t)entry.live;
		counts->terminating[entry.row] = (uint32_t)entry.terminating;
	}
	counts->n = n_rows;
	free(block_of(&old));
}

static void make_sparse(struct cs_row_counts *counts)
{
	struct cs_row_counts old = *counts;
	set_arrays(counts, false, old.n_used < FIRST_CAPACITY ? FIRST_CAPACITY : old.n_used);
	counts->n = 0;
	uint32_t at = 0;
	struct cs_row_change entry;
	while (cs_row_counts_next(&old, &at, &entry)) {
		counts->rows[counts->n] = entry.row;
		counts->live[counts->n] = (uint32_t)entry.live;
		counts->terminating[counts->n++] = (uint32_t)entry.terminating;
	}
	free(block_of(&old));
}

static void add_dense(struct cs_row_counts *counts, struct cs_row_change change)
{
	bool was_used = counts->live[change.row] || counts->terminating[change.row];
	counts->live[change.row] += (uint32_t)change.live;
	counts->terminating[change.row] += (uint32_t)change.terminating;
	bool is_used = counts->live[change.row] || counts->terminating[change.row];
	counts->n_used += is_used;
	counts->n_used -= was_used;
}

// ---- both ----

void cs_row_counts_add(struct cs_row_counts *counts, uint32_t n_rows, struct cs_row_change change)
{
	assert(change.row < n_rows);
	if (change.live == 0 && change.terminating == 0)
		return;
	bool dense = counts->n > 0 && !counts->rows;
	if (dense ? change.row >= counts->n
		  : counts->n >= FIRST_CAPACITY && counts->n >= n_rows / DENSE_SHARE) {
		make_dense(counts, n_rows);
		dense = true;
	}
	if (dense)
		add_dense(counts, change);
	else
		add_sparse(counts, change);
	if (dense && counts->n_used < n_rows / SPARSE_SHARE)
		make_sparse(counts);
	counts->total_live += (uint64_t)(int64_t)change.live;
	counts->total_terminating += (uint64_t)(int64_t)change.terminating;
	counts->changed[counts->version++ % CS_ROW_CHANGES] = change.row;
}

struct cs_row_count cs_row_counts_get(const struct cs_row_counts *counts, uint32_t row)
{
	uint32_t at = row;
	if (counts->rows) {
		at = search(counts, row);
		if (at < counts->n && counts->rows[at] != row)
			at = counts->n;
	}
	if (at >= counts->n)
		return (struct cs_row_count){ 0 };
	return (struct cs_row_count){ counts->live[at], counts->terminating[at] };
}

bool cs_row_counts_next(const struct cs_row_counts *counts, uint32_t *at, struct cs_row_change *ret)
{
	for (; *at < counts->n; ++*at) {
		uint32_t i = *at;
		if (counts->live[i] == 0 && counts->terminating[i] == 0)
			continue;
		*ret = (struct cs_row_change){
			.row = counts->rows ? counts->rows[i] : i,
			.live = (int32_t)counts->live[i],
			.terminating = (int32_t)counts->terminating[i],
		};
		++*at;
		return true;
	}
	return false;
}

uint64_t cs_row_counts_in(const struct cs_row_counts *counts, const struct cs_topology *topology,
			  uint32_t domain)
{
	uint64_t n = 0;
	uint32_t at = 0;
	struct cs_row_change change;
	while (cs_row_counts_next(counts, &at, &change))
		if (topology->domain[change.row] == domain)
			n += (uint64_t)change.live + (uint64_t)change.terminating;
	return n;
}
