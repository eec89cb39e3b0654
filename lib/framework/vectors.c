// Verdicts and scores of a demand over all rows, computed afresh or for changed rows alone.
// Neighbours: vectors.h; cycle.c decides which vectors are kept.
#include "vectors.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "kernel.h"

static bool is_off(uint64_t mask, const struct cs_plugin_instance *instance)
{
	return mask >> instance->index & 1;
}

void vectors_finish(struct vectors *vectors)
{
	free(vectors->filter_versions);
	free(vectors->score_versions);
	free(vectors->by);
	free(vectors->verdict);
	free(vectors->feasible);
	free(vectors->words);
	free(vectors->base);
	free(vectors->total);
	free(vectors->tops);
	for (uint32_t i = 0; i < vectors->n_raw; i++)
		free(vectors->raw[i]);
	free(vectors->raw);
	*vectors = (struct vectors){ 0 };
}

static uint32_t count_normalising(const struct cs_profile *profile)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < profile->n_score; i++)
		count += profile->score[i]->plugin->normalise != NULL;
	return count;
}

static void grow(struct vectors *vectors, const struct vectors_input *input)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	if (!vectors->raw) {
		uint32_t n_instances = input->profile->n_instances;
		vectors->filter_versions =
			cs_alloc_array(n_instances, sizeof(*vectors->filter_versions));
		vectors->score_versions =
			cs_alloc_array(n_instances, sizeof(*vectors->score_versions));
		vectors->n_raw = count_normalising(input->profile);
		vectors->raw = cs_alloc_array(vectors->n_raw + 1, sizeof(*vectors->raw));
	}
	if (vectors->capacity < nodes->n_rows) {
		uint32_t n = nodes->capacity;
		vectors->by = cs_realloc_array(vectors->by, n, sizeof(*vectors->by));
		vectors->verdict = cs_realloc_array(vectors->verdict, n, sizeof(*vectors->verdict));
		vectors->feasible =
			cs_realloc_array(vectors->feasible, n, sizeof(*vectors->feasible));
		vectors->base = cs_realloc_array(vectors->base, n, sizeof(*vectors->base));
		vectors->total = cs_realloc_array(vectors->total, n, sizeof(*vectors->total));
		vectors->tops =
			cs_realloc_array(vectors->tops, n / TOP_ROWS + 1, sizeof(*vectors->tops));
		for (uint32_t i = 0; i < vectors->n_raw; i++)
			vectors->raw[i] =
				cs_realloc_array(vectors->raw[i], n, sizeof(*vectors->raw[i]));
		vectors->capacity = n;
	}
	// Rows that are new to these columns: the log names them if they are live.
	for (uint32_t row = vectors->n_rows; row < nodes->n_rows; row++) {
		vectors->by[row] = BY_NOT_NOW;
		vectors->verdict[row] = 0;
		vectors->base[row] = 0;
		vectors->total[row] = -INFINITY;
		for (uint32_t i = 0; i < vectors->n_raw; i++)
			vectors->raw[i][row] = 0;
	}
	if (vectors->n_rows < nodes->n_rows)
		vectors->n_rows = nodes->n_rows;
}

// How many changes of rows a reader of the log at `seen` has missed; UINT32_MAX = better afresh.
static uint32_t missed(const struct cs_node_table *nodes, uint64_t seen)
{
	uint64_t count = nodes->log_end - seen;
	return count > nodes->log_size || count > nodes->n_rows / 8 + 1 ? UINT32_MAX
									: (uint32_t)count;
}

static uint32_t log_row(const struct cs_node_table *nodes, uint64_t at)
{
	return nodes->log_rows[at % nodes->log_size];
}

// Whether what the plugins said then holds. Takes the versions of now over.
static bool renew_versions(uint64_t *versions, const struct cs_profile *profile, bool of_scores)
{
	bool same = true;
	for (uint32_t i = 0; i < profile->n_instances; i++) {
		const struct cs_plugin_instance *instance = &profile->instances[i];
		uint64_t now = of_scores ? instance->score_version : instance->filter_version;
		same &= versions[i] == now;
		versions[i] = now;
	}
	return same;
}

// ---- filters ----

static void filter_rows(struct vectors *vectors, const struct vectors_input *input,
			struct cs_rows rows)
{
	const struct cs_profile *profile = input->profile;
	kernel_reset(input->cycle->nodes->live, rows, vectors->by, vectors->verdict);
	for (uint32_t i = 0; i < profile->n_filter; i++) {
		const struct cs_plugin_instance *instance = profile->filter[i];
		if (is_off(input->filters_off, instance))
			continue;
		instance->plugin->filter(input->cycle, instance, rows, input->one);
		kernel_merge(input->one, rows, (uint8_t)i, vectors->by, vectors->verdict);
	}
}

