// The load model: ramps, noise, contention, samples that are late. Neighbours: lib/sim/usage.c.
#include "../check_main.h"

#include <math.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <sim/usage.h>

static struct sim_usage usage;

static void start(struct sim_usage_options options)
{
	if (!options.interval)
		options.interval = 10 * CS_SECOND;
	sim_usage_init(&usage, &options);
}

static void teardown(void)
{
	sim_usage_finish(&usage);
}

// The wall is a thousand seconds ahead.
static struct cs_time at(double seconds)
{
	int64_t boot = (int64_t)(seconds * (double)CS_SECOND);
	return (struct cs_time){ .boot = boot, .wall = boot + 1000 * CS_SECOND };
}

static struct json_object *parse(const char *text)
{
	struct json_object *tree;
	struct cs_error err;
	ck_assert_msg(cs_value_read_json(cs_slice_of(text), &tree, &err) == 0, "%s", err.text);
	return tree;
}

// A node of 4 CPUs and 8 Gi; `annotations` is JSON members.
static void node(const char *name, const char *annotations, double seconds)
{
	CS_AUTO_FREE char *text =
		cs_asprintf("{\"metadata\":{\"name\":\"%s\",\"annotations\":{%s}},"
			    "\"status\":{\"capacity\":{\"cpu\":\"4\",\"memory\":\"8Gi\"}}}",
			    name, annotations);
	CS_AUTO_VALUE struct json_object *tree = parse(text);
	sim_usage_apply_node(&usage, tree, at(seconds));
}

static void pod_in(const char *phase, const char *name, const char *annotations, double seconds)
{
	CS_AUTO_FREE char *key = cs_asprintf("default/%s", name);
	CS_AUTO_FREE char *text = cs_asprintf(
		"{\"metadata\":{\"name\":\"%s\",\"uid\":\"u-%s\",\"annotations\":{%s}},"
		"\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"resources\":{\"requests\":"
		"{\"cpu\":\"500m\",\"memory\":\"1Gi\"}}},{\"resources\":{\"requests\":"
		"{\"cpu\":\"250m\"}}}]},\"status\":{\"phase\":\"%s\"}}",
		name, name, annotations, phase);
	CS_AUTO_VALUE struct json_object *tree = parse(text);
	sim_usage_apply_pod(&usage, key, tree, at(seconds));
}

static void pod(const char *name, const char *annotations, double seconds)
{
	pod_in("Running", name, annotations, seconds);
}

#define IDLE                                     \
	"\"kubesim.c-sched.io/base-cpu\":\"0\"," \
	"\"kubesim.c-sched.io/base-memory\":\"0\",\"kubesim.c-sched.io/base-connections\":\"0\""
#define HEAVY                                   \
	"\"kubesim.c-sched.io/cpu\":\"2500m\"," \
	"\"kubesim.c-sched.io/memory\":\"5Gi\",\"kubesim.c-sched.io/connections\":\"800\""

static const struct sim_amounts *used(double seconds)
{
	sim_usage_advance(&usage, at(seconds));
	return &sim_usage_find_node(&usage, "n")->used;
}

#define NEAR(a, b) ck_assert_double_eq_tol(a, b, 1e-6)

START_TEST(test_a_node_without_words)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", "", 0);
	NEAR(used(1)->cpu, 0.1);
	NEAR(used(1)->memory, 512.0 * 1048576);
	NEAR(used(1)->connections, 20);
	NEAR(sim_usage_find_node(&usage, "n")->size.connections, 262144);
}
END_TEST

START_TEST(test_annotations_of_a_node)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n",
	     "\"kubesim.c-sched.io/base-cpu\":\"1500m\",\"kubesim.c-sched.io/base-memory\":\"1Gi\","
	     "\"kubesim.c-sched.io/base-connections\":\"70\","
	     "\"kubesim.c-sched.io/connections-limit\":\"1000\"",
	     0);
	NEAR(used(1)->cpu, 1.5);
	NEAR(used(1)->memory, 1024.0 * 1048576);
	NEAR(used(1)->connections, 70);
	NEAR(sim_usage_find_node(&usage, "n")->size.connections, 1000);
	// What is no amount is not taken.
	node("n", "\"kubesim.c-sched.io/base-cpu\":\"much\"", 2);
	NEAR(used(3)->cpu, 0.1);
	node("n", "\"kubesim.c-sched.io/base-cpu\":\"-3\"", 4);
	NEAR(used(5)->cpu, 0.1);
}
END_TEST

