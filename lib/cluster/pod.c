// A pod as the API server has it, and every change of its state. Neighbours: cluster.h promises,
// demand.c and pod_requests.c read what it asks, nodes.c counts it.
#include <csched/base/memory.h>
#include <csched/kube/timestamp.h>
#include <errno.h>
#include <string.h>

#include "cluster_internal.h"
#include "pod_affinity.h"
#include "pod_requests.h"
#include "spread.h"

#define DEFAULT_SCHEDULER "default-scheduler"

// What an API object asks and takes, with references held until it is committed or dropped.
struct reading {
	struct cs_footprint *footprint;
	struct cs_demand *demand; // NULL where the pod has a node
	struct cs_label_set *labels;
	struct cs_owner *owner; // NULL where the pod has a node
	const char *field;      // the first that could not be read; in scratch
};

// ---- counting ----

// Who asks for pods by label, or is asked by theirs.
static void count_in_queries(struct cs_cluster *cluster, const struct cs_pod *pod, int32_t by)
{
	struct cs_row_change change = {
		.row = pod->row,
		.live = pod->terminating ? 0 : by,
		.terminating = pod->terminating ? by : 0,
	};
	cs_label_set_count(&cluster->queries, pod->labels, change);
	for (uint32_t i = 0; i < pod->footprint->n_carried; i++)
		cs_carried_count(cluster, pod->footprint->carried[i], change);
}

// Puts the pod on a row, or takes it off. The state is the caller's to set.
static void count_pod(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row)
{
	pod->row = row;
	cs_nodes_count_pod(&cluster->nodes, row, &pod->footprint->requests);
	cs_ports_count(&cluster->ports, row, pod->footprint->ports, pod->footprint->n_ports);
	count_in_queries(cluster, pod, 1);
	cs_loads_refresh_row(&cluster->loads, row);
}

static void discount_pod(struct cs_cluster *cluster, struct cs_pod *pod)
{
	cs_nodes_discount_pod(&cluster->nodes, pod->row, &pod->footprint->requests);
	cs_ports_discount(&cluster->ports, pod->row, pod->footprint->ports,
			  pod->footprint->n_ports);
	count_in_queries(cluster, pod, -1);
	cs_loads_refresh_row(&cluster->loads, pod->row);
	cs_nodes_release(&cluster->nodes, pod->row);
	pod->row = CS_ROW_NONE;
}

// ---- reading ----

static const char *node_of(const Kube__Pod *pod)
{
	const char *name = pod->spec ? pod->spec->node_name : NULL;
	return name && *name ? name : NULL;
}

static const struct cs_unsupported *find_unsupported(const Kube__Pod *pod)
{
	for (const struct cs_unsupported *row = cs_unsupported_fields; row->field; row++)
		if (row->asked(pod))
			return row;
	return NULL;
}

static void read_spread(struct cs_cluster *cluster, struct cs_pod_requests_reader *reader,
			const Kube__Pod *pod, struct cs_spread_parts *ret)
{
	const char *field;
	struct cs_error why;
	if (cs_spread_read(cluster, pod, ret, &field, &why) == 0 || reader->field)
		return;
	cs_error_set(reader->err, -EINVAL, "%s", why.text);
	reader->field = field;
}

static struct cs_demand *read_demand(struct cs_cluster *cluster,
				     struct cs_pod_requests_reader *reader, const Kube__Pod *pod)
{
	struct cs_demand_parts parts = { 0 };
	cs_pod_requests_read(reader, pod, CS_POD_REQUESTS_ASKED, &parts.requests);
	cs_node_asks_read(cluster, pod, &parts.asks);
	if (pod->spec) {
		parts.toleration_set =
			cs_toleration_set_ref(&cluster->taints, cluster->scratch,
					      pod->spec->tolerations, pod->spec->n_tolerations);
		const struct cs_unsupported *lacking = find_unsupported(pod);
		if (lacking) {
			parts.unsupported_field = lacking->field;
			parts.unsupported_feature = lacking->feature;
		}
	}
	cs_pod_affinity_read_asked(cluster, pod, &parts.affinity);
	read_spread(cluster, reader, pod, &parts.spread);
	cs_peers_read(cluster, pod->metadata, &parts.peers);
	if (reader->field) {
		parts.unsupported_field = reader->field;
		parts.unsupported_feature = NULL;
	}
	return cs_demand_ref(&cluster->demands, cluster->scratch, &parts);
}

