// Classes of rows, made afresh or brought up to date row by row. Neighbours: spread_classes.h.
#include "spread_classes.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "kernel.h"
#include "spread_kernel.h"

#define KEPT        32 // as many questions as the framework keeps demands
#define CLASSES_MAX 4096
#define COUNTS_MIN  4

// The answer to one question. What it was asked with may be gone: versions tell, which never come
// again.
struct kept {
	bool known;
	struct cs_spread_asked asked; // of all_keys only whether there were any
	uint64_t used;                // number of the last question
	uint64_t counts_version;
	uint64_t domains_version;
	uint64_t hosts_version;
	uint32_t n_table_rows;
	uint32_t capacity;   // of of_row
	uint32_t n_capacity; // of n_rows
	uint16_t *of_row;
	uint32_t *n_rows;
	struct cs_spread_classes shown;
};

struct cs_spread_memory {
	uint64_t n_asked;
	struct kept kept[KEPT];
};

struct cs_spread_memory *cs_spread_memory_create(void)
{
	return cs_alloc(sizeof(struct cs_spread_memory));
}

void cs_spread_memory_destroy(struct cs_spread_memory *memory)
{
	for (uint32_t i = 0; i < KEPT; i++) {
		free(memory->kept[i].of_row);
		free(memory->kept[i].n_rows);
	}
	free(memory);
}

// ---- one question ----

static const struct cs_row_counts *counts_of(const struct kept *kept)
{
	return kept->asked.query ? cs_query_counts(kept->asked.query) : NULL;
}

static uint64_t version_of(const struct cs_topology *topology)
{
	return topology ? topology->version : 0;
}

// False: the row has more pods than there are classes for.
static bool move(struct kept *kept, uint32_t row, uint32_t n_pods)
{
	uint32_t class = row < kept->n_table_rows ? kept->of_row[row] : 0;
	if (class == 0)
		return true;
	if (n_pods >= kept->shown.n_counts)
		return false;
	uint32_t now = class - ((class - 1) & (kept->shown.n_counts - 1)) + n_pods;
	kept->n_rows[class]--;
	kept->n_rows[now]++;
	kept->of_row[row] = (uint16_t)now;
	return true;
}

// False: it has to be made afresh.
static bool catch_up(struct kept *kept)
{
	const struct cs_row_counts *counts = counts_of(kept);
	uint64_t now = counts ? counts->version : 0;
	if (now - kept->counts_version > CS_ROW_CHANGES)
		return false;
	for (uint64_t v = kept->counts_version; v < now; v++) {
		uint32_t row = counts->changed[v % CS_ROW_CHANGES];
		if (!move(kept, row, cs_row_counts_get(counts, row).live))
			return false;
	}
	kept->counts_version = now;
	return true;
}

static bool set_size(struct kept *kept, const struct cs_node_table *nodes)
{
	const struct cs_row_counts *counts = counts_of(kept);
	uint64_t most = counts ? cs_kernel_greatest(counts->live, counts->n) : 0;
	uint64_t n_counts = COUNTS_MIN;
	uint64_t n_slots = kept->asked.domains ? (uint64_t)kept->asked.domains->n_domains + 1 : 2;
	while (n_counts < most + 2)
		n_counts *= 2;
	if (1 + n_slots * n_counts > CLASSES_MAX)
		return false;
	kept->shown.n_slots = (uint32_t)n_slots;
	kept->shown.n_counts = (uint32_t)n_counts;
	kept->shown.n = (uint32_t)(1 + n_slots * n_counts);
	if (kept->capacity < nodes->n_rows) {
		kept->capacity = nodes->capacity;
		free(kept->of_row);
		kept->of_row = cs_alloc_array(kept->capacity, sizeof(*kept->of_row));
	}
	if (kept->n_capacity < kept->shown.n) {
		kept->n_capacity = kept->shown.n;
		free(kept->n_rows);
		kept->n_rows = cs_alloc_array((size_t)CS_SPREAD_LANES * kept->n_capacity,
					      sizeof(*kept->n_rows));
	}
	kept->n_table_rows = nodes->n_rows;
	return true;
}

