// Rows to domains and back, against loops that are plain. Neighbours:
// lib/plugins/affinity_kernel.c.
#include "../check_main.h"

#include <csched/base/random.h>
#include <string.h>

#include "plugins/affinity_kernel.h"

#define N_ROWS    203
#define N_DOMAINS 17

static struct cs_random dice;
static uint32_t domain[N_ROWS], rows[N_ROWS], live[N_ROWS], terminating[N_ROWS];
static struct cs_topology topology = { .domain = domain, .n_domains = N_DOMAINS };

static struct cs_row_counts random_counts(bool dense, unsigned chance)
{
	struct cs_row_counts counts = { .rows = dense ? NULL : rows,
					.live = live,
					.terminating = terminating };
	for (uint32_t row = 0; row < N_ROWS; row++) {
		uint64_t roll = cs_random_below(&dice, 8);
		domain[row] =
			roll == 0 ? CS_DOMAIN_NONE : (uint32_t)cs_random_below(&dice, N_DOMAINS);
		bool used = cs_random_below(&dice, 100) < chance;
		if (!dense && !used)
			continue;
		rows[counts.n] = row;
		live[counts.n] = used ? (uint32_t)cs_random_below(&dice, 3) : 0;
		terminating[counts.n++] = used ? (uint32_t)cs_random_below(&dice, 2) : 0;
	}
	return counts;
}

START_TEST(rows_to_domains)
{
	cs_random_init(&dice, (uint64_t)_i);
	struct cs_row_counts counts = random_counts(_i % 2, (unsigned)_i * 3);
	uint8_t mark[N_DOMAINS + 2], want[N_DOMAINS + 1];
	int64_t sum[N_DOMAINS + 2] = { 0 }, want_sum[N_DOMAINS + 1] = { 0 };
	memset(mark, 1, sizeof(mark));
	memset(want, 1, sizeof(want));
	ck_assert_uint_eq(CS_KERNEL_DOMAINS_SIZE(&topology), N_DOMAINS + 2);
	bool some = false;
	for (uint32_t i = 0; i < counts.n; i++) {
		uint32_t at = domain[counts.rows ? rows[i] : i];
		if (at == CS_DOMAIN_NONE || live[i] + terminating[i] == 0)
			continue;
		some = true;
		want[at + 1] = 5;
		want_sum[at + 1] -= 7 * (int64_t)(live[i] + terminating[i]);
	}
	ck_assert(cs_kernel_mark_domains(&counts, &topology, 5, mark) == some);
	ck_assert(cs_kernel_sum_domains(&counts, &topology, -7, sum) == some);
	ck_assert_mem_eq(mark, want, sizeof(want));
	ck_assert_mem_eq(sum, want_sum, sizeof(want_sum));
}
END_TEST

START_TEST(domains_to_rows)
{
	cs_random_init(&dice, (uint64_t)_i);
	random_counts(true, 0);
	uint8_t mark[N_DOMAINS + 1], marks[N_ROWS];
	int64_t sum[N_DOMAINS + 1], out[N_ROWS];
	for (uint32_t i = 0; i <= N_DOMAINS; i++) {
		mark[i] = (uint8_t)cs_random_below(&dice, 3);
		sum[i] = (int64_t)cs_random_below(&dice, 1000) - 500;
	}
	memset(marks, 1, sizeof(marks));
	memset(out, 0, sizeof(out));
	struct cs_rows some = { (uint32_t)_i % 9, N_ROWS - (uint32_t)_i % 7 };
	cs_kernel_or_domains(domain, mark, some, marks);
	cs_kernel_add_domains(domain, sum, some, out);
	for (uint32_t row = 0; row < N_ROWS; row++) {
		bool inside = row >= some.first && row < some.end;
		uint32_t at = domain[row] == CS_DOMAIN_NONE ? 0 : domain[row] + 1;
		ck_assert_uint_eq(marks[row], inside ? mark[at] | 1 : 1);
		ck_assert_int_eq(out[row], inside ? sum[at] : 0);
	}
}
END_TEST

// As by domains that have one row each.
START_TEST(rows_alone)
{
	cs_random_init(&dice, (uint64_t)_i);
	struct cs_row_counts counts = random_counts(_i % 2, (unsigned)_i);
	if (_i % 6 == 1) // rows behind the last one that was counted have none
		counts.n /= 2;
	struct cs_rows some = { (uint32_t)_i % 9, N_ROWS - (uint32_t)_i % 70 };
	uint8_t mark[N_ROWS], marks[N_ROWS];
	int64_t out[N_ROWS];
	bool any = false;
	memset(mark, 4, sizeof(mark));
	memset(marks, 1, sizeof(marks));
	memset(out, 0, sizeof(out));
	bool found = cs_kernel_mark_rows(&counts, &topology, 2, mark);
	cs_kernel_or_rows(mark, some, marks);
	cs_kernel_add_rows(&counts, &topology, -3, some, out);
	for (uint32_t row = 0, i = 0; row < N_ROWS; row++) {
		while (counts.rows && i < counts.n && rows[i] < row)
			i++;
		uint32_t at = counts.rows ? i : row;
		bool here = at < counts.n && (!counts.rows || rows[at] == row);
		uint32_t n = here && domain[row] != CS_DOMAIN_NONE ? live[at] + terminating[at] : 0;
		bool inside = row >= some.first && row < some.end;
		any |= n > 0;
		ck_assert_uint_eq(mark[row], n > 0 ? 2 : 4);
		ck_assert_uint_eq(marks[row], inside ? mark[row] | 1 : 1);
		ck_assert_int_eq(out[row], inside ? -3 * (int64_t)n : 0);
	}
	ck_assert(found == any);
	ck_assert(cs_kernel_any_row(&counts, &topology) == any);
}
END_TEST

// As Go divides: the quotient first, then the product; all scores between least and greatest.
START_TEST(stretches)
{
	static const int64_t ranges[] = { 1, 3, 7, 49, 100, 1000, 1000003, INT32_MAX - 1 };
	const int64_t range = ranges[_i], min = INT64_C(-5000000000) + range / 2;
	int64_t out[N_ROWS], want[N_ROWS];
	cs_random_init(&dice, (uint64_t)_i);
	for (uint32_t row = 0; row < N_ROWS; row++) {
		int64_t off = (int64_t)cs_random_below(&dice, (uint64_t)range + 1);
		out[row] = min + off;
		want[row] = (int64_t)(100.0 * ((double)off / (double)range));
	}
	out[0] = INT64_MIN, want[0] = 0;
	out[N_ROWS - 1] = INT64_MAX, want[N_ROWS - 1] = 100;
	cs_kernel_stretch(min, min + range, N_ROWS, out);
	ck_assert_mem_eq(out, want, sizeof(out));
}
END_TEST

START_TEST(the_first_verdict)
{
	uint8_t marks[] = { 0, 1, 2, 3, 3 };
	const uint8_t want[] = { 0, 1, 2, 2, 3 };
	cs_kernel_first_verdicts((struct cs_rows){ 0, 4 }, marks);
	ck_assert_mem_eq(marks, want, sizeof(want));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/affinity_kernel");
	TCase *tcase = tcase_create("affinity_kernel");
	tcase_add_loop_test(tcase, rows_to_domains, 0, 40);
	tcase_add_loop_test(tcase, domains_to_rows, 0, 40);
	tcase_add_loop_test(tcase, rows_alone, 0, 60);
	tcase_add_loop_test(tcase, stretches, 0, 8);
	tcase_add_test(tcase, the_first_verdict);
	suite_add_tcase(suite, tcase);
	return suite;
}
