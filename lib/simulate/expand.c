// Workloads to pods, as kube-controller-manager makes them: labels, annotations, owners, names,
// tolerations.
// Neighbours: simulation.c admits each pod; merge.c does what the API server does to it.
#include "expand.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/cluster/taint.h>
#include <csched/kube/codec.h>
#include <csched/kube/selector.h>

#include "merge.h"
#include "priority.h"

#define HASH_LETTERS   10
#define NAME_LETTERS   5
#define PREFIX_MAX     58 // bytes that a generated name keeps of its prefix
#define NAME_SIZE      320
#define TEMPLATE_MAX   (16u << 20) // bytes of a template as JSON
#define KEY_SIZE       1024
#define LABEL_HASH     "pod-template-hash"
#define LABEL_REVISION "controller-revision-hash"

static char *text(const char *constant) // protobuf-c's structs know no const
{
	return (char *)(uintptr_t)constant;
}

// ---- names ----

// No vowels, so no words; as apimachinery's rand.SafeEncodeString.
static void encode(uint64_t value, int n, char *out)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	for (int i = n - 1; i >= 0; i--) {
		out[i] = letters[value % (sizeof(letters) - 1)];
		value /= sizeof(letters) - 1;
	}
	out[n] = '\0';
}

static void hash_template(const Kube__PodTemplateSpec *template, char out[HASH_LETTERS + 1])
{
	CS_AUTO_BUFFER struct cs_buffer bytes;
	cs_buffer_init(&bytes, TEMPLATE_MAX);
	struct cs_json_writer json;
	cs_json_init(&json, &bytes);
	if (template)
		cs_codec_write(NULL, &template->base, &json);
	encode(cs_hash(bytes.data, bytes.size, 0), HASH_LETTERS, out);
}

// ---- who owns what ----

static void own(struct owners *owners, const char *kind, const char *namespace, const char *name)
{
	char *key = cs_arena_printf(owners->arena, "%s/%s/%s", kind, namespace, name);
	cs_map_put(&owners->map, cs_slice_of(key), owners);
}

// "web" of the ReplicaSet "web-7d4b9c6f5", whose pods have that hash as a label.
static void own_deployment(struct owners *owners, const Kube__ObjectMeta *metadata,
			   const char *replica_set)
{
	const char *hash = NULL;
	for (size_t i = 0; i < metadata->n_labels; i++)
		if (cs_string_equal(metadata->labels[i]->key, LABEL_HASH))
			hash = metadata->labels[i]->value;
	size_t hash_size = hash ? strlen(hash) : 0;
	size_t size = strlen(replica_set);
	if (hash_size == 0 || size < hash_size + 2 ||
	    strcmp(replica_set + size - hash_size, hash) != 0 ||
	    replica_set[size - hash_size - 1] != '-')
		return;
	own(owners, "Deployment", metadata->namespace_,
	    cs_arena_strndup(owners->arena, replica_set, size - hash_size - 1));
}

static void read_owners(struct owners *owners, const struct input_object *object)
{
	const Kube__ObjectMeta *metadata = object->metadata;
	for (size_t i = 0; i < metadata->n_owner_references; i++) {
		const Kube__OwnerReference *reference = metadata->owner_references[i];
		if (!reference->kind || !reference->name)
			continue;
		own(owners, reference->kind, metadata->namespace_, reference->name);
		if (strcmp(reference->kind, "ReplicaSet") == 0)
			own_deployment(owners, metadata, reference->name);
	}
}

void owners_init(struct owners *owners, const struct input *input)
{
	owners->arena = cs_arena_create();
	cs_map_init(&owners->map, 0);
	for (size_t i = 0; i < input->n_objects; i++)
		if (input->objects[i].kind == &cs_kind_pod ||
		    input->objects[i].kind == &cs_kind_replica_set)
			read_owners(owners, &input->objects[i]);
}

void owners_finish(struct owners *owners)
{
	cs_map_finish(&owners->map);
	cs_arena_destroy(owners->arena);
}

// Whether a pod, or a ReplicaSet, of that workload is in the input.
static bool owners_have(const struct owners *owners, const struct input_object *workload)
{
	char key[KEY_SIZE];
	snprintf(key, sizeof(key), "%s/%s/%s", workload->kind->kind, workload->metadata->namespace_,
		 workload->metadata->name);
	return cs_map_get(&owners->map, cs_slice_of(key));
}

