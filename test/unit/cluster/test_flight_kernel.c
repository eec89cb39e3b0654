// What pods in flight add up to, against the rule in whole numbers.
// Neighbours: lib/cluster/flight_kernel.c; test_load.c has the rule's worked examples.
#include "../check_main.h"

#include <csched/base/random.h>
#include <math.h>

#include "cluster/flight_kernel.h"

#define N_MAX 70
#define TAKEN INT64_C(1700000000000000000)
#define PART  0x1p17

static struct cs_random dice;
static int64_t came[N_MAX];
static float expected[N_MAX];

static int64_t below(int64_t n)
{
	return (int64_t)cs_random_below(&dice, (uint64_t)n);
}

// Some before, some after, some within the time in which they grow; one that never comes.
static void fill(int64_t longer)
{
	for (uint32_t i = 0; i < N_MAX; i++) {
		came[i] = TAKEN + longer / 2 - below(2 * longer + 3);
		expected[i] = (float)below(1 << 24) / (float)(1 << below(12));
	}
	came[below(N_MAX)] = INT64_MAX / 2;
}

// In parts: expected * lacking / longer, to the nearest.
static double one(uint32_t i, int64_t grown, int64_t longer)
{
	__int128 lacks = (__int128)came[i] - grown;
	lacks = lacks < 0 ? 0 : lacks > longer ? longer : lacks;
	return (double)((__int128)((double)expected[i] * PART) * lacks / longer);
}

START_TEST(sums)
{
	static const int64_t times[] = { 1, 2, 1000000007, 60000000000, 86400000000000 };
	int64_t longer = times[_i];
	for (uint32_t n = 0; n <= N_MAX; n++) {
		fill(longer);
		const struct cs_flight_sample sample = { .grown = TAKEN - longer,
							 .longer = longer,
							 .unit = PART };
		int64_t by_one = 0;
		for (uint32_t i = 0; i < n; i++) {
			int64_t is = cs_flight_kernel_sum(&came[i], &expected[i], 1, &sample);
			double want = one(i, sample.grown, longer);
			ck_assert_double_eq_tol((double)is, want, 1 + 1e-12 * want);
			by_one += is;
		}
		// Whoever is beside it, each adds the same to the last bit.
		ck_assert_int_eq(cs_flight_kernel_sum(came, expected, n, &sample), by_one);
	}
}
END_TEST

// Before any sample all of a pod is lacking, to the last bit.
START_TEST(all_is_lacking)
{
	fill(1000);
	const struct cs_flight_sample sample = { .grown = INT64_MIN / 4 - 300000000000,
						 .longer = 300000000000,
						 .unit = PART };
	for (uint32_t i = 0; i < N_MAX; i++)
		ck_assert_int_eq(cs_flight_kernel_sum(&came[i], &expected[i], 1, &sample),
				 llround((double)expected[i] * PART));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/flight_kernel");
	TCase *tcase = tcase_create("flight_kernel");
	cs_random_init(&dice, 1);
	tcase_add_loop_test(tcase, sums, 0, 5);
	tcase_add_test(tcase, all_is_lacking);
	suite_add_tcase(suite, tcase);
	return suite;
}