// Reads what it can. -EINVAL: something could not be read; `err` and ret->field say what.
static int read_pod(struct cs_cluster *cluster, const Kube__Pod *pod, struct reading *ret,
		    struct cs_error *err)
{
	struct cs_pod_requests_reader reader = { &cluster->nodes, cluster->scratch, NULL, err };
	struct cs_footprint footprint = { 0 };
	cs_pod_requests_read(&reader, pod, CS_POD_REQUESTS_TAKEN, &footprint.requests);
	cs_pod_affinity_read_carried(cluster, pod, &footprint);
	if (pod->spec)
		footprint.n_ports = cs_ports_read(cluster->strings, cluster->scratch, pod->spec,
						  &footprint.ports);
	*ret = (struct reading){ 0 };
	ret->footprint = cs_footprint_ref(&cluster->demands, cluster->scratch, &footprint);
	ret->labels = cs_label_set_ref(&cluster->queries, cluster->scratch, pod->metadata);
	if (!node_of(pod)) {
		ret->demand = read_demand(cluster, &reader, pod);
		ret->owner = cs_owner_ref(&cluster->owners, cluster->scratch, ret->labels,
					  pod->metadata);
	}
	ret->field = reader.field;
	if (!reader.field)
		return 0;
	cs_error_prefix(err, "pod %s/%s", pod->metadata->namespace_, pod->metadata->name);
	return -EINVAL;
}

static void drop_labels(struct cs_cluster *cluster, struct cs_label_set *labels)
{
	cs_label_set_unref(&cluster->queries, labels);
	cs_carried_terms_ask_again(&cluster->carried); // the set may be gone
}

static void drop_owner(struct cs_cluster *cluster, struct cs_owner *owner)
{
	cs_owner_unref(&cluster->owners, owner);
	cs_carried_terms_ask_again(&cluster->carried); // so may be the set of an idle owner
}

static void drop_reading(struct cs_cluster *cluster, struct reading *reading)
{
	cs_footprint_unref(&cluster->demands, reading->footprint);
	cs_demand_unref(&cluster->demands, reading->demand);
	drop_owner(cluster, reading->owner);
	drop_labels(cluster, reading->labels);
}

static int check_identity(const Kube__Pod *pod, struct cs_error *err)
{
	static const char *const names[] = { "uid", "name", "namespace" };
	const Kube__ObjectMeta *metadata = pod->metadata;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		const char *values[] = { metadata ? metadata->uid : NULL,
					 metadata ? metadata->name : NULL,
					 metadata ? metadata->namespace_ : NULL };
		if (!values[i] || !*values[i])
			return cs_error_set(err, -EINVAL, "pod: metadata.%s: missing", names[i]);
		if (strlen(values[i]) > CS_NAME_MAX)
			return cs_error_set(err, -EINVAL, "pod: metadata.%s: longer than %d bytes",
					    names[i], CS_NAME_MAX);
	}
	const char *node = node_of(pod);
	if (node && strlen(node) > CS_NAME_MAX)
		return cs_error_set(err, -EINVAL, "pod %s/%s: spec.nodeName: longer than %d bytes",
				    metadata->namespace_, metadata->name, CS_NAME_MAX);
	return 0;
}

// ---- the pod's own fields ----

static struct cs_pod *create_pod(struct cs_cluster *cluster, const Kube__ObjectMeta *metadata)
{
	struct cs_pod *pod = cs_alloc(sizeof(*pod));
	size_t uid = strlen(metadata->uid) + 1;
	size_t namespace = strlen(metadata->namespace_) + 1;
	size_t name = strlen(metadata->name) + 1;
	char *block = cs_alloc(uid + namespace + name);
	pod->uid = memcpy(block, metadata->uid, uid);
	pod->namespace = memcpy(block + uid, metadata->namespace_, namespace);
	pod->name = memcpy(block + uid + namespace, metadata->name, name);
	pod->row = CS_ROW_NONE;
	pod->created = cs_timestamp_of(metadata->creation_timestamp);
	cs_uses_enter(&cluster->uses, pod);
	cs_map_put(&cluster->pods, cs_slice_of(pod->uid), pod);
	return pod;
}

