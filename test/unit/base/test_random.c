// Tests of random numbers and clocks: known values, bounds, evenness.
// Neighbours: lib/base/random.c, lib/base/clock.c.
#include "../check_main.h"

#include <csched/base/clock.h>
#include <csched/base/random.h>

START_TEST(xoshiro_from_a_known_state)
{
	// The generator's first values from state 1, 2, 3, 4, worked out by its definition.
	static const uint64_t want[] = { UINT64_C(11520), 0, UINT64_C(1509978240),
					 UINT64_C(1215971899390074240) };
	struct cs_random random = { { 1, 2, 3, 4 } };
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(cs_random_next(&random), want[i]);
}
END_TEST

START_TEST(splitmix_fills_the_state)
{
	struct cs_random random;
	cs_random_init(&random, 0); // splitmix64's first value from 0 is well known
	ck_assert_uint_eq(random.state[0], UINT64_C(0xe220a8397b1dcdaf));
	ck_assert_uint_eq(random.state[1], UINT64_C(0x6e789e6aa1b965f4));
}
END_TEST

START_TEST(same_seed_same_numbers)
{
	struct cs_random a, b, c;
	cs_random_init(&a, 7);
	cs_random_init(&b, 7);
	cs_random_init(&c, 8);
	int differ = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t x = cs_random_next(&a);
		ck_assert_uint_eq(x, cs_random_next(&b));
		differ += x != cs_random_next(&c);
	}
	ck_assert_int_eq(differ, 1000);
}
END_TEST

START_TEST(below_is_even)
{
	struct cs_random random;
	unsigned counts[7] = { 0 };
	cs_random_init(&random, 3);
	for (int i = 0; i < 70000; i++)
		counts[cs_random_below(&random, 7)]++;
	for (int i = 0; i < 7; i++) { // 10000 expected, standard deviation 93
		ck_assert_uint_gt(counts[i], 9400);
		ck_assert_uint_lt(counts[i], 10600);
	}
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(cs_random_below(&random, 1), 0);
	// With two thirds of the range a biased reduction would favour the lower half two to one.
	uint64_t n = UINT64_C(0xAAAAAAAAAAAAAAAA);
	unsigned low = 0;
	for (int i = 0; i < 30000; i++) {
		uint64_t v = cs_random_below(&random, n);
		ck_assert_uint_lt(v, n);
		low += v < n / 2;
	}
	ck_assert_uint_gt(low, 14400);
	ck_assert_uint_lt(low, 15600);
}
END_TEST

START_TEST(unit_is_in_its_range)
{
	struct cs_random random;
	double sum = 0;
	cs_random_init(&random, 3);
	for (int i = 0; i < 100000; i++) {
		double v = cs_random_unit(&random);
		ck_assert(v >= 0 && v < 1);
		sum += v;
	}
	ck_assert_double_eq_tol(sum / 100000, 0.5, 0.01);
}
END_TEST

START_TEST(jitter_as_client_go)
{
	struct cs_random random;
	cs_random_init(&random, 3);
	int64_t low = INT64_MAX;
	int64_t high = 0;
	for (int i = 0; i < 10000; i++) {
		int64_t v = cs_random_jitter(&random, 2 * CS_SECOND, 1.2);
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	ck_assert_int_ge(low, 2 * CS_SECOND);
	ck_assert_int_lt(low, 2 * CS_SECOND + CS_SECOND / 100);
	ck_assert_int_le(high, 44 * CS_SECOND / 10);
	ck_assert_int_gt(high, 43 * CS_SECOND / 10);
	for (int i = 0; i < 1000; i++) { // no factor counts as 1
		int64_t v = cs_random_jitter(&random, 100, 0);
		ck_assert(v >= 100 && v <= 200);
		v = cs_random_jitter(&random, 100, -3);
		ck_assert(v >= 100 && v <= 200);
		ck_assert_int_eq(cs_random_jitter(&random, 0, 1), 0);
		ck_assert_int_ge(cs_random_jitter(&random, INT64_MAX - 5, 2), INT64_MAX - 5);
	}
}
END_TEST

START_TEST(seeds_differ)
{
	ck_assert_uint_ne(cs_random_seed(), cs_random_seed());
}
END_TEST

START_TEST(clock_goes_on)
{
	struct cs_clock clock = cs_clock_system();
	struct cs_time a = cs_clock_now(&clock);
	ck_assert_int_gt(a.boot, 0);
	ck_assert_int_gt(a.wall, INT64_C(1577836800) * CS_SECOND); // after 2020
	for (int i = 0; i < 1000; i++) {
		struct cs_time b = cs_clock_now(&clock);
		ck_assert_int_ge(b.boot, a.boot);
		a = b;
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("random");
	TCase *tc = tcase_create("random");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, xoshiro_from_a_known_state);
	tcase_add_test(tc, splitmix_fills_the_state);
	tcase_add_test(tc, same_seed_same_numbers);
	tcase_add_test(tc, below_is_even);
	tcase_add_test(tc, unit_is_in_its_range);
	tcase_add_test(tc, jitter_as_client_go);
	tcase_add_test(tc, seeds_differ);
	tcase_add_test(tc, clock_goes_on);
	suite_add_tcase(suite, tc);
	return suite;
}