START_TEST(test_a_pod_uses_what_it_asks_for)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", IDLE, 0);
	pod("a", "", 1);
	NEAR(used(2)->cpu, 0.75);
	NEAR(used(2)->memory, 1024.0 * 1048576);
	NEAR(used(2)->connections, 10);
	pod("a", HEAVY, 3);
	NEAR(used(4)->cpu, 2.5);
	NEAR(used(4)->connections, 800);
}
END_TEST

START_TEST(test_a_pod_that_asks_for_nothing_uses_some)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", IDLE, 0);
	CS_AUTO_VALUE struct json_object *tree =
		parse("{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"nodeName\":\"n\","
		      "\"containers\":[{}]},\"status\":{\"phase\":\"Running\"}}");
	sim_usage_apply_pod(&usage, "default/a", tree, at(0));
	NEAR(used(1)->cpu, 0.1);
	NEAR(used(1)->memory, 64.0 * 1048576);
}
END_TEST

START_TEST(test_only_running_pods_use_anything)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", IDLE, 0);
	pod_in("Pending", "a", HEAVY, 0);
	NEAR(used(1)->cpu, 0);
	pod_in("Running", "a", HEAVY, 1);
	NEAR(used(2)->cpu, 2.5);
	pod_in("Succeeded", "a", HEAVY, 2);
	NEAR(used(3)->cpu, 0);
	pod_in("Running", "b", HEAVY, 3);
	sim_usage_remove_pod(&usage, "default/b");
	sim_usage_remove_pod(&usage, "default/unknown");
	NEAR(used(4)->cpu, 0);
}
END_TEST

START_TEST(test_the_ramp)
{
	start((struct sim_usage_options){ .seed = 1, .ramp = 20 * CS_SECOND });
	node("n", IDLE, 0);
	pod("a", HEAVY, 10);
	NEAR(used(10)->cpu, 0);
	NEAR(used(15)->cpu, 0.625);
	NEAR(used(15)->connections, 200);
	NEAR(used(20)->cpu, 1.25);
	NEAR(used(30)->cpu, 2.5);
	NEAR(used(300)->cpu, 2.5);
}
END_TEST

static const struct sim_usage_pod *running(const char *name)
{
	CS_AUTO_FREE char *key = cs_asprintf("default/%s", name);
	return cs_map_get(&usage.pods, cs_slice_of(key));
}

START_TEST(test_what_there_is_is_shared)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", IDLE ",\"kubesim.c-sched.io/connections-limit\":\"1000\"", 0);
	pod("a", HEAVY, 0);
	pod("b", HEAVY, 0);
	NEAR(used(1)->cpu, 4);
	NEAR(used(1)->memory, 8.0 * 1024 * 1048576);
	NEAR(used(1)->connections, 1000);
	NEAR(running("a")->used.cpu, 2);
	NEAR(running("b")->used.cpu, 2);
}
END_TEST

START_TEST(test_noise_is_bounded_and_repeatable)
{
	double first[200];
	double low = 9, high = 0;
	for (int round = 0; round < 2; round++) {
		start((struct sim_usage_options){ .seed = 5, .noise = 0.2 });
		node("n", IDLE, 0);
		pod("a", HEAVY, 0);
		for (int i = 0; i < 200; i++) {
			double cpu = used(i)->cpu;
			ck_assert_double_le(fabs(cpu / 2.5 - 1), 0.2);
			low = fmin(low, cpu);
			high = fmax(high, cpu);
			if (round == 0)
				first[i] = cpu;
			else
				ck_assert_double_eq(first[i], cpu);
			NEAR(used(i)->memory, 5.0 * 1024 * 1048576);
		}
		if (round == 0)
			sim_usage_finish(&usage);
	}
	ck_assert_double_gt(high / low, 1.15);
	sim_usage_finish(&usage);
	start((struct sim_usage_options){ .seed = 6, .noise = 0.2 });
	node("n", IDLE, 0);
	pod("a", HEAVY, 0);
	ck_assert_double_ne(first[7], used(7)->cpu);
}
END_TEST

