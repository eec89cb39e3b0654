// NodeAffinity against upstream's rules: filter, narrowing, scores, addedAffinity, skips, words.
// Neighbours: lib/plugins/node_affinity.c. What matches is the cluster's
// suite's business (test_node_selector.c, test_node_asks.c).
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "run.h"

#define REASON_POD   "node(s) didn't match Pod's node affinity/selector"
#define REASON_ADDED "node(s) didn't match scheduler-enforced node affinity"

static struct world world;
static struct run run;

static void label(const char *name, const char *labels)
{
	const Kube__Node *node =
		read_node(&world, "{metadata: {name: %s, labels: {%s}}}", name, labels);
	ck_assert_int_eq(apply_node(&world, node), 0);
}

static void setup(void)
{
	run_begin(&run, &world);
	label("a", "zone: x, disk: ssd");
	label("b", "zone: x, disk: hdd");
	label("c", "zone: w, disk: ssd");
	label("d", "");
}

static void teardown(void)
{
	run_end(&run);
}

#define REQUIRE(terms) \
	"requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" terms "]}"
#define PREFER(terms)    "preferredDuringSchedulingIgnoredDuringExecution: [" terms "]"
#define AFFINITY(inside) "affinity: {nodeAffinity: {" inside "}}"
#define ADDED(inside)    "addedAffinity: {" inside "}"
#define IN(key, values)  "{matchExpressions: [{key: " key ", operator: In, values: [" values "]}]}"
#define NAMES(values)    "{matchFields: [{key: metadata.name, operator: In, values: [" values "]}]}"
#define WEIGH(w, term)   "{weight: " w ", preference: " term "}"
#define BROKEN           "{matchExpressions: [{key: k, operator: Gt, values: [abc]}]}"
#define BROKEN_WORDS                                                              \
	".matchExpressions[0].values[0]: Invalid value: \"abc\": for 'Gt', 'Lt' " \
	"operators, the value must be an integer"

// ---- filter ----

static const struct {
	const char *args;
	const char *spec;
	const char *fitting; // NULL = skipped
} filters[] = {
	{ NULL, "containers: []", NULL },
	{ NULL, AFFINITY(PREFER(WEIGH("1", IN("zone", "x")))), NULL },
	{ NULL, "nodeSelector: {disk: ssd}", "a c" },
	{ NULL, AFFINITY(REQUIRE(IN("zone", "x"))), "a b" },
	{ NULL, "nodeSelector: {disk: ssd}, " AFFINITY(REQUIRE(IN("zone", "x"))), "a" },
	{ NULL, AFFINITY(REQUIRE(IN("zone", "w") ", " IN("disk", "hdd"))), "b c" },
	{ NULL, AFFINITY(REQUIRE(BROKEN ", " IN("disk", "hdd"))), "b" },
	{ NULL, AFFINITY(REQUIRE(BROKEN)), "" },
	{ NULL, AFFINITY(REQUIRE("{}")), "" },
	{ NULL, AFFINITY(REQUIRE("")), "" },
	{ ADDED(REQUIRE(IN("zone", "x"))), "containers: []", "a b" },
	{ ADDED(REQUIRE(IN("zone", "x"))), "nodeSelector: {disk: ssd}", "a" },
	{ ADDED(REQUIRE("")), "containers: []", "" },
	{ ADDED(PREFER(WEIGH("1", IN("zone", "x")))), "containers: []", NULL },
	{ "{}", "containers: []", NULL },
	{ ADDED(""), "containers: []", NULL },
	{ "addedAffinity: null", "containers: []", NULL },
};

START_TEST(filter)
{
	run_configure(&run, "NodeAffinity", filters[_i].args);
	run_filter(&run, add_pod(&world, "p", filters[_i].spec));
	ck_assert(!run.cycle.narrowed);
	if (filters[_i].fitting)
		ck_assert_str_eq(run_fitting(&run), filters[_i].fitting);
	else
		ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
}
END_TEST

START_TEST(words)
{
	run_configure(&run, "NodeAffinity", ADDED(REQUIRE(IN("zone", "x"))));
	run_filter(&run, add_pod(&world, "p", "nodeSelector: {disk: ssd}"));
	for (uint32_t row = 1; row < 4; row++)
		ck_assert_uint_eq(run.verdict[row], CS_VERDICT_UNRESOLVABLE);
	ck_assert_str_eq(run_reasons(&run, "b"), REASON_POD);
	// addedAffinity is looked at first.
	ck_assert_str_eq(run_reasons(&run, "c"), REASON_ADDED);
	ck_assert_str_eq(run_reasons(&run, "d"), REASON_ADDED);
}
END_TEST

START_TEST(answers_follow_the_nodes)
{
	run_configure(&run, "NodeAffinity", ADDED(REQUIRE(IN("zone", "x"))));
	const struct cs_pod *pod = add_pod(&world, "p", "nodeSelector: {disk: ssd}");
	label("b", "zone: x, disk: ssd");
	label("a", "zone: w, disk: ssd");
	label("d", "zone: x, disk: ssd");
	run_filter(&run, pod);
	ck_assert_str_eq(run_fitting(&run), "b d");
	ck_assert_str_eq(run_reasons(&run, "a"), REASON_ADDED);
}
END_TEST

