// The loops of a decision against plain ones, at sizes around those that the compiler unrolls to.
// Neighbours: lib/framework/kernel.h.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <string.h>

#include "framework/kernel.h"

#define ROWS 700

static struct cs_random dice;
static uint8_t by[ROWS];
static double sum[ROWS];
static uint8_t out[ROWS];

static void set_up(void)
{
	cs_random_init(&dice, 42);
	for (uint32_t row = 0; row < ROWS; row++) {
		uint64_t kind = cs_random_below(&dice, 4);
		by[row] = kind == 0 ? BY_NOT_NOW : kind == 1 ? 3 : BY_NOBODY;
		sum[row] = (double)cs_random_below(&dice, 30) * 1000;
		out[row] = (uint8_t)cs_random_below(&dice, 101);
	}
}

START_TEST(adding)
{
	const struct cs_rows rows = { (uint32_t)_i, ROWS - (uint32_t)_i };
	double before[ROWS], third[ROWS];
	memcpy(before, sum, sizeof(sum));
	memcpy(third, sum, sizeof(sum));
	for (int round = 0; round < 3; round++) {
		double *to = round == 2 ? third : sum;
		ck_assert(round == 0   ? kernel_add(out, rows, INT32_MAX, to)
			  : round == 1 ? kernel_set(out, rows, INT32_MAX, to)
				       : kernel_add_from(out, rows, INT32_MAX, before, to));
		for (uint32_t row = 0; row < ROWS; row++) {
			bool in = row >= rows.first && row < rows.end;
			double product = (double)out[row] * INT32_MAX;
			double want = in ? (round == 1 ? 0 : before[row]) + product : before[row];
			ck_assert_double_eq(to[row], want);
		}
	}
}
END_TEST

START_TEST(scores_out_of_range_are_seen)
{
	static const uint8_t wrong[] = { 101, 127, 128, 255 };
	const struct cs_rows rows = { 1, ROWS - 1 };
	ck_assert(kernel_add(out, rows, 1, sum));
	for (uint32_t i = 0; i < CS_ARRAY_LENGTH(wrong); i++) {
		uint32_t row = (uint32_t)cs_random_below(&dice, ROWS - 2) + 1;
		uint8_t right = out[row];
		out[row] = wrong[i];
		ck_assert(!kernel_add(out, rows, 1, sum));
		out[row] = right;
	}
	// Beside the rows nobody looks.
	out[0] = out[ROWS - 1] = 255;
	ck_assert(kernel_add(out, rows, 1, sum));
}
END_TEST

START_TEST(narrowing)
{
	static const int64_t wrong[] = { -1, 101, INT64_MIN, INT64_MAX, 128, 256 };
	uint32_t n = ROWS - (uint32_t)_i;
	int64_t raw[ROWS];
	uint8_t narrow[ROWS];
	for (uint32_t row = 0; row < ROWS; row++)
		raw[row] = row < n ? out[row] : -1;
	memset(narrow, 7, sizeof(narrow));
	ck_assert(kernel_narrow(raw, n, narrow));
	ck_assert_mem_eq(narrow, out, n);
	ck_assert(n == ROWS || narrow[n] == 7);
	for (uint32_t i = 0; i < CS_ARRAY_LENGTH(wrong); i++) {
		uint32_t row = (uint32_t)cs_random_below(&dice, n);
		raw[row] = wrong[i];
		ck_assert(!kernel_narrow(raw, n, narrow));
		ck_assert_uint_eq(narrow[row], 0);
		raw[row] = out[row];
	}
}
END_TEST

static double plain_max(uint32_t first, uint32_t end)
{
	double most = 0;
	for (uint32_t row = first; row < end; row++)
		if (by[row] == BY_NOBODY && sum[row] > most)
			most = sum[row];
	return most;
}

static uint32_t plain_count(double value, uint32_t first, uint32_t end)
{
	uint32_t count = 0;
	for (uint32_t row = first; row < end; row++)
		count += by[row] == BY_NOBODY && sum[row] == value;
	return count;
}

START_TEST(greatest_sums)
{
	const struct kernel_totals totals = { sum, by };
	uint32_t n = ROWS - (uint32_t)_i;
	double tops[ROWS / TOP_ROWS + 1];
	uint8_t ties[ROWS / TOP_ROWS + 1];
	kernel_tops(&totals, n, tops, ties);
	for (uint32_t first = 0; first < n; first += TOP_ROWS) {
		uint32_t end = first + TOP_ROWS < n ? first + TOP_ROWS : n;
		uint32_t block = first / TOP_ROWS;
		ck_assert_double_eq(tops[block], plain_max(first, end));
		ck_assert_uint_eq(ties[block], plain_count(tops[block], first, end));
		ck_assert_double_eq(kernel_max(&totals, (struct cs_rows){ first, end }),
				    plain_max(first, end));
	}
	ck_assert_double_eq(kernel_best(tops, (n + TOP_ROWS - 1) / TOP_ROWS), plain_max(0, n));
	ck_assert_double_eq(kernel_best(tops, 0), 0);
}
END_TEST

