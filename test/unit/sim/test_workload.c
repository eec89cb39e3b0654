// What happens by itself: Deployments grow pods, pods run and end, dependents die, namespaces
// empty. Neighbours: lib/sim/workload.c, kubelet.c.
#include "../check_main.h"
#include "client.h"

#include <stdatomic.h>
#include <stdio.h>

#include <csched/base/memory.h>

#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
#define SETS        "/apis/apps/v1/namespaces/default/replicasets"

static void setup(void)
{
	sim_start((struct cs_sim_options){ .kubelet_delay = 30 * CS_MILLISECOND, .nodes = 3 });
}

static void setup_without_kubelets(void)
{
	sim_start((struct cs_sim_options){ .kubelet_delay = -1, .nodes = 3 });
}

static void teardown(void)
{
	sim_stop();
}

static void create_deployment(int replicas)
{
	CS_AUTO_FREE char *body = cs_asprintf(
		"{\"metadata\":{\"name\":\"web\"},\"spec\":{\"replicas\":%d,\"selector\":"
		"{\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":"
		"{\"app\":\"web\"}},\"spec\":{\"schedulerName\":\"mine\",\"containers\":[{\"name\":"
		"\"c\",\"image\":\"i:1\"}]}}}}",
		replicas);
	want_status(201, (struct ask){ .method = "POST", .path = DEPLOYMENTS, .body = body });
}

static void patch_deployment(const char *patch)
{
	want_status(200, (struct ask){ .method = "PATCH",
				       .path = DEPLOYMENTS "/web",
				       .body = patch,
				       .type = STRATEGIC });
}

static size_t count(const char *path)
{
	struct json_object *list = want(200, (struct ask){ .path = path });
	size_t n = json_object_array_length(cs_value_at(list, "items"));
	json_object_put(list);
	return n;
}

static int64_t number(const char *path, const char *field)
{
	struct json_object *object = want(200, (struct ask){ .path = path });
	int64_t value = json_object_get_int64(cs_value_at(object, field));
	json_object_put(object);
	return value;
}

static char *first_name(const char *path)
{
	struct json_object *list = want(200, (struct ask){ .path = path });
	struct json_object *items = cs_value_at(list, "items");
	ck_assert_uint_gt(json_object_array_length(items), 0);
	char *name =
		cs_strdup(cs_value_string_at(json_object_array_get_idx(items, 0), "metadata.name"));
	json_object_put(list);
	return name;
}

static void bind_all(void)
{
	struct json_object *list =
		want(200, (struct ask){ .path = PODS "?fieldSelector=spec.nodeName%3D" });
	struct json_object *items = cs_value_at(list, "items");
	for (size_t i = 0; i < json_object_array_length(items); i++)
		bind_pod(cs_value_string_at(json_object_array_get_idx(items, i), "metadata.name"),
			 "node-1");
	json_object_put(list);
}

START_TEST(test_a_deployment_makes_pods)
{
	create_deployment(3);
	EVENTUALLY(count(PODS) == 3);
	CS_AUTO_FREE char *set_name = first_name(SETS);
	CS_AUTO_FREE char *pod_name = first_name(PODS);
	ck_assert(cs_string_prefix(set_name, "web-"));
	ck_assert(cs_string_prefix(pod_name, set_name));
	CS_AUTO_FREE char *path = cs_asprintf(PODS "/%s", pod_name);
	struct json_object *pod = want(200, (struct ask){ .path = path });
	check_text(pod, "metadata.labels.app", "web");
	check_text(pod, "metadata.labels.pod-template-hash", set_name + strlen("web-"));
	check_text(pod, "spec.schedulerName", "mine");
	struct json_object *owner =
		json_object_array_get_idx(cs_value_at(pod, "metadata.ownerReferences"), 0);
	check_text(owner, "kind", "ReplicaSet");
	check_text(owner, "name", set_name);
	ck_assert(json_object_get_boolean(cs_value_at(owner, "controller")));
	json_object_put(pod);
	EVENTUALLY(number(DEPLOYMENTS "/web", "status.replicas") == 3);
	ck_assert_int_eq(number(DEPLOYMENTS "/web", "status.readyReplicas"), 0);
	bind_all();
	EVENTUALLY(number(DEPLOYMENTS "/web", "status.availableReplicas") == 3);
	ck_assert_int_eq(number(DEPLOYMENTS "/web", "status.observedGeneration"), 1);
}
END_TEST

