// The kernels against upstream's formulas in int64 and plain loops. Neighbours:
// lib/plugins/kernel.h.
#include "../check_main.h"

#include <math.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>

#include "plugins/kernel.h"

#define ROWS 1000

struct columns {
	int64_t allocatable[ROWS];
	int64_t used[ROWS];
	double allocatable_double[ROWS];
	double used_double[ROWS];
	double free_double[ROWS];
	double inverse[ROWS];
};

static void fill(struct columns *columns, struct cs_random *random, int64_t max)
{
	for (int row = 0; row < ROWS; row++) {
		int64_t capacity = cs_random_below(random, 8) == 0
					   ? 0
					   : (int64_t)cs_random_below(random, (uint64_t)max);
		columns->allocatable[row] = capacity;
		columns->used[row] =
			(int64_t)cs_random_below(random, (uint64_t)(capacity + capacity / 8 + 1));
		columns->allocatable_double[row] = (double)capacity;
		columns->used_double[row] = (double)columns->used[row];
		columns->free_double[row] = (double)capacity - columns->used_double[row];
		columns->inverse[row] = capacity ? nextafter(1.0 / (double)capacity, HUGE_VAL) : 0;
	}
}

static struct cs_kernel_term term_of(const struct columns *columns, int64_t asked, int64_t weight,
				     bool exact)
{
	return (struct cs_kernel_term){
		.allocatable = columns->allocatable,
		.used = columns->used,
		.allocatable_double = columns->allocatable_double,
		.used_double = columns->used_double,
		.inverse = columns->inverse,
		.free_double = columns->free_double,
		.asked = asked,
		.weight = weight,
		.exact = exact,
	};
}

// leastResourceScorer of noderesources/least_allocated.go.
static int64_t least(const struct cs_kernel_term *terms, int n, int row)
{
	int64_t score = 0;
	int64_t weights = 0;
	for (int i = 0; i < n; i++) {
		int64_t capacity = terms[i].allocatable[row];
		int64_t requested = terms[i].used[row] + terms[i].asked;
		if (capacity == 0)
			continue;
		int64_t part = requested > capacity ? 0 : (capacity - requested) * 100 / capacity;
		score += part * terms[i].weight;
		weights += terms[i].weight;
	}
	return weights ? score / weights : 0;
}

static void check_least(struct cs_random *random, int64_t max, bool exact)
{
	CS_AUTO_FREE struct columns *columns = cs_alloc_array(3, sizeof(*columns));
	struct cs_kernel_term terms[3];
	for (int i = 0; i < 3; i++) {
		fill(&columns[i], random, max);
		int64_t asked = (int64_t)cs_random_below(random, (uint64_t)max / 4 + 1);
		terms[i] = term_of(&columns[i], asked, 1 + (int64_t)cs_random_below(random, 100),
				   exact);
	}
	uint8_t out[ROWS];
	cs_kernel_least_pair(terms, (struct cs_rows){ .first = 3, .end = ROWS }, out);
	for (int row = 3; exact && row < ROWS; row++)
		ck_assert_int_eq(out[row], least(terms, 2, row));
	for (uint32_t n = 0; n <= 3; n++) {
		cs_kernel_least_allocated(terms, n, (struct cs_rows){ .first = 0, .end = ROWS },
					  out);
		for (int row = 0; row < ROWS; row++)
			ck_assert_int_eq(out[row], least(terms, (int)n, row));
	}
}

START_TEST(test_least_allocated_doubles_equal_integers)
{
	struct cs_random random;
	cs_random_init(&random, 1);
	static const int64_t sizes[] = { 10, 64000, INT64_C(1) << 40, CS_ALLOCATABLE_EXACT };
	for (int round = 0; round < 40; round++)
		check_least(&random, sizes[round % 4], true);
}
END_TEST

START_TEST(test_least_allocated_beyond_doubles)
{
	struct cs_random random;
	cs_random_init(&random, 2);
	for (int round = 0; round < 10; round++)
		check_least(&random, INT64_C(1) << 56, false);
}
END_TEST

