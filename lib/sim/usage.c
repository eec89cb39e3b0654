// What pods and nodes use: ramps, noise, a base load, contention, samples with their delay.
// Neighbours: usage.h says what it models; lib/sim/README.md lists the annotations.
#include "usage.h"

#include <math.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/quantity.h>

#define ANNOTATION "kubesim.c-sched.io/"

#define NOISE_PERIOD (10 * CS_SECOND) // the noise goes from one value to the next in that time

// Of pods that ask for nothing, and of what nothing is said about.
#define POD_CPU         0.1
#define POD_MEMORY      (64.0 * 1048576)
#define POD_CONNECTIONS 10.0

#define NODE_CPU         0.1
#define NODE_MEMORY      (512.0 * 1048576)
#define NODE_CONNECTIONS 20.0
#define NODE_CPU_SIZE    1.0 // of nodes that do not tell their capacity
#define NODE_MEMORY_SIZE (1024.0 * 1048576)
#define NODE_LIMIT       262144.0

void sim_usage_init(struct sim_usage *usage, const struct sim_usage_options *options)
{
	*usage = (struct sim_usage){ .options = *options };
	cs_map_init(&usage->nodes, options->seed);
	cs_map_init(&usage->pods, options->seed);
}

// ---- reading objects ----

// The quantity in `object`, or the fallback where it is none or negative.
static double quantity_or(struct json_object *object, const char *key, double fallback)
{
	struct json_object *value = cs_tree_get(object, key);
	struct cs_quantity quantity;
	if (!value ||
	    cs_quantity_parse(cs_slice_of(json_object_get_string(value)), &quantity, NULL))
		return fallback;
	double amount = (double)quantity.nano / 1e9;
	return amount >= 0 ? amount : fallback;
}

static struct json_object *annotations_of(struct json_object *tree)
{
	return cs_tree_get(cs_tree_get(tree, "metadata"), "annotations");
}

// The sum of requests over the containers, or the fallback where none asks.
static double requested(struct json_object *spec, const char *resource, double fallback)
{
	struct json_object *containers = cs_tree_get(spec, "containers");
	double sum = 0;
	for (size_t i = 0; i < cs_tree_length(spec, "containers"); i++) {
		struct json_object *resources =
			cs_tree_get(json_object_array_get_idx(containers, i), "resources");
		sum += quantity_or(cs_tree_get(resources, "requests"), resource, 0);
	}
	return sum > 0 ? sum : fallback;
}

static struct sim_amounts pod_amounts(struct json_object *tree)
{
	struct json_object *spec = cs_tree_get(tree, "spec");
	struct json_object *annotations = annotations_of(tree);
	return (struct sim_amounts){
		.cpu = quantity_or(annotations, ANNOTATION "cpu", requested(spec, "cpu", POD_CPU)),
		.memory = quantity_or(annotations, ANNOTATION "memory",
				      requested(spec, "memory", POD_MEMORY)),
		.connections = quantity_or(annotations, ANNOTATION "connections", POD_CONNECTIONS),
	};
}

static void read_node(struct sim_usage_node *node, struct json_object *tree)
{
	struct json_object *annotations = annotations_of(tree);
	struct json_object *capacity = cs_tree_get(cs_tree_get(tree, "status"), "capacity");
	const char *report = cs_tree_string(annotations, ANNOTATION "report");
	node->reports = !cs_string_equal(report, "false");
	node->base = (struct sim_amounts){
		.cpu = quantity_or(annotations, ANNOTATION "base-cpu", NODE_CPU),
		.memory = quantity_or(annotations, ANNOTATION "base-memory", NODE_MEMORY),
		.connections =
			quantity_or(annotations, ANNOTATION "base-connections", NODE_CONNECTIONS),
	};
	node->size = (struct sim_amounts){
		.cpu = quantity_or(capacity, "cpu", NODE_CPU_SIZE),
		.memory = quantity_or(capacity, "memory", NODE_MEMORY_SIZE),
		.connections = quantity_or(annotations, ANNOTATION "connections-limit", NODE_LIMIT),
	};
}

// ---- time ----

