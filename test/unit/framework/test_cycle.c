// Decisions: prepare, filter, score, choose, and the words of what does not fit.
// Neighbours: lib/framework/cycle.c, vectors.c, kernel.c.
#include <csched/framework/cycle.h>

#include "../check_main.h"
#include "fixture.h"

static struct toy toy;
static struct cs_workspace *workspace;

static void setup(void)
{
	toy_init(&toy, NULL);
	cs_scheduler_stop(toy.scheduler);
	workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = toy.cluster, .config = toy.config });
}

static void teardown(void)
{
	cs_workspace_destroy(workspace);
	toy_finish(&toy);
}

static struct cs_outcome decide(const char *name)
{
	struct cs_outcome outcome;
	const struct cs_pod *pod = cs_cluster_find_pod(toy.cluster, name);
	ck_assert_ptr_nonnull(pod);
	cs_cycle_decide(workspace, toy.config->profiles[0], pod, &outcome);
	return outcome;
}

static const char *node_of(const struct cs_outcome *outcome)
{
	return outcome->row == CS_ROW_NONE ? "(none)"
					   : cs_cluster_node_name(toy.cluster, outcome->row);
}

// The names of the plugins in a mask, in the profile's order.
static const char *names_of(uint64_t mask)
{
	const char *names = "";
	const struct cs_profile *profile = toy.config->profiles[0];
	for (uint32_t i = 0; i < profile->n_instances; i++)
		if (mask >> i & 1)
			names = cs_arena_printf(toy.arena, "%s%s%s", names, *names ? " " : "",
						profile->instances[i].plugin->name);
	return names;
}

static void expect_no_node(const char *pod, const char *message, const char *rejected_by)
{
	struct cs_outcome outcome = decide(pod);
	ck_assert_int_eq(outcome.decision, CS_DECISION_UNSCHEDULABLE);
	ck_assert_uint_eq(outcome.row, CS_ROW_NONE);
	ck_assert_str_eq(outcome.message, message);
	ck_assert_str_eq(names_of(outcome.rejected_by), rejected_by);
}

START_TEST(an_empty_cluster_has_no_nodes)
{
	toy_add_pod(&toy, "a", 100, "");
	expect_no_node("a", "no nodes available to schedule pods", "");
	// A node that has gone while its pods are still there does not count.
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "b", 100, "nodeName: n1");
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n1");
	expect_no_node("a", "no nodes available to schedule pods", "");
}
END_TEST

START_TEST(the_only_feasible_node_is_taken_without_scores)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "unschedulable: true");
	toy_add_pod(&toy, "a", 100, "");
	struct cs_outcome outcome = decide("a");
	ck_assert_int_eq(outcome.decision, CS_DECISION_SCHEDULED);
	ck_assert_str_eq(node_of(&outcome), "n1");
	ck_assert_uint_eq(outcome.n_feasible, 1);
	ck_assert_uint_eq(outcome.n_nodes, 2);
	ck_assert_int_eq(outcome.score, 0);
	ck_assert_uint_eq(outcome.runner_up, CS_ROW_NONE);
	ck_assert_ptr_null(outcome.message);
}
END_TEST

START_TEST(weighted_sums_decide_and_the_second_is_known)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 8, 110, "");
	toy_add_node(&toy, "n3", 6, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	struct cs_outcome outcome = decide("a");
	ck_assert_str_eq(node_of(&outcome), "n2");
	// ToyFree has weight 2: 87 of 100 percent; ToyFew gives 100 where no node has pods.
	ck_assert_int_eq(outcome.score, 2 * 87 + 100);
	ck_assert_str_eq(cs_cluster_node_name(toy.cluster, outcome.runner_up), "n3");
	ck_assert_int_eq(outcome.runner_up_score, 2 * 83 + 100);
	ck_assert_uint_eq(outcome.n_feasible, 3);
}
END_TEST

START_TEST(normalising_sees_feasible_rows_only)
{
	toy_add_node(&toy, "n1", 100, 110, "");
	toy_add_node(&toy, "n2", 100, 110, "");
	toy_add_node(&toy, "n3", 100, 110, "unschedulable: true");
	toy_add_pod(&toy, "on1", 0, "nodeName: n1");
	for (int i = 0; i < 4; i++)
		toy_add_pod(&toy, cs_arena_printf(toy.arena, "on3-%d", i), 0, "nodeName: n3");
	toy_add_pod(&toy, "a", 0, "");
	struct cs_outcome outcome = decide("a");
	ck_assert_str_eq(node_of(&outcome), "n2");
	ck_assert_int_eq(outcome.score, 200 + 100);
	ck_assert_int_eq(outcome.runner_up_score, 200 + 0);
}
END_TEST

