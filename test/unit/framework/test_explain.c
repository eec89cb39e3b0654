// What is told of the rows is what was decided: over random clusters the judgements must give back
// the outcome, its winner, its totals and its words.
// Neighbours: lib/framework/explain.c, cycle.c, words.c.
#include <csched/framework/cycle.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check_main.h"
#include "fixture.h"

#define N_NODES   60
#define N_REASONS 16

static struct toy toy;
static struct cs_workspace *workspace;
static struct cs_random dice;

static int roll(int n)
{
	return (int)cs_random_below(&dice, (uint64_t)n);
}

static const struct cs_profile *profile(void)
{
	return toy.config->profiles[0];
}

static void begin(const struct cs_plugin *const *plugins)
{
	toy_init_options(&toy, toy_config(NULL, plugins), &(struct cs_scheduler_options){ 0 });
	workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = toy.cluster, .config = toy.config });
}

static void end(void)
{
	cs_workspace_destroy(workspace);
	toy_finish(&toy);
}

// What was told, gathered.
struct told {
	uint32_t rows;
	uint32_t last_row;
	uint32_t feasible;
	int64_t best;
	const char *winner; // of the best totals the lowest name
	bool for_all;       // every row was rejected by a prepare_filter
	uint32_t n_reasons;
	struct {
		char words[100];
		uint32_t rows;
	} reasons[N_REASONS];
	struct cs_judgement rejected; // the last rejected row, without reasons and scores
};

static void note_reason(struct told *told, const char *words)
{
	uint32_t i = 0;
	while (i < told->n_reasons && strcmp(told->reasons[i].words, words) != 0)
		i++;
	ck_assert_uint_lt(i, N_REASONS);
	if (i == told->n_reasons) {
		told->n_reasons++;
		snprintf(told->reasons[i].words, sizeof(told->reasons[i].words), "%s", words);
	}
	told->reasons[i].rows++;
}

static void note_scores(struct told *told, const struct cs_judgement *judgement)
{
	int64_t total = 0;
	for (uint32_t i = 0; i < profile()->n_score; i++) {
		ck_assert(judgement->scores[i] >= 0 && judgement->scores[i] <= 100);
		if (judgement->skipped[i])
			ck_assert_int_eq(judgement->scores[i], 0);
		total += judgement->scores[i] * profile()->score[i]->weight;
	}
	ck_assert_int_eq(total, judgement->total);
	const char *name = cs_cluster_node_name(toy.cluster, judgement->row);
	if (total > told->best || (total == told->best && strcmp(name, told->winner) < 0)) {
		told->best = total;
		told->winner = name;
	}
}