// ---- molds: what the pods of one workload have in common ----

struct mold {
	struct cs_simulation *simulation;
	const struct input_object *workload;
	struct cs_arena *arena; // lasts as long as the mold
	bool merges;
	struct workload report; // who the pods count for
	Kube__Pod pod;          // points to the next two, which change from pod to pod
	Kube__ObjectMeta metadata;
	Kube__PodSpec spec;
	size_t n_labels; // that all pods have; there is room for more
};

#define LABELS_MORE 6 // labels that a controller adds to the template's

static void set_label(struct mold *mold, const char *key, const char *value)
{
	Kube__ObjectMeta *metadata = &mold->metadata;
	Kube__StringEntry *entry = cs_arena_alloc(mold->arena, sizeof(*entry));
	kube__string_entry__init(entry);
	entry->key = text(key);
	entry->value = text(value);
	for (size_t i = 0; i < metadata->n_labels; i++)
		if (cs_string_equal(metadata->labels[i]->key, key)) {
			metadata->labels[i] = entry;
			return;
		}
	metadata->labels[metadata->n_labels++] = entry;
}

static Kube__OwnerReference **controller(struct cs_arena *arena, const struct cs_kind *kind,
					 const Kube__ObjectMeta *owner)
{
	char api_version[64];
	Kube__OwnerReference *reference = cs_arena_alloc(arena, sizeof(*reference));
	kube__owner_reference__init(reference);
	reference->api_version =
		cs_arena_strdup(arena, cs_kind_api_version(kind, api_version, sizeof(api_version)));
	reference->kind = text(kind->kind);
	reference->name = owner->name;
	reference->uid = owner->uid;
	reference->has_controller = reference->controller = true;
	reference->has_block_owner_deletion = reference->block_owner_deletion = true;
	Kube__OwnerReference **list = cs_arena_alloc_array(arena, 1, sizeof(*list));
	list[0] = reference;
	return list;
}

static void mold_init(struct mold *mold, struct cs_simulation *simulation,
		      const struct input_object *workload, struct cs_arena *arena)
{
	const Kube__Pod *template = workload->template;
	*mold = (struct mold){ .simulation = simulation, .workload = workload, .arena = arena };
	mold->report = simulation_workload(simulation, workload->kind, workload->metadata);
	kube__pod__init(&mold->pod);
	kube__object_meta__init(&mold->metadata);
	mold->spec = *template->spec;
	mold->pod.metadata = &mold->metadata;
	mold->pod.spec = &mold->spec;
	Kube__ObjectMeta *metadata = &mold->metadata;
	size_t n = template->metadata->n_labels;
	metadata->namespace_ = workload->metadata->namespace_;
	metadata->creation_timestamp = workload->metadata->creation_timestamp;
	metadata->labels = cs_arena_alloc_array(arena, n + LABELS_MORE, sizeof(*metadata->labels));
	if (n)
		memcpy(metadata->labels, template->metadata->labels, n * sizeof(*metadata->labels));
	metadata->n_labels = n;
	metadata->annotations = template->metadata->annotations;
	metadata->n_annotations = template->metadata->n_annotations;
	metadata->n_owner_references = 1;
	metadata->owner_references = controller(arena, workload->kind, workload->metadata);
	mold->merges = merge_needed(&mold->spec);
}

// One more pod, with that name and what has been set in the mold.
static int cast(struct mold *mold, const char *name, struct cs_error *err)
{
	struct cs_simulation *simulation = mold->simulation;
	mold->metadata.name = text(name);
	const struct input_object *other =
		input_find(&simulation->input, &cs_kind_pod, mold->metadata.namespace_, name);
	if (other)
		return cs_error_set(err, -EINVAL,
				    "its pod \"%s\" is in the input (%s, line %d) without an "
				    "ownerReference to it",
				    name, other->file, other->line);
	mold->metadata.uid = input_uid(simulation->scratch, &cs_kind_pod, &mold->metadata);
	Kube__Pod pod = mold->pod;
	if (mold->merges)
		pod.spec = merge_label_keys(simulation->scratch, pod.spec, &mold->metadata);
	int r = simulation_admit(simulation, &pod, mold->report, err);
	cs_arena_reset(simulation->scratch);
	return r;
}

static int cast_numbered(struct mold *mold, const char *prefix, uint32_t number,
			 struct cs_error *err)
{
	char name[NAME_SIZE];
	char letters[NAME_LETTERS + 1];
	encode(number, NAME_LETTERS, letters);
	snprintf(name, sizeof(name), "%.*s%s", PREFIX_MAX, prefix, letters);
	return cast(mold, name, err);
}