START_TEST(counting)
{
	const struct kernel_totals totals = { sum, by };
	const struct cs_rows rows = { (uint32_t)_i, ROWS - 2 * (uint32_t)_i };
	for (double value = 0; value < 30000; value += 1000)
		ck_assert_uint_eq(kernel_count(&totals, value, rows),
				  plain_count(value, rows.first, rows.end));
}
END_TEST

START_TEST(reaching)
{
	const struct kernel_totals totals = { sum, by };
	uint32_t n = TOP_ROWS - (uint32_t)_i;
	for (uint32_t first = 0; first + TOP_ROWS <= ROWS; first += TOP_ROWS / 2)
		for (double least = 0; least < 30000; least += 1000) {
			uint64_t rows = kernel_reach(&totals, least, first, n);
			for (uint32_t i = 0; i < TOP_ROWS; i++)
				ck_assert_uint_eq(rows >> i & 1,
						  i < n && by[first + i] == BY_NOBODY &&
							  sum[first + i] >= least);
		}
}
END_TEST

static uint32_t reached(const double *values, uint32_t n, double least)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < n; i++)
		count += values[i] >= least;
	return count;
}

// Enough values reach it, and with as many values as lanes it is the best there is.
START_TEST(bounding)
{
	uint32_t n = (uint32_t)_i;
	double greatest[100];
	for (uint32_t i = 0; i < n; i++)
		greatest[i] = sum[i * 3];
	for (uint32_t rank = 1; rank <= 16; rank++) {
		double bound = kernel_bound(greatest, n, rank);
		if (n < rank)
			ck_assert_double_eq(bound, 0);
		else
			ck_assert_uint_ge(reached(greatest, n, bound), rank);
		if (n == 16)
			ck_assert_uint_lt(reached(greatest, n, bound + 0.5), rank);
	}
}
END_TEST

START_TEST(merging)
{
	uint8_t one[ROWS] = { 0 }, own[ROWS], verdict[ROWS] = { 0 };
	const struct cs_rows rows = { (uint32_t)_i, ROWS - 1 };
	memset(own, BY_NOBODY, sizeof(own));
	ck_assert(!kernel_merge(one, rows, 5, own, verdict));
	one[100] = one[ROWS - 1] = CS_VERDICT_UNRESOLVABLE;
	ck_assert(kernel_merge(one, rows, 5, own, verdict));
	ck_assert_uint_eq(own[100], 5);
	ck_assert_uint_eq(verdict[100], CS_VERDICT_UNRESOLVABLE);
	// Who comes later gets nothing of what is taken, and what is outside nobody.
	ck_assert(!kernel_merge(one, rows, 6, own, verdict));
	ck_assert_uint_eq(own[100], 5);
	ck_assert_uint_eq(own[ROWS - 1], BY_NOBODY);
	ck_assert(kernel_merge(one, rows, 4, own, verdict));
	ck_assert_uint_eq(own[100], 4);
}
END_TEST

START_TEST(listing)
{
	uint32_t list[ROWS];
	uint32_t n = ROWS - (uint32_t)_i, count = 0;
	memset(by + 100, BY_NOBODY, 100);
	memset(by + 300, BY_NOT_NOW, 100);
	kernel_list(by, n, list);
	for (uint32_t row = 0; row < n; row++)
		if (by[row] == BY_NOBODY)
			ck_assert_uint_eq(list[count++], row);
	ck_assert_uint_eq(count, kernel_count_bytes(by, n, BY_NOBODY));
}
END_TEST

// Around the sizes at which counting in bytes changes its way.
START_TEST(bytes_are_counted)
{
	static const uint32_t sizes[] = { 0, 1, 63, 64, 65, 5000, 64 * 255, 64 * 255 + 1, 40000 };
	uint32_t n = sizes[_i];
	CS_AUTO_FREE uint8_t *bytes = cs_alloc(n + 1);
	uint32_t sevens = 0;
	for (uint32_t i = 0; i < n; i++) {
		bytes[i] = i % 3 == 0 ? 7 : (uint8_t)i;
		sevens += bytes[i] == 7;
	}
	bytes[n] = 7;
	ck_assert_uint_eq(kernel_count_bytes(bytes, n, 7), sevens);
	memset(bytes, 0xfd, n);
	ck_assert_uint_eq(kernel_count_bytes(bytes, n, 0xfd), n);
	ck_assert_uint_eq(kernel_count_bytes(bytes, n, 0xfe), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("framework/kernel");
	TCase *tcase = tcase_create("kernel");
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, bytes_are_counted, 0, 9);
	tcase_add_loop_test(tcase, adding, 0, 70);
	tcase_add_test(tcase, scores_out_of_range_are_seen);
	tcase_add_loop_test(tcase, narrowing, 0, 70);
	tcase_add_loop_test(tcase, greatest_sums, 0, 70);
	tcase_add_loop_test(tcase, counting, 0, 70);
	tcase_add_loop_test(tcase, reaching, 0, TOP_ROWS + 1);
	tcase_add_loop_test(tcase, bounding, 0, 100);
	tcase_add_loop_test(tcase, merging, 0, 70);
	tcase_add_loop_test(tcase, listing, 0, 70);
	suite_add_tcase(suite, tcase);
	return suite;
}
