// PodTopologySpread on random clusters against the rules written down as upstream runs them: from
// the nodes and pods themselves, without queries, domains or tables.
// Neighbours: lib/plugins/pod_topology_spread.c; test_pod_topology_spread.c has the worked numbers.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/base/value.h>
#include <csched/plugins/list.h>

#include "../cluster/world.h"
#include "pass.h"

#define NODES_MAX       120
#define CONSTRAINTS_MAX 3
#define HOST            "kubernetes.io/hostname"
#define ZONE            "topology.kubernetes.io/zone"

static struct world world;
static struct cs_random random_;
static struct cs_arena *scratch;

static uint32_t below(uint32_t n)
{
	return (uint32_t)cs_random_below(&random_, n);
}

// ---- the cluster as the rules see it ----

enum { KEY_HOST, KEY_ZONE, KEY_RACK, KEY_COUNT };
static const char *const keys[] = { HOST, ZONE, "rack" };

struct node {
	char labels[KEY_COUNT][16]; // "-" = none
	bool selected;              // has the label pool=x
	bool tainted;
	uint32_t row;
	uint32_t matching; // live pods that count
	bool feasible;
};

struct constraint {
	int key;
	int max_skew;
	bool hard;
	bool honors_affinity;
	bool honors_taints;
	int min_domains; // 0 = not given
	int selector;    // 0 = none, 1 = {}, 2 = app: web
};

static struct {
	uint32_t n_nodes;
	struct node nodes[NODES_MAX];
	uint32_t n_constraints; // 0: the defaults
	struct constraint constraints[CONSTRAINTS_MAX];
	bool selects;   // the pod has nodeSelector pool=x
	bool tolerates; // the pod tolerates the taint
	bool matches;   // the pod's own labels match
	bool service;   // a Service selects the pod
	bool system;    // the profile's defaults are the system's, else a list of the same
} cluster;

static bool has(const struct node *node, int key)
{
	return strcmp(node->labels[key], "-") != 0;
}

// One key in `without` is missing or empty, of hostnames where `hosts_too`.
struct holes {
	uint32_t without; // 0 = none is
	bool hosts_too;
};

static void make_node(struct node *node, uint32_t number, uint32_t n_zones, struct holes holes)
{
	snprintf(node->labels[KEY_HOST], 16, "h%u", below(50) ? number : 0);
	snprintf(node->labels[KEY_ZONE], 16, "z%u", below(n_zones));
	snprintf(node->labels[KEY_RACK], 16, "r%u", below(n_zones * 5));
	for (int key = 0; key < KEY_COUNT; key++)
		if (holes.without && below(holes.without) == 0 &&
		    (key != KEY_HOST || holes.hosts_too))
			snprintf(node->labels[key], 16, "%s", below(3) ? "-" : "");
	node->selected = below(2);
	node->tainted = below(4) == 0;
	node->matching = 0;
	node->feasible = below(5) > 0;
	char text[512], name[16];
	snprintf(name, sizeof(name), "n%u", number);
	size_t used = (size_t)snprintf(text, sizeof(text), "{metadata: {name: %s, labels: {", name);
	for (int key = 0; key < KEY_COUNT; key++)
		if (has(node, key))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s: '%s', ",
						 keys[key], node->labels[key]);
	snprintf(text + used, sizeof(text) - used, "%s}}, spec: {%s}}",
		 node->selected ? "pool: x" : "",
		 node->tainted ? "taints: [{key: t, effect: NoSchedule}]" : "");
	ck_assert_int_eq(apply_node(&world, read_node(&world, "%s", text)), 0);
	node->row = cs_cluster_find_node(world.cluster, name);
}

static void make_pods(uint32_t n)
{
	static const char *const labels[] = { "app: web", "app: web", "app: other", "" };
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = below(cluster.n_nodes), kind = below(4);
		bool terminating = below(8) == 0, elsewhere = below(8) == 0;
		ck_assert_int_eq(
			apply_pod(
				&world,
				read_pod(&world,
					 "{metadata: {name: b%u, namespace: %s, uid: b%u, labels: "
					 "{%s}%s}, spec: {nodeName: n%u}}",
					 i, elsewhere ? "other" : "default", i, labels[kind],
					 terminating ? ", deletionTimestamp: "
						       "2026-01-01T00:00:00Z"
						     : "",
					 at)),
			0);
		cluster.nodes[at].matching += kind < 2 && !terminating && !elsewhere;
	}
}