// What only an unbound pod needs: demand, gates, condition, pin.
static void drop_asked(struct cs_cluster *cluster, struct cs_pod *pod)
{
	cs_demand_unref(&cluster->demands, pod->demand);
	drop_owner(cluster, pod->owner);
	cs_intern_unref(cluster->strings, pod->pinned_node);
	cs_nominations_forget(cluster, pod);
	free(pod->gates);
	free(pod->condition_reason);
	free(pod->condition_message);
	pod->demand = NULL;
	pod->owner = NULL;
	pod->pinned_node = CS_INTERN_NONE;
	pod->gated = false;
	pod->gates = NULL;
	pod->condition_reason = NULL;
	pod->condition_message = NULL;
}

static void free_pod(struct cs_cluster *cluster, struct cs_pod *pod)
{
	cs_map_remove(&cluster->pods, cs_slice_of(pod->uid));
	cs_cluster_unreserve(cluster, pod->uid);
	cs_uses_remove(&cluster->uses, pod);
	cs_use_unref(&cluster->uses, pod->use);
	drop_asked(cluster, pod);
	drop_labels(cluster, pod->labels);
	cs_footprint_unref(&cluster->demands, pod->footprint);
	cs_intern_unref(cluster->strings, pod->scheduler_name);
	free(pod->resource_version);
	free((char *)(uintptr_t)pod->uid);
	free(pod);
}

bool cs_cluster_pod_is(struct cs_cluster *cluster, const struct cs_pod *pod,
		       const Kube__ObjectMeta *metadata)
{
	if (!cs_string_equal(pod->namespace, metadata->namespace_) ||
	    !cs_string_equal(pod->name, metadata->name) ||
	    pod->created != cs_timestamp_of(metadata->creation_timestamp))
		return false;
	struct cs_use *use = cs_use_ref(&cluster->uses, cluster->scratch, metadata);
	bool same = use == pod->use;
	cs_use_unref(&cluster->uses, use);
	cs_arena_reset(cluster->scratch);
	return same;
}

// "a b"
static char *join_gates(const Kube__PodSpec *spec)
{
	size_t size = 1;
	for (size_t i = 0; i < spec->n_scheduling_gates; i++)
		size += cs_slice_of(spec->scheduling_gates[i]->name).size + 1;
	char *joined = cs_alloc(size);
	char *at = joined;
	for (size_t i = 0; i < spec->n_scheduling_gates; i++) {
		struct cs_slice name = cs_slice_of(spec->scheduling_gates[i]->name);
		if (i > 0)
			*at++ = ' ';
		if (name.size > 0)
			memcpy(at, name.data, name.size);
		at += name.size;
	}
	return joined;
}

static void replace_string(char **kept, const char *now)
{
	if (*kept && now && strcmp(*kept, now) == 0)
		return;
	free(*kept);
	*kept = now ? cs_strdup(now) : NULL;
}

static void set_condition(struct cs_pod *pod, const Kube__PodStatus *status)
{
	const Kube__PodCondition *found = NULL;
	for (size_t i = 0; status && i < status->n_conditions; i++)
		if (cs_string_equal(status->conditions[i]->type, "PodScheduled"))
			found = status->conditions[i];
	replace_string(&pod->condition_reason, found ? found->reason : NULL);
	replace_string(&pod->condition_message, found ? found->message : NULL);
}

static uint32_t intern_text(struct cs_cluster *cluster, const char *text)
{
	return text && *text ? cs_intern_ref(cluster->strings, cs_slice_of(text)) : CS_INTERN_NONE;
}

