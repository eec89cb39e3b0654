// The loops over load columns, against plain arithmetic in doubles on random rows.
// Neighbours: lib/plugins/load_kernel.c.
#include "../check_main.h"

#include <math.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>

#include "plugins/kernel.h"
#include "plugins/load_kernel.h"

#define N 2000 // rows, more than a block

static struct cs_random draws;
static double load[2][N], capacity[2][N], quality[N];
static int32_t weight[N];
static uint8_t out[N];
static float values[N], base[N], single[2][N];
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
			single[m][i] = (float)load[m][i];
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
		out[i] = 0xee;
	const struct cs_load_sum sum_of = { .parts = parts, .n_parts = n, .base = base };
	cs_load_kernel_sum(&sum_of, rows, out);
	for (uint32_t row = 0; row < N; row++) {
		double sum = (double)base[row];
		for (uint32_t t = 0; t < n; t++) {
			double part = ((double)parts[t].load[row] +
				       parts[t].add * (double)parts[t].strain[row]) *
				      (double)parts[t].inverse[row];
			sum += (double)parts[t].part[row] * (part < 1 ? part : 1);
		}
		if (row < rows.first || row >= rows.end)
			ck_assert_int_eq(out[row], 0xee);
		else
			ck_assert_double_eq_tol((double)out[row], sum, 0.5 + 1e-3);
	}
}

START_TEST(sums)
{
	static float inverse[2][N], part[2][N], strain[N], none[N];
	for (int i = 0; i < N; i++) {
		strain[i] = 0.25F + (float)(i % 16) / 4;
		none[i] = 1;
		base[i] = 25; // three parts are 25 below 0 at least
		for (int m = 0; m < 2; m++) {
			inverse[m][i] = (float)(capacity[m][i] > 0 ? 1 / capacity[m][i] : 0);
			part[m][i] = (m ? 75.0F : -25.0F) * (capacity[m][i] > 0 ? 1.0F : 0.0F);
			base[i] += m ? 0 : -part[m][i];
		}
	}
	const struct cs_load_part parts[] = {
		{ single[0], inverse[0], part[0], strain, 5e4, 0 },
		{ single[1], inverse[1], part[1], none, 0, 0 },
		{ single[1], inverse[0], part[0], strain, 0, 0 },
	};
	expect_sum(parts, 1, (struct cs_rows){ 0, N });
	expect_sum(parts, 2, (struct cs_rows){ 0, N });
	expect_sum(parts, 3, (struct cs_rows){ 0, N });
	expect_sum(parts, 3, (struct cs_rows){ 17, 1777 });
	expect_sum(parts, 2, (struct cs_rows){ 300, 301 });
	expect_sum(parts, 2, (struct cs_rows){ 17, 1777 });
}
END_TEST

// Rows that are alike score the same without their columns, to the bit.
START_TEST(sums_of_like_rows)
{
	static float inverse[2][N], part[2][N], none[N];
	static uint8_t alike[N];
	for (int i = 0; i < N; i++) {
		none[i] = 1;
		base[i] = 100;
		for (int m = 0; m < 2; m++) {
			inverse[m][i] = (float)(1 / (1e5 + capacity[m][i]));
			part[m][i] = m ? -25.0F : -75.0F;
		}
	}
	const struct cs_load_part parts[] = {
		{ single[0], inverse[0], part[0], none, 5e4, -75 },
		{ single[1], inverse[1], part[1], none, 3e4, -25 },
	};
	struct cs_load_sum sum = { .parts = parts, .n_parts = 2, .base = base, .same = 100 };
	cs_load_kernel_sum(&sum, (struct cs_rows){ 0, N }, out);
	sum.alike = true;
	cs_load_kernel_sum(&sum, (struct cs_rows){ 0, N }, alike);
	ck_assert_mem_eq(out, alike, sizeof(out));
	ck_assert_int_lt(out[0], 100);
}
END_TEST

