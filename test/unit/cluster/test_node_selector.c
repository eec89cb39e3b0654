// Registered node selectors: every operator, terms that cannot be read, and how the answers follow
// the nodes. Neighbours: lib/cluster/node_selector.c.
#include <csched/cluster/node_selector.h>
#include <string.h>

#include "world.h"

static struct world world;

// "a b" of the nodes that match.
static const char *matching(const struct cs_node_selector *selector)
{
	const struct cs_bitmap *rows = cs_node_selector_rows(selector);
	char *names = cs_arena_strdup(world.arena, "");
	for (uint32_t row = 0; row < world.nodes->n_rows; row++)
		if (cs_bitmap_test(rows, row))
			names = cs_arena_printf(world.arena, "%s%s%s", names, *names ? " " : "",
						cs_cluster_node_name(world.cluster, row));
	return names;
}

// The selector of these terms, as YAML.
static struct cs_node_selector *selector_of(const char *terms)
{
	const Kube__Pod *pod = read_pod(
		&world,
		"spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		"{nodeSelectorTerms: %s}}}}",
		terms);
	return cs_node_selector_ref(world.cluster,
				    pod->spec->affinity->node_affinity
					    ->required_during_scheduling_ignored_during_execution);
}

static void label(const char *name, const char *labels)
{
	int rc = apply_node(&world,
			    read_node(&world, "metadata: {name: %s, labels: %s}", name, labels));
	ck_assert_msg(rc == 0, "%s", world.err.text);
	world_check(&world);
}

static void setup(void)
{
	world_begin(&world);
	label("a", "{zone: x, cpus: '4'}");
	label("b", "{zone: w, cpus: '16', ssd: ''}");
	label("c", "{zone: x, cpus: many, example.com/gpu: 'yes'}");
	label("d", "{}");
}

static void teardown(void)
{
	world_end(&world);
}

#define EXPRESSIONS(list) "[{matchExpressions: [" list "]}]"
#define FIELDS(list)      "[{matchFields: [" list "]}]"

static const struct {
	const char *terms;
	const char *nodes;
} table[] = {
	{ EXPRESSIONS("{key: zone, operator: In, values: [x]}"), "a c" },
	{ EXPRESSIONS("{key: zone, operator: In, values: [z, w, x, w]}"), "a b c" },
	{ EXPRESSIONS("{key: ssd, operator: In, values: ['']}"), "b" },
	{ EXPRESSIONS("{key: zone, operator: NotIn, values: [x]}"), "b d" },
	{ EXPRESSIONS("{key: none, operator: NotIn, values: [x]}"), "a b c d" },
	{ EXPRESSIONS("{key: ssd, operator: Exists}"), "b" },
	{ EXPRESSIONS("{key: ssd, operator: DoesNotExist}"), "a c d" },
	{ EXPRESSIONS("{key: cpus, operator: Gt, values: ['4']}"), "b" },
	{ EXPRESSIONS("{key: cpus, operator: Gt, values: ['3']}"), "a b" },
	{ EXPRESSIONS("{key: cpus, operator: Lt, values: ['5']}"), "a" },
	{ EXPRESSIONS("{key: cpus, operator: Lt, values: ['4294967312']}"), "a b" },
	{ EXPRESSIONS("{key: cpus, operator: Gt, values: ['4294967296']}"), "" },
	// all requirements of a term
	{ EXPRESSIONS("{key: zone, operator: In, values: [x]}, {key: example.com/gpu, operator: "
		      "Exists}"),
	  "c" },
	{ EXPRESSIONS(
		  "{key: zone, operator: In, values: [x]}, {key: zone, operator: NotIn, values: "
		  "[x]}"),
	  "" },
	// one of the terms
	{ "[{matchExpressions: [{key: ssd, operator: Exists}]}, {matchExpressions: [{key: zone, "
	  "operator: DoesNotExist}]}]",
	  "b d" },
	// fields
	{ FIELDS("{key: metadata.name, operator: In, values: [c]}"), "c" },
	{ FIELDS("{key: metadata.name, operator: NotIn, values: [c]}"), "a b d" },
	{ FIELDS("{key: metadata.name, operator: In, values: [nobody]}"), "" },
	{ FIELDS("{key: metadata.name, operator: In, values: ['']}"), "" },
	{ FIELDS("{key: metadata.name, operator: NotIn, values: [c]}, {key: metadata.name, "
		 "operator: "
		 "NotIn, values: [d]}"),
	  "a b" },
	{ "[{matchFields: [{key: metadata.name, operator: In, values: [c]}], matchExpressions: "
	  "[{key: zone, operator: In, values: [w]}]}]",
	  "" },
	// a node has no other field: it counts as ""
	{ FIELDS("{key: spec.unschedulable, operator: In, values: ['']}"), "a b c d" },
	{ FIELDS("{key: spec.unschedulable, operator: In, values: [x]}"), "" },
	{ FIELDS("{key: spec.unschedulable, operator: NotIn, values: ['']}"), "" },
	{ FIELDS("{key: spec.unschedulable, operator: NotIn, values: [x]}"), "a b c d" },
	// what cannot be read matches nothing, and hides no other term
	{ FIELDS("{key: metadata.name, operator: In, values: [a, c]}"), "" },
	{ FIELDS("{key: metadata.name, operator: Exists}"), "" },
	{ EXPRESSIONS("{key: cpus, operator: Gt, values: [abc]}"), "" },
	{ EXPRESSIONS("{key: zone, operator: In}"), "" },
	{ EXPRESSIONS("{key: zone, operator: Is, values: [x]}"), "" },
	{ EXPRESSIONS("{key: not a key, operator: DoesNotExist}"), "" },
	{ EXPRESSIONS("{key: zone, operator: NotIn, values: ['not a value']}"), "" },
	{ "[{matchExpressions: [{key: cpus, operator: Gt, values: [abc]}]}, {matchExpressions: "
	  "[{key: ssd, operator: Exists}]}]",
	  "b" },
	// empty
	{ "[]", "" },
	{ "[{}]", "" },
	{ "[{}, {matchExpressions: [{key: ssd, operator: Exists}]}]", "b" },
};

