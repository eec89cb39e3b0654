// Each plugin against upstream's rules: verdicts, reasons, scores of pods and nodes as YAML.
// Neighbours: lib/plugins.
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/plugins/list.h>

#include "../cluster/world.h"
#include "pass.h"

#define N_MAX 16

static struct world world;
static struct cs_arena *scratch;

// One plugin at work on one pod.
struct run {
	struct cs_plugin_instance instance;
	struct cs_cycle cycle;
	enum cs_prepare prepared;
	uint8_t verdict[N_MAX];
	uint8_t out[N_MAX];
	int64_t normalised[N_MAX];
};
static struct run run;

static void setup(void)
{
	world_begin(&world);
	scratch = cs_arena_create();
	run = (struct run){ 0 };
}

static void teardown(void)
{
	if (run.instance.plugin && run.instance.plugin->free_args)
		run.instance.plugin->free_args(run.instance.args);
	cs_arena_destroy(scratch);
	world_end(&world);
}

static const struct cs_plugin *find(const char *name)
{
	const struct cs_plugin *const *plugin = cs_plugins;
	while (*plugin && strcmp((*plugin)->name, name) != 0)
		plugin++;
	ck_assert_msg(*plugin, "no plugin %s", name);
	return *plugin;
}

// `args` is JSON, NULL = defaults.
static void begin(const char *plugin, const struct cs_pod *pod, const char *args)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	if (args)
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(args), &tree, NULL), 0);
	if (run.instance.plugin && run.instance.plugin->free_args)
		run.instance.plugin->free_args(run.instance.args);
	run = (struct run){ .instance = { .plugin = find(plugin), .weight = 1 } };
	if (run.instance.plugin->configure) {
		CS_AUTO_ERRORS struct cs_errors errors = { 0 };
		int r = run.instance.plugin->configure(tree, &run.instance.args, &errors);
		ck_assert_msg(r == 0, "%s", errors.count ? errors.list[0] : "");
	}
	run.cycle = (struct cs_cycle){
		.cluster = world.cluster,
		.nodes = world.nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = scratch,
	};
}

static void run_filter(const char *plugin, const struct cs_pod *pod, const char *args)
{
	begin(plugin, pod, args);
	const struct cs_plugin *p = run.instance.plugin;
	run.prepared = CS_PREPARE_GO;
	if (p->prepare_filter)
		run.prepared = p->prepare_filter(&run.cycle, &run.instance);
	ck_assert_uint_le(world.nodes->n_rows, N_MAX);
	memset(run.verdict, 0xee, sizeof(run.verdict));
	if (run.prepared == CS_PREPARE_GO)
		p->filter(&run.cycle, &run.instance, (struct cs_rows){ 0, world.nodes->n_rows },
			  run.verdict);
}

static void append_reason(void *user, const char *reason)
{
	char *text = user;
	size_t used = strlen(text);
	snprintf(text + used, 256 - used, "%s%s", used ? "; " : "", reason);
}

static const char *reasons_of(uint32_t row)
{
	char *text = cs_arena_alloc(scratch, 256);
	run.instance.plugin->reasons(&run.cycle, &run.instance, row, append_reason, text);
	return text;
}

static void run_score(const char *plugin, const struct cs_pod *pod, const char *args)
{
	begin(plugin, pod, args);
	const struct cs_plugin *p = run.instance.plugin;
	static uint32_t all[N_MAX];
	uint32_t n = world.nodes->n_rows;
	for (uint32_t row = 0; row < n; row++)
		all[row] = row;
	pass_rows(&run.cycle, all, n);
	run.prepared = CS_PREPARE_GO;
	if (p->prepare_score)
		run.prepared = p->prepare_score(&run.cycle, &run.instance);
	if (run.prepared != CS_PREPARE_GO)
		return;
	if (p->normalise) {
		p->raw_score(&run.cycle, &run.instance, (struct cs_rows){ 0, n }, run.normalised);
		p->normalise(&run.cycle, &run.instance, all, n, run.normalised);
	} else {
		p->score(&run.cycle, &run.instance, (struct cs_rows){ 0, n }, run.out);
	}
}

