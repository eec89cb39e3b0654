// MinimumLatency: where the pods that a pod talks to are reached soonest. Neighbours: peer_rows.h;
// cluster's latency.h keeps what was measured between places.
//
//     L     = the mean latency from the node's place to the peers' places + floor
//     score = 100 * (Lmin / L)^bias, rounded; Lmin is that of the feasible nodes
//
// Peers are those of MinimumDistance. Within one place it is 0 unless measured; a pair that is not
// known counts as the mean of all pairs known here. Latencies well below the floor are all the
// same. A pod without peers, or with none whose place is known, is not scored. Within the deadband
// (as LeastConnections) all score 100.
//
// Example: floor 0.1 ms; peers are one in place a and three in b. From a 0.4 ms to b, from c 0.9 ms
// to both:
//     a (0 + 3 * 0.4) / 4 + 0.1 = 0.4 ms, b (0.4 + 0) / 4 + 0.1 = 0.2 ms, c 0.9 + 0.1 = 1 ms
//     -> a 50, b 100, c 20
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/cluster/latency.h>
#include <csched/cluster/topology.h>
#include <csched/framework/fields.h>

#include "by_load.h"
#include "peer_rows.h"
#include "plugins.h"

struct latency_args {
	struct cs_by_ratio ratio;
	int64_t floor;     // ns
	int64_t threshold; // ns; 0 = none
};

// Of one decision; arrays by the domain of the place.
struct means {
	const struct cs_topology *topology;
	float *seconds; // the mean of peers with the floor, by domain + 1: 0 is of rows in no place
	bool *known;    // some pair is
	float threshold;
	double floor; // seconds
};

// Adding up.
struct sums {
	uint32_t of_peers; // the domain at hand
	double weight;     // peers in it
	bool has_itself;
	double *seconds; // by domain
	double *peers;
	double all_seconds;
	double all_peers;
};

static void add(void *user, uint32_t from, double seconds)
{
	struct sums *sums = user;
	sums->has_itself |= from == sums->of_peers;
	sums->seconds[from] += sums->weight * seconds;
	sums->peers[from] += sums->weight;
	sums->all_seconds += sums->weight * seconds;
	sums->all_peers += sums->weight;
}

// Where a place is not measured to itself it has 0 to itself, which is not taken into the mean of
// what is known.
static void add_place(const struct cs_latency *latency, struct sums *sums, uint32_t domain,
		      double n_peers)
{
	sums->of_peers = domain;
	sums->weight = n_peers;
	sums->has_itself = false;
	cs_latency_each(latency, domain, add, sums);
	if (!sums->has_itself)
		sums->peers[domain] += n_peers;
}

static void sum_up(struct cs_cycle *cycle, const struct cs_latency *latency,
		   const struct cs_peer_rows *peers, struct sums *sums)
{
	const struct cs_topology *topology = cs_latency_topology(latency);
	double *n_peers =
		cs_arena_alloc_array(cycle->scratch, topology->n_domains, sizeof(*n_peers));
	sums->seconds =
		cs_arena_alloc_array(cycle->scratch, topology->n_domains, sizeof(*sums->seconds));
	sums->peers =
		cs_arena_alloc_array(cycle->scratch, topology->n_domains, sizeof(*sums->peers));
	for (uint32_t i = 0; i < peers->n; i++) {
		uint32_t domain = topology->domain[peers->rows[i]];
		if (domain != CS_DOMAIN_NONE)
			n_peers[domain] += peers->counts[i];
	}
	for (uint32_t domain = 0; domain < topology->n_domains; domain++)
		if (n_peers[domain] > 0)
			add_place(latency, sums, domain, n_peers[domain]);
}