START_TEST(look_ups)
{
	static uint32_t domain[N];
	uint8_t scores[40];
	for (uint32_t i = 0; i < 40; i++)
		scores[i] = (uint8_t)((i * 37) % 101);
	for (uint32_t n = 1; n <= 40; n = n == 1 ? 14 : n + 14) { // 1, 14, 28: some fit a register
		for (uint32_t i = 0; i < N; i++)
			domain[i] = (uint32_t)cs_random_below(&draws, n) - 1;
		memset(out, 0, sizeof(out));
		cs_load_kernel_look_up(domain, scores, n, (struct cs_rows){ 3, N - 1 }, out);
		ck_assert_int_eq(out[2], 0);
		ck_assert_int_eq(out[N - 1], 0);
		for (uint32_t i = 3; i < N - 1; i++)
			ck_assert_int_eq(out[i], scores[domain[i] + 1]);
	}
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
	static float loads[N];
	struct cs_load_worth worth = { .load = loads, .weight = weight, .add = 1000 };
	for (int i = 0; i < N; i++)
		loads[i] = (float)load[0][i];
	float least = INFINITY, greatest = 0;
	struct cs_load_range found = cs_load_kernel_worth(&worth, N, values);
	for (int i = 0; i < N; i++) {
		double wanted = weight[i] / (load[0][i] + 1000);
		ck_assert_double_eq_tol((double)values[i], wanted, wanted * 1e-5 + 1e-12);
		least = values[i] < least ? values[i] : least;
		greatest = values[i] > greatest ? values[i] : greatest;
	}
	struct cs_load_range all = cs_load_kernel_range(values, NULL, N);
	ck_assert(all.least == least && all.greatest == greatest);
	ck_assert(found.least == least && found.greatest == greatest);
	const float nothing[] = { 0 };
	const int32_t much[] = { 1000 };
	worth = (struct cs_load_worth){ .load = nothing, .weight = much };
	cs_load_kernel_worth(&worth, 1, values);
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

START_TEST(mean_delays)
{
	static float loads[N], factor[N];
	struct cs_load_delay delay = { .load = loads, .add = 1000 };
	double plain = 0, weighted = 0;
	for (int i = 0; i < N; i++) {
		loads[i] = (float)load[0][i];
		factor[i] = 100.0F / (float)(weight[i] > 0 ? weight[i] : 1);
		plain += load[0][i] + 1000;
		weighted += (load[0][i] + 1000) * 100 / (weight[i] > 0 ? weight[i] : 1);
	}
	ck_assert_double_eq_tol((double)cs_load_kernel_mean_delay(&delay, NULL, N), plain / N,
				plain / N * 1e-5);
	delay.factor = factor;
	ck_assert_double_eq_tol((double)cs_load_kernel_mean_delay(&delay, NULL, N), weighted / N,
				weighted / N * 1e-4);
	const float few[] = { 0, 1, 2, 5 }, halves[] = { 0.5F, 0.5F, 2, 1 };
	const uint32_t some[] = { 0, 3 };
	delay = (struct cs_load_delay){ .load = few, .add = 1 };
	ck_assert(cs_load_kernel_mean_delay(&delay, NULL, 4) == 3);
	ck_assert(cs_load_kernel_mean_delay(&delay, some, 2) == 3.5F);
	delay.factor = halves;
	ck_assert(cs_load_kernel_mean_delay(&delay, NULL, 4) == 3.375F);
	ck_assert(cs_load_kernel_mean_delay(&delay, some, 2) == 3.25F);
}
END_TEST

START_TEST(crowds)
{
	const float delay[] = { 100, 200, 300, 400, 1e30F, 300 };
	const float loads[] = { 90, 390, 140, 190, 1e30F, 290 };
	const float factor[] = { 1, 0.5F, 2, 2, 1, 1 };
	const double known[] = { 1, 1, 1, 1, 1, 0 };
	struct cs_load_crowd crowd = { .delay = { .load = delay },
				       .quality = known,
				       .inverse = 1 / 400.0F,
				       .doubt = 0.25F,
				       .share = 1 };
	static const uint8_t wanted[] = { 0xee, 97, 87, 0, 0, 39 };
	out[0] = 0xee;
	cs_load_kernel_crowd(&crowd, (struct cs_rows){ 1, 6 }, out);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(wanted); i++)
		ck_assert_int_eq(out[i], wanted[i]);
	crowd.delay = (struct cs_load_delay){ .load = loads, .factor = factor, .add = 10 };
	cs_load_kernel_crowd(&crowd, (struct cs_rows){ 1, 6 }, out);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(wanted); i++)
		ck_assert_int_eq(out[i], wanted[i]);
	crowd.delay = (struct cs_load_delay){ .load = delay };
	crowd.quality = NULL;
	cs_load_kernel_crowd(&crowd, (struct cs_rows){ 2, 6 }, out);
	ck_assert_int_eq(out[1], wanted[1]);
	ck_assert_int_eq(out[5], wanted[2]); // the same delay
}
END_TEST

