// InterPodAffinity against upstream's rules: verdicts, reasons and scores, worked by hand.
// Neighbours: lib/plugins/inter_pod_affinity.c.
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "../cluster/world.h"
#include "pass.h"
#include "plugins/plugins.h"

#define N_MAX 16

static struct world world;
static struct cs_arena *scratch;
static struct cs_plugin_instance instance;
static struct cs_cycle cycle;
static enum cs_prepare prepared;
static uint8_t verdict[N_MAX];
static int64_t out[N_MAX];
static const struct cs_plugin *const plugin = &cs_plugin_inter_pod_affinity;

// a1 a2 in zone a, b1 b2 in zone b, x without a zone; each has host: its name.
static const char *const names[] = { "a1", "a2", "b1", "b2", "x" };
enum { A1, A2, B1, B2, X, N_NODES };

static void setup(void)
{
	world_begin(&world);
	scratch = cs_arena_create();
	instance = (struct cs_plugin_instance){ .plugin = plugin, .weight = 1 };
	for (int i = 0; i < N_NODES; i++) {
		const Kube__Node *node = read_node(
			&world, "{metadata: {name: %s, labels: {host: %s%s%.1s}}}", names[i],
			names[i], i == X ? "" : ", zone: ", i == X ? "" : names[i]);
		ck_assert_int_eq(apply_node(&world, node), 0);
		ck_assert_uint_eq(cs_cluster_find_node(world.cluster, names[i]), (uint32_t)i);
	}
}

static void teardown(void)
{
	free(instance.args);
	cs_arena_destroy(scratch);
	world_end(&world);
}

static struct cs_pod *put(const char *name, const char *namespace, const char *labels,
			  const char *spec)
{
	const Kube__Pod *pod = read_pod(
		&world, "{metadata: {name: %s, uid: %s, namespace: %s, labels: {%s}}, spec: {%s}}",
		name, name, namespace, labels, spec);
	ck_assert_msg(apply_pod(&world, pod) == 0, "%s", world.err.text);
	return world.change.pod;
}

static struct cs_pod *stand(const char *labels, const char *node, const char *affinity)
{
	static unsigned serial;
	char name[32], spec[2048];
	snprintf(name, sizeof(name), "pod-%u", serial++);
	snprintf(spec, sizeof(spec), "nodeName: %s, affinity: {%s}", node, affinity);
	return put(name, "default", labels, spec);
}

static struct cs_pod *incoming(const char *labels, const char *affinity)
{
	char spec[2048];
	snprintf(spec, sizeof(spec), "affinity: {%s}", affinity);
	return put("incoming", "default", labels, spec);
}

static void configure(const char *args)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	if (args)
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(args), &tree, NULL), 0);
	free(instance.args);
	instance.args = NULL;
	ck_assert_int_eq(plugin->configure(tree, &instance.args, &errors), 0);
}

static void begin(const struct cs_pod *pod)
{
	if (!instance.args)
		configure(NULL);
	cycle = (struct cs_cycle){
		.cluster = world.cluster,
		.nodes = world.nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = scratch,
	};
}

static void append_reason(void *user, const char *reason)
{
	char *text = user;
	size_t used = strlen(text);
	snprintf(text + used, 256 - used, "%s%s", used ? "; " : "", reason);
}

