// What default spreading counts: Services that select a pod, and its controller, as they come and
// go. Neighbours: lib/cluster/workloads.c and owner.c.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/cluster/query.h>

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

// ---- objects ----

#define SERVICE "{metadata: {name: %s, namespace: default}, spec: {selector: {%s}}}"
#define SET     "{metadata: {name: %s, namespace: default}, spec: {selector: {%s}}}"
#define CONTROLLED(kind, name)                                                                  \
	", ownerReferences: [{kind: Other, name: x, uid: z}, {apiVersion: apps/v1, kind: " kind \
	", name: " name ", uid: u, controller: true}]"
#define BY_RC                                                                                  \
	", ownerReferences: [{apiVersion: v1, kind: ReplicationController, name: rc, uid: u, " \
	"controller: true}]"

// Its value is the events.
#define APPLY(kind, ...)                                                                     \
	({                                                                                   \
		ck_assert_msg(apply_object(&world, &cs_kind_##kind, __VA_ARGS__) == 0, "%s", \
			      world.err.text);                                               \
		world.events;                                                                \
	})

static uint32_t remove_object(const struct cs_kind *kind, const char *name)
{
	return cs_cluster_remove_object(world.cluster, kind, "default", name);
}

static struct cs_pod *pod(const char *name, const char *labels, const char *more)
{
	int rc = apply_pod(
		&world,
		read_pod(&world,
			 "{metadata: {name: %s, namespace: default, uid: %s, labels: {%s}%s}}",
			 name, name, labels, more));
	ck_assert_msg(rc == 0, "%s", world.err.text);
	return world.change.pod;
}

static void bound(const char *name, const char *labels)
{
	ck_assert_int_eq(
		apply_pod(&world, read_pod(&world,
					   "{metadata: {name: %s, namespace: default, uid: "
					   "%s, labels: {%s}}, spec: {nodeName: n1}}",
					   name, name, labels)),
		0);
}

// How many pods the query of a pod counts; -1: it has none.
static int counted(const struct cs_pod *asking)
{
	const struct cs_query *query = cs_cluster_default_query(world.cluster, asking);
	world_check(&world);
	return query ? (int)cs_query_counts(query)->total_live : -1;
}

static void some_pods(void)
{
	bound("b1", "app: web, hash: one");
	bound("b2", "app: web, hash: one, tier: front");
	bound("b3", "app: web, hash: two");
	bound("b4", "app: db");
	ck_assert_int_eq(
		apply_pod(&world, read_pod(&world, "{metadata: {name: e, namespace: other, "
						   "uid: e, labels: {app: web}}, spec: "
						   "{nodeName: n1}}")),
		0);
}

// ---- Services ----

START_TEST(nothing_selects)
{
	some_pods();
	ck_assert_int_eq(counted(pod("p", "app: web", "")), -1);
	ck_assert_int_eq(counted(pod("q", "", "")), -1);
	APPLY(service, SERVICE, "s", "app: other");
	APPLY(service, SERVICE, "t", "app: web, tier: back");
	ck_assert_int_eq(counted(pod("p", "app: web, tier: front", "")), -1);
}
END_TEST

START_TEST(services_merge)
{
	some_pods();
	struct cs_pod *p = pod("p", "app: web, tier: front, hash: one", "");
	ck_assert_uint_eq(APPLY(service, SERVICE, "web", "app: web"), CS_EVENT_WORKLOAD);
	ck_assert_int_eq(counted(p), 3);
	APPLY(service, SERVICE, "front", "tier: front");
	ck_assert_int_eq(counted(p), 1);
	APPLY(service, SERVICE, "front", "hash: one, app: web");
	ck_assert_int_eq(counted(p), 2);
	ck_assert_uint_eq(remove_object(&cs_kind_service, "web"), CS_EVENT_WORKLOAD);
	ck_assert_int_eq(counted(p), 2);
	ck_assert_uint_eq(remove_object(&cs_kind_service, "front"), CS_EVENT_WORKLOAD);
	ck_assert_int_eq(counted(p), -1);
	ck_assert_uint_eq(remove_object(&cs_kind_service, "front"), 0);
}
END_TEST

START_TEST(services_without_selector)
{
	some_pods();
	struct cs_pod *p = pod("p", "app: web", "");
	APPLY(service, SERVICE, "none", "");
	APPLY(service, "{metadata: {name: bare, namespace: default}}");
	ck_assert_int_eq(counted(p), -1);
	APPLY(service, SERVICE, "none", "app: web");
	ck_assert_int_eq(counted(p), 3);
	APPLY(service, SERVICE, "none", "");
	ck_assert_int_eq(counted(p), -1);
}
END_TEST

START_TEST(other_namespaces)
{
	some_pods();
	APPLY(service, "{metadata: {name: web, namespace: other}, spec: {selector: {app: web}}}");
	ck_assert_int_eq(counted(pod("p", "app: web", "")), -1);
	ck_assert_int_eq(
		apply_pod(&world, read_pod(&world, "{metadata: {name: q, namespace: other, "
						   "uid: q, labels: {app: web}}}")),
		0);
	ck_assert_int_eq(counted(world.change.pod), 1);
}
END_TEST

START_TEST(news_without_news)
{
	ck_assert_uint_eq(APPLY(service, SERVICE, "s", "a: b, c: d"), CS_EVENT_WORKLOAD);
	ck_assert_uint_eq(APPLY(service, SERVICE, "s", "c: d, a: b"), 0);
	ck_assert_uint_eq(APPLY(service,
				"{metadata: {name: s, namespace: default, resourceVersion: "
				"'7'}, spec: {selector: {a: b, c: d}, type: NodePort}}"),
			  0);
	ck_assert_uint_eq(APPLY(replica_set, SET, "r", "matchLabels: {a: b}"), CS_EVENT_WORKLOAD);
	ck_assert_uint_eq(APPLY(replica_set,
				"{metadata: {name: r, namespace: default}, spec: {replicas: 3, "
				"selector: {matchLabels: {a: b}}}, status: {replicas: 2}}"),
			  0);
	ck_assert_uint_eq(APPLY(replica_set, SET, "r", "matchLabels: {a: c}"), CS_EVENT_WORKLOAD);
}
END_TEST

// ---- controllers ----

START_TEST(replica_sets)
{
	some_pods();
	APPLY(replica_set, SET, "one",
	      "matchLabels: {app: web}, matchExpressions: [{key: hash, "
	      "operator: In, values: [one, three]}]");
	struct cs_pod *p = pod("p", "app: web", CONTROLLED("ReplicaSet", "one"));
	ck_assert_int_eq(counted(p), 2); // its labels need not match
	APPLY(service, SERVICE, "s", "app: web");
	ck_assert_int_eq(counted(p), 2);
	ck_assert_int_eq(counted(pod("q", "app: web", "")), 3);
	remove_object(&cs_kind_replica_set, "one");
	ck_assert_int_eq(counted(p), 3);
	APPLY(replica_set, SET, "one", "matchExpressions: [{key: tier, operator: DoesNotExist}]");
	ck_assert_int_eq(counted(p), 2);
}
END_TEST

START_TEST(stateful_sets)
{
	some_pods();
	struct cs_pod *p = pod("p", "app: db", CONTROLLED("StatefulSet", "db"));
	ck_assert_int_eq(counted(p), -1);
	APPLY(stateful_set, SET, "db", "matchLabels: {app: db}");
	ck_assert_int_eq(counted(p), 1);
	// A ReplicaSet of that name is another thing.
	ck_assert_int_eq(counted(pod("q", "app: db", CONTROLLED("ReplicaSet", "db"))), -1);
}
END_TEST

START_TEST(replication_controllers)
{
	some_pods();
	struct cs_pod *p = pod("p", "app: web, hash: two", BY_RC);
	APPLY(replication_controller, SERVICE, "rc", "app: web, hash: one");
	ck_assert_int_eq(counted(p), 2);
	// Where it contradicts a Service, its value counts: upstream merges maps.
	APPLY(service, SERVICE, "s", "hash: two");
	ck_assert_int_eq(counted(p), 2);
	APPLY(replication_controller, SERVICE, "rc", "");
	ck_assert_int_eq(counted(p), 1);
	remove_object(&cs_kind_replication_controller, "rc");
	ck_assert_int_eq(counted(p), 1);
}
END_TEST

static const char *const no_controllers[] = {
	"",
	", ownerReferences: []",
	", ownerReferences: [{}]",
	", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: one, uid: u}]",
	", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: one, controller: no}]",
	", ownerReferences: [{apiVersion: apps/v2, kind: ReplicaSet, name: one, controller: true}]",
	", ownerReferences: [{apiVersion: v1, kind: ReplicaSet, name: one, controller: true}]",
	", ownerReferences: [{apiVersion: batch/v1, kind: Job, name: one, controller: true}]",
	", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, controller: true}]",
};

START_TEST(no_controller)
{
	some_pods();
	APPLY(replica_set, SET, "one", "matchLabels: {app: web}");
	ck_assert_int_eq(counted(pod("p", "app: web", no_controllers[_i])), -1);
}
END_TEST

START_TEST(the_first_that_controls)
{
	some_pods();
	APPLY(replica_set, SET, "one", "matchLabels: {app: web}");
	ck_assert_int_eq(counted(pod("p", "app: web",
				     ", ownerReferences: [{kind: Job, controller: true}, "
				     "{apiVersion: apps/v1, kind: ReplicaSet, name: one, "
				     "controller: true}]")),
			 -1);
}
END_TEST

// Upstream passes over what it cannot convert, and what is empty or missing adds nothing.
static const char *const useless[] = {
	"{metadata: {name: one, namespace: default}}",
	"{metadata: {name: one, namespace: default}, spec: {}}",
	"{metadata: {name: one, namespace: default}, spec: {selector: {}}}",
	"{metadata: {name: one, namespace: default}, spec: {selector: {matchLabels: {'a b': c}}}}",
	"{metadata: {name: one, namespace: default}, spec: {selector: {matchLabels: {app: web}, "
	"matchExpressions: [{key: app, operator: Like, values: [web]}]}}}",
	"{metadata: {name: one, namespace: default}, spec: {selector: {matchExpressions: [{key: "
	"app, "
	"operator: In}]}}}",
};

START_TEST(selectors_that_say_nothing)
{
	some_pods();
	APPLY(replica_set, SET, "one", "matchLabels: {hash: one}");
	struct cs_pod *p = pod("p", "app: web", CONTROLLED("ReplicaSet", "one"));
	ck_assert_int_eq(counted(p), 2);
	ck_assert_uint_eq(APPLY(replica_set, "%s", useless[_i]), CS_EVENT_WORKLOAD);
	ck_assert_int_eq(counted(p), -1);
	APPLY(service, SERVICE, "s", "app: web");
	ck_assert_int_eq(counted(p), 3);
}
END_TEST

// ---- bad objects ----

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "{}", "service: metadata.name: missing" },
	{ "{metadata: {}}", "service: metadata.name: missing" },
	{ "{metadata: {namespace: a}}", "service: metadata.name: missing" },
	{ "{metadata: {name: a}}", "service: metadata.namespace: missing" },
};