// Steps of a second up to that time.
static void run_to(double seconds)
{
	double now = (double)usage.at / (double)CS_SECOND;
	while (now < seconds) {
		now = fmin(now + 1, seconds);
		sim_usage_advance(&usage, at(now));
	}
}

START_TEST(test_samples_are_means_of_their_window)
{
	start((struct sim_usage_options){ .seed = 1, .interval = 10 * CS_SECOND });
	node("n", IDLE, 0);
	ck_assert_ptr_null(sim_usage_node_sample(&usage, "n"));
	run_to(21);
	const struct sim_sample *sample = sim_usage_node_sample(&usage, "n");
	ck_assert_ptr_nonnull(sample);
	NEAR(sample->used.cpu, 0);
	int64_t taken = sample->boot;
	ck_assert_int_eq(sample->wall, taken + 1000 * CS_SECOND);
	// Four seconds before the next sample a pod begins: it is in four tenths of the window.
	pod("a", HEAVY, (double)taken / 1e9 + 6);
	run_to((double)taken / 1e9 + 10);
	sample = sim_usage_node_sample(&usage, "n");
	ck_assert_int_eq(sample->boot, taken + 10 * CS_SECOND);
	ck_assert_int_eq(sample->window, 10 * CS_SECOND);
	NEAR(sample->used.cpu, 1);
	NEAR(sample->used.connections, 800); // of now
	// The pod's own window is as long as it has run.
	sample = sim_usage_pod_sample(&usage, "default/a");
	ck_assert_int_eq(sample->window, 4 * CS_SECOND);
	NEAR(sample->used.cpu, 2.5);
}
END_TEST

// However coarse the steps are: a pod that began between two of them is not made larger by that.
START_TEST(test_a_pod_between_two_steps)
{
	start((struct sim_usage_options){ .seed = 1, .interval = 10 * CS_SECOND });
	node("n", IDLE, 0);
	sim_usage_advance(&usage, at(20));
	pod("a", HEAVY, 39.5);
	sim_usage_advance(&usage, at(40));
	NEAR(running("a")->cpu_seconds, 1.25);
	NEAR(sim_usage_find_node(&usage, "n")->cpu_seconds, 1.25);
}
END_TEST

START_TEST(test_a_sample_takes_its_time_to_arrive)
{
	start((struct sim_usage_options){
		.seed = 1, .interval = 10 * CS_SECOND, .delay = 4 * CS_SECOND });
	node("n", IDLE, 0);
	run_to(30);
	const struct sim_usage_node *found = sim_usage_find_node(&usage, "n");
	run_to((double)found->next_sample / 1e9);
	int64_t newest = found->meter.newest.boot;
	int64_t before = found->meter.before.boot;
	ck_assert_int_gt(newest, before);
	ck_assert_int_eq(sim_usage_node_sample(&usage, "n")->boot, before);
	run_to((double)newest / 1e9 + 3);
	ck_assert_int_eq(sim_usage_node_sample(&usage, "n")->boot, before);
	run_to((double)newest / 1e9 + 4);
	ck_assert_int_eq(sim_usage_node_sample(&usage, "n")->boot, newest);
}
END_TEST

START_TEST(test_a_node_that_stops_reporting)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", IDLE, 0);
	pod("a", HEAVY, 0);
	run_to(30);
	ck_assert_ptr_nonnull(sim_usage_node_sample(&usage, "n"));
	ck_assert_ptr_nonnull(sim_usage_pod_sample(&usage, "default/a"));
	node("n", IDLE ",\"kubesim.c-sched.io/report\":\"false\"", 30);
	run_to(60);
	ck_assert_ptr_null(sim_usage_node_sample(&usage, "n"));
	ck_assert_ptr_null(sim_usage_pod_sample(&usage, "default/a"));
	ck_assert(!sim_usage_tell(&usage, "n"));
	NEAR(used(61)->cpu, 2.5); // it works all the same
	node("n", IDLE, 61);
	ck_assert_ptr_nonnull(sim_usage_node_sample(&usage, "n"));
}
END_TEST

