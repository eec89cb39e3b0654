// What one decision, one pod event and one kept pod cost at 5,000 nodes, against the budgets of the
// design. No API server, no sockets: the model, the built-in profile and nothing else.
// Neighbours: cycle.h and cluster.h are what it measures; `make
// build/gcc/test/bench/decide/decide`.
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <csched/base/memory.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>
#include <csched/plugins/list.h>

#define N_NODES  5000
#define N_ROUNDS 2000
#define N_KEPT   150000 // bound pods of as many Deployments as nodes

static struct cs_cluster *cluster;
static struct cs_workspace *workspace;
static const struct cs_profile *profile;
static struct cs_arena *arena;

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

#define NEW(type, init)                                                        \
	({                                                                     \
		__typeof__(type) *new_ = cs_arena_alloc(arena, sizeof(*new_)); \
		*new_ = (__typeof__(type))init;                                \
		new_;                                                          \
	})

static void *list_of_one(void *item)
{
	void **list = cs_arena_alloc_array(arena, 1, sizeof(*list));
	list[0] = item;
	return list;
}

static Kube__QuantityEntry *amount(const char *name, char *value)
{
	Kube__QuantityEntry *entry = NEW(Kube__QuantityEntry, KUBE__QUANTITY_ENTRY__INIT);
	entry->key = (char *)(uintptr_t)name;
	entry->value = NEW(Kube__Quantity, KUBE__QUANTITY__INIT);
	entry->value->string = value;
	return entry;
}

static Kube__StringEntry *label(const char *key, char *value)
{
	Kube__StringEntry *entry = NEW(Kube__StringEntry, KUBE__STRING_ENTRY__INIT);
	entry->key = (char *)(uintptr_t)key;
	entry->value = value;
	return entry;
}

// ---- objects ----

static void add_node(unsigned i)
{
	Kube__Node *node = NEW(Kube__Node, KUBE__NODE__INIT);
	node->metadata = NEW(Kube__ObjectMeta, KUBE__OBJECT_META__INIT);
	node->metadata->name = cs_arena_printf(arena, "node-%u", i);
	node->metadata->n_labels = 2;
	node->metadata->labels = cs_arena_alloc_array(arena, 2, sizeof(void *));
	node->metadata->labels[0] = label("kubernetes.io/hostname", node->metadata->name);
	node->metadata->labels[1] =
		label("topology.kubernetes.io/zone", cs_arena_printf(arena, "zone-%u", i % 3));
	node->status = NEW(Kube__NodeStatus, KUBE__NODE_STATUS__INIT);
	node->status->n_allocatable = 3;
	node->status->allocatable = cs_arena_alloc_array(arena, 3, sizeof(void *));
	node->status->allocatable[0] = amount("cpu", cs_arena_printf(arena, "%u", 8 + i % 4 * 8));
	node->status->allocatable[1] =
		amount("memory", cs_arena_printf(arena, "%uGi", 32 + i % 3 * 32));
	node->status->allocatable[2] = amount("pods", cs_arena_strdup(arena, "110"));
	if (i % 50 == 0) {
		Kube__Taint *taint = NEW(Kube__Taint, KUBE__TAINT__INIT);
		taint->key = cs_arena_strdup(arena, "dedicated");
		taint->effect = cs_arena_strdup(arena, "NoSchedule");
		node->spec = NEW(Kube__NodeSpec, KUBE__NODE_SPEC__INIT);
		node->spec->n_taints = 1;
		node->spec->taints = list_of_one(taint);
	}
	uint32_t events;
	struct cs_error err;
	if (cs_cluster_apply_node(cluster, node, &events, &err) != 0)
		abort();
	cs_arena_reset(arena);
}

struct pod_spec {
	unsigned number;
	unsigned workload;
	unsigned milli;
	const char *node; // NULL = pending
};

static const Kube__Pod *make_pod(struct pod_spec from)
{
	Kube__Pod *pod = NEW(Kube__Pod, KUBE__POD__INIT);
	pod->metadata = NEW(Kube__ObjectMeta, KUBE__OBJECT_META__INIT);
	pod->metadata->name =
		cs_arena_printf(arena, "web-%u-7d4b9c6f5-%05u", from.workload, from.number);
	pod->metadata->namespace_ = cs_arena_strdup(arena, "default");
	pod->metadata->uid = cs_arena_printf(arena, "11111111-2222-3333-4444-%012u", from.number);
	pod->metadata->resource_version = cs_arena_printf(arena, "%u", 100000 + from.number);
	pod->metadata->n_labels = 1;
	pod->metadata->labels =
		list_of_one(label("app", cs_arena_printf(arena, "web-%u", from.workload)));
	Kube__PodSpec *spec = pod->spec = NEW(Kube__PodSpec, KUBE__POD_SPEC__INIT);
	spec->scheduler_name = cs_arena_strdup(arena, CS_CONFIG_BUILT_IN_PROFILE);
	spec->node_name = from.node ? cs_arena_strdup(arena, from.node) : NULL;
	Kube__Container *container = NEW(Kube__Container, KUBE__CONTAINER__INIT);
	container->resources = NEW(Kube__ResourceRequirements, KUBE__RESOURCE_REQUIREMENTS__INIT);
	container->resources->n_requests = 2;
	container->resources->requests = cs_arena_alloc_array(arena, 2, sizeof(void *));
	container->resources->requests[0] =
		amount("cpu", cs_arena_printf(arena, "%um", from.milli));
	container->resources->requests[1] = amount("memory", cs_arena_strdup(arena, "64Mi"));
	spec->n_containers = 1;
	spec->containers = list_of_one(container);
	return pod;
}

