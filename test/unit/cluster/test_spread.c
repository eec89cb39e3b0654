// How topology spread constraints are compiled, shared, and what is wrong with some.
// Neighbours: lib/cluster/spread.c.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>

#include "world.h"

static struct world world;

static void setup(void)
{
	world_begin(&world);
	add_node(&world, "n1", "");
}

static void teardown(void)
{
	world_end(&world);
}

#define POD "{metadata: {name: %s, namespace: default, uid: %s, labels: {%s}}, spec: {%s}}"
#define ONE "topologySpreadConstraints: [{topologyKey: zone, maxSkew: 2, "

static int apply(const char *name, const char *labels, const char *spec)
{
	return apply_pod(&world, read_pod(&world, POD, name, name, labels, spec));
}

static struct cs_pod *pod(const char *name, const char *labels, const char *spec)
{
	ck_assert_msg(apply(name, labels, spec) == 0, "%s", world.err.text);
	return world.change.pod;
}

static const struct cs_spread_constraint *only(const char *spec)
{
	const struct cs_demand *demand = pod("p", "app: web", spec)->demand;
	ck_assert_uint_eq(demand->n_spread, 1);
	ck_assert_ptr_null(demand->unsupported_field);
	return demand->spread;
}

START_TEST(none)
{
	ck_assert_uint_eq(pod("p", "", "")->demand->n_spread, 0);
	ck_assert_uint_eq(pod("q", "", "topologySpreadConstraints: []")->demand->n_spread, 0);
}
END_TEST

START_TEST(defaults_of_the_fields)
{
	const struct cs_spread_constraint *c = only(ONE "whenUnsatisfiable: DoNotSchedule}]");
	ck_assert_str_eq(cs_intern_string(cs_cluster_strings(world.cluster), c->topology->key),
			 "zone");
	ck_assert_ptr_null(c->query);
	ck_assert(!c->matches_every_pod);
	ck_assert(c->hard);
	ck_assert(c->honors_affinity);
	ck_assert(!c->honors_taints);
	ck_assert_int_eq(c->max_skew, 2);
	ck_assert_int_eq(c->min_domains, 1);
}
END_TEST

START_TEST(all_of_the_fields)
{
	const struct cs_spread_constraint *c = only(
		ONE "whenUnsatisfiable: ScheduleAnyway, minDomains: 4, nodeAffinityPolicy: "
		    "Ignore, nodeTaintsPolicy: Honor, labelSelector: {matchLabels: {app: web}}}]");
	ck_assert(!c->hard);
	ck_assert(!c->honors_affinity);
	ck_assert(c->honors_taints);
	ck_assert_int_eq(c->min_domains, 4);
	ck_assert_ptr_nonnull(c->query);
	ck_assert(cs_query_matches(c->query, cs_cluster_find_pod(world.cluster, "p")->labels));
}
END_TEST

START_TEST(empty_selectors)
{
	const struct cs_spread_constraint *c =
		only(ONE "whenUnsatisfiable: DoNotSchedule, labelSelector: {}}]");
	ck_assert_ptr_null(c->query);
	ck_assert(c->matches_every_pod);
	c = only(ONE
		 "whenUnsatisfiable: DoNotSchedule, labelSelector: {}, matchLabelKeys: [none]}]");
	ck_assert(c->matches_every_pod);
	c = only(ONE
		 "whenUnsatisfiable: DoNotSchedule, labelSelector: {}, matchLabelKeys: [app]}]");
	ck_assert(!c->matches_every_pod);
	ck_assert_ptr_nonnull(c->query);
	c = only(ONE "whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [app]}]");
	ck_assert(!c->matches_every_pod);
	ck_assert_ptr_null(c->query);
}
END_TEST

// The API server merges them first: the same query.
START_TEST(label_keys_twice)
{
	const struct cs_query *merged =
		only(ONE
		     "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchExpressions: [{key: "
		     "app, operator: In, values: [web]}]}}]")
			->query;
	struct cs_pod *other =
		pod("q", "app: web",
		    ONE "whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [app, app], "
			"labelSelector: {matchExpressions: [{key: app, operator: In, "
			"values: [web]}]}}]");
	ck_assert_ptr_eq(other->demand->spread->query, merged);
}
END_TEST

