// From the input to a model and a queue, and the decisions in their order.
// Neighbours: input.c has read the files, expand.c adds the pods of workloads, framework decides.
#include "simulation_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/framework/load_config.h>
#include <csched/kube/timestamp.h>

#include "expand.h"
#include "priority.h"

#define HASH_SEED 0 // of hash tables: the same input gives the same order

// Wherever the configuration has a metric from: here it comes from nodes' annotations.
static void tell_metrics(struct cs_simulation *simulation)
{
	const struct cs_load_config *load = simulation->config->load;
	bool from_annotations[CS_LOAD_METRICS_MAX];
	for (uint32_t i = 0; i < CS_LOAD_METRICS_MAX; i++)
		from_annotations[i] = true;
	cs_cluster_set_load_metrics(simulation->cluster, load->metrics, load->n_metrics,
				    from_annotations);
}

struct cs_simulation *cs_simulation_create(const struct cs_config *config, uint32_t pods_max)
{
	struct cs_simulation *simulation = cs_alloc(sizeof(*simulation));
	simulation->config = config;
	simulation->pods_max = pods_max;
	simulation->cluster = cs_cluster_create(HASH_SEED);
	if (config->load)
		tell_metrics(simulation);
	simulation->scratch = cs_arena_create();
	input_init(&simulation->input);
	return simulation;
}

void cs_simulation_destroy(struct cs_simulation *simulation)
{
	if (!simulation)
		return;
	cs_cluster_destroy(simulation->cluster);
	input_finish(&simulation->input);
	cs_arena_destroy(simulation->scratch);
	free(simulation->pending);
	free(simulation);
}

int cs_simulation_read(struct cs_simulation *simulation, const char *file_name,
		       struct cs_slice text, struct cs_error *err)
{
	return input_read(&simulation->input, file_name, text, err);
}

struct cs_cluster *cs_simulation_cluster(struct cs_simulation *simulation)
{
	return simulation->cluster;
}

void cs_simulation_set_notice(struct cs_simulation *simulation,
			      void (*notice)(void *user, const char *words), void *user)
{
	simulation->notice = notice;
	simulation->notice_user = user;
	simulation->input.notice = notice;
	simulation->input.notice_user = user;
	cs_cluster_set_load_notice(simulation->cluster, notice, user);
}

uint32_t cs_simulation_elsewhere(const struct cs_simulation *simulation)
{
	return simulation->n_elsewhere;
}

const struct cs_simulation_kind *cs_simulation_kinds(const struct cs_simulation *simulation,
						     uint32_t *ret_n)
{
	*ret_n = simulation->input.n_kinds;
	return simulation->input.kinds;
}

// ---- pods ----

static const struct cs_profile *find_profile(const struct cs_simulation *simulation,
					     const Kube__PodSpec *spec)
{
	const struct cs_config *config = simulation->config;
	for (uint32_t i = 0; i < config->n_profiles; i++)
		if (cs_string_equal(config->profiles[i]->scheduler_name, spec->scheduler_name))
			return config->profiles[i];
	return NULL;
}

static bool has_node(const Kube__PodSpec *spec)
{
	return spec->node_name && *spec->node_name;
}

bool simulation_counts(const struct cs_simulation *simulation, const Kube__PodSpec *spec)
{
	return has_node(spec) || find_profile(simulation, spec);
}

static void append_pending(struct cs_simulation *simulation, struct pending pending)
{
	if (simulation->n_pending == simulation->pending_capacity) {
		uint32_t capacity = simulation->pending_capacity;
		simulation->pending_capacity = capacity ? 2 * capacity : 256;
		simulation->pending =
			cs_realloc_array(simulation->pending, simulation->pending_capacity,
					 sizeof(*simulation->pending));
	}
	pending.place = simulation->n_pending;
	simulation->pending[simulation->n_pending++] = pending;
}

// The words of a pod's error without "pod NAMESPACE/NAME: ", which the place says already.
static int strip(const Kube__Pod *pod, struct cs_error *err)
{
	CS_AUTO_FREE char *prefix =
		cs_asprintf("pod %s/%s: ", pod->metadata->namespace_, pod->metadata->name);
	struct cs_error whole = *err;
	if (!cs_string_prefix(whole.text, prefix))
		return err->code;
	return cs_error_set(err, whole.code, "%s", whole.text + strlen(prefix));
}

