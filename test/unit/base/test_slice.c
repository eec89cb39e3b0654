// Lists of words. Neighbours: csched/base/slice.h.
#include "../check_main.h"

#include <csched/base/slice.h>

static const struct {
	const char *list;
	const char *words; // with '|' behind each
} lists[] = {
	{ "", "" },
	{ "a", "a|" },
	{ "a,bc", "a|bc|" },
	{ " a , b c ,d  ", "a|b c|d|" },
	{ ",a,, ,b,", "a|b|" },
	{ " ,  ", "" },
};

START_TEST(words_of_a_list)
{
	const char *list = lists[_i].list, *expected = lists[_i].words;
	struct cs_slice word;
	while (cs_list_next(&list, &word)) {
		ck_assert_uint_eq(word.size, strcspn(expected, "|"));
		ck_assert_mem_eq(word.data, expected, word.size);
		expected += word.size + 1;
	}
	ck_assert_str_eq(expected, "");
	ck_assert(!cs_list_next(&list, &word));
}
END_TEST

START_TEST(what_a_list_has)
{
	ck_assert(cs_list_has("ab, c", "ab"));
	ck_assert(cs_list_has("ab, c", "c"));
	ck_assert(!cs_list_has("ab, c", "a"));
	ck_assert(!cs_list_has("ab, c", ""));
	ck_assert(!cs_list_has("", ""));
	ck_assert(!cs_list_has(NULL, "a"));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("slice");
	TCase *tcase = tcase_create("slice");
	tcase_add_loop_test(tcase, words_of_a_list, 0, sizeof(lists) / sizeof(*lists));
	tcase_add_test(tcase, what_a_list_has);
	suite_add_tcase(suite, tcase);
	return suite;
}
