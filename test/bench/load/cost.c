// Times the plugins' own callbacks, and the ledger. Neighbours: cost.h; ours.h has the metrics.
#include "cost.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <csched/base/arena.h>
#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/framework/cycle.h>
#include <csched/kube/codec.h>
#include <csched/plugins/list.h>

#include "ours.h"

#define NODES      5000
#define PODS       150000
#define WORKLOADS  1000
#define ZONES      10
#define REPEATS    201
#define BLOCK_ROWS 1024 // that decisions ask for at once
#define NAME       16
#define BEGIN      (1800000000 * CS_SECOND) // 2027-01-15T08:00:00Z
#define METRICS    (FIGURES + 2)

static const char config_text[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\n"
	"kind: KubeSchedulerConfiguration\n"
	"profiles:\n"
	"- plugins:\n"
	"    multiPoint:\n"
	"      enabled: [{name: LeastLoad}, {name: LeastConnections}, {name: LeastResponseTime},\n"
	"        {name: RoundRobin}, {name: Random}, {name: MinimumLatency},\n"
	"        {name: MinimumDistance}]\n";

static const char *const by_load[] = {
	"LeastLoad", "LeastConnections", "LeastResponseTime", "RoundRobin",
	"Random",    "MinimumLatency",   "MinimumDistance",
};

struct scene {
	struct cs_config *config;
	struct cs_cluster *cluster;
	struct cs_workspace *workspace;
	struct cs_random random;
	struct cs_arena *arena;
	char (*names)[NAME];
	struct cs_load_metric metrics[METRICS];
	struct cs_pod *pod;   // to be placed
	struct cs_pod *other; // comes and goes
	uint8_t passed[NODES];
	uint32_t feasible[NODES];
};

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

static _Noreturn void fail(const char *words)
{
	fprintf(stderr, "load: %s\n", words);
	exit(EXIT_FAILURE);
}

// ---- the cluster ----

static const ProtobufCMessage *object(struct scene *scene,
				      const ProtobufCMessageDescriptor *descriptor,
				      const char *json)
{
	struct cs_error err;
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *message;
	if (cs_value_read_json(cs_slice_of(json), &tree, &err) < 0 ||
	    cs_codec_read(descriptor, tree, scene->arena, &message, &err) < 0)
		fail(err.text);
	return message;
}

static void tell_node(struct scene *scene, uint32_t n)
{
	struct cs_error err;
	uint32_t events;
	snprintf(scene->names[n], NAME, "node-%" PRIu32, n);
	CS_AUTO_FREE char *json = cs_asprintf(
		"{\"metadata\":{\"name\":\"%s\",\"labels\":{\"kubernetes.io/hostname\":\"%s\","
		"\"topology.kubernetes.io/zone\":\"zone-%" PRIu32
		"\",\"topology.kubernetes.io/region\":\"r\"}},\"status\":{\"allocatable\":{\"cpu\":"
		"\"16\",\"memory\":\"64Gi\",\"pods\":\"110\"}}}",
		scene->names[n], scene->names[n], n % ZONES);
	const ProtobufCMessage *message = object(scene, &kube__node__descriptor, json);
	if (cs_cluster_apply_node(scene->cluster, (const Kube__Node *)message, &events, &err) < 0)
		fail(err.text);
	cs_arena_reset(scene->arena);
}

// Without a node it is the one to be placed.
static struct cs_pod *tell_pod(struct scene *scene, uint32_t p, const char *node)
{
	struct cs_error err;
	struct cs_pod_change change;
	CS_AUTO_FREE char *json = cs_asprintf(
		"{\"metadata\":{\"name\":\"p%" PRIu32
		"\",\"namespace\":\"default\",\"uid\":\"p%" PRIu32
		"\",\"resourceVersion\":\"1\",\"creationTimestamp\":\"2027-01-15T08:00:00Z\",\"annotations\":{\"c-sched.io/talks-to\":\"app=w1\"},"
		"\"labels\":{\"app\":\"w%" PRIu32
		"\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\","
		"\"name\":\"w%" PRIu32
		"\",\"uid\":\"w\",\"controller\":true}]},\"spec\":{\"nodeName\":"
		"\"%s\",\"schedulerName\":\"default-scheduler\",\"containers\":[{\"name\":\"c\",\"image\":"
		"\"i\",\"resources\":{\"requests\":{\"cpu\":\"500m\",\"memory\":\"1Gi\"}}}]}}",
		p, p, p % WORKLOADS, p % WORKLOADS, node);
	const ProtobufCMessage *message = object(scene, &kube__pod__descriptor, json);
	if (cs_cluster_apply_pod(scene->cluster, (const Kube__Pod *)message, &change, &err) < 0)
		fail(err.text);
	cs_arena_reset(scene->arena);
	return change.pod;
}

static void set_metrics(struct scene *scene)
{
	uint32_t n;
	const struct cs_load_metric *known = ours_metrics(&n);
	memcpy(scene->metrics, known, n * sizeof(*known));
	scene->metrics[FIGURES] = (struct cs_load_metric){ .name = CS_LOAD_RESPONSE,
							   .unit = "seconds",
							   .kind = CS_LOAD_LEVEL,
							   .max = INFINITY,
							   .ttl = 90 * CS_SECOND };
	scene->metrics[FIGURES + 1] =
		(struct cs_load_metric){ .name = CS_LOAD_LATENCY,
					 .unit = "seconds",
					 .kind = CS_LOAD_PAIR,
					 .max = INFINITY,
					 .ttl = 3600 * CS_SECOND,
					 .topology = "topology.kubernetes.io/zone" };
	cs_cluster_set_load_metrics(scene->cluster, scene->metrics, METRICS, NULL);
}

static void begin(struct scene *scene)
{
	struct cs_error err;
	*scene = (struct scene){ .arena = cs_arena_create(), .cluster = cs_cluster_create(0) };
	if (cs_config_read(NULL, cs_slice_of(config_text), cs_plugins, &scene->config, &err) < 0)
		fail(err.text);
	scene->names = cs_alloc_array(NODES, sizeof(*scene->names));
	set_metrics(scene);
	cs_random_init(&scene->random, 1);
	scene->workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = scene->cluster, .config = scene->config, .random = &scene->random });
	cs_cluster_set_time(scene->cluster, BEGIN);
	for (uint32_t n = 0; n < NODES; n++)
		tell_node(scene, n);
	for (uint32_t p = 0; p < PODS; p++)
		tell_pod(scene, p, scene->names[p * UINT64_C(7919) % NODES]);
	scene->pod = tell_pod(scene, PODS, "");
	scene->other = tell_pod(scene, PODS + 1, "");
}

