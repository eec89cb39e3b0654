// Metrics, samples and time for plugins that work by load. Neighbours: load_world.h.
#include "load_world.h"

#include <math.h>

#define TTL (60 * CS_SECOND)

static const struct cs_load_metric metrics[METRIC_COUNT] = {
	[METRIC_CPU] = { .name = CS_LOAD_CPU,
			 .unit = "milli-CPU",
			 .kind = CS_LOAD_USAGE,
			 .max = INFINITY,
			 .ttl = TTL,
			 .ramp = TTL },
	[METRIC_MEMORY] = { .name = CS_LOAD_MEMORY,
			    .unit = "bytes",
			    .kind = CS_LOAD_USAGE,
			    .max = INFINITY,
			    .ttl = TTL,
			    .ramp = TTL },
	[METRIC_CONNECTIONS] = { .name = CS_LOAD_CONNECTIONS,
				 .unit = "connections",
				 .kind = CS_LOAD_COUNT,
				 .max = INFINITY,
				 .ttl = TTL,
				 .ramp = TTL,
				 .per_pod = 10 },
	[METRIC_RESPONSE] = { .name = CS_LOAD_RESPONSE,
			      .unit = "seconds",
			      .kind = CS_LOAD_LEVEL,
			      .max = 10,
			      .ttl = TTL,
			      .ramp = TTL },
	[METRIC_TEMPERATURE] = { .name = "temperature",
				 .unit = "degrees",
				 .kind = CS_LOAD_LEVEL,
				 .min = 20,
				 .max = 100,
				 .ttl = TTL },
	[METRIC_FREE] = { .name = "free",
			  .unit = "slots",
			  .kind = CS_LOAD_LEVEL,
			  .higher_is_better = true,
			  .max = 10,
			  .ttl = TTL },
	[METRIC_LATENCY] = { .name = CS_LOAD_LATENCY,
			     .unit = "seconds",
			     .kind = CS_LOAD_PAIR,
			     .max = 10,
			     .ttl = TTL,
			     .topology = "zone" },
};

static const bool annotated[METRIC_COUNT] = { [METRIC_TEMPERATURE] = true };

static int64_t now;

void load_world_begin(struct run *run, struct world *world)
{
	run_begin(run, world);
	cs_cluster_set_load_metrics(world->cluster, metrics, METRIC_COUNT, annotated);
	now = LOAD_WORLD_NOW;
	cs_cluster_set_time(world->cluster, now);
}

void load_world_node(struct run *run, const char *name, const char *annotations, const char *labels)
{
	const Kube__Node *node = read_node(
		run->world,
		"{metadata: {name: %s, annotations: {%s}, labels: {%s}}, status: {allocatable: "
		"{cpu: '4', memory: 8Gi, pods: '110'}}}",
		name, annotations, labels);
	ck_assert_msg(apply_node(run->world, node) == 0, "%s", run->world->err.text);
}

static uint32_t apply(struct run *run, const struct cs_load_sample *sample)
{
	struct cs_load_report report;
	uint32_t events = cs_cluster_apply_samples(run->world->cluster, sample, 1, &report);
	ck_assert_uint_eq(report.n_matched, 1);
	ck_assert_uint_eq(report.n_implausible, 0);
	return events;
}

uint32_t load_world_sample(struct run *run, const char *node, int metric, double value)
{
	return apply(run, &(struct cs_load_sample){ .node = node,
						    .metric = (uint32_t)metric,
						    .value = value,
						    .taken = now });
}

uint32_t load_world_limited(struct run *run, const char *node, double value, double limit)
{
	return apply(run, &(struct cs_load_sample){ .node = node,
						    .metric = METRIC_CONNECTIONS,
						    .value = value,
						    .limit = limit,
						    .taken = now });
}

uint32_t load_world_pair(struct run *run, const char *from, const char *to, double seconds)
{
	return apply(run, &(struct cs_load_sample){ .node = from,
						    .to = to,
						    .metric = METRIC_LATENCY,
						    .value = seconds,
						    .taken = now });
}

uint32_t load_world_wait(struct run *run, int64_t ns)
{
	now += ns;
	cs_cluster_set_time(run->world->cluster, now);
	return cs_cluster_tick_load(run->world->cluster);
}

struct cs_pod *load_world_pod(struct run *run, const char *name, const char *requests,
			      const char *annotations)
{
	const Kube__Pod *pod = read_pod(
		run->world,
		"{metadata: {name: %s, namespace: default, uid: uid-%s, annotations: {%s}}, spec: "
		"{containers: [{name: c, resources: {requests: {%s}}}]}}",
		name, name, annotations, requests);
	ck_assert_msg(apply_pod(run->world, pod) == 0, "%s", run->world->err.text);
	return run->world->change.pod;
}

void load_world_bound(struct run *run, const char *name, const char *node, const char *labels)
{
	const Kube__Pod *pod =
		read_pod(run->world,
			 "{metadata: {name: %s, namespace: default, uid: uid-%s, labels: {%s}}, "
			 "spec: {nodeName: %s, containers: [{name: c}]}}",
			 name, name, labels, node);
	ck_assert_msg(apply_pod(run->world, pod) == 0, "%s", run->world->err.text);
}
