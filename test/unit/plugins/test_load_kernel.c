// The loops over load columns, against plain arithmetic in doubles on random rows.
// Neighbours: lib/plugins/load_kernel.c.
#include "../check_main.h"

#include <math.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>

#include "plugins/load_kernel.h"

#define N 2000 // rows, more than a block

static struct cs_random draws;
static double load[2][N], capacity[2][N], quality[N];
static int32_t weight[N];
static int64_t out[N];
static float values[N], base[N];
static uint8_t verdict[N];

static double draw(double most)
{
	return cs_random_unit(&draws) * most;
}

static void setup(void)
{
	static const int32_t weights[] = { 0, 1, 50, 100, 100, 100, 250, 1000 };
	cs_random_init(&draws, 5);
	for (int i = 0; i < N; i++) {
		for (int m = 0; m < 2; m++) {
			load[m][i] = draw(1.2e6);
			capacity[m][i] = draw(1) < 0.1 ? 0 : 1e5 + draw(1e6);
		}
		quality[i] = draw(1) < 0.2 ? 0 : draw(1);
		weight[i] = weights[cs_random_below(&draws, CS_ARRAY_LENGTH(weights))];
	}
}

static struct cs_load_term term(int m)
{
	return (struct cs_load_term){
		.load = load[m],
		.capacity = capacity[m],
		.quality = quality,
		.weight = weight,
	};
}

static void expect_sum(const struct cs_load_part *parts, uint32_t n, struct cs_rows rows)
{
	for (int i = 0; i < N; i++)
		out[i] = -7;
	cs_load_kernel_sum(parts, n, base, rows, out);
	for (uint32_t row = 0; row < N; row++) {
		double sum = (double)base[row];
		for (uint32_t t = 0; t < n; t++) {
			double part =
				(parts[t].load[row] + parts[t].add) * (double)parts[t].inverse[row];
			sum += (double)parts[t].part[row] * (part < 1 ? part : 1);
		}
		if (row < rows.first || row >= rows.end)
			ck_assert_int_eq(out[row], -7);
		else
			ck_assert_double_eq_tol((double)out[row], sum, 0.5 + 1e-3);
	}
}

START_TEST(sums)
{
	static float inverse[2][N], part[2][N];
	for (int i = 0; i < N; i++) {
		base[i] = 25; // three parts are 25 below 0 at least
		for (int m = 0; m < 2; m++) {
			inverse[m][i] = (float)(capacity[m][i] > 0 ? 1 / capacity[m][i] : 0);
			part[m][i] = (m ? 75.0F : -25.0F) * (capacity[m][i] > 0 ? 1.0F : 0.0F);
			base[i] += m ? 0 : -part[m][i];
		}
	}
	const struct cs_load_part parts[] = {
		{ load[0], inverse[0], part[0], 5e4 },
		{ load[1], inverse[1], part[1], 0 },
		{ load[1], inverse[0], part[0], 0 },
	};
	expect_sum(parts, 1, (struct cs_rows){ 0, N });
	expect_sum(parts, 2, (struct cs_rows){ 0, N });
	expect_sum(parts, 3, (struct cs_rows){ 0, N });
	expect_sum(parts, 3, (struct cs_rows){ 17, 1777 });
	expect_sum(parts, 2, (struct cs_rows){ 300, 301 });
	expect_sum(parts, 2, (struct cs_rows){ 17, 1777 });
}
END_TEST

START_TEST(filters)
{
	struct cs_rows rows = { 3, N };
	struct cs_load_term above = term(0);
	cs_load_kernel_weightless(weight, rows, verdict);
	cs_load_kernel_above(&above, 0.5, rows, verdict);
	for (uint32_t i = rows.first; i < N; i++) {
		bool is =
			capacity[0][i] > 0 && quality[i] > 0 && load[0][i] >= 0.5 * capacity[0][i];
		ck_assert_int_eq(verdict[i], weight[i] == 0 ? CS_VERDICT_UNRESOLVABLE
					     : is           ? CS_VERDICT_UNSCHEDULABLE
							    : CS_VERDICT_FITS);
	}
}
END_TEST

// Just at the threshold, and of a metric of which more is better: full at its min.
START_TEST(filter_bounds)
{
	double loads[] = { 49, 50, 51, 10, 30 };
	double capacities[] = { 100, 100, 100, 50, 50 };
	double known[] = { 1, 1, 1, 1, 1 };
	struct cs_load_term t = { .load = loads, .capacity = capacities, .quality = known };
	struct cs_rows rows = { 0, 3 };
	memset(verdict, 0, sizeof(verdict));
	cs_load_kernel_above(&t, 0.5, rows, verdict);
	ck_assert_int_eq(verdict[0], 0);
	ck_assert_int_eq(verdict[1], 1);
	ck_assert_int_eq(verdict[2], 1);
	t.flip = true;
	t.min = 10;
	cs_load_kernel_above(&t, 0.6, (struct cs_rows){ 3, 5 }, verdict);
	ck_assert_int_eq(verdict[3], 1); // nothing is left of it
	ck_assert_int_eq(verdict[4], 0); // half is
}
END_TEST

