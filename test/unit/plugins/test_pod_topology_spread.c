// PodTopologySpread against upstream's rules, with the numbers worked out.
// Neighbours: lib/plugins/pod_topology_spread.c.
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/plugins/list.h>

#include "../cluster/world.h"
#include "pass.h"

#define N_MAX  16
#define HOST   "kubernetes.io/hostname"
#define ZONE   "topology.kubernetes.io/zone"
#define SELF   "labelSelector: {matchLabels: {app: web}}"
#define HARD   "whenUnsatisfiable: DoNotSchedule"
#define SOFT   "whenUnsatisfiable: ScheduleAnyway"
#define REASON "node(s) didn't match pod topology spread constraints"

static struct world world;
static struct cs_arena *scratch;

static struct run {
	struct cs_plugin_instance instance;
	struct cs_cycle cycle;
	enum cs_prepare prepared;
	uint8_t verdict[N_MAX];
	uint8_t out[N_MAX];
} run;

static const struct cs_plugin *plugin(void)
{
	const struct cs_plugin *const *at = cs_plugins;
	while (*at && strcmp((*at)->name, "PodTopologySpread") != 0)
		at++;
	ck_assert_ptr_nonnull(*at);
	return *at;
}

static void end_run(void)
{
	if (!run.instance.plugin)
		return;
	plugin()->detach(world.cluster, run.instance.attached);
	plugin()->free_args(run.instance.args);
	run = (struct run){ 0 };
}

static void setup(void)
{
	world_begin(&world);
	scratch = cs_arena_create();
	run = (struct run){ 0 };
}

static void teardown(void)
{
	end_run();
	cs_arena_destroy(scratch);
	world_end(&world);
}

// ---- the cluster ----

static uint32_t node(const char *name, const char *labels, const char *spec)
{
	int rc = apply_node(&world, read_node(&world,
					      "{metadata: {name: %s, labels: {%s}}, spec: {%s}, "
					      "status: {allocatable: {cpu: 4, pods: 110}}}",
					      name, labels, spec));
	ck_assert_msg(rc == 0, "%s", world.err.text);
	return cs_cluster_find_node(world.cluster, name);
}

// In two zones, a and b, nodes a1, a2, b1, b2 are rows 0 to 3.
static void four_nodes(void)
{
	static const char *const names[] = { "a1", "a2", "b1", "b2" };
	for (uint32_t i = 0; i < 4; i++) {
		char labels[128];
		snprintf(labels, sizeof(labels), HOST ": %s, " ZONE ": %c", names[i], *names[i]);
		ck_assert_uint_eq(node(names[i], labels, ""), i);
	}
}

static struct cs_pod *pod(const char *name, const char *metadata, const char *spec)
{
	int rc = apply_pod(&world, read_pod(&world,
					    "{metadata: {name: %s, namespace: default, uid: "
					    "uid-%s, %s}, spec: {%s}}",
					    name, name, metadata, spec));
	ck_assert_msg(rc == 0, "%s", world.err.text);
	return world.change.pod;
}

static struct cs_pod *web(const char *spec)
{
	return pod("web", "labels: {app: web}", spec);
}

// So many pods with the labels of `web` on a node.
static void bound(const char *node_name, uint32_t n)
{
	static uint32_t number;
	for (uint32_t i = 0; i < n; i++) {
		char name[64], spec[64];
		snprintf(name, sizeof(name), "bound-%u", number++);
		snprintf(spec, sizeof(spec), "nodeName: %s", node_name);
		pod(name, "labels: {app: web}", spec);
	}
}

// ---- running the plugin ----

static void begin(const struct cs_pod *asking, const char *args)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	if (args)
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(args), &tree, NULL), 0);
	end_run();
	cs_arena_reset(scratch);
	run.instance = (struct cs_plugin_instance){ .plugin = plugin(), .weight = 1 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	ck_assert_int_eq(plugin()->configure(tree, &run.instance.args, &errors), 0);
	run.instance.attached = plugin()->attach(world.cluster, run.instance.args);
	run.cycle = (struct cs_cycle){
		.cluster = world.cluster,
		.nodes = world.nodes,
		.pod = asking,
		.demand = asking->demand,
		.scratch = scratch,
	};
}