START_TEST(objects_without_names)
{
	ck_assert_int_eq(apply_object(&world, &cs_kind_service, "%s", bad[_i].text), -EINVAL);
	ck_assert_str_eq(world.err.text, bad[_i].words);
	ck_assert_uint_eq(world.events, 0);
}
END_TEST

START_TEST(long_names)
{
	ck_assert_int_eq(apply_object(&world, &cs_kind_service,
				      "{metadata: {name: a, namespace: b%0300d}}", 1),
			 -EINVAL);
	ck_assert_str_eq(world.err.text, "service: metadata.namespace: longer than 253 bytes");
	ck_assert_int_eq(apply_object(&world, &cs_kind_stateful_set,
				      "{metadata: {namespace: a, name: b%0300d}}", 1),
			 -EINVAL);
	ck_assert_str_eq(world.err.text, "statefulset: metadata.name: longer than 253 bytes");
	char owner[600];
	snprintf(owner, sizeof(owner),
		 ", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: a%0300d, "
		 "controller: true}]",
		 1);
	ck_assert_int_eq(counted(pod("p", "app: web", owner)), -1);
}
END_TEST

START_TEST(unknown_ones_are_removed)
{
	static const struct cs_kind *const kinds[] = { &cs_kind_service,
						       &cs_kind_replication_controller,
						       &cs_kind_replica_set,
						       &cs_kind_stateful_set };
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(remove_object(kinds[i], "x"), 0);
		ck_assert_uint_eq(cs_cluster_remove_object(world.cluster, kinds[i], "nowhere", "x"),
				  0);
	}
}
END_TEST

