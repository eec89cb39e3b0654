// The experiment's own rules: the same seed gives the same run, pods are conserved, measuring means
// what it says, peers' formulas give their published values, files with mistakes are refused, and
// reports tell chance. Neighbours: world.h, policy.h, ours.h, scenario.h, report.h.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/plugins/list.h>

#include "../../unit/check_main.h"
#include "ours.h"
#include "policy.h"
#include "report.h"

static const char small[] =
	"name: small\n"
	"about: for tests\n"
	"seconds: 300\n"
	"measureFrom: 60\n"
	"nodes:\n"
	"- {count: 6, cpu: 8, memory: 32, baseCPU: [0.1, 0.4], baseMemory: 0.1,\n"
	"   baseConnections: [0, 100]}\n"
	"pods:\n"
	"- {workloads: 4, replicas: 6, over: 60, requestCPU: [0.4, 1], requestMemory: 1,\n"
	"   useCPU: [0.5, 1.2], connections: [20, 80], spread: 0.3, noise: 0.2,\n"
	"   lifetime: 200, rampCPU: 30, rampConnections: 60}\n";

static struct scenario read_small(void)
{
	struct scenario scenario;
	struct cs_error err;
	ck_assert_msg(scenario_read("small", cs_slice_of(small), &scenario, &err) == 0, "%s",
		      err.text);
	return scenario;
}

static struct cs_config *built_in(void)
{
	struct cs_config *config;
	struct cs_error err;
	ck_assert_int_eq(cs_config_read(NULL, (struct cs_slice){ 0 }, cs_plugins, &config, &err),
			 0);
	return config;
}

// Plays as often as asked and compares bit by bit.
static void check_same(struct placer *(*create)(const struct scenario *scenario, uint64_t seed),
		       void (*destroy)(struct placer *placer))
{
	struct scenario scenario = read_small();
	double outcomes[3][OUTCOMES];
	for (int i = 0; i < 3; i++) {
		uint64_t seed = i < 2 ? 7 : 8;
		struct placer *placer = create(&scenario, seed);
		world_run(&scenario, seed, placer, outcomes[i], NULL);
		destroy(placer);
	}
	ck_assert_mem_eq(outcomes[0], outcomes[1], sizeof(outcomes[0]));
	ck_assert_mem_ne(outcomes[0], outcomes[2], sizeof(outcomes[0]));
	ck_assert_double_eq(outcomes[0][UNPLACED], 0);
	ck_assert_double_gt(outcomes[0][MAX_USE], 0.1);
	ck_assert_double_ge(outcomes[0][IMBALANCE], 1);
	ck_assert_double_ge(outcomes[0][RESPONSE], 4.6); // an idle node's: -ln(0.01)
}

static struct placer *rule_named(const struct scenario *scenario, uint64_t seed, uint32_t which)
{
	return policy_create(&policy_rules[which], scenario, seed);
}

static struct placer *first_rule(const struct scenario *scenario, uint64_t seed)
{
	return rule_named(scenario, seed, 0);
}

static struct placer *two_choices(const struct scenario *scenario, uint64_t seed)
{
	return rule_named(scenario, seed, 8);
}

static struct cs_config *config;

static struct placer *ours(const struct scenario *scenario, uint64_t seed)
{
	(void)scenario;
	return ours_create(config, seed);
}

START_TEST(a_seed_gives_one_run)
{
	check_same(first_rule, policy_destroy);
	check_same(two_choices, policy_destroy);
}
END_TEST

START_TEST(a_seed_gives_one_run_of_the_real_plugins)
{
	config = built_in();
	check_same(ours, ours_destroy);
	cs_config_destroy(config);
}
END_TEST