// One letter per row: fits (.), unschedulable (u), unresolvable (U); "skip".
static const char *letters(void)
{
	char *text = cs_arena_alloc(scratch, N_MAX + 1);
	if (run.prepared != CS_PREPARE_GO)
		return run.prepared == CS_PREPARE_SKIP ? "skip" : "refused";
	plugin()->filter(&run.cycle, &run.instance, (struct cs_rows){ 0, world.nodes->n_rows },
			 run.verdict);
	for (uint32_t row = 0; row < world.nodes->n_rows; row++)
		text[row] = ".uU"[run.verdict[row]];
	return text;
}

static const char *filtered_with(const struct cs_pod *asking, const char *args)
{
	begin(asking, args);
	run.prepared = plugin()->prepare_filter(&run.cycle, &run.instance);
	return letters();
}

static const char *filtered(const struct cs_pod *asking)
{
	return filtered_with(asking, NULL);
}

// With these pods nominated to a row.
static const char *filtered_supposing(const struct cs_pod *asking, struct cs_pod *const *supposed,
				      uint32_t n, uint32_t row)
{
	begin(asking, NULL);
	run.cycle.supposed = supposed;
	run.cycle.n_supposed = n;
	run.cycle.supposed_row = row;
	for (uint32_t i = 0; i < n; i++)
		cs_cluster_suppose(world.cluster, supposed[i], row);
	run.prepared = plugin()->prepare_filter(&run.cycle, &run.instance);
	const char *text = letters();
	for (uint32_t i = 0; i < n; i++)
		cs_cluster_unsuppose(world.cluster, supposed[i]);
	return text;
}

static void append_reason(void *user, const char *reason)
{
	char *text = user;
	size_t used = strlen(text);
	snprintf(text + used, 256 - used, "%s%s", used ? "; " : "", reason);
}

static const char *reasons_of(uint32_t row)
{
	char *text = cs_arena_alloc(scratch, 256);
	plugin()->reasons(&run.cycle, &run.instance, row, append_reason, text);
	return text;
}

// The scores of the rows of `feasible`, blank between them; "skip".
static const char *scored_of(const struct cs_pod *asking, const char *args,
			     const uint32_t *feasible, uint32_t n)
{
	begin(asking, args);
	pass_rows(&run.cycle, feasible, n);
	run.prepared = plugin()->prepare_score(&run.cycle, &run.instance);
	if (run.prepared != CS_PREPARE_GO)
		return run.prepared == CS_PREPARE_SKIP ? "skip" : "refused";
	plugin()->score(&run.cycle, &run.instance, (struct cs_rows){ 0, world.nodes->n_rows },
			run.out);
	ck_assert_ptr_null(plugin()->normalise);
	char *text = cs_arena_alloc(scratch, 128);
	for (uint32_t i = 0; i < n; i++) {
		size_t used = strlen(text);
		snprintf(text + used, 128 - used, "%s%d", i ? " " : "", run.out[feasible[i]]);
	}
	return text;
}

static const char *scored_with(const struct cs_pod *asking, const char *args)
{
	static uint32_t all[N_MAX];
	uint32_t n = 0;
	for (uint32_t row = 0; row < world.nodes->n_rows; row++)
		if (world.nodes->live[row])
			all[n++] = row;
	return scored_of(asking, args, all, n);
}

static const char *scored(const struct cs_pod *asking)
{
	return scored_with(asking, NULL);
}

#define SPREAD(constraints) "topologySpreadConstraints: [" constraints "]"
#define C(key, skew, rest)  "{topologyKey: " key ", maxSkew: " #skew ", " rest "}"
#define EXPECT(got, wanted) ck_assert_str_eq(got, wanted)

// ---- hard constraints ----