// ---- what is kept ----

START_TEST(one_query_for_all_replicas)
{
	APPLY(service, SERVICE, "s", "app: web");
	APPLY(replica_set, SET, "r", "matchLabels: {app: web}");
	const struct cs_query *first = cs_cluster_default_query(
		world.cluster, pod("p1", "app: web", CONTROLLED("ReplicaSet", "r")));
	ck_assert_ptr_nonnull(first);
	struct cs_pod *second = pod("p2", "app: web", CONTROLLED("ReplicaSet", "r"));
	ck_assert_ptr_eq(world.change.pod->owner, cs_cluster_find_pod(world.cluster, "p1")->owner);
	ck_assert_ptr_eq(cs_cluster_default_query(world.cluster, second), first);
	// Another Service that does not select it changes nothing, nor does another set.
	APPLY(service, SERVICE, "t", "app: db");
	APPLY(replica_set, SET, "other", "matchLabels: {app: web}");
	ck_assert_ptr_eq(cs_cluster_default_query(world.cluster, second), first);
}
END_TEST

// Replicas that arrive one by one find the query of the one before them.
START_TEST(kept_for_the_next_replica)
{
	APPLY(service, SERVICE, "s", "app: web");
	struct cs_pod *p = pod("p1", "app: web", "");
	const struct cs_owner *owner = p->owner;
	ck_assert_int_eq(counted(p), 0);
	cs_cluster_assume(world.cluster, p, 0);
	ck_assert_ptr_eq(p->owner, owner);
	ck_assert_int_eq(counted(p), 1);
	cs_cluster_confirm(world.cluster, p, "n1");
	ck_assert_ptr_null(p->owner);
	world_check(&world);
	p = pod("p2", "app: web", "");
	ck_assert_ptr_eq(p->owner, owner);
	ck_assert_int_eq(counted(p), 1);
	cs_cluster_remove_pod(world.cluster, p);
	world_check(&world);
}
END_TEST

