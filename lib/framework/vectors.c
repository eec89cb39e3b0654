// Verdicts and scores of a demand over all rows, computed afresh or for changed rows alone.
// Neighbours: vectors.h; cycle.c decides which vectors are kept.
#include "vectors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "kernel.h"
#include "times.h"

#define FEW_SCORES 8 // that are normalised one by one

// Whether a row-local plugin has its say.
static bool is_on(const struct vectors_input *input, uint64_t off,
		  const struct cs_plugin_instance *instance)
{
	return (input->local & ~off) >> instance->index & 1;
}

void vectors_finish(struct vectors *vectors)
{
	free(vectors->filter_versions);
	free(vectors->score_versions);
	free(vectors->by);
	free(vectors->verdict);
	free(vectors->feasible);
	free(vectors->words);
	free(vectors->sum);
	free(vectors->tops);
	free(vectors->ties);
	for (uint32_t i = 0; i < vectors->n_normals; i++) {
		free(vectors->normals[i].raw);
		free(vectors->normals[i].norm);
	}
	free(vectors->normals);
	*vectors = (struct vectors){ 0 };
}

// Whether a score plugin has an entry in `normals`: these are in the profile's order.
static bool has_normal(const struct cs_plugin_instance *instance)
{
	return instance->plugin->row_local && instance->plugin->normalise;
}

static uint32_t count_normals(const struct cs_profile *profile)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < profile->n_score; i++)
		count += has_normal(profile->score[i]);
	return count;
}

#define GROW(column, old, n) ((column) = cs_grow_column((column), (old), (n), sizeof(*(column))))

static void grow_normal(struct normal *normal, uint32_t old, uint32_t n)
{
	GROW(normal->raw, old, n);
	GROW(normal->norm, old, n);
}

static void grow(struct vectors *vectors, const struct vectors_input *input)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	if (!vectors->normals) {
		uint32_t n_instances = input->profile->n_instances;
		vectors->filter_versions =
			cs_alloc_array(n_instances, sizeof(*vectors->filter_versions));
		vectors->score_versions =
			cs_alloc_array(n_instances, sizeof(*vectors->score_versions));
		vectors->n_normals = count_normals(input->profile);
		vectors->normals =
			cs_alloc_array(vectors->n_normals + 1, sizeof(*vectors->normals));
	}
	if (vectors->capacity < nodes->n_rows) {
		uint32_t old = vectors->capacity, n = nodes->capacity;
		GROW(vectors->by, old, n);
		GROW(vectors->verdict, old, n);
		GROW(vectors->feasible, old, n);
		GROW(vectors->sum, old, n);
		GROW(vectors->tops, 0, n / TOP_ROWS + 1);
		GROW(vectors->ties, 0, n / TOP_ROWS + 1);
		for (uint32_t i = 0; i < vectors->n_normals; i++)
			if (vectors->normals[i].raw)
				grow_normal(&vectors->normals[i], old, n);
		vectors->capacity = n;
	}
	if (vectors->n_rows == nodes->n_rows)
		return;
	// Rows that are new to these columns: the log names them if they are live.
	for (uint32_t row = vectors->n_rows; row < nodes->n_rows; row++) {
		vectors->by[row] = BY_NOT_NOW;
		vectors->verdict[row] = 0;
		vectors->sum[row] = 0;
		for (uint32_t i = 0; i < vectors->n_normals; i++)
			if (vectors->normals[i].spread)
				vectors->normals[i].norm[row] = NORM_UNKNOWN;
	}
	vectors->n_rows = nodes->n_rows;
	vectors->tops_known = false;
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
		same &= versions[i] == now || !instance->plugin->row_local;
		versions[i] = now;
	}
	return same;
}

// ---- filters ----

static void filter_block(struct vectors *vectors, const struct vectors_input *input,
			 struct cs_rows rows)
{
	const struct cs_profile *profile = input->profile;
	kernel_reset(input->cycle->nodes->live, rows, vectors->by, vectors->verdict);
	for (uint32_t i = 0; i < profile->n_filter; i++) {
		const struct cs_plugin_instance *instance = profile->filter[i];
		if (!is_on(input, input->filters_off, instance))
			continue;
		ask_filter(input->cycle, instance, rows, input->one);
		if (kernel_merge(input->one, rows, (uint8_t)i, vectors->by, vectors->verdict))
			vectors->rejecting |= UINT64_C(1) << i;
	}
}

static struct cs_rows block_at(uint32_t first, uint32_t n_rows)
{
	uint32_t end = n_rows - first > BLOCK_ROWS ? first + BLOCK_ROWS : n_rows;
	return (struct cs_rows){ first, end };
}

