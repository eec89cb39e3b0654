// Queries: what they match and that their counts follow the pods. Neighbours: lib/cluster/query.c
// and label_set.c; world_check evaluates every query on every pod afresh.
#include <csched/kube/codec.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cluster/cluster_internal.h"
#include "world.h"

static struct world world;
static struct cs_query *queries[64];
static size_t n_queries;

static void setup(void)
{
	world_begin(&world);
	n_queries = 0;
	add_node(&world, "n1", "status: {allocatable: {cpu: 8, pods: 10}}");
	add_node(&world, "n2", "status: {allocatable: {cpu: 8, pods: 10}}");
}

static void teardown(void)
{
	for (size_t i = 0; i < n_queries; i++)
		cs_query_unref(&world.cluster->queries, queries[i]);
	world_end(&world);
}

// A question written as a pod affinity term, and whether it was understood.
static struct cs_pod_match_source source(const char *term)
{
	const Kube__Pod *pod = read_pod(&world,
					"{spec: {affinity: {podAffinity: "
					"{requiredDuringSchedulingIgnoredDuringExecution: [%s]}}}}",
					term);
	const Kube__PodAffinityTerm *from =
		pod->spec->affinity->pod_affinity
			->required_during_scheduling_ignored_during_execution[0];
	return (struct cs_pod_match_source){
		.n_namespaces = from->n_namespaces,
		.namespaces = from->namespaces,
		.namespace_selector = from->namespace_selector,
		.selector = from->label_selector,
	};
}

static int try_query(struct cs_query **ret, const char *first, const char *second)
{
	struct cs_pod_match_source sources[2] = { source(first) };
	if (second)
		sources[1] = source(second);
	world.err = (struct cs_error){ 0 };
	return cs_query_ref(&world.cluster->queries, sources, second ? 2 : 1, ret, &world.err);
}

static struct cs_query *query(const char *first, const char *second)
{
	struct cs_query *made;
	ck_assert_msg(try_query(&made, first, second) == 0, "%s", world.err.text);
	ck_assert_ptr_nonnull(made);
	queries[n_queries++] = made;
	world_check(&world);
	return made;
}

static struct cs_pod *put_pod(const char *uid, const char *namespace, const char *labels,
			      const char *more)
{
	const Kube__Pod *pod =
		read_pod(&world, "{metadata: {name: %s, uid: %s, namespace: %s, labels: {%s}}, %s}",
			 uid, uid, namespace, labels, more);
	ck_assert_msg(apply_pod(&world, pod) == 0, "%s", world.err.text);
	world_check(&world);
	return world.change.pod;
}

static struct cs_row_count at(const struct cs_query *asked, const char *node)
{
	return cs_row_counts_get(cs_query_counts(asked), cs_cluster_find_node(world.cluster, node));
}

// ---- what matches ----

static const struct {
	const char *term;
	const char *namespace;
	const char *labels;
	bool matches;
} cases[] = {
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}", "a", "k: v", true },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}", "a", "k: v, l: w", true },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}", "a", "k: w", false },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}", "a", "l: v", false },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}", "a", "", false },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}", "b", "k: v", false },
	{ "{namespaces: [b, a], labelSelector: {matchLabels: {k: v}}}", "a", "k: v", true },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v, l: w}}}", "a", "k: v", false },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: v, l: w}}}", "a", "l: w, k: v",
	  true },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: ''}}}", "a", "k: ''", true },
	{ "{namespaces: [a], labelSelector: {matchLabels: {k: ''}}}", "a", "", false },
	{ "{namespaces: [a], labelSelector: {}}", "a", "", true },
	{ "{namespaces: [a], labelSelector: {}}", "b", "", false },