START_TEST(ties_go_to_the_lowest_name_without_random)
{
	static const char *const names[] = { "n7", "n3", "n5" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		toy_add_node(&toy, names[i], 4, 110, "");
	toy_add_pod(&toy, "a", 100, "");
	struct cs_outcome outcome = decide("a");
	ck_assert_str_eq(node_of(&outcome), "n3");
	ck_assert_str_eq(cs_cluster_node_name(toy.cluster, outcome.runner_up), "n7");
	ck_assert_int_eq(outcome.score, outcome.runner_up_score);
}
END_TEST

// It may get the row of the node before it, and its name the same id.
START_TEST(ties_go_to_the_lowest_name_that_has_come)
{
	static const char *const names[] = { "n7", "n3", "n5" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++)
		toy_add_node(&toy, names[i], 4, 110, "");
	toy_add_pod(&toy, "a", 100, "");
	struct cs_outcome outcome = decide("a");
	ck_assert_str_eq(node_of(&outcome), "n3");
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n7");
	toy_add_node(&toy, "n1", 4, 110, "");
	outcome = decide("a");
	ck_assert_uint_eq(outcome.row, 0);
	ck_assert_str_eq(node_of(&outcome), "n1");
}
END_TEST

// Rows that do not fit have no total, which is not the same as none but 0.
START_TEST(the_best_rows_are_known_where_totals_are_0)
{
	struct cs_detail detail;
	for (int i = 0; i < 330; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%03d", i), 4, 110,
			     i < 320 ? "unschedulable: true" : "");
	toy_add_pod(&toy, "a", 4000, "");
	struct cs_outcome outcome = decide("a");
	ck_assert_uint_eq(outcome.n_feasible, 10);
	cs_cycle_detail(workspace, &outcome, &detail);
	ck_assert_uint_eq(detail.n_candidates, CS_CANDIDATES_MAX);
	for (uint32_t i = 0; i < detail.n_candidates; i++)
		ck_assert_uint_eq(detail.candidates[i].row, 320 + i);
}
END_TEST

START_TEST(ties_are_spread_evenly_by_random)
{
	struct cs_random random;
	cs_random_init(&random, 42);
	struct cs_workspace *other = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = toy.cluster, .config = toy.config, .random = &random });
	for (int i = 0; i < 4; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%d", i), 4, 110, "");
	toy_add_node(&toy, "small", 1, 110, "");
	toy_add_pod(&toy, "a", 100, "");
	int count[5] = { 0 };
	for (int i = 0; i < 4000; i++) {
		struct cs_outcome outcome;
		cs_cycle_decide(other, toy.config->profiles[0],
				cs_cluster_find_pod(toy.cluster, "a"), &outcome);
		count[outcome.row]++;
		ck_assert_uint_ne(outcome.row, outcome.runner_up);
	}
	ck_assert_int_eq(count[4], 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_ge(count[i], 850);
	cs_workspace_destroy(other);
}
END_TEST

START_TEST(the_first_filter_in_order_gives_the_reason)
{
	// n1 is both cordoned and full: ToyCordon comes first.
	toy_add_node(&toy, "n1", 1, 110, "unschedulable: true");
	toy_add_node(&toy, "n2", 1, 110, "");
	toy_add_pod(&toy, "a", 2000, "");
	expect_no_node("a", "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were cordoned.",
		       "ToyCordon ToyFit");
}
END_TEST

START_TEST(reasons_are_sorted_as_strings_with_their_counts)
{
	for (int i = 0; i < 10; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "c%d", i), 1, 110,
			     "unschedulable: true");
	toy_add_node(&toy, "f1", 1, 0, "");
	toy_add_node(&toy, "f2", 1, 110, "");
	toy_add_pod(&toy, "a", 2000, "");
	// "10 n" before "1 T" would be wrong: bytes are compared; f1 counts for both its reasons.
	expect_no_node("a",
		       "0/12 nodes are available: 1 Too many pods, 10 node(s) were cordoned, "
		       "2 Insufficient cpu.",
		       "ToyCordon ToyFit");
}
END_TEST

