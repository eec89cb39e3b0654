// Selectors by kind, namespace and name; Services also by one label that their pods must have.
// Neighbours: workloads.h. Mirrors the listers of plugins/helper/spread.go.
#include "workloads.h"

#include <csched/base/memory.h>
#include <csched/kube/selector.h>
#include <errno.h>
#include <string.h>

#include "cluster_internal.h"
#include "node_selector_internal.h"

// Services of one namespace that ask for one label.
struct cs_bucket {
	uint32_t key[3]; // namespace, label's key and value: intern ids that the Services hold
	uint32_t n;
	struct cs_list services;
};

// A workload's name in the map.
struct name {
	uint32_t head[2]; // kind, namespace's intern id
	char text[CS_NAME_MAX];
};

static struct cs_slice name_of(struct name *ret, enum cs_workload_kind kind, uint32_t namespace,
			       struct cs_slice text)
{
	ret->head[0] = kind;
	ret->head[1] = namespace;
	memcpy(ret->text, text.data, text.size);
	return (struct cs_slice){ (const char *)ret, sizeof(ret->head) + text.size };
}

// The intern id of a workload's namespace, on which it holds a reference.
static uint32_t namespace_of(const struct cs_workload *workload)
{
	uint32_t head[2];
	memcpy(head, workload->key.data, sizeof(head));
	return head[1];
}

static bool is_service(const struct cs_workload *workload)
{
	uint32_t kind;
	memcpy(&kind, workload->key.data, sizeof(kind));
	return kind == CS_WORKLOAD_SERVICE;
}

void cs_workloads_init(struct cs_workloads *all, struct cs_intern *strings, uint64_t seed)
{
	*all = (struct cs_workloads){ .strings = strings };
	cs_map_init(&all->by_name, seed);
	cs_map_init(&all->buckets, seed);
}

// ---- Services by label ----

static struct cs_slice bucket_key(const uint32_t key[3])
{
	return (struct cs_slice){ (const char *)key, 3 * sizeof(*key) };
}

// Puts the Service where the fewest others are.
static void enter_bucket(struct cs_workloads *all, struct cs_workload *service)
{
	struct cs_bucket *best = NULL;
	uint32_t best_key[3] = { 0 };
	for (uint32_t i = 0; i < service->labels.n && (i == 0 || best); i++) {
		const struct cs_node_label *label = &service->labels.labels[i];
		uint32_t key[3] = { namespace_of(service), label->key, label->value };
		struct cs_bucket *bucket = cs_map_get(&all->buckets, bucket_key(key));
		if (i > 0 && bucket && bucket->n >= best->n)
			continue;
		best = bucket;
		memcpy(best_key, key, sizeof(key));
	}
	if (!best) {
		best = cs_alloc(sizeof(*best));
		memcpy(best->key, best_key, sizeof(best_key));
		cs_list_init(&best->services);
		cs_map_put(&all->buckets, bucket_key(best->key), best);
	}
	cs_list_append(&best->services, &service->link);
	service->bucket = best;
	best->n++;
}

static void leave_bucket(struct cs_workloads *all, struct cs_workload *service)
{
	struct cs_bucket *bucket = service->bucket;
	if (!bucket)
		return;
	cs_list_remove(&service->link);
	service->bucket = NULL;
	if (--bucket->n > 0)
		return;
	cs_map_remove(&all->buckets, bucket_key(bucket->key));
	free(bucket);
}

static bool has_label(struct cs_labels labels, struct cs_node_label wanted)
{
	for (uint32_t i = 0; i < labels.n; i++)
		if (labels.labels[i].key == wanted.key)
			return labels.labels[i].value == wanted.value;
	return false;
}

static bool has_labels(struct cs_labels labels, struct cs_labels wanted)
{
	for (uint32_t i = 0; i < wanted.n; i++)
		if (!has_label(labels, wanted.labels[i]))
			return false;
	return true;
}

