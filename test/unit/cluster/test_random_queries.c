// Random lives of pods, nodes, namespaces and queries, against a model that asks kube's selector
// about every pod anew, and the self-check. Neighbours: query.c, carried.c, topology.c;
// test_random.c does the same for the rest of the model.
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/kube/selector.h>
#include <stdio.h>
#include <string.h>

#include "cluster/cluster_internal.h"
#include "world.h"

#define N_NODES 9
#define N_PODS  60
#define STEPS   20000

static struct world world;
static struct cs_random dice;
static struct cs_arena *terms_arena;

static unsigned roll(unsigned n)
{
	return (unsigned)cs_random_below(&dice, n);
}

// ---- the plain model ----

static const char *const namespace_names[] = { "a", "b", "c" };
static const char *const namespace_labels[] = { "", "team: red", "team: blue, size: big" };
#define N_NAMESPACES 3

// What a namespace's labels are: a row of namespace_labels, or -1 while it is not listed.
static int listed[N_NAMESPACES];

static const char *const k_values[] = { "", "k: v", "k: w", "k: ''" };
static const char *const l_values[] = { "", "l: x", "l: z" };

static struct slot {
	bool there;
	unsigned serial;
	unsigned namespace;
	unsigned k, l;
	unsigned carries;
	bool terminating;
	enum cs_pod_state state;
	int node;
} slots[N_PODS];

static bool nodes_up[N_NODES];

// ---- the questions ----

static const char *const terms[] = {
	"{namespaces: [a], labelSelector: {matchLabels: {k: v}}}",
	"{namespaces: [a, b], labelSelector: {matchLabels: {k: v, l: x}}}",
	"{namespaces: [b], labelSelector: {}}",
	"{namespaces: [a, c], labelSelector: {matchExpressions: [{key: k, operator: In, values: "
	"[v, "
	"w]}]}}",
	"{namespaces: [c], labelSelector: {matchExpressions: [{key: k, operator: NotIn, values: "
	"[v]}, {key: l, operator: Exists}]}}",
	"{namespaceSelector: {}, labelSelector: {matchLabels: {l: x}}}",
	"{namespaceSelector: {matchLabels: {team: red}}, labelSelector: {matchExpressions: [{key: "
	"k, "
	"operator: DoesNotExist}]}}",
	"{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [red, blue]}]}, "
	"namespaces: [c], labelSelector: {matchLabels: {k: ''}}}",
	"{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}, "
	"labelSelector: {matchLabels: {k: w}}}",
	"{namespaceSelector: {matchLabels: {size: big}}, labelSelector: {}}",
};
#define N_TERMS (sizeof(terms) / sizeof(terms[0]))

// A query is one term, or two in a conjunction.
static struct question {
	const Kube__PodAffinityTerm *parts[2];
	unsigned n;
	struct cs_query *query; // NULL while it is not registered
} questions[2 * N_TERMS];
#define N_QUESTIONS (2 * N_TERMS)

static const Kube__PodAffinityTerm *read_term(const char *term)
{
	struct cs_arena *steps = world.arena;
	world.arena = terms_arena;
	const Kube__Pod *pod = read_pod(&world,
					"{spec: {affinity: {podAffinity: "
					"{requiredDuringSchedulingIgnoredDuringExecution: [%s]}}}}",
					term);
	world.arena = steps;
	return pod->spec->affinity->pod_affinity
		->required_during_scheduling_ignored_during_execution[0];
}

static void read_questions(void)
{
	memset(questions, 0, sizeof(questions));
	for (unsigned i = 0; i < N_QUESTIONS; i++) {
		questions[i].n = i < N_TERMS ? 1 : 2;
		questions[i].parts[0] = read_term(terms[i % N_TERMS]);
		questions[i].parts[1] = read_term(terms[(i * 7 + 3) % N_TERMS]);
	}
}

// Labels of a row of the tables above, as an API object has them.
struct labels {
	Kube__StringEntry entries[2];
	size_t n;
};

static void add_label(struct labels *labels, const char *key, const char *value)
{
	Kube__StringEntry *entry = &labels->entries[labels->n];
	*entry = (Kube__StringEntry)KUBE__STRING_ENTRY__INIT;
	entry->key = (char *)(uintptr_t)key;
	entry->value = (char *)(uintptr_t)value;
	labels->n++;
}