// The API server's validation refuses such a number.
static int check_count(const char *field, int32_t n, struct cs_error *err)
{
	return n < 0 ? cs_error_set(err, -EINVAL, "%s: must not be negative", field) : 0;
}

// Nor does it take a workload that would not know its own pods again.
static int check_selector(const struct mold *mold, const Kube__LabelSelector *selector,
			  struct cs_error *err)
{
	const Kube__ObjectMeta *metadata = mold->workload->template->metadata;
	bool matches = true;
	int r = selector ? cs_label_selector_matches(selector, metadata->labels, metadata->n_labels,
						     &matches, err)
			 : 0;
	if (r < 0)
		return cs_error_prefix(err, "spec.selector");
	return matches ? 0
		       : cs_error_set(err, -EINVAL,
				      "spec.template.metadata.labels: spec.selector does not match "
				      "them");
}

static int cast_many(struct mold *mold, const char *owner_name, int32_t n, struct cs_error *err)
{
	char prefix[NAME_SIZE];
	snprintf(prefix, sizeof(prefix), "%s-", owner_name);
	int r = check_count("spec.replicas", n, err);
	for (int32_t i = 0; i < n && r == 0; i++)
		r = cast_numbered(mold, prefix, (uint32_t)i, err);
	return r;
}

// ---- kinds ----

static int expand_replica_set(struct mold *mold, struct cs_error *err)
{
	const Kube__ReplicaSet *set = (const Kube__ReplicaSet *)mold->workload->message;
	int r = check_selector(mold, set->spec->selector, err);
	return r < 0 ? r : cast_many(mold, set->metadata->name, set->spec->replicas, err);
}

static int expand_replication_controller(struct mold *mold, struct cs_error *err)
{
	const Kube__ReplicationController *controller =
		(const Kube__ReplicationController *)mold->workload->message;
	return cast_many(mold, controller->metadata->name, controller->spec->replicas, err);
}

// matchLabels with one more entry.
static Kube__LabelSelector *add_match(struct cs_arena *arena, const Kube__LabelSelector *selector,
				      const char *key, const char *value)
{
	Kube__LabelSelector *made = cs_arena_alloc(arena, sizeof(*made));
	kube__label_selector__init(made);
	if (selector)
		*made = *selector;
	size_t n = made->n_match_labels;
	Kube__StringEntry **list = cs_arena_alloc_array(arena, n + 1, sizeof(*list));
	if (n)
		memcpy(list, made->match_labels, n * sizeof(*list));
	list[n] = cs_arena_alloc(arena, sizeof(**list));
	kube__string_entry__init(list[n]);
	list[n]->key = text(key);
	list[n]->value = text(value);
	made->match_labels = list;
	made->n_match_labels = n + 1;
	return made;
}

// The deployment controller's ReplicaSet, which the pods then name as their controller.
static int expand_deployment(struct mold *mold, struct cs_error *err)
{
	const Kube__Deployment *deployment = (const Kube__Deployment *)mold->workload->message;
	const Kube__DeploymentSpec *spec = deployment->spec;
	int r = check_selector(mold, spec->selector, err);
	if (r < 0 || spec->paused)
		return r;
	char *hash = cs_arena_alloc(mold->arena, HASH_LETTERS + 1);
	hash_template(spec->template_, hash);
	set_label(mold, LABEL_HASH, hash);
	Kube__ObjectMeta metadata = KUBE__OBJECT_META__INIT;
	metadata.name = cs_arena_printf(mold->arena, "%s-%s", deployment->metadata->name, hash);
	metadata.namespace_ = mold->metadata.namespace_;
	metadata.uid = input_uid(mold->arena, &cs_kind_replica_set, &metadata);
	metadata.n_labels = mold->metadata.n_labels;
	metadata.labels = mold->metadata.labels;
	Kube__ReplicaSetSpec set_spec = KUBE__REPLICA_SET_SPEC__INIT;
	set_spec.selector = add_match(mold->arena, spec->selector, LABEL_HASH, hash);
	Kube__ReplicaSet set = KUBE__REPLICA_SET__INIT;
	set.metadata = &metadata;
	set.spec = &set_spec;
	uint32_t events;
	r = cs_cluster_apply_object(mold->simulation->cluster, &cs_kind_replica_set, &set.base,
				    &events, err);
	mold->metadata.owner_references = controller(mold->arena, &cs_kind_replica_set, &metadata);
	return r < 0 ? r : cast_many(mold, metadata.name, spec->replicas, err);
}