// NULL: the pod has no peers, or nothing is known of the way to them.
static struct means *prepare(struct cs_cycle *cycle, const struct latency_args *args)
{
	const struct cs_latency *latency = cs_cluster_latency(cycle->cluster);
	struct cs_peer_rows peers;
	struct sums sums = { 0 };
	if (!latency || !cs_peer_rows_find(cycle, &peers))
		return NULL;
	sum_up(cycle, latency, &peers, &sums);
	if (sums.all_peers <= 0)
		return NULL;
	struct means *means = cs_arena_alloc(cycle->scratch, sizeof(*means));
	means->topology = cs_latency_topology(latency);
	uint32_t n = means->topology->n_domains;
	means->seconds = cs_arena_alloc_array(cycle->scratch, n + 1, sizeof(*means->seconds));
	means->known = cs_arena_alloc_array(cycle->scratch, n + 1, sizeof(*means->known));
	double floor = (double)args->floor / CS_SECOND;
	double unknown = sums.all_seconds / sums.all_peers;
	double total = (double)peers.total;
	means->seconds[0] = (float)(unknown + floor);
	for (uint32_t domain = 0; domain < n; domain++) {
		double rest = total - sums.peers[domain];
		double mean = (sums.seconds[domain] + rest * unknown) / total;
		means->seconds[domain + 1] = (float)(mean + floor);
		means->known[domain + 1] = sums.peers[domain] > 0;
	}
	means->floor = floor;
	means->threshold = (float)((double)args->threshold / CS_SECOND + floor);
	return means;
}

// ---- filter ----

static enum cs_prepare prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct latency_args *args = self->args;
	struct means *means = args->threshold > 0 ? prepare(cycle, args) : NULL;
	self->state = means;
	return means ? CS_PREPARE_GO : cs_by_load_prepare_weight(cycle, self);
}

static void filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	const struct means *means = self->state;
	cs_by_load_filter_weight(cycle, self, rows, verdict);
	for (uint32_t row = rows.first; means && row < rows.end; row++) {
		uint32_t at = means->topology->domain[row] + 1;
		if (verdict[row] == CS_VERDICT_FITS && means->known[at] &&
		    means->seconds[at] >= means->threshold)
			verdict[row] = CS_VERDICT_UNSCHEDULABLE;
	}
}

static void reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	if (cs_cluster_load(cycle->cluster)->weight[row] == 0)
		cs_by_load_weight_reasons(cycle, self, row, say, user);
	else
		say(user, "node(s) had a latency to the pod's peers above the threshold");
}

// ---- score ----

// By domain + 1, as the means are.
struct by_place {
	const struct cs_topology *topology;
	uint8_t *scores;
	const struct means *means;
	struct cs_by_ratio_state ratio;
};

// Of the places that feasible nodes are in.
static struct cs_load_range range_of(const struct cs_cycle *cycle,
				     const struct cs_topology *topology, const float *values)
{
	struct cs_load_range range = { INFINITY, 0 };
	const uint32_t *feasible = cs_by_load_feasible(cycle);
	uint32_t n = topology->n_domains + 1;
	uint32_t n_placed = 0;
	bool *has = cs_arena_alloc_array(cycle->scratch, n, sizeof(*has));
	for (uint32_t i = 0; feasible && i < cycle->n_feasible; i++)
		has[(uint32_t)(topology->domain[feasible[i]] + 1)] = true;
	for (uint32_t i = 1; !feasible && i < n; i++) {
		has[i] = topology->n_rows[i - 1] > 0;
		n_placed += topology->n_rows[i - 1];
	}
	if (!feasible)
		has[0] = n_placed < cycle->n_feasible;
	for (uint32_t i = 0; i < n; i++) {
		range.least = has[i] && values[i] < range.least ? values[i] : range.least;
		range.greatest = has[i] && values[i] > range.greatest ? values[i] : range.greatest;
	}
	return range;
}

static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct latency_args *args = self->args;
	const struct means *means = prepare(cycle, args);
	if (!means)
		return CS_PREPARE_SKIP;
	uint32_t n = means->topology->n_domains + 1;
	struct by_place *state = cs_arena_alloc(cycle->scratch, sizeof(*state));
	float *values = cs_arena_alloc_raw(cycle->scratch, n * sizeof(*values));
	for (uint32_t i = 0; i < n; i++)
		values[i] = 1.0F / means->seconds[i];
	cs_by_ratio_begin(&args->ratio, values, range_of(cycle, means->topology, values),
			  &state->ratio);
	state->topology = means->topology;
	state->means = means;
	state->scores = cs_arena_alloc_raw(cycle->scratch, n);
	cs_by_ratio_score(&state->ratio, (struct cs_rows){ 0, n }, state->scores);
	self->score_state = state;
	return CS_PREPARE_GO;
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	const struct by_place *state = self->score_state;
	cs_load_kernel_look_up(state->topology->domain, state->scores,
			       state->topology->n_domains + 1, rows, out);
}

