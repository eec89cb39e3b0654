// Which carried terms meet a pending pod; here required anti-affinity, so: is it repelled?
// Neighbours: lib/cluster/carried.c.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/cluster/query.h>

#include "world.h"

static struct world world;

// Whether some term that is carried meets the pod.
static bool is_met(const struct cs_pod *pod)
{
	uint32_t n;
	const struct cs_carried *const *carried = cs_cluster_carried(world.cluster, pod, &n);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_uint_gt(carried[i]->carriers.n_used, 0);
	return n > 0;
}

static void setup(void)
{
	world_begin(&world);
	add_node(&world, "n1", "status: {allocatable: {cpu: 8, pods: 10}}");
}

static void teardown(void)
{
	world_end(&world);
}

// A bound pod in namespace "theirs" that carries one term.
static struct cs_pod *add_carrier(const char *name, const char *term)
{
	const Kube__Pod *pod = read_pod(
		&world,
		"{metadata: {name: %s, namespace: theirs, uid: %s}, spec: {nodeName: n1, affinity: "
		"{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [%s]}}}}",
		name, name, term);
	ck_assert_msg(apply_pod(&world, pod) == 0, "%s", world.err.text);
	return world.change.pod;
}

static struct cs_pod *add_incoming(const char *namespace, const char *labels)
{
	const Kube__Pod *pod = read_pod(
		&world, "{metadata: {name: in, namespace: %s, uid: in-%s, labels: {%s}}, spec: {}}",
		namespace, namespace, labels);
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	return world.change.pod;
}

static const struct {
	const char *term;
	const char *namespace;
	const char *labels;
	bool repelled;
} cases[] = {
	{ "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}", "theirs", "a: b", true },
	{ "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}", "theirs", "a: b, c: d", true },
	{ "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}", "theirs", "a: c", false },
	{ "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}", "theirs", "", false },
	{ "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}", "ours", "a: b", false },
	{ "{topologyKey: k, labelSelector: {}}", "theirs", "", true },
	{ "{topologyKey: k}", "theirs", "a: b", false }, // no selector matches nothing
	{ "{topologyKey: k, namespaces: [ours], labelSelector: {}}", "ours", "", true },
	{ "{topologyKey: k, namespaces: [ours], labelSelector: {}}", "theirs", "", false },
	{ "{topologyKey: k, namespaces: [x, ours, z], labelSelector: {}}", "ours", "", true },
	{ "{topologyKey: k, namespaceSelector: {}, labelSelector: {}}", "ours", "", true },
	// a namespace that is not known has no labels
	{ "{topologyKey: k, namespaceSelector: {matchLabels: {a: b}}, labelSelector: {}}", "ours",
	  "", false },
	{ "{topologyKey: k, namespaceSelector: {}, labelSelector: {matchLabels: {a: b}}}", "ours",
	  "a: c", false },
	{ "{topologyKey: k, labelSelector: {matchExpressions: [{key: a, operator: NotIn, values: "
	  "[b]}]}}",
	  "theirs", "a: c", true },
	{ "{topologyKey: k, labelSelector: {matchExpressions: [{key: a, operator: NotIn, values: "
	  "[b]}]}}",
	  "theirs", "a: b", false },
	{ "{topologyKey: k, labelSelector: {matchLabels: {a: c}}}, "
	  "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}",
	  "theirs", "a: b", true },
};

START_TEST(repelled)
{
	struct cs_pod *incoming = add_incoming(cases[_i].namespace, cases[_i].labels);
	ck_assert(!is_met(incoming));
	struct cs_pod *carrier = add_carrier("carrier", cases[_i].term);
	ck_assert(is_met(incoming) == cases[_i].repelled);
	ck_assert(is_met(incoming) == cases[_i].repelled);
	cs_cluster_remove_pod(world.cluster, carrier);
	ck_assert(!is_met(incoming));
}
END_TEST

START_TEST(terms_are_shared_and_counted)
{
	const char *term = "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}";
	struct cs_pod *first = add_carrier("first", term);
	struct cs_pod *second = add_carrier("second", term);
	ck_assert_ptr_eq(first->footprint, second->footprint);
	struct cs_pod *incoming = add_incoming("theirs", "a: b");
	ck_assert(is_met(incoming));
	cs_cluster_remove_pod(world.cluster, first);
	ck_assert(is_met(incoming));
	world_check(&world);
	cs_cluster_remove_pod(world.cluster, second);
	ck_assert(!is_met(incoming));
}
END_TEST

START_TEST(a_pending_carrier_repels_nobody_until_it_is_assumed)
{
	const Kube__Pod *pod = read_pod(
		&world, "{metadata: {name: a, namespace: theirs, uid: a}, spec: {affinity: "
			"{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			"[{topologyKey: k, labelSelector: {}}]}}}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	struct cs_pod *carrier = world.change.pod;
	struct cs_pod *incoming = add_incoming("theirs", "a: b");
	ck_assert(!is_met(incoming));
	cs_cluster_assume(world.cluster, carrier, 0);
	ck_assert(is_met(incoming));
	cs_cluster_forget(world.cluster, carrier);
	ck_assert(!is_met(incoming));
}
END_TEST