static void filter_changed(struct vectors *vectors, const struct vectors_input *input, uint32_t row)
{
	bool was = vectors->by[row] == BY_NOBODY;
	filter_rows(vectors, input, (struct cs_rows){ row, row + 1 });
	if (was != (vectors->by[row] == BY_NOBODY))
		vectors->set++;
}

static void list_feasible(struct vectors *vectors)
{
	if (vectors->listed_set == vectors->set)
		return;
	vectors->n_feasible = kernel_list(vectors->by, vectors->n_rows, vectors->feasible);
	vectors->listed_set = vectors->set;
}

void vectors_filter(struct vectors *vectors, const struct vectors_input *input)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	grow(vectors, input);
	uint32_t n = UINT32_MAX;
	bool same = renew_versions(vectors->filter_versions, input->profile, false);
	if (vectors->filtered && same && vectors->filters_off == input->filters_off)
		n = missed(nodes, vectors->filter_log);
	if (n == UINT32_MAX) {
		filter_rows(vectors, input, (struct cs_rows){ 0, nodes->n_rows });
		vectors->set++;
		vectors->scored = false;
		vectors->words_log = UINT64_MAX;
	} else {
		for (uint64_t at = vectors->filter_log; at < nodes->log_end; at++)
			filter_changed(vectors, input, log_row(nodes, at));
	}
	vectors->filtered = true;
	vectors->filters_off = input->filters_off;
	vectors->filter_log = nodes->log_end;
	list_feasible(vectors);
}

void vectors_filter_only(struct vectors *vectors, const struct vectors_input *input)
{
	const struct cs_cycle *cycle = input->cycle;
	grow(vectors, input);
	memset(vectors->by, BY_NOT_NOW, vectors->n_rows);
	for (uint32_t i = 0; i < cycle->n_only; i++)
		filter_rows(vectors, input, (struct cs_rows){ cycle->only[i], cycle->only[i] + 1 });
	vectors->filtered = false;
	vectors->scored = false;
	vectors->set++;
	list_feasible(vectors);
}

// ---- scores ----

// Upstream's words, grammar included (framework/runtime/framework.go, RunScorePlugins).
static int out_of_range(const struct vectors *vectors, const struct vectors_input *input,
			const struct cs_plugin_instance *instance, struct cs_error *err)
{
	int64_t wrong = 0;
	for (uint32_t i = 0; i < vectors->n_feasible; i++) {
		wrong = input->out[vectors->feasible[i]];
		if ((uint64_t)wrong > 100)
			break;
	}
	return cs_error_set(err, -ERANGE,
			    "applying score defaultWeights on Score plugins: plugin \"%s\" returns "
			    "an invalid score %" PRId64
			    ", it should in the range of [0, 100] after normalizing",
			    instance->plugin->name, wrong);
}

static void refresh_top(struct vectors *vectors, uint32_t block)
{
	uint32_t first = block * TOP_ROWS, end = first + TOP_ROWS;
	vectors->tops[block] =
		kernel_max(vectors->total, first, end < vectors->n_rows ? end : vectors->n_rows);
}

// Scores rows by all plugins: into `base`, and before normalising into `raw`.
static int score_rows(struct vectors *vectors, const struct vectors_input *input,
		      struct cs_rows rows, bool *ret_raw_differs, struct cs_error *err)
{
	const struct cs_profile *profile = input->profile;
	uint32_t n_raw = 0;
	for (uint32_t row = rows.first; row < rows.end; row++)
		vectors->base[row] = 0;
	for (uint32_t i = 0; i < profile->n_score; i++) {
		const struct cs_plugin_instance *instance = profile->score[i];
		int64_t *raw = instance->plugin->normalise ? vectors->raw[n_raw++] : NULL;
		if (is_off(input->scores_off, instance))
			continue;
		instance->plugin->score(input->cycle, instance, rows, input->out);
		const int64_t *out = input->out + rows.first;
		size_t size = (rows.end - rows.first) * sizeof(*out);
		if (!raw) {
			if (!kernel_add(input->out, vectors->by, rows, instance->weight,
					vectors->base))
				return out_of_range(vectors, input, instance, err);
		} else if (memcmp(raw + rows.first, out, size) != 0) {
			memcpy(raw + rows.first, out, size);
			*ret_raw_differs = true;
		}
	}
	return 0;
}

