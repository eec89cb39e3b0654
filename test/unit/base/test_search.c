// Tests of the search in sorted arrays, against looking at each element.
// Neighbours: csched/base/search.h.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/search.h>

struct pair {
	uint32_t key;
	uint32_t value;
};

START_TEST(every_place)
{
	enum { N = 33 };
	struct pair pairs[N];
	uint32_t keys[N];
	for (uint32_t i = 0; i < N; i++) {
		pairs[i] = (struct pair){ .key = 3 * i + 1, .value = i };
		keys[i] = 3 * i + 1;
	}
	for (uint32_t n = 0; n <= N; n++)
		for (uint32_t key = 0; key <= 3 * N + 1; key++) {
			uint32_t wanted = 0;
			while (wanted < n && keys[wanted] < key)
				wanted++;
			ck_assert_uint_eq(cs_search(keys, sizeof(keys[0]), n, key), wanted);
			ck_assert_uint_eq(cs_search(pairs, sizeof(pairs[0]), n, key), wanted);
		}
}
END_TEST

START_TEST(extremes)
{
	const uint32_t keys[] = { 0, UINT32_MAX };
	ck_assert_uint_eq(cs_search(NULL, sizeof(keys[0]), 0, 5), 0);
	ck_assert_uint_eq(cs_search(keys, sizeof(keys[0]), 2, 0), 0);
	ck_assert_uint_eq(cs_search(keys, sizeof(keys[0]), 2, UINT32_MAX), 1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("search");
	TCase *tcase = tcase_create("search");
	tcase_add_test(tcase, every_place);
	tcase_add_test(tcase, extremes);
	suite_add_tcase(suite, tcase);
	return suite;
}
