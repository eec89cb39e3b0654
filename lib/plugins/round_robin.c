// RoundRobin: nodes take turns, in proportion to their weights, smoothly. Neighbours: by_load.h.
// The rule is nginx's smooth weighted round robin: before each choice every feasible node gains its
// weight in credit, and the chosen one pays the sum of all their weights.
//
// Scores: 99 for the node whose turn it is, or those, 0 .. 98 for the others by their credit; so it
// is right alone, and beside plugins whose weights are multiples of 100 it decides nothing but what
// they leave equal. A decision with one feasible node moves nobody's turn. Credits stay within the
// sum of the weights on either side, so that a node that others' scores pass over for long does not
// then take all.
//
// Example: weights 500, 100, 100 give a a b a c a a, and again. The credits at the first choice are
// 500, 100, 100: scores 99, 0, 0. At the second -200+500, 100+100, 100+100: 99, 0, 0. At the third
// -400+500, 200+100, 200+100: 0, 99, 99.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "by_load.h"
#include "plugins.h"

#define SUM_MAX (INT32_MAX / 4) // of weights; credits are within it on either side

struct memory {
	struct cs_cluster *cluster;
	struct cs_by_load_follower follower;
	const struct cs_node_table *nodes; // of the cycle at hand
	uint32_t capacity;
	int32_t *credit; // by row
	uint32_t *name;  // whose it is
	// Of the last decision: the pod, and the nodes that could have taken it.
	const struct cs_pod *pod;
	bool all; // rows 0 .. n_feasible-1
	uint32_t n_feasible;
	uint32_t *feasible;
};

struct turns {
	const int32_t *weight;
	const int32_t *credit;
	struct cs_load_turns range; // of the feasible rows
};

static void *attach(struct cs_cluster *cluster, void *args)
{
	struct memory *memory = cs_alloc(sizeof(*memory));
	(void)args;
	memory->cluster = cluster;
	return memory;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct memory *memory = attached;
	for (uint32_t row = 0; row < memory->capacity; row++)
		cs_by_load_take_name(cluster, &memory->name[row], CS_INTERN_NONE);
	free(memory->credit);
	free(memory->name);
	free(memory->feasible);
	free(memory);
}

static void grow(struct memory *memory, const struct cs_node_table *nodes)
{
	uint32_t n = nodes->capacity;
	if (memory->capacity >= nodes->n_rows)
		return;
	memory->credit =
		cs_grow_column(memory->credit, memory->capacity, n, sizeof(*memory->credit));
	memory->name = cs_realloc_array(memory->name, n, sizeof(*memory->name));
	memory->feasible = cs_realloc_array(memory->feasible, n, sizeof(*memory->feasible));
	for (uint32_t row = memory->capacity; row < n; row++)
		memory->name[row] = CS_INTERN_NONE;
	memory->capacity = n;
}

// A row that another node has now begins anew.
static void renew(void *user, uint32_t row)
{
	struct memory *memory = user;
	if (cs_by_load_take_name(memory->cluster, &memory->name[row], memory->nodes->name[row]))
		memory->credit[row] = 0;
}

static struct cs_load_turns range_of(const struct turns *turns, const uint32_t *feasible,
				     uint32_t n)
{
	struct cs_load_turns range = { INT32_MAX, INT32_MIN };
	if (!feasible)
		return cs_load_kernel_turns(turns->credit, turns->weight, n);
	for (uint32_t i = 0; i < n; i++) {
		int32_t value = turns->credit[feasible[i]];
		value += turns->weight ? turns->weight[feasible[i]] : CS_NODE_WEIGHT_DEFAULT;
		range.least = value < range.least ? value : range.least;
		range.greatest = value > range.greatest ? value : range.greatest;
	}
	return range;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	struct memory *memory = self->attached;
	struct turns *turns = cs_arena_alloc(cycle->scratch, sizeof(*turns));
	grow(memory, cycle->nodes);
	memory->nodes = cycle->nodes;
	cs_by_load_follow(&memory->follower, cycle->nodes, 0, renew, memory);
	*turns = (struct turns){
		.weight = cs_by_load_weights(cycle),
		.credit = memory->credit,
	};
	const uint32_t *feasible = cs_by_load_feasible(cycle);
	turns->range = range_of(turns, feasible, cycle->n_feasible);
	if (feasible)
		memcpy(memory->feasible, feasible, cycle->n_feasible * sizeof(*feasible));
	memory->all = !feasible;
	memory->n_feasible = cycle->n_feasible;
	memory->pod = cycle->pod;
	self->score_state = turns;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct turns *turns = self->score_state;
	cs_load_kernel_turn_scores(turns->credit, turns->weight, turns->range, rows, out);
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	const struct turns *turns = self->score_state;
	int32_t weight = cs_cluster_load(cycle->cluster)->weight[row];
	int32_t value = turns->credit[row] + weight;
	double least = turns->range.least, greatest = turns->range.greatest;
	cs_buffer_printf(out, "credit %" PRId32 " + weight %" PRId32 " = %" PRId32,
			 turns->credit[row], weight, value);
	if (value >= turns->range.greatest)
		cs_buffer_printf(out, ", the greatest: it is its turn = %d", CS_LOAD_TOP);
	else
		cs_buffer_printf(out, "; %d x (%" PRId32 " - %.0f) / (%.0f - %.0f) = %.4g",
				 CS_LOAD_TOP - 1, value, least, greatest, least,
				 (CS_LOAD_TOP - 1) * (value - least) / (greatest - least));
}

static int32_t within(int32_t value, int32_t bound)
{
	return value > bound ? bound : value < -bound ? -bound : value;
}

// What all feasible nodes gain; returns the sum of their weights.
static int32_t gain(struct memory *memory, const int32_t *weight)
{
	int64_t sum = memory->all ? cs_load_kernel_weights(weight, memory->n_feasible) : 0;
	for (uint32_t i = 0; !memory->all && i < memory->n_feasible; i++)
		sum += weight[memory->feasible[i]];
	int32_t bound = sum < SUM_MAX ? (int32_t)sum : SUM_MAX;
	if (memory->all)
		cs_load_kernel_gain(memory->credit, weight, bound, memory->n_feasible);
	for (uint32_t i = 0; !memory->all && i < memory->n_feasible; i++) {
		uint32_t row = memory->feasible[i];
		memory->credit[row] = within(memory->credit[row] + weight[row], bound);
	}
	return bound;
}

static void reserve(struct cs_cluster *cluster, struct cs_plugin_instance *self,
		    const struct cs_pod *pod, uint32_t row)
{
	struct memory *memory = self->attached;
	const int32_t *weight = cs_cluster_load(cluster)->weight;
	if (memory->pod != pod || !self->score_state)
		return; // one node was feasible, or another scheduler's decision is told of
	memory->pod = NULL;
	int32_t before = memory->credit[row];
	int32_t sum = gain(memory, weight);
	memory->credit[row] = within(before + weight[row] - sum, sum);
}

const struct cs_plugin cs_plugin_round_robin = {
	.name = "RoundRobin",
	.attach = attach,
	.detach = detach,
	.prepare_filter = cs_by_load_prepare_weight,
	.filter = cs_by_load_filter_weight,
	.reasons = cs_by_load_weight_reasons,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.reserve = reserve,
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_WEIGHT_CURES,
};