static void filter_all(struct vectors *vectors, const struct vectors_input *input)
{
	vectors->rejecting = 0;
	for (uint32_t first = 0; first < vectors->n_rows; first += BLOCK_ROWS)
		filter_block(vectors, input, block_at(first, vectors->n_rows));
}

// Other rows are feasible than before.
static void renew_set(struct vectors *vectors)
{
	vectors->set++;
	vectors->feasible[0] = CS_ROW_NONE;
}

static void filter_changed(struct vectors *vectors, const struct vectors_input *input, uint32_t row)
{
	bool was = vectors->by[row] == BY_NOBODY;
	filter_block(vectors, input, (struct cs_rows){ row, row + 1 });
	bool is = vectors->by[row] == BY_NOBODY;
	vectors->n_feasible = vectors->n_feasible + is - was;
	if (is != was)
		renew_set(vectors);
}

// Of rows that all were filtered afresh.
static void count_feasible(struct vectors *vectors)
{
	vectors->n_feasible = kernel_count_bytes(vectors->by, vectors->n_rows, BY_NOBODY);
	renew_set(vectors);
	vectors->scored = false;
}

void vectors_filter(struct vectors *vectors, const struct vectors_input *input)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	uint64_t off = input->filters_off & input->local;
	grow(vectors, input);
	uint32_t n = UINT32_MAX;
	bool same = renew_versions(vectors->filter_versions, input->profile, false);
	if (vectors->filtered && same && vectors->filters_off == off)
		n = missed(nodes, vectors->filter_log);
	if (n == UINT32_MAX) {
		filter_all(vectors, input);
		count_feasible(vectors);
		vectors->words_log = UINT64_MAX;
	} else {
		for (uint64_t at = vectors->filter_log; at < nodes->log_end; at++)
			filter_changed(vectors, input, log_row(nodes, at));
	}
	vectors->filtered = true;
	vectors->filters_off = off;
	vectors->filter_log = nodes->log_end;
}

void vectors_filter_only(struct vectors *vectors, const struct vectors_input *input)
{
	const struct cs_cycle *cycle = input->cycle;
	grow(vectors, input);
	memset(vectors->by, BY_NOT_NOW, vectors->n_rows);
	vectors->rejecting = 0;
	for (uint32_t i = 0; i < cycle->n_only; i++)
		filter_block(vectors, input,
			     (struct cs_rows){ cycle->only[i], cycle->only[i] + 1 });
	vectors->filtered = false;
	count_feasible(vectors);
}

// ---- scores ----

// Upstream's words, grammar included (framework/runtime/framework.go, RunScorePlugins).
static int out_of_range(const struct cs_plugin_instance *instance, int64_t score,
			struct cs_error *err)
{
	return cs_error_set(err, -ERANGE,
			    "applying score defaultWeights on Score plugins: plugin \"%s\" returns "
			    "an invalid score %" PRId64
			    ", it should in the range of [0, 100] after normalizing",
			    instance->plugin->name, score);
}

int vectors_check_range(const struct cs_plugin_instance *instance, const uint8_t *scores,
			const uint8_t *by, struct cs_rows rows, struct cs_error *err)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		if (by[row] == BY_NOBODY && scores[row] > 100)
			return out_of_range(instance, scores[row], err);
	return 0;
}

int vectors_check_normalised(const struct cs_plugin_instance *instance, const int64_t *out,
			     const uint32_t *list, uint32_t n, struct cs_error *err)
{
	for (uint32_t i = 0; i < n; i++)
		if ((uint64_t)out[list[i]] > 100)
			return out_of_range(instance, out[list[i]], err);
	return 0;
}

// From one score for all to a column of them.
static void begin_spread(struct vectors *vectors, struct normal *normal)
{
	if (!normal->raw)
		grow_normal(normal, 0, vectors->capacity);
	kernel_fill(normal->raw, normal->value, vectors->n_rows);
	memset(normal->norm, NORM_UNKNOWN, vectors->n_rows);
	normal->spread = true;
	normal->settled = false;
	normal->changed = true;
}

// What was spread when all rows were scored last probably is so again: it needs no look, and goes
// straight into its column.
static bool score_spread(const struct vectors_input *input,
			 const struct cs_plugin_instance *instance, struct normal *normal,
			 struct cs_rows rows)
{
	if (!normal || !normal->spread)
		return false;
	ask_raw_score(input->cycle, instance, rows, normal->raw);
	memset(normal->norm + rows.first, NORM_UNKNOWN, rows.end - rows.first);
	normal->changed = true;
	return true;
}

