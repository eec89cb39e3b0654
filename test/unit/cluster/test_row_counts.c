// Counts per row against a plain array, through sparse and dense and back.
// Neighbours: lib/cluster/row_counts.c.
#include "../check_main.h"

#include <csched/base/random.h>
#include <string.h>

#include "cluster/row_counts.h"

#define N_ROWS 1000

static struct cs_row_counts counts;
static struct cs_row_count plain[N_ROWS];

static void setup(void)
{
	counts = (struct cs_row_counts){ 0 };
	memset(plain, 0, sizeof(plain));
}

static void teardown(void)
{
	cs_row_counts_finish(&counts);
}

static void add(uint32_t row, int32_t live, int32_t terminating)
{
	cs_row_counts_add(&counts, N_ROWS, (struct cs_row_change){ row, live, terminating });
	plain[row].live += (uint32_t)live;
	plain[row].terminating += (uint32_t)terminating;
}

static void compare(void)
{
	uint64_t live = 0, terminating = 0;
	uint32_t n_used = 0, at = 0;
	struct cs_row_change entry;
	for (uint32_t row = 0; row < N_ROWS; row++) {
		struct cs_row_count count = cs_row_counts_get(&counts, row);
		ck_assert_uint_eq(count.live, plain[row].live);
		ck_assert_uint_eq(count.terminating, plain[row].terminating);
		live += count.live;
		terminating += count.terminating;
		if (!count.live && !count.terminating)
			continue;
		n_used++;
		ck_assert(cs_row_counts_next(&counts, &at, &entry));
		ck_assert_uint_eq(entry.row, row);
		ck_assert_int_eq(entry.live, count.live);
		ck_assert_int_eq(entry.terminating, count.terminating);
	}
	ck_assert(!cs_row_counts_next(&counts, &at, &entry));
	ck_assert_uint_eq(counts.n_used, n_used);
	ck_assert_uint_eq(counts.total_live, live);
	ck_assert_uint_eq(counts.total_terminating, terminating);
}

START_TEST(nothing)
{
	compare();
	add(5, 0, 0);
	ck_assert_uint_eq(counts.version, 0);
	ck_assert_uint_eq(cs_row_counts_get(&counts, 4000000).live, 0);
}
END_TEST

START_TEST(entries_come_and_go)
{
	add(7, 2, 0);
	add(3, 0, 1);
	add(9, 1, 1);
	compare();
	ck_assert_ptr_nonnull(counts.rows);
	add(3, 0, -1);
	add(7, -1, 1); // begins to terminate
	compare();
	ck_assert_uint_eq(counts.n, 2);
	ck_assert_uint_eq(counts.version, 5);
}
END_TEST

START_TEST(dense_from_a_tenth_of_the_rows_on)
{
	for (uint32_t row = 0; row < N_ROWS / 10; row++)
		add(row * 3, 1, 0);
	ck_assert_ptr_nonnull(counts.rows);
	add(999, 1, 0);
	ck_assert_ptr_null(counts.rows);
	compare();
	for (uint32_t row = 0; row < N_ROWS / 10 - 25; row++)
		add(row * 3, -1, 0);
	ck_assert_ptr_null(counts.rows);
	compare();
	add(999, -1, 0);
	add(297, -1, 0);
	ck_assert_ptr_nonnull(counts.rows);
	compare();
}
END_TEST

START_TEST(rows_beyond_a_dense_one_have_none)
{
	for (uint32_t row = 0; row < 20; row++)
		cs_row_counts_add(&counts, 20, (struct cs_row_change){ row, 1, 0 });
	ck_assert_ptr_null(counts.rows);
	ck_assert_uint_eq(counts.n, 20);
	ck_assert_uint_eq(cs_row_counts_get(&counts, 20).live, 0);
	cs_row_counts_add(&counts, 400, (struct cs_row_change){ 300, 1, 0 });
	ck_assert_uint_eq(cs_row_counts_get(&counts, 300).live, 1);
	ck_assert_uint_eq(cs_row_counts_get(&counts, 19).live, 1);
	ck_assert_uint_eq(counts.total_live, 21);
}
END_TEST

START_TEST(random_changes)
{
	struct cs_random dice;
	cs_random_init(&dice, (uint64_t)_i);
	uint32_t spread = _i % 2 ? 40 : N_ROWS;
	for (int i = 0; i < 20000; i++) {
		uint32_t row = (uint32_t)cs_random_below(&dice, spread);
		bool emptying = i / 2500 % 2;
		if (cs_random_below(&dice, 4) < (emptying ? 1u : 3u))
			add(row, 1, 0);
		else if (plain[row].live && cs_random_below(&dice, 2))
			add(row, -1, 1);
		else if (plain[row].terminating)
			add(row, 0, -1);
		else if (plain[row].live)
			add(row, -1, 0);
		if (i % 500 == 0)
			compare();
	}
	for (uint32_t row = 0; row < N_ROWS; row++)
		add(row, -(int32_t)plain[row].live, -(int32_t)plain[row].terminating);
	compare();
	ck_assert_uint_eq(counts.n_used, 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/row_counts");
	TCase *tcase = tcase_create("row_counts");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, entries_come_and_go);
	tcase_add_test(tcase, dense_from_a_tenth_of_the_rows_on);
	tcase_add_test(tcase, rows_beyond_a_dense_one_have_none);
	tcase_add_loop_test(tcase, random_changes, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}