// What the experiment is about, in small: by load both CPU and connections are more even than by
// requests, and connections hardly less even than where pods are counted.
START_TEST(load_evens_out_both)
{
	static const char text[] =
		"{name: a, about: b, seconds: 600, measureFrom: 200,"
		"nodes: [{count: 12, cpu: 16, memory: 64, baseCPU: [0.05, 0.3], baseMemory: 0.1,"
		"baseConnections: [0, 400]}],"
		"pods: [{workloads: 8, replicas: 15, over: 400, requestCPU: [0.3, 1.5],"
		"requestMemory: 1, useCPU: [0.4, 1.4], connections: [20, 80], spread: 0.3,"
		"rampCPU: 30, rampConnections: 60}]}";
	enum { REQUESTS, TASKS = 5, OURS, PLAYERS }; // LeastAllocated and Swarm of policy_rules
	double mean[PLAYERS][OUTCOMES] = { 0 };
	struct scenario scenario;
	struct cs_error err;
	ck_assert_int_eq(scenario_read("text", cs_slice_of(text), &scenario, &err), 0);
	config = built_in();
	for (uint64_t seed = 1; seed <= 8; seed++)
		for (uint32_t i = 0; i < PLAYERS; i++) {
			double outcomes[OUTCOMES];
			struct placer *placer =
				i == OURS ? ours(&scenario, seed) : rule_named(&scenario, seed, i);
			world_run(&scenario, seed, placer, outcomes, NULL);
			(i == OURS ? ours_destroy : policy_destroy)(placer);
			for (int o = 0; o < OUTCOMES; o++)
				mean[i][o] += outcomes[o] / 8;
		}
	cs_config_destroy(config);
	ck_assert_double_lt(mean[OURS][DEVIATION], 0.7 * mean[REQUESTS][DEVIATION]);
	ck_assert_double_lt(mean[OURS][IMBALANCE], mean[REQUESTS][IMBALANCE]);
	ck_assert_double_lt(mean[OURS][IMBALANCE], 1.05 * mean[TASKS][IMBALANCE]);
	ck_assert_double_lt(mean[OURS][DEVIATION], 0.5 * mean[TASKS][DEVIATION]);
}
END_TEST

// Of a scenario of the table, seeds 1 to 3.
static double burst_imbalance(double annotated)
{
	static const char path[] = "test/bench/load/scenarios/burst.yaml";
	CS_AUTO_FREE char *text = NULL;
	struct scenario scenario;
	struct cs_error err;
	size_t size;
	double sum = 0;
	ck_assert_int_eq(cs_file_read(path, 1 << 20, &text, &size, &err), 0);
	ck_assert_int_eq(scenario_read(path, (struct cs_slice){ text, size }, &scenario, &err), 0);
	scenario.pods[0].annotated = annotated;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		double outcomes[OUTCOMES];
		struct placer *placer = ours(&scenario, seed);
		world_run(&scenario, seed, placer, outcomes, NULL);
		ours_destroy(placer);
		sum += outcomes[IMBALANCE];
	}
	return sum / 3;
}

START_TEST(what_annotations_say_evens_connections_out)
{
	config = built_in();
	double without = burst_imbalance(0), with = burst_imbalance(1);
	cs_config_destroy(config);
	ck_assert_double_lt(with, without - 0.05);
}
END_TEST

// ---- the ledger, checked against what was placed ----

static uint32_t seconds_checked;

static void check_ledger(void *user, const struct world *world)
{
	struct placer *inner = user;
	struct cs_error err;
	inner->second(inner->user, world);
	if ((uint32_t)world->now % 20 != 0)
		return;
	ck_assert_msg(cs_cluster_check(ours_cluster(inner), &err) == 0, "%s", err.text);
	seconds_checked++;
}

static uint32_t pass_place(void *user, const struct world *world, const struct pod *pod)
{
	struct placer *inner = user;
	return inner->place(inner->user, world, pod);
}

static void pass_gone(void *user, const struct world *world, const struct pod *pod)
{
	struct placer *inner = user;
	inner->gone(inner->user, world, pod);
}

START_TEST(the_ledger_stays_right)
{
	struct scenario scenario = read_small();
	double outcomes[OUTCOMES];
	struct cs_config *mine = built_in();
	struct placer *inner = ours_create(mine, 1);
	struct placer outer = { .name = "checked",
				.user = inner,
				.place = pass_place,
				.gone = pass_gone,
				.second = check_ledger };
	world_run(&scenario, 1, &outer, outcomes, NULL);
	ck_assert_uint_ge(seconds_checked, 15);
	ours_destroy(inner);
	cs_config_destroy(mine);
}
END_TEST

// ---- worlds ----

// One node, one pod of 2 cores from second 10 on, no noise but that of the base, which is 0.
static uint32_t place_at_ten(void *user, const struct world *world, const struct pod *pod)
{
	(void)user;
	(void)pod;
	return world->now >= 10 ? 0 : NOWHERE;
}

static struct measured at_forty, at_eighty;

static void measure(void *user, const struct world *world)
{
	(void)user;
	if (world->now == 40)
		ck_assert(world_measure(world, 0, 1, 60, &at_forty));
	if (world->now == 80)
		ck_assert(world_measure(world, 0, 1, 60, &at_eighty));
}

