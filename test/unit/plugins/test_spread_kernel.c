// The loops of topology spreading against arithmetic written down plainly.
// Neighbours: lib/plugins/spread_kernel.c.
#include "../check_main.h"

#include <math.h>
#include <string.h>

#include <csched/base/random.h>
#include <csched/cluster/topology.h>

#include "plugins/kernel.h"
#include "plugins/spread_kernel.h"

#define N 1000 // more than one block

static uint32_t domain[N];
static double by_row[N];
static int64_t out[N];
static uint8_t scores[N];

START_TEST(the_first_word_stays)
{
	static const uint8_t table[] = { CS_VERDICT_UNRESOLVABLE, CS_VERDICT_FITS,
					 CS_VERDICT_UNSCHEDULABLE };
	static const uint32_t domains[] = { 0, 1, CS_DOMAIN_NONE, 1, CS_DOMAIN_NONE };
	uint8_t verdict[] = { 0, 0, 0, CS_VERDICT_UNRESOLVABLE, CS_VERDICT_UNSCHEDULABLE };
	cs_spread_verdicts(domains, table, (struct cs_rows){ 0, 5 }, verdict);
	ck_assert_uint_eq(verdict[0], CS_VERDICT_FITS);
	ck_assert_uint_eq(verdict[1], CS_VERDICT_UNSCHEDULABLE);
	ck_assert_uint_eq(verdict[2], CS_VERDICT_UNRESOLVABLE);
	ck_assert_uint_eq(verdict[3], CS_VERDICT_UNRESOLVABLE);
	ck_assert_uint_eq(verdict[4], CS_VERDICT_UNSCHEDULABLE);
}
END_TEST

START_TEST(only_its_rows)
{
	static const uint8_t table[] = { 2, 1 };
	static const uint32_t domains[] = { 0, 0, 0 };
	uint8_t verdict[] = { 0, 0, 0 };
	cs_spread_verdicts(domains, table, (struct cs_rows){ 1, 2 }, verdict);
	ck_assert_uint_eq(verdict[0], 0);
	ck_assert_uint_eq(verdict[1], 1);
	ck_assert_uint_eq(verdict[2], 0);
}
END_TEST

static const struct {
	double sum;
	int64_t rounded;
} halves[] = {
	{ 0, 0 },
	{ 0.5, 1 },
	{ 0.49999999999999994, 0 }, // + 0.5 would be 1
	{ 1.5, 2 },
	{ 2.5, 3 },
	{ 2.4999999, 2 },
	{ 1e6 + 0.5, 1000001 },
	{ 2251799813685247.0, 2251799813685247 },
	{ 2251799813685246.5, 2251799813685247 },
};

START_TEST(rounds_halves_up)
{
	struct cs_spread_part part = { .values = &halves[_i].sum };
	cs_spread_scores(&part, 1, (struct cs_rows){ 0, 1 }, out);
	ck_assert_int_eq(out[0], halves[_i].rounded);
	ck_assert_int_eq(out[0], (int64_t)round(halves[_i].sum));
}
END_TEST

START_TEST(sums_in_order)
{
	struct cs_random random;
	cs_random_init(&random, 11);
	double values[9] = { 0 };
	for (int i = 1; i < 9; i++)
		values[i] = (double)cs_random_below(&random, 1000) * log(i + 2) + 4;
	for (uint32_t row = 0; row < N; row++) {
		uint32_t d = (uint32_t)cs_random_below(&random, 9);
		domain[row] = d == 8 ? CS_DOMAIN_NONE : d;
		by_row[row] = (double)cs_random_below(&random, 5) * log(1002) + 2;
	}
	struct cs_spread_part parts[] = {
		{ .values = by_row },
		{ .domain = domain, .values = values },
		{ .values = by_row },
	};
	cs_spread_scores(parts, 3, (struct cs_rows){ 3, N }, out);
	for (uint32_t row = 3; row < N; row++) {
		double sum = 0;
		sum += by_row[row];
		sum += domain[row] == CS_DOMAIN_NONE ? 0 : values[domain[row] + 1];
		sum += by_row[row];
		ck_assert_int_eq(out[row], (int64_t)round(sum));
	}
	ck_assert_int_eq(out[2], 0);
}
END_TEST

START_TEST(nothing_adds_up_to_nothing)
{
	out[0] = 7;
	cs_spread_scores(NULL, 0, (struct cs_rows){ 0, 1 }, out);
	ck_assert_int_eq(out[0], 0);
}
END_TEST

