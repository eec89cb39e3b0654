// A list of splices grows and adds up. Neighbours: base/splice.c.
#include "../check_main.h"

#include <csched/base/splice.h>

START_TEST(many)
{
	struct cs_splices splices = { 0 };
	for (size_t i = 0; i < 100; i++)
		cs_splices_add(&splices, i / 2, (struct cs_slice){ "abc", i % 4 });
	ck_assert_uint_eq(splices.n, 100);
	ck_assert_uint_eq(splices.size, 150);
	for (size_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(splices.items[i].at, i / 2);
		ck_assert_uint_eq(splices.items[i].bytes.size, i % 4);
	}
	cs_splices_finish(&splices);
	ck_assert_uint_eq(splices.n, 0);
	cs_splices_finish(&splices);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("splice");
	TCase *tcase = tcase_create("list");
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	return suite;
}
