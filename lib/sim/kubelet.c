// Kubelets that only pretend: bound pods run, terminating pods end, nodes stay ready.
// Neighbours: sim.c's thread calls this when a timer is due.
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

#define BEAT_INTERVAL   (10 * CS_SECOND)
#define LEASE_NAMESPACE "kube-node-lease"

static void add_pod_timer(struct cs_sim *sim, const struct sim_version *pod,
			  enum sim_timer_kind kind, int64_t delay)
{
	struct sim_timer timer = { .kind = kind,
				   .due = sim_now(sim).boot + delay,
				   .key = cs_strdup(pod->key) };
	const char *uid = cs_value_string_at(pod->tree, "metadata.uid");
	(void)snprintf(timer.uid, sizeof(timer.uid), "%s", uid ? uid : "");
	sim_timer_add(sim, timer);
}

static bool on_node(const struct cs_sim *sim, struct json_object *tree)
{
	const char *node = cs_value_string_at(tree, "spec.nodeName");
	struct cs_sim *mutable_sim = (struct cs_sim *)(uintptr_t)sim;
	return node && *node && sim_store_find(sim_store_at(&mutable_sim->store, SIM_NODES), node);
}

void sim_kubelet_observe(struct cs_sim *sim, struct sim_collection *collection,
			 const struct sim_change *change)
{
	if (sim->kubelet_delay < 0 || collection->resource != &sim_resources[SIM_PODS] ||
	    change->type == SIM_DELETED)
		return;
	struct json_object *tree = change->now->tree;
	const char *node = cs_value_string_at(tree, "spec.nodeName");
	const char *before =
		change->before ? cs_value_string_at(change->before->tree, "spec.nodeName") : NULL;
	bool dying = cs_value_at(tree, "metadata.deletionTimestamp");
	bool was_dying =
		change->before && cs_value_at(change->before->tree, "metadata.deletionTimestamp");
	if (node && *node && !(before && *before))
		add_pod_timer(sim, change->now, SIM_TIMER_POD_START, sim->kubelet_delay);
	if (dying && !was_dying) {
		int64_t grace = cs_tree_int(cs_tree_get(tree, "metadata"),
					    "deletionGracePeriodSeconds", 0) *
				CS_SECOND;
		add_pod_timer(sim, change->now, SIM_TIMER_POD_END,
			      grace < sim->kubelet_delay ? grace : sim->kubelet_delay);
	}
}

// The pod a timer means, if it is still that one.
static struct sim_object *pod_of(struct cs_sim *sim, const struct sim_timer *timer)
{
	struct sim_object *pod = sim_store_find(sim_store_at(&sim->store, SIM_PODS), timer->key);
	if (!pod ||
	    !cs_string_equal(cs_value_string_at(pod->now->tree, "metadata.uid"), timer->uid))
		return NULL;
	return pod;
}

// ---- running ----

static void add_container_statuses(struct json_object *spec, struct json_object *status,
				   const char *now)
{
	struct json_object *containers = cs_tree_get(spec, "containers");
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < cs_tree_length(spec, "containers"); i++) {
		struct json_object *container = json_object_array_get_idx(containers, i);
		struct json_object *one = json_object_new_object();
		static const char *const copied[] = { "name", "image" };
		for (size_t k = 0; k < CS_ARRAY_LENGTH(copied); k++) {
			const char *value = cs_tree_string(container, copied[k]);
			cs_tree_set_string(one, copied[k], value ? value : "");
		}
		cs_tree_set_string(one, "imageID", "");
		cs_tree_set_string(one, "containerID", "");
		cs_tree_set_bool(one, "ready", true);
		cs_tree_set_bool(one, "started", true);
		cs_tree_set_int(one, "restartCount", 0);
		cs_tree_set_string(cs_tree_own(cs_tree_own(one, "state"), "running"), "startedAt",
				   now);
		json_object_array_add(list, one);
	}
	cs_tree_set(status, "containerStatuses", list);
}

