// MinimumDistance: near the pods that a pod talks to. Neighbours: peer_rows.h; cluster's topology.h
// says which nodes are in one place.
//
//     score = 100 - the mean distance of the node to the peers, rounded
//
// Peers are the running pods that the pod's annotation c-sched.io/talks-to selects, in its
// namespace. The distance to a peer is 0 on its node; else that of the first level whose label has
// the same value on both nodes; else 100. Levels go from near to far and are taken to nest: who is
// in the same rack is in the same zone. Of zones Kubernetes asks that their names be unique across
// regions. Where racks of two zones have one name, a peer in the other one is taken for nearer than
// it is by what is between the rack's distance and the zone's: with these levels 40 for 50.
// By default
//     topology.kubernetes.io/rack 10
//     topology.kubernetes.io/zone 20
//     topology.kubernetes.io/region 50
// A pod without peers is not scored.
//
// Example: peers are one on node a of zone 1 and three on b of zone 2, region r has both; c is in
// zone 2. Distances: a (0 + 3 * 50) / 4 = 37.5, b (50 + 0) / 4 = 12.5, c (50 + 3 * 20) / 4 = 27.5
//     -> a 63, b 88, c 73
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/search.h>
#include <csched/cluster/topology.h>
#include <csched/framework/fields.h>

#include "affinity_kernel.h"
#include "args.h"
#include "by_load.h"
#include "peer_rows.h"
#include "plugins.h"

#define LEVELS_MAX 8
#define FARTHEST   100
#define BLOCK      256 // rows whose sums live on the stack

struct level {
	const char *key;
	struct cs_field_int distance; // 0 .. 100
};

struct distance_args {
	struct cs_arena *arena;      // holds the arguments and this struct
	struct cs_field_list levels; // of struct level
	struct cs_field_int threshold;
};

// The topologies of the levels.
struct levels {
	const struct distance_args *args;
	struct cs_topology *topologies[LEVELS_MAX];
};

// Sums over the peers of how much nearer than 100 they are.
struct nearness {
	const struct levels *levels;
	const struct cs_peer_rows *peers;
	int64_t *sums[LEVELS_MAX]; // per domain, as affinity_kernel.h has them
	int64_t threshold;         // of the mean distance; 0 = none
	// The levels that tell rows apart, and what all rows have of the others.
	uint32_t n_telling;
	uint32_t telling[LEVELS_MAX];
	int64_t same;
	uint8_t *scores; // per domain of the only one, where there is one
};

static void *attach(struct cs_cluster *cluster, void *pointer)
{
	struct levels *levels = cs_alloc(sizeof(*levels));
	levels->args = pointer;
	const struct level *items = levels->args->levels.items;
	for (uint32_t i = 0; i < levels->args->levels.count; i++)
		levels->topologies[i] = cs_topology_ref(cluster, items[i].key);
	return levels;
}

static void detach(struct cs_cluster *cluster, void *attached)
{
	struct levels *levels = attached;
	for (uint32_t i = 0; i < levels->args->levels.count; i++)
		cs_topology_unref(cluster, levels->topologies[i]);
	free(levels);
}

// How much nearer the next level out is: what a peer in the same domain is worth.
static int64_t step_of(const struct distance_args *args, uint32_t level)
{
	const struct level *items = args->levels.items;
	int64_t next = level + 1 < args->levels.count ? items[level + 1].distance.value : FARTHEST;
	return next - items[level].distance.value;
}

// What a peer on the row itself is worth beside what the row's levels give for it: 100 in all.
static int64_t rest_of_node(const struct levels *levels, uint32_t row)
{
	int64_t given = 0;
	for (uint32_t i = 0; i < levels->args->levels.count; i++)
		if (levels->topologies[i]->domain[row] != CS_DOMAIN_NONE)
			given += step_of(levels->args, i);
	return FARTHEST - given;
}

