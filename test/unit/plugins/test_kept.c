// With all plugins and all that pods may ask: what is kept between decisions decides as what is
// computed from scratch, and what is told of the rows is what was decided.
// Neighbours: lib/framework/cycle.c, vectors.c, view.c, nominated.c, explain.c; the plugins.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/random.h>
#include <csched/cluster/load.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>
#include <csched/plugins/list.h>

#include "../cluster/world.h"

#define N_NODES     40
#define N_WORKLOADS 14
#define N_PODS      160
#define N_STEPS     450

static struct world world;
static struct cs_config *config;
static struct cs_workspace *kept, *fresh;
static struct cs_random dice;
static unsigned n_scheduled, n_unschedulable;
static unsigned n_formulas, n_numbers; // looked at
static unsigned n_asked;
static bool asks;   // somebody asks why, now and then
static bool loaded; // there are samples, weights and peers
static int64_t now;
static struct cs_asked asked_by[N_PODS]; // as it was decided; all zero: not yet

static int roll(int n)
{
	return (int)cs_random_below(&dice, (uint64_t)n);
}

static const char *pick(const char *const *list, int n)
{
	return list[roll(n)];
}
#define PICK(...)                                  \
	pick((const char *const[]){ __VA_ARGS__ }, \
	     (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))

// ---- load ----

enum { CPU, MEMORY, CONNECTIONS, RESPONSE, LATENCY, N_METRICS };

#define METRIC(metric_name, metric_kind, most)                                \
	{                                                                     \
		.name = (metric_name), .kind = (metric_kind), .max = (most),  \
		.ttl = 60 * CS_SECOND, .ramp = 60 * CS_SECOND, .per_pod = 10, \
		.topology = "topology.kubernetes.io/zone"                     \
	}

static const struct cs_load_metric metrics[N_METRICS] = {
	[CPU] = METRIC(CS_LOAD_CPU, CS_LOAD_USAGE, INFINITY),
	[MEMORY] = METRIC(CS_LOAD_MEMORY, CS_LOAD_USAGE, INFINITY),
	[CONNECTIONS] = METRIC(CS_LOAD_CONNECTIONS, CS_LOAD_COUNT, INFINITY),
	[RESPONSE] = METRIC(CS_LOAD_RESPONSE, CS_LOAD_LEVEL, 10),
	[LATENCY] = METRIC(CS_LOAD_LATENCY, CS_LOAD_PAIR, 10),
};

static void begin_load(void)
{
	now = 1000000 * CS_SECOND;
	if (loaded)
		cs_cluster_set_load_metrics(world.cluster, metrics, N_METRICS, NULL);
	cs_cluster_set_time(world.cluster, now);
}

static void pass_time(int64_t ns)
{
	now += ns;
	cs_cluster_set_time(world.cluster, now);
	cs_cluster_tick_load(world.cluster);
}

static void sample(void)
{
	static const double most[N_METRICS] = { 5000, 9e9, 400, 0.5, 0.02 };
	uint32_t metric = (uint32_t)roll(N_METRICS);
	const struct cs_load_sample one = {
		.node = metric == LATENCY ? PICK("z0", "z1", "z2")
					  : cs_arena_printf(world.arena, "n%d", roll(N_NODES)),
		.to = metric == LATENCY ? PICK("z0", "z1", "z2") : NULL,
		.metric = metric,
		.value = cs_random_unit(&dice) * most[metric],
		.limit = roll(3) ? 500 : 0,
		.taken = now - roll(20) * CS_SECOND,
		.window = roll(2) * 30 * CS_SECOND,
	};
	struct cs_load_report report;
	cs_cluster_apply_samples(world.cluster, &one, 1, &report);
}

static void change_load(void)
{
	if (roll(8) == 0)
		pass_time(roll(60) * CS_SECOND);
	for (int n = roll(12); n > 0; n--)
		sample();
}

static void make_fresh(void)
{
	fresh = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = world.cluster, .config = config, .no_cache = true });
}