START_TEST(test_least_allocated_touches_its_rows_alone)
{
	struct cs_random random;
	cs_random_init(&random, 3);
	struct columns columns;
	fill(&columns, &random, 1000);
	struct cs_kernel_term term = term_of(&columns, 5, 1, true);
	uint8_t out[ROWS];
	for (int row = 0; row < ROWS; row++)
		out[row] = 0xee;
	cs_kernel_least_allocated(&term, 1, (struct cs_rows){ .first = 300, .end = 700 }, out);
	for (int row = 0; row < ROWS; row++)
		ck_assert_int_eq(out[row], row < 300 || row >= 700 ? 0xee : least(&term, 1, row));
}
END_TEST

// mostResourceScorer of noderesources/most_allocated.go.
static int64_t most(const struct cs_kernel_term *terms, int n, int row)
{
	int64_t score = 0;
	int64_t weights = 0;
	for (int i = 0; i < n; i++) {
		int64_t capacity = terms[i].allocatable[row];
		int64_t requested = terms[i].used[row] + terms[i].asked;
		if (capacity == 0)
			continue;
		requested = requested > capacity ? capacity : requested;
		score += (int64_t)((__int128)requested * 100 / capacity) * terms[i].weight;
		weights += terms[i].weight;
	}
	return weights ? score / weights : 0;
}

// buildRequestedToCapacityRatioScorerFunction of noderesources/requested_to_capacity_ratio.go.
static int64_t by_ratio(const struct cs_kernel_term *terms, int n, const double *ratio, int row)
{
	int64_t score = 0;
	int64_t weights = 0;
	for (int i = 0; i < n; i++) {
		int64_t capacity = terms[i].allocatable[row];
		int64_t requested = terms[i].used[row] + terms[i].asked;
		if (capacity == 0)
			continue;
		int64_t part = (int64_t)
			ratio[requested > capacity ? 100 : (__int128)requested * 100 / capacity];
		if (part <= 0)
			continue;
		score += part * terms[i].weight;
		weights += terms[i].weight;
	}
	return weights ? (int64_t)round((double)score / (double)weights) : 0;
}

// balancedResourceScore of noderesources/balanced_allocation.go.
static int64_t balance_all(const struct cs_kernel_term *terms, int n, int row, bool with)
{
	double fractions[CS_KERNEL_TERMS_MAX];
	double total = 0, std = 0, sum = 0;
	int count = 0;
	for (int i = 0; i < n; i++) {
		int64_t capacity = terms[i].allocatable[row];
		int64_t requested = terms[i].used[row] + (with ? terms[i].asked : 0);
		if (capacity == 0)
			continue;
		double fraction = (double)requested / (double)capacity;
		fractions[count] = fraction > 1 ? 1 : fraction;
		total += fractions[count++];
	}
	if (count == 2)
		std = fabs((fractions[0] - fractions[1]) / 2);
	for (int i = 0; i < count && count > 2; i++)
		sum += (fractions[i] - total / count) * (fractions[i] - total / count);
	if (count > 2)
		std = sqrt(sum / count);
	return (int64_t)((1 - std) * 100);
}

#define TERMS 5

// Up to five resources of sizes below `max`, against upstream's loops.
static void check_others(struct cs_random *random, int64_t max, bool exact)
{
	CS_AUTO_FREE struct columns *columns = cs_alloc_array(TERMS, sizeof(*columns));
	struct cs_kernel_term terms[TERMS];
	double ratio[CS_KERNEL_RATIOS];
	for (int i = 0; i < TERMS; i++) {
		fill(&columns[i], random, max);
		int64_t asked = (int64_t)cs_random_below(random, (uint64_t)max / 4 + 1);
		terms[i] = term_of(&columns[i], asked, 1 + (int64_t)cs_random_below(random, 100),
				   exact);
	}
	for (int i = 0; i < CS_KERNEL_RATIOS; i++)
		ratio[i] = (double)(cs_random_below(random, 4) ? cs_random_below(random, 101) : 0);
	const struct cs_rows all = { .first = 0, .end = ROWS };
	uint8_t full[ROWS], shaped[ROWS], balanced[ROWS];
	for (int n = 0; n <= TERMS; n++) {
		cs_kernel_most_allocated(terms, (uint32_t)n, all, full);
		cs_kernel_capacity_ratio(terms, (uint32_t)n, ratio, all, shaped);
		cs_kernel_balanced_all(terms, (uint32_t)n, all, balanced);
		for (int row = 0; row < ROWS; row++) {
			ck_assert_int_eq(full[row], most(terms, n, row));
			ck_assert_int_eq(shaped[row], by_ratio(terms, n, ratio, row));
			ck_assert_int_eq(balanced[row],
					 50 + (50 + balance_all(terms, n, row, true) -
					       balance_all(terms, n, row, false)) /
							 2);
		}
	}
}