static void make_constraints(void)
{
	cluster.n_constraints = below(CONSTRAINTS_MAX + 1);
	for (uint32_t i = 0; i < cluster.n_constraints; i++)
		cluster.constraints[i] = (struct constraint){
			.key = (int)below(KEY_COUNT),
			.max_skew = 1 + (int)below(3),
			.hard = below(2),
			.honors_affinity = below(2),
			.honors_taints = below(2),
			.min_domains = (int)below(2) * (int)below(6),
			.selector = below(6) ? 2 : (int)below(2),
		};
	cluster.selects = below(3) == 0;
	cluster.tolerates = below(3) == 0;
	cluster.matches = below(4) > 0;
	cluster.service = below(4) > 0;
	cluster.system = below(2);
}

static struct cs_pod *make_pod(void)
{
	static const char *const selectors[] = { "", ", labelSelector: {}",
						 ", labelSelector: {matchLabels: {app: web}}" };
	char spec[2048] = "topologySpreadConstraints: [";
	for (uint32_t i = 0; i < cluster.n_constraints; i++) {
		const struct constraint *c = &cluster.constraints[i];
		size_t used = strlen(spec);
		char domains[32] = "";
		if (c->min_domains)
			snprintf(domains, sizeof(domains), ", minDomains: %d", c->min_domains);
		snprintf(
			spec + used, sizeof(spec) - used,
			"{topologyKey: %s, maxSkew: %d, whenUnsatisfiable: %s, nodeAffinityPolicy: "
			"%s, nodeTaintsPolicy: %s%s%s}, ",
			keys[c->key], c->max_skew, c->hard ? "DoNotSchedule" : "ScheduleAnyway",
			c->honors_affinity ? "Honor" : "Ignore",
			c->honors_taints ? "Honor" : "Ignore", domains, selectors[c->selector]);
	}
	ck_assert_int_eq(
		apply_pod(
			&world,
			read_pod(&world,
				 "{metadata: {name: p, namespace: default, uid: p, labels: {%s}}, "
				 "spec: {%s]%s%s}}",
				 cluster.matches ? "app: web, x: y1" : "x: y1", spec,
				 cluster.selects ? ", nodeSelector: {pool: x}" : "",
				 cluster.tolerates ? ", tolerations: [{operator: Exists}]" : "")),
		0);
	struct cs_pod *pod = world.change.pod;
	if (cluster.service) // what it selects is what the constraints count
		ck_assert_int_eq(apply_object(&world, &cs_kind_service,
					      "{metadata: {name: s, namespace: default}, spec: "
					      "{selector: {app: web}}}"),
				 0);
	return pod;
}

// ---- the rules ----

struct rules {
	uint32_t n;
	struct constraint list[CONSTRAINTS_MAX];
	bool all_keys;
};

static struct rules rules_for(bool hard)
{
	static const struct constraint defaults[] = {
		{ .key = KEY_HOST, .max_skew = 3, .honors_affinity = true, .selector = 2 },
		{ .key = KEY_ZONE, .max_skew = 5, .honors_affinity = true, .selector = 2 },
	};
	struct rules rules = { .all_keys = cluster.n_constraints || !cluster.system };
	bool own = cluster.n_constraints > 0;
	bool selected = cluster.service && cluster.matches;
	uint32_t n = own ? cluster.n_constraints : selected ? 2 : 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct constraint *c = own ? &cluster.constraints[i] : &defaults[i];
		if (c->hard == hard)
			rules.list[rules.n++] = *c;
	}
	return rules;
}

static bool has_all(const struct rules *rules, const struct node *node)
{
	for (uint32_t i = 0; i < rules->n; i++)
		if (!has(node, rules->list[i].key))
			return false;
	return true;
}

static bool passes(const struct constraint *c, const struct node *node)
{
	return !(c->honors_affinity && cluster.selects && !node->selected) &&
	       !(c->honors_taints && !cluster.tolerates && node->tainted);
}

static int pods_on(const struct constraint *c, const struct node *node)
{
	return c->selector == 2 ? (int)node->matching : 0;
}

