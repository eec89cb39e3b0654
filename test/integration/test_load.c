// Live load steers: pods go where kubesim's nodes are really used least, a burst does not herd, and
// an outage of the source is said once and costs nothing but the figures.
// Neighbours: harness.h runs the programs; lib/sim/README.md tells what kubesim's nodes use.
#include "../unit/check_main.h"

#include <signal.h>
#include <string.h>

#include <csched/base/memory.h>

#include "harness.h"

// Whoever gives a file gives the kubeconfig in it.
#define CONFIG                                                                                     \
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"           \
	"clientConnection: {kubeconfig: \"%s\"}\nleaderElection: {leaderElect: false}\nprofiles: " \
	"[{schedulerName: c-sched}]\n---\n"                                                        \
	"apiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\n%s"
#define METRICS_API \
	"sources:\n- name: api\n  type: MetricsAPI\n  interval: 1s\n  metrics: [cpu, memory]\n"
#define ANNOTATIONS "sources:\n- name: notes\n  type: NodeAnnotations\n  metrics: [connections]\n"
#define SHORT_LIVED \
	"metrics:\n- {name: cpu, timeToLive: 1500ms}\n- {name: memory, timeToLive: 1500ms}\n"

static struct harness_process *kubesim;
static struct harness_process *scheduler;

static void start_kubesim(const char *interval)
{
	CS_AUTO_FREE char *flag = cs_asprintf("--load-interval=%s", interval);
	kubesim = HARNESS_KUBESIM("--nodes=0", "--load", "--load-annotations", "--load-noise=0",
				  "--load-ramp=1000", flag);
}

// A node of 8 CPUs and 16 Gi; `annotations` is JSON members.
static void create_node(const char *name, const char *annotations)
{
	harness_create(kubesim, "/api/v1/nodes",
		       "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\","
		       "\"annotations\":{%s}},\"status\":{\"capacity\":{\"cpu\":\"8\",\"memory\":"
		       "\"16Gi\",\"pods\":\"110\"},\"allocatable\":{\"cpu\":\"8\",\"memory\":"
		       "\"16Gi\",\"pods\":\"110\"}}}",
		       name, annotations);
}

static void create_used_node(const char *name, const char *cpu)
{
	CS_AUTO_FREE char *annotations = cs_asprintf("\"kubesim.c-sched.io/base-cpu\":\"%s\"", cpu);
	create_node(name, annotations);
}

static void create_connected_node(const char *name, int connections)
{
	CS_AUTO_FREE char *annotations =
		cs_asprintf("\"kubesim.c-sched.io/base-connections\":\"%d\"", connections);
	create_node(name, annotations);
}

static void annotate_node(const char *name, const char *members)
{
	CS_AUTO_FREE char *path = cs_asprintf("/api/v1/nodes/%s", name);
	CS_AUTO_FREE char *body = cs_asprintf("{\"metadata\":{\"annotations\":{%s}}}", members);
	struct harness_response response =
		harness_request(kubesim, "PATCH", path, "application/merge-patch+json", body);
	ck_assert_int_eq(response.status, 200);
}

// The value of a series of c-sched's /metrics, "" labels included; -1 where it is not there.
static double series(const char *name_and_labels)
{
	struct harness_response response =
		harness_request(scheduler, "GET", "/metrics", NULL, NULL);
	CS_AUTO_FREE char *line = cs_asprintf("\n%s ", name_and_labels);
	const char *found = strstr(response.body, line);
	return found ? strtod(found + strlen(line), NULL) : -1;
}

static void wait_series(const char *name_and_labels, double at_least, double at_most)
{
	double end = harness_now() + HARNESS_PATIENCE, value;
	while ((value = series(name_and_labels)) < at_least || value > at_most) {
		if (harness_now() > end)
			ck_abort_msg("%s is %g, not %g to %g\n%s", name_and_labels, value, at_least,
				     at_most, harness_read_file(scheduler->log));
		harness_sleep(0.05);
	}
}

// What c-sched knows of a node.
static void wait_node(const char *name, const char *field, double at_least, double at_most)
{
	CS_AUTO_FREE char *path = cs_asprintf("/debug/cluster?node=%s", name);
	double end = harness_now() + HARNESS_PATIENCE, value;
	while ((value = json_object_get_double(cs_value_at(harness_get(scheduler, path), field))) <
		       at_least ||
	       value > at_most) {
		ck_assert_msg(harness_now() < end, "%s of %s is %g, not %g to %g", field, name,
			      value, at_least, at_most);
		harness_sleep(0.05);
	}
}

// Starts c-sched and waits until it knows the metric of that many nodes.
static void start_scheduler(const char *sources, const char *metric, int nodes)
{
	CS_AUTO_FREE char *text = cs_asprintf(CONFIG, kubesim->kubeconfig, sources);
	const char *file = harness_path("load.yaml");
	harness_write_file(file, text);
	CS_AUTO_FREE char *flag = cs_asprintf("--config=%s", file);
	scheduler = HARNESS_C_SCHED(kubesim, flag);
	CS_AUTO_FREE char *fresh =
		cs_asprintf("csched_load_nodes{source=\"%s\",metric=\"%s\",state=\"fresh\"}",
			    strstr(sources, "name: api") ? "api" : "notes", metric);
	wait_series(fresh, nodes, nodes);
}

static void create_deployment(const char *name, int replicas, const char *annotations)
{
	harness_create(
		kubesim, "/apis/apps/v1/namespaces/default/deployments",
		"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":"
		"\"%s\"},\"spec\":{\"replicas\":%d,\"selector\":{\"matchLabels\":{\"app\":"
		"\"%s\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"%s\"},\"annotations\":"
		"{%s}},\"spec\":{\"schedulerName\":\"c-sched\",\"containers\":[{\"name\":\"c\","
		"\"image\":\"i:1\",\"resources\":{\"requests\":{\"cpu\":\"100m\"}}}]}}}}",
		name, replicas, name, name, annotations);
}

// How many pods of namespace default are on the node.
static int pods_on(const char *node)
{
	CS_AUTO_FREE char *path = cs_asprintf(
		"/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%%3D%s", node);
	return (int)json_object_array_length(cs_value_at(harness_get(kubesim, path), "items"));
}

static int count_events(const char *reason)
{
	struct json_object *items =
		cs_value_at(harness_get(kubesim, "/apis/events.k8s.io/v1/events"), "items");
	int n = 0;
	for (size_t i = 0; i < json_object_array_length(items); i++)
		n += cs_string_equal(
			cs_value_string_at(json_object_array_get_idx(items, i), "reason"), reason);
	return n;
}

START_TEST(the_least_used_node)
{
	static const char *const cpu[] = { "7", "5", "500m", "6", "4" };
	start_kubesim("200");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cpu); i++) {
		CS_AUTO_FREE char *name = cs_asprintf("n-%zu", i);
		create_used_node(name, cpu[i]);
	}
	start_scheduler(METRICS_API, "cpu", CS_ARRAY_LENGTH(cpu));
	for (int i = 0; i < 3; i++) {
		CS_AUTO_FREE char *pod = cs_asprintf("p-%d", i);
		harness_create_pod(kubesim, pod, "100m");
		ck_assert_str_eq(harness_wait_bound(kubesim, pod), "n-2");
	}
	// What is used changes, and so does where the next one goes.
	annotate_node("n-2", "\"kubesim.c-sched.io/base-cpu\":\"7500m\"");
	annotate_node("n-0", "\"kubesim.c-sched.io/base-cpu\":\"100m\"");
	wait_node("n-2", "load.cpu.sample", 7500, 10000);
	wait_node("n-0", "load.cpu.sample", 0, 1000);
	harness_create_pod(kubesim, "later", "100m");
	ck_assert_str_eq(harness_wait_bound(kubesim, "later"), "n-0");
	ck_assert_int_eq(harness_stop(scheduler, SIGTERM), 0);
}
END_TEST