static void begin(const char *yaml, uint64_t seed)
{
	struct cs_error err;
	world_begin(&world);
	begin_load();
	cs_random_init(&dice, seed);
	ck_assert_int_eq(cs_config_read("c.yaml", cs_slice_of(yaml), cs_plugins, &config, &err), 0);
	struct cs_workspace_options options = { .cluster = world.cluster, .config = config };
	kept = cs_workspace_create(&options);
	make_fresh();
}

static void end(void)
{
	for (int i = 0; i < N_PODS; i++)
		cs_cluster_release_asked(world.cluster, &asked_by[i]);
	cs_workspace_destroy(kept);
	cs_workspace_destroy(fresh);
	cs_config_destroy(config);
	world_end(&world);
}

// ---- random objects ----

static void change_node(int i)
{
	const char *name = cs_arena_printf(world.arena, "n%d", i);
	if (cs_cluster_find_node(world.cluster, name) != CS_ROW_NONE && roll(6) == 0) {
		cs_cluster_remove_node(world.cluster, name);
		return;
	}
	const char *labels = cs_arena_printf(
		world.arena, "kubernetes.io/hostname: %s, disk: %s%s", name,
		PICK("ssd", "hdd", "none"),
		roll(8) ? cs_arena_printf(world.arena, ", topology.kubernetes.io/zone: z%d",
					  roll(3))
			: "");
	const char *taint =
		PICK("", "", "", "taints: [{key: team, effect: NoSchedule}]",
		     "taints: [{key: old, effect: PreferNoSchedule}]", "unschedulable: true");
	const char *images = PICK("", "images: [{names: ['nginx:1'], sizeBytes: 200000000}]",
				  "images: [{names: ['big:latest'], sizeBytes: 900000000}]");
	const char *weight = !loaded ? ""
				     : PICK("", "", "c-sched.io/weight: '50'",
					    "c-sched.io/weight: '300'", "c-sched.io/weight: '0'");
	int rc = apply_node(&world,
			    read_node(&world,
				      "{metadata: {name: %s, labels: {%s}, annotations: {%s}}, "
				      "spec: {%s}, status: "
				      "{allocatable: {cpu: '%d', memory: %dGi, pods: '%d'}%s%s}}",
				      name, labels, weight, taint, 2 + roll(5), 4 + roll(8),
				      6 + roll(8), *images ? ", " : "", images));
	ck_assert_msg(rc == 0, "%s", world.err.text);
}

static const char *selector(void)
{
	return cs_arena_printf(world.arena, "labelSelector: {matchLabels: {%s: w%d}}",
			       PICK("app", "tier"), roll(N_WORKLOADS));
}

static const char *topology(void)
{
	return PICK("topologyKey: kubernetes.io/hostname",
		    "topologyKey: topology.kubernetes.io/zone");
}

static const char *node_affinity(void)
{
	if (roll(4) == 0)
		return "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
		       "[{matchExpressions: [{key: disk, operator: NotIn, values: [none]}]}]}";
	if (roll(6) == 0)
		return cs_arena_printf(world.arena,
				       "requiredDuringSchedulingIgnoredDuringExecution: "
				       "{nodeSelectorTerms: [{matchFields: [{key: metadata.name, "
				       "operator: In, values: [n%d, n%d]}]}]}",
				       roll(N_NODES), roll(N_NODES));
	return "preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, preference: "
	       "{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}, {weight: 3, "
	       "preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, "
	       "values: [z1]}]}}]";
}

static const char *pod_affinity(void)
{
	if (roll(2))
		return cs_arena_printf(world.arena,
				       "requiredDuringSchedulingIgnoredDuringExecution: [{%s, %s}]",
				       selector(), topology());
	return cs_arena_printf(world.arena,
			       "preferredDuringSchedulingIgnoredDuringExecution: [{weight: %d, "
			       "podAffinityTerm: {%s, %s}}]",
			       1 + roll(100), selector(), topology());
}