START_TEST(skew_of_zones)
{
	four_nodes();
	bound("a1", 2);
	bound("b1", 1);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "uu..");
	EXPECT(reasons_of(0), REASON);
	EXPECT(filtered(web(SPREAD(C(ZONE, 2, HARD ", " SELF)))), "....");
	bound("b2", 3); // 2 and 4
	EXPECT(filtered(web(SPREAD(C(ZONE, 2, HARD ", " SELF)))), "..uu");
	EXPECT(filtered(web(SPREAD(C(ZONE, 3, HARD ", " SELF)))), "....");
}
END_TEST

START_TEST(a_pod_that_does_not_match_adds_nothing)
{
	four_nodes();
	bound("a1", 1);
	struct cs_pod *api = pod("api", "labels: {app: api}", SPREAD(C(ZONE, 1, HARD ", " SELF)));
	EXPECT(filtered(api), "....");
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "uu..");
}
END_TEST

START_TEST(skew_of_hosts)
{
	four_nodes();
	bound("a1", 1);
	bound("a2", 1);
	bound("b1", 2);
	EXPECT(filtered(web(SPREAD(C(HOST, 1, HARD ", " SELF)))), "uuu.");
	EXPECT(filtered(web(SPREAD(C(HOST, 2, HARD ", " SELF)))), "..u.");
}
END_TEST

START_TEST(a_node_without_the_key)
{
	four_nodes();
	node("c1", HOST ": c1", "");
	bound("c1", 5);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "....U");
	EXPECT(reasons_of(4), REASON " (missing required label)");
}
END_TEST

START_TEST(an_empty_value_is_a_domain)
{
	four_nodes();
	node("c1", HOST ": c1, " ZONE ": ''", "");
	bound("c1", 1);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "....u");
}
END_TEST

// Pods count only where all hard keys are; the constraint that stands first gives the word.
START_TEST(all_hard_keys)
{
	four_nodes();
	node("c1", ZONE ": a", "");
	bound("c1", 7); // does not count: no hostname
	bound("b1", 1);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF) ", " C(HOST, 1, HARD ", " SELF)))),
	       "..uuU");
	EXPECT(reasons_of(4), REASON " (missing required label)");
	bound("a1", 3);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF) ", " C(HOST, 9, HARD ", " SELF)))),
	       "uu..u");
	EXPECT(reasons_of(4), REASON);
	// A soft constraint's key is not asked for.
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF) ", " C(HOST, 9, SOFT ", " SELF)))),
	       "uu..u");
	EXPECT(filtered(web(SPREAD(C(ZONE, 9, HARD ", " SELF) ", " C(HOST, 1, SOFT ", " SELF)))),
	       "uu..u");
}
END_TEST

START_TEST(each_its_own_selector)
{
	four_nodes();
	bound("a1", 1);
	pod("db-1", "labels: {app: db}", "nodeName: b1");
	pod("db-2", "labels: {app: db}", "nodeName: b2");
	EXPECT(filtered(web(SPREAD(C(HOST, 1, HARD ", " SELF) ", " C(
		       ZONE, 1, HARD ", labelSelector: {matchLabels: {app: db}}")))),
	       "u.uu");
}
END_TEST

START_TEST(two_nodes_with_one_hostname)
{
	four_nodes();
	node("c1", HOST ": a1, " ZONE ": a", "");
	bound("a1", 1);
	EXPECT(filtered(web(SPREAD(C(HOST, 1, HARD ", " SELF)))), "u...u");
	EXPECT(filtered(web(SPREAD(C(HOST, 1, HARD ", " SELF) ", " C(ZONE, 1, HARD ", " SELF)))),
	       "uu..u");
}
END_TEST

START_TEST(fewer_domains_than_wanted)
{
	four_nodes();
	bound("a1", 2);
	bound("b1", 2);
	EXPECT(filtered(web(SPREAD(C(ZONE, 2, HARD ", minDomains: 2, " SELF)))), "....");
	EXPECT(filtered(web(SPREAD(C(ZONE, 2, HARD ", minDomains: 3, " SELF)))), "uuuu");
	EXPECT(filtered(web(SPREAD(C(ZONE, 3, HARD ", minDomains: 3, " SELF)))), "....");
}
END_TEST