// But not for ever: the longest idle go first.
START_TEST(few_are_kept)
{
	for (int i = 0; i < 200; i++) {
		char name[32], labels[64];
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(labels, sizeof(labels), "app: web%d", i);
		APPLY(service, SERVICE, name, labels);
		struct cs_pod *p = pod(name, labels, "");
		ck_assert_int_eq(counted(p), 0);
		cs_cluster_remove_pod(world.cluster, p);
	}
	world_check(&world); // says how many idle ones there may be
}
END_TEST

START_TEST(labels_of_a_pending_pod_change)
{
	some_pods();
	APPLY(service, SERVICE, "web", "app: web");
	APPLY(service, SERVICE, "db", "app: db");
	ck_assert_int_eq(counted(pod("p", "app: web", "")), 3);
	ck_assert_int_eq(counted(pod("p", "app: db", "")), 1);
	ck_assert_int_eq(counted(pod("p", "app: x", "")), -1);
}
END_TEST

START_TEST(counts_follow_the_pods)
{
	APPLY(service, SERVICE, "web", "app: web");
	struct cs_pod *p = pod("p", "app: web", "");
	ck_assert_int_eq(counted(p), 0);
	bound("b", "app: web");
	ck_assert_int_eq(counted(p), 1);
	cs_cluster_remove_pod(world.cluster, cs_cluster_find_pod(world.cluster, "b"));
	ck_assert_int_eq(counted(p), 0);
}
END_TEST