START_TEST(prepare_filter_rejects_for_all_nodes_without_a_count)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "unresolvable", 100, "");
	toy_add_pod(&toy, "unschedulable", 100, "");
	expect_no_node("unresolvable", "0/2 nodes are available: unresolvable is unresolvable.",
		       "ToyMood");
	expect_no_node("unschedulable", "0/2 nodes are available: unschedulable is unschedulable.",
		       "ToyMood");
}
END_TEST

START_TEST(after_unschedulable_the_others_prepare_and_the_last_word_counts)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_pod(&toy, "unschedulable-second-unschedulable", 100, "");
	toy_add_pod(&toy, "unschedulable-second-unresolvable", 100, "");
	toy_add_pod(&toy, "unresolvable-second-error", 100, "");
	toy_add_pod(&toy, "unschedulable-second-error", 100, "");
	expect_no_node("unschedulable-second-unschedulable",
		       "0/1 nodes are available: unschedulable-second-unschedulable is "
		       "unschedulable.",
		       "ToyMood2");
	expect_no_node("unschedulable-second-unresolvable",
		       "0/1 nodes are available: unschedulable-second-unresolvable is "
		       "unresolvable.",
		       "ToyMood2");
	// Unresolvable ends it at once: the error behind is not reached.
	expect_no_node("unresolvable-second-error",
		       "0/1 nodes are available: unresolvable-second-error is unresolvable.",
		       "ToyMood");
	struct cs_outcome outcome = decide("unschedulable-second-error");
	ck_assert_int_eq(outcome.decision, CS_DECISION_ERROR);
	ck_assert_str_eq(outcome.message, "running PreFilter plugin \"ToyMood2\": "
					  "unschedulable-second-error is error");
	ck_assert_uint_eq(outcome.rejected_by, 0);
}
END_TEST

#define PINNED_TO(node)                                                                         \
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "            \
	"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [" node \
	"]}]}]}}}"

START_TEST(a_pinned_pod_looks_at_one_node)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_node(&toy, "n3", 4, 110, "unschedulable: true");
	toy_add_pod(&toy, "to2", 100, PINNED_TO("n2"));
	toy_add_pod(&toy, "to3", 100, PINNED_TO("n3"));
	toy_add_pod(&toy, "nowhere", 100, PINNED_TO("n9"));
	struct cs_outcome outcome = decide("to2");
	ck_assert_str_eq(node_of(&outcome), "n2");
	ck_assert_uint_eq(outcome.n_feasible, 1);
	expect_no_node("to3",
		       "0/3 nodes are available: 1 node(s) were cordoned, 2 node(s) didn't satisfy "
		       "plugin(s) [ToyPin].",
		       "ToyPin ToyCordon");
	expect_no_node("nowhere",
		       "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [ToyPin].",
		       "ToyPin");
	ck_assert_str_eq(node_of(&(struct cs_outcome){ .row = decide("to2").row }), "n2");
}
END_TEST

static void setup_tide(void)
{
	toy_init_options(&toy, toy_config(NULL, toy_plugins_tide),
			 &(struct cs_scheduler_options){ 0 });
	cs_scheduler_stop(toy.scheduler);
	workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = toy.cluster, .config = toy.config });
	toy_tide_level = 0;
}

START_TEST(narrowed_rows_intersect)
{
	for (int i = 1; i < 6; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%d", i), 4, 110,
			     i == 3 ? "unschedulable: true" : "");
	toy_add_pod(&toy, "among-n2-n3-n5", 100, "");
	toy_add_pod(&toy, "among-n1-n2", 100, PINNED_TO("n2"));
	toy_add_pod(&toy, "among-n1", 100, PINNED_TO("n2"));
	toy_add_pod(&toy, "among-n4", 100, PINNED_TO("n9"));
	toy_add_pod(&toy, "among-n3", 100, "");
	toy_add_pod(&toy, "among-n8", 100, PINNED_TO("n9"));
	ck_assert_uint_eq(decide("among-n2-n3-n5").n_feasible, 2);
	struct cs_outcome outcome = decide("among-n1-n2");
	ck_assert_uint_eq(outcome.n_feasible, 1);
	ck_assert_str_eq(node_of(&outcome), "n2");
	const char *apart = "0/5 nodes are available: node(s) didn't satisfy plugin(s) "
			    "[ToyAmong ToyPin] simultaneously.";
	expect_no_node("among-n1", apart, "ToyPin ToyAmong");
	expect_no_node("among-n4", apart, "ToyPin ToyAmong");
	expect_no_node("among-n3",
		       "0/5 nodes are available: 1 node(s) were cordoned, 4 node(s) didn't satisfy "
		       "plugin(s) [ToyAmong].",
		       "ToyAmong ToyCordon");
	expect_no_node("among-n8",
		       "0/5 nodes are available: 5 node(s) didn't satisfy plugin(s) "
		       "[ToyAmong ToyPin].",
		       "ToyPin ToyAmong");
}
END_TEST