START_TEST(test_other_scores)
{
	struct cs_random random;
	cs_random_init(&random, 5);
	static const int64_t sizes[] = { 10, 64000, INT64_C(1) << 40, CS_ALLOCATABLE_EXACT };
	for (int round = 0; round < 24; round++)
		check_others(&random, sizes[round % 4], true);
	for (int round = 0; round < 6; round++)
		check_others(&random, INT64_C(1) << 60, false);
}
END_TEST

// Two doubles cannot tell 2^53 from 2^53 + 1; upstream adds before it converts.
START_TEST(test_balance_beyond_doubles)
{
	struct columns columns[2] = { 0 };
	const int64_t big = (INT64_C(1) << 62) + 1;
	for (int i = 0; i < 2; i++) {
		columns[i].allocatable[0] = big;
		columns[i].allocatable_double[0] = (double)big;
	}
	columns[0].used[0] = big - 1;
	struct cs_kernel_term terms[2] = { term_of(&columns[0], INT64_MAX, 1, false),
					   term_of(&columns[1], 0, 1, false) };
	uint8_t out[1];
	cs_kernel_balanced_all(terms, 2, (struct cs_rows){ .first = 0, .end = 1 }, out);
	ck_assert_int_eq(out[0], 75); // 1 and 0 before, 1 and 0 behind: what is over counts 1
}
END_TEST

static const int64_t fit_allocatable[] = { 100, 100, 100, 100, 0, INT64_MAX };
static const int64_t fit_free[] = { 100, 50, 49, 0, 0, 0 };
static const uint8_t fit_words[] = { CS_VERDICT_FITS,          CS_VERDICT_FITS,
				     CS_VERDICT_UNSCHEDULABLE, CS_VERDICT_UNSCHEDULABLE,
				     CS_VERDICT_UNRESOLVABLE,  CS_VERDICT_UNSCHEDULABLE };
static const struct cs_kernel_fit fifty = { fit_allocatable, fit_free, 50 };
static const struct cs_kernel_fit nothing = { fit_allocatable, fit_free, CS_KERNEL_ASKS_NONE };

START_TEST(test_fit)
{
	uint8_t verdict[6] = { 0 }, worst[6];
	memset(worst, CS_VERDICT_UNRESOLVABLE, sizeof(worst));
	cs_kernel_fit(&fifty, (struct cs_rows){ 0, 6 }, verdict);
	ck_assert_mem_eq(verdict, fit_words, sizeof(verdict));
	cs_kernel_fit(&nothing, (struct cs_rows){ 0, 6 }, verdict);
	ck_assert_mem_eq(verdict, fit_words, sizeof(verdict));
	cs_kernel_fit(&fifty, (struct cs_rows){ 0, 6 }, worst);
	for (int row = 0; row < 6; row++)
		ck_assert_uint_eq(worst[row], CS_VERDICT_UNRESOLVABLE);
}
END_TEST