START_TEST(no_domain_at_all)
{
	four_nodes();
	EXPECT(filtered(web(SPREAD(C("rack", 1, HARD ", " SELF)))), "UUUU");
	// The key is there, but no node that the selector allows has it.
	EXPECT(filtered(web("nodeSelector: {no: such}, " SPREAD(C(ZONE, 1, HARD ", " SELF)))),
	       "....");
}
END_TEST

START_TEST(node_affinity_policy)
{
	four_nodes();
	node("c1", HOST ": c1, " ZONE ": c, pool: old", "");
	node("d1", HOST ": d1, " ZONE ": d, pool: new", "");
	bound("a1", 1);
	bound("b1", 1);
	bound("c1", 1);
	// Honor: only zones c (1) and d (0) are domains; the others count 0 pods.
	EXPECT(filtered(web("nodeSelector: {pool: old}, " SPREAD(C(ZONE, 1, HARD ", " SELF)))),
	       "......");
	EXPECT(filtered(web("nodeSelector: {pool: old}, " SPREAD(
		       C(ZONE, 1, HARD ", nodeAffinityPolicy: Ignore, " SELF)))),
	       "uuuuu.");
	bound("d1", 1);
	bound("c1", 1);
	// old: c has 2, the only domain; Ignore: least is 1.
	EXPECT(filtered(web("nodeSelector: {pool: old}, " SPREAD(
		       C(ZONE, 1, HARD ", nodeAffinityPolicy: Honor, " SELF)))),
	       "......");
	EXPECT(filtered(web("nodeSelector: {pool: old}, " SPREAD(
		       C(ZONE, 1, HARD ", nodeAffinityPolicy: Ignore, " SELF)))),
	       "....u.");
}
END_TEST

START_TEST(a_pin_is_node_affinity)
{
	four_nodes();
	bound("a1", 1);
	static const char pin[] =
		"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
		"{nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: "
		"[a1]}]}]}}}, ";
	char spec[512];
	snprintf(spec, sizeof(spec), "%s%s", pin, SPREAD(C(HOST, 1, HARD ", " SELF)));
	EXPECT(filtered(web(spec)), "....");
	snprintf(spec, sizeof(spec), "%s%s", pin,
		 SPREAD(C(HOST, 1, HARD ", nodeAffinityPolicy: Ignore, " SELF)));
	EXPECT(filtered(web(spec)), "u...");
}
END_TEST

START_TEST(node_taints_policy)
{
	four_nodes();
	node("c1", HOST ": c1, " ZONE ": c", "taints: [{key: t, effect: NoSchedule}]");
	node("d1", HOST ": d1, " ZONE ": d", "taints: [{key: t, effect: PreferNoSchedule}]");
	bound("a1", 1);
	bound("b1", 1);
	bound("d1", 1);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "uuuu.u");
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", nodeTaintsPolicy: Honor, " SELF)))),
	       "......");
	EXPECT(filtered(web("tolerations: [{operator: Exists}], " SPREAD(
		       C(ZONE, 1, HARD ", nodeTaintsPolicy: Honor, " SELF)))),
	       "uuuu.u");
}
END_TEST

START_TEST(empty_and_missing_selectors)
{
	four_nodes();
	bound("a1", 5);
	// {} counts no pod but matches the pod itself.
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", labelSelector: {}")))), "....");
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD)))), "....");
	// 0 + 1 - 0 > 0 is what only {} says.
	EXPECT(filtered(web(SPREAD(C(ZONE, 0, HARD ", labelSelector: {}")))), "uuuu");
	EXPECT(filtered(web(SPREAD(C(ZONE, 0, HARD)))), "....");
}
END_TEST