// ---- the order of plugins, the queue ----

START_TEST(upstreams_order)
{
	static const char *const names[] = {
		"SchedulingGates",
		"PrioritySort",
		"NodeUnschedulable",
		"NodeName",
		"TaintToleration",
		"NodeAffinity",
		"NodePorts",
		"NodeResourcesFit",
		"PodTopologySpread",
		"InterPodAffinity",
		"NodeResourcesBalancedAllocation",
		"ImageLocality",
		"DefaultBinder",
		"NodeDeclaredFeatures",
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		ck_assert_str_eq(cs_plugins[i]->name, names[i]);
	for (size_t i = 0; cs_plugins[i]; i++)
		ck_assert_int_eq(cs_plugins[i]->by_default == CS_PLUGIN_ALWAYS,
				 i < CS_ARRAY_LENGTH(names));
	ck_assert(find("DefaultBinder")->binds);
	ck_assert_int_eq(find("TaintToleration")->default_weight, 3);
	ck_assert_int_eq(find("NodeAffinity")->default_weight, 2);
	ck_assert_int_eq(find("PodTopologySpread")->default_weight, 2);
}
END_TEST

// kube-scheduler.md section 4, with Node Taint beside every Node Add.
START_TEST(upstreams_events)
{
	static const struct {
		const char *plugin;
		uint32_t cures;
	} rows[] = {
		{ "SchedulingGates", CS_EVENT_POD_GATES_ELIMINATED },
		{ "NodeUnschedulable",
		  CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_TOLERATION },
		{ "NodeName", CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT },
		{ "TaintToleration",
		  CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_TOLERATION },
		{ "NodeAffinity", CS_EVENT_NODE_ADD | CS_EVENT_NODE_LABEL | CS_EVENT_NODE_TAINT },
		{ "NodePorts", CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_POD_DELETE },
		{ "NodeDeclaredFeatures",
		  CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT | CS_EVENT_NODE_DECLARED_FEATURE },
		{ "ImageLocality", 0 },
		{ "NodeResourcesFit", CS_EVENT_POD_DELETE | CS_EVENT_POD_SCALE_DOWN |
					      CS_EVENT_NODE_ADD | CS_EVENT_NODE_ALLOCATABLE |
					      CS_EVENT_NODE_TAINT },
		{ "PodTopologySpread", CS_EVENT_POD_ADD | CS_EVENT_POD_LABEL |
					       CS_EVENT_POD_TOLERATION | CS_EVENT_POD_DELETE |
					       CS_EVENT_NODE_ADD | CS_EVENT_NODE_DELETE |
					       CS_EVENT_NODE_LABEL | CS_EVENT_NODE_TAINT },
		{ "InterPodAffinity", CS_EVENT_POD_ADD | CS_EVENT_POD_DELETE | CS_EVENT_POD_LABEL |
					      CS_EVENT_NODE_ADD | CS_EVENT_NODE_LABEL },
		{ "NodeResourcesBalancedAllocation", 0 },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		ck_assert_msg(find(rows[i].plugin)->cures == rows[i].cures, "%s", rows[i].plugin);
}
END_TEST

START_TEST(gates_hold_pods)
{
	const struct cs_plugin *plugin = find("SchedulingGates");
	const struct cs_pod *pod =
		add_pod(&world, "p", "schedulingGates: [{name: example.com/a}, {name: b}]");
	ck_assert_str_eq(plugin->pre_enqueue(pod, scratch),
			 "waiting for scheduling gates: [example.com/a b]");
	ck_assert_ptr_null(plugin->pre_enqueue(add_pod(&world, "q", "containers: []"), scratch));
}
END_TEST

START_TEST(priority_then_time)
{
	cs_queue_order_f order = find("PrioritySort")->queue_order;
	const struct cs_pod *high = add_pod(&world, "h", "priority: 5");
	const struct cs_pod *low = add_pod(&world, "l", "priority: -5");
	const struct cs_pod *none = add_pod(&world, "o", "containers: []");
	ck_assert_int_lt(order(high, 9, low, 1), 0);
	ck_assert_int_gt(order(low, 1, high, 9), 0);
	ck_assert_int_lt(order(none, 9, low, 1), 0);
	ck_assert_int_lt(order(high, 9, none, 1), 0);
	ck_assert_int_lt(order(low, 1, low, 2), 0);
	ck_assert_int_gt(order(low, 2, low, 1), 0);
	ck_assert_int_eq(order(low, 2, low, 2), 0);
}
END_TEST

// ---- filters ----

START_TEST(cordoned)
{
	add_node(&world, "n1", "spec: {unschedulable: true}");
	add_node(&world, "n2", "spec: {unschedulable: false}");
	run_filter("NodeUnschedulable", add_pod(&world, "p", "containers: []"), NULL);
	ck_assert_uint_eq(run.verdict[0], CS_VERDICT_UNRESOLVABLE);
	ck_assert_uint_eq(run.verdict[1], CS_VERDICT_FITS);
	ck_assert_str_eq(reasons_of(0), "node(s) were unschedulable");
	run_filter("NodeUnschedulable",
		   add_pod(&world, "q",
			   "tolerations: [{key: node.kubernetes.io/unschedulable, operator: "
			   "Exists}]"),
		   NULL);
	ck_assert_uint_eq(run.verdict[0], CS_VERDICT_FITS);
}
END_TEST

START_TEST(tainted)
{
	add_node(&world, "n1", "spec: {taints: [{key: a, value: b, effect: NoSchedule}]}");
	add_node(&world, "n2", "spec: {taints: [{key: a, value: b, effect: NoExecute}]}");
	add_node(&world, "n3", "spec: {taints: [{key: a, value: b, effect: PreferNoSchedule}]}");
	add_node(&world, "n4", "spec: {}");
	run_filter("TaintToleration", add_pod(&world, "p", "containers: []"), NULL);
	static const uint8_t want[] = { CS_VERDICT_UNRESOLVABLE, CS_VERDICT_UNRESOLVABLE,
					CS_VERDICT_FITS, CS_VERDICT_FITS };
	ck_assert_mem_eq(run.verdict, want, sizeof(want));
	ck_assert_str_eq(reasons_of(0), "node(s) had untolerated taint(s)");
	run_filter("TaintToleration",
		   add_pod(&world, "q", "tolerations: [{key: a, value: b, effect: NoSchedule}]"),
		   NULL);
	ck_assert_uint_eq(run.verdict[0], CS_VERDICT_FITS);
	ck_assert_uint_eq(run.verdict[1], CS_VERDICT_UNRESOLVABLE);
}
END_TEST

static void label_node(const char *name, const char *labels)
{
	const Kube__Node *node =
		read_node(&world, "{metadata: {name: %s, labels: {%s}}}", name, labels);
	ck_assert_int_eq(apply_node(&world, node), 0);
}

START_TEST(selected)
{
	label_node("n1", "disk: ssd");
	label_node("n2", "disk: hdd");
	label_node("n3", "");
	run_filter("NodeAffinity", add_pod(&world, "p", "containers: []"), NULL);
	ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
	run_filter("NodeAffinity", add_pod(&world, "q", "nodeSelector: {disk: ssd}"), NULL);
	ck_assert_int_eq(run.prepared, CS_PREPARE_GO);
	ck_assert(!run.cycle.narrowed);
	static const uint8_t want[] = { CS_VERDICT_FITS, CS_VERDICT_UNRESOLVABLE,
					CS_VERDICT_UNRESOLVABLE };
	ck_assert_mem_eq(run.verdict, want, sizeof(want));
	ck_assert_str_eq(reasons_of(1), "node(s) didn't match Pod's node affinity/selector");
}
END_TEST

#define PIN(node)                                                                               \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "            \
	"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [" node \
	"]}]}]}}}"

START_TEST(pinned)
{
	label_node("n1", "disk: ssd");
	label_node("n2", "disk: ssd");
	run_filter("NodeAffinity", add_pod(&world, "p", PIN("n2")), NULL);
	ck_assert_int_eq(run.prepared, CS_PREPARE_GO);
	ck_assert(run.cycle.narrowed);
	ck_assert_uint_eq(run.cycle.n_only, 1);
	ck_assert_uint_eq(run.cycle.only[0], 1);
	ck_assert_uint_eq(run.verdict[1], CS_VERDICT_FITS);
	run_filter("NodeAffinity", add_pod(&world, "q", PIN("n3")), NULL);
	ck_assert(run.cycle.narrowed);
	ck_assert_uint_eq(run.cycle.n_only, 0);
	run_filter("NodeAffinity", add_pod(&world, "r", "nodeSelector: {disk: hdd}, " PIN("n2")),
		   NULL);
	ck_assert_uint_eq(run.cycle.n_only, 1);
	ck_assert_uint_eq(run.cycle.only[0], 1);
	ck_assert_uint_eq(run.verdict[1], CS_VERDICT_UNRESOLVABLE);
	cs_cluster_remove_node(world.cluster, "n2");
	run_filter("NodeAffinity", cs_cluster_find_pod(world.cluster, "uid-p"), NULL);
	ck_assert_uint_eq(run.cycle.n_only, 0);
}
END_TEST

#define ASK(list) "containers: [{resources: {requests: {" list "}}}]"

static const struct {
	const char *name;
	const char *node; // allocatable
	const char *used; // by one pod on it; NULL = no pod there
	const char *asked;
	const char *args;
	uint8_t verdict;
	const char *reasons;
} fits[] = {
	{ "room", "cpu: 2, memory: 2Gi, pods: 9", "cpu: 1, memory: 1Gi", "cpu: 1, memory: 1Gi",
	  NULL, CS_VERDICT_FITS, "" },
	{ "one milli short", "cpu: 2, pods: 9", "cpu: 1001m", "cpu: 1", NULL,
	  CS_VERDICT_UNSCHEDULABLE, "Insufficient cpu" },
	{ "one byte short", "memory: 10, pods: 9", "memory: 1", "memory: 10", NULL,
	  CS_VERDICT_UNSCHEDULABLE, "Insufficient memory" },
	{ "the node is too small for ever", "cpu: 2, pods: 9", "cpu: 1", "cpu: 2001m", NULL,
	  CS_VERDICT_UNRESOLVABLE, "Insufficient cpu" },
	{ "one resource for ever makes all so", "cpu: 2, memory: 10, pods: 9", "cpu: 2, memory: 5",
	  "cpu: 1, memory: 11", NULL, CS_VERDICT_UNRESOLVABLE,
	  "Insufficient cpu; Insufficient memory" },
	{ "too many pods come first and are never for ever", "cpu: 2, pods: 1", "cpu: 2", "cpu: 1",
	  NULL, CS_VERDICT_UNSCHEDULABLE, "Too many pods; Insufficient cpu" },
	{ "no pods at all", "cpu: 2", NULL, "cpu: 1", NULL, CS_VERDICT_UNSCHEDULABLE,
	  "Too many pods" },
	{ "nothing asked: only pods are looked at", "pods: 2", "cpu: 5", "foo: 1", NULL,
	  CS_VERDICT_FITS, "" },
	{ "nothing asked of a full node", "pods: 1", "cpu: 5", "cpu: 0", NULL,
	  CS_VERDICT_UNSCHEDULABLE, "Too many pods" },
	{ "zero asked of an over-committed resource", "cpu: 1, memory: 9, pods: 9",
	  "cpu: 3, memory: 1", "cpu: 0, memory: 1", NULL, CS_VERDICT_FITS, "" },
	{ "ephemeral storage", "ephemeral-storage: 9, pods: 9", "ephemeral-storage: 5",
	  "ephemeral-storage: 5", NULL, CS_VERDICT_UNSCHEDULABLE,
	  "Insufficient ephemeral-storage" },
	{ "an extended resource", "example.com/gpu: 2, pods: 9", "example.com/gpu: 1",
	  "example.com/gpu: 2", NULL, CS_VERDICT_UNSCHEDULABLE, "Insufficient example.com/gpu" },
	{ "an extended resource nobody has", "pods: 9", NULL, "example.com/gpu: 1", NULL,
	  CS_VERDICT_UNRESOLVABLE, "Insufficient example.com/gpu" },
	{ "none asked of it", "pods: 9", NULL, "example.com/gpu: 0", NULL, CS_VERDICT_FITS, "" },
	{ "hugepages", "hugepages-2Mi: 4Mi, pods: 9", "hugepages-2Mi: 2Mi", "hugepages-2Mi: 4Mi",
	  NULL, CS_VERDICT_UNSCHEDULABLE, "Insufficient hugepages-2Mi" },
	{ "ignored by name", "pods: 9", NULL, "example.com/gpu: 1, cpu: 0",
	  "{\"ignoredResources\":[\"example.com/gpu\"]}", CS_VERDICT_FITS, "" },
	{ "ignored by group", "pods: 9", NULL, "example.com/gpu: 1",
	  "{\"ignoredResourceGroups\":[\"example.com\"]}", CS_VERDICT_FITS, "" },
	{ "another group is not", "pods: 9", NULL, "example.com/gpu: 1",
	  "{\"ignoredResourceGroups\":[\"example.co\",\"example.com.org\"]}",
	  CS_VERDICT_UNRESOLVABLE, "Insufficient example.com/gpu" },
	{ "only extended resources can be ignored", "pods: 9", NULL, "cpu: 1, hugepages-2Mi: 1",
	  "{\"ignoredResources\":[\"cpu\",\"hugepages-2Mi\"]}", CS_VERDICT_UNRESOLVABLE,
	  "Insufficient cpu; Insufficient hugepages-2Mi" },
};

START_TEST(room)
{
	char text[256];
	snprintf(text, sizeof(text), "status: {allocatable: {%s}}", fits[_i].node);
	add_node(&world, "n1", text);
	if (fits[_i].used) {
		snprintf(text, sizeof(text), "nodeName: n1, " ASK("%s"), fits[_i].used);
		add_pod(&world, "u", text);
	}
	snprintf(text, sizeof(text), ASK("%s"), fits[_i].asked);
	run_filter("NodeResourcesFit", add_pod(&world, "p", text), fits[_i].args);
	ck_assert_msg(run.verdict[0] == fits[_i].verdict, "%s: %u", fits[_i].name, run.verdict[0]);
	ck_assert_str_eq(reasons_of(0), fits[_i].reasons);
}
END_TEST

START_TEST(the_filter_counts_no_defaults)
{
	add_node(&world, "n1", "status: {allocatable: {cpu: 150m, memory: 1Gi, pods: 9}}");
	add_pod(&world, "u", "nodeName: n1, containers: [{name: a}]");
	run_filter("NodeResourcesFit", add_pod(&world, "p", ASK("cpu: 150m")), NULL);
	ck_assert_uint_eq(run.verdict[0], CS_VERDICT_FITS);
}
END_TEST

// ---- scores ----

START_TEST(fewer_intolerable_taints_are_better)
{
	const struct cs_pod *pod =
		add_pod(&world, "p",
			"tolerations: [{key: a, operator: Exists, effect: NoSchedule}, {key: b}]");
	add_node(&world, "n1", "spec: {taints: []}");
	run_score("TaintToleration", pod, NULL);
	ck_assert_int_eq(run.normalised[0], 100);
	add_node(&world, "n2", "spec: {taints: [{key: a, effect: PreferNoSchedule}]}");
	add_node(&world, "n3",
		 "spec: {taints: [{key: a, effect: PreferNoSchedule}, {key: b, effect: "
		 "PreferNoSchedule}, {key: c, effect: PreferNoSchedule}, {key: d, "
		 "effect: PreferNoSchedule}, {key: e, effect: NoSchedule}]}");
	add_node(&world, "n4", "spec: {taints: [{key: b, effect: PreferNoSchedule}]}");
	run_score("TaintToleration", pod, NULL);
	static const int64_t want[] = { 100, 67, 0, 100 }; // 100 - 100 * 1 / 3 in integers
	ck_assert_mem_eq(run.normalised, want, sizeof(want));
}
END_TEST

static const struct {
	const char *name;
	const char *node;
	const char *used;
	const char *asked; // the inside of a pod's spec
	const char *args;
	int64_t want;
} least[] = {
	// ((4000 - 3000) * 100 / 4000 + (10000 - 5000) * 100 / 10000) / 2
	{ "an empty node", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"), NULL, 37 },
	{ "a full one", "cpu: 4, memory: 10000", "cpu: 3, memory: 9000",
	  ASK("cpu: 1, memory: 1000"), NULL, 0 },
	{ "more than there is counts 0", "cpu: 4, memory: 10000", "cpu: 4, memory: 0",
	  ASK("cpu: 1, memory: 5000"), NULL, 25 },
	{ "nothing asked: the defaults are", "cpu: 1, memory: 400Mi", NULL,
	  "containers: [{name: a}]", NULL, 70 },
	{ "and those of the pods there", "cpu: 1, memory: 800Mi", "foo: 1",
	  "containers: [{name: a}]", NULL, 65 },
	{ "a resource the node lacks is left out", "memory: 10000", NULL,
	  ASK("cpu: 1, memory: 5000"), NULL, 50 },
	{ "nothing there at all", "pods: 9", NULL, ASK("cpu: 1"), NULL, 0 },
	{ "weights", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"),
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":\"cpu\","
	  "\"weight\":3},{\"name\":\"memory\",\"weight\":1}]}}",
	  31 },
	{ "an extended resource counts where it is asked", "cpu: 4, example.com/gpu: 4",
	  "example.com/gpu: 1", ASK("cpu: 0, example.com/gpu: 2"),
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":"
	  "\"example.com/gpu\"}]}}",
	  25 },
	{ "and is left out where it is not", "cpu: 4, example.com/gpu: 4", "example.com/gpu: 1",
	  ASK("cpu: 1"),
	  "{\"scoringStrategy\":{\"type\":\"LeastAllocated\",\"resources\":[{\"name\":"
	  "\"example.com/gpu\"},{\"name\":\"cpu\"}]}}",
	  72 }, // the pod there counts 100m
	{ "pod level is not seen", "cpu: 1, memory: 400Mi", NULL,
	  "containers: [{name: a}], resources: {requests: {cpu: 1, memory: 400Mi}}", NULL, 70 },
	{ "a node of 100 TiB", "cpu: 4, memory: 100Ti", NULL, ASK("cpu: 1, memory: 33Ti"), NULL,
	  71 },
};

static void prepare_node(const char *node, const char *used)
{
	char text[512];
	snprintf(text, sizeof(text), "status: {allocatable: {%s}}", node);
	add_node(&world, "n1", text);
	if (!used)
		return;
	snprintf(text, sizeof(text), "nodeName: n1, " ASK("%s"), used);
	add_pod(&world, "u", text);
}

START_TEST(least_allocated)
{
	prepare_node(least[_i].node, least[_i].used);
	run_score("NodeResourcesFit", add_pod(&world, "p", least[_i].asked), least[_i].args);
	ck_assert_msg(run.out[0] == least[_i].want, "%s: %d", least[_i].name, run.out[0]);
}
END_TEST

#define THREE                                                                               \
	"{\"resources\":[{\"name\":\"cpu\"},{\"name\":\"memory\"},{\"name\":\"example.com/" \
	"gpu\"}]}"

static const struct {
	const char *name;
	const char *node;
	const char *used;
	const char *asked;
	const char *args;
	int64_t want; // -1 = skipped
} balanced[] = {
	// with: |0.75 - 0.5| / 2 -> 87; without: 100; 50 + (50 + 87 - 100) / 2
	{ "an empty node loses balance", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"),
	  NULL, 68 },
	{ "nothing changes", "cpu: 4, memory: 10000", NULL, ASK("cpu: 2, memory: 5000"), NULL, 75 },
	// without: |0.5 - 0| / 2 -> 75; with: 100
	{ "balance is won", "cpu: 4, memory: 10000", "cpu: 2", ASK("memory: 5000"), NULL, 87 },
	{ "defaults do not count", "cpu: 4, memory: 10000", "foo: 1", ASK("cpu: 2, memory: 5000"),
	  NULL, 75 },
	{ "a pod that asks nothing is skipped", "cpu: 4, memory: 10000", NULL,
	  "containers: [{name: a}]", NULL, -1 },
	{ "one that asks other things too", "cpu: 4, memory: 10000", NULL,
	  ASK("ephemeral-storage: 1"), NULL, -1 },
	{ "overhead is asking", "cpu: 4, memory: 10000", NULL,
	  "containers: [{name: a}], overhead: {cpu: 2, memory: 5000}", NULL, 75 },
	{ "fractions end at 1", "cpu: 1, memory: 10000", NULL, ASK("cpu: 9, memory: 10000"), NULL,
	  75 },
	{ "one resource is always in balance", "memory: 10000", NULL, ASK("cpu: 1, memory: 10"),
	  NULL, 75 },
	{ "pod level is seen", "cpu: 4, memory: 10000", NULL,
	  "containers: [{name: a}], resources: {requests: {cpu: 3, memory: 5000}}", NULL, 68 },
	// fractions .75 .5 .25: std = sqrt(0.125 / 3) -> 79
	{ "three resources", "cpu: 4, memory: 10000, example.com/gpu: 4", NULL,
	  ASK("cpu: 3, memory: 5000, example.com/gpu: 1"), THREE, 64 },
	{ "an extended resource that is not asked does not count",
	  "cpu: 4, memory: 10000, example.com/gpu: 4", "example.com/gpu: 4",
	  ASK("cpu: 3, memory: 5000"), THREE, 68 },
};

START_TEST(balanced_allocation)
{
	prepare_node(balanced[_i].node, balanced[_i].used);
	run_score("NodeResourcesBalancedAllocation", add_pod(&world, "p", balanced[_i].asked),
		  balanced[_i].args);
	if (balanced[_i].want < 0)
		ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
	else
		ck_assert_msg(run.out[0] == balanced[_i].want, "%s: %d", balanced[_i].name,
			      run.out[0]);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/rules");
	TCase *tcase = tcase_create("rules");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, upstreams_order);
	tcase_add_test(tcase, upstreams_events);
	tcase_add_test(tcase, gates_hold_pods);
	tcase_add_test(tcase, priority_then_time);
	tcase_add_test(tcase, cordoned);
	tcase_add_test(tcase, tainted);
	tcase_add_test(tcase, selected);
	tcase_add_test(tcase, pinned);
	tcase_add_loop_test(tcase, room, 0, (int)CS_ARRAY_LENGTH(fits));
	tcase_add_test(tcase, the_filter_counts_no_defaults);
	tcase_add_test(tcase, fewer_intolerable_taints_are_better);
	tcase_add_loop_test(tcase, least_allocated, 0, (int)CS_ARRAY_LENGTH(least));
	tcase_add_loop_test(tcase, balanced_allocation, 0, (int)CS_ARRAY_LENGTH(balanced));
	suite_add_tcase(suite, tcase);
	return suite;
}