// Takes over rows' scores before normalising. Where they are spread, the rows' norms are not known
// any more.
static void keep_raw(struct vectors *vectors, struct normal *normal,
		     const struct vectors_input *input, struct cs_rows rows)
{
	if (!normal->spread) {
		struct kernel_range range = { input->raw[rows.first], input->raw[rows.first] };
		if (!kernel_is_uniform(input->raw, rows))
			range = kernel_range(input->raw, input->cycle->nodes->live, 1, rows);
		if (range.least > range.greatest)
			return; // no live row
		if (!normal->scored)
			normal->value = range.least;
		normal->scored = true;
		if (range.least == normal->value && range.greatest == normal->value)
			return;
		begin_spread(vectors, normal);
	}
	size_t n = rows.end - rows.first;
	memcpy(normal->raw + rows.first, input->raw + rows.first, n * sizeof(*normal->raw));
	memset(normal->norm + rows.first, NORM_UNKNOWN, n);
	normal->changed = true;
}

// Scores rows by all row-local plugins, without what normalising makes of some.
static int score_block(struct vectors *vectors, const struct vectors_input *input,
		       struct cs_rows rows, struct cs_error *err)
{
	const struct cs_profile *profile = input->profile;
	struct normal *normal = vectors->normals;
	bool first = true;
	int r = 0;
	for (uint32_t i = 0; i < profile->n_score && !r; i++) {
		const struct cs_plugin_instance *instance = profile->score[i];
		struct normal *own = has_normal(instance) ? normal++ : NULL;
		if (!is_on(input, input->scores_off, instance) || instance->scores_nothing)
			continue;
		if (score_spread(input, instance, own, rows))
			continue;
		if (own) {
			ask_raw_score(input->cycle, instance, rows, input->raw);
			keep_raw(vectors, own, input, rows);
			continue;
		}
		ask_score(input->cycle, instance, rows, input->one);
		if (!(first ? kernel_set : kernel_add)(input->one, rows, instance->weight,
						       vectors->sum))
			r = vectors_check_range(instance, input->one, vectors->by, rows, err);
		first = false;
	}
	if (first)
		memset(vectors->sum + rows.first, 0,
		       (rows.end - rows.first) * sizeof(*vectors->sum));
	return r;
}

static int score_all(struct vectors *vectors, const struct vectors_input *input,
		     struct cs_error *err)
{
	for (uint32_t i = 0; i < vectors->n_normals; i++) {
		struct normal *normal = &vectors->normals[i];
		normal->spread &= normal->least != normal->greatest;
		normal->settled = false;
		normal->scored = false;
	}
	vectors->tops_known = false;
	int r = 0;
	for (uint32_t first = 0; first < vectors->n_rows && !r; first += BLOCK_ROWS)
		r = score_block(vectors, input, block_at(first, vectors->n_rows), err);
	return r;
}

static void refresh_top(struct vectors *vectors, uint32_t block)
{
	uint32_t first = block * TOP_ROWS, rest = vectors->n_rows - first;
	const struct kernel_totals totals = { vectors->sum + first, vectors->by + first };
	kernel_tops(&totals, rest < TOP_ROWS ? rest : TOP_ROWS, vectors->tops + block,
		    vectors->ties + block);
}

// What a plugin that normalises adds to a row that is scored again: nothing yet where that has to
// be settled.
static uint8_t renew_norm(struct vectors *vectors, struct normal *normal,
			  const struct vectors_input *input, uint32_t row)
{
	if (normal->spread && normal->norm[row] != NORM_UNKNOWN &&
	    normal->raw[row] == input->raw[row])
		return normal->norm[row];
	keep_raw(vectors, normal, input, (struct cs_rows){ row, row + 1 });
	return 0;
}

static int score_changed(struct vectors *vectors, const struct vectors_input *input, uint32_t row,
			 struct cs_error *err)
{
	if (!input->cycle->nodes->live[row])
		return 0;
	const struct cs_profile *profile = input->profile;
	const struct cs_rows rows = { row, row + 1 };
	struct normal *normal = vectors->normals;
	vectors->sum[row] = 0;
	for (uint32_t i = 0; i < profile->n_score; i++) {
		const struct cs_plugin_instance *instance = profile->score[i];
		struct normal *own = has_normal(instance) ? normal++ : NULL;
		if (!is_on(input, input->scores_off, instance) || instance->scores_nothing)
			continue;
		if (own) {
			ask_raw_score(input->cycle, instance, rows, input->raw);
			input->one[row] = renew_norm(vectors, own, input, row);
		} else {
			ask_score(input->cycle, instance, rows, input->one);
		}
		if (vectors_check_range(instance, input->one, vectors->by, rows, err) < 0)
			return -ERANGE;
		vectors->sum[row] += (double)input->one[row] * (double)instance->weight;
	}
	return 0;
}

