// Nominated pods in decisions: the own node first, others' nodes asked with them and without.
// Neighbours: lib/framework/nominated.c, cycle.c, scheduler.c.
#include <csched/framework/cycle.h>

#include <stdio.h>
#include <string.h>

#include "../check_main.h"
#include "fixture.h"

static struct toy toy;
static struct cs_workspace *workspace;

static void setup_with(const struct cs_plugin *const *plugins)
{
	toy_init_options(&toy, toy_config(NULL, plugins), &(struct cs_scheduler_options){ 0 });
	cs_scheduler_stop(toy.scheduler);
	workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = toy.cluster, .config = toy.config });
	toy_tide_level = 0;
}

static void setup(void)
{
	setup_with(toy_plugins);
}

static void teardown(void)
{
	cs_workspace_destroy(workspace);
	toy_finish(&toy);
}

static struct cs_pod *find(const char *name)
{
	return cs_cluster_find_pod(toy.cluster, name);
}

static struct cs_pod *nominate(const char *name, int cpu, const char *node, const char *spec)
{
	struct cs_error err;
	int r = toy_apply_pod(
		&toy,
		&(struct toy_pod_parts){
			.name = name,
			.cpu = cpu,
			.spec = spec,
			.status = cs_arena_printf(toy.arena, "nominatedNodeName: %s", node) },
		&err);
	ck_assert_int_eq(r, 0);
	return find(name);
}

static struct cs_outcome decide(const char *name)
{
	struct cs_outcome outcome;
	cs_cycle_decide(workspace, toy.config->profiles[0], find(name), &outcome);
	return outcome;
}

static const char *node_of(const struct cs_outcome *outcome)
{
	return outcome->row == CS_ROW_NONE ? "(none)"
					   : cs_cluster_node_name(toy.cluster, outcome->row);
}

static void expect_node(const char *pod, const char *node, uint32_t n_feasible)
{
	struct cs_outcome outcome = decide(pod);
	ck_assert_str_eq(node_of(&outcome), node);
	ck_assert_uint_eq(outcome.n_feasible, n_feasible);
	struct cs_error err = { 0 };
	ck_assert_msg(cs_cluster_check(toy.cluster, &err) == 0, "%s", err.text);
}