// Of rows without pods, where all live ones are asked about.
static void count_empty(struct kept *kept, const struct cs_node_table *nodes)
{
	const struct cs_topology *domains = kept->asked.domains;
	uint32_t rest = nodes->n_live;
	memset(kept->n_rows, 0, kept->shown.n * sizeof(*kept->n_rows));
	for (uint32_t i = 0; domains && i < domains->n_domains; i++) {
		kept->n_rows[1 + (i + 1) * kept->shown.n_counts] = domains->n_rows[i];
		rest -= domains->n_rows[i];
	}
	kept->n_rows[1 + (domains ? 0 : kept->shown.n_counts)] = rest;
}

static bool make(struct kept *kept, const struct cs_node_table *nodes)
{
	const struct cs_row_counts *counts = counts_of(kept);
	const struct cs_topology *domains = kept->asked.domains;
	const uint8_t *all_keys = kept->asked.all_keys;
	if (!set_size(kept, nodes))
		return false;
	const struct cs_spread_classing classing = {
		.domain = domains ? domains->domain : NULL,
		.keep = all_keys ? all_keys : nodes->live,
		.n_counts = kept->shown.n_counts,
		.n_rows = nodes->n_rows,
	};
	bool dense = counts && !counts->rows && counts->n > 0;
	cs_spread_classes_empty(&classing, kept->of_row);
	if (dense)
		cs_spread_classes_add(counts->live,
				      counts->n < nodes->n_rows ? counts->n : nodes->n_rows,
				      kept->of_row);
	if (dense || all_keys)
		cs_spread_classes_count(kept->of_row, nodes->n_rows, kept->shown.n, kept->n_rows);
	else
		count_empty(kept, nodes);
	for (uint32_t i = 0; counts && !dense && i < counts->n; i++)
		move(kept, counts->rows[i], counts->live[i]);
	kept->counts_version = counts ? counts->version : 0;
	kept->domains_version = version_of(domains);
	kept->hosts_version = version_of(kept->asked.hosts);
	kept->shown.of_row = kept->of_row;
	kept->shown.n_rows = kept->n_rows;
	return true;
}

// ---- all of them ----

static bool same_question(const struct cs_spread_asked *a, const struct cs_spread_asked *b)
{
	return a->query == b->query && a->domains == b->domains && a->hosts == b->hosts &&
	       !a->all_keys == !b->all_keys;
}

// The one that was asked before, or the one that has not been asked for longest.
static struct kept *find(struct cs_spread_memory *memory, const struct cs_spread_asked *asked)
{
	struct kept *oldest = &memory->kept[0];
	for (uint32_t i = 0; i < KEPT; i++) {
		struct kept *kept = &memory->kept[i];
		if (same_question(&kept->asked, asked))
			return kept; // not known: it had too many classes
		if (kept->used < oldest->used)
			oldest = kept;
	}
	oldest->known = false;
	return oldest;
}

const struct cs_spread_classes *cs_spread_classify(struct cs_spread_memory *memory,
						   const struct cs_cycle *cycle,
						   const struct cs_spread_asked *asked)
{
	struct kept *kept = find(memory, asked);
	kept->asked = *asked;
	kept->used = ++memory->n_asked;
	kept->known = (kept->known && kept->n_table_rows == cycle->nodes->n_rows &&
		       kept->domains_version == version_of(asked->domains) &&
		       kept->hosts_version == version_of(asked->hosts) && catch_up(kept)) ||
		      make(kept, cycle->nodes);
	return kept->known ? &kept->shown : NULL;
}

void cs_spread_class_sums(const struct cs_spread_classes *classes, uint32_t *restrict slots)
{
	const uint32_t *n_rows = classes->n_rows + 1;
	for (uint32_t slot = 0; slot < classes->n_slots; slot++, n_rows += classes->n_counts) {
		slots[slot] = 0;
		for (uint32_t count = 1; count < classes->n_counts; count++)
			slots[slot] += count * n_rows[count];
	}
}