#define ON_A(expression) \
	"{namespaces: [a], labelSelector: {matchExpressions: [{key: k, " expression "}]}}", "a"
	{ ON_A("operator: In, values: [v, w]"), "k: w", true },
	{ ON_A("operator: In, values: [v, w]"), "k: x", false },
	{ ON_A("operator: In, values: [v, w]"), "", false },
	{ ON_A("operator: NotIn, values: [v, w]"), "k: v", false },
	{ ON_A("operator: NotIn, values: [v, w]"), "k: x", true },
	{ ON_A("operator: NotIn, values: [v, w]"), "", true },
	{ ON_A("operator: Exists"), "k: x", true },
	{ ON_A("operator: Exists"), "l: x", false },
	{ ON_A("operator: DoesNotExist"), "k: x", false },
	{ ON_A("operator: DoesNotExist"), "l: x", true },
	// namespaces that nobody has listed: only a selector that accepts no labels at all
	{ "{namespaceSelector: {}, labelSelector: {}}", "a", "", true },
	{ "{namespaceSelector: {matchLabels: {k: v}}, labelSelector: {}}", "a", "", false },
	{ "{namespaceSelector: {matchLabels: {k: v}}, namespaces: [a], labelSelector: {}}", "a", "",
	  true },
	{ "{namespaceSelector: {matchExpressions: [{key: k, operator: DoesNotExist}]}, "
	  "labelSelector: {}}",
	  "a", "", true },
};

START_TEST(matches)
{
	struct cs_pod *before =
		put_pod("before", cases[_i].namespace, cases[_i].labels, "spec: {nodeName: n1}");
	struct cs_query *asked = query(cases[_i].term, NULL);
	struct cs_pod *after =
		put_pod("after", cases[_i].namespace, cases[_i].labels, "spec: {nodeName: n1}");
	put_pod("other", "elsewhere", "only: this", "spec: {nodeName: n1}");
	ck_assert(cs_query_matches(asked, before->labels) == cases[_i].matches);
	ck_assert_ptr_eq(before->labels, after->labels);
	ck_assert_uint_ge(at(asked, "n1").live, cases[_i].matches ? 2 : 0);
	// As good when the label set comes after the query.
	cs_cluster_remove_pod(world.cluster, before);
	cs_cluster_remove_pod(world.cluster, after);
	after = put_pod("again", cases[_i].namespace, cases[_i].labels, "spec: {nodeName: n1}");
	ck_assert(cs_query_matches(asked, after->labels) == cases[_i].matches);
}
END_TEST

START_TEST(a_conjunction_needs_all)
{
	struct cs_query *both = query("{namespaces: [a], labelSelector: {matchLabels: {k: v}}}",
				      "{namespaces: [a, b], labelSelector: {matchLabels: {l: w}}}");
	put_pod("first", "a", "k: v", "spec: {nodeName: n1}");
	put_pod("second", "a", "k: v, l: w", "spec: {nodeName: n1}");
	put_pod("third", "b", "k: v, l: w", "spec: {nodeName: n1}");
	ck_assert_uint_eq(cs_query_counts(both)->total_live, 1);
	struct cs_query *never = query("{namespaces: [a], labelSelector: {}}",
				       "{namespaces: [b], labelSelector: {}}");
	ck_assert_uint_eq(cs_query_counts(never)->total_live, 0);
	struct cs_query *anywhere =
		query("{namespaceSelector: {}, labelSelector: {}}",
		      "{namespaces: [b], labelSelector: {matchLabels: {l: w}}}");
	ck_assert_uint_eq(cs_query_counts(anywhere)->total_live, 1);
}
END_TEST