static void note(void *user, const struct cs_judgement *judgement)
{
	struct told *told = user;
	ck_assert(toy.cluster && cs_cluster_nodes(toy.cluster)->live[judgement->row]);
	ck_assert(told->rows == 0 || judgement->row > told->last_row);
	told->rows++;
	told->last_row = judgement->row;
	if (judgement->verdict == CS_VERDICT_FITS) {
		told->feasible++;
		ck_assert_ptr_null(judgement->by);
		ck_assert_uint_eq(judgement->n_reasons, 0);
		if (judgement->scores)
			note_scores(told, judgement);
		else
			told->winner = cs_cluster_node_name(toy.cluster, judgement->row);
		return;
	}
	ck_assert_uint_gt(judgement->n_reasons, 0);
	ck_assert_ptr_null(judgement->scores);
	for (uint32_t i = 0; i < judgement->n_reasons; i++)
		note_reason(told, judgement->reasons[i]);
	told->rejected = *judgement;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *message_of(const struct told *told)
{
	const char *lines[N_REASONS];
	for (uint32_t i = 0; i < told->n_reasons; i++)
		lines[i] = cs_arena_printf(toy.arena, "%u %s", told->reasons[i].rows,
					   told->reasons[i].words);
	qsort(lines, told->n_reasons, sizeof(*lines), compare_strings);
	const char *text = cs_arena_printf(toy.arena, "0/%u nodes are available:", told->rows);
	for (uint32_t i = 0; i < told->n_reasons; i++)
		text = cs_arena_printf(toy.arena, "%s%s%s", text, i ? ", " : " ", lines[i]);
	return cs_arena_printf(toy.arena, "%s.", text);
}

static void expect_same_outcome(const struct cs_outcome *a, const struct cs_outcome *b)
{
	ck_assert_int_eq(a->decision, b->decision);
	ck_assert_uint_eq(a->row, b->row);
	ck_assert_uint_eq(a->runner_up, b->runner_up);
	ck_assert_int_eq(a->score, b->score);
	ck_assert_int_eq(a->runner_up_score, b->runner_up_score);
	ck_assert_uint_eq(a->n_feasible, b->n_feasible);
	ck_assert_uint_eq(a->rejected_by, b->rejected_by);
}

static struct told explain(const struct cs_pod *pod)
{
	struct cs_outcome decided, outcome;
	cs_cycle_decide(workspace, profile(), pod, &decided);
	const char *message = decided.message ? cs_arena_strdup(toy.arena, decided.message) : NULL;
	struct told told = { .best = -1, .winner = "(none)" };
	cs_cycle_explain(workspace, profile(), pod, &outcome,
			 (struct cs_judge){ .tell = note, .user = &told });
	expect_same_outcome(&decided, &outcome);
	ck_assert(cs_string_equal(message, outcome.message));
	ck_assert_uint_eq(told.feasible, outcome.n_feasible);
	if (outcome.decision == CS_DECISION_SCHEDULED) {
		ck_assert_str_eq(told.winner, cs_cluster_node_name(toy.cluster, outcome.row));
		ck_assert_int_eq(told.best, outcome.n_feasible > 1 ? outcome.score : -1);
	}
	if (pod->nominated_node != CS_INTERN_NONE && outcome.n_feasible == 1 && told.rows == 1)
		return told; // its own node alone was asked
	if (outcome.decision == CS_DECISION_ERROR)
		ck_assert_uint_eq(told.rows, 0);
	else
		ck_assert_uint_eq(told.rows, cs_cluster_nodes(toy.cluster)->n_live);
	return told;
}

static void explain_by_filters(const struct cs_pod *pod)
{
	struct told told = explain(pod);
	struct cs_outcome outcome;
	cs_cycle_decide(workspace, profile(), pod, &outcome);
	if (outcome.decision == CS_DECISION_UNSCHEDULABLE)
		ck_assert_str_eq(message_of(&told), outcome.message);
}

static void change_cluster(int step)
{
	const char *node = cs_arena_printf(toy.arena, "n%d", roll(N_NODES));
	if (roll(8) == 0)
		cs_scheduler_remove_node(toy.scheduler, toy.now, node);
	else
		toy_add_node(&toy, node, 1 + roll(8), 3 + roll(8),
			     roll(6) ? "" : "unschedulable: true");
	for (int i = 0; i < 4; i++) {
		const char *on = cs_arena_printf(toy.arena, "n%d", roll(N_NODES));
		toy_add_pod(&toy, cs_arena_printf(toy.arena, "b%d-%d", step, i), 100 * roll(20),
			    cs_arena_printf(toy.arena, "nodeName: %s", on));
	}
}

static void change_nominations(void)
{
	const struct toy_pod_parts parts = {
		.name = cs_arena_printf(toy.arena, "w%d", roll(4)),
		.cpu = 100 * roll(40),
		.status = roll(3) ? cs_arena_printf(toy.arena, "nominatedNodeName: n%d",
						    roll(N_NODES))
				  : "",
	};
	struct cs_error err;
	ck_assert_int_eq(toy_apply_pod(&toy, &parts, &err), 0);
	explain_by_filters(cs_cluster_find_pod(toy.cluster, parts.name));
}

#define PIN                                                                                     \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "            \
	"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n%d]}" \
	"]}]}}}"

static void history(const struct cs_plugin *const *plugins)
{
	for (uint64_t seed = 0; seed < 8; seed++) {
		cs_random_init(&dice, seed);
		toy_tide_level = (int64_t)seed;
		begin(plugins);
		for (int i = 0; i < 10; i++)
			toy_add_pod(&toy, cs_arena_printf(toy.arena, "p%d", i), 500 * i, "");
		toy_add_pod(&toy, "pinned", 100, cs_arena_printf(toy.arena, PIN, roll(N_NODES)));
		for (int step = 0; step < 150; step++) {
			change_cluster(step);
			if (cs_cluster_nodes(toy.cluster)->n_live == 0)
				continue;
			explain_by_filters(cs_cluster_find_pod(
				toy.cluster, cs_arena_printf(toy.arena, "p%d", roll(10))));
			explain_by_filters(cs_cluster_find_pod(toy.cluster, "pinned"));
			change_nominations();
		}
		end();
	}
}

START_TEST(row_local_plugins)
{
	history(toy_plugins);
}
END_TEST

START_TEST(plugins_that_depend_on_more)
{
	history(toy_plugins_global);
}
END_TEST

START_TEST(plugins_with_versions)
{
	history(toy_plugins_tide);
}
END_TEST

START_TEST(a_rejection_of_all_nodes)
{
	begin(toy_plugins);
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "unschedulable: true");
	toy_add_pod(&toy, "unschedulable-a", 100, "");
	toy_add_pod(&toy, "unresolvable-a", 100, "");
	toy_add_pod(&toy, "error-a", 100, "");
	struct told told = explain(cs_cluster_find_pod(toy.cluster, "unschedulable-a"));
	ck_assert_uint_eq(told.n_reasons, 1);
	ck_assert_uint_eq(told.reasons[0].rows, 2);
	ck_assert_str_eq(told.reasons[0].words, "unschedulable-a is unschedulable");
	ck_assert_int_eq(told.rejected.verdict, CS_VERDICT_UNSCHEDULABLE);
	ck_assert_str_eq(told.rejected.by->name, "ToyMood");
	told = explain(cs_cluster_find_pod(toy.cluster, "unresolvable-a"));
	ck_assert_uint_eq(told.reasons[0].rows, 2);
	ck_assert_int_eq(told.rejected.verdict, CS_VERDICT_UNRESOLVABLE);
	told = explain(cs_cluster_find_pod(toy.cluster, "error-a"));
	ck_assert_uint_eq(told.rows, 0);
	end();
}
END_TEST

