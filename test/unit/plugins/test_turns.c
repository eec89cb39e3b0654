// RoundRobin and Random: alone they are right, in proportion to weights; beside others they decide
// what those leave equal. Neighbours: lib/plugins/round_robin.c, random.c.
#include <math.h>

#include <csched/base/memory.h>

#include "load_world.h"

static struct world world;
static struct run run;

static void setup(void)
{
	load_world_begin(&run, &world);
}

static void teardown(void)
{
	run_end(&run);
}

static void three(const char *a, const char *b, const char *c)
{
	const char *const weights[] = { a, b, c };
	static const char *const names[] = { "a", "b", "c" };
	for (int i = 0; i < 3; i++)
		load_world_node(&run, names[i],
				cs_arena_printf(run.scratch, "c-sched.io/weight: '%s'", weights[i]),
				"");
}

// The first row with the greatest score, as without random ties.
static uint32_t best(void)
{
	uint32_t row = 0;
	for (uint32_t i = 1; i < world.nodes->n_rows; i++)
		if (world.nodes->live[i] && run.out[i] > run.out[row])
			row = i;
	return row;
}

// Places a pod; the letter of its node.
static char place(const char *name)
{
	struct cs_pod *pod = load_world_pod(&run, name, "cpu: 1m", "");
	run_score(&run, pod);
	ck_assert_int_eq(run.prepared, CS_PREPARE_GO);
	uint32_t row = best();
	cs_cluster_assume(world.cluster, pod, row);
	if (run.instance.plugin->reserve)
		run.instance.plugin->reserve(world.cluster, &run.instance, pod, row);
	return *cs_cluster_node_name(world.cluster, row);
}

static const char *turns(int n)
{
	static int made;
	char *letters = cs_arena_alloc(run.scratch, (size_t)n + 1);
	for (int i = 0; i < n; i++)
		letters[i] = place(cs_arena_printf(run.scratch, "p%d", made++));
	return letters;
}

// ---- RoundRobin ----

START_TEST(as_nginx)
{
	run_configure(&run, "RoundRobin", NULL);
	three("500", "100", "100");
	ck_assert_str_eq(turns(14), "aabacaaaabacaa");
}
END_TEST

START_TEST(equal_weights)
{
	run_configure(&run, "RoundRobin", NULL);
	three("100", "100", "100");
	ck_assert_str_eq(turns(9), "abcabcabc");
}
END_TEST

START_TEST(scores_of_turns)
{
	run_configure(&run, "RoundRobin", NULL);
	three("500", "100", "100");
	struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 1m", "");
	run_score(&run, pod);
	ck_assert_str_eq(run_scores(&run), "a=99 b=0 c=0");
	turns(2);
	run_score(&run, pod);
	ck_assert_str_eq(run_scores(&run), "a=0 b=99 c=99");
}
END_TEST

START_TEST(nobody_moves_without_a_choice)
{
	run_configure(&run, "RoundRobin", NULL);
	three("100", "100", "100");
	struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 1m", "");
	run_score(&run, pod);
	struct cs_pod *other = load_world_pod(&run, "q", "cpu: 1m", "");
	// One node was feasible for the other: its scores were never asked for.
	run.instance.plugin->reserve(world.cluster, &run.instance, other, 0);
	run_score(&run, pod);
	ck_assert_str_eq(run_scores(&run), "a=99 b=99 c=99");
	ck_assert_str_eq(turns(3), "abc");
}
END_TEST

// Passed over a hundred times, c does not then take a hundred pods in a row.
START_TEST(credit_is_bounded)
{
	run_configure(&run, "RoundRobin", NULL);
	three("100", "100", "100");
	for (int i = 0; i < 100; i++) {
		struct cs_pod *pod =
			load_world_pod(&run, cs_arena_printf(run.scratch, "x%d", i), "cpu: 1m", "");
		run_score(&run, pod);
		run.instance.plugin->reserve(world.cluster, &run.instance, pod, (uint32_t)i % 2);
	}
	const char *after = turns(9);
	int n = 0;
	for (const char *at = after; *at; at++)
		n += *at == 'c';
	ck_assert_msg(n >= 3 && n <= 5, "%s", after);
}
END_TEST