START_TEST(terms)
{
	struct cs_node_selector *selector = selector_of(table[_i].terms);
	ck_assert_str_eq(matching(selector), table[_i].nodes);
	world_check(&world);
	cs_node_selector_unref(world.cluster, selector);
}
END_TEST

// Every row of the table at once, so that answers are corrected and not made: the same nodes come
// back changed, one label at a time, and go.
START_TEST(answers_follow_the_nodes)
{
	enum { N = sizeof(table) / sizeof(table[0]) };
	struct cs_node_selector *selectors[N];
	for (size_t i = 0; i < N; i++)
		selectors[i] = selector_of(table[i].terms);
	label("a", "{zone: x}");
	label("a", "{zone: x, cpus: '4', ssd: ''}");
	label("a", "{cpus: '4', ssd: '', zz: x}");
	label("b", "{}");
	cs_cluster_remove_node(world.cluster, "c");
	cs_cluster_remove_node(world.cluster, "d");
	world_check(&world);
	ck_assert_str_eq(matching(selectors[0]), "");
	ck_assert_str_eq(matching(selectors[4]), "a b");
	ck_assert_str_eq(matching(selectors[5]), "a");
	label("e", "{zone: x}"); // on a row that was another's
	label("c", "{zone: w}");
	ck_assert_str_eq(matching(selectors[0]), "e");
	ck_assert_str_eq(matching(selectors[15]), "c");
	for (size_t i = 0; i < N; i++)
		cs_node_selector_unref(world.cluster, selectors[i]);
}
END_TEST

// The table grows while columns of labels stand; what registers later sees all rows.
START_TEST(many_nodes)
{
	struct cs_node_selector *early =
		selector_of(EXPRESSIONS("{key: zone, operator: In, values: [odd]}"));
	for (unsigned i = 0; i < 300; i++)
		label(cs_arena_printf(world.arena, "n%03u", i),
		      i % 2 ? "{zone: odd}" : "{num: '7'}");
	struct cs_node_selector *late = selector_of(
		EXPRESSIONS("{key: zone, operator: In, values: [odd]}, {key: num, operator: "
			    "DoesNotExist}"));
	struct cs_node_selector *numbers =
		selector_of(EXPRESSIONS("{key: num, operator: Gt, values: ['6']}"));
	ck_assert_str_eq(matching(early), matching(late));
	ck_assert(strstr(matching(early), "n299"));
	ck_assert(strstr(matching(numbers), "n298"));
	ck_assert(!strstr(matching(numbers), "n299"));
	world_check(&world);
	cs_node_selector_unref(world.cluster, early);
	cs_node_selector_unref(world.cluster, late);
	cs_node_selector_unref(world.cluster, numbers);
}
END_TEST

START_TEST(one_per_content)
{
	struct cs_node_selector *a =
		selector_of(EXPRESSIONS("{key: zone, operator: In, values: [x, w]}"));
	struct cs_node_selector *b = selector_of(
		"[{}, {matchExpressions: [{key: zone, operator: In, values: [w, x, "
		"x]}]}, {matchExpressions: [{key: zone, operator: Exists, values: [x]}]}]");
	ck_assert_ptr_eq(a, b);
	struct cs_node_selector *c =
		selector_of(EXPRESSIONS("{key: zone, operator: NotIn, values: [x, w]}"));
	ck_assert_ptr_ne(a, c);
	cs_node_selector_unref(world.cluster, a);
	label("d", "{zone: w}");
	ck_assert_str_eq(matching(b), "a b c d");
	ck_assert_str_eq(matching(c), "");
	cs_node_selector_unref(world.cluster, b);
	cs_node_selector_unref(world.cluster, c);
	cs_node_selector_unref(world.cluster, NULL);
}
END_TEST

// A node that pods name before it exists is no answer.
START_TEST(ghosts_do_not_match)
{
	struct cs_node_selector *selector =
		selector_of(EXPRESSIONS("{key: zone, operator: DoesNotExist}"));
	add_pod(&world, "p", "nodeName: ghost");
	ck_assert_str_eq(matching(selector), "d");
	world_check(&world);
	label("ghost", "{}");
	ck_assert_str_eq(matching(selector), "d ghost");
	cs_cluster_remove_node(world.cluster, "ghost");
	ck_assert_str_eq(matching(selector), "d");
	world_check(&world);
	cs_node_selector_unref(world.cluster, selector);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/node_selector");
	TCase *tcase = tcase_create("node_selector");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, terms, 0, sizeof(table) / sizeof(table[0]));
	tcase_add_test(tcase, answers_follow_the_nodes);
	tcase_add_test(tcase, many_nodes);
	tcase_add_test(tcase, one_per_content);
	tcase_add_test(tcase, ghosts_do_not_match);
	suite_add_tcase(suite, tcase);
	return suite;
}