// The verdicts of the nodes as a word: "." fits, "a" affinity, "n" own anti-affinity, "e" that of
// existing pods; "skip".
static const char *filter_now(void)
{
	static char word[N_NODES + 1];
	prepared = plugin->prepare_filter(&cycle, &instance);
	if (prepared == CS_PREPARE_SKIP)
		return "skip";
	ck_assert_int_eq(prepared, CS_PREPARE_GO);
	memset(verdict, 0xee, sizeof(verdict));
	plugin->filter(&cycle, &instance, (struct cs_rows){ 0, 2 }, verdict);
	plugin->filter(&cycle, &instance, (struct cs_rows){ 2, world.nodes->n_rows }, verdict);
	memset(word, 0, sizeof(word));
	for (uint32_t i = 0; i < N_NODES; i++) {
		char text[256] = "";
		word[i] = '.';
		if (verdict[i] == CS_VERDICT_FITS)
			continue;
		plugin->reasons(&cycle, &instance, i, append_reason, text);
		bool affinity = strcmp(text, "node(s) didn't match pod affinity rules") == 0;
		bool own = strcmp(text, "node(s) didn't match pod anti-affinity rules") == 0;
		bool existing =
			strcmp(text, "node(s) didn't satisfy existing pods anti-affinity rules") ==
			0;
		ck_assert_msg(affinity + own + existing == 1, "%s", text);
		ck_assert_uint_eq(verdict[i],
				  affinity ? CS_VERDICT_UNRESOLVABLE : CS_VERDICT_UNSCHEDULABLE);
		word[i] = affinity ? 'a' : own ? 'n' : 'e';
	}
	return word;
}

static const char *filter(const struct cs_pod *pod)
{
	begin(pod);
	return filter_now();
}

#define TERM(key, labels) "{topologyKey: " key ", labelSelector: {matchLabels: {" labels "}}}"
#define REQUIRED          "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED         "preferredDuringSchedulingIgnoredDuringExecution"
#define NEAR(terms)       "podAffinity: {" REQUIRED ": [" terms "]}"
#define FAR(terms)        "podAntiAffinity: {" REQUIRED ": [" terms "]}"
#define WEIGHTED(w, term) "{weight: " #w ", podAffinityTerm: " term "}"
#define LIKES(terms)      "podAffinity: {" PREFERRED ": [" terms "]}"
#define DISLIKES(terms)   "podAntiAffinity: {" PREFERRED ": [" terms "]}"

// ---- filter ----

START_TEST(nothing_asked_and_nobody_repels)
{
	stand("app: db", "a1", "");
	ck_assert_str_eq(filter(incoming("app: web", "")), "skip");
	stand("app: db", "a1", FAR(TERM("zone", "app: other")));
	ck_assert_str_eq(filter(incoming("app: web", "")), "skip");
	stand("app: db", "x", FAR(TERM("zone", "app: web"))); // a node without the key
	ck_assert_str_eq(filter(incoming("app: web", "")), "skip");
}
END_TEST

START_TEST(required_affinity)
{
	stand("app: db", "a1", "");
	ck_assert_str_eq(filter(incoming("app: web", NEAR(TERM("zone", "app: db")))), "..aaa");
	ck_assert_str_eq(filter(incoming("app: web", NEAR(TERM("host", "app: db")))), ".aaaa");
	ck_assert_str_eq(filter(incoming("app: web", NEAR(TERM("rack", "app: db")))), "aaaaa");
	ck_assert_str_eq(filter(incoming("app: web", NEAR("{topologyKey: zone}"))), "aaaaa");
}
END_TEST

START_TEST(one_pod_must_match_all_terms)
{
	stand("app: db", "a1", "");
	stand("tier: back", "a1", "");
	const char *both = NEAR(TERM("zone", "app: db") ", " TERM("zone", "tier: back"));
	ck_assert_str_eq(filter(incoming("", both)), "aaaaa");
	stand("app: db, tier: back", "b1", "");
	ck_assert_str_eq(filter(incoming("", both)), "aa..a");
	const char *keys = NEAR(TERM("zone", "app: db") ", " TERM("host", "tier: back"));
	ck_assert_str_eq(filter(incoming("", keys)), "aa.aa");
}
END_TEST

START_TEST(the_first_of_a_series)
{
	const char *self = NEAR(TERM("zone", "app: web"));
	ck_assert_str_eq(filter(incoming("app: web", self)), "....a");
	// It must match its own terms, all of them.
	ck_assert_str_eq(filter(incoming("app: api", self)), "aaaaa");
	ck_assert_str_eq(filter(incoming("app: web", NEAR(TERM("zone", "app: web") ", " TERM(
							     "host", "app: db")))),
			 "aaaaa");
	// A pod that matches, but in no domain, does not count.
	stand("app: web", "x", "");
	ck_assert_str_eq(filter(incoming("app: web", self)), "....a");
	// One in another namespace does not either; one in a domain ends it.
	put("elsewhere", "other", "app: web", "nodeName: b1");
	ck_assert_str_eq(filter(incoming("app: web", self)), "....a");
	stand("app: web", "b2", "");
	ck_assert_str_eq(filter(incoming("app: web", self)), "aa..a");
}
END_TEST

