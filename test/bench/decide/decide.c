// What decisions cost about a cluster in a file: nodes and bound pods are taken in first, then each
// pending pod is decided in its turn. No API server, no sockets: the model and the plugins alone.
// With a configuration that has metrics of load, each node has a sample of each.
// Prints JSON: microseconds per class of pods (the name up to the first '-'), and memory.
// Neighbours: test/oracle/speed writes the file (objects in Kubernetes' protobuf envelope, each
// behind its length in four bytes) and measures kube-scheduler on it; cycle.h and cluster.h.
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/cluster/load.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>
#include <csched/framework/load_config.h>
#include <csched/kube/protobuf.h>
#include <csched/plugins/list.h>

#define RECORDS 4096 // as the scheduler has
#define TIME    (1800000000 * CS_SECOND)

struct waiting {
	struct cs_pod *pod;
	int64_t arrival; // ns: what it cost when it came
	int64_t took;    // ns: its decision and assumption
	int64_t kept;    // ns: what remembering the decision cost
};

struct bench {
	struct cs_cluster *cluster;
	struct cs_arena *arena; // of the object at hand
	struct waiting *waiting;
	size_t n_waiting;
	size_t capacity;
	size_t n_pods;
	struct cs_records *records;
	const struct cs_profile *profile;
};

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static _Noreturn void fail(const char *words)
{
	fprintf(stderr, "decide: %s\n", words);
	exit(EXIT_FAILURE);
}

static void check(int r, const struct cs_error *err)
{
	if (r < 0)
		fail(err->text);
}

// ---- reading ----

static void wait_for_turn(struct bench *bench, struct waiting waiting)
{
	if (bench->n_waiting == bench->capacity) {
		bench->capacity = bench->capacity ? 2 * bench->capacity : 1024;
		bench->waiting =
			cs_realloc_array(bench->waiting, bench->capacity, sizeof(*bench->waiting));
	}
	bench->waiting[bench->n_waiting++] = waiting;
}

static void take_pod(struct bench *bench, const Kube__Pod *object)
{
	struct cs_pod_change change;
	struct cs_error err = { 0 };
	int64_t begun = now();
	check(cs_cluster_apply_pod(bench->cluster, object, &change, &err), &err);
	bench->n_pods++;
	if (change.pod->state == CS_POD_UNBOUND)
		wait_for_turn(bench,
			      (struct waiting){ .pod = change.pod, .arrival = now() - begun });
}

static void take(struct bench *bench, struct cs_slice text)
{
	struct cs_error err = { 0 };
	Kube__Unknown envelope;
	ProtobufCMessage *object;
	uint32_t events;
	check(cs_protobuf_read_envelope(text, bench->arena, &envelope, &err), &err);
	const struct cs_kind *kind =
		cs_kind_find(envelope.type_meta->api_version, envelope.type_meta->kind);
	if (!kind)
		fail(envelope.type_meta->kind);
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	check(cs_protobuf_read(kind->descriptor, raw, bench->arena, &object, &err), &err);
	if (kind == &cs_kind_pod)
		take_pod(bench, (const Kube__Pod *)object);
	else if (kind == &cs_kind_node)
		check(cs_cluster_apply_node(bench->cluster, (const Kube__Node *)object, &events,
					    &err),
		      &err);
	else
		check(cs_cluster_apply_object(bench->cluster, kind, object, &events, &err), &err);
	cs_arena_reset(bench->arena);
}

static void take_all(struct bench *bench, struct cs_slice file)
{
	while (file.size >= 4) {
		const unsigned char *head = (const unsigned char *)file.data;
		size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
			      head[3];
		if (size > file.size - 4)
			fail("the file ends within an object");
		take(bench, (struct cs_slice){ file.data + 4, size });
		file.data += 4 + size;
		file.size -= 4 + size;
	}
}

static struct cs_slice map_file(const char *name)
{
	struct stat stat;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0 || stat.st_size == 0)
		fail(name);
	void *data = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		fail(name);
	close(fd);
	return (struct cs_slice){ data, (size_t)stat.st_size };
}

// ---- load ----

// A tenth of what fits, to nine tenths; of what has no end, one to nine.
static double made_up_load(const struct cs_load_column *column, uint32_t row)
{
	double share = 0.1 * (double)(1 + (row * 37 + 11) % 9);
	return share * (column->capacity[row] > 0 ? column->capacity[row] : 10);
}

static void sample(struct bench *bench, const struct cs_load_config *config)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(bench->cluster);
	const struct cs_load_table *load = cs_cluster_load(bench->cluster);
	struct cs_load_report report;
	for (uint32_t m = 0; m < config->n_metrics; m++)
		for (uint32_t row = 0; row < nodes->n_rows; row++)
			if (nodes->live[row] && config->metrics[m].kind != CS_LOAD_PAIR)
				cs_cluster_apply_samples(
					bench->cluster,
					&(struct cs_load_sample){
						.node = cs_cluster_node_name(bench->cluster, row),
						.metric = m,
						.value = made_up_load(&load->columns[m], row),
						.taken = TIME,
						.window = 30 * CS_SECOND,
					},
					1, &report);
}

// ---- deciding ----

// As the scheduler does. Returns what it cost in ns.
static int64_t record(struct bench *bench, struct cs_workspace *workspace,
		      const struct cs_outcome *outcome, const struct waiting *waiting)
{
	struct cs_detail detail;
	int64_t begun = now();
	cs_cycle_detail(workspace, outcome, &detail);
	cs_records_keep(bench->records, waiting->pod,
			&(struct cs_record){ .profile = bench->profile,
					     .decision = outcome->decision,
					     .n_nodes = outcome->n_nodes,
					     .n_feasible = outcome->n_feasible },
			&detail);
	return now() - begun;
}