START_TEST(the_same_question_is_one_query)
{
	struct cs_query *one = query(
		"{namespaces: [b, a], labelSelector: {matchLabels: {k: v, l: w}, matchExpressions: "
		"[{key: m, operator: NotIn, values: [u, x]}]}}",
		NULL);
	struct cs_query *other = query(
		"{namespaces: [a, b, a], labelSelector: {matchExpressions: [{key: m, operator: "
		"NotIn, values: [x, u, x]}, {key: l, operator: In, values: [w]}, {key: k, "
		"operator: In, values: [v]}, {key: k, operator: In, values: [v]}]}}",
		NULL);
	ck_assert_ptr_eq(one, other);
	ck_assert_ptr_ne(one,
			 query("{namespaces: [a, b], labelSelector: {matchLabels: {k: v}}}", NULL));
	ck_assert_ptr_ne(query("{namespaceSelector: {}, labelSelector: {}}", NULL),
			 query("{namespaces: [a], labelSelector: {}}", NULL));
}
END_TEST

START_TEST(no_selector_is_no_query)
{
	struct cs_query *made;
	ck_assert_int_eq(try_query(&made, "{namespaces: [a]}", NULL), 0);
	ck_assert_ptr_null(made);
	ck_assert_int_eq(
		try_query(&made, "{namespaces: [a], labelSelector: {}}", "{namespaces: [a]}"), 0);
	ck_assert_ptr_null(made);
}
END_TEST

START_TEST(malformed_selectors_are_errors)
{
	struct cs_query *made;
	ck_assert_int_eq(try_query(&made,
				   "{namespaces: [a], labelSelector: {matchExpressions: [{key: k, "
				   "operator: Odd}]}}",
				   NULL),
			 -EINVAL);
	ck_assert_str_eq(world.err.text,
			 "labelSelector: matchExpressions[0]: operator: \"Odd\" is not known");
	ck_assert_int_eq(try_query(&made,
				   "{labelSelector: {}, namespaceSelector: {matchLabels: {k: -}}}",
				   NULL),
			 -EINVAL);
	ck_assert_msg(strstr(world.err.text, "namespaceSelector: matchLabels: ") == world.err.text,
		      "%s", world.err.text);
	ck_assert_ptr_null(made);
}
END_TEST

// ---- counts ----

#define KV "{namespaces: [a], labelSelector: {matchLabels: {k: v}}}"

START_TEST(bound_assumed_and_forgotten)
{
	struct cs_query *asked = query(KV, NULL);
	struct cs_pod *pod = put_pod("p", "a", "k: v", "spec: {}");
	ck_assert_uint_eq(cs_query_counts(asked)->total_live, 0);
	cs_cluster_assume(world.cluster, pod, cs_cluster_find_node(world.cluster, "n1"));
	ck_assert_uint_eq(at(asked, "n1").live, 1);
	world_check(&world);
	cs_cluster_forget(world.cluster, pod);
	ck_assert_uint_eq(at(asked, "n1").live, 0);
	cs_cluster_assume(world.cluster, pod, cs_cluster_find_node(world.cluster, "n1"));
	put_pod("p", "a", "k: v", "spec: {nodeName: n2}"); // the server says otherwise
	ck_assert_uint_eq(at(asked, "n1").live, 0);
	ck_assert_uint_eq(at(asked, "n2").live, 1);
	cs_cluster_remove_pod(world.cluster, pod);
	ck_assert_uint_eq(at(asked, "n2").live, 0);
}
END_TEST

START_TEST(supposed_pods_count_until_they_do_not)
{
	struct cs_query *asked = query(KV, NULL);
	struct cs_pod *pod = put_pod("p", "a", "k: v", "spec: {}");
	uint32_t row = cs_cluster_find_node(world.cluster, "n2");
	cs_cluster_suppose(world.cluster, pod, row);
	ck_assert_uint_eq(at(asked, "n2").live, 1);
	ck_assert_int_eq(world.nodes->n_pods[row], 1);
	ck_assert_int_eq(pod->state, CS_POD_UNBOUND);
	cs_cluster_unsuppose(world.cluster, pod);
	ck_assert_uint_eq(at(asked, "n2").live, 0);
	ck_assert_int_eq(world.nodes->n_pods[row], 0);
	world_check(&world);
}
END_TEST