// A claim per template, which the pod names.
static void add_claims(struct mold *mold, const Kube__StatefulSetSpec *from)
{
	size_t n = mold->spec.n_volumes;
	Kube__Volume **list = cs_arena_alloc_array(mold->arena, n + from->n_volume_claim_templates,
						   sizeof(*list));
	if (n)
		memcpy(list, mold->spec.volumes, n * sizeof(*list));
	for (size_t i = 0; i < from->n_volume_claim_templates; i++) {
		Kube__Volume *volume = cs_arena_alloc(mold->arena, sizeof(*volume));
		Kube__VolumeSource *source = cs_arena_alloc(mold->arena, sizeof(*source));
		Kube__PersistentVolumeClaimVolumeSource *claim =
			cs_arena_alloc(mold->arena, sizeof(*claim));
		kube__volume__init(volume);
		kube__volume_source__init(source);
		kube__persistent_volume_claim_volume_source__init(claim);
		const Kube__ObjectMeta *metadata = from->volume_claim_templates[i]->metadata;
		volume->name = metadata && metadata->name ? metadata->name : text("");
		volume->volume_source = source;
		source->persistent_volume_claim = claim;
		list[n++] = volume;
	}
	mold->spec.volumes = list;
	mold->spec.n_volumes = n;
}

// "<volume>-<pod>", as the claims of this pod are called.
static void name_claims(struct mold *mold, size_t n_own, const char *pod)
{
	for (size_t i = n_own; i < mold->spec.n_volumes; i++)
		mold->spec.volumes[i]->volume_source->persistent_volume_claim->claim_name =
			cs_arena_printf(mold->simulation->scratch, "%s-%s",
					mold->spec.volumes[i]->name, pod);
}

static int expand_stateful_set(struct mold *mold, struct cs_error *err)
{
	const Kube__StatefulSet *set = (const Kube__StatefulSet *)mold->workload->message;
	const Kube__StatefulSetSpec *spec = set->spec;
	char hash[HASH_LETTERS + 1];
	hash_template(spec->template_, hash);
	set_label(mold, LABEL_REVISION,
		  cs_arena_printf(mold->arena, "%s-%s", set->metadata->name, hash));
	size_t n_volumes = mold->spec.n_volumes;
	add_claims(mold, spec);
	int32_t start = spec->ordinals ? spec->ordinals->start : 0;
	int r = check_count("spec.replicas", spec->replicas, err);
	if (r == 0)
		r = check_selector(mold, spec->selector, err);
	for (int32_t i = 0; i < spec->replicas && r == 0; i++) {
		char name[NAME_SIZE];
		char index[16];
		snprintf(index, sizeof(index), "%" PRId64, (int64_t)start + i);
		snprintf(name, sizeof(name), "%s-%s", set->metadata->name, index);
		set_label(mold, "statefulset.kubernetes.io/pod-name", name);
		set_label(mold, "apps.kubernetes.io/pod-index", index);
		name_claims(mold, n_volumes, name);
		r = cast(mold, name, err);
	}
	return r;
}

// ---- DaemonSets ----

static void tolerate(struct mold *mold, const char *key, const char *effect)
{
	Kube__PodSpec *spec = &mold->spec;
	Kube__Toleration *toleration = cs_arena_alloc(mold->arena, sizeof(*toleration));
	kube__toleration__init(toleration);
	toleration->key = text(key);
	toleration->operator_ = text("Exists");
	toleration->effect = text(effect);
	size_t n = spec->n_tolerations;
	Kube__Toleration **list = cs_arena_alloc_array(mold->arena, n + 1, sizeof(*list));
	if (n)
		memcpy(list, spec->tolerations, n * sizeof(*list));
	list[n] = toleration;
	spec->tolerations = list;
	spec->n_tolerations = n + 1;
}