void cs_workloads_services(const struct cs_workloads *all, uint32_t namespace,
			   struct cs_labels labels,
			   void (*tell)(void *user, const struct cs_workload *service), void *user)
{
	for (uint32_t i = 0; i < labels.n; i++) {
		uint32_t key[3] = { namespace, labels.labels[i].key, labels.labels[i].value };
		const struct cs_bucket *bucket = cs_map_get(&all->buckets, bucket_key(key));
		if (!bucket)
			continue;
		CS_LIST_FOR_EACH (link, &bucket->services) {
			const struct cs_workload *service =
				CS_CONTAINER_OF(link, struct cs_workload, link);
			if (has_labels(labels, service->labels))
				tell(user, service);
		}
	}
}

// ---- applying ----

static void drop_content(struct cs_workloads *all, struct cs_workload *workload)
{
	leave_bucket(all, workload);
	cs_node_labels_unref(all->strings, workload->labels.labels, workload->labels.n);
	free((void *)(uintptr_t)workload->labels.labels);
	free((void *)(uintptr_t)workload->selector.data);
	workload->labels = (struct cs_labels){ 0 };
	workload->selector = (struct cs_slice){ 0 };
}

static void drop(struct cs_workloads *all, struct cs_workload *workload)
{
	drop_content(all, workload);
	cs_intern_unref(all->strings, namespace_of(workload));
	free((void *)(uintptr_t)workload->key.data);
	free(workload);
}

void cs_workloads_finish(struct cs_workloads *all)
{
	size_t at = 0;
	struct cs_workload *workload;
	while ((workload = cs_map_next(&all->by_name, &at)))
		drop(all, workload);
	cs_map_finish(&all->by_name);
	cs_map_finish(&all->buckets);
}

// A selector that upstream could convert, as protobuf in scratch; else nothing.
static struct cs_slice pack_selector(struct cs_arena *scratch, const Kube__LabelSelector *selector)
{
	bool ignored;
	if (!selector || cs_label_selector_matches(selector, NULL, 0, &ignored, NULL) != 0)
		return (struct cs_slice){ 0 };
	size_t size = kube__label_selector__get_packed_size(selector);
	uint8_t *bytes = cs_arena_alloc_raw(scratch, size + 1);
	kube__label_selector__pack(selector, bytes);
	return (struct cs_slice){ (const char *)bytes, size };
}

static bool same_labels(struct cs_labels a, struct cs_labels b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.labels, b.labels, a.n * sizeof(*a.labels)) == 0);
}

static void *copy(const void *data, size_t size)
{
	return size > 0 ? memcpy(cs_alloc(size), data, size) : NULL;
}

// Takes over the references of `labels`.
static void set_content(struct cs_workloads *all, struct cs_workload *workload,
			struct cs_labels labels, struct cs_slice selector)
{
	drop_content(all, workload);
	workload->labels.labels = copy(labels.labels, labels.n * sizeof(*labels.labels));
	workload->labels.n = labels.n;
	workload->selector = (struct cs_slice){ copy(selector.data, selector.size), selector.size };
	workload->version = ++all->last_version;
	if (is_service(workload) && labels.n > 0)
		enter_bucket(all, workload);
}

static struct cs_workload *create(struct cs_workloads *all, struct cs_slice key)
{
	struct cs_workload *workload = cs_alloc(sizeof(*workload));
	workload->key = (struct cs_slice){ copy(key.data, key.size), key.size };
	cs_list_init(&workload->link);
	cs_intern_ref_id(all->strings, namespace_of(workload));
	cs_map_put(&all->by_name, workload->key, workload);
	return workload;
}

static int check_name(const Kube__ObjectMeta *metadata, struct cs_error *err)
{
	const char *name = metadata ? metadata->name : NULL;
	const char *namespace = metadata ? metadata->namespace_ : NULL;
	if (!name || !*name)
		return cs_error_set(err, -EINVAL, "metadata.name: missing");
	if (!namespace || !*namespace)
		return cs_error_set(err, -EINVAL, "metadata.namespace: missing");
	if (strlen(name) > CS_NAME_MAX)
		return cs_error_set(err, -EINVAL, "metadata.name: longer than %d bytes",
				    CS_NAME_MAX);
	if (strlen(namespace) > CS_NAME_MAX)
		return cs_error_set(err, -EINVAL, "metadata.namespace: longer than %d bytes",
				    CS_NAME_MAX);
	return 0;
}

