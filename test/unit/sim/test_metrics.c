// The load model as it is served: the Metrics API, text for Prometheus, annotations.
// Neighbours: lib/sim/metrics.c; the model alone is tried in test_usage.c.
#include "../check_main.h"
#include "client.h"

#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/kube/timestamp.h>

#define METRICS "/apis/metrics.k8s.io/v1beta1"

static const struct cs_sim_load quick = { .on = true, .interval = 20 * CS_MILLISECOND };

static void setup(void)
{
	sim_start((struct cs_sim_options){ .nodes = 3, .load = quick });
}

static void setup_with_annotations(void)
{
	struct cs_sim_load load = quick;
	load.annotations = true;
	sim_start((struct cs_sim_options){ .nodes = 3, .load = load });
}

static void setup_without_load(void)
{
	sim_start((struct cs_sim_options){ .nodes = 3 });
}

static void teardown(void)
{
	sim_stop();
}

static void annotate(const char *node, const char *members)
{
	CS_AUTO_FREE char *path = cs_asprintf("/api/v1/nodes/%s", node);
	CS_AUTO_FREE char *body = cs_asprintf("{\"metadata\":{\"annotations\":{%s}}}", members);
	want_status(200,
		    (struct ask){ .method = "PATCH", .path = path, .body = body, .type = MERGE });
}

static size_t count(const char *path)
{
	struct json_object *list = want(200, (struct ask){ .path = path });
	size_t n = json_object_array_length(cs_value_at(list, "items"));
	json_object_put(list);
	return n;
}

// "1500000000n" in cores.
static double cpu_of(struct json_object *usage)
{
	return strtod(cs_value_string_at(usage, "cpu"), NULL) / 1e9;
}

static double node_cpu(const char *name)
{
	CS_AUTO_FREE char *path = cs_asprintf(METRICS "/nodes/%s", name);
	struct reply reply = ask((struct ask){ .path = path });
	double cpu = reply.status == 200 ? cpu_of(cs_value_at(reply.json, "usage")) : -1;
	reply_finish(&reply);
	return cpu;
}

START_TEST(test_nodes)
{
	EVENTUALLY(count(METRICS "/nodes") == 3);
	annotate("node-2", "\"kubesim.c-sched.io/base-cpu\":\"1250m\"");
	EVENTUALLY(node_cpu("node-2") > 1.2499 && node_cpu("node-2") < 1.2501);
	struct json_object *one = want(200, (struct ask){ .path = METRICS "/nodes/node-2" });
	check_text(one, "kind", "NodeMetrics");
	check_text(one, "apiVersion", "metrics.k8s.io/v1beta1");
	check_text(one, "metadata.name", "node-2");
	int64_t taken;
	const char *timestamp = cs_value_string_at(one, "timestamp");
	ck_assert_int_eq(cs_timestamp_parse(cs_slice_of(timestamp), &taken, NULL), 0);
	struct cs_clock clock = cs_clock_system();
	int64_t age = cs_clock_now(&clock).wall - taken;
	ck_assert_int_ge(age, 0);
	ck_assert_int_lt(age, 10 * CS_SECOND);
	const char *window = cs_value_string_at(one, "window");
	ck_assert_double_gt(strtod(window, NULL), 0);
	ck_assert_int_eq(window[strlen(window) - 1], 's');
	json_object_put(one);
	struct json_object *list = want(200, (struct ask){ .path = METRICS "/nodes" });
	check_text(list, "kind", "NodeMetricsList");
	json_object_put(list);
}
END_TEST

START_TEST(test_selectors)
{
	EVENTUALLY(count(METRICS "/nodes") == 3);
	ck_assert_uint_eq(count(METRICS "/nodes?labelSelector=kubernetes.io/hostname%3Dnode-3"), 1);
	ck_assert_uint_eq(count(METRICS "/nodes?fieldSelector=metadata.name%3Dnode-1"), 1);
	want_status(400, (struct ask){ .path = METRICS "/nodes?labelSelector=%3D%3D" });
}
END_TEST