START_TEST(figures_are_means_of_the_window)
{
	static const char text[] = "{name: a, about: b, seconds: 90, scrapeInterval: 1,"
				   "nodes: [{cpu: 4}], pods: [{requestCPU: 2, connections: 9}]}";
	struct scenario scenario;
	struct cs_error err;
	double outcomes[OUTCOMES];
	struct placer placer = { .name = "ten", .place = place_at_ten, .second = measure };
	ck_assert_int_eq(scenario_read("text", cs_slice_of(text), &scenario, &err), 0);
	world_run(&scenario, 1, &placer, outcomes, NULL);
	// 29 or 30 s of 60 at 2 cores: scrapes begin within a second.
	ck_assert_double_eq_tol(at_forty.value[CPU], 2 * 30.0 / 60, 2.0 / 60 + 1e-9);
	ck_assert_double_eq_tol(at_eighty.value[CPU], 2, 1e-9);
	ck_assert_double_eq_tol(at_eighty.deviation[CPU], 0, 1e-6);
	ck_assert_double_eq(at_eighty.value[CONNECTIONS], 9);
	ck_assert_double_eq_tol(outcomes[MAX_USE], 0.5, 1e-9);
}
END_TEST

// ---- rules ----

static double score_of(const char *name, const struct seen *node, const struct asked *pod)
{
	const struct rule *rule = policy_rules;
	while (rule->name && strcmp(rule->name, name) != 0)
		rule++;
	ck_assert_ptr_nonnull(rule->name);
	return rule->score(node, pod);
}

START_TEST(rules_score_as_published)
{
	struct asked pod = { .request = { 1, 2 } };
	struct seen node = { .now = 100,
			     .known = true,
			     .measured = { .taken = 100, .value = { 2.5, 8, 300 } },
			     .interval = 60,
			     .window = 60,
			     .capacity = { 10, 40 },
			     .weight = 2,
			     .requested = { 4, 8 } };
	// 1 - 5/10 and 1 - 10/40.
	ck_assert_double_eq_tol(score_of("LeastAllocated", &node, &pod), 62.5, 1e-9);
	// 2.5 + 1.5 of 10 is the target: the peak.
	ck_assert_double_eq(score_of("Trimaran TLP", &node, &pod), 100);
	// 2 cores more, twice 1.5 predicted for pods that came after: 7 / 10 -> 40 * 30 / 60.
	const struct pod came = { .request = { 1, 2 } };
	const struct recent recent[] = { { &came, 90 }, { &came, 95 } };
	node.recent = recent;
	node.n_recent = 2;
	ck_assert_double_eq(score_of("Trimaran TLP", &node, &pod), 20);
	// cpu (3.5/10 + 0)/2, memory (10/40)/2.
	ck_assert_double_eq(score_of("Trimaran LVRB", &node, &pod), round(100 - 17.5));
	// Two of 0.85 cores and 1.4 GiB in flight, and the pod's own.
	ck_assert_double_eq_tol(score_of("Koordinator", &node, &pod),
				50 * (1 - 5.05 / 10) + 50 * (1 - 12.2 / 40), 1e-9);
	// floor(50 * 0.75 + 50 * 0.8) - 10 * (floor(2/5) + floor(2/2)): both came before the
	// figures.
	ck_assert_double_eq(score_of("Crane", &node, &pod), 77 - 10);
	ck_assert_double_eq(score_of("IPVS WLC", &node, &pod), -150);
	ck_assert_double_eq(score_of("IPVS SED", &node, &pod), -150.5);
}
END_TEST

// ---- reports ----

// Differences 1, 2, 3, 4: mean 2.5, 95 % interval 3.182 * 1.291 / 2 = 2.054; with the last one 12,
// mean 4.5 and interval 3.182 * 5.066 / 2 = 8.06, though it is greater in every seed.
START_TEST(chance_is_no_difference)
{
	static const double more[] = { 11, 22, 33, 44 }, less[] = { 10, 20, 30, 40 };
	static struct runs a = { .n = 4 }, b = { .n = 4 };
	for (int i = 0; i < 4; i++) {
		a.outcomes[i][HOT] = less[i];
		b.outcomes[i][HOT] = more[i];
	}
	ck_assert_double_eq_tol(report_interval(&a, HOT), 3.182 * 12.910 / 2, 0.01);
	ck_assert(report_is_less(&a, &b, HOT));
	ck_assert(!report_is_less(&b, &a, HOT));
	ck_assert(!report_is_less(&a, &a, HOT));
	b.outcomes[3][HOT] = 52;
	ck_assert(!report_is_less(&a, &b, HOT));
	a.n = b.n = 1;
	ck_assert(!report_is_less(&a, &b, HOT));
}
END_TEST

static void check_has(const char *directory, const char *name, const char *words)
{
	struct cs_error err;
	size_t size;
	CS_AUTO_FREE char *text = NULL;
	CS_AUTO_FREE char *path = cs_asprintf("%s/%s", directory, name);
	ck_assert_msg(cs_file_read(path, 1 << 20, &text, &size, &err) == 0, "%s", err.text);
	ck_assert_msg(strstr(text, words), "%s: %s", name, text);
	unlink(path);
}