START_TEST(who_is_counted)
{
	four_nodes();
	pod("ending", "labels: {app: web}, deletionTimestamp: 2026-01-01T00:00:00Z",
	    "nodeName: a1");
	pod("other", "labels: {app: other}", "nodeName: a1");
	ck_assert_int_eq(apply_pod(&world, read_pod(&world, "{metadata: {name: x, namespace: "
							    "elsewhere, uid: x, labels: {app: "
							    "web}}, spec: {nodeName: a1}}")),
			 0);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "....");
	struct cs_pod *assumed = pod("assumed", "labels: {app: web}", "");
	cs_cluster_assume(world.cluster, assumed, 0);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "uu..");
	cs_cluster_forget(world.cluster, assumed);
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "....");
}
END_TEST

START_TEST(match_label_keys)
{
	four_nodes();
	pod("old", "labels: {app: web, hash: old}", "nodeName: a1");
	pod("new", "labels: {app: web, hash: new}", "nodeName: b1");
	static const char spec[] = SPREAD(C(ZONE, 1, HARD ", matchLabelKeys: [hash, none], " SELF));
	EXPECT(filtered(pod("p", "labels: {app: web, hash: new}", spec)), "..uu");
	EXPECT(filtered(pod("q", "labels: {app: web, hash: old}", spec)), "uu..");
	EXPECT(filtered(pod("r", "labels: {app: web}", spec)), "....");
	// {} with a key is no {} any more; without a selector the keys say nothing.
	static const char empty[] =
		SPREAD(C(ZONE, 1, HARD ", matchLabelKeys: [hash], labelSelector: {}"));
	EXPECT(filtered(pod("s", "labels: {hash: new}", empty)), "..uu");
	static const char missing[] = SPREAD(C(ZONE, 0, HARD ", matchLabelKeys: [hash]"));
	EXPECT(filtered(pod("t", "labels: {hash: new}", missing)), "....");
}
END_TEST

START_TEST(nominated_pods)
{
	four_nodes();
	struct cs_pod *asking = web(SPREAD(C(ZONE, 1, HARD ", " SELF)));
	struct cs_pod *one[] = { pod("one", "labels: {app: web}", "") };
	EXPECT(filtered_supposing(asking, one, 1, 0), "uu..");
	EXPECT(filtered(asking), "....");
	struct cs_pod *other[] = { pod("other", "labels: {app: x}", "") };
	EXPECT(filtered_supposing(asking, other, 1, 0), "....");
}
END_TEST

// Upstream's AddPod knows no exception for {} and for pods that are being deleted.
START_TEST(nominated_pods_that_would_not_count)
{
	four_nodes();
	struct cs_pod *ending[] = {
		pod("ending", "labels: {app: web}, deletionTimestamp: 2026-01-01T00:00:00Z", ""),
		pod("other", "labels: {app: x}", ""),
	};
	EXPECT(filtered_supposing(web(SPREAD(C(ZONE, 1, HARD ", " SELF))), ending, 2, 0), "uu..");
	struct cs_pod *any =
		pod("any", "labels: {app: v}", SPREAD(C(ZONE, 2, HARD ", labelSelector: {}")));
	EXPECT(filtered_supposing(any, ending, 2, 0), "uu..");
	EXPECT(filtered_supposing(any, ending, 1, 0), "....");
	// A row that does not count takes nothing.
	node("c1", HOST ": c1", "");
	EXPECT(filtered_supposing(any, ending, 2, 4), "....U");
}
END_TEST

START_TEST(skips_filtering)
{
	four_nodes();
	EXPECT(filtered(web("")), "skip");
	EXPECT(filtered(web(SPREAD(C(ZONE, 1, SOFT ", " SELF)))), "skip");
	EXPECT(filtered_with(web(""), "{\"defaultingType\":\"List\"}"), "skip");
}
END_TEST

// ---- soft constraints ----

// Upstream's own vector: log(6) = 1.79: 4, 2, 0, 5.
START_TEST(hosts_are_scored)
{
	four_nodes();
	bound("a1", 2);
	bound("a2", 1);
	bound("b2", 3);
	EXPECT(scored(web(SPREAD(C(HOST, 1, SOFT ", " SELF)))), "20 60 100 0");
}
END_TEST