START_TEST(the_first_of_a_series_with_two_keys)
{
	const char *self = NEAR(TERM("zone", "app: web") ", " TERM("host", "app: web"));
	ck_assert_str_eq(filter(incoming("app: web", self)), "....a");
	// x has a host, so that one of the pairs is there: no longer the first.
	stand("app: web", "x", "");
	ck_assert_str_eq(filter(incoming("app: web", self)), "aaaaa");
}
END_TEST

START_TEST(own_anti_affinity)
{
	stand("app: db", "a1", "");
	ck_assert_str_eq(filter(incoming("", FAR(TERM("zone", "app: db")))), "nn...");
	ck_assert_str_eq(filter(incoming("", FAR(TERM("host", "app: db")))), "n....");
	// Terms are alternatives.
	stand("app: web", "b2", "");
	ck_assert_str_eq(
		filter(incoming("", FAR(TERM("host", "app: db") ", " TERM("host", "app: web")))),
		"n..n.");
	ck_assert_str_eq(filter(incoming("", FAR("{topologyKey: zone}"))), ".....");
}
END_TEST

START_TEST(anti_affinity_of_existing_pods)
{
	stand("app: db", "a1", FAR(TERM("zone", "app: web")));
	ck_assert_str_eq(filter(incoming("app: web", "")), "ee...");
	stand("app: db", "x", FAR(TERM("host", "app: web")));
	ck_assert_str_eq(filter(incoming("app: web", "")), "ee..e");
	ck_assert_str_eq(filter(incoming("app: api", "")), "skip");
}
END_TEST

START_TEST(affinity_is_said_before_anti_affinity)
{
	stand("app: db", "a1", FAR(TERM("host", "app: web")));
	ck_assert_str_eq(filter(incoming("app: web", NEAR(TERM("host", "app: db")))), "eaaaa");
	ck_assert_str_eq(filter(incoming("app: web", FAR(TERM("zone", "app: db")))), "nn...");
	ck_assert_str_eq(filter(incoming("app: web", NEAR(TERM("zone", "app: db")) ", " FAR(
							     TERM("host", "app: db")))),
			 "n.aaa");
}
END_TEST

START_TEST(terminating_pods_count)
{
	const Kube__Pod *pod = read_pod(
		&world, "{metadata: {name: t, uid: t, namespace: default, labels: {app: db}, "
			"deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {nodeName: b1}}");
	ck_assert_int_eq(apply_pod(&world, pod), 0);
	ck_assert_str_eq(filter(incoming("", NEAR(TERM("zone", "app: db")))), "aa..a");
	ck_assert_str_eq(filter(incoming("", FAR(TERM("zone", "app: db")))), "..nn.");
}
END_TEST

START_TEST(pods_on_unknown_nodes_do_not)
{
	stand("app: db", "gone", FAR(TERM("host", "app: web")));
	ck_assert_str_eq(filter(incoming("app: web", "")), "skip");
	ck_assert_str_eq(filter(incoming("", FAR(TERM("zone", "app: db")))), ".....");
	ck_assert_str_eq(filter(incoming("", NEAR(TERM("zone", "app: db")))), "aaaaa");
}
END_TEST