static const char *affinity(void)
{
	const char *text = "";
	if (roll(3) == 0)
		text = cs_arena_printf(world.arena, "nodeAffinity: {%s}", node_affinity());
	if (roll(4) == 0)
		text = cs_arena_printf(world.arena, "%s%spodAffinity: {%s}", text,
				       *text ? ", " : "", pod_affinity());
	if (roll(3) == 0)
		text = cs_arena_printf(world.arena, "%s%spodAntiAffinity: {%s}", text,
				       *text ? ", " : "", pod_affinity());
	return text;
}

// What all pods of a workload ask.
static const char *templates[N_WORKLOADS];

static void make_template(int i)
{
	const char *parts =
		cs_arena_printf(world.arena, "affinity: {%s}, priority: %d", affinity(), roll(3));
	if (roll(3) == 0)
		parts = cs_arena_printf(world.arena, "%s, tolerations: [{key: team, operator: %s}]",
					parts, "Exists");
	if (roll(3) == 0)
		parts = cs_arena_printf(world.arena,
					"%s, topologySpreadConstraints: [{maxSkew: %d, %s, %s, "
					"whenUnsatisfiable: %s}]",
					parts, 1 + roll(3), selector(), topology(),
					PICK("DoNotSchedule", "ScheduleAnyway"));
	templates[i] = cs_arena_printf(
		world.arena,
		"%s, containers: [{name: c, image: '%s', ports: [%s], resources: {requests: "
		"{cpu: %dm, memory: %dMi}}}]",
		parts, PICK("nginx:1", "big", "other"),
		roll(5) ? ""
			: cs_arena_printf(world.arena, "{containerPort: 80, hostPort: %d}",
					  8080 + roll(2)),
		100 * roll(8), 128 * roll(8));
}

static struct cs_pod *find_pod(int i)
{
	return cs_cluster_find_pod(world.cluster, cs_arena_printf(world.arena, "u%d", i));
}

static const char *annotations(int workload)
{
	const char *talks = workload % 3
				    ? ""
				    : cs_arena_printf(world.arena, "c-sched.io/talks-to: app=w%d",
						      (workload + 1) % N_WORKLOADS);
	if (workload % 4)
		return talks;
	return cs_arena_printf(world.arena, "%s%sc-sched.io/connections: '%d'", talks,
			       *talks ? ", " : "", 5 + 10 * workload);
}

static struct cs_pod *add_workload_pod(int i)
{
	int workload = roll(N_WORKLOADS);
	const char *status =
		roll(12) ? ""
			 : cs_arena_printf(world.arena, "nominatedNodeName: n%d", roll(N_NODES));
	const Kube__Pod *pod =
		read_pod(&world,
			 "{metadata: {name: p%d, namespace: default, uid: u%d, "
			 "labels: {app: w%d, tier: w%d}, annotations: {%s}}, "
			 "spec: {schedulerName: c-sched, %s}, status: {%s}}",
			 i, i, workload, workload / 3, loaded ? annotations(workload) : "",
			 templates[workload], status);
	ck_assert_msg(apply_pod(&world, pod) == 0, "%s", world.err.text);
	return find_pod(i);
}

// ---- one decision both ways ----

struct told {
	const struct cs_profile *profile;
	uint32_t n_told;
	uint32_t feasible;
	int64_t best;
	// What is remembered of the decision, and how much of it has been told.
	const struct cs_detail *detail;
	uint32_t n_better; // rows that are no candidates, with a total above the last candidate's
	uint32_t n_candidates;
	uint32_t rejected[CS_PLUGINS_MAX + 1];
	uint32_t asked; // row
};

static void compare_candidate(const struct cs_candidate *candidate,
			      const struct cs_judgement *judgement, uint32_t n_scores)
{
	ck_assert_int_eq(candidate->total, judgement->total);
	ck_assert_int_eq(!candidate->scores, !judgement->scores);
	for (uint32_t i = 0; judgement->scores && i < n_scores; i++) {
		int64_t score = judgement->skipped[i] ? CS_SCORE_NONE : judgement->scores[i];
		ck_assert_int_eq(candidate->scores[i], score);
	}
}