START_TEST(test_pods)
{
	want_status(201, (struct ask){ .method = "POST",
				       .path = PODS,
				       .body = "{\"metadata\":{\"name\":\"a\",\"annotations\":"
					       "{\"kubesim.c-sched.io/cpu\":\"300m\","
					       "\"kubesim.c-sched.io/memory\":\"2Mi\"}},"
					       "\"spec\":{\"containers\":["
					       "{\"name\":\"c\",\"image\":\"i\"},"
					       "{\"name\":\"d\",\"image\":\"i\"}]}}" });
	ck_assert_uint_eq(count(METRICS "/pods"), 0);
	want_status(404, (struct ask){ .path = METRICS "/namespaces/default/pods/a" });
	bind_pod("a", "node-1");
	EVENTUALLY(count(METRICS "/namespaces/default/pods") == 1);
	ck_assert_uint_eq(count(METRICS "/pods"), 1);
	ck_assert_uint_eq(count(METRICS "/namespaces/kube-system/pods"), 0);
	struct json_object *pod =
		want(200, (struct ask){ .path = METRICS "/namespaces/default/pods/a" });
	check_text(pod, "kind", "PodMetrics");
	check_text(pod, "metadata.namespace", "default");
	struct json_object *containers = cs_value_at(pod, "containers");
	ck_assert_uint_eq(json_object_array_length(containers), 2);
	struct json_object *second = json_object_array_get_idx(containers, 1);
	check_text(second, "name", "d");
	ck_assert_double_eq_tol(cpu_of(cs_value_at(second, "usage")), 0.15, 0.001);
	check_text(second, "usage.memory", "1024Ki");
	json_object_put(pod);
	want_status(200, (struct ask){ .method = "DELETE",
				       .path = PODS "/a",
				       .body = "{\"gracePeriodSeconds\":0}" });
	EVENTUALLY(count(METRICS "/pods") == 0);
}
END_TEST

START_TEST(test_a_node_that_does_not_report)
{
	EVENTUALLY(count(METRICS "/nodes") == 3);
	annotate("node-2", "\"kubesim.c-sched.io/report\":\"false\"");
	ck_assert_uint_eq(count(METRICS "/nodes"), 2);
	want_status(404, (struct ask){ .path = METRICS "/nodes/node-2" });
	struct reply reply = ask((struct ask){ .path = "/metrics/nodes" });
	ck_assert_ptr_null(strstr(reply.body.data, "node=\"node-2\""));
	ck_assert_ptr_nonnull(strstr(reply.body.data, "node=\"node-3\""));
	reply_finish(&reply);
}
END_TEST

START_TEST(test_only_reading)
{
	static const struct ask asks[] = {
		{ .method = "POST", .path = METRICS "/nodes", .body = "{}" },
		{ .method = "DELETE", .path = METRICS "/nodes" },
		{ .method = "PUT", .path = METRICS "/nodes/node-1", .body = "{}" },
		{ .method = "PATCH", .path = METRICS "/nodes/node-1", .body = "{}", .type = MERGE },
		{ .method = "DELETE", .path = METRICS "/namespaces/default/pods/a" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(asks); i++)
		want_status(405, asks[i]);
	want_status(404, (struct ask){ .path = METRICS "/nodes/node-1/status" });
	want_status(404, (struct ask){ .path = METRICS "/nodes/none" });
	struct cs_error err;
	const char *manifest = "{\"kind\":\"NodeMetrics\",\"apiVersion\":\"metrics.k8s.io/"
			       "v1beta1\",\"metadata\":{\"name\":\"x\"}}";
	ck_assert_int_ne(cs_sim_load(sim, "file", cs_slice_of(manifest), &err), 0);
}
END_TEST

START_TEST(test_discovery)
{
	struct json_object *list = want(200, (struct ask){ .path = METRICS });
	struct json_object *resources = cs_value_at(list, "resources");
	ck_assert_uint_eq(json_object_array_length(resources), 2);
	struct json_object *first = json_object_array_get_idx(resources, 0);
	check_text(first, "kind", "NodeMetrics");
	ck_assert_uint_eq(json_object_array_length(cs_value_at(first, "verbs")), 2);
	json_object_put(list);
	struct reply reply = ask((struct ask){ .path = "/apis" });
	ck_assert_ptr_nonnull(strstr(reply.body.data, "\"metrics.k8s.io/v1beta1\""));
	reply_finish(&reply);
	// kubectl get asks for a table first and takes what comes.
	struct json_object *plain =
		want(200, (struct ask){ .path = METRICS "/nodes",
					.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,"
						  "application/json" });
	check_text(plain, "kind", "NodeMetricsList");
	json_object_put(plain);
}
END_TEST

// An outage is a fault of the measured resource; the nodes themselves are not struck.
START_TEST(test_faults)
{
	struct cs_error err;
	const char *script =
		"[{match: {resource: nodes.metrics.k8s.io}, action: status, code: 503, count: 0}]";
	ck_assert_int_eq(cs_sim_set_faults(sim, "faults", cs_slice_of(script), &err), 0);
	want_status(503, (struct ask){ .path = METRICS "/nodes" });
	want_status(200, (struct ask){ .path = "/api/v1/nodes" });
	script = "[{match: {resource: nodes}, action: status, code: 503, count: 0}]";
	ck_assert_int_eq(cs_sim_set_faults(sim, "faults", cs_slice_of(script), &err), 0);
	want_status(200, (struct ask){ .path = METRICS "/nodes" });
	want_status(503, (struct ask){ .path = "/api/v1/nodes" });
}
END_TEST

// The value behind the series' name and labels, in text for Prometheus; -1 where it is not there.
static double series(const char *name_and_labels)
{
	struct reply reply = ask((struct ask){ .path = "/metrics/nodes" });
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.content_type, "text/plain; version=0.0.4");
	const char *found = strstr(reply.body.data, name_and_labels);
	double value = found ? strtod(found + strlen(name_and_labels), NULL) : -1;
	reply_finish(&reply);
	return value;
}

