// What nodes and pods use, as others read it: the Metrics API as metrics-server answers it, text
// for Prometheus, node annotations. Neighbours: usage.c is the model; request.c sends requests
// here.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#include "sim_internal.h"

#define TICK       CS_SECOND // of the model, unless samples come more often
#define ANNOTATION "load.c-sched.io/"

// The model comes to this moment.
static void catch_up(struct cs_sim *sim)
{
	if (sim->load.on)
		sim_usage_advance(&sim->usage, sim_now(sim));
}

void sim_metrics_observe(struct cs_sim *sim, struct sim_collection *collection,
			 const struct sim_change *change)
{
	if (!sim->load.on)
		return;
	bool gone = change->type == SIM_DELETED;
	if (collection->resource == &sim_resources[SIM_NODES] && gone)
		sim_usage_remove_node(&sim->usage, change->now->key);
	else if (collection->resource == &sim_resources[SIM_NODES])
		sim_usage_apply_node(&sim->usage, change->now->tree, sim_now(sim));
	else if (collection->resource == &sim_resources[SIM_PODS] && gone)
		sim_usage_remove_pod(&sim->usage, change->now->key);
	else if (collection->resource == &sim_resources[SIM_PODS])
		sim_usage_apply_pod(&sim->usage, change->now->key, change->now->tree, sim_now(sim));
}

// ---- the Metrics API ----

static void set_usage(struct json_object *object, double cpu, double memory)
{
	struct json_object *usage = cs_tree_own(object, "usage");
	char text[40];
	(void)snprintf(text, sizeof(text), "%.0fn", cpu * 1e9);
	cs_tree_set_string(usage, "cpu", text);
	(void)snprintf(text, sizeof(text), "%.0fKi", memory / 1024);
	cs_tree_set_string(usage, "memory", text);
}

static void set_head(const struct sim_request *request, struct json_object *tree,
		     struct json_object *object, const struct sim_sample *sample)
{
	char text[CS_TIMESTAMP_SIZE];
	static const char *const copied[] = { "name", "namespace" };
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	struct json_object *from = cs_tree_get(object, "metadata");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(copied); i++)
		if (cs_tree_string(from, copied[i]))
			cs_tree_set_string(metadata, copied[i], cs_tree_string(from, copied[i]));
	cs_tree_set_string(metadata, "creationTimestamp", sim_timestamp(request->sim, text));
	struct json_object *labels = cs_tree_get(from, "labels");
	if (labels)
		cs_tree_set(metadata, "labels", json_object_get(labels));
	cs_tree_set_string(tree, "timestamp", cs_timestamp_seconds(sample->wall, text));
	(void)snprintf(text, sizeof(text), "%.3fs", (double)sample->window / (double)CS_SECOND);
	cs_tree_set_string(tree, "window", text);
}

// The containers of a pod use equal parts.
static void set_containers(struct json_object *tree, struct json_object *object,
			   const struct sim_amounts *used)
{
	struct json_object *spec = cs_tree_get(object, "spec");
	struct json_object *containers = cs_tree_get(spec, "containers");
	struct json_object *list = cs_tree_own_array(tree, "containers");
	size_t n = cs_tree_length(spec, "containers");
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_new_object();
		const char *name = cs_tree_string(json_object_array_get_idx(containers, i), "name");
		cs_tree_set_string(one, "name", name ? name : "");
		set_usage(one, used->cpu / (double)n, used->memory / (double)n);
		json_object_array_add(list, one);
	}
}

static struct sim_collection *measured(const struct sim_request *request)
{
	return sim_store_at(&request->sim->store,
			    request->resource->namespaced ? SIM_PODS : SIM_NODES);
}

// NULL where the object has no sample.
static struct json_object *metrics_of(const struct sim_request *request,
				      const struct sim_object *object)
{
	const struct sim_usage *usage = &request->sim->usage;
	struct json_object *tree = object->now->tree;
	bool pod = request->resource->namespaced;
	const struct sim_sample *sample = pod ? sim_usage_pod_sample(usage, object->now->key)
					      : sim_usage_node_sample(usage, object->now->key);
	if (!sample)
		return NULL;
	struct json_object *metrics = json_object_new_object();
	cs_tree_set_string(metrics, "kind", request->resource->kind);
	cs_tree_set_string(metrics, "apiVersion", "metrics.k8s.io/v1beta1");
	set_head(request, metrics, tree, sample);
	if (pod)
		set_containers(metrics, tree, &sample->used);
	else
		set_usage(metrics, sample->used.cpu, sample->used.memory);
	return metrics;
}

