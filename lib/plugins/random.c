// Random: a weighted draw among the nodes that fit, the same for the same seed, pod and nodes.
// Neighbours: by_load.h. The draw is Efraimidis and Spirakis': each node has a key u^(100/weight),
// u a random number in [0, 1) made of the seed, the pod's UID and the node's name, and the greatest
// key wins; so a node wins in proportion to its weight.
//
// Scores: 99 for the winner, floor(98 * key) for the others; so it is right alone, and beside
// plugins whose weights are multiples of 100 it decides nothing but what they leave equal.
//
// Example: u of 0.25 and 0.64 on nodes of weights 50 and 200: keys 0.0625 and 0.8 -> 6, 99.
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/framework/fields.h>

#include "by_load.h"
#include "plugins.h"

#define TOP 99

struct random_args {
	int64_t seed;
};

// What is known of each row's name.
struct names {
	struct cs_by_load_follower follower;
	struct cs_cluster *cluster;
	uint32_t capacity;
	uint64_t *hash;
};

struct draw {
	uint32_t winner;
	double *key; // by row
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
	free(names->hash);
	free(names);
}

static void renew(void *user, uint32_t row)
{
	struct names *names = user;
	const char *name = cs_cluster_node_name(names->cluster, row);
	names->hash[row] = cs_hash(name, strlen(name), 0);
}

static void follow(struct names *names, const struct cs_node_table *nodes)
{
	if (names->capacity < nodes->n_rows) {
		names->hash = cs_realloc_array(names->hash, nodes->capacity, sizeof(*names->hash));
		names->capacity = nodes->capacity;
		names->follower.begun = false;
	}
	cs_by_load_follow(&names->follower, nodes, 0, renew, names);
}

// [0, 1), from splitmix64's finisher.
static double unit(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct random_args *args = self->args;
	struct names *names = self->attached;
	const int32_t *weight = cs_cluster_load(cycle->cluster)->weight;
	uint64_t of_pod = cs_hash(cycle->pod->uid, strlen(cycle->pod->uid), (uint64_t)args->seed);
	struct draw *draw = cs_arena_alloc(cycle->scratch, sizeof(*draw));
	draw->key = cs_arena_alloc_array(cycle->scratch, cycle->nodes->n_rows, sizeof(*draw->key));
	follow(names, cycle->nodes);
	double best = -1;
	for (uint32_t i = 0; i < cycle->n_feasible; i++) {
		uint32_t row = cycle->feasible[i];
		double key = unit(of_pod ^ names->hash[row]);
		if (weight[row] != CS_NODE_WEIGHT_DEFAULT)
			key = weight[row] ? pow(key, 100.0 / weight[row]) : 0;
		draw->key[row] = key;
		draw->winner = key > best ? row : draw->winner;
		best = key > best ? key : best;
	}
	self->score_state = draw;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, int64_t *restrict out)
{
	(void)cycle;
	const struct draw *draw = self->score_state;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = row == draw->winner ? TOP : (int64_t)((TOP - 1) * draw->key[row]);
}

// ---- arguments ----

struct random_fields {
	struct cs_field_int seed;
};

static const struct cs_field fields[] = {
	{ .name = "seed", .type = CS_FIELD_INT, .offset = offsetof(struct random_fields, seed) },
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
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_WEIGHT_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
};