// Pods in a domain by its value; -1: no node that counts is in it.
static int pods_in(const struct rules *rules, const struct constraint *c, const char *value)
{
	int count = -1;
	for (uint32_t i = 0; i < cluster.n_nodes; i++) {
		const struct node *node = &cluster.nodes[i];
		if ((rules->all_keys && !has_all(rules, node)) || !passes(c, node))
			continue;
		const char *own = has(node, c->key) ? node->labels[c->key] : "";
		if (strcmp(own, value) == 0)
			count = (count < 0 ? 0 : count) + pods_on(c, node);
	}
	return count;
}

static bool is_first(const struct rules *rules, const struct constraint *c, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (has_all(rules, &cluster.nodes[i]) && passes(c, &cluster.nodes[i]) &&
		    strcmp(cluster.nodes[i].labels[c->key], cluster.nodes[at].labels[c->key]) == 0)
			return false;
	return has_all(rules, &cluster.nodes[at]) && passes(c, &cluster.nodes[at]);
}

static int least(const struct rules *rules, const struct constraint *c)
{
	int min = INT32_MAX, domains = 0;
	for (uint32_t i = 0; i < cluster.n_nodes; i++) {
		if (!is_first(rules, c, i))
			continue;
		int count = pods_in(rules, c, cluster.nodes[i].labels[c->key]);
		min = count < min ? count : min;
		domains++;
	}
	return domains < (c->min_domains ? c->min_domains : 1) ? 0 : min;
}

static uint8_t verdict_of(const struct rules *rules, const int *leasts, const struct node *node)
{
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct constraint *c = &rules->list[i];
		if (!has(node, c->key))
			return CS_VERDICT_UNRESOLVABLE;
		int count = pods_in(rules, c, node->labels[c->key]);
		int self = c->selector == 1 || (c->selector == 2 && cluster.matches);
		if ((count < 0 ? 0 : count) + self - leasts[i] > c->max_skew)
			return CS_VERDICT_UNSCHEDULABLE;
	}
	return CS_VERDICT_FITS;
}

static double weight_of(const struct rules *rules, const struct constraint *c)
{
	uint32_t size = 0;
	const char *values[NODES_MAX];
	for (uint32_t i = 0; i < cluster.n_nodes; i++) {
		const struct node *node = &cluster.nodes[i];
		if (!node->feasible || (rules->all_keys && !has_all(rules, node)))
			continue;
		const char *value = has(node, c->key) ? node->labels[c->key] : "";
		bool known = false;
		for (uint32_t k = 0; k < size && c->key != KEY_HOST; k++)
			known |= strcmp(values[k], value) == 0;
		if (!known)
			values[size++] = value;
	}
	return log(size + 2);
}

static int64_t raw_score(const struct rules *rules, const double *weights, const struct node *node)
{
	double score = 0;
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct constraint *c = &rules->list[i];
		if (!has(node, c->key))
			continue;
		int count = c->key == KEY_HOST ? pods_on(c, node)
					       : pods_in(rules, c, node->labels[c->key]);
		score += (count < 0 ? 0 : count) * weights[i] + (c->max_skew - 1);
	}
	return (int64_t)round(score);
}

static void expect_scores(const struct rules *rules, const uint8_t *out)
{
	double weights[CONSTRAINTS_MAX];
	for (uint32_t i = 0; i < rules->n; i++)
		weights[i] = weight_of(rules, &rules->list[i]);
	int64_t min = INT64_MAX, max = 0;
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < cluster.n_nodes; i++) {
			const struct node *node = &cluster.nodes[i];
			bool ignored = rules->all_keys && !has_all(rules, node);
			if (!node->feasible || (pass == 0 && ignored))
				continue;
			int64_t s = raw_score(rules, weights, node);
			min = pass == 0 && s < min ? s : min;
			max = pass == 0 && s > max ? s : max;
			int64_t score = ignored ? 0 : max ? 100 * (max + min - s) / max : 100;
			if (pass == 1)
				ck_assert_msg(out[node->row] == score, "n%u: %d, not %lld", i,
					      out[node->row], (long long)score);
		}
	}
}

// ---- the plugin ----

static const struct cs_plugin *plugin(void)
{
	const struct cs_plugin *const *at = cs_plugins;
	while (strcmp((*at)->name, "PodTopologySpread") != 0)
		at++;
	return *at;
}

