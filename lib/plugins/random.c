// Random: a weighted draw among the nodes that fit, the same for the same seed, pod and nodes.
// Neighbours: by_load.h. The draw is Efraimidis and Spirakis': each node has a key u^(100/weight),
// u a random number in [0, 1) of 32 bits made of the seed, the pod's UID and the node's name, and
// the greatest key wins; so a node wins in proportion to its weight. Another version of this
// program may draw other numbers.
//
// Scores: 99 for the winner, floor(98 * key) for the others; so it is right alone, and beside
// plugins whose weights are multiples of 100 it decides nothing but what they leave equal.
//
// Example: u of 0.25 and 0.64 on nodes of weights 50 and 200: keys 0.0625 and 0.8 -> 6, 99.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/framework/fields.h>

#include "by_load.h"
#include "plugins.h"

#define RANDOM_BITS 0x1p32
#define BLOCK       512 // rows among which the winner is looked for

struct random_args {
	int64_t seed;
};

// What is known of each row's name.
struct names {
	struct cs_by_load_follower follower;
	struct cs_cluster *cluster;
	uint32_t capacity;
	uint32_t *low; // halves of the hash
	uint32_t *high;
	uint32_t *key; // of the cycle at hand, in 2^-32
};

struct draw {
	uint32_t winner;
	const uint32_t *key; // by row, in 2^-32
};

static void *attach(struct cs_cluster *cluster, void *args)
{
	(void)args;
	struct names *names = cs_alloc(sizeof(*names));
	names->cluster = cluster;
	return names;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct names *names = attached;
	(void)cluster;
	free(names->low);
	free(names->high);
	free(names->key);
	free(names);
}

static void renew(void *user, uint32_t row)
{
	struct names *names = user;
	const char *name = cs_cluster_node_name(names->cluster, row);
	uint64_t hash = cs_hash(name, strlen(name), 0);
	names->low[row] = (uint32_t)hash;
	names->high[row] = (uint32_t)(hash >> 32);
}

static void follow(struct names *names, const struct cs_node_table *nodes)
{
	if (names->capacity < nodes->n_rows) {
		uint32_t n = nodes->capacity;
		names->low = cs_grow_column(names->low, 0, n, sizeof(*names->low));
		names->high = cs_grow_column(names->high, 0, n, sizeof(*names->high));
		names->key = cs_grow_column(names->key, 0, n, sizeof(*names->key));
		names->capacity = n;
		names->follower.begun = false;
	}
	cs_by_load_follow(&names->follower, nodes, 0, renew, names);
}

// Nodes of weight 100 have their random number for a key. Returns the keys as they are before they
// are rounded: those of small weights are mostly below 2^-32. NULL = none is rounded.
static double *weigh(struct cs_arena *scratch, const int32_t *weight, uint32_t n, uint32_t *key)
{
	if (!weight)
		return NULL;
	double *exact = cs_arena_alloc_raw(scratch, n * sizeof(*exact));
	for (uint32_t row = 0; row < n; row++) {
		exact[row] = (double)key[row];
		if (weight[row] == CS_NODE_WEIGHT_DEFAULT)
			continue;
		double unit = (double)key[row] / RANDOM_BITS;
		exact[row] = weight[row] ? pow(unit, 100.0 / weight[row]) * RANDOM_BITS : 0;
		key[row] = exact[row] < UINT32_MAX ? (uint32_t)exact[row] : UINT32_MAX;
	}
	return exact;
}

// The first of the feasible rows with the greatest key.
static uint32_t find_exactly(const struct cs_cycle *cycle, const double *exact)
{
	const uint32_t *feasible = cs_cycle_feasible(cycle);
	uint32_t winner = feasible[0];
	for (uint32_t i = 1; i < cycle->n_feasible; i++) {
		uint32_t row = feasible[i];
		winner = exact[row] > exact[winner] ? row : winner;
	}
	return winner;
}

static uint32_t find_winner(const struct cs_cycle *cycle, const uint32_t *key)
{
	const uint32_t *feasible = cs_cycle_feasible(cycle);
	uint32_t winner = feasible[0];
	for (uint32_t i = 1; i < cycle->n_feasible; i++) {
		uint32_t row = feasible[i];
		winner = key[row] > key[winner] ? row : winner;
	}
	return winner;
}

// Draws for all rows; returns the first of those with the greatest key.
static uint32_t draw_all(const struct names *names, uint64_t seed, uint32_t n)
{
	uint32_t winner = 0, greatest = 0;
	for (uint32_t first = 0; first < n; first += BLOCK) {
		struct cs_rows rows = { first, n - first < BLOCK ? n : first + BLOCK };
		uint32_t there =
			cs_load_kernel_draw(names->low, names->high, seed, rows, names->key);
		winner = there > greatest ? first : winner;
		greatest = there > greatest ? there : greatest;
	}
	while (names->key[winner] != greatest)
		winner++;
	return winner;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct random_args *args = self->args;
	struct names *names = self->attached;
	const int32_t *weight = cs_by_load_weights(cycle);
	uint64_t of_pod = cs_hash(cycle->pod->uid, strlen(cycle->pod->uid), (uint64_t)args->seed);
	struct draw *draw = cs_arena_alloc(cycle->scratch, sizeof(*draw));
	uint32_t n = cycle->nodes->n_rows;
	follow(names, cycle->nodes);
	draw->key = names->key;
	draw->winner = draw_all(names, of_pod, n);
	const double *exact = weigh(cycle->scratch, weight, n, names->key);
	if (exact)
		draw->winner = find_exactly(cycle, exact);
	else if (cs_by_load_feasible(cycle))
		draw->winner = find_winner(cycle, draw->key);
	self->score_state = draw;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct draw *draw = self->score_state;
	cs_load_kernel_draw_scores(draw->key, rows, out);
	if (draw->winner >= rows.first && draw->winner < rows.end)
		out[draw->winner] = CS_LOAD_TOP;
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	const struct draw *draw = self->score_state;
	double key = draw->key[row] / RANDOM_BITS;
	cs_buffer_printf(out, "drawn for seed, pod and node of weight %" PRId32 ": key %.4g",
			 cs_cluster_load(cycle->cluster)->weight[row], key);
	if (row == draw->winner)
		cs_buffer_printf(out, ", the greatest = %d", CS_LOAD_TOP);
	else
		cs_buffer_printf(out, "; %d x %.4g = %.4g", CS_LOAD_TOP - 1, key,
				 (CS_LOAD_TOP - 1) * key);
}

// ---- arguments ----

struct random_fields {
	struct cs_field_int seed;
};

static const struct cs_field fields[] = {
	CS_FIELD("seed", CS_FIELD_INT, struct random_fields, seed),
	{ 0 },
};

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct random_fields read = { 0 };
	if (from && cs_fields_read(from, fields, arena, &read, errors) < 0)
		return -EINVAL;
	struct random_args *args = cs_alloc(sizeof(*args));
	args->seed = read.seed.value;
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct random_args *args = pointer;
	cs_json_member_int(json, "seed", args->seed);
}

static const struct cs_argument arguments[] = {
	{ "seed", "integer", "another one draws other nodes for the same pods; default 0" },
	{ 0 },
};

const struct cs_plugin cs_plugin_random = {
	.name = "Random",
	.attach = attach,
	.detach = detach,
	.prepare_filter = cs_by_load_prepare_weight,
	.filter = cs_by_load_filter_weight,
	.reasons = cs_by_load_weight_reasons,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_WEIGHT_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
};