// ---- in numbers ----

static void explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, struct cs_buffer *out)
{
	const struct means *means = self->state;
	if (cs_cluster_load(cycle->cluster)->weight[row] != 0)
		cs_buffer_printf(
			out, "to its peers %.4g s with the floor, threshold %.4g s",
			(double)means->seconds[(uint32_t)(means->topology->domain[row] + 1)],
			(double)means->threshold);
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	const struct by_place *state = self->score_state;
	uint32_t at = state->topology->domain[row] + 1;
	cs_buffer_printf(out, "seconds to its peers, %s, and the floor of %.4g s: ",
			 state->means->known[at] ? "the mean of what is known" : "estimated",
			 state->means->floor);
	cs_by_ratio_explain(&state->ratio, at, 1, out);
}

// ---- arguments ----

struct latency_fields {
	struct cs_by_ratio_fields ratio;
	struct cs_field_int floor;
	struct cs_field_int threshold;
};

static const struct cs_field fields[] = {
	CS_BY_RATIO_FIELDS(struct latency_fields, ratio),
	{ .name = "floor",
	  .type = CS_FIELD_DURATION,
	  .offset = offsetof(struct latency_fields, floor) },
	{ .name = "threshold",
	  .type = CS_FIELD_DURATION,
	  .offset = offsetof(struct latency_fields, threshold) },
	{ 0 },
};

static int check(const struct latency_args *args, struct cs_errors *errors)
{
	int r = 0;
	if (args->floor < 1000 || args->floor > CS_SECOND)
		r = cs_errors_invalid_duration(errors, "floor", args->floor, 1000, CS_SECOND);
	if (args->threshold < 0 || args->threshold > 60 * CS_SECOND)
		r = cs_errors_invalid_duration(errors, "threshold", args->threshold, 0,
					       60 * CS_SECOND);
	return r;
}

static int configure(struct json_object *from, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct latency_fields read = { 0 };
	CS_AUTO_FREE struct latency_args *args = cs_alloc(sizeof(*args));
	bool wrong = from && cs_fields_read(from, fields, arena, &read, errors) < 0;
	wrong |= cs_by_ratio_configure(&read.ratio, &args->ratio, errors) < 0;
	args->floor = read.floor.given ? read.floor.value : CS_SECOND / 10000;
	args->threshold = read.threshold.value;
	wrong |= check(args, errors) < 0;
	if (wrong)
		return -EINVAL;
	*ret = CS_TAKE(args);
	return 0;
}

static void write_args(const void *pointer, struct cs_json_writer *json)
{
	const struct latency_args *args = pointer;
	cs_by_ratio_write(&args->ratio, json);
	cs_json_member_duration(json, "floor", args->floor);
	cs_json_member_duration(json, "threshold", args->threshold);
}

static bool uses(const void *args, uint32_t i, struct cs_metric_use *ret)
{
	(void)args;
	(void)ret; // whichever is of kind Pair
	return i == 0;
}

static const struct cs_argument arguments[] = {
	CS_BY_RATIO_ARGUMENTS,
	{ "floor", "duration, 1us..1s",
	  "is added to each latency: what is far below it makes no difference; default 100us" },
	{ "threshold", "duration, 0s..1m",
	  "a node with this mean latency to the pod's peers or more takes no pod; default 0s: "
	  "none" },
	{ 0 },
};

const struct cs_plugin cs_plugin_minimum_latency = {
	.name = "MinimumLatency",
	.prepare_filter = prepare_filter,
	.filter = filter,
	.reasons = reasons,
	.explain_filter = explain_filter,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
	.by_default = CS_PLUGIN_NAMED,
	.cures = CS_BY_LOAD_WEIGHT_CURES | CS_PEER_ROWS_CURES | CS_EVENT_LOAD,
	.arguments = arguments,
	.configure = configure,
	.write_args = write_args,
	.free_args = free,
	.uses = uses,
};
