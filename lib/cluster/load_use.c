// Expected use: learned per workload, else told by an annotation, else guessed from requests.
// Neighbours: load_use.h; load_flight.c asks when a pod comes.
#include "load_use.h"

#include <csched/base/memory.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "cluster_internal.h"

#define CONNECTIONS_KEY "c-sched.io/connections"
#define CONNECTIONS_MAX 1e9
#define ALPHA           0.25 // of a round's mean in the exponentially weighted one
// A node's strain: see learn_strain.
#define STRAIN_ALPHA 0.5
#define STRAIN_PRIOR 1    // pods
#define STRAIN_FADE  0.02 // a round, where no pod says anything: half in 34 rounds
#define STRAIN_LEAST 0.35 // from 1; less is chance
#define STRAIN_MIN   0.25
#define STRAIN_MAX   4.0

// What kube-scheduler counts for a container without requests.
#define DEFAULT_CPU    100.0
#define DEFAULT_MEMORY (200.0 * 1024 * 1024)
// No pod is expected to use less, whatever it was measured to.
#define LEAST_CPU    1.0
#define LEAST_MEMORY (1024.0 * 1024)
#define LEAST_COUNT  0.01

// ---- workloads ----

void cs_uses_init(struct cs_uses *uses, uint64_t seed)
{
	*uses = (struct cs_uses){ 0 };
	cs_map_init(&uses->by_content, seed);
	cs_map_init(&uses->pods, seed);
	cs_list_init(&uses->idle);
	cs_list_init(&uses->taught);
}

static void drop(struct cs_uses *uses, struct cs_use *use)
{
	cs_content_unref(&uses->by_content, &use->content);
	cs_list_remove(&use->taught);
	free(use);
}

static void drop_idle(struct cs_uses *uses, uint32_t leave)
{
	while (uses->n_idle > leave) {
		struct cs_use *use = CS_CONTAINER_OF(uses->idle.next, struct cs_use, idle);
		cs_list_remove(&use->idle);
		uses->n_idle--;
		drop(uses, use);
	}
}

void cs_uses_finish(struct cs_uses *uses)
{
	drop_idle(uses, 0);
	cs_map_finish(&uses->by_content);
	cs_map_finish(&uses->pods);
}

void cs_uses_set_slots(struct cs_uses *uses, uint32_t n_slots)
{
	uses->n_slots = n_slots;
}

static const char *find_entry(Kube__StringEntry *const *entries, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (cs_string_equal(entries[i]->key, key))
			return entries[i]->value;
	return NULL;
}

// At the top of its controllers: a ReplicaSet made by a Deployment is named after it and after the
// hash that its pods carry. A pod without a controller is its own.
static char *key_of(struct cs_arena *scratch, const Kube__ObjectMeta *metadata, double connections)
{
	const char *kind = "Pod";
	const char *name = metadata->name;
	for (size_t i = 0; i < metadata->n_owner_references; i++) {
		const Kube__OwnerReference *owner = metadata->owner_references[i];
		if (!owner->controller)
			continue;
		kind = owner->kind ? owner->kind : "";
		name = owner->name ? owner->name : "";
		break;
	}
	const char *hash = find_entry(metadata->labels, metadata->n_labels, "pod-template-hash");
	size_t length = strlen(name);
	size_t tail = hash && *hash ? strlen(hash) + 1 : 0;
	if (strcmp(kind, "ReplicaSet") == 0 && tail > 0 && length > tail &&
	    name[length - tail] == '-' && strcmp(name + length - tail + 1, hash) == 0) {
		kind = "Deployment";
		length -= tail;
	}
	return cs_arena_printf(scratch, "%s/%s/%.*s %.17g", metadata->namespace_, kind, (int)length,
			       name, connections);
}

static double read_connections(const Kube__ObjectMeta *metadata)
{
	const char *text =
		find_entry(metadata->annotations, metadata->n_annotations, CONNECTIONS_KEY);
	if (!text)
		return 0;
	char *end;
	double value = strtod(text, &end);
	return *text && !*end && value > 0 && value <= CONNECTIONS_MAX ? value : -1;
}

