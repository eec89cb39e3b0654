// Judging given nodes: verdicts and totals as in a decision of our own, of the rows asked for
// alone, and totals as small numbers.
// Neighbours: lib/framework/judge.c; test_explain.c has the decision's own words.
#include <csched/framework/judge.h>

#include "../check_main.h"
#include "fixture.h"

#define ROWS_MAX 16

static struct toy toy;
static struct cs_workspace *workspace;
static uint32_t rows[ROWS_MAX];
static struct cs_judge_answer answers[ROWS_MAX];
static struct cs_judge_result result;
static struct cs_judge_question question;

static void setup_plugins(const struct cs_plugin *const *plugins)
{
	toy_init_options(&toy, toy_config(NULL, plugins), &(struct cs_scheduler_options){ 0 });
	cs_scheduler_stop(toy.scheduler);
	workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = toy.cluster, .config = toy.config });
}

static void setup(void)
{
	setup_plugins(toy_plugins);
}

static void teardown(void)
{
	cs_workspace_destroy(workspace);
	toy_finish(&toy);
}

// Judges the nodes named, NULL behind the last.
static void judge(const char *pod, const char *const *names)
{
	question = (struct cs_judge_question){
		.profile = toy.config->profiles[0],
		.pod = cs_cluster_find_pod(toy.cluster, pod),
		.rows = rows,
		.scores = true,
	};
	ck_assert_ptr_nonnull(question.pod);
	for (; names[question.n]; question.n++)
		rows[question.n] = cs_cluster_find_node(toy.cluster, names[question.n]);
	cs_judge(workspace, &question, toy.arena, answers, &result);
}

#define JUDGE(pod, ...) judge(pod, (const char *const[]){ __VA_ARGS__, NULL })

static void add_nodes(void)
{
	toy_add_node(&toy, "n1", 10, 110, "");
	toy_add_node(&toy, "n2", 10, 110, "");
	toy_add_node(&toy, "n3", 10, 110, "unschedulable: true");
	toy_add_node(&toy, "n4", 1, 110, "");
	toy_add_pod(&toy, "on-n2", 5000, "nodeName: n2");
}

START_TEST(verdicts_with_words)
{
	add_nodes();
	toy_add_pod(&toy, "a", 2000, "");
	JUDGE("a", "n4", "n3", "unknown", "n1");
	ck_assert_ptr_null(result.error);
	ck_assert_int_eq(answers[0].verdict, CS_VERDICT_UNSCHEDULABLE);
	ck_assert_str_eq(answers[0].words, "Insufficient cpu");
	ck_assert_int_eq(answers[1].verdict, CS_VERDICT_UNRESOLVABLE);
	ck_assert_str_eq(answers[1].words, "node(s) were cordoned");
	ck_assert_int_eq(answers[2].verdict, CS_VERDICT_FITS);
	ck_assert_int_eq(answers[3].verdict, CS_VERDICT_FITS);
	ck_assert_uint_eq(result.best, 3);
}
END_TEST

START_TEST(the_better_node_has_the_greater_total)
{
	add_nodes();
	toy_add_pod(&toy, "a", 100, "");
	JUDGE("a", "n2", "n1");
	ck_assert(answers[1].total > answers[0].total);
	ck_assert(answers[1].total <= result.total_max);
	ck_assert_uint_eq(result.best, 1);
}
END_TEST

// What is normalised goes by the rows asked for, in any order, also after other questions.
START_TEST(other_rows_do_not_count)
{
	add_nodes();
	toy_add_node(&toy, "crowded", 10, 110, "");
	for (int i = 0; i < 8; i++) {
		CS_AUTO_FREE char *name = cs_asprintf("c%d", i);
		toy_add_pod(&toy, name, 0, "nodeName: crowded");
	}
	toy_add_pod(&toy, "a", 100, "");
	JUDGE("a", "n2", "n1");
	double before[] = { answers[0].total, answers[1].total };
	JUDGE("a", "crowded", "n1", "n2");
	ck_assert(answers[2].total > before[0]);
	JUDGE("a", "n2", "n1", "n2");
	ck_assert(answers[0].total == before[0] && answers[1].total == before[1]);
	ck_assert(answers[2].total == answers[0].total);
}
END_TEST

static void compare(void *user, const struct cs_judgement *judgement)
{
	uint32_t *count = user;
	for (uint32_t i = 0; i < question.n; i++) {
		if (rows[i] != judgement->row)
			continue;
		ck_assert_int_eq(answers[i].verdict, judgement->verdict);
		if (judgement->scores)
			ck_assert(answers[i].total == (double)judgement->total);
		if (judgement->verdict != CS_VERDICT_FITS)
			ck_assert_str_eq(answers[i].words, judgement->reasons[0]);
		++*count;
	}
}

static void agree(const char *pod)
{
	struct cs_outcome outcome;
	uint32_t count = 0;
	JUDGE(pod, "n1", "n2", "n3", "n4");
	cs_cycle_explain(workspace, question.profile, question.pod, &outcome,
			 (struct cs_judge){ .tell = compare, .user = &count });
	ck_assert_uint_eq(count, 4);
}