// Pods of one workload share their demand, whatever their names; others do not.
START_TEST(demands_are_shared)
{
	static const char spec[] = ONE "whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [hash], "
				       "labelSelector: {matchLabels: {app: web}}}]";
	const struct cs_demand *first = pod("p0", "app: web, hash: a", spec)->demand;
	for (int i = 1; i < 50; i++) {
		char name[16], labels[64];
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(labels, sizeof(labels), "app: web, hash: a, index: '%d'", i);
		ck_assert_ptr_eq(pod(name, labels, spec)->demand, first);
	}
	ck_assert_ptr_ne(pod("other", "app: web, hash: b", spec)->demand, first);
	ck_assert_int_eq(
		apply_pod(&world, read_pod(&world,
					   "{metadata: {name: x, namespace: other, uid: x, "
					   "labels: {app: web, hash: a}}, spec: {%s}}",
					   spec)),
		0);
	ck_assert_ptr_ne(world.change.pod->demand, first);
}
END_TEST

static const char *const differ[] = {
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule",
	"topologyKey: host, maxSkew: 2, whenUnsatisfiable: DoNotSchedule",
	"topologyKey: zone, maxSkew: 3, whenUnsatisfiable: DoNotSchedule",
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: ScheduleAnyway",
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule, minDomains: 2",
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule, nodeAffinityPolicy: "
	"Ignore",
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule, nodeTaintsPolicy: Honor",
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule, labelSelector: {}",
	"topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule, labelSelector: "
	"{matchLabels: "
	"{a: b}}",
};

START_TEST(every_field_makes_another_demand)
{
	const size_t n = sizeof(differ) / sizeof(differ[0]);
	const struct cs_demand *demands[sizeof(differ) / sizeof(differ[0])];
	for (size_t i = 0; i < n; i++) {
		char name[16], spec[256];
		snprintf(name, sizeof(name), "p%zu", i);
		snprintf(spec, sizeof(spec), "topologySpreadConstraints: [{%s}]", differ[i]);
		demands[i] = pod(name, "", spec)->demand;
		for (size_t k = 0; k < i; k++)
			ck_assert_ptr_ne(demands[i], demands[k]);
	}
}
END_TEST

START_TEST(order_is_kept)
{
	const struct cs_demand *demand =
		pod("p", "",
		    "topologySpreadConstraints: [{topologyKey: b, maxSkew: 1, "
		    "whenUnsatisfiable: ScheduleAnyway}, {topologyKey: a, maxSkew: 2, "
		    "whenUnsatisfiable: DoNotSchedule}]")
			->demand;
	ck_assert_uint_eq(demand->n_spread, 2);
	ck_assert_int_eq(demand->spread[0].max_skew, 1);
	ck_assert_int_eq(demand->spread[1].max_skew, 2);
}
END_TEST

// ---- what cannot be read ----

static const struct {
	const char *constraint;
	const char *field;
	const char *words;
} bad[] = {
	{ "whenUnsatisfiable: Sometimes", "spec.topologySpreadConstraints[1].whenUnsatisfiable",
	  "\"Sometimes\" is not known" },
	{ "whenUnsatisfiable: ''", "spec.topologySpreadConstraints[1].whenUnsatisfiable",
	  "\"\" is not known" },
};

