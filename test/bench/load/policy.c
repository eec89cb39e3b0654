// Peers' rules, and how they are played. Neighbours: policy.h.
#include "policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

// ---- requests ----

// kube-scheduler counts these for a pod that requests nothing.
static double counted(const struct asked *pod, int resource)
{
	static const double least[RESOURCES] = { 0.1, 200.0 / 1024 };
	return pod->request[resource] > 0 ? pod->request[resource] : least[resource];
}

static double least_allocated(const struct seen *node, const struct asked *pod)
{
	double score = 0;
	for (int r = 0; r < RESOURCES; r++)
		score += 50 *
			 fmax(0, 1 - (node->requested[r] + counted(pod, r)) / node->capacity[r]);
	return score;
}

// swarmkit: fewer tasks of the service, then fewer tasks.
static double swarm(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return -node->n_of_workload - 1e-4 * node->n_pods;
}

// ---- Trimaran ----

// A limit, else one and a half times the request, else one core.
static double predict(double request, double limit)
{
	return limit > 0 ? limit : request > 0 ? 1.5 * request : 1;
}

// Bound after the window's end, or less than a minute before it.
static double fresh_use(const struct seen *node)
{
	double sum = 0;
	for (uint32_t i = node->n_recent; i-- > 0;) {
		if (node->recent[i].placed <= node->measured.taken - 60)
			break;
		sum += predict(node->recent[i].pod->request[CPU], node->recent[i].pod->limit[CPU]);
	}
	return sum;
}

static double target_load_packing(const struct seen *node, const struct asked *pod)
{
	const double target = 40;
	if (!node->known)
		return 0;
	double use = 100 *
		     (node->measured.value[CPU] + predict(pod->request[CPU], pod->limit[CPU]) +
		      fresh_use(node)) /
		     node->capacity[CPU];
	if (use > 100)
		return 0;
	return round(use <= target ? (100 - target) * use / target + target
				   : target * (100 - use) / (100 - target));
}

static double load_variation(const struct seen *node, const struct asked *pod)
{
	double least = 100;
	if (!node->known)
		return 0;
	for (int r = 0; r < RESOURCES; r++) {
		double mean = (node->measured.value[r] + pod->request[r]) / node->capacity[r];
		double deviation = node->measured.deviation[r] / node->capacity[r];
		least = fmin(least, 100 * (1 - (fmin(mean, 1) + fmin(deviation, 1)) / 2));
	}
	return round(least);
}

// ---- Koordinator ----

static double koordinator_estimate(double request, double limit, int resource)
{
	static const double factor[RESOURCES] = { 0.85, 0.70 };
	static const double least[RESOURCES] = { 0.25, 200.0 / 1024 };
	double most = fmax(limit, request);
	if (most <= 0)
		return least[resource];
	return limit > 0 ? fmin(limit, most * factor[resource]) : most * factor[resource];
}

// Pods that no report shows yet, or that came less than an interval before it. What a report shows
// of those is not counted twice; it is left out here, since it is small after so short a time.
static double koordinator_used(const struct seen *node, int resource)
{
	double sum = node->measured.value[resource];
	for (uint32_t i = node->n_recent; i-- > 0;) {
		const struct pod *pod = node->recent[i].pod;
		if (node->recent[i].placed <= node->measured.taken - node->interval)
			break;
		sum += koordinator_estimate(pod->request[resource], pod->limit[resource], resource);
	}
	return sum;
}

static double koordinator(const struct seen *node, const struct asked *pod)
{
	double score = 0;
	if (!node->known)
		return 0;
	for (int r = 0; r < RESOURCES; r++) {
		double used = koordinator_used(node, r) +
			      koordinator_estimate(pod->request[r], pod->limit[r], r);
		score += 50 * fmax(0, 1 - used / node->capacity[r]);
	}
	return score;
}