static void find_candidate(struct told *told, const struct cs_judgement *judgement)
{
	const struct cs_detail *detail = told->detail;
	for (uint32_t i = 0; i < detail->n_candidates; i++) {
		if (detail->candidates[i].row == judgement->row) {
			compare_candidate(&detail->candidates[i], judgement,
					  told->profile->n_score);
			told->n_candidates++;
			return;
		}
	}
	if (detail->n_candidates)
		told->n_better +=
			judgement->total > detail->candidates[detail->n_candidates - 1].total;
}

static void find_rejection(struct told *told, const struct cs_judgement *judgement)
{
	const char *by = judgement->by ? judgement->by->name : "";
	for (uint32_t i = 0; i < told->detail->n_rejections; i++)
		if (cs_string_equal(told->detail->rejections[i].plugin, by))
			told->rejected[i]++;
}

static void expect_told(const struct told *told, const struct cs_outcome *outcome)
{
	const struct cs_detail *detail = told->detail;
	uint32_t most =
		outcome->n_feasible < CS_CANDIDATES_MAX ? outcome->n_feasible : CS_CANDIDATES_MAX;
	uint32_t rejected = 0, n_nominations;
	cs_cluster_nominations(world.cluster, &n_nominations);
	ck_assert_uint_eq(told->n_candidates, detail->n_candidates);
	ck_assert_uint_eq(detail->n_candidates, most);
	ck_assert_uint_eq(told->n_better, 0);
	// Who explains supposes nominated pods on rejected rows too, where another may then come
	// first.
	for (uint32_t i = 0; i < detail->n_rejections; i++) {
		if (n_nominations == 0)
			ck_assert_uint_eq(told->rejected[i], detail->rejections[i].n_nodes);
		rejected += detail->rejections[i].n_nodes;
	}
	// A nominated node that takes the pod is looked at alone.
	ck_assert_uint_eq(rejected + outcome->n_feasible, told->n_told);
}

// A formula ends with the score, before it is rounded.
static void expect_formulas(const struct told *told, const struct cs_judgement *judgement)
{
	for (uint32_t i = 0; judgement->scores && i < told->profile->n_score; i++) {
		const char *formula = judgement->formulas[i];
		ck_assert_int_eq(judgement->skipped[i], !formula);
		if (!formula)
			continue;
		const char *result = strrchr(formula, '=');
		ck_assert_msg(result && isfinite(strtod(result + 1, NULL)), "%s", formula);
		double off = strtod(result + 1, NULL) - (double)judgement->scores[i];
		ck_assert_msg(fabs(off) <= 1, "%s %" PRId64 ": %s",
			      told->profile->score[i]->plugin->name, judgement->scores[i], formula);
		n_formulas++;
	}
}

static void note(void *user, const struct cs_judgement *judgement)
{
	struct told *told = user;
	told->n_told++;
	if (judgement->row == told->asked)
		expect_formulas(told, judgement);
	else
		ck_assert(!judgement->formulas && !judgement->numbers);
	if (judgement->verdict != CS_VERDICT_FITS) {
		ck_assert_uint_gt(judgement->n_reasons, 0);
		ck_assert(!judgement->numbers || *judgement->numbers);
		n_numbers += judgement->numbers != NULL;
		find_rejection(told, judgement);
		return;
	}
	find_candidate(told, judgement);
	told->feasible++;
	int64_t total = 0;
	for (uint32_t i = 0; judgement->scores && i < told->profile->n_score; i++)
		total += judgement->scores[i] * told->profile->score[i]->weight;
	ck_assert_int_eq(total, judgement->total);
	told->best = total > told->best ? total : told->best;
}