START_TEST(all_rows_are_judged_as_in_a_decision)
{
	add_nodes();
	toy_add_pod(&toy, "a", 100, "");
	agree("a");
	toy_add_pod(&toy, "more", 1000, "nodeName: n1");
	agree("a");
}
END_TEST

static void setup_global(void)
{
	setup_plugins(toy_plugins_global);
}

START_TEST(a_plugin_that_refuses_all_nodes)
{
	add_nodes();
	toy_add_pod(&toy, "unresolvable", 100, "");
	JUDGE("unresolvable", "n1", "unknown");
	ck_assert_int_eq(answers[0].verdict, CS_VERDICT_UNRESOLVABLE);
	ck_assert(*answers[0].words);
	ck_assert_int_eq(answers[1].verdict, CS_VERDICT_FITS);
	ck_assert_uint_eq(result.best, 2);
}
END_TEST

START_TEST(a_plugin_that_fails)
{
	add_nodes();
	toy_add_pod(&toy, "wrong", 100, "");
	JUDGE("wrong", "n1", "n2");
	ck_assert_ptr_nonnull(strstr(result.error, "101"));
}
END_TEST

START_TEST(a_pod_that_is_pinned_elsewhere)
{
	add_nodes();
	toy_add_pod(&toy, "a", 100,
		    "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		    "{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, "
		    "values: [n2]}]}]}}}");
	JUDGE("a", "n1", "n2");
	ck_assert_int_eq(answers[0].verdict, CS_VERDICT_UNRESOLVABLE);
	ck_assert_ptr_nonnull(strstr(answers[0].words, "didn't satisfy plugin(s)"));
	ck_assert_int_eq(answers[1].verdict, CS_VERDICT_FITS);
}
END_TEST

START_TEST(nothing_to_judge)
{
	toy_add_pod(&toy, "a", 100, "");
	JUDGE("a", "unknown");
	ck_assert_ptr_null(result.error);
	ck_assert_int_eq(answers[0].verdict, CS_VERDICT_FITS);
	ck_assert_uint_eq(result.best, 1);
	add_nodes();
	judge("a", (const char *const[]){ NULL });
	ck_assert_uint_eq(result.best, 0);
}
END_TEST

// ---- scores ----

// Totals as given, -1 = rejected, -2 = not known.
static const struct {
	double totals[6];
	double total_max;
	uint8_t scores[6];
} scales[] = {
	{ { 100, 0, 50, 75, 25, 99 }, 100, { 10, 0, 5, 7, 2, 10 } },
	// a quarter of a step is a near-tie, what is beyond it is not
	{ { 100, 97.5, 97.4, 40, 0, 87.4 }, 100, { 10, 10, 9, 4, 0, 8 } },
	// a range below a fifth is not stretched
	{ { 50, 49.5, 40, 48, 49, 46 }, 100, { 10, 10, 5, 9, 9, 8 } },
	// one above it is
	{ { 90, 60, 75, 90, 60, 66 }, 100, { 10, 0, 5, 10, 0, 2 } },
	{ { 0, 0, 0, 0, 0, 0 }, 0, { 10, 10, 10, 10, 10, 10 } },
	{ { 300, 100, -1, -2, 300, 200 }, 300, { 10, 0, 0, 6, 10, 5 } },
	{ { -2, -2, -1, -2, -2, -2 }, 100, { 0, 0, 0, 0, 0, 0 } },
};

START_TEST(totals_as_small_numbers)
{
	uint8_t scores[6];
	question = (struct cs_judge_question){ .n = 6, .rows = rows };
	result = (struct cs_judge_result){ .total_max = scales[_i].total_max };
	for (uint32_t i = 0; i < 6; i++) {
		double total = scales[_i].totals[i];
		rows[i] = total == -2 ? CS_ROW_NONE : i;
		answers[i] = (struct cs_judge_answer){
			.verdict = total == -1 ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS,
			.total = total,
		};
	}
	cs_judge_scale(&question, answers, &result, 10, scores);
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_msg(scores[i] == scales[_i].scores[i], "case %d, node %u: %u", _i, i,
			      scores[i]);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("judge");
	TCase *rows_case = tcase_create("rows");
	tcase_add_checked_fixture(rows_case, setup, teardown);
	tcase_add_test(rows_case, verdicts_with_words);
	tcase_add_test(rows_case, the_better_node_has_the_greater_total);
	tcase_add_test(rows_case, other_rows_do_not_count);
	tcase_add_test(rows_case, all_rows_are_judged_as_in_a_decision);
	tcase_add_test(rows_case, a_plugin_that_refuses_all_nodes);
	tcase_add_test(rows_case, a_plugin_that_fails);
	tcase_add_test(rows_case, a_pod_that_is_pinned_elsewhere);
	tcase_add_test(rows_case, nothing_to_judge);
	suite_add_tcase(suite, rows_case);
	TCase *global = tcase_create("global");
	tcase_add_checked_fixture(global, setup_global, teardown);
	tcase_add_test(global, all_rows_are_judged_as_in_a_decision);
	suite_add_tcase(suite, global);
	TCase *scores = tcase_create("scores");
	tcase_add_loop_test(scores, totals_as_small_numbers, 0, CS_ARRAY_LENGTH(scales));
	suite_add_tcase(suite, scores);
	return suite;
}