START_TEST(normalises_as_integers_divide)
{
	struct cs_random random;
	cs_random_init(&random, 5);
	for (int round = 0; round < 2000; round++) {
		int64_t limit = INT64_C(1) << cs_random_below(&random, 31);
		int64_t a = (int64_t)cs_random_below(&random, (uint64_t)limit);
		int64_t b = (int64_t)cs_random_below(&random, (uint64_t)limit);
		int64_t min = a < b ? a : b, max = a < b ? b : a;
		if (max == 0 || max + min >= INT32_MAX)
			continue;
		const struct cs_spread_range range = { min, max };
		int64_t before[64];
		for (int i = 0; i < 64; i++)
			before[i] =
				min + (int64_t)cs_random_below(&random, (uint64_t)(max - min + 1));
		cs_spread_normalise(&range, before, 64, scores);
		for (int i = 0; i < 64; i++)
			ck_assert_int_eq(scores[i], 100 * (max + min - before[i]) / max);
	}
}
END_TEST

START_TEST(what_nobody_asks_about_stays_in_range)
{
	static const int64_t strange[] = { -1, 1000, INT64_MAX, INT64_MIN, INT32_MIN, 0 };
	cs_spread_normalise(&(struct cs_spread_range){ 2, 5 }, strange, 6, scores);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_le(scores[i], 100);
}
END_TEST

// ---- masks and sums, against loops with branches ----

static uint8_t mask[N];
static uint32_t counts[N];

// Rows in `n_domains` domains or none, masked at random.
static void fill(struct cs_random *random, uint32_t n_domains)
{
	for (uint32_t row = 0; row < N; row++) {
		uint32_t d = (uint32_t)cs_random_below(random, n_domains + 1);
		domain[row] = d == n_domains ? CS_DOMAIN_NONE : d;
		mask[row] = (uint8_t)cs_random_below(random, 2);
		counts[row] = (uint32_t)cs_random_below(random, 4);
	}
}

START_TEST(sums_over_domains)
{
	static const uint32_t sizes[] = { 1, 3, 62, 63, 64, 65, 900 };
	struct cs_random random;
	cs_random_init(&random, 3);
	for (int round = 0; round < 70; round++) {
		uint32_t n_domains = sizes[round % 7];
		uint32_t n_rows = N - (uint32_t)round % 5;
		bool masked = round % 2;
		fill(&random, n_domains);
		uint32_t slots[1000] = { 0 }, plain[1000] = { 0 };
		slots[1] = plain[1] = 5; // what was there stays
		struct cs_spread_column column = { domain, counts, masked ? mask : NULL, n_rows };
		cs_spread_sum(&column, n_domains + 1, slots);
		for (uint32_t row = 0; row < n_rows; row++)
			if (!masked || mask[row])
				plain[domain[row] == CS_DOMAIN_NONE ? 0 : domain[row] + 1] +=
					counts[row];
		ck_assert_mem_eq(slots, plain, sizeof(slots));
	}
	ck_assert_uint_eq(cs_spread_total(counts, 0), 0);
	uint32_t total = 0;
	for (uint32_t row = 0; row < N; row++)
		total += counts[row];
	ck_assert_uint_eq(cs_spread_total(counts, N), total);
}
END_TEST

START_TEST(least_of_those_that_are_present)
{
	struct cs_random random;
	cs_random_init(&random, 4);
	for (int round = 0; round < 50; round++) {
		fill(&random, 20);
		uint8_t present[21] = { 0 };
		cs_spread_present(domain, mask, N / 20, present);
		int32_t least = INT32_MAX;
		uint32_t n = 0, found;
		for (uint32_t slot = 1; slot <= 20; slot++) {
			bool there = false;
			for (uint32_t row = 0; row < N / 20; row++)
				there |= mask[row] && domain[row] == slot - 1;
			ck_assert_uint_eq(present[slot], there);
			n += there;
			if (there && (int32_t)counts[slot] < least)
				least = (int32_t)counts[slot];
		}
		ck_assert_int_eq(cs_spread_least(counts, present, 21, &found), least);
		ck_assert_uint_eq(found, n);
	}
	uint32_t found;
	ck_assert_int_eq(cs_spread_least(counts, mask, 1, &found), INT32_MAX);
	ck_assert_uint_eq(found, 0);
}
END_TEST