START_TEST(terminating_pods_are_counted_apart)
{
	struct cs_query *asked = query(KV, NULL);
	put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	put_pod("q", "a", "k: v", "spec: {nodeName: n1}");
	const Kube__Pod *ends = read_pod(
		&world, "{metadata: {name: p, uid: p, namespace: a, labels: {k: v}, "
			"deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {nodeName: n1}}");
	ck_assert_int_eq(apply_pod(&world, ends), 0);
	world_check(&world);
	ck_assert_uint_eq(at(asked, "n1").live, 1);
	ck_assert_uint_eq(at(asked, "n1").terminating, 1);
	ck_assert(world.change.pod->terminating);
}
END_TEST

START_TEST(labels_change_on_a_node)
{
	struct cs_query *asked = query(KV, NULL);
	put_pod("p", "a", "k: w", "spec: {nodeName: n1}");
	ck_assert_uint_eq(at(asked, "n1").live, 0);
	put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	ck_assert_uint_eq(world.change.events, CS_EVENT_POD_LABEL);
	ck_assert_uint_eq(at(asked, "n1").live, 1);
	put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	ck_assert_uint_eq(world.change.events, 0);
	put_pod("p", "a", "", "spec: {nodeName: n1}");
	ck_assert_uint_eq(at(asked, "n1").live, 0);
}
END_TEST

START_TEST(a_new_query_counts_pods_that_are_there)
{
	char name[16], labels[64];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(labels, sizeof(labels), "k: v, index: '%d'", i / 2);
		put_pod(name, "a", labels, i % 3 ? "spec: {nodeName: n1}" : "spec: {nodeName: n2}");
	}
	struct cs_query *asked = query(KV, NULL);
	ck_assert_uint_eq(at(asked, "n1").live, 66);
	ck_assert_uint_eq(at(asked, "n2").live, 34);
}
END_TEST

START_TEST(a_query_given_back_is_forgotten)
{
	struct cs_pod *pod = put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	struct cs_query *made;
	ck_assert_int_eq(try_query(&made, KV, NULL), 0);
	struct cs_query *kept = query("{namespaces: [a], labelSelector: {}}", NULL);
	ck_assert_uint_eq(pod->labels->n_queries, 2);
	cs_query_unref(&world.cluster->queries, made);
	ck_assert_uint_eq(pod->labels->n_queries, 1);
	ck_assert(cs_query_matches(kept, pod->labels));
	world_check(&world);
}
END_TEST

// A pod alone with its labels costs no array of rows, and looking its queries up does not walk
// those of others.
START_TEST(pods_alone_with_their_labels_stay_cheap)
{
	char name[16], labels[64];
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(labels, sizeof(labels), "app: web, pod: p%d", i);
		struct cs_pod *pod = put_pod(name, "a", labels, "spec: {nodeName: n1}");
		ck_assert_ptr_null(pod->labels->counts);
		ck_assert_uint_eq(pod->labels->n_queries, 0);
	}
}
END_TEST

// ---- namespaces ----

static void list_namespace(const char *name, const char *labels)
{
	ck_assert_int_eq(apply_object(&world, &cs_kind_namespace,
				      "{metadata: {name: %s, labels: {%s}}}", name, labels),
			 0);
	world_check(&world);
}

START_TEST(namespaces_are_selected_by_label)
{
	list_namespace("a", "team: red");
	put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	put_pod("q", "b", "k: v", "spec: {nodeName: n1}");
	struct cs_query *red =
		query("{namespaceSelector: {matchLabels: {team: red}}, labelSelector: {}}", NULL);
	struct cs_query *not_red = query("{namespaceSelector: {matchExpressions: [{key: team, "
					 "operator: NotIn, values: [red]}]}, labelSelector: {}}",
					 NULL);
	ck_assert_uint_eq(cs_query_counts(red)->total_live, 1);
	// It accepts no labels at all, and so every namespace (as upstream).
	ck_assert_uint_eq(cs_query_counts(not_red)->total_live, 2);
	list_namespace("b", "team: red, more: labels");
	ck_assert_uint_eq(world.events, CS_EVENT_NAMESPACE);
	ck_assert_uint_eq(cs_query_counts(red)->total_live, 2);
	list_namespace("a", "team: blue");
	ck_assert_uint_eq(cs_query_counts(red)->total_live, 1);
	ck_assert_uint_eq(cs_query_counts(not_red)->total_live, 2);
	ck_assert_uint_eq(cs_cluster_remove_object(world.cluster, &cs_kind_namespace, NULL, "b"),
			  CS_EVENT_NAMESPACE);
	world_check(&world);
	ck_assert_uint_eq(cs_query_counts(red)->total_live, 0);
}
END_TEST