static int score_missed(struct vectors *vectors, const struct vectors_input *input,
			struct cs_error *err)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	int r = 0;
	for (uint64_t at = vectors->score_log; at < nodes->log_end && !r; at++)
		r = score_changed(vectors, input, log_row(nodes, at), err);
	for (uint64_t at = vectors->score_log; at < nodes->log_end && vectors->tops_known; at++)
		refresh_top(vectors, log_row(nodes, at) / TOP_ROWS);
	return r;
}

// ---- normalised scores ----

// What one of them is about.
struct settling {
	struct vectors *vectors;
	const struct vectors_input *input;
	const uint8_t *by;
	const struct cs_plugin_instance *instance;
	struct normal *normal;
};

static void forget_norms(const struct settling *settling)
{
	struct vectors *vectors = settling->vectors;
	if (!settling->normal->settled)
		return;
	kernel_add_norms(settling->normal->norm, vectors->n_rows, -settling->instance->weight,
			 vectors->sum);
	memset(settling->normal->norm, NORM_UNKNOWN, vectors->n_rows);
	settling->normal->settled = false;
}

// The feasible rows whose norm is not known, and one of each end of the range.
static uint32_t list_unknown(const struct settling *settling)
{
	const struct normal *normal = settling->normal;
	uint32_t n = 0;
	bool has_least = false, has_greatest = false;
	for (uint32_t row = 0; row < settling->vectors->n_rows; row++) {
		if (settling->by[row] != BY_NOBODY)
			continue;
		bool least = !has_least && normal->raw[row] == normal->least;
		bool greatest = !has_greatest && normal->raw[row] == normal->greatest;
		has_least |= least;
		has_greatest |= greatest;
		settling->input->list[n] = row;
		n += least | greatest | (normal->norm[row] == NORM_UNKNOWN);
	}
	return n;
}

static int normalise(const struct settling *settling, uint32_t n, struct cs_error *err)
{
	const struct vectors_input *input = settling->input;
	const uint32_t *list = input->list;
	for (uint32_t i = 0; i < n; i++)
		input->raw[list[i]] = settling->normal->raw[list[i]];
	ask_normalise(input->cycle, settling->instance, list, n, input->raw);
	return vectors_check_normalised(settling->instance, input->raw, list, n, err);
}

static void keep_norm(const struct settling *settling, uint32_t row, int64_t score)
{
	uint8_t *norm = &settling->normal->norm[row];
	if (*norm != NORM_UNKNOWN)
		return;
	*norm = (uint8_t)score;
	settling->vectors->sum[row] += (double)score * (double)settling->instance->weight;
}

// All live rows have the same score.
static int settle_uniform(const struct settling *settling, struct cs_error *err)
{
	struct normal *normal = settling->normal;
	uint32_t row = 0;
	while (settling->by[row] != BY_NOBODY)
		row++;
	int64_t *out = settling->input->raw;
	out[row] = normal->value;
	ask_normalise(settling->input->cycle, settling->instance, &row, 1, out);
	normal->uniform = out[row];
	if ((uint64_t)normal->uniform > 100)
		return out_of_range(settling->instance, normal->uniform, err);
	settling->vectors->offset += (double)normal->uniform * (double)settling->instance->weight;
	return 0;
}

static int settle_each(const struct settling *settling, struct cs_error *err)
{
	uint32_t n = list_unknown(settling);
	int r = normalise(settling, n, err);
	for (uint32_t i = 0; i < n && !r; i++)
		keep_norm(settling, settling->input->list[i],
			  settling->input->raw[settling->input->list[i]]);
	return r;
}

static uint32_t first_of(const struct settling *settling, int64_t score)
{
	uint32_t row = 0;
	while (settling->by[row] != BY_NOBODY || settling->normal->raw[row] != score)
		row++;
	return row;
}

static void insert(uint32_t *list, uint32_t *n, uint32_t row)
{
	uint32_t at = *n;
	while (at > 0 && list[at - 1] > row)
		at--;
	if (at > 0 && list[at - 1] == row)
		return;
	memmove(list + at + 1, list + at, (*n - at) * sizeof(*list));
	list[at] = row;
	++*n;
}