START_TEST(scores_out_of_range_are_errors)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "wrong", 100, "");
	toy_add_pod(&toy, "wrong-prepare", 100, "");
	struct cs_outcome outcome = decide("wrong");
	ck_assert_int_eq(outcome.decision, CS_DECISION_ERROR);
	ck_assert_str_eq(outcome.message,
			 "applying score defaultWeights on Score plugins: plugin \"ToyWrong\" "
			 "returns an invalid score 101, it should in the range of [0, 100] after "
			 "normalizing");
	outcome = decide("wrong-prepare");
	ck_assert_int_eq(outcome.decision, CS_DECISION_ERROR);
	ck_assert_str_eq(outcome.message, "running PreScore plugin \"ToyWrong\": no mood for it");
	// Nothing of it stays: the same demand with another name is fine.
	toy_add_pod(&toy, "fine", 100, "");
	outcome = decide("fine");
	ck_assert_int_eq(outcome.decision, CS_DECISION_SCHEDULED);
	ck_assert_int_eq(outcome.score, 2 * 97 + 100);
}
END_TEST

static void normalise_beyond(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			     const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	(void)self;
	for (uint32_t i = 0; i < n; i++)
		out[feasible[i]] = i == n - 1 ? 356 : 100; // in a byte it is 100
}

// Of whatever kind the plugin is, and whether scores are kept or not.
START_TEST(normalised_scores_out_of_range_are_errors)
{
	static struct cs_plugin beyond; // until teardown
	static const struct cs_plugin *const plugins[] = { &toy_sort, &toy_fit, &beyond, &toy_bind,
							   NULL };
	beyond = (struct cs_plugin){
		.name = "ToyBeyond",
		.row_local = _i % 2,
		.raw_score = toy_few.raw_score,
		.normalise = normalise_beyond,
	};
	teardown();
	toy_init_options(&toy, toy_config(NULL, plugins), &(struct cs_scheduler_options){ 0 });
	cs_scheduler_stop(toy.scheduler);
	workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = toy.cluster, .config = toy.config, .no_cache = _i / 2 });
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_pod(&toy, "there", 100, "nodeName: n1");
	toy_add_pod(&toy, "p", 100, "");
	for (int i = 0; i < 2; i++) {
		struct cs_outcome outcome = decide("p");
		ck_assert_int_eq(outcome.decision, CS_DECISION_ERROR);
		ck_assert_ptr_nonnull(strstr(outcome.message, "\"ToyBeyond\" returns an invalid "
							      "score 356, it should"));
	}
}
END_TEST

START_TEST(who_prepares_and_does_not_score_may_fail)
{
	teardown();
	static const char config[] = "apiVersion: kubescheduler.config.k8s.io/v1\n"
				     "kind: KubeSchedulerConfiguration\n"
				     "profiles:\n"
				     "- schedulerName: c-sched\n"
				     "  plugins: {score: {disabled: [{name: ToyWrong}]}}\n";
	toy_init_options(&toy, toy_config(config, toy_plugins_global),
			 &(struct cs_scheduler_options){ 0 });
	cs_scheduler_stop(toy.scheduler);
	workspace = cs_workspace_create(
		&(struct cs_workspace_options){ .cluster = toy.cluster, .config = toy.config });
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 4, 110, "");
	toy_add_node(&toy, "n3", 4, 110, "");
	toy_add_node(&toy, "n4", 4, 110, "");
	toy_add_pod(&toy, "wrong", 100, "");
	toy_add_pod(&toy, "wrong-prepare", 100, "");
	ck_assert_int_eq(decide("wrong").decision, CS_DECISION_SCHEDULED);
	struct cs_outcome outcome = decide("wrong-prepare");
	ck_assert_int_eq(outcome.decision, CS_DECISION_ERROR);
	ck_assert_str_eq(outcome.message, "running PreScore plugin \"ToyWrong\": no mood for it");
}
END_TEST

