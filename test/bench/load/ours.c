// Turns the world into API objects and samples, and asks the profile's plugins.
// Neighbours: ours.h; cluster's load.h is the ledger, framework's cycle.h decides.
#include "ours.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/cluster/load.h>
#include <csched/framework/cycle.h>
#include <csched/kube/codec.h>

#define EPOCH     INT64_C(1700000000) // Unix seconds at the world's start
#define MIB       1048576.0
#define GIB       (1024 * MIB)
#define MILLI     1000.0
#define NAME      32
#define BASE_PODS 4

struct ours {
	struct placer placer;
	struct cs_cluster *cluster;
	struct cs_workspace *workspace;
	const struct cs_profile *profile;
	struct cs_random random;
	struct cs_arena *arena;
	double taken; // of the newest figures told
	bool begun;
	struct cs_load_sample *samples; // scratch
	struct cs_load_pod_sample *pod_samples;
	char (*names)[NAME]; // of nodes, then of pods
};

static const double unit[FIGURES] = { MILLI, GIB, 1 };

static _Noreturn void fail(const char *words)
{
	fprintf(stderr, "load: %s\n", words);
	exit(EXIT_FAILURE);
}

static int64_t wall(double now)
{
	return EPOCH * CS_SECOND + (int64_t)llround(now * 1e9);
}

static ProtobufCMessage *object(struct ours *ours, const ProtobufCMessageDescriptor *descriptor,
				const char *json)
{
	struct cs_error err;
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *message;
	if (cs_value_read_json(cs_slice_of(json), &tree, &err) < 0 ||
	    cs_codec_read(descriptor, tree, ours->arena, &message, &err) < 0)
		fail(err.text);
	return message;
}

// ---- objects ----

static void tell_node(struct ours *ours, const struct node *node, const char *name)
{
	struct cs_error err;
	uint32_t events;
	CS_AUTO_FREE char *json = cs_asprintf(
		"{\"metadata\":{\"name\":\"%s\",\"labels\":{\"kubernetes.io/hostname\":\"%s\"},"
		"\"annotations\":{\"c-sched.io/weight\":\"%.0f\"}},\"status\":{\"allocatable\":"
		"{\"cpu\":\"%.0fm\",\"memory\":\"%.0fMi\",\"pods\":\"1000\"}}}",
		name, name, node->group->weight, node->group->capacity[CPU] * MILLI,
		node->group->capacity[MEMORY] * 1024);
	const ProtobufCMessage *message = object(ours, &kube__node__descriptor, json);
	if (cs_cluster_apply_node(ours->cluster, (const Kube__Node *)message, &events, &err) < 0)
		fail(err.text);
}

static char *amounts(const char *which, const double amount[RESOURCES])
{
	if (amount[CPU] <= 0 && amount[MEMORY] <= 0)
		return cs_strdup("");
	return cs_asprintf(",\"%s\":{\"cpu\":\"%.0fm\",\"memory\":\"%.0fMi\"}", which,
			   amount[CPU] * MILLI, amount[MEMORY] * 1024);
}

struct pod_words {
	const char *name;
	const char *node; // "" = none
	double created;
	uint32_t workload; // NOWHERE = none
	double announced;  // connections; 0 = none
	const double *request;
	const double *limit;
};

static char *workload_words(uint32_t workload)
{
	if (workload == NOWHERE)
		return cs_strdup("");
	return cs_asprintf(",\"labels\":{\"app\":\"w%u\"},\"ownerReferences\":[{\"apiVersion\":"
			   "\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"w%u\",\"uid\":\"w%u\","
			   "\"controller\":true}]",
			   workload, workload, workload);
}

static char *annotation(double announced)
{
	if (announced <= 0)
		return cs_strdup("");
	return cs_asprintf(",\"annotations\":{\"c-sched.io/connections\":\"%.0f\"}", announced);
}

static struct cs_pod *tell_pod(struct ours *ours, const struct pod_words *words)
{
	struct cs_error err;
	struct cs_pod_change change;
	time_t created = (time_t)(EPOCH + (int64_t)floor(words->created));
	struct tm tm;
	char time[NAME];
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&created, &tm));
	CS_AUTO_FREE char *workload = workload_words(words->workload);
	CS_AUTO_FREE char *announced = annotation(words->announced);
	CS_AUTO_FREE char *request = amounts("requests", words->request);
	CS_AUTO_FREE char *limit = amounts("limits", words->limit);
	CS_AUTO_FREE char *json = cs_asprintf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"uid\":\"%s\","
		"\"resourceVersion\":\"1\",\"creationTimestamp\":\"%s\"%s%s},\"spec\":{\"nodeName\":"
		"\"%s\",\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":\"c\",\"image\":"
		"\"i\",\"resources\":{\"none\":{}%s%s}}]}}",
		words->name, words->name, time, workload, announced, words->node, request, limit);
	const ProtobufCMessage *message = object(ours, &kube__pod__descriptor, json);
	if (cs_cluster_apply_pod(ours->cluster, (const Kube__Pod *)message, &change, &err) < 0)
		fail(err.text);
	cs_arena_reset(ours->arena);
	return change.pod;
}