// What the scheduler tells in an Event. Whom a pod that has its node talks to does not matter.
static void tell_ignored(struct cs_simulation *simulation, const struct cs_pod *pod, bool bound,
			 const char *workload)
{
	const char *const words[] = { bound ? NULL : pod->demand->peers_error,
				      cs_cluster_ignored(pod) };
	if (!simulation->notice || simulation->noticed == workload)
		return;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(words); i++) {
		struct cs_error err;
		if (!words[i])
			continue;
		cs_error_set(&err, -EINVAL, "pod %s/%s: %s", pod->namespace, pod->name, words[i]);
		simulation->notice(simulation->notice_user, err.text);
		simulation->noticed = workload;
	}
}

int simulation_admit(struct cs_simulation *simulation, const Kube__Pod *pod,
		     struct workload workload, struct cs_error *err)
{
	const struct cs_profile *profile = find_profile(simulation, pod->spec);
	bool bound = has_node(pod->spec);
	if (cs_cluster_pod_ended(pod) ||
	    (!bound && (!profile || pod->metadata->deletion_timestamp)))
		return 0;
	if (simulation->n_pods == simulation->pods_max)
		return cs_error_set(err, -E2BIG, "more than %u pods", simulation->pods_max);
	struct cs_pod_change change;
	int r = cs_cluster_apply_pod(simulation->cluster, pod, &change, err);
	if (r < 0)
		return strip(pod, err);
	simulation->n_pods++;
	tell_ignored(simulation, change.pod, bound, workload.name);
	if (bound && cs_cluster_find_node(simulation->cluster, pod->spec->node_name) == CS_ROW_NONE)
		simulation->n_elsewhere++;
	if (!bound)
		append_pending(simulation, (struct pending){ .pod = change.pod,
							     .profile = profile,
							     .workload_kind = workload.kind,
							     .workload_name = workload.name });
	return 0;
}

static const Kube__OwnerReference *controller_of(const Kube__ObjectMeta *metadata)
{
	for (size_t i = 0; i < metadata->n_owner_references; i++) {
		const Kube__OwnerReference *owner = metadata->owner_references[i];
		if (owner->controller && owner->kind && owner->name)
			return owner;
	}
	return NULL;
}

struct workload simulation_workload(const struct cs_simulation *simulation,
				    const struct cs_kind *kind, const Kube__ObjectMeta *metadata)
{
	const Kube__OwnerReference *owner = controller_of(metadata);
	if (!owner)
		return (struct workload){ kind->kind, metadata->name };
	if (strcmp(owner->kind, "ReplicaSet") == 0) {
		const struct input_object *set =
			input_find(&simulation->input, &cs_kind_replica_set, metadata->namespace_,
				   owner->name);
		const Kube__OwnerReference *above = set ? controller_of(set->metadata) : NULL;
		owner = above ? above : owner;
	}
	return (struct workload){ owner->kind, owner->name };
}

static int admit_pod(struct cs_simulation *simulation, const struct input_object *object,
		     struct cs_error *err)
{
	Kube__Pod *pod = (Kube__Pod *)object->message;
	simulation->noticed = NULL; // its siblings need not have the same annotations
	int r = priority_resolve(&simulation->input, pod->spec, "spec", err);
	if (r == 0)
		r = simulation_admit(
			simulation, pod,
			simulation_workload(simulation, &cs_kind_pod, object->metadata), err);
	return r < 0 ? input_fail(object, err) : 0;
}

// ---- what is no pod ----

static int apply_node(struct cs_simulation *simulation, const struct input_object *object,
		      struct cs_error *err)
{
	uint32_t events;
	int r = cs_cluster_apply_node(simulation->cluster, (const Kube__Node *)object->message,
				      &events, err);
	return r < 0 ? input_fail(object, err) : 0;
}