static int64_t *sum_level(struct cs_cycle *cycle, const struct cs_topology *topology,
			  const struct cs_peer_rows *peers, int64_t step)
{
	int64_t *sums = cs_arena_alloc_array(cycle->scratch, CS_KERNEL_DOMAINS_SIZE(topology),
					     sizeof(*sums));
	for (uint32_t i = 0; i < peers->n; i++) {
		uint32_t domain = topology->domain[peers->rows[i]];
		if (domain != CS_DOMAIN_NONE)
			sums[domain + 1] += step * peers->counts[i];
	}
	return sums;
}

static uint8_t mean_of(const struct nearness *nearness, int64_t sum)
{
	return (uint8_t)((double)sum / (double)nearness->peers->total + 0.5);
}

// A level of which all nodes are in one domain, or none in any, is the same for all.
static void part(struct nearness *nearness, const struct cs_cycle *cycle)
{
	for (uint32_t i = 0; i < nearness->levels->args->levels.count; i++) {
		const struct cs_topology *topology = nearness->levels->topologies[i];
		bool one = false;
		uint32_t n = 0;
		for (uint32_t id = 0; id < topology->n_domains && !one; id++) {
			one = topology->n_rows[id] == cycle->nodes->n_live;
			nearness->same += one ? nearness->sums[i][id + 1] : 0;
			n += topology->n_rows[id];
		}
		if (!one && n > 0)
			nearness->telling[nearness->n_telling++] = i;
	}
}

// Where one level tells, or none, scores are few.
static void finish(struct nearness *nearness, struct cs_arena *scratch)
{
	if (nearness->n_telling != 1)
		return;
	uint32_t level = nearness->telling[0];
	uint32_t n = nearness->levels->topologies[level]->n_domains + 1;
	nearness->scores = cs_arena_alloc_raw(scratch, n);
	for (uint32_t i = 0; i < n; i++)
		nearness->scores[i] = mean_of(nearness, nearness->sums[level][i] + nearness->same);
}

// NULL: the pod has no peers.
static struct nearness *prepare(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct distance_args *args = self->args;
	const struct levels *levels = self->attached;
	struct cs_peer_rows found;
	if (!cs_peer_rows_find(cycle, &found))
		return NULL;
	struct nearness *nearness = cs_arena_alloc(cycle->scratch, sizeof(*nearness));
	struct cs_peer_rows *peers = cs_arena_alloc(cycle->scratch, sizeof(*peers));
	*peers = found;
	nearness->levels = levels;
	nearness->peers = peers;
	nearness->threshold = args->threshold.value;
	for (uint32_t i = 0; i < args->levels.count; i++)
		nearness->sums[i] =
			sum_level(cycle, levels->topologies[i], peers, step_of(args, i));
	part(nearness, cycle);
	finish(nearness, cycle->scratch);
	return nearness;
}

// Without what peers on a row itself are worth.
static int64_t sum_of_row(const struct nearness *nearness, uint32_t row)
{
	int64_t sum = nearness->same;
	for (uint32_t i = 0; i < nearness->n_telling; i++) {
		uint32_t level = nearness->telling[i];
		uint32_t domain = nearness->levels->topologies[level]->domain[row];
		sum += nearness->sums[level][(uint32_t)(domain + 1)];
	}
	return sum;
}

static void score_places(const struct nearness *nearness, struct cs_rows rows,
			 uint8_t *restrict out)
{
	struct cs_topology *const *topologies = nearness->levels->topologies;
	if (nearness->scores) {
		const struct cs_topology *topology = topologies[nearness->telling[0]];
		cs_load_kernel_look_up(topology->domain, nearness->scores, topology->n_domains + 1,
				       rows, out);
		return;
	}
	for (uint32_t first = rows.first, n; first < rows.end; first += n) {
		int64_t sums[BLOCK];
		n = rows.end - first < BLOCK ? rows.end - first : BLOCK;
		for (uint32_t i = 0; i < n; i++)
			sums[i] = nearness->same;
		for (uint32_t i = 0; i < nearness->n_telling; i++)
			cs_kernel_add_domains(topologies[nearness->telling[i]]->domain + first,
					      nearness->sums[nearness->telling[i]],
					      (struct cs_rows){ 0, n }, sums);
		cs_load_kernel_mean(nearness->peers->total, sums, n, out + first);
	}
}