// ---- narrowing ----

static const struct {
	const char *terms;
	const char *only; // names, in the order of their rows
	const char *fitting;
} pins[] = {
	{ NAMES("c"), "c", "c" }, // the DaemonSet controller's
	{ NAMES("c") ", " NAMES("a"), "a c", "a c" },
	{ NAMES("c") ", " NAMES("nobody") ", " NAMES("c"), "c", "c" },
	{ NAMES("nobody"), "", "" },
	{ NAMES("nobody") ", " NAMES("none"), "", "" },
	{ NAMES("d, b"), "b d", "" },
	{ "{matchFields: [{key: metadata.name, operator: In, values: [b]}], matchExpressions: "
	  "[{key: "
	  "disk, operator: In, values: [ssd]}]}",
	  "b", "" },
};

START_TEST(narrowing)
{
	run_configure(&run, "NodeAffinity", NULL);
	const char *spec = cs_arena_printf(world.arena, AFFINITY(REQUIRE("%s")), pins[_i].terms);
	run_filter(&run, add_pod(&world, "p", spec));
	ck_assert(run.cycle.narrowed);
	char *only = cs_arena_strdup(world.arena, "");
	for (uint32_t i = 0; i < run.cycle.n_only; i++)
		only = cs_arena_printf(world.arena, "%s%s%s", only, i ? " " : "",
				       cs_cluster_node_name(world.cluster, run.cycle.only[i]));
	ck_assert_str_eq(only, pins[_i].only);
	// The others are not filtered, but where one of them is the nominated node.
	ck_assert_str_eq(run_fitting(&run), pins[_i].fitting);
}
END_TEST

START_TEST(names_that_contradict)
{
	run_configure(&run, "NodeAffinity", NULL);
	run_filter(&run,
		   add_pod(&world, "p",
			   AFFINITY(REQUIRE("{matchFields: [{key: metadata.name, operator: In, "
					    "values: [a]}, {key: metadata.name, operator: In, "
					    "values: [b]}]}"))));
	ck_assert_int_eq(run.prepared, CS_PREPARE_UNRESOLVABLE);
	ck_assert_str_eq(run.cycle.message, "pod affinity terms conflict");
	ck_assert(!run.cycle.narrowed);
}
END_TEST

START_TEST(a_pinned_pod_beside_added_affinity)
{
	run_configure(&run, "NodeAffinity", ADDED(REQUIRE(IN("zone", "x"))));
	run_filter(&run, add_pod(&world, "p", AFFINITY(REQUIRE(NAMES("c")))));
	ck_assert_uint_eq(run.cycle.n_only, 1);
	ck_assert_uint_eq(run.cycle.only[0], 2);
	ck_assert_uint_eq(run.verdict[2], CS_VERDICT_UNRESOLVABLE);
	ck_assert_str_eq(run_reasons(&run, "c"), REASON_ADDED);
}
END_TEST

// ---- scores ----

static const struct {
	const char *args;
	const char *spec;
	const char *scores; // NULL = skipped
} scores[] = {
	{ NULL, "containers: []", NULL },
	{ NULL, "nodeSelector: {disk: ssd}", NULL },
	{ NULL, AFFINITY(PREFER(WEIGH("1", IN("zone", "x")))), "a=100 b=100 c=0 d=0" },
	{ NULL, AFFINITY(PREFER(WEIGH("2", IN("zone", "x")) ", " WEIGH("5", IN("disk", "ssd")))),
	  "a=100 b=28 c=71 d=0" }, // 7, 2, 5 and 0 of 7
	{ NULL, AFFINITY(PREFER(WEIGH("100", NAMES("d")))), "a=0 b=0 c=0 d=100" },
	{ NULL, AFFINITY(PREFER(WEIGH("3", IN("zone", "nowhere")))), "a=0 b=0 c=0 d=0" },
	// A list that means nothing is no skip.
	{ NULL,
	  AFFINITY(PREFER("{weight: 0, preference: " IN("zone", "x") "}, {weight: 4, "
								     "preference: {}}")),
	  "a=0 b=0 c=0 d=0" },
	{ ADDED(PREFER(WEIGH("1", IN("zone", "x")))), "containers: []", "a=100 b=100 c=0 d=0" },
	{ ADDED(PREFER(WEIGH("1", IN("zone", "x")))),
	  AFFINITY(PREFER(WEIGH("3", IN("disk", "ssd")))), "a=100 b=25 c=75 d=0" },
	{ ADDED(PREFER("{weight: 0, preference: " BROKEN "}")), "containers: []",
	  "a=0 b=0 c=0 d=0" },
	{ ADDED(REQUIRE(IN("zone", "x"))), "containers: []", NULL },
};

START_TEST(score)
{
	run_configure(&run, "NodeAffinity", scores[_i].args);
	run_score(&run, add_pod(&world, "p", scores[_i].spec));
	if (scores[_i].scores)
		ck_assert_str_eq(run_scores(&run), scores[_i].scores);
	else
		ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
}
END_TEST