static void add_addresses(struct cs_sim *sim, struct json_object *tree, struct json_object *status)
{
	const char *node_name = cs_value_string_at(tree, "spec.nodeName");
	struct sim_object *node = sim_store_find(sim_store_at(&sim->store, SIM_NODES), node_name);
	struct json_object *addresses = cs_value_at(node->now->tree, "status.addresses");
	const char *host = NULL;
	if (json_object_is_type(addresses, json_type_array) && json_object_array_length(addresses))
		host = cs_tree_string(json_object_array_get_idx(addresses, 0), "address");
	if (host)
		cs_tree_set_string(status, "hostIP", host);
	uint32_t n = ++sim->next_pod_ip;
	char ip[32];
	(void)snprintf(ip, sizeof(ip), "10.%u.%u.%u", 128 + (n >> 16 & 0x7f), n >> 8 & 0xff,
		       n & 0xff);
	cs_tree_set_string(status, "podIP", ip);
	struct json_object *entry = json_object_new_object();
	cs_tree_set_string(entry, "ip", ip);
	struct json_object *ips = json_object_new_array();
	json_object_array_add(ips, entry);
	cs_tree_set(status, "podIPs", ips);
}

void sim_kubelet_start(struct cs_sim *sim, const struct sim_timer *timer)
{
	struct sim_object *pod = pod_of(sim, timer);
	if (!pod || !on_node(sim, pod->now->tree) ||
	    cs_value_at(pod->now->tree, "metadata.deletionTimestamp") ||
	    !cs_string_equal(cs_value_string_at(pod->now->tree, "status.phase"), "Pending"))
		return;
	static const char *const conditions[] = { "PodReadyToStartContainers", "Initialized",
						  "Ready", "ContainersReady" };
	char now[CS_TIMESTAMP_SIZE];
	(void)sim_timestamp(sim, now);
	struct json_object *tree = cs_tree_copy(pod->now->tree);
	cs_tree_own(tree, "metadata");
	struct json_object *status = cs_tree_own(tree, "status");
	cs_tree_set_string(status, "phase", "Running");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(conditions); i++)
		sim_set_condition(
			sim, status,
			&(struct sim_condition){ .type = conditions[i], .status = "True" });
	cs_tree_set_string(status, "startTime", now);
	add_addresses(sim, tree, status);
	add_container_statuses(cs_tree_get(tree, "spec"), status, now);
	(void)sim_store_put(pod->now->collection, pod->now->key, tree);
}

void sim_kubelet_end(struct cs_sim *sim, const struct sim_timer *timer)
{
	struct sim_object *pod = pod_of(sim, timer);
	if (!pod || !cs_value_at(pod->now->tree, "metadata.deletionTimestamp"))
		return;
	struct sim_delete_options options = { .grace = 0 };
	struct sim_status ignored;
	struct sim_deletion deletion;
	if (sim_object_delete(sim, pod, &options, &deletion, &ignored) == 0)
		sim_version_unref(deletion.last);
}

// ---- heartbeats ----

static void renew_lease(struct cs_sim *sim, const struct sim_object *node)
{
	struct sim_collection *leases = sim_store_at(&sim->store, SIM_LEASES);
	const char *name = node->now->key;
	char key[SIM_KEY_MAX];
	char now[CS_TIMESTAMP_SIZE];
	(void)cs_timestamp_micro(sim_now(sim).wall, now);
	struct sim_object *lease = sim_store_find(leases, sim_key(LEASE_NAMESPACE, name, key));
	CS_AUTO_VALUE struct json_object *tree =
		lease ? cs_tree_copy(lease->now->tree) : json_object_new_object();
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	struct json_object *spec = cs_tree_own(tree, "spec");
	cs_tree_set_string(spec, "holderIdentity", name);
	cs_tree_set_int(spec, "leaseDurationSeconds", 40);
	cs_tree_set_string(spec, "renewTime", now);
	if (lease) {
		(void)sim_store_put(leases, key, json_object_get(tree));
		return;
	}
	cs_tree_set_string(tree, "kind", "Lease");
	cs_tree_set_string(tree, "apiVersion", "coordination.k8s.io/v1");
	cs_tree_set_string(metadata, "name", name);
	struct sim_write write = {
		.sim = sim, .resource = leases->resource, .namespace_ = LEASE_NAMESPACE, .name = ""
	};
	struct sim_object *created;
	struct sim_status ignored;
	(void)sim_object_create(&write, tree, &created, &ignored);
}

void sim_kubelet_beat(struct cs_sim *sim)
{
	for (struct sim_object *node = sim_store_seek(sim_store_at(&sim->store, SIM_NODES), "");
	     node; node = sim_store_next(node))
		renew_lease(sim, node);
	sim_timer_add(sim, (struct sim_timer){ .kind = SIM_TIMER_NODE_BEAT,
					       .due = sim_now(sim).boot + BEAT_INTERVAL });
}
