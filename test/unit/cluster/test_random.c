// A hundred thousand random changes, against a model too simple to be wrong, and the self-check.
// Neighbours: all of lib/cluster.
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/cluster/query.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define N_NODES 12
#define N_PODS  160
#define STEPS   100000

// What a test pod asks for; few kinds, so that contents are shared.
static const struct {
	const char *cpu;
	const char *memory;
	const char *extended; // example.com/<extended>: 1
	bool repels;
	bool selects;
	bool tolerates;
} kinds[] = {
	{ "100m", "128Mi", NULL, false, false, false },
	{ "1", "8Ei", NULL, false, true, false }, // sums of it saturate
	{ "250m", NULL, "gpu", true, false, true },
	{ NULL, NULL, NULL, false, true, true },
	{ "3", "1Gi", "nic", true, true, false },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct slot {
	bool there;
	unsigned serial; // of its UID
	unsigned kind;
	enum cs_pod_state state;
	int node; // of assumed and bound pods
};

static struct world world;
static struct cs_random dice;
static struct slot slots[N_PODS];
static bool nodes_up[N_NODES];

static unsigned roll(unsigned n)
{
	return (unsigned)cs_random_below(&dice, n);
}

static char *format_text(const char *format, unsigned a, unsigned b)
{
	char *text = cs_arena_alloc(world.arena, 64);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, 64, format, a, b);
#pragma GCC diagnostic pop
	return text;
}

// ---- objects ----

#define NEW(type, init)                                                              \
	({                                                                           \
		__typeof__(type) *new_ = cs_arena_alloc(world.arena, sizeof(*new_)); \
		*new_ = (__typeof__(type))init;                                      \
		new_;                                                                \
	})

struct entries {
	Kube__QuantityEntry **items;
	size_t n;
};

static void add_amount(struct entries *entries, const char *name, const char *amount)
{
	if (!amount)
		return;
	if (!entries->items)
		entries->items = cs_arena_alloc_array(world.arena, 4, sizeof(*entries->items));
	Kube__QuantityEntry *entry = NEW(Kube__QuantityEntry, KUBE__QUANTITY_ENTRY__INIT);
	entry->key = (char *)(uintptr_t)name;
	entry->value = NEW(Kube__Quantity, KUBE__QUANTITY__INIT);
	entry->value->string = (char *)(uintptr_t)amount;
	entries->items[entries->n++] = entry;
}

static Kube__StringEntry **one_label(const char *key, const char *value)
{
	Kube__StringEntry **labels = cs_arena_alloc_array(world.arena, 1, sizeof(*labels));
	labels[0] = NEW(Kube__StringEntry, KUBE__STRING_ENTRY__INIT);
	labels[0]->key = (char *)(uintptr_t)key;
	labels[0]->value = (char *)(uintptr_t)value;
	return labels;
}

static Kube__ObjectMeta *new_metadata(char *name, char *uid)
{
	Kube__ObjectMeta *metadata = NEW(Kube__ObjectMeta, KUBE__OBJECT_META__INIT);
	metadata->name = name;
	metadata->uid = uid;
	metadata->namespace_ = (char *)"ns";
	metadata->n_labels = 1;
	metadata->labels = one_label("zone", roll(2) ? "x" : "z");
	return metadata;
}

static Kube__Affinity *new_anti_affinity(void)
{
	Kube__PodAffinityTerm *term = NEW(Kube__PodAffinityTerm, KUBE__POD_AFFINITY_TERM__INIT);
	term->label_selector = NEW(Kube__LabelSelector, KUBE__LABEL_SELECTOR__INIT);
	term->label_selector->n_match_labels = 1;
	term->label_selector->match_labels = one_label("zone", roll(2) ? "x" : "q");
	Kube__PodAntiAffinity *anti = NEW(Kube__PodAntiAffinity, KUBE__POD_ANTI_AFFINITY__INIT);
	anti->n_required_during_scheduling_ignored_during_execution = 1;
	anti->required_during_scheduling_ignored_during_execution =
		cs_arena_alloc_array(world.arena, 1, sizeof(term));
	anti->required_during_scheduling_ignored_during_execution[0] = term;
	Kube__Affinity *affinity = NEW(Kube__Affinity, KUBE__AFFINITY__INIT);
	affinity->pod_anti_affinity = anti;
	return affinity;
}

#define ONE(item)                                                                               \
	({                                                                                      \
		__typeof__(item) *list_ = cs_arena_alloc_array(world.arena, 1, sizeof(*list_)); \
		list_[0] = (item);                                                              \
		list_;                                                                          \
	})