START_TEST(nodes_come_and_go)
{
	run_configure(&run, "RoundRobin", NULL);
	three("100", "100", "100");
	ck_assert_str_eq(turns(4), "abca");
	cs_cluster_remove_node(world.cluster, "c");
	ck_assert_str_eq(turns(2), "bb"); // a has had two
	load_world_node(&run, "d", "", "");
	load_world_node(&run, "e", "", "");
	const char *after = turns(40);
	int counts[5] = { 0 };
	for (const char *at = after; *at; at++)
		counts[*at - 'a']++;
	ck_assert_int_eq(counts[2], 0);
	for (int i = 0; i < 5; i++)
		ck_assert_msg(i == 2 || (counts[i] >= 9 && counts[i] <= 11), "%s", after);
}
END_TEST

START_TEST(no_turns_for_weight_0)
{
	run_configure(&run, "RoundRobin", NULL);
	three("100", "0", "100");
	run_filter(&run, load_world_pod(&run, "p", "cpu: 1m", ""));
	ck_assert_str_eq(run_fitting(&run), "a c");
	ck_assert_str_eq(run_reasons(&run, "b"), "node(s) had c-sched.io/weight 0");
}
END_TEST

// ---- Random ----

START_TEST(the_same_again)
{
	three("100", "100", "100");
	run_configure(&run, "Random", "{seed: 7}");
	struct cs_pod *pod = load_world_pod(&run, "p", "cpu: 1m", "");
	run_score(&run, pod);
	const char *first = run_scores(&run);
	run_configure(&run, "Random", "{seed: 7}");
	run_score(&run, pod);
	ck_assert_str_eq(run_scores(&run), first);
	run_configure(&run, "Random", "{seed: 8}");
	run_score(&run, pod);
	ck_assert_str_ne(run_scores(&run), first);
}
END_TEST

// In proportion to weights 1 : 2 : 3, chi-squared with two degrees of freedom, 99.9 %. Of weights
// as small as 1 nearly all keys are nearly 0.
static const char *const proportions[][3] = { { "100", "200", "300" }, { "1", "2", "3" } };

START_TEST(in_proportion)
{
	enum { N = 1500 };
	run_configure(&run, "Random", NULL);
	three(proportions[_i][0], proportions[_i][1], proportions[_i][2]);
	double counts[3] = { 0 };
	for (int i = 0; i < N; i++) {
		struct cs_pod *pod =
			load_world_pod(&run, cs_arena_printf(run.scratch, "p%d", i), "cpu: 1m", "");
		run_score(&run, pod);
		uint32_t row = best(), tops = 0;
		for (uint32_t r = 0; r < 3; r++) {
			ck_assert_int_ge(run.out[r], 0);
			tops += run.out[r] == 99;
		}
		ck_assert_uint_eq(tops, 1);
		counts[row]++;
		cs_cluster_remove_pod(world.cluster, pod);
	}
	double chi = 0;
	for (int i = 0; i < 3; i++)
		chi += pow(counts[i] - N * (i + 1) / 6.0, 2) / (N * (i + 1) / 6.0);
	ck_assert_double_lt(chi, 13.8);
}
END_TEST

START_TEST(random_arguments)
{
	ck_assert_str_eq(run_errors(&run, "Random", "{seed: x}"),
			 "seed: expected an integer, got a string");
	ck_assert_str_eq(run_errors(&run, "Random", "{seeds: 1}"), "seeds: unknown field");
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		as_nginx,
		equal_weights,
		scores_of_turns,
		nobody_moves_without_a_choice,
		credit_is_bounded,
		nodes_come_and_go,
		no_turns_for_weight_0,
		the_same_again,
		random_arguments,
	};
	Suite *suite = suite_create("plugins/turns");
	TCase *tcase = tcase_create("turns");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, in_proportion, 0, CS_ARRAY_LENGTH(proportions));
	suite_add_tcase(suite, tcase);
	return suite;
}