// total = base + normalised scores, over all rows.
static int add_normalised(struct vectors *vectors, const struct vectors_input *input,
			  struct cs_error *err)
{
	const struct cs_profile *profile = input->profile;
	uint32_t n_raw = 0;
	struct cs_rows all = { 0, vectors->n_rows };
	kernel_total(vectors->base, vectors->by, all, vectors->total);
	for (uint32_t i = 0; i < profile->n_score; i++) {
		const struct cs_plugin_instance *instance = profile->score[i];
		if (!instance->plugin->normalise)
			continue;
		const int64_t *raw = vectors->raw[n_raw++];
		if (is_off(input->scores_off, instance))
			continue;
		memcpy(input->out, raw, vectors->n_rows * sizeof(*raw));
		instance->plugin->normalise(input->cycle, instance, vectors->feasible,
					    vectors->n_feasible, input->out);
		if (!kernel_add(input->out, vectors->by, all, instance->weight, vectors->total))
			return out_of_range(vectors, input, instance, err);
	}
	for (uint32_t block = 0; block * TOP_ROWS < vectors->n_rows; block++)
		refresh_top(vectors, block);
	return 0;
}

static int score_changed(struct vectors *vectors, const struct vectors_input *input, uint32_t row,
			 bool *ret_again, struct cs_error *err)
{
	double before = vectors->base[row];
	int r = score_rows(vectors, input, (struct cs_rows){ row, row + 1 }, ret_again, err);
	vectors->total[row] += vectors->base[row] - before; // -infinity stays
	refresh_top(vectors, row / TOP_ROWS);
	return r;
}

static int score_missed(struct vectors *vectors, const struct vectors_input *input,
			struct cs_error *err)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	// With another set of feasible rows every normalised score may be another one.
	bool again = vectors->scored_set != vectors->set;
	for (uint64_t at = vectors->score_log; at < nodes->log_end; at++) {
		int r = score_changed(vectors, input, log_row(nodes, at), &again, err);
		if (r)
			return r;
	}
	return again ? add_normalised(vectors, input, err) : 0;
}

int vectors_score(struct vectors *vectors, const struct vectors_input *input, struct cs_error *err)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	bool same = renew_versions(vectors->score_versions, input->profile, true);
	bool afresh = !vectors->scored || !same || vectors->scores_off != input->scores_off ||
		      missed(nodes, vectors->score_log) == UINT32_MAX;
	bool ignored;
	int r;
	if (!afresh) {
		r = score_missed(vectors, input, err);
	} else {
		r = score_rows(vectors, input, (struct cs_rows){ 0, nodes->n_rows }, &ignored, err);
		if (!r)
			r = add_normalised(vectors, input, err);
	}
	vectors->scored = !r;
	vectors->scores_off = input->scores_off;
	vectors->scored_set = vectors->set;
	vectors->score_log = nodes->log_end;
	return r;
}

// ---- the best ----

static uint32_t rows_of(const struct vectors *vectors, uint32_t block)
{
	uint32_t rest = vectors->n_rows - block * TOP_ROWS;
	return rest < TOP_ROWS ? rest : TOP_ROWS;
}

double vectors_best(const struct vectors *vectors, uint32_t except)
{
	uint32_t n_blocks = (vectors->n_rows + TOP_ROWS - 1) / TOP_ROWS;
	if (except == CS_ROW_NONE)
		return kernel_max(vectors->tops, 0, n_blocks);
	uint32_t block = except / TOP_ROWS;
	const double bests[] = {
		kernel_max(vectors->tops, 0, block),
		kernel_max(vectors->tops, block + 1, n_blocks),
		kernel_max(vectors->total, block * TOP_ROWS, except),
		kernel_max(vectors->total, except + 1, block * TOP_ROWS + rows_of(vectors, block)),
	};
	return kernel_max(bests, 0, CS_ARRAY_LENGTH(bests));
}

uint32_t vectors_count(const struct vectors *vectors, double value)
{
	uint32_t count = 0;
	for (uint32_t block = 0; block * TOP_ROWS < vectors->n_rows; block++)
		if (vectors->tops[block] >= value)
			count += kernel_count(vectors->total + block * TOP_ROWS,
					      rows_of(vectors, block), value);
	return count;
}

uint32_t vectors_nth(const struct vectors *vectors, double value, uint32_t n)
{
	uint32_t block = 0;
	for (;; block++) {
		if (vectors->tops[block] < value)
			continue;
		uint32_t count = kernel_count(vectors->total + block * TOP_ROWS,
					      rows_of(vectors, block), value);
		if (n < count)
			break;
		n -= count;
	}
	uint32_t row = block * TOP_ROWS;
	while (vectors->total[row] != value || n-- > 0)
		row++;
	return row;
}