static void add_nodes(int n)
{
	for (int i = 1; i <= n; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%d", i), 2 * i, 110, "");
}

START_TEST(its_node_is_taken_without_scores)
{
	add_nodes(3);
	toy_add_pod(&toy, "free", 1000, "");
	expect_node("free", "n3", 3);
	nominate("a", 1000, "n1", "");
	expect_node("a", "n1", 1);
	ck_assert_int_eq(decide("a").score, 0);
}
END_TEST

START_TEST(another_node_where_its_own_does_not_take_it)
{
	add_nodes(3);
	nominate("a", 3000, "n1", "");
	expect_node("a", "n3", 2);
	nominate("b", 1000, "gone", "");
	expect_node("b", "n3", 2); // a's node counts as full while a waits for it
}
END_TEST

START_TEST(equals_and_betters_are_yielded_to)
{
	add_nodes(3);
	nominate("better", 5500, "n3", "priority: 10");
	toy_add_pod(&toy, "a", 1000, "priority: 5");
	expect_node("a", "n2", 2);
	nominate("better", 5500, "n3", "priority: 5");
	expect_node("a", "n2", 2);
	nominate("better", 5500, "n3", "priority: 4");
	expect_node("a", "n3", 3);
	// The nominated pod itself does not stand in its own way.
	nominate("better", 5500, "n3", "priority: 5");
	expect_node("better", "n3", 1);
}
END_TEST

static void note_numbers(void *user, const struct cs_judgement *judgement)
{
	const char **numbers = user;
	if (judgement->numbers)
		*numbers = cs_arena_strdup(toy.arena, judgement->numbers);
}

// The words about a node in particular.
static const char *numbers_of(const char *pod, const char *node)
{
	struct cs_outcome outcome;
	const char *numbers = "";
	uint32_t row = cs_cluster_find_node(toy.cluster, node);
	cs_cycle_explain(workspace, toy.config->profiles[0], find(pod), &outcome,
			 (struct cs_judge){ note_numbers, &numbers, &row });
	return numbers;
}

START_TEST(explained_by_who_is_nominated)
{
	add_nodes(3);
	nominate("better", 3000, "n3", "priority: 10");
	nominate("best", 2500, "n3", "priority: 11");
	nominate("worse", 100, "n3", "priority: 1");
	toy_add_pod(&toy, "a", 1000, "priority: 5");
	const char *words = numbers_of("a", "n3");
	ck_assert_ptr_eq(strstr(words, "counted as there, since nominated: "), words);
	ck_assert_ptr_nonnull(strstr(words, "/better"));
	ck_assert_ptr_nonnull(strstr(words, "/best"));
	ck_assert_ptr_null(strstr(words, "/worse"));
	ck_assert_str_eq(numbers_of("a", "n2"), "");
}
END_TEST

START_TEST(nominations_that_do_not_count)
{
	add_nodes(3);
	toy_add_pod(&toy, "a", 1000, "");
	nominate("foreign", 5500, "n3", "schedulerName: other");
	expect_node("a", "n3", 3);
	nominate("gated", 5500, "n3", "schedulingGates: [{name: wait}]");
	expect_node("a", "n3", 3);
	nominate("elsewhere", 5500, "n9", "");
	expect_node("a", "n3", 3);
	nominate("ours", 5500, "n3", "");
	expect_node("a", "n2", 2);
	cs_cluster_assume(toy.cluster, find("ours"), cs_cluster_find_node(toy.cluster, "n1"));
	expect_node("a", "n3", 2);
}
END_TEST

static void expect_no_node(const char *pod, const char *message)
{
	struct cs_outcome outcome = decide(pod);
	ck_assert_int_eq(outcome.decision, CS_DECISION_UNSCHEDULABLE);
	ck_assert_str_eq(outcome.message, message);
}

START_TEST(words_are_those_of_the_first_question)
{
	toy_add_node(&toy, "n1", 2, 1, "");
	toy_add_node(&toy, "n2", 2, 1, "");
	toy_add_node(&toy, "n3", 2, 0, "");
	toy_add_pod(&toy, "a", 1500, "");
	toy_add_pod(&toy, "b", 2500, "");
	expect_node("a", "n1", 2);
	nominate("px", 1000, "n1", "");
	expect_node("a", "n2", 1);
	nominate("py", 1000, "n2", "");
	nominate("pz", 1000, "n3", "");
	// n3 is full also without pz; with it the CPU does not suffice either.
	expect_no_node("a", "0/3 nodes are available: 3 Insufficient cpu, 3 Too many pods.");
	ck_assert_uint_eq(decide("a").rejected_by, decide("b").rejected_by);
}
END_TEST

START_TEST(a_failure_drops_the_nomination)
{
	toy_add_node(&toy, "n1", 2, 110, "");
	nominate("a", 3000, "n1", "");
	toy_add_pod(&toy, "b", 1500, "");
	cs_scheduler_start(toy.scheduler);
	toy_turn(&toy, 2);
	toy_expect(&toy,
		   "event default/a warning FailedScheduling Scheduling c-sched: "
		   "0/1 nodes are available: 1 Insufficient cpu.\n"
		   "condition default/a Unschedulable: 0/1 nodes are available: 1 Insufficient "
		   "cpu.\n"
		   "drop nomination default/a\n"
		   "bind default/b n1\n");
	ck_assert_uint_eq(find("a")->nominated_node, CS_INTERN_NONE);
	ck_assert(find("a")->nomination_told);
	toy_bound(&toy, CS_BOUND_FAILED, "no");
	toy_expect(&toy, "event default/b warning FailedScheduling Scheduling c-sched: "
			 "running Bind plugin \"ToyBind\": no\n"
			 "condition default/b SchedulerError: running Bind plugin \"ToyBind\": "
			 "no\n");
}
END_TEST

static void note_row(void *user, const struct cs_judgement *judgement)
{
	const char **text = user;
	*text = cs_arena_printf(toy.arena, "%s%s%s", *text, **text ? "; " : "",
				cs_cluster_node_name(toy.cluster, judgement->row));
	for (uint32_t i = 0; i < judgement->n_reasons; i++)
		*text = cs_arena_printf(toy.arena, "%s %s", *text, judgement->reasons[i]);
}

static const char *explain(const char *pod)
{
	struct cs_outcome outcome;
	const char *text = "";
	cs_cycle_explain(workspace, toy.config->profiles[0], find(pod), &outcome,
			 (struct cs_judge){ .tell = note_row, .user = &text });
	return text;
}

START_TEST(explained)
{
	add_nodes(3);
	nominate("a", 1000, "n1", "");
	ck_assert_str_eq(explain("a"), "n1");
	toy_add_node(&toy, "n2", 1, 0, "");
	nominate("x", 1000, "n2", "");
	toy_add_pod(&toy, "b", 500, "");
	ck_assert_str_eq(explain("b"), "n1; n2 Too many pods Insufficient cpu; n3");
}
END_TEST

START_TEST(its_node_is_tried_outside_what_plugins_narrow_to)
{
	setup_with(toy_plugins_tide);
	add_nodes(4);
	nominate("among-n2", 1000, "n1", "");
	expect_node("among-n2", "n1", 1); // as upstream: filters alone decide about it
	nominate("among-n3", 7000, "n1", "");
	expect_no_node("among-n3",
		       "0/4 nodes are available: 2 Insufficient cpu, 2 node(s) didn't satisfy "
		       "plugin(s) [ToyAmong ToyFit]."); // who rejected the nominated node
	ck_assert_str_eq(explain("among-n3"),
			 "n1 Insufficient cpu; "
			 "n2 node(s) didn't satisfy plugin(s) [ToyAmong ToyFit]; "
			 "n3 Insufficient cpu; "
			 "n4 node(s) didn't satisfy plugin(s) [ToyAmong ToyFit]");
	teardown();
}
END_TEST

// ---- against upstream's loop, row by row ----

static struct cs_random dice;

static int roll(int n)
{
	return (int)cs_random_below(&dice, (uint64_t)n);
}

static bool fits(const struct cs_pod *pod, uint32_t row)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(toy.cluster);
	int64_t cpu = pod->demand->requests.fixed[CS_RESOURCE_CPU];
	return !nodes->unschedulable[row] && nodes->n_pods[row] < nodes->max_pods[row] &&
	       (row + nodes->n_live) % 2 == 0 && // ToyOdd
	       cpu <= nodes->allocatable[CS_RESOURCE_CPU][row] -
			       nodes->requested[CS_RESOURCE_CPU][row];
}