static bool selects(const Kube__LabelSelector *selector, struct labels *labels)
{
	Kube__StringEntry *list[] = { &labels->entries[0], &labels->entries[1] };
	bool matches;
	ck_assert_int_eq(cs_label_selector_matches(selector, list, labels->n, &matches, NULL), 0);
	return matches;
}

static struct labels labels_of_namespace(unsigned i)
{
	struct labels labels = { .n = 0 };
	if (listed[i] == 1)
		add_label(&labels, "team", "red");
	if (listed[i] == 2) {
		add_label(&labels, "team", "blue");
		add_label(&labels, "size", "big");
	}
	return labels;
}

static bool term_matches(const Kube__PodAffinityTerm *term, const struct slot *slot, bool incoming)
{
	bool namespace = false;
	for (size_t i = 0; i < term->n_namespaces; i++)
	namespace |= strcmp(term->namespaces[i], namespace_names[slot->namespace]) == 0;
	struct labels of_namespace = labels_of_namespace(slot->namespace);
	struct labels none = { .n = 0 };
	namespace |= selects(term->namespace_selector, &of_namespace);
	namespace |= incoming && selects(term->namespace_selector, &none);
	struct labels labels = { .n = 0 };
	static const char *const k[] = { NULL, "v", "w", "" };
	static const char *const l[] = { NULL, "x", "z" };
	if (k[slot->k])
		add_label(&labels, "k", k[slot->k]);
	if (l[slot->l])
		add_label(&labels, "l", l[slot->l]);
	return namespace && selects(term->label_selector, &labels);
}

static bool question_matches(const struct question *question, const struct slot *slot)
{
	for (unsigned i = 0; i < question->n; i++)
		if (!term_matches(question->parts[i], slot, true))
			return false;
	return true;
}

// ---- steps ----

static const char *text(const char *format, unsigned a, unsigned b)
{
	char *out = cs_arena_alloc(world.arena, 64);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(out, 64, format, a, b);
#pragma GCC diagnostic pop
	return out;
}

static struct cs_pod *find(unsigned i)
{
	return cs_cluster_find_pod(world.cluster, text("uid-%u-%u", i, slots[i].serial));
}

