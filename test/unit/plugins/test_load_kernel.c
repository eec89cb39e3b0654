// The loops over load columns, against plain arithmetic in doubles on random rows.
// Neighbours: lib/plugins/load_kernel.c.
#include "../check_main.h"

#include <math.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>

#include "plugins/load_kernel.h"

#define N 1000 // rows, more than a block

static struct cs_random draws;
static double load[2][N], capacity[2][N], quality[N];
static int32_t weight[N];
static int64_t out[N];
static float values[N];
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

static struct cs_load_term term(int m, double share)
{
	return (struct cs_load_term){
		.load = load[m],
		.capacity = capacity[m],
		.quality = quality,
		.weight = weight,
		.add = 5e4,
		.share = share,
	};
}

static double full(const struct cs_load_term *t, int i, bool *has)
{
	double room = t->capacity[i] * (t->weight ? t->weight[i] / 100.0 : 1) - t->min;
	double part = (t->load[i] + t->add - t->min) / (room > 0 ? room : 1);
	*has = room > 0;
	part = part < 0 ? 0 : part > 1 ? 1 : part;
	return t->flip ? 1 - part : part;
}

static void expect_free(const struct cs_load_term *terms, uint32_t n, struct cs_rows rows)
{
	for (int i = 0; i < N; i++)
		out[i] = -7;
	cs_load_kernel_free(terms, n, rows, out);
	for (uint32_t row = 0; row < N; row++) {
		double sum = 0, shares = 0;
		for (uint32_t t = 0; t < n; t++) {
			bool has;
			double part = full(&terms[t], (int)row, &has);
			sum += has ? (1 - part) * terms[t].share : 0;
			shares += has ? terms[t].share : 0;
		}
		double wanted = shares > 0 ? 100 * sum / shares : 0;
		if (row < rows.first || row >= rows.end)
			ck_assert_int_eq(out[row], -7);
		else
			ck_assert_double_eq_tol((double)out[row], wanted, 0.5 + 1e-3);
	}
}

START_TEST(free_share)
{
	struct cs_load_term terms[] = { term(0, 1), term(1, 3) };
	expect_free(terms, 1, (struct cs_rows){ 0, N });
	expect_free(terms, 2, (struct cs_rows){ 0, N });
	expect_free(terms, 2, (struct cs_rows){ 300, 301 });
	expect_free(terms, 2, (struct cs_rows){ 17, 777 });
	terms[1].weight = NULL;
	terms[1].flip = true;
	terms[1].min = 2e4;
	expect_free(terms, 2, (struct cs_rows){ 0, N });
}
END_TEST

START_TEST(filters)
{
	struct cs_rows rows = { 3, N };
	struct cs_load_term above = term(0, 1);
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

START_TEST(ratios_and_ranges)
{
	struct cs_load_ratio ratio = { .load = load[0], .weight = weight, .add = 1000 };
	struct cs_rows rows = { 0, N };
	for (int with = 0; with < 2; with++) {
		ratio.capacity = with ? capacity[0] : NULL;
		cs_load_kernel_ratio(&ratio, rows, values);
		float least = INFINITY, greatest = 0;
		for (int i = 0; i < N; i++) {
			double room = with && capacity[0][i] > 0 ? capacity[0][i] : 1;
			double w = weight[i] > 0 ? weight[i] : 1;
			double wanted = (load[0][i] + 1000) / (w / 100) / room;
			ck_assert_double_eq_tol((double)values[i], wanted, wanted * 1e-5);
			least = values[i] < least ? values[i] : least;
			greatest = values[i] > greatest ? values[i] : greatest;
		}
		struct cs_load_range all = cs_load_kernel_range(values, NULL, N);
		ck_assert(all.least == least && all.greatest == greatest);
	}
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
	for (int i = 0; i <= CS_LOAD_CURVE_STEPS; i++)
		curve.score[i] = (uint8_t)(100.0 * i / CS_LOAD_CURVE_STEPS + 0.5);
	for (int i = 0; i < N; i++)
		values[i] = 0.2F + (float)draw(3);
	values[1] = 0.2F;
	cs_load_kernel_curve(values, 0.2F, &curve, (struct cs_rows){ 1, N }, out);
	ck_assert_int_eq(out[1], 100);
	for (int i = 1; i < N; i++)
		ck_assert_double_eq_tol((double)out[i], 100 * 0.2 / (double)values[i], 0.52);
	cs_load_kernel_rest(values, (struct cs_rows){ 1, N }, out);
	for (int i = 1; i < N; i++) {
		double rest = 1 - (double)values[i];
		ck_assert_double_eq_tol((double)out[i], rest > 0 ? 100 * rest : 0, 0.51);
	}
	values[0] = 0;
	values[1] = 1;
	cs_load_kernel_curve(values, 0, &curve, (struct cs_rows){ 0, 2 }, out);
	ck_assert_int_eq(out[0], 100);
	ck_assert_int_eq(out[1], 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/load_kernel");
	TCase *tcase = tcase_create("load_kernel");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, free_share);
	tcase_add_test(tcase, filters);
	tcase_add_test(tcase, filter_bounds);
	tcase_add_test(tcase, ratios_and_ranges);
	tcase_add_test(tcase, scores);
	suite_add_tcase(suite, tcase);
	return suite;
}
