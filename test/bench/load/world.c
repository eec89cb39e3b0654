// The cluster of a scenario, second by second. Neighbours: world.h; outcome.h keeps what counts.
#include "world.h"

#include <math.h>
#include <stdlib.h>

#include <csched/base/memory.h>

#include "outcome.h"

#define RETRY 10 // s until a pod that fits nowhere is tried again

// ---- what a seed makes ----

static double draw(struct cs_random *random, struct range range)
{
	return range.from + (range.to - range.from) * cs_random_unit(random);
}

static double draw_normal(struct cs_random *random)
{
	double u = 1 - cs_random_unit(random), v = cs_random_unit(random);
	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

// In 0..1, of this pod or node and this second alone.
static double noise(uint64_t seed, uint64_t who, uint64_t second)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15 + who * 0xbf58476d1ce4e5b9 + second;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

static void make_node(struct node *node, const struct nodes *group, const struct scenario *scenario,
		      struct cs_random *random)
{
	*node = (struct node){ .group = group };
	for (int r = 0; r < RESOURCES; r++) {
		double used = draw(random, group->base[r]);
		double requested = draw(random, group->base_requested);
		node->base[r] = used * group->capacity[r];
		node->base_requested[r] =
			(group->base_requested.to < 0 ? used : requested) * group->capacity[r];
		node->requested[r] = node->base_requested[r];
	}
	node->base[CONNECTIONS] = draw(random, group->base[CONNECTIONS]);
	node->reports = cs_random_unit(random) >= scenario->missing;
}

static void make_nodes(struct world *world, struct cs_random *random)
{
	const struct scenario *scenario = world->scenario;
	for (uint32_t g = 0; g < scenario->n_nodes; g++)
		world->n_nodes += (uint32_t)scenario->nodes[g].count;
	world->nodes = cs_alloc_array(world->n_nodes, sizeof(*world->nodes));
	uint32_t n = 0;
	for (uint32_t g = 0; g < scenario->n_nodes; g++)
		for (uint32_t i = 0; i < (uint32_t)scenario->nodes[g].count; i++)
			make_node(&world->nodes[n++], &scenario->nodes[g], scenario, random);
}

// What the pods of a workload have in common.
static struct pod make_workload(const struct pods *group, uint32_t workload,
				struct cs_random *random)
{
	struct pod like = { .group = group,
			    .workload = workload,
			    .node = NOWHERE,
			    .placed = -1,
			    .gone = INFINITY,
			    .lifetime = INFINITY };
	for (int r = 0; r < RESOURCES; r++) {
		like.request[r] = draw(random, group->request[r]);
		like.limit[r] = like.request[r] * group->limit[r];
		like.use[r] = draw(random, group->use[r]) *
			      (group->request[r].to > 0 ? like.request[r] : 1);
	}
	like.use[CONNECTIONS] = draw(random, group->connections);
	like.announced = group->annotated > 0 ? like.use[CONNECTIONS] : 0;
	return like;
}

static struct pod make_pod(struct pod like, struct cs_random *random)
{
	const struct pods *group = like.group;
	double scale = 1 + group->spread * (2 * cs_random_unit(random) - 1);
	scale *= exp(group->sigma * draw_normal(random) - group->sigma * group->sigma / 2);
	double life = cs_random_unit(random);
	like.use[CPU] *= scale;
	like.use[CONNECTIONS] *= scale;
	like.use[MEMORY] *= 1 + (scale - 1) / 4; // memory varies less
	for (int r = 0; r < RESOURCES; r++)
		if (like.limit[r] > 0)
			like.use[r] = fmin(like.use[r], like.limit[r]);
	like.arrival = group->start + group->over * cs_random_unit(random);
	if (group->lifetime > 0)
		like.lifetime = -group->lifetime * log(1 - life);
	return like;
}

static int by_arrival(const void *a, const void *b)
{
	double x = ((const struct pod *)a)->arrival, y = ((const struct pod *)b)->arrival;
	return (x > y) - (x < y);
}

static void make_pods(struct world *world, struct cs_random *random)
{
	const struct scenario *scenario = world->scenario;
	uint32_t workload = 0, n = 0;
	for (uint32_t g = 0; g < scenario->n_pods; g++)
		world->n_pods += (uint32_t)scenario->pods[g].workloads *
				 (uint32_t)scenario->pods[g].replicas;
	world->pods = cs_alloc_array(world->n_pods, sizeof(*world->pods));
	for (uint32_t g = 0; g < scenario->n_pods; g++)
		for (uint32_t w = 0; w < (uint32_t)scenario->pods[g].workloads; w++) {
			struct pod like = make_workload(&scenario->pods[g], workload++, random);
			for (uint32_t i = 0; i < (uint32_t)scenario->pods[g].replicas; i++)
				world->pods[n++] = make_pod(like, random);
		}
	qsort(world->pods, world->n_pods, sizeof(*world->pods), by_arrival);
}

static void world_init(struct world *world, const struct scenario *scenario, uint64_t seed)
{
	struct cs_random random;
	cs_random_init(&random, seed);
	*world = (struct world){ .scenario = scenario,
				 .seed = seed,
				 .seconds = (uint32_t)scenario->seconds };
	make_nodes(world, &random);
	make_pods(world, &random);
	size_t n = (size_t)world->n_nodes * (world->seconds + 1);
	for (int f = 0; f < FIGURES; f++)
		world->sum[f] = cs_alloc_array(n, sizeof(double));
	for (int r = 0; r < RESOURCES; r++)
		world->sum_squares[r] = cs_alloc_array(n, sizeof(double));
}

static void world_finish(struct world *world)
{
	for (int f = 0; f < FIGURES; f++)
		free(world->sum[f]);
	for (int r = 0; r < RESOURCES; r++)
		free(world->sum_squares[r]);
	free(world->nodes);
	free(world->pods);
}

// ---- measuring ----

// Scrapes begin at some moment of the interval, the same for all who scrape in one run.
double world_taken(const struct world *world, double interval)
{
	const struct scenario *scenario = world->scenario;
	double phase = noise(world->seed, 0, 0) * interval;
	double until = world->now - scenario->delay;
	if (scenario->stops >= 0)
		until = fmin(until, scenario->stops);
	return floor(floor((until - phase) / interval) * interval + phase);
}

// Sum over the seconds before s; those before the start were as the base.
static double sum_before(const struct world *world, const double *sums, uint32_t node, double s,
			 double base)
{
	if (s < 0)
		return s * base;
	return sums[(size_t)node * (world->seconds + 1) + (size_t)s];
}

static double mean(const struct world *world, const double *sums, uint32_t node, double base,
		   const double span[2])
{
	return (sum_before(world, sums, node, span[1], base) -
		sum_before(world, sums, node, span[0], base)) /
	       (span[1] - span[0]);
}

bool world_measure(const struct world *world, uint32_t node, double interval, double window,
		   struct measured *ret)
{
	const struct node *at = &world->nodes[node];
	double taken = world_taken(world, interval);
	double span[2] = { taken - fmax(window, 1), taken };
	double moment[2] = { taken - 1, taken };
	ret->taken = taken;
	for (int r = 0; r < RESOURCES; r++) {
		double base = at->base[r];
		double m = mean(world, world->sum[r], node, base, span);
		double squares = mean(world, world->sum_squares[r], node, base * base, span);
		ret->value[r] = fmin(m, at->group->capacity[r]);
		ret->deviation[r] = sqrt(fmax(squares - m * m, 0));
	}
	ret->value[CONNECTIONS] =
		mean(world, world->sum[CONNECTIONS], node, at->base[CONNECTIONS], moment);
	return at->reports;
}

static double ramped(const struct pod *pod, int figure, double age)
{
	double ramp = pod->group->ramp[figure];
	return pod->use[figure] * (age >= ramp ? 1 : age / ramp);
}

// The middle of what it lived of the window stands for the window.
void world_measure_pod(const struct world *world, const struct pod *pod, double taken,
		       double window, double *ret)
{
	double from = fmax(taken - window, pod->placed);
	double share = fmax(taken - from, 0) / fmax(window, 1);
	double age = fmax((from + taken) / 2 - pod->placed, 0);
	double speed = world->nodes[pod->node].group->speed;
	ret[CPU] = ramped(pod, CPU, age) * share / speed;
	ret[MEMORY] = ramped(pod, MEMORY, age) * share;
	ret[CONNECTIONS] = ramped(pod, CONNECTIONS, fmax(taken - pod->placed, 0));
}

// ---- seconds ----

static void use_of_base(struct world *world, uint32_t second)
{
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		struct node *node = &world->nodes[n];
		double around = 0.95 + 0.1 * noise(world->seed, n + UINT64_C(1000000), second);
		node->use[CPU] = node->base[CPU] * around;
		node->use[MEMORY] = node->base[MEMORY];
		node->use[CONNECTIONS] = node->base[CONNECTIONS];
	}
}