// Above 65 % of CPU or 95 % of memory. Figures that have expired reject; no figures at all do not.
static bool koordinator_rejects(const struct seen *node, const struct asked *pod)
{
	static const double most[RESOURCES] = { 65, 95 };
	if (!node->known)
		return node->measured.taken < node->now;
	for (int r = 0; r < RESOURCES; r++) {
		double used = koordinator_used(node, r) +
			      koordinator_estimate(pod->request[r], pod->limit[r], r);
		if (round(100 * used / node->capacity[r]) > most[r])
			return true;
	}
	return false;
}

// ---- Crane ----

static double count_since(const struct seen *node, double since)
{
	double n = 0;
	for (uint32_t i = node->n_recent; i-- > 0 && node->recent[i].placed >= since;)
		n++;
	return n;
}

// Binds of five minutes and of one, as counted at `at`.
static double hot_value(const struct seen *node, double at)
{
	double later = count_since(node, at);
	return floor((count_since(node, at - 300) - later) / 5) +
	       floor((count_since(node, at - 60) - later) / 2);
}

static double crane_score(const struct seen *node)
{
	double score = 0;
	for (int r = 0; r < RESOURCES; r++)
		if (node->known)
			score += 50 * (1 - node->measured.value[r] / node->capacity[r]);
	return score;
}

// The hot value is written along with the figures.
static double crane(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return fmax(0, floor(crane_score(node)) - 10 * hot_value(node, node->measured.taken));
}

// ---- figures as they are, of CPU alone ----

static double idlest(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return node->known ? -node->measured.value[CPU] / node->capacity[CPU] : -1;
}

static double crane_cpu(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	double score = 100 * (1 - node->measured.value[CPU] / node->capacity[CPU]);
	return fmax(0, score - 10 * hot_value(node, node->measured.taken));
}

static double crane_live(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	double score = 100 * (1 - node->measured.value[CPU] / node->capacity[CPU]);
	return fmax(0, score - 10 * hot_value(node, node->now + 1));
}

// What figures do not show yet is estimated by requests.
static double idlest_estimated(const struct seen *node, const struct asked *pod)
{
	double sum = node->measured.value[CPU] + pod->request[CPU];
	for (uint32_t i = node->n_recent; i-- > 0;) {
		double shown = (node->measured.taken - node->recent[i].placed) / node->window;
		if (shown >= 1)
			break;
		sum += node->recent[i].pod->request[CPU] * (1 - fmax(shown, 0));
	}
	return -sum / node->capacity[CPU];
}

static double fewest_pods(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return -node->n_pods;
}

// ---- connections ----

static double least_connections(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return node->known ? -node->measured.value[CONNECTIONS] : -1e9;
}

// IPVS WLC: the least (256 * active + inactive) / weight.
static double weighted_least_connections(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return node->known ? -node->measured.value[CONNECTIONS] / node->weight : -1e9;
}

// IPVS SED: the least (active + 1) / weight.
static double shortest_delay(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return node->known ? -(node->measured.value[CONNECTIONS] + 1) / node->weight : -1e9;
}

static double pods_per_weight(const struct seen *node, const struct asked *pod)
{
	(void)pod;
	return -(node->n_pods + 1) / node->weight;
}

static double shortest_delay_in_flight(const struct seen *node, const struct asked *pod)
{
	double sum = node->measured.value[CONNECTIONS] + pod->connections;
	for (uint32_t i = node->n_recent; i-- > 0;) {
		double age = node->measured.taken - node->recent[i].placed;
		if (age >= node->ramp)
			break;
		sum += pod->connections * (1 - fmax(age, 0) / node->ramp);
	}
	return -sum / node->weight;
}

// Trimaran: its collector asks every 30 s; metrics-server's figures. Koordinator: a report each
// minute of the mean of five, valid for three. Crane: each three minutes the mean of five, valid
// for eight.
const struct rule policy_rules[] = {
	{ .name = "LeastAllocated", .score = least_allocated },
	{ .name = "Trimaran TLP", .score = target_load_packing },
	{ .name = "Trimaran LVRB", .score = load_variation },
	{ .name = "Koordinator",
	  .score = koordinator,
	  .rejects = koordinator_rejects,
	  .interval = 60,
	  .window = 300,
	  .expires = 180 },
	{ .name = "Crane", .score = crane, .interval = 180, .window = 300, .expires = 480 },
	{ .name = "Swarm", .score = swarm },
	{ .name = "IPVS WLC", .score = weighted_least_connections },
	{ .name = "IPVS SED", .score = shortest_delay },
	{ .name = "two choices", .score = idlest, .two_choices = true },
	{ 0 },
};