// The worst of pods and both resources, whichever says so.
START_TEST(test_fit_pods)
{
	static const uint8_t none[6] = { 0 };
	static const uint8_t full[] = { 0, 0, 1, 1, 1, 1 };
	for (int i = 0; i < 8; i++) {
		const struct cs_kernel_fit fits[] = { i & 1 ? fifty : nothing,
						      i & 2 ? fifty : nothing };
		uint8_t verdict[7] = { 7, 7, 7, 7, 7, 7, 7 };
		cs_kernel_fit_pods(i & 4 ? full : none, fits, (struct cs_rows){ 1, 6 }, verdict);
		ck_assert_uint_eq(verdict[0], 7);
		ck_assert_uint_eq(verdict[6], 7);
		for (int row = 1; row < 6; row++) {
			uint8_t want = i & 3 ? fit_words[row] : 0;
			if (i & 4 && full[row] > want)
				want = full[row];
			ck_assert_uint_eq(verdict[row], want);
		}
	}
}
END_TEST

// balancedResourceScore of noderesources/balanced_allocation.go for two resources.
static int64_t balance(const struct cs_kernel_term *terms, int row, bool with)
{
	double fractions[2];
	int n = 0;
	for (int i = 0; i < 2; i++) {
		int64_t capacity = terms[i].allocatable[row];
		int64_t requested = terms[i].used[row] + (with ? terms[i].asked : 0);
		if (capacity == 0)
			continue;
		double fraction = (double)requested / (double)capacity;
		fractions[n++] = fraction > 1 ? 1 : fraction;
	}
	double std = n == 2 ? fabs((fractions[0] - fractions[1]) / 2) : 0;
	return (int64_t)((1 - std) * 100);
}

static void check_balanced_pair(const struct cs_kernel_term terms[2])
{
	uint8_t without[ROWS];
	uint8_t out[ROWS];
	for (int row = 0; row < ROWS; row++)
		without[row] = (uint8_t)balance(terms, row, false);
	cs_kernel_balanced_pair(terms, without, (struct cs_rows){ .first = 0, .end = ROWS }, out);
	for (int row = 0; row < ROWS; row++)
		ck_assert_int_eq(out[row],
				 50 + (50 + balance(terms, row, true) - without[row]) / 2);
}

// Also where fractions are round numbers, and a last bit would make another score of them.
START_TEST(test_balanced_pair)
{
	struct cs_random random;
	cs_random_init(&random, 4);
	static const int64_t sizes[] = { 64000, INT64_C(1) << 38,    10, 1000,
					 200,   CS_ALLOCATABLE_EXACT };
	for (int round = 0; round < 300; round++) {
		struct columns columns[2];
		struct cs_kernel_term terms[2];
		for (int i = 0; i < 2; i++) {
			int64_t size = sizes[cs_random_below(&random, CS_ARRAY_LENGTH(sizes))];
			fill(&columns[i], &random, size);
			int64_t asked = (int64_t)cs_random_below(&random, (uint64_t)size / 4 + 1);
			terms[i] = term_of(&columns[i], asked, 1, true);
		}
		check_balanced_pair(terms);
	}
}
END_TEST

// An empty node of 4000m and 10000 bytes, a pod of 3000m and 5000: B = 87, so 68 in 1.36.
START_TEST(test_balanced_known_value)
{
	struct columns columns[2] = { 0 };
	columns[0].allocatable[0] = 4000;
	columns[0].allocatable_double[0] = 4000;
	columns[1].allocatable[0] = 10000;
	columns[1].allocatable_double[0] = 10000;
	struct cs_kernel_term terms[2] = { term_of(&columns[0], 3000, 1, true),
					   term_of(&columns[1], 5000, 1, true) };
	uint8_t out[1];
	for (int i = 0; i < 2; i++)
		columns[i].inverse[0] = nextafter(1.0 / columns[i].allocatable_double[0], HUGE_VAL);
	const uint8_t without[] = { 100 };
	cs_kernel_balanced_pair(terms, without, (struct cs_rows){ .first = 0, .end = 1 }, out);
	ck_assert_int_eq(out[0], 68);
}
END_TEST

