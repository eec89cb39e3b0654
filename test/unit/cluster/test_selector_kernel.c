// The loops of node selectors against the plain meaning, at every length around a word's end.
// Neighbours: lib/cluster/selector_kernel.c.
#include "../check_main.h"

#include <csched/base/random.h>
#include <string.h>

#include "cluster/selector_kernel.h"

#define N_MAX 200

static uint32_t column[N_MAX];
static uint8_t marks[N_MAX], all[N_MAX], want[N_MAX];

// Small values, so that some are equal; marks that are there already.
static void fill(uint32_t n)
{
	struct cs_random dice;
	cs_random_init(&dice, n);
	for (uint32_t i = 0; i < N_MAX; i++) {
		column[i] = (uint32_t)cs_random_below(&dice, 4);
		marks[i] = (uint8_t)cs_random_below(&dice, 2);
		all[i] = (uint8_t)cs_random_below(&dice, 2);
	}
}

START_TEST(loops)
{
	uint32_t n = (uint32_t)_i;
	fill(n);
	memcpy(want, marks, N_MAX);
	for (uint32_t i = 0; i < n; i++)
		want[i] = want[i] || column[i] == 3;
	cs_selector_kernel_equal(column, n, 3, marks);
	ck_assert_mem_eq(marks, want, N_MAX);
	fill(n);
	memcpy(want, marks, N_MAX);
	for (uint32_t i = 0; i < n; i++)
		want[i] = want[i] || column[i] != 0;
	cs_selector_kernel_present(column, n, marks);
	ck_assert_mem_eq(marks, want, N_MAX);
	fill(n);
	for (uint32_t i = 0; i < N_MAX; i++)
		want[i] = i < n ? all[i] && marks[i] : all[i];
	cs_selector_kernel_and(marks, n, all);
	ck_assert_mem_eq(all, want, N_MAX);
	fill(n);
	for (uint32_t i = 0; i < N_MAX; i++)
		want[i] = i < n ? all[i] && !marks[i] : all[i];
	cs_selector_kernel_and_not(marks, n, all);
	ck_assert_mem_eq(all, want, N_MAX);
	fill(n);
	for (uint32_t i = 0; i < N_MAX; i++)
		want[i] = i < n ? all[i] || marks[i] : all[i];
	cs_selector_kernel_or(marks, n, all);
	ck_assert_mem_eq(all, want, N_MAX);
}
END_TEST

START_TEST(packing)
{
	uint32_t n = (uint32_t)_i;
	uint64_t words[N_MAX / 64 + 2];
	fill(n);
	memset(words, 0xff, sizeof(words));
	cs_selector_kernel_pack(marks, n, words);
	for (uint32_t i = 0; i < (n + 63) / 64 * 64; i++)
		ck_assert_uint_eq(words[i / 64] >> (i % 64) & 1, i < n ? marks[i] : 0);
	ck_assert_uint_eq(words[(n + 63) / 64], UINT64_MAX);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/selector_kernel");
	TCase *tcase = tcase_create("selector_kernel");
	tcase_add_loop_test(tcase, loops, 0, N_MAX);
	tcase_add_loop_test(tcase, packing, 0, N_MAX);
	suite_add_tcase(suite, tcase);
	return suite;
}