// What an object of a kind says.
struct source {
	enum cs_workload_kind kind;
	const Kube__ObjectMeta *metadata;
	size_t n_labels; // Service, ReplicationController
	Kube__StringEntry *const *labels;
	const Kube__LabelSelector *selector; // ReplicaSet, StatefulSet; NULL = none
};

// True: its selector is new or another one.
static bool apply(struct cs_workloads *all, struct cs_arena *scratch, const struct source *from)
{
	uint32_t namespace = cs_intern_ref(all->strings, cs_slice_of(from->metadata->namespace_));
	struct name name;
	struct cs_slice key =
		name_of(&name, from->kind, namespace, cs_slice_of(from->metadata->name));
	struct cs_node_label *labels =
		cs_arena_alloc_array(scratch, from->n_labels, sizeof(*labels));
	struct cs_labels now = { labels, cs_node_labels_intern(all->strings, from->labels,
							       from->n_labels, labels) };
	struct cs_slice selector = pack_selector(scratch, from->selector);
	struct cs_workload *workload = cs_map_get(&all->by_name, key);
	bool changed = !workload || !same_labels(workload->labels, now) ||
		       !cs_slice_equal(workload->selector, selector);
	if (changed)
		set_content(all, workload ? workload : create(all, key), now, selector);
	else
		cs_node_labels_unref(all->strings, now.labels, now.n);
	cs_intern_unref(all->strings, namespace);
	return changed;
}

// ---- finding ----

const struct cs_workload *cs_workloads_find(const struct cs_workloads *all,
					    enum cs_workload_kind kind, uint32_t namespace,
					    struct cs_slice text)
{
	struct name name;
	if (text.size > CS_NAME_MAX)
		return NULL;
	return cs_map_get(&all->by_name, name_of(&name, kind, namespace, text));
}

// ---- objects ----

// Owners look at versions: those of Services stand in the namespace, which owners hold.
static void tell_owners(struct cs_cluster *cluster, enum cs_workload_kind kind,
			const char *namespace)
{
	uint32_t id = cs_intern_find(cluster->strings, cs_slice_of(namespace));
	struct cs_namespace *known =
		id != CS_INTERN_NONE ? cs_namespace_find(&cluster->queries.namespaces, id) : NULL;
	if (kind == CS_WORKLOAD_SERVICE && known)
		known->services_version++;
	cs_owners_drop_stale(cluster);
}

static int apply_workload(struct cs_cluster *cluster, const struct source *from, const char *kind,
			  uint32_t *ret_events, struct cs_error *err)
{
	int rc = check_name(from->metadata, err);
	if (rc != 0)
		return cs_error_prefix(err, "%s", kind), rc;
	if (apply(&cluster->workloads, cluster->scratch, from)) {
		*ret_events = CS_EVENT_WORKLOAD;
		tell_owners(cluster, from->kind, from->metadata->namespace_);
	}
	cs_arena_reset(cluster->scratch);
	return 0;
}

static uint32_t remove_workload(struct cs_cluster *cluster, enum cs_workload_kind kind,
				const char *namespace, const char *name)
{
	struct cs_workloads *all = &cluster->workloads;
	uint32_t id = cs_intern_find(all->strings, cs_slice_of(namespace));
	struct cs_workload *workload = (struct cs_workload *)(uintptr_t)cs_workloads_find(
		all, kind, id, cs_slice_of(name));
	if (!workload)
		return 0;
	cs_map_remove(&all->by_name, workload->key);
	drop(all, workload);
	tell_owners(cluster, kind, namespace);
	return CS_EVENT_WORKLOAD;
}

#define MAP_OF(spec) \
	.n_labels = (spec) ? (spec)->n_selector : 0, .labels = (spec) ? (spec)->selector : NULL