// What has no part in any sum and is the same for pods in every state.
static void set_common(struct cs_cluster *cluster, struct cs_pod *pod, const Kube__Pod *from)
{
	const Kube__PodSpec *spec = from->spec;
	uint32_t before = pod->scheduler_name;
	const char *scheduler = spec ? spec->scheduler_name : NULL;
	pod->scheduler_name =
		intern_text(cluster, scheduler && *scheduler ? scheduler : DEFAULT_SCHEDULER);
	cs_intern_unref(cluster->strings, before);
	pod->priority = spec && spec->has_priority ? spec->priority : 0;
	pod->generation = from->metadata->generation;
	replace_string(&pod->resource_version, from->metadata->resource_version);
}

// ---- states ----

// What the pod counts as now, where it stands.
static void set_counted(struct cs_cluster *cluster, struct cs_pod *pod, const Kube__Pod *from,
			const struct reading *reading)
{
	struct cs_pod before = *pod;
	pod->footprint = reading->footprint;
	pod->labels = reading->labels;
	pod->terminating = from->metadata->deletion_timestamp;
	if (cs_pod_is_counted(pod) &&
	    (before.footprint != pod->footprint || before.labels != pod->labels ||
	     before.terminating != pod->terminating)) {
		struct cs_pod moved = before;
		// Counted first, so that a ghost row is not freed in between.
		count_pod(cluster, pod, before.row);
		discount_pod(cluster, &moved);
	}
	cs_footprint_unref(&cluster->demands, before.footprint);
	drop_labels(cluster, before.labels);
}

static void change_state(struct cs_cluster *cluster, struct cs_pod *pod, enum cs_pod_state state)
{
	cluster->n_assumed -= pod->state == CS_POD_ASSUMED;
	cluster->n_assumed += state == CS_POD_ASSUMED;
	pod->state = state;
}

// When the pod was given its node, as it says itself: a restart finds it so.
static int64_t placed_at(const Kube__Pod *from)
{
	const Kube__PodStatus *status = from->status;
	for (size_t i = 0; status && i < status->n_conditions; i++) {
		const Kube__PodCondition *condition = status->conditions[i];
		if (!cs_string_equal(condition->type, "PodScheduled") ||
		    !cs_string_equal(condition->status, "True"))
			continue;
		int64_t at = cs_timestamp_of(condition->last_transition_time);
		if (at > 0)
			return at;
	}
	return cs_timestamp_of(from->metadata->creation_timestamp);
}

// The API server says that the pod is on that node; `since` then. Returns events.
static uint32_t become_bound(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name,
			     int64_t since)
{
	uint32_t row = cs_nodes_row_for(&cluster->nodes, node_name);
	uint32_t events = pod->state == CS_POD_BOUND ? 0 : CS_EVENT_POD_ADD;
	if (!cs_pod_is_counted(pod)) {
		count_pod(cluster, pod, row);
		cs_loads_come(cluster, pod, since);
	} else if (pod->row != row) {
		cs_loads_forget(cluster, pod);
		discount_pod(cluster, pod);
		count_pod(cluster, pod, row);
		cs_loads_come(cluster, pod, since);
		events |= CS_EVENT_POD_ADD | CS_EVENT_POD_DELETE;
	}
	change_state(cluster, pod, CS_POD_BOUND);
	cs_uses_enter(&cluster->uses, pod);
	drop_asked(cluster, pod);
	return events;
}

static void commit_bound(struct cs_cluster *cluster, struct cs_pod *pod, const Kube__Pod *from,
			 struct reading *reading, struct cs_pod_change *ret)
{
	bool was_bound = pod->state == CS_POD_BOUND;
	if (was_bound &&
	    cs_pod_requests_fell(&pod->footprint->requests, &reading->footprint->requests))
		ret->events |= CS_EVENT_POD_SCALE_DOWN;
	if (was_bound && pod->labels != reading->labels)
		ret->events |= CS_EVENT_POD_LABEL;
	set_counted(cluster, pod, from, reading);
	ret->events |= become_bound(cluster, pod, node_of(from), placed_at(from));
	ret->became_bound = !was_bound && !ret->added;
}

static uint32_t compare_demands(const struct cs_demand *before, const struct cs_demand *now)
{
	uint32_t events = 0;
	if (before->toleration_set != now->toleration_set)
		events |= CS_EVENT_POD_TOLERATION;
	if (cs_pod_requests_fell(&before->requests, &now->requests))
		events |= CS_EVENT_POD_SCALE_DOWN;
	return events;
}