START_TEST(namespaces)
{
	put("p", "other", "app: db", "nodeName: b1");
	const char *db = "labelSelector: {matchLabels: {app: db}}";
	char term[512];
	static const struct {
		const char *where;
		const char *want;
	} cases[] = {
		{ "", "....." },
		{ "namespaces: [other], ", "..nn." },
		{ "namespaces: [default, third], ", "....." },
		{ "namespaceSelector: {}, ", "..nn." },
		{ "namespaceSelector: {matchLabels: {team: red}}, ", "..nn." },
		{ "namespaceSelector: {matchLabels: {team: blue}}, ", "....." },
		{ "namespaces: [other], namespaceSelector: {matchLabels: {team: blue}}, ",
		  "..nn." },
		// accepts no labels at all, and so any namespace, as upstream
		{ "namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: "
		  "[red]}]}, ",
		  "..nn." },
	};
	ck_assert_int_eq(apply_object(&world, &cs_kind_namespace,
				      "{metadata: {name: other, labels: {team: red}}}"),
			 0);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		snprintf(term, sizeof(term), FAR("{topologyKey: zone, %s%s}"), cases[i].where, db);
		const char *word = filter(incoming("", term));
		ck_assert_msg(strcmp(word, cases[i].want) == 0, "%s: %s", cases[i].where, word);
	}
}
END_TEST

// Terms of pods that are there meet the labels of the incoming pod's namespace.
START_TEST(namespaces_of_existing_terms)
{
	ck_assert_int_eq(apply_object(&world, &cs_kind_namespace,
				      "{metadata: {name: default, labels: {team: red}}}"),
			 0);
	stand("", "a1",
	      FAR("{topologyKey: host, labelSelector: {}, namespaceSelector: {matchExpressions: "
		  "[{key: team, operator: NotIn, values: [red]}]}}"));
	stand("", "b1",
	      FAR("{topologyKey: host, labelSelector: {}, namespaceSelector: {matchLabels: {team: "
		  "red}}}"));
	ck_assert_str_eq(filter(incoming("", "")), "..e..");
	cs_cluster_remove_object(world.cluster, &cs_kind_namespace, NULL, "default");
	ck_assert_str_eq(filter(incoming("", "")), "e....");
}
END_TEST

START_TEST(supposed_pods)
{
	struct cs_pod *repelling = put("nominated", "default", "app: db",
				       "affinity: {" FAR(TERM("host", "app: web")) "}");
	struct cs_pod *const all[] = { repelling };
	struct cs_pod *pod = incoming("app: web", NEAR(TERM("zone", "app: db")));
	ck_assert_str_eq(filter(pod), "aaaaa");
	cs_cluster_suppose(world.cluster, repelling, A1);
	begin(pod);
	cycle.n_supposed = 1;
	cycle.supposed = all;
	cycle.supposed_row = A1;
	ck_assert_str_eq(filter_now(), "e.aaa");
	cs_cluster_unsuppose(world.cluster, repelling);
	// A pod without terms, whom nobody that is there repels: upstream has skipped the plugin
	// before it adds nominated pods.
	pod = incoming("app: web", "");
	cs_cluster_suppose(world.cluster, repelling, A1);
	begin(pod);
	cycle.n_supposed = 1;
	cycle.supposed = all;
	cycle.supposed_row = A1;
	ck_assert_str_eq(filter_now(), "skip");
	cs_cluster_unsuppose(world.cluster, repelling);
	// The same term carried elsewhere: now it counts.
	stand("app: db", "b2", FAR(TERM("host", "app: web")));
	cs_cluster_suppose(world.cluster, repelling, A1);
	begin(pod);
	cycle.n_supposed = 1;
	cycle.supposed = all;
	cycle.supposed_row = A1;
	ck_assert_str_eq(filter_now(), "e..e.");
	cs_cluster_unsuppose(world.cluster, repelling);
}
END_TEST

// ---- score ----

