// TaintToleration among few and among many sets of taints. Neighbours: run.h;
// ../cluster/test_taint.c has which toleration is for which taint.
#include <stdio.h>

#include "run.h"

static struct world world;
static struct run run;

static void set_up(void)
{
	run_begin(&run, &world);
}

static void tear_down(void)
{
	run_end(&run);
}

// Each node but every tenth has a taint of its own: k0, k1, ...
static void add_nodes(int n, const char *effect)
{
	for (int i = 0; i < n; i++) {
		char name[16], inside[96] = "";
		snprintf(name, sizeof(name), "n%02d", i);
		if (i % 10 != 0)
			snprintf(inside, sizeof(inside), "spec: {taints: [{key: k%d, effect: %s}]}",
				 i, effect);
		add_node(&world, name, inside);
	}
	run_configure(&run, "TaintToleration", NULL);
}

static bool is_tainted(int i)
{
	return i % 10 != 0 && i != 1 && i != 6;
}

START_TEST(sets_that_filter)
{
	const struct cs_pod *pod = add_pod(&world, "p", "tolerations: [{key: k1}, {key: k6}]");
	add_nodes(_i, _i % 2 ? "NoSchedule" : "NoExecute");
	run_filter(&run, pod);
	run_score(&run, pod);
	for (int i = 0; i < _i; i++) {
		ck_assert_int_eq(run.verdict[i],
				 is_tainted(i) ? CS_VERDICT_UNRESOLVABLE : CS_VERDICT_FITS);
		ck_assert_int_eq(run.out[i], 100);
	}
}
END_TEST

START_TEST(sets_that_score)
{
	const struct cs_pod *pod = add_pod(&world, "p", "tolerations: [{key: k1}, {key: k6}]");
	add_nodes(_i, "PreferNoSchedule");
	run_filter(&run, pod);
	run_score(&run, pod);
	for (int i = 0; i < _i; i++) {
		ck_assert_int_eq(run.verdict[i], CS_VERDICT_FITS);
		ck_assert_int_eq(run.out[i], is_tainted(i) ? 0 : 100);
	}
}
END_TEST

// Taints of one node add up, whatever the order of the sets.
START_TEST(several_on_a_node)
{
	add_node(&world, "a", "spec: {taints: [{key: x, effect: PreferNoSchedule}]}");
	add_node(&world, "b",
		 "spec: {taints: [{key: x, effect: PreferNoSchedule}, "
		 "{key: w, effect: PreferNoSchedule}, {key: z, effect: PreferNoSchedule}, "
		 "{key: z, value: '1', effect: PreferNoSchedule}]}");
	add_node(&world, "c", "");
	run_configure(&run, "TaintToleration", NULL);
	const struct cs_pod *pod = add_pod(&world, "p", "");
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "a b c");
	run_score(&run, pod);
	ck_assert_str_eq(run_scores(&run), "a=75 b=0 c=100");
	run_score(&run, add_pod(&world, "q", "tolerations: [{operator: Exists}]"));
	ck_assert_str_eq(run_scores(&run), "a=100 b=100 c=100");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/taint_toleration");
	TCase *tcase = tcase_create("taints");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	// From one set on to far more than are compared one by one.
	_Static_assert(RUN_ROWS_MAX == 32, "26 of 31 nodes have a taint that is not tolerated");
	tcase_add_loop_test(tcase, sets_that_filter, 1, RUN_ROWS_MAX);
	tcase_add_loop_test(tcase, sets_that_score, 1, RUN_ROWS_MAX);
	tcase_add_test(tcase, several_on_a_node);
	suite_add_tcase(suite, tcase);
	return suite;
}
