// Default queries: the pods of the Services that select a pod and of its controller.
// Neighbours: owner.h. Mirrors helper.DefaultSelector (plugins/helper/spread.go).
#include "owner.h"

#include <assert.h>
#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>
#include <errno.h>
#include <string.h>

#include "cluster_internal.h"

// ---- who controls a pod ----

static const struct {
	const char *api_version;
	const char *kind;
	enum cs_workload_kind workload;
} controllers[] = {
	{ "v1", "ReplicationController", CS_WORKLOAD_REPLICATION_CONTROLLER },
	{ "apps/v1", "ReplicaSet", CS_WORKLOAD_REPLICA_SET },
	{ "apps/v1", "StatefulSet", CS_WORKLOAD_STATEFUL_SET },
};

// The first owner that says it controls the pod: what kind of workload it is.
static enum cs_workload_kind find_controller(const Kube__ObjectMeta *metadata,
					     struct cs_slice *ret_name)
{
	*ret_name = (struct cs_slice){ 0 };
	for (size_t i = 0; i < metadata->n_owner_references; i++) {
		const Kube__OwnerReference *owner = metadata->owner_references[i];
		if (!owner->controller)
			continue;
		for (size_t k = 0; k < CS_ARRAY_LENGTH(controllers); k++) {
			if (!cs_string_equal(owner->api_version, controllers[k].api_version) ||
			    !cs_string_equal(owner->kind, controllers[k].kind))
				continue;
			*ret_name = cs_slice_of(owner->name);
			return controllers[k].workload;
		}
		return CS_WORKLOAD_NONE;
	}
	return CS_WORKLOAD_NONE;
}

// ---- references ----

// What stands before the controller's name in a key.
struct head {
	struct cs_label_set *labels;
	uint64_t kind;
};

static struct head head_of(const struct cs_owner *owner)
{
	struct head head;
	memcpy(&head, owner->content.key.data, sizeof(head));
	return head;
}

void cs_owners_init(struct cs_owners *owners, struct cs_queries *queries,
		    struct cs_workloads *workloads, uint64_t seed)
{
	*owners = (struct cs_owners){ .queries = queries, .workloads = workloads };
	cs_map_init(&owners->by_content, seed);
	cs_list_init(&owners->idle);
}

static void drop(struct cs_owners *owners, struct cs_owner *owner)
{
	cs_content_unref(&owners->by_content, &owner->content);
	cs_query_unref(owners->queries, owner->query);
	cs_label_set_unref(owners->queries, owner->labels);
	free(owner);
}

static void drop_idle(struct cs_owners *owners, struct cs_owner *owner)
{
	cs_list_remove(&owner->idle);
	owners->n_idle--;
	drop(owners, owner);
}

static void drop_oldest(struct cs_owners *owners, uint32_t leave)
{
	while (owners->n_idle > leave)
		drop_idle(owners, CS_CONTAINER_OF(owners->idle.next, struct cs_owner, idle));
}

void cs_owners_finish(struct cs_owners *owners)
{
	drop_oldest(owners, 0);
	assert(cs_map_count(&owners->by_content) == 0);
	cs_map_finish(&owners->by_content);
}

// The owner has one reference of its own while it is in the map; pods are counted beside it.
static struct cs_owner *create(struct cs_owners *owners, struct cs_slice key,
			       struct cs_label_set *labels)
{
	struct cs_owner *owner = cs_alloc(sizeof(*owner));
	owner->labels = labels;
	owner->services_version = UINT64_MAX;
	labels->content.refs++;
	cs_list_init(&owner->idle);
	cs_content_add(&owners->by_content, &owner->content, key);
	return owner;
}

struct cs_owner *cs_owner_ref(struct cs_owners *owners, struct cs_arena *scratch,
			      struct cs_label_set *labels, const Kube__ObjectMeta *metadata)
{
	struct cs_slice name;
	struct head head = { .labels = labels, .kind = find_controller(metadata, &name) };
	char *bytes = cs_arena_alloc_raw(scratch, sizeof(head) + name.size);
	memcpy(bytes, &head, sizeof(head));
	if (name.size > 0)
		memcpy(bytes + sizeof(head), name.data, name.size);
	struct cs_slice key = { bytes, sizeof(head) + name.size };
	struct cs_owner *owner = cs_map_get(&owners->by_content, key);
	if (!owner) {
		owner = create(owners, key, labels);
	} else if (owner->pods == 0) {
		cs_list_remove(&owner->idle);
		owners->n_idle--;
	}
	owner->pods++;
	return owner;
}