// log(4) = 1.386, times 3 is 4, times 1 is 1.
START_TEST(zones_are_scored)
{
	four_nodes();
	bound("a1", 3);
	bound("b2", 1);
	EXPECT(scored(web(SPREAD(C(ZONE, 1, SOFT ", " SELF)))), "25 25 100 100");
	// maxSkew 4 adds 3: 7 and 4.
	EXPECT(scored(web(SPREAD(C(ZONE, 4, SOFT ", " SELF)))), "57 57 100 100");
}
END_TEST

// Weights are summed before rounding: hosts log(6), zones log(4).
START_TEST(constraints_add_up)
{
	four_nodes();
	bound("a1", 1);
	bound("a2", 1);
	bound("b1", 1);
	// a: 1.79 + 2.77 = 4.56 -> 5, b1: 1.79 + 1.386 = 3.18 -> 3, b2: 1.386 -> 1
	EXPECT(scored(web(SPREAD(C(ZONE, 1, SOFT ", " SELF) ", " C(HOST, 1, SOFT ", " SELF)))),
	       "20 20 60 100");
}
END_TEST

START_TEST(nothing_counted_is_equal)
{
	four_nodes();
	EXPECT(scored(web(SPREAD(C(HOST, 1, SOFT ", " SELF)))), "100 100 100 100");
	EXPECT(scored(web(SPREAD(C(HOST, 5, SOFT)))), "100 100 100 100");
	bound("a1", 3);
	EXPECT(scored(web(SPREAD(C(HOST, 1, SOFT ", labelSelector: {}")))), "100 100 100 100");
}
END_TEST

START_TEST(nodes_without_a_key_score_nothing)
{
	four_nodes();
	node("c1", HOST ": c1", "");
	bound("a1", 1);
	// They do not count as hosts either: log(6) = 1.79 -> 2.
	EXPECT(scored(web(SPREAD(C(HOST, 1, SOFT ", " SELF) ", " C(ZONE, 1, SOFT ", " SELF)))),
	       "0 66 100 100 0");
	EXPECT(scored(web(SPREAD(C("rack", 1, SOFT ", " SELF)))), "0 0 0 0 0");
}
END_TEST

// The domains of feasible nodes alone make the weight, and their pods count, wherever in the
// domain.
START_TEST(nodes_that_are_not_feasible)
{
	four_nodes();
	node("c1", HOST ": c1, " ZONE ": c", "");
	bound("a2", 4);
	bound("b1", 2);
	bound("c1", 9);
	static const uint32_t feasible[] = { 0, 2 };
	// log(4): 5.545 -> 6, 2.77 -> 3: 100 * (6 + 3 - s) / 6
	EXPECT(scored_of(web(SPREAD(C(ZONE, 1, SOFT ", " SELF))), NULL, feasible, 2), "50 100");
	// Hosts: only what stands on the node itself: 0 and 2 * log(4) -> 3
	EXPECT(scored_of(web(SPREAD(C(HOST, 1, SOFT ", " SELF))), NULL, feasible, 2), "100 0");
}
END_TEST

START_TEST(policies_of_soft_constraints)
{
	four_nodes();
	node("a3", HOST ": a3, " ZONE ": a, pool: x", "taints: [{key: t, effect: NoExecute}]");
	bound("a3", 4);
	static const uint32_t feasible[] = { 0, 1, 2, 3 };
	// 4 * log(4) = 5.5 -> 6; with zones that do not count a3 all are equal.
	EXPECT(scored_of(web(SPREAD(C(ZONE, 1, SOFT ", " SELF))), NULL, feasible, 4),
	       "0 0 100 100");
	EXPECT(scored_of(web(SPREAD(C(ZONE, 1, SOFT ", nodeTaintsPolicy: Honor, " SELF))), NULL,
			 feasible, 4),
	       "100 100 100 100");
	EXPECT(scored_of(web("nodeSelector: {" ZONE ": b}, " SPREAD(C(ZONE, 1, SOFT ", " SELF))),
			 NULL, feasible, 4),
	       "100 100 100 100");
	EXPECT(scored_of(web("nodeSelector: {" ZONE ": b}, " SPREAD(
				 C(ZONE, 1, SOFT ", nodeAffinityPolicy: Ignore, " SELF))),
			 NULL, feasible, 4),
	       "0 0 100 100");
	// Hosts count whatever the policies: 4 * log(7) = 7.8 -> 8
	EXPECT(scored(web(SPREAD(C(HOST, 1, SOFT ", nodeTaintsPolicy: Honor, " SELF)))),
	       "100 100 100 100 0");
}
END_TEST

