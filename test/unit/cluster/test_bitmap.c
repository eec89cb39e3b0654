// Sets of rows. Neighbours: lib/cluster/bitmap.c.
#include "../check_main.h"

#include <csched/cluster/bitmap.h>

START_TEST(rows_come_and_go)
{
	struct cs_bitmap bitmap = { 0 };
	ck_assert(!cs_bitmap_test(&bitmap, 0));
	cs_bitmap_set(&bitmap, 5000, false); // nothing grows for a row that is not in
	ck_assert_uint_eq(bitmap.n_words, 0);
	static const uint32_t rows[] = { 0, 63, 64, 65, 1000, 4999 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cs_bitmap_set(&bitmap, rows[i], true);
		ck_assert(cs_bitmap_test(&bitmap, rows[i]));
		ck_assert(!cs_bitmap_test(&bitmap, rows[i] + 2));
	}
	uint32_t n = 0;
	for (uint32_t row = 0; row < 6000; row++)
		n += cs_bitmap_test(&bitmap, row);
	ck_assert_uint_eq(n, 6);
	cs_bitmap_set(&bitmap, 64, false);
	ck_assert(!cs_bitmap_test(&bitmap, 64));
	ck_assert(cs_bitmap_test(&bitmap, 63));
	ck_assert(cs_bitmap_test(&bitmap, 65));
	cs_bitmap_finish(&bitmap);
	ck_assert(!cs_bitmap_test(&bitmap, 63));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/bitmap");
	TCase *tcase = tcase_create("bitmap");
	tcase_add_test(tcase, rows_come_and_go);
	suite_add_tcase(suite, tcase);
	return suite;
}