static const struct cs_workload *controller_of(const struct cs_owners *owners,
					       const struct cs_owner *owner)
{
	struct head head = head_of(owner);
	if (head.kind == CS_WORKLOAD_NONE)
		return NULL;
	struct cs_slice key = owner->content.key;
	return cs_workloads_find(
		owners->workloads, (enum cs_workload_kind)head.kind, owner->labels->namespace->name,
		(struct cs_slice){ key.data + sizeof(head), key.size - sizeof(head) });
}

static uint64_t controller_version(const struct cs_owners *owners, const struct cs_owner *owner)
{
	const struct cs_workload *controller = controller_of(owners, owner);
	return controller ? controller->version : 0;
}

static bool is_current(const struct cs_owners *owners, const struct cs_owner *owner)
{
	return owner->services_version == owner->labels->namespace->services_version &&
	       owner->controller_version == controller_version(owners, owner);
}

void cs_owner_unref(struct cs_owners *owners, struct cs_owner *owner)
{
	if (!owner || --owner->pods > 0)
		return;
	if (!owner->query || !is_current(owners, owner)) {
		drop(owners, owner);
		return;
	}
	cs_list_append(&owners->idle, &owner->idle);
	owners->n_idle++;
	drop_oldest(owners, CS_OWNERS_IDLE_MAX);
}

void cs_owner_keep(struct cs_owner *owner)
{
	owner->pods++;
	owner->kept++;
}

bool cs_owner_release(struct cs_owners *owners, struct cs_owner *owner)
{
	bool last = owner->pods == 1;
	owner->kept--;
	cs_owner_unref(owners, owner);
	return last;
}

// ---- queries ----

// A map of labels that grows.
struct merge {
	struct cs_arena *scratch;
	struct cs_intern *strings;
	uint32_t n;
	uint32_t capacity;
	struct cs_node_label *labels;
};

// Of two values for one key the later one counts (labels.Merge).
static void merge_label(struct merge *merge, struct cs_node_label label)
{
	for (uint32_t i = 0; i < merge->n; i++) {
		if (merge->labels[i].key == label.key) {
			merge->labels[i].value = label.value;
			return;
		}
	}
	if (merge->n == merge->capacity) {
		merge->capacity = merge->capacity ? 2 * merge->capacity : 16;
		struct cs_node_label *more =
			cs_arena_alloc_array(merge->scratch, merge->capacity, sizeof(*more));
		if (merge->n > 0)
			memcpy(more, merge->labels, merge->n * sizeof(*more));
		merge->labels = more;
	}
	merge->labels[merge->n++] = label;
}

static void merge_labels(void *user, const struct cs_workload *workload)
{
	for (uint32_t i = 0; i < workload->labels.n; i++)
		merge_label(user, workload->labels.labels[i]);
}

static Kube__LabelSelector *selector_of(const struct merge *merge)
{
	Kube__LabelSelector *selector = cs_arena_alloc(merge->scratch, sizeof(*selector));
	Kube__StringEntry *entries =
		cs_arena_alloc_array(merge->scratch, merge->n, sizeof(*entries));
	kube__label_selector__init(selector);
	selector->n_match_labels = merge->n;
	selector->match_labels =
		cs_arena_alloc_array(merge->scratch, merge->n, sizeof(Kube__StringEntry *));
	for (uint32_t i = 0; i < merge->n; i++) {
		const struct cs_node_label *label = &merge->labels[i];
		kube__string_entry__init(&entries[i]);
		entries[i].key = (char *)(uintptr_t)cs_intern_string(merge->strings, label->key);
		entries[i].value =
			(char *)(uintptr_t)cs_intern_string(merge->strings, label->value);
		selector->match_labels[i] = &entries[i];
	}
	return selector;
}

static const Kube__LabelSelector *unpack(struct cs_arena *scratch, struct cs_slice bytes)
{
	ProtobufCMessage *message = NULL;
	int rc =
		cs_protobuf_read(&kube__label_selector__descriptor, bytes, scratch, &message, NULL);
	assert(rc == 0); // it was packed here
	return rc == 0 ? (const Kube__LabelSelector *)message : NULL;
}