START_TEST(namespaces_come_before_and_after_their_pods)
{
	struct cs_query *red = query("{namespaceSelector: {matchLabels: {team: red}}, "
				     "labelSelector: {matchLabels: {k: v}}}",
				     NULL);
	list_namespace("a", "team: red");
	struct cs_pod *pod = put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	ck_assert_uint_eq(at(red, "n1").live, 1);
	cs_cluster_remove_pod(world.cluster, pod);
	list_namespace("a", "team: red");
	ck_assert_uint_eq(world.events, 0); // nothing new
	pod = put_pod("p", "a", "k: v", "spec: {nodeName: n1}");
	ck_assert_uint_eq(at(red, "n1").live, 1);
	list_namespace("z", "");
	ck_assert_uint_eq(world.events, CS_EVENT_NAMESPACE);
	ck_assert_uint_eq(cs_cluster_remove_object(world.cluster, &cs_kind_namespace, NULL, "no"),
			  0);
}
END_TEST

START_TEST(a_broken_namespace_is_an_error)
{
	ck_assert_int_eq(apply_object(&world, &cs_kind_namespace, "{metadata: {}}"), -EINVAL);
	ck_assert_str_eq(world.err.text, "namespace: metadata.name: missing");
	ck_assert_int_eq(apply_object(&world, &cs_kind_namespace, "{metadata: {name: a%0300d}}", 1),
			 -EINVAL);
}
END_TEST

// ---- what pending pods ask ----

#define TERM(labels) "{topologyKey: zone, labelSelector: {matchLabels: {" labels "}}}"
#define AFFINITY                                                                                   \
	"{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [" TERM(                   \
		"k: v") ", "                                                                       \
			"{topologyKey: host, labelSelector: {matchLabels: {l: w}}}], "             \
			"preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, "           \
			"podAffinityTerm: " TERM(                                                  \
				"k: w") "}]}, "                                                    \
					"podAntiAffinity: "                                        \
					"{requiredDuringSchedulingIgnoredDuringExecution: [" TERM( \
						"k: x") "], "                                      \
							"preferredDuringSchedulingIgnoredDuringEx" \
							"ecution: [{weight: 5, podAffinityTerm: "  \
							"{topologyKey: zone}}]}}"