// 100 - the mean distance.
static void score_rows(const struct nearness *nearness, struct cs_rows rows, uint8_t *restrict out)
{
	const struct cs_peer_rows *peers = nearness->peers;
	score_places(nearness, rows, out);
	uint32_t first = cs_search(peers->rows, sizeof(*peers->rows), peers->n, rows.first);
	for (uint32_t i = first; i < peers->n; i++) {
		uint32_t row = peers->rows[i];
		if (row >= rows.end)
			break;
		int64_t own = rest_of_node(nearness->levels, row) * peers->counts[i];
		out[row] = mean_of(nearness, sum_of_row(nearness, row) + own);
	}
}

// ---- filter ----

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct distance_args *args = self->args;
	struct nearness *nearness = args->threshold.value > 0 ? prepare(cycle, self) : NULL;
	self->state = nearness;
	return nearness ? CS_PREPARE_GO : cs_by_load_prepare_weight(cycle, self);
}

static bool is_far(const struct nearness *nearness, int64_t score)
{
	return nearness && FARTHEST - score >= nearness->threshold;
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	const struct nearness *nearness = self->state;
	cs_by_load_filter_weight(cycle, self, rows, verdict);
	if (!nearness)
		return;
	uint8_t *scores = cs_arena_alloc(cycle->scratch, rows.end);
	score_rows(nearness, rows, scores);
	for (uint32_t row = rows.first; row < rows.end; row++)
		if (verdict[row] == CS_VERDICT_FITS && is_far(nearness, scores[row]))
			verdict[row] = CS_VERDICT_UNSCHEDULABLE;
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	if (cs_cluster_load(cycle->cluster)->weight[row] == 0)
		cs_by_load_weight_reasons(cycle, self, row, say, user);
	else
		say(user, "node(s) had a distance to the pod's peers above the threshold");
}

// ---- score ----

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	self->score_state = prepare(cycle, self);
	return self->score_state ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	score_rows(self->score_state, rows, out);
}

// ---- in numbers ----

static int64_t distance_of(const struct levels *levels, uint32_t row, uint32_t peer)
{
	int64_t distance = row == peer ? 0 : FARTHEST;
	for (uint32_t i = 0; row != peer && i < levels->args->levels.count; i++) {
		const uint32_t *domain = levels->topologies[i]->domain;
		if (domain[row] != CS_DOMAIN_NONE && domain[row] == domain[peer])
			distance -= step_of(levels->args, i);
	}
	return distance;
}

// "4 peers: 3 at distance 20, 1 at distance 50, the mean 27.5".
static double explain_distance(const struct nearness *nearness, uint32_t row, struct cs_buffer *out)
{
	const struct cs_peer_rows *peers = nearness->peers;
	uint64_t at[FARTHEST + 1] = { 0 };
	double sum = 0;
	for (uint32_t i = 0; i < peers->n; i++)
		at[distance_of(nearness->levels, row, peers->rows[i])] += peers->counts[i];
	cs_buffer_printf(out, "%" PRIu64 " peers:", peers->total);
	for (int distance = 0; distance <= FARTHEST; distance++) {
		if (at[distance] > 0)
			cs_buffer_printf(out, " %" PRIu64 " at distance %d,", at[distance],
					 distance);
		sum += (double)at[distance] * distance;
	}
	double mean = sum / (double)peers->total;
	cs_buffer_printf(out, " the mean %.4g", mean);
	return mean;
}

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	const struct nearness *nearness = self->state;
	if (cs_cluster_load(cycle->cluster)->weight[row] == 0)
		return;
	explain_distance(nearness, row, out);
	cs_buffer_printf(out, ", threshold %" PRId64, nearness->threshold);
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	double mean = explain_distance(self->score_state, row, out);
	cs_buffer_printf(out, "; 100 - %.4g = %.4g", mean, 100 - mean);
}

// ---- arguments ----

#define PERCENT .min = 0, .max = 100, .wrong = "not in valid range [0, 100]"