static void commit_unbound(struct cs_cluster *cluster, struct cs_pod *pod, const Kube__Pod *from,
			   struct reading *reading, struct cs_pod_change *ret)
{
	struct cs_pod before = *pod;
	pod->demand = reading->demand;
	pod->owner = reading->owner;
	pod->pinned_node = intern_text(cluster, cs_node_asks_pin(from));
	pod->gated = from->spec && from->spec->n_scheduling_gates > 0;
	pod->gates = pod->gated ? join_gates(from->spec) : NULL;
	set_condition(pod, from->status);
	cs_nominations_told(cluster, pod, from->status ? from->status->nominated_node_name : NULL,
			    pod->state == CS_POD_UNBOUND);
	set_counted(cluster, pod, from, reading);
	if (ret->added)
		return;
	ret->events = compare_demands(before.demand, pod->demand);
	if (before.gated && !pod->gated)
		ret->events |= CS_EVENT_POD_GATES_ELIMINATED;
	if (before.labels != pod->labels)
		ret->events |= CS_EVENT_POD_LABEL;
	ret->demand_changed = before.demand != pod->demand || before.labels != pod->labels ||
			      before.pinned_node != pod->pinned_node ||
			      !cs_string_equal(before.gates, pod->gates);
	cs_demand_unref(&cluster->demands, before.demand);
	drop_owner(cluster, before.owner);
	cs_intern_unref(cluster->strings, before.pinned_node);
	free(before.gates);
}

// Its workload and what it says of itself, which may have changed. What the pod is expected to use
// while it is in flight stays as it was.
static bool set_use(struct cs_cluster *cluster, struct cs_pod *pod,
		    const Kube__ObjectMeta *metadata)
{
	struct cs_use *before = pod->use;
	pod->use = cs_use_ref(&cluster->uses, cluster->scratch, metadata);
	cs_use_unref(&cluster->uses, before);
	return pod->use != before;
}

static void commit(struct cs_cluster *cluster, const Kube__Pod *from, struct reading *reading,
		   struct cs_pod_change *ret)
{
	if (!ret->pod) {
		ret->pod = create_pod(cluster, from->metadata);
		ret->added = true;
	}
	bool other_use = set_use(cluster, ret->pod, from->metadata) && !ret->added;
	if (node_of(from))
		commit_bound(cluster, ret->pod, from, reading, ret);
	else
		commit_unbound(cluster, ret->pod, from, reading, ret);
	ret->demand_changed |= other_use && !node_of(from);
	set_common(cluster, ret->pod, from);
}

bool cs_cluster_pod_ended(const Kube__Pod *pod)
{
	const char *phase = pod->status ? pod->status->phase : NULL;
	return cs_string_equal(phase, "Succeeded") || cs_string_equal(phase, "Failed");
}

// An object that tells a known pod nothing new: the same version, or a picture from before it was
// bound.
static bool is_old_news(const struct cs_pod *pod, const Kube__Pod *from)
{
	const char *version = from->metadata->resource_version;
	return (version && *version && cs_string_equal(version, pod->resource_version)) ||
	       (pod->state == CS_POD_BOUND && !node_of(from));
}

int cs_cluster_apply_pod(struct cs_cluster *cluster, const Kube__Pod *from,
			 struct cs_pod_change *ret, struct cs_error *err)
{
	*ret = (struct cs_pod_change){ 0 };
	int rc = check_identity(from, err);
	if (rc != 0)
		return rc;
	struct cs_pod *known = cs_cluster_find_pod(cluster, from->metadata->uid);
	if (cs_cluster_pod_ended(from)) {
		if (known)
			ret->events = cs_cluster_remove_pod(cluster, known);
		return 0;
	}
	ret->pod = known;
	if (known && is_old_news(known, from))
		return 0;
	struct reading reading;
	rc = read_pod(cluster, from, &reading, err);
	bool newly_bound = node_of(from) && !(known && known->state == CS_POD_BOUND);
	if (rc != 0 && known && !newly_bound)
		drop_reading(cluster, &reading);
	else
		commit(cluster, from, &reading, ret);
	cs_arena_reset(cluster->scratch);
	return rc;
}