START_TEST(rows_outside_what_was_narrowed_to)
{
	begin(toy_plugins_tide);
	toy_tide_level = 0;
	for (int i = 1; i < 5; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%d", i), 1, 110, "");
	toy_add_pod(&toy, "among-n1-n3", 2000, "");
	struct told told = explain(cs_cluster_find_pod(toy.cluster, "among-n1-n3"));
	ck_assert_uint_eq(told.n_reasons, 2);
	ck_assert_str_eq(told.reasons[0].words, "Insufficient cpu");
	ck_assert_uint_eq(told.reasons[0].rows, 2);
	ck_assert_str_eq(told.reasons[1].words, "node(s) didn't satisfy plugin(s) [ToyAmong]");
	ck_assert_uint_eq(told.reasons[1].rows, 2);
	ck_assert_ptr_null(told.rejected.by);
	ck_assert_int_eq(told.rejected.verdict, CS_VERDICT_UNRESOLVABLE);
	end();
}
END_TEST

static void explain_rejection(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			      uint32_t row, struct cs_buffer *out)
{
	(void)cycle;
	(void)row;
	cs_buffer_printf(out, "rejected by %s", self->plugin->name);
}

// Gathers the numbers of a row.
static void note_numbers(void *user, const struct cs_judgement *judgement)
{
	const char **numbers = user;
	if (judgement->numbers)
		*numbers = cs_arena_strdup(toy.arena, judgement->numbers);
}

// Who rejected the pod's nominated node has said nothing of the rows outside.
START_TEST(numbers_of_a_row_outside)
{
	struct cs_plugin fit = toy_fit, pin = toy_pin;
	fit.explain_filter = explain_rejection;
	pin.explain_filter = explain_rejection;
	const struct cs_plugin *const plugins[] = { &toy_sort, &fit, &pin, &toy_bind, NULL };
	const char *numbers = NULL;
	struct cs_outcome outcome;
	begin(plugins);
	toy_add_node(&toy, "n1", 1, 110, "");
	toy_add_node(&toy, "n2", 1, 110, "");
	const struct toy_pod_parts parts = {
		.name = "pinned",
		.cpu = 2000,
		.spec = cs_arena_printf(toy.arena, PIN, 1),
		.status = "nominatedNodeName: n1",
	};
	struct cs_error err;
	ck_assert_int_eq(toy_apply_pod(&toy, &parts, &err), 0);
	const uint32_t row = cs_cluster_find_node(toy.cluster, "n2");
	cs_cycle_explain(workspace, profile(), cs_cluster_find_pod(toy.cluster, "pinned"), &outcome,
			 (struct cs_judge){ .tell = note_numbers, .user = &numbers, .row = &row });
	ck_assert_int_eq(outcome.decision, CS_DECISION_UNSCHEDULABLE);
	ck_assert_pstr_eq(numbers, "rejected by ToyPin");
	end();
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = tcase_create("explain");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, row_local_plugins);
	tcase_add_test(tcase, plugins_that_depend_on_more);
	tcase_add_test(tcase, plugins_with_versions);
	tcase_add_test(tcase, a_rejection_of_all_nodes);
	tcase_add_test(tcase, rows_outside_what_was_narrowed_to);
	tcase_add_test(tcase, numbers_of_a_row_outside);
	suite_add_tcase(suite, tcase);
	return suite;
}