START_TEST(named_and_never_bound)
{
	char spec[512];
	snprintf(spec, sizeof(spec),
		 "topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: "
		 "DoNotSchedule, labelSelector: {matchLabels: {a: b}}}, {topologyKey: zone, %s}]",
		 bad[_i].constraint);
	ck_assert_int_eq(apply("p", "", spec), -EINVAL);
	ck_assert_msg(strstr(world.err.text, bad[_i].field) &&
			      strstr(world.err.text, bad[_i].words),
		      "%s", world.err.text);
	ck_assert_ptr_nonnull(world.change.pod);
	ck_assert_str_eq(world.change.pod->demand->unsupported_field, bad[_i].field);
	ck_assert_uint_eq(world.change.pod->demand->n_spread, 0);
	world_check(&world);
	// A known pod keeps what it asked.
	const struct cs_demand *before = pod("q", "", "")->demand;
	ck_assert_int_eq(apply("q", "", spec), -EINVAL);
	ck_assert_ptr_eq(cs_cluster_find_pod(world.cluster, "q")->demand, before);
}
END_TEST

// A selector that cannot be read: the constraint stays, so that the profile's defaults do not take
// its place, and PodTopologySpread fails in upstream's words.
START_TEST(selectors_that_cannot_be_read)
{
	static const char *const soft =
		"{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: "
		"{matchExpressions: [{key: a, operator: Near, values: [b]}]}}";
	static const char *const hard =
		"{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: "
		"{matchExpressions: [{key: a, operator: In}]}}";
	char spec[1024];
	snprintf(spec, sizeof(spec), "topologySpreadConstraints: [%s]", soft);
	const struct cs_demand *demand = pod("p", "", spec)->demand;
	ck_assert_uint_eq(demand->n_spread, 1);
	ck_assert_ptr_null(demand->spread[0].query);
	ck_assert_ptr_null(demand->spread_hard_error);
	ck_assert_str_eq(demand->spread_soft_error,
			 "\"Near\" is not a valid label selector operator");
	snprintf(spec, sizeof(spec), "topologySpreadConstraints: [%s, %s, %s]", soft, hard, soft);
	demand = pod("q", "", spec)->demand;
	ck_assert_uint_eq(demand->n_spread, 3);
	ck_assert_str_eq(demand->spread_hard_error,
			 "values: Invalid value: null: for 'in', 'notin' operators, values set "
			 "can't be empty");
	ck_assert_str_eq(demand->spread_soft_error,
			 "\"Near\" is not a valid label selector operator");
	ck_assert_ptr_null(demand->unsupported_field);
	world_check(&world);
}
END_TEST

START_TEST(too_many)
{
	char spec[8192] = "topologySpreadConstraints: [";
	for (int i = 0; i < 65; i++)
		snprintf(spec + strlen(spec), sizeof(spec) - strlen(spec),
			 "{topologyKey: k%d, whenUnsatisfiable: DoNotSchedule}, ", i);
	char *end = spec + strlen(spec);
	snprintf(end, sizeof(spec) - strlen(spec), "]");
	ck_assert_int_eq(apply("p", "", spec), -EINVAL);
	ck_assert_msg(strstr(world.err.text, "spec.topologySpreadConstraints: more than 64"), "%s",
		      world.err.text);
	ck_assert_str_eq(world.change.pod->demand->unsupported_field,
			 "spec.topologySpreadConstraints");
}
END_TEST

// Somebody else's bound pod counts whatever its constraints.
START_TEST(bound_pods_have_none)
{
	pod("p", "", "nodeName: n1, topologySpreadConstraints: [{whenUnsatisfiable: Sometimes}]");
	ck_assert_int_eq(world.nodes->n_pods[0], 1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/spread");
	TCase *tcase = tcase_create("spread");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, none);
	tcase_add_test(tcase, defaults_of_the_fields);
	tcase_add_test(tcase, all_of_the_fields);
	tcase_add_test(tcase, empty_selectors);
	tcase_add_test(tcase, label_keys_twice);
	tcase_add_test(tcase, demands_are_shared);
	tcase_add_test(tcase, every_field_makes_another_demand);
	tcase_add_test(tcase, order_is_kept);
	tcase_add_loop_test(tcase, named_and_never_bound, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, selectors_that_cannot_be_read);
	tcase_add_test(tcase, too_many);
	tcase_add_test(tcase, bound_pods_have_none);
	suite_add_tcase(suite, tcase);
	return suite;
}
