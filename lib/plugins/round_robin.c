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
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "by_load.h"
#include "plugins.h"

#define TOP 99

struct memory {
	struct cs_cluster *cluster;
	struct cs_by_load_follower follower;
	const struct cs_node_table *nodes; // of the cycle at hand
	uint32_t capacity;
	int64_t *credit; // by row
	uint32_t *name;  // whose it is
	// Of the last decision: the pod, and the nodes that could have taken it.
	const struct cs_pod *pod;
	uint32_t n_feasible;
	uint32_t *feasible;
};

struct turns {
	const int32_t *weight;
	const int64_t *credit;
	int64_t least;
	int64_t greatest;
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
	memory->credit = cs_realloc_array(memory->credit, n, sizeof(*memory->credit));
	memory->name = cs_realloc_array(memory->name, n, sizeof(*memory->name));
	memory->feasible = cs_realloc_array(memory->feasible, n, sizeof(*memory->feasible));
	for (uint32_t row = memory->capacity; row < n; row++) {
		memory->credit[row] = 0;
		memory->name[row] = CS_INTERN_NONE;
	}
	memory->capacity = n;
}

// A row that another node has now begins anew.
static void renew(void *user, uint32_t row)
{
	struct memory *memory = user;
	if (cs_by_load_take_name(memory->cluster, &memory->name[row], memory->nodes->name[row]))
		memory->credit[row] = 0;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	struct memory *memory = self->attached;
	struct turns *turns = cs_arena_alloc(cycle->scratch, sizeof(*turns));
	grow(memory, cycle->nodes);
	memory->nodes = cycle->nodes;
	cs_by_load_follow(&memory->follower, cycle->nodes, 0, renew, memory);
	*turns = (struct turns){
		.weight = cs_cluster_load(cycle->cluster)->weight,
		.credit = memory->credit,
		.least = INT64_MAX,
		.greatest = INT64_MIN,
	};
	for (uint32_t i = 0; i < cycle->n_feasible; i++) {
		uint32_t row = cycle->feasible[i];
		int64_t value = memory->credit[row] + turns->weight[row];
		turns->least = value < turns->least ? value : turns->least;
		turns->greatest = value > turns->greatest ? value : turns->greatest;
		memory->feasible[i] = row;
	}
	memory->n_feasible = cycle->n_feasible;
	memory->pod = cycle->pod;
	self->score_state = turns;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct turns *turns = self->score_state;
	int64_t width = turns->greatest - turns->least;
	double step = width > 0 ? (double)(TOP - 1) / (double)width : 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t value = turns->credit[row] + turns->weight[row];
		int64_t part = (int64_t)((double)(value - turns->least) * step);
		out[row] = value >= turns->greatest ? TOP : part < 0 ? 0 : part;
	}
}

static int64_t within(int64_t value, int64_t bound)
{
	return value > bound ? bound : value < -bound ? -bound : value;
}

static void reserve(struct cs_cluster *cluster, struct cs_plugin_instance *self,
		    const struct cs_pod *pod, uint32_t row)
{
	struct memory *memory = self->attached;
	const int32_t *weight = cs_cluster_load(cluster)->weight;
	int64_t sum = 0;
	if (memory->pod != pod)
		return; // one node was feasible, or another scheduler's decision is told of
	memory->pod = NULL;
	for (uint32_t i = 0; i < memory->n_feasible; i++)
		sum += weight[memory->feasible[i]];
	for (uint32_t i = 0; i < memory->n_feasible; i++) {
		uint32_t other = memory->feasible[i];
		int64_t pays = other == row ? sum : 0;
		memory->credit[other] = within(memory->credit[other] + weight[other] - pays, sum);
	}
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
	.reserve = reserve,
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_WEIGHT_CURES,
};