static void expect_same(const struct cs_outcome *a, const char *a_words, const struct cs_outcome *b)
{
	ck_assert_int_eq(a->decision, b->decision);
	ck_assert_uint_eq(a->n_feasible, b->n_feasible);
	ck_assert_int_eq(a->score, b->score);
	ck_assert_int_eq(a->runner_up_score, b->runner_up_score);
	ck_assert_uint_eq(a->row, b->row);
	ck_assert_uint_eq(a->rejected_by, b->rejected_by);
	ck_assert_msg(cs_string_equal(a_words, b->message), "%s\n%s", a_words, b->message);
}

// The next decision makes others.
static void keep_scores(struct cs_detail *detail, uint32_t n_scores)
{
	for (uint32_t i = 0; i < detail->n_candidates; i++)
		if (detail->candidates[i].scores)
			detail->candidates[i].scores =
				memcpy(cs_arena_alloc(world.arena, n_scores + 1),
				       detail->candidates[i].scores, n_scores);
}

static void decide(int i, struct cs_pod *pod)
{
	const struct cs_profile *profile = config->profiles[0];
	struct cs_outcome a, b, c;
	// But for the plugins whose turns depend on what was decided, not even plugins remember.
	if (!loaded) {
		cs_workspace_destroy(fresh);
		make_fresh();
	}
	cs_cluster_release_asked(world.cluster, &asked_by[i]);
	cs_cluster_keep_asked(world.cluster, pod, &asked_by[i]);
	cs_cycle_decide(kept, profile, pod, &a);
	const char *words = a.message ? cs_arena_strdup(world.arena, a.message) : NULL;
	cs_cycle_decide(fresh, profile, pod, &b);
	expect_same(&a, words, &b);
	cs_cycle_decide(kept, profile, pod, &a);
	struct cs_detail detail;
	cs_cycle_detail(kept, &a, &detail);
	keep_scores(&detail, profile->n_score);
	uint32_t asked = (n_scheduled + 7 * n_unschedulable) % N_NODES;
	struct told told = { .profile = profile, .detail = &detail, .asked = asked };
	cs_cycle_explain(kept, profile, pod, &c, (struct cs_judge){ note, &told, &asked });
	expect_same(&a, words, &c);
	ck_assert_uint_eq(told.feasible, a.n_feasible);
	ck_assert_int_eq(told.best, a.score);
	expect_told(&told, &c);
	if (a.decision == CS_DECISION_SCHEDULED) {
		n_scheduled++;
		cs_cluster_assume(world.cluster, pod, a.row);
		cs_cycle_reserve(kept, profile, pod, a.row);
		cs_cycle_reserve(fresh, profile, pod, a.row);
		if (roll(10) == 0)
			cs_cluster_forget(world.cluster, pod);
	} else {
		n_unschedulable++;
		if (roll(2))
			cs_cluster_nominate(world.cluster, pod, NULL);
	}
}

static void hush(void *user, const struct cs_judgement *judgement)
{
	(void)user;
	(void)judgement;
}

// One workspace alone is asked why; the model and what both decide stay the same.
static void ask(int i, struct cs_pod *pod)
{
	const struct cs_profile *profile = config->profiles[0];
	const struct cs_pod *asking = pod;
	struct cs_pod unbound;
	struct cs_outcome outcome;
	uint32_t row = pod->row;
	bool placed = pod->state != CS_POD_UNBOUND;
	if (placed && (!asked_by[i].demand || !world.nodes->live[row]))
		return;
	if (placed) {
		cs_cluster_suppose_unbound(world.cluster, pod, &asked_by[i], &unbound);
		asking = &unbound;
	}
	cs_cycle_explain(kept, profile, asking, &outcome, (struct cs_judge){ hush, NULL, &row });
	if (placed)
		cs_cluster_put_back(world.cluster, pod, row);
	n_asked++;
	world_check(&world);
}

static void change_service(void)
{
	const char *name = cs_arena_printf(world.arena, "s%d", roll(6));
	if (roll(3) == 0)
		cs_cluster_remove_object(world.cluster, &cs_kind_service, "default", name);
	else
		apply_object(&world, &cs_kind_service,
			     "{metadata: {name: %s, namespace: default}, spec: {selector: {app: "
			     "w%d}}}",
			     name, roll(N_WORKLOADS));
}