START_TEST(test_scaling)
{
	create_deployment(2);
	EVENTUALLY(count(PODS) == 2);
	patch_deployment("{\"spec\":{\"replicas\":5}}");
	EVENTUALLY(count(PODS) == 5);
	bind_all();
	want_status(200, (struct ask){ .method = "PATCH",
				       .path = DEPLOYMENTS "/web/scale",
				       .body = "{\"spec\":{\"replicas\":1}}",
				       .type = MERGE });
	EVENTUALLY(count(PODS) == 1);
	struct json_object *scale = want(200, (struct ask){ .path = DEPLOYMENTS "/web/scale" });
	check_text(scale, "kind", "Scale");
	ck_assert_int_eq(json_object_get_int(cs_value_at(scale, "spec.replicas")), 1);
	// PUT with what was read.
	json_object_object_add(cs_value_at(scale, "spec"), "replicas", json_object_new_int(0));
	want_status(200, (struct ask){ .method = "PUT",
				       .path = DEPLOYMENTS "/web/scale",
				       .body = json_object_to_json_string(scale) });
	json_object_put(scale);
	EVENTUALLY(count(PODS) == 0);
}
END_TEST

START_TEST(test_a_lost_pod_is_replaced)
{
	create_deployment(2);
	EVENTUALLY(count(PODS) == 2);
	CS_AUTO_FREE char *name = first_name(PODS);
	CS_AUTO_FREE char *path = cs_asprintf(PODS "/%s", name);
	want_status(200, (struct ask){ .method = "DELETE", .path = path });
	want_status(404, (struct ask){ .path = path });
	EVENTUALLY(count(PODS) == 2);
}
END_TEST

START_TEST(test_a_new_template_makes_a_new_set)
{
	create_deployment(2);
	EVENTUALLY(count(PODS) == 2);
	patch_deployment("{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\","
			 "\"image\":\"i:2\"}]}}}}");
	EVENTUALLY(count(SETS) == 2);
	EVENTUALLY(number(DEPLOYMENTS "/web", "status.updatedReplicas") == 2 && count(PODS) == 2);
	struct json_object *list = want(200, (struct ask){ .path = PODS });
	for (size_t i = 0; i < 2; i++) {
		struct json_object *pod = json_object_array_get_idx(cs_value_at(list, "items"), i);
		check_text(json_object_array_get_idx(cs_value_at(pod, "spec.containers"), 0),
			   "image", "i:2");
	}
	json_object_put(list);
}
END_TEST

START_TEST(test_dependents_die)
{
	create_deployment(3);
	EVENTUALLY(count(PODS) == 3);
	bind_all();
	want_status(200, (struct ask){ .method = "DELETE", .path = DEPLOYMENTS "/web" });
	EVENTUALLY(count(SETS) == 0 && count(PODS) == 0);
}
END_TEST

START_TEST(test_orphans_live)
{
	create_deployment(2);
	EVENTUALLY(count(PODS) == 2);
	want_status(200, (struct ask){ .method = "DELETE",
				       .path = DEPLOYMENTS "/web",
				       .body = "{\"propagationPolicy\":\"Orphan\"}" });
	usleep(100000);
	ck_assert_uint_eq(count(SETS), 1);
	ck_assert_uint_eq(count(PODS), 2);
	CS_AUTO_FREE char *name = first_name(SETS);
	CS_AUTO_FREE char *path = cs_asprintf(SETS "/%s", name);
	struct json_object *set = want(200, (struct ask){ .path = path });
	ck_assert_ptr_null(cs_value_at(set, "metadata.ownerReferences"));
	json_object_put(set);
}
END_TEST