static bool passes(const struct cs_pod *pod, uint32_t row, struct cs_pod *const *others, int n)
{
	const struct cs_pod *there[20];
	int n_there = 0;
	for (int i = 0; i < n; i++) {
		const struct cs_pod *other = others[i];
		if (other == pod || other->nominated_node == CS_INTERN_NONE ||
		    other->priority < pod->priority ||
		    strcmp(cs_intern_string(cs_cluster_strings(toy.cluster), other->nominated_node),
			   cs_cluster_node_name(toy.cluster, row)) != 0)
			continue;
		cs_cluster_suppose(toy.cluster, others[i], row);
		there[n_there++] = others[i];
	}
	bool with = fits(pod, row);
	while (n_there > 0)
		cs_cluster_unsuppose(toy.cluster, (struct cs_pod *)(uintptr_t)there[--n_there]);
	return with && fits(pod, row);
}

static void expect_as_upstream(struct cs_pod *const *pods, int n, const struct cs_pod *pod)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(toy.cluster);
	struct cs_outcome outcome;
	cs_cycle_decide(workspace, toy.config->profiles[0], pod, &outcome);
	if (nodes->n_live == 0)
		return;
	uint32_t own = CS_ROW_NONE;
	if (pod->nominated_node != CS_INTERN_NONE)
		own = cs_cluster_find_node(
			toy.cluster,
			cs_intern_string(cs_cluster_strings(toy.cluster), pod->nominated_node));
	if (own != CS_ROW_NONE && passes(pod, own, pods, n)) {
		ck_assert_uint_eq(outcome.row, own);
		ck_assert_uint_eq(outcome.n_feasible, 1);
		return;
	}
	uint32_t feasible = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++)
		feasible += nodes->live[row] && passes(pod, row, pods, n);
	ck_assert_uint_eq(outcome.n_feasible, feasible);
	if (outcome.row != CS_ROW_NONE)
		ck_assert(passes(pod, outcome.row, pods, n));
}

START_TEST(random_nominations)
{
	enum { N_PODS = 20, N_NODES = 12 };
	setup_with(toy_plugins_global);
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct cs_pod *pods[N_PODS];
		cs_random_init(&dice, seed);
		for (int i = 0; i < N_NODES; i++) {
			const char *name = cs_arena_printf(toy.arena, "n%d", i);
			if (roll(5) == 0)
				cs_scheduler_remove_node(toy.scheduler, toy.now, name);
			else
				toy_add_node(&toy, name, 1 + roll(3), 1 + roll(4),
					     roll(6) ? "" : "unschedulable: true");
		}
		for (int i = 0; i < N_PODS; i++) {
			const char *name = cs_arena_printf(toy.arena, "p%d-%d", (int)seed, i);
			const char *spec = cs_arena_printf(toy.arena, "priority: %d", roll(3));
			const char *node = cs_arena_printf(toy.arena, "n%d", roll(N_NODES + 1));
			if (roll(2))
				pods[i] = nominate(name, 100 * roll(15), node, spec);
			else
				toy_add_pod(&toy, name, 100 * roll(15), spec);
			pods[i] = find(name);
		}
		for (int i = 0; i < N_PODS; i++)
			expect_as_upstream(pods, N_PODS, pods[i]);
		struct cs_error err = { 0 };
		ck_assert_msg(cs_cluster_check(toy.cluster, &err) == 0, "%s", err.text);
		for (int i = 0; i < N_PODS; i++) {
			const char *uid = pods[i]->uid;
			cs_scheduler_remove_pod(toy.scheduler, toy.now, uid);
		}
	}
	teardown();
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		its_node_is_taken_without_scores,  another_node_where_its_own_does_not_take_it,
		equals_and_betters_are_yielded_to, explained_by_who_is_nominated,
		nominations_that_do_not_count,     words_are_those_of_the_first_question,
		a_failure_drops_the_nomination,    explained,
	};
	Suite *suite = suite_create("framework/nominated");
	TCase *tcase = tcase_create("nominated");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("other plugins");
	tcase_add_test(tcase, its_node_is_tried_outside_what_plugins_narrow_to);
	tcase_add_test(tcase, random_nominations);
	suite_add_tcase(suite, tcase);
	return suite;
}