static int apply_other(struct cs_simulation *simulation, const struct input_object *object,
		       struct cs_error *err)
{
	uint32_t events;
	if (object->kind == &cs_kind_node || object->kind == &cs_kind_pod)
		return 0;
	int r = cs_cluster_apply_object(simulation->cluster, object->kind, object->message, &events,
					err);
	return r < 0 ? input_fail(object, err) : 0;
}

// ---- the queue ----

static int compare_pending(const void *left, const void *right)
{
	const struct pending *a = left;
	const struct pending *b = right;
	const struct cs_plugin_instance *order = a->profile->queue_order;
	int r = order ? order->plugin->queue_order(a->pod, a->pod->created, b->pod, b->pod->created)
		      : 0;
	return r ? r : (a->place > b->place) - (a->place < b->place);
}

static int compare_names(const void *left, const void *right)
{
	const struct input_object *const *a = left;
	const struct input_object *const *b = right;
	return strcmp((*a)->metadata->name, (*b)->metadata->name);
}

// By name, as an API server lists them: of an image that nodes tell with different sizes the first
// one's counts, and of equals the lowest name is then the first row.
static int apply_nodes(struct cs_simulation *simulation, struct cs_error *err)
{
	const struct input *input = &simulation->input;
	CS_AUTO_FREE const struct input_object **nodes =
		cs_alloc_array(input->n_objects + 1, sizeof(struct input_object *));
	size_t n = 0;
	int r = 0;
	for (size_t i = 0; i < input->n_objects; i++)
		if (input->objects[i].kind == &cs_kind_node)
			nodes[n++] = &input->objects[i];
	qsort(nodes, n, sizeof(struct input_object *), compare_names);
	for (size_t i = 0; i < n && r == 0; i++)
		r = apply_node(simulation, nodes[i], err);
	return r;
}

// The newest time that a sample in nodes' annotations was taken at, 0 without one. What else is
// wrong with them is the ledger's to see.
static int64_t newest_sample(const struct input *input)
{
	int64_t newest = 0;
	for (size_t i = 0; i < input->n_objects; i++) {
		const Kube__ObjectMeta *metadata = input->objects[i].metadata;
		if (input->objects[i].kind != &cs_kind_node)
			continue;
		for (size_t k = 0; k < metadata->n_annotations; k++) {
			const Kube__StringEntry *note = metadata->annotations[k];
			const char *at = note->value ? strrchr(note->value, '@') : NULL;
			int64_t taken;
			if (at && cs_string_prefix(note->key, "load.c-sched.io/") &&
			    cs_timestamp_parse(cs_slice_of(at + 1), &taken, NULL) == 0 &&
			    taken > newest)
				newest = taken;
		}
	}
	return newest;
}

int cs_simulation_prepare(struct cs_simulation *simulation, struct cs_error *err)
{
	const struct input *input = &simulation->input;
	struct owners owners;
	cs_cluster_set_time(simulation->cluster, newest_sample(input));
	int r = apply_nodes(simulation, err);
	for (size_t i = 0; i < input->n_objects && r == 0; i++)
		r = apply_other(simulation, &input->objects[i], err);
	owners_init(&owners, input);
	for (size_t i = 0; i < input->n_objects && r == 0; i++)
		r = input->objects[i].kind == &cs_kind_pod
			    ? admit_pod(simulation, &input->objects[i], err)
			    : expand(simulation, &owners, &input->objects[i], err);
	owners_finish(&owners);
	cs_cluster_tick_load(simulation->cluster);
	if (r == 0 && simulation->n_pending > 0)
		qsort(simulation->pending, simulation->n_pending, sizeof(*simulation->pending),
		      compare_pending);
	return r;
}

// ---- decisions ----

// What one run needs beside the model.
struct run {
	struct cs_simulation *simulation;
	struct cs_workspace *workspace;
	const struct cs_simulation_listener *listener;
	const struct cs_profile *profile; // of the decision at hand
};

// The words of the profile's gates; NULL: the pod may be decided.
static const char *gate(const struct run *run, const struct pending *pending)
{
	const struct cs_profile *profile = pending->profile;
	for (uint32_t i = 0; i < profile->n_pre_enqueue; i++) {
		const char *words = profile->pre_enqueue[i]->plugin->pre_enqueue(
			pending->pod, run->simulation->scratch);
		if (words)
			return words;
	}
	return NULL;
}