// The same for all pods that carry a set: terms of every kind.
static const char *affinity(unsigned carries)
{
	if (carries == 0)
		return "";
	const char *term = terms[(carries * 3) % N_TERMS];
	const char *other = terms[(carries * 5 + 1) % N_TERMS];
	const char *zone = carries % 2 ? "zone" : "host";
	return cs_arena_printf(
		world.arena,
		"affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		"[{topologyKey: %s, %s], preferredDuringSchedulingIgnoredDuringExecution: "
		"[{weight: "
		"%u, podAffinityTerm: {topologyKey: host, %s}]}, podAntiAffinity: "
		"{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, %s], "
		"preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3, podAffinityTerm: "
		"{topologyKey: zone, labelSelector: {matchLabels: {k: v}}}}]}}",
		zone, term + 1, carries, other + 1, term + 1);
}

static void apply(unsigned i)
{
	struct slot *slot = &slots[i];
	const char *comma = slot->k && slot->l ? ", " : "";
	const Kube__Pod *pod = read_pod(
		&world,
		"{metadata: {name: p%u, uid: uid-%u-%u, namespace: %s, labels: {%s%s%s}%s}, spec: "
		"{%s%s%s}}",
		i, i, slot->serial, namespace_names[slot->namespace], k_values[slot->k], comma,
		l_values[slot->l],
		slot->terminating ? ", deletionTimestamp: '2026-01-01T00:00:00Z'" : "",
		slot->state == CS_POD_BOUND ? text("nodeName: n%u", (unsigned)slot->node, 0) : "",
		slot->state == CS_POD_BOUND && slot->carries ? ", " : "", affinity(slot->carries));
	ck_assert_msg(apply_pod(&world, pod) == 0, "%s", world.err.text);
}

static void step_pod(unsigned i)
{
	struct slot *slot = &slots[i];
	if (!slot->there)
		*slot = (struct slot){ .there = true,
				       .serial = slot->serial + 1,
				       .namespace = roll(N_NAMESPACES),
				       .carries = roll(3) ? 0 : roll(5),
				       .node = -1 };
	slot->k = roll(4);
	slot->l = roll(3);
	slot->terminating = roll(5) == 0;
	if (slot->state != CS_POD_BOUND && roll(2)) {
		slot->state = CS_POD_BOUND;
		slot->node = (int)roll(N_NODES); // which may be down: a ghost row
	}
	apply(i);
}

static void step_decide(unsigned i)
{
	struct slot *slot = &slots[i];
	unsigned node = roll(N_NODES);
	if (!slot->there || slot->state == CS_POD_BOUND)
		return;
	if (slot->state == CS_POD_ASSUMED) {
		cs_cluster_forget(world.cluster, find(i));
		slot->state = CS_POD_UNBOUND;
		slot->node = -1;
	} else if (nodes_up[node]) {
		uint32_t row = cs_cluster_find_node(world.cluster, text("n%u", node, 0));
		cs_cluster_assume(world.cluster, find(i), row);
		slot->state = CS_POD_ASSUMED;
		slot->node = (int)node;
	}
}

static void step_suppose(unsigned i)
{
	unsigned node = roll(N_NODES);
	if (!slots[i].there || slots[i].state != CS_POD_UNBOUND || !nodes_up[node])
		return;
	uint32_t row = cs_cluster_find_node(world.cluster, text("n%u", node, 0));
	struct cs_pod *pod = find(i);
	uint64_t before[N_QUESTIONS];
	for (unsigned q = 0; q < N_QUESTIONS; q++)
		before[q] = questions[q].query
				    ? cs_query_counts(questions[q].query)->total_live +
					      cs_query_counts(questions[q].query)->total_terminating
				    : 0;
	cs_cluster_suppose(world.cluster, pod, row);
	for (unsigned q = 0; q < N_QUESTIONS; q++) {
		if (!questions[q].query)
			continue;
		const struct cs_row_counts *counts = cs_query_counts(questions[q].query);
		ck_assert_uint_eq(counts->total_live + counts->total_terminating,
				  before[q] + question_matches(&questions[q], &slots[i]));
	}
	cs_cluster_unsuppose(world.cluster, pod);
}

static void step_node(unsigned i)
{
	if (nodes_up[i] && roll(3) == 0) {
		cs_cluster_remove_node(world.cluster, text("n%u", i, 0));
		nodes_up[i] = false;
		return;
	}
	const Kube__Node *node = read_node(&world, "{metadata: {name: n%u, labels: {host: h%u%s}}}",
					   i, i, roll(3) ? text(", zone: z%u", roll(3), 0) : "");
	ck_assert_int_eq(apply_node(&world, node), 0);
	nodes_up[i] = true;
}

static void step_namespace(unsigned i)
{
	if (roll(4) == 0) {
		cs_cluster_remove_object(world.cluster, &cs_kind_namespace, NULL,
					 namespace_names[i]);
		listed[i] = -1;
		return;
	}
	listed[i] = (int)roll(3);
	ck_assert_int_eq(apply_object(&world, &cs_kind_namespace,
				      "{metadata: {name: %s, labels: {%s}}}", namespace_names[i],
				      namespace_labels[listed[i]]),
			 0);
}

static void forget_question(struct question *question)
{
	cs_query_unref(&world.cluster->queries, question->query);
	question->query = NULL;
}

static void step_question(struct question *question)
{
	if (question->query) {
		forget_question(question);
		return;
	}
	struct cs_pod_match_source sources[2];
	for (unsigned i = 0; i < question->n; i++)
		sources[i] = (struct cs_pod_match_source){
			.n_namespaces = question->parts[i]->n_namespaces,
			.namespaces = question->parts[i]->namespaces,
			.namespace_selector = question->parts[i]->namespace_selector,
			.selector = question->parts[i]->label_selector,
		};
	ck_assert_int_eq(
		cs_query_ref(&world.cluster->queries, sources, question->n, &question->query, NULL),
		0);
}

static void step(void)
{
	unsigned i = roll(N_PODS);
	switch (roll(10)) {
	case 0:
		step_node(roll(N_NODES));
		break;
	case 1:
		step_namespace(roll(N_NAMESPACES));
		break;
	case 2:
		step_question(&questions[roll(N_QUESTIONS)]);
		break;
	case 3:
		step_suppose(i);
		break;
	case 4:
	case 5:
		step_decide(i);
		break;
	case 6:
		if (slots[i].there)
			cs_cluster_remove_pod(world.cluster, find(i));
		slots[i].there = false;
		break;
	default:
		step_pod(i);
	}
}

// ---- comparing ----

static void compare_question(const struct question *question)
{
	struct cs_row_count expected[N_NODES] = { 0 };
	uint64_t total = 0;
	for (unsigned i = 0; i < N_PODS; i++) {
		if (!slots[i].there)
			continue;
		bool matches = question_matches(question, &slots[i]);
		ck_assert(cs_query_matches(question->query, find(i)->labels) == matches);
		if (!matches || slots[i].node < 0)
			continue;
		total++;
		if (slots[i].terminating)
			expected[slots[i].node].terminating++;
		else
			expected[slots[i].node].live++;
	}
	const struct cs_row_counts *counts = cs_query_counts(question->query);
	ck_assert_uint_eq(counts->total_live + counts->total_terminating, total);
	for (unsigned node = 0; node < N_NODES; node++) {
		uint32_t row = cs_nodes_find(&world.cluster->nodes, text("n%u", node, 0));
		struct cs_row_count count = { 0 };
		if (row != CS_ROW_NONE)
			count = cs_row_counts_get(counts, row);
		ck_assert_uint_eq(count.live, expected[node].live);
		ck_assert_uint_eq(count.terminating, expected[node].terminating);
	}
}

// How many required anti-affinity terms the pod meets: they are terms[carries * 3].
static void compare_carried(unsigned i)
{
	if (!slots[i].there)
		return;
	uint64_t expected = 0, met = 0;
	for (unsigned j = 0; j < N_PODS; j++)
		expected += slots[j].there && slots[j].node >= 0 && slots[j].carries &&
			    term_matches(questions[slots[j].carries * 3 % N_TERMS].parts[0],
					 &slots[i], false);
	uint32_t n;
	const struct cs_carried *const *carried = cs_cluster_carried(world.cluster, find(i), &n);
	for (uint32_t j = 0; j < n; j++)
		if (carried[j]->kind == CS_CARRIED_ANTI_AFFINITY)
			met += carried[j]->carriers.total_live +
			       carried[j]->carriers.total_terminating;
	ck_assert_uint_eq(met, expected);
}

START_TEST(random_changes)
{
	world_begin(&world);
	terms_arena = cs_arena_create();
	cs_random_init(&dice, (uint64_t)_i);
	memset(slots, 0, sizeof(slots));
	memset(nodes_up, 0, sizeof(nodes_up));
	memset(listed, -1, sizeof(listed));
	read_questions();
	for (int i = 0; i < STEPS; i++) {
		// The answer before must not be remembered when it is another after.
		unsigned watched = roll(N_PODS);
		compare_carried(watched);
		step();
		compare_carried(watched);
		if (i % 64 == 0) {
			for (unsigned q = 0; q < N_QUESTIONS; q++)
				if (questions[q].query)
					compare_question(&questions[q]);
			world_check(&world);
		}
		cs_arena_reset(world.arena);
	}
	for (unsigned i = 0; i < N_PODS; i++)
		if (slots[i].there)
			cs_cluster_remove_pod(world.cluster, find(i));
	for (unsigned i = 0; i < N_NODES; i++)
		cs_cluster_remove_node(world.cluster, text("n%u", i, 0));
	for (unsigned i = 0; i < N_NAMESPACES; i++)
		cs_cluster_remove_object(world.cluster, &cs_kind_namespace, NULL,
					 namespace_names[i]);
	for (unsigned q = 0; q < N_QUESTIONS; q++)
		forget_question(&questions[q]);
	ck_assert_uint_eq(cs_intern_count(cs_cluster_strings(world.cluster)),
			  CS_RESOURCE_FIXED_COUNT);
	cs_arena_destroy(terms_arena);
	world_end(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/random_queries");
	TCase *tcase = tcase_create("random_queries");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, random_changes, 1, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}