static Kube__NodeSelectorRequirement *new_requirement(const char *key, const char *op,
						      const char *value)
{
	Kube__NodeSelectorRequirement *requirement =
		NEW(Kube__NodeSelectorRequirement, KUBE__NODE_SELECTOR_REQUIREMENT__INIT);
	requirement->key = (char *)(uintptr_t)key;
	requirement->operator_ = (char *)(uintptr_t)op;
	requirement->n_values = value ? 1 : 0;
	requirement->values = ONE((char *)(uintptr_t)value);
	return requirement;
}

static Kube__NodeSelectorTerm *new_term(void)
{
	static const char *const operators[] = { "In", "NotIn", "Exists", "Gt" };
	static const char *const values[] = { "x", "z", NULL, "3" };
	Kube__NodeSelectorTerm *term = NEW(Kube__NodeSelectorTerm, KUBE__NODE_SELECTOR_TERM__INIT);
	unsigned op = roll(4);
	term->n_match_expressions = roll(4) > 0;
	term->match_expressions =
		ONE(new_requirement(roll(3) ? "zone" : "size", operators[op], values[op]));
	term->n_match_fields = roll(4) == 0;
	term->match_fields = ONE(new_requirement("metadata.name", roll(3) ? "In" : "NotIn",
						 format_text("node-%u", roll(3), 0)));
	return term;
}

// Required or preferred node affinity, or none.
static Kube__NodeAffinity *new_node_affinity(void)
{
	Kube__NodeAffinity *affinity = NEW(Kube__NodeAffinity, KUBE__NODE_AFFINITY__INIT);
	if (roll(2)) {
		Kube__NodeSelector *required = NEW(Kube__NodeSelector, KUBE__NODE_SELECTOR__INIT);
		required->n_node_selector_terms = 2;
		required->node_selector_terms =
			cs_arena_alloc_array(world.arena, 2, sizeof(Kube__NodeSelectorTerm *));
		required->node_selector_terms[0] = new_term();
		required->node_selector_terms[1] = new_term();
		affinity->required_during_scheduling_ignored_during_execution = required;
	}
	if (roll(2)) {
		Kube__PreferredSchedulingTerm *term =
			NEW(Kube__PreferredSchedulingTerm, KUBE__PREFERRED_SCHEDULING_TERM__INIT);
		term->weight = (int32_t)roll(3);
		term->preference = new_term();
		affinity->n_preferred_during_scheduling_ignored_during_execution = 1;
		affinity->preferred_during_scheduling_ignored_during_execution = ONE(term);
	}
	return affinity;
}

static char *image_name(void)
{
	return format_text("image-%u:%u", roll(3), roll(2));
}

static Kube__ContainerPort **new_port(void)
{
	Kube__ContainerPort *port = NEW(Kube__ContainerPort, KUBE__CONTAINER_PORT__INIT);
	port->host_port = (int32_t)roll(3);
	port->hostip = roll(2) ? (char *)"10.0.0.1" : NULL;
	port->protocol = roll(3) ? NULL : (char *)"UDP";
	return ONE(port);
}

// What a pod asks of nodes beside resources; changes with every object, as it may not in earnest.
static void ask_nodes(Kube__PodSpec *spec, Kube__Container *container)
{
	container->image = image_name();
	container->n_ports = roll(2);
	container->ports = new_port();
	Kube__ContainerRestartRule *rule =
		NEW(Kube__ContainerRestartRule, KUBE__CONTAINER_RESTART_RULE__INIT);
	rule->action = (char *)"RestartAllContainers";
	container->n_restart_policy_rules = roll(4) == 0;
	container->restart_policy_rules = ONE(rule);
	if (roll(3))
		return;
	if (!spec->affinity)
		spec->affinity = NEW(Kube__Affinity, KUBE__AFFINITY__INIT);
	spec->affinity->node_affinity = new_node_affinity();
}

static void offer_things(Kube__NodeStatus *status)
{
	static char *const features[] = { (char *)"RestartAllContainersOnContainerExits",
					  (char *)"Other" };
	status->n_declared_features = roll(3);
	status->declared_features = (char **)(uintptr_t)features;
	Kube__ContainerImage *image = NEW(Kube__ContainerImage, KUBE__CONTAINER_IMAGE__INIT);
	image->n_names = 3;
	image->names = cs_arena_alloc_array(world.arena, 3, sizeof(*image->names));
	for (size_t i = 0; i < image->n_names; i++)
		image->names[i] = image_name();
	image->size_bytes = roll(3);
	status->n_images = roll(3) > 0;
	status->images = ONE(image);
}