static void expect_as_afresh(const char *pod)
{
	struct cs_workspace *afresh = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = toy.cluster, .config = toy.config, .no_cache = true });
	struct cs_outcome kept = decide(pod), other;
	cs_cycle_decide(afresh, toy.config->profiles[0], cs_cluster_find_pod(toy.cluster, pod),
			&other);
	ck_assert_str_eq(node_of(&kept), node_of(&other));
	ck_assert_int_eq(kept.score, other.score);
	ck_assert_uint_eq(kept.n_feasible, other.n_feasible);
	ck_assert_uint_eq(kept.runner_up, other.runner_up);
	ck_assert_str_eq(kept.message ? kept.message : "", other.message ? other.message : "");
	ck_assert_uint_eq(kept.rejected_by, other.rejected_by);
	cs_workspace_destroy(afresh);
}

// The scheduler tells the plugins with a memory where a pod went, after it was assumed.
START_TEST(a_pod_that_is_placed_is_reserved)
{
	toy_tide_reserved[0] = '\0';
	toy_add_node(&toy, "n1", 1, 10, "");
	toy_add_node(&toy, "n2", 4, 10, "");
	toy_add_pod(&toy, "large", 8000, "");
	toy_add_pod(&toy, "small", 2000, "");
	ck_assert_uint_eq(decide("small").row, 1);
	ck_assert_str_eq(toy_tide_reserved, "");
	cs_scheduler_start(toy.scheduler);
	toy_turn(&toy, 2);
	ck_assert_str_eq(toy_tide_reserved, "small@1");
}
END_TEST

START_TEST(versions_end_what_is_kept)
{
	ck_assert_int_eq(toy_tide_attached, 2);
	for (int i = 0; i < 40; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%02d", i), 4 + i % 3, 110, "");
	toy_add_pod(&toy, "a", 1000, "");
	uint32_t fewest = UINT32_MAX;
	for (int step = 0; step < 40; step++) {
		toy_tide_level = step % 15;
		uint32_t n = decide("a").n_feasible;
		fewest = n < fewest ? n : fewest;
		expect_as_afresh("a");
		expect_as_afresh("a");
	}
	ck_assert_uint_eq(fewest, 0);
	ck_assert_int_eq(toy_tide_attached, 2);
	cs_workspace_destroy(workspace);
	workspace = NULL;
	ck_assert_int_eq(toy_tide_attached, 1);
}
END_TEST

START_TEST(kept_columns_follow_nodes_that_come_and_go)
{
	toy_add_pod(&toy, "a", 1000, "");
	for (int i = 0; i < 200; i++) {
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%03d", i), i + 1, 110, "");
		ck_assert_uint_eq(decide("a").n_feasible, (uint32_t)i + 1);
		expect_as_afresh("a");
	}
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n199");
	ck_assert_uint_eq(decide("a").n_feasible, 199);
	struct cs_outcome outcome = decide("a");
	const char *best = node_of(&outcome);
	toy_add_node(&toy, best, 300, 110, "unschedulable: true");
	outcome = decide("a");
	ck_assert_str_ne(node_of(&outcome), best);
	expect_as_afresh("a");
	toy_add_node(&toy, best, 300, 110, "");
	outcome = decide("a");
	ck_assert_str_eq(node_of(&outcome), best);
	expect_as_afresh("a");
}
END_TEST

START_TEST(a_new_node_that_does_not_fit_is_not_chosen_by_its_score)
{
	// Enough nodes for one more not to mean a fresh start.
	for (int i = 0; i < 40; i++) {
		const char *name = cs_arena_printf(toy.arena, "n%02d", i);
		toy_add_node(&toy, name, 4, 110, "");
		toy_add_pod(&toy, cs_arena_printf(toy.arena, "on%d", i), 3000,
			    cs_arena_printf(toy.arena, "nodeName: %s", name));
	}
	toy_add_pod(&toy, "a", 1000, "");
	decide("a");
	toy_add_node(&toy, "big", 400, 110, "unschedulable: true");
	struct cs_outcome outcome = decide("a");
	ck_assert_str_eq(node_of(&outcome), "n00");
	ck_assert_uint_eq(outcome.n_feasible, 40);
}
END_TEST

START_TEST(kept_words_follow_the_nodes)
{
	for (int i = 0; i < 40; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%02d", i), 1, 110, "");
	toy_add_pod(&toy, "a", 2000, "");
	toy_add_pod(&toy, "b", 2000, "");
	for (int i = 0; i < 2; i++) {
		expect_no_node("a", "0/40 nodes are available: 40 Insufficient cpu.", "ToyFit");
		expect_no_node("b", "0/40 nodes are available: 40 Insufficient cpu.", "ToyFit");
	}
	toy_add_node(&toy, "n00", 1, 0, "");
	const char *message = "0/40 nodes are available: 1 Too many pods, 40 Insufficient cpu.";
	expect_no_node("a", message, "ToyFit");
	expect_no_node("b", message, "ToyFit");
	toy_add_node(&toy, "n00", 1, 0, "unschedulable: true");
	expect_no_node("b",
		       "0/40 nodes are available: 1 node(s) were cordoned, 39 Insufficient cpu.",
		       "ToyCordon ToyFit");
	cs_scheduler_remove_node(toy.scheduler, toy.now, "n00");
	expect_no_node("a", "0/39 nodes are available: 39 Insufficient cpu.", "ToyFit");
}
END_TEST

START_TEST(kept_words_are_of_one_demand)
{
	for (int i = 0; i < 40; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%02d", i), i, 0, "");
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i < 40; i++) {
			const char *name = cs_arena_printf(toy.arena, "p%d", i);
			if (!round)
				toy_add_pod(&toy, name, 1000 * i, "");
			expect_as_afresh(name);
			expect_as_afresh(name);
		}
	}
}
END_TEST

START_TEST(columns_are_kept_for_the_next_pod_of_a_kind)
{
	for (int i = 0; i < 40; i++)
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%02d", i), 4, 110, "");
	for (int i = 0; i < 3; i++) {
		toy_add_pod(&toy, "a", 1000, "");
		decide("a");
		cs_scheduler_remove_pod(toy.scheduler, toy.now, "a");
		ck_assert_uint_eq(cs_cluster_count(toy.cluster).demands, 1);
		toy_add_node(&toy, cs_arena_printf(toy.arena, "n%02d", i), 5, 110, "");
		toy_add_pod(&toy, "a", 1000, "");
		expect_as_afresh("a");
	}
}
END_TEST

START_TEST(more_demands_than_are_kept)
{
	toy_add_node(&toy, "n1", 4, 110, "");
	toy_add_node(&toy, "n2", 8, 110, "");
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i < 50; i++) {
			const char *name = cs_arena_printf(toy.arena, "p%d", i);
			if (!round)
				toy_add_pod(&toy, name, 80 * i, "");
			struct cs_outcome outcome = decide(name);
			ck_assert_str_eq(node_of(&outcome), "n2");
			ck_assert_int_eq(outcome.score, 2 * ((8000 - 80 * i) / 80) + 100);
		}
	}
}
END_TEST