static const char *refusal(const struct run *run, const struct cs_demand *demand)
{
	CS_AUTO_FREE char *why = cs_demand_refusal(demand);
	return cs_arena_printf(run->simulation->scratch, "c-sched %s", why);
}

static void judged(void *user, const struct cs_judgement *judgement)
{
	const struct run *run = user;
	run->listener->judged(run->listener->user, run->profile, judgement);
}

static void ask(struct run *run, const struct pending *pending,
		struct cs_simulation_decision *decision)
{
	static const enum cs_simulation_result results[] = {
		[CS_DECISION_SCHEDULED] = CS_SIMULATION_SCHEDULED,
		[CS_DECISION_UNSCHEDULABLE] = CS_SIMULATION_UNSCHEDULABLE,
		[CS_DECISION_ERROR] = CS_SIMULATION_ERROR,
	};
	struct cs_outcome outcome;
	run->profile = pending->profile;
	if (run->listener->judged)
		cs_cycle_explain(run->workspace, pending->profile, pending->pod, &outcome,
				 (struct cs_judge){ .tell = judged, .user = run });
	else
		cs_cycle_decide(run->workspace, pending->profile, pending->pod, &outcome);
	decision->result = results[outcome.decision];
	decision->row = outcome.row;
	decision->n_feasible = outcome.decision == CS_DECISION_ERROR ? 0 : outcome.n_feasible;
	decision->message = outcome.decision == CS_DECISION_SCHEDULED ? NULL : outcome.message;
}

static void decide(struct run *run, const struct pending *pending)
{
	struct cs_cluster *cluster = run->simulation->cluster;
	struct cs_simulation_decision decision = {
		.pod = pending->pod,
		.profile = pending->profile,
		.workload_kind = pending->workload_kind,
		.workload_name = pending->workload_name,
		.row = CS_ROW_NONE,
	};
	const char *gated = gate(run, pending);
	if (gated) {
		decision.result = CS_SIMULATION_GATED;
		decision.message = gated;
	} else if (pending->pod->demand->unsupported_field) {
		decision.result = CS_SIMULATION_ERROR;
		decision.message = refusal(run, pending->pod->demand);
	} else {
		ask(run, pending, &decision);
	}
	run->listener->decided(run->listener->user, &decision);
	if (decision.result != CS_SIMULATION_GATED)
		cs_cluster_nominate(cluster, pending->pod, NULL); // failed or placed: it is over
	if (decision.result == CS_SIMULATION_SCHEDULED) {
		cs_cluster_assume(cluster, pending->pod, decision.row);
		cs_cycle_reserve(run->workspace, pending->profile, pending->pod, decision.row);
		cs_cluster_confirm(cluster, pending->pod,
				   cs_cluster_node_name(cluster, decision.row));
	} else {
		cs_cluster_nominate(cluster, pending->pod, NULL);
	}
	cs_arena_reset(run->simulation->scratch);
}

// A pod that waits at a gate is in no queue, so its nomination takes no room.
static void drop_gated_nominations(const struct run *run)
{
	struct cs_simulation *simulation = run->simulation;
	for (uint32_t i = 0; i < simulation->n_pending; i++) {
		struct pending *pending = &simulation->pending[i];
		if (pending->pod->nominated_node != CS_INTERN_NONE && gate(run, pending))
			cs_cluster_nominate(simulation->cluster, pending->pod, NULL);
		cs_arena_reset(simulation->scratch);
	}
}

void cs_simulation_run(struct cs_simulation *simulation, struct cs_random *random,
		       const struct cs_simulation_listener *listener)
{
	struct run run = { .simulation = simulation, .listener = listener };
	run.workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = simulation->cluster, .config = simulation->config, .random = random });
	drop_gated_nominations(&run);
	for (uint32_t i = 0; i < simulation->n_pending; i++)
		decide(&run, &simulation->pending[i]);
	cs_workspace_destroy(run.workspace);
}