static Kube__LabelSelector *new_selector(void)
{
	Kube__LabelSelector *selector = NEW(Kube__LabelSelector, KUBE__LABEL_SELECTOR__INIT);
	selector->n_match_labels = roll(4) > 0;
	selector->match_labels = one_label("zone", roll(2) ? "x" : "z");
	return selector;
}

static Kube__TopologySpreadConstraint **new_spread(void)
{
	Kube__TopologySpreadConstraint *constraint =
		NEW(Kube__TopologySpreadConstraint, KUBE__TOPOLOGY_SPREAD_CONSTRAINT__INIT);
	constraint->max_skew = 1 + (int32_t)roll(2);
	constraint->topology_key = roll(2) ? (char *)"zone" : (char *)"size";
	constraint->when_unsatisfiable =
		roll(2) ? (char *)"DoNotSchedule" : (char *)"ScheduleAnyway";
	constraint->label_selector = roll(4) ? new_selector() : NULL;
	return ONE(constraint);
}

static Kube__OwnerReference **new_owner(void)
{
	Kube__OwnerReference *owner = NEW(Kube__OwnerReference, KUBE__OWNER_REFERENCE__INIT);
	owner->api_version = (char *)"apps/v1";
	owner->kind = (char *)"ReplicaSet";
	owner->name = format_text("set-%u", roll(3), 0);
	owner->controller = roll(3) > 0;
	return ONE(owner);
}

static Kube__Pod *new_pod(unsigned i, const struct slot *slot, int node)
{
	Kube__Pod *pod = NEW(Kube__Pod, KUBE__POD__INIT);
	pod->metadata = new_metadata(format_text("pod-%u", i, 0),
				     format_text("uid-%u-%u", i, slot->serial));
	Kube__PodSpec *spec = pod->spec = NEW(Kube__PodSpec, KUBE__POD_SPEC__INIT);
	struct entries requests = { 0 };
	add_amount(&requests, "cpu", kinds[slot->kind].cpu);
	add_amount(&requests, "memory", kinds[slot->kind].memory);
	if (kinds[slot->kind].extended)
		add_amount(&requests,
			   strcmp(kinds[slot->kind].extended, "gpu") == 0 ? "example.com/gpu"
									  : "example.com/nic",
			   "1");
	Kube__Container *container = NEW(Kube__Container, KUBE__CONTAINER__INIT);
	container->resources = NEW(Kube__ResourceRequirements, KUBE__RESOURCE_REQUIREMENTS__INIT);
	container->resources->requests = requests.items;
	container->resources->n_requests = requests.n;
	spec->n_containers = 1;
	spec->containers = cs_arena_alloc_array(world.arena, 1, sizeof(container));
	spec->containers[0] = container;
	if (kinds[slot->kind].selects) {
		spec->n_node_selector = 1;
		spec->node_selector = one_label("zone", roll(2) ? "x" : "z");
	}
	if (kinds[slot->kind].tolerates) {
		Kube__Toleration *toleration = NEW(Kube__Toleration, KUBE__TOLERATION__INIT);
		toleration->key = format_text("t%u", roll(3), 0);
		spec->n_tolerations = 1;
		spec->tolerations = cs_arena_alloc_array(world.arena, 1, sizeof(toleration));
		spec->tolerations[0] = toleration;
	}
	if (kinds[slot->kind].repels)
		spec->affinity = new_anti_affinity();
	ask_nodes(spec, container);
	spec->n_topology_spread_constraints = roll(4) == 0;
	spec->topology_spread_constraints = new_spread();
	pod->metadata->n_owner_references = roll(2);
	pod->metadata->owner_references = new_owner();
	if (node >= 0)
		spec->node_name = format_text("node-%u", (unsigned)node, 0);
	return pod;
}

// ---- steps ----

static struct cs_pod *find(unsigned i)
{
	return cs_cluster_find_pod(world.cluster, format_text("uid-%u-%u", i, slots[i].serial));
}

static int live_node(void)
{
	for (unsigned i = 0, start = roll(N_NODES); i < N_NODES; i++)
		if (nodes_up[(start + i) % N_NODES])
			return (int)((start + i) % N_NODES);
	return -1;
}