// The normalised scores of a1 a2 b1 b2 x as "0 0 100 100 50", raw ones with `raw`; "skip".
static const char *score(const struct cs_pod *pod, bool raw)
{
	static const uint32_t all[] = { A1, A2, B1, B2, X };
	static char word[256];
	begin(pod);
	pass_rows(&cycle, all, N_NODES);
	prepared = plugin->prepare_score(&cycle, &instance);
	if (prepared == CS_PREPARE_SKIP)
		return "skip";
	ck_assert_int_eq(prepared, CS_PREPARE_GO);
	plugin->raw_score(&cycle, &instance, (struct cs_rows){ 0, 3 }, out);
	plugin->raw_score(&cycle, &instance, (struct cs_rows){ 3, world.nodes->n_rows }, out);
	if (!raw)
		plugin->normalise(&cycle, &instance, all, N_NODES, out);
	word[0] = '\0';
	for (int i = 0; i < N_NODES; i++) {
		size_t used = strlen(word);
		snprintf(word + used, sizeof(word) - used, "%s%lld", i ? " " : "",
			 (long long)out[i]);
	}
	return word;
}

START_TEST(no_pair_no_score)
{
	stand("app: db", "a1", "");
	ck_assert_str_eq(score(incoming("", ""), false), "skip");
	ck_assert_str_eq(score(incoming("", LIKES(WEIGHTED(5, TERM("zone", "app: none")))), false),
			 "skip");
	ck_assert_str_eq(score(incoming("", LIKES(WEIGHTED(5, TERM("rack", "app: db")))), false),
			 "skip");
	ck_assert_str_eq(score(incoming("", LIKES(WEIGHTED(5, "{topologyKey: zone}"))), false),
			 "skip");
}
END_TEST

START_TEST(own_preferences)
{
	stand("app: db", "a1", "");
	stand("app: db", "a2", "");
	stand("app: db", "b1", "");
	const char *likes = LIKES(WEIGHTED(5, TERM("zone", "app: db")));
	ck_assert_str_eq(score(incoming("", likes), true), "10 10 5 5 0");
	ck_assert_str_eq(score(incoming("", likes), false), "100 100 50 50 0");
	const char *dislikes = DISLIKES(WEIGHTED(3, TERM("host", "app: db")));
	ck_assert_str_eq(score(incoming("", dislikes), true), "-3 -3 -3 0 0");
	ck_assert_str_eq(score(incoming("", dislikes), false), "0 0 0 100 100");
	const char *both = LIKES(WEIGHTED(5, TERM("zone", "app: db"))) ", " DISLIKES(
		WEIGHTED(3, TERM("host", "app: db")));
	ck_assert_str_eq(score(incoming("", both), true), "7 7 2 5 0");
	// 100 * 7/7, 100 * 2/7 = 28.57, 100 * 5/7 = 71.43: cut
	ck_assert_str_eq(score(incoming("", both), false), "100 100 28 71 0");
}
END_TEST

START_TEST(preferences_of_existing_pods)
{
	stand("", "a1", LIKES(WEIGHTED(7, TERM("zone", "app: web"))));
	stand("", "b1", DISLIKES(WEIGHTED(4, TERM("host", "app: web"))));
	ck_assert_str_eq(score(incoming("app: web", ""), true), "7 7 -4 0 0");
	ck_assert_str_eq(score(incoming("app: web", ""), false), "100 100 0 36 36");
	ck_assert_str_eq(score(incoming("app: api", ""), false), "skip");
}
END_TEST

START_TEST(required_affinity_of_existing_pods)
{
	stand("", "a1", NEAR(TERM("zone", "app: web")));
	stand("", "a2", NEAR(TERM("zone", "app: web")));
	stand("", "b1", NEAR(TERM("zone", "app: web")));
	stand("", "b2", FAR(TERM("zone", "app: web"))); // says nothing in scores
	ck_assert_str_eq(score(incoming("app: web", ""), true), "2 2 1 1 0");
	configure("{\"hardPodAffinityWeight\":20}");
	ck_assert_str_eq(score(incoming("app: web", ""), true), "40 40 20 20 0");
	configure("{\"hardPodAffinityWeight\":0}");
	ck_assert_str_eq(score(incoming("app: web", ""), true), "skip");
}
END_TEST