// For default spreading.
static void tell_workload(struct ours *ours, uint32_t workload)
{
	struct cs_error err;
	uint32_t events;
	CS_AUTO_FREE char *json = cs_asprintf("{\"metadata\":{\"name\":\"w%u\",\"namespace\":"
					      "\"default\",\"uid\":\"w%u\"},\"spec\":"
					      "{\"selector\":{\"matchLabels\":{\"app\":\"w%u\"}}}}",
					      workload, workload, workload);
	if (cs_cluster_apply_object(ours->cluster, &cs_kind_replica_set,
				    object(ours, cs_kind_replica_set.descriptor, json), &events,
				    &err) < 0)
		fail(err.text);
	cs_arena_reset(ours->arena);
}

// Pods for what runs there already.
static void tell_base(struct ours *ours, const struct node *node, const char *node_name)
{
	static const double none[RESOURCES] = { 0 };
	double request[RESOURCES];
	for (int r = 0; r < RESOURCES; r++)
		request[r] = node->base_requested[r] / BASE_PODS;
	for (int i = 0; i < BASE_PODS; i++) {
		char name[2 * NAME];
		snprintf(name, sizeof(name), "base-%s-%d", node_name, i);
		tell_pod(ours, &(struct pod_words){ .name = name,
						    .node = node_name,
						    .created = -3600,
						    .workload = NOWHERE,
						    .request = request,
						    .limit = none });
	}
}

static void begin(struct ours *ours, const struct world *world)
{
	uint32_t workloads = 0;
	ours->begun = true;
	ours->samples = cs_alloc_array((size_t)world->n_nodes * FIGURES, sizeof(*ours->samples));
	ours->pod_samples =
		cs_alloc_array((size_t)world->n_pods * RESOURCES + 1, sizeof(*ours->pod_samples));
	ours->names = cs_alloc_array((size_t)world->n_nodes + world->n_pods, NAME);
	cs_cluster_set_time(ours->cluster, wall(world->now));
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		snprintf(ours->names[n], NAME, "node-%03u", n);
		tell_node(ours, &world->nodes[n], ours->names[n]);
		tell_base(ours, &world->nodes[n], ours->names[n]);
	}
	for (uint32_t p = 0; p < world->n_pods; p++) {
		snprintf(ours->names[world->n_nodes + p], NAME, "pod-%u", p);
		if (world->pods[p].workload >= workloads)
			workloads = world->pods[p].workload + 1;
	}
	for (uint32_t w = 0; w < workloads; w++)
		tell_workload(ours, w);
}

// ---- figures ----

const struct cs_load_metric *ours_metrics(uint32_t *ret_n)
{
	static const struct cs_load_metric metrics[FIGURES] = {
		{ .name = CS_LOAD_CPU,
		  .unit = "milli-CPU",
		  .kind = CS_LOAD_USAGE,
		  .max = INFINITY,
		  .ttl = 90 * CS_SECOND,
		  .ramp = 60 * CS_SECOND },
		{ .name = CS_LOAD_MEMORY,
		  .unit = "bytes",
		  .kind = CS_LOAD_USAGE,
		  .max = INFINITY,
		  .ttl = 90 * CS_SECOND,
		  .ramp = 120 * CS_SECOND },
		{ .name = CS_LOAD_CONNECTIONS,
		  .unit = "connections",
		  .kind = CS_LOAD_COUNT,
		  .max = INFINITY,
		  .ttl = 90 * CS_SECOND,
		  .ramp = 300 * CS_SECOND,
		  .per_pod = 10 },
	};
	*ret_n = FIGURES;
	return metrics;
}

static uint32_t samples_of_nodes(struct ours *ours, const struct world *world)
{
	const struct scenario *scenario = world->scenario;
	uint32_t n_samples = 0;
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		struct measured measured;
		if (!world_measure(world, n, scenario->interval, scenario->window, &measured))
			continue;
		for (uint32_t f = 0; f < FIGURES; f++)
			ours->samples[n_samples++] = (struct cs_load_sample){
				.node = ours->names[n],
				.metric = f,
				.value = measured.value[f] * unit[f],
				.taken = wall(measured.taken),
				.window = f == CONNECTIONS ? 0 : (int64_t)(scenario->window * 1e9),
			};
	}
	return n_samples;
}