#define LABELS "node=\"node-1\",instance=\"10.0.0.1:9100\""

START_TEST(test_prometheus)
{
	annotate("node-1", "\"kubesim.c-sched.io/base-cpu\":\"2\","
			   "\"kubesim.c-sched.io/base-memory\":\"1Gi\","
			   "\"kubesim.c-sched.io/base-connections\":\"123\","
			   "\"kubesim.c-sched.io/connections-limit\":\"4096\"");
	ck_assert_double_eq(series("node_nf_conntrack_entries{" LABELS "} "), 123);
	ck_assert_double_eq(series("node_nf_conntrack_entries_limit{" LABELS "} "), 4096);
	ck_assert_double_eq(series("node_netstat_Tcp_CurrEstab{" LABELS "} "), 123);
	double total = series("node_memory_MemTotal_bytes{" LABELS "} ");
	double available = series("node_memory_MemAvailable_bytes{" LABELS "} ");
	ck_assert_double_eq(total - available, 1024.0 * 1048576);
	static const char idle[] = "node_cpu_seconds_total{" LABELS ",cpu=\"0\",mode=\"idle\"} ";
	static const char user[] = "node_cpu_seconds_total{" LABELS ",cpu=\"0\",mode=\"user\"} ";
	double idle_before = series(idle), user_before = series(user);
	ck_assert_double_ge(user_before, 0);
	EVENTUALLY(series(user) > user_before + 0.01 && series(idle) > idle_before);
	ck_assert_double_eq(series("node_cpu_seconds_total{" LABELS ",cpu=\"64\""), -1);
}
END_TEST

START_TEST(test_annotations)
{
	annotate("node-3", "\"kubesim.c-sched.io/base-connections\":\"77\"");
	struct json_object *node = NULL;
	const char *text = NULL;
	for (int i = 0; i < 6000 && !(text && cs_string_prefix(text, "77@")); i++) {
		json_object_put(node);
		usleep(5000);
		node = want(200, (struct ask){ .path = "/api/v1/nodes/node-3" });
		struct json_object *annotations = cs_value_at(node, "metadata.annotations");
		text = json_object_get_string(
			json_object_object_get(annotations, "load.c-sched.io/connections"));
	}
	ck_assert_msg(text && cs_string_prefix(text, "77@"), "%s", text);
	int64_t taken;
	ck_assert_int_eq(cs_timestamp_parse(cs_slice_of(text + 3), &taken, NULL), 0);
	struct json_object *annotations = cs_value_at(node, "metadata.annotations");
	ck_assert(json_object_object_get_ex(annotations, "load.c-sched.io/cpu", NULL));
	ck_assert(json_object_object_get_ex(annotations, "load.c-sched.io/memory", NULL));
	json_object_put(node);
}
END_TEST

START_TEST(test_nothing_without_load)
{
	want_status(404, (struct ask){ .path = METRICS });
	want_status(404, (struct ask){ .path = METRICS "/nodes" });
	want_status(404, (struct ask){ .path = "/metrics/nodes" });
	struct reply reply = ask((struct ask){ .path = "/apis" });
	ck_assert_ptr_null(strstr(reply.body.data, "metrics.k8s.io"));
	reply_finish(&reply);
	struct json_object *node = want(200, (struct ask){ .path = "/api/v1/nodes/node-1" });
	ck_assert_ptr_null(cs_value_at(node, "metadata.annotations"));
	json_object_put(node);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("metrics");
	TCase *on = tcase_create("with load");
	tcase_set_timeout(on, 60);
	tcase_add_checked_fixture(on, setup, teardown);
	tcase_add_test(on, test_nodes);
	tcase_add_test(on, test_selectors);
	tcase_add_test(on, test_pods);
	tcase_add_test(on, test_a_node_that_does_not_report);
	tcase_add_test(on, test_only_reading);
	tcase_add_test(on, test_discovery);
	tcase_add_test(on, test_faults);
	tcase_add_test(on, test_prometheus);
	suite_add_tcase(suite, on);
	TCase *annotated = tcase_create("with annotations");
	tcase_set_timeout(annotated, 60);
	tcase_add_checked_fixture(annotated, setup_with_annotations, teardown);
	tcase_add_test(annotated, test_annotations);
	suite_add_tcase(suite, annotated);
	TCase *off = tcase_create("without load");
	tcase_set_timeout(off, 60);
	tcase_add_checked_fixture(off, setup_without_load, teardown);
	tcase_add_test(off, test_nothing_without_load);
	suite_add_tcase(suite, off);
	return suite;
}