int sim_metrics_get(struct sim_request *request)
{
	catch_up(request->sim);
	const struct sim_object *object = sim_store_find(measured(request), request->key);
	CS_AUTO_VALUE struct json_object *tree = object ? metrics_of(request, object) : NULL;
	if (!tree)
		return sim_status_not_found(&request->status, request->resource, request->name);
	sim_answer_tree(request, 200, tree);
	return 0;
}

static void write_list(const struct sim_request *request, const struct sim_selector *selector,
		       struct cs_json_writer *json)
{
	char prefix[SIM_KEY_MAX];
	char kind[64];
	(void)snprintf(prefix, sizeof(prefix), "%s%s", request->namespace_,
		       *request->namespace_ ? "/" : "");
	(void)snprintf(kind, sizeof(kind), "%sList", request->resource->kind);
	cs_json_object_begin(json);
	cs_json_member_string(json, "kind", kind);
	cs_json_member_string(json, "apiVersion", "metrics.k8s.io/v1beta1");
	cs_json_member_object_begin(json, "metadata");
	cs_json_object_end(json);
	cs_json_member_array_begin(json, "items");
	for (struct sim_object *object = sim_store_seek(measured(request), prefix);
	     object && cs_string_prefix(object->now->key, prefix);
	     object = sim_store_next(object)) {
		CS_AUTO_VALUE struct json_object *tree = metrics_of(request, object);
		if (tree && sim_selector_matches(selector, tree))
			cs_value_write(tree, json);
	}
	cs_json_array_end(json);
	cs_json_object_end(json);
}

int sim_metrics_list(struct sim_request *request)
{
	struct sim_selector selector;
	int result = sim_selector_parse(request->resource, sim_query(request, "labelSelector"),
					sim_query(request, "fieldSelector"), &selector,
					&request->status);
	if (result)
		return result;
	catch_up(request->sim);
	struct cs_json_writer json;
	cs_json_init(&json, &request->response->body);
	write_list(request, &selector, &json);
	request->response->content_type = sim_content_type(request->format);
	sim_selector_finish(&selector);
	return 0;
}

// ---- Prometheus ----

// One node's place among the labels: `node`, and `instance` as its own node-exporter would have.
struct exposition {
	struct cs_buffer *out;
	char labels[600];
	const struct sim_usage_node *node;
	double uptime; // seconds
};

static void write_cpu(const struct exposition *e)
{
	unsigned n = (unsigned)fmax(1, ceil(e->node->size.cpu));
	double busy = e->node->cpu_seconds / n;
	// A machine of 3.5 CPUs has four, one of which is never wholly there.
	double whole = e->uptime * e->node->size.cpu / n;
	for (unsigned i = 0; i < n; i++)
		(void)cs_buffer_printf(e->out,
				       "node_cpu_seconds_total{%s,cpu=\"%u\",mode=\"idle\"} %.6f\n"
				       "node_cpu_seconds_total{%s,cpu=\"%u\",mode=\"user\"} %.6f\n",
				       e->labels, i, fmax(0, whole - busy), e->labels, i, busy);
}

static double total_memory(const struct sim_usage_node *node)
{
	return node->size.memory;
}

static double free_memory(const struct sim_usage_node *node)
{
	return node->size.memory - node->used.memory;
}

static double connections(const struct sim_usage_node *node)
{
	return node->used.connections;
}

static double connections_limit(const struct sim_usage_node *node)
{
	return node->size.connections;
}

// The exporter sees its own network namespace alone, not those of pods.
static double own_connections(const struct sim_usage_node *node)
{
	return round(node->base.connections);
}

static const struct gauge {
	const char *name;
	const char *help;
	double (*value)(const struct sim_usage_node *node);
} gauges[] = {
	{ "node_memory_MemTotal_bytes", "Memory information field MemTotal_bytes.", total_memory },
	{ "node_memory_MemAvailable_bytes", "Memory information field MemAvailable_bytes.",
	  free_memory },
	{ "node_nf_conntrack_entries",
	  "Number of currently allocated flow entries for connection tracking.", connections },
	{ "node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.",
	  connections_limit },
	{ "node_netstat_Tcp_CurrEstab", "Statistic TcpCurrEstab.", own_connections },
};