static uint32_t samples_of_pods(struct ours *ours, const struct world *world)
{
	const struct scenario *scenario = world->scenario;
	uint32_t n_samples = 0;
	for (uint32_t p = 0; p < world->n_pods; p++) {
		const struct pod *pod = &world->pods[p];
		double used[FIGURES];
		if (pod->node == NOWHERE || !world->nodes[pod->node].reports ||
		    pod->placed >= ours->taken)
			continue;
		world_measure_pod(world, pod, ours->taken, scenario->window, used);
		for (uint32_t f = 0; f < RESOURCES; f++)
			ours->pod_samples[n_samples++] = (struct cs_load_pod_sample){
				.namespace = "default",
				.name = ours->names[world->n_nodes + p],
				.metric = f,
				.value = used[f] * unit[f],
				.taken = wall(ours->taken),
				.window = (int64_t)(scenario->window * 1e9),
			};
	}
	return n_samples;
}

static void second(void *user, const struct world *world)
{
	struct ours *ours = user;
	struct cs_load_report report;
	double taken = world_taken(world, world->scenario->interval);
	if (!ours->begun)
		begin(ours, world);
	cs_cluster_set_time(ours->cluster, wall(world->now));
	if (taken > ours->taken) {
		ours->taken = taken;
		uint32_t n = samples_of_nodes(ours, world);
		cs_cluster_apply_samples(ours->cluster, ours->samples, n, &report);
		n = samples_of_pods(ours, world);
		cs_cluster_apply_pod_samples(ours->cluster, ours->pod_samples, n, &report);
	}
	cs_cluster_tick_load(ours->cluster);
}

// ---- placing ----

static uint32_t place(void *user, const struct world *world, const struct pod *pod)
{
	struct ours *ours = user;
	struct cs_outcome outcome;
	const char *name = ours->names[world->n_nodes + (uint32_t)(pod - world->pods)];
	cs_cluster_set_time(ours->cluster, wall(world->now));
	struct cs_pod *mine = cs_cluster_find_pod(ours->cluster, name);
	if (!mine)
		mine = tell_pod(ours, &(struct pod_words){ .name = name,
							   .node = "",
							   .created = world->now,
							   .workload = pod->workload,
							   .announced = pod->announced,
							   .request = pod->request,
							   .limit = pod->limit });
	cs_cycle_decide(ours->workspace, ours->profile, mine, &outcome);
	if (outcome.decision == CS_DECISION_ERROR)
		fail(outcome.message);
	if (outcome.decision != CS_DECISION_SCHEDULED)
		return NOWHERE;
	cs_cluster_assume(ours->cluster, mine, outcome.row);
	cs_cycle_reserve(ours->workspace, ours->profile, mine, outcome.row);
	const char *node = cs_cluster_node_name(ours->cluster, outcome.row);
	cs_cluster_confirm(ours->cluster, mine, node);
	return (uint32_t)strtoul(node + sizeof("node-") - 1, NULL, 10);
}

static void gone(void *user, const struct world *world, const struct pod *pod)
{
	struct ours *ours = user;
	const char *name = ours->names[world->n_nodes + (uint32_t)(pod - world->pods)];
	cs_cluster_set_time(ours->cluster, wall(world->now));
	cs_cluster_remove_pod(ours->cluster, cs_cluster_find_pod(ours->cluster, name));
}

struct placer *ours_create(const struct cs_config *config, uint64_t seed)
{
	struct ours *ours = cs_alloc(sizeof(*ours));
	uint32_t n_metrics;
	const struct cs_load_metric *metrics = ours_metrics(&n_metrics);
	const bool from_annotations[FIGURES] = { false };
	ours->placer = (struct placer){
		.name = "c-sched", .user = ours, .place = place, .gone = gone, .second = second
	};
	ours->taken = -INFINITY;
	ours->arena = cs_arena_create();
	ours->cluster = cs_cluster_create(0);
	cs_cluster_set_load_metrics(ours->cluster, metrics, n_metrics, from_annotations);
	cs_random_init(&ours->random, seed + 1);
	ours->profile = config->profiles[0];
	ours->workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = ours->cluster, .config = config, .random = &ours->random });
	return &ours->placer;
}

struct cs_cluster *ours_cluster(const struct placer *placer)
{
	return ((const struct ours *)placer->user)->cluster;
}

void ours_destroy(struct placer *placer)
{
	struct ours *ours = placer->user;
	cs_workspace_destroy(ours->workspace);
	cs_cluster_destroy(ours->cluster);
	cs_arena_destroy(ours->arena);
	free(ours->samples);
	free(ours->pod_samples);
	free(ours->names);
	free(ours);
}