struct cs_use *cs_use_ref(struct cs_uses *uses, struct cs_arena *scratch,
			  const Kube__ObjectMeta *metadata)
{
	if (uses->n_slots == 0)
		return NULL;
	double connections = read_connections(metadata);
	struct cs_slice key = cs_slice_of(key_of(scratch, metadata, connections));
	struct cs_use *use = cs_map_get(&uses->by_content, key);
	if (!use) {
		use = cs_alloc(sizeof(*use) + uses->n_slots * sizeof(*use->learned));
		use->connections = connections;
		cs_list_init(&use->idle);
		cs_list_init(&use->taught);
		cs_content_add(&uses->by_content, &use->content, key);
	} else if (use->pods == 0) {
		cs_list_remove(&use->idle);
		uses->n_idle--;
	}
	use->pods++;
	return use;
}

const char *cs_cluster_ignored(const struct cs_pod *pod)
{
	return pod->use && pod->use->connections < 0 ? "annotation " CONNECTIONS_KEY
						       ": expected a number above 0, at most 1e9"
						     : NULL;
}

static bool has_learned(const struct cs_uses *uses, const struct cs_use *use)
{
	for (uint32_t slot = 0; slot < uses->n_slots; slot++)
		if (use->learned[slot].known)
			return true;
	return false;
}

void cs_use_unref(struct cs_uses *uses, struct cs_use *use)
{
	if (!use || --use->pods > 0)
		return;
	if (!has_learned(uses, use)) {
		drop(uses, use);
		return;
	}
	cs_list_append(&uses->idle, &use->idle);
	uses->n_idle++;
	drop_idle(uses, CS_USES_IDLE_MAX);
}

// ---- what is expected ----

static double at_least(double value, double least)
{
	return value > least ? value : least;
}

// From what the pod requests, or kube-scheduler counts for it.
static double guess(const struct cs_loads *loads, const struct cs_pod *pod, uint32_t metric)
{
	const struct cs_pod_requests *requests = &pod->footprint->requests;
	uint32_t resource = loads->hidden[metric].resource;
	if (resource == CS_RESOURCE_CPU)
		return requests->nonzero_cpu > 0 ? (double)requests->nonzero_cpu : DEFAULT_CPU;
	if (resource == CS_RESOURCE_MEMORY)
		return requests->nonzero_memory > 0 ? (double)requests->nonzero_memory
						    : DEFAULT_MEMORY;
	if (resource < CS_RESOURCE_FIXED_COUNT)
		return (double)requests->fixed[resource];
	for (uint32_t i = 0; i < requests->n_extended; i++)
		if (requests->extended[i].column == resource)
			return (double)requests->extended[i].amount;
	return 0;
}

static double least_of(const struct cs_loads *loads, uint32_t metric)
{
	if (loads->metrics[metric].kind == CS_LOAD_COUNT)
		return LEAST_COUNT;
	if (loads->hidden[metric].resource == CS_RESOURCE_CPU)
		return LEAST_CPU;
	return loads->hidden[metric].resource == CS_RESOURCE_MEMORY ? LEAST_MEMORY : 0;
}

double cs_cluster_expected(const struct cs_cluster *cluster, const struct cs_pod *pod,
			   uint32_t metric)
{
	const struct cs_loads *loads = &cluster->loads;
	uint32_t slot = cs_loads_slot(loads, metric);
	if (slot == UINT32_MAX)
		return 0;
	const struct cs_load_metric *info = &loads->metrics[metric];
	const struct cs_use *use = pod->use;
	double value;
	if (use && use->connections > 0 && strcmp(info->name, CS_LOAD_CONNECTIONS) == 0)
		return use->connections;
	if (use && use->learned[slot].known)
		value = use->learned[slot].mean;
	else if (info->kind == CS_LOAD_USAGE)
		value = guess(loads, pod, metric);
	else if (loads->table.columns[metric].mean_per_pod > 0)
		value = loads->table.columns[metric].mean_per_pod;
	else
		value = info->per_pod;
	return at_least(value, least_of(loads, metric));
}

// ---- learning ----

// Namespace, NUL, name: as they lie in a pod.
static struct cs_slice name_of(const struct cs_pod *pod)
{
	return (struct cs_slice){ pod->namespace, strlen(pod->namespace) + 1 + strlen(pod->name) };
}

void cs_uses_enter(struct cs_uses *uses, struct cs_pod *pod)
{
	if (uses->n_slots == 0)
		return;
	// Who waits does not take the name of one that runs: that is sampled.
	const struct cs_pod *holder = cs_map_get(&uses->pods, name_of(pod));
	if (!holder || !cs_pod_is_counted(holder) || cs_pod_is_counted(pod))
		cs_map_put(&uses->pods, name_of(pod), pod);
}

