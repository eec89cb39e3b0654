// Times the plugins' own callbacks, and the ledger. Neighbours: cost.h; ours.c makes the cluster.
#include "cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <csched/base/arena.h>
#include <csched/base/memory.h>
#include <csched/framework/profile.h>

#include "ours.h"

#define NODES   5000
#define PODS    20000
#define REPEATS 201
#define NAME    16
#define SECOND  INT64_C(1000000000)
#define FIRST   (1800000000 * SECOND) // after all that the world has said

static double cpu_time(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, REPEATS, sizeof(*values), compare);
	return values[REPEATS / 2];
}

// ---- scores ----

static const char *const by_load[] = { "LeastLoad", "LeastConnections" };

static bool is_by_load(const struct cs_plugin_instance *instance)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(by_load); i++)
		if (strcmp(instance->plugin->name, by_load[i]) == 0)
			return true;
	return false;
}

// Returns how many plugins had a say.
static uint32_t score_all(struct cs_cycle *cycle, const struct cs_profile *profile, int64_t *out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < profile->n_score; i++) {
		struct cs_plugin_instance *instance = profile->score[i];
		const struct cs_plugin *plugin = instance->plugin;
		if (!is_by_load(instance) ||
		    plugin->prepare_score(cycle, instance) != CS_PREPARE_GO)
			continue;
		plugin->score(cycle, instance, (struct cs_rows){ 0, cycle->nodes->n_rows }, out);
		if (plugin->normalise)
			plugin->normalise(cycle, instance, cycle->feasible, cycle->n_feasible, out);
		n++;
	}
	return n;
}

static void measure_scores(struct cs_cluster *cluster, const struct cs_profile *profile)
{
	double took[REPEATS];
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	struct cs_arena *scratch = cs_arena_create();
	const struct cs_pod *pod = cs_cluster_find_pod(cluster, "pod-0");
	CS_AUTO_FREE int64_t *out = cs_alloc_array(nodes->capacity, sizeof(*out));
	CS_AUTO_FREE uint32_t *feasible = cs_alloc_array(nodes->n_rows, sizeof(*feasible));
	uint32_t n = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++)
		feasible[row] = row;
	for (uint32_t i = 0; i < REPEATS; i++) {
		struct cs_cycle cycle = { .cluster = cluster,
					  .nodes = nodes,
					  .pod = pod,
					  .demand = pod->demand,
					  .scratch = scratch,
					  .feasible = feasible,
					  .n_feasible = nodes->n_rows };
		double begun = cpu_time();
		n = score_all(&cycle, profile, out);
		took[i] = cpu_time() - begun;
		cs_arena_reset(scratch);
	}
	printf("%u plugins by load score %u nodes for a new demand: %.1f us\n", n, nodes->n_rows,
	       median(took));
	cs_arena_destroy(scratch);
}

// ---- samples ----

// A round of one metric; returns what it took in microseconds.
static double absorb(struct cs_cluster *cluster, char (*names)[NAME], uint32_t metric, int64_t now)
{
	struct cs_load_report report;
	CS_AUTO_FREE struct cs_load_sample *samples = cs_alloc_array(NODES, sizeof(*samples));
	for (uint32_t n = 0; n < NODES; n++)
		samples[n] = (struct cs_load_sample){
			.node = names[n],
			.metric = metric,
			.value = 1000 + (double)((n * 37 + (uint64_t)now / SECOND) % 5000),
			.taken = now,
			.window = 60 * SECOND
		};
	cs_cluster_set_time(cluster, now);
	double begun = cpu_time();
	cs_cluster_apply_samples(cluster, samples, NODES, &report);
	double took = cpu_time() - begun;
	if (report.n_matched != NODES)
		fprintf(stderr, "load: %u samples matched\n", report.n_matched);
	return took;
}

static void measure_samples(struct cs_cluster *cluster)
{
	static double took[FIGURES][REPEATS];
	uint32_t n_metrics;
	const struct cs_load_metric *metrics = ours_metrics(&n_metrics);
	char(*names)[NAME] = cs_alloc_array(NODES, sizeof(*names));
	for (uint32_t n = 0; n < NODES; n++)
		snprintf(names[n], sizeof(names[n]), "node-%03u", n);
	for (uint32_t i = 0; i < REPEATS; i++)
		for (uint32_t m = 0; m < n_metrics; m++)
			took[m][i] = absorb(cluster, names, m, FIRST + i * 30 * SECOND);
	for (uint32_t m = 0; m < n_metrics; m++)
		printf("a round of %u samples of %s, %u pods on the nodes: %.0f us\n", NODES,
		       metrics[m].name, cs_cluster_count(cluster).pods, median(took[m]));
	free(names);
}

// ---- the cluster ----

static void place_pods(const struct placer *placer, struct world *world)
{
	static const struct pods group = { .workloads = 200, .replicas = PODS / 200.0 };
	world->n_pods = PODS;
	world->pods = cs_alloc_array(PODS, sizeof(*world->pods));
	for (uint32_t p = 0; p < PODS; p++)
		world->pods[p] = (struct pod){
			.group = &group, .workload = p % 200, .request = { 0.5, 1 }, .node = NOWHERE
		};
	placer->second(placer->user, world);
	for (uint32_t p = 0; p < PODS; p++)
		if (placer->place(placer->user, world, &world->pods[p]) == NOWHERE)
			fprintf(stderr, "load: no node for pod %u\n", p);
}

void cost_measure(const struct cs_config *config)
{
	static const struct scenario scenario = { .interval = 30, .window = 60, .stops = -1 };
	static const struct nodes group = { .capacity = { 16, 64 }, .weight = 100, .speed = 1 };
	struct world world = { .scenario = &scenario, .seed = 1, .n_nodes = NODES };
	struct placer *placer = ours_create(config, 1);
	world.nodes = cs_alloc_array(NODES, sizeof(*world.nodes));
	for (uint32_t n = 0; n < NODES; n++)
		world.nodes[n] = (struct node){ .group = &group,
						.base = { 1 + n % 7, 8, n % 100 },
						.reports = true };
	place_pods(placer, &world);
	printf("\ncost, medians of %d, CPU time\n", REPEATS);
	measure_scores(ours_cluster(placer), config->profiles[0]);
	measure_samples(ours_cluster(placer));
	ours_destroy(placer);
	free(world.nodes);
	free(world.pods);
}