START_TEST(narrow_limits)
{
	const float factor[] = { 1, 0.5F, 2, 1 };
	const float limit[] = { 0, 1 / 100.0F, 1 / 1000.0F, 1 / 400.0F };
	const float wanted[] = { 1, 2, 2, 1 };
	float found[4];
	cs_load_kernel_narrow(factor, limit, 1 / 400.0F, 4, found);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(wanted); i++)
		ck_assert_float_eq_tol(found[i], wanted[i], 1e-6F);
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

// As upstream's rule in the head of round_robin.c says it, in wide integers.
START_TEST(turns)
{
	static int32_t credit[N];
	const int32_t bound = 700;
	int32_t least = INT32_MAX, greatest = INT32_MIN;
	for (int i = 0; i < N; i++) {
		credit[i] = (int32_t)draw(1400) - 700;
		least = credit[i] + weight[i] < least ? credit[i] + weight[i] : least;
		greatest = credit[i] + weight[i] > greatest ? credit[i] + weight[i] : greatest;
	}
	struct cs_load_turns range = cs_load_kernel_turns(credit, weight, N);
	ck_assert_int_eq(range.least, least);
	ck_assert_int_eq(range.greatest, greatest);
	range.least += 50; // some rows are not feasible, and have less, or more
	range.greatest -= 50;
	cs_load_kernel_turn_scores(credit, weight, range, (struct cs_rows){ 3, N }, out);
	float step = 98.0F / (float)(range.greatest - range.least);
	for (int i = 3; i < N; i++) {
		int64_t value = credit[i] + weight[i];
		int64_t part = (int64_t)((float)(value - range.least) * step);
		int64_t wanted = value >= range.greatest ? 99 : part < 0 ? 0 : part;
		ck_assert_int_eq(out[i], wanted);
	}
	range = (struct cs_load_turns){ 5, 5 };
	credit[0] = 5 - weight[0];
	cs_load_kernel_turn_scores(credit, weight, range, (struct cs_rows){ 0, 1 }, out);
	ck_assert_int_eq(out[0], 99);
	range = cs_load_kernel_turns(credit, NULL, 1);
	ck_assert_int_eq(range.least, credit[0] + 100);
	cs_load_kernel_turn_scores(credit, NULL, range, (struct cs_rows){ 0, 1 }, out);
	ck_assert_int_eq(out[0], 99);
	int64_t sum = 0;
	for (int i = 0; i < N; i++) {
		sum += weight[i];
		values[i] = (float)(credit[i] + weight[i]);
	}
	ck_assert_int_eq(cs_load_kernel_weights(weight, N), sum);
	cs_load_kernel_gain(credit, weight, bound, N);
	for (int i = 0; i < N; i++) {
		float wanted = values[i] < -700 ? -700 : values[i] > 700 ? 700 : values[i];
		ck_assert_int_eq(credit[i], (int32_t)wanted);
	}
}
END_TEST

// Numbers are even, and those of names that differ in either half are others.
START_TEST(draw_keys)
{
	static uint32_t low[N], high[N], keys[N];
	const struct cs_rows all = { 0, N };
	uint32_t bins[16] = { 0 };
	uint32_t same = 0, greatest = 0;
	for (int i = 0; i < N; i++) {
		low[i] = (uint32_t)cs_random_next(&draws);
		high[i] = (uint32_t)cs_random_next(&draws);
	}
	low[1] = low[0];
	high[3] = high[2];
	uint32_t found = cs_load_kernel_draw(low, high, UINT64_C(0x123456789abcdef0), all, keys);
	ck_assert_uint_ne(keys[0], keys[1]);
	ck_assert_uint_ne(keys[2], keys[3]);
	for (int i = 0; i < N; i++) {
		bins[keys[i] >> 28]++;
		greatest = keys[i] > greatest ? keys[i] : greatest;
	}
	for (int i = 0; i < 16; i++)
		ck_assert_msg(bins[i] > 80 && bins[i] < 175, "%u", bins[i]); // 125 +- 4.5 sigma
	ck_assert_uint_eq(found, greatest);
	cs_load_kernel_draw_scores(keys, (struct cs_rows){ 1, N }, out);
	for (int i = 1; i < N; i++)
		ck_assert_int_eq(out[i], (int64_t)((keys[i] >> 8) * 98.0 / 16777216.0));
	const uint32_t ends[] = { 0, UINT32_MAX };
	cs_load_kernel_draw_scores(ends, (struct cs_rows){ 0, 2 }, out);
	ck_assert(out[0] == 0 && out[1] == 97);
	memcpy(low + N / 2, keys, sizeof(keys) / 2);
	cs_load_kernel_draw(low, high, UINT64_C(0x123456789abcdef1), all, keys);
	for (int i = 0; i < N / 2; i++)
		same += keys[i] == low[N / 2 + i];
	ck_assert_uint_eq(same, 0); // another pod
}
END_TEST