// Another pod of its name may have come.
void cs_uses_remove(struct cs_uses *uses, const struct cs_pod *pod)
{
	if (cs_map_get(&uses->pods, name_of(pod)) == pod)
		cs_map_remove(&uses->pods, name_of(pod));
}

static struct cs_pod *find_pod(const struct cs_uses *uses, const struct cs_load_pod_sample *sample)
{
	char key[2 * CS_NAME_MAX + 2];
	int size = snprintf(key, sizeof(key), "%s%c%s", sample->namespace, '\0', sample->name);
	return size > 0 && (size_t)size < sizeof(key)
		       ? cs_map_get(&uses->pods, (struct cs_slice){ key, (size_t)size })
		       : NULL;
}

// Whether the pod had started up when the sample was taken, and lived through its window.
static bool is_grown(const struct cs_loads *loads, const struct cs_pod *pod,
		     const struct cs_load_pod_sample *sample)
{
	if (!pod->flight)
		return true;
	int64_t ramp = loads->metrics[sample->metric].ramp;
	int64_t came = loads->flights[pod->row].came[pod->flight - 1];
	return sample->taken >= came &&
	       sample->taken - came >= (ramp > sample->window ? ramp : sample->window);
}

// Returns what the sample is as on a node without strain.
static double count_strain(const struct cs_loads *loads, const struct cs_pod *pod, uint32_t slot,
			   double value)
{
	uint32_t column = loads->slot_column[slot];
	const struct cs_learned *learned = &pod->use->learned[slot];
	if (loads->metrics[column].kind != CS_LOAD_USAGE)
		return value;
	if (learned->known) {
		struct cs_strain_sums *of_row = &loads->hidden[column].sums[pod->row];
		of_row->used += value;
		of_row->expected += learned->mean;
		of_row->n++;
	}
	return value / (double)loads->table.columns[column].strain[pod->row];
}

static void collect(struct cs_cluster *cluster, const struct cs_pod *pod,
		    const struct cs_load_pod_sample *sample, struct cs_load_report *report)
{
	const struct cs_loads *loads = &cluster->loads;
	const struct cs_load_metric *metric = &loads->metrics[sample->metric];
	uint32_t slot = cs_loads_slot(loads, sample->metric);
	report->n_matched++;
	if (slot == UINT32_MAX || !pod->use || !cs_pod_is_counted(pod) ||
	    !is_grown(loads, pod, sample))
		return;
	if (!cs_loads_is_plausible(metric, sample->value)) {
		report->n_implausible++;
		return;
	}
	const struct cs_load_hidden *hidden = &loads->hidden[sample->metric];
	report->n_future += sample->taken > loads->now;
	if (sample->taken <= hidden->taught[pod->row]) {
		report->n_old++;
		return;
	}
	int64_t taken = sample->taken < loads->now ? sample->taken : loads->now;
	int64_t *newest = &hidden->sums[pod->row].newest;
	*newest = taken > *newest ? taken : *newest;
	struct cs_learned *learned = &pod->use->learned[slot];
	learned->sum += count_strain(loads, pod, slot, sample->value);
	learned->n++;
	if (cs_list_empty(&pod->use->taught))
		cs_list_append(&cluster->uses.taught, &pod->use->taught);
}

static void learn(struct cs_learned *learned)
{
	if (learned->n == 0)
		return;
	double mean = learned->sum / learned->n;
	learned->mean = learned->known ? learned->mean + ALPHA * (mean - learned->mean) : mean;
	learned->known = true;
	learned->sum = 0;
	learned->n = 0;
}

static void learn_uses(struct cs_uses *uses)
{
	while (!cs_list_empty(&uses->taught)) {
		struct cs_use *use = CS_CONTAINER_OF(uses->taught.next, struct cs_use, taught);
		cs_list_remove(&use->taught);
		for (uint32_t slot = 0; slot < uses->n_slots; slot++)
			learn(&use->learned[slot]);
	}
}

// A node whose pods use more than their siblings elsewhere, an old or a throttled one, will have to
// spend as much more on the next ones too. A pod that uses what is expected stands beside those
// that were measured, so that few that differ are no proof: with two pods that use 1000 of 400
// milli-CPU expected each, (2 * 1000 + 400) / (3 * 400) = 2 is seen. `trend` is used per
// expected on all nodes: what rises everywhere is nobody's strain.
static void learn_strain(const struct cs_strain_sums *sums, double trend, float *strain)
{
	double expected = sums->expected * trend;
	double prior = STRAIN_PRIOR * expected / sums->n;
	double seen = (sums->used + prior) / (expected + prior);
	double bounded = seen < STRAIN_MIN ? STRAIN_MIN : seen > STRAIN_MAX ? STRAIN_MAX : seen;
	*strain += (float)(STRAIN_ALPHA * (bounded - (double)*strain));
}