static const struct cs_field level_fields[] = {
	{ .name = "topologyKey", .type = CS_FIELD_STRING, .offset = offsetof(struct level, key) },
	{ .name = "distance",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct level, distance),
	  PERCENT },
	{ 0 },
};

static const struct cs_field fields[] = {
	{ .name = "levels",
	  .type = CS_FIELD_OBJECTS,
	  .offset = offsetof(struct distance_args, levels),
	  .fields = level_fields,
	  .size = sizeof(struct level) },
	{ .name = "threshold",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct distance_args, threshold),
	  PERCENT },
	{ 0 },
};

static void default_levels(struct distance_args *args)
{
	static const struct level defaults[] = {
		{ "topology.kubernetes.io/rack", { true, 10 } },
		{ "topology.kubernetes.io/zone", { true, 20 } },
		{ "topology.kubernetes.io/region", { true, 50 } },
	};
	struct level *items = cs_arena_alloc_raw(args->arena, sizeof(defaults));
	memcpy(items, defaults, sizeof(defaults));
	args->levels = (struct cs_field_list){ CS_ARRAY_LENGTH(defaults), items };
}

static bool is_repeated(const struct level *items, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (cs_string_equal(items[i].key, items[at].key))
			return true;
	return false;
}

static int check_levels(const struct distance_args *args, struct cs_errors *errors)
{
	const struct level *items = args->levels.items;
	int64_t before = 0;
	int r = 0;
	if (args->levels.count > LEVELS_MAX)
		return cs_errors_add(errors, "levels", "Too many: %u: at most %d items",
				     args->levels.count, LEVELS_MAX);
	for (uint32_t i = 0; i < args->levels.count; i++) {
		const char *path = cs_arena_printf(args->arena, "levels[%u].topologyKey", i);
		if (!items[i].key || !*items[i].key)
			r = cs_errors_required(errors, path, "");
		else if (cs_args_check_name(items[i].key, path, errors) < 0)
			r = -EINVAL;
		else if (is_repeated(items, i))
			r = cs_errors_duplicate(errors, path, items[i].key);
		if (items[i].distance.value < before || !items[i].distance.given)
			r = cs_errors_invalid_int(
				errors, cs_arena_printf(args->arena, "levels[%u].distance", i),
				items[i].distance.value,
				"values must be given and must not decrease");
		before = items[i].distance.value;
	}
	return r;
}

static void free_args(void *pointer)
{
	struct distance_args *args = pointer;
	if (args)
		cs_arena_destroy(args->arena);
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	struct cs_arena *arena = cs_arena_create();
	struct distance_args *args = cs_arena_alloc(arena, sizeof(*args));
	args->arena = arena;
	bool wrong = from && cs_fields_read(from, fields, arena, args, errors) < 0;
	if (args->levels.count == 0)
		default_levels(args);
	wrong |= check_levels(args, errors) < 0;
	if (wrong) {
		free_args(args);
		return -EINVAL;
	}
	*ret = args;
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct distance_args *args = pointer;
	const struct level *items = args->levels.items;
	cs_json_member_array_begin(json, "levels");
	for (uint32_t i = 0; i < args->levels.count; i++) {
		cs_json_object_begin(json);
		cs_json_member_string(json, "topologyKey", items[i].key);
		cs_json_member_int(json, "distance", items[i].distance.value);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
	cs_json_member_int(json, "threshold", args->threshold.value);
}

static const struct cs_argument arguments[] = {
	{ "levels", "list of {topologyKey, distance 0..100}, near to far",
	  "the distance of nodes that have the same value of the label; on the same node it is 0, "
	  "with no level in common 100; default topology.kubernetes.io/rack 10, /zone 20, /region "
	  "50" },
	{ "threshold", "integer, 0..100",
	  "a node at this mean distance from the pod's peers or beyond takes no pod; default 0: "
	  "none" },
	{ 0 },
};

const struct cs_plugin cs_plugin_minimum_distance = {
	.name = "MinimumDistance",
	.attach = attach,
	.detach = detach,
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_WEIGHT_CURES | CS_PEER_ROWS_CURES,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free_args,
};