static void use_of_pods(struct world *world, uint32_t n, uint32_t second)
{
	for (uint32_t p = 0; p < n; p++) {
		const struct pod *pod = &world->pods[p];
		if (pod->node == NOWHERE)
			continue;
		struct node *node = &world->nodes[pod->node];
		double age = fmax(world->now - pod->placed, 0);
		double around =
			1 + pod->group->noise *
				    (2 * noise(world->seed, p + UINT64_C(2000000), second) - 1);
		node->use[CPU] += ramped(pod, CPU, age) * around / node->group->speed;
		node->use[MEMORY] += ramped(pod, MEMORY, age);
		node->use[CONNECTIONS] += ramped(pod, CONNECTIONS, age);
	}
}

static void add_up(struct world *world, uint32_t second)
{
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		size_t at = (size_t)n * (world->seconds + 1) + second;
		for (int f = 0; f < FIGURES; f++)
			world->sum[f][at + 1] = world->sum[f][at] + world->nodes[n].use[f];
		for (int r = 0; r < RESOURCES; r++)
			world->sum_squares[r][at + 1] =
				world->sum_squares[r][at] +
				world->nodes[n].use[r] * world->nodes[n].use[r];
	}
}

static void book(struct world *world, const struct pod *pod, uint32_t node, double sign)
{
	for (int r = 0; r < RESOURCES; r++)
		world->nodes[node].requested[r] += sign * pod->request[r];
}