static void tolerate_trouble(struct mold *mold)
{
	static const struct {
		const char *key;
		const char *effect;
		bool host_network_only;
	} troubles[] = {
		{ "node.kubernetes.io/not-ready", "NoExecute", false },
		{ "node.kubernetes.io/unreachable", "NoExecute", false },
		{ "node.kubernetes.io/disk-pressure", "NoSchedule", false },
		{ "node.kubernetes.io/memory-pressure", "NoSchedule", false },
		{ "node.kubernetes.io/pid-pressure", "NoSchedule", false },
		{ "node.kubernetes.io/unschedulable", "NoSchedule", false },
		{ "node.kubernetes.io/network-unavailable", "NoSchedule", true },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(troubles); i++)
		if (mold->spec.host_network || !troubles[i].host_network_only)
			tolerate(mold, troubles[i].key, troubles[i].effect);
}

// Required node affinity that names one node: replaces the template's, which chose the node.
static char **pin(struct mold *mold)
{
	struct cs_arena *arena = mold->arena;
	Kube__NodeSelectorRequirement *field = cs_arena_alloc(arena, sizeof(*field));
	Kube__NodeSelectorTerm *term = cs_arena_alloc(arena, sizeof(*term));
	Kube__NodeSelector *selector = cs_arena_alloc(arena, sizeof(*selector));
	Kube__NodeAffinity *node_affinity = cs_arena_alloc(arena, sizeof(*node_affinity));
	Kube__Affinity *affinity = cs_arena_alloc(arena, sizeof(*affinity));
	kube__node_selector_requirement__init(field);
	kube__node_selector_term__init(term);
	kube__node_selector__init(selector);
	kube__node_affinity__init(node_affinity);
	kube__affinity__init(affinity);
	const Kube__Affinity *before = mold->spec.affinity;
	if (before)
		*affinity = *before;
	if (before && before->node_affinity)
		*node_affinity = *before->node_affinity;
	field->key = text("metadata.name");
	field->operator_ = text("In");
	field->n_values = 1;
	field->values = cs_arena_alloc_array(arena, 1, sizeof(*field->values));
	term->n_match_fields = 1;
	term->match_fields = cs_arena_alloc_array(arena, 1, sizeof(*term->match_fields));
	term->match_fields[0] = field;
	selector->n_node_selector_terms = 1;
	selector->node_selector_terms =
		cs_arena_alloc_array(arena, 1, sizeof(*selector->node_selector_terms));
	selector->node_selector_terms[0] = term;
	node_affinity->required_during_scheduling_ignored_during_execution = selector;
	affinity->node_affinity = node_affinity;
	mold->spec.affinity = affinity;
	return field->values;
}

static bool names_row(const struct cs_pod *pod, uint32_t name)
{
	const struct cs_demand *demand = pod->demand;
	if (pod->pinned_node != CS_INTERN_NONE && pod->pinned_node != name)
		return false;
	for (uint32_t i = 0; i < demand->n_pinned_names; i++)
		if (demand->pinned_names[i] == name)
			return true;
	return !demand->pins_names;
}

// The rows the daemon set controller takes: node selector, required affinity and taints, nothing
// else. The model answers for a pod of the template that is there for the time of the question.
// Mirrors NodeShouldRunDaemonPod.
static int find_rows(struct mold *mold, uint32_t **ret, uint32_t *ret_n, struct cs_error *err)
{
	struct cs_cluster *cluster = mold->simulation->cluster;
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	char *only = mold->spec.node_name; // a template may name its node
	uint32_t only_row = cs_cluster_find_node(cluster, only ? only : "");
	struct cs_pod_change change;
	mold->metadata.name = text("probe");
	mold->metadata.uid = text("probe");
	mold->spec.node_name = NULL;
	int r = cs_cluster_apply_pod(cluster, &mold->pod, &change, err);
	mold->spec.node_name = only;
	if (r < 0)
		return r;
	const struct cs_demand *demand = change.pod->demand;
	const struct cs_toleration_verdict *verdicts =
		cs_taint_verdicts(cluster, demand->toleration_set);
	*ret = cs_arena_alloc_array(mold->arena, nodes->n_rows, sizeof(**ret));
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		bool selected =
			!demand->node_selector || cs_bitmap_test(demand->node_selector, row);
		if (only && *only && row != only_row)
			continue;
		if (nodes->live[row] && selected && names_row(change.pod, nodes->name[row]) &&
		    !verdicts[nodes->taint_set[row]].filtered)
			(*ret)[(*ret_n)++] = row;
	}
	(void)cs_cluster_remove_pod(cluster, change.pod);
	return 0;
}