START_TEST(existing_preferences_can_be_ignored)
{
	stand("app: db", "a1", LIKES(WEIGHTED(7, TERM("zone", "app: web"))));
	configure("{\"ignorePreferredTermsOfExistingPods\":true}");
	ck_assert_str_eq(score(incoming("app: web", ""), true), "skip");
	ck_assert_str_eq(score(incoming("app: web", NEAR(TERM("zone", "app: db"))), true), "skip");
	// A pod with preferences of its own meets theirs all the same.
	ck_assert_str_eq(
		score(incoming("app: web", LIKES(WEIGHTED(1, TERM("host", "app: db")))), true),
		"8 7 0 0 0");
}
END_TEST

START_TEST(a_pair_that_sums_to_zero_is_a_pair)
{
	stand("app: db", "a1", "");
	const char *both = LIKES(WEIGHTED(5, TERM("zone", "app: db"))) ", " DISLIKES(
		WEIGHTED(5, TERM("zone", "app: db")));
	ck_assert_str_eq(score(incoming("", both), false), "0 0 0 0 0");
}
END_TEST

START_TEST(equal_scores_are_zero)
{
	for (int i = 0; i < N_NODES; i++)
		stand("app: db", names[i], "");
	ck_assert_str_eq(score(incoming("", LIKES(WEIGHTED(9, TERM("host", "app: db")))), true),
			 "9 9 9 9 9");
	ck_assert_str_eq(score(incoming("", LIKES(WEIGHTED(9, TERM("host", "app: db")))), false),
			 "0 0 0 0 0");
}
END_TEST

// ---- arguments ----

START_TEST(arguments_are_checked_as_upstream)
{
	static const struct {
		const char *json;
		const char *error;
	} cases[] = {
		{ "{\"hardPodAffinityWeight\":-1}",
		  "hardPodAffinityWeight: Invalid value: -1: not in valid range [0, 100]" },
		{ "{\"hardPodAffinityWeight\":101}",
		  "hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]" },
		{ "{\"ignorePreferredTermsOfExistingPods\":1}",
		  "ignorePreferredTermsOfExistingPods: expected a boolean, got an integer" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cases); i++) {
		CS_AUTO_VALUE struct json_object *tree = NULL;
		CS_AUTO_ERRORS struct cs_errors errors = { 0 };
		void *args = NULL;
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(cases[i].json), &tree, NULL), 0);
		ck_assert_int_lt(plugin->configure(tree, &args, &errors), 0);
		ck_assert_uint_eq(errors.count, 1);
		ck_assert_str_eq(errors.list[0], cases[i].error);
	}
	configure("{\"hardPodAffinityWeight\":100}");
	configure("{\"hardPodAffinityWeight\":null}");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/inter_pod_affinity");
	TCase *tcase = tcase_create("inter_pod_affinity");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_asked_and_nobody_repels);
	tcase_add_test(tcase, required_affinity);
	tcase_add_test(tcase, one_pod_must_match_all_terms);
	tcase_add_test(tcase, the_first_of_a_series);
	tcase_add_test(tcase, the_first_of_a_series_with_two_keys);
	tcase_add_test(tcase, own_anti_affinity);
	tcase_add_test(tcase, anti_affinity_of_existing_pods);
	tcase_add_test(tcase, affinity_is_said_before_anti_affinity);
	tcase_add_test(tcase, terminating_pods_count);
	tcase_add_test(tcase, pods_on_unknown_nodes_do_not);
	tcase_add_test(tcase, namespaces);
	tcase_add_test(tcase, namespaces_of_existing_terms);
	tcase_add_test(tcase, supposed_pods);
	tcase_add_test(tcase, no_pair_no_score);
	tcase_add_test(tcase, own_preferences);
	tcase_add_test(tcase, preferences_of_existing_pods);
	tcase_add_test(tcase, required_affinity_of_existing_pods);
	tcase_add_test(tcase, existing_preferences_can_be_ignored);
	tcase_add_test(tcase, a_pair_that_sums_to_zero_is_a_pair);
	tcase_add_test(tcase, equal_scores_are_zero);
	tcase_add_test(tcase, arguments_are_checked_as_upstream);
	suite_add_tcase(suite, tcase);
	return suite;
}