START_TEST(worths_and_ranges)
{
	struct cs_load_worth worth = { .load = load[0], .weight = weight, .add = 1000 };
	float least = INFINITY, greatest = 0;
	cs_load_kernel_worth(&worth, (struct cs_rows){ 0, N }, values);
	for (int i = 0; i < N; i++) {
		double wanted = weight[i] / (load[0][i] + 1000);
		ck_assert_double_eq_tol((double)values[i], wanted, wanted * 1e-5 + 1e-12);
		least = values[i] < least ? values[i] : least;
		greatest = values[i] > greatest ? values[i] : greatest;
	}
	struct cs_load_range all = cs_load_kernel_range(values, NULL, N);
	ck_assert(all.least == least && all.greatest == greatest);
	const double nothing[] = { 0 };
	const int32_t much[] = { 1000 };
	worth = (struct cs_load_worth){ .load = nothing, .weight = much };
	cs_load_kernel_worth(&worth, (struct cs_rows){ 0, 1 }, values);
	ck_assert(isfinite(values[0]));
	const uint32_t some[] = { 5, 7, 900 };
	values[5] = 3;
	values[7] = 0;
	values[900] = 9;
	struct cs_load_range range = cs_load_kernel_range(values, some, 3);
	ck_assert(range.least == 0 && range.greatest == 9);
	const double limits[] = { 1, 0, 2 };
	const uint32_t ends[] = { 0, 2 };
	ck_assert(!cs_load_kernel_all_positive(limits, NULL, 3));
	ck_assert(cs_load_kernel_all_positive(limits, ends, 2));
}
END_TEST

START_TEST(scores)
{
	static struct cs_load_curve curve;
	const float greatest = 5;
	for (int i = 0; i <= CS_LOAD_CURVE_STEPS; i++)
		curve.score[i] = (uint8_t)(100.0 * i / CS_LOAD_CURVE_STEPS + 0.5);
	for (int i = 0; i < N; i++)
		values[i] = (float)draw(6); // some rows are not feasible, and better
	values[1] = greatest;
	values[2] = 0;
	for (int by_curve = 0; by_curve < 2; by_curve++) {
		struct cs_rows rows = { 1, N };
		if (by_curve)
			cs_load_kernel_curve(values, greatest, &curve, rows, out);
		else
			cs_load_kernel_share(values, greatest, rows, out);
		ck_assert_int_eq(out[1], 100);
		ck_assert_int_eq(out[2], 0);
		for (int i = 1; i < N; i++) {
			double wanted = 100 * (double)values[i] / greatest;
			ck_assert_double_eq_tol((double)out[i], wanted < 100 ? wanted : 100, 0.52);
		}
	}
}
END_TEST

START_TEST(rests)
{
	// Weight 100 per load: load 100, 400, 1500 of 1000; nothing is known of the last.
	const float worths[] = { 1, 0.25F, 100.0F / 1500, 1 };
	const double limits[] = { 1000, 1000, 1000, 0 };
	cs_load_kernel_rest(worths, limits, (struct cs_rows){ 0, 4 }, out);
	ck_assert_int_eq(out[0], 90);
	ck_assert_int_eq(out[1], 60);
	ck_assert_int_eq(out[2], 0);
	ck_assert_int_eq(out[3], 0);
}
END_TEST

// Rows that are not feasible may be worth more than any number of steps, or nothing that is one.
START_TEST(beyond_all_bounds)
{
	static struct cs_load_curve curve;
	const float worths[] = { 1e22F, 5e3F, 2.5e3F, INFINITY, NAN, 0 };
	int64_t wide[CS_ARRAY_LENGTH(worths)];
	const struct cs_rows rows = { 0, CS_ARRAY_LENGTH(worths) };
	for (int i = 0; i <= CS_LOAD_CURVE_STEPS; i++)
		curve.score[i] = (uint8_t)(100.0 * i / CS_LOAD_CURVE_STEPS + 0.5);
	for (int by_curve = 0; by_curve < 2; by_curve++) {
		static const int64_t wanted[] = { 100, 100, 50, 100, 100, 0 };
		if (by_curve)
			cs_load_kernel_curve(worths, 5e3F, &curve, rows, wide);
		else
			cs_load_kernel_share(worths, 5e3F, rows, wide);
		for (size_t i = 0; i < CS_ARRAY_LENGTH(wanted); i++)
			ck_assert_int_eq(wide[i], wanted[i]);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/load_kernel");
	TCase *tcase = tcase_create("load_kernel");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, beyond_all_bounds);
	tcase_add_test(tcase, sums);
	tcase_add_test(tcase, filters);
	tcase_add_test(tcase, filter_bounds);
	tcase_add_test(tcase, worths_and_ranges);
	tcase_add_test(tcase, scores);
	tcase_add_test(tcase, rests);
	suite_add_tcase(suite, tcase);
	return suite;
}