// Services that share labels are found whichever label they stand under.
START_TEST(many_services)
{
	for (int i = 0; i < 60; i++) {
		char name[16], selector[64];
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(selector, sizeof(selector), "env: prod, app: a%d, tier: t%d", i % 10,
			 i % 3);
		APPLY(service, SERVICE, name, selector);
	}
	world_check(&world);
	bound("b1", "env: prod, app: a4, tier: t1, zone: x");
	bound("b2", "env: prod, app: a4, tier: t2");
	ck_assert_int_eq(counted(pod("p", "env: prod, app: a4, tier: t1", "")), 1);
	ck_assert_int_eq(counted(pod("p", "env: prod, app: a4", "")), -1);
	for (int i = 0; i < 60; i += 2) {
		char name[16];
		snprintf(name, sizeof(name), "s%d", i);
		remove_object(&cs_kind_service, name);
	}
	world_check(&world);
	ck_assert_int_eq(counted(pod("p", "env: prod, app: a4, tier: t1", "")), -1);
	ck_assert_int_eq(counted(pod("p", "env: prod, app: a5, tier: t2", "")), 0);
}
END_TEST

// A pod that has its node, decided once more: what it asked stays as long as somebody keeps it.
START_TEST(what_a_bound_pod_asked)
{
	APPLY(service, SERVICE, "web", "app: web");
	struct cs_pod *asking = pod("p", "app: web", "");
	const struct cs_query *query = cs_cluster_default_query(world.cluster, asking);
	struct cs_demand *demand = asking->demand;
	struct cs_asked asked;
	ck_assert_ptr_nonnull(query);
	cs_cluster_keep_asked(world.cluster, asking, &asked);
	world_check(&world);
	bound("p", "app: web");
	world_check(&world);
	ck_assert_ptr_null(asking->demand);
	ck_assert_uint_eq(cs_query_counts(query)->total_live, 1);

	struct cs_pod unbound;
	uint32_t row = cs_cluster_suppose_unbound(world.cluster, asking, &asked, &unbound);
	ck_assert_uint_eq(row, cs_cluster_find_node(world.cluster, "n1"));
	ck_assert_int_eq(unbound.state, CS_POD_UNBOUND);
	ck_assert_ptr_eq(unbound.demand, demand);
	ck_assert_ptr_eq(cs_cluster_default_query(world.cluster, &unbound), query);
	ck_assert_uint_eq(cs_query_counts(query)->total_live, 0);
	cs_cluster_put_back(world.cluster, asking, row);
	ck_assert_uint_eq(cs_query_counts(query)->total_live, 1);
	ck_assert_uint_eq(asking->row, row);
	world_check(&world);

	cs_cluster_remove_pod(world.cluster, asking);
	world_check(&world);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, 1);
	cs_cluster_release_asked(world.cluster, &asked);
	ck_assert_ptr_null(asked.demand);
	ck_assert_uint_eq(cs_cluster_count(world.cluster).demands, 0);
	cs_cluster_release_asked(world.cluster, &asked); // nothing: all zero
	world_check(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/default_query");
	TCase *tcase = tcase_create("default_query");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_selects);
	tcase_add_test(tcase, services_merge);
	tcase_add_test(tcase, services_without_selector);
	tcase_add_test(tcase, other_namespaces);
	tcase_add_test(tcase, news_without_news);
	tcase_add_test(tcase, replica_sets);
	tcase_add_test(tcase, stateful_sets);
	tcase_add_test(tcase, replication_controllers);
	tcase_add_loop_test(tcase, no_controller, 0,
			    sizeof(no_controllers) / sizeof(*no_controllers));
	tcase_add_test(tcase, the_first_that_controls);
	tcase_add_loop_test(tcase, selectors_that_say_nothing, 0,
			    sizeof(useless) / sizeof(*useless));
	tcase_add_loop_test(tcase, objects_without_names, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(tcase, long_names);
	tcase_add_test(tcase, unknown_ones_are_removed);
	tcase_add_test(tcase, one_query_for_all_replicas);
	tcase_add_test(tcase, kept_for_the_next_replica);
	tcase_add_test(tcase, few_are_kept);
	tcase_add_test(tcase, labels_of_a_pending_pod_change);
	tcase_add_test(tcase, counts_follow_the_pods);
	tcase_add_test(tcase, many_services);
	tcase_add_test(tcase, what_a_bound_pod_asked);
	suite_add_tcase(suite, tcase);
	return suite;
}