// With a reference; NULL: nothing selects pods of this owner.
static struct cs_query *make_query(struct cs_owners *owners, struct cs_arena *scratch,
				   const struct cs_owner *owner)
{
	const struct cs_namespace *namespace = owner->labels->namespace;
	const struct cs_workload *controller = controller_of(owners, owner);
	struct merge merge = { .scratch = scratch, .strings = owners->workloads->strings };
	cs_workloads_services(owners->workloads, namespace->name,
			      cs_label_set_labels(owner->labels), merge_labels, &merge);
	if (controller)
		merge_labels(&merge, controller);
	const Kube__LabelSelector *selectors[2];
	size_t n = 0;
	if (merge.n > 0)
		selectors[n++] = selector_of(&merge);
	if (controller && controller->selector.size > 0)
		selectors[n++] = unpack(scratch, controller->selector);
	if (n == 0)
		return NULL;
	char *names[] = { (char *)(uintptr_t)cs_intern_string(merge.strings, namespace->name) };
	struct cs_pod_match_source sources[2];
	for (size_t i = 0; i < n; i++)
		sources[i] = (struct cs_pod_match_source){
			.n_namespaces = 1,
			.namespaces = names,
			.selector = selectors[i],
		};
	struct cs_query *query = NULL;
	cs_query_ref(owners->queries, sources, n, &query, NULL);
	return query;
}

void cs_owners_drop_stale(struct cs_cluster *cluster)
{
	struct cs_owners *owners = &cluster->owners;
	CS_LIST_FOR_EACH (link, &owners->idle) {
		struct cs_owner *owner = CS_CONTAINER_OF(link, struct cs_owner, idle);
		if (!is_current(owners, owner))
			drop_idle(owners, owner);
	}
	cs_carried_terms_ask_again(&cluster->carried); // label sets may be gone
}

static const struct cs_query *query_of(struct cs_owners *owners, struct cs_arena *scratch,
				       struct cs_owner *owner)
{
	if (is_current(owners, owner))
		return owner->query;
	struct cs_query *before = owner->query;
	owner->query = make_query(owners, scratch, owner);
	owner->services_version = owner->labels->namespace->services_version;
	owner->controller_version = controller_version(owners, owner);
	cs_query_unref(owners->queries, before);
	return owner->query;
}

const struct cs_query *cs_cluster_default_query(struct cs_cluster *cluster,
						const struct cs_pod *pod)
{
	const struct cs_query *query = query_of(&cluster->owners, cluster->scratch, pod->owner);
	cs_arena_reset(cluster->scratch);
	return query;
}

// ---- the self-check ----

static uint32_t count_pods(const struct cs_cluster *cluster, const struct cs_owner *owner)
{
	uint32_t n = 0;
	size_t at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&cluster->pods, &at)))
		n += pod->owner == owner && pod->labels == owner->labels;
	return n;
}

// Asks for the query anew: another one would be registered and given back at once.
static bool has_right_query(const struct cs_cluster *cluster, const struct cs_owner *owner)
{
	struct cs_owners *owners = (struct cs_owners *)(uintptr_t)&cluster->owners;
	if (!is_current(owners, owner))
		return true;
	CS_AUTO_ARENA struct cs_arena *scratch = cs_arena_create();
	struct cs_query *query = make_query(owners, scratch, owner);
	cs_query_unref(owners->queries, query);
	return query == owner->query;
}

int cs_owners_check(const struct cs_cluster *cluster, struct cs_error *err)
{
	uint64_t n_pods = 0;
	uint32_t n_idle = 0;
	size_t at = 0;
	struct cs_content *content;
	while ((content = cs_map_next(&cluster->owners.by_content, &at))) {
		const struct cs_owner *owner = CS_CONTAINER_OF(content, struct cs_owner, content);
		if (owner->pods != owner->kept + count_pods(cluster, owner))
			return cs_error_set(err, -EUCLEAN, "an owner's pods are counted wrong");
		if (owner->pods == 0 && (cs_list_empty(&owner->idle) || !owner->query))
			return cs_error_set(err, -EUCLEAN, "an owner is kept for nothing");
		if (owner->pods == 0 && !is_current(&cluster->owners, owner))
			return cs_error_set(err, -EUCLEAN, "an idle owner is out of date");
		if (!has_right_query(cluster, owner))
			return cs_error_set(err, -EUCLEAN, "an owner has the wrong query");
		n_pods += owner->pods - owner->kept;
		n_idle += owner->pods == 0;
	}
	if (n_idle != cluster->owners.n_idle || n_idle > CS_OWNERS_IDLE_MAX)
		return cs_error_set(err, -EUCLEAN, "idle owners are counted wrong");
	at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&cluster->pods, &at))) {
		if ((pod->state == CS_POD_BOUND) == (pod->owner != NULL))
			return cs_error_set(err, -EUCLEAN, "pod %s/%s: owner and state differ",
					    pod->namespace, pod->name);
		n_pods -= pod->owner != NULL;
	}
	if (n_pods != 0)
		return cs_error_set(err, -EUCLEAN, "owners and pods do not know each other");
	return cs_workloads_check(&cluster->workloads, err);
}