static int expand_daemon_set(struct mold *mold, struct cs_error *err)
{
	const Kube__DaemonSet *set = (const Kube__DaemonSet *)mold->workload->message;
	char hash[HASH_LETTERS + 1];
	char generation[24];
	char prefix[NAME_SIZE];
	uint32_t *rows;
	uint32_t n = 0;
	hash_template(set->spec->template_, hash);
	snprintf(generation, sizeof(generation), "%" PRId64,
		 set->metadata->has_generation ? set->metadata->generation : 1);
	snprintf(prefix, sizeof(prefix), "%s-", set->metadata->name);
	set_label(mold, LABEL_REVISION, cs_arena_strdup(mold->arena, hash));
	set_label(mold, "pod-template-generation", cs_arena_strdup(mold->arena, generation));
	tolerate_trouble(mold);
	int r = check_selector(mold, set->spec->selector, err);
	if (r == 0)
		r = find_rows(mold, &rows, &n, err);
	if (r < 0)
		return r;
	char **node = pin(mold);
	for (uint32_t i = 0; i < n && r == 0; i++) {
		node[0] = text(cs_cluster_node_name(mold->simulation->cluster, rows[i]));
		r = cast_numbered(mold, prefix, i, err);
	}
	return r;
}

// ---- Jobs ----

static int32_t wanted_pods(const Kube__Job *job)
{
	const Kube__JobStatus *status = job->status;
	int32_t wanted = job->spec->parallelism;
	if (job->spec->suspend || (status && status->completion_time))
		return 0;
	if (!job->spec->has_completions)
		return wanted;
	int32_t left = job->spec->completions - (status ? status->succeeded : 0);
	return left < wanted ? left : wanted;
}

static int expand_job(struct mold *mold, struct cs_error *err)
{
	static const char *const names[] = { "batch.kubernetes.io/job-name", "job-name" };
	static const char *const uids[] = { "batch.kubernetes.io/controller-uid",
					    "controller-uid" };
	const Kube__Job *job = (const Kube__Job *)mold->workload->message;
	int r = check_count("spec.parallelism", job->spec->parallelism, err);
	if (r == 0)
		r = check_count("spec.completions", job->spec->completions, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		set_label(mold, names[i], job->metadata->name);
		set_label(mold, uids[i], job->metadata->uid);
	}
	if (!cs_string_equal(job->spec->completion_mode, "Indexed"))
		return cast_many(mold, job->metadata->name, wanted_pods(job), err);
	int32_t first = job->status ? job->status->succeeded : 0;
	for (int32_t i = 0; i < wanted_pods(job) && r == 0; i++) {
		char index[16];
		char prefix[NAME_SIZE];
		snprintf(index, sizeof(index), "%" PRId32, first + i);
		snprintf(prefix, sizeof(prefix), "%.*s-%s-", PREFIX_MAX - 2 - (int)strlen(index),
			 job->metadata->name, index);
		set_label(mold, "batch.kubernetes.io/job-completion-index", index);
		r = cast_numbered(mold, prefix, (uint32_t)i, err);
	}
	return r;
}

// ---- all of them ----

static const struct {
	const struct cs_kind *kind;
	int (*expand)(struct mold *mold, struct cs_error *err);
} kinds[] = {
	{ &cs_kind_deployment, expand_deployment },
	{ &cs_kind_replica_set, expand_replica_set },
	{ &cs_kind_replication_controller, expand_replication_controller },
	{ &cs_kind_stateful_set, expand_stateful_set },
	{ &cs_kind_daemon_set, expand_daemon_set },
	{ &cs_kind_job, expand_job },
};

int expand(struct cs_simulation *simulation, const struct owners *owners,
	   const struct input_object *workload, struct cs_error *err)
{
	size_t i = 0;
	while (i < CS_ARRAY_LENGTH(kinds) && kinds[i].kind != workload->kind)
		i++;
	if (i == CS_ARRAY_LENGTH(kinds) || workload->metadata->deletion_timestamp ||
	    owners_have(owners, workload))
		return 0;
	Kube__PodSpec *spec = workload->template->spec;
	int r = spec ? priority_resolve(&simulation->input, spec, "spec.template.spec", err)
		     : cs_error_set(err, -EINVAL, "spec.template.spec: missing");
	if (r == 0 && simulation_counts(simulation, spec)) {
		CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
		struct mold mold;
		mold_init(&mold, simulation, workload, arena);
		r = kinds[i].expand(&mold, err);
	}
	return r < 0 ? input_fail(workload, err) : 0;
}