int cs_workloads_apply_service(struct cs_cluster *cluster, const ProtobufCMessage *object,
			       uint32_t *ret_events, struct cs_error *err)
{
	const Kube__Service *service = (const void *)object;
	return apply_workload(cluster,
			      &(struct source){
				      .kind = CS_WORKLOAD_SERVICE,
				      .metadata = service->metadata,
				      MAP_OF(service->spec),
			      },
			      "service", ret_events, err);
}

int cs_workloads_apply_replication_controller(struct cs_cluster *cluster,
					      const ProtobufCMessage *object, uint32_t *ret_events,
					      struct cs_error *err)
{
	const Kube__ReplicationController *controller = (const void *)object;
	return apply_workload(cluster,
			      &(struct source){
				      .kind = CS_WORKLOAD_REPLICATION_CONTROLLER,
				      .metadata = controller->metadata,
				      MAP_OF(controller->spec),
			      },
			      "replicationcontroller", ret_events, err);
}

int cs_workloads_apply_replica_set(struct cs_cluster *cluster, const ProtobufCMessage *object,
				   uint32_t *ret_events, struct cs_error *err)
{
	const Kube__ReplicaSet *set = (const void *)object;
	return apply_workload(cluster,
			      &(struct source){
				      .kind = CS_WORKLOAD_REPLICA_SET,
				      .metadata = set->metadata,
				      .selector = set->spec ? set->spec->selector : NULL,
			      },
			      "replicaset", ret_events, err);
}

int cs_workloads_apply_stateful_set(struct cs_cluster *cluster, const ProtobufCMessage *object,
				    uint32_t *ret_events, struct cs_error *err)
{
	const Kube__StatefulSet *set = (const void *)object;
	return apply_workload(cluster,
			      &(struct source){
				      .kind = CS_WORKLOAD_STATEFUL_SET,
				      .metadata = set->metadata,
				      .selector = set->spec ? set->spec->selector : NULL,
			      },
			      "statefulset", ret_events, err);
}

uint32_t cs_workloads_remove_service(struct cs_cluster *cluster, const char *namespace,
				     const char *name)
{
	return remove_workload(cluster, CS_WORKLOAD_SERVICE, namespace, name);
}

uint32_t cs_workloads_remove_replication_controller(struct cs_cluster *cluster,
						    const char *namespace, const char *name)
{
	return remove_workload(cluster, CS_WORKLOAD_REPLICATION_CONTROLLER, namespace, name);
}

uint32_t cs_workloads_remove_replica_set(struct cs_cluster *cluster, const char *namespace,
					 const char *name)
{
	return remove_workload(cluster, CS_WORKLOAD_REPLICA_SET, namespace, name);
}

uint32_t cs_workloads_remove_stateful_set(struct cs_cluster *cluster, const char *namespace,
					  const char *name)
{
	return remove_workload(cluster, CS_WORKLOAD_STATEFUL_SET, namespace, name);
}

// ---- the self-check ----

static bool is_found(const struct cs_workloads *all, const struct cs_workload *service)
{
	for (uint32_t i = 0; i < service->labels.n; i++) {
		const struct cs_node_label *label = &service->labels.labels[i];
		uint32_t key[3] = { namespace_of(service), label->key, label->value };
		if (cs_map_get(&all->buckets, bucket_key(key)) == service->bucket)
			return service->bucket;
	}
	return service->labels.n == 0 && !service->bucket;
}

int cs_workloads_check(const struct cs_workloads *all, struct cs_error *err)
{
	size_t at = 0;
	uint64_t n_services = 0, n_entered = 0;
	const struct cs_workload *workload;
	while ((workload = cs_map_next(&all->by_name, &at))) {
		if (is_service(workload) ? !is_found(all, workload) : workload->bucket != NULL)
			return cs_error_set(err, -EUCLEAN, "a Service is in the wrong bucket");
		n_services += workload->bucket != NULL;
	}
	at = 0;
	const struct cs_bucket *bucket;
	while ((bucket = cs_map_next(&all->buckets, &at)))
		n_entered += bucket->n;
	if (n_services != n_entered)
		return cs_error_set(err, -EUCLEAN, "Services are counted wrong");
	return 0;
}