static void end(struct scene *scene)
{
	cs_workspace_destroy(scene->workspace);
	cs_cluster_destroy(scene->cluster);
	cs_config_destroy(scene->config);
	cs_arena_destroy(scene->arena);
	free(scene->names);
}

// ---- samples ----

// A round of one metric; returns what it took in microseconds.
static double absorb(struct scene *scene, uint32_t metric, int64_t now)
{
	struct cs_load_report report;
	CS_AUTO_FREE struct cs_load_sample *samples = cs_alloc_array(NODES, sizeof(*samples));
	double size = metric == FIGURES ? 1e-4 : 1; // of a response time
	for (uint32_t n = 0; n < NODES; n++)
		samples[n] = (struct cs_load_sample){
			.node = scene->names[n],
			.metric = metric,
			.value = size *
				 (1000 + (double)((n * 37 + (uint64_t)(now / CS_SECOND)) % 5000)),
			.taken = now,
			.window = 60 * CS_SECOND
		};
	cs_cluster_set_time(scene->cluster, now);
	double begun = cpu_time();
	cs_cluster_apply_samples(scene->cluster, samples, NODES, &report);
	double took = cpu_time() - begun;
	if (report.n_matched != NODES || report.n_old > 0)
		fail("samples were not matched");
	return took;
}

static void absorb_pairs(struct scene *scene)
{
	struct cs_load_report report;
	for (uint32_t i = 0; i < ZONES * ZONES; i++) {
		char from[NAME], to[NAME];
		snprintf(from, sizeof(from), "zone-%" PRIu32, i / ZONES);
		snprintf(to, sizeof(to), "zone-%" PRIu32, i % ZONES);
		const struct cs_load_sample sample = {
			.node = from,
			.to = to,
			.metric = FIGURES + 1,
			.value = 0.0001 * (1 + i % 17),
			.taken = cs_cluster_time(scene->cluster),
		};
		cs_cluster_apply_samples(scene->cluster, &sample, 1, &report);
	}
}