uint32_t cs_cluster_remove_pod(struct cs_cluster *cluster, struct cs_pod *pod)
{
	uint32_t events = 0;
	if (cs_pod_is_counted(pod)) {
		if (pod->state == CS_POD_BOUND)
			cs_loads_leave(cluster, pod);
		cs_loads_forget(cluster, pod);
		discount_pod(cluster, pod);
		events = CS_EVENT_POD_DELETE;
	}
	change_state(cluster, pod, CS_POD_UNBOUND);
	free_pod(cluster, pod);
	return events;
}

void cs_cluster_assume(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row)
{
	cs_cluster_nominate(cluster, pod, NULL);
	count_pod(cluster, pod, row);
	cs_loads_come(cluster, pod, cluster->loads.now);
	change_state(cluster, pod, CS_POD_ASSUMED);
}

void cs_cluster_forget(struct cs_cluster *cluster, struct cs_pod *pod)
{
	cs_loads_forget(cluster, pod);
	discount_pod(cluster, pod);
	change_state(cluster, pod, CS_POD_UNBOUND);
}

void cs_cluster_suppose(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row)
{
	count_pod(cluster, pod, row);
}

void cs_cluster_unsuppose(struct cs_cluster *cluster, struct cs_pod *pod)
{
	discount_pod(cluster, pod);
}

uint32_t cs_cluster_suppose_gone(struct cs_cluster *cluster, struct cs_pod *pod)
{
	uint32_t row = pod->row;
	cs_loads_suppose(cluster, pod, row, -1);
	discount_pod(cluster, pod);
	cluster->gone_from = row;
	cluster->n_gone++;
	return row;
}

void cs_cluster_put_back(struct cs_cluster *cluster, struct cs_pod *pod, uint32_t row)
{
	count_pod(cluster, pod, row);
	cs_loads_suppose(cluster, pod, row, 1);
	cluster->n_gone--;
}

uint32_t cs_cluster_supposed_gone(const struct cs_cluster *cluster, uint32_t row)
{
	return row == cluster->gone_from ? cluster->n_gone : 0;
}

// ---- what a pod asked ----

void cs_cluster_keep_asked(struct cs_cluster *cluster, const struct cs_pod *pod,
			   struct cs_asked *ret)
{
	cs_demand_keep(pod->demand);
	cs_owner_keep(pod->owner);
	cluster->n_asked += cs_demand_count_asked(pod->demand, 1) == 1;
	cluster->n_asked += pod->owner->kept == 1;
	if (pod->pinned_node != CS_INTERN_NONE)
		cs_intern_ref_id(cluster->strings, pod->pinned_node);
	*ret = (struct cs_asked){ pod->demand, pod->owner, pod->pinned_node };
}

void cs_cluster_release_asked(struct cs_cluster *cluster, struct cs_asked *asked)
{
	if (!asked->demand)
		return;
	cluster->n_asked -= cs_demand_count_asked(asked->demand, -1) == 0;
	cluster->n_asked -= asked->owner->kept == 1;
	cs_demand_release(&cluster->demands, asked->demand);
	if (cs_owner_release(&cluster->owners, asked->owner))
		cs_carried_terms_ask_again(&cluster->carried);
	cs_intern_unref(cluster->strings, asked->pinned_node);
	*asked = (struct cs_asked){ 0 };
}

uint32_t cs_cluster_count_asked(const struct cs_cluster *cluster)
{
	return cluster->n_asked;
}

uint32_t cs_cluster_suppose_unbound(struct cs_cluster *cluster, struct cs_pod *pod,
				    const struct cs_asked *asked, struct cs_pod *ret)
{
	uint32_t row = cs_cluster_suppose_gone(cluster, pod);
	*ret = *pod;
	ret->state = CS_POD_UNBOUND;
	ret->row = CS_ROW_NONE;
	ret->demand = asked->demand;
	ret->owner = asked->owner;
	ret->pinned_node = asked->pinned_node;
	return row;
}

void cs_cluster_confirm(struct cs_cluster *cluster, struct cs_pod *pod, const char *node_name)
{
	become_bound(cluster, pod, node_name, cluster->loads.now);
}