// Ids that are there, that are not, and places that are not in use.
START_TEST(test_match)
{
	const struct cs_kernel_ids ids = { { 3, 0, 7, 0 }, { 2, 0, 1, 0 } };
	static const int32_t words[10] = { [3] = 2, [7] = 1 };
	uint32_t column[ROWS];
	uint8_t verdict[ROWS];
	int64_t out[ROWS];
	struct cs_random random;
	cs_random_init(&random, 5);
	for (uint32_t row = 0; row < ROWS; row++) {
		column[row] = (uint32_t)cs_random_below(&random, 10);
		verdict[row] = row % 2 ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS;
		out[row] = row;
	}
	cs_kernel_match(column, &ids, (struct cs_rows){ 3, ROWS - 5 }, verdict);
	cs_kernel_match_scores(column, &ids, (struct cs_rows){ 3, ROWS - 5 }, false, out);
	for (uint32_t row = 0; row < ROWS; row++) {
		int32_t word = row >= 3 && row < ROWS - 5 ? words[column[row]] : 0;
		int before = row % 2 ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS;
		ck_assert_int_eq(verdict[row], before | word);
		ck_assert_int_eq(out[row], (int64_t)row + word);
	}
	cs_kernel_match_scores(column, &ids, (struct cs_rows){ 3, ROWS - 5 }, true, out);
	for (uint32_t row = 3; row < ROWS - 5; row++)
		ck_assert_int_eq(out[row], words[column[row]]);
}
END_TEST

// Ranges that begin and end anywhere, rows beyond the set's last word.
START_TEST(test_sets)
{
	struct cs_random random;
	cs_random_init(&random, 6);
	for (int round = 0; round < 200; round++) {
		struct cs_bitmap set = { 0 };
		for (uint32_t i = 0; i < cs_random_below(&random, 300); i++)
			cs_bitmap_set(&set, (uint32_t)cs_random_below(&random, ROWS), true);
		uint32_t first = (uint32_t)cs_random_below(&random, ROWS);
		uint32_t end = first + 1 + (uint32_t)cs_random_below(&random, ROWS - first);
		uint8_t verdict[ROWS];
		int64_t out[ROWS];
		for (uint32_t row = 0; row < ROWS; row++) {
			verdict[row] = row % 2;
			out[row] = row;
		}
		cs_kernel_flag_others(&set, 2, (struct cs_rows){ first, end }, verdict);
		cs_kernel_add_to_set(&set, -7 * (INT64_C(1) << 33), (struct cs_rows){ first, end },
				     out);
		for (uint32_t row = 0; row < ROWS; row++) {
			bool asked = row >= first && row < end, has = cs_bitmap_test(&set, row);
			ck_assert_uint_eq(verdict[row], asked && !has ? 2 : row % 2);
			ck_assert_int_eq(out[row],
					 row + (asked && has) * (-7 * (INT64_C(1) << 33)));
		}
		cs_bitmap_finish(&set);
	}
}
END_TEST

START_TEST(test_flags)
{
	uint8_t flags[ROWS], verdict[ROWS];
	for (uint32_t row = 0; row < ROWS; row++) {
		flags[row] = row % 3 == 0;
		verdict[row] = 9;
	}
	cs_kernel_flags(flags, CS_VERDICT_UNRESOLVABLE, (struct cs_rows){ 1, ROWS - 1 }, verdict);
	for (uint32_t row = 0; row < ROWS; row++)
		ck_assert_int_eq(verdict[row], row == 0 || row == ROWS - 1 ? 9
					       : row % 3 == 0              ? CS_VERDICT_UNRESOLVABLE
									   : CS_VERDICT_FITS);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("plugins/kernel");
	TCase *tcase = tcase_create("kernel");
	tcase_add_test(tcase, test_least_allocated_doubles_equal_integers);
	tcase_add_test(tcase, test_least_allocated_beyond_doubles);
	tcase_add_test(tcase, test_least_allocated_touches_its_rows_alone);
	tcase_add_test(tcase, test_other_scores);
	tcase_add_test(tcase, test_balance_beyond_doubles);
	tcase_add_test(tcase, test_fit);
	tcase_add_test(tcase, test_fit_pods);
	tcase_add_test(tcase, test_match);
	tcase_add_test(tcase, test_flags);
	tcase_add_test(tcase, test_sets);
	tcase_add_test(tcase, test_balanced_pair);
	tcase_add_test(tcase, test_balanced_known_value);
	suite_add_tcase(suite, tcase);
	return suite;
}
