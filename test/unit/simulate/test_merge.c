// Label keys merged into selectors, as the API server does. Neighbours: lib/simulate/merge.c.
#include "../check_main.h"
#include "../read_object.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/kube/codec.h>
#include <simulate/merge.h>

#define TEXT_MAX (1u << 20)

static struct cs_arena *arena;

static void setup(void)
{
	arena = cs_arena_create();
}

static void teardown(void)
{
	cs_arena_destroy(arena);
}

static Kube__Pod *read_pod(const char *text)
{
	return (Kube__Pod *)read_object(&cs_kind_pod, text, arena);
}

static char *print_spec(const Kube__PodSpec *spec)
{
	struct cs_buffer out;
	struct cs_json_writer json;
	cs_buffer_init(&out, TEXT_MAX);
	cs_json_init(&json, &out);
	cs_codec_write(NULL, &spec->base, &json);
	return cs_buffer_take(&out);
}

#define METADATA "metadata: {labels: {app: web, tier: front}}\n"

static void check_merge(const char *text, const char *wanted)
{
	const Kube__Pod *pod = read_pod(text);
	CS_AUTO_FREE char *before = print_spec(pod->spec);
	const Kube__PodSpec *merged = merge_label_keys(arena, pod->spec, pod->metadata);
	CS_AUTO_FREE char *after = print_spec(merged);
	CS_AUTO_FREE char *still = print_spec(pod->spec);
	ck_assert_str_eq(before, still);
	ck_assert_str_eq(after, wanted);
}

START_TEST(spread_constraints)
{
	static const char text[] = METADATA
		"spec: {topologySpreadConstraints: [{topologyKey: z, matchLabelKeys: [app, "
		"gone], labelSelector: {matchExpressions: [{key: k, operator: Exists}]}}, "
		"{topologyKey: w, matchLabelKeys: [app]}, {topologyKey: x}]}\n";
	ck_assert(merge_needed(read_pod(text)->spec));
	check_merge(
		text,
		"{\"topologySpreadConstraints\":[{\"topologyKey\":\"z\",\"labelSelector\":"
		"{\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"Exists\"},{\"key\":\"app\","
		"\"operator\":\"In\",\"values\":[\"web\"]}]},\"matchLabelKeys\":[\"app\",\"gone\"]}"
		","
		"{\"topologyKey\":\"w\",\"matchLabelKeys\":[\"app\"]},{\"topologyKey\":\"x\"}]}");
}
END_TEST

static const char *const kinds[] = { "podAffinity", "podAntiAffinity" };

START_TEST(affinity_terms)
{
	CS_AUTO_FREE char *text = cs_asprintf(
		METADATA
		"spec: {affinity: {%s: {requiredDuringSchedulingIgnoredDuringExecution: "
		"[{topologyKey: z, matchLabelKeys: [app], mismatchLabelKeys: [tier], "
		"labelSelector: "
		"{}}, {topologyKey: w, matchLabelKeys: [app]}], "
		"preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3, podAffinityTerm: "
		"{topologyKey: z, mismatchLabelKeys: [app], labelSelector: {}}}]}}}\n",
		kinds[_i]);
	CS_AUTO_FREE char *wanted = cs_asprintf(
		"{\"affinity\":{\"%s\":{\"requiredDuringSchedulingIgnoredDuringExecution\":"
		"[{\"labelSelector\":{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\","
		"\"values\":[\"web\"]},{\"key\":\"tier\",\"operator\":\"NotIn\",\"values\":"
		"[\"front\"]}]},\"topologyKey\":\"z\",\"matchLabelKeys\":[\"app\"],"
		"\"mismatchLabelKeys\":[\"tier\"]},{\"topologyKey\":\"w\",\"matchLabelKeys\":"
		"[\"app\"]}],\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":3,"
		"\"podAffinityTerm\":{\"labelSelector\":{\"matchExpressions\":[{\"key\":\"app\","
		"\"operator\":\"NotIn\",\"values\":[\"web\"]}]},\"topologyKey\":\"z\","
		"\"mismatchLabelKeys\":[\"app\"]}}]}}}",
		kinds[_i]);
	ck_assert(merge_needed(read_pod(text)->spec));
	check_merge(text, wanted);
}
END_TEST

START_TEST(most_pods_need_nothing)
{
	ck_assert(!merge_needed(read_pod("spec: {}")->spec));
	ck_assert(!merge_needed(
		read_pod("spec: {topologySpreadConstraints: [{topologyKey: x}], affinity: "
			 "{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
			 "[{topologyKey: x}], preferredDuringSchedulingIgnoredDuringExecution: "
			 "[{weight: 1}]}, podAntiAffinity: {}}}")
			->spec));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("simulate merge");
	TCase *tcase = tcase_create("merge");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, spread_constraints);
	tcase_add_loop_test(tcase, affinity_terms, 0, CS_ARRAY_LENGTH(kinds));
	tcase_add_test(tcase, most_pods_need_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}