START_TEST(the_fewest_connections)
{
	static const int connections[] = { 900, 700, 20, 800, 600 };
	start_kubesim("200");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(connections); i++) {
		CS_AUTO_FREE char *name = cs_asprintf("n-%zu", i);
		create_connected_node(name, connections[i]);
	}
	start_scheduler(ANNOTATIONS, "connections", CS_ARRAY_LENGTH(connections));
	harness_create_pod(kubesim, "p", "100m");
	ck_assert_str_eq(harness_wait_bound(kubesim, "p"), "n-2");
}
END_TEST

// Forty pods within one interval of ten seconds, one node with the smallest load of all. Without
// the ledger all would go there; no node may get more than twice its share.
START_TEST(a_burst_does_not_herd)
{
	enum { NODES = 8, PODS = 40 };
	start_kubesim("10000");
	for (int i = 0; i < NODES; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("n-%d", i);
		create_used_node(name, i == 3 ? "300m" : "900m");
	}
	start_scheduler(METRICS_API, "cpu", NODES);
	create_deployment("burst", PODS, "\"kubesim.c-sched.io/cpu\":\"500m\"");
	harness_wait_all_bound(kubesim, PODS);
	for (int i = 0; i < NODES; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("n-%d", i);
		ck_assert_int_le(pods_on(name), 2 * PODS / NODES);
		ck_assert_int_gt(pods_on(name), 0);
	}
}
END_TEST