static void step(void)
{
	int i = roll(N_PODS);
	struct cs_pod *pod = find_pod(i);
	int what = roll(25);
	if (loaded && roll(3) == 0)
		change_load();
	if (what == 0)
		change_node(roll(N_NODES));
	else if (what == 1)
		change_service();
	else if (!pod)
		decide(i, add_workload_pod(i));
	else if (asks && roll(4) == 0)
		ask(i, pod);
	else if (pod->state == CS_POD_UNBOUND && roll(3))
		decide(i, pod);
	else
		cs_cluster_remove_pod(world.cluster, pod);
}

static void history(const char *yaml, uint64_t seeds)
{
	n_scheduled = n_unschedulable = n_formulas = n_numbers = n_asked = 0;
	for (uint64_t seed = 0; seed < seeds; seed++) {
		begin(yaml, seed);
		for (int i = 0; i < N_WORKLOADS; i++)
			make_template(i);
		for (int i = 0; i < N_NODES; i++)
			change_node(i);
		for (int i = 0; i < N_STEPS; i++)
			step();
		end();
	}
	ck_assert_uint_gt(n_scheduled, 100 * seeds);
	ck_assert_uint_gt(n_unschedulable, 5 * seeds);
	ck_assert_uint_gt(n_formulas, 200 * seeds);
	ck_assert_uint_gt(n_numbers, 10 * seeds);
	ck_assert(!asks || n_asked > 30 * seeds);
}

static void history_of_asked(const char *yaml, uint64_t seeds)
{
	asks = true;
	history(yaml, seeds);
	asks = false;
}

#define HEAD                                           \
	"apiVersion: kubescheduler.config.k8s.io/v1\n" \
	"kind: KubeSchedulerConfiguration\n"

START_TEST(the_default_plugins)
{
	history(HEAD "profiles: [{schedulerName: c-sched}]\n", 16);
}
END_TEST

START_TEST(arguments)
{
	history(HEAD
		"profiles:\n"
		"- schedulerName: c-sched\n"
		"  pluginConfig:\n"
		"  - name: InterPodAffinity\n"
		"    args: {hardPodAffinityWeight: 50, ignorePreferredTermsOfExistingPods: true}\n"
		"  - name: NodeResourcesFit\n"
		"    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: "
		"3}]}}\n"
		"  - name: NodeAffinity\n"
		"    args: {addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
		"[{weight: 9, preference: {matchExpressions: [{key: disk, operator: In, values: "
		"[hdd]}]}}]}}\n"
		"  - name: PodTopologySpread\n"
		"    args: {defaultingType: List, defaultConstraints: [{maxSkew: 2, topologyKey: "
		"topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule}]}\n",
		8);
}
END_TEST

// Without thresholds: nothing but the version of the score tells that samples have come.
START_TEST(by_load_alone)
{
	loaded = true;
	history(HEAD "profiles:\n"
		     "- schedulerName: c-sched\n"
		     "  plugins:\n"
		     "    multiPoint: {enabled: [{name: LeastLoad, weight: 3}]}\n",
		8);
	loaded = false;
}
END_TEST

START_TEST(by_load)
{
	loaded = true;
	history(HEAD "profiles:\n"
		     "- schedulerName: c-sched\n"
		     "  plugins:\n"
		     "    multiPoint:\n"
		     "      enabled: [{name: LeastLoad, weight: 3}, {name: LeastConnections, "
		     "weight: 2}, "
		     "{name: LeastResponseTime}, {name: MinimumDistance}, {name: MinimumLatency}, "
		     "{name: "
		     "RoundRobin}, {name: Random}]\n"
		     "  pluginConfig:\n"
		     "  - name: LeastLoad\n"
		     "    args: {resources: [{name: cpu, threshold: 90}, {name: memory}, {name: "
		     "responseTime}]}\n"
		     "  - {name: LeastConnections, args: {threshold: 95}}\n"
		     "  - {name: LeastResponseTime, args: {threshold: 450ms, bias: 2}}\n"
		     "  - {name: MinimumDistance, args: {threshold: 90}}\n"
		     "  - {name: MinimumLatency, args: {threshold: 18ms}}\n",
		16);
	loaded = false;
}
END_TEST

