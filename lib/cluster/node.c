// A node as the API server has it, put into the table. Neighbours: nodes.c holds the columns.
// Everything is read before anything is changed, so that a broken object changes nothing.
#include <csched/base/memory.h>
#include <errno.h>
#include <string.h>

#include "cluster_internal.h"
#include "pod_requests.h"

// A node read, with references held on columns, labels and taint set.
struct reading {
	const char *name;
	struct cs_pod_requests allocatable;
	int64_t max_pods;
	uint32_t taint_set;
	struct cs_node_label *labels; // in scratch
	uint32_t n_labels;
	bool unschedulable;
	uint64_t conditions;
	uint64_t annotations;
	uint32_t features;
	uint64_t features_hash;
	const Kube__NodeStatus *status; // for the images; NULL = the node goes
};

// ---- reading ----

static int read_name(const Kube__Node *node, const char **ret, struct cs_error *err)
{
	const char *name = node->metadata ? node->metadata->name : NULL;
	if (!name || !*name)
		return cs_error_set(err, -EINVAL, "node: metadata.name: missing");
	if (strlen(name) > CS_NAME_MAX)
		return cs_error_set(err, -EINVAL, "node: metadata.name: longer than %d bytes",
				    CS_NAME_MAX);
	*ret = name;
	return 0;
}

// Missing allocatable is capacity, as the API server defaults it.
static int read_allocatable(struct cs_cluster *cluster, const Kube__Node *node,
			    struct reading *reading, struct cs_error *err)
{
	const Kube__NodeStatus *status = node->status;
	if (!status)
		return 0;
	bool own = status->n_allocatable > 0;
	struct cs_pod_requests_reader reader = { &cluster->nodes, cluster->scratch, NULL, err };
	reading->max_pods = cs_pod_requests_read_list(
		&reader, own ? "status.allocatable" : "status.capacity",
		own ? status->allocatable : status->capacity,
		own ? status->n_allocatable : status->n_capacity, &reading->allocatable);
	if (!reader.field)
		return 0;
	cs_pod_requests_unref(&cluster->nodes, &reading->allocatable);
	cs_error_prefix(err, "node %s", reading->name);
	return -EINVAL;
}

// Hashes of sets: the order of the entries does not matter.
static uint64_t hash_pair(const char *a, const char *b)
{
	a = a ? a : "";
	b = b ? b : "";
	return cs_hash(b, strlen(b), cs_hash(a, strlen(a), 0));
}

static uint64_t hash_conditions(const Kube__NodeStatus *status)
{
	uint64_t sum = 0;
	for (size_t i = 0; status && i < status->n_conditions; i++)
		sum += hash_pair(status->conditions[i]->type, status->conditions[i]->status);
	return sum;
}

static uint64_t hash_annotations(const Kube__ObjectMeta *metadata)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < metadata->n_annotations; i++)
		sum += hash_pair(metadata->annotations[i]->key, metadata->annotations[i]->value);
	return sum;
}

// Their order matters, as upstream compares them.
static uint64_t hash_features(const Kube__NodeStatus *status)
{
	uint64_t hash = 0;
	for (size_t i = 0; status && i < status->n_declared_features; i++)
		hash = cs_hash(status->declared_features[i],
			       strlen(status->declared_features[i]) + 1, hash);
	return hash;
}

static int read_node(struct cs_cluster *cluster, const Kube__Node *node, struct reading *reading,
		     struct cs_error *err)
{
	int rc = read_name(node, &reading->name, err);
	if (rc == 0)
		rc = read_allocatable(cluster, node, reading, err);
	if (rc != 0)
		return rc;
	const Kube__ObjectMeta *metadata = node->metadata;
	reading->labels = cs_arena_alloc_array(cluster->scratch, metadata->n_labels,
					       sizeof(*reading->labels));
	reading->n_labels = cs_node_labels_intern(cluster->strings, metadata->labels,
						  metadata->n_labels, reading->labels);
	if (node->spec) {
		reading->unschedulable = node->spec->unschedulable;
		reading->taint_set = cs_taint_set_ref(&cluster->taints, cluster->scratch,
						      node->spec->taints, node->spec->n_taints);
	}
	reading->conditions = hash_conditions(node->status);
	reading->annotations = hash_annotations(metadata);
	reading->features = cs_features_declared(node->status);
	reading->features_hash = hash_features(node->status);
	reading->status = node->status;
	return 0;
}

// ---- changing the row ----

static bool set_amount(struct cs_nodes *nodes, uint32_t column, uint32_t row, int64_t amount)
{
	struct cs_node_table *table = &nodes->table;
	if (table->allocatable[column][row] == amount)
		return false;
	table->n_large[column] += amount > CS_ALLOCATABLE_EXACT;
	table->n_large[column] -= table->allocatable[column][row] > CS_ALLOCATABLE_EXACT;
	table->allocatable[column][row] = amount;
	table->allocatable_double[column][row] = (double)amount;
	table->inverse[column][row] = cs_nodes_inverse(amount);
	table->free[column][row] = amount - table->requested[column][row];
	return true;
}

// Sets every column of the row; takes over the references of `amounts` and gives back those of the
// amounts that were there. A row holds a reference on each extended column where it has some.
static bool set_allocatable(struct cs_nodes *nodes, uint32_t row,
			    const struct cs_pod_requests *amounts)
{
	bool changed = false;
	for (uint32_t column = 0; column < CS_RESOURCE_FIXED_COUNT; column++)
		changed |= set_amount(nodes, column, row, amounts->fixed[column]);
	uint32_t at = 0;
	for (uint32_t column = CS_RESOURCE_FIXED_COUNT; column < nodes->table.n_columns; column++) {
		bool there = at < amounts->n_extended && amounts->extended[at].column == column;
		bool was_there = nodes->table.allocatable[column][row] > 0;
		changed |=
			set_amount(nodes, column, row, there ? amounts->extended[at++].amount : 0);
		if (was_there)
			cs_nodes_unref_column(nodes, column);
	}
	return changed;
}

