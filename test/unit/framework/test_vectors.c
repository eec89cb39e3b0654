// Kept columns decide as fresh ones do: two schedulers live through the same random history, one
// of them deciding each pod from scratch, and must ask the world for the same.
// Neighbours: lib/framework/vectors.c, cycle.c.
#include <csched/framework/cycle.h>

#include <string.h>

#include "../check_main.h"
#include "fixture.h"

#define N_NODES 150 // more than two blocks of the columns
#define N_PODS  400
#define N_SIZES 45 // more demands than are kept

static struct toy kept, fresh;
static struct cs_random kept_ties, fresh_ties, dice;

static int roll(int n)
{
	return (int)cs_random_below(&dice, (uint64_t)n);
}

static void begin(const struct cs_plugin *const *plugins, const char *yaml, uint64_t seed)
{
	cs_random_init(&dice, seed);
	cs_random_init(&kept_ties, seed + 1);
	cs_random_init(&fresh_ties, seed + 1);
	toy_init_options(&kept, toy_config(yaml, plugins),
			 &(struct cs_scheduler_options){ .random = &kept_ties });
	toy_init_options(&fresh, toy_config(yaml, plugins),
			 &(struct cs_scheduler_options){ .random = &fresh_ties, .no_cache = true });
}

static void end(void)
{
	toy_finish(&kept);
	toy_finish(&fresh);
}

struct node {
	int cpu; // 0 = not there
	bool cordoned;
};
static struct node nodes[N_NODES];

enum stage { ABSENT, PENDING, DECIDED };
static enum stage stages[N_PODS];

static void change_node(int i)
{
	const char *name = cs_arena_printf(kept.arena, "n%d", i);
	if (nodes[i].cpu && roll(5) == 0) {
		nodes[i].cpu = 0;
		cs_scheduler_remove_node(kept.scheduler, kept.now, name);
		cs_scheduler_remove_node(fresh.scheduler, fresh.now, name);
		return;
	}
	nodes[i] = (struct node){ 1 + roll(4), roll(6) == 0 };
	const char *spec = nodes[i].cordoned ? "unschedulable: true" : "";
	toy_add_node(&kept, name, nodes[i].cpu, 12, spec);
	toy_add_node(&fresh, name, nodes[i].cpu, 12, spec);
}

#define PIN                                                                                     \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "            \
	"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n%d]}" \
	"]}]}}}"

static void change_pod(int i)
{
	const char *name = cs_arena_printf(kept.arena, "p%d", i);
	if (stages[i] != ABSENT) {
		cs_scheduler_remove_pod(kept.scheduler, kept.now, name);
		cs_scheduler_remove_pod(fresh.scheduler, fresh.now, name);
		stages[i] = ABSENT;
		return;
	}
	const struct toy_pod_parts parts = {
		.name = name,
		.cpu = 10 * roll(N_SIZES),
		.spec = roll(20) == 0 ? cs_arena_printf(kept.arena, PIN, roll(N_NODES)) : "",
		.status = roll(15) == 0 ? cs_arena_printf(kept.arena, "nominatedNodeName: n%d",
							  roll(N_NODES))
					: "",
	};
	struct cs_error err;
	ck_assert_int_eq(toy_apply_pod(&kept, &parts, &err), 0);
	ck_assert_int_eq(toy_apply_pod(&fresh, &parts, &err), 0);
	stages[i] = PENDING;
}

static void turn_both(void)
{
	uint32_t max = 1 + (uint32_t)roll(4);
	ck_assert_uint_eq(cs_scheduler_turn(kept.scheduler, kept.now, max),
			  cs_scheduler_turn(fresh.scheduler, fresh.now, max));
	ck_assert_msg(strcmp(kept.asked.data, fresh.asked.data) == 0,
		      "kept and fresh columns have decided differently");
	const struct cs_record *a = cs_records_at(cs_scheduler_records(kept.scheduler), 0);
	const struct cs_record *b = cs_records_at(cs_scheduler_records(fresh.scheduler), 0);
	ck_assert_int_eq(!a, !b);
	if (!a)
		return;
	ck_assert_uint_eq(a->number, b->number);
	ck_assert_int_eq(cs_record_total(a, 0), cs_record_total(b, 0));
	ck_assert_int_eq(cs_record_total(a, 1), cs_record_total(b, 1));
	ck_assert_uint_eq(a->n_feasible, b->n_feasible);
	ck_assert(cs_string_equal(cs_record_node(a, 1), cs_record_node(b, 1)));
}

static void answer_both(void)
{
	static const enum cs_bound outcomes[] = { CS_BOUND_HERE, CS_BOUND_HERE, CS_BOUND_HERE,
						  CS_BOUND_FAILED };
	enum cs_bound outcome = outcomes[roll(4)];
	toy_bound(&kept, outcome, "no");
	toy_bound(&fresh, outcome, "no");
}

static void live(int steps)
{
	for (int step = 0; step < steps; step++) {
		kept.now.boot += CS_SECOND / 3;
		fresh.now = kept.now;
		int what = roll(20);
		if (what == 0)
			change_node(roll(N_NODES));
		else if (what < 8)
			change_pod(roll(N_PODS));
		else if (what < 12)
			answer_both();
		else
			turn_both();
		if (step % 500 == 0) {
			cs_buffer_clear(&kept.asked);
			cs_buffer_clear(&fresh.asked);
		}
	}
	const struct cs_record *last = cs_records_at(cs_scheduler_records(kept.scheduler), 0);
	ck_assert_msg(last && last->number > (uint64_t)steps / 20, "too little was decided");
}