const struct rule policy_cpu[] = {
	{ .name = "stale argmax", .score = idlest },
	{ .name = "crane hotValue", .score = crane_cpu, .interval = 180 },
	{ .name = "crane, live", .score = crane_live },
	{ .name = "P2C on stale", .score = idlest, .two_choices = true },
	{ .name = "task-count spread", .score = fewest_pods },
	{ .name = "estimate + argmax", .score = idlest_estimated },
	{ .name = "estimate + P2C", .score = idlest_estimated, .two_choices = true },
	{ 0 },
};

const struct rule policy_connections[] = {
	{ .name = "raw LC", .score = least_connections },
	{ .name = "WLC", .score = weighted_least_connections },
	{ .name = "SED", .score = shortest_delay },
	{ .name = "WLC+P2C", .score = weighted_least_connections, .two_choices = true },
	{ .name = "pods/weight", .score = pods_per_weight },
	{ .name = "SED, in flight", .score = shortest_delay_in_flight },
	{ 0 },
};

// ---- playing ----

struct place {
	double n_pods;
	double *of_workload;
	uint32_t n_recent;
	uint32_t capacity;
	struct recent *recent;
};

struct policy {
	struct placer placer;
	const struct rule *rule;
	const struct scenario *scenario;
	struct cs_random random;
	uint32_t n_workloads;
	uint32_t n_places;
	struct place *places; // made when the first pod comes
	uint32_t *fits;       // scratch
};

#define REMEMBERED 600 // s

static void make_places(struct policy *policy, const struct world *world)
{
	policy->n_places = world->n_nodes;
	policy->places = cs_alloc_array(world->n_nodes, sizeof(*policy->places));
	policy->fits = cs_alloc_array(world->n_nodes, sizeof(*policy->fits));
	for (uint32_t p = 0; p < world->n_pods; p++)
		if (world->pods[p].workload >= policy->n_workloads)
			policy->n_workloads = world->pods[p].workload + 1;
	for (uint32_t n = 0; n < world->n_nodes; n++)
		policy->places[n].of_workload = cs_alloc_array(policy->n_workloads, sizeof(double));
}

static void see(const struct policy *policy, const struct world *world, uint32_t n,
		const struct pod *pod, struct seen *ret)
{
	const struct rule *rule = policy->rule;
	const struct node *node = &world->nodes[n];
	const struct place *place = &policy->places[n];
	double interval = rule->interval > 0 ? rule->interval : world->scenario->interval;
	double window = rule->window > 0 ? rule->window : world->scenario->window;
	*ret = (struct seen){ .now = world->now,
			      .interval = interval,
			      .window = window,
			      .weight = node->group->weight / 100,
			      .n_pods = place->n_pods,
			      .n_of_workload = place->of_workload[pod->workload],
			      .n_recent = place->n_recent,
			      .recent = place->recent,
			      .ramp = pod->group->ramp[CONNECTIONS] };
	ret->known = world_measure(world, n, interval, window, &ret->measured);
	if (!ret->known)
		ret->measured = (struct measured){ .taken = world->now };
	else if (rule->expires > 0 && world->now - ret->measured.taken > rule->expires)
		ret->known = false;
	for (int r = 0; r < RESOURCES; r++) {
		ret->capacity[r] = node->group->capacity[r];
		ret->requested[r] = node->requested[r];
	}
}

static bool fits(const struct policy *policy, const struct seen *node, const struct asked *pod)
{
	for (int r = 0; r < RESOURCES && policy->scenario->filter > 0; r++)
		if (node->requested[r] + pod->request[r] > node->capacity[r])
			return false;
	return !policy->rule->rejects || !policy->rule->rejects(node, pod);
}