START_TEST(who_asks_changes_nothing)
{
	history_of_asked(HEAD "profiles: [{schedulerName: c-sched}]\n", 6);
}
END_TEST

// Without LeastResponseTime, which sees a sample when it is first asked for scores.
START_TEST(who_asks_changes_nothing_by_load)
{
	loaded = true;
	history_of_asked(HEAD "profiles:\n"
			      "- schedulerName: c-sched\n"
			      "  plugins:\n"
			      "    multiPoint:\n"
			      "      enabled: [{name: LeastLoad, weight: 3}, {name: "
			      "LeastConnections, weight: 2}, {name: MinimumDistance}, {name: "
			      "MinimumLatency}, {name: RoundRobin}, {name: Random}]\n",
			 8);
	loaded = false;
}
END_TEST

static void add_small_node(const char *name, bool unschedulable)
{
	apply_node(&world, read_node(&world,
				     "{metadata: {name: %s}, spec: {unschedulable: %s}, status: "
				     "{allocatable: {cpu: '4', memory: 8Gi, pods: '9'}}}",
				     name, unschedulable ? "true" : "false"));
}

static void note_formula(void *user, const struct cs_judgement *judgement)
{
	const char **ret = user;
	if (judgement->formulas)
		*ret = cs_arena_strdup(world.arena, judgement->formulas[0]);
}

// Why it waits, of node a.
static const char *turn_of_a(const struct cs_pod *pod)
{
	struct cs_outcome outcome;
	const char *formula = "";
	uint32_t row = cs_cluster_find_node(world.cluster, "a");
	cs_cycle_explain(kept, config->profiles[0], pod, &outcome,
			 (struct cs_judge){ note_formula, &formula, &row });
	return formula;
}

// Asked about while three nodes could take it, it then goes where one could: that is nobody's turn.
START_TEST(who_asks_takes_no_turn)
{
	static const char first[] = "credit 0 + weight 100 = 100, the greatest: it is its turn = "
				    "99";
	struct cs_outcome outcome;
	begin(HEAD "profiles:\n"
		   "- schedulerName: c-sched\n"
		   "  plugins:\n"
		   "    multiPoint:\n"
		   "      disabled: [{name: '*'}]\n"
		   "      enabled: [{name: PrioritySort}, {name: NodeUnschedulable}, {name: "
		   "RoundRobin}, {name: DefaultBinder}]\n",
	      1);
	add_small_node("a", false);
	add_small_node("b", false);
	add_small_node("c", false);
	struct cs_pod *pod = add_pod(&world, "p", "schedulerName: c-sched");
	ck_assert_str_eq(turn_of_a(pod), first);
	add_small_node("a", true);
	add_small_node("b", true);
	cs_cycle_decide(kept, config->profiles[0], pod, &outcome);
	ck_assert_uint_eq(outcome.n_feasible, 1);
	cs_cluster_assume(world.cluster, pod, outcome.row);
	cs_cycle_reserve(kept, config->profiles[0], pod, outcome.row);
	add_small_node("a", false);
	add_small_node("b", false);
	pod = add_pod(&world, "q", "schedulerName: c-sched");
	ck_assert_str_eq(turn_of_a(pod), first);
	end();
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/kept");
	TCase *tcase = tcase_create("kept");
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, the_default_plugins);
	tcase_add_test(tcase, arguments);
	tcase_add_test(tcase, by_load_alone);
	tcase_add_test(tcase, by_load);
	tcase_add_test(tcase, who_asks_takes_no_turn);
	tcase_add_test(tcase, who_asks_changes_nothing);
	tcase_add_test(tcase, who_asks_changes_nothing_by_load);
	suite_add_tcase(suite, tcase);
	return suite;
}