Suite *test_suite(void)
{
	const TTest *const tests[] = {
		an_empty_cluster_has_no_nodes,
		the_only_feasible_node_is_taken_without_scores,
		weighted_sums_decide_and_the_second_is_known,
		normalising_sees_feasible_rows_only,
		ties_go_to_the_lowest_name_without_random,
		ties_go_to_the_lowest_name_that_has_come,
		the_best_rows_are_known_where_totals_are_0,
		ties_are_spread_evenly_by_random,
		the_first_filter_in_order_gives_the_reason,
		reasons_are_sorted_as_strings_with_their_counts,
		prepare_filter_rejects_for_all_nodes_without_a_count,
		after_unschedulable_the_others_prepare_and_the_last_word_counts,
		a_pinned_pod_looks_at_one_node,
		scores_out_of_range_are_errors,
		who_prepares_and_does_not_score_may_fail,
		kept_columns_follow_nodes_that_come_and_go,
		a_new_node_that_does_not_fit_is_not_chosen_by_its_score,
		kept_words_follow_the_nodes,
		kept_words_are_of_one_demand,
		columns_are_kept_for_the_next_pod_of_a_kind,
		more_demands_than_are_kept,
	};
	Suite *suite = suite_create("cycle");
	TCase *tcase = tcase_create("cycle");
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, normalised_scores_out_of_range_are_errors, 0, 4);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("tide");
	tcase_add_checked_fixture(tcase, setup_tide, teardown);
	tcase_add_test(tcase, narrowed_rows_intersect);
	tcase_add_test(tcase, a_pod_that_is_placed_is_reserved);
	tcase_add_test(tcase, versions_end_what_is_kept);
	suite_add_tcase(suite, tcase);
	return suite;
}