// Rounds of all metrics, so far from each other.
static void measure_samples(struct scene *scene, int64_t first, int64_t step)
{
	static double took[METRICS][REPEATS];
	uint32_t n_in_flight = cs_cluster_count_in_flight(scene->cluster);
	for (uint32_t i = 0; i < REPEATS; i++)
		for (uint32_t m = 0; m < METRICS - 1; m++)
			took[m][i] = absorb(scene, m, first + i * step);
	if (cs_cluster_count_in_flight(scene->cluster) != n_in_flight)
		fail("pods in flight have landed meanwhile");
	for (uint32_t m = 0; m < METRICS - 1; m++)
		printf("a round of %d samples of %s, %d pods on the nodes, %" PRIu32
		       " of them in flight: %.0f us\n",
		       NODES, scene->metrics[m].name, PODS, n_in_flight, median(took[m]));
}

// ---- scores ----

static struct cs_plugin_instance *find(const struct cs_profile *profile, const char *name)
{
	for (uint32_t i = 0; i < profile->n_score; i++)
		if (strcmp(profile->score[i]->plugin->name, name) == 0)
			return profile->score[i];
	fail(name);
}

static struct cs_rows block_at(uint32_t first, uint32_t n_rows)
{
	return (struct cs_rows){ first, n_rows - first < BLOCK_ROWS ? n_rows : first + BLOCK_ROWS };
}

// As a decision asks the plugins first .. end-1 of the list: they prepare for this pod, then score
// block by block. In microseconds.
static double score(struct scene *scene, uint32_t first, uint32_t end, uint8_t *out)
{
	struct cs_plugin_instance *instances[CS_ARRAY_LENGTH(by_load)];
	const struct cs_node_table *nodes = cs_cluster_nodes(scene->cluster);
	struct cs_cycle cycle = { .cluster = scene->cluster,
				  .nodes = nodes,
				  .pod = scene->pod,
				  .demand = scene->pod->demand,
				  .scratch = scene->arena,
				  .passed = scene->passed,
				  .feasible = scene->feasible,
				  .n_feasible = nodes->n_rows };
	for (uint32_t k = first; k < end; k++)
		instances[k] = find(scene->config->profiles[0], by_load[k]);
	double begun = cpu_time();
	for (uint32_t k = first; k < end; k++)
		if (instances[k]->plugin->prepare_score(&cycle, instances[k]) != CS_PREPARE_GO)
			fail(by_load[k]);
	for (uint32_t row = 0; row < nodes->n_rows; row += BLOCK_ROWS)
		for (uint32_t k = first; k < end; k++)
			instances[k]->plugin->score(&cycle, instances[k],
						    block_at(row, nodes->n_rows), out);
	double took = cpu_time() - begun;
	cs_arena_reset(scene->arena);
	return took;
}

static double median_score(struct scene *scene, uint32_t first, uint32_t end, uint8_t *out)
{
	static double took[REPEATS];
	for (uint32_t i = 0; i < REPEATS; i++) {
		// What a decision leaves: a row that has changed.
		cs_cluster_assume(scene->cluster, scene->other, i);
		cs_cluster_forget(scene->cluster, scene->other);
		took[i] = score(scene, first, end, out);
	}
	return median(took);
}

static void measure_scores(struct scene *scene)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(scene->cluster);
	CS_AUTO_FREE uint8_t *out = cs_grow_column(NULL, 0, nodes->capacity, sizeof(*out));
	struct cs_outcome outcome;
	for (uint32_t row = 0; row < nodes->n_rows; row++)
		scene->feasible[row] = row;
	memset(scene->passed, CS_PASSED, nodes->n_rows);
	// Attaches what plugins keep.
	cs_cycle_decide(scene->workspace, scene->config->profiles[0], scene->pod, &outcome);
	printf("scores of %" PRIu32 " nodes for a new demand, us:", nodes->n_rows);
	for (uint32_t k = 0; k < CS_ARRAY_LENGTH(by_load); k++)
		printf(" %s %.1f,", by_load[k], median_score(scene, k, k + 1, out));
	printf(" the first two together %.1f, the first three %.1f, all %zu %.1f\n",
	       median_score(scene, 0, 2, out), median_score(scene, 0, 3, out),
	       CS_ARRAY_LENGTH(by_load), median_score(scene, 0, CS_ARRAY_LENGTH(by_load), out));
}

void cost_measure(void)
{
	static struct scene scene;
	begin(&scene);
	printf("\ncost, medians of %d, CPU time\n", REPEATS);
	measure_samples(&scene, BEGIN + CS_SECOND, CS_SECOND);
	int64_t later = BEGIN + 3600 * CS_SECOND;
	for (uint32_t m = 0; m < METRICS - 1; m++)
		absorb(&scene, m, later);
	absorb_pairs(&scene);
	measure_samples(&scene, later + 30 * CS_SECOND, 30 * CS_SECOND);
	measure_scores(&scene);
	end(&scene);
}