START_TEST(a_demand_has_its_terms)
{
	struct cs_pod *pod = put_pod("p", "a", "", "spec: {affinity: " AFFINITY "}");
	struct cs_pod *other = put_pod("o", "a", "k: v", "spec: {affinity: " AFFINITY "}");
	struct cs_pod *elsewhere = put_pod("e", "b", "", "spec: {affinity: " AFFINITY "}");
	ck_assert_ptr_eq(pod->demand, other->demand);
	ck_assert_ptr_eq(pod->footprint, other->footprint);
	ck_assert_ptr_ne(pod->demand, elsewhere->demand); // its own namespace is meant
	const struct cs_pod_affinity *asked = &pod->demand->affinity;
	ck_assert_uint_eq(asked->n_required, 2);
	ck_assert_str_eq(cs_intern_string(world.cluster->strings, asked->required[1].topology->key),
			 "host");
	ck_assert_ptr_nonnull(asked->all_required);
	ck_assert_uint_eq(asked->n_anti, 1);
	ck_assert_ptr_eq(asked->anti[0].topology, asked->required[0].topology);
	ck_assert_uint_eq(asked->n_preferred, 2);
	ck_assert_int_eq(asked->preferred[0].weight, 7);
	ck_assert_int_eq(asked->preferred[1].weight, -5);
	ck_assert_ptr_null(asked->preferred[1].query); // no selector
	put_pod("x", "a", "k: v, l: w", "spec: {nodeName: n1}");
	put_pod("u", "a", "k: v", "spec: {nodeName: n1}");
	put_pod("z", "a", "k: x", "spec: {nodeName: n1}");
	ck_assert_uint_eq(at(asked->all_required, "n1").live, 1);
	ck_assert_uint_eq(at(asked->anti[0].query, "n1").live, 1);
	// The one without a selector meets nobody, so nobody carries it.
	ck_assert_uint_eq(pod->footprint->n_carried, 4);
}
END_TEST

// Labels as the Deployment and ReplicaSet controllers give them, and hostname anti-affinity with
// the matchLabelKeys that the API server has merged.
START_TEST(ten_thousand_replicas_are_one_demand)
{
	struct cs_pod *first = NULL;
	char name[32];
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "web-7d4b9c8f6-%05d", i);
		const Kube__Pod *pod = read_pod(
			&world,
			"{metadata: {name: %s, uid: %s, namespace: a, generateName: "
			"web-7d4b9c8f6-, labels: {app: web, pod-template-hash: 7d4b9c8f6}, "
			"ownerReferences: [{kind: ReplicaSet, name: web-7d4b9c8f6, uid: rs, "
			"controller: true}]}, spec: {containers: [{name: c, resources: "
			"{requests: {cpu: 100m}}}], affinity: {podAntiAffinity: "
			"{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
			"kubernetes.io/hostname, matchLabelKeys: [pod-template-hash], "
			"labelSelector: {matchLabels: {app: web}, matchExpressions: [{key: "
			"pod-template-hash, operator: In, values: [7d4b9c8f6]}]}}]}}}}",
			name, name);
		ck_assert_int_eq(apply_pod(&world, pod), 0);
		cs_arena_reset(world.arena);
		if (!first)
			first = world.change.pod;
		ck_assert_ptr_eq(world.change.pod->labels, first->labels);
	}
	struct cs_cluster_counts counts = cs_cluster_count(world.cluster);
	ck_assert_uint_eq(counts.pods, 10000);
	ck_assert_uint_eq(counts.demands, 1);
	ck_assert_uint_eq(counts.footprints, 1);
	ck_assert_uint_eq(cs_map_count(&world.cluster->queries.by_content), 1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/query");
	TCase *tcase = tcase_create("query");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, matches, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, a_conjunction_needs_all);
	tcase_add_test(tcase, the_same_question_is_one_query);
	tcase_add_test(tcase, no_selector_is_no_query);
	tcase_add_test(tcase, malformed_selectors_are_errors);
	tcase_add_test(tcase, bound_assumed_and_forgotten);
	tcase_add_test(tcase, supposed_pods_count_until_they_do_not);
	tcase_add_test(tcase, terminating_pods_are_counted_apart);
	tcase_add_test(tcase, labels_change_on_a_node);
	tcase_add_test(tcase, a_new_query_counts_pods_that_are_there);
	tcase_add_test(tcase, a_query_given_back_is_forgotten);
	tcase_add_test(tcase, pods_alone_with_their_labels_stay_cheap);
	tcase_add_test(tcase, namespaces_are_selected_by_label);
	tcase_add_test(tcase, namespaces_come_before_and_after_their_pods);
	tcase_add_test(tcase, a_broken_namespace_is_an_error);
	tcase_add_test(tcase, a_demand_has_its_terms);
	tcase_add_test(tcase, ten_thousand_replicas_are_one_demand);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite;
}
