// The plugin that README.md shows: that the text is this file, and that it decides as it says.
// Neighbours: fewest_pods.c is the example.
#include "../check_main.h"
#include "../read_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/framework/scheduler.h>
#include <csched/plugins/list.h>

#define FILE_MAX    (1u << 20)
#define PLUGINS_MAX 64

extern const struct cs_plugin cs_plugin_fewest_pods;

static const char config_text[] = "apiVersion: kubescheduler.config.k8s.io/v1\n"
				  "kind: KubeSchedulerConfiguration\n"
				  "profiles:\n"
				  "- schedulerName: c-sched\n"
				  "  plugins:\n"
				  "    score:\n"
				  "      disabled: [{name: '*'}]\n"
				  "      enabled: [{name: FewestPods, weight: 2}]\n";

static char chosen[64];
static struct cs_arena *arena;
static struct cs_scheduler *scheduler;
static const struct cs_time now = { .boot = CS_SECOND, .wall = CS_SECOND };

static void on_bind(void *user, uint64_t ticket, const struct cs_pod *pod, const char *node)
{
	(void)user;
	(void)ticket;
	(void)pod;
	snprintf(chosen, sizeof(chosen), "%s", node);
}

static void on_status(void *user, const struct cs_pod *pod,
		      const struct cs_scheduler_status *status)
{
	(void)user;
	(void)pod;
	ck_abort_msg("%s: %s", status->reason, status->message);
}

static void on_event(void *user, const struct cs_pod *pod, const struct cs_scheduler_event *event)
{
	(void)user;
	(void)pod;
	(void)event;
}

static void add_node(const char *name)
{
	CS_AUTO_FREE char *json = cs_asprintf("{\"metadata\":{\"name\":\"%s\"},\"status\":{"
					      "\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\","
					      "\"pods\":\"10\"}}}",
					      name);
	struct cs_error err = { 0 };
	const Kube__Node *node = (const Kube__Node *)read_object(&cs_kind_node, json, arena);
	ck_assert_int_eq(cs_scheduler_apply_node(scheduler, now, node, &err), 0);
}

static void add_pod(const char *name, const char *node)
{
	CS_AUTO_FREE char *json =
		cs_asprintf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"uid\":\"%s\"},"
			    "\"spec\":{\"schedulerName\":\"c-sched\",\"nodeName\":\"%s\","
			    "\"containers\":[{\"name\":\"c\"}]},\"status\":{}}",
			    name, name, node);
	struct cs_error err = { 0 };
	const Kube__Pod *pod = (const Kube__Pod *)read_object(&cs_kind_pod, json, arena);
	ck_assert_int_eq(cs_scheduler_apply_pod(scheduler, now, pod, &err), 0);
}

static struct cs_config *read_example_config(void)
{
	const struct cs_plugin *plugins[PLUGINS_MAX] = { 0 };
	struct cs_config *config = NULL;
	struct cs_error err = { 0 };
	size_t n = 0;
	for (; cs_plugins[n]; n++)
		plugins[n] = cs_plugins[n];
	ck_assert_uint_lt(n, PLUGINS_MAX - 1);
	plugins[n] = &cs_plugin_fewest_pods;
	ck_assert_msg(
		cs_config_read("test.yaml", cs_slice_of(config_text), plugins, &config, &err) == 0,
		"%s", err.text);
	return config;
}

START_TEST(it_decides)
{
	struct cs_error err = { 0 };
	struct cs_config *config = read_example_config();
	struct cs_cluster *cluster = cs_cluster_create(1);
	struct cs_scheduler_options options = {
		.cluster = cluster,
		.config = config,
		.sink = { .bind = on_bind, .status = on_status, .event = on_event },
	};
	arena = cs_arena_create();
	ck_assert_int_eq(cs_scheduler_create(&options, &scheduler, &err), 0);
	add_node("a");
	add_node("b");
	add_node("c");
	add_pod("p1", "a");
	add_pod("p2", "a");
	add_pod("p3", "c");
	cs_scheduler_start(scheduler);
	add_pod("new", "");
	cs_scheduler_turn(scheduler, now, 1);
	ck_assert_str_eq(chosen, "b");
	const struct cs_record *record =
		cs_records_find(cs_scheduler_records(scheduler), "ns/new", 0);
	ck_assert_int_eq(cs_record_total(record, 0), 2 * 100);
	ck_assert_str_eq(cs_record_node(record, 1), "c");
	ck_assert_int_eq(cs_record_total(record, 1), 2 * 90);
	cs_scheduler_destroy(scheduler);
	cs_cluster_destroy(cluster);
	cs_config_destroy(config);
	cs_arena_destroy(arena);
}
END_TEST

// Tests run from the top of the tree.
START_TEST(readme_shows_it)
{
	CS_AUTO_FREE char *readme = NULL;
	CS_AUTO_FREE char *source = NULL;
	struct cs_error err = { 0 };
	size_t size;
	ck_assert_msg(cs_file_read("README.md", FILE_MAX, &readme, &size, &err) == 0, "%s",
		      err.text);
	ck_assert_msg(cs_file_read("test/unit/plugins/fewest_pods.c", FILE_MAX, &source, &size,
				   &err) == 0,
		      "%s", err.text);
	ck_assert_ptr_nonnull(strstr(readme, source));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("fewest_pods");
	TCase *tcase = tcase_create("fewest_pods");
	tcase_add_test(tcase, it_decides);
	tcase_add_test(tcase, readme_shows_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