START_TEST(masks)
{
	struct cs_random random;
	cs_random_init(&random, 6);
	struct cs_bitmap bitmap = { 0 };
	for (uint32_t row = 0; row < 700; row++)
		cs_bitmap_set(&bitmap, row, cs_random_below(&random, 2));
	static const uint32_t sizes[] = { 1, 63, 64, 65, 700, 999 }; // beyond the bitmap, too
	for (size_t i = 0; i < 6; i++) {
		fill(&random, 3);
		uint8_t before[N];
		memcpy(before, mask, N);
		cs_spread_mask_bits(&bitmap, sizes[i], mask);
		for (uint32_t row = 0; row < N; row++)
			ck_assert_uint_eq(mask[row],
					  row < sizes[i]
						  ? before[row] & cs_bitmap_test(&bitmap, row)
						  : before[row]);
		memcpy(before, mask, N);
		cs_spread_mask_key(domain, sizes[i], mask);
		for (uint32_t row = 0; row < sizes[i]; row++)
			ck_assert_uint_eq(mask[row],
					  domain[row] == CS_DOMAIN_NONE ? 0 : before[row]);
	}
	cs_bitmap_finish(&bitmap);
}
END_TEST

// Of n rows, some of which passed: which classes those have.
START_TEST(classes_of_rows_that_passed)
{
	enum { CLASSES = 5 };
	static uint8_t passed[N];
	static uint16_t of_row[N];
	uint32_t n = N - (uint32_t)_i, count = 0;
	uint32_t had[CLASSES] = { 0 }, have[CLASSES] = { 0 };
	uint8_t seen[CLASSES] = { 0 };
	for (uint32_t row = 0; row < n; row++) {
		passed[row] = row % 31 < 9 + (uint32_t)_i ? 0xfe : CS_PASSED;
		passed[row] = row > 200 && row < 300 ? CS_PASSED : passed[row];
		of_row[row] = (uint16_t)(row / 7 % 4);
		mask[row] = row % 3 == 0;
		count += passed[row] == CS_PASSED && mask[row];
		had[of_row[row]]++;
		have[of_row[row]] += passed[row] == CS_PASSED;
	}
	cs_spread_leave_out(passed, of_row, n, had);
	cs_spread_see(passed, of_row, n, seen);
	ck_assert_uint_eq(seen[0], 0);
	for (uint32_t class = 1; class < CLASSES; class += 1) {
		ck_assert_uint_eq(had[class], have[class]);
		ck_assert_uint_eq(seen[class], have[class] > 0);
	}
	ck_assert_uint_eq(cs_spread_count_passed(passed, mask, n), count);
}
END_TEST

START_TEST(tables_and_values)
{
	static const uint32_t few[] = { 0, 1, 2, 3, 4 };
	uint8_t table[5];
	cs_spread_table(few, 2, 5, table);
	static const uint8_t wanted[] = { 0, 0, 0, 1, 1 };
	ck_assert_mem_eq(table, wanted, 5);
	cs_spread_table(few, -1, 5, table);
	static const uint8_t all[] = { 1, 1, 1, 1, 1 };
	ck_assert_mem_eq(table, all, 5);
	double values[5];
	cs_spread_values(few, 5, log(7), 2, values);
	for (int i = 0; i < 5; i++)
		ck_assert(values[i] == i * log(7) + 2);
	static const uint32_t holes[] = { 0, CS_DOMAIN_NONE, 1, CS_DOMAIN_NONE, 0 };
	cs_spread_mask_values(holes, 5, values);
	ck_assert(values[0] == 2 && values[1] == 0 && values[2] > 5 && values[3] == 0);
	static const int64_t raw[] = { 9, 4, 7, 1 };
	struct cs_spread_range range = { INT64_MAX, 0 };
	cs_spread_widen(raw, (struct cs_rows){ 0, 3 }, &range);
	ck_assert_int_eq(range.min, 4);
	ck_assert_int_eq(range.max, 9);
	static const uint8_t by_domain[] = { 9, 4, 7, 1 };
	cs_kernel_look_up(holes, by_domain, (struct cs_rows){ 1, 3 }, scores);
	ck_assert_int_eq(scores[1], 9);
	ck_assert_int_eq(scores[2], 7);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/spread_kernel");
	TCase *tcase = tcase_create("spread_kernel");
	tcase_add_test(tcase, the_first_word_stays);
	tcase_add_test(tcase, only_its_rows);
	tcase_add_loop_test(tcase, rounds_halves_up, 0, sizeof(halves) / sizeof(halves[0]));
	tcase_add_test(tcase, sums_in_order);
	tcase_add_test(tcase, nothing_adds_up_to_nothing);
	tcase_add_test(tcase, normalises_as_integers_divide);
	tcase_add_test(tcase, what_nobody_asks_about_stays_in_range);
	tcase_add_test(tcase, sums_over_domains);
	tcase_add_test(tcase, least_of_those_that_are_present);
	tcase_add_test(tcase, masks);
	tcase_add_loop_test(tcase, classes_of_rows_that_passed, 0, 9);
	tcase_add_test(tcase, tables_and_values);
	suite_add_tcase(suite, tcase);
	return suite;
}