// Applies the pod; *ret_ns is the time without making the object.
static struct cs_pod *apply(struct pod_spec from, int64_t *ret_ns)
{
	const Kube__Pod *pod = make_pod(from);
	struct cs_pod_change change;
	struct cs_error err;
	int64_t start = now();
	if (cs_cluster_apply_pod(cluster, pod, &change, &err) != 0)
		abort();
	*ret_ns = now() - start;
	cs_arena_reset(arena);
	return change.pod;
}

// ---- measuring ----

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void report(const char *what, int64_t *samples, double budget)
{
	qsort(samples, N_ROUNDS, sizeof(*samples), compare);
	double median = (double)samples[N_ROUNDS / 2];
	double p99 = (double)samples[N_ROUNDS * 99 / 100];
	printf("%-44s %8.2f us median %8.2f us p99   budget %5.1f us\n", what, median / 1000,
	       p99 / 1000, budget);
}

static int64_t decide(struct cs_pod *pod)
{
	struct cs_outcome outcome;
	int64_t start = now();
	cs_cycle_decide(workspace, profile, pod, &outcome);
	if (outcome.decision != CS_DECISION_SCHEDULED)
		abort();
	cs_cluster_assume(cluster, pod, outcome.row);
	return now() - start;
}

static void measure_decisions(void)
{
	static int64_t arrive[N_ROUNDS], fresh[N_ROUNDS], replica[N_ROUNDS], bound[N_ROUNDS];
	unsigned number = 0;
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		struct pod_spec spec = { ++number, i, 10 + i, NULL };
		fresh[i] = decide(apply(spec, &arrive[i]));
	}
	int64_t ignored;
	decide(apply((struct pod_spec){ ++number, 0, 5, NULL }, &ignored));
	for (unsigned i = 0; i < N_ROUNDS; i++)
		replica[i] = decide(apply((struct pod_spec){ ++number, 0, 5, NULL }, &ignored));
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		char node[32];
		snprintf(node, sizeof(node), "node-%u", i * 7 % N_NODES);
		apply((struct pod_spec){ ++number, 0, 5, node }, &bound[i]);
	}
	report("one decision: bare pod, new demand", fresh, 30);
	report("one decision: bare pod, further replica", replica, 5);
	report("one event applied: a pending pod arrives", arrive, 5);
	report("one event applied: a bound pod appears", bound, 5);
}

static void measure_memory(void)
{
	struct mallinfo2 before = mallinfo2();
	size_t strings = 0;
	for (unsigned i = 0; i < N_KEPT; i++) {
		char node[32];
		int64_t ignored;
		snprintf(node, sizeof(node), "node-%u", i % N_NODES);
		const struct cs_pod *pod =
			apply((struct pod_spec){ 1000000 + i, i % N_NODES, 1 + i % N_NODES, node },
			      &ignored);
		strings += strlen(pod->uid) + strlen(pod->namespace) + strlen(pod->name) +
			   strlen(pod->resource_version) + 4;
	}
	struct mallinfo2 after = mallinfo2();
	double bytes = (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
	printf("%-44s %8.0f bytes, %.0f of them strings   budget 200 beside strings\n",
	       "memory of a bound pod, 150,000 of 5,000 kinds", bytes / N_KEPT,
	       (double)strings / N_KEPT);
}

int main(void)
{
	struct cs_config *config;
	struct cs_error err;
	if (cs_config_read(NULL, (struct cs_slice){ 0 }, cs_plugins, &config, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	cluster = cs_cluster_create(1);
	arena = cs_arena_create();
	for (unsigned i = 0; i < N_NODES; i++)
		add_node(i);
	struct cs_random random;
	cs_random_init(&random, 1);
	workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = cluster, .config = config, .random = &random });
	profile = config->profiles[0];
	printf("%d nodes\n", N_NODES);
	measure_decisions();
	measure_memory();
	cs_workspace_destroy(workspace);
	cs_cluster_destroy(cluster);
	cs_config_destroy(config);
	cs_arena_destroy(arena);
	return EXIT_SUCCESS;
}