static void learn_strains(struct cs_loads *loads, uint32_t column)
{
	uint32_t n_rows = loads->nodes->table.n_rows;
	struct cs_strain_sums *sums = loads->hidden[column].sums;
	struct cs_strain_sums all = { 0 };
	for (uint32_t row = 0; row < n_rows; row++) {
		all.used += sums[row].used;
		all.expected += sums[row].expected;
	}
	if (!(all.used > 0 && all.expected > 0))
		return;
	for (uint32_t row = 0; row < n_rows; row++) {
		const struct cs_strain_sums *of_row = &sums[row];
		float *strain = &loads->hidden[column].strain[row];
		// What pods of a node that is gone used says nothing of the row's next one.
		if (!loads->nodes->table.live[row])
			continue;
		if (of_row->expected > 0)
			learn_strain(of_row, all.used / all.expected, strain);
		else
			*strain += (float)(STRAIN_FADE * (1 - (double)*strain));
		bool chance = fabs((double)*strain - 1) < STRAIN_LEAST;
		loads->table.columns[column].strain[row] = chance ? 1 : *strain;
	}
	loads->unsettled |= 1u << column; // scores by it are to be made again
}

// What one node tells of its pods is dated by one clock, others' may differ from it: what is old is
// known for each node.
static void end_round(struct cs_loads *loads, uint32_t column)
{
	const struct cs_load_hidden *hidden = &loads->hidden[column];
	for (uint32_t row = 0; row < loads->capacity; row++) {
		if (hidden->sums[row].newest > hidden->taught[row])
			hidden->taught[row] = hidden->sums[row].newest;
		hidden->sums[row] = (struct cs_strain_sums){ 0 };
	}
}

void cs_cluster_absorb_pod_samples(struct cs_cluster *cluster,
				   const struct cs_load_pod_sample *samples, uint32_t n,
				   struct cs_load_report *ret)
{
	char name[sizeof(ret->unmatched[0])]; // cut
	*ret = (struct cs_load_report){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		const struct cs_load_pod_sample *sample = &samples[i];
		if (sample->metric >= cluster->loads.table.n_columns)
			continue;
		const struct cs_pod *pod = find_pod(&cluster->uses, sample);
		if (pod) {
			collect(cluster, pod, sample, ret);
			continue;
		}
		snprintf(name, sizeof(name), "%s/%s", sample->namespace, sample->name);
		cs_loads_note_unmatched(ret, name);
	}
}

uint32_t cs_cluster_apply_pod_samples(struct cs_cluster *cluster,
				      const struct cs_load_pod_sample *samples, uint32_t n,
				      struct cs_load_report *ret)
{
	struct cs_loads *loads = &cluster->loads;
	cs_cluster_absorb_pod_samples(cluster, samples, n, ret);
	learn_uses(&cluster->uses);
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		uint32_t column = loads->slot_column[slot];
		learn_strains(loads, column);
		end_round(loads, column);
	}
	cs_loads_settle(loads);
	return 0;
}

// ---- the self-check ----

int cs_uses_check(const struct cs_cluster *cluster, struct cs_error *err)
{
	uint64_t n = 0;
	uint32_t n_idle = 0;
	size_t at = 0;
	struct cs_content *content;
	while ((content = cs_map_next(&cluster->uses.by_content, &at))) {
		const struct cs_use *use = CS_CONTAINER_OF(content, struct cs_use, content);
		n += use->pods;
		n_idle += use->pods == 0;
	}
	at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&cluster->pods, &at))) {
		if (!pod->use != (cluster->uses.n_slots == 0))
			return cs_error_set(err, -EUCLEAN, "pod %s/%s: has no workload",
					    pod->namespace, pod->name);
		n -= pod->use != NULL;
		if (pod->use && pod->state == CS_POD_BOUND &&
		    !cs_map_get(&cluster->uses.pods, name_of(pod)))
			return cs_error_set(err, -EUCLEAN, "pod %s/%s: not found by name",
					    pod->namespace, pod->name);
	}
	if (n != 0 || n_idle != cluster->uses.n_idle || n_idle > CS_USES_IDLE_MAX)
		return cs_error_set(err, -EUCLEAN, "pods of workloads are counted wrong");
	return 0;
}