START_TEST(test_many_pods)
{
	create_deployment(1500);
	EVENTUALLY(count(PODS) == 1500);
	want_status(200, (struct ask){ .method = "DELETE", .path = DEPLOYMENTS "/web" });
	EVENTUALLY(count(PODS) == 0);
}
END_TEST

// ---- kubelets ----

START_TEST(test_a_bound_pod_runs)
{
	create_pod("a", NULL);
	bind_pod("a", "node-1");
	EVENTUALLY(({
		struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
		bool running = cs_string_equal(cs_value_string_at(pod, "status.phase"), "Running");
		json_object_put(pod);
		running;
	}));
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	ck_assert_ptr_nonnull(cs_value_string_at(pod, "status.podIP"));
	ck_assert_ptr_nonnull(cs_value_string_at(pod, "status.hostIP"));
	ck_assert_ptr_nonnull(cs_value_string_at(pod, "status.startTime"));
	struct json_object *container =
		json_object_array_get_idx(cs_value_at(pod, "status.containerStatuses"), 0);
	ck_assert(json_object_get_boolean(cs_value_at(container, "ready")));
	ck_assert_ptr_nonnull(cs_value_at(container, "state.running.startedAt"));
	// The binding's condition is still there, beside the kubelet's.
	ck_assert_int_eq((int)json_object_array_length(cs_value_at(pod, "status.conditions")), 5);
	json_object_put(pod);
}
END_TEST

START_TEST(test_a_pod_on_no_node_does_not_run)
{
	create_pod("a", NULL);
	bind_pod("a", "nowhere");
	usleep(150000);
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	check_text(pod, "status.phase", "Pending");
	json_object_put(pod);
}
END_TEST

START_TEST(test_a_running_pod_ends)
{
	create_pod("a", NULL);
	bind_pod("a", "node-1");
	struct watcher watcher;
	watch_start(&watcher, PODS "?watch=1&timeoutSeconds=60", NULL);
	struct json_object *told = want(200, (struct ask){ .method = "DELETE", .path = PODS "/a" });
	ck_assert_ptr_nonnull(cs_value_at(told, "metadata.deletionTimestamp"));
	json_object_put(told);
	EVENTUALLY(({
		CS_AUTO_FREE char *summary = watch_summary(&watcher);
		strstr(summary, "DELETED a");
	}));
	want_status(404, (struct ask){ .path = PODS "/a" });
	watch_finish(&watcher);
}
END_TEST

START_TEST(test_a_timer_means_one_pod_only)
{
	// Deleted and made again under the same name before the first kubelet acts.
	create_pod("a", NULL);
	bind_pod("a", "node-1");
	want_status(200,
		    (struct ask){ .method = "DELETE", .path = PODS "/a?gracePeriodSeconds=0" });
	create_pod("a", NULL);
	usleep(150000);
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	check_text(pod, "status.phase", "Pending");
	json_object_put(pod);
}
END_TEST

START_TEST(test_nodes_beat)
{
	struct json_object *lease =
		want(200, (struct ask){ .path = "/apis/coordination.k8s.io/v1/namespaces/"
						"kube-node-lease/leases/node-1" });
	check_text(lease, "spec.holderIdentity", "node-1");
	json_object_put(lease);
}
END_TEST

START_TEST(test_without_kubelets_nothing_happens)
{
	create_pod("a", NULL);
	bind_pod("a", "node-1");
	want_status(200, (struct ask){ .method = "DELETE", .path = PODS "/a" });
	usleep(150000);
	struct json_object *pod = want(200, (struct ask){ .path = PODS "/a" });
	check_text(pod, "status.phase", "Pending");
	json_object_put(pod);
	want_status(404, (struct ask){ .path = "/apis/coordination.k8s.io/v1/namespaces/"
					       "kube-node-lease/leases/node-1" });
}
END_TEST

// ---- events ----

static atomic_long skipped; // seconds

static struct cs_time skipping_now(void *user)
{
	(void)user;
	struct cs_clock clock = cs_clock_system();
	struct cs_time time = cs_clock_now(&clock);
	time.boot += atomic_load(&skipped) * CS_SECOND;
	return time;
}