// All win as often, and who won last does not matter: chi-squared, 99.9 %.
START_TEST(draws_are_even)
{
	enum { ROWS = 24, ROUNDS = 48000 };
	uint32_t low[ROWS], high[ROWS], keys[ROWS];
	static double wins[ROWS], pairs[ROWS][ROWS];
	double chi = 0, chi_pairs = 0;
	uint32_t last = 0;
	for (int i = 0; i < ROWS; i++) {
		low[i] = (uint32_t)cs_random_next(&draws);
		high[i] = (uint32_t)cs_random_next(&draws);
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t greatest = cs_load_kernel_draw(low, high, cs_random_next(&draws),
							(struct cs_rows){ 0, ROWS }, keys);
		uint32_t row = 0;
		while (keys[row] != greatest)
			row++;
		wins[row]++;
		pairs[last][row]++;
		last = row;
	}
	const double one = (double)ROUNDS / ROWS, pair = one / ROWS;
	for (int i = 0; i < ROWS; i++) {
		chi += (wins[i] - one) * (wins[i] - one) / one;
		for (int k = 0; k < ROWS; k++)
			chi_pairs += (pairs[i][k] - pair) * (pairs[i][k] - pair) / pair;
	}
	ck_assert_double_lt(chi, 49.7);        // 23 degrees of freedom
	ck_assert_double_lt(chi_pairs, 684.0); // 575
}
END_TEST

// Means that are exactly a half round up, as a division has it.
START_TEST(domains)
{
	static uint32_t domain[N];
	static const uint8_t table[] = { 7, 11, 100 };
	static const uint64_t totals[] = { 1, 3, 7, 8, 24, 49, 1000, 150000, UINT64_C(1) << 38 };
	for (int i = 0; i < N; i++)
		domain[i] = (uint32_t)cs_random_below(&draws, 3) - 1;
	cs_kernel_look_up(domain, table, (struct cs_rows){ 2, N }, out);
	for (int i = 2; i < N; i++)
		ck_assert_int_eq(out[i], table[domain[i] + 1]);
	for (size_t t = 0; t < CS_ARRAY_LENGTH(totals); t++) {
		static int64_t whole[N];
		int64_t total = (int64_t)totals[t];
		for (int i = 0; i < N; i++) {
			whole[i] = (int64_t)draw(100.0 * (double)total);
			if (i % 2) // a half, or just below
				whole[i] = total * (i % 100) + total / 2 - i % 4 / 2;
			whole[i] = whole[i] < 0 ? 0 : whole[i];
		}
		cs_load_kernel_mean(totals[t], whole, N, out);
		for (int i = 0; i < N; i++)
			ck_assert_int_eq(out[i], (2 * whole[i] + total) / (2 * total));
	}
}
END_TEST

// Rows that are not feasible may be worth more than any number of steps, or nothing that is one.
START_TEST(beyond_all_bounds)
{
	static struct cs_load_curve curve;
	const float worths[] = { 1e22F, 5e3F, 2.5e3F, INFINITY, NAN, 0 };
	uint8_t wide[CS_ARRAY_LENGTH(worths)];
	const struct cs_rows rows = { 0, CS_ARRAY_LENGTH(worths) };
	for (int i = 0; i <= CS_LOAD_CURVE_STEPS; i++)
		curve.score[i] = (uint8_t)(100.0 * i / CS_LOAD_CURVE_STEPS + 0.5);
	for (int by_curve = 0; by_curve < 2; by_curve++) {
		static const uint8_t wanted[] = { 100, 100, 50, 100, 100, 0 };
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
	tcase_add_test(tcase, sums_of_like_rows);
	tcase_add_test(tcase, look_ups);
	tcase_add_test(tcase, filters);
	tcase_add_test(tcase, filter_bounds);
	tcase_add_test(tcase, worths_and_ranges);
	tcase_add_test(tcase, mean_delays);
	tcase_add_test(tcase, crowds);
	tcase_add_test(tcase, narrow_limits);
	tcase_add_test(tcase, scores);
	tcase_add_test(tcase, rests);
	tcase_add_test(tcase, turns);
	tcase_add_test(tcase, draw_keys);
	tcase_add_test(tcase, draws_are_even);
	tcase_add_test(tcase, domains);
	suite_add_tcase(suite, tcase);
	return suite;
}
