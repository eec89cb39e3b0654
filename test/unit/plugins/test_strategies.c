// NodeResourcesFit's scoring strategies on a node, and what BalancedAllocation counts of a pod:
// values by upstream's formulas.
// Neighbours: lib/plugins/node_resources_fit.c; test_kernel.c has the loops, test_rules.c the
// default strategy.

#include <stdio.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "../cluster/world.h"
#include "plugins/plugins.h"

static struct world world;
static struct cs_arena *scratch;

static void setup(void)
{
	world_begin(&world);
	scratch = cs_arena_create();
}

static void teardown(void)
{
	cs_arena_destroy(scratch);
	world_end(&world);
}

#define ASK(list) "containers: [{resources: {requests: {" list "}}}]"
#define MOST(resources) \
	"{\"scoringStrategy\":{\"type\":\"MostAllocated\",\"resources\":[" resources "]}}"
#define RATIO(shape, resources)                                                                 \
	"{\"scoringStrategy\":{\"type\":\"RequestedToCapacityRatio\",\"resources\":[" resources \
	"],\"requestedToCapacityRatio\":{\"shape\":[" shape "]}}}"
#define POINT(u, s) "{\"utilization\":" #u ",\"score\":" #s "}"
#define OF(name, w) "{\"name\":\"" name "\",\"weight\":" #w "}"
#define CPU_MEMORY  OF("cpu", 1) "," OF("memory", 1)
#define RISING      POINT(0, 0) "," POINT(100, 10)
#define FALLING     POINT(0, 10) "," POINT(100, 0)

static const struct {
	const char *name;
	const char *node; // allocatable
	const char *used; // by a pod there; NULL = none
	const char *asked;
	const char *args;
	int64_t want;
} rows[] = {
	// (3000 * 100 / 4000 + 5000 * 100 / 10000) / 2 = (75 + 50) / 2
	{ "most", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"), MOST(CPU_MEMORY),
	  62 },
	{ "most: over the top counts 100", "cpu: 4, memory: 10000", "cpu: 4, memory: 0",
	  ASK("cpu: 1, memory: 5000"), MOST(CPU_MEMORY), 75 },
	// (75 * 1 + 50 * 2) / 3
	{ "most: weights", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"),
	  MOST(OF("cpu", 1) "," OF("memory", 2)), 58 },
	{ "most: defaults count", "cpu: 1, memory: 400Mi", NULL, "containers: [{name: a}]",
	  MOST(CPU_MEMORY), 30 },
	{ "most: ephemeral storage has no defaults", "ephemeral-storage: 10",
	  "ephemeral-storage: 2", ASK("ephemeral-storage: 1"), MOST(OF("ephemeral-storage", 1)),
	  30 },
	{ "most: ephemeral storage counts where the pod asks none", "ephemeral-storage: 10",
	  "ephemeral-storage: 2", ASK("cpu: 1"), MOST(OF("ephemeral-storage", 1)), 20 },
	{ "most: an extended resource does not", "example.com/gpu: 10", "example.com/gpu: 2",
	  ASK("cpu: 1"), MOST(OF("example.com/gpu", 1)), 0 },
	{ "most: hugepages are as extended ones", "hugepages-2Mi: 8Mi", "hugepages-2Mi: 2Mi",
	  ASK("hugepages-2Mi: 2Mi"), MOST(OF("hugepages-2Mi", 1)), 50 },
	{ "most: pods are no resource of scores", "pods: 10, cpu: 2", "cpu: 1", ASK("cpu: 1"),
	  MOST(OF("pods", 50) "," OF("cpu", 1)), 100 },
	{ "most: a name nobody knows is none", "cpu: 2", NULL, ASK("cpu: 1"),
	  MOST(OF("nonsense", 50) "," OF("cpu", 1)), 50 },
	{ "most: the same resource twice counts twice", "cpu: 4, memory: 10000", NULL,
	  ASK("cpu: 3, memory: 5000"), MOST(CPU_MEMORY "," OF("cpu", 1)), 66 },
	{ "most: pod level is not seen", "cpu: 1, memory: 400Mi", NULL,
	  "containers: [{name: a}], resources: {requests: {cpu: 1, memory: 400Mi}}",
	  MOST(CPU_MEMORY), 30 },
	{ "most: a node of 100 TiB", "cpu: 4, memory: 100Ti", NULL, ASK("cpu: 1, memory: 33Ti"),
	  MOST(CPU_MEMORY), 29 },

	{ "ratio: rising", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"),
	  RATIO(RISING, CPU_MEMORY), 63 }, // 62.5 is rounded
	{ "ratio: falling", "cpu: 4, memory: 10000", NULL, ASK("cpu: 3, memory: 5000"),
	  RATIO(FALLING, CPU_MEMORY), 38 }, // 37.5
	// Full on memory: f = 0 leaves it out of both sums.
	{ "ratio: what scores 0 is left out", "cpu: 4, memory: 10000", NULL,
	  ASK("cpu: 3, memory: 10000"), RATIO(FALLING, CPU_MEMORY), 25 },
	{ "ratio: more than there is counts as full", "cpu: 4, memory: 10000", NULL,
	  ASK("cpu: 5, memory: 5000"), RATIO(RISING, CPU_MEMORY), 75 },
	{ "ratio: all 0", "cpu: 4, memory: 10000", NULL, ASK("cpu: 4, memory: 10000"),
	  RATIO(FALLING, CPU_MEMORY), 0 },
	{ "ratio: level before the first point", "cpu: 10", NULL, ASK("cpu: 1"),
	  RATIO(POINT(20, 3) "," POINT(80, 9), OF("cpu", 1)), 30 },
	{ "ratio: level behind the last", "cpu: 10", NULL, ASK("cpu: 9"),
	  RATIO(POINT(20, 3) "," POINT(80, 9), OF("cpu", 1)), 90 },
	{ "ratio: on a point", "cpu: 10", NULL, ASK("cpu: 2"),
	  RATIO(POINT(20, 3) "," POINT(80, 9), OF("cpu", 1)), 30 },
	// 30 + 60 * (33 - 20) / 60
	{ "ratio: between points, cut", "cpu: 1", NULL, ASK("cpu: 333m"),
	  RATIO(POINT(20, 3) "," POINT(80, 9), OF("cpu", 1)), 43 },
	// 100 + (-100) * 33 / 99 = 67 (towards zero)
	{ "ratio: a falling line is cut towards its start", "cpu: 1", NULL, ASK("cpu: 335m"),
	  RATIO(POINT(0, 10) "," POINT(99, 0), OF("cpu", 1)), 67 },
	{ "ratio: one point", "cpu: 1", NULL, ASK("cpu: 1"), RATIO(POINT(50, 7), OF("cpu", 1)),
	  70 },
	// 50 % of 8 GPUs and 25 % of the cpu: (50 * 3 + 25) / 4 = 43.75
	{ "ratio: weights and extended resources", "cpu: 4, example.com/gpu: 8",
	  "example.com/gpu: 2, cpu: 0", ASK("cpu: 1, example.com/gpu: 2"),
	  RATIO(RISING, OF("example.com/gpu", 3) "," OF("cpu", 1)), 44 },
	{ "ratio: a node of 100 TiB", "memory: 100Ti", NULL, ASK("memory: 33Ti"),
	  RATIO(RISING, OF("memory", 1)), 33 },
};