START_TEST(a_node_of_weight_zero)
{
	start_kubesim("200");
	create_node("idle", "\"c-sched.io/weight\":\"0\",\"kubesim.c-sched.io/base-cpu\":\"0\"");
	create_used_node("busy", "6");
	start_scheduler(METRICS_API, "cpu", 2);
	create_deployment("web", 10, "");
	harness_wait_all_bound(kubesim, 10);
	ck_assert_int_eq(pods_on("idle"), 0);
	annotate_node("idle", "\"c-sched.io/weight\":\"100\"");
	wait_node("idle", "weight", 100, 100);
	create_deployment("more", 10, "");
	harness_wait_all_bound(kubesim, 20);
	ck_assert_int_gt(pods_on("idle"), 5);
}
END_TEST

#define OUTAGE "[{match: {resource: nodes.metrics.k8s.io}, action: status, code: 503, count: 0}]"

START_TEST(an_outage_of_the_source)
{
	start_kubesim("200");
	create_used_node("a", "1");
	create_used_node("b", "6");
	start_scheduler(SHORT_LIVED METRICS_API, "cpu", 2);
	harness_faults(kubesim, OUTAGE);
	wait_series("csched_load_nodes{source=\"api\",metric=\"cpu\",state=\"missing\"}", 2, 2);
	double end = harness_now() + HARNESS_PATIENCE;
	while (!count_events("LoadUnknown") && harness_now() < end)
		harness_sleep(0.05);
	ck_assert_msg(count_events("LoadUnknown") == 1, "%s", harness_read_file(scheduler->log));
	create_deployment("web", 20, "");
	harness_wait_all_bound(kubesim, 20);
	// By requests alone the two are equals.
	ck_assert_int_ge(pods_on("a"), 8);
	ck_assert_int_ge(pods_on("b"), 8);
	harness_sleep(1);
	ck_assert_int_eq(count_events("LoadUnknown"), 1);
	harness_faults(kubesim, "");
	wait_series("csched_load_nodes{source=\"api\",metric=\"cpu\",state=\"fresh\"}", 2, 2);
	harness_create_pod(kubesim, "p", "100m");
	ck_assert_str_eq(harness_wait_bound(kubesim, "p"), "a");
}
END_TEST

// Not known is neither nothing nor full: what is requested there counts.
START_TEST(nodes_that_stop_reporting)
{
	start_kubesim("200");
	create_used_node("a", "4");
	create_used_node("requested", "100m");
	create_used_node("empty", "100m");
	harness_create(kubesim, "/api/v1/namespaces/default/pods",
		       "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\","
		       "\"annotations\":{\"kubesim.c-sched.io/cpu\":\"0\"}},\"spec\":{\"nodeName\":"
		       "\"requested\",\"containers\":[{\"name\":\"c\",\"image\":\"i:1\","
		       "\"resources\":{\"requests\":{\"cpu\":\"6\"}}}]}}",
		       "large");
	start_scheduler(SHORT_LIVED METRICS_API, "cpu", 3);
	annotate_node("requested", "\"kubesim.c-sched.io/report\":\"false\"");
	annotate_node("empty", "\"kubesim.c-sched.io/report\":\"false\"");
	wait_series("csched_load_nodes{source=\"api\",metric=\"cpu\",state=\"missing\"}", 2, 2);
	create_deployment("web", 12, "");
	harness_wait_all_bound(kubesim, 12);
	ck_assert_int_le(pods_on("requested"), 3); // the large one among them
	ck_assert_int_gt(pods_on("empty"), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("load");
	TCase *all = tcase_create("live load");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, harness_setup, harness_teardown);
	tcase_add_test(all, the_least_used_node);
	tcase_add_test(all, the_fewest_connections);
	tcase_add_test(all, a_burst_does_not_herd);
	tcase_add_test(all, a_node_of_weight_zero);
	tcase_add_test(all, an_outage_of_the_source);
	tcase_add_test(all, nodes_that_stop_reporting);
	suite_add_tcase(suite, all);
	return suite;
}