static void end_pods(struct world *world, uint32_t n, const struct placer *placer)
{
	for (uint32_t p = 0; p < n; p++) {
		struct pod *pod = &world->pods[p];
		if (pod->node == NOWHERE || pod->placed + pod->lifetime > world->now)
			continue;
		if (placer->gone)
			placer->gone(placer->user, world, pod);
		book(world, pod, pod->node, -1);
		pod->gone = world->now;
		pod->node = NOWHERE;
	}
}

static void place(struct world *world, struct pod *pod, const struct placer *placer)
{
	uint32_t node = placer->place(placer->user, world, pod);
	if (node == NOWHERE)
		return;
	pod->node = node;
	pod->placed = world->now;
	book(world, pod, node, 1);
}

// Returns how many pods have come so far.
static uint32_t place_pods(struct world *world, uint32_t come, uint32_t second,
			   const struct placer *placer)
{
	for (uint32_t p = 0; second % RETRY == 0 && p < come; p++)
		if (world->pods[p].placed < 0)
			place(world, &world->pods[p], placer);
	for (; come < world->n_pods && world->pods[come].arrival < second + 1; come++) {
		world->now = fmax(world->pods[come].arrival, world->now);
		place(world, &world->pods[come], placer);
	}
	return come;
}

static void keep_series(const struct world *world, uint32_t second, struct series *series)
{
	if (second % SERIES_STEP != 0)
		return;
	for (uint32_t n = 0; n < world->n_nodes; n++)
		series->use[(size_t)series->n * world->n_nodes + n] =
			world->nodes[n].use[CPU] / world->nodes[n].group->capacity[CPU];
	series->n++;
}

void world_run(const struct scenario *scenario, uint64_t seed, const struct placer *placer,
	       double outcomes[OUTCOMES], struct series *series)
{
	struct world world;
	struct outcome_state state;
	uint32_t come = 0;
	world_init(&world, scenario, seed);
	outcome_init(&state, &world);
	if (series)
		*series = (struct series){
			.n_nodes = world.n_nodes,
			.use = cs_alloc_array(world.n_nodes * (world.seconds / SERIES_STEP + 1),
					      sizeof(double))
		};
	for (uint32_t second = 0; second < world.seconds; second++) {
		world.now = second;
		if (placer->second)
			placer->second(placer->user, &world);
		end_pods(&world, come, placer);
		come = place_pods(&world, come, second, placer);
		world.now = second + 1;
		use_of_base(&world, second);
		use_of_pods(&world, come, second);
		add_up(&world, second);
		if (world.now > scenario->measure_from)
			outcome_second(&state, &world, second);
		if (series)
			keep_series(&world, second, series);
	}
	outcome_finish(&state, &world, outcomes);
	world_finish(&world);
}