START_TEST(a_preference_that_cannot_be_read_is_an_error)
{
	run_configure(&run, "NodeAffinity", NULL);
	const struct cs_pod *pod = add_pod(
		&world, "p", AFFINITY(PREFER(WEIGH("1", IN("zone", "x")) ", " WEIGH("2", BROKEN))));
	run_score(&run, pod);
	ck_assert_int_eq(run.prepared, CS_PREPARE_ERROR);
	ck_assert_str_eq(run.cycle.message, "[1]" BROKEN_WORDS);
	run_filter(&run, pod);
	ck_assert_int_eq(run.prepared, CS_PREPARE_SKIP);
}
END_TEST

// ---- arguments ----

#define R "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution"
#define P "addedAffinity.preferredDuringSchedulingIgnoredDuringExecution"

static const struct {
	const char *args;
	const char *errors;
} wrong[] = {
	{ ADDED(REQUIRE(IN("zone", "x") ", " BROKEN)), R ".nodeSelectorTerms[1]" BROKEN_WORDS },
	{ ADDED(PREFER(WEIGH("1", BROKEN))), P "[0]" BROKEN_WORDS },
	{ ADDED(REQUIRE(BROKEN) ", " PREFER(WEIGH("1", IN("z", "x")) ", " WEIGH("1", BROKEN))),
	  R ".nodeSelectorTerms[0]" BROKEN_WORDS "\n" P "[1]" BROKEN_WORDS },
};

START_TEST(wrong_arguments)
{
	ck_assert_str_eq(run_errors(&run, "NodeAffinity", wrong[_i].args), wrong[_i].errors);
}
END_TEST

static const char *const strict[] = {
	"addedaffinity: {}",
	"addedAffinity: []",
	"addedAffinity: {required: {}}",
	ADDED("requiredDuringSchedulingIgnoredDuringExecution: {terms: []}"),
	ADDED(REQUIRE("{matchLabels: {a: b}}")),
	ADDED(REQUIRE("{matchExpressions: [{key: a, op: In}]}")),
	ADDED(PREFER("{weight: 1, preference: {}, more: 1}")),
	ADDED(PREFER("{weight: one, preference: {}}")),
};

START_TEST(unknown_fields_are_errors)
{
	ck_assert_str_ne(run_errors(&run, "NodeAffinity", strict[_i]), "");
}
END_TEST

// What is in force can be read again and means the same.
START_TEST(written_arguments)
{
	run_configure(&run, "NodeAffinity",
		      ADDED(REQUIRE(IN("zone", "x")) ", " PREFER(WEIGH("7", NAMES("a")))));
	struct cs_buffer out;
	cs_buffer_init(&out, 4096);
	struct cs_json_writer json;
	cs_json_init(&json, &out);
	cs_json_object_begin(&json);
	run.instance.plugin->write_args(run.instance.args, &json);
	cs_json_object_end(&json);
	ck_assert_str_eq(
		out.data,
		"{\"addedAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{"
		"\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"zone\",\"operator\":"
		"\"In\",\"values\":[\"x\"]}]}]},"
		"\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":7,"
		"\"preference\":{\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\","
		"\"values\":[\"a\"]}]}}]}}");
	run_configure(&run, "NodeAffinity", out.data);
	run_filter(&run, add_pod(&world, "p", "containers: []"));
	ck_assert_str_eq(run_fitting(&run), "a b");
	run_score(&run, world.change.pod);
	ck_assert_str_eq(run_scores(&run), "a=100 b=0 c=0 d=0");
	cs_buffer_clear(&out);
	cs_json_init(&json, &out);
	run_configure(&run, "NodeAffinity", NULL);
	cs_json_object_begin(&json);
	run.instance.plugin->write_args(run.instance.args, &json);
	cs_json_object_end(&json);
	ck_assert_str_eq(out.data, "{}");
	cs_buffer_finish(&out);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/node_affinity");
	TCase *tcase = tcase_create("node_affinity");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, filter, 0, CS_ARRAY_LENGTH(filters));
	tcase_add_test(tcase, words);
	tcase_add_test(tcase, answers_follow_the_nodes);
	tcase_add_loop_test(tcase, narrowing, 0, CS_ARRAY_LENGTH(pins));
	tcase_add_test(tcase, names_that_contradict);
	tcase_add_test(tcase, a_pinned_pod_beside_added_affinity);
	tcase_add_loop_test(tcase, score, 0, CS_ARRAY_LENGTH(scores));
	tcase_add_test(tcase, a_preference_that_cannot_be_read_is_an_error);
	tcase_add_loop_test(tcase, wrong_arguments, 0, CS_ARRAY_LENGTH(wrong));
	tcase_add_loop_test(tcase, unknown_fields_are_errors, 0, CS_ARRAY_LENGTH(strict));
	tcase_add_test(tcase, written_arguments);
	suite_add_tcase(suite, tcase);
	return suite;
}