static bool set_labels(struct cs_cluster *cluster, uint32_t row, const struct cs_node_label *labels,
		       uint32_t n)
{
	struct cs_node_row *kept = &cluster->nodes.rows[row];
	size_t size = n * sizeof(*labels);
	if (n == kept->n_labels && (n == 0 || memcmp(labels, kept->labels, size) == 0)) {
		cs_node_labels_unref(cluster->strings, labels, n);
		return false;
	}
	struct cs_node_label *before = kept->labels;
	uint32_t n_before = kept->n_labels;
	kept->labels = cs_alloc(size);
	if (n > 0)
		memcpy(kept->labels, labels, size);
	kept->n_labels = n;
	cs_node_selectors_relabel(&cluster->selectors, row, before, n_before);
	cs_topologies_update(&cluster->topologies, row);
	cs_node_labels_unref(cluster->strings, before, n_before);
	free(before);
	return true;
}

static bool set_taints(struct cs_cluster *cluster, uint32_t row, uint32_t taint_set)
{
	uint32_t before = cluster->nodes.table.taint_set[row];
	cluster->nodes.table.taint_set[row] = taint_set;
	cs_taint_set_unref(&cluster->taints, before);
	return before != taint_set;
}

// What the row declares. True where that concerns pods.
static bool set_features(struct cs_cluster *cluster, uint32_t row, uint32_t features)
{
	struct cs_node_row *kept = &cluster->nodes.rows[row];
	if (kept->features == features)
		return false;
	kept->features = features;
	cs_features_update(&cluster->features, row, features);
	return true;
}

static void set_live(struct cs_node_table *table, uint32_t row, bool live)
{
	table->n_live += live;
	table->n_live -= table->live[row];
	table->live[row] = live;
}

// Writes the reading into the row, takes over its references. Returns what changed.
static uint32_t write_row(struct cs_cluster *cluster, uint32_t row, const struct reading *reading)
{
	struct cs_node_table *table = &cluster->nodes.table;
	struct cs_node_row *kept = &cluster->nodes.rows[row];
	uint32_t events = 0;
	bool changed = set_allocatable(&cluster->nodes, row, &reading->allocatable);
	changed |= table->max_pods[row] != reading->max_pods;
	table->max_pods[row] = reading->max_pods;
	cs_nodes_derive(table, row);
	if (changed)
		events |= CS_EVENT_NODE_ALLOCATABLE;
	if (set_labels(cluster, row, reading->labels, reading->n_labels))
		events |= CS_EVENT_NODE_LABEL;
	if (set_taints(cluster, row, reading->taint_set))
		events |= CS_EVENT_NODE_TAINT;
	bool was_unschedulable = table->unschedulable[row];
	table->unschedulable[row] = reading->unschedulable;
	if (was_unschedulable && !reading->unschedulable)
		events |= CS_EVENT_NODE_TAINT;
	bool others = set_features(cluster, row, reading->features);
	others |= cs_images_set_row(&cluster->images, cluster->scratch, row, reading->status);
	if (events != 0 || others || was_unschedulable != reading->unschedulable)
		cs_nodes_touch(&cluster->nodes, row);
	if (kept->conditions != reading->conditions)
		events |= CS_EVENT_NODE_CONDITION;
	if (kept->annotations != reading->annotations)
		events |= CS_EVENT_NODE_ANNOTATION;
	if (kept->features_hash != reading->features_hash)
		events |= CS_EVENT_NODE_DECLARED_FEATURE;
	kept->features_hash = reading->features_hash;
	kept->conditions = reading->conditions;
	kept->annotations = reading->annotations;
	return events;
}

int cs_cluster_apply_node(struct cs_cluster *cluster, const Kube__Node *node, uint32_t *ret_events,
			  struct cs_error *err)
{
	*ret_events = 0;
	struct reading reading = { 0 };
	int rc = read_node(cluster, node, &reading, err);
	if (rc == 0) {
		struct cs_node_table *table = &cluster->nodes.table;
		uint32_t row = cs_nodes_row_for(&cluster->nodes, reading.name);
		bool added = !table->live[row];
		set_live(table, row, true);
		*ret_events = write_row(cluster, row, &reading);
		if (added) {
			cs_node_selectors_update(&cluster->selectors, row);
			cs_nodes_touch(&cluster->nodes, row);
			*ret_events = CS_EVENT_NODE_ADD;
		}
		*ret_events |= cs_loads_apply_node(
			&cluster->loads, row, node,
			*ret_events & (CS_EVENT_NODE_ADD | CS_EVENT_NODE_ANNOTATION));
	}
	cs_arena_reset(cluster->scratch);
	return rc;
}

uint32_t cs_cluster_remove_node(struct cs_cluster *cluster, const char *name)
{
	uint32_t row = cs_cluster_find_node(cluster, name);
	if (row == CS_ROW_NONE)
		return 0;
	cs_loads_drop_row(&cluster->loads, row);
	set_live(&cluster->nodes.table, row, false);
	write_row(cluster, row, &(struct reading){ 0 });
	cs_node_selectors_update(&cluster->selectors, row);
	cs_nodes_touch(&cluster->nodes, row);
	cs_nodes_release(&cluster->nodes, row);
	cs_arena_reset(cluster->scratch);
	return CS_EVENT_NODE_DELETE;
}