// -1 .. 1, the same for the same seed, name and number.
static double noise_point(const struct sim_usage *usage, const char *name, int64_t n)
{
	uint64_t seed = usage->options.seed + (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = cs_hash(name, strlen(name), seed);
	return (double)(hash >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

// What amounts are multiplied with: a line from one noise point to the next.
static double noise_factor(const struct sim_usage *usage, const char *name, int64_t boot)
{
	if (usage->options.noise <= 0)
		return 1;
	int64_t n = boot / NOISE_PERIOD;
	double part = (double)(boot % NOISE_PERIOD) / (double)NOISE_PERIOD;
	double from = noise_point(usage, name, n);
	double to = noise_point(usage, name, n + 1);
	return 1 + usage->options.noise * (from + (to - from) * part);
}

static struct sim_amounts scaled(struct sim_amounts a, double by, double noise)
{
	return (struct sim_amounts){ .cpu = a.cpu * by * noise,
				     .memory = a.memory * by,
				     .connections = round(a.connections * by * noise) };
}

static double ramp_of(const struct sim_usage *usage, const struct sim_usage_pod *pod, int64_t boot)
{
	int64_t age = boot - pod->started;
	if (age >= usage->options.ramp)
		return 1;
	return (double)age / (double)usage->options.ramp;
}

static void sum_up(const struct sim_usage *usage, struct sim_usage_node *node, int64_t boot)
{
	node->used = scaled(node->base, 1, noise_factor(usage, node->name, boot));
	CS_LIST_FOR_EACH (link, &node->pods) {
		struct sim_usage_pod *pod = CS_CONTAINER_OF(link, struct sim_usage_pod, link);
		pod->used = scaled(pod->full, ramp_of(usage, pod, boot),
				   noise_factor(usage, pod->uid, boot));
		node->used.cpu += pod->used.cpu;
		node->used.memory += pod->used.memory;
		node->used.connections += pod->used.connections;
	}
}

// No more than there is: CPU is shared in proportion, memory and connections stop at the end.
static void contend(struct sim_usage_node *node)
{
	if (node->used.cpu > node->size.cpu) {
		double share = node->size.cpu / node->used.cpu;
		CS_LIST_FOR_EACH (link, &node->pods)
			CS_CONTAINER_OF(link, struct sim_usage_pod, link)->used.cpu *= share;
		node->used.cpu = node->size.cpu;
	}
	node->used.memory = fmin(node->used.memory, node->size.memory);
	node->used.connections = fmin(node->used.connections, node->size.connections);
}

static void take_sample(struct sim_meter *meter, const struct sim_amounts *used, double cpu_seconds,
			struct cs_time now)
{
	int64_t window = now.boot - meter->since;
	if (window <= 0)
		return;
	if (meter->newest.window)
		meter->before = meter->newest;
	meter->newest = (struct sim_sample){
		.boot = now.boot, .wall = now.wall, .window = window, .used = *used
	};
	meter->newest.used.cpu =
		(cpu_seconds - meter->cpu_seconds) * (double)CS_SECOND / (double)window;
	meter->since = now.boot;
	meter->cpu_seconds = cpu_seconds;
}

static void sample_node(const struct sim_usage *usage, struct sim_usage_node *node,
			struct cs_time now)
{
	if (now.boot < node->next_sample)
		return;
	while (node->next_sample <= now.boot)
		node->next_sample += usage->options.interval;
	take_sample(&node->meter, &node->used, node->cpu_seconds, now);
	CS_LIST_FOR_EACH (link, &node->pods) {
		struct sim_usage_pod *pod = CS_CONTAINER_OF(link, struct sim_usage_pod, link);
		take_sample(&pod->meter, &pod->used, pod->cpu_seconds, now);
	}
}

static void pass_time(struct sim_usage_node *node, int64_t passed)
{
	double seconds = (double)passed / (double)CS_SECOND;
	node->cpu_seconds += node->used.cpu * seconds;
	CS_LIST_FOR_EACH (link, &node->pods) {
		struct sim_usage_pod *pod = CS_CONTAINER_OF(link, struct sim_usage_pod, link);
		pod->cpu_seconds += pod->used.cpu * seconds;
	}
}

static void advance_node(const struct sim_usage *usage, struct sim_usage_node *node,
			 struct cs_time now)
{
	sum_up(usage, node, now.boot);
	contend(node);
	if (now.boot > node->at)
		pass_time(node, now.boot - node->at);
	node->at = now.boot;
	sample_node(usage, node, now);
}

void sim_usage_advance(struct sim_usage *usage, struct cs_time now)
{
	size_t at = 0;
	struct sim_usage_node *node;
	while ((node = cs_map_next(&usage->nodes, &at)))
		if (node->exists)
			advance_node(usage, node, now);
	if (now.boot > usage->at)
		usage->at = now.boot;
}

// ---- nodes and pods ----

static struct sim_usage_node *get_node(const struct sim_usage *usage, const char *name)
{
	return cs_map_get(&usage->nodes, cs_slice_of(name));
}

static struct sim_usage_pod *get_pod(const struct sim_usage *usage, const char *key)
{
	return cs_map_get(&usage->pods, cs_slice_of(key));
}

static struct sim_usage_node *make_node(struct sim_usage *usage, const char *name)
{
	struct sim_usage_node *node = get_node(usage, name);
	if (node)
		return node;
	node = cs_alloc(sizeof(*node));
	node->name = cs_strdup(name);
	cs_list_init(&node->pods);
	(void)cs_map_put(&usage->nodes, cs_slice_of(node->name), node);
	return node;
}

static void free_node(struct sim_usage_node *node)
{
	free(node->name);
	free(node);
}

static void drop_unused_node(struct sim_usage *usage, struct sim_usage_node *node)
{
	if (node->exists || !cs_list_empty(&node->pods))
		return;
	(void)cs_map_remove(&usage->nodes, cs_slice_of(node->name));
	free_node(node);
}

// Where in the interval it is sampled, so that not all nodes are at once.
static int64_t phase_of(const struct sim_usage *usage, const char *name)
{
	uint64_t hash = cs_hash(name, strlen(name), usage->options.seed);
	return (int64_t)(hash % (uint64_t)usage->options.interval);
}

void sim_usage_apply_node(struct sim_usage *usage, struct json_object *tree, struct cs_time now)
{
	const char *name = cs_value_string_at(tree, "metadata.name");
	struct sim_usage_node *node = make_node(usage, name);
	if (!node->exists) {
		node->exists = true;
		node->came = node->at = now.boot;
		node->cpu_seconds = 0;
		node->told = 0;
		node->next_sample = now.boot + phase_of(usage, name);
		node->meter = (struct sim_meter){ .since = now.boot };
	}
	read_node(node, tree);
}

void sim_usage_remove_node(struct sim_usage *usage, const char *name)
{
	struct sim_usage_node *node = get_node(usage, name);
	if (!node)
		return;
	node->exists = false;
	drop_unused_node(usage, node);
}

static void free_pod(struct sim_usage_pod *pod)
{
	cs_list_remove(&pod->link);
	free(pod->key);
	free(pod->uid);
	free(pod);
}

void sim_usage_remove_pod(struct sim_usage *usage, const char *key)
{
	struct sim_usage_pod *pod = cs_map_remove(&usage->pods, cs_slice_of(key));
	if (!pod)
		return;
	struct sim_usage_node *node = pod->node;
	free_pod(pod);
	drop_unused_node(usage, node);
}

static void start_pod(struct sim_usage *usage, const char *key, struct json_object *tree,
		      struct cs_time now)
{
	struct sim_usage_pod *pod = cs_alloc(sizeof(*pod));
	const char *uid = cs_value_string_at(tree, "metadata.uid");
	pod->key = cs_strdup(key);
	pod->uid = cs_strdup(uid ? uid : key);
	pod->started = now.boot;
	pod->meter.since = now.boot;
	pod->full = pod_amounts(tree);
	pod->node = make_node(usage, cs_value_string_at(tree, "spec.nodeName"));
	advance_node(usage, pod->node, now); // what was before is without it
	cs_list_append(&pod->node->pods, &pod->link);
	(void)cs_map_put(&usage->pods, cs_slice_of(pod->key), pod);
}

void sim_usage_apply_pod(struct sim_usage *usage, const char *key, struct json_object *tree,
			 struct cs_time now)
{
	const char *node = cs_value_string_at(tree, "spec.nodeName");
	const char *phase = cs_value_string_at(tree, "status.phase");
	if (!node || !*node || !cs_string_equal(phase, "Running")) {
		sim_usage_remove_pod(usage, key);
		return;
	}
	struct sim_usage_pod *pod = get_pod(usage, key);
	if (pod && cs_string_equal(pod->uid, cs_value_string_at(tree, "metadata.uid"))) {
		pod->full = pod_amounts(tree); // its annotations may be changed while it runs
		return;
	}
	sim_usage_remove_pod(usage, key);
	start_pod(usage, key, tree, now);
}

void sim_usage_finish(struct sim_usage *usage)
{
	size_t at = 0;
	struct sim_usage_pod *pod;
	struct sim_usage_node *node;
	while ((pod = cs_map_next(&usage->pods, &at)))
		free_pod(pod);
	at = 0;
	while ((node = cs_map_next(&usage->nodes, &at)))
		free_node(node);
	cs_map_finish(&usage->pods);
	cs_map_finish(&usage->nodes);
}

// ---- what can be read ----

const struct sim_usage_node *sim_usage_find_node(const struct sim_usage *usage, const char *name)
{
	const struct sim_usage_node *node = get_node(usage, name);
	return node && node->exists ? node : NULL;
}

static const struct sim_sample *arrived(const struct sim_usage *usage,
					const struct sim_meter *meter)
{
	if (meter->newest.window && meter->newest.boot + usage->options.delay <= usage->at)
		return &meter->newest;
	return meter->before.window ? &meter->before : NULL;
}

const struct sim_sample *sim_usage_node_sample(const struct sim_usage *usage, const char *name)
{
	const struct sim_usage_node *node = sim_usage_find_node(usage, name);
	return node && node->reports ? arrived(usage, &node->meter) : NULL;
}

const struct sim_sample *sim_usage_pod_sample(const struct sim_usage *usage, const char *key)
{
	const struct sim_usage_pod *pod = get_pod(usage, key);
	bool reports = pod && pod->node->exists && pod->node->reports;
	return reports ? arrived(usage, &pod->meter) : NULL;
}

bool sim_usage_tell(struct sim_usage *usage, const char *name)
{
	const struct sim_sample *sample = sim_usage_node_sample(usage, name);
	struct sim_usage_node *node = get_node(usage, name);
	if (!sample || node->told == sample->wall)
		return false;
	node->told = sample->wall;
	return true;
}