START_TEST(changed_labels_are_looked_at_again)
{
	add_carrier("carrier", "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}");
	struct cs_pod *incoming = add_incoming("theirs", "a: b");
	ck_assert(is_met(incoming));
	ck_assert_ptr_eq(add_incoming("theirs", "a: c"), incoming);
	ck_assert(world.change.demand_changed);
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_LABEL);
	ck_assert(!is_met(incoming));
}
END_TEST

// A label set may come to stand where one that was asked about has been.
START_TEST(an_answer_dies_with_its_labels)
{
	add_carrier("carrier", "{topologyKey: k, labelSelector: {matchLabels: {a: b}}}");
	for (int i = 0; i < 10; i++) {
		struct cs_pod *met = add_incoming("theirs", "a: b");
		ck_assert(is_met(met));
		cs_cluster_remove_pod(world.cluster, met);
		struct cs_pod *other = add_incoming("theirs", "a: c");
		ck_assert(!is_met(other));
		cs_cluster_remove_pod(world.cluster, other);
	}
}
END_TEST

START_TEST(many_terms)
{
	char name[32], term[128];
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(term, sizeof(term),
			 "{topologyKey: k, labelSelector: {matchLabels: {app: a%d}}}", i);
		add_carrier(name, term);
	}
	ck_assert(is_met(add_incoming("theirs", "app: a299")));
	ck_assert(!is_met(add_incoming("theirs", "app: a300")));
	ck_assert(!is_met(add_incoming("ours", "app: a299")));
}
END_TEST

// A list with a malformed term counts for nothing, as upstream; the others do.
START_TEST(malformed_lists_are_left_out)
{
	const Kube__Pod *pod = read_pod(
		&world,
		"{metadata: {name: a, namespace: theirs, uid: a}, spec: {nodeName: n1, affinity: "
		"{podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3, "
		"podAffinityTerm: {topologyKey: k, labelSelector: {}}}]}, "
		"podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
		"k, labelSelector: {matchExpressions: [{key: a, operator: Odd}]}}, {topologyKey: "
		"k, "
		"labelSelector: {matchLabels: {a: b}}}]}}}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert_uint_eq(world.change.pod->footprint->n_carried, 1);
	ck_assert_int_eq(world.change.pod->footprint->carried[0]->weight, 3);
	uint32_t n;
	const struct cs_carried *const *carried =
		cs_cluster_carried(world.cluster, add_incoming("theirs", "a: b"), &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(carried[0]->kind, CS_CARRIED_PREFERENCE);
}
END_TEST

// It is decided without its terms: InterPodAffinity rejects it in these words.
START_TEST(a_pending_pod_with_a_malformed_term)
{
	const Kube__Pod *pod = read_pod(
		&world,
		"{metadata: {name: a, namespace: theirs, uid: a}, spec: {affinity: {podAffinity: "
		"{preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: "
		"{topologyKey: k, labelSelector: {matchLabels: {a: -}}}}]}}}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	const struct cs_demand *demand = world.change.pod->demand;
	ck_assert_ptr_null(demand->unsupported_field);
	ck_assert_uint_eq(demand->affinity.n_preferred, 0);
	ck_assert_msg(cs_string_prefix(demand->affinity.error,
				       "preferredAffinityTerms: values[0][a]: Invalid value: "
				       "\"-\": a valid label must be an empty string"),
		      "%s", demand->affinity.error);
	// Every list is read, and of each the first term that cannot be is told of.
	pod = read_pod(&world,
		       "{metadata: {name: b, namespace: theirs, uid: b}, spec: {affinity: "
		       "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		       "[{topologyKey: k, labelSelector: {matchLabels: {a: b}}}, {topologyKey: k, "
		       "namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: "
		       "[v]}]}}]}, podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		       "[{topologyKey: k, labelSelector: {matchExpressions: [{key: a, operator: "
		       "Gt, values: ['1']}]}}]}}}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert_str_eq(world.change.pod->demand->affinity.error,
			 "[requiredAffinityTerms: \"Gt\" is not a valid label selector operator, "
			 "requiredAntiAffinityTerms: values: Invalid value: [\"v\"]: values set "
			 "must be empty for exists and does not exist]");
	world_check(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/carried");
	TCase *tcase = tcase_create("carried");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, repelled, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, terms_are_shared_and_counted);
	tcase_add_test(tcase, a_pending_carrier_repels_nobody_until_it_is_assumed);
	tcase_add_test(tcase, changed_labels_are_looked_at_again);
	tcase_add_test(tcase, an_answer_dies_with_its_labels);
	tcase_add_test(tcase, many_terms);
	tcase_add_test(tcase, malformed_lists_are_left_out);
	tcase_add_test(tcase, a_pending_pod_with_a_malformed_term);
	suite_add_tcase(suite, tcase);
	return suite;
}