// Equal scores become equal norms, and mostly there are few: each is normalised once, together with
// both ends of the range, and then all rows that have it are filled in. Returns 1 where there are
// more.
static int fill_few(const struct settling *settling, struct cs_error *err)
{
	const struct normal *normal = settling->normal;
	const struct cs_rows all = { 0, settling->vectors->n_rows };
	const uint32_t ends[] = { first_of(settling, normal->least),
				  first_of(settling, normal->greatest) };
	uint32_t row = 0;
	for (int i = 0; i < FEW_SCORES; i++) {
		row = kernel_next_unknown(normal->norm, settling->by, row, all.end);
		if (row == all.end)
			return 0;
		uint32_t n = 0;
		insert(settling->input->list, &n, ends[0]);
		insert(settling->input->list, &n, ends[1]);
		insert(settling->input->list, &n, row);
		int r = normalise(settling, n, err);
		if (r)
			return r;
		kernel_fill_norms(normal->raw, normal->raw[row], all,
				  (uint8_t)settling->input->raw[row], normal->norm);
	}
	return 1;
}

static int settle_by_score(const struct settling *settling, struct cs_error *err)
{
	struct vectors *vectors = settling->vectors;
	const uint8_t *norm = settling->normal->norm;
	int64_t weight = settling->instance->weight;
	if (settling->normal->settled)
		kernel_add_norms(norm, vectors->n_rows, -weight, vectors->sum);
	int r = fill_few(settling, err);
	kernel_add_norms(norm, vectors->n_rows, weight, vectors->sum);
	settling->normal->settled = true;
	return r == 1 ? settle_each(settling, err) : r;
}

static int settle_spread(const struct settling *settling, bool same_rows, struct cs_error *err)
{
	struct vectors *vectors = settling->vectors;
	struct normal *normal = settling->normal;
	if (same_rows && !normal->changed)
		return 0;
	struct kernel_range range = kernel_range(normal->raw, settling->by, BY_NOBODY,
						 (struct cs_rows){ 0, vectors->n_rows });
	normal->changed = false;
	if (range.least != normal->least || range.greatest != normal->greatest) {
		forget_norms(settling);
		normal->least = range.least;
		normal->greatest = range.greatest;
	}
	if (kernel_next_unknown(normal->norm, settling->by, 0, vectors->n_rows) == vectors->n_rows)
		return 0;
	vectors->tops_known = false;
	return settle_by_score(settling, err);
}

// Brings the normalised scores up to date. Of those that are spread only the range of the feasible
// rows' matters: see cs_plugin.row_local.
static int settle_all(struct vectors *vectors, const struct vectors_input *input,
		      const uint8_t *restrict by, struct cs_error *err)
{
	const struct cs_profile *profile = input->profile;
	struct normal *normal = vectors->normals;
	bool same_rows = by == vectors->by && vectors->settled_set == vectors->set;
	vectors->offset = 0;
	for (uint32_t i = 0; i < profile->n_score; i++) {
		if (!has_normal(profile->score[i]))
			continue;
		const struct settling settling = { vectors, input, by, profile->score[i],
						   normal++ };
		if (!is_on(input, input->scores_off, profile->score[i]))
			continue;
		int r = settling.normal->spread ? settle_spread(&settling, same_rows, err)
						: settle_uniform(&settling, err);
		if (r)
			return r;
	}
	vectors->settled_set = by == vectors->by ? vectors->set : 0;
	return 0;
}

int vectors_score(struct vectors *vectors, const struct vectors_input *input,
		  const uint8_t *restrict by, struct cs_error *err)
{
	const struct cs_node_table *nodes = input->cycle->nodes;
	uint64_t off = input->scores_off & input->local;
	bool same = renew_versions(vectors->score_versions, input->profile, true);
	bool afresh = !vectors->scored || !same || vectors->scores_off != off ||
		      missed(nodes, vectors->score_log) == UINT32_MAX;
	int r = afresh ? score_all(vectors, input, err) : score_missed(vectors, input, err);
	vectors->scores_off = off;
	vectors->score_log = nodes->log_end;
	if (!r)
		r = settle_all(vectors, input, by, err);
	vectors->scored = !r;
	return r;
}

void vectors_find_tops(struct vectors *vectors)
{
	const struct kernel_totals totals = { vectors->sum, vectors->by };
	if (!vectors->tops_known)
		kernel_tops(&totals, vectors->n_rows, vectors->tops, vectors->ties);
	vectors->tops_known = true;
}