START_TEST(two_nodes_of_one_name)
{
	node("n1", HOST ": same", "");
	node("n2", HOST ": same", "");
	bound("n1", 1);
	// As a soft constraint each node counts its own, as a hard one they are one domain.
	EXPECT(scored(web(SPREAD(C(HOST, 1, SOFT ", " SELF)))), "0 100");
	EXPECT(filtered(web(SPREAD(C(HOST, 1, HARD ", " SELF)))), "..");
}
END_TEST

START_TEST(huge_skews)
{
	four_nodes();
	bound("a1", 1);
	static const char big[] = SPREAD(C(HOST, 2147483647, SOFT ", " SELF));
	EXPECT(scored(web(big)), "99 100 100 100"); // 2^31 beside 2^31 - 2
	EXPECT(scored(web(SPREAD(C(HOST, 1000000, SOFT ", " SELF)))), "99 100 100 100");
	EXPECT(filtered(web(SPREAD(C(HOST, 2147483647, HARD ", " SELF)))), "....");
}
END_TEST

// ---- defaults ----

static void service(const char *name, const char *selector)
{
	ck_assert_int_eq(apply_object(&world, &cs_kind_service,
				      "{metadata: {name: %s, namespace: default}, spec: "
				      "{selector: {%s}}}",
				      name, selector),
			 0);
	ck_assert_uint_eq(world.events, CS_EVENT_WORKLOAD);
}

START_TEST(system_defaults)
{
	four_nodes();
	bound("a1", 1);
	bound("b1", 3);
	EXPECT(scored(web("")), "skip"); // nothing selects it
	service("web", "app: web");
	// hosts log(6) and 2, zones log(4) and 4: a1 1.79 + 2 + 1.386 + 4 -> 9, a2 7.386 -> 7,
	// b1 5.375 + 2 + 4.159 + 4 = 15.53 -> 16, b2 10.16 -> 10
	EXPECT(scored(web("")), "87 100 43 81");
	EXPECT(filtered(web("")), "skip");
	EXPECT(scored(web(SPREAD(C(ZONE, 1, HARD ", " SELF)))), "skip"); // has its own
	EXPECT(scored(pod("api", "labels: {app: api}", "")), "skip");
}
END_TEST

// Nodes without a zone are scored with the system's defaults, by their hosts alone.
START_TEST(system_defaults_without_zones)
{
	four_nodes();
	node("c1", HOST ": c1", "");
	bound("c1", 1);
	bound("a1", 1);
	service("web", "app: web");
	// hosts log(7) = 1.946, three zones with "": log(5) = 1.609
	// a1 3.946 + 5.609 -> 10, a2 2 + 5.609 -> 8, b 6, c1 3.946 -> 4
	EXPECT(scored(web("")), "40 60 80 80 100");
	// With a list all keys are asked for: log(6) and log(4), b 2 + 4 -> 6,
	// a1 3.79 + 5.386 -> 9, a2 7
	EXPECT(scored_with(web(""),
			   "{\"defaultingType\":\"List\",\"defaultConstraints\":["
			   "{\"topologyKey\":\"kubernetes.io/hostname\",\"maxSkew\":3,"
			   "\"whenUnsatisfiable\":\"ScheduleAnyway\"},"
			   "{\"topologyKey\":\"topology.kubernetes.io/zone\",\"maxSkew\":5,"
			   "\"whenUnsatisfiable\":\"ScheduleAnyway\"}]}"),
	       "66 88 100 100 0");
}
END_TEST

