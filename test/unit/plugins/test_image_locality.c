// ImageLocality with upstream's numbers. Neighbours: lib/plugins/image_locality.c. Names,
// sizes and rows are the cluster's suite's business (test_image.c).
#include <inttypes.h>

#include <csched/base/memory.h>

#include "run.h"

static struct world world;
static struct run run;

#define MIB INT64_C(1048576)

static void setup(void)
{
	run_begin(&run, &world);
	run_configure(&run, "ImageLocality", NULL);
}

static void teardown(void)
{
	run_end(&run);
}

// A node that has one image of so many bytes, or none.
static void node(const char *name, const char *image, int64_t size)
{
	const char *inside =
		image ? cs_arena_printf(world.arena,
					"status: {images: [{names: ['%s'], sizeBytes: %" PRId64
					"}]}",
					image, size)
		      : "status: {}";
	add_node(&world, name, inside);
}

static const char *scores(const char *spec)
{
	run_score(&run, add_pod(&world, "p", spec));
	return run_scores(&run);
}

#define ONE "containers: [{image: 'i:1'}]"

// One node of two has the image.
static const struct {
	int64_t size;
	const char *spec;
	const char *scores;
} table[] = {
	{ 46 * MIB, ONE, "a=0 b=0" }, // 23 MiB is the least
	// (512 - 23) * 100 / (1000 - 23)
	{ 1024 * MIB, ONE, "a=50 b=0" },
	{ 2000 * MIB, ONE, "a=100 b=0" },
	{ 2000 * MIB - 2, ONE, "a=99 b=0" },
	{ 5000 * MIB, ONE, "a=100 b=0" },
	// (1024 - 23) * 100 / (2000 - 23)
	{ 2048 * MIB, "containers: [{image: 'i:1'}, {image: other}]", "a=50 b=0" },
	{ 2048 * MIB, "containers: [{image: 'i:1'}], initContainers: [{image: other}]",
	  "a=50 b=0" },
	// Named twice it counts twice.
	{ 1024 * MIB, "containers: [{image: 'i:1'}, {image: 'i:1'}]", "a=50 b=0" },
	{ 1024 * MIB, "containers: [{image: 'i:1'}], initContainers: [{image: 'i:1'}]",
	  "a=50 b=0" },
	// Image volumes add, but not to the scale.
	{ 1024 * MIB,
	  "containers: [{image: other}], volumes: [{name: v, image: {reference: 'i:1'}}]",
	  "a=50 b=0" },
	{ 1024 * MIB,
	  "containers: [{image: 'i:1'}], volumes: [{name: v, image: {reference: 'i:1'}}]",
	  "a=100 b=0" },
	{ 0, ONE, "a=0 b=0" },
	{ -5, ONE, "a=0 b=0" },
	// float64(size) is 2^63, half of it fits; twice that wraps around to the least.
	{ INT64_MAX, ONE, "a=100 b=0" },
	{ INT64_MAX, "containers: [{image: 'i:1'}, {image: 'i:1'}]", "a=0 b=0" },
};

START_TEST(numbers)
{
	node("a", "i:1", table[_i].size);
	node("b", NULL, 0);
	ck_assert_str_eq(scores(table[_i].spec), table[_i].scores);
}
END_TEST

// int64(float64(MaxInt64) * 1.0) is no int64: amd64 makes it the least one.
START_TEST(more_than_an_int64)
{
	node("a", "i:1", INT64_MAX);
	ck_assert_str_eq(scores(ONE), "a=0");
}
END_TEST

START_TEST(nobody_has_it)
{
	node("a", "other:1", 2000 * MIB);
	node("b", NULL, 0);
	ck_assert_str_eq(scores(ONE), "a=0 b=0");
	ck_assert_int_eq(run.prepared, CS_PREPARE_GO); // never skipped
	ck_assert_uint_eq(run.instance.score_version, 0);
	ck_assert(run.instance.scores_nothing);
}
END_TEST

START_TEST(spread_is_rewarded)
{
	node("a", "i:1", 1000 * MIB);
	node("b", "i:1", 7);
	node("c", NULL, 0);
	// 1000 * 2/3 = 666.67 MiB: (666.67 - 23) * 100 / 977
	ck_assert_str_eq(scores(ONE), "a=65 b=65 c=0");
	node("c", "i:1", 7);
	ck_assert_str_eq(scores(ONE), "a=100 b=100 c=100");
}
END_TEST

// What is said of one row depends on all that have the image, and on how many nodes there are.
START_TEST(versions)
{
	node("a", "i:1", 1000 * MIB);
	node("b", "k:1", 1000 * MIB);
	const char *spec = "containers: [{image: 'i:1'}]";
	scores(spec);
	uint64_t first = run.instance.score_version;
	ck_assert_uint_ne(first, 0);
	node("b", "k:1", 900 * MIB); // no image of the pod
	scores(spec);
	ck_assert_uint_eq(run.instance.score_version, first);
	node("c", NULL, 0);
	scores(spec);
	uint64_t second = run.instance.score_version;
	ck_assert_uint_ne(second, first);
	node("c", "i:1", 1);
	scores(spec);
	ck_assert_uint_ne(run.instance.score_version, second);
	node("c", NULL, 0);
	cs_cluster_remove_node(world.cluster, "a");
	ck_assert_str_eq(scores(spec), "b=0 c=0");
	ck_assert_uint_eq(run.instance.score_version, 0);
}
END_TEST

// A range of rows that does not begin at 0, as for changed rows.
START_TEST(some_rows)
{
	node("a", "i:1", 2000 * MIB);
	node("b", "i:1", 1);
	node("c", NULL, 0);
	scores(ONE);
	run.out[0] = run.out[1] = run.out[2] = 0xee;
	run.instance.plugin->score(&run.cycle, &run.instance, (struct cs_rows){ 1, 2 }, run.out);
	ck_assert_int_eq(run.out[0], 0xee);
	ck_assert_int_eq(run.out[1], 100);
	ck_assert_int_eq(run.out[2], 0xee);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/image_locality");
	TCase *tcase = tcase_create("image_locality");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, numbers, 0, CS_ARRAY_LENGTH(table));
	tcase_add_test(tcase, more_than_an_int64);
	tcase_add_test(tcase, nobody_has_it);
	tcase_add_test(tcase, spread_is_rewarded);
	tcase_add_test(tcase, versions);
	tcase_add_test(tcase, some_rows);
	suite_add_tcase(suite, tcase);
	return suite;
}