// What counts is a ring that goes round, and whose places are far from the caches.
static void fill_ring(struct bench *bench, struct cs_workspace *workspace)
{
	const struct waiting *waiting = bench->waiting;
	struct cs_outcome outcome;
	if (bench->n_waiting == 0)
		return;
	cs_cycle_decide(workspace, bench->profile, waiting->pod, &outcome);
	for (uint32_t i = 0; i < RECORDS; i++)
		record(bench, workspace, &outcome, waiting);
}

static void decide(struct bench *bench, struct cs_workspace *workspace)
{
	for (size_t i = 0; i < bench->n_waiting; i++) {
		struct waiting *waiting = &bench->waiting[i];
		struct cs_outcome outcome;
		int64_t begun = now();
		if (waiting->pod->demand->unsupported_field)
			fail(waiting->pod->demand->unsupported_field);
		cs_cycle_decide(workspace, bench->profile, waiting->pod, &outcome);
		if (outcome.decision != CS_DECISION_SCHEDULED)
			fail(outcome.message);
		waiting->took = now() - begun;
		waiting->kept = record(bench, workspace, &outcome, waiting);
		begun = now();
		cs_cluster_assume(bench->cluster, waiting->pod, outcome.row);
		waiting->took += now() - begun;
	}
}

// ---- telling ----

static int compare(const void *a, const void *b)
{
	int64_t x = ((const struct waiting *)a)->took;
	int64_t y = ((const struct waiting *)b)->took;
	return (x > y) - (x < y);
}

static int compare_kept(const void *a, const void *b)
{
	int64_t x = ((const struct waiting *)a)->kept;
	int64_t y = ((const struct waiting *)b)->kept;
	return (x > y) - (x < y);
}

static size_t class_length(const struct waiting *waiting)
{
	return strcspn(waiting->pod->name, "-");
}

static bool same_class(const struct waiting *a, const struct waiting *b)
{
	size_t length = class_length(a);
	return length == class_length(b) && strncmp(a->pod->name, b->pod->name, length) == 0;
}

static void tell_class(struct waiting *first, size_t n)
{
	double arrival = 0, took = 0;
	for (size_t i = 0; i < n; i++) {
		arrival += (double)first[i].arrival;
		took += (double)first[i].took;
	}
	printf("{\"class\":\"%.*s\",\"count\":%zu,", (int)class_length(first), first->pod->name, n);
	qsort(first, n, sizeof(*first), compare_kept);
	printf("\"remembered\":%.3f,", (double)first[n / 2].kept / 1e3);
	qsort(first, n, sizeof(*first), compare);
	printf("\"median\":%.3f,\"mean\":%.3f,\"arrival\":%.3f}", (double)first[n / 2].took / 1e3,
	       took / (double)n / 1e3, arrival / (double)n / 1e3);
}

static void tell_classes(const struct bench *bench)
{
	printf("{\"samples\":[");
	for (size_t i = 0, end; i < bench->n_waiting; i = end) {
		struct waiting *first = &bench->waiting[i];
		for (end = i + 1; end < bench->n_waiting; end++)
			if (!same_class(first, &bench->waiting[end]))
				break;
		// The first replica is a new demand.
		bool warm = strncmp(first->pod->name, "replica", 7) == 0 && end - i > 1;
		printf("%s", i ? "," : "");
		tell_class(first + warm, end - i - warm);
	}
	printf("],");
}

// Without the file's own pages.
static size_t resident(void)
{
	size_t size = 0, all = 0, shared = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file || fscanf(file, "%zu %zu %zu", &size, &all, &shared) != 3)
		fail("/proc/self/statm cannot be read");
	fclose(file);
	return all * (size_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
	struct cs_config *config;
	struct cs_error err;
	struct cs_random random;
	if (argc != 2 && argc != 3)
		fail("usage: decide FILE [CONFIG]");
	struct cs_slice text = argc == 3 ? map_file(argv[2]) : (struct cs_slice){ 0 };
	check(cs_config_read(argv[2], text, cs_plugins, &config, &err), &err);
	struct bench bench = { .cluster = cs_cluster_create(1), .arena = cs_arena_create() };
	cs_cluster_set_time(bench.cluster, TIME);
	if (config->load)
		cs_cluster_set_load_metrics(bench.cluster, config->load->metrics,
					    config->load->n_metrics, NULL);
	struct cs_slice file = map_file(argv[1]);
	take_all(&bench, file);
	munmap((void *)(uintptr_t)file.data, file.size);
	if (config->load)
		sample(&bench, config->load);
	struct mallinfo2 heap = mallinfo2();
	size_t held = resident();
	cs_random_init(&random, 1);
	struct cs_workspace *workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = bench.cluster, .config = config, .random = &random });
	bench.records = cs_records_create(RECORDS, bench.cluster);
	bench.profile = config->profiles[0];
	fill_ring(&bench, workspace);
	decide(&bench, workspace);
	tell_classes(&bench);
	printf("\"memory\":{\"heap\":%zu,\"resident\":%zu,\"pods\":%zu}}\n",
	       heap.uordblks + heap.hblkhd, held, bench.n_pods);
	cs_records_destroy(bench.records);
	cs_workspace_destroy(workspace);
	cs_cluster_destroy(bench.cluster);
	cs_config_destroy(config);
	cs_arena_destroy(bench.arena);
	free(bench.waiting);
	return EXIT_SUCCESS;
}