START_TEST(strategies)
{
	const struct cs_plugin *plugin = &cs_plugin_node_resources_fit;
	struct cs_plugin_instance self = { .plugin = plugin, .weight = 1 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	CS_AUTO_VALUE struct json_object *args = NULL;
	struct cs_error err;
	char text[512];
	ck_assert_int_eq(cs_value_read_json(cs_slice_of(rows[_i].args), &args, &err), 0);
	ck_assert_msg(plugin->configure(args, &self.args, &errors) == 0, "%s", errors.list[0]);
	snprintf(text, sizeof(text), "status: {allocatable: {%s}}", rows[_i].node);
	add_node(&world, "n1", text);
	if (rows[_i].used) {
		snprintf(text, sizeof(text), "nodeName: n1, " ASK("%s"), rows[_i].used);
		add_pod(&world, "u", text);
	}
	const struct cs_pod *pod = add_pod(&world, "p", rows[_i].asked);
	struct cs_cycle cycle = {
		.cluster = world.cluster,
		.nodes = world.nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = scratch,
	};
	uint8_t out = 0xee;
	ck_assert_int_eq(plugin->prepare_score(&cycle, &self), CS_PREPARE_GO);
	plugin->score(&cycle, &self, (struct cs_rows){ 0, 1 }, &out);
	ck_assert_msg(out == rows[_i].want, "%s: %d", rows[_i].name, out);
	plugin->free_args(self.args);
}
END_TEST

// Upstream's BalancedAllocation looks at the status of the pod to be placed, Fit does not.
START_TEST(balance_of_a_pod_with_a_status)
{
	const struct cs_plugin *plugin = &cs_plugin_node_resources_balanced_allocation;
	struct cs_plugin_instance self = { .plugin = plugin, .weight = 1 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	ck_assert_int_eq(plugin->configure(NULL, &self.args, &errors), 0);
	add_node(&world, "n1", "status: {allocatable: {cpu: 4, memory: 10000}}");
	uint64_t versions[2];
	for (int i = 0; i < 2; i++) {
		const Kube__Pod *object = read_pod(
			&world,
			"{metadata: {name: p%d, namespace: default, uid: u%d}, spec: "
			"{" ASK("cpu: 2, memory: 5000") "}, status: {containerStatuses: [{name: "
							"%s, "
							"resources: {requests: {cpu: 3}}}]}}",
			i, i, i ? "''" : "b");
		ck_assert_int_eq(apply_pod(&world, object), 0);
		const struct cs_pod *pod = world.change.pod;
		struct cs_cycle cycle = {
			.cluster = world.cluster,
			.nodes = world.nodes,
			.pod = pod,
			.demand = pod->demand,
			.scratch = scratch,
		};
		uint8_t out = 0xee;
		self.score_version = 0;
		ck_assert_int_eq(plugin->prepare_score(&cycle, &self), CS_PREPARE_GO);
		plugin->score(&cycle, &self, (struct cs_rows){ 0, 1 }, &out);
		ck_assert_int_eq(out, i ? 68 : 75);
		versions[i] = self.score_version;
	}
	ck_assert_uint_ne(versions[0], versions[1]);
	plugin->free_args(self.args);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/strategies");
	TCase *tcase = tcase_create("strategies");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, strategies, 0, (int)CS_ARRAY_LENGTH(rows));
	tcase_add_test(tcase, balance_of_a_pod_with_a_status);
	suite_add_tcase(suite, tcase);
	return suite;
}