static double mean_connections(const struct pods *group)
{
	return (group->connections.from + group->connections.to) / 2;
}

// Of the nodes that fit (or two of them), one with the greatest score, ties at random.
static uint32_t choose(struct policy *policy, const struct world *world, const struct pod *pod,
		       const struct asked *asked)
{
	struct seen seen;
	uint32_t n_fits = 0, best = NOWHERE;
	uint64_t ties = 0;
	double greatest = -INFINITY;
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		see(policy, world, n, pod, &seen);
		if (fits(policy, &seen, asked))
			policy->fits[n_fits++] = n;
	}
	if (policy->rule->two_choices && n_fits > 2) {
		uint32_t a = (uint32_t)cs_random_below(&policy->random, n_fits);
		uint32_t b = (uint32_t)cs_random_below(&policy->random, n_fits - 1);
		uint32_t two[2] = { policy->fits[a], policy->fits[b + (b >= a)] };
		memcpy(policy->fits, two, sizeof(two));
		n_fits = 2;
	}
	for (uint32_t i = 0; i < n_fits; i++) {
		see(policy, world, policy->fits[i], pod, &seen);
		double score = policy->rule->score(&seen, asked);
		ties = score > greatest ? 1 : ties + (score == greatest);
		if (score > greatest ||
		    (score == greatest && cs_random_below(&policy->random, ties) == 0)) {
			greatest = score;
			best = policy->fits[i];
		}
	}
	return best;
}

static void forget_old(struct place *place, double now)
{
	uint32_t n = 0;
	while (n < place->n_recent && place->recent[n].placed < now - REMEMBERED)
		n++;
	if (n == 0)
		return;
	place->n_recent -= n;
	memmove(place->recent, place->recent + n, place->n_recent * sizeof(*place->recent));
}

static void remember(struct place *place, const struct pod *pod, double now)
{
	if (place->n_recent == place->capacity)
		forget_old(place, now);
	if (place->n_recent == place->capacity) {
		place->capacity = place->capacity ? 2 * place->capacity : 16;
		place->recent =
			cs_realloc_array(place->recent, place->capacity, sizeof(*place->recent));
	}
	place->recent[place->n_recent++] = (struct recent){ pod, now };
	place->n_pods++;
	place->of_workload[pod->workload]++;
}

static uint32_t policy_place(void *user, const struct world *world, const struct pod *pod)
{
	struct policy *policy = user;
	struct asked asked = { .connections = mean_connections(pod->group) };
	memcpy(asked.request, pod->request, sizeof(asked.request));
	memcpy(asked.limit, pod->limit, sizeof(asked.limit));
	if (!policy->places)
		make_places(policy, world);
	uint32_t node = choose(policy, world, pod, &asked);
	if (node != NOWHERE)
		remember(&policy->places[node], pod, world->now);
	return node;
}

static void policy_gone(void *user, const struct world *world, const struct pod *pod)
{
	struct policy *policy = user;
	struct place *place = &policy->places[pod->node];
	(void)world;
	place->n_pods--;
	place->of_workload[pod->workload]--;
	uint32_t n = 0;
	for (uint32_t i = 0; i < place->n_recent; i++)
		if (place->recent[i].pod != pod)
			place->recent[n++] = place->recent[i];
	place->n_recent = n;
}

struct placer *policy_create(const struct rule *rule, const struct scenario *scenario,
			     uint64_t seed)
{
	struct policy *policy = cs_alloc(sizeof(*policy));
	policy->rule = rule;
	policy->scenario = scenario;
	policy->placer = (struct placer){
		.name = rule->name, .user = policy, .place = policy_place, .gone = policy_gone
	};
	cs_random_init(&policy->random, seed + 1);
	return &policy->placer;
}

void policy_destroy(struct placer *placer)
{
	struct policy *policy = placer->user;
	for (uint32_t n = 0; n < policy->n_places; n++) {
		free(policy->places[n].of_workload);
		free(policy->places[n].recent);
	}
	free(policy->places);
	free(policy->fits);
	free(policy);
}