START_TEST(test_each_sample_is_told_once)
{
	start((struct sim_usage_options){ .seed = 1 });
	ck_assert(!sim_usage_tell(&usage, "n"));
	node("n", IDLE, 0);
	ck_assert(!sim_usage_tell(&usage, "n"));
	run_to(20);
	ck_assert(sim_usage_tell(&usage, "n"));
	ck_assert(!sim_usage_tell(&usage, "n"));
	run_to(30);
	ck_assert(sim_usage_tell(&usage, "n"));
}
END_TEST

START_TEST(test_nodes_are_sampled_at_their_own_times)
{
	start((struct sim_usage_options){ .seed = 1 });
	node("n", IDLE, 0);
	node("m", IDLE, 0);
	ck_assert_int_ne(sim_usage_find_node(&usage, "n")->next_sample,
			 sim_usage_find_node(&usage, "m")->next_sample);
}
END_TEST

START_TEST(test_a_node_that_goes_and_comes_again)
{
	start((struct sim_usage_options){ .seed = 1 });
	pod("a", HEAVY, 0); // before its node is there
	ck_assert_ptr_null(sim_usage_find_node(&usage, "n"));
	node("n", IDLE, 10);
	NEAR(used(11)->cpu, 2.5);
	run_to(40);
	double counted = sim_usage_find_node(&usage, "n")->cpu_seconds;
	ck_assert_double_gt(counted, 70);
	sim_usage_remove_node(&usage, "n");
	sim_usage_remove_node(&usage, "unknown");
	ck_assert_ptr_null(sim_usage_find_node(&usage, "n"));
	ck_assert_ptr_null(sim_usage_node_sample(&usage, "n"));
	ck_assert_ptr_null(sim_usage_pod_sample(&usage, "default/a"));
	run_to(50);
	node("n", IDLE, 50);
	NEAR(sim_usage_find_node(&usage, "n")->cpu_seconds, 0); // another machine
	sim_usage_remove_pod(&usage, "default/a");
	NEAR(used(51)->cpu, 0);
}
END_TEST

START_TEST(test_another_pod_of_the_same_name_ramps_anew)
{
	start((struct sim_usage_options){ .seed = 1, .ramp = 20 * CS_SECOND });
	node("n", IDLE, 0);
	pod("a", HEAVY, 0);
	NEAR(used(20)->cpu, 2.5);
	CS_AUTO_VALUE struct json_object *tree =
		parse("{\"metadata\":{\"name\":\"a\",\"uid\":\"another\",\"annotations\":{" HEAVY
		      "}},\"spec\":{\"nodeName\":\"n\",\"containers\":[{}]},"
		      "\"status\":{\"phase\":\"Running\"}}");
	sim_usage_apply_pod(&usage, "default/a", tree, at(20));
	NEAR(used(30)->cpu, 1.25);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("usage");
	TCase *all = tcase_create("the load model");
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, test_a_node_without_words);
	tcase_add_test(all, test_annotations_of_a_node);
	tcase_add_test(all, test_a_pod_uses_what_it_asks_for);
	tcase_add_test(all, test_a_pod_that_asks_for_nothing_uses_some);
	tcase_add_test(all, test_only_running_pods_use_anything);
	tcase_add_test(all, test_the_ramp);
	tcase_add_test(all, test_what_there_is_is_shared);
	tcase_add_test(all, test_noise_is_bounded_and_repeatable);
	tcase_add_test(all, test_samples_are_means_of_their_window);
	tcase_add_test(all, test_a_pod_between_two_steps);
	tcase_add_test(all, test_a_sample_takes_its_time_to_arrive);
	tcase_add_test(all, test_a_node_that_stops_reporting);
	tcase_add_test(all, test_each_sample_is_told_once);
	tcase_add_test(all, test_nodes_are_sampled_at_their_own_times);
	tcase_add_test(all, test_a_node_that_goes_and_comes_again);
	tcase_add_test(all, test_another_pod_of_the_same_name_ramps_anew);
	suite_add_tcase(suite, all);
	return suite;
}