static void step_node(void)
{
	unsigned i = roll(N_NODES);
	if (nodes_up[i] && roll(4) == 0) {
		cs_cluster_remove_node(world.cluster, format_text("node-%u", i, 0));
		nodes_up[i] = false;
		return;
	}
	Kube__Node *node = NEW(Kube__Node, KUBE__NODE__INIT);
	node->metadata = new_metadata(format_text("node-%u", i, 0), NULL);
	node->status = NEW(Kube__NodeStatus, KUBE__NODE_STATUS__INIT);
	struct entries amounts = { 0 };
	add_amount(&amounts, "cpu", roll(2) ? "8" : "16");
	add_amount(&amounts, "pods", "110");
	add_amount(&amounts, "example.com/gpu", roll(2) ? "4" : "0");
	node->status->n_allocatable = amounts.n;
	node->status->allocatable = amounts.items;
	offer_things(node->status);
	node->spec = NEW(Kube__NodeSpec, KUBE__NODE_SPEC__INIT);
	node->spec->unschedulable = roll(5) == 0;
	if (roll(2)) {
		Kube__Taint *taint = NEW(Kube__Taint, KUBE__TAINT__INIT);
		taint->key = format_text("t%u", roll(3), 0);
		taint->effect = (char *)"NoSchedule";
		node->spec->n_taints = 1;
		node->spec->taints = cs_arena_alloc_array(world.arena, 1, sizeof(taint));
		node->spec->taints[0] = taint;
	}
	ck_assert_int_eq(apply_node(&world, node), 0);
	ck_assert(nodes_up[i] == !(world.events & CS_EVENT_NODE_ADD));
	nodes_up[i] = true;
}

// An ADDED or MODIFIED event: maybe with a node, maybe of another kind than before.
static void step_apply(unsigned i)
{
	struct slot *slot = &slots[i];
	if (!slot->there) {
		*slot = (struct slot){ .there = true,
				       .serial = slot->serial + 1,
				       .kind = roll(N_KINDS),
				       .state = CS_POD_UNBOUND,
				       .node = -1 };
	} else if (slot->state != CS_POD_BOUND && roll(8) == 0) {
		slot->kind = roll(N_KINDS);
	}
	int node = slot->state == CS_POD_BOUND ? slot->node
		   : roll(3) == 0              ? (int)roll(N_NODES)
					       : -1;
	ck_assert_int_eq(apply_pod(&world, new_pod(i, slot, node)), 0);
	ck_assert_ptr_eq(world.change.pod, find(i));
	if (node >= 0) {
		slot->state = CS_POD_BOUND;
		slot->node = node;
	}
}

static void step_end(unsigned i)
{
	if (!slots[i].there)
		return;
	if (roll(2)) {
		Kube__Pod *pod = new_pod(i, &slots[i], slots[i].node);
		pod->status = NEW(Kube__PodStatus, KUBE__POD_STATUS__INIT);
		pod->status->phase = (char *)"Succeeded";
		ck_assert_int_eq(apply_pod(&world, pod), 0);
	} else {
		cs_cluster_remove_pod(world.cluster, find(i));
	}
	slots[i].there = false;
}

static void step_decide(unsigned i)
{
	struct slot *slot = &slots[i];
	int node = live_node();
	if (!slot->there || slot->state == CS_POD_BOUND || node < 0)
		return;
	struct cs_pod *pod = find(i);
	cs_cluster_default_query(world.cluster, pod);
	if (slot->state == CS_POD_UNBOUND) {
		const char *name = format_text("node-%u", (unsigned)node, 0);
		cs_cluster_assume(world.cluster, pod, cs_cluster_find_node(world.cluster, name));
		slot->state = CS_POD_ASSUMED;
		slot->node = node;
	} else if (roll(2)) {
		cs_cluster_forget(world.cluster, pod);
		slot->state = CS_POD_UNBOUND;
		slot->node = -1;
	} else {
		if (roll(4) == 0)
			slot->node = (int)roll(N_NODES);
		cs_cluster_confirm(world.cluster, pod,
				   format_text("node-%u", (unsigned)slot->node, 0));
		slot->state = CS_POD_BOUND;
	}
}