static void history(const struct cs_plugin *const *plugins, const char *yaml)
{
	for (uint64_t seed = 0; seed < 6; seed++) {
		memset(nodes, 0, sizeof(nodes));
		memset(stages, 0, sizeof(stages));
		begin(plugins, yaml, seed);
		for (int i = 0; i < N_NODES / 2; i++)
			change_node(i);
		live(6000);
		end();
	}
}

START_TEST(row_local_plugins)
{
	history(toy_plugins, NULL);
}
END_TEST

START_TEST(without_a_plugin_that_normalises)
{
	history(toy_plugins, "apiVersion: kubescheduler.config.k8s.io/v1\n"
			     "kind: KubeSchedulerConfiguration\n"
			     "profiles:\n"
			     "- schedulerName: c-sched\n"
			     "  plugins: {score: {disabled: [{name: ToyFew}]}}\n");
}
END_TEST

START_TEST(with_plugins_that_depend_on_more)
{
	history(toy_plugins_global, NULL);
}
END_TEST

START_TEST(with_a_score_that_depends_on_more)
{
	history(toy_plugins_global, "apiVersion: kubescheduler.config.k8s.io/v1\n"
				    "kind: KubeSchedulerConfiguration\n"
				    "profiles:\n"
				    "- schedulerName: c-sched\n"
				    "  plugins: {filter: {disabled: [{name: ToyOdd}]}}\n");
}
END_TEST

// ---- against a few lines of arithmetic ----

static int64_t total_of(const struct cs_node_table *table, uint32_t row, int64_t cpu, int64_t most)
{
	int64_t all = table->allocatable[CS_RESOURCE_CPU][row];
	int64_t left = all - table->requested[CS_RESOURCE_CPU][row] - cpu;
	int64_t few = most ? 100 - 100 * table->n_pods[row] / most : 100;
	return 2 * (left * 100 / all) + few;
}

static bool is_feasible(const struct cs_node_table *table, uint32_t row, int64_t cpu)
{
	return table->live[row] && !table->unschedulable[row] &&
	       table->n_pods[row] < table->max_pods[row] &&
	       cpu <= table->allocatable[CS_RESOURCE_CPU][row] -
			       table->requested[CS_RESOURCE_CPU][row];
}

static void expect_best(struct cs_workspace *workspace, const struct cs_pod *pod)
{
	const struct cs_node_table *table = cs_cluster_nodes(kept.cluster);
	int64_t cpu = pod->demand->requests.fixed[CS_RESOURCE_CPU];
	uint32_t feasible = 0;
	int64_t most = 0, best = -1;
	for (uint32_t row = 0; row < table->n_rows; row++) {
		if (!is_feasible(table, row, cpu))
			continue;
		feasible++;
		most = table->n_pods[row] > most ? table->n_pods[row] : most;
	}
	for (uint32_t row = 0; row < table->n_rows; row++)
		if (is_feasible(table, row, cpu) && total_of(table, row, cpu, most) > best)
			best = total_of(table, row, cpu, most);
	struct cs_outcome outcome;
	cs_cycle_decide(workspace, kept.config->profiles[0], pod, &outcome);
	ck_assert_uint_eq(outcome.n_feasible, feasible);
	if (feasible > 1) {
		ck_assert_int_eq(outcome.score, best);
		ck_assert_int_eq(total_of(table, outcome.row, cpu, most), best);
	}
}

START_TEST(the_best_node_by_hand)
{
	begin(toy_plugins, NULL, 9);
	memset(nodes, 0, sizeof(nodes));
	memset(stages, 0, sizeof(stages));
	struct cs_workspace *workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = kept.cluster, .config = kept.config });
	for (int i = 0; i < N_NODES; i++)
		change_node(i);
	for (int size = 0; size < 5; size++) {
		toy_add_pod(&kept, cs_arena_printf(kept.arena, "ask%d", size), 50 * size,
			    "schedulerName: nobody");
		toy_add_pod(&fresh, cs_arena_printf(kept.arena, "ask%d", size), 50 * size,
			    "schedulerName: nobody");
	}
	for (int step = 0; step < 300; step++) {
		if (roll(10) == 0)
			change_node(roll(N_NODES));
		change_pod(roll(N_PODS));
		turn_both();
		answer_both();
		const char *uid = cs_arena_printf(kept.arena, "ask%d", roll(5));
		expect_best(workspace, cs_cluster_find_pod(kept.cluster, uid));
	}
	cs_workspace_destroy(workspace);
	end();
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("vectors");
	TCase *tcase = tcase_create("vectors");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, row_local_plugins);
	tcase_add_test(tcase, without_a_plugin_that_normalises);
	tcase_add_test(tcase, with_plugins_that_depend_on_more);
	tcase_add_test(tcase, with_a_score_that_depends_on_more);
	tcase_add_test(tcase, the_best_node_by_hand);
	suite_add_tcase(suite, tcase);
	return suite;
}