START_TEST(test_events_are_forgotten)
{
	sim_stop();
	struct cs_sim_options options = { .kubelet_delay = -1, .clock = { .now = skipping_now } };
	struct cs_error err;
	ck_assert_int_eq(cs_sim_create(&options, &sim, &err), 0);
	struct ask post = { .method = "POST",
			    .path = "/apis/events.k8s.io/v1/namespaces/default/events",
			    .body = "{\"metadata\":{\"name\":\"e\"}}" };
	want_status(201, post);
	atomic_store(&skipped, 3000);
	post.body = "{\"metadata\":{\"name\":\"f\"}}";
	want_status(201, post);
	ck_assert_uint_eq(count("/api/v1/events"), 2);
	atomic_store(&skipped, 3700);
	EVENTUALLY(count("/api/v1/events") == 1);
	want_status(200, (struct ask){ .path = "/api/v1/namespaces/default/events/f" });
}
END_TEST

// ---- namespaces ----

START_TEST(test_a_namespace_empties_itself)
{
	want_status(201, (struct ask){ .method = "POST",
				       .path = "/api/v1/namespaces",
				       .body = "{\"metadata\":{\"name\":\"tmp\"}}" });
	want_status(201, (struct ask){ .method = "POST",
				       .path = "/api/v1/namespaces/tmp/configmaps",
				       .body = "{\"metadata\":{\"name\":\"a\"}}" });
	want_status(201,
		    (struct ask){ .method = "POST",
				  .path = "/api/v1/namespaces/tmp/pods",
				  .body = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":"
					  "\"node-1\",\"containers\":[{\"name\":\"c\",\"image\":"
					  "\"i\"}]}}" });
	struct json_object *told =
		want(200, (struct ask){ .method = "DELETE", .path = "/api/v1/namespaces/tmp" });
	check_text(told, "status.phase", "Terminating");
	json_object_put(told);
	struct reply refused = ask((struct ask){ .method = "POST",
						 .path = "/api/v1/namespaces/tmp/configmaps",
						 .body = "{\"metadata\":{\"name\":\"b\"}}" });
	ck_assert_msg(refused.status == 403 || refused.status == 404, "%ld", refused.status);
	reply_finish(&refused);
	EVENTUALLY(({
		struct reply reply = ask((struct ask){ .path = "/api/v1/namespaces/tmp" });
		long status = reply.status;
		reply_finish(&reply);
		status == 404;
	}));
	ck_assert_uint_eq(count("/api/v1/namespaces/tmp/pods"), 0);
	ck_assert_uint_eq(count("/api/v1/namespaces/tmp/configmaps"), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim workload");
	TCase *plain = tcase_create("with kubelets");
	tcase_set_timeout(plain, 120);
	tcase_add_checked_fixture(plain, setup, teardown);
	tcase_add_test(plain, test_a_deployment_makes_pods);
	tcase_add_test(plain, test_scaling);
	tcase_add_test(plain, test_a_lost_pod_is_replaced);
	tcase_add_test(plain, test_a_new_template_makes_a_new_set);
	tcase_add_test(plain, test_dependents_die);
	tcase_add_test(plain, test_orphans_live);
	tcase_add_test(plain, test_many_pods);
	tcase_add_test(plain, test_a_bound_pod_runs);
	tcase_add_test(plain, test_a_pod_on_no_node_does_not_run);
	tcase_add_test(plain, test_a_running_pod_ends);
	tcase_add_test(plain, test_a_timer_means_one_pod_only);
	tcase_add_test(plain, test_nodes_beat);
	tcase_add_test(plain, test_a_namespace_empties_itself);
	suite_add_tcase(suite, plain);
	TCase *bare = tcase_create("without kubelets");
	tcase_set_timeout(bare, 60);
	tcase_add_checked_fixture(bare, setup_without_kubelets, teardown);
	tcase_add_test(bare, test_without_kubelets_nothing_happens);
	tcase_add_test(bare, test_events_are_forgotten);
	suite_add_tcase(suite, bare);
	return suite;
}