// A Service or a ReplicaSet comes, changes, or goes.
static void step_workload(void)
{
	uint32_t events;
	unsigned i = roll(3);
	if (roll(3) == 0) {
		cs_cluster_remove_object(world.cluster, &cs_kind_service, "ns",
					 format_text("service-%u", i, 0));
		cs_cluster_remove_object(world.cluster, &cs_kind_replica_set, "ns",
					 format_text("set-%u", i, 0));
		return;
	}
	Kube__Service *service = NEW(Kube__Service, KUBE__SERVICE__INIT);
	service->metadata = new_metadata(format_text("service-%u", i, 0), NULL);
	service->spec = NEW(Kube__ServiceSpec, KUBE__SERVICE_SPEC__INIT);
	service->spec->n_selector = roll(4) > 0;
	service->spec->selector = one_label("zone", roll(2) ? "x" : "z");
	ck_assert_int_eq(cs_cluster_apply_object(world.cluster, &cs_kind_service, &service->base,
						 &events, NULL),
			 0);
	Kube__ReplicaSet *set = NEW(Kube__ReplicaSet, KUBE__REPLICA_SET__INIT);
	set->metadata = new_metadata(format_text("set-%u", i, 0), NULL);
	set->spec = NEW(Kube__ReplicaSetSpec, KUBE__REPLICA_SET_SPEC__INIT);
	set->spec->selector = new_selector();
	ck_assert_int_eq(cs_cluster_apply_object(world.cluster, &cs_kind_replica_set, &set->base,
						 &events, NULL),
			 0);
}

static void remove_workloads(void)
{
	for (unsigned i = 0; i < 3; i++) {
		cs_cluster_remove_object(world.cluster, &cs_kind_service, "ns",
					 format_text("service-%u", i, 0));
		cs_cluster_remove_object(world.cluster, &cs_kind_replica_set, "ns",
					 format_text("set-%u", i, 0));
	}
}

static void step(void)
{
	unsigned i = roll(N_PODS);
	if (roll(50) == 0)
		step_workload();
	switch (roll(8)) {
	case 0:
		step_node();
		break;
	case 1:
	case 2:
		step_end(i);
		break;
	case 3:
	case 4:
		step_apply(i);
		break;
	default:
		step_decide(i);
	}
}

// ---- comparing ----

static void compare(void)
{
	static const int64_t cpu_of[N_KINDS] = { 100, 1000, 250, 0, 3000 };
	int64_t cpu[N_NODES] = { 0 };
	int64_t count[N_NODES] = { 0 };
	unsigned n_pods = 0, n_assumed = 0, n_up = 0;
	for (unsigned i = 0; i < N_PODS; i++) {
		if (!slots[i].there)
			continue;
		n_pods++;
		n_assumed += slots[i].state == CS_POD_ASSUMED;
		ck_assert_int_eq(find(i)->state, slots[i].state);
		if (slots[i].node < 0)
			continue;
		cpu[slots[i].node] += cpu_of[slots[i].kind];
		count[slots[i].node]++;
	}
	for (unsigned i = 0; i < N_NODES; i++) {
		n_up += nodes_up[i];
		uint32_t row = cs_cluster_find_node(world.cluster, format_text("node-%u", i, 0));
		ck_assert(nodes_up[i] == (row != CS_ROW_NONE));
		if (row == CS_ROW_NONE)
			continue;
		ck_assert_int_eq(world.nodes->requested[CS_RESOURCE_CPU][row], cpu[i]);
		ck_assert_int_eq(world.nodes->n_pods[row], count[i]);
	}
	struct cs_cluster_counts counts = cs_cluster_count(world.cluster);
	ck_assert_uint_eq(counts.pods, n_pods);
	ck_assert_uint_eq(counts.assumed, n_assumed);
	ck_assert_uint_eq(counts.nodes, n_up);
	world_check(&world);
}

START_TEST(random_changes)
{
	world_begin(&world);
	cs_random_init(&dice, (uint64_t)_i);
	memset(slots, 0, sizeof(slots));
	memset(nodes_up, 0, sizeof(nodes_up));
	for (int i = 0; i < STEPS / 2; i++) {
		step();
		if (i % 32 == 0)
			compare();
		cs_arena_reset(world.arena);
	}
	// Everything goes: nothing interned may be left behind.
	for (unsigned i = 0; i < N_PODS; i++)
		if (slots[i].there)
			cs_cluster_remove_pod(world.cluster, find(i));
	for (unsigned i = 0; i < N_NODES; i++)
		cs_cluster_remove_node(world.cluster, format_text("node-%u", i, 0));
	remove_workloads();
	world_check(&world);
	struct cs_cluster_counts counts = cs_cluster_count(world.cluster);
	ck_assert_uint_eq(counts.nodes + counts.pods + counts.footprints + counts.demands, 0);
	ck_assert_uint_eq(cs_intern_count(cs_cluster_strings(world.cluster)),
			  CS_RESOURCE_FIXED_COUNT);
	world_end(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/random");
	TCase *tcase = tcase_create("random");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, random_changes, 1, 3);
	suite_add_tcase(suite, tcase);
	return suite;
}