// A label without a value is the domain of the nodes that have no such label.
START_TEST(system_defaults_with_an_empty_zone)
{
	four_nodes();
	node("c1", HOST ": c1", "");
	node("d1", HOST ": d1, " ZONE ": ''", "");
	bound("c1", 2);
	service("web", "app: web");
	// hosts log(8) = 2.079, zones a, b, "": log(5) = 1.609
	// a, b 2 + 4 -> 6, c1 4.159 + 2 -> 6, d1 2 + 3.219 + 4 -> 9
	EXPECT(scored(web("")), "100 100 100 100 100 66");
}
END_TEST

START_TEST(hard_defaults)
{
	static const char args[] = "{\"defaultingType\":\"List\",\"defaultConstraints\":["
				   "{\"topologyKey\":\"topology.kubernetes.io/zone\",\"maxSkew\":1,"
				   "\"whenUnsatisfiable\":\"DoNotSchedule\"}]}";
	four_nodes();
	bound("a1", 1);
	EXPECT(filtered_with(web(""), args), "skip");
	service("web", "app: web");
	EXPECT(filtered_with(web(""), args), "uu..");
	EXPECT(scored_with(web(""), args), "skip");
	EXPECT(filtered_with(web(SPREAD(C(HOST, 9, SOFT ", " SELF))), args), "skip");
}
END_TEST

START_TEST(defaults_follow_the_services)
{
	four_nodes();
	bound("a1", 1);
	service("web", "app: web");
	// a1 3.79 + 5.386 -> 9, a2 2 + 5.386 -> 7, b 6
	EXPECT(scored(web("")), "66 88 100 100");
	ck_assert_uint_eq(
		cs_cluster_remove_object(world.cluster, &cs_kind_service, "default", "web"),
		CS_EVENT_WORKLOAD);
	EXPECT(scored(web("")), "skip");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/pod_topology_spread");
	TCase *tcase = tcase_create("pod_topology_spread");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, skew_of_zones);
	tcase_add_test(tcase, a_pod_that_does_not_match_adds_nothing);
	tcase_add_test(tcase, skew_of_hosts);
	tcase_add_test(tcase, a_node_without_the_key);
	tcase_add_test(tcase, an_empty_value_is_a_domain);
	tcase_add_test(tcase, all_hard_keys);
	tcase_add_test(tcase, each_its_own_selector);
	tcase_add_test(tcase, two_nodes_with_one_hostname);
	tcase_add_test(tcase, fewer_domains_than_wanted);
	tcase_add_test(tcase, no_domain_at_all);
	tcase_add_test(tcase, node_affinity_policy);
	tcase_add_test(tcase, a_pin_is_node_affinity);
	tcase_add_test(tcase, node_taints_policy);
	tcase_add_test(tcase, empty_and_missing_selectors);
	tcase_add_test(tcase, who_is_counted);
	tcase_add_test(tcase, match_label_keys);
	tcase_add_test(tcase, nominated_pods);
	tcase_add_test(tcase, nominated_pods_that_would_not_count);
	tcase_add_test(tcase, skips_filtering);
	tcase_add_test(tcase, hosts_are_scored);
	tcase_add_test(tcase, zones_are_scored);
	tcase_add_test(tcase, constraints_add_up);
	tcase_add_test(tcase, nothing_counted_is_equal);
	tcase_add_test(tcase, nodes_without_a_key_score_nothing);
	tcase_add_test(tcase, nodes_that_are_not_feasible);
	tcase_add_test(tcase, policies_of_soft_constraints);
	tcase_add_test(tcase, two_nodes_of_one_name);
	tcase_add_test(tcase, huge_skews);
	tcase_add_test(tcase, system_defaults);
	tcase_add_test(tcase, system_defaults_without_zones);
	tcase_add_test(tcase, system_defaults_with_an_empty_zone);
	tcase_add_test(tcase, hard_defaults);
	tcase_add_test(tcase, defaults_follow_the_services);
	suite_add_tcase(suite, tcase);
	return suite;
}