START_TEST(no_scenario_takes_the_name_of_another_file)
{
	char directory[] = "/tmp/c-sched-load.XXXXXX";
	double use[] = { 0.25, 0.5 };
	const struct scenario scenario = { .name = "imbalance" };
	struct runs runs = { .player = "c-sched", .n = 1, .series = { 2, 1, use } };
	const struct result result = { &scenario, 1, &runs };
	struct cs_error err;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(report_plots(directory, &result, 1, &err), 0);
	check_has(directory, "use-imbalance.dat", "\"c-sched\"\n0 0.2500 0.5000\n");
	check_has(directory, "imbalance.dat", "\"imbalance\"\n\"c-sched\" 0.0000 0.0000\n");
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

// ---- files ----

static void check_refused(const char *text, const char *words)
{
	struct scenario scenario;
	struct cs_error err = { 0 };
	ck_assert_int_lt(scenario_read("f", cs_slice_of(text), &scenario, &err), 0);
	ck_assert_msg(strstr(err.text, words), "%s", err.text);
}

START_TEST(mistakes_are_named)
{
	check_refused("[]", "f: ");
	check_refused("{name: a, about: b, pods: [{}]}", "nodes: not a list of 1 to 8");
	check_refused("{name: a, about: b, nodes: [{cpus: 1}], pods: [{}]}",
		      "nodes[0]: unknown field \"cpus\"");
	check_refused("{name: a, about: b, nodes: [{cpu: x}], pods: [{}]}",
		      "nodes[0]: cpu: not a number");
	check_refused("{name: a, about: b, nodes: [{baseCPU: [0, 0.1, 0.2]}], pods: [{}]}",
		      "baseCPU: not one number, or two");
	check_refused("{name: a, about: b, missing: 2, nodes: [{}], pods: [{}]}",
		      "missing: not from 0 to 1");
	check_refused("{name: a, about: b, seconds: 10, measureFrom: 10, nodes: [{}], pods: [{}]}",
		      "measureFrom: not below seconds");
	check_refused("{about: b, nodes: [{}], pods: [{}]}", "name: not a text");
	check_refused("{name: a/b, about: b, nodes: [{}], pods: [{}]}", "name: only letters");
	check_refused("{name: a, about: b, seconds: 1.5, nodes: [{}], pods: [{}]}",
		      "seconds: not a whole number");
	check_refused("{name: a, about: b, nodes: [{count: 0.5}], pods: [{}]}",
		      "nodes[0]: count: not a whole number above 0");
	check_refused("{name: a, about: b, nodes: [{}], pods: [{}, {replicas: 0}]}",
		      "pods[1]: workloads, replicas: not whole numbers above 0");
	check_refused("{name: a, about: b, nodes: [{}], pods: [{useCPU: [2, 1]}]}",
		      "pods[0]: useCPU: from 2 down to 1");
	check_refused("{name: a, about: b, nodes: [{}], pods: [{workloads: 11, replicas: 10000}]}",
		      "more than 100000 pods");
	check_refused("{name: a, about: b, seconds: 7200, pods: [{}],"
		      "nodes: [{count: 1000}, {count: 1000}]}",
		      "nodes * seconds above 10000000");
}
END_TEST

// Tests run from the top of the tree.
START_TEST(the_example_of_the_readme_is_one)
{
	static const char begin[] = "<<'END'\n";
	CS_AUTO_FREE char *text = NULL;
	struct scenario scenario;
	struct cs_error err;
	size_t size;
	ck_assert_int_eq(cs_file_read("test/bench/load/README.md", 1 << 20, &text, &size, &err), 0);
	char *from = strstr(text, begin) + sizeof(begin) - 1;
	struct cs_slice example = { from, (size_t)(strstr(from, "\nEND\n") - from) };
	ck_assert_msg(scenario_read("example", example, &scenario, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(scenario.n_pods, 2);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("load experiment");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_seed_gives_one_run);
	tcase_add_test(tcase, a_seed_gives_one_run_of_the_real_plugins);
	tcase_add_test(tcase, load_evens_out_both);
	tcase_add_test(tcase, what_annotations_say_evens_connections_out);
	tcase_add_test(tcase, the_ledger_stays_right);
	tcase_add_test(tcase, figures_are_means_of_the_window);
	tcase_add_test(tcase, rules_score_as_published);
	tcase_add_test(tcase, chance_is_no_difference);
	tcase_add_test(tcase, no_scenario_takes_the_name_of_another_file);
	tcase_add_test(tcase, mistakes_are_named);
	tcase_add_test(tcase, the_example_of_the_readme_is_one);
	suite_add_tcase(suite, tcase);
	return suite;
}