static const char *address_of(struct json_object *tree)
{
	struct json_object *status = cs_tree_get(tree, "status");
	struct json_object *addresses = cs_tree_get(status, "addresses");
	for (size_t i = 0; i < cs_tree_length(status, "addresses"); i++) {
		struct json_object *one = json_object_array_get_idx(addresses, i);
		if (cs_string_equal(cs_tree_string(one, "type"), "InternalIP"))
			return cs_tree_string(one, "address");
	}
	return NULL;
}

// False where the node tells nothing.
static bool expose(const struct cs_sim *sim, const struct sim_object *object,
		   struct exposition *ret)
{
	const char *name = object->now->key;
	const struct sim_usage_node *node = sim_usage_find_node(&sim->usage, name);
	if (!node || !node->reports)
		return false;
	const char *address = address_of(object->now->tree);
	ret->node = node;
	ret->uptime = (double)(sim->usage.at - node->came) / (double)CS_SECOND;
	// Names of nodes and addresses hold nothing that would have to be escaped.
	(void)snprintf(ret->labels, sizeof(ret->labels), "node=\"%.253s\",instance=\"%.253s:9100\"",
		       name, address ? address : name);
	return true;
}

// gauge NULL: the CPU counters.
static void write_family(struct cs_sim *sim, const struct gauge *gauge, struct cs_buffer *out)
{
	(void)cs_buffer_printf(
		out, "# HELP %s %s\n# TYPE %s %s\n", gauge ? gauge->name : "node_cpu_seconds_total",
		gauge ? gauge->help : "Seconds the CPUs spent in each mode.",
		gauge ? gauge->name : "node_cpu_seconds_total", gauge ? "gauge" : "counter");
	struct exposition e = { .out = out };
	for (struct sim_object *object = sim_store_seek(sim_store_at(&sim->store, SIM_NODES), "");
	     object; object = sim_store_next(object)) {
		if (!expose(sim, object, &e))
			continue;
		if (gauge)
			(void)cs_buffer_printf(out, "%s{%s} %.0f\n", gauge->name, e.labels,
					       gauge->value(e.node));
		else
			write_cpu(&e);
	}
}

void sim_metrics_text(struct cs_sim *sim, struct cs_buffer *out)
{
	catch_up(sim);
	write_family(sim, NULL, out);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(gauges); i++)
		write_family(sim, &gauges[i], out);
}

// ---- annotations, and time ----

static void annotate(struct sim_object *object, const struct sim_sample *sample)
{
	const struct {
		const char *name;
		double value;
	} rows[] = {
		{ ANNOTATION "cpu", sample->used.cpu * 1000 },
		{ ANNOTATION "memory", sample->used.memory },
		{ ANNOTATION "connections", sample->used.connections },
	};
	char when[CS_TIMESTAMP_SIZE];
	char text[CS_TIMESTAMP_SIZE + 32];
	(void)cs_timestamp_micro(sample->wall, when);
	struct json_object *tree = cs_tree_copy(object->now->tree);
	struct json_object *annotations = cs_tree_own(cs_tree_own(tree, "metadata"), "annotations");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		(void)snprintf(text, sizeof(text), "%.0f@%s", rows[i].value, when);
		cs_tree_set_string(annotations, rows[i].name, text);
	}
	(void)sim_store_put(object->now->collection, object->now->key, tree);
}

static void annotate_all(struct cs_sim *sim)
{
	for (struct sim_object *object = sim_store_seek(sim_store_at(&sim->store, SIM_NODES), "");
	     object; object = sim_store_next(object))
		if (sim_usage_tell(&sim->usage, object->now->key))
			annotate(object, sim_usage_node_sample(&sim->usage, object->now->key));
}

void sim_metrics_tick(struct cs_sim *sim)
{
	if (!sim->load.on)
		return;
	catch_up(sim);
	if (sim->load.annotations)
		annotate_all(sim);
	int64_t interval = sim->usage.options.interval;
	sim_timer_add(sim, (struct sim_timer){ .kind = SIM_TIMER_USAGE,
					       .due = sim_now(sim).boot +
						      (interval < TICK ? interval : TICK) });
}