static void begin(struct cs_plugin_instance *instance)
{
	static const char list[] = "{\"defaultingType\":\"List\",\"defaultConstraints\":["
				   "{\"topologyKey\":\"" HOST
				   "\",\"maxSkew\":3,\"whenUnsatisfiable\":\"ScheduleAnyway\"},"
				   "{\"topologyKey\":\"" ZONE
				   "\",\"maxSkew\":5,\"whenUnsatisfiable\":\"ScheduleAnyway\"}]}";
	CS_AUTO_VALUE struct json_object *args = NULL;
	if (!cluster.system)
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(list), &args, NULL), 0);
	*instance = (struct cs_plugin_instance){ .plugin = plugin(), .weight = 2 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	ck_assert_int_eq(plugin()->configure(args, &instance->args, &errors), 0);
	instance->attached = plugin()->attach(world.cluster, instance->args);
}

static void compare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *instance)
{
	static uint8_t verdict[NODES_MAX];
	struct rules rules = rules_for(true);
	enum cs_prepare prepared = plugin()->prepare_filter(cycle, instance);
	ck_assert_int_eq(prepared, rules.n ? CS_PREPARE_GO : CS_PREPARE_SKIP);
	if (rules.n == 0)
		return;
	int leasts[CONSTRAINTS_MAX];
	rules.all_keys = true;
	for (uint32_t i = 0; i < rules.n; i++)
		leasts[i] = least(&rules, &rules.list[i]);
	plugin()->filter(cycle, instance, (struct cs_rows){ 0, world.nodes->n_rows }, verdict);
	for (uint32_t i = 0; i < cluster.n_nodes; i++)
		ck_assert_msg(verdict[cluster.nodes[i].row] ==
				      verdict_of(&rules, leasts, &cluster.nodes[i]),
			      "n%u: %d", i, verdict[cluster.nodes[i].row]);
}

static void compare_scores(struct cs_cycle *cycle, struct cs_plugin_instance *instance)
{
	static uint32_t feasible[NODES_MAX];
	static uint8_t out[NODES_MAX];
	uint32_t n = 0;
	for (uint32_t row = 0; row < world.nodes->n_rows; row++)
		for (uint32_t i = 0; i < cluster.n_nodes; i++)
			if (cluster.nodes[i].row == row && cluster.nodes[i].feasible)
				feasible[n++] = row;
	if (n < 2)
		return;
	pass_rows(cycle, feasible, n);
	struct rules rules = rules_for(false);
	enum cs_prepare prepared = plugin()->prepare_score(cycle, instance);
	ck_assert_int_eq(prepared, rules.n ? CS_PREPARE_GO : CS_PREPARE_SKIP);
	if (rules.n == 0)
		return;
	plugin()->score(cycle, instance, (struct cs_rows){ 0, world.nodes->n_rows }, out);
	expect_scores(&rules, out);
	int64_t one = -1;
	uint32_t row = feasible[below(n)];
	one = out[row];
	out[row] = 0xee;
	plugin()->score(cycle, instance, (struct cs_rows){ row, row + 1 }, out);
	ck_assert_int_eq(out[row], one);
}

START_TEST(as_the_rules_say)
{
	cs_random_init(&random_, (uint64_t)_i + 1);
	world_begin(&world);
	scratch = cs_arena_create();
	cluster.n_nodes = below(4) ? 1 + below(NODES_MAX) : 1 + below(5);
	static const uint32_t missing[] = { 0, 0, 4, 20 };
	uint32_t n_zones = 1 + below(5);
	struct holes holes = { .without = missing[below(4)], .hosts_too = below(2) };
	for (uint32_t i = 0; i < cluster.n_nodes; i++)
		make_node(&cluster.nodes[i], i, n_zones, holes);
	make_pods(below(3) ? below(12) : below(4 * cluster.n_nodes));
	make_constraints();
	struct cs_pod *pod = make_pod();
	struct cs_plugin_instance instance;
	begin(&instance);
	struct cs_cycle cycle = {
		.cluster = world.cluster,
		.nodes = world.nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = scratch,
	};
	compare_filter(&cycle, &instance);
	compare_scores(&cycle, &instance);
	plugin()->detach(world.cluster, instance.attached);
	plugin()->free_args(instance.args);
	cs_arena_destroy(scratch);
	world_end(&world);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/spread_random");
	TCase *tcase = tcase_create("spread_random");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, as_the_rules_say, 0, 300);
	suite_add_tcase(suite, tcase);
	return suite;
}
